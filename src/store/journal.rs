//! The journal: changes in the order in which they were recorded.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _};

use super::error::{Cause, Operation as _};
use super::{DispatchTables, IntakeTables, Result, SharedTables, codec};
use crate::model::change::{Action, Change};
use crate::model::entry::Entry;
use crate::model::event::{EventFields, Occurrence, Origin};
use crate::model::ids::{AssetId, Rrn, Seq};
use crate::model::measures::Journaled;
use crate::model::path::LogicalPath;
use crate::model::tenant::Tenant;
use crate::model::time::Wall;

impl IntakeTables<'_> {
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
}

impl SharedTables {
    /// Appends an event of ringback's own, about no asset. It may be shown as soon as the group is committed, so the
    /// commit waits for the disk.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn tell(&self, time: Wall, name: &str, tenant: Option<Tenant>, fields: EventFields) -> Result<()> {
        self.promise();
        let (seq, rrn) = (self.next_seq()?, self.rrn()?);
        let (name, origin) = (name.to_owned(), Origin::Ringback);
        self.append_event(&Occurrence {
            seq,
            rrn,
            time,
            name,
            tenant,
            change: None,
            origin,
            display_name: None,
            fields,
        })
    }

    /// Appends an occurrence of an event. One that is about no asset is kept for dispatch to
    /// [take](DispatchTables::take_told); whoever records a change knows who is owed an event of it.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn append_event(&self, occurrence: &Occurrence) -> Result<()> {
        let Occurrence { seq, rrn, time, name, tenant, change, origin, display_name, fields } = occurrence;
        self.note_written();
        let fields = (!fields.is_empty()).then(|| fields.as_json());
        let tenant = tenant.as_ref().map(Tenant::as_str);
        let (asset, of) = (change.as_ref().map(|change| change.asset.0), change.as_ref().map(|change| change.seq.0));
        let is_reported = *origin == Origin::Store;
        self.connection
            .prepare_cached(
                "INSERT INTO events (seq, rrn, time, name, tenant, asset, fields, change, reported, display_name)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )
            .and_then(|mut sql| {
                sql.execute((seq.0, rrn.0, time.0, name, tenant, asset, fields, of, is_reported, display_name))
            })
            .to("append an event to the journal")?;
        self.count_journaled(&Journaled { events: 1, ..Journaled::default() });
        if occurrence.change.is_none() {
            self.told.borrow_mut().push(occurrence.clone());
        }
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

    /// When a change or event was recorded; the epoch where the journal has it no more.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn recorded_at(&self, seq: Seq) -> Result<Wall> {
        self.connection
            .prepare_cached(
                "SELECT CAST(coalesce((SELECT time FROM journal WHERE seq = ?1),
                 (SELECT time FROM events WHERE seq = ?1), 0) AS INTEGER)",
            )
            .and_then(|mut sql| sql.query_row([seq.0], |row| row.get(0)))
            .to("read when a change was recorded")
            .map(Wall)
    }

    /// The transaction of a place in the journal; where that is forgotten, of the newest before it that is kept.
    pub(super) fn rrn_at(&self, seq: Seq) -> Result<Rrn> {
        self.connection
            .prepare_cached("SELECT coalesce((SELECT rrn FROM journal WHERE seq <= ?1 ORDER BY seq DESC LIMIT 1), 0)")
            .and_then(|mut sql| sql.query_row([seq.0], |row| row.get(0)))
            .to("read a change's transaction")
            .map(Rrn)
    }

    /// The change that the event at a place in the journal is; `None` where there is no such event.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn change_of(&self, seq: Seq) -> Result<Option<Seq>> {
        self.connection
            .prepare_cached("SELECT change FROM events WHERE seq = ?1")
            .and_then(|mut sql| sql.query_row([seq.0], |row| row.get::<_, Option<i64>>(0)).optional())
            .to(READ)
            .map(|change| change.flatten().map(Seq))
    }

    /// The entries of some places in the journal, rising; those that it has no more are left out, and so is an event
    /// whose change it has no more.
    ///
    /// # Errors
    /// When the ledger refuses, or a row is damaged.
    pub fn entries(&self, seqs: &[Seq]) -> Result<Vec<Arc<Entry>>> {
        JournalRows(&self.connection).entries(seqs)
    }
}

/// The rows of the journal, by whichever connection.
pub(super) struct JournalRows<'c>(pub &'c Connection);

impl JournalRows<'_> {
    /// See [`SharedTables::entries`].
    pub(super) fn entries(&self, seqs: &[Seq]) -> Result<Vec<Arc<Entry>>> {
        let (Some(first), Some(last)) = (seqs.first(), seqs.last()) else { return Ok(Vec::new()) };
        let mut found = Vec::with_capacity(seqs.len());
        // Places that lie close together are read in one go.
        if last.0 - first.0 < SPARSE * seqs.len() as i64 {
            let is_wanted = |seq| seqs.binary_search(&seq).is_ok();
            self.read_changes((*first, *last), is_wanted, &mut found)?;
            if found.len() < seqs.len() {
                self.read_events((*first, *last), is_wanted, &mut found)?;
                found.sort_unstable_by_key(|entry| entry.seq());
            }
        } else {
            for seq in seqs {
                let before = found.len();
                self.read_changes((*seq, *seq), |_| true, &mut found)?;
                if found.len() == before {
                    self.read_events((*seq, *seq), |_| true, &mut found)?;
                }
            }
        }
        Ok(found)
    }

    /// Reads changes from one place to another.
    fn read_changes(
        &self,
        span: (Seq, Seq),
        is_wanted: impl Fn(Seq) -> bool,
        found: &mut Vec<Arc<Entry>>,
    ) -> Result<()> {
        let sql = format!("SELECT {CHANGE} FROM journal WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq");
        self.each_row(&sql, "journal", span, |seq, row| {
            if is_wanted(seq) {
                found.push(Arc::new(Entry::Change(change_row(row)?)));
            }
            Ok(())
        })
    }

    /// Reads events from one place to another; of those about an asset, the ones whose change is there.
    fn read_events(
        &self,
        span: (Seq, Seq),
        is_wanted: impl Fn(Seq) -> bool,
        found: &mut Vec<Arc<Entry>>,
    ) -> Result<()> {
        let sql = "SELECT seq, rrn, time, name, tenant, fields, change, reported, display_name FROM events
             WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq";
        self.each_row(sql, "events", span, |seq, row| {
            if is_wanted(seq)
                && let Some(event) = self.event_row(row)?
            {
                found.push(Arc::new(Entry::Event(event)));
            }
            Ok(())
        })
    }

    fn each_row(
        &self,
        sql: &str,
        table: &'static str,
        (first, last): (Seq, Seq),
        mut each: impl FnMut(Seq, &rusqlite::Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut sql = self.0.prepare_cached(sql).to(READ)?;
        let mut rows = sql.query((first.0, last.0)).to(READ)?;
        while let Some(row) = rows.next().to(READ)? {
            let seq = row.get(0).to(READ)?;
            each(Seq(seq), row).map_err(|error| error.in_row(table, seq))?;
        }
        Ok(())
    }

    /// An occurrence from the columns of [`Self::read_events`]; `None` where its change is gone.
    fn event_row(&self, row: &rusqlite::Row<'_>) -> Result<Option<Occurrence>> {
        let change = match row.get::<_, Option<i64>>(6).to(READ)? {
            None => None,
            Some(seq) => {
                let mut found = Vec::new();
                self.read_changes((Seq(seq), Seq(seq)), |_| true, &mut found)?;
                let Some(change) = found.pop().and_then(|entry| entry.about().cloned()) else { return Ok(None) };
                Some(Box::new(change))
            }
        };
        let tenant: Option<String> = row.get(4).to(READ)?;
        let fields = match row.get::<_, Option<String>>(5).to(READ)? {
            None => EventFields::default(),
            Some(json) => {
                codec::json::<serde::de::IgnoredAny>(&json)?;
                EventFields::of_object(json)
            }
        };
        let is_reported: bool = row.get(7).to(READ)?;
        Ok(Some(Occurrence {
            seq: Seq(row.get(0).to(READ)?),
            rrn: Rrn(row.get(1).to(READ)?),
            time: Wall(row.get(2).to(READ)?),
            name: row.get(3).to(READ)?,
            tenant: tenant.and_then(|name| Tenant::parse(&name).ok()),
            change,
            origin: if is_reported { Origin::Store } else { Origin::Ringback },
            display_name: row.get(8).to(READ)?,
            fields,
        }))
    }
}

impl DispatchTables<'_> {
    /// The events about no asset that the open group has appended since the last call, in order.
    #[must_use]
    pub fn take_told(&self) -> Vec<Occurrence> {
        self.told.take()
    }

    /// Whether there is something for [`Self::take_told`].
    #[must_use]
    pub fn was_told(&self) -> bool {
        !self.told.borrow().is_empty()
    }
}

const READ: &str = "read changes";

/// The columns of a change, for [`change_row`].
pub(super) const CHANGE: &str =
    "seq, rrn, asset, action, path, owner, delta, time, size, mtime_ns, previous_path, moved";

/// Places that are wanted of the journal are read one by one where there are more others between them than this, for
/// each one that is wanted.
const SPARSE: i64 = 4;

/// A change from the columns [`CHANGE`].
pub(super) fn change_row(row: &rusqlite::Row<'_>) -> Result<Change> {
    let code: i64 = row.get(3).to(READ)?;
    let action = Action::from_code(code).ok_or_else(|| Cause::Damaged(format!("action {code}"))).to(READ)?;
    let path = row.get_ref(4).and_then(|bytes| Ok(bytes.as_blob()?)).to(READ)?;
    let delta: Option<String> = row.get(6).to(READ)?;
    let previous_path = row.get_ref(10).and_then(|bytes| Ok(bytes.as_blob_or_null()?)).to(READ)?;
    Ok(Change {
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
