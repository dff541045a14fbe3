//! File handles of directories (name_to_handle_at(2), open_by_handle_at(2)), to tell a directory that was removed from
//! one that was moved away or is covered. A handle keeps neither its directory nor its filesystem in use.

use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};
use std::path::Path;

use super::c_path;
use crate::model::root::Handle;

/// Bytes of a file handle. The kernel makes none that is longer (linux/exportfs.h: MAX_HANDLE_SZ).
const HANDLE_MAX: usize = 128;

/// `struct file_handle` with room for the largest.
#[repr(C)]
struct FileHandle {
    bytes: u32,
    kind: i32,
    handle: [u8; HANDLE_MAX],
}

impl FileHandle {
    /// The kernel's form of a handle; `None` where it is too short or too long to be one.
    fn read(handle: &Handle) -> Option<Self> {
        let (kind, bytes) = handle.0.split_first_chunk::<4>()?;
        let mut out = Self { bytes: bytes.len() as u32, kind: i32::from_ne_bytes(*kind), handle: [0; HANDLE_MAX] };
        out.handle.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(out)
    }
}

/// Opens a directory. For reading: a descriptor that was opened with `O_PATH` takes no ioctl, and `open_by_handle_at`
/// refuses it.
pub(super) fn open(dir: &Path) -> Option<OwnedFd> {
    let dir = c_path(dir).ok()?;
    let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC | libc::O_NOFOLLOW;
    // SAFETY: the path is a C string that outlives the call.
    let fd = unsafe { libc::open(dir.as_ptr(), flags) };
    // SAFETY: `open` has just returned it, so it is open and owned by nothing else.
    (fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The handle of an open directory; `None` where its filesystem has none.
pub(super) fn of(dir: BorrowedFd<'_>) -> Option<Handle> {
    let mut handle = FileHandle { bytes: HANDLE_MAX as u32, kind: 0, handle: [0; HANDLE_MAX] };
    let mut mount = 0;
    // SAFETY: the descriptor is open and the empty name a C string; the handle is laid out as `struct file_handle` with
    // as much room as it says; all of it outlives the call.
    let code = unsafe {
        let (fd, name) = (dir.as_raw_fd(), c"".as_ptr());
        libc::name_to_handle_at(fd, name, (&raw mut handle).cast(), &raw mut mount, libc::AT_EMPTY_PATH)
    };
    if code != 0 {
        return None;
    }
    let mut out = handle.kind.to_ne_bytes().to_vec();
    out.extend(&handle.handle[..(handle.bytes as usize).min(HANDLE_MAX)]);
    Some(Handle(out))
}

/// Whether the directory of a handle was removed from the filesystem that `dir` is on: the kernel says ESTALE. It says
/// so only to callers with CAP_DAC_READ_SEARCH; to others nothing is said, which counts as no.
pub(super) fn was_removed(dir: &Path, handle: &Handle) -> bool {
    let Some(mut known) = FileHandle::read(handle) else { return false };
    let Some(at) = open(dir) else { return false };
    // SAFETY: the descriptor is open, and the handle is laid out as `struct file_handle` and outlives the call.
    let fd =
        unsafe { libc::open_by_handle_at(at.as_raw_fd(), (&raw mut known).cast(), libc::O_PATH | libc::O_CLOEXEC) };
    if fd < 0 {
        return std::io::Error::last_os_error().raw_os_error() == Some(libc::ESTALE);
    }
    // SAFETY: the call has just returned it, so it is open and owned by nothing else.
    let found = unsafe { OwnedFd::from_raw_fd(fd) };
    let mut stat = std::mem::MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the descriptor is open, and the buffer is a stat of ours.
    if unsafe { libc::fstat(found.as_raw_fd(), stat.as_mut_ptr()) } != 0 {
        return false;
    }
    // SAFETY: the call succeeded, so it is filled in. A directory that is still open somewhere is found without links.
    unsafe { stat.assume_init().st_nlink == 0 }
}

#[cfg(test)]
mod tests {
    use super::{FileHandle, HANDLE_MAX, was_removed};
    use crate::model::root::Handle;

    #[test]
    fn a_kept_handle_that_is_too_long_is_no_handle() {
        let of_length = |length: usize| Handle([&(-1_i32).to_ne_bytes()[..], &vec![7; length]].concat());
        let longest = FileHandle::read(&of_length(HANDLE_MAX)).expect("a handle at the limit");
        assert_eq!((longest.bytes as usize, longest.kind, longest.handle), (HANDLE_MAX, -1, [7; HANDLE_MAX]));
        assert!(FileHandle::read(&of_length(HANDLE_MAX + 1)).is_none());
        assert!(FileHandle::read(&Handle(vec![1; 3])).is_none());
        let dir = tempfile::tempdir().expect("a directory");
        assert!(!was_removed(dir.path(), &of_length(HANDLE_MAX + 1)), "nothing is known of such a directory");
    }
}
