//! fanotify(7) as a source: one mark on a whole filesystem, and no watch a directory. Every event names the directory
//! that it happened in by a file handle, and the name in it; a rename is one event with both.
//!
//! Handles become paths by a table that is filled as directories are watched and made. Where a directory is that is not
//! in the table, the kernel is asked (`fanotify/unknown.rs`): in no mount, mostly, which is remembered for a while. A
//! rename leaves the table stale until the new place is watched, as with inotify ([`super::inotify`] has the argument).
//! A write by another name of a file, outside of all mounts, is signalled by the file's inode; one that names no
//! directory (knfsd writes so, by the file's own handle) costs a scan as well.
//!
//! A mark needs CAP_SYS_ADMIN, asking needs CAP_DAC_READ_SEARCH, and the filesystem has to have file handles and an id
//! of its own (ext4, xfs, btrfs, tmpfs have; overlayfs has not): [`WatchSource::take_up`] tries all of it. Linux 5.17
//! or newer. The kernel's queue is bounded (`fs.fanotify.max_queued_events`) and running over is a scan: a queue
//! without a limit would grow in the kernel's memory for as long as this process is stopped.

mod ask;
mod event;
mod handle;
mod listener;
mod mark;
mod recent;
mod tables;
mod unknown;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::ask::Asked;
use self::handle::{DirHandle, Fsid, fsid};
use self::listener::Listener;
use self::tables::{Taken, Unnamed};
use super::filesystem::FilesystemKind;
use super::mounts::Mounts;
use super::queue::{Ear, Queue};
use super::{Mounting, SignalSink, WatchError, WatchSource, next_generation};
use crate::model::ids::MountId;
use crate::model::path::LogicalPath;
use crate::model::watching::{Generation, SourceKind, Watching};

/// fanotify as a [`WatchSource`].
pub struct FanotifySource {
    generation: Generation,
    queue: Queue,
    ear: Arc<Listener>,
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
        let ear = Arc::new(Listener::new(mounts, sink));
        let queue = Queue::start("fanotify", group, Arc::clone(&ear) as Arc<dyn Ear>)
            .map_err(|error| WatchError::Failed(format!("fanotify cannot be read: {error}")))?;
        Ok(Self { generation: next_generation(), queue, ear })
    }

    /// Marks the filesystem of a directory, and tries what is needed to read its events. Returns the filesystem's id,
    /// and where the directory is without symbolic links.
    fn mark(&self, dir: &Path) -> Result<(Fsid, PathBuf), WatchError> {
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
        let root = Asked::open(dir, fsid).and_then(|asked| {
            asked.directory(handle.as_bytes())?;
            asked.own_path()
        });
        let root = root.map_err(|error| {
            let advice = match error.raw_os_error() {
                Some(libc::EPERM) => " (it needs CAP_DAC_READ_SEARCH)",
                _ => "",
            };
            failed("ask by handles about", &error, advice)
        })?;
        Ok((fsid, root))
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
            let root = Asked::open(dir, taken.fsid).and_then(|asked| asked.own_path());
            let mut tables = self.ear.tables();
            if let Ok(root) = root {
                tables.moved(mount, root);
            }
            let is_due = tables.taken.get_mut(&mount).is_some_and(|taken| taken.unnamed.is_due());
            drop(tables);
            if is_due {
                self.ear.lose([mount]);
            }
            return Ok(watching(&taken.why));
        }
        let (fsid, root) = self.mark(dir)?;
        let kind = FilesystemKind::of(dir).map_or_else(|_| "its filesystem".to_owned(), FilesystemKind::name);
        let why = format!("one fanotify mark on the whole filesystem ({kind})");
        let (shows_mark, unnamed) = (shows_mark(), Unnamed::default());
        self.ear.tables().take(mount, Taken { mounting, fsid, why: why.clone(), root, shows_mark, unnamed });
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
                let (_, real) = self.mark(dir)?;
                tables.note_inner(own, &real);
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

fn is_directory(dir: &Path) -> bool {
    fs::symlink_metadata(dir).is_ok_and(|about| about.is_dir())
}
