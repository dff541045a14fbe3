//! A large set of rule files under the real daemon: how long a start takes until the rules are in force, the first and
//! a later one; how long an edit of one file takes, and for how long it holds others up: `cargo bench --bench reload`,
//! or `-- --rules 10000 --files 100 --edits 3`.
//!
//! While a file is edited records are told to the daemon one after the other, each answered once it is in the ledger
//! and matched: the longest wait beside an edit is what an edit costs everybody else. See `docs/benchmarks.md`.
#![allow(clippy::disallowed_methods, reason = "it measures")]

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/it/daemon.rs"]
mod daemon;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/it/http.rs"]
mod http;
#[allow(dead_code, reason = "the other bench uses more of it")]
#[path = "../watch/meter.rs"]
mod meter;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/it/scratch.rs"]
mod scratch;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/it/sink.rs"]
mod sink;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/it/turns.rs"]
mod turns;
#[allow(dead_code, reason = "the other bench uses more of it")]
#[path = "../match/workload.rs"]
mod workload;

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use clap::Parser;
use daemon::{Daemon, Place};
use ringback::rules::condition::Operand;
use workload::{RuleText, Workload};

/// Measures starting with many rules, and editing one file of them.
#[derive(Debug, Parser)]
struct Options {
    /// How many subscriptions
    #[arg(long, default_value_t = 100_000)]
    rules: usize,
    /// In how many files
    #[arg(long, default_value_t = 1_000)]
    files: usize,
    /// How often it is started over an empty state, and again over the state that is there; medians count
    #[arg(long, default_value_t = 3)]
    starts: usize,
    /// How many edits; medians count
    #[arg(long, default_value_t = 11)]
    edits: usize,
    /// Cargo says so
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let options = Options::parse();
    let rules = Workload::generate(options.rules, 1, true).rules;
    let texts: Vec<String> =
        rules.chunks(options.rules.div_ceil(options.files)).enumerate().map(|(at, rules)| file(at, rules)).collect();
    let megabytes = texts.iter().map(String::len).sum::<usize>() as f64 / 1e6;
    println!("{} subscriptions in {} files, {megabytes:.1} MB", rules.len(), texts.len());
    let (mut first, mut again) = (Vec::new(), Vec::new());
    let mut last = None;
    for _ in 0..options.starts.max(1) {
        let place = Place::new("");
        fs::remove_file(place.rules.join("a.toml")).expect("no rules yet");
        for (at, text) in texts.iter().enumerate() {
            fs::write(rule_file(&place, at), text).expect("a rule file");
        }
        let (daemon, started) = start(&place, rules.len());
        first.push(started);
        assert!(daemon.stop().success(), "it ends well");
        let (daemon, started) = start(&place, rules.len());
        again.push(started);
        last = Some((place, daemon));
    }
    tell("first start", first);
    tell("start again", again);
    let (place, daemon) = last.expect("it was started");
    println!("resident {:.0} MiB", meter::memory_mib(daemon.pid(), "VmRSS"));
    edits(&place, &daemon, &texts, options.edits);
}

/// From starting the process until it answers, and until all rules are in force.
struct Started {
    answers: Duration,
    in_force: Duration,
}

fn start(place: &Place, rules: usize) -> (Daemon, Started) {
    let began = Instant::now();
    let daemon = place.start_unready();
    let answers = began.elapsed();
    daemon.status_until("the rules are in force", |status| status["rules"]["subscriptions"] == rules);
    (daemon, Started { answers, in_force: began.elapsed() })
}

fn tell(what: &str, starts: Vec<Started>) {
    let (answers, in_force) = starts.iter().map(|started| (started.answers, started.in_force)).unzip();
    println!("{what}: answers after {}, rules in force after {}", Times(answers), Times(in_force));
}

/// Edits files one by one beside somebody who tells records.
fn edits(place: &Place, daemon: &Daemon, texts: &[String], edits: usize) {
    place.write("/asset.mov", "");
    daemon.sync();
    let generation = || daemon.status()["rules"]["generation"].as_u64().expect("a number");
    let (mut in_force, mut beside) = (Vec::new(), Vec::new());
    let alone = waits(daemon, || std::thread::sleep(Duration::from_secs(1)));
    for edit in 0..edits {
        let before = generation();
        // Another target for the first rule of the file.
        let file = edit * 37 % texts.len();
        let (target, number) = (format!("9/r{file}/0"), edit + 1);
        let text = texts[file].replacen(&target, &format!("{target}/{number}"), 1);
        beside.push(waits(daemon, || {
            let began = Instant::now();
            fs::write(rule_file(place, file), &text).expect("a rule file");
            while generation() == before {
                std::thread::sleep(Duration::from_millis(2));
            }
            in_force.push(began.elapsed());
        }));
    }
    println!("an edit of one file: in force {} after the write", Times(in_force));
    println!("  read, joined, indexed and compared in {}", Times(read_times(&daemon.log(), edits)));
    println!("  longest wait of a record beside it {}, without an edit {}", Times(beside), Times(vec![alone]));
}

/// The longest that a record waited for its answer while something was done.
fn waits(daemon: &Daemon, done: impl FnOnce()) -> Duration {
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let telling = scope.spawn(|| {
            let (mut longest, mut count) = (Duration::ZERO, 0);
            while !ended.load(Relaxed) {
                let began = Instant::now();
                let answer = daemon.records(&format!("{{\"path\":\"/asset.mov\",\"set\":{{\"Take\":\"{count}\"}}}}\n"));
                assert_eq!(answer.status, 202, "{}", answer.text());
                longest = longest.max(began.elapsed());
                count += 1;
                std::thread::sleep(Duration::from_millis(1));
            }
            longest
        });
        done();
        ended.store(true, Relaxed);
        telling.join().expect("records were taken")
    })
}

/// What the daemon says of the last `count` sets that it read.
fn read_times(log: &str, count: usize) -> Vec<Duration> {
    let said = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let times: Vec<u64> = said.filter_map(|line| line["read_ms"].as_u64()).collect();
    assert!(times.len() > count, "it says how long it read:\n{log}");
    times[times.len() - count..].iter().map(|ms| Duration::from_millis(*ms)).collect()
}

fn rule_file(place: &Place, at: usize) -> PathBuf {
    place.rules.join(format!("rules-{at:04}.toml"))
}

/// A file with some of the workload's rules. Nobody is ever called: nothing that happens here fires them.
fn file(at: usize, rules: &[RuleText]) -> String {
    let mut out = String::new();
    for (number, rule) in rules.iter().enumerate() {
        let clauses: Vec<&str> = rule.clauses().collect();
        let operand = if rule.operand() == Operand::And { "AND" } else { "OR" };
        // Writing to a string cannot fail.
        let _ = write!(
            out,
            "[[subscription]]\nname = 'r{at}-{number}'\ncallback = 'http://127.0.0.1:9/r{at}/{number}'\n\
             watchPath = ['{}']\nwatchMetadata = {clauses:?}\nlogicalOperand = '{operand}'\n\n",
            rule.directory()
        );
    }
    out
}

/// Their median, with the least and the most.
struct Times(Vec<Duration>);

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut times: Vec<f64> = self.0.iter().map(|time| time.as_secs_f64() * 1e3).collect();
        times.sort_by(f64::total_cmp);
        let (Some(least), Some(most)) = (times.first(), times.last()) else { return f.write_str("-") };
        write!(f, "{:.0} ms [{least:.0}..{most:.0}]", times[times.len() / 2])
    }
}
