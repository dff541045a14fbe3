//! The HTTP edge against a caller on a socket and an engine that answers by script.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use self::client::{Answer, exchange, send};
use super::auth::{Principals, Right, may};
use super::{ApiState, Call, limits, serve};
use crate::api::DialectSlot;
use crate::model::ask::{self, Ask};
use crate::model::attempt::{Attempted, Reply};
use crate::model::delivery::Body;
use crate::model::dialects::DialectSettings;
use crate::model::ids::{AssetId, Rrn, Seq};
use crate::model::mage_id::MageId;
use crate::model::mount::Mount;
use crate::model::path::LogicalPath;
use crate::model::principal::{Principal, Role};
use crate::model::record::{Record, RecordsAnswer, RecordsRequest, Subject, SyncAnswer};
use crate::model::rescan::{RescanAnswer, RescanRequest, Until};
use crate::model::status::{DeliveriesStatus, MountState, MountStatus, OutboxStatus, RulesStatus, Status};
use crate::model::tenant::Tenant;
use crate::model::tenant_ids::TenantIds;
use crate::model::watching::SourceKind;

mod changes;
mod client;
mod deliveries;
mod dialects;
mod gate;
mod hal;
mod hints;
mod ledger;
mod limits_of_requests;
mod metrics;
mod openapi;
mod records;
mod reports;
mod rules;
mod security_page;
mod tenants;
mod topics;
mod trial;
mod why;

/// A server, and the queue of an engine that nobody runs until a test does.
struct Served {
    address: std::net::SocketAddr,
    calls: mpsc::Receiver<Call>,
    stop: oneshot::Sender<()>,
    server: tokio::task::JoinHandle<io::Result<()>>,
}

/// A principal of each role, of the tenant `acme`, whose token is its role; and one of each role but
/// super-administrator, of the tenant `other`, whose token begins with `other-`.
fn principals() -> Principals {
    let of = |role: Role, tenant: &str, name: String| {
        let token = super::token::Token::parse(&name).expect("a token");
        let tenants = [Tenant::parse(tenant).expect("a name")].into();
        let mage_id = MageId::of(&name);
        Principal { name, role, tenants: Arc::new(tenants), token_sha256: token.sha256(), mage_id }
    };
    let acme = Role::ALL.into_iter().map(|role| of(role, "acme", role.as_str().to_owned()));
    let others = Role::ALL.into_iter().filter(|role| *role != Role::SuperAdministrator);
    let others = others.map(|role| of(role, "other", format!("other-{}", role.as_str())));
    Principals::new(acme.chain(others).collect())
}

/// One mount, `/acme`, of the tenant `acme`.
fn mounts() -> Arc<[Mount]> {
    let path = LogicalPath::parse(b"/acme").expect("a path");
    let tenant = Some(Tenant::parse("acme").expect("a name"));
    Arc::new([Mount { tenant, ..Mount::new(path, "/srv/acme".into()) }])
}

fn status(ready: bool) -> Status {
    let mount = MountStatus {
        path: "/acme".to_owned(),
        dir: "/srv/acme".to_owned(),
        state: if ready { MountState::Watching } else { MountState::Scanning },
        reason: None,
        source: Some(SourceKind::Inotify),
        source_reason: None,
        assets: 3,
        directories: 1,
        last_scan: None,
        scan: None,
        lag_ms: 0,
        notes: Vec::new(),
        notes_more: 0,
        unwatched: 0,
    };
    Status {
        troubles: Vec::new(),
        troubles_more: 0,
        version: "0.0.0",
        node: "00000000000000ff".to_owned(),
        ready,
        mounts: vec![mount],
        rules: RulesStatus { generation: 1, subscriptions: 2, ..RulesStatus::default() },
        outbox: OutboxStatus { entries: 0, oldest_seconds: 0 },
        deliveries: DeliveriesStatus { pending: 0, in_flight: 0, waiting: 0, dead: 0 },
        attempts_overdue: 0,
        log_lines_lost: 0,
    }
}

/// What the API is made of, and the queue of the engine, which holds one call.
fn api(ready: bool) -> (ApiState, mpsc::Receiver<Call>) {
    api_on(self::ledger::reader(), ready)
}

fn api_on(reader: crate::store::Reader, ready: bool) -> (ApiState, mpsc::Receiver<Call>) {
    let (sender, calls) = mpsc::channel(1);
    let state = ApiState {
        calls: sender,
        status: Arc::new(move || status(ready)),
        measures: Arc::new(self::metrics::measures),
        reader: Arc::new(reader),
        registry: Arc::new(self::ledger::registry),
        mounts: mounts(),
        cover: Arc::new(|path| match path {
            path if path.starts_with('/') => {
                let below = path.as_bytes().to_vec();
                Ok(Arc::new(move |path: &[u8]| path.starts_with(&below)))
            }
            _ => Err("a path begins with `/`".to_owned()),
        }),
        attempt: Arc::new(|request| {
            let reply = Reply::status_alone(204);
            let attempted = Attempted { key: request.id.key, attempt: request.attempt, duration_ms: 7, reply };
            Box::pin(std::future::ready(attempted))
        }),
        locate: Arc::new(|path| {
            let below = path.strip_prefix("/srv/acme").ok()?.to_str()?;
            LogicalPath::parse(format!("/acme/{below}").as_bytes()).ok()
        }),
        on_disk: Arc::new(|path| Some(format!("/srv{}", path.display()).into())),
        survey: Arc::new(self::why::survey),
        verdicts: Arc::new(self::why::verdicts),
        explain: Arc::new(|ask, _| self::rules::explain(ask)),
        rules: Arc::new(self::rules::page),
        dialects: dialects(),
        knows_event: Arc::new(|name| name.is_known() || name.as_str() == "scanned"),
        written: Arc::new(|_, entry| Body {
            bytes: format!("{{\"seq\":{}}}", entry.seq()).into_bytes().into(),
            content_type: "application/json".into(),
        }),
        principals: Arc::new(principals()),
    };
    (state, calls)
}

fn dialects() -> Arc<DialectSlot> {
    let tenants = vec![TenantIds::derived(Tenant::parse("acme").expect("a name"))];
    let dialects = DialectSlot::default();
    dialects.set(DialectSettings { tenants, ..DialectSettings::default() });
    Arc::new(dialects)
}

async fn served(ready: bool) -> Served {
    serve_api(api(ready)).await
}

async fn serve_api((state, calls): (ApiState, mpsc::Receiver<Call>)) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let (stop, stopped) = oneshot::channel();
    let server = tokio::spawn(serve(listener, None, state, stopped));
    Served { address, calls, stop, server }
}

impl Served {
    async fn ask(&self, head: &str, body: &str) -> Answer {
        exchange(self.address, head, body.as_bytes()).await
    }

    /// Asks, and answers as the engine would. What the engine was asked comes back too.
    async fn ask_engine(&mut self, head: &str, body: &str, reply: ask::Answer) -> (Answer, RecordsRequest) {
        let engine = async {
            match self.calls.recv().await {
                Some(Call { ask: Ask::Records(request), reply: to }) => {
                    to.send(reply).expect("somebody waits");
                    request
                }
                other => panic!("not records: {other:?}"),
            }
        };
        tokio::join!(exchange(self.address, head, body.as_bytes()), engine)
    }
}

fn auth(role: Role) -> String {
    format!("Authorization: Bearer {}\r\n", role.as_str())
}

/// The head of a `POST /v1/records` by the asset store.
fn post_records(content_type: &str) -> String {
    format!("POST /v1/records HTTP/1.1\r\nContent-Type: {content_type}\r\n{}", auth(Role::Recorder))
}

#[tokio::test]
async fn every_refusal_is_a_problem_with_its_status() {
    let served = served(true).await;
    let cases: [(&str, u16, &str); 13] = [
        ("GET /nothing HTTP/1.1\r\n", 404, "nothing at this path"),
        ("GET /v1/records HTTP/1.1\r\n", 405, "Allow"),
        ("DELETE /healthz HTTP/1.1\r\n", 405, "Allow"),
        ("GET /v1/status HTTP/1.1\r\n", 401, "Bearer TOKEN"),
        ("GET /v1/status HTTP/1.1\r\nAuthorization: Basic b3A6b3A=\r\n", 401, "unknown credentials"),
        ("GET /v1/status HTTP/1.1\r\nAuthorization: Bearer wrong\r\n", 401, "unknown credentials"),
        ("GET /v1/status HTTP/1.1\r\nAuthorization: Bearer recorder\r\n", 403, "super-administrator, super-delegate"),
        ("POST /v1/sync HTTP/1.1\r\nAuthorization: Bearer reader\r\n", 403, "recorder"),
        ("POST /v1/rescan HTTP/1.1\r\nAuthorization: Bearer recorder\r\n", 403, "operator"),
        ("POST /v1/records HTTP/1.1\r\nAuthorization: Bearer operator\r\n", 403, "recorder"),
        ("POST /v1/records HTTP/1.1\r\nAuthorization: Bearer recorder\r\n", 415, "application/x-ndjson"),
        ("GET /healthz HTTP/1.1\r\nOrigin: http://evil.example\r\n", 403, "origin"),
        ("GET /healthz HTTP/1.1\r\nSec-Fetch-Site: cross-site\r\n", 403, "site"),
    ];
    for (head, status, says) in cases {
        let answer = served.ask(head, "").await;
        assert_eq!(answer.status, status, "{head}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{head}");
        let problem = answer.json();
        assert_eq!(problem["status"], status, "{head}");
        assert_eq!(problem["type"], "about:blank", "{head}");
        assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()), "{head}");
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(says), "{head}: {detail}");
        assert_eq!(answer.header("www-authenticate"), (status == 401).then_some("Bearer"), "{head}");
    }
    assert_eq!(served.ask("GET /v1/records HTTP/1.1\r\n", "").await.header("allow"), Some("POST"));
    assert_eq!(served.ask("POST /v1/status HTTP/1.1\r\n", "{}").await.header("allow"), Some("GET,HEAD"));
}

#[test]
fn the_table_of_rights() {
    let may_do = |right| Role::ALL.map(|role| may(role, right));
    assert_eq!(may_do(Right::Record), [true, false, false, false, true, false]);
    assert_eq!(may_do(Right::Sync), [true, true, true, true, true, false]);
    assert_eq!(may_do(Right::Act), [true, true, true, true, false, false]);
    assert_eq!(may_do(Right::Read), [true, true, true, true, false, true]);
    assert_eq!(may_do(Right::ReadStatus), [true, true, true, true, false, true]);
}

#[tokio::test]
async fn a_token_counts_as_bearer_as_password_and_as_cookie() {
    let served = served(true).await;
    for (credentials, status) in [
        ("Authorization: Bearer reader", 200),
        // `reader:reader`, `operator:reader`, `reader:`
        ("Authorization: Basic cmVhZGVyOnJlYWRlcg==", 200),
        ("Authorization: Basic b3BlcmF0b3I6cmVhZGVy", 401),
        ("Authorization: Basic cmVhZGVyOg==", 401),
        ("Cookie: reader", 200),
        ("Cookie: theme=dark; zm_cookie=reader", 200),
        ("Cookie: zm_cookie=wrong", 401),
        ("Cookie: theme=reader", 401),
        // A page of another origin cannot use the cookie that the browser sends along.
        ("Cookie: zm_cookie=reader\r\nOrigin: http://evil.example", 403),
        ("Cookie: zm_cookie=reader\r\nSec-Fetch-Site: cross-site", 403),
    ] {
        let answer = served.ask(&format!("GET /v1/status HTTP/1.1\r\n{credentials}\r\n"), "").await;
        assert_eq!(answer.status, status, "{credentials}: {}", answer.text());
    }
}

#[tokio::test]
async fn wrong_credentials_are_slowed_down_and_right_ones_never() {
    let served = served(true).await;
    let wrong = "GET /v1/status HTTP/1.1\r\nAuthorization: Bearer wrong\r\n";
    let right = format!("GET /v1/status HTTP/1.1\r\n{}", auth(Role::Reader));
    // As many as it takes: a slow machine may need more than five to have five in one second.
    let mut limited = None;
    for _ in 0..200 {
        let answer = served.ask(wrong, "").await;
        if answer.status == 429 {
            limited = Some(answer);
            break;
        }
        assert_eq!(answer.status, 401);
    }
    let limited = limited.expect("the limit is reached");
    assert_eq!(limited.header("retry-after"), Some("1"));
    assert_eq!(served.ask(&right, "").await.status, 200);
    assert_eq!(served.ask("GET /v1/status HTTP/1.1\r\n", "").await.status, 401, "missing ones do not count");
}

#[tokio::test]
async fn probes_need_no_credentials_and_readiness_says_what_it_waits_for() {
    for (ready, status, body) in
        [(true, 200, r#"{"ready":true}"#), (false, 503, r#"{"ready":false,"waitingFor":"the start scan of 1 mount"}"#)]
    {
        let served = served(ready).await;
        let answer = served.ask("GET /readyz HTTP/1.1\r\n", "").await;
        assert_eq!((answer.status, answer.text().as_str()), (status, body));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let answer = served.ask("GET /healthz HTTP/1.1\r\n", "").await;
        assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"alive":true}"#));
    }
}

#[tokio::test]
async fn status_has_the_published_shape() {
    let served = served(true).await;
    let answer = served.ask(&format!("GET /v1/status HTTP/1.1\r\n{}", auth(Role::Operator)), "").await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let status = answer.json();
    assert_eq!(status["node"], "00000000000000ff");
    assert_eq!(status["mounts"][0]["state"], "watching");
    assert_eq!(status["mounts"][0]["lagMs"], 0);
}

#[tokio::test]
async fn sync_answers_what_the_engine_answers() {
    let mut served = served(true).await;
    let engine = async {
        let Some(Call { ask: Ask::Sync, reply }) = served.calls.recv().await else { panic!("not a sync") };
        let offline = vec![LogicalPath::parse(b"/acme").expect("a path")];
        reply.send(ask::Answer::Sync(SyncAnswer { seq: Seq(42), rrn: Rrn(12), offline })).expect("somebody waits");
    };
    let head = format!("POST /v1/sync HTTP/1.1\r\n{}", auth(Role::Recorder));
    let (answer, ()) = tokio::join!(exchange(served.address, &head, b"ignored"), engine);
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"offline":["/acme"],"rrn":12,"seq":42}"#));
    let large = "x".repeat(limits::IGNORED_BYTES_MAX + 1);
    assert_eq!(served.ask(&head, &large).await.status, 413);
}

#[tokio::test]
async fn rescan_answers_at_once_or_when_all_is_matched() {
    let mut served = served(true).await;
    let head = format!("POST /v1/rescan HTTP/1.1\r\n{}", auth(Role::SuperAdministrator));
    let path = |text: &str| LogicalPath::parse(text.as_bytes()).expect("a path");
    for (body, begins, expect) in [
        (
            r#"{"path": "/acme/d"}"#,
            RescanAnswer::Begun { offline: vec![], task: None },
            (202, r#"{"offline":[],"scanning":["/acme/d"]}"#),
        ),
        (
            r#"{"path": "/acme/d"}"#,
            RescanAnswer::Begun { offline: vec![path("/acme")], task: Some("u".to_owned()) },
            (202, r#"{"offline":["/acme"],"scanning":["/acme/d"],"task":"u"}"#),
        ),
        (r#"{"path": "/acme/d", "wait": true}"#, RescanAnswer::NothingThere, (404, "")),
        (r#"{"path": "/acme/d"}"#, RescanAnswer::NothingThere, (404, "")),
    ] {
        let engine = async {
            let call = served.calls.recv().await.expect("a call");
            let until = if body.contains("wait") { Until::Matched } else { Until::Begun };
            let (request, by) = (RescanRequest::of(Some(path("/acme/d"))), "super-administrator".to_owned());
            assert_eq!(call.ask, Ask::Rescan { request, until, by, listener: None });
            call.reply.send(ask::Answer::Rescan(begins)).expect("a caller waits");
        };
        let (answer, ()) = tokio::join!(exchange(served.address, &head, body.as_bytes()), engine);
        assert_eq!(answer.status, expect.0, "{body}");
        match answer.status {
            202 => assert_eq!(answer.text(), expect.1),
            _ => {
                assert!(answer.text().contains("there is no file or directory at \\\"/acme/d\\\""), "{}", answer.text())
            }
        }
    }
    let engine = async {
        let call = served.calls.recv().await.expect("a call");
        let (request, by) = (RescanRequest::of(None), "super-administrator".to_owned());
        assert_eq!(call.ask, Ask::Rescan { request, until: Until::Matched, by, listener: None });
        let synced = SyncAnswer { seq: Seq(7), rrn: Rrn(3), offline: vec![path("/b")] };
        call.reply.send(ask::Answer::Sync(synced)).expect("a caller waits");
    };
    let asked = exchange(served.address, &head, b"{\"wait\": true}");
    let (answer, ()) = tokio::join!(asked, engine);
    assert_eq!((answer.status, answer.json()), (200, serde_json::json!({"seq": 7, "rrn": 3, "offline": ["/b"]})));
}

#[tokio::test]
async fn a_full_queue_or_an_engine_that_is_gone_is_503() {
    let mut served = served(true).await;
    let head = format!("POST /v1/sync HTTP/1.1\r\n{}", auth(Role::Recorder));
    let first = tokio::spawn({
        let (address, head) = (served.address, head.clone());
        async move { exchange(address, &head, b"").await }
    });
    // The queue holds one call; once the first is in it, the next finds it full.
    while served.calls.is_empty() {
        tokio::task::yield_now().await;
    }
    let answer = served.ask(&head, "").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    drop(served.calls.recv().await);
    assert_eq!(first.await.expect("no panic").status, 503, "its reply was dropped");
    served.calls.close();
    assert_eq!(served.ask(&head, "").await.status, 503, "nobody takes calls any more");
}

#[tokio::test]
async fn a_shutdown_lets_requests_under_way_end_and_takes_no_more() {
    let mut served = served(true).await;
    let head = format!("POST /v1/sync HTTP/1.1\r\n{}", auth(Role::Recorder));
    let under_way = tokio::spawn({
        let address = served.address;
        async move { exchange(address, &head, b"").await }
    });
    let Some(Call { ask: Ask::Sync, reply }) = served.calls.recv().await else { panic!("not a sync") };
    // An idle connection must not hold the end up.
    let idle = tokio::net::TcpStream::connect(served.address).await.expect("connected");
    served.stop.send(()).expect("it runs");
    while tokio::net::TcpStream::connect(served.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let synced = SyncAnswer { seq: Seq(1), rrn: Rrn(1), offline: Vec::new() };
    reply.send(ask::Answer::Sync(synced)).expect("somebody waits");
    assert_eq!(under_way.await.expect("no panic").status, 200);
    let ended = tokio::time::timeout(limits::DRAIN_MAX + Duration::from_secs(5), served.server).await;
    ended.expect("in time").expect("no panic").expect("no error");
    drop(idle);
}

#[tokio::test]
async fn a_large_body_that_is_refused_still_lets_its_sender_read_why() {
    let served = served(true).await;
    let body = "x".repeat(limits::RECORDS_BYTES_MAX + 1);
    assert_eq!(served.ask(&post_records("application/json"), &body).await.status, 413);
    assert_eq!(served.ask(&post_records("text/csv"), &body).await.status, 415);
    assert_eq!(served.ask("POST /v1/records HTTP/1.1\r\n", &body).await.status, 401);
    assert_eq!(served.ask("POST /elsewhere HTTP/1.1\r\n", &body).await.status, 404);
    // Without a length, the limit shows only on the way.
    let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let head = format!("{}Transfer-Encoding: chunked\r\n", post_records("application/json"));
    assert_eq!(send(served.address, &head, chunked.as_bytes()).await.status, 413);
    // Who asks first is refused before it sends anything.
    let head =
        format!("{}Expect: 100-continue\r\nContent-Length: {}\r\n", post_records("application/json"), body.len());
    assert_eq!(send(served.address, &head, b"").await.status, 413);
}
