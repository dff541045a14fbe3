//! Errors as RFC 9457 `application/problem+json`. What a caller reads here is written for the caller: no internal
//! error's text gets in.

use std::collections::BTreeMap;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

use super::limits::ECHO_CHARS_MAX;
use super::operation::{array, number, object, text, words};

/// An answer that says what is wrong and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    status: StatusCode,
    detail: String,
    errors: Errors,
    members: BTreeMap<&'static str, i64>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

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

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let (errors, members, headers) = (Errors::Faults(Vec::new()), BTreeMap::new(), Vec::new());
        Self { status, detail: detail.into(), errors, members, headers }
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
enum Errors {
    Faults(Vec<Fault>),
    Diagnostics(Vec<Value>),
}

impl Errors {
    fn is_empty(&self) -> bool {
        match self {
            Self::Faults(faults) => faults.is_empty(),
            Self::Diagnostics(diagnostics) => diagnostics.is_empty(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Body<'a> {
            r#type: &'a str,
            title: &'a str,
            status: u16,
            detail: &'a str,
            #[serde(skip_serializing_if = "Errors::is_empty")]
            errors: &'a Errors,
            #[serde(flatten)]
            members: &'a BTreeMap<&'static str, i64>,
        }
        let body = Body {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or_default(),
            status: self.status.as_u16(),
            detail: &self.detail,
            errors: &self.errors,
            members: &self.members,
        };
        let json = serde_json::to_vec(&body).expect("strings and numbers are always JSON");
        let mut response = (self.status, [(header::CONTENT_TYPE, "application/problem+json")], json).into_response();
        response.headers_mut().extend(self.headers);
        response
    }
}

/// The schema of a problem.
pub(super) fn schema() -> Value {
    let fault = object([("index", number()), ("detail", text())], [("field", text())]);
    object(
        [("type", text()), ("title", text()), ("status", number()), ("detail", text())],
        [("errors", array(json!({"anyOf": [fault, diagnostic()]}))), ("oldest", number())],
    )
}

/// The schema of a diagnostic, as `ringback check --json` prints it.
pub(super) fn diagnostic() -> Value {
    let help = json!({"type": ["string", "null"]});
    object(
        [
            ("code", text()),
            ("severity", words(&["error", "warning"])),
            ("file", text()),
            ("line", number()),
            ("column", number()),
            ("message", text()),
            ("help", help),
        ],
        [],
    )
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
