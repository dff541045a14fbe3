//! Photoshop documents (PSD and PSB): the image resources of one. Reads no layer, no pixel and no colour table, and of
//! the resources only those that carry metadata.
//!
//! Source: Adobe Photoshop File Formats Specification, "File Header Section", "Color Mode Data Section" and "Image
//! Resources Section". PSB has the same three.

use crate::metadata::blocks::photoshop::{HEADER_BYTES_MAX, Header, Resources};
use crate::metadata::fault::Fault;
use crate::metadata::found::Found;
use crate::metadata::input::Input;

/// Bytes of the file header: signature, version, six reserved bytes, channels, height, width, depth, colour mode.
const FILE_HEADER_BYTES: u64 = 26;

/// Returns whether a file that begins with these bytes is a PSD (version 1) or a PSB (version 2).
#[must_use]
pub fn knows(head: &[u8]) -> bool {
    matches!(head, [b'8', b'B', b'P', b'S', 0, 1 | 2, ..])
}

/// Reads the image resources.
///
/// # Errors
/// When the file ends before its image resources do, when they do not follow each other, or when they cost too much.
pub fn read(input: &mut Input<'_>, found: &mut Found) -> Result<(), Fault> {
    let budget = input.budget;
    let resources_length_at = after_section(input, FILE_HEADER_BYTES)?;
    let end = after_section(input, resources_length_at)?;
    let mut at = resources_length_at.saturating_add(4);
    let mut resources = Resources::default();
    while at < end {
        budget.step()?;
        resources.count()?;
        let left = usize::try_from(end - at).unwrap_or(usize::MAX);
        let bytes = input.at_most(at, left.min(HEADER_BYTES_MAX))?;
        let Some(header) = Header::parse(bytes) else {
            if bytes.iter().all(|&byte| byte == 0) && !bytes.is_empty() {
                break;
            }
            return Err(damaged("an image resource has no signature"));
        };
        if header.is_read() {
            let data_at = at.saturating_add(header.data as u64);
            if data_at.saturating_add(header.length as u64) > end {
                return Err(damaged("an image resource goes on past the end"));
            }
            let Some(data) = input.bytes(data_at, header.length)? else { return Err(is_cut()) };
            resources.add(header, data, found, budget);
        }
        at = at.saturating_add(header.data as u64).saturating_add(header.padded_length() as u64);
    }
    resources.finish(found);
    if end > input.size() { Err(is_cut()) } else { Ok(()) }
}

/// Where a section ends that has its length in its first four bytes.
fn after_section(input: &mut Input<'_>, at: u64) -> Result<u64, Fault> {
    let Some(&[a, b, c, d]) = input.bytes(at, 4)? else { return Err(is_cut()) };
    Ok(at.saturating_add(4).saturating_add(u64::from(u32::from_be_bytes([a, b, c, d]))))
}

fn is_cut() -> Fault {
    damaged("it ends before its image resources do")
}

fn damaged(what: &str) -> Fault {
    Fault::damaged("PSD", what)
}

#[cfg(test)]
mod tests {
    use super::{knows, read};
    use crate::metadata::budget::Budget;
    use crate::metadata::fault::Fault;
    use crate::metadata::found::Found;
    use crate::metadata::input::Input;
    use crate::metadata::limits::BOXES_MAX;
    use crate::metadata::tag::Tag;

    fn document(version: u8, color_table: &[u8], resources: &[u8]) -> Vec<u8> {
        let mut out = b"8BPS\0".to_vec();
        out.push(version);
        out.resize(26, 0);
        for section in [color_table, resources] {
            out.extend((section.len() as u32).to_be_bytes());
            out.extend(section);
        }
        out
    }

    fn resource(id: u16, data: &[u8]) -> Vec<u8> {
        let length = (data.len() as u32).to_be_bytes();
        let mut out = [b"8BIM", &id.to_be_bytes()[..], b"\0\0", &length, data].concat();
        out.resize(out.len().next_multiple_of(2), 0);
        out
    }

    fn found(file: &[u8]) -> Result<Found, Fault> {
        assert!(knows(file));
        let (budget, mut found) = (Budget::endless(), Found::default());
        read(&mut Input::open(&file, &budget)?, &mut found).map(|()| found)
    }

    fn city() -> Vec<Tag> {
        vec![Tag::text(crate::metadata::tag::Family::Iptc, "IPTC", "City", "Bern")]
    }

    #[test]
    fn resources_are_read_past_what_is_no_metadata() {
        let resources = [
            resource(0x0404, b"\x1c\x02\x5a\0\x04Bern"),
            resource(0x0425, &[1; 16]),
            resource(0x040c, &[7; 200_001]),
            resource(0x0425, &[2; 16]),
        ];
        for (version, color_table) in [(1, &b""[..]), (2, &[9; 768])] {
            let file = [document(version, color_table, &resources.concat()), b"layers".to_vec()].concat();
            let found = found(&file).expect("a document");
            assert_eq!(found.iptc.expect("IIM"), city());
            assert!(found.iptc_is_newer);
        }
    }

    #[test]
    fn damage_is_a_fault() {
        let file = document(1, b"", &resource(0x0404, b"\x1c\x02\x5a\0\x04Bern"));
        assert!(found(&file).is_ok());
        for length in 6..file.len() {
            let fault = found(&file[..length]).expect_err("it is cut").to_string();
            assert!(fault.starts_with("PSD is damaged: "), "{length}: {fault}");
        }
        let fault = found(&document(1, b"", b"8BPS\x04\x04\0\0\0\0\0\0")).expect_err("no resource");
        assert_eq!(fault.to_string(), "PSD is damaged: an image resource has no signature");
        assert!(found(&document(1, b"", &[0; 12])).is_ok());
        assert!(found(&document(1, b"", b"")).is_ok());
        assert!(!knows(b"8BPS\0\x03") && !knows(b"8BPS"));
    }

    #[test]
    fn too_many_resources_are_a_fault() {
        let resources = |count| found(&document(1, b"", &resource(0x03ed, b"").repeat(count)));
        assert!(resources(BOXES_MAX).is_ok());
        let fault = resources(BOXES_MAX + 1).expect_err("one resource too many").to_string();
        assert_eq!(fault, "a file has more Photoshop resources than allowed (limit: 4096 resources)");
    }

    #[test]
    fn a_resource_with_the_longest_name_is_read() {
        let iim = b"\x1c\x02\x5a\0\x04Bern\0";
        let named = [b"8BIM\x04\x04\xff", &[b'x'; 255][..], b"\0\0\0\x09", iim].concat();
        assert_eq!(found(&document(1, b"", &named)).expect("a document").iptc.expect("IIM"), city());
    }
}
