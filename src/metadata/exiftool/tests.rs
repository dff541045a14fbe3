//! What becomes of files and processes, with a program that does what the files say.

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::pool::{ANSWERS_MAX, Answer, Exiftool, OPEN_MAX, OpenFile, PATHS_MAX, PoolLimits, RETRY_MAX};
use super::process::Limits;
use super::session::Session;
use crate::metadata::found::Portion;
use crate::model::asset::{Identity, Stat};
use crate::model::look::Unread;
use crate::model::metadata::{Metadata, Said};
use crate::model::path::LogicalPath;
use crate::model::time::Wall;

/// Longer than anything takes that does not hang.
const LONG: Duration = Duration::from_secs(60);
/// Shorter than what hangs.
const SHORT: Duration = Duration::from_millis(50);

/// The program. It is not written by the tests: a file that is open for writing in some process cannot be run.
pub(super) fn fake() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/metadata/exiftool/testdata/fake.sh"))
}

/// Files that say what the program does.
pub(super) struct Fake(TempDir);

impl Fake {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    pub(super) fn file(&self, says: &str) -> File {
        self.named("file", says)
    }

    fn named(&self, name: &str, says: &str) -> File {
        let path = self.0.path().join(name);
        fs::write(&path, says).expect("written");
        File::open(path).expect("opened")
    }
}

fn limits() -> Limits {
    Limits { start: LONG, file: LONG, ..Limits::default() }
}

/// What a session says of a file: its keys, or why it is not read.
fn read(session: &mut Session, file: &File) -> Result<Metadata, Unread> {
    session.read(Portion::Whole, file).expect("it can be used").map(|said| said.values)
}

#[track_caller]
fn pid(said: &Metadata) -> u32 {
    said["Fake_Pid"][0].parse().expect("a number")
}

fn is_running(pid: u32) -> bool {
    // A zombie has ended.
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[track_caller]
fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_file_that_takes_too_long_costs_its_process_and_the_next_is_read() {
    let files = Fake::new();
    let mut session = Session::new(&fake(), limits());
    let first = pid(&read(&mut session, &files.file("fine")).expect("an answer"));
    assert_eq!(pid(&read(&mut session, &files.file("fine")).expect("an answer")), first, "it stays");
    assert!(session.end());
    session.limits.file = SHORT;
    let hanging = files.file("hang");
    let slow = read(&mut session, &hanging).expect_err("it hangs");
    assert_eq!(slow, Unread::Damaged("exiftool takes longer than allowed (limit: 50ms)".to_owned()));
    assert_eq!(session.id(), None);
    session.limits.file = LONG;
    let next = pid(&read(&mut session, &files.file("fine")).expect("an answer"));
    assert!(next != first && is_running(next));
    drop(session);
    assert!(!is_running(next), "it ends with its session");
}

#[test]
fn a_process_that_does_not_end_is_the_disk_s_fault() {
    let files = Fake::new();
    // What it has started holds its output: as far as anybody can see it does not end.
    let mut session = Session::new(&fake(), Limits { file: SHORT, end: SHORT, ..limits() });
    let refused = read(&mut session, &files.file("hold")).expect_err("it hangs");
    assert!(matches!(&refused, Unread::Refused(why) if why.contains("check the disk")), "{refused:?}");
}

#[test]
fn a_file_at_which_processes_end_is_asked_about_twice() {
    let files = Fake::new();
    let mut session = Session::new(&fake(), limits());
    let damaged = read(&mut session, &files.file("die")).expect_err("it ends");
    assert_eq!(damaged, Unread::Damaged("exiftool ended before it answered".to_owned()));
    let mark = files.0.path().join("mark");
    let once = read(&mut session, &files.file(&format!("die-once {}", mark.display()))).expect("the second answers");
    assert!(mark.exists() && is_running(pid(&once)));
    // It is killed while it waits for a request.
    let first = pid(&once);
    // SAFETY: it is a process of this test.
    assert_eq!(unsafe { libc::kill(first as libc::pid_t, libc::SIGKILL) }, 0);
    until("it ends", || !is_running(first));
    assert_ne!(pid(&read(&mut session, &files.file("fine")).expect("another one answers")), first);
}

#[test]
fn an_answer_has_so_many_bytes() {
    let files = Fake::new();
    let mut session = Session::new(&fake(), Limits { output_bytes: 4096, ..limits() });
    assert!(read(&mut session, &files.file("flood 3500")).is_ok());
    let too_much = read(&mut session, &files.file("flood 4097")).expect_err("it is larger");
    assert_eq!(too_much, Unread::Damaged("exiftool's answer is larger than allowed (limit: 4096 bytes)".to_owned()));
    let endless = read(&mut session, &files.file("flood 1000000000")).expect_err("it is larger");
    assert_eq!(endless, too_much);
    assert!(read(&mut session, &files.file("fine")).is_ok());
}

#[test]
fn a_file_that_it_does_not_know_says_nothing() {
    let said = read(&mut Session::new(&fake(), limits()), &Fake::new().file("unknown"));
    assert_eq!(said, Ok(Metadata::new()));
}

#[test]
fn no_name_of_a_file_reaches_it_and_every_request_has_all_options() {
    let files = Fake::new();
    let mut session = Session::new(&fake(), limits());
    let options = "-j -G0:1 -a -struct -n -e --b";
    for name in ["-if", "a\n-execute7\nb", "#comment", "  spaces ", "-@", "name|", "$(id)", "%d"] {
        let said = read(&mut session, &files.named(name, "fine")).expect("an answer");
        assert_eq!(said["Fake_Arguments"], [options], "{name:?}");
        let (file, own) = (&said["Fake_File"][0], format!("/proc/{}/fd/", std::process::id()));
        assert!(file.strip_prefix(&own).is_some_and(|fd| fd.parse::<u32>().is_ok()), "{name:?}: {file}");
    }
    let note = session.read(Portion::MakerNote, &files.file("fine")).expect("it can be used").expect("an answer");
    let expect = format!("{options} -MakerNotes:all -ExifTool:Error -ExifTool:Warning");
    assert_eq!(note.values["Fake_Arguments"], [expect]);
}

#[test]
fn a_process_is_replaced_after_so_many_files_and_takes_so_much_memory() {
    let files = Fake::new();
    let mut session = Session::new(&fake(), Limits { files: 3, memory_bytes: 256 << 20, ..limits() });
    let mut pids = Vec::new();
    for _ in 0..7 {
        let said = read(&mut session, &files.file("fine")).expect("an answer");
        assert_eq!(said["Fake_Memory"], ["262144"], "kilobytes");
        pids.push(pid(&said));
    }
    assert!(pids[..3].iter().all(|pid| *pid == pids[0]) && pids[3..6].iter().all(|pid| *pid == pids[3]), "{pids:?}");
    assert_eq!(pids.iter().collect::<HashSet<_>>().len(), 3);
    assert!(!is_running(pids[0]) && is_running(pids[6]));
}

#[test]
fn a_process_ends_with_the_thread_that_started_it() {
    let left = std::thread::spawn(|| {
        let mut session = Session::new(&fake(), limits());
        let pid = pid(&read(&mut session, &Fake::new().file("fine")).expect("an answer"));
        // As if ringback were killed: no code ends it.
        std::mem::forget(session);
        pid
    });
    let pid = left.join().expect("a thread");
    until("it ends by itself", || !is_running(pid));
}

#[test]
fn what_is_not_exiftool_is_found_out() {
    let file = Fake::new().file("fine");
    for (program, why) in [
        ("/none/exiftool", "No such file"),
        ("/bin/true", "exiftool ended before it answered"),
        ("/bin/cat", "exiftool ended before it answered"),
    ] {
        let text = Session::new(program.as_ref(), limits()).check(&file).expect_err(program).to_string();
        assert!(text.contains(why) && text.contains(program) && text.contains("libimage-exiftool-perl"), "{text}");
    }
    assert_eq!(Session::new(&fake(), limits()).check(&file), Ok("12.57".to_owned()));
}

/// A pool, and what it wakes.
struct Pool {
    pool: Exiftool,
    woken: Receiver<LogicalPath>,
    files: Fake,
}

fn path(name: &str) -> LogicalPath {
    LogicalPath::parse(format!("/{name}").as_bytes()).expect("a path")
}

fn stat(size: u64) -> Stat {
    let identity = Identity { volume: 1, inode: 1, birth_ns: 1 };
    Stat { identity, size, mtime_ns: 1, ctime_ns: 1, links: 1 }
}

impl Pool {
    fn new(limits: PoolLimits) -> Self {
        Self::of(fake(), limits)
    }

    fn of(program: PathBuf, limits: PoolLimits) -> Self {
        let (wake, woken) = channel();
        let wake = move |path: &LogicalPath| drop(wake.send(path.clone()));
        Self { pool: Exiftool::new(program, limits, Box::new(wake)), woken, files: Fake::new() }
    }

    /// A look at a file of this size that says this.
    fn look(&self, name: &str, size: u64, says: &str) -> Option<Answer> {
        let stat = stat(size);
        let open = || Ok(OpenFile { file: self.files.named(name, says), stat, settled_ns: 0 });
        self.pool.read(&path(name), Portion::Whole, &stat, open).expect("the file is there")
    }

    fn woken(&self) -> String {
        self.woken.recv_timeout(LONG).expect("something is woken").to_string()
    }

    /// Looks until there is an answer.
    fn answer(&self, name: &str, size: u64, says: &str) -> Answer {
        loop {
            if let Some(answer) = self.look(name, size, says) {
                return answer;
            }
            while self.woken() != format!("/{name}") {}
        }
    }
}

fn pool_limits(processes: usize) -> PoolLimits {
    PoolLimits { process: limits(), processes, idle: LONG, retry: LONG }
}

fn says(answer: &Answer) -> &str {
    &answer.content.as_ref().expect("an answer").values["Fake_Says"][0]
}

#[test]
fn a_look_never_waits_and_is_woken_by_the_answer() {
    let pool = Pool::new(pool_limits(1));
    assert_eq!(pool.look("a", 1, "one"), None);
    assert_eq!(pool.woken(), "/a");
    let answer = pool.look("a", 1, "it is not read again").expect("an answer");
    assert_eq!((says(&answer), answer.racy), ("one", false));
    assert!(pool.look("a", 1, "nor now").is_some(), "a look may be repeated");
    assert_eq!(says(&pool.answer("a", 2, "two")), "two", "it is another file now");
    // It changes while it waits, and while it is read.
    assert_eq!((pool.look("a", 3, "three"), pool.look("a", 4, "four")), (None, None));
    assert_eq!(says(&pool.answer("a", 4, "four")), "four");
    let now = Stat { size: 9, ..stat(0) };
    let open = || Ok(OpenFile { file: pool.files.file("fresh"), stat: now, settled_ns: i64::MAX });
    assert_eq!(pool.pool.read(&path("b"), Portion::Whole, &now, open).expect("a file"), None);
    while pool.woken() != "/b" {}
    assert!(pool.look("b", 9, "").expect("an answer").racy, "another write may leave the same times");
}

#[test]
fn a_slow_file_holds_up_no_other_where_there_are_two_processes() {
    let pool = Pool::new(pool_limits(2));
    assert_eq!(pool.look("slow", 1, "hang"), None);
    for n in 0..10 {
        assert_eq!(says(&pool.answer(&format!("fast-{n}"), 1, "fine")), "fine");
    }
    assert_eq!(pool.look("slow", 1, "hang"), None);
    assert_eq!(pool.pool.threads(), 2);
}

#[test]
fn what_finds_no_room_is_woken_when_there_is_some() {
    let pool = Pool::new(pool_limits(1));
    let count = 5 * OPEN_MAX;
    let mut left: HashSet<String> = (0..count).map(|n| format!("/{n}")).collect();
    for n in 0..count {
        assert_eq!(pool.look(&n.to_string(), 1, "fine"), None);
    }
    while !left.is_empty() {
        let woken = pool.woken();
        if pool.look(&woken[1..], 1, "fine").is_some() {
            left.remove(&woken);
        }
    }
    // Paths that are woken and not looked at hold up no others.
    assert_eq!(pool.look("hanging", 1, "hang"), None);
    until("it is being read", || pool.pool.waiting() == (0, 0));
    for n in 0..OPEN_MAX + PATHS_MAX + 1 {
        assert_eq!(pool.look(&format!("more-{n}"), 1, "fine"), None);
    }
    assert_eq!(pool.pool.waiting(), (OPEN_MAX, PATHS_MAX), "of the last nothing is kept");
}

#[test]
fn so_many_answers_are_kept() {
    let pool = Pool::new(pool_limits(1));
    for n in 0..=ANSWERS_MAX {
        assert!(pool.answer(&n.to_string(), 1, "fine").content.is_ok());
    }
    assert!(pool.look("1", 1, "fine").is_some());
    assert_eq!(pool.look("0", 1, "fine"), None, "the oldest is asked for again");
}

#[test]
fn a_program_that_cannot_be_started_is_tried_again_later_and_less_often() {
    let pool = Pool::of("/none/exiftool".into(), PoolLimits { retry: LONG, ..pool_limits(1) });
    assert_eq!(pool.pool.refusal(), None);
    let refused = pool.answer("a", 1, "fine");
    let Err(Unread::Refused(why)) = &refused.content else { panic!("{refused:?}") };
    assert!(why.contains("/none/exiftool") && why.contains("libimage-exiftool-perl"), "{why}");
    assert_eq!(pool.pool.refusal().map(|(why, _)| why).as_ref(), Some(why));
    assert_eq!(pool.look("a", 1, "fine"), Some(refused), "it is not tried again so soon");
    assert!(pool.pool.retry_in().is_some_and(|wait| wait <= RETRY_MAX));

    let pool = Pool::of("/none/exiftool".into(), PoolLimits { retry: Duration::ZERO, ..pool_limits(1) });
    assert!(pool.answer("a", 1, "fine").content.is_err());
    assert_eq!(pool.look("a", 1, "fine"), None, "it is tried again");

    let unusable = Exiftool::unusable("it is not there".to_owned(), Wall(7));
    assert_eq!(unusable.refusal(), Some(("it is not there".to_owned(), Wall(7))));
    let open = || panic!("it is not opened");
    let answer = unusable.read(&path("a"), Portion::Whole, &stat(1), open).expect("an answer");
    assert_eq!(answer.map(|answer| answer.content), Some(Err(Unread::Refused("it is not there".to_owned()))));
}

#[test]
fn a_process_without_a_file_ends_after_a_while_and_all_of_them_with_the_pool() {
    let pool = Pool::new(PoolLimits { idle: SHORT, ..pool_limits(1) });
    let pid_of = |answer: Answer| pid(&answer.content.map(|Said { values, .. }| values).expect("an answer"));
    let first = pid_of(pool.answer("a", 1, "fine"));
    until("it ends", || pool.pool.threads() == 0 && !is_running(first));
    assert_ne!(pid_of(pool.answer("b", 1, "fine")), first);

    let pool = Pool::new(pool_limits(1));
    let last = pid_of(pool.answer("a", 1, "fine"));
    drop(pool);
    until("it ends with the pool", || !is_running(last));
}
