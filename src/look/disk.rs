//! What a look asks of a disk: the seam between the looks and the system calls.

use std::io;
use std::path::{Path, PathBuf};

use crate::metadata::content::Content;
use crate::metadata::exiftool::Exiftool;
use crate::model::asset::{Identity, Stat};
use crate::model::root::Handle;

/// A disk: the real one, or the simulation's.
///
/// No method follows a symbolic link in the last component of its path. An error carries an OS error code
/// (`raw_os_error`), which decides what it means: `ENOENT` and `ENOTDIR` are absence, everything else is a fault.
pub trait Disk: Send + Sync {
    /// lstat(2).
    ///
    /// # Errors
    /// As the system says.
    fn stat(&self, path: &Path) -> io::Result<DiskStat>;

    /// The names in a directory, without `.` and `..`, in any order, each with its kind where the directory itself
    /// tells.
    ///
    /// # Errors
    /// As the system says; a symbolic link to a directory may be listed, so the caller looks first.
    fn list(&self, path: &Path) -> io::Result<Vec<(Vec<u8>, Option<Kind>)>>;

    /// Whether a directory has no entries.
    ///
    /// # Errors
    /// As [`Self::list`].
    fn is_empty(&self, path: &Path) -> io::Result<bool> {
        Ok(self.list(path)?.is_empty())
    }

    /// The extended attributes `user.*` of a file; none where the filesystem has none.
    ///
    /// # Errors
    /// As the system says, or there are more than 512 of them, or one is longer than 64 KiB.
    fn xattrs(&self, path: &Path) -> io::Result<Vec<(String, Vec<u8>)>>;

    /// Whether anybody has a regular file open for writing.
    fn writer(&self, path: &Path) -> Lease;

    /// Opens a regular file to read its content.
    ///
    /// # Errors
    /// As the system says.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Content>>;

    /// Everything that a look asks of a regular file after its lstat: attributes, writers, content, and what stands at
    /// the path after all of it was asked. `read` is given the content, or why there is none, unless somebody has the
    /// file open for writing.
    fn probe(&self, path: &Path, read: &mut dyn FnMut(io::Result<&dyn Content>)) -> Probe {
        let (xattrs, lease) = (self.xattrs(path), self.writer(path));
        if lease != Lease::Busy {
            match self.open(path) {
                Ok(content) => read(Ok(&*content)),
                Err(error) => read(Err(error)),
            }
        }
        Probe { xattrs, lease, after: self.stat(path) }
    }

    /// What reads the files that the built-in readers do not know; `None` where nothing does.
    fn exiftool(&self) -> Option<&Exiftool> {
        None
    }

    /// Where a symbolic link leads; `None` for everything else, and where it cannot be read.
    fn link(&self, _path: &Path) -> Option<PathBuf> {
        None
    }

    /// The user name of a uid, or its digits when it has none.
    fn owner(&self, uid: u32) -> String;

    /// Which mounting of its filesystem a path is on; 0 where the system does not say. It differs once a filesystem has
    /// been unmounted and mounted again, though everything on it is the same.
    fn mounting(&self, _path: &Path) -> u64 {
        0
    }

    /// A directory's path with all symbolic links resolved.
    ///
    /// # Errors
    /// As the system says.
    fn resolve(&self, dir: &Path) -> io::Result<PathBuf> {
        Ok(dir.to_owned())
    }

    /// Where something is mounted below a directory, in the order of paths.
    ///
    /// # Errors
    /// As the system says.
    fn mounted_below(&self, _dir: &Path) -> io::Result<Vec<MountPoint>> {
        Ok(Vec::new())
    }

    /// The handle of the directory of this identity; `None` where the filesystem has no handles, or another directory
    /// stands there now.
    fn handle(&self, _dir: &Path, _identity: &Identity) -> Option<Handle> {
        None
    }

    /// Whether the directory of a handle was removed from the filesystem that `dir` is on. `false` where that cannot be
    /// found out.
    fn was_removed(&self, _dir: &Path, _handle: &Handle) -> bool {
        false
    }
}

/// Something that is mounted below a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountPoint {
    /// Where.
    pub at: PathBuf,
    /// It shows a part of a filesystem that the directory itself, or a mount point before this one, shows already.
    pub is_second_way: bool,
}

/// The answer of [`Disk::probe`].
#[derive(Debug)]
pub struct Probe {
    /// As [`Disk::xattrs`].
    pub xattrs: io::Result<Vec<(String, Vec<u8>)>>,
    /// As [`Disk::writer`].
    pub lease: Lease,
    /// As [`Disk::stat`], asked last. It may be of the file that was asked, though another stands at the path since.
    pub after: io::Result<DiskStat>,
}

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A socket, fifo or device.
    Other,
}

/// What lstat(2) says, of anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskStat {
    /// What it is.
    pub kind: Kind,
    /// Which one it is. The volume is told only of files and directories.
    pub identity: Identity,
    /// Bytes.
    pub size: u64,
    /// Last write, nanoseconds since the epoch.
    pub mtime_ns: i64,
    /// Last change of bytes or of the inode, nanoseconds since the epoch.
    pub ctime_ns: i64,
    /// Hard links.
    pub links: u64,
    /// The owner's number.
    pub uid: u32,
    /// Something is mounted at this very directory (`STATX_ATTR_MOUNT_ROOT`, Linux 5.8).
    pub is_mount_root: bool,
    /// The whole filesystem: the same for all subvolumes of one (btrfs), else the identity's volume.
    pub filesystem: u64,
    /// Two changes less than this apart may leave the same times here; 0 where they never do.
    pub granularity_ns: i64,
}

impl DiskStat {
    /// The part that the catalog keeps.
    #[must_use]
    pub fn stat(&self) -> Stat {
        Stat {
            identity: self.identity,
            size: self.size,
            mtime_ns: self.mtime_ns,
            ctime_ns: self.ctime_ns,
            links: self.links,
        }
    }
}

/// What asking for a read lease says of a file's writers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    /// Granted (and given back): nobody has it open for writing.
    Free,
    /// Refused: somebody has.
    Busy,
    /// Leases do not work here, or not for us.
    Unknown,
}
