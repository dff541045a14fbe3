//! Events that rule files declare, and the names that subscriptions ask for.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use super::condition::Condition;
use super::template::{Template, Values};
use crate::diagnostic::{Code, Diagnostic, Severity, meant};
use crate::model::event::{Dialect, EventFields, EventName};
use crate::model::nearest::nearest;
use crate::model::subscription::Subscription;
use crate::model::tenant::Tenant;

/// An `[[event]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its name; not a built-in one.
    pub name: EventName,
    /// Which changes it happens on; `None`: the store alone reports it.
    pub condition: Option<Condition>,
    /// The dialects that send it to each callback of its tenant, each once.
    pub dialects: Vec<Dialect>,
    /// It happens only in that tenant's mounts. `None`: in all.
    pub tenant: Option<Tenant>,
    /// Its payload, in the order of the file.
    pub fields: Vec<(String, PayloadValue)>,
}

/// What a key of a payload has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PayloadValue {
    /// A text.
    Text(Template),
    /// An object of texts.
    Object(Vec<(String, Template)>),
}

impl Event {
    /// Whether a subscription asks for it: by its name, or by its mark. Whose it is, is not looked at.
    pub(super) fn is_asked_by(&self, subscription: &Subscription) -> bool {
        subscription.events.contains(&self.name)
            || subscription.hears_marked.is_some_and(|dialect| self.dialects.contains(&dialect))
    }

    /// Its payload, everything replaced.
    #[must_use]
    pub fn payload(&self, values: &Values<'_>) -> EventFields {
        let text =
            |fields: EventFields, (key, template): &(String, Template)| fields.text(key, &template.render(values));
        self.fields.iter().fold(EventFields::default(), |fields, (key, value)| match value {
            PayloadValue::Text(template) => fields.text(key, &template.render(values)),
            PayloadValue::Object(object) => fields.object(key, object.iter().fold(EventFields::default(), text)),
        })
    }
}

/// A subscription's wish for an event.
pub(super) struct Asked {
    pub name: EventName,
    /// Which file says so, by its place among the files.
    pub file: usize,
    pub file_name: Arc<str>,
    pub span: Range<usize>,
    /// The subscription's format tells events by their names.
    pub tells_events: bool,
}

/// Comparisons of two names, at most, to find for unknown ones what was meant: a large set with many slips must not
/// take minutes. Past it help only says how to declare an event.
const COMPARISONS_MAX: usize = 100_000;

/// The known event that other systems call so, or that is written without what it is of.
fn other_word(name: &str, known: &[&str]) -> Option<String> {
    let verb = name.rsplit_once('.').map_or(name, |(_, verb)| verb);
    let verb = meant::action(verb).unwrap_or(verb).to_ascii_lowercase();
    let event = format!("asset.{verb}");
    let is_of_assets = !name.contains('.') || name.to_ascii_lowercase().starts_with("asset.");
    (is_of_assets && known.contains(&event.as_str())).then_some(event)
}

/// A diagnostic, and its file, for each wish for an event that there is not.
pub(super) fn unknown(asked: &[Asked], declared: &[EventName]) -> Vec<(usize, Diagnostic)> {
    let names: HashSet<&EventName> = declared.iter().collect();
    let mut known: Vec<&str> = EventName::BUILT_IN.to_vec();
    known.extend(declared.iter().map(EventName::as_str));
    let mut comparisons_left = COMPARISONS_MAX;
    let mut found = Vec::new();
    for Asked { name, file, file_name, span, .. } in asked {
        if name.is_known() || names.contains(name) {
            continue;
        }
        let near = comparisons_left.checked_sub(known.len()).and_then(|left| {
            comparisons_left = left;
            nearest(name.as_str(), &known)
        });
        let help = match other_word(name.as_str(), &known).or(near.map(str::to_owned)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                format!("declare it: [[event]] with name = \"{name}\"; or ask for a built-in one, such as asset.added")
            }
        };
        let diagnostic = Diagnostic {
            code: Code::UnknownEvent,
            severity: Severity::Error,
            file: file_name.to_string(),
            span: span.clone(),
            message: format!("no rule file declares the event `{name}`"),
            label: "unknown event".into(),
            help: Some(help),
        };
        found.push((*file, diagnostic));
    }
    found
}

/// A warning, and its file, for each wish for an event that the subscription's format never tells: no change of an
/// asset is that event.
pub(super) fn not_sent(asked: &[Asked], events: &[Event]) -> Vec<(usize, Diagnostic)> {
    let happens_to_assets: HashSet<&EventName> =
        events.iter().filter(|event| event.condition.is_some()).map(|event| &event.name).collect();
    let reported: HashSet<&EventName> =
        events.iter().filter(|event| event.condition.is_none()).map(|event| &event.name).collect();
    let is_of_none = |name: &EventName| match name.is_known() {
        true => name.action().is_none() && !happens_to_assets.contains(name),
        false => reported.contains(name),
    };
    let diagnostic = |Asked { name, file, file_name, span, .. }: &Asked| {
        let diagnostic = Diagnostic {
            code: Code::EventNotSent,
            severity: Severity::Warning,
            file: file_name.to_string(),
            span: span.clone(),
            message: format!("the event `{name}` is about no asset, and `zoom` sends entries of assets alone"),
            label: "never sent".into(),
            help: Some("add format = \"cloudevents\" or \"cloudevents-batch\"".into()),
        };
        (*file, diagnostic)
    };
    asked.iter().filter(|asked| !asked.tells_events && is_of_none(&asked.name)).map(diagnostic).collect()
}

#[cfg(test)]
mod tests {
    use super::{Asked, COMPARISONS_MAX, unknown};
    use crate::model::event::EventName;

    #[test]
    fn what_was_meant_is_looked_for_up_to_the_limit_of_comparisons() {
        let name = |text: &str| EventName::parse(text).expect("a name");
        // Each unknown name is compared with half as many known ones as may be compared in all.
        let numbers = EventName::BUILT_IN.len() + 1..COMPARISONS_MAX / 2;
        let mut declared: Vec<_> = numbers.map(|n| name(&n.to_string())).collect();
        declared.push(name("scanned"));
        let asked =
            |_| Asked { name: name("scaned"), file: 0, file_name: "a.toml".into(), span: 0..1, tells_events: true };
        let found = unknown(&(0..3).map(asked).collect::<Vec<_>>(), &declared);
        let helps: Vec<_> =
            found.iter().map(|(_, diagnostic)| diagnostic.help.as_deref().unwrap_or_default()).collect();
        let declare = "declare it: [[event]] with name = \"scaned\"; or ask for a built-in one, such as asset.added";
        assert_eq!(helps, ["did you mean `scanned`?", "did you mean `scanned`?", declare]);
    }
}
