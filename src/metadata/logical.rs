//! Tags as keys and values. Reads no bytes and knows no other source than the one whose tags it is given: which source
//! of an asset wins a key is decided where sources meet.
//!
//! Each tag gives its physical key (`XMP-photoshop:City`). Most give a logical key too (`XMP_City`), and a tag that
//! carries a property of the IPTC Photo Metadata Standard gives that property's key (`IPTC_City`). When two tags give
//! one logical key, a fixed order of their groups decides, and the first has it whole.

pub mod dates;
pub mod flatten;
pub mod noise;

use std::borrow::Cow;
use std::mem::take;

use dates::Parts;
use flatten::Leaf;

use super::blocks::iim;
use super::fault::Fault;
use super::limits::KEYS_MAX;
use super::tag::{Family, Tag, TagValue};
use crate::model::keys::{self, exif, iptc, media, xmp};
use crate::model::metadata::{Said, nfc};

/// What a source says, unless it has more physical keys than one source may have.
///
/// # Errors
/// When it has.
pub fn within_limits(said: Said) -> Result<Said, Fault> {
    if said.values.keys().filter(|key| key.contains(':')).count() > KEYS_MAX {
        return Err(Fault::limit("a source has more keys than allowed", format!("{KEYS_MAX} keys")));
    }
    Ok(said)
}

/// The keys and values of one source's tags. Logical keys contain no colon; of two tags with one physical key the first
/// counts.
#[must_use]
pub fn said(tags: &[Tag]) -> Said {
    let mut gathered = Gathered::with_capacity(tags.len() * 3);
    let parts = Parts::of(tags);
    let full_image = full_image(tags);
    for tag in tags.iter().filter(|tag| !noise::is_noise(tag)) {
        flatten::leaves(tag, &mut |leaf| gathered.add(tag, leaf, &parts, full_image));
    }
    gathered.add_position_time(&parts);
    gathered.into_said()
}

/// The directory of the full image, when the first directory says that it has a smaller one itself and another says
/// that it has the full one (TIFF 6.0, section 8, `NewSubfileType`).
fn full_image(tags: &[Tag]) -> Option<&str> {
    let types = || tags.iter().filter(|tag| tag.family == Family::Exif && tag.name == "SubfileType");
    let is_full = |tag: &Tag| matches!(&tag.value, TagValue::Text(text) if text == "0");
    types().find(|tag| tag.group == "IFD0" && !is_full(tag))?;
    types().find(|tag| is_full(tag)).map(|tag| &*tag.group)
}

/// One key, before it is decided which tag has it.
struct Entry<'t> {
    key: String,
    /// The first bytes of the key: they order most keys without a look at the rest.
    beginning: u128,
    /// The place of the tag among those that give the key; the first has it.
    rank: u16,
    group: &'t str,
    values: Vec<String>,
    is_ordered: bool,
}

#[derive(Default)]
struct Gathered<'t>(Vec<Entry<'t>>);

impl<'t> Gathered<'t> {
    fn with_capacity(entries: usize) -> Self {
        Self(Vec::with_capacity(entries))
    }

    fn push(&mut self, key: String, rank: u16, group: &'t str, values: Vec<String>, is_ordered: bool) {
        let key = if key.is_ascii() { key } else { nfc(&key) };
        let beginning = beginning_of(key.as_bytes());
        self.0.push(Entry { key, beginning, rank, group, values, is_ordered });
    }

    /// Adds the keys of one leaf of a tag.
    fn add(&mut self, tag: &'t Tag, leaf: Leaf<'_>, parts: &Parts<'_>, full_image: Option<&str>) {
        let Leaf { name, language, values, is_ordered } = leaf;
        let (group, name) = (&*tag.group, &*name);
        let mut physical = join(&[group, ":", name]);
        let in_language = |prefix: &str, name: &str| match language {
            Some(language) => join(&[prefix, name, "[", language, "]"]),
            None => join(&[prefix, name]),
        };
        match tag.family {
            Family::Xmp => {
                if let Some(property) = iptc::of_source(&physical) {
                    let is_ordered = is_ordered || property.kind == keys::Kind::OrderedList;
                    self.push(in_language("", property.name), 0, group, values.clone(), is_ordered);
                }
                self.push(in_language("XMP_", name), xmp::rank(group), group, values.clone(), is_ordered);
            }
            Family::Iptc => {
                let is_time = iptc::DATES.iter().any(|(_, time)| *time == name);
                let is_second = group == iim::SECOND;
                let dataset = if is_second { Cow::Owned(join(&["IPTC:", name])) } else { Cow::Borrowed(&*physical) };
                if let Some(property) = iptc::of_source(&dataset).filter(|_| !is_time) {
                    let is_ordered = property.kind == keys::Kind::OrderedList;
                    let value = |value: &String| match is_second {
                        // The time of day that belongs to a date is looked for in the first block alone.
                        true => iptc::value_of_iim(name, value).to_owned(),
                        false => iptc_value(name, value, parts),
                    };
                    let values = values.iter().map(value).collect();
                    self.push(property.name.to_owned(), u16::from(is_second), group, values, is_ordered);
                }
            }
            Family::Exif if group == "GPS" => {
                let tag = name.strip_prefix("GPS").unwrap_or(name);
                if !matches!(
                    tag,
                    "DateStamp"
                        | "TimeStamp"
                        | "LatitudeRef"
                        | "LongitudeRef"
                        | "AltitudeRef"
                        | "DestLatitudeRef"
                        | "DestLongitudeRef"
                ) {
                    self.push(join(&["GPS_", tag]), 0, group, values.clone(), is_ordered);
                }
            }
            Family::Exif => {
                let is_size = matches!(name, "ImageWidth" | "ImageHeight");
                let rank = match full_image {
                    Some(full) if is_size && full == group => Some(0),
                    _ => exif::rank(group).map(|rank| rank + 1),
                };
                if let Some(rank) = rank
                    && !exif::DATES.iter().any(|date| date.fraction == name || date.zone == name)
                {
                    let values = values.iter().map(|value| parts.exif_date(name, value).into_owned()).collect();
                    self.push(join(&["EXIF_", name]), rank, group, values, is_ordered);
                }
            }
            Family::QuickTime => {
                let rank = media::quicktime_rank(group);
                self.push(in_language("QuickTime_", name), rank, group, values.clone(), is_ordered);
            }
            Family::Riff if group == "iXML" => {
                self.push(in_language("IXML_", name), 0, group, values.clone(), is_ordered);
            }
            Family::Riff | Family::Png | Family::Photoshop => {
                let (prefix, main) = match tag.family {
                    Family::Riff => ("RIFF_", "RIFF"),
                    Family::Png => ("PNG_", "PNG"),
                    _ => ("Photoshop_", "Photoshop"),
                };
                self.push(in_language(prefix, name), u16::from(group != main), group, values.clone(), is_ordered);
            }
            Family::Other => {
                // A colon is what physical keys are known by.
                let group_name = group.replace([':', '['], "-");
                self.push(in_language(&join(&[&group_name, "_"]), name), 0, group, values.clone(), is_ordered);
            }
        }
        if let Some(language) = language {
            physical.push('-');
            physical.push_str(language);
        }
        self.push(physical, 0, group, values, is_ordered);
    }

    fn add_position_time(&mut self, parts: &Parts<'_>) {
        if let Some(moment) = parts.position_time() {
            self.push(exif::GPS_DATE_TIME.name.to_owned(), 0, "GPS", vec![moment], false);
        }
    }

    fn into_said(mut self) -> Said {
        // Entries are large: references to them are sorted. The sort is stable: of two that nothing else decides, the
        // first of the source wins.
        let mut entries: Vec<&mut Entry<'_>> = self.0.iter_mut().collect();
        entries.sort_by(|one, two| {
            let by_key = one.beginning.cmp(&two.beginning).then_with(|| one.key.cmp(&two.key));
            by_key.then(one.rank.cmp(&two.rank)).then_with(|| one.group.cmp(two.group))
        });
        entries.dedup_by(|later, first| later.beginning == first.beginning && later.key == first.key);
        let ordered = entries.iter().filter(|entry| entry.is_ordered).map(|entry| entry.key.clone()).collect();
        let values = entries.into_iter().map(|entry| (take(&mut entry.key), take(&mut entry.values))).collect();
        Said { values, ordered }
    }
}

/// The first 16 bytes of a key as a number that is ordered as they are.
fn beginning_of(key: &[u8]) -> u128 {
    let mut bytes = [0; 16];
    for (byte, &of_key) in bytes.iter_mut().zip(key) {
        *byte = of_key;
    }
    u128::from_be_bytes(bytes)
}

/// What a dataset says as a value of its property.
fn iptc_value(name: &str, value: &str, parts: &Parts<'_>) -> String {
    match parts.iptc_date(name, value) {
        Cow::Owned(date) => date,
        Cow::Borrowed(value) => iptc::value_of_iim(name, value).to_owned(),
    }
}

/// The texts in one, with one allocation.
fn join(texts: &[&str]) -> String {
    texts.concat()
}

#[cfg(test)]
mod tests;
