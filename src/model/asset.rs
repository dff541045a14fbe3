//! An asset as the catalog keeps it: a regular file in a mount.

use super::ids::{AssetId, Rrn};
use super::path::LogicalPath;

/// Which file this is, whatever it is called: filesystem, inode, and birth time where the filesystem has one (a reused
/// inode has another).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// The filesystem, as statfs(2) `f_fsid` names it. Unlike `st_dev` it is the same after a remount.
    pub volume: u64,
    /// The inode number.
    pub inode: u64,
    /// Birth time in nanoseconds since the epoch; 0 where the filesystem keeps none.
    pub birth_ns: i64,
}

impl Identity {
    /// Any file of a filesystem whose inode numbers mean nothing beyond the moment (FUSE, CIFS): no file is told from
    /// another by it, and none is found again.
    #[must_use]
    pub fn unnumbered(volume: u64) -> Self {
        Self { volume, inode: 0, birth_ns: 0 }
    }

    /// Whether it tells a file from others. (No filesystem gives an inode the number 0.)
    #[must_use]
    pub fn is_numbered(&self) -> bool {
        self.inode != 0
    }
}

/// What lstat(2) says of a regular file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Which file it is.
    pub identity: Identity,
    /// Bytes.
    pub size: u64,
    /// Last write, nanoseconds since the epoch.
    pub mtime_ns: i64,
    /// Last change of bytes or of the inode, nanoseconds since the epoch.
    pub ctime_ns: i64,
    /// Hard links to the file.
    pub links: u64,
}

impl Stat {
    /// Whether the bytes may differ from what `older` describes: size, mtime or inode moved.
    #[must_use]
    pub fn bytes_may_differ(&self, older: &Self) -> bool {
        (self.identity, self.size, self.mtime_ns) != (older.identity, older.size, older.mtime_ns)
    }
}

/// One row of the catalog: what ringback last knew of an asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// Its number for life.
    pub id: AssetId,
    /// Where it stood (for a `gone` row: where it last stood).
    pub path: LogicalPath,
    /// What lstat(2) said.
    pub stat: Stat,
    /// The file's bytes may have been rewritten without moving size or mtime: it was read within the filesystem's
    /// timestamp granularity of its last write.
    pub racy: bool,
    /// The owner's user name, or the uid in digits when it has none.
    pub owner: String,
    /// The last transaction that recorded a change of it.
    pub rrn: Rrn,
}
