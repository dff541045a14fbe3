//! Time as a value. Pure stages are given a [`Now`]; they never take one.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// A point on a clock that only goes forward, in milliseconds since an arbitrary start (the process's, in the daemon).
/// Deadlines are kept in it. Never stored.
#[derive(Default, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(pub u64);

impl Mono {
    /// The point `ms` milliseconds later.
    #[must_use]
    pub fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this point; 0 when `earlier` is later.
    #[must_use]
    pub fn since_ms(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Wall-clock time in milliseconds since the Unix epoch, UTC. May jump; whatever is stored or shown uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wall(pub i64);

impl Wall {
    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// A time of the system's. One before 1970 counts as 1970.
    #[must_use]
    pub fn of(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// Reads RFC 3339: a date, `T`, a time with or without a fraction of a second, and `Z` or an offset.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (date, rest) = text.split_at_checked(10)?;
        let (time, rest) = rest.strip_prefix(['T', 't', ' '])?.split_at_checked(8)?;
        let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
        let [h, m, s] = numbers(time, ':', [2, 2, 2])?;
        let (fraction, zone) = rest.split_at(rest.find(['Z', 'z', '+', '-'])?);
        let ms = match fraction.strip_prefix('.') {
            Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
                format!("{digits:0<3}")[..3].parse::<i64>().ok()?
            }
            None if fraction.is_empty() => 0,
            _ => return None,
        };
        let offset_minutes = match zone.split_at(1) {
            ("Z" | "z", "") => 0,
            (sign, offset) => {
                let [hours, minutes] = numbers(offset, ':', [2, 2])?;
                let minutes = 60 * hours + minutes;
                if sign == "-" { -minutes } else { minutes }
            }
        };
        let days = days_from_civil(year, month, day);
        // A day that the month does not have, and a 61st second, are no time.
        let is_time = civil_from_days(days) == (year, month, day) && h < 24 && m < 60 && s < 60;
        let seconds = days * 86_400 + (h * 60 + m - offset_minutes) * 60 + s;
        is_time.then_some(Self(seconds * 1_000 + ms))
    }
}

/// Numbers of so many digits each, with one sign between them.
fn numbers<const N: usize>(text: &str, between: char, digits: [usize; N]) -> Option<[i64; N]> {
    let mut found = [0; N];
    let mut parts = text.split(between);
    for (number, digits) in found.iter_mut().zip(digits) {
        let part = parts.next().filter(|part| part.len() == digits && part.bytes().all(|b| b.is_ascii_digit()))?;
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(found)
}

/// Days since 1970-01-01 of a proleptic Gregorian date.
/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = year - i64::from(month <= 2);
    let yoe = y.rem_euclid(400);
    let doy = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    y.div_euclid(400) * 146_097 + doe - 719_468
}

impl fmt::Display for Wall {
    /// RFC 3339, UTC, milliseconds: `2026-11-22T10:00:00.123Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, ms_of_day) = (self.0.div_euclid(86_400_000), self.0.rem_euclid(86_400_000));
        let (year, month, day) = civil_from_days(days);
        let (s, ms) = (ms_of_day / 1000, ms_of_day % 1000);
        let (h, m, s) = (s / 3600, s / 60 % 60, s % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}.{ms:03}Z")
    }
}

/// The proleptic Gregorian date of a day counted from 1970-01-01.
/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, day)
}

/// What the clocks say, taken once for a group of inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// For deadlines.
    pub mono: Mono,
    /// For what is stored or shown.
    pub wall: Wall,
}

impl Now {
    /// What the wall clock will show at a deadline, unless it jumps.
    #[must_use]
    pub fn wall_at(self, deadline: Mono) -> Wall {
        Wall(self.wall.0.saturating_add_unsigned(deadline.since_ms(self.mono)))
    }
}

#[cfg(test)]
mod tests {
    use super::Wall;

    #[test]
    fn wall_time_prints_as_rfc_3339() {
        let cases = [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_795_341_600_123, "2026-11-22T10:00:00.123Z"),
        ];
        for (ms, text) in cases {
            assert_eq!(Wall(ms).to_string(), text, "{ms}");
            assert_eq!(Wall::parse(text), Some(Wall(ms)));
        }
    }

    #[test]
    fn times_of_other_zones_and_precisions_are_read_and_what_is_none_is_not() {
        for text in ["2026-11-22T10:00:00Z", "2026-11-22t12:30:00.0009+02:30", "2026-11-22 08:00:00-02:00"] {
            assert_eq!(Wall::parse(text), Some(Wall(1_795_341_600_000)), "{text}");
        }
        for text in [
            "",
            "2026-11-22",
            "2026-02-30T00:00:00Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T10:00:00",
            "2026-11-22T10:00:00.Z",
        ] {
            assert_eq!(Wall::parse(text), None, "{text}");
        }
    }
}
