//! Asks the kernel what a handle names: where a directory is, how many names a file has. A descriptor is opened for the
//! question and closed with the answer, so nothing here keeps a filesystem from being unmounted.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::handle::{DirHandle, FileHandle, Fsid, fsid_in};

/// A directory of a filesystem, opened to ask about others on it.
pub(super) struct Asked(File);

impl Asked {
    /// Opens a directory that should be on this filesystem.
    ///
    /// # Errors
    /// When it cannot be opened, or another filesystem is there now.
    pub(super) fn open(dir: &Path, fsid: Fsid) -> io::Result<Self> {
        let flags = libc::O_DIRECTORY | libc::O_CLOEXEC | libc::O_NONBLOCK;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(dir)?;
        match super::handle::fsid_of(&file)? == fsid {
            true => Ok(Self(file)),
            false => Err(io::Error::other("another filesystem is mounted there")),
        }
    }

    /// Where the directory of this handle is, as far as this way into its filesystem shows it; `None` when it is no
    /// more. The path means something only together with [`is_at`].
    ///
    /// # Errors
    /// When the kernel cannot say; with `EPERM`, it wants CAP_DAC_READ_SEARCH.
    pub(super) fn directory(&self, handle: &[u8]) -> io::Result<Option<PathBuf>> {
        match self.opened(handle)? {
            Some(found) => fs::read_link(format!("/proc/self/fd/{}", found.as_raw_fd())).map(Some),
            None => Ok(None),
        }
    }

    /// Where this directory itself is, without symbolic links.
    ///
    /// # Errors
    /// When the kernel cannot say.
    pub(super) fn own_path(&self) -> io::Result<PathBuf> {
        fs::read_link(format!("/proc/self/fd/{}", self.0.as_raw_fd()))
    }

    /// The inode number of the file of this handle, and how many names it has; `None` when it has none.
    ///
    /// # Errors
    /// When the kernel cannot say.
    pub(super) fn file(&self, handle: &[u8]) -> io::Result<Option<(u64, u64)>> {
        let Some(found) = self.opened(handle)? else { return Ok(None) };
        let about = File::from(found).metadata()?;
        Ok((about.nlink() > 0).then(|| (about.ino(), about.nlink())))
    }

    /// What a handle names, opened for questions only: that causes no event. `None` when it is no more.
    fn opened(&self, handle: &[u8]) -> io::Result<Option<OwnedFd>> {
        let mut handle = FileHandle::read(handle).ok_or_else(|| io::Error::from_raw_os_error(libc::EINVAL))?;
        let flags = libc::O_PATH | libc::O_CLOEXEC;
        // SAFETY: the descriptor is open; the handle is a `struct file_handle` of as many bytes as it says.
        let fd = unsafe { libc::open_by_handle_at(self.0.as_raw_fd(), (&raw mut handle).cast(), flags) };
        if fd < 0 {
            let error = io::Error::last_os_error();
            return if error.raw_os_error() == Some(libc::ESTALE) { Ok(None) } else { Err(error) };
        }
        // SAFETY: `open_by_handle_at` has just returned it, so it is open and nobody else's.
        Ok(Some(unsafe { OwnedFd::from_raw_fd(fd) }))
    }
}

/// Returns whether the directory of this handle is reached at a path. It is not where another filesystem is mounted on
/// top of it, where it was removed, and where the way that was asked by shows only a part of its filesystem (a bind
/// mount).
pub(super) fn is_at(handle: &[u8], path: &Path) -> bool {
    let fsid = fsid_in(handle);
    super::handle::fsid(path).is_ok_and(|there| there == fsid)
        && DirHandle::of(fsid, path).is_ok_and(|there| there.as_bytes() == handle)
}
