//! The thread that keeps the ledger's log: what was committed is on the disk within 200 ms.

use std::io;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use super::engine_thread::tell_unsynced;
use super::inbox::Inbox;
use super::stop::{AbortOnPanic, Stop, Woken};
use crate::model::error_chain::ErrorChain;
use crate::store::{DiskFault, Keeper};

pub(super) fn start(mut keeper: Keeper, stop: Arc<Stop>, inbox: Arc<Inbox>) -> io::Result<JoinHandle<()>> {
    Builder::new().name("keeper".into()).spawn(move || {
        let _guard = AbortOnPanic;
        let mut failing = false;
        loop {
            let ending = stop.wait(Duration::from_millis(Keeper::EVERY_MS)) == Woken::Stopped;
            match keeper.keep() {
                Ok(copied_back) => failing &= !copied_back,
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
