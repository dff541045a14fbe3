//! File handles of directories (name_to_handle_at(2)): what fanotify calls a directory. A handle stays with its
//! directory through renames, and is never another's.

use std::borrow::Borrow;
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

/// A filesystem's id and a directory's handle on it, laid out as in an event: fsid (8), handle_bytes u32, handle_type
/// i32, the handle.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct DirHandle(Arc<[u8]>);

/// Bytes of a handle. The kernel makes none that is longer (linux/exportfs.h: MAX_HANDLE_SZ).
const HANDLE_MAX: usize = 128;
/// An `f_fsid`, as it stands in an event.
pub(super) type Fsid = [u8; FSID];
const FSID: usize = 8;
/// handle_bytes and handle_type: `struct file_handle` without the handle.
const HEAD: usize = 8;

/// `struct file_handle` with room for the largest.
#[repr(C)]
pub(super) struct FileHandle {
    bytes: u32,
    kind: i32,
    handle: [u8; HANDLE_MAX],
}

impl FileHandle {
    /// The kernel's form of a handle as it stands in an event; `None` when it is cut short or too long.
    pub(super) fn read(handle: &[u8]) -> Option<Self> {
        let (head, handle) = handle.get(FSID..)?.split_at_checked(HEAD)?;
        let number = |at: usize| head[at..at + 4].try_into().ok();
        let (bytes, kind) = (u32::from_ne_bytes(number(0)?), i32::from_ne_bytes(number(4)?));
        let mut out = Self { bytes, kind, handle: [0; HANDLE_MAX] };
        out.handle.get_mut(..bytes as usize)?.copy_from_slice(handle.get(..bytes as usize)?);
        Some(out)
    }
}

impl DirHandle {
    /// The handle of what is at a path, which is not followed.
    pub(super) fn of(fsid: Fsid, dir: &Path) -> io::Result<Self> {
        let dir = c_path(dir)?;
        let mut handle = FileHandle { bytes: HANDLE_MAX as u32, kind: 0, handle: [0; HANDLE_MAX] };
        let mut mount = 0;
        // SAFETY: the path is a C string; the handle is laid out as `struct file_handle` with as much room as it says;
        // all of it outlives the call.
        let code = unsafe {
            libc::name_to_handle_at(libc::AT_FDCWD, dir.as_ptr(), (&raw mut handle).cast(), &raw mut mount, 0)
        };
        if code != 0 {
            return Err(io::Error::last_os_error());
        }
        let length = (handle.bytes as usize).min(HANDLE_MAX);
        let mut out = Vec::with_capacity(FSID + HEAD + length);
        out.extend(fsid);
        out.extend(handle.bytes.to_ne_bytes());
        out.extend(handle.kind.to_ne_bytes());
        out.extend(&handle.handle[..length]);
        Ok(Self(out.into()))
    }

    /// The handle in an event.
    pub(super) fn read(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    pub(super) fn fsid(&self) -> Fsid {
        fsid_in(&self.0)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Borrow<[u8]> for DirHandle {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

/// The filesystem that a handle in an event is of.
pub(super) fn fsid_in(handle: &[u8]) -> Fsid {
    handle.get(..FSID).and_then(|id| id.try_into().ok()).unwrap_or_default()
}

/// The id by which events name the filesystem of a directory: statfs(2) `f_fsid`.
pub(super) fn fsid(dir: &Path) -> io::Result<Fsid> {
    let dir = c_path(dir)?;
    // SAFETY: the path is a C string and the buffer a statfs of ours; both outlive the call.
    statfs_id(|statfs| unsafe { libc::statfs(dir.as_ptr(), statfs) })
}

/// The same, of a directory that is open.
pub(super) fn fsid_of(dir: &File) -> io::Result<Fsid> {
    // SAFETY: the descriptor is open, and the buffer a statfs of ours.
    statfs_id(|statfs| unsafe { libc::fstatfs(dir.as_raw_fd(), statfs) })
}

fn statfs_id(call: impl FnOnce(*mut libc::statfs) -> libc::c_int) -> io::Result<Fsid> {
    let mut statfs = MaybeUninit::<libc::statfs>::uninit();
    if call(statfs.as_mut_ptr()) != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call succeeded, so it is filled in; fsid_t is two C ints (statfs(2)), which libc keeps private.
    Ok(unsafe { std::mem::transmute::<libc::fsid_t, Fsid>(statfs.assume_init().f_fsid) })
}

pub(super) fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| io::Error::from_raw_os_error(libc::ENOENT))
}

#[cfg(test)]
mod tests {
    use super::{FSID, FileHandle, HANDLE_MAX};

    #[test]
    fn a_handle_in_an_event_that_is_too_long_is_no_handle() {
        let event = |says: usize, has: usize| {
            let head = [vec![0; FSID], (says as u32).to_ne_bytes().to_vec(), 3_i32.to_ne_bytes().to_vec()].concat();
            [head, vec![7; has]].concat()
        };
        let longest = FileHandle::read(&event(HANDLE_MAX, HANDLE_MAX)).expect("a handle at the limit");
        assert_eq!((longest.bytes as usize, longest.kind, longest.handle), (HANDLE_MAX, 3, [7; HANDLE_MAX]));
        assert!(FileHandle::read(&event(HANDLE_MAX + 1, HANDLE_MAX + 1)).is_none(), "past the limit");
        assert!(FileHandle::read(&event(HANDLE_MAX, HANDLE_MAX - 1)).is_none(), "cut short");
        assert!(FileHandle::read(&event(u32::MAX as usize, HANDLE_MAX)).is_none(), "its length is damaged");
    }
}
