//! Against the real filesystem. A cookie tells that every earlier event has been heard, so each check sees all hints
//! of what it did and waits for nothing else.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ::notify::event::{EventKind, Flag};
use ::notify::{Error, ErrorKind, Event};

use super::NotifySource;
use crate::model::hint::HintKind::{self, Closed, Moved, Written};
use crate::model::hint::{Hint, Signal};
use crate::model::ids::MountId;
use crate::model::mount::Mount;
use crate::model::path::LogicalPath;
use crate::watch::mounts::Mounts;
use crate::watch::{WatchError, WatchSource};

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

#[test]
#[cfg(target_os = "linux")]
fn each_thing_that_happens_in_a_directory_is_hinted_as_what_it_is() {
    use std::ffi::CString;

    type Case = (&'static str, fn(&Path), &'static [(&'static str, HintKind)]);

    let cases: &[Case] = &[
        ("create and close", |d| fs::write(d.join("m/a"), "").unwrap(), &[("/m/a", Written), ("/m/a", Closed)]),
        ("append", |d| drop(append(&d.join("m/a"))), &[("/m/a", Written), ("/m/a", Closed)]),
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
                let name = CString::new(d.join("m/a").to_str().unwrap()).unwrap();
                // SAFETY: a C string that outlives the call.
                assert_eq!(unsafe { libc::truncate(name.as_ptr(), 100) }, 0);
            },
            &[("/m/a", Written)],
        ),
        (
            "chmod",
            |d| fs::set_permissions(d.join("m/a"), fs::Permissions::from_mode(0o600)).unwrap(),
            &[("/m/a", Moved)],
        ),
        ("hard link", |d| fs::hard_link(d.join("m/a"), d.join("m/hard")).unwrap(), &[("/m/hard", Written)]),
        ("symbolic link", |d| symlink("a", d.join("m/soft")).unwrap(), &[("/m/soft", Written)]),
        (
            "fifo",
            |d| {
                let name = CString::new(d.join("m/fifo").to_str().unwrap()).unwrap();
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
        ("in a directory that is not watched", |d| fs::write(d.join("m/d/a"), "").unwrap(), &[]),
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
            &[("/m", Moved)],
        ),
    ];
    let mut rig = Rig::new();
    for &(name, action, expect) in cases {
        rig.check(name, action, expect);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_mapped_file_is_closed_when_its_mapping_goes() {
    use std::os::fd::AsRawFd as _;

    let mut rig = Rig::new();
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
}

#[test]
fn names_are_bytes() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let mut rig = Rig::new();
    let long = [b'x'; 255];
    for name in [&b"two\nlines"[..], b"tab\there", b"caf\xe9", b"\xff\xfe", b" ", &long] {
        let shown = String::from_utf8_lossy(name).into_owned();
        let file = match fs::File::create(rig.dir.path().join("m").join(OsStr::from_bytes(name))) {
            Ok(file) => file,
            // APFS refuses what is not UTF-8.
            Err(error) if cfg!(target_os = "macos") => {
                eprintln!("skipped {shown:?}: {error}");
                continue;
            }
            Err(error) => panic!("{shown:?}: {error}"),
        };
        drop(file);
        let path = path("/m").join(name);
        let seen = rig.signals();
        assert!(
            seen.contains(&Signal::Hint(Hint { path, kind: if super::IS_INOTIFY { Closed } else { Written } })),
            "{shown:?}: {seen:?}"
        );
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_watched_directory_that_is_renamed_hints_both_names_and_can_be_watched_again() {
    let mut rig = Rig::new();
    fs::create_dir_all(rig.disk("/m/a/sub")).expect("mkdir");
    rig.watch("/m/a");
    rig.watch("/m/a/sub");
    rig.signals();
    rig.check(
        "rename",
        |d| fs::rename(d.join("m/a"), d.join("m/b")).unwrap(),
        // The last is the directory's own MOVE_SELF, under the name that it was watched by.
        &[("/m/a", Moved), ("/m/b", Moved), ("/m/a", Moved)],
    );
    rig.watch("/m/b");
    rig.watch("/m/b/sub");
    rig.signals();
    rig.check(
        "write below",
        |d| drop(append(&d.join("m/b/sub/x"))),
        &[("/m/b/sub/x", Written), ("/m/b/sub/x", Closed)],
    );
    rig.check(
        "remove",
        |d| fs::remove_dir_all(d.join("m/b/sub")).unwrap(),
        &[("/m/b/sub/x", Moved), ("/m/b/sub", Moved)],
    );
    fs::create_dir(rig.disk("/m/b/sub")).expect("mkdir");
    rig.watch("/m/b/sub");
    rig.signals();
    rig.check("make again", |d| drop(append(&d.join("m/b/sub/x"))), &[("/m/b/sub/x", Written), ("/m/b/sub/x", Closed)]);
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

/// A replaced directory: what happens in the one that was moved away is not told under its old name.
#[test]
#[cfg(target_os = "linux")]
fn a_replaced_root_is_the_new_directory() {
    let mut rig = Rig::new();
    rig.watch("/n");
    fs::rename(rig.disk("/n"), rig.disk("/away")).expect("rename");
    fs::create_dir(rig.disk("/n")).expect("mkdir");
    rig.watch("/n");
    rig.signals();
    rig.check("in the old one", |d| drop(append(&d.join("away/x"))), &[]);
    rig.check("in the new one", |d| drop(append(&d.join("n/x"))), &[("/n/x", Written), ("/n/x", Closed)]);
}

#[test]
fn what_is_no_directory_is_not_watched() {
    let rig = Rig::new();
    fs::write(rig.disk("/m/file"), "").expect("write");
    symlink(rig.disk("/n"), rig.disk("/m/link")).expect("link");
    for logical in ["/m/none", "/m/file", "/m/link", "/m/file/below"] {
        let error = rig.try_watch(logical).expect_err(logical);
        assert!(matches!(error, WatchError::Gone), "{logical}: {error:?}");
    }
    rig.watch("/m");
    rig.watch("/m");
}

#[test]
fn two_threads_may_watch_at_once() {
    let mut rig = Rig::new();
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
        assert!(seen.iter().any(|signal| matches!(signal, Signal::Hint(hint) if hint.path == path)), "{path}");
    }
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
    rig.source.ear.awaited.lock().expect("the cookies").insert(1000);
    rig.source.ear.hear_or_lose(Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan)));
    let expect: Vec<_> = lost.into_iter().chain([Signal::Synced(1000)]).collect();
    assert_eq!(rig.signals(), expect);
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
