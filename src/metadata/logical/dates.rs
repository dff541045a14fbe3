//! Dates whose parts are tags of their own, as one value: EXIF's fractions of a second and zones, the two tags of a
//! position's time, IIM's times of day. Nothing is invented: a date without a time of day gets no zone.

use std::borrow::Cow;

use crate::metadata::tag::{Family, Tag, TagValue};
use crate::model::keys::{exif, iptc};

/// The tags of one source that are parts of dates.
#[derive(Debug, Default)]
pub struct Parts<'t> {
    /// Fractions and zones, in the order of [`exif::DATES`].
    exif: [(Option<&'t str>, Option<&'t str>); exif::DATES.len()],
    /// Times of day, in the order of [`iptc::DATES`].
    iptc: [Option<&'t str>; iptc::DATES.len()],
    position: (Option<&'t str>, Option<&'t str>),
}

impl<'t> Parts<'t> {
    /// The parts that are among the tags. Of two with one name the first counts.
    #[must_use]
    pub fn of(tags: &'t [Tag]) -> Self {
        let mut parts = Self::default();
        for tag in tags {
            let TagValue::Text(text) = &tag.value else { continue };
            let place = match tag.family {
                Family::Exif => parts.exif_place(tag),
                Family::Iptc if tag.group == "IPTC" => {
                    iptc::DATES.iter().position(|(_, time)| *time == tag.name).and_then(|at| parts.iptc.get_mut(at))
                }
                _ => None,
            };
            if let Some(place) = place {
                place.get_or_insert(text);
            }
        }
        parts
    }

    fn exif_place(&mut self, tag: &Tag) -> Option<&mut Option<&'t str>> {
        if tag.group == "GPS" {
            return match &*tag.name {
                exif::GPS_DATE => Some(&mut self.position.0),
                exif::GPS_TIME => Some(&mut self.position.1),
                _ => None,
            };
        }
        exif::rank(&tag.group)?;
        let name = &*tag.name;
        if !name.starts_with("SubSec") && !name.starts_with("OffsetTime") {
            return None;
        }
        let at = exif::DATES.iter().position(|date| date.fraction == name || date.zone == name)?;
        let (fraction, zone) = self.exif.get_mut(at)?;
        Some(if name.starts_with("SubSec") { fraction } else { zone })
    }

    /// The date of EXIF's tag of this name, with its fraction and its zone.
    #[must_use]
    pub fn exif_date<'v>(&self, name: &str, value: &'v str) -> Cow<'v, str> {
        let Some(at) = exif::DATES.iter().position(|date| date.date == name) else { return Cow::Borrowed(value) };
        let (fraction, zone) = self.exif.get(at).copied().unwrap_or_default();
        let (mut date, has_zone) = (Cow::Borrowed(value), has_zone(value));
        if let Some(fraction) = fraction.map(str::trim)
            && value.len() == "2026-05-01T12:34:56".len()
            && !fraction.is_empty()
            && fraction.bytes().all(|byte| byte.is_ascii_digit())
        {
            date = Cow::Owned(format!("{date}.{fraction}"));
        }
        if let Some(zone) = zone.map(str::trim)
            && value.contains('T')
            && !has_zone
            && is_zone(zone)
        {
            date = Cow::Owned(format!("{date}{zone}"));
        }
        date
    }

    /// The date of IIM's dataset of this name, with its time of day.
    #[must_use]
    pub fn iptc_date<'v>(&self, name: &str, value: &'v str) -> Cow<'v, str> {
        let time = iptc::DATES.iter().position(|(date, _)| *date == name).and_then(|at| *self.iptc.get(at)?);
        match time {
            Some(time) if is_day(value) && is_time(time) => Cow::Owned(format!("{value}T{time}")),
            _ => Cow::Borrowed(value),
        }
    }

    /// The moment of the position, in UTC (EXIF 3.0, section 4.6.7): its date and its time of day.
    #[must_use]
    pub fn position_time(&self) -> Option<String> {
        match self.position {
            (Some(date), Some(time)) if is_day(date) && is_time(time) && !has_zone_behind(time) => {
                Some(format!("{date}T{time}Z"))
            }
            (Some(date), _) if is_day(date) => Some(date.to_owned()),
            _ => None,
        }
    }
}

/// Whether this is `2026-05-01`.
fn is_day(text: &str) -> bool {
    text.len() == 10 && is_shape(text, b"dddd-dd-dd")
}

/// Whether this begins as `12:34:56` or is `12:34`.
fn is_time(text: &str) -> bool {
    is_shape(text, b"dd:dd:dd") || text.len() == 5 && is_shape(text, b"dd:dd")
}

/// Whether this is `Z`, `+02:00` or `-07:00`.
fn is_zone(text: &str) -> bool {
    text == "Z" || text.len() == 6 && text.starts_with(['+', '-']) && is_shape(text.get(1..).unwrap_or(""), b"dd:dd")
}

/// Whether a date has a zone already.
fn has_zone(date: &str) -> bool {
    date.split_once('T').is_some_and(|(_, time)| has_zone_behind(time))
}

fn has_zone_behind(time: &str) -> bool {
    time.contains(['+', '-', 'Z'])
}

/// Whether a text begins as the shape says, where `d` is a digit.
fn is_shape(text: &str, shape: &[u8]) -> bool {
    text.len() >= shape.len()
        && text
            .bytes()
            .zip(shape)
            .all(|(byte, &shape)| if shape == b'd' { byte.is_ascii_digit() } else { byte == shape })
}

#[cfg(test)]
mod tests {
    use super::Parts;
    use crate::metadata::tag::{Family, Tag};

    #[test]
    fn a_date_of_exif_gets_its_fraction_and_its_zone() {
        for (date, fraction, zone, expect) in [
            ("2026-05-01T12:34:56", "123", "-07:00", "2026-05-01T12:34:56.123-07:00"),
            ("2026-05-01T12:34:56", "", "Z", "2026-05-01T12:34:56Z"),
            ("2026-05-01T12:34:56", "5 ", "", "2026-05-01T12:34:56.5"),
            ("2026-05-01T12:34:56", "5x", "   :  ", "2026-05-01T12:34:56"),
            ("2026-05-01T12:34:56.25", "99", "+02:00", "2026-05-01T12:34:56.25+02:00"),
            ("2026-05-01T12:34:56Z", "1", "+02:00", "2026-05-01T12:34:56Z"),
            ("2026-05-01T12:34", "1", "+02:00", "2026-05-01T12:34+02:00"),
            ("2026-05-01", "1", "+02:00", "2026-05-01"),
            ("2026", "1", "+02:00", "2026"),
        ] {
            let tags = [
                Tag::text(Family::Exif, "ExifIFD", "SubSecTimeOriginal", fraction),
                Tag::text(Family::Exif, "ExifIFD", "OffsetTimeOriginal", zone),
                Tag::text(Family::Exif, "ExifIFD", "SubSecTime", "777"),
            ];
            assert_eq!(Parts::of(&tags).exif_date("DateTimeOriginal", date), expect, "{date} {fraction} {zone}");
            assert_eq!(Parts::of(&tags).exif_date("PreviewDateTime", date), date);
        }
    }

    #[test]
    fn a_date_of_iim_gets_its_time_of_day() {
        for (date, time, expect) in [
            ("2026-05-01", "12:34:56+02:00", "2026-05-01T12:34:56+02:00"),
            ("2026-05-01", "12:34:56", "2026-05-01T12:34:56"),
            ("2026-05", "12:34:56", "2026-05"),
            ("2026-05-01", "noon", "2026-05-01"),
        ] {
            let tags = [Tag::text(Family::Iptc, "IPTC", "TimeCreated", time)];
            assert_eq!(Parts::of(&tags).iptc_date("DateCreated", date), expect, "{date} {time}");
            assert_eq!(Parts::of(&tags).iptc_date("ReleaseDate", date), date);
        }
    }

    #[test]
    fn a_position_has_a_moment_in_utc() {
        for (date, time, expect) in [
            ("2026-05-01", "12:34:56", Some("2026-05-01T12:34:56Z")),
            ("2026-05-01", "12:34:56.5", Some("2026-05-01T12:34:56.5Z")),
            ("2026-05-01", "", Some("2026-05-01")),
            ("", "12:34:56", None),
        ] {
            let tags = [
                Tag::text(Family::Exif, "GPS", "GPSDateStamp", date),
                Tag::text(Family::Exif, "GPS", "GPSTimeStamp", time),
            ];
            assert_eq!(Parts::of(&tags).position_time().as_deref(), expect, "{date} {time}");
        }
    }
}
