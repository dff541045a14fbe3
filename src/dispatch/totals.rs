//! What the status says of all lanes, kept as they change: a status is read ten times a second, and there may be half a
//! million lanes.

use std::collections::BTreeSet;

use super::lane::{HeadState, Lane};
use crate::model::ask::Held;
use crate::model::ids::{Seq, SubscriptionId};
use crate::model::measures::SubscriptionCounts;
use crate::model::time::Wall;

/// Sums over all lanes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Totals {
    /// Entries in the outbox.
    pub(super) owed: u64,
    /// Each lane that is owed something, by the oldest entry.
    pub(super) oldest: BTreeSet<(Seq, SubscriptionId)>,
    /// Deliveries that wait for a slot, or for their subscription.
    pub(super) pending: u64,
    /// Deliveries on the wire.
    pub(super) in_flight: u64,
    /// Deliveries that wait for their next attempt.
    pub(super) waiting: u64,
    /// Lanes of the rules in force, by the state of their subscription.
    pub(super) subscriptions: SubscriptionCounts,
    /// Lanes that lost entries and are not level again.
    pub(super) lagging: BTreeSet<SubscriptionId>,
    /// Lanes that rest because a row of theirs cannot be read.
    pub(super) faulty: BTreeSet<SubscriptionId>,
    /// Lanes that are paused, by somebody or by themselves.
    pub(super) paused: BTreeSet<SubscriptionId>,
    /// Lanes whose last attempt failed.
    pub(super) failing: BTreeSet<SubscriptionId>,
    /// Lanes that are owed something and neither paused nor failing, by the time from which on they are late.
    pub(super) late_from: BTreeSet<(Wall, SubscriptionId)>,
}

/// A lane's part of the sums.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Share {
    owed: u64,
    oldest: Option<Seq>,
    pending: u64,
    in_flight: u64,
    waiting: u64,
    subscription: SubscriptionCounts,
    lags: bool,
    is_faulty: bool,
    is_paused: bool,
    fails: bool,
    late_from: Option<Wall>,
}

impl Share {
    pub(super) fn of(lane: &Lane) -> Self {
        let mut share = Self {
            owed: lane.owed,
            oldest: lane.oldest.filter(|_| lane.owed > 0).map(|oldest| oldest.seq),
            subscription: subscription(lane),
            lags: lane.lag.is_some(),
            is_faulty: lane.row_fault().is_some(),
            is_paused: lane.policy().paused.is_some(),
            fails: lane.policy().failing.is_some(),
            late_from: lane.late_from(),
            ..Self::default()
        };
        for head in lane.queue.values() {
            let count = match head.state {
                HeadState::Queued | HeadState::Ready => &mut share.pending,
                HeadState::InFlight => &mut share.in_flight,
                HeadState::Waiting(_) => &mut share.waiting,
            };
            *count += 1;
        }
        share
    }
}

/// The subscription of a lane, in the one state that is shown of it; none where no rule names it.
fn subscription(lane: &Lane) -> SubscriptionCounts {
    let mut counts = SubscriptionCounts::default();
    let Some(subscription) = &lane.subscription else { return counts };
    let count = match Held::of(lane.policy(), subscription.paused, lane.lag.is_some()) {
        Held::Cancelled => &mut counts.cancelled,
        Held::Paused => &mut counts.paused,
        Held::Lagged => &mut counts.lagged,
        Held::Active => &mut counts.active,
    };
    *count = 1;
    counts
}

impl Totals {
    /// A lane has changed.
    pub(super) fn change(&mut self, id: SubscriptionId, before: Share, after: Share) {
        if before == after {
            return;
        }
        self.owed = self.owed + after.owed - before.owed;
        if before.oldest != after.oldest {
            before.oldest.map(|seq| self.oldest.remove(&(seq, id)));
            after.oldest.map(|seq| self.oldest.insert((seq, id)));
        }
        if before.late_from != after.late_from {
            before.late_from.map(|from| self.late_from.remove(&(from, id)));
            after.late_from.map(|from| self.late_from.insert((from, id)));
        }
        self.pending = self.pending + after.pending - before.pending;
        self.in_flight = self.in_flight + after.in_flight - before.in_flight;
        self.waiting = self.waiting + after.waiting - before.waiting;
        let (counts, was, is) = (&mut self.subscriptions, before.subscription, after.subscription);
        counts.active = counts.active + is.active - was.active;
        counts.lagged = counts.lagged + is.lagged - was.lagged;
        counts.paused = counts.paused + is.paused - was.paused;
        counts.cancelled = counts.cancelled + is.cancelled - was.cancelled;
        for (lanes, before, after) in [
            (&mut self.lagging, before.lags, after.lags),
            (&mut self.faulty, before.is_faulty, after.is_faulty),
            (&mut self.paused, before.is_paused, after.is_paused),
            (&mut self.failing, before.fails, after.fails),
        ] {
            match (before, after) {
                (false, true) => drop(lanes.insert(id)),
                (true, false) => drop(lanes.remove(&id)),
                _ => {}
            }
        }
    }
}
