//! All rules of a set and one change: which fire, and by which clause those do not that could have.
//!
//! Explaining makes texts, so it is done for the rules that are shown, and not for all of half a million.

use super::{Verdict, explain_rule};
use crate::model::change::Change;
use crate::model::metadata::Metadata;
use crate::rules::Facts;
use crate::rules::condition::{Expr, FactTest, Predicate, TextFact, Written};
use crate::rules::eval::Subject;
use crate::rules::index::Scratch;
use crate::rules::set::{Rule, RuleSet};

/// What the rules of a set say of a change.
#[derive(Debug, PartialEq, Eq)]
pub struct AllVerdicts {
    /// Rules by their place in the set: those that fire, then those that could at the path, then the others.
    pub shown: Vec<(usize, Verdict)>,
    /// How many rules were asked.
    pub asked: usize,
    /// How many fire.
    pub firing: usize,
}

/// Asks those rules of a set that are `asked`, and explains `most` of them at most. `facts` as the pipeline has them:
/// no tenant where the mount has none.
#[must_use]
pub fn explain_all(
    set: &RuleSet,
    change: &Change,
    state: &Metadata,
    facts: Facts<'_>,
    asked: impl Fn(&Rule) -> bool,
    most: usize,
) -> AllVerdicts {
    let mut firing = set.matching(change, state, facts, &mut Scratch::default()).rules;
    firing.retain(|place| asked(&set.rules()[*place]));
    let subject = Subject::new(change, state, Facts { tenant: Some(facts.tenant.unwrap_or("")), ..facts });
    let mut shown: Vec<usize> = firing.iter().copied().take(most).collect();
    let (mut others, mut count) = (Vec::new(), 0);
    for (place, rule) in set.rules().iter().enumerate().filter(|(_, rule)| asked(rule)) {
        count += 1;
        if shown.len() >= most || firing.binary_search(&place).is_ok() {
            continue;
        }
        match could_fire(&subject, rule) {
            true => shown.push(place),
            false if others.len() < most => others.push(place),
            false => {}
        }
    }
    others.truncate(most.saturating_sub(shown.len()));
    shown.extend(others);
    let explained = |place: usize| (place, explain_rule(&subject, set, &set.rules()[place]));
    AllVerdicts { shown: shown.into_iter().map(explained).collect(), asked: count, firing: firing.len() }
}

/// Returns whether a rule could fire at the path of a change, whatever else is so: only its tenant, its paths, and what
/// it asks of the path are looked at.
fn could_fire(subject: &Subject<'_>, rule: &Rule) -> bool {
    let tenant = rule.subscription.tenant.as_ref();
    if tenant.is_some_and(|tenant| subject.facts.tenant != Some(tenant.as_str())) {
        return false;
    }
    match rule.condition.written() {
        Written::Clauses { paths, .. } => paths.is_empty() || paths.iter().any(|clause| subject.covered(&clause.cover)),
        Written::When { expr, .. } => can_be(subject, expr, true),
        Written::Nothing => !rule.subscription.events.is_empty(),
    }
}

/// Returns whether an expression can be true, or false, at the path of a change.
fn can_be(subject: &Subject<'_>, expr: &Expr, wanted: bool) -> bool {
    match (expr, wanted) {
        (Expr::All(parts), true) | (Expr::Any(parts), false) => parts.iter().all(|part| can_be(subject, part, wanted)),
        (Expr::Any(parts), true) | (Expr::All(parts), false) => parts.iter().any(|part| can_be(subject, part, wanted)),
        (Expr::Not(part), wanted) => can_be(subject, part, !wanted),
        (Expr::Is(Predicate::Path(_)), wanted) => subject.fires(expr) == wanted,
        (Expr::Is(Predicate::Fact { test, .. }), wanted) => match &**test {
            FactTest::Text(fact, _) if *fact != TextFact::Owner => subject.fires(expr) == wanted,
            _ => true,
        },
        (Expr::Is(_), _) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::{AllVerdicts, explain_all};
    use crate::diagnostic::SourceFile;
    use crate::model::change::{Action, Change};
    use crate::model::metadata::Metadata;
    use crate::model::path::LogicalPath;
    use crate::rules::explain::Verdict;
    use crate::rules::{Facts, RuleSet, load};

    fn set(rules: &[(&str, &str)]) -> RuleSet {
        let rule = |(name, condition): &(&str, &str)| {
            format!("[[subscription]]\nname = '{name}'\ncallback = 'http://127.0.0.1/{name}'\n{condition}\n")
        };
        let text: String = rules.iter().map(rule).collect();
        load(&[SourceFile { name: "a.toml".into(), text: text.into_bytes().into() }]).set.expect("no fault")
    }

    fn asked(set: &RuleSet, path: &str, most: usize) -> (Vec<String>, AllVerdicts) {
        let change = Change::of_some_asset(path.as_bytes(), Action::Added, Vec::new());
        let facts = Facts { size: 0, mtime_ns: 0, mount: &LogicalPath::root(), tenant: None };
        let all = explain_all(set, &change, &Metadata::new(), facts, |_| true, most);
        let name = |place: usize| set.rules()[place].subscription.name.to_string();
        let shown = all.shown.iter().map(|(place, verdict)| {
            let mark = if matches!(verdict, Verdict::Fires { .. }) { "+" } else { "" };
            format!("{mark}{}", name(*place))
        });
        (shown.collect(), all)
    }

    #[test]
    fn rules_that_fire_come_first_then_those_that_could_at_the_path() {
        let set = set(&[
            ("elsewhere", "watchPath = ['+ /b']"),
            ("modified-here", "watchPath = ['~ /a']"),
            ("when-elsewhere", "when = 'path like \"/b/**\" and action == added'"),
            ("when-here", "when = 'ext == \"mov\" and Rating >= 4'"),
            ("tenant", "watchPath = ['+ /a']\ntenant = 'acme'"),
            ("fires", "watchPath = ['+ /a']"),
            ("not-elsewhere", "when = 'not (path like \"/a/**\" or Rating >= 4)'"),
        ]);
        let (shown, all) = asked(&set, "/a/x.mov", 100);
        assert_eq!(
            shown,
            ["+fires", "modified-here", "when-here", "elsewhere", "when-elsewhere", "tenant", "not-elsewhere"]
        );
        assert_eq!((all.asked, all.firing), (7, 1));
        assert_eq!(asked(&set, "/a/x.mov", 2).0, ["+fires", "modified-here"]);
    }

    #[test]
    fn no_more_rules_are_explained_than_are_shown() {
        const MOST: usize = crate::model::why::RULES_MAX;
        let names: Vec<String> = (0..=MOST).map(|n| format!("r{n:03}")).collect();
        let rules: Vec<_> = names.iter().map(|name| (&**name, "watchPath = ['+ /a']")).collect();
        let set = set(&rules);
        let (shown, all) = asked(&set, "/a/x", MOST);
        assert_eq!((shown.len(), all.asked, all.firing), (MOST, MOST + 1, MOST + 1));
        let (shown, all) = asked(&set, "/b/x", MOST);
        assert_eq!((shown.len(), all.asked, all.firing), (MOST, MOST + 1, 0));
    }
}
