//! Which filesystem a file is on, by a number that is the same after a remount (statfs(2) `f_fsid`, or the UUID where
//! that is only the device's number), and of which kind.

use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::super::fault::is_absence;
use super::{At, mountinfo};
use crate::watch::filesystem::FilesystemKind;

/// What is known of a filesystem.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    /// Its number; a subvolume has one of its own.
    pub(super) volume: u64,
    /// The number of the whole filesystem.
    pub(super) filesystem: u64,
    pub(super) kind: FilesystemKind,
}

/// A filesystem as a stat names it: true only while it is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Filesystem {
    /// `st_dev`, major and minor.
    pub(super) device: (u32, u32),
    /// The mount's id that is never used again (`STATX_MNT_ID_UNIQUE`, Linux 6.8); 0 before.
    pub(super) mount: u64,
    /// The subvolume's id, which is never used again (`STATX_SUBVOL`, Linux 6.10); 0 before, and where there are none.
    /// btrfs gives the device number of a removed subvolume to the next one that is made.
    pub(super) subvolume: u64,
}

/// The numbers of the filesystems seen lately, so that a stat does not cost a statfs.
#[derive(Debug, Default)]
pub(super) struct Volumes(Mutex<Vec<Known>>);

#[derive(Debug)]
struct Known {
    filesystem: Filesystem,
    facts: Facts,
    asked: Instant,
}

impl Known {
    /// Whether its number is believed without asking.
    fn is_fresh(&self, now: Instant) -> bool {
        now.duration_since(self.asked) < KEEP
    }
}

/// How long a number is believed: a device number may name another filesystem after an unmount and a mount.
const KEEP: Duration = Duration::from_secs(1);
/// Filesystems that are kept; others are asked each time. A list of so many is searched in no time, and there are
/// hardly more filesystems than mounts.
const KEPT_MAX: usize = 64;

impl Volumes {
    /// The filesystem that `at` was just seen to be on; `None` when something of another filesystem stands there by
    /// now.
    pub(super) fn facts(&self, at: At<'_>, filesystem: Filesystem) -> io::Result<Option<Facts>> {
        let now = Instant::now();
        if let Some(known) = self.kept().iter().find(|known| known.filesystem == filesystem)
            && known.is_fresh(now)
        {
            return Ok(Some(known.facts));
        }
        let (mut facts, device) = match at {
            At::Path(path) => ask(opened(path, libc::O_PATH)?.as_raw_fd())?,
            At::Open(fd) => ask(fd)?,
        };
        if device != filesystem.device {
            return Ok(None);
        }
        // xfs and vfat have no other id, and a disk may have another number after the next start.
        let needs_uuid = facts.volume == makedev(device);
        facts.filesystem = facts.volume;
        if needs_uuid || facts.kind.has_subvolumes() {
            let file = match readable(at) {
                Ok(file) => file,
                Err(error) if is_absence(&error) => return Ok(None),
                // That this file cannot be read says nothing of its filesystem: the numbers stay what they were.
                Err(_) => {
                    let known =
                        self.kept().iter().find(|known| known.filesystem == filesystem).map(|known| known.facts);
                    return Ok(Some(known.filter(|_| filesystem.mount != 0).unwrap_or(facts)));
                }
            };
            if needs_uuid {
                facts.volume = uuid(file.fd()).unwrap_or(facts.volume);
            }
            facts.filesystem = match facts.kind.has_subvolumes() {
                true => btrfs(file.fd()).unwrap_or(facts.volume),
                false => facts.volume,
            };
        }
        let mut kept = self.kept();
        kept.retain(|known| known.filesystem != filesystem && (known.filesystem.mount != 0 || known.is_fresh(now)));
        if kept.len() == KEPT_MAX {
            kept.retain(|known| known.is_fresh(now));
        }
        if kept.len() < KEPT_MAX {
            kept.push(Known { filesystem, facts, asked: now });
        }
        Ok(Some(facts))
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A descriptor of what stands at a path. With `O_PATH` it opens nothing and so causes no event.
fn opened(path: &CStr, how: libc::c_int) -> io::Result<OwnedFd> {
    // SAFETY: the path is a C string that outlives the call.
    let fd = unsafe { libc::open(path.as_ptr(), how | libc::O_NOFOLLOW | libc::O_CLOEXEC) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `open` has just returned it, so it is open and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The filesystem of an open file, and its device. Both of one descriptor, so they are of one file.
fn ask(fd: RawFd) -> io::Result<(Facts, (u32, u32))> {
    let mut statfs = MaybeUninit::<libc::statfs>::uninit();
    let mut stat = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the descriptor is open, and both buffers are ours and of the right type.
    let codes = unsafe { (libc::fstatfs(fd, statfs.as_mut_ptr()), libc::fstat(fd, stat.as_mut_ptr())) };
    if codes != (0, 0) {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: both calls succeeded, so both are filled in.
    let (statfs, device) = unsafe { (statfs.assume_init(), stat.assume_init().st_dev) };
    // SAFETY: fsid_t is two C ints (statfs(2)), which libc keeps private.
    let fsid: [u32; 2] = unsafe { std::mem::transmute(statfs.f_fsid) };
    let fsid = u64::from(fsid[0]) | u64::from(fsid[1]) << 32;
    let (kind, device) = (FilesystemKind::of_magic(statfs.f_type as u32), (libc::major(device), libc::minor(device)));
    let volume = if fsid == 0 { by_source(device) } else { fsid };
    Ok((Facts { volume, filesystem: volume, kind }, device))
}

/// The number that a filesystem without an id of its own gives for one.
fn makedev((major, minor): (u32, u32)) -> u64 {
    libc::makedev(major, minor)
}

/// A file that takes ioctls.
enum Readable {
    Opened(OwnedFd),
    Given(RawFd),
}

impl Readable {
    fn fd(&self) -> RawFd {
        match self {
            Self::Opened(file) => file.as_raw_fd(),
            Self::Given(fd) => *fd,
        }
    }
}

/// Opens what is at a path for reading. Without waiting, should it be a fifo by now.
fn readable(at: At<'_>) -> io::Result<Readable> {
    match at {
        At::Path(path) => opened(path, libc::O_RDONLY | libc::O_NONBLOCK | libc::O_NOCTTY).map(Readable::Opened),
        At::Open(fd) => Ok(Readable::Given(fd)),
    }
}

/// A number of a filesystem's UUID (ioctl `FS_IOC_GETFSUUID`, Linux 6.9); none where it has none, or the system cannot
/// say. Both halves of it in one, as ext4 does for its `f_fsid`.
fn uuid(fd: RawFd) -> Option<u64> {
    /// `_IOR(0x15, 0, struct fsuuid2)`, linux/fs.h.
    // The type of a request is the C library's choice: an int in musl, an unsigned long in glibc. The kernel reads 32
    // bits.
    const FS_IOC_GETFSUUID: libc::Ioctl = 0x8011_1500_u32 as libc::Ioctl;
    /// `struct fsuuid2`.
    #[repr(C)]
    struct FsUuid {
        length: u8,
        uuid: [u8; 16],
    }

    let mut answer = FsUuid { length: 0, uuid: [0; 16] };
    // SAFETY: the descriptor is open, and the argument is laid out as the call says, and ours.
    let is_known = unsafe { libc::ioctl(fd, FS_IOC_GETFSUUID, &raw mut answer) == 0 };
    (is_known && answer.length == 16).then(|| halves(&answer.uuid)).filter(|&uuid| uuid != 0)
}

/// A number of a btrfs as a whole, of its UUID (ioctl `BTRFS_IOC_FS_INFO`): `f_fsid` differs from subvolume to
/// subvolume.
fn btrfs(fd: RawFd) -> Option<u64> {
    /// `_IOR(0x94, 31, struct btrfs_ioctl_fs_info_args)`, linux/btrfs.h.
    const BTRFS_IOC_FS_INFO: libc::c_ulong = 0x8400_941F;
    /// `struct btrfs_ioctl_fs_info_args`: of its 1,024 bytes the UUID lies behind two numbers of 64 bits.
    const UUID_AT: usize = 16;

    let mut answer = [0_u8; 1024];
    // SAFETY: the descriptor is open, and the buffer is as large as the call's structure, and ours.
    let is_known = unsafe { libc::ioctl(fd, BTRFS_IOC_FS_INFO as _, answer.as_mut_ptr()) == 0 };
    let uuid: &[u8; 16] = answer[UUID_AT..].first_chunk()?;
    is_known.then(|| halves(uuid)).filter(|&uuid| uuid != 0)
}

/// Both halves of a UUID in one, as ext4 does for its `f_fsid`.
fn halves(uuid: &[u8; 16]) -> u64 {
    let (low, high) = uuid.split_at(8);
    let half = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap_or_default());
    half(low) ^ half(high)
}

/// A number for a filesystem that has no id (NFS, FUSE): of its type and its source, which are the same at the next
/// mount. Its device's number is not, and stands in only where the system does not tell more.
fn by_source(device: (u32, u32)) -> u64 {
    let mounted = mountinfo::mounted().unwrap_or_default();
    match mounted.into_iter().find(|mounted| mounted.device == device) {
        Some(mounted) => mountinfo::hash(&mounted.what),
        None => mountinfo::hash(&makedev(device).to_le_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::{At, Filesystem, KEPT_MAX, Volumes, ask, opened};
    use std::os::fd::AsRawFd as _;

    /// Mounts of one filesystem count as different: a filesystem that is not kept has the number of one that is.
    #[test]
    fn filesystems_beyond_the_limit_are_not_kept_and_have_the_same_numbers() {
        let here = opened(c".", libc::O_PATH).expect("a directory");
        let (_, device) = ask(here.as_raw_fd()).expect("a filesystem");
        let volumes = Volumes::default();
        let number = |mount: usize| {
            let filesystem = Filesystem { device, mount: mount as u64, subvolume: 0 };
            let facts = volumes.facts(At::Open(here.as_raw_fd()), filesystem);
            let facts = facts.expect("a filesystem").expect("the same filesystem");
            (facts.volume, facts.filesystem)
        };
        let first = number(0);
        for mount in 1..KEPT_MAX + 2 {
            assert_eq!(number(mount), first);
            // On a slow machine some are too old to be kept by now.
            assert!(volumes.kept().len() <= KEPT_MAX, "{mount}");
        }
    }
}
