//! What the rules in force say of a change that is recorded, for people.

use crate::intake::RulesInForce;
use crate::model::change::Change;
use crate::model::ids::SubscriptionId;
use crate::model::metadata::Metadata;
use crate::model::mount::Mount;
use crate::model::scope::Scope;
use crate::model::why::{RULES_MAX, RuleVerdict, Verdicts};
use crate::rules::explain::Verdict;
use crate::rules::explain::newest::explain_all;
use crate::rules::{Facts, RuleSet};

/// Asks the rules that a scope covers. `state` is the asset's metadata after the change.
pub(super) fn of_change(
    rules: &RulesInForce,
    mount: &Mount,
    change: &Change,
    state: &Metadata,
    scope: &Scope,
) -> Verdicts {
    let id = |place: usize| rules.subscriptions.get(place).copied();
    verdicts(&rules.set, id, mount, change, state, scope)
}

/// Asks the rules of a set, each of which has a number in the ledger, or none.
pub(crate) fn verdicts(
    set: &RuleSet,
    id: impl Fn(usize) -> Option<SubscriptionId>,
    mount: &Mount,
    change: &Change,
    state: &Metadata,
    scope: &Scope,
) -> Verdicts {
    let facts = Facts::of(change, mount);
    let is_seen = |rule: &crate::rules::Rule| scope.covers(rule.subscription.tenant.as_ref());
    let all = explain_all(set, change, state, facts, is_seen, RULES_MAX);
    let shown = all.shown.into_iter().map(|(place, verdict)| RuleVerdict {
        id: id(place),
        subscription: set.rules()[place].subscription.name.to_string(),
        failed: match verdict {
            Verdict::Fires { .. } => None,
            Verdict::Failed { clause, why } => Some((clause, why)),
        },
    });
    Verdicts { shown: shown.collect(), asked: all.asked, firing: all.firing }
}
