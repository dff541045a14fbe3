//! Tasks: how far each has come, so that it goes on after a restart.

use rusqlite::{OptionalExtension as _, Row};

use super::error::Operation as _;
use super::{DispatchTables, Ledger, Result, seqs};
use crate::model::event::{EventFields, EventName};
use crate::model::ids::{DeliveryNo, Seq, SubscriptionId, TaskNo};
use crate::model::part::{DeliveryKey, Part};
use crate::model::task::{Replay, TaskState, uuid};
use crate::model::tenant::Tenant;
use crate::model::time::Wall;

/// Tasks that have ended are kept this long, milliseconds.
const KEPT_MS: i64 = 7 * 24 * 3_600_000;
/// Of tasks that have ended the newest are kept, so many.
const KEPT_MAX: i64 = 1_000;

const BEGIN: &str = "begin a task";
const END: &str = "end a task";

/// A delivery that has ended, as far as a replay asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What it is known by.
    pub key: DeliveryKey,
    /// When it was cut.
    pub created: Wall,
    /// The changes that it told, in the order of the journal; empty where that is not known.
    pub seqs: Vec<Seq>,
}

/// A replay that somebody asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewReplay<'a> {
    /// Whose.
    pub subscription: SubscriptionId,
    /// Since when.
    pub since: Wall,
    /// The newest delivery.
    pub until: DeliveryNo,
    /// How many deliveries it is about, for people.
    pub total: Option<u64>,
    /// Who asks.
    pub by: &'a str,
    /// When.
    pub at: Wall,
}

impl Ledger {
    /// Forgets tasks that ended long ago, and all but the newest.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn forget_tasks(&self, now: Wall) -> Result<()> {
        self.connection
            .prepare_cached(
                "DELETE FROM tasks WHERE state <> 'running' AND (ended < ?1 OR number <=
                     (SELECT number FROM tasks WHERE state <> 'running' ORDER BY number DESC LIMIT 1 OFFSET ?2))",
            )
            .and_then(|mut sql| sql.execute((now.0.saturating_sub(KEPT_MS), KEPT_MAX)))
            .to("forget tasks")
            .map(drop)
    }
}

impl DispatchTables<'_> {
    /// Notes a replay that begins. Returns it, and its UUID.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn begin_replay(&self, new: &NewReplay<'_>) -> Result<(Replay, String)> {
        let NewReplay { subscription, since, until, total, by, at } = *new;
        let (task, uuid) = self.begin_task("replay", Some(subscription), total, by, at)?;
        self.connection
            .prepare_cached("UPDATE tasks SET since = ?2, until = ?3 WHERE number = ?1")
            .and_then(|mut sql| sql.execute((task.0, since.0, until.0)))
            .to(BEGIN)?;
        Ok((Replay { task, subscription, since, after: None, until, done: 0 }, uuid))
    }

    /// Notes a task that begins, and returns its number and its UUID.
    pub(super) fn begin_task(
        &self,
        task: &str,
        subscription: Option<SubscriptionId>,
        total: Option<u64>,
        by: &str,
        at: Wall,
    ) -> Result<(TaskNo, String)> {
        // The UUID follows from the number: until that is known, any text that no UUID is.
        self.connection
            .prepare_cached(
                "INSERT INTO tasks (uuid, task, state, subscription, total, started_by, started)
                 VALUES ('', ?1, 'running', ?2, ?3, ?4, ?5)",
            )
            .and_then(|mut sql| sql.execute((task, subscription.map(|id| id.0), total.map(u64::cast_signed), by, at.0)))
            .to(BEGIN)?;
        let number = TaskNo(self.connection.last_insert_rowid());
        let uuid = uuid(self.node, number);
        self.connection
            .prepare_cached("UPDATE tasks SET uuid = ?2 WHERE number = ?1")
            .and_then(|mut sql| sql.execute((number.0, &uuid)))
            .to(BEGIN)?;
        Ok((number, uuid))
    }

    /// Replays that go on, the oldest first.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn running_replays(&self) -> Result<Vec<Replay>> {
        let read = |row: &Row<'_>| {
            let after: Option<i64> = row.get(3)?;
            let part = Part::from_code(row.get::<_, Option<i64>>(4)?.unwrap_or(0)).unwrap_or(Part::WHOLE);
            Ok(Replay {
                task: TaskNo(row.get(0)?),
                subscription: SubscriptionId(row.get(1)?),
                since: Wall(row.get(2)?),
                after: after.map(|number| DeliveryKey { number: DeliveryNo(number), part }),
                until: DeliveryNo(row.get(5)?),
                done: row.get::<_, i64>(6)?.max(0).cast_unsigned(),
            })
        };
        self.connection
            .prepare_cached(
                "SELECT number, subscription, since, after_number, after_part, until, done FROM tasks
                 WHERE state = 'running' AND task = 'replay' ORDER BY number",
            )
            .and_then(|mut sql| sql.query_map([], read)?.collect())
            .to("read tasks")
    }

    /// Notes how far a replay has come.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn note_replayed(&self, replay: &Replay) -> Result<()> {
        let after = replay.after.map(|key| (key.number.0, key.part.code()));
        self.connection
            .prepare_cached("UPDATE tasks SET after_number = ?2, after_part = ?3, done = ?4 WHERE number = ?1")
            .and_then(|mut sql| {
                sql.execute((replay.task.0, after.map(|at| at.0), after.map(|at| at.1), replay.done.cast_signed()))
            })
            .to("note how far a task has come")
            .map(drop)
    }

    /// Ends a task that goes on.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn end_task(&self, task: TaskNo, state: TaskState, problem: Option<&str>, at: Wall) -> Result<()> {
        let at = self.not_before_mark(at);
        let ended = self
            .connection
            .prepare_cached(
                "UPDATE tasks SET state = ?2, problem = ?3, ended = ?4 WHERE number = ?1 AND state = 'running'",
            )
            .and_then(|mut sql| sql.execute((task.0, state.as_str(), problem, at.0)))
            .to(END)?;
        match ended {
            0 => Ok(()),
            _ => self.append_end(task, at),
        }
    }

    /// Appends the event of a task's end, where a subscription listens for it. Nobody else receives that event.
    fn append_end(&self, task: TaskNo, at: Wall) -> Result<()> {
        let read = |row: &Row<'_>| {
            let (uuid, task, state): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let number = |at| row.get::<_, Option<i64>>(at);
            let (total, tenant): (_, Option<String>) = (number(4)?, row.get(7)?);
            let fields = EventFields::of_texts([("UUID", uuid.as_str()), ("task", &task), ("state", &state)]);
            let mut fields = fields.number("done", row.get::<_, i64>(3)?);
            if let Some(total) = total {
                fields = fields.number("total", total);
            }
            if let Some(result) = row.get::<_, Option<String>>(5)? {
                fields = fields.object("result", EventFields::of_object(result));
            }
            if let Some(problem) = row.get::<_, Option<String>>(6)? {
                fields = fields.text("problem", &problem);
            }
            Ok((EventName::of_task(&uuid), tenant, fields))
        };
        let end = self
            .connection
            .prepare_cached(
                "SELECT uuid, task, state, done, total, result, problem, subscriptions.tenant FROM tasks
                 JOIN subscriptions ON subscriptions.id = listener WHERE number = ?1",
            )
            .and_then(|mut sql| sql.query_row([task.0], read).optional())
            .to(END)?;
        let Some((name, tenant, fields)) = end else { return Ok(()) };
        let tenant = tenant.and_then(|tenant| Tenant::parse(&tenant).ok());
        self.tell(at, name.as_str(), tenant, fields)
    }

    /// Notes the subscription that listens for a task's end.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn set_listener(&self, uuid: &str, subscription: SubscriptionId) -> Result<()> {
        self.connection
            .prepare_cached("UPDATE tasks SET listener = ?2 WHERE uuid = ?1")
            .and_then(|mut sql| sql.execute((uuid, subscription.0)))
            .to(BEGIN)
            .map(drop)
    }

    /// The tasks of a subscription that is dropped cannot go on.
    pub(super) fn fail_tasks_of(&self, subscription: SubscriptionId) -> Result<()> {
        let running: Vec<i64> = self
            .connection
            .prepare_cached("SELECT number FROM tasks WHERE subscription = ?1 AND state = 'running' ORDER BY number")
            .and_then(|mut sql| sql.query_map([subscription.0], |row| row.get(0))?.collect())
            .to(END)?;
        running.into_iter().try_for_each(|task| {
            self.end_task(TaskNo(task), TaskState::Failed, Some("its subscription was dropped"), Wall(0))
        })
    }

    /// Which task has a UUID, whose deliveries it is about, and whether it goes on.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn task_known_as(&self, uuid: &str) -> Result<Option<(TaskNo, Option<SubscriptionId>, bool)>> {
        self.connection
            .prepare_cached("SELECT number, subscription, state = 'running' FROM tasks WHERE uuid = ?1")
            .and_then(|mut sql| {
                sql.query_row([uuid], |row| {
                    let subscription: Option<i64> = row.get(1)?;
                    Ok((TaskNo(row.get(0)?), subscription.map(SubscriptionId), row.get(2)?))
                })
                .optional()
            })
            .to("find a task")
    }

    /// How a task stands, and how much of it is done; for tests.
    ///
    /// # Errors
    /// When the ledger refuses.
    #[cfg(test)]
    pub(crate) fn task_progress(&self, task: TaskNo) -> Result<(String, u64)> {
        self.connection
            .query_row("SELECT state, done FROM tasks WHERE number = ?1", [task.0], |row| {
                Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned()))
            })
            .to("read a task")
    }

    /// Deliveries of a subscription that have ended, accepted, given up or dropped, after a key, in order, at most
    /// `most`, and none after `until`.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn told_after(
        &self,
        subscription: SubscriptionId,
        after: Option<DeliveryKey>,
        until: DeliveryNo,
        most: usize,
    ) -> Result<Vec<Told>> {
        const READ: &str = "read what was told";
        let (number, part) = after.map_or((i64::MIN, 0), |key| (key.number.0, key.part.code()));
        let mut found = Vec::new();
        for (columns, table) in [("first, last, seqs", "history"), ("0, 0, told", "dead")] {
            let read = |row: &Row<'_>| {
                let part = Part::from_code(row.get(1)?).unwrap_or(Part::WHOLE);
                let column: Option<Vec<u8>> = row.get(5).ok().flatten();
                // What cannot be read of it is not known, and is not sent again.
                let seqs = match table {
                    "history" => {
                        seqs::decode(Seq(row.get(3)?), Seq(row.get(4)?), column.as_deref()).unwrap_or_default()
                    }
                    _ => {
                        let told = column.and_then(|column| seqs::decode_told(&column).ok()).unwrap_or_default();
                        let mut seqs: Vec<_> = told.into_iter().flatten().collect();
                        seqs.sort_unstable();
                        seqs.dedup();
                        seqs
                    }
                };
                Ok(Told {
                    key: DeliveryKey { number: DeliveryNo(row.get(0)?), part },
                    created: Wall(row.get(2)?),
                    seqs,
                })
            };
            let rows: Vec<Told> = self
                .connection
                .prepare_cached(&format!(
                    "SELECT number, part, created, {columns} FROM {table}
                     WHERE subscription = ?1 AND (number, part) > (?2, ?3) AND number <= ?4
                     ORDER BY number, part LIMIT ?5"
                ))
                .and_then(|mut sql| {
                    sql.query_map((subscription.0, number, part, until.0, most as i64), read)?.collect()
                })
                .to(READ)?;
            found.extend(rows);
        }
        found.sort_by_key(|told| told.key);
        found.truncate(most);
        Ok(found)
    }
}
