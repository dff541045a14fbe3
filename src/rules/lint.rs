//! Lints: what a whole rule set says that can mean something, but probably not what was meant. All of them are warnings, and
//! only what is certain is said: a rule that may be meant so is left alone.
//!
//! They run over sets without errors, in a time that is near to linear: a set of 100,000 rules is linted at each edit.

mod covered;
mod everything;
mod mounts;
mod never;
mod target;

use std::ops::Range;
use std::sync::Arc;

use super::Rule;
use super::file::Spans;
use crate::diagnostic::{Code, Diagnostic, Severity};

/// Where a rule stands.
#[derive(Debug)]
pub(super) struct Placed {
    /// Its file, by the file's place among the files.
    pub file: usize,
    /// That file's name.
    pub file_name: Arc<str>,
    /// Where its parts stand in it.
    pub spans: Spans,
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
}

/// Every warning, with the place of its file among the files. `placed` has a place for each rule.
pub(super) fn lint(rules: &[Rule], placed: &[Placed]) -> Vec<(usize, Diagnostic)> {
    let mut notes = Notes::default();
    for (rule, at) in rules.iter().zip(placed) {
        never::lint(rule, at, &mut notes);
        everything::lint(rule, at, &mut notes);
        target::lint(rule, at, &mut notes);
    }
    covered::lint(rules, placed, &mut notes);
    notes.0
}

#[cfg(test)]
mod tests;
