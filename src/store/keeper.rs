//! The upkeep of the write-ahead log, on a connection of its own.
//!
//! The log is synced every 200 ms while it grows, and copied back into the database once it is long. On the engine's
//! connection a checkpoint would make single commits wait up to 19 ms.
//!
//! A checkpoint does not keep the engine from writing while the log is short. One that is `PASSIVE` takes no lock that
//! the engine needs, and copies as far as readers of other processes let it. When it has copied everything and the log
//! is long, the log has to be started anew, which needs the lock for writing: that is done between two groups, has only
//! what was written since to copy, and waits at most 20 ms for readers. A reader that stays (a backup, a `sqlite3`
//! shell) makes the log grow; that is said, and work goes on.
//!
//! An engine that writes faster than the disk copies would make the log longer all the while. So once the log is past
//! [`WAIT_BYTES`], each group waits a while for the next checkpoint.
#![expect(clippy::disallowed_methods, reason = "looks at the ledger's files")]

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rusqlite::Connection;

use super::error::Operation as _;
use super::file::DATABASE;
use super::log::{LogTrouble, WalFile};
use super::{DiskFault, Result};

/// The log is copied back once it is longer than this.
const CHECKPOINT_BYTES: u64 = 4 << 20;
/// Past this the log is started anew.
pub(super) const RESTART_BYTES: u64 = 32 << 20;
/// Past this each group waits a while for the log to be copied back (see [`super::turn`]): where groups follow one
/// another without a pause, the log would be several times as long by then. A file that has become longer is cut to
/// this when it is begun anew (`journal_size_limit`).
pub(super) const WAIT_BYTES: u64 = 2 * RESTART_BYTES;
/// So many checkpoints in a row have to fall short before a reader is said to hold the log back: the engine's own group
/// may be what one of them met.
pub(super) const SHORT_MAX: u32 = 3;
/// While a reader holds the log back, this many calls of [`Keeper::keep`] go by between two checkpoints: each walks the
/// whole log.
const HELD_BACK_CALLS: u32 = 5;

/// The upkeep of the log, for a thread of its own. Holds the state directory's lock, so it lives as long as the daemon.
pub struct Keeper {
    connection: Connection,
    wal: WalFile,
    database: PathBuf,
    /// Device and inode of the database when it was opened.
    opened: (u64, u64),
    commits_synced: u64,
    /// Checkpoints in a row that fell short.
    short: u32,
    /// Calls to let go by before the next checkpoint.
    pause: u32,
    _lock: Arc<File>,
}

/// What came of one upkeep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Everything is synced, and nothing had to be copied back.
    Synced,
    /// The log was copied back into the database whole.
    CopiedBack,
    /// Something outside ringback is in the way. Everything is synced all the same.
    Trouble(LogTrouble),
}

/// The row that a checkpoint gives.
#[derive(Debug, Clone, Copy)]
struct Checkpoint {
    /// It could not be done, or not as a whole.
    is_busy: bool,
    /// Pages in the log, and how many of them are copied.
    pages: i64,
    copied: i64,
}

impl Checkpoint {
    fn is_complete(self) -> bool {
        !self.is_busy && self.copied >= self.pages
    }
}

impl Keeper {
    /// How often [`Self::keep`] is called, milliseconds: what a power cut may take.
    pub const EVERY_MS: u64 = 200;

    pub(super) fn new(connection: Connection, wal: WalFile, dir: &Path, lock: Arc<File>) -> Result<Self> {
        let database = dir.join(DATABASE);
        let opened = identity(&database).to("look at its file")?;
        Ok(Self { connection, wal, database, opened, commits_synced: 0, short: 0, pause: 0, _lock: lock })
    }

    /// Syncs the log if anything was committed since the last call, and copies it back into the database once it is
    /// long.
    ///
    /// # Errors
    /// When the disk or SQLite refuses. What could not be copied back is copied by a later call; after
    /// [`DiskFault::Unsynced`] nothing helps but another process.
    pub fn keep(&mut self) -> Result<Kept> {
        let kept = self.look_after();
        let is_anew = kept.as_ref().is_ok_and(|kept| *kept == Kept::CopiedBack);
        self.wal.state.turn.end_round(is_anew);
        kept
    }

    fn look_after(&mut self) -> Result<Kept> {
        let commits = self.wal.state.commits.load(Ordering::Acquire);
        let before = self.wal.state.trouble();
        if commits == self.commits_synced && before.is_none() {
            return Ok(Kept::Synced);
        }
        if commits != self.commits_synced {
            self.wal.sync().to("sync its log")?;
            self.commits_synced = commits;
        }
        if !identity(&self.database).is_ok_and(|now| now == self.opened) {
            return Ok(self.note(Some(LogTrouble::Replaced), Kept::Synced));
        }
        if self.pause > 0 {
            self.pause -= 1;
            return Ok(before.map_or(Kept::Synced, Kept::Trouble));
        }
        let kept = self.copy_back();
        if kept.as_ref().is_err_and(|error| error.disk() == Some(DiskFault::Unsynced)) {
            self.wal.state.give_up();
        }
        kept
    }

    fn copy_back(&mut self) -> Result<Kept> {
        let bytes = self.log_bytes();
        if bytes < RESTART_BYTES {
            self.short = 0;
        }
        if bytes < CHECKPOINT_BYTES {
            return Ok(self.note(None, Kept::Synced));
        }
        let passive = self.checkpoint("PRAGMA wal_checkpoint(PASSIVE)")?;
        if bytes < RESTART_BYTES {
            let kept = if passive.is_complete() { Kept::CopiedBack } else { Kept::Synced };
            return Ok(self.note(None, kept));
        }
        // While that was copied and synced the engine has written on. Once more leaves little for when it waits.
        let passive = self.checkpoint("PRAGMA wal_checkpoint(PASSIVE)")?;
        // Only with nothing left to copy: the engine waits meanwhile.
        let is_anew = passive.is_complete() && {
            let turn = &self.wal.state.turn;
            let anew = turn.between_groups(|| {
                let anew = self.checkpoint("PRAGMA wal_checkpoint(RESTART)");
                if anew.as_ref().is_ok_and(|anew| anew.is_complete()) {
                    // The next commit says more. Until then nothing of it is in use.
                    self.wal.state.bytes.store(0, Ordering::Release);
                }
                anew
            });
            anew.transpose()?.is_some_and(Checkpoint::is_complete)
        };
        self.short = if is_anew { 0 } else { self.short + 1 };
        if is_anew {
            return Ok(self.note(None, Kept::CopiedBack));
        }
        if self.short < SHORT_MAX {
            return Ok(Kept::Synced);
        }
        self.pause = HELD_BACK_CALLS;
        Ok(self.note(Some(LogTrouble::HeldBack { bytes: self.log_bytes() }), Kept::Synced))
    }

    /// Shares what is wrong with the engine, and gives it rather than `kept`.
    fn note(&self, trouble: Option<LogTrouble>, kept: Kept) -> Kept {
        self.wal.state.set_trouble(trouble);
        trouble.map_or(kept, Kept::Trouble)
    }

    fn checkpoint(&self, sql: &str) -> Result<Checkpoint> {
        let read =
            |row: &rusqlite::Row<'_>| Ok(Checkpoint { is_busy: row.get(0)?, pages: row.get(1)?, copied: row.get(2)? });
        match self.connection.query_row(sql, [], read).to("copy its log back") {
            // Said by a lock that is not the checkpoint's own, such as that of a recovery.
            Err(error) if error.is_busy() => Ok(Checkpoint { is_busy: true, pages: 0, copied: 0 }),
            done => done,
        }
    }

    fn log_bytes(&self) -> u64 {
        self.wal.state.bytes.load(Ordering::Acquire)
    }
}

fn identity(file: &Path) -> io::Result<(u64, u64)> {
    fs::metadata(file).map(|about| (about.dev(), about.ino()))
}
