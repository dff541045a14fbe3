//! A subscription that lost entries is told how the assets stand that changed since.

use super::{Run, WALL_MS, check_in};

/// Runs a script for a subscription that may be owed 20 entries.
#[track_caller]
fn check(script: &str) -> Run {
    check_in(Run::bounded(20), script)
}

fn lags(run: &Run) -> bool {
    !run.dispatch.troubles(super::now_at(WALL_MS)).0.is_empty()
}

#[test]
fn it_is_told_what_changed_since_the_first_loss_in_turns_with_what_it_owes() {
    let run = check(
        "rule a paused=1 max=10
         0 owe 1-2 to a
         1 owe 3-21 to a
         2 rule a max=10 -> a 1/1 []
         3 accept 1 -> a 2/1 [1 2 3 4 5 6 7 8 9 10]
         4 accept 2 -> a 3/1 [4 5 6 7 8 9 10 11 12 13]
         5 accept 3 -> a 4/1 [11 12 13 14 15 16 17 18 19 20]
         6 owe 22 to a ->
         7 accept 4 -> a 5/1 [14 15 16 17 18 19 20 21 22]
         8 accept 5 -> a 6/1 [21 22]
         9 accept 6 ->
         tasks -> done 22/-
         next -> never",
    );
    assert!(!lags(&run), "it is level");
}

#[test]
fn what_is_lost_meanwhile_is_made_up_for_by_another_walk() {
    check(
        "rule a paused=1 max=10
         0 owe 1-21 to a
         2 rule a max=10 -> a 1/1 []
         3 accept 1 -> a 2/1 [1 2 3 4 5 6 7 8 9 10]
         4 owe 31-33 to a ->
         5 accept 2 -> a 3/1 []
         6 accept 3 -> a 4/1 [7 8 9 10 11 12 13 14 15 16]
         7 accept 4 -> a 5/1 [11 12 13 14 15 16 17 18 19 20]
         8 accept 5 -> a 6/1 [17 18 19 20 21 31 32 33]
         9 accept 6 -> a 7/1 [21 31 32 33]
         10 accept 7 -> a 8/1 [1 2 3 4 5 6 7 8 9 10]
         11 accept 8 -> a 9/1 [11 12 13 14 15 16 17 18 19 20]
         12 accept 9 -> a 10/1 [21 31 32 33]
         13 accept 10 ->
         tasks -> done 48/-
         next -> never",
    );
}

#[test]
fn it_goes_on_after_a_restart_and_repeats_nothing() {
    check(
        "rule a paused=1 max=10
         0 owe 1-21 to a
         2 rule a max=10 -> a 1/1 []
         3 accept 1 -> a 2/1 [1 2 3 4 5 6 7 8 9 10]
         4 restart -> a 2/1 [1 2 3 4 5 6 7 8 9 10]
         6 accept 2 -> a 65537/1 [11 12 13 14 15 16 17 18 19 20]
         7 accept 65537 -> a 65538/1 [4 5 6 7 8 9 10 11 12 13]
         8 accept 65538 -> a 65539/1 [21]
         9 accept 65539 -> a 65540/1 [14 15 16 17 18 19 20 21]
         10 accept 65540 ->
         tasks -> done 21/-",
    );
}

#[test]
fn a_stop_ends_it_and_the_lane_goes_on() {
    let run = check(
        "rule a paused=1 max=10
         0 owe 1-21 to a
         2 rule a max=10 -> a 1/1 []
         3 accept 1 -> a 2/1 [1 2 3 4 5 6 7 8 9 10]
         4 stop
         5 accept 2 -> a 3/1 [4 5 6 7 8 9 10 11 12 13]
         6 accept 3 -> a 4/1 [14 15 16 17 18 19 20 21]
         7 accept 4 ->
         tasks -> stopped 10/-",
    );
    assert!(!lags(&run));
}

#[test]
fn a_piece_of_a_batch_that_is_refused_is_split_as_any() {
    check(
        "rule a paused=1 max=10
         0 owe 1-21 to a
         2 rule a max=10 -> a 1/1 []
         3 accept 1 -> a 2/1 [1 2 3 4 5 6 7 8 9 10]
         4 413 2 -> a 2.0/1 [1 2 3 4 5]
         5 accept 2.0 -> a 2.1/1 [6 7 8 9 10]",
    );
}

#[test]
fn what_lingers_does_not_keep_a_backfill_waiting() {
    check(
        "rule a paused=1 max=20
         0 owe 1-21 to a
         2 rule a linger=1000 max=20 -> a 1/1 []
         3 accept 1 -> a 2/1 [1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20]
         4 accept 2 -> a 3/1 [21]
         1100 accept 3 -> a 4/1 [4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21]
         1101 accept 4 ->
         tasks -> done 21/-",
    );
}
