//! XMP: an RDF description of a resource, in XML (ISO 16684-1, XMP part 1). Knows no container: a packet is the bytes
//! between wrappers, from wherever they come. Reads no external entity, expands none, and validates no schema.
//!
//! A packet goes through three steps. Its bytes become [text](encoding); the text becomes a [document] whose
//! names have [namespaces](scope); the RDF in the document becomes [tags](rdf). What is known of the
//! [namespaces] and their [properties] decides groups, [names] and [values].

pub mod document;
pub mod encoding;
pub mod names;
pub mod namespaces;
pub mod properties;
pub mod rdf;
pub mod scope;
pub mod values;

use self::document::Document;
use crate::metadata::budget::Budget;
use crate::metadata::fault::Fault;
use crate::metadata::found::Part;
use crate::metadata::limits::BLOCK_BYTES_MAX;

/// Reads one XMP packet or `.xmp` document. Extended XMP is read as a packet of its own when its parts are joined; its
/// tags follow those of the main packet.
///
/// # Errors
/// When the packet is not well formed, or past a limit. A packet without RDF says nothing.
pub fn read(packet: &[u8], budget: &Budget) -> Part {
    if packet.len() > BLOCK_BYTES_MAX {
        return Err(Fault::limit("an XMP packet is larger than allowed", format!("{BLOCK_BYTES_MAX} bytes")));
    }
    let text = encoding::text_of(packet);
    // Some writers end a packet with NULs, and some begin it with white space.
    let text = text.trim_matches(|one: char| one == '\0' || one.is_whitespace() || one == '\u{feff}');
    let document = Document::read(text, budget)?;
    rdf::tags(&document, budget)
}

#[cfg(test)]
mod tests {
    use super::{BLOCK_BYTES_MAX, read};
    use crate::metadata::budget::Budget;
    use crate::metadata::fault::Fault;
    use crate::metadata::tag::{Family, Tag};

    const PACKET: &str = "<?xpacket begin='\u{feff}' id='W5M0MpCehiHzreSzNTczkc9d'?>\
        <x:xmpmeta xmlns:x='adobe:ns:meta/' x:xmptk='a toolkit'>\
        <rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
        <rdf:Description rdf:about='' xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmp:Label='\u{e9}'/>\
        </rdf:RDF></x:xmpmeta>";

    #[test]
    fn a_packet_is_read_in_any_encoding_and_with_padding() {
        let expect = [Tag::text(Family::Xmp, "XMP-xmp", "Label", "\u{e9}")];
        let wide: Vec<u8> = PACKET.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let padded = format!("\u{feff} {PACKET}\n   \n<?xpacket end='w'?>\0\0");
        let followed = format!("{PACKET}\n<not XML");
        for packet in [PACKET.as_bytes(), &wide, padded.as_bytes(), followed.as_bytes()] {
            assert_eq!(read(packet, &Budget::endless()).expect("tags"), expect);
        }
    }

    #[test]
    fn what_has_no_description_says_nothing_and_what_is_broken_is_a_fault() {
        for packet in ["", "<a/>", "<x:xmpmeta xmlns:x='adobe:ns:meta/'/>", "no XML"] {
            assert_eq!(read(packet.as_bytes(), &Budget::endless()).expect(packet), []);
        }
        for end in 100..PACKET.len() - 12 {
            let fault = read(&PACKET.as_bytes()[..end], &Budget::endless());
            assert!(matches!(fault, Err(Fault::Damaged { format: "XMP", .. })), "{end}");
        }
    }

    #[test]
    fn a_packet_that_is_too_large_is_a_fault() {
        let mut packet = PACKET.as_bytes().to_vec();
        packet.resize(BLOCK_BYTES_MAX, b' ');
        assert_eq!(read(&packet, &Budget::endless()).expect("tags").len(), 1);
        packet.push(b' ');
        let fault = read(&packet, &Budget::endless()).expect_err("one byte too many").to_string();
        assert_eq!(fault, "an XMP packet is larger than allowed (limit: 16777216 bytes)");
    }
}
