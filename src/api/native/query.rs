//! Query strings and small bodies: fields by name, each once, each checked. What is wrong is named.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use base64::Engine as _;
use serde_json::Value;

use super::super::error::{ApiError, quoted};
use super::super::limits::{PAGE, PAGE_MAX, REASON_CHARS_MAX};
use crate::model::ids::{DeliveryNo, NodeId, Seq};
use crate::model::listing::{OUTCOMES, Point};
use crate::model::part::{DeliveryId, DeliveryKey, Part};
use crate::model::path::LogicalPath;
use crate::model::time::Wall;

/// The fields of a query string or of a body.
#[derive(Debug, Default)]
pub(super) struct Fields(BTreeMap<String, Value>);

impl Fields {
    /// Those of a query string. `known` are the names that there are.
    pub(super) fn of_query(query: Option<&str>, known: &[&str]) -> Result<Self, ApiError> {
        let mut fields = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            if fields.insert(name.to_string(), Value::String(value.into_owned())).is_some() {
                return Err(wrong(format!("`{name}` is given twice")));
            }
        }
        Self(fields).checked(known)
    }

    /// Those of a body of JSON; none of an empty one.
    pub(super) fn of_body(body: &[u8], known: &[&str]) -> Result<Self, ApiError> {
        if body.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        let value: Value = serde_json::from_slice(body)
            .map_err(|error| ApiError::new(StatusCode::BAD_REQUEST, format!("the body is not JSON: {error}")))?;
        match value {
            Value::Object(fields) => Self(fields.into_iter().collect()).checked(known),
            _ => Err(wrong("the body must be an object".to_owned())),
        }
    }

    fn checked(self, known: &[&str]) -> Result<Self, ApiError> {
        match self.0.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(self),
            Some(other) => {
                let detail = format!("there is no field {}; there are {}", quoted(other), known.join(", "));
                Err(wrong(detail))
            }
        }
    }

    /// Returns whether any of these is given.
    pub(super) fn has_one_of(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.0.get(*name).is_some_and(|value| !value.is_null()))
    }

    /// A text, not empty.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, ApiError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
            Some(_) => Err(wrong(format!("`{name}` takes a text"))),
        }
    }

    /// Whether it is so; false where it is not said.
    pub(super) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(is_so)) => Ok(*is_so),
            Some(_) => Err(wrong(format!("`{name}` takes true or false"))),
        }
    }

    /// A whole number within limits.
    pub(super) fn number(&self, name: &str, min: u64, max: u64) -> Result<Option<u64>, ApiError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                let number = value.as_u64().filter(|number| (min..=max).contains(number));
                number.map(Some).ok_or_else(|| wrong(format!("`{name}` takes a whole number from {min} to {max}")))
            }
        }
    }

    /// An object; something else is an error, of which whoever asks says more.
    pub(super) fn object(&self, name: &str) -> Result<Option<&serde_json::Map<String, Value>>, ()> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(fields)) => Ok(Some(fields)),
            Some(_) => Err(()),
        }
    }

    /// A list.
    pub(super) fn list(&self, name: &str) -> Result<Option<&[Value]>, ApiError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(list)) => Ok(Some(list)),
            Some(_) => Err(wrong(format!("`{name}` takes a list"))),
        }
    }

    /// One of several words.
    pub(super) fn word<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Option<T>,
        words: &[&str],
    ) -> Result<Option<T>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let unknown = || wrong(format!("`{name}`: there is no {}; there are {}", quoted(text), words.join(", ")));
        parse(text).map(Some).ok_or_else(unknown)
    }

    /// The published name of an outcome.
    pub(super) fn outcome(&self) -> Result<Option<String>, ApiError> {
        let known = |text: &str| OUTCOMES.iter().find(|outcome| **outcome == text).map(|known| (*known).to_owned());
        self.word("outcome", known, &OUTCOMES)
    }

    /// A place in the journal, or a time.
    pub(super) fn point(&self, name: &str) -> Result<Option<Point>, ApiError> {
        let wrong = || {
            wrong(format!("`{name}` takes a place in the journal (a number), or a time such as 2026-11-22T10:00:00Z"))
        };
        match self.0.get(name) {
            Some(Value::Number(number)) => number.as_i64().map(|seq| Some(Point::Seq(Seq(seq)))).ok_or_else(wrong),
            _ => {
                let Some(text) = self.text(name)? else { return Ok(None) };
                let seq = text.parse().ok().map(|seq| Point::Seq(Seq(seq)));
                seq.or_else(|| Wall::parse(text).map(Point::Time)).map(Some).ok_or_else(wrong)
            }
        }
    }

    /// A place in the journal.
    pub(super) fn place(&self, name: &str) -> Result<Option<Seq>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let place = text.parse().ok().filter(|place| *place >= 0).map(|place| Some(Seq(place)));
        place.ok_or_else(|| wrong(format!("`{name}` takes a place in the journal: a number, such as a page's `next`")))
    }

    /// A logical path: `path`, or `path64` where it is not UTF-8.
    pub(super) fn path(&self) -> Result<Option<LogicalPath>, ApiError> {
        let bytes = match (self.text("path")?, self.text("path64")?) {
            (None, None) => return Ok(None),
            (Some(path), None) => path.as_bytes().to_vec(),
            (None, Some(path)) => base64::engine::general_purpose::STANDARD
                .decode(path)
                .map_err(|_| wrong("`path64` takes standard base64".to_owned()))?,
            (Some(_), Some(_)) => return Err(wrong("say `path` or `path64`, and not both".to_owned())),
        };
        LogicalPath::parse(&bytes).map(Some).map_err(|error| wrong(format!("`path`: {error}")))
    }

    /// How many rows a page has.
    pub(super) fn limit(&self) -> Result<usize, ApiError> {
        let Some(text) = self.text("limit")? else { return Ok(PAGE) };
        let limit = text.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit));
        limit.ok_or_else(|| wrong(format!("`limit` takes a number from 1 to {PAGE_MAX}")))
    }

    /// Why, for people.
    pub(super) fn reason(&self) -> Result<Option<String>, ApiError> {
        match self.text("reason")? {
            Some(text) if text.chars().count() > REASON_CHARS_MAX || text.contains(char::is_control) => {
                Err(wrong(format!("`reason` takes one line of at most {REASON_CHARS_MAX} characters")))
            }
            reason => Ok(reason.map(str::to_owned)),
        }
    }
}

/// 422, with what is wrong.
pub(super) fn wrong(detail: String) -> ApiError {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
}

/// Where a page of deliveries begins: what [`cursor`] wrote.
pub(super) fn parse_cursor(text: &str) -> Option<DeliveryKey> {
    let (number, part) = text.split_once('.').unwrap_or((text, ""));
    Some(DeliveryKey { number: DeliveryNo(number.parse().ok()?), part: Part::parse(part)? })
}

/// Where the next page of deliveries begins.
pub(super) fn cursor(after: DeliveryKey) -> String {
    after.to_string()
}

/// The key of a delivery's id; 404 where it is not one of this ledger's.
pub(super) fn delivery_key(id: &str, node: NodeId) -> Result<DeliveryKey, ApiError> {
    let found = DeliveryId::parse(id).filter(|id| id.node == node);
    found.map(|id| id.key).ok_or_else(|| no_delivery(id))
}

/// 404: there is no such delivery.
pub(super) fn no_delivery(id: &str) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, format!("there is no delivery {}, or it is kept no longer", quoted(id)))
}

/// 404: there is no such subscription.
pub(super) fn no_subscription(name: &str) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, format!("there is no subscription {}", quoted(name)))
}
