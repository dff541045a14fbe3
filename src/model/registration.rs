//! A registration: a subscription as a program asked for it over HTTP, in whichever dialect. Its conditions and its
//! target are texts in the syntax of rule files; whoever takes it up reads them.
//!
//! It holds secrets (headers, query parameters, the signing secret), so nothing prints it.

use std::fmt;

use super::event::EventName;
use super::format::Format;
use super::ids::SubscriptionId;
use super::retry::{Accepts, RetrySchedule};
use super::subscription::{Batching, Field, Lifetime, Method, Name, Order};
use super::tenant::Tenant;
use super::time::Wall;

/// What a program registers.
#[derive(Clone, PartialEq, Eq)]
pub struct Registration {
    /// By what it is known: its dialect, and the id that it has there.
    pub name: Name,
    /// Whose it is: it hears only of that tenant's mounts. `None`: of all.
    pub tenant: Option<Tenant>,
    /// watchPath clauses.
    pub paths: Vec<String>,
    /// watchMetadata clauses.
    pub metadata: Vec<String>,
    /// Logical paths. Where there are any, it watches only assets at or below them: a watchPath clause that reaches
    /// beyond them is a fault. It bounds what is watched in the catalog, not the events that rule files declare.
    pub within: Vec<String>,
    /// The metadata clauses are joined by AND, and not by OR.
    pub joins_by_and: bool,
    /// The events that it asks for by name.
    pub events: Vec<EventName>,
    /// It asks for every event, too, that a rule file marks for its dialect.
    pub hears_marked: bool,
    /// The URL, to the letter.
    pub callback: String,
    /// There is no URL: what it is told goes to a topic of its own, for readers.
    pub is_topic: bool,
    /// The method.
    pub method: Method,
    /// Headers, each `Name: value`.
    pub headers: Vec<String>,
    /// Query parameters, each `key=value`, unencoded.
    pub query: Vec<String>,
    /// Which answers accept a delivery.
    pub accepts: Accepts,
    /// When a failed delivery is tried again.
    pub retry: RetrySchedule,
    /// How entries become batches.
    pub batching: Batching,
    /// In which order its deliveries go out.
    pub order: Order,
    /// In which text its batches are written.
    pub format: Format,
    /// What its entries carry beyond their five keys.
    pub fields: Vec<Field>,
    /// How long it lives.
    pub lifetime: Lifetime,
    /// The secret that signs its deliveries: `whsec_` secrets, separated by white space.
    pub secret: Option<String>,
    /// Whether deliveries carry `X-Hub-Signature-256` too. Only with a secret.
    pub hub_signature: bool,
    /// What its format says that it belongs to: the id of a property or of a network, the name of a collection.
    pub belongs_to: Option<String>,
    /// What was asked for, in the dialect's own words: reads give it back to the letter. The dialect has left out what
    /// reads must not give, such as secrets.
    pub request: String,
}

impl Registration {
    /// Clauses, events, headers or query parameters of one registration: each is read, and filed, while nothing else
    /// is done.
    pub const CLAUSES_MAX: usize = 100;
    /// Bytes of [`Self::request`].
    pub const REQUEST_BYTES_MAX: usize = 64 * 1_024;

    /// A registration that watches nothing yet, everything else as it is unless said.
    #[must_use]
    pub fn new(name: Name, tenant: Option<Tenant>, callback: impl Into<String>) -> Self {
        Self {
            name,
            tenant,
            paths: Vec::new(),
            metadata: Vec::new(),
            within: Vec::new(),
            joins_by_and: false,
            events: Vec::new(),
            hears_marked: false,
            callback: callback.into(),
            is_topic: false,
            method: Method::default(),
            headers: Vec::new(),
            query: Vec::new(),
            accepts: Accepts::default(),
            retry: RetrySchedule::default(),
            batching: Batching::default(),
            order: Order::default(),
            format: Format::default(),
            fields: Vec::new(),
            lifetime: Lifetime::default(),
            secret: None,
            hub_signature: false,
            belongs_to: None,
            request: String::new(),
        }
    }
}

impl Registration {
    /// One of its clauses; of another part, whose texts may be secret, none.
    #[must_use]
    pub fn clause(&self, part: RegistrationPart, item: usize) -> Option<&str> {
        let clauses = match part {
            RegistrationPart::Paths => &self.paths,
            RegistrationPart::Metadata => &self.metadata,
            _ => return None,
        };
        clauses.get(item).map(String::as_str)
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration").field("name", &self.name).field("tenant", &self.tenant).finish_non_exhaustive()
    }
}

/// One step of what a caller asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Registers, whole: nothing of what it replaces stays.
    Put {
        /// What.
        registration: Box<Registration>,
        /// What it may replace.
        replaces: Replaces,
    },
    /// Ends a registration. What it is owed is kept for a while, for its return.
    Remove {
        /// By what it is known.
        name: Name,
        /// Whose it is.
        tenant: Option<Tenant>,
        /// Only what the caller has registered.
        is_own: bool,
    },
}

/// What a registration may replace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaces {
    /// Nothing: its name is new.
    Nothing,
    /// What the caller has registered.
    Own,
    /// Whatever has its name.
    Any,
}

/// Why a registration is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationFault {
    /// Which of the edits.
    pub edit: usize,
    /// What of it.
    pub part: RegistrationPart,
    /// Which of several, where there are several.
    pub item: Option<usize>,
    /// The clause that it is in, where it is in one.
    pub clause: Option<String>,
    /// What is wrong: one sentence, which quotes nothing that may be a secret.
    pub why: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// A part of a registration that may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RegistrationPart {
    /// A watchPath clause, or all of them.
    Paths,
    /// A watchMetadata clause, or all of them.
    Metadata,
    /// The events.
    Events,
    /// The URL.
    Callback,
    /// A header, or all of them.
    Headers,
    /// A query parameter, or all of them.
    Query,
    /// The accepting codes.
    Accepts,
    /// The retry schedule.
    Retry,
    /// Entries in a batch.
    MaxEntries,
    /// The signing secret.
    Secret,
    /// The second signature.
    HubSignature,
    /// The request as a whole.
    Request,
}

impl RegistrationPart {
    /// As a rule file calls it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Paths => "watchPath",
            Self::Metadata => "watchMetadata",
            Self::Events => "events",
            Self::Callback => "callback",
            Self::Headers => "header",
            Self::Query => "queryParam",
            Self::Accepts => "successCode",
            Self::Retry => "retry",
            Self::MaxEntries => "maxEntries",
            Self::Secret => "secret",
            Self::HubSignature => "hubSignature",
            Self::Request => "request",
        }
    }
}

/// A registration, as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRegistration {
    /// Its number.
    pub id: SubscriptionId,
    /// Who registered it first.
    pub owner: String,
    /// When that was.
    pub created: Wall,
    /// When it was registered last.
    pub updated: Wall,
    /// What was registered.
    pub registration: Registration,
}

#[cfg(test)]
mod tests {
    use super::Registration;
    use crate::model::event::Dialect;
    use crate::model::subscription::Name;

    #[test]
    fn nothing_prints_a_registration_s_secrets() {
        let name = Name::registered(Dialect::Zoom, "id-1").expect("an id");
        let registration = Registration {
            headers: vec!["Authorization: Bearer s3cret".into()],
            query: vec!["token=s3cret".into()],
            secret: Some("whsec_s3cret".into()),
            ..Registration::new(name, None, "https://h/s3cret")
        };
        let printed = format!("{registration:?}");
        assert!(printed.contains("zoom:id-1") && !printed.contains("s3cret"), "{printed}");
    }
}
