//! The one error of the ledger: what was tried, and what SQLite said.

/// Reading or writing the ledger failed.
#[derive(Debug, thiserror::Error)]
#[error("the ledger could not {operation}")]
pub struct StoreError {
    /// What was tried: "read an asset".
    pub operation: &'static str,
    /// What went wrong.
    #[source]
    pub source: Cause,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// SQLite refused.
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
    /// A row holds what this version never writes.
    #[error("a row is damaged: {0}")]
    Damaged(String),
    /// A newer ringback has brought the ledger up to its own schema.
    #[error("its schema is version {found}, this ringback knows up to {newest}: use a newer ringback")]
    Newer {
        /// The ledger's version.
        found: i64,
        /// The newest version that this ringback knows.
        newest: i64,
    },
    /// The operating system refused.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Names the operation on the way out.
pub(super) trait Operation<T> {
    /// Says what was tried when it failed.
    fn to(self, operation: &'static str) -> super::Result<T>;
}

impl<T, E: Into<Cause>> Operation<T> for std::result::Result<T, E> {
    fn to(self, operation: &'static str) -> super::Result<T> {
        self.map_err(|source| StoreError { operation, source: source.into() })
    }
}
