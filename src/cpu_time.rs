//! How long a test's own work takes, however many others share the processors.

use std::time::Duration;

/// The processor time that a piece of work takes on the calling thread.
pub(crate) fn cpu_time_of<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let before = on_this_thread();
    let result = work();
    (result, on_this_thread() - before)
}

fn on_this_thread() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the timespec outlives the call.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) }, 0);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
