//! The journal from its end, for what is asked of the newest changes.

use super::super::Result;
use super::super::error::Operation as _;
use super::super::journal::{CHANGE, change_row};
use super::Reader;
use crate::model::change::Change;
use crate::model::ids::Seq;

const READ: &str = "read the newest changes";

impl Reader {
    /// Changes before a place, the newest first, at most `limit`. A row that cannot be read is left out.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn changes_before(&self, before: Seq, limit: usize) -> Result<(Vec<Change>, Option<Seq>)> {
        self.ask(|connection| {
            let mut sql = connection.prepare_cached(&before_a_place()).to(READ)?;
            let mut rows = sql.query((before.0, limit as i64)).to(READ)?;
            let (mut changes, mut read, mut last) = (Vec::new(), 0, None);
            while let Some(row) = rows.next().to(READ)? {
                let seq: i64 = row.get(0).to(READ)?;
                read += 1;
                last = Some(Seq(seq));
                match change_row(row) {
                    Ok(change) => changes.push(change),
                    Err(error) => tracing::error!(%error, seq, "a change of the journal cannot be read"),
                }
            }
            Ok((changes, last.filter(|_| read == limit)))
        })
    }
}

/// The question.
pub(super) fn before_a_place() -> String {
    format!("SELECT {CHANGE} FROM journal WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2")
}
