//! How many deliveries of one entry, and how many entries in batches, are delivered a second, when everything is owed
//! already: cut, frozen, sent, answered and recorded.

use std::collections::HashSet;
use std::fs;
use std::time::Instant;

use super::paths;
use crate::limits;
use crate::options::Options;
use crate::store::{LIMIT, Store, rule_of_records};
use crate::table::Figure;
use crate::targets::Targets;

const TARGETS: usize = 16;
const SECRET: &str = "secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'";

/// Deliveries of one entry to 16 targets, a serial subscription each.
pub fn single(options: &Options) -> Vec<Figure> {
    let (changes, count) = (options.sized(5_000), options.sized(5_000) * TARGETS);
    let targets = Targets::start(TARGETS, TARGETS);
    let rules = |more: &str| -> String {
        let policy = format!("maxEntries = 1\n{SECRET}\n{more}");
        (0..TARGETS).map(|n| rule_of_records(&format!("lane-{n:02}"), &targets.url(n), &policy)).collect()
    };
    let before = limits::posts(&targets, count);
    let store = Store::new(options, 2_000, "", &rules("paused = true"));
    let daemon = store.start();
    store.record(&daemon, changes);
    daemon.status_until("all is owed", |status| status["outbox"]["entries"] == count);
    targets.restart(true);
    store.place.rule(&rules(""));
    targets.wait_entries(count, LIMIT);
    let rate = count as f64 / targets.took().as_secs_f64();
    assert_eq!((targets.requests(), targets.unsigned()), (count as u64, 0), "signed, and an entry each");
    let arrivals = targets.take();
    let ids: HashSet<_> = arrivals.iter().map(|arrival| &arrival.id).collect();
    assert_eq!(ids.len(), count, "nothing came twice");
    for target in 0..TARGETS {
        let told = arrivals.iter().filter(|arrival| arrival.target == target).flat_map(|one| paths(&one.body));
        assert!(told.eq((0..changes).map(|change| store.path_of(change))), "in order");
    }
    daemon.status_until("all is recorded", |status| status["deliveries"]["inFlight"] == 0);
    assert!(daemon.stop().success(), "it ends well");
    let bare = f64::midpoint(before, limits::posts(&targets, count));
    vec![
        Figure::new("bare client with HMAC", bare, "/s"),
        Figure::with_goal("ringback, durable and signed", rate, "/s", ">= 10,000"),
        Figure::new("ratio", rate / bare, ""),
    ]
}

/// Entries to one target in batches.
pub fn batches(options: &Options) -> Vec<Figure> {
    let count = options.sized(300_000);
    let targets = Targets::start(1, 1);
    let rules = |more: &str| rule_of_records("all", &targets.url(0), &format!("{SECRET}\n{more}"));
    let store = Store::new(options, 20_000, "", &rules("paused = true"));
    let scratch = store.place.state.with_file_name("limit");
    fs::create_dir(&scratch).expect("a directory");
    let (fdatasync, before) = (limits::fdatasync(&scratch), limits::rows(&scratch, count));
    fs::remove_dir_all(&scratch).expect("removed");
    let daemon = store.start();
    let recording = store.record(&daemon, count);
    daemon.status_until("all is owed", |status| status["outbox"]["entries"] == count);
    targets.restart(true);
    store.place.rule(&rules(""));
    targets.wait_entries(count, LIMIT);
    let rate = count as f64 / targets.took().as_secs_f64();
    let requests = targets.requests();
    let told = targets.take().into_iter().flat_map(|arrival| paths(&arrival.body));
    assert!(told.eq((0..count).map(|change| store.path_of(change))), "all of it, once, in order");
    daemon.status_until("all is recorded", |status| status["deliveries"]["inFlight"] == 0);
    // The same once more while they are recorded.
    targets.restart(false);
    let began = Instant::now();
    store.record(&daemon, count);
    targets.wait_entries(count, LIMIT);
    let through = count as f64 / began.elapsed().as_secs_f64();
    assert!(daemon.stop().success(), "it ends well");
    fs::create_dir(&scratch).expect("a directory");
    let bare = f64::midpoint(before, limits::rows(&scratch, count));
    vec![
        Figure::new("fdatasync of 4 KiB", fdatasync.as_secs_f64() * 1e3, "ms"),
        Figure::new("SQLite: insert and acknowledge in groups of 100", bare, "rows/s"),
        Figure::with_goal("ringback, delivered in batches", rate, "entries/s", ">= 60,000"),
        Figure::new("ratio", rate / bare, ""),
        Figure::new("entries in a batch", count as f64 / requests as f64, ""),
        Figure::new("recorded and owed by requests of 10,000 records", count as f64 / recording.as_secs_f64(), "/s"),
        Figure::new("from record to delivered, both at once", through, "entries/s"),
    ]
}
