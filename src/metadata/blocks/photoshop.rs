//! Photoshop's image resources: the blocks of IIM, XMP and EXIF in them, and the digest of the IIM. Does not read what
//! Photoshop keeps there for itself (paths, slices, thumbnails, print settings).
//!
//! Source: Adobe Photoshop File Formats Specification, "Image Resource Blocks" and "Image Resource IDs"; for the digest
//! also Metadata Working Group, Guidelines for Handling Image Metadata 2.0, section 3.3.1.

use md5::{Digest as _, Md5};

use super::{exif, iim, xmp};
use crate::metadata::budget::Budget;
use crate::metadata::fault::Fault;
use crate::metadata::found::{self, Found, Part};
use crate::metadata::limits::{BOXES_MAX, KEYS_MAX};
use crate::metadata::tag::{Tag, TagValue};

/// The longest header of a resource: signature, number, name of 255 bytes, length.
pub const HEADER_BYTES_MAX: usize = 4 + 2 + 256 + 4;

/// IPTC-NAA record: a block of IIM.
const IIM: u16 = 0x0404;
/// EXIF data 1.
const EXIF_1: u16 = 0x0422;
/// EXIF data 3.
const EXIF_3: u16 = 0x0423;
/// XMP metadata.
const XMP: u16 = 0x0424;
/// Caption digest: the MD5 (RFC 1321) of the IIM when the program that knows XMP wrote both.
const IIM_DIGEST: u16 = 0x0425;

/// Adds what the resources of a block say. Reading ends where no resource begins.
pub fn read(block: &[u8], found: &mut Found, budget: &Budget) {
    let mut resources = Resources::default();
    let mut rest = block;
    while !rest.is_empty() {
        if let Err(fault) = budget.step().and_then(|()| resources.count()) {
            give_up(found, budget, fault);
            break;
        }
        let Some(header) = Header::parse(rest) else {
            // Zeros are padding. What is damaged after the IIM, which is the first resource, takes nothing away.
            if resources.iim_digest.is_none() && rest.iter().any(|&byte| byte != 0) {
                found::add(&mut found.iptc, Err(Fault::damaged("Photoshop", "an image resource has no signature")));
            }
            break;
        };
        let data = rest.get(header.data..).unwrap_or_default();
        match data.get(..header.length) {
            Some(data) => resources.add(header, data, found, budget),
            None => header.is_cut(found),
        }
        rest = data.get(header.padded_length()..).unwrap_or_default();
    }
    resources.finish(found);
}

/// What an image resource begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The number of a resource of Photoshop itself; `None` for one of another program.
    id: Option<u16>,
    /// Where the data begin, from the begin of the header.
    pub data: usize,
    /// Bytes of the data.
    pub length: usize,
}

impl Header {
    /// The header that bytes begin with; `None` when they do not begin with one.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (signature, rest) = bytes.split_first_chunk::<4>()?;
        let (id, rest) = rest.split_first_chunk::<2>()?;
        let id = match signature {
            b"8BIM" => Some(u16::from_be_bytes(*id)),
            b"MeSa" | b"PHUT" | b"AgHg" | b"DCSR" => None,
            _ => return None,
        };
        // The name is a Pascal string, padded so that its length byte and its characters are even.
        let name = (usize::from(*rest.first()?) + 2) & !1;
        let (length, _) = rest.get(name..)?.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        Some(Self { id, data: 4 + 2 + name + 4, length })
    }

    /// Whether the data of this resource are read.
    #[must_use]
    pub fn is_read(self) -> bool {
        matches!(self.id, Some(IIM | EXIF_1 | EXIF_3 | XMP | IIM_DIGEST))
    }

    /// Bytes from the begin of the data to the next resource: an even number.
    #[must_use]
    pub fn padded_length(self) -> usize {
        self.length.saturating_add(self.length & 1)
    }

    /// Adds the fault of a resource whose data go on past the end of what there is.
    pub fn is_cut(self, found: &mut Found) {
        let part = match self.id {
            Some(IIM) => &mut found.iptc,
            Some(XMP) => &mut found.xmp,
            Some(EXIF_1 | EXIF_3) => &mut found.exif,
            _ => return,
        };
        found::add(part, Err(Fault::damaged("Photoshop", "an image resource goes on past the end")));
    }
}

/// What is wrong with XMP past the limit of keys.
pub const XMP_KEYS: &str = "XMP has more keys than allowed";
/// What is wrong with EXIF past the limit of keys.
pub const EXIF_KEYS: &str = "EXIF has more keys than allowed";

/// What has been read of one block of image resources.
#[derive(Debug, Default)]
pub struct Resources {
    count: usize,
    /// Values of all blocks of IIM.
    values: usize,
    /// The MD5 of the first block of IIM.
    iim_digest: Option<[u8; 16]>,
    /// The digest that the resources have for it.
    said_digest: Option<[u8; 16]>,
}

impl Resources {
    /// Counts one more resource.
    ///
    /// # Errors
    /// When there are more than allowed.
    pub fn count(&mut self) -> Result<(), Fault> {
        self.count += 1;
        if self.count <= BOXES_MAX {
            return Ok(());
        }
        Err(Fault::limit("a file has more Photoshop resources than allowed", format!("{BOXES_MAX} resources")))
    }

    /// Adds what one resource says.
    pub fn add(&mut self, header: Header, data: &[u8], found: &mut Found, budget: &Budget) {
        match header.id {
            Some(IIM) => {
                if self.iim_digest.is_none() {
                    self.iim_digest = Some(Md5::digest(data).into());
                }
                let mut block = iim::read(data, budget);
                let tags = block.as_deref().unwrap_or_default();
                self.values += tags.iter().map(values_of).sum::<usize>();
                if self.values > iim::DATASETS_MAX {
                    block = Err(iim::too_many());
                }
                add_iim(&mut found.iptc, block);
            }
            Some(IIM_DIGEST) => self.said_digest = data.try_into().ok(),
            Some(XMP) => {
                found::add(&mut found.xmp, xmp::read(data, budget));
                limit_keys(&mut found.xmp, XMP_KEYS);
            }
            Some(EXIF_1 | EXIF_3) => {
                found::add(&mut found.exif, exif::read(data, budget));
                limit_keys(&mut found.exif, EXIF_KEYS);
            }
            _ => {}
        }
    }

    /// Compares the digest of the IIM with the IIM, in whatever order they came. A digest of zeros says nothing.
    pub fn finish(self, found: &mut Found) {
        if let (Some(is), Some(said)) = (self.iim_digest, self.said_digest) {
            found.iptc_is_newer |= said != [0; 16] && said != is;
        }
    }
}

/// Adds a block of IIM. The second one of a file is in the group `IPTC2`, as ExifTool has it, and so on.
fn add_iim(part: &mut Part, block: Part) {
    let (tags, mut more) = match (part.as_mut(), block) {
        (Ok(tags), Ok(more)) => (tags, more),
        (_, block) => return found::add(part, block),
    };
    if let Some(last) = tags.last() {
        let blocks = last.group.strip_prefix("IPTC").and_then(|number| number.parse().ok()).unwrap_or(1_usize);
        more.iter_mut().for_each(|tag| tag.group = iim::group(blocks.saturating_add(1)));
    }
    tags.extend(more);
    limit_keys(part, "IPTC-IIM has more keys than allowed");
}

fn values_of(tag: &Tag) -> usize {
    if let TagValue::Bag(values) = &tag.value { values.len() } else { 1 }
}

/// Makes a source that several blocks have filled past the limit of keys a fault. Each block alone is within it.
pub fn limit_keys(part: &mut Part, what: &'static str) {
    if part.as_ref().is_ok_and(|tags| tags.len() > KEYS_MAX) {
        *part = Err(Fault::limit(what, format!("{KEYS_MAX} keys")));
    }
}

/// Says of each source that it could not be read: any may have been in what is left.
fn give_up(found: &mut Found, budget: &Budget, fault: Fault) {
    let again = || match budget.check() {
        Err(fault) => fault,
        Ok(()) => Fault::limit("a file has more Photoshop resources than allowed", format!("{BOXES_MAX} resources")),
    };
    found::add(&mut found.xmp, Err(again()));
    found::add(&mut found.exif, Err(again()));
    found::add(&mut found.iptc, Err(fault));
}

#[cfg(test)]
mod tests {
    use md5::{Digest as _, Md5};

    use super::iim::DATASETS_MAX;
    use super::{BOXES_MAX, HEADER_BYTES_MAX, Header, KEYS_MAX, read};
    use crate::metadata::budget::Budget;
    use crate::metadata::found::Found;
    use crate::metadata::tag::TagValue;

    fn resource(signature: &[u8; 4], id: u16, name: &[u8], data: &[u8]) -> Vec<u8> {
        let mut out = [signature, &id.to_be_bytes()[..], &[name.len() as u8], name].concat();
        out.resize(out.len().next_multiple_of(2), 0);
        out.extend((data.len() as u32).to_be_bytes());
        out.extend(data);
        out.resize(out.len().next_multiple_of(2), 0);
        out
    }

    fn iim(city: &str) -> Vec<u8> {
        [b"\x1c\x02\x5a\0", &[city.len() as u8][..], city.as_bytes()].concat()
    }

    fn found(block: &[u8]) -> Found {
        let mut found = Found::default();
        read(block, &mut found, &Budget::endless());
        found
    }

    fn cities(found: &Found) -> Vec<(String, String)> {
        let tags = found.iptc.as_ref().expect("IIM");
        let text = |value: &TagValue| if let TagValue::Text(text) = value { text.clone() } else { String::new() };
        tags.iter().map(|tag| (tag.group.to_string(), text(&tag.value))).collect()
    }

    fn pair(group: &str, city: &str) -> (String, String) {
        (group.to_owned(), city.to_owned())
    }

    #[test]
    fn names_and_data_are_padded() {
        for name in [&b""[..], b"a", b"ab", &[b'x'; 255]] {
            let block = [
                resource(b"8BIM", 0x03ed, name, b"odd"),
                resource(b"MeSa", 0x0404, name, b"not Photoshop's"),
                resource(b"8BIM", 0x0404, name, &iim("Bern")),
            ];
            assert_eq!(cities(&found(&block.concat())), [pair("IPTC", "Bern")], "{name:?}");
        }
    }

    #[test]
    fn several_blocks_of_iim_are_groups() {
        let block: Vec<u8> =
            ["A", "B", "C"].iter().flat_map(|city| resource(b"8BIM", 0x0404, b"", &iim(city))).collect();
        assert_eq!(cities(&found(&block)), [pair("IPTC", "A"), pair("IPTC2", "B"), pair("IPTC3", "C")]);
    }

    #[test]
    fn a_digest_that_does_not_match_says_that_the_iim_is_newer() {
        let iim = resource(b"8BIM", 0x0404, b"", &iim("A"));
        let digest = |bytes: &[u8]| resource(b"8BIM", 0x0425, b"", bytes);
        let right = digest(&Md5::digest(b"\x1c\x02\x5a\0\x01A"));
        for (block, expect) in [
            ([&iim[..], &right].concat(), false),
            ([&right[..], &iim].concat(), false),
            ([&iim[..], &digest(&[1; 16])].concat(), true),
            ([&digest(&[1; 16])[..], &iim].concat(), true),
            ([&iim[..], &digest(&[0; 16])].concat(), false),
            ([&iim[..], &digest(&[1; 15])].concat(), false),
            (digest(&[1; 16]), false),
            (iim.clone(), false),
        ] {
            assert_eq!(found(&block).iptc_is_newer, expect, "{block:?}");
        }
    }

    #[test]
    fn damage_takes_away_what_is_behind_it() {
        let (first, second) = (resource(b"8BIM", 0x0404, b"", &iim("A")), resource(b"8BIM", 0x0404, b"", &iim("B")));
        let fault = |block: &[u8]| found(block).iptc.expect_err("a fault").to_string();
        assert_eq!(cities(&found(&[&first[..], b"\0\0", &second].concat())), [pair("IPTC", "A")]);
        assert_eq!(cities(&found(&[&resource(b"8BIM", 0x03ed, b"", b"")[..], &[0; 9]].concat())), []);
        assert_eq!(fault(&[b"xx", &first[..]].concat()), "Photoshop is damaged: an image resource has no signature");
        assert_eq!(fault(&first[..14]), "Photoshop is damaged: an image resource goes on past the end");
        assert_eq!(cities(&found(&[&first[..], &second[..5]].concat())), [pair("IPTC", "A")]);
        let junk = resource(b"8BIM", 0x0404, b"", b"junk");
        let expect = "IPTC-IIM is damaged: its first byte does not begin a dataset";
        assert_eq!((fault(&junk), fault(&[&first[..], &junk].concat())), (expect.to_owned(), expect.to_owned()));
    }

    #[test]
    fn resources_have_a_limit() {
        let resources = |count| found(&resource(b"8BIM", 0x03ed, b"", b"").repeat(count));
        let most = resources(BOXES_MAX);
        assert!(most.iptc.is_ok() && most.xmp.is_ok() && most.exif.is_ok());
        let found = resources(BOXES_MAX + 1);
        for part in [found.iptc, found.xmp, found.exif] {
            let expect = "a file has more Photoshop resources than allowed (limit: 4096 resources)";
            assert_eq!(part.expect_err("a fault").to_string(), expect);
        }
    }

    #[test]
    fn keys_of_several_blocks_have_a_limit() {
        let blocks = |count| found(&resource(b"8BIM", 0x0404, b"", &iim("A")).repeat(count)).iptc;
        assert_eq!(blocks(KEYS_MAX).expect("IIM").len(), KEYS_MAX);
        let expect = "IPTC-IIM has more keys than allowed (limit: 512 keys)";
        assert_eq!(blocks(KEYS_MAX + 1).expect_err("a fault").to_string(), expect);
        let keywords = |count| resource(b"8BIM", 0x0404, b"", &b"\x1c\x02\x19\0\0".repeat(count));
        let most = [keywords(DATASETS_MAX - 20_000), keywords(20_000)].concat();
        assert!(found(&most).iptc.is_ok());
        let expect = "IPTC-IIM has more datasets than allowed (limit: 50000 datasets)";
        assert_eq!(found(&[most, keywords(1)].concat()).iptc.expect_err("a fault").to_string(), expect);
    }

    #[test]
    fn a_header_is_parsed() {
        let header = Header::parse(b"8BIM\x04\x04\x03abc\0\0\x01\0").expect("a header");
        assert_eq!((header.id, header.data, header.length, header.padded_length()), (Some(0x0404), 14, 256, 256));
        assert!(header.is_read());
        assert_eq!(Header::parse(b"8BIM\x04\x04\0\0\0\0\x01"), None);
        assert_eq!(Header::parse(b"8BPS\x04\x04\0\0\0\0\x01\0"), None);
        // The longest name that a header can have.
        let longest = resource(b"8BIM", 0x0404, &[b'x'; 255], b"data");
        let header = Header::parse(&longest[..HEADER_BYTES_MAX]).expect("a header");
        assert_eq!((header.data, header.length), (HEADER_BYTES_MAX, 4));
        assert_eq!(Header::parse(&longest[..HEADER_BYTES_MAX - 1]), None);
    }
}
