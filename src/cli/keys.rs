//! Lines that show keys of metadata with their sources, of what [`by_key`](crate::model::metadata_by_key::by_key)
//! gives.

use std::fmt::Write as _;

use serde_json::Value;

/// Columns of a line with its value: longer values are cut, and `--json` has all of them.
const COLUMNS: usize = 100;
/// Columns of the keys, which are never cut.
const KEY_COLUMNS: usize = 40;

/// A line for each key: its value, the source that says so, and what lost.
pub(super) fn lines<'a>(keys: impl Iterator<Item = (&'a String, &'a Value)>) -> String {
    let keys: Vec<_> = keys.collect();
    let width = keys.iter().map(|(key, _)| key.chars().count()).max().unwrap_or(0).min(KEY_COLUMNS);
    let mut out = String::new();
    for (key, said) in keys {
        let source = |said: &Value| said["source"].as_str().unwrap_or("-").to_owned();
        let lost = said["lost"].as_array().into_iter().flatten();
        let lost: String = lost.map(|lost| format!("; {}: {}", source(lost), values(&lost["value"]))).collect();
        let _ = writeln!(out, "  {key:width$}  {}  [{}{}]", cut(&values(&said["value"])), source(said), cut(&lost));
    }
    out
}

/// The same of the keys that one of the clauses names.
pub(super) fn named_in<'a>(metadata: &Value, clauses: impl Iterator<Item = &'a str>) -> String {
    let clauses: Vec<&str> = clauses.collect();
    let keys = metadata.as_object().into_iter().flatten();
    lines(keys.filter(|(key, _)| clauses.iter().any(|clause| names(clause, key))))
}

/// One line, of so many columns at most.
pub(super) fn cut(text: &str) -> String {
    let line: String = text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
    match line.char_indices().nth(COLUMNS) {
        Some((at, _)) => format!("{}...", &line[..at]),
        None => line,
    }
}

/// Whether a clause has a key as a word of its own.
fn names(clause: &str, key: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    clause.match_indices(key).any(|(at, _)| {
        let (before, after) = (&clause[..at], &clause[at + key.len()..]);
        !before.ends_with(is_part) && !after.starts_with(is_part)
    })
}

fn values(values: &Value) -> String {
    let values = values.as_array().into_iter().flatten();
    values.map(|value| value.as_str().unwrap_or("-")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::named_in;

    #[test]
    fn keys_that_a_clause_names_are_shown_with_who_says_so() {
        let said = |source: &str, value: &[&str]| json!({"source": source, "value": value});
        let mut city = said("sidecar", &["LAX"]);
        city["lost"] = json!([said("xmp", &["SFO"])]);
        let metadata =
            json!({"IPTC_City": city, "IPTC_CityCode": said("xmp", &["1"]), "XMP_Rating": said("xmp", &["5"])});
        let clauses = ["IPTC_City==SFO", "\"XMP_Rating\" > 6"];
        let shown = "  IPTC_City   LAX  [sidecar; xmp: SFO]\n  XMP_Rating  5  [xmp]\n";
        assert_eq!(named_in(&metadata, clauses.into_iter()), shown);
        assert_eq!(named_in(&metadata, ["Rating"].into_iter()), "");
    }
}
