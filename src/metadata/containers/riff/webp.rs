//! WebP's chunks: its size and its EXIF (Google, "WebP Container Specification"; RFC 6386, section 9.1; Google, "WebP
//! Lossless Bitstream Specification", section 3).

use super::walk::{Chunk, Walk};
use crate::metadata::blocks;
use crate::metadata::containers::endian::{le16, le32};
use crate::metadata::containers::extent::Extent;
use crate::metadata::fault::Fault;

/// Reads EXIF, which some programs write with the prefix that it has in JPEG.
///
/// # Errors
/// As the disk says.
pub fn exif(walk: &mut Walk<'_, '_>, content: Extent) -> Result<(), Fault> {
    content.add_block(walk.input, &mut walk.found.exif, |block, budget| {
        blocks::exif::read(block.strip_prefix(b"Exif\0\0").unwrap_or(block), budget)
    })
}

/// Reads the size of the canvas, or of the only image.
///
/// # Errors
/// As the disk says.
pub fn size(walk: &mut Walk<'_, '_>, chunk: &Chunk) -> Result<(), Fault> {
    let bytes = chunk.content.head(walk.input, 10)?;
    let Some((width, height)) = dimensions(chunk.kind, bytes) else { return Ok(()) };
    walk.tag("ImageWidth", width.to_string());
    walk.tag("ImageHeight", height.to_string());
    Ok(())
}

fn dimensions(kind: [u8; 4], bytes: &[u8]) -> Option<(u32, u32)> {
    match &kind {
        // Flags, then two numbers of 24 bits, each less one.
        b"VP8X" => Some(((le32(bytes, 4)? & 0xff_ffff) + 1, (le32(bytes, 6)? >> 8) + 1)),
        // A key frame's tag and start code, then two numbers of 14 bits.
        b"VP8 " if bytes.get(3..6) == Some(b"\x9d\x01\x2a") => {
            Some(((le16(bytes, 6)? & 0x3fff).into(), (le16(bytes, 8)? & 0x3fff).into()))
        }
        // A signature, then two numbers of 14 bits, each less one.
        b"VP8L" if bytes.first() == Some(&0x2f) => {
            let bits = le32(bytes, 1)?;
            Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::dimensions;

    #[test]
    fn sizes_are_packed() {
        assert_eq!(dimensions(*b"VP8X", b"\x10\0\0\0\x3f\x01\0\x2f\0\x01"), Some((320, 65_584)));
        assert_eq!(dimensions(*b"VP8 ", b"\0\0\0\x9d\x01\x2a\x40\x41\x30\0"), Some((320, 48)));
        assert_eq!(dimensions(*b"VP8L", b"\x2f\x3f\xc1\x0b\0\0\0\0\0\0"), Some((320, 48)));
        assert_eq!((dimensions(*b"VP8X", b""), dimensions(*b"VP8L", b"\0\0\0\0\0")), (None, None));
    }
}
