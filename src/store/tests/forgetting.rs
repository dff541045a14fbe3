//! What is forgotten, by age and by number, and what is not.

use super::super::maintenance::{PIECE_ROWS, Pass};
use super::{asset, group, in_memory, path, put};
use crate::model::attempt::{Attempted, Reply};
use crate::model::change::{Action, Change};
use crate::model::delivery::{Accepted, Body, Delivery};
use crate::model::event::Occurrence;
use crate::model::ids::{AssetId, DeliveryNo, Seq, SubscriptionId, TaskNo};
use crate::model::metadata::{Metadata, Source};
use crate::model::part::DeliveryKey;
use crate::model::retention::{Bound, DAY_MS, Retention};
use crate::model::task::TaskState;
use crate::model::time::Wall;
use crate::store::{EarlyRecord, GivenAnswer, Ledger, NewReplay, RemovedRow};

const T: i64 = 1_800_000_000_000;

fn day(number: i64) -> Wall {
    Wall(T + number * DAY_MS)
}

fn change(ledger: &Ledger, time: Wall) -> Seq {
    let seq = ledger.next_seq().expect("a number");
    let change = Change {
        seq,
        rrn: ledger.rrn().expect("a number"),
        time,
        asset: AssetId(1),
        path: path("/m/a"),
        owner: "jo".into(),
        action: Action::Added,
        delta: Vec::new(),
        size: None,
        mtime_ns: None,
        previous_path: None,
        moved: None,
    };
    ledger.intake().append(&change).expect("a change");
    seq
}

/// Deletes an asset that had metadata.
fn bury(ledger: &Ledger, at: Wall) -> AssetId {
    let id = ledger.intake().next_asset().expect("a number");
    let asset = asset(id.0, &path(&format!("/m/{}", id.0)), 5);
    put(ledger, &path("/m"), &asset).expect("an asset");
    let metadata = Metadata::from([("Rating".to_owned(), vec!["4".to_owned()])]);
    for source in [Source::Records, Source::Xattr] {
        ledger.intake().set_metadata(id, source, &metadata.clone().into()).expect("metadata");
    }
    ledger.intake().bury_asset(&asset, ledger.rrn().expect("a number"), Seq(1), at).expect("a gone asset");
    id
}

fn die(ledger: &Ledger, at: Wall, body: usize) {
    let key = DeliveryKey::whole(ledger.dispatch().next_delivery().expect("a number"));
    let delivery = Delivery {
        key,
        subscription: SubscriptionId(1),
        entries: 1,
        told: Vec::new(),
        body: Body::json(vec![b'x'; body]),
        created: at,
        attempts: 0,
        delay_ms: 0,
        waited_ms: 0,
        replayed_after: None,
        due: at,
    };
    ledger.dispatch().add_delivery(&delivery).expect("a delivery");
    let reply = Reply::status_alone(500);
    for attempt in 1..=4 {
        let attempted = Attempted { key, attempt, duration_ms: 1, reply: reply.clone() };
        ledger.dispatch().add_attempt(&attempted, at).expect("an attempt");
    }
    ledger.dispatch().kill_delivery(SubscriptionId(1), key, at).expect("a dead letter");
}

fn early(ledger: &Ledger, name: &str, at: Wall) {
    let record = EarlyRecord { set: Metadata::new(), unset: vec!["Rating".into()] };
    ledger.intake().put_early_record(&path(name), &record, at).expect("a record");
    let answer =
        GivenAnswer { body_sha256: [1; 32], rrn: ledger.rrn().expect("a number"), accepted: 1, applied: 1, events: 0 };
    ledger.intake().put_given_answer(name, &answer, at).expect("an answer");
}

/// One of each kind, in a group of their own.
fn one_of_each(ledger: &Ledger, number: i64, at: Wall) {
    group(ledger, |ledger| {
        change(ledger, at);
        bury(ledger, at);
        die(ledger, at, 10);
        early(ledger, &format!("/m/early-{number}"), at);
    });
}

fn count(ledger: &Ledger, table: &str) -> i64 {
    ledger.connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).expect("a count")
}

/// Rows of: the journal, gone assets, their metadata, dead letters, their attempts, early records, idempotency keys.
fn counts(ledger: &Ledger) -> [i64; 7] {
    ["journal", "gone", "metadata", "dead", "attempts", "early_records", "idempotency"]
        .map(|table| count(ledger, table))
}

/// Runs a pass to its end, each piece in a group of its own; gives how many pieces it took and which bounds acted.
fn pass(
    ledger: &Ledger,
    retention: &Retention,
    now: Option<Wall>,
    first_owed: Option<Seq>,
) -> (u32, Vec<(Bound, u64)>) {
    let mut pass: Pass = group(ledger, |ledger| {
        if let Some(now) = now {
            ledger.mark(now).expect("a mark");
        }
        ledger.begin_pass(retention, now).expect("a pass")
    });
    let mut acted = Vec::new();
    for pieces in 1.. {
        let before = counts(ledger);
        let piece = group(ledger, |ledger| ledger.forget_piece(retention, &mut pass, first_owed).expect("a piece"));
        let most = PIECE_ROWS as i64;
        for (before, after) in before.iter().zip(counts(ledger)) {
            // Metadata and attempts go with what they belong to.
            assert!(before - after <= 4 * most, "a piece is bounded: {before} {after}");
        }
        acted.extend(piece.by_number);
        if !piece.more {
            return (pieces, acted);
        }
    }
    unreachable!("a pass ends");
}

#[test]
fn each_kind_is_forgotten_after_its_own_age_and_not_before() {
    let ledger = in_memory();
    let retention = Retention::default();
    one_of_each(&ledger, 0, day(0));
    for (at, expect) in [
        (day(0), [1, 1, 2, 1, 4, 1, 1]),
        (Wall(day(1).0 + 1), [1, 1, 2, 1, 4, 1, 0]),
        (Wall(day(7).0 - 1), [1, 1, 2, 1, 4, 1, 0]),
        (Wall(day(7).0 + 1), [0, 0, 0, 1, 4, 1, 0]),
        (Wall(day(30).0 - 1), [0, 0, 0, 1, 4, 1, 0]),
        (Wall(day(30).0 + 1), [0, 0, 0, 0, 0, 0, 0]),
    ] {
        assert_eq!(pass(&ledger, &retention, Some(at), None), (1, Vec::new()));
        assert_eq!(counts(&ledger), expect, "{at}");
    }
    assert_eq!(ledger.dispatch().dead_totals().expect("totals"), (0, 0));
}

#[test]
fn what_is_owed_stays_in_the_journal_whatever_its_age() {
    let ledger = in_memory();
    let seqs = group(&ledger, |ledger| [0; 5].map(|_| change(ledger, day(0))));
    pass(&ledger, &Retention::default(), Some(day(0)), None);
    pass(&ledger, &Retention::default(), Some(day(8)), Some(seqs[2]));
    assert_eq!(count(&ledger, "journal"), 3);
    pass(&ledger, &Retention::default(), Some(day(9)), None);
    assert_eq!(count(&ledger, "journal"), 0);
}

#[test]
fn a_row_from_the_future_keeps_nothing_and_one_from_the_past_is_not_forgotten_early() {
    let ledger = in_memory();
    let retention = Retention::default();
    // Hours apart, with marks between them: one row by a clock that was a year ahead, one by a clock that began in
    // 1970.
    ledger.set_high_water(day(0));
    for (number, at) in [(0, day(0)), (1, day(365)), (2, Wall(5)), (3, day(0))] {
        one_of_each(&ledger, number, at);
        group(&ledger, |ledger| ledger.mark(at)).expect("a mark");
    }
    group(&ledger, |ledger| ledger.redate_future(day(0))).expect("dates");
    pass(&ledger, &retention, Some(day(0)), None);
    assert_eq!(counts(&ledger), [4, 4, 8, 4, 16, 4, 4]);
    pass(&ledger, &retention, Some(Wall(day(7).0 - 1)), None);
    assert_eq!(counts(&ledger), [4, 4, 8, 4, 16, 4, 0]);
    pass(&ledger, &retention, Some(Wall(day(7).0 + 1)), None);
    assert_eq!(counts(&ledger), [0, 0, 0, 4, 16, 4, 0]);
    pass(&ledger, &retention, Some(Wall(day(30).0 + 1)), None);
    assert_eq!(counts(&ledger), [0; 7]);
}

#[test]
fn while_the_clock_is_not_believed_only_numbers_count() {
    let ledger = in_memory();
    one_of_each(&ledger, 0, day(0));
    pass(&ledger, &Retention::default(), Some(day(0)), None);
    let before = counts(&ledger);
    assert_eq!(pass(&ledger, &Retention::default(), None, None), (1, Vec::new()));
    assert_eq!(counts(&ledger), before);
}

#[test]
fn each_kind_is_bounded_by_number_and_the_oldest_go_first() {
    let ledger = in_memory();
    for number in 0..20 {
        one_of_each(&ledger, number, Wall(T + number));
    }
    let retention = Retention {
        journal_rows: 15,
        gone_rows: 14,
        dead_rows: 13,
        early_rows: 12,
        idempotency_rows: 11,
        ..Retention::default()
    };
    for now in [None, Some(day(0))] {
        let (_, acted) = pass(&ledger, &retention, now, None);
        let acted: Vec<_> = acted.into_iter().collect();
        let expect = [
            (Bound::Journal, 5),
            (Bound::Gone, 6),
            (Bound::Dead, 7),
            (Bound::EarlyRecords, 8),
            (Bound::IdempotencyKeys, 9),
        ];
        assert_eq!(acted, if now.is_none() { expect.to_vec() } else { Vec::new() });
        assert_eq!(counts(&ledger), [15, 14, 28, 13, 52, 12, 11]);
    }
    let oldest = |sql: &str| -> i64 { ledger.connection.query_row(sql, [], |row| row.get(0)).expect("a row") };
    assert_eq!(oldest("SELECT min(seq) FROM journal"), 6);
    assert_eq!(oldest("SELECT min(gone_at) FROM gone"), T + 6);
    assert_eq!(oldest("SELECT min(died) FROM dead"), T + 7);
    assert_eq!(oldest("SELECT min(at) FROM early_records"), T + 8);
    assert_eq!(oldest("SELECT min(at) FROM idempotency"), T + 9);
}

#[test]
fn dead_letters_are_bounded_by_their_bytes() {
    let ledger = in_memory();
    group(&ledger, |ledger| {
        for number in 0..10 {
            die(ledger, Wall(T + number), 1_000);
        }
    });
    let retention = Retention { dead_bytes: 4_500, ..Retention::default() };
    assert_eq!(ledger.dispatch().dead_totals().expect("totals"), (10, 10_000));
    let (_, acted) = pass(&ledger, &retention, None, None);
    assert_eq!(acted, [(Bound::DeadBytes, 6_000)]);
    assert_eq!(ledger.dispatch().dead_totals().expect("totals"), (4, 4_000));
}

#[test]
fn much_is_forgotten_in_pieces_also_where_all_went_at_the_same_time() {
    let ledger = in_memory();
    let rows = 2 * PIECE_ROWS as i64 + 10;
    group(&ledger, |ledger| {
        for _ in 0..rows {
            change(ledger, day(0));
            bury(ledger, day(0));
        }
    });
    pass(&ledger, &Retention::default(), Some(day(0)), None);
    let (pieces, _) = pass(&ledger, &Retention::default(), Some(day(8)), None);
    assert_eq!(pieces, 3);
    assert_eq!(counts(&ledger), [0; 7], "no metadata outlives its asset");
}

#[test]
fn a_backlog_is_dropped_in_pieces() {
    let ledger = in_memory();
    let id = group(&ledger, |ledger| {
        let id = ledger.enrol(None, "one").expect("a number");
        for _ in 0..25 {
            let seq = change(ledger, day(0));
            ledger.dispatch().owe(id, &[seq]).expect("an entry");
        }
        ledger.remove_subscription(id, day(0)).expect("a row");
        id
    });
    let row = RemovedRow { id, name: "one".to_owned(), tenant: None };
    assert_eq!(ledger.removed_subscriptions(day(1), 10).expect("rows"), [row]);
    assert_eq!(ledger.removed_subscriptions(day(0), 10).expect("rows"), []);
    let mut dropped = Vec::new();
    while dropped.last() != Some(&(5, true)) {
        assert!(dropped.len() < 5, "{dropped:?}");
        let piece = group(&ledger, |ledger| ledger.drop_subscription(id, 10)).expect("a piece");
        dropped.push((piece.entries, piece.is_whole));
    }
    assert_eq!(dropped, [(10, false), (10, false), (5, true)]);
    assert_eq!(ledger.subscriptions().expect("rows"), []);
}

#[test]
fn the_oldest_of_what_is_owed_goes_first_and_is_said_exactly() {
    let ledger = in_memory();
    let (id, seqs) = group(&ledger, |ledger| {
        let id = ledger.enrol(None, "one").expect("a number");
        let seqs = [0; 6].map(|_| change(ledger, day(0)));
        for seq in seqs {
            ledger.dispatch().owe(id, &[seq]).expect("an entry");
        }
        (id, seqs)
    });
    let drop = |until: Seq, most: u64| {
        let skipped = group(&ledger, |ledger| ledger.dispatch().drop_oldest_owed(id, until, most)).expect("a piece");
        skipped.map(|skipped| (skipped.entries, skipped.first, skipped.last))
    };
    assert_eq!(drop(Seq(i64::MAX), 2), Some((2, seqs[0], seqs[1])));
    assert_eq!(drop(seqs[3], 10), Some((2, seqs[2], seqs[3])));
    assert_eq!(drop(seqs[3], 10), None);
    assert_eq!(ledger.dispatch().oldest_owed(id).expect("an entry").map(|oldest| oldest.seq), Some(seqs[4]));
}

#[test]
fn marks_do_not_pile_up() {
    let ledger = in_memory();
    for hour in 0..24 * 40 {
        group(&ledger, |ledger| change(ledger, Wall(T + hour * 3_600_000)));
        pass(&ledger, &Retention::default(), Some(Wall(T + hour * 3_600_000)), None);
    }
    let marks = count(&ledger, "marks");
    assert!((24 * 30..24 * 30 + 5).contains(&marks), "{marks} marks, and accepted deliveries are kept for 30 days");
    assert!((24 * 7..24 * 7 + 5).contains(&count(&ledger, "journal")));
}

#[test]
fn accepted_deliveries_are_bounded_by_age_and_by_number_and_the_oldest_go_first() {
    let ledger = in_memory();
    group(&ledger, |ledger| {
        for number in 1..=20 {
            let key = DeliveryKey::whole(ledger.dispatch().next_delivery().expect("a number"));
            let accepted = Accepted {
                key,
                subscription: SubscriptionId(1),
                entries: 1,
                seqs: vec![Seq(number)],
                created: Wall(T),
                at: Wall(T + number),
                attempts: 1,
                status: Some(200),
                duration_ms: 1,
            };
            ledger.dispatch().add_accepted(&accepted).expect("a row");
            ledger.mark(Wall(T + number)).expect("a mark");
        }
    });
    let kept = |ledger: &Ledger| -> (i64, i64) {
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        ledger.connection.query_row("SELECT min(number), count(*) FROM history", [], read).expect("rows")
    };
    let retention = Retention { deliveries_rows: 15, deliveries_ms: 1_000, ..Retention::default() };
    let (_, acted) = pass(&ledger, &retention, None, None);
    assert!(acted.is_empty(), "that is no trouble: {acted:?}");
    assert_eq!(kept(&ledger), (6, 15));
    let _ = pass(&ledger, &retention, Some(Wall(T + 1_000 + 10)), None);
    // Those that were cut before the newest mark that is old enough.
    assert_eq!(kept(&ledger), (10, 11));
}

#[test]
fn tasks_that_ended_are_kept_for_seven_days_and_the_newest_of_them() {
    let ledger = in_memory();
    let begin = |at: Wall| {
        let until = DeliveryNo(0);
        let new = NewReplay { subscription: SubscriptionId(1), since: at, until, total: None, by: "jo", at };
        ledger.dispatch().begin_replay(&new).expect("a task").0.task
    };
    let kept = |ledger: &Ledger| {
        let mut sql = ledger.connection.prepare("SELECT number FROM tasks ORDER BY number").expect("SQL");
        let numbers: Vec<i64> = sql.query_map([], |row| row.get(0)).and_then(Iterator::collect).expect("rows");
        numbers.into_iter().map(TaskNo).collect::<Vec<_>>()
    };
    let (running, old, new) = (begin(day(0)), begin(day(0)), begin(day(0)));
    ledger.dispatch().end_task(old, TaskState::Done, None, day(1)).expect("a row");
    ledger.dispatch().end_task(new, TaskState::Failed, Some("why"), Wall(day(1).0 + 1)).expect("a row");
    ledger.forget_tasks(day(8)).expect("forgotten");
    assert_eq!(kept(&ledger), [running, old, new], "to the millisecond");
    ledger.forget_tasks(Wall(day(8).0 + 1)).expect("forgotten");
    assert_eq!(kept(&ledger), [running, new], "what goes on is kept");
    let ended: Vec<_> = (0..1_000).map(|_| begin(day(1))).collect();
    for task in &ended {
        ledger.dispatch().end_task(*task, TaskState::Stopped, None, day(2)).expect("a row");
    }
    ledger.forget_tasks(day(2)).expect("forgotten");
    assert_eq!(kept(&ledger), [&[running][..], &ended].concat(), "the newest 1,000 of those that ended");
}

/// What is owed of an event cannot be told without its change.
#[test]
fn the_change_of_an_event_that_is_owed_is_kept() {
    let ledger = in_memory();
    let of_change = group(&ledger, |ledger| {
        change(ledger, day(0));
        let seq = change(ledger, day(0));
        let change = Change { seq, ..Change::of_some_asset(b"/a", Action::Added, Vec::new()) };
        let seq = ledger.next_seq().expect("a number");
        ledger.append_event(&Occurrence { change: Some(Box::new(change)), ..super::event(seq.0) }).expect("an event");
        seq
    });
    let retention = Retention { journal_rows: 0, ..Retention::default() };
    pass(&ledger, &retention, None, Some(of_change));
    assert_eq!(ledger.entries(&[of_change]).expect("an event").len(), 1);
    assert_eq!(counts(&ledger)[0], 1, "the change before them is forgotten");
    pass(&ledger, &retention, None, None);
    assert_eq!(ledger.entries(&[of_change]).expect("nothing").len(), 0);
}
