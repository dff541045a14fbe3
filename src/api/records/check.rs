//! One record: its JSON against the rules of records. Every fault is noted, none ends the check.

use std::collections::BTreeSet;

use base64::Engine as _;

use super::super::error::{Fault, quoted};
use super::super::limits::{ECHO_CHARS_MAX, FAULTS_MAX};
use super::event;
use super::shape::Shape;
use crate::model::ids::AssetId;
use crate::model::metadata::{Key, Values, nfc};
use crate::model::nearest::nearest;
use crate::model::path::LogicalPath;
use crate::model::record::{Assignment, Record, Subject};
use crate::model::scope::Scope;

/// What is wrong with a body, over all its records.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// How many faults there are.
    pub count: usize,
    /// The first [`FAULTS_MAX`].
    pub listed: Vec<Fault>,
}

/// The fields of a record that assigns metadata.
const FIELDS: [&str; 5] = ["path", "pathBase64", "assetId", "set", "unset"];

/// The record, unless a fault was noted. One that has the field `event` reports an event.
pub(super) fn record(index: usize, shape: Shape, scope: &Scope, faults: &mut Faults) -> Option<Record> {
    let mut faults = At { index, faults };
    let Shape::Object(fields) = shape else {
        faults.note(None, format!("a record is an object, not {}", shape.kind()));
        return None;
    };
    match fields.iter().any(|(field, _)| field == "event") {
        true => event::report(fields, scope, &mut faults).map(Record::Report),
        false => assignment(fields, &mut faults).map(Record::Assignment),
    }
}

fn assignment(fields: Vec<(String, Shape)>, faults: &mut At<'_>) -> Option<Assignment> {
    let before = faults.faults.count;
    let mut subjects = Vec::new();
    let (mut set, mut unset) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    let mut named = 0;
    for (field, value) in fields {
        let Some(known) = FIELDS.into_iter().find(|&known| known == field) else {
            faults.note(
                Some(cut(&field)),
                unknown_field(&field, "this field is for a reported event, which has `event`"),
            );
            continue;
        };
        if !seen.insert(known) {
            faults.note(Some(known.to_owned()), "this field is given twice".to_owned());
            continue;
        }
        let mut field = Field { name: known, record: faults };
        match known {
            "set" => set = field.set(value),
            "unset" => unset = field.unset(value),
            _ => {
                named += 1;
                subjects.extend(field.subject(value));
            }
        }
    }
    if named != 1 {
        let field = if named == 0 { "path" } else { "assetId" };
        let detail = "a record names its asset by exactly one of `path`, `pathBase64`, `assetId`".to_owned();
        faults.note(Some(field.to_owned()), detail);
    }
    let nothing = set.is_empty() && unset.is_empty();
    if nothing && faults.faults.count == before {
        let detail = "a record has at least one key in `set` or `unset`".to_owned();
        faults.note(Some("set".to_owned()), detail);
    }
    let set_keys: BTreeSet<&str> = set.iter().map(|(key, _)| key.as_str()).collect();
    for key in unset.iter().filter(|key| set_keys.contains(key.as_str())) {
        faults.note(Some("unset".to_owned()), format!("the key {} is in `set` too", quoted(key)));
    }
    if faults.faults.count > before {
        return None;
    }
    subjects.pop().map(|subject| Assignment { subject, set, unset })
}

/// Notes faults of one record.
pub(super) struct At<'a> {
    index: usize,
    pub(super) faults: &'a mut Faults,
}

impl At<'_> {
    pub(super) fn note(&mut self, field: Option<String>, detail: String) {
        self.faults.count += 1;
        if self.faults.listed.len() < FAULTS_MAX {
            self.faults.listed.push(Fault { index: self.index, field, detail });
        }
    }
}

/// Reads one field of a record.
struct Field<'a, 'b> {
    name: &'static str,
    record: &'a mut At<'b>,
}

impl Field<'_, '_> {
    fn note(&mut self, detail: impl Into<String>) {
        self.record.note(Some(self.name.to_owned()), detail.into());
    }

    fn subject(&mut self, value: Shape) -> Option<Subject> {
        let bytes = match (self.name, value) {
            ("assetId", Shape::Number(digits)) => {
                let id = digits.parse().ok().filter(|&id: &i64| id > 0);
                if id.is_none() {
                    self.note(format!("an asset's number is a positive whole number, not {digits}"));
                }
                return id.map(|id| Subject::Asset(AssetId(id)));
            }
            ("path", Shape::Text(path)) => path.into_bytes(),
            ("pathBase64", Shape::Text(path)) => match base64::engine::general_purpose::STANDARD.decode(path) {
                Ok(bytes) => bytes,
                Err(_) => {
                    self.note("this is not standard base64 (RFC 4648, section 4, with padding)");
                    return None;
                }
            },
            (name, other) => {
                let wanted = if name == "assetId" { "a number" } else { "a string" };
                self.note(format!("must be {wanted}, not {}", other.kind()));
                return None;
            }
        };
        match LogicalPath::parse(&bytes) {
            Ok(path) if path.is_root() => self.note("`/` is no asset; write the path of a file"),
            Ok(path) => return Some(Subject::Path(path)),
            Err(error) => self.note(error.to_string()),
        }
        None
    }

    fn set(&mut self, value: Shape) -> Vec<(Key, Values)> {
        let Shape::Object(entries) = value else {
            self.note(format!("must be an object of keys and their values, not {}", value.kind()));
            return Vec::new();
        };
        let mut keys = BTreeSet::new();
        let mut set = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let key = nfc(&key);
            if !keys.insert(key.clone()) {
                self.note(format!("the key {} is given twice", quoted(&key)));
                continue;
            }
            let values = self.values(&key, value);
            if self.is_key(&key)
                && let Some(values) = values
            {
                set.push((key, values));
            }
        }
        set
    }

    fn values(&mut self, key: &str, value: Shape) -> Option<Values> {
        let list = match value {
            Shape::List(list) if list.is_empty() => {
                let key = quoted(key);
                self.note(format!("{key} has an empty list; to remove the key, name it in `unset`"));
                return None;
            }
            Shape::List(list) => list,
            one => vec![one],
        };
        let mut values = Vec::with_capacity(list.len());
        let mut wrong = None;
        for item in list {
            match item {
                Shape::Text(text) => values.push(nfc(&text)),
                other => wrong = wrong.or(Some(other)),
            }
        }
        let Some(wrong) = wrong else { return Some(values) };
        let key = quoted(key);
        let detail = match wrong {
            Shape::Number(number) => format!("{key} has a number; values are strings: write \"{number}\""),
            Shape::Bool(value) => format!("{key} has a boolean; values are strings: write \"{value}\""),
            Shape::Null => format!("{key} has null; to remove the key, name it in `unset`"),
            other => format!("{key} has {}; a value is a string or a list of strings", other.kind()),
        };
        self.note(detail);
        None
    }

    fn unset(&mut self, value: Shape) -> Vec<Key> {
        let Shape::List(items) = value else {
            self.note(format!("must be a list of keys, not {}", value.kind()));
            return Vec::new();
        };
        let mut seen = BTreeSet::new();
        let mut keys = Vec::with_capacity(items.len());
        for item in items {
            match item {
                Shape::Text(key) => {
                    let key = nfc(&key);
                    if self.is_key(&key) && seen.insert(key.clone()) {
                        keys.push(key);
                    }
                }
                other => self.note(format!("must be a list of keys; it has {}", other.kind())),
            }
        }
        keys
    }

    fn is_key(&mut self, key: &str) -> bool {
        if key.is_empty() {
            self.note("a key is not empty");
        }
        !key.is_empty()
    }
}

/// What to say of a field that a record of one kind does not have. `is_other`: where the other kind has it.
pub(super) fn unknown_field(field: &str, is_other: &str) -> String {
    let known = FIELDS.into_iter().chain(event::FIELDS);
    if known.clone().any(|known| known == field) {
        return is_other.to_owned();
    }
    match nearest(&cut(field), &known.clone().collect::<Vec<_>>()) {
        Some(known) => format!("unknown field; did you mean `{known}`?"),
        None => {
            let known: Vec<_> = known.map(|known| format!("`{known}`")).collect();
            format!("unknown field; a record has {}", known.join(", "))
        }
    }
}

pub(super) fn cut(text: &str) -> String {
    text.chars().take(ECHO_CHARS_MAX).collect()
}
