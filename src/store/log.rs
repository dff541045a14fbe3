//! The write-ahead log as a file that can be synced. Who syncs it when is not told here.

use std::fs::File;
use std::io;

/// The open log, for syncing. SQLite's own locks are on other files, so a second descriptor of this one harms none.
pub(super) struct WalFile(pub(super) File);

impl WalFile {
    /// Makes what was written to the log durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}
