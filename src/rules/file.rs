//! The layout of a rule file: `[[subscription]]` and `[[event]]` tables and their keys.

mod conditions;
mod event;
mod secret;
mod subscription;

pub(super) use subscription::{HUB_HEADER, RETRIES_MAX};

use std::ops::Range;
use std::sync::Arc;

use super::Rule;
use super::event::Event;
use crate::diagnostic::document::{Faults, Table, Text, walk};
use crate::diagnostic::{Code, Diagnostic, SourceFile, TextFault};
use crate::model::event::EventName;
use crate::model::subscription::Name;
use crate::model::tenant::Tenant;
use crate::rules::syntax::literal::unseen;

/// What one file holds.
#[derive(Debug)]
pub(super) struct Read {
    /// Its subscriptions, in order.
    pub subscriptions: Vec<Written>,
    /// Its events, in order.
    pub events: Vec<WrittenEvent>,
    /// What is wrong with it.
    pub diagnostics: Vec<Diagnostic>,
}

/// One `[[subscription]]`.
#[derive(Debug)]
pub(super) struct Written {
    /// Its name and the name's place, if it has a proper one.
    pub name: Option<(Name, Range<usize>)>,
    /// The rule. Where something that has a default was wrong, the default stands in: the file's diagnostics block it.
    pub rule: Option<Rule>,
    /// The events that it asks for, and the place of each.
    pub events: Vec<(EventName, Range<usize>)>,
    /// Where its parts stand.
    pub spans: Arc<Spans>,
}

/// One `[[event]]`.
#[derive(Debug)]
pub(super) struct WrittenEvent {
    /// Its name and the name's place, if it has a proper one.
    pub name: Option<(EventName, Range<usize>)>,
    /// The event; the file's diagnostics block it where it is not whole.
    pub event: Option<Event>,
}

/// Where the parts of a subscription stand in its file: what lints point at.
#[derive(Debug, Clone, Default)]
pub(super) struct Spans {
    /// The name.
    pub name: Range<usize>,
    /// The URL.
    pub callback: Range<usize>,
    /// Each watchPath clause.
    pub paths: Vec<Range<usize>>,
    /// Each watchMetadata clause.
    pub metadata: Vec<Range<usize>>,
    /// The key `when`; the heading where there is none.
    pub when: Range<usize>,
    /// The tenant.
    pub tenant: Range<usize>,
    /// The secret or its reference.
    pub secret: Range<usize>,
}

/// What stands in other files, and other words for rules.
const ELSEWHERE: [(&str, &str); 9] = [
    ("case", "cases stand in files under tests/, in the rules directory; ringback test runs them"),
    ("mount", "it stands in ringback.toml, not in a rule file"),
    ("principal", "it stands in ringback.toml, not in a rule file"),
    ("listen", "it stands in ringback.toml, not in a rule file"),
    ("state", "it stands in ringback.toml, not in a rule file"),
    ("delivery", "it stands in ringback.toml, not in a rule file"),
    ("rule", "subscription"),
    ("rules", "subscription"),
    ("hook", "subscription"),
];

/// Reads one file.
pub(super) fn read(file: &SourceFile) -> Read {
    let (mut subscriptions, mut events) = (Vec::new(), Vec::new());
    let diagnostics = walk(file, |top, faults| {
        match top.keys().find(|key| subscription::KEYS.contains(key) && !top.has_tables(key)) {
            // One heading puts all of them right, and shows what else there is.
            Some(stray) => {
                let message = format!("`{stray}` stands in no table");
                let help = "a rule begins with a line [[subscription]]: write it above its keys";
                faults.error(Code::UnknownKey, top.key_span(stray), message, "before any heading").help(help);
            }
            None => {
                top.only_or(&["subscription", "event"], &ELSEWHERE, faults);
            }
        }
        let tables = top.tables("subscription", "[[subscription]]", faults);
        subscriptions = tables.iter().map(|table| subscription::read(table, &file.name, faults)).collect();
        let tables = top.tables("event", "[[event]]", faults);
        events = tables.iter().map(|table| event::read(table, faults)).collect();
    });
    Read { subscriptions, events, diagnostics }
}

/// The values of a list of texts, and the place of each.
type Listed<T> = (Vec<T>, Vec<Range<usize>>);

/// The clauses under a key; `None` when the key's value is wrong or any clause is.
fn clauses<T>(
    table: &Table<'_, '_>,
    key: &str,
    parse: impl Fn(&str, &mut Vec<TextFault>) -> Option<T>,
    faults: &mut Faults<'_>,
) -> Option<Listed<T>> {
    if !table.has(key) {
        return Some((Vec::new(), Vec::new()));
    }
    let before = faults.count();
    let texts = table.strings(key, faults)?;
    let complete = faults.count() == before;
    let mut found = Vec::new();
    for text in &texts {
        found.push(each(text, faults, |value, of_text| parse(value, of_text)));
    }
    let values = found.into_iter().collect::<Option<Vec<_>>>().filter(|_| complete)?;
    Some((values, texts.into_iter().map(|text| text.span).collect()))
}

/// Reads one text, and notes what is wrong with it at its place.
fn each<T>(
    text: &Text<'_>,
    faults: &mut Faults<'_>,
    parse: impl FnOnce(&str, &mut Vec<TextFault>) -> Option<T>,
) -> Option<T> {
    let mut of_text = Vec::new();
    unseen(text.value, &mut of_text);
    let parsed = parse(text.value, &mut of_text);
    for fault in of_text {
        faults.text(text, fault);
    }
    parsed
}

fn tenant(table: &Table<'_, '_>, faults: &mut Faults<'_>) -> Option<(Tenant, Range<usize>)> {
    let text = table.string("tenant", faults)?;
    match Tenant::parse(text.value) {
        Ok(tenant) => Some((tenant, text.span)),
        Err(error) => {
            let help = "write the tenant of a mount, as its [[mount]] in ringback.toml has it: tenant = \"acme\"";
            faults.error(Code::BadName, text.span, error.to_string(), "not a tenant").help(help);
            None
        }
    }
}

/// Notes what is wrong with a name, and how it may be written.
fn bad_name(
    text: &Text<'_>,
    message: String,
    length_max: usize,
    is_in_names: impl Fn(char) -> bool,
    example: &str,
    faults: &mut Faults<'_>,
) {
    let odd = text.value.chars().find(|c| !is_in_names(*c));
    let label = match odd {
        Some(' ') => "a space is none of these".to_owned(),
        Some(odd) => format!("`{}` is none of these", odd.escape_debug()),
        None if text.value.is_empty() => "empty".to_owned(),
        None => format!("{} characters", text.value.len()),
    };
    let in_form: String =
        text.value.trim().chars().map(|c| if is_in_names(c) { c } else { '-' }).take(length_max).collect();
    let in_form = in_form.trim_matches('-');
    let help = if text.value.is_ascii() && !in_form.is_empty() {
        format!("write \"{in_form}\"")
    } else {
        format!("such as \"{example}\"")
    };
    faults.error(Code::BadName, text.span.clone(), message, label).help(help);
}

/// A whole number within limits that the type can hold.
fn number<T: TryFrom<u64>>(table: &Table<'_, '_>, key: &str, min: u64, max: u64, faults: &mut Faults<'_>) -> Option<T> {
    table.integer(key, min..=max, faults).and_then(|number| T::try_from(number).ok())
}

#[cfg(test)]
mod tests;
