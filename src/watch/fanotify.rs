//! fanotify(7) as a source: one mark on a whole filesystem, and no watch a directory. Every event names the directory that it
//! happened in by a file handle, and the name in it; a rename is one event with both.
//!
//! Handles become paths by a table that is filled as directories are watched and made. Events of a directory that is not
//! in it are nobody's: it lies in no mount, is ignored, or is yet to be watched and listed, which finds what they were
//! about. A rename leaves the table stale until the new place is watched, as with inotify ([`super::inotify`] has the
//! argument). A write that names no directory (knfsd writes so, by the file's own handle) costs a scan.
//!
//! A mark needs CAP_SYS_ADMIN, and the filesystem has to have file handles and an id of its own (ext4, xfs, btrfs, tmpfs
//! have; overlayfs has not): [`WatchSource::take_up`] tries all of it. Linux 5.17 or newer. The kernel's queue is bounded (`fs.fanotify.max_queued_events`) and running over is a scan: a queue
//! without a limit would grow in the kernel's memory for as long as this process is stopped.

mod event;
mod handle;
mod mark;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use self::event::{Event, Info};
use self::handle::{DirHandle, Fsid, fsid};
use super::filesystem::FilesystemKind;
use super::hints::Batch;
use super::mounts::Mounts;
use super::queue::{Ear, Queue};
use super::table::{Place, Table};
use super::{Mounting, SignalSink, WatchError, WatchSource, next_generation};
use crate::model::hint::HintKind;
use crate::model::ids::MountId;
use crate::model::path::LogicalPath;
use crate::model::watching::{Generation, SourceKind, Watching};

/// Writes that name no directory cost a scan this often at most.
const UNNAMED_EVERY: Duration = Duration::from_secs(10);

/// fanotify as a [`WatchSource`].
pub struct FanotifySource {
    generation: Generation,
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
    taken: BTreeMap<MountId, Taken>,
}

/// A mount that is watched.
#[derive(Clone)]
struct Taken {
    mounting: Mounting,
    fsid: Fsid,
    why: String,
    /// Whether the end of its mark can be noticed: not where stat(2) names another device than the superblock's (btrfs).
    shows_mark: bool,
    unnamed: Unnamed,
}

/// Whether writes were heard that name no directory.
#[derive(Clone, Copy, Default)]
struct Unnamed {
    /// A scan is owed for them.
    owed: bool,
    /// When the last scan was asked for.
    told: Option<Instant>,
}

impl Unnamed {
    /// Whether a scan is to be asked for now.
    fn is_due(&mut self) -> bool {
        let due = self.owed && self.told.is_none_or(|told| told.elapsed() >= UNNAMED_EVERY);
        if due {
            *self = Self { owed: false, told: Some(Instant::now()) };
        }
        due
    }
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
        Ok(Self { generation: next_generation(), queue, ear })
    }

    /// Marks the filesystem of a mount, and tries what is needed to read its events.
    fn mark(&self, dir: &Path) -> Result<Fsid, WatchError> {
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
        DirHandle::of(fsid, dir).map_err(|error| failed("take a handle of", &error, ""))?;
        Ok(fsid)
    }
}

impl WatchSource for FanotifySource {
    fn take_up(&self, mount: MountId, dir: &Path, mounting: Mounting) -> Result<Watching, WatchError> {
        self.queue.check_alive()?;
        let watching = |why: &str| Watching {
            source: SourceKind::Fanotify,
            generation: self.generation,
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
            let is_due = self.ear.tables().taken.get_mut(&mount).is_some_and(|taken| taken.unnamed.is_due());
            if is_due {
                self.ear.lose([mount]);
            }
            return Ok(watching(&taken.why));
        }
        let fsid = self.mark(dir)?;
        let kind = FilesystemKind::of(dir).map_or_else(|_| "its filesystem".to_owned(), FilesystemKind::name);
        let why = format!("one fanotify mark on the whole filesystem ({kind})");
        let taken = Taken { mounting, fsid, why: why.clone(), shows_mark: shows_mark(), unnamed: Unnamed::default() };
        self.ear.tables().taken.insert(mount, taken);
        if known.is_some() {
            // What happened while there was no mark was not told.
            self.ear.lose([mount]);
        }
        Ok(watching(&why))
    }

    fn is_alive(&self) -> bool {
        self.queue.check_alive().is_ok()
    }

    fn watch(&self, mount: MountId, path: &LogicalPath, dir: &Path) -> Result<(), WatchError> {
        self.queue.check_alive()?;
        let Some(root_fsid) = self.ear.tables().taken.get(&mount).map(|taken| taken.fsid) else {
            return Err(WatchError::Failed(format!("{} lies in a mount that is not taken up", dir.display())));
        };
        let failed = |error: &io::Error| match error.raw_os_error() {
            Some(libc::ENOENT | libc::ENOTDIR) => WatchError::Gone,
            _ => WatchError::Failed(format!("cannot watch {}: {error}", dir.display())),
        };
        let mut tables = self.ear.tables();
        let handle = DirHandle::of(root_fsid, dir).map_err(|error| failed(&error))?;
        if self.ear.mounts.get(mount).cross_filesystems {
            // Another filesystem below the mount has its own mark, or none.
            let own = fsid(dir).map_err(|error| failed(&error))?;
            if own != root_fsid {
                self.mark(dir)?;
                let handle = DirHandle::of(own, dir).map_err(|error| failed(&error))?;
                self.ear.register(&mut tables, handle, mount, path);
                return self.queue.check_alive();
            }
        }
        self.ear.register(&mut tables, handle, mount, path);
        // Asked last: a queue that is alive now hears, or reports as lost, what happens from now on.
        self.queue.check_alive()
    }

    fn forget(&self, mount: MountId, path: &LogicalPath) {
        let mut tables = self.ear.tables();
        if !tables.dirs.has_under(path) || is_directory(&self.ear.mounts.to_disk(mount, path)) {
            return;
        }
        tables.dirs.remove_under(path);
    }

    fn sync(&self, number: u64) -> Result<(), WatchError> {
        self.queue.sync(number)
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
        self.lose(taken);
    }
}

impl Listener {
    /// They are whole between any two statements, so a panic elsewhere does not spoil them.
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that hints were lost in these mounts.
    fn lose(&self, mounts: impl IntoIterator<Item = MountId>) {
        let mut batch = Batch::new(&self.mounts);
        batch.lost(mounts);
        batch.send(&self.sink);
    }

    fn register(&self, tables: &mut Tables, handle: DirHandle, mount: MountId, path: &LogicalPath) {
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
                Info::Child(child) if entry.is_none() && event.is_write() => unnamed(child, tables, batch),
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

    fn hint(&self, dir: &[u8], name: &[u8], kind: HintKind, tables: &Tables, batch: &mut Batch<'_>) {
        for Place { mount, path } in tables.dirs.places(dir) {
            match name {
                // About the directory itself.
                b"" | b"." => batch.directory(path, kind),
                name => batch.entry(*mount, path, name, kind),
            }
        }
    }
}

/// A file was written by nobody knows which name: a scan of the mounts on its filesystem finds it.
fn unnamed(file: &[u8], tables: &mut Tables, batch: &mut Batch<'_>) {
    for (mount, taken) in &mut tables.taken {
        if file.starts_with(&taken.fsid) {
            taken.unnamed.owed = true;
            if taken.unnamed.is_due() {
                batch.lost([*mount]);
            }
        }
    }
}

fn is_directory(dir: &Path) -> bool {
    fs::symlink_metadata(dir).is_ok_and(|about| about.is_dir())
}
