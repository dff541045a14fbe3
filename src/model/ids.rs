//! Numbers that name things. Each kind is a type of its own, so that one cannot stand in for another.
//!
//! All of them are positive and fit SQLite's signed 64-bit integers. Which of them may be used again, and when, is the
//! ledger's business (`store::ids`): here they are only values.

use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// An asset's number, its for life: kept across renames, never given to another asset.
    AssetId
);
id!(
    /// A change's place in the journal. Rises by at least one from change to change; gaps are allowed.
    Seq
);
id!(
    /// The number of the ledger transaction that recorded a change. It never falls; changes recorded together share
    /// one.
    Rrn
);
id!(
    /// A subscription's number in this ledger. A rule-file subscription keeps it as long as its name stays.
    SubscriptionId
);
id!(
    /// The number of a task in this ledger. Its UUID is what the world sees.
    TaskNo
);
id!(
    /// The local number of a delivery. [`DeliveryId`](super::part::DeliveryId) is what the world sees.
    DeliveryNo
);

/// The id of this ledger among all ledgers: 64 random bits, drawn once when the state directory is made.
///
/// It makes delivery ids unique across sidecars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NodeId(pub u64);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A mount's place in the list of configured mounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MountId(pub u16);

/// Names one request that the engine made of an edge (a look, a listing), so that its result finds its way back.
/// Never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Names an API caller who waits for an answer. Never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplyId(pub u64);
