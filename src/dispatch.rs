//! From what is owed to what came of it: the second of the two state machines.
//!
//! It folds entries, cuts batches and freezes them, decides when each is attempted, and accounts for the outcome. It
//! sends nothing: an attempt to be made is an [`Effect`], what came of it is an [`Input`].
//!
//! Each subscription has a lane. A lane is serial: one delivery at a time, the next waits through its retries. While a
//! delivery is on its way entries gather, and the next batch takes them all; so an idle subscriber hears of every
//! change at once, and a loaded one gets larger batches by itself.
//!
//! What became owed in a group stays in memory until the group ends. A lane that is free then is cut from it at once,
//! in the same transaction as the change; only what has to wait is written to the outbox.

mod cut;
mod fault;
mod lag;
mod lanes;
mod limits;
mod notes;
mod outcome;
mod totals;
mod troubles;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use crate::model::attempt::Attempted;
use crate::model::delivery::{Body, SendRequest};
use crate::model::entry::{Entry, Owed};
use crate::model::ids::{DeliveryNo, SubscriptionId};
use crate::model::retention::Retention;
use crate::model::status::{DeliveriesStatus, OutboxStatus};
use crate::model::subscription::Subscription;
use crate::model::time::{Mono, Now, Wall};
use crate::store::{HotDelivery, Ledger, OldestOwed, StoreError};

pub(crate) use fault::Faults;
use fault::{LaneFault, SetAside};
pub use lag::Lagged;
use limits::Slots;
pub use notes::{Note, NoteKind};
use totals::{Share, Totals};

/// What dispatch is told.
#[derive(Debug)]
pub enum Input {
    /// What came of an attempt.
    Attempted(Attempted),
}

/// What dispatch wants done, after the commit.
#[derive(Debug)]
pub enum Effect {
    /// Make this attempt.
    Send(SendRequest),
}

/// The state machine.
pub struct Dispatch {
    lanes: BTreeMap<SubscriptionId, Lane>,
    slots: Slots,
    /// Lanes whose delivery may go out, in order.
    ready: VecDeque<SubscriptionId>,
    /// Lanes whose target has no free slot, in order, by its authority. They come back as slots are given back.
    blocked: BTreeMap<String, VecDeque<SubscriptionId>>,
    /// When lanes are to be attended to: retries, and lingering batches.
    timers: BTreeSet<(Mono, SubscriptionId)>,
    /// Lanes that may be able to cut a batch when the group ends.
    to_cut: BTreeSet<SubscriptionId>,
    /// Lanes that are owed more than they may be, and have not lost it all yet.
    to_bound: BTreeSet<SubscriptionId>,
    /// Attempts under way. Each holds a slot until its outcome comes, whatever becomes of its lane.
    in_flight: HashMap<DeliveryNo, InFlight>,
    totals: Totals,
    dead: u64,
    /// When the oldest dead letter was given up.
    dead_since: Option<Wall>,
    /// Entries that one lane may be owed.
    owed_max: u64,
    /// Dropped in this group.
    lagged: Vec<Lagged>,
    /// For the log, from this group.
    notes: Vec<Note>,
    /// Rows that could not be read in this group.
    unread: Vec<StoreError>,
    /// Deliveries whose subscription cannot be read.
    set_aside: Option<SetAside>,
}

/// An attempt under way.
#[derive(Debug)]
struct InFlight {
    lane: SubscriptionId,
    /// Whose slot it has.
    authority: String,
}

/// One subscription's deliveries, one after the other.
#[derive(Debug, Default)]
struct Lane {
    /// `None` while no rule names it: what it is owed stays, nothing is sent.
    subscription: Option<Arc<Subscription>>,
    /// Entries in the outbox table.
    owed: u64,
    /// The oldest of them.
    oldest: Option<OldestOwed>,
    /// Became owed in this group, and is not yet written.
    fresh: Vec<Arc<Entry>>,
    /// The delivery on its way.
    head: Option<Head>,
    /// A batch is not cut before this: the first entry waits for company.
    linger_until: Option<Mono>,
    /// It lost entries, and is not level again.
    lag: Option<Lag>,
    /// Its last attempt was not accepted.
    is_failing: bool,
    /// A row that it needs cannot be read: it rests, and tries again later.
    fault: Option<LaneFault>,
}

/// Entries that a lane lost since it was last level.
#[derive(Debug, Clone, Copy)]
struct Lag {
    since: Wall,
    skipped: u64,
}

/// A delivery on its way, as far as it has to be in memory.
#[derive(Debug)]
struct Head {
    number: DeliveryNo,
    attempts: u32,
    delay_ms: u64,
    waited_ms: u64,
    /// Its row was damaged when it was taken up: the numbers above are read before it goes out.
    is_unread: bool,
    /// Only while it is about to go out: a hundred thousand waiting bodies would not fit. Else it is in the ledger.
    body: Option<Body>,
    state: HeadState,
}

/// Where a delivery is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum HeadState {
    /// In a queue, for a slot.
    Ready,
    /// In no queue: no rule names its subscription, or that one is held.
    Parked,
    /// On the wire.
    InFlight,
    /// Waits for its next attempt.
    Waiting(Mono),
}

impl Dispatch {
    /// Starts from what the ledger holds. Attempts that are still under way, by delivery, each with its target's
    /// authority, are waited for: a subscription never has two.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn load(
        ledger: &Ledger,
        now: Now,
        under_way: &BTreeMap<DeliveryNo, String>,
        retention: &Retention,
    ) -> Result<Self, StoreError> {
        let mut dispatch = Self {
            lanes: BTreeMap::new(),
            slots: Slots::default(),
            ready: VecDeque::new(),
            blocked: BTreeMap::new(),
            timers: BTreeSet::new(),
            to_cut: BTreeSet::new(),
            to_bound: BTreeSet::new(),
            in_flight: HashMap::new(),
            totals: Totals::default(),
            dead: 0,
            dead_since: None,
            owed_max: retention.owed,
            lagged: Vec::new(),
            notes: Vec::new(),
            unread: Vec::new(),
            set_aside: None,
        };
        dispatch.recount_dead(ledger)?;
        for totals in ledger.outbox_totals()? {
            let lane = dispatch.lanes.entry(totals.subscription).or_default();
            (lane.owed, lane.oldest) = (totals.entries, Some(totals.oldest));
            dispatch.to_cut.insert(totals.subscription);
        }
        let deliveries = ledger.deliveries()?;
        for HotDelivery { number, subscription, attempts, delay_ms, waited_ms, due } in deliveries.whole {
            // A clock that jumped must not make it wait longer than its delay.
            let left_ms = u64::try_from(due.0.saturating_sub(now.wall.0)).unwrap_or(0).min(delay_ms);
            let state = HeadState::Waiting(now.mono.plus_ms(left_ms));
            let head = Head { number, attempts, delay_ms, waited_ms, is_unread: false, body: None, state };
            dispatch.take_up(subscription, head, under_way);
        }
        for damaged in deliveries.damaged {
            dispatch.take_up_damaged(now, damaged, under_way);
        }
        for row in ledger.lagging()? {
            dispatch.lanes.entry(row.id).or_default().lag = Some(Lag { since: row.at, skipped: row.skipped });
        }
        for (id, lane) in &dispatch.lanes {
            dispatch.totals.change(*id, Share::default(), Share::of(lane));
        }
        Ok(dispatch)
    }

    /// Takes up a delivery that the ledger has on its way.
    fn take_up(&mut self, id: SubscriptionId, mut head: Head, under_way: &BTreeMap<DeliveryNo, String>) {
        if let Some(authority) = under_way.get(&head.number) {
            self.slots.take(authority);
            self.in_flight.insert(head.number, InFlight { lane: id, authority: authority.clone() });
            head.state = HeadState::InFlight;
        } else if let HeadState::Waiting(due) = head.state {
            self.timers.insert((due, id));
        }
        self.lanes.entry(id).or_default().head = Some(head);
    }

    /// Takes all subscriptions that there are.
    pub fn set_subscriptions(&mut self, subscriptions: impl IntoIterator<Item = (SubscriptionId, Arc<Subscription>)>) {
        let gone: Vec<_> = self.lanes.keys().copied().collect();
        self.edit_subscriptions(gone, subscriptions);
    }

    /// Some have no rule any more, and some have a new or another one. What is owed to those that went stays.
    pub fn edit_subscriptions(
        &mut self,
        gone: impl IntoIterator<Item = SubscriptionId>,
        edited: impl IntoIterator<Item = (SubscriptionId, Arc<Subscription>)>,
    ) {
        let mut touched = Vec::new();
        for id in gone {
            if let Some(lane) = self.lanes.get_mut(&id) {
                lane.subscription = None;
                touched.push(id);
            }
        }
        // Targets may have changed, and with them whom a lane waits for.
        for (_, mut blocked) in std::mem::take(&mut self.blocked) {
            self.ready.append(&mut blocked);
        }
        for (id, subscription) in edited {
            let lane = self.lanes.entry(id).or_default();
            let held = subscription.is_held();
            lane.subscription = Some(subscription);
            self.to_cut.insert(id);
            if let Some(head) = lane.head.as_mut().filter(|head| head.state == HeadState::Parked && !held) {
                head.state = HeadState::Ready;
                self.ready.push_back(id);
            }
        }
        for id in touched {
            let is_idle = |lane: &Lane| lane.subscription.is_none() && lane.owed == 0 && lane.head.is_none();
            if self.lanes.get(&id).is_some_and(is_idle) {
                self.lanes.remove(&id);
            }
        }
    }

    /// Some dead letters may have been forgotten.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn recount_dead(&mut self, ledger: &Ledger) -> Result<(), StoreError> {
        self.dead = ledger.dead_totals()?.0;
        self.dead_since = ledger.oldest_dead()?;
        Ok(())
    }

    /// Forgets a subscription that has been dropped from the ledger. An attempt of it that is under way gives its slot
    /// back when its outcome comes, and the outcome changes nothing.
    pub fn forget(&mut self, id: SubscriptionId) {
        let before = self.share(id);
        if self.lanes.remove(&id).is_some() {
            self.to_cut.remove(&id);
            self.to_bound.remove(&id);
            self.account(id, before);
        }
    }

    /// Takes a piece of a removed subscription's backlog off what is counted: the ledger has dropped it.
    pub fn recount(&mut self, id: SubscriptionId, dropped: u64, ledger: &Ledger) -> Result<(), StoreError> {
        let oldest = ledger.oldest_owed(id)?;
        let before = self.share(id);
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.owed = if oldest.is_some() { lane.owed.saturating_sub(dropped) } else { 0 };
            lane.oldest = oldest;
        }
        self.account(id, before);
        Ok(())
    }

    /// A lane's part of the totals, before it changes.
    fn share(&self, id: SubscriptionId) -> Share {
        self.lanes.get(&id).map(Share::of).unwrap_or_default()
    }

    /// A lane has changed since.
    fn account(&mut self, id: SubscriptionId, before: Share) {
        let after = self.share(id);
        self.totals.change(id, before, after);
    }

    /// Takes what became owed by an input whose savepoint has been released.
    pub fn owe(&mut self, owed: Vec<Owed>) {
        for Owed { subscription, entry } in owed {
            self.lanes.entry(subscription).or_default().fresh.push(entry);
            self.to_cut.insert(subscription);
        }
    }

    /// Takes one input. What it writes is part of the group.
    ///
    /// # Errors
    /// When the ledger refuses: the group is lost then.
    pub fn step(&mut self, now: Now, input: &Input, ledger: &Ledger) -> Result<(), StoreError> {
        match input {
            Input::Attempted(attempted) => self.attempted(now, attempted, ledger),
        }
    }

    /// Ends a group: free lanes are cut, what has to wait is written down, and what may go out goes out, as far as
    /// there are slots.
    ///
    /// # Errors
    /// When the ledger refuses: the group is lost then.
    pub fn release(&mut self, now: Now, ledger: &Ledger) -> Result<Vec<Effect>, StoreError> {
        self.expire_timers(now.mono);
        for id in std::mem::take(&mut self.to_cut) {
            let before = self.share(id);
            let cut = self.cut_lane(now, id, ledger);
            self.account(id, before);
            cut?;
            self.bound_lane(now, id, ledger)?;
        }
        for id in self.to_bound.clone() {
            self.bound_lane(now, id, ledger)?;
        }
        let effects = self.fill_slots(now, ledger)?;
        debug_assert!(
            self.lanes.len() > 1_000 || self.totals == self.counted(),
            "the totals are what the lanes come to"
        );
        Ok(effects)
    }

    /// The totals, counted lane by lane.
    fn counted(&self) -> Totals {
        let mut totals = Totals::default();
        for (id, lane) in &self.lanes {
            totals.change(*id, Share::default(), Share::of(lane));
        }
        totals
    }

    /// Whether [`Self::release`] has something to write or send at this point.
    #[must_use]
    pub fn wants_to_write(&self, now: Mono) -> bool {
        !self.to_cut.is_empty() || !self.to_bound.is_empty() || self.timers.first().is_some_and(|(due, _)| *due <= now)
    }

    /// When something is due without an input.
    #[must_use]
    pub fn deadline(&self) -> Option<Mono> {
        if !self.to_bound.is_empty() {
            return Some(Mono(0));
        }
        self.timers.first().map(|(due, _)| *due)
    }

    /// What the log says of deliveries since the last call. To be taken after the commit.
    pub fn take_notes(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }

    /// What is owed, for the status.
    #[must_use]
    pub fn outbox_status(&self, now: Now) -> OutboxStatus {
        let lane = self.totals.oldest.first().and_then(|(_, id)| self.lanes.get(id));
        let oldest = lane.and_then(|lane| lane.oldest).map(|oldest| oldest.at);
        OutboxStatus {
            entries: self.totals.owed,
            oldest_seconds: oldest.map_or(0, |oldest| ((now.wall.0 - oldest.0).max(0) / 1_000) as u64),
        }
    }

    /// Deliveries by state, for the status.
    #[must_use]
    pub fn deliveries_status(&self) -> DeliveriesStatus {
        let Totals { pending, in_flight, waiting, .. } = self.totals;
        DeliveriesStatus { pending, in_flight, waiting, dead: self.dead }
    }
}

impl Lane {
    /// Its subscription, when it may be sent something.
    fn active(&self) -> Option<&Arc<Subscription>> {
        self.subscription.as_ref().filter(|subscription| !subscription.is_held())
    }
}

#[cfg(test)]
mod tests;
