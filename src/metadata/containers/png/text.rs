//! PNG's texts: `tEXt`, `zTXt`, `iTXt` (PNG, "Textual information").

use std::borrow::Cow;

use crate::metadata::budget::Budget;
use crate::metadata::containers::inflate::inflate;
use crate::metadata::fault::Fault;
use crate::metadata::found::Part;
use crate::metadata::limits::{KEYS_MAX, VALUE_BYTES_MAX};
use crate::metadata::tag::{Family, Tag, TagValue, Text};
use crate::metadata::text;

const GROUP: Text = Cow::Borrowed("PNG");

/// A text as the chunk has it.
pub struct RawText<'b> {
    /// What it is.
    pub keyword: String,
    language: Option<String>,
    is_compressed: bool,
    content: &'b [u8],
}

impl<'b> RawText<'b> {
    /// Takes a chunk apart; `None` when it is damaged.
    #[must_use]
    pub fn read(kind: [u8; 4], bytes: &'b [u8]) -> Option<Self> {
        let (keyword, rest) = split(bytes)?;
        let keyword = text::clean(&text::windows_1252(keyword.get(..keyword.len().min(79))?));
        Some(match &kind {
            b"tEXt" => Self { keyword, language: None, is_compressed: false, content: rest },
            // A method, of which there is one; the stream.
            b"zTXt" => Self { keyword, language: None, is_compressed: true, content: rest.get(1..)? },
            // Whether it is compressed, the method, the language, the keyword in that language, the text.
            _ => {
                let (flag, rest) = rest.split_first()?;
                let (language, rest) = split(rest.get(1..)?)?;
                let language = text::guessed(language.get(..language.len().min(64))?);
                let language = Some(language).filter(|language| !language.is_empty() && language != "x-default");
                Self { keyword, language, is_compressed: *flag == 1, content: split(rest)?.1 }
            }
        })
    }

    /// Its content, inflated.
    ///
    /// # Errors
    /// When it is damaged or too large.
    pub fn bytes(&self, budget: &Budget) -> Result<Cow<'b, [u8]>, Fault> {
        if self.is_compressed { inflate(self.content, budget).map(Cow::Owned) } else { Ok(Cow::Borrowed(self.content)) }
    }
}

/// What is before the first NUL, and what is behind it.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|&byte| byte == 0)?;
    Some((bytes.get(..at)?, bytes.get(at + 1..)?))
}

/// The tags of a file.
#[derive(Debug, Default)]
pub struct Texts {
    /// In the order of the file.
    pub tags: Vec<Tag>,
    has_too_many: bool,
}

impl Texts {
    /// Adds a tag, or replaces the one of its name: the last one counts. One without a value is left out.
    pub fn add(&mut self, name: Text, language: Option<String>, value: Option<String>) {
        let Some(value) = value.filter(|value| value.len() <= VALUE_BYTES_MAX) else { return };
        let same = |tag: &&mut Tag| tag.group == GROUP && tag.name == name && tag.language == language;
        if let Some(tag) = self.tags.iter_mut().find(same) {
            tag.value = TagValue::Text(value);
            return;
        }
        self.has_too_many |= self.tags.len() >= KEYS_MAX;
        if !self.has_too_many {
            let mut tag = Tag::text(Family::Png, GROUP, name, value);
            tag.language = language;
            self.tags.push(tag);
        }
    }

    /// All tags.
    ///
    /// # Errors
    /// When there are more than allowed.
    pub fn finish(self) -> Part {
        if self.has_too_many {
            return Err(Fault::limit("a file has more keys than allowed", format!("{KEYS_MAX} keys")));
        }
        Ok(self.tags)
    }

    /// Adds a text.
    pub fn text(&mut self, raw: &RawText<'_>, bytes: &[u8]) {
        let Some(name) = name(&raw.keyword).filter(|_| bytes.len() <= VALUE_BYTES_MAX) else { return };
        let value = text::guessed(bytes);
        let value = match &*name {
            "CreationTime" | "CreateDate" | "ModDate" | "TimeStamp" | "Datecreate" | "Datemodify" => date(value),
            _ => value,
        };
        self.add(name, raw.language.clone(), Some(value));
    }
}

/// The name of a keyword as ExifTool makes it: `Creation Time` is `CreationTime`.
fn name(keyword: &str) -> Option<Text> {
    if let Some((_, name)) = NAMES.iter().find(|(known, _)| *known == keyword) {
        return Some(Cow::Borrowed(*name)).filter(|name| !name.is_empty());
    }
    let mut name = String::with_capacity(keyword.len());
    let mut is_first = true;
    for (at, character) in keyword.char_indices() {
        match character {
            ' ' => is_first = true,
            ':' => {
                // A namespace that ImageMagick and GIMP write before a capital letter.
                is_first |= keyword.get(at + 1..).is_some_and(|rest| rest.starts_with(char::is_uppercase));
            }
            character if character.is_ascii_alphanumeric() || matches!(character, '-' | '_') => {
                let character = if is_first { character.to_ascii_uppercase() } else { character };
                is_first = false;
                name.push(character);
            }
            _ => {}
        }
    }
    match name.as_bytes() {
        [] => None,
        [_] | [b'0'..=b'9' | b'-', ..] => Some(Cow::Owned(format!("Tag{name}"))),
        _ => Some(Cow::Owned(name)),
    }
}

/// Keywords whose names do not follow from them, and those that most files have (PNG, "Keywords and text strings").
/// Those without a name are noise.
const NAMES: [(&str, &str); 14] = [
    ("Author", "Author"),
    ("Comment", "Comment"),
    ("Copyright", "Copyright"),
    ("Creation Time", "CreationTime"),
    ("Description", "Description"),
    ("Software", "Software"),
    ("Source", "Source"),
    ("Title", "Title"),
    ("Warning", "PNGWarning"),
    ("create-date", "CreateDate"),
    ("date:create", "Datecreate"),
    ("date:modify", "Datemodify"),
    ("modify-date", "ModDate"),
    ("Thumb::Image", ""),
];

/// A date in ISO 8601; PNG suggests the form of RFC 1123, section 5.2.14, and other texts stay as they are.
fn date(value: String) -> String {
    text::iso_date(&value).or_else(|| rfc_1123(&value)).unwrap_or(value)
}

/// `Fri, 01 May 2020 01:02:03 +0200`, also without the day of the week.
fn rfc_1123(value: &str) -> Option<String> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let value = value.split_once(", ").map_or(value, |(_, rest)| rest);
    let mut parts = value.split_ascii_whitespace();
    let (day, month, year) = (parts.next()?.parse::<u8>().ok()?, parts.next()?.get(..3)?, parts.next()?);
    let month = MONTHS.iter().position(|name| month.eq_ignore_ascii_case(name))? + 1;
    let time = parts.next().unwrap_or("");
    let zone = match parts.next() {
        None => String::new(),
        Some("GMT" | "UT" | "UTC" | "Z") => "Z".to_owned(),
        Some(zone) => match zone.as_bytes() {
            [b'+' | b'-', digits @ ..] if digits.len() == 4 && digits.iter().all(u8::is_ascii_digit) => {
                format!("{}:{}", zone.get(..3)?, zone.get(3..)?)
            }
            _ => String::new(),
        },
    };
    text::iso_date(&format!("{year}:{month:02}:{day:02} {time}{zone}"))
}

#[cfg(test)]
mod tests {
    use super::{RawText, date, name};
    use crate::metadata::budget::Budget;

    #[test]
    fn keywords_become_names() {
        for (keyword, expect) in [
            ("Title", Some("Title")),
            ("Creation Time", Some("CreationTime")),
            ("modify-date", Some("ModDate")),
            ("exif:Make", Some("ExifMake")),
            ("icc:copyright", Some("Icccopyright")),
            ("Foo Bar", Some("FooBar")),
            ("foo_bar-baz", Some("Foo_bar-baz")),
            ("parameters", Some("Parameters")),
            ("123 abc", Some("Tag123Abc")),
            ("a", Some("TagA")),
            ("Thumb::URI", Some("ThumbURI")),
            ("Thumb::Image", None),
            ("\u{e4}", None),
        ] {
            assert_eq!(name(keyword).as_deref(), expect, "{keyword}");
        }
    }

    #[test]
    fn dates_become_iso_8601() {
        for (value, expect) in [
            ("Fri, 01 May 2020 01:02:03 +0200", "2020-05-01T01:02:03+02:00"),
            ("1 May 2020 01:02:03 GMT", "2020-05-01T01:02:03Z"),
            ("1 May 2020", "2020-05-01"),
            ("2020:05:01 01:02:03", "2020-05-01T01:02:03"),
            ("in May", "in May"),
        ] {
            assert_eq!(date(value.to_owned()), expect);
        }
    }

    #[test]
    fn chunks_are_taken_apart() {
        let budget = Budget::endless();
        let check = |kind: &[u8; 4], bytes: &[u8], keyword: &str, language: Option<&str>, text: &[u8]| {
            let raw = RawText::read(*kind, bytes).expect("a text");
            assert_eq!((&*raw.keyword, raw.language.as_deref()), (keyword, language));
            assert_eq!(&*raw.bytes(&budget).expect("a content"), text);
        };
        check(b"tEXt", b"Title\0text", "Title", None, b"text");
        check(b"iTXt", b"Title\0\0\0de\0Titel\0text", "Title", Some("de"), b"text");
        check(b"iTXt", b"Title\0\0\0x-default\0\0text", "Title", None, b"text");
        for length in 0..b"Title\0\0\0de\0Titel".len() {
            assert!(RawText::read(*b"iTXt", &b"Title\0\0\0de\0Titel"[..length]).is_none());
        }
        let stream = [0x78, 0x9c, 0x4b, 0x04, 0x00, 0x00, 0x62, 0x00, 0x62];
        check(b"zTXt", &[b"K\0\0", &stream[..]].concat(), "K", None, b"a");
        check(b"iTXt", &[b"K\0\x01\0\0\0", &stream[..]].concat(), "K", None, b"a");
    }
}
