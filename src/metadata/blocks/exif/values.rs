//! A value as text, by the kind of its tag. Decides nothing about which tags count.
//!
//! Sources: EXIF 3.0, section 4.6 (each tag's own rules; APEX in annex C), TIFF 6.0, DNG 1.7.1.0; the form of the text
//! is what `exiftool -n` prints, but for dates (ISO 8601).

use std::fmt::Write as _;

use crate::metadata::limits::VALUE_BYTES_MAX;
use crate::metadata::text;

use super::kind::Kind;
use super::raw::{Number, Order, Raw, Type};
use super::{coded, places};

/// The text of a value; `None` when it says nothing that can be shown.
#[must_use]
pub fn read(kind: Kind, raw: &Raw<'_>) -> Option<String> {
    match kind {
        Kind::Plain => plain(raw),
        Kind::Text => Some(coded::text(raw.bytes)),
        Kind::TextOrNone => Some(coded::text(raw.bytes)).filter(|text| !text.is_empty()),
        Kind::Short => plain(raw).filter(|text| text.len() <= 64),
        Kind::Date if raw.kind == Type::Ascii => Some(coded::date(raw.bytes)),
        Kind::Date => plain(raw),
        Kind::Utf16 => Some(coded::utf16(raw.bytes, Order::Little)),
        Kind::Prefixed => Some(coded::prefixed(raw.bytes, raw.order)),
        Kind::Copyright => Some(coded::copyright(raw.bytes)),
        Kind::Labelled => plain(raw).map(coded::without_label),
        Kind::Bytes => Some(joined(&Raw { kind: Type::Byte, ..*raw })),
        Kind::Words => Some(joined(&Raw { kind: Type::Short, ..*raw })),
        Kind::HexLower => Some(hex(raw.bytes)),
        Kind::HexUpper => Some(hex(raw.bytes).to_ascii_uppercase()),
        Kind::SignedRational => plain(&signed(raw)),
        Kind::ShutterSpeed => Some(shutter_speed(&signed(raw))),
        Kind::Aperture => Some(aperture(raw)),
        Kind::CfaPattern => cfa_pattern(raw),
        Kind::CompositeTimes => Some(composite_times(raw)),
        Kind::TimeCodes => Some(time_codes(raw.bytes)),
        Kind::Cr2Cfa => cr2_cfa(raw),
        Kind::PixelFormat => pixel_format(raw.bytes),
        Kind::Fixed8 => first(raw).map(|number| text::decimal(number / 256.0)),
        Kind::PanasonicGamma => first(raw).map(panasonic_gamma),
        Kind::Degrees => places::degrees(raw).or_else(|| plain(raw)),
        Kind::TimeOfDay => places::time_of_day(raw).or_else(|| plain(raw)),
        Kind::GpsDate => Some(places::date(raw.bytes)),
        Kind::Presence | Kind::Pointer(_) | Kind::Block(_) => None,
    }
}

/// Text, or numbers with spaces between, as the type says. A single undefined byte is a number; several are text if
/// they can be.
fn plain(raw: &Raw<'_>) -> Option<String> {
    match raw.kind {
        Type::Ascii => Some(coded::text(raw.bytes)),
        Type::Undefined if raw.bytes.len() != 1 => coded::undefined(raw.bytes),
        _ => Some(joined(raw)),
    }
}

fn joined(raw: &Raw<'_>) -> String {
    let mut out = String::with_capacity(16);
    for (index, number) in raw.numbers().enumerate() {
        // Longer text is not shown, and a number can be 300 characters.
        if out.len() > VALUE_BYTES_MAX {
            break;
        }
        if index > 0 {
            out.push(' ');
        }
        push(&mut out, number);
    }
    out
}

/// Adds a number as a plain decimal. A rational without a denominator is `undef` or `inf`, as ExifTool has it: a list
/// such as `LensSpecification` needs a word there.
fn push(out: &mut String, number: Number) {
    // Writing into a string does not fail.
    let _ = match number {
        Number::Ratio(0, 0) => out.write_str("undef"),
        Number::Ratio(_, 0) => out.write_str("inf"),
        Number::Ratio(numerator, denominator) if numerator % denominator == 0 => {
            write!(out, "{}", numerator / denominator)
        }
        Number::Ratio(numerator, denominator) => out.write_str(&text::decimal(numerator as f64 / denominator as f64)),
        Number::Whole(number) => match i64::try_from(number) {
            Ok(number) => write!(out, "{number}"),
            Err(_) => write!(out, "{number}"),
        },
        Number::Float(number) => write!(out, "{number}"),
        Number::Double(number) => write!(out, "{number}"),
    };
}

fn first(raw: &Raw<'_>) -> Option<f64> {
    raw.numbers().next()?.value()
}

/// A rational whose type has lost its sign.
fn signed<'a>(raw: &Raw<'a>) -> Raw<'a> {
    if raw.kind == Type::Rational { Raw { kind: Type::SRational, ..*raw } } else { *raw }
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// Seconds; 0 when the time is unknown or out of range (EXIF 3.0, annex C: `Tv = -log2(t)`).
fn shutter_speed(raw: &Raw<'_>) -> String {
    match first(raw) {
        Some(value) if value.abs() < 100.0 => text::decimal((-value).exp2()),
        _ => "0".to_owned(),
    }
}

/// The F number (EXIF 3.0, annex C: `Av = 2 log2(F)`).
fn aperture(raw: &Raw<'_>) -> String {
    match first(raw).map(|value| (value / 2.0).exp2()) {
        Some(number) if number.is_finite() => text::decimal(number),
        Some(_) => "inf".to_owned(),
        None => joined(raw),
    }
}

/// Columns, rows, and the colour of each of them (EXIF 3.0, section 4.6.6). Cameras disagree on the order of the first
/// two numbers' bytes, and some write digits.
fn cfa_pattern(raw: &Raw<'_>) -> Option<String> {
    let bytes = raw.bytes;
    let is_digits = bytes.iter().all(|byte| (b'0'..=b'6').contains(byte));
    let plain_bytes: Vec<u8> = bytes.iter().map(|byte| if is_digits { byte - b'0' } else { *byte }).collect();
    let Some((head, colours)) = plain_bytes.split_at_checked(4) else {
        return plain(raw);
    };
    let size = |order: Order| {
        let (columns, rows) = (order.u16(head, 0)?, order.u16(head, 2)?);
        let is_inside = usize::from(columns).checked_mul(rows.into())? <= colours.len();
        is_inside.then_some((columns, rows))
    };
    let written = (raw.order.u16(head, 0)?, raw.order.u16(head, 2)?);
    let (columns, rows) = size(raw.order).or_else(|| size(raw.order.other())).unwrap_or(written);
    let mut out = format!("{columns} {rows}");
    for colour in colours {
        let _ = write!(out, " {colour}");
    }
    Some(out)
}

/// EXIF 3.0, section 4.6.6 (`SourceExposureTimesOfCompositeImage`): rationals, but the eighth and the ninth number are
/// counts of 16 bits.
fn composite_times(raw: &Raw<'_>) -> String {
    let mut out = String::new();
    let mut rest = raw.bytes;
    for index in 0.. {
        let kind = if matches!(index, 7 | 8) { Type::Short } else { Type::Rational };
        let Some((bytes, behind)) = rest.split_at_checked(kind.size()) else {
            break;
        };
        let Some(number) = (Raw { kind, bytes, order: raw.order }).numbers().next() else {
            break;
        };
        if index > 0 {
            out.push(' ');
        }
        push(&mut out, number);
        rest = behind;
    }
    out
}

/// Two digits a byte, points between (DNG 1.7.1.0, `TimeCodes`; SMPTE 331M).
fn time_codes(bytes: &[u8]) -> String {
    let code = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(".");
    bytes.chunks_exact(8).map(code).collect::<Vec<_>>().join(" ")
}

/// The four arrangements of a CR2's colours: 0 is red, 1 green, 2 blue.
fn cr2_cfa(raw: &Raw<'_>) -> Option<String> {
    let pattern = match first(raw)? {
        1.0 => "0 1 1 2",
        2.0 => "2 1 1 0",
        3.0 => "1 2 0 1",
        4.0 => "1 0 2 1",
        _ => return plain(raw),
    };
    Some(pattern.to_owned())
}

/// What HD Photo's GUIDs of pixel formats have in common: all but the last byte.
const PIXEL_FORMATS: [u8; 15] =
    [0x24, 0xc3, 0xdd, 0x6f, 0x03, 0x4e, 0xfe, 0x4b, 0xb1, 0x85, 0x3d, 0x77, 0x76, 0x8d, 0xc9];

/// HD Photo Feature Specification 1.0, section 3 (`PIXEL_FORMAT`).
fn pixel_format(bytes: &[u8]) -> Option<String> {
    match bytes.split_last() {
        Some((last, head)) if head == PIXEL_FORMATS => Some(last.to_string()),
        _ if bytes.len() == 16 => Some(hex(bytes)),
        _ => None,
    }
}

/// Panasonic scales by 100, 256 or 1024 in different cameras.
fn panasonic_gamma(number: f64) -> String {
    let scale = if number >= 1024.0 {
        1024.0
    } else if number >= 256.0 {
        256.0
    } else {
        100.0
    };
    text::decimal(number / scale)
}

#[cfg(test)]
mod tests {
    use super::{Kind, Order, Raw, Type, read};

    fn big(kind: Kind, of: Type, bytes: &[u8]) -> Option<String> {
        read(kind, &Raw { kind: of, bytes, order: Order::Big })
    }

    /// Rationals in big-endian order.
    fn ratios(pairs: &[(i32, i32)]) -> Vec<u8> {
        pairs.iter().flat_map(|(n, d)| [n.to_be_bytes(), d.to_be_bytes()].concat()).collect()
    }

    #[test]
    fn a_type_gives_text_or_numbers() {
        let cases: &[(Type, &[u8], Option<&str>)] = &[
            (Type::Ascii, b" Acme \0garbage", Some("Acme")),
            (Type::Ascii, b"", Some("")),
            (Type::Byte, &[2, 3, 0, 0], Some("2 3 0 0")),
            (Type::Undefined, &[3], Some("3")),
            (Type::Undefined, b"0232", Some("0232")),
            (Type::Undefined, b"0100\0", Some("0100")),
            (Type::Undefined, &[0xff; 40], None),
            (Type::Long8, &[255; 8], Some("18446744073709551615")),
            (Type::Float, &[0x3d, 0xcc, 0xcc, 0xcd], Some("0.1")),
            (Type::Rational, &[0, 0, 0, 72, 0, 0, 0, 1], Some("72")),
            (Type::Rational, &[0, 0, 0, 1, 0, 0, 0, 250], Some("0.004")),
        ];
        for &(of, bytes, expect) in cases {
            assert_eq!(big(Kind::Plain, of, bytes).as_deref(), expect, "{of:?} {bytes:?}");
        }
        let lens = ratios(&[(18, 1), (55, 1), (0, 0), (1, 0)]);
        assert_eq!(big(Kind::Plain, Type::Rational, &lens).as_deref(), Some("18 55 undef inf"));
    }

    #[test]
    fn apex_values_are_seconds_and_f_numbers() {
        let cases = [
            (Kind::ShutterSpeed, Type::SRational, (6, 1), "0.015625"),
            (Kind::ShutterSpeed, Type::Rational, (-1, 1), "2"),
            (Kind::ShutterSpeed, Type::SRational, (0, 0), "0"),
            (Kind::ShutterSpeed, Type::SRational, (200, 1), "0"),
            (Kind::Aperture, Type::Rational, (2, 1), "2"),
            (Kind::Aperture, Type::Rational, (0, 0), "undef"),
            (Kind::SignedRational, Type::Rational, (-7, 10), "-0.7"),
        ];
        for (kind, of, pair, expect) in cases {
            assert_eq!(big(kind, of, &ratios(&[pair])).as_deref(), Some(expect), "{kind:?} {pair:?}");
        }
    }

    #[test]
    fn binary_values_have_a_form_of_their_own() {
        let cases: &[(Kind, &[u8], &str)] = &[
            (Kind::Bytes, &[1, 2, 3, 0], "1 2 3 0"),
            (Kind::Words, &[0, 3, 0, 100], "3 100"),
            (Kind::HexUpper, &[3, 0x5a], "035A"),
            (Kind::HexLower, &[3, 0x5a], "035a"),
            (Kind::CfaPattern, &[0, 2, 0, 2, 0, 1, 1, 2], "2 2 0 1 1 2"),
            (Kind::CfaPattern, &[2, 0, 2, 0, 0, 1, 1, 2], "2 2 0 1 1 2"),
            (Kind::CfaPattern, b"02020112", "2 2 0 1 1 2"),
            (Kind::TimeCodes, &[0x50, 0x29, 0x16, 0x0b, 0, 0, 0, 0], "50.29.16.0b.00.00.00.00"),
            (Kind::Fixed8, &[1, 0x80, 0, 0], "1.5"),
        ];
        for &(kind, bytes, expect) in cases {
            let of = if kind == Kind::Fixed8 { Type::Short } else { Type::Undefined };
            assert_eq!(big(kind, of, bytes).as_deref(), Some(expect), "{kind:?} {bytes:?}");
        }
        assert_eq!(big(Kind::Cr2Cfa, Type::Short, &[0, 4]).as_deref(), Some("1 0 2 1"));
        assert_eq!(big(Kind::Short, Type::Byte, &[1; 40]), None);
        let mut times = ratios(&[(1, 2); 7]);
        times.extend([0, 3, 0, 3]);
        times.extend(ratios(&[(1, 4)]));
        let expect = "0.5 0.5 0.5 0.5 0.5 0.5 0.5 3 3 0.25";
        assert_eq!(big(Kind::CompositeTimes, Type::Undefined, &times).as_deref(), Some(expect));
    }
}
