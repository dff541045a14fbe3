//! What a caller asks of the engine, and what it is answered once that is durable.

use super::change::Change;
use super::delivery::SendRequest;
use super::ids::{Seq, SubscriptionId};
use super::lane::LanePolicy;
use super::listing::{DeliveryState, Span};
use super::part::DeliveryKey;
use super::path::LogicalPath;
use super::record::{RecordsAnswer, RecordsRequest, SyncAnswer};
use super::registration::{Edit, Registration, RegistrationFault};
use super::rescan::{RescanAnswer, RescanRequest, Until};
use super::scope::Scope;
use super::session::Session;
use super::time::Wall;
use super::why::Watched;

/// Deliveries, or subscriptions, chosen by a filter: those that all of it covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Those of subscriptions that this covers.
    pub scope: Scope,
    /// This one alone.
    pub id: Option<DeliveryKey>,
    /// Those of this subscription.
    pub subscription: Option<SubscriptionId>,
    /// Those whose target is this host: `name:port`, or a name alone.
    pub host: Option<String>,
    /// Deliveries in this state.
    pub state: Option<DeliveryState>,
    /// Subscriptions in this state.
    pub held: Option<Held>,
    /// Those whose last attempt had this outcome.
    pub outcome: Option<String>,
    /// Deliveries that were cut in this span, subscriptions that have failed since a time in it.
    pub span: Span,
    /// Those after these: where the last ask stopped.
    pub after: Option<(SubscriptionId, DeliveryKey)>,
}

impl Default for Selection {
    /// All deliveries of all tenants.
    fn default() -> Self {
        Self::of(Scope::All)
    }
}

impl Selection {
    /// All deliveries of subscriptions that a scope covers.
    #[must_use]
    pub fn of(scope: Scope) -> Self {
        let span = Span::default();
        Self {
            scope,
            id: None,
            subscription: None,
            host: None,
            state: None,
            held: None,
            outcome: None,
            span,
            after: None,
        }
    }

    /// Returns whether it covers deliveries in a state.
    #[must_use]
    pub fn covers_state(&self, state: DeliveryState) -> bool {
        self.state.is_none_or(|wanted| wanted == state)
    }
}

/// What a subscription is: the first of these that applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// Its target wants nothing any more.
    Cancelled,
    /// It is sent nothing until it is resumed.
    Paused,
    /// It lost entries, and is not level again.
    Lagged,
    /// None of that.
    Active,
}

impl Held {
    /// All of them, in the order in which they apply.
    pub const ALL: [Self; 4] = [Self::Cancelled, Self::Paused, Self::Lagged, Self::Active];

    /// Of a lane's policy. `is_paused`: the rule's own word; `lags`: entries were lost, and it is not level again.
    #[must_use]
    pub fn of(policy: &LanePolicy, is_paused: bool, lags: bool) -> Self {
        match () {
            () if policy.cancelled_at.is_some() => Self::Cancelled,
            () if policy.paused.is_some() || is_paused => Self::Paused,
            () if lags => Self::Lagged,
            () => Self::Active,
        }
    }

    /// As shown, and as the ledger has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Paused => "paused",
            Self::Lagged => "lagged",
            Self::Active => "active",
        }
    }

    /// The one of a [`Self::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|held| held.as_str() == text)
    }
}

/// What is done with what was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Deliveries that wait are due at once, and dead letters are sent again.
    Retry,
    /// Nobody is sent these deliveries any more.
    Drop,
    /// These subscriptions are sent nothing until they are resumed.
    Pause,
    /// These subscriptions go on.
    Resume,
}

impl Deed {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Retry, Self::Drop, Self::Pause, Self::Resume];

    /// As shown, and as the ledger has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Drop => "drop",
            Self::Pause => "pause",
            Self::Resume => "resume",
        }
    }

    /// The one of a [`Self::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|deed| deed.as_str() == text)
    }

    /// Whether it is done with subscriptions, and not with deliveries.
    #[must_use]
    pub fn is_of_subscriptions(self) -> bool {
        matches!(self, Self::Pause | Self::Resume)
    }
}

/// What somebody does with all that a filter covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bulk {
    /// What is done.
    pub deed: Deed,
    /// With what.
    pub which: Selection,
    /// Who asks.
    pub by: String,
    /// Why, for people.
    pub reason: Option<String>,
}

/// What was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selected {
    /// Deliveries, or subscriptions.
    pub count: u64,
    /// Entries in the deliveries.
    pub entries: u64,
    /// The place in the journal before which all of them end.
    pub before: Seq,
    /// Where it stopped, because one ask does no more; what is chosen after that is left.
    pub next: Option<(SubscriptionId, DeliveryKey)>,
}

/// Something that a caller asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Record what the asset store knows.
    Records(RecordsRequest),
    /// Look at these paths now: the caller has finished writing there.
    Hints(Vec<LogicalPath>),
    /// Say what is known of this path in memory.
    Watched(LogicalPath),
    /// Say when every write that finished before is journaled and matched.
    Sync,
    /// Scan.
    Rescan {
        /// What.
        request: RescanRequest,
        /// When the caller is answered.
        until: Until,
        /// Who asks.
        by: String,
        /// Who is notified of its end; only where it is a task. See [`Ask::Replay`].
        listener: Option<Box<Registration>>,
    },
    /// Send a subscription nothing until it is resumed; what it is owed gathers.
    Pause {
        /// Which.
        subscription: SubscriptionId,
        /// Who asks.
        by: String,
        /// Why, for people.
        reason: Option<String>,
    },
    /// Do something with some of what a filter covers, from where the last ask stopped.
    Choose {
        /// What, and with what.
        bulk: Bulk,
        /// They are only counted.
        is_dry_run: bool,
    },
    /// Do something with all that a filter covers: a task.
    Begin {
        /// What, and with what.
        bulk: Bulk,
        /// How many there are, for people.
        total: u64,
    },
    /// Send a subscription again what it was told since a time, accepted or not, in new deliveries: a task.
    Replay {
        /// Which.
        subscription: SubscriptionId,
        /// Changes that were recorded then or later.
        since: Wall,
        /// How many deliveries that is, for people.
        total: u64,
        /// Who asks.
        by: String,
        /// What is registered in the same step, and notified of the end of the task. Its id becomes the task's UUID,
        /// and that end is its one event.
        listener: Option<Box<Registration>>,
    },
    /// Send a subscription the state of every asset that its rule covers: a task.
    Backfill {
        /// Which.
        subscription: SubscriptionId,
        /// Who asks.
        by: String,
        /// See [`Ask::Replay`].
        listener: Option<Box<Registration>>,
    },
    /// Make the request that tells a subscription's target a change that it is not owed. The caller sends it.
    Trial {
        /// Which.
        subscription: SubscriptionId,
        /// What it is told.
        change: Box<Change>,
    },
    /// End a task before it is done.
    StopTask {
        /// Its UUID.
        uuid: String,
    },
    /// Go on with a paused subscription.
    Resume {
        /// Which.
        subscription: SubscriptionId,
        /// Who asks.
        by: String,
    },
    /// Begin a session.
    OpenSession(Session),
    /// Register subscriptions, replace or end them: all of it, or nothing.
    Register {
        /// What, in order.
        edits: Vec<Edit>,
        /// Who asks: the owner of what is new.
        by: String,
    },
}

impl Ask {
    /// Returns whether it writes by itself. One that does not leads to looks and scans, which do, or only asks.
    #[must_use]
    pub fn writes(&self) -> bool {
        match self {
            Self::Sync | Self::Hints(_) | Self::Watched(_) => false,
            Self::Rescan { until, .. } => *until != Until::Matched,
            _ => true,
        }
    }

    /// Returns whether its caller is answered in a later group.
    #[must_use]
    pub fn is_answered_later(&self) -> bool {
        match self {
            Self::Sync => true,
            Self::Rescan { until, .. } => *until != Until::Asked,
            _ => false,
        }
    }

    /// Returns whether its caller goes on waiting when the group is lost in which it was asked: everything is looked at
    /// again then, and nothing was asked but that. What the caller of a scan vouches for would be forgotten, and so
    /// would a task.
    #[must_use]
    pub fn outlives_a_lost_group(&self) -> bool {
        match self {
            Self::Sync => true,
            Self::Rescan { request, until, .. } => *until == Until::Matched && !request.vouches(),
            _ => false,
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// To [`Ask::Records`].
    Records(RecordsAnswer),
    /// To [`Ask::Sync`], and to an [`Ask::Rescan`] whose caller waits for its end.
    Sync(SyncAnswer),
    /// To an [`Ask::Rescan`]: how it begins.
    Rescan(RescanAnswer),
    /// To [`Ask::Watched`]; `None`: the path lies in no mount.
    Watched(Option<Box<Watched>>),
    /// It is done, or it was so already.
    Done,
    /// So many deliveries were chosen, and what was asked is done with them.
    Selected(Selected),
    /// A task has begun, with this UUID.
    Begun(String),
    /// To an [`Ask::Trial`]: what is to be sent.
    Trial(Box<SendRequest>),
    /// To an [`Ask::Register`]: the number of each edit's subscription.
    Registered(Vec<SubscriptionId>),
    /// Nothing was registered: this is wrong with what was to be.
    Invalid(Vec<RegistrationFault>),
    /// Nothing was registered: what the edit is about is there already, or is somebody else's.
    Taken {
        /// Which of the edits, the first of several.
        edit: usize,
    },
    /// There is no such subscription, delivery or task.
    NotFound,
    /// A replay, or a backfill, of the subscription goes on already: one at a time.
    GoesOn,
    /// The rule file says `paused = true`: whoever resumes it edits the file.
    PausedByFile,
    /// Nothing was done: the ledger takes no writes now. The caller comes back.
    Unavailable,
}
