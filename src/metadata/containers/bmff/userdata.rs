//! User data of a movie: QuickTime's texts with languages, 3GPP's boxes, cameras' texts, XMP (QuickTime File Format,
//! "User Data Atoms"; 3GPP TS 26.244, section 8; XMP Specification Part 3, "QuickTime").
//!
//! Cameras' own boxes (makers' notes, thumbnails) are left out.

use std::borrow::Cow;

use super::boxes::Walk;
use super::{locale, meta, values};
use crate::metadata::blocks;
use crate::metadata::containers::endian::{be16, be32, code};
use crate::metadata::containers::extent::Extent;
use crate::metadata::fault::Fault;
use crate::metadata::limits::VALUE_BYTES_MAX;
use crate::metadata::tag::{Family, Tag, Text};
use crate::metadata::text;

const GROUP: Text = Cow::Borrowed("UserData");

/// How a box of user data is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A bare text.
    Text,
    /// A bare text that is a place.
    Place,
    /// A bare text that is a date.
    Date,
    /// A version with flags, a language, a text; cameras also write a bare text (3GPP TS 26.244, section 8).
    Language,
    /// A version with flags, a number of 16 bits.
    Year,
    /// A version with flags, a number of 32 bits.
    Number,
    /// A version with flags, a language, a list of texts.
    Keywords,
    /// A version with flags, a place.
    Location,
    /// A version with flags, whose rating it is, its criteria, a language, the rating.
    Rating,
    /// A version with flags, whose class it is, its table, a language, the class.
    Class,
    /// A version with flags and two bytes, a text.
    Reel,
    /// Bare numbers of 8, 16 or 32 bits.
    Bytes,
    /// Two bare numbers of 16 bits.
    Pair,
}

/// Reads user data.
///
/// # Errors
/// As the walk says.
pub fn read(walk: &mut Walk<'_, '_>, content: Extent) -> Result<(), Fault> {
    let mut at = content.begin;
    while let Some(child) = walk.child(at, content)? {
        at = child.content.end;
        match &child.kind {
            b"meta" => meta::read(walk, child.content)?,
            b"XMP_" => child.content.add_block(walk.input, &mut walk.found.xmp, blocks::xmp::read)?,
            b"uuid" => super::uuid(walk, &child)?,
            [0xa9, ..] => texts(walk, child.content, child.kind)?,
            kind => {
                if let Ok(at) = BOXES.binary_search_by_key(&kind, |(kind, _, _)| kind)
                    && let Some(&(_, name, form)) = BOXES.get(at)
                {
                    other(walk, child.content, name, form)?;
                }
            }
        }
    }
    Ok(())
}

/// Reads the name of a track, the one thing of a track's user data that people give it.
///
/// # Errors
/// As the walk says.
pub fn name_of_track(walk: &mut Walk<'_, '_>, content: Extent, group: &Text) -> Result<(), Fault> {
    let mut at = content.begin;
    while let Some(child) = walk.child(at, content)? {
        if &child.kind == b"name" {
            let name = text::guessed(child.content.head(walk.input, 1024)?);
            if !name.is_empty() {
                walk.tag(group, format!("{group}Name"), name);
            }
        }
        at = child.content.end;
    }
    Ok(())
}

/// Reads texts in several languages: each has its length, its language, itself.
fn texts(walk: &mut Walk<'_, '_>, content: Extent, kind: [u8; 4]) -> Result<(), Fault> {
    let Some(name) = name(kind) else { return Ok(()) };
    if content.length() > VALUE_BYTES_MAX as u64 {
        return Ok(());
    }
    let budget = walk.input.budget;
    let mut rest = content.head(walk.input, VALUE_BYTES_MAX)?;
    let mut texts: Vec<(Option<String>, String)> = Vec::new();
    while let (Some(length), Some(code)) = (be16(rest, 0), be16(rest, 2)) {
        budget.step()?;
        let length = usize::from(length);
        let Some(bytes) = rest.get(4..4 + length) else { break };
        let value = locale::quicktime_text(bytes, code);
        let language = locale::language(code);
        if texts.iter().all(|(other, _)| *other != language) {
            texts.push((language, value));
        }
        rest = rest.get(4 + length..).unwrap_or_default();
    }
    // Without a default, the first language is the default too.
    if texts.iter().all(|(language, _)| language.is_some())
        && let Some((_, first)) = texts.first()
    {
        texts.insert(0, (None, first.clone()));
    }
    for (language, value) in texts {
        let value = match &*name {
            "GPSCoordinates" => values::place(&value),
            "ContentCreateDate" => values::date(&value),
            _ => value,
        };
        let mut tag = Tag::text(Family::QuickTime, GROUP, name.clone(), value);
        tag.language = language;
        walk.tags.push(tag);
    }
    Ok(())
}

fn name(kind: [u8; 4]) -> Option<Text> {
    let short = std::str::from_utf8(kind.get(1..)?).ok()?;
    match TEXTS.binary_search_by_key(&short, |(kind, _)| kind) {
        Ok(at) => TEXTS.get(at).map(|(_, name)| Cow::Borrowed(*name)).filter(|name| !name.is_empty()),
        Err(_) if short.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            Some(Cow::Owned(format!("UserData_{short}")))
        }
        Err(_) => None,
    }
}

/// Reads a box that is not a list of texts.
fn other(walk: &mut Walk<'_, '_>, content: Extent, name: &'static str, form: Form) -> Result<(), Fault> {
    if content.length() > VALUE_BYTES_MAX as u64 {
        return Ok(());
    }
    let bytes = content.head(walk.input, VALUE_BYTES_MAX)?;
    let Some((language, value)) = value(bytes, form) else { return Ok(()) };
    if language.is_some() {
        walk.tag(&GROUP, name, value.clone());
    }
    walk.tag(&GROUP, name, value);
    if language.is_some()
        && let Some(tag) = walk.tags.last_mut()
    {
        tag.language = language;
    }
    Ok(())
}

fn value(bytes: &[u8], form: Form) -> Option<(Option<String>, String)> {
    let has_version = bytes.starts_with(&[0; 4]);
    let body = bytes.get(4..).unwrap_or_default();
    let value = match form {
        Form::Text => text::guessed(if has_version { body } else { bytes }),
        Form::Place => values::place(&text::guessed(if has_version { body } else { bytes })),
        Form::Date => values::date(&text::guessed(if has_version { body } else { bytes })),
        Form::Language if has_version && body.len() >= 2 => {
            let (language, text) = (be16(body, 0)?, body.get(2..)?);
            let is_utf16 = matches!(text, [0xfe, 0xff, ..] | [0xff, 0xfe, ..]);
            let text = if is_utf16 { text } else { locale::split_nul(text).0 };
            return Some((locale::language(language), locale::marked_text(text)));
        }
        Form::Language => text::guessed(locale::split_nul(bytes).0),
        Form::Year if has_version => be16(body, 0)?.to_string(),
        Form::Number if has_version => be32(body, 0)?.to_string(),
        Form::Year | Form::Number => return None,
        Form::Keywords => keywords(body)?,
        Form::Location => location(body)?,
        Form::Rating => {
            let (entity, criteria) = (text::guessed(&code(body, 0)?), text::guessed(&code(body, 4)?));
            let rating = locale::marked_text(locale::split_nul(body.get(10..)?).0);
            let language = locale::language(be16(body, 8)?);
            return Some((language, format!("Entity={entity} Criteria={criteria} {rating}")));
        }
        Form::Class => {
            let class = locale::marked_text(locale::split_nul(body.get(8..)?).0);
            format!("Entity={} Index={} {class}", text::guessed(&code(body, 0)?), be16(body, 4)?)
        }
        Form::Reel => text::guessed(if has_version { bytes.get(6..)? } else { bytes }),
        Form::Bytes => match bytes.len() {
            1 => bytes.first()?.to_string(),
            2 => be16(bytes, 0)?.to_string(),
            4 => be32(bytes, 0)?.to_string(),
            _ => return None,
        },
        Form::Pair => format!("{} {}", be16(bytes, 0)?, be16(bytes, 2)?),
    };
    Some((None, value))
}

/// A language, a number of keywords, each with its length (3GPP TS 26.244, `kywd`).
fn keywords(body: &[u8]) -> Option<String> {
    let count = usize::from(*body.get(2)?);
    let mut rest = body.get(3..)?;
    let mut words = Vec::new();
    while words.len() < count
        && let Some((&length, after)) = rest.split_first()
    {
        let (word, after) = after.split_at_checked(usize::from(length)).unwrap_or((after, &[]));
        words.push(locale::marked_text(word));
        rest = after;
    }
    Some(words.join(", "))
}

/// A language, a name, a role, three numbers with 16 bits behind the point, a body, notes (3GPP TS 26.244,
/// `loci`), as ExifTool writes them.
fn location(body: &[u8]) -> Option<String> {
    let (name, rest) = locale::split_nul(body.get(2..)?);
    let (role, rest) = rest.split_first()?;
    let role = match role {
        0 => "shooting",
        1 => "real",
        2 => "fictional",
        _ => "unknown",
    };
    let number = |at| be32(rest, at).map(|number| f64::from(number.cast_signed()) / 65_536.0);
    let (longitude, latitude, altitude) = (number(0)?, number(4)?, number(8)?);
    let (body, rest) = locale::split_nul(rest.get(12..)?);
    let notes = locale::split_nul(rest).0;
    let (name, body, notes) = (locale::marked_text(name), locale::marked_text(body), locale::marked_text(notes));
    Some(format!(
        "{} Role={role} Lat={latitude:.5} Lon={longitude:.5} Alt={altitude:.2} Body={body} Notes={notes}",
        if name.is_empty() { "(none)" } else { &name },
    ))
}

/// Texts whose kind is a copyright sign and three letters (QuickTime File Format, "User Data Text Strings", and those
/// that cameras write), by the letters. Without a name, data of programs.
#[rustfmt::skip]
const TEXTS: &[(&str, &str)] = &[
    ("ART", "Artist"),
    ("TIM", "StartTimecode"),
    ("TSC", "StartTimeScale"),
    ("TSZ", "StartTimeSampleSize"),
    ("alb", "Album"),
    ("arg", "Arranger"),
    ("ark", "ArrangerKeywords"),
    ("cmt", "Comment"),
    ("cok", "ComposerKeywords"),
    ("com", "Composer"),
    ("cpy", "Copyright"),
    ("day", "ContentCreateDate"),
    ("dir", "Director"),
    ("dji", ""),
    ("ed1", "Edit1"),
    ("ed2", "Edit2"),
    ("ed3", "Edit3"),
    ("ed4", "Edit4"),
    ("ed5", "Edit5"),
    ("ed6", "Edit6"),
    ("ed7", "Edit7"),
    ("ed8", "Edit8"),
    ("ed9", "Edit9"),
    ("enc", "EncoderID"),
    ("fmt", "Format"),
    ("fpt", "Pitch"),
    ("frl", "Roll"),
    ("fyw", "Yaw"),
    ("gen", "Genre"),
    ("gpt", "CameraPitch"),
    ("grl", "CameraRoll"),
    ("grp", "Grouping"),
    ("gyw", "CameraYaw"),
    ("inf", "Information"),
    ("isr", "ISRCCode"),
    ("lab", "RecordLabelName"),
    ("lal", "RecordLabelURL"),
    ("lyr", "Lyrics"),
    ("mak", "Make"),
    ("mal", "MakerURL"),
    ("mdl", "Model"),
    ("mod", "Model"),
    ("nam", "Title"),
    ("pdk", "ProducerKeywords"),
    ("phg", "RecordingCopyright"),
    ("prd", "Producer"),
    ("prf", "Performers"),
    ("prk", "PerformerKeywords"),
    ("prl", "PerformerURL"),
    ("req", "Requirements"),
    ("res", ""),
    ("snk", "SubtitleKeywords"),
    ("snm", "Subtitle"),
    ("src", "SourceCredits"),
    ("swf", "SongWriter"),
    ("swk", "SongWriterKeywords"),
    ("swr", "SoftwareVersion"),
    ("too", "Encoder"),
    ("trk", "Track"),
    ("uid", ""),
    ("wrt", "Composer"),
    ("xsp", "SpeedX"),
    ("xyz", "GPSCoordinates"),
    ("ysp", "SpeedY"),
    ("zsp", "SpeedZ"),
];

/// Other boxes (3GPP TS 26.244, section 8, and those that cameras write), in the order of their bytes.
#[rustfmt::skip]
const BOXES: &[([u8; 4], &str, Form)] = &[
    (*b"@day", "ContentCreateDate", Form::Date),
    (*b"@mak", "Make", Form::Text),
    (*b"@mod", "Model", Form::Text),
    (*b"@swr", "SoftwareVersion", Form::Text),
    (*b"@xyz", "GPSCoordinates", Form::Place),
    (*b"AllF", "PlayAllFrames", Form::Bytes),
    (*b"CNFV", "FirmwareVersion", Form::Text),
    (*b"CNMN", "Model", Form::Text),
    (*b"FIRM", "FirmwareVersion", Form::Text),
    (*b"LOOP", "LoopStyle", Form::Bytes),
    (*b"SDLN", "PlayMode", Form::Text),
    (*b"SNum", "SerialNumber", Form::Text),
    (*b"SelO", "PlaySelection", Form::Bytes),
    (*b"WLOC", "WindowLocation", Form::Pair),
    (*b"albm", "Album", Form::Language),
    (*b"albr", "AlbumArtist", Form::Language),
    (*b"auth", "Author", Form::Language),
    (*b"ccid", "ContentID", Form::Text),
    (*b"cdis", "ContentDistributorID", Form::Text),
    (*b"clfn", "ClipFileName", Form::Text),
    (*b"clid", "ClipID", Form::Text),
    (*b"clsf", "Classification", Form::Class),
    (*b"cmid", "CameraID", Form::Text),
    (*b"cmnm", "Model", Form::Text),
    (*b"coll", "CollectionName", Form::Language),
    (*b"cprt", "Copyright", Form::Language),
    (*b"cver", "CodeVersion", Form::Text),
    (*b"cvru", "CoverURI", Form::Text),
    (*b"date", "DateTimeOriginal", Form::Date),
    (*b"dscp", "Description", Form::Language),
    (*b"gnre", "Genre", Form::Language),
    (*b"hinv", "HintVersion", Form::Text),
    (*b"icnu", "IconURI", Form::Text),
    (*b"infu", "InfoURL", Form::Text),
    (*b"kgtt", "TrackType", Form::Text),
    (*b"kywd", "Keywords", Form::Keywords),
    (*b"loci", "LocationInformation", Form::Location),
    (*b"lrcu", "LyricsURI", Form::Text),
    (*b"manu", "Make", Form::Language),
    (*b"modl", "Model", Form::Language),
    (*b"name", "Name", Form::Text),
    (*b"perf", "Performer", Form::Language),
    (*b"reel", "ReelName", Form::Reel),
    (*b"rtng", "Rating", Form::Rating),
    (*b"scen", "Scene", Form::Text),
    (*b"shot", "ShotName", Form::Text),
    (*b"slno", "SerialNumber", Form::Text),
    (*b"titl", "Title", Form::Language),
    (*b"urat", "UserRating", Form::Number),
    (*b"vndr", "Vendor", Form::Text),
    (*b"yrrc", "Year", Form::Year),
];

#[cfg(test)]
mod tests {
    use super::{BOXES, Form, TEXTS, name, value};

    #[test]
    fn the_tables_are_sorted() {
        assert!(TEXTS.is_sorted_by(|(one, _), (two, _)| one < two));
        assert!(BOXES.is_sorted_by(|(one, _, _), (two, _, _)| one < two));
        assert_eq!(name(*b"\xa9nam").as_deref(), Some("Title"));
        assert_eq!(name(*b"\xa9zzz").as_deref(), Some("UserData_zzz"));
        assert_eq!(name(*b"\xa9\xff\xff\xff"), None);
    }

    #[test]
    fn boxes_of_3gpp_are_read() {
        let check = |bytes: &[u8], form, language: Option<&str>, expect: &str| {
            assert_eq!(value(bytes, form), Some((language.map(str::to_owned), expect.to_owned())));
        };
        check(b"\0\0\0\0\x15\xc7Title\0", Form::Language, None, "Title");
        check(b"\0\0\0\0\x10\xb5\xfe\xff\0T\0\xe4", Form::Language, Some("deu"), "T\u{e4}");
        check(b"Bare\0", Form::Language, None, "Bare");
        check(b"\0\0\0\0\x07\xd3", Form::Year, None, "2003");
        check(b"\0\0\0\0\x15\xc7\x02\x04one\0\x04two\0", Form::Keywords, None, "one, two");
        let place = b"\0\0\0\0\x15\xc7Place\0\0\xff\x85\xa0\0\0\x25\x80\0\0\x05\x80\0earth\0note\0";
        let expect = "Place Role=shooting Lat=37.50000 Lon=-122.37500 Alt=5.50 Body=earth Notes=note";
        check(place, Form::Location, None, expect);
        assert_eq!(value(b"\0\0\0\0", Form::Location), None);
    }
}
