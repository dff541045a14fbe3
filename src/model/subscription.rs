//! A subscription: a rule plus a target and a delivery policy. The rule's condition lives in `rules`; what is here is
//! what delivering needs.

use std::fmt;
use std::sync::Arc;

use url::Url;

use super::event::{Dialect, EventName};
use super::format::Format;
use super::retry::{Accepts, RetrySchedule};
use super::secret::{SecretRef, SigningSecret};
use super::tenant::Tenant;

/// By what a subscription is known within its tenant: a rule file's by the name that the file gives it, a registered
/// one by its dialect and the id that it has there, `zoom:ID`. No rule file's name has a colon, so neither is ever
/// taken for the other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    text: Arc<str>,
    dialect: Option<Dialect>,
}

impl Name {
    /// The longest name that a rule file gives, and the longest id that a dialect gives, in bytes: it stands in
    /// messages, in logs and in each payload.
    pub const MAX: usize = 64;

    /// Checks a rule file's: 1 to 64 of `A-Z a-z 0-9 -`.
    ///
    /// # Errors
    /// A sentence that says what is allowed.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let fits = (1..=Self::MAX).contains(&text.len());
        if fits && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            Ok(Self { text: text.into(), dialect: None })
        } else {
            Err(NameError)
        }
    }

    /// Checks the id that a dialect gives to a registration: 1 to 64 visible ASCII characters.
    ///
    /// # Errors
    /// A sentence that says what is allowed.
    pub fn registered(dialect: Dialect, id: &str) -> Result<Self, IdError> {
        let fits = (1..=Self::MAX).contains(&id.len());
        if fits && id.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Self { text: format!("{}:{id}", dialect.as_str()).into(), dialect: Some(dialect) })
        } else {
            Err(IdError)
        }
    }

    /// The id `uuid`, a UUID, where this one is.
    #[must_use]
    pub fn with_uuid(&self, uuid: &str) -> Self {
        let text = self.dialect.map_or_else(|| uuid.to_owned(), |dialect| format!("{}:{uuid}", dialect.as_str()));
        Self { text: text.into(), dialect: self.dialect }
    }

    /// All of it, with the dialect in front: what people and programs see.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Who gave it; `None`: a rule file.
    #[must_use]
    pub fn dialect(&self) -> Option<Dialect> {
        self.dialect
    }

    /// What it is called where it comes from, without the dialect: the `id` of the payload.
    #[must_use]
    pub fn id(&self) -> &str {
        self.dialect.map_or(&self.text, |dialect| &self.text[dialect.as_str().len() + 1..])
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Not a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name is 1 to 64 letters, digits and hyphens")]
pub struct NameError;

/// Not an id of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is 1 to 64 visible ASCII characters, without spaces")]
pub struct IdError;

/// The HTTP method of a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Method {
    /// The URL alone is called, without a body.
    Get,
    /// The batch is the body.
    #[default]
    Post,
    /// The batch is the body.
    Put,
    /// The batch is the body.
    Patch,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Get, Self::Post, Self::Put, Self::Patch];

    /// As on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
        }
    }
}

/// Where a subscription's callbacks go, and how they look on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The method.
    pub method: Method,
    /// The URL, `http` or `https`, query parameters already appended; without user info and fragment, port not 0.
    pub url: TargetUrl,
    /// Header names and values to send, checked. None of them is one of ringback's own.
    pub headers: Box<[(String, String)]>,
    /// Which answers accept a delivery.
    pub accepts: Accepts,
}

impl Target {
    /// Host and port: what per-target limits count by.
    #[must_use]
    pub fn authority(&self) -> String {
        let (host, port) = self.url.host_and_port();
        format!("{host}:{port}")
    }
}

/// A target's URL as it is written, which takes a fifth of the memory of what it parses to: there may be a million.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetUrl(Box<str>);

impl TargetUrl {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What it parses to.
    ///
    /// # Panics
    /// Never: it is the text of a URL.
    #[must_use]
    pub fn parsed(&self) -> Url {
        Url::parse(&self.0).expect("the text of a URL is one")
    }

    /// Its host, an IPv6 address in brackets, and its port, or that of its scheme.
    #[must_use]
    pub fn host_and_port(&self) -> (&str, u16) {
        let (scheme, rest) = self.0.split_once("://").unwrap_or_default();
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        match authority.rsplit_once(':').map(|(host, port)| (host, port.parse())) {
            Some((host, Ok(port))) => (host, port),
            _ => (authority, if scheme == "https" { 443 } else { 80 }),
        }
    }
}

impl From<Url> for TargetUrl {
    fn from(url: Url) -> Self {
        Self(String::from(url).into())
    }
}

/// Whose word a target is, and so where it may lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Trust {
    /// An admin's, in a rule file: private networks and this host are open to it.
    RuleFile,
    /// A caller's, over HTTP: what is not public is closed to it, unless the configuration lists it. It is the default,
    /// so that what forgets to say whose word it is reaches too little and not too much.
    #[default]
    Registration,
}

/// How entries become batches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batching {
    /// How long the first entry waits for company, in milliseconds. 0: it goes at once.
    pub linger_ms: u64,
    /// Most entries in one batch, 1 to 10,000.
    pub max_entries: usize,
}

impl Default for Batching {
    fn default() -> Self {
        Self { linger_ms: 0, max_entries: 1_000 }
    }
}

/// In which order a subscription's deliveries go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// One at a time, each waiting through the retries of the one before it.
    #[default]
    Serial,
    /// Each on its own.
    Parallel,
}

impl Order {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Serial, Self::Parallel];

    /// As written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Serial => "serial",
            Self::Parallel => "parallel",
        }
    }
}

/// How long a subscription lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lifetime {
    /// Until its rule is removed.
    #[default]
    Continuous,
    /// Until its first accepted delivery.
    Once,
}

impl Lifetime {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Continuous, Self::Once];

    /// As written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Continuous => "continuous",
            Self::Once => "once",
        }
    }
}

/// What an entry may carry beyond its five keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// All metadata, an object: key to list of strings.
    Metadata,
    /// The metadata delta, an object: key to `{"old": [..], "new": [..]}`.
    Changed,
    /// The size in bytes.
    Size,
    /// The last write, RFC 3339 in UTC.
    Mtime,
    /// Where the asset was before it was renamed.
    PreviousPath,
    /// The change's place in the journal.
    Seq,
    /// The whole logical path's bytes in standard base64.
    PathBase64,
}

impl Field {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Metadata, Self::Changed, Self::Size, Self::Mtime, Self::PreviousPath, Self::Seq, Self::PathBase64];

    /// As written, and as the entry's key.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Changed => "changed",
            Self::Size => "size",
            Self::Mtime => "mtime",
            Self::PreviousPath => "previousPath",
            Self::Seq => "seq",
            Self::PathBase64 => "pathBase64",
        }
    }
}

/// A subscription, without its condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// By what it is known.
    pub name: Name,
    /// Where its callbacks go.
    pub target: Target,
    /// It has a topic, which readers ask for what it is told: the target is never called.
    pub is_topic: bool,
    /// Whose word that is.
    pub trust: Trust,
    /// When a failed delivery is tried again.
    pub retry: Arc<RetrySchedule>,
    /// How entries become batches.
    pub batching: Batching,
    /// Every path that it monitors at all it monitors for modification: a deletion and an addition of one asset at one
    /// path may be told as one modification.
    pub covers_modification: bool,
    /// Whose it is: it hears only of that tenant's mounts. `None`: of all.
    pub tenant: Option<Tenant>,
    /// The events that it asks for by name, each once.
    pub events: Box<[EventName]>,
    /// It asks for every event, too, that a rule file marks for this dialect.
    pub hears_marked: Option<Dialect>,
    /// In which order its deliveries go out.
    pub order: Order,
    /// In which text its batches are written.
    pub format: Format,
    /// What its entries carry beyond their five keys, each once.
    pub fields: Box<[Field]>,
    /// What its format says that it belongs to: the id of a property or of a network, the name of a collection. `None`:
    /// what follows from its tenant.
    pub belongs_to: Option<Arc<str>>,
    /// Where the secret is that signs its deliveries. `None`: they are not signed.
    pub secret: Option<Box<SecretRef>>,
    /// That secret, once it has been read.
    pub signing: Option<Box<SigningSecret>>,
    /// Whether deliveries carry `X-Hub-Signature-256` too. Only with a secret.
    pub hub_signature: bool,
    /// How long it lives.
    pub lifetime: Lifetime,
    /// The admin has paused it.
    pub paused: bool,
}

impl Subscription {
    /// Returns whether it asks for events, by name or by their mark.
    #[must_use]
    pub fn asks_for_events(&self) -> bool {
        !self.events.is_empty() || self.hears_marked.is_some()
    }

    /// A subscription to a target, everything else as it is unless said.
    #[must_use]
    pub fn new(name: Name, target: Target) -> Self {
        Self {
            name,
            target,
            is_topic: false,
            trust: Trust::default(),
            retry: Arc::default(),
            batching: Batching::default(),
            covers_modification: false,
            tenant: None,
            events: Box::default(),
            hears_marked: None,
            order: Order::default(),
            format: Format::default(),
            fields: Box::default(),
            belongs_to: None,
            secret: None,
            signing: None,
            hub_signature: false,
            lifetime: Lifetime::default(),
            paused: false,
        }
    }

    /// Whose name it is, beside the tenants' that may give the same: a registered one's is its tenant's, a rule file's
    /// is nobody's else in all files.
    #[must_use]
    pub fn named_by(&self) -> Option<&Tenant> {
        self.name.dialect().and(self.tenant.as_ref())
    }

    /// Most entries in one batch: what it asks for, as far as its format has room.
    #[must_use]
    pub fn max_entries(&self) -> usize {
        if self.format.holds_one_entry() { 1 } else { self.batching.max_entries }
    }

    /// Whether what it is owed waits: it is paused, or its secret could not be read. Nothing goes out unsigned that is
    /// to be signed.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.paused || (self.secret.is_some() && self.signing.is_none())
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::{Name, TargetUrl};
    use crate::model::event::Dialect;

    #[test]
    fn a_url_s_host_and_port_are_what_it_parses_to() {
        for text in [
            "http://example.com",
            "https://example.com/a?b=c:9/d",
            "https://example.com:8443/hook?x=http://y:1/",
            "http://127.0.0.1:8874/",
            "http://[::1]/a",
            "https://[2001:db8::1]:9000?q",
            "HTTP://EXAMPLE.com:80/%3A:7",
            "https://b\u{fc}cher.example/",
        ] {
            let parsed = Url::parse(text).expect("a URL");
            let url = TargetUrl::from(parsed.clone());
            let expect = (parsed.host_str().expect("a host"), parsed.port_or_known_default().expect("a port"));
            assert_eq!(url.host_and_port(), expect, "{text}");
            assert_eq!(url.parsed(), parsed);
        }
    }

    #[test]
    fn a_name_has_up_to_the_limit_of_bytes() {
        let name = |length: usize| "n".repeat(length);
        assert!(Name::parse(&name(Name::MAX)).is_ok_and(|parsed| parsed.as_str() == name(Name::MAX)));
        assert!(Name::parse(&name(Name::MAX + 1)).is_err());
        let registered = |length: usize| Name::registered(Dialect::Eqp, &name(length));
        assert!(registered(Name::MAX).is_ok_and(|parsed| parsed.id() == name(Name::MAX)));
        assert!(registered(Name::MAX + 1).is_err() && registered(0).is_err());
    }

    #[test]
    fn a_registration_is_known_by_its_dialect_and_id_and_is_no_rule_file_s() {
        let one = Name::registered(Dialect::Eqp, "MAG1:0").expect("an id");
        assert_eq!((one.as_str(), one.id(), one.dialect()), ("eqp:MAG1:0", "MAG1:0", Some(Dialect::Eqp)));
        let other = Name::parse("MAG1").expect("a name");
        assert_eq!((other.as_str(), other.id(), other.dialect()), ("MAG1", "MAG1", None));
        assert!(Name::parse(one.as_str()).is_err(), "a rule file cannot give it");
        for bad in ["", "a b", "a\n", "caf\u{e9}"] {
            assert!(Name::registered(Dialect::Zoom, bad).is_err(), "{bad:?}");
        }
    }
}
