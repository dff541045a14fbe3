//! The thread that keeps the ledger's log: what was committed is on the disk within 200 ms.

use std::io;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use super::engine_thread::tell_unsynced;
use super::inbox::Inbox;
use super::stop::{AbortOnPanic, Stop, Woken};
use crate::model::error_chain::ErrorChain;
use crate::store::{DiskFault, Keeper, Kept, LogTrouble};

pub(super) fn start(mut keeper: Keeper, stop: Arc<Stop>, inbox: Arc<Inbox>) -> io::Result<JoinHandle<()>> {
    Builder::new().name("keeper".into()).spawn(move || {
        let _guard = AbortOnPanic;
        let mut failing = false;
        let mut shown = None;
        loop {
            let ending = stop.wait(Duration::from_millis(Keeper::EVERY_MS)) == Woken::Stopped;
            match keeper.keep() {
                Ok(kept) => {
                    failing &= kept != Kept::CopiedBack;
                    show_trouble(kept, &mut shown);
                }
                Err(error) if error.disk() == Some(DiskFault::Unsynced) => {
                    tell_unsynced(&error);
                    inbox.close();
                    return;
                }
                Err(error) if !failing => {
                    failing = true;
                    tracing::error!(error = %ErrorChain(&error), "the ledger's log was not copied back; trying on");
                }
                Err(_) => {}
            }
            if ending {
                return;
            }
        }
    })
}

/// Logs what is in the way of the log's upkeep: once when it begins, again whenever the log has doubled, and its end.
fn show_trouble(kept: Kept, shown: &mut Option<LogTrouble>) {
    let trouble = match kept {
        Kept::Trouble(trouble) => Some(trouble),
        Kept::Synced | Kept::CopiedBack => None,
    };
    match (trouble, *shown) {
        (Some(LogTrouble::HeldBack { bytes }), Some(LogTrouble::HeldBack { bytes: before })) if bytes < 2 * before => {}
        (Some(LogTrouble::Replaced), Some(LogTrouble::Replaced)) | (None, None) => {}
        (Some(LogTrouble::HeldBack { bytes }), _) => {
            *shown = trouble;
            tracing::warn!(
                bytes,
                "another process has a transaction open on the ledger, such as a sqlite3 shell or a backup: its log \
                 (ledger.db-wal) grows until that ends; work goes on"
            );
        }
        (Some(LogTrouble::Replaced), _) => {
            *shown = trouble;
            tracing::error!(
                "the file ledger.db was moved, removed or replaced while ringback runs: what is recorded now is lost at \
                 the next start; put the file back, or restart"
            );
        }
        (None, Some(_)) => {
            *shown = None;
            tracing::info!("nothing is in the way of the ledger's log any more");
        }
    }
}
