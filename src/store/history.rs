//! Deliveries that have ended: when, after how many attempts, with which entries. Never read to decide anything, but
//! for what a replay tells again.

use super::error::Operation as _;
use super::{DispatchTables, DroppedBy, Finished, Result, seqs};
use crate::model::delivery::Accepted;
use crate::model::ids::{Seq, SubscriptionId};
use crate::model::part::DeliveryKey;
use crate::model::time::Wall;

/// A row: an accepted delivery, or one that somebody dropped.
struct Ended<'a> {
    key: DeliveryKey,
    subscription: SubscriptionId,
    entries: usize,
    /// In the order of the journal; empty where it is not known what was told.
    seqs: &'a [Seq],
    created: Wall,
    at: Wall,
    attempts: u32,
    status: Option<u16>,
    duration_ms: u64,
    dropped: Option<&'a DroppedBy<'a>>,
}

impl DispatchTables<'_> {
    /// Notes a delivery that was accepted.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn add_accepted(&self, accepted: &Accepted) -> Result<()> {
        let Accepted { key, subscription, entries, ref seqs, created, at, attempts, status, duration_ms } = *accepted;
        let dropped = None;
        self.add_ended(&Ended { key, subscription, entries, seqs, created, at, attempts, status, duration_ms, dropped })
    }

    /// Notes a delivery that somebody dropped.
    pub(super) fn add_dropped(
        &self,
        subscription: SubscriptionId,
        key: DeliveryKey,
        finished: &Finished,
        dropped: &DroppedBy<'_>,
    ) -> Result<()> {
        let attempts = self
            .connection
            .prepare_cached("SELECT coalesce(max(number), 0) FROM attempts WHERE delivery = ?1 AND part = ?2")
            .and_then(|mut sql| sql.query_row((key.number.0, key.part.code()), |row| row.get(0)))
            .to("count a delivery's attempts")?;
        self.add_ended(&Ended {
            key,
            subscription,
            entries: finished.entries,
            seqs: &finished.seqs(),
            created: finished.created,
            at: dropped.at,
            attempts,
            status: None,
            duration_ms: 0,
            dropped: Some(dropped),
        })
    }

    fn add_ended(&self, ended: &Ended<'_>) -> Result<()> {
        let Ended { key, subscription, entries, seqs: told, created, at, attempts, status, duration_ms, dropped } =
            ended;
        let first = told.first().copied().unwrap_or(Seq(0));
        self.note_written();
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO history (number, part, subscription, entries, first, last, seqs, created, ended, \
                 attempts, status, duration_ms, dropped_by, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, \
                 ?12, ?13, ?14)",
            )
            .and_then(|mut sql| {
                sql.execute((
                    key.number.0,
                    key.part.code(),
                    subscription.0,
                    *entries as i64,
                    first.0,
                    // Where it is not known what was told, the run is empty.
                    told.last().map_or(first.0 - 1, |last| last.0),
                    seqs::encode(told),
                    created.0,
                    self.not_before_mark(*at).0,
                    attempts,
                    status,
                    *duration_ms as i64,
                    dropped.map(|dropped| dropped.by),
                    dropped.and_then(|dropped| dropped.reason),
                ))
            })
            .to("note a delivery that has ended")
            .map(drop)
    }
}
