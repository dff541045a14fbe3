//! What somebody asks of deliveries that he chooses by a filter: to be tried again at once, to be sent again after they
//! were given up, or to be dropped.
//!
//! The choice is walked lane by lane, in the order of their numbers: what is on its way, then the dead letters. A walk
//! is bounded, because everybody waits for it, and says where it stopped.

use std::ops::Bound;

use super::Dispatch;
use super::lane::HeadState;
use crate::model::ask::{Selected, Selection};
use crate::model::ids::{DeliveryNo, Seq, SubscriptionId};
use crate::model::listing::{DeliveryState, is_at};
use crate::model::part::{DeliveryKey, Part};
use crate::model::time::Now;
use crate::store::{Candidate, DroppedBy, Ledger, StoreError};

/// Deliveries that one ask acts on: some 50 ms of a group.
pub(super) const SELECTED_MAX: u64 = 1_000;
/// Rows that one ask looks at, whether or not it acts on them.
pub(super) const WALK_MAX: usize = 10_000;
/// Dead letters that are read at once.
const PIECE: usize = 500;

/// What is done with what was chosen.
#[derive(Debug, Clone, Copy)]
pub enum Deed<'a> {
    /// What waits is due at once, and dead letters are sent again.
    Retry,
    /// It is dropped, by somebody, for a reason.
    Drop {
        /// Who.
        by: &'a str,
        /// Why.
        reason: Option<&'a str>,
    },
}

/// What is done, or only counted.
#[derive(Debug, Clone, Copy)]
struct Plan<'a> {
    deed: Deed<'a>,
    is_dry_run: bool,
}

impl Dispatch {
    /// Does something with the deliveries of a choice. `None` when there is no such delivery.
    ///
    /// # Errors
    /// When the ledger refuses: the group is lost then.
    pub fn select(
        &mut self,
        now: Now,
        which: &Selection,
        deed: Deed<'_>,
        is_dry_run: bool,
        ledger: &Ledger,
    ) -> Result<Option<Selected>, StoreError> {
        let one = match (which.id, which.subscription) {
            (Some(key), _) => Some(ledger.owner_of(key)?),
            (None, Some(subscription)) => Some(Some(subscription)),
            (None, None) => None,
        };
        if one == Some(None) {
            return Ok(None);
        }
        let before = Seq(ledger.newest().0.0 + 1);
        let mut selected = Selected { deliveries: 0, entries: 0, before, next: None };
        let plan = Plan { deed, is_dry_run };
        let mut walked = 0;
        let (mut at, mut dead_after) = match which.after {
            Some((id, key)) => (Some(id), Some(key)),
            None => (self.next_lane(SubscriptionId(i64::MIN), ledger)?, None),
        };
        if let (Some(one), None) = (one, dead_after) {
            at = one;
        }
        while let Some(id) = at {
            let is_first_visit = dead_after.is_none();
            if is_first_visit && self.is_chosen(id, which) {
                walked += self.select_on_their_way(now, id, which, plan, ledger, &mut selected)?;
            }
            walked += 1;
            let mut dead = DeadWalk { id, after: dead_after.take(), walked };
            let is_done = !self.is_chosen(id, which)
                || !which.covers_state(DeliveryState::Dead)
                || self.select_dead(now, &mut dead, which, plan, ledger, &mut selected)?;
            walked = dead.walked;
            if !is_done {
                selected.next = Some((id, dead.after.unwrap_or(BEFORE_ALL)));
                break;
            }
            at = if one.is_some() { None } else { self.next_lane(id, ledger)? };
            if at.is_some() && (selected.deliveries >= SELECTED_MAX || walked >= WALK_MAX) {
                // The walk goes on with the dead letters of this one, of which none is left.
                selected.next = Some((id, AFTER_ALL));
                break;
            }
        }
        Ok(Some(selected))
    }

    /// The next subscription that has a lane or dead letters.
    fn next_lane(&self, after: SubscriptionId, ledger: &Ledger) -> Result<Option<SubscriptionId>, StoreError> {
        let lane = self.lanes.range((Bound::Excluded(after), Bound::Unbounded)).next().map(|(id, _)| *id);
        Ok(lane.into_iter().chain(ledger.next_with_dead(after)?).min())
    }

    fn is_chosen(&self, id: SubscriptionId, which: &Selection) -> bool {
        let subscription = self.lanes.get(&id).and_then(|lane| lane.subscription.as_ref());
        which.scope.covers(subscription.and_then(|subscription| subscription.tenant.as_ref()))
            && which.host.as_ref().is_none_or(|host| subscription.is_some_and(|it| is_at(it, host)))
    }

    /// Chooses among a lane's frozen deliveries, but for those on the wire. Returns how many it looked at.
    fn select_on_their_way(
        &mut self,
        now: Now,
        id: SubscriptionId,
        which: &Selection,
        plan: Plan<'_>,
        ledger: &Ledger,
        selected: &mut Selected,
    ) -> Result<usize, StoreError> {
        let Some(lane) = self.lanes.get(&id) else { return Ok(0) };
        let mut chosen = Vec::new();
        for (key, head) in &lane.queue {
            let state = match head.state {
                HeadState::Queued | HeadState::Ready => DeliveryState::Pending,
                HeadState::Waiting(_) => DeliveryState::Waiting,
                HeadState::InFlight => continue,
            };
            // What is to go out anyway cannot be hurried.
            let is_idle = matches!(plan.deed, Deed::Retry) && state == DeliveryState::Pending;
            if is_idle || !which.covers_state(state) || which.id.is_some_and(|id| id != *key) {
                continue;
            }
            if let Some(candidate) = ledger.candidate(id, *key)?.filter(|candidate| covers(which, candidate)) {
                chosen.push(candidate);
            }
        }
        let looked_at = lane.queue.len();
        self.act(now, id, &chosen, plan, false, ledger)?;
        selected.deliveries += chosen.len() as u64;
        selected.entries += chosen.iter().map(|candidate| candidate.entries).sum::<u64>();
        Ok(looked_at)
    }

    /// Chooses among a subscription's dead letters. Returns whether it has looked at all of them.
    fn select_dead(
        &mut self,
        now: Now,
        walk: &mut DeadWalk,
        which: &Selection,
        plan: Plan<'_>,
        ledger: &Ledger,
        selected: &mut Selected,
    ) -> Result<bool, StoreError> {
        loop {
            let piece = ledger.dead_letters(walk.id, walk.after, PIECE)?;
            let is_last = piece.len() < PIECE;
            let mut chosen = Vec::new();
            let mut is_full = false;
            for candidate in piece {
                is_full = selected.deliveries + chosen.len() as u64 >= SELECTED_MAX || walk.walked >= WALK_MAX;
                if is_full {
                    break;
                }
                walk.walked += 1;
                walk.after = Some(candidate.key);
                let is_it = which.id.is_none_or(|id| id == candidate.key) && covers(which, &candidate);
                // One that is to be sent again already is not counted again.
                let is_asked = |key| ledger.is_replay_asked(walk.id, key);
                if is_it && (!matches!(plan.deed, Deed::Retry) || !is_asked(candidate.key)?) {
                    chosen.push(candidate);
                }
            }
            self.act(now, walk.id, &chosen, plan, true, ledger)?;
            selected.deliveries += chosen.len() as u64;
            selected.entries += chosen.iter().map(|candidate| candidate.entries).sum::<u64>();
            if is_full || is_last {
                return Ok(!is_full);
            }
        }
    }

    /// Does with some deliveries of one subscription what is to be done.
    fn act(
        &mut self,
        now: Now,
        id: SubscriptionId,
        chosen: &[Candidate],
        plan: Plan<'_>,
        are_dead: bool,
        ledger: &Ledger,
    ) -> Result<(), StoreError> {
        if chosen.is_empty() || plan.is_dry_run {
            return Ok(());
        }
        match plan.deed {
            Deed::Retry if are_dead => {
                for candidate in chosen {
                    let is_new = ledger.ask_replay(id, candidate.key)?;
                    self.lanes.entry(id).or_default().replays += u64::from(is_new);
                }
            }
            Deed::Retry => {
                let before = self.share(id);
                for candidate in chosen {
                    self.forget_wait(id, candidate.key);
                    self.make_due(now.mono, id, candidate.key);
                }
                self.advance(id);
                self.account(id, before);
            }
            Deed::Drop { by, reason } => {
                let before = self.share(id);
                for candidate in chosen {
                    ledger.drop_delivery(id, candidate.key, &DroppedBy { by, reason, at: now.wall })?;
                    if !are_dead {
                        self.forget_wait(id, candidate.key);
                        if let Some(lane) = self.lanes.get_mut(&id) {
                            lane.queue.remove(&candidate.key);
                        }
                    }
                }
                self.advance(id);
                self.account(id, before);
                self.recount_dead(ledger)?;
                self.counts.dropped += chosen.len() as u64;
                let entries: u64 = chosen.iter().map(|candidate| candidate.entries).sum();
                let numbers = [("deliveries", chosen.len() as u64), ("entries", entries)];
                let mut fields: Vec<_> =
                    numbers.map(|(name, number)| (name.to_owned(), number.to_string())).into_iter().collect();
                fields.push(("by".to_owned(), by.to_owned()));
                fields.extend(reason.map(|reason| ("reason".to_owned(), reason.to_owned())));
                self.tell(now, id, "callback.dropped", fields, ledger)?;
            }
        }
        if self.lanes.contains_key(&id) {
            self.to_cut.insert(id);
        }
        Ok(())
    }
}

/// How far the dead letters of one subscription have been looked at.
struct DeadWalk {
    id: SubscriptionId,
    after: Option<DeliveryKey>,
    walked: usize,
}

/// Before each dead letter, and after each.
const BEFORE_ALL: DeliveryKey = DeliveryKey { number: DeliveryNo(i64::MIN), part: Part::WHOLE };
const AFTER_ALL: DeliveryKey = DeliveryKey { number: DeliveryNo(i64::MAX), part: Part::WHOLE };

fn covers(which: &Selection, candidate: &Candidate) -> bool {
    which.span.covers(candidate.created, candidate.last)
        && which.outcome.as_ref().is_none_or(|outcome| candidate.outcome.as_ref() == Some(outcome))
}
