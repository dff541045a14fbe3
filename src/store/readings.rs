//! What the catalog knows of a source of metadata beside what it says: which file a sidecar is, and why a source could
//! not be read.

use rusqlite::Row;

use super::error::{Cause, Operation as _};
use super::{DirId, IntakeTables, Result};
use crate::model::asset::READERS_VERSION;
use crate::model::ids::AssetId;
use crate::model::look::SidecarFile;
use crate::model::metadata::Source;
use crate::model::path::LogicalPath;

/// One source of one asset that is a sidecar, or could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The sidecar as it was read, or listed by the first scan; `None` for what belongs to the file itself.
    pub sidecar: Option<SidecarFile>,
    /// Why it could not be read.
    pub fault: Option<ReadingFault>,
}

impl Reading {
    /// Whether it has to be read again though nothing of it changes.
    #[must_use]
    pub fn is_read_again(&self) -> bool {
        self.fault.as_ref().is_some_and(|fault| fault.again)
    }
}

/// Why a source could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadingFault {
    /// For people.
    pub why: String,
    /// It is read again, and not only once its bytes change.
    pub again: bool,
    /// The first scan could not read it: what it says once it can be read is no news.
    pub silent: bool,
}

const COLUMNS: &str = "source, readings.name, readings.volume, readings.inode, readings.birth_ns, readings.size,
    readings.mtime_ns, readings.ctime_ns, readings.links, fault, again, silent,
    readings.racy";
const READ: &str = "read what is known of metadata";
const WRITE: &str = "write what is known of metadata";

impl IntakeTables<'_> {
    /// What is known of an asset's sources that are sidecars or could not be read, in the order of their numbers.
    ///
    /// # Errors
    /// When the ledger refuses, or a row is damaged.
    pub fn readings(&self, asset: AssetId) -> Result<Vec<(Source, Reading)>> {
        let sql = format!("SELECT {COLUMNS} FROM readings WHERE asset = ?1 ORDER BY source");
        let mut sql = self.connection.prepare_cached(&sql).to(READ)?;
        let mut rows = sql.query([asset.0]).to(READ)?;
        let mut out = Vec::new();
        while let Some(row) = rows.next().to(READ)? {
            out.push(self.reading_row(row, 0)?);
        }
        Ok(out)
    }

    /// The same of all assets directly in a directory, in the order of their names.
    ///
    /// # Errors
    /// When the ledger refuses, or a row is damaged.
    pub fn readings_in(&self, dir: DirId) -> Result<Vec<(AssetId, Source, Reading)>> {
        let sql = format!(
            "SELECT asset, {COLUMNS} FROM assets JOIN readings ON asset = assets.id WHERE dir = ?1
             ORDER BY assets.name, source"
        );
        let mut sql = self.connection.prepare_cached(&sql).to(READ)?;
        let mut rows = sql.query([dir.0]).to(READ)?;
        let mut out = Vec::new();
        while let Some(row) = rows.next().to(READ)? {
            let (source, reading) = self.reading_row(row, 1)?;
            out.push((AssetId(row.get(0).to(READ)?), source, reading));
        }
        Ok(out)
    }

    fn reading_row(&self, row: &Row<'_>, first: usize) -> Result<(Source, Reading)> {
        let code: i64 = row.get(first).to(READ)?;
        let source =
            Source::from_code(code).ok_or_else(|| Cause::Damaged(format!("metadata source {code}"))).to(READ)?;
        let name: Option<Vec<u8>> = row.get(first + 1).to(READ)?;
        let racy = row.get(first + 12).to(READ)?;
        let sidecar = name.map(|name| Ok(SidecarFile { name, stat: self.stat(row, first + 2)?, racy })).transpose()?;
        let why: Option<String> = row.get(first + 9).to(READ)?;
        let flags = (row.get(first + 10).to(READ)?, row.get(first + 11).to(READ)?);
        let fault = why.map(|why| ReadingFault { why, again: flags.0, silent: flags.1 });
        Ok((source, Reading { sidecar, fault }))
    }

    /// Replaces what is known of a source; `None` when it was read with its file, or is not there.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn set_reading(&self, asset: AssetId, source: Source, reading: Option<&Reading>) -> Result<()> {
        let Some(Reading { sidecar, fault }) = reading else {
            return self
                .connection
                .prepare_cached("DELETE FROM readings WHERE asset = ?1 AND source = ?2")
                .and_then(|mut sql| sql.execute((asset.0, source.code())))
                .to(WRITE)
                .map(drop);
        };
        let stat = sidecar.as_ref().map(|sidecar| sidecar.stat);
        let volume = stat.map(|stat| self.volume_number(stat.identity.volume)).transpose()?;
        let sql = "INSERT OR REPLACE INTO readings (asset, source, name, volume, inode, birth_ns, size, mtime_ns,
                   ctime_ns, links, fault, again, silent, racy)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
        self.connection
            .prepare_cached(sql)
            .and_then(|mut sql| {
                sql.execute(rusqlite::params![
                    asset.0,
                    source.code(),
                    sidecar.as_ref().map(|sidecar| &sidecar.name),
                    volume,
                    stat.map(|stat| stat.identity.inode as i64),
                    stat.map(|stat| stat.identity.birth_ns),
                    stat.map(|stat| stat.size as i64),
                    stat.map(|stat| stat.mtime_ns),
                    stat.map(|stat| stat.ctime_ns),
                    stat.map(|stat| stat.links as i64),
                    fault.as_ref().map(|fault| &fault.why),
                    fault.as_ref().is_some_and(|fault| fault.again),
                    fault.as_ref().is_some_and(|fault| fault.silent),
                    sidecar.as_ref().is_some_and(|sidecar| sidecar.racy),
                ])
            })
            .to(WRITE)
            .map(drop)
    }

    /// Assets whose content today's readers have not read, the newest first: at most `most` that are older than a
    /// modification time and a number.
    ///
    /// # Errors
    /// When the ledger refuses, or a row is damaged.
    pub fn unread_assets(&self, before: (i64, AssetId), most: usize) -> Result<Vec<UnreadAsset>> {
        // The index in the migration names the version of the readers.
        const { assert!(READERS_VERSION == 1) };
        let sql = "SELECT mtime_ns, id, dir, name FROM assets WHERE read_by <> 1 AND (mtime_ns, id) < (?1, ?2)
                   ORDER BY mtime_ns DESC, id DESC LIMIT ?3";
        let mut sql = self.connection.prepare_cached(sql).to(READ)?;
        let mut rows = sql.query((before.0, before.1.0, most as i64)).to(READ)?;
        let mut out = Vec::new();
        while let Some(row) = rows.next().to(READ)? {
            let read = || -> rusqlite::Result<(i64, i64, i64, Vec<u8>)> {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            };
            let (mtime_ns, id, dir, name) = read().to(READ)?;
            let path = self.dir_path(DirId(dir))?.join(&name);
            out.push(UnreadAsset { mtime_ns, id: AssetId(id), path });
        }
        Ok(out)
    }
}

/// An asset whose content has to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadAsset {
    /// Its modification time, nanoseconds since the Unix epoch.
    pub mtime_ns: i64,
    /// Its number.
    pub id: AssetId,
    /// Where it is.
    pub path: LogicalPath,
}
