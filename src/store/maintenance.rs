//! What is forgotten after a while, a bounded number of rows at a time so that no group waits long.

use super::error::Operation as _;
use super::{Ledger, Result};
use crate::model::time::Wall;

/// Rows of one kind that one call forgets.
const ROWS: i64 = 5_000;

/// How long things are kept, milliseconds.
const JOURNAL_MS: i64 = 7 * DAY_MS;
const DEAD_MS: i64 = 30 * DAY_MS;
const EARLY_RECORDS_MS: i64 = 30 * DAY_MS;
const IDEMPOTENCY_MS: i64 = DAY_MS;
const DAY_MS: i64 = 86_400_000;

impl Ledger {
    /// Forgets what is past its time: journal rows that nobody is owed and gone assets after 7 days, dead letters and
    /// early records after 30, idempotency keys after 1. Gives whether more is left to forget.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn forget_old(&self, now: Wall) -> Result<bool> {
        let mut more = self.forget_journal(Wall(now.0 - JOURNAL_MS))?;
        let mut run = |sql: &str, kept_ms: i64| -> Result<()> {
            let rows = self
                .connection
                .prepare_cached(sql)
                .and_then(|mut sql| sql.execute((now.0 - kept_ms, ROWS)))
                .to("forget what is old")?;
            more |= rows as i64 == ROWS;
            Ok(())
        };
        run(
            "DELETE FROM metadata WHERE asset IN (SELECT id FROM gone WHERE gone_at < ?1 ORDER BY gone_at, id LIMIT ?2)",
            JOURNAL_MS,
        )?;
        run(
            "DELETE FROM gone WHERE id IN (SELECT id FROM gone WHERE gone_at < ?1 ORDER BY gone_at, id LIMIT ?2)",
            JOURNAL_MS,
        )?;
        run(
            "DELETE FROM attempts WHERE delivery IN (SELECT number FROM dead WHERE died < ?1 ORDER BY died, number LIMIT ?2)",
            DEAD_MS,
        )?;
        run(
            "DELETE FROM dead WHERE number IN (SELECT number FROM dead WHERE died < ?1 ORDER BY died, number LIMIT ?2)",
            DEAD_MS,
        )?;
        run(
            "DELETE FROM early_records WHERE path IN (SELECT path FROM early_records WHERE at < ?1 ORDER BY at LIMIT ?2)",
            EARLY_RECORDS_MS,
        )?;
        run(
            "DELETE FROM idempotency WHERE key IN (SELECT key FROM idempotency WHERE at < ?1 ORDER BY at LIMIT ?2)",
            IDEMPOTENCY_MS,
        )?;
        Ok(more)
    }

    /// Forgets journal rows before `until` that nobody is owed; gives whether more may be left. The journal is in order of
    /// time but for clock jumps, so this stops at the first row that is young enough, and reads no further.
    fn forget_journal(&self, until: Wall) -> Result<bool> {
        const FORGET: &str = "forget old changes";
        let first_owed: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT min(first) FROM
                 (SELECT (SELECT min(seq) FROM owed WHERE subscription = subscriptions.id) AS first FROM subscriptions)",
            )
            .and_then(|mut sql| sql.query_row([], |row| row.get(0)))
            .to(FORGET)?;
        let mut sql =
            self.connection.prepare_cached("SELECT seq, time FROM journal ORDER BY seq LIMIT ?1").to(FORGET)?;
        let mut rows = sql.query([ROWS]).to(FORGET)?;
        let (mut last, mut count) = (None, 0);
        while let Some(row) = rows.next().to(FORGET)? {
            let (seq, time): (i64, i64) = (row.get(0).to(FORGET)?, row.get(1).to(FORGET)?);
            if time >= until.0 || first_owed.is_some_and(|first| seq >= first) {
                break;
            }
            (last, count) = (Some(seq), count + 1);
        }
        if let Some(last) = last {
            for sql in ["DELETE FROM journal WHERE seq <= ?1", "DELETE FROM events WHERE seq <= ?1"] {
                self.connection.prepare_cached(sql).and_then(|mut sql| sql.execute([last])).to(FORGET)?;
            }
        }
        Ok(count == ROWS)
    }
}
