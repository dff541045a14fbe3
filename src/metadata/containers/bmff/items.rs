//! The lists of HEIF's items: which there are, what they describe, where they are (ISO/IEC 14496-12, sections 8.11.3,
//! 8.11.6 and 8.11.12; ISO/IEC 23008-12, section 9.3.2).

use super::boxes::Walk;
use super::locale::split_nul;
use crate::metadata::budget::Budget;
use crate::metadata::containers::endian::{be16, be32, be64, code};
use crate::metadata::containers::extent::Extent;
use crate::metadata::fault::Fault;
use crate::metadata::limits::BOXES_MAX;

/// Items of one file that are metadata; those past them are left out.
pub(super) const METADATA_ITEMS_MAX: usize = 64;

/// An item that is metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// Its number in the file.
    pub id: u32,
    /// Whether it is EXIF; it is XMP otherwise.
    pub is_exif: bool,
    /// Whether its bytes are a zlib stream.
    pub is_deflated: bool,
}

/// Where an item is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The item's number.
    pub id: u32,
    /// What its offsets count from: 0 the file, 1 the data box of the metadata box, 2 another item.
    pub method: u16,
    /// Offset and length of each of its parts; a length of 0 goes to the end.
    pub extents: Vec<(u64, u64)>,
}

/// The items of an `iinf` box that are EXIF or XMP.
///
/// # Errors
/// As the walk says.
pub fn metadata_items(walk: &mut Walk<'_, '_>, content: Extent) -> Result<Vec<Item>, Fault> {
    // A version with flags and the number of items come first; that has 32 bits from version 1 on.
    let skip = if content.head(walk.input, 1)?.first() == Some(&0) { 6 } else { 8 };
    let mut items = Vec::new();
    let mut at = content.begin.saturating_add(skip);
    while let Some(child) = walk.child(at, content)? {
        if &child.kind == b"infe"
            && items.len() < METADATA_ITEMS_MAX
            && let Some(item) = item(child.content.head(walk.input, 256)?)
        {
            items.push(item);
        }
        at = child.content.end;
    }
    Ok(items)
}

fn item(bytes: &[u8]) -> Option<Item> {
    // Version 2 has ids of 16 bits, version 3 of 32. Two bytes of protection, the type, the name and the content type
    // follow.
    let (id, at) = match bytes.first()? {
        2 => (u32::from(be16(bytes, 4)?), 8),
        3 => (be32(bytes, 4)?, 10),
        _ => return None,
    };
    let rest = split_nul(bytes.get(at + 4..)?).1;
    let (content_type, rest) = split_nul(rest);
    let encoding = split_nul(rest).0;
    match &code(bytes, at)? {
        b"Exif" => Some(Item { id, is_exif: true, is_deflated: false }),
        b"mime" if content_type == b"application/rdf+xml" => match encoding {
            b"" => Some(Item { id, is_exif: false, is_deflated: false }),
            b"deflate" => Some(Item { id, is_exif: false, is_deflated: true }),
            _ => None,
        },
        _ => None,
    }
}

/// Which items an `iref` box says that metadata describes: the item, and those that it describes.
///
/// # Errors
/// As the walk says.
pub fn descriptions(walk: &mut Walk<'_, '_>, content: Extent) -> Result<Vec<(u32, Vec<u32>)>, Fault> {
    let is_wide = content.head(walk.input, 1)?.first() != Some(&0);
    let mut descriptions = Vec::new();
    let mut at = content.begin.saturating_add(4);
    while let Some(child) = walk.child(at, content)? {
        at = child.content.end;
        if &child.kind != b"cdsc" {
            continue;
        }
        let bytes = child.content.head(walk.input, 4 * BOXES_MAX)?;
        let size = if is_wide { 4 } else { 2 };
        let id = |at| if is_wide { be32(bytes, at) } else { be16(bytes, at).map(u32::from) };
        let (Some(from), Some(count)) = (id(0), be16(bytes, size)) else { continue };
        let to = (0..usize::from(count)).map_while(|index| id(size + 2 + index * size)).collect();
        descriptions.push((from, to));
    }
    Ok(descriptions)
}

/// The locations of some items, out of the content of an `iloc` box.
///
/// # Errors
/// When the file's time is used up.
pub fn locations(bytes: &[u8], wanted: &[u32], budget: &Budget) -> Result<Vec<Location>, Fault> {
    let mut reader = Reader { bytes, at: 4 };
    let mut found = Vec::new();
    let (Some(&version), Some(sizes)) = (bytes.first(), reader.number(2)) else { return Ok(found) };
    let size = |shift: u64| (sizes >> shift & 0xf) as usize;
    let (offset_size, length_size, base_size) = (size(12), size(8), size(4));
    let index_size = if version == 0 { 0 } else { size(0) };
    let id_size = if version < 2 { 2 } else { 4 };
    let Some(count) = reader.number(id_size) else { return Ok(found) };
    for _ in 0..count {
        budget.step()?;
        let Some(id) = reader.number(id_size) else { break };
        let method = if version == 0 { Some(0) } else { reader.number(2) };
        let (Some(method), Some(_), Some(base)) = (method, reader.number(2), reader.number(base_size)) else { break };
        let Some(extents) = reader.number(2) else { break };
        let is_wanted = wanted.iter().any(|wanted| u64::from(*wanted) == id);
        let mut location = Location { id: id as u32, method: (method & 0xf) as u16, extents: Vec::new() };
        if !is_wanted {
            let size = extents.saturating_mul((index_size + offset_size + length_size) as u64);
            reader.at = reader.at.saturating_add(usize::try_from(size).unwrap_or(usize::MAX));
            continue;
        }
        for _ in 0..extents {
            budget.step()?;
            let parts = (reader.number(index_size), reader.number(offset_size), reader.number(length_size));
            let (Some(_), Some(offset), Some(length)) = parts else { return Ok(found) };
            location.extents.push((base.saturating_add(offset), length));
        }
        found.push(location);
    }
    Ok(found)
}

/// The numbers, from 1 on, of an item's properties, out of the content of an `ipma` box.
///
/// # Errors
/// When the file's time is used up.
pub fn associations(bytes: &[u8], wanted: u32, budget: &Budget) -> Result<Vec<u64>, Fault> {
    let mut reader = Reader { bytes, at: 4 };
    let (Some(version), Some(flags)) = (bytes.first(), bytes.get(3)) else { return Ok(Vec::new()) };
    let id_size = if *version == 0 { 2 } else { 4 };
    let (index_size, mask) = if flags & 1 == 0 { (1, 0x7f) } else { (2, 0x7fff) };
    let count = reader.number(4).unwrap_or(0);
    for _ in 0..count {
        budget.step()?;
        let (Some(id), Some(indexes)) = (reader.number(id_size), reader.number(1)) else { break };
        if id == u64::from(wanted) {
            return Ok((0..indexes).map_while(|_| reader.number(index_size)).map(|index| index & mask).collect());
        }
        reader.at = reader.at.saturating_add(index_size * indexes as usize);
    }
    Ok(Vec::new())
}

/// Reads big-endian numbers of sizes that the file says, one after the other.
struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Reader<'_> {
    /// A number of 0, 1, 2, 4 or 8 bytes; that of 0 bytes is 0.
    fn number(&mut self, size: usize) -> Option<u64> {
        let number = match size {
            0 => 0,
            1 => u64::from(*self.bytes.get(self.at)?),
            2 => be16(self.bytes, self.at)?.into(),
            4 => be32(self.bytes, self.at)?.into(),
            8 => be64(self.bytes, self.at)?,
            _ => return None,
        };
        self.at = self.at.checked_add(size)?;
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::{Item, associations, item, locations};
    use crate::metadata::budget::Budget;

    #[test]
    fn items_are_known_by_their_types() {
        let exif = Item { id: 7, is_exif: true, is_deflated: false };
        assert_eq!(item(b"\x02\0\0\0\0\x07\0\0Exif\0"), Some(exif));
        assert_eq!(item(b"\x03\0\0\0\0\0\0\x07\0\0Exif\0"), Some(exif));
        let xmp = Item { id: 8, is_exif: false, is_deflated: false };
        assert_eq!(item(b"\x02\0\0\0\0\x08\0\0mimename\0application/rdf+xml\0"), Some(xmp));
        let deflated = Item { is_deflated: true, ..xmp };
        assert_eq!(item(b"\x02\0\0\0\0\x08\0\0mime\0application/rdf+xml\0deflate\0"), Some(deflated));
        assert_eq!(item(b"\x02\0\0\0\0\x08\0\0mime\0text/plain\0"), None);
        assert_eq!((item(b"\x02\0\0\0\0\x08\0\0hvc1\0"), item(b"\x02\0"), item(b"")), (None, None, None));
    }

    #[test]
    fn locations_of_each_version_are_read() {
        let budget = Budget::endless();
        let of = |bytes: &[u8], id| locations(bytes, &[id], &budget).expect("no fault");
        // Offsets and lengths of 4 bytes, no base: item 1 has one extent, item 2 has two.
        let entries =
            b"\0\x02\0\x01\0\0\0\x01\0\0\0\x10\0\0\0\x05\0\x02\0\0\0\x02\0\0\0\x20\0\0\0\x06\0\0\0\x30\0\0\0\x07";
        let version0 = [&b"\0\0\0\0\x44\0"[..], entries].concat();
        let found = of(&version0, 2);
        assert_eq!((found.len(), found[0].method), (1, 0));
        assert_eq!(found[0].extents, [(0x20, 6), (0x30, 7)]);
        assert!(of(&version0[..40], 2).is_empty());
        let version1 = b"\x01\0\0\0\x44\x40\0\x01\0\x09\0\x01\0\0\0\0\x01\0\0\x01\0\0\0\x08\0\0\0\x05";
        let found = of(version1, 9);
        assert_eq!((found[0].method, &found[0].extents[..]), (1, &[(0x108, 5)][..]));
        let version2 = b"\x02\0\0\0\x44\0\0\0\0\x01\0\0\0\x09\0\0\0\0\0\x01\0\0\0\x08\0\0\0\x05";
        assert_eq!(of(version2, 9)[0].extents, [(8, 5)]);
    }

    #[test]
    fn properties_are_associated() {
        let budget = Budget::endless();
        let bytes = b"\0\0\0\0\0\0\0\x02\0\x01\x02\x81\x02\0\x02\x01\x83";
        assert_eq!(associations(bytes, 1, &budget).expect("no fault"), [1, 2]);
        assert_eq!(associations(bytes, 2, &budget).expect("no fault"), [3]);
        assert!(associations(bytes, 3, &budget).expect("no fault").is_empty());
    }
}
