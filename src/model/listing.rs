//! What people ask about deliveries and subscriptions, and what they are shown. Nothing is decided by it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::by_number::ByNumber;
use super::change::Change;
use super::entry::Entry;
use super::ids::{AssetId, Rrn, Seq, SubscriptionId};
use super::lane::LanePolicy;
use super::metadata::BySource;
use super::part::DeliveryKey;
use super::path::LogicalPath;
use super::scope::Scope;
use super::subscription::Subscription;
use super::tenant::Tenant;
use super::time::Wall;

/// Where a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeliveryState {
    /// It goes out when it is its turn, or when its subscription is resumed.
    Pending,
    /// It is on the wire.
    InFlight,
    /// It waits for its next attempt.
    Waiting,
    /// It was accepted.
    Delivered,
    /// It was given up, and is kept.
    Dead,
    /// Somebody has dropped it.
    Dropped,
}

impl DeliveryState {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::InFlight, Self::Waiting, Self::Delivered, Self::Dead, Self::Dropped];

    /// As shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InFlight => "in-flight",
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
            Self::Dropped => "dropped",
        }
    }

    /// The state of a [`Self::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// The published names of outcomes.
pub const OUTCOMES: [&str; 7] =
    ["succeeded", "http-error", "unreachable", "timeout", "tls-error", "refused-address", "internal"];

/// A point that deliveries are compared with: a place in the journal, or a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// A place in the journal.
    Seq(Seq),
    /// A time.
    Time(Wall),
}

/// From when, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// Only what was cut at or after a time, or reaches beyond a place in the journal.
    pub since: Option<Point>,
    /// Only what was cut before a time, or ends before a place in the journal.
    pub before: Option<Point>,
}

impl Span {
    /// Returns whether it covers a delivery that was cut at a time and whose newest change has a place in the journal;
    /// 0 where that is not known.
    #[must_use]
    pub fn covers(&self, created: Wall, last: Seq) -> bool {
        let since = self.since.is_none_or(|since| match since {
            Point::Seq(seq) => last > seq,
            Point::Time(time) => created >= time,
        });
        since
            && self.before.is_none_or(|before| match before {
                Point::Seq(seq) => last < seq,
                Point::Time(time) => created < time,
            })
    }
}

/// Which deliveries are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Of subscriptions that this covers.
    pub scope: Scope,
    /// In this state alone.
    pub state: Option<DeliveryState>,
    /// Of these subscriptions alone.
    pub subscriptions: Option<BTreeSet<SubscriptionId>>,
    /// Whose last attempt had this outcome.
    pub outcome: Option<String>,
    /// That tell a change at this path, or below it.
    pub path: Option<LogicalPath>,
    /// That tell one of these changes.
    pub changes: Option<BTreeSet<Seq>>,
    /// Cut at this time.
    pub span: Span,
}

impl Default for DeliveryFilter {
    /// All of all tenants.
    fn default() -> Self {
        let span = Span::default();
        Self { scope: Scope::All, state: None, subscriptions: None, outcome: None, path: None, changes: None, span }
    }
}

/// An attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedAttempt {
    /// Its number; 1 is the first.
    pub number: u32,
    /// When it ended.
    pub at: Wall,
    /// How long it took.
    pub duration_ms: u64,
    /// The outcome's published name.
    pub outcome: String,
    /// The phase that failed.
    pub phase: Option<String>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// What the target said, or why there was no answer.
    pub answer: String,
}

/// A delivery, without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedDelivery {
    /// What it is known by.
    pub key: DeliveryKey,
    /// Whose it is.
    pub subscription: SubscriptionId,
    /// The subscription's name; `None` once it was dropped.
    pub name: Option<String>,
    /// Where it is.
    pub state: DeliveryState,
    /// How many entries are in it.
    pub entries: u64,
    /// The changes that it tells, folded ones too, rising; empty where an older ringback cut it.
    pub seqs: Vec<Seq>,
    /// When it was cut.
    pub created: Wall,
    /// When it was accepted, given up or dropped.
    pub ended: Option<Wall>,
    /// When its next attempt is due.
    pub next_attempt: Option<Wall>,
    /// The HTTP status that accepted it, where it was accepted.
    pub status: Option<u16>,
    /// How long the attempt took that was accepted.
    pub duration_ms: Option<u64>,
    /// Attempts made.
    pub attempts: u32,
    /// The last attempt that failed.
    pub last: Option<ListedAttempt>,
    /// It is sent again after it was given up.
    pub is_replay: bool,
    /// Who dropped it.
    pub by: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

/// A page of deliveries, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeliveryPage {
    /// The deliveries.
    pub deliveries: Vec<ListedDelivery>,
    /// Where the next page begins: after this one.
    pub next: Option<DeliveryKey>,
}

/// A subscription, as the ledger knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSubscription {
    /// Its number.
    pub id: SubscriptionId,
    /// Its name.
    pub name: String,
    /// When it last lost entries, while it is not level again.
    pub lagged_at: Option<Wall>,
    /// What its lane remembers.
    pub policy: LanePolicy,
    /// Entries that it is owed and that are in no delivery yet, and those that are on their way.
    pub owed: u64,
    /// When the oldest of them was recorded or cut.
    pub oldest: Option<Wall>,
    /// The oldest of them without those that are sent again.
    pub oldest_new: Option<Wall>,
    /// When its next attempt is due, while one waits.
    pub next_attempt: Option<Wall>,
}

impl ListedSubscription {
    /// Returns whether it is late: see [`LanePolicy::late_from`].
    #[must_use]
    pub fn is_late(&self, subscription: &Subscription, now: Wall) -> bool {
        let from = self.oldest_new.and_then(|oldest| self.policy.late_from(subscription, oldest));
        from.is_some_and(|from| from < now)
    }
}

/// When a rule last fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fired {
    /// The place of the change in the journal.
    pub seq: Seq,
    /// When it was recorded; where the journal keeps it no longer, when the delivery was cut that tells it.
    pub time: Wall,
}

/// Subscriptions by number, those of rule files and those that programs have registered. To copy them costs nothing.
#[derive(Debug, Clone, Default)]
pub struct Subscriptions {
    /// Those of rule files.
    pub of_files: Arc<BTreeMap<SubscriptionId, Arc<Subscription>>>,
    /// Those that programs have registered.
    pub registered: ByNumber<Arc<Subscription>>,
}

impl Subscriptions {
    /// The subscription of a number.
    #[must_use]
    pub fn get(&self, id: SubscriptionId) -> Option<&Arc<Subscription>> {
        self.registered.get(id.0.cast_unsigned()).or_else(|| self.of_files.get(&id))
    }

    /// All of them, those of rule files first.
    pub fn iter(&self) -> impl Iterator<Item = (SubscriptionId, &Arc<Subscription>)> {
        let registered = self.registered.iter().map(|(number, it)| (SubscriptionId(number.cast_signed()), it));
        self.of_files.iter().map(|(id, it)| (*id, it)).chain(registered)
    }
}

/// What the ledger does not know: the subscriptions in force, and which deliveries are on the wire. A snapshot.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    /// Each subscription that a rule names, or that is registered.
    pub subscriptions: Subscriptions,
    /// Deliveries on the wire.
    pub in_flight: Arc<BTreeSet<DeliveryKey>>,
    /// The time.
    pub now: Option<Wall>,
}

impl Registry {
    /// Returns whether a scope covers a subscription. One that no rule names any more is of no tenant.
    #[must_use]
    pub fn is_within(&self, scope: &Scope, id: SubscriptionId) -> bool {
        scope.is_all()
            || self.subscriptions.get(id).is_some_and(|subscription| scope.covers(subscription.tenant.as_ref()))
    }

    /// The subscriptions whose target is a host: `name:port`, or a name alone.
    #[must_use]
    pub fn at_host(&self, host: &str) -> BTreeSet<SubscriptionId> {
        self.subscriptions.iter().filter(|(_, it)| is_at(it, host)).map(|(id, _)| id).collect()
    }
}

/// Returns whether a subscription's target is a host: `name:port`, or a name alone.
#[must_use]
pub fn is_at(subscription: &Subscription, host: &str) -> bool {
    subscription.target.authority() == host || subscription.target.url.host_and_port().0 == host
}

/// A row of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JournalRow {
    /// A change.
    Change(Box<Change>),
    /// An event.
    Event(ListedEvent),
}

impl JournalRow {
    /// Its place.
    #[must_use]
    pub fn seq(&self) -> Seq {
        match self {
            Self::Change(change) => change.seq,
            Self::Event(event) => event.seq,
        }
    }
}

/// An event of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedEvent {
    /// Its place.
    pub seq: Seq,
    /// The transaction that recorded it.
    pub rrn: Rrn,
    /// When it was recorded.
    pub time: Wall,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub tenant: Option<Tenant>,
    /// The asset that it happened to.
    pub asset: Option<AssetId>,
    /// Its payload: a JSON object.
    pub fields: String,
    /// What people call it, where the asset store says so.
    pub display_name: Option<String>,
}

/// Some entries of a topic, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicPage {
    /// The entries, each with the subscription that is told it.
    pub rows: Vec<(SubscriptionId, Arc<Entry>)>,
    /// How far it reaches: the next page begins behind this place.
    pub next: Seq,
    /// More may come right behind it.
    pub more: bool,
}

/// A page of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalPage {
    /// The rows that are wanted.
    pub rows: Vec<JournalRow>,
    /// The place of the last row that was read, wanted or not; where the page began when there was none.
    pub next: Seq,
    /// There is more behind it.
    pub more: bool,
}

/// What was asked for is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forgotten {
    /// The oldest place from which nothing is missing.
    pub oldest: Seq,
}

/// An asset, as the catalog has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedAsset {
    /// Its number.
    pub id: AssetId,
    /// The transaction in which it changed last.
    pub rrn: Rrn,
    /// Where it is.
    pub path: LogicalPath,
    /// Bytes.
    pub size: u64,
    /// Its modification time, nanoseconds since the Unix epoch.
    pub mtime_ns: i64,
    /// Its owner's user name, or the uid in digits.
    pub owner: String,
    /// What each source says of it.
    pub sources: BySource,
}

#[cfg(test)]
mod tests {
    use super::{Point, Span};
    use crate::model::ids::Seq;
    use crate::model::time::Wall;

    #[test]
    fn a_span_is_of_times_or_of_places_in_the_journal() {
        let of = |since, before| Span { since, before };
        let (seq, time) = (|n| Some(Point::Seq(Seq(n))), |n| Some(Point::Time(Wall(n))));
        for (span, covers) in [
            (of(None, None), true),
            (of(seq(9), seq(11)), true),
            (of(seq(10), None), false),
            (of(None, seq(10)), false),
            (of(time(500), time(501)), true),
            (of(time(501), None), false),
            (of(None, time(500)), false),
        ] {
            assert_eq!(span.covers(Wall(500), Seq(10)), covers, "{span:?}");
        }
    }
}
