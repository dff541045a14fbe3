//! A lane that is 20,000 entries behind and takes one at a time: how fast it catches up, and what that costs another
//! one.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::{paths, quantile, since_written};
use crate::options::Options;
use crate::store::{LIMIT, Store, rule_of_files, rule_of_records};
use crate::table::Figure;
use crate::targets::Targets;

const PAUSE: Duration = Duration::from_millis(10);
/// The other lane's target, and the one that is behind.
const OTHER: usize = 0;
const BEHIND: usize = 1;

pub fn run(options: &Options) -> Vec<Figure> {
    let owed = options.sized(20_000);
    let targets = Targets::start(2, 2);
    let rules = |more: &str| {
        let behind = rule_of_records("behind", &targets.url(BEHIND), &format!("maxEntries = 1\n{more}"));
        behind + &rule_of_files("other", &targets.url(OTHER), "")
    };
    let store = Store::new(options, 2_000, "", &rules("paused = true"));
    let daemon = store.start();
    store.record(&daemon, owed);
    daemon.status_until("all is owed", |status| status["outbox"]["entries"] == owed);
    let mut written = HashMap::new();
    let mut write = |round: &str, number: usize| {
        std::thread::sleep(PAUSE);
        let path = format!("/files/{round}-{number:06}.mov");
        store.place.write(&path, "");
        written.insert(path, Instant::now());
    };
    write("warm-up", 0);
    targets.wait_entries(1, LIMIT);
    targets.restart(true);
    let count = options.sized(300).max(20);
    (0..count).for_each(|number| write("alone", number));
    targets.wait_entries(count, LIMIT);
    let alone = targets.take();
    targets.restart(true);
    store.place.rule(&rules(""));
    // While the lane catches up, and for as long as that takes.
    let mut number = 0;
    let end = Instant::now() + LIMIT;
    while (targets.requests_at(BEHIND) as usize) < owed {
        assert!(Instant::now() < end, "{} requests of {owed}", targets.requests_at(BEHIND));
        write("beside", number);
        number += 1;
    }
    targets.wait_entries(owed + number, LIMIT);
    let beside = targets.take();
    let caught_up: Vec<_> = beside.iter().filter(|arrival| arrival.target == BEHIND).collect();
    let told = caught_up.iter().flat_map(|arrival| paths(&arrival.body));
    assert!(told.eq((0..owed).map(|change| store.path_of(change))), "all of it, once, in order");
    let (first, last) = (caught_up[0].at, caught_up[owed - 1].at);
    // What arrived before the lane was let go, or after it was level, was not beside it.
    let (among, _): (Vec<_>, Vec<_>) =
        beside.into_iter().partition(|arrival| arrival.target == OTHER && (first..=last).contains(&arrival.at));
    assert!(daemon.stop().success(), "it ends well");
    let mut alone = since_written(&written, &alone, 1);
    let mut among = since_written(&written, &among, 1);
    let (p50, p50_beside) = (quantile(&mut alone, 0.5), quantile(&mut among, 0.5));
    vec![
        Figure::with_goal(
            "the lane behind, deliveries of one entry",
            owed as f64 / (last - first).as_secs_f64(),
            "/s",
            ">= 5,000",
        ),
        Figure::new("another lane alone, p50", p50, "ms"),
        Figure::new("another lane alone, p99", quantile(&mut alone, 0.99), "ms"),
        Figure::new("another lane beside it, p50", p50_beside, "ms"),
        Figure::new("another lane beside it, p99", quantile(&mut among, 0.99), "ms"),
        Figure::with_goal("p50 beside it to p50 alone", p50_beside / p50, "x", "< 2"),
    ]
}
