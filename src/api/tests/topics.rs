//! Topics over HTTP, in pages and as a stream.

use std::sync::Arc;

use serde_json::{Value, json};

use super::changes::{Stream, forget, numbered};
use super::client::Answer;
use super::ledger::{TOPIC, add_to_topic, registry_with_topic, topic_in};
use super::{Served, api_on, serve_api};
use crate::model::delivery::Body;
use crate::model::ids::Seq;
use crate::store::{Ledger, Reader};

/// The API over a ledger in which the topic has the places 2, 4 and 6.
async fn served((ledger, reader): (Ledger, Reader)) -> (Served, Ledger) {
    topic_in(&ledger);
    let (mut state, calls) = api_on(reader, true);
    state.registry = Arc::new(registry_with_topic);
    state.written = Arc::new(|subscription, entry| {
        let id = subscription.name.id();
        let bytes = format!(r#"{{"_links": {{}}, "UUID": "{id}", "data": {{"n": {}}}}}"#, entry.seq()).into_bytes();
        Body { bytes: bytes.into(), content_type: "application/hal+json".into() }
    });
    (serve_api((state, calls)).await, ledger)
}

async fn get(served: &Served, query: &str, token: &str) -> Answer {
    let path = format!("/v1/topics/{TOPIC}{query}");
    served.ask(&format!("GET {path} HTTP/1.1\r\nAuthorization: Bearer {token}\r\n"), "").await
}

fn row(n: i64) -> Value {
    json!({"seq": n, "time": "2026-11-22T10:00:00.000Z", "UUID": TOPIC, "data": {"n": n}})
}

#[tokio::test]
async fn a_topic_s_entries_come_in_pages() {
    let (served, _ledger) = served(numbered()).await;
    for (query, rows, next) in [
        ("", vec![row(2), row(4), row(6)], 7),
        ("?since=2", vec![row(4), row(6)], 7),
        ("?since=2&limit=1", vec![row(4)], 4),
        ("?since=6", vec![], 7),
        ("?since=99", vec![], 99),
    ] {
        for token in ["reader", "super-administrator"] {
            let answer = get(&served, query, token).await;
            assert_eq!(answer.json(), json!({"entries": rows, "next": next}), "{query}");
        }
    }
    assert_eq!(get(&served, "?path=/acme", "reader").await.status, 422);
    let refused = [get(&served, "", "other-reader").await, served.ask(&unknown(), "").await];
    for answer in refused {
        assert_eq!(answer.status, 404, "{}", answer.text());
        assert!(answer.text().contains("there is no topic"), "{}", answer.text());
    }
    let shown = served.ask(&format!("GET /v1/subscriptions/hal:{TOPIC} HTTP/1.1\r\n{READER}"), "").await.json();
    assert_eq!((&shown["target"], &shown["origin"]), (&json!({"topic": TOPIC}), &json!("hal")));
    let test = format!("POST /v1/subscriptions/hal:{TOPIC}/test HTTP/1.1\r\n{OPERATOR}");
    assert_eq!(served.ask(&test, "").await.status, 409, "there is nobody to call");
}

const READER: &str = "Authorization: Bearer reader\r\n";
const OPERATOR: &str = "Authorization: Bearer operator\r\n";

/// Of a subscription that has a target, and of none.
fn unknown() -> String {
    format!("GET /v1/topics/a HTTP/1.1\r\n{READER}")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_journal_forgets_a_topic_forgets() {
    let (served, ledger) = served(numbered()).await;
    forget(&ledger, 4);
    let answer = get(&served, "?since=2", "reader").await;
    assert_eq!((answer.status, &answer.json()["oldest"]), (410, &json!(3)), "{}", answer.text());
    let answer = get(&served, "", "reader").await;
    assert_eq!(answer.json(), json!({"entries": [row(4), row(6)], "next": 7}));
    let left = ledger.topic_places();
    assert_eq!(left, [Seq(4), Seq(6)], "no row is left of what is forgotten");
    let path = format!("/v1/topics/{TOPIC}?since=0");
    let stream = tokio::task::spawn_blocking(move || Stream::open(served.address, &path, ""));
    assert_eq!(stream.await.expect("an answer").status, 410);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_has_what_was_and_what_comes_and_goes_on_where_it_broke() {
    let (served, ledger) = served(numbered()).await;
    let to = served.address;
    let read = tokio::task::spawn_blocking(move || {
        let path = format!("/v1/topics/{TOPIC}");
        let mut stream = Stream::open(to, &format!("{path}?since=2"), "");
        assert_eq!(stream.status, 200);
        assert_eq!([stream.next(), stream.next()], [Some((4, row(4))), Some((6, row(6)))]);
        let mut now = Stream::open(to, &path, "");
        let mut journal = Stream::open(to, "/v1/changes?since=7", "");
        for (seq, is_told) in [(8, false), (9, true), (10, false), (11, true)] {
            add_to_topic(&ledger, seq, is_told);
        }
        for stream in [&mut stream, &mut now] {
            assert_eq!([stream.next(), stream.next()], [Some((9, row(9))), Some((11, row(11)))]);
        }
        assert_eq!(journal.places(4), [8, 9, 10, 11], "the journal's stream is fed by the same task");
        drop(stream);
        add_to_topic(&ledger, 12, true);
        let mut again = Stream::open(to, &path, "Last-Event-ID: 9\r\n");
        assert_eq!(again.places(2), [11, 12], "nothing is missing, and nothing comes twice");
    });
    read.await.expect("it is heard");
}
