//! Errors of the native API: RFC 9457, `application/problem+json`.

use std::collections::BTreeMap;

use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde_json::{Value, json};

use super::super::error::{ApiError, Errors};
use super::super::operation::{array, number, object, text, words};

/// Writes an error.
pub(in crate::api) fn write(_: &Parts, error: ApiError) -> Response {
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
        title: error.status.canonical_reason().unwrap_or_default(),
        status: error.status.as_u16(),
        detail: &error.detail,
        errors: &error.errors,
        members: &error.members,
    };
    let json = serde_json::to_vec(&body).expect("strings and numbers are always JSON");
    let mut response = (error.status, [(header::CONTENT_TYPE, "application/problem+json")], json).into_response();
    response.headers_mut().extend(error.headers);
    response
}

/// The schema of a problem.
pub(in crate::api) fn schema() -> Value {
    let fault = object([("index", number()), ("detail", text())], [("field", text())]);
    object(
        [("type", text()), ("title", text()), ("status", number()), ("detail", text())],
        [("errors", array(json!({"anyOf": [fault, diagnostic()]}))), ("oldest", number())],
    )
}

/// The schema of a diagnostic, as `ringback check --json` prints it.
pub(in crate::api) fn diagnostic() -> Value {
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
