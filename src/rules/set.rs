//! Rules that are in force together.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use super::condition::{Actions, Condition, Expr, Predicate};
use super::eval::{Facts, Subject};
use super::event::Event;
use super::index::{Index, Scratch};
use crate::model::change::{Action, Change};
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
    pub condition: Condition,
}

/// Rules that are in force together. Never changed: an edit makes another set, which replaces it whole.
#[derive(Debug, Clone)]
pub struct RuleSet {
    pub(super) rules: Vec<Rule>,
    events: Vec<Event>,
    index: Index,
    /// What each number of the index stands for: a rule below `rules.len()`, above that an event.
    whose: Vec<u32>,
}

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
    /// Files rules and events.
    pub(super) fn new(rules: Vec<Rule>, events: Vec<Event>) -> Self {
        // A seed that nobody can know. What is found does not hang on it.
        let mut index = Index::new(RandomState::new().hash_one(0));
        let mut whose = Vec::with_capacity(rules.len() + events.len());
        let by_name: HashMap<&EventName, &Event> = events.iter().map(|event| (&event.name, event)).collect();
        let mut file = |who: usize, tenant: Option<&Tenant>, condition: &Condition| {
            index.add(tenant.map(Tenant::as_str), condition);
            whose.push(who as u32);
        };
        for (at, rule) in rules.iter().enumerate() {
            let tenant = rule.subscription.tenant.as_ref();
            if !rule.condition.expr().is_never() {
                file(at, tenant, &rule.condition);
            }
            for name in &rule.subscription.events {
                if let Some(action) = action_of(name) {
                    let happens = Expr::Is(Predicate::Action(Actions::of(&[action])));
                    file(at, tenant, &Condition::when(name.as_str(), happens));
                } else if let Some(Event { condition: Some(condition), tenant: of_event, .. }) = by_name.get(name) {
                    match (tenant, of_event) {
                        (Some(tenant), Some(of_event)) if tenant != of_event => {}
                        (tenant, of_event) => file(at, tenant.or(of_event.as_ref()), condition),
                    }
                }
            }
        }
        for (at, event) in events.iter().enumerate() {
            if let Some(condition) = &event.condition {
                file(rules.len() + at, event.tenant.as_ref(), condition);
            }
        }
        Self { rules, events, index, whose }
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
    /// What became of the rules of an earlier set: those that are new and those that differ in the order of this one, then
    /// those that are gone.
    #[must_use]
    pub fn changes_since(&self, before: &Self) -> Vec<RuleChange> {
        let mut gone: HashMap<&Name, &Rule> = before.rules.iter().map(|rule| (&rule.subscription.name, rule)).collect();
        let change = |event, rule: &Rule| {
            let Subscription { name, tenant, .. } = &*rule.subscription;
            RuleChange { event, name: name.clone(), tenant: tenant.clone() }
        };
        let mut changes = Vec::new();
        for rule in &self.rules {
            match gone.remove(&rule.subscription.name) {
                None => changes.push(change("rule.created", rule)),
                Some(earlier) if earlier != rule => changes.push(change("rule.updated", rule)),
                Some(_) => {}
            }
        }
        let rest = before.rules.iter().filter(|rule| gone.contains_key(&rule.subscription.name));
        changes.extend(rest.map(|rule| change("rule.deleted", rule)));
        changes
    }
}

/// The action that a built-in event is about.
fn action_of(name: &EventName) -> Option<Action> {
    let action = name.as_str().strip_prefix("asset.")?;
    Action::ALL.into_iter().find(|one| one.as_str() == action)
}
