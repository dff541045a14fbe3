//! What a subscription was told since a time is sent again.

use super::{Run, check};
use crate::model::ask::Answer;

#[test]
fn what_was_told_since_a_time_goes_again_beside_the_order_in_new_deliveries() {
    check(
        "rule a max=2
         0 owe 1 to a -> a 1/1 [1]
         1 accept 1 ->
         2 owe 2-5 to a -> a 2/1 [2 3]
         3 accept 2 -> a 3/1 [4 5]
         4 accept 3 ->
         5 replay a 2 -> a 4/1 replay [2 3]
         6 owe 6 to a -> a 5/1 [6]
         7 accept 4 -> a 6/1 replay [4 5]
         8 accept 5 ->
         9 owe 7 to a -> a 7/1 [7]
         10 accept 6 ->
         11 accept 7 ->
         12 tick ->
         tasks -> done 2/9
         next -> never",
    );
}

#[test]
fn what_was_given_up_or_dropped_is_told_again_too_and_what_was_told_again_is_not() {
    check(
        "rule a max=1 retries=0
         0 owe 1-3 to a -> a 1/1 [1]
         1 refuse 1 -> a 2/1 [2]
         2 accept 2 -> a 3/1 [3]
         3 refuse 3 ->
         4 drop-chosen a dead ->
         5 owe 4 to a -> a 4/1 [4]
         6 refuse 4 ->
         7 replay a 0 -> a 5/1 replay [1]
         8 accept 5 -> a 6/1 replay [2]
         9 accept 6 -> a 7/1 replay [3]
         10 accept 7 -> a 8/1 replay [4]
         11 accept 8 ->
         tasks -> done 4/9
         12 replay a 0 -> a 65537/1 replay [1]",
    );
}

#[test]
fn only_entries_of_then_or_later_go_again_as_many_as_the_rule_takes_now() {
    check(
        "rule a linger=100
         0 owe 1 to a ->
         50 owe 2-4 to a ->
         100 tick -> a 1/1 [1 2 3 4]
         101 accept 1 ->
         rule a max=2
         102 replay a 50 -> a 2/1 replay [2 3]
         103 accept 2 -> a 3/1 replay [4]
         104 accept 3 ->
         tasks -> done 1/9",
    );
}

/// One that waits for its next attempt lets the next one go, as dead letters do.
#[test]
fn a_replay_goes_on_after_a_restart_and_where_one_of_it_fails() {
    check(
        "rule a max=1 delays=1000
         0 owe 1-3 to a -> a 1/1 [1]
         1 accept 1 -> a 2/1 [2]
         2 accept 2 -> a 3/1 [3]
         3 accept 3 ->
         4 replay a 0 -> a 4/1 replay [1]
         5 refuse 4 -> a 5/1 replay [2]
         6 restart -> a 5/1 replay [2]
         7 accept 5 -> a 65537/1 replay [3]
         8 accept 65537 ->
         tasks -> done 3/9
         1005 tick -> a 4/2 replay [1]",
    );
}

#[test]
fn a_replay_waits_while_its_lane_is_paused_ends_when_it_is_stopped_and_is_one_at_a_time() {
    let mut run = Run::new();
    for line in ["rule a max=1", "0 owe 1-2 to a", "1 accept 1", "2 accept 2", "3 pause a"] {
        run.line(line);
    }
    assert_eq!(run.shown("4 replay a 0"), "");
    run.line("5 replay a 0");
    assert_eq!(run.refused, [Answer::GoesOn]);
    assert_eq!(run.shown("6 resume a"), "a 3/1 replay [1]");
    run.line("7 stop");
    assert_eq!(run.shown("8 accept 3"), "");
    assert_eq!(run.shown("tasks"), "stopped 1/9");
    assert_eq!(run.shown("9 replay a 0"), "a 65537/1 replay [1]");
}

#[test]
fn a_subscription_that_is_dropped_ends_its_replay() {
    let mut run = Run::new();
    for line in ["rule a max=1", "0 owe 1 to a", "1 accept 1", "2 pause a", "3 replay a 0", "4 drop a"] {
        run.line(line);
    }
    assert_eq!(run.shown("tasks"), "failed 0/9");
    run.line("5 restart");
    assert_eq!(run.shown("next"), "never");
}

#[test]
fn a_replay_goes_on_where_dead_letters_that_were_to_be_sent_again_are_dropped() {
    check(
        "rule a max=1 retries=0
         0 owe 1-2 to a -> a 1/1 [1]
         1 accept 1 -> a 2/1 [2]
         2 refuse 2 ->
         3 pause a ->
         4 retry a dead ->
         5 replay a 0 ->
         6 drop-chosen a dead ->
         7 resume a -> a 3/1 replay [1]
         8 accept 3 -> a 4/1 replay [2]
         9 accept 4 ->
         tasks -> done 2/9",
    );
}

#[test]
fn a_subscription_for_once_is_not_replayed_when_it_is_over_and_its_replay_ends_with_it() {
    let mut run = Run::new();
    for line in ["rule a lifetime=once retries=0 max=1", "0 owe 1-2 to a", "1 refuse 1", "2 refuse 2"] {
        run.line(line);
    }
    assert_eq!(run.shown("3 replay a 0"), "a 3/1 replay [1]");
    assert_eq!(run.shown("4 accept 3"), "");
    assert_eq!(run.shown("tasks"), "failed 1/9");
    run.line("5 replay a 0");
    assert_eq!(run.refused, [Answer::NotFound]);
}

#[test]
fn a_replay_whose_changes_are_forgotten_says_so() {
    let mut run = Run::new();
    for line in ["rule a max=1", "0 owe 1-2 to a", "1 accept 1", "2 accept 2"] {
        run.line(line);
    }
    super::bounds::damage(&mut run, "DELETE FROM journal WHERE seq = 2");
    assert_eq!(run.shown("3 replay a 0"), "a 65537/1 replay [1]");
    assert_eq!(run.shown("4 accept 65537"), "");
    assert_eq!(run.shown("tasks"), "failed 2/9");
}

/// Two parts of one delivery of then are cut at once, and the first cannot be read.
#[test]
fn a_part_of_a_replay_that_cannot_be_read_keeps_the_others_from_nothing() {
    let mut run = Run::new();
    for line in
        ["rule a linger=10", "0 owe 1-4 to a", "10 tick", "11 accept 1", "rule a max=2 delays=1000", "12 pause a"]
    {
        run.line(line);
    }
    run.line("13 replay a 0");
    run.line("14 resume a");
    run.line("15 refuse 2");
    assert_eq!(run.shown("16 accept 3"), "");
    super::bounds::damage(&mut run, "UPDATE deliveries SET body = 7 WHERE number = 2");
    assert_eq!(run.shown("1015 tick"), "", "it cannot be read");
    let others = run.shown("1016 replay a 0");
    assert_eq!(others, "a 65537/1 replay [1 2]", "others are sent again meanwhile");
    assert_eq!(run.shown("1018 accept 65537"), "a 65538/1 replay [3 4]");
}
