//! Sizes as people write them: `500`, `2GB`, `1.5 GiB`.

/// The units and their bytes.
const UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// Digits behind the point of a size, at most, zeros at the end not counted: as many fit into the arithmetic.
const DECIMALS_MAX: usize = 24;

/// A decimal and a unit, spaces between optional; without a unit it counts bytes.
///
/// # Errors
/// A sentence that says what is allowed.
pub(in crate::rules::syntax) fn parse(text: &str) -> Result<u64, SizeError> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.trim();
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let point_without_digits = number.contains('.') && fraction.is_empty();
    if whole.is_empty() || point_without_digits || fraction.contains('.') {
        return Err(SizeError::Form);
    }
    let unit_bytes = match UNITS.iter().find(|(name, _)| *name == unit) {
        Some((_, bytes)) => *bytes,
        None if unit.is_empty() => 1,
        None => {
            let meant = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit));
            return Err(meant.map_or(SizeError::Form, |(name, _)| SizeError::Case(name)));
        }
    };
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > DECIMALS_MAX {
        return Err(SizeError::TooLong);
    }
    let whole = whole.trim_start_matches('0');
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| SizeError::TooLarge)? };
    // At most `DECIMALS_MAX` digits times 2^40: below 2^128.
    let parts =
        fraction.bytes().fold(0_u128, |sum, digit| sum * 10 + u128::from(digit - b'0')) * u128::from(unit_bytes);
    let scale = fraction.bytes().fold(1_u128, |scale, _| scale * 10);
    if parts % scale != 0 {
        return Err(SizeError::NotWhole);
    }
    let bytes = u128::from(whole) * u128::from(unit_bytes) + parts / scale;
    u64::try_from(bytes).map_err(|_| SizeError::TooLarge)
}

/// Not a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::rules::syntax) enum SizeError {
    /// Not a number and a unit.
    #[error("a size is a number of bytes, or a number and one of B, KB, MB, GB, TB, KiB, MiB, GiB, TiB")]
    Form,
    /// A unit but for its letter case.
    #[error("units are written in this letter case: {0}")]
    Case(&'static str),
    /// More than [`DECIMALS_MAX`] digits behind the point.
    #[error("a size has at most {DECIMALS_MAX} digits behind its point")]
    TooLong,
    /// Part of a byte.
    #[error("this is no whole number of bytes")]
    NotWhole,
    /// More than any file can have.
    #[error("no file can be as large as this")]
    TooLarge,
}

#[cfg(test)]
mod tests {
    use super::SizeError::{Case, Form, NotWhole, TooLarge, TooLong};
    use super::{DECIMALS_MAX, parse};

    #[test]
    fn sizes_are_a_decimal_and_a_unit() {
        for (text, expect) in [
            ("0", Ok(0)),
            ("007", Ok(7)),
            ("500B", Ok(500)),
            ("1KB", Ok(1_000)),
            ("1KiB", Ok(1_024)),
            ("2 GB", Ok(2_000_000_000)),
            ("1.5GB", Ok(1_500_000_000)),
            ("1.50GiB", Ok(1_610_612_736)),
            ("3.0", Ok(3)),
            ("0.001KB", Ok(1)),
            ("0.0009765625KiB", Ok(1)),
            ("18446744073709551615", Ok(u64::MAX)),
            ("18446744073709551616", Err(TooLarge)),
            ("16777216TiB", Err(TooLarge)),
            ("99999999999999999999999999999999999999999TB", Err(TooLarge)),
            ("1.5", Err(NotWhole)),
            ("1.0005KB", Err(NotWhole)),
            ("0.0000000000000000000000001TB", Err(TooLong)),
            ("2gb", Err(Case("GB"))),
            ("2kB", Err(Case("KB"))),
            ("2PB", Err(Form)),
            ("GB", Err(Form)),
            ("", Err(Form)),
            ("1.", Err(Form)),
            (".5GB", Err(Form)),
            ("1.2.3", Err(Form)),
            ("-1", Err(Form)),
            ("\u{663}", Err(Form)),
        ] {
            assert_eq!(parse(text), expect, "{text}");
        }
    }

    #[test]
    fn a_size_has_up_to_the_limit_of_decimals() {
        // 2^-24 and 2^-25 of 2^40 bytes: both are whole numbers of bytes.
        let (most, more) = ("59604644775390625", "298023223876953125");
        assert_eq!(parse(&format!("0.{most:0>DECIMALS_MAX$}TiB")), Ok(1 << 16));
        assert_eq!(parse(&format!("0.{most:0>DECIMALS_MAX$}000TiB")), Ok(1 << 16));
        assert_eq!(parse(&format!("0.{more:0>width$}TiB", width = DECIMALS_MAX + 1)), Err(TooLong));
        assert_eq!(TooLong.to_string(), "a size has at most 24 digits behind its point");
    }
}
