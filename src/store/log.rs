//! The write-ahead log as a file that can be synced. Who syncs it when is not told here.
//!
//! A sync that failed is never believed when it is repeated: the kernel may have given up the pages that it could not
//! write, and then has nothing left to fail with. So after one nothing is recorded any more, and the process ends. The
//! next one [writes the log anew](write_anew) before it believes any of it.
#![expect(clippy::disallowed_methods, reason = "the log is a file")]

use std::ffi::c_int;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use rusqlite::hooks::Wal;

use super::error::Cause;
use super::turn::Turn;

/// The log is written anew in pieces of this size, bytes.
const PIECE: usize = 1 << 20;

/// What the ledger and its keeper tell each other.
#[derive(Debug, Default)]
pub(super) struct LogState {
    /// Commits so far: the keeper's sign that there is something to sync.
    pub(super) commits: AtomicU64,
    /// How long the log is, bytes, since the last commit. Its file is longer where the log was begun anew.
    pub(super) bytes: AtomicU64,
    unsynced: AtomicBool,
    /// Which of the two may hold the lock for writing.
    pub(super) turn: Turn,
    trouble: Mutex<Option<LogTrouble>>,
}

/// Why the log grows, or what is written is not kept. Something outside ringback holds the ledger's files or has
/// changed them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogTrouble {
    /// A reader has had a transaction open for so long that the log cannot be copied back past the point at which the
    /// reader began, or cannot be started anew.
    HeldBack {
        /// The length of the log, bytes.
        bytes: u64,
    },
    /// The name of the database leads to another file, or to none.
    Replaced,
}

impl LogState {
    /// A sync has failed, here or in SQLite: from now on everything is refused.
    pub(super) fn give_up(&self) {
        self.unsynced.store(true, Ordering::Release);
    }

    /// What is wrong with the log now; `None` when nothing is.
    pub(super) fn trouble(&self) -> Option<LogTrouble> {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_trouble(&self, trouble: Option<LogTrouble>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    /// Whether everything that was synced can be believed.
    pub(super) fn believed(&self) -> Result<(), Cause> {
        match self.unsynced.load(Ordering::Acquire) {
            true => Err(Cause::Unsynced(io::Error::other("an earlier sync failed"))),
            false => Ok(()),
        }
    }
}

/// The log has a header of so many bytes, and each page in it another one (sqlite.org/walformat.html).
const LOG_HEADER_BYTES: u64 = 32;
const FRAME_HEADER_BYTES: u64 = 24;

/// Has each commit of a connection say how long the log is then. After the log was begun anew it is as long as before
/// until something is written.
pub(super) fn measure(connection: &mut Connection, state: &Arc<LogState>) -> rusqlite::Result<()> {
    let page: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let (frame, state) = (FRAME_HEADER_BYTES + page.cast_unsigned(), Arc::clone(state));
    connection.wal_hook(Some(move |_: &mut Wal, frames: c_int| {
        let bytes = LOG_HEADER_BYTES + u64::try_from(frames).unwrap_or(0) * frame;
        state.bytes.store(bytes, Ordering::Release);
        Ok(())
    }))
}

/// The open log, for syncing. SQLite's own locks are on other files, so a second descriptor of this one harms none.
pub(super) struct WalFile {
    pub(super) file: File,
    pub(super) state: Arc<LogState>,
}

impl WalFile {
    /// Opens the log, making it if need be.
    pub(super) fn open(path: &Path, state: Arc<LogState>) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        Ok(Self { file, state })
    }

    /// Makes what was written to the log durable. Once this failed it always does.
    pub(super) fn sync(&self) -> Result<(), Cause> {
        self.state.believed()?;
        self.file.sync_data().map_err(|error| {
            self.state.give_up();
            Cause::Unsynced(error)
        })
    }
}

/// Writes what an earlier process has left of the log once more, in place, and syncs it: where a sync of that process
/// had failed, the kernel may hold as written what the disk does not have.
pub(super) fn write_anew(path: &Path) -> io::Result<()> {
    let log = match OpenOptions::new().read(true).write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let mut piece = vec![0; PIECE];
    let mut at = 0;
    loop {
        let read = log.read_at(&mut piece, at)?;
        if read == 0 {
            return log.sync_data();
        }
        log.write_all_at(&piece[..read], at)?;
        at += read as u64;
    }
}
