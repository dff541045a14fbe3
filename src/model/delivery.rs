//! A delivery: a batch on its way, its bytes frozen; an attempt: one try of it.

use std::sync::Arc;

use super::ids::{DeliveryId, DeliveryNo, SubscriptionId};
use super::subscription::Subscription;
use super::time::Wall;

/// A delivery that is not settled yet: one hot row of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its number.
    pub number: DeliveryNo,
    /// Whose it is.
    pub subscription: SubscriptionId,
    /// How many entries are in it.
    pub entries: usize,
    /// The request body, the same on every attempt. Shared with attempts in flight.
    pub body: bytes::Bytes,
    /// When it was cut.
    pub created: Wall,
    /// Attempts made so far.
    pub attempts: u32,
    /// The delay that was chosen after the last failure, milliseconds; 0 before any.
    pub delay_ms: u64,
    /// When the next attempt is due. Never further off than `delay_ms`, whatever the clock does.
    pub due: Wall,
}

/// Make this attempt. Everything the wire needs, so that the one who sends asks nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendRequest {
    /// Whose it is, with the target as it is now: a body is frozen, target and headers are as of the attempt.
    pub subscription: Arc<Subscription>,
    /// The ledger's number for it.
    pub number: DeliveryNo,
    /// `webhook-id`.
    pub id: DeliveryId,
    /// 1 for the first.
    pub attempt: u32,
    /// `webhook-timestamp`: when this attempt was decided.
    pub at: Wall,
    /// The frozen body; not sent with GET.
    pub body: bytes::Bytes,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempted {
    /// Which delivery.
    pub number: DeliveryNo,
    /// Which attempt of it.
    pub attempt: u32,
    /// How long it took.
    pub duration_ms: u64,
    /// What came of it.
    pub outcome: Outcome,
}

/// The outcome of an attempt. `answer` is the beginning of the response body (at most 4 KiB, lossy text).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The target answered with its success code.
    Succeeded {
        /// The HTTP status.
        status: u16,
        /// What it said.
        answer: String,
    },
    /// The target answered with another code. Redirects are never followed: they are this.
    HttpError {
        /// The HTTP status.
        status: u16,
        /// What it said.
        answer: String,
    },
    /// No connection, or it broke before a status line; `why` for people.
    Unreachable {
        /// Where it failed.
        phase: Phase,
        /// For people.
        why: String,
    },
    /// No status line in time.
    TimedOut {
        /// Where it was.
        phase: Phase,
    },
    /// TLS failed; never falls back to plain HTTP.
    TlsError {
        /// For people.
        why: String,
    },
    /// Ringback itself failed: the attempt ended without an outcome. What the target has made of it is not known.
    Internal {
        /// For people.
        why: String,
    },
}

/// Which part of an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Looking the name up.
    Resolve,
    /// Opening the connection.
    Connect,
    /// Sending the request or waiting for the status line.
    Exchange,
}

impl Phase {
    /// As stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Exchange => "exchange",
        }
    }
}

impl Outcome {
    /// Whether the target accepted the delivery.
    #[must_use]
    pub fn accepted(&self) -> bool {
        matches!(self, Self::Succeeded { .. })
    }

    /// The outcome's published name.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Succeeded { .. } => "succeeded",
            Self::HttpError { .. } => "http-error",
            Self::Unreachable { .. } => "unreachable",
            Self::TimedOut { .. } => "timeout",
            Self::TlsError { .. } => "tls-error",
            Self::Internal { .. } => "internal",
        }
    }

    /// The phase that failed, where one did.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        match self {
            Self::Unreachable { phase, .. } | Self::TimedOut { phase } => Some(*phase),
            _ => None,
        }
    }

    /// The HTTP status, where there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Succeeded { status, .. } | Self::HttpError { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// What the target said, or why there was no answer.
    #[must_use]
    pub fn detail(&self) -> &str {
        match self {
            Self::Succeeded { answer, .. } | Self::HttpError { answer, .. } => answer,
            Self::Unreachable { why, .. } | Self::TlsError { why } | Self::Internal { why } => why,
            Self::TimedOut { .. } => "",
        }
    }
}
