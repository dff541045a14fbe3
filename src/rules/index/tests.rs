//! The index against the plain evaluator: small alphabets, so that everything meets everything; and hashes of four
//! bits, so that everything collides.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::anchors::{What, anchors};
use super::hash::Hashing;
use super::tally::Tally;
use super::{Index, Scratch};
use crate::model::change::{Action, Change};
use crate::model::metadata::{KeyDelta, Metadata};
use crate::model::path::LogicalPath;
use crate::rules::condition::{
    Actions, Condition, Cover, Expr, FactTest, Keys, MetadataClause, Operand, PathClause, Predicate, Test, TextFact,
    ValueTest,
};
use crate::rules::eval::{Facts, Subject};
use crate::rules::pattern::{PathGlob, TextPattern};
use crate::rules::syntax::{watch_metadata, watch_path};

mod limits;

const TENANTS: [Option<&str>; 3] = [None, Some("a"), Some("b")];

/// What is done to the set of rules.
#[derive(Debug, Clone)]
enum Step {
    Add(Option<&'static str>, Box<Condition>),
    /// One of those that are there.
    Remove(prop::sample::Index),
    Match(Box<Given>),
}

/// A change and the asset beside it.
#[derive(Debug, Clone)]
struct Given {
    change: Change,
    state: Metadata,
    tenant: Option<&'static str>,
}

fn path() -> impl Strategy<Value = String> {
    let names = prop::sample::select(vec!["a", "b", "bc", "f.mov", "f.jpg", "b.c", "\u{e9}", "e\u{301}", "e"]);
    prop::collection::vec(names, 1..4).prop_map(|names| format!("/{}", names.join("/")))
}

fn path_clause() -> impl Strategy<Value = PathClause> {
    let glob = prop::sample::select(vec![
        "/**/*.mov",
        "/a/**",
        "/a/*",
        "/*/f*",
        "/a/{b,bc}",
        "/a/b/{,f.mov}",
        "/**/f.*",
        "/[ab]/*",
        "/**/\u{e9}*",
        "/e\u{301}/**",
        "/*/?",
    ]);
    let text = prop_oneof![
        6 => path(),
        2 => path().prop_map(|path| path + "/"),
        1 => Just("/".to_owned()),
        3 => glob.prop_map(str::to_owned),
    ];
    let mode = prop::sample::select(vec!["", "", "* ", "+ ", "- ", "~ "]);
    (mode, text)
        .prop_map(|(mode, text)| watch_path::parse(&format!("{mode}{text}"), &mut Vec::new()).expect("a clause"))
}

fn clause() -> impl Strategy<Value = MetadataClause> {
    let key = prop::sample::select(vec!["K", "L", "KK", "K*", "*", "M", "*K", "K*K"]);
    let test = prop::sample::select(vec![
        "==1",
        "==2",
        "==10",
        "!=1",
        "!=2",
        "==*",
        "!=*",
        ">1",
        ">=2",
        "<2",
        "<=1",
        ">-3",
        "<1.5",
        "==x*",
        "==*y",
        "==x*y",
        "==*abc*",
        "!=x*",
        "=~abc",
        "=~^x",
        "=~(?i)X",
        "=~x+y",
        "!~x",
        ">2026-01",
        "<=2026-01-01",
        "==xabcy",
        "==*ab*",
    ]);
    (key, test)
        .prop_map(|(key, test)| watch_metadata::parse(&format!("{key}{test}"), &mut Vec::new()).expect("a clause"))
}

fn clauses() -> impl Strategy<Value = Condition> {
    let operand = prop::sample::select(vec![Operand::Or, Operand::And]);
    (prop::collection::vec(path_clause(), 0..4), prop::collection::vec(clause(), 0..4), operand)
        .prop_filter_map("nothing to watch", |(paths, metadata, operand)| {
            Condition::clauses(paths, metadata, operand).ok()
        })
}

const GLOBS: [&str; 9] = ["f.*", "*.mov", "?*", "{f,b}*", "j?", "**/f.mov", "**/jo", "b*c", "f.m*v"];

fn text_glob(glob: &str) -> PathGlob {
    let prefix = glob.find(['*', '?', '{']).map_or(glob, |at| &glob[..at]);
    PathGlob::new(glob, prefix.into()).expect("a glob")
}

fn text_fact() -> impl Strategy<Value = TextFact> {
    prop::sample::select(vec![TextFact::Name, TextFact::Ext, TextFact::Owner])
}

fn predicate() -> impl Strategy<Value = Predicate> {
    let text = || Box::<str>::from("");
    let actions = prop::sample::subsequence(Action::ALL.to_vec(), 0..=4);
    let fact =
        prop::sample::select(vec![TextFact::Name, TextFact::Ext, TextFact::Dir, TextFact::Path, TextFact::Owner]);
    let words = prop::sample::subsequence(vec!["/a", "/a/b", "f.mov", "jo", "mov"], 0..=3);
    prop_oneof![
        2 => actions.prop_map(|actions| Predicate::Action(Actions::of(&actions))),
        3 => path_clause().prop_map(|clause| Predicate::Path(clause.cover)),
        3 => clause().prop_map(|clause| Predicate::Changed(clause.into())),
        3 => clause().prop_filter_map("not of a state", |clause| {
            (clause.test != Test::AnyTouched).then(|| Predicate::Holds(clause.into()))
        }),
        1 => prop::sample::select(vec!["K", "L"]).prop_map(move |key| {
            Predicate::Touched { keys: Keys::One(key.into()), text: text() }
        }),
        1 => Just(Predicate::Touched { keys: TextPattern::Any.into(), text: text() }),
        2 => (fact, words).prop_map(move |(fact, words)| {
            let mut words: Vec<Box<str>> = words.into_iter().map(Box::from).collect();
            words.sort();
            Predicate::Fact { test: FactTest::Text(fact, ValueTest::OneOf(words.into())).into(), text: text() }
        }),
        2 => (text_fact(), prop::sample::select(vec!["f*", "*.mov", "*", "b*c", "/a*", "*b", "j*", "x*"]))
            .prop_map(move |(fact, pattern)| {
                let pattern = TextPattern::from_pieces(pattern.split('*').map(str::to_owned).collect());
                Predicate::Fact { test: FactTest::Text(fact, ValueTest::Like(pattern)).into(), text: text() }
            }),
        2 => (text_fact(), prop::sample::select(GLOBS.to_vec())).prop_map(move |(fact, glob)| {
            let test = ValueTest::Glob(text_glob(glob).into());
            Predicate::Fact { test: FactTest::Text(fact, test).into(), text: text() }
        }),
        1 => prop::sample::select(vec!["**/x", "x*", "**/10", "*y"]).prop_map(|glob| {
            let test = Test::Given(ValueTest::Glob(text_glob(glob).into()));
            Predicate::Changed(MetadataClause { keys: Keys::One("K".into()), test, text: glob.into() }.into())
        }),
        1 => path_clause().prop_filter_map("no glob", move |clause| match clause.cover {
            Cover::Glob(glob) => {
                Some(Predicate::Fact { test: FactTest::Text(TextFact::Path, ValueTest::Glob(glob)).into(), text: text() })
            }
            Cover::Under { .. } => None,
        }),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    let expr = predicate().prop_map(Expr::Is).prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Expr::All),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Expr::Any),
            inner.prop_map(|part| Expr::Not(Box::new(part))),
        ]
    });
    prop_oneof![3 => clauses(), 2 => expr.prop_map(|expr| Condition::when("", expr))]
}

fn metadata() -> impl Strategy<Value = Metadata> {
    let key = prop::sample::select(vec!["K", "L", "KK", "M", "N"]);
    let value =
        prop::sample::select(vec!["1", "2", "10", "1.0", "-4", "x", "xy", "xabcy", "abc", "2026-01-01", "", "Xy"]);
    let values = prop::collection::vec(value.prop_map(str::to_owned), 1..4);
    prop::collection::btree_map(key.prop_map(str::to_owned), values, 0..4)
}

fn given() -> impl Strategy<Value = Given> {
    let action = prop::sample::select(Action::ALL.to_vec());
    let tenant = prop::sample::select(TENANTS.to_vec());
    (path(), action, metadata(), metadata(), tenant).prop_map(|(path, action, old, state, tenant)| {
        let keys: std::collections::BTreeSet<_> = old.keys().chain(state.keys()).cloned().collect();
        let values = |of: &Metadata, key: &str| of.get(key).cloned().unwrap_or_default();
        let delta = keys.into_iter().map(|key| KeyDelta {
            old: values(&old, &key),
            new: values(&state, &key),
            key,
            source: None,
        });
        let change = Change {
            owner: "jo".into(),
            ..Change::of_some_asset(path.as_bytes(), action, delta.filter(|delta| delta.old != delta.new).collect())
        };
        Given { change, state, tenant }
    })
}

fn step() -> impl Strategy<Value = Step> {
    let tenant = prop::sample::select(vec![None, None, None, Some("a"), Some("b")]);
    prop_oneof![
        5 => (tenant, condition()).prop_map(|(tenant, condition)| Step::Add(tenant, Box::new(condition))),
        2 => any::<prop::sample::Index>().prop_map(Step::Remove),
        3 => given().prop_map(|given| Step::Match(Box::new(given))),
    ]
}

/// Tries every rule.
fn oracle(rules: &BTreeMap<u32, (Option<&str>, Condition)>, subject: &Subject<'_>, tenant: Option<&str>) -> Vec<u32> {
    let fires = |(whose, condition): &(Option<&str>, Condition)| {
        whose.is_none_or(|whose| tenant == Some(whose)) && subject.fires(&condition.expr())
    };
    rules.iter().filter(|(_, rule)| fires(rule)).map(|(number, _)| *number).collect()
}

fn check(index: Index, steps: Vec<Step>) {
    let mut index = index;
    let mut rules = BTreeMap::new();
    let mut scratch = Scratch::default();
    let mount = LogicalPath::root();
    for step in steps {
        match step {
            Step::Add(tenant, condition) => {
                let number = index.add(tenant, &condition);
                assert!(rules.insert(number, (tenant, *condition)).is_none(), "a number is given once");
            }
            Step::Remove(which) if !rules.is_empty() => {
                let number = *which.get(&rules.keys().collect::<Vec<_>>());
                let number = *number;
                rules.remove(&number);
                index.remove(number);
            }
            Step::Remove(_) => {}
            Step::Match(given) => {
                let Given { change, state, tenant } = &*given;
                let facts = Facts { size: 0, mtime_ns: 0, mount: &mount, tenant: *tenant };
                let subject = Subject::new(change, state, facts);
                let mut found = Vec::new();
                index.matching(&subject, &mut scratch, &mut found);
                found.sort_unstable();
                let expect = oracle(&rules, &subject, *tenant);
                assert_eq!(found, expect, "{change:?} {state:?} among {rules:#?}");
            }
        }
        assert_eq!(index.len(), rules.len());
    }
    // Whatever was filed is given back.
    for number in rules.into_keys() {
        index.remove(number);
    }
    assert_eq!((index.postings.len(), index.texts.len(), index.parts.len(), index.bounds.len()), (0, 0, 0, 0));
    assert_eq!((index.tally, index.members.len(), index.crowds.len()), (Tally::default(), 0, 0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn the_index_finds_what_the_evaluator_finds(steps in prop::collection::vec(step(), 0..60), seed: u64) {
        check(Index::new(seed), steps);
    }

    #[test]
    fn so_it_does_when_everything_collides(steps in prop::collection::vec(step(), 0..60), seed: u64, bits in 0_u32..=4) {
        check(Index::with(Hashing::weak(seed, bits)), steps);
    }

    /// A rule fires for a name whatever its Unicode form: as one code point, or as a letter and an accent.
    #[test]
    fn the_form_of_a_name_does_not_matter(conditions in prop::collection::vec(condition(), 1..20), given in given()) {
        use unicode_normalization::UnicodeNormalization as _;
        let mut index = Index::new(1);
        for condition in &conditions {
            index.add(None, condition);
        }
        let path = given.change.path.display().into_owned();
        let fired = |path: String| {
            let path = LogicalPath::parse(path.as_bytes()).expect("a path");
            let change = Change { path, ..given.change.clone() };
            let mount = LogicalPath::root();
            let facts = Facts { size: 0, mtime_ns: 0, mount: &mount, tenant: None };
            let mut out = Vec::new();
            index.matching(&Subject::new(&change, &given.state, facts), &mut Scratch::default(), &mut out);
            out.sort_unstable();
            out
        };
        prop_assert_eq!(fired(path.nfc().collect()), fired(path.nfd().collect()));
    }

    /// The order of clauses, rules that were there and went, and rules that have nothing to do with it change nothing.
    #[test]
    fn what_does_not_matter_does_not_matter(
        metadata in prop::collection::vec(clause(), 1..5),
        paths in prop::collection::vec(path_clause(), 0..4),
        others in prop::collection::vec(condition(), 0..8),
        givens in prop::collection::vec(given(), 1..8),
    ) {
        for operand in [Operand::Or, Operand::And] {
            let straight = Condition::clauses(paths.clone(), metadata.clone(), operand).expect("something to watch");
            let reversed = |of: &[MetadataClause]| of.iter().rev().cloned().collect();
            let turned = Condition::clauses(paths.iter().rev().cloned().collect(), reversed(&metadata), operand);
            let turned = turned.expect("something to watch");
            let (mut alone, mut among) = (Index::new(1), Index::new(2));
            let number = alone.add(None, &straight);
            let gone: Vec<_> = others.iter().map(|other| among.add(None, other)).collect();
            let among_number = among.add(None, &turned);
            gone.into_iter().for_each(|number| among.remove(number));
            let foreign = watch_path::parse("* /elsewhere", &mut Vec::new()).expect("a clause");
            among.add(None, &Condition::clauses(vec![foreign], Vec::new(), Operand::Or).expect("a condition"));
            let mount = LogicalPath::root();
            for Given { change, state, .. } in &givens {
                let facts = Facts { size: 0, mtime_ns: 0, mount: &mount, tenant: None };
                let subject = Subject::new(change, state, facts);
                let fires = |index: &Index, number| {
                    let mut out = Vec::new();
                    index.matching(&subject, &mut Scratch::default(), &mut out);
                    out == [number]
                };
                prop_assert_eq!(fires(&alone, number), fires(&among, among_number));
            }
        }
    }
}

/// Rules for the clips of one card each are not all filed under `.mov`.
#[test]
fn a_fact_is_filed_under_its_longer_end() {
    for (glob, what) in [
        ("A001_*.mov", What::FactPrefix(TextFact::Name, b"A001_")),
        ("A*.proxy.mov", What::FactSuffix(TextFact::Name, b".proxy.mov")),
        ("A001*", What::FactPrefix(TextFact::Name, b"A001")),
        ("*.mov", What::FactSuffix(TextFact::Name, b".mov")),
        ("*1*", What::Any),
    ] {
        let test = FactTest::Text(TextFact::Name, ValueTest::Glob(text_glob(glob).into()));
        let expr = Expr::Is(Predicate::Fact { test: test.into(), text: glob.into() });
        assert_eq!(anchors(&expr).iter().map(|anchor| anchor.what).collect::<Vec<_>>(), [what], "{glob}");
    }
}

/// No asset lies at the top itself, but somebody may suppose one.
#[test]
fn what_is_asked_of_the_top_is_asked_of_every_path() {
    let clause = watch_path::parse("* /", &mut Vec::new()).expect("a clause");
    let condition = Condition::clauses(vec![clause], Vec::new(), Operand::Or).expect("something to watch");
    let mut index = Index::new(1);
    index.add(None, &condition);
    let mount = LogicalPath::root();
    for path in [&b"/"[..], b"/a", b"/a/b"] {
        let facts = Facts { size: 0, mtime_ns: 0, mount: &mount, tenant: None };
        let subject = Subject::of_all_given(path, Action::Added, std::iter::empty(), facts);
        let mut found = Vec::new();
        index.matching(&subject, &mut Scratch::default(), &mut found);
        assert_eq!((found.len(), subject.fires(&condition.expr())), (1, true), "{path:?}");
    }
}

/// A crowd under one anchor is told apart by what it asks, and a filter that has had enough lets everything through.
#[test]
fn a_crowd_below_one_directory() {
    let mut index = Index::new(3);
    let clause = |text: &str| watch_metadata::parse(text, &mut Vec::new()).expect("a clause");
    let condition =
        |text: &str| Condition::clauses(Vec::new(), vec![clause(text)], Operand::Or).expect("something to watch");
    let mut rules = BTreeMap::new();
    for n in 0..6_000 {
        for text in
            [format!("K=={n}"), format!("K>{n}"), format!("K==p{n}*"), format!("K==*{n}s"), format!("K=~lit{n}x")]
        {
            let condition = condition(&text);
            rules.insert(index.add(None, &condition), (None, condition));
        }
    }
    let mount = LogicalPath::root();
    for value in ["17", "p123", "4321s", "a lit77x", "-1"] {
        let state = Metadata::from([("K".to_owned(), vec![value.to_owned()])]);
        let facts = Facts { size: 0, mtime_ns: 0, mount: &mount, tenant: None };
        let values = [value];
        let subject = Subject::of_all_given(b"/a", Action::None, [("K", &values[..])].into_iter(), facts);
        let mut found = Vec::new();
        index.matching(&subject, &mut Scratch::default(), &mut found);
        found.sort_unstable();
        assert_eq!(found, oracle(&rules, &subject, None), "{state:?}");
        assert!(value == "-1" || !found.is_empty());
    }
}
