//! Tasks, and how much there is to be sent again.

use rusqlite::{OptionalExtension as _, Row};

use super::super::error::Operation as _;
use super::super::{Result, bulks, rescans, seqs};
use super::deliveries::WALK_MAX;
use super::{Reader, unsigned};
use crate::model::ids::{DeliveryNo, Seq, SubscriptionId, TaskNo};
use crate::model::part::{DeliveryKey, Part};
use crate::model::task::{ListedTask, TaskState, ToldSince};
use crate::model::time::Wall;

const COLUMNS: &str = "number, uuid, task, state, \
                       (SELECT name FROM subscriptions WHERE id = subscription), \
                       done, total, started_by, started, ended, problem, subscription, choice, request, result";

const READ: &str = "count what was told";
/// Of history the first change, where it is known; of dead letters what they tell.
const TOLD: &str = "SELECT number, part, entries, created, CASE WHEN last >= first THEN first END AS first, NULL AS told \
                    FROM history WHERE subscription = ?1 AND (number, part) > (?2, ?3) \
                    UNION ALL \
                    SELECT number, part, entries, created, NULL, told \
                    FROM dead WHERE subscription = ?1 AND (number, part) > (?2, ?3) \
                    ORDER BY number, part LIMIT ?4";

impl Reader {
    /// A page of tasks, the newest first, at most `limit`, before `before`.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn tasks(&self, state: Option<TaskState>, before: Option<TaskNo>, limit: usize) -> Result<Vec<ListedTask>> {
        let before = before.map_or(i64::MAX, |before| before.0);
        self.ask(|connection| {
            connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM tasks WHERE number < ?1 AND (?2 IS NULL OR state = ?2)
                     ORDER BY number DESC LIMIT ?3"
                ))
                .and_then(|mut sql| {
                    sql.query_map((before, state.map(TaskState::as_str), limit as i64), listed)?.collect()
                })
                .to("list tasks")
        })
    }

    /// One task.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn task(&self, uuid: &str) -> Result<Option<ListedTask>> {
        self.ask(|connection| {
            connection
                .prepare_cached(&format!("SELECT {COLUMNS} FROM tasks WHERE uuid = ?1"))
                .and_then(|mut sql| sql.query_row([uuid], listed).optional())
                .to("read a task")
        })
    }

    /// Deliveries of a subscription that have ended and were cut at `since` or later, after a key; a bounded number of
    /// them is looked at.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn told_since(
        &self,
        subscription: SubscriptionId,
        since: Wall,
        after: Option<DeliveryKey>,
    ) -> Result<ToldSince> {
        let (number, part) = after.map_or((i64::MIN, 0), |key| (key.number.0, key.part.code()));
        self.ask(|connection| {
            let mut sql = connection.prepare_cached(TOLD).to(READ)?;
            let mut rows = sql.query((subscription.0, number, part, WALK_MAX as i64)).to(READ)?;
            let (mut told, mut walked, mut last) = (ToldSince::default(), 0, None);
            while let Some(row) = rows.next().to(READ)? {
                walked += 1;
                let part = Part::from_code(row.get(1).to(READ)?).unwrap_or(Part::WHOLE);
                last = Some(DeliveryKey { number: DeliveryNo(row.get(0).to(READ)?), part });
                if row.get::<_, i64>(3).to(READ)? < since.0 {
                    continue;
                }
                let column = row.get::<_, Option<Vec<u8>>>(5).ok().flatten();
                let dead = column.and_then(|told| seqs::decode_told(&told).ok()).into_iter().flatten().flatten().min();
                let accepted = row.get::<_, Option<i64>>(4).to(READ)?.map(Seq);
                told.deliveries += 1;
                told.entries += unsigned::<u64>(row.get(2).to(READ)?);
                told.first = told.first.into_iter().chain(dead).chain(accepted).min();
            }
            told.next = last.filter(|_| walked >= WALK_MAX);
            Ok(told)
        })
    }

    /// The oldest change that the journal has, and when it was recorded.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn oldest_change(&self) -> Result<Option<(Seq, Wall)>> {
        self.ask(|connection| {
            connection
                .prepare_cached("SELECT seq, time FROM journal ORDER BY seq LIMIT 1")
                .and_then(|mut sql| sql.query_row([], |row| Ok((Seq(row.get(0)?), Wall(row.get(1)?)))).optional())
                .to("read the oldest change")
        })
    }
}

fn listed(row: &Row<'_>) -> rusqlite::Result<ListedTask> {
    let state: String = row.get(3)?;
    let (choice, request): (Option<String>, Option<String>) = (row.get(12)?, row.get(13)?);
    Ok(ListedTask {
        number: TaskNo(row.get(0)?),
        uuid: row.get(1)?,
        task: row.get(2)?,
        state: TaskState::parse(&state).unwrap_or(TaskState::Failed),
        owner: row.get::<_, Option<i64>>(11)?.map(SubscriptionId),
        subscription: row.get(4)?,
        scope: choice.and_then(|choice| bulks::scope_of(&choice)).or_else(|| rescans::scope_of(&request?)),
        done: unsigned(row.get(5)?),
        total: row.get::<_, Option<i64>>(6)?.map(unsigned),
        by: row.get(7)?,
        started: Wall(row.get(8)?),
        ended: row.get::<_, Option<i64>>(9)?.map(Wall),
        result: row.get(14)?,
        problem: row.get(10)?,
    })
}
