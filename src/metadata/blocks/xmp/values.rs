//! The text of one XMP value as metadata keeps it: dates as ISO 8601, rationals as decimals, coordinates as signed
//! decimal degrees. What does not have the form that its kind asks for stays the text that it is.

use super::properties::Kind;
use crate::metadata::limits::VALUE_BYTES_MAX;
use crate::metadata::text::{clean, decimal, iso_date};

/// The URI that terms of PLUS begin with (PLUS License Data Format).
const PLUS_VOCABULARY: &str = "http://ns.useplus.org/ldf/vocab/";

/// The largest APEX value that is converted, and the negative of the smallest: 2 to its power is a number with few
/// digits.
const APEX_MAX: f64 = 100.0;

/// A value; `None` when it is longer than a value may be, or noise.
#[must_use]
pub fn value(kind: Kind, text: &str) -> Option<String> {
    let text = text.trim();
    if text.len() > VALUE_BYTES_MAX {
        return None;
    }
    let special = match kind {
        Kind::Noise => return None,
        Kind::Text | Kind::Lang => None,
        Kind::Date => iso_date(text),
        Kind::Rational => rational(text),
        Kind::Rationals => rationals(text),
        Kind::Aperture => apex(text).map(|value| decimal((value / 2.0).exp2())),
        Kind::Shutter => apex(text).map(|value| decimal((-value).exp2())),
        Kind::Term => text.strip_prefix(PLUS_VOCABULARY).or_else(|| text.strip_prefix('/')).map(clean),
        Kind::Time => time(text),
        Kind::Gps => degrees(text),
    };
    Some(special.unwrap_or_else(|| clean(text)))
}

/// A rational as a decimal. What is divided by zero has ExifTool's names.
fn rational(text: &str) -> Option<String> {
    let (numerator, denominator) = text.split_once('/')?;
    let (numerator, denominator) = (number(numerator)?, number(denominator)?);
    if denominator != 0.0 {
        return Some(decimal(numerator / denominator));
    }
    Some(if numerator == 0.0 { "undef" } else { "inf" }.to_owned())
}

/// An APEX value that an exposure can have.
fn apex(text: &str) -> Option<f64> {
    let value = match text.split_once('/') {
        Some((numerator, denominator)) => number(numerator)? / number(denominator)?,
        None => number(text)?,
    };
    (value.abs() <= APEX_MAX).then_some(value)
}

/// A time with the colons that IPTC-IIM leaves out.
fn time(text: &str) -> Option<String> {
    let (clock, zone) = text.split_at_checked(6)?;
    let pairs = |digits: &str| {
        let is_number =
            !digits.is_empty() && digits.len().is_multiple_of(2) && digits.bytes().all(|byte| byte.is_ascii_digit());
        let pair = |at: usize| digits.get(at..at + 2);
        is_number.then(|| (0..digits.len()).step_by(2).filter_map(pair).collect::<Vec<_>>().join(":"))
    };
    let clock = pairs(clock)?;
    match zone.split_at_checked(1) {
        None => Some(clock),
        Some((sign @ ("+" | "-"), offset)) if offset.len() == 4 => Some(format!("{clock}{sign}{}", pairs(offset)?)),
        Some(_) => None,
    }
}

/// Several rationals, each as a decimal.
fn rationals(text: &str) -> Option<String> {
    let mut out = String::new();
    for part in text.split_ascii_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&rational(part)?);
    }
    (!out.is_empty()).then_some(out)
}

/// A GPS coordinate, `DDD,MM,SSk` or `DDD,MM.mmk` with `k` one of N, S, E, W (XMP specification part 2, GPSCoordinate),
/// as signed decimal degrees.
fn degrees(text: &str) -> Option<String> {
    let (is_negative, numbers) = match text.as_bytes().last()?.to_ascii_uppercase() {
        b'N' | b'E' => (false, text.get(..text.len() - 1)?),
        b'S' | b'W' => (true, text.get(..text.len() - 1)?),
        _ => (false, text),
    };
    let (mut sum, mut unit) = (0.0, 1.0);
    for part in numbers.split([',', ' ']).filter(|part| !part.is_empty()) {
        if unit > 3600.0 {
            return None;
        }
        sum += number(part)? / unit;
        unit *= 60.0;
    }
    (unit > 1.0).then(|| decimal(if is_negative { -sum } else { sum }))
}

/// A number without an exponent, a name, or anything around it.
fn number(text: &str) -> Option<f64> {
    let is_plain = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+');
    if text.len() > 40 || !text.bytes().all(is_plain) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{APEX_MAX, Kind, VALUE_BYTES_MAX, apex, value};

    #[test]
    fn no_date_has_a_nul() {
        // Found by fuzzing: what follows the seconds was taken as it was.
        let date = value(Kind::Date, "2026-05-01T12:34:56.5-07:a\0b");
        assert_eq!(date.as_deref(), Some("2026-05-01T12:34:56.5-07:ab"));
    }

    #[test]
    fn a_value_has_the_form_of_its_kind() {
        for (kind, text, expect) in [
            (Kind::Text, " 1/250 ", "1/250"),
            (Kind::Text, "2020:01:02 03:04:05", "2020:01:02 03:04:05"),
            (Kind::Date, "2020:01:02 03:04:05", "2020-01-02T03:04:05"),
            (Kind::Date, "2020-01-02T03:04:05.5+02:00", "2020-01-02T03:04:05.5+02:00"),
            (Kind::Date, "2020", "2020"),
            (Kind::Date, "circa 1900", "circa 1900"),
            (Kind::Rational, "1/250", "0.004"),
            (Kind::Rational, "-3/3", "-1"),
            (Kind::Rational, "2.8", "2.8"),
            (Kind::Rational, "1/0", "inf"),
            (Kind::Rational, "0/0", "undef"),
            (Kind::Rational, "1/x", "1/x"),
            (Kind::Rationals, "18/1 55/1 35/10 0/0", "18 55 3.5 undef"),
            (Kind::Rationals, "18-55", "18-55"),
            (Kind::Aperture, "95/32", "2.797959345"),
            (Kind::Aperture, "6", "8"),
            (Kind::Aperture, "1/0", "1/0"),
            (Kind::Aperture, "9999999999", "9999999999"),
            (Kind::Shutter, "42/32", "0.402622583"),
            (Kind::Term, "http://ns.useplus.org/ldf/vocab/CS-PRO", "CS-PRO"),
            (Kind::Term, "/Unknown", "Unknown"),
            (Kind::Term, "True", "True"),
            (Kind::Time, "062751-0500", "06:27:51-05:00"),
            (Kind::Time, "062751", "06:27:51"),
            (Kind::Time, "06:27:51", "06:27:51"),
            (Kind::Time, "062751-05", "062751-05"),
            (Kind::Time, "noon", "noon"),
            (Kind::Gps, "43,28.5N", "43.475"),
            (Kind::Gps, "122,30,36W", "-122.51"),
            (Kind::Gps, "43.25", "43.25"),
            (Kind::Gps, "N", "N"),
            (Kind::Gps, "1,2,3,4,5N", "1,2,3,4,5N"),
            (Kind::Gps, "", ""),
            (Kind::Gps, "\u{e9}", "\u{e9}"),
        ] {
            assert_eq!(value(kind, text).as_deref(), Some(expect), "{text:?}");
        }
        assert_eq!(value(Kind::Noise, "x"), None);
    }

    #[test]
    fn a_value_that_is_too_long_is_left_out() {
        let longest = "x".repeat(VALUE_BYTES_MAX);
        assert_eq!(value(Kind::Text, &longest).as_deref(), Some(&*longest));
        assert_eq!(value(Kind::Text, &"x".repeat(VALUE_BYTES_MAX + 1)), None);
    }

    #[test]
    fn an_exposure_that_cannot_be_stays_as_it_is_written() {
        for (kind, text, expect) in [
            (Kind::Aperture, "100", "1125899906842624"),
            (Kind::Aperture, "100.1", "100.1"),
            (Kind::Aperture, "-1001/10", "-1001/10"),
            (Kind::Shutter, "-10", "1024"),
            (Kind::Shutter, "101/1", "101/1"),
        ] {
            assert_eq!(value(kind, text).as_deref(), Some(expect), "{text}");
        }
        assert_eq!(apex("100"), Some(APEX_MAX));
    }
}
