//! lstat(2), with the birth time and a filesystem's name that survives a remount.

use std::io;
use std::path::Path;

use super::super::disk::DiskStat;

/// Kernels before 6.13 take a file's times from the tick, which is 1 to 10 ms long (`CONFIG_HZ` 1000 to 100).
const TICK_NS: i64 = 10_000_000;

/// Whether this kernel has timestamps that differ whenever a file does, since Linux 6.13, on the filesystems that take
/// part (multigrain timestamps, Documentation/filesystems/multigrain-ts.rst).
#[cfg(target_os = "linux")]
fn is_multigrain(release: &str) -> bool {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map_while(|digits| digits.parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(6), Some(13))
}

#[cfg(target_os = "linux")]
pub(super) use self::linux::{Stats, mounting};
#[cfg(not(target_os = "linux"))]
pub(super) use self::portable::Stats;

#[cfg(target_os = "linux")]
mod linux {
    use std::mem::MaybeUninit;
    use std::os::fd::{AsRawFd as _, BorrowedFd};

    use super::super::super::disk::Kind;
    use super::super::At;
    use super::super::c_path;
    use super::super::volume::{Facts, Filesystem, Volumes};
    use super::{DiskStat, Path, TICK_NS, io};
    use crate::model::asset::Identity;
    use crate::watch::filesystem::FilesystemKind;

    /// How often a path is asked for that goes from filesystem to filesystem meanwhile.
    const TRIES: usize = 3;

    #[derive(Debug)]
    pub(in super::super) struct Stats {
        volumes: Volumes,
        multigrain: bool,
    }

    impl Stats {
        pub(in super::super) fn new() -> Self {
            let release = std::fs::read_to_string("/proc/sys/kernel/osrelease");
            let multigrain = release.is_ok_and(|release| super::is_multigrain(&release));
            Self { volumes: Volumes::default(), multigrain }
        }

        /// How far apart two changes must be for the times of a file there to differ.
        fn granularity_ns(&self, filesystem: FilesystemKind, ctime_ns: i64, has_birth: bool) -> i64 {
            match filesystem.granularity_ms_of_file(ctime_ns, has_birth) {
                Some(ms) => ms * 1_000_000,
                None if self.multigrain && filesystem.is_multigrain() => 0,
                None => TICK_NS,
            }
        }

        pub(in super::super) fn stat(&self, path: &Path) -> io::Result<DiskStat> {
            let path = c_path(path)?;
            for _ in 0..TRIES {
                if let Some((stat, _)) = self.stat_once(At::Path(&path))? {
                    return Ok(stat);
                }
            }
            Err(io::Error::from_raw_os_error(libc::EBUSY))
        }

        /// What stat(2) says of an open file, and the kind of its filesystem.
        pub(in super::super) fn of_open(&self, file: BorrowedFd<'_>) -> io::Result<(DiskStat, FilesystemKind)> {
            self.stat_once(At::Open(file.as_raw_fd()))?.ok_or_else(|| io::Error::from_raw_os_error(libc::EBUSY))
        }

        /// `None` when the path went to another filesystem in the middle.
        fn stat_once(&self, at: At<'_>) -> io::Result<Option<(DiskStat, FilesystemKind)>> {
            const FLAGS: libc::c_int = libc::AT_SYMLINK_NOFOLLOW | libc::AT_NO_AUTOMOUNT;
            const MASK: libc::c_uint =
                libc::STATX_BASIC_STATS | libc::STATX_BTIME | libc::STATX_MNT_ID_UNIQUE | libc::STATX_SUBVOL;

            let (fd, path, flags) = match at {
                At::Path(path) => (libc::AT_FDCWD, path, FLAGS),
                At::Open(fd) => (fd, c"", libc::AT_EMPTY_PATH),
            };
            let mut statx = MaybeUninit::<libc::statx>::uninit();
            // SAFETY: the path is a C string and the buffer a statx of ours; both outlive the call.
            let code = unsafe { libc::statx(fd, path.as_ptr(), flags, MASK, statx.as_mut_ptr()) };
            if code != 0 {
                return Err(io::Error::last_os_error());
            }
            // SAFETY: the call succeeded, so it is filled in.
            let statx = unsafe { statx.assume_init() };
            let kind = match u32::from(statx.stx_mode) & libc::S_IFMT {
                libc::S_IFREG => Kind::File,
                libc::S_IFDIR => Kind::Directory,
                libc::S_IFLNK => Kind::Link,
                _ => Kind::Other,
            };
            let facts = if matches!(kind, Kind::Link | Kind::Other) {
                Some(Facts { volume: 0, filesystem: 0, kind: FilesystemKind::of_magic(0) })
            } else {
                let is_unique = statx.stx_mask & libc::STATX_MNT_ID_UNIQUE != 0;
                let mount = if is_unique { statx.stx_mnt_id } else { 0 };
                let subvolume = if statx.stx_mask & libc::STATX_SUBVOL != 0 { statx.stx_subvol } else { 0 };
                let device = (statx.stx_dev_major, statx.stx_dev_minor);
                self.volumes.facts(at, Filesystem { device, mount, subvolume })?
            };
            let has_birth = statx.stx_mask & libc::STATX_BTIME != 0;
            let birth_ns = if has_birth { ns(&statx.stx_btime) } else { 0 };
            let is_mount_root = statx.stx_attributes & libc::STATX_ATTR_MOUNT_ROOT as u64 != 0;
            let stat = |Facts { volume, filesystem: whole, kind: filesystem }| {
                let identity = match filesystem.has_stable_inodes() {
                    true => Identity { volume, inode: statx.stx_ino, birth_ns },
                    false => Identity::unnumbered(volume),
                };
                let stat = DiskStat {
                    kind,
                    identity,
                    size: statx.stx_size,
                    mtime_ns: ns(&statx.stx_mtime),
                    ctime_ns: ns(&statx.stx_ctime),
                    links: statx.stx_nlink.into(),
                    uid: statx.stx_uid,
                    is_mount_root,
                    filesystem: whole,
                    granularity_ns: self.granularity_ns(filesystem, ns(&statx.stx_ctime), has_birth),
                };
                (stat, filesystem)
            };
            Ok(facts.map(stat))
        }
    }

    /// The unique id of the mount that a path is on (Linux 6.8); 0 where there is none.
    pub(in super::super) fn mounting(path: &Path) -> u64 {
        const FLAGS: libc::c_int = libc::AT_SYMLINK_NOFOLLOW | libc::AT_NO_AUTOMOUNT;
        let Ok(path) = c_path(path) else { return 0 };
        let mut statx = MaybeUninit::<libc::statx>::uninit();
        // SAFETY: the path is a C string and the buffer a statx of ours; both outlive the call.
        let code =
            unsafe { libc::statx(libc::AT_FDCWD, path.as_ptr(), FLAGS, libc::STATX_MNT_ID_UNIQUE, statx.as_mut_ptr()) };
        if code != 0 {
            return 0;
        }
        // SAFETY: the call succeeded, so it is filled in.
        let statx = unsafe { statx.assume_init() };
        if statx.stx_mask & libc::STATX_MNT_ID_UNIQUE != 0 { statx.stx_mnt_id } else { 0 }
    }

    /// Nanoseconds since the epoch; a time past the year 2262 is the last that fits.
    fn ns(time: &libc::statx_timestamp) -> i64 {
        time.tv_sec.saturating_mul(1_000_000_000).saturating_add(time.tv_nsec.into())
    }
}

#[cfg(not(target_os = "linux"))]
mod portable {
    use std::os::unix::fs::MetadataExt as _;
    use std::time::UNIX_EPOCH;

    use super::super::kind;
    use super::{DiskStat, Path, TICK_NS, io};
    use crate::model::asset::Identity;

    #[derive(Debug)]
    pub(in super::super) struct Stats;

    impl Stats {
        pub(in super::super) fn new() -> Self {
            Self
        }

        /// The volume is the device number here: no portable call names a filesystem.
        pub(in super::super) fn stat(&self, path: &Path) -> io::Result<DiskStat> {
            let metadata = std::fs::symlink_metadata(path)?;
            let ns = |seconds: i64, ns: i64| seconds.saturating_mul(1_000_000_000).saturating_add(ns);
            let birth = metadata.created().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            Ok(DiskStat {
                kind: kind(metadata.file_type()),
                identity: Identity {
                    volume: metadata.dev(),
                    inode: metadata.ino(),
                    birth_ns: birth.and_then(|birth| i64::try_from(birth.as_nanos()).ok()).unwrap_or(0),
                },
                size: metadata.size(),
                mtime_ns: ns(metadata.mtime(), metadata.mtime_nsec()),
                ctime_ns: ns(metadata.ctime(), metadata.ctime_nsec()),
                links: metadata.nlink(),
                uid: metadata.uid(),
                is_mount_root: false,
                filesystem: metadata.dev(),
                granularity_ns: TICK_NS,
            })
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn multigrain_timestamps_came_with_6_13() {
        for (release, expect) in [
            ("6.13.0\n", true),
            ("6.18.44-fc", true),
            ("7.0-rc1", true),
            ("6.12.99-1-amd64", false),
            ("5.15.0", false),
            ("", false),
            ("odd", false),
        ] {
            assert_eq!(super::is_multigrain(release), expect, "{release}");
        }
    }
}
