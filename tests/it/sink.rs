//! A subscriber: records every request, answers as it is told to, and can be waited for.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use bytes::Bytes;
use ringback::cli::receiver::{Received, Receiver, Reply};
use serde::Deserialize;
use tokio::runtime::Runtime;

use crate::daemon::DEADLINE;

/// One entry of a payload.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Told {
    pub asset_id: i64,
    pub rrn: i64,
    pub path: String,
    pub path_base64: Option<String>,
    pub owner: String,
    pub action: String,
}

impl Told {
    /// Action and path, as tests write them.
    pub fn line(&self) -> String {
        format!("{} {}", self.action, self.path)
    }

    /// The path's bytes.
    pub fn bytes(&self) -> Vec<u8> {
        match &self.path_base64 {
            Some(text) => base64::engine::general_purpose::STANDARD.decode(text).expect("base64"),
            None => self.path.clone().into_bytes(),
        }
    }
}

/// Actions and paths.
pub fn lines(told: &[Told]) -> Vec<String> {
    told.iter().map(Told::line).collect()
}

/// The same, sorted: for what has no order of its own.
pub fn sorted(told: &[Told]) -> Vec<String> {
    let mut lines = lines(told);
    lines.sort();
    lines
}

/// What a receiver knows that folds what it is told, in order: the living paths, and which asset is at each.
#[track_caller]
pub fn view(told: &[Told]) -> BTreeMap<String, i64> {
    let mut view = BTreeMap::new();
    for one in told {
        match one.action.as_str() {
            "deleted" => view.remove(&one.path),
            "added" | "modified" => view.insert(one.path.clone(), one.asset_id),
            other => panic!("nobody asked for {other}: {one:?}"),
        };
    }
    view
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    success: bool,
    data: Data,
    /// That entries were lost.
    error: Option<String>,
    #[serde(rename = "id")]
    _name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    entry: Vec<Told>,
}

/// The entries of a body.
#[track_caller]
pub fn entries(body: &[u8]) -> Vec<Told> {
    let payload: Payload = serde_json::from_slice(body)
        .unwrap_or_else(|error| panic!("{error} in the payload {}", String::from_utf8_lossy(body)));
    assert_eq!(payload.success, payload.error.is_none());
    assert!(payload.success || payload.data.entry.is_empty(), "what tells that entries were lost has none");
    payload.data.entry
}

/// One request.
#[derive(Debug, Clone)]
pub struct Call {
    /// As it came.
    pub received: Received,
    /// `webhook-id`.
    pub id: String,
    /// What it was answered.
    pub status: u16,
    /// What it told; empty where it has no body, and in other formats than `zoom`.
    pub entries: Arc<[Told]>,
}

type Behaviour = Box<dyn FnMut(&Received) -> Reply + Send>;

struct State {
    calls: Vec<Call>,
    /// What was accepted, once each, in order.
    told: Vec<Told>,
    bodies: HashMap<String, Bytes>,
    accepted: HashSet<String>,
    wrong: Option<String>,
    behaviour: Behaviour,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, received: Received) -> Reply {
        let mut state = self.lock();
        let reply = (state.behaviour)(&received);
        let id = received.header("webhook-id").to_owned();
        let again = state.bodies.get(&id).map(|body| *body == received.body);
        let has_entries =
            !received.body.is_empty() && !received.header("content-type").starts_with("application/cloudevents");
        let entries: Arc<[Told]> = if has_entries { entries(&received.body).into() } else { Arc::default() };
        if again == Some(false) {
            state.wrong = Some(format!("the id {id} came with two bodies"));
        }
        state.bodies.insert(id.clone(), received.body.clone());
        // The receiver answers 2xx only when it means it.
        if (200..300).contains(&reply.status) && state.accepted.insert(id.clone()) {
            state.told.extend(entries.iter().cloned());
        }
        state.calls.push(Call { received, id, status: reply.status, entries });
        drop(state);
        self.changed.notify_all();
        reply
    }
}

/// A running subscriber.
pub struct Sink {
    shared: Arc<Shared>,
    addr: SocketAddr,
    // Its threads end with it, whatever is under way.
    runtime: Option<(Runtime, Receiver)>,
}

impl Sink {
    /// One that accepts everything.
    pub fn new() -> Self {
        Self::at(SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// One that listens at a given address.
    #[track_caller]
    pub fn at(addr: SocketAddr) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let state = State {
            calls: Vec::new(),
            told: Vec::new(),
            bodies: HashMap::new(),
            accepted: HashSet::new(),
            wrong: None,
            behaviour: Box::new(|_| Reply::from(200)),
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let theirs = Arc::clone(&shared);
        let receiver = runtime.block_on(Receiver::start(addr, move |received| theirs.take(received)));
        let receiver = receiver.unwrap_or_else(|error| panic!("{addr}: {error}"));
        Self { shared, addr: receiver.addr, runtime: Some((runtime, receiver)) }
    }

    /// The URL of a path here.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// A rule that tells this subscriber what `watch` covers.
    pub fn rule(&self, name: &str, watch: &str) -> String {
        self.rule_of(name, &[watch])
    }

    /// The same with several clauses.
    pub fn rule_of(&self, name: &str, watch: &[&str]) -> String {
        format!("[[subscription]]\nname = '{name}'\ncallback = '{}'\nwatchPath = {watch:?}\n", self.url("/hook"))
    }

    /// A rule over everything.
    pub fn rule_all(&self) -> String {
        self.rule("all", "* /")
    }

    /// Answers so from now on.
    pub fn behave<R: Into<Reply>>(&self, mut behaviour: impl FnMut(&Received) -> R + Send + 'static) {
        self.shared.lock().behaviour = Box::new(move |received| behaviour(received).into());
    }

    /// Everything accepted so far, repeats left out, in order.
    #[track_caller]
    pub fn told(&self) -> Vec<Told> {
        let state = self.shared.lock();
        assert_eq!(state.wrong, None);
        state.told.clone()
    }

    /// Every request so far.
    #[track_caller]
    pub fn calls(&self) -> Vec<Call> {
        let state = self.shared.lock();
        assert_eq!(state.wrong, None);
        state.calls.clone()
    }

    /// Waits until what was accepted is as wanted.
    #[track_caller]
    pub fn wait(&self, what: &str, wanted: impl Fn(&[Told]) -> bool) {
        self.wait_state(what, DEADLINE, |state| wanted(&state.told));
    }

    /// The same, for what takes longer.
    #[track_caller]
    pub fn wait_within(&self, what: &str, limit: Duration, wanted: impl Fn(&[Told]) -> bool) {
        self.wait_state(what, limit, |state| wanted(&state.told));
    }

    /// Waits until the requests are as wanted.
    #[track_caller]
    pub fn wait_calls(&self, what: &str, wanted: impl Fn(&[Call]) -> bool) {
        self.wait_state(what, DEADLINE, |state| wanted(&state.calls));
    }

    /// Waits until this action at this path was told.
    #[track_caller]
    pub fn wait_line(&self, line: &str) {
        self.wait(line, |told| told.iter().any(|one| one.line() == line));
    }

    #[track_caller]
    fn wait_state(&self, what: &str, limit: Duration, wanted: impl Fn(&State) -> bool) {
        let end = Instant::now() + limit;
        let mut state = self.shared.lock();
        while !wanted(&state) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let seen = show(&state);
                drop(state);
                panic!("{what}: not within {limit:?}; it saw\n{seen}");
            }
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        assert_eq!(state.wrong, None);
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if let Some((runtime, receiver)) = self.runtime.take() {
            drop(receiver);
            runtime.shutdown_background();
        }
    }
}

fn show(state: &State) -> String {
    const SHOWN_MAX: usize = 100;
    let mut out = String::new();
    for call in state.calls.iter().rev().take(SHOWN_MAX).rev() {
        let told: Vec<_> = call.entries.iter().take(SHOWN_MAX).map(Told::line).collect();
        let line = &call.received.path_and_query;
        writeln!(out, "  {} {line} {} -> {}: {}", call.received.method, call.id, call.status, told.join(", "))
            .expect("text");
    }
    out
}
