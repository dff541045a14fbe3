//! What targets that never answer cost the others: the time from a write to its arrival at those that answer.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::{quantile, since_written};
use crate::options::Options;
use crate::store::{LIMIT, Store, rule_of_files};
use crate::table::Figure;
use crate::targets::Targets;

const PAUSE: Duration = Duration::from_millis(20);

/// So many targets answer, and so many hang.
pub fn run(options: &Options, answering: usize, hanging: usize) -> Vec<Figure> {
    let [p50, p99, _] = with(options, answering, 0);
    let [p50_beside, p99_beside, onset] = with(options, answering, hanging);
    vec![
        Figure::new("without them, p50", p50, "ms"),
        Figure::new("without them, p99", p99, "ms"),
        Figure::new("beside them, p50", p50_beside, "ms"),
        Figure::new("beside them, p99", p99_beside, "ms"),
        Figure::with_goal("p99 beside them to p99 without", p99_beside / p99, "x", "< 2"),
        Figure::new("longest for the change at which they begin to hang", onset, "ms"),
    ]
}

/// The median and the 99th percentile, and the longest of the change at which targets begin to hang, milliseconds.
fn with(options: &Options, answering: usize, hanging: usize) -> [f64; 3] {
    let targets = Targets::start(answering + hanging, answering);
    // Those that hang come first by name, so that they have no advantage from being last.
    let name = |n: usize| if n < answering { format!("b-{n:03}") } else { format!("a-{n:03}") };
    let rules: String = (0..answering + hanging).map(|n| rule_of_files(&name(n), &targets.url(n), "")).collect();
    // Shorter than by default, so that attempts time out and are made again within the measurement.
    let store = Store::new(options, 1, "timeout = '2s'", &rules);
    let daemon = store.start();
    store.place.write("/files/first.mov", "");
    targets.wait_entries(answering + hanging, LIMIT);
    targets.hang();
    targets.restart(true);
    store.place.write("/files/onset.mov", "");
    let written = HashMap::from([("/files/onset.mov".to_owned(), Instant::now())]);
    targets.wait_entries(answering, LIMIT);
    let onset = quantile(&mut since_written(&written, &targets.take(), answering), 1.0);
    // From here on it is known of each that it does not answer.
    daemon.status_until("those that hang wait for their next attempt", |status| {
        status["deliveries"]["waiting"].as_u64().is_some_and(|waiting| waiting as usize == hanging)
    });
    targets.restart(true);
    let count = options.sized(500).max(50);
    let mut written = HashMap::new();
    for number in 0..count {
        std::thread::sleep(PAUSE);
        let path = format!("/files/{number:06}.mov");
        store.place.write(&path, "");
        written.insert(path, Instant::now());
    }
    targets.wait_entries(count * answering, LIMIT);
    let mut times = since_written(&written, &targets.take(), answering);
    assert_eq!(times.len(), count * answering, "every file at each of those that answer, once");
    daemon.kill();
    [quantile(&mut times, 0.5), quantile(&mut times, 0.99), onset]
}
