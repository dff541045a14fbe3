//! ISO base media files: MP4, MOV, M4A, 3GP, CR3, HEIC, HEIF, AVIF (ISO/IEC 14496-12, ISO/IEC 23008-12, QuickTime File
//! Format).
//!
//! Only the headers of boxes and the few boxes that say something are read; media data is passed by, however large it
//! is. Reads no samples and no fragments: what a fragmented movie says, it says in its movie box.

pub mod boxes;
pub mod canon;
pub mod heif;
pub mod ilst;
pub mod items;
pub mod keys;
pub mod locale;
pub mod meta;
pub mod movie;
pub mod names;
pub mod track;
pub mod userdata;
pub mod values;

use boxes::{Header, Walk};

use super::endian::{be16, be32, code};
use super::extent::Extent;
use crate::metadata::blocks;
use crate::metadata::fault::Fault;
use crate::metadata::found::{self, Found, Part};
use crate::metadata::input::Input;
use crate::metadata::limits::KEYS_MAX;
use crate::metadata::tag::{Family, Tag, TagValue};
use crate::metadata::text;

/// The format's name in faults.
const FORMAT: &str = "ISO BMFF";

/// The box that XMP is in (XMP Specification Part 3, "MPEG-4").
const XMP_UUID: [u8; 16] =
    [0xbe, 0x7a, 0xcf, 0xcb, 0x97, 0xa9, 0x42, 0xe8, 0x9c, 0x71, 0x99, 0x94, 0x91, 0xe3, 0xaf, 0xac];

/// The kinds of outermost boxes. A file that ends within one of them is cut short. Other bytes behind the last box are
/// not a box: some cameras append data in formats of their own.
const TOP_KINDS: [&[u8; 4]; 16] = [
    b"free", b"ftyp", b"mdat", b"meta", b"mfra", b"moof", b"moov", b"pdin", b"pnot", b"prft", b"sidx", b"skip",
    b"styp", b"udta", b"uuid", b"wide",
];

/// Returns whether these first bytes begin such a file.
#[must_use]
pub fn knows(head: &[u8]) -> bool {
    match code(head, 4).as_ref() {
        Some(b"ftyp" | b"styp") => true,
        // A QuickTime movie has no file type. It begins with one of these boxes.
        Some(b"moov" | b"mdat" | b"wide" | b"free" | b"skip" | b"pnot") => {
            be32(head, 0).is_some_and(|size| size >= 8 || size == 1 || size == 0 && code(head, 4) == Some(*b"mdat"))
        }
        _ => false,
    }
}

/// Reads such a file.
///
/// # Errors
/// When it ends before its first box with metadata does, has too many boxes, or the disk refuses.
pub fn read(input: &mut Input<'_>, found: &mut Found) -> Result<(), Fault> {
    let mut walk = Walk::new(input, found);
    let end = top_boxes(&mut walk);
    let tags = std::mem::take(&mut walk.tags);
    let is_whole = end?;
    found::add(&mut found.exif, within_keys(tags));
    if !is_whole && found.xmp.as_ref().is_ok_and(Vec::is_empty) {
        // It may have been in what is missing.
        found.xmp = Err(Fault::damaged(FORMAT, "the file ends within a box"));
    }
    Ok(())
}

/// Tags, unless there are more than one source may have.
fn within_keys(tags: Vec<Tag>) -> Part {
    if tags.len() > KEYS_MAX {
        return Err(Fault::limit("a file has more keys than allowed", format!("{KEYS_MAX} keys")));
    }
    Ok(tags)
}

/// Reads the outermost boxes. Returns whether the file ends where a box does.
fn top_boxes(walk: &mut Walk<'_, '_>) -> Result<bool, Fault> {
    let size = walk.input.size();
    let (mut at, mut has_movie, mut has_anything) = (0, false, false);
    while let Some(top) = walk.header(at, size)? {
        let is_known = TOP_KINDS.contains(&&top.kind);
        if top.content.end > size {
            if has_anything {
                return Ok(!is_known);
            }
            return Err(Fault::damaged(
                FORMAT,
                format!("box {} extends past the end of the file", top.kind.escape_ascii()),
            ));
        }
        match &top.kind {
            b"ftyp" => file_type(walk, top.content)?,
            b"moov" => movie::read(walk, top.content)?,
            b"meta" => heif::read(walk, top.content)?,
            b"uuid" => uuid(walk, &top)?,
            b"moof" if has_movie => break,
            _ => {}
        }
        has_movie |= &top.kind == b"moov";
        has_anything |= matches!(&top.kind, b"moov" | b"meta" | b"moof" | b"uuid");
        at = top.content.end;
    }
    if !has_anything {
        return Err(Fault::damaged(FORMAT, "it has neither a movie nor a metadata box"));
    }
    Ok(true)
}

/// Reads a box whose kind is a UUID.
///
/// # Errors
/// As its blocks' container says.
pub fn uuid(walk: &mut Walk<'_, '_>, header: &Header) -> Result<(), Fault> {
    let content = Extent { begin: header.content.begin.saturating_add(16), ..header.content };
    let id = header.content.head(walk.input, 16)?;
    if id == XMP_UUID {
        content.add_block(walk.input, &mut walk.found.xmp, blocks::xmp::read)
    } else if id == canon::UUID {
        canon::read(walk, content)
    } else {
        Ok(())
    }
}

/// The file's type (ISO/IEC 14496-12, section 4.3).
fn file_type(walk: &mut Walk<'_, '_>, content: Extent) -> Result<(), Fault> {
    let bytes = content.head(walk.input, 8 + 4 * 64)?;
    let (Some(major), Some(version)) = (code(bytes, 0), be16(bytes, 4)) else { return Ok(()) };
    let (middle, last) = (bytes.get(6).copied().unwrap_or(0), bytes.get(7).copied().unwrap_or(0));
    let brands = bytes.get(8..).unwrap_or_default().chunks_exact(4).map(latin);
    let brands: Vec<_> = brands.filter(|brand| !brand.is_empty()).map(TagValue::Text).collect();
    walk.has_utc = &major == b"crx ";
    let group = values::QUICK_TIME;
    walk.tag(&group, "MajorBrand", latin(&major));
    walk.tag(&group, "MinorVersion", format!("{version:x}.{middle:x}.{last:x}"));
    if !brands.is_empty() {
        let mut tag = Tag::text(Family::QuickTime, group, "CompatibleBrands", "");
        tag.value = TagValue::Bag(brands);
        walk.tags.push(tag);
    }
    Ok(())
}

fn latin(code: &[u8]) -> String {
    text::clean(&code.iter().map(|&byte| char::from(byte)).collect::<String>())
}

#[cfg(test)]
mod tests;
