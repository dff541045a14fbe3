//! The threads that look: lstat, listings, roots, and the watch source's cookies. Looks go before listings, so a live
//! hint does not wait for a scan.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::Builder;

use super::clock::wall;
use super::inbox::Inbox;
use super::stop::AbortOnPanic;
use crate::engine::Input;
use crate::intake::{self, Effect};
use crate::look::{self, disk::Disk};
use crate::model::hint::Signal;
use crate::model::ids::MountId;
use crate::model::look::{ListRequest, LookRequest};
use crate::watch::WatchSource;
use crate::watch::mounts::Mounts;

/// Threads: one for the live hints while the other lists, and both for a burst.
const THREADS: usize = 2;

/// What looking needs.
pub(super) struct Tools {
    pub disk: Arc<dyn Disk>,
    pub mounts: Arc<Mounts>,
    pub source: Arc<dyn WatchSource>,
    pub quiet_ms: u64,
    pub inbox: Arc<Inbox>,
}

/// One thing to do. How many wait is bounded by the engine's credit.
#[derive(Debug)]
pub(super) enum Job {
    Look(LookRequest),
    List(ListRequest),
    SeeRoot(MountId),
    Sync(u64),
}

/// The queue before the looking threads. Dropping it ends them.
pub(super) struct Lookers {
    shared: Arc<Shared>,
}

struct Shared {
    tools: Tools,
    queue: Mutex<Queue>,
    wake: Condvar,
}

#[derive(Default)]
struct Queue {
    first: VecDeque<Job>,
    lists: VecDeque<Job>,
    closed: bool,
}

impl Lookers {
    pub(super) fn new(tools: Tools) -> Self {
        Self { shared: Arc::new(Shared { tools, queue: Mutex::default(), wake: Condvar::new() }) }
    }

    /// Starts the threads. Nobody waits for their end: a file system that hangs must not hold up the daemon's.
    pub(super) fn start(&self) -> io::Result<()> {
        let start = |n| {
            let shared = Arc::clone(&self.shared);
            Builder::new().name(format!("looker-{n}")).spawn(move || {
                let _guard = AbortOnPanic;
                while let Some(job) = shared.next() {
                    shared.tools.work(job);
                }
            })
        };
        (0..THREADS).try_for_each(|n| start(n).map(drop))
    }

    pub(super) fn push(&self, job: Job) {
        let mut queue = self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
        match job {
            Job::List(_) => queue.lists.push_back(job),
            _ => queue.first.push_back(job),
        }
        drop(queue);
        self.shared.wake.notify_one();
    }
}

impl Drop for Lookers {
    fn drop(&mut self) {
        self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.shared.wake.notify_all();
    }
}

impl Shared {
    fn next(&self) -> Option<Job> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if queue.closed {
                return None;
            }
            if let Some(job) = queue.first.pop_front().or_else(|| queue.lists.pop_front()) {
                return Some(job);
            }
            queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Tools {
    fn work(&self, job: Job) {
        let Self { disk, mounts, source, quiet_ms, inbox } = self;
        let input = match job {
            Job::Look(request) => {
                intake::Input::Looked(look::look(&**disk, mounts, &**source, &wall, *quiet_ms, &request))
            }
            Job::List(request) => intake::Input::Listed(look::list(&**disk, mounts, &**source, &wall, &request)),
            Job::SeeRoot(mount) => {
                let seen = look::root(&**disk, &**source, mounts.get(mount), mount);
                intake::Input::RootSeen(mount, seen)
            }
            Job::Sync(number) => match source.sync(number) {
                Ok(()) => return,
                Err(error) => {
                    // Without the source's word, a scan of everything answers the question.
                    tracing::warn!(%error, "the watch source cannot say what it has seen; scanning instead");
                    let mut signals: Vec<_> = mounts.ids().map(Signal::Lost).collect();
                    signals.push(Signal::Synced(number));
                    intake::Input::Signals(signals)
                }
            },
        };
        inbox.input(Input::Intake(input));
    }
}

impl Job {
    /// The looking part of what intake wants done.
    pub(super) fn of(effect: Effect) -> Result<Self, Effect> {
        match effect {
            Effect::Look(request) => Ok(Self::Look(request)),
            Effect::List(request) => Ok(Self::List(request)),
            Effect::SeeRoot(mount) => Ok(Self::SeeRoot(mount)),
            Effect::SyncSource(number) => Ok(Self::Sync(number)),
            other @ (Effect::AnswerRecords(..) | Effect::AnswerSync(..)) => Err(other),
        }
    }
}
