//! What conditions mean: the plain evaluator. It reads nothing but its arguments.
//!
//! What a change touched, and which values it gave, is worked out once for the change and not once for each rule. The
//! index ([`super::index`]) finds the rules that may fire; this says whether they do, and trying it on every rule is
//! the oracle that the index is tested against.

use std::borrow::Cow;
use std::collections::HashSet;

use super::condition::{
    Cover, Expr, FactTest, Keys, MetadataClause, MtimeTest, Predicate, SizeTest, Test, TextFact, ValueTest,
};
use super::value::date_of_ms;
use super::value::date_of_ns;
use crate::model::change::{Action, Change};
use crate::model::metadata::{Metadata, is_physical};
use crate::model::mount::Mount;
use crate::model::normal::{nfc, nfc_names};
use crate::model::path::LogicalPath;
use crate::model::tenant::Tenant;
use crate::model::time::Wall;

/// Facts about an asset that a change does not carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts<'a> {
    /// In bytes.
    pub size: u64,
    /// Nanoseconds since the epoch.
    pub mtime_ns: i64,
    /// The mount's logical path.
    pub mount: &'a LogicalPath,
    /// The tenant of the mount.
    pub tenant: Option<&'a str>,
}

impl<'a> Facts<'a> {
    /// Of a change that is recorded, in the mount of its path.
    #[must_use]
    pub fn of(change: &Change, mount: &'a Mount) -> Self {
        Self {
            size: change.size.unwrap_or(0),
            mtime_ns: change.mtime_ns.unwrap_or(0),
            mount: &mount.path,
            tenant: mount.tenant.as_ref().map(Tenant::as_str),
        }
    }
}

/// A change, as conditions look at it.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The logical path in NFC, as rules have theirs. What is reported keeps the disk's bytes.
    pub(super) path: Cow<'a, [u8]>,
    pub(super) action: Action,
    pub(super) owner: &'a str,
    pub(super) time: Wall,
    pub(super) state: State<'a>,
    pub(super) facts: Facts<'a>,
    /// By key, where they are many.
    pub(super) touched: Vec<Touched<'a>>,
    /// Some of them is a logical key: what asks for any key sees no others.
    pub(super) touches_logical: bool,
}

fn touches_logical(touched: &[Touched<'_>]) -> bool {
    touched.iter().any(|touched| !is_physical(touched.key))
}

/// Touched keys, at most, that are looked through one by one: for so few that is quicker than sorting them first.
const SCANNED_MAX: usize = 32;

fn sort(touched: &mut [Touched<'_>]) {
    if touched.len() > SCANNED_MAX {
        touched.sort_by_key(|touched| touched.key);
    }
}

/// A key that was set, changed or removed.
#[derive(Debug)]
pub(super) struct Touched<'a> {
    pub key: &'a str,
    /// The values it has now; empty when it was removed.
    pub now: ValueList<'a>,
    /// Those among them that it did not have before; `None`: all of them.
    given: Option<Box<Given<'a>>>,
}

/// Few keys had values before, so those that did not need no room for this.
#[derive(Debug)]
struct Given<'a>(Vec<&'a str>);

// Twenty of them, which is what an asset often has, come out of the allocator's small places (glibc's up to 1,032
// bytes).
const _: () = assert!(size_of::<Touched<'_>>() <= 48);

/// The values of a key.
#[derive(Debug, Clone, Copy)]
pub enum ValueList<'a> {
    /// As metadata has them.
    Owned(&'a [String]),
    /// As a parser left them.
    Borrowed(&'a [&'a str]),
}

impl<'a> ValueList<'a> {
    pub(super) fn is_empty(self) -> bool {
        match self {
            Self::Owned(values) => values.is_empty(),
            Self::Borrowed(values) => values.is_empty(),
        }
    }

    #[inline]
    pub(super) fn len(self) -> usize {
        match self {
            Self::Owned(values) => values.len(),
            Self::Borrowed(values) => values.len(),
        }
    }

    pub(super) fn is_several(self) -> bool {
        self.len() > 1
    }

    pub(super) fn is_one(self) -> bool {
        self.len() == 1
    }

    #[inline]
    pub(super) fn at(self, at: usize) -> &'a str {
        match self {
            Self::Owned(values) => &values[at],
            Self::Borrowed(values) => values[at],
        }
    }

    pub(super) fn iter(self) -> impl Iterator<Item = &'a str> {
        (0..self.len()).map(move |at| self.at(at))
    }
}

impl<'a> Touched<'a> {
    #[inline]
    pub(super) fn given_len(&self) -> usize {
        self.given.as_ref().map_or(self.now.len(), |given| given.0.len())
    }

    #[inline]
    pub(super) fn given_at(&self, at: usize) -> &'a str {
        self.given.as_ref().map_or_else(|| self.now.at(at), |given| given.0[at])
    }

    pub(super) fn given(&self) -> impl Iterator<Item = &'a str> {
        (0..self.given_len()).map(|at| self.given_at(at))
    }
}

/// An asset's metadata after a change.
#[derive(Debug, Clone, Copy)]
pub(super) enum State<'a> {
    All(&'a Metadata),
    /// What the change gave it, and nothing else.
    Touched,
}

impl<'a> Subject<'a> {
    /// Works out what the change touched. `state` is the asset's metadata after the change. An added asset gives every
    /// value that it has.
    #[must_use]
    pub fn new(change: &'a Change, state: &'a Metadata, facts: Facts<'a>) -> Self {
        let added = change.action == Action::Added;
        let mut touched: Vec<Touched<'_>> =
            Vec::with_capacity(change.delta.len() + if added { state.len() } else { 0 });
        if added {
            let present = state.iter().filter(|(_, values)| !values.is_empty());
            touched.extend(present.map(|(key, values)| Touched { key, now: ValueList::Owned(values), given: None }));
        }
        for delta in &change.delta {
            if delta.old == delta.new || (added && state.get(&delta.key).is_some_and(|values| !values.is_empty())) {
                continue;
            }
            let given = (!delta.old.is_empty()).then(|| Box::new(Given(new_values(&delta.old, &delta.new))));
            touched.push(Touched { key: &delta.key, now: ValueList::Owned(&delta.new), given });
        }
        sort(&mut touched);
        let Change { path, action, owner, time, .. } = change;
        let (path, state) = (nfc_names(path.as_bytes()), State::All(state));
        let touches_logical = touches_logical(&touched);
        Self { path, action: *action, owner, time: *time, state, facts, touched, touches_logical }
    }

    /// A change that gave an asset all the metadata that it has: keys, each with its values. `path` is a logical path.
    #[must_use]
    pub fn of_all_given(
        path: &'a [u8],
        action: Action,
        given: impl Iterator<Item = (&'a str, &'a [&'a str])>,
        facts: Facts<'a>,
    ) -> Self {
        let one = |(key, values)| Touched { key, now: ValueList::Borrowed(values), given: None };
        let mut touched: Vec<_> = given.map(one).collect();
        sort(&mut touched);
        let (path, touches_logical) = (nfc_names(path), touches_logical(&touched));
        Self { path, action, owner: "", time: Wall(0), state: State::Touched, facts, touched, touches_logical }
    }

    /// Whether an expression is true.
    #[must_use]
    pub fn fires(&self, expr: &Expr) -> bool {
        match expr {
            Expr::All(parts) => parts.iter().all(|part| self.fires(part)),
            Expr::Any(parts) => parts.iter().any(|part| self.fires(part)),
            Expr::Not(part) => !self.fires(part),
            Expr::Is(predicate) => self.is(predicate),
        }
    }

    /// Whether the answer to one question is yes.
    #[must_use]
    pub fn is(&self, predicate: &Predicate) -> bool {
        match predicate {
            Predicate::Action(actions) => actions.has(self.action),
            Predicate::Path(cover) => self.covered(cover),
            Predicate::Changed(clause) => self.true_now(clause),
            Predicate::Holds(clause) => self.holds(clause),
            Predicate::Touched { keys, .. } => self.touched.iter().any(|touched| keys.has(touched.key)),
            Predicate::Fact { test, .. } => self.fact(test),
        }
    }

    /// Whether the asset's path is covered.
    #[must_use]
    pub fn covered(&self, cover: &Cover) -> bool {
        cover.covers(&self.path)
    }

    /// Whether a clause is true of the change.
    #[must_use]
    pub fn true_now(&self, clause: &MetadataClause) -> bool {
        let of = |touched: &Touched<'_>| match &clause.test {
            Test::Given(value) => touched.given().any(|given| value.passes(given)),
            Test::Without(value) => !touched.now.is_empty() && !any_like(touched.now, value),
            Test::Removed => touched.now.is_empty(),
            Test::AnyTouched => true,
        };
        match &clause.keys {
            Keys::One(key) => self.touched_key(key).is_some_and(of),
            keys @ Keys::Like(_) => self.touched.iter().any(|touched| keys.has(touched.key) && of(touched)),
        }
    }

    /// Whether a clause holds on the asset as it now stands, whatever the change touched.
    #[must_use]
    pub fn holds(&self, clause: &MetadataClause) -> bool {
        let of = |values: ValueList<'_>| match &clause.test {
            Test::Given(value) => any_like(values, value),
            Test::Without(value) => !any_like(values, value),
            Test::Removed | Test::AnyTouched => true,
        };
        let has_such_key = match &clause.keys {
            Keys::One(key) => self.values(key).is_some_and(of),
            keys @ Keys::Like(_) => self.held().any(|(key, values)| keys.has(key) && of(values)),
        };
        // "Removed" holds when there is no such key.
        has_such_key != (clause.test == Test::Removed)
    }

    pub(super) fn touched_key(&self, key: &str) -> Option<&Touched<'a>> {
        if self.touched.len() <= SCANNED_MAX {
            return self.touched.iter().find(|touched| touched.key == key);
        }
        let at = self.touched.binary_search_by_key(&key, |touched| touched.key).ok()?;
        Some(&self.touched[at])
    }

    /// The values that a key has after the change; none when it is absent.
    pub(super) fn values(&self, key: &str) -> Option<ValueList<'a>> {
        let values = match self.state {
            State::All(state) => ValueList::Owned(state.get(key)?),
            State::Touched => self.touched_key(key)?.now,
        };
        (!values.is_empty()).then_some(values)
    }

    /// The keys that the asset has after the change, with their values.
    pub(super) fn held(&self) -> impl Iterator<Item = (&'a str, ValueList<'a>)> {
        let (state, touched) = match self.state {
            State::All(state) => (Some(state), &[][..]),
            State::Touched => (None, self.touched.as_slice()),
        };
        let all = state.into_iter().flatten().map(|(key, values)| (key.as_str(), ValueList::Owned(values)));
        let of_touched = touched.iter().map(|touched| (touched.key, touched.now));
        all.chain(of_touched).filter(|(_, values)| !values.is_empty())
    }

    /// Whether a fact is so.
    fn fact(&self, test: &FactTest) -> bool {
        match test {
            FactTest::Text(TextFact::Path, ValueTest::Glob(glob)) => glob.matches(&self.path),
            FactTest::Text(TextFact::Dir, ValueTest::Glob(glob)) => glob.matches(directory(&self.path)),
            FactTest::Text(fact, test) => test.passes(&self.text(*fact)),
            FactTest::Size(SizeTest::Is(size)) => self.facts.size == *size,
            FactTest::Size(SizeTest::Compares(relation, size)) => relation.holds(self.facts.size.cmp(size)),
            FactTest::Mtime(MtimeTest::Date(relation, date)) => {
                relation.holds(date_of_ns(self.facts.mtime_ns).cmp(date))
            }
            FactTest::Mtime(MtimeTest::Ago(relation, ms)) => {
                let then = self.time.0.saturating_sub(i64::try_from(*ms).unwrap_or(i64::MAX));
                relation.holds(date_of_ns(self.facts.mtime_ns).cmp(&date_of_ms(then)))
            }
        }
    }

    /// A fact as a text.
    #[must_use]
    pub fn text(&self, fact: TextFact) -> Cow<'_, str> {
        match fact {
            TextFact::Path => readable(&self.path),
            TextFact::Name => readable(name(&self.path)),
            TextFact::Ext => readable(extension(name(&self.path))),
            TextFact::Dir => readable(directory(&self.path)),
            TextFact::Owner => readable(self.owner.as_bytes()),
            TextFact::Mount => readable(self.facts.mount.as_bytes()),
            TextFact::Tenant => Cow::Borrowed(self.facts.tenant.unwrap_or_default()),
        }
    }
}

/// A part of a path as a text, in NFC like every value of a rule.
fn readable(bytes: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(bytes);
    if text.is_ascii() { text } else { Cow::Owned(nfc(&text)) }
}

/// The last component of a path.
fn name(path: &[u8]) -> &[u8] {
    path.iter().rposition(|&b| b == b'/').map_or(path, |at| &path[at + 1..])
}

/// The path of the directory.
fn directory(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|&b| b == b'/') {
        Some(0) | None => b"/",
        Some(at) => &path[..at],
    }
}

/// What stands behind a name's last dot; a dot at the beginning begins no extension.
fn extension(name: &[u8]) -> &[u8] {
    match name.iter().rposition(|&b| b == b'.') {
        Some(at) if at > 0 => &name[at + 1..],
        _ => &[],
    }
}

fn any_like(values: ValueList<'_>, test: &ValueTest) -> bool {
    values.iter().any(|value| test.passes(value))
}

/// Former values of a key, at most, that are looked through for each new one: for so few that is cheaper than a set,
/// for many it would be quadratic.
const VALUES_SCANNED_MAX: usize = 8;

/// The values in `new` that are not in `old`.
fn new_values<'a>(old: &[String], new: &'a [String]) -> Vec<&'a str> {
    if old.len() <= VALUES_SCANNED_MAX {
        return new.iter().filter(|value| !old.contains(value)).map(String::as_str).collect();
    }
    let old: HashSet<&str> = old.iter().map(String::as_str).collect();
    new.iter().map(String::as_str).filter(|value| !old.contains(value)).collect()
}

#[cfg(test)]
mod tests {
    use super::{Facts, SCANNED_MAX, Subject, VALUES_SCANNED_MAX, new_values};
    use crate::model::change::{Action, Change};
    use crate::model::metadata::{KeyDelta, Metadata};
    use crate::model::path::LogicalPath;
    use crate::rules::condition::{Condition, Operand};
    use crate::rules::syntax::{watch_metadata, watch_path};

    fn values(text: &str) -> Vec<String> {
        text.split('|').filter(|value| !value.is_empty()).map(str::to_owned).collect()
    }

    /// `paths` and `clauses` against a change of `/a/f`. `was` and `now` are the metadata before and after: `K=v|w
    /// L=x`.
    #[track_caller]
    fn check(paths: &[&str], clauses: &[&str], operand: Operand, action: Action, was: &str, now: &str, expect: bool) {
        let metadata = |text: &str| -> Metadata {
            let pairs = text.split_whitespace().map(|pair| pair.split_once('=').expect("key=values"));
            pairs.map(|(key, list)| (key.to_owned(), values(list))).collect()
        };
        let (old, state) = (metadata(was), metadata(now));
        let keys: std::collections::BTreeSet<_> = old.keys().chain(state.keys()).collect();
        let delta = |key: &&String| {
            let values = |of: &Metadata| of.get(*key).cloned().unwrap_or_default();
            KeyDelta { key: (*key).clone(), old: values(&old), new: values(&state), source: None }
        };
        let change = Change {
            owner: "ana".into(),
            ..Change::of_some_asset(
                b"/a/f",
                action,
                keys.iter().map(delta).filter(|delta| delta.old != delta.new).collect(),
            )
        };
        let paths = paths.iter().map(|text| watch_path::parse(text, &mut Vec::new()).expect("a path clause"));
        let metadata = clauses.iter().map(|text| watch_metadata::parse(text, &mut Vec::new()).expect("a clause"));
        let condition = Condition::clauses(paths.collect(), metadata.collect(), operand).expect("something to watch");
        let mount = LogicalPath::root();
        let facts = Facts { size: 0, mtime_ns: 0, mount: &mount, tenant: None };
        let fires = Subject::new(&change, &state, facts).fires(&condition.expr());
        assert_eq!(fires, expect, "{condition:?} on {action:?} from `{was}` to `{now}`");
    }

    #[test]
    fn paths_fire_by_mode() {
        use Action::{Added, Deleted, Modified, None};
        for (clause, actions) in [
            ("* /a", &[Added, Modified, Deleted][..]),
            ("+ /a", &[Added]),
            ("- /a", &[Deleted]),
            ("~ /a", &[Modified]),
            ("* /b", &[]),
        ] {
            for action in Action::ALL {
                check(&[clause], &[], Operand::Or, action, "", "", actions.contains(&action));
            }
        }
        check(&["+ /a"], &[], Operand::Or, None, "", "K=v", false);
    }

    #[test]
    fn clauses_look_at_what_was_touched_and_given() {
        for (clause, was, now, expect) in [
            ("K==v", "", "K=v", true),
            ("K==v", "K=u", "K=v", true),
            ("K==v", "K=v", "K=v", false),
            ("K==v", "K=v", "K=v|w", false),
            ("K==w", "K=v", "K=v|w", true),
            ("K==v", "K=v|w", "K=v", false),
            ("K==V", "", "K=v", false),
            ("K==v*", "K=va", "K=va|vb", true),
            ("K==v*", "K=va|vb", "K=va", false),
            ("K==*", "", "K=v", true),
            ("K==*", "K=v|w", "K=v", false),
            ("K==*", "K=v", "", false),
            ("K!=v", "", "K=w", true),
            ("K!=v", "K=v", "K=w", true),
            ("K!=v", "K=w", "K=v", false),
            ("K!=v", "K=w", "K=w|v", false),
            ("K!=v", "K=v", "", false),
            ("K!=v", "K=w L=x", "K=w", false),
            ("K!=*", "K=v", "", true),
            ("K!=*", "", "K=v", false),
            ("K!=*", "L=x", "", false),
            ("*==*", "K=v", "", true),
            ("*==*", "K=v", "K=v", false),
            ("*==v", "", "L=v", true),
            ("K*==*", "", "Key=v", true),
            ("K*==*", "Key=v", "", false),
            ("K*!=*", "Key=v", "", true),
            ("K*!=v", "K1=v", "K1=v K2=w", true),
        ] {
            for operand in [Operand::Or, Operand::And] {
                check(&[], &[clause], operand, Action::None, was, now, expect);
                check(&["/a"], &[clause], operand, Action::Modified, was, now, expect);
                check(&["/b"], &[clause], operand, Action::None, was, now, false);
                check(&["- /a"], &[clause], operand, Action::None, was, now, expect);
            }
        }
    }

    #[test]
    fn and_fires_when_the_last_of_its_clauses_comes_true_and_not_again() {
        let city_and_rating = ["City==SFO", "Rating==4"];
        for (clauses, was, now, or, and) in [
            (&city_and_rating[..], "", "City=SFO Rating=4", true, true),
            (&city_and_rating, "City=SFO", "City=SFO Rating=4", true, true),
            (&city_and_rating, "Rating=4", "City=SFO Rating=4", true, true),
            (&city_and_rating, "", "City=SFO", true, false),
            (&city_and_rating, "City=SFO Rating=4", "City=SFO Rating=4 X=y", false, false),
            (&city_and_rating, "City=SFO Rating=4", "City=SFO|LAX Rating=4", false, false),
            (&city_and_rating, "City=LAX Rating=4", "City=SFO Rating=5", true, false),
            (&["A==1", "B!=*"], "", "A=1", true, true),
            (&["A==1", "B!=*"], "B=1", "A=1 B=1", true, false),
            (&["A==1", "B!=*"], "A=1 B=1", "A=1", true, true),
            (&["A==1", "B!=2"], "", "A=1", true, false),
            (&["A==1", "B!=2"], "B=3", "A=1 B=3", true, true),
            (&["A==1", "B!=2"], "B=2", "A=1 B=2", true, false),
            (&["A!=*", "*==*"], "A=1", "", true, true),
            (&["A==1", "B*!=*"], "", "A=1", true, true),
            (&["A==1", "B*!=*"], "B1=x", "A=1 B1=x", true, false),
            (&["A==1", "B*==x"], "B1=x", "A=1 B1=x", true, true),
        ] {
            check(&[], clauses, Operand::Or, Action::None, was, now, or);
            check(&[], clauses, Operand::And, Action::None, was, now, and);
        }
    }

    #[test]
    fn an_added_asset_gives_every_value_that_it_has() {
        check(&["/a"], &["K==v"], Operand::Or, Action::Added, "K=v", "K=v", true);
        check(&["/a"], &["K==*"], Operand::Or, Action::Added, "", "", false);
    }

    #[test]
    fn few_keys_and_many_are_found_alike() {
        let mount = LogicalPath::root();
        let facts = Facts { size: 0, mtime_ns: 0, mount: &mount, tenant: None };
        for count in [SCANNED_MAX, SCANNED_MAX + 1] {
            let keys: Vec<_> = (0..count).rev().map(|n| format!("K{n:03}")).collect();
            let given = keys.iter().map(|key| (key.as_str(), &["v"][..]));
            let subject = Subject::of_all_given(b"/a/f", Action::Added, given, facts);
            assert_eq!(subject.touched.is_sorted_by_key(|touched| touched.key), count > SCANNED_MAX);
            for key in &keys {
                assert_eq!(subject.touched_key(key).map(|touched| touched.key), Some(key.as_str()));
            }
            for absent in ["K", "K000a", "L"] {
                assert!(subject.touched_key(absent).is_none(), "{count} {absent}");
            }
        }
    }

    #[test]
    fn of_few_former_values_and_of_many_the_new_ones_are_the_same() {
        for count in [VALUES_SCANNED_MAX, VALUES_SCANNED_MAX + 1] {
            let old: Vec<_> = (0..count).map(|n| n.to_string()).collect();
            let new = ["x".to_owned(), old[0].clone(), old[count - 1].clone(), "y".to_owned()];
            assert_eq!(new_values(&old, &new), ["x", "y"], "{count}");
        }
    }

    #[test]
    fn long_lists_give_what_is_new_in_them() {
        let list = |n: usize| format!("K={}", (0..n).map(|i| i.to_string()).collect::<Vec<_>>().join("|"));
        check(&[], &["K==20"], Operand::Or, Action::None, &list(20), &list(21), true);
        check(&[], &["K==19"], Operand::Or, Action::None, &list(20), &list(21), false);
    }
}
