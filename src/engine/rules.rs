//! A new rule set is taken up: whole, at one point between two inputs.

use super::{Engine, Machines, NewRules};
use crate::intake::RulesInForce;
use crate::model::time::Now;
use crate::store::StoreError;

impl Engine {
    /// Puts a set in force. Subscriptions that it no longer names keep what they are owed; names that return take it up
    /// again. The set is tried again if the group is lost.
    pub(super) fn take_up_rules(&mut self, now: Now, new: NewRules) -> Result<(), StoreError> {
        self.rules_to_come = Some(new.clone());
        let ledger = &self.ledger;
        let before = ledger.subscriptions()?;
        let mut subscriptions = Vec::with_capacity(new.set.rules().len());
        for rule in new.set.rules() {
            subscriptions.push(ledger.enrol(rule.subscription.name.as_str())?);
        }
        let named: std::collections::HashSet<_> = subscriptions.iter().copied().collect();
        for row in before.iter().filter(|row| row.removed_at.is_none() && !named.contains(&row.id)) {
            ledger.remove_subscription(row.id, now.wall)?;
        }
        ledger.set_rule_files(&new.files)?;
        ledger.promise();
        self.rules = RulesInForce { set: new.set, subscriptions: subscriptions.into() };
        if let Some(Machines { intake, dispatch }) = &mut self.machines {
            intake.set_rules(self.rules.clone());
            dispatch.set_subscriptions(self.rules.subscriptions());
        }
        Ok(())
    }
}
