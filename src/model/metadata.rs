//! Metadata: keys, each with a list of values; where a value came from; and the difference between two states.

use std::collections::{BTreeMap, BTreeSet};

use super::sidecar;

/// A metadata key, as written: `IPTC_City`, `Rating`, `XATTR_user.project`. Compared by exact characters after NFC;
/// whoever makes one has normalised it ([`nfc`]).
pub type Key = String;

/// The values of one key: one or more strings in the order of their source. An empty string is a value; a key without
/// a value is absent from its map.
pub type Values = Vec<String>;

/// An asset's keys and values. Ordered by key, so that everything derived from it is reproducible.
pub type Metadata = BTreeMap<Key, Values>;

/// Where metadata comes from. The order of the variants is their rank unless the configuration says otherwise
/// ([`SourceOrder`]): for each key the first source that has it wins, whole (lists replace, they never join).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(into = "i64", try_from = "i64")]
pub enum Source {
    /// The asset store said so over `POST /v1/records`.
    Records,
    /// An extended attribute `user.*` of the file.
    Xattr,
    /// The sidecar `name.ext.xmp`.
    FullSidecar,
    /// The sidecar `name.xmp`.
    StemSidecar,
    /// IPTC-IIM inside the file that was changed by a program that knows no XMP: the file's digest of it does not
    /// match. It ranks before XMP.
    NewerIptc,
    /// XMP inside the file.
    Xmp,
    /// IPTC-IIM inside the file.
    Iptc,
    /// EXIF, and the container's own tags.
    Exif,
    /// The sidecar `name.ext.json`.
    JsonSidecar,
    /// What only `exiftool` reads from the file.
    Exiftool,
}

impl Source {
    /// All sources, first wins.
    pub const ALL: [Self; 10] = [
        Self::Records,
        Self::Xattr,
        Self::FullSidecar,
        Self::StemSidecar,
        Self::NewerIptc,
        Self::Xmp,
        Self::Iptc,
        Self::Exif,
        Self::JsonSidecar,
        Self::Exiftool,
    ];

    /// The number that the ledger keeps for it. Never reused for another source.
    #[must_use]
    pub fn code(self) -> i64 {
        match self {
            Self::Records => 1,
            Self::Xattr => 2,
            Self::FullSidecar => 3,
            Self::StemSidecar => 4,
            Self::Xmp => 5,
            Self::Iptc => 6,
            Self::Exif => 7,
            Self::JsonSidecar => 8,
            Self::NewerIptc => 9,
            Self::Exiftool => 10,
        }
    }

    /// The source of a [`Self::code`].
    #[must_use]
    pub fn from_code(code: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.code() == code)
    }

    /// The source that a sidecar of a kind is.
    #[must_use]
    pub fn of_sidecar(kind: sidecar::Kind) -> Self {
        match kind {
            sidecar::Kind::FullXmp => Self::FullSidecar,
            sidecar::Kind::StemXmp => Self::StemSidecar,
            sidecar::Kind::Json => Self::JsonSidecar,
        }
    }

    /// Its name in the configuration and in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Records => "record",
            Self::Xattr => "xattr",
            Self::FullSidecar => "full sidecar",
            Self::StemSidecar => "stem sidecar",
            Self::Xmp => "xmp",
            Self::NewerIptc | Self::Iptc => "iptc",
            Self::Exif => "exif",
            Self::JsonSidecar => "json sidecar",
            Self::Exiftool => "exiftool",
        }
    }
}

impl From<Source> for i64 {
    fn from(source: Source) -> Self {
        source.code()
    }
}

impl TryFrom<i64> for Source {
    type Error = String;

    fn try_from(code: i64) -> Result<Self, String> {
        Self::from_code(code).ok_or_else(|| format!("there is no metadata source {code}"))
    }
}

/// Which source wins where several have a key: the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceOrder([Source; 10]);

impl Default for SourceOrder {
    fn default() -> Self {
        Self(Source::ALL)
    }
}

impl SourceOrder {
    /// The sources that the configuration orders. `exiftool` is always last.
    pub const ORDERED: [Source; 8] = [
        Source::Records,
        Source::Xattr,
        Source::FullSidecar,
        Source::StemSidecar,
        Source::Xmp,
        Source::Iptc,
        Source::Exif,
        Source::JsonSidecar,
    ];

    /// The order that begins with these, the others behind them in the default order. IPTC-IIM that is newer than the
    /// XMP beside it ranks directly before both.
    #[must_use]
    pub fn beginning_with(first: &[Source]) -> Self {
        let mut order: Vec<Source> = Vec::with_capacity(Source::ALL.len());
        for source in first.iter().copied().chain(Source::ALL).filter(|source| *source != Source::NewerIptc) {
            if !order.contains(&source) {
                order.push(source);
            }
        }
        let first = order.iter().position(|source| matches!(source, Source::Xmp | Source::Iptc)).unwrap_or(0);
        order.insert(first, Source::NewerIptc);
        Self(order.try_into().unwrap_or(Source::ALL))
    }

    /// The order of these; `None` unless each source is there once.
    #[must_use]
    pub fn of_sources(sources: &[Source]) -> Option<Self> {
        let order: [Source; 10] = sources.try_into().ok()?;
        Source::ALL.iter().all(|source| order.contains(source)).then_some(Self(order))
    }

    /// The sources, first wins.
    #[must_use]
    pub fn sources(&self) -> [Source; 10] {
        self.0
    }
}

/// What one source says of an asset.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Said {
    /// The keys and values.
    pub values: Metadata,
    /// The keys whose values are a sequence: their order means something.
    pub ordered: BTreeSet<Key>,
}

impl Said {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

impl From<Metadata> for Said {
    fn from(values: Metadata) -> Self {
        Self { values, ordered: BTreeSet::new() }
    }
}

/// What each source says of one asset. A source with nothing to say is absent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BySource {
    /// Which source wins.
    pub order: SourceOrder,
    said: BTreeMap<Source, Said>,
}

impl BySource {
    /// Nothing said yet, with the default order.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Nothing said yet.
    #[must_use]
    pub fn ordered(order: SourceOrder) -> Self {
        Self { order, said: BTreeMap::new() }
    }

    /// What a source says.
    #[must_use]
    pub fn get(&self, source: Source) -> Option<&Said> {
        self.said.get(&source)
    }

    /// A source says this now; nothing said is no source.
    pub fn insert(&mut self, source: Source, said: impl Into<Said>) {
        let said = said.into();
        if said.is_empty() {
            self.said.remove(&source);
        } else {
            self.said.insert(source, said);
        }
    }

    /// A source says nothing any more; returns what it said.
    pub fn remove(&mut self, source: Source) -> Option<Said> {
        self.said.remove(&source)
    }

    /// The sources that say something, first wins.
    pub fn ranked(&self) -> impl Iterator<Item = (Source, &Said)> {
        self.order.0.into_iter().filter_map(|source| Some((source, self.said.get(&source)?)))
    }

    /// For each key whose values count, and which they are.
    #[must_use]
    pub fn winners(&self) -> BTreeMap<&str, Winner<'_>> {
        let mut out = BTreeMap::new();
        for (source, said) in self.ranked() {
            for (key, values) in &said.values {
                let winner = || Winner { source, values, is_ordered: said.ordered.contains(key) };
                out.entry(key.as_str()).or_insert_with(winner);
            }
        }
        out
    }
}

/// The values of a key that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Winner<'a> {
    /// Whose they are.
    pub source: Source,
    /// Which.
    pub values: &'a Values,
    /// Their order means something.
    pub is_ordered: bool,
}

impl<const N: usize> From<[(Source, Metadata); N]> for BySource {
    fn from(said: [(Source, Metadata); N]) -> Self {
        let mut out = Self::new();
        for (source, values) in said {
            out.insert(source, values);
        }
        out
    }
}

/// The state that rules and receivers see: for each key the values of the first source that has it.
#[must_use]
pub fn merged(sources: &BySource) -> Metadata {
    sources.winners().into_iter().map(|(key, winner)| (key.to_owned(), winner.values.clone())).collect()
}

pub use super::normal::nfc;

/// What every key of an extended attribute begins with; the attribute's whole name follows: `XATTR_user.project`.
pub const XATTR_PREFIX: &str = "XATTR_";

pub use super::keys::is_physical;

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
    /// Where the new values come from; of a key that was removed, where the old ones came from. `None` in a row of
    /// before the journal kept it.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
}

/// The keys that a change touched, in key order. Empty when it touched none.
pub type Delta = Vec<KeyDelta>;

#[cfg(test)]
mod tests {
    use super::{BySource, Metadata, Source, SourceOrder, merged};

    #[test]
    fn an_order_names_some_sources_and_the_others_follow() {
        let codes = |order: SourceOrder| order.sources().map(Source::code);
        let default = codes(SourceOrder::default());
        assert_eq!(codes(SourceOrder::beginning_with(&[])), default);
        assert_eq!(codes(SourceOrder::beginning_with(&SourceOrder::ORDERED)), default);
        let order = SourceOrder::beginning_with(&[Source::Exif, Source::Iptc]);
        assert_eq!(codes(order), [7, 9, 6, 1, 2, 3, 4, 5, 8, 10]);
        assert_eq!(SourceOrder::of_sources(&order.sources()), Some(order));
        assert_eq!(SourceOrder::of_sources(&[Source::Exif; 10]), None);
        assert_eq!(SourceOrder::of_sources(&[Source::Exif]), None);
    }

    #[test]
    fn the_first_source_that_has_a_key_wins_it_whole() {
        let said = |pairs: &[(&str, &[&str])]| -> Metadata {
            pairs.iter().map(|(key, values)| ((*key).into(), values.iter().map(|v| (*v).into()).collect())).collect()
        };
        let mut sources: BySource = [
            (Source::Exif, said(&[("A", &["exif"]), ("B", &["exif"])])),
            (Source::Records, said(&[("A", &["r1", "r2"])])),
        ]
        .into();
        assert_eq!(merged(&sources), said(&[("A", &["r1", "r2"]), ("B", &["exif"])]));
        sources.order = SourceOrder::beginning_with(&[Source::Exif]);
        assert_eq!(merged(&sources), said(&[("A", &["exif"]), ("B", &["exif"])]));
        assert_eq!(sources.winners().get("A").map(|winner| winner.source), Some(Source::Exif));
    }
}
