//! Cutting a batch: gather what it tells, render it, freeze it.
//!
//! A batch tells a prefix of what is owed: the longest whose changes fold to no more entries than a batch may hold, and
//! no more bytes. So what is left begins at one place in the journal, and a cut reads hardly more than it tells.

use std::sync::Arc;

use super::backfill::Catalog;
use super::lag::Loss;
use super::lane::{Head, HeadState};
use super::send::Due;
use super::{Dispatch, Lane};
use crate::model::delivery::Delivery;
use crate::model::entry::Entry;
use crate::model::ids::{Seq, SubscriptionId};
use crate::model::lane::Skipped;
use crate::model::metadata::merged;
use crate::model::part::DeliveryKey;
use crate::model::subscription::Subscription;
use crate::model::time::{Mono, Now};
use crate::outbox::batch::{Cut, cut};
use crate::outbox::fold::{Fold, Folded, Folding, fold};
use crate::outbox::limits::{MAX_BATCH_BYTES, MAX_FOLD_READ};
use crate::store::{DispatchTables, OldestOwed, StoreError};

/// What is owed and was read for a batch.
struct Gathered {
    /// In journal order.
    entries: Vec<Arc<Entry>>,
    /// They, folded.
    fold: Fold,
    /// Owed, and not in the journal any more.
    missing: Vec<Seq>,
}

/// A batch that has been frozen, to be taken up once its savepoint is released.
struct Frozen {
    delivery: Option<Delivery>,
    /// How many of the fresh entries it took; the others came from the table.
    fresh: usize,
    /// How many entries are off the table.
    settled: u64,
    oldest: Option<OldestOwed>,
    missing: Option<Loss>,
}

impl Dispatch {
    /// Cuts what may be cut of a lane; what is fresh and has to wait goes to the outbox. The caller accounts for the
    /// lane.
    pub(super) fn cut_lane(
        &mut self,
        now: Now,
        id: SubscriptionId,
        ledger: DispatchTables<'_>,
        catalog: &Catalog<'_>,
    ) -> Result<(), StoreError> {
        loop {
            self.cut_notice(now, id, ledger)?;
            let subscription = self.may_cut(now, id);
            if self.may_backfill(now, id, subscription.is_some()) && self.step_backfill(now, id, ledger, catalog)? {
                continue;
            }
            let Some(subscription) = subscription else { break };
            // The outbox comes first. What is fresh joins the cut only when nothing older is left out.
            if self.lanes.get(&id).is_some_and(|lane| lane.owed > 0) {
                self.write_fresh(now, id, ledger)?;
            }
            match ledger.guarded(|| self.freeze(now, id, &subscription, ledger)) {
                Ok(frozen) => self.take_up_frozen(now, id, frozen),
                Err(error) => {
                    self.rest(now, id, error)?;
                    break;
                }
            }
        }
        self.write_fresh(now, id, ledger)
    }

    /// The subscription of a lane of which a batch may be cut now. Where it lingers, its time is noted.
    fn may_cut(&mut self, now: Now, id: SubscriptionId) -> Option<Arc<Subscription>> {
        let lane = self.lanes.get_mut(&id)?;
        let subscription = Arc::clone(lane.active()?);
        let there = lane.owed + lane.fresh.len() as u64;
        if there == 0 {
            return None;
        }
        // An entry lingers from when it is owed, also while another delivery is on its way.
        let lingers = lane.linger_until(now.mono, subscription.batching.linger_ms);
        // More of its oldest entries are to be dropped first; the notice of them comes before what is cut.
        if self.to_bound.contains(&id) {
            return None;
        }
        if !lane.may_freeze(now.mono) {
            return None;
        }
        if let Some(until) = lingers
            && there < lane.batch_max(&subscription) as u64
        {
            self.timers.insert((until, id, Due::Cut));
            return None;
        }
        Some(subscription)
    }

    /// Cuts a batch and writes it down. Memory is as it was.
    fn freeze(
        &self,
        now: Now,
        id: SubscriptionId,
        subscription: &Subscription,
        ledger: DispatchTables<'_>,
    ) -> Result<Frozen, StoreError> {
        let Some(lane) = self.lanes.get(&id) else { return Ok(Frozen::nothing()) };
        ledger.owe(id, self.groups.of(id))?;
        let Gathered { entries, fold: whole, missing } = self.gather(id, lane, subscription, ledger)?;
        // Entries that are missing before the first one that is there get a notice, which goes out before it.
        let gap = skipped_among(&missing, entries.first().map_or(Seq(i64::MAX), |first| first.seq()));
        let (mut told, mut folded) = if gap.is_some() { (&[][..], Vec::new()) } else { (&entries[..], whole.finish()) };
        let mut batch = None;
        // What this subscription is not told, as its rule is now, is settled without being told.
        while !folded.is_empty() {
            let cut = render(subscription, &folded, ledger)?;
            if cut.told.len() == folded.len() {
                batch = Some(cut);
                break;
            }
            // Not all of it fits. A shorter prefix folds anew: of what it tells, earlier changes may be told before.
            let last = folded[cut.told.len() - 1].entry.seq();
            told = &told[..told.partition_point(|entry| entry.seq() <= last)];
            folded = fold(told, Folding::of(subscription));
        }
        let until = told.last().map(|entry| entry.seq()).or(gap.map(|gap| gap.last));
        let Some(until) = until else { return Ok(Frozen::nothing()) };
        let is_from_table = lane.owed > 0;
        let missing = skipped_among(&missing, until);
        let settled = if is_from_table { told.len() as u64 + missing.map_or(0, |missing| missing.entries) } else { 0 };
        if is_from_table {
            ledger.settle_owed(id, until)?;
        }
        let missing = missing.map(|missing| self.tell_skipped(now, id, missing, ledger)).transpose()?;
        let delivery = match batch {
            Some(batch) => Some(write_delivery(now, id, batch, None, ledger)?),
            None => None,
        };
        let oldest = if lane.owed > settled { ledger.oldest_owed(id)? } else { None };
        let fresh = if is_from_table { 0 } else { told.len() };
        Ok(Frozen { delivery, fresh, settled, oldest, missing })
    }

    /// Reads what the next batch of a lane may tell, and little more.
    fn gather(
        &self,
        id: SubscriptionId,
        lane: &Lane,
        subscription: &Subscription,
        ledger: DispatchTables<'_>,
    ) -> Result<Gathered, StoreError> {
        let batch_max = lane.batch_max(subscription);
        let fold = Fold::new(Folding::of(subscription), batch_max);
        let mut gathered = Gathered { entries: Vec::new(), fold, missing: Vec::new() };
        let Gathered { entries, fold, missing } = &mut gathered;
        if lane.owed == 0 {
            entries.extend(lane.fresh.iter().take(MAX_FOLD_READ).take_while(|entry| fold.push(entry)).cloned());
            return Ok(gathered);
        }
        let (mut after, mut piece) = (Seq(i64::MIN), batch_max + 1);
        loop {
            let left = MAX_FOLD_READ - entries.len() - missing.len();
            let seqs = ledger.owed(id, after, piece.min(left))?;
            let Some(&last) = seqs.last() else { return Ok(gathered) };
            let mut found = self.entries_at(&seqs, ledger)?.into_iter().peekable();
            for seq in seqs {
                match found.next_if(|entry| entry.seq() == seq) {
                    None => missing.push(seq),
                    Some(entry) if fold.push(&entry) => entries.push(entry),
                    Some(_) => return Ok(gathered),
                }
            }
            // Much of it folds, or is missing: the next piece is larger.
            (after, piece) = (last, 2 * piece);
        }
    }

    /// The entries of places in the journal, as far as they are there; from the tail where that has them all.
    pub(super) fn entries_at(&self, seqs: &[Seq], ledger: DispatchTables<'_>) -> Result<Vec<Arc<Entry>>, StoreError> {
        let recent: Option<Vec<_>> = seqs.iter().map(|seq| self.tail.get(*seq).cloned()).collect();
        match recent {
            Some(entries) => Ok(entries),
            None => ledger.entries(seqs),
        }
    }

    fn take_up_frozen(&mut self, now: Now, id: SubscriptionId, frozen: Frozen) {
        let Frozen { delivery, fresh, settled, oldest, missing } = frozen;
        let about_to_go = self.ready.iter().map(std::collections::VecDeque::len).sum::<usize>() < self.slots.max();
        self.groups.has_moved(id);
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        lane.fresh.drain(..fresh);
        lane.owed = lane.owed.saturating_sub(settled);
        lane.oldest = oldest;
        if oldest.is_none() {
            // Where the table has less than was counted, the table is right.
            lane.owed = 0;
        }
        lane.fault = None;
        if lane.owed == 0 && lane.fresh.is_empty() {
            // What is left over lingers no longer than the first entry was to.
            lane.linger_until = Mono::default();
        }
        if let Some(Delivery { key, entries, body, created, .. }) = delivery {
            lane.yield_to_backfill();
            lane.queue.insert(key, Head::new(created, entries, about_to_go.then_some(body)));
            debug_assert!(lane.queue.values().any(|head| head.state == HeadState::Queued), "it is behind the others");
            self.advance(id);
        }
        if let Some(missing) = missing {
            self.note_skipped(now, id, missing);
        }
    }

    /// What became owed in this group has to wait. The caller accounts for the lane.
    pub(super) fn write_fresh(
        &mut self,
        now: Now,
        id: SubscriptionId,
        ledger: DispatchTables<'_>,
    ) -> Result<(), StoreError> {
        let Some(lane) = self.lanes.get_mut(&id) else { return Ok(()) };
        let Some(first) = lane.fresh.first() else { return Ok(()) };
        let oldest = OldestOwed { seq: first.seq(), at: now.wall };
        self.groups.add(id, &lane.fresh_seqs(), ledger)?;
        lane.owed += lane.fresh.len() as u64;
        lane.oldest.get_or_insert(oldest);
        lane.fresh.clear();
        Ok(())
    }
}

impl Frozen {
    fn nothing() -> Self {
        Self { delivery: None, fresh: 0, settled: 0, oldest: None, missing: None }
    }
}

/// Renders as many of the entries, from the first on, as one batch holds.
pub(super) fn render(
    subscription: &Subscription,
    folded: &[Folded],
    ledger: DispatchTables<'_>,
) -> Result<Cut, StoreError> {
    let metadata = |asset| ledger.metadata(asset).map(|sources| merged(&sources));
    cut(subscription, ledger.node(), folded, MAX_BATCH_BYTES, metadata)
}

/// Freezes a batch. `replayed_after`: it is told again, beside the order.
pub(super) fn write_delivery(
    now: Now,
    id: SubscriptionId,
    batch: Cut,
    replayed_after: Option<u32>,
    ledger: DispatchTables<'_>,
) -> Result<Delivery, StoreError> {
    let key = DeliveryKey::whole(ledger.next_delivery()?);
    let delivery = Delivery::cut(key, id, batch.entries, batch.told, batch.body, now.wall);
    let delivery = Delivery { replayed_after, ..delivery };
    ledger.add_delivery(&delivery)?;
    Ok(delivery)
}

/// What of the missing entries lies before a place in the journal, or at it.
fn skipped_among(missing: &[Seq], until: Seq) -> Option<Skipped> {
    let before = &missing[..missing.partition_point(|seq| *seq <= until)];
    let (first, last) = (*before.first()?, *before.last()?);
    Some(Skipped { entries: before.len() as u64, first, last })
}
