//! The edge that hints. A source says that something may have changed at a path; it reads no metadata, keeps no
//! catalog, decides nothing, and loses nothing silently: what it cannot pass on it reports as [`Signal::Lost`].

pub mod ignore;
pub mod mounts;
pub mod notify;

use std::path::Path;
use std::sync::Arc;

use crate::model::hint::Signal;
use crate::model::ids::MountId;
use crate::model::path::LogicalPath;

/// Where a source's signals go. Called on the source's own thread; it never blocks.
pub type SignalSink = Arc<dyn Fn(Signal) + Send + Sync>;

/// One way of being told that something may have changed.
pub trait WatchSource: Send + Sync {
    /// Its name in configuration and status.
    fn name(&self) -> &'static str;

    /// Whether it tells when a writer closes a file. Where it does not, a file counts as whole once it has been quiet.
    fn sees_closes(&self) -> bool;

    /// Watches one directory, not what is below it. When this returns, whatever happens in the directory from now on
    /// is signalled; so the caller lists it afterwards. Watching a directory again is harmless.
    ///
    /// # Errors
    /// Why the directory is not watched.
    fn watch(&self, mount: MountId, path: &LogicalPath, dir: &Path) -> Result<(), WatchError>;

    /// Asks for [`Signal::Synced`] with this number, after everything that the source has seen so far.
    ///
    /// # Errors
    /// Why the source cannot say; the caller then answers for a scan instead.
    fn sync(&self, number: u64) -> Result<(), WatchError>;
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
