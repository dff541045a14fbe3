//! Which filesystem a file is on, by a number that is the same after a remount: statfs(2) `f_fsid`.

use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A filesystem as a stat names it: true only while it is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Filesystem {
    /// `st_dev`, major and minor.
    pub(super) device: (u32, u32),
    /// The mount's id that is never used again (`STATX_MNT_ID_UNIQUE`, Linux 6.8); 0 before.
    pub(super) mount: u64,
}

/// The numbers of the filesystems seen lately, so that a stat does not cost a statfs.
#[derive(Debug, Default)]
pub(super) struct Volumes(Mutex<Vec<Known>>);

#[derive(Debug)]
struct Known {
    filesystem: Filesystem,
    volume: u64,
    asked: Instant,
}

/// How long a number is believed: a device number may name another filesystem after an unmount and a mount.
const KEEP: Duration = Duration::from_secs(1);
/// How many are kept. A list is enough: there are as many as mounts.
const KEPT_MAX: usize = 64;

impl Volumes {
    /// The number of the filesystem that `path` was just seen to be on; `None` when something of another filesystem
    /// stands there by now.
    pub(super) fn volume(&self, path: &CStr, filesystem: Filesystem) -> io::Result<Option<u64>> {
        let now = Instant::now();
        if let Some(known) = self.kept().iter().find(|known| known.filesystem == filesystem)
            && now.duration_since(known.asked) < KEEP
        {
            return Ok(Some(known.volume));
        }
        let (volume, device) = ask(path)?;
        if device != filesystem.device {
            return Ok(None);
        }
        let mut kept = self.kept();
        kept.retain(|known| known.filesystem != filesystem && now.duration_since(known.asked) < KEEP);
        if kept.len() < KEPT_MAX {
            kept.push(Known { filesystem, volume, asked: now });
        }
        Ok(Some(volume))
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The number of the filesystem at a path, and its device. Both of one descriptor, so they are of one file; an
/// `O_PATH` descriptor, which opens nothing and so causes no event.
fn ask(path: &CStr) -> io::Result<(u64, (u32, u32))> {
    // SAFETY: the path is a C string that outlives the call.
    let fd = unsafe { libc::open(path.as_ptr(), libc::O_PATH | libc::O_NOFOLLOW | libc::O_CLOEXEC) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `open` has just returned it, so it is open and nobody else's.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    let mut statfs = MaybeUninit::<libc::statfs>::uninit();
    let mut stat = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the descriptor is open, and both buffers are ours and of the right type.
    let codes =
        unsafe { (libc::fstatfs(fd.as_raw_fd(), statfs.as_mut_ptr()), libc::fstat(fd.as_raw_fd(), stat.as_mut_ptr())) };
    if codes != (0, 0) {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: both calls succeeded, so both are filled in.
    let (statfs, device) = unsafe { (statfs.assume_init(), stat.assume_init().st_dev) };
    // SAFETY: fsid_t is two C ints (statfs(2)), which libc keeps private.
    let fsid: [u32; 2] = unsafe { std::mem::transmute(statfs.f_fsid) };
    let fsid = u64::from(fsid[0]) | u64::from(fsid[1]) << 32;
    // Some filesystems have none (NFS, FUSE): a number of the device then, which holds while it stays mounted.
    Ok((if fsid == 0 { spread(device) } else { fsid }, (libc::major(device), libc::minor(device))))
}

/// Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (2014), the finalizer of SplitMix64: a
/// fixed function, since its results are stored.
fn spread(device: u64) -> u64 {
    let mut z = device.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
