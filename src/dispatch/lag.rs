//! What a subscription may be owed is bounded, by number and by the journal's retention. Past a bound the oldest
//! entries are dropped, and that is said: to the subscriber, by a delivery of its own before what comes next; by an
//! event in the journal, in the status, and in the log. A backfill (`backfill`) makes up for them.

use super::Dispatch;
use super::lane::{Head, Lag};
use crate::model::delivery::Delivery;
use crate::model::event::EventFields;
use crate::model::ids::{Seq, SubscriptionId};
use crate::model::lane::{LanePolicy, Skipped};
use crate::model::part::DeliveryKey;
use crate::model::subscription::Subscription;
use crate::model::time::Now;
use crate::outbox::formats::lagged;
use crate::store::{Backfill, DispatchTables, PIECE_ROWS, StoreError};

/// Past its bound by number a lane loses this part of it at once, so that a lane that goes on falling behind does not
/// lose one entry with each that is added.
const SLACK: u64 = 10;

/// Entries that were dropped, for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lagged {
    /// Whose they were.
    pub subscription: SubscriptionId,
    /// Its name, where a rule still has one.
    pub name: Option<String>,
    /// What was dropped.
    pub skipped: Skipped,
}

/// Entries that a lane lost, and the backfill that makes up for them.
#[derive(Debug)]
pub(super) struct Loss {
    skipped: Skipped,
    backfill: Backfill,
}

impl Dispatch {
    /// Drops a piece of what is owed past the bound by number; what is left past it is dropped in the groups to come.
    pub(super) fn bound_lane(
        &mut self,
        now: Now,
        id: SubscriptionId,
        ledger: DispatchTables<'_>,
    ) -> Result<(), StoreError> {
        let Some(lane) = self.lanes.get(&id) else { return Ok(()) };
        let is_over = lane.owed > self.owed_max || (self.to_bound.contains(&id) && lane.owed > self.bounded_to());
        if !is_over {
            self.to_bound.remove(&id);
            return Ok(());
        }
        // A lane whose rows cannot be read rests, and loses nothing meanwhile.
        if lane.is_resting(now.mono) {
            self.to_bound.remove(&id);
            return Ok(());
        }
        let most = (lane.owed - self.bounded_to()).min(PIECE_ROWS);
        let before = self.share(id);
        if let Err(error) = ledger.savepoint(|| self.skip(now, id, Seq(i64::MAX), most, ledger)) {
            self.to_bound.remove(&id);
            let rests = self.rest(now, id, error);
            self.account(id, before);
            return rests;
        }
        self.account(id, before);
        match self.lanes.get(&id).is_some_and(|lane| lane.owed > self.bounded_to()) {
            true => self.to_bound.insert(id),
            false => {
                // All that is over the bound has been dropped: the notice of it may be cut, and what is left.
                self.to_cut.insert(id);
                self.to_bound.remove(&id)
            }
        };
        Ok(())
    }

    fn bounded_to(&self) -> u64 {
        self.owed_max - self.owed_max.div_ceil(SLACK)
    }

    /// Drops a piece of what is owed of changes up to `until`, which the journal keeps no longer. Returns whether more
    /// is left.
    ///
    /// # Errors
    /// When the ledger refuses: the group is lost then.
    pub fn drop_old(&mut self, now: Now, until: Seq, ledger: DispatchTables<'_>) -> Result<bool, StoreError> {
        let mut left = PIECE_ROWS;
        while let Some(&(seq, id)) = self.totals.oldest.first()
            && seq <= until
        {
            if left == 0 {
                return Ok(true);
            }
            let before = self.share(id);
            let skipped = self.skip(now, id, until, left, ledger)?;
            self.account(id, before);
            left = left.saturating_sub(skipped.max(1));
        }
        Ok(false)
    }

    /// The oldest entry that anything is owed of.
    #[must_use]
    pub fn first_owed(&self) -> Option<Seq> {
        self.totals.oldest.first().map(|(seq, _)| *seq)
    }

    /// Drops the oldest entries of a lane, and says so; returns how many. The caller accounts for the lane.
    fn skip(
        &mut self,
        now: Now,
        id: SubscriptionId,
        until: Seq,
        most: u64,
        ledger: DispatchTables<'_>,
    ) -> Result<u64, StoreError> {
        ledger.owe(id, self.groups.of(id))?;
        let skipped = ledger.drop_oldest_owed(id, until, most)?;
        let oldest = ledger.oldest_owed(id)?;
        let loss = skipped.map(|skipped| self.tell_skipped(now, id, skipped, ledger)).transpose()?;
        self.groups.has_moved(id);
        let Some(lane) = self.lanes.get_mut(&id) else { return Ok(0) };
        // Where the table has less than was counted, the table is right.
        lane.owed = if oldest.is_none() { 0 } else { lane.owed.saturating_sub(skipped.map_or(0, |s| s.entries)) };
        lane.oldest = oldest;
        if let Some(loss) = loss {
            self.note_skipped(now, id, loss);
        }
        Ok(skipped.map_or(0, |skipped| skipped.entries))
    }

    /// What was dropped since the last call, for the log. To be taken after the commit.
    pub fn take_lagged(&mut self) -> Vec<Lagged> {
        std::mem::take(&mut self.lagged)
    }

    /// Writes down that entries were dropped, and that a backfill is to make up for them. Memory is as it was.
    pub(super) fn tell_skipped(
        &self,
        now: Now,
        id: SubscriptionId,
        skipped: Skipped,
        ledger: DispatchTables<'_>,
    ) -> Result<Loss, StoreError> {
        let Skipped { entries, first, last } = skipped;
        let numbers = |fields: EventFields| {
            fields.number("skipped", entries).number("firstSeq", first.0).number("lastSeq", last.0)
        };
        self.tell(now, id, "callback.lagged", numbers, ledger)?;
        if let Some(policy) = self.policy_after_skipping(id, skipped) {
            ledger.put_lane(id, &policy)?;
        }
        ledger.note_lagged(id, entries, now.wall)?;
        let under_way = self.lanes.get(&id).and_then(|lane| lane.backfill.as_ref());
        let backfill = ledger.backfill_from(id, first, under_way.map(|filling| &filling.backfill), now.wall)?;
        Ok(Loss { skipped, backfill })
    }

    /// What a lane remembers once entries of it were dropped.
    fn policy_after_skipping(&self, id: SubscriptionId, skipped: Skipped) -> Option<LanePolicy> {
        let policy = self.lanes.get(&id)?.policy();
        let untold = policy.untold.map_or(skipped, |untold| untold.and(skipped));
        Some(LanePolicy { untold: Some(untold), ..policy.clone() })
    }

    /// Notes in memory that entries were dropped.
    pub(super) fn note_skipped(&mut self, now: Now, id: SubscriptionId, loss: Loss) {
        let Loss { skipped, backfill } = loss;
        let policy = self.policy_after_skipping(id, skipped);
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        policy.into_iter().for_each(|policy| lane.set_policy(policy));
        lane.take_up_backfill(backfill);
        lane.lag.get_or_insert_with(|| Box::new(Lag { since: now.wall, skipped: 0 })).skipped += skipped.entries;
        let name = lane.subscription.as_ref().map(|subscription| subscription.name.to_string());
        self.lagged.push(Lagged { subscription: id, name, skipped });
    }

    /// Freezes the delivery that tells a subscriber what it lost, once all that it loses is lost and its turn has come.
    pub(super) fn cut_notice(
        &mut self,
        now: Now,
        id: SubscriptionId,
        ledger: DispatchTables<'_>,
    ) -> Result<(), StoreError> {
        let Some(lane) = self.lanes.get(&id).filter(|_| !self.to_bound.contains(&id)) else { return Ok(()) };
        let (Some(untold), Some(subscription)) = (lane.policy().untold, lane.active()) else { return Ok(()) };
        if !lane.may_freeze(now.mono) {
            return Ok(());
        }
        let policy = LanePolicy { untold: None, ..lane.policy().clone() };
        let written = ledger.savepoint(|| {
            let notice = notice(now, id, subscription, untold, ledger)?;
            ledger.add_delivery(&notice)?;
            ledger.put_lane(id, &policy)?;
            Ok(notice)
        });
        let Delivery { key, entries, body, created, .. } = match written {
            Ok(notice) => notice,
            Err(error) => return self.rest(now, id, error),
        };
        let Some(lane) = self.lanes.get_mut(&id) else { return Ok(()) };
        lane.set_policy(policy);
        lane.queue.insert(key, Head::new(created, entries, Some(body)));
        self.advance(id);
        Ok(())
    }
}

fn notice(
    now: Now,
    id: SubscriptionId,
    subscription: &Subscription,
    untold: Skipped,
    ledger: DispatchTables<'_>,
) -> Result<Delivery, StoreError> {
    let key = DeliveryKey::whole(ledger.next_delivery()?);
    let body = lagged(subscription, ledger.node(), now.wall, untold);
    Ok(Delivery::cut(key, id, 0, Vec::new(), body, now.wall))
}
