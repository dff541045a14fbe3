//! What somebody does with deliveries that he chooses by a filter: they are tried again at once, sent again after they
//! were given up, or dropped. Or with subscriptions: they are paused, or resumed.
//!
//! The choice is walked lane by lane, in the order of their numbers: what is on its way, then the dead letters. A walk
//! is bounded, because everybody waits for it, and says where it stopped.

use std::ops::Bound;

use super::Dispatch;
use super::lane::HeadState;
use super::pause::with_reason;
use crate::model::ask::{Bulk, Deed, Held, Selected, Selection};
use crate::model::event::EventFields;
use crate::model::ids::{DeliveryNo, Seq, SubscriptionId};
use crate::model::lane::Pause;
use crate::model::listing::{DeliveryState, Span, is_at};
use crate::model::part::{DeliveryKey, Part};
use crate::model::time::Now;
use crate::store::{Candidate, DispatchTables, DroppedBy, StoreError};

/// Deliveries that one ask acts on: some 50 ms of a group.
pub(super) const SELECTED_MAX: u64 = 1_000;
/// Rows that one ask looks at, whether or not it acts on them.
pub(super) const WALK_MAX: usize = 10_000;
/// Dead letters that are read at once.
const PIECE: usize = 500;

/// What is done, or only counted.
#[derive(Debug, Clone, Copy)]
struct Plan<'a> {
    bulk: &'a Bulk,
    is_dry_run: bool,
    /// How many one ask chooses at most.
    most: u64,
}

impl Dispatch {
    /// Does something with some of what a filter covers, from where it stopped before. `None` when there is no such
    /// delivery.
    ///
    /// # Errors
    /// When the ledger refuses: the group is lost then.
    pub fn select(
        &mut self,
        now: Now,
        bulk: &Bulk,
        is_dry_run: bool,
        ledger: DispatchTables<'_>,
    ) -> Result<Option<Selected>, StoreError> {
        // To count them costs little.
        let most = if is_dry_run { u64::MAX } else { SELECTED_MAX };
        self.select_as_planned(now, Plan { bulk, is_dry_run, most }, ledger)
    }

    /// Reads what one [`Self::select`] would act on, and does nothing with it.
    pub(super) fn probe(&mut self, now: Now, bulk: &Bulk, ledger: DispatchTables<'_>) -> Result<(), StoreError> {
        self.select_as_planned(now, Plan { bulk, is_dry_run: true, most: SELECTED_MAX }, ledger).map(drop)
    }

    fn select_as_planned(
        &mut self,
        now: Now,
        plan: Plan<'_>,
        ledger: DispatchTables<'_>,
    ) -> Result<Option<Selected>, StoreError> {
        if plan.bulk.deed.is_of_subscriptions() {
            return self.select_lanes(now, plan, ledger).map(Some);
        }
        let which = &plan.bulk.which;
        let one = match (which.id, which.subscription) {
            (Some(key), _) => Some(ledger.owner_of(key)?),
            (None, Some(subscription)) => Some(Some(subscription)),
            (None, None) => None,
        };
        if one == Some(None) {
            return Ok(None);
        }
        let before = Seq(ledger.newest().0.0 + 1);
        let mut selected = Selected { count: 0, entries: 0, before, next: None };
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
            if at.is_some() && (selected.count >= plan.most || walked >= WALK_MAX) {
                // The walk goes on with the dead letters of this one, of which none is left.
                selected.next = Some((id, AFTER_ALL));
                break;
            }
        }
        Ok(Some(selected))
    }

    /// The next subscription that has a lane or dead letters.
    fn next_lane(
        &self,
        after: SubscriptionId,
        ledger: DispatchTables<'_>,
    ) -> Result<Option<SubscriptionId>, StoreError> {
        let lane = self.lanes.range((Bound::Excluded(after), Bound::Unbounded)).next().map(|(id, _)| *id);
        Ok(lane.into_iter().chain(ledger.next_with_dead(after)?).min())
    }

    /// Pauses or resumes some of the subscriptions that a filter covers: those with which anything comes of it.
    fn select_lanes(&mut self, now: Now, plan: Plan<'_>, ledger: DispatchTables<'_>) -> Result<Selected, StoreError> {
        let Bulk { deed, which, by, reason } = plan.bulk;
        let mut selected = Selected { count: 0, entries: 0, before: Seq(ledger.newest().0.0 + 1), next: None };
        let after = which.after.map_or(SubscriptionId(i64::MIN), |(id, _)| id);
        let behind = self.lanes.range((Bound::Excluded(after), Bound::Unbounded)).map(|(id, _)| *id);
        let ids: Vec<_> = match which.subscription {
            Some(id) => vec![id],
            None => behind.take(WALK_MAX + 1).collect(),
        };
        for (walked, id) in ids.iter().enumerate() {
            if walked >= WALK_MAX || selected.count >= plan.most {
                selected.next = Some((ids[walked - 1], AFTER_ALL));
                break;
            }
            if !self.is_chosen_lane(*id, *deed, which) {
                continue;
            }
            selected.count += 1;
            match deed {
                _ if plan.is_dry_run => {}
                Deed::Pause => {
                    let pause = Pause { at: now.wall, by: by.clone(), reason: reason.clone() };
                    self.pause(now, *id, pause, ledger)?;
                }
                _ => drop(self.resume(now, *id, by, ledger)?),
            }
        }
        Ok(selected)
    }

    fn is_chosen_lane(&self, id: SubscriptionId, deed: Deed, which: &Selection) -> bool {
        let Some(lane) = self.lanes.get(&id).filter(|_| self.is_chosen(id, which)) else { return false };
        let (Some(subscription), policy) = (&lane.subscription, lane.policy()) else { return false };
        let held = Held::of(policy, subscription.paused, lane.lag.is_some());
        let comes_of_it = match deed {
            Deed::Pause => policy.paused.is_none(),
            _ => policy.paused.is_some() && !subscription.paused,
        };
        let is_any_time = which.span == Span::default();
        comes_of_it
            && which.held.is_none_or(|wanted| wanted == held)
            && which
                .outcome
                .as_ref()
                .is_none_or(|outcome| policy.failing.as_ref().is_some_and(|it| it.outcome == *outcome))
            && (is_any_time || policy.failing.as_ref().is_some_and(|it| which.span.covers(it.since, Seq(i64::MAX))))
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
        ledger: DispatchTables<'_>,
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
            let is_idle = plan.bulk.deed == Deed::Retry && state == DeliveryState::Pending;
            if is_idle || !which.covers_state(state) || which.id.is_some_and(|id| id != *key) {
                continue;
            }
            if let Some(candidate) = ledger.candidate(id, *key)?.filter(|candidate| covers(which, candidate)) {
                chosen.push(candidate);
            }
        }
        let looked_at = lane.queue.len();
        self.act(now, id, &chosen, plan, false, ledger)?;
        selected.count += chosen.len() as u64;
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
        ledger: DispatchTables<'_>,
        selected: &mut Selected,
    ) -> Result<bool, StoreError> {
        loop {
            let piece = ledger.dead_letters(walk.id, walk.after, PIECE)?;
            let is_last = piece.len() < PIECE;
            let mut chosen = Vec::new();
            let mut is_full = false;
            for candidate in piece {
                is_full = selected.count + chosen.len() as u64 >= plan.most || walk.walked >= WALK_MAX;
                if is_full {
                    break;
                }
                walk.walked += 1;
                walk.after = Some(candidate.key);
                let is_it = which.id.is_none_or(|id| id == candidate.key) && covers(which, &candidate);
                // One that is to be sent again already is not counted again.
                let is_asked = |key| ledger.is_replay_asked(walk.id, key);
                if is_it && (plan.bulk.deed != Deed::Retry || !is_asked(candidate.key)?) {
                    chosen.push(candidate);
                }
            }
            self.act(now, walk.id, &chosen, plan, true, ledger)?;
            selected.count += chosen.len() as u64;
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
        ledger: DispatchTables<'_>,
    ) -> Result<(), StoreError> {
        if chosen.is_empty() || plan.is_dry_run {
            return Ok(());
        }
        let Bulk { deed, by, reason, .. } = plan.bulk;
        match deed {
            Deed::Pause | Deed::Resume => {}
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
            Deed::Drop => {
                let before = self.share(id);
                let dropped = DroppedBy { by, reason: reason.as_deref(), at: now.wall };
                for candidate in chosen {
                    ledger.drop_delivery(id, candidate.key, &dropped)?;
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
                let fields = |fields: EventFields| {
                    let fields = fields.number("deliveries", chosen.len() as u64).number("entries", entries);
                    with_reason(fields.text("by", by), reason.as_deref())
                };
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
