//! What a lane does beyond one delivery after the other: parallel, split, paused, cancelled, hurried.

use std::sync::Arc;

use super::{Run, check};
use crate::model::attempt::{Attempted, Reply};
use crate::model::lane::{LanePolicy, Pause};
use crate::model::slot_limits::SlotLimits;
use crate::model::status::TroubleKind;
use crate::model::time::{Mono, Now, Wall};

#[test]
fn a_parallel_lane_sends_each_batch_on_its_own() {
    check(
        "rule a order=parallel delays=1000 retries=2
         0 owe 1 to a -> a 1/1 [1]
         1 owe 2 to a -> a 2/1 [2]
         2 refuse 1 ->
         3 owe 3 to a -> a 3/1 [3]
         4 accept 3 ->
         status -> owed 0, pending 0, in flight 1, waiting 1, dead 0
         1002 tick -> a 1/2 [1]
         1003 restart -> a 1/2 [1], a 2/1 [2]
         1004 accept 1 ->
         1005 accept 2 ->
         status -> owed 0, pending 0, in flight 0, waiting 0, dead 0",
    );
}

#[test]
fn a_parallel_lane_freezes_so_many_deliveries_and_gathers_the_rest() {
    let mut run = Run::new();
    run.line("rule a order=parallel max=1");
    run.line("0 owe 1-100 to a");
    assert_eq!(run.shown("status"), "owed 36, pending 56, in flight 8, waiting 0, dead 0");
    assert_eq!(run.shown("1 accept 1"), "a 9/1 [9]");
    assert_eq!(run.shown("status"), "owed 35, pending 56, in flight 8, waiting 0, dead 0");
}

#[test]
fn a_lane_that_becomes_serial_waits_for_what_is_on_the_wire() {
    check(
        "rule a order=parallel max=1
         0 owe 1-3 to a -> a 1/1 [1], a 2/1 [2], a 3/1 [3]
         rule a max=1
         1 owe 4 to a ->
         2 accept 3 ->
         3 accept 1 ->
         4 accept 2 -> a 4/1 [4]",
    );
}

#[test]
fn a_batch_that_is_too_large_is_sent_in_halves_in_order_down_to_the_refused_entry() {
    check(
        "rule a
         0 owe 1-4 to a -> a 1/1 [1 2 3 4]
         1 413 1 -> a 1.0/1 [1 2]
         2 owe 5 to a ->
         3 413 1.0 -> a 1.0.0/1 [1]
         4 accept 1.0.0 -> a 1.0.1/1 [2]
         5 422 1.0.1 -> a 1.1/1 [3 4]
         6 accept 1.1 -> a 2/1 [5]
         status -> owed 0, pending 0, in flight 1, waiting 0, dead 1
         dead -> 1.0.1 [2]",
    );
}

#[test]
fn parts_survive_a_restart_and_keep_their_bytes() {
    check(
        "rule a delays=1000 retries=9
         0 owe 1-4 to a -> a 1/1 [1 2 3 4]
         1 413 1 -> a 1.0/1 [1 2]
         2 refuse 1.0 ->
         3 restart ->
         1001 tick ->
         1002 tick -> a 1.0/2 [1 2]
         1003 accept 1.0 -> a 1.1/1 [3 4]",
    );
}

#[test]
fn a_part_is_tried_from_its_beginning_and_not_from_that_of_its_batch() {
    let mut run = Run::new();
    run.line("rule a delays=1000 retries=9");
    run.line("0 owe 1-2 to a");
    run.line("1 refuse 1");
    run.line("1001 tick");
    let waited = |run: &Run| {
        let deliveries = run.ledger.as_ref().expect("a ledger").dispatch().deliveries().expect("deliveries");
        deliveries.whole.iter().map(|(_, delivery)| delivery.waited_ms).collect::<Vec<_>>()
    };
    assert!(waited(&run)[0] >= 1_000, "{:?}", waited(&run));
    assert_eq!(run.shown("1002 413 1"), "a 1.0/1 [1]");
    assert_eq!(waited(&run), [0, 0]);
}

#[test]
fn a_size_that_was_accepted_is_remembered_for_a_day() {
    check(
        "rule a
         0 owe 1-8 to a -> a 1/1 [1 2 3 4 5 6 7 8]
         1 413 1 -> a 1.0/1 [1 2 3 4]
         2 accept 1.0 -> a 1.1/1 [5 6 7 8]
         3 accept 1.1 ->
         4 owe 10-19 to a -> a 2/1 [10 11 12 13]
         5 restart -> a 2/1 [10 11 12 13]
         6 accept 2 -> a 65537/1 [14 15 16 17]
         7 accept 65537 -> a 65538/1 [18 19]
         90000000 accept 65538 ->
         90000001 owe 20-29 to a -> a 65539/1 [20 21 22 23 24 25 26 27 28 29]",
    );
}

#[test]
fn a_target_that_refuses_entry_after_entry_gets_no_more_of_the_batch() {
    let mut run = Run::new();
    run.line("rule a");
    run.line("0 owe 1-64 to a");
    let mut refused = 0;
    while run.shown("status").contains("in flight 1") {
        let key = run.sent.last().expect("an attempt").id.key;
        refused += u32::from(run.sent.last().is_some_and(|sent| super::entries(&sent.body.bytes).len() == 1));
        run.line(&format!("1 422 {key}"));
        assert!(refused <= 8, "{}", run.shown("status"));
    }
    assert_eq!(refused, 8);
    let told = |letter: &str| letter.split_once('[').map_or(0, |(_, changes)| changes.split(' ').count());
    assert_eq!(run.shown("dead").split(", ").map(told).sum::<usize>(), 64, "nothing is lost");
    // The next batch begins anew.
    assert_eq!(run.shown("2 owe 70 71 to a"), "a 65537/1 [70 71]");
    assert_eq!(run.shown("3 422 65537"), "a 65537.0/1 [70]");
    assert_eq!(run.shown("4 422 65537.0"), "a 65537.1/1 [71]");
}

#[test]
fn a_single_entry_that_is_refused_is_given_up_at_once() {
    check(
        "rule a
         0 owe 1 to a -> a 1/1 [1]
         1 owe 2 to a ->
         2 422 1 -> a 2/1 [2]
         dead -> 1 [1]",
    );
}

#[test]
fn a_target_that_is_gone_pauses_its_lane_and_the_batch_goes_first_when_it_resumes() {
    check(
        "rule a
         0 owe 1 to a -> a 1/1 [1]
         1 owe 2 to a ->
         2 410 1 ->
         3 owe 3 to a ->
         status -> owed 2, pending 1, in flight 0, waiting 0, dead 0
         next -> never
         4 restart ->
         5 tick ->
         6 resume a -> a 1/2 [1]
         7 accept 1 -> a 65537/1 [2 3]",
    );
}

#[test]
fn a_paused_lane_gathers_and_what_waited_is_due_when_it_resumes() {
    check(
        "rule a delays=600000
         0 owe 1 to a -> a 1/1 [1]
         1 refuse 1 ->
         2 pause a ->
         600001 tick ->
         600002 owe 2 to a ->
         600003 resume a -> a 1/2 [1]
         600004 accept 1 -> a 2/1 [2]
         600005 pause a ->
         600006 accept 2 ->
         600007 owe 3 to a ->
         600008 resume a -> a 3/1 [3]",
    );
    // It waits for its turn no longer than until somebody resumes it.
    check(
        "rule a delays=600000
         0 owe 1 to a -> a 1/1 [1]
         1 refuse 1 ->
         2 pause a ->
         3 resume a -> a 1/2 [1]",
    );
}

#[test]
fn a_lane_to_which_nothing_was_delivered_for_five_days_is_paused() {
    let mut run = Run::new();
    run.line("rule a retries=0");
    let day = 86_400_000;
    for n in 0..5 {
        run.line(&format!("{} owe {} to a", n * day, n + 1));
        run.line(&format!("{} refuse {}", n * day + 1, n + 1));
    }
    assert_eq!(run.shown("status"), "owed 0, pending 0, in flight 0, waiting 0, dead 5");
    run.line(&format!("{} owe 6 to a", 5 * day));
    run.line(&format!("{} refuse 6", 5 * day + 1));
    assert_eq!(run.shown(&format!("{} owe 7 to a", 5 * day + 2)), "", "it is paused");
    assert_eq!(run.shown(&format!("{} resume a", 5 * day + 3)), "a 7/1 [7]");
    // From here on it has five days again.
    run.line(&format!("{} refuse 7", 5 * day + 4));
    assert_eq!(run.shown(&format!("{} owe 8 to a", 5 * day + 5)), "a 8/1 [8]");
}

#[test]
fn a_clock_that_jumped_makes_no_failure_older() {
    let (mut run, day) = (Run::new(), 86_400_000);
    run.line("rule a retries=0");
    run.line("0 owe 1 to a");
    run.line("1 refuse 1");
    // The wall clock of these scripts does not jump: since when the lane fails does, by as much.
    let ledger = run.ledger.take().expect("a ledger");
    run.dispatch.move_failing(2 * day, ledger.dispatch()).expect("moved");
    run.ledger = Some(ledger);
    run.line("2 restart");
    run.line(&format!("{} owe 2 to a", 6 * day));
    run.line(&format!("{} refuse 65537", 6 * day + 1));
    assert_eq!(run.shown(&format!("{} owe 3 to a", 6 * day + 2)), "a 65538/1 [3]");
    run.line(&format!("{} refuse 65538", 7 * day + 1));
    assert_eq!(run.shown(&format!("{} owe 4 to a", 7 * day + 2)), "", "it is paused");
}

#[test]
fn a_clock_that_is_not_believed_pauses_nobody() {
    let mut run = Run::new();
    run.line("rule a retries=0");
    run.line("0 owe 1 to a");
    run.line("1 refuse 1");
    run.line("2 restart 864000000");
    run.dispatch.believe_clock(false);
    run.line("3 owe 2 to a");
    run.line("4 refuse 65537");
    assert_eq!(run.shown("5 owe 3 to a"), "a 65538/1 [3]");
}

#[test]
fn a_subscription_for_once_is_cancelled_by_its_first_accepted_delivery() {
    check(
        "rule a lifetime=once delays=1000 retries=9
         0 owe 1 to a -> a 1/1 [1]
         1 owe 2 to a ->
         2 refuse 1 ->
         1002 tick -> a 1/2 [1]
         1003 accept 1 ->
         1004 owe 3 to a ->
         status -> owed 0, pending 0, in flight 0, waiting 0, dead 0
         1005 restart ->
         1006 owe 4 to a ->
         status -> owed 0, pending 0, in flight 0, waiting 0, dead 0",
    );
}

#[test]
fn a_target_that_accepts_is_sent_at_once_what_waits_for_it_on_the_default_schedule() {
    check(
        "rule a at=one schedule=default
         rule b at=one schedule=default
         rule c at=one delays=500000
         rule d at=two schedule=default
         0 owe 1 to a b c d -> a 1/1 [1], b 2/1 [1], c 3/1 [1], d 4/1 [1]
         1 refuse 1 ->
         1 refuse 2 ->
         1 refuse 3 ->
         1 refuse 4 ->
         2 owe 2 to a ->
         3 tick ->",
    );
    let mut run = Run::new();
    for line in ["rule a at=one schedule=default", "rule b at=one schedule=default", "rule c at=one"] {
        run.line(line);
    }
    run.line("0 owe 1 to a b");
    run.line("1 refuse 1");
    run.line("1 refuse 2");
    assert_eq!(run.shown("2 owe 2 to c"), "c 3/1 [2]");
    assert_eq!(run.shown("3 accept 3"), "a 1/2 [1], b 2/2 [1]");
    // Hurried once a wait: one that is refused for itself is not called each time the other one is.
    run.line("4 accept 1");
    run.line("4 refuse 2");
    run.line("5 owe 3 to c");
    assert_eq!(run.shown("6 accept 4"), "");
    assert_eq!(run.shown("status"), "owed 0, pending 0, in flight 0, waiting 1, dead 0");
}

#[test]
fn a_pause_outlives_the_rule_until_the_subscription_is_dropped() {
    check(
        "rule a
         0 owe 1 to a -> a 1/1 [1]
         1 accept 1 ->
         2 pause a ->
         unrule a
         rule a
         3 owe 2 to a ->
         4 resume a -> a 2/1 [2]
         5 accept 2 ->
         6 pause a ->
         unrule a
         7 restart ->
         rule a
         8 owe 3 to a ->
         unrule a
         9 drop a ->
         rule a
         10 owe 4 to a -> a 65537/1 [4]",
    );
}

#[test]
fn what_a_lane_remembers_survives_a_restart_and_ends_with_it() {
    let mut run = Run::new();
    run.line("rule a");
    run.line("0 owe 1 to a");
    run.line("1 410 1");
    run.line("2 restart");
    let remembered = |run: &Run| run.ledger.as_ref().expect("a ledger").dispatch().lanes().expect("lanes");
    let [(_, LanePolicy { paused: Some(pause), failing: Some(failing), .. })] = &remembered(&run)[..] else {
        panic!("{:?}", remembered(&run))
    };
    assert_eq!((pause.by.as_str(), failing.status), ("target", Some(410)));
    run.line("3 drop a");
    assert_eq!(remembered(&run), []);
}

#[test]
fn a_lane_that_is_paused_or_fails_for_a_minute_is_a_trouble() {
    let mut run = Run::new();
    run.line("rule a delays=1000 retries=99");
    run.line("rule b");
    run.line("0 owe 1 to a b");
    run.line("1 refuse 1");
    run.line("2 410 2");
    let troubles = |run: &Run, after_ms| {
        let (troubles, more) = run.dispatch.troubles(super::now_at(super::WALL_MS + after_ms));
        assert_eq!(more, 0);
        troubles.into_iter().map(|trouble| (trouble.kind, trouble.text)).collect::<Vec<_>>()
    };
    let paused = "b was paused by target, because it answered 410 Gone: it gathers what it is owed until it is resumed";
    assert_eq!(troubles(&run, 10), [(TroubleKind::Paused, paused.to_owned())]);
    let failing = "a: deliveries to a:80 are not accepted, the last outcome was: HTTP status 500".to_owned();
    let late = troubles(&run, 60_001);
    assert_eq!(late[1], (TroubleKind::Failing, failing), "{late:?}");
    run.line("1001 tick");
    run.line("1002 accept 1");
    run.line("1003 resume b");
    assert_eq!(troubles(&run, 90_000), []);
}

/// A slot at a target is given to the first that waits for it. When that one is paused before it goes out, and nothing
/// else is on its way there, the next one has it.
#[test]
fn a_delivery_that_is_paused_while_it_is_ready_leaves_its_slot_to_the_next() {
    let mut run = Run::new();
    for n in 10..21 {
        run.line(&format!("rule s{n} at=one"));
    }
    run.line("0 owe 1 to s10 s11 s12 s13 s14 s15 s16 s17 s18 s19 s20");
    // All eight end in one group; three of them hand their slots on, to lanes that are paused in the same group.
    let ledger = run.ledger.as_ref().expect("a ledger");
    let now = Now { mono: Mono(1), wall: Wall(super::WALL_MS + 1) };
    ledger.begin().expect("a group");
    for number in 1..=8 {
        let attempted = Attempted {
            key: super::key(&number.to_string()),
            attempt: 1,
            duration_ms: 1,
            reply: Reply::status_alone(200),
        };
        run.dispatch.attempted(now, &attempted, ledger.dispatch()).expect("a step");
    }
    for name in ["s18", "s19"] {
        let pause = Pause { at: now.wall, by: "jo".to_owned(), reason: None };
        run.dispatch.pause(now, super::enrolled(ledger, name), pause, ledger.dispatch()).expect("a pause");
    }
    let sent = run.dispatch.release(now, ledger.dispatch(), &|_, _| Ok(None)).expect("a release");
    ledger.commit().expect("a commit");
    assert_eq!(sent.len(), 1, "{sent:?}");
    // One waits, all that was to go before it is paused.
    let mut run = Run::new();
    run.dispatch.limit_attempts(SlotLimits { in_flight: 256, per_target: 1 });
    for name in ["a", "b", "c"] {
        run.line(&format!("rule {name} at=one"));
    }
    assert_eq!(run.shown("0 owe 1 to a b c"), "a 1/1 [1]");
    let ledger = run.ledger.as_ref().expect("a ledger");
    ledger.begin().expect("a group");
    let attempted = Attempted { key: super::key("1"), attempt: 1, duration_ms: 1, reply: Reply::status_alone(200) };
    run.dispatch.attempted(now, &attempted, ledger.dispatch()).expect("a step");
    let pause = Pause { at: now.wall, by: "jo".to_owned(), reason: None };
    run.dispatch.pause(now, super::enrolled(ledger, "b"), pause, ledger.dispatch()).expect("a pause");
    let sent = run.dispatch.release(now, ledger.dispatch(), &|_, _| Ok(None)).expect("a release");
    ledger.commit().expect("a commit");
    let names: Vec<_> = sent.iter().map(|request| request.subscription.name.to_string()).collect();
    assert_eq!(names, ["c"]);
}

#[test]
fn refused_entries_are_counted_by_batch() {
    let mut run = Run::new();
    run.line("rule a max=7");
    run.line("0 owe 1-7 to a");
    while run.shown("status").contains("in flight 1") {
        let key = run.sent.last().expect("an attempt").id.key;
        run.line(&format!("1 422 {key}"));
    }
    assert_eq!(run.shown("status"), "owed 0, pending 0, in flight 0, waiting 0, dead 7");
    assert_eq!(run.shown("2 owe 11-14 to a"), "a 2/1 [11 12 13 14]");
    run.line("3 422 2");
    run.line("4 422 2.0");
    assert_eq!(run.shown("5 422 2.0.0"), "a 2.0.1/1 [12]", "it is the first that is refused of this batch");
}

#[test]
fn the_largest_size_that_was_accepted_is_remembered() {
    check(
        "rule a
         0 owe 1-8 to a -> a 1/1 [1 2 3 4 5 6 7 8]
         1 422 1 -> a 1.0/1 [1 2 3 4]
         2 accept 1.0 -> a 1.1/1 [5 6 7 8]
         3 422 1.1 -> a 1.1.0/1 [5 6]
         4 accept 1.1.0 -> a 1.1.1/1 [7 8]
         5 422 1.1.1 -> a 1.1.1.0/1 [7]
         6 accept 1.1.1.0 -> a 1.1.1.1/1 [8]
         7 422 1.1.1.1 ->
         8 owe 11-16 to a -> a 2/1 [11 12 13 14]",
    );
}

#[test]
fn what_is_ready_when_a_lane_becomes_serial_takes_its_turn() {
    let mut run = Run::new();
    run.line("rule a order=parallel max=1");
    run.line("0 owe 1-12 to a");
    assert_eq!(run.shown("status"), "owed 0, pending 4, in flight 8, waiting 0, dead 0");
    run.line("rule a max=1 delays=1000");
    for number in 2..=8 {
        assert_eq!(run.shown(&format!("1 accept {number}")), "", "the first is still on its way");
    }
    assert_eq!(run.shown("2 refuse 1"), "");
    assert_eq!(run.shown("1002 tick"), "a 1/2 [1]");
    assert_eq!(run.shown("1003 accept 1"), "a 9/1 [9]");
    assert_eq!(run.shown("1004 accept 9"), "a 10/1 [10]");
}

#[test]
fn a_restart_without_rules_forgets_no_pause_and_no_cancellation() {
    check(
        "rule a
         rule b lifetime=once
         0 owe 1 to a b -> a 1/1 [1], b 2/1 [1]
         1 accept 1 ->
         2 accept 2 ->
         3 pause a ->
         4 restart-bare ->
         rule a
         rule b lifetime=once
         5 owe 2 to a b ->
         6 resume a -> a 65537/1 [2]
         status -> owed 0, pending 0, in flight 1, waiting 0, dead 0",
    );
}

#[test]
fn whoever_waits_for_a_target_is_not_passed_over_for_one_that_went_elsewhere() {
    let mut run = Run::new();
    run.dispatch.limit_attempts(SlotLimits { in_flight: 256, per_target: 1 });
    for name in ["a", "b", "c"] {
        run.line(&format!("rule {name} at=one"));
    }
    assert_eq!(run.shown("0 owe 1 to a b c"), "a 1/1 [1]");
    let ledger = run.ledger.as_ref().expect("a ledger");
    let b = super::enrolled(ledger, "b");
    let moved = Arc::new(super::rule::subscription("b", &["at=two"]));
    run.dispatch.edit_subscription(b, Some(moved));
    assert_eq!(run.shown("1 tick"), "b 2/1 [1]", "its new target has room");
    assert_eq!(run.shown("2 accept 1"), "c 3/1 [1]");
    run.dispatch.edit_subscription(b, None);
    assert!(!run.dispatch.has_rule(b));
    assert_eq!(run.shown("3 owe 2 to b"), "", "what it is owed waits");
    run.dispatch.edit_subscription(b, Some(Arc::new(super::rule::subscription("b", &["at=two"]))));
    assert_eq!(run.shown("4 accept 2"), "b 4/1 [2]");
}
