//! What lanes leave behind, what they lose when they are owed too much, and what they do without a row that they need.

use super::{Run, check, enrolled};
use crate::dispatch::tail::Tail;
use crate::model::ids::Seq;
use crate::model::status::{TROUBLES_MAX, TroubleKind};
use crate::model::time::{Mono, Now, Wall};

#[test]
fn a_subscription_dropped_while_its_attempt_is_under_way_leaves_nothing_behind() {
    let mut run = Run::new();
    for n in 1..=9 {
        run.line(&format!("rule s{n} at=one delays=1000"));
    }
    run.line("0 owe 1 to s1 s2 s3 s4 s5 s6 s7 s8 s9");
    assert_eq!(run.shown("status"), "owed 0, pending 1, in flight 8, waiting 0, dead 0");
    let before = run.dispatch.lanes.len();
    run.line("1 drop s1");
    assert_eq!(run.dispatch.lanes.len(), before - 1);
    assert_eq!(run.shown("2 refuse 1"), "s9 9/1 [1]", "its slot is given back when the outcome comes");
    assert_eq!(run.dispatch.in_flight.len(), 8);
    assert_eq!(run.shown("9000 tick"), "", "nothing of it is tried again");
    assert_eq!(run.shown("status"), "owed 0, pending 0, in flight 8, waiting 0, dead 0");
    assert_eq!(run.shown("9001 rule s1 at=two"), "");
    assert_eq!(run.shown("9002 owe 2 to s1"), "s1 10/1 [2]");
}

#[test]
fn a_lane_that_went_while_it_waited_for_a_slot_does_not_keep_those_behind_it_waiting() {
    let mut run = Run::new();
    for n in 10..22 {
        run.line(&format!("rule s{n} at=one"));
    }
    run.line("0 owe 1 to s10 s11 s12 s13 s14 s15 s16 s17 s18 s19 s20 s21");
    // Of the four that are blocked the first two go, without an edit of the rules that would sort all out.
    for name in ["s18", "s19"] {
        let id = enrolled(run.ledger.as_ref().expect("a ledger"), name);
        run.dispatch.forget(id);
    }
    assert_eq!(run.shown("1 accept 1"), "s20 11/1 [1]");
    assert_eq!(run.shown("2 accept 2"), "s21 12/1 [1]");
    for number in (3..=8).chain([11, 12]) {
        run.line(&format!("3 accept {number}"));
    }
    assert_eq!(run.shown("status"), "owed 0, pending 0, in flight 0, waiting 0, dead 0");
    assert!(
        run.dispatch.blocked.is_empty()
            && run.dispatch.ready.iter().all(|ready| ready.is_empty())
            && run.dispatch.in_flight.is_empty()
    );
}

#[test]
fn past_its_bound_a_subscription_loses_the_oldest_and_that_is_said() {
    let mut run = Run::bounded(20);
    run.line("rule a paused=1");
    run.line("0 owe 1-20 to a");
    assert_eq!(lagged(&mut run), [], "at the bound nothing is lost");
    run.line("1 owe 21 to a");
    assert_eq!(lagged(&mut run), [(3, 1, 3)]);
    assert_eq!(run.shown("status"), "owed 18, pending 0, in flight 0, waiting 0, dead 0");
    run.line("2 owe 22-23 to a");
    assert_eq!(lagged(&mut run), [], "there is room again");
    let (troubles, more) = run.dispatch.troubles(super::now_at(super::WALL_MS));
    assert_eq!((troubles.len(), more), (1, 0));
    assert_eq!((troubles[0].kind, troubles[0].subject.as_deref()), (TroubleKind::Lagged, Some("a")));
    assert!(troubles[0].text.contains("3 were dropped"), "{troubles:?}");
    run.line("3 restart");
    assert_eq!(run.dispatch.troubles(super::now_at(super::WALL_MS)).0, troubles, "a restart does not forget it");
    assert_eq!(run.shown("4 rule a"), "a 65537/1 []", "it is told what it lost");
    let owed = "4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23";
    assert_eq!(run.shown("4 accept 65537"), format!("a 65538/1 [1 2 3 {owed}]"), "how all stands that changed since");
    assert_eq!(run.shown("5 accept 65538"), format!("a 65539/1 [{owed}]"));
    assert_eq!(run.dispatch.troubles(super::now_at(super::WALL_MS)).0.len(), 1);
    run.line("6 accept 65539");
    assert_eq!(run.dispatch.troubles(super::now_at(super::WALL_MS)), (Vec::new(), 0), "it is level again");
}

#[test]
fn troubles_are_named_up_to_the_limit_and_the_rest_are_counted() {
    let mut run = Run::bounded(20);
    for (lanes, more) in [(TROUBLES_MAX, 0), (TROUBLES_MAX + 1, 1)] {
        let first = run.rules.len();
        let new: Vec<_> = (first..lanes).map(|n| format!("s{n}")).collect();
        new.iter().for_each(|name| run.line(&format!("rule {name} paused=1")));
        let from = 1 + 100 * more;
        run.line(&format!("{more} owe {from}-{} to {}", from + 20, new.join(" ")));
        let (troubles, counted) = run.dispatch.troubles(super::now_at(super::WALL_MS));
        assert_eq!((troubles.len(), counted), (TROUBLES_MAX, more));
        assert!(troubles.iter().all(|trouble| trouble.kind == TroubleKind::Lagged), "{troubles:?}");
    }
}

#[test]
fn a_long_backlog_past_its_bound_is_dropped_in_pieces() {
    let mut run = Run::bounded(10_000);
    run.line("rule a paused=1");
    run.line("0 owe 1-10001 to a");
    // 1,001 at once is less than a piece.
    assert_eq!(lagged(&mut run), [(1_001, 1, 1_001)]);
    let mut run = Run::bounded(100_000);
    run.line("rule a paused=1");
    run.line("0 owe 1-9000 to a");
    run.dispatch.owed_max = 1_000;
    run.line("1 owe 9001 to a");
    let mut dropped = lagged(&mut run);
    while run.dispatch.deadline() == Some(Mono(0)) {
        run.line("2 tick");
        dropped.extend(lagged(&mut run));
    }
    assert_eq!(
        dropped,
        [(2_000, 1, 2_000), (2_000, 2_001, 4_000), (2_000, 4_001, 6_000), (2_000, 6_001, 8_000), (101, 8_001, 8_101)]
    );
    assert_eq!(run.shown("status"), "owed 900, pending 0, in flight 0, waiting 0, dead 0");
}

#[test]
fn what_the_journal_keeps_no_longer_is_dropped_from_what_is_owed() {
    let mut run = Run::new();
    run.line("rule a paused=1");
    run.line("rule b paused=1");
    run.line("0 owe 1-3 to a b");
    run.line("1 owe 4 to b");
    let ledger = run.ledger.as_ref().expect("a ledger");
    assert_eq!(run.dispatch.first_owed(), Some(Seq(1)));
    ledger.begin().expect("a group");
    let now = Now { mono: Mono(2), wall: Wall(super::WALL_MS) };
    assert!(!run.dispatch.drop_old(now, Seq(3), ledger.dispatch()).expect("a piece"));
    ledger.commit().expect("a commit");
    assert_eq!(run.dispatch.first_owed(), Some(Seq(4)));
    assert_eq!(lagged(&mut run), [(3, 1, 3), (3, 1, 3)]);
    assert_eq!(run.shown("status"), "owed 1, pending 0, in flight 0, waiting 0, dead 0");
}

#[test]
fn a_change_that_cannot_be_read_stops_the_one_lane_that_is_owed_it() {
    let mut run = Run::new();
    run.line("rule a");
    run.line("rule b");
    run.line("0 owe 1 to a b");
    run.line("1 owe 2 3 to a b");
    damage(&mut run, "UPDATE journal SET path = 'no path' WHERE seq = 2");
    run.line("rule a");
    run.line("2 accept 1");
    assert_eq!(run.shown("3 owe 4 to b"), "");
    let (troubles, _) = run.dispatch.troubles(super::now_at(super::WALL_MS));
    assert_eq!(troubles.len(), 1, "{troubles:?}");
    assert_eq!((troubles[0].kind, troubles[0].subject.as_deref()), (TroubleKind::Disk, Some("a")));
    assert!(troubles[0].text.contains("row 2 of the table journal cannot be read"), "{troubles:?}");
    assert_eq!(run.dispatch.take_unread().len(), 1);
    assert_eq!(run.shown("next"), "5002", "it is tried again later, not in each group");
    run.line("5002 tick");
    assert_eq!((run.shown("next"), run.dispatch.take_unread().len()), ("15002".to_owned(), 0));
    damage(&mut run, "UPDATE journal SET path = x'2f32' WHERE seq = 2");
    assert_eq!(run.shown("15002 tick"), "a 131073/1 [2 3]");
    assert_eq!(run.dispatch.troubles(super::now_at(super::WALL_MS)), (Vec::new(), 0));
}

#[test]
fn a_delivery_whose_bytes_cannot_be_read_waits_and_the_others_go_on() {
    check(
        "rule a delays=1000
         rule b delays=1000
         0 owe 1 to a b -> a 1/1 [1], b 2/1 [1]
         1 refuse 1 ->
         1 refuse 2 ->",
    );
    let mut run = Run::new();
    for line in ["rule a delays=1000", "rule b delays=1000", "0 owe 1 to a b", "1 refuse 1", "1 refuse 2"] {
        run.line(line);
    }
    damage(&mut run, "UPDATE deliveries SET body = 7 WHERE number = 1");
    assert_eq!(run.shown("1001 tick"), "b 2/2 [1]");
    assert_eq!(run.shown("status"), "owed 0, pending 0, in flight 1, waiting 1, dead 0");
    assert!(run.dispatch.troubles(super::now_at(super::WALL_MS)).0[0].text.contains("row 1 of the table deliveries"));
    assert!(!run.dispatch.in_flight.contains_key(&super::key("1")));
}

/// A number of a delivery that is damaged is not taken for some other number: the delivery waits until it can be read.
#[test]
fn a_delivery_whose_numbers_cannot_be_read_waits_and_the_others_go_on() {
    let damages =
        [("attempts", "'none'"), ("attempts", "-1"), ("delay_ms", "-1"), ("delay_ms", "x'00'"), ("due", "'x'")];
    for (column, value) in damages {
        let mut run = Run::new();
        for line in ["rule a delays=1000", "rule b delays=1000", "0 owe 1 to a b", "1 refuse 1", "1 refuse 2"] {
            run.line(line);
        }
        let set = |run: &mut Run, value: &str| {
            damage(run, &format!("UPDATE deliveries SET {column} = {value} WHERE number = 1"));
        };
        let sound = if column == "due" { "1800000001001" } else { "1" };
        set(&mut run, value);
        assert_eq!(run.shown("2 restart"), "", "{column} = {value}");
        let (troubles, _) = run.dispatch.troubles(super::now_at(super::WALL_MS));
        assert_eq!((troubles.len(), troubles[0].kind), (1, TroubleKind::Disk), "{troubles:?}");
        assert_eq!(troubles[0].subject.as_deref(), Some("a"));
        assert!(troubles[0].text.contains("row 1 of the table deliveries cannot be read"), "{troubles:?}");
        assert_eq!(run.dispatch.take_unread().len(), 1);
        assert_eq!(run.shown("1002 tick"), "b 2/2 [1]");
        assert_eq!(run.shown("5002 tick"), "", "it is tried again, and cannot be read");
        set(&mut run, sound);
        assert_eq!(run.shown("15002 tick"), "a 1/2 [1]", "{column} = {value}");
        assert_eq!(run.dispatch.troubles(super::now_at(super::WALL_MS)), (Vec::new(), 0));
    }
}

/// One that cannot be read waits longer each time, whatever else its lane delivers meanwhile.
#[test]
fn a_delivery_that_cannot_be_read_keeps_a_parallel_lane_from_nothing_else() {
    let mut run = Run::new();
    for line in ["rule a order=parallel max=1 delays=1000", "0 owe 1 2 to a", "1 refuse 1", "1 accept 2"] {
        run.line(line);
    }
    damage(&mut run, "UPDATE deliveries SET body = 7 WHERE number = 1");
    assert_eq!(run.shown("1001 tick"), "");
    assert_eq!(run.dispatch.take_unread().len(), 1);
    assert_eq!(run.shown("1002 owe 3 to a"), "a 65537/1 [3]", "the others are cut and sent");
    run.line("1003 accept 65537");
    assert_eq!(run.dispatch.troubles(super::now_at(super::WALL_MS)).0.len(), 1, "it is still said");
    assert_eq!(run.shown("6001 tick"), "", "it cannot be read after 5 s");
    assert_eq!(run.shown("6002 owe 4 to a"), "a 65538/1 [4]");
    run.line("6003 accept 65538");
    assert_eq!(run.dispatch.take_unread().len(), 0, "the log heard of it");
    damage(&mut run, "UPDATE deliveries SET body = x'00' WHERE number = 1");
    assert_eq!(run.shown("16000 tick"), "", "nor is it tried before 10 s more");
    assert_eq!(run.dispatch.deadline(), Some(Mono(16_001)));
}

/// A dead letter that cannot be sent again keeps its lane from nothing.
#[test]
fn a_replay_that_cannot_be_read_waits_for_itself() {
    let mut run = Run::new();
    for line in ["rule a retries=0", "0 owe 1 to a", "1 refuse 1"] {
        run.line(line);
    }
    damage(&mut run, "UPDATE dead SET entries = 'some' WHERE number = 1");
    assert_eq!(run.shown("2 retry a dead"), "");
    assert_eq!(
        run.dispatch.troubles(super::now_at(super::WALL_MS)).0.len(),
        2,
        "it is said, and that there is a dead letter"
    );
    assert_eq!(run.shown("3 owe 2 to a"), "a 65537/1 [2]");
    run.line("4 accept 65537");
    damage(&mut run, "UPDATE dead SET entries = 1 WHERE number = 1");
    assert_eq!(run.shown("5002 tick"), "a 1/2 replay [1]");
    assert_eq!(run.dispatch.troubles(super::now_at(super::WALL_MS)), (Vec::new(), 0));
}

#[test]
fn a_delivery_that_does_not_say_whose_it_is_is_set_aside_and_said() {
    let mut run = Run::new();
    for line in ["rule a delays=1000", "rule b delays=1000", "0 owe 1 to a b", "1 refuse 1", "1 refuse 2"] {
        run.line(line);
    }
    damage(&mut run, "UPDATE deliveries SET subscription = 'nobody' WHERE number = 1");
    run.line("2 restart");
    let (troubles, _) = run.dispatch.troubles(super::now_at(super::WALL_MS));
    assert_eq!((troubles.len(), troubles[0].kind), (1, TroubleKind::Disk), "{troubles:?}");
    assert!(troubles[0].text.contains("a delivery is not made"), "{troubles:?}");
    assert!(troubles[0].text.contains("row 1 of the table deliveries cannot be read"), "{troubles:?}");
    assert_eq!(run.dispatch.take_unread().len(), 1);
    assert_eq!(run.shown("1002 tick"), "b 2/2 [1]");
    damage(
        &mut run,
        "UPDATE deliveries SET subscription = (SELECT id FROM subscriptions WHERE name = 'a') WHERE number = 1",
    );
    assert_eq!(run.shown("1003 restart"), "a 1/2 [1], b 2/2 [1]");
    assert_eq!(run.dispatch.troubles(super::now_at(super::WALL_MS)), (Vec::new(), 0));
}

/// The number of its entries is read late where its row was damaged, and says that it is a notice.
#[test]
fn a_notice_that_could_not_be_read_does_not_end_a_subscription_for_once() {
    let mut run = Run::bounded(20);
    for line in ["rule a paused=1 lifetime=once", "0 owe 1-21 to a", "rule a lifetime=once delays=1000"] {
        run.line(line);
    }
    let [notice] = &run.sent[..] else { panic!("it is told what it lost: {:?}", run.sent) };
    let notice = notice.id.key;
    run.line(&format!("1 refuse {notice}"));
    damage(&mut run, "UPDATE deliveries SET attempts = 'one'");
    assert_eq!(run.shown("2 restart"), "");
    damage(&mut run, "UPDATE deliveries SET attempts = 1");
    assert_eq!(run.shown("5002 tick"), format!("a {notice}/2 []"));
    let stands = run.shown(&format!("5003 accept {notice}"));
    assert!(stands.contains("[1 2 3"), "its one delivery follows: {stands}");
    let delivery = run.sent.last().expect("an attempt").id.key;
    assert_eq!(run.shown(&format!("5004 accept {delivery}")), "", "it had it");
    assert_eq!(run.shown("status"), "owed 0, pending 0, in flight 0, waiting 0, dead 0");
}

#[test]
fn entries_whose_changes_are_missing_are_dropped_and_said() {
    let mut run = Run::new();
    run.line("rule a");
    run.line("0 owe 1 to a");
    run.line("1 owe 2 3 to a");
    damage(&mut run, "DELETE FROM journal WHERE seq IN (2, 3)");
    assert_eq!(run.shown("2 accept 1"), "a 65537/1 []", "it is told what it lost");
    assert_eq!(lagged(&mut run), [(2, 2, 3)]);
    run.line("3 owe 4 to a");
    assert_eq!(run.shown("4 accept 65537"), "a 65538/1 [1 2 3 4]", "how all stands that changed since the one before");
    assert_eq!(run.shown("5 accept 65538"), "a 65539/1 [4]");
}

fn lagged(run: &mut Run) -> Vec<(u64, i64, i64)> {
    let lagged = run.dispatch.take_lagged().into_iter();
    lagged.map(|lagged| (lagged.skipped.entries, lagged.skipped.first.0, lagged.skipped.last.0)).collect()
}

/// Does to the ledger what a failing disk might; nothing of it is in memory any more.
pub(super) fn damage(run: &mut Run, sql: &str) {
    let connection = run.ledger.take().expect("a ledger").into_connection();
    connection.execute_batch(sql).expect("SQL");
    run.dispatch.tail = Tail::default();
    run.ledger = Some(crate::store::Ledger::in_memory(connection, super::NODE).expect("a ledger"));
}

#[test]
fn a_subscriber_hears_once_what_it_lost_before_it_hears_what_comes_next() {
    for (format, body) in [
        ("zoom", r#"{"success":false,"data":{"entry":[]},"error":"lagged: 13 entries skipped","id":"a"}"#),
        (
            "cloudevents",
            r#"{"specversion":"1.0","type":"callback.lagged","source":"/ringback/00000000000000a1","id":"00000000000000a1-13-lagged","time":"2027-01-15T08:00:00.000Z","datacontenttype":"application/json","data":{"subscription":"a","skipped":13,"firstSeq":1,"lastSeq":13}}"#,
        ),
        (
            "cloudevents-batch",
            r#"[{"specversion":"1.0","type":"callback.lagged","source":"/ringback/00000000000000a1","id":"00000000000000a1-13-lagged","time":"2027-01-15T08:00:00.000Z","datacontenttype":"application/json","data":{"subscription":"a","skipped":13,"firstSeq":1,"lastSeq":13}}]"#,
        ),
    ] {
        let mut run = Run::bounded(20);
        run.line(&format!("rule a paused=1 format={format}"));
        run.line("0 owe 1-21 to a");
        run.line("1 owe 22-31 to a");
        assert_eq!(lagged(&mut run), [(3, 1, 3), (10, 4, 13)]);
        run.line("2 restart");
        run.line(&format!("rule a format={format}"));
        let sent = run.sent.last().expect("an attempt");
        assert_eq!(String::from_utf8_lossy(&sent.body.bytes), body);
        let first = sent.id.key;
        let next = run.shown(&format!("3 accept {first}"));
        assert!(next.contains("[1"), "how the assets stand: {next}");
        let second = run.sent.last().expect("an attempt").id.key;
        let owed = run.shown(&format!("4 accept {second}"));
        assert!(owed.contains("[14"), "{owed}");
    }
}
