//! The sign for threads that only wait for time: wait a while, unless it is time to end.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::log;

/// Says once and for all that it is time to end; can also cut one wait short.
#[derive(Debug, Default)]
pub(super) struct Stop {
    state: Mutex<State>,
    wake: Condvar,
}

/// Why a wait is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Woken {
    Time,
    /// Somebody asked not to wait.
    Nudged,
    /// It is time to end.
    Stopped,
}

#[derive(Debug, Default)]
struct State {
    stopped: bool,
    nudged: bool,
}

impl Stop {
    /// It is time to end.
    pub(super) fn now(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).stopped = true;
        self.wake.notify_all();
    }

    /// Ends the current wait, or the next one, early.
    pub(super) fn nudge(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).nudged = true;
        self.wake.notify_all();
    }

    /// Waits; gives why the wait is over.
    pub(super) fn wait(&self, time: Duration) -> Woken {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = |state: &mut State| !state.stopped && !state.nudged;
        let (mut state, _) = self.wake.wait_timeout_while(state, time, waiting).unwrap_or_else(PoisonError::into_inner);
        match (state.stopped, std::mem::take(&mut state.nudged)) {
            (true, _) => Woken::Stopped,
            (false, true) => Woken::Nudged,
            (false, false) => Woken::Time,
        }
    }
}

/// Ends the process when a thread that others rely on panics: a daemon that has gone deaf must not look alive, and a
/// restart loses nothing.
pub(super) struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("a thread failed; ending, so that a restart can take over");
            log::flush();
            std::process::abort();
        }
    }
}
