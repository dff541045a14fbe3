//! inotify and fanotify as sources, modelled after `watch/inotify.rs` and `watch/fanotify.rs`, over the very table that
//! they use.
//!
//! inotify has a watch descriptor for each directory that was watched, and events of those. fanotify has events of
//! every directory, by its handle (here: its node), and asks where a directory is that it does not know. It merges what
//! happens to one file while nobody reads.

use std::collections::{BTreeMap, VecDeque};

use ringback::model::hint::{Hint, HintKind, Signal};
use ringback::model::path::LogicalPath;
use ringback::watch::mounts::Mounts;
use ringback::watch::table::{Place, Table};

use super::{Asked, Mask};
use crate::disk::{Id, Inner};

#[derive(Debug)]
enum Event {
    Of { key: u64, name: Option<Vec<u8>>, child: Option<Id>, masks: Vec<Mask> },
    Sync(u64),
}

/// Both sides: the kernel's watches and queue, and the reader's table.
#[derive(Debug)]
pub struct ByKey {
    /// inotify's watch descriptors; none with fanotify.
    watches: Option<BTreeMap<Id, u64>>,
    /// fanotify's mark stands.
    marked: bool,
    last_wd: u64,
    table: Table<u64>,
    queue: VecDeque<Event>,
}

impl ByKey {
    pub fn inotify() -> Self {
        Self {
            watches: Some(BTreeMap::new()),
            marked: false,
            last_wd: 0,
            table: Table::default(),
            queue: VecDeque::new(),
        }
    }

    pub fn fanotify() -> Self {
        Self { watches: None, ..Self::inotify() }
    }

    pub fn is_fanotify(&self) -> bool {
        self.watches.is_none()
    }

    pub fn take_up(&mut self) {
        self.marked = true;
    }

    pub fn len(&self) -> usize {
        self.queue.len()
    }

    pub fn event(&mut self, dir: Id, name: Option<&[u8]>, child: Option<Id>, mask: Mask) {
        let key = match &self.watches {
            Some(watches) => watches.get(&dir).copied(),
            None => self.marked.then_some(dir as u64),
        };
        let Some(key) = key else { return };
        if mask == Mask::DeleteSelf
            && let Some(watches) = &mut self.watches
        {
            watches.remove(&dir);
        }
        let merges = |mask| matches!(mask, Mask::Create | Mask::Modify | Mask::Close | Mask::Attrib);
        if self.is_fanotify() && merges(mask) && child.is_some() {
            for event in &mut self.queue {
                if let Event::Of { key: other, name: Some(same), child: its, masks } = event
                    && (*other, Some(same.as_slice()), *its) == (key, name, child)
                    && masks.iter().copied().all(merges)
                {
                    masks.push(mask);
                    return;
                }
            }
        }
        let name = name.map(<[u8]>::to_vec);
        self.queue.push_back(Event::Of { key, name, child, masks: vec![mask] });
    }

    pub fn hears(&self, dir: Id) -> bool {
        self.watches.as_ref().map_or(self.marked, |watches| watches.contains_key(&dir))
    }

    pub fn sync(&mut self, number: u64) {
        self.queue.push_back(Event::Sync(number));
    }

    pub fn syncs(&mut self) -> Vec<u64> {
        let number = |event| if let Event::Sync(number) = event { Some(number) } else { None };
        self.queue.drain(..).filter_map(number).collect()
    }

    pub fn watch(&mut self, asked: &Asked<'_>, stands: impl Fn(&Place) -> bool) {
        let key = match &mut self.watches {
            None => asked.node as u64,
            Some(watches) => *watches.entry(asked.node).or_insert_with(|| {
                self.last_wd += 1;
                self.last_wd
            }),
        };
        let place = Place { mount: asked.mount, path: asked.path.clone() };
        if let Some(released) = self.table.insert(key, place, stands) {
            self.release(released);
        }
    }

    pub fn forget(&mut self, path: &LogicalPath, is_directory: bool) {
        if self.table.has_under(path) && !is_directory {
            for key in self.table.remove_under(path) {
                self.release(key);
            }
        }
    }

    fn release(&mut self, key: u64) {
        if let Some(watches) = &mut self.watches {
            watches.retain(|_, wd| *wd != key);
        }
    }

    pub fn lose(&mut self, most: usize, mounts: &Mounts) -> Vec<Signal> {
        let lost = most.min(self.queue.len());
        let syncs = self.queue.drain(..lost).filter_map(|event| match event {
            Event::Sync(number) => Some(Signal::Synced(number)),
            Event::Of { .. } => None,
        });
        let syncs: Vec<_> = syncs.collect();
        mounts.ids().map(Signal::Lost).chain(syncs).collect()
    }

    pub fn read(&mut self, most: usize, inner: &Inner, mounts: &Mounts, sees_closes: bool) -> Vec<Signal> {
        let mut signals = Vec::new();
        for _ in 0..most {
            match self.queue.pop_front() {
                None => break,
                Some(Event::Sync(number)) => signals.push(Signal::Synced(number)),
                Some(Event::Of { key, name, child, masks }) => {
                    let Some(kind) = kind(&masks, sees_closes) else { continue };
                    self.hear(key, name.as_deref(), child, &masks, kind, (inner, mounts), &mut signals);
                }
            }
        }
        signals
    }

    #[expect(clippy::too_many_arguments, reason = "an event has so many parts")]
    fn hear(
        &mut self,
        key: u64,
        name: Option<&[u8]>,
        child: Option<Id>,
        masks: &[Mask],
        kind: HintKind,
        (inner, mounts): (&Inner, &Mounts),
        signals: &mut Vec<Signal>,
    ) {
        if self.is_fanotify() && self.table.places(&key).next().is_none() {
            self.find(key, inner, mounts, signals);
        }
        let places: Vec<Place> = self.table.places(&key).cloned().collect();
        for Place { mount, path } in &places {
            let path = match name {
                Some(name) => path.join(name),
                // Only a root's own end is told, as nobody watches the directory above it.
                None if mounts.get(*mount).path == *path => path.clone(),
                None => continue,
            };
            if masks.contains(&Mask::CreateDir)
                && self.is_fanotify()
                && let Some(child) = child
                && self.table.places(&(child as u64)).next().is_none()
                && !self.table.has(&path)
                && !mounts.is_ignored(*mount, &path)
            {
                self.table.insert(child as u64, Place { mount: *mount, path: path.clone() }, |_| true);
            }
            if !mounts.is_ignored(*mount, &path) {
                signals.push(Signal::Hint(Hint { path, kind }));
            }
        }
        if masks.contains(&Mask::DeleteSelf) {
            self.table.remove(&key);
        }
    }

    /// Asks the kernel where a directory is.
    fn find(&mut self, key: u64, inner: &Inner, mounts: &Mounts, signals: &mut Vec<Signal>) {
        let Some(path) = inner.directory_path(key as Id) else { return };
        let Ok(path) = LogicalPath::parse(&path) else { return };
        if let Some(mount) = mounts.mount_of(&path)
            && !mounts.is_ignored(mount, &path)
        {
            self.table.insert(key, Place { mount, path: path.clone() }, |_| false);
            signals.push(Signal::Hint(Hint { path, kind: HintKind::Moved }));
        }
    }
}

/// As `watch/fanotify/event.rs` and `watch/inotify.rs` have it.
fn kind(masks: &[Mask], sees_closes: bool) -> Option<HintKind> {
    let is = |mask| masks.contains(&mask);
    if is(Mask::Close) && sees_closes {
        Some(HintKind::Closed)
    } else if is(Mask::Create) || is(Mask::Modify) {
        Some(HintKind::Written)
    } else if masks == [Mask::Close] {
        None
    } else if masks.iter().all(|mask| matches!(mask, Mask::Attrib | Mask::Close)) {
        Some(HintKind::Attributes)
    } else {
        Some(HintKind::Moved)
    }
}
