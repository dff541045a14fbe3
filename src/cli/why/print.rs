//! The answer for people, on 80 columns: the sentence, a line a stage, and three tables.

use serde_json::Value;

use crate::cli::keys;

/// Columns of a terminal that nobody has widened.
const COLUMNS: usize = 80;
/// Where the text of a stage begins: after its mark and its name.
const STAGE: usize = 16;
/// Where the text of a rule begins.
const RULE: usize = 7;

/// The answer of `GET /v1/why`.
pub(super) fn show(answer: &Value) -> String {
    let answer = &plain(answer);
    let mut out = format!("{}\n\n", text(&answer["sentence"]));
    let asset = answer["assetId"].as_i64().map(|id| format!(", asset {id}")).unwrap_or_default();
    out += &format!("{}{asset}\n", text(&answer["path"]));
    if let Some(dir) = answer["dir"].as_str() {
        out += &format!("on disk: {dir}\n");
    }
    out.push('\n');
    let mut is_stopped = false;
    for stage in list(&answer["stages"]) {
        let mark = match stage["ok"] == true {
            true => "ok",
            false if is_stopped => "-",
            false => "STOP",
        };
        is_stopped |= stage["ok"] != true;
        let head = format!("{mark:<5} {:<9} ", text(&stage["stage"]));
        out += &wrapped(&head, text(&stage["text"]), STAGE);
    }
    out += &changes(list(&answer["changes"]));
    out += &rules(list(&answer["rules"]));
    let clauses = list(&answer["rules"]).iter().filter_map(|rule| rule["failed"]["clause"].as_str());
    let keys = keys::named_in(&answer["metadata"], clauses);
    if !keys.is_empty() {
        out += &format!("\nwhat the file says of keys that failed\n{keys}");
    }
    out += &deliveries(list(&answer["deliveries"]));
    out
}

fn changes(changes: &[Value]) -> String {
    if changes.is_empty() {
        return String::new();
    }
    let mut out = format!("\n{:>12}  {:<24}  {:<9} {}\n", "change", "time", "action", "keys");
    for change in changes {
        let head = format!(
            "{:>12}  {:<24}  {:<9} ",
            change["seq"].to_string(),
            text(&change["time"]),
            text(&change["action"])
        );
        let keys = change["changed"].as_object().into_iter().flatten().map(|(key, _)| key.as_str());
        let keys = keys.collect::<Vec<_>>().join(", ");
        out += &wrapped(&head, if keys.is_empty() { "-" } else { &keys }, head.len());
    }
    out
}

fn rules(rules: &[Value]) -> String {
    if rules.is_empty() {
        return String::new();
    }
    let mut out = "\nrules, by the newest change\n".to_owned();
    for rule in rules {
        let name = text(&rule["subscription"]);
        match rule["failed"].as_object() {
            None => out += &format!("fires  {name}\n"),
            Some(failed) => {
                let clause = failed["clause"].as_str().filter(|clause| !clause.is_empty());
                let clause = clause.map(|clause| format!(" {clause}:")).unwrap_or_default();
                out += &wrapped("no     ", &format!("{name}:{clause} {}", text(&failed["why"])), RULE);
            }
        }
    }
    out
}

fn deliveries(deliveries: &[Value]) -> String {
    if deliveries.is_empty() {
        return String::new();
    }
    let mut out = format!("\n{:<24} {:<9} {:<17} {}\n", "delivery", "state", "outcome", "subscription");
    for row in deliveries {
        let outcome = match (row["outcome"].as_str(), row["status"].as_u64()) {
            (Some(outcome), Some(status)) => format!("{outcome} {status}"),
            (Some(outcome), None) => outcome.to_owned(),
            (None, _) => "-".to_owned(),
        };
        let head = format!("{:<24} {:<9} {outcome:<17} ", text(&row["id"]), text(&row["state"]));
        out += &wrapped(&head, text(&row["subscription"]), head.chars().count());
        let at = |label: &str, value: &Value| value.as_str().map(|at| format!("{label} {at}"));
        let times =
            [at("cut", &row["createdAt"]), at("ended", &row["endedAt"]), at("next attempt", &row["nextAttemptAt"])];
        let times = times.into_iter().flatten().collect::<Vec<_>>().join(", ");
        out += &wrapped("    ", &format!("{times}, attempts {}", row["attempts"]), 4);
    }
    out
}

/// The answer without what would steer a terminal: a file's name may hold anything.
fn plain(value: &Value) -> Value {
    match value {
        Value::String(text) => {
            text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect::<String>().into()
        }
        Value::Array(values) => values.iter().map(plain).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), plain(value))).collect(),
        other => other.clone(),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}

/// A text behind a head, broken between words, with further lines indented. A word that is too long is not broken.
fn wrapped(head: &str, text: &str, indent: usize) -> String {
    let mut out = head.to_owned();
    let mut column = head.chars().count();
    let mut is_first = true;
    for word in text.split(' ') {
        let length = word.chars().count();
        if !is_first && column + 1 + length > COLUMNS {
            out += &format!("\n{}", " ".repeat(indent));
            column = indent;
        } else if !is_first {
            out.push(' ');
            column += 1;
        }
        out += word;
        column += length;
        is_first = false;
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{COLUMNS, show};

    #[test]
    fn the_sentence_comes_first_and_the_stage_where_it_stops_has_a_mark() {
        let why = "action is modified, and it watches what is added, which is a sentence that goes on for so long that it takes two lines";
        let answer = json!({
            "path": "/acme/a.mov", "dir": "/srv/acme/a.mov", "assetId": 7, "stopped": "no-rule", "sentence": "no rule fires",
            "stages": [
                {"stage": "mount", "ok": true, "text": "in the mount /acme"},
                {"stage": "rules", "ok": false, "text": why},
                {"stage": "delivery", "ok": false, "text": "nothing was owed for it"}
            ],
            "changes": [{"seq": 12, "time": "2026-11-22T10:00:00.123Z", "action": "modified", "changed": {"Rating": {}}}],
            "rules": [
                {"subscription": "mail", "fires": true},
                {"subscription": "ingest", "fires": false, "failed": {"clause": "+ /acme", "why": why}}
            ],
            "deliveries": [{"id": "00f3a1b2c3d4e5f6-17", "state": "dead", "outcome": "http-error", "status": 503, "attempts": 3,
                            "subscription": "ingest", "createdAt": "2026-11-22T10:00:00.123Z", "endedAt": "2026-11-22T11:00:00.123Z"}]
        });
        let shown = show(&answer);
        assert!(shown.starts_with("no rule fires\n\n/acme/a.mov, asset 7\non disk: /srv/acme/a.mov\n\n"), "{shown}");
        assert!(shown.contains("ok    mount     in the mount /acme\nSTOP  rules     action is modified"), "{shown}");
        assert!(shown.contains("\n-     delivery  nothing was owed for it\n"), "{shown}");
        assert!(shown.contains("\n          12  2026-11-22T10:00:00.123Z  modified  Rating\n"), "{shown}");
        assert!(shown.contains("\nfires  mail\nno     ingest: + /acme: action is modified"), "{shown}");
        assert!(shown.contains("\n00f3a1b2c3d4e5f6-17      dead      http-error 503    ingest\n    cut "), "{shown}");
        let widest = shown.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(COLUMNS), "{shown}");
        let bare = show(&json!({"path": "/x\u{1b}", "dir": null, "sentence": "it lies in no mount", "stages": []}));
        assert_eq!(bare, "it lies in no mount\n\n/x\u{fffd}\n\n");
    }
}
