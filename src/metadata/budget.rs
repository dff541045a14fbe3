//! What is left of a file's processor time.

use std::cell::Cell;
use std::time::Duration;

use super::fault::Fault;
use super::limits::CPU_TIME_MAX;

/// How many steps go by between two looks at the clock.
const STEPS: u32 = 256;

/// The processor time that reading one file may still take on this thread.
#[derive(Debug)]
pub struct Budget {
    ends: Duration,
    steps: Cell<u32>,
}

impl Budget {
    /// A file's whole time, from now on.
    #[must_use]
    pub fn begin() -> Self {
        Self { ends: thread_time() + CPU_TIME_MAX, steps: Cell::new(0) }
    }

    /// A time without an end, for tests of other limits: how fast a build and a machine are does not matter to them.
    #[cfg(test)]
    #[must_use]
    pub fn endless() -> Self {
        Self { ends: Duration::MAX, steps: Cell::new(0) }
    }

    /// Counts one step (an element, an entry, a box); each 256th looks at the clock.
    ///
    /// # Errors
    /// When the time is used up.
    pub fn step(&self) -> Result<(), Fault> {
        let steps = self.steps.get() + 1;
        self.steps.set(steps % STEPS);
        if steps == STEPS { self.check() } else { Ok(()) }
    }

    /// Looks at the clock, before or after something long.
    ///
    /// # Errors
    /// When the time is used up.
    pub fn check(&self) -> Result<(), Fault> {
        if thread_time() > self.ends {
            return Err(Fault::limit(
                "reading takes too much processor time",
                format!("{} ms", CPU_TIME_MAX.as_millis()),
            ));
        }
        Ok(())
    }
}

/// The processor time of this thread.
fn thread_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the timespec outlives the call. It cannot fail for this clock; if it did, time would not pass.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[cfg(test)]
mod tests {
    use super::{Budget, CPU_TIME_MAX};

    #[test]
    fn the_time_of_a_file_ends() {
        let budget = Budget::begin();
        budget.check().expect("it has just begun");
        let busy = (0..u64::MAX).find(|_| budget.step().is_err());
        assert!(busy.is_some_and(|steps| steps > 256));
        let spent = Budget { ends: super::thread_time() - CPU_TIME_MAX, steps: 0.into() };
        assert_eq!(
            spent.check().expect_err("it is over").to_string(),
            "reading takes too much processor time (limit: 200 ms)"
        );
    }
}
