//! The ballast: room on the disk that the ledger keeps and does not use, so that there is some when there is none.
//!
//! While it stands, everything may be written. When the disk refuses it is thrown out, and what it held is left for
//! the outcomes of deliveries. It is taken on board again only when that leaves as much room beside it: else the first
//! change would use that up, and everything would be scanned again each second.
#![expect(clippy::disallowed_methods, reason = "the ballast is a file beside the ledger")]

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::error::Operation as _;
use super::{Ledger, Result};

/// Its file name in the state directory.
const FILE: &str = "ballast";
/// How much it holds: the log is copied back into the database when it is a quarter of this, so what the database has
/// to grow by then fits in, and with it what outcomes add to the log.
const BALLAST_BYTES: u64 = 16 << 20;
/// The free room that taking it on board needs, of which it uses half.
const ROOM_BYTES: u64 = 2 * BALLAST_BYTES;

/// A state directory's ballast.
pub(super) struct Ballast {
    dir: PathBuf,
}

impl Ballast {
    /// That of a directory; whether it stands is not yet said.
    pub(super) fn of(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// Whether it is on board whole.
    pub(super) fn stands(&self) -> bool {
        fs::metadata(self.file()).is_ok_and(|about| about.len() == BALLAST_BYTES)
    }

    /// Takes it on board, unless it is.
    pub(super) fn take(&self) -> io::Result<()> {
        if self.stands() {
            return Ok(());
        }
        let written = File::create(self.file()).and_then(write_incompressible);
        written.or_else(|error| self.release().and(Err(error)))
    }

    /// Throws it out.
    pub(super) fn release(&self) -> io::Result<()> {
        match fs::remove_file(self.file()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Refuses with [`io::ErrorKind::StorageFull`] unless there is room for it and for as much beside it.
    fn has_room(&self) -> io::Result<()> {
        let dir = CString::new(self.dir.as_os_str().as_bytes())?;
        let mut about = MaybeUninit::<libc::statvfs>::uninit();
        // SAFETY: a C string that outlives the call, and a place for the answer.
        if unsafe { libc::statvfs(dir.as_ptr(), about.as_mut_ptr()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call has succeeded, so it has filled the answer in.
        let about = unsafe { about.assume_init() };
        #[allow(clippy::unnecessary_cast, reason = "not 64 bits wide on every platform")]
        let free = (about.f_bavail as u64).saturating_mul(about.f_frsize as u64);
        // A filesystem that says nothing of its size has none that anybody could wait for.
        let is_too_small = about.f_blocks != 0 && free < ROOM_BYTES;
        if is_too_small { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn file(&self) -> PathBuf {
        self.dir.join(FILE)
    }
}

/// Writes what no filesystem makes smaller (xorshift64), as it would zeros.
fn write_incompressible(file: File) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, file);
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..BALLAST_BYTES / size_of::<u64>() as u64 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.write_all(&state.to_le_bytes())?;
    }
    out.flush()
}

impl Ledger {
    /// Whether the ballast stands: there is room to take things in.
    #[must_use]
    pub fn has_ballast(&self) -> bool {
        self.ballast.as_ref().is_none_or(Ballast::stands)
    }

    /// Throws the ballast out, for what must be written although the disk is full.
    ///
    /// # Errors
    /// When the disk refuses that too.
    pub fn drop_ballast(&self) -> Result<()> {
        self.ballast.as_ref().map_or(Ok(()), Ballast::release).to("throw its ballast out")
    }

    /// Finds out whether the disk takes everything again: a small write is made and synced, and the ballast is taken on
    /// board. Not inside a group.
    ///
    /// # Errors
    /// When it does not, and [`StoreError::disk`](super::StoreError::disk) says how.
    pub fn find_room(&self) -> Result<()> {
        const TRY: &str = "find room on its disk";
        self.ballast.as_ref().map_or(Ok(()), Ballast::has_room).to(TRY)?;
        self.begin()?;
        self.promise();
        let written = self
            .connection
            .execute(
                "INSERT INTO meta (key, value) VALUES ('holds', 1) ON CONFLICT (key) DO UPDATE SET value = value + 1",
                [],
            )
            .to(TRY)
            .and_then(|_| self.commit());
        if written.is_err() {
            self.rollback()?;
        }
        written?;
        self.ballast.as_ref().map_or(Ok(()), Ballast::take).to(TRY)
    }
}
