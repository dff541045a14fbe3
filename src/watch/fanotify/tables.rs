//! What is known of the marked filesystems: which directory each handle is, which mounts there are, and what was asked
//! lately.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::handle::{DirHandle, Fsid};
use super::recent::Recent;
use crate::model::ids::MountId;
use crate::watch::Mounting;
use crate::watch::hints::Batch;
use crate::watch::table::Table;

/// Writes that name no directory, and handles about which the kernel cannot say anything, cost a scan this often at
/// most.
const UNNAMED_EVERY: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(super) struct Tables {
    pub(super) dirs: Table<DirHandle>,
    pub(super) taken: BTreeMap<MountId, Taken>,
    /// By where their roots really are.
    roots: HashMap<PathBuf, MountId>,
    /// A directory on each other filesystem that is watched below a mount.
    inner: HashMap<Fsid, PathBuf>,
    /// Directories that lie in no mount, or are ignored.
    pub(super) outside: Recent,
    /// Files that have one name.
    pub(super) single: Recent,
}

/// A mount that is watched.
#[derive(Clone)]
pub(super) struct Taken {
    pub(super) mounting: Mounting,
    pub(super) fsid: Fsid,
    pub(super) why: String,
    /// Its root, without symbolic links.
    pub(super) root: PathBuf,
    /// Whether the end of its mark can be noticed: not where stat(2) names another device than the superblock's
    /// (btrfs).
    pub(super) shows_mark: bool,
    pub(super) unnamed: Unnamed,
}

/// Whether writes were heard that name no directory.
#[derive(Clone, Copy, Default)]
pub(super) struct Unnamed {
    /// A scan is owed for them.
    owed: bool,
    /// When the last scan was asked for.
    told: Option<Instant>,
}

impl Unnamed {
    /// Returns whether a scan is due now; the caller asks for it.
    pub(super) fn is_due(&mut self) -> bool {
        let due = self.owed && self.told.is_none_or(|told| told.elapsed() >= UNNAMED_EVERY);
        if due {
            *self = Self { owed: false, told: Some(Instant::now()) };
        }
        due
    }
}

impl Tables {
    /// A mount is watched from now on.
    pub(super) fn take(&mut self, mount: MountId, taken: Taken) {
        self.moved(mount, taken.root.clone());
        self.taken.insert(mount, taken);
    }

    /// A mount's root is there now.
    pub(super) fn moved(&mut self, mount: MountId, root: PathBuf) {
        if let Some(taken) = self.taken.get_mut(&mount)
            && taken.root != root
        {
            self.roots.remove(&taken.root);
            taken.root.clone_from(&root);
        }
        self.roots.insert(root, mount);
    }

    /// A directory below a mount is on a filesystem of its own.
    pub(super) fn note_inner(&mut self, fsid: Fsid, dir: &Path) {
        self.inner.entry(fsid).or_insert_with(|| dir.to_path_buf());
    }

    /// Directories from which others on a filesystem can be asked for: one for each way into it.
    pub(super) fn ways_into(&self, fsid: Fsid) -> Vec<PathBuf> {
        let mut ways = BTreeMap::new();
        for taken in self.taken.values().filter(|taken| taken.fsid == fsid) {
            ways.entry(taken.mounting.number).or_insert_with(|| taken.root.clone());
        }
        ways.into_values().chain(self.inner.get(&fsid).cloned()).collect()
    }

    /// A way that leads there no more.
    pub(super) fn forget_way(&mut self, fsid: Fsid, dir: &Path) {
        if self.inner.get(&fsid).is_some_and(|inner| inner == dir) {
            self.inner.remove(&fsid);
        }
    }

    /// The mount that a directory on disk lies in, and what is left of its path below the mount's root.
    pub(super) fn locate<'a>(&self, path: &'a Path) -> Option<(MountId, &'a Path)> {
        let (mount, root) = path.ancestors().find_map(|above| Some((*self.roots.get(above)?, above)))?;
        Some((mount, path.strip_prefix(root).ok()?))
    }

    /// The mounts whose roots are on a filesystem, and its number as looks know it; `None` when there are none.
    pub(super) fn mounts_on(&self, fsid: Fsid) -> Option<(Arc<[MountId]>, u64)> {
        let on = || self.taken.iter().filter(|(_, taken)| taken.fsid == fsid);
        let (_, first) = on().next()?;
        Some((on().map(|(mount, _)| *mount).collect(), first.mounting.volume))
    }

    /// Something was heard on a filesystem and cannot be placed: a scan of its mounts finds it.
    pub(super) fn owe_scan(&mut self, fsid: Fsid, batch: &mut Batch<'_>) {
        for (mount, taken) in self.taken.iter_mut().filter(|(_, taken)| taken.fsid == fsid) {
            taken.unnamed.owed = true;
            if taken.unnamed.is_due() {
                batch.lost([*mount]);
            }
        }
    }
}
