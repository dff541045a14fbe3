//! A watch source like inotify under the `notify` crate: watches sit on inodes, the table of paths is kept by events
//! that are read later, and the two part when directories are renamed. Modelled after `watch/notify.rs` and notify 8.2.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use ringback::model::hint::{Hint, HintKind, Signal};
use ringback::watch::WatchError;
use ringback::watch::mounts::Mounts;

use super::Mask;
use crate::disk::Id;

#[derive(Debug, Clone)]
enum Event {
    Of(u64, Option<Vec<u8>>, Mask),
    Cookie(u64),
}

type Inode = (u64, u64);

/// Both sides: the kernel's watches and queue, and the reader's tables.
#[derive(Debug, Default)]
pub struct ByPath {
    nodes: BTreeMap<Id, u64>,
    queue: VecDeque<Event>,
    last_wd: u64,
    watches: BTreeMap<PathBuf, u64>,
    paths: BTreeMap<u64, PathBuf>,
    held_inodes: BTreeMap<PathBuf, Inode>,
    held_paths: BTreeMap<Inode, PathBuf>,
    awaited: BTreeSet<u64>,
}

impl ByPath {
    /// Something happened in, or to, a directory.
    pub fn event(&mut self, dir: Id, name: Option<&[u8]>, mask: Mask) {
        if let Some(&wd) = self.nodes.get(&dir) {
            let event = Event::Of(wd, name.map(<[u8]>::to_vec), mask);
            self.queue.push_back(event);
        }
        if mask == Mask::DeleteSelf {
            self.nodes.remove(&dir);
        }
    }

    pub fn hears(&self, dir: Id) -> bool {
        self.nodes.contains_key(&dir)
    }

    pub fn cookie(&mut self, number: u64) {
        self.awaited.insert(number);
        self.queue.push_back(Event::Cookie(number));
    }

    pub fn syncs(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.awaited).into_iter().collect()
    }

    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// The paths whose watches must go before `path`, which is now `inode`, is watched (`watch/notify/held.rs`).
    fn stale(&self, path: &Path, inode: Inode) -> Vec<PathBuf> {
        let other = self.held_paths.get(&inode).filter(|other| *other != path).cloned();
        let replaced = self.held_inodes.get(path).is_some_and(|&held| held != inode).then(|| path.to_owned());
        other.into_iter().chain(replaced).collect()
    }

    /// Watches a directory as `watch/notify.rs` does; `is_it` says whether the same directory is at another path.
    pub fn watch_as_asked(
        &mut self,
        dir: &Path,
        node: Id,
        inode: Inode,
        is_it: impl Fn(&Path) -> bool,
    ) -> Result<(), WatchError> {
        for stale in self.stale(dir, inode) {
            if stale != dir && is_it(&stale) {
                return Err(WatchError::Failed("two paths of one directory".to_owned()));
            }
            self.unwatch(&stale);
        }
        self.watch(dir, node, inode);
        Ok(())
    }

    fn unwatch(&mut self, path: &Path) {
        if let Some(wd) = self.watches.remove(path) {
            self.remove(wd);
        }
        self.forget_held(path);
    }

    fn watch(&mut self, path: &Path, node: Id, inode: Inode) {
        let wd = *self.nodes.entry(node).or_insert_with(|| {
            self.last_wd += 1;
            self.last_wd
        });
        self.watches.insert(path.to_owned(), wd);
        self.paths.insert(wd, path.to_owned());
        self.forget_held(path);
        if let Some(other) = self.held_paths.insert(inode, path.to_owned()) {
            self.held_inodes.remove(&other);
        }
        self.held_inodes.insert(path.to_owned(), inode);
    }

    fn forget_held(&mut self, path: &Path) {
        if let Some(inode) = self.held_inodes.remove(path)
            && self.held_paths.get(&inode).is_some_and(|held| held == path)
        {
            self.held_paths.remove(&inode);
        }
    }

    fn remove(&mut self, wd: u64) {
        self.paths.remove(&wd);
        self.nodes.retain(|_, other| *other != wd);
    }

    /// Loses the next events, as an overflow does, and says so.
    pub fn lose(&mut self, most: usize, mounts: &Mounts) -> Vec<Signal> {
        let lost = most.min(self.queue.len());
        self.queue.drain(..lost);
        let mut signals: Vec<Signal> = mounts.ids().map(Signal::Lost).collect();
        signals.extend(std::mem::take(&mut self.awaited).into_iter().map(Signal::Synced));
        signals
    }

    /// Reads events and says what they mean.
    pub fn read(&mut self, most: usize, mounts: &Mounts, sees_closes: bool) -> Vec<Signal> {
        let mut signals = Vec::new();
        let mut dropped = Vec::new();
        for _ in 0..most {
            let Some(event) = self.queue.pop_front() else { break };
            match event {
                Event::Cookie(number) => {
                    if self.awaited.remove(&number) {
                        signals.push(Signal::Synced(number));
                    }
                }
                Event::Of(wd, name, mask) => {
                    let Some(dir) = self.paths.get(&wd) else { continue };
                    let path = name.map_or_else(|| dir.clone(), |name| dir.join(os(name)));
                    if matches!(mask, Mask::From | Mask::Delete | Mask::DeleteSelf) && self.watches.contains_key(&path)
                    {
                        dropped.push(path.clone());
                    }
                    let kind = match mask {
                        Mask::Create | Mask::Modify => HintKind::Written,
                        Mask::Close if sees_closes => HintKind::Closed,
                        Mask::Close => continue,
                        Mask::Attrib => HintKind::Attributes,
                        _ => HintKind::Moved,
                    };
                    if let Some((mount, path)) = mounts.locate(&path)
                        && !mounts.is_ignored(mount, &path)
                    {
                        signals.push(Signal::Hint(Hint { path, kind }));
                    }
                }
            }
        }
        for path in dropped {
            let Some(wd) = self.watches.remove(&path) else { continue };
            self.remove(wd);
            let below: Vec<_> = self.paths.iter().filter(|(_, p)| p.starts_with(&path)).map(|(w, _)| *w).collect();
            for wd in below {
                if let Some(path) = self.paths.get(&wd).cloned() {
                    self.watches.remove(&path);
                }
                self.remove(wd);
            }
        }
        signals
    }
}

fn os(name: Vec<u8>) -> std::ffi::OsString {
    use std::os::unix::ffi::OsStringExt as _;
    std::ffi::OsString::from_vec(name)
}
