//! Cutting a batch: what is owed becomes frozen bytes.

use std::sync::Arc;

use super::limits::ATTEMPTS_MAX;
use super::{Dispatch, Head, HeadState, Lane};
use crate::model::delivery::Delivery;
use crate::model::entry::Entry;
use crate::model::ids::{Seq, SubscriptionId};
use crate::model::metadata::merged;
use crate::model::time::Now;
use crate::outbox::batch::cut;
use crate::outbox::fold::fold;
use crate::outbox::limits::{MAX_BATCH_BYTES, MAX_FOLD_READ};
use crate::store::{Ledger, OldestOwed, StoreError};

impl Dispatch {
    /// Cuts a lane's next batch if the lane is free, and writes down what has to wait.
    pub(super) fn cut_lane(&mut self, now: Now, id: SubscriptionId, ledger: &Ledger) -> Result<(), StoreError> {
        let Some(lane) = self.lanes.get_mut(&id) else { return Ok(()) };
        let Some(subscription) = lane.active().cloned() else {
            return lane.write_fresh(now, id, ledger);
        };
        if lane.owed == 0 && lane.fresh.is_empty() {
            return Ok(());
        }
        // An entry lingers from when it is owed, also while another delivery is on its way.
        let lingers = lane.linger_until(now, subscription.batching.linger_ms);
        if lane.head.is_some() || lane.fault.as_ref().is_some_and(|fault| fault.again_at > now.mono) {
            return lane.write_fresh(now, id, ledger);
        }
        if let Some(until) = lingers
            && lane.owed + (lane.fresh.len() as u64) < subscription.max_entries() as u64
        {
            self.timers.insert((until, id));
            return lane.write_fresh(now, id, ledger);
        }
        // The outbox comes first. What is fresh joins the cut only when nothing older is left out.
        let from_table = lane.owed > 0;
        if from_table {
            lane.write_fresh(now, id, ledger)?;
        }
        let entries: Vec<Arc<Entry>> = match from_table {
            true => match ledger.owed(id, MAX_FOLD_READ) {
                Ok(entries) => entries,
                Err(error) => return self.rest(now, id, error),
            },
            false => {
                let rest = lane.fresh.split_off(lane.fresh.len().min(MAX_FOLD_READ));
                std::mem::replace(&mut lane.fresh, rest)
            }
        };
        if entries.is_empty() {
            // The journal has none of the rows any more that the outbox names.
            return self.skip(now, id, Seq(i64::MAX), u64::MAX >> 1, ledger).map(drop);
        }
        let seqs: Vec<Seq> = entries.iter().map(|entry| entry.seq).collect();
        let folded = fold(entries, subscription.covers_modification);
        let metadata = |asset| ledger.metadata(asset).map(|sources| merged(&sources));
        let batch = match cut(&subscription, ledger.node(), &folded, MAX_BATCH_BYTES, metadata) {
            Ok(batch) => batch,
            Err(error) => {
                self.rest(now, id, error)?;
                // What was not in the table before is not lost.
                return if from_table { Ok(()) } else { self.write_all(now, id, seqs, ledger) };
            }
        };
        let Some(lane) = self.lanes.get_mut(&id) else { return Ok(()) };
        if from_table {
            ledger.settle_owed(id, &batch.consumed)?;
            lane.owed = lane.owed.saturating_sub(batch.consumed.len() as u64);
        } else {
            // Nothing of it is in the table yet: what the batch left goes there now.
            let consumed: std::collections::HashSet<Seq> = batch.consumed.iter().copied().collect();
            for seq in seqs.into_iter().filter(|seq| !consumed.contains(seq)) {
                lane.owe(now, id, seq, ledger)?;
            }
            lane.write_fresh(now, id, ledger)?;
        }
        lane.fault = None;
        if lane.owed == 0 {
            (lane.oldest, lane.linger_until) = (None, None);
        } else {
            // What is left over came with the first entry, or later: it lingers no longer than that one was to.
            lane.oldest = ledger.oldest_owed(id)?;
        }
        let delivery = Delivery {
            number: ledger.next_delivery()?,
            subscription: id,
            entries: batch.entries,
            body: batch.body,
            created: now.wall,
            attempts: 0,
            delay_ms: 0,
            waited_ms: 0,
            due: now.wall,
        };
        ledger.add_delivery(&delivery)?;
        let about_to_go = !self.slots.full() && self.ready.len() < ATTEMPTS_MAX;
        let body = about_to_go.then_some(delivery.body);
        let number = delivery.number;
        let state = HeadState::Ready;
        lane.head = Some(Head { number, attempts: 0, delay_ms: 0, waited_ms: 0, is_unread: false, body, state });
        self.ready.push_back(id);
        Ok(())
    }

    /// Writes to the outbox what was to be cut and could not, and what came behind it.
    fn write_all(&mut self, now: Now, id: SubscriptionId, seqs: Vec<Seq>, ledger: &Ledger) -> Result<(), StoreError> {
        let Some(lane) = self.lanes.get_mut(&id) else { return Ok(()) };
        for seq in seqs {
            lane.owe(now, id, seq, ledger)?;
        }
        lane.write_fresh(now, id, ledger)
    }
}

impl Lane {
    /// Writes what became owed in this group to the outbox.
    fn write_fresh(&mut self, now: Now, id: SubscriptionId, ledger: &Ledger) -> Result<(), StoreError> {
        for entry in std::mem::take(&mut self.fresh) {
            self.owe(now, id, entry.seq, ledger)?;
        }
        Ok(())
    }

    /// Writes one entry to the outbox. They come in journal order, so the first is the oldest.
    fn owe(&mut self, now: Now, id: SubscriptionId, seq: Seq, ledger: &Ledger) -> Result<(), StoreError> {
        ledger.owe(id, seq)?;
        self.owed += 1;
        self.oldest.get_or_insert(OldestOwed { seq, at: now.wall });
        Ok(())
    }

    /// Until when the lane still waits for company; `None` when it does not.
    fn linger_until(&mut self, now: Now, linger_ms: u64) -> Option<crate::model::time::Mono> {
        if linger_ms == 0 {
            return None;
        }
        let until = *self.linger_until.get_or_insert(now.mono.plus_ms(linger_ms));
        (until > now.mono).then_some(until)
    }
}
