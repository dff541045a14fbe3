//! Positions and times of the GPS directory.
//!
//! Source: EXIF 3.0, section 4.6.7.

use crate::metadata::tag::{Tag, TagValue};
use crate::metadata::text;

use super::coded;
use super::raw::{Raw, Type};

/// Degrees, minutes and seconds as degrees; empty when one of them is unknown; `None` when they are not numbers.
#[must_use]
pub fn degrees(raw: &Raw<'_>) -> Option<String> {
    if matches!(raw.kind, Type::Ascii | Type::Undefined) {
        return None;
    }
    let mut degrees = None;
    for (number, scale) in raw.numbers().zip([1.0, 60.0, 3600.0]) {
        match number.value() {
            Some(number) => degrees = Some(degrees.unwrap_or(0.0) + number / scale),
            None => return Some(String::new()),
        }
    }
    Some(degrees.map(text::decimal).unwrap_or_default())
}

/// Hours, minutes and seconds as `hh:mm:ss`, with a fraction if there is one; `None` when they are not numbers.
#[must_use]
pub fn time_of_day(raw: &Raw<'_>) -> Option<String> {
    if matches!(raw.kind, Type::Ascii | Type::Undefined) {
        return None;
    }
    // In nanoseconds, so that 59.9999999999 does not become 60 in the text alone.
    let part = |(number, nanoseconds): (f64, f64)| number * nanoseconds;
    let numbers = raw.numbers().map(|number| number.value().unwrap_or(0.0));
    let all = numbers.zip([3.6e12, 6e10, 1e9]).map(part).sum::<f64>().round().clamp(0.0, 1e18) as u64;
    let (seconds, fraction) = (all / 1_000_000_000, all % 1_000_000_000);
    let mut out = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if fraction > 0 {
        out.push_str(format!(".{fraction:09}").trim_end_matches('0'));
    }
    Some(out)
}

/// A date as ISO 8601, whatever is between its numbers; as the file has it if it is not a date.
#[must_use]
pub fn date(bytes: &[u8]) -> String {
    let digits: Vec<u8> = bytes.iter().copied().filter(u8::is_ascii_digit).collect();
    let begins = bytes.get(..4).is_some_and(|year| year.iter().all(u8::is_ascii_digit));
    if let (true, [_, _, _, _, m1, m2, d1, d2]) = (begins, digits.as_slice()) {
        let year = String::from_utf8_lossy(digits.get(..4).unwrap_or_default()).into_owned();
        let [m1, m2, d1, d2] = [m1, m2, d1, d2].map(|&digit| char::from(digit));
        if let Some(date) = text::iso_date(&format!("{year}:{m1}{m2}:{d1}{d2}")) {
            return date;
        }
    }
    coded::date(bytes)
}

/// Positions, each with the tag that says its side and the words of the negative side.
const SIDES: [(&str, &str, &[&str]); 5] = [
    ("GPSLatitude", "GPSLatitudeRef", &["S", "s"]),
    ("GPSLongitude", "GPSLongitudeRef", &["W", "w"]),
    ("GPSDestLatitude", "GPSDestLatitudeRef", &["S", "s"]),
    ("GPSDestLongitude", "GPSDestLongitudeRef", &["W", "w"]),
    // 1: below sea level; 3: below the ellipsoid.
    ("GPSAltitude", "GPSAltitudeRef", &["1", "3"]),
];

/// Gives the positions of one directory the sign that their sides say: south, west and below are negative.
pub fn sign(tags: &mut [Tag]) {
    for (name, side, negative) in SIDES {
        let is_negative = tags.iter().any(|tag| {
            tag.name == side
                && matches!(&tag.value, TagValue::Text(text) if negative.iter().any(|word| text.starts_with(word)))
        });
        if !is_negative {
            continue;
        }
        for tag in tags.iter_mut().filter(|tag| tag.name == name) {
            if let TagValue::Text(text) = &mut tag.value
                && text.starts_with(|char: char| char.is_ascii_digit())
                && text != "0"
            {
                text.insert(0, '-');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Raw, Tag, TagValue, Type, date, degrees, sign, time_of_day};
    use crate::metadata::blocks::exif::raw::Order;
    use crate::metadata::tag::Family;

    fn ratios(pairs: &[(u32, u32)]) -> Vec<u8> {
        pairs.iter().flat_map(|(n, d)| [n.to_be_bytes(), d.to_be_bytes()].concat()).collect()
    }

    #[test]
    fn positions_are_degrees() {
        let cases: &[(&[(u32, u32)], &str)] = &[
            (&[(37, 1), (37, 1), (1668, 100)], "37.6213"),
            (&[(37, 1), (3037, 100), (0, 1)], "37.50616667"),
            (&[(37, 1)], "37"),
            (&[(37, 1), (0, 0), (0, 0)], ""),
            (&[], ""),
        ];
        for (pairs, expect) in cases {
            let raw = Raw { kind: Type::Rational, bytes: &ratios(pairs), order: Order::Big };
            assert_eq!(degrees(&raw).as_deref(), Some(*expect), "{pairs:?}");
        }
    }

    #[test]
    fn times_are_of_a_day() {
        let cases: &[(&[(u32, u32)], &str)] = &[
            (&[(10, 1), (47, 1), (24, 1)], "10:47:24"),
            (&[(17, 1), (17, 1), (5865, 100)], "17:17:58.65"),
            (&[(1, 1), (59, 1), (60, 1)], "02:00:00"),
            (&[(0, 0), (0, 0), (0, 0)], "00:00:00"),
            (&[(9, 1)], "09:00:00"),
        ];
        for (pairs, expect) in cases {
            let raw = Raw { kind: Type::Rational, bytes: &ratios(pairs), order: Order::Big };
            assert_eq!(time_of_day(&raw).as_deref(), Some(*expect), "{pairs:?}");
        }
    }

    #[test]
    fn dates_have_any_separator() {
        for (text, expect) in [
            ("2006:05:26\0", "2006-05-26"),
            ("2006-05-26", "2006-05-26"),
            ("2006\x0005\x0026\0", "2006-05-26"),
            ("20060526", "2006-05-26"),
            ("2006:05:00", "2006-05"),
            ("\0\0", ""),
            ("soon", "soon"),
        ] {
            assert_eq!(date(text.as_bytes()), expect, "{text:?}");
        }
    }

    #[test]
    fn sides_are_signs() {
        let text = |name, value: &str| Tag::text(Family::Exif, "GPS", name, value);
        let mut tags = [
            text("GPSLatitudeRef", "N"),
            text("GPSLatitude", "37.6213"),
            text("GPSLongitude", "122.379"),
            text("GPSLongitudeRef", "W"),
            text("GPSAltitude", "12"),
            text("GPSAltitudeRef", "1"),
            text("GPSDestLatitudeRef", "S"),
            text("GPSDestLatitude", ""),
        ];
        sign(&mut tags);
        let value = |at: usize| match &tags[at].value {
            TagValue::Text(text) => text.as_str(),
            _ => "no text",
        };
        assert_eq!([1, 2, 4, 7].map(value), ["37.6213", "-122.379", "-12", ""]);
    }
}
