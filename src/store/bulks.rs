//! Tasks that do something with all that a filter covers.

use rusqlite::Row;
use serde::{Deserialize, Serialize};

use super::error::{Cause, Operation as _};
use super::{DispatchTables, Result, codec};
use crate::model::ask::{Bulk, Deed, Held, Selection};
use crate::model::ids::{DeliveryNo, Seq, SubscriptionId, TaskNo};
use crate::model::listing::{DeliveryState, Point, Span};
use crate::model::part::{DeliveryKey, Part};
use crate::model::scope::Scope;
use crate::model::task::RunningBulk;
use crate::model::tenant::Tenant;
use crate::model::time::Wall;

/// A filter in the column `choice`: a JSON object. Never renamed: it stands in ledgers.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Choice {
    /// Of which tenants; `None`: of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenants: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<At>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<At>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// A point of a span.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum At {
    /// A place in the journal.
    Seq(i64),
    /// Milliseconds since the Unix epoch.
    Time(i64),
}

impl From<Point> for At {
    fn from(point: Point) -> Self {
        match point {
            Point::Seq(seq) => Self::Seq(seq.0),
            Point::Time(time) => Self::Time(time.0),
        }
    }
}

impl From<At> for Point {
    fn from(at: At) -> Self {
        match at {
            At::Seq(seq) => Self::Seq(Seq(seq)),
            At::Time(time) => Self::Time(Wall(time)),
        }
    }
}

impl Choice {
    fn of(bulk: &Bulk) -> Self {
        let Selection { scope, host, state, held, outcome, span, .. } = &bulk.which;
        let state = state.map(DeliveryState::as_str).or(held.map(Held::as_str));
        Self {
            tenants: match scope {
                Scope::All => None,
                Scope::Of(tenants) => Some(tenants.iter().map(ToString::to_string).collect()),
            },
            host: host.clone(),
            state: state.map(str::to_owned),
            outcome: outcome.clone(),
            since: span.since.map(At::from),
            before: span.before.map(At::from),
            reason: bulk.reason.clone(),
        }
    }

    /// `None`: it names what there is not.
    fn scope(&self) -> Option<Scope> {
        let Some(tenants) = &self.tenants else { return Some(Scope::All) };
        let tenants: std::result::Result<Vec<_>, _> = tenants.iter().map(|name| Tenant::parse(name)).collect();
        Some(Scope::of(tenants.ok()?))
    }
}

/// Whose things a choice is about.
pub(super) fn scope_of(choice: &str) -> Option<Scope> {
    serde_json::from_str::<Choice>(choice).ok()?.scope()
}

impl DispatchTables<'_> {
    /// Notes something that is to be done with all that a filter covers. Returns it, and its UUID.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn begin_bulk(&self, bulk: &Bulk, total: u64, at: Wall) -> Result<(RunningBulk, String)> {
        let (task, uuid) = self.begin_task(bulk.deed.as_str(), bulk.which.subscription, Some(total), &bulk.by, at)?;
        let choice = codec::to_json(&Choice::of(bulk))?;
        self.connection
            .prepare_cached("UPDATE tasks SET choice = ?2 WHERE number = ?1")
            .and_then(|mut sql| sql.execute((task.0, choice)))
            .to("begin a task")?;
        Ok((RunningBulk { task, bulk: bulk.clone(), done: 0 }, uuid))
    }

    /// Those that go on, the oldest first. One that cannot be read is left out: its row says that it goes on until
    /// somebody stops it.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn running_bulks(&self) -> Result<Vec<RunningBulk>> {
        const READ: &str = "read tasks";
        let rows: Vec<Option<RunningBulk>> = self
            .connection
            .prepare_cached(
                "SELECT number, task, subscription, choice, after_lane, after_number, after_part, done, started_by
                 FROM tasks WHERE state = 'running' AND choice IS NOT NULL ORDER BY number",
            )
            .and_then(|mut sql| sql.query_map([], read)?.collect())
            .to(READ)?;
        Ok(rows.into_iter().flatten().collect())
    }

    /// Notes how far one has come.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn note_bulk(&self, running: &RunningBulk) -> Result<()> {
        let after = running.bulk.which.after;
        let (lane, key) = (after.map(|(id, _)| id.0), after.map(|(_, key)| key));
        let (number, part) = (key.map(|key| key.number.0), key.map(|key| key.part.code()));
        let done = i64::try_from(running.done)
            .map_err(|_| Cause::Damaged(format!("{} deliveries", running.done)))
            .to("note how far a task has come")?;
        self.connection
            .prepare_cached(
                "UPDATE tasks SET after_lane = ?2, after_number = ?3, after_part = ?4, done = ?5 WHERE number = ?1",
            )
            .and_then(|mut sql| sql.execute((running.task.0, lane, number, part, done)))
            .to("note how far a task has come")
            .map(drop)
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Option<RunningBulk>> {
    let (deed, choice): (String, String) = (row.get(1)?, row.get(3)?);
    let (lane, number): (Option<i64>, Option<i64>) = (row.get(4)?, row.get(5)?);
    let part = Part::from_code(row.get::<_, Option<i64>>(6)?.unwrap_or(0)).unwrap_or(Part::WHOLE);
    let (Some(deed), Ok(choice)) = (Deed::parse(&deed), serde_json::from_str::<Choice>(&choice)) else {
        return Ok(None);
    };
    let Some(scope) = choice.scope() else { return Ok(None) };
    let (state, held) = match choice.state.as_deref() {
        None => (None, None),
        Some(word) if deed.is_of_subscriptions() => (None, Held::parse(word)),
        Some(word) => (DeliveryState::parse(word), None),
    };
    // A word that is not known must not stand for all.
    if choice.state.is_some() && state.is_none() && held.is_none() {
        return Ok(None);
    }
    let which = Selection {
        subscription: row.get::<_, Option<i64>>(2)?.map(SubscriptionId),
        state,
        held,
        host: choice.host,
        outcome: choice.outcome,
        span: Span { since: choice.since.map(Point::from), before: choice.before.map(Point::from) },
        after: lane
            .zip(number)
            .map(|(lane, number)| (SubscriptionId(lane), DeliveryKey { number: DeliveryNo(number), part })),
        ..Selection::of(scope)
    };
    let by = row.get(8)?;
    Ok(Some(RunningBulk {
        task: TaskNo(row.get(0)?),
        bulk: Bulk { deed, which, by, reason: choice.reason },
        done: row.get::<_, i64>(7)?.max(0).cast_unsigned(),
    }))
}
