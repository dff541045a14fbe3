//! A conversation with `exiftool` that goes on whatever becomes of the process behind it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Child;

use super::answer;
use super::process::{Failure, Limits, Process};
use crate::metadata::fault::Fault;
use crate::metadata::found::Portion;
use crate::model::look::Unread;
use crate::model::metadata::Said;

/// Processes that were killed and do not end. With so many, a further one would be stuck in the same filesystem.
pub const STUCK_MAX: usize = 4;
/// How often a file is asked about if the process ends: the first time an operator may have killed the process.
const TRIES: u32 = 2;

/// A process that is replaced when it ends, fails, or has answered often. For one thread.
#[derive(Debug)]
pub struct Session {
    program: PathBuf,
    pub(super) limits: Limits,
    process: Option<Process>,
    /// Files that the process was asked about.
    files: u32,
    stuck: Vec<Child>,
}

/// The program cannot be started. For people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("exiftool cannot be used: {program}: {why}; install Debian's libimage-exiftool-perl, or mend `exiftool` of [metadata]", program = program.display())]
pub struct Unusable {
    program: PathBuf,
    why: String,
}

impl Session {
    /// Nothing is started before the first file.
    #[must_use]
    pub fn new(program: &Path, limits: Limits) -> Self {
        Self { program: program.to_owned(), limits, process: None, files: 0, stuck: Vec::new() }
    }

    /// The version of the program, after it has read a file in the way in which it is to read all of them.
    ///
    /// # Errors
    /// It does not start, or cannot read what ringback has opened.
    pub fn check(&mut self, file: &File) -> Result<String, Unusable> {
        let process = self.process()?;
        let (version, answer) = (process.version.clone(), process.ask(Portion::Whole, file));
        match answer {
            Ok(answer) if !answer.trim_ascii().is_empty() => Ok(version),
            Ok(_) => Err(self.unusable(
                "it cannot open what ringback opens, below /proc: give ringback its capabilities by systemd's \
                 AmbientCapabilities, and not by setcap",
            )),
            Err(failure) => {
                self.end();
                Err(self.unusable(failure))
            }
        }
    }

    /// What the program says of a portion of an open file.
    ///
    /// # Errors
    /// The program cannot be started. Why a file is not read is the content of the answer.
    pub fn read(&mut self, portion: Portion, file: &File) -> Result<Result<Said, Unread>, Unusable> {
        if self.files >= self.limits.files {
            self.end();
        }
        let mut tries = 0;
        loop {
            tries += 1;
            let answer = self.process()?.ask(portion, file);
            self.files += 1;
            let failure = match answer {
                Ok(answer) => return Ok(answer::said(&answer, portion).map_err(unread)),
                Err(failure) => failure,
            };
            let has_ended = self.end();
            if failure == Failure::Ended && tries < TRIES {
                continue;
            }
            return Ok(Err(match failure {
                _ if !has_ended => {
                    Unread::Refused("exiftool waits for a disk that does not answer: check the disk".to_owned())
                }
                Failure::Ended => Unread::Damaged(failure.to_string()),
                Failure::Late => Unread::Damaged(format!("{failure} (limit: {:?})", self.limits.file)),
                Failure::TooMuch => Unread::Damaged(format!("{failure} (limit: {} bytes)", self.limits.output_bytes)),
            }));
        }
    }

    /// Ends the process, if there is one. Returns whether it has ended.
    pub fn end(&mut self) -> bool {
        let left = self.process.take().and_then(|mut process| process.end());
        let has_ended = left.is_none();
        self.stuck.extend(left);
        has_ended
    }

    /// The id of the process, if there is one.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().and_then(Process::id)
    }

    fn process(&mut self) -> Result<&mut Process, Unusable> {
        // An error says that it has ended and was waited for.
        self.stuck.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        let process = match self.process.take() {
            Some(process) => process,
            None if self.stuck.len() >= STUCK_MAX => {
                return Err(self.unusable("processes that were killed wait for a disk that does not answer"));
            }
            None => {
                self.files = 0;
                let start = || Process::start(&self.program, self.limits);
                // An operator may have killed the first while it started.
                let started = start().or_else(|error| match error.kind() {
                    io::ErrorKind::TimedOut => Err(error),
                    _ => start(),
                });
                started.map_err(|error| self.unusable(error))?
            }
        };
        Ok(self.process.insert(process))
    }

    fn unusable(&self, why: impl ToString) -> Unusable {
        Unusable { program: self.program.clone(), why: why.to_string() }
    }
}

fn unread(fault: Fault) -> Unread {
    match fault {
        Fault::Io(_) => Unread::Refused(fault.to_string()),
        Fault::Damaged { .. } | Fault::Limit { .. } => Unread::Damaged(fault.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::super::tests::{Fake, fake};
    use super::{Limits, STUCK_MAX, Session};

    #[test]
    fn nothing_is_started_beside_so_many_processes_that_do_not_end() {
        let fake_files = Fake::new();
        let mut session = Session::new(&fake(), Limits::default());
        let sleeping = || Command::new("sleep").arg("1000").spawn().expect("a process");
        session.stuck.extend((0..STUCK_MAX).map(|_| sleeping()));
        let unusable = session.read(super::Portion::Whole, &fake_files.file("fine")).expect_err("there are too many");
        assert!(unusable.to_string().contains("a disk that does not answer"), "{unusable}");
        session.stuck[0].kill().expect("killed");
        session.stuck[0].wait().expect("ended");
        let said = session.read(super::Portion::Whole, &fake_files.file("fine")).expect("there is room");
        assert_eq!(said.expect("an answer").values["Fake_Says"], ["fine"]);
        assert_eq!(session.stuck.len(), STUCK_MAX - 1);
        for child in &mut session.stuck {
            child.kill().expect("killed");
            child.wait().expect("ended");
        }
    }
}
