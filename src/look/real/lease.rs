//! Asking for a read lease, which the kernel grants only when nobody has the file open for writing (fcntl(2),
//! `F_SETLEASE`).

use std::path::Path;

use super::super::disk::Lease;
#[cfg(target_os = "linux")]
use crate::watch::filesystem::FilesystemKind;

/// Ignores SIGIO, in the whole process.
///
/// Somebody who opens a file for writing in the microseconds between a lease's grant and its return breaks it, and the
/// kernel tells the holder with SIGIO, whose default action ends the process. There is nothing to do about it: the
/// lease is on its way back already, the writer waits just so long, and its close will be hinted.
pub fn ignore_lease_signals() {
    // SAFETY: SIG_IGN runs no code of ours, so nothing can run at a bad moment.
    unsafe { libc::signal(libc::SIGIO, libc::SIG_IGN) };
}

/// Whether anybody has a regular file open for writing. Neither blocks nor changes the file's times: it is opened
/// without waiting (so a fifo that took its place does no harm) and never read.
#[cfg(target_os = "linux")]
pub(super) fn probe(path: &Path) -> Lease {
    use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

    const FLAGS: libc::c_int = libc::O_RDONLY | libc::O_NONBLOCK | libc::O_CLOEXEC | libc::O_NOFOLLOW | libc::O_NOCTTY;

    let Ok(path) = super::c_path(path) else { return Lease::Unknown };
    // SAFETY: the path is a C string that outlives the call.
    let fd = unsafe { libc::open(path.as_ptr(), FLAGS) };
    if fd < 0 {
        // Another process holds a write lease (Samba and knfsd do for clients that may be writing).
        return if errno() == libc::EWOULDBLOCK { Lease::Busy } else { Lease::Unknown };
    }
    // SAFETY: `open` has just returned it, so it is open and nobody else's.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    // SAFETY: the descriptor is open, and the argument of F_SETLEASE is an integer.
    let granted = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETLEASE, libc::F_RDLCK) };
    if granted == 0 {
        // SAFETY: as above. Before the close, as a child between fork and exec may hold a copy of the descriptor.
        unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETLEASE, libc::F_UNLCK) };
    }
    let answer = match granted {
        0 => Lease::Free,
        _ if errno() == libc::EAGAIN => Lease::Busy,
        _ => Lease::Unknown,
    };
    if answer != Lease::Unknown && is_remote(&fd) { Lease::Unknown } else { answer }
}

/// Leases are Linux's.
#[cfg(not(target_os = "linux"))]
pub(super) fn probe(_path: &Path) -> Lease {
    Lease::Unknown
}

#[cfg(target_os = "linux")]
fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// Whether the file is on a filesystem that others may write to without this kernel's knowledge, where a lease says
/// nothing either way (cifs refuses one with EAGAIN whenever its server has not granted one).
#[cfg(target_os = "linux")]
fn is_remote(fd: &impl std::os::fd::AsRawFd) -> bool {
    let mut statfs = std::mem::MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: the descriptor is open, and the buffer is a statfs of ours.
    if unsafe { libc::fstatfs(fd.as_raw_fd(), statfs.as_mut_ptr()) } != 0 {
        return true;
    }
    // SAFETY: the call succeeded, so it is filled in.
    FilesystemKind::of_magic(unsafe { statfs.assume_init() }.f_type as u32).is_remote()
}
