//! One asset, as the catalog has it.

use rusqlite::{Connection, Row};

use super::super::error::{Cause, Operation as _};
use super::super::{Result, codec, metadata};
use super::{Reader, optional, unsigned};
use crate::model::ids::{AssetId, Rrn};
use crate::model::listing::ListedAsset;
use crate::model::metadata::{BySource, Source};
use crate::model::path::LogicalPath;

const READ: &str = "read an asset";

pub(super) const ASSET: &str = "SELECT id, rrn, dir, name, size, mtime_ns, owner FROM assets WHERE id = ?1";
pub(super) const NAMED: &str = "SELECT id FROM assets WHERE dir = ?1 AND name = ?2";
pub(super) const DIR_NAMED: &str = "SELECT id FROM dirs WHERE parent = ?1 AND name = ?2";
pub(super) const DIR: &str = "SELECT parent, name FROM dirs WHERE id = ?1";
pub(super) const ORDER: &str = "SELECT value FROM meta WHERE key = ?1";
pub(super) const METADATA: &str = "SELECT source, content, ordered FROM metadata WHERE asset = ?1";

impl Reader {
    /// An asset that exists, by its number.
    ///
    /// # Errors
    /// When the ledger refuses, or a row is damaged.
    pub fn asset(&self, id: AssetId) -> Result<Option<ListedAsset>> {
        self.ask(|connection| asset(connection, id))
    }

    /// An asset that exists, by its path in a mount.
    ///
    /// # Errors
    /// When the ledger refuses, or a row is damaged.
    pub fn asset_at(&self, mount: &LogicalPath, path: &LogicalPath) -> Result<Option<ListedAsset>> {
        self.ask(|connection| asset_at(connection, mount, path))
    }
}

pub(super) fn asset_at(
    connection: &Connection,
    mount: &LogicalPath,
    path: &LogicalPath,
) -> Result<Option<ListedAsset>> {
    let one = |sql: &str, parent: i64, name: &[u8]| {
        let row = connection
            .prepare_cached(sql)
            .and_then(|mut sql| sql.query_row((parent, name), |row| row.get::<_, i64>(0)));
        optional(row, READ)
    };
    // The mounts' roots have no parent.
    let Some(mut dir) = one(DIR_NAMED, 0, mount.as_bytes())? else { return Ok(None) };
    let below: Vec<&[u8]> = path.names().skip(mount.names().count()).collect();
    let Some((name, above)) = below.split_last() else { return Ok(None) };
    for name in above {
        let Some(below) = one(DIR_NAMED, dir, name)? else { return Ok(None) };
        dir = below;
    }
    match one(NAMED, dir, name)? {
        Some(id) => asset(connection, AssetId(id)),
        None => Ok(None),
    }
}

fn asset(connection: &Connection, id: AssetId) -> Result<Option<ListedAsset>> {
    type Columns = (i64, i64, Vec<u8>, i64, i64, String);
    let read = |row: &Row<'_>| -> rusqlite::Result<Columns> {
        Ok((row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?))
    };
    let found = connection.prepare_cached(ASSET).and_then(|mut sql| sql.query_row([id.0], read));
    let Some((rrn, dir, name, size, mtime_ns, owner)) = optional(found, READ)? else { return Ok(None) };
    let path = dir_path(connection, dir)?.join(&name);
    let order = connection
        .prepare_cached(ORDER)
        .and_then(|mut sql| sql.query_row([metadata::ORDER], |row| row.get::<_, String>(0)));
    let mut sources = BySource::ordered(metadata::order_of(optional(order, READ)?.as_deref()));
    let mut sql = connection.prepare_cached(METADATA).to(READ)?;
    let mut rows = sql.query([id.0]).to(READ)?;
    while let Some(row) = rows.next().to(READ)? {
        let (code, content): (i64, String) = (row.get(0).to(READ)?, row.get(1).to(READ)?);
        let ordered: Option<String> = row.get(2).to(READ)?;
        // What a newer ringback reads from another source is none of this one's.
        if let Some(source) = Source::from_code(code) {
            sources.insert(source, metadata::said(&content, ordered.as_deref())?);
        }
    }
    Ok(Some(ListedAsset { id, rrn: Rrn(rrn), path, size: unsigned(size), mtime_ns, owner, sources }))
}

fn dir_path(connection: &Connection, mut dir: i64) -> Result<LogicalPath> {
    let mut names = Vec::new();
    loop {
        let (parent, name): (i64, Vec<u8>) = connection
            .prepare_cached(DIR)
            .and_then(|mut sql| sql.query_row([dir], |row| Ok((row.get(0)?, row.get(1)?))))
            .to(READ)?;
        if parent == 0 {
            let root = codec::path(&name)?;
            return Ok(names.iter().rev().fold(root, |path, name: &Vec<u8>| path.join(name)));
        }
        names.push(name);
        dir = parent;
        if names.len() > LEVELS {
            return Err(Cause::Damaged("its directories lie in one another".to_owned())).to(READ);
        }
    }
}

/// Levels of directories: a path is shorter than four thousand bytes.
const LEVELS: usize = 4_096;
