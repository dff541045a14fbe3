//! The lines that wait to be written. Pushing never waits for the writer; past a bound a line is lost and counted.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Lines that wait, bytes in all: some 3,000 lines of a burst, while a terminal or a disk takes its time.
const BYTES_MAX: usize = 1 << 20;
/// That lines were lost is said this often at most.
const SAID_EVERY: Duration = Duration::from_secs(10);
/// A descriptor that another process has made non-blocking and that is full is tried again this much later.
const FULL_REST: Duration = Duration::from_millis(20);

/// The queue.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    /// A line has come.
    wake: Condvar,
    /// Nothing waits, and nothing is being written.
    idle: Condvar,
    lost: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    writing: bool,
}

impl Queue {
    /// Puts a line in, or loses it. Does not wait.
    pub(super) fn push(&self, line: Vec<u8>) {
        let mut waiting = self.lock();
        // One line that is larger than all that may wait is taken when nothing else waits.
        if waiting.bytes > 0 && waiting.bytes + line.len() > BYTES_MAX {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        waiting.bytes += line.len();
        waiting.lines.push_back(line);
        drop(waiting);
        self.wake.notify_one();
    }

    /// Lines lost so far.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Waits until all is written that was pushed before, no longer than this.
    pub(super) fn flush(&self, max: Duration) {
        let waiting = self.lock();
        let busy = |waiting: &mut Waiting| waiting.writing || !waiting.lines.is_empty();
        drop(self.idle.wait_timeout_while(waiting, max, busy).unwrap_or_else(PoisonError::into_inner));
    }

    /// Writes lines as they come, for as long as the process lives.
    pub(super) fn write_to(&self, mut out: impl Write) {
        let mut reported = Reported { lost: 0, next: None };
        // The last line was cut off in its middle: the next one begins on a line of its own.
        let mut is_torn = false;
        loop {
            let mut line = self.next();
            if is_torn {
                line.insert(0, b'\n');
            }
            match write_all(&mut out, &line) {
                Ok(()) => {
                    is_torn = false;
                    reported.report(self.lost());
                }
                Err(written) => {
                    self.lost.fetch_add(1, Ordering::Relaxed);
                    is_torn = if written == 0 { is_torn } else { line.get(written - 1) != Some(&b'\n') };
                }
            }
        }
    }

    fn next(&self) -> Vec<u8> {
        let mut waiting = self.lock();
        waiting.writing = false;
        loop {
            if let Some(line) = waiting.lines.pop_front() {
                waiting.bytes -= line.len();
                waiting.writing = true;
                return line;
            }
            self.idle.notify_all();
            waiting = self.wake.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// It is whole between any two statements, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the log says about lines that are missing from it.
struct Reported {
    lost: u64,
    /// Not before.
    next: Option<Instant>,
}

impl Reported {
    /// Says once lines can be written again that some are missing. The line goes through the queue as others do.
    fn report(&mut self, lost: u64) {
        let now = Instant::now();
        if lost == self.lost || self.next.is_some_and(|next| now < next) {
            return;
        }
        let lines = lost - self.lost;
        tracing::warn!(lines, "log lines were lost: the log could not be written, or its reader did not keep up");
        (self.lost, self.next) = (lost, Some(now + SAID_EVERY));
    }
}

/// Writes all of it, or says how much was written until it could not be.
fn write_all(out: &mut impl Write, line: &[u8]) -> Result<(), usize> {
    let mut written = 0;
    while written < line.len() {
        match out.write(&line[written..]) {
            Ok(0) => return Err(written),
            Ok(more) => written += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::sleep(FULL_REST),
            Err(_) => return Err(written),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read as _, Write};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex};
    use std::time::{Duration, Instant};

    use super::{BYTES_MAX, Queue};
    use crate::daemon::log::FLUSH_MAX;

    const LONG: Duration = Duration::from_secs(60);

    fn start(out: impl Write + Send + 'static) -> Arc<Queue> {
        let queue = Arc::new(Queue::default());
        let theirs = Arc::clone(&queue);
        std::thread::spawn(move || theirs.write_to(out));
        queue
    }

    /// A disk that may be full, and then takes a part of a line.
    #[derive(Clone, Default)]
    struct Disk {
        full: Arc<AtomicBool>,
        content: Arc<Mutex<Vec<u8>>>,
        cut: usize,
    }

    impl Write for Disk {
        fn write(&mut self, part: &[u8]) -> io::Result<usize> {
            let taken = match self.full.load(Ordering::SeqCst) {
                true if self.cut == 0 => return Err(io::ErrorKind::StorageFull.into()),
                true => std::mem::take(&mut self.cut).min(part.len()),
                false => part.len(),
            };
            self.content.lock().expect("a lock").extend_from_slice(&part[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_a_full_disk_does_not_take_are_lost_and_counted() {
        let disk = Disk { cut: 2, ..Disk::default() };
        let queue = start(disk.clone());
        queue.push(b"one\n".to_vec());
        queue.flush(LONG);
        disk.full.store(true, Ordering::SeqCst);
        ["two\n", "three\n"].into_iter().for_each(|line| queue.push(line.into()));
        queue.flush(LONG);
        assert_eq!(queue.lost(), 2);
        disk.full.store(false, Ordering::SeqCst);
        queue.push(b"four\n".to_vec());
        queue.flush(LONG);
        let content = String::from_utf8(disk.content.lock().expect("a lock").clone()).expect("UTF-8");
        assert_eq!((content.as_str(), queue.lost()), ("one\ntw\nfour\n", 2));
    }

    #[test]
    fn a_reader_that_stops_reading_holds_up_neither_who_logs_nor_the_end() {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let queue = start(writer);
        let line = vec![b'x'; 1 << 10];
        let lines = 4 * BYTES_MAX / line.len();
        let began = Instant::now();
        (0..lines).for_each(|_| queue.push(line.clone()));
        queue.flush(Duration::from_millis(10));
        assert!(began.elapsed() < LONG / 2);
        let lost = queue.lost();
        assert!(lost > 0 && lost < lines as u64, "{lost} of {lines}");
        // What was kept is there when it reads on.
        let kept = lines - usize::try_from(lost).expect("few");
        let mut read = vec![0; kept * line.len()];
        reader.read_exact(&mut read).expect("all that was kept");
        queue.flush(LONG);
        assert_eq!(queue.lost(), lost);
    }

    #[test]
    fn the_end_waits_for_a_reader_no_longer_than_the_limit() {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let queue = start(writer);
        let lines = vec![b'x'; BYTES_MAX / 2];
        queue.push(lines.clone());
        let began = Instant::now();
        queue.flush(FLUSH_MAX);
        let took = began.elapsed();
        assert!(took >= FLUSH_MAX && took < LONG / 2, "{took:?}: it does not read");
        // It reads on while it is waited for.
        let reads = std::thread::spawn(move || reader.read_exact(&mut vec![0; BYTES_MAX / 2]));
        let began = Instant::now();
        queue.flush(LONG);
        assert!(began.elapsed() < LONG, "all is written: nobody waits any longer");
        reads.join().expect("no panic").expect("all lines");
        assert_eq!(queue.lost(), 0);
    }

    #[test]
    fn a_reader_that_has_gone_costs_lines() {
        let (reader, writer) = io::pipe().expect("a pipe");
        drop(reader);
        let queue = start(writer);
        (0..3).for_each(|_| queue.push(b"x\n".to_vec()));
        queue.flush(LONG);
        assert_eq!(queue.lost(), 3);
    }
}
