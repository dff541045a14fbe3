//! What the rules in force say of a change that is recorded, for people.

use crate::intake::RulesInForce;
use crate::model::by_number::ByNumber;
use crate::model::change::Change;
use crate::model::ids::SubscriptionId;
use crate::model::metadata::Metadata;
use crate::model::mount::Mount;
use crate::model::scope::Scope;
use crate::model::why::{RULES_MAX, RuleVerdict, Verdicts};
use crate::rules::explain::Verdict;
use crate::rules::explain::newest::{RulePlace, explain_all};
use crate::rules::{Facts, Rule, RuleSet};

/// Asks the rules that a scope covers, of files and registered. `state` is the asset's metadata after the change.
pub(super) fn of_change(
    rules: &RulesInForce,
    registered: &ByNumber<Rule>,
    mount: &Mount,
    change: &Change,
    state: &Metadata,
    scope: &Scope,
) -> Verdicts {
    let id = |place: usize| rules.subscriptions.get(place).copied();
    let registered = registered.iter().map(|(number, rule)| (SubscriptionId(number.cast_signed()), rule));
    verdicts(&rules.set, id, registered, mount, change, state, scope)
}

/// Asks the rules of a set, each of which has a number in the ledger, or none, and those that are registered.
pub(crate) fn verdicts<'a>(
    set: &'a RuleSet,
    id: impl Fn(usize) -> Option<SubscriptionId>,
    registered: impl Iterator<Item = (SubscriptionId, &'a Rule)>,
    mount: &Mount,
    change: &Change,
    state: &Metadata,
    scope: &Scope,
) -> Verdicts {
    let facts = Facts::of(change, mount);
    let is_seen = |rule: &Rule| scope.covers(rule.subscription.tenant.as_ref());
    let all = explain_all(set, registered, change, state, facts, is_seen, RULES_MAX);
    let shown = all.shown.into_iter().map(|(place, rule, verdict)| RuleVerdict {
        id: match place {
            RulePlace::InFiles(place) => id(place),
            RulePlace::Registered(id) => Some(id),
        },
        subscription: rule.subscription.name.to_string(),
        failed: match verdict {
            Verdict::Fires { .. } => None,
            Verdict::Failed { clause, why } => Some((clause, why)),
        },
    });
    Verdicts { shown: shown.collect(), asked: all.asked, firing: all.firing }
}

#[cfg(test)]
mod tests {
    use super::of_change;
    use crate::diagnostic::SourceFile;
    use crate::intake::RulesInForce;
    use crate::model::by_number::ByNumber;
    use crate::model::change::{Action, Change};
    use crate::model::ids::SubscriptionId;
    use crate::model::metadata::Metadata;
    use crate::model::mount::Mount;
    use crate::model::path::LogicalPath;
    use crate::model::scope::Scope;
    use crate::model::tenant::Tenant;
    use crate::model::why::RULES_MAX;
    use crate::rules::{Rule, load};

    /// Rules of everything, by number, each of a tenant or of none.
    fn registered(tenants: &[Option<&str>]) -> ByNumber<Rule> {
        let tenant = |tenant: &Option<&str>| tenant.map(|tenant| format!("tenant = '{tenant}'\n")).unwrap_or_default();
        let rule = |(n, of): (usize, &Option<&str>)| {
            let head = format!("[[subscription]]\nname = 'r{n}'\ncallback = 'http://127.0.0.1/{n}'\n");
            head + "watchPath = ['* /']\n" + &tenant(of)
        };
        let text: String = tenants.iter().enumerate().map(rule).collect();
        let file = SourceFile { name: "a.toml".into(), text: text.into_bytes().into() };
        let mut rules = ByNumber::default();
        for (number, rule) in (10..).zip(load(&[file]).set.expect("no fault").rules()) {
            rules.insert(number, rule.clone());
        }
        rules
    }

    #[test]
    fn registered_rules_of_the_scope_are_asked_up_to_the_limit() {
        let change = Change::of_some_asset(b"/acme/a", Action::Added, Vec::new());
        let acme = Tenant::parse("acme").expect("a name");
        let path = LogicalPath::parse(b"/acme").expect("a path");
        let mount = Mount { tenant: Some(acme.clone()), ..Mount::new(path, "/unused".into()) };
        let of = |registered: &ByNumber<Rule>, scope: &Scope| {
            of_change(&RulesInForce::default(), registered, &mount, &change, &Metadata::new(), scope)
        };
        let some = registered(&[Some("acme"), None, Some("b")]);
        let all = of(&some, &Scope::All);
        let shown: Vec<_> = all.shown.iter().map(|one| (one.id, one.fires())).collect();
        let id = |number| Some(SubscriptionId(number));
        assert_eq!(shown, [(id(10), true), (id(11), true), (id(12), false)]);
        let of_acme = of(&some, &Scope::of([acme]));
        assert_eq!((of_acme.shown.len(), of_acme.asked, of_acme.firing), (1, 1, 1));
        assert_eq!((&*of_acme.shown[0].subscription, of_acme.shown[0].id), ("r0", id(10)));
        let many = of(&registered(&[None; RULES_MAX + 1]), &Scope::All);
        assert_eq!((many.shown.len(), many.asked, many.firing), (RULES_MAX, RULES_MAX + 1, RULES_MAX + 1));
    }
}
