//! The sources that hint, one by one, against the real filesystem. A sync tells that every earlier event has been
//! heard, so each check sees all hints of what it did and waits for nothing else. What the whole daemon makes of them
//! is tested in `tests/it`.

mod unknown;

use std::ffi::{CString, OsStr};
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::fanotify::FanotifySource;
use super::inotify::InotifySource;
use super::mounts::Mounts;
use super::notify::NotifySource;
use super::{Mounting, SignalSink, WatchError, WatchSource};
use crate::model::hint::HintKind::{self, Attributes, Closed, Moved, Written};
use crate::model::hint::{Hint, Signal};
use crate::model::ids::MountId;
use crate::model::mount::Mount;
use crate::model::path::LogicalPath;
use crate::model::watching::SourceKind;

const MOUNTING: Mounting = Mounting { volume: 1, number: 1 };

/// Two mounts, `/m` and `/n`, the first one's root watched; the state directory lies in the first.
struct Rig {
    kind: SourceKind,
    dir: tempfile::TempDir,
    source: Box<dyn WatchSource>,
    mounts: Arc<Mounts>,
    signals: Receiver<Signal>,
    /// Whoever holds it holds up the sink.
    gate: Arc<Mutex<()>>,
    syncs: u64,
}

/// Runs a test with each source that this machine and this user allow.
fn each(test: impl Fn(&mut Rig)) {
    for kind in [SourceKind::Inotify, SourceKind::Fanotify, SourceKind::Notify] {
        match Rig::new(kind) {
            Ok(mut rig) => test(&mut rig),
            Err(why) if kind == SourceKind::Fanotify => eprintln!("SKIPPED with fanotify: {why}"),
            Err(why) => panic!("{kind:?}: {why}"),
        }
    }
}

impl Rig {
    fn new(kind: SourceKind) -> Result<Self, WatchError> {
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
        let gate: Arc<Mutex<()>> = Arc::default();
        let theirs = Arc::clone(&gate);
        let sink: SignalSink = Arc::new(move |signals: Vec<Signal>| {
            let _held = theirs.lock().expect("the gate");
            for signal in signals {
                // The rig may be gone while the last events come in.
                let _ = sender.lock().expect("a sender").send(signal);
            }
        });
        let theirs = Arc::clone(&mounts);
        let source: Box<dyn WatchSource> = match kind {
            SourceKind::Inotify => Box::new(InotifySource::new(theirs, sink)?),
            SourceKind::Fanotify => Box::new(FanotifySource::new(theirs, &state, sink)?),
            SourceKind::Notify => Box::new(NotifySource::new(theirs, &state.join("sync"), sink)?),
            SourceKind::Poll => panic!("it hints nothing"),
        };
        for id in mounts.ids() {
            source.take_up(id, &mounts.get(id).dir, MOUNTING)?;
        }
        let mut rig = Self { kind, dir, source, mounts, signals, gate, syncs: 0 };
        rig.watch("/m");
        rig.signals();
        Ok(rig)
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
        self.try_watch(logical).unwrap_or_else(|error| panic!("{:?}: watch {logical}: {error}", self.kind));
    }

    /// Everything signalled up to now.
    fn signals(&mut self) -> Vec<Signal> {
        self.syncs += 1;
        self.source.sync(self.syncs).expect("an answer");
        let until = Instant::now() + Duration::from_secs(20);
        let mut seen = Vec::new();
        loop {
            match self.signals.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Signal::Synced(number)) if number == self.syncs => return seen,
                Ok(signal) => seen.push(signal),
                Err(error) => panic!("{:?}: no Synced({}): {error}; seen: {seen:#?}", self.kind, self.syncs),
            }
        }
    }

    /// The hints up to now, in order. Of a file that was written and closed right after, only the close.
    fn hints(&mut self) -> Vec<(String, HintKind)> {
        let mut hints: Vec<(String, HintKind)> = Vec::new();
        for signal in self.signals() {
            let Signal::Hint(Hint { path, kind }) = signal else {
                // fanotify hears the whole filesystem: any process may write a file there that has no name, or two.
                assert_eq!(self.kind, SourceKind::Fanotify, "{signal:?}");
                continue;
            };
            let path = path.to_string();
            if hints
                .last()
                .is_some_and(|(at, last)| *at == path && (*last == kind || (*last, kind) == (Written, Closed)))
            {
                hints.pop();
            }
            hints.push((path, kind));
        }
        hints
    }

    /// Checks the hints that one action makes, in order; a repeated one counts once.
    fn check(&mut self, name: &str, action: impl FnOnce(&Path), expect: &[(&str, HintKind)]) {
        action(self.dir.path());
        let seen = self.hints();
        let expect: Vec<_> = expect.iter().map(|&(path, kind)| (path.to_owned(), kind)).collect();
        assert_eq!(seen, expect, "{:?}: {name}", self.kind);
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

fn c_path(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).expect("no NUL")
}

#[test]
fn each_thing_that_happens_in_a_directory_is_hinted_as_what_it_is() {
    type Case = (&'static str, fn(&Path), &'static [(&'static str, HintKind)]);

    let cases: &[Case] = &[
        ("create and close", |d| fs::write(d.join("m/a"), "").unwrap(), &[("/m/a", Closed)]),
        ("append", |d| drop(append(&d.join("m/a"))), &[("/m/a", Closed)]),
        (
            "open for writing and close, unwritten",
            |d| drop(OpenOptions::new().append(true).open(d.join("m/a")).unwrap()),
            &[("/m/a", Closed)],
        ),
        ("read", |d| drop(fs::read(d.join("m/a")).unwrap()), &[]),
        ("list", |d| assert_eq!(fs::read_dir(d.join("m")).unwrap().count(), 2), &[]),
        (
            "truncate by path",
            |d| {
                let name = c_path(&d.join("m/a"));
                // SAFETY: a C string that outlives the call.
                assert_eq!(unsafe { libc::truncate(name.as_ptr(), 100) }, 0);
            },
            &[("/m/a", Written)],
        ),
        (
            "chmod",
            |d| fs::set_permissions(d.join("m/a"), fs::Permissions::from_mode(0o600)).unwrap(),
            &[("/m/a", Attributes)],
        ),
        ("hard link", |d| fs::hard_link(d.join("m/a"), d.join("m/hard")).unwrap(), &[("/m/hard", Written)]),
        ("symbolic link", |d| symlink("a", d.join("m/soft")).unwrap(), &[("/m/soft", Written)]),
        (
            "fifo",
            |d| {
                let name = c_path(&d.join("m/fifo"));
                // SAFETY: a C string that outlives the call.
                assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
            },
            &[("/m/fifo", Written)],
        ),
        ("rename", |d| fs::rename(d.join("m/a"), d.join("m/b")).unwrap(), &[("/m/a", Moved), ("/m/b", Moved)]),
        ("move out", |d| fs::rename(d.join("m/b"), d.join("outside")).unwrap(), &[("/m/b", Moved)]),
        ("move in", |d| fs::rename(d.join("outside"), d.join("m/c")).unwrap(), &[("/m/c", Moved)]),
        ("unlink", |d| fs::remove_file(d.join("m/c")).unwrap(), &[("/m/c", Moved)]),
        ("mkdir", |d| fs::create_dir(d.join("m/d")).unwrap(), &[("/m/d", Moved)]),
        (
            "move a directory",
            |d| fs::rename(d.join("m/d"), d.join("m/e")).unwrap(),
            &[("/m/d", Moved), ("/m/e", Moved)],
        ),
        ("remove a directory", |d| fs::remove_dir_all(d.join("m/e")).unwrap(), &[("/m/e", Moved)]),
        ("an ignored name", |d| fs::write(d.join("m/x.tmp"), "").unwrap(), &[]),
        (
            "an ignored name until renamed",
            |d| fs::rename(d.join("m/x.tmp"), d.join("m/x")).unwrap(),
            &[("/m/x", Moved)],
        ),
        ("the state directory", |d| fs::write(d.join("m/state/ledger"), "").unwrap(), &[]),
        ("its attributes", |d| fs::set_permissions(d.join("m/state"), fs::Permissions::from_mode(0o700)).unwrap(), &[]),
        (
            "the root's attributes",
            |d| fs::set_permissions(d.join("m"), fs::Permissions::from_mode(0o700)).unwrap(),
            &[("/m", Attributes)],
        ),
    ];
    each(|rig| {
        for &(name, action, expect) in cases {
            rig.check(name, action, expect);
        }
    });
}

#[test]
fn a_mapped_file_is_closed_when_its_mapping_goes() {
    use std::os::fd::AsRawFd as _;

    each(|rig| {
        fs::write(rig.disk("/m/a"), [0; 4096]).expect("write");
        rig.signals();
        let file = OpenOptions::new().read(true).write(true).open(rig.disk("/m/a")).expect("open");
        let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
        // SAFETY: a new mapping of 4096 bytes of a file that has them.
        let mapping = unsafe { libc::mmap(std::ptr::null_mut(), 4096, protection, flags, file.as_raw_fd(), 0) };
        assert_ne!(mapping, libc::MAP_FAILED);
        drop(file);
        // SAFETY: the mapping is writable and 4096 bytes long.
        rig.check("write through the mapping", |_| unsafe { mapping.cast::<u8>().write(1) }, &[]);
        // SAFETY: nobody uses the mapping any more.
        rig.check("unmap", |_| assert_eq!(unsafe { libc::munmap(mapping, 4096) }, 0), &[("/m/a", Closed)]);
    });
}

#[test]
fn names_are_bytes() {
    each(|rig| {
        let long = [b'x'; 255];
        for name in [&b"two\nlines"[..], b"tab\there", b"caf\xe9", b"\xff\xfe", b" ", &long] {
            fs::write(rig.dir.path().join("m").join(OsStr::from_bytes(name)), "").expect("write");
            let expect = Signal::Hint(Hint { path: path("/m").join(name), kind: Closed });
            let seen = rig.signals();
            assert!(seen.contains(&expect), "{:?}: {expect:?} in {seen:?}", rig.kind);
        }
    });
}

#[test]
fn a_watched_directory_that_is_renamed_hints_both_names_and_can_be_watched_again() {
    each(|rig| {
        fs::create_dir_all(rig.disk("/m/a/sub")).expect("mkdir");
        rig.watch("/m/a");
        rig.watch("/m/a/sub");
        rig.signals();
        fs::rename(rig.disk("/m/a"), rig.disk("/m/b")).expect("rename");
        let seen = rig.hints();
        assert_eq!(seen[..2], [("/m/a".to_owned(), Moved), ("/m/b".to_owned(), Moved)], "{:?}", rig.kind);
        rig.watch("/m/b");
        rig.watch("/m/b/sub");
        rig.signals();
        rig.check("write below", |d| drop(append(&d.join("m/b/sub/x"))), &[("/m/b/sub/x", Closed)]);
        let gone = [("/m/b/sub/x", Moved), ("/m/b/sub", Moved)];
        rig.check("remove", |d| fs::remove_dir_all(d.join("m/b/sub")).unwrap(), &gone);
        fs::create_dir(rig.disk("/m/b/sub")).expect("mkdir");
        rig.watch("/m/b/sub");
        rig.signals();
        rig.check("make again", |d| drop(append(&d.join("m/b/sub/x"))), &[("/m/b/sub/x", Closed)]);
    });
}

/// A replaced directory: what happens in the one that was moved away is not told under its old name.
#[test]
fn a_replaced_root_is_the_new_directory() {
    each(|rig| {
        rig.watch("/n");
        rig.signals();
        fs::rename(rig.disk("/n"), rig.disk("/away")).expect("rename");
        let seen = rig.hints();
        assert!(seen.contains(&("/n".to_owned(), Moved)), "{:?}: the root has gone: {seen:?}", rig.kind);
        fs::create_dir(rig.disk("/n")).expect("mkdir");
        rig.watch("/n");
        rig.signals();
        rig.check("in the old one", |d| drop(append(&d.join("away/x"))), &[]);
        rig.check("in the new one", |d| drop(append(&d.join("n/x"))), &[("/n/x", Closed)]);
        fs::remove_dir_all(rig.disk("/n")).expect("removed");
        let seen = rig.hints();
        assert!(seen.contains(&("/n".to_owned(), Moved)), "{:?}: the root has gone: {seen:?}", rig.kind);
    });
}

#[test]
fn what_was_moved_away_is_forgotten_and_what_is_there_again_is_not() {
    each(|rig| {
        if rig.kind == SourceKind::Notify {
            // It forgets in its own time (`notify/held.rs`).
            return;
        }
        fs::create_dir_all(rig.disk("/m/a/sub")).expect("mkdir");
        rig.watch("/m/a");
        rig.watch("/m/a/sub");
        rig.signals();
        rig.source.forget(MountId(0), &path("/m/a"));
        rig.check("it is still there", |d| drop(append(&d.join("m/a/sub/x"))), &[("/m/a/sub/x", Closed)]);
        fs::rename(rig.disk("/m/a"), rig.disk("/away")).expect("rename");
        rig.source.forget(MountId(0), &path("/m/a"));
        rig.signals();
        rig.check("it is away", |d| drop(append(&d.join("away/sub/x"))), &[]);
        fs::rename(rig.disk("/away"), rig.disk("/m/a")).expect("rename");
        rig.watch("/m/a");
        rig.watch("/m/a/sub");
        rig.source.forget(MountId(0), &path("/m/a"));
        rig.signals();
        rig.check("it is back", |d| drop(append(&d.join("m/a/sub/x"))), &[("/m/a/sub/x", Closed)]);
    });
}

#[test]
fn what_is_no_directory_is_not_watched() {
    each(|rig| {
        fs::write(rig.disk("/m/file"), "").expect("write");
        symlink(rig.disk("/n"), rig.disk("/m/link")).expect("link");
        for logical in ["/m/none", "/m/file/below"] {
            let error = rig.try_watch(logical).expect_err(logical);
            assert!(matches!(error, WatchError::Gone), "{:?}: {logical}: {error:?}", rig.kind);
        }
        // A handle of a file or a link would do no harm: nothing happens in it.
        if rig.kind != SourceKind::Fanotify {
            for logical in ["/m/file", "/m/link"] {
                let error = rig.try_watch(logical).expect_err(logical);
                assert!(matches!(error, WatchError::Gone), "{:?}: {logical}: {error:?}", rig.kind);
            }
        }
        rig.watch("/m");
        rig.watch("/m");
    });
}

#[test]
fn two_threads_may_watch_at_once() {
    each(|rig| {
        let names: Vec<String> = (0..200).map(|number| format!("/m/{number}")).collect();
        for name in &names {
            fs::create_dir(rig.disk(name)).expect("mkdir");
        }
        let dirs: Vec<_> = names.iter().map(|name| (path(name), rig.disk(name))).collect();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for (path, dir) in &dirs {
                        rig.source.watch(MountId(0), path, dir).expect("a watch");
                    }
                });
            }
        });
        rig.signals();
        for name in &names {
            drop(append(&rig.disk(name).join("x")));
        }
        let seen = rig.signals();
        for name in &names {
            let path = path(name).join(b"x");
            let is_it = |signal: &Signal| matches!(signal, Signal::Hint(hint) if hint.path == path);
            assert!(seen.iter().any(is_it), "{:?}: {path}", rig.kind);
        }
    });
}

/// A sync is answered while events never cease, and everything before it has been said by then.
#[test]
fn a_sync_is_not_starved_by_a_steady_writer() {
    each(|rig| {
        let ending = std::sync::atomic::AtomicBool::new(false);
        /// Ends the writer also when a round fails.
        struct End<'a>(&'a std::sync::atomic::AtomicBool);
        impl Drop for End<'_> {
            fn drop(&mut self) {
                self.0.store(true, std::sync::atomic::Ordering::Relaxed);
            }
        }
        let (busy, quiet) = (rig.disk("/m/busy"), rig.disk("/m/quiet"));
        // The crate's thread empties the kernel's queue before it takes anything else: a writer that is quicker holds
        // it up for as long as it writes. That is one reason why it is the last choice on Linux.
        let pause = if rig.kind == SourceKind::Notify { Duration::from_micros(200) } else { Duration::ZERO };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !ending.load(std::sync::atomic::Ordering::Relaxed) {
                    drop(append(&busy));
                    drop(append(&busy.with_extension("2")));
                    if !pause.is_zero() {
                        std::thread::sleep(pause);
                    }
                }
            });
            let _end = End(&ending);
            let began = Instant::now();
            // A reader that is slower than the writer has a full queue to read in each round.
            for round in 0..200 {
                if round >= 3 && began.elapsed() > Duration::from_secs(5) {
                    break;
                }
                drop(append(&quiet));
                let seen = rig.signals();
                let expect = Signal::Hint(Hint { path: path("/m/quiet"), kind: Closed });
                let lost = Signal::Lost(MountId(0));
                assert!(seen.contains(&expect) || seen.contains(&lost), "{:?}: round {round}: {seen:?}", rig.kind);
            }
        });
    });
}

/// A kernel queue that runs over is a loss that is said, and a sync is answered all the same.
#[test]
fn a_queue_that_runs_over_is_told() {
    each(|rig| {
        let limit = match rig.kind {
            SourceKind::Fanotify => "/proc/sys/fs/fanotify/max_queued_events",
            _ => "/proc/sys/fs/inotify/max_queued_events",
        };
        let limit: usize = fs::read_to_string(limit).expect("a limit").trim().parse().expect("a number");
        if limit > 50_000 {
            eprintln!("SKIPPED with {:?}: a queue of {limit} events takes too long to fill", rig.kind);
            return;
        }
        // Whoever takes the hints holds up the reader, after one read at most.
        let gate = Arc::clone(&rig.gate);
        let held = gate.lock().expect("the gate");
        // One event a file with fanotify, which merges, and three with inotify; some of them are in the first read.
        for n in 0..limit + 1_000 {
            // Different names, so that the kernel cannot merge one file's with another's.
            fs::write(rig.disk(&format!("/m/{n}")), "").expect("written");
        }
        drop(held);
        let seen = rig.signals();
        assert!(seen.contains(&Signal::Lost(MountId(0))), "{:?}: {} signals", rig.kind, seen.len());
        rig.check("it goes on", |d| drop(append(&d.join("m/last"))), &[("/m/last", Closed)]);
    });
}
