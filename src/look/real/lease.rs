//! Asking for a read lease, which the kernel grants only when nobody has the file open for writing (fcntl(2),
//! `F_SETLEASE`).

#[cfg(target_os = "linux")]
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

#[cfg(target_os = "linux")]
use super::super::disk::Lease;

/// Ignores SIGIO, in the whole process.
///
/// Somebody who opens a file for writing in the microseconds between a lease's grant and its return breaks it, and the
/// kernel tells the holder with SIGIO, whose default action ends the process. There is nothing to do about it: the
/// lease is on its way back already, the writer waits just so long, and its close will be hinted.
pub fn ignore_lease_signals() {
    // SAFETY: SIG_IGN runs no code of ours, so nothing can run at a bad moment.
    unsafe { libc::signal(libc::SIGIO, libc::SIG_IGN) };
}

/// Opens a file to be asked about. Does not block, so a fifo that took its place does no harm. EWOULDBLOCK says that
/// another process holds a write lease: Samba and knfsd do for clients that may be writing.
#[cfg(target_os = "linux")]
pub(super) fn open(path: &std::ffi::CStr) -> std::io::Result<OwnedFd> {
    const FLAGS: libc::c_int = libc::O_RDONLY | libc::O_NONBLOCK | libc::O_CLOEXEC | libc::O_NOFOLLOW | libc::O_NOCTTY;

    // SAFETY: the path is a C string that outlives the call.
    let fd = unsafe { libc::open(path.as_ptr(), FLAGS) };
    if fd < 0 {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: `open` has just returned it, so it is open and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Whether anybody has an open regular file open for writing, as far as this kernel knows: of a filesystem that others
/// write to it says nothing either way (cifs refuses a lease with EAGAIN whenever its server has not granted one).
#[cfg(target_os = "linux")]
pub(super) fn ask(file: &OwnedFd) -> Lease {
    // SAFETY: the descriptor is open, and the argument of F_SETLEASE is an integer.
    let granted = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, libc::F_RDLCK) };
    if granted == 0 {
        // SAFETY: as above. Before the close, as a child between fork and exec may hold a copy of the descriptor.
        unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, libc::F_UNLCK) };
    }
    match granted {
        0 => Lease::Free,
        _ if errno() == libc::EAGAIN => Lease::Busy,
        _ => Lease::Unknown,
    }
}

#[cfg(target_os = "linux")]
fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}
