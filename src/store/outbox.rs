//! Who is owed what: entries matched and not yet cut.

use std::sync::Arc;

use rusqlite::OptionalExtension as _;

use super::error::{Cause, Operation as _};
use super::{Ledger, Result, codec};
use crate::model::change::Action;
use crate::model::entry::Entry;
use crate::model::ids::{AssetId, Rrn, Seq, SubscriptionId};
use crate::model::time::Wall;

/// How much is owed to one subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboxTotals {
    /// To whom.
    pub subscription: SubscriptionId,
    /// How many entries.
    pub entries: u64,
    /// The oldest of them.
    pub oldest: OldestOwed,
}

/// The oldest entry that a subscription is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OldestOwed {
    /// Its place in the journal.
    pub seq: Seq,
    /// When it was recorded.
    pub at: Wall,
}

/// Entries that were dropped from what a subscription is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skipped {
    /// How many.
    pub entries: u64,
    /// The journal's place of the first and of the last.
    pub first: Seq,
    /// See `first`.
    pub last: Seq,
}

impl Ledger {
    /// Notes that an entry is owed.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn owe(&self, subscription: SubscriptionId, seq: Seq) -> Result<()> {
        self.connection
            .prepare_cached("INSERT INTO owed (subscription, seq) VALUES (?1, ?2)")
            .and_then(|mut sql| sql.execute((subscription.0, seq.0)))
            .to("note what is owed")
            .map(drop)
    }

    /// The oldest entries owed to a subscription, at most `limit`, in journal order.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn owed(&self, subscription: SubscriptionId, limit: usize) -> Result<Vec<Arc<Entry>>> {
        let mut sql = self
            .connection
            .prepare_cached(
                "SELECT seq, rrn, asset, action, path, owner, delta, time, size, mtime_ns, previous_path, moved
                 FROM owed JOIN journal USING (seq) WHERE subscription = ?1 ORDER BY seq LIMIT ?2",
            )
            .to("read what is owed")?;
        let mut rows = sql.query((subscription.0, limit as i64)).to("read what is owed")?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next().to("read what is owed")? {
            let seq = row.get(0).to("read what is owed")?;
            entries.push(Arc::new(entry_row(row).map_err(|error| error.in_row("journal", seq))?));
        }
        Ok(entries)
    }

    /// Takes entries off what is owed: they have been cut.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn settle_owed(&self, subscription: SubscriptionId, seqs: &[Seq]) -> Result<()> {
        let mut sql = self
            .connection
            .prepare_cached("DELETE FROM owed WHERE subscription = ?1 AND seq = ?2")
            .to("take off what is owed")?;
        for seq in seqs {
            sql.execute((subscription.0, seq.0)).to("take off what is owed")?;
        }
        Ok(())
    }

    /// The oldest entry owed to a subscription.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn oldest_owed(&self, subscription: SubscriptionId) -> Result<Option<OldestOwed>> {
        self.connection
            .prepare_cached(
                "SELECT seq, coalesce(CAST(time AS INTEGER), 0) FROM owed LEFT JOIN journal USING (seq)
                 WHERE subscription = ?1 ORDER BY seq LIMIT 1",
            )
            .and_then(|mut sql| {
                let oldest = |row: &rusqlite::Row<'_>| Ok(OldestOwed { seq: Seq(row.get(0)?), at: Wall(row.get(1)?) });
                sql.query_row([subscription.0], oldest).optional()
            })
            .to("read what is owed")
    }

    /// Drops the oldest entries that a subscription is owed, at most `most` of them, and none after `until`.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn drop_oldest_owed(&self, subscription: SubscriptionId, until: Seq, most: u64) -> Result<Option<Skipped>> {
        const DROP: &str = "drop what is owed";
        let skipped = self
            .connection
            .prepare_cached(
                "SELECT count(*), min(seq), max(seq) FROM
                 (SELECT seq FROM owed WHERE subscription = ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3)",
            )
            .and_then(|mut sql| {
                sql.query_row((subscription.0, until.0, most as i64), |row| {
                    let entries = row.get::<_, i64>(0)? as u64;
                    let (first, last): (Option<i64>, Option<i64>) = (row.get(1)?, row.get(2)?);
                    Ok(first.zip(last).map(|(first, last)| Skipped { entries, first: Seq(first), last: Seq(last) }))
                })
            })
            .to(DROP)?;
        if let Some(skipped) = skipped {
            self.connection
                .prepare_cached("DELETE FROM owed WHERE subscription = ?1 AND seq <= ?2")
                .and_then(|mut sql| sql.execute((subscription.0, skipped.last.0)))
                .to(DROP)?;
        }
        Ok(skipped)
    }

    /// How much is owed to each subscription, by number; those that are owed nothing are left out.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn outbox_totals(&self) -> Result<Vec<OutboxTotals>> {
        self.connection
            .prepare_cached(
                "SELECT subscription, entries, seq, coalesce(CAST(time AS INTEGER), 0) FROM
                 (SELECT subscription, count(*) AS entries, min(seq) AS seq FROM owed GROUP BY subscription)
                 LEFT JOIN journal USING (seq) ORDER BY subscription",
            )
            .and_then(|mut sql| {
                sql.query_map([], |row| {
                    Ok(OutboxTotals {
                        subscription: SubscriptionId(row.get(0)?),
                        entries: row.get::<_, i64>(1)? as u64,
                        oldest: OldestOwed { seq: Seq(row.get(2)?), at: Wall(row.get(3)?) },
                    })
                })?
                .collect()
            })
            .to("count what is owed")
    }
}

fn entry_row(row: &rusqlite::Row<'_>) -> Result<Entry> {
    const READ: &str = "read what is owed";
    let code: i64 = row.get(3).to(READ)?;
    let action = Action::from_code(code).ok_or_else(|| Cause::Damaged(format!("action {code}"))).to(READ)?;
    let path = row.get_ref(4).and_then(|bytes| Ok(bytes.as_blob()?)).to(READ)?;
    let delta: Option<String> = row.get(6).to(READ)?;
    let previous_path = row.get_ref(10).and_then(|bytes| Ok(bytes.as_blob_or_null()?)).to(READ)?;
    Ok(Entry {
        seq: Seq(row.get(0).to(READ)?),
        rrn: Rrn(row.get(1).to(READ)?),
        time: Wall(row.get(7).to(READ)?),
        asset: AssetId(row.get(2).to(READ)?),
        path: codec::path(path)?,
        owner: row.get(5).to(READ)?,
        action,
        delta: delta.map(|text| codec::json(&text)).transpose()?.unwrap_or_default(),
        size: row.get::<_, Option<i64>>(8).to(READ)?.map(|size| size as u64),
        mtime_ns: row.get(9).to(READ)?,
        previous_path: previous_path.map(codec::path).transpose()?,
        moved: row.get::<_, Option<i64>>(11).to(READ)?.map(Seq),
    })
}
