//! Languages and texts of ISO BMFF and QuickTime: packed language codes, UTF-8, UTF-16, Mac Roman.

use crate::metadata::text;

/// The smallest packed code: three letters of five bits each (ISO/IEC 14496-12, section 8.4.2.3). What is below is a
/// language of the Macintosh, whose texts are not in UTF-8 (QuickTime File Format, "Language Code Values").
const PACKED_MIN: u16 = 0x400;

/// Whether a language code is one of the Macintosh.
#[must_use]
pub fn is_macintosh(language: u16) -> bool {
    language < PACKED_MIN
}

/// The three letters of a packed language code; `None` for other codes.
#[must_use]
pub fn letters(language: u16) -> Option<String> {
    if is_macintosh(language) || language == 0x7fff {
        return None;
    }
    let letter = |shift: u16| char::from((language >> shift & 0x1f) as u8 + 0x60);
    let letters: String = [letter(10), letter(5), letter(0)].into_iter().collect();
    letters.bytes().all(|byte| byte.is_ascii_lowercase()).then_some(letters)
}

/// The language of a text as a tag has it: without one, in English or undetermined is the default, as in ExifTool.
#[must_use]
pub fn language(code: u16) -> Option<String> {
    letters(code).filter(|letters| letters != "eng" && letters != "und")
}

/// A text of classic QuickTime user data.
#[must_use]
pub fn quicktime_text(bytes: &[u8], language: u16) -> String {
    let is_utf16 = matches!(bytes, [0xfe, 0xff, ..] | [0xff, 0xfe, ..]);
    if is_utf16 || !is_macintosh(language) || std::str::from_utf8(bytes).is_ok() {
        return marked_text(bytes);
    }
    text::clean(&mac_roman(bytes))
}

/// A text in UTF-8, or in UTF-16 when it begins with a byte order mark (3GPP TS 26.244, section 8).
#[must_use]
pub fn marked_text(bytes: &[u8]) -> String {
    match bytes {
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => text::guessed(rest),
        bytes => text::guessed(bytes),
    }
}

/// A text in UTF-16, big-endian unless a byte order mark says otherwise.
#[must_use]
pub fn utf16_text(bytes: &[u8]) -> String {
    match bytes {
        [0xfe, 0xff, ..] | [0xff, 0xfe, ..] => marked_text(bytes),
        bytes => utf16(bytes, u16::from_be_bytes),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.as_chunks::<2>().0.iter().map(|&pair| unit(pair));
    let decoded = char::decode_utf16(units).map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER));
    text::clean(&decoded.collect::<String>())
}

/// The bytes up to the first NUL, and those behind it.
#[must_use]
pub fn split_nul(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes.iter().position(|&byte| byte == 0) {
        Some(at) => (bytes.get(..at).unwrap_or_default(), bytes.get(at + 1..).unwrap_or_default()),
        None => (bytes, &[]),
    }
}

fn mac_roman(bytes: &[u8]) -> String {
    let one = |&byte: &u8| match byte.checked_sub(0x80) {
        Some(high) => MAC_ROMAN.get(usize::from(high)).copied().unwrap_or(char::REPLACEMENT_CHARACTER),
        None => char::from(byte),
    };
    bytes.iter().map(one).collect()
}

/// What the bytes 0x80 to 0xFF mean in Mac Roman (Unicode Consortium, ROMAN.TXT).
const MAC_ROMAN: [char; 128] = [
    '\u{c4}', '\u{c5}', '\u{c7}', '\u{c9}', '\u{d1}', '\u{d6}', '\u{dc}', '\u{e1}', '\u{e0}', '\u{e2}', '\u{e4}',
    '\u{e3}', '\u{e5}', '\u{e7}', '\u{e9}', '\u{e8}', '\u{ea}', '\u{eb}', '\u{ed}', '\u{ec}', '\u{ee}', '\u{ef}',
    '\u{f1}', '\u{f3}', '\u{f2}', '\u{f4}', '\u{f6}', '\u{f5}', '\u{fa}', '\u{f9}', '\u{fb}', '\u{fc}', '\u{2020}',
    '\u{b0}', '\u{a2}', '\u{a3}', '\u{a7}', '\u{2022}', '\u{b6}', '\u{df}', '\u{ae}', '\u{a9}', '\u{2122}', '\u{b4}',
    '\u{a8}', '\u{2260}', '\u{c6}', '\u{d8}', '\u{221e}', '\u{b1}', '\u{2264}', '\u{2265}', '\u{a5}', '\u{b5}',
    '\u{2202}', '\u{2211}', '\u{220f}', '\u{3c0}', '\u{222b}', '\u{aa}', '\u{ba}', '\u{3a9}', '\u{e6}', '\u{f8}',
    '\u{bf}', '\u{a1}', '\u{ac}', '\u{221a}', '\u{192}', '\u{2248}', '\u{2206}', '\u{ab}', '\u{bb}', '\u{2026}',
    '\u{a0}', '\u{c0}', '\u{c3}', '\u{d5}', '\u{152}', '\u{153}', '\u{2013}', '\u{2014}', '\u{201c}', '\u{201d}',
    '\u{2018}', '\u{2019}', '\u{f7}', '\u{25ca}', '\u{ff}', '\u{178}', '\u{2044}', '\u{20ac}', '\u{2039}', '\u{203a}',
    '\u{fb01}', '\u{fb02}', '\u{2021}', '\u{b7}', '\u{201a}', '\u{201e}', '\u{2030}', '\u{c2}', '\u{ca}', '\u{c1}',
    '\u{cb}', '\u{c8}', '\u{cd}', '\u{ce}', '\u{cf}', '\u{cc}', '\u{d3}', '\u{d4}', '\u{f8ff}', '\u{d2}', '\u{da}',
    '\u{db}', '\u{d9}', '\u{131}', '\u{2c6}', '\u{2dc}', '\u{af}', '\u{2d8}', '\u{2d9}', '\u{2da}', '\u{b8}',
    '\u{2dd}', '\u{2db}', '\u{2c7}',
];

#[cfg(test)]
mod tests {
    use super::{language, letters, marked_text, quicktime_text, split_nul, utf16_text};

    #[test]
    fn languages_are_packed_letters() {
        assert_eq!(letters(0x15c7).as_deref(), Some("eng"));
        assert_eq!(language(0x15c7), None);
        assert_eq!(language(0x55c4), None);
        assert_eq!(language(0x10b5).as_deref(), Some("deu"));
        assert_eq!((letters(0), letters(0x7fff), letters(0x8000)), (None, None, None));
    }

    #[test]
    fn texts_are_decoded_as_their_language_says() {
        assert_eq!(quicktime_text(b"M\x8ac", 0), "M\u{e4}c");
        assert_eq!(quicktime_text("M\u{e4}c".as_bytes(), 0), "M\u{e4}c");
        assert_eq!(quicktime_text("M\u{e4}c".as_bytes(), 0x15c7), "M\u{e4}c");
        assert_eq!(marked_text(b"\xfe\xff\0A\0\xe4"), "A\u{e4}");
        assert_eq!(marked_text(b"\xff\xfeA\0\xe4\0\0"), "A\u{e4}");
        assert_eq!(utf16_text(b"\0A\0\xe4\xd8\0"), "A\u{e4}\u{fffd}");
        assert_eq!(split_nul(b"ab\0c"), (&b"ab"[..], &b"c"[..]));
    }
}
