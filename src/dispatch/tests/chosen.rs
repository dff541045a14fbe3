//! What is retried, dropped, and sent again after it was given up.

use super::{Run, check};

#[test]
fn a_dead_letter_is_sent_again_beside_the_order_with_the_same_bytes() {
    check(
        "rule a retries=0
         0 owe 1 to a -> a 1/1 [1]
         1 refuse 1 ->
         status -> owed 0, pending 0, in flight 0, waiting 0, dead 1
         2 owe 2 to a -> a 2/1 [2]
         3 retry a dead -> a 1/2 replay [1]
         status -> owed 0, pending 0, in flight 2, waiting 0, dead 0
         4 accept 2 ->
         5 owe 3 to a -> a 3/1 [3]
         6 accept 1 ->
         7 accept 3 ->
         status -> owed 0, pending 0, in flight 0, waiting 0, dead 0",
    );
}

#[test]
fn replays_go_one_at_a_time_and_one_that_waits_lets_the_next_go() {
    check(
        "rule a retries=0
         0 owe 1 to a -> a 1/1 [1]
         1 refuse 1 ->
         2 owe 2 to a -> a 2/1 [2]
         3 refuse 2 ->
         4 owe 3 to a -> a 3/1 [3]
         5 refuse 3 ->
         rule a delays=1000 retries=1
         6 retry a dead -> a 1/2 replay [1]
         7 refuse 1 -> a 2/2 replay [2]
         8 accept 2 -> a 3/2 replay [3]
         9 owe 4 to a -> a 4/1 [4]
         10 accept 3 ->
         1007 tick -> a 1/3 replay [1]
         1008 refuse 1 ->
         dead -> 1 [1]
         1009 accept 4 ->",
    );
}

#[test]
fn a_replay_outlives_a_restart_before_it_is_sent_and_while_it_is_on_the_wire() {
    check(
        "rule a retries=0
         0 owe 1 to a -> a 1/1 [1]
         1 refuse 1 ->
         2 owe 2 to a -> a 2/1 [2]
         3 refuse 2 ->
         4 retry a dead -> a 1/2 replay [1]
         5 restart -> a 1/2 replay [1]
         6 accept 1 -> a 2/2 replay [2]
         7 accept 2 ->
         status -> owed 0, pending 0, in flight 0, waiting 0, dead 0",
    );
}

#[test]
fn a_paused_lane_sends_nothing_again_until_it_is_resumed() {
    check(
        "rule a retries=0
         0 owe 1 to a -> a 1/1 [1]
         1 refuse 1 ->
         2 pause a ->
         3 retry a dead ->
         status -> owed 0, pending 0, in flight 0, waiting 0, dead 1
         4 restart ->
         5 resume a -> a 1/2 replay [1]
         6 accept 1 ->",
    );
}

#[test]
fn a_replay_that_is_too_large_is_sent_in_halves_one_after_the_other() {
    check(
        "rule a retries=0
         0 owe 1-2 to a -> a 1/1 [1 2]
         1 refuse 1 ->
         2 retry a dead -> a 1/2 replay [1 2]
         3 413 1 -> a 1.0/1 replay [1]
         4 owe 3 to a -> a 2/1 [3]
         5 accept 1.0 -> a 1.1/1 replay [2]
         6 accept 2 ->
         7 accept 1.1 ->
         8 owe 4-6 to a -> a 3/1 [4 5 6]",
    );
}

#[test]
fn what_waits_is_due_at_once_when_it_is_retried() {
    check(
        "rule a delays=60000
         rule b delays=60000
         0 owe 1 to a b -> a 1/1 [1], b 2/1 [1]
         1 refuse 1 ->
         2 refuse 2 ->
         3 count a waiting ->
         4 retry a waiting -> a 1/2 [1]
         5 retry a waiting ->
         6 accept 1 ->
         7 retry all waiting -> b 2/2 [1]",
    );
}

#[test]
fn what_is_dropped_is_gone_and_the_next_one_goes() {
    check(
        "rule a delays=60000 max=1
         0 owe 1-2 to a -> a 1/1 [1]
         1 drop-chosen a pending ->
         2 refuse 1 ->
         3 drop-chosen a waiting -> a 2/1 [2]
         4 accept 2 ->
         rule a retries=0
         5 owe 3 to a -> a 3/1 [3]
         6 refuse 3 ->
         7 drop-chosen a dead ->
         dead ->
         status -> owed 0, pending 0, in flight 0, waiting 0, dead 0",
    );
}

#[test]
fn one_ask_acts_on_up_to_the_limit_and_says_where_to_go_on() {
    let mut run = Run::new();
    run.line("rule a retries=0 order=parallel max=1");
    let (mut at, mut given_up) = (0, 0);
    while given_up < super::super::selection::SELECTED_MAX + 5 {
        at += 1;
        run.line(&format!("{at} owe {at} to a"));
        run.line(&format!("{at} refuse {at}"));
        given_up += 1;
    }
    let (first, next) = run.choose("a", "dead", None);
    assert_eq!((first, next.is_some()), (super::super::selection::SELECTED_MAX, true));
    assert_eq!(run.choose("a", "dead", next), (5, None));
    // A filter that covers nothing walks no further than the other limit.
    let walk = super::super::selection::WALK_MAX as u64;
    assert!(walk > given_up, "the test above has not met it");
}
