//! Text as metadata keeps it, and as files write it.

use crate::model::metadata::nfc;

/// Text without NULs and without white space around it, in NFC.
#[must_use]
pub fn clean(text: &str) -> String {
    if text.contains('\0') { nfc(text.replace('\0', "").trim()) } else { nfc(text.trim()) }
}

/// Bytes that say no character set: UTF-8 if they are valid as that, else Windows-1252.
#[must_use]
pub fn guessed(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => clean(text),
        Err(_) => clean(&windows_1252(bytes)),
    }
}

/// What the bytes 0x80 to 0x9F mean in Windows-1252 (Unicode Consortium, CP1252.TXT); the five that mean nothing there
/// are the control characters of Latin-1.
const WINDOWS_1252: [char; 32] = [
    '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}', '\u{2c6}', '\u{2030}',
    '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}', '\u{90}', '\u{2018}', '\u{2019}', '\u{201c}',
    '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}', '\u{2dc}', '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}',
    '\u{17e}', '\u{178}',
];

/// Bytes of Windows-1252 as text.
#[must_use]
pub fn windows_1252(bytes: &[u8]) -> String {
    let one = |&byte: &u8| match byte {
        0x80..=0x9f => WINDOWS_1252[usize::from(byte - 0x80)],
        byte => char::from(byte),
    };
    bytes.iter().map(one).collect()
}

/// An EXIF date (`2026:05:01 12:34:56`, also with a fraction and a zone behind) as ISO 8601 with the precision that it
/// has; `None` when it is not a date. Unknown parts are blank or zero in EXIF (EXIF 3.0, section 4.6.5): what begins
/// there is left out.
#[must_use]
pub fn iso_date(text: &str) -> Option<String> {
    let text = text.trim();
    if text.contains('\0') {
        return None;
    }
    let (date, time) = match text.find([' ', 'T']) {
        Some(at) => (&text[..at], text[at + 1..].trim()),
        None => (text, ""),
    };
    let mut parts = date.splitn(3, [':', '-']);
    let digits = |part: &str, length: usize| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
    let year = parts.next().filter(|year| digits(year, 4))?;
    if year == "0000" {
        return None;
    }
    let mut out = year.to_owned();
    let mut is_whole = true;
    for part in parts {
        if !digits(part, 2) {
            return None;
        }
        if part == "00" {
            is_whole = false;
            break;
        }
        out.push('-');
        out.push_str(part);
    }
    is_whole &= out.len() == 10;
    let clock_end = time.find(['+', '-', 'Z', '.']).unwrap_or(time.len());
    let clock: Vec<&str> = time[..clock_end].split(':').collect();
    if !is_whole || !(2..=3).contains(&clock.len()) || !clock.iter().all(|part| digits(part, 2)) {
        return (time.is_empty() || !is_whole || time.bytes().all(|b| b == b' ' || b == b':')).then_some(out);
    }
    out.push('T');
    out.push_str(&clock.join(":"));
    out.push_str(time[clock_end..].trim());
    Some(out)
}

/// A rational as a decimal with at most ten significant digits and no exponent; `None` when its denominator is 0.
#[must_use]
pub fn decimal_of(numerator: f64, denominator: f64) -> Option<String> {
    (denominator != 0.0).then(|| decimal(numerator / denominator))
}

/// A number as a plain decimal with at most ten significant digits.
#[must_use]
pub fn decimal(number: f64) -> String {
    if number == 0.0 || !number.is_finite() {
        return "0".to_owned();
    }
    let magnitude = number.abs().log10().floor() as i32;
    let places = usize::try_from((9 - magnitude).clamp(0, 40)).unwrap_or(0);
    let mut text = format!("{number:.places$}");
    if text.contains('.') {
        text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    }
    if text == "-0" { "0".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::{decimal, decimal_of, guessed, iso_date};

    #[test]
    fn dates_keep_their_precision_and_their_zone() {
        for (text, expect) in [
            ("2026:05:01 12:34:56", Some("2026-05-01T12:34:56")),
            ("2026:05:01 12:34:56.25+02:00", Some("2026-05-01T12:34:56.25+02:00")),
            ("2026:05:01 12:34", Some("2026-05-01T12:34")),
            ("2026-05-01T12:34:56Z", Some("2026-05-01T12:34:56Z")),
            ("2026:05:01", Some("2026-05-01")),
            ("2026:05", Some("2026-05")),
            ("2026", Some("2026")),
            ("2026:00:00 00:00:00", Some("2026")),
            ("2026:05:01   :  :  ", Some("2026-05-01")),
            ("0000:00:00 00:00:00", None),
            ("    :  :     :  :  ", None),
            ("yesterday", None),
            ("2026:5:1", None),
            ("2026:05:01 noon", None),
        ] {
            assert_eq!(iso_date(text).as_deref(), expect, "{text:?}");
        }
    }

    #[test]
    fn numbers_are_plain_decimals() {
        assert_eq!(decimal_of(1.0, 250.0).as_deref(), Some("0.004"));
        assert_eq!(decimal_of(1.0, 3.0).as_deref(), Some("0.3333333333"));
        assert_eq!(decimal_of(1.0, 0.0), None);
        for (number, expect) in
            [(0.0, "0"), (72.0, "72"), (-122.379, "-122.379"), (1e-12, "0.000000000001"), (4294967295.0, "4294967295")]
        {
            assert_eq!(decimal(number), expect);
        }
    }

    #[test]
    fn text_without_a_character_set_is_guessed() {
        assert_eq!(guessed(b"caf\xc3\xa9\0\0"), "caf\u{e9}");
        assert_eq!(guessed(b" caf\xe9 \x80 "), "caf\u{e9} \u{20ac}");
    }
}
