//! What is wrong with a file that an admin wrote, said so that it can be put right at once.
//!
//! Nothing here reads a file, prints, or knows what a rule or an option is: [`document`] walks TOML and notes what it
//! expected and where; [`render`] turns notes into text for people and JSON for tools; [`explain`] says about each kind
//! what a note of it has no room for. No message quotes a value that may be a secret, and rendered lines are masked
//! ([`mask`](crate::model::mask)).

mod broken;
pub mod code;
pub mod document;
pub mod explain;
pub mod lines;
pub mod meant;
mod recover;
pub mod render;

use std::ops::Range;
use std::sync::Arc;

pub use code::Code;

/// A file that an admin wrote, as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path, as it is to be shown.
    pub name: String,
    /// Its bytes. They need not be UTF-8: that is a fault to be shown, too.
    pub text: Arc<[u8]>,
}

/// Whether a diagnostic stops the file from being taken up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// It cannot mean anything; nothing of the files is taken up.
    Error,
    /// It can mean something, but probably not what was meant.
    Warning,
}

impl Severity {
    /// The word in text and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One fault or warning, and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which kind.
    pub code: Code,
    /// Whether it blocks.
    pub severity: Severity,
    /// [`SourceFile::name`]; for what came from no file, where it came from (`command line`).
    pub file: String,
    /// The place, in bytes of the file.
    pub span: Range<usize>,
    /// What is wrong: one sentence without a full stop.
    pub message: String,
    /// What stands beside the mark, in few words; may be empty.
    pub label: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// Adds what to do about it.
    pub fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }
}

/// Whether any of them blocks.
#[must_use]
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|d| d.severity == Severity::Error)
}

/// A fault inside one text (a clause, a URL, a header), before anybody knows which file the text stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextFault {
    /// Which kind.
    pub code: Code,
    /// Whether it blocks.
    pub severity: Severity,
    /// The place, in bytes of the text.
    pub range: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What stands beside the mark.
    pub label: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl TextFault {
    /// A fault that blocks.
    pub fn error(
        code: Code,
        range: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            code,
            severity: Severity::Error,
            range,
            message: message.into(),
            label: label.into(),
            help: Some(help.into()),
        }
    }

    /// The same, as a warning.
    #[must_use]
    pub fn as_warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }
}
