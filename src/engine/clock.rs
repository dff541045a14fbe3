//! Whether the clock is believed when something is forgotten for its age.
//!
//! A wall clock that jumps by weeks makes everything old, or nothing. So a jump of over an hour suspends forgetting by
//! age until the clock has been steady for a day of running time; bounds by number go on. A jump is seen against the
//! monotonic clock while ringback runs, and at the start against the time that the ledger remembers. That a daemon was
//! stopped for weeks looks the same as a clock that is ahead by weeks: both wait the day.

use crate::model::time::{Mono, Now, Wall};

/// A jump of more than this, milliseconds, is not a correction. Summer time changes no clock that counts from the
/// epoch.
const JUMP_MS: i64 = 3_600_000;
/// How long the clock has to be steady, milliseconds of running time.
pub(super) const WAIT_MS: u64 = 86_400_000;
/// The two clocks are compared over at most this time, milliseconds: a clock that is slewed is no clock that jumps.
const COMPARE_MS: u64 = 3_600_000;

/// What is known of the clock.
#[derive(Debug)]
pub(super) struct Clock {
    /// The wall clock less the monotonic one, when they were last compared.
    offset: i64,
    compared_at: Mono,
    /// How much longer forgetting by age is suspended, milliseconds of running time.
    wait_ms: u64,
    counted_at: Mono,
    why: Option<Suspended>,
    /// By how much it jumped, milliseconds, and what was dated before has not been moved by.
    jumped_ms: i64,
    /// The latest time that was believed. What is dated while the clock lags behind it is dated with it.
    high_water: Wall,
}

/// Why nothing is forgotten for its age.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Suspended {
    pub(super) since: Wall,
    pub(super) text: String,
}

/// What a comparison of the clocks led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tick {
    /// Nothing new.
    Steady,
    /// The clock has jumped: forgetting by age is suspended from here on.
    Suspended,
    /// The clock has been steady for long enough.
    Believed,
}

impl Clock {
    /// At the start, from the time that the ledger remembers and the wait that was left then.
    pub(super) fn start(now: Now, remembered: Option<(Wall, u64)>) -> Self {
        let mut clock = Self {
            offset: offset(now),
            compared_at: now.mono,
            wait_ms: 0,
            counted_at: now.mono,
            why: None,
            jumped_ms: 0,
            high_water: now.wall,
        };
        let Some((then, wait_ms)) = remembered else { return clock };
        clock.high_water = then;
        let gap = now.wall.0.saturating_sub(then.0);
        clock.wait_ms = wait_ms.min(WAIT_MS);
        // A daemon that is stopped each night would wait for ever, if each night began the wait anew.
        let is_a_night = wait_ms > 0 && (0..WAIT_MS as i64).contains(&gap);
        if gap.abs() > JUMP_MS && !is_a_night {
            clock.wait_ms = WAIT_MS;
        }
        if clock.wait_ms > 0 {
            let moved = if gap.abs() > JUMP_MS { shift(gap) } else { "the clock had jumped before".to_owned() };
            clock.suspend(now, &format!("since the last run {moved}"));
        } else {
            clock.high_water = now.wall.max(then);
        }
        clock
    }

    /// Compares the clocks, and counts the running time.
    pub(super) fn tick(&mut self, now: Now) -> Tick {
        let jump = offset(now).saturating_sub(self.offset);
        let ran_ms = now.mono.since_ms(self.counted_at);
        self.counted_at = now.mono;
        if jump.abs() > JUMP_MS {
            (self.offset, self.compared_at) = (offset(now), now.mono);
            self.jumped_ms = self.jumped_ms.saturating_add(jump);
            let was_suspended = self.why.is_some();
            self.wait_ms = WAIT_MS;
            self.suspend(now, &shift(jump));
            return if was_suspended { Tick::Steady } else { Tick::Suspended };
        }
        if now.mono.since_ms(self.compared_at) > COMPARE_MS {
            (self.offset, self.compared_at) = (offset(now), now.mono);
        }
        if self.why.is_none() {
            self.high_water = self.high_water.max(now.wall);
            return Tick::Steady;
        }
        self.wait_ms = self.wait_ms.saturating_sub(ran_ms);
        if self.wait_ms > 0 {
            return Tick::Steady;
        }
        self.why = None;
        self.high_water = now.wall;
        Tick::Believed
    }

    /// The time, for what is forgotten by it; `None` while it is not believed.
    pub(super) fn believed(&self, now: Now) -> Option<Wall> {
        self.why.is_none().then_some(now.wall)
    }

    /// By how much the clock jumped, milliseconds, that nothing which lasts has been moved by. Of a jump while ringback
    /// was stopped nothing is known.
    pub(super) fn jumped_ms(&self) -> i64 {
        self.jumped_ms
    }

    /// What lasts has been moved by so much.
    pub(super) fn has_moved(&mut self, by_ms: i64) {
        self.jumped_ms = self.jumped_ms.saturating_sub(by_ms);
    }

    /// Why it is not believed.
    pub(super) fn suspended(&self) -> Option<&Suspended> {
        self.why.as_ref()
    }

    /// How much longer, milliseconds of running time.
    pub(super) fn wait_ms(&self) -> u64 {
        self.wait_ms
    }

    /// Nothing that ages is dated before this.
    pub(super) fn high_water(&self) -> Wall {
        self.high_water
    }

    fn suspend(&mut self, now: Now, what: &str) {
        let since = self.why.as_ref().map_or(now.wall, |why| why.since);
        let text = format!(
            "{what}: nothing is forgotten for its age until the clock has been steady for 24 hours; if the time is wrong, \
             set it"
        );
        self.why = Some(Suspended { since, text });
    }
}

fn offset(now: Now) -> i64 {
    now.wall.0.saturating_sub_unsigned(now.mono.0)
}

/// In words, in the largest unit that fits.
fn shift(by_ms: i64) -> String {
    let minutes = by_ms.unsigned_abs() / 60_000;
    let amount = match minutes {
        0..120 => format!("{minutes} min"),
        120..2_880 => format!("{} h", minutes / 60),
        _ => format!("{} days", minutes / 1_440),
    };
    format!("the clock went {} by {amount}", if by_ms < 0 { "back" } else { "forward" })
}

#[cfg(test)]
mod tests {
    use super::{Clock, Tick, WAIT_MS};
    use crate::model::time::{Mono, Now, Wall};

    const HOUR: i64 = 3_600_000;
    const T: i64 = 1_800_000_000_000;

    fn at(mono_ms: i64, wall_ms: i64) -> Now {
        Now { mono: Mono(mono_ms.unsigned_abs()), wall: Wall(T + wall_ms) }
    }

    #[test]
    fn a_jump_while_running_suspends_for_a_day_of_running_time() {
        for jump in [-40 * 24 * HOUR, -2 * HOUR, 2 * HOUR, 31 * 24 * HOUR] {
            let mut clock = Clock::start(at(0, 0), None);
            assert_eq!(clock.tick(at(HOUR, HOUR)), Tick::Steady);
            assert_eq!(clock.believed(at(HOUR, HOUR)), Some(Wall(T + HOUR)));
            let mut now = (HOUR + 1_000, HOUR + 1_000 + jump);
            assert_eq!(clock.tick(at(now.0, now.1)), Tick::Suspended, "{jump}");
            for _ in 0..23 {
                now = (now.0 + HOUR, now.1 + HOUR);
                assert_eq!(clock.tick(at(now.0, now.1)), Tick::Steady, "{jump}");
                assert_eq!(clock.believed(at(now.0, now.1)), None, "{jump}");
            }
            now = (now.0 + HOUR, now.1 + HOUR);
            assert_eq!(clock.tick(at(now.0, now.1)), Tick::Believed, "{jump}");
            assert_eq!(clock.high_water(), Wall(T + now.1), "{jump}");
        }
    }

    #[test]
    fn several_small_steps_within_an_hour_are_a_jump_and_slewing_is_none() {
        let mut clock = Clock::start(at(0, 0), None);
        assert_eq!(clock.tick(at(60_000, 40 * 60_000)), Tick::Steady);
        assert_eq!(clock.tick(at(120_000, 80 * 60_000)), Tick::Suspended);
        let mut clock = Clock::start(at(0, 0), None);
        for hour in 1..100 {
            assert_eq!(clock.tick(at(hour * HOUR + 1, hour * HOUR + hour * 60_000)), Tick::Steady);
        }
    }

    #[test]
    fn a_jump_back_again_begins_the_day_anew_and_is_one_suspension() {
        let mut clock = Clock::start(at(0, 0), None);
        assert_eq!(clock.tick(at(1, 40 * 24 * HOUR)), Tick::Suspended);
        assert_eq!(clock.tick(at(20 * HOUR, 20 * HOUR)), Tick::Steady);
        assert_eq!(clock.wait_ms(), WAIT_MS);
        assert_eq!(clock.high_water(), Wall(T), "a time that was not believed does not count");
        let since = &clock.suspended().expect("it is not believed").since;
        assert_eq!(*since, Wall(T + 40 * 24 * HOUR));
    }

    #[test]
    fn a_start_compares_with_the_time_that_the_ledger_remembers() {
        let day = 24 * HOUR;
        for (remembered, gap, expect) in [
            (Some(0), 0, 0),
            (Some(0), HOUR - 1, 0),
            (Some(0), 31 * day, WAIT_MS),
            (Some(0), -31 * day, WAIT_MS),
            (Some(5), 0, 5),
            // A night.
            (Some(5), 12 * HOUR, 5),
            (Some(5), 2 * day, WAIT_MS),
            (Some(5), -2 * HOUR, WAIT_MS),
            (None, 0, 0),
        ] {
            let clock = Clock::start(at(0, gap), remembered.map(|wait_ms| (Wall(T), wait_ms)));
            assert_eq!(clock.wait_ms(), expect, "{remembered:?} {gap}");
            assert_eq!(clock.believed(at(0, gap)).is_some(), expect == 0, "{remembered:?} {gap}");
        }
    }
}
