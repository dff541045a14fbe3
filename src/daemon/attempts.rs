//! Attempts under way. Each ends in exactly one reply, whatever becomes of the task that makes it: one that panics or
//! is cancelled ends as `internal`, and so does one that is still there long after its limits have passed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use super::inbox::Inbox;
use crate::engine::Input;
use crate::model::attempt::{Attempted, Reply};
use crate::model::delivery::SendRequest;
use crate::model::part::DeliveryKey;

/// An attempt ends itself at its own limits. It is given this much longer, because a machine may be too busy to wake
/// it.
const SLACK: Duration = Duration::from_secs(30);
/// An attempt that is overdue is looked at once more after this long: a process that was stopped finds everything
/// overdue when it goes on, and ends it in a moment.
const SECOND_LOOK: Duration = Duration::from_secs(1);

/// The attempts that are being made.
pub(super) struct Attempts {
    runtime: Handle,
    shared: Arc<Shared>,
    age: Arc<AttemptAge>,
}

/// How old an attempt may become: an older one is overdue.
pub(super) struct AttemptAge(AtomicU64);

impl AttemptAge {
    /// `attempt_max` is how long one may take by its own limits.
    fn new(attempt_max: Duration) -> Self {
        Self(AtomicU64::new((attempt_max + SLACK).as_millis() as u64))
    }

    /// Lets attempts take at least so long from now on. What began by longer limits keeps them, so it never falls.
    pub(super) fn raise(&self, attempt_max: Duration) {
        self.0.fetch_max((attempt_max + SLACK).as_millis() as u64, Ordering::Relaxed);
    }

    fn max(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }
}

struct Shared {
    inbox: Arc<Inbox>,
    under_way: Mutex<BTreeMap<DeliveryKey, UnderWay>>,
}

struct UnderWay {
    request: SendRequest,
    began: Instant,
    /// When it was first seen to be overdue.
    overdue: Option<Instant>,
    task: Option<AbortHandle>,
}

impl Attempts {
    /// No attempts yet. `attempt_max` is how long one may take by its own limits. Made inside the runtime that makes
    /// them.
    pub(super) fn new(inbox: Arc<Inbox>, attempt_max: Duration) -> Self {
        let shared = Arc::new(Shared { inbox, under_way: Mutex::default() });
        Self { runtime: Handle::current(), shared, age: Arc::new(AttemptAge::new(attempt_max)) }
    }

    /// How old one may become.
    pub(super) fn age(&self) -> Arc<AttemptAge> {
        Arc::clone(&self.age)
    }

    /// Makes an attempt. Its outcome goes into the inbox.
    pub(super) fn begin(&self, request: SendRequest, attempt: impl Future<Output = Attempted> + Send + 'static) {
        let under_way = UnderWay { request: request.clone(), began: Instant::now(), overdue: None, task: None };
        self.shared.lock().insert(request.id.key, under_way);
        let unended = Unended { shared: Arc::clone(&self.shared), key: request.id.key, attempt: request.attempt };
        let task = self.runtime.spawn(async move {
            let attempted = attempt.await;
            unended.shared.end(attempted);
            drop(unended);
        });
        if let Some(attempt) = self.shared.lock().get_mut(&request.id.key) {
            attempt.task = Some(task.abort_handle());
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.shared.lock().len()
    }

    /// How many are older than their limits allow.
    pub(super) fn overdue(&self) -> usize {
        self.shared.lock().values().filter(|attempt| attempt.overdue.is_some()).count()
    }

    /// When [`Self::end_overdue`] has something to do at the earliest.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let due = |attempt: &UnderWay| match attempt.overdue {
            Some(seen) => seen + SECOND_LOOK,
            None => attempt.began + self.age.max(),
        };
        self.shared.lock().values().map(due).min()
    }

    /// Ends what is long past its limits.
    pub(super) fn end_overdue(&self, now: Instant) {
        let mut ended = Vec::new();
        for attempt in self.shared.lock().values_mut() {
            let age = now.saturating_duration_since(attempt.began);
            if age < self.age.max() {
                continue;
            }
            let seen = *attempt.overdue.get_or_insert(now);
            if now.saturating_duration_since(seen) >= SECOND_LOOK {
                ended.push((attempt.request.id.key, attempt.request.attempt, age, attempt.task.take()));
            }
        }
        for (key, attempt, age, task) in ended {
            let why = format!("no outcome after {} s, long past the attempt's limits", age.as_secs());
            self.shared.end_internal(key, attempt, age, why);
            // It may be stuck where it cannot be aborted: what it says later is not taken.
            if let Some(task) = task {
                task.abort();
            }
        }
    }
}

impl Drop for Attempts {
    /// The process ends, and the tasks with it: that is not a failure. The next start makes the attempts again.
    fn drop(&mut self) {
        self.shared.lock().clear();
    }
}

impl Shared {
    /// It is whole between any two statements, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<DeliveryKey, UnderWay>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes an outcome on, unless the attempt has had one.
    fn end(&self, attempted: Attempted) {
        let mut under_way = self.lock();
        let is_awaited = |waiting: &UnderWay| waiting.request.attempt == attempted.attempt;
        if !under_way.get(&attempted.key).is_some_and(is_awaited) {
            return;
        }
        under_way.remove(&attempted.key);
        // Under the lock: when none is under way any more, all outcomes are in the inbox.
        self.inbox.input(Input::Attempted(attempted));
    }

    fn end_internal(&self, key: DeliveryKey, attempt: u32, age: Duration, why: String) {
        let duration_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        self.end(Attempted { key, attempt, duration_ms, reply: Reply::Internal { why } });
    }
}

/// An attempt's task. When it goes without an outcome, that is the outcome.
struct Unended {
    shared: Arc<Shared>,
    key: DeliveryKey,
    attempt: u32,
}

impl Drop for Unended {
    fn drop(&mut self) {
        let why = match std::thread::panicking() {
            true => "the task that made the attempt panicked; the log says where",
            false => "the task that made the attempt was cancelled",
        };
        let began = self.shared.lock().get(&self.key).map(|attempt| attempt.began);
        let age = began.map_or(Duration::ZERO, |began| began.elapsed());
        self.shared.end_internal(self.key, self.attempt, age, why.to_owned());
    }
}

#[cfg(test)]
mod tests;
