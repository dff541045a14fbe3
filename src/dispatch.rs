//! From what is owed to what came of it: the second of the two state machines.
//!
//! It folds entries, cuts batches and freezes them, decides when each is attempted, and accounts for what came back. It
//! sends nothing: an attempt to be made is returned as a [`SendRequest`], what came back is an
//! [`Attempted`](crate::model::attempt::Attempted).
//!
//! The cast. Each subscription has a *lane* (`lane`). A lane *owes* entries: those that became owed in this group are
//! *fresh*, and in memory; what has to wait is written to the outbox as the journal's numbers: first in one row for all
//! lanes of the group (`groups`), later in rows of the lane's own. A *cut* (`cut`) takes a prefix of what is owed and
//! *freezes* it: a delivery with its bytes, in the lane's *queue*. A delivery is queued, ready, in flight or waiting
//! (`send`); a *slot* (`slots`) lets it go out. What comes back is judged by `outbox::verdict`, and `outcome` does what
//! the verdict says: the delivery is accepted, waits for its next attempt, is split, is given up, or stays while the
//! lane is paused (`pause`).
//!
//! A serial lane has one delivery at a time, and the next waits through its retries; a parallel one has several. While
//! a delivery is on its way entries gather, and the next batch takes them all: so an idle subscriber hears of every
//! change at once, and a loaded one gets larger batches by itself. A lane that is free when a group ends is cut in the
//! same transaction as the change.
//!
//! A subscription without a target has a *topic*: its entries are rows that readers ask for, and its lane owes nothing.
//!
//! Events about no asset are owed to the lanes that ask for them by name (`asking`), whoever appends them to the
//! journal.
//!
//! A lane that is owed more than is kept loses the oldest of it (`lag`), and is told how the assets stand instead
//! (`backfill`).
//!
//! A delivery that was given up is a dead letter. An operator may have it sent again (`selection`, `replay`), and what
//! was told since a time (`again`), beside the lane's order.
//!
//! A lane or a delivery that cannot read or write a row of its own waits (`fault`), and the others go on.

mod again;
mod asking;
mod backfill;
mod bulk;
mod cut;
mod fault;
mod groups;
mod hurry;
mod lag;
mod lane;
mod notes;
mod outcome;
mod pause;
mod replay;
mod selection;
mod send;
mod slots;
mod tail;
mod totals;
mod trial;
mod troubles;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use crate::model::delivery::SendRequest;
use crate::model::entry::Owed;
use crate::model::ids::{Seq, SubscriptionId};
use crate::model::measures::{Dispatched, SubscriptionCounts};
use crate::model::part::DeliveryKey;
use crate::model::retention::Retention;
use crate::model::slot_limits::SlotLimits;
use crate::model::status::{DeliveriesStatus, OutboxStatus};
use crate::model::subscription::Subscription;
use crate::model::time::{Mono, Now, Wall};
use crate::store::{DispatchTables, HotDelivery, OldestOwed, OwedTotal, StoreError};

use asking::Asking;
pub use backfill::Catalog;
use backfill::Filling;
use bulk::Bulks;
pub(crate) use fault::Faults;
use fault::SetAside;
use groups::Groups;
pub use lag::Lagged;
use lane::{Head, HeadState, Lag, Lane};
pub use notes::{Note, NoteKind};
use send::Due;
use slots::{Class, Slots};
use tail::Tail;
use totals::{Share, Totals};

/// The state machine.
pub struct Dispatch {
    /// Boxed: most of them are idle, and the nodes of a tree that grows at its end are half empty.
    lanes: BTreeMap<SubscriptionId, Box<Lane>>,
    /// The newest of what they owe, as far as it is not in rows of their own.
    groups: Groups,
    /// Who asks for which events by name.
    asking: Asking,
    /// What was recorded last, of what is owed.
    tail: Tail,
    slots: Slots,
    /// Deliveries that may go out, in order, by the class of their lane.
    ready: [VecDeque<(SubscriptionId, DeliveryKey)>; 3],
    /// Deliveries whose target has no free slot, in order, by its authority. They come back as slots are given back.
    blocked: BTreeMap<String, VecDeque<(SubscriptionId, DeliveryKey)>>,
    /// A delivery that was ready is not any more, and did not go out.
    gave_up_its_turn: bool,
    /// Deliveries that wait on ringback's own schedule, by their target's authority.
    waiting: BTreeMap<String, BTreeSet<(SubscriptionId, DeliveryKey)>>,
    /// When lanes are to be attended to: retries, and lingering batches.
    timers: BTreeSet<(Mono, SubscriptionId, Due)>,
    /// Lanes that may be able to cut a batch when the group ends.
    to_cut: BTreeSet<SubscriptionId>,
    /// What is done with all that a filter covers.
    bulks: Bulks,
    /// Lanes that are owed more than they may be, and have not lost it all yet.
    to_bound: BTreeSet<SubscriptionId>,
    /// Attempts under way. Each holds a slot until its outcome comes, whatever becomes of its lane.
    in_flight: HashMap<DeliveryKey, InFlight>,
    totals: Totals,
    dead: u64,
    /// When the oldest dead letter was given up.
    dead_since: Option<Wall>,
    /// Entries that one lane may be owed.
    owed_max: u64,
    /// Nothing says that the wall clock is wrong.
    clock_is_believed: bool,
    /// What topics are told in this group, and what is not written yet of it.
    topics: Vec<(SubscriptionId, Seq)>,
    /// Dropped in this group.
    lagged: Vec<Lagged>,
    /// For the log, from this group.
    notes: Vec<Note>,
    /// What became of deliveries and attempts in this group.
    counts: Dispatched,
    /// Rows that could not be read or written in this group.
    unread: RefCell<Vec<StoreError>>,
    /// Deliveries whose subscription cannot be read.
    set_aside: Option<SetAside>,
    /// Rows of groups that cannot be read.
    groups_set_aside: Option<SetAside>,
}

/// An attempt under way.
#[derive(Debug)]
struct InFlight {
    lane: SubscriptionId,
    /// Whose slot it has, and of which class.
    authority: String,
    class: Class,
}

/// Attempts that a lost machine had under way: the authority of each one's target.
pub type UnderWay = BTreeMap<DeliveryKey, String>;

impl Dispatch {
    /// Lets so many attempts be under way from now on. Those that are under way go on.
    pub fn limit_attempts(&mut self, limits: SlotLimits) {
        self.slots.limit(limits);
    }

    /// Lets each subscription be owed so many entries from now on. A lane that is owed more is looked at when something
    /// further becomes owed to it.
    pub fn bound_owed(&mut self, owed_max: u64) {
        self.owed_max = owed_max;
    }

    /// Starts from what the ledger holds. Attempts that are still under way are waited for: a delivery never has two.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn load(
        ledger: DispatchTables<'_>,
        now: Now,
        under_way: &UnderWay,
        retention: &Retention,
    ) -> Result<Self, StoreError> {
        let mut dispatch = Self {
            lanes: BTreeMap::new(),
            groups: Groups::default(),
            asking: Asking::default(),
            tail: Tail::default(),
            slots: Slots::default(),
            ready: Default::default(),
            blocked: BTreeMap::new(),
            gave_up_its_turn: false,
            waiting: BTreeMap::new(),
            timers: BTreeSet::new(),
            to_cut: BTreeSet::new(),
            bulks: Bulks::load(ledger)?,
            to_bound: BTreeSet::new(),
            in_flight: HashMap::new(),
            totals: Totals::default(),
            dead: 0,
            dead_since: None,
            owed_max: retention.owed,
            clock_is_believed: true,
            topics: Vec::new(),
            lagged: Vec::new(),
            notes: Vec::new(),
            counts: Dispatched::default(),
            unread: RefCell::default(),
            set_aside: None,
            groups_set_aside: None,
        };
        dispatch.recount_dead(ledger)?;
        for (id, policy) in ledger.lanes()? {
            dispatch.lanes.entry(id).or_default().set_policy(policy);
        }
        dispatch.load_owed(now, ledger)?;
        for (id, replays) in ledger.replay_totals()? {
            dispatch.lanes.entry(id).or_default().replays = replays;
            dispatch.to_cut.insert(id);
        }
        for replay in ledger.running_replays()? {
            let id = replay.subscription;
            dispatch.lanes.entry(id).or_default().replay = Some(Box::new(replay));
            dispatch.to_cut.insert(id);
        }
        for backfill in ledger.running_backfills()? {
            let id = backfill.subscription;
            dispatch.lanes.entry(id).or_default().backfill = Some(Filling::of(backfill));
            dispatch.to_cut.insert(id);
        }
        let deliveries = ledger.deliveries()?;
        for (id, delivery) in deliveries.whole {
            let HotDelivery { key, attempts, delay_ms, waited_ms, due, entries, replayed_after, created } = delivery;
            // A clock that jumped must not make it wait longer than its delay.
            let left_ms = u64::try_from(due.0.saturating_sub(now.wall.0)).unwrap_or(0).min(delay_ms);
            let head = Head { attempts, delay_ms, waited_ms, replayed_after, ..Head::new(created, entries, None) };
            dispatch.take_up(id, key, head, now.mono.plus_ms(left_ms), under_way);
        }
        for damaged in deliveries.damaged {
            dispatch.take_up_damaged(now, damaged, under_way);
        }
        for row in ledger.lagging()? {
            dispatch.lanes.entry(row.id).or_default().lag = Some(Box::new(Lag { since: row.at, skipped: row.skipped }));
        }
        for (id, lane) in &dispatch.lanes {
            dispatch.totals.change(*id, Share::default(), Share::of(lane));
        }
        Ok(dispatch)
    }

    /// Takes up what lanes are owed: by rows of their own, and by the rows of groups.
    fn load_owed(&mut self, now: Now, ledger: DispatchTables<'_>) -> Result<(), StoreError> {
        let totals = ledger.outbox_totals()?;
        let mut groups = ledger.owed_groups()?;
        let unsaid = self.set_groups_aside(now, &mut groups, &totals);
        self.groups = Groups::take_up(groups, unsaid);
        for OwedTotal { subscription, entries, .. } in totals {
            self.lanes.entry(subscription).or_default().owed = entries;
            self.to_cut.insert(subscription);
        }
        for (id, seqs) in self.groups.lanes() {
            self.lanes.entry(id).or_default().owed += seqs.len() as u64;
            self.to_cut.insert(id);
        }
        for id in &self.to_cut {
            let oldest = self.oldest_owed(*id, ledger);
            let Some(lane) = self.lanes.get_mut(id) else { continue };
            match oldest {
                Ok(oldest) => lane.oldest = oldest,
                // The cut finds it again, and has the lane rest.
                Err(error) if error.is_of_a_row() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The oldest entry that a lane is owed: by its own rows, or else by the rows of groups, which came later.
    fn oldest_owed(&self, id: SubscriptionId, ledger: DispatchTables<'_>) -> Result<Option<OldestOwed>, StoreError> {
        match (ledger.oldest_owed(id)?, self.groups.of(id).first()) {
            (None, Some(&seq)) => Ok(Some(OldestOwed { seq, at: ledger.recorded_at(seq)? })),
            (oldest, _) => Ok(oldest),
        }
    }

    /// Takes up a delivery that the ledger has on its way, and that is due at a point in time.
    fn take_up(&mut self, id: SubscriptionId, key: DeliveryKey, mut head: Head, due: Mono, under_way: &UnderWay) {
        let lane = self.lanes.entry(id).or_default();
        if let Some(authority) = under_way.get(&key) {
            let class = lane.class();
            self.slots.take_back(class, authority);
            self.in_flight.insert(key, InFlight { lane: id, class, authority: authority.clone() });
            head.state = HeadState::InFlight;
        } else {
            head.state = HeadState::Waiting(due);
            self.timers.insert((due, id, Due::Send(key)));
        }
        lane.queue.insert(key, head);
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
            if self.lanes.contains_key(&id) {
                self.replace_subscription(id, None);
                touched.push(id);
            }
        }
        for (id, subscription) in edited {
            self.replace_subscription(id, Some(subscription));
            self.to_cut.insert(id);
        }
        // Targets may have changed, and with them whom a delivery waits for.
        self.unblock_all();
        for id in touched {
            if self.lanes.get(&id).is_some_and(|lane| lane.is_idle()) {
                let before = self.share(id);
                self.lanes.remove(&id);
                self.account(id, before);
            }
        }
    }

    /// One subscription is another from now on, or has no rule any more. It costs nothing to speak of, whatever others
    /// there are.
    pub fn edit_subscription(&mut self, id: SubscriptionId, subscription: Option<Arc<Subscription>>) {
        let is_gone = subscription.is_none();
        if is_gone && !self.lanes.contains_key(&id) {
            return;
        }
        self.forget_blocked(id);
        self.replace_subscription(id, subscription);
        match is_gone {
            false => drop(self.to_cut.insert(id)),
            true if self.lanes.get(&id).is_some_and(|lane| lane.is_idle()) => {
                let before = self.share(id);
                self.lanes.remove(&id);
                self.account(id, before);
            }
            true => {}
        }
    }

    fn replace_subscription(&mut self, id: SubscriptionId, subscription: Option<Arc<Subscription>>) {
        let before = self.share(id);
        let waits = |(key, head): (&DeliveryKey, &Head)| match head.state {
            HeadState::Waiting(until) => Some((*key, until)),
            _ => None,
        };
        let waiting: Vec<_> = self.lanes.entry(id).or_default().queue.iter().filter_map(waits).collect();
        for (key, _) in &waiting {
            self.forget_wait(id, *key);
        }
        if let Some(lane) = self.lanes.get_mut(&id) {
            self.asking.replace(id, lane.subscription.as_deref(), subscription.as_deref());
            lane.subscription = subscription;
            lane.requeue_ready();
        }
        for (key, until) in waiting {
            self.wait(id, key, until);
        }
        self.advance(id);
        self.account(id, before);
    }

    /// Some dead letters may have been forgotten.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn recount_dead(&mut self, ledger: DispatchTables<'_>) -> Result<(), StoreError> {
        self.dead = ledger.dead_totals()?.0;
        self.dead_since = ledger.oldest_dead()?;
        Ok(())
    }

    /// Says whether the wall clock is right: a clock that jumped pauses nobody.
    pub fn believe_clock(&mut self, is_believed: bool) {
        self.clock_is_believed = is_believed;
    }

    /// Forgets a subscription that has been dropped from the ledger. An attempt of it that is under way gives its slot
    /// back when its outcome comes, and the outcome changes nothing.
    pub fn forget(&mut self, id: SubscriptionId) {
        let before = self.share(id);
        let queued: Vec<_> = self.lanes.get(&id).map(|lane| lane.queue.keys().copied().collect()).unwrap_or_default();
        for key in queued {
            self.forget_wait(id, key);
        }
        self.groups.has_moved(id);
        if let Some(lane) = self.lanes.remove(&id) {
            self.asking.replace(id, lane.subscription.as_deref(), None);
            self.to_cut.remove(&id);
            self.to_bound.remove(&id);
            self.account(id, before);
        }
    }

    /// Writes all that a subscription is owed to rows of its own: the ledger is to drop some of them.
    ///
    /// # Errors
    /// When the ledger refuses: the group is lost then.
    pub fn gather_owed(&mut self, id: SubscriptionId, ledger: DispatchTables<'_>) -> Result<(), StoreError> {
        self.groups.spread(id, ledger)
    }

    /// Takes a piece of a removed subscription's backlog off what is counted: the ledger has dropped it.
    pub fn recount(&mut self, id: SubscriptionId, dropped: u64, ledger: DispatchTables<'_>) -> Result<(), StoreError> {
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
        self.lanes.get(&id).map(|lane| Share::of(lane)).unwrap_or_default()
    }

    /// A lane has changed since.
    fn account(&mut self, id: SubscriptionId, before: Share) {
        let after = self.share(id);
        self.totals.change(id, before, after);
    }

    /// Takes what became owed by an input whose savepoint has been released, and what the ledger was told of events
    /// since: in the order of the journal.
    pub fn owe(&mut self, mut owed: Vec<Owed>, ledger: DispatchTables<'_>) {
        let heard = self.hear(ledger);
        if !heard.is_empty() {
            owed.extend(heard);
            owed.sort_by_key(|owed| owed.entry.seq());
        }
        for Owed { subscription, entry } in owed {
            let lane = self.lanes.entry(subscription).or_default();
            if lane.policy().cancelled_at.is_some() {
                continue;
            }
            if lane.subscription.as_ref().is_some_and(|subscription| subscription.is_topic) {
                self.topics.push((subscription, entry.seq()));
                continue;
            }
            self.tail.push(&entry);
            lane.fresh.push(entry);
            self.to_cut.insert(subscription);
        }
    }

    /// Ends a group: free lanes are cut, what has to wait is written down, and the attempts are returned that are to be
    /// made after the commit, as far as there are slots. `catalog` is where backfills look.
    ///
    /// # Errors
    /// When the ledger refuses: the group is lost then.
    pub fn release(
        &mut self,
        now: Now,
        ledger: DispatchTables<'_>,
        catalog: &Catalog<'_>,
    ) -> Result<Vec<SendRequest>, StoreError> {
        self.expire_timers(now.mono);
        self.step_bulk(now, ledger)?;
        self.owe(Vec::new(), ledger);
        self.cut_all(now, ledger, catalog)?;
        for id in self.to_bound.clone() {
            self.bound_lane(now, id, ledger)?;
        }
        // Lanes that are within their bounds again may have their notices cut.
        self.cut_all(now, ledger, catalog)?;
        self.cut_told(now, ledger, catalog)?;
        for (id, seq) in self.topics.drain(..) {
            ledger.add_to_topic(id, seq)?;
        }
        self.groups.end_group(ledger)?;
        let attempts = self.fill_slots(now, ledger)?;
        debug_assert!(
            self.lanes.len() > 1_000 || self.totals == self.counted(),
            "the totals are what the lanes come to"
        );
        Ok(attempts)
    }

    fn cut_all(&mut self, now: Now, ledger: DispatchTables<'_>, catalog: &Catalog<'_>) -> Result<(), StoreError> {
        while let Some(id) = self.to_cut.pop_first() {
            let before = self.share(id);
            let cut = self.cut_lane(now, id, ledger, catalog);
            self.account(id, before);
            cut?;
            self.take_up_replay(now, id, ledger)?;
            self.bound_lane(now, id, ledger)?;
        }
        Ok(())
    }

    /// What lanes lost in this group are events, too. Whoever hears of them loses entries in the next group at the
    /// earliest: a lane that hears of its own loss would lose all that it is to lose in one group.
    fn cut_told(&mut self, now: Now, ledger: DispatchTables<'_>, catalog: &Catalog<'_>) -> Result<(), StoreError> {
        while ledger.was_told() {
            self.owe(Vec::new(), ledger);
            while let Some(id) = self.to_cut.pop_first() {
                let before = self.share(id);
                let cut = self.cut_lane(now, id, ledger, catalog);
                self.account(id, before);
                cut?;
                if self.lanes.get(&id).is_some_and(|lane| lane.owed > self.owed_max) {
                    self.to_bound.insert(id);
                }
            }
        }
        Ok(())
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
        !self.to_cut.is_empty() || !self.topics.is_empty() || self.deadline().is_some_and(|due| due <= now)
    }

    /// When something is due without an input.
    #[must_use]
    pub fn deadline(&self) -> Option<Mono> {
        if !self.to_bound.is_empty() {
            return Some(Mono(0));
        }
        self.timers.first().map(|(due, ..)| *due).into_iter().chain(self.bulks.due()).min()
    }

    /// What the log says of deliveries since the last call. To be taken after the commit.
    pub fn take_notes(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }

    /// What became of deliveries and attempts since the last call. To be taken after the commit.
    pub fn take_counts(&mut self) -> Dispatched {
        std::mem::take(&mut self.counts)
    }

    /// Subscriptions by state.
    #[must_use]
    pub fn subscription_counts(&self) -> SubscriptionCounts {
        self.totals.subscriptions
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

#[cfg(test)]
mod tests;
