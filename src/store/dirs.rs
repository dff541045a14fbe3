//! Directories that exist, as rows, so that an asset's row names one in a few bytes.

use std::collections::HashMap;

use rusqlite::OptionalExtension as _;

use super::error::Operation as _;
use super::{IntakeTables, Result, codec};
use crate::model::path::LogicalPath;

/// A directory's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DirId(pub(super) i64);

/// The parent of the mounts' roots.
const TOP: i64 = 0;
/// Directories remembered in either direction, some megabytes; past it the memory starts anew, which costs row reads
/// and nothing else.
const CACHE_MAX: usize = 1 << 14;

/// Directories already looked up.
#[derive(Debug, Default)]
pub(super) struct DirCache {
    ids: HashMap<LogicalPath, DirId>,
    paths: HashMap<DirId, LogicalPath>,
}

impl DirCache {
    pub(super) fn clear(&mut self) {
        self.ids.clear();
        self.paths.clear();
    }

    fn remember_id(&mut self, path: &LogicalPath, id: DirId) {
        if self.ids.len() >= CACHE_MAX {
            self.ids.clear();
        }
        self.ids.insert(path.clone(), id);
    }

    /// Only this way round: a mount that is no longer configured may have a directory of the same path.
    fn remember_path(&mut self, id: DirId, path: &LogicalPath) {
        if self.paths.len() >= CACHE_MAX {
            self.paths.clear();
        }
        self.paths.insert(id, path.clone());
    }
}

impl IntakeTables<'_> {
    /// The row of a directory at or below a mount's root; `None` when it has none.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn dir(&self, mount: &LogicalPath, path: &LogicalPath) -> Result<Option<DirId>> {
        self.find_dir(mount, path, false)
    }

    /// The row of a directory at or below a mount's root, made if need be, parents included.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn dir_or_new(&self, mount: &LogicalPath, path: &LogicalPath) -> Result<DirId> {
        match self.find_dir(mount, path, true)? {
            Some(id) => Ok(id),
            None => unreachable!("find_dir makes what it does not find"),
        }
    }

    fn find_dir(&self, mount: &LogicalPath, path: &LogicalPath, make: bool) -> Result<Option<DirId>> {
        if let Some(&id) = self.dirs.borrow().ids.get(path) {
            return Ok(Some(id));
        }
        let found = if path == mount {
            self.dir_row(TOP, mount.as_bytes(), make)?
        } else {
            let Some((parent, name)) = path.split() else { return Ok(None) };
            match self.find_dir(mount, &parent, make)? {
                Some(DirId(parent)) => self.dir_row(parent, name, make)?,
                None => None,
            }
        };
        if let Some(id) = found {
            self.dirs.borrow_mut().remember_id(path, id);
        }
        Ok(found)
    }

    fn dir_row(&self, parent: i64, name: &[u8], make: bool) -> Result<Option<DirId>> {
        let found = self
            .connection
            .prepare_cached("SELECT id FROM dirs WHERE parent = ?1 AND name = ?2")
            .and_then(|mut sql| sql.query_row((parent, name), |row| row.get(0)).optional())
            .to("read a directory")?;
        if found.is_some() || !make {
            return Ok(found.map(DirId));
        }
        self.connection
            .prepare_cached("INSERT INTO dirs (parent, name, scanned) VALUES (?1, ?2, 0) RETURNING id")
            .and_then(|mut sql| sql.query_row((parent, name), |row| row.get(0)))
            .to("write a directory")
            .inspect(|_| self.dir_balance.set(self.dir_balance.get() + 1))
            .map(|id| Some(DirId(id)))
    }

    /// The whole path of a directory.
    pub(super) fn dir_path(&self, id: DirId) -> Result<LogicalPath> {
        if let Some(path) = self.dirs.borrow().paths.get(&id) {
            return Ok(path.clone());
        }
        let (parent, name): (i64, Vec<u8>) = self
            .connection
            .prepare_cached("SELECT parent, name FROM dirs WHERE id = ?1")
            .and_then(|mut sql| sql.query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?))))
            .to("read a directory")?;
        let path = if parent == TOP { codec::path(&name)? } else { self.dir_path(DirId(parent))?.join(&name) };
        self.dirs.borrow_mut().remember_path(id, &path);
        Ok(path)
    }

    /// The directories directly in one, by name.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn subdirs(&self, id: DirId) -> Result<Vec<(Vec<u8>, DirId)>> {
        self.connection
            .prepare_cached("SELECT name, id FROM dirs WHERE parent = ?1 ORDER BY name")
            .and_then(|mut sql| sql.query_map([id.0], |row| Ok((row.get(0)?, DirId(row.get(1)?))))?.collect())
            .to("read the directories in one")
    }

    /// Whether a directory has been listed since it was first seen.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn dir_scanned(&self, id: DirId) -> Result<bool> {
        self.connection
            .prepare_cached("SELECT scanned FROM dirs WHERE id = ?1")
            .and_then(|mut sql| sql.query_row([id.0], |row| row.get(0)))
            .to("read a directory")
    }

    /// Notes that a directory has been listed.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn set_dir_scanned(&self, id: DirId) -> Result<()> {
        self.connection
            .prepare_cached("UPDATE dirs SET scanned = 1 WHERE id = ?1 AND scanned = 0")
            .and_then(|mut sql| sql.execute([id.0]))
            .to("write a directory")
            .map(drop)
    }

    /// Removes a directory's row. The caller has removed what was in it.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn remove_dir(&self, id: DirId) -> Result<()> {
        self.dirs.borrow_mut().clear();
        self.connection
            .prepare_cached("DELETE FROM dirs WHERE id = ?1")
            .and_then(|mut sql| sql.execute([id.0]))
            .to("remove a directory")
            .map(|_| self.dir_balance.set(self.dir_balance.get() - 1))
    }

    /// Forgets that a mount's directories were scanned.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn forget_scans(&self, mount: &LogicalPath) -> Result<()> {
        let Some(root) = self.dir(mount, mount)? else { return Ok(()) };
        self.connection
            .prepare_cached(
                "WITH RECURSIVE tree (id) AS (SELECT ?1 UNION ALL SELECT dirs.id FROM tree JOIN dirs ON parent = tree.id)
                 UPDATE dirs SET scanned = 0 WHERE id IN (SELECT id FROM tree)",
            )
            .and_then(|mut sql| sql.execute([root.0]))
            .to("forget a mount's scans")
            .map(drop)
    }

    /// Directories made less directories removed since the ledger was opened; what is rolled back does not count.
    #[must_use]
    pub fn dir_balance(&self) -> i64 {
        self.dir_balance.get()
    }

    /// How many directories a mount has, and how many assets.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn count(&self, mount: &LogicalPath) -> Result<(u64, u64)> {
        let Some(root) = self.dir(mount, mount)? else { return Ok((0, 0)) };
        self.connection
            .prepare_cached(
                "WITH RECURSIVE tree (id) AS (SELECT ?1 UNION ALL SELECT dirs.id FROM tree JOIN dirs ON parent = tree.id)
                 SELECT count(*), coalesce(sum((SELECT count(*) FROM assets WHERE dir = tree.id)), 0) FROM tree",
            )
            .and_then(|mut sql| sql.query_row([root.0], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))))
            .to("count a mount's assets")
            .map(|(dirs, assets)| (dirs as u64, assets as u64))
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::{CACHE_MAX, DirId};
    use crate::model::path::LogicalPath;
    use crate::store::Ledger;

    fn path(text: &str) -> LogicalPath {
        LogicalPath::parse(text.as_bytes()).expect("a path")
    }

    /// The memory saves reads only: whether or not it is emptied, each directory is found by its path and by its row.
    #[test]
    fn directories_are_found_at_and_past_the_limit_of_the_memory() {
        for (others, remembered) in [(CACHE_MAX - 1, CACHE_MAX), (CACHE_MAX, 1)] {
            let ledger = Ledger::in_memory(Connection::open_in_memory().expect("SQLite"), 1).expect("a ledger");
            ledger.begin().expect("a group");
            let (mount, below) = (path("/m"), path("/m/d"));
            let rows = [&mount, &below].map(|dir| ledger.intake().dir_or_new(&mount, dir).expect("a row"));
            ledger.dirs.borrow_mut().clear();
            for number in 0..others {
                let stranger = path(&format!("/other/{number}"));
                let id = DirId(1_000_000 + number as i64);
                ledger.dirs.borrow_mut().remember_id(&stranger, id);
                ledger.dirs.borrow_mut().remember_path(id, &stranger);
            }
            assert_eq!(ledger.intake().dir(&mount, &mount).expect("a row"), Some(rows[0]));
            assert_eq!(ledger.intake().dir_path(rows[0]).expect("a path"), mount);
            let lens = [ledger.dirs.borrow().ids.len(), ledger.dirs.borrow().paths.len()];
            assert_eq!(lens, [remembered; 2], "beside {others} others");
            assert_eq!(ledger.intake().dir(&mount, &below).expect("a row"), Some(rows[1]));
            assert_eq!(ledger.intake().dir_path(rows[1]).expect("a path"), below);
        }
    }
}
