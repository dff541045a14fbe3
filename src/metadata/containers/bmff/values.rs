//! How the values of ISO BMFF are written: times since 1904, texts that are dates or places.

use std::borrow::Cow;

use crate::metadata::tag::Text;
use crate::metadata::text;

/// ExifTool's group of the container's own tags.
pub const QUICK_TIME: Text = Cow::Borrowed("QuickTime");

/// Seconds from the beginning of 1904 to that of 1970.
const EPOCH_SECONDS: u64 = 2_082_844_800;

/// A time in seconds since the beginning of 1904, UTC (ISO/IEC 14496-12, section 8.2.2), in ISO 8601 without a zone;
/// `None` when it is not set. A time before 1970 counts from 1970: some cameras write so, and none is that old.
#[must_use]
pub fn time(seconds: u64) -> Option<String> {
    if seconds == 0 {
        return None;
    }
    let seconds = seconds.checked_sub(EPOCH_SECONDS).unwrap_or(seconds);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days)?;
    Some(format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60))
}

/// The date so many days after the beginning of 1970; `None` past the year 9999.
fn civil(days: u64) -> Option<(u64, u64, u64)> {
    // Counts from the beginning of March 0000, so that leap days are the last of their years.
    let days = days.checked_add(719_468).filter(|&days| days < 3_652_365)?;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (0, month + 3) } else { (1, month - 9) };
    Some((era * 400 + year_of_era + year, month, day))
}

/// A text that is a date, with a zone as ISO 8601 writes it (`+0200` is `+02:00`); other texts stay as they are.
#[must_use]
pub fn date(value: &str) -> String {
    let Some(mut date) = text::iso_date(value) else { return text::clean(value) };
    let zone_at = date.len().saturating_sub(5);
    let has_time = date.find('T').is_some_and(|at| at < zone_at);
    if has_time
        && let Some([b'+' | b'-', digits @ ..]) = date.as_bytes().get(zone_at..)
        && digits.iter().all(u8::is_ascii_digit)
    {
        date.insert(zone_at + 3, ':');
    }
    date
}

/// A place as ISO 6709 writes it (`+37.6188-122.3750+005.000/`), as signed decimal degrees and metres with spaces
/// between; other texts stay as they are.
#[must_use]
pub fn place(value: &str) -> String {
    coordinates(value.trim()).unwrap_or_else(|| text::clean(value))
}

fn coordinates(value: &str) -> Option<String> {
    let value = value.split_once("CRS").map_or(value, |(before, _)| before);
    let mut numbers = Vec::new();
    let mut rest = value.trim_end_matches('/');
    while !rest.is_empty() && numbers.len() < 3 {
        let end = rest.get(1..)?.find(['+', '-']).map_or(rest.len(), |at| at + 1);
        numbers.push(rest.get(..end).filter(|number| number.starts_with(['+', '-']))?);
        rest = rest.get(end..)?;
    }
    let latitude = degrees(numbers.first()?, 2)?;
    let longitude = degrees(numbers.get(1)?, 3)?;
    Some(match numbers.get(2) {
        Some(altitude) => format!("{latitude} {longitude} {}", text::decimal(altitude.parse().ok()?)),
        None => format!("{latitude} {longitude}"),
    })
}

/// Degrees, also with minutes, or minutes and seconds, behind (ISO 6709, annex H): the number of digits says which.
fn degrees(number: &str, digits: usize) -> Option<String> {
    let (sign, number) = number.split_at_checked(1)?;
    let whole = number.find('.').unwrap_or(number.len());
    let part = |begin: usize, end: usize| number.get(begin..end)?.parse::<f64>().ok();
    let end = number.len();
    let degrees = match whole.checked_sub(digits) {
        Some(2) => part(0, digits)? + part(digits, end)? / 60.0,
        Some(4) => part(0, digits)? + part(digits, digits + 2)? / 60.0 + part(digits + 2, end)? / 3_600.0,
        _ => part(0, end)?,
    };
    Some(text::decimal(if sign == "-" { -degrees } else { degrees }))
}

/// A duration in seconds; units when the scale is not known. `None` when it is not known.
#[must_use]
pub fn duration(units: u64, scale: u32) -> Option<String> {
    if units == u64::from(u32::MAX) || units == u64::MAX {
        return None;
    }
    if scale == 0 { Some(units.to_string()) } else { text::decimal_of(units as f64, f64::from(scale)) }
}

#[cfg(test)]
mod tests {
    use super::{date, duration, place, time};

    #[test]
    fn times_count_from_1904_or_from_1970() {
        for (seconds, expect) in [
            (0, None),
            (3_206_613_834, Some("2005-08-11T14:03:54")),
            (2_082_844_800, Some("1970-01-01T00:00:00")),
            (1_583_020_799, Some("2020-02-29T23:59:59")),
            (u64::MAX, None),
        ] {
            assert_eq!(time(seconds).as_deref(), expect, "{seconds}");
        }
    }

    #[test]
    fn dates_get_the_zone_of_iso_8601() {
        for (value, expect) in [
            ("2019-05-01T12:00:00+0200", "2019-05-01T12:00:00+02:00"),
            ("2019-05-01T12:00:00-07:00", "2019-05-01T12:00:00-07:00"),
            ("2019-05-01T07:00:00Z", "2019-05-01T07:00:00Z"),
            ("2019-05-01", "2019-05-01"),
            ("2006", "2006"),
            ("in May", "in May"),
        ] {
            assert_eq!(date(value), expect);
        }
    }

    #[test]
    fn places_are_decimal_degrees() {
        for (value, expect) in [
            ("+37.6188-122.3750+005.000/", "37.6188 -122.375 5"),
            ("+37.6188-122.3750/", "37.6188 -122.375"),
            ("-3730.5+01215.25/", "-37.50833333 12.25416667"),
            ("+401213.1-0750015.1+2.79CRSWGS_84/", "40.20363889 -75.00419444 2.79"),
            ("somewhere", "somewhere"),
            ("+", "+"),
        ] {
            assert_eq!(place(value), expect);
        }
    }

    #[test]
    fn durations_are_seconds() {
        assert_eq!(duration(2_980, 600).as_deref(), Some("4.966666667"));
        assert_eq!(duration(5, 0).as_deref(), Some("5"));
        assert_eq!(duration(u64::from(u32::MAX), 600), None);
    }
}
