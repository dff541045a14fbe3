//! Extended XMP: a second packet, in chunks over several segments, that the main packet names by its GUID. When a file
//! has lost all of it (picture services drop it), the main packet counts alone. Chunks that no main packet names are
//! not read.
//!
//! Source: Adobe XMP Specification, part 3, section 1.1.3.1.

use super::segments::Span;
use crate::metadata::blocks::xmp;
use crate::metadata::fault::Fault;
use crate::metadata::found::{self, Part};
use crate::metadata::input::Input;
use crate::metadata::limits::BLOCK_BYTES_MAX;
use crate::metadata::tag::TagValue;

/// Bytes of a chunk before its data: GUID, length of the whole, offset of the chunk.
const HEADER_BYTES: usize = 32 + 4 + 4;

/// One chunk.
struct Chunk {
    /// Bytes of the whole packet.
    whole: usize,
    /// Where in the packet its data begin.
    offset: usize,
    /// Where in the file they are.
    data: Span,
}

/// Adds what the extended packet says that the main packet, read before, names.
pub fn read(input: &mut Input<'_>, spans: &[Span], xmp: &mut Part) {
    if spans.is_empty() {
        return;
    }
    let Some(guid) = xmp.as_ref().ok().and_then(|tags| {
        let tag = tags.iter().find(|tag| tag.name == "HasExtendedXMP")?;
        if let TagValue::Text(guid) = &tag.value { Some(guid.clone()) } else { None }
    }) else {
        return;
    };
    let budget = input.budget;
    match joined(input, spans, &guid) {
        Ok(None) => {}
        Ok(Some(packet)) => found::add(xmp, xmp::read(&packet, budget)),
        Err(fault) => found::add(xmp, Err(fault)),
    }
}

/// The packet with this GUID; `None` when there is no chunk of it.
fn joined(input: &mut Input<'_>, spans: &[Span], guid: &str) -> Result<Option<Vec<u8>>, Fault> {
    let mut chunks = Vec::new();
    for &span in spans {
        input.budget.step()?;
        let header = input.at_most(span.at, span.length.min(HEADER_BYTES))?;
        if let Some(chunk) = chunk(header, span, guid) {
            chunks.push(chunk);
        }
    }
    chunks.sort_by_key(|chunk| chunk.offset);
    let Some(whole) = chunks.first().map(|chunk| chunk.whole) else { return Ok(None) };
    if whole > BLOCK_BYTES_MAX {
        return Err(Fault::limit("extended XMP is larger than allowed", format!("{BLOCK_BYTES_MAX} bytes")));
    }
    let mut packet = Vec::new();
    for chunk in chunks {
        input.budget.step()?;
        // Bytes that are there already: a chunk that the file has twice.
        let Some(skip) = packet.len().checked_sub(chunk.offset) else { return Err(is_incomplete()) };
        if chunk.whole != whole {
            return Err(Fault::damaged("XMP", "the parts of its extension disagree about its length"));
        }
        let data = input.bytes(chunk.data.at, chunk.data.length)?.unwrap_or_default();
        packet.extend_from_slice(data.get(skip..).unwrap_or_default());
    }
    if packet.len() == whole { Ok(Some(packet)) } else { Err(is_incomplete()) }
}

fn chunk(header: &[u8], span: Span, guid: &str) -> Option<Chunk> {
    let (name, rest) = header.split_first_chunk::<32>()?;
    let (whole, rest) = rest.split_first_chunk::<4>()?;
    let (offset, _) = rest.split_first_chunk::<4>()?;
    let number = |bytes: &[u8; 4]| usize::try_from(u32::from_be_bytes(*bytes)).ok();
    let data = Span { at: span.at.checked_add(HEADER_BYTES as u64)?, length: span.length.checked_sub(HEADER_BYTES)? };
    name.eq_ignore_ascii_case(guid.as_bytes()).then_some(())?;
    Some(Chunk { whole: number(whole)?, offset: number(offset)?, data })
}

fn is_incomplete() -> Fault {
    Fault::damaged("XMP", "a part of its extension is missing")
}

#[cfg(test)]
mod tests {
    use super::{BLOCK_BYTES_MAX, Span, joined};
    use crate::metadata::budget::Budget;
    use crate::metadata::input::Input;

    const GUID: &str = "0123456789ABCDEF0123456789ABCDEF";

    /// The packet of chunks `(guid, length of the whole, offset, data)`.
    fn packet(chunks: &[(&str, u32, u32, &str)]) -> Result<Option<String>, String> {
        let (mut file, mut spans) = (Vec::new(), Vec::new());
        for (guid, whole, offset, data) in chunks {
            let at = file.len();
            file.extend([guid.as_bytes(), &whole.to_be_bytes(), &offset.to_be_bytes(), data.as_bytes()].concat());
            spans.push(Span { at: at as u64, length: file.len() - at });
        }
        let (file, budget) = (&file[..], Budget::endless());
        let mut input = Input::open(&file, &budget).expect("an input");
        let packet = joined(&mut input, &spans, GUID).map_err(|fault| fault.to_string())?;
        Ok(packet.map(|bytes| String::from_utf8(bytes).expect("text")))
    }

    #[test]
    fn chunks_of_the_named_packet_are_joined() {
        let other = "ffffffffffffffffffffffffffffffff";
        let text = Ok(Some("abcdef".to_owned()));
        assert_eq!(packet(&[(GUID, 6, 0, "abc"), (GUID, 6, 3, "def")]), text);
        assert_eq!(packet(&[(GUID, 6, 3, "def"), (other, 2, 0, "xy"), (GUID, 6, 0, "abc")]), text);
        assert_eq!(packet(&[(GUID, 6, 0, "abc"), (GUID, 6, 0, "abc"), (GUID, 6, 3, "def")]), text);
        assert_eq!(packet(&[(&GUID.to_lowercase(), 6, 0, "abcdef")]), text);
        assert_eq!(packet(&[(other, 6, 0, "abcdef")]), Ok(None));
        assert_eq!(packet(&[("short", 6, 0, "abcdef")]), Ok(None));
    }

    #[test]
    fn a_packet_is_whole_or_a_fault() {
        let missing = Err("XMP is damaged: a part of its extension is missing".to_owned());
        assert_eq!(packet(&[(GUID, 6, 3, "def")]), missing);
        assert_eq!(packet(&[(GUID, 6, 0, "ab"), (GUID, 6, 3, "def")]), missing);
        assert_eq!(packet(&[(GUID, 6, 0, "abc")]), missing);
        assert_eq!(packet(&[(GUID, 6, 0, "abcdefg")]), missing);
        let disagree = Err("XMP is damaged: the parts of its extension disagree about its length".to_owned());
        assert_eq!(packet(&[(GUID, 6, 0, "abc"), (GUID, 7, 3, "def")]), disagree);
        assert_eq!(packet(&[(GUID, BLOCK_BYTES_MAX as u32, 0, "abc")]), missing);
        for whole in [BLOCK_BYTES_MAX as u32 + 1, u32::MAX] {
            let large = packet(&[(GUID, whole, 0, "abc")]);
            assert_eq!(large, Err("extended XMP is larger than allowed (limit: 16777216 bytes)".to_owned()));
        }
    }
}
