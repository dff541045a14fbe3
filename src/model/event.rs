//! Events: named occurrences. What an `[[event]]` of a rule file declares lives in `rules`; what is here is their
//! names, and what is recorded of one that happened.

use std::fmt;

use super::change::{Action, Change};
use super::ids::{Rrn, Seq};
use super::tenant::{Tenant, is_word};
use super::time::Wall;
use super::uuid;

/// What the names of the ends of tasks begin with; the UUID follows.
const TASK: &str = "task.";

/// An event's name: 1 to 64 of `A-Z a-z 0-9 _ . -`, compared by exact characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventName(String);

impl EventName {
    /// The names that ringback itself gives. Nobody else may declare one of them.
    pub const BUILT_IN: [&str; 19] = [
        "asset.added",
        "asset.modified",
        "asset.deleted",
        "asset.metadata",
        "rules.reloaded",
        "rule.created",
        "rule.updated",
        "rule.deleted",
        "callback.created",
        "callback.updated",
        "callback.deleted",
        "callback.paused",
        "callback.resumed",
        "callback.lagged",
        "callback.dropped",
        "mount.offline",
        "mount.online",
        "mount.degraded",
        "metadata.failed",
    ];

    /// What the event types of the reactor dialect are about, each `created`, `updated` and `deleted`. The asset store
    /// reports them; no file has to declare one.
    const REACTOR_SUBJECTS: [&str; 9] =
        ["property", "extension", "data_element", "rule", "rule_component", "library", "build", "environment", "host"];

    /// Checks. `asset.none`, after the action's word in payloads, is what `asset.metadata` was once called.
    ///
    /// # Errors
    /// A sentence that says what is allowed.
    pub fn parse(text: &str) -> Result<Self, EventNameError> {
        match text {
            "asset.none" => Ok(Self("asset.metadata".to_owned())),
            text if is_word(text) => Ok(Self(text.to_owned())),
            _ => Err(EventNameError),
        }
    }

    /// The name of the end of one task, which those alone hear of who ask for that one.
    #[must_use]
    pub fn of_task(uuid: &str) -> Self {
        Self(format!("{TASK}{uuid}"))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether ringback itself gives it.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        Self::BUILT_IN.contains(&self.as_str()) || self.0.strip_prefix(TASK).is_some_and(uuid::is_one)
    }

    /// Whether it is an event type of the reactor dialect.
    #[must_use]
    pub fn is_of_reactor(&self) -> bool {
        let Some((subject, verb)) = self.0.split_once('.') else { return false };
        Self::REACTOR_SUBJECTS.contains(&subject) && ["created", "updated", "deleted"].contains(&verb)
    }

    /// Whether it is known without a rule file that declares it.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.is_built_in() || self.is_of_reactor()
    }

    /// The action of the change that it is; `None` where it is not a change itself.
    #[must_use]
    pub fn action(&self) -> Option<Action> {
        Action::ALL.into_iter().find(|action| action.event_name() == self.0)
    }
}

impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One occurrence of an event: a row of the journal beside the changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// Its place in the journal, among changes and events.
    pub seq: Seq,
    /// The ledger transaction that recorded it.
    pub rrn: Rrn,
    /// When it was recorded.
    pub time: Wall,
    /// The event's name.
    pub name: String,
    /// Whose it is; `None`: nobody's, and only those hear of it who hear of every tenant.
    pub tenant: Option<Tenant>,
    /// The change that it is, which has a smaller place in the journal; `None`: it is about no asset.
    pub change: Option<Box<Change>>,
    /// Who says so.
    pub origin: Origin,
    /// What people call it, where the asset store says so.
    pub display_name: Option<String>,
    /// Its payload.
    pub fields: EventFields,
}

/// Who says that an event happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Origin {
    /// Ringback.
    #[default]
    Ringback,
    /// The asset store, by a record.
    Store,
}

/// The payload of an event: a JSON object, written compactly, whose keys stay in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventFields(String);

impl Default for EventFields {
    fn default() -> Self {
        Self("{}".to_owned())
    }
}

impl EventFields {
    /// A payload of texts.
    #[must_use]
    pub fn of_texts<'t>(texts: impl IntoIterator<Item = (&'t str, &'t str)>) -> Self {
        texts.into_iter().fold(Self::default(), |fields, (key, text)| fields.text(key, text))
    }

    /// Takes an object as it is written. The caller has made sure that it is one, and that no key of it comes twice.
    #[must_use]
    pub fn of_object(json: String) -> Self {
        debug_assert!(json.starts_with('{') && json.ends_with('}'), "a payload is an object");
        Self(json)
    }

    /// With a text more, under a key that it does not have yet.
    #[must_use]
    pub fn text(self, key: &str, text: &str) -> Self {
        self.with(key, &quoted(text))
    }

    /// With a whole number more, under a key that it does not have yet.
    #[must_use]
    pub fn number(self, key: &str, number: impl Into<i128>) -> Self {
        self.with(key, &number.into().to_string())
    }

    /// With an object more, under a key that it does not have yet.
    #[must_use]
    pub fn object(self, key: &str, object: Self) -> Self {
        self.with(key, &object.0)
    }

    fn with(mut self, key: &str, value: &str) -> Self {
        let comma = if self.is_empty() { "" } else { "," };
        self.0.truncate(self.0.len() - 1);
        self.0.push_str(&format!("{comma}{}:{value}}}", quoted(key)));
        self
    }

    /// Whether it has no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0 == "{}"
    }

    /// The object.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Not an event's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event's name is 1 to 64 letters, digits, `_`, `.` and `-`")]
pub struct EventNameError;

/// A dialect of the HTTP API: the words in which programs register callbacks and hear of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// Property and callback.
    Zoom,
    /// Reactor.
    Reactor,
    /// EQP.
    Eqp,
    /// HAL.
    Hal,
    /// Compendium.
    Compendium,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Zoom, Self::Reactor, Self::Eqp, Self::Hal, Self::Compendium];

    /// As written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Zoom => "zoom",
            Self::Reactor => "reactor",
            Self::Eqp => "eqp",
            Self::Hal => "hal",
            Self::Compendium => "compendium",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{EventFields, EventName};

    #[test]
    fn a_payload_is_an_object_whose_keys_stay_in_their_order() {
        assert_eq!(EventFields::default().as_json(), "{}");
        let fields = EventFields::of_texts([("z", "a\"b"), ("a", "")]).number("n\u{1}", 7_u64);
        assert_eq!(fields.as_json(), r#"{"z":"a\"b","a":"","n\u0001":7}"#);
        assert!(!fields.is_empty());
    }

    #[test]
    fn what_is_known_without_being_declared_is_built_in_or_a_type_of_reactor() {
        let known = |text: &str| EventName::parse(text).is_ok_and(|name| name.is_known());
        for name in ["asset.added", "asset.none", "mount.degraded", "build.created", "rule_component.deleted"] {
            assert!(known(name), "{name}");
        }
        for name in ["build", "build.finished", "asset.created", "builds.created", "callback.changed"] {
            assert!(!known(name), "{name}");
        }
        let is_both = EventName::parse("rule.created").expect("a name");
        assert!(is_both.is_built_in() && is_both.is_of_reactor());
    }
}
