//! Documents of JSON:API 1.1, as this dialect takes and writes them.

use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Map, Value, json};

use super::super::super::error::ApiError;
use super::super::super::operation::{Operation, array, number, object, text};
use super::super::form::json_object;
use super::super::ids;

/// What answers are written in.
const MEDIA: &str = "application/vnd.api+json;revision=1";
/// The same, without its parameter.
const ESSENCE: &str = "application/vnd.api+json";

/// The type of a callback.
const CALLBACKS: &str = "callbacks";

/// A document that somebody has sent.
pub(super) struct Document(Map<String, Value>);

impl Document {
    pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, ApiError> {
        let mut body = json_object(headers, body)?;
        match body.remove("data") {
            Some(Value::Object(data)) => Ok(Self(data)),
            _ => Err(ApiError::of_field("/data", "data is missing: an object with attributes".to_owned())),
        }
    }

    /// Its type may be left out.
    pub(super) fn check_type(&self) -> Result<(), ApiError> {
        match self.0.get("type") {
            None => Ok(()),
            Some(Value::String(text)) if text == CALLBACKS => Ok(()),
            Some(_) => Err(conflict("/data/type", "the type is not `callbacks`")),
        }
    }

    /// Its id is that of the path, or is left out.
    pub(super) fn check_id(&self, id: &str) -> Result<(), ApiError> {
        match self.0.get("id") {
            None => Ok(()),
            Some(Value::String(text)) if text == id => Ok(()),
            Some(_) => Err(conflict("/data/id", "the id is not that of the path")),
        }
    }

    pub(super) fn attributes(&self) -> Result<&Map<String, Value>, ApiError> {
        match self.0.get("attributes") {
            Some(Value::Object(attributes)) => Ok(attributes),
            _ => Err(ApiError::of_field("/data/attributes", "attributes are missing: an object".to_owned())),
        }
    }
}

fn conflict(pointer: &str, detail: &str) -> ApiError {
    ApiError { status: StatusCode::CONFLICT, ..ApiError::of_field(pointer, detail.to_owned()) }
}

/// Writes an answer.
pub(super) fn answer(status: StatusCode, body: Value) -> Response {
    (status, [(header::CONTENT_TYPE, MEDIA)], body.to_string()).into_response()
}

/// Writes an error.
pub(super) fn write(_: &Parts, error: ApiError) -> Response {
    let (code, title) = match error.status {
        StatusCode::UNAUTHORIZED => ("authentication-failure", "Authentication Failed"),
        StatusCode::FORBIDDEN => ("not-authorized", "Not Authorized"),
        StatusCode::NOT_FOUND => ("not-found", "Record Not Found"),
        StatusCode::CONFLICT => ("conflict", "Conflict"),
        StatusCode::UNPROCESSABLE_ENTITY => ("invalid", "Invalid"),
        status => ("error", status.canonical_reason().unwrap_or("Error")),
    };
    let request_id = ids::uuid().unwrap_or_default();
    let one = |detail: &str, pointer: Option<&str>| {
        let mut one = json!({
            "id": ids::uuid().unwrap_or_default(),
            "status": error.status.as_u16().to_string(),
            "code": code,
            "title": title,
            "detail": detail,
            "meta": {"request_id": request_id},
        });
        if let Some(pointer) = pointer {
            one["source"] = json!({"pointer": pointer});
        }
        one
    };
    let faults = error.faults().iter();
    let mut errors: Vec<_> = faults.map(|fault| one(&fault.detail, fault.field.as_deref().and_then(pointer))).collect();
    if errors.is_empty() {
        errors.push(one(&error.detail, None));
    }
    let mut response = answer(error.status, json!({"errors": errors}));
    response.headers_mut().extend(error.headers);
    response
}

/// Where in a document a part of a registration stands; `None`: nowhere.
fn pointer(field: &str) -> Option<&str> {
    match field {
        "callback" => Some(super::URL),
        "events" | "watchPath" => Some(super::SUBSCRIPTIONS),
        field => field.starts_with('/').then_some(field),
    }
}

/// An answer, and how this dialect refuses.
pub(super) fn answered(summary: &'static str, status: u16, schema: Value) -> Operation {
    let error = object([("id", text()), ("status", text()), ("code", text()), ("title", text())], [("detail", text())]);
    let errors = object([("errors", array(error))], []);
    Operation::new(summary)
        .errors_in(ESSENCE, errors)
        .answer_of(status, "It is done.", ESSENCE, schema)
        .refusal(404, "There is no such thing.")
        .refusal(415, "The body is no JSON.")
}

/// A document of one resource.
pub(super) fn schema(of: Value) -> Value {
    object([("data", of)], [])
}

/// A document of a page of resources.
pub(super) fn page_schema(of: Value) -> Value {
    let number_or_none = json!({"type": ["integer", "null"]});
    let pagination = object(
        [
            ("current_page", number()),
            ("next_page", number_or_none.clone()),
            ("prev_page", number_or_none),
            ("total_pages", number()),
            ("total_count", number()),
        ],
        [],
    );
    object([("data", array(of)), ("meta", object([("pagination", pagination)], []))], [])
}

fn resource(attributes: Value) -> Value {
    object([("id", text()), ("type", text()), ("attributes", attributes)], [])
}

pub(super) fn callback_schema() -> Value {
    resource(object(
        [("url", text()), ("subscriptions", array(text()))],
        [("created_at", text()), ("updated_at", text())],
    ))
}

pub(super) fn property_schema() -> Value {
    resource(object([("name", text())], []))
}

pub(super) fn audit_event_schema() -> Value {
    resource(object([("type_of", text()), ("entity", text())], []))
}
