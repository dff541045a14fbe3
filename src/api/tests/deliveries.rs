//! Deliveries and subscriptions over HTTP: what is shown of them, and what the engine is asked to do.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::Call;
use super::client::Answer;
use super::ledger::{A, AT, B, key, registry};
use super::{Served, api_on, auth, exchange, serve_api, served};
use crate::api::limits::CHOSEN_AT_ONCE_MAX;
use crate::model::ask::{self, Ask, Bulk, Deed, Held, Selected, Selection};
use crate::model::ids::{Seq, SubscriptionId};
use crate::model::lane::LATE_MS;
use crate::model::listing::{DeliveryState, Point, Registry, Span, Subscriptions};
use crate::model::principal::Role;
use crate::model::time::Wall;

async fn get(served: &Served, path: &str) -> Answer {
    served.ask(&format!("GET {path} HTTP/1.1\r\n{}", auth(Role::SuperAdministrator)), "").await
}

/// Posts, and answers as the engine would. What the engine was asked comes back too.
async fn post(served: &mut Served, path: &str, body: &Value, reply: ask::Answer) -> (Answer, Ask) {
    let head = format!("POST {path} HTTP/1.1\r\n{}", auth(Role::SuperAdministrator));
    let engine = async {
        match served.calls.recv().await {
            Some(Call { ask, reply: to }) => {
                to.send(reply).expect("somebody waits");
                ask
            }
            other => panic!("not an ask: {other:?}"),
        }
    };
    let body = body.to_string();
    tokio::join!(exchange(served.address, &head, body.as_bytes()), engine)
}

/// The numbers of the deliveries in an answer.
fn numbers(answer: &Answer) -> Vec<String> {
    let id = |row: &Value| row["id"].as_str().expect("an id").rsplit('-').next().expect("a number").to_owned();
    answer.json()["deliveries"].as_array().expect("a list").iter().map(id).collect()
}

#[tokio::test]
async fn deliveries_are_listed_newest_first_and_by_each_filter() {
    let served = served(true).await;
    for (query, expect) in [
        ("", "4 3 2 1"),
        ("?state=waiting", "1"),
        ("?state=in-flight", "2"),
        ("?state=dead", "3"),
        ("?state=delivered", "4"),
        ("?state=pending", ""),
        ("?subscription=a", "4 3 2 1"),
        ("?subscription=b", ""),
        ("?subscription=none", ""),
        ("?host=a.example.org", "4 3 2 1"),
        ("?host=a.example.org:443&subscription=a", "4 3 2 1"),
        ("?host=b.example.org&subscription=a", ""),
        ("?outcome=http-error", "3 1"),
        ("?outcome=succeeded", "4"),
        ("?path=/acme/3", "3"),
        ("?path64=L2FjbWU=", "4 3 2 1"),
        ("?path=/none", ""),
        ("?since=2", "4 3"),
        ("?before=3", "2 1"),
        ("?since=2026-11-22T10:00:00.004Z", "4"),
        ("?before=2026-11-22T10:00:00.002Z", "1"),
    ] {
        let answer = get(&served, &format!("/v1/deliveries{query}")).await;
        assert_eq!((answer.status, numbers(&answer).join(" ")), (200, expect.to_owned()), "{query}");
    }
    let mut pages = Vec::new();
    let mut path = "/v1/deliveries?limit=3".to_owned();
    loop {
        let answer = get(&served, &path).await;
        pages.push(numbers(&answer));
        let next = answer.json()["next"].as_str().map(str::to_owned);
        let Some(next) = next else { break };
        path = format!("/v1/deliveries?limit=3&cursor={next}");
    }
    assert_eq!(pages, [vec!["4", "3", "2"], vec!["1"]]);
}

#[tokio::test]
async fn a_delivery_is_shown_with_its_attempts_and_its_bytes_and_no_secret() {
    let served = served(true).await;
    let answer = get(&served, "/v1/deliveries/00000000000000ff-3").await;
    let attempt = json!({"number": 1, "at": "2026-11-22T10:00:00.000Z", "durationMs": 7, "outcome": "http-error", "status": 503, "answer": "later"});
    assert_eq!(
        answer.json(),
        json!({
            "id": "00000000000000ff-3", "subscription": "a", "host": "a.example.org:443", "state": "dead", "entries": 1,
            "firstSeq": 3, "lastSeq": 3, "createdAt": "2026-11-22T10:00:00.003Z", "endedAt": "2026-11-22T10:00:00.000Z",
            "outcome": "http-error", "status": 503, "durationMs": 7, "attempts": [attempt], "last": attempt, "seqs": [3]
        })
    );
    let body = get(&served, "/v1/deliveries/00000000000000ff-3/body").await;
    assert_eq!((body.text().as_str(), body.header("content-type")), ("body 3", Some("application/octet-stream")));
    for (path, status) in [
        ("/v1/deliveries/00000000000000ff-4/body", 404),
        ("/v1/deliveries/00000000000000ff-9", 404),
        ("/v1/deliveries/00000000000000aa-3", 404),
        ("/v1/deliveries?state=lost", 422),
        ("/v1/deliveries?status=500", 422),
        ("/v1/deliveries?limit=1001", 422),
        ("/v1/deliveries?since=yesterday", 422),
        ("/v1/deliveries?cursor=x", 422),
        ("/v1/subscriptions?state=broken", 422),
        ("/v1/subscriptions/none", 404),
    ] {
        assert_eq!(get(&served, path).await.status, status, "{path}");
    }
    for path in ["/v1/deliveries", "/v1/subscriptions", "/v1/subscriptions/a"] {
        assert!(!get(&served, path).await.text().contains("secret"), "{path}");
    }
}

#[tokio::test]
async fn a_page_of_deliveries_has_up_to_the_limit() {
    let served = served(true).await;
    assert_eq!(get(&served, &format!("/v1/deliveries?limit={}", super::limits::PAGE_MAX)).await.status, 200);
    assert_eq!(get(&served, &format!("/v1/deliveries?limit={}", super::limits::PAGE_MAX + 1)).await.status, 422);
}

#[tokio::test]
async fn subscriptions_are_listed_with_what_keeps_them_from_being_notified() {
    let mut served = served(true).await;
    let b = json!({
        "id": "b", "name": "b", "origin": "rule-file", "tenant": null,
        "target": {"method": "POST", "url": "https://b.example.org"}, "state": "paused", "owed": 1, "oldestSeconds": 10,
        "paused": {"by": "jo", "at": "2026-11-22T10:00:00.000Z", "reason": "a move"}
    });
    let answer = get(&served, "/v1/subscriptions?state=paused").await;
    assert_eq!(answer.json(), json!({"subscriptions": [b]}));
    let names = |answer: &Answer| {
        let rows = answer.json()["subscriptions"].as_array().expect("a list").clone();
        rows.iter().map(|row| row["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>().join(" ")
    };
    for (query, expect) in [
        ("", "a b"),
        ("?host=a.example.org", "a"),
        ("?name=b", "b"),
        ("?tenant=x", ""),
        ("?limit=1", "a"),
        ("?limit=1&cursor=1", "b"),
    ] {
        assert_eq!(names(&get(&served, &format!("/v1/subscriptions{query}")).await), expect, "{query}");
    }
    let (answer, asked) =
        post(&mut served, "/v1/subscriptions/b/pause", &json!({"reason": "why"}), ask::Answer::Done).await;
    assert_eq!((answer.status, answer.json()), (200, b));
    let by = "super-administrator".to_owned();
    let expect = Ask::Pause { subscription: B, by: by.clone(), reason: Some("why".to_owned()) };
    assert_eq!(asked, expect);
    let (answer, asked) = post(&mut served, "/v1/subscriptions/b/resume", &json!({}), ask::Answer::PausedByFile).await;
    assert_eq!((answer.status, asked), (409, Ask::Resume { subscription: B, by }));
    // Its rule went away: the ledger knows it, the engine does not.
    let (answer, _) = post(&mut served, "/v1/subscriptions/a/pause", &json!({}), ask::Answer::NotFound).await;
    assert_eq!(answer.status, 404);
    let head = format!("POST /v1/subscriptions/x/pause HTTP/1.1\r\n{}", auth(Role::SuperAdministrator));
    assert_eq!(exchange(served.address, &head, b"{}").await.status, 404, "nobody of that name");
    let (answer, _) = post(&mut served, "/v1/subscriptions/a/pause", &json!({}), ask::Answer::Unavailable).await;
    assert_eq!(answer.status, 503);
}

/// The paths that pause and resume by a filter are no names of subscriptions for `POST` alone.
#[tokio::test]
async fn a_subscription_may_have_the_name_of_what_is_done_with_several() {
    let (ledger, reader) = super::ledger::ledger_and_reader(0);
    ledger.begin().expect("a group");
    let pause = ledger.enrol(None, "pause").expect("a number");
    ledger.commit().expect("a commit");
    let (mut state, calls) = api_on(reader, true);
    state.registry = Arc::new(move || {
        let before = registry();
        let of_files = before.subscriptions.of_files.iter().map(|(id, it)| (*id, Arc::clone(it)));
        let of_files = of_files.chain([(pause, Arc::clone(&before.subscriptions.of_files[&B]))]).collect();
        Registry { subscriptions: Subscriptions { of_files: Arc::new(of_files), ..before.subscriptions }, ..before }
    });
    let mut served = serve_api((state, calls)).await;
    let shown = get(&served, "/v1/subscriptions/pause").await;
    assert_eq!((shown.status, &shown.json()["name"]), (200, &json!("pause")), "{}", shown.text());
    assert_eq!(get(&served, "/v1/subscriptions/resume").await.status, 404, "nobody of that name");
    let operator = format!("GET /v1/subscriptions/pause HTTP/1.1\r\n{}", auth(Role::Recorder));
    assert_eq!(exchange(served.address, &operator, b"").await.status, 403, "it is asked who may");
    let by = "super-administrator".to_owned();
    let (answer, asked) = post(&mut served, "/v1/subscriptions/pause/pause", &json!({}), ask::Answer::Done).await;
    assert_eq!((answer.status, asked), (200, Ask::Pause { subscription: pause, by, reason: None }));
    let head = format!("DELETE /v1/subscriptions/pause HTTP/1.1\r\n{}", auth(Role::SuperAdministrator));
    assert_eq!(exchange(served.address, &head, b"").await.status, 405);
}

/// `a` is owed two deliveries that were cut just after [`AT`], and `b` is paused.
#[tokio::test]
async fn a_subscription_whose_oldest_entry_is_five_minutes_old_is_late() {
    for (after_ms, is_late) in [(LATE_MS + 1, Value::Null), (LATE_MS + 2, json!(true))] {
        let (mut state, calls) = super::api(true);
        let now = Some(Wall(AT.0 + after_ms));
        state.registry = Arc::new(move || Registry { now, ..registry() });
        let served = serve_api((state, calls)).await;
        let rows = get(&served, "/v1/subscriptions").await.json()["subscriptions"].clone();
        assert_eq!((&rows[0]["late"], &rows[0]["state"]), (&is_late, &json!("active")));
        assert_eq!((&rows[1]["late"], &rows[1]["state"]), (&Value::Null, &json!("paused")));
        assert_eq!(get(&served, "/v1/subscriptions/a").await.json()["late"], is_late);
    }
}

/// Posts, and answers each ask as the engine would, one after the other. What it was asked comes back too.
async fn post_asking(
    served: &mut Served,
    path: &str,
    body: &Value,
    replies: impl IntoIterator<Item = ask::Answer>,
) -> (Answer, Vec<Ask>) {
    let head = format!("POST {path} HTTP/1.1\r\n{}", auth(Role::SuperAdministrator));
    let engine = async {
        let mut asked = Vec::new();
        for reply in replies {
            let Call { ask, reply: to } = served.calls.recv().await.expect("an ask");
            to.send(reply).expect("somebody waits");
            asked.push(ask);
        }
        asked
    };
    let body = body.to_string();
    tokio::join!(exchange(served.address, &head, body.as_bytes()), engine)
}

#[tokio::test]
async fn what_is_retried_dropped_and_replayed_is_counted_first_and_chosen_by_a_filter() {
    let mut served = served(true).await;
    let at = Some((SubscriptionId(1), key(3)));
    let piece = |count, next| ask::Answer::Selected(Selected { count, entries: 2 * count, before: Seq(9), next });
    let choose = |deed, which: &Selection, reason: Option<&str>, is_dry_run| {
        let by = "super-administrator".to_owned();
        let bulk = Bulk { deed, which: which.clone(), by, reason: reason.map(str::to_owned) };
        Ask::Choose { bulk, is_dry_run }
    };
    let body = json!({"host": "a.example.org", "state": "waiting", "outcome": "timeout", "since": 4, "before": "2026-11-22T10:00:00Z"});
    let replies = [piece(2, at), piece(1, None), piece(2, at), piece(1, None)];
    let (answer, asked) = post_asking(&mut served, "/v1/deliveries/retry", &body, replies).await;
    let answered = json!({"deliveries": 3, "entries": 6, "before": 9, "dryRun": false});
    assert_eq!((answer.status, answer.json()), (200, answered));
    let which = Selection {
        host: Some("a.example.org".to_owned()),
        state: Some(DeliveryState::Waiting),
        outcome: Some("timeout".to_owned()),
        span: Span { since: Some(Point::Seq(Seq(4))), before: Some(Point::Time(super::ledger::AT)) },
        ..Selection::default()
    };
    let on = Selection { after: at, ..which.clone() };
    let expect = [(&which, true), (&on, true), (&which, false), (&on, false)];
    assert_eq!(asked, expect.map(|(which, is_dry_run)| choose(Deed::Retry, which, None, is_dry_run)));

    // What is cut after the count is not meant.
    let body = json!({"subscription": "a", "dead": true, "reason": "mended"});
    let (_, asked) = post_asking(&mut served, "/v1/replay", &body, [piece(3, None), piece(3, None)]).await;
    let which = Selection { subscription: Some(A), state: Some(DeliveryState::Dead), ..Selection::default() };
    let until = Span { since: None, before: Some(Point::Seq(Seq(9))) };
    let bounded = Selection { span: until, ..which.clone() };
    let reason = Some("mended");
    assert_eq!(asked, [choose(Deed::Retry, &which, reason, true), choose(Deed::Retry, &bounded, reason, false)]);

    let body = json!({"id": "00000000000000ff-3", "reason": "old", "dryRun": true});
    let (answer, asked) = post(&mut served, "/v1/deliveries/drop", &body, piece(1, None)).await;
    assert_eq!(answer.json(), json!({"deliveries": 1, "entries": 2, "before": 9, "dryRun": true}));
    let which = Selection { id: Some(key(3)), ..Selection::default() };
    assert_eq!(asked, choose(Deed::Drop, &which, Some("old"), true));
    let path = "/v1/deliveries/00000000000000ff-3/retry";
    let (answer, asked) = post(&mut served, path, &json!({}), ask::Answer::NotFound).await;
    assert_eq!((answer.status, asked), (404, choose(Deed::Retry, &which, None, true)));
}

#[tokio::test]
async fn with_more_than_the_limit_a_task_does_it() {
    let mut served = served(true).await;
    let counted = |count| ask::Answer::Selected(Selected { count, entries: count, before: Seq(9), next: None });
    let body = json!({"host": "a.example.org"});
    for (path, noun) in [("/v1/deliveries/drop", "deliveries"), ("/v1/subscriptions/pause", "subscriptions")] {
        let at_once = [counted(CHOSEN_AT_ONCE_MAX), counted(CHOSEN_AT_ONCE_MAX)];
        let (answer, _) = post_asking(&mut served, path, &body, at_once).await;
        assert_eq!((answer.status, &answer.json()[noun]), (200, &json!(CHOSEN_AT_ONCE_MAX)), "{path}");

        let more = CHOSEN_AT_ONCE_MAX + 1;
        let begun = ask::Answer::Begun("uuid".to_owned());
        let (answer, asked) = post_asking(&mut served, path, &body, [counted(more), begun]).await;
        assert_eq!((answer.status, &answer.json()["task"]), (202, &json!("uuid")), "{path}");
        assert_eq!(answer.json()[noun], more);
        assert!(matches!(&asked[1], Ask::Begin { total, .. } if *total == more), "{asked:?}");
    }
}

#[tokio::test]
async fn subscriptions_are_paused_and_resumed_by_a_filter() {
    let mut served = served(true).await;
    let counted = ask::Answer::Selected(Selected { count: 2, entries: 0, before: Seq(9), next: None });
    let body =
        json!({"host": "a.example.org", "state": "paused", "outcome": "timeout", "since": "2026-11-22T10:00:00Z"});
    let replies = [counted.clone(), counted.clone()];
    let (answer, asked) = post_asking(&mut served, "/v1/subscriptions/resume", &body, replies).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"subscriptions": 2, "before": 9, "dryRun": false})));
    let which = Selection {
        host: Some("a.example.org".to_owned()),
        held: Some(Held::Paused),
        outcome: Some("timeout".to_owned()),
        span: Span { since: Some(Point::Time(super::ledger::AT)), before: None },
        ..Selection::default()
    };
    let bulk = Bulk { deed: Deed::Resume, which, by: "super-administrator".to_owned(), reason: None };
    let expect = [true, false].map(|is_dry_run| Ask::Choose { bulk: bulk.clone(), is_dry_run });
    assert_eq!(asked, expect);
    for (body, detail) in [
        (json!({}), "at least one of subscription, host"),
        (json!({"since": 4}), "`since` takes a time"),
        (json!({"state": "waiting"}), "there are cancelled, paused, lagged, active"),
        (json!({"subscription": "none"}), "none"),
    ] {
        let head = format!("POST /v1/subscriptions/pause HTTP/1.1\r\n{}", auth(Role::SuperAdministrator));
        let answer = served.ask(&head, &body.to_string()).await;
        assert!(matches!(answer.status, 404 | 422) && answer.text().contains(detail), "{body}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_replay_since_a_time_is_counted_first_and_begins_a_task() {
    let mut served = served(true).await;
    let head = format!("POST /v1/replay HTTP/1.1\r\n{}", auth(Role::SuperAdministrator));
    // One was accepted and one given up; the others are on their way, and are told anyway.
    let since = |since: i64, dry: bool| {
        json!({"subscription": "a", "since": Wall(super::ledger::AT.0 + since).to_string(), "dryRun": dry}).to_string()
    };
    for (at, deliveries) in [(0, 2), (4, 1), (5, 0)] {
        let answer = served.ask(&head, &since(at, true)).await;
        let expect = json!({"deliveries": deliveries, "entries": deliveries, "dryRun": true});
        assert_eq!((answer.status, answer.json()), (200, expect), "{at}");
    }
    let body: Value = serde_json::from_str(&since(0, false)).expect("JSON");
    let (answer, asked) = post(&mut served, "/v1/replay", &body, ask::Answer::Begun("u".to_owned())).await;
    let expect = json!({"task": "u", "deliveries": 2, "entries": 2, "dryRun": false});
    assert_eq!((answer.status, answer.json()), (202, expect));
    let by = "super-administrator".to_owned();
    assert_eq!(asked, Ask::Replay { subscription: A, since: super::ledger::AT, total: 2, by, listener: None });
    let (answer, _) = post(&mut served, "/v1/replay", &body, ask::Answer::GoesOn).await;
    assert_eq!(answer.status, 409);
    let (answer, _) = post(&mut served, "/v1/replay", &body, ask::Answer::NotFound).await;
    assert_eq!(answer.status, 404, "no rule names it any more");
    for wrong in [
        json!({"subscription": "a", "since": 4}),
        json!({"subscription": "a", "since": "2026-11-22T10:00:00Z", "before": 4}),
    ] {
        assert_eq!(served.ask(&head, &wrong.to_string()).await.status, 422, "{wrong}");
    }
}

#[tokio::test]
async fn what_the_journal_has_forgotten_is_not_replayed() {
    let head = format!("POST /v1/replay HTTP/1.1\r\n{}", auth(Role::SuperAdministrator));
    let body = json!({"subscription": "a", "since": super::ledger::AT.to_string(), "dryRun": true}).to_string();
    for (forgotten, status) in [(2, 200), (3, 410)] {
        let served = serve_api(api_on(super::ledger::reader_without(forgotten), true)).await;
        let answer = served.ask(&head, &body).await;
        assert_eq!(answer.status, status, "the first change that was told is the third");
        let says = "the oldest that is kept is of 2026-11-22T10:00:00.000Z";
        assert_eq!(answer.text().contains(says), status == 410, "{}", answer.text());
    }
}

#[tokio::test]
async fn tasks_are_listed_shown_and_stopped() {
    let mut served = served(true).await;
    let running = json!({"UUID": super::ledger::task(), "task": "replay", "state": "running", "subscription": "a",
                         "done": 0, "total": 2, "by": "jo", "startedAt": "2026-11-22T10:00:00.000Z"});
    assert_eq!(get(&served, "/v1/tasks").await.json(), json!({"tasks": [running]}));
    assert_eq!(get(&served, "/v1/tasks?state=running&limit=1").await.json()["next"], "1");
    assert_eq!(get(&served, "/v1/tasks?cursor=1").await.json(), json!({"tasks": []}));
    assert_eq!(get(&served, "/v1/tasks?state=done").await.json(), json!({"tasks": []}));
    assert_eq!(get(&served, "/v1/tasks?state=over").await.status, 422);
    let path = format!("/v1/tasks/{}", super::ledger::task());
    assert_eq!(get(&served, &path).await.json(), running);
    assert_eq!(get(&served, "/v1/tasks/none").await.status, 404);
    let (answer, asked) = post(&mut served, &format!("{path}/stop"), &json!({}), ask::Answer::Done).await;
    assert_eq!((answer.status, asked), (202, Ask::StopTask { uuid: super::ledger::task() }));
    let (answer, _) = post(&mut served, &format!("{path}/stop"), &json!({}), ask::Answer::NotFound).await;
    assert_eq!(answer.status, 404, "it has gone meanwhile");
    let head = format!("POST /v1/tasks/none/stop HTTP/1.1\r\n{}", auth(Role::SuperAdministrator));
    assert_eq!(exchange(served.address, &head, b"").await.status, 404);
}

#[tokio::test]
async fn an_empty_filter_and_what_makes_no_sense_are_refused() {
    let served = served(true).await;
    let long = "r".repeat(super::limits::REASON_CHARS_MAX + 1);
    for (path, body, status) in [
        ("/v1/deliveries/retry", "{}".to_owned(), 422),
        ("/v1/deliveries/drop", "{\"dryRun\": true}".to_owned(), 422),
        ("/v1/deliveries/drop", "{\"state\": \"delivered\"}".to_owned(), 422),
        ("/v1/deliveries/retry", "{\"state\": \"pending\"}".to_owned(), 422),
        ("/v1/deliveries/retry", "{\"hosts\": \"a\"}".to_owned(), 422),
        ("/v1/deliveries/retry", "[]".to_owned(), 422),
        ("/v1/deliveries/retry", "{".to_owned(), 400),
        ("/v1/replay", "{\"dead\": true}".to_owned(), 422),
        ("/v1/replay", "{\"subscription\": \"a\"}".to_owned(), 422),
        ("/v1/subscriptions/a/pause", format!("{{\"reason\": \"{long}\"}}"), 422),
        (
            "/v1/subscriptions/a/pause",
            format!("{{\"reason\": \"{}\"}}", "x".repeat(super::limits::SELECTION_BYTES_MAX)),
            413,
        ),
    ] {
        let head = format!("POST {path} HTTP/1.1\r\n{}", auth(Role::SuperAdministrator));
        assert_eq!(served.ask(&head, &body).await.status, status, "{path} {body}");
    }
}
