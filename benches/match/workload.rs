//! Rules and events as a media asset store might have them, the same for the same numbers.
//!
//! 10 top directories, 200 below them, 9,790 leaves; 1,000 keys of 1,000 values. Of the rules 84 % ask `Key==Value`, 10
//! % `Key==*`, 5 % `Key!=Value`, 1 % `*==*` (on leaves alone). They come in groups of five on the way down to one leaf,
//! 90 % on the leaf, 9.8 % in the middle, 0.2 % on top. Each event has 20 keys and is made for one group, so that about
//! five rules match it however many there are.

use std::fmt::Write as _;
use std::path::Path;

use ringback::rules::condition::Operand;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

const TOPS: u64 = 10;
const MIDDLES: u64 = 200;
const LEAVES: u64 = 9_790;
const KEYS: u64 = 1_000;
const KEYS_OF_EVENT: usize = 20;

pub struct Workload {
    pub name: String,
    pub rules: Vec<RuleText>,
    /// JSON, each a line.
    pub events: Vec<String>,
}

/// A line of rules.jsonl.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleText {
    watch_path: Vec<String>,
    watch_metadata: Vec<String>,
    logical_operand: String,
}

impl RuleText {
    /// What the rule is about lies strictly below this: with the last slash.
    pub fn directory(&self) -> &str {
        self.watch_path[0].trim_start_matches("+ ")
    }

    pub fn clauses(&self) -> impl Iterator<Item = &str> {
        self.watch_metadata.iter().map(String::as_str)
    }

    pub fn operand(&self) -> Operand {
        if self.logical_operand == "AND" { Operand::And } else { Operand::Or }
    }
}

/// A line of events.jsonl, read without copying.
#[derive(Deserialize)]
pub struct EventText<'a> {
    id: u32,
    #[serde(borrow)]
    path: &'a str,
    #[serde(borrow)]
    changed: Pairs<'a>,
    #[serde(borrow)]
    metadata: Pairs<'a>,
}

/// What is matched of an event.
pub struct Event<'a> {
    pub id: u32,
    pub path: &'a str,
    pub given: &'a [(&'a str, &'a str)],
}

impl<'a> Event<'a> {
    pub fn of(text: &'a EventText<'a>, part: &str) -> Self {
        let given = if part == "state" { &text.metadata.0 } else { &text.changed.0 };
        Self { id: text.id, path: text.path, given }
    }
}

struct Pairs<'a>(Vec<(&'a str, &'a str)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map;
        impl<'de> Visitor<'de> for Map {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::with_capacity(KEYS_OF_EVENT);
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Map)
    }
}

/// Splitmix64.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        scramble(self.0)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }

    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The finish of splitmix64.
pub fn scramble(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[derive(Clone, Copy, PartialEq)]
enum Asks {
    Is,
    Any,
    Not,
    Touch,
}

struct Clause {
    asks: Asks,
    key: u64,
    value: u64,
}

impl std::fmt::Display for Clause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { asks, key, value } = self;
        match asks {
            Asks::Is => write!(f, "K{key:03}==v{value:03}"),
            Asks::Any => write!(f, "K{key:03}==*"),
            Asks::Not => write!(f, "K{key:03}!=v{value:03}"),
            Asks::Touch => f.write_str("*==*"),
        }
    }
}

struct Rule {
    leaf: u64,
    clauses: Vec<Clause>,
}

fn leaf(leaf: u64) -> String {
    format!("{}/l{leaf:04}", middle(leaf % MIDDLES))
}

fn middle(middle: u64) -> String {
    format!("/mnt/dam/t{}/m{middle:03}", middle % TOPS)
}

impl Workload {
    pub fn generate(rules: usize, events: usize, multi: bool) -> Self {
        let mut random = Random::new(42);
        let (mut texts, mut made) = (Vec::with_capacity(rules), Vec::with_capacity(rules));
        while made.len() < rules {
            let group = random.below(LEAVES);
            for _ in 0..5.min(rules - made.len()) {
                let (rule, text) = generate_rule(&mut random, group, multi);
                made.push(rule);
                texts.push(text);
            }
        }
        let planted = if rules > 300_000 { 2 } else { 5 };
        let events = (0..events).map(|id| generate_event(&mut random, id, &made, planted)).collect();
        let kind = if multi { "m" } else { "d" };
        Self { name: format!("{kind}{rules}"), rules: texts, events }
    }

    /// Reads `rules.jsonl` and `events.jsonl`.
    pub fn read(dir: &Path, events: usize) -> Self {
        let text = |name: &str| {
            let path = dir.join(name);
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        let strictly_below = |line: &str| {
            let mut rule: RuleText = serde_json::from_str(line).expect("a rule");
            rule.watch_path[0].push('/');
            rule
        };
        let rules = text("rules.jsonl").lines().map(strictly_below).collect();
        let events = text("events.jsonl").lines().take(events).map(str::to_owned).collect();
        Self { name: dir.file_name().map_or_else(String::new, |name| name.display().to_string()), rules, events }
    }
}

fn generate_rule(random: &mut Random, group: u64, multi: bool) -> (Rule, RuleText) {
    let (where_, what) = (random.share(), random.share());
    let asks = match what {
        what if what < 0.84 => Asks::Is,
        what if what < 0.94 => Asks::Any,
        what if what < 0.99 => Asks::Not,
        _ => Asks::Touch,
    };
    let clause = |asks, random: &mut Random| Clause { asks, key: random.below(KEYS), value: random.below(KEYS) };
    let mut clauses = vec![clause(asks, random)];
    let mut operand = "AND";
    if multi && asks != Asks::Touch && random.share() < 0.2 {
        operand = if random.share() < 0.5 { "AND" } else { "OR" };
        for _ in 0..1 + random.below(2) {
            let asks = if random.share() < 0.8 { Asks::Is } else { Asks::Any };
            clauses.push(clause(asks, random));
        }
    }
    let directory = match where_ {
        where_ if where_ < 0.90 || asks == Asks::Touch => leaf(group),
        where_ if where_ < 0.998 => middle(group % MIDDLES),
        _ => format!("/mnt/dam/t{}", group % MIDDLES % TOPS),
    };
    let text = RuleText {
        watch_path: vec![format!("{directory}/")],
        watch_metadata: clauses.iter().map(Clause::to_string).collect(),
        logical_operand: operand.to_owned(),
    };
    (Rule { leaf: group, clauses }, text)
}

fn generate_event(random: &mut Random, id: usize, rules: &[Rule], planted_rules: usize) -> String {
    let group = random.below((rules.len() / 5).max(1) as u64) as usize * 5;
    let mut pairs: Vec<(u64, u64)> = Vec::new();
    for rule in &rules[group..group + planted_rules] {
        for Clause { asks, key, value } in rule.clauses.iter().filter(|clause| clause.asks != Asks::Touch) {
            if pairs.len() >= 12 || pairs.iter().any(|(other, _)| other == key) {
                continue;
            }
            let value = if *asks == Asks::Is { *value } else { (value + 1 + random.below(KEYS - 1)) % KEYS };
            pairs.push((*key, value));
        }
    }
    let planted = pairs.len().max(1) as u64;
    while pairs.len() < KEYS_OF_EVENT {
        let key = random.below(KEYS);
        if pairs.iter().all(|(other, _)| *other != key) {
            pairs.push((key, random.below(KEYS)));
        }
    }
    let mut changed = Vec::new();
    for _ in 0..1 + random.below(3) {
        let pair = pairs[random.below(planted) as usize];
        if !changed.contains(&pair) {
            changed.push(pair);
        }
    }
    for at in (1..pairs.len()).rev() {
        let other = random.below(at as u64 + 1) as usize;
        pairs.swap(at, other);
    }
    let object = |pairs: &[(u64, u64)]| {
        let mut out = String::new();
        for (at, (key, value)) in pairs.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            // Writing to a string cannot fail.
            let _ = write!(out, "{comma}\"K{key:03}\":\"v{value:03}\"");
        }
        out
    };
    let (directory, file) = (leaf(rules[group].leaf), random.below(10_000_000));
    format!(
        "{{\"id\":{id},\"path\":\"{directory}/asset_{file:07}.mov\",\"action\":\"update\",\"changed\":{{{}}},\"metadata\":{{{}}}}}",
        object(&changed),
        object(&pairs)
    )
}
