//! A registration's texts become a rule: the same clauses, read by the same syntax, as in a rule file.
//!
//! Warnings are for people who write files, and are left out. A registration never speaks as an admin: wherever it asks
//! to be called, it is trusted as a caller is.

mod within;

use std::collections::HashSet;
use std::sync::Arc;

use url::Url;

use super::condition::{Condition, Operand};
use super::file::{HUB_HEADER, RETRIES_MAX};
use super::set::Rule;
use super::syntax::{target, watch_metadata, watch_path};
use crate::diagnostic::{Severity, TextFault};
use crate::model::registration::{Registration, RegistrationPart};
use crate::model::retry::{Accepts, RetrySchedule};
use crate::model::secret::{SecretRef, SigningSecret};
use crate::model::subscription::{Subscription, Target, Trust};

/// The most entries in one batch.
const ENTRIES: std::ops::RangeInclusive<usize> = 1..=10_000;

/// What is wrong with a registration, and with which part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The part.
    pub part: RegistrationPart,
    /// Which of several.
    pub item: Option<usize>,
    /// What is wrong.
    pub why: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// Reads a registration.
///
/// # Errors
/// All that is wrong with it.
pub fn read(registration: &Registration) -> Result<Rule, Vec<Fault>> {
    let mut faults = Vec::new();
    check_sizes(registration, &mut faults);
    if !faults.is_empty() {
        return Err(faults);
    }
    let condition = condition(registration, &mut faults);
    let target = target(registration, &mut faults);
    let signing = registration.secret.as_deref().and_then(|text| {
        let secret = SigningSecret::parse(text);
        secret.map_err(|error| faults.push(Fault::of(RegistrationPart::Secret, error.to_string()))).ok()
    });
    check_policy(registration, &mut faults);
    match (condition, target) {
        (Some(condition), Some(target)) if faults.is_empty() => {
            let subscription = Subscription {
                is_topic: registration.is_topic,
                trust: Trust::Registration,
                retry: Arc::new(registration.retry.clone()),
                batching: registration.batching.clone(),
                covers_modification: condition.covers_modification(),
                tenant: registration.tenant.clone(),
                events: each_once(&within::heard_by_name(registration)).into(),
                hears_marked: registration.name.dialect().filter(|_| registration.hears_marked),
                order: registration.order,
                format: registration.format,
                fields: each_once(&registration.fields).into(),
                belongs_to: registration.belongs_to.as_deref().map(Arc::from),
                secret: signing.as_ref().map(|_| Box::new(SecretRef::InClear)),
                signing: signing.map(Box::new),
                hub_signature: registration.hub_signature,
                lifetime: registration.lifetime,
                ..Subscription::new(registration.name.clone(), target)
            };
            Ok(Rule { subscription: Arc::new(subscription), condition: Arc::new(condition) })
        }
        _ => Err(faults),
    }
}

fn check_sizes(registration: &Registration, faults: &mut Vec<Fault>) {
    for (part, count) in [
        (RegistrationPart::Paths, registration.paths.len()),
        (RegistrationPart::Metadata, registration.metadata.len()),
        (RegistrationPart::Events, registration.events.len()),
        (RegistrationPart::Headers, registration.headers.len()),
        (RegistrationPart::Query, registration.query.len()),
    ] {
        if count > Registration::CLAUSES_MAX {
            let why = format!("`{}` takes at most {} texts", part.as_str(), Registration::CLAUSES_MAX);
            faults.push(Fault::of(part, why));
        }
    }
    if registration.request.len() > Registration::REQUEST_BYTES_MAX {
        let why = format!("a registration has at most {} bytes", Registration::REQUEST_BYTES_MAX);
        faults.push(Fault::of(RegistrationPart::Request, why));
    }
}

fn condition(registration: &Registration, faults: &mut Vec<Fault>) -> Option<Condition> {
    let paths = each(RegistrationPart::Paths, &registration.paths, watch_path::parse, faults);
    let metadata = each(RegistrationPart::Metadata, &registration.metadata, watch_metadata::parse, faults);
    let bounds = within::bounds(registration, faults);
    let (mut paths, metadata, bounds) = (paths?, metadata?, bounds?);
    within::check(&paths, &bounds, faults);
    if !metadata.is_empty() && paths.is_empty() {
        paths = bounds.iter().map(within::scope).collect();
    }
    let of_events = within::asset_events(&registration.events, &bounds);
    let asks_for_events = registration.hears_marked || !registration.events.is_empty();
    if paths.is_empty() && metadata.is_empty() && asks_for_events {
        return Some(of_events.unwrap_or_else(Condition::nothing));
    }
    let operand = if registration.joins_by_and { Operand::And } else { Operand::Or };
    let joined = Condition::clauses(paths, metadata, operand);
    let joined = joined.map_err(|nothing| faults.push(Fault::of(RegistrationPart::Paths, nothing.to_string()))).ok()?;
    Some(match of_events {
        Some(of_events) => within::either(&joined, &of_events),
        None => joined,
    })
}

fn target(registration: &Registration, faults: &mut Vec<Fault>) -> Option<Target> {
    let or_noted =
        |result: Result<_, TextFault>, of_text: &mut Vec<TextFault>| result.map_err(|fault| of_text.push(fault)).ok();
    let headers = each(
        RegistrationPart::Headers,
        &registration.headers,
        |text, of_text| or_noted(target::header(text), of_text),
        faults,
    );
    let query = each(
        RegistrationPart::Query,
        &registration.query,
        |text, of_text| or_noted(target::query_parameter(text), of_text),
        faults,
    );
    let url: Option<Url> = match registration.is_topic {
        // It is no address: nobody connects to it.
        true => Url::parse(&format!("topic:{}", registration.name.id()))
            .map_err(|error| faults.push(Fault::of(RegistrationPart::Callback, error.to_string())))
            .ok(),
        false => target::callback(&registration.callback)
            .map_err(|fault| faults.push(Fault::in_text(RegistrationPart::Callback, None, fault)))
            .ok(),
    };
    let (headers, query, mut url) = (headers?, query?, url?);
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Some(Target {
        method: registration.method,
        url: url.into(),
        headers: headers.into(),
        accepts: registration.accepts.clone(),
    })
}

fn check_policy(registration: &Registration, faults: &mut Vec<Fault>) {
    let Registration { accepts, retry, batching, headers, hub_signature, secret, .. } = registration;
    let is_rising =
        |codes: &[u16]| codes.is_sorted_by(|a, b| a < b) && codes.iter().all(|code| (100..=599).contains(code));
    if matches!(accepts, Accepts::Codes(codes) if codes.is_empty() || !is_rising(codes)) {
        faults.push(Fault::of(RegistrationPart::Accepts, "a code is an HTTP status from 100 to 599".to_owned()));
    }
    let RetrySchedule { delays_ms, retries, .. } = retry;
    let is_long = |count: u64| count > RETRIES_MAX;
    if delays_ms.is_empty() || is_long(delays_ms.len() as u64) || retries.is_some_and(|retries| is_long(retries.into()))
    {
        let why = format!("a schedule has 1 to {RETRIES_MAX} delays, and at most {RETRIES_MAX} retries");
        faults.push(Fault::of(RegistrationPart::Retry, why));
    }
    if !ENTRIES.contains(&batching.max_entries) {
        let why = format!("`maxEntries` is {} to {}", ENTRIES.start(), ENTRIES.end());
        faults.push(Fault::of(RegistrationPart::MaxEntries, why));
    }
    if *hub_signature {
        let is_written =
            |text: &String| text.split_once(':').is_some_and(|(name, _)| name.eq_ignore_ascii_case(HUB_HEADER));
        if secret.is_none() {
            let why = "`hubSignature` needs a `secret` to sign with".to_owned();
            faults.push(Fault::of(RegistrationPart::HubSignature, why));
        } else if headers.iter().any(is_written) {
            let why = format!("with `hubSignature` the header `{HUB_HEADER}` is ringback's own");
            faults.push(Fault::of(RegistrationPart::Headers, why));
        }
    }
}

/// Reads each text of a part; `None` where any is wrong.
fn each<T>(
    part: RegistrationPart,
    texts: &[String],
    parse: impl Fn(&str, &mut Vec<TextFault>) -> Option<T>,
    faults: &mut Vec<Fault>,
) -> Option<Vec<T>> {
    let mut values = Vec::with_capacity(texts.len());
    for (item, text) in texts.iter().enumerate() {
        let mut of_text = Vec::new();
        values.extend(parse(text, &mut of_text));
        let errors = of_text.into_iter().filter(|fault| fault.severity == Severity::Error);
        faults.extend(errors.map(|fault| Fault::in_text(part, Some(item), fault)));
    }
    (values.len() == texts.len()).then_some(values)
}

/// Each once, in order.
fn each_once<T: Clone + Eq + std::hash::Hash>(values: &[T]) -> Vec<T> {
    let mut seen = HashSet::new();
    values.iter().filter(|value| seen.insert(*value)).cloned().collect()
}

impl Fault {
    fn of(part: RegistrationPart, why: String) -> Self {
        Self { part, item: None, why, help: None }
    }

    fn in_text(part: RegistrationPart, item: Option<usize>, fault: TextFault) -> Self {
        Self { part, item, why: fault.message, help: fault.help }
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, read};
    use crate::diagnostic::SourceFile;
    use crate::model::event::{Dialect, EventName};
    use crate::model::registration::{Registration, RegistrationPart};
    use crate::model::retry::{Accepts, RetrySchedule};
    use crate::model::subscription::{Batching, Name, Trust};
    use crate::model::tenant::Tenant;

    fn registration() -> Registration {
        let name = Name::registered(Dialect::Zoom, "sfo-dailies").expect("an id");
        Registration {
            paths: vec!["+ /acme/**/*.mov".into(), "/acme".into()],
            metadata: vec!["City==SFO".into(), "Rating>=4".into()],
            joins_by_and: true,
            headers: vec!["X-Site: sfo".into()],
            query: vec!["site=San Francisco".into()],
            ..Registration::new(name, Tenant::parse("acme").ok(), "https://example.com?a=b")
        }
    }

    #[test]
    fn a_registration_is_read_as_a_rule_file_that_says_the_same() {
        let text = "[[subscription]]\nname = 'a'\ncallback = 'https://example.com?a=b'\ntenant = 'acme'\n\
                    watchPath = ['+ /acme/**/*.mov', '/acme']\nwatchMetadata = ['City==SFO', 'Rating>=4']\n\
                    logicalOperand = 'AND'\nheader = ['X-Site: sfo']\nqueryParam = ['site=San Francisco']\n";
        let file = SourceFile { name: "a.toml".into(), text: text.as_bytes().into() };
        let set = crate::rules::load(&[file]).set.expect("no fault");
        let rule = read(&registration()).expect("no fault");
        assert_eq!(rule.condition, set.rules()[0].condition);
        let mut subscription = (*set.rules()[0].subscription).clone();
        assert_eq!(rule.subscription.trust, Trust::Registration, "nobody becomes an admin by registering");
        (subscription.name, subscription.trust) = (rule.subscription.name.clone(), Trust::Registration);
        assert_eq!(*rule.subscription, subscription);
    }

    #[test]
    fn whoever_asks_for_events_alone_needs_no_clause() {
        let events = vec![EventName::parse("asset.added").expect("a name"); 2];
        let (paths, metadata) = (Vec::new(), Vec::new());
        let rule = read(&Registration { events, paths, metadata, ..registration() }).expect("no fault");
        assert!(rule.condition.is_never());
        assert_eq!(rule.subscription.events.len(), 1, "each once");
    }

    #[test]
    fn what_is_wrong_is_named_with_its_part_and_its_place() {
        let faults = |edit: fn(&mut Registration)| {
            let mut registration = registration();
            edit(&mut registration);
            let faults = read(&registration).expect_err("a fault");
            faults.into_iter().map(|Fault { part, item, .. }| (part, item)).collect::<Vec<_>>()
        };
        type Case = (fn(&mut Registration), RegistrationPart, Option<usize>);
        let cases: [Case; 15] = [
            (|it| it.paths[1] = "relative".into(), RegistrationPart::Paths, Some(1)),
            (|it| it.metadata.push("no operator".into()), RegistrationPart::Metadata, Some(2)),
            (|it| (it.paths, it.metadata) = (vec!["/acme".into()], Vec::new()), RegistrationPart::Paths, None),
            (|it| it.callback = "ftp://h".into(), RegistrationPart::Callback, None),
            (|it| it.headers.push("Host: h".into()), RegistrationPart::Headers, Some(1)),
            (|it| it.query = vec!["x".into()], RegistrationPart::Query, Some(0)),
            (|it| it.accepts = Accepts::Codes(vec![99]), RegistrationPart::Accepts, None),
            (|it| it.accepts = Accepts::Codes(Vec::new()), RegistrationPart::Accepts, None),
            (|it| it.retry = RetrySchedule::of_delays(Vec::new()), RegistrationPart::Retry, None),
            (|it| it.batching = Batching { linger_ms: 0, max_entries: 0 }, RegistrationPart::MaxEntries, None),
            (|it| it.secret = Some("s3cret".into()), RegistrationPart::Secret, None),
            (|it| it.hub_signature = true, RegistrationPart::HubSignature, None),
            (|it| it.paths = vec!["* /".into(); Registration::CLAUSES_MAX + 1], RegistrationPart::Paths, None),
            (|it| it.request = "x".repeat(Registration::REQUEST_BYTES_MAX + 1), RegistrationPart::Request, None),
            (
                |it| {
                    it.secret = Some("whsec_aGk=".into());
                    it.hub_signature = true;
                    it.headers = vec!["x-hub-signature-256: 1".into()];
                },
                RegistrationPart::Headers,
                None,
            ),
        ];
        for (at, (edit, part, item)) in cases.into_iter().enumerate() {
            assert_eq!(faults(edit), [(part, item)], "case {at}");
        }
        let most = Registration {
            paths: vec!["* /".into(); Registration::CLAUSES_MAX],
            request: "x".repeat(Registration::REQUEST_BYTES_MAX),
            ..registration()
        };
        assert!(read(&most).is_ok(), "at the limits");
    }
}
