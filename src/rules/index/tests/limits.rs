//! Limits of the index: past each of them rules are filed or found in another way, and the same rules fire.

use std::collections::BTreeMap;

use super::oracle;
use crate::model::change::Action;
use crate::model::path::LogicalPath;
use crate::rules::condition::{
    Actions, Condition, Expr, FactTest, Keys, MetadataClause, Predicate, Test, TextFact, ValueTest,
};
use crate::rules::eval::{Facts, Subject};
use crate::rules::index::anchors::{AFFIX_MAX, JOINED_MAX, KeyTest, VALUES_MAX, What, anchors};
use crate::rules::index::dirs::{Dir, FILTERED_MAX};
use crate::rules::index::postings::ALIKE_MAX;
use crate::rules::index::{Index, Scratch};
use crate::rules::pattern::TextPattern;
use crate::rules::syntax::watch_path;

fn clause(test: ValueTest) -> MetadataClause {
    MetadataClause { keys: Keys::One("K".into()), test: Test::Given(test), text: "K".into() }
}

fn given(test: ValueTest) -> Expr {
    Expr::Is(Predicate::Changed(clause(test).into()))
}

fn exact(text: &str) -> ValueTest {
    ValueTest::Like(TextPattern::Exact(text.into()))
}

/// The rules that the index finds, and that the evaluator says fire, for a file that is added with a value of `K`.
#[track_caller]
fn fired(index: &Index, rules: &BTreeMap<u32, (Option<&str>, Condition)>, path: &str, value: &str) -> usize {
    let mount = LogicalPath::root();
    let facts = Facts { size: 0, mtime_ns: 0, mount: &mount, tenant: None };
    let values = [value];
    let subject = Subject::of_all_given(path.as_bytes(), Action::Added, [("K", &values[..])].into_iter(), facts);
    let mut found = Vec::new();
    index.matching(&subject, &mut Scratch::default(), &mut found);
    found.sort_unstable();
    assert_eq!(found, oracle(rules, &subject, None), "{path} {value}");
    found.len()
}

/// Whether one expression fires.
#[track_caller]
fn fires(expr: &Expr, path: &str, value: &str) -> bool {
    let condition = Condition::when("", expr.clone());
    let mut index = Index::new(1);
    let rules = BTreeMap::from([(index.add(None, &condition), (None, condition))]);
    fired(&index, &rules, path, value) == 1
}

#[test]
fn many_values_are_not_filed_one_by_one_and_are_found_all_the_same() {
    for (count, filed) in [(VALUES_MAX, VALUES_MAX), (VALUES_MAX + 1, 1)] {
        let values: Vec<Box<str>> = (0..count).map(|n| format!("{n:03}").into()).collect();
        let (test, last) = (ValueTest::OneOf(values.into()), format!("{:03}", count - 1));
        let fact = FactTest::Text(TextFact::Name, test.clone());
        for expr in [
            given(test.clone()),
            Expr::Is(Predicate::Holds(clause(test).into())),
            Expr::Is(Predicate::Fact { test: fact.into(), text: "name".into() }),
        ] {
            assert_eq!(anchors(&expr).len(), filed, "{expr:?}");
            assert!(fires(&expr, &format!("/a/{last}"), &last), "{expr:?}");
            assert!(!fires(&expr, "/a/x", "x"), "{expr:?}");
        }
    }
}

#[test]
fn many_anchors_are_not_joined_and_are_found_all_the_same() {
    let dir = watch_path::parse("* /d", &mut Vec::new()).expect("a path").cover;
    for count in [JOINED_MAX, JOINED_MAX + 1] {
        let values = (0..count).map(|n| given(exact(&n.to_string()))).collect();
        let expr = Expr::All(vec![Expr::Is(Predicate::Path(dir.clone())), Expr::Any(values)]);
        let filed = anchors(&expr);
        let are_joined = filed.iter().all(|anchor| anchor.dir.is_some() && anchor.what != What::Any && anchor.exact);
        assert_eq!((filed.len(), are_joined), if count == JOINED_MAX { (count, true) } else { (1, false) });
        assert!(fires(&expr, "/d/f", "3"));
        assert!(!fires(&expr, "/e/f", "3") && !fires(&expr, "/d/f", "x"));
    }
}

#[test]
fn long_ends_of_values_are_filed_in_part_and_found_all_the_same() {
    for length in [AFFIX_MAX, AFFIX_MAX + 1] {
        let text = "x".repeat(length);
        let part = &text.as_bytes()[..AFFIX_MAX];
        let short = &text[1..];
        for (pieces, what, value, other) in [
            ([text.as_str(), ""], KeyTest::Prefix(part), format!("{text}y"), format!("{short}y")),
            (["", &text], KeyTest::Suffix(part), format!("y{text}"), format!("y{short}")),
        ] {
            let expr = given(ValueTest::Like(TextPattern::from_pieces(pieces.map(str::to_owned).to_vec())));
            let filed: Vec<_> = anchors(&expr).iter().map(|anchor| (anchor.what, anchor.exact)).collect();
            assert_eq!(filed, [(What::Key("K", what), length == AFFIX_MAX)]);
            assert!(fires(&expr, "/a", &value), "{value}");
            assert!(!fires(&expr, "/a", &other), "{other}");
        }
    }
}

#[test]
fn a_filter_of_too_many_postings_lets_everything_through() {
    let hash = |n: u32| u64::from(n + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let most = u32::try_from(FILTERED_MAX).expect("it fits");
    let mut dir = Dir::default();
    let passing = |dir: &Dir, numbers: std::ops::Range<u32>| numbers.filter(|n| dir.may_ask(hash(*n))).count();
    (0..most).for_each(|n| dir.note(n, hash(n), |member| Some(hash(member))));
    assert_eq!(passing(&dir, 0..most), FILTERED_MAX);
    let others = passing(&dir, 1_000_000..1_001_000);
    assert!(others < 200, "{others} of a thousand others pass");
    dir.note(most, hash(most), |member| Some(hash(member)));
    assert_eq!(passing(&dir, 0..most + 1), FILTERED_MAX + 1);
    assert_eq!(passing(&dir, 1_000_000..1_001_000), 1_000);
}

#[test]
fn rules_that_ask_the_same_are_joined_near_the_head_of_their_list_and_found_everywhere() {
    // Each set of actions makes a posting of its own in the list of one value.
    let rule = |bits: usize| {
        let actions: Vec<_> = Action::ALL.into_iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1).collect();
        let actions: Vec<_> = actions.into_iter().map(|(_, action)| action).collect();
        let parts = vec![Expr::Is(Predicate::Action(Actions::of(&actions))), given(exact("v"))];
        Condition::when("", Expr::All(parts))
    };
    for (behind, crowds) in [(ALIKE_MAX - 1, 1), (ALIKE_MAX, 0)] {
        let mut index = Index::new(1);
        let mut rules = BTreeMap::new();
        for bits in (1..=behind + 1).chain([1]) {
            let condition = rule(bits);
            rules.insert(index.add(None, &condition), (None, condition));
        }
        assert_eq!((index.crowds.len(), index.postings.len()), (crowds, behind + 2 - crowds));
        assert!(fired(&index, &rules, "/a", "v") > 0);
        assert_eq!(fired(&index, &rules, "/a", "w"), 0);
    }
}
