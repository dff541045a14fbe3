//! A file that is one XMP document: a sidecar (ISO 16684-1, XMP part 1; XMP specification part 3, "Sidecar files").
//! Knows no name: a sidecar's asset is found elsewhere.

use crate::metadata::blocks::xmp::{self, encoding};
use crate::metadata::fault::Fault;
use crate::metadata::found::{self, Found};
use crate::metadata::input::Input;

/// How many bytes are looked at for the first element.
const HEAD_BYTES: usize = 4 * 1024;

/// Returns whether a file begins as an XMP document: a packet wrapper, `x:xmpmeta` or `rdf:RDF`, after an XML
/// declaration, comments and a document type.
#[must_use]
pub fn knows(head: &[u8]) -> bool {
    let head = head.get(..HEAD_BYTES).unwrap_or(head);
    // Most files are something else, and their first byte says so.
    if !matches!(head.first(), Some(b'<' | b' ' | b'\t' | b'\r' | b'\n' | 0 | 0xef | 0xfe | 0xff)) {
        return false;
    }
    let text = encoding::text_of(head);
    let mut rest = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    while let Some(tag) = rest.strip_prefix('<') {
        let end = if tag.starts_with("?xpacket") {
            return true;
        } else if tag.starts_with("?xml") {
            "?>"
        } else if tag.starts_with("!--") {
            "-->"
        } else if tag.starts_with("!DOCTYPE") {
            if tag.find('[') < tag.find('>') && tag.contains('[') { "]>" } else { ">" }
        } else {
            return is_root(tag);
        };
        let Some((_, after)) = rest.split_once(end) else { return false };
        rest = after.trim_start();
    }
    false
}

/// Returns whether a tag is one that XMP begins with, whatever its prefix is.
fn is_root(tag: &str) -> bool {
    let name = tag.split(|one: char| one.is_whitespace() || one == '>' || one == '/').next().unwrap_or_default();
    matches!(name.rsplit_once(':').map(|(_, local)| local), Some("xmpmeta" | "xapmeta" | "RDF"))
}

/// Reads the document.
///
/// # Errors
/// When the content cannot be read, or is larger than a block may be.
pub fn read(input: &mut Input<'_>, found: &mut Found) -> Result<(), Fault> {
    let (size, budget) = (usize::try_from(input.size()).unwrap_or(usize::MAX), input.budget);
    let tags = xmp::read(input.at_most(0, size)?, budget);
    found::add(&mut found.xmp, tags);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{knows, read};
    use crate::metadata::budget::Budget;
    use crate::metadata::found::Found;
    use crate::metadata::input::Input;

    const SIDECAR: &str = "<x:xmpmeta xmlns:x='adobe:ns:meta/'>\
        <rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
        <rdf:Description xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/' photoshop:SidecarForExtension='CR2'/>\
        </rdf:RDF></x:xmpmeta>";

    #[test]
    fn a_document_is_known_by_its_first_element() {
        for (head, expect) in [
            (SIDECAR, true),
            ("\u{feff}\r\n<?xpacket begin=''?>", true),
            ("<?xml version='1.0'?>\n<!-- a > b -->\n<rdf:RDF xmlns:rdf='x'>", true),
            ("<!DOCTYPE r [<!ENTITY a 'b'>]><q:xmpmeta/>", true),
            ("<!DOCTYPE r><x:xapmeta>", true),
            ("<?xml version='1.0'?><svg:svg>", false),
            ("<?xml version='1.0'?><gpx>", false),
            ("<!-- <x:xmpmeta> ", false),
            ("x:xmpmeta", false),
            ("<", false),
            ("", false),
        ] {
            assert_eq!(knows(head.as_bytes()), expect, "{head}");
        }
        let wide: Vec<u8> = SIDECAR.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(knows(&wide));
        assert!(!knows(b"\xff\xd8\xff\xe1"));
    }

    #[test]
    fn a_sidecar_says_what_it_is_for() {
        let budget = Budget::endless();
        let content = SIDECAR.as_bytes();
        let mut input = Input::open(&content, &budget).expect("an input");
        let mut found = Found::default();
        read(&mut input, &mut found).expect("no fault");
        let tags = found.xmp.expect("tags");
        assert_eq!(tags.len(), 1);
        assert_eq!((&*tags[0].group, &*tags[0].name), ("XMP-photoshop", "SidecarForExtension"));
    }
}
