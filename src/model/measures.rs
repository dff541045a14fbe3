//! What is counted while ringback runs, and nowhere else known: numbers for `GET /metrics`. They begin at zero with
//! each start. Something is counted once it is committed; what a lost group did counts nothing.

use super::change::Action;
use super::listing::OUTCOMES;

/// Upper bounds of the buckets of a [`Histogram`], milliseconds: from 1 ms, doubling, to 24 hours.
pub const BOUNDS_MS: [u64; 28] = {
    let mut bounds = [24 * 3_600_000; 28];
    let mut n = 0;
    while n < 27 {
        bounds[n] = 1 << n;
        n += 1;
    }
    bounds
};

/// How long things took, by how many took about as long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Histogram {
    /// How many took no longer than each of [`BOUNDS_MS`] and longer than the bound before.
    pub buckets: [u64; BOUNDS_MS.len()],
    /// How many took longer than all of them.
    pub longer: u64,
    /// How long all of them took together, milliseconds.
    pub sum_ms: u64,
}

impl Histogram {
    /// One thing took so long.
    pub fn observe(&mut self, ms: u64) {
        let at = BOUNDS_MS.partition_point(|bound| *bound < ms);
        *self.buckets.get_mut(at).unwrap_or(&mut self.longer) += 1;
        self.sum_ms = self.sum_ms.saturating_add(ms);
    }

    /// Adds what another one has counted.
    pub fn add(&mut self, other: &Self) {
        add_all(&mut self.buckets, &other.buckets);
        self.longer += other.longer;
        self.sum_ms = self.sum_ms.saturating_add(other.sum_ms);
    }
}

/// Rows that were appended to the journal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Journaled {
    /// Changes, by action as in [`Action::ALL`].
    pub changes: [u64; Action::ALL.len()],
    /// Events.
    pub events: u64,
}

impl Journaled {
    /// Adds what another one has counted.
    pub fn add(&mut self, other: &Self) {
        add_all(&mut self.changes, &other.changes);
        self.events += other.events;
    }
}

/// What became of deliveries and attempts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dispatched {
    /// Deliveries that were accepted.
    pub delivered: u64,
    /// Deliveries that were given up.
    pub dead: u64,
    /// Deliveries that a caller dropped.
    pub dropped: u64,
    /// Attempts, by outcome as in [`OUTCOMES`].
    pub attempts: [u64; OUTCOMES.len()],
    /// Entries of the deliveries that were accepted.
    pub entries: u64,
    /// From when the oldest change of a delivery was recorded until the delivery was accepted.
    pub delivery: Histogram,
    /// How long attempts took.
    pub attempt: Histogram,
    /// Entries that were dropped because a subscription was owed too many or too old ones.
    pub lagged: u64,
    /// How often such entries were dropped.
    pub owed_reached: u64,
}

impl Dispatched {
    /// An attempt had an outcome, one of [`OUTCOMES`].
    pub fn attempted(&mut self, outcome: &str, duration_ms: u64) {
        if let Some(at) = OUTCOMES.iter().position(|known| *known == outcome) {
            self.attempts[at] += 1;
        }
        self.attempt.observe(duration_ms);
    }

    /// Adds what another one has counted.
    pub fn add(&mut self, other: &Self) {
        self.delivered += other.delivered;
        self.dead += other.dead;
        self.dropped += other.dropped;
        add_all(&mut self.attempts, &other.attempts);
        self.entries += other.entries;
        self.delivery.add(&other.delivery);
        self.attempt.add(&other.attempt);
        self.lagged += other.lagged;
        self.owed_reached += other.owed_reached;
    }
}

/// Rule files that were read again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reloads {
    /// And taken up.
    pub taken_up: u64,
    /// And refused: they had faults, or could not be read.
    pub refused: u64,
}

/// Subscriptions by state: the first of these that applies, from the last to the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SubscriptionCounts {
    /// Sent what they are owed.
    pub active: u64,
    /// Lost entries, and are not level again.
    pub lagged: u64,
    /// Paused, by somebody, by themselves or by their rule file.
    pub paused: u64,
    /// Were for once, and have been notified.
    pub cancelled: u64,
}

/// All that is counted or measured beside the status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Measures {
    /// Rows of the journal.
    pub journaled: Journaled,
    /// Deliveries and attempts.
    pub dispatched: Dispatched,
    /// Rule files.
    pub reloads: Reloads,
    /// Subscriptions of the rules in force; `None` while the ledger cannot be read.
    pub subscriptions: Option<SubscriptionCounts>,
    /// The length of the ledger's log, bytes.
    pub log_bytes: u64,
}

fn add_all<const N: usize>(to: &mut [u64; N], from: &[u64; N]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += from;
    }
}

#[cfg(test)]
mod tests {
    use super::{BOUNDS_MS, Histogram};

    #[test]
    fn what_took_as_long_as_a_bound_is_in_its_bucket() {
        assert_eq!((BOUNDS_MS[0], BOUNDS_MS[1], BOUNDS_MS[26], BOUNDS_MS[27]), (1, 2, 67_108_864, 86_400_000));
        let mut histogram = Histogram::default();
        for ms in [0, 1, 2, 3, 86_400_000, 86_400_001] {
            histogram.observe(ms);
        }
        assert_eq!(histogram.buckets[..4], [2, 1, 1, 0]);
        assert_eq!((histogram.buckets[27], histogram.longer, histogram.sum_ms), (1, 1, 172_800_007));
        let mut sum = histogram;
        sum.add(&histogram);
        assert_eq!((sum.buckets[0], sum.longer, sum.sum_ms), (4, 2, 345_600_014));
    }
}
