//! Metadata: keys, each with a list of values; where a value came from; and the difference between two states.

use std::collections::BTreeMap;

/// A metadata key, as written: `IPTC_City`, `Rating`, `XATTR_user.project`. Compared by exact characters after NFC;
/// whoever makes one has normalised it ([`nfc`]).
pub type Key = String;

/// The values of one key: one or more strings in the order of their source. An empty string is a value; a key without
/// a value is absent from its map.
pub type Values = Vec<String>;

/// An asset's keys and values. Ordered by key, so that everything derived from it is reproducible.
pub type Metadata = BTreeMap<Key, Values>;

/// Where metadata comes from. The order of the variants is their rank: for each key the first source that has it wins,
/// whole (lists replace, they never join).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The asset store said so over `POST /v1/records`.
    Records,
    /// An extended attribute `user.*` of the file.
    Xattr,
}

impl Source {
    /// All sources, first wins.
    pub const ALL: [Self; 2] = [Self::Records, Self::Xattr];

    /// The number that the ledger keeps for it. Never reused for another source.
    #[must_use]
    pub fn code(self) -> i64 {
        match self {
            Self::Records => 1,
            Self::Xattr => 2,
        }
    }

    /// The source of a [`Self::code`].
    #[must_use]
    pub fn from_code(code: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.code() == code)
    }
}

/// What each source says of one asset. A source with nothing to say is absent.
pub type BySource = BTreeMap<Source, Metadata>;

/// The state that rules and receivers see: for each key the values of the first source that has it.
#[must_use]
pub fn merged(sources: &BySource) -> Metadata {
    let mut out = Metadata::new();
    for metadata in sources.values() {
        for (key, values) in metadata {
            out.entry(key.clone()).or_insert_with(|| values.clone());
        }
    }
    out
}

pub use super::normal::nfc;

/// One key that a change touched: it was set, changed or removed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KeyDelta {
    /// The key.
    #[serde(rename = "k")]
    pub key: Key,
    /// The values before; empty when the key was absent.
    #[serde(rename = "o", default, skip_serializing_if = "Vec::is_empty")]
    pub old: Values,
    /// The values after; empty when the key was removed.
    #[serde(rename = "n", default, skip_serializing_if = "Vec::is_empty")]
    pub new: Values,
}

/// The keys that a change touched, in key order. Empty when it touched none.
pub type Delta = Vec<KeyDelta>;
