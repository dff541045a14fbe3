//! What kind of filesystem a directory is on, and what follows for watching it.

use std::io;
use std::path::Path;

/// A kind of filesystem, as statfs(2) `f_type` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilesystemKind(u32);

/// What is known of a kind.
struct Known {
    magic: u32,
    name: &'static str,
    nature: Nature,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nature {
    /// Only this kernel writes to it.
    Local,
    /// The same, and a file may have another inode number after a change of its attributes (it is copied from a lower
    /// layer to the upper one), or after the next mount.
    LocalUnnumbered,
    /// Others may write to it without this kernel's knowledge: no events, and leases say nothing either way.
    Remote,
    /// The same, and a file may have another inode number after the next mount, or after it fell out of a cache.
    RemoteUnnumbered,
}

/// The numbers: linux/magic.h and its neighbours, and GNU coreutils, src/stat.c.
const KNOWN: [Known; 47] = {
    use Nature::{Local, LocalUnnumbered, Remote, RemoteUnnumbered};
    const fn known(magic: u32, name: &'static str, nature: Nature) -> Known {
        Known { magic, name, nature }
    }
    [
        known(0xEF53, "ext4", Local),
        known(0x5846_5342, "xfs", Local),
        known(0x9123_683E, "btrfs", Local),
        known(0x0102_1994, "tmpfs", Local),
        known(0x794C_7630, "overlayfs", LocalUnnumbered),
        known(0x6175_6673, "aufs", LocalUnnumbered),
        known(0xF15F_083D, "unionfs", LocalUnnumbered),
        // These show the inode numbers of the filesystem below.
        known(0xF15F, "ecryptfs", Local),
        known(0x6A65_6A62, "shiftfs", Local),
        known(0x2FC1_2FC1, "zfs", Local),
        known(0xF2F5_2010, "f2fs", Local),
        known(0xCA45_1A4E, "bcachefs", Local),
        known(0x4D44, "vfat", Local),
        known(0x2011_BAB0, "exfat", Local),
        known(0x4244, "hfs", Local),
        known(0x482B, "hfsplus", Local),
        known(0x5346_544E, "ntfs", Local),
        known(0x7366_746E, "ntfs3", Local),
        known(0x9660, "iso9660", Local),
        known(0x1501_3346, "udf", Local),
        known(0x7371_7368, "squashfs", Local),
        known(0x5265_4973, "reiserfs", Local),
        known(0x3153_464A, "jfs", Local),
        known(0x72B6, "jffs2", Local),
        known(0x2405_1905, "ubifs", Local),
        known(0x3434, "nilfs", Local),
        known(0x6969, "nfs", Remote),
        known(0x517B, "smb", RemoteUnnumbered),
        known(0xFF53_4D42, "cifs", RemoteUnnumbered),
        known(0xFE53_4D42, "smb2", RemoteUnnumbered),
        known(0x6573_5546, "fuse", RemoteUnnumbered),
        known(0x0102_1997, "9p", Remote),
        known(0x5346_414F, "afs", Remote),
        known(0x6B41_4653, "afs", Remote),
        known(0x00C3_6400, "ceph", Remote),
        known(0x7375_7245, "coda", Remote),
        known(0x564C, "ncp", Remote),
        known(0x7461_636F, "ocfs2", Remote),
        known(0x0116_1970, "gfs2", Remote),
        known(0x0BD0_0BD0, "lustre", Remote),
        known(0x4750_4653, "gpfs", Remote),
        known(0x1983_0326, "beegfs", Remote),
        known(0xBEEF_DEAD, "snfs", Remote),
        known(0xAAD7_AAEA, "panfs", Remote),
        known(0x6163_6673, "acfs", Remote),
        known(0x786F_4256, "vboxsf", RemoteUnnumbered),
        known(0xBACB_ACBC, "vmhgfs", RemoteUnnumbered),
    ]
};

impl FilesystemKind {
    /// The kind that a statfs(2) has told. Its type differs between platforms; a magic number is its lower 32 bits.
    #[must_use]
    pub fn of_magic(f_type: u32) -> Self {
        Self(f_type)
    }

    /// The kind of the filesystem that a directory is on.
    ///
    /// # Errors
    /// As the system says.
    #[cfg(target_os = "linux")]
    pub fn of(dir: &Path) -> io::Result<Self> {
        use std::os::unix::ffi::OsStrExt as _;

        let dir = std::ffi::CString::new(dir.as_os_str().as_bytes())?;
        let mut statfs = std::mem::MaybeUninit::<libc::statfs>::uninit();
        // SAFETY: the path is a C string and the buffer a statfs of ours; both outlive the call.
        if unsafe { libc::statfs(dir.as_ptr(), statfs.as_mut_ptr()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call succeeded, so it is filled in.
        Ok(Self::of_magic(unsafe { statfs.assume_init() }.f_type as u32))
    }

    /// The kind of the filesystem that a directory is on: not told here.
    ///
    /// # Errors
    /// None.
    #[cfg(not(target_os = "linux"))]
    pub fn of(_dir: &Path) -> io::Result<Self> {
        Ok(Self(0))
    }

    /// Its name for people: `ext4`; a number where it has none.
    #[must_use]
    pub fn name(self) -> String {
        self.known().map_or_else(|| format!("filesystem type {:#x}", self.0), |known| known.name.to_owned())
    }

    /// Whether others may write to it without this kernel's knowledge.
    #[must_use]
    pub fn is_remote(self) -> bool {
        self.known().is_some_and(|known| matches!(known.nature, Nature::Remote | Nature::RemoteUnnumbered))
    }

    /// Whether a file keeps its inode number for life.
    #[must_use]
    pub fn has_stable_inodes(self) -> bool {
        self.known().is_none_or(|known| !matches!(known.nature, Nature::LocalUnnumbered | Nature::RemoteUnnumbered))
    }

    /// Whether the kernel gives its files exact times, where it does at all (Linux 6.13, the `FS_MGTIME` filesystems).
    #[must_use]
    pub fn is_multigrain(self) -> bool {
        matches!(self.known().map(|known| known.name), Some("ext4" | "xfs" | "btrfs" | "tmpfs"))
    }

    /// Whether parts of it have numbers of their own (btrfs subvolumes).
    #[must_use]
    pub fn has_subvolumes(self) -> bool {
        self.known().is_some_and(|known| known.name == "btrfs")
    }

    /// How coarse the times that it stores are, milliseconds, where that is coarser than the kernel's clock.
    #[must_use]
    pub fn granularity_ms(self) -> Option<i64> {
        match self.known().map(|known| known.name) {
            Some("vfat") => Some(2_000),
            Some("exfat") => Some(10),
            // A Windows server's clock ticks 64 times a second.
            Some("smb" | "cifs" | "smb2") => Some(16),
            Some("hfs" | "hfsplus" | "iso9660" | "squashfs" | "reiserfs" | "jffs2") => Some(1_000),
            _ => None,
        }
    }

    /// How coarse the times of one file are, milliseconds, where its own stat shows it. `ctime_ns` is no time that a
    /// user can set, so whole seconds are the filesystem's: ext3, ext4 with 128-byte inodes, an old NFS server, or a
    /// layer over one of them. `has_birth`: it has a birth time; an ext4 inode that is too small for one is too small
    /// for nanoseconds.
    #[must_use]
    pub fn granularity_ms_of_file(self, ctime_ns: i64, has_birth: bool) -> Option<i64> {
        const SECOND_NS: i64 = 1_000_000_000;
        let is_small_inode = !has_birth && self.known().is_some_and(|known| known.name == "ext4");
        let shows_seconds = ctime_ns % SECOND_NS == 0 || is_small_inode;
        let own = shows_seconds.then_some(1_000);
        self.granularity_ms().max(own)
    }

    fn known(self) -> Option<&'static Known> {
        KNOWN.iter().find(|known| known.magic == self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{FilesystemKind, KNOWN};

    #[test]
    fn kinds_are_known_once_and_the_unknown_count_as_local() {
        for (n, one) in KNOWN.iter().enumerate() {
            assert!(KNOWN[..n].iter().all(|other| other.magic != one.magic), "{}", one.name);
        }
        let kind = FilesystemKind::of_magic(0x6573_5546);
        assert!(kind.is_remote() && !kind.has_stable_inodes() && kind.name() == "fuse");
        let kind = FilesystemKind::of_magic(0x6969);
        assert!(kind.is_remote() && kind.has_stable_inodes());
        assert_eq!((FilesystemKind::of_magic(0x4D44).granularity_ms(), kind.is_multigrain()), (Some(2_000), false));
        let ext4 = FilesystemKind::of_magic(0xEF53);
        assert!(ext4.is_multigrain());
        let overlay = FilesystemKind::of_magic(0x794C_7630);
        assert!(!overlay.is_remote() && !overlay.has_stable_inodes());
        assert_eq!(ext4.granularity_ms_of_file(5_000_000_001, true), None);
        assert_eq!(ext4.granularity_ms_of_file(5_000_000_001, false), Some(1_000), "a small inode");
        assert_eq!(overlay.granularity_ms_of_file(5_000_000_000, false), Some(1_000), "over small inodes");
        assert_eq!(overlay.granularity_ms_of_file(5_000_000_001, false), None);
        assert_eq!(FilesystemKind::of_magic(0x4D44).granularity_ms_of_file(6_000_000_000, false), Some(2_000));
        let kind = FilesystemKind::of_magic(0x1234);
        assert!(!kind.is_multigrain());
        assert!(!kind.is_remote() && kind.has_stable_inodes() && kind.name() == "filesystem type 0x1234");
    }
}
