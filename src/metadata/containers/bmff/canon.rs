//! Canon's box in CR3 files: four TIFF structures, one for each directory of EXIF (Canon publishes no specification;
//! as described by L. Clévy, "Describing the Canon Raw v3 file format"). Makers' notes (`CMT3`) are left out.

use super::boxes::Walk;
use crate::metadata::blocks;
use crate::metadata::containers::endian::{be32, le32};
use crate::metadata::containers::extent::Extent;
use crate::metadata::fault::Fault;
use crate::metadata::limits::BLOCK_BYTES_MAX;

/// The box's UUID.
pub const UUID: [u8; 16] =
    [0x85, 0xc0, 0xb6, 0x87, 0x82, 0x0f, 0x11, 0xe0, 0x81, 0x11, 0xf4, 0xce, 0x46, 0x2b, 0x6a, 0x48];

/// The tag of IFD0 that points to the EXIF directory, and the one that points to the GPS directory (EXIF 3.0, section
/// 4.6.3).
const EXIF_POINTER: u16 = 0x8769;
const GPS_POINTER: u16 = 0x8825;

/// Reads the box.
///
/// # Errors
/// As the walk says.
pub fn read(walk: &mut Walk<'_, '_>, content: Extent) -> Result<(), Fault> {
    let mut at = content.begin;
    while let Some(child) = walk.child(at, content)? {
        at = child.content.end;
        let pointer = match &child.kind {
            b"CMT1" => None,
            b"CMT2" => Some(EXIF_POINTER),
            b"CMT4" => Some(GPS_POINTER),
            _ => continue,
        };
        child.content.add_block(walk.input, &mut walk.found.exif, |block, budget| match pointer {
            None => blocks::exif::read(block, budget),
            Some(pointer) => match below_ifd0(block, pointer) {
                Some(block) => blocks::exif::read(&block, budget),
                None => Err(Fault::damaged("EXIF", "a structure of Canon's has no TIFF header")),
            },
        })?;
    }
    Ok(())
}

/// A TIFF structure whose first directory is not IFD0, with an IFD0 behind it that points to that directory.
fn below_ifd0(block: &[u8], pointer: u16) -> Option<Vec<u8>> {
    let is_little = block.starts_with(b"II");
    let first = if is_little { le32(block, 4)? } else { be32(block, 4)? };
    let two = |number: u16| if is_little { number.to_le_bytes() } else { number.to_be_bytes() };
    let four = |number: u32| if is_little { number.to_le_bytes() } else { number.to_be_bytes() };
    let mut out = block.get(..block.len().min(BLOCK_BYTES_MAX))?.to_vec();
    if out.len() % 2 == 1 {
        out.push(0);
    }
    let ifd0 = four(u32::try_from(out.len()).ok()?);
    // One entry: the tag, its type (LONG), one value, the value; then no next directory.
    for part in [&two(1)[..], &two(pointer), &two(4), &four(1), &four(first), &four(0)] {
        out.extend_from_slice(part);
    }
    out.get_mut(4..8)?.copy_from_slice(&ifd0);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::{EXIF_POINTER, below_ifd0};

    #[test]
    fn a_directory_gets_an_ifd0_that_points_to_it() {
        let block = b"II*\0\x08\0\0\0\x01\0\x9a\x82\x03\0\x01\0\0\0\x05\0\0\0\0\0\0\0";
        let out = below_ifd0(block, EXIF_POINTER).expect("a block");
        assert_eq!(&out[..8], b"II*\0\x1a\0\0\0");
        assert_eq!(&out[8..26], &block[8..]);
        assert_eq!(&out[26..], b"\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\0\0\0\0");
        assert_eq!(below_ifd0(b"II*\0", EXIF_POINTER), None);
    }
}
