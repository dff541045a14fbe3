//! PNG (W3C, Portable Network Graphics Specification, third edition; the registered extensions to it).
//!
//! Goes from chunk to chunk and reads those that say something; runs of image data are passed by in few steps. Checks
//! no CRCs and decodes no image.

pub mod chunks;
pub mod image;
pub mod profile;
pub mod text;

use super::endian::be16;
use super::extent::Extent;
use crate::metadata::blocks;
use crate::metadata::fault::Fault;
use crate::metadata::found::{self, Found};
use crate::metadata::input::Input;
use chunks::{Chunk, Chunks};

/// The format's name in faults.
const FORMAT: &str = "PNG";

/// What a file begins with (PNG, section 5.2).
const SIGNATURE: &[u8; 8] = b"\x89PNG\r\n\x1a\n";

/// Returns whether these first bytes begin such a file.
#[must_use]
pub fn knows(head: &[u8]) -> bool {
    head.starts_with(SIGNATURE)
}

/// Reads such a file.
///
/// # Errors
/// When it ends before its last chunk, has too many chunks, or the disk refuses.
pub fn read(input: &mut Input<'_>, found: &mut Found) -> Result<(), Fault> {
    let mut chunks = Chunks::default();
    let mut texts = text::Texts::default();
    let mut at = SIGNATURE.len() as u64;
    loop {
        let Some(chunk) = chunks.next(input, at)? else {
            return Err(Fault::damaged(FORMAT, "the file ends before its last chunk"));
        };
        match &chunk.kind {
            b"IEND" => break,
            b"IDAT" => {
                at = chunks.past_run(input, &chunk)?;
                continue;
            }
            b"eXIf" => chunk.content.add_block(input, &mut found.exif, |block, budget| {
                blocks::exif::read(block.strip_prefix(b"Exif\0\0").unwrap_or(block), budget)
            })?,
            b"tEXt" | b"zTXt" | b"iTXt" => read_text(input, found, &mut texts, &chunk)?,
            b"tIME" => texts.add("ModifyDate".into(), None, modified(chunk.content.head(input, 7)?)),
            _ => image::read(&mut texts, chunk.kind, chunk.content.head(input, image::BYTES_MAX)?),
        }
        at = chunk.next();
    }
    found::add(&mut found.exif, texts.finish());
    Ok(())
}

/// Reads a chunk of text, which may be a block in disguise.
fn read_text(input: &mut Input<'_>, found: &mut Found, texts: &mut text::Texts, chunk: &Chunk) -> Result<(), Fault> {
    let Chunk { kind, content: Extent { begin, .. } } = *chunk;
    let budget = input.budget;
    let length = usize::try_from(chunk.content.length()).unwrap_or(usize::MAX);
    let bytes = match input.bytes(begin, length) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Err(Fault::damaged(FORMAT, "the file ends within a text")),
        Err(Fault::Io(error)) => return Err(error.into()),
        Err(fault) => {
            // Which source it belongs to, its keyword says, and that was not read.
            found::add(&mut found.exif, Err(fault));
            return Ok(());
        }
    };
    // An entry that is damaged is passed by, like any other that says nothing.
    let Some(raw) = text::RawText::read(kind, bytes) else { return Ok(()) };
    if let Some(profile) = profile::Profile::of(&raw.keyword) {
        profile.read(&raw, found, budget);
        return Ok(());
    }
    match raw.bytes(budget) {
        Ok(bytes) => texts.text(&raw, &bytes),
        Err(fault @ Fault::Limit { .. }) => found::add(&mut found.exif, Err(fault)),
        Err(_) => {}
    }
    Ok(())
}

/// When the image was changed, UTC (PNG, "Time stamp information").
fn modified(bytes: &[u8]) -> Option<String> {
    let (year, [month, day, hour, minute, second]) = (be16(bytes, 0)?, *bytes.get(2..)?.first_chunk()?);
    let date = format!("{year:04}:{month:02}:{day:02} {hour:02}:{minute:02}:{second:02}");
    crate::metadata::text::iso_date(&date)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::image::BYTES_MAX;
    use super::{SIGNATURE, knows, read};
    use crate::metadata::containers::sparse::{EXIF, Sparse, read as read_with, value, xmp};
    use crate::metadata::fault::Fault;
    use crate::metadata::limits::{BLOCK_BYTES_MAX, BOXES_MAX, KEYS_MAX, VALUE_BYTES_MAX};

    fn deflate(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        [&(content.len() as u32).to_be_bytes()[..], kind, content, &[0; 4]].concat()
    }

    fn header() -> Vec<u8> {
        [SIGNATURE, &chunk(b"IHDR", b"\0\0\0\x40\0\0\0\x30\x08\x02\0\0\0")[..]].concat()
    }

    fn profile(name: &str, bytes: &[u8]) -> Vec<u8> {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let text = format!("Raw profile type {name}\0\n{name}\n{:8}\n{hex}\n", bytes.len());
        chunk(b"tEXt", text.as_bytes())
    }

    #[test]
    fn a_png_says_what_its_chunks_say() {
        let parts = [
            header(),
            chunk(b"eXIf", EXIF),
            chunk(b"tEXt", b"Title\0One"),
            chunk(b"IDAT", b"pixels"),
            chunk(b"iTXt", b"Title\0\0\0de\0\0Eins"),
            chunk(b"tIME", b"\x07\xe4\x05\x01\x02\x03\x04"),
            chunk(b"iTXt", &[b"XML:com.adobe.xmp\0\0\0\0\0", &xmp("SFO")[..]].concat()),
            profile("iptc", b"\x1c\x02\x5a\0\x03SFO"),
            chunk(b"IEND", b""),
        ];
        let bytes = parts.concat();
        assert!(knows(&bytes) && !knows(b"\x89PNG"));
        let found = read_with(&Sparse::whole(bytes.clone()), read).expect("a file");
        for (group, name, expect) in [
            ("PNG", "ImageWidth", "64"),
            ("PNG", "Title", "One"),
            ("PNG", "Title-de", "Eins"),
            ("PNG", "ModifyDate", "2020-05-01T02:03:04"),
            ("IFD0", "Model", "Z9"),
        ] {
            assert_eq!(value(&found.exif, group, name).as_deref(), Some(expect), "{name}");
        }
        assert_eq!(value(&found.xmp, "XMP-photoshop", "City").as_deref(), Some("SFO"));
        assert_eq!(value(&found.iptc, "IPTC", "City").as_deref(), Some("SFO"));
        for length in 0..bytes.len() {
            let cut = read_with(&Sparse::whole(bytes[..length].to_vec()), read);
            assert!(matches!(cut, Err(Fault::Damaged { .. })), "{length}");
        }
    }

    #[test]
    fn profiles_may_be_segments_of_jpeg() {
        let segment = [b"http://ns.adobe.com/xap/1.0/\0", &xmp("SFO")[..]].concat();
        let exif = [b"Exif\0\0", EXIF].concat();
        let parts = [header(), profile("APP1", &segment), profile("exif", &exif), chunk(b"IEND", b"")];
        let found = read_with(&Sparse::whole(parts.concat()), read).expect("a file");
        assert_eq!(value(&found.exif, "IFD0", "Model").as_deref(), Some("Z9"));
        assert_eq!(value(&found.xmp, "XMP-photoshop", "City").as_deref(), Some("SFO"));
        let parts = [header(), chunk(b"tEXt", b"Raw profile type xmp\0\nxmp\n 4\nzz"), chunk(b"IEND", b"")];
        let found = read_with(&Sparse::whole(parts.concat()), read).expect("a file");
        assert!(found.exif.is_ok() && found.iptc.is_ok() && matches!(found.xmp, Err(Fault::Damaged { .. })));
    }

    #[test]
    fn image_data_in_pieces_is_passed_by() {
        const PIECES: u64 = 12_345;
        const PIECE: u64 = 8_192 + 12;
        let head = header();
        let begin = head.len() as u64;
        let mut pieces = vec![(0, head)];
        let piece = [&8_192_u32.to_be_bytes()[..], b"IDAT"].concat();
        pieces.extend((0..PIECES).map(|index| (begin + index * PIECE, piece.clone())));
        let last = chunk(b"IDAT", &[7; 100]);
        let text = chunk(b"iTXt", &[b"XML:com.adobe.xmp\0\0\0\0\0", &xmp("SFO")[..]].concat());
        let tail = [last, text, chunk(b"IEND", b"")].concat();
        let size = begin + PIECES * PIECE + tail.len() as u64;
        pieces.push((begin + PIECES * PIECE, tail));
        let content = Sparse::new(size, pieces);
        let found = read_with(&content, read).expect("a file");
        assert_eq!(value(&found.xmp, "XMP-photoshop", "City").as_deref(), Some("SFO"));
        assert!(content.reads.get() <= 32, "{} reads of {size} bytes", content.reads.get());
    }

    #[test]
    fn too_many_chunks_and_too_large_texts_are_faults() {
        // The first and the last chunk count.
        let chunks = |count: usize| {
            let parts = [header(), chunk(b"juNk", b"").repeat(count - 2), chunk(b"IEND", b"")];
            read_with(&Sparse::whole(parts.concat()), read)
        };
        assert!(chunks(BOXES_MAX).is_ok());
        let fault = chunks(BOXES_MAX + 1).expect_err("one chunk too many").to_string();
        assert_eq!(fault, "a file has more chunks than allowed (limit: 4096 chunks)");
        let text = |size: usize| {
            let mut head = [header(), chunk(b"tEXt", b"Title")].concat();
            let at = head.len() - 17;
            head.splice(at..at + 4, (size as u32).to_be_bytes());
            let end = (at + 12 + size) as u64;
            let content = Sparse::new(end + 12, [(0, head), (end, chunk(b"IEND", b""))]);
            read_with(&content, read).expect("a file")
        };
        let found = text(BLOCK_BYTES_MAX);
        assert_eq!(value(&found.exif, "PNG", "ImageWidth").as_deref(), Some("64"));
        assert_eq!(value(&found.exif, "PNG", "Title"), None);
        let found = text(BLOCK_BYTES_MAX + 1);
        let fault = found.exif.expect_err("one byte too many").to_string();
        assert_eq!(fault, "a block is larger than allowed (limit: 16777216 bytes)");
        assert!(found.xmp.is_ok());
    }

    #[test]
    fn a_text_that_is_too_long_is_left_out() {
        for kind in [b"tEXt", b"zTXt"] {
            let title = |length: usize| {
                let text = vec![b'x'; length];
                let content = match kind {
                    b"tEXt" => [b"Title\0", &text[..]].concat(),
                    _ => [b"Title\0\0", &deflate(&text)[..]].concat(),
                };
                let parts = [header(), chunk(kind, &content), chunk(b"tEXt", b"Author\0Me"), chunk(b"IEND", b"")];
                let found = read_with(&Sparse::whole(parts.concat()), read).expect("a file");
                assert_eq!(value(&found.exif, "PNG", "Author").as_deref(), Some("Me"));
                value(&found.exif, "PNG", "Title").map(|title| title.len())
            };
            assert_eq!((title(VALUE_BYTES_MAX), title(VALUE_BYTES_MAX + 1)), (Some(VALUE_BYTES_MAX), None));
        }
    }

    #[test]
    fn a_text_that_inflates_to_too_much_is_a_fault() {
        let title = |length: usize| {
            let content = [b"Title\0\0", &deflate(&vec![b'x'; length])[..]].concat();
            let parts = [header(), chunk(b"zTXt", &content), chunk(b"IEND", b"")];
            read_with(&Sparse::whole(parts.concat()), read).expect("a file")
        };
        assert!(title(BLOCK_BYTES_MAX).exif.is_ok());
        let fault = title(BLOCK_BYTES_MAX + 1).exif.expect_err("one byte too many").to_string();
        assert_eq!(fault, "a block inflates to more than allowed (limit: 16777216 bytes)");
    }

    #[test]
    fn too_many_keys_are_a_fault() {
        let texts = |count: usize| {
            let texts: Vec<u8> = (0..count).flat_map(|n| chunk(b"tEXt", format!("Key{n}\0x").as_bytes())).collect();
            let parts = [SIGNATURE.to_vec(), texts, chunk(b"IEND", b"")];
            read_with(&Sparse::whole(parts.concat()), read).expect("a file").exif
        };
        assert_eq!(texts(KEYS_MAX).expect("tags").len(), KEYS_MAX);
        let fault = texts(KEYS_MAX + 1).expect_err("one key too many").to_string();
        assert_eq!(fault, "a file has more keys than allowed (limit: 512 keys)");
    }

    #[test]
    fn a_name_of_colours_is_read_if_it_ends_in_the_first_128_bytes() {
        let name = |length: usize| {
            let profile = [&vec![b'x'; length][..], b"\0\0profile"].concat();
            let parts = [header(), chunk(b"iCCP", &profile), chunk(b"IEND", b"")];
            let found = read_with(&Sparse::whole(parts.concat()), read).expect("a file");
            assert_eq!(value(&found.exif, "PNG", "ImageWidth").as_deref(), Some("64"));
            value(&found.exif, "PNG", "ProfileName").map(|name| name.len())
        };
        // A NUL ends the name.
        assert_eq!((name(BYTES_MAX - 1), name(BYTES_MAX)), (Some(BYTES_MAX - 1), None));
    }
}
