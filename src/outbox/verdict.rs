//! What an attempt means for its delivery: a policy and a reply give a verdict. Pure: nothing is done about it here.

use crate::model::attempt::{Answer, Reply, RetryAfter};
use crate::model::ids::DeliveryNo;
use crate::model::retry::RetrySchedule;
use crate::model::subscription::Target;
use crate::model::time::Wall;

/// `Retry-After` postpones an attempt by a day at most, milliseconds: a target that says more has made a mistake, and
/// nobody would notice.
const RETRY_AFTER_MS_MAX: u64 = 24 * 3_600_000;
/// The jitter of the default schedule is at most one part in so many of a delay.
const JITTER_PART: u64 = 10;

/// A delivery after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tried<'a> {
    /// Its number: jitter is of the number and the attempt, so that the same failure gives the same delay.
    pub number: DeliveryNo,
    /// How many attempts were made, this one included.
    pub attempts: u32,
    /// How many entries are in it.
    pub entries: usize,
    /// How long it has been tried, this attempt included, milliseconds.
    pub waited_ms: u64,
    /// What came back.
    pub reply: &'a Reply,
}

/// What becomes of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The target has it.
    Accepted,
    /// It is tried again, so many milliseconds from now.
    Retry {
        /// The delay.
        delay_ms: u64,
    },
    /// The target refuses so large a batch, or one of its entries: its halves are sent.
    Split,
    /// The target refuses the one entry that is in it: it is given up.
    Refused,
    /// The target is gone for good: it stays, and nothing is sent until somebody resumes the subscription.
    Pause,
    /// It is given up.
    Dead,
}

/// Judges an attempt at `target`, made under `schedule`, whose reply came at `now`.
#[must_use]
pub fn verdict(target: &Target, schedule: &RetrySchedule, tried: Tried<'_>, now: Wall) -> Verdict {
    if let Some(status) = tried.reply.status()
        && target.accepts.covers(status)
    {
        return Verdict::Accepted;
    }
    match tried.reply.status() {
        Some(410) => return Verdict::Pause,
        Some(413 | 422) if tried.entries > 1 => return Verdict::Split,
        Some(413 | 422) => return Verdict::Refused,
        Some(status) if schedule.never_after.contains(&status) => return Verdict::Dead,
        _ => {}
    }
    let Some(delay_ms) = schedule.delay_ms(tried.attempts, tried.waited_ms) else { return Verdict::Dead };
    let delay_ms = if schedule.is_default { delay_ms + jitter(delay_ms, &tried) } else { delay_ms };
    Verdict::Retry { delay_ms: delay_ms.max(asked_for(tried.reply, now)) }
}

/// How long the target asks to be left alone, milliseconds. Only 429 and 503 may ask.
fn asked_for(reply: &Reply, now: Wall) -> u64 {
    let Reply::Answered(Answer { status: 429 | 503, retry_after: Some(retry_after), .. }) = reply else { return 0 };
    let wait_ms = match retry_after {
        RetryAfter::Seconds(seconds) => seconds.saturating_mul(1_000),
        RetryAfter::At(at) => u64::try_from(at.0.saturating_sub(now.0)).unwrap_or(0),
    };
    wait_ms.min(RETRY_AFTER_MS_MAX)
}

/// Up to a tenth of the delay, milliseconds. The number and the attempt are mixed by the finalizer of SplitMix64.
fn jitter(delay_ms: u64, tried: &Tried<'_>) -> u64 {
    let mut mixed = tried.number.0.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(tried.attempts);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) % (delay_ms / JITTER_PART + 1)
}

#[cfg(test)]
mod tests;
