//! Durations as people write them: `200ms`, `1s`, `5m`, `1h`, `1d`.

/// The longest duration, 366 days: longer ones are mistakes, and sums of several stay far from overflow.
pub const DURATION_MAX_MS: u64 = 366 * 86_400_000;

/// The units and their milliseconds.
const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// A whole number and a unit, spaces between optional, in milliseconds.
///
/// # Errors
/// A sentence that says what is allowed.
pub fn parse_duration_ms(text: &str) -> Result<u64, DurationError> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, unit_ms) = UNITS.into_iter().find(|(name, _)| *name == unit.trim()).ok_or(DurationError::Form)?;
    if digits == 0 {
        return Err(DurationError::Form);
    }
    // Digits that do not fit are a number that is too long.
    let ms = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit_ms));
    ms.filter(|ms| *ms <= DURATION_MAX_MS).ok_or(DurationError::TooLong)
}

/// Not a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Not a number and a unit.
    #[error("a duration is a whole number and one of ms, s, m, h, d, such as \"90s\"")]
    Form,
    /// Longer than [`DURATION_MAX_MS`].
    #[error("a duration is at most 366d")]
    TooLong,
}

#[cfg(test)]
mod tests {
    use super::DurationError::{Form, TooLong};
    use super::{DURATION_MAX_MS, parse_duration_ms};

    #[test]
    fn durations_are_a_number_and_a_unit() {
        for (text, expect) in [
            ("200ms", Ok(200)),
            ("0s", Ok(0)),
            ("5 m", Ok(300_000)),
            ("1h", Ok(3_600_000)),
            ("366d", Ok(31_622_400_000)),
            ("367d", Err(TooLong)),
            (&format!("{DURATION_MAX_MS}ms"), Ok(DURATION_MAX_MS)),
            (&format!("{}ms", DURATION_MAX_MS + 1), Err(TooLong)),
            ("99999999999999999999s", Err(TooLong)),
            ("5", Err(Form)),
            ("s", Err(Form)),
            ("", Err(Form)),
            ("-1s", Err(Form)),
            ("1.5h", Err(Form)),
            ("1h30m", Err(Form)),
            ("1M", Err(Form)),
        ] {
            assert_eq!(parse_duration_ms(text), expect, "{text}");
        }
    }
}
