//! Which mount a path lies in, and so whose it is.

use std::sync::Arc;

use crate::model::mount::Mount;
use crate::model::mounts_by_path::MountsByPath;
use crate::model::path::LogicalPath;

/// The mounts, found by the paths in them.
pub(super) struct MountTable {
    mounts: Arc<[Mount]>,
    by_path: MountsByPath,
}

impl MountTable {
    pub(super) fn new(mounts: Arc<[Mount]>) -> Self {
        let by_path = MountsByPath::new(mounts.iter().map(|mount| mount.path.as_bytes()));
        Self { mounts, by_path }
    }

    /// The mount that a path lies in.
    pub(super) fn of(&self, path: &LogicalPath) -> Option<&Mount> {
        self.by_path.of(path.as_bytes()).map(|mount| &self.mounts[usize::from(mount.0)])
    }
}
