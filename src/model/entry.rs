//! An entry: a change as one subscription is told of it.

use super::change::Action;
use super::change::Change;
use super::ids::{AssetId, Rrn, Seq, SubscriptionId};
use super::metadata::Delta;
use super::path::LogicalPath;
use super::time::Wall;

/// What a receiver is told of one change, or of several that were folded into one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The journal place of its (last) change; entries are told in this order. [`Entry::NO_SEQ`]: a backfill tells how
    /// the asset stands, and of no change.
    pub seq: Seq,
    /// The transaction of its (last) change.
    pub rrn: Rrn,
    /// When its (last) change was recorded.
    pub time: Wall,
    /// The asset.
    pub asset: AssetId,
    /// Where it stood.
    pub path: LogicalPath,
    /// The owner's user name, or the uid in digits.
    pub owner: String,
    /// What happened.
    pub action: Action,
    /// Which metadata was touched: old values from the first change, new values from the last.
    pub delta: Delta,
    /// The bytes of the asset, as of the last change of which they are known.
    pub size: Option<u64>,
    /// The modification time of the asset, in nanoseconds since the Unix epoch, as of the last change of which it is
    /// known.
    pub mtime_ns: Option<i64>,
    /// Where the receiver last knew the asset, on the `added` half of a move.
    pub previous_path: Option<LogicalPath>,
    /// The seq of the deletion at `previous_path`, where it is known.
    pub moved: Option<Seq>,
}

impl Entry {
    /// Of no change: the journal's numbers begin at 1.
    pub const NO_SEQ: Seq = Seq(0);

    /// The journal place of its (last) change, where it tells one.
    #[must_use]
    pub fn change(&self) -> Option<Seq> {
        (self.seq != Self::NO_SEQ).then_some(self.seq)
    }
}

impl From<Change> for Entry {
    fn from(change: Change) -> Self {
        let Change { seq, rrn, time, asset, path, owner, action, delta, size, mtime_ns, previous_path, moved } = change;
        Self { seq, rrn, time, asset, path, owner, action, delta, size, mtime_ns, previous_path, moved }
    }
}

/// An entry matched for a subscription and not yet accepted by it.
///
/// Self-contained: it is the one thing that would cross a wire if dispatching lived elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// Who is owed.
    pub subscription: SubscriptionId,
    /// What is owed. Shared: one change is often owed to many.
    pub entry: std::sync::Arc<Entry>,
}
