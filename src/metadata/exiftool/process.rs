//! One `exiftool` that stays open: it reads requests from its standard input (exiftool(1), `-stay_open` and `-execute`)
//! and ends each answer with `{readyN}`.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use crate::metadata::found::Portion;

/// Bytes of one answer. A usual one has 2 to 30 KB; 512 keys of 2 KB each fit.
pub const OUTPUT_BYTES_MAX: usize = 1024 * 1024;
/// How long one file may take. Usual ones take 3 to 120 ms.
pub const FILE_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a process may take to start: Perl compiles ExifTool in some 100 ms.
pub const START_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a process may take to end once it is killed. One that takes longer waits for a filesystem that hangs.
pub const END_TIME_MAX: Duration = Duration::from_secs(1);
/// Address space of one process, bytes. A usual one has 50 MB.
pub const MEMORY_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Files that one process is asked about: what it does not give back of its memory does not add up.
pub const FILES_MAX: u32 = 1_000;

/// What is asked of every file, with every request: nothing that was set for one request is left for the next. Groups
/// of families 0 and 1, structures whole, numbers and codes instead of words, no binary data, and nothing that is
/// calculated from other tags.
const OPTIONS: [&str; 7] = ["-j", "-G0:1", "-a", "-struct", "-n", "-e", "--b"];
/// What is asked of a file of which the readers know everything but its maker note.
const MAKER_NOTE: [&str; 3] = ["-MakerNotes:all", "-ExifTool:Error", "-ExifTool:Warning"];

/// What one process may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// See [`OUTPUT_BYTES_MAX`].
    pub output_bytes: usize,
    /// See [`FILE_TIME_MAX`].
    pub file: Duration,
    /// See [`START_TIME_MAX`].
    pub start: Duration,
    /// See [`END_TIME_MAX`].
    pub end: Duration,
    /// See [`MEMORY_BYTES_MAX`].
    pub memory_bytes: u64,
    /// See [`FILES_MAX`].
    pub files: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            output_bytes: OUTPUT_BYTES_MAX,
            file: FILE_TIME_MAX,
            start: START_TIME_MAX,
            end: END_TIME_MAX,
            memory_bytes: MEMORY_BYTES_MAX,
            files: FILES_MAX,
        }
    }
}

/// Why a process gave no answer. It cannot be asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It ended.
    #[error("exiftool ended before it answered")]
    Ended,
    /// It took longer than allowed.
    #[error("exiftool takes longer than allowed")]
    Late,
    /// Its answer is larger than allowed.
    #[error("exiftool's answer is larger than allowed")]
    TooMuch,
}

/// A process that answers. Dropping it ends it.
///
/// It also ends when the thread that started it does: an `exiftool` whose standard input has ended waits for more, a
/// hundred times a second, and would do so for ever after ringback was killed.
#[derive(Debug)]
pub struct Process {
    child: Option<Child>,
    requests: ChildStdin,
    answers: ChildStdout,
    number: u64,
    limits: Limits,
    /// What it says that its version is.
    pub version: String,
}

impl Process {
    /// Starts one, and waits until it answers.
    ///
    /// # Errors
    /// The program cannot be started, or does not answer as `exiftool` does.
    pub fn start(program: &Path, limits: Limits) -> io::Result<Self> {
        let mut command = Command::new(program);
        // The empty configuration comes first: no file in a home directory or beside the program is run.
        command.args(["-config", "", "-stay_open", "True", "-@", "-"]);
        command.env_clear().envs([("LANG", "C"), ("TZ", "UTC")]);
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        // A group of its own: a program that is a script is killed with what it has started.
        command.process_group(0);
        confine(&mut command, limits.memory_bytes);
        let mut child = command.spawn()?;
        let (Some(requests), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("it has no standard input or output"));
        };
        let version = String::new();
        let mut process = Self { child: Some(child), requests, answers, number: 0, limits, version };
        let answer = process.exchange(&["-ver"], limits.start).map_err(|failure| match failure {
            Failure::Late => io::Error::new(io::ErrorKind::TimedOut, failure),
            Failure::Ended | Failure::TooMuch => io::Error::other(failure),
        })?;
        let version = String::from_utf8_lossy(&answer).trim().to_owned();
        if !version.starts_with(|first: char| first.is_ascii_digit()) || version.contains(char::is_whitespace) {
            return Err(io::Error::other("it does not say its version as exiftool does"));
        }
        process.version = version;
        Ok(process)
    }

    /// What it says of a file: JSON. Empty where it cannot open the file.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn ask(&mut self, portion: Portion, file: &File) -> Result<Vec<u8>, Failure> {
        let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
        let mut request = OPTIONS.to_vec();
        if portion == Portion::MakerNote {
            request.extend(MAKER_NOTE);
        }
        request.push(&path);
        self.exchange(&request, self.limits.file)
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Kills it. Returns what does not end, since a filesystem that hangs holds it: to be waited for later.
    pub fn end(&mut self) -> Option<Child> {
        let mut child = self.child.take()?;
        // SAFETY: the number is that of a group whose leader is not waited for yet, so it is no other group's.
        unsafe { libc::kill(-(child.id() as libc::pid_t), libc::SIGKILL) };
        let until = Instant::now() + self.limits.end;
        let mut rest = [0; 4096];
        // What ends closes its output first.
        while is_readable(self.answers.as_fd(), until) {
            match self.answers.read(&mut rest) {
                Ok(0) => return child.wait().err().map(|_| child),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        Some(child)
    }

    /// Sends a request and waits for the whole of its answer.
    fn exchange(&mut self, arguments: &[&str], most: Duration) -> Result<Vec<u8>, Failure> {
        let until = Instant::now() + most;
        self.number += 1;
        let request = format!("{}\n-execute{}\n", arguments.join("\n"), self.number);
        // It has read everything before this, so a request of some hundred bytes fits into the pipe.
        self.requests.write_all(request.as_bytes()).map_err(|_| Failure::Ended)?;
        let end = format!("{{ready{}}}\n", self.number);
        let (mut answer, mut piece) = (Vec::new(), [0; 16 * 1024]);
        loop {
            if !is_readable(self.answers.as_fd(), until) {
                return Err(Failure::Late);
            }
            match self.answers.read(&mut piece) {
                Ok(0) => return Err(Failure::Ended),
                Ok(length) => answer.extend(&piece[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(Failure::Ended),
            }
            // No text in JSON has a line break, so no file can say this.
            if let Some(before) = answer.strip_suffix(end.as_bytes())
                && before.last().is_none_or(|&last| last == b'\n')
            {
                answer.truncate(before.len());
                return if answer.len() > self.limits.output_bytes { Err(Failure::TooMuch) } else { Ok(answer) };
            }
            // The mark may be cut in two.
            if answer.len() > self.limits.output_bytes + end.len() {
                return Err(Failure::TooMuch);
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // What does not end now ends with its filesystem.
        drop(self.end());
    }
}

/// Has what is started take no more memory than this, write no core, and end with the thread that starts it.
fn confine(command: &mut Command, memory_bytes: u64) {
    let parent = std::process::id();
    let confine = move || {
        let limit = |most: u64| libc::rlimit { rlim_cur: most as libc::rlim_t, rlim_max: most as libc::rlim_t };
        for (what, most) in [(libc::RLIMIT_AS, memory_bytes), (libc::RLIMIT_CORE, 0)] {
            let limit = limit(most);
            // SAFETY: the limit outlives the call.
            if unsafe { libc::setrlimit(what, &raw const limit) } != 0 {
                return Err(io::Error::last_os_error());
            }
        }
        #[cfg(target_os = "linux")]
        // SAFETY: the arguments of PR_SET_PDEATHSIG are numbers.
        if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // The parent may have ended before it was asked for.
        match std::os::unix::process::parent_id() == parent {
            true => Ok(()),
            false => Err(io::Error::from_raw_os_error(libc::ESRCH)),
        }
    };
    // SAFETY: the closure runs between fork(2) and execve(2), makes system calls alone, and takes no memory.
    unsafe { command.pre_exec(confine) };
}

/// Waits until there is something to read, or the end of it; returns whether there is before the time is up.
fn is_readable(from: BorrowedFd<'_>, until: Instant) -> bool {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let ms = left.as_micros().div_ceil(1_000).min(libc::c_int::MAX as u128) as libc::c_int;
        let mut one = libc::pollfd { fd: from.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: the descriptor is open as long as the borrow lasts, and the structure is ours.
        let count = unsafe { libc::poll(&raw mut one, 1, ms) };
        let is_interrupted = count < 0 && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted;
        if !is_interrupted {
            return count > 0;
        }
    }
}
