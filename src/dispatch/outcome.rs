//! Accounting for an attempt.

use super::notes::{Note, NoteKind, said};
use super::{Dispatch, HeadState, InFlight};
use crate::model::attempt::Attempted;
use crate::model::ids::{DeliveryId, SubscriptionId};
use crate::model::retry::Accepts;
use crate::model::subscription::Subscription;
use crate::model::time::{Now, Wall};
use crate::outbox::verdict::{Tried, Verdict, verdict};
use crate::store::{HotDelivery, Ledger, StoreError};

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
        let Attempted { attempt, duration_ms, ref reply, .. } = *attempted;
        let waited_ms = head.waited_ms.saturating_add(duration_ms);
        let verdict = match lane.subscription.as_deref() {
            Some(Subscription { target, retry, .. }) => {
                verdict(target, retry, Tried { number, attempts: attempt, waited_ms, reply }, now.wall)
            }
            // Without a rule nothing says what is accepted, but that a success is; there is no schedule either: it
            // waits as long as it last did, for the name's return.
            None if reply.status().is_some_and(|status| Accepts::AnySuccess.covers(status)) => Verdict::Accepted,
            None => Verdict::Retry { delay_ms: head.delay_ms },
        };
        self.note(id, attempted, verdict, ledger);
        let Some(lane) = self.lanes.get_mut(&id) else { return Ok(()) };
        let delay_ms = match verdict {
            Verdict::Accepted => {
                if lane.lag.is_some() && lane.is_level() {
                    lane.lag = None;
                    ledger.note_level(id)?;
                }
                return ledger.finish_delivery(number, attempt.saturating_sub(1));
            }
            Verdict::Retry { delay_ms } => delay_ms,
            Verdict::Dead => {
                ledger.add_attempt(attempted, now.wall)?;
                self.dead += 1;
                self.dead_since.get_or_insert(now.wall);
                return ledger.kill_delivery(number, now.wall);
            }
        };
        ledger.add_attempt(attempted, now.wall)?;
        let due = Wall(now.wall.0.saturating_add_unsigned(delay_ms));
        // Its row is written anew here, whatever was damaged.
        (head.attempts, head.delay_ms, head.is_unread) = (attempt, delay_ms, false);
        head.waited_ms = waited_ms.saturating_add(delay_ms);
        let waited_ms = head.waited_ms;
        ledger.postpone_delivery(&HotDelivery {
            number,
            subscription: id,
            attempts: attempt,
            delay_ms,
            waited_ms,
            due,
        })?;
        head.state = HeadState::Waiting(now.mono.plus_ms(delay_ms));
        self.timers.insert((now.mono.plus_ms(delay_ms), id));
        lane.head = Some(head);
        Ok(())
    }

    /// Notes whether the lane fails, and what is to be said of it.
    fn note(&mut self, id: SubscriptionId, attempted: &Attempted, verdict: Verdict, ledger: &Ledger) {
        let Attempted { number, attempt, duration_ms, reply } = attempted;
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        let was_failing = std::mem::replace(&mut lane.is_failing, verdict != Verdict::Accepted);
        let Some(subscription) = &lane.subscription else { return };
        let said = || said(subscription, reply, *duration_ms);
        let what = match verdict {
            Verdict::Accepted if was_failing => NoteKind::Recovered,
            Verdict::Retry { delay_ms } if !was_failing => {
                NoteKind::Failing { outcome: reply.failure(), said: said(), next_ms: delay_ms }
            }
            Verdict::Accepted | Verdict::Retry { .. } => return,
            Verdict::Dead => NoteKind::GivenUp { outcome: reply.failure(), said: said(), attempts: *attempt },
        };
        let delivery = DeliveryId { node: ledger.node(), number: *number };
        self.notes.push(Note::new(subscription, delivery, what));
    }
}
