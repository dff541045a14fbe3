//! The ledger as a file: where it lies, who may open it, and the upkeep of its write-ahead log.
//!
//! The log is synced every 200 ms while it grows, and copied back into the database by the [`Keeper`] on a connection
//! of its own: on the engine's connection a checkpoint would make single commits wait up to 19 ms.
#![expect(clippy::disallowed_methods, reason = "the ledger is a file; this is the one place that opens it")]

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::ballast::Ballast;
use super::error::Operation as _;
use super::log::{self, LogState, WalFile};
use super::state_dir::{self, StateDirError};
use super::transaction::Durability;
use super::{DiskFault, Ledger, Result, StoreError, migrate};

/// The database's file name in the state directory.
const DATABASE: &str = "ledger.db";
/// The log's, as SQLite names it.
const LOG: &str = "ledger.db-wal";
/// Held locked while a daemon runs.
const LOCK: &str = "lock";
/// Readers that hold the log back longer than this are not waited for.
const BUSY: Duration = Duration::from_secs(10);
/// The log is copied back once it is longer than this; emptied, it is cut to nothing (`journal_size_limit`).
const CHECKPOINT_BYTES: u64 = 4 << 20;
/// Past this the log is started anew, which waits for readers: it is to stay under 64 MiB.
const RESTART_BYTES: u64 = 32 << 20;
/// Prepared statements kept: more than there are.
const STATEMENTS: usize = 160;

/// Why a state directory cannot be used. Each names it and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is not one that ringback may use.
    #[error(transparent)]
    StateDir(#[from] StateDirError),
    /// It could not be made or written.
    #[error("the state directory {} cannot be written; choose another with --state, or mend its permissions", dir.display())]
    Unwritable {
        /// The directory.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another daemon has it.
    #[error("the state directory {} is in use by another ringback; stop that one, or choose another with --state", dir.display())]
    InUse {
        /// The directory.
        dir: PathBuf,
    },
    /// Its disk has no room for what opening writes, or fails.
    #[error("the disk of the state directory {} is full or failing; make room or mend it, and start again: nothing is lost", dir.display())]
    Disk {
        /// The directory.
        dir: PathBuf,
        /// What went wrong.
        source: StoreError,
    },
    /// The ledger in it cannot be opened.
    #[error("the ledger in {} cannot be opened; restore it from a backup, or move it away to start anew with a silent first scan", dir.display())]
    Ledger {
        /// The directory.
        dir: PathBuf,
        /// What went wrong.
        source: StoreError,
    },
}

impl Ledger {
    /// Opens the ledger of a state directory, making both if need be, and takes the directory's lock.
    ///
    /// # Errors
    /// [`OpenError`] when the directory cannot be written, is in use, or holds a ledger that cannot be opened.
    pub fn open(dir: &Path, node_if_new: u64) -> std::result::Result<(Self, Keeper), OpenError> {
        state_dir::own(dir)?;
        let lock = Arc::new(take_lock(dir)?);
        let ballast = Ballast::of(dir);
        let opened = Self::open_files(dir, node_if_new, &lock).or_else(|error| match error.disk() {
            // Room for what opening writes, and for the outcomes of what is delivered meanwhile.
            Some(DiskFault::Full | DiskFault::Failing) if ballast.stands() => {
                ballast.release().to("throw its ballast out")?;
                Self::open_files(dir, node_if_new, &lock)
            }
            _ => Err(error),
        });
        opened.map_err(|source| match source.disk() {
            Some(_) => OpenError::Disk { dir: dir.to_owned(), source },
            None => OpenError::Ledger { dir: dir.to_owned(), source },
        })
    }

    fn open_files(dir: &Path, node_if_new: u64, lock: &Arc<File>) -> Result<(Self, Keeper)> {
        log::write_anew(&dir.join(LOG)).to("write its log anew")?;
        let mut connection = connect(dir).to("be opened")?;
        migrate::migrate(&mut connection)?;
        // The directory too: a power cut must not lose the files' names.
        File::open(dir).and_then(|dir| dir.sync_all()).to("sync its directory")?;
        let state = Arc::new(LogState::default());
        let open_log = || WalFile::open(&dir.join(LOG), Arc::clone(&state));
        let wal = open_log().to("open its log")?;
        let keeper = Keeper {
            connection: connect(dir).to("be opened")?,
            wal: open_log().to("open its log")?,
            commits_synced: 0,
            _lock: Arc::clone(lock),
        };
        let mut ledger = Self::from_connection(connection, Durability::Wal(wal), state, node_if_new)?;
        ledger.ballast = Some(Ballast::of(dir));
        Ok((ledger, keeper))
    }

    /// A ledger on a connection of the caller's, in memory, for simulations: an outer savepoint named `power` stands
    /// for the disk's cache.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn in_memory(mut connection: Connection, node_if_new: u64) -> Result<Self> {
        if connection.is_autocommit() {
            migrate::migrate(&mut connection)?;
            Self::open_power_savepoint(&connection).to("open a savepoint")?;
        }
        Self::from_connection(connection, Durability::Savepoint, Arc::default(), node_if_new)
    }

    /// Gives the connection back: what a crash leaves. Only what is in the database survives.
    #[must_use]
    pub fn into_connection(self) -> Connection {
        self.connection
    }

    fn from_connection(
        connection: Connection,
        durability: Durability,
        log: Arc<LogState>,
        node_if_new: u64,
    ) -> Result<Self> {
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // Plans do not depend on bound values. Without this, SQLite built with STAT4 prepares each statement anew
        // whenever its values are bound anew: half of all the engine's time in a burst of 200,000 files.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).to("be configured")?;
        let mut ledger = Self {
            connection,
            durability,
            node: crate::model::ids::NodeId(0),
            ids: Default::default(),
            dirs: Default::default(),
            volumes: Default::default(),
            promised: Default::default(),
            lost: Default::default(),
            group_rrn: Default::default(),
            dir_balance: Default::default(),
            log,
            ballast: None,
        };
        ledger.begin()?;
        ledger.node = ledger.read_or_make_node(node_if_new)?;
        ledger.open_ids()?;
        ledger.promise();
        ledger.commit()?;
        Ok(ledger)
    }
}

fn connect(dir: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(dir.join(DATABASE), flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Commits are not synced one by one: the keeper does it every 200 ms, and `Ledger::sync` where it was promised.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "journal_size_limit", 0)?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}

fn take_lock(dir: &Path) -> std::result::Result<File, OpenError> {
    let unwritable = |source| OpenError::Unwritable { dir: dir.to_owned(), source };
    let path = dir.join(LOCK);
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path).map_err(unwritable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(OpenError::InUse { dir: dir.to_owned() }),
        Err(fs::TryLockError::Error(source)) => Err(unwritable(source)),
    }
}

/// The upkeep of the log, for a thread of its own. Holds the state directory's lock, so it lives as long as the daemon.
pub struct Keeper {
    connection: Connection,
    wal: WalFile,
    commits_synced: u64,
    _lock: Arc<File>,
}

impl Keeper {
    /// How often [`Self::keep`] is to be called, milliseconds: what a power cut may take.
    pub const EVERY_MS: u64 = 200;

    /// Syncs the log if anything was committed since the last call, and copies it back into the database once it is
    /// long. Gives whether it did that too.
    ///
    /// # Errors
    /// When the disk or SQLite refuses. What could not be copied back is, once more was committed; after
    /// [`DiskFault::Unsynced`] nothing helps but another process.
    pub fn keep(&mut self) -> Result<bool> {
        let commits = self.wal.state.commits.load(Ordering::Acquire);
        if commits == self.commits_synced {
            return Ok(false);
        }
        self.wal.sync().to("sync its log")?;
        self.commits_synced = commits;
        let mode = match self.wal.file.metadata().to("look at its log")?.len() {
            RESTART_BYTES.. => "RESTART",
            CHECKPOINT_BYTES.. => "PASSIVE",
            _ => return Ok(false),
        };
        let sql = format!("PRAGMA wal_checkpoint({mode})");
        let copied = self.connection.query_row(&sql, [], |_| Ok(true)).to("copy its log back");
        if copied.as_ref().is_err_and(|error| error.disk() == Some(DiskFault::Unsynced)) {
            self.wal.state.give_up();
        }
        copied
    }
}
