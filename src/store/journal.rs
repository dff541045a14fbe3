//! The journal: changes in the order in which they were recorded.

use std::sync::Arc;

use super::error::{Cause, Operation as _};
use super::{Ledger, Result, codec};
use crate::model::change::{Action, Change};
use crate::model::entry::Entry;
use crate::model::event::Occurrence;
use crate::model::ids::{AssetId, Rrn, Seq};
use crate::model::measures::Journaled;
use crate::model::path::LogicalPath;
use crate::model::time::Wall;

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
            .to("append to the journal")?;
        let mut rows = Journaled::default();
        if let Some(count) = Action::ALL.iter().zip(&mut rows.changes).find(|(known, _)| *known == action) {
            *count.1 = 1;
        }
        self.count_journaled(&rows);
        Ok(())
    }

    /// Appends an event of ringback's own, about no asset. It may be shown as soon as the group is committed, so the
    /// commit waits for the disk.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn tell(&self, time: Wall, name: &str, tenant: Option<String>, fields: Vec<(String, String)>) -> Result<()> {
        let (seq, rrn) = (self.next_seq()?, self.rrn()?);
        self.promise();
        self.append_event(&Occurrence { seq, rrn, time, name: name.to_owned(), tenant, asset: None, fields })
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
            .to("append an event to the journal")?;
        self.count_journaled(&Journaled { events: 1, ..Journaled::default() });
        Ok(())
    }

    /// Each event, oldest first, as its name and its fields.
    #[cfg(test)]
    pub(crate) fn event_texts(&self) -> Vec<String> {
        self.connection
            .prepare("SELECT name || ' ' || coalesce(fields, '{}') FROM events ORDER BY seq")
            .and_then(|mut sql| sql.query_map([], |row| row.get(0))?.collect())
            .expect("events")
    }

    /// The changes of some places in the journal, rising; those that it has no more are left out.
    ///
    /// # Errors
    /// When the ledger refuses, or a row is damaged.
    pub fn entries(&self, seqs: &[Seq]) -> Result<Vec<Arc<Entry>>> {
        let (Some(first), Some(last)) = (seqs.first(), seqs.last()) else { return Ok(Vec::new()) };
        let mut found = Vec::with_capacity(seqs.len());
        // Places that lie close together are read in one go.
        if last.0 - first.0 < SPARSE * seqs.len() as i64 {
            let mut wanted = seqs.iter().peekable();
            self.each_entry(*first, *last, |seq, row| {
                while wanted.next_if(|next| **next < seq).is_some() {}
                if wanted.next_if(|next| **next == seq).is_some() {
                    found.push(Arc::new(entry_row(row)?));
                }
                Ok(())
            })?;
        } else {
            for seq in seqs {
                self.each_entry(*seq, *seq, |_, row| {
                    found.push(Arc::new(entry_row(row)?));
                    Ok(())
                })?;
            }
        }
        Ok(found)
    }

    fn each_entry(
        &self,
        first: Seq,
        last: Seq,
        mut each: impl FnMut(Seq, &rusqlite::Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut sql = self
            .connection
            .prepare_cached(&format!("SELECT {CHANGE} FROM journal WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq"))
            .to(READ)?;
        let mut rows = sql.query((first.0, last.0)).to(READ)?;
        while let Some(row) = rows.next().to(READ)? {
            let seq = row.get(0).to(READ)?;
            each(Seq(seq), row).map_err(|error| error.in_row("journal", seq))?;
        }
        Ok(())
    }
}

const READ: &str = "read changes";

/// The columns of a change, for [`entry_row`].
pub(super) const CHANGE: &str =
    "seq, rrn, asset, action, path, owner, delta, time, size, mtime_ns, previous_path, moved";

/// Places that are wanted of the journal are read one by one where there are more others between them than this, for
/// each one that is wanted.
const SPARSE: i64 = 4;

/// An entry from the columns [`CHANGE`].
pub(super) fn entry_row(row: &rusqlite::Row<'_>) -> Result<Entry> {
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

/// A JSON object whose keys stay in their order.
struct InOrder<'a>(&'a [(String, String)]);

impl serde::Serialize for InOrder<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}
