//! `[[event]]`: a name, what it happens on, and its payload.

use std::ops::Range;

use super::conditions::{self, Watched};
use super::{WrittenEvent, bad_name, each, tenant};
use crate::diagnostic::Code;
use crate::diagnostic::document::{Faults, Table, Text};
use crate::model::event::{Dialect, EventName};
use crate::rules::event::{Event, PayloadValue};
use crate::rules::template::Template;

/// The keys of an `[[event]]`.
const KEYS: [&str; 9] =
    ["name", "watchPath", "watchMetadata", "logicalOperand", "when", "dialects", "tenant", "fields", "description"];

/// What belongs to other tables.
const OTHER_WORDS: [(&str, &str); 4] = [
    ("callback", "an event calls nobody: write a [[subscription]] with events = [\"...\"]"),
    ("events", "an event asks for none: that is for a [[subscription]]"),
    ("payload", "fields"),
    ("condition", "when"),
];

/// The longest name, in bytes, the same as a tenant's: it stands in messages, in logs and in payloads. Help proposes no
/// longer one.
pub(super) const EVENT_NAME_MAX: usize = 64;

pub(super) fn read(table: &Table<'_, '_>, faults: &mut Faults<'_>) -> WrittenEvent {
    let meant = table.only_or(&KEYS, &OTHER_WORDS, faults);
    table.missing("name", "name = \"malware_scan_complete\"", &meant, faults);
    table.string("description", faults);
    let name = table.string("name", faults).and_then(|text| declared(text, faults));
    let condition = match conditions::read(table, &meant, faults) {
        Watched::By(watched) => Some(Some(watched.0)),
        Watched::Nothing => Some(None),
        Watched::Faulty => None,
    };
    let dialects = table.words("dialects", &Dialect::ALL.map(|dialect| (dialect.as_str(), dialect)), faults);
    let tenant = tenant(table, faults).map(|(tenant, _)| tenant);
    let fields = table.table("fields", "[event.fields]", faults).map(|fields| payload(&fields, faults));
    let event = match (&name, condition) {
        (Some((name, _)), Some(condition)) => Some(Event {
            name: name.clone(),
            condition,
            dialects: dialects.unwrap_or_default(),
            tenant,
            fields: fields.unwrap_or_default(),
        }),
        _ => None,
    };
    WrittenEvent { name, event }
}

/// The name of an event that a file may declare.
fn declared(text: Text<'_>, faults: &mut Faults<'_>) -> Option<(EventName, Range<usize>)> {
    let (name, span) = name(&text, faults)?;
    if name.is_built_in() {
        let message = format!("the event `{name}` is built in: it is there without being declared");
        let help = "remove this [[event]] and ask for it by name, or give this one another name";
        faults.error(Code::BadName, span, message, "built in").help(help);
        return None;
    }
    Some((name, span))
}

/// An event's name, in a list or by itself.
pub(super) fn name(text: &Text<'_>, faults: &mut Faults<'_>) -> Option<(EventName, Range<usize>)> {
    match EventName::parse(text.value) {
        Ok(name) => Some((name, text.span.clone())),
        Err(error) => {
            if text.value.contains('*') {
                let help = "each event is asked for by its name: \"asset.added\", \"asset.modified\"";
                faults.error(Code::BadName, text.span.clone(), error.to_string(), "not a name").help(help);
                return None;
            }
            let is_in_names = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
            bad_name(text, error.to_string(), EVENT_NAME_MAX, is_in_names, "malware_scan_complete", faults);
            None
        }
    }
}

fn payload(table: &Table<'_, '_>, faults: &mut Faults<'_>) -> Vec<(String, PayloadValue)> {
    let mut fields = Vec::new();
    for key in table.keys() {
        if KEYS.contains(&key) && table.has_list(key) {
            let message = format!("`{key}` stands in [event.fields], which is the event's payload");
            let help = "write it above [event.fields]: what follows a heading belongs to it";
            faults.error(Code::WrongType, table.key_span(key), message, "in the payload").help(help);
            continue;
        }
        if table.has_table(key) {
            let object = table.table(key, "[event.fields.KEY]", faults).map(|object| texts(&object, faults));
            fields.extend(object.map(|object| (key.to_owned(), PayloadValue::Object(object))));
            continue;
        }
        fields.extend(template(table, key, faults).map(|text| (key.to_owned(), PayloadValue::Text(text))));
    }
    fields
}

/// An object in a payload: texts alone.
fn texts(table: &Table<'_, '_>, faults: &mut Faults<'_>) -> Vec<(String, Template)> {
    table.keys().filter_map(|key| Some((key.to_owned(), template(table, key, faults)?))).collect()
}

fn template(table: &Table<'_, '_>, key: &str, faults: &mut Faults<'_>) -> Option<Template> {
    table.string(key, faults).and_then(|text| each(&text, faults, Template::parse))
}
