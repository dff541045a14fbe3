//! Which keys tags give, and which tag has a key that several give.

use super::{said, within_limits};
use crate::metadata::fault::Fault;
use crate::metadata::limits::KEYS_MAX;
use crate::metadata::tag::{Family, Tag, TagValue};
use crate::model::metadata::Said;

fn text(text: &str) -> TagValue {
    TagValue::Text(text.to_owned())
}

fn bag(texts: &[&str]) -> TagValue {
    TagValue::Bag(texts.iter().map(|one| text(one)).collect())
}

fn seq(texts: &[&str]) -> TagValue {
    TagValue::Seq(texts.iter().map(|one| text(one)).collect())
}

/// A tag from `Family/GROUP:Name` or, with a language, `Family/GROUP:Name@de`.
fn tag(key: &str, value: TagValue) -> Tag {
    let (key, language) = key.split_once('@').map_or((key, None), |(key, language)| (key, Some(language.to_owned())));
    let (family, key) = key.split_once('/').expect("a family");
    let (group, name) = key.split_once(':').expect("a group");
    let family = match family {
        "exif" => Family::Exif,
        "iptc" => Family::Iptc,
        "xmp" => Family::Xmp,
        "qt" => Family::QuickTime,
        "riff" => Family::Riff,
        "png" => Family::Png,
        "ps" => Family::Photoshop,
        _ => Family::Other,
    };
    Tag { family, group: group.to_owned().into(), name: name.to_owned().into(), language, value }
}

fn texts(tags: &[(&str, &str)]) -> Said {
    said(&tags.iter().map(|(key, value)| tag(key, text(value))).collect::<Vec<_>>())
}

/// All keys with their values, as text.
fn shown(said: &Said) -> Vec<String> {
    said.values
        .iter()
        .map(|(key, values)| {
            let order = if said.ordered.contains(key) { "=>" } else { "=" };
            format!("{key} {order} {}", values.join("|"))
        })
        .collect()
}

fn one<'s>(said: &'s Said, key: &str) -> Option<&'s str> {
    said.values.get(key).map(|values| values.first().expect("no key is without a value").as_str())
}

#[test]
fn a_property_has_one_key_whichever_tag_carries_it() {
    let from_xmp = said(&[
        tag("xmp/XMP-photoshop:City", text("SFO")),
        tag("xmp/XMP-dc:Creator", seq(&["Jane", "Joe"])),
        tag("xmp/XMP-dc:Subject", bag(&["b", "a"])),
    ]);
    assert_eq!(
        shown(&from_xmp),
        [
            "IPTC_City = SFO",
            "IPTC_Creator => Jane|Joe",
            "IPTC_Keywords = b|a",
            "XMP-dc:Creator => Jane|Joe",
            "XMP-dc:Subject = b|a",
            "XMP-photoshop:City = SFO",
            "XMP_City = SFO",
            "XMP_Creator => Jane|Joe",
            "XMP_Subject = b|a",
        ]
    );
    let from_iim = said(&[
        tag("iptc/IPTC:City", text("SFO")),
        tag("iptc/IPTC:By-line", bag(&["Jane", "Joe"])),
        tag("iptc/IPTC:Keywords", text("a")),
        tag("iptc/IPTC:EditStatus", text("final")),
        tag("iptc/IPTC:CodedCharacterSet", text("UTF8")),
        tag("iptc/IPTC2:City", text("LAX")),
    ]);
    assert_eq!(
        shown(&from_iim),
        [
            "IPTC2:City = LAX",
            "IPTC:By-line = Jane|Joe",
            "IPTC:City = SFO",
            "IPTC:CodedCharacterSet = UTF8",
            "IPTC:EditStatus = final",
            "IPTC:Keywords = a",
            "IPTC_City = SFO",
            "IPTC_Creator => Jane|Joe",
            "IPTC_EditStatus = final",
            "IPTC_Keywords = a",
        ]
    );
}

#[test]
fn dates_of_iim_are_joined_and_codes_are_cut_out() {
    let said = texts(&[
        ("iptc/IPTC:TimeCreated", "12:34:56+02:00"),
        ("iptc/IPTC:DateCreated", "2026-05-01"),
        ("iptc/IPTC:ReleaseTime", "01:00:00"),
        ("iptc/IPTC:SubjectReference", "IPTC:15000000:sport"),
        ("iptc/IPTC:ObjectAttributeReference", "010:Interview"),
    ]);
    assert_eq!(
        shown(&said),
        [
            "IPTC:DateCreated = 2026-05-01",
            "IPTC:ObjectAttributeReference = 010:Interview",
            "IPTC:ReleaseTime = 01:00:00",
            "IPTC:SubjectReference = IPTC:15000000:sport",
            "IPTC:TimeCreated = 12:34:56+02:00",
            "IPTC_DateCreated = 2026-05-01T12:34:56+02:00",
            "IPTC_IntellectualGenre = Interview",
            "IPTC_SubjectCode = 15000000",
        ]
    );
}

#[test]
fn languages_are_in_brackets_and_x_default_is_at_the_key() {
    let said = texts(&[("xmp/XMP-dc:Title", "Airport"), ("xmp/XMP-dc:Title@de", "Flughafen")]);
    assert_eq!(
        shown(&said),
        [
            "IPTC_Title = Airport",
            "IPTC_Title[de] = Flughafen",
            "XMP-dc:Title = Airport",
            "XMP-dc:Title-de = Flughafen",
            "XMP_Title = Airport",
            "XMP_Title[de] = Flughafen",
        ]
    );
}

#[test]
fn structures_are_flat() {
    let place = |city: &str| TagValue::Struct(vec![("City".into(), text(city))]);
    let said = said(&[tag("xmp/XMP-iptcExt:LocationShown", TagValue::Bag(vec![place("SFO"), place("LAX")]))]);
    assert_eq!(
        shown(&said),
        [
            "IPTC_LocationShownCity = SFO|LAX",
            "XMP-iptcExt:LocationShownCity = SFO|LAX",
            "XMP_LocationShownCity = SFO|LAX",
        ]
    );
}

#[test]
fn the_order_of_namespaces_decides_and_not_the_order_of_the_file() {
    for keys in [["xmp/XMP-pdf:Title", "xmp/XMP-dc:Title"], ["xmp/XMP-dc:Title", "xmp/XMP-pdf:Title"]] {
        let said = texts(&keys.map(|key| (key, key)));
        assert_eq!(one(&said, "XMP_Title"), Some("xmp/XMP-dc:Title"));
    }
    for keys in [["xmp/XMP-zed:Thing", "xmp/XMP-abc:Thing"], ["xmp/XMP-abc:Thing", "xmp/XMP-zed:Thing"]] {
        assert_eq!(one(&texts(&keys.map(|key| (key, key))), "XMP_Thing"), Some("xmp/XMP-abc:Thing"));
    }
    let said = texts(&[("xmp/XMP-dc:Title", "first"), ("xmp/XMP-dc:Title", "second")]);
    assert_eq!(one(&said, "XMP-dc:Title"), Some("first"));
}

#[test]
fn exif_has_one_key_a_date_and_positions_of_their_own() {
    let said = texts(&[
        ("exif/IFD0:Make", "Acme"),
        ("exif/IFD1:Make", "Thumb"),
        ("exif/IFD1:Compression", "6"),
        ("exif/ExifIFD:DateTimeOriginal", "2026-05-01T12:34:56"),
        ("exif/ExifIFD:SubSecTimeOriginal", "123"),
        ("exif/ExifIFD:OffsetTimeOriginal", "-07:00"),
        ("exif/GPS:GPSLatitude", "-37.6"),
        ("exif/GPS:GPSLatitudeRef", "S"),
        ("exif/GPS:GPSDateStamp", "2026-05-01"),
        ("exif/GPS:GPSTimeStamp", "19:34:56"),
    ]);
    let logical: Vec<_> = shown(&said).into_iter().filter(|line| !line.contains(":Make")).collect();
    assert_eq!(
        logical,
        [
            "EXIF_DateTimeOriginal = 2026-05-01T12:34:56.123-07:00",
            "EXIF_Make = Acme",
            "ExifIFD:DateTimeOriginal = 2026-05-01T12:34:56",
            "ExifIFD:OffsetTimeOriginal = -07:00",
            "ExifIFD:SubSecTimeOriginal = 123",
            "GPS:GPSDateStamp = 2026-05-01",
            "GPS:GPSLatitude = -37.6",
            "GPS:GPSLatitudeRef = S",
            "GPS:GPSTimeStamp = 19:34:56",
            "GPS_DateTime = 2026-05-01T19:34:56Z",
            "GPS_Latitude = -37.6",
            "IFD1:Compression = 6",
        ]
    );
}

#[test]
fn the_size_is_that_of_the_full_image() {
    let raw = [
        ("exif/IFD0:SubfileType", "1"),
        ("exif/IFD0:ImageWidth", "160"),
        ("exif/SubIFD1:SubfileType", "0"),
        ("exif/SubIFD1:ImageWidth", "6000"),
        ("exif/SubIFD1:BitsPerSample", "14"),
    ];
    let said = texts(&raw);
    assert_eq!(one(&said, "EXIF_ImageWidth"), Some("6000"));
    assert_eq!(one(&said, "EXIF_BitsPerSample"), None);
    assert_eq!(one(&texts(&raw[..2]), "EXIF_ImageWidth"), Some("160"));
    assert_eq!(one(&texts(&raw[1..]), "EXIF_ImageWidth"), Some("160"));
}

#[test]
fn a_movie_goes_before_its_tracks() {
    let said = texts(&[
        ("qt/Track1:ImageWidth", "640"),
        ("qt/Track2:ImageWidth", "320"),
        ("qt/UserData:Title", "old"),
        ("qt/ItemList:Title", "new"),
        ("qt/ItemList:Title@de", "neu"),
        ("qt/QuickTime:Duration", "12.5"),
        ("riff/RIFF:Originator", "recorder"),
        ("riff/iXML:Project", "film"),
        ("png/PNG-pHYs:PixelUnits", "1"),
        ("other/PDF:Author", "Jane"),
    ]);
    for (key, expect) in [
        ("QuickTime_ImageWidth", "640"),
        ("QuickTime_Title", "new"),
        ("QuickTime_Title[de]", "neu"),
        ("QuickTime_Duration", "12.5"),
        ("RIFF_Originator", "recorder"),
        ("IXML_Project", "film"),
        ("PNG_PixelUnits", "1"),
        ("PDF_Author", "Jane"),
        ("Track2:ImageWidth", "320"),
    ] {
        assert_eq!(one(&said, key), Some(expect), "{key}");
    }
}

#[test]
fn an_empty_text_is_a_value_and_noise_is_none() {
    let said = texts(&[("xmp/XMP-photoshop:City", ""), ("xmp/XMP-xmp:MetadataDate", "2026")]);
    assert_eq!(shown(&said), ["IPTC_City = ", "XMP-photoshop:City = ", "XMP_City = "]);
}

#[test]
fn more_keys_than_allowed_are_a_fault() {
    let tags = |count: usize| -> Vec<Tag> {
        (0..count).map(|n| Tag::text(Family::Xmp, "XMP-own", format!("Name{n}"), "x")).collect()
    };
    assert!(within_limits(said(&tags(KEYS_MAX))).is_ok());
    let fault = within_limits(said(&tags(KEYS_MAX + 1))).expect_err("too many");
    assert_eq!(fault.to_string(), "a source has more keys than allowed (limit: 512 keys)");
    // The fields of a structure are keys.
    let structure = |count: usize| {
        let fields = (0..count).map(|n| (format!("Field{n}").into(), text("x"))).collect();
        within_limits(said(&[tag("xmp/XMP-own:Name", TagValue::Struct(fields))]))
    };
    assert!(structure(KEYS_MAX).is_ok());
    for count in [KEYS_MAX + 1, 10 * KEYS_MAX] {
        assert!(matches!(structure(count), Err(Fault::Limit { .. })), "{count}");
    }
}
