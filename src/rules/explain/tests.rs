//! Each reason once; and that explaining never says anything else than evaluating.

use proptest::prelude::*;

use super::{LISTED_MAX, SHOWN_MAX, Verdict, explain, list, one_line};
use crate::model::change::Action;
use crate::model::metadata::Metadata;
use crate::model::path::LogicalPath;
use crate::model::time::Wall;
use crate::rules::condition::{
    Actions, Condition, Expr, FactTest, Keys, MtimeTest, Operand, Predicate, Relation, SizeTest, TextFact, ValueTest,
};
use crate::rules::eval::ValueList;
use crate::rules::pattern::TextPattern;
use crate::rules::supposed::{About, Supposed};
use crate::rules::syntax::{watch_metadata, watch_path};
use crate::rules::value;

/// `K=v|w L=x`.
fn metadata(text: &str) -> Metadata {
    let values = |list: &str| list.split('|').map(str::to_owned).collect();
    let pairs = text.split_whitespace().map(|pair| pair.split_once('=').expect("key=values"));
    pairs.map(|(key, list)| (key.to_owned(), values(list))).collect()
}

fn supposed(path: &str, action: Action, was: &str, now: &str) -> Supposed {
    let path = LogicalPath::parse(path.as_bytes()).expect("a path");
    let about = About { size: 10, owner: "ana".into(), ..About::at(Wall(1_795_341_600_123)) };
    Supposed::new(path, action, &metadata(was), metadata(now), about)
}

fn condition(paths: &[&str], clauses: &[&str], operand: Operand) -> Condition {
    let paths = paths.iter().map(|text| watch_path::parse(text, &mut Vec::new()).expect("a path clause"));
    let clauses = clauses.iter().map(|text| watch_metadata::parse(text, &mut Vec::new()).expect("a clause"));
    Condition::clauses(paths.collect(), clauses.collect(), operand).expect("something to watch")
}

fn said(supposed: &Supposed, condition: &Condition) -> String {
    let subject = supposed.subject();
    let verdict = explain(&subject, condition);
    let fires = subject.fires(&condition.expr());
    assert_eq!(fires, matches!(verdict, Verdict::Fires { .. }), "{condition:?} {supposed:?}");
    match verdict {
        Verdict::Fires { clause } => format!("fires {clause}"),
        Verdict::Failed { clause, why } => format!("{clause}: {why}"),
    }
}

#[test]
fn paths() {
    use Action::{Added, Deleted, Modified, None};
    for (clauses, action, expect) in [
        (&["+ /a/b"][..], Added, "fires + /a/b"),
        (&["- /a", "+ /a/**/*.mov"], Added, "fires + /a/**/*.mov"),
        (&["+ /a", "+ /c"], Modified, "+ /a: action is modified, and it watches what is added"),
        (&["* /a"], None, "* /a: only metadata changed, and it watches what is added, modified, deleted"),
        (&["* /c", "+ /a"], Deleted, "* /c: /a/b/c.mov is not at or below /c"),
        (&["* /c/"], Added, "* /c/: /a/b/c.mov is not below /c"),
        (&["* /a/b/c.mov/"], Added, "* /a/b/c.mov/: it covers only what is below /a/b/c.mov"),
        (&["* /a/*.mov"], Added, "* /a/*.mov: /a/b/c.mov is not like /a/*.mov (`*` stops at `/`, `**` does not)"),
        (&["/a", "* /a/**/*.jpg"], Added, "* /a/**/*.jpg: /a/b/c.mov is not like /a/**/*.jpg"),
    ] {
        assert_eq!(said(&supposed("/a/b/c.mov", action, "", ""), &condition(clauses, &[], Operand::Or)), expect);
    }
}

#[test]
fn one_metadata_clause() {
    for (clause, was, now, expect) in [
        ("K==v", "", "K=v", "fires K==v"),
        ("K==v", "", "", "K==v: K is absent"),
        ("K==v", "K=v", "K=v", "K==v: the change left K as it was: v"),
        ("K==v", "L=v", "L=w", "K==v: K is absent"),
        ("K==v", "K=v", "", "K==v: the change removed K"),
        ("K==v", "", "K=u", "K==v: K is u, not v"),
        ("K==v*", "", "K=u|t", "K==v*: K is u, t, not v*"),
        ("K==v", "K=v", "K=v|w", "K==v: K had v before, too, so this change did not give it"),
        ("K==*", "K=v|w", "K=w", "K==*: K had w before, too, so this change did not give it"),
        ("K>=4", "", "K=3", "K>=4: K is 3"),
        ("K>=4", "", "K=four", "K>=4: K is four, which is no number"),
        ("K>2026-01", "", "K=2025", "K>2026-01: K is 2025"),
        ("K>2026-01", "", "K=x", "K>2026-01: K is x, which is no date"),
        ("K=~^v", "", "K=uv", "K=~^v: K is uv"),
        ("K!=v", "", "K=v", "K!=v: K is v"),
        ("K!=v", "", "K=u|v", "K!=v: one of the values of K is v"),
        ("K!=v", "K=v", "", "K!=v: the change removed K, and this asks for a value"),
        ("K!~v", "", "K=v", "K!~v: K is v"),
        ("K!=*", "", "K=v", "K!=*: K is not removed: it is v"),
        ("K!=*", "L=v", "", "K!=*: K was absent before, too: nothing removed it"),
        ("K!=*", "K=v", "K=v", "K!=*: the change left K as it was: v"),
        ("*==*", "K=v", "K=v", "*==*: the change touched no key"),
        ("K*==*", "L=v", "L=w", "K*==*: the change touched no key like K*"),
        ("K*==v", "", "Key=w", "K*==v: Key is w, not v"),
        ("K==1", "", "K=0|2|3|4|5|6|7", "K==1: K is 0, 2, 3, 4, 5 and 2 more, not 1"),
        ("K==v", "", "K=", "K==v: K is \"\", not v"),
        ("K==v", "", "K=\u{1b}[2J\u{202e}", "K==v: K is \\u{1b}[2J\\u{202e}, not v"),
    ] {
        assert_eq!(said(&supposed("/a/f", Action::None, was, now), &condition(&[], &[clause], Operand::Or)), expect);
    }
}

#[test]
fn values_are_listed_and_texts_shown_up_to_the_limit() {
    let values = ["v"; LISTED_MAX + 1];
    assert_eq!(list(ValueList::Borrowed(&values[..LISTED_MAX])), ["v"; LISTED_MAX].join(", "));
    assert_eq!(list(ValueList::Borrowed(&values)), format!("{} and 1 more", ["v"; LISTED_MAX].join(", ")));
    let most = "\u{e9}".repeat(SHOWN_MAX);
    assert_eq!(one_line(&most), most);
    assert_eq!(one_line(&format!("{most}\u{e9}")), format!("{most}..."));
}

#[test]
fn scope_and_operands() {
    use Operand::{And, Or};
    const NONE: &str = "; AND needs a clause that this change made true, and there is none";
    let both = ["City==SFO", "Rating>=4"];
    for (paths, clauses, operand, was, now, expect) in [
        (&["/c"][..], &both[..], Or, "", "City=SFO", "/c: /a/f is not at or below /c"),
        (&["/c", "/d"], &both, Or, "", "", "/c: /a/f is not at or below /c, and no other watchPath covers it either"),
        (&["+ /a"], &both, Or, "", "Rating=5", "fires Rating>=4"),
        (&["+ /a"], &both, Or, "", "Rating=2", "City==SFO: City is absent"),
        (&[], &both, And, "City=SFO", "City=SFO Rating=5", "fires Rating>=4"),
        (&[], &both, And, "", "City=SFO", "Rating>=4: Rating is absent"),
        (&[], &both, And, "Rating=2", "City=SFO Rating=2", "Rating>=4: Rating is 2"),
        (&[], &both, And, "", "City=LAX Rating=5", "City==SFO: City is LAX, not SFO"),
        (&[], &["A==1", "B!=2"], And, "B=2", "A=1 B=2", "B!=2: B is 2"),
        (&[], &["A==1", "B!=*"], And, "B=2", "A=1 B=2", "B!=*: B is 2"),
        (&[], &["A==1", "B*==x"], And, "", "A=1", "B*==x: the asset has no key like B*"),
        (&[], &["A==1", "B*==x"], And, "Bc=y", "A=1 Bc=y", "B*==x: Bc is y, not x"),
    ] {
        assert_eq!(said(&supposed("/a/f", Action::None, was, now), &condition(paths, clauses, operand)), expect);
    }
    for (action, mode) in [(Action::Added, '+'), (Action::Modified, '~'), (Action::Deleted, '-')] {
        let (change, what) = (supposed("/a/f", action, "", ""), action.as_str());
        let expect = format!(
            "City==SFO: City is absent; and a watchPath without a mode tells of no {what} files: \
             that takes a {mode} or * before the path"
        );
        assert_eq!(said(&change, &condition(&["/a"], &both[..1], Or)), expect);
        assert_eq!(said(&change, &condition(&[], &both[..1], Or)), "City==SFO: City is absent");
    }
    let still = supposed("/a/f", Action::None, "City=SFO Rating=5", "City=SFO Rating=5 X=y");
    let expect = format!("City==SFO: the change left City as it was: SFO{NONE}");
    assert_eq!(said(&still, &condition(&[], &both, And)), expect);
}

#[test]
fn expressions_fail_at_their_first_failing_comparison() {
    let is = Expr::Is;
    let action = |actions: &[Action]| is(Predicate::Action(Actions::of(actions)));
    let clause = |text: &str| watch_metadata::parse(text, &mut Vec::new()).expect("a clause");
    let holds = |text: &str| is(Predicate::Holds(clause(text).into()));
    let touched = |keys: Keys, text: &str| is(Predicate::Touched { keys, text: text.into() });
    let fact = |test: FactTest, text: &str| is(Predicate::Fact { test: test.into(), text: text.into() });
    let cover = |text: &str| is(Predicate::Path(watch_path::parse(text, &mut Vec::new()).expect("a path").cover));
    let exact = |text: &str| ValueTest::Like(TextPattern::Exact(text.into()));
    let date = value::date("2026-01-01").expect("a date");
    let not = |expr: Expr| Expr::Not(Box::new(expr));
    for (expr, expect) in [
        (Expr::All(vec![holds("Rating==2"), action(&[Action::Modified])]), "fires the whole of it"),
        (Expr::Any(vec![holds("Rating==3"), holds("Rating==2")]), "fires Rating==2"),
        (not(action(&[Action::Added])), "fires the whole of it"),
        (Expr::Any(vec![]), "the whole of it: it is never true"),
        (action(&[Action::Added]), "action == added: action is modified"),
        (action(&[Action::Added, Action::Deleted]), "action in (added, deleted): action is modified"),
        (not(action(&[Action::Modified])), "not action == modified: action is modified"),
        (Expr::All(vec![holds("Rating==2"), holds("Rating>=4")]), "Rating>=4: Rating is 2"),
        (Expr::All(vec![holds("Rating==2"), holds("City==SFO")]), "City==SFO: City is absent"),
        (not(holds("Rating<3")), "not Rating<3: Rating is 2"),
        (not(holds("City!=*")), "not City!=*: City is absent"),
        (not(Expr::All(vec![holds("Rating==2"), cover("/a")])), "not Rating==2: Rating is 2"),
        (not(Expr::Any(vec![holds("Rating==3"), cover("/a")])), "not path /a: path is /a/b.tar.gz"),
        (cover("/a/*.mov"), "path like \"/a/*.mov\": path is /a/b.tar.gz"),
        (cover("/c/"), "path /c/: path is /a/b.tar.gz"),
        (is(Predicate::Changed(clause("Rating==2").into())), "Rating==2: the change left Rating as it was: 2"),
        (not(touched(Keys::One("Title".into()), "touched(Title)")), "not touched(Title): the change touched Title"),
        (touched(Keys::One("City".into()), "touched(City)"), "touched(City): the change did not touch City"),
        (touched(Keys::One("Rating".into()), "touched(Rating)"), "touched(Rating): the change did not touch Rating"),
        (fact(FactTest::Text(TextFact::Ext, exact("mov")), "ext == mov"), "ext == mov: ext is gz"),
        (fact(FactTest::Text(TextFact::Tenant, exact("x")), "tenant == x"), "tenant == x: tenant is \"\""),
        (fact(FactTest::Size(SizeTest::Is(3)), "size == 3"), "size == 3: size is 10 bytes"),
        (
            fact(FactTest::Mtime(MtimeTest::Date(Relation::Less, date)), "mtime < 2026-01-01"),
            "mtime < 2026-01-01: mtime is 2026-11-22T10:00:00.123Z",
        ),
    ] {
        let supposed = supposed("/a/b.tar.gz", Action::Modified, "Rating=2", "Rating=2 Title=x");
        assert_eq!(said(&supposed, &Condition::when("the whole\n   of it", expr)), expect);
    }
    let words = said(&supposed("/a", Action::Added, "", ""), &Condition::nothing());
    assert_eq!(words, "events: it asks only for events by name; no change of an asset fires it");
}

#[test]
fn additions_and_deletions_show_what_the_pipeline_shows() {
    let stars = condition(&[], &["Rating==5"], Operand::Or);
    assert_eq!(said(&supposed("/a", Action::Added, "Rating=5", "Rating=5"), &stars), "fires Rating==5");
    let gone = condition(&[], &["Rating!=*"], Operand::Or);
    let expect = "Rating!=*: Rating was absent before, too: nothing removed it";
    assert_eq!(said(&supposed("/a", Action::Deleted, "Rating=5", ""), &gone), expect);
}

proptest! {
    /// `said` compares with the evaluator.
    #[test]
    fn explaining_agrees_with_evaluating(
        paths in prop::collection::vec(prop::sample::select(vec!["* /a", "+ /a", "- /b", "~ /a/*", "/a", "/b/"]), 0..3),
        clauses in prop::collection::vec(
            prop::sample::select(vec!["K==v", "K==*", "K!=v", "K!=*", "*==*", "L>1", "L!~v", "K*==w", "K*!=*"]), 0..4),
        and in any::<bool>(),
        path in prop::sample::select(vec!["/a", "/a/x", "/b/x/y"]),
        action in prop::sample::select(Action::ALL.to_vec()),
        was in "(K=(v|w|v\\|w) )?(L=(1|2|v) )?(Key=w)?",
        now in "(K=(v|w|v\\|w) )?(L=(1|2|v) )?(Key=w)?",
    ) {
        prop_assume!(!clauses.is_empty() || paths.iter().any(|path| !path.starts_with('/')));
        let operand = if and { Operand::And } else { Operand::Or };
        said(&supposed(path, action, &was, &now), &condition(&paths, &clauses, operand));
    }
}
