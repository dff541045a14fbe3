//! Against the real filesystem. A cookie tells that every earlier event has been heard, so each check sees all hints
//! of what it did and waits for nothing else.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ::notify::event::{EventKind, Flag};
use ::notify::{Error, ErrorKind, Event};

use super::NotifySource;
use crate::model::hint::HintKind::{self, Closed, Written};
use crate::model::hint::{Hint, Signal};
use crate::model::ids::MountId;
use crate::model::mount::Mount;
use crate::model::path::LogicalPath;
use crate::watch::mounts::Mounts;
use crate::watch::{Mounting, WatchError, WatchSource};

/// Two mounts, `/m` and `/n`, the first one's root watched; the state directory lies in the first.
struct Rig {
    dir: tempfile::TempDir,
    source: NotifySource,
    mounts: Arc<Mounts>,
    signals: Receiver<Signal>,
    syncs: u64,
}

impl Rig {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let mount = |name: &str| Mount {
            ignore: vec!["*.tmp".to_owned()],
            ..Mount::new(path(&format!("/{name}")), dir.path().join(name))
        };
        let state = dir.path().join("m/state");
        for made in ["m", "m/state", "n"] {
            fs::create_dir(dir.path().join(made)).expect("mkdir");
        }
        let mounts = Arc::new(Mounts::new(vec![mount("m"), mount("n")], Some(&state)).expect("mounts"));
        let (sender, signals) = channel();
        let sender = Mutex::new(sender);
        let sink = Arc::new(move |signals: Vec<Signal>| {
            for signal in signals {
                // The rig may be gone while the last events come in.
                let _ = sender.lock().expect("a sender").send(signal);
            }
        });
        let source = NotifySource::new(Arc::clone(&mounts), &state.join("sync"), sink).expect("a source");
        let mut rig = Self { dir, source, mounts, signals, syncs: 0 };
        rig.watch("/m");
        rig.signals();
        rig
    }

    fn disk(&self, logical: &str) -> PathBuf {
        self.dir.path().join(&logical[1..])
    }

    fn try_watch(&self, logical: &str) -> Result<(), WatchError> {
        let path = path(logical);
        let mount = self.mounts.mount_of(&path).expect("a mount");
        self.source.watch(mount, &path, &self.mounts.to_disk(mount, &path))
    }

    fn watch(&self, logical: &str) {
        self.try_watch(logical).unwrap_or_else(|error| panic!("watch {logical}: {error}"));
    }

    /// Everything signalled up to now.
    fn signals(&mut self) -> Vec<Signal> {
        self.syncs += 1;
        self.source.sync(self.syncs).expect("a cookie");
        let until = Instant::now() + Duration::from_secs(20);
        let mut seen = Vec::new();
        loop {
            match self.signals.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Signal::Synced(number)) if number == self.syncs => return seen,
                Ok(signal) => seen.push(signal),
                Err(error) => panic!("no Synced({}): {error}; seen: {seen:#?}", self.syncs),
            }
        }
    }

    /// Checks the hints that one action makes, in order; a repeated one counts once.
    fn check(&mut self, name: &str, action: impl FnOnce(&Path), expect: &[(&str, HintKind)]) {
        action(self.dir.path());
        let mut seen = self.signals();
        seen.dedup();
        let expect: Vec<_> = expect.iter().map(|&(text, kind)| Signal::Hint(Hint { path: path(text), kind })).collect();
        assert_eq!(seen, expect, "{name}");
    }
}

fn path(text: &str) -> LogicalPath {
    LogicalPath::parse(text.as_bytes()).expect("a path")
}

fn append(path: &Path) -> fs::File {
    let mut file = OpenOptions::new().append(true).create(true).open(path).expect("open");
    file.write_all(b"more").expect("write");
    file
}

/// The state that [`super::held`] is for, made without a race: nobody watches the parent, so notify does not read of
/// the rename before the new name is watched. The old name's end must not take the watch along.
#[test]
#[cfg(target_os = "linux")]
fn a_directory_watched_under_a_new_name_does_not_go_deaf_with_the_old_name() {
    let mut rig = Rig::new();
    fs::create_dir_all(rig.disk("/n/old")).expect("mkdir");
    rig.watch("/n/old");
    fs::rename(rig.disk("/n/old"), rig.disk("/n/new")).expect("rename");
    rig.watch("/n/new");
    rig.watch("/n");
    rig.signals();
    rig.check("write", |d| drop(append(&d.join("n/new/x"))), &[("/n/new/x", Written), ("/n/new/x", Closed)]);
    fs::write(rig.disk("/n/old"), "").expect("write");
    fs::remove_file(rig.disk("/n/old")).expect("remove");
    rig.signals();
    rig.check("again", |d| drop(append(&d.join("n/new/x"))), &[("/n/new/x", Written), ("/n/new/x", Closed)]);
}

#[test]
fn a_sync_is_private_and_survives_the_removal_of_its_directory() {
    let mut rig = Rig::new();
    let sync = rig.disk("/m/state/sync");
    assert_eq!(fs::metadata(&sync).expect("stat").permissions().mode() & 0o777, 0o700);
    fs::remove_dir(&sync).expect("remove");
    assert_eq!(rig.signals(), []);
    assert_eq!(fs::read_dir(&sync).expect("list").count(), 0);
}

/// What cannot be provoked is told to the ear directly.
#[test]
fn losses_and_limits_are_told_and_a_cookie_does_not_outlive_a_loss() {
    let mut rig = Rig::new();
    let lost = vec![Signal::Lost(MountId(0)), Signal::Lost(MountId(1))];
    let about = rig.disk("/n/deep");
    let limit = Signal::Unwatched { path: path("/n/deep"), why: WatchError::Limit.to_string() };
    let cases: [(&str, ::notify::Result<Event>, Vec<Signal>); 6] = [
        ("overflow", Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan)), lost.clone()),
        ("error", Err(Error::io(std::io::Error::from_raw_os_error(libc::EIO))), lost.clone()),
        ("event without a path", Ok(Event::new(EventKind::Any)), lost.clone()),
        ("limit", Err(Error::new(ErrorKind::MaxFilesWatch).add_path(about.clone())), vec![limit]),
        (
            "unknown kind",
            Ok(Event::new(EventKind::Any).add_path(about)),
            vec![Signal::Hint(Hint { path: path("/n/deep"), kind: Written })],
        ),
        ("outside of every mount", Ok(Event::new(EventKind::Any).add_path(rig.disk("/o/deep"))), vec![]),
    ];
    for (name, event, expect) in cases {
        rig.source.ear.hear_or_lose(event);
        assert_eq!(rig.signals(), expect, "{name}");
    }
    rig.source.ear.awaited.lock().expect("the cookies").insert(1000, Instant::now());
    rig.source.ear.hear_or_lose(Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan)));
    let expect: Vec<_> = lost.into_iter().chain([Signal::Synced(1000)]).collect();
    assert_eq!(rig.signals(), expect);
}

/// notify would read a broken queue again and again, and take up no watch meanwhile.
#[test]
#[cfg(target_os = "linux")]
fn a_broken_queue_ends_the_thread_and_the_source_and_answers_the_syncs_that_wait() {
    let rig = Rig::new();
    rig.source.ear.awaited.lock().expect("the cookies").insert(1000, Instant::now());
    let on_thread = super::OnThread(Arc::clone(&rig.source.ear));
    let broken = Error::io(std::io::Error::from_raw_os_error(libc::EIO));
    let ended = std::thread::spawn(move || on_thread.hear(Err(broken))).join();
    assert!(ended.is_err(), "the thread has ended");
    let said: Vec<_> = rig.signals.try_iter().collect();
    assert_eq!(said, [Signal::Lost(MountId(0)), Signal::Lost(MountId(1)), Signal::Synced(1000)]);
    assert!(!rig.source.is_alive());
    assert!(rig.source.sync(7).is_err());
    let watched = rig.source.watch(MountId(0), &path("/m"), &rig.disk("/m"));
    assert!(matches!(watched, Err(WatchError::Failed(_))), "{watched:?}");
    assert!(rig.source.ear.awaited.lock().expect("the cookies").is_empty());
}

#[test]
fn a_cookie_that_does_not_come_back_is_given_up_for_a_scan() {
    let rig = Rig::new();
    let long_ago = Instant::now() - super::COOKIE_MAX - Duration::from_secs(1);
    rig.source.ear.awaited.lock().expect("the cookies").insert(1000, long_ago);
    rig.source.take_up(MountId(0), &rig.disk("/m"), Mounting { volume: 1, number: 1 }).expect("it is alive");
    let said: Vec<_> = rig.signals.try_iter().collect();
    assert_eq!(said, [Signal::Lost(MountId(0)), Signal::Lost(MountId(1)), Signal::Synced(1000)]);
}

#[test]
fn a_sink_that_panics_costs_a_scan_and_not_the_watcher() {
    let dir = tempfile::tempdir().expect("a directory");
    let mount = Mount { ignore: vec![], ..Mount::new(path("/m"), dir.path().join("m")) };
    fs::create_dir(&mount.dir).expect("mkdir");
    let mounts = Arc::new(Mounts::new(vec![mount], None).expect("mounts"));
    let (sender, signals) = channel();
    let sender = Mutex::new(sender);
    let sink = Arc::new(move |signals: Vec<Signal>| {
        for signal in signals {
            match signal {
                Signal::Hint(_) => panic!("on purpose"),
                other => sender.lock().expect("a sender").send(other).expect("a receiver"),
            }
        }
    });
    let source = NotifySource::new(mounts, &dir.path().join("sync"), sink).expect("a source");
    source.watch(MountId(0), &path("/m"), &dir.path().join("m")).expect("a watch");
    fs::create_dir(dir.path().join("m/a")).expect("mkdir");
    let until = Duration::from_secs(20);
    assert_eq!(signals.recv_timeout(until), Ok(Signal::Lost(MountId(0))));
    source.sync(7).expect("a cookie");
    assert_eq!(signals.recv_timeout(until), Ok(Signal::Synced(7)));
}
