//! The client against scripted receivers: what comes of each way to misbehave.

use std::sync::Arc;

use url::Url;

use super::names::SystemNames;
use super::scripted::Step::{Flood, Hang, Head, Request, Say};
use super::scripted::{Scripted, Step};
use super::{Client, Limits, Reach};
use crate::model::attempt::{Phase, Reply};
use crate::model::delivery::{Body, SendRequest};
use crate::model::ids::{DeliveryNo, NodeId};
use crate::model::part::{DeliveryId, DeliveryKey};
use crate::model::retry::Accepts;
use crate::model::secret::SigningSecret;
use crate::model::subscription::{Method, Name, Subscription, Target, Trust};
use crate::model::time::Wall;

mod reach;
mod tls;

const OK: Step = Say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nthank");
const GIGABYTE: Step = Say("HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n");
const MOVED: Step = Say("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");

/// Long enough for whatever is not meant to time out.
const AMPLE: Limits = Limits {
    connect_ms: 20_000,
    name_remembered_ms: 0,
    name_slow_ms: 20_000,
    attempt_ms: 20_000,
    answer_ms: 20_000,
    answer_read_bytes: 64 * 1024,
    answer_kept_bytes: 4 * 1024,
    idle_ms: 60_000,
    idle_per_target: 8,
    idle_total: 64,
};

fn post(url: &str) -> Target {
    let url = Url::parse(url).expect("a URL");
    Target { method: Method::Post, url: url.into(), headers: Box::default(), accepts: Accepts::AnySuccess }
}

fn send_request(target: Target, body: &str) -> SendRequest {
    let name = Name::parse("watch").expect("a name");
    SendRequest {
        mark: None,
        subscription: Arc::new(Subscription { trust: Trust::RuleFile, ..Subscription::new(name, target) }),
        id: DeliveryId { node: NodeId(0xab), key: DeliveryKey::whole(DeliveryNo(7)) },
        attempt: 3,
        at: Wall(1_795_341_600_123),
        body: Body::json(body.as_bytes().to_vec()),
    }
}

fn client(limits: Limits) -> Client {
    Client::with(limits, Reach::default(), Box::new(SystemNames))
}

async fn attempt(client: &Client, url: &str) -> Reply {
    client.attempt(&send_request(post(url), "{}")).await.reply
}

fn url(receiver: &Scripted) -> String {
    format!("http://{}/hook", receiver.address)
}

/// `answered STATUS`, or `OUTCOME PHASE`.
fn shown(reply: &Reply) -> String {
    match (reply.status(), reply.phase()) {
        (Some(status), _) => format!("answered {status}"),
        (None, Some(phase)) => format!("{} {}", reply.failure(), phase.as_str()),
        (None, None) => reply.failure().to_owned(),
    }
}

/// Waits until every script of the receiver has been played to its end; the client goes on meanwhile.
async fn ended(receiver: Scripted) {
    tokio::task::spawn_blocking(move || receiver.wait()).await.expect("the scripts' end");
}

/// One attempt at a receiver that follows `script` on its one connection.
#[track_caller]
fn check(limits: Limits, script: &'static [Step], expect: &str) -> impl Future<Output = Reply> {
    let place = std::panic::Location::caller();
    async move {
        let receiver = Scripted::plain(&[script]);
        let reply = attempt(&client(limits), &url(&receiver)).await;
        assert_eq!(shown(&reply), expect, "{place}: {reply:?}");
        assert_eq!(receiver.connections(), 1, "{place}");
        reply
    }
}

/// Sends one delivery after the other over one client; the receiver follows one script for each connection.
async fn check_reuse(scripts: &[&'static [Step]], expect: &[&str]) -> Scripted {
    let receiver = Scripted::plain(scripts);
    let client = client(AMPLE);
    for (n, expect) in expect.iter().enumerate() {
        let reply = attempt(&client, &url(&receiver)).await;
        assert_eq!(shown(&reply), *expect, "delivery {n}: {reply:?}");
    }
    assert_eq!(receiver.connections(), scripts.len());
    receiver
}

#[tokio::test]
async fn the_status_line_decides() {
    let accepted = check(AMPLE, &[Request, OK], "answered 200").await;
    assert_eq!(accepted.detail(), "thank");
    check(AMPLE, &[Request, Say("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")], "answered 500").await;
    check(AMPLE, &[Request, Say("HTTP/1.1 204 \r\n\r\n")], "answered 204").await;
    check(AMPLE, &[Request, Say("HTTP/1.0 200 OK\r\n\r\nuntil the end")], "answered 200").await;
    check(AMPLE, &[Request, Say("HTTP/1.1 100 Continue\r\n\r\n"), OK], "answered 200").await;
    check(AMPLE, &[Request, MOVED], "answered 302").await;
}

#[tokio::test]
async fn what_follows_the_status_line_does_not_matter() {
    let half = check(AMPLE, &[Request, Say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")], "answered 200");
    assert_eq!(half.await.detail(), "half");
    check(AMPLE, &[Request, Say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")], "answered 200").await;
    let much = check(AMPLE, &[Request, GIGABYTE, Flood], "answered 200").await;
    assert_eq!(much.detail(), "x".repeat(4096));
    let silent = Limits { answer_ms: 50, ..AMPLE };
    check(silent, &[Request, Say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), Hang], "answered 200").await;
}

#[tokio::test]
async fn a_connection_with_an_unread_answer_is_closed() {
    let receiver = Scripted::plain(&[
        &[Request, Say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), Hang],
        &[Request, GIGABYTE, Flood],
    ]);
    let client = client(Limits { answer_ms: 50, ..AMPLE });
    for _ in 0..2 {
        assert_eq!(shown(&attempt(&client, &url(&receiver)).await), "answered 200");
    }
    // Ends only when the client has closed both connections.
    ended(receiver).await;
}

#[tokio::test]
async fn an_answer_before_the_whole_request_was_read_counts() {
    let body = "x".repeat(8 << 20);
    for script in [
        &[Head, Say("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")] as &'static [Step],
        &[Head, Say("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"), Hang],
    ] {
        let receiver = Scripted::plain(&[script]);
        let reply = client(AMPLE).attempt(&send_request(post(&url(&receiver)), &body)).await.reply;
        assert_eq!(shown(&reply), "answered 413", "{reply:?}");
    }
}

#[tokio::test]
async fn a_failure_names_its_phase() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let refused = attempt(&client(AMPLE), &format!("http://{closed}/")).await;
    assert_eq!(shown(&refused), "unreachable connect");
    assert!(refused.detail().contains(&closed.to_string()), "{refused:?}");

    let hasty = Limits { attempt_ms: 100, ..AMPLE };
    check(hasty, &[Request, Hang], "timeout headers").await;
    check(hasty, &[Request, Say("HTTP/1.1 20"), Hang], "timeout headers").await;
    check(AMPLE, &[Head], "unreachable headers").await;
    check(AMPLE, &[Request], "unreachable headers").await;
    check(AMPLE, &[Request, Say("HTTP/1.1 20")], "unreachable headers").await;
    check(AMPLE, &[Request, Say("220 mail.example ESMTP\r\n\r\n")], "unreachable headers").await;
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_told_apart() {
    // A machine without a resolver may take its time to say so.
    let reply = attempt(&client(Limits { connect_ms: 2_000, ..AMPLE }), "http://no-such-host.invalid/").await;
    assert_eq!(reply.phase(), Some(Phase::Dns), "{reply:?}");
    assert_eq!(shown(&attempt(&client(AMPLE), "http://localhost:1/").await), "unreachable connect");
}

#[tokio::test]
async fn connections_are_used_again() {
    let receiver = check_reuse(&[&[Request, OK, Request, OK, Request, OK]], &["answered 200"; 3]).await;
    assert_eq!(receiver.requests().len(), 3);
    let empty: &[Step] = &[Request, Say("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"), Request, OK];
    check_reuse(&[empty], &["answered 500", "answered 200"]).await;
}

#[tokio::test]
async fn connections_to_different_places_are_kept_apart() {
    let receivers = [Scripted::plain(&[&[Request, OK]]), Scripted::plain(&[&[Request, OK]])];
    let client = client(AMPLE);
    for receiver in &receivers {
        assert_eq!(shown(&attempt(&client, &url(receiver)).await), "answered 200");
        assert_eq!(receiver.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_stale_connection_costs_no_attempt() {
    // Closed while it was parked, or only when the next request has been read.
    check_reuse(&[&[Request, OK], &[Request, OK]], &["answered 200"; 2]).await;
    check_reuse(&[&[Request, OK, Request], &[Request, OK]], &["answered 200"; 2]).await;
    check_reuse(&[&[Request, OK, Head], &[Request, OK]], &["answered 200"; 2]).await;
    // Once: a new connection that breaks is a failure.
    check_reuse(&[&[Request, OK, Request], &[Request]], &["answered 200", "unreachable headers"]).await;
    // A byte came back: the server was there.
    check_reuse(&[&[Request, OK, Request, Say("HTTP/1")]], &["answered 200", "unreachable headers"]).await;
}

#[tokio::test]
async fn a_parked_connection_is_closed_when_it_was_not_used_for_long() {
    let receiver = Scripted::plain(&[&[Request, OK, Hang]]);
    let client = client(Limits { idle_ms: 20, ..AMPLE });
    assert_eq!(shown(&attempt(&client, &url(&receiver)).await), "answered 200");
    ended(receiver).await;
}

#[tokio::test]
async fn a_request_as_sent() {
    let receiver = Scripted::plain(&[&[Request, OK]]);
    let mut target = post(&format!("{}?a=1&b=%20", url(&receiver)));
    target.headers = [("X-Twice", "one"), ("X-Twice", "two"), ("Authorization", "Basic eHl6"), ("X-Odd", "a  b")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let attempted = client(AMPLE).attempt(&send_request(target, "{\"success\":true}")).await;
    assert_eq!((attempted.key, attempted.attempt), (DeliveryKey::whole(DeliveryNo(7)), 3));
    let expect = format!(
        "POST /hook?a=1&b=%20 HTTP/1.1\r\nhost: {}\r\nwebhook-id: 00000000000000ab-7\r\n\
         webhook-timestamp: 1795341600\r\nx-twice: one\r\nx-twice: two\r\nauthorization: Basic eHl6\r\nx-odd: a  b\r\n\
         user-agent: ringback/{}\r\ncontent-type: application/json\r\ncontent-length: 16\r\n\r\n{{\"success\":true}}",
        receiver.address,
        env!("CARGO_PKG_VERSION"),
    );
    assert_eq!(receiver.requests(), [expect]);
}

#[tokio::test]
async fn the_media_type_is_the_body_s_unless_the_target_names_another() {
    let event = "application/cloudevents+json; charset=utf-8";
    for (headers, expect) in [(&[][..], event), (&[("Content-Type", "text/mine")], "text/mine")] {
        let receiver = Scripted::plain(&[&[Request, OK]]);
        let mut target = post(&url(&receiver));
        target.headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut request = send_request(target, "{}");
        request.body.content_type = event.into();
        assert_eq!(client(AMPLE).attempt(&request).await.reply.status(), Some(200));
        let sent = receiver.requests().concat();
        let types: Vec<_> = sent.lines().filter_map(|line| line.strip_prefix("content-type: ")).collect();
        assert_eq!(types, [expect]);
    }
}

#[tokio::test]
async fn a_subscription_with_a_secret_is_signed() {
    let receiver = Scripted::plain(&[&[Request, OK]]);
    let mut request = send_request(post(&url(&receiver)), "{}");
    let subscription = Arc::get_mut(&mut request.subscription).expect("nobody else has it");
    let secret = SigningSecret::parse("whsec_aGk= whsec_eW8=").expect("two secrets");
    (subscription.signing, subscription.hub_signature) = (Some(Box::new(secret)), true);
    // A registration may have come by it in a way that does not check for it.
    subscription.target.headers = vec![("X-Hub-Signature-256".to_owned(), "mine".to_owned())].into();
    assert_eq!(client(AMPLE).attempt(&request).await.reply.status(), Some(200));
    let sent = receiver.requests().concat();
    // Made with OpenSSL, over `00000000000000ab-7.1795341600.{}` and over `{}`.
    let signature = "webhook-signature: v1,4+1ZM0e6WkPABGmihbk0TqRHXbKI+60ipTOyoPz3YFU= v1,dbld2HY/rNgKJFuJnvCz29SNYIDtfFpRQJ2k5WkyBHc=\r\n";
    assert!(sent.contains(signature), "{sent}");
    assert!(
        sent.contains(
            "x-hub-signature-256: sha256=2ed9598252a32b0494ac6c0a78a2365b7de3cceb65fe2bbbf6a3b00d0d81cf26\r\n"
        ) && !sent.contains("mine"),
        "{sent}"
    );
}

#[tokio::test]
async fn a_header_of_the_target_stands_instead_of_ringbacks() {
    let receiver = Scripted::plain(&[&[Request, OK]]);
    let mut target = post(&url(&receiver));
    target.method = Method::Put;
    target.headers = vec![("content-type".into(), "text/plain".into()), ("User-Agent".into(), "x".into())].into();
    client(AMPLE).attempt(&send_request(target, "{}")).await;
    let request = receiver.requests().concat();
    assert!(request.starts_with("PUT /hook "), "{request}");
    for (name, value) in [("content-type: ", "text/plain"), ("user-agent: ", "x")] {
        let values: Vec<_> = request.lines().filter_map(|line| line.strip_prefix(name)).collect();
        assert_eq!(values, [value], "{request}");
    }
}

#[tokio::test]
async fn get_calls_the_url_alone() {
    let receiver = Scripted::plain(&[&[Request, OK]]);
    let mut target = post(&url(&receiver));
    target.method = Method::Get;
    client(AMPLE).attempt(&send_request(target, "{}")).await;
    let request = receiver.requests().concat();
    assert!(request.starts_with("GET /hook HTTP/1.1\r\n") && request.ends_with("\r\n\r\n"), "{request}");
    assert!(!request.contains("content-") && !request.contains("transfer-encoding"), "{request}");
}
