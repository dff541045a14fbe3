//! The bounds of a registration: the paths at or below which the assets lie that it watches.
//!
//! Its own clauses must lie within them. What it asks for by the name of an asset's change has no path of its own, so
//! it becomes a condition with the bounds in it.

use super::super::condition::{Actions, Condition, Cover, Expr, Mode, PathClause, Predicate};
use super::Fault;
use crate::model::change::Action;
use crate::model::event::EventName;
use crate::model::path::LogicalPath;
use crate::model::registration::{Registration, RegistrationPart};

/// Reads the bounds; `None` where one is wrong.
pub(super) fn bounds(registration: &Registration, faults: &mut Vec<Fault>) -> Option<Vec<LogicalPath>> {
    let read = |text: &String| {
        let path = LogicalPath::parse(text.as_bytes()).map(|path| path.nfc());
        path.map_err(|error| faults.push(Fault::of(RegistrationPart::Request, format!("{text}: {error}")))).ok()
    };
    registration.within.iter().map(read).collect()
}

/// Adds a fault for each clause that covers something outside of the bounds.
pub(super) fn check(paths: &[PathClause], bounds: &[LogicalPath], faults: &mut Vec<Fault>) {
    if bounds.is_empty() {
        return;
    }
    for (item, clause) in paths.iter().enumerate() {
        if !bounds.iter().any(|bound| lies_within(&clause.cover, bound)) {
            let listed: Vec<_> = bounds.iter().map(LogicalPath::to_string).collect();
            let why = "it reaches beyond the paths of its collection".to_owned();
            let help = Some(format!("watch at or below {}", listed.join(", ")));
            faults.push(Fault { part: RegistrationPart::Paths, item: Some(item), why, help });
        }
    }
}

/// Returns whether all that a clause covers lies at or below a path.
fn lies_within(cover: &Cover, bound: &LogicalPath) -> bool {
    match cover {
        Cover::Under { path, .. } => path.is_at_or_below(bound),
        // A glob covers only what begins with the literal text before its first special character.
        Cover::Glob(glob) => {
            let below = glob.prefix().strip_prefix(bound.as_bytes());
            bound.is_root() || below.is_some_and(|below| below.first() == Some(&b'/'))
        }
    }
}

/// The clause that limits metadata clauses to a path.
pub(super) fn scope(bound: &LogicalPath) -> PathClause {
    PathClause { mode: Mode::Scope, cover: cover(bound) }
}

fn cover(bound: &LogicalPath) -> Cover {
    Cover::Under { path: bound.clone(), itself: true }
}

/// The changes of assets that it asks for by name, within the bounds; `None` where it has no bounds, or asks for none.
pub(super) fn asset_events(events: &[EventName], bounds: &[LogicalPath]) -> Option<Condition> {
    let named: Vec<(&EventName, Action)> =
        events.iter().filter_map(|name| name.action().map(|action| (name, action))).collect();
    if bounds.is_empty() || named.is_empty() {
        return None;
    }
    let names: Vec<_> = named.iter().map(|(name, _)| name.as_str()).collect();
    let actions: Vec<_> = named.iter().map(|(_, action)| *action).collect();
    let happens = Expr::Is(Predicate::Action(Actions::of(&actions)));
    let lies = Expr::any(bounds.iter().map(|bound| Expr::Is(Predicate::Path(cover(bound)))).collect());
    Some(Condition::when(&names.join(", "), Expr::All(vec![happens, lies])))
}

/// What fires where one of two conditions does. It is written as an expression, for those who explain it.
pub(super) fn either(clauses: &Condition, of_events: &Condition) -> Condition {
    let expr = Expr::any(vec![clauses.expr().into_owned(), of_events.expr().into_owned()]);
    Condition::when("its clauses, or the events that it asks for", expr)
}

/// The events that it hears of by their names: all that its condition does not have.
pub(super) fn heard_by_name(registration: &Registration) -> Vec<EventName> {
    let is_heard = |name: &&EventName| registration.within.is_empty() || name.action().is_none();
    registration.events.iter().filter(is_heard).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Fault, read};
    use crate::model::change::{Action, Change};
    use crate::model::event::{Dialect, EventName};
    use crate::model::metadata::{KeyDelta, Metadata};
    use crate::model::path::LogicalPath;
    use crate::model::registration::{Registration, RegistrationPart};
    use crate::model::subscription::Name;
    use crate::rules::{Facts, RuleSet};

    fn bounded(within: &[&str]) -> Registration {
        let name = Name::registered(Dialect::Hal, "id").expect("an id");
        let within = within.iter().map(|path| (*path).to_owned()).collect();
        Registration { within, ..Registration::new(name, None, "https://example.com/hook") }
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    /// The changes that fire it: of a file in a collection, and of one beside it.
    #[track_caller]
    fn fired(registration: &Registration) -> Vec<String> {
        let rule = read(registration).expect("no fault");
        let mut fired = Vec::new();
        for path in ["/acme/items/f", "/acme/itemset/f"] {
            for action in Action::ALL {
                let delta = match action {
                    Action::None => {
                        vec![KeyDelta { key: "K".into(), old: vec![], new: vec!["1".into()], source: None }]
                    }
                    _ => Vec::new(),
                };
                let change = Change::of_some_asset(path.as_bytes(), action, delta);
                let state = Metadata::from([("K".to_owned(), vec!["1".to_owned()])]);
                let facts = Facts { size: 0, mtime_ns: 0, mount: &LogicalPath::root(), tenant: None };
                if RuleSet::empty().fires(&rule, &change, &state, facts) {
                    fired.push(format!("{} {path}", action.as_str()));
                }
            }
        }
        fired.sort();
        fired
    }

    #[test]
    fn clauses_that_reach_beyond_the_bounds_are_faults() {
        for (clause, is_within) in [
            ("* /acme/items", true),
            ("* /acme/items/", true),
            ("+ /acme/items/a/**/*.mov", true),
            ("* /acme/items/*", true),
            ("* /acme/cafe\u{301}/x", true),
            ("* /acme/itemset", false),
            ("* /acme/items*", false),
            ("* /acme", false),
            ("* /**", false),
            ("/", false),
            ("* /acme/{items,others}/x", false),
        ] {
            let paths = texts(&["* /acme/items/a", clause]);
            let read = read(&Registration { paths, ..bounded(&["/acme/items", "/acme/caf\u{e9}"]) });
            let faults: Vec<_> = read.err().unwrap_or_default();
            let found: Vec<_> = faults.iter().map(|Fault { part, item, .. }| (*part, *item)).collect();
            let expect = if is_within { vec![] } else { vec![(RegistrationPart::Paths, Some(1))] };
            assert_eq!(found, expect, "{clause}");
        }
    }

    #[test]
    fn what_has_no_path_of_its_own_is_watched_within_the_bounds() {
        let items = || bounded(&["/acme/items"]);
        let event = |name: &str| EventName::parse(name).expect("a name");
        let metadata = Registration { metadata: texts(&["K==1"]), ..items() };
        assert_eq!(fired(&metadata), ["added /acme/items/f", "none /acme/items/f"]);
        let events = vec![event("asset.added"), event("asset.metadata"), event("scanned")];
        let of_events = Registration { events: events.clone(), ..items() };
        assert_eq!(fired(&of_events), ["added /acme/items/f", "none /acme/items/f"]);
        let rule = read(&of_events).expect("no fault");
        assert_eq!(*rule.subscription.events, [event("scanned")], "the others are in its condition");
        let both = Registration { events, paths: texts(&["- /acme/items"]), ..items() };
        assert_eq!(fired(&both), ["added /acme/items/f", "deleted /acme/items/f", "none /acme/items/f"]);
        let anywhere = Registration { events: vec![event("asset.added")], ..bounded(&[]) };
        assert_eq!(fired(&anywhere), ["added /acme/items/f", "added /acme/itemset/f"]);
    }
}
