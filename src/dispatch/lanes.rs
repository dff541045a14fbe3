//! When a lane's delivery goes out.

use super::{Dispatch, Effect, HeadState};
use crate::model::delivery::SendRequest;
use crate::model::ids::DeliveryId;
use crate::model::time::{Mono, Now};
use crate::store::{Ledger, StoreError};

impl Dispatch {
    /// Lanes whose time has come: a retry may go out, a batch has lingered long enough.
    pub(super) fn expire_timers(&mut self, now: Mono) {
        while let Some(&(due, id)) = self.timers.first()
            && due <= now
        {
            self.timers.pop_first();
            let Some(lane) = self.lanes.get_mut(&id) else { continue };
            match &mut lane.head {
                Some(head) if head.state == HeadState::Waiting(due) => {
                    head.state = HeadState::Ready;
                    self.ready.push_back(id);
                }
                Some(_) => {}
                None => drop(self.to_cut.insert(id)),
            }
        }
    }

    /// Sends what is ready, as far as there are slots.
    pub(super) fn fill_slots(&mut self, now: Now, ledger: &Ledger) -> Result<Vec<Effect>, StoreError> {
        let mut effects = Vec::new();
        while !self.slots.full()
            && let Some(id) = self.ready.pop_front()
        {
            let Some(lane) = self.lanes.get_mut(&id) else { continue };
            let subscription = lane.active().cloned();
            let Some(head) = lane.head.as_mut().filter(|head| head.state == HeadState::Ready) else { continue };
            let Some(subscription) = subscription else {
                (head.state, head.body) = (HeadState::Parked, None);
                continue;
            };
            let authority = subscription.target.authority();
            if !self.slots.take(&authority) {
                head.body = None;
                self.blocked.entry(authority).or_default().push_back(id);
                continue;
            }
            let body = match head.body.take() {
                Some(body) => body,
                None => ledger.delivery_body(head.number)?,
            };
            head.state = HeadState::InFlight(authority);
            self.in_flight.insert(head.number, id);
            effects.push(Effect::Send(SendRequest {
                subscription,
                number: head.number,
                id: DeliveryId { node: ledger.node(), number: head.number },
                attempt: head.attempts + 1,
                at: now.wall,
                body,
            }));
        }
        Ok(effects)
    }

    /// Gives a slot back, and lets the next lane have it that waits for that target.
    pub(super) fn give_back(&mut self, authority: &str) {
        self.slots.give_back(authority);
        if let Some(blocked) = self.blocked.get_mut(authority) {
            self.ready.extend(blocked.pop_front());
            if blocked.is_empty() {
                self.blocked.remove(authority);
            }
        }
    }
}
