//! Which source watches which mount: chosen when the mount's root is first seen, and anew whenever it is on another
//! mounting of a filesystem or its source has died. Sources are started when they are first wanted.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::filesystem::FilesystemKind;
use super::mounts::Mounts;
use super::notify::NotifySource;
use super::poll::PollSource;
use super::{Mounting, SignalSink, WatchError, WatchSource};
use crate::model::hint::Signal;
use crate::model::ids::MountId;
use crate::model::path::LogicalPath;
use crate::model::watching::{SourceKind, Watching};

/// All sources as one.
pub struct Sources {
    mounts: Arc<Mounts>,
    state_dir: PathBuf,
    sink: SignalSink,
    syncs: Arc<Syncs>,
    started: Mutex<BTreeMap<SourceKind, Arc<dyn WatchSource>>>,
    chosen: Mutex<BTreeMap<MountId, Chosen>>,
}

/// A mount's source.
#[derive(Clone)]
struct Chosen {
    mounting: Mounting,
    source: Arc<dyn WatchSource>,
    watching: Watching,
}

/// Sync calls that not every source has answered: by number how many are left.
#[derive(Default)]
struct Syncs(Mutex<HashMap<u64, usize>>);

impl Syncs {
    /// Whether this was the last answer that was waited for.
    fn answered(&self, number: u64) -> bool {
        let mut left = lock(&self.0);
        match left.get_mut(&number) {
            // Given up, and answered for otherwise.
            None => false,
            Some(1) => left.remove(&number).is_some(),
            Some(count) => {
                *count -= 1;
                false
            }
        }
    }
}

impl Sources {
    /// No source yet. `state_dir` is the daemon's own, which is never watched.
    #[must_use]
    pub fn new(mounts: Arc<Mounts>, state_dir: &Path, sink: SignalSink) -> Self {
        let syncs = Arc::new(Syncs::default());
        let sink: SignalSink = {
            let syncs = Arc::clone(&syncs);
            Arc::new(move |mut signals: Vec<Signal>| {
                signals.retain(|signal| !matches!(signal, Signal::Synced(number) if !syncs.answered(*number)));
                if !signals.is_empty() {
                    sink(signals);
                }
            })
        };
        let (started, chosen) = (Mutex::default(), Mutex::default());
        Self { mounts, state_dir: state_dir.to_owned(), sink, syncs, started, chosen }
    }

    /// The source of a kind, started if need be. One that could not be started is tried again when it is wanted again.
    fn source(&self, kind: SourceKind) -> Result<Arc<dyn WatchSource>, String> {
        let mut started = lock(&self.started);
        if let Some(source) = started.get(&kind) {
            return Ok(Arc::clone(source));
        }
        let source = self.start(kind)?;
        started.insert(kind, Arc::clone(&source));
        Ok(source)
    }

    fn start(&self, kind: SourceKind) -> Result<Arc<dyn WatchSource>, String> {
        let (mounts, sink) = (Arc::clone(&self.mounts), Arc::clone(&self.sink));
        let started: Result<Arc<dyn WatchSource>, WatchError> = match kind {
            #[cfg(target_os = "linux")]
            SourceKind::Fanotify => super::fanotify::FanotifySource::new(mounts, &self.state_dir, sink).map(share),
            #[cfg(target_os = "linux")]
            SourceKind::Inotify => super::inotify::InotifySource::new(mounts, sink).map(share),
            #[cfg(not(target_os = "linux"))]
            SourceKind::Fanotify | SourceKind::Inotify => {
                Err(WatchError::Failed(format!("{} is Linux's", kind.as_str())))
            }
            SourceKind::Notify => NotifySource::new(mounts, &self.state_dir.join("sync"), sink).map(share),
            SourceKind::Poll => Ok(share(PollSource::new(sink))),
        };
        started.map_err(|error| error.to_string())
    }

    /// Tries the kinds that the mount's wish and its filesystem leave, the best first.
    fn choose(&self, mount: MountId, dir: &Path, mounting: Mounting) -> Chosen {
        let wish = self.mounts.get(mount).watch;
        let (kinds, mut reasons) = candidates(wish, FilesystemKind::of(dir).ok());
        let usual = kinds[0];
        for kind in kinds {
            let taken = self.source(kind).and_then(|source| {
                let watching = source.take_up(mount, dir, mounting).map_err(|error| error.to_string())?;
                Ok((source, watching))
            });
            match taken {
                Ok((source, watching)) => {
                    // Without privileges inotify is what everybody takes; scans alone are less than that.
                    let is_fallback = kind != usual && (wish.is_some() || kind == SourceKind::Poll);
                    reasons.push(watching.why.clone());
                    let watching = Watching { why: reasons.join("; "), is_fallback, ..watching };
                    return Chosen { mounting, source, watching };
                }
                Err(why) => reasons.push(why),
            }
        }
        unreachable!("polling is always possible, and is the last candidate")
    }
}

/// What is tried, in order, and why that is not what one would expect.
fn candidates(wish: Option<SourceKind>, filesystem: Option<FilesystemKind>) -> (Vec<SourceKind>, Vec<String>) {
    let remote = filesystem.filter(|kind| kind.is_remote());
    match (wish, remote) {
        (Some(SourceKind::Poll), _) => (vec![SourceKind::Poll], vec!["as configured".to_owned()]),
        (Some(kind), _) => {
            let mut kinds = vec![kind];
            kinds.extend(for_this_system().into_iter().filter(|other| *other > kind));
            let mut reasons = vec!["as configured".to_owned()];
            if let Some(remote) = remote {
                reasons.push(format!("what other machines do on {} is not seen", remote.name()));
            }
            (kinds, reasons)
        }
        (None, Some(remote)) => {
            let why = format!("others may write to {} without this kernel's knowledge", remote.name());
            (vec![SourceKind::Poll], vec![why])
        }
        (None, None) => (for_this_system(), Vec::new()),
    }
}

fn for_this_system() -> Vec<SourceKind> {
    match cfg!(target_os = "linux") {
        true => vec![SourceKind::Fanotify, SourceKind::Inotify, SourceKind::Poll],
        false => vec![SourceKind::Notify, SourceKind::Poll],
    }
}

impl WatchSource for Sources {
    fn take_up(&self, mount: MountId, dir: &Path, mounting: Mounting) -> Result<Watching, WatchError> {
        let known = lock(&self.chosen).get(&mount).filter(|chosen| chosen.mounting == mounting).cloned();
        if let Some(Chosen { source, watching, .. }) = known {
            match source.take_up(mount, dir, mounting) {
                Ok(_) => return Ok(watching),
                Err(error) => {
                    let (mount, source) = (&self.mounts.get(mount).path, watching.source.as_str());
                    tracing::warn!(%mount, source, %error, "the mount is no longer watched; choosing another source");
                    // A source that has died takes what it held of the system along, and may be started anew.
                    lock(&self.started).remove(&watching.source);
                }
            }
        }
        let chosen = self.choose(mount, dir, mounting);
        let watching = chosen.watching.clone();
        lock(&self.chosen).insert(mount, chosen);
        Ok(watching)
    }

    fn watch(&self, mount: MountId, path: &LogicalPath, dir: &Path) -> Result<(), WatchError> {
        let source = lock(&self.chosen).get(&mount).map(|chosen| Arc::clone(&chosen.source));
        match source {
            Some(source) => source.watch(mount, path, dir),
            None => Err(WatchError::Failed(format!("{} lies in a mount that is not taken up", dir.display()))),
        }
    }

    fn forget(&self, mount: MountId, path: &LogicalPath) {
        let source = lock(&self.chosen).get(&mount).map(|chosen| Arc::clone(&chosen.source));
        if let Some(source) = source {
            source.forget(mount, path);
        }
    }

    fn sync(&self, number: u64) -> Result<(), WatchError> {
        let mut asked: BTreeMap<SourceKind, Arc<dyn WatchSource>> = BTreeMap::new();
        for chosen in lock(&self.chosen).values() {
            asked.insert(chosen.watching.source, Arc::clone(&chosen.source));
        }
        if asked.is_empty() {
            // Nothing is watched yet: whoever waits, waits for the first look at the roots.
            asked.insert(SourceKind::Poll, Arc::new(PollSource::new(Arc::clone(&self.sink))));
        }
        lock(&self.syncs.0).insert(number, asked.len());
        for source in asked.values() {
            if let Err(error) = source.sync(number) {
                lock(&self.syncs.0).remove(&number);
                return Err(error);
            }
        }
        Ok(())
    }
}

fn share(source: impl WatchSource + 'static) -> Arc<dyn WatchSource> {
    Arc::new(source)
}

/// What these locks guard is whole between any two statements, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::candidates;
    use crate::model::watching::SourceKind::{self, Fanotify, Inotify, Notify, Poll};
    use crate::watch::filesystem::FilesystemKind;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_wish_and_the_filesystem_say_what_is_tried() {
        let (ext4, nfs) = (Some(FilesystemKind::of_magic(0xEF53)), Some(FilesystemKind::of_magic(0x6969)));
        let cases: [(Option<SourceKind>, _, &[SourceKind], &str); 7] = [
            (None, ext4, &[Fanotify, Inotify, Poll], ""),
            (None, None, &[Fanotify, Inotify, Poll], ""),
            (None, nfs, &[Poll], "others may write to nfs"),
            (Some(Fanotify), ext4, &[Fanotify, Inotify, Poll], "as configured"),
            (Some(Inotify), nfs, &[Inotify, Poll], "what other machines do on nfs is not seen"),
            (Some(Notify), ext4, &[Notify, Poll], "as configured"),
            (Some(Poll), nfs, &[Poll], "as configured"),
        ];
        for (wish, filesystem, kinds, reason) in cases {
            let (tried, reasons) = candidates(wish, filesystem);
            assert_eq!(tried, kinds, "{wish:?} {filesystem:?}");
            assert!(reasons.join("; ").contains(reason), "{reasons:?}");
        }
    }
}
