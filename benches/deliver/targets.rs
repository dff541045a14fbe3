//! The targets: HTTP servers on loopback, all on one thread of this process. They accept everything, or hang.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// Running targets. They end when dropped.
pub struct Targets {
    pub addresses: Vec<SocketAddr>,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// A request.
pub struct Arrival {
    /// Which target.
    pub target: usize,
    /// When its headers had arrived.
    pub at: Instant,
    /// `webhook-id`.
    pub id: String,
    pub body: Bytes,
}

struct Shared {
    began: Instant,
    entries: AtomicU64,
    /// Of each target.
    requests: Vec<AtomicU64>,
    unsigned: AtomicU64,
    /// Nanoseconds after `began`.
    first: AtomicU64,
    last: AtomicU64,
    keeps: AtomicBool,
    kept: Mutex<Vec<Arrival>>,
    /// Targets from this number on hang, once they are to.
    hanging_from: usize,
    hangs: AtomicBool,
}

impl Targets {
    /// So many targets on ports of their own. Those from `hanging_from` on can be made to hang.
    pub fn start(count: usize, hanging_from: usize) -> Self {
        Self::at(&vec![SocketAddr::from(([127, 0, 0, 1], 0)); count], hanging_from)
    }

    /// Targets at given addresses.
    pub fn at(addresses: &[SocketAddr], hanging_from: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let listen = |address: &SocketAddr| runtime.block_on(TcpListener::bind(address)).expect("it is free");
        let listeners: Vec<_> = addresses.iter().map(listen).collect();
        let addresses = listeners.iter().map(|listener| listener.local_addr().expect("it listens")).collect();
        let shared = Arc::new(Shared {
            began: Instant::now(),
            entries: AtomicU64::new(0),
            requests: listeners.iter().map(|_| AtomicU64::new(0)).collect(),
            unsigned: AtomicU64::new(0),
            first: AtomicU64::new(u64::MAX),
            last: AtomicU64::new(0),
            keeps: AtomicBool::new(false),
            kept: Mutex::default(),
            hanging_from,
            hangs: AtomicBool::new(false),
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let theirs = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                for (target, listener) in listeners.into_iter().enumerate() {
                    tokio::spawn(listen_on(listener, target, Arc::clone(&theirs)));
                }
                // A dropped sender ends it, too.
                drop(stopped.await);
            });
        });
        Self { addresses, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// The URL of a target.
    pub fn url(&self, target: usize) -> String {
        format!("http://{}/hook", self.addresses[target])
    }

    /// Forgets what has come, and keeps requests from now on, or only counts them.
    pub fn restart(&self, keeps: bool) {
        let shared = &self.shared;
        shared.keeps.store(keeps, Relaxed);
        let counters = [&shared.entries, &shared.unsigned, &shared.last];
        counters.into_iter().chain(&shared.requests).for_each(|counter| counter.store(0, Relaxed));
        shared.first.store(u64::MAX, Relaxed);
        drop(self.take());
    }

    /// Has the hanging ones hang from now on.
    pub fn hang(&self) {
        self.shared.hangs.store(true, Relaxed);
    }

    /// Entries that were accepted.
    pub fn entries(&self) -> u64 {
        self.shared.entries.load(Relaxed)
    }

    /// Requests that were accepted.
    pub fn requests(&self) -> u64 {
        self.shared.requests.iter().map(|counter| counter.load(Relaxed)).sum()
    }

    /// Requests that one target accepted.
    pub fn requests_at(&self, target: usize) -> u64 {
        self.shared.requests[target].load(Relaxed)
    }

    /// Requests without a signature.
    pub fn unsigned(&self) -> u64 {
        self.shared.unsigned.load(Relaxed)
    }

    /// From the first request to the last.
    pub fn took(&self) -> Duration {
        let (first, last) = (self.shared.first.load(Relaxed), self.shared.last.load(Relaxed));
        Duration::from_nanos(last.saturating_sub(first))
    }

    /// What was kept.
    pub fn take(&self) -> Vec<Arrival> {
        std::mem::take(&mut *self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until so many entries have come.
    #[track_caller]
    pub fn wait_entries(&self, count: usize, limit: Duration) {
        let end = Instant::now() + limit;
        while self.entries() < count as u64 {
            assert!(Instant::now() < end, "{} of {count} entries came within {limit:?}", self.entries());
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Targets {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

async fn listen_on(listener: TcpListener, target: usize, shared: Arc<Shared>) {
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        tokio::spawn(serve(stream, target, Arc::clone(&shared)));
    }
}

async fn serve(stream: TcpStream, target: usize, shared: Arc<Shared>) {
    stream.set_nodelay(true).expect("no delay");
    let service = service_fn(|request| answer(request, target, &shared));
    // An error is a client that went away, as one whose attempt has timed out does.
    drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
}

async fn answer(
    request: Request<Incoming>,
    target: usize,
    shared: &Shared,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    let at = Instant::now();
    if target >= shared.hanging_from && shared.hangs.load(Relaxed) {
        std::future::pending::<()>().await;
    }
    let (head, body) = request.into_parts();
    // A body that breaks off is not accepted, and not counted.
    let Ok(body) = body.collect().await.map(http_body_util::Collected::to_bytes) else {
        return Ok(Response::new(Empty::new()));
    };
    let ns = (at - shared.began).as_nanos() as u64;
    shared.first.fetch_min(ns, Relaxed);
    shared.last.fetch_max(ns, Relaxed);
    if !head.headers.contains_key("webhook-signature") {
        shared.unsigned.fetch_add(1, Relaxed);
    }
    if shared.keeps.load(Relaxed) {
        let id = head.headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
        let arrival = Arrival { target, at, id, body: body.clone() };
        shared.kept.lock().unwrap_or_else(PoisonError::into_inner).push(arrival);
    }
    // `{"success":true,"data":{"entry":[...` and a brace for each entry.
    let braces = body.iter().filter(|byte| **byte == b'{').count() as u64;
    shared.requests[target].fetch_add(1, Relaxed);
    // Counted last: when the waiting thread sees the entries, all other counts are up to date.
    shared.entries.fetch_add(braces.saturating_sub(2), Relaxed);
    Ok(Response::new(Empty::new()))
}
