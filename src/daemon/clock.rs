//! The clocks: the one place where time is taken for the engine.

use std::time::{Instant, SystemTime};

use crate::model::time::{Mono, Now, Wall};

/// Says what time it is.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// Starts the monotonic clock at 0.
    #[must_use]
    pub fn start() -> Self {
        Self { started: Instant::now() }
    }

    /// Both clocks.
    #[must_use]
    pub fn now(&self) -> Now {
        let mono = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Now { mono: Mono(mono), wall: wall() }
    }

    /// The instant of a monotonic point; `None` when it is further off than instants go.
    #[must_use]
    pub fn instant(&self, mono: Mono) -> Option<Instant> {
        self.started.checked_add(std::time::Duration::from_millis(mono.0))
    }
}

/// Wall-clock time. A clock before 1970 counts as 1970.
#[must_use]
pub fn wall() -> Wall {
    Wall::of(SystemTime::now())
}
