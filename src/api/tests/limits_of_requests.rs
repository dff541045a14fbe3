//! What a caller may send and how long it may take, at each limit and past it. Where time matters it is virtual.

use std::convert::Infallible;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use base64::Engine as _;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Frame;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep};
use tower_service::Service as _;

use super::client::exchange;
use super::{
    Call, LogicalPath, RecordsAnswer, RescanAnswer, Role, Rrn, Seq, Served, SyncAnswer, api, auth, limits,
    post_records, served,
};
use crate::api::body::Peer;
use crate::api::router;
use crate::api::server::{accepted_connection, connection, serve_at_most};
use crate::model::ask::{Answer, Ask};

const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 1);
const MOMENT: Duration = Duration::from_millis(1);
const RECORDS: &str = r#"[{"path":"/a","unset":["A"]}]"#;

/// A request by a role, without a socket.
fn post(path: &str, role: Role, body: Body) -> Request {
    let request = Request::post(path)
        .header(header::AUTHORIZATION, format!("Bearer {}", role.as_str()))
        .header(header::CONTENT_TYPE, "application/json")
        .extension(Peer(ADDRESS));
    request.body(body).expect("a request")
}

/// The status of the answer, and its body.
async fn answered(mut router: Router, request: Request) -> (u16, String) {
    let response = router.call(request).await.unwrap_or_else(|never| match never {});
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, String::from_utf8(body.to_vec()).expect("UTF-8"))
}

/// Takes one call, and says yes to it.
async fn consent(served: &mut Served) {
    let Call { ask, reply } = served.calls.recv().await.expect("a call");
    let answer = match ask {
        Ask::Records(_) => Answer::Records(RecordsAnswer::Accepted { rrn: Rrn(1), accepted: 1, applied: 1, events: 0 }),
        Ask::Rescan { .. } => Answer::Rescan(RescanAnswer::Begun { offline: vec![], task: None }),
        Ask::Sync => Answer::Sync(SyncAnswer { seq: Seq(1), rrn: Rrn(1), offline: vec![] }),
        _ => Answer::Done,
    };
    reply.send(answer).expect("a caller waits");
}

#[tokio::test]
async fn a_body_passes_at_its_limit_and_not_past_it() {
    let mut served = served(true).await;
    for (head, body, max, status) in [
        (post_records("application/json"), RECORDS, limits::RECORDS_BYTES_MAX, 202),
        (
            format!("POST /v1/hints HTTP/1.1\r\n{}", auth(Role::Recorder)),
            r#"{"paths": ["/acme/1"]}"#,
            limits::HINTS_BYTES_MAX,
            202,
        ),
        (format!("POST /v1/rescan HTTP/1.1\r\n{}", auth(Role::Operator)), "{}", limits::RESCAN_BYTES_MAX, 202),
        (format!("POST /v1/sync HTTP/1.1\r\n{}", auth(Role::Recorder)), "x", limits::IGNORED_BYTES_MAX, 200),
    ] {
        let address = served.address;
        let most = format!("{body}{}", " ".repeat(max - body.len()));
        let (answer, ()) = tokio::join!(exchange(address, &head, most.as_bytes()), consent(&mut served));
        assert_eq!(answer.status, status, "{head}: {}", answer.text());
        let answer = served.ask(&head, &format!("{most} ")).await;
        assert_eq!(answer.status, 413, "{head}");
        assert!(answer.text().contains(&format!("the limit of {max} bytes")), "{}", answer.text());
    }
}

#[tokio::test]
async fn an_unknown_field_is_repeated_up_to_the_limit() {
    let served = served(true).await;
    for length in [limits::ECHO_CHARS_MAX, limits::ECHO_CHARS_MAX + 1] {
        let name = "\u{e9}".repeat(length);
        let body = format!("[{{\"path\":\"/a\",\"unset\":[\"A\"],\"{name}\":1}}]");
        let problem = served.ask(&post_records("application/json"), &body).await.json();
        assert_eq!(problem["errors"][0]["field"], "\u{e9}".repeat(limits::ECHO_CHARS_MAX));
    }
}

#[tokio::test(start_paused = true)]
async fn a_rescan_waits_up_to_the_limit_for_whether_there_is_anything_to_scan() {
    for (after, offline) in [(limits::BEGIN_MAX - MOMENT, "\"/acme\""), (limits::BEGIN_MAX + MOMENT, "")] {
        let (state, mut calls) = api(true);
        let engine = async {
            let Some(Call { ask: Ask::Rescan { .. }, reply }) = calls.recv().await else { panic!("not a rescan") };
            sleep(after).await;
            let offline = vec![LogicalPath::parse(b"/acme").expect("a path")];
            reply.send(Answer::Rescan(RescanAnswer::Begun { offline, task: None })).is_ok()
        };
        let asked = answered(router::router(state), post("/v1/rescan", Role::Operator, Body::empty()));
        let (answer, waited) = tokio::join!(asked, engine);
        assert_eq!(answer, (202, format!("{{\"offline\":[{offline}],\"scanning\":[\"/acme\"]}}")), "{after:?}");
        assert_eq!(waited, after < limits::BEGIN_MAX);
    }
}

/// A body that counts itself once somebody reads it. Without a text it does not end.
struct Counted {
    read: Arc<AtomicUsize>,
    is_counted: bool,
    text: Option<&'static str>,
}

impl hyper::body::Body for Counted {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let is_first = !std::mem::replace(&mut self.is_counted, true);
        self.read.fetch_add(usize::from(is_first), Ordering::Relaxed);
        match self.text {
            None => Poll::Pending,
            Some(text) if is_first => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(text.as_bytes()))))),
            Some(_) => Poll::Ready(None),
        }
    }
}

#[tokio::test]
async fn so_many_requests_with_records_are_read_at_once_and_the_next_one_waits() {
    let (state, mut calls) = api(true);
    let router = router::router(state);
    let read = Arc::new(AtomicUsize::new(0));
    let ask = |text| {
        let body = Body::new(Counted { read: Arc::clone(&read), is_counted: false, text });
        tokio::spawn(answered(router.clone(), post("/v1/records", Role::Recorder, body)))
    };
    let mut under_way: Vec<_> = (0..limits::RECORDS_REQUESTS_MAX).map(|_| ask(None)).collect();
    while read.load(Ordering::Relaxed) < limits::RECORDS_REQUESTS_MAX {
        tokio::task::yield_now().await;
    }
    let next = ask(Some(RECORDS));
    // The tasks share one thread: each of them has had its turns by then.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(read.load(Ordering::Relaxed), limits::RECORDS_REQUESTS_MAX, "it waits for its turn");
    under_way.pop().expect("requests are under way").abort();
    let Some(Call { ask: Ask::Records(_), reply }) = calls.recv().await else { panic!("not records") };
    reply.send(Answer::Unavailable).expect("a caller waits");
    assert_eq!(next.await.expect("no panic").0, 503, "it was read, and its answer is the engine's");
    under_way.iter().for_each(tokio::task::JoinHandle::abort);
}

const PROBE: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Sends text on a connection, and reads until a whole answer to [`PROBE`] or the end; gives what was read.
async fn talk(stream: &mut (impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin), text: &str) -> String {
    stream.write_all(text.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") && stream.read_buf(&mut answer).await.expect("read") > 0 {}
    String::from_utf8(answer).expect("UTF-8")
}

#[tokio::test]
async fn so_many_connections_are_served_at_once_and_the_next_one_waits() {
    const MOST: usize = 3;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(serve_at_most(MOST, listener, None, api(true).0, stopped));
    let mut served = Vec::new();
    for _ in 0..MOST {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        assert!(talk(&mut stream, PROBE).await.starts_with("HTTP/1.1 200"));
        served.push(stream);
    }
    let mut next = TcpStream::connect(address).await.expect("the backlog takes it");
    next.write_all(PROBE.as_bytes()).await.expect("sent");
    // All share one thread, and what comes later is answered: the one before would have been, too.
    for stream in &mut served {
        assert!(talk(stream, PROBE).await.starts_with("HTTP/1.1 200"));
    }
    let unread = next.try_read(&mut [0; 1]).expect_err("nobody answers it");
    assert_eq!(unread.kind(), ErrorKind::WouldBlock);
    drop(served.pop());
    assert!(talk(&mut next, "").await.starts_with("HTTP/1.1 200"), "it takes the place of the one that went");
    stop.send(()).expect("the server runs");
    drop((served, next));
    server.await.expect("no panic").expect("no error");
}

/// A connection in memory, served; and what ends it at the end of its request.
fn connected() -> (tokio::io::DuplexStream, watch::Sender<()>) {
    let (ours, theirs) = tokio::io::duplex(2 * limits::HEAD_BYTES_MAX);
    let (ending, ended) = watch::channel(());
    tokio::spawn(connection(theirs, ADDRESS, router::router(api(true).0), ended));
    (ours, ending)
}

#[tokio::test(start_paused = true)]
async fn a_head_may_take_as_long_as_the_limit_and_no_longer() {
    let (begins, ends) = PROBE.split_at(9);
    for (wait, answer) in [(limits::HEAD_MAX - MOMENT, "HTTP/1.1 200"), (limits::HEAD_MAX + MOMENT, "")] {
        let (mut stream, _ending) = connected();
        stream.write_all(begins.as_bytes()).await.expect("sent");
        sleep(wait).await;
        let _ = stream.write_all(ends.as_bytes()).await;
        let answered = talk(&mut stream, "").await;
        assert_eq!(answered.get(..12).unwrap_or_default(), answer, "{wait:?}: {answered}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_may_take_as_long_as_for_a_head_to_shake_hands() {
    let dir = tempfile::tempdir().expect("a directory");
    let pem = |name: &str, label: &str, der: &[u8]| {
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        let path = dir.path().join(name);
        std::fs::write(&path, format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")).expect("a file");
        path
    };
    let cert = pem("cert", "CERTIFICATE", include_bytes!("../../deliver/testdata/certificate.der"));
    let key = pem("key", "PRIVATE KEY", include_bytes!("../../deliver/testdata/key.der"));
    let tls = crate::config::tls_files::read(&crate::config::TlsFiles { cert, key }).expect("they can be used");
    let (mut ours, theirs) = tokio::io::duplex(1 << 16);
    let (_ending, ended) = watch::channel(());
    let (acceptor, router) = (Some(tls.config.into()), router::router(api(true).0));
    let began = Instant::now();
    tokio::spawn(accepted_connection(theirs, ADDRESS, acceptor, router, ended));
    assert_eq!(ours.read(&mut [0; 1]).await.expect("read"), 0, "it is closed");
    let took = began.elapsed();
    assert!((limits::HEAD_MAX..=limits::HEAD_MAX + MOMENT).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_kept_as_long_as_the_limit() {
    let (mut stream, _ending) = connected();
    for _ in 0..2 {
        assert!(talk(&mut stream, PROBE).await.starts_with("HTTP/1.1 200"));
        sleep(limits::HEAD_MAX - MOMENT).await;
    }
    assert!(talk(&mut stream, PROBE).await.starts_with("HTTP/1.1 200"));
    let idle_since = Instant::now();
    assert_eq!(talk(&mut stream, "").await, "", "it is closed");
    let idle = idle_since.elapsed();
    assert!((limits::HEAD_MAX..=limits::HEAD_MAX + MOMENT).contains(&idle), "{idle:?}");
}

#[tokio::test]
async fn a_head_passes_at_its_limit_and_not_past_it() {
    let head = |length: usize| {
        let begins = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Padding: ";
        format!("{begins}{}\r\n\r\n", "x".repeat(length - begins.len() - 4))
    };
    let (mut stream, _ending) = connected();
    let answer = talk(&mut stream, &head(limits::HEAD_BYTES_MAX)).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // What is in memory without an end is refused; its last byte is not waited for.
    let (mut stream, _ending) = connected();
    let answer = talk(&mut stream, &head(limits::HEAD_BYTES_MAX + 1)[..limits::HEAD_BYTES_MAX]).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn a_request_that_is_under_way_past_the_limit_of_a_shutdown_is_cut_off() {
    let Served { address, mut calls, stop, server } = served(true).await;
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let head = format!("POST /v1/sync HTTP/1.1\r\nHost: localhost\r\n{}\r\n", auth(Role::Recorder));
    stream.write_all(head.as_bytes()).await.expect("sent");
    let Some(Call { ask: Ask::Sync, reply }) = calls.recv().await else { panic!("not a sync") };
    // The request is under way; from here on only time passes.
    tokio::time::pause();
    let began = Instant::now();
    stop.send(()).expect("it runs");
    server.await.expect("no panic").expect("no error");
    let took = began.elapsed();
    assert!((limits::DRAIN_MAX..=limits::DRAIN_MAX + MOMENT).contains(&took), "{took:?}");
    assert_eq!(talk(&mut stream, "").await, "", "it is not answered");
    drop(reply);
}
