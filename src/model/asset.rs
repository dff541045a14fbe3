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

/// How exactly filesystems keep an mtime, in nanoseconds: ext4, xfs and btrfs to 1; NTFS to 100; UDF to 1,000; exFAT to
/// 10 ms; ext3, ext4 with 128-byte inodes and HFS+ to 1 s; FAT to 2 s.
const MTIME_GRANULARITIES_NS: [i64; 6] = [1, 100, 1_000, 10_000_000, 1_000_000_000, 2_000_000_000];

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

    /// Returns whether a file that is seen at some path is the file that `known` describes, wherever that was. A
    /// filesystem that keeps no birth time (ext4 with 128-byte inodes, ext3, old NFS) gives a new file the inode number
    /// of a removed one, so there the size and the mtime must agree too.
    #[must_use]
    pub fn is_same_file(&self, known: &Self) -> bool {
        let content = |stat: &Self| (stat.size, stat.mtime_ns);
        self.identity.is_numbered()
            && self.identity == known.identity
            && (self.identity.birth_ns != 0 || content(self) == content(known))
    }

    /// Returns whether the inode numbers allow that a file at a path is the one that was known at that same path.
    #[must_use]
    pub fn is_same_at_its_path(&self, known: &Self) -> bool {
        let volumes_agree = self.identity.volume == known.identity.volume;
        self.identity == known.identity || (volumes_agree && !self.identity.is_numbered())
    }

    /// Returns whether this looks like a copy, on another filesystem, of the file that `original` describes: the same
    /// size, and the same mtime as far as the copy's filesystem can keep it. Inode numbers of two filesystems say
    /// nothing.
    #[must_use]
    pub fn is_copy_of(&self, original: &Self) -> bool {
        let cut = |granularity_ns: i64| original.mtime_ns - original.mtime_ns.rem_euclid(granularity_ns);
        self.identity.volume != original.identity.volume
            && self.size == original.size
            && MTIME_GRANULARITIES_NS.into_iter().any(|granularity| self.mtime_ns == cut(granularity))
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
    /// Whether its content has been read for metadata.
    pub content: ContentRead,
}

/// Whether the content of a file, as the catalog knows the file, has been read for metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentRead {
    /// Not yet: a ringback that read no content took the file as it is, and knew nothing of sidecars.
    Never,
    /// Not yet: the first scan took the file as it is. Which sidecars it had then is known, and not what they say.
    Listed,
    /// By readers that know less, or more, than today's: it is read again, and what is then seen otherwise is no news.
    ByOthers,
    /// By the readers of today.
    Yes,
}

/// Counts the versions of the readers of content. With one that reads more, or otherwise, every file is read again in
/// the background. 0 stands in the ledger for a file that was never read.
pub const READERS_VERSION: i64 = 1;

impl ContentRead {
    /// The number that the ledger keeps: the version of the readers.
    #[must_use]
    pub fn code(self) -> i64 {
        match self {
            Self::Never => 0,
            Self::ByOthers => -1,
            Self::Listed => -2,
            Self::Yes => READERS_VERSION,
        }
    }

    /// What a [`Self::code`] of the ledger says.
    #[must_use]
    pub fn from_code(code: i64) -> Self {
        match code {
            0 => Self::Never,
            -2 => Self::Listed,
            READERS_VERSION => Self::Yes,
            _ => Self::ByOthers,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Identity, Stat};

    fn stat(volume: u64, mtime_ns: i64) -> Stat {
        Stat { identity: Identity { volume, inode: 5, birth_ns: 9 }, size: 3, mtime_ns, ctime_ns: 7, links: 1 }
    }

    #[test]
    fn a_copy_has_the_mtime_as_far_as_its_filesystem_can_keep_it() {
        let original = stat(1, 1_700_000_003_123_456_789);
        for (mtime_ns, expect) in [
            (1_700_000_003_123_456_789, true),
            (1_700_000_003_123_456_700, true),
            (1_700_000_003_120_000_000, true),
            (1_700_000_003_000_000_000, true),
            (1_700_000_002_000_000_000, true),
            (1_700_000_001_000_000_000, false),
            (1_700_000_004_000_000_000, false),
            (1_700_000_003_200_000_000, false),
        ] {
            assert_eq!(stat(2, mtime_ns).is_copy_of(&original), expect, "{mtime_ns}");
        }
        assert!(!stat(1, original.mtime_ns).is_copy_of(&original), "on the same filesystem the identity decides");
        assert!(!Stat { size: 4, ..stat(2, original.mtime_ns) }.is_copy_of(&original));
    }

    #[test]
    fn a_file_without_a_birth_time_is_known_by_size_and_mtime_too() {
        let born = |birth_ns, mtime_ns| {
            let stat = stat(1, mtime_ns);
            Stat { identity: Identity { birth_ns, ..stat.identity }, ..stat }
        };
        assert!(born(9, 1).is_same_file(&born(9, 2)), "a birth time is enough");
        assert!(born(0, 1).is_same_file(&born(0, 1)));
        assert!(!born(0, 1).is_same_file(&born(0, 2)));
        assert!(!Stat { size: 4, ..born(0, 1) }.is_same_file(&born(0, 1)));
        let unnumbered = Stat { identity: Identity::unnumbered(1), ..stat(1, 1) };
        assert!(!unnumbered.is_same_file(&unnumbered), "any file has this number");
        assert!(unnumbered.is_same_at_its_path(&stat(1, 1)) && !unnumbered.is_same_at_its_path(&stat(2, 1)));
    }
}
