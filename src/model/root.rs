//! Looks at a mount's root: what is asked and what was seen. What is believed of it is decided elsewhere.

use super::asset::Identity;
use super::ids::MountId;
use super::path::LogicalPath;
use super::watching::Watching;

/// A known asset that is looked for below a root of another identity: a store that moved to another disk has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sampled {
    /// Where it was last.
    pub path: LogicalPath,
    /// Its size in bytes.
    pub size: u64,
}

/// Please look at a mount's root, and at what is mounted inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootRequest {
    /// Which mount.
    pub mount: MountId,
    /// A handle of the root as it was last seen ([`RootDirectory::handle`]), to tell whether it was removed.
    pub handle: Option<Handle>,
    /// Known assets to be looked for, by the root that they were seen in: the mount's own path, or that of a filesystem
    /// inside it. Empty while nothing is in doubt.
    pub samples: Vec<(LogicalPath, Vec<Sampled>)>,
    /// Find the newest change below the root, as far as a short look goes ([`RootDirectory::newest_ctime_ns`]).
    pub wants_newest: bool,
}

impl RootRequest {
    /// A look at the root alone.
    #[must_use]
    pub fn of(mount: MountId) -> Self {
        Self { mount, handle: None, samples: Vec::new(), wants_newest: false }
    }
}

/// A directory's file handle (name_to_handle_at(2)): unlike its path and its inode number, it never names another
/// directory. It does not keep the directory, nor its filesystem, in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handle(pub Vec<u8>);

/// What a mount's root is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootSeen {
    /// A directory.
    Directory(Box<RootDirectory>),
    /// Nothing is there.
    Missing,
    /// There is something else, or it cannot be read; for people.
    Unusable(String),
}

/// A root that is a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootDirectory {
    /// Which one.
    pub identity: Identity,
    /// Which mounting of its filesystem it is on; 0 where the system does not say.
    pub mounting: u64,
    /// Something is mounted at this very directory.
    pub is_mount_root: bool,
    /// It has no entries at all.
    pub empty: bool,
    /// How the mount is watched from now on. Where that is new, nothing below the root is watched yet.
    pub watching: Watching,
    /// For the next look.
    pub handle: Option<Handle>,
    /// The root of [`RootRequest::handle`] stood in the same filesystem and was removed. A directory can be removed
    /// only when it is empty.
    pub was_removed: bool,
    /// How many of each sample were found with their sizes, in the order asked.
    pub found: Vec<usize>,
    /// The tree has more files than were looked for (counted only where the sample was of the root itself).
    pub holds_more: bool,
    /// The newest ctime that was seen, nanoseconds since the epoch by the filesystem's own clock, where it was asked
    /// for.
    pub newest_ctime_ns: Option<i64>,
    /// What is mounted inside the mount, ignored places left out, in the order of paths.
    pub below: Vec<MountedBelow>,
}

/// Something that is mounted at a directory inside a mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountedBelow {
    /// Where.
    pub path: LogicalPath,
    /// The directory that stands there now; `None` where it cannot be looked at.
    pub identity: Option<Identity>,
    /// Which mounting of its filesystem it is; 0 where the system does not say.
    pub mounting: u64,
    /// It is of the mount's own filesystem: a bind mount, or a subvolume that is mounted by itself.
    pub is_same_filesystem: bool,
    /// It shows what another place of the mount shows already.
    pub is_second_way: bool,
}
