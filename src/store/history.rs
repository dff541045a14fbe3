//! Deliveries that were accepted: when, after how many attempts, with which entries. Never read to decide anything.

use super::error::Operation as _;
use super::{Ledger, Result, seqs};
use crate::model::delivery::Accepted;
use crate::model::ids::Seq;

impl Ledger {
    /// Notes a delivery that was accepted.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn add_accepted(&self, accepted: &Accepted) -> Result<()> {
        let Accepted { key, subscription, entries, seqs: told, created, at, attempts, status, duration_ms } = accepted;
        let first = told.first().copied().unwrap_or(Seq(0));
        self.note_written();
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO history (number, part, subscription, entries, first, last, seqs, created, ended, \
                 attempts, status, duration_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
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
                ))
            })
            .to("note an accepted delivery")
            .map(drop)
    }
}
