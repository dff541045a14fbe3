//! The log: lines on standard error, written by a thread of their own.
//!
//! Nothing that works waits for the log, and nothing fails with it. A line goes into a bounded `queue`; when that is
//! full, because the reader of a pipe has stopped reading or a terminal is held by Ctrl-S, the line is lost and
//! counted. A line that cannot be written (a full disk, a reader that has gone) is lost and counted too. The status
//! shows the count as `logLinesLost`, and the log itself says how many are missing once it can be written again.
//!
//! Everything that a daemon has to say goes this way, panics and fatal errors too: the standard library's macros fail
//! or block with standard error.

mod queue;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fs::File;
use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd as _, FromRawFd as _};
use std::panic::PanicHookInfo;
use std::sync::{Arc, OnceLock};
use std::thread::Builder;
use std::time::Duration;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use queue::Queue;

/// At the end of the process, lines that wait are written for this long at most: a reader that has stopped reading must
/// not keep a process from ending.
const FLUSH_MAX: Duration = Duration::from_secs(1);

/// The queue before standard error. A process has one standard error, so it is the process's.
static LOG: OnceLock<Arc<Queue>> = OnceLock::new();

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// For people; with colours where `ansi` says so.
    Human {
        /// Standard error is a terminal.
        ansi: bool,
    },
    /// One JSON object a line.
    Json,
}

/// The log, running. Dropping it writes what waits, for `FLUSH_MAX` at most.
#[must_use]
pub struct Log(());

impl Drop for Log {
    fn drop(&mut self) {
        flush();
    }
}

/// Starts the log of this process: from here on, what is traced and every panic is a line of it.
///
/// # Errors
/// The system gives no thread.
pub fn start(style: Style, filter: EnvFilter) -> io::Result<Log> {
    let queue = Arc::new(Queue::default());
    let theirs = Arc::clone(&queue);
    // A descriptor of its own: the lock of the standard library's would be held while a write blocks.
    let out = io::stderr().as_fd().try_clone_to_owned().map(File::from);
    Builder::new().name("log".into()).spawn(move || match out {
        Ok(out) => theirs.write_to(out),
        // SAFETY: standard error is open for as long as the process lives, and is not closed here.
        Err(_) => theirs.write_to(&*ManuallyDrop::new(unsafe { File::from_raw_fd(libc::STDERR_FILENO) })),
    })?;
    if LOG.set(queue).is_ok() {
        let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(Lines).with_target(false);
        // Errors of the writer would go to standard error by a macro that panics when that fails.
        let builder = builder.log_internal_errors(false);
        match style {
            Style::Human { ansi } => builder.with_ansi(ansi).init(),
            Style::Json => builder.json().flatten_event(true).init(),
        }
        std::panic::set_hook(Box::new(panicked));
    }
    Ok(Log(()))
}

/// How many lines were lost since the start of the process.
#[must_use]
pub fn lines_lost() -> u64 {
    LOG.get().map_or(0, |queue| queue.lost())
}

/// Writes what waits, for `FLUSH_MAX` at most. For the ways out of a process that drop nothing.
pub fn flush() {
    if let Some(queue) = LOG.get() {
        queue.flush(FLUSH_MAX);
    }
}

/// A text for people, which is no log line: it goes the same way. Without a log it is lost.
pub fn say(text: &str) {
    if let Some(queue) = LOG.get() {
        queue.push(format!("{}\n", text.trim_end_matches('\n')).into_bytes());
    }
}

fn panicked(panic: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("unnamed").to_owned();
    let place = panic.location().map_or_else(String::new, ToString::to_string);
    let why = panic.payload_as_str().unwrap_or("no text");
    let trace = Backtrace::capture();
    match trace.status() {
        BacktraceStatus::Captured => tracing::error!(thread, place, %trace, "a thread panicked: {why}"),
        _ => tracing::error!(thread, place, "a thread panicked: {why}"),
    }
}

/// Where the subscriber writes to.
struct Lines;

impl MakeWriter<'_> for Lines {
    type Writer = Line;

    fn make_writer(&self) -> Line {
        Line(Vec::new())
    }
}

/// A line being put together; it goes on its way when it is dropped.
struct Line(Vec<u8>);

impl Write for Line {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(queue) = LOG.get().filter(|_| !self.0.is_empty()) {
            queue.push(std::mem::take(&mut self.0));
        }
    }
}
