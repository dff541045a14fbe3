//! What `exiftool -j` prints, with or without groups (`-G`, `-G1`, `-G0:1`, `-g`), with or without `-n` and `-struct`.
//!
//! A name with a group becomes a tag, and so gives physical and logical keys as if the tag had been read from the file.
//! A name without a group stays as it is: it may be one of several. Dates become ISO 8601 and positions signed
//! decimals; other values that ExifTool prints for people (`1/250`, `Horizontal (normal)`) stay as they are, so `-n`
//! is the better option for such a file. What ExifTool says of the file and of itself is left out.

use std::collections::BTreeMap;

use super::add_as_written;
use super::raw_json::Value;
use crate::metadata::logical::flatten::language_of;
use crate::metadata::logical::{noise, said as said_by};
use crate::metadata::tag::{Family, Tag, TagValue};
use crate::metadata::text;
use crate::model::keys::{self, Kind, exif, iptc, xmp};
use crate::model::metadata::Said;

/// The member that says which file ExifTool has read.
const SOURCE_FILE: &str = "SourceFile";

/// Groups that are not metadata of the file.
const LEFT_OUT: [&str; 4] = ["Composite", "ExifTool", "File", "System"];

/// Names that are not metadata of the file, when there are no groups; sorted.
const NAMES_LEFT_OUT: [&str; 14] = [
    "CurrentIPTCDigest",
    "Directory",
    "Error",
    "ExifToolVersion",
    "FileAccessDate",
    "FileCreateDate",
    "FileInodeChangeDate",
    "FileModifyDate",
    "FileName",
    "FilePermissions",
    "FileSize",
    "FileType",
    "FileTypeExtension",
    "Warning",
];

/// The keys and values of an object. One that ExifTool has not written is taken as it is written, but for names with
/// groups that are known.
///
/// Also counts the keys. Logical keys that a tag gives are not counted beside its physical key.
#[must_use]
pub fn said(members: &BTreeMap<String, Value<'_>>) -> (Said, usize) {
    let is_exiftool = members.contains_key(SOURCE_FILE);
    let mut tags = Vec::with_capacity(members.len());
    let mut bare = Vec::new();
    for (key, value) in members {
        match value {
            // `-g` puts the tags of a group in an object.
            Value::Object(group) if !key.contains(':') && (family_of(key).is_some() || left_out(is_exiftool, key)) => {
                for (name, value) in group {
                    sort_out(&format!("{key}:{name}"), value, is_exiftool, &mut tags, &mut bare);
                }
            }
            value => sort_out(key, value, is_exiftool, &mut tags, &mut bare),
        }
    }
    sign(&mut tags);
    let mut said = said_by(&tags);
    // A key that is written goes before one that a tag gives.
    for (key, _) in &bare {
        said.values.remove(key);
        said.ordered.remove(key);
    }
    let (physical, given) = (said.values.keys().filter(|key| key.contains(':')).count(), said.values.len());
    for (key, value) in bare {
        add_as_written(&mut said, &key, value);
    }
    let written = said.values.len() - given;
    (said, physical + written)
}

fn left_out(is_exiftool: bool, group: &str) -> bool {
    is_exiftool && LEFT_OUT.contains(&group)
}

/// Puts a member where it belongs: among the tags, among the keys as written, or nowhere.
fn sort_out<'v, 'j>(
    key: &str,
    value: &'v Value<'j>,
    is_exiftool: bool,
    tags: &mut Vec<Tag>,
    bare: &mut Vec<(String, &'v Value<'j>)>,
) {
    if is_exiftool && is_binary(value) {
        return;
    }
    let Some((groups, name)) = key.rsplit_once(':') else {
        let is_left_out =
            is_exiftool && (key == SOURCE_FILE || NAMES_LEFT_OUT.contains(&key) || noise::is_noise_name(key));
        if !key.is_empty() && !is_left_out {
            bare.push((key.to_owned(), value));
        }
        return;
    };
    if groups.split(':').any(|group| left_out(is_exiftool, group)) {
        return;
    }
    match place(groups, name, is_exiftool) {
        Some((family, group)) if !name.is_empty() => tags.extend(tag(family, group, name, value)),
        _ => bare.push((key.to_owned(), value)),
    }
}

/// The family and the group of a tag. The most exact of the groups counts: `EXIF:IFD0`. Groups that formats share are
/// those of readers unless another format stands before them: `Matroska:Track1`.
fn place(groups: &str, name: &str, is_exiftool: bool) -> Option<(Family, String)> {
    let groups = || groups.split(':');
    let exact = groups().rfind(|group| keys::is_group(group));
    let other = |group: Option<&str>| is_exiftool.then(|| (Family::Other, group.unwrap_or_default().to_owned()));
    if is_exiftool && groups().next().is_some_and(|first| family_of(first).is_none()) {
        return other(groups().next_back());
    }
    if let Some(group) = exact {
        return family_of(group).map(|family| (family, group.to_owned()));
    }
    if let Some((family, group)) = groups().find_map(|group| Some((family_of(group)?, group))) {
        let known = match family {
            Family::Exif => Some(exif::group_of(name).unwrap_or("IFD0")),
            Family::Xmp => {
                let name = language_of(name).map_or(name, |(name, _)| name);
                xmp::find(name).and_then(|known| known.sources.first()?.split(':').next())
            }
            _ => None,
        };
        return Some((family, known.unwrap_or(group).to_owned()));
    }
    other(groups().next_back())
}

/// The family that a group of family 0 or 1 is or is in.
fn family_of(group: &str) -> Option<Family> {
    Some(match group {
        "EXIF" | "GPS" | "ExifIFD" | "InteropIFD" => Family::Exif,
        "XMP" => Family::Xmp,
        "QuickTime" | "ItemList" | "Keys" | "UserData" | "Meta" => Family::QuickTime,
        "RIFF" | "iXML" => Family::Riff,
        "PNG" => Family::Png,
        "Photoshop" => Family::Photoshop,
        group if !keys::is_group(group) => return None,
        group if group.starts_with("XMP-") => Family::Xmp,
        group if group.starts_with("IPTC") => Family::Iptc,
        group if group.starts_with("PNG-") => Family::Png,
        group if group.starts_with("Track") => Family::QuickTime,
        _ => Family::Exif,
    })
}

fn tag(family: Family, group: String, name: &str, value: &Value<'_>) -> Option<Tag> {
    let (name, language) = match language_of(name) {
        Some((name, language)) if matches!(family, Family::Xmp | Family::QuickTime) => {
            (name, Some(language.to_owned()))
        }
        _ => (name, None),
    };
    let kind = match family {
        Family::Xmp => xmp::find(name).map(|known| known.kind),
        Family::Iptc => iptc::of_source(&format!("{group}:{name}")).map(|known| known.kind),
        _ => None,
    };
    let value = tag_value(family, name, kind, value)?;
    Some(Tag { family, group: group.into(), name: name.to_owned().into(), language, value })
}

fn tag_value(family: Family, name: &str, kind: Option<Kind>, value: &Value<'_>) -> Option<TagValue> {
    Some(match value {
        Value::Null => return None,
        // ExifTool prints XMP's `True` as JSON's `true`.
        Value::Bool(is_so) => TagValue::Text(if *is_so { "True" } else { "False" }.to_owned()),
        Value::Number(digits) => TagValue::Text((*digits).to_owned()),
        Value::Text(text) => TagValue::Text(plain(family, name, &text::clean(text))),
        Value::List(items) => {
            let items = items.iter().filter_map(|item| tag_value(family, name, kind, item)).collect();
            if kind == Some(Kind::OrderedList) { TagValue::Seq(items) } else { TagValue::Bag(items) }
        }
        Value::Object(members) => {
            let field = |(name, member): (&String, &Value<'_>)| {
                Some((name.clone().into(), tag_value(family, name, None, member)?))
            };
            TagValue::Struct(members.iter().filter_map(field).collect())
        }
    })
}

/// A text without what ExifTool adds for people: dates and positions as readers give them.
fn plain(family: Family, name: &str, text: &str) -> String {
    let is_date = text.len() >= 10 && text.as_bytes().get(4) == Some(&b':') && text.as_bytes().get(7) == Some(&b':');
    if is_date && name.contains("Date") {
        return text::iso_date(text).unwrap_or_else(|| text.to_owned());
    }
    let is_position = name.starts_with("GPS") || name.contains("GPSLatitude") || name.contains("GPSLongitude");
    if is_position
        && matches!(family, Family::Exif | Family::Xmp)
        && let Some(degrees) = degrees(text)
    {
        return degrees;
    }
    if is_position && name.ends_with("GPSAltitude") {
        return altitude(text);
    }
    text.to_owned()
}

/// `37 deg 37' 16.68" S` as a signed decimal.
fn degrees(text: &str) -> Option<String> {
    let (degrees, rest) = text.split_once(" deg ")?;
    let (minutes, rest) = rest.split_once('\'')?;
    let (seconds, rest) = rest.split_once('"')?;
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    let size = number(degrees)? + number(minutes)? / 60.0 + number(seconds)? / 3600.0;
    Some(text::decimal(if matches!(rest.trim(), "S" | "W") { -size } else { size }))
}

/// `4 m Below Sea Level` as a signed decimal.
fn altitude(text: &str) -> String {
    let (number, rest) = text.split_once(" m").unwrap_or((text, ""));
    if rest.trim().starts_with("Below") { negative(number) } else { number.to_owned() }
}

fn negative(number: &str) -> String {
    let is_zero = number.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    if number.starts_with('-') || is_zero { number.to_owned() } else { format!("-{number}") }
}

/// Gives the positions of EXIF the sign that their references say, as readers do.
fn sign(tags: &mut [Tag]) {
    const REFERENCES: [&str; 5] = ["GPSLatitude", "GPSLongitude", "GPSDestLatitude", "GPSDestLongitude", "GPSAltitude"];
    for name in REFERENCES {
        let reference = tags.iter().find_map(|tag| {
            let is_it = tag.group == "GPS" && tag.name.strip_suffix("Ref") == Some(name);
            match &tag.value {
                TagValue::Text(text) if is_it => Some(text.clone()),
                _ => None,
            }
        });
        if !reference.is_some_and(|text| text.starts_with(['S', 'W', '1', 'B'])) {
            continue;
        }
        for tag in tags.iter_mut().filter(|tag| tag.group == "GPS" && tag.name == name) {
            if let TagValue::Text(text) = &mut tag.value
                && text.starts_with(|first: char| first.is_ascii_digit())
            {
                *text = negative(text);
            }
        }
    }
}

/// Whether this is what ExifTool prints in the place of bytes.
fn is_binary(value: &Value<'_>) -> bool {
    matches!(value, Value::Text(text) if text.starts_with("(Binary data ") || text.starts_with("base64:"))
}

#[cfg(test)]
mod tests {
    use super::super::raw_json::{Value, parse};
    use super::{NAMES_LEFT_OUT, said};
    use crate::metadata::budget::Budget;

    /// The keys that have these beginnings, with their values, as text.
    fn shown(json: &str) -> Vec<String> {
        let budget = Budget::endless();
        let Value::Object(members) = parse(json.as_bytes(), &budget).expect("JSON") else { panic!("no object") };
        let (said, _) = said(&members);
        let mark = |key| if said.ordered.contains(key) { "=>" } else { "=" };
        said.values.iter().map(|(key, values)| format!("{key} {} {}", mark(key), values.join("|"))).collect()
    }

    #[test]
    fn any_spelling_of_groups_gives_the_same_keys() {
        assert!(NAMES_LEFT_OUT.is_sorted());
        for json in [
            r#"{"SourceFile":"a.jpg","File:FileSize":1,"EXIF:Make":"Acme","XMP:City":"SFO"}"#,
            r#"{"SourceFile":"a.jpg","System:FileName":"a.jpg","IFD0:Make":"Acme","XMP-photoshop:City":"SFO"}"#,
            r#"{"SourceFile":"a.jpg","EXIF:IFD0:Make":"Acme","XMP:XMP-photoshop:City":"SFO","Composite:Aperture":2.8}"#,
            r#"{"SourceFile":"a.jpg","EXIF":{"Make":"Acme"},"XMP":{"City":"SFO"},"File":{"MIMEType":"image/jpeg"}}"#,
        ] {
            let expect = [
                "EXIF_Make = Acme",
                "IFD0:Make = Acme",
                "IPTC_City = SFO",
                "XMP-photoshop:City = SFO",
                "XMP_City = SFO",
            ];
            assert_eq!(shown(json), expect, "{json}");
        }
    }

    #[test]
    fn names_without_groups_stay() {
        assert_eq!(
            shown(
                r#"{"SourceFile":"a","FileName":"a","City":"SFO","Keywords":["a","b"],"Icon":"(Binary data 5 bytes)"}"#
            ),
            ["City = SFO", "Keywords = a|b"]
        );
    }

    #[test]
    fn values_are_as_readers_give_them() {
        for (json, expect) in [
            (
                r#"{"IPTC:DateCreated":"2026:05:01","IPTC:TimeCreated":"12:34:56+02:00"}"#,
                &[
                    "IPTC:DateCreated = 2026-05-01",
                    "IPTC:TimeCreated = 12:34:56+02:00",
                    "IPTC_DateCreated = 2026-05-01T12:34:56+02:00",
                ][..],
            ),
            (
                r#"{"EXIF:DateTimeOriginal":"2026:05:01 12:34:56","EXIF:SubSecTimeOriginal":"07"}"#,
                &[
                    "EXIF_DateTimeOriginal = 2026-05-01T12:34:56.07",
                    "ExifIFD:DateTimeOriginal = 2026-05-01T12:34:56",
                    "ExifIFD:SubSecTimeOriginal = 07",
                ],
            ),
            (
                r#"{"EXIF:GPSLatitude":37.6213,"EXIF:GPSLatitudeRef":"S"}"#,
                &["GPS:GPSLatitude = -37.6213", "GPS:GPSLatitudeRef = S", "GPS_Latitude = -37.6213"],
            ),
            (
                r#"{"GPS:GPSLongitude":"122 deg 22' 44.40\"","GPS:GPSLongitudeRef":"West"}"#,
                &["GPS:GPSLongitude = -122.379", "GPS:GPSLongitudeRef = West", "GPS_Longitude = -122.379"],
            ),
            (
                r#"{"XMP-exif:GPSLatitude":"37 deg 37' 16.68\" N"}"#,
                &["XMP-exif:GPSLatitude = 37.6213", "XMP_GPSLatitude = 37.6213"],
            ),
            (
                r#"{"GPS:GPSAltitude":"4 m","GPS:GPSAltitudeRef":"Below Sea Level"}"#,
                &["GPS:GPSAltitude = -4", "GPS:GPSAltitudeRef = Below Sea Level", "GPS_Altitude = -4"],
            ),
            (
                r#"{"XMP-dc:Creator":["Jane","Joe"],"XMP-xmpRights:Marked":true}"#,
                &[
                    "IPTC_Creator => Jane|Joe",
                    "XMP-dc:Creator => Jane|Joe",
                    "XMP-xmpRights:Marked = True",
                    "XMP_Creator => Jane|Joe",
                    "XMP_Marked = True",
                ],
            ),
            (
                r#"{"XMP-dc:Title":"Airport","XMP-dc:Title-de":"Flughafen"}"#,
                &[
                    "IPTC_Title = Airport",
                    "IPTC_Title[de] = Flughafen",
                    "XMP-dc:Title = Airport",
                    "XMP-dc:Title-de = Flughafen",
                    "XMP_Title = Airport",
                    "XMP_Title[de] = Flughafen",
                ],
            ),
            (
                r#"{"XMP-iptcExt:LocationShown":[{"City":"SFO"},{"City":"LAX"}]}"#,
                &[
                    "IPTC_LocationShownCity = SFO|LAX",
                    "XMP-iptcExt:LocationShownCity = SFO|LAX",
                    "XMP_LocationShownCity = SFO|LAX",
                ],
            ),
            (
                r#"{"IPTC:By-line":"Jane","SourceFile":"a","PDF:Author":"Joe"}"#,
                &["IPTC:By-line = Jane", "IPTC_Creator => Jane", "PDF:Author = Joe", "PDF_Author = Joe"],
            ),
        ] {
            assert_eq!(shown(json), expect, "{json}");
        }
    }
}
