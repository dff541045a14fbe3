//! The `notify` crate as a source: one non-recursive watch a directory. Lists nothing, follows no rename, and never
//! uses notify's recursive mode (which loses what is created in a directory before its watch stands).
//!
//! The kernel has one queue for all watches, and notify one thread that reads it; a hint goes to the sink on that
//! thread. A [`sync`](WatchSource::sync) is a cookie in that same queue: a file made and removed in a private, watched
//! directory. When its event comes, everything before it has been signalled.
//!
//! notify reads a queue that gives errors again and again, without end and without doing anything else. So its first
//! error ends its thread, and the source is dead: whoever looks at a mount's root next finds that, and starts another.
//!
//! When notify reads that a directory went away it drops the watches at and below that path, also those that were
//! renewed for a new directory of that name meanwhile. It has told of the path just before, so whoever looks there
//! again and watches the whole subtree again loses nothing.

mod event;
mod held;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{fs, io};

use ::notify::{ErrorKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use self::event::{Meaning, meaning};
use self::held::Held;
use super::mounts::{Mounts, relative};
use super::{Mounting, SignalSink, WatchError, WatchSource, next_generation};
use crate::model::hint::{Hint, HintKind, Signal};
use crate::model::ids::MountId;
use crate::model::path::LogicalPath;
use crate::model::watching::{Generation, SourceKind, Watching};

/// Whether notify's recommended watcher is the inotify one here.
const IS_INOTIFY: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// A cookie that has not come back for so long never will: its directory was removed between its watch and its making,
/// say. Longer than a burst of some 100,000 files takes to be read, because a scan of everything then stands for it.
const COOKIE_MAX: Duration = Duration::from_secs(30);

/// The `notify` crate as a [`WatchSource`].
pub struct NotifySource {
    generation: Generation,
    /// One lock for both: which watches stand must not change between asking [`Held`] and telling notify. The notify
    /// thread never takes it.
    watches: Mutex<(Option<RecommendedWatcher>, Held)>,
    ear: Arc<Ear>,
}

impl NotifySource {
    /// Starts notify's thread, watching nothing but `sync_dir`: a directory of this source's own inside the state
    /// directory. It is made (mode 0700) when missing, and emptied.
    ///
    /// # Errors
    /// When the directory cannot be made, or the system grants no watcher.
    pub fn new(mounts: Arc<Mounts>, sync_dir: &Path, sink: SignalSink) -> Result<Self, WatchError> {
        let sync_dir: PathBuf = sync_dir.components().collect();
        make_private(&sync_dir)?;
        let leftovers = fs::read_dir(&sync_dir).map_err(|error| failed("list", &sync_dir, &error))?;
        for leftover in leftovers.flatten() {
            // A leftover costs nothing but its name.
            let _ = fs::remove_file(leftover.path());
        }
        let ear = Arc::new(Ear {
            mounts,
            sink,
            sync_dir: sync_dir.clone(),
            awaited: Mutex::default(),
            dead: AtomicBool::new(false),
            ending: AtomicBool::new(false),
        });
        let callback = {
            let on_thread = OnThread(Arc::clone(&ear));
            move |event| on_thread.hear(event)
        };
        let watcher = ::notify::recommended_watcher(callback).map_err(|error| start_error(&error))?;
        let watches = Mutex::new((Some(watcher), Held::default()));
        let source = Self { generation: next_generation(), watches, ear };
        source.watch_dir(&sync_dir)?;
        Ok(source)
    }

    fn watch_dir(&self, dir: &Path) -> Result<(), WatchError> {
        let mut watches = lock(&self.watches);
        let (Some(watcher), held) = &mut *watches else { return Err(ended()) };
        self.ear.check_alive()?;
        // lstat first: inotify would follow a symbolic link.
        let inode = match held::inode_of(dir) {
            Ok(Some(inode)) => inode,
            Ok(None) => return Err(WatchError::Gone),
            Err(error) => return Err(io_error(dir, &error)),
        };
        for stale in held.stale(dir, inode).into_iter().flatten() {
            if stale != dir && held::inode_of(&stale).is_ok_and(|now| now == Some(inode)) {
                return Err(WatchError::Failed(format!(
                    "{} is also at {} (a bind mount?), and one of the two can be watched; keep one of them in a mount",
                    dir.display(),
                    stale.display()
                )));
            }
            // Its error is that there is no such watch: notify has read of the rename before us.
            let _ = call(|| watcher.unwatch(&stale))?;
            held.remove(&stale);
        }
        call(|| watcher.watch(dir, RecursiveMode::NonRecursive))?.map_err(|error| watch_error(dir, &error))?;
        held.insert(dir, inode);
        // Asked last: a thread that is alive now hears, or reports as lost, what happens from now on.
        self.ear.check_alive()
    }
}

impl WatchSource for NotifySource {
    fn take_up(&self, _mount: MountId, _dir: &Path, _mounting: Mounting) -> Result<Watching, WatchError> {
        self.ear.check_alive()?;
        self.ear.give_up_cookies();
        Ok(Watching {
            source: SourceKind::Notify,
            generation: self.generation,
            sees_closes: IS_INOTIFY,
            hints: true,
            why: "one watch a directory, through the notify crate".to_owned(),
            is_fallback: false,
        })
    }

    fn is_alive(&self) -> bool {
        self.ear.check_alive().is_ok()
    }

    fn watch(&self, _mount: MountId, _path: &LogicalPath, dir: &Path) -> Result<(), WatchError> {
        self.watch_dir(dir)
    }

    /// A watch is dropped with its directory; those of a tree that was moved away are swept out in time
    /// (`notify/held.rs`).
    fn forget(&self, _mount: MountId, _path: &LogicalPath) {}

    fn sync(&self, number: u64) -> Result<(), WatchError> {
        // Somebody may have removed the directory meanwhile; without a watch the cookie would never come back.
        make_private(&self.ear.sync_dir)?;
        self.watch_dir(&self.ear.sync_dir)?;
        lock(&self.ear.awaited).insert(number, Instant::now());
        let cookie = self.ear.sync_dir.join(number.to_string());
        if let Err(error) = File::create(&cookie).and_then(|_| fs::remove_file(&cookie)) {
            lock(&self.ear.awaited).remove(&number);
            return Err(failed("write", &cookie, &error));
        }
        // The thread that has ended meanwhile has answered, or never will.
        match self.ear.check_alive() {
            Err(error) if lock(&self.ear.awaited).remove(&number).is_some() => Err(error),
            _ => Ok(()),
        }
    }
}

impl Drop for NotifySource {
    fn drop(&mut self) {
        self.ear.ending.store(true, Ordering::Release);
        if self.ear.check_alive().is_err() {
            // It would ask its thread to end, and panic because that has ended already.
            std::mem::forget(lock(&self.watches).0.take());
        }
    }
}

/// Calls notify, which panics when its thread has ended meanwhile.
fn call<T>(notify: impl FnOnce() -> T) -> Result<T, WatchError> {
    catch_unwind(AssertUnwindSafe(notify)).map_err(|_| ended())
}

fn ended() -> WatchError {
    WatchError::Failed("notify gives no events any more".to_owned())
}

/// The ear as notify's thread holds it: dropped when that thread ends, for whatever reason.
struct OnThread(Arc<Ear>);

impl OnThread {
    /// An error of the queue itself ends the thread.
    fn hear(&self, event: ::notify::Result<::notify::Event>) {
        if let Err(error) = &event
            && is_broken_queue(error)
        {
            tracing::error!(%error, "notify's queue is broken; the mounts are watched anew");
            resume_unwind(Box::new("notify's queue is broken"));
        }
        self.0.hear_or_lose(event);
    }
}

impl Drop for OnThread {
    fn drop(&mut self) {
        // First, so that a mount that is scanned for the loss is never watched by this instance.
        self.0.dead.store(true, Ordering::Release);
        if !self.0.ending.load(Ordering::Acquire) {
            let _ = catch_unwind(AssertUnwindSafe(|| self.0.lose()));
        }
    }
}

/// Whether it is an error of reading the queue. (Errors of single directories name them.)
fn is_broken_queue(error: &::notify::Error) -> bool {
    let is_io = matches!(&error.kind, ErrorKind::Io(error) if error.kind() != io::ErrorKind::Interrupted);
    IS_INOTIFY && is_io && error.paths.is_empty()
}

/// What hears notify's events, on notify's thread: it takes no lock that is held for long, and never calls notify.
struct Ear {
    mounts: Arc<Mounts>,
    sink: SignalSink,
    sync_dir: PathBuf,
    /// The cookies that have not come back, each with when it was asked for.
    awaited: Mutex<BTreeMap<u64, Instant>>,
    /// The thread has ended: for good.
    dead: AtomicBool,
    /// The thread is to end, and loses nothing by it.
    ending: AtomicBool,
}

impl Ear {
    /// A panic would end notify's thread, so it counts as a loss.
    fn hear_or_lose(&self, event: ::notify::Result<::notify::Event>) {
        if catch_unwind(AssertUnwindSafe(|| self.hear(event))).is_err() {
            tracing::error!("a watch event could not be passed on; the mounts are scanned instead");
            let _ = catch_unwind(AssertUnwindSafe(|| self.lose()));
        }
    }

    fn check_alive(&self) -> Result<(), WatchError> {
        if self.dead.load(Ordering::Acquire) { Err(ended()) } else { Ok(()) }
    }

    /// Scans in place of cookies that will not come back.
    fn give_up_cookies(&self) {
        if lock(&self.awaited).values().any(|asked| asked.elapsed() > COOKIE_MAX) {
            tracing::warn!("the watcher does not say what it has seen; the mounts are scanned");
            self.lose();
        }
    }

    fn hear(&self, event: ::notify::Result<::notify::Event>) {
        let event = match event {
            Ok(event) => event,
            Err(error) => return self.hear_error(&error),
        };
        match meaning(&event) {
            Meaning::Nothing => {}
            Meaning::Hint(kind) if !event.paths.is_empty() => {
                for path in &event.paths {
                    self.hint(path, kind);
                }
            }
            Meaning::Hint(_) | Meaning::Lost => self.lose(),
        }
    }

    fn hint(&self, path: &Path, kind: HintKind) {
        if let Some(below) = relative(&self.sync_dir, path) {
            return self.cookie(below);
        }
        if let Some((mount, path)) = self.mounts.locate(path)
            && !self.mounts.is_ignored(mount, &path)
        {
            (self.sink)(vec![Signal::Hint(Hint { path, kind })]);
        }
    }

    fn cookie(&self, name: &[u8]) {
        let Some(number) = str::from_utf8(name).ok().and_then(|name| name.parse().ok()) else { return };
        // The cookie makes several events; the first one answers.
        let answers = lock(&self.awaited).remove(&number).is_some();
        if answers {
            (self.sink)(vec![Signal::Synced(number)]);
        }
    }

    fn hear_error(&self, error: &::notify::Error) {
        let located: Vec<_> = error.paths.iter().filter_map(|path| self.mounts.locate(path)).collect();
        match &error.kind {
            ErrorKind::MaxFilesWatch if !located.is_empty() => {
                for (_, path) in located {
                    (self.sink)(vec![Signal::Unwatched { path, why: WatchError::Limit.to_string() }]);
                }
            }
            _ => {
                tracing::warn!(%error, "the watcher reports an error; the mounts are scanned");
                self.lose();
            }
        }
    }

    /// Says that hints were lost, in every mount. A cookie may be among what was lost: the scans stand for it.
    fn lose(&self) {
        let awaited = std::mem::take(&mut *lock(&self.awaited));
        let lost = self.mounts.ids().map(Signal::Lost);
        (self.sink)(lost.chain(awaited.into_keys().map(Signal::Synced)).collect());
    }
}

/// What these locks guard is whole between any two statements, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn make_private(dir: &Path) -> Result<(), WatchError> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| failed("make", dir, &error))
}

fn failed(doing: &str, path: &Path, error: &io::Error) -> WatchError {
    WatchError::Failed(format!("cannot {doing} {}: {error}", path.display()))
}

fn io_error(dir: &Path, error: &io::Error) -> WatchError {
    match error.raw_os_error() {
        Some(libc::ENOENT | libc::ENOTDIR) => WatchError::Gone,
        // notify turns inotify's ENOSPC into MaxFilesWatch; other watchers may not.
        Some(libc::ENOSPC) => WatchError::Limit,
        _ => failed("watch", dir, error),
    }
}

fn watch_error(dir: &Path, error: &::notify::Error) -> WatchError {
    match &error.kind {
        ErrorKind::PathNotFound | ErrorKind::WatchNotFound => WatchError::Gone,
        ErrorKind::MaxFilesWatch => WatchError::Limit,
        ErrorKind::Io(error) => io_error(dir, error),
        ErrorKind::Generic(_) | ErrorKind::InvalidConfig(_) => {
            WatchError::Failed(format!("cannot watch {}: {error}", dir.display()))
        }
    }
}

fn start_error(error: &::notify::Error) -> WatchError {
    let advice = match &error.kind {
        // inotify_init1(2): the limit of instances of this user, or of open files.
        ErrorKind::Io(io) if io.raw_os_error() == Some(libc::EMFILE) => {
            "; raise the limit with: sysctl fs.inotify.max_user_instances=N"
        }
        _ => "",
    };
    WatchError::Failed(format!("cannot start a watcher: {error}{advice}"))
}
