//! `GET /v1/why` over HTTP: which path is meant, who may ask, what is said when the engine or the disk does not answer.

use std::fs;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tower_service::Service as _;

use super::client::Answer;
use super::ledger::{A, AT};
use super::{Call, Role, Served, api, exchange, serve_api};
use crate::api::body::Peer;
use crate::api::limits::WHY_MAX;
use crate::api::router;
use crate::model::ask::{self, Ask};
use crate::model::change::Change;
use crate::model::look::Writer;
use crate::model::metadata::Metadata;
use crate::model::mount::Mount;
use crate::model::path::LogicalPath;
use crate::model::scope::Scope;
use crate::model::why::{PathSeen, RuleVerdict, There, Verdicts, Watched};

/// The disk: `/acme/hung` hangs, `/acme/srv/acme/x` is there, and the rest is as the ledger has it.
pub(super) fn survey(path: LogicalPath) -> oneshot::Receiver<PathSeen> {
    let (sender, answer) = oneshot::channel();
    let file = |size, mtime_ns| There::File { size, mtime_ns, writer: Writer::None, unread: None };
    let there = match path.as_bytes() {
        b"/acme/hung" => {
            tokio::spawn(async move {
                std::future::pending::<()>().await;
                drop(sender);
            });
            return answer;
        }
        b"/acme/1" => file(9, AT.0 * 1_000_000),
        _ => There::Nothing,
    };
    sender.send(PathSeen { ignored: None, there }).expect("somebody waits");
    answer
}

/// One rule, `a`, which fires.
pub(super) fn verdicts(_: &Mount, change: &Change, state: &Metadata, scope: &Scope) -> Verdicts {
    assert!(change.path.as_bytes() == b"/acme/1" && state.contains_key("City"));
    let rule = RuleVerdict { id: Some(A), subscription: "a".to_owned(), failed: None };
    if scope.is_all() { Verdicts { shown: vec![rule], asked: 1, firing: 1 } } else { Verdicts::default() }
}

/// Asks, with an engine that knows of nothing that waits. What the engine was asked comes back too.
async fn why(served: &mut Served, token: &str, query: &str) -> (Answer, Vec<Ask>) {
    let head = format!("GET /v1/why{query} HTTP/1.1\r\nAuthorization: Bearer {token}\r\n");
    let (ended, mut asks) = (exchange(served.address, &head, b""), Vec::new());
    tokio::pin!(ended);
    loop {
        tokio::select! {
            answer = &mut ended => return (answer, asks),
            Some(Call { ask, reply }) = served.calls.recv() => {
                asks.push(ask);
                reply.send(ask::Answer::Watched(Some(Box::<Watched>::default()))).expect("somebody waits");
            }
        }
    }
}

/// The example of docs/api.md is what a real answer looks like.
#[tokio::test]
async fn the_documented_example_is_an_answer() {
    let mut served = serve_api(api(true)).await;
    let (answer, asks) = why(&mut served, "super-administrator", "?path=/srv/acme/1").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let path = LogicalPath::parse(b"/acme/1").expect("a path");
    assert_eq!(asks, [Ask::Watched(path)], "a path on disk is translated");
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/api.md")).expect("the page");
    let section = page.split("## Why").nth(1).expect("the section");
    let example = section.split("```json").nth(1).and_then(|text| text.split("```").next()).expect("an example");
    let example: Value = serde_json::from_str(example).expect("JSON");
    assert_eq!(answer.json(), example, "{:#}", answer.json());
}

#[tokio::test]
async fn a_tenant_asks_of_its_own_mounts_and_a_path_is_given_once() {
    let mut served = serve_api(api(true)).await;
    for (token, query, status) in [
        ("reader", "?path=/acme/1", 200),
        ("reader", "?path=/srv/acme/1", 200),
        ("reader", "?path=/elsewhere", 404),
        ("other-reader", "?path=/acme/1", 404),
        ("other-reader", "?path=/srv/acme/1", 404),
        ("recorder", "?path=/acme/1", 403),
        ("super-administrator", "?path=/elsewhere", 200),
        ("super-administrator", "?path64=L2FjbWUvMQ==", 200),
        ("super-administrator", "", 422),
        ("super-administrator", "?path=acme", 422),
        ("super-administrator", "?path=/acme/1&path64=L2FjbWUvMQ==", 422),
    ] {
        let (answer, asks) = why(&mut served, token, query).await;
        assert_eq!(answer.status, status, "{token} {query}: {}", answer.text());
        assert!(status == 200 || asks.is_empty(), "{token} {query}: {asks:?}");
    }
    let (answer, _) = why(&mut served, "reader", "?path=/acme/1").await;
    let (rules, stopped) = (&answer.json()["rules"], &answer.json()["stopped"]);
    assert_eq!((rules, stopped), (&json!([]), &json!("waiting-for-retry")), "{}", answer.text());
    let (answer, asks) = why(&mut served, "super-administrator", "?path=/elsewhere/%0a").await;
    assert_eq!((&answer.json()["stopped"], asks.len()), (&json!("no-mount"), 0), "{}", answer.text());
    let sentence = answer.json()["sentence"].as_str().expect("a sentence").to_owned();
    assert!(!sentence.contains('\n') && sentence.contains("there are /acme (/srv/acme)"), "{sentence}");
}

#[tokio::test(start_paused = true)]
async fn neither_a_hung_disk_nor_a_silent_engine_keeps_the_answer_for_longer_than_the_limit() {
    let (state, mut calls) = api(true);
    let mut router = router::router(state);
    let token = format!("Bearer {}", Role::SuperAdministrator.as_str());
    let request = Request::get("/v1/why?path=/acme/hung").header(header::AUTHORIZATION, token);
    let request = request.extension(Peer(([127, 0, 0, 1], 1).into())).body(Body::empty()).expect("a request");
    let began = tokio::time::Instant::now();
    let (response, _held) = tokio::join!(router.call(request), calls.recv());
    // Once for the disk, and once for the engine, which has taken the question and says nothing.
    let took = began.elapsed();
    assert!(took >= 2 * WHY_MAX && took < 3 * WHY_MAX, "{took:?}");
    let response = response.unwrap_or_else(|never| match never {});
    assert_eq!(response.status(), 200);
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    let answer: Value = serde_json::from_slice(&body).expect("JSON");
    let text = |stage: usize| answer["stages"][stage]["text"].as_str().expect("a text").to_owned();
    assert!(text(2).contains("the filesystem does not answer"), "{answer:#}");
    let sentence = answer["sentence"].as_str().expect("a sentence");
    assert!(sentence.contains("ringback could not be asked what waits: it does not answer"), "{answer:#}");
}
