//! JSON sidecars: what a file such as `name.jpg.json` says of its asset.
//!
//! Three forms are known, in this order: Google Takeout's ([`takeout`]); what `exiftool -j` prints
//! ([`exiftool`]), alone in a list or not; and an object of keys and values that anybody may write:
//!
//! ```json
//! {"IPTC_City": "SFO", "Rating": 4, "XMP-dc:Subject": ["airport", "night"], "shoot": {"crew": ["Jane", "Joe"]}}
//! ```
//!
//! A key is taken as it is written; a physical key gives its logical keys too. Objects in it are flattened with a dot:
//! `shoot.crew`. `null` and an empty list are no value, an empty text is one. Numbers keep their digits.

pub mod exiftool;
pub mod raw_json;
pub mod takeout;

use crate::metadata::budget::Budget;
use crate::metadata::fault::Fault;
use crate::metadata::limits::{KEYS_MAX, VALUE_BYTES_MAX};
use crate::metadata::text;
use crate::model::keys::{self, Kind};
use crate::model::metadata::{Said, nfc};
use raw_json::{FORMAT, Value};

/// Reads a JSON sidecar. The caller has limited its size.
///
/// # Errors
/// When it is not a JSON object, or is larger than allowed.
pub fn read(bytes: &[u8], budget: &Budget) -> Result<Said, Fault> {
    let value = match raw_json::parse(bytes, budget)? {
        Value::List(mut items) => match (items.len(), items.pop()) {
            (1, Some(item)) => item,
            (count, _) => {
                let what = format!("it is a list of {count} values, where one object is expected");
                return Err(Fault::damaged(FORMAT, what));
            }
        },
        value => value,
    };
    let Value::Object(members) = &value else {
        return Err(Fault::damaged(FORMAT, "it is not an object"));
    };
    let (said, count) = if takeout::knows(&value) {
        let said = takeout::said(members);
        let count = said.values.len();
        (said, count)
    } else {
        exiftool::said(members)
    };
    if count > KEYS_MAX {
        return Err(Fault::limit("a source has more keys than allowed", format!("{KEYS_MAX} keys")));
    }
    Ok(said)
}

/// Adds a key as it is written, and the keys of the objects in it. A key that is there already stays.
pub fn add_as_written(said: &mut Said, key: &str, value: &Value<'_>) {
    let (mut flat, key) = (Vec::new(), nfc(key));
    flatten(&key, value, &mut flat);
    for (key, value) in flat {
        if keys::find(&key).is_some_and(|known| known.kind == Kind::OrderedList) {
            said.ordered.insert(key.clone());
        }
        said.values.entry(key).or_default().push(value);
    }
}

fn flatten(key: &str, value: &Value<'_>, flat: &mut Vec<(String, String)>) {
    let text = match value {
        Value::Null => return,
        Value::Bool(is_so) => is_so.to_string(),
        Value::Number(digits) => (*digits).to_owned(),
        Value::Text(text) => text::clean(text),
        Value::List(items) => return items.iter().for_each(|item| flatten(key, item, flat)),
        Value::Object(members) => {
            return members.iter().for_each(|(name, member)| flatten(&format!("{key}.{}", nfc(name)), member, flat));
        }
    };
    if text.len() <= VALUE_BYTES_MAX && key.len() <= VALUE_BYTES_MAX {
        flat.push((key.to_owned(), text));
    }
}

#[cfg(test)]
mod tests {
    use super::{KEYS_MAX, VALUE_BYTES_MAX, read};
    use crate::metadata::budget::Budget;
    use crate::metadata::fault::Fault;

    /// All keys with their values, as text.
    fn shown(json: &str) -> Vec<String> {
        let said = read(json.as_bytes(), &Budget::endless()).expect("a sidecar");
        let mark = |key| if said.ordered.contains(key) { "=>" } else { "=" };
        said.values.iter().map(|(key, values)| format!("{key} {} {}", mark(key), values.join("|"))).collect()
    }

    #[test]
    fn a_flat_object_is_taken_as_it_is_written() {
        for (json, expect) in [
            (
                r#"{"IPTC_City":"SFO","Rating":4.0,"big":12345678901234567890,"on":true,"none":null,"no":[],"":"x"}"#,
                &["IPTC_City = SFO", "Rating = 4.0", "big = 12345678901234567890", "on = true"][..],
            ),
            (r#"{"tags":["b","a",1],"empty":""}"#, &["empty = ", "tags = b|a|1"]),
            (r#"{"IPTC_Creator":["b","a"]}"#, &["IPTC_Creator => b|a"]),
            (
                r#"{"shoot":{"crew":["Jane","Joe"],"day":{"n":1}},"takes":[{"n":1},{"n":2}]}"#,
                &["shoot.crew = Jane|Joe", "shoot.day.n = 1", "takes.n = 1|2"],
            ),
            (
                r#"{"XMP-photoshop:City":" SFO ","own:key":"x"}"#,
                &["IPTC_City = SFO", "XMP-photoshop:City = SFO", "XMP_City = SFO", "own:key = x"],
            ),
            (
                r#"{"IPTC_City":"LAX","XMP-photoshop:City":"SFO"}"#,
                &["IPTC_City = LAX", "XMP-photoshop:City = SFO", "XMP_City = SFO"],
            ),
            ("{\"cafe\u{301}\":\"e\u{301}\"}", &["caf\u{e9} = \u{e9}"]),
            ("{}", &[]),
            ("[{\"a\":1}]", &["a = 1"]),
        ] {
            assert_eq!(shown(json), expect, "{json}");
        }
    }

    #[test]
    fn what_is_not_one_object_is_damaged() {
        for json in ["", "1", "\"a\"", "null", "[]", "[1]", "[{},{}]", "{", "\u{0}"] {
            assert!(matches!(read(json.as_bytes(), &Budget::endless()), Err(Fault::Damaged { .. })), "{json}");
        }
    }

    #[test]
    fn more_keys_than_allowed_are_a_fault() {
        let takeout = r#""title":"a","photoTakenTime":{"timestamp":"x"},"#;
        for (before, key, others) in [
            ("", "own", 0),
            ("", "XMP_Own", 0),
            ("", "XMP-dc:Own", 0),
            ("", "QuickTime:Own", 0),
            (r#""SourceFile":"a","#, "EXIF:IFD0:Own", 0),
            (takeout, "own", 1),
        ] {
            let json = |count: usize| {
                let members: Vec<_> = (others..count).map(|n| format!("\"{key}{n}\":1")).collect();
                read(format!("{{{before}{}}}", members.join(",")).as_bytes(), &Budget::endless())
            };
            assert!(json(KEYS_MAX).is_ok_and(|said| said.values.len() >= KEYS_MAX), "{before}{key}");
            let fault = json(KEYS_MAX + 1).expect_err(key).to_string();
            assert_eq!(fault, "a source has more keys than allowed (limit: 512 keys)", "{before}{key}");
        }
    }

    #[test]
    fn what_is_too_long_is_left_out() {
        let keys = |key: usize, value: usize| {
            let json = format!(r#"{{"{}":"{}","z":1}}"#, "k".repeat(key), "v".repeat(value));
            let said = read(json.as_bytes(), &Budget::endless()).expect("a sidecar");
            said.values.keys().map(String::len).collect::<Vec<_>>()
        };
        assert_eq!(keys(VALUE_BYTES_MAX, VALUE_BYTES_MAX), [VALUE_BYTES_MAX, 1]);
        assert_eq!(keys(VALUE_BYTES_MAX + 1, 1), [1]);
        assert_eq!(keys(1, VALUE_BYTES_MAX + 1), [1]);
    }
}
