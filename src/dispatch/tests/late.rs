//! Who is late: what is owed to it is old, and neither a pause nor a fault says why.

use super::{Run, WALL_MS, now_at};
use crate::model::lane::LATE_MS;
use crate::model::status::{TROUBLES_MAX, TroubleKind};

/// The subscriptions that are late so many milliseconds after the first line of a script, and how many more there are.
fn late(run: &Run, after_ms: i64) -> (Vec<String>, u64) {
    let (troubles, more) = run.dispatch.troubles(now_at(WALL_MS + after_ms));
    let late = troubles.into_iter().filter(|trouble| trouble.kind == TroubleKind::Late);
    (late.filter_map(|trouble| trouble.subject).collect(), more)
}

/// Runs a script, and says who is late after it.
fn late_after(script: &str, after_ms: i64) -> String {
    let mut run = Run::new();
    script.lines().for_each(|line| run.line(line));
    late(&run, after_ms).0.join(" ")
}

#[test]
fn a_subscription_is_late_once_what_it_is_owed_is_five_minutes_old() {
    let mut run = Run::new();
    run.line("rule a");
    run.line("0 owe 1 to a");
    run.line("1000 owe 2 3 to a");
    assert_eq!(late(&run, LATE_MS).0, [""; 0]);
    assert_eq!(late(&run, LATE_MS + 1).0, ["a"], "the delivery on the wire counts");
    let (troubles, _) = run.dispatch.troubles(now_at(WALL_MS + LATE_MS + 1));
    assert_eq!(
        (troubles[0].since.as_str(), troubles[0].text.as_str()),
        (
            "2027-01-15T08:00:00.000Z",
            "a is late: it is owed 3 entries, the oldest for more than 5 minutes; `ringback deliveries --subscription a` \
             shows what is on its way"
        )
    );
    run.line("300002 accept 1");
    // What gathered has been cut just now: it is as old as its delivery.
    assert_eq!(late(&run, 300_002).0, [""; 0]);
    run.line("300003 accept 2");
    assert_eq!(late(&run, 10 * LATE_MS).0, [""; 0], "it is owed nothing");
}

#[test]
fn whoever_is_paused_or_fails_or_lingers_is_not_late() {
    let at = LATE_MS + 1;
    for (script, expect) in [
        ("rule a\n0 owe 1 to a", "a"),
        ("rule a\n0 owe 1 to a\n1 pause a", ""),
        ("rule a\n0 owe 1 to a\n1 pause a\n2 resume a", "a"),
        ("rule a paused=1\n0 owe 1 to a", ""),
        ("rule a delays=9000000\n0 owe 1 to a\n1 refuse 1", ""),
        ("rule a linger=1\n0 owe 1 to a", ""),
        ("rule a linger=300000\n0 owe 1 to a", ""),
        ("rule a\n0 owe 1 to a\n1 restart", "a"),
        ("rule a\n0 owe 1-4 to a\n1 422 1", "a"),
        ("rule a\nrule b\n0 owe 1 to b a\n1 owe 2 to a", "a b"),
        ("rule a\n0 owe 1 to a\nunrule a", ""),
        // One delivery of several fails, and others are accepted: nothing else says that it waits.
        ("rule a order=parallel max=1 delays=9000000\n0 owe 1-2 to a\n1 refuse 1\n2 accept 2", "a"),
        // A dead letter that is sent again is of another time.
        ("rule a retries=0\n0 owe 1 to a\n1 refuse 1\n2 owe 2 to a\n3 accept 2\n4 retry a dead", ""),
    ] {
        assert_eq!(late_after(script, at), expect, "{script}");
    }
    assert_eq!(late_after("rule a linger=1\n0 owe 1 to a", at + 1), "a");
    assert_eq!(late_after("rule a linger=300000\n0 owe 1 to a", at + 300_000), "a");
}

#[test]
fn late_subscriptions_are_named_up_to_the_limit() {
    let mut run = Run::new();
    let names: Vec<_> = (0..=TROUBLES_MAX).map(|n| format!("s{n}")).collect();
    names.iter().for_each(|name| run.line(&format!("rule {name} at={name}")));
    run.line(&format!("0 owe 1 to {}", names[1..].join(" ")));
    let (named, more) = late(&run, LATE_MS + 1);
    assert_eq!((named.len(), more), (TROUBLES_MAX, 0));
    run.line(&format!("1 owe 2 to {}", names[0]));
    let (named, more) = late(&run, LATE_MS + 2);
    assert_eq!((named.len(), more), (TROUBLES_MAX, 1));
    assert!(!named.contains(&names[0]), "those that are owed the oldest come first");
}
