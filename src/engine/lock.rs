//! Another process holds the ledger's lock for writing: a `sqlite3` shell with a transaction open, a backup.
//!
//! A group that cannot be opened for it is not lost: nothing was done. Its inputs are kept, in order, and are run once
//! the lock is released. Meanwhile nothing is taken in, so what waits before the engine is bounded as always, and
//! attempts under way go on; what came of them is recorded with the rest.

use super::Engine;
use crate::intake;
use crate::model::ask::Ask;
use crate::model::ids::ReplyId;
use crate::model::status::{Trouble, TroubleKind};
use crate::model::time::{Now, Wall};

/// A group that waits for the lock.
#[derive(Debug)]
pub(super) struct LockedOut {
    since: Wall,
    pub(super) inputs: Vec<intake::Input>,
    pub(super) asks: Vec<(ReplyId, Ask)>,
}

impl Engine {
    /// Whether a group waits for a lock that another process holds: nothing more should be taken in.
    #[must_use]
    pub fn is_locked_out(&self) -> bool {
        self.locked_out.is_some()
    }

    /// Keeps a group until the lock is released.
    pub(super) fn lock_out(&mut self, now: Now, inputs: Vec<intake::Input>, asks: Vec<(ReplyId, Ask)>) {
        let since = self.locked_since.unwrap_or(now.wall);
        if self.locked_since.is_none() {
            tracing::warn!(
                "another process holds the ledger's lock, such as a sqlite3 shell or a backup; waiting for it. Nothing is \
                 lost"
            );
        }
        self.locked_since = Some(since);
        self.locked_out = Some(LockedOut { since, inputs, asks });
    }

    /// The lock was released.
    pub(super) fn let_in(&mut self) {
        if self.locked_since.take().is_some() {
            tracing::info!("the ledger's lock was released; going on");
        }
    }

    pub(super) fn lock_trouble(&self) -> Option<Trouble> {
        let locked = self.locked_out.as_ref()?;
        let text = "another process holds the ledger's lock, such as a sqlite3 shell or a backup: nothing is taken in or \
                    delivered until it is released; end that process";
        Some(Trouble::new(TroubleKind::Disk, locked.since, text.to_owned(), None))
    }
}
