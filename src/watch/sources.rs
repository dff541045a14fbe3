//! Which source watches which mount: chosen when the mount's root is first seen, and anew whenever it is on another
//! mounting of a filesystem or its source has died. Sources are started when they are first wanted, and one that has
//! died is started anew, once: all its mounts go to the same new instance, each with the next look at its root.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::filesystem::FilesystemKind;
use super::mounts::Mounts;
use super::notify::NotifySource;
use super::poll::PollSource;
use super::{Mounting, SignalSink, WatchError, WatchSource};
use crate::model::hint::Signal;
use crate::model::ids::MountId;
use crate::model::path::LogicalPath;
use crate::model::watching::{Generation, SourceKind, Watching};

/// A mount that has less than its usual source because that one failed tries again this often: what was in the way, a
/// limit of instances for example, may be gone.
const TRY_AGAIN: Duration = Duration::from_secs(60);

/// Starts an instance of a kind, or says why there is none.
type Start = dyn Fn(SourceKind, SignalSink) -> Result<Arc<dyn WatchSource>, String> + Send + Sync;

/// All sources as one.
pub struct Sources {
    mounts: Arc<Mounts>,
    start: Box<Start>,
    sink: SignalSink,
    syncs: Arc<Syncs>,
    /// The instance of each kind that a mount gets which is taken up now.
    started: Mutex<BTreeMap<SourceKind, Arc<dyn WatchSource>>>,
    chosen: Mutex<BTreeMap<MountId, Chosen>>,
}

/// A mount's source.
#[derive(Clone)]
struct Chosen {
    mounting: Mounting,
    source: Arc<dyn WatchSource>,
    watching: Watching,
    /// When a better source is tried again; never for one that is as good as it gets.
    try_again: Option<Instant>,
}

impl Chosen {
    /// Returns whether this is still the choice for a mount that is on this mounting.
    fn stands(&self, mounting: Mounting) -> bool {
        self.mounting == mounting && self.try_again.is_none_or(|at| Instant::now() < at)
    }
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
        let (theirs, state_dir) = (Arc::clone(&mounts), state_dir.to_owned());
        Self::starting(mounts, sink, move |kind, sink| start(kind, Arc::clone(&theirs), &state_dir, sink))
    }

    fn starting(
        mounts: Arc<Mounts>,
        sink: SignalSink,
        start: impl Fn(SourceKind, SignalSink) -> Result<Arc<dyn WatchSource>, String> + Send + Sync + 'static,
    ) -> Self {
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
        Self { mounts, start: Box::new(start), sink, syncs, started, chosen }
    }

    /// The source of a kind, started if need be. A dead one is replaced under the lock, so that all mounts get the same
    /// new one. One that could not be started is tried again when it is wanted again.
    fn source(&self, kind: SourceKind) -> Result<Arc<dyn WatchSource>, String> {
        let mut started = lock(&self.started);
        if let Some(source) = started.get(&kind).filter(|source| source.is_alive()) {
            return Ok(Arc::clone(source));
        }
        let source = (self.start)(kind, Arc::clone(&self.sink))?;
        started.insert(kind, Arc::clone(&source));
        Ok(source)
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
                    let try_again = is_fallback.then(|| Instant::now() + TRY_AGAIN);
                    return Chosen { mounting, source, watching, try_again };
                }
                Err(why) => reasons.push(why),
            }
        }
        unreachable!("polling is always possible, and is the last candidate")
    }
}

fn start(
    kind: SourceKind,
    mounts: Arc<Mounts>,
    state_dir: &Path,
    sink: SignalSink,
) -> Result<Arc<dyn WatchSource>, String> {
    let started: Result<Arc<dyn WatchSource>, WatchError> = match kind {
        #[cfg(target_os = "linux")]
        SourceKind::Fanotify => super::fanotify::FanotifySource::new(mounts, state_dir, sink).map(share),
        #[cfg(target_os = "linux")]
        SourceKind::Inotify => super::inotify::InotifySource::new(mounts, sink).map(share),
        #[cfg(not(target_os = "linux"))]
        SourceKind::Fanotify | SourceKind::Inotify => Err(WatchError::Failed(format!("{} is Linux's", kind.as_str()))),
        SourceKind::Notify => NotifySource::new(mounts, &state_dir.join("sync"), sink).map(share),
        SourceKind::Poll => Ok(share(PollSource::new(sink))),
    };
    started.map_err(|error| error.to_string())
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
        let known = lock(&self.chosen).get(&mount).filter(|chosen| chosen.stands(mounting)).cloned();
        if let Some(Chosen { source, watching, .. }) = known {
            match source.take_up(mount, dir, mounting) {
                Ok(_) => return Ok(watching),
                Err(error) => {
                    let (mount, kind) = (&self.mounts.get(mount).path, watching.source.as_str());
                    tracing::warn!(%mount, source = kind, %error, "the mount is no longer watched; choosing anew");
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
        let mut asked: BTreeMap<Generation, Arc<dyn WatchSource>> = BTreeMap::new();
        for chosen in lock(&self.chosen).values() {
            asked.insert(chosen.watching.generation, Arc::clone(&chosen.source));
        }
        if asked.is_empty() {
            // Nothing is watched yet: whoever waits, waits for the first look at the roots.
            asked.insert(Generation(0), Arc::new(PollSource::new(Arc::clone(&self.sink))));
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
