//! The items of HEIF and AVIF: EXIF and XMP of the primary image, and its size (ISO/IEC 14496-12, section 8.11; ISO/IEC
//! 23008-12, sections 6 and 9.3, annex A). Decodes no image.

use std::borrow::Cow;

use super::boxes::Walk;
use super::items::{self, Item, Location};
use super::{meta, track, values};
use crate::metadata::blocks;
use crate::metadata::budget::Budget;
use crate::metadata::containers::endian::{be16, be32};
use crate::metadata::containers::extent::Extent;
use crate::metadata::fault::Fault;
use crate::metadata::found::{self, Part};
use crate::metadata::limits::BLOCK_BYTES_MAX;
use crate::metadata::tag::Text;

const GROUP_META: Text = Cow::Borrowed("Meta");

/// Bytes of the boxes that list items: those of the largest collections have some hundred thousand.
pub(super) const LIST_BYTES_MAX: usize = 1024 * 1024;

/// What the metadata box of a file says of its items.
#[derive(Default)]
struct Items {
    primary: Option<u32>,
    blocks: Vec<Item>,
    references: Vec<(u32, Vec<u32>)>,
    locations: Option<Extent>,
    data: Option<Extent>,
    properties: Option<Extent>,
}

/// Reads the metadata box of a file.
///
/// # Errors
/// As the walk says.
pub fn read(walk: &mut Walk<'_, '_>, content: Extent) -> Result<(), Fault> {
    let content = meta::boxes(walk, content)?;
    let mut found = Items::default();
    let mut at = content.begin;
    while let Some(child) = walk.child(at, content)? {
        let extent = child.content;
        match &child.kind {
            b"hdlr" => track::handler(walk, extent, &values::QUICK_TIME)?,
            b"pitm" => {
                let bytes = extent.head(walk.input, 8)?;
                found.primary = match bytes.first() {
                    Some(0) => be16(bytes, 4).map(u32::from),
                    _ => be32(bytes, 4),
                };
            }
            b"iinf" => found.blocks = items::metadata_items(walk, extent)?,
            b"iref" => found.references = items::descriptions(walk, extent)?,
            b"iloc" => found.locations = Some(extent),
            b"idat" => found.data = Some(extent),
            b"iprp" => found.properties = Some(extent),
            _ => {}
        }
        at = extent.end;
    }
    if let Some(primary) = found.primary {
        walk.tag(&GROUP_META, "PrimaryItemReference", primary.to_string());
    }
    if let (Some(primary), Some(extent)) = (found.primary, found.properties) {
        properties(walk, extent, primary)?;
    }
    read_blocks(walk, &found)
}

/// Reads the blocks that describe the primary image, or that do not say what they describe.
fn read_blocks(walk: &mut Walk<'_, '_>, items: &Items) -> Result<(), Fault> {
    let describes_primary = |item: &&Item| {
        let mut described = items.references.iter().filter(|(from, _)| *from == item.id).peekable();
        described.peek().is_none() || described.any(|(_, to)| items.primary.is_none_or(|id| to.contains(&id)))
    };
    let wanted: Vec<_> = items.blocks.iter().filter(describes_primary).collect();
    let Some(extent) = items.locations.filter(|_| !wanted.is_empty()) else { return Ok(()) };
    let budget = walk.input.budget;
    let ids: Vec<u32> = wanted.iter().map(|item| item.id).collect();
    let locations = items::locations(extent.head(walk.input, LIST_BYTES_MAX)?, &ids, budget)?;
    for item in wanted {
        let Some(location) = locations.iter().find(|location| location.id == item.id) else { continue };
        let block = block(walk, location, items.data)?;
        let is_exif = item.is_exif;
        let read = |bytes: &[u8]| if is_exif { exif(bytes, budget) } else { xmp(bytes, item.is_deflated, budget) };
        let part = block.and_then(|bytes| read(&bytes));
        found::add(if is_exif { &mut walk.found.exif } else { &mut walk.found.xmp }, part);
    }
    Ok(())
}

/// The bytes of an item. The outer error is the container's, the inner one that of the item's source.
fn block(walk: &mut Walk<'_, '_>, location: &Location, data: Option<Extent>) -> Result<Result<Vec<u8>, Fault>, Fault> {
    let damaged = |what| Ok(Err(Fault::damaged("HEIF", what)));
    let base = match location.method {
        0 => 0,
        1 => match data {
            Some(data) => data.begin,
            None => return damaged("an item is in a data box that is missing"),
        },
        _ => return damaged("an item is made from other items"),
    };
    let mut out = Vec::new();
    for &(offset, length) in &location.extents {
        walk.input.budget.step()?;
        let Some(begin) = base.checked_add(offset) else { return damaged("an item is outside of the file") };
        let left = walk.input.size().saturating_sub(begin);
        let length = if length == 0 { left } else { length };
        if length > left {
            return damaged("an item is outside of the file");
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > BLOCK_BYTES_MAX.saturating_sub(out.len()) {
            return Ok(Err(Fault::limit("an item is larger than allowed", format!("{BLOCK_BYTES_MAX} bytes"))));
        }
        out.extend_from_slice(walk.input.at_most(begin, length)?);
    }
    Ok(Ok(out))
}

/// EXIF behind the offset of its TIFF header (ISO/IEC 23008-12, annex A.2.1); some writers leave the offset out.
fn exif(bytes: &[u8], budget: &Budget) -> Part {
    let is_tiff = |block: &&[u8]| block.starts_with(b"II*\0") || block.starts_with(b"MM\0*");
    let offset = be32(bytes, 0).and_then(|offset| usize::try_from(offset).ok()).unwrap_or(usize::MAX);
    let behind = |skip: Option<usize>| skip.and_then(|skip| bytes.get(skip..)).filter(is_tiff);
    let block = behind(offset.checked_add(4)).or_else(|| behind(Some(10))).or_else(|| behind(Some(4)));
    let block = block.or_else(|| behind(Some(0))).or_else(|| behind(Some(6)));
    block
        .map_or_else(|| Err(Fault::damaged("EXIF", "it has no TIFF header")), |block| blocks::exif::read(block, budget))
}

fn xmp(bytes: &[u8], is_deflated: bool, budget: &Budget) -> Part {
    if is_deflated {
        return blocks::xmp::read(&crate::metadata::containers::inflate::inflate(bytes, budget)?, budget);
    }
    blocks::xmp::read(bytes, budget)
}

/// Reads the properties of the primary image: its size, its rotation, its depth (ISO/IEC 23008-12, sections 6.5 and
/// 9.3).
fn properties(walk: &mut Walk<'_, '_>, content: Extent, primary: u32) -> Result<(), Fault> {
    let (mut container, mut indexes) = (None, Vec::new());
    let mut at = content.begin;
    while let Some(child) = walk.child(at, content)? {
        match &child.kind {
            b"ipco" => container = Some(child.content),
            b"ipma" => {
                let budget = walk.input.budget;
                let bytes = child.content.head(walk.input, LIST_BYTES_MAX)?;
                indexes.extend(items::associations(bytes, primary, budget)?);
            }
            _ => {}
        }
        at = child.content.end;
    }
    let Some(container) = container else { return Ok(()) };
    let (mut index, mut at) = (0, container.begin);
    while let Some(child) = walk.child(at, container)? {
        index += 1;
        at = child.content.end;
        if !indexes.contains(&index) {
            continue;
        }
        let bytes = child.content.head(walk.input, 32)?;
        let (name, value) = match &child.kind {
            b"ispe" => match (be32(bytes, 4), be32(bytes, 8)) {
                (Some(width), Some(height)) => ("ImageSpatialExtent", format!("{width} {height}")),
                _ => continue,
            },
            b"irot" => match bytes.first() {
                Some(quarters) => ("Rotation", u32::from(quarters & 3).to_string()),
                None => continue,
            },
            b"pixi" => {
                let count = usize::from(bytes.get(4).copied().unwrap_or(0));
                let depths = bytes.get(5..).unwrap_or_default().iter().take(count);
                ("ImagePixelDepth", depths.map(u8::to_string).collect::<Vec<_>>().join(" "))
            }
            _ => continue,
        };
        walk.tag(&values::QUICK_TIME, name, value);
    }
    Ok(())
}
