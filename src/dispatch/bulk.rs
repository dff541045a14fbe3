//! What is done with all that a filter covers, where that is much: a task, a piece every [`STEP_MS`]. Its progress is
//! written with each piece, so it goes on after a restart.

use super::Dispatch;
use crate::model::ask::{Answer, Bulk};
use crate::model::ids::TaskNo;
use crate::model::task::{RunningBulk, TaskState};
use crate::model::time::{Mono, Now};
use crate::store::{DispatchTables, StoreError};

/// A piece is done this often, milliseconds: some 50 ms of it are work, in which nothing else is done.
const STEP_MS: u64 = 200;

/// The tasks that go on.
#[derive(Debug, Default)]
pub(super) struct Bulks {
    /// They take turns.
    running: std::collections::VecDeque<RunningBulk>,
    next_at: Mono,
}

impl Bulks {
    /// Those that the ledger says go on.
    pub(super) fn load(ledger: DispatchTables<'_>) -> Result<Self, StoreError> {
        Ok(Self { running: ledger.running_bulks()?.into(), next_at: Mono(0) })
    }

    /// When a piece is due.
    pub(super) fn due(&self) -> Option<Mono> {
        (!self.running.is_empty()).then_some(self.next_at)
    }

    /// One of them, if it is such a task, was stopped.
    pub(super) fn stop(&mut self, task: TaskNo) {
        self.running.retain(|running| running.task != task);
    }
}

impl Dispatch {
    /// Begins to do something with all that a filter covers.
    ///
    /// # Errors
    /// When the ledger refuses: the group is lost then.
    pub fn begin_bulk(
        &mut self,
        now: Now,
        bulk: &Bulk,
        total: u64,
        ledger: DispatchTables<'_>,
    ) -> Result<Answer, StoreError> {
        let (running, uuid) = ledger.begin_bulk(bulk, total, now.wall)?;
        self.bulks.running.push_back(running);
        Ok(Answer::Begun(uuid))
    }

    /// Does a piece, when one is due.
    pub(super) fn step_bulk(&mut self, now: Now, ledger: DispatchTables<'_>) -> Result<(), StoreError> {
        if self.bulks.due().is_none_or(|due| due > now.mono) {
            return Ok(());
        }
        let Some(mut running) = self.bulks.running.pop_front() else { return Ok(()) };
        self.bulks.next_at = now.mono.plus_ms(STEP_MS);
        // All rows that a piece acts on are read before anything is done: one that is damaged ends the task, and no
        // group is lost for it again and again.
        match self.probe(now, &running.bulk, ledger) {
            Ok(()) => {}
            Err(error) if error.is_of_a_row() => {
                ledger.end_task(running.task, TaskState::Failed, Some(&error.to_string()), now.wall)?;
                self.unread.borrow_mut().push(error);
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        let selected = self.select(now, &running.bulk, false, ledger)?;
        running.done += selected.map_or(0, |selected| selected.count);
        running.bulk.which.after = selected.and_then(|selected| selected.next);
        ledger.note_bulk(&running)?;
        match running.bulk.which.after {
            None => ledger.end_task(running.task, TaskState::Done, None, now.wall),
            Some(_) => {
                self.bulks.running.push_back(running);
                Ok(())
            }
        }
    }
}
