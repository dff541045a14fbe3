//! File handles of directories (name_to_handle_at(2)): what fanotify calls a directory. A handle stays with its directory
//! through renames, and is never another's.

use std::borrow::Borrow;
use std::ffi::CString;
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

/// A filesystem's id and a directory's handle on it, laid out as in an event: fsid (8), handle_bytes u32, handle_type i32, the
/// handle.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct DirHandle(Arc<[u8]>);

/// The most that a handle may be, in bytes (linux/exportfs.h: MAX_HANDLE_SZ).
const HANDLE_MAX: usize = 128;
/// An `f_fsid`, as it stands in an event.
pub(super) type Fsid = [u8; FSID];
const FSID: usize = 8;
/// handle_bytes and handle_type: `struct file_handle` without the handle.
const HEAD: usize = 8;

/// `struct file_handle` with room for the largest.
#[repr(C)]
struct FileHandle {
    bytes: u32,
    kind: i32,
    handle: [u8; HANDLE_MAX],
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
        self.0[..FSID].try_into().unwrap_or_default()
    }
}

impl Borrow<[u8]> for DirHandle {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

/// The id by which events name the filesystem of a directory: statfs(2) `f_fsid`.
pub(super) fn fsid(dir: &Path) -> io::Result<Fsid> {
    let dir = c_path(dir)?;
    let mut statfs = MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: the path is a C string and the buffer a statfs of ours; both outlive the call.
    if unsafe { libc::statfs(dir.as_ptr(), statfs.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call succeeded, so it is filled in; fsid_t is two C ints (statfs(2)), which libc keeps private.
    Ok(unsafe { std::mem::transmute::<libc::fsid_t, Fsid>(statfs.assume_init().f_fsid) })
}

pub(super) fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| io::Error::from_raw_os_error(libc::ENOENT))
}
