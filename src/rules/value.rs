//! Values that are compared by order: exact decimals and dates.
//!
//! Both become an [`Ordered`]: bytes whose order is the order of what they stand for, so that no digit is lost and an
//! index can sort them. Numbers are plain decimals (`-12.5`, no exponent). Dates are ISO 8601 (`2026-11`, `2026-11-22`,
//! `2026-11-22T10:00:00.5+01:00`); a missing zone is UTC, missing parts are the lowest.

/// The longest text that is taken for a number or a date, in bytes, its sign and point included: longer ones are
/// neither. It holds the integers of 850 bits, and keeps what a comparison costs small whatever a file says.
pub const LENGTH_MAX: usize = 256;

/// A number or a date as bytes in the order of what they stand for. Numbers and dates are never compared with each
/// other.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ordered(Box<[u8]>);

/// What a comparison compares as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scale {
    /// Exact decimals.
    Number,
    /// Points in time.
    Date,
}

impl Scale {
    /// What stands before everything on a scale.
    #[must_use]
    pub fn least(self) -> Ordered {
        Ordered(Box::default())
    }

    /// Reads a value on this scale; `None` when it is none.
    #[must_use]
    pub fn read(self, text: &str) -> Option<Ordered> {
        match self {
            Self::Number => number(text),
            Self::Date => date(text),
        }
    }
}

/// Which scale a rule's value is on: a date when it looks like `YYYY-MM…`, else a number.
#[must_use]
pub fn scale_of(text: &str) -> Scale {
    let bytes = text.as_bytes();
    let digits =
        |range: std::ops::Range<usize>| bytes.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit));
    if digits(0..4) && bytes.get(4) == Some(&b'-') && digits(5..7) { Scale::Date } else { Scale::Number }
}

/// Reads a plain decimal: an optional sign, digits, and optionally a point and further digits.
#[must_use]
pub fn number(text: &str) -> Option<Ordered> {
    if text.len() > LENGTH_MAX {
        return None;
    }
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let point_without_digits = rest.contains('.') && fraction.is_empty();
    if whole.is_empty() || point_without_digits || !digits(whole) || !digits(fraction) {
        return None;
    }
    Some(ordered(negative, whole, fraction))
}

/// The order of a decimal: its sign, how many digits stand before the point, the digits, the digits behind it. All is
/// turned round for negative ones, and an end mark keeps `-1` above `-1.5`.
fn ordered(negative: bool, whole: &str, fraction: &str) -> Ordered {
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let negative = negative && !(whole.is_empty() && fraction.is_empty());
    let mut out = Vec::with_capacity(whole.len() + fraction.len() + 4);
    out.push(1);
    // At most `LENGTH_MAX` digits, so two bytes do.
    out.extend_from_slice(&(whole.len() as u16).to_be_bytes());
    out.extend(whole.bytes().chain(fraction.bytes()).map(|digit| digit - b'0' + 1));
    out.push(0);
    if negative {
        for byte in &mut out {
            *byte = !*byte;
        }
        // Below every positive one, whose first byte is 1.
        out[0] = 0;
    }
    Ordered(out.into())
}

/// Reads an ISO 8601 date or date and time.
#[must_use]
pub fn date(text: &str) -> Option<Ordered> {
    instant(text).map(|(seconds, fraction)| moment(seconds, fraction))
}

/// The same in nanoseconds since the epoch, what is finer cut off; `None` also when they do not fit.
#[must_use]
pub fn ns_of_date(text: &str) -> Option<i64> {
    let (seconds, fraction) = instant(text)?;
    let ns: i64 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    seconds.checked_mul(1_000_000_000)?.checked_add(ns)
}

/// Seconds since the epoch, and the digits of the fraction.
fn instant(text: &str) -> Option<(i64, &str)> {
    if text.len() > LENGTH_MAX {
        return None;
    }
    let mut rest = Digits(text);
    let year = rest.take(4)?;
    let (mut month, mut day) = (1, 1);
    if rest.mark('-') {
        month = rest.take(2)?;
        if rest.mark('-') {
            day = rest.take(2)?;
        }
    }
    let (mut hour, mut minute, mut second, mut fraction, mut zone_minutes) = (0, 0, 0, "", 0);
    if rest.mark('T') || rest.mark('t') || rest.mark(' ') {
        hour = rest.take(2)?;
        if rest.mark(':') {
            minute = rest.take(2)?;
            if rest.mark(':') {
                second = rest.take(2)?;
                if rest.mark('.') || rest.mark(',') {
                    fraction = rest.digits()?;
                }
            }
        }
        zone_minutes = rest.zone()?;
    }
    let in_range = (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && (hour < 24 || (hour == 24 && minute == 0 && second == 0))
        && minute < 60
        && second <= 60;
    if !rest.0.is_empty() || !in_range {
        return None;
    }
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - zone_minutes * 60;
    Some((seconds, fraction))
}

/// Milliseconds since the epoch, as a date.
#[must_use]
pub fn date_of_ms(ms: i64) -> Ordered {
    moment(ms.div_euclid(1_000), &format!("{:03}", ms.rem_euclid(1_000)))
}

/// Seconds since the epoch and the digits of a fraction, which counts forward also before the epoch.
fn moment(seconds: i64, fraction: &str) -> Ordered {
    // Years have four digits, so this is always positive.
    const BEFORE_ALL: i64 = 100_000_000_000;
    ordered(false, &(seconds + BEFORE_ALL).to_string(), fraction)
}

/// Nanoseconds since the epoch, as a date.
#[must_use]
pub fn date_of_ns(ns: i64) -> Ordered {
    moment(ns.div_euclid(1_000_000_000), &format!("{:09}", ns.rem_euclid(1_000_000_000)))
}

/// A text that is read from its beginning.
struct Digits<'a>(&'a str);

impl<'a> Digits<'a> {
    fn take(&mut self, count: usize) -> Option<i64> {
        let part = self.0.get(..count).filter(|part| part.bytes().all(|b| b.is_ascii_digit()))?;
        self.0 = &self.0[count..];
        part.parse().ok()
    }

    /// One or more digits.
    fn digits(&mut self) -> Option<&'a str> {
        let end = self.0.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.0.len());
        let (part, rest) = self.0.split_at(end);
        self.0 = rest;
        (!part.is_empty()).then_some(part)
    }

    fn mark(&mut self, mark: char) -> bool {
        let rest = self.0.strip_prefix(mark);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// Minutes east of UTC.
    fn zone(&mut self) -> Option<i64> {
        if self.0.is_empty() || self.mark('Z') || self.mark('z') {
            return Some(0);
        }
        let sign = if self.mark('+') {
            1
        } else if self.mark('-') {
            -1
        } else {
            return None;
        };
        let hours = self.take(2)?;
        self.mark(':');
        let minutes = if self.0.is_empty() { 0 } else { self.take(2)? };
        (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
    }
}

fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01. Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y - era * 400;
    let doy = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 719_468
}

impl std::fmt::Debug for Ordered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ordered({:?})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use proptest::prelude::*;

    use super::{LENGTH_MAX, Scale, date, date_of_ms, date_of_ns, number, scale_of};

    #[test]
    fn numbers_keep_every_digit() {
        let rising = [
            "-100000000000000000000000000000000001",
            "-100",
            "-12.51",
            "-12.5",
            "-12",
            "-0.001",
            "0",
            "0.0000000000000000000000000000000000001",
            "0.5",
            "0.51",
            "1",
            "9",
            "10",
            "9007199254740992",
            "9007199254740993",
        ];
        for (at, low) in rising.iter().enumerate() {
            for high in &rising[at + 1..] {
                assert!(number(low).expect(low) < number(high).expect(high), "{low} < {high}");
            }
        }
        for (a, b) in [("007", "7"), ("1.50", "1.5"), ("-0", "0"), ("+3", "3"), ("0.0", "-0.00")] {
            assert_eq!(number(a), number(b), "{a} = {b}");
        }
        for none in ["", "-", ".5", "5.", "1e3", "1,5", " 1", "0x1", "NaN", "\u{663}", "1.2.3", "--1"] {
            assert_eq!(number(none), None, "{none:?}");
        }
    }

    #[test]
    fn a_text_past_the_longest_is_no_number_and_no_date() {
        let digits = |count: usize, last: char| format!("{}{last}", "1".repeat(count - 1));
        assert!(number(&digits(LENGTH_MAX, '1')) < number(&digits(LENGTH_MAX, '2')), "the last digit counts");
        assert!(number(&digits(LENGTH_MAX, '1')).is_some());
        assert_eq!(number(&digits(LENGTH_MAX + 1, '1')), None);
        let date_of = |length: usize| {
            let second = "2026-11-22T10:00:00.";
            date(&format!("{second}{}", "1".repeat(length - second.len())))
        };
        assert!(date_of(LENGTH_MAX).is_some());
        assert_eq!(date_of(LENGTH_MAX + 1), None);
    }

    #[test]
    fn dates_are_points_in_time() {
        let rising = [
            "0000-01",
            "1969-12-31T23:59:59.999",
            "1970-01-01",
            "2024-02-29",
            "2024-03",
            "2026-11-22T10:00:00",
            "2026-11-22T10:00:00.0000000000001",
            "2026-11-22T10:00:01",
            "2026-11-22T10:00:01-01:00",
            "9999-12-31T23:59:60",
        ];
        for (at, low) in rising.iter().enumerate() {
            for high in &rising[at + 1..] {
                assert!(date(low).expect(low) < date(high).expect(high), "{low} < {high}");
            }
        }
        for (a, b) in [
            ("2026-11", "2026-11-01T00:00:00Z"),
            ("2026", "2026-01"),
            ("2026-11-22 10:00", "2026-11-22T10:00:00.000+00:00"),
            ("2026-11-22T10:00+0130", "2026-11-22T08:30Z"),
            ("2026-11-22T24:00", "2026-11-23"),
            ("2026-11-22T10+01", "2026-11-22T09"),
        ] {
            assert_eq!(date(a).expect(a), date(b).expect(b), "{a} = {b}");
        }
        for none in [
            "",
            "2026-13",
            "2026-02-29",
            "2026-1",
            "26-11",
            "2026-11-22T",
            "2026-11-22T25",
            "2026-11-22x",
            "2026-11-22T10:00 ",
        ] {
            assert_eq!(date(none), None, "{none:?}");
        }
        assert_eq!(date("2026-11-22T10:00:00.123"), Some(date_of_ms(1_795_341_600_123)));
        assert_eq!(date("1969-12-31T23:59:59.999999999"), Some(date_of_ns(-1)));
        assert_eq!(
            (scale_of("2026-11"), scale_of("2026-1"), scale_of("2026")),
            (Scale::Date, Scale::Number, Scale::Number)
        );
    }

    proptest! {
        #[test]
        fn numbers_order_as_integers_do(a in any::<i64>(), b in any::<i64>(), places in 0_usize..4) {
            let text = |n: i64| {
                let digits = format!("{:0width$}", n.unsigned_abs(), width = places + 1);
                let (whole, fraction) = digits.split_at(digits.len() - places);
                let sign = if n < 0 { "-" } else { "" };
                if places == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
            };
            let found = number(&text(a)).expect("a number").cmp(&number(&text(b)).expect("a number"));
            prop_assert_eq!(found, a.cmp(&b));
            prop_assert_eq!(number(&text(a)).cmp(&number(&text(a))), Ordering::Equal);
        }
    }
}
