//! What the status says of all lanes, kept as they change: a status is read ten times a second, and there may be half a
//! million lanes.

use std::collections::BTreeSet;

use super::{Head, HeadState, Lane};
use crate::model::ids::{Seq, SubscriptionId};

/// Sums over all lanes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Totals {
    /// Entries in the outbox table.
    pub(super) owed: u64,
    /// Each lane that is owed something, by the oldest entry.
    pub(super) oldest: BTreeSet<(Seq, SubscriptionId)>,
    /// Deliveries that wait for a slot, or for their subscription.
    pub(super) pending: u64,
    /// Deliveries on the wire.
    pub(super) in_flight: u64,
    /// Deliveries that wait for their next attempt.
    pub(super) waiting: u64,
    /// Lanes that lost entries and are not level again.
    pub(super) lagging: BTreeSet<SubscriptionId>,
    /// Lanes that rest because a row of theirs cannot be read.
    pub(super) faulty: BTreeSet<SubscriptionId>,
}

/// A lane's part of the sums.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Share {
    owed: u64,
    oldest: Option<Seq>,
    head: Option<Place>,
    lags: bool,
    is_faulty: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Pending,
    InFlight,
    Waiting,
}

impl Share {
    pub(super) fn of(lane: &Lane) -> Self {
        let place = |head: &Head| match head.state {
            HeadState::Ready | HeadState::Parked => Place::Pending,
            HeadState::InFlight => Place::InFlight,
            HeadState::Waiting(_) => Place::Waiting,
        };
        Self {
            owed: lane.owed,
            oldest: lane.oldest.filter(|_| lane.owed > 0).map(|oldest| oldest.seq),
            head: lane.head.as_ref().map(place),
            lags: lane.lag.is_some(),
            is_faulty: lane.fault.is_some(),
        }
    }
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
        *self.count(before.head) -= u64::from(before.head.is_some());
        *self.count(after.head) += u64::from(after.head.is_some());
        for (lanes, before, after) in
            [(&mut self.lagging, before.lags, after.lags), (&mut self.faulty, before.is_faulty, after.is_faulty)]
        {
            match (before, after) {
                (false, true) => drop(lanes.insert(id)),
                (true, false) => drop(lanes.remove(&id)),
                _ => {}
            }
        }
    }

    /// Any of them where there is no head: nothing is added then.
    fn count(&mut self, place: Option<Place>) -> &mut u64 {
        match place {
            Some(Place::InFlight) => &mut self.in_flight,
            Some(Place::Waiting) => &mut self.waiting,
            Some(Place::Pending) | None => &mut self.pending,
        }
    }
}
