//! What a reading of the rule files has changed, for the log.

use crate::diagnostic::SourceFile;
use crate::rules::{RuleChange, RuleSet};

/// Rules that a log line names of each kind, so that it stays a line; the rest are counted.
const NAMED_MAX: usize = 20;

/// What came of reading the rules, beside the set before it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Differs {
    /// Names of the rules that were added, that were changed, and that are gone.
    Rules { added: String, changed: String, removed: String },
    /// No rule does, and why.
    Nothing(&'static str),
}

impl Differs {
    /// `before` and `after` are the files of the two sets.
    pub(super) fn of(
        changes: &[RuleChange],
        sets: (&RuleSet, &RuleSet),
        before: &[SourceFile],
        after: &[SourceFile],
    ) -> Self {
        if !changes.is_empty() {
            let of = |event: &str| names(changes.iter().filter(|change| change.event == event));
            return Self::Rules { added: of("rule.created"), changed: of("rule.updated"), removed: of("rule.deleted") };
        }
        Self::Nothing(if before == after {
            "no rule file has changed"
        } else if sets.0.events() != sets.1.events() {
            "events differ, and every rule is as it was"
        } else {
            "the files differ, and every rule is as it was: in comments, in their order, or in which file they are"
        })
    }

    pub(super) fn tell(&self) {
        match self {
            Self::Rules { added, changed, removed } => {
                let said = |names: &String| (!names.is_empty()).then(|| names.clone());
                let (added, changed, removed) = (said(added), said(changed), said(removed));
                tracing::info!(added, changed, removed, "the rules differ from those before");
            }
            Self::Nothing(why) => tracing::info!("the rules are those before: {why}"),
        }
    }
}

/// The first names, and how many more there are.
fn names<'c>(changes: impl Iterator<Item = &'c RuleChange>) -> String {
    let names: Vec<&str> = changes.map(|change| change.name.as_str()).collect();
    let (first, rest) = names.split_at(names.len().min(NAMED_MAX));
    match rest.len() {
        0 => first.join(", "),
        more => format!("{}, and {more} more", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Differs, NAMED_MAX};
    use crate::diagnostic::SourceFile;
    use crate::rules::{RuleSet, load};

    fn files(text: &str) -> Vec<SourceFile> {
        vec![SourceFile { name: "a.toml".into(), text: text.as_bytes().into() }]
    }

    fn set(files: &[SourceFile]) -> RuleSet {
        load(files).set.expect("no fault")
    }

    fn rule(name: impl std::fmt::Display, path: &str) -> String {
        format!("[[subscription]]\nname = '{name}'\ncallback = 'http://127.0.0.1/{name}'\nwatchPath = ['{path}']\n")
    }

    fn differs(before: &str, after: &str) -> Differs {
        let (before, after) = (files(before), files(after));
        let (old, new) = (set(&before), set(&after));
        Differs::of(&new.changes_since(&old), (&old, &new), &before, &after)
    }

    #[test]
    fn what_became_of_each_rule_is_said_by_name() {
        let before = rule("a", "* /a") + &rule("b", "* /b") + &rule("c", "* /c");
        let after = rule("a", "* /a") + &rule("b", "+ /b") + &rule("d", "* /d");
        let (added, changed, removed) = ("d".to_owned(), "b".to_owned(), "c".to_owned());
        assert_eq!(differs(&before, &after), Differs::Rules { added, changed, removed });
        let event = "[[event]]\nname = 'e'\nwatchPath = ['* /e']\n";
        for (after, why) in [
            (before.clone(), "no rule file has changed"),
            (format!("# A comment.\n{before}"), "the files differ, and every rule is as it was: in comments"),
            (rule("c", "* /c") + &rule("a", "* /a") + &rule("b", "* /b"), "the files differ"),
            (format!("{before}{event}"), "events differ"),
        ] {
            let found = differs(&before, &after);
            assert!(matches!(&found, Differs::Nothing(said) if said.starts_with(why)), "{after}: {found:?}");
        }
    }

    #[test]
    fn names_beyond_the_limit_are_counted() {
        for (rules, expect) in
            [(NAMED_MAX, "r20"), (NAMED_MAX + 1, "r20, and 1 more"), (NAMED_MAX + 312, "r20, and 312 more")]
        {
            let all: String = (1..=rules).map(|n| rule(format!("r{n}"), &format!("* /{n}"))).collect();
            let Differs::Rules { added, .. } = differs("# None.", &all) else { panic!("they are new") };
            assert!(added.starts_with("r1, r2, ") && added.ends_with(expect), "{added}");
        }
    }
}
