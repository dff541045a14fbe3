//! An entry: what one subscription is told of, once.

use super::change::Change;
use super::event::Occurrence;
use super::ids::{AssetId, Seq, SubscriptionId};
use super::time::Wall;

/// A change, or several that were folded into one; or an occurrence of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A change. Its numbers, time and owner are those of the last one that was folded into it, its size and
    /// modification time as they were last known. With the place [`Entry::NO_SEQ`] a backfill tells how the asset
    /// stands, and of no change.
    Change(Change),
    /// An occurrence of an event. It is never folded.
    Event(Occurrence),
}

impl Entry {
    /// Of no change: the journal's numbers begin at 1.
    pub const NO_SEQ: Seq = Seq(0);

    /// Its place in the journal; entries are told in this order.
    #[must_use]
    pub fn seq(&self) -> Seq {
        match self {
            Self::Change(change) => change.seq,
            Self::Event(event) => event.seq,
        }
    }

    /// When it was recorded.
    #[must_use]
    pub fn time(&self) -> Wall {
        match self {
            Self::Change(change) => change.time,
            Self::Event(event) => event.time,
        }
    }

    /// The change that it tells of; `None`: it is about no asset.
    #[must_use]
    pub fn about(&self) -> Option<&Change> {
        match self {
            Self::Change(change) => Some(change),
            Self::Event(event) => event.change.as_deref(),
        }
    }

    /// The asset that it is about.
    #[must_use]
    pub fn asset(&self) -> Option<AssetId> {
        self.about().map(|change| change.asset)
    }
}

/// An entry matched for a subscription and not yet accepted by it.
///
/// It holds the whole entry while it is handed from matching to dispatching. Once it has to wait it is written as the
/// entry's number, and the entry is read from the journal again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// Who is owed.
    pub subscription: SubscriptionId,
    /// What is owed. Shared: one change is often owed to many.
    pub entry: std::sync::Arc<Entry>,
}
