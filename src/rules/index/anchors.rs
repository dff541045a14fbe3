//! Under what a rule is filed: for each expression a few anchors, one of which every change that fires it has.
//!
//! An anchor has up to three sides: a directory that the path is below, something about the metadata (a key with a
//! value, a key, ...), and the actions. Of what must all be true, the most telling sides are joined; of what may be
//! true, each is filed by itself. What an anchor does not say is asked of the expression, once the anchor was found;
//! one that is `exact` says all.

use crate::model::change::Action;
use crate::rules::condition::{
    Actions, Comparison, Cover, Expr, FactTest, Keys, MetadataClause, Predicate, Test, TextFact, ValueTest,
};
use crate::rules::pattern::{PathGlob, TextPattern};

/// Anchors of one expression, at most, that are joined to make fewer candidates: each takes memory.
pub(super) const JOINED_MAX: usize = 256;
/// Values of one `in (...)`, at most, that are filed one by one: each takes memory. Of more, only the key is filed.
pub(super) const VALUES_MAX: usize = 64;
/// Ends of texts are filed by this many bytes at most, so that their lengths fit the bits of a word.
pub(super) const AFFIX_MAX: usize = 63;

/// All actions.
pub(super) const ALL_ACTIONS: u8 = 0b1111;

/// What a change has that may fire a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Anchor<'e> {
    /// The path of a directory that the asset is below; `None` is the top.
    pub dir: Option<Dir<'e>>,
    pub what: What<'e>,
    /// A bit for each action.
    pub actions: u8,
    /// It alone fires the rule.
    pub exact: bool,
}

/// A directory, or a file: whatever a plain path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dir<'e> {
    pub path: &'e [u8],
    /// The asset may also stand at that path itself.
    pub itself: bool,
}

/// The most telling thing about a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What<'e> {
    /// Anything.
    Any,
    /// Some key was touched.
    Touch,
    /// Something about one key that was touched.
    Key(&'e str, KeyTest<'e>),
    /// The key has this value now.
    HeldValue(&'e str, &'e str),
    /// The key has a value now.
    HeldKey(&'e str),
    /// Some key has this value now.
    HeldSome(&'e str),
    /// Some key was given this value.
    SomeValue(&'e str),
    /// Some key that begins so was touched.
    KeyPrefix(&'e [u8]),
    /// Some key that ends so was touched.
    KeySuffix(&'e [u8]),
    /// The path ends so.
    PathSuffix(&'e [u8]),
    /// The fact is this text.
    Fact(TextFact, &'e str),
    /// The fact begins so.
    FactPrefix(TextFact, &'e [u8]),
    /// The fact ends so.
    FactSuffix(TextFact, &'e [u8]),
}

/// What is asked of a key that was touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyTest<'e> {
    /// It was given this value.
    Value(&'e str),
    /// It was given a value that begins so.
    Prefix(&'e [u8]),
    /// It was given a value that ends so.
    Suffix(&'e [u8]),
    /// It was given a value with these three bytes in it.
    Gram(&'e [u8]),
    /// It was given a value that compares so.
    Compare(&'e Comparison),
    /// It was given a value.
    Given,
    /// It has values, none of which is this.
    Without(&'e str),
    /// It was removed.
    Removed,
    /// It was touched.
    Touched,
}

impl<'e> Anchor<'e> {
    const ALWAYS: Self = Self { dir: None, what: What::Any, actions: ALL_ACTIONS, exact: true };

    fn new(what: What<'e>, exact: bool) -> Self {
        Self { what, exact, ..Self::ALWAYS }
    }

    fn below(path: &'e [u8], itself: bool, exact: bool) -> Self {
        let dir = (path != b"/").then_some(Dir { path, itself });
        Self { dir, exact, ..Self::ALWAYS }
    }

    /// What both say, as far as one anchor can.
    fn and(self, other: Self) -> Self {
        let (dir, both_dirs) = match (self.dir, other.dir) {
            (Some(a), Some(b)) => (Some(if b.path.len() > a.path.len() { b } else { a }), a != b),
            (a, b) => (a.or(b), false),
        };
        let (what, both_whats) = match (self.what, other.what) {
            (What::Any, what) | (what, What::Any) => (what, false),
            (a, b) => (if cost(&b) < cost(&a) { b } else { a }, a != b),
        };
        let exact = self.exact && other.exact && !both_dirs && !both_whats;
        Self { dir, what, actions: self.actions & other.actions, exact }
    }

    fn inexact(self) -> Self {
        Self { exact: false, ..self }
    }
}

/// How many candidates an anchor may be expected to give, roughly and relative to others.
fn cost(what: &What<'_>) -> u32 {
    match what {
        What::Key(_, KeyTest::Value(_)) => 1,
        What::SomeValue(_) => 2,
        What::Key(_, KeyTest::Prefix(_) | KeyTest::Suffix(_)) => 4,
        What::Key(_, KeyTest::Compare(_) | KeyTest::Gram(_)) => 8,
        What::Key(..) => 16,
        What::KeyPrefix(_) | What::KeySuffix(_) => 24,
        What::PathSuffix(_) | What::Fact(..) | What::FactPrefix(..) | What::FactSuffix(..) => 32,
        What::Touch => 128,
        // State is looked up for all keys that an asset has, so whatever was touched goes before.
        What::HeldValue(..) => 256,
        What::HeldSome(_) => 384,
        What::HeldKey(_) => 512,
        What::Any => 4_096,
    }
}

fn cost_of(anchors: &[Anchor<'_>]) -> u32 {
    let one = |anchor: &Anchor<'_>| cost(&anchor.what) + u32::from(anchor.dir.is_none()) * 2_048;
    anchors.iter().map(one).fold(0, u32::saturating_add)
}

/// The anchors of an expression: whatever fires it has one of them.
pub(super) fn anchors(expr: &Expr) -> Vec<Anchor<'_>> {
    match expr {
        Expr::Any(parts) => parts.iter().flat_map(anchors).collect(),
        Expr::All(parts) => joined(parts.iter().map(anchors).collect()),
        Expr::Not(part) => match &**part {
            Expr::Is(Predicate::Action(actions)) => {
                vec![Anchor { actions: ALL_ACTIONS & !actions.bits(), ..Anchor::ALWAYS }]
            }
            _ => vec![Anchor::ALWAYS.inexact()],
        },
        Expr::Is(predicate) => of_predicate(predicate),
    }
}

/// The anchors of what must be true together.
fn joined(parts: Vec<Vec<Anchor<'_>>>) -> Vec<Anchor<'_>> {
    let (mut actions, mut all_used) = (ALL_ACTIONS, true);
    let mut sets = Vec::new();
    for set in parts {
        match set[..] {
            [only] if only.dir.is_none() && only.what == What::Any => {
                actions &= only.actions;
                all_used &= only.exact;
            }
            _ => sets.push(set),
        }
    }
    // The best set of directories, the best of the others, and what both say.
    let has_dirs = |set: &&Vec<Anchor<'_>>| set.iter().all(|anchor| anchor.dir.is_some());
    let has_whats = |set: &&Vec<Anchor<'_>>| set.iter().all(|anchor| anchor.what != What::Any);
    let best = |which: &dyn Fn(&&Vec<Anchor<'_>>) -> bool| {
        let fit = sets.iter().enumerate().filter(|(_, set)| which(set));
        fit.min_by_key(|(_, set)| (cost_of(set), set.len())).map(|(at, _)| at)
    };
    let (dirs, whats) = (best(&has_dirs), best(&has_whats));
    let mut used: Vec<usize> = dirs.into_iter().chain(whats).collect();
    used.dedup();
    if used.is_empty() && !sets.is_empty() {
        used.push(0);
    }
    let mut out = vec![Anchor::ALWAYS];
    for &at in &used {
        let set = &sets[at];
        if out.len() * set.len() > JOINED_MAX {
            all_used = false;
            if cost_of(set) < cost_of(&out) {
                out.clone_from(set);
            }
            continue;
        }
        out = out.iter().flat_map(|a| set.iter().map(move |b| a.and(*b))).collect();
    }
    all_used &= used.len() == sets.len();
    for anchor in &mut out {
        anchor.actions &= actions;
        anchor.exact &= all_used;
    }
    out.retain(|anchor| anchor.actions != 0);
    out
}

fn of_predicate(predicate: &Predicate) -> Vec<Anchor<'_>> {
    match predicate {
        Predicate::Action(actions) => vec![Anchor { actions: actions.bits(), ..Anchor::ALWAYS }],
        Predicate::Path(Cover::Under { path, itself }) => vec![Anchor::below(path.as_bytes(), *itself, true)],
        Predicate::Path(Cover::Glob(glob)) => vec![of_path_glob(glob)],
        Predicate::Changed(clause) => of_change(clause),
        Predicate::Holds(clause) => of_state(clause),
        Predicate::Touched { keys: Keys::One(key), .. } => {
            vec![Anchor::new(What::Key(key, KeyTest::Touched), true)]
        }
        Predicate::Touched { keys: Keys::Like(keys), .. } => vec![of_keys(keys)],
        Predicate::Fact { test, .. } => of_fact(test),
    }
}

fn of_change(clause: &MetadataClause) -> Vec<Anchor<'_>> {
    let key = match (&clause.keys, &clause.test) {
        (Keys::One(key), _) => &**key,
        (keys, Test::AnyTouched) if keys.is_any() => return vec![Anchor::new(What::Touch, true)],
        (Keys::Like(keys), test) => {
            let is_any = **keys == TextPattern::Any;
            let some = exact_values(test).map(|values| values.iter().map(|value| What::SomeValue(value)));
            return some
                .map_or_else(|| vec![of_keys(keys)], |some| some.map(|what| Anchor::new(what, is_any)).collect());
        }
    };
    let one = |test, exact| vec![Anchor::new(What::Key(key, test), exact)];
    match &clause.test {
        Test::Given(ValueTest::Like(pattern)) => match pattern {
            TextPattern::Exact(value) => one(KeyTest::Value(value), true),
            TextPattern::Any => one(KeyTest::Given, true),
            TextPattern::Pieces(pieces) => {
                let (first, last) = (pieces[0].as_bytes(), pieces[pieces.len() - 1].as_bytes());
                let only_ends = pieces.len() == 2;
                let longest = pieces.iter().map(|piece| piece.as_bytes()).max_by_key(|piece| piece.len());
                if !first.is_empty() {
                    one(KeyTest::Prefix(head(first)), only_ends && last.is_empty() && first.len() <= AFFIX_MAX)
                } else if !last.is_empty() {
                    one(KeyTest::Suffix(tail(last)), only_ends && last.len() <= AFFIX_MAX)
                } else {
                    gram(longest).map_or_else(|| one(KeyTest::Given, false), |gram| one(KeyTest::Gram(gram), false))
                }
            }
        },
        Test::Given(ValueTest::OneOf(values)) if values.len() <= VALUES_MAX => {
            values.iter().map(|value| Anchor::new(What::Key(key, KeyTest::Value(value)), true)).collect()
        }
        Test::Given(ValueTest::Compare(comparison)) => one(KeyTest::Compare(comparison), true),
        Test::Given(ValueTest::Matches(regex)) => {
            gram(regex.literal()).map_or_else(|| one(KeyTest::Given, false), |gram| one(KeyTest::Gram(gram), false))
        }
        Test::Given(ValueTest::Glob(glob)) => match (glob.prefix(), glob.suffix().as_bytes()) {
            ([], []) => one(KeyTest::Given, false),
            ([], suffix) => one(KeyTest::Suffix(tail(suffix)), false),
            (prefix, _) => one(KeyTest::Prefix(head(prefix)), false),
        },
        Test::Given(ValueTest::OneOf(_)) => one(KeyTest::Given, false),
        Test::Without(ValueTest::Like(TextPattern::Exact(value))) => one(KeyTest::Without(value), true),
        Test::Without(_) | Test::AnyTouched => one(KeyTest::Touched, false),
        Test::Removed => one(KeyTest::Removed, true),
    }
}

/// The values of which one must be there, if it is so.
fn exact_values(test: &Test) -> Option<&[Box<str>]> {
    match test {
        Test::Given(ValueTest::Like(TextPattern::Exact(value))) => Some(std::slice::from_ref(value)),
        Test::Given(ValueTest::OneOf(values)) if values.len() <= VALUES_MAX => Some(values),
        _ => None,
    }
}

/// Keys that are like a pattern: one of them was touched.
fn of_keys(keys: &TextPattern) -> Anchor<'_> {
    let what = match ends(keys) {
        Some((prefix, _)) if !prefix.is_empty() => What::KeyPrefix(head(prefix)),
        Some((_, suffix)) if !suffix.is_empty() => What::KeySuffix(tail(suffix)),
        _ => What::Touch,
    };
    Anchor::new(what, false)
}

/// What a text that is like a pattern with stars begins and ends with.
fn ends(pattern: &TextPattern) -> Option<(&[u8], &[u8])> {
    match pattern {
        TextPattern::Pieces(pieces) => Some((pieces.first()?.as_bytes(), pieces.last()?.as_bytes())),
        TextPattern::Exact(_) | TextPattern::Any => None,
    }
}

fn of_state(clause: &MetadataClause) -> Vec<Anchor<'_>> {
    let key = match &clause.keys {
        Keys::One(key) => key,
        Keys::Like(keys) => {
            let is_any = **keys == TextPattern::Any;
            let Some(values) = exact_values(&clause.test) else { return vec![Anchor::ALWAYS.inexact()] };
            return values.iter().map(|value| Anchor::new(What::HeldSome(value), is_any)).collect();
        }
    };
    match &clause.test {
        Test::Given(ValueTest::Like(TextPattern::Exact(value))) => {
            vec![Anchor::new(What::HeldValue(key, value), true)]
        }
        Test::Given(ValueTest::OneOf(values)) if values.len() <= VALUES_MAX => {
            values.iter().map(|value| Anchor::new(What::HeldValue(key, value), true)).collect()
        }
        Test::Given(ValueTest::Like(TextPattern::Any)) => vec![Anchor::new(What::HeldKey(key), true)],
        Test::Given(_) | Test::Without(_) => vec![Anchor::new(What::HeldKey(key), false)],
        Test::Removed | Test::AnyTouched => vec![Anchor::ALWAYS.inexact()],
    }
}

fn of_fact(test: &FactTest) -> Vec<Anchor<'_>> {
    let FactTest::Text(fact, test) = test else { return vec![Anchor::ALWAYS.inexact()] };
    let values = match test {
        ValueTest::Like(TextPattern::Exact(value)) => std::slice::from_ref(value),
        ValueTest::OneOf(values) if values.len() <= VALUES_MAX => &**values,
        ValueTest::Glob(glob) if *fact == TextFact::Path => return vec![of_path_glob(glob)],
        ValueTest::Glob(glob) if *fact == TextFact::Dir => return vec![below_prefix(glob)],
        ValueTest::Glob(glob) => return vec![of_fact_part(*fact, glob.prefix(), glob.suffix().as_bytes())],
        ValueTest::Like(pattern) => {
            let (prefix, suffix) = ends(pattern).unwrap_or_default();
            return vec![of_fact_part(*fact, prefix, suffix)];
        }
        ValueTest::OneOf(_) | ValueTest::Compare(_) | ValueTest::Matches(_) => return vec![Anchor::ALWAYS.inexact()],
    };
    values.iter().map(|value| Anchor::new(What::Fact(*fact, value), true)).collect()
}

/// A fact that begins and ends so, as far as that says anything.
fn of_fact_part<'e>(fact: TextFact, prefix: &'e [u8], suffix: &'e [u8]) -> Anchor<'e> {
    // The longer one says more: of `A001_*.mov` that it is a `.mov` is said by thousands of others, too.
    let what = match (prefix, suffix) {
        ([], []) => What::Any,
        (prefix, suffix) if prefix.len() > suffix.len() => What::FactPrefix(fact, head(prefix)),
        (_, suffix) => What::FactSuffix(fact, tail(suffix)),
    };
    Anchor::new(what, false)
}

/// A glob over the whole path: the directory that its literal beginning names, and how the path ends.
fn of_path_glob(glob: &PathGlob) -> Anchor<'_> {
    let suffix = tail(glob.suffix().as_bytes());
    let what = if suffix.is_empty() { What::Any } else { What::PathSuffix(suffix) };
    Anchor { what, ..below_prefix(glob) }
}

fn below_prefix(glob: &PathGlob) -> Anchor<'_> {
    let prefix = glob.prefix();
    match prefix.iter().rposition(|&b| b == b'/') {
        // What it matches may end where its beginning does: `/a/b/{,c}` has `/a/b/`, and no path ends so.
        Some(at) if at > 0 => Anchor::below(&prefix[..at], true, false),
        _ => Anchor::ALWAYS.inexact(),
    }
}

fn head(text: &[u8]) -> &[u8] {
    &text[..text.len().min(AFFIX_MAX)]
}

fn tail(text: &[u8]) -> &[u8] {
    &text[text.len() - text.len().min(AFFIX_MAX)..]
}

/// Three bytes that whatever has the text in it has in it.
fn gram(text: Option<&[u8]>) -> Option<&[u8]> {
    text?.get(..3)
}

/// The bit of an action.
pub(super) fn bit(action: Action) -> u8 {
    Actions::of(&[action]).bits()
}
