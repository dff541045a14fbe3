//! An attempt: one try of a delivery, and what was seen of it. Whether that is a success, and what follows, is judged
//! elsewhere (`outbox::verdict`): here are only facts.

use super::part::DeliveryKey;
use super::time::Wall;

/// What was seen of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempted {
    /// Which delivery.
    pub key: DeliveryKey,
    /// Which attempt of it; 1 is the first.
    pub attempt: u32,
    /// How long it took.
    pub duration_ms: u64,
    /// What came back, or why nothing did.
    pub reply: Reply,
}

/// What came back of an attempt, or why nothing did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The target answered; its status line decides. Redirects are never followed: they are this.
    Answered(Answer),
    /// No connection, or it broke before a status line.
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
    /// TLS failed. Ringback never falls back to plain HTTP.
    TlsFailed {
        /// For people.
        why: String,
    },
    /// The target's address is one that ringback may not call. No connection was made.
    AddressRefused {
        /// For people.
        why: String,
    },
    /// Ringback itself failed: the attempt ended without a reply. What the target has made of it is not known.
    Internal {
        /// For people.
        why: String,
    },
}

/// What the target answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Its `Retry-After`, where it had one that can be read.
    pub retry_after: Option<RetryAfter>,
    /// The beginning of its body, at most 4 KiB; what is not UTF-8 shows as U+FFFD.
    pub text: String,
}

/// `Retry-After` in its two forms (RFC 9110, section 10.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// So many seconds from the answer.
    Seconds(u64),
    /// At a point in time.
    At(Wall),
}

/// Which part of an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The look-up of the target's name.
    Dns,
    /// The connection.
    Connect,
    /// The TLS handshake.
    Tls,
    /// The request.
    Send,
    /// The wait for the status line, and the answer's headers.
    Headers,
}

impl Phase {
    /// As stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Send => "send",
            Self::Headers => "headers",
        }
    }
}

impl Reply {
    /// The target answered with a status and nothing else.
    #[must_use]
    pub fn status_alone(status: u16) -> Self {
        Self::Answered(Answer { status, ..Answer::default() })
    }

    /// The published name of the outcome of an attempt that was not accepted.
    #[must_use]
    pub fn failure(&self) -> &'static str {
        match self {
            Self::Answered(_) => "http-error",
            Self::Unreachable { .. } => "unreachable",
            Self::TimedOut { .. } => "timeout",
            Self::TlsFailed { .. } => "tls-error",
            Self::AddressRefused { .. } => "refused-address",
            Self::Internal { .. } => "internal",
        }
    }

    /// The phase that failed, where one did.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        match self {
            Self::Unreachable { phase, .. } | Self::TimedOut { phase } => Some(*phase),
            Self::TlsFailed { .. } => Some(Phase::Tls),
            Self::AddressRefused { .. } => Some(Phase::Connect),
            Self::Answered(_) | Self::Internal { .. } => None,
        }
    }

    /// The HTTP status, where there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Answered(answer) => Some(answer.status),
            _ => None,
        }
    }

    /// What the target said, or why there was no answer.
    #[must_use]
    pub fn detail(&self) -> &str {
        match self {
            Self::Answered(answer) => &answer.text,
            Self::Unreachable { why, .. }
            | Self::TlsFailed { why }
            | Self::AddressRefused { why }
            | Self::Internal { why } => why,
            Self::TimedOut { .. } => "",
        }
    }
}
