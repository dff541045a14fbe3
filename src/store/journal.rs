//! The journal: changes in the order in which they were recorded.

use super::error::Operation as _;
use super::{Ledger, Result, codec};
use crate::model::change::Change;
use crate::model::event::Occurrence;
use crate::model::path::LogicalPath;

impl Ledger {
    /// Appends a change.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn append(&self, change: &Change) -> Result<()> {
        let Change { seq, rrn, time, asset, path, owner, action, delta, size, mtime_ns, previous_path, moved } = change;
        self.note_written();
        let delta = if delta.is_empty() { None } else { Some(codec::to_json(delta)?) };
        self.connection
            .prepare_cached(
                "INSERT INTO journal
                 (seq, rrn, time, asset, action, path, owner, delta, size, mtime_ns, previous_path, moved)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )
            .and_then(|mut sql| {
                sql.execute((
                    seq.0,
                    rrn.0,
                    time.0,
                    asset.0,
                    action.code(),
                    path.as_bytes(),
                    owner,
                    delta,
                    size.map(|size| size as i64),
                    mtime_ns,
                    previous_path.as_ref().map(LogicalPath::as_bytes),
                    moved.map(|seq| seq.0),
                ))
            })
            .to("append to the journal")
            .map(drop)
    }

    /// Appends an occurrence of an event.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn append_event(&self, occurrence: &Occurrence) -> Result<()> {
        let Occurrence { seq, rrn, time, name, tenant, asset, fields } = occurrence;
        self.note_written();
        let fields = if fields.is_empty() { None } else { Some(codec::to_json(&InOrder(fields))?) };
        self.connection
            .prepare_cached(
                "INSERT INTO events (seq, rrn, time, name, tenant, asset, fields) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )
            .and_then(|mut sql| sql.execute((seq.0, rrn.0, time.0, name, tenant, asset.map(|asset| asset.0), fields)))
            .to("append an event to the journal")
            .map(drop)
    }
}

/// A JSON object whose keys stay in their order.
struct InOrder<'a>(&'a [(String, String)]);

impl serde::Serialize for InOrder<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}
