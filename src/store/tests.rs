//! The ledger as others rely on it: numbers, durability, rollback, old files, and who may open it. What its rows mean
//! is tested where they are used.
#![allow(clippy::disallowed_methods, reason = "a ledger is a file, and so is its source")]

mod disk;
mod forgetting;
mod gone;
mod others;
mod owed;
mod readings;
mod registrations;
mod released;
mod subscriptions;

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use super::error::Cause;
use super::{Ledger, OpenError, StateDirError, StoreError};
use crate::model::asset::{Asset, ContentRead, Identity, Stat};
use crate::model::event::{EventFields, Occurrence, Origin};
use crate::model::ids::{AssetId, Rrn, Seq};
use crate::model::measures::Journaled;
use crate::model::path::LogicalPath;
use crate::model::time::Wall;

fn in_memory() -> Ledger {
    Ledger::in_memory(Connection::open_in_memory().expect("SQLite"), 1).expect("a ledger")
}

/// What a killed process leaves.
fn killed(ledger: Ledger) -> Ledger {
    Ledger::in_memory(ledger.into_connection(), 2).expect("a ledger")
}

/// What a power cut leaves.
fn power_cut(ledger: Ledger) -> Ledger {
    let connection = ledger.into_connection();
    connection.execute_batch("ROLLBACK TO power").expect("the power savepoint");
    Ledger::in_memory(connection, 3).expect("a ledger")
}

fn event(seq: i64) -> Occurrence {
    let (seq, rrn, name) = (Seq(seq), Rrn(1), "scanned".to_owned());
    let (tenant, change, display_name) = (None, None, None);
    let (origin, fields) = (Origin::Ringback, EventFields::default());
    Occurrence { seq, rrn, time: Wall(0), name, tenant, change, origin, display_name, fields }
}

/// One number of each kind: a change, a transaction, an asset, a delivery.
fn numbers(ledger: &Ledger) -> [i64; 4] {
    [
        ledger.next_seq().expect("a number").0,
        ledger.rrn().expect("a number").0,
        ledger.intake().next_asset().expect("a number").0,
        ledger.dispatch().next_delivery().expect("a number").0,
    ]
}

fn group<T>(ledger: &Ledger, work: impl FnOnce(&Ledger) -> T) -> T {
    ledger.begin().expect("a group");
    let done = work(ledger);
    ledger.commit().expect("a commit");
    done
}

/// While the rows are trusted a part that fails takes its group along; then each part fails alone.
#[test]
fn the_first_guarded_part_that_fails_loses_its_group_and_the_next_one_itself_alone() {
    let ledger = in_memory();
    ledger.trust_rows();
    let part = |number: i64, fails: bool| {
        ledger.guarded(|| {
            ledger.append_event(&event(number))?;
            if fails { Err(refused()) } else { Ok(()) }
        })
    };
    let kept = || -> Vec<i64> {
        let mut sql = ledger.connection.prepare("SELECT seq FROM events ORDER BY seq").expect("SQL");
        let rows = sql.query_map([], |row| row.get(0)).expect("rows");
        rows.map(|row| row.expect("a number")).collect()
    };
    ledger.begin().expect("a group");
    part(1, false).expect("it stands");
    part(2, true).expect_err("it fails");
    part(3, false).expect_err("the group does not stand any more");
    ledger.commit().expect_err("nor is it committed");
    ledger.rollback().expect("it is undone");
    assert_eq!(kept(), [0; 0]);
    ledger.begin().expect("a group");
    part(4, false).expect("it stands");
    part(5, true).expect_err("it fails");
    part(6, false).expect("the others go on");
    ledger.commit().expect("a commit");
    assert_eq!(kept(), [4, 6]);
}

#[test]
fn numbers_begin_with_one_and_rise() {
    let ledger = in_memory();
    assert_eq!(ledger.newest().0.0, 0);
    assert_eq!(group(&ledger, numbers), [1; 4]);
    assert_eq!(group(&ledger, numbers), [2; 4]);
    assert_eq!((ledger.newest().0.0, ledger.newest().1.0), (2, 2));
}

#[test]
fn a_group_has_one_transaction_number() {
    let ledger = in_memory();
    group(&ledger, |ledger| {
        let first = ledger.rrn().expect("a number");
        assert_eq!(ledger.rrn().expect("a number"), first);
        let failed: Result<(), StoreError> = ledger.savepoint(|| Err(refused()));
        failed.expect_err("the work failed");
        assert_eq!(ledger.rrn().expect("a number"), first);
    });
}

#[test]
fn a_rolled_back_number_is_not_used_again() {
    let mut ledger = in_memory();
    group(&ledger, numbers);
    ledger.begin().expect("a group");
    assert_eq!(numbers(&ledger), [2; 4]);
    ledger.rollback().expect("a rollback");
    assert_eq!(group(&ledger, numbers), [3; 4]);
    ledger = killed(ledger);
    assert!(group(&ledger, numbers).into_iter().all(|number| number > 3));
}

#[test]
fn numbers_go_on_above_all_that_a_crash_or_a_power_cut_took() {
    for crash in [killed, power_cut] {
        let mut ledger = in_memory();
        let mut highest = [0; 4];
        for _ in 0..3 {
            for _ in 0..3 {
                let next = group(&ledger, numbers);
                assert!(next.iter().zip(highest).all(|(next, highest)| *next > highest), "{next:?} {highest:?}");
                highest = next;
            }
            ledger = crash(ledger);
        }
    }
}

#[test]
fn numbers_past_a_block_are_durable_before_they_are_out() {
    // As many groups as a block has numbers, so that the last one needs the next block.
    let mut ledger = in_memory();
    let mut last = 0;
    let refuse = |ledger: &Ledger| -> i64 {
        let number = std::cell::Cell::new(0);
        let failed: Result<(), StoreError> = ledger.savepoint(|| {
            number.set(ledger.rrn()?.0);
            Err(refused())
        });
        failed.expect_err("the work failed");
        number.get()
    };
    while last < 65_536 {
        last = group(&ledger, |ledger| ledger.rrn().expect("a number").0);
    }
    // The input that reserved the block is undone, the next one of its group has a number all the same.
    let (undone, used) = group(&ledger, |ledger| (refuse(ledger), ledger.rrn().expect("a number").0));
    assert!(undone > last && used > undone, "{last} {undone} {used}");
    ledger = power_cut(ledger);
    let next = group(&ledger, |ledger| ledger.rrn().expect("a number").0);
    assert!(next > used, "{next} after {used}");
}

#[test]
fn after_a_clean_end_numbers_go_on_exactly() {
    for reopen in [killed, power_cut] {
        let ledger = in_memory();
        assert_eq!(group(&ledger, numbers), [1; 4]);
        group(&ledger, |ledger| ledger.close_ids().expect("a clean end"));
        assert_eq!(group(&reopen(ledger), numbers), [2; 4]);
    }
}

#[test]
fn the_node_is_drawn_once() {
    let ledger = in_memory();
    assert_eq!(ledger.node().to_string(), "0000000000000001");
    assert_eq!(power_cut(killed(ledger)).node().to_string(), "0000000000000001");
}

#[test]
fn a_power_cut_takes_what_was_not_synced_and_nothing_that_was_promised() {
    let names = |ledger: &Ledger| -> Vec<String> {
        ledger.subscriptions().expect("subscriptions").into_iter().map(|row| row.name).collect()
    };
    let mut ledger = in_memory();
    group(&ledger, |ledger| ledger.enrol(None, "synced").map(drop)).expect("a row");
    ledger.sync().expect("a sync");
    group(&ledger, |ledger| ledger.enrol(None, "lost").map(drop)).expect("a row");
    assert_eq!(names(&ledger), ["synced", "lost"]);
    ledger = power_cut(ledger);
    assert_eq!(names(&ledger), ["synced"]);
    group(&ledger, |ledger| {
        ledger.promise();
        ledger.enrol(None, "promised").map(drop)
    })
    .expect("a row");
    ledger = power_cut(ledger);
    assert_eq!(names(&ledger), ["synced", "promised"]);
    ledger.begin().expect("a group");
    ledger.promise();
    ledger.enrol(None, "rolled-back").expect("a row");
    ledger.rollback().expect("a rollback");
    group(&ledger, |ledger| ledger.enrol(None, "not-promised").map(drop)).expect("a row");
    assert_eq!(names(&power_cut(ledger)), ["synced", "promised"], "a promise ends with its group");
}

#[test]
fn a_rolled_back_input_leaves_nothing_remembered() {
    let ledger = in_memory();
    let (mount, lost, kept) = (path("/m"), path("/m/lost/a"), path("/m/kept/b"));
    group(&ledger, |ledger| {
        let failed: Result<(), StoreError> = ledger.savepoint(|| {
            put(ledger, &mount, &asset(1, &lost, 0xbad))?;
            Err(refused())
        });
        failed.expect_err("the work failed");
        assert_eq!(ledger.intake().dir_balance(), 0);
        // The same row numbers come to stand for other directories and filesystems.
        let work: Result<(), StoreError> = ledger.savepoint(|| put(ledger, &mount, &asset(2, &kept, 0x600d)));
        work.expect("rows");
        assert_eq!(ledger.intake().dir_balance(), 2);
    });
    group(&ledger, |ledger| put(ledger, &mount, &asset(3, &lost, 0xbad))).expect("rows");
    assert_eq!(ledger.intake().asset(AssetId(1)).expect("a row"), None);
    assert_eq!(ledger.intake().asset_at(&mount, &kept).expect("a row"), Some(asset(2, &kept, 0x600d)));
    assert_eq!(ledger.intake().asset_at(&mount, &lost).expect("a row"), Some(asset(3, &lost, 0xbad)));
    assert_eq!(killed(ledger).intake().asset(AssetId(3)).expect("a row"), Some(asset(3, &lost, 0xbad)));
}

#[test]
fn a_rolled_back_group_leaves_nothing_remembered() {
    let ledger = in_memory();
    let (mount, lost, kept) = (path("/m"), path("/m/lost/a"), path("/m/kept/b"));
    ledger.begin().expect("a group");
    put(&ledger, &mount, &asset(1, &lost, 0xbad)).expect("rows");
    ledger.rollback().expect("a rollback");
    assert_eq!(ledger.intake().asset_at(&mount, &lost).expect("a row"), None);
    group(&ledger, |ledger| put(ledger, &mount, &asset(2, &kept, 0x600d))).expect("rows");
    group(&ledger, |ledger| put(ledger, &mount, &asset(3, &lost, 0xbad))).expect("rows");
    assert_eq!(ledger.intake().asset(AssetId(2)).expect("a row"), Some(asset(2, &kept, 0x600d)));
    assert_eq!(ledger.intake().asset(AssetId(3)).expect("a row"), Some(asset(3, &lost, 0xbad)));
    assert_eq!(ledger.intake().count(&mount).expect("counts"), (3, 2));
}

/// Counted is what was committed: neither an input that was undone, nor a group.
#[test]
fn rows_of_the_journal_are_counted_once_they_are_committed() {
    let ledger = in_memory();
    let tell = |ledger: &Ledger| ledger.tell(Wall(0), "mount.offline", None, EventFields::default());
    ledger.begin().expect("a group");
    tell(&ledger).expect("a row");
    let undone: Result<(), StoreError> = ledger.savepoint(|| tell(&ledger).and(Err(refused())));
    undone.expect_err("the work failed");
    assert_eq!(ledger.dispatch().take_told().len(), 1, "what is undone was not told");
    assert_eq!(ledger.journaled(), Journaled::default(), "the group is open");
    ledger.commit().expect("a commit");
    assert_eq!(ledger.journaled(), Journaled { changes: [0; 4], events: 1 });
    ledger.begin().expect("a group");
    tell(&ledger).expect("a row");
    ledger.rollback().expect("a rollback");
    group(&ledger, |ledger| assert!(!ledger.dispatch().was_told(), "it was undone with its group"));
    assert_eq!(ledger.journaled(), Journaled { changes: [0; 4], events: 1 });
}

#[test]
fn a_state_directory_has_one_ringback() {
    let temporary = tempfile::tempdir().expect("a directory");
    let dir = temporary.path().join("deep/state");
    let first = Ledger::open(&dir, 1).expect("a ledger");
    match Ledger::open(&dir, 1) {
        Err(error @ OpenError::InUse { .. }) => assert!(error.to_string().contains(&dir.display().to_string())),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("two of them"),
    }
    let (ledger, keeper) = first;
    drop(ledger);
    assert!(matches!(Ledger::open(&dir, 1), Err(OpenError::InUse { .. })), "the keeper may still copy the log");
    drop(keeper);
    Ledger::open(&dir, 1).expect("it is free again");
}

#[test]
fn what_a_file_was_told_is_there_when_it_is_opened_again() {
    let temporary = tempfile::tempdir().expect("a directory");
    let (ledger, mut keeper) = Ledger::open(temporary.path(), 7).expect("a ledger");
    group(&ledger, |ledger| ledger.enrol(None, "kept").map(drop)).expect("a row");
    keeper.keep().expect("upkeep");
    drop((ledger, keeper));
    let (ledger, _keeper) = Ledger::open(temporary.path(), 8).expect("a ledger");
    assert_eq!(ledger.node().to_string(), "0000000000000007");
    assert_eq!(ledger.subscriptions().expect("rows").len(), 1);
}

#[test]
fn a_state_directory_that_cannot_be_made_is_named() {
    let temporary = tempfile::tempdir().expect("a directory");
    let file = temporary.path().join("file");
    fs::write(&file, "").expect("a file");
    for dir in [file.join("state"), file.clone()] {
        match Ledger::open(&dir, 1) {
            Err(error @ OpenError::StateDir(StateDirError::Unwritable { .. })) => {
                let expect = format!("the state directory {} cannot be written; choose another", dir.display());
                assert!(error.to_string().starts_with(&expect), "{error}");
            }
            Err(error) => panic!("{error}"),
            Ok(_) => panic!("a directory below a file"),
        }
    }
}

#[test]
fn a_ledger_of_a_newer_ringback_is_left_alone() {
    let temporary = tempfile::tempdir().expect("a directory");
    drop(Ledger::open(temporary.path(), 1).expect("a ledger"));
    let file = temporary.path().join("ledger.db");
    let connection = Connection::open(&file).expect("the file");
    connection.pragma_update(None, "user_version", 1_000).expect("a version");
    drop(connection);
    let Err(OpenError::Ledger { source, .. }) = Ledger::open(temporary.path(), 1) else { panic!("not refused") };
    assert!(matches!(source.source, Cause::Newer { found: 1_000, .. }));
    let text = source.source.to_string();
    assert!(text.contains("version 1000") && text.ends_with("use a newer ringback"), "{text}");
    let connection = Connection::open(&file).expect("the file");
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("a version");
    assert_eq!(version, 1_000);
}

/// Reads the source as text: a function that reads several rows, or the first of several, orders them.
#[test]
fn rows_are_read_in_order() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let (mut several, mut unordered) = (0, Vec::new());
    for file in fs::read_dir(folder).expect("the source").map(|file| file.expect("a listing goes on").path()) {
        if file.extension().is_none_or(|extension| extension != "rs") || file.ends_with("tests.rs") {
            continue;
        }
        let text = fs::read_to_string(&file).expect("source");
        for function in text.split("fn ").skip(1) {
            let reads_several =
                ["query_map(", "while let Some(row) = rows.next()", "LIMIT"].iter().any(|word| function.contains(word));
            if reads_several && function.contains("SELECT") {
                several += 1;
                if !function.contains("ORDER BY") {
                    let name = function.split(['(', '<']).next().unwrap_or_default();
                    unordered.push(format!("{}: {name}", file.display()));
                }
            }
        }
    }
    assert!(several >= 8, "only {several} such functions were found");
    assert!(unordered.is_empty(), "not ordered: {unordered:?}");
}

fn refused() -> StoreError {
    StoreError { operation: "go on", source: Cause::Damaged("on purpose".into()) }
}

fn put(ledger: &Ledger, mount: &LogicalPath, asset: &Asset) -> Result<(), StoreError> {
    let dir = ledger.intake().dir_or_new(mount, &asset.path.parent().expect("a directory"))?;
    ledger.intake().put_asset(dir, asset)
}

fn asset(id: i64, path: &LogicalPath, volume: u64) -> Asset {
    let identity = Identity { volume, inode: u64::MAX - 1, birth_ns: -1 };
    let stat = Stat { identity, size: 5, mtime_ns: -7, ctime_ns: 8, links: 2 };
    Asset {
        id: AssetId(id),
        path: path.clone(),
        stat,
        racy: true,
        owner: "jo".into(),
        rrn: Rrn(4),
        content: ContentRead::Yes,
    }
}

fn path(text: &str) -> LogicalPath {
    LogicalPath::parse(text.as_bytes()).expect("a path")
}
