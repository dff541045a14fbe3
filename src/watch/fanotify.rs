//! fanotify(7) as a source: one mark on a whole filesystem, and no watch a directory. Every event names the directory that it
//! happened in by a file handle, and the name in it; a rename is one event with both.
//!
//! Handles become paths by a table that is filled as directories are listed and made. What is not in it is asked of
//! the kernel (open_by_handle_at(2)), and remembered; what lies in no mount is remembered as foreign. The table is a
//! hint like any other: a rename leaves it stale until the new place is listed, as with inotify ([`super::inotify`] has
//! the argument), and a handle that cannot be resolved for another reason than its end costs a scan.
//!
//! A mark needs CAP_SYS_ADMIN, handles need CAP_DAC_READ_SEARCH, and the filesystem has to have both file handles and an
//! id of its own (ext4, xfs, btrfs, tmpfs have; overlayfs has not): [`WatchSource::take_up`] tries all of it. Linux 5.17
//! or newer. The kernel's queue is bounded (`fs.fanotify.max_queued_events`) and running over is a scan: a queue
//! without a limit would grow in the kernel's memory for as long as this process is stopped.

mod event;
mod handle;
mod mark;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::event::{Event, Info};
use self::handle::{DirHandle, Resolved, fsid};
use super::filesystem::FilesystemKind;
use super::hints::Batch;
use super::mounts::Mounts;
use super::queue::{Ear, Queue};
use super::table::{Place, Table};
use super::{Mounting, SignalSink, WatchError, WatchSource};
use crate::model::hint::HintKind;
use crate::model::ids::MountId;
use crate::model::path::LogicalPath;
use crate::model::watching::{SourceKind, Watching};

/// Directories of no mount that are remembered as such; past it they are asked for anew.
const FOREIGN_MAX: usize = 1 << 16;

/// Directories remembered of a filesystem below a mount.
const NEAR_MAX: usize = 16;

/// fanotify as a [`WatchSource`].
pub struct FanotifySource {
    queue: Queue,
    ear: Arc<Listener>,
}

/// What the draining thread and the watching threads share.
struct Listener {
    mounts: Arc<Mounts>,
    sink: SignalSink,
    tables: Mutex<Tables>,
}

#[derive(Default)]
struct Tables {
    dirs: Table<DirHandle>,
    foreign: HashSet<DirHandle>,
    taken: BTreeMap<MountId, Taken>,
    /// For each filesystem that is marked some directories on it.
    near: HashMap<[u8; 8], BTreeSet<PathBuf>>,
}

/// A mount that is watched.
#[derive(Clone)]
struct Taken {
    mounting: Mounting,
    fsid: [u8; 8],
    why: String,
    /// Whether the end of its mark can be noticed: not where stat(2) names another device than the superblock's (btrfs).
    shows_mark: bool,
}

impl FanotifySource {
    /// A group with no marks yet but one that keeps the state directory's events out, and its thread.
    ///
    /// # Errors
    /// Why there can be none.
    pub fn new(mounts: Arc<Mounts>, state_dir: &Path, sink: SignalSink) -> Result<Self, WatchError> {
        let group = mark::group().map_err(|error| {
            let advice = match error.raw_os_error() {
                Some(libc::EPERM) => " (it needs CAP_SYS_ADMIN)",
                Some(libc::EINVAL | libc::ENOSYS) => " (it needs Linux 5.17 or newer)",
                Some(libc::EMFILE) => "; raise the limit with: sysctl fs.fanotify.max_user_groups=N",
                _ => "",
            };
            WatchError::Failed(format!("fanotify is not to be had: {error}{advice}"))
        })?;
        if let Err(error) = mark::ignore_directory(&group, state_dir) {
            // Its events are of no mount, so they cost a little and do no harm (kernels before 6.0 say so).
            tracing::debug!(%error, dir = %state_dir.display(), "events of the state directory are not kept out");
        }
        let ear = Arc::new(Listener { mounts, sink, tables: Mutex::default() });
        let queue = Queue::start("fanotify", group, Arc::clone(&ear) as Arc<dyn Ear>)
            .map_err(|error| WatchError::Failed(format!("fanotify cannot be read: {error}")))?;
        Ok(Self { queue, ear })
    }

    /// Marks the filesystem of a mount, and tries what is needed to read its events.
    fn mark(&self, dir: &Path) -> Result<[u8; 8], WatchError> {
        let failed = |what: &str, error: &io::Error, advice: &str| {
            WatchError::Failed(format!("fanotify cannot {what} {}: {error}{advice}", dir.display()))
        };
        mark::add_filesystem(self.queue.fd(), dir).map_err(|error| {
            let advice = match error.raw_os_error() {
                Some(libc::EPERM) => " (it needs CAP_SYS_ADMIN)",
                Some(libc::EOPNOTSUPP | libc::ENODEV | libc::EXDEV) => {
                    " (its filesystem has no file handles, or no id of its own)"
                }
                Some(libc::ENOSPC) => "; raise the limit with: sysctl fs.fanotify.max_user_marks=N",
                _ => "",
            };
            failed("mark the filesystem of", &error, advice)
        })?;
        let fsid = fsid(dir).map_err(|error| failed("name the filesystem of", &error, ""))?;
        let handle = DirHandle::of(fsid, dir).map_err(|error| failed("take a handle of", &error, ""))?;
        match handle.resolve(dir).map_err(|error| {
            let advice = if error.raw_os_error() == Some(libc::EPERM) { " (it needs CAP_DAC_READ_SEARCH)" } else { "" };
            failed("open by its handle", &error, advice)
        })? {
            Resolved::At(_) => Ok(fsid),
            Resolved::Gone => Err(WatchError::Gone),
        }
    }
}

impl WatchSource for FanotifySource {
    fn take_up(&self, mount: MountId, dir: &Path, mounting: Mounting) -> Result<Watching, WatchError> {
        if !self.queue.is_alive() {
            return Err(WatchError::Failed("fanotify gives no events any more".to_owned()));
        }
        let watching = |why: &str| Watching {
            source: SourceKind::Fanotify,
            sees_closes: true,
            hints: true,
            why: why.to_owned(),
            is_fallback: false,
        };
        let known = self.ear.tables().taken.get(&mount).filter(|taken| taken.mounting == mounting).cloned();
        let shows_mark = || mark::stands(self.queue.fd(), dir).is_ok_and(|stands| stands);
        if let Some(taken) = &known
            // A filesystem takes its mark along when it is unmounted, and nothing tells of that.
            && (!taken.shows_mark || shows_mark())
        {
            return Ok(watching(&taken.why));
        }
        let fsid = self.mark(dir)?;
        let kind = FilesystemKind::of(dir).map_or_else(|_| "its filesystem".to_owned(), FilesystemKind::name);
        let why = format!("one fanotify mark on the whole filesystem ({kind})");
        let mut tables = self.ear.tables();
        tables.foreign.clear();
        tables.near.entry(fsid).or_default().insert(dir.to_owned());
        tables.taken.insert(mount, Taken { mounting, fsid, why: why.clone(), shows_mark: shows_mark() });
        drop(tables);
        if known.is_some() {
            // What happened while there was no mark was not told.
            let mut batch = Batch::new(&self.ear.mounts);
            batch.lost([mount]);
            batch.send(&self.ear.sink);
        }
        Ok(watching(&why))
    }

    fn watch(&self, mount: MountId, path: &LogicalPath, dir: &Path) -> Result<(), WatchError> {
        let Some(root_fsid) = self.ear.tables().taken.get(&mount).map(|taken| taken.fsid) else {
            return Err(WatchError::Failed(format!("{} lies in a mount that is not taken up", dir.display())));
        };
        let failed = |error: &io::Error| match error.raw_os_error() {
            Some(libc::ENOENT | libc::ENOTDIR) => WatchError::Gone,
            _ => WatchError::Failed(format!("cannot watch {}: {error}", dir.display())),
        };
        let mut tables = self.ear.tables();
        // Under the lock, so that no event of it is taken for a foreign one meanwhile.
        let handle = DirHandle::of(root_fsid, dir).map_err(|error| failed(&error))?;
        if self.ear.mounts.get(mount).cross_filesystems {
            // Another filesystem below the mount has its own mark, or none.
            let own = fsid(dir).map_err(|error| failed(&error))?;
            if own != root_fsid {
                self.mark(dir)?;
                let near = tables.near.entry(own).or_default();
                if near.len() < NEAR_MAX {
                    near.insert(dir.to_owned());
                }
                let handle = DirHandle::of(own, dir).map_err(|error| failed(&error))?;
                self.ear.register(&mut tables, handle, mount, path);
                return Ok(());
            }
        }
        self.ear.register(&mut tables, handle, mount, path);
        Ok(())
    }

    fn forget(&self, mount: MountId, path: &LogicalPath) {
        let mut tables = self.ear.tables();
        if !tables.dirs.has_under(path) || is_directory(&self.ear.mounts.to_disk(mount, path)) {
            return;
        }
        tables.dirs.remove_under(path);
    }

    fn sync(&self, number: u64) -> Result<(), WatchError> {
        match self.queue.sync(number) {
            true => Ok(()),
            false => Err(WatchError::Failed("fanotify gives no events any more".to_owned())),
        }
    }
}

impl Ear for Listener {
    fn hear(&self, events: &[u8]) -> usize {
        let mut batch = Batch::new(&self.mounts);
        let mut tables = self.tables();
        let (mut rest, mut count) = (events, 0);
        while let Some((event, after)) = Event::next(rest) {
            self.hear_one(&event, &mut tables, &mut batch);
            (rest, count) = (after, count + 1);
        }
        drop(tables);
        batch.send(&self.sink);
        count
    }

    /// fanotify counts a fixed size for each event, whatever its length.
    fn waiting(&self, fionread: usize) -> usize {
        fionread / event::METADATA
    }

    fn synced(&self, numbers: Vec<u64>) {
        let mut batch = Batch::new(&self.mounts);
        batch.synced(numbers);
        batch.send(&self.sink);
    }

    fn lost(&self) {
        let taken: Vec<_> = self.tables().taken.keys().copied().collect();
        let mut batch = Batch::new(&self.mounts);
        batch.lost(taken);
        batch.send(&self.sink);
    }
}

impl Listener {
    /// They are whole between any two statements, so a panic elsewhere does not spoil them.
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn register(&self, tables: &mut Tables, handle: DirHandle, mount: MountId, path: &LogicalPath) {
        tables.foreign.remove(&handle);
        let this = handle.clone();
        let stands = |other: &Place| {
            let dir = self.mounts.to_disk(other.mount, &other.path);
            DirHandle::of(this.fsid(), &dir).is_ok_and(|handle| handle == this)
        };
        tables.dirs.insert(handle, Place { mount, path: path.clone() }, stands);
    }

    fn hear_one(&self, event: &Event<'_>, tables: &mut Tables, batch: &mut Batch<'_>) {
        if event.mask & libc::FAN_Q_OVERFLOW != 0 {
            batch.lost(tables.taken.keys().copied());
            return;
        }
        let kind = event.kind();
        let mut entry = None;
        for info in event.infos() {
            match info {
                Info::Entry { dir, name } => {
                    self.hint(dir, name, kind, tables, batch);
                    entry = Some((dir, name));
                }
                Info::Child(child) if event.is_directory() => self.hear_directory(event, entry, child, tables, batch),
                Info::Child(_) | Info::Other => {}
            }
        }
    }

    /// What an event about a directory says of the table. A directory that is made is known from its first moment on;
    /// one that is removed is nowhere.
    fn hear_directory(
        &self,
        event: &Event<'_>,
        entry: Option<(&[u8], &[u8])>,
        child: &[u8],
        tables: &mut Tables,
        batch: &mut Batch<'_>,
    ) {
        let is = |bits: u64| event.mask & bits != 0;
        if is(libc::FAN_DELETE | libc::FAN_RENAME) {
            // The directory above a mount's root is nobody's, so its events do not name the root.
            for Place { mount, path } in tables.dirs.places(child) {
                if self.mounts.get(*mount).path == *path {
                    batch.directory(path, HintKind::Moved);
                }
            }
        }
        if is(libc::FAN_DELETE) {
            tables.dirs.remove(child);
            tables.foreign.remove(child);
        } else if is(libc::FAN_CREATE) && tables.dirs.places(child).next().is_none() {
            let above = entry.and_then(|(dir, name)| Some((tables.dirs.places(dir).next()?.clone(), name)));
            let Some((Place { mount, path }, name)) = above else { return };
            let path = path.join(name);
            // What was listed since is newer than this event.
            if !tables.dirs.has(&path) && !self.mounts.is_ignored(mount, &path) {
                tables.dirs.insert(DirHandle::read(child), Place { mount, path }, |_| true);
            }
        }
    }

    fn hint(&self, dir: &[u8], name: &[u8], kind: HintKind, tables: &mut Tables, batch: &mut Batch<'_>) {
        if tables.foreign.contains(dir) {
            return;
        }
        if tables.dirs.places(dir).next().is_none() {
            self.find(dir, tables, batch);
        }
        for Place { mount, path } in tables.dirs.places(dir) {
            match name {
                // About the directory itself.
                b"" | b"." => batch.directory(path, kind),
                name => batch.entry(*mount, path, name, kind),
            }
        }
    }

    /// Asks the kernel where a directory is that is not in the table.
    fn find(&self, dir: &[u8], tables: &mut Tables, batch: &mut Batch<'_>) {
        let handle = DirHandle::read(dir);
        let near = tables.near.get(&handle.fsid()).into_iter().flatten();
        for near in near.filter(|near| fsid(near).is_ok_and(|fsid| fsid == handle.fsid())) {
            match handle.resolve(near) {
                Ok(Resolved::At(at)) => {
                    if let Some((mount, path)) = self.mounts.locate(&at)
                        && tables.taken.contains_key(&mount)
                        && !self.mounts.is_ignored(mount, &path)
                    {
                        tables.dirs.insert(handle, Place { mount, path }, |_| false);
                        return;
                    }
                    break;
                }
                // Its end is told where it was. It is not remembered: the handle is never used again.
                Ok(Resolved::Gone) => return,
                // It has gone away this very moment; another one will do, and without one nothing of ours is there.
                Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR | libc::ELOOP)) => {}
                Err(error) => {
                    tracing::debug!(%error, "a directory cannot be opened by its handle; the mounts there are scanned");
                    let fsid = handle.fsid();
                    batch.lost(tables.taken.iter().filter(|(_, taken)| taken.fsid == fsid).map(|(mount, _)| *mount));
                    return;
                }
            }
        }
        if tables.foreign.len() >= FOREIGN_MAX {
            tables.foreign.clear();
        }
        tables.foreign.insert(handle);
    }
}

fn is_directory(dir: &Path) -> bool {
    fs::symlink_metadata(dir).is_ok_and(|about| about.is_dir())
}
