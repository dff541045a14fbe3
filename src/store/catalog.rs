//! Assets that exist, and assets that are gone.

use rusqlite::Row;

use super::error::Operation as _;
use super::{DirId, IntakeTables, Place, Result, Stands, Walked, codec};
use crate::model::asset::{Asset, ContentRead, Identity};
use crate::model::ids::{AssetId, Rrn, Seq};
use crate::model::path::LogicalPath;
use crate::model::time::Wall;

const ASSET: &str =
    "dir, name, id, volume, inode, birth_ns, size, mtime_ns, ctime_ns, links, racy, rrn, owner, read_by";
const GONE: &str =
    "id, path, volume, inode, birth_ns, size, mtime_ns, ctime_ns, links, rrn, owner, gone_at, seq, read_by";

/// Names that begin alike and are looked through, so that a group stays short: the frames of a sequence may be many.
const BEGINNING_ROWS_MAX: usize = 10_000;

/// Where an asset was until it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastPlace {
    /// Its path there.
    pub path: LogicalPath,
    /// The change that reported that it went. `None` in a row of before the ledger kept it.
    pub deletion: Option<Seq>,
}

impl IntakeTables<'_> {
    /// The asset of a name in a directory.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn asset_in(&self, dir: DirId, name: &[u8]) -> Result<Option<Asset>> {
        let mut sql = self
            .connection
            .prepare_cached(&format!("SELECT {ASSET} FROM assets WHERE dir = ?1 AND name = ?2"))
            .to("read an asset")?;
        let mut rows = sql.query((dir.0, name)).to("read an asset")?;
        rows.next().to("read an asset")?.map(|row| self.asset_row(row)).transpose()
    }

    /// The asset of a number.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn asset(&self, id: AssetId) -> Result<Option<Asset>> {
        let mut sql =
            self.connection.prepare_cached(&format!("SELECT {ASSET} FROM assets WHERE id = ?1")).to("read an asset")?;
        let mut rows = sql.query([id.0]).to("read an asset")?;
        rows.next().to("read an asset")?.map(|row| self.asset_row(row)).transpose()
    }

    /// The assets directly in a directory, by name.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn assets_in(&self, dir: DirId) -> Result<Vec<Asset>> {
        let mut sql = self
            .connection
            .prepare_cached(&format!("SELECT {ASSET} FROM assets WHERE dir = ?1 ORDER BY name"))
            .to("read a directory's assets")?;
        let mut rows = sql.query([dir.0]).to("read a directory's assets")?;
        let mut assets = Vec::new();
        while let Some(row) = rows.next().to("read a directory's assets")? {
            assets.push(self.asset_row(row)?);
        }
        Ok(assets)
    }

    fn asset_row(&self, row: &Row<'_>) -> Result<Asset> {
        type Columns = (i64, Vec<u8>, i64, bool, i64, String, i64);
        let read = || -> rusqlite::Result<Columns> {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(10)?, row.get(11)?, row.get(12)?, row.get(13)?))
        };
        let (dir, name, id, racy, rrn, owner, read_by) = read().to("read an asset")?;
        let path = self.dir_path(DirId(dir))?.join(&name);
        let content = ContentRead::from_code(read_by);
        Ok(Asset { id: AssetId(id), path, stat: self.stat(row, 3)?, racy, owner, rrn: Rrn(rrn), content })
    }

    /// Writes an asset's row: a new one, or over the one of the same directory and name.
    ///
    /// # Errors
    /// When the ledger refuses, or another row has the same number.
    pub fn put_asset(&self, dir: DirId, asset: &Asset) -> Result<()> {
        let Asset { id, path, stat, racy, owner, rrn, content } = asset;
        let name = path.names().last().unwrap_or_default();
        let volume = self.volume_number(stat.identity.volume)?;
        self.connection
            .prepare_cached(&format!(
                "INSERT INTO assets ({ASSET}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
                 ON CONFLICT (dir, name) DO UPDATE SET id = ?3, volume = ?4, inode = ?5, birth_ns = ?6, size = ?7,
                 mtime_ns = ?8, ctime_ns = ?9, links = ?10, racy = ?11, rrn = ?12, owner = ?13,
                 read_by = ?14"
            ))
            .and_then(|mut sql| {
                sql.execute(rusqlite::params![
                    dir.0,
                    name,
                    id.0,
                    volume,
                    stat.identity.inode as i64,
                    stat.identity.birth_ns,
                    stat.size as i64,
                    stat.mtime_ns,
                    stat.ctime_ns,
                    stat.links as i64,
                    racy,
                    rrn.0,
                    owner,
                    content.code()
                ])
            })
            .to("write an asset")
            .map(drop)
    }

    /// Takes an asset out of the catalog and keeps it as gone, metadata included. `deletion` is the change that
    /// reports it.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn bury_asset(&self, asset: &Asset, rrn: Rrn, deletion: Seq, at: Wall) -> Result<()> {
        self.note_written();
        self.connection
            .prepare_cached(&format!(
                "INSERT INTO gone ({GONE}) SELECT id, ?2, volume, inode, birth_ns, size, mtime_ns, ctime_ns, links, ?3,
                 owner, ?4, ?5, read_by FROM assets WHERE id = ?1"
            ))
            .and_then(|mut sql| sql.execute((asset.id.0, asset.path.as_bytes(), rrn.0, at.0, deletion.0)))
            .and_then(|rows| if rows == 1 { Ok(()) } else { Err(rusqlite::Error::StatementChangedRows(rows)) })
            .to("keep a gone asset")?;
        self.connection
            .prepare_cached("DELETE FROM assets WHERE id = ?1")
            .and_then(|mut sql| sql.execute([asset.id.0]))
            .to("remove an asset")
            .map(drop)
    }

    /// Forgets an asset as if it had never been seen.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn forget_asset(&self, id: AssetId) -> Result<()> {
        for sql in [
            "DELETE FROM metadata WHERE asset = ?1",
            "DELETE FROM readings WHERE asset = ?1",
            "DELETE FROM assets WHERE id = ?1",
        ] {
            self.connection.prepare_cached(sql).and_then(|mut sql| sql.execute([id.0])).to("forget an asset")?;
        }
        Ok(())
    }

    /// The newest gone asset that was this very file.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn gone_as(&self, identity: &Identity) -> Result<Option<Asset>> {
        let volume = self.volume_number(identity.volume)?;
        let sql = format!(
            "SELECT {GONE} FROM gone WHERE volume = ?1 AND inode = ?2 AND birth_ns = ?3
             ORDER BY gone_at DESC, id DESC LIMIT 1"
        );
        self.gone_one(&sql, (volume, identity.inode as i64, identity.birth_ns))
    }

    /// The newest asset that went from this path at or after `since`.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn gone_from(&self, path: &LogicalPath, since: Wall) -> Result<Option<Asset>> {
        let sql =
            format!("SELECT {GONE} FROM gone WHERE path = ?1 AND gone_at >= ?2 ORDER BY gone_at DESC, id DESC LIMIT 1");
        self.gone_one(&sql, (path.as_bytes(), since.0))
    }

    fn gone_one(&self, sql: &str, params: impl rusqlite::Params) -> Result<Option<Asset>> {
        let mut sql = self.connection.prepare_cached(sql).to("read a gone asset")?;
        let mut rows = sql.query(params).to("read a gone asset")?;
        rows.next().to("read a gone asset")?.map(|row| self.gone_row(row)).transpose()
    }

    fn gone_row(&self, row: &Row<'_>) -> Result<Asset> {
        let read = || -> rusqlite::Result<(i64, Vec<u8>, i64, String, i64)> {
            Ok((row.get(0)?, row.get(1)?, row.get(9)?, row.get(10)?, row.get(13)?))
        };
        let (id, path, rrn, owner, read_by) = read().to("read a gone asset")?;
        let (stat, content) = (self.stat(row, 2)?, ContentRead::from_code(read_by));
        Ok(Asset { id: AssetId(id), path: codec::path(&path)?, stat, racy: false, owner, rrn: Rrn(rrn), content })
    }

    /// Gone assets in the order of their transactions, after one of them, at most `most`.
    pub(super) fn gone_after(&self, rrn: Rrn, id: AssetId, most: usize) -> Result<Vec<Asset>> {
        let mut sql = self
            .connection
            .prepare_cached(&format!("SELECT {GONE} FROM gone WHERE (rrn, id) > (?1, ?2) ORDER BY rrn, id LIMIT ?3"))
            .to("read gone assets")?;
        let mut rows = sql.query((rrn.0, id.0, most as i64)).to("read gone assets")?;
        let mut assets = Vec::new();
        while let Some(row) = rows.next().to("read gone assets")? {
            assets.push(self.gone_row(row)?);
        }
        Ok(assets)
    }

    /// Reads at most `rows` assets behind a name in a directory, in the order of the table, and finds at most `most`
    /// that changed in a transaction or later.
    pub(super) fn walk_present(
        &self,
        since: Rrn,
        dir: DirId,
        name: &[u8],
        rows: usize,
        most: usize,
    ) -> Result<Walked<Stands>> {
        let mut sql = self
            .connection
            .prepare_cached(&format!(
                "SELECT {ASSET} FROM assets WHERE (dir, name) > (?1, ?2) ORDER BY dir, name LIMIT ?3"
            ))
            .to("read assets")?;
        let mut found = sql.query((dir.0, name, rows as i64)).to("read assets")?;
        let (mut walked, mut read) = (Walked { found: Vec::new(), next: None }, 0);
        while let Some(row) = found.next().to("read assets")? {
            read += 1;
            let has_changed = row.get::<_, i64>(11).to("read an asset")? >= since.0;
            if !has_changed && read < rows {
                continue;
            }
            let place = Place::Present(DirId(row.get(0).to("read an asset")?), row.get(1).to("read an asset")?);
            if has_changed {
                walked.found.push((Stands { asset: self.asset_row(row)?, is_gone: false }, place.clone()));
            }
            if read == rows || walked.found.len() == most {
                walked.next = Some(place);
                break;
            }
        }
        Ok(walked)
    }

    /// Takes an asset out of the gone ones: it is back. Returns from where it went.
    ///
    /// # Errors
    /// When the ledger refuses, or the asset is not gone.
    pub fn unbury_asset(&self, id: AssetId) -> Result<LastPlace> {
        let mut sql = self
            .connection
            .prepare_cached("DELETE FROM gone WHERE id = ?1 RETURNING path, seq")
            .to("take up a gone asset")?;
        let (path, deletion): (Vec<u8>, Option<i64>) =
            sql.query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?))).to("take up a gone asset")?;
        Ok(LastPlace { path: codec::path(&path)?, deletion: deletion.map(Seq) })
    }

    /// Tells `each` filesystem, inode and number of every asset in a mount: what the map in memory is made of. Assets
    /// of a mount that is no longer configured are nobody's: the same files may show under another path now.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn each_identity(&self, mount: &LogicalPath, mut each: impl FnMut(u64, u64, AssetId)) -> Result<()> {
        let Some(root) = self.dir(mount, mount)? else { return Ok(()) };
        let mut sql = self
            .connection
            .prepare_cached(
                "WITH RECURSIVE tree (id) AS (SELECT ?1 UNION ALL SELECT dirs.id FROM tree JOIN dirs ON parent = tree.id)
                 SELECT volume, inode, assets.id FROM tree JOIN assets ON dir = tree.id ORDER BY dir, name",
            )
            .to("read identities")?;
        let mut rows = sql.query([root.0]).to("read identities")?;
        while let Some(row) = rows.next().to("read identities")? {
            let read = || -> rusqlite::Result<(i64, i64, i64)> { Ok((row.get(0)?, row.get(1)?, row.get(2)?)) };
            let (volume, inode, id) = read().to("read identities")?;
            each(self.volume_fsid(volume)?, inode as u64, AssetId(id));
        }
        Ok(())
    }

    /// The assets of a directory whose names begin so and are wanted, by name, at most `most`; of the first
    /// `BEGINNING_ROWS_MAX` that begin so.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn assets_named_from(
        &self,
        dir: DirId,
        beginning: &[u8],
        is_wanted: impl Fn(&[u8]) -> bool,
        most: usize,
    ) -> Result<Vec<Asset>> {
        let mut sql = self
            .connection
            .prepare_cached(&format!("SELECT {ASSET} FROM assets WHERE dir = ?1 AND name >= ?2 ORDER BY name LIMIT ?3"))
            .to("read the assets that are named so")?;
        let mut rows =
            sql.query((dir.0, beginning, BEGINNING_ROWS_MAX as i64)).to("read the assets that are named so")?;
        let mut assets = Vec::new();
        while let Some(row) = rows.next().to("read the assets that are named so")? {
            let name = row.get_ref(1).and_then(|name| Ok(name.as_bytes()?)).to("read the assets that are named so")?;
            if !name.starts_with(beginning) || assets.len() == most {
                break;
            }
            if is_wanted(name) {
                assets.push(self.asset_row(row)?);
            }
        }
        Ok(assets)
    }

    /// The asset of a path.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn asset_at(&self, mount: &LogicalPath, path: &LogicalPath) -> Result<Option<Asset>> {
        let Some((parent, name)) = path.split() else { return Ok(None) };
        match self.dir(mount, &parent)? {
            Some(dir) => self.asset_in(dir, name),
            None => Ok(None),
        }
    }
}
