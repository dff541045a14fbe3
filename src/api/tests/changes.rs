//! The journal over HTTP, in pages and as a stream, and assets.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::client::Answer;
use super::ledger::{append, ledger_and_reader, reader};
use super::{Served, api_on, auth, serve_api, served};
use crate::api::limits::{STREAMS_MAX, STREAMS_OF_ONE_MAX};
use crate::api::native::streams::Streams;
use crate::model::principal::Role;
use crate::model::retention::Retention;
use crate::store::{Ledger, Reader};

async fn get(served: &Served, path: &str) -> Answer {
    get_as(served, path, "super-administrator").await
}

async fn get_as(served: &Served, path: &str, token: &str) -> Answer {
    served.ask(&format!("GET {path} HTTP/1.1\r\nAuthorization: Bearer {token}\r\n"), "").await
}

/// The places of a page's rows.
fn places(answer: &Answer) -> Vec<i64> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let rows = answer.json()["changes"].as_array().expect("a list").clone();
    rows.iter().map(|row| row["seq"].as_i64().expect("a number")).collect()
}

#[tokio::test]
async fn changes_and_events_come_in_the_order_of_their_places() {
    let served = served(true).await;
    let answer = get(&served, "/v1/changes").await;
    assert_eq!((places(&answer), &answer.json()["next"]), (vec![1, 2, 3, 4, 5, 6, 7], &json!(7)));
    let rows = answer.json()["changes"].clone();
    let time = "2026-11-22T10:00:00.000Z";
    assert_eq!(
        rows[0],
        json!({"seq": 1, "rrn": 1, "time": time, "assetId": 1, "path": "/acme/1", "action": "added", "owner": "jo",
               "changed": {}})
    );
    assert_eq!(
        rows[5],
        json!({"seq": 6, "rrn": 6, "time": time, "event": "rule.updated", "tenant": "acme", "fields": {"name": "a"}})
    );
    for (query, expect, next) in [
        ("?since=3", vec![4, 5, 6, 7], 7),
        ("?since=7", vec![], 7),
        ("?since=0&limit=2", vec![1, 2], 2),
        ("?path=/acme/3", vec![3], 7),
        ("?mount=/acme&since=4", vec![5], 7),
        ("?action=added&since=4", vec![5], 7),
        ("?action=deleted", vec![], 7),
        ("?event=rule.updated", vec![6, 7], 7),
        ("?event=asset.added", vec![], 7),
    ] {
        let answer = get(&served, &format!("/v1/changes{query}")).await;
        assert_eq!((places(&answer), &answer.json()["next"]), (expect, &json!(next)), "{query}");
    }
    for (query, why) in [
        ("?since=x", "`since` takes a place in the journal"),
        ("?since=-1", "`since` takes a place in the journal"),
        ("?path=acme", "`path`: a path begins with `/`"),
        ("?mount=/none", "`mount`: there is no mount"),
        ("?action=moved", "there are added, modified, deleted, none"),
        ("?event=rule.updated&path=/acme", "say one"),
        ("?limit=1001", "from 1 to 1000"),
    ] {
        let answer = get(&served, &format!("/v1/changes{query}")).await;
        assert!(answer.status == 422 && answer.text().contains(why), "{query}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_tenant_s_caller_sees_the_changes_in_its_mounts_and_its_events() {
    let served = served(true).await;
    assert_eq!(places(&get_as(&served, "/v1/changes", "reader").await), [1, 2, 3, 4, 5, 6]);
    let other = get_as(&served, "/v1/changes", "other-reader").await;
    assert_eq!((places(&other), &other.json()["next"]), (vec![], &json!(7)));
    assert_eq!(get_as(&served, "/v1/changes?mount=/acme", "other-reader").await.status, 422);
}

/// What is past the bound of rows is forgotten.
pub(super) fn forget(ledger: &Ledger, rows: u64) {
    ledger.begin().expect("a group");
    let retention = Retention { journal_rows: rows, ..Retention::default() };
    let mut pass = ledger.begin_pass(&retention, None).expect("a pass");
    drop(ledger.forget_piece(&retention, &mut pass, None).expect("a piece"));
    ledger.commit().expect("a commit");
}

pub(super) fn numbered() -> (Ledger, Reader) {
    let (ledger, reader) = ledger_and_reader(0);
    ledger.begin().expect("a group");
    for _ in 0..7 {
        ledger.next_seq().expect("a number");
    }
    ledger.commit().expect("a commit");
    (ledger, reader)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_is_forgotten_is_gone_and_the_answer_says_where_to_begin() {
    let (ledger, reader) = numbered();
    forget(&ledger, 4);
    let served = serve_api(api_on(reader, true)).await;
    let answer = get(&served, "/v1/changes?since=2").await;
    assert_eq!((answer.status, &answer.json()["oldest"]), (410, &json!(3)), "{}", answer.text());
    assert_eq!(places(&get(&served, "/v1/changes?since=3").await), [4, 5, 6, 7]);
    assert_eq!(places(&get(&served, "/v1/changes").await), [4, 5, 6, 7], "whoever has no place begins with the oldest");
    let stream = Stream::open(served.address, "/v1/changes?since=0", "");
    assert_eq!(stream.status, 410);
}

/// A stream that is read by hand.
pub(super) struct Stream {
    pub(super) status: u16,
    lines: BufReader<TcpStream>,
}

impl Stream {
    pub(super) fn open(to: SocketAddr, path: &str, head: &str) -> Self {
        let mut stream = TcpStream::connect(to).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a limit");
        let auth = auth(Role::SuperAdministrator);
        let request = format!("GET {path} HTTP/1.1\r\nHost: {to}\r\n{auth}{head}Accept: text/event-stream\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("a request");
        let mut lines = BufReader::new(stream);
        let mut line = String::new();
        lines.read_line(&mut line).expect("a status line");
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        while line.trim() != "" {
            line.clear();
            lines.read_line(&mut line).expect("a header");
        }
        Self { status, lines }
    }

    /// The next event: its id, and its data. Sizes of chunks and comments are passed over.
    pub(super) fn next(&mut self) -> Option<(i64, Value)> {
        let mut id = None;
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).expect("a line") == 0 {
                return None;
            }
            if let Some(place) = line.strip_prefix("id: ") {
                id = Some(place.trim().parse().expect("a number"));
            } else if let Some(data) = line.strip_prefix("data: ") {
                return Some((id.expect("an id before"), serde_json::from_str(data).expect("JSON")));
            } else if line == "0\r\n" {
                return None;
            }
        }
    }

    pub(super) fn places(&mut self, count: usize) -> Vec<i64> {
        (0..count).map(|_| self.next().expect("an event").0).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_tells_what_was_and_what_comes_and_goes_on_where_it_broke() {
    let (ledger, reader) = ledger_and_reader(0);
    let served = serve_api(api_on(reader, true)).await;
    let to = served.address;
    let read = tokio::task::spawn_blocking(move || {
        let mut stream = Stream::open(to, "/v1/changes?since=5", "");
        assert_eq!(stream.places(2), [6, 7]);
        let mut others = Stream::open(to, "/v1/changes?path=/acme/9&since=0", "");
        let mut now = Stream::open(to, "/v1/changes", "");
        append(&ledger, 8);
        append(&ledger, 9);
        let (place, row) = stream.next().expect("an event");
        assert_eq!((place, &row["seq"], &row["path"]), (8, &json!(8), &json!("/acme/8")));
        assert_eq!(stream.places(1), [9]);
        assert_eq!(others.places(1), [9], "only what it asked for");
        assert_eq!(now.places(2), [8, 9], "without a place it begins now");
        // It breaks, and comes again with what it heard last.
        drop(stream);
        append(&ledger, 10);
        let mut again = Stream::open(to, "/v1/changes?since=5", "Last-Event-ID: 8\r\n");
        assert_eq!(again.places(2), [9, 10], "nothing is missing, and nothing comes twice");
        assert_eq!(now.places(1), [10]);
        assert_eq!(Stream::open(to, "/v1/changes", "Last-Event-ID: x\r\n").status, 400);
        (again, now)
    });
    let (mut again, mut now) = read.await.expect("it is heard");
    // When ringback goes down, streams end, and it does not wait for them.
    served.stop.send(()).expect("it serves");
    served.server.await.expect("no panic").expect("a clean end");
    let ends = tokio::task::spawn_blocking(move || (again.next(), now.next()));
    assert_eq!(ends.await.expect("it ends"), (None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_are_limited_in_all_and_for_each_principal() {
    let streams = Streams::new(Arc::new(reader()), Arc::new(Semaphore::new(1)));
    let own: Vec<_> = (0..STREAMS_OF_ONE_MAX).map(|_| streams.enter("jo").expect("a place")).collect();
    assert!(streams.enter("jo").is_err(), "one more of the same principal");
    let mut others: Vec<_> = (STREAMS_OF_ONE_MAX..STREAMS_MAX)
        .map(|n| streams.enter(&format!("p{}", n / STREAMS_OF_ONE_MAX)).expect("a place"))
        .collect();
    assert!(streams.enter("another").is_err(), "one more in all");
    others.pop();
    assert!(streams.enter("another").is_ok(), "a place is given back");
    drop(own);
    assert!(streams.enter("jo").is_ok());
}

#[tokio::test]
async fn an_asset_is_shown_by_its_path_and_by_its_number() {
    let served = served(true).await;
    let shown = json!({"assetId": 1, "rrn": 1, "path": "/acme/1", "size": 9, "mtime": "2026-11-22T10:00:00.000Z",
                       "owner": "jo", "metadata": {"City": {"value": ["SFO"], "source": "xattr"}}});
    for query in ["?path=/acme/1", "?path64=L2FjbWUvMQ==", "?id=1"] {
        let answer = get(&served, &format!("/v1/assets{query}")).await;
        assert_eq!((answer.status, answer.json()), (200, shown.clone()), "{query}");
        assert_eq!(get_as(&served, &format!("/v1/assets{query}"), "reader").await.status, 200);
        assert_eq!(get_as(&served, &format!("/v1/assets{query}"), "other-reader").await.status, 404, "{query}");
    }
    for (query, status) in [
        ("?path=/acme/2", 404),
        ("?path=/acme", 404),
        ("?path=/none/1", 404),
        ("?id=9", 404),
        ("?id=x", 422),
        ("", 422),
    ] {
        assert_eq!(get(&served, &format!("/v1/assets{query}")).await.status, status, "{query}");
    }
    assert_eq!(get(&served, "/v1/assets?path=/acme/1&id=1").await.status, 422);
}

/// A head that is never read to its end would hold the test: what is left is thrown away.
impl Drop for Stream {
    fn drop(&mut self) {
        let _closed = self.lines.get_ref().shutdown(std::net::Shutdown::Both);
        let _rest = self.lines.get_mut().read(&mut [0]);
    }
}
