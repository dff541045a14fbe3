//! Rules that come and go, and changes: the index finds what the plain evaluator finds, trying every rule.
#![no_main]

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::thread::LocalKey;

use libfuzzer_sys::fuzz_target;
use ringback::diagnostic::TextFault;
use ringback::model::metadata::Metadata;
use ringback::rules::condition::{Condition, Expr, MetadataClause, Operand, PathClause};
use ringback::rules::eval::Subject;
use ringback::rules::index::{Index, Scratch};
use ringback::rules::syntax::{watch_metadata, watch_path, when};
use ringback_fuzz::bytes::Bytes;
use ringback_fuzz::changes::{self, Given, TENANTS};
use ringback_fuzz::{check, clauses};

/// Steps of one run.
const STEPS_MAX: usize = 80;
/// Texts of each kind that are kept.
const KEPT_MAX: usize = 4_096;

/// A rule that is filed.
#[derive(Debug)]
struct Filed {
    tenant: Option<&'static str>,
    condition: Condition,
}

/// The rules that are there, filed and as they are.
struct Rules {
    index: Index,
    all: BTreeMap<u32, Filed>,
    scratch: Scratch,
}

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = Bytes::new(bytes);
    let mut rules =
        Rules { index: Index::new(bytes.below(256) as u64), all: BTreeMap::new(), scratch: Scratch::default() };
    for _ in 0..STEPS_MAX {
        if bytes.are_used_up() {
            break;
        }
        match bytes.below(16) {
            0..=7 => rules.add(&mut bytes),
            8 | 9 => rules.remove(&mut bytes),
            10 => rules.index = rules.index.clone(),
            _ => rules.meet(&changes::any(&mut bytes)),
        }
        assert_eq!(rules.index.len(), rules.all.len());
    }
    rules.meet(&changes::any(&mut bytes));
    for number in std::mem::take(&mut rules.all).into_keys() {
        rules.index.remove(number);
    }
    assert!(rules.index.is_empty());
    rules.meet(&changes::any(&mut bytes));
});

impl Rules {
    fn add(&mut self, bytes: &mut Bytes<'_>) {
        let tenant = if bytes.once_in(3) { bytes.one(&TENANTS) } else { None };
        let Some(condition) = condition(bytes) else { return };
        // Now and then many of the same: a crowd.
        let times = if bytes.once_in(8) { bytes.below(8) } else { 1 };
        for _ in 0..times {
            let number = self.index.add(tenant, &condition);
            let before = self.all.insert(number, Filed { tenant, condition: condition.clone() });
            assert!(before.is_none(), "a number is given once");
        }
    }

    fn remove(&mut self, bytes: &mut Bytes<'_>) {
        if self.all.is_empty() {
            return;
        }
        let at = bytes.below(256) % self.all.len();
        let number = self.all.keys().copied().nth(at).expect("there are so many");
        self.all.remove(&number);
        self.index.remove(number);
    }

    fn meet(&mut self, given: &Given) {
        self.agree(&given.subject(), given);
        // As an added asset comes, with nothing but what it was given.
        let state: &Metadata = given.state();
        let values: Vec<(&str, Vec<&str>)> =
            state.iter().map(|(key, values)| (key.as_str(), values.iter().map(String::as_str).collect())).collect();
        let all = values.iter().map(|(key, values)| (*key, values.as_slice()));
        let change = given.change();
        self.agree(&Subject::of_all_given(change.path.as_bytes(), change.action, all, given.facts()), given);
    }

    fn agree(&mut self, subject: &Subject<'_>, given: &Given) {
        let mut found = Vec::new();
        self.index.matching(subject, &mut self.scratch, &mut found);
        found.sort_unstable();
        let fires = |filed: &Filed| {
            filed.tenant.is_none_or(|tenant| given.tenant() == Some(tenant))
                && check::fires(subject, given.change(), &filed.condition)
        };
        let expect: Vec<u32> = self.all.iter().filter(|(_, filed)| fires(filed)).map(|(number, _)| *number).collect();
        assert_eq!(found, expect, "{subject:?} among {:#?}", self.all);
    }
}

/// A condition, where what bytes make of it is one.
fn condition(bytes: &mut Bytes<'_>) -> Option<Condition> {
    if bytes.once_in(3) {
        let text = ringback_fuzz::when::expression(bytes);
        return read(&EXPRESSIONS, &text, when::parse).map(|expr| Condition::when(&text, expr));
    }
    let shown = |text: &str, faults: &mut Vec<TextFault>| watch_path::parse(text, faults).inspect(check::shown);
    let paths = (0..bytes.below(4)).filter_map(|_| read(&PATHS, &clauses::path_clause(bytes), shown));
    let paths: Vec<_> = paths.collect();
    let metadata =
        (0..bytes.below(4)).filter_map(|_| read(&METADATA, &clauses::metadata_clause(bytes), watch_metadata::parse));
    let metadata: Vec<_> = metadata.collect();
    let operand = bytes.one(&[Operand::Or, Operand::And]);
    Condition::clauses(paths, metadata, operand).ok()
}

/// Texts, and what they came to.
type Read<T> = LocalKey<RefCell<HashMap<String, Option<T>>>>;

thread_local! {
    static EXPRESSIONS: RefCell<HashMap<String, Option<Expr>>> = RefCell::default();
    static PATHS: RefCell<HashMap<String, Option<PathClause>>> = RefCell::default();
    static METADATA: RefCell<HashMap<String, Option<MetadataClause>>> = RefCell::default();
}

/// What a text comes to. It is kept: the same texts are made again and again, and compiling their expressions would be
/// most of what this target does.
fn read<T: Clone>(kept: &'static Read<T>, text: &str, parse: fn(&str, &mut Vec<TextFault>) -> Option<T>) -> Option<T> {
    kept.with_borrow_mut(|kept| {
        if kept.len() > KEPT_MAX {
            kept.clear();
        }
        let parse = || {
            let mut faults = Vec::new();
            let read = parse(text, &mut faults);
            check::faults(text, read.is_some(), &faults);
            read
        };
        kept.entry(text.to_owned()).or_insert_with(parse).clone()
    })
}
