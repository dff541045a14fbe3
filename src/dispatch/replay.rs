//! Dead letters that are sent again: beside the order of their lane, one on the wire at a time. One that waits for its
//! next attempt lets the next one go, and neither keeps the lane from what it owes.

use super::Dispatch;
use super::Lane;
use super::fault::rests;
use super::lane::{Head, HeadState, QUEUE_MAX};
use crate::model::ids::SubscriptionId;
use crate::model::time::Now;
use crate::store::{DispatchTables, HotDelivery, StoreError};

impl Dispatch {
    /// Puts the next dead letter of a lane on its way, where there is one and none of them is about to go out.
    pub(super) fn take_up_replay(
        &mut self,
        now: Now,
        id: SubscriptionId,
        ledger: DispatchTables<'_>,
    ) -> Result<(), StoreError> {
        let has_any = |lane: &Lane| lane.replays > 0 || lane.replay.is_some();
        let Some(lane) = self.lanes.get(&id).filter(|lane| has_any(lane) && lane.active().is_some()) else {
            return Ok(());
        };
        let replays = || lane.queue.values().filter(|head| head.replayed_after.is_some());
        let is_busy = replays().any(|head| !matches!(head.state, HeadState::Waiting(_)));
        let rests = rests(lane.replay_fault.as_deref(), now.mono);
        if rests || is_busy || replays().count() >= QUEUE_MAX {
            return Ok(());
        }
        if lane.replays == 0 {
            return self.step_replay(now, id, ledger);
        }
        let taken = match ledger.savepoint(|| ledger.take_up_replay(id, now.wall)) {
            Ok(taken) => taken,
            Err(error) => {
                let before = self.share(id);
                let rests = self.rest_replays(now, id, error);
                self.account(id, before);
                return rests;
            }
        };
        let before = self.share(id);
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.replay_fault = None;
            lane.replays = if taken.is_some() { lane.replays.saturating_sub(1) } else { 0 };
            if let Some(taken) = &taken {
                let HotDelivery { key, attempts, entries, replayed_after, created, .. } = *taken;
                lane.queue.insert(key, Head { attempts, replayed_after, ..Head::new(created, entries, None) });
            }
        }
        self.advance(id);
        self.account(id, before);
        if taken.is_none() {
            // All that were counted are gone: they were dropped, or forgotten.
            return self.step_replay(now, id, ledger);
        }
        self.recount_dead(ledger)
    }
}
