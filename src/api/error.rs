//! What is wrong with a request. Each surface of the API writes it in its own way: the native one as a problem, each
//! dialect as its clients expect. What a caller reads here is written for the caller: no internal error's text gets in.

use std::collections::BTreeMap;

use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;

use super::limits::ECHO_CHARS_MAX;

/// An answer that says what is wrong and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiError {
    /// What kind of error it is: the status of a surface that does not say otherwise.
    pub status: StatusCode,
    /// A sentence.
    pub detail: String,
    /// What is wrong in the body, thing by thing.
    pub errors: Errors,
    /// Numbers that a program may want.
    pub members: BTreeMap<&'static str, i64>,
    /// Headers of the answer, whichever surface it is.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

/// How a surface writes an error, as the answer to a request of this method and path.
pub(super) type WriteError = fn(&Parts, ApiError) -> Response;

/// One thing wrong with a request's body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Fault {
    /// Which record, from 0.
    pub index: usize,
    /// Which field of it; none when the record as a whole is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is wrong, and what is allowed.
    pub detail: String,
}

impl ApiError {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let (errors, members, headers) = (Errors::Faults(Vec::new()), BTreeMap::new(), Vec::new());
        Self { status, detail: detail.into(), errors, members, headers }
    }

    /// 422: what is wrong with one field of the body.
    pub(super) fn of_field(field: &str, detail: String) -> Self {
        let fault = Fault { index: 0, field: Some(field.to_owned()), detail: detail.clone() };
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail).with_errors(vec![fault])
    }

    /// What is wrong in the body, where it is no text of rules.
    pub(super) fn faults(&self) -> &[Fault] {
        match &self.errors {
            Errors::Faults(faults) => faults,
            Errors::Diagnostics(_) => &[],
        }
    }

    /// 503: nothing was done, and a moment later it may be.
    pub(super) fn come_back(detail: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).with_header(header::RETRY_AFTER, "1")
    }

    #[must_use]
    pub(super) fn with_errors(mut self, errors: Vec<Fault>) -> Self {
        self.errors = Errors::Faults(errors);
        self
    }

    /// Says what is wrong with a text of rules, as `ringback check --json` does, under `errors`.
    #[must_use]
    pub(super) fn with_diagnostics(mut self, diagnostics: Vec<Value>) -> Self {
        self.errors = Errors::Diagnostics(diagnostics);
        self
    }

    /// Adds a number that a program may want.
    #[must_use]
    pub(super) fn with_member(mut self, name: &'static str, value: i64) -> Self {
        self.members.insert(name, value);
        self
    }

    #[must_use]
    pub(super) fn with_header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }
}

/// What is wrong with a body, or with a text of rules in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(super) enum Errors {
    Faults(Vec<Fault>),
    Diagnostics(Vec<Value>),
}

impl Errors {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Faults(faults) => faults.is_empty(),
            Self::Diagnostics(diagnostics) => diagnostics.is_empty(),
        }
    }
}

/// The caller's own text, quoted and cut to a length that fits a message.
pub(super) fn quoted(text: &str) -> String {
    let mut cut: String = text.chars().take(ECHO_CHARS_MAX).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    format!("{cut:?}")
}

#[cfg(test)]
mod tests {
    use super::{ECHO_CHARS_MAX, quoted};

    #[test]
    fn a_text_of_the_caller_is_repeated_up_to_the_limit() {
        let text = |length: usize| "\u{e9}".repeat(length);
        assert_eq!(quoted(&text(ECHO_CHARS_MAX)), format!("\"{}\"", text(ECHO_CHARS_MAX)));
        assert_eq!(quoted(&text(ECHO_CHARS_MAX + 1)), format!("\"{}\u{2026}\"", text(ECHO_CHARS_MAX)));
    }
}
