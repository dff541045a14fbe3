//! The rows, one file each, and what they share.

mod behind;
mod down;
mod first_byte;
mod hanging;
mod pictures;
mod throughput;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::options::{Options, Row};
use crate::table::Figure;
use crate::targets::Arrival;

/// Measures a row once.
pub fn run(row: Row, options: &Options) -> Vec<Figure> {
    match row {
        Row::Single => throughput::single(options),
        Row::Batches => throughput::batches(options),
        Row::FirstByte => first_byte::run(options),
        Row::Tarpit => hanging::run(options, 100, 1),
        Row::Hanging => hanging::run(options, 10, 300),
        Row::Behind => behind::run(options),
        Row::Down => down::run(options),
        Row::Pictures => pictures::run(options),
    }
}

/// A part of sorted times, milliseconds.
fn quantile(times: &mut [Duration], part: f64) -> f64 {
    assert!(!times.is_empty(), "something was measured");
    times.sort();
    times[((times.len() - 1) as f64 * part).round() as usize].as_secs_f64() * 1e3
}

/// The paths of a body's entries, in order.
fn paths(body: &[u8]) -> Vec<String> {
    let body: Value = serde_json::from_slice(body).expect("JSON");
    let entries = body["data"]["entry"].as_array().expect("entries");
    entries.iter().map(|entry| entry["path"].as_str().expect("a path").to_owned()).collect()
}

/// From the end of each write to each arrival of its path at a target below `below`.
fn since_written(written: &HashMap<String, Instant>, arrivals: &[Arrival], below: usize) -> Vec<Duration> {
    let mut times = Vec::new();
    for arrival in arrivals.iter().filter(|arrival| arrival.target < below) {
        times.extend(paths(&arrival.body).iter().filter_map(|path| Some(arrival.at - *written.get(path)?)));
    }
    times
}
