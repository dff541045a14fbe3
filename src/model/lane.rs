//! What a subscription's lane remembers: the state of its delivery policy.

use super::ids::{DeliveryNo, Seq};
use super::subscription::Subscription;
use super::time::Wall;

/// How long an entry may be owed before its subscription is late, milliseconds, beyond the time that its rule has it
/// linger. A receiver that is restarted and a burst that is worked off take less, so whoever is late needs somebody.
pub const LATE_MS: i64 = 300_000;

/// The state of a lane's policy. The default is that of a lane to which nothing was sent yet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LanePolicy {
    /// Nothing is sent until somebody resumes it; what is owed gathers.
    pub paused: Option<Pause>,
    /// Nothing is sent, and nothing is owed any more.
    pub cancelled_at: Option<Wall>,
    /// The target refused larger batches, and took one of this size.
    pub accepted: Option<AcceptedSize>,
    /// The last attempt was not accepted.
    pub failing: Option<Failing>,
    /// When a delivery was accepted last, give or take an hour.
    pub last_success: Option<Wall>,
    /// How many parts of one batch were refused in a row, each a single entry.
    pub refused: u32,
    /// Which batch.
    pub refused_of: Option<DeliveryNo>,
    /// What it lost and has not been told that it lost.
    pub untold: Option<Skipped>,
}

impl LanePolicy {
    /// The time from which on a subscription is late, where the oldest entry that it is owed was recorded, or cut into
    /// its delivery, at `oldest`; `None` where something else is said of it: it is paused, cancelled or failing.
    #[must_use]
    pub fn late_from(&self, subscription: &Subscription, oldest: Wall) -> Option<Wall> {
        let is_paused = subscription.paused || self.paused.is_some();
        if is_paused || self.cancelled_at.is_some() || self.failing.is_some() {
            return None;
        }
        Some(Wall(oldest.0.saturating_add(LATE_MS).saturating_add_unsigned(subscription.batching.linger_ms)))
    }
}

/// Entries that were dropped from what a subscription is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skipped {
    /// How many.
    pub entries: u64,
    /// The journal's place of the first and of the last.
    pub first: Seq,
    /// See `first`.
    pub last: Seq,
}

impl Skipped {
    /// These, and others that come after them.
    #[must_use]
    pub fn and(self, later: Self) -> Self {
        Self { entries: self.entries + later.entries, first: self.first, last: later.last }
    }
}

/// A pause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Since when.
    pub at: Wall,
    /// Who paused it: a principal's name, `target` (it answered 410), or `ringback` (nothing was accepted for days).
    pub by: String,
    /// Why, for people.
    pub reason: Option<String>,
}

/// A size of a batch that a target has accepted after it had refused larger ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AcceptedSize {
    /// Entries.
    pub entries: u32,
    /// When it accepted them.
    pub at: Wall,
}

/// A lane whose last attempt was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    /// When the first attempt after the last success failed.
    pub since: Wall,
    /// The published name of the last attempt's outcome.
    pub outcome: String,
    /// Its HTTP status, where it had one.
    pub status: Option<u16>,
}
