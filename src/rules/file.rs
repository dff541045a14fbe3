//! The layout of a rule file: `[[subscription]]` tables and their keys.

use std::ops::Range;
use std::sync::Arc;

use super::Rule;
use super::condition::{Condition, Operand};
use super::syntax::{target, watch_metadata, watch_path};
use crate::diagnostic::document::{Faults, Table, Text, walk};
use crate::diagnostic::{Code, Diagnostic, SourceFile, TextFault};
use crate::model::subscription::{Batching, Method, Name, RetrySchedule, Subscription, Target};

/// The keys of a `[[subscription]]`.
const KEYS: [&str; 15] = [
    "name",
    "callback",
    "method",
    "watchPath",
    "watchMetadata",
    "logicalOperand",
    "format",
    "header",
    "queryParam",
    "successCode",
    "retry",
    "retryCount",
    "linger",
    "maxEntries",
    "description",
];

/// The most attempts after the first, and the most delays between them.
const RETRIES_MAX: u64 = 100;

/// What one file holds.
pub(super) struct Read {
    /// Its subscriptions, in order.
    pub subscriptions: Vec<Written>,
    /// What is wrong with it.
    pub diagnostics: Vec<Diagnostic>,
}

/// One `[[subscription]]`.
pub(super) struct Written {
    /// Its name and the name's place, if it has a proper one.
    pub name: Option<(Name, Range<usize>)>,
    /// The rule. Where something that has a default was wrong, the default stands in: the file's diagnostics block it.
    pub rule: Option<Rule>,
}

/// Reads one file.
pub(super) fn read(file: &SourceFile) -> Read {
    let mut subscriptions = Vec::new();
    let diagnostics = walk(file, |top, faults| {
        top.only(&["subscription"], faults);
        let tables = top.tables("subscription", "[[subscription]]", faults);
        subscriptions = tables.iter().map(|table| subscription(table, faults)).collect();
    });
    Read { subscriptions, diagnostics }
}

fn subscription(table: &Table<'_, '_>, faults: &mut Faults<'_>) -> Written {
    let meant = table.only(&KEYS, faults);
    table.missing("name", "name = \"sfo-dailies\"", &meant, faults);
    table.missing("callback", "callback = \"http://127.0.0.1:8874/hook\"", &meant, faults);
    table.string("description", faults);
    table.word("format", &[("zoom", ())], faults);
    let name = table.string("name", faults).and_then(|text| name(text, faults));
    let condition = condition(table, &meant, faults);
    let target = target(table, faults);
    let retry = retry(table, faults);
    let defaults = Batching::default();
    let batching = Batching {
        linger_ms: table.duration_ms("linger", faults).unwrap_or(defaults.linger_ms),
        max_entries: number(table, "maxEntries", 1, 10_000, faults).unwrap_or(defaults.max_entries),
    };
    let rule = match (name.clone(), condition, target) {
        (Some((name, _)), Some(condition), Some(target)) => {
            let covers_modification = condition.covers_modification();
            let subscription = Subscription { name, target, retry, batching, covers_modification };
            Some(Rule { subscription: Arc::new(subscription), condition })
        }
        _ => None,
    };
    Written { name, rule }
}

fn name(text: Text<'_>, faults: &mut Faults<'_>) -> Option<(Name, Range<usize>)> {
    match Name::parse(text.value) {
        Ok(name) => Some((name, text.span)),
        Err(error) => {
            faults
                .error(Code::BadName, text.span, error.to_string(), "not a name")
                .help("such as \"sfo-dailies\"; receivers see it as `id`");
            None
        }
    }
}

fn condition(table: &Table<'_, '_>, meant: &[&str], faults: &mut Faults<'_>) -> Option<Condition> {
    let paths = clauses(table, "watchPath", watch_path::parse, faults);
    let metadata = clauses(table, "watchMetadata", watch_metadata::parse, faults);
    let operands = [("OR", Operand::Or), ("AND", Operand::And)];
    let operand = table.word("logicalOperand", &operands, faults).unwrap_or_default();
    // A key of another type, or with a broken clause, was noted; what remains of it says nothing.
    let condition = Condition::clauses(paths?, metadata?, operand);
    if let Err(error) = condition
        && !faults.incomplete()
        && !meant.iter().any(|key| key.starts_with("watch"))
    {
        faults.error(Code::NothingToWatch, table.key_span("watchPath"), error.to_string(), "").help(
            "put a mode before a path, such as watchPath = [\"* /acme/dailies\"] \
             (* any change, + added, - deleted, ~ modified), or add watchMetadata = [\"City==SFO\"]",
        );
    }
    condition.ok()
}

/// The clauses under a key; `None` when the key's value is wrong or any clause is.
fn clauses<T>(
    table: &Table<'_, '_>,
    key: &str,
    parse: impl Fn(&str, &mut Vec<TextFault>) -> Option<T>,
    faults: &mut Faults<'_>,
) -> Option<Vec<T>> {
    if !table.has(key) {
        return Some(Vec::new());
    }
    let before = faults.count();
    let texts = table.strings(key, faults)?;
    let complete = faults.count() == before;
    let mut found = Vec::new();
    for text in texts {
        found.push(each(&text, faults, |value, of_text| parse(value, of_text)));
    }
    found.into_iter().collect::<Option<Vec<_>>>().filter(|_| complete)
}

/// Reads one text, and notes what is wrong with it at its place.
fn each<T>(
    text: &Text<'_>,
    faults: &mut Faults<'_>,
    parse: impl FnOnce(&str, &mut Vec<TextFault>) -> Option<T>,
) -> Option<T> {
    let mut of_text = Vec::new();
    let parsed = parse(text.value, &mut of_text);
    for fault in of_text {
        faults.text(text, fault);
    }
    parsed
}

fn target(table: &Table<'_, '_>, faults: &mut Faults<'_>) -> Option<Target> {
    let methods = Method::ALL.map(|method| (method.as_str(), method));
    let method = table.word("method", &methods, faults).unwrap_or_default();
    let success_code = number(table, "successCode", 100, 599, faults).unwrap_or(200);
    let or_noted =
        |result: Result<_, TextFault>, of_text: &mut Vec<TextFault>| result.map_err(|e| of_text.push(e)).ok();
    let headers = clauses(table, "header", |text, of_text| or_noted(target::header(text), of_text), faults);
    let query = clauses(table, "queryParam", |text, of_text| or_noted(target::query_parameter(text), of_text), faults);
    let url = table.string("callback", faults).and_then(|text| {
        each(&text, faults, |value, of_text| target::callback(value).map_err(|fault| of_text.push(fault)).ok())
    });
    let (mut url, headers, query) = (url?, headers?, query?);
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Some(Target { method, url, headers, success_code })
}

fn retry(table: &Table<'_, '_>, faults: &mut Faults<'_>) -> RetrySchedule {
    let defaults = RetrySchedule::default();
    let count = number(table, "retryCount", 0, RETRIES_MAX, faults);
    let delays = table.durations_ms("retry", faults);
    let fits = |delays: &Vec<u64>| (1..=RETRIES_MAX).contains(&(delays.len() as u64));
    if delays.as_ref().is_some_and(|delays| !fits(delays)) {
        faults
            .error(Code::OutOfRange, table.key_span("retry"), format!("`retry` takes 1 to {RETRIES_MAX} delays"), "")
            .help("such as retry = [\"1m\", \"5m\", \"30m\"]; to never try again, write retryCount = 0");
    }
    match delays.filter(fits) {
        Some(delays_ms) => {
            let retries = count.unwrap_or(u32::try_from(delays_ms.len()).unwrap_or(u32::MAX));
            RetrySchedule { delays_ms, retries }
        }
        None => RetrySchedule { retries: count.unwrap_or(defaults.retries), ..defaults },
    }
}

/// A whole number within limits that the type can hold.
fn number<T: TryFrom<u64>>(table: &Table<'_, '_>, key: &str, min: u64, max: u64, faults: &mut Faults<'_>) -> Option<T> {
    table.integer(key, min..=max, faults).and_then(|number| T::try_from(number).ok())
}
