//! Which directory each watch holds. Watches nothing itself.
//!
//! inotify watches inodes, notify's table says paths, and the two part when a directory is renamed and watched under
//! its new name before notify has read of the rename: the kernel answers with the old watch descriptor, which notify
//! then drops with the old path, and the directory is deaf for good. So whoever watches a path asks here first which
//! path's watch must go.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

/// Which directory it is while it lives: device and inode.
pub(super) type Inode = (u64, u64);

/// The watched directories.
#[derive(Debug, Default)]
pub(super) struct Held {
    inodes: HashMap<Arc<Path>, Inode>,
    paths: HashMap<Inode, Arc<Path>>,
    /// How many there were after the last sweep.
    swept: usize,
}

/// Below this many it is not worth sweeping.
const SWEEP_FROM: usize = 1024;

impl Held {
    /// The paths whose watches must go before `path`, which is now `inode`, is watched: another path that held this
    /// inode, and this path when it held another.
    pub(super) fn stale(&self, path: &Path, inode: Inode) -> [Option<PathBuf>; 2] {
        let other = self.paths.get(&inode).filter(|other| &***other != path).map(|other| other.to_path_buf());
        let replaced = self.inodes.get(path).is_some_and(|&held| held != inode).then(|| path.to_path_buf());
        [other, replaced]
    }

    /// Forgets a path.
    pub(super) fn remove(&mut self, path: &Path) {
        if let Some(inode) = self.inodes.remove(path)
            && self.paths.get(&inode).is_some_and(|held| &**held == path)
        {
            self.paths.remove(&inode);
        }
    }

    /// Notes that `path` is watched and is `inode`. Whenever the table has doubled, those that are gone from disk are
    /// swept out, so it stays within twice what lives.
    pub(super) fn insert(&mut self, path: &Path, inode: Inode) {
        self.remove(path);
        let path: Arc<Path> = path.into();
        if let Some(other) = self.paths.insert(inode, Arc::clone(&path)) {
            self.inodes.remove(&other);
        }
        self.inodes.insert(path, inode);
        if self.inodes.len() >= SWEEP_FROM.max(2 * self.swept) {
            self.inodes.retain(|path, inode| inode_of(path).is_ok_and(|now| now == Some(*inode)));
            self.paths.retain(|_, path| self.inodes.contains_key(path));
            self.swept = self.inodes.len();
        }
    }
}

/// The directory at a path; `None` when something else is there. Does not follow a symbolic link.
pub(super) fn inode_of(path: &Path) -> io::Result<Option<Inode>> {
    let metadata = fs::symlink_metadata(path)?;
    Ok(metadata.is_dir().then(|| (metadata.dev(), metadata.ino())))
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{Held, SWEEP_FROM, inode_of};

    #[test]
    fn a_path_and_an_inode_are_held_once() {
        let (a, b) = (Path::new("/a"), Path::new("/b"));
        let mut held = Held::default();
        assert_eq!(held.stale(a, (1, 1)), [None, None]);
        held.insert(a, (1, 1));
        assert_eq!(held.stale(a, (1, 1)), [None, None], "watching again");
        assert_eq!(held.stale(b, (1, 1)), [Some(PathBuf::from("/a")), None], "renamed");
        assert_eq!(held.stale(a, (1, 2)), [None, Some(PathBuf::from("/a"))], "replaced");
        held.insert(b, (1, 1));
        assert_eq!(held.stale(a, (1, 3)), [None, None], "the old name holds nothing any more");
        held.insert(a, (1, 2));
        assert_eq!(
            held.stale(a, (1, 1)),
            [Some(PathBuf::from("/b")), Some(PathBuf::from("/a"))],
            "renamed over another"
        );
    }

    #[test]
    fn what_is_gone_from_disk_is_swept_out() {
        let dir = tempfile::tempdir().expect("a directory");
        let inode = inode_of(dir.path()).expect("lstat").expect("a directory");
        let mut held = Held::default();
        held.insert(dir.path(), inode);
        for number in 1..SWEEP_FROM as u64 {
            held.insert(&dir.path().join(number.to_string()), (0, number));
        }
        assert_eq!((held.inodes.len(), held.paths.len()), (1, 1));
    }
}
