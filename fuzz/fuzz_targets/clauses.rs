//! Any lines as clauses: those with a path as `watchPath`, all as `watchMetadata`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringback::rules::condition::{Condition, Operand};
use ringback::rules::index::{Index, Scratch};
use ringback::rules::syntax::{watch_metadata, watch_path};
use ringback_fuzz::changes::usual;
use ringback_fuzz::check;

/// More lines than this say nothing new.
const LINES_MAX: usize = 16;

fuzz_target!(|text: &str| {
    let (mut paths, mut metadata) = (Vec::new(), Vec::new());
    for line in text.lines().take(LINES_MAX) {
        let mut faults = Vec::new();
        let clause = check::cheaply("a path clause", || watch_path::parse(line, &mut faults));
        check::faults(line, clause.is_some(), &faults);
        clause.iter().for_each(check::shown);
        paths.extend(clause);
        let mut faults = Vec::new();
        let clause = check::cheaply("a metadata clause", || watch_metadata::parse(line, &mut faults));
        check::faults(line, clause.is_some(), &faults);
        metadata.extend(clause);
    }
    for operand in [Operand::Or, Operand::And] {
        if let Ok(condition) = Condition::clauses(paths.clone(), metadata.clone(), operand) {
            ask(&condition);
        }
    }
});

fn ask(condition: &Condition) {
    let mut index = Index::new(7);
    index.add(None, condition);
    for given in usual() {
        let subject = given.subject();
        let fires = check::cheaply("asking", || check::fires(&subject, given.change(), condition));
        let mut found = Vec::new();
        index.matching(&subject, &mut Scratch::default(), &mut found);
        assert_eq!(!found.is_empty(), fires, "{condition:?} on {given:?}");
    }
}
