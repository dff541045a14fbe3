//! What commands print: results to standard output, one line or one JSON document at a time; errors as a chain.

use std::io::{self, Write as _};

use serde::Serialize;

use crate::model::error_chain::ErrorChain;

/// Prints a line to standard output.
///
/// # Errors
/// It is closed ([`is_broken_pipe`]) or full.
pub fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// The last line of a page of a list, where there is more.
#[must_use]
pub fn more(next: Option<&str>) -> String {
    next.map(|next| format!("there are more: --cursor {next}\n")).unwrap_or_default()
}

/// Prints a value as one indented JSON document.
///
/// # Errors
/// See [`line()`].
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    Ok(line(&serde_json::to_string_pretty(value)?)?)
}

/// Says something on standard error, beside the results. Where it cannot be written it is lost: a command's work and
/// exit code do not depend on it.
pub fn note(text: &str) {
    drop(writeln!(io::stderr(), "{}", text.trim_end_matches('\n')));
}

/// Whether an error only says that nobody reads the output any more.
#[must_use]
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    causes.any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

/// An error and its causes, a line each. A cause that the line above already quotes is left out.
#[must_use]
pub fn error_chain(error: &anyhow::Error) -> String {
    format!("error: {}", ErrorChain(&**error).texts().join("\n  caused by: "))
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::error_chain;

    #[test]
    fn no_cause_is_told_twice() {
        let error = anyhow!("permission denied").context("cannot read /a: permission denied").context("no rules");
        assert_eq!(error_chain(&error), "error: no rules\n  caused by: cannot read /a: permission denied");
    }
}
