//! A backfill brings a subscription level that lost entries: once it has been told that it lost them, it is told how
//! the assets stand that changed since, in deliveries of its lane. Those take turns with what it owes, and whatever is
//! cut later is newer. How far it has come is written in the savepoint that cuts.

use super::cut::{render, write_delivery};
use super::fault::{RowFault, rests};
use super::lane::Head;
use super::send::Due;
use super::{Dispatch, Lane};
use crate::model::ask::Answer;
use crate::model::change::Change;
use crate::model::delivery::Delivery;
use crate::model::entry::Entry;
use crate::model::ids::{Rrn, SubscriptionId};
use crate::model::subscription::Subscription;
use crate::model::task::TaskState;
use crate::model::time::{Mono, Now};
use crate::outbox::fold::Folded;
use crate::store::{Backfill, DispatchTables, StoreError, Walked};

/// No transaction is before this one.
const FIRST: Rrn = Rrn(0);

/// Goes on with a backfill's walk through the catalog, by at most so many entries. `None`: nobody knows the rules and
/// mounts now.
pub type Catalog<'a> = dyn Fn(&Backfill, usize) -> Result<Option<Walked<Change>>, StoreError> + 'a;

/// A lane's backfill.
#[derive(Debug)]
pub(super) struct Filling {
    /// How far it has come.
    pub(super) backfill: Backfill,
    /// The walk goes on at this time: it found nothing in its last step.
    again_at: Option<Mono>,
    /// The lane's last delivery was of it: the next one is of what is owed.
    had_its_turn: bool,
    /// A row that it needs cannot be read: it does not go on until that is tried again.
    pub(super) fault: Option<Box<RowFault>>,
}

impl Filling {
    /// One that goes on from a place.
    pub(super) fn of(backfill: Backfill) -> Box<Self> {
        Box::new(Self { backfill, again_at: None, had_its_turn: false, fault: None })
    }
}

/// What one step of a backfill came to.
struct Step {
    /// How far it has come; `None`: the lane is level.
    backfill: Option<Backfill>,
    delivery: Option<Delivery>,
}

impl Dispatch {
    /// Begins to tell a subscription how every asset stands that its rule covers.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn begin_backfill(
        &mut self,
        now: Now,
        id: SubscriptionId,
        by: &str,
        ledger: DispatchTables<'_>,
    ) -> Result<Answer, StoreError> {
        // A topic has its readers, and no target.
        let has_target = |lane: &Lane| lane.subscription.as_ref().is_some_and(|subscription| !subscription.is_topic);
        let Some(lane) = self.lanes.get_mut(&id).filter(|lane| lane.is_open() && has_target(lane)) else {
            return Ok(Answer::NotFound);
        };
        if lane.backfill.is_some() {
            return Ok(Answer::GoesOn);
        }
        let (backfill, uuid) = ledger.begin_backfill(id, FIRST, by, now.wall)?;
        lane.backfill = Some(Filling::of(backfill));
        self.to_cut.insert(id);
        Ok(Answer::Begun(uuid))
    }

    /// Whether a lane's backfill may go on. `others_wait`: a batch of what the lane owes may be cut, too.
    pub(super) fn may_backfill(&self, now: Now, id: SubscriptionId, others_wait: bool) -> bool {
        let Some(lane) = self.lanes.get(&id) else { return false };
        let Some(filling) = &lane.backfill else { return false };
        let rests = rests(filling.fault.as_deref(), now.mono);
        let waits = rests || filling.again_at.is_some_and(|at| at > now.mono) || (others_wait && filling.had_its_turn);
        let is_told_first = lane.policy().untold.is_none() && !self.to_bound.contains(&id);
        !waits && is_told_first && lane.active().is_some() && lane.may_freeze(now.mono)
    }

    /// Goes on with a lane's backfill. Returns whether a delivery was cut.
    pub(super) fn step_backfill(
        &mut self,
        now: Now,
        id: SubscriptionId,
        ledger: DispatchTables<'_>,
        catalog: &Catalog<'_>,
    ) -> Result<bool, StoreError> {
        let Some(lane) = self.lanes.get(&id) else { return Ok(false) };
        let (Some(filling), Some(subscription)) = (&lane.backfill, lane.active()) else { return Ok(false) };
        let (backfill, most) = (&filling.backfill, lane.batch_max(subscription));
        let stepped = ledger.savepoint(|| {
            let Some(walked) = catalog(backfill, most)? else { return Ok(None) };
            let step = write_step(now, backfill, subscription, walked, ledger)?;
            if step.backfill.is_none() && step.delivery.is_none() && lane.is_through() {
                ledger.note_level(id)?;
            }
            Ok(Some(step))
        });
        let step = match stepped {
            Ok(step) => step,
            Err(error) => return self.rest_backfill(now, id, error).map(|()| false),
        };
        let (Some(lane), Some(Step { backfill, delivery })) = (self.lanes.get_mut(&id), step) else { return Ok(false) };
        let again_at = now.mono.plus_ms(1);
        let is_cut = delivery.is_some();
        lane.backfill = backfill.map(|backfill| {
            let again_at = (!is_cut).then_some(again_at);
            Box::new(Filling { backfill, again_at, had_its_turn: is_cut, fault: None })
        });
        match delivery {
            Some(Delivery { key, entries, body, created, .. }) => {
                lane.queue.insert(key, Head::new(created, entries, Some(body)));
                self.advance(id);
            }
            None if lane.backfill.is_some() => drop(self.timers.insert((again_at, id, Due::Cut))),
            None => lane.end_lag(),
        }
        Ok(is_cut)
    }
}

impl Lane {
    /// Whether somebody still wants what it is owed.
    pub(super) fn is_open(&self) -> bool {
        self.subscription.is_some() && self.policy().cancelled_at.is_none()
    }

    /// It lost entries: its backfill is this one from here on.
    pub(super) fn take_up_backfill(&mut self, backfill: Backfill) {
        match &mut self.backfill {
            Some(filling) => filling.backfill = backfill,
            None => self.backfill = Some(Filling::of(backfill)),
        }
    }

    /// A batch of what it owes was cut: it is the backfill's turn again.
    pub(super) fn yield_to_backfill(&mut self) {
        if let Some(filling) = &mut self.backfill {
            filling.had_its_turn = false;
        }
    }
}

/// Cuts what a walk found, and writes down how far it has come. Memory is as it was.
fn write_step(
    now: Now,
    backfill: &Backfill,
    subscription: &Subscription,
    walked: Walked<Change>,
    ledger: DispatchTables<'_>,
) -> Result<Step, StoreError> {
    let Walked { found, mut next } = walked;
    let (changes, places): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    let mut delivery = None;
    let mut done = backfill.done;
    if !changes.is_empty() {
        let states: Vec<_> =
            changes.into_iter().map(|change| Folded { entry: Entry::Change(change), seqs: Vec::new() }).collect();
        let batch = render(subscription, &states, ledger)?;
        done += batch.entries as u64;
        if batch.entries < places.len() {
            next = Some(places[batch.entries - 1].clone());
        }
        delivery = Some(write_delivery(now, backfill.subscription, batch, None, ledger)?);
    }
    let backfill = Backfill { done, ..backfill.clone() };
    let goes_on = match next {
        Some(place) => Some(Backfill { place, ..backfill.clone() }),
        None => backfill.next_walk(),
    };
    ledger.note_backfilled(goes_on.as_ref().unwrap_or(&backfill))?;
    if goes_on.is_none() {
        ledger.end_task(backfill.task, TaskState::Done, None, now.wall)?;
    }
    Ok(Step { backfill: goes_on, delivery })
}
