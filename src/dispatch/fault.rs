//! A lane that cannot read a row of its own rests, and the others go on.

use super::lane::{Head, HeadState};
use super::send::Due;
use super::{Dispatch, UnderWay};
use crate::model::delivery::Body;
use crate::model::error_chain::ErrorChain;
use crate::model::ids::SubscriptionId;
use crate::model::part::DeliveryKey;
use crate::model::time::{Mono, Now, Wall};
use crate::store::{DamagedDelivery, DiskFault, HotDelivery, Ledger, StoreError};

/// A lane that cannot read a row tries again after this, milliseconds.
const AGAIN_MS: u64 = 5_000;
/// Each time it fails again the wait doubles, up to this, milliseconds.
const AGAIN_MS_MAX: u64 = 600_000;

/// Why a lane rests.
#[derive(Debug, Clone)]
pub(super) struct LaneFault {
    pub(super) since: Wall,
    /// What cannot be read.
    pub(super) text: String,
    wait_ms: u64,
    pub(super) again_at: Mono,
}

/// Deliveries that are in no lane, because their rows do not say whose they are. Their rows stay, and are read again at
/// the next start.
#[derive(Debug, Clone)]
pub(super) struct SetAside {
    pub(super) since: Wall,
    pub(super) deliveries: u64,
    /// What cannot be read of the first one.
    pub(super) text: String,
}

/// Lanes that rest.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<(SubscriptionId, LaneFault)>);

impl Dispatch {
    /// Has a lane rest, when it is a row of its own that cannot be read or written.
    ///
    /// # Errors
    /// The error itself, when it is anything else.
    pub(super) fn rest(&mut self, now: Now, id: SubscriptionId, error: StoreError) -> Result<(), StoreError> {
        let again_at = self.begin_rest(now, id, error)?;
        self.timers.insert((again_at, id, Due::Cut));
        Ok(())
    }

    /// Has a lane rest because of one of its deliveries, which goes out again when the lane tries again.
    ///
    /// # Errors
    /// The error itself, when it is not about a row of the lane.
    pub(super) fn rest_delivery(
        &mut self,
        now: Now,
        id: SubscriptionId,
        key: DeliveryKey,
        error: StoreError,
    ) -> Result<(), StoreError> {
        let again_at = self.begin_rest(now, id, error)?;
        self.wait(id, key, again_at);
        Ok(())
    }

    /// Returns when the lane tries again.
    fn begin_rest(&mut self, now: Now, id: SubscriptionId, error: StoreError) -> Result<Mono, StoreError> {
        if !error.is_of_a_row() && error.disk() != Some(DiskFault::Damaged) {
            return Err(error);
        }
        let Some(lane) = self.lanes.get_mut(&id) else { return Ok(now.mono) };
        let wait_ms = lane.fault.as_ref().map_or(AGAIN_MS, |fault| (2 * fault.wait_ms).min(AGAIN_MS_MAX));
        let again_at = now.mono.plus_ms(wait_ms);
        let since = lane.fault.as_ref().map_or(now.wall, |fault| fault.since);
        let is_new = lane.fault.is_none();
        lane.fault = Some(LaneFault { since, text: ErrorChain(&error).to_string(), wait_ms, again_at });
        if is_new {
            self.unread.borrow_mut().push(error);
        }
        Ok(again_at)
    }

    /// Takes up a delivery whose row is damaged. Its lane tries to read the row when the delivery may go out, and rests
    /// where that fails; without a lane the delivery is set aside.
    pub(super) fn take_up_damaged(&mut self, now: Now, damaged: DamagedDelivery, under_way: &UnderWay) {
        let DamagedDelivery { key, subscription, error } = damaged;
        if let Some(id) = subscription {
            let head = Head { is_unread: true, ..Head::new(1, None) };
            self.take_up(id, key, head, now.mono, under_way);
            return;
        }
        let text = ErrorChain(&error).to_string();
        let first = SetAside { since: now.wall, deliveries: 0, text };
        self.set_aside.get_or_insert(first).deliveries += 1;
        self.unread.borrow_mut().push(error);
    }

    /// Reads the frozen body of a lane's delivery, and its numbers where they were not read before; `None` when it
    /// cannot be read, and the lane rests.
    pub(super) fn read_body(
        &mut self,
        now: Now,
        id: SubscriptionId,
        key: DeliveryKey,
        ledger: &Ledger,
    ) -> Result<Option<Body>, StoreError> {
        let head = self.lanes.get_mut(&id).and_then(|lane| lane.queue.get_mut(&key));
        let Some(head) = head else { return Ok(None) };
        if let Some(body) = head.body.take() {
            return Ok(Some(body));
        }
        if head.is_unread {
            match ledger.hot_delivery(id, key) {
                Ok(HotDelivery { attempts, delay_ms, waited_ms, entries, replayed_after, .. }) => {
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

    /// Which lanes rest, to be handed to the machine that follows. After it met a damaged page SQLite refuses to write
    /// in the same transaction, so the group that had the lane rest is lost.
    pub(crate) fn take_faults(&mut self) -> Faults {
        let lanes = self.lanes.iter_mut().filter_map(|(id, lane)| Some((*id, lane.fault.take()?)));
        Faults(lanes.collect())
    }

    /// Has lanes rest that rested in the machine before.
    pub(crate) fn keep_faults(&mut self, Faults(faults): Faults) {
        for (id, fault) in faults {
            let before = self.share(id);
            let Some(lane) = self.lanes.get_mut(&id) else { continue };
            let again_at = fault.again_at;
            let until = |(key, head): (&DeliveryKey, &Head)| match head.state {
                HeadState::InFlight => None,
                HeadState::Waiting(until) => Some((*key, until.max(again_at))),
                HeadState::Queued | HeadState::Ready => Some((*key, again_at)),
            };
            let held: Vec<_> = lane.queue.iter().filter_map(until).collect();
            lane.fault = Some(fault);
            self.timers.insert((again_at, id, Due::Cut));
            for (key, until) in held {
                self.wait(id, key, until);
            }
            self.account(id, before);
        }
    }

    /// What could not be read since the last call, for the log.
    pub fn take_unread(&mut self) -> Vec<StoreError> {
        self.unread.take()
    }
}
