//! What a subscription's lane remembers beyond what it owes: whether it is paused, whether it fails, and what its
//! target takes. A row is written where something of it changes, which is seldom; a lane without a row has nothing to
//! say.

use rusqlite::Row;

use super::error::Operation as _;
use super::{DispatchTables, Result};
use crate::model::ids::{DeliveryNo, Seq, SubscriptionId};
use crate::model::lane::{AcceptedSize, Failing, LanePolicy, Pause, Skipped};
use crate::model::time::Wall;

impl DispatchTables<'_> {
    /// All lanes that have something to say, by the number of their subscription.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn lanes(&self) -> Result<Vec<(SubscriptionId, LanePolicy)>> {
        self.connection
            .prepare_cached(&format!("SELECT {COLUMNS} FROM lanes ORDER BY subscription"))
            .and_then(|mut sql| sql.query_map([], read)?.collect())
            .to("read lanes")
    }

    /// Writes what a lane has to say.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn put_lane(&self, id: SubscriptionId, lane: &LanePolicy) -> Result<()> {
        let LanePolicy { paused, cancelled_at, accepted, failing, last_success, refused, refused_of, untold } = lane;
        let (paused_at, paused_by, reason) = match paused {
            Some(Pause { at, by, reason }) => (Some(at.0), Some(by), reason.as_ref()),
            None => (None, None, None),
        };
        let failing = failing.as_ref();
        self.connection
            .prepare_cached(&format!(
                "INSERT OR REPLACE INTO lanes ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)"
            ))
            .and_then(|mut sql| {
                sql.execute((
                    id.0,
                    paused_at,
                    paused_by,
                    reason,
                    cancelled_at.map(|at| at.0),
                    accepted.map(|size| size.entries),
                    accepted.map(|size| size.at.0),
                    failing.map(|failing| failing.since.0),
                    failing.map(|failing| &failing.outcome),
                    failing.and_then(|failing| failing.status),
                    last_success.map(|at| at.0),
                    refused,
                    refused_of.map(|number| number.0),
                    untold.map(|untold| untold.entries as i64),
                    untold.map(|untold| untold.first.0),
                    untold.map(|untold| untold.last.0),
                ))
            })
            .to("write a lane")
            .map(drop)
    }

    /// Forgets what a lane had to say.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn forget_lane(&self, id: SubscriptionId) -> Result<()> {
        self.connection
            .prepare_cached("DELETE FROM lanes WHERE subscription = ?1")
            .and_then(|mut sql| sql.execute([id.0]))
            .to("forget a lane")
            .map(drop)
    }
}

const COLUMNS: &str = "subscription, paused_at, paused_by, pause_reason, cancelled_at, accepted_entries, accepted_at, \
                       failing_since, failing_outcome, failing_status, last_success, refused, refused_of, untold, \
                       untold_first, untold_last";

/// The question for one lane.
pub(super) fn one() -> String {
    format!("SELECT {COLUMNS} FROM lanes WHERE subscription = ?1")
}

/// A number that cannot be right is passed over: nothing here decides what is delivered, only when.
pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<(SubscriptionId, LanePolicy)> {
    let number = |column| row.get::<_, Option<i64>>(column).ok().flatten();
    let wall = |column| number(column).map(Wall);
    let text = |column| row.get::<_, Option<String>>(column).ok().flatten();
    let small = |column| row.get::<_, Option<u32>>(column).ok().flatten();
    let policy = LanePolicy {
        paused: wall(1).map(|at| Pause { at, by: text(2).unwrap_or_default(), reason: text(3) }),
        cancelled_at: wall(4),
        accepted: small(5).zip(wall(6)).map(|(entries, at)| AcceptedSize { entries, at }),
        failing: wall(7).map(|since| Failing {
            since,
            outcome: text(8).unwrap_or_default(),
            status: small(9).and_then(|status| u16::try_from(status).ok()),
        }),
        last_success: wall(10),
        refused: small(11).unwrap_or(0),
        refused_of: number(12).map(DeliveryNo),
        untold: number(13).zip(number(14)).zip(number(15)).map(|((entries, first), last)| Skipped {
            entries: entries.cast_unsigned(),
            first: Seq(first),
            last: Seq(last),
        }),
    };
    Ok((SubscriptionId(row.get(0)?), policy))
}
