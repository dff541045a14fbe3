//! A scan that a caller asks for: `POST /v1/rescan`, `ringback rescan`.

use super::ids::TaskNo;
use super::path::LogicalPath;
use super::record::SyncAnswer;
use super::scope::Scope;

/// What is scanned again, and what the caller vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RescanRequest {
    /// A path in a mount; `None`: every mount of the scope.
    pub path: Option<LogicalPath>,
    /// Whose mounts are scanned.
    pub scope: Scope,
    /// The scan may report as many deletions as it finds, whatever a mount's `max_deletions` says.
    pub accept_deletions: bool,
    /// The directory that a mount shows now is the mount's, although the ledger knows another one.
    pub accept_root: bool,
}

impl RescanRequest {
    /// Returns whether the caller vouches for anything.
    #[must_use]
    pub fn vouches(&self) -> bool {
        self.accept_deletions || self.accept_root
    }

    /// A scan of one path, or of every mount of every tenant, that vouches for nothing.
    #[must_use]
    pub fn of(path: Option<LogicalPath>) -> Self {
        Self { path, scope: Scope::All, accept_deletions: false, accept_root: false }
    }
}

/// When the caller of a scan is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// At once: it is a task.
    Asked,
    /// Once it is known whether there is anything to scan: it is a task.
    Begun,
    /// Once all that it has found is matched.
    Matched,
}

/// What the beginning of a scan shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RescanAnswer {
    /// It has begun.
    Begun {
        /// Mounts that it concerns and that are offline: nothing is scanned there.
        offline: Vec<LogicalPath>,
        /// The UUID of its task. `None`: the caller waits for the end, or the machine was lost that was asked.
        task: Option<String>,
    },
    /// There is no file or directory at the path, and the catalog knows nothing at or below it.
    NothingThere,
}

/// A scan that is a task, and goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningRescan {
    /// Its task.
    pub task: TaskNo,
    /// What is scanned.
    pub request: RescanRequest,
    /// Directories that were compared.
    pub done: u64,
}

/// How far a scan that is a task has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rescanned {
    /// Its task.
    pub task: TaskNo,
    /// Directories that were compared.
    pub done: u64,
    /// How it ended; `None`: it goes on.
    pub end: Option<RescanEnd>,
}

/// How a scan that is a task ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RescanEnd {
    /// All that was found is matched. `offline` names the mounts that it concerns and that were not there.
    Matched(SyncAnswer),
    /// Every mount that it concerns is offline.
    AllOffline,
    /// See [`RescanAnswer::NothingThere`].
    NothingThere,
    /// Its caller vouched for something, and ringback was started anew: that word held for what was there then.
    VouchedBefore,
}
