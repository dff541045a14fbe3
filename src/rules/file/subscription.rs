//! `[[subscription]]`: what is watched, whom to call, and how.

use std::ops::Range;
use std::sync::Arc;

use super::conditions::{self, Places, Watched};
use super::{Spans, Written, bad_name, clauses, each, event, number, secret, tenant};
use crate::diagnostic::document::{Faults, Table, Text};
use crate::diagnostic::{Code, TextFault};
use crate::model::event::EventName;
use crate::model::format::Format;
use crate::model::retry::{Accepts, RetrySchedule};
use crate::model::subscription::{Batching, Field, Lifetime, Method, Name, Order, Subscription, Target, Trust};
use crate::rules::Rule;
use crate::rules::condition::{Condition, NothingToWatch};
use crate::rules::syntax::target;

/// The keys of a `[[subscription]]`.
pub(super) const KEYS: [&str; 25] = [
    "name",
    "callback",
    "method",
    "watchPath",
    "watchMetadata",
    "logicalOperand",
    "when",
    "events",
    "tenant",
    "format",
    "fields",
    "header",
    "queryParam",
    "secret",
    "hubSignature",
    "successCode",
    "retry",
    "retryCount",
    "retryFor",
    "order",
    "linger",
    "maxEntries",
    "lifetime",
    "paused",
    "description",
];

/// What other systems call the keys, and what is not here.
const OTHER_WORDS: [(&str, &str); 31] = [
    ("id", "name"),
    ("url", "callback"),
    ("uri", "callback"),
    ("target", "callback"),
    ("endpoint", "callback"),
    ("webhook", "callback"),
    ("path", "watchPath"),
    ("paths", "watchPath"),
    ("watch", "watchPath"),
    ("glob", "watchPath"),
    ("metadata", "watchMetadata"),
    ("operator", "logicalOperand"),
    ("operand", "logicalOperand"),
    ("filter", "when"),
    ("condition", "when"),
    ("if", "when"),
    ("query", "queryParam"),
    ("params", "queryParam"),
    ("retries", "retryCount"),
    ("maxRetries", "retryCount"),
    ("status", "successCode"),
    ("batchSize", "maxEntries"),
    ("delay", "linger"),
    ("debounce", "linger"),
    ("signature", "hubSignature"),
    ("event", "events"),
    ("enabled", "write paused = true for a subscription that is to be sent nothing for now"),
    ("disabled", "write paused = true for a subscription that is to be sent nothing for now"),
    ("timeout", "how long an attempt may take is said for all of them in ringback.toml: [delivery] timeout"),
    ("body", "ringback writes the body, by `format`"),
    ("payload", "ringback writes the body, by `format`; payloads of events are [event.fields]"),
];

/// The formats that later versions send.
const LATER_FORMATS: [&str; 4] = ["reactor", "eqp", "hal", "compendium"];

/// The header that carries the signature of `hubSignature`.
pub(in crate::rules) const HUB_HEADER: &str = "X-Hub-Signature-256";

/// The most attempts after the first, and the most delays between them.
pub(in crate::rules) const RETRIES_MAX: u64 = 100;
/// HTTP statuses.
const STATUSES: std::ops::RangeInclusive<u64> = 100..=599;
/// The shortest delay of a schedule that goes on for a time, milliseconds: it would fill that time with attempts.
const DELAY_MS_MIN: u64 = 1_000;

pub(super) fn read(table: &Table<'_, '_>, file_name: &str, faults: &mut Faults<'_>) -> Written {
    let meant = table.only_or(&KEYS, &OTHER_WORDS, faults);
    table.missing("name", "name = \"sfo-dailies\"", &meant, faults);
    table.missing("callback", "callback = \"http://127.0.0.1:8874/hook\"", &meant, faults);
    table.string("description", faults);
    let name = table.string("name", faults).and_then(|text| name(text, faults));
    let events = events(table, faults);
    let watched = condition(table, &meant, faults);
    let target = target(table, faults);
    let tenant = tenant(table, faults);
    let secret = secret::read(table, file_name, faults);
    let mut spans = Spans {
        name: name.as_ref().map(|(_, span)| span.clone()).unwrap_or_default(),
        when: table.key_span("when"),
        tenant: tenant.as_ref().map(|(_, span)| span.clone()).unwrap_or_default(),
        secret: secret.as_ref().map(|secret| secret.span.clone()).unwrap_or_default(),
        ..Spans::default()
    };
    let policy = policy(table, faults);
    let rule = match (name.clone(), watched, target) {
        (Some((name, _)), Some((condition, places)), Some((target, callback))) => {
            (spans.paths, spans.metadata, spans.callback) = (places.paths, places.metadata, callback);
            let (reference, signing) = secret.map(|secret| (secret.reference, secret.signing)).unzip();
            let subscription = Subscription {
                trust: Trust::RuleFile,
                covers_modification: condition.covers_modification(),
                tenant: tenant.map(|(tenant, _)| tenant),
                events: unique(events.iter().map(|(name, _)| name.clone())).into(),
                secret: reference.map(Box::new),
                signing: signing.flatten().map(Box::new),
                ..policy(name, target)
            };
            hub_header(&subscription, table, faults);
            Some(Rule { subscription: Arc::new(subscription), condition: Arc::new(condition) })
        }
        _ => None,
    };
    Written { name, rule, events, spans: Arc::new(spans) }
}

fn name(text: Text<'_>, faults: &mut Faults<'_>) -> Option<(Name, Range<usize>)> {
    match Name::parse(text.value) {
        Ok(name) => Some((name, text.span)),
        Err(error) => {
            let is_in_names = |c: char| c.is_ascii_alphanumeric() || c == '-';
            bad_name(&text, error.to_string(), Name::MAX, is_in_names, "sfo-dailies", faults);
            None
        }
    }
}

fn format(table: &Table<'_, '_>, faults: &mut Faults<'_>) -> Option<Format> {
    let text = table.string("format", faults)?;
    if LATER_FORMATS.contains(&text.value) {
        let message = "this version sends `zoom`, `cloudevents` and `cloudevents-batch`; the other formats follow";
        faults.error(Code::UnknownWord, text.span, message, "not yet").help("write format = \"zoom\", or leave it out");
        return None;
    }
    table.word("format", &Format::ALL.map(|format| (format.as_str(), format)), faults)
}

fn events(table: &Table<'_, '_>, faults: &mut Faults<'_>) -> Vec<(EventName, Range<usize>)> {
    let texts = table.strings("events", faults).unwrap_or_default();
    texts.iter().filter_map(|text| event::name(text, faults)).collect()
}

fn condition(table: &Table<'_, '_>, meant: &[&str], faults: &mut Faults<'_>) -> Option<(Condition, Places)> {
    match conditions::read(table, meant, faults) {
        Watched::By(watched) => Some(*watched),
        Watched::Faulty => None,
        Watched::Nothing => {
            // An empty list asks for nothing; one with a fault, which was noted, for something.
            if table.has("events") && !table.is_empty_list("events") {
                return Some((Condition::nothing(), Places::default()));
            }
            if !meant.contains(&"events") {
                conditions::nothing(table, NothingToWatch, faults);
            }
            None
        }
    }
}

fn target(table: &Table<'_, '_>, faults: &mut Faults<'_>) -> Option<(Target, Range<usize>)> {
    let methods = Method::ALL.map(|method| (method.as_str(), method));
    let method = table.word("method", &methods, faults).unwrap_or_default();
    let accepts = accepts(table, faults);
    let or_noted = |what, result: Result<(String, String), TextFault>, of_text: &mut Vec<TextFault>| match result {
        Ok((name, value)) => {
            secret::in_clear(what, &name, &value, of_text);
            Some((name, value))
        }
        Err(fault) => {
            of_text.push(fault);
            None
        }
    };
    let headers = clauses(table, "header", |text, of_text| or_noted("header", target::header(text), of_text), faults);
    let query = clauses(
        table,
        "queryParam",
        |text, of_text| {
            let parameter = or_noted("query parameter", target::query_parameter(text), of_text);
            if parameter.is_some() {
                target::odd_query_parameter(text, of_text);
            }
            parameter
        },
        faults,
    );
    let url = table.string("callback", faults).and_then(|text| {
        let url = each(&text, faults, |value, of_text| {
            let url = target::callback(value).map_err(|fault| of_text.push(fault)).ok()?;
            target::odd_callback(value, of_text);
            Some(url)
        });
        Some((url?, text.span))
    });
    let ((mut url, span), (headers, _), (query, _)) = (url?, headers?, query?);
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Some((Target { method, url: url.into(), headers: headers.into(), accepts }, span))
}

/// How deliveries are made: what makes a subscription of a name and a target.
fn policy(table: &Table<'_, '_>, faults: &mut Faults<'_>) -> impl FnOnce(Name, Target) -> Subscription {
    let retry = retry(table, faults);
    let format = format(table, faults).unwrap_or_default();
    let batching = batching(table, format, faults);
    let order = table.word("order", &Order::ALL.map(|order| (order.as_str(), order)), faults).unwrap_or_default();
    let fields = table.words("fields", &Field::ALL.map(|field| (field.as_str(), field)), faults).unwrap_or_default();
    let lifetimes = Lifetime::ALL.map(|lifetime| (lifetime.as_str(), lifetime));
    let lifetime = table.word("lifetime", &lifetimes, faults).unwrap_or_default();
    let paused = table.boolean("paused", faults).unwrap_or_default();
    let hub_signature = table.boolean("hubSignature", faults).unwrap_or_default();
    if hub_signature && !table.has("secret") && !faults.incomplete() {
        let message = "`hubSignature` needs a `secret` to sign with";
        faults
            .error(Code::MissingKey, table.key_span("hubSignature"), message, "")
            .help("add a line like: secret = \"file:/run/secrets/NAME\"");
    }
    move |name, target| Subscription {
        retry: Arc::new(retry),
        batching,
        order,
        format,
        fields: fields.into(),
        lifetime,
        paused,
        hub_signature,
        ..Subscription::new(name, target)
    }
}

fn batching(table: &Table<'_, '_>, format: Format, faults: &mut Faults<'_>) -> Batching {
    let defaults = Batching::default();
    let max_entries = number(table, "maxEntries", 1, 10_000, faults);
    if max_entries.is_some_and(|max| max > 1) && format.holds_one_entry() {
        let message = format!("the format `{}` sends one entry a request", format.as_str());
        faults
            .error(Code::OutOfRange, table.key_span("maxEntries"), message, "takes 1")
            .help("write format = \"cloudevents-batch\" to send several, or leave out maxEntries");
    }
    Batching {
        linger_ms: table.duration_ms("linger", faults).unwrap_or(defaults.linger_ms),
        max_entries: max_entries.unwrap_or(defaults.max_entries),
    }
}

/// With `hubSignature` the header of that signature is ringback's own.
fn hub_header(subscription: &Subscription, table: &Table<'_, '_>, faults: &mut Faults<'_>) {
    let is_written = subscription.target.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(HUB_HEADER));
    if subscription.hub_signature && is_written {
        let message = format!("with `hubSignature` the header `{HUB_HEADER}` is ringback's own");
        faults
            .error(Code::ReservedHeader, table.key_span("header"), message, "")
            .help("remove the header, or write hubSignature = false");
    }
}

/// `successCode`: a status, a list of them, or `"2xx"`.
fn accepts(table: &Table<'_, '_>, faults: &mut Faults<'_>) -> Accepts {
    const KEY: &str = "successCode";
    if table.is_string(KEY) {
        return table.word(KEY, &[("2xx", ())], faults).map(|()| Accepts::AnySuccess).unwrap_or_default();
    }
    let codes = match table.has_list(KEY) {
        true => table.integers(KEY, STATUSES, faults),
        false => table.integer(KEY, STATUSES, faults).map(|code| vec![code]),
    };
    let Some(codes) = codes else { return Accepts::default() };
    let mut codes: Vec<_> = codes.into_iter().filter_map(|code| u16::try_from(code).ok()).collect();
    codes.sort_unstable();
    codes.dedup();
    Accepts::Codes(codes)
}

/// `retry`, `retryCount` and `retryFor`. What is not said is as on the default schedule, but that the end which is said
/// is the only one.
fn retry(table: &Table<'_, '_>, faults: &mut Faults<'_>) -> RetrySchedule {
    let count = number(table, "retryCount", 0, RETRIES_MAX, faults);
    let for_ms = table.duration_ms("retryFor", faults);
    let delays = table.durations_ms("retry", faults);
    let fits = |delays: &Vec<u64>| (1..=RETRIES_MAX).contains(&(delays.len() as u64));
    if delays.as_ref().is_some_and(|delays| !fits(delays)) {
        faults
            .error(Code::OutOfRange, table.key_span("retry"), format!("`retry` takes 1 to {RETRIES_MAX} delays"), "")
            .help("such as retry = [\"1m\", \"5m\", \"30m\"]; to never try again, write retryCount = 0");
    }
    let is_dense = |delays: &Vec<u64>| count.is_none() && delays.iter().any(|delay| *delay < DELAY_MS_MIN);
    if for_ms.is_some() && delays.as_ref().is_some_and(is_dense) {
        let message = "with `retryFor`, each delay of `retry` is 1s or longer";
        faults
            .error(Code::OutOfRange, table.key_span("retry"), message, "")
            .help("add retryCount = 10, or another number, where shorter delays are meant");
    }
    match (delays.filter(fits), count, for_ms) {
        (Some(delays_ms), None, None) => RetrySchedule::of_delays(delays_ms),
        (Some(delays_ms), retries, for_ms) => RetrySchedule { retries, for_ms, ..RetrySchedule::of_delays(delays_ms) },
        (None, None, None) => RetrySchedule::default(),
        (None, retries, for_ms) => RetrySchedule { retries, for_ms, ..RetrySchedule::default() },
    }
}

/// Each once, in order.
fn unique(names: impl Iterator<Item = EventName>) -> Vec<EventName> {
    let mut seen = std::collections::HashSet::new();
    names.filter(|name| seen.insert(name.clone())).collect()
}
