//! A new rule set is taken up: whole, at one point between two inputs.

use std::collections::HashSet;

use super::{Engine, Machines};
use crate::intake::RulesInForce;
use crate::model::time::Now;
use crate::store::StoreError;

impl Engine {
    /// Writes down that the newest set is in force, and has the machines match by it. Subscriptions that it no longer
    /// names keep what they are owed; names that return take it up again. Until the group's commit the set stays to come.
    pub(super) fn take_up_rules(&mut self, now: Now) -> Result<Option<RulesInForce>, StoreError> {
        let Some(new) = self.rules_to_come.clone() else { return Ok(None) };
        let ledger = &self.ledger;
        let before = ledger.subscriptions()?;
        let mut subscriptions = Vec::with_capacity(new.set.rules().len());
        for rule in new.set.rules() {
            subscriptions.push(ledger.enrol(rule.subscription.name.as_str())?);
        }
        let named: HashSet<_> = subscriptions.iter().copied().collect();
        for row in before.iter().filter(|row| row.removed_at.is_none() && !named.contains(&row.id)) {
            ledger.remove_subscription(row.id, now.wall)?;
        }
        ledger.set_rule_files(&new.files)?;
        ledger.promise();
        let rules = RulesInForce { set: new.set, subscriptions: subscriptions.into() };
        if let Some(Machines { intake, dispatch }) = &mut self.machines {
            if let Some(intake) = intake {
                intake.set_rules(rules.clone());
            }
            dispatch.set_subscriptions(rules.subscriptions());
        }
        Ok(Some(rules))
    }

    /// The group that took the set up has been committed.
    pub(super) fn in_force(&mut self, rules: RulesInForce) {
        self.rules_to_come = None;
        self.rules_status.generation += 1;
        self.rules_status.subscriptions = rules.set.rules().len() as u64;
        self.rules_status.events = rules.set.events().len() as u64;
        self.rules = rules;
    }
}
