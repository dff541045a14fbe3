//! The ledger as people read it: through connections of its own, which cannot write, beside the one that the engine
//! has. One method a question. It decides nothing, and nothing that decides asks it.
//!
//! A transaction that stays open keeps the log from being copied back, so each question reads a bounded number of
//! rows, by index, and lists come in pages: a page that has looked at 20,000 rows ends there, however few of them it
//! shows, and says where to go on.
#![expect(clippy::disallowed_methods, reason = "it finds the ledger's file, as the one place that opens it does")]

mod assets;
mod backwards;
mod changes;
mod deliveries;
mod entries;
mod fired;
mod registrations;
mod setup;
mod subscriptions;
mod tasks;
mod topics;
mod trail;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::Operation as _;
use super::file::DATABASE;
use super::{Result, StoreError};
use crate::model::ids::NodeId;

/// A question waits no longer than this for a lock: the engine's connection holds one for an instant, at a start.
const BUSY: Duration = Duration::from_millis(100);
/// Connections that are kept for the next questions.
const IDLE_MAX: usize = 4;

/// Reads the ledger.
pub struct Reader {
    database: PathBuf,
    node: NodeId,
    /// Held for a push or a pop, never while a question is asked.
    idle: Mutex<Vec<Connection>>,
}

impl Reader {
    /// A reader of the ledger in a state directory, which a [`Ledger`](super::Ledger) has opened before.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn open(dir: &Path) -> Result<Self> {
        let database = dir.canonicalize().to("find its directory")?.join(DATABASE);
        let mut reader = Self { database, node: NodeId(0), idle: Mutex::default() };
        reader.node = reader.ask(|connection| {
            connection
                .query_row("SELECT value FROM meta WHERE key = 'node'", [], |row| row.get::<_, i64>(0))
                .to("read its node id")
                .map(|node| NodeId(node.cast_unsigned()))
        })?;
        Ok(reader)
    }

    /// The ledger's id.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// Asks one question: all that it reads is of one point in time.
    fn ask<T>(&self, question: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.connect().to("be opened to be read")?,
        };
        let transaction = connection.unchecked_transaction().to("begin to read")?;
        let answer = question(&transaction);
        transaction.finish().to("end reading")?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if answer.is_ok() && idle.len() < IDLE_MAX {
            idle.push(connection);
        }
        answer
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.database, flags)?;
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    }
}

/// The value of a column that people alone read: what cannot be right is shown as nothing.
fn unsigned<T: TryFrom<i64> + Default>(value: i64) -> T {
    T::try_from(value).unwrap_or_default()
}

/// Nothing is there.
fn optional<T>(row: rusqlite::Result<T>, operation: &'static str) -> std::result::Result<Option<T>, StoreError> {
    match row {
        Ok(value) => Ok(Some(value)),
        Err(rusqlite::Error::QueryReturnedNoRows) => Ok(None),
        Err(error) => Err(error).to(operation),
    }
}

#[cfg(test)]
mod tests;
