//! When a frozen delivery goes out.

use super::lane::{Head, HeadState};
use super::slots::{Class, Refusal};
use super::{Dispatch, InFlight};
use crate::model::delivery::{Mark, SendRequest};
use crate::model::ids::SubscriptionId;
use crate::model::part::{DeliveryId, DeliveryKey};
use crate::model::time::{Mono, Now};
use crate::store::{DispatchTables, StoreError};

/// What a lane is to be attended to for, when its time comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// A batch may be cut.
    Cut,
    /// A delivery may go out.
    Send(DeliveryKey),
}

impl Dispatch {
    /// Lanes whose time has come: a retry may go out, a batch has lingered long enough.
    pub(super) fn expire_timers(&mut self, now: Mono) {
        while let Some(&(due, id, what)) = self.timers.first()
            && due <= now
        {
            self.timers.pop_first();
            match what {
                Due::Cut => drop(self.to_cut.insert(id)),
                Due::Send(key) => {
                    let before = self.share(id);
                    let waiting = HeadState::Waiting(due);
                    let head = self.lanes.get_mut(&id).and_then(|lane| lane.queue.get_mut(&key));
                    if let Some(head) = head.filter(|head| head.state == waiting) {
                        head.state = HeadState::Queued;
                        self.forget_wait(id, key);
                        self.advance(id);
                    }
                    self.account(id, before);
                }
            }
        }
    }

    /// Makes ready what may go out of a lane: its first delivery, or all of them in a parallel one. The caller accounts
    /// for the lane.
    pub(super) fn advance(&mut self, id: SubscriptionId) {
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        if lane.active().is_none() {
            return;
        }
        let (class, is_serial) = (lane.class(), lane.is_serial());
        // One that has just become serial may have several on the wire.
        let in_order = lane.queue.values().filter(|head| head.replayed_after.is_none());
        let is_held = is_serial && in_order.skip(1).any(|head| head.state == HeadState::InFlight);
        let most = match is_serial {
            _ if is_held => 0,
            true => 1,
            false => usize::MAX,
        };
        // What is sent again goes beside the order, one at a time.
        let is_out = |head: &Head| matches!(head.state, HeadState::Ready | HeadState::InFlight);
        let replays_out = lane.queue.values().any(|head| head.replayed_after.is_some() && is_out(head));
        let mut left = [most, usize::from(!replays_out)];
        for (key, head) in &mut lane.queue {
            let is_replay = head.replayed_after.is_some();
            let left = &mut left[usize::from(is_replay)];
            // A replay that waits lets the next one go; what is in order waits for what is before it.
            if *left == 0 || (is_replay && head.state != HeadState::Queued) {
                continue;
            }
            *left -= 1;
            if head.state == HeadState::Queued {
                head.state = HeadState::Ready;
                self.ready[class as usize].push_back((id, *key));
            }
        }
    }

    /// Sends what is ready, as far as there are slots. The classes take turns.
    pub(super) fn fill_slots(&mut self, now: Now, ledger: DispatchTables<'_>) -> Result<Vec<SendRequest>, StoreError> {
        let mut attempts = Vec::new();
        loop {
            let before = attempts.len();
            let mut is_idle = true;
            for class in Class::ALL {
                if self.slots.is_full(class) {
                    continue;
                }
                let Some((id, key)) = self.ready[class as usize].pop_front() else { continue };
                is_idle = false;
                let before = self.share(id);
                attempts.extend(self.send(now, id, key, ledger)?);
                self.account(id, before);
            }
            if is_idle && attempts.len() == before && !self.unblock_with_room() {
                return Ok(attempts);
            }
        }
    }

    /// Sends a delivery, if it is ready and there is a slot at its target.
    fn send(
        &mut self,
        now: Now,
        id: SubscriptionId,
        key: DeliveryKey,
        ledger: DispatchTables<'_>,
    ) -> Result<Option<SendRequest>, StoreError> {
        let Some(lane) = self.lanes.get_mut(&id) else {
            self.gave_up_its_turn = true;
            return Ok(None);
        };
        let (subscription, class) = (lane.active().cloned(), lane.class());
        let Some(head) = lane.queue.get_mut(&key).filter(|head| head.state == HeadState::Ready) else {
            self.gave_up_its_turn = true;
            return Ok(None);
        };
        let Some(subscription) = subscription else {
            (head.state, head.body) = (HeadState::Queued, None);
            self.gave_up_its_turn = true;
            return Ok(None);
        };
        let authority = subscription.target.authority();
        match self.slots.take(class, &authority) {
            Ok(()) => {}
            Err(refusal) => {
                head.body = None;
                match refusal {
                    Refusal::Target => self.blocked.entry(authority).or_default().push_back((id, key)),
                    // Its class has changed since it was queued.
                    Refusal::Full => self.ready[class as usize].push_front((id, key)),
                }
                return Ok(None);
            }
        }
        let Some(body) = self.read_body(now, id, key, ledger)? else {
            self.give_back(class, &authority);
            return Ok(None);
        };
        let Some(lane) = self.lanes.get_mut(&id) else { return Ok(None) };
        let Some(head) = lane.queue.get_mut(&key) else { return Ok(None) };
        head.state = HeadState::InFlight;
        let (attempt, mark) = (head.attempts + 1, head.replayed_after.map(|_| Mark::Replay));
        self.in_flight.insert(key, InFlight { lane: id, class, authority });
        let id = DeliveryId { node: ledger.node(), key };
        Ok(Some(SendRequest { subscription, id, attempt, mark, at: now.wall, body }))
    }

    /// Gives a slot back, and lets the next delivery have it that waits for that target. Those that went away or are
    /// not ready any more are passed over: the slot would stay empty, and those behind them would wait for the next.
    pub(super) fn give_back(&mut self, class: Class, authority: &str) {
        self.slots.give_back(class, authority);
        let Some(blocked) = self.blocked.get_mut(authority) else { return };
        while let Some((id, key)) = blocked.pop_front() {
            let lane = self.lanes.get(&id);
            let is_ready =
                lane.and_then(|lane| lane.queue.get(&key)).is_some_and(|head| head.state == HeadState::Ready);
            if let Some(lane) = lane.filter(|_| is_ready) {
                self.ready[lane.class() as usize].push_back((id, key));
                // One whose class has no slot waits for that one, and the target's is for the next.
                if !self.slots.is_full(lane.class()) {
                    break;
                }
            }
        }
        if blocked.is_empty() {
            self.blocked.remove(authority);
        }
    }

    /// Lets deliveries have the slots that others were to have which were paused or went away meanwhile: no attempt of
    /// those ends, and whoever waits behind them would wait for ever. Returns whether there were any.
    fn unblock_with_room(&mut self) -> bool {
        if !std::mem::take(&mut self.gave_up_its_turn) {
            return false;
        }
        let mut unblocked = Vec::new();
        self.blocked.retain(|authority, blocked| {
            let room = self.slots.room_at(authority).min(blocked.len());
            unblocked.extend(blocked.drain(..room));
            !blocked.is_empty()
        });
        let is_any = !unblocked.is_empty();
        self.make_ready(unblocked);
        is_any
    }

    /// Whatever waits for its target may go to another one now, or to another class's slots.
    pub(super) fn unblock_all(&mut self) {
        for (_, blocked) in std::mem::take(&mut self.blocked) {
            self.make_ready(blocked);
        }
    }

    /// A lane may go to another target: what of it waits for its target does so no more. Others that wait there would
    /// be passed over for it.
    pub(super) fn forget_blocked(&mut self, id: SubscriptionId) {
        let lane = self.lanes.get(&id).filter(|lane| !lane.queue.is_empty());
        let Some(subscription) = lane.and_then(|lane| lane.subscription.as_ref()) else { return };
        let authority = subscription.target.authority();
        if let Some(blocked) = self.blocked.get_mut(&authority) {
            blocked.retain(|(of, _)| *of != id);
            if blocked.is_empty() {
                self.blocked.remove(&authority);
            }
        }
    }

    /// Puts deliveries behind the others that wait for a slot of what their lane is now.
    fn make_ready(&mut self, deliveries: impl IntoIterator<Item = (SubscriptionId, DeliveryKey)>) {
        for (id, key) in deliveries {
            let Some(lane) = self.lanes.get(&id) else { continue };
            self.ready[lane.class() as usize].push_back((id, key));
        }
    }
}
