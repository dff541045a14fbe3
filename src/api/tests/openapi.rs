//! `GET /openapi.json` against the endpoints that there are, and against what they take and answer.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use http_body_util::BodyExt as _;
use regex::Regex;
use serde_json::Value;
use tower_service::Service as _;

use super::{Role, api, auth, served};
use crate::api::body::Peer;
use crate::api::native;
use crate::api::router::{self, Endpoint};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

async fn document() -> Value {
    let answer = served(true).await.ask(&format!("GET /openapi.json HTTP/1.1\r\n{}", auth(Role::Reader)), "").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{}", answer.text());
    answer.json()
}

/// Each operation of the document: `METHOD /path`, and what it says.
fn operations(document: &Value) -> Vec<(String, Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let of_path = |(path, methods): (&String, &Value)| -> Vec<(String, Value)> {
        let methods = methods.as_object().expect("methods").iter();
        methods.map(|(method, operation)| (format!("{} {path}", method.to_uppercase()), operation.clone())).collect()
    };
    paths.iter().flat_map(of_path).collect()
}

#[tokio::test]
async fn the_document_has_each_endpoint_and_no_other() {
    let document = document().await;
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["info"]["title"].is_string() && document["info"]["version"].is_string());
    let described: BTreeSet<String> = operations(&document).into_iter().map(|(endpoint, _)| endpoint).collect();
    let endpoints = router::endpoints();
    let served = endpoints.iter().map(|Endpoint { method, path, .. }| format!("{method} {path}")).collect();
    assert_eq!(described, served);
}

/// Dialects have their own ways to refuse.
fn is_native(endpoint: &str) -> bool {
    native::endpoints().iter().any(|Endpoint { method, path, .. }| format!("{method} {path}") == endpoint)
}

/// What each operation must have, and that each reference leads somewhere.
#[tokio::test]
async fn each_operation_is_whole() {
    let document = document().await;
    for (endpoint, operation) in operations(&document) {
        let (method, path) = endpoint.split_once(' ').expect("two words");
        assert!(METHODS.contains(&method.to_ascii_lowercase().as_str()), "{endpoint}");
        assert!(operation["summary"].as_str().is_some_and(|summary| summary.ends_with('.')), "{endpoint}");
        let in_path: BTreeSet<&str> = path.split('/').filter(|part| part.starts_with('{')).collect();
        let parameters = operation["parameters"].as_array().expect("parameters");
        let described =
            parameters.iter().filter(|parameter| parameter["in"] == "path" && parameter["required"] == true);
        let described: BTreeSet<String> =
            described.map(|parameter| format!("{{{}}}", parameter["name"].as_str().expect("a name"))).collect();
        assert_eq!(described.iter().map(String::as_str).collect::<BTreeSet<_>>(), in_path, "{endpoint}");
        let answers = operation["responses"].as_object().expect("responses");
        assert!(answers.keys().any(|status| status.starts_with('2')), "{endpoint}");
        for (status, answer) in answers {
            assert!(answer["description"].is_string(), "{endpoint} {status}");
            let media = answer["content"].as_object().expect("content");
            assert!(!media.is_empty(), "{endpoint} {status}");
            let is_problem = media.contains_key("application/problem+json");
            if !is_native(&endpoint) {
                continue;
            }
            assert_eq!(
                is_problem,
                status.as_str() >= "400" && path != "/readyz" || status == "403",
                "{endpoint} {status}"
            );
        }
    }
    let text = document.to_string();
    let references = Regex::new(r##""\$ref":"#([^"]+)""##).expect("a regex");
    let found: BTreeSet<&str> =
        references.captures_iter(&text).filter_map(|found| found.get(1)).map(|path| path.as_str()).collect();
    assert!(!found.is_empty());
    for path in found {
        assert!(document.pointer(path).is_some_and(Value::is_object), "nothing at {path}");
    }
}

/// The message to a caller who gives an unknown field names all that there are: those are the document's.
#[tokio::test]
async fn each_endpoint_takes_the_fields_that_the_document_names() {
    let document = document().await;
    let word = Regex::new(r"[A-Za-z0-9]+").expect("a regex");
    let mut compared = 0;
    for (endpoint, operation) in operations(&document).into_iter().filter(|(endpoint, _)| is_native(endpoint)) {
        let (method, path) = endpoint.split_once(' ').expect("two words");
        let names = |of: &Value| -> BTreeSet<String> {
            let fields = of.as_object().into_iter().flatten();
            fields.map(|(name, _)| name.clone()).collect()
        };
        let parameters = operation["parameters"].as_array().expect("parameters").iter();
        let query: BTreeSet<String> = parameters
            .filter(|parameter| parameter["in"] == "query")
            .map(|parameter| parameter["name"].as_str().expect("a name").to_owned())
            .collect();
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        let body = if body["type"] == "array" { &body["items"] } else { body };
        if !body.is_null() {
            assert_eq!(body["additionalProperties"], false, "{endpoint}: another field is refused");
        }
        let body = names(&body["properties"]);
        if query.is_empty() && body.is_empty() {
            continue;
        }
        let path = path.replace("{id}", if path.contains("deliveries") { "00000000000000ff-3" } else { "a" });
        let (uri, text, expect) = match body.is_empty() {
            true => (format!("{path}?zzz=1"), "", query),
            false if endpoint == "POST /v1/records" => (path, r#"[{"zzz": 1}]"#, body),
            false => (path, r#"{"zzz": 1}"#, body),
        };
        let (state, _calls) = api(true);
        let request = Request::builder().method(method).uri(uri).extension(Peer(([127, 0, 0, 1], 1).into()));
        let request = request.header(header::AUTHORIZATION, "Bearer super-administrator");
        let request =
            request.header(header::CONTENT_TYPE, "application/json").body(Body::from(text)).expect("a request");
        let response = router::router(state).call(request).await.unwrap_or_else(|never| match never {});
        assert_eq!(response.status(), 422, "{endpoint}");
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        let problem: Value = serde_json::from_slice(&bytes).expect("JSON");
        let said = problem["errors"][0]["detail"].as_str().or(problem["detail"].as_str()).expect("a detail");
        let known = said.split(" has ").nth(1).or(said.split("there are ").nth(1)).unwrap_or_else(|| panic!("{said}"));
        let known: BTreeSet<String> =
            word.find_iter(known).map(|word| word.as_str().to_owned()).filter(|word| word != "and").collect();
        assert_eq!(known, expect, "{endpoint}: {said}");
        compared += 1;
    }
    assert!(compared >= 12, "only {compared} endpoints were compared");
}
