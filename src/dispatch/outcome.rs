//! Accounting for an attempt.

use super::{Dispatch, HeadState, InFlight};
use crate::model::delivery::Attempted;
use crate::model::ids::SubscriptionId;
use crate::model::time::{Now, Wall};
use crate::store::{Ledger, StoreError};

impl Dispatch {
    /// Takes what came of an attempt. One whose lane is gone (its subscription was dropped) gives its slot back and
    /// changes nothing else.
    pub(super) fn attempted(&mut self, now: Now, attempted: &Attempted, ledger: &Ledger) -> Result<(), StoreError> {
        let Some(InFlight { lane: id, authority }) = self.in_flight.remove(&attempted.number) else { return Ok(()) };
        self.give_back(&authority);
        let before = self.share(id);
        let done = self.account_for(now, id, attempted, ledger);
        self.account(id, before);
        done
    }

    fn account_for(
        &mut self,
        now: Now,
        id: SubscriptionId,
        attempted: &Attempted,
        ledger: &Ledger,
    ) -> Result<(), StoreError> {
        let Some(lane) = self.lanes.get_mut(&id) else { return Ok(()) };
        let Some(mut head) = lane.head.take() else { return Ok(()) };
        let number = head.number;
        self.to_cut.insert(id);
        if attempted.outcome.accepted() {
            if lane.lag.is_some() && lane.is_level() {
                lane.lag = None;
                ledger.note_level(id)?;
            }
            return ledger.finish_delivery(number, attempted.attempt.saturating_sub(1));
        }
        ledger.add_attempt(attempted, now.wall)?;
        // Its row is written anew below.
        (head.attempts, head.is_unread) = (attempted.attempt, false);
        // Without a rule there is no schedule; it waits as long as it last did, for the name's return.
        let delay_ms = match &lane.subscription {
            Some(subscription) => subscription.retry.delay_ms(attempted.attempt),
            None => Some(head.delay_ms),
        };
        let Some(delay_ms) = delay_ms else {
            self.dead += 1;
            self.dead_since.get_or_insert(now.wall);
            return ledger.kill_delivery(number, now.wall);
        };
        let due = Wall(now.wall.0.saturating_add_unsigned(delay_ms));
        ledger.postpone_delivery(number, attempted.attempt, delay_ms, due)?;
        head.delay_ms = delay_ms;
        head.state = HeadState::Waiting(now.mono.plus_ms(delay_ms));
        self.timers.insert((now.mono.plus_ms(delay_ms), id));
        lane.head = Some(head);
        Ok(())
    }
}
