//! Other processes open the ledger, too: a `sqlite3` shell, a backup. What they hold delays nothing for long.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::group;
use crate::diagnostic::SourceFile;
use crate::store::keeper::{RESTART_BYTES, SHORT_MAX, WAIT_BYTES};
use crate::store::turn::KEEPER_MAX;
use crate::store::{Keeper, Kept, Ledger, LogTrouble};

static ROUND: AtomicU64 = AtomicU64::new(0);

fn other(dir: &Path) -> Connection {
    let connection = Connection::open(dir.join("ledger.db")).expect("the file");
    connection.busy_timeout(Duration::from_secs(10)).expect("a timeout");
    connection
}

/// Begins a transaction that reads, as a backup does.
fn read(dir: &Path) -> Connection {
    let reader = other(dir);
    reader.execute_batch("BEGIN").expect("a transaction");
    let rows: i64 = reader.query_row("SELECT count(*) FROM meta", [], |row| row.get(0)).expect("a row");
    assert!(rows > 0);
    reader
}

/// Writes about as many bytes to the log, and returns the longest time that a group took.
fn write(ledger: &Ledger, bytes: u64) -> Duration {
    let mut longest = Duration::ZERO;
    for _ in 0..bytes >> 20 {
        let began = Instant::now();
        // Other bytes each time: SQLite writes no page whose bytes are the same.
        let round = ROUND.fetch_add(1, Ordering::Relaxed);
        let text = vec![u8::try_from(round % 251).expect("a byte"); 1 << 20];
        let file = SourceFile { name: "a.toml".to_owned(), text: text.into() };
        group(ledger, |ledger| ledger.replace_rule_files(&[], &[file]).expect("there is room"));
        longest = longest.max(began.elapsed());
    }
    longest
}

/// How much of the log is in use.
fn log_bytes(ledger: &Ledger) -> u64 {
    ledger.log.bytes.load(Ordering::Acquire)
}

fn file_bytes(dir: &Path) -> u64 {
    fs::metadata(dir.join("ledger.db-wal")).expect("a log").len()
}

/// Calls the keeper as its thread does, without the pauses in between.
fn keep(keeper: &mut Keeper) -> Kept {
    let mut kept = keeper.keep().expect("upkeep");
    for _ in 0..10 {
        if !matches!(kept, Kept::Synced) {
            break;
        }
        kept = keeper.keep().expect("upkeep");
    }
    kept
}

#[test]
fn a_reader_that_stays_makes_the_log_grow_and_holds_up_nothing() {
    let temporary = tempfile::tempdir().expect("a directory");
    let dir = temporary.path();
    let (ledger, mut keeper) = Ledger::open(dir, 1).expect("a ledger");
    // One reader began before the writes, the other one after them: the log cannot be copied back, or not begun anew.
    for late in [false, true] {
        let reader = (!late).then(|| read(dir));
        write(&ledger, RESTART_BYTES + (1 << 20));
        let reader = reader.unwrap_or_else(|| read(dir));
        let mut said = None;
        for _ in 0..20 {
            write(&ledger, 1 << 20);
            let began = Instant::now();
            if let Kept::Trouble(trouble) = keeper.keep().expect("a reader is no error") {
                said = Some(trouble);
            }
            assert!(began.elapsed() < Duration::from_secs(5), "the keeper waited {:?}", began.elapsed());
        }
        let Some(LogTrouble::HeldBack { bytes }) = said else { panic!("not said: {said:?}") };
        assert!(bytes > RESTART_BYTES && ledger.log_trouble().is_some(), "{bytes}");
        drop(reader);
        for _ in 0..10 {
            if keep(&mut keeper) == Kept::CopiedBack {
                break;
            }
        }
        assert_eq!(ledger.log_trouble(), None, "the reader has ended");
        write(&ledger, 1 << 20);
        assert!(log_bytes(&ledger) < RESTART_BYTES, "the log begins anew: {}", log_bytes(&ledger));
        assert!(file_bytes(dir) <= WAIT_BYTES, "its file is cut to the limit: {}", file_bytes(dir));
    }
}

/// A checkpoint that begins the log anew waits for readers, with the lock for writing in its hand: a group that comes
/// then waits no longer than the checkpoint, which is quick to give up.
#[test]
fn a_group_is_not_kept_waiting_by_a_checkpoint_that_waits_for_a_reader() {
    const ROUNDS: usize = 20;

    let temporary = tempfile::tempdir().expect("a directory");
    let (ledger, mut keeper) = Ledger::open(temporary.path(), 1).expect("a ledger");
    let log = Arc::clone(&ledger.log);
    write(&ledger, RESTART_BYTES);
    let (mut met, mut longest) = (0, Duration::ZERO);
    for _ in 0..ROUNDS {
        write(&ledger, 1 << 20);
        // It begins at the end of the log: everything can be copied back, and the log cannot be begun anew.
        let reader = read(temporary.path());
        let upkeep = thread::Builder::new().spawn(move || {
            keeper.keep().expect("a reader is no error");
            keeper
        });
        let upkeep = upkeep.expect("a thread");
        while !upkeep.is_finished() && !log.turn.is_wanted() {
            thread::yield_now();
        }
        if log.turn.is_wanted() {
            met += 1;
            let began = Instant::now();
            group(&ledger, |ledger| ledger.enrol(None, "one").map(drop)).expect("a row");
            longest = longest.max(began.elapsed());
        }
        keeper = upkeep.join().expect("it ends well");
        drop(reader);
    }
    assert!(met > 0, "no group met a checkpoint in {ROUNDS} rounds");
    assert!(longest < KEEPER_MAX, "a group took {longest:?}");
}

/// Groups follow one another without a pause, faster than the log is copied back.
#[test]
fn under_load_without_readers_the_log_stays_short() {
    let temporary = tempfile::tempdir().expect("a directory");
    let dir = temporary.path().to_owned();
    let (ledger, mut keeper) = Ledger::open(&dir, 1).expect("a ledger");
    let (stop, stopped) = mpsc::channel::<()>();
    let upkeep = thread::Builder::new().spawn(move || {
        while stopped.recv_timeout(Duration::from_millis(Keeper::EVERY_MS)) == Err(mpsc::RecvTimeoutError::Timeout) {
            let kept = keeper.keep().expect("upkeep");
            assert!(!matches!(kept, Kept::Trouble(_)), "{kept:?}");
        }
    });
    let (mut longest, mut slowest) = (0, Duration::ZERO);
    for _ in 0..600 {
        slowest = slowest.max(write(&ledger, 1 << 20));
        longest = longest.max(file_bytes(&dir));
    }
    drop(stop);
    upkeep.expect("a thread").join().expect("it ends well");
    // Few groups are opened past the limit, however long the keeper takes.
    let most = WAIT_BYTES + (16 << 20);
    assert!(longest < most, "the log had {longest} bytes, {most} are expected; the slowest group took {slowest:?}");
}

/// Past the limit groups wait for the keeper; not where waiting would not make the log shorter.
#[test]
fn a_log_past_the_limit_is_too_long_unless_a_reader_holds_it_back() {
    let temporary = tempfile::tempdir().expect("a directory");
    let (ledger, mut keeper) = Ledger::open(temporary.path(), 1).expect("a ledger");
    while log_bytes(&ledger) < WAIT_BYTES {
        assert!(!ledger.log_is_too_long(), "{}", log_bytes(&ledger));
        assert!(log_bytes(&ledger) <= file_bytes(temporary.path()));
        write(&ledger, 1 << 20);
    }
    assert!(ledger.log_is_too_long());
    let reader = read(temporary.path());
    for _ in 0..SHORT_MAX {
        write(&ledger, 1 << 20);
        keeper.keep().expect("a reader is no error");
    }
    assert!(ledger.log_trouble().is_some() && !ledger.log_is_too_long());
    drop(reader);
}

#[test]
fn a_lock_of_another_process_is_busy_and_goes_away() {
    let temporary = tempfile::tempdir().expect("a directory");
    let (ledger, _keeper) = Ledger::open(temporary.path(), 1).expect("a ledger");
    let writer = other(temporary.path());
    writer.execute_batch("BEGIN IMMEDIATE").expect("a transaction");
    let error = ledger.begin().expect_err("it is locked");
    assert!(error.is_busy() && error.disk().is_none() && !error.is_of_a_row(), "{error:?}");
    writer.execute_batch("ROLLBACK").expect("an end");
    group(&ledger, |ledger| ledger.enrol(None, "one").map(drop)).expect("a row");
}

#[test]
fn a_ledger_that_is_moved_away_is_said() {
    let temporary = tempfile::tempdir().expect("a directory");
    let dir = temporary.path();
    let (ledger, mut keeper) = Ledger::open(dir, 1).expect("a ledger");
    for (from, to, expect) in [("ledger.db", "away", true), ("away", "ledger.db", false)] {
        fs::rename(dir.join(from), dir.join(to)).expect("a rename");
        group(&ledger, |ledger| ledger.enrol(None, to).map(drop)).expect("a row");
        let is_said = matches!(keep(&mut keeper), Kept::Trouble(LogTrouble::Replaced));
        assert_eq!((is_said, ledger.log_trouble().is_some()), (expect, expect), "{from} to {to}");
    }
}
