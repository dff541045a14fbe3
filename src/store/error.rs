//! The one error of the ledger: what was tried, what SQLite said, and whether it is the disk that refuses.

use std::ffi::c_int;
use std::io;

use rusqlite::ffi;

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

/// How the ledger's disk refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskFault {
    /// There is no room left.
    Full,
    /// It cannot be read or written.
    Failing,
    /// It took what was written and could not say that it kept it. What is on it is known only to a process that reads
    /// it anew.
    Unsynced,
    /// It can be read, and what it holds is not a database any more, in places or as a whole.
    Damaged,
}

impl StoreError {
    /// What is the matter with the disk, when it is the disk.
    #[must_use]
    pub fn disk(&self) -> Option<DiskFault> {
        match &self.source {
            Cause::Sql(error) => of_sqlite(error.sqlite_error()?.extended_code),
            Cause::Io(error) => of_system(error),
            Cause::Unsynced(_) => Some(DiskFault::Unsynced),
            Cause::Row { source, .. } => match &**source {
                Cause::Sql(error) => of_sqlite(error.sqlite_error()?.extended_code),
                _ => None,
            },
            Cause::Damaged(_) | Cause::Newer { .. } | Cause::Undone => None,
        }
    }

    /// Returns whether another connection or process holds a lock on the ledger: the same call may succeed once the
    /// lock is released, and nothing was read or written.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        match &self.source {
            Cause::Sql(error) => error
                .sqlite_error()
                .is_some_and(|error| matches!(error.extended_code & 0xff, ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED)),
            _ => false,
        }
    }

    /// Returns whether only what one row holds is at fault: other rows can be read and written.
    #[must_use]
    pub fn is_of_a_row(&self) -> bool {
        match &self.source {
            Cause::Row { .. } => true,
            cause => cause.is_content(),
        }
    }

    /// Says which row could not be read, where it is the row that is at fault.
    pub(super) fn in_row(self, table: &'static str, row: i64) -> Self {
        match self.is_of_a_row() || self.disk() == Some(DiskFault::Damaged) {
            true => Self { source: Cause::Row { table, row, source: Box::new(self.source) }, ..self },
            false => self,
        }
    }
}

impl Cause {
    /// Returns whether the values of a row are at fault, and not the database or its disk.
    fn is_content(&self) -> bool {
        match self {
            Self::Damaged(_) => true,
            Self::Sql(error) => matches!(
                error,
                rusqlite::Error::FromSqlConversionFailure(..)
                    | rusqlite::Error::IntegralValueOutOfRange(..)
                    | rusqlite::Error::InvalidColumnType(..)
                    | rusqlite::Error::Utf8Error(..)
                    | rusqlite::Error::QueryReturnedNoRows
            ),
            Self::Row { .. } | Self::Newer { .. } | Self::Io(_) | Self::Unsynced(_) | Self::Undone => false,
        }
    }
}

/// By SQLite's extended result code (sqlite.org/rescode.html).
fn of_sqlite(code: c_int) -> Option<DiskFault> {
    match code {
        ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC => Some(DiskFault::Unsynced),
        // Shared memory that cannot grow; said of a full disk.
        ffi::SQLITE_IOERR_SHMSIZE => Some(DiskFault::Full),
        ffi::SQLITE_IOERR_NOMEM => None,
        _ => match code & 0xff {
            ffi::SQLITE_FULL => Some(DiskFault::Full),
            ffi::SQLITE_IOERR => Some(DiskFault::Failing),
            ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB => Some(DiskFault::Damaged),
            _ => None,
        },
    }
}

fn of_system(error: &io::Error) -> Option<DiskFault> {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(DiskFault::Full),
        _ if error.raw_os_error() == Some(libc::EIO) => Some(DiskFault::Failing),
        _ => None,
    }
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
    /// SQLite rolled the whole group back, as it does after some errors.
    #[error("SQLite rolled the group back")]
    Undone,
    /// A row cannot be read.
    #[error("row {row} of the table {table} cannot be read")]
    Row {
        /// The table's name.
        table: &'static str,
        /// The row's number.
        row: i64,
        /// What is wrong with it.
        source: Box<Cause>,
    },
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
    Io(#[from] io::Error),
    /// The disk did not confirm what was written.
    #[error("what was written may not be on the disk")]
    Unsynced(#[source] io::Error),
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
