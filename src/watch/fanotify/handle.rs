//! File handles of directories (name_to_handle_at(2), open_by_handle_at(2)): what fanotify calls a directory, and where
//! that is. A handle stays with its directory through renames, and is never another's.

use std::borrow::Borrow;
use std::ffi::{CString, OsString};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A filesystem's id and a directory's handle on it, laid out as in an event: fsid (8), handle_bytes u32, handle_type i32, the
/// handle.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct DirHandle(Arc<[u8]>);

/// Where a handle leads.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Resolved {
    /// To the directory at this path.
    At(PathBuf),
    /// Nowhere: the directory is no more.
    Gone,
}

/// The most that a handle may be, in bytes (linux/exportfs.h: MAX_HANDLE_SZ).
const HANDLE_MAX: usize = 128;
/// fsid.
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
    pub(super) fn of(fsid: [u8; FSID], dir: &Path) -> io::Result<Self> {
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

    pub(super) fn fsid(&self) -> [u8; FSID] {
        self.0[..FSID].try_into().unwrap_or_default()
    }

    /// Where it leads now. `near` is any directory on its filesystem, which is opened for the moment and no longer: an
    /// open directory would keep the filesystem from being unmounted.
    pub(super) fn resolve(&self, near: &Path) -> io::Result<Resolved> {
        let near = directory(near)?;
        let mut handle = FileHandle { bytes: 0, kind: 0, handle: [0; HANDLE_MAX] };
        let (head, content) = self.0[FSID..].split_at(HEAD);
        handle.bytes = u32::from_ne_bytes(head[..4].try_into().unwrap_or_default());
        handle.kind = i32::from_ne_bytes(head[4..].try_into().unwrap_or_default());
        handle.handle[..content.len()].copy_from_slice(content);
        // SAFETY: the descriptor is open, and the handle is laid out as `struct file_handle` and outlives the call.
        let fd = unsafe {
            libc::open_by_handle_at(near.as_raw_fd(), (&raw mut handle).cast(), libc::O_PATH | libc::O_CLOEXEC)
        };
        if fd < 0 {
            return match io::Error::last_os_error() {
                error if error.raw_os_error() == Some(libc::ESTALE) => Ok(Resolved::Gone),
                error => Err(error),
            };
        }
        // SAFETY: `open_by_handle_at` has just returned it, so it is open and nobody else's.
        let opened = File::from(unsafe { OwnedFd::from_raw_fd(fd) });
        if opened.metadata()?.nlink() == 0 {
            return Ok(Resolved::Gone);
        }
        let at = fs::read_link(format!("/proc/self/fd/{}", opened.as_raw_fd()))?;
        // The link's text may name something else by now, or be no path of ours at all (another mounting of it).
        match Self::of(self.fsid(), &at) {
            Ok(there) if there == *self => Ok(Resolved::At(at)),
            _ => Ok(Resolved::At(outside(at))),
        }
    }
}

/// A path that lies in no mount, for a directory that is not where it seems to be.
fn outside(at: PathBuf) -> PathBuf {
    let mut name = b"/proc/self/".to_vec();
    name.extend(OsString::from(at).into_vec());
    OsString::from_vec(name).into()
}

impl Borrow<[u8]> for DirHandle {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

/// The id by which events name the filesystem of a directory: statfs(2) `f_fsid`.
pub(super) fn fsid(dir: &Path) -> io::Result<[u8; FSID]> {
    let dir = c_path(dir)?;
    let mut statfs = MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: the path is a C string and the buffer a statfs of ours; both outlive the call.
    if unsafe { libc::statfs(dir.as_ptr(), statfs.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call succeeded, so it is filled in; fsid_t is two C ints (statfs(2)), which libc keeps private.
    Ok(unsafe { std::mem::transmute::<libc::fsid_t, [u8; FSID]>(statfs.assume_init().f_fsid) })
}

fn directory(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_DIRECTORY | libc::O_NOFOLLOW).open(path)
}

pub(super) fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| io::Error::from_raw_os_error(libc::ENOENT))
}
