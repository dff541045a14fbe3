//! What cannot read or write a row of its own waits, and the others go on: a lane that cannot cut rests, and a delivery
//! waits for itself alone. In a serial lane the next ones wait behind it.

use std::collections::BTreeSet;

use super::lane::{Head, HeadState};
use super::send::Due;
use super::{Dispatch, UnderWay};
use crate::model::delivery::Body;
use crate::model::error_chain::ErrorChain;
use crate::model::ids::SubscriptionId;
use crate::model::part::DeliveryKey;
use crate::model::time::{Mono, Now, Wall};
use crate::store::{DamagedDelivery, DiskFault, DispatchTables, HotDelivery, OwedGroups, OwedTotal, StoreError};

/// What cannot read a row tries again after this, milliseconds.
const AGAIN_MS: u64 = 5_000;
/// Each time it fails again the wait doubles, up to this, milliseconds.
const AGAIN_MS_MAX: u64 = 600_000;

/// Why a lane rests, or a delivery waits.
#[derive(Debug, Clone)]
pub(super) struct RowFault {
    pub(super) since: Wall,
    /// What cannot be read.
    pub(super) text: String,
    wait_ms: u64,
    pub(super) again_at: Mono,
}

/// What is in no lane, because the rows do not say whose it is. The rows stay, and are read again at the next start.
#[derive(Debug, Clone)]
pub(super) struct SetAside {
    pub(super) since: Wall,
    pub(super) rows: u64,
    /// What cannot be read of the first one.
    pub(super) text: String,
}

/// Lanes that rest, and deliveries that wait for a row of theirs.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<(SubscriptionId, Waits, Box<RowFault>)>);

/// What waits for a row.
#[derive(Debug, Clone, Copy)]
enum Waits {
    Cuts,
    Replays,
    Backfill,
    Delivery(DeliveryKey),
}

impl Dispatch {
    /// Has a lane rest, when it is a row of its own that cannot be read or written: nothing is cut of it meanwhile.
    ///
    /// # Errors
    /// The error itself, when it is anything else.
    pub(super) fn rest(&mut self, now: Now, id: SubscriptionId, error: StoreError) -> Result<(), StoreError> {
        let Some(lane) = self.lanes.get_mut(&id) else { return refuse(error) };
        let again_at = begin(now, &mut lane.fault, error, self.unread.get_mut())?;
        self.timers.insert((again_at, id, Due::Cut));
        Ok(())
    }

    /// Has the dead letters of a lane wait that are to be sent again.
    ///
    /// # Errors
    /// The error itself, when it is not about a row of theirs.
    pub(super) fn rest_replays(&mut self, now: Now, id: SubscriptionId, error: StoreError) -> Result<(), StoreError> {
        let Some(lane) = self.lanes.get_mut(&id) else { return refuse(error) };
        let again_at = begin(now, &mut lane.replay_fault, error, self.unread.get_mut())?;
        self.timers.insert((again_at, id, Due::Cut));
        Ok(())
    }

    /// Has the backfill of a lane wait.
    ///
    /// # Errors
    /// The error itself, when it is not about a row that it needs.
    pub(super) fn rest_backfill(&mut self, now: Now, id: SubscriptionId, error: StoreError) -> Result<(), StoreError> {
        let filling = self.lanes.get_mut(&id).and_then(|lane| lane.backfill.as_mut());
        let Some(filling) = filling else { return refuse(error) };
        let again_at = begin(now, &mut filling.fault, error, self.unread.get_mut())?;
        self.timers.insert((again_at, id, Due::Cut));
        Ok(())
    }

    /// Has a delivery wait because of a row of its own. What else its lane has goes on, as far as its order lets it.
    ///
    /// # Errors
    /// The error itself, when it is not about a row of the delivery.
    pub(super) fn rest_delivery(
        &mut self,
        now: Now,
        id: SubscriptionId,
        key: DeliveryKey,
        error: StoreError,
    ) -> Result<(), StoreError> {
        let head = self.lanes.get_mut(&id).and_then(|lane| lane.queue.get_mut(&key));
        let Some(head) = head else { return refuse(error) };
        let again_at = begin(now, &mut head.fault, error, self.unread.get_mut())?;
        self.wait_for_a_row(id, key, again_at);
        // The next ones may go instead, and what is sent again may be taken up.
        self.advance(id);
        self.timers.insert((now.mono.plus_ms(1), id, Due::Cut));
        Ok(())
    }

    /// A delivery begins to wait for a row of its own. No target that is there again ends that.
    fn wait_for_a_row(&mut self, id: SubscriptionId, key: DeliveryKey, until: Mono) {
        self.forget_wait(id, key);
        self.timers.insert((until, id, Due::Send(key)));
        if let Some(head) = self.lanes.get_mut(&id).and_then(|lane| lane.queue.get_mut(&key)) {
            head.state = HeadState::Waiting(until);
        }
    }

    /// Takes up a delivery whose row is damaged. The row is read again when the delivery may go out; where nothing says
    /// whose it is, the delivery is set aside.
    pub(super) fn take_up_damaged(&mut self, now: Now, damaged: DamagedDelivery, under_way: &UnderWay) {
        let DamagedDelivery { key, subscription, error } = damaged;
        if let Some(id) = subscription {
            let head = Head { is_unread: true, ..Head::new(now.wall, 1, None) };
            self.take_up(id, key, head, now.mono, under_way);
            return;
        }
        set_aside(now, &mut self.set_aside, &error);
        self.unread.borrow_mut().push(error);
    }

    /// Sets rows of groups aside that cannot be read. Such a row may have said that a lane's entries moved: what the
    /// lane's own rows have got past is not owed twice. Returns the lanes of which that is known.
    pub(super) fn set_groups_aside(
        &mut self,
        now: Now,
        groups: &mut OwedGroups,
        totals: &[OwedTotal],
    ) -> BTreeSet<SubscriptionId> {
        let mut moved = BTreeSet::new();
        if groups.damaged.is_empty() {
            return moved;
        }
        for OwedTotal { subscription, last, .. } in totals {
            let Some(lane) = groups.lanes.get_mut(subscription) else { continue };
            if lane.seqs.first().is_some_and(|seq| seq <= last) {
                lane.seqs.retain(|seq| seq > last);
                moved.insert(*subscription);
            }
        }
        groups.lanes.retain(|_, lane| !lane.seqs.is_empty());
        for error in groups.damaged.drain(..) {
            set_aside(now, &mut self.groups_set_aside, &error);
            self.unread.get_mut().push(error);
        }
        moved
    }

    /// Reads the frozen body of a lane's delivery, and its numbers where they were not read before; `None` when it
    /// cannot be read, and the delivery waits.
    pub(super) fn read_body(
        &mut self,
        now: Now,
        id: SubscriptionId,
        key: DeliveryKey,
        ledger: DispatchTables<'_>,
    ) -> Result<Option<Body>, StoreError> {
        let head = self.lanes.get_mut(&id).and_then(|lane| lane.queue.get_mut(&key));
        let Some(head) = head else { return Ok(None) };
        if let Some(body) = head.body.take() {
            return Ok(Some(body));
        }
        if head.is_unread {
            match ledger.hot_delivery(id, key) {
                Ok(HotDelivery { attempts, delay_ms, waited_ms, entries, replayed_after, created, .. }) => {
                    head.cut_at = created;
                    (head.attempts, head.delay_ms, head.waited_ms) = (attempts, delay_ms, waited_ms);
                    (head.entries, head.replayed_after, head.is_unread) = (entries, replayed_after, false);
                }
                Err(error) => return self.rest_delivery(now, id, key, error).map(|()| None),
            }
        }
        match ledger.delivery_body(id, key) {
            Ok(body) => Ok(Some(body)),
            Err(error) => self.rest_delivery(now, id, key, error).map(|()| None),
        }
    }

    /// What waits for its rows, to be handed to the machine that follows. After it met a damaged page SQLite refuses to
    /// write in the same transaction, so the group that met it is lost.
    pub(crate) fn take_faults(&mut self) -> Faults {
        let mut faults = Vec::new();
        for id in self.totals.faulty.clone() {
            let Some(lane) = self.lanes.get_mut(&id) else { continue };
            faults.extend(lane.fault.take().map(|fault| (id, Waits::Cuts, fault)));
            faults.extend(lane.replay_fault.take().map(|fault| (id, Waits::Replays, fault)));
            let filling = lane.backfill.as_mut();
            faults.extend(filling.and_then(|filling| Some((id, Waits::Backfill, filling.fault.take()?))));
            let heads = lane.queue.iter_mut().filter(|(_, head)| head.is_faulty());
            faults.extend(heads.filter_map(|(key, head)| Some((id, Waits::Delivery(*key), head.fault.take()?))));
        }
        Faults(faults)
    }

    /// Has everything wait that waited for its rows in the machine before.
    pub(crate) fn keep_faults(&mut self, Faults(faults): Faults) {
        for (id, waits, fault) in faults {
            let before = self.share(id);
            let Some(lane) = self.lanes.get_mut(&id) else { continue };
            let again_at = fault.again_at;
            match waits {
                Waits::Cuts | Waits::Replays => {
                    let of = if matches!(waits, Waits::Cuts) { &mut lane.fault } else { &mut lane.replay_fault };
                    *of = Some(fault);
                    self.timers.insert((again_at, id, Due::Cut));
                }
                Waits::Backfill => {
                    let Some(filling) = &mut lane.backfill else { continue };
                    filling.fault = Some(fault);
                    self.timers.insert((again_at, id, Due::Cut));
                }
                Waits::Delivery(key) => {
                    let Some(head) = lane.queue.get_mut(&key) else { continue };
                    head.fault = Some(fault);
                    match head.state {
                        HeadState::InFlight => {}
                        HeadState::Waiting(until) => self.wait_for_a_row(id, key, until.max(again_at)),
                        HeadState::Queued | HeadState::Ready => self.wait_for_a_row(id, key, again_at),
                    }
                }
            }
            self.account(id, before);
        }
    }

    /// What could not be read since the last call, for the log.
    pub fn take_unread(&mut self) -> Vec<StoreError> {
        self.unread.take()
    }
}

/// Takes note of a fault, and returns when what has it tries again. The first one is for the log.
///
/// # Errors
/// The error itself, when it is not about a row.
fn begin(
    now: Now,
    fault: &mut Option<Box<RowFault>>,
    error: StoreError,
    unread: &mut Vec<StoreError>,
) -> Result<Mono, StoreError> {
    if !is_of_a_row(&error) {
        return Err(error);
    }
    let wait_ms = fault.as_ref().map_or(AGAIN_MS, |fault| (2 * fault.wait_ms).min(AGAIN_MS_MAX));
    let again_at = now.mono.plus_ms(wait_ms);
    let since = fault.as_ref().map_or(now.wall, |fault| fault.since);
    let before = fault.replace(Box::new(RowFault { since, text: ErrorChain(&error).to_string(), wait_ms, again_at }));
    if before.is_none() {
        unread.push(error);
    }
    Ok(again_at)
}

/// Counts a row that cannot be read.
fn set_aside(now: Now, rows: &mut Option<SetAside>, error: &StoreError) {
    let first = || SetAside { since: now.wall, rows: 0, text: ErrorChain(error).to_string() };
    rows.get_or_insert_with(first).rows += 1;
}

/// Returns whether what has a fault waits until its row is tried again.
pub(super) fn rests(fault: Option<&RowFault>, now: Mono) -> bool {
    fault.is_some_and(|fault| fault.again_at > now)
}

/// What has the row is gone: only what is about more than a row matters.
fn refuse(error: StoreError) -> Result<(), StoreError> {
    if is_of_a_row(&error) { Ok(()) } else { Err(error) }
}

fn is_of_a_row(error: &StoreError) -> bool {
    error.is_of_a_row() || error.disk() == Some(DiskFault::Damaged)
}
