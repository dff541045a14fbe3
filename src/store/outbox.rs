//! Who is owed what: entries matched and not yet cut. A row holds a run of the journal's numbers, so that a group costs
//! a lane one row and not one an entry; `after` says how far the run has been cut. What became owed lately may not be
//! here yet ([`super::owed_groups`]).

use rusqlite::{OptionalExtension as _, Row};

use super::error::{Cause, Operation as _};
use super::{DispatchTables, Result, seqs};
use crate::model::ids::{Seq, SubscriptionId};
use crate::model::lane::Skipped;
use crate::model::time::Wall;

/// Numbers in one row, at most: a cut decodes the whole row to tell one entry of it.
const RUN_MAX: usize = 1_024;

/// The oldest entry that a subscription is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OldestOwed {
    /// Its place in the journal.
    pub seq: Seq,
    /// When it was recorded.
    pub at: Wall,
}

/// What a subscription is owed by rows of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwedTotal {
    /// Whose it is.
    pub subscription: SubscriptionId,
    /// How many entries.
    pub entries: u64,
    /// The newest of them.
    pub last: Seq,
}

/// A row.
struct Run {
    first: Seq,
    last: Seq,
    after: Seq,
    column: Option<Vec<u8>>,
}

impl Run {
    const COLUMNS: &str = "first, last, after, seqs";

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { first: Seq(row.get(0)?), last: Seq(row.get(1)?), after: Seq(row.get(2)?), column: row.get(3)? })
    }

    /// The numbers that have not been cut yet.
    fn left(&self, subscription: SubscriptionId) -> Result<Vec<Seq>> {
        let is_plausible = self.column.is_some() || (0..RUN_MAX as i64).contains(&(self.last.0 - self.first.0));
        let damaged = || Cause::Damaged("it has more numbers than a row may have".to_owned());
        let all = match is_plausible {
            true => seqs::decode(self.first, self.last, self.column.as_deref()),
            false => Err(damaged()).to("read what is owed"),
        };
        let mut all = all.map_err(|error| error.in_row("owed", subscription.0))?;
        all.drain(..all.partition_point(|seq| *seq <= self.after));
        Ok(all)
    }
}

impl DispatchTables<'_> {
    /// Notes that entries are owed: the journal's numbers, rising, after all that are owed to the subscription already.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn owe(&self, subscription: SubscriptionId, entries: &[Seq]) -> Result<()> {
        for run in entries.chunks(RUN_MAX) {
            let (first, last) = (run[0], run[run.len() - 1]);
            self.connection
                .prepare_cached(
                    "INSERT INTO owed (subscription, first, last, after, entries, seqs) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )
                .and_then(|mut sql| {
                    let column = seqs::encode(run);
                    sql.execute((subscription.0, first.0, last.0, first.0 - 1, run.len() as i64, column))
                })
                .to("note what is owed")?;
        }
        Ok(())
    }

    /// The oldest entries owed to a subscription after a place in the journal, at most `limit`, in order.
    ///
    /// # Errors
    /// When the ledger refuses, or a row is damaged.
    pub fn owed(&self, subscription: SubscriptionId, after: Seq, limit: usize) -> Result<Vec<Seq>> {
        const READ: &str = "read what is owed";
        let columns = Run::COLUMNS;
        let mut sql = self
            .connection
            .prepare_cached(&format!("SELECT {columns} FROM owed WHERE subscription = ?1 AND last > ?2 ORDER BY first"))
            .to(READ)?;
        let mut rows = sql.query((subscription.0, after.0)).to(READ)?;
        let mut found = Vec::new();
        while found.len() < limit
            && let Some(row) = rows.next().to(READ)?
        {
            let run = Run::read(row).to(READ).map_err(|error| error.in_row("owed", subscription.0))?;
            let left = run.left(subscription)?;
            found.extend(left.into_iter().filter(|seq| *seq > after).take(limit - found.len()));
        }
        Ok(found)
    }

    /// Takes off what is owed up to a place in the journal: it has been cut.
    ///
    /// # Errors
    /// When the ledger refuses, or a row is damaged.
    pub fn settle_owed(&self, subscription: SubscriptionId, until: Seq) -> Result<()> {
        const SETTLE: &str = "take off what is owed";
        self.connection
            .prepare_cached("DELETE FROM owed WHERE subscription = ?1 AND first <= ?2 AND last <= ?2")
            .and_then(|mut sql| sql.execute((subscription.0, until.0)))
            .to(SETTLE)?;
        // At most one row reaches beyond.
        let columns = Run::COLUMNS;
        let rest = self
            .connection
            .prepare_cached(&format!(
                "SELECT {columns} FROM owed WHERE subscription = ?1 AND first <= ?2 ORDER BY first LIMIT 1"
            ))
            .and_then(|mut sql| sql.query_row((subscription.0, until.0), Run::read).optional())
            .to(SETTLE)?;
        let Some(run) = rest else { return Ok(()) };
        let left = run.left(subscription)?.into_iter().filter(|seq| *seq > until).count();
        self.connection
            .prepare_cached("UPDATE owed SET after = ?3, entries = ?4 WHERE subscription = ?1 AND first = ?2")
            .and_then(|mut sql| sql.execute((subscription.0, run.first.0, until.0, left as i64)))
            .to(SETTLE)
            .map(drop)
    }

    /// The oldest entry owed to a subscription.
    ///
    /// # Errors
    /// When the ledger refuses, or a row is damaged.
    pub fn oldest_owed(&self, subscription: SubscriptionId) -> Result<Option<OldestOwed>> {
        let Some(&seq) = self.owed(subscription, Seq(i64::MIN), 1)?.first() else { return Ok(None) };
        Ok(Some(OldestOwed { seq, at: self.recorded_at(seq)? }))
    }

    /// Drops the oldest entries that a subscription is owed, at most `most` of them, and none after `until`.
    ///
    /// # Errors
    /// When the ledger refuses, or a row is damaged.
    pub fn drop_oldest_owed(&self, subscription: SubscriptionId, until: Seq, most: u64) -> Result<Option<Skipped>> {
        let mut oldest = self.owed(subscription, Seq(i64::MIN), usize::try_from(most).unwrap_or(usize::MAX))?;
        oldest.retain(|seq| *seq <= until);
        let (Some(&first), Some(&last)) = (oldest.first(), oldest.last()) else { return Ok(None) };
        self.settle_owed(subscription, last)?;
        Ok(Some(Skipped { entries: oldest.len() as u64, first, last }))
    }

    /// Drops everything that a subscription is owed.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn drop_owed(&self, subscription: SubscriptionId) -> Result<()> {
        self.connection
            .prepare_cached("DELETE FROM owed WHERE subscription = ?1")
            .and_then(|mut sql| sql.execute([subscription.0]))
            .to("drop what is owed")
            .map(drop)
    }

    /// What is owed to each subscription by rows of its own, by number; those that have none are left out.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn outbox_totals(&self) -> Result<Vec<OwedTotal>> {
        self.connection
            .prepare_cached(
                "SELECT subscription, CAST(total(entries) AS INTEGER), CAST(max(last) AS INTEGER) FROM owed
                 GROUP BY subscription ORDER BY subscription",
            )
            .and_then(|mut sql| {
                sql.query_map([], |row| {
                    Ok(OwedTotal {
                        subscription: SubscriptionId(row.get(0)?),
                        entries: u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0),
                        last: Seq(row.get(2)?),
                    })
                })?
                .collect()
            })
            .to("count what is owed")
    }
}
