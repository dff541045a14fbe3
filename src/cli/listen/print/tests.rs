//! What is printed, for people and as JSON.

use std::time::Instant;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, Method};

use super::{MAX_SEEN, MAX_SHOWN, Printer};
use crate::cli::receiver::Received;
use crate::model::time::Wall;

const AT: Wall = Wall(1_795_341_600_123);

const BATCH: &str = "{\"success\":true,\"data\":{\"entry\":[\
    {\"assetId\":1,\"rrn\":12,\"path\":\"/a\\u001b[2J.png\",\"owner\":\"xyz\",\"action\":\"added\"},\
    {\"assetId\":2,\"rrn\":12,\"path\":\"/b.png\",\"owner\":\"\",\"action\":\"none\"}]},\"id\":\"watch\"}";

fn received(id: &str, body: &str) -> Received {
    let mut headers = HeaderMap::new();
    if !id.is_empty() {
        headers.insert("webhook-id", HeaderValue::from_str(id).expect("a value"));
    }
    headers.insert("authorization", HeaderValue::from_static("Basic c2VjcmV0"));
    let body = Bytes::copy_from_slice(body.as_bytes());
    Received { method: Method::POST, path_and_query: "/hook?a=1".into(), headers, body, at: Instant::now() }
}

/// What is shown of these callbacks, one after the other.
#[track_caller]
fn check(json: bool, callbacks: &[(&str, &str)], expect: &[&str]) {
    let mut printer = Printer::new(json);
    let shown: String = callbacks.iter().map(|(id, body)| printer.print(&received(id, body), AT, 200)).collect();
    assert_eq!(shown.lines().collect::<Vec<_>>(), expect);
}

#[test]
fn for_a_person() {
    check(
        false,
        &[("n-1", BATCH), ("", ""), ("n-2", "[\r\n\"what\"]")],
        &[
            "2026-11-22T10:00:00.123Z  POST /hook?a=1  webhook-id n-1  -> 200",
            "  added     /a\\u{1b}[2J.png  asset 1  owner xyz",
            "  none      /b.png  asset 2  owner ",
            "2026-11-22T10:00:00.123Z  POST /hook?a=1  no webhook-id  -> 200",
            "2026-11-22T10:00:00.123Z  POST /hook?a=1  webhook-id n-2  -> 200",
            "  [\\r\\n\"what\"]",
        ],
    );
}

#[test]
fn each_format_is_shown_as_its_entries() {
    let event = |asset: i64| {
        format!(
            "{{\"specversion\":\"1.0\",\"type\":\"asset.added\",\"source\":\"/ringback/ab\",\"id\":\"ab-{asset}\",\
             \"data\":{{\"assetId\":{asset},\"rrn\":12,\"path\":\"/a.png\",\"owner\":\"xyz\",\"action\":\"added\"}}}}"
        )
    };
    let head = |id: &str| format!("2026-11-22T10:00:00.123Z  POST /hook?a=1  webhook-id {id}  -> 200");
    let line = |asset: i64| format!("  added     /a.png  asset {asset}  owner xyz");
    check(
        false,
        &[("n-1", &event(1)), ("n-2", &format!("[{},{}]", event(2), event(3)))],
        &[&head("n-1"), &line(1), &head("n-2"), &line(2), &line(3)],
    );
}

#[test]
fn events_are_shown_by_their_names() {
    let body = r#"[{"type":"scanned","data":{"assetId":1,"rrn":2,"path":"/a","owner":"jo","action":"none","result":"ok"}},
                   {"type":"mount.offline","data":{"path":"/acme","why":"\u001b[2J"}},{"type":"a","data":{}}]"#;
    check(
        false,
        &[("n-1", body)],
        &[
            "2026-11-22T10:00:00.123Z  POST /hook?a=1  webhook-id n-1  -> 200",
            "  none      /a  asset 1  owner jo  event scanned",
            "  event     mount.offline  path \"/acme\"  why \"\\u001b[2J\"",
            "  event     a",
        ],
    );
}

#[test]
fn a_repeat_is_told() {
    let head = "2026-11-22T10:00:00.123Z  POST /hook?a=1  webhook-id n-1  -> 200";
    check(
        false,
        &[("n-1", ""), ("n-1", ""), ("n-1", "")],
        &[
            head,
            &format!("{head}  (a repeat: this id came once before)"),
            &format!("{head}  (a repeat: this id came 2 times before)"),
        ],
    );
}

#[test]
fn a_body_that_is_not_a_batch_is_shown_up_to_the_limit() {
    let head = "2026-11-22T10:00:00.123Z  POST /hook?a=1  webhook-id n-1  -> 200";
    let (most, shown) = ("\u{e9}".repeat(MAX_SHOWN), format!("  {}", "\u{e9}".repeat(MAX_SHOWN)));
    check(false, &[("n-1", &most)], &[head, &shown]);
    check(false, &[("n-1", &format!("{most}\u{e9}"))], &[head, &format!("{shown} ...")]);
}

#[test]
fn as_json_the_body_keeps_its_bytes() {
    let head = "{\"method\":\"POST\",\"path\":\"/hook?a=1\",\"repeats\":0,\"status\":200,\
                \"time\":\"2026-11-22T10:00:00.123Z\",\"webhookId\":\"n-1\",\"body\":";
    check(true, &[("n-1", BATCH)], &[&format!("{head}{BATCH}}}")]);
    check(true, &[("n-1", "{\"b\":1,\n\"a\":2}")], &[&format!("{head}{{\"b\":1, \"a\":2}}}}")]);
    check(true, &[("n-1", "no\njson")], &[&format!("{head}\"no\\njson\"}}")]);
    check(true, &[("n-1", "")], &[&format!("{head}\"\"}}")]);
}

#[test]
fn ids_are_forgotten_at_the_limit() {
    let mut printer = Printer::new(false);
    let mut repeated = |id: usize| printer.print(&received(&id.to_string(), ""), AT, 200).contains("a repeat");
    assert!((0..=MAX_SEEN).all(|id| !repeated(id)));
    assert!(repeated(1));
    assert!(!repeated(0));
}
