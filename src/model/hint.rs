//! Hints: something may have changed at a path. Never trusted; a hint only makes ringback look.

use std::sync::Arc;

use super::ids::MountId;
use super::path::LogicalPath;

/// Why a look is due, which decides when it is due (`settle`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HintKind {
    /// Created or written, and not (yet) seen closed: somebody is probably still writing.
    Written,
    /// Closed after writing: whole, unless another writer has it open.
    Closed,
    /// Moved in, moved away or removed: there is nothing to wait for.
    Moved,
    /// Its attributes changed (mode, owner, times, extended attributes), and that is all: there is nothing to wait for.
    Attributes,
    /// Found by a scan to differ from the catalog: nobody saw how it got there.
    Found,
}

/// One hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The file or directory.
    pub path: LogicalPath,
    /// Why.
    pub kind: HintKind,
}

/// What a watch source says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// Something may have changed.
    Hint(Hint),
    /// A file may have changed that is known by its inode alone: it was written by a name that lies in no mount, or by
    /// none.
    File {
        /// The mounts on its filesystem, any of which may hold other names of it.
        mounts: Arc<[MountId]>,
        /// The filesystem ([`super::asset::Identity::volume`]).
        volume: u64,
        /// Its inode number.
        inode: u64,
        /// What happened to it.
        kind: HintKind,
    },
    /// Hints were lost (a kernel queue ran over, a bounded buffer was full): scan the mount.
    Lost(MountId),
    /// Everything that the source saw before [`crate::watch::WatchSource::sync`] was called with this number has been
    /// signalled.
    Synced(u64),
    /// A directory cannot be watched; `why` says what to do about it. Shown as a fault of the mount.
    Unwatched {
        /// The directory.
        path: LogicalPath,
        /// For people.
        why: String,
    },
}
