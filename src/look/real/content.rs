//! The content of a file, by pread(2): no file is mapped, so one that is cut short while it is read is no signal.

use std::fs::{File, OpenOptions};
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::metadata::content::Content;

/// Opens a regular file to read it. Neither blocks (so a fifo that took its place does no harm) nor follows a link.
pub(super) fn open(path: &Path) -> io::Result<Box<dyn Content>> {
    const FLAGS: libc::c_int = libc::O_NONBLOCK | libc::O_NOFOLLOW | libc::O_NOCTTY;

    let file = OpenOptions::new().read(true).custom_flags(FLAGS).open(path)?;
    let size = file.metadata()?.len();
    Ok(Box::new(OwnedContent { file, size }))
}

struct OwnedContent {
    file: File,
    size: u64,
}

impl Content for OwnedContent {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(buffer, at)
    }

    fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }
}

/// The content of a file that somebody else has opened, and closes.
pub(super) struct OpenFile<'a> {
    file: ManuallyDrop<File>,
    size: u64,
    /// What keeps it open.
    _open: BorrowedFd<'a>,
}

impl<'a> OpenFile<'a> {
    pub(super) fn new(open: BorrowedFd<'a>) -> io::Result<Self> {
        // SAFETY: the descriptor is open as long as the borrow lasts, and is never closed from here.
        let file = ManuallyDrop::new(unsafe { File::from_raw_fd(open.as_raw_fd()) });
        let size = file.metadata()?.len();
        Ok(Self { file, size, _open: open })
    }
}

impl Content for OpenFile<'_> {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(buffer, at)
    }

    fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }
}
