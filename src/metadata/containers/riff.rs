//! RIFF files: WAV (also RF64 and BW64), WebP, AVI (Microsoft, "Multimedia Programming Interface and Data
//! Specifications 1.0"; EBU Tech 3306; ITU-R BS.2088; Google, "WebP Container Specification").
//!
//! Goes from chunk to chunk and reads those that say something. Reads no audio, no images, no ID3.

pub mod avi;
pub mod info;
pub mod walk;
pub mod wav;
pub mod webp;

use super::endian::{code, le64};
use crate::metadata::blocks;
use crate::metadata::fault::Fault;
use crate::metadata::found::{self, Found};
use crate::metadata::input::Input;
use walk::{Chunk, Walk};

/// The format's name in faults.
const FORMAT: &str = "RIFF";

/// The size of a chunk that did not fit into 32 bits, or was not known when the header was written.
const SIZE_UNKNOWN: u64 = u32::MAX as u64;

/// Returns whether these first bytes begin such a file.
#[must_use]
pub fn knows(head: &[u8]) -> bool {
    matches!(code(head, 0).as_ref(), Some(b"RIFF" | b"RF64" | b"BW64"))
        && matches!(code(head, 8).as_ref(), Some(b"WAVE" | b"WEBP" | b"AVI "))
}

/// Reads such a file.
///
/// # Errors
/// When it is cut short, has too many chunks, or the disk refuses.
pub fn read(input: &mut Input<'_>, found: &mut Found) -> Result<(), Fault> {
    let mut walk = Walk::new(input, found);
    top_chunks(&mut walk)?;
    let tags = std::mem::take(&mut walk.tags);
    found::add(&mut found.exif, Ok(tags));
    Ok(())
}

fn top_chunks(walk: &mut Walk<'_, '_>) -> Result<(), Fault> {
    let size = walk.input.size();
    let mut data_size = SIZE_UNKNOWN;
    let (mut at, mut is_padded) = (12, false);
    while let Some(mut top) = walk.chunk(at, size)? {
        if matches!(&top.kind, b"RIFF" | b"RF64" | b"BW64") {
            // A large AVI has several of them, each with a type of its own.
            at = at.saturating_add(12);
            continue;
        }
        if !top.kind.iter().all(|byte| (0x20..0x7f).contains(byte)) {
            if std::mem::take(&mut is_padded) {
                // Some programs leave out the byte behind a chunk of odd length.
                at = at.saturating_sub(1);
                continue;
            }
            // Not a chunk: some programs append data in formats of their own.
            return Ok(());
        }
        if &top.kind == b"data" && top.content.length() == SIZE_UNKNOWN {
            top.content.end = match data_size {
                // Written to a pipe: what follows is audio to the end.
                SIZE_UNKNOWN => size,
                data_size => top.content.begin.saturating_add(data_size),
            };
        }
        if top.content.end > size {
            return Err(Fault::damaged(
                FORMAT,
                format!("chunk {} extends past the end of the file", top.kind.escape_ascii()),
            ));
        }
        match &top.kind {
            b"ds64" => data_size = le64(top.content.head(walk.input, 16)?, 8).unwrap_or(SIZE_UNKNOWN),
            b"LIST" => list(walk, &top)?,
            b"_PMX" | b"XMP " => top.content.add_block(walk.input, &mut walk.found.xmp, blocks::xmp::read)?,
            b"EXIF" => webp::exif(walk, top.content)?,
            b"VP8X" | b"VP8 " | b"VP8L" => webp::size(walk, &top)?,
            b"fmt " => wav::format(walk, top.content)?,
            b"bext" => top.content.add_block(walk.input, &mut walk.found.exif, blocks::bext::read)?,
            b"iXML" => top.content.add_block(walk.input, &mut walk.found.exif, blocks::ixml::read)?,
            b"IDIT" => avi::date(walk, top.content)?,
            _ => {}
        }
        at = top.next();
        is_padded = at != top.content.end;
    }
    Ok(())
}

/// Reads a list of chunks.
fn list(walk: &mut Walk<'_, '_>, list: &Chunk) -> Result<(), Fault> {
    let kind = code(list.content.head(walk.input, 4)?, 0);
    let mut content = list.content;
    content.begin = content.begin.saturating_add(4);
    match kind.as_ref() {
        Some(b"INFO") => info::read(walk, content, info::INFO),
        Some(b"exif") => info::read(walk, content, info::EXIF),
        Some(b"hdrl") => avi::headers(walk, content),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{knows, read};
    use crate::metadata::containers::sparse::{EXIF, Sparse, read as read_with, value, xmp};
    use crate::metadata::fault::Fault;
    use crate::metadata::limits::{BOXES_MAX, VALUE_BYTES_MAX};

    fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let pad = vec![0; content.len() % 2];
        [kind, &(content.len() as u32).to_le_bytes()[..], content, &pad].concat()
    }

    fn file(kind: &[u8; 4], chunks: &[Vec<u8>]) -> Vec<u8> {
        let chunks = chunks.concat();
        [b"RIFF", &(chunks.len() as u32 + 4).to_le_bytes()[..], kind, &chunks].concat()
    }

    fn texts(kind: &[u8; 4]) -> Vec<u8> {
        let chunks = [chunk(b"IART", b"Me\0"), chunk(b"ICRD", b"2005-08-08"), chunk(b"INAM", b"Title\0\0\0")];
        chunk(b"LIST", &[kind, &chunks.concat()[..]].concat())
    }

    const FORMAT: &[u8] = b"\x01\0\x02\0\x80\xbb\0\0\0\xee\x02\0\x04\0\x10\0";

    #[test]
    fn a_wav_says_what_its_chunks_say() {
        let mut bext = vec![0; 602];
        bext[..4].copy_from_slice(b"Desc");
        let chunks = [
            chunk(b"fmt ", FORMAT),
            chunk(b"bext", &bext),
            chunk(b"data", &[0; 7]),
            texts(b"INFO"),
            chunk(b"iXML", b"<BWFXML><SCENE>12A</SCENE></BWFXML>"),
            chunk(b"_PMX", &xmp("SFO")),
        ];
        let bytes = file(b"WAVE", &chunks);
        assert!(knows(&bytes) && !knows(b"RIFF\0\0\0\0RMID") && !knows(b""));
        let found = read_with(&Sparse::whole(bytes.clone()), read).expect("a file");
        for (group, name, expect) in [
            ("RIFF", "SampleRate", "48000"),
            ("RIFF", "BitsPerSample", "16"),
            ("RIFF", "Description", "Desc"),
            ("RIFF", "Artist", "Me"),
            ("RIFF", "DateCreated", "2005-08-08"),
            ("RIFF", "Title", "Title"),
            ("iXML", "Scene", "12A"),
        ] {
            assert_eq!(value(&found.exif, group, name).as_deref(), Some(expect), "{name}");
        }
        assert_eq!(value(&found.xmp, "XMP-photoshop", "City").as_deref(), Some("SFO"));
        for length in 0..bytes.len() {
            let _ = read_with(&Sparse::whole(bytes[..length].to_vec()), read);
        }
        let cut = read_with(&Sparse::whole(bytes[..bytes.len() - 10].to_vec()), read);
        assert!(matches!(cut, Err(Fault::Damaged { .. })));
    }

    #[test]
    fn a_missing_pad_byte_is_not_missed() {
        let mut odd = chunk(b"JUNK", b"x");
        odd.pop();
        let found = read_with(&Sparse::whole(file(b"WAVE", &[odd, chunk(b"fmt ", FORMAT)])), read).expect("a file");
        assert_eq!(value(&found.exif, "RIFF", "NumChannels").as_deref(), Some("2"));
    }

    #[test]
    fn a_large_wav_costs_two_reads() {
        const SIZE: u64 = 100_000_000_000;
        let tail = chunk(b"_PMX", &xmp("SFO"));
        let data_begin = 12 + 36 + 8;
        let data_size = SIZE - tail.len() as u64 - data_begin;
        let sizes = [&[0; 8], &data_size.to_le_bytes()[..], &[0; 12]].concat();
        let head = [b"RF64", &[0xff; 4][..], b"WAVE", &chunk(b"ds64", &sizes), b"data", &[0xff; 4]].concat();
        let content = Sparse::new(SIZE, [(0, head), (SIZE - tail.len() as u64, tail)]);
        let found = read_with(&content, read).expect("a file");
        assert_eq!(value(&found.xmp, "XMP-photoshop", "City").as_deref(), Some("SFO"));
        assert_eq!(content.reads.get(), 2);
        let piped = [&file(b"WAVE", &[chunk(b"fmt ", FORMAT)])[..], b"data\xff\xff\xff\xff", &[0; 99]].concat();
        let found = read_with(&Sparse::whole(piped), read).expect("a file");
        assert_eq!(value(&found.exif, "RIFF", "NumChannels").as_deref(), Some("2"));
    }

    #[test]
    fn a_webp_has_exif_with_a_prefix_or_without() {
        for exif in [EXIF.to_vec(), [b"Exif\0\0", EXIF].concat()] {
            let size = b"\x0c\0\0\0\x3f\x01\0\x2f\0\0";
            let chunks = [chunk(b"VP8X", size), chunk(b"EXIF", &exif), chunk(b"XMP ", &xmp("SFO"))];
            let found = read_with(&Sparse::whole(file(b"WEBP", &chunks)), read).expect("a file");
            assert_eq!(value(&found.exif, "IFD0", "Model").as_deref(), Some("Z9"));
            assert_eq!(value(&found.exif, "RIFF", "ImageWidth").as_deref(), Some("320"));
            assert_eq!(value(&found.xmp, "XMP-photoshop", "City").as_deref(), Some("SFO"));
        }
    }

    #[test]
    fn an_avi_describes_its_first_streams() {
        let main = [66_666_u32, 0, 0, 0, 233, 0, 2, 0, 320, 240].map(u32::to_le_bytes);
        let numbers = [66_666_u32, 1_000_000, 0, 233, 0, 0, 0].map(u32::to_le_bytes);
        let stream = [&b"vidsmjpg"[..], &[0; 12], numbers.as_flattened()];
        let list = [&b"strl"[..], &chunk(b"strh", &stream.concat())].concat();
        let headers = [b"hdrl", &chunk(b"avih", main.as_flattened())[..], &chunk(b"LIST", &list)].concat();
        let bytes = file(b"AVI ", &[chunk(b"LIST", &headers), chunk(b"IDIT", b"Mon Mar 10 15:04:43 2003\n\0")]);
        let found = read_with(&Sparse::whole(bytes), read).expect("a file");
        for (name, expect) in [
            ("FrameRate", "15.0001500015"),
            ("ImageWidth", "320"),
            ("VideoCodec", "mjpg"),
            ("VideoFrameCount", "233"),
            ("DateTimeOriginal", "2003-03-10T15:04:43"),
        ] {
            let value = value(&found.exif, "RIFF", name).expect(name);
            assert!(expect.starts_with(&value), "{name}: {value}");
        }
    }

    #[test]
    fn too_many_chunks_are_a_fault() {
        let flat = |count: usize| file(b"WAVE", &[chunk(b"JUNK", b"").repeat(count)]);
        // The list is a chunk too.
        let inner = |count: usize| [b"INFO", &chunk(b"JUNK", b"").repeat(count - 1)[..]].concat();
        let listed = |count: usize| file(b"WAVE", &[chunk(b"LIST", &inner(count))]);
        for (largest, too_large) in [(flat(BOXES_MAX), flat(BOXES_MAX + 1)), (listed(BOXES_MAX), listed(BOXES_MAX + 1))]
        {
            assert!(read_with(&Sparse::whole(largest), read).is_ok());
            let fault = read_with(&Sparse::whole(too_large), read).expect_err("one chunk too many");
            assert_eq!(fault.to_string(), "a file has more chunks than allowed (limit: 4096 chunks)");
        }
    }

    #[test]
    fn a_text_that_is_too_long_is_left_out() {
        let title = |length: usize| {
            let chunks = [chunk(b"INAM", &vec![b'x'; length]), chunk(b"IART", b"Me")];
            let bytes = file(b"WAVE", &[chunk(b"LIST", &[b"INFO", &chunks.concat()[..]].concat())]);
            let found = read_with(&Sparse::whole(bytes), read).expect("a file");
            assert_eq!(value(&found.exif, "RIFF", "Artist").as_deref(), Some("Me"));
            value(&found.exif, "RIFF", "Title").map(|title| title.len())
        };
        assert_eq!((title(VALUE_BYTES_MAX), title(VALUE_BYTES_MAX + 1)), (Some(VALUE_BYTES_MAX), None));
    }
}
