//! GIF (CompuServe, "Graphics Interchange Format, Version 89a"): XMP in an application extension (XMP Specification
//! Part 3, "GIF"). Reads nothing else, and no images.

use super::endian::le16;
use super::extent::Extent;
use crate::metadata::blocks;
use crate::metadata::fault::Fault;
use crate::metadata::found::Found;
use crate::metadata::input::Input;
use crate::metadata::limits::{BLOCK_BYTES_MAX, BOXES_MAX, HEAD_BYTES};

const FORMAT: &str = "GIF";

/// Bytes behind an XMP packet that lead readers of sub-blocks to its end, whichever of its bytes they take for a size.
const TRAILER_BYTES: u64 = 257;

/// Returns whether these first bytes begin such a file.
#[must_use]
pub fn knows(head: &[u8]) -> bool {
    head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a")
}

/// Reads such a file up to the first image that goes on past the head: images are cut into pieces of 255 bytes and
/// would have to be read whole. Programs write XMP before the images, or in files that are small.
///
/// # Errors
/// When it is cut short, has too many blocks, or the disk refuses.
pub fn read(input: &mut Input<'_>, found: &mut Found) -> Result<(), Fault> {
    let ends = || Fault::damaged(FORMAT, "the file ends before its last block");
    let color_table = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let flags = input.bytes(10, 1)?.and_then(|bytes| bytes.first().copied()).ok_or_else(ends)?;
    let mut at = 13_u64 + color_table(flags);
    for _ in 0..BOXES_MAX {
        let head = input.at_most(at, 14)?;
        match *head {
            [0x3b, ..] => return Ok(()),
            [0x2c, ..] => {
                // A descriptor, a table of colours, a size of codes, the pieces.
                let (Some(_), Some(&flags)) = (le16(head, 1), head.get(9)) else { return Err(ends()) };
                let Some(end) = past_image(input, at + 11 + color_table(flags))? else { return Ok(()) };
                at = end;
            }
            [0x21, label, ..] => {
                let is_xmp = label == 0xff && head.get(3..14) == Some(b"XMP DataXMP");
                let begin = at + 14;
                at = past_pieces(input, at + 2, u64::MAX)?.unwrap_or(u64::MAX);
                if is_xmp {
                    // The last piece of the trailer is the end of the pieces.
                    let packet = Extent { begin, end: at.saturating_sub(TRAILER_BYTES + 1).max(begin) };
                    packet.add_block(input, &mut found.xmp, blocks::xmp::read)?;
                }
            }
            [] => return Err(ends()),
            _ => return Err(Fault::damaged(FORMAT, "other bytes are where a block begins")),
        }
    }
    Err(Fault::limit("a file has more blocks than allowed", format!("{BOXES_MAX} blocks")))
}

/// Where the pieces end that begin at an offset: each has its size before it, the last one is empty. `None` when they
/// go on past the bytes of interest.
fn past_pieces(input: &mut Input<'_>, begin: u64, interest_ends: u64) -> Result<Option<u64>, Fault> {
    let mut at = begin;
    while at < interest_ends {
        input.budget.step()?;
        let size = input.bytes(at, 1)?.and_then(|bytes| bytes.first().copied());
        let Some(size) = size else { return Err(Fault::damaged(FORMAT, "the file ends within a block")) };
        at += 1 + u64::from(size);
        if size == 0 {
            return Ok(Some(at));
        }
        if at - begin > BLOCK_BYTES_MAX as u64 {
            return Err(Fault::limit("a block is larger than allowed", format!("{BLOCK_BYTES_MAX} bytes")));
        }
    }
    Ok(None)
}

/// Where an image ends; `None` when that is past the head.
fn past_image(input: &mut Input<'_>, begin: u64) -> Result<Option<u64>, Fault> {
    past_pieces(input, begin, HEAD_BYTES as u64)
}

#[cfg(test)]
mod tests {
    use super::{BLOCK_BYTES_MAX, BOXES_MAX, TRAILER_BYTES, knows, read};
    use crate::metadata::containers::sparse::{Sparse, read as read_with, value, xmp};
    use crate::metadata::fault::Fault;

    fn extension() -> Vec<u8> {
        let trailer: Vec<u8> = [1].into_iter().chain((0..=255).rev()).chain([0]).collect();
        assert_eq!(trailer.len() as u64, TRAILER_BYTES + 1);
        [b"\x21\xff\x0bXMP DataXMP", &xmp("SFO")[..], &trailer].concat()
    }

    #[test]
    fn xmp_is_in_an_extension() {
        let header = b"GIF89a\x08\0\x08\0\x80\0\0\0\0\0\xff\xff\xff";
        let image = b"\x2c\0\0\0\0\x08\0\x08\0\0\x02\x03abc\0";
        let comment = b"\x21\xfe\x05hello\0";
        let with_image = [header, &comment[..], image, &extension(), b"\x3b"].concat();
        assert!(knows(&with_image) && !knows(b"GIF90a"));
        let found = read_with(&Sparse::whole(with_image.clone()), read).expect("a file");
        assert_eq!(value(&found.xmp, "XMP-photoshop", "City").as_deref(), Some("SFO"));
        for length in 0..with_image.len() {
            let cut = read_with(&Sparse::whole(with_image[..length].to_vec()), read);
            assert!(matches!(cut, Err(Fault::Damaged { .. })), "{length}");
        }
    }

    #[test]
    fn a_large_image_is_not_read() {
        let head = [b"GIF89a\x08\0\x08\0\0\0\0", &extension()[..], b"\x2c\0\0\0\0\x08\0\x08\0\0\x02"].concat();
        let pieces: Vec<u8> = (0..40_000).flat_map(|_| [&[255][..], &[7; 255]].concat()).collect();
        let content = Sparse::whole([head, pieces].concat());
        let found = read_with(&content, read).expect("a file");
        assert_eq!(value(&found.xmp, "XMP-photoshop", "City").as_deref(), Some("SFO"));
        assert_eq!(content.reads.get(), 1);
    }

    #[test]
    fn too_many_blocks_are_a_fault() {
        // The last byte of a file counts as a block.
        let blocks = |count: usize| {
            let comments = b"\x21\xfe\x01x\0".repeat(count - 1);
            let bytes = [b"GIF89a\x08\0\x08\0\0\0\0", &comments[..], b"\x3b"].concat();
            read_with(&Sparse::whole(bytes), read)
        };
        assert!(blocks(BOXES_MAX).is_ok());
        let fault = blocks(BOXES_MAX + 1).expect_err("one block too many").to_string();
        assert_eq!(fault, "a file has more blocks than allowed (limit: 4096 blocks)");
    }

    #[test]
    fn a_block_that_is_too_large_is_a_fault() {
        // Each piece has its size before it.
        let pieces = [&[255][..], &[7; 255]].concat().repeat(BLOCK_BYTES_MAX / 256 - 1);
        let with = |last: &[u8]| {
            let bytes = [b"GIF89a\x08\0\x08\0\0\0\0\x21\xfe", &pieces[..], last, b"\0\x3b"].concat();
            read_with(&Sparse::whole(bytes), read)
        };
        assert!(with(&[&[255][..], &[7; 255]].concat()).is_ok());
        let fault = with(&[&[254][..], &[7; 254], b"\x01x"].concat()).expect_err("one byte too many").to_string();
        assert_eq!(fault, "a block is larger than allowed (limit: 16777216 bytes)");
    }
}
