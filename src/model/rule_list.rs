//! The rules in force and their files, as people are shown them.

use std::sync::Arc;

use serde_json::Value;

use super::scope::Scope;
use super::tenant::Tenant;
use super::time::Wall;

/// What a rule file declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RuleKind {
    /// A `[[subscription]]`.
    Subscription,
    /// An `[[event]]`.
    Event,
}

impl RuleKind {
    /// As shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Subscription => "subscription",
            Self::Event => "event",
        }
    }
}

/// What the rule files are now, beside the rules in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnDisk {
    /// The rules in force were made of them.
    #[default]
    Same,
    /// They have faults, or cannot be read: the last good ones are in force.
    Faulty,
    /// They have been changed, and are read once they are still.
    Changed,
}

impl OnDisk {
    /// As shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Faulty => "faulty",
            Self::Changed => "changed",
        }
    }
}

/// Where a page of rules begins: after the one at this place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulePlace {
    /// Subscriptions come first.
    pub kind: RuleKind,
    /// The file's name.
    pub file: String,
    /// The line in it, from 1.
    pub line: u32,
}

impl RulePlace {
    /// As a cursor.
    #[must_use]
    pub fn cursor(&self) -> String {
        format!("{}:{}:{}", self.kind.as_str(), self.line, self.file)
    }

    /// The place of a [`Self::cursor`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        let kind = [RuleKind::Subscription, RuleKind::Event].into_iter().find(|known| known.as_str() == kind)?;
        let (line, file) = rest.split_once(':')?;
        Some(Self { kind, file: file.to_owned(), line: line.parse().ok()? })
    }
}

/// Which rules are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulesAsked {
    /// Whose. Nothing but its number is shown of rules and faults where this is not everything.
    pub scope: Scope,
    /// Where the page begins.
    pub after: Option<RulePlace>,
    /// How many it has, at most.
    pub limit: usize,
}

/// A page of the rules in force.
#[derive(Debug, Clone, Default)]
pub struct RulePage {
    /// Since when they are in force.
    pub since: Option<Wall>,
    /// Some of them, by kind, file and line.
    pub rules: Vec<ListedRule>,
    /// How many there are in all, of the scope.
    pub count: usize,
    /// Where the next page begins.
    pub next: Option<RulePlace>,
    /// What is wrong with the files as they are now, as `check --json` shows it; the first ones.
    pub faults: Arc<[Value]>,
    /// How many faults there are in all.
    pub faults_count: usize,
    /// What the files are now.
    pub on_disk: OnDisk,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRule {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub place: RulePlace,
    /// Whose it is.
    pub tenant: Option<Tenant>,
    /// Its rule file says `paused = true`.
    pub is_paused: bool,
    /// Codes of what is warned of and not accepted, each once, rising.
    pub warnings: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::{RuleKind, RulePlace};

    #[test]
    fn a_cursor_is_a_place() {
        let place = RulePlace { kind: RuleKind::Event, file: "rules/a:b.toml".to_owned(), line: 7 };
        assert_eq!(RulePlace::parse(&place.cursor()), Some(place));
        for text in ["", "event", "event:7", "rule:7:a", "event:x:a"] {
            assert_eq!(RulePlace::parse(text), None, "{text}");
        }
    }
}
