//! One subscription's lane: what it owes, and the queue of its frozen deliveries.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::backfill::Filling;
use super::fault::{RowFault, rests};
use super::slots::Class;
use crate::model::delivery::Body;
use crate::model::entry::Entry;
use crate::model::ids::Seq;
use crate::model::lane::LanePolicy;
use crate::model::part::DeliveryKey;
use crate::model::subscription::{Order, Subscription};
use crate::model::task::Replay;
use crate::model::time::{Mono, Wall};
use crate::store::OldestOwed;

/// Frozen deliveries of a parallel lane, at most; what comes then gathers, as in a serial one.
pub(super) const QUEUE_MAX: usize = 64;

/// A lane.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// `None` while no rule names it: what it is owed stays, nothing is sent.
    pub(super) subscription: Option<Arc<Subscription>>,
    /// What it remembers; `None` is the default.
    policy: Option<Box<LanePolicy>>,
    /// Entries in the outbox: in rows of its own, and in the rows of groups (`groups`).
    pub(super) owed: u64,
    /// The oldest of them.
    pub(super) oldest: Option<OldestOwed>,
    /// Became owed in this group, and is not in the outbox yet.
    pub(super) fresh: Vec<Arc<Entry>>,
    /// Its frozen deliveries, in the order in which they go out.
    pub(super) queue: BTreeMap<DeliveryKey, Head>,
    /// A batch is not cut before this: the first entry waits for company. 0: none waits.
    pub(super) linger_until: Mono,
    /// Dead letters that are to be sent again, and have not been taken up.
    pub(super) replays: u64,
    /// What it was told since a time is sent again.
    pub(super) replay: Option<Box<Replay>>,
    /// It lost entries, and is told how the assets stand that changed since.
    pub(super) backfill: Option<Box<Filling>>,
    /// It lost entries, and is not level again.
    pub(super) lag: Option<Box<Lag>>,
    /// A row that a cut needs cannot be read: nothing is cut until it is tried again.
    pub(super) fault: Option<Box<RowFault>>,
    /// The next dead letter that is to be sent again cannot be read: none is taken up until it is tried again.
    pub(super) replay_fault: Option<Box<RowFault>>,
}

/// Entries that a lane lost since it was last level.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lag {
    pub(super) since: Wall,
    pub(super) skipped: u64,
}

/// A frozen delivery, as far as it has to be in memory.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) attempts: u32,
    pub(super) delay_ms: u64,
    pub(super) waited_ms: u64,
    /// It was given up after so many attempts, and is sent again: beside the lane's order.
    pub(super) replayed_after: Option<u32>,
    /// How many entries are in it.
    pub(super) entries: usize,
    /// When it was cut.
    pub(super) cut_at: Wall,
    /// Its row was damaged when it was taken up: the numbers above are read before it goes out.
    pub(super) is_unread: bool,
    /// Its wait was cut short because its target accepted another delivery: that is done once a wait, or a target that
    /// refuses this one alone would be called for it each time.
    pub(super) is_hurried: bool,
    /// Only while it is about to go out: a hundred thousand waiting bodies would not fit. Else it is in the ledger.
    pub(super) body: Option<Body>,
    /// A row of its own could not be read or written the last time.
    pub(super) fault: Option<Box<RowFault>>,
    pub(super) state: HeadState,
}

/// Where a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeadState {
    /// Behind another one, or its lane is held.
    Queued,
    /// In a queue for a slot.
    Ready,
    /// On the wire.
    InFlight,
    /// Waits for its next attempt.
    Waiting(Mono),
}

impl Head {
    /// A delivery that no attempt was made of.
    pub(super) fn new(cut_at: Wall, entries: usize, body: Option<Body>) -> Self {
        Self {
            attempts: 0,
            delay_ms: 0,
            waited_ms: 0,
            replayed_after: None,
            entries,
            cut_at,
            is_unread: false,
            is_hurried: false,
            body,
            fault: None,
            state: HeadState::Queued,
        }
    }

    /// Returns whether it tells what was lost, and no entries.
    pub(super) fn is_notice(&self) -> bool {
        self.entries == 0
    }

    /// Returns whether it waits for a row of its own. While it is on the wire its outcome is to come.
    pub(super) fn is_faulty(&self) -> bool {
        self.fault.is_some() && self.state != HeadState::InFlight
    }
}

impl Lane {
    /// What it remembers.
    pub(super) fn policy(&self) -> &LanePolicy {
        static DEFAULT: LanePolicy = LanePolicy {
            paused: None,
            cancelled_at: None,
            accepted: None,
            failing: None,
            last_success: None,
            refused: 0,
            refused_of: None,
            untold: None,
        };
        self.policy.as_deref().unwrap_or(&DEFAULT)
    }

    /// Takes over what it is to remember; the caller has written it down.
    pub(super) fn set_policy(&mut self, policy: LanePolicy) {
        self.policy = (policy != LanePolicy::default()).then(|| Box::new(policy));
    }

    /// Its subscription, when it may be sent something.
    pub(super) fn active(&self) -> Option<&Arc<Subscription>> {
        let policy = self.policy();
        let is_open = policy.paused.is_none() && policy.cancelled_at.is_none();
        self.subscription.as_ref().filter(|subscription| is_open && !subscription.is_held())
    }

    /// When the oldest entry was recorded that it is owed, or was cut into a delivery. Those that are sent again are of
    /// another time.
    pub(super) fn oldest_since(&self) -> Option<Wall> {
        let of_queue = self.queue.values().filter(|head| head.replayed_after.is_none()).map(|head| head.cut_at);
        let of_outbox = self.oldest.filter(|_| self.owed > 0).map(|oldest| oldest.at);
        of_queue.chain(of_outbox).min()
    }

    /// The time from which on it is late, if what it is owed now is still owed then.
    pub(super) fn late_from(&self) -> Option<Wall> {
        self.policy().late_from(self.subscription.as_ref()?, self.oldest_since()?)
    }

    /// Returns whether its deliveries go out one at a time.
    pub(super) fn is_serial(&self) -> bool {
        self.subscription.as_ref().is_none_or(|subscription| subscription.order == Order::Serial)
    }

    /// What it, or one of its deliveries, cannot read.
    pub(super) fn row_fault(&self) -> Option<&RowFault> {
        let of_a_head = || self.queue.values().filter(|head| head.is_faulty()).find_map(|head| head.fault.as_deref());
        let of_backfill = || self.backfill.as_ref().and_then(|filling| filling.fault.as_deref());
        self.fault.as_deref().or(self.replay_fault.as_deref()).or_else(of_backfill).or_else(of_a_head)
    }

    /// Returns whether it waits until it tries again to read what a cut needs.
    pub(super) fn is_resting(&self, now: Mono) -> bool {
        rests(self.fault.as_deref(), now)
    }

    /// Returns whether one more delivery may be frozen now.
    pub(super) fn may_freeze(&self, now: Mono) -> bool {
        self.in_order() < self.queue_max() && !self.is_resting(now)
    }

    /// What was about to go out takes its turn again, as the lane is now.
    pub(super) fn requeue_ready(&mut self) {
        for head in self.queue.values_mut().filter(|head| head.state == HeadState::Ready) {
            (head.state, head.body) = (HeadState::Queued, None);
        }
    }

    /// How many deliveries may be frozen.
    fn queue_max(&self) -> usize {
        if self.is_serial() { 1 } else { QUEUE_MAX }
    }

    /// How many of its frozen deliveries are in the lane's order.
    fn in_order(&self) -> usize {
        self.queue.values().filter(|head| head.replayed_after.is_none()).count()
    }

    /// How many entries its next batch holds at most.
    pub(super) fn batch_max(&self, subscription: &Subscription) -> usize {
        let accepted = self.policy().accepted.map_or(usize::MAX, |size| size.entries as usize);
        subscription.max_entries().min(accepted).max(1)
    }

    /// Which slots its attempts may take.
    pub(super) fn class(&self) -> Class {
        let policy = self.policy();
        match (&policy.failing, policy.last_success) {
            (Some(_), _) => Class::Failing,
            (None, None) => Class::New,
            (None, Some(_)) => Class::Proven,
        }
    }

    /// Returns whether nothing is owed any more and nothing is on its way.
    pub(super) fn is_through(&self) -> bool {
        self.owed == 0 && self.queue.is_empty() && self.fresh.is_empty()
    }

    /// Forgets that it lost entries, once it has been told of that and of all that changed since.
    pub(super) fn end_lag(&mut self) {
        if self.lag.is_some() && self.is_through() && self.backfill.is_none() && self.policy().untold.is_none() {
            self.lag = None;
        }
    }

    /// Returns whether it has nothing to do and nothing to remember. A pause outlives its rule, until the subscription
    /// is dropped.
    pub(super) fn is_idle(&self) -> bool {
        self.subscription.is_none()
            && self.is_through()
            && self.policy.is_none()
            && self.row_fault().is_none()
            && self.replays == 0
            && self.replay.is_none()
            && self.backfill.is_none()
    }

    /// The fresh entries' places in the journal.
    pub(super) fn fresh_seqs(&self) -> Vec<Seq> {
        self.fresh.iter().map(|entry| entry.seq()).collect()
    }

    /// Until when the lane still waits for company; `None` when it does not.
    pub(super) fn linger_until(&mut self, now: Mono, linger_ms: u64) -> Option<Mono> {
        if linger_ms == 0 {
            return None;
        }
        if self.linger_until == Mono::default() {
            self.linger_until = now.plus_ms(linger_ms);
        }
        let until = self.linger_until;
        (until > now).then_some(until)
    }
}
