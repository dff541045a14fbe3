//! The edge that hints. A source says that something may have changed at a path; it reads no metadata, keeps no
//! catalog, decides nothing, and loses nothing silently: what it cannot pass on it reports as [`Signal::Lost`].
//!
//! Four sources stand behind one seam, [`WatchSource`], and a fifth, [`sources::Sources`], that chooses among them for
//! each mount. A source may lose, double and reorder hints: that costs time, never a change. What it owes is one thing:
//! whatever happens in a directory after [`WatchSource::watch`] has returned is hinted, or [`Signal::Lost`] is
//! signalled.

#[cfg(target_os = "linux")]
pub mod fanotify;
pub mod filesystem;
mod hints;
pub mod ignore;
#[cfg(target_os = "linux")]
pub mod inotify;
pub mod mounts;
pub mod notify;
pub mod poll;
#[cfg(target_os = "linux")]
mod queue;
pub mod sources;
pub mod table;
#[cfg(all(test, target_os = "linux"))]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::hint::Signal;
use crate::model::ids::MountId;
use crate::model::path::LogicalPath;
use crate::model::watching::{Generation, Watching};

/// What the log says when the kernel threw events away.
#[cfg(target_os = "linux")]
const OVERFLOWED: &str = "the kernel's queue of events overflowed: the mounts are scanned instead";

/// Where a source's signals go, in order. Called on the source's own thread; it never blocks.
pub type SignalSink = Arc<dyn Fn(Vec<Signal>) + Send + Sync>;

/// The generation of a source that is being started: no other instance has it in this process.
fn next_generation() -> Generation {
    static LAST: AtomicU64 = AtomicU64::new(0);
    Generation(LAST.fetch_add(1, Ordering::Relaxed) + 1)
}

/// One way of being told that something may have changed.
pub trait WatchSource: Send + Sync {
    /// Takes a mount up, before any directory of it is watched, and says how it is watched from now on. Asked with each
    /// look at the mount's root, so it costs next to nothing while `dir` stays where it is. Where the answer differs
    /// from the last one, or the root does, every directory is to be watched anew.
    ///
    /// # Errors
    /// Why this source cannot watch what is at `dir`.
    fn take_up(&self, mount: MountId, dir: &Path, mounting: Mounting) -> Result<Watching, WatchError>;

    /// Returns whether this instance still hints. One that has died never does so again, and signals what it lost.
    fn is_alive(&self) -> bool {
        true
    }

    /// Watches one directory, not what is below it. When this returns, whatever happens in the directory from now on
    /// is signalled; so the caller lists it afterwards. Watching a directory again is harmless.
    ///
    /// # Errors
    /// Why the directory is not watched; [`WatchError::Failed`] on a source that is dead.
    fn watch(&self, mount: MountId, path: &LogicalPath, dir: &Path) -> Result<(), WatchError>;

    /// No directory is at a path any more, as the caller has just seen: what is kept for it and below it may go. It
    /// may be back already, and watched.
    fn forget(&self, mount: MountId, path: &LogicalPath);

    /// Asks for [`Signal::Synced`] with this number, after everything that the source has seen so far.
    ///
    /// # Errors
    /// Why the source cannot say; the caller then answers for a scan instead.
    fn sync(&self, number: u64) -> Result<(), WatchError>;
}

/// Which mounting of which filesystem a mount's root is on: while it is the same, so are the watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mounting {
    /// The filesystem ([`crate::model::asset::Identity::volume`]).
    pub volume: u64,
    /// Which mounting of it; 0 where the system does not tell.
    pub number: u64,
}

/// Why a directory is not watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// It is not there any more; its parent's watch tells.
    #[error("the directory is gone")]
    Gone,
    /// The system's limit of watches is reached.
    #[error("the limit of inotify watches is reached; raise it with: sysctl fs.inotify.max_user_watches=N")]
    Limit,
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}
