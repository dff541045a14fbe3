//! What ringback says of itself: the shape of `GET /v1/status`. A snapshot; nothing decides by it.

use serde::Serialize;

use super::counted::counted;
use super::tenant::Tenant;
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
    /// What it is of deliveries that fail.
    #[serde(flatten)]
    pub failing: Option<Failing>,
    /// Whose it is; `None`: nobody's alone. Callers of a tenant are shown theirs.
    #[serde(skip)]
    pub tenant: Option<Tenant>,
}

/// Deliveries to one host fail in one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failing {
    /// Where they go: `name:port`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The last outcome.
    pub outcome: String,
    /// The last status, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How many subscriptions.
    pub subscriptions: u64,
    /// How many entries they are owed together.
    pub owed: u64,
    /// When the first of them is tried again, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<String>,
}

impl Trouble {
    /// Of a kind, since a time.
    #[must_use]
    pub fn new(kind: TroubleKind, since: Wall, text: String, subject: Option<String>) -> Self {
        Self { kind, since: since.to_string(), text, subject, failing: None, tenant: None }
    }

    /// The same, and whose it is.
    #[must_use]
    pub fn of(self, tenant: Option<Tenant>) -> Self {
        Self { tenant, ..self }
    }

    /// Deliveries fail. `subject` is the subscription, where it is one.
    #[must_use]
    pub fn failing(since: Wall, subject: Option<String>, failing: Failing) -> Self {
        let mut trouble = Self::new(TroubleKind::Failing, since, String::new(), subject);
        trouble.text = failing.text(trouble.subject.as_deref());
        Self { failing: Some(failing), ..trouble }
    }

    /// Takes another one in, where both are of one host and outcome; gives it back where they are not.
    fn merge(&mut self, other: Self) -> Option<Self> {
        let (Some(failing), Some(more)) = (&mut self.failing, &other.failing) else { return Some(other) };
        if (&failing.host, &failing.outcome, failing.status) != (&more.host, &more.outcome, more.status) {
            return Some(other);
        }
        failing.subscriptions += more.subscriptions;
        failing.owed += more.owed;
        // Of one length and one zone: their order is that of the times.
        let next = [failing.next_attempt_at.take(), more.next_attempt_at.clone()];
        failing.next_attempt_at = next.into_iter().flatten().min();
        self.subject = None;
        self.text = failing.text(None);
        self.since = other.since.min(std::mem::take(&mut self.since));
        self.tenant = self.tenant.take().filter(|tenant| other.tenant.as_ref() == Some(tenant));
        None
    }
}

/// Makes one of the troubles that are of one host and outcome.
pub fn merge_troubles(troubles: &mut Vec<Trouble>) {
    let mut merged: Vec<Trouble> = Vec::with_capacity(troubles.len());
    for trouble in troubles.drain(..) {
        let left = merged.iter_mut().try_fold(trouble, |trouble, before| match before.merge(trouble) {
            Some(left) => Ok(left),
            None => Err(()),
        });
        merged.extend(left);
    }
    *troubles = merged;
}

impl Failing {
    fn text(&self, subscription: Option<&str>) -> String {
        let who = subscription.map_or_else(|| counted(self.subscriptions, "subscription"), str::to_owned);
        let host = self.host.as_ref().map(|host| format!(" to {host}")).unwrap_or_default();
        let said = self.status.map_or_else(|| self.outcome.clone(), |status| format!("HTTP status {status}"));
        format!("{who}: deliveries{host} are not accepted, the last outcome was: {said}")
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
    /// The `exiftool` that the configuration asks for.
    Metadata,
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

impl TroubleKind {
    /// All of them, the worst first.
    pub const ALL: [Self; 9] = [
        Self::Disk,
        Self::Rules,
        Self::Mount,
        Self::Metadata,
        Self::Paused,
        Self::Lagged,
        Self::Failing,
        Self::Late,
        Self::Dead,
    ];
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
    /// How far the scan is that goes on now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scan: Option<ScanProgress>,
    /// Age in milliseconds of the oldest hint that is not yet a look's result; 0 when there is none.
    pub lag_ms: u64,
    /// Places in it that are not watched, read or entered, at most [`NOTES_MAX`]: in the order of paths, symbolic links
    /// last.
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
    /// A subvolume of the mount's own filesystem: another one than the known one is mounted there, or it cannot be
    /// read.
    Subvolume,
    /// What is mounted there hides known assets, or shows what another place of the mount shows already.
    Covered,
    /// Its path is longer than the system takes.
    TooLong,
    /// Nothing hints what happens there: it is scanned each `poll_interval`.
    NotWatched,
    /// It cannot be read.
    Unreadable,
    /// A symbolic link, which is not followed.
    SymbolicLink,
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

/// How far a scan is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScanProgress {
    /// Directories that it has gone through.
    pub done: u64,
    /// Directories that there were before it, where the mount has been scanned before: about so many there will be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<u64>,
    /// The directory that it went through last, logical; U+FFFD where it is not UTF-8.
    pub path: String,
}

/// The rules in force.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct RulesStatus {
    /// Rises by one with every set that is taken up; 0 before the first.
    pub generation: u64,
    /// How many subscriptions it has.
    pub subscriptions: u64,
    /// How many subscriptions programs have registered beside it.
    #[serde(skip_serializing_if = "is_zero")]
    pub registered: u64,
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

#[cfg(test)]
mod tests {
    use super::{Failing, Trouble, TroubleKind, merge_troubles};
    use crate::model::time::Wall;

    #[test]
    fn troubles_of_one_host_and_outcome_are_one() {
        let failing = |name: &str, at: i64, host: &str, status, next: Option<i64>| {
            let failing = Failing {
                host: Some(host.to_owned()),
                outcome: "http-error".to_owned(),
                status: Some(status),
                subscriptions: 1,
                owed: 3,
                next_attempt_at: next.map(|at| Wall(at).to_string()),
            };
            Trouble::failing(Wall(at), Some(name.to_owned()), failing)
        };
        let dead = Trouble::new(TroubleKind::Dead, Wall(0), "1 delivery was given up".to_owned(), None);
        let mut troubles = vec![
            failing("a", 2_000, "x:80", 503, Some(9_000)),
            failing("b", 1_000, "x:80", 500, None),
            dead.clone(),
            failing("c", 3_000, "y:80", 503, None),
            failing("d", 1_000, "x:80", 503, Some(8_000)),
        ];
        merge_troubles(&mut troubles);
        let texts: Vec<_> =
            troubles.iter().map(|trouble| (trouble.text.as_str(), trouble.subject.as_deref())).collect();
        let expect = [
            ("2 subscriptions: deliveries to x:80 are not accepted, the last outcome was: HTTP status 503", None),
            ("b: deliveries to x:80 are not accepted, the last outcome was: HTTP status 500", Some("b")),
            ("1 delivery was given up", None),
            ("c: deliveries to y:80 are not accepted, the last outcome was: HTTP status 503", Some("c")),
        ];
        assert_eq!(texts, expect);
        let first = troubles[0].failing.clone().expect("it fails");
        assert_eq!((first.subscriptions, first.owed), (2, 6));
        assert_eq!(first.next_attempt_at, Some(Wall(8_000).to_string()), "the first of both");
        assert_eq!(troubles[0].since, Wall(1_000).to_string(), "since the first of both");
    }
}
