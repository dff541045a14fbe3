//! Values as columns: what SQLite has no type for, and how it is written.

use std::collections::HashMap;

use rusqlite::Row;

use super::error::{Cause, Operation as _};
use super::{IntakeTables, Result};
use crate::model::asset::{Identity, Stat};
use crate::model::path::LogicalPath;

/// Filesystems known by number, both ways.
#[derive(Debug, Default)]
pub(super) struct Volumes {
    numbers: HashMap<u64, i64>,
    fsids: HashMap<i64, u64>,
}

impl Volumes {
    pub(super) fn clear(&mut self) {
        self.numbers.clear();
        self.fsids.clear();
    }
}

impl IntakeTables<'_> {
    /// The number of a filesystem; a new one gets one.
    pub(super) fn volume_number(&self, fsid: u64) -> Result<i64> {
        if let Some(&number) = self.volumes.borrow().numbers.get(&fsid) {
            return Ok(number);
        }
        let number = self
            .connection
            .prepare_cached(
                "INSERT INTO volumes (fsid) VALUES (?1) ON CONFLICT (fsid) DO UPDATE SET fsid = fsid RETURNING id",
            )
            .and_then(|mut sql| sql.query_row([fsid as i64], |row| row.get(0)))
            .to("number a filesystem")?;
        self.volumes.borrow_mut().numbers.insert(fsid, number);
        Ok(number)
    }

    /// The filesystem of a number.
    pub(super) fn volume_fsid(&self, number: i64) -> Result<u64> {
        if let Some(&fsid) = self.volumes.borrow().fsids.get(&number) {
            return Ok(fsid);
        }
        let fsid = self
            .connection
            .prepare_cached("SELECT fsid FROM volumes WHERE id = ?1")
            .and_then(|mut sql| sql.query_row([number], |row| row.get::<_, i64>(0)))
            .to("read a filesystem's number")? as u64;
        self.volumes.borrow_mut().fsids.insert(number, fsid);
        Ok(fsid)
    }

    /// The stat in the columns `volume, inode, birth_ns, size, mtime_ns, ctime_ns, links` that begin at `first`.
    pub(super) fn stat(&self, row: &Row<'_>, first: usize) -> Result<Stat> {
        let read = |n: usize| row.get::<_, i64>(first + n).to("read a stat");
        Ok(Stat {
            identity: Identity { volume: self.volume_fsid(read(0)?)?, inode: read(1)? as u64, birth_ns: read(2)? },
            size: read(3)? as u64,
            mtime_ns: read(4)?,
            ctime_ns: read(5)?,
            links: read(6)? as u64,
        })
    }
}

/// A path from its column.
pub(super) fn path(bytes: &[u8]) -> Result<LogicalPath> {
    LogicalPath::parse(bytes).map_err(|error| Cause::Damaged(error.to_string())).to("read a path")
}

/// A JSON column.
pub(super) fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Cause::Damaged(error.to_string())).to("read a JSON column")
}

/// A value for a JSON column.
pub(super) fn to_json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Cause::Damaged(error.to_string())).to("write a JSON column")
}
