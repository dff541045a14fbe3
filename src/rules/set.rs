//! Rules that are in force together.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use super::condition::{Actions, Condition, Expr, Predicate};
use super::eval::{Facts, Subject};
use super::event::Event;
use super::index::{Index, Scratch};
use crate::model::change::Change;
use crate::model::event::EventName;
use crate::model::metadata::Metadata;
use crate::model::subscription::{Name, Subscription};
use crate::model::tenant::Tenant;

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Where and how its entries go.
    pub subscription: Arc<Subscription>,
    /// Which changes it fires on.
    pub condition: Arc<Condition>,
}

/// Rules that are in force together. Never changed: an edit makes another set, which replaces it whole.
#[derive(Debug, Clone)]
pub struct RuleSet {
    pub(super) rules: Vec<Rule>,
    events: Vec<Event>,
    index: Index,
    /// The physical keys that the rules name.
    physical: HashSet<Box<str>>,
    /// What each number of the index stands for: a rule below `rules.len()`, above that an event.
    whose: Vec<u32>,
}

/// A number of the index that stands for nothing.
const NOBODY: u32 = u32::MAX;

/// What a change fires.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Matching {
    /// The rules, rising: by their own conditions, or by the events that they ask for.
    pub rules: Vec<usize>,
    /// The declared events, rising.
    pub events: Vec<usize>,
}

impl Default for RuleSet {
    fn default() -> Self {
        Self::new(Vec::new(), Vec::new())
    }
}

impl RuleSet {
    fn new(rules: Vec<Rule>, events: Vec<Event>) -> Self {
        // A seed that nobody can know. What is found does not hang on it.
        let index = Index::new(RandomState::new().hash_one(0));
        let mut set = Self { rules: Vec::new(), events, index, physical: HashSet::new(), whose: Vec::new() };
        set.file_rules(rules.iter().enumerate());
        for (at, event) in set.events.iter().enumerate() {
            if let Some(condition) = &event.condition {
                let number = set.index.add(event.tenant.as_ref().map(Tenant::as_str), condition);
                note(&mut set.whose, number, rules.len() + at);
            }
        }
        set.with(rules)
    }

    /// The set of these rules and events. Where most of them stood in the set before it, that one's index is taken
    /// over, and only what differs is filed.
    pub(super) fn following(before: Option<&Self>, rules: Vec<Rule>, events: Vec<Event>) -> Self {
        let Some(before) = before.filter(|before| before.events == events) else { return Self::new(rules, events) };
        let is_same = |a: &Rule, b: &Rule| {
            Arc::ptr_eq(&a.condition, &b.condition)
                && a.subscription.tenant == b.subscription.tenant
                && a.subscription.events == b.subscription.events
        };
        let (first, last) = ends(&before.rules, &rules, is_same);
        let (gone, new) = (first..before.rules.len() - last, first..rules.len() - last);
        if (gone.len() + new.len()) * 2 > rules.len() {
            return Self::new(rules, events);
        }
        let (mut index, mut whose) = (before.index.clone(), before.whose.clone());
        for (number, who) in (0..).zip(&mut whose) {
            let place = *who as usize;
            if gone.contains(&place) {
                index.remove(number);
                *who = NOBODY;
            } else if *who != NOBODY && place >= gone.end {
                *who = (place - gone.end + new.end) as u32;
            }
        }
        let mut set = Self { rules: Vec::new(), events, index, physical: HashSet::new(), whose };
        set.file_rules(new.map(|at| (at, &rules[at])));
        set.with(rules)
    }

    /// The set with its rules, which are filed already.
    fn with(self, rules: Vec<Rule>) -> Self {
        let mut physical = HashSet::new();
        let of_events = self.events.iter().filter_map(|event| event.condition.as_ref());
        for condition in rules.iter().map(|rule| &*rule.condition).chain(of_events) {
            condition.each_physical_key(|key| {
                physical.insert(key.into());
            });
        }
        Self { rules, physical, ..self }
    }

    /// Whether some rule names a physical key.
    #[must_use]
    pub fn names_physical(&self, key: &str) -> bool {
        self.physical.contains(key)
    }

    /// Files rules, each at its place, by their conditions and the events that they ask for.
    fn file_rules<'r>(&mut self, rules: impl Iterator<Item = (usize, &'r Rule)>) {
        let Self { events, index, whose, .. } = self;
        let declared: HashMap<&EventName, &Event> = events.iter().map(|event| (&event.name, event)).collect();
        for (at, rule) in rules {
            let asked = rule.subscription.events.iter().filter_map(|name| declared.get(name).copied());
            each_way(rule, asked, |tenant, condition| {
                let number = index.add(tenant.map(Tenant::as_str), condition);
                note(whose, number, at);
            });
        }
    }

    /// No rules: nobody is called.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// The rules: files in path order, in each the order of the file. No two have the same name.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The declared events, in the same order. No two have the same name.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// What a change fires. `state` is the asset's metadata after the change.
    #[must_use]
    pub fn matching(&self, change: &Change, state: &Metadata, facts: Facts<'_>, scratch: &mut Scratch) -> Matching {
        let subject = Subject::new(change, state, facts);
        let mut found = Vec::new();
        self.index.matching(&subject, scratch, &mut found);
        for number in &mut found {
            *number = self.whose[*number as usize];
        }
        found.sort_unstable();
        found.dedup();
        let rules = self.rules.len();
        let events = found.partition_point(|who| (*who as usize) < rules);
        let events = found.split_off(events).into_iter().map(|who| who as usize - rules).collect();
        Matching { rules: found.into_iter().map(|who| who as usize).collect(), events }
    }

    /// What a rule that a change fires is told: the change, and which of the declared `events` that it fired. A rule is
    /// told of an event by its name where its format has names of events, and then of the change only where it asks for
    /// that, too: by its own condition, or as a built-in event.
    #[must_use]
    pub fn heard(
        &self,
        rule: &Rule,
        events: &[usize],
        change: &Change,
        state: &Metadata,
        facts: Facts<'_>,
    ) -> (bool, Vec<usize>) {
        let subscription = &*rule.subscription;
        if !subscription.asks_for_events() || !subscription.format.tells_events() {
            return (true, Vec::new());
        }
        let is_asked = |event: &usize| self.events[*event].is_asked_by(subscription);
        let events: Vec<_> = events.iter().copied().filter(is_asked).collect();
        let hears_change = events.is_empty()
            || subscription.events.iter().any(|name| name.action() == Some(change.action))
            || Subject::new(change, state, facts).fires(&rule.condition.expr());
        (hears_change, events)
    }

    /// Whether a change fires a rule, by its own condition or by an event that it asks for: a built-in one, or one of
    /// this set. The rule may be one that was registered. To ask of one rule; [`Self::matching`] asks of all of them.
    #[must_use]
    pub fn fires(&self, rule: &Rule, change: &Change, state: &Metadata, facts: Facts<'_>) -> bool {
        self.fires_on(rule, &Subject::new(change, state, facts))
    }

    /// [`Self::fires`] of a change that several rules are asked of.
    pub(super) fn fires_on(&self, rule: &Rule, subject: &Subject<'_>) -> bool {
        let mut fires = false;
        let asked = self.events.iter().filter(|event| event.is_asked_by(&rule.subscription));
        each_way(rule, asked, |tenant, condition| {
            let is_of_tenant = tenant.is_none_or(|tenant| subject.facts.tenant == Some(tenant.as_str()));
            fires |= is_of_tenant && subject.fires(&condition.expr());
        });
        fires
    }
}

/// Gives each condition by which a rule fires, with whose changes it is asked of: its own, and those of the events that
/// it asks for. `asked` are those of them that rule files declare.
pub(super) fn each_way<'e>(
    rule: &Rule,
    asked: impl IntoIterator<Item = &'e Event>,
    mut file: impl FnMut(Option<&Tenant>, &Condition),
) {
    let Subscription { tenant, events, .. } = &*rule.subscription;
    if !rule.condition.is_never() {
        file(tenant.as_ref(), &rule.condition);
    }
    for name in events {
        if let Some(action) = name.action() {
            let happens = Expr::Is(Predicate::Action(Actions::of(&[action])));
            file(tenant.as_ref(), &Condition::when(name.as_str(), happens));
        }
    }
    for Event { condition, tenant: of_event, .. } in asked {
        let Some(condition) = condition else { continue };
        match (tenant, of_event) {
            (Some(tenant), Some(of_event)) if tenant != of_event => {}
            (tenant, of_event) => file(tenant.as_ref().or(of_event.as_ref()), condition),
        }
    }
}

/// Notes what a number of the index stands for.
fn note(whose: &mut Vec<u32>, number: u32, who: usize) {
    let number = number as usize;
    if number >= whose.len() {
        whose.resize(number + 1, NOBODY);
    }
    whose[number] = who as u32;
}

/// How many rules are the same at the beginning of both, and how many of the others at their end.
fn ends(before: &[Rule], after: &[Rule], is_same: impl Fn(&Rule, &Rule) -> bool) -> (usize, usize) {
    let first = before.iter().zip(after).take_while(|(a, b)| is_same(a, b)).count();
    let rest = before[first..].iter().rev().zip(after[first..].iter().rev());
    (first, rest.take_while(|(a, b)| is_same(a, b)).count())
}

impl RuleSet {
    /// How many rules have the same subscription as in an earlier set at the beginning of both, and how many of the
    /// others at their end: an edit leaves most of them where they were.
    #[must_use]
    pub fn same_ends(&self, before: &Self) -> (usize, usize) {
        ends(&before.rules, &self.rules, |a, b| a.subscription == b.subscription)
    }
}

/// What became of a rule from one set to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleChange {
    /// The built-in event that says so: `rule.created`, `rule.updated` or `rule.deleted`.
    pub event: &'static str,
    /// The rule's name.
    pub name: Name,
    /// The tenant that it belongs to.
    pub tenant: Option<Tenant>,
}

impl RuleSet {
    /// What became of the rules of an earlier set: those that are new and those that differ in the order of this one,
    /// then those that are gone.
    #[must_use]
    pub fn changes_since(&self, before: &Self) -> Vec<RuleChange> {
        // An edit leaves most of them as they were and where they were.
        let (first, last) = ends(&before.rules, &self.rules, |a, b| a == b);
        let (before, after) =
            (&before.rules[first..before.rules.len() - last], &self.rules[first..self.rules.len() - last]);
        let mut gone: HashMap<&Name, &Rule> = before.iter().map(|rule| (&rule.subscription.name, rule)).collect();
        let change = |event, rule: &Rule| {
            let Subscription { name, tenant, .. } = &*rule.subscription;
            RuleChange { event, name: name.clone(), tenant: tenant.clone() }
        };
        let mut changes = Vec::new();
        for rule in after {
            match gone.remove(&rule.subscription.name) {
                None => changes.push(change("rule.created", rule)),
                Some(earlier) if earlier != rule => changes.push(change("rule.updated", rule)),
                Some(_) => {}
            }
        }
        let rest = before.iter().filter(|rule| gone.contains_key(&rule.subscription.name));
        changes.extend(rest.map(|rule| change("rule.deleted", rule)));
        changes
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::{RuleSet, Subject};
    use crate::diagnostic::SourceFile;
    use crate::model::change::{Action, Change};
    use crate::model::metadata::{KeyDelta, Metadata};
    use crate::model::path::LogicalPath;
    use crate::rules::explain::{Verdict, explain_rule};
    use crate::rules::index::Scratch;
    use crate::rules::{Facts, Matching, Reader, load};

    /// Gives a change of each kind: in two directories, of one tenant and of none, with the key `K` set to 1.
    pub(in crate::rules) fn each_change(mut give: impl FnMut(&Change, &Metadata, Facts<'_>)) {
        for path in ["/a/f", "/b/f"] {
            for action in Action::ALL {
                for tenant in [None, Some("acme")] {
                    let state = Metadata::from([("K".to_owned(), vec!["1".to_owned()])]);
                    let delta = KeyDelta { key: "K".into(), old: Vec::new(), new: vec!["1".into()], source: None };
                    let change = Change::of_some_asset(path.as_bytes(), action, vec![delta]);
                    let mount = LogicalPath::root();
                    give(&change, &state, Facts { size: 0, mtime_ns: 0, mount: &mount, tenant });
                }
            }
        }
    }

    /// A file with these rules, each a name and one of a few conditions.
    fn source(rules: &[(u8, usize)]) -> SourceFile {
        const CONDITIONS: [&str; 6] = [
            "watchPath = ['* /a']",
            "watchPath = ['+ /b']\ntenant = 'acme'",
            "watchMetadata = ['K==1', 'L==1']\nlogicalOperand = 'AND'",
            "when = 'K >= 1 and path like \"/a/**\"'",
            "events = ['asset.added', 'scanned']",
            "events = ['deleted']",
        ];
        let rule = |(name, condition): &(u8, usize)| {
            let condition = CONDITIONS[condition % CONDITIONS.len()];
            format!("[[subscription]]\nname = 'r{name}'\ncallback = 'http://127.0.0.1/{name}'\n{condition}\n")
        };
        let mut text: String = rules.iter().map(rule).collect();
        text += "[[event]]\nname = 'scanned'\nwatchMetadata = ['K==*']\n";
        text += "[[event]]\nname = 'deleted'\nwatchPath = ['- /']\ntenant = 'acme'\n";
        SourceFile { name: "a.toml".into(), text: text.into_bytes().into() }
    }

    fn matching(set: &RuleSet) -> Vec<Matching> {
        let mut all = Vec::new();
        each_change(|change, state, facts| {
            let found = set.matching(change, state, facts, &mut Scratch::default());
            // Explaining says the same; there, no tenant is one that is not known.
            let tenant = facts.tenant;
            let subject = Subject::new(change, state, Facts { tenant: Some(tenant.unwrap_or("")), ..facts });
            for (at, rule) in set.rules().iter().enumerate() {
                let fires = matches!(explain_rule(&subject, set, rule), Verdict::Fires { .. });
                assert_eq!(fires, found.rules.contains(&at), "{rule:?} {change:?} {tenant:?}");
                assert_eq!(set.fires(rule, change, state, facts), fires, "{rule:?} {change:?} {tenant:?}");
            }
            all.push(found);
        });
        all
    }

    /// Which of the change and of its events each rule is told.
    #[test]
    fn a_rule_is_told_of_what_it_asks_for_by_name_and_of_the_change_where_it_asks_for_that() {
        let rule = |name: &str, clauses: &str| {
            format!("[[subscription]]\nname = '{name}'\ncallback = 'http://127.0.0.1/{name}'\n{clauses}\n")
        };
        let named = "format = 'cloudevents'\n";
        let text = [
            rule("a", &format!("{named}events = ['scanned']")),
            rule("b", &format!("{named}events = ['scanned', 'asset.added']")),
            rule("c", &format!("{named}events = ['rated', 'scanned', 'asset.deleted']\nwatchPath = ['* /b']")),
            rule("d", &format!("{named}events = ['rated']\nwatchPath = ['* /a']")),
            rule("e", "events = ['scanned', 'rated']"),
            rule("f", &format!("{named}watchPath = ['+ /a']")),
            rule("g", &format!("{named}events = ['mount.offline']\nwatchPath = ['+ /a']")),
            "[[event]]\nname = 'scanned'\nwatchMetadata = ['K==*']\n".to_owned(),
            "[[event]]\nname = 'rated'\nwatchMetadata = ['K==*']\n".to_owned(),
        ];
        let file = SourceFile { name: "a.toml".into(), text: text.concat().into_bytes().into() };
        let set = load(&[file]).set.expect("no fault");
        let delta = KeyDelta { key: "K".into(), old: Vec::new(), new: vec!["1".into()], source: None };
        let change = Change::of_some_asset(b"/a/f", Action::Added, vec![delta]);
        let state = Metadata::from([("K".to_owned(), vec!["1".to_owned()])]);
        let mount = LogicalPath::root();
        let facts = Facts { size: 0, mtime_ns: 0, mount: &mount, tenant: None };
        let Matching { rules, events } = set.matching(&change, &state, facts, &mut Scratch::default());
        let told: Vec<_> = rules
            .into_iter()
            .map(|rule| {
                let rule = &set.rules()[rule];
                let (change, events) = set.heard(rule, &events, &change, &state, facts);
                format!("{}{} {events:?}", rule.subscription.name, if change { " change" } else { "" })
            })
            .collect();
        let expect = ["a [0]", "b change [0]", "c [0, 1]", "d change [1]", "e change []", "f change []", "g change []"];
        assert_eq!(told, expect);
    }

    /// Rules with names that are given once.
    fn rules() -> impl Strategy<Value = Vec<(u8, usize)>> {
        prop::collection::btree_map(0_u8..40, 0_usize..6, 0..24).prop_map(|rules| rules.into_iter().collect())
    }

    proptest! {
        #[test]
        fn a_set_that_follows_another_is_as_if_it_were_alone(edits in prop::collection::vec(rules(), 1..8)) {
            let mut reader = Reader::default();
            let mut before: Option<RuleSet> = None;
            for rules in edits {
                // Each rule a file of its own, so that what has not changed is the same.
                let mut files: Vec<_> = rules
                    .iter()
                    .map(|rule| {
                        let mut file = source(&[*rule]);
                        let text = std::str::from_utf8(&file.text).expect("it was a text");
                        file.text = text.as_bytes()[..text.find("[[event]]").expect("an event")].into();
                        file.name = format!("{:03}.toml", rule.0);
                        file
                    })
                    .collect();
                files.push(SourceFile { name: "z.toml".into(), ..source(&[]) });
                let set = reader.load(&mut files, before.as_ref()).set.expect("no fault");
                let alone = load(&files).set.expect("no fault");
                prop_assert_eq!(matching(&set), matching(&alone));
                prop_assert_eq!(set.index.len(), alone.index.len());
                let empty = RuleSet::empty();
                let before_set = before.as_ref().unwrap_or(&empty);
                let told = set.changes_since(before_set);
                let name = |rule: &super::Rule| rule.subscription.name.clone();
                for rule in set.rules() {
                    let earlier = before_set.rules().iter().find(|other| name(other) == name(rule));
                    let expect = match earlier {
                        None => Some("rule.created"),
                        Some(earlier) if earlier != rule => Some("rule.updated"),
                        Some(_) => None,
                    };
                    let found = told.iter().find(|change| change.name == name(rule)).map(|change| change.event);
                    prop_assert_eq!(found, expect);
                }
                before = Some(set);
            }
        }
    }
}
