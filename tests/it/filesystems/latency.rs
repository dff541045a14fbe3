//! How soon a file is reported after it was closed: each way of writing one, small and large, with each source that
//! hears of writes. There is no sync in these tests, because a sync ends every wait.

use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::mounted::{Kind, Mounted, skipped};
use crate::daemon::{Daemon, Place};
use crate::sink::Sink;
use crate::turns;

/// A file is reported within this time after close(2) returned.
const REPORTED_WITHIN: Duration = Duration::from_secs(1);
/// The same where the kernel reports no close by the file's name (`O_TMPFILE`): ringback asks for the writer, at last
/// once a second.
const ASKED_WITHIN: Duration = Duration::from_secs(2);
const SMALL: usize = 10;
/// Of this size a filesystem begins to write a truncated file out while it is closed.
const MEDIUM: usize = 4 << 20;
const LARGE: usize = 200 << 20;

/// A way of writing a file, of so many bytes; it returns once the file is closed.
type Way = fn(&Path, usize);

const WAYS: [(&str, Way); 7] = [
    ("overwritten in place", |at, bytes| write(&mut File::create(at).expect("opened"), bytes)),
    ("copied over", |at, bytes| {
        let source = at.with_extension("tmp");
        write(&mut File::create(&source).expect("opened"), bytes);
        run(Command::new("cp").arg(&source).arg(at));
    }),
    ("renamed over", |at, bytes| {
        let source = at.with_extension("tmp");
        write(&mut File::create(&source).expect("opened"), bytes);
        fs::rename(source, at).expect("renamed");
    }),
    ("appended to", |at, bytes| write(&mut OpenOptions::new().append(true).open(at).expect("opened"), bytes)),
    ("written by tee", |at, bytes| {
        let mut tee = Command::new("tee");
        let mut tee = tee.arg(at).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("tee starts");
        write(tee.stdin.as_mut().expect("piped"), bytes);
        drop(tee.stdin.take());
        assert!(tee.wait().expect("a child").success());
    }),
    ("made without a name and linked in when it is whole", |at, bytes| {
        fs::remove_file(at).expect("it was there");
        let mut file = unnamed(at);
        write(&mut file, bytes);
        link(&file, at);
    }),
    ("linked in while it is written", |at, bytes| {
        fs::remove_file(at).expect("it was there");
        let mut file = unnamed(at);
        link(&file, at);
        write(&mut file, bytes);
    }),
];

fn write(to: &mut impl std::io::Write, bytes: usize) {
    let block = vec![b'x'; bytes.clamp(1, 1 << 20)];
    let mut left = bytes;
    while left > 0 {
        let part = left.min(block.len());
        to.write_all(&block[..part]).expect("written");
        left -= part;
    }
}

fn run(command: &mut Command) {
    assert!(command.status().is_ok_and(|status| status.success()), "{command:?}");
}

/// A file without a name, in the directory of `at` (open(2), `O_TMPFILE`).
fn unnamed(at: &Path) -> File {
    let dir = at.parent().expect("a directory");
    OpenOptions::new().write(true).custom_flags(libc::O_TMPFILE).open(dir).expect("the filesystem has O_TMPFILE")
}

fn link(file: &File, at: &Path) {
    let from = CString::new(format!("/proc/self/fd/{}", file.as_raw_fd())).expect("no NUL");
    let to = CString::new(at.as_os_str().as_bytes()).expect("no NUL");
    let here = libc::AT_FDCWD;
    // SAFETY: two C strings that outlive the call.
    let done = unsafe { libc::linkat(here, from.as_ptr(), here, to.as_ptr(), libc::AT_SYMLINK_FOLLOW) };
    assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
}

/// Writes a file in a way and waits for its report; how long that took after the file was closed.
fn report_of(sink: &Sink, place: &Place, way: Way, name: &str, bytes: usize) -> Duration {
    let of_file = |calls: &[crate::sink::Call]| {
        let of_file =
            |call: &&crate::sink::Call| call.entries.iter().any(|one| one.path == name && one.action != "deleted");
        calls.iter().filter(of_file).map(|call| call.received.at).collect::<Vec<_>>()
    };
    let before = of_file(&sink.calls()).len();
    way(&place.at(name), bytes);
    let closed = Instant::now();
    sink.wait_calls(&format!("{name} is reported"), |calls| of_file(calls).len() > before);
    // A file may be reported before this process runs again after its close. The last report counts: an earlier one may
    // be of the file half written.
    of_file(&sink.calls()).last().map_or(Duration::MAX, |at| at.saturating_duration_since(closed))
}

/// Every way, so often with small, medium and large files; once where it is asked for writers.
fn each_way_is_reported_at_once(kind: Kind, source: &str, counts: &[(usize, usize)]) {
    let _alone = turns::heavy();
    let Some(disk) = Mounted::new(kind) else { return };
    let sink = Sink::new();
    let mut place = Place::new(&sink.rule_all());
    place.store = disk.at.join("store");
    fs::create_dir(&place.store).expect("a store");
    place.configure(&format!("[[mount]]\npath = '/'\ndir = '{{store}}'\nwatch = '{source}'\n"));
    let daemon = place.start();
    if is_skipped(&daemon, source) {
        return;
    }
    let mut late = Vec::new();
    for &(bytes, times) in counts {
        for (number, (what, way)) in WAYS.into_iter().enumerate() {
            let is_unnamed = what.contains("linked in");
            let (times, limit) = if is_unnamed { (1, ASKED_WITHIN) } else { (times, REPORTED_WITHIN) };
            let name = format!("/{bytes}-{number}.mov");
            let first = |at: &Path, bytes| write(&mut File::create(at).expect("made"), bytes);
            report_of(&sink, &place, first, &name, SMALL);
            for _ in 0..times {
                let took = report_of(&sink, &place, way, &name, bytes);
                if took > limit {
                    late.push(format!("{bytes} bytes {what}: {took:?}"));
                }
            }
            fs::remove_file(place.at(&name)).expect("it is there");
        }
    }
    assert!(late.is_empty(), "reported too late after the close: {late:#?}");
}

fn is_skipped(daemon: &Daemon, source: &str) -> bool {
    let status = daemon.status_until("its source is known", |status| status["mounts"][0]["source"].is_string());
    let found = &status["mounts"][0];
    found["source"] != source && skipped::<()>(&format!("no {source} here: {}", found["sourceReason"])).is_none()
}

const ALL_SIZES: &[(usize, usize)] = &[(SMALL, 10), (MEDIUM, 10), (LARGE, 1)];
const NOT_LARGE: &[(usize, usize)] = &[(SMALL, 5), (MEDIUM, 5)];

#[test]
fn each_way_of_writing_is_reported_within_a_second_on_ext4() {
    each_way_is_reported_at_once(Kind::Ext4, "fanotify", ALL_SIZES);
}

#[test]
fn each_way_of_writing_is_reported_within_a_second_on_xfs() {
    each_way_is_reported_at_once(Kind::Xfs, "fanotify", ALL_SIZES);
}

#[test]
fn each_way_of_writing_is_reported_within_a_second_on_btrfs() {
    each_way_is_reported_at_once(Kind::Btrfs, "fanotify", NOT_LARGE);
}

#[test]
fn each_way_of_writing_is_reported_within_a_second_by_inotify() {
    each_way_is_reported_at_once(Kind::Ext4, "inotify", NOT_LARGE);
    each_way_is_reported_at_once(Kind::Xfs, "inotify", NOT_LARGE);
}

#[test]
fn each_way_of_writing_is_reported_within_a_second_by_notify() {
    each_way_is_reported_at_once(Kind::Ext4, "notify", NOT_LARGE);
}
