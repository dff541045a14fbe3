//! Lines that show keys of metadata with their sources, as the API gives them.

use std::fmt::Write as _;

use serde_json::Value;

/// A line for each key that one of the clauses names: its value, the source that says so, and what lost.
pub(super) fn named_in<'a>(metadata: &Value, clauses: impl Iterator<Item = &'a str>) -> String {
    let clauses: Vec<&str> = clauses.collect();
    let keys = metadata.as_object().into_iter().flatten();
    let named: Vec<_> = keys.filter(|(key, _)| clauses.iter().any(|clause| names(clause, key))).collect();
    let width = named.iter().map(|(key, _)| key.chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for (key, said) in named {
        let source = |said: &Value| said["source"].as_str().unwrap_or("-").to_owned();
        let lost = said["lost"].as_array().into_iter().flatten();
        let lost: String = lost.map(|lost| format!("; {}: {}", source(lost), values(&lost["value"]))).collect();
        let _ = writeln!(out, "  {key:width$}  {}  [{}{lost}]", values(&said["value"]), source(said));
    }
    out
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
