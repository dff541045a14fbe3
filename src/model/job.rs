//! What the engine wants looked at: done by the threads that look, answered by an input.

use super::ids::MountId;
use super::look::{ListRequest, LookRequest};
use super::root::RootRequest;

/// One thing to do.
#[derive(Debug)]
pub enum Job {
    /// Look at these paths.
    Look(LookRequest),
    /// Watch a directory, then list it.
    List(ListRequest),
    /// See what a mount's root is.
    SeeRoot(RootRequest),
    /// Have the watch source say, under this number, when everything that it has seen has been signalled.
    SyncSource(u64),
}

impl Job {
    /// Whose filesystem it is about.
    #[must_use]
    pub fn mount(&self) -> Option<MountId> {
        match self {
            Self::Look(request) => Some(request.mount),
            Self::List(request) => Some(request.mount),
            Self::SeeRoot(request) => Some(request.mount),
            Self::SyncSource(_) => None,
        }
    }
}
