//! Another process has the ledger open while ringback runs: a `sqlite3` shell with a transaction, a backup. Work goes
//! on as far as it can, nothing is lost and nothing is scanned again, and the status says what is in the way.

use std::fs;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::daemon::{Daemon, Place, until};
use crate::sink::Sink;

/// The length of the log past which it has to be begun anew, bytes.
const LONG_LOG: u64 = 32 << 20;
/// The file of the log is no longer than this but for a moment, bytes, where nobody holds it back.
const LOG_MAX: u64 = 80 << 20;

fn open_ledger(place: &Place) -> Connection {
    let connection = Connection::open(place.state.join("ledger.db")).expect("the ledger");
    connection.busy_timeout(Duration::from_secs(10)).expect("a timeout");
    connection
}

fn log_bytes(place: &Place) -> u64 {
    fs::metadata(place.state.join("ledger.db-wal")).expect("the log").len()
}

fn disk_troubles(status: &serde_json::Value) -> Vec<String> {
    let troubles = status["troubles"].as_array().expect("a list").iter();
    troubles.filter(|one| one["kind"] == "disk").map(|one| one["text"].as_str().expect("text").to_owned()).collect()
}

/// Has ringback write some 4 MB to its log.
fn write_much(daemon: &Daemon, round: usize) {
    let value = format!("{round}-").repeat(20_000);
    let record =
        |n: usize| format!("{{\"path\": \"/to-come/{n}\", \"set\": {{\"Note\": [\"{}\"]}}}}\n", &value[..40_000]);
    let lines: String = (0..100).map(record).collect();
    let answer = daemon.records(&lines);
    assert_eq!(answer.status, 202, "{}", answer.text());
}

/// Nothing was lost and nothing was scanned since.
#[track_caller]
fn check_undisturbed(daemon: &Daemon, last_scan: &serde_json::Value) {
    let log = daemon.log();
    for sign in ["was not recorded", "looking at everything", "does not take writes"] {
        assert!(!log.contains(sign), "the log says {sign:?}:\n{log}");
    }
    // A mark on the whole filesystem hears what other tests do there, too: on a busy machine its queue overflows.
    if log.contains("queue of events overflowed") {
        eprintln!("SKIPPED: whether nothing was scanned again cannot be told: the kernel's queue overflowed");
        return;
    }
    assert_eq!(daemon.status()["mounts"][0]["lastScan"], *last_scan, "nothing was scanned again");
}

#[test]
fn a_backup_that_reads_for_long_stops_nothing() {
    let sink = Sink::new();
    let place = Place::new(&sink.rule_all());
    let daemon = place.start();
    daemon.ready();
    let scan = daemon.status()["mounts"][0]["lastScan"].clone();
    let reader = open_ledger(&place);
    reader.execute_batch("BEGIN").expect("a transaction");
    let rows: i64 = reader.query_row("SELECT count(*) FROM assets", [], |row| row.get(0)).expect("a row");
    assert_eq!(rows, 0);
    let mut longest = Duration::ZERO;
    for round in 0..30 {
        if log_bytes(&place) > LONG_LOG + (8 << 20) {
            break;
        }
        write_much(&daemon, round);
        let began = Instant::now();
        place.write(&format!("/during/{round}"), "x");
        sink.wait_line(&format!("added /during/{round}"));
        longest = longest.max(began.elapsed());
    }
    assert!(log_bytes(&place) > LONG_LOG, "{}", log_bytes(&place));
    let status = daemon.status_until("the reader is said", |status| !disk_troubles(status).is_empty());
    assert!(disk_troubles(&status)[0].contains("transaction open"), "{status:#}");
    assert_eq!(status["ready"], true, "{status:#}");
    for round in 0..10 {
        let began = Instant::now();
        place.write(&format!("/after/{round}"), "x");
        sink.wait_line(&format!("added /after/{round}"));
        longest = longest.max(began.elapsed());
    }
    assert!(longest < Duration::from_secs(5), "a file was reported after {longest:?}");
    check_undisturbed(&daemon, &scan);
    drop(reader);
    daemon.status_until("nothing is in the way any more", |status| disk_troubles(status).is_empty());
    // The log begins anew: its file is written over, and what is written since does not make it longer.
    for round in 100..125 {
        write_much(&daemon, round);
    }
    assert!(log_bytes(&place) < LOG_MAX, "{}", log_bytes(&place));
    check_undisturbed(&daemon, &scan);
}

#[test]
fn a_shell_that_holds_the_lock_for_writing_delays_and_loses_nothing() {
    let sink = Sink::new();
    let place = Place::new(&sink.rule_all());
    let daemon = place.start();
    daemon.ready();
    place.write("/before", "x");
    sink.wait_line("added /before");
    let scan = daemon.status()["mounts"][0]["lastScan"].clone();
    let shell = open_ledger(&place);
    shell.execute_batch("BEGIN IMMEDIATE").expect("a transaction");
    for n in 0..200 {
        place.write(&format!("/during/{n}"), "x");
    }
    let status = daemon.status_until("the lock is said", |status| !disk_troubles(status).is_empty());
    assert!(disk_troubles(&status)[0].contains("holds the ledger's lock"), "{status:#}");
    assert_eq!((&status["ready"], daemon.is_ready()), (&serde_json::Value::Bool(false), false), "{status:#}");
    // What comes while a group waits is kept, too.
    let held = Instant::now();
    until("the lock is held for some seconds", || (held.elapsed() > Duration::from_secs(3)).then_some(()));
    place.write("/late", "x");
    assert!(sink.told().iter().all(|one| one.path == "/before"), "{:?}", sink.told());
    shell.execute_batch("ROLLBACK").expect("an end");
    let released = Instant::now();
    sink.wait("everything", |told| told.len() >= 202);
    assert!(released.elapsed() < Duration::from_secs(10), "{:?} after the lock was released", released.elapsed());
    let told = daemon.settled(&place, &sink, "/");
    assert_eq!(told.len(), 202, "each once");
    daemon.status_until("nothing is in the way any more", |status| disk_troubles(status).is_empty());
    check_undisturbed(&daemon, &scan);
}

#[test]
fn a_daemon_that_waits_for_a_lock_can_be_stopped() {
    let sink = Sink::new();
    let place = Place::new(&sink.rule_all());
    let daemon = place.start();
    daemon.ready();
    let shell = open_ledger(&place);
    shell.execute_batch("BEGIN IMMEDIATE").expect("a transaction");
    place.write("/during", "x");
    daemon.status_until("the lock is said", |status| !disk_troubles(status).is_empty());
    daemon.stop();
    drop(shell);
    let daemon = place.start();
    sink.wait_line("added /during");
    drop(daemon);
}

#[test]
fn after_a_sync_the_status_says_what_the_sync_promised() {
    let sink = Sink::new();
    let place = Place::new(&format!("{}paused = true\n", sink.rule_all()));
    let daemon = place.start();
    daemon.ready();
    for n in 1..=30 {
        place.write(&format!("/{n}"), "x");
        daemon.sync();
        let status = daemon.status();
        assert_eq!(status["outbox"]["entries"], n, "{status:#}");
        assert_eq!(status["mounts"][0]["assets"], n, "{status:#}");
    }
}
