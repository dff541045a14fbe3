//! When a failed delivery is tried again, and which answers are no failure.

/// Which HTTP statuses accept a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Accepts {
    /// Any of 200 to 299.
    #[default]
    AnySuccess,
    /// These alone; not empty, in rising order.
    Codes(Vec<u16>),
}

impl Accepts {
    /// Returns whether an answer with this status accepts a delivery.
    #[must_use]
    pub fn covers(&self, status: u16) -> bool {
        match self {
            Self::AnySuccess => (200..=299).contains(&status),
            Self::Codes(codes) => codes.contains(&status),
        }
    }
}

impl std::fmt::Display for Accepts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AnySuccess => f.write_str("2xx"),
            Self::Codes(codes) => {
                let words: Vec<_> = codes.iter().map(ToString::to_string).collect();
                f.write_str(&words.join(" or "))
            }
        }
    }
}

/// When a failed delivery is tried again: each delay is counted from the failure before it, and the last one repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrySchedule {
    /// Milliseconds; not empty.
    pub delays_ms: Vec<u64>,
    /// Attempts after the first. `None`: as many as there is time for.
    pub retries: Option<u32>,
    /// How long it is tried, in milliseconds from the first failure. `None`: as often as `retries` says.
    pub for_ms: Option<u64>,
    /// The delays are ringback's own, and nobody's word: they are spread by a jitter, and cut short when the target
    /// accepts another delivery.
    pub is_default: bool,
    /// Statuses after which a delivery is given up, and not tried again.
    pub never_after: Vec<u16>,
}

impl RetrySchedule {
    /// The delays of the default schedule, milliseconds: soon for a restart, then seldom enough for days.
    pub const DEFAULT_DELAYS_MS: [u64; 4] = [5_000, 30_000, 120_000, 300_000];
    /// How long the default schedule goes on, milliseconds: a long weekend.
    pub const DEFAULT_FOR_MS: u64 = 3 * 24 * 3_600_000;

    /// The delays that a caller asked for, once each.
    #[must_use]
    pub fn of_delays(delays_ms: Vec<u64>) -> Self {
        let retries = u32::try_from(delays_ms.len()).unwrap_or(u32::MAX);
        Self { delays_ms, retries: Some(retries), for_ms: None, is_default: false, never_after: Vec::new() }
    }

    /// The delay before the next attempt, in milliseconds; `None` when the delivery is given up. `attempts` have been
    /// made, at least one, and `waited_ms` have passed since the first failed. The last attempt comes when the time is
    /// over, and not after it.
    #[must_use]
    pub fn delay_ms(&self, attempts: u32, waited_ms: u64) -> Option<u64> {
        let made = attempts.max(1);
        if self.retries.is_some_and(|retries| made > retries) {
            return None;
        }
        let left_ms = self.for_ms.map_or(u64::MAX, |for_ms| for_ms.saturating_sub(waited_ms));
        let last = self.delays_ms.len().checked_sub(1)?;
        let delay_ms = *self.delays_ms.get((made as usize - 1).min(last))?;
        (left_ms > 0).then(|| delay_ms.min(left_ms))
    }
}

impl Default for RetrySchedule {
    fn default() -> Self {
        Self {
            delays_ms: Self::DEFAULT_DELAYS_MS.to_vec(),
            retries: None,
            for_ms: Some(Self::DEFAULT_FOR_MS),
            is_default: true,
            never_after: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Accepts, RetrySchedule};

    #[test]
    fn the_last_delay_repeats_until_the_retries_are_used_up() {
        let schedule = RetrySchedule { retries: Some(3), ..RetrySchedule::of_delays(vec![10, 20]) };
        let delays: Vec<_> = (1..=4).map(|made| schedule.delay_ms(made, 0)).collect();
        assert_eq!(delays, [Some(10), Some(20), Some(20), None]);
    }

    #[test]
    fn the_last_attempt_comes_when_the_time_is_over() {
        let schedule = RetrySchedule { retries: None, for_ms: Some(50), ..RetrySchedule::of_delays(vec![10, 20]) };
        let delays: Vec<_> =
            [(1, 0), (2, 10), (3, 30), (4, 50)].map(|(made, waited)| schedule.delay_ms(made, waited)).to_vec();
        assert_eq!(delays, [Some(10), Some(20), Some(20), None]);
        assert_eq!(schedule.delay_ms(3, 45), Some(5), "no later than the end");
    }

    #[test]
    fn the_default_schedule_tries_for_three_days() {
        let (schedule, mut waited, mut attempts) = (RetrySchedule::default(), 0, 1);
        while let Some(delay) = schedule.delay_ms(attempts, waited) {
            (waited, attempts) = (waited + delay, attempts + 1);
        }
        assert_eq!(waited, RetrySchedule::DEFAULT_FOR_MS);
        assert_eq!(attempts, 868, "an attempt each five minutes");
    }

    #[test]
    fn an_accepting_status_is_any_success_or_one_of_a_list() {
        assert!([200, 202, 204, 299].iter().all(|status| Accepts::AnySuccess.covers(*status)));
        assert!([199, 300, 304, 500].iter().all(|status| !Accepts::AnySuccess.covers(*status)));
        let codes = Accepts::Codes(vec![201, 409]);
        assert!(codes.covers(409) && !codes.covers(200));
        assert_eq!(codes.to_string(), "201 or 409");
    }
}
