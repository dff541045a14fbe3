//! What Google Takeout's JSON files say of a photo or film. The keys are in [`crate::model::keys::takeout`].

use std::collections::BTreeMap;

use super::add_as_written;
use super::raw_json::Value;
use crate::metadata::text;
use crate::model::metadata::Said;

/// Fields that change without anybody's doing, or that are read elsewhere here.
const LEFT_OUT: [&str; 8] = [
    "creationTime",
    "description",
    "geoData",
    "geoDataExif",
    "imageViews",
    "people",
    "photoLastModifiedTime",
    "photoTakenTime",
];

/// Fields that are moments, and their keys.
const MOMENTS: [(&str, &str); 3] = [
    ("creationTime", "Takeout_CreationTime"),
    ("photoLastModifiedTime", "Takeout_PhotoLastModifiedTime"),
    ("photoTakenTime", "Takeout_PhotoTakenTime"),
];

/// Whether Takeout has written this object.
#[must_use]
pub fn knows(value: &Value<'_>) -> bool {
    let has_timestamp = |name: &str| value.get(name).is_some_and(|moment| moment.get("timestamp").is_some());
    value.get("title").is_some() && (has_timestamp("photoTakenTime") || has_timestamp("creationTime"))
}

/// The keys and values of the object. An empty description and a position of zeros are what Takeout writes for none.
#[must_use]
pub fn said(members: &BTreeMap<String, Value<'_>>) -> Said {
    let mut said = Said::default();
    let mut add = |key: &str, values: Vec<String>| {
        if !values.is_empty() {
            said.values.insert(key.to_owned(), values);
        }
    };
    for (field, key) in MOMENTS {
        let seconds = members.get(field).and_then(|moment| moment.get("timestamp")?.text()?.parse::<i64>().ok());
        if let Some(moment) = seconds.and_then(moment) {
            if field == "photoTakenTime" {
                add("EXIF_DateTimeOriginal", vec![moment.clone()]);
            }
            add(key, vec![moment]);
        }
    }
    if let Some(description) = members.get("description").and_then(Value::text).map(text::clean)
        && !description.is_empty()
    {
        add("IPTC_Description", vec![description.clone()]);
        add("Takeout_Description", vec![description]);
    }
    if let Some(Value::List(people)) = members.get("people") {
        let names = || people.iter().filter_map(|person| Some(text::clean(person.get("name")?.text()?))).collect();
        add("IPTC_PersonInImage", names());
        add("Takeout_People", names());
    }
    // `geoData` is what the user says, `geoDataExif` what the file says.
    if let Some((latitude, longitude, altitude)) =
        ["geoData", "geoDataExif"].iter().find_map(|field| position(members.get(*field)?))
    {
        add("GPS_Latitude", vec![latitude.to_owned()]);
        add("GPS_Longitude", vec![longitude.to_owned()]);
        add("GPS_Altitude", altitude.map(str::to_owned).into_iter().collect());
    }
    for (field, value) in members.iter().filter(|(field, _)| !LEFT_OUT.contains(&field.as_str())) {
        add_as_written(&mut said, &key(field), value);
    }
    said
}

/// The key of a field: `favorited` is `Takeout_Favorited`.
fn key(field: &str) -> String {
    if field == "url" {
        return "Takeout_URL".to_owned();
    }
    let mut characters = field.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    ["Takeout_".to_owned(), first.into_iter().chain(characters).collect()].concat()
}

/// Latitude, longitude and altitude as they are written; none at all where both of the first are zero.
fn position<'v>(value: &'v Value<'_>) -> Option<(&'v str, &'v str, Option<&'v str>)> {
    let number = |name: &str| value.get(name).and_then(Value::text);
    let is_zero = |number: &str| number.parse::<f64>().is_ok_and(|number| number == 0.0);
    let (latitude, longitude) = (number("latitude")?, number("longitude")?);
    let altitude = number("altitude").filter(|altitude| !is_zero(altitude));
    (!is_zero(latitude) || !is_zero(longitude)).then_some((latitude, longitude, altitude))
}

/// Seconds since 1970 as a date in UTC; `None` past the year 9999 or before the year 1.
fn moment(seconds: i64) -> Option<String> {
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days since 1 March of the year 0, in cycles of 400 years, whose last day is 29 February.
    let days = days.checked_add(719_468)?;
    let (cycle, day_of_cycle) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_cycle = (day_of_cycle - day_of_cycle / 1_460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = cycle.checked_mul(400)? + year_of_cycle + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    (1..=9999).contains(&year).then(|| format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::moment;
    use crate::metadata::budget::Budget;
    use crate::model::keys;

    fn shown(json: &str) -> Vec<String> {
        let said = read(json.as_bytes(), &Budget::endless()).expect("a sidecar");
        said.values.iter().map(|(key, values)| format!("{key} = {}", values.join("|"))).collect()
    }

    #[test]
    fn a_photo_has_the_keys_that_its_file_says() {
        let json = r#"{"title":"IMG_2.jpg","description":"SFO arrivals","imageViews":"3",
            "creationTime":{"timestamp":"1777638896","formatted":"May 1, 2026"},
            "photoTakenTime":{"timestamp":"1777638896","formatted":"May 1, 2026"},
            "geoData":{"latitude":37.6213,"longitude":-122.3790,"altitude":4.0,"latitudeSpan":0.0},
            "people":[{"name":"Jane Doe"},{"name":"Joe"}],"favorited":true,"url":"https://example.org/x",
            "googlePhotosOrigin":{"mobileUpload":{"deviceType":"IOS_PHONE"}},"appSource":{"name":"cam"}}"#;
        assert_eq!(
            shown(json),
            [
                "EXIF_DateTimeOriginal = 2026-05-01T12:34:56Z",
                "GPS_Altitude = 4.0",
                "GPS_Latitude = 37.6213",
                "GPS_Longitude = -122.3790",
                "IPTC_Description = SFO arrivals",
                "IPTC_PersonInImage = Jane Doe|Joe",
                "Takeout_AppSource.name = cam",
                "Takeout_CreationTime = 2026-05-01T12:34:56Z",
                "Takeout_Description = SFO arrivals",
                "Takeout_Favorited = true",
                "Takeout_GooglePhotosOrigin.mobileUpload.deviceType = IOS_PHONE",
                "Takeout_People = Jane Doe|Joe",
                "Takeout_PhotoTakenTime = 2026-05-01T12:34:56Z",
                "Takeout_Title = IMG_2.jpg",
                "Takeout_URL = https://example.org/x",
            ]
        );
        for line in shown(json).iter().filter(|line| !line.contains('.') || line.contains("URL")) {
            assert!(keys::is_known_key(line.split(' ').next().unwrap_or_default()), "{line}");
        }
    }

    #[test]
    fn what_takeout_writes_for_none_is_none() {
        let json = r#"{"title":"a","description":"","photoTakenTime":{"timestamp":"x"},"people":[],
            "geoData":{"latitude":0.0,"longitude":0.0,"altitude":0.0},
            "geoDataExif":{"latitude":1.5,"longitude":0.0,"altitude":0.0}}"#;
        assert_eq!(shown(json), ["GPS_Latitude = 1.5", "GPS_Longitude = 0.0", "Takeout_Title = a"]);
    }

    #[test]
    fn an_object_with_a_title_alone_is_not_takeouts() {
        assert_eq!(shown(r#"{"title":"a","creationTime":"2026"}"#), ["creationTime = 2026", "title = a"]);
    }

    #[test]
    fn seconds_are_dates() {
        for (seconds, expect) in [
            (0, Some("1970-01-01T00:00:00Z")),
            (-1, Some("1969-12-31T23:59:59Z")),
            (951_782_400, Some("2000-02-29T00:00:00Z")),
            (4_107_542_399, Some("2100-02-28T23:59:59Z")),
            (1_777_638_896, Some("2026-05-01T12:34:56Z")),
            (253_402_300_799, Some("9999-12-31T23:59:59Z")),
            (253_402_300_800, None),
            (i64::MAX, None),
            (i64::MIN, None),
        ] {
            assert_eq!(moment(seconds).as_deref(), expect, "{seconds}");
        }
    }
}
