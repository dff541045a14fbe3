//! What is done every hour: forgetting what is past its time.

use super::{Engine, Machines};
use crate::model::time::Now;
use crate::store::StoreError;

/// The first time comes this long after the start, milliseconds: a start has other things to do.
pub(super) const FIRST_MS: u64 = 60_000;
/// While there is more to forget.
const AGAIN_MS: u64 = 1_000;
/// Else.
const EVERY_MS: u64 = 3_600_000;
/// A removed subscription's backlog is kept this long, milliseconds, for the return of its name.
const REMOVED_MS: i64 = 24 * 3_600_000;

impl Engine {
    pub(super) fn maintain(&mut self, now: Now) -> Result<(), StoreError> {
        let more = self.ledger.forget_old(now.wall)?;
        if let Some(Machines { dispatch, .. }) = &mut self.machines {
            dispatch.recount_dead(&self.ledger)?;
        }
        for row in self.ledger.subscriptions()? {
            if row.removed_at.is_some_and(|at| at.0 < now.wall.0 - REMOVED_MS) {
                let entries = self.ledger.drop_subscription(row.id)?;
                tracing::warn!(subscription = row.name, entries, "dropped a subscription removed over 24 hours ago");
                if let Some(Machines { dispatch, .. }) = &mut self.machines {
                    dispatch.forget(row.id);
                }
            }
        }
        self.maintain_at = now.mono.plus_ms(if more { AGAIN_MS } else { EVERY_MS });
        Ok(())
    }
}
