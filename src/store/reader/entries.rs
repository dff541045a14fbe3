//! Entries of the journal as they are told: changes, and events with the changes that they are about.

use std::sync::Arc;

use super::super::Result;
use super::super::error::Operation as _;
use super::super::journal::JournalRows;
use super::Reader;
use crate::model::entry::Entry;
use crate::model::ids::Seq;

const READ: &str = "read the newest entries";

impl Reader {
    /// The entry at a place; `None`: it is forgotten, or there never was one.
    ///
    /// # Errors
    /// When the ledger refuses, or the row is damaged.
    pub fn entry(&self, seq: Seq) -> Result<Option<Arc<Entry>>> {
        self.ask(|connection| Ok(JournalRows(connection).entries(&[seq])?.pop()))
    }

    /// The newest entries before a place, at most `max`, the newest first.
    ///
    /// # Errors
    /// When the ledger refuses, or a row is damaged.
    pub fn newest_entries(&self, before: Seq, max: usize) -> Result<Vec<Arc<Entry>>> {
        self.ask(|connection| {
            let mut seqs: Vec<i64> = Vec::new();
            for table in ["journal", "events"] {
                let mut sql = connection
                    .prepare_cached(&format!("SELECT seq FROM {table} WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2"))
                    .to(READ)?;
                let rows = sql.query_map([before.0, max as i64], |row| row.get(0)).to(READ)?;
                seqs.extend(rows.collect::<rusqlite::Result<Vec<i64>>>().to(READ)?);
            }
            seqs.sort_unstable();
            let newest: Vec<_> = seqs[seqs.len().saturating_sub(max)..].iter().map(|seq| Seq(*seq)).collect();
            let mut entries = JournalRows(connection).entries(&newest)?;
            entries.reverse();
            Ok(entries)
        })
    }
}
