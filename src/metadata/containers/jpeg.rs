//! JPEG: the metadata in the segments of a file up to its first scan, and IPTC-IIM that picture programs have appended.
//! Reads no entropy-coded data, nothing else behind them (trailers of cameras, further images), and no segment that
//! describes the image itself.
//!
//! Sources: ITU-T T.81, annex B (markers and segments); Exif 3.0, section 4.7.2 (APP1); Adobe XMP Specification,
//! part 3, section 1.1.3 (APP1, extended XMP); Adobe Photoshop File Formats Specification (APP13). Where files do not
//! keep to them, the reader does what ExifTool does.

mod extended;
mod segments;
mod trailers;

use std::borrow::Cow;
use std::collections::HashSet;

use self::segments::Span;
use crate::metadata::blocks::{exif, iim, photoshop, xmp};
use crate::metadata::fault::Fault;
use crate::metadata::found::{self, Found, Part};
use crate::metadata::input::Input;
use crate::metadata::limits::BLOCK_BYTES_MAX;

/// Bytes of the first marker.
const SOI: u64 = 2;

/// Returns whether a file that begins with these bytes is a JPEG: SOI, and the begin of a marker.
#[must_use]
pub fn knows(head: &[u8]) -> bool {
    head.starts_with(&[0xff, 0xd8, 0xff])
}

/// Reads the metadata. Of several blocks of EXIF or several packets of XMP, the later ones replace tags of the earlier
/// ones, and what is in a segment of its own replaces what is in Photoshop's resources.
///
/// # Errors
/// When the file ends before its first scan begins, or costs too much. What was complete before its end is in `found`.
pub fn read(input: &mut Input<'_>, found: &mut Found) -> Result<(), Fault> {
    let budget = input.budget;
    let (segments, end) = segments::walk(input)?;
    if let Some(block) = joined(input, &segments.photoshop, "Photoshop resources are larger than allowed") {
        match block {
            Ok(block) => photoshop::read(&block, found, budget),
            Err(fault) => found::add(&mut found.iptc, Err(fault)),
        }
    }
    for block in &segments.exif {
        if let Some(block) = joined(input, block, "EXIF is larger than allowed") {
            replace(&mut found.exif, block.and_then(|block| exif::read(&block, budget)));
            photoshop::limit_keys(&mut found.exif, photoshop::EXIF_KEYS);
        }
    }
    for &packet in &segments.xmp {
        if let Some(packet) = joined(input, &[packet], "XMP is larger than allowed") {
            replace(&mut found.xmp, packet.and_then(|packet| xmp::read(&packet, budget)));
            photoshop::limit_keys(&mut found.xmp, photoshop::XMP_KEYS);
        }
    }
    extended::read(input, &segments.extended, &mut found.xmp);
    photoshop::limit_keys(&mut found.xmp, photoshop::XMP_KEYS);
    if end.is_ok() {
        for (at, length) in trailers::find(input, SOI)? {
            if let Some(block) = input.bytes(at, length)? {
                iim::add_second(&mut found.iptc, block, budget)?;
            }
        }
    }
    end
}

/// The bytes of segments that make one block; `None` when there are none.
fn joined<'i>(input: &'i mut Input<'_>, spans: &[Span], what: &'static str) -> Option<Result<Cow<'i, [u8]>, Fault>> {
    match spans {
        [] => None,
        &[span] => Some(bytes(input, span).map(Cow::Borrowed)),
        spans => {
            let length = spans.iter().fold(0, |length: usize, span| length.saturating_add(span.length));
            if length > BLOCK_BYTES_MAX {
                return Some(Err(Fault::limit(what, format!("{BLOCK_BYTES_MAX} bytes"))));
            }
            let mut block = Vec::with_capacity(length);
            for &span in spans {
                match bytes(input, span) {
                    Ok(bytes) => block.extend_from_slice(bytes),
                    Err(fault) => return Some(Err(fault)),
                }
            }
            Some(Ok(Cow::Owned(block)))
        }
    }
}

/// The bytes of one segment.
fn bytes<'i>(input: &'i mut Input<'_>, span: Span) -> Result<&'i [u8], Fault> {
    input.bytes(span.at, span.length)?.ok_or_else(segments::is_cut)
}

/// Adds a block whose tags replace those of the blocks before it.
fn replace(part: &mut Part, block: Part) {
    if let (Ok(tags), Ok(more)) = (part.as_mut(), &block)
        && !tags.is_empty()
    {
        let names: HashSet<_> = more.iter().map(|tag| (&tag.group, &tag.name, &tag.language)).collect();
        tags.retain(|tag| !names.contains(&(&tag.group, &tag.name, &tag.language)));
    }
    found::add(part, block);
}

#[cfg(test)]
mod tests {
    use super::{BLOCK_BYTES_MAX, knows, read};
    use crate::metadata::budget::Budget;
    use crate::metadata::fault::Fault;
    use crate::metadata::found::{Found, Part};
    use crate::metadata::input::Input;
    use crate::metadata::limits::KEYS_MAX;
    use crate::metadata::tag::TagValue;

    fn segment(marker: u8, parts: &[&[u8]]) -> Vec<u8> {
        let bytes = parts.concat();
        let length = u16::try_from(bytes.len() + 2).expect("a short segment").to_be_bytes();
        [&[0xff, marker], &length[..], &bytes].concat()
    }

    /// A packet with these attributes (`photoshop:City="Bern"`).
    fn packet(attributes: &str) -> String {
        format!(
            "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
            <rdf:Description rdf:about='' xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/' \
            xmlns:xmpNote='http://ns.adobe.com/xmp/note/' {attributes}/></rdf:RDF></x:xmpmeta>"
        )
    }

    fn xmp(attributes: &str) -> Vec<u8> {
        segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0", packet(attributes).as_bytes()])
    }

    /// A TIFF with one text of three characters in its first directory.
    fn tiff(tag: u16, text: &str) -> Vec<u8> {
        let tag = tag.to_be_bytes();
        [&b"MM\0*\0\0\0\x08\0\x01"[..], &tag, b"\0\x02\0\0\0\x04", text.as_bytes(), b"\0\0\0\0\0"].concat()
    }

    fn city(resource: u16, text: &str) -> Vec<u8> {
        let iim = [b"\x1c\x02\x5a\0", &[text.len() as u8][..], text.as_bytes()].concat();
        let length = (iim.len() as u32).to_be_bytes();
        let mut out = [b"8BIM", &resource.to_be_bytes()[..], b"\0\0", &length, &iim].concat();
        out.resize(out.len().next_multiple_of(2), 0);
        out
    }

    fn read_all(segments: &[&[u8]]) -> (Found, Result<(), Fault>) {
        let file = [&[0xff, 0xd8], &segments.concat()[..]].concat();
        assert!(knows(&file));
        let (file, budget, mut found) = (&file[..], Budget::endless(), Found::default());
        let mut input = Input::open(&file, &budget).expect("an input");
        let end = read(&mut input, &mut found);
        (found, end)
    }

    fn lines(part: &Part) -> Vec<String> {
        let text = |value: &TagValue| if let TagValue::Text(text) = value { text.clone() } else { String::new() };
        let tags = part.as_ref().expect("no fault");
        tags.iter().map(|tag| format!("{}:{}={}", tag.group, tag.name, text(&tag.value))).collect()
    }

    const SOS: &[u8] = &[0xff, 0xda, 0, 2];

    #[test]
    fn each_source_is_read() {
        let photoshop = city(0x0404, "Bern");
        let (first, second) = photoshop.split_at(15);
        let (found, end) = read_all(&[
            &xmp("photoshop:City='Basel'"),
            &segment(0xed, &[b"Photoshop 3.0\0", first]),
            &segment(0xed, &[b"Photoshop 3.0\0", second]),
            &segment(0xe1, &[b"Exif\0\0", &tiff(0x010f, "abc")]),
            SOS,
        ]);
        end.expect("a scan");
        assert_eq!(lines(&found.iptc), ["IPTC:City=Bern"]);
        assert_eq!(lines(&found.xmp), ["XMP-photoshop:City=Basel"]);
        assert_eq!(lines(&found.exif), ["IFD0:Make=abc"]);
        assert!(!found.iptc_is_newer);
    }

    #[test]
    fn later_blocks_replace_tags_of_earlier_ones() {
        let (found, _) = read_all(&[
            &segment(0xe1, &[b"Exif\0\0", &tiff(0x010f, "abc")]),
            &xmp("photoshop:City='A' photoshop:State='S'"),
            &segment(0xe1, &[b"Exif\0\0", &tiff(0x0110, "mod")]),
            &segment(0xe1, &[b"Exif\0\0", &tiff(0x010f, "xyz")]),
            &xmp("photoshop:City='B'"),
            SOS,
        ]);
        assert_eq!(lines(&found.exif), ["IFD0:Model=mod", "IFD0:Make=xyz"]);
        assert_eq!(lines(&found.xmp), ["XMP-photoshop:State=S", "XMP-photoshop:City=B"]);
    }

    #[test]
    fn extended_xmp_is_added_and_is_whole() {
        let guid = "0123456789ABCDEF0123456789ABCDEF";
        let main = xmp(&format!("photoshop:City='A' xmpNote:HasExtendedXMP='{guid}'"));
        let extension = packet("photoshop:State='S'");
        let (first, second) = extension.as_bytes().split_at(100);
        let whole = (extension.len() as u32).to_be_bytes();
        let chunk = |offset: u32, data: &[u8]| {
            let id = b"http://ns.adobe.com/xmp/extension/\0";
            segment(0xe1, &[id, guid.as_bytes(), &whole, &offset.to_be_bytes(), data])
        };
        let note = format!("XMP-xmpNote:HasExtendedXMP={guid}");
        let mut main_lines = vec!["XMP-photoshop:City=A".to_owned(), note];
        let (found, _) = read_all(&[&main, SOS]);
        assert_eq!(lines(&found.xmp), main_lines);
        let (found, _) = read_all(&[&chunk(100, second), &main, &chunk(0, first), SOS]);
        main_lines.push("XMP-photoshop:State=S".to_owned());
        assert_eq!(lines(&found.xmp), main_lines);
        let (found, end) = read_all(&[&main, &chunk(0, first), SOS]);
        end.expect("a scan");
        assert_eq!(found.xmp.expect_err("a fault").to_string(), "XMP is damaged: a part of its extension is missing");
        let (found, _) = read_all(&[&xmp("photoshop:City='A'"), &chunk(0, first), SOS]);
        assert_eq!(lines(&found.xmp), ["XMP-photoshop:City=A"]);
    }

    #[test]
    fn a_file_that_is_cut_is_damaged() {
        let (found, end) = read_all(&[&xmp("photoshop:City='A'"), &segment(0xfe, &[b"comment"])[..5]]);
        assert_eq!(lines(&found.xmp), ["XMP-photoshop:City=A"]);
        assert_eq!(end.expect_err("a fault").to_string(), "JPEG is damaged: it ends before its image begins");
    }

    #[test]
    fn a_block_of_several_segments_that_is_too_large_is_a_fault() {
        // Segments with so many bytes behind what identifies them.
        let segments = |id: &[u8], marker: u8, first: &[u8], mut rest: usize| {
            let most = 65_533 - id.len();
            rest -= first.len();
            let mut out = segment(marker, &[id, first]);
            while rest > 0 {
                out.extend(segment(marker, &[id, &vec![0; rest.min(most)]]));
                rest -= rest.min(most);
            }
            out
        };
        let photoshop = |size| read_all(&[&segments(b"Photoshop 3.0\0", 0xed, b"", size), SOS]).0.iptc;
        assert_eq!(lines(&photoshop(BLOCK_BYTES_MAX)), [""; 0]);
        let fault = photoshop(BLOCK_BYTES_MAX + 1).expect_err("one byte too many").to_string();
        assert_eq!(fault, "Photoshop resources are larger than allowed (limit: 16777216 bytes)");
        let exif = |size| read_all(&[&segments(b"Exif\0\0", 0xe1, &tiff(0x010f, "abc"), size), SOS]).0.exif;
        assert_eq!(lines(&exif(BLOCK_BYTES_MAX)), ["IFD0:Make=abc"]);
        let fault = exif(BLOCK_BYTES_MAX + 1).expect_err("one byte too many").to_string();
        assert_eq!(fault, "EXIF is larger than allowed (limit: 16777216 bytes)");
    }

    #[test]
    fn keys_of_several_packets_of_xmp_have_a_limit() {
        let packets = |count: usize| {
            let packets: Vec<_> = (0..count).map(|n| xmp(&format!("photoshop:Own{n}='x'"))).collect();
            read_all(&[&packets.concat(), SOS]).0.xmp
        };
        assert_eq!(packets(KEYS_MAX).expect("tags").len(), KEYS_MAX);
        let fault = packets(KEYS_MAX + 1).expect_err("one key too many").to_string();
        assert_eq!(fault, "XMP has more keys than allowed (limit: 512 keys)");
    }
}
