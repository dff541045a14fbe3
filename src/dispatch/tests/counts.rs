//! What is counted of deliveries and attempts for the metrics.

use super::Run;
use crate::model::measures::{Dispatched, SubscriptionCounts};

/// Runs a script without looking at what goes out; returns what it counted.
fn counted(run: &mut Run, script: &str) -> Dispatched {
    script.lines().for_each(|line| run.line(line));
    run.dispatch.take_counts()
}

/// The numbers that a test looks at: delivered, dead, dropped, and entries that were delivered.
fn ended(counts: &Dispatched) -> [u64; 4] {
    [counts.delivered, counts.dead, counts.dropped, counts.entries]
}

#[test]
fn each_attempt_and_each_end_of_a_delivery_is_counted_once() {
    let mut run = Run::new();
    let counts = counted(
        &mut run,
        "rule a retries=1 delays=1
         0 owe 1 to a
         1 owe 2-4 to a
         2 accept 1
         3 refuse 2
         1003 tick
         1004 accept 2",
    );
    assert_eq!(ended(&counts), [2, 0, 0, 4]);
    assert_eq!(counts.attempts, [2, 1, 0, 0, 0, 0, 0]);
    let observed = |histogram: &crate::model::measures::Histogram| histogram.buckets.iter().sum::<u64>();
    assert_eq!((observed(&counts.attempt), counts.attempt.longer), (3, 0));
    assert_eq!(observed(&counts.delivery) + counts.delivery.longer, 2);
    assert_eq!(run.dispatch.take_counts(), Dispatched::default(), "what was taken is not counted again");
}

#[test]
fn a_delivery_that_is_given_up_sent_again_or_dropped_is_counted_as_that() {
    let mut run = Run::new();
    let counts = counted(
        &mut run,
        "rule a retries=0
         0 owe 1 to a
         1 refuse 1
         2 owe 2 to a
         3 refuse 2
         4 retry a dead
         5 accept 1
         6 refuse 2
         7 drop-chosen a dead",
    );
    assert_eq!(ended(&counts), [1, 3, 1, 1]);
    let observed = counts.delivery.buckets.iter().sum::<u64>() + counts.delivery.longer;
    assert_eq!(observed, 0, "how long ago a replay's change was recorded says nothing of how deliveries fare");
    assert_eq!(counts.attempt.buckets.iter().sum::<u64>(), 4);
}

#[test]
fn what_a_lost_group_did_is_not_counted() {
    let mut run = Run::new();
    let counts = counted(
        &mut run,
        "rule a
         0 owe 1 to a
         1 accept 1
         2 lost",
    );
    assert_eq!(counts, Dispatched::default());
}

#[test]
fn each_subscription_is_counted_in_the_state_that_is_shown_of_it() {
    let mut run = Run::new();
    let states = |run: &Run| {
        let SubscriptionCounts { active, lagged, paused, cancelled } = run.dispatch.subscription_counts();
        [active, lagged, paused, cancelled]
    };
    counted(&mut run, "rule a\nrule b\nrule c paused=1\nrule d lifetime=once");
    assert_eq!(states(&run), [3, 0, 1, 0]);
    counted(&mut run, "0 owe 1 to d\n1 accept 1\n2 pause a");
    assert_eq!(states(&run), [1, 0, 2, 1]);
    counted(&mut run, "3 resume a\nunrule b");
    assert_eq!(states(&run), [1, 0, 1, 1]);
    counted(&mut run, "4 restart");
    assert_eq!(states(&run), [1, 0, 1, 1]);
}
