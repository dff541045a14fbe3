//! From the commit of a change to the first byte at its target, with nothing else to do.
//!
//! The commit is seen from outside: the first write to the ledger's log after the file was closed, by inotify. So what
//! SQLite still does after that write counts too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use notify::{EventKind, RecursiveMode, Watcher as _};

use super::{paths, quantile};
use crate::limits;
use crate::options::Options;
use crate::store::{LIMIT, Store, rule_of_files};
use crate::table::Figure;
use crate::targets::Targets;

const PAUSE: Duration = Duration::from_millis(10);
/// Not counted: connections and caches are new.
const WARM_UP: usize = 50;

pub fn run(options: &Options) -> Vec<Figure> {
    let count = options.sized(1_000).max(WARM_UP) + WARM_UP;
    let targets = Targets::start(1, 1);
    let mut bare = limits::latencies(&targets, count, PAUSE);
    let policy = "secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'";
    let store = Store::new(options, 1, "", &rule_of_files("files", &targets.url(0), policy));
    let daemon = store.start();
    // The bare client has been counted, too.
    targets.restart(false);
    store.place.write("/files/first.mov", "");
    targets.wait_entries(1, LIMIT);
    let commits = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&commits);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let at = Instant::now();
        if matches!(event.expect("an event").kind, EventKind::Modify(_)) {
            seen.lock().expect("not poisoned").push(at);
        }
    })
    .expect("a watcher");
    watcher.watch(&store.place.state.join("ledger.db-wal"), RecursiveMode::NonRecursive).expect("watched");
    targets.restart(true);
    let mut written = HashMap::new();
    for number in 0..count {
        std::thread::sleep(PAUSE);
        let path = format!("/files/{number:06}.mov");
        store.place.write(&path, "");
        written.insert(path, (number, Instant::now()));
    }
    targets.wait_entries(count, LIMIT);
    drop(watcher);
    let commits = std::mem::take(&mut *commits.lock().expect("not poisoned"));
    let (mut from_commit, mut from_close, mut unseen) = (Vec::new(), Vec::new(), 0.0);
    for arrival in targets.take() {
        for path in paths(&arrival.body) {
            let Some(&(number, closed)) = written.get(&path) else {
                panic!("{path} was told once more: {}", String::from_utf8_lossy(&arrival.body));
            };
            if number < WARM_UP {
                continue;
            }
            from_close.push(arrival.at - closed);
            match commits.get(commits.partition_point(|at| *at < closed)).filter(|at| **at < arrival.at) {
                Some(commit) => from_commit.push(arrival.at - *commit),
                None => unseen += 1.0,
            }
        }
    }
    assert_eq!(from_close.len(), count - WARM_UP, "every file, once");
    assert!(daemon.stop().success(), "it ends well");
    bare.drain(..WARM_UP);
    vec![
        Figure::new("bare POST, p50", quantile(&mut bare, 0.5), "ms"),
        Figure::new("bare POST, p99", quantile(&mut bare, 0.99), "ms"),
        Figure::with_goal("commit to first byte, p50", quantile(&mut from_commit, 0.5), "ms", "< 0.3"),
        Figure::with_goal("commit to first byte, p99", quantile(&mut from_commit, 0.99), "ms", "< 3"),
        Figure::new("close(2) to first byte, p50", quantile(&mut from_close, 0.5), "ms"),
        Figure::new("close(2) to first byte, p99", quantile(&mut from_close, 0.99), "ms"),
        Figure::new("commits seen only after the arrival", unseen, ""),
    ]
}
