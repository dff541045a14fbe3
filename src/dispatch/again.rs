//! A replay: a subscription is sent everything again that it was sent since a given time, accepted or not. Each of
//! those deliveries is cut anew by the present rule, and goes out beside the lane's order, as a dead letter that is
//! sent again does: one on the wire at a time. Its progress is written in the savepoint that cuts, so it goes on after
//! a restart.

use std::sync::Arc;

use super::Dispatch;
use super::cut::{render, write_delivery};
use super::lane::Head;
use super::send::Due;
use crate::model::ask::Answer;
use crate::model::delivery::Delivery;
use crate::model::entry::Entry;
use crate::model::ids::{SubscriptionId, TaskNo};
use crate::model::subscription::Subscription;
use crate::model::task::{Replay, TaskState};
use crate::model::time::{Now, Wall};
use crate::outbox::fold::{Folding, fold};
use crate::store::{DispatchTables, NewReplay, StoreError};

/// Deliveries that have ended which one step reads at most, until it has found one to be sent again.
const READ: usize = 500;

/// Why a replay cannot go on that was begun while the journal still had everything.
const FORGOTTEN: &str = "changes that it was to tell are kept no longer; see [retention] journal";

/// What one step of a replay has cut.
struct Step {
    /// How far it has come; `None`: it is done.
    replay: Option<Replay>,
    cut: Vec<Delivery>,
}

impl Dispatch {
    /// Begins to send a subscription again what it was told since a time.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn begin_replay(
        &mut self,
        now: Now,
        id: SubscriptionId,
        since: Wall,
        total: u64,
        by: &str,
        ledger: DispatchTables<'_>,
    ) -> Result<Answer, StoreError> {
        let Some(lane) = self.lanes.get_mut(&id).filter(|lane| lane.is_open()) else { return Ok(Answer::NotFound) };
        if lane.replay.is_some() {
            return Ok(Answer::GoesOn);
        }
        let (until, total) = (ledger.newest_delivery(), Some(total));
        let new = NewReplay { subscription: id, since, until, total, by, at: now.wall };
        let (replay, uuid) = ledger.begin_replay(&new)?;
        lane.replay = Some(Box::new(replay));
        self.to_cut.insert(id);
        Ok(Answer::Begun(uuid))
    }

    /// Ends a task before it is done. What it has cut is sent.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn stop_task(&mut self, now: Now, uuid: &str, ledger: DispatchTables<'_>) -> Result<Answer, StoreError> {
        let Some((task, subscription, goes_on)) = ledger.task_known_as(uuid)? else { return Ok(Answer::NotFound) };
        if goes_on {
            ledger.end_task(task, TaskState::Stopped, None, now.wall)?;
            self.bulks.stop(task);
            if let Some(id) = subscription {
                self.stop_task_of(id, task, ledger)?;
            }
        }
        Ok(Answer::Done)
    }

    fn stop_task_of(&mut self, id: SubscriptionId, task: TaskNo, ledger: DispatchTables<'_>) -> Result<(), StoreError> {
        let before = self.share(id);
        let Some(lane) = self.lanes.get_mut(&id) else { return Ok(()) };
        lane.replay.take_if(|replay| replay.task == task);
        let lagged = lane.lag.is_some();
        if lane.backfill.take_if(|filling| filling.backfill.task == task).is_some() {
            lane.end_lag();
        }
        if lagged && lane.lag.is_none() {
            ledger.note_level(id)?;
        }
        self.account(id, before);
        Ok(())
    }

    /// Cuts the next deliveries of a lane's replay. The caller has seen that none of them is about to go out.
    pub(super) fn step_replay(
        &mut self,
        now: Now,
        id: SubscriptionId,
        ledger: DispatchTables<'_>,
    ) -> Result<(), StoreError> {
        let Some(lane) = self.lanes.get(&id) else { return Ok(()) };
        let (Some(replay), Some(subscription)) = (&lane.replay, lane.active()) else { return Ok(()) };
        let stepped = ledger.savepoint(|| self.write_step(now, replay, subscription, ledger));
        let before = self.share(id);
        let Step { replay, cut } = match stepped {
            Ok(step) => step,
            Err(error) => {
                let rests = self.rest_replays(now, id, error);
                self.account(id, before);
                return rests;
            }
        };
        let Some(lane) = self.lanes.get_mut(&id) else { return Ok(()) };
        lane.replay_fault = None;
        if replay.is_some() && cut.is_empty() {
            // There was nothing among so many: it goes on in the next group.
            self.timers.insert((now.mono.plus_ms(1), id, Due::Cut));
        }
        lane.replay = replay.map(Box::new);
        for Delivery { key, entries, replayed_after, created, .. } in cut {
            lane.queue.insert(key, Head { replayed_after, ..Head::new(created, entries, None) });
        }
        self.advance(id);
        self.account(id, before);
        Ok(())
    }

    /// Cuts what the next delivery told that has something to be sent again. Memory is as it was.
    fn write_step(
        &self,
        now: Now,
        replay: &Replay,
        subscription: &Subscription,
        ledger: DispatchTables<'_>,
    ) -> Result<Step, StoreError> {
        let told = ledger.told_after(replay.subscription, replay.after, replay.until, READ)?;
        if told.is_empty() {
            ledger.end_task(replay.task, TaskState::Done, None, now.wall)?;
            return Ok(Step { replay: None, cut: Vec::new() });
        }
        let (mut replay, mut cut) = (replay.clone(), Vec::new());
        for one in told {
            replay.after = Some(one.key);
            if one.created < replay.since {
                continue;
            }
            replay.done += 1;
            let mut entries = self.entries_at(&one.seqs, ledger)?;
            if entries.len() < one.seqs.len() {
                ledger.note_replayed(&replay)?;
                ledger.end_task(replay.task, TaskState::Failed, Some(FORGOTTEN), now.wall)?;
                return Ok(Step { replay: None, cut });
            }
            entries.retain(|entry| entry.time() >= replay.since);
            if !entries.is_empty() {
                cut = write_again(now, replay.subscription, subscription, &entries, ledger)?;
                break;
            }
        }
        ledger.note_replayed(&replay)?;
        Ok(Step { replay: Some(replay), cut })
    }
}

/// Cuts entries into as many deliveries as the subscription takes them in.
fn write_again(
    now: Now,
    id: SubscriptionId,
    subscription: &Subscription,
    entries: &[Arc<Entry>],
    ledger: DispatchTables<'_>,
) -> Result<Vec<Delivery>, StoreError> {
    let folded = fold(entries, Folding::of(subscription));
    let (mut left, mut deliveries) = (&folded[..], Vec::new());
    while !left.is_empty() {
        let batch = render(subscription, left, ledger)?;
        left = &left[batch.told.len()..];
        deliveries.push(write_delivery(now, id, batch, Some(0), ledger)?);
    }
    Ok(deliveries)
}
