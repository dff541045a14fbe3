//! The thread that runs the engine: it takes what has come in as one group, and carries the group's effects out.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::carrier::Carrier;
use super::clock::SystemClock;
use super::inbox::{Inbox, Waiting};
use super::log;
use super::registry::RegistrySlot;
use super::stop::AbortOnPanic;
use crate::engine::{Effect, Engine, Input, Ran};
use crate::intake;
use crate::model::ask::Answer;
use crate::model::error_chain::ErrorChain;
use crate::model::hint::Signal;
use crate::model::measures::Measures;
use crate::model::status::{MountState, MountStatus, Status, TROUBLES_MAX, Trouble};
use crate::store::{DiskFault, StoreError};

/// Attempts under way are waited for this long at the end. Supervisors kill what takes much longer; what was not heard
/// of is sent again at the next start.
pub(super) const DRAIN_MAX: Duration = Duration::from_secs(10);
/// How often the end is looked for meanwhile.
const DRAIN_STEP: Duration = Duration::from_millis(20);
/// The status that others see is at most this old while anything happens.
const PUBLISH_EVERY: Duration = Duration::from_millis(100);
/// The same until each mount's root has been looked at: the start waits for that.
const PUBLISH_FIRST: Duration = Duration::from_millis(5);

/// What the engine last counted.
#[derive(Default)]
pub(super) struct MeasuresSlot(Mutex<Measures>);

impl MeasuresSlot {
    pub(super) fn get(&self) -> Measures {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, measures: Measures) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = measures;
    }
}

/// What the daemon last said of itself.
pub(super) struct StatusSlot {
    said: Mutex<Arc<Status>>,
    /// The configuration on the disk is not the one in force.
    configuration: Mutex<Option<Trouble>>,
    /// What is wrong elsewhere, which the engine knows nothing of.
    elsewhere: Option<TroubleSource>,
}

/// Says whether something is wrong now.
pub(super) type TroubleSource = Box<dyn Fn() -> Option<Trouble> + Send + Sync>;

impl StatusSlot {
    pub(super) fn new(status: Status) -> Self {
        Self { said: Mutex::new(Arc::new(status)), configuration: Mutex::default(), elsewhere: None }
    }

    pub(super) fn with(self, elsewhere: TroubleSource) -> Self {
        Self { elsewhere: Some(elsewhere), ..self }
    }

    pub(super) fn get(&self) -> Status {
        let status = Arc::clone(&self.said.lock().unwrap_or_else(PoisonError::into_inner));
        // The log loses lines at any time, and has nothing to do with the engine; nor has the configuration.
        let mut status = Status { log_lines_lost: log::lines_lost(), ..Status::clone(&status) };
        let configuration = self.configuration.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let elsewhere = self.elsewhere.as_ref().and_then(|trouble| trouble());
        for trouble in configuration.into_iter().chain(elsewhere) {
            let at = status.troubles.partition_point(|other| other.kind <= trouble.kind);
            status.troubles.insert(at, trouble);
            if status.troubles.len() > TROUBLES_MAX {
                status.troubles.truncate(TROUBLES_MAX);
                status.troubles_more += 1;
            }
        }
        status
    }

    /// What is wrong with the configuration on the disk, if anything is.
    pub(super) fn set_configuration(&self, trouble: Option<Trouble>) {
        let mut slot = self.configuration.lock().unwrap_or_else(PoisonError::into_inner);
        // It lasts since the first of several faulty readings.
        let since = slot.take().map(|before| before.since);
        *slot = trouble.map(|trouble| Trouble { since: since.unwrap_or_else(|| trouble.since.clone()), ..trouble });
    }

    /// Whether each mount's root has been looked at since the start: it is watched by some source from then on, or
    /// offline.
    pub(super) fn are_mounts_seen(&self) -> bool {
        let slot = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        slot.mounts.iter().all(MountStatus::is_root_seen)
    }

    /// While nothing is taken in, no more is known of the mounts than was known last; `why` is the reason.
    pub(super) fn set(&self, mut status: Status, why: Option<String>) {
        let mut slot = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(why) = why {
            status.mounts = slot.mounts.clone();
            for mount in &mut status.mounts {
                mount.reason = Some(why.clone());
                mount.state = MountState::Degraded;
            }
        }
        *slot = Arc::new(status);
    }
}

/// Everything that the thread owns.
pub(super) struct EngineThread {
    pub engine: Engine,
    pub inbox: Arc<Inbox>,
    pub carrier: Carrier,
    pub clock: SystemClock,
    pub status: Arc<StatusSlot>,
    pub measures: Arc<MeasuresSlot>,
    pub registry: Arc<RegistrySlot>,
    /// The state directory, for what is said of its disk.
    pub state: PathBuf,
    /// The ledger did not take writes when it was last tried.
    pub was_ill: bool,
}

impl EngineThread {
    /// Starts it. `ended` is dropped when it ends, however it does.
    pub(super) fn start(mut self, ended: oneshot::Sender<()>) -> io::Result<JoinHandle<()>> {
        Builder::new().name("engine".into()).spawn(move || {
            let _guard = AbortOnPanic;
            self.run();
            self.drain(DRAIN_MAX);
            if let Err(error) = self.engine.close(self.clock.now()) {
                tracing::error!(error = %ErrorChain(&error), "the ledger could not be closed cleanly");
            }
            drop(ended);
        })
    }

    fn run(&mut self) {
        let mut shown = Shown::default();
        let mut publish_at = None;
        loop {
            let due = self.clock.instant(self.engine.deadline());
            let overdue = self.carrier.attempts().deadline();
            // While another process holds the ledger's lock the group before is tried again, and waits for the lock.
            let waiting = match self.engine.is_locked_out() {
                true => Waiting { closing: self.inbox.is_closing(), ..Waiting::default() },
                false => self.inbox.take(due.into_iter().chain(publish_at).chain(overdue).min()),
            };
            if waiting.closing {
                self.group(waiting, true);
                return;
            }
            self.group(waiting, false);
            let now = Instant::now();
            self.carrier.attempts().end_overdue(now);
            match publish_at {
                None => {
                    publish_at = Some(now + if self.status.are_mounts_seen() { PUBLISH_EVERY } else { PUBLISH_FIRST })
                }
                Some(at) if at <= now => {
                    publish_at = None;
                    self.publish();
                    shown.tell(&self.status.get());
                }
                Some(_) => {}
            }
        }
    }

    fn group(&mut self, waiting: Waiting, ending: bool) {
        let Waiting { lost, signals, inputs: results, failed, calls, closing: _ } = waiting;
        if !lost.is_empty() {
            tracing::warn!(mounts = lost.len(), "more hints came than are kept: what they were of is scanned instead");
        }
        // What was thrown away came before what was kept. Hints go before results, which they may make worthless.
        let mut inputs = Vec::with_capacity(results.len() + calls.len() + 1);
        let signals: Vec<_> = lost.into_iter().map(Signal::Lost).chain(signals).collect();
        if !signals.is_empty() {
            inputs.push(Input::Intake(intake::Input::Signals(signals)));
        }
        inputs.extend(results);
        inputs.extend(failed.into_iter().map(Input::Attempted));
        inputs.extend(calls.into_iter().map(|call| self.carrier.admit(call)));
        let Ran { effects, faults } = self.engine.run(self.clock.now(), inputs);
        for fault in &faults {
            self.report(fault);
        }
        match self.engine.is_well() {
            false => self.was_ill = true,
            true if std::mem::take(&mut self.was_ill) => {
                tracing::info!("the ledger takes writes again; looking at everything")
            }
            true => {}
        }
        // A caller who has synced finds what the sync promised in the status.
        if effects.iter().any(|effect| matches!(effect, Effect::Answer(_, Answer::Sync(_)))) {
            self.publish();
        }
        // Whoever has registered finds it in lists.
        if effects.iter().any(|effect| matches!(effect, Effect::Answer(_, Answer::Registered(_)))) {
            self.publish_registry();
        }
        for effect in effects {
            self.carrier.carry(effect, ending);
        }
    }

    fn publish(&mut self) {
        let attempts_overdue = self.carrier.attempts().overdue();
        let status = Status { attempts_overdue, ..self.engine.status(self.clock.now()) };
        self.status.set(status, self.why_nothing_is_taken_in());
        self.measures.set(self.engine.measures());
        self.publish_registry();
    }

    fn publish_registry(&self) {
        let (rules, registered) = (self.engine.rules_in_force(), self.engine.registered());
        let in_flight = self.engine.in_flight().collect();
        self.registry.set(rules, registered, self.engine.registered_rules(), in_flight);
    }

    fn report(&self, fault: &StoreError) {
        let error = tracing::field::display(ErrorChain(fault));
        let state = self.state.display();
        match fault.disk() {
            Some(DiskFault::Full) => tracing::error!(
                error,
                "the disk of the state directory {state} is full: nothing is taken in until there is room; what is owed \
                 is delivered. Nothing is lost"
            ),
            Some(DiskFault::Failing) => tracing::error!(
                error,
                "the disk of the state directory {state} fails: nothing is taken in until it does not; what is owed is \
                 delivered. Nothing is lost"
            ),
            Some(DiskFault::Damaged) => tracing::error!(
                error,
                "the ledger in the state directory {state} is damaged: nothing is taken in; what is owed and can be read is \
                 delivered. Stop ringback, and restore the ledger from a backup"
            ),
            Some(DiskFault::Unsynced) => {
                tell_unsynced(fault);
                self.inbox.close();
            }
            None if fault.is_of_a_row() => {
                tracing::error!(error, "a row of the ledger cannot be read; trying again later")
            }
            None => tracing::error!(error, "a group of changes was not recorded; nothing is lost; trying again"),
        }
    }

    /// For the status.
    fn why_nothing_is_taken_in(&self) -> Option<String> {
        let state = self.state.display();
        let disk = match self.engine.held() {
            Some(DiskFault::Full) => "is full: nothing is taken in until there is room; what is owed is delivered",
            Some(DiskFault::Damaged) => {
                return Some(format!(
                    "the ledger in {state} is damaged: nothing is taken in; what is owed is delivered"
                ));
            }
            Some(_) => "fails: nothing is taken in until it does not; what is owed is delivered",
            None if self.engine.is_well() => return None,
            None => return Some("the ledger does not take writes; see the log".to_owned()),
        };
        Some(format!("the disk of the state directory {state} {disk}"))
    }

    /// Nothing new is begun; the outcomes of attempts under way are recorded, as far as they come within `max`.
    pub(super) fn drain(&mut self, max: Duration) {
        let until = Instant::now() + max;
        loop {
            let waiting = self.inbox.take(Some(Instant::now() + DRAIN_STEP));
            // Counted before the last outcomes are taken in, so none is left behind.
            let idle = self.carrier.attempts().len() == 0;
            self.group(waiting, true);
            if idle {
                // One group does not hear of all that failed; what else comes is for the next start.
                loop {
                    let rest = self.inbox.take(Some(Instant::now()));
                    let has_more = rest.is_full();
                    self.group(rest, true);
                    if !has_more || Instant::now() >= until {
                        break;
                    }
                }
                return;
            }
            if Instant::now() >= until {
                let seconds = max.as_secs();
                tracing::warn!(
                    "attempts were still under way after {seconds} s; they are made again at the next start"
                );
                return;
            }
        }
    }
}

/// Says why the process ends: only another one knows what is on the disk.
pub(super) fn tell_unsynced(fault: &StoreError) {
    tracing::error!(
        error = %ErrorChain(fault),
        "the ledger's disk did not confirm what was written to it; ending, so that a restart goes on from what it has"
    );
}

/// What the log was last told of the mounts.
#[derive(Default)]
struct Shown {
    mounts: BTreeMap<String, (MountState, Option<String>)>,
    sources: BTreeMap<String, Option<String>>,
}

impl Shown {
    /// Tells the log when a mount's state changes.
    fn tell(&mut self, status: &Status) {
        for mount in &status.mounts {
            if let Some(source) = mount.source
                && self.sources.insert(mount.path.clone(), mount.source_reason.clone()).flatten() != mount.source_reason
            {
                tracing::info!(mount = mount.path, source = source.as_str(), why = mount.source_reason, "watched by");
            }
            let now = (mount.state, mount.reason.clone());
            if self.mounts.get(&mount.path) == Some(&now) {
                continue;
            }
            let (path, assets) = (&mount.path, mount.assets);
            match (mount.state, &mount.reason) {
                (MountState::Scanning, _) => tracing::info!(mount = path, "scanning"),
                (MountState::Watching, _) => tracing::info!(mount = path, assets, "watching"),
                (MountState::Degraded, why) => tracing::warn!(mount = path, assets, why, "degraded"),
                (MountState::Offline, why) => tracing::warn!(mount = path, why, "offline"),
            }
            self.mounts.insert(path.clone(), now);
        }
    }
}
