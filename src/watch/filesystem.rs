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
    /// Others may write to it without this kernel's knowledge: no events, and leases say nothing either way.
    Remote,
    /// The same, and a file may have another inode number after the next mount, or after it fell out of a cache.
    RemoteUnnumbered,
}

/// The numbers: linux/magic.h and its neighbours, and GNU coreutils, src/stat.c.
const KNOWN: [Known; 31] = {
    use Nature::{Local, Remote, RemoteUnnumbered};
    const fn known(magic: u32, name: &'static str, nature: Nature) -> Known {
        Known { magic, name, nature }
    }
    [
        known(0xEF53, "ext4", Local),
        known(0x5846_5342, "xfs", Local),
        known(0x9123_683E, "btrfs", Local),
        known(0x0102_1994, "tmpfs", Local),
        known(0x794C_7630, "overlayfs", Local),
        known(0x2FC1_2FC1, "zfs", Local),
        known(0xF2F5_2010, "f2fs", Local),
        known(0xCA45_1A4E, "bcachefs", Local),
        known(0x4D44, "vfat", Local),
        known(0x2011_BAB0, "exfat", Local),
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
        self.known().is_some_and(|known| known.nature != Nature::Local)
    }

    /// Whether a file keeps its inode number for life.
    #[must_use]
    pub fn has_stable_inodes(self) -> bool {
        self.known().is_none_or(|known| known.nature != Nature::RemoteUnnumbered)
    }

    /// Whether the kernel gives its files exact times, where it does at all (Linux 6.13, the `FS_MGTIME` filesystems).
    #[must_use]
    pub fn is_multigrain(self) -> bool {
        matches!(self.known().map(|known| known.name), Some("ext4" | "xfs" | "btrfs" | "tmpfs"))
    }

    /// How coarse the times that it stores are, milliseconds, where that is coarser than the kernel's clock.
    #[must_use]
    pub fn granularity_ms(self) -> Option<i64> {
        match self.known().map(|known| known.name) {
            Some("vfat") => Some(2_000),
            Some("exfat") => Some(10),
            _ => None,
        }
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
        assert!(FilesystemKind::of_magic(0xEF53).is_multigrain());
        let kind = FilesystemKind::of_magic(0x1234);
        assert!(!kind.is_multigrain());
        assert!(!kind.is_remote() && kind.has_stable_inodes() && kind.name() == "filesystem type 0x1234");
    }
}
