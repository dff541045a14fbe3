//! Why a callback for a file came, or did not: one path, followed through the whole pipeline. What was found out about
//! it is [`Evidence`], gathered by whoever may ask the disk, the running engine, the ledger and the rules; [`judge`]
//! says at which stage the file has stopped. Nothing is decided by it.

mod delivery;
mod judge;
mod seen;
mod words;

use std::path::PathBuf;

use serde_json::{Map, Value};

pub use self::judge::judge;
use super::change::Change;
use super::ids::{AssetId, NodeId, Seq, SubscriptionId};
use super::lane::Pause;
use super::listing::{ListedAsset, ListedDelivery, Registry};
use super::look::Writer;
use super::mount::Mount;
use super::path::LogicalPath;
use super::time::Wall;
use super::watching::SourceKind;

/// Changes of a path that are shown, the newest first: enough to see a save and what came before it.
pub const CHANGES_MAX: usize = 10;
/// Deliveries that are shown, the newest first.
pub const DELIVERIES_MAX: usize = 20;
/// Rules that are shown, those first that could fire at the path.
pub const RULES_MAX: usize = 100;

/// The stages, in the order in which a file meets them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StageName {
    /// The path lies in a mount, and the mount is there.
    Mount,
    /// No pattern ignores it.
    Ignore,
    /// A regular file is there, and no symbolic link leads to it.
    Path,
    /// It can be looked at.
    Read,
    /// Nobody writes it.
    Writer,
    /// Nothing about it waits to be looked at.
    Look,
    /// A change of it is recorded.
    Change,
    /// A rule fires on the newest change.
    Rules,
    /// What was owed for it is accepted.
    Delivery,
}

impl StageName {
    /// All of them, in order.
    pub const ALL: [Self; 9] = [
        Self::Mount,
        Self::Ignore,
        Self::Path,
        Self::Read,
        Self::Writer,
        Self::Look,
        Self::Change,
        Self::Rules,
        Self::Delivery,
    ];

    /// As shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mount => "mount",
            Self::Ignore => "ignore",
            Self::Path => "path",
            Self::Read => "read",
            Self::Writer => "writer",
            Self::Look => "look",
            Self::Change => "change",
            Self::Rules => "rules",
            Self::Delivery => "delivery",
        }
    }
}

/// Where a file has stopped on its way to a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stopped {
    /// The path lies in no mount.
    NoMount,
    /// A pattern ignores it.
    Ignored,
    /// It is a symbolic link, or lies behind one.
    SymbolicLink,
    /// Something else than a regular file is there.
    NotAFile,
    /// Its mount, or a filesystem inside the mount, is not there.
    MountOffline,
    /// It cannot be looked at.
    Unreadable,
    /// Somebody has it open for writing.
    StillWritten,
    /// It was written, and its close is waited for, or that it stays as it is.
    WaitingForClose,
    /// It was not looked at yet.
    NotLookedAt,
    /// Nothing is recorded that could be reported.
    NoChange,
    /// No rule fires on the newest change.
    NoRule,
    /// The subscription is paused.
    Paused,
    /// The subscription gathers a batch.
    Lingering,
    /// It goes out after another delivery of the subscription.
    Behind,
    /// An attempt failed, and the next one is to come.
    WaitingForRetry,
    /// It is about to go out, or on the wire.
    InFlight,
    /// It was given up, or dropped.
    Dead,
}

impl Stopped {
    /// All of them, in the order of the stages.
    pub const ALL: [Self; 17] = [
        Self::NoMount,
        Self::Ignored,
        Self::SymbolicLink,
        Self::NotAFile,
        Self::MountOffline,
        Self::Unreadable,
        Self::StillWritten,
        Self::WaitingForClose,
        Self::NotLookedAt,
        Self::NoChange,
        Self::NoRule,
        Self::Paused,
        Self::Lingering,
        Self::Behind,
        Self::WaitingForRetry,
        Self::InFlight,
        Self::Dead,
    ];

    /// As shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoMount => "no-mount",
            Self::Ignored => "ignored",
            Self::SymbolicLink => "symbolic-link",
            Self::NotAFile => "not-a-file",
            Self::MountOffline => "mount-offline",
            Self::Unreadable => "unreadable",
            Self::StillWritten => "still-written",
            Self::WaitingForClose => "waiting-for-close",
            Self::NotLookedAt => "not-looked-at",
            Self::NoChange => "no-change",
            Self::NoRule => "no-rule",
            Self::Paused => "paused",
            Self::Lingering => "lingering",
            Self::Behind => "behind",
            Self::WaitingForRetry => "waiting-for-retry",
            Self::InFlight => "in-flight",
            Self::Dead => "dead",
        }
    }
}

/// What is said of one stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Which.
    pub name: StageName,
    /// The file has passed it. Past the stage where it has stopped this is true only of what is known to be well.
    pub is_ok: bool,
    /// Since when it is so, where that is known.
    pub since: Option<Wall>,
    /// What was found: a sentence without a full stop.
    pub text: String,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// The logical path.
    pub path: LogicalPath,
    /// Where it is on disk, where that is known.
    pub dir: Option<PathBuf>,
    /// The asset that is there, or was there last.
    pub asset: Option<AssetId>,
    /// What the asset that is there says, by key, as [`by_key`](super::metadata_by_key::by_key) shows it.
    pub metadata: Map<String, Value>,
    /// Where it has stopped; `None`: what was owed for it is accepted.
    pub stopped: Option<Stopped>,
    /// The answer in one sentence, without a full stop.
    pub sentence: String,
    /// Each stage, in order.
    pub stages: Vec<Stage>,
    /// The path's changes, the newest first, at most [`CHANGES_MAX`].
    pub changes: Vec<Change>,
    /// Rules and the newest change, at most [`RULES_MAX`].
    pub rules: Vec<RuleVerdict>,
    /// Deliveries that carry one of the changes, the newest first, at most [`DELIVERIES_MAX`].
    pub deliveries: Vec<ListedDelivery>,
}

/// Whether a rule fires on a change, by the rules that are in force now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleVerdict {
    /// The ledger's number of its subscription, where it has one.
    pub id: Option<SubscriptionId>,
    /// The subscription's name.
    pub subscription: String,
    /// The first clause that failed, as written, and what was found instead; `None`: it fires.
    pub failed: Option<(String, String)>,
}

impl RuleVerdict {
    /// Returns whether it fires.
    #[must_use]
    pub fn fires(&self) -> bool {
        self.failed.is_none()
    }
}

/// What the rules in force say of a change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdicts {
    /// Those that fire, then those that could at this path, then the others; at most [`RULES_MAX`].
    pub shown: Vec<RuleVerdict>,
    /// How many rules were asked.
    pub asked: usize,
    /// How many fire.
    pub firing: usize,
}

/// What one look at the disk has found at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathSeen {
    /// Why it is ignored.
    pub ignored: Option<String>,
    /// What is there.
    pub there: There,
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum There {
    /// Nobody looked; why.
    NotLooked(String),
    /// The mount's directory is not there, or cannot be looked at; why.
    NoRoot(String),
    /// Nothing.
    Nothing,
    /// A symbolic link, here or at a directory above.
    Link {
        /// Where it is.
        at: LogicalPath,
        /// Where it leads, where that can be read.
        to: Option<PathBuf>,
    },
    /// A directory.
    Directory,
    /// A socket, fifo or device.
    Special,
    /// A regular file.
    File {
        /// Bytes.
        size: u64,
        /// Its modification time, nanoseconds since the Unix epoch.
        mtime_ns: i64,
        /// Whether somebody has it open for writing.
        writer: Writer,
        /// Why its extended attributes cannot be read.
        unread: Option<String>,
    },
    /// It cannot be looked at; why.
    Unreadable(String),
}

impl There {
    /// Something is there for all that is known.
    #[must_use]
    pub fn is_something(&self) -> bool {
        !matches!(self, Self::Nothing | Self::NotLooked(_) | Self::NoRoot(_))
    }
}

/// What the running engine knows of a path, from memory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Watched {
    /// The path by which the file is known, where that has another Unicode form.
    pub known_as: Option<LogicalPath>,
    /// The mount's root was not looked at since the start.
    pub is_unknown: bool,
    /// Why the mount is offline, and since when.
    pub offline: Option<(String, Wall)>,
    /// At this directory another filesystem is mounted that is not entered; `true`: its files are known, and offline.
    pub closed: Option<(LogicalPath, bool)>,
    /// Deletions that a scan finds are not reported, because `max_deletions` allows no more.
    pub holds_deletions: bool,
    /// What watches the mount.
    pub source: Option<SourceKind>,
    /// Since when the mount is being scanned.
    pub scanning: Option<Wall>,
    /// Nothing hints at what happens in this directory, and why: it is scanned from time to time.
    pub unwatched: Option<(LogicalPath, String)>,
    /// Why a look at the path, or a listing of a directory above, failed.
    pub fault: Option<String>,
    /// It waits to be looked at.
    pub waits: Option<Wait>,
}

/// A path that waits to be looked at, or to be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// When it was first heard of.
    pub since: Wall,
    /// For what.
    pub until: Until,
    /// When it is looked at next, where that is known.
    pub due: Option<Wall>,
}

/// What a path waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Its turn: it is due.
    Turn,
    /// The result of a look that is under way.
    Look,
    /// The listing of its directory, or of one above.
    Listing,
    /// That it is not written for a while, or stays as it is.
    Quiet,
    /// Its close: a look has found a writer.
    Close,
    /// Its close, or no write for a while: nobody can say whether it has a writer.
    LikelyClose,
    /// The end of a fault.
    Fault,
}

/// What the engine says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Engine {
    /// What it knows.
    Knows(Box<Watched>),
    /// It does not run, or could not be asked: why, for people.
    Silent(String),
}

/// What the ledger knows of a path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// The asset that is there.
    pub asset: Option<ListedAsset>,
    /// The asset that was there last, where it is gone.
    pub gone: Option<AssetId>,
    /// The path's changes, the newest first, at most [`CHANGES_MAX`].
    pub changes: Vec<Change>,
}

impl Known {
    /// The ledger has, or had, something there.
    #[must_use]
    pub fn is_something(&self) -> bool {
        self.asset.is_some() || self.gone.is_some() || !self.changes.is_empty()
    }
}

/// What became of changes on their way to subscribers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sent {
    /// Deliveries that carry one of the changes, the newest first.
    pub deliveries: Vec<ListedDelivery>,
    /// The lanes that were asked.
    pub lanes: Vec<LaneSeen>,
}

/// What the ledger says of one subscription's lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneSeen {
    /// Whose it is.
    pub subscription: SubscriptionId,
    /// Its name.
    pub name: String,
    /// It is paused.
    pub paused: Option<Pause>,
    /// It was cancelled.
    pub cancelled: Option<Wall>,
    /// It lost entries, because it was owed too many or too old ones, and is not level again.
    pub lagged: Option<Wall>,
    /// The newest of the changes that it is owed and that is in no delivery yet.
    pub owes: Option<Seq>,
    /// When the oldest of all that it is owed was recorded.
    pub oldest_owed: Option<Wall>,
    /// The first delivery that it has on its way.
    pub ahead: Option<ListedDelivery>,
}

/// All that was found out.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// The logical path.
    pub path: LogicalPath,
    /// Where it is on disk.
    pub dir: Option<PathBuf>,
    /// The mount that it lies in.
    pub mount: Option<&'a Mount>,
    /// The mounts that there are, for whoever asks of a path in none.
    pub mounts: Vec<&'a Mount>,
    /// What is on the disk.
    pub seen: PathSeen,
    /// What the engine says.
    pub engine: Engine,
    /// What the ledger knows.
    pub known: Known,
    /// What the rules say of the newest change.
    pub rules: Verdicts,
    /// What became of the changes.
    pub sent: Sent,
    /// Whose targets are where, and what is on the wire.
    pub registry: &'a Registry,
    /// The ledger's id, for the ids of deliveries.
    pub node: NodeId,
    /// The time.
    pub now: Wall,
}

#[cfg(test)]
mod tests;
