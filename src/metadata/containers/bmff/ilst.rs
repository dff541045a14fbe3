//! iTunes' list of metadata items (Apple, QuickTime File Format, "Metadata Item List Atom"; the kinds of items are
//! those that iTunes, MP4v2 and AtomicParsley document). Covers are left out.

use std::borrow::Cow;

use super::boxes::{Header, Walk};
use super::{locale, names, values};
use crate::metadata::containers::endian::{be16, be32};
use crate::metadata::containers::extent::Extent;
use crate::metadata::fault::Fault;
use crate::metadata::limits::VALUE_BYTES_MAX;
use crate::metadata::tag::{Family, Tag, TagValue, Text};
use crate::metadata::text;

const GROUP: Text = Cow::Borrowed("ItemList");
const GROUP_FREE: Text = Cow::Borrowed("iTunes");

/// What the value of an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A text.
    Text,
    /// A date as text.
    Date,
    /// A place as ISO 6709 text.
    Place,
    /// A whole number, also where the value's type does not say so.
    Number,
    /// A number and how many there are: `1 of 2`.
    OneOf,
    /// An image, or data of programs.
    Noise,
}

/// Reads the items.
///
/// # Errors
/// As the walk says.
pub fn read(walk: &mut Walk<'_, '_>, content: Extent) -> Result<(), Fault> {
    let mut at = content.begin;
    while let Some(item) = walk.child(at, content)? {
        at = item.content.end;
        if &item.kind == b"----" {
            free_form(walk, item.content)?;
        } else if let Some((name, form)) = known(item.kind) {
            values(walk, item.content, &GROUP, &name, form)?;
        }
    }
    Ok(())
}

/// The name of a kind of item.
fn known(kind: [u8; 4]) -> Option<(Text, Form)> {
    if let Ok(at) = ITEMS.binary_search_by_key(&&kind, |(kind, _, _)| kind) {
        return ITEMS
            .get(at)
            .map(|&(_, name, form)| (Cow::Borrowed(name), form))
            .filter(|(_, form)| *form != Form::Noise);
    }
    let name = kind.strip_prefix(b"\xa9").and_then(|name| std::str::from_utf8(name).ok());
    let name = name.filter(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric()))?;
    Some((Cow::Owned(format!("UserData_{name}")), Form::Text))
}

/// Adds the values of one item: those of one language are one tag.
///
/// # Errors
/// As the walk says.
pub fn values(walk: &mut Walk<'_, '_>, item: Extent, group: &Text, name: &Text, form: Form) -> Result<(), Fault> {
    let first = walk.tags.len();
    let mut at = item.begin;
    while let Some(child) = walk.child(at, item)? {
        at = child.content.end;
        if &child.kind == b"data"
            && let Some((language, value)) = value(walk, &child, form)?
        {
            push(&mut walk.tags, first, group, name, language, value);
        }
    }
    Ok(())
}

/// Adds a value, to the tag of its language when there is one among those from `first` on.
fn push(tags: &mut Vec<Tag>, first: usize, group: &Text, name: &Text, language: Option<String>, value: String) {
    let mut same = tags.iter_mut().skip(first).filter(|tag| tag.language == language);
    let Some(tag) = same.next() else {
        let mut tag = Tag::text(Family::QuickTime, group.clone(), name.clone(), value);
        tag.language = language;
        tags.push(tag);
        return;
    };
    match &mut tag.value {
        TagValue::Bag(values) => values.push(TagValue::Text(value)),
        other => *other = TagValue::Bag(vec![other.clone(), TagValue::Text(value)]),
    }
}

/// The value of a `data` box, with its language: 32 bits of type, then country and language (QuickTime File Format,
/// "Data Atom" and table "Well-known data types").
fn value(walk: &mut Walk<'_, '_>, data: &Header, form: Form) -> Result<Option<(Option<String>, String)>, Fault> {
    if data.content.length() > VALUE_BYTES_MAX as u64 + 8 {
        return Ok(None);
    }
    let bytes = data.content.head(walk.input, VALUE_BYTES_MAX + 8)?;
    let (Some(kind), Some(country), Some(code)) = (be32(bytes, 0), be16(bytes, 4), be16(bytes, 6)) else {
        return Ok(None);
    };
    let bytes = bytes.get(8..).unwrap_or_default();
    let value = match (kind, form) {
        (_, Form::Noise) | (12 | 13 | 14 | 27, _) => None,
        (_, Form::OneOf) => one_of(bytes),
        (1 | 4, form) => Some(formed(&locale::marked_text(bytes), form)),
        (2 | 5, form) => Some(formed(&locale::utf16_text(bytes), form)),
        (21 | 65 | 66 | 67 | 74, _) => signed(bytes),
        (22 | 75 | 76 | 77 | 78, _) | (0, Form::Number) => unsigned(bytes),
        (23, _) => bytes.try_into().ok().map(|bytes| text::decimal(f64::from(f32::from_be_bytes(bytes)))),
        (24, _) => bytes.try_into().ok().map(|bytes| text::decimal(f64::from_be_bytes(bytes))),
        (0, form) => std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0')).map(|text| formed(text, form)),
        _ => None,
    };
    let language = locale::language(code).map(|language| match country.to_be_bytes() {
        [first @ b'A'..=b'Z', second @ b'A'..=b'Z'] => {
            format!("{language}-{}{}", char::from(first), char::from(second))
        }
        _ => language,
    });
    Ok(value.map(|value| (language, value)))
}

fn formed(value: &str, form: Form) -> String {
    match form {
        Form::Date => values::date(value),
        Form::Place => values::place(value),
        _ => text::clean(value),
    }
}

/// Two bytes of nothing, the number, how many there are.
fn one_of(bytes: &[u8]) -> Option<String> {
    match (be16(bytes, 2)?, be16(bytes, 4).unwrap_or(0)) {
        (number, 0) => Some(number.to_string()),
        (number, count) => Some(format!("{number} of {count}")),
    }
}

fn signed(bytes: &[u8]) -> Option<String> {
    let first = *bytes.first().filter(|_| bytes.len() <= 8)?;
    let fill = if first < 0x80 { 0 } else { -1 };
    Some(bytes.iter().fold(fill, |number: i64, &byte| number << 8 | i64::from(byte)).to_string())
}

fn unsigned(bytes: &[u8]) -> Option<String> {
    bytes.first().filter(|_| bytes.len() <= 8)?;
    Some(bytes.iter().fold(0, |number: u64, &byte| number << 8 | u64::from(byte)).to_string())
}

/// Reads an item that is named by texts: whose name it is, the name, the value.
fn free_form(walk: &mut Walk<'_, '_>, content: Extent) -> Result<(), Fault> {
    let mut at = content.begin;
    while let Some(child) = walk.child(at, content)? {
        at = child.content.end;
        if &child.kind != b"name" {
            continue;
        }
        let key = child.content.head(walk.input, 256)?.get(4..).unwrap_or_default();
        let key = text::guessed(key);
        let name = match FREE_NAMES.iter().find(|(known, _)| *known == key) {
            Some((_, "")) => None,
            Some((_, name)) => Some(Cow::Borrowed(*name)),
            None => names::item_name(&key).map(Cow::Owned),
        };
        if let Some(name) = name {
            values(walk, content, &GROUP_FREE, &name, Form::Text)?;
        }
        return Ok(());
    }
    Ok(())
}

/// Names of free-form items that do not follow from their keys; without a name, data of programs.
const FREE_NAMES: [(&str, &str); 17] = [
    ("iTunEXTC", "ContentRating"),
    ("iTunNORM", "VolumeNormalization"),
    ("iTunSMPB", "iTunSMPB"),
    ("iTunes_CDDB_1", "CDDB1Info"),
    ("iTunes_CDDB_TrackNumber", "CDDBTrackNumber"),
    ("iTunPGAP", ""),
    ("tool", ""),
    ("CATALOGNUMBER", "CatalogNumber"),
    ("DISCNUMBER", "DiscNumber"),
    ("TRACKNUMBER", "TrackNumber"),
    ("initialkey", "InitialKey"),
    ("originaldate", "OriginalDate"),
    ("originalyear", "OriginalYear"),
    ("replaygain_track_gain", "ReplayTrackGain"),
    ("replaygain_track_peak", "ReplayTrackPeak"),
    ("Dynamic Range (DR)", "DynamicRange"),
    ("Volume Level (ReplayGain)", "ReplayVolumeLevel"),
];

/// The kinds of items, in the order of their bytes.
#[rustfmt::skip]
const ITEMS: &[([u8; 4], &str, Form)] = &[
    (*b"@PST", "ParentShortTitle", Form::Text),
    (*b"@ppi", "ParentProductID", Form::Text),
    (*b"@pti", "ParentTitle", Form::Text),
    (*b"@sti", "ShortTitle", Form::Text),
    (*b"GUID", "GUID", Form::Text),
    (*b"VERS", "ProductVersion", Form::Text),
    (*b"aART", "AlbumArtist", Form::Text),
    (*b"akID", "AppleStoreAccountType", Form::Number),
    (*b"albm", "Album", Form::Text),
    (*b"apID", "AppleStoreAccount", Form::Text),
    (*b"atID", "AlbumTitleID", Form::Number),
    (*b"auth", "Author", Form::Text),
    (*b"catg", "Category", Form::Text),
    (*b"cnID", "AppleStoreCatalogID", Form::Number),
    (*b"covr", "CoverArt", Form::Noise),
    (*b"cpil", "Compilation", Form::Number),
    (*b"cprt", "Copyright", Form::Text),
    (*b"desc", "Description", Form::Text),
    (*b"disk", "DiskNumber", Form::OneOf),
    (*b"dscp", "Description", Form::Text),
    (*b"egid", "EpisodeGlobalUniqueID", Form::Text),
    (*b"geID", "GenreID", Form::Number),
    (*b"gnre", "Genre", Form::Number),
    (*b"grup", "Grouping", Form::Text),
    (*b"gshh", "GoogleHostHeader", Form::Text),
    (*b"gspm", "GooglePingMessage", Form::Text),
    (*b"gspu", "GooglePingURL", Form::Text),
    (*b"gssd", "GoogleSourceData", Form::Text),
    (*b"gsst", "GoogleStartTime", Form::Text),
    (*b"gstd", "GoogleTrackDuration", Form::Text),
    (*b"hdvd", "HDVideo", Form::Number),
    (*b"itnu", "iTunesU", Form::Number),
    (*b"keyw", "Keyword", Form::Text),
    (*b"ldes", "LongDescription", Form::Text),
    (*b"pcst", "Podcast", Form::Number),
    (*b"perf", "Performer", Form::Text),
    (*b"pgap", "PlayGap", Form::Number),
    (*b"plID", "PlayListID", Form::Number),
    (*b"prID", "ProductID", Form::Text),
    (*b"purd", "PurchaseDate", Form::Date),
    (*b"purl", "PodcastURL", Form::Text),
    (*b"rate", "RatingPercent", Form::Text),
    (*b"rldt", "ReleaseDate", Form::Date),
    (*b"rtng", "Rating", Form::Number),
    (*b"sdes", "StoreDescription", Form::Text),
    (*b"sfID", "AppleStoreCountry", Form::Number),
    (*b"shwm", "ShowMovement", Form::Number),
    (*b"soaa", "SortAlbumArtist", Form::Text),
    (*b"soal", "SortAlbum", Form::Text),
    (*b"soar", "SortArtist", Form::Text),
    (*b"soco", "SortComposer", Form::Text),
    (*b"sonm", "SortName", Form::Text),
    (*b"sosn", "SortShow", Form::Text),
    (*b"stik", "MediaType", Form::Number),
    (*b"titl", "Title", Form::Text),
    (*b"tmpo", "BeatsPerMinute", Form::Number),
    (*b"trkn", "TrackNumber", Form::OneOf),
    (*b"tven", "TVEpisodeID", Form::Text),
    (*b"tves", "TVEpisode", Form::Number),
    (*b"tvnn", "TVNetworkName", Form::Text),
    (*b"tvsh", "TVShow", Form::Text),
    (*b"tvsn", "TVSeason", Form::Number),
    (*b"yrrc", "Year", Form::Text),
    (*b"\xa9ART", "Artist", Form::Text),
    (*b"\xa9alb", "Album", Form::Text),
    (*b"\xa9ard", "ArtDirector", Form::Text),
    (*b"\xa9arg", "Arranger", Form::Text),
    (*b"\xa9aut", "Author", Form::Text),
    (*b"\xa9cmt", "Comment", Form::Text),
    (*b"\xa9com", "Composer", Form::Text),
    (*b"\xa9con", "Conductor", Form::Text),
    (*b"\xa9cpy", "Copyright", Form::Text),
    (*b"\xa9day", "ContentCreateDate", Form::Date),
    (*b"\xa9des", "Description", Form::Text),
    (*b"\xa9dir", "Director", Form::Text),
    (*b"\xa9enc", "EncodedBy", Form::Text),
    (*b"\xa9gen", "Genre", Form::Text),
    (*b"\xa9grp", "Grouping", Form::Text),
    (*b"\xa9lyr", "Lyrics", Form::Text),
    (*b"\xa9mvc", "MovementCount", Form::Number),
    (*b"\xa9mvi", "MovementNumber", Form::Number),
    (*b"\xa9mvn", "MovementName", Form::Text),
    (*b"\xa9nam", "Title", Form::Text),
    (*b"\xa9nrt", "Narrator", Form::Text),
    (*b"\xa9ope", "OriginalArtist", Form::Text),
    (*b"\xa9prd", "Producer", Form::Text),
    (*b"\xa9pub", "Publisher", Form::Text),
    (*b"\xa9sne", "SoundEngineer", Form::Text),
    (*b"\xa9sol", "Soloist", Form::Text),
    (*b"\xa9st3", "Subtitle", Form::Text),
    (*b"\xa9too", "Encoder", Form::Text),
    (*b"\xa9trk", "Track", Form::Text),
    (*b"\xa9wrk", "Work", Form::Text),
    (*b"\xa9wrt", "Composer", Form::Text),
    (*b"\xa9xpd", "ExecutiveProducer", Form::Text),
    (*b"\xa9xyz", "GPSCoordinates", Form::Place),
];

#[cfg(test)]
mod tests {
    use super::{Form, ITEMS, known, one_of, signed, unsigned};

    #[test]
    fn the_table_is_sorted() {
        assert!(ITEMS.is_sorted_by(|(one, _, _), (two, _, _)| one < two));
        assert_eq!(known(*b"\xa9nam"), Some(("Title".into(), Form::Text)));
        assert_eq!(known(*b"\xa9zzz"), Some(("UserData_zzz".into(), Form::Text)));
        assert_eq!((known(*b"covr"), known(*b"zzzz"), known(*b"\xa9\xa9zz")), (None, None, None));
    }

    #[test]
    fn numbers_have_any_size() {
        assert_eq!(signed(b"\xff\xfe").as_deref(), Some("-2"));
        assert_eq!(signed(b"\0\x78").as_deref(), Some("120"));
        assert_eq!(unsigned(b"\xff").as_deref(), Some("255"));
        assert_eq!((signed(b""), unsigned(b"123456789")), (None, None));
        assert_eq!(one_of(b"\0\0\0\x01\0\x02\0\0").as_deref(), Some("1 of 2"));
        assert_eq!(one_of(b"\0\0\0\x03\0\0").as_deref(), Some("3"));
    }
}
