//! How a target answers beyond taking and failing: what it refuses, and what it asks for.

use ringback::model::attempt::{Answer, Reply, RetryAfter};
use ringback::model::time::Wall;

use super::Told;
use crate::rng::Rng;

const DAY_MS: i64 = 24 * 3_600_000;

/// The default: it refuses nothing for what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Manner {
    /// It answers 413 to more entries.
    takes_at_most: Option<usize>,
    /// It answers 422 where an entry's path is one of so many; 1: to everything.
    poison: Option<usize>,
    /// Attempts in a thousand that are answered 410.
    gone: u32,
    /// Attempts in a thousand that are answered 429 or 503, with a `Retry-After` or without.
    busy: u32,
    /// Attempts in a thousand that are sent elsewhere.
    redirects: u32,
}

impl Manner {
    /// Each seed has another one.
    pub fn of(rng: &mut Rng) -> Self {
        let mut some = |share: u32, most: u64| if rng.chance(share) { rng.between(1, most) as u32 } else { 0 };
        let (gone, busy, redirects) = (some(250, 60), some(300, 400), some(200, 200));
        Self {
            takes_at_most: rng.chance(300).then(|| rng.between(1, 3) as usize),
            poison: rng.chance(300).then(|| [1, 2, 4, 7][rng.below(4)]),
            gone,
            busy,
            redirects,
        }
    }

    /// It gets well, and stays as particular as it was: what it refuses is still refused.
    pub fn calm(self) -> Self {
        Self { gone: 0, busy: 0, redirects: 0, ..self }
    }

    /// Whether it refuses an entry for what it is.
    pub fn is_poison(&self, told: &Told) -> bool {
        let sum: usize = told.path.iter().map(|byte| usize::from(*byte)).sum();
        self.poison.is_some_and(|one_in| sum.is_multiple_of(one_in))
    }

    /// Its answer to these entries, where it does not simply take them. What it refuses once, it refuses each time.
    pub fn answer(&self, entries: &[Told], rng: &mut Rng, now: Wall) -> Option<Reply> {
        if self.takes_at_most.is_some_and(|most| entries.len() > most) {
            return Some(Reply::status_alone(413));
        }
        if entries.iter().any(|told| self.is_poison(told)) {
            return Some(Reply::status_alone(422));
        }
        if rng.chance(self.gone) {
            return Some(Reply::status_alone(410));
        }
        if rng.chance(self.redirects) {
            return Some(Reply::status_alone([301, 302, 307, 308][rng.below(4)]));
        }
        rng.chance(self.busy).then(|| {
            let retry_after = match rng.below(8) {
                0 => None,
                1 => Some(RetryAfter::Seconds(0)),
                2 => Some(RetryAfter::Seconds(rng.between(1, 30))),
                3 => Some(RetryAfter::Seconds(u64::MAX)),
                4 => Some(RetryAfter::At(Wall(now.0 - DAY_MS))),
                5 => Some(RetryAfter::At(Wall(now.0 + rng.between(1, 60_000) as i64))),
                6 => Some(RetryAfter::At(Wall(now.0 + 400 * DAY_MS))),
                _ => Some(RetryAfter::Seconds(rng.between(600, 4_000))),
            };
            Reply::Answered(Answer { status: [429, 503][rng.below(2)], retry_after, text: String::new() })
        })
    }
}
