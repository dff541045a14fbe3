//! What the log says of deliveries, once it has been committed: that a lane begins to fail, that it recovers, and what
//! is given up. Not each attempt: a target that is down for a day would fill the log. Of a URL only host and port are
//! said, because a path or a query may hold a secret.

use std::fmt;

use crate::model::attempt::Reply;
use crate::model::part::DeliveryId;
use crate::model::subscription::Subscription;

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Whose delivery it is about.
    pub subscription: String,
    /// Host and port of its target.
    pub host: String,
    /// Which delivery.
    pub delivery: DeliveryId,
    /// What happened.
    pub what: NoteKind,
}

/// What happened to a lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoteKind {
    /// An attempt failed, and the one before it had not.
    Failing {
        /// The outcome's published name.
        outcome: &'static str,
        /// What came back, for people.
        said: String,
        /// The next attempt is due after so long, milliseconds.
        next_ms: u64,
    },
    /// A delivery was accepted after attempts that failed.
    Recovered,
    /// The lane was paused, by its target or because nothing was accepted for days.
    Paused {
        /// Why, for people.
        reason: String,
    },
    /// A delivery was given up.
    GivenUp {
        /// The outcome's published name.
        outcome: &'static str,
        /// What came back, for people.
        said: String,
        /// How many attempts were made.
        attempts: u32,
    },
}

impl Note {
    /// About a subscription's delivery.
    pub(super) fn new(subscription: &Subscription, delivery: DeliveryId, what: NoteKind) -> Self {
        let host = subscription.target.authority();
        Self { subscription: subscription.name.to_string(), host, delivery, what }
    }

    /// Writes it to the log.
    pub fn log(&self) {
        let Self { subscription, host, delivery, what } = self;
        match what {
            NoteKind::Failing { outcome, said, next_ms } => tracing::warn!(
                subscription, host, %delivery, outcome,
                "deliveries begin to fail, the next attempt is in {}: {said}", Seconds(*next_ms)
            ),
            NoteKind::Recovered => tracing::info!(subscription, host, %delivery, "deliveries are accepted again"),
            NoteKind::Paused { reason } => tracing::error!(
                subscription, host, %delivery,
                "paused, because {reason}: what it is owed is kept; resume it once its target is well"
            ),
            NoteKind::GivenUp { outcome, said, attempts } => tracing::error!(
                subscription, host, %delivery, outcome,
                "given up after {attempts} {} and kept as a dead letter: {said}",
                if *attempts == 1 { "attempt" } else { "attempts" }
            ),
        }
    }
}

/// What came back of an attempt that was not accepted, for people.
pub(super) fn said(subscription: &Subscription, reply: &Reply, duration_ms: u64) -> String {
    match reply {
        Reply::Answered(answer) => {
            format!("the answer was {}, expected {}", answer.status, subscription.target.accepts)
        }
        Reply::TimedOut { phase } => format!("no answer after {duration_ms} ms, in phase {}", phase.as_str()),
        Reply::Unreachable { phase, why } => format!("unreachable, in phase {}: {why}", phase.as_str()),
        Reply::TlsFailed { why } => {
            format!("TLS failed (does {} speak https?): {why}", subscription.target.authority())
        }
        Reply::AddressRefused { why } => format!("its address may not be called: {why}"),
        Reply::Internal { why } => format!("ringback itself failed: {why}"),
    }
}

/// Milliseconds, for people.
struct Seconds(u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0 as f64 / 1_000.0)
    }
}
