//! Rules that programs register, beside those of the rule files. Each is taken in and taken out alone, at a cost that
//! does not hang on how many others there are: nothing is copied, and nothing of the others is read again.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher as _, RandomState};

use super::eval::{Facts, Subject};
use super::event::Event;
use super::index::{Index, Scratch};
use super::set::{Rule, each_way};
use crate::model::by_number::ByNumber;
use crate::model::change::Change;
use crate::model::event::{Dialect, EventName};
use crate::model::ids::SubscriptionId;
use crate::model::metadata::Metadata;
use crate::model::tenant::Tenant;

/// Registered rules, by the number of their subscription.
#[derive(Debug)]
pub struct Registered {
    index: Index,
    /// What each number of the index stands for; [`NOBODY`] where it stands for nothing.
    whose: Vec<SubscriptionId>,
    /// A tree, because a hash table that grows moves all of them at once.
    filed: ByNumber<Filed>,
    /// The events that the rule files declare.
    declared: HashMap<EventName, Event>,
    /// Who asks for each event by name, also where it is not declared, or not now.
    asking: HashMap<EventName, BTreeSet<SubscriptionId>>,
    /// The physical keys that they name, each with how often.
    physical: HashMap<Box<str>, usize>,
    /// Who asks for all events that are marked for a dialect.
    marked: HashMap<Dialect, BTreeSet<SubscriptionId>>,
}

/// No subscription has this number: the ledger gives them rising, from 1 on.
const NOBODY: SubscriptionId = SubscriptionId(i64::MIN);

#[derive(Debug, Clone)]
struct Filed {
    rule: Rule,
    numbers: Numbers,
}

/// The numbers of a rule in the index: of most of them one.
#[derive(Debug, Clone)]
enum Numbers {
    One(u32),
    Others(Box<[u32]>),
}

impl Numbers {
    fn of(numbers: Vec<u32>) -> Self {
        match numbers[..] {
            [number] => Self::One(number),
            _ => Self::Others(numbers.into()),
        }
    }

    fn as_slice(&self) -> &[u32] {
        match self {
            Self::One(number) => std::slice::from_ref(number),
            Self::Others(numbers) => numbers,
        }
    }
}

impl Default for Registered {
    fn default() -> Self {
        // A seed that nobody can know. What is found does not hang on it.
        let index = Index::new(RandomState::new().hash_one(0));
        let (whose, filed) = (Vec::new(), ByNumber::default());
        let (declared, asking, marked) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self { index, whose, filed, declared, asking, physical: HashMap::new(), marked }
    }
}

impl Registered {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.filed.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.filed.is_empty()
    }

    /// Whether some rule names a physical key.
    #[must_use]
    pub fn names_physical(&self, key: &str) -> bool {
        self.physical.contains_key(key)
    }

    /// A subscription's rule.
    #[must_use]
    pub fn get(&self, id: SubscriptionId) -> Option<&Rule> {
        self.filed.get(number(id)).map(|filed| &filed.rule)
    }

    /// Takes a rule in, in place of what the subscription had; gives that.
    pub fn insert(&mut self, id: SubscriptionId, rule: Rule) -> Option<Rule> {
        let before = self.remove(id);
        for name in &rule.subscription.events {
            self.asking.entry(name.clone()).or_default().insert(id);
        }
        if let Some(dialect) = rule.subscription.hears_marked {
            self.marked.entry(dialect).or_default().insert(id);
        }
        rule.condition.each_physical_key(|key| *self.physical.entry(key.into()).or_default() += 1);
        let numbers = self.file(id, &rule);
        self.filed.insert(number(id), Filed { rule, numbers });
        before
    }

    /// Takes a subscription's rule out; gives it.
    pub fn remove(&mut self, id: SubscriptionId) -> Option<Rule> {
        let Filed { rule, numbers } = self.filed.remove(number(id))?;
        self.take_out(numbers.as_slice());
        rule.condition.each_physical_key(|key| {
            if let Some(uses) = self.physical.get_mut(key) {
                *uses -= 1;
                if *uses == 0 {
                    self.physical.remove(key);
                }
            }
        });
        for name in &rule.subscription.events {
            if let Some(asking) = self.asking.get_mut(name) {
                asking.remove(&id);
                if asking.is_empty() {
                    self.asking.remove(name);
                }
            }
        }
        if let Some(marked) = rule.subscription.hears_marked.and_then(|dialect| self.marked.get_mut(&dialect)) {
            marked.remove(&id);
        }
        Some(rule)
    }

    /// The rule files declare these events from now on. Only rules that ask for one that is new, gone or another are
    /// filed again.
    pub fn declare(&mut self, events: &[Event]) {
        let after: HashMap<EventName, Event> = events.iter().map(|event| (event.name.clone(), event.clone())).collect();
        let is_other = |name: &&EventName| self.declared.get(*name) != after.get(*name);
        let names = self.asking.keys().filter(is_other);
        let mut again: BTreeSet<_> = names.flat_map(|name| &self.asking[name]).copied().collect();
        let both = self.declared.iter().chain(&after).filter(|(name, _)| is_other(name));
        let dialects: BTreeSet<_> = both.flat_map(|(_, event)| &event.dialects).collect();
        again.extend(dialects.into_iter().filter_map(|dialect| self.marked.get(dialect)).flatten());
        self.declared = after;
        for id in again {
            let Some(Filed { rule, numbers }) = self.filed.remove(number(id)) else { continue };
            self.take_out(numbers.as_slice());
            let numbers = self.file(id, &rule);
            self.filed.insert(number(id), Filed { rule, numbers });
        }
    }

    /// The subscriptions whose rules a change fires, rising. `state` is the asset's metadata after the change.
    #[must_use]
    pub fn matching(
        &self,
        change: &Change,
        state: &Metadata,
        facts: Facts<'_>,
        scratch: &mut Scratch,
    ) -> Vec<SubscriptionId> {
        if self.filed.is_empty() {
            return Vec::new();
        }
        let mut found = Vec::new();
        self.index.matching(&Subject::new(change, state, facts), scratch, &mut found);
        let mut found: Vec<_> = found.into_iter().map(|number| self.whose[number as usize]).collect();
        found.retain(|id| *id != NOBODY);
        found.sort_unstable();
        found.dedup();
        found
    }

    fn file(&mut self, id: SubscriptionId, rule: &Rule) -> Numbers {
        let Self { index, whose, declared, .. } = self;
        let mut numbers = Vec::new();
        let by_name = rule.subscription.events.iter().filter_map(|name| declared.get(name));
        let asked: Vec<_> = match rule.subscription.hears_marked {
            None => by_name.collect(),
            Some(_) => declared.values().filter(|event| event.is_asked_by(&rule.subscription)).collect(),
        };
        each_way(rule, asked, |tenant, condition| {
            let number = index.add(tenant.map(Tenant::as_str), condition);
            let at = number as usize;
            if at >= whose.len() {
                whose.resize(at + 1, NOBODY);
            }
            whose[at] = id;
            numbers.push(number);
        });
        Numbers::of(numbers)
    }

    fn take_out(&mut self, numbers: &[u32]) {
        for number in numbers {
            self.index.remove(*number);
            self.whose[*number as usize] = NOBODY;
        }
    }
}

fn number(id: SubscriptionId) -> u64 {
    id.0.cast_unsigned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::Registered;
    use crate::diagnostic::SourceFile;
    use crate::model::ids::SubscriptionId;
    use crate::rules::index::Scratch;
    use crate::rules::set::tests::each_change;
    use crate::rules::{RuleSet, load};

    /// What somebody does.
    #[derive(Debug, Clone)]
    enum Step {
        /// Registers a rule of one of a few conditions, in place of another of that name.
        Insert(u8, usize),
        Remove(u8),
        /// The rule files declare one of a few sets of events.
        Declare(usize),
    }

    const CONDITIONS: [&str; 6] = [
        "watchPath = ['* /a']",
        "watchPath = ['+ /b']\ntenant = 'acme'",
        "watchMetadata = ['K==1', 'L==1']\nlogicalOperand = 'AND'",
        "events = ['asset.added', 'scanned']",
        "events = ['scanned']\ntenant = 'acme'",
        "events = ['deleted']\nwatchPath = ['* /a']",
    ];

    const DECLARED: [&str; 3] = [
        "[[event]]\nname = 'scanned'\nwatchMetadata = ['K==*']\n[[event]]\nname = 'deleted'\nwatchPath = ['- /']\n",
        "[[event]]\nname = 'scanned'\nwatchPath = ['+ /b']\n[[event]]\nname = 'deleted'\nwatchPath = ['- /']\n",
        "[[event]]\nname = 'scanned'\nwatchPath = ['+ /b']\n         [[event]]\nname = 'deleted'\nwatchPath = ['- /a']\ntenant = 'acme'\n",
    ];

    /// A set of these rules beside these events.
    fn set(rules: &BTreeMap<u8, usize>, declared: usize) -> RuleSet {
        let rule = |(name, condition): (&u8, &usize)| {
            let condition = CONDITIONS[*condition];
            format!("[[subscription]]\nname = 'r{name}'\ncallback = 'http://127.0.0.1/{name}'\n{condition}\n")
        };
        let text: String = rules.iter().map(rule).collect::<String>() + DECLARED[declared];
        let file = SourceFile { name: "a.toml".into(), text: text.into_bytes().into() };
        load(&[file]).set.expect("no fault")
    }

    /// Whom changes of all kinds fire, by both.
    fn fired(registered: &Registered, set: &RuleSet, names: &BTreeMap<u8, usize>) -> [Vec<Vec<i64>>; 2] {
        let names: Vec<i64> = names.keys().map(|name| i64::from(*name)).collect();
        let (mut by_one, mut by_other) = (Vec::new(), Vec::new());
        each_change(|change, state, facts| {
            let mut scratch = Scratch::default();
            let ids = registered.matching(change, state, facts, &mut scratch);
            by_one.push(ids.into_iter().map(|id| id.0).collect());
            let rules = set.matching(change, state, facts, &mut scratch).rules;
            by_other.push(rules.into_iter().map(|rule| names[rule]).collect());
        });
        [by_one, by_other]
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0_u8..12, 0..CONDITIONS.len()).prop_map(|(name, condition)| Step::Insert(name, condition)),
            2 => (0_u8..12).prop_map(Step::Remove),
            1 => (0..DECLARED.len()).prop_map(Step::Declare),
        ]
    }

    proptest! {
        #[test]
        fn what_comes_and_goes_one_by_one_fires_as_if_it_stood_in_a_file(
            steps in prop::collection::vec(step(), 1..40),
        ) {
            let (mut registered, mut rules, mut declared) = (Registered::default(), BTreeMap::new(), 0);
            registered.declare(set(&rules, declared).events());
            for step in steps {
                match step {
                    Step::Insert(name, condition) => {
                        let alone = set(&BTreeMap::from([(name, condition)]), declared);
                        let was = registered.insert(SubscriptionId(i64::from(name)), alone.rules()[0].clone());
                        prop_assert_eq!(was.is_some(), rules.insert(name, condition).is_some());
                    }
                    Step::Remove(name) => {
                        let was = registered.remove(SubscriptionId(i64::from(name)));
                        prop_assert_eq!(was.is_some(), rules.remove(&name).is_some());
                    }
                    Step::Declare(events) => {
                        declared = events;
                        registered.declare(set(&rules, declared).events());
                    }
                }
                let [by_one, by_other] = fired(&registered, &set(&rules, declared), &rules);
                prop_assert_eq!(by_one, by_other);
                prop_assert_eq!(registered.len(), rules.len());
            }
            for name in rules.into_keys() {
                registered.remove(SubscriptionId(i64::from(name)));
            }
            prop_assert!(registered.is_empty() && registered.index.is_empty() && registered.asking.is_empty());
        }
    }
}
