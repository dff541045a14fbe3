//! A change that somebody supposes, for rules to be tried on, and what they say of it.

use std::sync::Arc;

use serde_json::Value;

use super::change::{Action, Change};
use super::metadata::Metadata;
use super::path::LogicalPath;
use super::scope::Scope;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainAsk {
    /// The rules of these tenants.
    pub scope: Scope,
    /// The text of a rule file: its rules are asked, in the place of those in force.
    pub rule: Option<String>,
    /// The change to try them on.
    pub change: Option<SupposedChange>,
}

/// A change that somebody supposes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupposedChange {
    /// A logical path, or one of the disk.
    pub path: LogicalPath,
    /// What happens.
    pub action: Action,
    /// The asset's metadata before it, normalised; no key has an empty list.
    pub before: Metadata,
    /// The same after it.
    pub after: Metadata,
    /// Bytes; 0 unless said.
    pub size: Option<u64>,
    /// Its last write, nanoseconds since the epoch; now unless said.
    pub mtime_ns: Option<i64>,
    /// The owner's name.
    pub owner: Option<String>,
}

impl SupposedChange {
    /// Where nothing is said of metadata, it is what the asset has, and stays as it is. A deletion reports none.
    pub fn suppose_as_known(&mut self, known: Metadata) {
        if !self.before.is_empty() || !self.after.is_empty() {
            return;
        }
        match self.action {
            Action::Deleted => {}
            Action::Added => self.after = known,
            Action::Modified | Action::None => (self.before, self.after) = (known.clone(), known),
        }
    }
}

/// Why no rule fires whatever it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// The path lies in no mount.
    NoMount,
    /// Its mount ignores it.
    Ignored,
    /// A symbolic link is at this path, or above it.
    SymbolicLink(String),
    /// Nothing changes: no action, and no metadata.
    NoChange,
}

impl Stopped {
    /// As shown to programs.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::NoMount => "no-mount",
            Self::Ignored => "ignored",
            Self::SymbolicLink(_) => "symbolic-link",
            Self::NoChange => "no-change",
        }
    }

    /// For people: a sentence without a full stop.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::NoMount => "the path lies in no mount, so nothing is watched there".to_owned(),
            Self::Ignored => "its mount ignores it: see `ignore` of the [[mount]]".to_owned(),
            Self::SymbolicLink(at) => format!("{at} is a symbolic link, which is not followed"),
            Self::NoChange => "nothing changes: say an action, or metadata that is set or removed".to_owned(),
        }
    }
}

/// What one rule says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedRule {
    /// Its name.
    pub name: String,
    /// It fires.
    pub fires: bool,
    /// The clause that did it, or the first one that failed.
    pub clause: String,
    /// What was found instead, where it does not fire.
    pub why: Option<String>,
}

/// Says whether any of the rules that were asked fires on a change of the journal. The metadata is the asset's after
/// the change.
pub type FiresOn = Box<dyn Fn(&Change, &Metadata) -> bool + Send>;

/// What the rules say.
pub struct Explained {
    /// The asset's logical path.
    pub path: Option<LogicalPath>,
    /// Why none fires whatever it says.
    pub stopped: Option<Stopped>,
    /// What each says; those that fire first. A bounded number.
    pub rules: Vec<ExplainedRule>,
    /// How many more there are.
    pub rules_more: usize,
    /// For changes of the journal.
    pub fires_on: FiresOn,
}

/// What is wrong with the text of a rule, as `check --json` shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultyRule(pub Vec<Value>);

/// Says what the asset at a path of a mount says now; `None` where none is known. It is asked at most once.
pub type AskKnown<'a> = &'a mut dyn FnMut(&LogicalPath, &LogicalPath) -> Option<Metadata>;

/// Answers it.
pub type Explain = Arc<dyn Fn(&ExplainAsk, AskKnown<'_>) -> Result<Explained, FaultyRule> + Send + Sync>;
