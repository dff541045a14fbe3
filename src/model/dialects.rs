//! What an operator sets of the dialects.

use std::collections::BTreeMap;

use super::event::Dialect;
use super::network::Network;
use super::tenant_ids::TenantIds;

/// The settings of all dialects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialectSettings {
    /// The tenants that the configuration names, by what the dialects call them.
    pub tenants: Vec<TenantIds>,
    /// The delays of each dialect's schedule, milliseconds, each counted from the failure before it. Not empty. Of
    /// zoom, whose callers say how often, only the first counts.
    pub retry_ms: BTreeMap<Dialect, Vec<u64>>,
    /// Whether a reactor callback may ask for events that nobody knows.
    pub takes_unknown_types: bool,
    /// Collections of hal, beside the built-in one: each has what lies at or below these logical paths. None of them
    /// has a character that is special in a `watchPath`.
    pub collections: BTreeMap<String, Vec<String>>,
    /// Networks that callbacks may reach without TLS where a dialect asks for it otherwise: `[delivery] allow`.
    pub allow: Vec<Network>,
}

impl DialectSettings {
    /// The collection of hal that there always is: everything that a caller's tenants have.
    pub const ASSETS: &str = "assets";

    const MINUTE_MS: u64 = 60_000;
    const HOUR_MS: u64 = 60 * Self::MINUTE_MS;

    /// The delay between zoom's attempts, and the schedule that its text gives to reactor, which the others have taken
    /// over: 1, 5 and 30 minutes, 1 and 12 hours, 1 and 3 days.
    const ZOOM_MS: [u64; 1] = [Self::MINUTE_MS];
    const OTHERS_MS: [u64; 7] = [
        Self::MINUTE_MS,
        5 * Self::MINUTE_MS,
        30 * Self::MINUTE_MS,
        Self::HOUR_MS,
        12 * Self::HOUR_MS,
        24 * Self::HOUR_MS,
        72 * Self::HOUR_MS,
    ];

    /// Whether something under `[dialect]` differs.
    #[must_use]
    pub fn is_set_otherwise(&self, other: &Self) -> bool {
        let Self { tenants: _, retry_ms, takes_unknown_types, collections, allow: _ } = self;
        (retry_ms, takes_unknown_types, collections)
            != (&other.retry_ms, &other.takes_unknown_types, &other.collections)
    }

    /// A dialect's delays, milliseconds.
    #[must_use]
    pub fn retry_ms(&self, dialect: Dialect) -> &[u64] {
        let unless_set: &[u64] = if dialect == Dialect::Zoom { &Self::ZOOM_MS } else { &Self::OTHERS_MS };
        self.retry_ms.get(&dialect).map_or(unless_set, Vec::as_slice)
    }
}

impl Default for DialectSettings {
    /// As the dialects' texts say.
    fn default() -> Self {
        Self {
            tenants: Vec::new(),
            retry_ms: BTreeMap::new(),
            takes_unknown_types: false,
            collections: BTreeMap::new(),
            allow: Vec::new(),
        }
    }
}
