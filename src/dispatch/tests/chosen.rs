//! What is retried, dropped, and sent again after it was given up.

use super::super::selection::{SELECTED_MAX, WALK_MAX};
use super::{Run, WALL_MS, bulk, check, chosen, now_at};
use crate::model::ask::{Deed, Selection};
use crate::model::ids::SubscriptionId;
use crate::model::part::DeliveryKey;

/// A subscription `a` with so many dead letters, each of one change.
fn dead_letters(count: u64) -> Run {
    let mut run = Run::new();
    run.line("rule a retries=0 order=parallel max=1");
    for at in 1..=count {
        run.line(&format!("{at} owe {at} to a"));
        run.line(&format!("{at} refuse {at}"));
    }
    run
}

impl Run {
    /// Drops some of what is chosen: how many, and where it stopped.
    fn choose(
        &mut self,
        whose: &str,
        state: &str,
        after: Option<(SubscriptionId, DeliveryKey)>,
    ) -> (u64, Option<(SubscriptionId, DeliveryKey)>) {
        let ledger = self.ledger.as_ref().expect("a ledger");
        let which = Selection { after, ..chosen(ledger, whose, state) };
        let selected = self.dispatch.select(now_at(WALL_MS), &bulk(Deed::Drop, which), false, ledger.dispatch());
        let selected = selected.expect("a choice").expect("a subscription");
        (selected.count, selected.next)
    }

    /// How the newest task stands, and with how many it has been done.
    fn task_state(&self) -> (String, u64) {
        let ledger = self.ledger.as_ref().expect("a ledger");
        let (task, _, goes_on) = ledger.dispatch().task_known_as(&self.task).expect("a task").expect("it is known");
        let running =
            ledger.dispatch().running_bulks().expect("the tasks").into_iter().find(|running| running.task == task);
        assert_eq!(running.is_some(), goes_on);
        ledger.dispatch().task_progress(task).expect("a row")
    }

    /// The names of the subscriptions that somebody has paused.
    fn paused(&self) -> Vec<&str> {
        let rules = self.rules.keys().map(String::as_str);
        let ledger = self.ledger.as_ref().expect("a ledger");
        let is_paused = |name: &str| self.dispatch.lanes[&super::enrolled(ledger, name)].policy().paused.is_some();
        rules.filter(|name| is_paused(name)).collect()
    }
}

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
    let mut run = dead_letters(SELECTED_MAX + 5);
    let (first, next) = run.choose("a", "dead", None);
    assert_eq!((first, next.is_some()), (SELECTED_MAX, true));
    assert_eq!(run.choose("a", "dead", next), (5, None));
    // A filter that covers nothing walks no further than the other limit.
    assert!(WALK_MAX as u64 > SELECTED_MAX + 5, "the test above has not met it");
}

#[test]
fn a_task_goes_on_piece_by_piece_and_after_a_restart_until_all_is_done() {
    let mut run = dead_letters(SELECTED_MAX + 5);
    run.line("10000000 begin drop a dead");
    assert_eq!(run.task_state(), ("running".to_owned(), SELECTED_MAX));
    run.line("10000100 tick");
    assert_eq!(run.task_state(), ("running".to_owned(), SELECTED_MAX), "a piece has its time");
    run.line("10000101 restart");
    assert_eq!(run.task_state(), ("done".to_owned(), SELECTED_MAX + 5));
    assert_eq!(run.shown("status"), "owed 0, pending 0, in flight 0, waiting 0, dead 0");
}

#[test]
fn a_task_that_is_stopped_does_no_more() {
    let mut run = dead_letters(SELECTED_MAX + 5);
    run.line("10000000 begin drop a dead");
    run.line("10000001 stop");
    run.line("10000300 tick");
    run.line("10000301 restart");
    assert_eq!(run.task_state(), ("stopped".to_owned(), SELECTED_MAX));
    assert_eq!(run.shown("status"), "owed 0, pending 0, in flight 0, waiting 0, dead 5");
}

#[test]
fn subscriptions_are_paused_and_resumed_as_far_as_the_filter_covers_them() {
    let mut run = Run::new();
    for name in ["a", "b", "c"] {
        run.line(&format!("rule {name}"));
    }
    run.line("0 pause b");
    run.line("1 begin pause c active");
    run.line("2 owe 1 to a b c");
    assert_eq!(run.paused(), ["b", "c"]);
    run.line("300 begin pause * active");
    assert_eq!(run.paused(), ["a", "b", "c"]);
    run.line("600 begin resume * active");
    assert_eq!(run.paused(), ["a", "b", "c"], "none of them is active");
    run.line("900 begin resume * paused");
    assert_eq!(run.paused(), [""; 0]);
}
