//! The disk that holds the ledger is full, or fails: nothing is taken in and that is said, what is owed is delivered,
//! it recovers by itself, and afterwards everything has been told once.
//!
//! A full disk is a small tmpfs, which only root may mount: without, those tests say that they did not run. A failing
//! one is a process whose files may not grow (`RLIMIT_FSIZE`), which needs no rights. One that does not confirm what
//! was written is `strace`'s work.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

use crate::daemon::{Daemon, Place};
use crate::disk::files_below;
use crate::sink::{Sink, view};

/// The small disk's size, bytes: the ballast, the room that it needs beside it, and a little.
const DISK_BYTES: u64 = 48 << 20;

/// A small disk at a directory; gone with its content when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None`, loudly, where we may not mount.
    fn at(dir: &Path) -> Option<Self> {
        fs::create_dir_all(dir).expect("a mount point");
        let options = CString::new(format!("size={DISK_BYTES}")).expect("no NUL");
        let (at, kind) = (c_path(dir), c"tmpfs");
        // SAFETY: C strings that outlive the call.
        let done = unsafe { libc::mount(kind.as_ptr(), at.as_ptr(), kind.as_ptr(), 0, options.as_ptr().cast()) };
        if done == 0 {
            return Some(Self(dir.to_owned()));
        }
        let error = io::Error::last_os_error();
        assert_eq!(error.raw_os_error(), Some(libc::EPERM), "{error}");
        eprintln!("NOT RUN: only root may mount the small disk that this test fills");
        None
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        let mut filler = File::options().create(true).append(true).open(self.filler()).expect("a file");
        let piece = [1; 4_096];
        let full = loop {
            if let Err(error) = filler.write_all(&piece) {
                break error;
            }
        };
        assert_eq!(full.kind(), io::ErrorKind::StorageFull, "{full}");
    }

    /// Gives it back.
    fn free(&self) {
        fs::remove_file(self.filler()).expect("it was filled");
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let at = c_path(&self.0);
        // SAFETY: a C string that outlives the call.
        let done = unsafe { libc::umount2(at.as_ptr(), libc::MNT_DETACH) };
        if done != 0 {
            eprintln!("{} stays mounted: {}", self.0.display(), io::Error::last_os_error());
        }
    }
}

fn c_path(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).expect("no NUL")
}

/// A rule that needs many deliveries, and tries for as long as the test takes.
fn patient_rule(sink: &Sink) -> String {
    format!("{}retry = ['500ms']\nretryCount = 100\nmaxEntries = 5\n", sink.rule_all())
}

/// Waits until the status says that nothing is taken in, and why.
#[track_caller]
fn wait_held(daemon: &Daemon, place: &Place, why: &str) {
    let why = format!("the disk of the state directory {} {why}", place.state.display());
    daemon.status_until("it holds", |status| {
        let mount = &status["mounts"][0];
        let reason = mount["reason"].as_str().unwrap_or_default();
        status["ready"] == false && mount["state"] == "degraded" && reason.starts_with(&why)
    });
    assert!(!daemon.is_ready());
}

#[track_caller]
fn wait_delivered(daemon: &Daemon) {
    daemon.status_until("nothing is owed", |status| {
        let (outbox, deliveries) = (&status["outbox"], &status["deliveries"]);
        outbox["entries"] == 0 && ["pending", "inFlight", "waiting"].iter().all(|state| deliveries[state] == 0)
    });
}

/// What a receiver believes is what is on the disk, and each file was told as often as it was changed.
#[track_caller]
fn check_told(daemon: &Daemon, place: &Place, sink: &Sink, changed_again: &str) {
    let told = daemon.settled(place, sink, "/");
    let mut viewed: Vec<_> = view(&told).into_keys().collect();
    viewed.sort();
    let on_disk: Vec<_> = files_below(&place.store).into_iter().filter(|path| !path.contains("/marker-")).collect();
    assert_eq!(viewed, on_disk);
    let mut times: BTreeMap<&str, u32> = BTreeMap::new();
    told.iter().for_each(|one| *times.entry(&one.path).or_default() += 1);
    let again: Vec<_> = times.into_iter().filter(|(_, times)| *times > 1).collect();
    assert!(again.iter().all(|(path, times)| path.starts_with(changed_again) && *times == 2), "{again:?}");
}

/// How often the log says something.
fn said(daemon: &Daemon, message: &str) -> usize {
    daemon.log().matches(&format!("\"message\":\"{message}")).count()
}

#[test]
fn a_full_disk_stops_intake_and_nothing_else() {
    let sink = Sink::new();
    let place = Place::new(&patient_rule(&sink));
    let Some(disk) = SmallDisk::at(&place.state) else { return };
    let daemon = place.start();
    sink.behave(|_| 503);
    for n in 0..100 {
        place.write(&format!("/early/{n}"), "1");
    }
    daemon.sync();
    daemon
        .status_until("more is owed than one delivery tells", |status| status["outbox"]["entries"].as_u64() > Some(50));

    disk.fill();
    for n in 0..100 {
        place.write(&format!("/late/{n}"), "1");
    }
    place.write("/early/0", "longer");
    fs::remove_file(place.at("/early/1")).expect("it is there");
    wait_held(&daemon, &place, "is full");
    let answer = daemon.records(r#"{"path": "/early/2", "set": {"City": "Sydney"}}"#);
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.text().contains("takes no writes"), "{}", answer.text());

    sink.behave(|_| 200);
    sink.wait("what was owed", |told| told.len() >= 100);
    wait_delivered(&daemon);
    wait_held(&daemon, &place, "is full");
    assert!(sink.told().iter().all(|one| one.path.starts_with("/early/") && one.action == "added"));

    disk.free();
    daemon.ready();
    check_told(&daemon, &place, &sink, "/early/");
    assert_eq!(said(&daemon, "the disk of the state directory"), 1, "{}", daemon.log());
    assert_eq!(said(&daemon, "the ledger takes writes again"), 1, "{}", daemon.log());
    let answer = daemon.records(r#"{"path": "/early/2", "set": {"City": "Sydney"}}"#);
    assert_eq!(answer.status, 202, "{}", answer.text());
}

#[test]
fn killed_while_the_disk_is_full_it_goes_on_once_there_is_room() {
    let sink = Sink::new();
    let place = Place::new(&patient_rule(&sink));
    let Some(disk) = SmallDisk::at(&place.state) else { return };
    let daemon = place.start();
    sink.behave(|_| 503);
    for n in 0..30 {
        place.write(&format!("/early/{n}"), "1");
    }
    daemon.sync();
    disk.fill();
    for n in 0..30 {
        place.write(&format!("/late/{n}"), "1");
    }
    wait_held(&daemon, &place, "is full");
    daemon.kill();

    // What the ballast has left is enough to start, and too little to take anything in.
    let daemon = place.start_unready();
    wait_held(&daemon, &place, "is full");
    assert_eq!(said(&daemon, "the disk of the state directory"), 1, "{}", daemon.log());
    sink.behave(|_| 200);
    wait_delivered(&daemon);
    assert_eq!(sink.told().len(), 30);
    daemon.kill();

    // Without that there is nothing to be done but to say so.
    disk.fill();
    let (code, said) = place.refused();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&format!("{} is full or failing", place.state.display())), "{said}");

    disk.free();
    let daemon = place.start();
    check_told(&daemon, &place, &sink, "none");
}

/// How far a daemon's files may reach, bytes; for ever when `None`.
fn limit_files(daemon: &Daemon, bytes: Option<u64>) {
    let pid = libc::pid_t::try_from(daemon.pid()).expect("a process id");
    let limit = libc::rlimit { rlim_cur: bytes.unwrap_or(libc::RLIM_INFINITY), rlim_max: libc::RLIM_INFINITY };
    // SAFETY: a limit that outlives the call, and no place for the old one. The process is our child and not waited
    // for.
    let done = unsafe { libc::prlimit(pid, libc::RLIMIT_FSIZE, &limit, std::ptr::null_mut()) };
    assert_eq!(done, 0, "{}", io::Error::last_os_error());
}

#[test]
fn a_failing_disk_is_waited_out_and_no_accepted_delivery_is_repeated() {
    // SAFETY: ignoring a signal needs no handler. Children inherit it; it would end them where a write past the limit
    // is to fail.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    let sink = Sink::new();
    let place = Place::new(&format!("{}retry = ['3s']\nretryCount = 100\n", sink.rule_all()));
    let daemon = place.start();
    sink.behave(|_| 503);
    place.write("/early", "1");
    daemon.status_until("the first attempt is accounted for", |status| status["deliveries"]["waiting"] == 1);

    limit_files(&daemon, Some(0));
    sink.behave(|_| 200);
    place.write("/late", "1");
    wait_held(&daemon, &place, "fails");
    // Its outcome does not fit anywhere but in memory.
    sink.wait_line("added /early");
    daemon.status_until("a delivery whose outcome is not recorded", |status| status["deliveries"]["inFlight"] == 1);
    let answer = daemon.records(r#"{"path": "/early", "set": {"City": "Sydney"}}"#);
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(!daemon.is_ready());

    limit_files(&daemon, None);
    daemon.ready();
    check_told(&daemon, &place, &sink, "none");
    let mut accepted: BTreeMap<String, u32> = BTreeMap::new();
    sink.calls().iter().filter(|call| call.status == 200).for_each(|call| {
        *accepted.entry(call.id.clone()).or_default() += 1;
    });
    assert!(accepted.values().all(|times| *times == 1), "{accepted:?}");
    assert_eq!(said(&daemon, "the disk of the state directory"), 1, "{}", daemon.log());
    assert_eq!(said(&daemon, "the ledger takes writes again"), 1, "{}", daemon.log());
}

/// From now on no sync of a daemon's succeeds. `None`, loudly, where that cannot be done.
fn refuse_syncs(daemon: &Daemon) -> Option<Tracer> {
    let pid = daemon.pid().to_string();
    let mut strace = Command::new("strace");
    strace.args(["-f", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO", "-p", &pid]);
    let why = match strace.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn() {
        Ok(mut child) => {
            let mut said = BufReader::new(child.stderr.take().expect("piped"));
            let mut line = String::new();
            said.read_line(&mut line).expect("UTF-8");
            if line.contains(" attached") {
                return Some(Tracer { child, _said: said });
            }
            child.wait().expect("a child of ours");
            line
        }
        Err(error) => error.to_string(),
    };
    eprintln!("NOT RUN: strace, which is to let syncs fail, cannot be used here: {why}");
    None
}

/// Who stands between a daemon and the kernel; no longer when dropped.
struct Tracer {
    child: Child,
    /// Open, so that it can go on saying things.
    _said: BufReader<ChildStderr>,
}

impl Drop for Tracer {
    fn drop(&mut self) {
        // An error means that it has ended, as it does with whom it watches.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn after_a_sync_that_failed_the_process_ends_and_the_next_one_goes_on() {
    let sink = Sink::new();
    let place = Place::new(&patient_rule(&sink));
    let daemon = place.start();
    place.write("/early", "1");
    sink.wait_line("added /early");
    let Some(tracer) = refuse_syncs(&daemon) else { return };
    place.write("/late", "1");
    let (code, said) = daemon.ends();
    drop(tracer);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("did not confirm what was written to it; ending"), "{said}");

    let daemon = place.start();
    check_told(&daemon, &place, &sink, "none");
}
