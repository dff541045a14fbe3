//! Any text as `when`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringback::rules::condition::Condition;
use ringback::rules::index::{Index, Scratch};
use ringback::rules::syntax::when;
use ringback_fuzz::changes::usual;
use ringback_fuzz::check;

fuzz_target!(|text: &str| {
    let mut faults = Vec::new();
    let expr = check::cheaply("reading", || when::parse(text, &mut faults));
    check::faults(text, expr.is_some(), &faults);
    let Some(expr) = expr else { return };
    let condition = Condition::when(text, expr);
    let _ = (condition.is_never(), condition.covers_modification());
    let mut index = Index::new(7);
    index.add(None, &condition);
    for given in usual() {
        let subject = given.subject();
        let fires = check::cheaply("asking", || check::fires(&subject, given.change(), &condition));
        let mut found = Vec::new();
        index.matching(&subject, &mut Scratch::default(), &mut found);
        assert_eq!(!found.is_empty(), fires, "{text:?} on {given:?}");
    }
});
