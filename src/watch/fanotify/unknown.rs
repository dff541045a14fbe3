//! Events that the tables cannot place: of directories that no table has, and of files that were written by a name
//! outside of all mounts, or by none. What they are about is asked of the kernel, once a handle and not once an event.
//!
//! A directory that lies in a mount all the same is hinted, so that it is looked at, watched and listed: it was covered
//! by another filesystem when the mount was scanned, or the table lost it. A file that has more than one name is
//! signalled by its inode, because one of its other names may lie in a mount.

use std::collections::HashMap;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::ask::{Asked, is_at};
use super::handle::{DirHandle, Fsid, fsid_in};
use super::listener::Listener;
use super::tables::Tables;
use crate::model::hint::HintKind;
use crate::model::ids::MountId;
use crate::model::path::LogicalPath;
use crate::watch::hints::Batch;
use crate::watch::mounts::{Mounts, logical};

/// What one read of the queue left open.
#[derive(Default)]
pub(super) struct Unknown {
    directories: HashMap<DirHandle, Vec<Entry>>,
    files: HashMap<DirHandle, Written>,
}

/// What happened to a name in a directory.
struct Entry {
    name: Vec<u8>,
    kind: HintKind,
    /// The file's handle, where its bytes may have changed.
    written: Option<DirHandle>,
}

/// A write to a file.
#[derive(Clone, Copy)]
struct Written {
    kind: HintKind,
    /// The event named no directory, so the file's only name may lie in a mount.
    unnamed: bool,
}

/// Where a directory is.
enum Found {
    In(MountId, LogicalPath),
    /// In no mount, or ignored.
    Outside,
    /// In a mount, but not to be reached there: it is removed, or another filesystem is mounted on top of it.
    Hidden,
}

impl Unknown {
    /// Notes an event of a directory.
    pub(super) fn entry(&mut self, dir: &[u8], name: &[u8], kind: HintKind, written: Option<&[u8]>) {
        let entry = Entry { name: name.to_vec(), kind, written: written.map(DirHandle::read) };
        match self.directories.get_mut(dir) {
            Some(entries) => entries.push(entry),
            None => drop(self.directories.insert(DirHandle::read(dir), vec![entry])),
        }
    }

    /// Notes a write to a file.
    pub(super) fn file(&mut self, file: &[u8], kind: HintKind, unnamed: bool) {
        let noted = self.files.entry(DirHandle::read(file)).or_insert(Written { kind, unnamed });
        noted.unnamed |= unnamed;
        // A close says more than a write.
        if kind == HintKind::Closed {
            noted.kind = kind;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.directories.is_empty() && self.files.is_empty()
    }

    /// Asks what they are about, and hints what lies in a mount. The tables are not locked while the kernel is asked.
    pub(super) fn resolve(mut self, ear: &Listener, batch: &mut Batch<'_>) {
        let mut ways = Ways { ear, open: HashMap::new() };
        for (handle, entries) in std::mem::take(&mut self.directories) {
            let fsid = handle.fsid();
            match ways.find(&handle) {
                Ok(Found::In(mount, path)) => {
                    ear.register(&mut ear.tables(), handle, mount, &path);
                    batch.directory(&path, HintKind::Moved);
                    for Entry { name, kind, .. } in entries {
                        ear.hint_entry(mount, &path, &name, kind, batch);
                    }
                    continue;
                }
                Ok(Found::Outside) => ear.tables().outside.insert(handle),
                Ok(Found::Hidden) => {}
                Err(error) => {
                    tracing::debug!(%error, "the kernel cannot say where a directory is; its mounts are scanned");
                    ear.tables().owe_scan(fsid, batch);
                }
            }
            for Entry { kind, written, .. } in entries {
                if let Some(file) = written {
                    self.file(file.as_bytes(), kind, false);
                }
            }
        }
        for (file, written) in self.files {
            ways.signal_file(file, written, batch);
        }
    }
}

/// The ways into the filesystems that are asked about, opened when they are first wanted and closed with this.
struct Ways<'a> {
    ear: &'a Listener,
    open: HashMap<Fsid, Vec<Asked>>,
}

impl Ways<'_> {
    fn into(&mut self, fsid: Fsid) -> io::Result<&[Asked]> {
        let ear = self.ear;
        let ways = self.open.entry(fsid).or_insert_with(|| {
            let dirs = ear.tables().ways_into(fsid);
            let open = |dir: &Path| Asked::open(dir, fsid).inspect_err(|_| ear.tables().forget_way(fsid, dir)).ok();
            dirs.iter().filter_map(|dir| open(dir)).collect()
        });
        match ways.is_empty() {
            false => Ok(ways),
            true => Err(io::Error::other("no directory on its filesystem can be opened")),
        }
    }

    /// Where a directory is. Each way is tried, because a bind mount shows only its own part of a filesystem.
    fn find(&mut self, handle: &DirHandle) -> io::Result<Found> {
        let ear = self.ear;
        let mut found = Found::Outside;
        for way in self.into(handle.fsid())? {
            let Some(path) = way.directory(handle.as_bytes())? else { return Ok(Found::Outside) };
            let place = place(&ear.mounts, &ear.tables(), handle.fsid(), &path);
            match place {
                Some((mount, place)) if is_at(handle.as_bytes(), &path) => return Ok(Found::In(mount, place)),
                Some(_) => found = Found::Hidden,
                None => {}
            }
        }
        Ok(found)
    }

    fn signal_file(&mut self, file: DirHandle, written: Written, batch: &mut Batch<'_>) {
        let ear = self.ear;
        let fsid = fsid_in(file.as_bytes());
        let about = self.into(fsid).and_then(|ways| ways[0].file(file.as_bytes()));
        let mut tables = ear.tables();
        match about {
            Ok(Some((inode, links))) if links > 1 || written.unnamed => {
                if let Some((mounts, volume)) = tables.mounts_on(fsid) {
                    batch.file(mounts, volume, inode, written.kind);
                }
            }
            Ok(Some(_)) => tables.single.insert(file),
            // Nothing is left to be looked at; whoever removed its names was heard.
            Ok(None) => {}
            Err(error) => {
                tracing::debug!(%error, "the kernel cannot say which file was written; its mounts are scanned");
                tables.owe_scan(fsid, batch);
            }
        }
        if written.unnamed {
            // The asset of a new file may not be known yet.
            tables.owe_scan(fsid, batch);
        }
    }
}

/// The place of a directory in a mount; `None` when it lies in none, is ignored, or is of a filesystem that is not
/// entered there.
fn place(mounts: &Mounts, tables: &Tables, fsid: Fsid, path: &Path) -> Option<(MountId, LogicalPath)> {
    let (mount, below) = tables.locate(path)?;
    let configured = mounts.get(mount);
    let is_entered = configured.cross_filesystems || tables.taken.get(&mount).is_some_and(|taken| taken.fsid == fsid);
    let place = logical(&configured.path, below.as_os_str().as_bytes()).filter(|_| is_entered)?;
    (!mounts.is_ignored(mount, &place)).then_some((mount, place))
}
