//! A kernel queue of events and the one thread that drains it. Knows neither inotify nor fanotify, and what its bytes
//! mean is the caller's concern.
//!
//! The kernel puts an event in its queue before the system call that caused it returns. So whoever asks how much is in
//! the queue, and then reads that much, has read everything that happened before he asked: that is what a sync needs,
//! with no file to be written anywhere.

use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// Bytes taken in one read: some 10,000 events.
const READ_BYTES: usize = 1 << 20;

/// While events pour in two reads are this far apart: else each wakes the whole pipeline with a handful of them.
const READ_PACE: Duration = Duration::from_micros(500);
/// Events pour in when so many reads have come closer together. A file that is made, written and closed is three events.
const READS_AT_ONCE: u32 = 8;

/// What reads the queue's bytes. Called on the queue's own thread.
pub(super) trait Ear: Send + Sync + 'static {
    /// Takes events, whole ones; gives how many units of [`Self::waiting`] they are.
    fn hear(&self, events: &[u8]) -> usize;

    /// How much is in the queue, in units of its own, from `FIONREAD`'s answer.
    fn waiting(&self, fionread: usize) -> usize;

    /// Everything in the queue at the time of these [`Queue::sync`] calls has been heard.
    fn synced(&self, numbers: Vec<u64>);

    /// Events may have been lost.
    fn lost(&self);
}

/// The queue.
pub(super) struct Queue {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    queue: OwnedFd,
    /// An eventfd: somebody asks, or it is time to end.
    wake: OwnedFd,
    asked: Mutex<Vec<u64>>,
    ending: AtomicBool,
    /// The kernel gives no events any more.
    dead: AtomicBool,
}

impl Queue {
    /// Starts the thread on a queue, which is to be non-blocking.
    pub(super) fn start(name: &str, queue: OwnedFd, ear: Arc<dyn Ear>) -> io::Result<Self> {
        // SAFETY: no pointers.
        let wake = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if wake < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `eventfd` has just returned it, so it is open and nobody else's.
        let wake = unsafe { OwnedFd::from_raw_fd(wake) };
        let shared = Arc::new(Shared {
            queue,
            wake,
            asked: Mutex::default(),
            ending: AtomicBool::new(false),
            dead: AtomicBool::new(false),
        });
        let theirs = Arc::clone(&shared);
        let thread = Builder::new().name(name.to_owned()).spawn(move || drain(&theirs, &*ear))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    pub(super) fn fd(&self) -> RawFd {
        self.shared.queue.as_raw_fd()
    }

    /// Whether events still come.
    pub(super) fn is_alive(&self) -> bool {
        !self.shared.dead.load(Ordering::Acquire)
    }

    /// Asks for [`Ear::synced`] with this number; gives whether the answer will come.
    #[must_use]
    pub(super) fn sync(&self, number: u64) -> bool {
        self.shared.asked().push(number);
        self.wake();
        if self.is_alive() {
            return true;
        }
        // The thread has ended: either it took the number with it, or nobody will.
        let mut asked = self.shared.asked();
        let before = asked.len();
        asked.retain(|&other| other != number);
        asked.len() == before
    }

    fn wake(&self) {
        let one = 1_u64.to_ne_bytes();
        // SAFETY: the descriptor is open, and the buffer is eight bytes of ours. It fails only when the counter is full,
        // and then the thread is woken already.
        unsafe { libc::write(self.shared.wake.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.shared.ending.store(true, Ordering::Release);
        self.wake();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a watching thread ended badly");
        }
    }
}

/// The thread.
fn drain(shared: &Shared, ear: &dyn Ear) {
    let mut buffer = vec![0_u8; READ_BYTES];
    // Units read so far, and at which count each call of sync is done.
    let mut read = 0_usize;
    let mut syncs: Vec<(usize, Vec<u64>)> = Vec::new();
    let (mut next_read, mut close_reads) = (Instant::now(), 0);
    loop {
        wait(shared);
        let pause = next_read.saturating_duration_since(Instant::now());
        close_reads = if pause.is_zero() { 0 } else { close_reads + 1 };
        if close_reads > READS_AT_ONCE {
            std::thread::sleep(pause);
        }
        next_read = Instant::now() + READ_PACE;
        if shared.ending.load(Ordering::Acquire) {
            return;
        }
        let asked = shared.take_asked();
        if !asked.is_empty() {
            syncs.push((read + ear.waiting(shared.fionread()), asked));
        }
        match shared.read(&mut buffer) {
            Ok(0) => {}
            Ok(length) => {
                // A panic would end the thread without a word, and the source would be deaf; so it counts as a loss.
                let heard = catch_unwind(AssertUnwindSafe(|| ear.hear(&buffer[..length])));
                read += heard.unwrap_or_else(|_| {
                    tracing::error!("events could not be passed on; the mounts are scanned instead");
                    ear.lost();
                    0
                });
            }
            Err(error) => {
                tracing::error!(%error, "the kernel gives no events any more; another way of watching is taken");
                shared.dead.store(true, Ordering::Release);
                ear.lost();
                ear.synced(syncs.drain(..).flat_map(|(_, numbers)| numbers).chain(shared.take_asked()).collect());
                return;
            }
        }
        if !syncs.is_empty() {
            let empty = shared.fionread() == 0;
            let done = syncs.iter().take_while(|(until, _)| empty || *until <= read).count();
            let numbers: Vec<u64> = syncs.drain(..done).flat_map(|(_, numbers)| numbers).collect();
            if !numbers.is_empty() {
                ear.synced(numbers);
            }
        }
    }
}

/// Waits for events, or for somebody to ask.
fn wait(shared: &Shared) {
    let one = |fd: &OwnedFd| libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let mut both = [one(&shared.queue), one(&shared.wake)];
    // SAFETY: the array is two pollfds of ours. Its error can only be an interruption, which the caller's read bears.
    unsafe { libc::poll(both.as_mut_ptr(), both.len() as libc::nfds_t, -1) };
}

impl Shared {
    /// It is whole between any two statements, so a panic elsewhere does not spoil it.
    fn asked(&self) -> MutexGuard<'_, Vec<u64>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_asked(&self) -> Vec<u64> {
        let mut count = [0_u8; 8];
        // SAFETY: the descriptor is open, and the buffer is eight bytes of ours. It fails when nobody has asked.
        unsafe { libc::read(self.wake.as_raw_fd(), count.as_mut_ptr().cast(), count.len()) };
        std::mem::take(&mut *self.asked())
    }

    /// `FIONREAD` on the queue; 0 when it is empty.
    fn fionread(&self) -> usize {
        let mut bytes: libc::c_int = 0;
        // SAFETY: the descriptor is open, and the argument of FIONREAD is an int of ours.
        unsafe { libc::ioctl(self.queue.as_raw_fd(), libc::FIONREAD, &raw mut bytes) };
        usize::try_from(bytes).unwrap_or(0)
    }

    /// Bytes read; 0 when there were none.
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        // SAFETY: the descriptor is open, and the buffer is ours and as long as said.
        let length = unsafe { libc::read(self.queue.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len()) };
        usize::try_from(length).or_else(|_| match io::Error::last_os_error() {
            error if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EINTR)) => Ok(0),
            error => Err(error),
        })
    }
}
