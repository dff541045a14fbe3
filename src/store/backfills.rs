//! Backfills: how far each has come, and the walk through the catalog by which it finds what changed.

use rusqlite::Row;

use super::error::Operation as _;
use super::{DirId, DispatchTables, IntakeTables, Result};
use crate::model::asset::Asset;
use crate::model::ids::{AssetId, Rrn, Seq, SubscriptionId, TaskNo};
use crate::model::time::Wall;

/// A backfill that goes on: a subscription that lost entries is told how the assets stand that changed since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backfill {
    /// Its task.
    pub task: TaskNo,
    /// Whose.
    pub subscription: SubscriptionId,
    /// It tells assets that changed in this transaction or in a later one.
    pub rrn: Rrn,
    /// More was lost meanwhile: another walk follows, which tells assets that changed in this transaction or later.
    pub again: Option<Rrn>,
    /// How far this walk is.
    pub place: Place,
    /// Entries that were told.
    pub done: u64,
}

/// How far a walk through the catalog is. Gone assets come first, in the order of their transactions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Past this gone asset.
    Gone(Rrn, AssetId),
    /// Past this name in this directory.
    Present(DirId, Vec<u8>),
}

/// A piece of a walk.
#[derive(Debug)]
pub struct Walked<T> {
    /// What was found, each with the place behind it.
    pub found: Vec<(T, Place)>,
    /// The place behind all that was read; `None` at the end of the catalog.
    pub next: Option<Place>,
}

/// An asset that changed.
#[derive(Debug)]
pub struct Stands {
    /// As it was last known.
    pub asset: Asset,
    /// It was deleted.
    pub is_gone: bool,
}

impl Place {
    /// Before the first asset that changed in a transaction or later.
    #[must_use]
    pub fn before(rrn: Rrn) -> Self {
        // No asset has this number.
        Self::Gone(rrn, AssetId(0))
    }
}

impl Backfill {
    /// The next walk, once this one is through.
    #[must_use]
    pub fn next_walk(&self) -> Option<Self> {
        let rrn = self.again?;
        Some(Self { rrn, again: None, place: Place::before(rrn), ..self.clone() })
    }

    /// More was lost, the first of it in a transaction.
    fn with_loss(&self, rrn: Rrn) -> Self {
        if self.place == Place::before(self.rrn) {
            let rrn = rrn.min(self.rrn);
            return Self { rrn, place: Place::before(rrn), ..self.clone() };
        }
        Self { again: Some(self.again.map_or(rrn, |again| again.min(rrn))), ..self.clone() }
    }
}

impl DispatchTables<'_> {
    /// Notes that a subscription lost entries, the first of them at a place in the journal: its backfill covers that
    /// too, or one begins.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn backfill_from(
        &self,
        subscription: SubscriptionId,
        first: Seq,
        under_way: Option<&Backfill>,
        at: Wall,
    ) -> Result<Backfill> {
        let rrn = self.rrn_at(first)?;
        let backfill = match under_way {
            Some(backfill) => backfill.with_loss(rrn),
            None => return self.begin_backfill(subscription, rrn, "ringback", at).map(|(backfill, _)| backfill),
        };
        self.note_backfilled(&backfill)?;
        Ok(backfill)
    }

    /// Notes a backfill that begins, of what changed in a transaction or later. Returns it, and its UUID.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn begin_backfill(
        &self,
        subscription: SubscriptionId,
        rrn: Rrn,
        by: &str,
        at: Wall,
    ) -> Result<(Backfill, String)> {
        let (task, uuid) = self.begin_task("backfill", Some(subscription), None, by, at)?;
        let backfill = Backfill { task, subscription, rrn, again: None, place: Place::before(rrn), done: 0 };
        self.note_backfilled(&backfill)?;
        Ok((backfill, uuid))
    }

    /// Notes how far a backfill has come.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn note_backfilled(&self, backfill: &Backfill) -> Result<()> {
        let Backfill { task, rrn, again, place, done, .. } = backfill;
        let (gone, present) = match place {
            Place::Gone(rrn, asset) => (Some((rrn, asset)), None),
            Place::Present(dir, name) => (None, Some((dir, name))),
        };
        self.connection
            .prepare_cached(
                "UPDATE tasks SET rrn = ?2, again = ?3, after_rrn = ?4, after_asset = ?5, after_dir = ?6,
                 after_name = ?7, done = ?8 WHERE number = ?1",
            )
            .and_then(|mut sql| {
                sql.execute((
                    task.0,
                    rrn.0,
                    again.map(|again| again.0),
                    gone.map(|(rrn, _)| rrn.0),
                    gone.map(|(_, asset)| asset.0),
                    present.map(|(dir, _)| dir.0),
                    present.map(|(_, name)| name),
                    done.cast_signed(),
                ))
            })
            .to("note how far a task has come")
            .map(drop)
    }

    /// Backfills that go on, the oldest first.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn running_backfills(&self) -> Result<Vec<Backfill>> {
        let read = |row: &Row<'_>| {
            let rrn = Rrn(row.get(2)?);
            let (dir, after): (Option<i64>, Option<i64>) = (row.get(6)?, row.get(4)?);
            let place = match (dir, after) {
                (Some(dir), _) => Place::Present(DirId(dir), row.get(7)?),
                (None, Some(after)) => Place::Gone(Rrn(after), AssetId(row.get(5)?)),
                (None, None) => Place::before(rrn),
            };
            Ok(Backfill {
                task: TaskNo(row.get(0)?),
                subscription: SubscriptionId(row.get(1)?),
                rrn,
                again: row.get::<_, Option<i64>>(3)?.map(Rrn),
                place,
                done: row.get::<_, i64>(8)?.max(0).cast_unsigned(),
            })
        };
        self.connection
            .prepare_cached(
                "SELECT number, subscription, rrn, again, after_rrn, after_asset, after_dir, after_name, done FROM tasks
                 WHERE state = 'running' AND task = 'backfill' ORDER BY number",
            )
            .and_then(|mut sql| sql.query_map([], read)?.collect())
            .to("read tasks")
    }
}

impl IntakeTables<'_> {
    /// Goes on with a backfill's walk: reads at most so many rows, and finds among them at most so many assets.
    ///
    /// # Errors
    /// When the ledger refuses, or a row is damaged.
    pub fn walk(&self, backfill: &Backfill, rows: usize, assets: usize) -> Result<Walked<Stands>> {
        match &backfill.place {
            Place::Gone(rrn, asset) => {
                let found = self.gone_after(*rrn, *asset, assets)?;
                let place = |asset: &Asset| Place::Gone(asset.rrn, asset.id);
                // The directories' numbers begin at 1.
                let next = if found.len() < assets { Some(Place::Present(DirId(0), Vec::new())) } else { None };
                let next = next.or_else(|| found.last().map(place));
                let found = found.into_iter().map(|asset| (place(&asset), Stands { asset, is_gone: true }));
                Ok(Walked { found: found.map(|(place, stands)| (stands, place)).collect(), next })
            }
            Place::Present(dir, name) => self.walk_present(backfill.rrn, *dir, name, rows, assets),
        }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::{Backfill, Place};
    use crate::model::asset::{Asset, ContentRead, Identity, Stat};
    use crate::model::ids::{AssetId, Rrn, Seq, SubscriptionId};
    use crate::model::path::LogicalPath;
    use crate::model::time::Wall;
    use crate::store::Ledger;

    fn put(ledger: &Ledger, id: i64, rrn: i64) -> Asset {
        let path = LogicalPath::parse(format!("/m/{}/{id}", id % 3).as_bytes()).expect("a path");
        let identity = Identity { volume: 1, inode: id as u64, birth_ns: 1 };
        let stat = Stat { identity, size: 1, mtime_ns: 1, ctime_ns: 1, links: 1 };
        let mount = LogicalPath::parse(b"/m").expect("a path");
        let dir = ledger.intake().dir_or_new(&mount, &path.parent().expect("a parent")).expect("a row");
        let asset = Asset {
            id: AssetId(id),
            path,
            stat,
            racy: false,
            owner: "jo".into(),
            rrn: Rrn(rrn),
            content: ContentRead::Yes,
        };
        ledger.intake().put_asset(dir, &asset).expect("a row");
        asset
    }

    /// All that a walk finds, in pieces of so many rows and assets, and as if the process had ended after each.
    fn walked(ledger: &Ledger, rows: usize, assets: usize) -> Vec<(i64, bool)> {
        let mut found = Vec::new();
        loop {
            let [backfill] = &ledger.dispatch().running_backfills().expect("tasks")[..] else { panic!("one") };
            let piece = ledger.intake().walk(backfill, rows, assets).expect("a piece");
            assert!(piece.found.len() <= assets);
            assert!(piece.found.iter().all(|(stands, _)| stands.asset.rrn >= backfill.rrn));
            found.extend(piece.found.iter().map(|(stands, _)| (stands.asset.id.0, stands.is_gone)));
            let Some(place) = piece.next else { return found };
            ledger.dispatch().note_backfilled(&Backfill { place, ..backfill.clone() }).expect("a note");
        }
    }

    #[test]
    fn a_walk_finds_each_asset_that_changed_once_in_pieces_of_any_size() {
        for (rows, assets) in [(1, 1), (2, 5), (3, 2), (7, 7), (100, 1), (100, 100)] {
            let ledger = Ledger::in_memory(Connection::open_in_memory().expect("SQLite"), 1).expect("a ledger");
            ledger.begin().expect("a group");
            for id in 1..=20 {
                let asset = put(&ledger, id, id);
                if id % 4 == 0 {
                    ledger.intake().bury_asset(&asset, Rrn(id), Seq(1), Wall(0)).expect("a row");
                }
            }
            // The journal is empty: the walk begins at the beginning.
            let mut backfill =
                ledger.dispatch().backfill_from(SubscriptionId(1), Seq(9), None, Wall(0)).expect("a task");
            assert_eq!(backfill.rrn, Rrn(0));
            (backfill.rrn, backfill.place) = (Rrn(8), Place::before(Rrn(8)));
            ledger.dispatch().note_backfilled(&backfill).expect("a note");
            let mut found = walked(&ledger, rows, assets);
            found.sort_unstable();
            assert_eq!(found, (8..=20).map(|id| (id, id % 4 == 0)).collect::<Vec<_>>(), "{rows} {assets}");
        }
    }

    #[test]
    fn more_that_is_lost_is_covered_by_this_walk_or_by_another_one() {
        let ledger = Ledger::in_memory(Connection::open_in_memory().expect("SQLite"), 1).expect("a ledger");
        ledger.begin().expect("a group");
        let begun = ledger.dispatch().backfill_from(SubscriptionId(1), Seq(9), None, Wall(0)).expect("a task");
        let fresh = Backfill { rrn: Rrn(5), place: Place::before(Rrn(5)), ..begun };
        assert_eq!(fresh.with_loss(Rrn(7)), fresh, "it has not begun: it covers that too");
        let earlier = fresh.with_loss(Rrn(3));
        assert_eq!((earlier.rrn, &earlier.place), (Rrn(3), &Place::before(Rrn(3))));
        assert_eq!(earlier.next_walk(), None);
        let amid = Backfill { place: Place::Gone(Rrn(5), AssetId(1)), ..fresh };
        let more = amid.with_loss(Rrn(9)).with_loss(Rrn(8)).with_loss(Rrn(10));
        assert_eq!((more.rrn, &more.place, more.again), (Rrn(5), &amid.place, Some(Rrn(8))));
        let next = more.next_walk().expect("another walk");
        assert_eq!((next.rrn, next.place, next.again), (Rrn(8), Place::before(Rrn(8)), None));
    }
}
