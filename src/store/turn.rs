//! Whose turn it is to write: the engine's, for a group, or the keeper's, for starting the log anew.
//!
//! SQLite has a lock for this. A process that waits for it asks again every few milliseconds, so under load the keeper
//! would never have it: the engine opens the next group within microseconds. And a keeper that had the lock and waited
//! for readers of other processes would keep the engine from it. Here the keeper says that it wants a turn, has it as
//! soon as the open group ends, and is quick.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The engine waits no longer than this for the keeper: SQLite's own lock remains.
pub(super) const KEEPER_MAX: Duration = Duration::from_secs(1);
/// Where the log is too long, a group waits no longer than this for the keeper to copy it back: four groups a second
/// make the log hardly longer, and nobody waits for long.
const ROUND_MAX: Duration = Duration::from_millis(250);
/// The keeper waits no longer than this for the end of a group, and tries again later.
const GROUP_MAX: Duration = Duration::from_millis(500);

/// Shared by the engine's connection and the keeper's.
#[derive(Debug, Default)]
pub(super) struct Turn {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    group_is_open: bool,
    keeper_wants: bool,
    /// How often the keeper has looked after the log.
    rounds: u64,
    /// The log has been begun anew, and no group has ended since: the next one makes it short.
    log_is_anew: bool,
}

impl Turn {
    /// The engine opens a group. Waits while it is the keeper's turn, and, where the log is too long, until the keeper
    /// has looked after it: the log would become longer faster than it is copied back.
    pub(super) fn take(&self, log_is_too_long: bool) {
        let mut state = self.lock();
        if log_is_too_long && !state.log_is_anew {
            let round = state.rounds;
            (state, _) = self
                .changed
                .wait_timeout_while(state, ROUND_MAX, |state| state.rounds == round)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let (mut state, _) = self
            .changed
            .wait_timeout_while(state, KEEPER_MAX, |state| state.keeper_wants)
            .unwrap_or_else(PoisonError::into_inner);
        state.group_is_open = true;
    }

    /// The engine's group has ended.
    pub(super) fn give_back(&self) {
        let mut state = self.lock();
        (state.group_is_open, state.log_is_anew) = (false, false);
        if state.keeper_wants {
            self.changed.notify_all();
        }
    }

    /// The keeper has looked after the log. `is_anew`: the log has been begun anew.
    pub(super) fn end_round(&self, is_anew: bool) {
        let mut state = self.lock();
        state.rounds += 1;
        state.log_is_anew |= is_anew && !state.group_is_open;
        self.changed.notify_all();
    }

    /// Runs what the keeper has to do between two groups; `None` when no group ended in time.
    pub(super) fn between_groups<T>(&self, work: impl FnOnce() -> T) -> Option<T> {
        let mut state = self.lock();
        state.keeper_wants = true;
        let (state, _) = self
            .changed
            .wait_timeout_while(state, GROUP_MAX, |state| state.group_is_open)
            .unwrap_or_else(PoisonError::into_inner);
        let is_free = !state.group_is_open;
        drop(state);
        let done = is_free.then(work);
        self.lock().keeper_wants = false;
        self.changed.notify_all();
        done
    }

    /// Returns whether the keeper waits for its turn, or has it.
    #[cfg(test)]
    pub(super) fn is_wanted(&self) -> bool {
        self.lock().keeper_wants
    }

    /// A panic elsewhere leaves the state whole: each change of it is one assignment.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests measure how long a group waits")]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;
    use std::time::{Duration, Instant};

    use super::{KEEPER_MAX, ROUND_MAX, Turn};

    /// How long a group waits at the least of several times: others use the machine, too.
    fn waits(turn: &Turn, log_is_too_long: bool) -> Duration {
        let wait = |_| {
            let began = Instant::now();
            turn.take(log_is_too_long);
            turn.give_back();
            began.elapsed()
        };
        (0..3).map(wait).min().expect("three times")
    }

    #[test]
    fn a_group_waits_for_the_keeper_up_to_the_limit_and_only_where_the_log_is_too_long() {
        let turn = Turn::default();
        assert!(waits(&turn, false) < ROUND_MAX, "the log is short");
        let waited = waits(&turn, true);
        assert!(waited >= ROUND_MAX && waited < KEEPER_MAX, "{waited:?}: the keeper does nothing");
        turn.end_round(true);
        let began = Instant::now();
        turn.take(true);
        assert!(began.elapsed() < ROUND_MAX, "the log has been begun anew");
        turn.give_back();
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    turn.end_round(false);
                    thread::yield_now();
                }
            });
            let waited = waits(&turn, true);
            stop.store(true, Ordering::Relaxed);
            assert!(waited < ROUND_MAX, "{waited:?}: a round of the keeper has ended");
        });
    }

    #[test]
    fn the_keeper_has_its_turn_between_groups_that_follow_one_another_at_once() {
        let (turn, stop) = (Arc::new(Turn::default()), Arc::new(AtomicBool::new(false)));
        let inside = Arc::new(AtomicBool::new(false));
        let engine = {
            let (turn, stop, inside) = (Arc::clone(&turn), Arc::clone(&stop), Arc::clone(&inside));
            thread::Builder::new().spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    turn.take(false);
                    inside.store(true, Ordering::SeqCst);
                    thread::yield_now();
                    inside.store(false, Ordering::SeqCst);
                    turn.give_back();
                }
            })
        };
        for _ in 0..100 {
            let met = turn.between_groups(|| (0..100).any(|_| inside.load(Ordering::SeqCst)));
            assert_eq!(met, Some(false), "no group is open during the keeper's turn");
        }
        stop.store(true, Ordering::Relaxed);
        engine.expect("a thread").join().expect("it ends well");
    }
}
