//! What is forgotten after a while, a bounded number of rows at a time so that no group waits long.
//!
//! What has a number is forgotten by it: [marks](Ledger::mark) say which numbers had been given out at which time. So
//! a row that a wrong clock dated in the future keeps nothing, and one dated in the past is not forgotten too early.

use rusqlite::OptionalExtension as _;

use super::error::Operation as _;
use super::{Ledger, Result, SharedTables};
use crate::model::ids::{DeliveryNo, Rrn, Seq};
use crate::model::retention::{Bound, DAY_MS, Retention};
use crate::model::time::Wall;

/// Rows of one kind that one piece forgets: some 5 ms of a group.
pub const PIECE_ROWS: u64 = 2_000;
/// Bytes of dead letters that one piece forgets: each page of them is read before it is free.
const PIECE_BYTES: u64 = 16 << 20;
/// Early records are kept for a month, milliseconds: an asset that was announced and did not come by then will not.
const EARLY_RECORDS_MS: i64 = 30 * DAY_MS;
/// A repeated request with an `Idempotency-Key` is recognised for a day, milliseconds, as the API says.
const IDEMPOTENCY_MS: i64 = DAY_MS;
/// A row that is dated further in the future than this, milliseconds, was dated by a wrong clock.
const FUTURE_MS: i64 = 3_600_000;

/// The key in `meta` of the last place in the journal that is forgotten, and all before it.
pub(super) const FORGOTTEN: &str = "forgotten";

/// One pass of forgetting, in pieces: how far each kind is forgotten.
#[derive(Debug)]
pub struct Pass {
    /// Changes and events up to here are past their age; what is owed of them is dropped before.
    pub journal: Seq,
    /// They are past their number, and not past their age.
    journal_by_number: bool,
    gone: Rrn,
    idempotency: Rrn,
    deliveries: DeliveryNo,
    dead: Option<Wall>,
    early: Option<Wall>,
    excess: Excess,
}

/// Rows past a bound by number, when the pass began.
#[derive(Debug, Default)]
struct Excess {
    deliveries: u64,
    gone: u64,
    early: u64,
    idempotency: u64,
}

/// What one piece forgot.
#[derive(Debug, Default)]
#[must_use]
pub struct Piece {
    /// More is left to forget in this pass.
    pub more: bool,
    /// What was forgotten for its number and not for its age: rows, or bytes where the bound is of bytes.
    pub by_number: Vec<(Bound, u64)>,
}

impl Ledger {
    /// Notes which numbers have been given out by now. One mark an hour is enough: nothing is forgotten more exactly.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn mark(&self, now: Wall) -> Result<()> {
        let (seq, rrn) = self.newest();
        self.connection
            .prepare_cached("INSERT INTO marks (seq, rrn, time, delivery) VALUES (?1, ?2, ?3, ?4)")
            .and_then(|mut sql| {
                sql.execute((seq.0, rrn.0, self.not_before_mark(now).0, self.dispatch().newest_delivery().0))
            })
            .to("mark the time")
            .map(drop)
    }

    /// Begins a pass. `now` is `None` while the clock is not believed: then only numbers bound what is kept.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn begin_pass(&self, retention: &Retention, now: Option<Wall>) -> Result<Pass> {
        let before = |kept_ms: i64| now.map(|now| Wall(now.0.saturating_sub(kept_ms)));
        let (by_age, _) = self.marked_before(before(retention.journal_ms))?;
        let newest = self.newest().0.0;
        let by_number = newest.saturating_sub_unsigned(retention.journal_rows).max(0);
        let count = |sql: &str, most: u64| -> Result<u64> {
            let rows: i64 = self
                .connection
                .prepare_cached(sql)
                .and_then(|mut sql| sql.query_row([], |row| row.get(0)))
                .to("count what is kept")?;
            Ok((rows as u64).saturating_sub(most))
        };
        let kept_ms = retention.journal_ms.max(retention.gone_ms).max(IDEMPOTENCY_MS).max(retention.deliveries_ms);
        if let Some(oldest) = before(kept_ms) {
            self.forget_marks(oldest)?;
        }
        self.written.set(0);
        Ok(Pass {
            journal: Seq(by_age.0.max(by_number)),
            journal_by_number: by_number > by_age.0,
            gone: self.marked_before(before(retention.gone_ms))?.1,
            idempotency: self.marked_before(before(IDEMPOTENCY_MS))?.1,
            deliveries: self.deliveries_marked_before(before(retention.deliveries_ms))?,
            dead: before(retention.dead_ms),
            early: before(EARLY_RECORDS_MS),
            excess: Excess {
                deliveries: count("SELECT count(*) FROM history", retention.deliveries_rows)?,
                gone: count("SELECT count(*) FROM gone", retention.gone_rows)?,
                early: count("SELECT count(*) FROM early_records", retention.early_rows)?,
                idempotency: count("SELECT count(*) FROM idempotency", retention.idempotency_rows)?,
            },
        })
    }

    /// Forgets one piece of a pass. `first_owed` and what follows it in the journal is kept whatever its age.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn forget_piece(&self, retention: &Retention, pass: &mut Pass, first_owed: Option<Seq>) -> Result<Piece> {
        let mut piece = Piece::default();
        // An event that is owed needs its change, which comes right before it and the other events of that change.
        let first_kept =
            first_owed.map(|first| self.change_of(first).map(|change| change.unwrap_or(first))).transpose()?;
        let last = first_kept.map_or(pass.journal, |first| Seq(pass.journal.0.min(first.0 - 1)));
        let (rows, more) = self.forget_journal(last)?;
        piece.more |= more;
        if pass.journal_by_number {
            piece.note(Bound::Journal, rows);
        }
        self.forget_gone(pass, &mut piece)?;
        self.forget_accepted(pass, &mut piece)?;
        self.forget_dead(retention, pass, &mut piece)?;
        let by_age = |sql: &str, until: i64| self.forget_rows(sql, until, PIECE_ROWS);
        if let Some(until) = pass.early {
            let rows = by_age(
                "DELETE FROM early_records WHERE path IN
                 (SELECT path FROM early_records WHERE at < ?1 ORDER BY at LIMIT ?2)",
                until.0,
            )?;
            piece.more |= rows == PIECE_ROWS;
            pass.excess.early = pass.excess.early.saturating_sub(rows);
        }
        let rows = by_age(
            "DELETE FROM idempotency WHERE key IN
             (SELECT key FROM idempotency WHERE rrn <= ?1 ORDER BY rrn LIMIT ?2)",
            pass.idempotency.0,
        )?;
        piece.more |= rows == PIECE_ROWS;
        pass.excess.idempotency = pass.excess.idempotency.saturating_sub(rows);
        for (sql, excess, bound) in [
            (
                "DELETE FROM early_records WHERE path IN
                 (SELECT path FROM early_records WHERE at < ?1 ORDER BY at LIMIT ?2)",
                &mut pass.excess.early,
                Bound::EarlyRecords,
            ),
            (
                "DELETE FROM idempotency WHERE key IN
                 (SELECT key FROM idempotency WHERE rrn < ?1 ORDER BY rrn LIMIT ?2)",
                &mut pass.excess.idempotency,
                Bound::IdempotencyKeys,
            ),
        ] {
            if *excess > 0 {
                let rows = self.forget_rows(sql, i64::MAX, PIECE_ROWS.min(*excess))?;
                *excess = if rows == 0 { 0 } else { excess.saturating_sub(rows) };
                piece.more |= *excess > 0;
                piece.note(bound, rows);
            }
        }
        Ok(piece)
    }

    /// Dates what a wrong clock has dated in the future as of now, so that it ages from here on. To be called once the
    /// clock is believed. Returns whether more may be left.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn redate_future(&self, now: Wall) -> Result<bool> {
        let mut more = false;
        for sql in [
            "UPDATE dead SET died = ?1 WHERE rowid IN
             (SELECT rowid FROM dead WHERE died > ?2 ORDER BY died DESC LIMIT ?3)",
            "UPDATE early_records SET at = ?1 WHERE path IN
             (SELECT path FROM early_records WHERE at > ?2 ORDER BY at DESC LIMIT ?3)",
            "UPDATE subscriptions SET removed_at = ?1 WHERE id IN
             (SELECT id FROM subscriptions WHERE removed_at > ?2 ORDER BY removed_at DESC LIMIT ?3)",
            "UPDATE marks SET time = ?1 WHERE id IN
             (SELECT id FROM marks WHERE time > ?2 ORDER BY id LIMIT ?3)",
        ] {
            let rows = self
                .connection
                .prepare_cached(sql)
                .and_then(|mut sql| sql.execute((now.0, now.0 + FUTURE_MS, PIECE_ROWS as i64)))
                .to("date what is from the future")?;
            more |= rows as u64 == PIECE_ROWS;
        }
        Ok(more)
    }

    /// The time that the ledger remembers: when it was last known to be right, and how much longer, in milliseconds of
    /// running time, the clock has to be steady before it is believed. `None` before the first.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn remembered_time(&self) -> Result<Option<(Wall, u64)>> {
        let read = |key: &str| -> Result<Option<i64>> {
            self.connection
                .prepare_cached("SELECT value FROM meta WHERE key = ?1")
                .and_then(|mut sql| sql.query_row([key], |row| row.get(0)).optional())
                .to("read the time that it remembers")
        };
        let wait = read("clock_wait_ms")?.unwrap_or(0).max(0) as u64;
        Ok(read("clock")?.map(|at| (Wall(at), wait)))
    }

    /// Remembers the time.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn remember_time(&self, now: Wall, wait_ms: u64) -> Result<()> {
        for (key, value) in [("clock", now.0), ("clock_wait_ms", wait_ms as i64)] {
            self.connection
                .prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")
                .and_then(|mut sql| sql.execute((key, value)))
                .to("remember the time")?;
        }
        Ok(())
    }

    /// What is dated from now on is dated no earlier than this: a clock that fell behind makes nothing look old.
    pub fn set_high_water(&self, time: Wall) {
        self.high_water.set(time);
    }

    /// How many rows that age were written since the last pass began.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written.get()
    }

    /// The newest numbers that had been given out before a point in time; 0 when that is not known.
    fn marked_before(&self, time: Option<Wall>) -> Result<(Seq, Rrn)> {
        let Some(time) = time else { return Ok((Seq(0), Rrn(0))) };
        self.connection
            .prepare_cached("SELECT coalesce(max(seq), 0), coalesce(max(rrn), 0) FROM marks WHERE time < ?1")
            .and_then(|mut sql| sql.query_row([time.0], |row| Ok((Seq(row.get(0)?), Rrn(row.get(1)?)))))
            .to("read what was recorded when")
    }

    /// The newest delivery that had been cut before a point in time; 0 when that is not known.
    fn deliveries_marked_before(&self, time: Option<Wall>) -> Result<DeliveryNo> {
        let Some(time) = time else { return Ok(DeliveryNo(0)) };
        self.connection
            .prepare_cached("SELECT coalesce(max(delivery), 0) FROM marks WHERE time < ?1")
            .and_then(|mut sql| sql.query_row([time.0], |row| row.get(0)))
            .to("read what was delivered when")
            .map(DeliveryNo)
    }

    /// Forgets marks from before all that is kept, but for the newest of them.
    fn forget_marks(&self, before: Wall) -> Result<()> {
        self.connection
            .prepare_cached("DELETE FROM marks WHERE id < (SELECT max(id) FROM marks WHERE time < ?1)")
            .and_then(|mut sql| sql.execute([before.0]))
            .to("forget old marks of the time")
            .map(drop)
    }

    fn forget_rows(&self, sql: &str, until: i64, most: u64) -> Result<u64> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut sql| sql.execute((until, most as i64)))
            .to("forget what is old")
            .map(|rows| rows as u64)
    }

    /// Forgets changes and events up to `last`; returns how many rows, of which at most a piece in each table.
    fn forget_journal(&self, last: Seq) -> Result<(u64, bool)> {
        const FORGET: &str = "forget old changes";
        let (mut count, mut more) = (0, false);
        for sql in [
            "DELETE FROM journal WHERE seq IN (SELECT seq FROM journal WHERE seq <= ?1 ORDER BY seq LIMIT ?2)",
            "DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE seq <= ?1 ORDER BY seq LIMIT ?2)",
        ] {
            let rows = self
                .connection
                .prepare_cached(sql)
                .and_then(|mut sql| sql.execute((last.0, PIECE_ROWS as i64)))
                .to(FORGET)?;
            count += rows as u64;
            more |= rows as u64 == PIECE_ROWS;
        }
        let rows = self.forget_rows(
            "DELETE FROM topic_entries WHERE (subscription, seq) IN
             (SELECT subscription, seq FROM topic_entries WHERE seq <= ?1 ORDER BY seq LIMIT ?2)",
            last.0,
            PIECE_ROWS,
        )?;
        more |= rows == PIECE_ROWS;
        if count > 0 {
            // Up to here; where a piece has an end, up to what is left.
            let left = "SELECT min(coalesce((SELECT min(seq) FROM journal), ?2 + 1),
                        coalesce((SELECT min(seq) FROM events), ?2 + 1), ?2 + 1) - 1";
            self.connection
                .prepare_cached(&format!("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ({left}))"))
                .and_then(|mut sql| sql.execute((FORGOTTEN, last.0)))
                .to(FORGET)?;
        }
        Ok((count, more))
    }

    /// Forgets deleted assets, each with its metadata.
    fn forget_gone(&self, pass: &mut Pass, piece: &mut Piece) -> Result<()> {
        const FORGET: &str = "forget gone assets";
        let mut sql =
            self.connection.prepare_cached("SELECT id, rrn FROM gone ORDER BY rrn, id LIMIT ?1").to(FORGET)?;
        let oldest: Vec<(i64, i64)> = sql
            .query_map([PIECE_ROWS as i64], |row| Ok((row.get(0)?, row.get(1)?)))
            .and_then(Iterator::collect)
            .to(FORGET)?;
        let mut by_number = 0;
        let mut count = 0;
        for (id, rrn) in oldest {
            let is_old = rrn <= pass.gone.0;
            if !is_old && pass.excess.gone == 0 {
                break;
            }
            for sql in [
                "DELETE FROM metadata WHERE asset = ?1",
                "DELETE FROM readings WHERE asset = ?1",
                "DELETE FROM gone WHERE id = ?1",
            ] {
                self.connection.prepare_cached(sql).and_then(|mut sql| sql.execute([id])).to(FORGET)?;
            }
            count += 1;
            by_number += u64::from(!is_old);
            pass.excess.gone = pass.excess.gone.saturating_sub(1);
        }
        piece.more |= count == PIECE_ROWS;
        piece.note(Bound::Gone, by_number);
        Ok(())
    }

    /// Forgets what is kept of accepted deliveries, in the order of their numbers. That there are more than are kept is
    /// no trouble: nothing depends on them.
    fn forget_accepted(&self, pass: &mut Pass, piece: &mut Piece) -> Result<()> {
        const FORGET: &str = "forget accepted deliveries";
        let mut sql = self
            .connection
            .prepare_cached("SELECT number, part FROM history ORDER BY number, part LIMIT ?1")
            .to(FORGET)?;
        let oldest: Vec<(i64, i64)> = sql
            .query_map([PIECE_ROWS as i64], |row| Ok((row.get(0)?, row.get(1)?)))
            .and_then(Iterator::collect)
            .to(FORGET)?;
        let mut count = 0;
        for (number, part) in oldest {
            if pass.excess.deliveries == 0 && number > pass.deliveries.0 {
                break;
            }
            // What was dropped has kept its attempts.
            for sql in [
                "DELETE FROM history WHERE number = ?1 AND part = ?2",
                "DELETE FROM attempts WHERE delivery = ?1 AND part = ?2",
            ] {
                self.connection.prepare_cached(sql).and_then(|mut sql| sql.execute((number, part))).to(FORGET)?;
            }
            count += 1;
            pass.excess.deliveries = pass.excess.deliveries.saturating_sub(1);
        }
        piece.more |= count == PIECE_ROWS;
        Ok(())
    }

    /// Forgets dead letters, each with its attempts.
    fn forget_dead(&self, retention: &Retention, pass: &Pass, piece: &mut Piece) -> Result<()> {
        const FORGET: &str = "forget dead letters";
        let (amount, bytes) = self.dispatch().dead_totals()?;
        let mut rows_over = amount.saturating_sub(retention.dead_rows);
        let mut bytes_over = bytes.saturating_sub(retention.dead_bytes);
        let mut sql = self
            .connection
            .prepare_cached(
                "SELECT rowid, died, length(body), number, part FROM dead ORDER BY died, number, part LIMIT ?1",
            )
            .to(FORGET)?;
        let oldest: Vec<(i64, i64, i64, i64, i64)> = sql
            .query_map([PIECE_ROWS as i64], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
            .and_then(Iterator::collect)
            .to(FORGET)?;
        let is_whole_piece = oldest.len() as u64 == PIECE_ROWS;
        let (mut rows, mut freed) = (0, 0);
        for (row, died, length, number, part) in oldest {
            let is_old = pass.dead.is_some_and(|until| died < until.0);
            if !is_old && rows_over == 0 && bytes_over == 0 {
                return Ok(());
            }
            if rows >= PIECE_ROWS || freed >= PIECE_BYTES {
                piece.more = true;
                return Ok(());
            }
            rows += self
                .connection
                .prepare_cached("DELETE FROM attempts WHERE delivery = ?1 AND part = ?2")
                .and_then(|mut sql| sql.execute((number, part)))
                .to(FORGET)? as u64;
            rows += self
                .connection
                .prepare_cached("DELETE FROM dead WHERE rowid = ?1")
                .and_then(|mut sql| sql.execute([row]))
                .to(FORGET)? as u64;
            freed += length as u64;
            if !is_old {
                match rows_over {
                    0 => piece.note(Bound::DeadBytes, length as u64),
                    _ => piece.note(Bound::Dead, 1),
                }
            }
            (rows_over, bytes_over) = (rows_over.saturating_sub(1), bytes_over.saturating_sub(length as u64));
        }
        piece.more |= is_whole_piece;
        Ok(())
    }
}

impl SharedTables {
    pub(super) fn note_written(&self) {
        self.written.set(self.written.get() + 1);
    }

    pub(super) fn not_before_mark(&self, time: Wall) -> Wall {
        time.max(self.high_water.get())
    }
}

impl Piece {
    fn note(&mut self, bound: Bound, amount: u64) {
        match self.by_number.iter_mut().find(|(noted, _)| *noted == bound) {
            _ if amount == 0 => {}
            Some((_, before)) => *before += amount,
            None => self.by_number.push((bound, amount)),
        }
    }
}
