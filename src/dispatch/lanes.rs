//! When a lane's delivery goes out.

use super::{Dispatch, Effect, HeadState, InFlight};
use crate::model::delivery::SendRequest;
use crate::model::ids::{DeliveryId, SubscriptionId};
use crate::model::time::{Mono, Now};
use crate::store::{Ledger, StoreError};

impl Dispatch {
    /// Lanes whose time has come: a retry may go out, a batch has lingered long enough.
    pub(super) fn expire_timers(&mut self, now: Mono) {
        while let Some(&(due, id)) = self.timers.first()
            && due <= now
        {
            self.timers.pop_first();
            let before = self.share(id);
            let Some(lane) = self.lanes.get_mut(&id) else { continue };
            match &mut lane.head {
                Some(head) if head.state == HeadState::Waiting(due) => {
                    head.state = HeadState::Ready;
                    self.ready.push_back(id);
                }
                Some(_) => {}
                None => drop(self.to_cut.insert(id)),
            }
            self.account(id, before);
        }
    }

    /// Sends what is ready, as far as there are slots.
    pub(super) fn fill_slots(&mut self, now: Now, ledger: &Ledger) -> Result<Vec<Effect>, StoreError> {
        let mut effects = Vec::new();
        while !self.slots.full()
            && let Some(id) = self.ready.pop_front()
        {
            let before = self.share(id);
            effects.extend(self.send(now, id, ledger)?);
            self.account(id, before);
        }
        Ok(effects)
    }

    /// Sends a lane's delivery, if it is ready and there is a slot at its target.
    fn send(&mut self, now: Now, id: SubscriptionId, ledger: &Ledger) -> Result<Option<Effect>, StoreError> {
        let Some(lane) = self.lanes.get_mut(&id) else { return Ok(None) };
        let subscription = lane.active().cloned();
        let Some(head) = lane.head.as_mut().filter(|head| head.state == HeadState::Ready) else { return Ok(None) };
        let Some(subscription) = subscription else {
            (head.state, head.body) = (HeadState::Parked, None);
            return Ok(None);
        };
        let authority = subscription.target.authority();
        if !self.slots.take(&authority) {
            head.body = None;
            self.blocked.entry(authority).or_default().push_back(id);
            return Ok(None);
        }
        let Some(body) = self.read_body(now, id, ledger)? else {
            self.give_back(&authority);
            return Ok(None);
        };
        let Some(lane) = self.lanes.get_mut(&id) else { return Ok(None) };
        let Some(head) = lane.head.as_mut() else { return Ok(None) };
        lane.fault = None;
        head.state = HeadState::InFlight;
        self.in_flight.insert(head.number, InFlight { lane: id, authority });
        Ok(Some(Effect::Send(SendRequest {
            subscription,
            number: head.number,
            id: DeliveryId { node: ledger.node(), number: head.number },
            attempt: head.attempts + 1,
            at: now.wall,
            body,
        })))
    }

    /// Gives a slot back, and lets the next lane have it that waits for that target. Lanes that went away or are not
    /// ready any more are passed over: the slot would stay empty, and those behind them would wait for the next.
    pub(super) fn give_back(&mut self, authority: &str) {
        self.slots.give_back(authority);
        let Some(blocked) = self.blocked.get_mut(authority) else { return };
        let is_ready = |id: &SubscriptionId| {
            let head = self.lanes.get(id).and_then(|lane| lane.head.as_ref());
            head.is_some_and(|head| head.state == HeadState::Ready)
        };
        self.ready.extend(std::iter::from_fn(|| blocked.pop_front()).find(is_ready));
        if blocked.is_empty() {
            self.blocked.remove(authority);
        }
    }
}
