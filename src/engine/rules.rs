//! A new rule set is taken up: whole, at one point between two inputs.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Engine, Machines, NewRules};
use crate::intake::RulesInForce;
use crate::model::event::{Dialect, EventFields, EventName};
use crate::model::ids::SubscriptionId;
use crate::model::time::Now;
use crate::rules::{RuleChange, RuleSet};
use crate::store::StoreError;

/// What each event of a set is marked for.
pub(super) fn marks(set: &RuleSet) -> impl Iterator<Item = (&EventName, &[Dialect])> {
    set.events().iter().map(|event| (&event.name, &event.dialects[..]))
}

impl Engine {
    /// Writes down that the newest set is in force, and has the machines match by it. Subscriptions that it no longer
    /// names keep what they are owed; names that return take it up again. Until the group's commit the set stays to
    /// come.
    pub(super) fn take_up_rules(&mut self, now: Now) -> Result<Option<RulesInForce>, StoreError> {
        let Some(new) = self.rules_to_come.clone() else { return Ok(None) };
        let ledger = &self.ledger;
        let (is_first, after) = (self.rules_status.generation == 0, new.set.rules());
        // Most of them stand where they stood: only what lies between is looked at.
        let (first, last) = if is_first { (0, 0) } else { new.set.same_ends(&self.rules.set) };
        let old = &self.rules.subscriptions;
        let between = first..old.len() - last;
        // Before the first set, the ledger knows who there was. Registrations come and go by themselves.
        let mut known: HashMap<String, SubscriptionId> = if is_first {
            let rows =
                ledger.subscriptions()?.into_iter().filter(|row| row.removed_at.is_none() && !row.is_registered());
            rows.map(|row| (row.name, row.id)).collect()
        } else {
            let names = self.rules.set.rules()[between.clone()].iter().map(|rule| rule.subscription.name.to_string());
            names.zip(old[between.clone()].iter().copied()).collect()
        };
        let mut edited = Vec::new();
        for rule in &after[first..after.len() - last] {
            let name = rule.subscription.name.as_str();
            let id = match known.remove(name) {
                Some(id) => id,
                None => ledger.enrol(rule.subscription.named_by(), name)?,
            };
            edited.push((id, Arc::clone(&rule.subscription)));
        }
        let mut gone: Vec<_> = known.into_values().collect();
        gone.sort_unstable();
        for id in &gone {
            ledger.remove_subscription(*id, now.wall)?;
        }
        let ids = edited.iter().map(|(id, _)| *id);
        let subscriptions = old[..first].iter().copied().chain(ids).chain(old[between.end..].iter().copied()).collect();
        match &self.rule_files {
            Some(before) => ledger.replace_rule_files(before, &new.files)?,
            None => ledger.replace_rule_files(&ledger.rule_files()?, &new.files)?,
        }
        ledger.promise();
        let rules = RulesInForce { set: Arc::clone(&new.set), subscriptions };
        if let Some(Machines { intake, dispatch }) = &mut self.machines {
            if let Some(intake) = intake {
                intake.set_rules(rules.clone());
            }
            dispatch.edit_subscriptions(gone, edited);
            dispatch.set_marks(marks(&new.set));
        }
        // Whoever asks to hear of it by the new set does.
        self.tell_changes(now, &new)?;
        Ok(Some(rules))
    }

    /// Appends what became of the rules to the journal. A start over the same rules is no event.
    fn tell_changes(&mut self, now: Now, new: &NewRules) -> Result<(), StoreError> {
        for RuleChange { event, name, tenant } in &new.changes {
            let fields = EventFields::default().text("name", name.as_str());
            self.ledger.tell(now.wall, event, tenant.clone(), fields)?;
            if let Some(Machines { dispatch, .. }) = &mut self.machines {
                // One by one, so that a large set of which nobody asks to hear is not kept in memory.
                dispatch.owe(Vec::new(), self.ledger.dispatch());
            }
        }
        if !new.changes.is_empty() || self.rules_status.generation > 0 {
            let fields = EventFields::default().number("subscriptions", new.set.rules().len() as u64);
            self.ledger.tell(now.wall, "rules.reloaded", None, fields)?;
        }
        Ok(())
    }

    /// The group that took the set up has been committed.
    pub(super) fn in_force(&mut self, rules: RulesInForce) {
        if let Some(taken_up) = self.rules_to_come.take() {
            self.rule_files = Some(taken_up.files);
        }
        self.reloads.taken_up += u64::from(self.rules_status.generation > 0);
        self.rules_status.generation += 1;
        self.rules_status.subscriptions = rules.set.rules().len() as u64;
        self.rules_status.events = rules.set.events().len() as u64;
        self.rules = rules;
    }
}
