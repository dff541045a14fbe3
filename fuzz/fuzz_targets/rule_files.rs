//! Any bytes as one rule file or two: what is wrong with them is said, in its place; and rules that come of it can be
//! asked and explained.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringback::diagnostic::{SourceFile, has_errors};
use ringback::rules::explain::{Verdict, explain_rule};
use ringback::rules::index::Scratch;
use ringback::rules::{Facts, RuleSet, load};
use ringback_fuzz::changes::{Given, usual};
use ringback_fuzz::check;

/// A comment between two files.
const BETWEEN: &[u8] = b"\n#;\n";

fuzz_target!(|bytes: &[u8]| {
    let files = files(bytes);
    let loaded = check::cheaply("loading", || load(&files));
    assert_ne!(loaded.set.is_some(), has_errors(&loaded.diagnostics));
    check::diagnostics(&loaded.diagnostics, &files);
    if let Some(set) = &loaded.set {
        set.rules().iter().for_each(|rule| check::paths_shown(&rule.condition));
        usual().iter().for_each(|given| agrees(set, given));
    }
});

fn files(bytes: &[u8]) -> Vec<SourceFile> {
    let at = bytes.windows(BETWEEN.len()).position(|part| part == BETWEEN);
    let parts = at.map_or(vec![bytes], |at| vec![&bytes[..at], &bytes[at + BETWEEN.len()..]]);
    let file = |(name, text): (&str, &&[u8])| SourceFile { name: name.to_owned(), text: (*text).into() };
    ["a.toml", "b.toml"].into_iter().zip(&parts).map(file).collect()
}

/// The set fires what the explanation says of each rule. There, no tenant is one that is not known.
fn agrees(set: &RuleSet, given: &Given) {
    let found = set.matching(given.change(), given.state(), given.facts(), &mut Scratch::default());
    let facts = Facts { tenant: Some(given.tenant().unwrap_or_default()), ..given.facts() };
    let subject = ringback::rules::eval::Subject::new(given.change(), given.state(), facts);
    for (at, rule) in set.rules().iter().enumerate() {
        let verdict = explain_rule(&subject, set, rule);
        let fires = matches!(verdict, Verdict::Fires { .. });
        assert_eq!(fires, found.rules.contains(&at), "{verdict:?} of {rule:?} on {given:?}");
    }
}
