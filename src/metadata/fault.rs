//! Why a source of a file gives no metadata.

use std::io;

/// Why a source could not be read. What was known of that source stays.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The disk refused; the source is read again later.
    #[error("cannot read its content: {0}")]
    Io(#[from] io::Error),
    /// The bytes are not what the format says. They are not read again until the file changes.
    #[error("{format} is damaged: {what}")]
    Damaged {
        /// The format of the bytes: `XMP`, `EXIF`.
        format: &'static str,
        /// What is wrong with them.
        what: String,
    },
    /// Reading it would cost too much. The bytes are not read again until the file changes.
    #[error("{what} (limit: {limit})")]
    Limit {
        /// What is too much: `XML nests deeper than allowed`.
        what: &'static str,
        /// The limit with its unit.
        limit: String,
    },
}

impl Fault {
    /// A damaged block.
    #[must_use]
    pub fn damaged(format: &'static str, what: impl Into<String>) -> Self {
        Self::Damaged { format, what: what.into() }
    }

    /// A limit that is reached.
    #[must_use]
    pub fn limit(what: &'static str, limit: impl ToString) -> Self {
        Self::Limit { what, limit: limit.to_string() }
    }
}
