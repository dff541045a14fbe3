//! The ledger: all the SQL, and nothing else. Which rows are written is decided elsewhere; no module outside this one
//! knows that there is a database.
//!
//! A [`Ledger`] owns the one connection that writes. A group of inputs runs between [`Ledger::begin`] and
//! [`Ledger::commit`], each input inside [`SharedTables::savepoint`]. A commit makes a group whole; [`Ledger::sync`]
//! makes all commits before it durable. Between the two lies what a power cut may take (at most the last 200 ms of
//! what came from the disk); a killed process takes nothing, because the commits are in the operating system's hands by
//! then.
//!
//! The engine has the ledger. It hands intake [`IntakeTables`] and dispatch [`DispatchTables`], which have no table in
//! common; what both may do is [`SharedTables`]. `tests/tidy.rs` checks which tables the methods of each name.
//!
//! Every SELECT that may give several rows is ordered, so that the same inputs give the same outputs.

mod backfills;
mod ballast;
mod bulks;
mod catalog;
mod codec;
mod deliveries;
mod dirs;
mod error;
mod file;
mod history;
mod ids;
mod journal;
mod keeper;
mod lanes;
mod log;
mod maintenance;
mod metadata;
mod migrate;
mod mounts;
mod normal_form;
mod outbox;
mod owed_groups;
mod reader;
mod readings;
mod records;
mod registrations;
mod replays;
mod rescans;
mod seqs;
mod sessions;
mod state_dir;
mod subscriptions;
mod tasks;
mod topics;
mod transaction;
mod turn;

pub use backfills::{Backfill, Place, Stands, Walked};
pub use catalog::LastPlace;
pub use deliveries::{DamagedDelivery, Deliveries, Finished, HotDelivery};
pub use dirs::DirId;
pub use error::{DiskFault, StoreError};
pub use file::{OpenError, last_written};
pub use keeper::{Keeper, Kept};
pub use log::LogTrouble;
pub use maintenance::{PIECE_ROWS, Pass, Piece};
pub use mounts::MountRow;
pub use outbox::{OldestOwed, OwedTotal};
pub use owed_groups::{OwedGroups, OwedInGroups};
pub use reader::Reader;
pub use readings::{Reading, ReadingFault, UnreadAsset};
pub use records::{EarlyRecord, GivenAnswer};
pub use replays::{Candidate, DroppedBy};
pub use state_dir::StateDirError;
pub use subscriptions::{Dropped, LaggingRow, RemovedRow, SubscriptionRow};
pub use tasks::{NewReplay, Told};

use std::cell::{Cell, RefCell};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rusqlite::Connection;

use crate::model::event::Occurrence;
use crate::model::ids::{NodeId, Rrn};
use crate::model::measures::Journaled;
use crate::model::metadata::SourceOrder;
use crate::model::time::Wall;

/// The ledger, with the one connection that writes. Only the engine has it: it opens and ends groups, keeps
/// registrations and rule files, and forgets what is old.
pub struct Ledger(SharedTables);

/// The ledger as intake has it, which writes assets, gone assets, directories, metadata, mounts, early records and
/// changes.
#[derive(Clone, Copy)]
pub struct IntakeTables<'l>(&'l SharedTables);

/// The ledger as dispatch has it, which writes what is owed, deliveries, attempts, dead letters, history, lanes, tasks,
/// replays, and which subscriptions lag.
#[derive(Clone, Copy)]
pub struct DispatchTables<'l>(&'l SharedTables);

/// The ledger as both have it. Either runs savepoints of the open group, takes its numbers and appends events to the
/// journal. Of what intake writes, dispatch reads the journal's entries, because what is owed is their numbers, and the
/// metadata of their assets, because a batch carries it as it is when the batch is cut.
pub struct SharedTables {
    connection: Connection,
    durability: transaction::Durability,
    node: NodeId,
    ids: RefCell<ids::Ids>,
    dirs: RefCell<dirs::DirCache>,
    volumes: RefCell<codec::Volumes>,
    /// Which source of metadata wins.
    order: Cell<SourceOrder>,
    /// The open group holds something that must be durable before anybody hears of it.
    promised: Cell<bool>,
    /// An input of the open group could not be undone by itself.
    lost: Cell<bool>,
    /// See [`SharedTables::guarded`].
    trusts_rows: Cell<bool>,
    /// The open group's transaction number, once something asked for it.
    group_rrn: Cell<Option<Rrn>>,
    /// Directories made less directories removed, since the ledger was opened.
    dir_balance: Cell<i64>,
    /// Nothing that ages is dated before this.
    high_water: Cell<Wall>,
    /// Rows of the journal of the open group, and of the groups before it.
    journaling: Cell<Journaled>,
    journaled: Cell<Journaled>,
    /// Events about no asset that the open group has appended, until somebody takes them.
    told: RefCell<Vec<Occurrence>>,
    /// Rows that age, written since the last pass of forgetting began.
    written: Cell<u64>,
    /// What the keeper is told, and tells.
    log: Arc<log::LogState>,
    /// None in memory.
    ballast: Option<ballast::Ballast>,
}

impl Ledger {
    /// Returns the ledger as intake has it.
    #[must_use]
    pub fn intake(&self) -> IntakeTables<'_> {
        IntakeTables(self)
    }

    /// Returns the ledger as dispatch has it.
    #[must_use]
    pub fn dispatch(&self) -> DispatchTables<'_> {
        DispatchTables(self)
    }

    /// What is wrong with the log, or with the file beneath the ledger.
    #[must_use]
    pub fn log_trouble(&self) -> Option<LogTrouble> {
        self.log.trouble()
    }

    /// How long the log is, bytes.
    #[must_use]
    pub fn log_bytes(&self) -> u64 {
        self.log.bytes.load(Ordering::Acquire)
    }

    /// Rows of the journal that were committed since the ledger was opened.
    #[must_use]
    pub fn journaled(&self) -> Journaled {
        self.journaled.get()
    }
}

impl SharedTables {
    /// The open group appends to the journal.
    fn count_journaled(&self, rows: &Journaled) {
        let mut journaling = self.journaling.get();
        journaling.add(rows);
        self.journaling.set(journaling);
    }
}

impl Deref for Ledger {
    type Target = SharedTables;

    fn deref(&self) -> &SharedTables {
        &self.0
    }
}

impl Deref for IntakeTables<'_> {
    type Target = SharedTables;

    fn deref(&self) -> &SharedTables {
        self.0
    }
}

impl Deref for DispatchTables<'_> {
    type Target = SharedTables;

    fn deref(&self) -> &SharedTables {
        self.0
    }
}

/// What reading or writing the ledger gives.
pub type Result<T> = std::result::Result<T, StoreError>;

#[cfg(test)]
mod tests;
