//! The body of `POST /v1/rescan`: what is to be scanned, and whether the caller waits for it.

use axum::http::StatusCode;
use serde_json::Value;

use super::error::{ApiError, quoted};
use super::native::synced_schema;
use super::operation::{Operation, array, closed, flag, object, text};
use crate::model::path::LogicalPath;
use crate::model::rescan::RescanRequest;

/// What a caller asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rescan {
    /// What is scanned.
    pub request: RescanRequest,
    /// Whether the caller waits until all that is found is matched.
    pub wait: bool,
}

impl Default for Rescan {
    fn default() -> Self {
        Self { request: RescanRequest::of(None), wait: false }
    }
}

/// Of `POST /v1/rescan`.
pub(super) fn operation() -> Operation {
    let body = closed([], [("path", text()), ("wait", flag()), ("acceptDeletions", flag()), ("acceptRoot", flag())]);
    let begun = object([("scanning", array(text())), ("offline", array(text()))], [("task", text())]);
    Operation::new("Compares the disk with the catalog.")
        .optional_body(body)
        .answer(200, "All that was found is matched.", synced_schema())
        .answer(202, "It has begun.", begun)
        .refusal(404, "Nothing is there, and nothing is known.")
}

/// The fields of the body, for messages.
const FIELDS: &str = "`path`, `wait`, `acceptDeletions` and `acceptRoot`";

/// Reads the body; an empty one asks for every mount and does not wait. `mounts` are the logical paths that there are.
pub(super) fn parse(body: &[u8], mounts: &[String]) -> Result<Rescan, ApiError> {
    let mut asked = Rescan::default();
    if body.trim_ascii().is_empty() {
        return Ok(asked);
    }
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| ApiError::new(StatusCode::BAD_REQUEST, format!("the body is no JSON: {error}")))?;
    let wrong = |detail: String| ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, detail);
    let Value::Object(fields) = value else {
        return Err(wrong("the body is to be an object, such as {\"path\": \"/acme\", \"wait\": true}".to_owned()));
    };
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("path", Value::String(text)) => asked.request.path = Some(path_in(&text, mounts).map_err(wrong)?),
            ("path", _) => return Err(wrong("`path` takes a string, such as \"/acme/dailies\"".to_owned())),
            ("wait", Value::Bool(wait)) => asked.wait = wait,
            ("acceptDeletions", Value::Bool(accept)) => asked.request.accept_deletions = accept,
            ("acceptRoot", Value::Bool(accept)) => asked.request.accept_root = accept,
            ("wait" | "acceptDeletions" | "acceptRoot", _) => {
                return Err(wrong(format!("`{name}` takes true or false")));
            }
            (other, _) => {
                let detail = format!("there is no field {}; there are {FIELDS}", quoted(other));
                return Err(wrong(detail));
            }
        }
    }
    Ok(asked)
}

/// Reads a path that is to lie in one of the mounts.
pub(super) fn path_in(text: &str, mounts: &[String]) -> Result<LogicalPath, String> {
    let path = LogicalPath::parse(text.as_bytes()).map_err(|error| format!("`path`: {error}"))?;
    let lies_in = |mount: &String| LogicalPath::parse(mount.as_bytes()).is_ok_and(|m| path.relative_to(&m).is_some());
    match mounts.iter().any(lies_in) {
        true => Ok(path),
        false if mounts.is_empty() => Err(format!("`path`: {} lies in no mount", quoted(text))),
        false => Err(format!("`path`: {} lies in no mount; there are: {}", quoted(text), mounts.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::{ApiError, Rescan, parse};
    use crate::model::path::LogicalPath;
    use crate::model::rescan::RescanRequest;

    fn asked(body: &str) -> Result<Rescan, ApiError> {
        parse(body.as_bytes(), &["/acme".to_owned(), "/b".to_owned()])
    }

    #[test]
    fn a_body_says_what_and_whether_to_wait() {
        let of = |text: &str| RescanRequest::of(LogicalPath::parse(text.as_bytes()).ok());
        assert_eq!(asked(""), Ok(Rescan::default()));
        assert_eq!(asked(" {} "), Ok(Rescan::default()));
        assert_eq!(asked("{\"wait\": true}"), Ok(Rescan { request: RescanRequest::of(None), wait: true }));
        assert_eq!(asked("{\"path\": \"/acme/d/\"}"), Ok(Rescan { request: of("/acme/d"), wait: false }));
        assert_eq!(asked("{\"path\": \"/b\", \"wait\": false}"), Ok(Rescan { request: of("/b"), wait: false }));
        let accepting = RescanRequest { accept_deletions: true, accept_root: true, ..of("/b") };
        assert_eq!(
            asked("{\"path\": \"/b\", \"acceptDeletions\": true, \"acceptRoot\": true}"),
            Ok(Rescan { request: accepting, wait: false })
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
        let cases = [
            ("{", StatusCode::BAD_REQUEST, "the body is no JSON: EOF while parsing an object at line 1 column 1"),
            ("[]", unprocessable, "the body is to be an object, such as {\"path\": \"/acme\", \"wait\": true}"),
            (
                "{\"paths\": []}",
                unprocessable,
                "there is no field \"paths\"; there are `path`, `wait`, `acceptDeletions` and `acceptRoot`",
            ),
            ("{\"path\": 1}", unprocessable, "`path` takes a string, such as \"/acme/dailies\""),
            ("{\"path\": \"acme\"}", unprocessable, "`path`: the path is relative; it must begin with /"),
            ("{\"path\": \"/acme2\"}", unprocessable, "`path`: \"/acme2\" lies in no mount; there are: /acme, /b"),
            ("{\"wait\": \"yes\"}", unprocessable, "`wait` takes true or false"),
            ("{\"acceptRoot\": 1}", unprocessable, "`acceptRoot` takes true or false"),
        ];
        for (body, status, detail) in cases {
            assert_eq!(asked(body), Err(ApiError::new(status, detail)), "{body}");
        }
    }
}
