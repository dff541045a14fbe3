//! What ringback says of itself: the shape of `GET /v1/status`. A snapshot; nothing decides by it.

use serde::Serialize;

use super::time::Wall;
use super::watching::SourceKind;

/// The whole answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// `ringback` version.
    pub version: &'static str,
    /// This ledger's id, 16 hex digits.
    pub node: String,
    /// What needs an operator, worst first; at most [`TROUBLES_MAX`].
    pub troubles: Vec<Trouble>,
    /// How many troubles more there are.
    #[serde(skip_serializing_if = "is_zero")]
    pub troubles_more: u64,
    /// The start scan of each reachable mount is done and the ledger takes writes.
    pub ready: bool,
    /// In the order of the configuration.
    pub mounts: Vec<MountStatus>,
    /// The rule set in force.
    pub rules: RulesStatus,
    /// What is owed.
    pub outbox: OutboxStatus,
    /// Batches on their way.
    pub deliveries: DeliveriesStatus,
    /// Attempts on the wire that are older than their limits allow; they are ended as `internal`.
    #[serde(skip_serializing_if = "is_zero")]
    pub attempts_overdue: usize,
    /// Log lines that could not be written since the start.
    pub log_lines_lost: u64,
}

fn is_zero<T: PartialEq + Default>(number: &T) -> bool {
    *number == T::default()
}

/// Troubles that a status holds, at most: a screen's worth, and an answer of bounded size.
pub const TROUBLES_MAX: usize = 100;

/// One thing that needs an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// What kind of thing it is.
    pub kind: TroubleKind,
    /// Since when, RFC 3339.
    pub since: String,
    /// What is wrong, and what to do.
    pub text: String,
    /// The subscription, mount or file that it is about, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

impl Trouble {
    /// Of a kind, since a time.
    #[must_use]
    pub fn new(kind: TroubleKind, since: Wall, text: String, subject: Option<String>) -> Self {
        Self { kind, since: since.to_string(), text, subject }
    }
}

/// Kinds of trouble, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TroubleKind {
    /// The ledger, its disk, or the clock that its forgetting goes by.
    Disk,
    /// Rule files.
    Rules,
    /// A mount.
    Mount,
    /// A subscription is paused.
    Paused,
    /// A subscription lost entries because it was owed too many or too old ones.
    Lagged,
    /// A subscription's deliveries fail.
    Failing,
    /// A subscription's deliveries are late.
    Late,
    /// There are dead letters.
    Dead,
}

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MountStatus {
    /// Logical.
    pub path: String,
    /// On disk.
    pub dir: String,
    /// What it is doing.
    pub state: MountState,
    /// Why it is degraded or offline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Which watch source; none before its root was first seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceKind>,
    /// Why that source, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_reason: Option<String>,
    /// Assets in the catalog.
    pub assets: u64,
    /// Directories in the catalog.
    pub directories: u64,
    /// The last scan of the whole mount that ended; none before the first has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_scan: Option<ScanStatus>,
    /// Age in milliseconds of the oldest hint that is not yet a look's result; 0 when there is none.
    pub lag_ms: u64,
    /// Places in it that are not watched, read or entered, in the order of paths, at most [`NOTES_MAX`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<MountNote>,
    /// How many more there are.
    #[serde(skip_serializing_if = "no_more")]
    pub notes_more: u64,
    /// Directories that are not watched, as far as they are kept by name. The metrics show it; the notes name them.
    #[serde(skip)]
    pub unwatched: u64,
}

/// Notes of one mount in a status, at most: an answer stays small however much is wrong.
pub const NOTES_MAX: usize = 100;

fn no_more(count: &u64) -> bool {
    *count == 0
}

/// A place in a mount that is not watched, read or entered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MountNote {
    /// Logical; U+FFFD where it is not UTF-8.
    pub path: String,
    /// The whole path's bytes in base64, where `path` lost something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_base64: Option<String>,
    /// What is the matter with it.
    pub why: NoteKind,
}

/// Why a place is not watched, read or entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoteKind {
    /// Another filesystem is mounted there and not entered, or one that was entered is not mounted any more.
    Filesystem,
    /// What is mounted there hides known assets, or shows what another place of the mount shows already.
    Covered,
    /// Its path is longer than the system takes.
    TooLong,
    /// Nothing hints what happens there: it is scanned each `poll_interval`.
    NotWatched,
    /// It cannot be read.
    Unreadable,
}

impl MountStatus {
    /// Whether its root has been looked at since the start: a source hints its changes from then on, or it is offline.
    #[must_use]
    pub fn is_root_seen(&self) -> bool {
        self.source.is_some() || self.state != MountState::Scanning
    }
}

/// What a mount is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MountState {
    /// A scan of it is running.
    Scanning,
    /// Hints arrive and nothing is wrong.
    Watching,
    /// Something in it cannot be watched or read.
    Degraded,
    /// Its root is not there, or another device's.
    Offline,
}

/// A scan of a mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScanStatus {
    /// When it ended, RFC 3339.
    pub at: String,
    /// How long it took.
    pub seconds: u64,
    /// How many paths it found to differ from the catalog.
    pub changes: u64,
}

/// The rules in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RulesStatus {
    /// Rises by one with every set that is taken up; 0 before the first.
    pub generation: u64,
    /// How many subscriptions it has.
    pub subscriptions: u64,
    /// How many named events it has.
    pub events: u64,
    /// What is wrong with the files on disk; while there is any fault, the last good set stays in force.
    pub faults: Vec<String>,
}

/// What is owed and not yet in a batch.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutboxStatus {
    /// Entries.
    pub entries: u64,
    /// Age of the oldest, seconds; 0 when there is none.
    pub oldest_seconds: u64,
}

/// Deliveries by state.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveriesStatus {
    /// Ready, waiting for a free slot.
    pub pending: u64,
    /// On the wire.
    pub in_flight: u64,
    /// Failed, waiting for the next attempt.
    pub waiting: u64,
    /// Given up.
    pub dead: u64,
}
