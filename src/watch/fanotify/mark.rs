//! fanotify's group and its marks: fanotify_init(2), fanotify_mark(2).

use std::fs;
use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::handle::c_path;

/// Everything that may change an asset. Not OPEN and ACCESS, which our own looks and listings would cause.
const MASK: u64 = libc::FAN_CREATE
    | libc::FAN_DELETE
    | libc::FAN_MODIFY
    | libc::FAN_CLOSE_WRITE
    | libc::FAN_ATTRIB
    | libc::FAN_RENAME
    | libc::FAN_ONDIR;

/// A group that reports handles, names and both ends of a rename, with a bounded queue.
pub(super) fn group() -> io::Result<OwnedFd> {
    let flags = libc::FAN_CLASS_NOTIF | libc::FAN_CLOEXEC | libc::FAN_NONBLOCK | libc::FAN_REPORT_DFID_NAME_TARGET;
    // SAFETY: no pointers.
    let fd = unsafe { libc::fanotify_init(flags, libc::O_RDONLY as libc::c_uint) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `fanotify_init` has just returned it, so it is open and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Marks the filesystem that a directory is on. Doing so again is harmless.
pub(super) fn add_filesystem(group: RawFd, dir: &Path) -> io::Result<()> {
    mark(group, libc::FAN_MARK_ADD | libc::FAN_MARK_FILESYSTEM, MASK, dir)
}

/// Keeps out what happens to the files directly in a directory.
pub(super) fn ignore_directory(group: &OwnedFd, dir: &Path) -> io::Result<()> {
    let flags = libc::FAN_MARK_ADD | libc::FAN_MARK_IGNORE_SURV | libc::FAN_MARK_ONLYDIR;
    mark(group.as_raw_fd(), flags, MASK & !libc::FAN_RENAME | libc::FAN_EVENT_ON_CHILD, dir)
}

/// Whether the filesystem that a directory is on is marked: proc(5), `fdinfo`, `sdev:` in hexadecimal.
pub(super) fn stands(group: RawFd, dir: &Path) -> io::Result<bool> {
    let device = fs::symlink_metadata(dir)?.dev();
    // The kernel's own form of a device number: MAJOR(20 bits above) MINOR(20 bits).
    let device = format!("fanotify sdev:{:x} ", u64::from(libc::major(device)) << 20 | u64::from(libc::minor(device)));
    let marks = fs::read_to_string(format!("/proc/self/fdinfo/{group}"))?;
    Ok(marks.lines().any(|line| line.starts_with(&device)))
}

fn mark(group: RawFd, flags: libc::c_uint, mask: u64, dir: &Path) -> io::Result<()> {
    let dir = c_path(dir)?;
    // SAFETY: the descriptor is open, and the path is a C string that outlives the call.
    let code = unsafe { libc::fanotify_mark(group, flags, mask, libc::AT_FDCWD, dir.as_ptr()) };
    if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
