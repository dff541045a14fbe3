//! Very many files in new directories, over the real daemon as a process of its own, as delivered over HTTP:
//! `cargo bench --bench burst`, or with directories and files in each: `cargo bench --bench burst -- 2000 100`.
//!
//! As in the comparison with others, 10 % of the files are then appended to and another 10 % unlinked. Told are the lag
//! from the last write to the last request, the daemon's CPU time and peak memory, and how many living files were never
//! told (and how many dead ones still live for the receiver): the last two must be 0.
#![allow(clippy::disallowed_methods, reason = "it measures")]

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../tests/it/daemon.rs"]
mod daemon;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../tests/it/http.rs"]
mod http;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../tests/it/sink.rs"]
mod sink;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../tests/it/turns.rs"]
mod turns;

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::time::Instant;

use daemon::{Daemon, Place};
use sink::{Sink, view};

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse::<usize>().ok());
    let (dirs, each) = (numbers.next().unwrap_or(200), numbers.next().unwrap_or(100));
    let sink = Sink::new();
    let place = Place::new(&sink.rule_all());
    let daemon = place.start();
    let idle = cpu_seconds(&daemon);

    let began = Instant::now();
    let mut living = BTreeSet::new();
    for dir in 0..dirs {
        let dir = format!("/{}/{dir}", dir % 10);
        fs::create_dir_all(place.at(&dir)).expect("directories");
        for file in 0..each {
            let path = format!("{dir}/{file}.jpg");
            fs::write(place.at(&path), "some bytes").expect("written");
            living.insert(path);
        }
    }
    let created = Instant::now();
    for path in living.iter().step_by(10) {
        let mut file = OpenOptions::new().append(true).open(place.at(path)).expect("open");
        file.write_all(b", and more").expect("written");
    }
    let unlinked: Vec<_> = living.iter().skip(1).step_by(10).cloned().collect();
    for path in &unlinked {
        fs::remove_file(place.at(path)).expect("removed");
        living.remove(path);
    }
    let last_write = Instant::now();
    daemon.sync();
    let synced = Instant::now();
    // The lag is the tests' own marker's as well: it is written after everything else, and told last.
    let told = daemon.settled(&place, &sink, "/");
    let calls = sink.calls();
    let last_call = calls.iter().rev().find(|call| call.entries.iter().any(|one| !one.path.contains("/marker-")));
    let lag = last_call.expect("there were some").received.at.saturating_duration_since(last_write);

    let view: BTreeSet<_> = view(&told).into_keys().collect();
    let (missing, ghosts) = (living.difference(&view).count(), view.difference(&living).count());
    println!("{} files in {dirs} new directories, then 10 % appended, 10 % unlinked:", dirs * each);
    println!("  created in {:?}, all writes in {:?}", created - began, last_write - began);
    println!("  last write to last callback {lag:?}, to the answer of a sync {:?}", synced - last_write);
    println!("  daemon: {:.2} s of CPU, {} MiB at its peak", cpu_seconds(&daemon) - idle, peak_kib(&daemon) / 1_024);
    println!("  {} requests; never told {missing}, told and not there {ghosts}", calls.len());
    assert_eq!((missing, ghosts), (0, 0), "the figures of a run that lost something mean nothing");
}

/// User and system time of the process so far (proc(5), `stat`: fields 14 and 15, in clock ticks).
fn cpu_seconds(daemon: &Daemon) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", daemon.pid())).expect("it runs");
    // The name, in parentheses, may have spaces; the state after it is field 3.
    let (_, fields) = stat.rsplit_once(')').expect("a name");
    let ticks = fields.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().expect("a number"));
    // SAFETY: no pointers.
    let ticks_per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    ticks.sum::<u64>() as f64 / ticks_per_second as f64
}

/// The most memory that the process ever had resident, KiB (proc(5), `status`: `VmHWM`).
fn peak_kib(daemon: &Daemon) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux has it");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
