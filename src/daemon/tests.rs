//! Limits of the daemon's own: how many callers it takes on, and how long it waits at its start and its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};
use url::Url;

use super::attempts::Attempts;
use super::carrier::{Carrier, ClientSlot};
use super::clock::SystemClock;
use super::engine_thread::{DRAIN_MAX, EngineThread, StatusSlot};
use super::inbox::Inbox;
use super::looker::{Lookers, Tools};
use super::{CALLS_OPEN_MAX, SERVES_MAX, forward_calls, mounts_unseen_after};
use crate::api;
use crate::deliver::{self, Client};
use crate::engine::Engine;
use crate::intake::Setup;
use crate::look::real::RealDisk;
use crate::model::ask::Ask;
use crate::model::attempt::{Attempted, Reply};
use crate::model::delivery::{Body, SendRequest};
use crate::model::ids::{DeliveryNo, NodeId};
use crate::model::mount::Mount;
use crate::model::part::{DeliveryId, DeliveryKey};
use crate::model::path::LogicalPath;
use crate::model::retention::Retention;
use crate::model::retry::Accepts;
use crate::model::status::MountState;
use crate::model::subscription::{Method, Name, Subscription, Target};
use crate::model::time::Wall;
use crate::settle::Patience;
use crate::store::Ledger;
use crate::watch::mounts::Mounts;
use crate::watch::poll::PollSource;

/// A limit that a test can wait for.
const SHORT: Duration = Duration::from_millis(60);

/// An engine with a mount `/m` whose root has not been looked at.
fn engine(clock: SystemClock) -> Engine {
    let ledger = Ledger::in_memory(Connection::open_in_memory().expect("SQLite"), 1).expect("a ledger");
    let mount = Mount::new(LogicalPath::parse(b"/m").expect("a path"), "/unused".into());
    let setup = Setup { mounts: vec![mount], patience: Patience { quiet_ms: 1_000, max_ms: None } };
    Engine::new(ledger, setup, Retention::default(), clock.now()).expect("an engine")
}

/// The thread's own parts, with nothing that looks. To be made inside a runtime.
fn engine_thread() -> EngineThread {
    let (clock, inbox) = (SystemClock::start(), Arc::new(Inbox::default()));
    let mut engine = engine(clock);
    let lookers = Lookers::new(Tools {
        disk: Arc::new(RealDisk::new()),
        mounts: Arc::new(Mounts::new(Vec::new(), None).expect("mounts")),
        source: Arc::new(PollSource::new(Arc::new(|_| {}))),
        inbox: Arc::clone(&inbox),
    });
    let attempts = Attempts::new(Arc::clone(&inbox), DRAIN_MAX);
    let client = Client::new(deliver::Limits::default(), deliver::Reach::default());
    let client = Arc::new(ClientSlot::new(client));
    EngineThread {
        status: Arc::new(StatusSlot::new(engine.status(clock.now()))),
        carrier: Carrier::new(lookers, client, attempts),
        engine,
        measures: Arc::default(),
        registry: Arc::default(),
        inbox,
        clock,
        state: "/unused".into(),
        was_ill: false,
    }
}

fn request() -> SendRequest {
    let url = Url::parse("http://127.0.0.1:1/hook").expect("a URL");
    let target =
        Target { method: Method::Post, url: url.into(), headers: Box::default(), accepts: Accepts::AnySuccess };
    let key = DeliveryKey::whole(DeliveryNo(1));
    SendRequest {
        mark: None,
        subscription: Arc::new(Subscription::new(Name::parse("watch").expect("a name"), target)),
        id: DeliveryId { node: NodeId(1), key },
        attempt: 1,
        at: Wall(0),
        body: Body::json(Bytes::new()),
    }
}

/// The runtime of a test has one thread, so a task goes on until it has to wait, whenever this test yields.
#[tokio::test]
async fn calls_beyond_the_limit_wait_in_the_queue_before_the_engine() {
    let (calls, queue) = mpsc::channel(CALLS_OPEN_MAX + 2);
    for _ in 0..CALLS_OPEN_MAX + 2 {
        calls.try_send(api::Call { ask: Ask::Sync, reply: oneshot::channel().0 }).expect("room in the queue");
    }
    let inbox = Arc::new(Inbox::default());
    let forwarder = tokio::spawn(forward_calls(queue, Arc::clone(&inbox)));
    let mut open = Vec::new();
    // The one beyond the limit is taken out of the queue, and held until there is a permit; the next one stays there.
    while calls.capacity() < CALLS_OPEN_MAX + 1 {
        tokio::task::yield_now().await;
    }
    for _ in 0..10 {
        tokio::task::yield_now().await;
        open.append(&mut inbox.take(Some(Instant::now())).calls);
    }
    assert_eq!((open.len(), calls.capacity()), (CALLS_OPEN_MAX, CALLS_OPEN_MAX + 1));
    drop(open.pop());
    let mut next = Vec::new();
    while next.is_empty() {
        tokio::task::yield_now().await;
        next.append(&mut inbox.take(Some(Instant::now())).calls);
    }
    assert_eq!(next.len(), 1, "one that was answered makes room for one");
    forwarder.abort();
}

#[tokio::test]
async fn the_start_waits_for_a_mount_that_does_not_answer_no_longer_than_the_limit() {
    let clock = SystemClock::start();
    let unseen = engine(clock).status(clock.now());
    let slot = Arc::new(StatusSlot::new(unseen.clone()));
    let began = Instant::now();
    assert_eq!(mounts_unseen_after(Arc::clone(&slot), SHORT).await, ["/m"]);
    assert!(began.elapsed() >= SHORT, "{:?}", began.elapsed());
    // It answers while it is waited for.
    let began = Instant::now();
    let waits = tokio::spawn(mounts_unseen_after(Arc::clone(&slot), SERVES_MAX));
    tokio::task::yield_now().await;
    let mut seen = unseen;
    seen.mounts[0].state = MountState::Offline;
    slot.set(seen, None);
    assert_eq!(waits.await.expect("no panic"), [""; 0]);
    assert!(began.elapsed() < SERVES_MAX, "{:?}", began.elapsed());
}

#[test]
fn the_end_waits_for_attempts_no_longer_than_the_limit() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let _inside = runtime.enter();
    for (max, ends) in [(DRAIN_MAX, true), (SHORT, false)] {
        let mut thread = engine_thread();
        let (end, ended) = oneshot::channel::<()>();
        thread.carrier.attempts().begin(request(), async move {
            drop(ended.await);
            let reply = Reply::status_alone(200);
            Attempted { key: DeliveryKey::whole(DeliveryNo(1)), attempt: 1, duration_ms: 1, reply }
        });
        let kept = (!ends).then_some(end);
        let began = Instant::now();
        thread.drain(max);
        let took = began.elapsed();
        assert_eq!(thread.carrier.attempts().len(), usize::from(!ends));
        assert_eq!(took < max, ends, "it took {took:?} of {max:?}");
        drop(kept);
    }
}
