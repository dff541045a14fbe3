//! How long, and how much of, what the ledger holds is kept.

/// A day, milliseconds.
pub const DAY_MS: i64 = 86_400_000;

/// The bounds of the ledger. What is past an age or a number is forgotten, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// `[retention] journal`: the age of changes and events, milliseconds. What is owed of older ones is dropped, and
    /// said.
    pub journal_ms: i64,
    /// `[retention] journal_rows`: changes and events, by their numbers.
    pub journal_rows: u64,
    /// `[retention] deliveries`: how long something is kept of accepted deliveries, milliseconds from when they were
    /// cut.
    pub deliveries_ms: i64,
    /// `[retention] deliveries_rows`: accepted deliveries of which something is kept.
    pub deliveries_rows: u64,
    /// `[retention] dead`: the age of dead letters, milliseconds.
    pub dead_ms: i64,
    /// `[retention] dead_rows`: dead letters.
    pub dead_rows: u64,
    /// Bytes of dead letters' bodies.
    pub dead_bytes: u64,
    /// `[retention] gone`: how long a deleted asset is known, so that a file that comes back is the same asset;
    /// milliseconds.
    pub gone_ms: i64,
    /// Deleted assets that are known.
    pub gone_rows: u64,
    /// Assignments to paths that hold no asset yet.
    pub early_rows: u64,
    /// Remembered `Idempotency-Key`s.
    pub idempotency_rows: u64,
    /// `[delivery] owed`: entries that one subscription may be owed.
    pub owed: u64,
}

/// Most bytes of dead letters' bodies, 4 GiB: 4,000 of the largest, or a million of 4 KiB. A state directory lies on
/// a system disk more often than beside the store.
pub const DEAD_BYTES_MAX: u64 = 4 << 30;
/// Most deleted assets that are known, 2,000,000: some 300 bytes each, so 600 MB. Past it, the oldest come back as new
/// assets.
pub const GONE_MAX: u64 = 2_000_000;
/// Most paths that hold no asset and have assignments, 1,000,000: a hundred of the largest requests.
pub const EARLY_RECORDS_MAX: u64 = 1_000_000;
/// Most remembered `Idempotency-Key`s, 1,000,000: eleven a second for their 24 hours.
pub const IDEMPOTENCY_KEYS_MAX: u64 = 1_000_000;

impl Default for Retention {
    fn default() -> Self {
        Self {
            journal_ms: 7 * DAY_MS,
            journal_rows: 50_000_000,
            deliveries_ms: 30 * DAY_MS,
            deliveries_rows: 1_000_000,
            dead_ms: 30 * DAY_MS,
            dead_rows: 1_000_000,
            dead_bytes: DEAD_BYTES_MAX,
            gone_ms: 7 * DAY_MS,
            gone_rows: GONE_MAX,
            early_rows: EARLY_RECORDS_MAX,
            idempotency_rows: IDEMPOTENCY_KEYS_MAX,
            owed: 1_000_000,
        }
    }
}

/// A bound by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bound {
    /// [`Retention::journal_rows`].
    Journal,
    /// [`Retention::dead_rows`].
    Dead,
    /// [`Retention::dead_bytes`].
    DeadBytes,
    /// [`Retention::gone_rows`].
    Gone,
    /// [`Retention::early_rows`].
    EarlyRecords,
    /// [`Retention::idempotency_rows`].
    IdempotencyKeys,
}

impl Bound {
    /// What is bounded, for people.
    #[must_use]
    pub fn what(self) -> &'static str {
        match self {
            Self::Journal => "changes in the journal",
            Self::Dead => "dead letters",
            Self::DeadBytes => "bytes of dead letters",
            Self::Gone => "deleted assets",
            Self::EarlyRecords => "records for paths without an asset",
            Self::IdempotencyKeys => "idempotency keys",
        }
    }

    /// How much is kept.
    #[must_use]
    pub fn most(self, retention: &Retention) -> u64 {
        match self {
            Self::Journal => retention.journal_rows,
            Self::Dead => retention.dead_rows,
            Self::DeadBytes => retention.dead_bytes,
            Self::Gone => retention.gone_rows,
            Self::EarlyRecords => retention.early_rows,
            Self::IdempotencyKeys => retention.idempotency_rows,
        }
    }
}
