//! When a lane's delivery goes out.

use super::{Dispatch, Effect, HeadState};
use crate::model::delivery::SendRequest;
use crate::model::ids::{DeliveryId, NodeId};
use crate::model::time::{Mono, Now};

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

    /// Sends what is ready, as far as there are slots. A lane without a free slot at its target keeps its place.
    pub(super) fn fill_slots(&mut self, now: Now, node: NodeId) -> Vec<Effect> {
        let mut effects = Vec::new();
        let mut kept = std::collections::VecDeque::new();
        while let Some(id) = self.ready.pop_front() {
            if self.slots.full() {
                kept.push_back(id);
                break;
            }
            let Some(lane) = self.lanes.get_mut(&id) else { continue };
            let Some(head) = lane.head.as_mut().filter(|head| head.state == HeadState::Ready) else { continue };
            // Without a rule nothing is sent; the delivery stays ready for the name's return.
            let Some(subscription) = &lane.subscription else { continue };
            let authority = subscription.target.authority();
            if !self.slots.take(&authority) {
                kept.push_back(id);
                continue;
            }
            head.state = HeadState::InFlight(authority);
            self.in_flight.insert(head.delivery.number, id);
            effects.push(Effect::Send(SendRequest {
                subscription: subscription.clone(),
                number: head.delivery.number,
                id: DeliveryId { node, number: head.delivery.number },
                attempt: head.delivery.attempts + 1,
                at: now.wall,
                body: head.delivery.body.clone(),
            }));
        }
        kept.append(&mut self.ready);
        self.ready = kept;
        effects
    }
}
