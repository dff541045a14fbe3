//! What is known of each mount.

use rusqlite::OptionalExtension as _;

use super::error::Operation as _;
use super::{Ledger, Result};
use crate::model::asset::Identity;
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
}

impl Ledger {
    /// A mount's row.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn mount(&self, path: &LogicalPath) -> Result<Option<MountRow>> {
        let row = self
            .connection
            .prepare_cached(
                "SELECT first_scan_began_ns, first_scan_done, volume, inode, birth_ns FROM mounts WHERE path = ?1",
            )
            .and_then(|mut sql| {
                sql.query_row([path.as_bytes()], |row| {
                    let root: (Option<i64>, Option<i64>, Option<i64>) = (row.get(2)?, row.get(3)?, row.get(4)?);
                    Ok((row.get(0)?, row.get(1)?, root))
                })
                .optional()
            })
            .to("read a mount")?;
        let Some((first_scan_began_ns, first_scan_done, root)) = row else { return Ok(None) };
        let root = match root {
            (Some(volume), Some(inode), Some(birth_ns)) => {
                Some(Identity { volume: self.volume_fsid(volume)?, inode: inode as u64, birth_ns })
            }
            _ => None,
        };
        Ok(Some(MountRow { root, first_scan_began_ns, first_scan_done }))
    }

    /// Writes a mount's row.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn put_mount(&self, path: &LogicalPath, row: &MountRow) -> Result<()> {
        let volume = row.root.map(|root| self.volume_number(root.volume)).transpose()?;
        self.connection
            .prepare_cached(
                "INSERT INTO mounts (path, volume, inode, birth_ns, first_scan_began_ns, first_scan_done)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (path) DO UPDATE SET volume = ?2, inode = ?3, birth_ns = ?4, first_scan_began_ns = ?5,
                 first_scan_done = ?6",
            )
            .and_then(|mut sql| {
                sql.execute(rusqlite::params![
                    path.as_bytes(),
                    volume,
                    row.root.map(|root| root.inode as i64),
                    row.root.map(|root| root.birth_ns),
                    row.first_scan_began_ns,
                    row.first_scan_done
                ])
            })
            .to("write a mount")
            .map(drop)
    }
}
