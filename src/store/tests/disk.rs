//! A disk that is full, fails, or does not confirm: told apart by type, and what follows from each.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;

use rusqlite::ffi;

use super::super::ballast::Ballast;
use super::super::error::Cause;
use super::super::log::{WalFile, write_anew};
use super::super::transaction::Durability;
use super::super::{DiskFault, Ledger, Result, StoreError};
use super::{group, in_memory, numbers};
use crate::diagnostic::SourceFile;

fn fault(source: impl Into<Cause>) -> Option<DiskFault> {
    StoreError { operation: "go on", source: source.into() }.disk()
}

#[test]
fn errors_of_the_disk_are_told_apart_from_all_others() {
    let sqlite = |code| fault(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
    for (code, expect) in [
        (ffi::SQLITE_FULL, Some(DiskFault::Full)),
        (ffi::SQLITE_IOERR_SHMSIZE, Some(DiskFault::Full)),
        (ffi::SQLITE_IOERR, Some(DiskFault::Failing)),
        (ffi::SQLITE_IOERR_READ, Some(DiskFault::Failing)),
        (ffi::SQLITE_IOERR_WRITE, Some(DiskFault::Failing)),
        (ffi::SQLITE_IOERR_FSYNC, Some(DiskFault::Unsynced)),
        (ffi::SQLITE_IOERR_DIR_FSYNC, Some(DiskFault::Unsynced)),
        (ffi::SQLITE_IOERR_NOMEM, None),
        (ffi::SQLITE_NOMEM, None),
        (ffi::SQLITE_BUSY, None),
        (ffi::SQLITE_CORRUPT, Some(DiskFault::Damaged)),
        (ffi::SQLITE_NOTADB, Some(DiskFault::Damaged)),
        (ffi::SQLITE_CONSTRAINT_UNIQUE, None),
    ] {
        assert_eq!(sqlite(code), expect, "{code}");
    }
    for (code, expect) in [
        (libc::ENOSPC, Some(DiskFault::Full)),
        (libc::EDQUOT, Some(DiskFault::Full)),
        (libc::EIO, Some(DiskFault::Failing)),
        (libc::EACCES, None),
    ] {
        assert_eq!(fault(io::Error::from_raw_os_error(code)), expect, "{code}");
    }
    assert_eq!(fault(Cause::Damaged("on purpose".into())), None);
}

fn fill(ledger: &Ledger, pages: u32) {
    ledger.connection.pragma_update(None, "max_page_count", pages).expect("a pragma");
}

/// A change that needs new pages.
fn write_much(ledger: &Ledger) -> Result<()> {
    let file = SourceFile { name: "a.toml".to_owned(), text: vec![7; 1 << 20].into() };
    ledger.replace_rule_files(&[], &[file])
}

#[test]
fn a_group_that_does_not_fit_leaves_nothing_and_the_same_ledger_goes_on_once_there_is_room() {
    let temporary = tempfile::tempdir().expect("a directory");
    let (ledger, _keeper) = Ledger::open(temporary.path(), 1).expect("a ledger");
    let before = group(&ledger, numbers);
    fill(&ledger, 1);
    ledger.begin().expect("a group");
    let refused = write_much(&ledger).and_then(|()| ledger.commit()).expect_err("it is full");
    assert_eq!(refused.disk(), Some(DiskFault::Full), "{refused:?}");
    ledger.rollback().expect("nothing stands in the way");
    assert!(files(&ledger).is_empty());

    fill(&ledger, 1 << 20);
    let after = group(&ledger, |ledger| {
        write_much(ledger).expect("there is room");
        numbers(ledger)
    });
    assert!(after.iter().zip(before).all(|(after, before)| *after > before), "{before:?} {after:?}");
    assert_eq!(files(&ledger).len(), 1);
}

fn files(ledger: &Ledger) -> Vec<SourceFile> {
    ledger.rule_files().expect("it can be read")
}

#[test]
fn rule_files_are_replaced_by_what_differs_and_come_in_path_order() {
    let temporary = tempfile::tempdir().expect("a directory");
    let (ledger, _keeper) = Ledger::open(temporary.path(), 1).expect("a ledger");
    let set = |named: &[(&str, &str)]| -> Vec<SourceFile> {
        named.iter().map(|(name, text)| SourceFile { name: (*name).to_owned(), text: text.as_bytes().into() }).collect()
    };
    let mut before = Vec::new();
    for after in [
        set(&[("b/c.toml", "1"), ("b-x.toml", "2")]),
        set(&[("a.toml", "1"), ("b/c.toml", "3"), ("b-x.toml", "2")]),
        set(&[("b-x.toml", "4")]),
        set(&[]),
    ] {
        group(&ledger, |ledger| ledger.replace_rule_files(&before, &after).expect("there is room"));
        assert_eq!(files(&ledger), after);
        before = after;
    }
}

#[test]
fn without_its_ballast_a_ledger_looks_for_room_and_takes_it() {
    let temporary = tempfile::tempdir().expect("a directory");
    let (ledger, _keeper) = Ledger::open(temporary.path(), 1).expect("a ledger");
    assert!(!ledger.has_ballast(), "opening takes none");
    ledger.find_room().expect("the disk that this test runs on has room");
    assert!(ledger.has_ballast());
    let held = fs::metadata(temporary.path().join("ballast")).expect("a file");
    assert_eq!(held.len(), 16 << 20);
    ledger.drop_ballast().expect("a file that is ours");
    ledger.drop_ballast().expect("once more is the same");
    assert!(!ledger.has_ballast());
    assert!(in_memory().has_ballast(), "in memory there is always room");
}

#[test]
fn a_ballast_cut_short_does_not_stand() {
    let temporary = tempfile::tempdir().expect("a directory");
    let ballast = Ballast::of(temporary.path());
    ballast.take().expect("room");
    File::options().write(true).open(temporary.path().join("ballast")).and_then(|file| file.set_len(1)).expect("cut");
    assert!(!ballast.stands());
    ballast.take().expect("room");
    assert!(ballast.stands());
}

#[test]
fn a_sync_that_failed_is_never_believed_again() {
    let temporary = tempfile::tempdir().expect("a directory");
    let (mut ledger, mut keeper) = Ledger::open(temporary.path(), 1).expect("a ledger");
    let state = Arc::clone(&ledger.log);
    // A device cannot be synced.
    let device = File::open("/dev/null").expect("a device");
    let log = std::mem::replace(&mut ledger.0.durability, Durability::Wal(WalFile { file: device, state }));
    ledger.begin().expect("a group");
    write_much(&ledger).expect("a change");
    ledger.promise();
    let refused = ledger.commit().expect_err("the device cannot be synced");
    assert_eq!(refused.disk(), Some(DiskFault::Unsynced), "{refused:?}");

    // From here on the disk would say that all is well.
    ledger.0.durability = log;
    for refused in [ledger.sync(), ledger.begin(), ledger.find_room(), keeper.keep().map(drop)] {
        assert_eq!(refused.map_err(|error| error.disk()), Err(Some(DiskFault::Unsynced)));
    }
}

/// What a process that was killed leaves of its files.
fn copy_state(from: &Path, to: &Path) {
    for name in ["ledger.db", "ledger.db-wal"] {
        fs::copy(from.join(name), to.join(name)).expect("a file");
    }
}

#[test]
fn writing_the_log_anew_changes_nothing_in_it() {
    let (from, to) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    let (ledger, _keeper) = Ledger::open(from.path(), 1).expect("a ledger");
    group(&ledger, |ledger| write_much(ledger).expect("a change"));
    copy_state(from.path(), to.path());
    let log = to.path().join("ledger.db-wal");
    let before = fs::read(&log).expect("a log");
    assert!(before.len() > 1 << 20, "more than one piece: {}", before.len());
    write_anew(&log).expect("a log");
    assert!(before == fs::read(&log).expect("a log"));
    let (killed, _keeper) = Ledger::open(to.path(), 2).expect("a ledger");
    assert_eq!(files(&killed), files(&ledger));
    write_anew(&to.path().join("none")).expect("there need not be one");
}
