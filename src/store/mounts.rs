//! What is known of each mount.

use std::collections::BTreeMap;

use rusqlite::OptionalExtension as _;

use super::error::Operation as _;
use super::{IntakeTables, Result, codec};
use crate::model::asset::{Asset, Identity};
use crate::model::ids::AssetId;
use crate::model::mount::Standing;
use crate::model::path::LogicalPath;

/// What the ledger keeps of a mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MountRow {
    /// The directory that stood at its root last; none before it was first seen.
    pub root: Option<Identity>,
    /// When its very first scan began (or its root was first found missing), nanoseconds since the epoch.
    pub first_scan_began_ns: i64,
    /// That scan has ended.
    pub first_scan_done: bool,
    /// Whether something was mounted at the root's very directory; none where that is not known.
    pub is_mount_root: Option<bool>,
    /// The mount has, or once had, an asset: it is no longer new.
    pub had_assets: bool,
    /// The last scan found more deletions than `max_deletions` allows: no scan reports any until a caller vouches for
    /// them.
    pub holds_deletions: bool,
    /// Its standing as the last event told it.
    pub told: Standing,
}

impl IntakeTables<'_> {
    /// A mount's row.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn mount(&self, path: &LogicalPath) -> Result<Option<MountRow>> {
        let row = self
            .connection
            .prepare_cached(
                "SELECT first_scan_began_ns, first_scan_done, is_mount_root, had_assets, holds_deletions, volume, inode,
                 birth_ns, told_state FROM mounts WHERE path = ?1",
            )
            .and_then(|mut sql| {
                sql.query_row([path.as_bytes()], |row| {
                    let root: (Option<i64>, Option<i64>, Option<i64>) = (row.get(5)?, row.get(6)?, row.get(7)?);
                    let told: i64 = row.get(8)?;
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, root, told))
                })
                .optional()
            })
            .to("read a mount")?;
        let Some((first_scan_began_ns, first_scan_done, is_mount_root, had_assets, holds_deletions, root, told)) = row
        else {
            return Ok(None);
        };
        let root = match root {
            (Some(volume), Some(inode), Some(birth_ns)) => {
                Some(Identity { volume: self.volume_fsid(volume)?, inode: inode as u64, birth_ns })
            }
            _ => None,
        };
        let told = Standing::ALL.into_iter().find(|standing| *standing as i64 == told).unwrap_or_default();
        Ok(Some(MountRow {
            root,
            first_scan_began_ns,
            first_scan_done,
            is_mount_root,
            had_assets,
            holds_deletions,
            told,
        }))
    }

    /// Writes a mount's row.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn put_mount(&self, path: &LogicalPath, row: &MountRow) -> Result<()> {
        let volume = row.root.map(|root| self.volume_number(root.volume)).transpose()?;
        self.connection
            .prepare_cached(
                "INSERT INTO mounts (path, volume, inode, birth_ns, first_scan_began_ns, first_scan_done, is_mount_root,
                 had_assets, holds_deletions, told_state)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                 ON CONFLICT (path) DO UPDATE SET volume = ?2, inode = ?3, birth_ns = ?4, first_scan_began_ns = ?5,
                 first_scan_done = ?6, is_mount_root = ?7, had_assets = had_assets OR ?8,
                 holds_deletions = ?9, told_state = ?10",
            )
            .and_then(|mut sql| {
                sql.execute(rusqlite::params![
                    path.as_bytes(),
                    volume,
                    row.root.map(|root| root.inode as i64),
                    row.root.map(|root| root.birth_ns),
                    row.first_scan_began_ns,
                    row.first_scan_done,
                    row.is_mount_root,
                    row.had_assets,
                    row.holds_deletions,
                    row.told as i64
                ])
            })
            .to("write a mount")
            .map(drop)
    }

    /// Notes that a mount has an asset.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn set_had_assets(&self, path: &LogicalPath) -> Result<()> {
        self.connection
            .prepare_cached("UPDATE mounts SET had_assets = 1 WHERE path = ?1 AND had_assets = 0")
            .and_then(|mut sql| sql.execute([path.as_bytes()]))
            .to("write a mount")
            .map(drop)
    }

    /// The roots of the filesystems that are entered inside a mount, by path.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn inner_roots(&self, mount: &LogicalPath) -> Result<BTreeMap<LogicalPath, Identity>> {
        const READ: &str = "read what is mounted in a mount";
        let mut sql = self
            .connection
            .prepare_cached("SELECT path, volume, inode, birth_ns FROM inner_roots WHERE mount = ?1 ORDER BY path")
            .to(READ)?;
        let mut rows = sql.query([mount.as_bytes()]).to(READ)?;
        let mut roots = BTreeMap::new();
        while let Some(row) = rows.next().to(READ)? {
            let read = || -> rusqlite::Result<(Vec<u8>, i64, i64, i64)> {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            };
            let (path, volume, inode, birth_ns) = read().to(READ)?;
            let identity = Identity { volume: self.volume_fsid(volume)?, inode: inode as u64, birth_ns };
            roots.insert(codec::path(&path)?, identity);
        }
        Ok(roots)
    }

    /// Writes the root of a filesystem that is entered inside a mount.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn put_inner_root(&self, mount: &LogicalPath, path: &LogicalPath, root: &Identity) -> Result<()> {
        let volume = self.volume_number(root.volume)?;
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO inner_roots (mount, path, volume, inode, birth_ns) VALUES (?1, ?2, ?3, ?4, ?5)",
            )
            .and_then(|mut sql| {
                sql.execute((mount.as_bytes(), path.as_bytes(), volume, root.inode as i64, root.birth_ns))
            })
            .to("write what is mounted in a mount")
            .map(drop)
    }

    /// Forgets that a filesystem is entered inside a mount.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn remove_inner_root(&self, mount: &LogicalPath, path: &LogicalPath) -> Result<()> {
        self.connection
            .prepare_cached("DELETE FROM inner_roots WHERE mount = ?1 AND path = ?2")
            .and_then(|mut sql| sql.execute((mount.as_bytes(), path.as_bytes())))
            .to("forget what is mounted in a mount")
            .map(drop)
    }

    /// How many assets there are below a directory of a mount.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn count_assets_below(&self, mount: &LogicalPath, directory: &LogicalPath) -> Result<u64> {
        let Some(dir) = self.dir(mount, directory)? else { return Ok(0) };
        self.connection
            .prepare_cached(
                "WITH RECURSIVE tree (id) AS (SELECT ?1 UNION ALL SELECT dirs.id FROM tree JOIN dirs ON parent = tree.id)
                 SELECT count(*) FROM tree JOIN assets ON dir = tree.id",
            )
            .and_then(|mut sql| sql.query_row([dir.0], |row| row.get::<_, i64>(0)))
            .to("count a directory's assets")
            .map(|count| count as u64)
    }

    /// At most `most` assets below a directory of a mount, evenly spread, those that lie in a filesystem mounted
    /// further down left out.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn sample(
        &self,
        mount: &LogicalPath,
        directory: &LogicalPath,
        inner: &[LogicalPath],
        most: usize,
    ) -> Result<Vec<Asset>> {
        const READ: &str = "sample a directory's assets";
        let Some(dir) = self.dir(mount, directory)? else { return Ok(Vec::new()) };
        let step = self.count_assets_below(mount, directory)?.div_ceil(most.max(1) as u64).max(1);
        let mut sql = self
            .connection
            .prepare_cached(
                "WITH RECURSIVE tree (id) AS (SELECT ?1 UNION ALL SELECT dirs.id FROM tree JOIN dirs ON parent = tree.id)
                 SELECT assets.id FROM tree JOIN assets ON dir = tree.id ORDER BY dir, name",
            )
            .to(READ)?;
        let mut rows = sql.query([dir.0]).to(READ)?;
        let (mut sampled, mut count) = (Vec::new(), 0);
        while let Some(row) = rows.next().to(READ)? {
            count += 1;
            if (count - 1) % step == 0
                && let Some(asset) = self.asset(AssetId(row.get(0).to(READ)?))?
                && !inner.iter().any(|inner| inner != directory && asset.path.is_below(inner))
            {
                sampled.push(asset);
            }
        }
        Ok(sampled)
    }
}
