//! The real disk. Opens a file to ask about it and to read the metadata in it, and closes it at once.

#[cfg(target_os = "linux")]
mod attributes;
mod content;
#[cfg(target_os = "linux")]
mod handle;
mod lease;
#[cfg(target_os = "linux")]
mod mountinfo;
mod owner;
mod stat;
#[cfg(target_os = "linux")]
mod volume;

#[cfg(test)]
mod tests;

use std::fs;
use std::io;
#[cfg(target_os = "linux")]
use std::os::fd::{AsFd as _, AsRawFd as _, RawFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::owner::Owners;
use self::stat::Stats;
use super::disk::{Disk, DiskStat, Kind, Lease};
#[cfg(target_os = "linux")]
use super::disk::{MountPoint, Probe};
use crate::metadata::content::Content;
use crate::metadata::exiftool::Exiftool;
#[cfg(target_os = "linux")]
use crate::model::asset::Identity;
#[cfg(target_os = "linux")]
use crate::model::root::Handle;

pub use self::lease::ignore_lease_signals;

/// What a system call is asked about.
#[cfg(target_os = "linux")]
#[derive(Debug, Clone, Copy)]
enum At<'a> {
    /// What stands at a path, links not followed.
    Path(&'a std::ffi::CStr),
    /// An open file.
    Open(RawFd),
}

/// The real disk, through system calls. One is enough for all threads: it keeps nothing but two small caches.
#[derive(Debug)]
pub struct RealDisk {
    stats: Stats,
    owners: Owners,
    exiftool: Option<Arc<Exiftool>>,
    #[cfg(target_os = "linux")]
    mounted: mountinfo::Table,
}

impl RealDisk {
    /// The disk. Also ignores the lease signals of the whole process, without which a probe could end it
    /// ([`ignore_lease_signals`]).
    #[must_use]
    pub fn new() -> Self {
        ignore_lease_signals();
        Self {
            stats: Stats::new(),
            owners: Owners::default(),
            exiftool: None,
            #[cfg(target_os = "linux")]
            mounted: mountinfo::Table::default(),
        }
    }

    /// The same disk, with a program that reads what the built-in readers do not know.
    #[must_use]
    pub fn with_exiftool(self, exiftool: Option<Arc<Exiftool>>) -> Self {
        Self { exiftool, ..self }
    }
}

impl Default for RealDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl Disk for RealDisk {
    fn stat(&self, path: &Path) -> io::Result<DiskStat> {
        self.stats.stat(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<(Vec<u8>, Option<Kind>)>> {
        let entry = |entry: io::Result<fs::DirEntry>| {
            let entry = entry?;
            // Where the directory does not tell the kind this is an lstat; it may fail, for what vanished meanwhile.
            let kind = entry.file_type().ok().map(kind);
            Ok((entry.file_name().into_vec(), kind))
        };
        fs::read_dir(path)?.map(entry).collect()
    }

    fn is_empty(&self, path: &Path) -> io::Result<bool> {
        fs::read_dir(path)?.next().transpose().map(|first| first.is_none())
    }

    #[cfg(target_os = "linux")]
    fn xattrs(&self, path: &Path) -> io::Result<Vec<(String, Vec<u8>)>> {
        attributes::user(At::Path(&c_path(path)?))
    }

    #[cfg(not(target_os = "linux"))]
    fn xattrs(&self, _path: &Path) -> io::Result<Vec<(String, Vec<u8>)>> {
        Ok(Vec::new())
    }

    #[cfg(target_os = "linux")]
    fn writer(&self, path: &Path) -> Lease {
        self.probe(path, &mut |_| {}).lease
    }

    /// Leases are Linux's.
    #[cfg(not(target_os = "linux"))]
    fn writer(&self, _path: &Path) -> Lease {
        Lease::Unknown
    }

    /// One open answers all of it: a path costs as much to follow as the answers cost together.
    #[cfg(target_os = "linux")]
    fn probe(&self, path: &Path, read: &mut dyn FnMut(io::Result<&dyn Content>)) -> Probe {
        let opened = match c_path(path) {
            Ok(path) => lease::open(&path),
            Err(error) => Err(error),
        };
        let file = match opened {
            Ok(file) => file,
            // Others may be read without being opened.
            Err(refusal) => {
                let lease =
                    if refusal.raw_os_error() == Some(libc::EWOULDBLOCK) { Lease::Busy } else { Lease::Unknown };
                if lease != Lease::Busy {
                    read(Err(refusal));
                }
                return Probe { xattrs: self.xattrs(path), lease, after: self.stat(path) };
            }
        };
        let xattrs = attributes::user(At::Open(file.as_raw_fd()));
        let lease = lease::ask(&file);
        if lease != Lease::Busy {
            match content::OpenFile::new(file.as_fd()) {
                Ok(content) => read(Ok(&content)),
                Err(error) => read(Err(error)),
            }
        }
        match self.stats.of_open(file.as_fd()) {
            Ok((after, filesystem)) => {
                let lease = if filesystem.is_remote() { Lease::Unknown } else { lease };
                Probe { xattrs, lease, after: Ok(after) }
            }
            Err(error) => Probe { xattrs, lease: Lease::Unknown, after: Err(error) },
        }
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Content>> {
        content::open(path)
    }

    fn exiftool(&self) -> Option<&Exiftool> {
        self.exiftool.as_deref()
    }

    fn link(&self, path: &Path) -> Option<PathBuf> {
        fs::read_link(path).ok()
    }

    fn owner(&self, uid: u32) -> String {
        self.owners.name(uid)
    }

    #[cfg(target_os = "linux")]
    fn mounting(&self, path: &Path) -> u64 {
        stat::mounting(path)
    }

    fn resolve(&self, dir: &Path) -> io::Result<PathBuf> {
        fs::canonicalize(dir)
    }

    #[cfg(target_os = "linux")]
    fn mounted_below(&self, dir: &Path) -> io::Result<Vec<MountPoint>> {
        Ok(mountinfo::below(&self.mounted.get()?, dir))
    }

    #[cfg(target_os = "linux")]
    fn handle(&self, dir: &Path, identity: &Identity) -> Option<Handle> {
        let dir = handle::open(dir)?;
        let (stat, _) = self.stats.of_open(dir.as_fd()).ok()?;
        if stat.identity == *identity { handle::of(dir.as_fd()) } else { None }
    }

    #[cfg(target_os = "linux")]
    fn was_removed(&self, dir: &Path, handle: &Handle) -> bool {
        handle::was_removed(dir, handle)
    }
}

fn kind(file_type: fs::FileType) -> Kind {
    if file_type.is_file() {
        Kind::File
    } else if file_type.is_dir() {
        Kind::Directory
    } else if file_type.is_symlink() {
        Kind::Link
    } else {
        Kind::Other
    }
}

/// A path as system calls take it. A NUL cannot be in a name, so a path with one names nothing.
#[cfg(target_os = "linux")]
fn c_path(path: &Path) -> io::Result<std::ffi::CString> {
    use std::os::unix::ffi::OsStrExt as _;

    std::ffi::CString::new(path.as_os_str().as_bytes()).map_err(|_| io::Error::from_raw_os_error(libc::ENOENT))
}
