//! The keys that rules can name: which there are, where each comes from, and what its values look like.
//!
//! A logical key is `GROUP_Name` (`IPTC_City`); it may be fed by several tags of a file. A physical key is ExifTool's
//! `GROUP:Name` (`XMP-photoshop:City`) with its family 1 group; it is one tag. Nothing here looks at values:
//! what reads files makes the values of keys. Not every key that a file can give is known: XMP, QuickTime
//! and iXML let anybody add names.

pub mod exif;
pub mod iptc;
pub mod media;
pub mod structures;
pub mod takeout;
pub mod xmp;

/// What the values of a key are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One text. Several numbers of one tag are one text, with a space between.
    Text,
    /// One text, and perhaps others in more languages, each at `Key[language]`.
    LanguageText,
    /// One number, as a plain decimal.
    Number,
    /// One ISO 8601 date with the precision and the zone that the file gives.
    Date,
    /// `True` or `False`, as the file writes it.
    Boolean,
    /// Values without an order.
    List,
    /// Values whose order means something.
    OrderedList,
}

impl Kind {
    /// The kind in words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::LanguageText => "text in languages",
            Self::Number => "number",
            Self::Date => "date",
            Self::Boolean => "boolean",
            Self::List => "list",
            Self::OrderedList => "ordered list",
        }
    }
}

/// A logical key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The key: `IPTC_City`.
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// The physical keys of the tags that feed it. Within one source of a file the first wins, except for dates, whose
    /// parts are joined.
    pub sources: &'static [&'static str],
}

/// The tables, each with what its keys begin with.
const TABLES: [(&str, &[Known]); 9] = [
    ("IPTC_", iptc::KEYS),
    ("XMP_", xmp::KEYS),
    ("EXIF_", exif::KEYS),
    ("GPS_", exif::GPS_KEYS),
    ("QuickTime_", media::QUICKTIME_KEYS),
    ("RIFF_", media::RIFF_KEYS),
    ("IXML_", media::IXML_KEYS),
    ("PNG_", media::PNG_KEYS),
    ("Takeout_", takeout::KEYS),
];

/// All known logical keys, table by table.
pub fn known() -> impl Iterator<Item = &'static Known> {
    TABLES.into_iter().flat_map(|(_, keys)| keys).chain([&exif::GPS_DATE_TIME])
}

/// The known logical key of this name, without a language.
#[must_use]
pub fn find(key: &str) -> Option<&'static Known> {
    if key == exif::GPS_DATE_TIME.name {
        return Some(&exif::GPS_DATE_TIME);
    }
    let (_, keys) = TABLES.into_iter().find(|(prefix, _)| key.starts_with(prefix))?;
    let at = keys.binary_search_by(|known| known.name.cmp(key)).ok()?;
    keys.get(at)
}

/// Whether this is a logical key that some reader can give: a known one, perhaps with a language (`XMP_Title[de]`), or
/// an extended attribute's.
#[must_use]
pub fn is_known_key(key: &str) -> bool {
    if let Some(attribute) = key.strip_prefix(super::metadata::XATTR_PREFIX) {
        return !attribute.is_empty();
    }
    match language_of(key) {
        Some((key, _)) => find(key).is_some_and(|known| matches!(known.kind, Kind::LanguageText | Kind::List)),
        None => find(key).is_some(),
    }
}

/// The key of a property that people know by another name: `IPTC_Caption` is `IPTC_Description`, `IPTC_By-line` is
/// `IPTC_Creator`, `EXIF_DateTimeDigitized` is `EXIF_CreateDate`, `EXIF_GPSLatitude` is `GPS_Latitude`.
#[must_use]
pub fn alias(key: &str) -> Option<&'static str> {
    let aliases = iptc::ALIASES.iter().chain(exif::ALIASES);
    if let Some((_, name)) = aliases.into_iter().find(|(alias, _)| *alias == key) {
        return Some(name);
    }
    if find(key).is_some() {
        return None;
    }
    let known = if let Some(dataset) = key.strip_prefix("IPTC_") {
        iptc::of_source(&format!("IPTC:{dataset}"))
    } else if let Some(tag) = key.strip_prefix("EXIF_GPS").or_else(|| key.strip_prefix("GPS_GPS")) {
        find(&format!("GPS_{tag}"))
    } else {
        None
    };
    known.map(|known| known.name)
}

/// A key and its language: `XMP_Title[de]` is `XMP_Title` and `de`.
#[must_use]
pub fn language_of(key: &str) -> Option<(&str, &str)> {
    let (key, language) = key.strip_suffix(']')?.rsplit_once('[')?;
    (!key.is_empty() && !language.is_empty()).then_some((key, language))
}

/// Whether this is a physical key, `GROUP:Name`, of a group that readers give.
#[must_use]
pub fn is_physical(key: &str) -> bool {
    key.split_once(':').is_some_and(|(group, name)| {
        is_group(group) && name.starts_with(|first: char| first.is_alphanumeric()) && !name.contains(':')
    })
}

/// Whether this is a group of ExifTool's family 1 that readers give.
#[must_use]
pub fn is_group(group: &str) -> bool {
    const GROUPS: [&str; 12] = [
        "ExifIFD",
        "GPS",
        "InteropIFD",
        "IPTC",
        "QuickTime",
        "ItemList",
        "Keys",
        "UserData",
        "Meta",
        "RIFF",
        "iXML",
        "Photoshop",
    ];
    let is_numbered = |prefix: &str, may_be_bare: bool| {
        let number = group.strip_prefix(prefix);
        number.is_some_and(|number| {
            number.len() <= 3 && (may_be_bare || !number.is_empty()) && number.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    GROUPS.contains(&group)
        || group.strip_prefix("XMP-").is_some_and(|namespace| !namespace.is_empty())
        || group == "PNG"
        || group.strip_prefix("PNG-").is_some_and(|chunk| !chunk.is_empty())
        || [("IFD", false), ("SubIFD", true), ("IPTC", false), ("Track", false)]
            .into_iter()
            .any(|(prefix, may_be_bare)| is_numbered(prefix, may_be_bare))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{TABLES, alias, find, is_known_key, is_physical, known, language_of};

    #[test]
    fn each_key_is_in_one_table_under_its_prefix() {
        let names: Vec<_> = known().map(|known| known.name).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        for (prefix, keys) in TABLES {
            assert!(keys.windows(2).all(|pair| pair[0].name < pair[1].name), "{prefix}");
            assert!(keys.iter().all(|known| known.name.starts_with(prefix) && !known.sources.is_empty()), "{prefix}");
        }
        assert!(names.iter().all(|name| find(name).is_some_and(|known| known.name == *name)));
        assert!(names.iter().all(|name| !name.contains([':', '[', ' '])));
    }

    #[test]
    fn tags_that_feed_a_key_have_physical_keys() {
        let sources = known().filter(|known| !known.name.starts_with("Takeout_")).flat_map(|known| known.sources);
        for source in sources {
            assert!(is_physical(source), "{source}");
        }
    }

    #[test]
    fn keys_that_readers_give_are_known() {
        for key in [
            "IPTC_City",
            "IPTC_Keywords",
            "IPTC_Creator",
            "IPTC_EditStatus",
            "IPTC_LocationShownCity",
            "IPTC_Title[de]",
            "XMP_Rating",
            "XMP_Title",
            "XMP_Title[x-klingon]",
            "XMP_LocationShownCity",
            "EXIF_Model",
            "EXIF_DateTimeOriginal",
            "GPS_Latitude",
            "GPS_DateTime",
            "QuickTime_Duration",
            "RIFF_Originator",
            "IXML_Project",
            "PNG_Author",
            "Takeout_Description",
            "XATTR_user.project",
        ] {
            assert!(is_known_key(key), "{key}");
        }
        for key in [
            "",
            "City",
            "IPTC_",
            "IPTC_Citty",
            "IPTC_City[de]",
            "IPTC:City",
            "XATTR_",
            "GPS_GPSLatitude",
            "iptc_City",
            "IPTC_Title[",
            "IPTC_Title[]",
            "[de]",
        ] {
            assert!(!is_known_key(key), "{key}");
        }
    }

    #[test]
    fn other_names_of_a_property_lead_to_its_key() {
        for (name, expect) in [
            ("IPTC_Caption", Some("IPTC_Description")),
            ("IPTC_By-line", Some("IPTC_Creator")),
            ("IPTC_Country-PrimaryLocationName", Some("IPTC_Country")),
            ("IPTC_JobId", Some("IPTC_JobIdentifier")),
            ("EXIF_DateTimeDigitized", Some("EXIF_CreateDate")),
            ("EXIF_GPSLatitude", Some("GPS_Latitude")),
            ("GPS_GPSAltitude", Some("GPS_Altitude")),
            ("IPTC_City", None),
            ("IPTC_Nothing", None),
        ] {
            assert_eq!(alias(name), expect, "{name}");
        }
        assert!(super::exif::ALIASES.iter().all(|(_, name)| find(name).is_some()));
    }

    #[test]
    fn physical_keys_are_known_by_their_group() {
        for key in [
            "XMP-photoshop:City",
            "IPTC:City",
            "IPTC2:City",
            "IFD0:Make",
            "IFD12:Make",
            "ExifIFD:ISO",
            "GPS:GPSLatitude",
            "SubIFD:ImageWidth",
            "SubIFD3:ImageWidth",
            "InteropIFD:InteropIndex",
            "QuickTime:Duration",
            "ItemList:Title",
            "Keys:CreationDate",
            "UserData:Title",
            "Track1:ImageWidth",
            "RIFF:Title",
            "iXML:Project",
            "PNG:Title",
            "PNG-pHYs:PixelUnits",
            "XMP-dc:Title-de",
            "IPTC:By-line",
        ] {
            assert!(is_physical(key), "{key}");
        }
        for key in [
            "IPTC_City",
            "XMP:City",
            "EXIF:Make",
            "XMP-:City",
            "IFD:Make",
            "IFDx:Make",
            "IPTC:",
            ":City",
            "Track:Title",
            "IFD0:Make:x",
            "",
            ":",
        ] {
            assert!(!is_physical(key), "{key}");
        }
    }

    #[test]
    fn a_language_is_in_brackets() {
        assert_eq!(language_of("XMP_Title[de]"), Some(("XMP_Title", "de")));
        for key in ["XMP_Title", "XMP_Title[]", "[de]", "]", ""] {
            assert_eq!(language_of(key), None, "{key}");
        }
    }
}
