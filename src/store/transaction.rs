//! Groups, savepoints and durability.

use std::sync::atomic::Ordering;

use rusqlite::Connection;

use super::error::{Cause, Operation as _};
use super::keeper::WAIT_BYTES;
use super::log::WalFile;
use super::{DiskFault, Ledger, Result, SharedTables, StoreError};

/// How a commit becomes durable.
pub(super) enum Durability {
    /// A file in WAL mode: an fdatasync of the log.
    Wal(WalFile),
    /// In memory, inside an outer savepoint that stands for the disk's cache: releasing it is the fsync, rolling it
    /// back is the power cut.
    Savepoint,
}

impl Ledger {
    /// Opens a group. Everything until [`Self::commit`] takes effect together or not at all. Waits for the keeper,
    /// which may be starting the log anew, and then a while for a lock that another process holds.
    ///
    /// # Errors
    /// When SQLite refuses; nothing is open then. After an error that [is busy](StoreError::is_busy) the caller tries
    /// again: nothing was done.
    pub fn begin(&self) -> Result<()> {
        let sql = match self.durability {
            Durability::Wal(_) => "BEGIN IMMEDIATE",
            // The write stands for taking the lock.
            Durability::Savepoint => "SAVEPOINT grp; UPDATE meta SET value = value WHERE key = 'node'",
        };
        self.log.believed().to("begin a transaction")?;
        self.promised.set(false);
        self.group_rrn.set(None);
        self.journaling.take();
        self.told.take();
        self.lost.set(false);
        self.log.turn.take(self.log_is_too_long());
        let begun = self.connection.execute_batch(sql).to("begin a transaction");
        if let Err(error) = begun {
            if matches!(self.durability, Durability::Savepoint) {
                // There is none where the savepoint itself was refused.
                drop(self.roll_back_all());
            }
            self.log.turn.give_back();
            return Err(error);
        }
        Ok(())
    }

    /// Returns whether the log is so long that a group waits for the keeper. Where another process holds it back
    /// nothing is gained by waiting.
    pub(super) fn log_is_too_long(&self) -> bool {
        self.log.bytes.load(Ordering::Acquire) >= WAIT_BYTES && self.log.trouble().is_none()
    }

    /// Ends the group; when it [promised](SharedTables::promise) something, returns only after it is durable.
    ///
    /// # Errors
    /// When SQLite or the disk refuses. The caller rolls back, and drops whatever it derived in memory.
    pub fn commit(&self) -> Result<()> {
        self.still_open()?;
        let sql = match self.durability {
            Durability::Wal(_) => "COMMIT",
            Durability::Savepoint => "RELEASE grp",
        };
        let committed = self.connection.execute_batch(sql).to("commit");
        if committed.as_ref().is_err_and(|error| error.disk() == Some(DiskFault::Unsynced)) {
            self.log.give_up();
        }
        committed?;
        self.log.turn.give_back();
        self.log.commits.fetch_add(1, Ordering::Release);
        let mut journaled = self.journaled.get();
        journaled.add(&self.journaling.take());
        self.journaled.set(journaled);
        if self.promised.replace(false) { self.sync() } else { Ok(()) }
    }

    /// Undoes the group. The caches of rows are emptied; ids that were handed out stay used.
    ///
    /// # Errors
    /// When SQLite refuses, which leaves the connection unusable.
    pub fn rollback(&self) -> Result<()> {
        self.forget();
        self.lost.set(false);
        let undone = self.roll_back_all();
        self.log.turn.give_back();
        undone
    }

    fn roll_back_all(&self) -> Result<()> {
        let sql = match self.durability {
            // SQLite may have rolled back by itself (a full disk does that).
            Durability::Wal(_) if self.connection.is_autocommit() => return Ok(()),
            Durability::Wal(_) => "ROLLBACK",
            // The outer savepoint is gone with the group.
            Durability::Savepoint if self.connection.is_autocommit() => "SAVEPOINT power",
            Durability::Savepoint => "ROLLBACK TO grp; RELEASE grp",
        };
        self.connection.execute_batch(sql).to("roll back")
    }

    /// Takes the rows for whole, until one is found that is not.
    pub fn trust_rows(&self) {
        self.trusts_rows.set(true);
    }

    /// Makes all commits so far durable.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn sync(&self) -> Result<()> {
        match &self.durability {
            Durability::Wal(wal) => wal.sync().to("sync its log"),
            Durability::Savepoint => self.connection.execute_batch("RELEASE power; SAVEPOINT power").to("sync its log"),
        }
    }

    /// Opens the outer savepoint that stands for the disk's cache.
    pub(super) fn open_power_savepoint(connection: &Connection) -> rusqlite::Result<()> {
        connection.execute_batch("SAVEPOINT power")
    }
}

impl SharedTables {
    /// Whether the open group still stands. After some errors (a full disk, I/O) SQLite rolls the whole transaction
    /// back by itself; whatever was written after that would be committed alone.
    ///
    /// # Errors
    /// When it does not: the caller gives the group up.
    pub fn still_open(&self) -> Result<()> {
        if self.lost.get() {
            return Err(StoreError { operation: "go on with a group", source: Cause::Undone });
        }
        Ok(())
    }

    /// Runs one input of the open group: whole, or not at all.
    ///
    /// # Errors
    /// What `work` gave; what it wrote is undone then. Also when SQLite refuses the savepoint itself. The caller asks
    /// [`Self::still_open`] before it goes on.
    pub fn savepoint<T, E: From<super::StoreError>>(
        &self,
        work: impl FnOnce() -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let (dirs, rrn, journaling) = (self.dir_balance.get(), self.group_rrn.get(), self.journaling.get());
        let told = self.told.borrow().len();
        self.still_open()?;
        self.run_cached("SAVEPOINT input").to("open a savepoint")?;
        let done = work().and_then(|value| {
            self.run_cached("RELEASE input").to("release a savepoint")?;
            Ok(value)
        });
        if done.is_err() {
            self.forget();
            self.dir_balance.set(dirs);
            self.journaling.set(journaling);
            self.told.borrow_mut().truncate(told);
            // A number that was drawn by what is undone may lie in a block whose reservation is undone with it.
            self.group_rrn.set(rrn);
            let undone = self.run_cached("ROLLBACK TO input").and_then(|()| self.run_cached("RELEASE input"));
            // SQLite has undone the whole group (a full disk does that), or nobody knows what it has.
            self.lost.set(undone.is_err() || self.connection.is_autocommit());
        }
        done
    }

    /// Runs a part of the open group of which there are many and which hardly ever fails: as [`Self::savepoint`], but
    /// without one of its own while the rows are [trusted](Ledger::trust_rows). Where it fails all the same, nothing
    /// can be undone alone: the group does not stand any more, and from then on each part has its savepoint.
    ///
    /// # Errors
    /// What `work` gave.
    pub fn guarded<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        if !self.trusts_rows.get() {
            return self.savepoint(work);
        }
        self.still_open()?;
        let done = work();
        if done.is_err() {
            self.trusts_rows.set(false);
            self.lost.set(true);
        }
        done
    }

    /// The open group holds something that a caller will be told is safe: its commit waits for the disk.
    pub fn promise(&self) {
        self.promised.set(true);
    }

    fn run_cached(&self, sql: &'static str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }

    /// Empties what was derived from rows that are being rolled back.
    fn forget(&self) {
        self.dirs.borrow_mut().clear();
        self.volumes.borrow_mut().clear();
        self.expire_ids();
    }
}
