//! What reads the events: it hints what the tables can place, and has the rest asked about once the tables are free.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::event::{self, Event, Info};
use super::handle::DirHandle;
use super::tables::Tables;
use super::unknown::Unknown;
use crate::model::hint::HintKind;
use crate::model::ids::MountId;
use crate::model::path::LogicalPath;
use crate::watch::SignalSink;
use crate::watch::hints::Batch;
use crate::watch::mounts::Mounts;
use crate::watch::queue::Ear;
use crate::watch::table::Place;

/// What the draining thread and the watching threads share.
pub(super) struct Listener {
    pub(super) mounts: Arc<Mounts>,
    sink: SignalSink,
    tables: Mutex<Tables>,
}

impl Listener {
    pub(super) fn new(mounts: Arc<Mounts>, sink: SignalSink) -> Self {
        Self { mounts, sink, tables: Mutex::default() }
    }
}

impl Ear for Listener {
    fn hear(&self, events: &[u8]) -> usize {
        let mut batch = Batch::new(&self.mounts);
        let mut unknown = Unknown::default();
        let mut tables = self.tables();
        let now = Instant::now();
        tables.outside.age(now);
        tables.single.age(now);
        let (mut rest, mut count) = (events, 0);
        while let Some((event, after)) = Event::next(rest) {
            self.hear_one(&event, &mut tables, &mut batch, &mut unknown);
            (rest, count) = (after, count + 1);
        }
        drop(tables);
        if !unknown.is_empty() {
            unknown.resolve(self, &mut batch);
        }
        batch.send(&self.sink);
        count
    }

    /// fanotify counts a fixed size for each event, whatever its length.
    fn waiting(&self, fionread: usize) -> usize {
        fionread / event::METADATA
    }

    fn synced(&self, numbers: Vec<u64>) {
        let mut batch = Batch::new(&self.mounts);
        batch.synced(numbers);
        batch.send(&self.sink);
    }

    fn lost(&self) {
        let taken: Vec<_> = self.tables().taken.keys().copied().collect();
        self.lose(taken);
    }
}

impl Listener {
    /// They are whole between any two statements, so a panic elsewhere does not spoil them.
    pub(super) fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that hints were lost in these mounts.
    pub(super) fn lose(&self, mounts: impl IntoIterator<Item = MountId>) {
        let mut batch = Batch::new(&self.mounts);
        batch.lost(mounts);
        batch.send(&self.sink);
    }

    pub(super) fn register(&self, tables: &mut Tables, handle: DirHandle, mount: MountId, path: &LogicalPath) {
        let this = handle.clone();
        let stands = |other: &Place| {
            let dir = self.mounts.to_disk(other.mount, &other.path);
            DirHandle::of(this.fsid(), &dir).is_ok_and(|handle| handle == this)
        };
        tables.outside.remove(handle.as_bytes());
        tables.dirs.insert(handle, Place { mount, path: path.clone() }, stands);
    }

    fn hear_one(&self, event: &Event<'_>, tables: &mut Tables, batch: &mut Batch<'_>, unknown: &mut Unknown) {
        if event.mask & libc::FAN_Q_OVERFLOW != 0 {
            tracing::warn!("{}", super::super::OVERFLOWED);
            batch.lost(tables.taken.keys().copied());
            return;
        }
        let mut child = None;
        for info in event.infos() {
            if let Info::Child(handle) = info {
                child = Some(handle);
            }
        }
        let is_directory = event.is_directory();
        if let Some(child) = child {
            match is_directory {
                // It may be in a mount now, or not be any more.
                true if event.mask & (libc::FAN_RENAME | libc::FAN_DELETE) != 0 => tables.outside.remove(child),
                // A name was made for it.
                false if event.mask & libc::FAN_CREATE != 0 => tables.single.remove(child),
                _ => {}
            }
        }
        let written = child.filter(|_| event.is_write() && !is_directory);
        let kind = event.kind();
        // Whether the event names a directory at all, and whether nothing more is left to be asked about the file.
        let (mut entry, mut is_placed) = (None, false);
        for info in event.infos() {
            let Info::Entry { dir, name } = info else { continue };
            entry = Some((dir, name));
            if self.hint(dir, name, kind, tables, batch) {
                is_placed = true;
            } else if !tables.outside.holds(dir) {
                unknown.entry(dir, name, kind, written);
                is_placed = true;
            }
        }
        match child {
            Some(child) if is_directory => self.hear_directory(event, entry, child, tables, batch),
            Some(child) if written.is_some() && !is_placed && (entry.is_none() || !tables.single.holds(child)) => {
                unknown.file(child, kind, entry.is_none());
            }
            Some(_) | None => {}
        }
    }

    /// What an event about a directory says of the table. A directory that is made is known from its first moment on;
    /// one that is removed is nowhere.
    fn hear_directory(
        &self,
        event: &Event<'_>,
        entry: Option<(&[u8], &[u8])>,
        child: &[u8],
        tables: &mut Tables,
        batch: &mut Batch<'_>,
    ) {
        let is = |bits: u64| event.mask & bits != 0;
        if is(libc::FAN_DELETE | libc::FAN_RENAME) {
            // The directory above a mount's root is nobody's, so its events do not name the root.
            for Place { mount, path } in tables.dirs.places(child) {
                if self.mounts.get(*mount).path == *path {
                    batch.directory(path, HintKind::Moved);
                }
            }
        }
        if is(libc::FAN_DELETE) {
            tables.dirs.remove(child);
        } else if is(libc::FAN_CREATE) && tables.dirs.places(child).next().is_none() {
            let above = entry.and_then(|(dir, name)| Some((tables.dirs.places(dir).next()?.clone(), name)));
            let Some((Place { mount, path }, name)) = above else { return };
            let path = path.join(name);
            // What was listed since is newer than this event.
            if !tables.dirs.has(&path) && !self.mounts.is_ignored(mount, &path) {
                tables.dirs.insert(DirHandle::read(child), Place { mount, path }, |_| true);
            }
        }
    }

    /// Hints an event at each place of its directory; returns whether it has any.
    fn hint(&self, dir: &[u8], name: &[u8], kind: HintKind, tables: &Tables, batch: &mut Batch<'_>) -> bool {
        let mut places = tables.dirs.places(dir).peekable();
        let is_known = places.peek().is_some();
        for Place { mount, path } in places {
            self.hint_entry(*mount, path, name, kind, batch);
        }
        is_known
    }

    pub(super) fn hint_entry(
        &self,
        mount: MountId,
        dir: &LogicalPath,
        name: &[u8],
        kind: HintKind,
        batch: &mut Batch<'_>,
    ) {
        match name {
            // About the directory itself.
            b"" | b"." => batch.directory(dir, kind),
            name => batch.entry(mount, dir, name, kind),
        }
    }
}
