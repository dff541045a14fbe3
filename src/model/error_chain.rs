//! An error with everything that caused it: the one way in which the crate shows errors to people.

use std::error::Error;
use std::fmt;

/// Shows an error and its causes in one line, `: ` between them. A cause that the text before it already quotes is left
/// out.
#[derive(Clone, Copy)]
pub struct ErrorChain<'a>(pub &'a (dyn Error + 'static));

impl<'a> ErrorChain<'a> {
    /// The error, then what caused it, and so on.
    pub fn errors(self) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
        std::iter::successors(Some(self.0), |&error| error.source())
    }

    /// What each of them says, without what the one before it already quotes. At least one.
    #[must_use]
    pub fn texts(self) -> Vec<String> {
        let mut texts: Vec<String> = Vec::new();
        for text in self.errors().map(ToString::to_string) {
            if texts.last().is_none_or(|last| !last.contains(&text)) {
                texts.push(text);
            }
        }
        texts
    }
}

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.texts().join(": "))
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::ErrorChain;

    #[test]
    fn causes_are_shown_once() {
        let error = anyhow!("disk I/O error").context("no lock").context("no group: no lock").context("it failed");
        assert_eq!(ErrorChain(&*error).to_string(), "it failed: no group: no lock: disk I/O error");
    }
}
