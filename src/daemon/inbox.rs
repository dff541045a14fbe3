//! What waits for the engine. Bounded: results by the credit that asked for them, calls by permits, and signals by a
//! number beyond which they are thrown away and the mount is scanned instead. So whoever puts something in never waits.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::OwnedSemaphorePermit;

use crate::api::Call;
use crate::engine::Input;
use crate::model::attempt::Attempted;
use crate::model::hint::Signal;
use crate::model::ids::MountId;
use crate::model::path::LogicalPath;
use crate::model::retry::Accepts;

/// Signals kept one by one, so that a burst does not fill the memory while the engine is busy; beyond, hints become a
/// scan of their mount.
const SIGNALS_MAX: usize = 1 << 17;

/// Attempts that failed, of which one group hears. Hundreds of targets that hang are given up in one moment; the group
/// that recorded all of that would take some 50 ms, and whatever changed meanwhile would wait for it.
const FAILED_MAX: usize = 16;

/// The queue before the engine.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    waiting: Mutex<Waiting>,
    wake: Condvar,
}

/// An API caller's question, with the permit that bounds how many are open.
#[derive(Debug)]
pub(super) struct OpenCall {
    pub call: Call,
    pub permit: OwnedSemaphorePermit,
}

/// What is taken out at once: the next group.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// Mounts whose signals were thrown away. To be told before the signals.
    pub lost: BTreeSet<MountId>,
    /// In the order of the source.
    pub signals: Vec<Signal>,
    /// Results, rule sets.
    pub inputs: Vec<Input>,
    /// Attempts that failed, in the order in which they ended: a bounded number, where taken out.
    pub failed: VecDeque<Attempted>,
    /// API callers.
    pub calls: Vec<OpenCall>,
    /// The daemon is to end.
    pub closing: bool,
}

impl Inbox {
    /// Puts signals in. `mount_of` says where a hint belongs, should it have to be thrown away.
    pub(super) fn signals(&self, signals: Vec<Signal>, mount_of: impl Fn(&LogicalPath) -> Option<MountId>) {
        let mut waiting = self.lock();
        for signal in signals {
            match &signal {
                Signal::Hint(hint) if waiting.signals.len() >= SIGNALS_MAX => {
                    let mount = mount_of(&hint.path);
                    waiting.lost.extend(mount);
                }
                Signal::File { mounts, .. } if waiting.signals.len() >= SIGNALS_MAX => {
                    let mounts = Arc::clone(mounts);
                    waiting.lost.extend(mounts.iter().copied());
                }
                _ => waiting.signals.push(signal),
            }
        }
        self.wake(waiting);
    }

    /// Puts a result in.
    pub(super) fn input(&self, input: Input) {
        let mut waiting = self.lock();
        match input {
            Input::Attempted(attempted) if has_failed(&attempted) => waiting.failed.push_back(attempted),
            input => waiting.inputs.push(input),
        }
        self.wake(waiting);
    }

    /// Puts a caller in.
    pub(super) fn call(&self, call: OpenCall) {
        let mut waiting = self.lock();
        waiting.calls.push(call);
        self.wake(waiting);
    }

    /// Asks the engine to end.
    pub(super) fn close(&self) {
        let mut waiting = self.lock();
        waiting.closing = true;
        self.wake(waiting);
    }

    /// Takes all there is, but of attempts that failed no more than a group hears of; waits for something until the
    /// deadline.
    pub(super) fn take(&self, deadline: Option<Instant>) -> Waiting {
        let mut waiting = self.lock();
        while waiting.is_empty() {
            let left = match deadline {
                None => None,
                Some(deadline) => match deadline.checked_duration_since(Instant::now()) {
                    Some(left) if !left.is_zero() => Some(left),
                    _ => break,
                },
            };
            waiting = match left {
                None => self.wake.wait(waiting).unwrap_or_else(PoisonError::into_inner),
                Some(left) => self.wake.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
        let later = waiting.failed.len().min(FAILED_MAX);
        let later = waiting.failed.split_off(later);
        std::mem::replace(&mut *waiting, Waiting { failed: later, ..Waiting::default() })
    }

    /// Whether the engine was asked to end.
    pub(super) fn is_closing(&self) -> bool {
        self.lock().closing
    }

    /// A panic elsewhere left the queue whole: every change of it is one push.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self, waiting: MutexGuard<'_, Waiting>) {
        drop(waiting);
        self.wake.notify_one();
    }
}

impl Waiting {
    /// Returns whether there may be more attempts that failed than were taken out.
    pub(super) fn is_full(&self) -> bool {
        self.failed.len() >= FAILED_MAX
    }

    fn is_empty(&self) -> bool {
        self.lost.is_empty()
            && self.signals.is_empty()
            && self.inputs.is_empty()
            && self.failed.is_empty()
            && self.calls.is_empty()
            && !self.closing
    }
}

/// Returns whether an attempt was not accepted by any target's measure: what is, goes first, for others wait for it.
fn has_failed(attempted: &Attempted) -> bool {
    !attempted.reply.status().is_some_and(|status| Accepts::AnySuccess.covers(status))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{FAILED_MAX, Inbox, SIGNALS_MAX};
    use crate::engine::Input;
    use crate::model::attempt::{Attempted, Reply};
    use crate::model::hint::{Hint, HintKind, Signal};
    use crate::model::ids::{DeliveryNo, MountId};
    use crate::model::part::DeliveryKey;
    use crate::model::path::LogicalPath;

    fn hint(n: usize) -> Signal {
        let path = LogicalPath::parse(format!("/{n}").as_bytes()).expect("a path");
        Signal::Hint(Hint { path, kind: HintKind::Closed })
    }

    #[test]
    fn hints_beyond_the_limit_become_a_scan_of_their_mount_and_nothing_else_is_lost() {
        let inbox = Inbox::default();
        inbox.signals((0..SIGNALS_MAX).map(hint).collect(), |_| Some(MountId(3)));
        inbox.signals(vec![hint(SIGNALS_MAX), Signal::Synced(7)], |_| Some(MountId(3)));
        let taken = inbox.take(None);
        assert_eq!(taken.signals.len(), SIGNALS_MAX + 1, "what is no hint is kept whatever the number");
        assert!(matches!(taken.signals.last(), Some(Signal::Synced(7))));
        assert_eq!(taken.lost.into_iter().collect::<Vec<_>>(), [MountId(3)]);
        inbox.signals((0..SIGNALS_MAX).map(hint).collect(), |_| Some(MountId(3)));
        let taken = inbox.take(None);
        assert_eq!((taken.signals.len(), taken.lost.len()), (SIGNALS_MAX, 0), "at the limit nothing is lost");
    }

    #[test]
    fn a_group_hears_of_so_many_attempts_that_failed_and_of_all_that_were_accepted() {
        let attempted = |number: i64, status: u16| {
            let key = DeliveryKey::whole(DeliveryNo(number));
            Input::Attempted(Attempted { key, attempt: 1, duration_ms: 1, reply: Reply::status_alone(status) })
        };
        let inbox = Inbox::default();
        let (failed, accepted) = (2 * FAILED_MAX as i64 + 1, FAILED_MAX + 1);
        (0..failed).for_each(|number| inbox.input(attempted(number, 503)));
        (0..accepted as i64).for_each(|number| inbox.input(attempted(number, 204)));
        let mut heard = Vec::new();
        for (inputs, of_failed) in [(accepted, FAILED_MAX), (0, FAILED_MAX), (0, 1)] {
            let taken = inbox.take(Some(Instant::now()));
            assert_eq!((taken.inputs.len(), taken.failed.len()), (inputs, of_failed));
            heard.extend(taken.failed.iter().map(|attempted| attempted.key.number.0));
        }
        assert_eq!(heard, Vec::from_iter(0..failed), "in the order in which they ended");
        assert!(inbox.take(Some(Instant::now())).is_empty());
    }
}
