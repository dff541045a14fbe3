//! The ledger as a file: where it lies, and who may open it.
#![expect(clippy::disallowed_methods, reason = "the ledger is a file; this is the one place that opens it")]

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::ballast::Ballast;
use super::error::Operation as _;
use super::keeper::{Keeper, WAIT_BYTES};
use super::log::{self, LogState, WalFile};
use super::state_dir::{self, StateDirError};
use super::transaction::Durability;
use super::{DiskFault, Ledger, Result, SharedTables, StoreError, migrate};

/// The database's file name in the state directory.
pub(super) const DATABASE: &str = "ledger.db";
/// The log's, as SQLite names it.
pub(super) const LOG: &str = "ledger.db-wal";
/// Held locked while a daemon runs.
const LOCK: &str = "lock";
/// Opening waits this long for a lock that another process holds.
const OPEN_BUSY: Duration = Duration::from_secs(10);
/// A group waits this long for a lock that another process holds, and is then tried again: in between the engine says
/// in its status what it waits for, and can be ended.
const GROUP_BUSY: Duration = Duration::from_millis(250);
/// The keeper waits no longer than this for readers of other processes: while it waits it holds the lock for writing.
const KEEPER_BUSY: Duration = Duration::from_millis(20);
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
    /// A process that is not ringback holds the ledger's lock.
    #[error("another process holds the ledger in {} locked, such as a sqlite3 shell or a backup; end it, and start again", dir.display())]
    Locked {
        /// The directory.
        dir: PathBuf,
        /// What SQLite said.
        source: StoreError,
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

/// When the ledger of a state directory was last written; `None`: there is none yet.
///
/// # Errors
/// The system refuses to say.
pub fn last_written(dir: &Path) -> io::Result<Option<SystemTime>> {
    let mut last = None;
    for name in [DATABASE, LOG] {
        match fs::metadata(dir.join(name)) {
            Ok(about) => last = last.max(Some(about.modified()?)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(last)
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
            _ if source.is_busy() => OpenError::Locked { dir: dir.to_owned(), source },
            Some(DiskFault::Full | DiskFault::Failing | DiskFault::Unsynced) => {
                OpenError::Disk { dir: dir.to_owned(), source }
            }
            Some(DiskFault::Damaged) | None => OpenError::Ledger { dir: dir.to_owned(), source },
        })
    }

    fn open_files(dir: &Path, node_if_new: u64, lock: &Arc<File>) -> Result<(Self, Keeper)> {
        log::write_anew(&dir.join(LOG)).to("write its log anew")?;
        let mut connection = connect(dir).to("be opened")?;
        migrate::migrate(&mut connection)?;
        // The directory too: a power cut must not lose the files' names.
        File::open(dir).and_then(|dir| dir.sync_all()).to("sync its directory")?;
        let state = Arc::new(LogState::default());
        log::measure(&mut connection, &state).to("measure its log")?;
        let open_log = || WalFile::open(&dir.join(LOG), Arc::clone(&state));
        let wal = open_log().to("open its log")?;
        let keeps = connect(dir).to("be opened")?;
        keeps.busy_timeout(KEEPER_BUSY).to("be opened")?;
        let keeper = Keeper::new(keeps, open_log().to("open its log")?, dir, Arc::clone(lock))?;
        let mut ledger = Self::from_connection(connection, Durability::Wal(wal), state, node_if_new)?;
        ledger.connection.busy_timeout(GROUP_BUSY).to("be opened")?;
        ledger.0.ballast = Some(Ballast::of(dir));
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
        self.0.connection
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
        let mut ledger = Self(SharedTables {
            connection,
            durability,
            node: crate::model::ids::NodeId(0),
            ids: Default::default(),
            dirs: Default::default(),
            volumes: Default::default(),
            order: Default::default(),
            promised: Default::default(),
            lost: Default::default(),
            trusts_rows: Default::default(),
            group_rrn: Default::default(),
            dir_balance: Default::default(),
            journaling: Default::default(),
            journaled: Default::default(),
            told: Default::default(),
            high_water: std::cell::Cell::new(crate::model::time::Wall(0)),
            written: Default::default(),
            log,
            ballast: None,
        });
        ledger.begin()?;
        ledger.0.node = ledger.read_or_make_node(node_if_new)?;
        ledger.open_ids()?;
        ledger.promise();
        ledger.commit()?;
        Ok(ledger)
    }
}

fn connect(dir: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(dir.join(DATABASE), flags)?;
    connection.busy_timeout(OPEN_BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Commits are not synced one by one: the keeper does it every 200 ms, and `Ledger::sync` where it was promised.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    // Its file is written over from the beginning. To cut it each time would free and find again tens of megabytes,
    // and a commit would wait for that some 60 ms.
    connection.pragma_update(None, "journal_size_limit", WAIT_BYTES.cast_signed())?;
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
