//! What hints in a seed: models of the four watch sources, each with the kernel's side and the reader's.

mod by_key;
mod by_path;

use ringback::model::hint::Signal;
use ringback::model::ids::MountId;
use ringback::model::path::LogicalPath;
use ringback::model::watching::{Generation, SourceKind, Watching};
use ringback::watch::mounts::Mounts;

use self::by_key::ByKey;
use self::by_path::ByPath;
use super::disk::{Id, Inner};

/// What an event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mask {
    Create,
    CreateDir,
    Modify,
    Close,
    Attrib,
    From,
    To,
    Delete,
    DeleteSelf,
    MoveSelf,
}

/// A source over its kernel queue.
#[derive(Debug)]
pub enum Source {
    /// The notify crate: watches sit on inodes, the table is one of paths.
    Notify(ByPath),
    /// inotify and fanotify: the table is one of the kernel's own keys.
    Keyed(ByKey),
    /// Nothing is hinted; only these syncs are to be answered.
    Poll(Vec<u64>),
}

impl Default for Source {
    fn default() -> Self {
        Self::Poll(Vec::new())
    }
}

impl Source {
    pub fn new(kind: SourceKind) -> Self {
        match kind {
            SourceKind::Notify => Self::Notify(ByPath::default()),
            SourceKind::Inotify => Self::Keyed(ByKey::inotify()),
            SourceKind::Fanotify => Self::Keyed(ByKey::fanotify()),
            SourceKind::Poll => Self::default(),
        }
    }

    pub fn kind(&self) -> SourceKind {
        match self {
            Self::Notify(_) => SourceKind::Notify,
            Self::Keyed(keyed) if keyed.is_fanotify() => SourceKind::Fanotify,
            Self::Keyed(_) => SourceKind::Inotify,
            Self::Poll(_) => SourceKind::Poll,
        }
    }

    /// A mount is taken up, by the instance of this number.
    pub fn take_up(&mut self, instance: u64, sees_closes: bool) -> Watching {
        if let Self::Keyed(source) = self {
            source.take_up();
        }
        let (source, hints) = (self.kind(), self.kind() != SourceKind::Poll);
        Watching {
            source,
            generation: Generation(instance),
            sees_closes: sees_closes && hints,
            hints,
            why: "the simulation's".to_owned(),
            is_fallback: false,
        }
    }

    /// Something happened in, or to, a directory; `child` is what has the name now.
    pub fn event(&mut self, dir: Id, name: Option<&[u8]>, child: Option<Id>, mask: Mask) {
        match self {
            Self::Notify(source) => source.event(dir, name, mask),
            Self::Keyed(source) => source.event(dir, name, child, mask),
            Self::Poll(_) => {}
        }
    }

    /// Whether an event in a directory is queued now. A polled filesystem has none, and each poll sees everything.
    pub fn hears(&self, dir: Id) -> bool {
        match self {
            Self::Notify(source) => source.hears(dir),
            Self::Keyed(source) => source.hears(dir),
            Self::Poll(_) => true,
        }
    }

    pub fn sync(&mut self, number: u64) {
        match self {
            Self::Notify(source) => source.cookie(number),
            Self::Keyed(source) => source.sync(number),
            Self::Poll(numbers) => numbers.push(number),
        }
    }

    /// Takes the syncs out that are not answered.
    pub fn syncs(&mut self) -> Vec<u64> {
        match self {
            Self::Notify(source) => source.syncs(),
            Self::Keyed(source) => source.syncs(),
            Self::Poll(numbers) => std::mem::take(numbers),
        }
    }

    /// Events, and syncs to be answered, in the queue.
    pub fn len(&self) -> usize {
        match self {
            Self::Notify(source) => source.len(),
            Self::Keyed(source) => source.len(),
            Self::Poll(numbers) => numbers.len(),
        }
    }

    pub fn forget(&mut self, path: &LogicalPath, is_directory: bool) {
        if let Self::Keyed(source) = self {
            source.forget(path, is_directory);
        }
    }

    /// Reads events and says what they mean. `inner` has another source meanwhile.
    pub fn read(&mut self, most: usize, inner: &Inner, mounts: &Mounts, sees_closes: bool) -> Vec<Signal> {
        match self {
            Self::Notify(source) => source.read(most, mounts, sees_closes),
            Self::Keyed(source) => source.read(most, inner, mounts, sees_closes),
            Self::Poll(numbers) => numbers.drain(..).map(Signal::Synced).collect(),
        }
    }

    /// Loses the next events, as an overflow does, and says so.
    pub fn lose(&mut self, most: usize, mounts: &Mounts) -> Vec<Signal> {
        match self {
            Self::Notify(source) => source.lose(most, mounts),
            Self::Keyed(source) => source.lose(most, mounts),
            Self::Poll(numbers) => numbers.drain(..).map(Signal::Synced).collect(),
        }
    }
}

/// A watch that is asked for.
pub struct Asked<'a> {
    pub mount: MountId,
    pub path: &'a LogicalPath,
    pub node: Id,
}
