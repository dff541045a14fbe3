//! Whose things callers see and change: their tenants', and nothing that is another's or nobody's.

use serde_json::{Value, json};

use super::client::Answer;
use super::ledger::{A, key, task};
use super::{Call, Served, api_on, exchange, serve_api, served, status};
use crate::model::ask::{self, Ask, Bulk, Deed, Selected, Selection};
use crate::model::ids::{Rrn, Seq};
use crate::model::path::LogicalPath;
use crate::model::record::{RecordsAnswer, SyncAnswer};
use crate::model::scope::Scope;
use crate::model::status::{Trouble, TroubleKind};
use crate::model::tenant::Tenant;
use crate::model::time::Wall;

pub(super) fn acme() -> Scope {
    Scope::of([Tenant::parse("acme").expect("a name")])
}

async fn ask(served: &Served, token: &str, line: &str, body: &Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    served.ask(&format!("{line} HTTP/1.1\r\nAuthorization: Bearer {token}\r\n"), &body).await
}

/// Asks, and answers as the engine would. What the engine was asked comes back too.
async fn ask_engine(served: &mut Served, token: &str, line: &str, body: &Value, reply: ask::Answer) -> (Answer, Ask) {
    let kind = if line.ends_with("/records") { "Content-Type: application/json\r\n" } else { "" };
    let head = format!("{line} HTTP/1.1\r\nAuthorization: Bearer {token}\r\n{kind}");
    let engine = async {
        let Call { ask, reply: to } = served.calls.recv().await.expect("a call");
        to.send(reply).expect("somebody waits");
        ask
    };
    let body = body.to_string();
    tokio::join!(exchange(served.address, &head, body.as_bytes()), engine)
}

#[tokio::test]
async fn lists_show_what_is_of_the_caller_s_tenants() {
    let served = served(true).await;
    for (line, name, theirs) in [
        ("GET /v1/deliveries", "deliveries", 4),
        ("GET /v1/deliveries?subscription=a&host=a.example.org", "deliveries", 4),
        ("GET /v1/deliveries?subscription=b", "deliveries", 0),
        ("GET /v1/subscriptions", "subscriptions", 1),
        ("GET /v1/subscriptions?name=b", "subscriptions", 0),
        ("GET /v1/tasks", "tasks", 1),
    ] {
        for (token, expect) in [("reader", theirs), ("super-delegate", theirs), ("other-reader", 0)] {
            let answer = ask(&served, token, line, &Value::Null).await.json();
            assert_eq!(answer[name].as_array().map(Vec::len), Some(expect), "{line} {token}: {answer}");
            assert_eq!(answer.get("next"), None, "{line} {token}");
        }
    }
    let all = ask(&served, "super-administrator", "GET /v1/subscriptions", &Value::Null).await.json();
    assert_eq!(
        all["subscriptions"].as_array().map(Vec::len),
        Some(2),
        "what has no tenant is the super-administrator's"
    );
}

#[tokio::test]
async fn another_tenant_s_thing_is_answered_as_one_that_does_not_exist() {
    let served = served(true).await;
    let delivery = "00000000000000ff-3";
    let uuid = task();
    for (line, is_there, known, unknown) in [
        ("GET /v1/deliveries/{}", true, delivery, "00000000000000ff-9"),
        ("GET /v1/deliveries/{}/body", true, delivery, "00000000000000ff-9"),
        ("POST /v1/deliveries/{}/retry", false, delivery, "00000000000000ff-9"),
        ("GET /v1/subscriptions/{}", true, "a", "z"),
        ("POST /v1/subscriptions/{}/pause", false, "a", "z"),
        ("POST /v1/subscriptions/{}/resume", false, "a", "z"),
        ("GET /v1/tasks/{}", true, uuid.as_str(), "none"),
        ("POST /v1/tasks/{}/stop", false, uuid.as_str(), "none"),
    ] {
        let theirs = ask(&served, "other-operator", &line.replace("{}", known), &Value::Null).await;
        let nobodys = ask(&served, "other-operator", &line.replace("{}", unknown), &Value::Null).await;
        assert_eq!((theirs.status, nobodys.status), (404, 404), "{line}");
        let detail = |answer: &Answer, id: &str| answer.json()["detail"].to_string().replace(&format!("{id}\\\""), "X");
        assert_eq!(detail(&theirs, known), detail(&nobodys, unknown), "{line}");
        if is_there {
            let own = ask(&served, "operator", &line.replace("{}", known), &Value::Null).await;
            assert_eq!(own.status, 200, "{line}");
        }
    }
    for (line, body) in [
        ("POST /v1/replay", json!({"subscription": "a", "dead": true})),
        ("POST /v1/replay", json!({"subscription": "a", "since": "2026-11-22T10:00:00Z"})),
        ("POST /v1/deliveries/retry", json!({"subscription": "a"})),
        ("POST /v1/deliveries/drop", json!({"id": delivery})),
    ] {
        assert_eq!(ask(&served, "other-operator", line, &body).await.status, 404, "{line} {body}");
    }
    // A subscription without a tenant.
    assert_eq!(ask(&served, "operator", "GET /v1/subscriptions/b", &Value::Null).await.status, 404);
}

#[tokio::test]
async fn writes_by_filter_reach_the_caller_s_tenants_alone() {
    let mut served = served(true).await;
    let selected = ask::Answer::Selected(Selected { count: 0, entries: 0, before: Seq(1), next: None });
    // What is only counted is one ask.
    let body = json!({"host": "a.example.org", "dryRun": true});
    let which = Selection { host: Some("a.example.org".to_owned()), ..Selection::of(acme()) };
    let (answer, asked) =
        ask_engine(&mut served, "operator", "POST /v1/deliveries/retry", &body, selected.clone()).await;
    let by = "operator".to_owned();
    let counted = |deed, which: &Selection| {
        let bulk = Bulk { deed, which: which.clone(), by: by.clone(), reason: None };
        Ask::Choose { bulk, is_dry_run: true }
    };
    assert_eq!((answer.status, asked), (200, counted(Deed::Retry, &which)));
    let (_, asked) = ask_engine(&mut served, "operator", "POST /v1/deliveries/drop", &body, selected.clone()).await;
    assert_eq!(asked, counted(Deed::Drop, &which));
    let (_, asked) = ask_engine(&mut served, "operator", "POST /v1/subscriptions/pause", &body, selected.clone()).await;
    assert_eq!(asked, counted(Deed::Pause, &which));
    let path = "POST /v1/deliveries/00000000000000ff-3/retry";
    let (_, asked) = ask_engine(&mut served, "operator", path, &json!({"dryRun": true}), selected).await;
    let which = Selection { id: Some(key(3)), ..Selection::of(acme()) };
    assert_eq!(asked, counted(Deed::Retry, &which));
    let (answer, asked) =
        ask_engine(&mut served, "operator", "POST /v1/subscriptions/a/pause", &json!({}), ask::Answer::Done).await;
    assert_eq!((answer.status, asked), (200, Ask::Pause { subscription: A, by, reason: None }));
}

#[tokio::test]
async fn scans_and_syncs_are_about_the_caller_s_mounts() {
    let mut served = served(true).await;
    let path = |text: &str| LogicalPath::parse(text.as_bytes()).expect("a path");
    let offline = vec![path("/acme"), path("/b")];
    let synced = || ask::Answer::Sync(SyncAnswer { seq: Seq(1), rrn: Rrn(1), offline: offline.clone() });
    for (token, expect) in
        [("super-administrator", json!(["/acme", "/b"])), ("recorder", json!(["/acme"])), ("other-recorder", json!([]))]
    {
        let (answer, _) = ask_engine(&mut served, token, "POST /v1/sync", &json!({}), synced()).await;
        assert_eq!((answer.status, &answer.json()["offline"]), (200, &expect), "{token}");
    }
    let (answer, asked) =
        ask_engine(&mut served, "operator", "POST /v1/rescan", &json!({"wait": true}), synced()).await;
    assert_eq!((answer.status, &answer.json()["offline"]), (200, &json!(["/acme"])));
    let Ask::Rescan { request, .. } = asked else { panic!("not a rescan: {asked:?}") };
    assert_eq!((request.path, request.scope), (None, acme()));
    let theirs = ask(&served, "other-operator", "POST /v1/rescan", &json!({"path": "/acme/d"})).await;
    assert_eq!(theirs.status, 422);
    assert!(!theirs.text().contains("there are: /acme"), "no mount of another's is named: {}", theirs.text());
}

#[tokio::test]
async fn records_carry_the_caller_s_tenants_and_what_is_outside_is_named() {
    let mut served = served(true).await;
    let body = json!([{"path": "/b/1", "set": {"City": "SFO"}}]);
    let answer = ask::Answer::Records(RecordsAnswer::OutsideScope { index: 0 });
    let (answer, asked) = ask_engine(&mut served, "recorder", "POST /v1/records", &body, answer).await;
    let Ask::Records(request) = asked else { panic!("not records: {asked:?}") };
    assert_eq!(request.scope, acme());
    let fault = &answer.json()["errors"][0];
    assert_eq!((answer.status, &fault["index"], &fault["field"]), (422, &json!(0), &json!("path")));
}

#[tokio::test]
async fn a_tenant_s_status_has_its_mounts_and_subscriptions_and_the_number_of_faults() {
    let (mut state, calls) = api_on(super::ledger::reader(), true);
    state.status = std::sync::Arc::new(|| {
        let mut status = status(true);
        let trouble = |kind, subject: Option<&str>| {
            Trouble::new(kind, Wall(0), "something is wrong".to_owned(), subject.map(str::to_owned))
        };
        status.troubles = vec![
            trouble(TroubleKind::Disk, None),
            trouble(TroubleKind::Mount, Some("/acme")),
            trouble(TroubleKind::Mount, Some("/b")),
            trouble(TroubleKind::Failing, Some("a")).of(Tenant::parse("acme").ok()),
            trouble(TroubleKind::Paused, Some("b")).of(Tenant::parse("b").ok()),
            trouble(TroubleKind::Dead, None),
        ];
        status.rules.faults = vec!["a.toml:1: secret".to_owned(), "b.toml:1: secret".to_owned()];
        let other = crate::model::status::MountStatus { path: "/b".to_owned(), ..status.mounts[0].clone() };
        status.mounts.push(other);
        status
    });
    let served = serve_api((state, calls)).await;
    for (token, mounts, subscriptions, troubles) in
        [("reader", json!(["/acme"]), 1, json!(["/acme", "a"])), ("other-reader", json!([]), 0, json!([]))]
    {
        let seen = ask(&served, token, "GET /v1/status", &Value::Null).await.json();
        let all = |list: &str, field: &str| -> Value {
            seen[list].as_array().expect("a list").iter().map(|row| row[field].clone()).collect()
        };
        assert_eq!((all("mounts", "path"), all("troubles", "subject")), (mounts, troubles), "{token}");
        let rules = json!({"generation": 1, "subscriptions": subscriptions, "faults": [], "faultsMore": 2});
        assert_eq!(seen["rules"], rules, "{token}");
        for about_all in ["outbox", "deliveries", "logLinesLost"] {
            assert_eq!(seen.get(about_all), None, "{token}: {about_all}");
        }
        assert!(!seen.to_string().contains("secret"), "{token}: {seen}");
    }
    let all = ask(&served, "super-administrator", "GET /v1/status", &Value::Null).await.json();
    assert_eq!((all["troubles"].as_array().map(Vec::len), all["mounts"].as_array().map(Vec::len)), (Some(6), Some(2)));
    assert_eq!(all["rules"]["faults"].as_array().map(Vec::len), Some(2));
}
