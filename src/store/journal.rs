//! The journal: changes in the order in which they were recorded.

use super::error::Operation as _;
use super::{Ledger, Result, codec};
use crate::model::change::Change;

impl Ledger {
    /// Appends a change.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn append(&self, change: &Change) -> Result<()> {
        let Change { seq, rrn, time, asset, path, owner, action, delta } = change;
        let delta = if delta.is_empty() { None } else { Some(codec::to_json(delta)?) };
        self.connection
            .prepare_cached(
                "INSERT INTO journal (seq, rrn, time, asset, action, path, owner, delta)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )
            .and_then(|mut sql| {
                sql.execute((seq.0, rrn.0, time.0, asset.0, action.code(), path.as_bytes(), owner, delta))
            })
            .to("append to the journal")
            .map(drop)
    }
}
