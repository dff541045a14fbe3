//! inotify(7) as a source: one watch a directory, no more than that. Lists nothing, follows no rename, pairs nothing: a
//! directory that was renamed is hinted at both its names, and whoever looks there watches and lists it anew.
//!
//! A watch sits on an inode and its descriptor stays with it, so the table from descriptors to paths goes stale with a
//! rename and is mended by the next [`watch`](WatchSource::watch). Until then events below come under the old path.
//! They cost a look at nothing; what they were about is found by the listing of the new place, which comes after its
//! watch. Descriptors are never used twice while the instance lives, so a late event finds its own directory or none.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::hints::Batch;
use super::mounts::Mounts;
use super::queue::{Ear, Queue};
use super::table::{Place, Table};
use super::{Mounting, SignalSink, WatchError, WatchSource, next_generation};
use crate::model::hint::HintKind;
use crate::model::ids::MountId;
use crate::model::path::LogicalPath;
use crate::model::watching::{Generation, SourceKind, Watching};

/// What is told of a directory: everything that may change an asset in it. Not OPEN and ACCESS, which our own looks and
/// listings would cause. Nothing of files that are unlinked and still open.
const MASK: u32 = libc::IN_CREATE
    | libc::IN_MODIFY
    | libc::IN_CLOSE_WRITE
    | libc::IN_ATTRIB
    | libc::IN_MOVED_FROM
    | libc::IN_MOVED_TO
    | libc::IN_DELETE
    | libc::IN_ONLYDIR
    | libc::IN_DONT_FOLLOW
    | libc::IN_EXCL_UNLINK;
/// Also told of a mount's root, whose own directory nobody watches.
const ROOT_MASK: u32 = MASK | libc::IN_DELETE_SELF | libc::IN_MOVE_SELF;
/// `struct inotify_event` without its name: wd, mask, cookie, len.
const HEADER: usize = 16;

/// inotify as a [`WatchSource`].
pub struct InotifySource {
    generation: Generation,
    queue: Queue,
    ear: Arc<Listener>,
}

/// What the draining thread and the watching threads share.
struct Listener {
    mounts: Arc<Mounts>,
    sink: SignalSink,
    /// Held over the system call that makes a watch, so that no event of it is resolved before the entry is there.
    watches: Mutex<Table<i32>>,
}

impl InotifySource {
    /// An instance that watches nothing yet, and its thread.
    ///
    /// # Errors
    /// When the system grants none; the error says which limit to raise.
    pub fn new(mounts: Arc<Mounts>, sink: SignalSink) -> Result<Self, WatchError> {
        let cannot = |error: &io::Error| {
            let advice = match error.raw_os_error() {
                // inotify_init1(2): the limit of instances of this user, or of open files.
                Some(libc::EMFILE) => "; raise the limit with: sysctl fs.inotify.max_user_instances=N",
                _ => "",
            };
            WatchError::Failed(format!("cannot start inotify: {error}{advice}"))
        };
        // SAFETY: no pointers.
        let fd = unsafe { libc::inotify_init1(libc::IN_CLOEXEC | libc::IN_NONBLOCK) };
        if fd < 0 {
            return Err(cannot(&io::Error::last_os_error()));
        }
        // SAFETY: `inotify_init1` has just returned it, so it is open and nobody else's.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        let ear = Arc::new(Listener { mounts, sink, watches: Mutex::default() });
        let queue = Queue::start("inotify", fd, Arc::clone(&ear) as Arc<dyn Ear>).map_err(|error| cannot(&error))?;
        Ok(Self { generation: next_generation(), queue, ear })
    }

    fn add_watch(&self, dir: &Path, mask: u32) -> io::Result<i32> {
        let dir = CString::new(dir.as_os_str().as_bytes()).map_err(|_| io::Error::from_raw_os_error(libc::ENOENT))?;
        // SAFETY: the descriptor is open, and the path is a C string that outlives the call.
        let wd = unsafe { libc::inotify_add_watch(self.queue.fd(), dir.as_ptr(), mask) };
        if wd < 0 { Err(io::Error::last_os_error()) } else { Ok(wd) }
    }

    /// The watch may have gone with its directory already, and its end is told either way.
    fn remove_watch(&self, wd: i32) {
        // SAFETY: the descriptor is open, and there are no pointers.
        unsafe { libc::inotify_rm_watch(self.queue.fd(), wd) };
    }
}

impl WatchSource for InotifySource {
    fn take_up(&self, _mount: MountId, _dir: &Path, _mounting: Mounting) -> Result<Watching, WatchError> {
        self.queue.check_alive()?;
        Ok(Watching {
            source: SourceKind::Inotify,
            generation: self.generation,
            sees_closes: true,
            hints: true,
            why: "one inotify watch a directory".to_owned(),
            is_fallback: false,
        })
    }

    fn is_alive(&self) -> bool {
        self.queue.check_alive().is_ok()
    }

    fn watch(&self, mount: MountId, path: &LogicalPath, dir: &Path) -> Result<(), WatchError> {
        self.queue.check_alive()?;
        let mounts = &self.ear.mounts;
        let mask = if mounts.get(mount).path == *path { ROOT_MASK } else { MASK };
        let mut watches = self.ear.watches();
        let wd = self.add_watch(dir, mask).map_err(|error| watch_error(dir, &error))?;
        let inode = |dir: &Path| fs::symlink_metadata(dir).ok().map(|about| (about.dev(), about.ino()));
        let stands = |other: &Place| inode(&mounts.to_disk(other.mount, &other.path)) == inode(dir);
        if let Some(released) = watches.insert(wd, Place { mount, path: path.clone() }, stands) {
            self.remove_watch(released);
        }
        // Asked last: a queue that is alive now hears, or reports as lost, what happens from now on.
        self.queue.check_alive()
    }

    fn forget(&self, mount: MountId, path: &LogicalPath) {
        let mut watches = self.ear.watches();
        if !watches.has_under(path) || is_directory(&self.ear.mounts.to_disk(mount, path)) {
            return;
        }
        for wd in watches.remove_under(path) {
            self.remove_watch(wd);
        }
    }

    fn sync(&self, number: u64) -> Result<(), WatchError> {
        self.queue.sync(number)
    }
}

impl Ear for Listener {
    fn hear(&self, events: &[u8]) -> usize {
        let mut batch = Batch::new(&self.mounts);
        let mut watches = self.watches();
        let mut rest = events;
        while let Some((event, after)) = Event::next(rest) {
            self.hear_one(&event, &mut watches, &mut batch);
            rest = after;
        }
        drop(watches);
        batch.send(&self.sink);
        events.len()
    }

    fn waiting(&self, fionread: usize) -> usize {
        fionread
    }

    fn synced(&self, numbers: Vec<u64>) {
        let mut batch = Batch::new(&self.mounts);
        batch.synced(numbers);
        batch.send(&self.sink);
    }

    /// In every mount: one that another source watches is scanned for nothing, which happens once in a great while.
    fn lost(&self) {
        let mut batch = Batch::new(&self.mounts);
        batch.lost(self.mounts.ids());
        batch.send(&self.sink);
    }
}

impl Listener {
    /// It is whole between any two statements, so a panic elsewhere does not spoil it.
    fn watches(&self) -> MutexGuard<'_, Table<i32>> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear_one(&self, event: &Event<'_>, watches: &mut Table<i32>, batch: &mut Batch<'_>) {
        if event.mask & libc::IN_Q_OVERFLOW != 0 {
            tracing::warn!("{}", super::OVERFLOWED);
            batch.lost(self.mounts.ids());
            return;
        }
        for Place { mount, path } in watches.places(&event.wd) {
            match (event.name.is_empty(), event.kind()) {
                (false, Some(kind)) => batch.entry(*mount, path, event.name, kind),
                (true, Some(kind)) => batch.directory(path, kind),
                (_, None) => {}
            }
            if event.mask & libc::IN_UNMOUNT != 0 {
                // All watches on that filesystem are gone, and it may be back before anybody looks.
                batch.directory(path, HintKind::Moved);
                batch.lost([*mount]);
            }
        }
        if event.mask & libc::IN_IGNORED != 0 {
            watches.remove(&event.wd);
        }
    }
}

/// One event.
struct Event<'a> {
    wd: i32,
    mask: u32,
    /// Empty when it is about the directory itself.
    name: &'a [u8],
}

impl<'a> Event<'a> {
    /// The first event of a buffer, and what is after it.
    fn next(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (header, rest) = bytes.split_at_checked(HEADER)?;
        let number = |at: usize| <[u8; 4]>::try_from(&header[at..at + 4]).unwrap_or_default();
        let length = u32::from_ne_bytes(number(12)) as usize;
        let (name, rest) = rest.split_at_checked(length)?;
        // The name is filled up with NULs.
        let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
        Some((Self { wd: i32::from_ne_bytes(number(0)), mask: u32::from_ne_bytes(number(4)), name }, rest))
    }

    fn kind(&self) -> Option<HintKind> {
        let is = |bits: u32| self.mask & bits != 0;
        if is(libc::IN_CLOSE_WRITE) {
            return Some(HintKind::Closed);
        }
        // A new directory is no file that somebody writes.
        if is(libc::IN_CREATE | libc::IN_MODIFY) && !is(libc::IN_ISDIR) {
            return Some(HintKind::Written);
        }
        if is(libc::IN_ATTRIB) {
            return Some(HintKind::Attributes);
        }
        let moved = libc::IN_CREATE
            | libc::IN_MOVED_FROM
            | libc::IN_MOVED_TO
            | libc::IN_DELETE
            | libc::IN_DELETE_SELF
            | libc::IN_MOVE_SELF;
        is(moved).then_some(HintKind::Moved)
    }
}

fn is_directory(dir: &Path) -> bool {
    fs::symlink_metadata(dir).is_ok_and(|about| about.is_dir())
}

fn watch_error(dir: &Path, error: &io::Error) -> WatchError {
    match error.raw_os_error() {
        Some(libc::ENOENT | libc::ENOTDIR) => WatchError::Gone,
        // Said of watches, not of a disk: inotify_add_watch(2).
        Some(libc::ENOSPC) => WatchError::Limit,
        _ => WatchError::Failed(format!("cannot watch {}: {error}", dir.display())),
    }
}
