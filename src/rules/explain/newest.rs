//! All rules, of a set and registered, and one change: which fire, and by which clause those do not that could have.
//!
//! Explaining makes texts, so it is done for the rules that are shown, and not for all of half a million. The index of
//! registered rules belongs to the engine: they are asked one by one, as they are, and mostly for their paths alone.

use super::{Verdict, explain_rule};
use crate::model::change::Change;
use crate::model::ids::SubscriptionId;
use crate::model::metadata::Metadata;
use crate::rules::Facts;
use crate::rules::condition::{Expr, FactTest, Predicate, TextFact, Written};
use crate::rules::eval::Subject;
use crate::rules::index::Scratch;
use crate::rules::set::{Rule, RuleSet};

/// Where a rule is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RulePlace {
    /// A rule file: its place in the set.
    InFiles(usize),
    /// A registration: the number of its subscription.
    Registered(SubscriptionId),
}

/// What rules say of a change.
#[derive(Debug, PartialEq, Eq)]
pub struct AllVerdicts<'a> {
    /// Those that fire, then those that could at the path, then the others; among them those of files first.
    pub shown: Vec<(RulePlace, &'a Rule, Verdict)>,
    /// How many rules were asked.
    pub asked: usize,
    /// How many fire.
    pub firing: usize,
}

/// Asks those rules of a set, and those registered beside it, that are `asked`, and explains `most` of them at most.
/// `facts` as the pipeline has them: no tenant where the mount has none.
#[must_use]
pub fn explain_all<'a>(
    set: &'a RuleSet,
    registered: impl Iterator<Item = (SubscriptionId, &'a Rule)>,
    change: &Change,
    state: &Metadata,
    facts: Facts<'_>,
    asked: impl Fn(&Rule) -> bool,
    most: usize,
) -> AllVerdicts<'a> {
    let mut firing = set.matching(change, state, facts, &mut Scratch::default()).rules;
    firing.retain(|place| asked(&set.rules()[*place]));
    let subject = Subject::new(change, state, Facts { tenant: Some(facts.tenant.unwrap_or("")), ..facts });
    let mut lists = Lists { fire: Vec::new(), could: Vec::new(), others: Vec::new(), most, asked: 0, firing: 0 };
    for (place, rule) in set.rules().iter().enumerate().filter(|(_, rule)| asked(rule)) {
        let fires = firing.binary_search(&place).is_ok();
        lists.take(RulePlace::InFiles(place), rule, fires, || could_fire(&subject, rule));
    }
    for (id, rule) in registered.filter(|(_, rule)| asked(rule)) {
        let could = could_fire(&subject, rule);
        // A rule may ask for an event that happens elsewhere.
        let fires = (could || rule.subscription.asks_for_events()) && set.fires_on(rule, &subject);
        lists.take(RulePlace::Registered(id), rule, fires, || could);
    }
    let Lists { fire, could, others, asked, firing, .. } = lists;
    let shown = fire.into_iter().chain(could).chain(others).take(most);
    let explained = |(place, rule): (RulePlace, &'a Rule)| (place, rule, explain_rule(&subject, set, rule));
    AllVerdicts { shown: shown.map(explained).collect(), asked, firing }
}

/// Rules by how near they came, as many of each as may be shown.
struct Lists<'a> {
    fire: Vec<(RulePlace, &'a Rule)>,
    could: Vec<(RulePlace, &'a Rule)>,
    others: Vec<(RulePlace, &'a Rule)>,
    most: usize,
    asked: usize,
    firing: usize,
}

impl<'a> Lists<'a> {
    fn take(&mut self, place: RulePlace, rule: &'a Rule, fires: bool, could: impl FnOnce() -> bool) {
        self.asked += 1;
        self.firing += usize::from(fires);
        // Once enough of those before it are known, it does not matter how near it came.
        let list = match fires {
            true => &mut self.fire,
            false if self.fire.len() + self.could.len() >= self.most => return,
            false if could() => &mut self.could,
            false => &mut self.others,
        };
        if list.len() < self.most {
            list.push((place, rule));
        }
    }
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
        Written::Nothing => rule.subscription.asks_for_events(),
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
    use std::sync::Arc;

    use super::{AllVerdicts, RulePlace, explain_all};
    use crate::diagnostic::SourceFile;
    use crate::model::change::{Action, Change};
    use crate::model::event::Dialect;
    use crate::model::ids::SubscriptionId;
    use crate::model::metadata::Metadata;
    use crate::model::path::LogicalPath;
    use crate::model::subscription::Subscription;
    use crate::rules::explain::Verdict;
    use crate::rules::{Facts, Rule, RuleSet, load};

    fn set(rules: &[(&str, &str)]) -> RuleSet {
        let rule = |(name, condition): &(&str, &str)| {
            format!("[[subscription]]\nname = '{name}'\ncallback = 'http://127.0.0.1/{name}'\n{condition}\n")
        };
        let text: String = rules.iter().map(rule).collect();
        load(&[SourceFile { name: "a.toml".into(), text: text.into_bytes().into() }]).set.expect("no fault")
    }

    fn asked<'a>(set: &'a RuleSet, path: &str, most: usize) -> (Vec<String>, AllVerdicts<'a>) {
        asked_beside(set, &[], path, most)
    }

    /// Asks the rules of a set, and others as if they were registered: with the numbers 0, 1 and so on.
    fn asked_beside<'a>(
        set: &'a RuleSet,
        registered: &'a [Rule],
        path: &str,
        most: usize,
    ) -> (Vec<String>, AllVerdicts<'a>) {
        let change = Change::of_some_asset(path.as_bytes(), Action::Added, Vec::new());
        let facts = Facts { size: 0, mtime_ns: 0, mount: &LogicalPath::root(), tenant: None };
        let numbered = (0..).map(SubscriptionId).zip(registered);
        let all = explain_all(set, numbered, &change, &Metadata::new(), facts, |_| true, most);
        let shown = all.shown.iter().map(|(place, rule, verdict)| {
            let is_same = match place {
                RulePlace::InFiles(place) => set.rules()[*place] == **rule,
                RulePlace::Registered(id) => registered[id.0 as usize] == **rule,
            };
            assert!(is_same, "{place:?} is {rule:?}");
            let mark = if matches!(verdict, Verdict::Fires { .. }) { "+" } else { "" };
            format!("{mark}{}", rule.subscription.name)
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
    fn registered_rules_are_asked_beside_those_of_files() {
        let event = "[[event]]\nname = 'b.added'\nwatchPath = ['+ /b']\ndialects = ['eqp']\n";
        let rule = |(name, condition): &(&str, &str)| {
            format!("[[subscription]]\nname = '{name}'\ncallback = 'http://127.0.0.1/{name}'\n{condition}\n")
        };
        let loaded = |rules: &[(&str, &str)]| {
            let text = rules.iter().map(rule).collect::<String>() + event;
            load(&[SourceFile { name: "a.toml".into(), text: text.into_bytes().into() }]).set.expect("no fault")
        };
        let set = loaded(&[("file-here", "watchPath = ['~ /b']"), ("file-fires", "watchPath = ['+ /b']")]);
        let registered = loaded(&[
            ("elsewhere", "watchPath = ['+ /a']"),
            ("here", "watchPath = ['- /b']"),
            ("fires", "watchPath = ['+ /b/x']"),
            ("by-event", "events = ['b.added']\nwatchPath = ['+ /a']"),
            ("of-a-tenant", "watchPath = ['+ /b']\ntenant = 'acme'"),
            ("by-mark", "events = ['b.added']"),
        ]);
        // What asks for all events that are marked for its dialect names none of them.
        let mut registered = registered.rules().to_vec();
        let by_mark = registered.last_mut().expect("a rule");
        let asked = (*by_mark.subscription).clone();
        let asked = Subscription { events: Default::default(), hears_marked: Some(Dialect::Eqp), ..asked };
        by_mark.subscription = Arc::new(asked);
        let (shown, all) = asked_beside(&set, &registered, "/b/x", 100);
        let firing = ["+file-fires", "+fires", "+by-event", "+by-mark"];
        let others = ["file-here", "here", "elsewhere", "of-a-tenant"];
        assert_eq!(shown, [firing, others].concat(), "{all:?}");
        assert_eq!((all.asked, all.firing), (8, 4));
        let (shown, all) = asked_beside(&set, &registered, "/b/x", 4);
        assert_eq!(shown, firing, "what fires comes before what comes near");
        assert_eq!((all.asked, all.firing), (8, 4));
        let (shown, all) = asked_beside(&set, &registered, "/a/x", 100);
        assert_eq!(
            (&shown[..3], all.firing),
            (&["+elsewhere".to_owned(), "+by-event".to_owned(), "by-mark".to_owned()][..], 2)
        );
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
