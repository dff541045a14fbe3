//! The audit: of each write by a caller there is one line, whatever came of it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, OnceLock};

use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use serde_json::Value;
use tower_service::Service as _;

use super::{Call, Role, api};
use crate::api::AUDIT;
use crate::api::body::Peer;
use crate::api::router;
use crate::model::ask::{Answer, Selected};
use crate::model::ids::Seq;

/// Lines of a log.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panicked").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// The audit's lines about requests from an address, each as JSON.
    fn audit(&self, from: &str) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().expect("nobody panicked").clone()).expect("UTF-8");
        let lines = text.lines().map(|line| serde_json::from_str(line).expect("JSON"));
        lines.filter(|line: &Value| line["target"] == AUDIT && line["from"] == from).collect()
    }
}

/// The log of this process: one for all threads, because a line that a thread without one meets first is not logged by
/// the others either.
fn log() -> &'static Lines {
    static LOG: OnceLock<Lines> = OnceLock::new();
    LOG.get_or_init(|| {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt().json().flatten_event(true).with_writer(move || writer.clone());
        tracing::subscriber::set_global_default(subscriber.finish()).expect("no other test sets one");
        lines
    })
}

fn request(from: &str, line: &str, token: Option<&str>, body: &str) -> Request {
    let (method, path) = line.split_once(' ').expect("a method and a path");
    let mut request = Request::builder().method(method).uri(path).extension(Peer(from.parse().expect("an address")));
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    request.body(Body::from(body.to_owned())).expect("a request")
}

#[tokio::test]
async fn each_write_leaves_one_line_and_nothing_else_does() {
    const FROM: &str = "192.0.2.7:9";
    let lines = log();
    let (state, mut calls) = api(true);
    let mut router = router::router(state);
    tokio::spawn(async move {
        while let Some(Call { reply, .. }) = calls.recv().await {
            let selected = Selected { count: 3, entries: 5, before: Seq(9), next: None };
            let _ = reply.send(Answer::Selected(selected));
        }
    });
    let operator = Some(Role::Operator.as_str());
    for (line, token, body) in [
        ("GET /v1/status", operator, ""),
        ("GET /v1/deliveries", operator, ""),
        ("POST /v1/deliveries/drop", None, "{}"),
        ("POST /v1/deliveries/drop", Some("wrong"), "{}"),
        ("POST /v1/deliveries/drop", operator, r#"{"host": "a.example.org", "reason": "a move"}"#),
        ("POST /v1/deliveries/drop", operator, "{}"),
        ("POST /v1/subscriptions/none/pause", operator, ""),
        ("POST /v1/records?x=secret", Some("reader"), ""),
    ] {
        let response = router.call(request(FROM, line, token, body)).await.unwrap_or_else(|never| match never {});
        drop(response);
    }
    let said: Vec<String> = lines
        .audit(FROM)
        .iter()
        .map(|line| {
            assert_eq!(line["audit"], true, "{line}");
            ["by", "role", "endpoint", "path", "status", "did"].map(|field| line[field].to_string()).join(" ")
        })
        .collect();
    assert_eq!(
        said,
        [
            r#""operator" "operator" "POST /v1/deliveries/drop" "/v1/deliveries/drop" 200 "3 deliveries with 5 entries dropped to a.example.org because a move""#,
            r#""operator" "operator" "POST /v1/deliveries/drop" "/v1/deliveries/drop" 422 null"#,
            r#""operator" "operator" "POST /v1/subscriptions/{id}/pause" "/v1/subscriptions/none/pause" 404 null"#,
            r#""reader" "reader" "POST /v1/records" "/v1/records" 403 null"#,
        ]
    );
}

#[tokio::test]
async fn a_caller_who_goes_away_leaves_a_line_too() {
    const FROM: &str = "192.0.2.8:9";
    let lines = log();
    let (state, mut calls) = api(true);
    let mut router = router::router(state);
    let asked = router.call(request(FROM, "POST /v1/rescan", Some("operator"), ""));
    // The request is dropped once the engine has been asked.
    tokio::select! {
        _ = asked => panic!("nobody has answered it"),
        call = calls.recv() => assert!(call.is_some()),
    }
    let audit = lines.audit(FROM);
    assert_eq!(audit.len(), 1, "{audit:?}");
    assert_eq!((&audit[0]["by"], &audit[0]["status"]), (&"operator".into(), &Value::Null));
    assert!(audit[0]["message"].as_str().is_some_and(|text| text.contains("went away")), "{audit:?}");
}
