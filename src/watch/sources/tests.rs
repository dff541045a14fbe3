//! The choice among sources, with instances that a test starts and kills.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use super::{Sources, TRY_AGAIN, candidates, lock};
use crate::model::hint::Signal;
use crate::model::ids::MountId;
use crate::model::mount::Mount;
use crate::model::path::LogicalPath;
use crate::model::watching::SourceKind::{self, Fanotify, Inotify, Notify, Poll};
use crate::model::watching::{Generation, Watching};
use crate::watch::filesystem::FilesystemKind;
use crate::watch::mounts::Mounts;
use crate::watch::{Mounting, SignalSink, WatchError, WatchSource, next_generation};

const MOUNTING: Mounting = Mounting { volume: 1, number: 1 };
const ONE: MountId = MountId(0);
const OTHER: MountId = MountId(1);

/// An instance that hints nothing, answers a sync at once, and dies when it is told to.
struct Fake {
    kind: SourceKind,
    generation: Generation,
    dead: AtomicBool,
    sink: SignalSink,
    asked: Mutex<Vec<u64>>,
}

impl Fake {
    fn check(&self) -> Result<(), WatchError> {
        if self.is_alive() { Ok(()) } else { Err(WatchError::Failed("it is dead".to_owned())) }
    }
}

impl WatchSource for Fake {
    fn take_up(&self, _: MountId, _: &Path, _: Mounting) -> Result<Watching, WatchError> {
        self.check()?;
        let (source, generation, why) = (self.kind, self.generation, "a test".to_owned());
        Ok(Watching { source, generation, sees_closes: true, hints: true, why, is_fallback: false })
    }

    fn is_alive(&self) -> bool {
        !self.dead.load(Ordering::Relaxed)
    }

    fn watch(&self, _: MountId, _: &LogicalPath, _: &Path) -> Result<(), WatchError> {
        self.check()
    }

    fn forget(&self, _: MountId, _: &LogicalPath) {}

    fn sync(&self, number: u64) -> Result<(), WatchError> {
        self.check()?;
        lock(&self.asked).push(number);
        Ok(())
    }
}

struct Rig {
    sources: Sources,
    started: Arc<Mutex<Vec<Arc<Fake>>>>,
    refuses: Arc<AtomicBool>,
    signals: Receiver<Signal>,
}

impl Rig {
    fn new() -> Self {
        let mount = |name: &str| Mount {
            watch: Some(Inotify),
            ..Mount::new(LogicalPath::parse(name.as_bytes()).expect("a path"), "/".into())
        };
        let mounts = Arc::new(Mounts::new(vec![mount("/a"), mount("/b")], None).expect("mounts"));
        let (sender, signals) = channel();
        let sender = Mutex::new(sender);
        let sink: SignalSink = Arc::new(move |signals: Vec<Signal>| {
            signals.into_iter().for_each(|signal| lock(&sender).send(signal).expect("the test listens"));
        });
        let started: Arc<Mutex<Vec<Arc<Fake>>>> = Arc::default();
        let refuses: Arc<AtomicBool> = Arc::default();
        let (theirs, refused) = (Arc::clone(&started), Arc::clone(&refuses));
        let start = move |kind, sink| -> Result<Arc<dyn WatchSource>, String> {
            if kind == Inotify && refused.load(Ordering::Relaxed) {
                return Err("no more instances".to_owned());
            }
            let (generation, dead, asked) = (next_generation(), AtomicBool::new(false), Mutex::default());
            let fake = Arc::new(Fake { kind, generation, dead, sink, asked });
            lock(&theirs).push(Arc::clone(&fake));
            Ok(fake)
        };
        Self { sources: Sources::starting(mounts, sink, start), started, refuses, signals }
    }

    fn take_up(&self, mount: MountId) -> Watching {
        self.sources.take_up(mount, Path::new("/"), MOUNTING).expect("a source")
    }

    fn watch(&self, mount: MountId) -> Result<(), WatchError> {
        self.sources.watch(mount, &LogicalPath::root(), Path::new("/"))
    }

    fn instances(&self) -> Vec<Arc<Fake>> {
        lock(&self.started).clone()
    }
}

#[test]
fn all_mounts_of_a_dead_instance_go_to_one_new_instance() {
    let rig = Rig::new();
    let first = rig.take_up(ONE);
    assert_eq!(rig.take_up(OTHER), first, "they share an instance");
    rig.instances()[0].dead.store(true, Ordering::Relaxed);
    let second = rig.take_up(ONE);
    assert_ne!(second.generation, first.generation);
    assert_eq!(rig.take_up(OTHER), second);
    assert_eq!((rig.take_up(ONE), rig.take_up(OTHER)), (second.clone(), second), "neither gets a third one");
    assert_eq!(rig.instances().len(), 2);
}

#[test]
fn a_mount_whose_instance_is_dead_cannot_be_watched_before_it_is_taken_up_again() {
    let rig = Rig::new();
    rig.take_up(ONE);
    rig.take_up(OTHER);
    rig.instances()[0].dead.store(true, Ordering::Relaxed);
    rig.take_up(ONE);
    rig.watch(ONE).expect("it has the new instance");
    assert!(matches!(rig.watch(OTHER), Err(WatchError::Failed(_))));
    rig.take_up(OTHER);
    rig.watch(OTHER).expect("it has the new instance");
}

#[test]
fn a_sync_asks_each_instance_that_a_mount_has_and_is_answered_once_all_have_answered() {
    let rig = Rig::new();
    rig.take_up(ONE);
    rig.take_up(OTHER);
    rig.instances()[0].dead.store(true, Ordering::Relaxed);
    rig.take_up(ONE);
    assert!(rig.sources.sync(1).is_err(), "the other mount still has the dead one");
    // Both are alive, as after a choice that only one of the mounts has made anew.
    rig.instances()[0].dead.store(false, Ordering::Relaxed);
    rig.sources.sync(2).expect("both are asked");
    let asked: Vec<_> = rig.instances().iter().map(|fake| lock(&fake.asked).contains(&2)).collect();
    assert_eq!(asked, [true, true]);
    (rig.instances()[1].sink)(vec![Signal::Synced(2)]);
    assert!(rig.signals.try_recv().is_err(), "one has not answered");
    (rig.instances()[0].sink)(vec![Signal::Synced(2)]);
    assert_eq!(rig.signals.try_recv(), Ok(Signal::Synced(2)));
}

#[test]
fn what_could_not_be_started_is_tried_again_in_a_while() {
    let rig = Rig::new();
    rig.refuses.store(true, Ordering::Relaxed);
    let polled = rig.take_up(ONE);
    assert_eq!((polled.source, polled.is_fallback), (Poll, true));
    rig.refuses.store(false, Ordering::Relaxed);
    assert_eq!(rig.take_up(ONE), polled, "not at each look");
    let chosen = lock(&rig.sources.chosen).get(&ONE).cloned().expect("chosen");
    let earlier = chosen.try_again.map(|at| at - TRY_AGAIN);
    lock(&rig.sources.chosen).insert(ONE, super::Chosen { try_again: earlier, ..chosen });
    assert_eq!(rig.take_up(ONE).source, Inotify);
}

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
