//! Rule files for the commands that try rules without a daemon: read, loaded, and shown when they are wrong.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::output;
use crate::config::sources;
use crate::diagnostic::render::{Format, report};
use crate::diagnostic::{Diagnostic, SourceFile, has_errors};
use crate::rules::{self, RuleSet};

/// What rule files came to.
pub enum RuleFiles {
    /// They are in order, but perhaps for warnings, which `ringback check` tells.
    Fine(Box<RuleSet>),
    /// They have errors.
    Faulty(Faulty),
}

/// Files with errors.
pub struct Faulty {
    /// All that is wrong.
    pub diagnostics: Vec<Diagnostic>,
    /// The files that were read.
    pub sources: Vec<SourceFile>,
}

/// Reads rule files, and directories of them, as one set.
///
/// # Errors
/// Something cannot be read.
pub fn read(paths: &[PathBuf]) -> anyhow::Result<RuleFiles> {
    let mut sources = Vec::new();
    for path in paths {
        sources.extend(sources::read_rules(path)?);
    }
    let loaded = rules::load(&sources);
    let diagnostics = loaded.diagnostics;
    Ok(loaded
        .set
        .map_or_else(|| RuleFiles::Faulty(Faulty { diagnostics, sources }), |set| RuleFiles::Fine(Box::new(set))))
}

impl Faulty {
    /// Takes what is wrong, if anything of it blocks.
    #[must_use]
    pub fn new(diagnostics: Vec<Diagnostic>, sources: Vec<SourceFile>) -> Option<Self> {
        has_errors(&diagnostics).then_some(Self { diagnostics, sources })
    }

    /// Prints what is wrong: for people, or as the key `faults` beside an empty list of `what` was asked for.
    ///
    /// # Errors
    /// Nobody takes the output.
    pub fn print(&self, what: &str, as_json: bool) -> anyhow::Result<()> {
        let Self { diagnostics, sources } = self;
        if as_json {
            let faults: Value = serde_json::from_str(&report(diagnostics, sources, Format::Json))?;
            return output::json(&json!({what: [], "faults": faults}));
        }
        let format = Format::for_terminal(std::io::stdout().is_terminal());
        Ok(output::line(report(diagnostics, sources, format).trim_end())?)
    }
}
