//! A delivery: a batch on its way, its bytes frozen.

use std::borrow::Cow;
use std::sync::Arc;

use super::ids::{Seq, SubscriptionId};
use super::part::{DeliveryId, DeliveryKey};
use super::subscription::Subscription;
use super::time::Wall;

/// The body of a delivery. Its bytes and what they are (`Content-Type`) are frozen together: a rule that asks for
/// another format later changes neither.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// What is sent. Shared, so that a copy is cheap.
    pub bytes: bytes::Bytes,
    /// The media type, with its parameters.
    pub content_type: Cow<'static, str>,
}

impl Body {
    /// A body of JSON that no other media type says more about.
    #[must_use]
    pub fn json(bytes: impl Into<bytes::Bytes>) -> Self {
        Self { bytes: bytes.into(), content_type: Cow::Borrowed("application/json") }
    }
}

/// A delivery that is not settled yet: one hot row of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// What it is known by.
    pub key: DeliveryKey,
    /// Whose it is.
    pub subscription: SubscriptionId,
    /// How many entries are in it.
    pub entries: usize,
    /// For each entry, in order, the changes that it tells. Empty where an older ringback cut the batch.
    pub told: Vec<Vec<Seq>>,
    /// The request body, the same on every attempt. Shared with attempts in flight.
    pub body: Body,
    /// When it was cut.
    pub created: Wall,
    /// Attempts made so far.
    pub attempts: u32,
    /// The delay that was chosen after the last failure, milliseconds; 0 before any.
    pub delay_ms: u64,
    /// How long it has been tried, milliseconds: what its failed attempts took, and the delays between them. Time in
    /// which ringback did not run is not counted, and no clock is asked.
    pub waited_ms: u64,
    /// It was given up after so many attempts, and is sent again, beside the order of the others.
    pub replayed_after: Option<u32>,
    /// When the next attempt is due. Never further off than `delay_ms`, whatever the clock does.
    pub due: Wall,
}

impl Delivery {
    /// One that was cut now, and is due at once.
    #[must_use]
    pub fn cut(
        key: DeliveryKey,
        subscription: SubscriptionId,
        entries: usize,
        told: Vec<Vec<Seq>>,
        body: Body,
        now: Wall,
    ) -> Self {
        Self {
            key,
            subscription,
            entries,
            told,
            body,
            created: now,
            attempts: 0,
            delay_ms: 0,
            waited_ms: 0,
            replayed_after: None,
            due: now,
        }
    }
}

/// Make this attempt. Everything the wire needs, so that the one who sends asks nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendRequest {
    /// Whose it is, with the target as it is now: a body is frozen, target and headers are as of the attempt.
    pub subscription: Arc<Subscription>,
    /// `webhook-id`.
    pub id: DeliveryId,
    /// 1 for the first.
    pub attempt: u32,
    /// What a header says of it, where it is not one of the order.
    pub mark: Option<Mark>,
    /// `webhook-timestamp`: when this attempt was decided.
    pub at: Wall,
    /// The frozen body; not sent with GET.
    pub body: Body,
}

/// What a request is that is not one of the order. The receiver is told by a header with the value `1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It was given up before, and somebody has it sent again: `ringback-replay`.
    Replay,
    /// Somebody tries the target, and nobody is owed it: `ringback-test`.
    Trial,
}

/// A delivery that was accepted, as history keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// What it is known by.
    pub key: DeliveryKey,
    /// Whose it was.
    pub subscription: SubscriptionId,
    /// How many entries were in it.
    pub entries: usize,
    /// The changes that they told, folded ones too, in the order of the journal.
    pub seqs: Vec<Seq>,
    /// When it was cut.
    pub created: Wall,
    /// When it was accepted.
    pub at: Wall,
    /// How many attempts it took.
    pub attempts: u32,
    /// The HTTP status that accepted it.
    pub status: Option<u16>,
    /// How long the last attempt took.
    pub duration_ms: u64,
}
