//! Lints: what a whole rule set says that can mean something, but probably not what was meant. All of them are
//! warnings, and only what is certain is said: a rule that may be meant so is left alone.
//!
//! They run over sets without errors, in a time that is near to linear: a set of 100,000 rules is linted at each edit.

mod covered;
mod everything;
mod keys;
mod mounts;
mod never;
mod target;

use std::ops::Range;
use std::sync::Arc;

use super::file::Spans;
use super::{Loaded, RuleSet};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::model::mount::Mount;

/// Where a rule stands.
#[derive(Debug)]
pub(super) struct Placed {
    /// Its file, by the file's place among the files.
    pub file: usize,
    /// That file's name.
    pub file_name: Arc<str>,
    /// Where its parts stand in it.
    pub spans: Arc<Spans>,
}

/// Collects warnings, each with the place of its file among the files.
#[derive(Default)]
struct Notes(Vec<(usize, Diagnostic)>);

impl Notes {
    fn warn(
        &mut self,
        code: Code,
        at: &Placed,
        span: &Range<usize>,
        message: String,
        label: &str,
        help: impl Into<String>,
    ) {
        let diagnostic = Diagnostic {
            code,
            severity: Severity::Warning,
            file: at.file_name.to_string(),
            span: span.clone(),
            message,
            label: label.into(),
            help: Some(help.into()),
        };
        self.0.push((at.file, diagnostic));
    }

    fn sorted(mut self) -> Vec<Diagnostic> {
        self.0.sort_by_key(|(file, diagnostic)| (*file, diagnostic.span.start));
        self.0.into_iter().map(|(_, diagnostic)| diagnostic).collect()
    }
}

impl Loaded {
    /// Every warning about a set that was loaded so, in the order of files and places.
    #[must_use]
    pub fn lints(&self, set: &RuleSet) -> Vec<Diagnostic> {
        let (mut notes, mut seen) = (Notes::default(), keys::Seen::default());
        for (rule, at) in set.rules().iter().zip(&self.placed) {
            keys::lint(rule, at, &mut seen, &mut notes);
            never::lint(rule, at, &mut notes);
            everything::lint(rule, at, &mut notes);
            target::lint(rule, at, &mut notes);
        }
        covered::lint(set.rules(), &self.placed, &mut notes);
        notes.sorted()
    }

    /// A warning for each path and each tenant that no mount has.
    #[must_use]
    pub fn mount_lints(&self, set: &RuleSet, mounts: &[Mount]) -> Vec<Diagnostic> {
        let mut notes = Notes::default();
        for (rule, at) in set.rules().iter().zip(&self.placed) {
            mounts::lint(rule, at, mounts, &mut notes);
        }
        notes.sorted()
    }

    /// Adds them to the other diagnostics. A set with errors has none.
    pub fn lint_mounts(&mut self, mounts: &[Mount]) {
        if let Some(set) = &self.set {
            let lints = self.mount_lints(set, mounts);
            self.diagnostics.extend(lints);
        }
    }
}

#[cfg(test)]
mod tests;
