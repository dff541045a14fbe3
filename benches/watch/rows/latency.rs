//! From close(2) in a store to the request at a receiver, beside webhooks as they are made by hand.
//!
//! The clock is this process's on both ends: the writer's right before close(2), the receiver's when the headers have
//! arrived. Ringback and the bare limit alternate, so that whatever else the machine does, it does to both. The others
//! start a process for each request, which would disturb those two: they come after, one by one.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::thousands;
use crate::heard::{Ear, Heard, Piece};
use crate::options::{Options, Peer, Who, installed};
use crate::table::{Metric, Table, Unit};
use crate::tree::{Tree, write};
use crate::watcher::Watcher;
use crate::watcher::ringback::Ringback;
use crate::watcher::watchman::Watchman;
use crate::webhook::{InotifywaitCurl, bare};

/// Between two writes to one watcher.
const GAP: Duration = Duration::from_millis(10);
/// Writes before the measurement, which warm connections and caches.
const WARM_UP: usize = 50;
/// One that posts nothing for so long posts nothing more. watchman's trigger can take 10 s.
const SILENCE: Duration = Duration::from_secs(20);
/// Where the writes go: a directory that is there from the beginning.
const DIR: &str = "/latency";

const METRICS: &[Metric] = &[
    Metric { key: "p50_ms", what: "median", unit: Unit::Milliseconds, reach: "< 0.5 ms" },
    Metric { key: "p99_ms", what: "99th percentile", unit: Unit::Milliseconds, reach: "< 3 ms" },
    Metric { key: "max_ms", what: "the longest", unit: Unit::Milliseconds, reach: "" },
    Metric { key: "never_told", what: "writes never told", unit: Unit::Count, reach: "0" },
];

/// When each file was closed, by name.
type Closed = HashMap<String, Instant>;

pub fn run(options: &Options, everybody: &[Who], table: &mut Table) {
    let (count, dirs) = (options.sized(1_000), options.sized(100));
    let what = format!(
        "close(2) to HTTP request, {} writes {} ms apart beside {} files (raw: inotify + hyper; others: + curl)",
        thousands(count),
        GAP.as_millis(),
        thousands(dirs * 100)
    );
    table.row("latency", &what, METRICS);
    let tree = || {
        let tree = Tree::new(&options.trees());
        tree.fill(dirs, 100);
        std::fs::create_dir(tree.at(DIR)).expect("a directory");
        tree
    };
    let is = |peer| everybody.contains(&Who::Peer(peer));
    alternating(options, &tree(), &tree(), count, is(Peer::Raw), table);
    let others = is(Peer::Watchman) || is(Peer::Inotifywait);
    if !others || !installed("curl", "curl", "--version") {
        return;
    }
    if is(Peer::Watchman) {
        let (tree, ear) = (tree(), Ear::new());
        let _watchman = Watchman::curl_trigger(&tree.root, &ear.url("/"));
        let closed = paced(count, &[tree.at(DIR)]).remove(0);
        note(Who::Peer(Peer::Watchman), &closed, &ear.heard, count, names_in_lines, table);
    }
    if is(Peer::Inotifywait) {
        let (tree, ear) = (tree(), Ear::new());
        let _inotifywait = InotifywaitCurl::start(&tree.root, &ear.url("/"));
        let closed = paced(count, &[tree.at(DIR)]).remove(0);
        note(Who::Peer(Peer::Inotifywait), &closed, &ear.heard, count, names_in_lines, table);
    }
}

/// Ringback, and between each two of its writes one to the bare limit, in a tree of its own.
fn alternating(options: &Options, tree: &Tree, other: &Tree, count: usize, with_bare: bool, table: &mut Table) {
    let (ringback, _) = Ringback::start(options, &tree.root);
    let ear = Ear::new();
    let mut dirs = vec![tree.at(DIR)];
    if with_bare {
        bare::start(&other.at(DIR), &ear.url("/"));
        dirs.push(other.at(DIR));
    }
    let closed = paced(count, &dirs);
    let names = |piece: &Piece| ringback.reports_in(piece).into_iter().map(|told| last_name(&told.path)).collect();
    let never_told = note(Who::Ringback, &closed[0], ringback.heard(), count, names, table);
    if never_told > 0 {
        table.fail(format!("latency: {never_told} writes were never told"));
    }
    if with_bare {
        note(Who::Peer(Peer::Raw), &closed[1], &ear.heard, count, names_in_lines, table);
    }
}

/// Writes to directories in turns, each at the same distance from the one before.
fn paced(count: usize, dirs: &[PathBuf]) -> Vec<Closed> {
    let step = GAP / u32::try_from(dirs.len()).expect("a few");
    let mut closed = vec![Closed::new(); dirs.len()];
    let mut next = Instant::now();
    for number in 0..WARM_UP + count {
        for (dir, closed) in dirs.iter().zip(&mut closed) {
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
            let name = format!("w{number}");
            let at = write(&dir.join(&name));
            closed.insert(name, at);
            next += step;
        }
    }
    closed
}

/// Waits for the requests, and notes how long each took to come, without the warm-up; how many never came. Counted is
/// the first request with a file's name that came after its close.
fn note(
    who: Who,
    closed: &Closed,
    heard: &Heard,
    count: usize,
    names: impl Fn(&Piece) -> Vec<String>,
    table: &mut Table,
) -> usize {
    let mut times: HashMap<String, Duration> = HashMap::new();
    heard.until(SILENCE, |piece| {
        for name in names(piece) {
            let took = closed.get(&name).and_then(|closed| piece.at.checked_duration_since(*closed));
            if let Some(took) = took {
                times.entry(name).or_insert(took);
            }
        }
        times.len() == closed.len()
    });
    times.retain(|name, _| name[1..].parse::<usize>().is_ok_and(|number| number >= WARM_UP));
    let never_told = count - times.len();
    let mut figures = vec![("never_told", never_told as f64)];
    let mut times: Vec<f64> = times.into_values().map(|time| time.as_secs_f64() * 1_000.0).collect();
    times.sort_by(f64::total_cmp);
    for (key, share) in [("p50_ms", 0.5), ("p99_ms", 0.99), ("max_ms", 1.0)] {
        let at = (times.len().saturating_sub(1) as f64 * share).round() as usize;
        figures.extend(times.get(at).map(|time| (key, *time)));
    }
    table.note("latency", who, &figures);
    never_told
}

/// Of bodies that are names or paths, one a line.
fn names_in_lines(piece: &Piece) -> Vec<String> {
    String::from_utf8_lossy(&piece.bytes).lines().map(last_name).collect()
}

fn last_name(path: &str) -> String {
    path.rsplit('/').next().unwrap_or_default().to_owned()
}
