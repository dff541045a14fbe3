//! A scan that a caller asks for: `POST /v1/rescan`, `ringback rescan`.

use super::path::LogicalPath;
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
    /// A scan of one path, or of every mount of every tenant, that vouches for nothing.
    #[must_use]
    pub fn of(path: Option<LogicalPath>) -> Self {
        Self { path, scope: Scope::All, accept_deletions: false, accept_root: false }
    }
}

/// What the beginning of a scan shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RescanAnswer {
    /// It has begun.
    Begun {
        /// Mounts that it concerns and that are offline: nothing is scanned there.
        offline: Vec<LogicalPath>,
    },
    /// There is no file or directory at the path, and the catalog knows nothing at or below it.
    NothingThere,
}
