//! A target that accepts a delivery is there again: lanes on ringback's own schedule that wait for the same host and
//! port are due at once, and need not sit out five minutes each. A delivery is hurried once a wait, and not where that
//! would use up a number of retries, or where the target asked to be left alone for a time. A schedule that a
//! rule sets itself is kept as it is.

use super::Dispatch;
use super::lane::HeadState;
use crate::model::ids::SubscriptionId;
use crate::model::part::DeliveryKey;
use crate::model::time::Mono;

impl Dispatch {
    /// A delivery begins to wait for its next attempt. The caller accounts for the lane.
    pub(super) fn wait(&mut self, id: SubscriptionId, key: DeliveryKey, until: Mono) {
        self.timers.insert((until, id, super::send::Due::Send(key)));
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        let authority = lane
            .subscription
            .as_ref()
            .filter(|subscription| subscription.retry.is_default && subscription.retry.retries.is_none())
            .map(|subscription| subscription.target.authority());
        let Some(head) = lane.queue.get_mut(&key) else { return };
        head.state = HeadState::Waiting(until);
        if let Some(authority) = authority
            && !std::mem::take(&mut head.is_hurried)
        {
            self.waiting.entry(authority).or_default().insert((id, key));
        }
    }

    /// A delivery does not wait any more.
    pub(super) fn forget_wait(&mut self, id: SubscriptionId, key: DeliveryKey) {
        let subscription = self.lanes.get(&id).and_then(|lane| lane.subscription.as_ref());
        let Some(authority) = subscription.map(|subscription| subscription.target.authority()) else { return };
        let Some(waiting) = self.waiting.get_mut(&authority) else { return };
        waiting.remove(&(id, key));
        if waiting.is_empty() {
            self.waiting.remove(&authority);
        }
    }

    /// A target has accepted a delivery.
    pub(super) fn hurry(&mut self, now: Mono, authority: &str) {
        for (id, key) in self.waiting.remove(authority).unwrap_or_default() {
            let before = self.share(id);
            if self.make_due(now, id, key) {
                self.advance(id);
            }
            self.account(id, before);
        }
    }

    /// Ends a delivery's wait. Returns whether it did wait.
    pub(super) fn make_due(&mut self, now: Mono, id: SubscriptionId, key: DeliveryKey) -> bool {
        let Some(head) = self.lanes.get_mut(&id).and_then(|lane| lane.queue.get_mut(&key)) else { return false };
        let HeadState::Waiting(until) = head.state else { return false };
        // What it does not wait, it has not waited. A wait for a row was not counted.
        if head.fault.is_none() {
            head.waited_ms = head.waited_ms.saturating_sub(until.0.saturating_sub(now.0));
        }
        (head.state, head.is_hurried) = (HeadState::Queued, true);
        true
    }
}
