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

use super::WatchError;

/// Bytes taken in one read: some 10,000 events.
const READ_BYTES: usize = 1 << 20;

/// While events pour in two reads are this far apart: else each wakes the whole pipeline with a handful of them.
const READ_PACE: Duration = Duration::from_micros(500);
/// Events pour in when so many reads have come closer together. A file that is made, written and closed is three
/// events.
const READS_AT_ONCE: u32 = 8;
/// The pause after a poll(2) that failed for want of memory: it would fail again at once, for ever.
const POLL_AGAIN: Duration = Duration::from_millis(100);

/// What reads the queue's bytes. Called on the queue's own thread.
pub(super) trait Ear: Send + Sync + 'static {
    /// Takes events, whole ones; gives how many units of [`Self::waiting`] they are.
    fn hear(&self, events: &[u8]) -> usize;

    /// How much is in the queue, in units of its own, from `FIONREAD`'s answer.
    fn waiting(&self, fionread: usize) -> usize;

    /// Everything in the queue at the time of these [`Queue::sync`] calls has been heard.
    fn synced(&self, numbers: Vec<u64>);

    /// Events may have been lost. Called before [`Self::synced`] for what was asked until then.
    fn lost(&self);
}

/// The queue.
pub(super) struct Queue {
    name: &'static str,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    queue: OwnedFd,
    /// An eventfd: somebody asks, or it is time to end.
    wake: OwnedFd,
    asked: Mutex<Vec<u64>>,
    ending: AtomicBool,
    /// The kernel gives no events any more, or the thread has ended: for good.
    dead: AtomicBool,
}

impl Queue {
    /// Starts the thread on a queue, which is to be non-blocking.
    pub(super) fn start(name: &'static str, queue: OwnedFd, ear: Arc<dyn Ear>) -> io::Result<Self> {
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
        Ok(Self { name, shared, thread: Some(thread) })
    }

    pub(super) fn fd(&self) -> RawFd {
        self.shared.queue.as_raw_fd()
    }

    /// Checks that events still come.
    ///
    /// # Errors
    /// That they do not, and never will from this queue.
    pub(super) fn check_alive(&self) -> Result<(), WatchError> {
        match self.is_alive() {
            true => Ok(()),
            false => Err(WatchError::Failed(format!("{} gives no events any more", self.name))),
        }
    }

    fn is_alive(&self) -> bool {
        !self.shared.dead.load(Ordering::Acquire)
    }

    /// Asks for [`Ear::synced`] with this number, which comes unless this is an error.
    ///
    /// # Errors
    /// When the queue is dead.
    pub(super) fn sync(&self, number: u64) -> Result<(), WatchError> {
        self.shared.asked().push(number);
        self.wake();
        if self.is_alive() {
            return Ok(());
        }
        // The thread has ended. Either it took the number with it and answers, or the number is still here.
        let mut asked = self.shared.asked();
        let before = asked.len();
        asked.retain(|&other| other != number);
        if asked.len() == before { Ok(()) } else { self.check_alive() }
    }

    fn wake(&self) {
        let one = 1_u64.to_ne_bytes();
        // SAFETY: the descriptor is open, and the buffer is eight bytes of ours. It fails only when the counter is
        // full, and then the thread is woken already.
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

/// The thread. However it ends, unless it was asked to: the queue is dead, which is said, and no sync goes unanswered.
fn drain(shared: &Shared, ear: &dyn Ear) {
    let mut reader = Reader { shared, ear, buffer: vec![0; READ_BYTES], read: 0, syncs: Vec::new() };
    match catch_unwind(AssertUnwindSafe(|| reader.run())) {
        Ok(Ok(())) => return,
        Ok(Err(error)) => tracing::error!(%error, "the kernel gives no events any more; the mounts are watched anew"),
        Err(_) => tracing::error!("a watching thread panicked; the mounts are watched anew"),
    }
    // First, so that a mount that is scanned for the loss is never watched on this queue.
    shared.dead.store(true, Ordering::Release);
    shared.close();
    // A sink that panics is no reason to leave the syncs unanswered.
    let _ = catch_unwind(AssertUnwindSafe(|| ear.lost()));
    let numbers = reader.syncs.drain(..).flat_map(|(_, numbers)| numbers).chain(shared.take_asked()).collect();
    let _ = catch_unwind(AssertUnwindSafe(|| ear.synced(numbers)));
}

/// What the thread keeps.
struct Reader<'a> {
    shared: &'a Shared,
    ear: &'a dyn Ear,
    buffer: Vec<u8>,
    /// Units read so far.
    read: usize,
    /// The calls of sync that are not answered, each with the count of units at which it is.
    syncs: Vec<(usize, Vec<u64>)>,
}

impl Reader<'_> {
    /// Drains the queue until it is time to end.
    ///
    /// # Errors
    /// Why the kernel gives no events any more.
    fn run(&mut self) -> io::Result<()> {
        let (mut next_read, mut close_reads) = (Instant::now(), 0);
        loop {
            wait(self.shared)?;
            let pause = next_read.saturating_duration_since(Instant::now());
            close_reads = if pause.is_zero() { 0 } else { close_reads + 1 };
            if close_reads > READS_AT_ONCE {
                std::thread::sleep(pause);
            }
            next_read = Instant::now() + READ_PACE;
            if self.shared.ending.load(Ordering::Acquire) {
                return Ok(());
            }
            let asked = self.shared.take_asked();
            if !asked.is_empty() {
                self.syncs.push((self.read + self.ear.waiting(self.shared.fionread()), asked));
            }
            let length = self.shared.read(&mut self.buffer)?;
            if length > 0 {
                self.hear(length);
            }
            self.answer();
        }
    }

    /// Passes on what was read. A panic counts as a loss, which stands for the events before every sync so far: how
    /// many units it lost is not known, so no count would answer them.
    fn hear(&mut self, length: usize) {
        match catch_unwind(AssertUnwindSafe(|| self.ear.hear(&self.buffer[..length]))) {
            Ok(units) => self.read += units,
            Err(_) => {
                tracing::error!("events could not be passed on; the mounts are scanned instead");
                self.ear.lost();
                self.syncs.iter_mut().for_each(|(until, _)| *until = self.read);
            }
        }
    }

    /// Answers the syncs before which everything has been heard.
    fn answer(&mut self) {
        if self.syncs.is_empty() {
            return;
        }
        let empty = self.shared.fionread() == 0;
        let done = self.syncs.iter().take_while(|(until, _)| empty || *until <= self.read).count();
        let numbers: Vec<u64> = self.syncs.drain(..done).flat_map(|(_, numbers)| numbers).collect();
        if !numbers.is_empty() {
            self.ear.synced(numbers);
        }
    }
}

/// Waits for events, or for a call.
///
/// # Errors
/// When the queue is broken: poll(2) returns at once then, every time, whether or not read(2) says why.
fn wait(shared: &Shared) -> io::Result<()> {
    let one = |fd: &OwnedFd| libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let mut both = [one(&shared.queue), one(&shared.wake)];
    // SAFETY: the array is two pollfds of ours.
    if unsafe { libc::poll(both.as_mut_ptr(), both.len() as libc::nfds_t, -1) } < 0 {
        let error = io::Error::last_os_error();
        if error.raw_os_error() != Some(libc::EINTR) {
            tracing::warn!(%error, "poll(2) of a watching thread fails; it is called again in {POLL_AGAIN:?}");
            std::thread::sleep(POLL_AGAIN);
        }
        return Ok(());
    }
    let broken = libc::POLLERR | libc::POLLHUP | libc::POLLNVAL;
    match both.iter().find(|fd| fd.revents & broken != 0) {
        // What is still in the queue is lost with it, and a scan stands for that.
        Some(fd) => Err(io::Error::other(format!("poll(2) says {:#x} of it", fd.revents))),
        None => Ok(()),
    }
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

    /// Gives back what a dead queue holds of the system: its watches count against a limit that the next one needs. Its
    /// descriptor stays, as a second one of the eventfd, because other threads may be about to use the number.
    fn close(&self) {
        // SAFETY: both descriptors are open and ours.
        if unsafe { libc::dup3(self.wake.as_raw_fd(), self.queue.as_raw_fd(), libc::O_CLOEXEC) } < 0 {
            tracing::warn!(error = %io::Error::last_os_error(), "a dead watch queue is kept open until its mounts have another");
        }
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
        match usize::try_from(length) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(length) => Ok(length),
            Err(_) => match io::Error::last_os_error() {
                error if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EINTR)) => Ok(0),
                error => Err(error),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write as _;
    use std::os::fd::OwnedFd;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use super::{Ear, Queue};

    #[derive(Debug, PartialEq, Eq)]
    enum Said {
        Heard(usize),
        Synced(Vec<u64>),
        Lost,
    }

    /// Says what it hears; panics at an event that begins with `!`, and at a loss where it is told to.
    struct Listener {
        said: Mutex<Sender<Said>>,
        panics_at_loss: bool,
        /// Whoever holds it holds up what is heard.
        gate: Arc<Mutex<()>>,
    }

    impl Listener {
        fn say(&self, said: Said) {
            self.said.lock().expect("a sender").send(said).expect("the test listens");
        }
    }

    impl Ear for Listener {
        fn hear(&self, events: &[u8]) -> usize {
            drop(self.gate.lock().expect("the gate"));
            assert_ne!(events[0], b'!', "an event that cannot be passed on");
            self.say(Said::Heard(events.len()));
            events.len()
        }

        fn waiting(&self, fionread: usize) -> usize {
            fionread
        }

        fn synced(&self, numbers: Vec<u64>) {
            self.say(Said::Synced(numbers));
        }

        fn lost(&self) {
            self.say(Said::Lost);
            assert!(!self.panics_at_loss, "a loss that cannot be passed on");
        }
    }

    struct Rig {
        queue: Queue,
        said: Receiver<Said>,
        gate: Arc<Mutex<()>>,
    }

    impl Rig {
        fn new(fd: OwnedFd, panics_at_loss: bool) -> Self {
            let (sender, said) = channel();
            let gate: Arc<Mutex<()>> = Arc::default();
            let ear = Listener { said: Mutex::new(sender), panics_at_loss, gate: Arc::clone(&gate) };
            let queue = Queue::start("test", fd, Arc::new(ear)).expect("a thread");
            Self { queue, said, gate }
        }

        /// A queue that is a pipe, and the end that puts events in.
        fn piped(panics_at_loss: bool) -> (Self, File) {
            let (reader, writer) = std::io::pipe().expect("a pipe");
            let reader = OwnedFd::from(reader);
            // SAFETY: the descriptor is open, and there are no pointers.
            unsafe { libc::fcntl(std::os::fd::AsRawFd::as_raw_fd(&reader), libc::F_SETFL, libc::O_NONBLOCK) };
            (Self::new(reader, panics_at_loss), File::from(OwnedFd::from(writer)))
        }

        fn next(&self) -> Said {
            self.said.recv_timeout(Duration::from_secs(20)).expect("it says something")
        }
    }

    #[test]
    fn a_sync_is_answered_after_the_events_before_it() {
        let (rig, mut events) = Rig::piped(false);
        events.write_all(b"abc").expect("an event");
        rig.queue.sync(7).expect("it is alive");
        assert_eq!(rig.next(), Said::Heard(3));
        assert_eq!(rig.next(), Said::Synced(vec![7]));
    }

    /// read(2) of a directory fails with EISDIR, as a queue may with EIO; poll(2) of a pipe without writers says
    /// POLLHUP.
    #[test]
    fn a_queue_that_is_broken_is_dead_and_says_what_it_lost() {
        let (without_writers, writer) = std::io::pipe().expect("a pipe");
        drop(writer);
        let directory = File::open("/").expect("a directory");
        for fd in [OwnedFd::from(directory), OwnedFd::from(without_writers)] {
            let rig = Rig::new(fd, false);
            assert_eq!((rig.next(), rig.next()), (Said::Lost, Said::Synced(Vec::new())));
            assert!(!rig.queue.is_alive());
            assert!(rig.queue.sync(1).is_err(), "an answer will not come");
        }
    }

    #[test]
    fn a_sync_that_waits_when_the_queue_dies_is_answered_after_the_loss() {
        let (rig, mut events) = Rig::piped(false);
        let held = rig.gate.lock().expect("the gate");
        events.write_all(b"a").expect("an event");
        rig.queue.sync(1).expect("it is alive");
        drop(events);
        drop(held);
        let mut said = Vec::new();
        while said.last() != Some(&Said::Synced(vec![1])) && said.last() != Some(&Said::Synced(Vec::new())) {
            said.push(rig.next());
        }
        let synced = said.iter().position(|one| *one == Said::Synced(vec![1]));
        let before = &said[..synced.unwrap_or_else(|| panic!("no answer in {said:?}"))];
        // The event may have been read before the end was seen, or have been lost with the queue.
        assert!(before.contains(&Said::Heard(1)) || before.contains(&Said::Lost), "{said:?}");
    }

    #[test]
    fn events_that_cannot_be_passed_on_count_as_lost_for_every_sync_so_far() {
        let (rig, mut events) = Rig::piped(false);
        let held = rig.gate.lock().expect("the gate");
        events.write_all(b"!x").expect("an event");
        rig.queue.sync(3).expect("it is alive");
        drop(held);
        assert_eq!((rig.next(), rig.next()), (Said::Lost, Said::Synced(vec![3])));
        assert!(rig.queue.is_alive());
        events.write_all(b"y").expect("an event");
        assert_eq!(rig.next(), Said::Heard(1));
    }

    #[test]
    fn a_thread_that_panics_leaves_a_dead_queue_and_no_sync_unanswered() {
        let (rig, mut events) = Rig::piped(true);
        let held = rig.gate.lock().expect("the gate");
        events.write_all(b"!x").expect("an event");
        rig.queue.sync(3).expect("it is alive");
        drop(held);
        // The first loss panics and ends the thread, whose own word of it panics as well.
        assert_eq!((rig.next(), rig.next()), (Said::Lost, Said::Lost));
        assert_eq!(rig.next(), Said::Synced(vec![3]));
        assert!(!rig.queue.is_alive());
        assert!(rig.queue.sync(4).is_err(), "an answer will not come");
    }
}
