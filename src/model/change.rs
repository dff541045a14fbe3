//! A change: one recorded difference between the disk and the catalog, or one assignment of metadata.

use super::ids::{AssetId, Rrn, Seq};
use super::metadata::Delta;
use super::path::LogicalPath;
use super::time::Wall;

/// What happened to the asset itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// It is new at its path.
    Added,
    /// Its bytes may differ.
    Modified,
    /// It is no longer at its path.
    Deleted,
    /// Only its metadata changed.
    None,
}

impl Action {
    /// All of them, in the order of the published payload text.
    pub const ALL: [Self; 4] = [Self::None, Self::Added, Self::Modified, Self::Deleted];

    /// The action of a word in payloads and rules.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == word)
    }

    /// The word in payloads and rules.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Modified => "modified",
            Self::Deleted => "deleted",
            Self::None => "none",
        }
    }

    /// The built-in event that it is.
    #[must_use]
    pub fn event_name(self) -> &'static str {
        match self {
            Self::Added => "asset.added",
            Self::Modified => "asset.modified",
            Self::Deleted => "asset.deleted",
            Self::None => "asset.metadata",
        }
    }

    /// The number that the ledger keeps for it.
    #[must_use]
    pub fn code(self) -> i64 {
        match self {
            Self::None => 0,
            Self::Added => 1,
            Self::Modified => 2,
            Self::Deleted => 3,
        }
    }

    /// The action of a [`Self::code`].
    #[must_use]
    pub fn from_code(code: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.code() == code)
    }
}

/// One row of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its place in the journal.
    pub seq: Seq,
    /// The ledger transaction that recorded it.
    pub rrn: Rrn,
    /// When it was recorded.
    pub time: Wall,
    /// The asset.
    pub asset: AssetId,
    /// Where the asset stood (for `deleted`: where it no longer stands). Kept whole: a directory's later name must not
    /// show in an older change.
    pub path: LogicalPath,
    /// The owner's user name, or the uid in digits.
    pub owner: String,
    /// What happened.
    pub action: Action,
    /// Which metadata it touched.
    pub delta: Delta,
    /// How many bytes the asset had when the change was recorded, and for a deletion when it was last known. `None` in
    /// what was recorded before the journal kept it.
    pub size: Option<u64>,
    /// Its modification time, in nanoseconds since the Unix epoch; `None` as for `size`.
    pub mtime_ns: Option<i64>,
    /// Where the asset was before, on the `added` half of a move.
    pub previous_path: Option<LogicalPath>,
    /// The other half of the move: the deletion at `previous_path`. It may be far older than this half, and past the
    /// journal's retention. `None` where the ledger did not keep its seq yet.
    pub moved: Option<Seq>,
}

#[cfg(test)]
impl Change {
    /// What happened to some asset of nobody in particular, for tests of whoever looks at changes.
    pub(crate) fn of_some_asset(path: &[u8], action: Action, delta: Delta) -> Self {
        Self {
            seq: Seq(1),
            rrn: Rrn(1),
            time: Wall(0),
            asset: AssetId(1),
            path: LogicalPath::parse(path).expect("a path"),
            owner: String::new(),
            action,
            delta,
            size: None,
            mtime_ns: None,
            previous_path: None,
            moved: None,
        }
    }
}
