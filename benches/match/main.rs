//! The rows of "the engine" of the rules page: matching alone and from JSON, its growth with the number of rules,
//! memory, adding and removing, rules that all match, numbers. `cargo bench --bench match`, or `-- --rules 1000,100000
//! --multi`.
//!
//! Rules and events are made by a generator ([`workload`]), or read from JSON lines (`--data DIR` with `rules.jsonl`
//! and `events.jsonl`), so that another engine can be given the same. Each line has the number of matches and a
//! checksum over all pairs of event and rule: engines that give the same answers print the same. See
//! `docs/benchmarks.md`.
#![allow(clippy::disallowed_methods, reason = "it measures")]

mod counting;
mod workload;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use ringback::model::change::Action;
use ringback::model::event::Dialect;
use ringback::model::ids::SubscriptionId;
use ringback::model::path::LogicalPath;
use ringback::model::retry::Accepts;
use ringback::model::subscription::{Method, Name, Subscription, Target};
use ringback::rules::condition::{Condition, Operand};
use ringback::rules::eval::Subject;
use ringback::rules::index::{Index, Scratch};
use ringback::rules::registered::Registered;
use ringback::rules::syntax::{watch_metadata, watch_path, when};
use ringback::rules::{Facts, Rule};
use workload::{Event, EventText, RuleText, Workload};

#[global_allocator]
static COUNTING: counting::Counting = counting::Counting;

/// Measures the rule engine.
#[derive(Debug, Parser)]
struct Options {
    /// How many rules, each a line of its own
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 10_000, 100_000, 1_000_000])]
    rules: Vec<usize>,
    /// How many events
    #[arg(long, default_value_t = 20_000)]
    events: usize,
    /// A fifth of the rules has two or three conditions, half of them joined by AND and half by OR
    #[arg(long)]
    multi: bool,
    /// Rules and events from rules.jsonl and events.jsonl in this directory, instead of the generator's
    #[arg(long)]
    data: Option<PathBuf>,
    /// How often all events are matched; the median counts
    #[arg(long, default_value_t = 7)]
    passes: usize,
    /// Cargo says so
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let options = Options::parse();
    println!("ns are medians of {} passes over {} events, [least..most]", options.passes, options.events);
    if let Some(data) = &options.data {
        measure(&options, &Workload::read(data, options.events));
    } else {
        for rules in &options.rules {
            measure(&options, &Workload::generate(*rules, options.events, options.multi));
        }
    }
    all_match(&options);
    none_match(&options);
    numbers();
}

/// One size, over metadata as a whole and over what changed.
fn measure(options: &Options, workload: &Workload) {
    let before = counting::live();
    let conditions: Vec<Condition> = workload.rules.iter().map(condition).collect();
    let own = (counting::live() - before) as f64 / conditions.len() as f64;
    let before = counting::live();
    let began = Instant::now();
    let mut index = Index::new(seed());
    for condition in &conditions {
        index.add(None, condition);
    }
    let build = began.elapsed();
    let bytes = (counting::live() - before) as f64 / conditions.len() as f64;
    let texts: Vec<EventText<'_>> = workload.events.iter().map(|line| parse(line)).collect();
    for part in ["state", "changed"] {
        let events: Vec<Event<'_>> = texts.iter().map(|text| Event::of(text, part)).collect();
        let (mut scratch, mut found) = (Scratch::default(), Vec::new());
        let (mut total, mut sum) = (0, 0_u64);
        for event in &events {
            found.clear();
            index.matching(&subject(event), &mut scratch, &mut found);
            total += found.len();
            sum = found.iter().fold(sum, |sum, rule| sum.wrapping_add(mix(event.id, *rule)));
        }
        let alone = passes(options.passes, events.len(), || {
            for event in &events {
                found.clear();
                index.matching(&subject(event), &mut scratch, &mut found);
                std::hint::black_box(&found);
            }
        });
        let json = passes(options.passes, events.len(), || {
            for line in &workload.events {
                let text = parse(line);
                found.clear();
                index.matching(&subject(&Event::of(&text, part)), &mut scratch, &mut found);
                std::hint::black_box(&found);
            }
        });
        println!(
            "{} {part} rules={} matches/event={:.3} match={} from_json={} total={total} sum={sum:016x}",
            workload.name,
            conditions.len(),
            total as f64 / events.len() as f64,
            alone,
            json,
        );
    }
    let (add, remove, pause) = churn(&mut index, &conditions);
    println!(
        "{} build={:.2}s ({:.2} us/rule) bytes/rule={bytes:.0} in the index, {:.0} with the condition as it was read; \
         add={add:.0}ns remove={remove:.0}ns longest={:.3}ms",
        workload.name,
        build.as_secs_f64(),
        build.as_secs_f64() * 1e6 / conditions.len() as f64,
        bytes + own,
        pause.as_secs_f64() * 1e3,
    );
    drop(index);
    registrations(&workload.name, conditions);
}

/// Removes and adds rules one by one; the medians of five rounds, nanoseconds, and the longest of all.
fn churn(index: &mut Index, conditions: &[Condition]) -> (f64, f64, Duration) {
    let count = 10_000.min(conditions.len());
    let step = conditions.len() / count;
    let (mut adds, mut removes, mut longest) = (Vec::new(), Vec::new(), Duration::ZERO);
    // Where each rule is now.
    let mut numbers: Vec<u32> = (0..conditions.len() as u32).collect();
    for round in 0..5 {
        let chosen: Vec<usize> = (0..count).map(|n| n * step + round % step).collect();
        let began = Instant::now();
        for rule in &chosen {
            index.remove(numbers[*rule]);
        }
        removes.push(began.elapsed().as_nanos() as f64 / count as f64);
        let began = Instant::now();
        for rule in &chosen {
            numbers[*rule] = index.add(None, &conditions[*rule]);
        }
        adds.push(began.elapsed().as_nanos() as f64 / count as f64);
        for rule in chosen.iter().take(2_000) {
            let began = Instant::now();
            index.remove(numbers[*rule]);
            let removed = Instant::now();
            numbers[*rule] = index.add(None, &conditions[*rule]);
            longest = longest.max(removed - began).max(removed.elapsed());
        }
    }
    (median(&mut adds), median(&mut removes), longest)
}

/// Rules that are registered and withdrawn one by one, beside all others: medians of a step, nanoseconds, and the
/// longest of all, from the first registration on.
fn registrations(name: &str, conditions: Vec<Condition>) {
    let url: url::Url = "http://127.0.0.1/".parse().expect("a URL");
    let target = Target { method: Method::Post, url: url.into(), headers: Box::default(), accepts: Accepts::default() };
    let id = Name::registered(Dialect::Zoom, "a").expect("an id");
    let subscription = Arc::new(Subscription::new(id, target));
    let rules: Vec<Rule> = conditions
        .into_iter()
        .map(|condition| Rule { subscription: Arc::clone(&subscription), condition: Arc::new(condition) })
        .collect();
    let mut registered = Registered::default();
    let (mut inserts, mut removes, mut longest) = (Vec::new(), Vec::new(), Duration::ZERO);
    let mut insert = |registered: &mut Registered, at: usize| {
        let rule = rules[at].clone();
        let began = Instant::now();
        registered.insert(SubscriptionId(at as i64), rule);
        let took = began.elapsed();
        longest = longest.max(took);
        inserts.push(took.as_nanos() as f64);
    };
    for at in 0..rules.len() {
        insert(&mut registered, at);
    }
    let step = rules.len().div_ceil(10_000);
    for at in (0..rules.len()).step_by(step) {
        let began = Instant::now();
        registered.remove(SubscriptionId(at as i64));
        removes.push(began.elapsed().as_nanos() as f64);
        insert(&mut registered, at);
    }
    println!(
        "{name} registered one by one: {} rules, insert={:.0}ns remove={:.0}ns longest={:.3}ms",
        registered.len(),
        median(&mut inserts),
        median(&mut removes),
        longest.as_secs_f64() * 1e3,
    );
}

/// 10,000 rules that all match: what a match costs beyond the probe, which one rule shows.
fn all_match(options: &Options) {
    let clause = |text: &str| watch_metadata::parse(text, &mut Vec::new()).expect("a clause");
    let of = |texts: &[&str], operand| {
        let clauses = texts.iter().map(|text| clause(text)).collect();
        Condition::clauses(Vec::new(), clauses, operand).expect("something to watch")
    };
    let values = ["1"];
    let mount = LogicalPath::root();
    for (name, condition) in [
        ("*==*", of(&["*==*"], Operand::Or)),
        ("K==1", of(&["K==1"], Operand::Or)),
        ("K!=2", of(&["K!=2"], Operand::Or)),
        ("K==1 or L==1", of(&["K==1", "L==1"], Operand::Or)),
        ("K==1 and L==1", of(&["K==1", "L==1"], Operand::And)),
    ] {
        let time = |rules: usize| {
            let mut index = Index::new(seed());
            for _ in 0..rules {
                index.add(None, &condition);
            }
            let (mut scratch, mut found) = (Scratch::default(), Vec::new());
            let facts = Facts { size: 0, mtime_ns: 0, mount: &mount, tenant: None };
            let times = passes(options.passes, 200, || {
                for _ in 0..200 {
                    let given = [("K", &values[..]), ("L", &values[..])];
                    let subject = Subject::of_all_given(b"/a/b.mov", Action::None, given.into_iter(), facts);
                    found.clear();
                    index.matching(&subject, &mut scratch, &mut found);
                    std::hint::black_box(&found);
                }
            });
            assert_eq!(found.len(), rules);
            times.median
        };
        let (one, many) = (time(1), time(10_000));
        println!("10,000 rules that all match, {name}: {:.2} ns a match beyond the probe", (many - one) / 9_999.0);
    }
}

/// One rule, and 10,000 of its kind, none of which match: beside the ones as beside the other a change costs the same.
fn none_match(options: &Options) {
    let mount = LogicalPath::root();
    let values: Vec<[String; 1]> = (0..20).map(|n| [format!("v{n}")]).collect();
    let keys: Vec<String> = (0..20).map(|n| format!("K{n}")).collect();
    let values: Vec<[&str; 1]> = values.iter().map(|[value]| [value.as_str()]).collect();
    let clause = |n: usize, text: &str| {
        let clause = watch_metadata::parse(&text.replace('#', &n.to_string()), &mut Vec::new()).expect("a clause");
        Condition::clauses(Vec::new(), vec![clause], Operand::Or).expect("something to watch")
    };
    let path = |n: usize, text: &str| {
        let clause = watch_path::parse(&text.replace('#', &n.to_string()), &mut Vec::new()).expect("a clause");
        Condition::clauses(vec![clause], Vec::new(), Operand::Or).expect("something to watch")
    };
    let when = |n: usize, text: &str| {
        let text = text.replace('#', &n.to_string());
        Condition::when(&text, when::parse(&text, &mut Vec::new()).expect("an expression"))
    };
    type Make<'a> = &'a dyn Fn(usize, &str) -> Condition;
    let kinds: [(&str, Make<'_>); 12] = [
        ("K1==x#", &clause),
        ("K1==x#*", &clause),
        ("K1==*#x", &clause),
        ("K1>1#", &clause),
        ("K1=~lit#x", &clause),
        ("X#_*==*", &clause),
        ("K*==x#", &clause),
        ("*==x#", &clause),
        ("* /a/*.x#", &path),
        ("name like \"x#*\"", &when),
        ("K1 == x#", &when),
        ("ext == x#", &when),
    ];
    for (text, make) in kinds {
        let time = |rules: usize| {
            let mut index = Index::new(seed());
            for n in 0..rules {
                index.add(None, &make(n + 1_000, text));
            }
            let (mut scratch, mut found) = (Scratch::default(), Vec::new());
            let facts = Facts { size: 0, mtime_ns: 0, mount: &mount, tenant: None };
            let times = passes(options.passes, 2_000, || {
                for _ in 0..2_000 {
                    let given = keys.iter().zip(&values).map(|(key, value)| (key.as_str(), &value[..]));
                    let subject = Subject::of_all_given(b"/a/b/c.mov", Action::Added, given, facts);
                    index.matching(&subject, &mut scratch, &mut found);
                    std::hint::black_box(&found);
                }
            });
            assert!(found.is_empty(), "{text}");
            times.median
        };
        let (one, many) = (time(1), time(10_000));
        println!("beside one rule that does not match, {text}: {one:.0} ns; beside 10,000: {many:.0} ns");
    }
}

/// Comparisons whose digits go beyond a double's: how many are decided wrongly.
fn numbers() {
    let mut random = workload::Random::new(7);
    let mut wrong = 0;
    const COUNT: u64 = 10_000;
    let mount = LogicalPath::root();
    for _ in 0..COUNT {
        let (whole, fraction) = (random.below(1 << 53), random.below(1_000_000_000));
        let near = |step: u64| format!("{whole}.{:010}", fraction * 10 + step);
        let (bound, value, is_more) = (near(4), near(random.below(10)), |value: &str| value > near(4).as_str());
        let clause = watch_metadata::parse(&format!("K>{bound}"), &mut Vec::new()).expect("a clause");
        let mut index = Index::new(seed());
        index.add(None, &Condition::clauses(Vec::new(), vec![clause], Operand::Or).expect("something to watch"));
        let values = [value.as_str()];
        let facts = Facts { size: 0, mtime_ns: 0, mount: &mount, tenant: None };
        let subject = Subject::of_all_given(b"/a", Action::None, [("K", &values[..])].into_iter(), facts);
        let mut found = Vec::new();
        index.matching(&subject, &mut Scratch::default(), &mut found);
        wrong += u64::from(found.len() != usize::from(is_more(&value)));
    }
    println!("numbers: {wrong} of {COUNT} comparisons beyond a double's digits decided wrongly");
}

fn condition(rule: &RuleText) -> Condition {
    // The workload's mode is no monitoring: all its rules ask for metadata.
    let path = watch_path::parse(rule.directory(), &mut Vec::new()).expect("a path");
    let clauses = rule.clauses().map(|text| watch_metadata::parse(text, &mut Vec::new()).expect("a clause"));
    Condition::clauses(vec![path], clauses.collect(), rule.operand()).expect("something to watch")
}

fn parse(line: &str) -> EventText<'_> {
    serde_json::from_str(line).expect("an event")
}

fn subject<'a>(event: &'a Event<'a>) -> Subject<'a> {
    static MOUNT: std::sync::LazyLock<LogicalPath> = std::sync::LazyLock::new(LogicalPath::root);
    let facts = Facts { size: 0, mtime_ns: 0, mount: &MOUNT, tenant: None };
    let given = event.given.iter().map(|(key, value)| (*key, std::slice::from_ref(value)));
    Subject::of_all_given(event.path.as_bytes(), Action::None, given, facts)
}

fn seed() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}

/// What passes took, nanoseconds an event.
struct Times {
    least: f64,
    median: f64,
    most: f64,
}

fn passes(count: usize, events: usize, mut pass: impl FnMut()) -> Times {
    let mut times: Vec<f64> = (0..count)
        .map(|_| {
            let began = Instant::now();
            pass();
            began.elapsed().as_nanos() as f64 / events as f64
        })
        .collect();
    let median = median(&mut times);
    Times { least: times[0], median, most: times[times.len() - 1] }
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.0}ns [{:.0}..{:.0}]", self.median, self.least, self.most)
    }
}

/// A checksum of one pair; sums of them do not depend on the order.
fn mix(event: u32, rule: u32) -> u64 {
    workload::scramble((u64::from(event) << 32 | u64::from(rule)).wrapping_add(0x9E37_79B9_7F4A_7C15))
}
