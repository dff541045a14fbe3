//! What several lanes wait for is a row a group, and each lane's own rows only once they are needed.

use super::bounds::damage;
use super::{NODE, Run, WALL_MS, check, enrolled, record};
use crate::dispatch::groups::{ENTRIES_MAX, Groups, RUN_MAX, TURN};
use crate::model::ids::{Seq, SubscriptionId};
use crate::model::status::TroubleKind;
use crate::model::time::{Mono, Now, Wall};
use crate::store::Ledger;

/// Entries that lanes are owed by rows of their own, and rows of groups.
fn rows(run: &Run) -> (u64, usize) {
    let ledger = run.ledger.as_ref().expect("a ledger");
    let own = ledger.dispatch().outbox_totals().expect("totals").iter().map(|total| total.entries).sum();
    (own, ledger.dispatch().owed_groups().expect("rows").rows.len())
}

/// Three lanes with a delivery on the wire each.
fn three() -> Run {
    let mut run = Run::new();
    for line in ["rule a", "rule b", "rule c", "0 owe 1 to a b c"] {
        run.line(line);
    }
    run
}

#[test]
fn what_several_lanes_wait_for_is_a_row_a_group_and_outlives_a_restart() {
    let mut run = three();
    run.line("1 owe 2 to a b c");
    run.line("2 owe 3 4 to b c");
    assert_eq!(rows(&run), (0, 2));
    assert_eq!(run.shown("status"), "owed 7, pending 0, in flight 3, waiting 0, dead 0");
    let oldest = run.dispatch.totals.oldest.clone();
    run.line("3 restart");
    assert_eq!(run.shown("status"), "owed 7, pending 0, in flight 3, waiting 0, dead 0");
    assert_eq!(run.dispatch.totals.oldest, oldest);
    assert_eq!(run.shown("4 accept 1"), "a 65537/1 [2]");
    assert_eq!(run.shown("5 accept 3"), "c 65538/1 [2 3 4]");
    assert_eq!(run.shown("6 accept 2"), "b 65539/1 [2 3 4]");
    assert_eq!(rows(&run), (0, 0), "nobody waits");
}

#[test]
fn a_lane_that_is_cut_is_owed_nothing_twice_after_a_restart_while_the_others_stay() {
    for next in ["4 restart", "4 lost"] {
        let mut run = three();
        run.line("1 owe 2 to a b c");
        run.line("2 owe 3 to a b c");
        assert_eq!(run.shown("3 accept 1"), "a 4/1 [2 3]");
        assert_eq!(rows(&run), (0, 3), "the third says that a moved");
        run.line(next);
        assert_eq!(run.shown("status"), "owed 4, pending 0, in flight 3, waiting 0, dead 0");
        run.line("5 owe 4 to a b c");
        run.line("6 restart");
        let sent = |run: &mut Run, line: &str| run.shown(line).split_once('[').map(|(_, sent)| sent.to_owned());
        assert_eq!(sent(&mut run, "7 accept 4").as_deref(), Some("4]"));
        assert_eq!(sent(&mut run, "8 accept 2").as_deref(), Some("2 3 4]"));
        assert_eq!(sent(&mut run, "9 accept 3").as_deref(), Some("2 3 4]"));
        assert_eq!(rows(&run), (0, 0));
    }
}

#[test]
fn what_a_batch_leaves_over_stays_in_its_place() {
    check(
        "rule a max=1
         rule b max=2
         0 owe 1 to a b -> a 1/1 [1], b 2/1 [1]
         1 owe 2 3 to a b ->
         2 accept 1 -> a 3/1 [2]
         3 owe 4 to a b ->
         4 restart -> a 3/1 [2], b 2/1 [1]
         status -> owed 5, pending 0, in flight 2, waiting 0, dead 0
         5 accept 3 -> a 65537/1 [3]
         6 accept 2 -> b 65538/1 [2 3]
         7 accept 65537 -> a 65539/1 [4]
         8 accept 65538 -> b 65540/1 [4]
         status -> owed 0, pending 0, in flight 2, waiting 0, dead 0",
    );
}

#[test]
fn lanes_move_in_turn_and_old_rows_go() {
    let mut run = three();
    let mut most = 0;
    for change in 2..=400 {
        run.line(&format!("{change} owe {change} to a b c"));
        most = most.max(rows(&run).1);
        if change % 37 == 0 {
            run.line(&format!("{change} lost"));
        }
    }
    // One moves in each group past the first TURN.
    assert_eq!(most, TURN + 2);
    let (own, _) = rows(&run);
    assert!(own > 3 * 300, "most are in rows of the lanes' own: {own}");
    assert_eq!(run.shown("status"), "owed 1197, pending 0, in flight 3, waiting 0, dead 0");
    run.line("500 restart");
    let all: Vec<_> = (2..=400).map(|change| change.to_string()).collect();
    for (number, sent) in [(1, "a 65537"), (2, "b 65538"), (3, "c 65539")] {
        assert_eq!(run.shown(&format!("501 accept {number}")), format!("{sent}/1 [{}]", all.join(" ")));
    }
    assert_eq!(rows(&run), (0, 0));
}

#[test]
fn a_run_past_the_limit_and_one_lane_alone_get_rows_of_their_own() {
    for (run_max, expect) in [(RUN_MAX, (0, 1)), (RUN_MAX + 1, (2 * (RUN_MAX as u64 + 1), 0))] {
        let mut run = three();
        run.line(&format!("1 owe 2-{} to a b", run_max + 1));
        assert_eq!(rows(&run), expect);
        run.line("2 owe 900 to a");
        run.line("3 restart");
        let sent = run.shown("4 accept 1");
        assert!(sent.starts_with("a 65537/1 [2 3 ") && sent.ends_with(&format!(" {} 900]", run_max + 1)), "{sent}");
    }
    let mut run = three();
    run.line("1 owe 2 to a");
    assert_eq!(rows(&run), (1, 0));
    run.line("2 owe 3 to a b");
    run.line("3 owe 4-100 to a");
    assert_eq!(rows(&run), (99, 2), "what was in a group's row goes before the long run");
    run.line("4 restart");
    let sent = run.shown("5 accept 1");
    assert!(sent.starts_with("a 65537/1 [2 3 4 5 "), "{sent}");
}

#[test]
fn entries_in_groups_are_kept_in_memory_up_to_the_limit() {
    let ledger = Ledger::in_memory(rusqlite::Connection::open_in_memory().expect("SQLite"), NODE).expect("a ledger");
    let mut groups = Groups::default();
    let lanes = (ENTRIES_MAX / RUN_MAX) as i64;
    let run = |from: usize| (from..from + RUN_MAX).map(|seq| Seq(seq as i64)).collect::<Vec<_>>();
    for (from, own) in [(1, 0), (1 + RUN_MAX, lanes / 2)] {
        ledger.begin().expect("a group");
        for id in 1..=lanes {
            groups.add(SubscriptionId(id), &run(from), ledger.dispatch()).expect("a run");
        }
        groups.end_group(ledger.dispatch()).expect("a row");
        ledger.commit().expect("a commit");
        assert_eq!(ledger.dispatch().outbox_totals().expect("totals").len() as i64, own);
        assert_eq!(groups.lanes().map(|(_, seqs)| seqs.len()).sum::<usize>(), ENTRIES_MAX);
    }
}

#[test]
fn a_group_that_was_never_committed_leaves_everything_as_it_was() {
    let mut run = three();
    run.line("1 owe 2 to a b c");
    run.line("2 owe 3 to a b c");
    let now = Now { mono: Mono(3), wall: Wall(WALL_MS + 3) };
    let ledger = run.ledger.as_ref().expect("a ledger");
    ledger.begin().expect("a group");
    run.dispatch.owe(record(ledger, 4, now.wall, &["b", "c"]), ledger.dispatch());
    run.dispatch.gather_owed(enrolled(ledger, "a"), ledger.dispatch()).expect("rows");
    assert!(run.dispatch.release(now, ledger.dispatch(), &|_, _| Ok(None)).expect("a release").is_empty());
    ledger.rollback().expect("it is undone");
    run.line("4 restart");
    assert_eq!(run.shown("status"), "owed 6, pending 0, in flight 3, waiting 0, dead 0");
    assert_eq!(run.shown("5 accept 1"), "a 65537/1 [2 3]");
    assert_eq!(run.shown("5 accept 2"), "b 65538/1 [2 3]");
}

#[test]
fn a_subscription_that_is_dropped_leaves_nothing_in_the_rows_of_groups() {
    let mut run = three();
    run.line("1 owe 2 to a b c");
    run.line("2 drop a");
    assert_eq!(run.shown("status"), "owed 2, pending 0, in flight 2, waiting 0, dead 0");
    run.line("3 restart");
    assert_eq!(run.shown("status"), "owed 2, pending 0, in flight 2, waiting 0, dead 0");
    assert_eq!(run.dispatch.lanes.len(), 2, "nobody is owed anything but b and c");
    assert_eq!(run.shown("4 accept 2"), "b 65537/1 [2]");
    assert_eq!(run.shown("5 accept 3"), "c 65538/1 [2]");
}

#[test]
fn a_subscription_for_once_is_owed_nothing_in_groups_after_its_success() {
    let mut run = Run::new();
    for line in ["rule a lifetime=once", "rule b", "0 owe 1 to a b", "1 owe 2 to a b", "2 accept 1"] {
        run.line(line);
    }
    assert_eq!(run.shown("status"), "owed 1, pending 0, in flight 1, waiting 0, dead 0");
    run.line("3 restart");
    assert_eq!(run.shown("status"), "owed 1, pending 0, in flight 1, waiting 0, dead 0");
}

#[test]
fn what_is_past_the_bound_is_dropped_from_groups_too() {
    let mut run = Run::bounded(20);
    run.line("rule a paused=1");
    run.line("rule b paused=1");
    for change in 1..=20 {
        run.line(&format!("{change} owe {change} to a b"));
    }
    assert_eq!((rows(&run), run.dispatch.take_lagged().len()), ((0, 20), 0));
    run.line("21 owe 21 to a");
    let lagged = run.dispatch.take_lagged();
    assert_eq!((lagged.len(), lagged[0].skipped.last), (1, Seq(3)));
    assert_eq!(run.shown("status"), "owed 38, pending 0, in flight 0, waiting 0, dead 0");
    run.line("22 restart");
    assert_eq!(run.shown("status"), "owed 38, pending 0, in flight 0, waiting 0, dead 0");
    assert_eq!(run.dispatch.first_owed(), Some(Seq(1)), "b has them all");
}

#[test]
fn a_group_whose_row_cannot_be_read_is_set_aside_and_said_and_the_others_count() {
    let mut run = three();
    for change in 2..=4 {
        run.line(&format!("{change} owe {change} to a b c"));
    }
    let ledger = run.ledger.take().expect("a ledger").into_connection();
    let content: Vec<u8> =
        ledger.query_row("SELECT content FROM owed_groups WHERE number = 2", [], |row| row.get(0)).expect("a row");
    run.ledger = Some(Ledger::in_memory(ledger, NODE).expect("a ledger"));
    for damaged in ["x'00'", "'text'", "x''"] {
        damage(&mut run, &format!("UPDATE owed_groups SET content = {damaged} WHERE number = 2"));
        run.line("5 restart");
        assert_eq!(run.shown("status"), "owed 6, pending 0, in flight 3, waiting 0, dead 0", "{damaged}");
        let (troubles, _) = run.dispatch.troubles(super::now_at(WALL_MS));
        assert_eq!((troubles.len(), troubles[0].kind), (1, TroubleKind::Disk), "{troubles:?}");
        assert!(troubles[0].text.contains("row 2 of the table owed_groups cannot be read"), "{troubles:?}");
        assert_eq!(run.dispatch.take_unread().len(), 1);
    }
    assert_eq!(run.shown("6 accept 1").split_once('[').map(|(_, sent)| sent), Some("2 4]"));
    let content: String = content.iter().map(|byte| format!("{byte:02x}")).collect();
    damage(&mut run, &format!("UPDATE owed_groups SET content = x'{content}' WHERE number = 2"));
    run.line("7 restart");
    assert_eq!(run.dispatch.troubles(super::now_at(WALL_MS)), (Vec::new(), 0));
    assert_eq!(run.shown("8 accept 2").split_once('[').map(|(_, sent)| sent), Some("2 3 4]"));
}

#[test]
fn a_damaged_row_that_said_that_a_lane_moved_has_nothing_owed_twice_that_its_own_rows_have() {
    let mut run = three();
    run.line("rule a max=1");
    for change in 2..=4 {
        run.line(&format!("{change} owe {change} to a b c"));
    }
    assert_eq!(run.shown("5 accept 1"), "a 4/1 [2]");
    damage(&mut run, "UPDATE owed_groups SET content = x'00' WHERE number = 4");
    run.line("6 restart");
    assert_eq!(run.shown("status"), "owed 8, pending 0, in flight 3, waiting 0, dead 0");
    assert_eq!(run.shown("7 accept 4").split_once('[').map(|(_, sent)| sent), Some("3]"));
    run.line("8 owe 5 to a b c");
    damage(&mut run, "DELETE FROM owed_groups WHERE number = 4");
    run.line("9 restart");
    assert_eq!(
        run.shown("status"),
        "owed 10, pending 0, in flight 3, waiting 0, dead 0",
        "the fifth row says it again"
    );
    let sent = run.sent.iter().rev().find(|request| request.subscription.name.to_string() == "a").expect("a");
    let line = format!("10 accept {}", sent.id.key);
    assert_eq!(run.shown(&line).split_once('[').map(|(_, sent)| sent), Some("4]"));
}
