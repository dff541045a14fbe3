//! `GET /openapi.json`: the table of endpoints as an OpenAPI 3.1 document. What each of them takes and answers is said
//! beside it.

use std::sync::LazyLock;

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::super::operation::{Operation, object};
use super::super::router::{self, Endpoint};
use super::problem;

/// Made once: the endpoints do not change while ringback runs.
static DOCUMENT: LazyLock<Value> = LazyLock::new(document);

/// `GET /openapi.json`.
pub(super) async fn show() -> Response {
    Json(&*DOCUMENT).into_response()
}

/// Of `GET /openapi.json`.
pub(super) fn operation() -> Operation {
    let schema = object([("openapi", json!({"const": "3.1.0"})), ("paths", json!({"type": "object"}))], []);
    Operation::new("This document.").answer(200, "An OpenAPI 3.1 document.", schema)
}

fn document() -> Value {
    let mut paths = json!({});
    for Endpoint { method, path, right, operation, .. } in router::endpoints() {
        paths[path][method.to_ascii_lowercase()] = operation().document(path, right);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "ringback",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Watches media stores and calls back over HTTP.",
        },
        "paths": paths,
        "components": {
            "schemas": {"Problem": problem::schema()},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "zm_cookie"},
            },
        },
    })
}
