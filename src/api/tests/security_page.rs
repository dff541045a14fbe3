//! docs/security.md against the router: each endpoint has its row, and answers each role as the row says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tokio::sync::mpsc;
use tower_service::Service as _;

use super::{Call, Role, api_on};
use crate::api::auth::{Right, may};
use crate::api::body::Peer;
use crate::api::router::{self, Endpoint};
use crate::api::{dialects, native};
use crate::model::ask::{Answer, Ask, Selected};
use crate::model::ids::{Rrn, Seq};
use crate::model::record::{RecordsAnswer, SyncAnswer};
use crate::model::rescan::{RescanAnswer, Until};
use crate::model::scope::Scope;

/// What a cell of the table may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    NoToken,
    No,
    Yes,
    Any,
    ItsTenants,
}

/// The table of the page: a row an endpoint, a cell a role.
fn page() -> BTreeMap<String, BTreeMap<Role, Cell>> {
    let text = include_str!("../../../docs/security.md");
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`').to_owned()).collect()
    };
    let mut lines = text.lines().skip_while(|line| !line.starts_with("| endpoint |"));
    let head = cells(lines.next().expect("the table"));
    let roles: Vec<Role> = head[1..].iter().map(|role| Role::parse(role).expect("a role")).collect();
    assert_eq!(roles, Role::ALL, "each role has a column");
    let rows = lines.skip(1).take_while(|line| line.starts_with('|')).map(|line| {
        let cells = cells(line);
        let said = cells[1..].iter().map(|cell| match cell.as_str() {
            "no token" => Cell::NoToken,
            "no" => Cell::No,
            "yes" => Cell::Yes,
            "any" => Cell::Any,
            "its tenants" => Cell::ItsTenants,
            other => panic!("{line}: there is no {other:?}"),
        });
        (cells[0].clone(), roles.iter().copied().zip(said).collect())
    });
    rows.collect()
}

#[test]
fn the_page_has_a_row_for_each_endpoint_and_no_other() {
    let served: Vec<String> =
        router::endpoints().iter().map(|Endpoint { method, path, .. }| format!("{method} {path}")).collect();
    let page = page();
    let missing: Vec<_> = served.iter().filter(|endpoint| !page.contains_key(*endpoint)).collect();
    assert!(missing.is_empty(), "docs/security.md has no row for {missing:?}");
    let gone: Vec<_> = page.keys().filter(|endpoint| !served.contains(*endpoint)).collect();
    assert!(gone.is_empty(), "docs/security.md has a row for what is not served: {gone:?}");
    // What is routed past the list would be on no page and behind no gate.
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api");
    let mut routes = 0;
    let mut dirs = vec![source];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).expect("the source") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true if path.ends_with("tests") => {}
                true => dirs.push(path),
                false => routes += fs::read_to_string(&path).expect("UTF-8").matches(".route(").count(),
            }
        }
    }
    assert_eq!(routes, 1, "the router takes its routes from `endpoints` alone");
}

/// The paths and bodies that are asked of an endpoint, about things of the tenant `acme`.
fn sample(endpoint: &str) -> (String, &'static str) {
    let (_, path) = endpoint.split_once(' ').expect("a method and a path");
    let body = match path {
        "/v1/records" => r#"[{"path": "/acme/1", "set": {"City": "SFO"}}]"#,
        "/v1/hints" => r#"{"paths": ["/acme/1"]}"#,
        "/v1/rescan" => r#"{"path": "/acme/1"}"#,
        "/{collection}/tasks" | "/{collection}/tasks/" => r#"{"task": "rescan", "path": "/acme/1"}"#,
        "/v1/deliveries/retry" | "/v1/deliveries/drop" | "/v1/subscriptions/pause" | "/v1/subscriptions/resume" => {
            r#"{"subscription": "a"}"#
        }
        "/v1/explain" => r#"{"journal": 5}"#,
        "/v1/replay" => r#"{"subscription": "a", "dead": true}"#,
        _ => "",
    };
    let id = if path.starts_with("/v1/subscriptions") { "a" } else { "00000000000000ff-3" };
    let path = match path {
        "/v1/assets" => "/v1/assets?path=/acme/1",
        "/v1/why" => "/v1/why?path=/acme/1",
        path => path,
    };
    let path = path.replace("{id}", id).replace("{uuid}", &super::ledger::task());
    (path.replace("{topic}", super::ledger::TOPIC), body)
}

/// What came of a request: its status, its body, and what the engine was asked.
struct Asked {
    status: u16,
    body: String,
    ask: Option<Ask>,
}

async fn ask(
    router: &mut Router,
    asks: &mut mpsc::UnboundedReceiver<Ask>,
    endpoint: &str,
    token: Option<&str>,
) -> Asked {
    let (method, _) = endpoint.split_once(' ').expect("a method");
    let (path, body) = sample(endpoint);
    let mut request = Request::builder().method(method).uri(path).extension(Peer(([127, 0, 0, 1], 1).into()));
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body)).expect("a request");
    let response = router.call(request).await.unwrap_or_else(|never| match never {});
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    // Some endpoints count before they act.
    let ask = std::iter::from_fn(|| asks.try_recv().ok()).last();
    Asked { status, body: String::from_utf8_lossy(&body).into_owned(), ask }
}

/// An engine that says yes to everything; what it was asked comes out of the channel.
fn agreeing(mut calls: mpsc::Receiver<Call>) -> mpsc::UnboundedReceiver<Ask> {
    let (asked, asks) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(Call { ask, reply }) = calls.recv().await {
            let answer = match &ask {
                // Whatever lies outside the scope of the caller is refused by the engine.
                Ask::Records(request) if !request.scope.covers(super::mounts()[0].tenant.as_ref()) => {
                    Answer::Records(RecordsAnswer::OutsideScope { index: 0 })
                }
                Ask::Records(_) => {
                    Answer::Records(RecordsAnswer::Accepted { rrn: Rrn(1), accepted: 1, applied: 1, events: 0 })
                }
                Ask::Rescan { until: Until::Asked, .. } => Answer::Begun(super::ledger::task()),
                Ask::Rescan { .. } => Answer::Rescan(RescanAnswer::Begun { offline: vec![], task: None }),
                Ask::Sync => Answer::Sync(SyncAnswer { seq: Seq(1), rrn: Rrn(1), offline: vec![] }),
                Ask::Trial { .. } => Answer::Trial(Box::new(super::trial::made())),
                Ask::Choose { .. } => Answer::Selected(Selected { count: 1, entries: 1, before: Seq(9), next: None }),
                Ask::Watched(_) => Answer::Watched(Some(Box::default())),
                _ => Answer::Done,
            };
            asked.send(ask).expect("the test listens");
            reply.send(answer).expect("a caller waits");
        }
    });
    asks
}

/// Whose things an ask is about, where it says so itself.
fn scope_of(ask: &Ask) -> Option<&Scope> {
    match ask {
        Ask::Records(request) => Some(&request.scope),
        Ask::Rescan { request, .. } => Some(&request.scope),
        Ask::Choose { bulk, .. } | Ask::Begin { bulk, .. } => Some(&bulk.which.scope),
        _ => None,
    }
}

#[tokio::test]
async fn each_endpoint_answers_each_role_as_the_page_says() {
    let (ledger, reader) = super::ledger::ledger_and_reader(0);
    super::ledger::topic_in(&ledger);
    let (mut state, calls) = api_on(reader, true);
    state.registry = Arc::new(super::ledger::registry_with_topic);
    let mut asks = agreeing(calls);
    let mut router = router::router(state);
    let native: BTreeSet<_> =
        native::endpoints().iter().map(|Endpoint { method, path, .. }| format!("{method} {path}")).collect();
    for (endpoint, row) in page().into_iter().filter(|(endpoint, _)| native.contains(endpoint)) {
        for (role, cell) in row {
            let what = format!("{endpoint} as {}", role.as_str());
            let without = ask(&mut router, &mut asks, &endpoint, None).await;
            assert_eq!(without.status == 401, cell != Cell::NoToken, "{what} without a token: {}", without.body);
            let own = ask(&mut router, &mut asks, &endpoint, Some(role.as_str())).await;
            match cell {
                Cell::No => assert_eq!((own.status, own.ask), (403, None), "{what}: {}", own.body),
                _ => assert!(matches!(own.status, 200 | 202), "{what}: {} {}", own.status, own.body),
            }
            if role == Role::SuperAdministrator {
                assert!(matches!(cell, Cell::Any | Cell::Yes | Cell::NoToken), "{what}");
                continue;
            }
            let other = ask(&mut router, &mut asks, &endpoint, Some(&format!("other-{}", role.as_str()))).await;
            match cell {
                Cell::No => assert_eq!((other.status, other.ask), (403, None), "{what} of another tenant"),
                Cell::Yes | Cell::NoToken => assert_eq!(other.status, own.status, "{what} of another tenant"),
                Cell::Any => panic!("{what}: a super-administrator alone sees things of any tenant"),
                Cell::ItsTenants => assert_sees_nothing(&what, &other),
            }
        }
    }
}

/// Dialects write refusals in their own ways, which their tests know. Each of their endpoints is behind the gate, and
/// the gate asks for the right that the page says.
#[test]
fn each_endpoint_of_a_dialect_asks_for_the_right_that_the_page_says() {
    let page = page();
    let endpoints = dialects::endpoints();
    assert!(!endpoints.is_empty());
    for Endpoint { method, path, right, .. } in endpoints {
        let right = right.unwrap_or_else(|| panic!("{method} {path} is open to anybody"));
        for (role, cell) in &page[&format!("{method} {path}")] {
            let expect = match (may(*role, right), role) {
                (false, _) => Cell::No,
                (true, _) if right == Right::Session => Cell::Yes,
                (true, Role::SuperAdministrator) => Cell::Any,
                (true, _) => Cell::ItsTenants,
            };
            assert_eq!(*cell, expect, "{method} {path} as {}", role.as_str());
        }
    }
}

/// The answer is that of a caller for whom there is nothing of the tenant `acme`.
#[track_caller]
fn assert_sees_nothing(what: &str, other: &Asked) {
    let Asked { status, body, ask } = other;
    if what.starts_with("GET /metrics") {
        assert!(*status == 200 && !body.contains("acme"), "{what}: {status} {body}");
        return;
    }
    let json: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{what}: {error}: {body}"));
    match status {
        404 => assert_eq!(ask, &None, "{what}: nothing is asked of the engine"),
        422 => {
            let scope = ask.as_ref().and_then(scope_of);
            assert!(scope.is_none_or(|scope| !scope.is_all()), "{what}: {ask:?}");
        }
        200 => {
            let lists = json.as_object().expect("an object").values().filter_map(Value::as_array);
            assert!(lists.clone().count() > 0 && lists.clone().all(Vec::is_empty), "{what}: {body}");
            assert!(!body.contains("acme"), "{what}: {body}");
        }
        other => panic!("{what} of another tenant: {other} {body}"),
    }
}
