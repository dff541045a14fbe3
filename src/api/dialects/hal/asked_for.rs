//! A subscription as a request asks for it.

use serde_json::{Map, Value, json};

use super::super::super::error::{ApiError, quoted};
use super::super::form::wrong;
use super::super::registering::is_https;
use super::COLLECTION;
use crate::model::event::EventName;
use crate::model::format::Format;
use crate::model::nearest::nearest;
use crate::model::registration::Registration;
use crate::model::retry::{Accepts, RetrySchedule};
use crate::model::subscription::{Lifetime, Name, Order};
use crate::model::tenant::Tenant;

/// The members of a request.
const FIELDS: [&str; 6] = ["callbackUrl", "mode", "events", "watchPath", "watchMetadata", "logicalOperand"];

/// The answer that accepts a delivery, and the one that ends it.
pub(super) const ACCEPTS: u16 = 200;
pub(super) const ENDS: u16 = 403;

/// The clause that every change of metadata makes true.
const ANY_METADATA: &str = "*==*";

/// What is asked for.
#[derive(Debug)]
pub(super) struct AskedFor {
    /// `None`: it has a topic.
    callback: Option<String>,
    lifetime: Lifetime,
    events: Vec<EventName>,
    paths: Vec<String>,
    metadata: Vec<String>,
    joins_by_and: bool,
    /// The members as they came.
    fields: Map<String, Value>,
}

impl AskedFor {
    /// Whether it lives for one call.
    pub(super) fn is_once(&self) -> bool {
        self.lifetime == Lifetime::Once
    }

    /// Reads the members of a request.
    pub(super) fn read(fields: Map<String, Value>, knows_event: impl Fn(&EventName) -> bool) -> Result<Self, ApiError> {
        if let Some(other) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
            let meant = nearest(other, &FIELDS).map(|near| format!("did you mean `{near}`?"));
            let help = meant.unwrap_or_else(|| format!("there are {}; or `task`, for work", FIELDS.join(", ")));
            return Err(wrong(other, &format!("is not a field of a subscription; {help}")));
        }
        let callback = callback_of(&fields)?;
        let lifetimes = [("continuous", Lifetime::Continuous), ("once", Lifetime::Once)];
        let event = |text: String| {
            let name = EventName::parse(&text).ok().filter(&knows_event);
            name.ok_or_else(|| {
                let meant = nearest(&text, &EventName::BUILT_IN).map(|near| format!("; did you mean {near}?"));
                let help = meant.unwrap_or_else(|| ": neither ringback nor a rule file has it".to_owned());
                wrong("events", &format!("has the unknown event {}{help}", quoted(&text)))
            })
        };
        let lifetime = word(&fields, "mode", &lifetimes)?.unwrap_or_default();
        if callback.is_none() && lifetime == Lifetime::Once {
            return Err(wrong("mode", "is once, which takes a `callbackUrl`: a topic goes on until it is cancelled"));
        }
        Ok(Self {
            callback: callback.map(str::to_owned),
            lifetime,
            events: all(&fields, "events")?.into_iter().map(event).collect::<Result<_, _>>()?,
            paths: all(&fields, "watchPath")?,
            metadata: all(&fields, "watchMetadata")?,
            joins_by_and: word(&fields, "logicalOperand", &[("OR", false), ("AND", true)])?.unwrap_or_default(),
            fields,
        })
    }

    /// What it means for a tenant, in a collection that lies at or below some paths, or has everything.
    pub(super) fn registration(
        &self,
        name: Name,
        tenant: Option<Tenant>,
        collection: &str,
        within: &[String],
        schedule: &RetrySchedule,
    ) -> Registration {
        let (mut paths, mut metadata) = (self.paths.clone(), self.metadata.clone());
        if paths.is_empty() && metadata.is_empty() && self.events.is_empty() {
            paths = within.iter().map(|path| format!("* {path}")).collect();
            if paths.is_empty() {
                paths.push("* /".to_owned());
            }
            metadata.push(ANY_METADATA.to_owned());
        }
        Registration {
            paths,
            metadata,
            within: within.to_vec(),
            joins_by_and: self.joins_by_and,
            events: self.events.clone(),
            accepts: Accepts::Codes(vec![ACCEPTS]),
            retry: RetrySchedule { never_after: vec![ENDS], ..schedule.clone() },
            order: Order::Parallel,
            format: Format::Hal,
            lifetime: self.lifetime,
            belongs_to: Some(collection.to_owned()),
            request: self.kept(collection),
            is_topic: self.has_topic(),
            ..Registration::new(name, tenant, self.callback.clone().unwrap_or_default())
        }
    }

    /// Whether what it is told goes to a topic.
    pub(super) fn has_topic(&self) -> bool {
        self.callback.is_none()
    }

    /// What reads give back, and of which collection it is.
    fn kept(&self, collection: &str) -> String {
        let mut kept = self.fields.clone();
        kept.insert(COLLECTION.to_owned(), collection.into());
        kept.insert("mode".to_owned(), self.lifetime.as_str().into());
        json!(kept).to_string()
    }
}

/// The URL that is called, where there is one.
pub(super) fn callback_of(fields: &Map<String, Value>) -> Result<Option<&str>, ApiError> {
    let callback = one(fields, "callbackUrl")?;
    match callback.is_none_or(is_https) {
        true => Ok(callback),
        false => Err(wrong("callbackUrl", "takes an absolute https URL")),
    }
}

/// A member that is a text.
pub(super) fn one<'f>(fields: &'f Map<String, Value>, name: &str) -> Result<Option<&'f str>, ApiError> {
    match fields.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(wrong(name, "takes a text")),
    }
}

/// A member that is one of several words.
fn word<T: Copy>(fields: &Map<String, Value>, name: &str, words: &[(&str, T)]) -> Result<Option<T>, ApiError> {
    let Some(text) = one(fields, name)? else { return Ok(None) };
    let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    found.map(Some).ok_or_else(|| {
        let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        wrong(name, &format!("takes {}, and not {}", words.join(" or "), quoted(text)))
    })
}

/// A member that is a text, or a list of them.
fn all(fields: &Map<String, Value>, name: &str) -> Result<Vec<String>, ApiError> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let texts = match fields.get(name) {
        None => Some(Vec::new()),
        Some(Value::Array(list)) => list.iter().map(text).collect(),
        Some(value) => text(value).map(|text| vec![text]),
    };
    texts.ok_or_else(|| wrong(name, "takes a text, or a list of texts"))
}
