//! A few sessions, each on a thread of its own, and the files that wait for them.
//!
//! A look never waits here. It takes the answer if there is one; if not, it hands the open file over, and the path is
//! looked at again once it is woken. So a file that `exiftool` is slow with holds up no look at another file.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::process::Limits;
use super::session::{Session, Unusable};
use crate::metadata::found::Portion;
use crate::model::asset::Stat;
use crate::model::look::Unread;
use crate::model::metadata::Said;
use crate::model::path::LogicalPath;
use crate::model::time::Wall;

/// Processes at most, however many processors there are: half of them are left to everything else.
pub const PROCESSES_MAX: usize = 4;
/// Open files that wait, for each process: enough that it always finds the next one.
pub(super) const OPEN_MAX: usize = 4;
/// Paths of further files that wait. Of those beyond nothing is kept: they are looked at again by themselves.
pub(super) const PATHS_MAX: usize = 4_096;
/// Answers that are kept, also after a look has taken them: a look may have to be repeated.
pub(super) const ANSWERS_MAX: usize = 16;
/// How long a process without a file stays.
const IDLE_MAX: Duration = Duration::from_secs(60);
/// How long after paths were woken the next ones are, where no look has brought a file.
const WAKE_AGAIN: Duration = Duration::from_millis(200);
/// How long after the first attempt to start a process the second one comes.
const RETRY: Duration = Duration::from_secs(1);
/// The longest time between two attempts to start a process.
pub(super) const RETRY_MAX: Duration = Duration::from_secs(60);

/// What a pool may cost, and how long it waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolLimits {
    /// Of each process.
    pub process: Limits,
    /// Processes; see [`PROCESSES_MAX`].
    pub processes: usize,
    /// How long a process without a file stays.
    pub idle: Duration,
    /// How long after the first attempt to start a process the second one comes; each further one comes twice as late.
    pub retry: Duration,
}

impl Default for PoolLimits {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let processes = (processors / 2).clamp(1, PROCESSES_MAX);
        Self { process: Limits::default(), processes, idle: IDLE_MAX, retry: RETRY }
    }
}

/// What `exiftool` says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What it says, or why that is not known.
    pub content: Result<Said, Unread>,
    /// The file was read so soon after its last write that another write could leave the same times.
    pub racy: bool,
}

/// A file to be read.
#[derive(Debug)]
pub struct OpenFile {
    /// The file.
    pub file: File,
    /// What lstat(2) said of it.
    pub stat: Stat,
    /// From when on another write moves its times, nanoseconds since the Unix epoch.
    pub settled_ns: i64,
}

/// The pool. Dropping it ends its processes.
pub struct Exiftool {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Exiftool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exiftool").field("program", &self.shared.program).finish_non_exhaustive()
    }
}

/// Has a path looked at again.
pub type Wake = Box<dyn Fn(&LogicalPath) + Send + Sync>;

struct Shared {
    program: PathBuf,
    limits: PoolLimits,
    wake: Wake,
    queue: Mutex<Queue>,
    work: Condvar,
}

#[derive(Default)]
struct Queue {
    /// Files by path, each with its state.
    files: HashMap<LogicalPath, Entry>,
    /// Those to be read, in order.
    open: VecDeque<Key>,
    /// Those that have been read, in order.
    answered: VecDeque<Key>,
    /// Files that found no room: they are woken when there is some.
    paths: VecDeque<LogicalPath>,
    is_waiting: HashSet<LogicalPath>,
    next_number: u64,
    threads: usize,
    idle_threads: usize,
    refusal: Option<Refusal>,
    closed: bool,
}

/// A path, and the number of what was asked about it: what was asked before is worthless.
type Key = (LogicalPath, u64);

struct Entry {
    number: u64,
    stat: Stat,
    state: State,
}

enum State {
    Open { portion: Portion, file: File, settled_ns: i64 },
    Reading,
    Answered(Answer),
}

/// No process can be started.
struct Refusal {
    why: String,
    since: Wall,
    times: u32,
    /// No process is started before; `None`: none ever is.
    until: Option<Instant>,
}

impl Refusal {
    fn holds(&self) -> bool {
        self.until.is_none_or(|until| until > Instant::now())
    }
}

/// What a thread has to do.
struct Task {
    key: Key,
    portion: Portion,
    file: File,
    settled_ns: i64,
}

impl Exiftool {
    /// A pool of this program. Nothing is started before the first file.
    #[must_use]
    pub fn new(program: PathBuf, limits: PoolLimits, wake: Wake) -> Self {
        let (queue, work) = (Mutex::default(), Condvar::new());
        Self { shared: Arc::new(Shared { program, limits, wake, queue, work }) }
    }

    /// A pool of a program that was tried and cannot be used: every file is refused, for this reason, since then.
    #[must_use]
    pub fn unusable(why: String, since: Wall) -> Self {
        let unusable = Self::new(PathBuf::new(), PoolLimits::default(), Box::new(|_| {}));
        unusable.shared.lock().refusal = Some(Refusal { why, since, times: 0, until: None });
        unusable
    }

    /// What is said of a file as it is now; `None` when that is not known yet: the path is woken once it is.
    ///
    /// # Errors
    /// The file cannot be opened once more. It is asked for where nothing is known.
    pub fn read(
        &self,
        path: &LogicalPath,
        portion: Portion,
        stat: &Stat,
        open: impl FnOnce() -> io::Result<OpenFile>,
    ) -> io::Result<Option<Answer>> {
        let mut queue = self.shared.lock();
        if let Some(entry) = queue.files.get(path).filter(|entry| entry.stat == *stat) {
            let State::Answered(answer) = &entry.state else { return Ok(None) };
            let answer = answer.clone();
            if matches!(answer.content, Err(Unread::Refused(_))) {
                queue.files.remove(path);
            }
            return Ok(Some(answer));
        }
        queue.files.remove(path);
        if let Some(refusal) = queue.refusal.as_ref().filter(|refusal| refusal.holds()) {
            return Ok(Some(Answer { content: Err(Unread::Refused(refusal.why.clone())), racy: false }));
        }
        // Those that were forgotten since are in the queue no more once their turn comes.
        if queue.open.len() >= OPEN_MAX * self.shared.limits.processes {
            queue.wait_for_room(path);
            return Ok(None);
        }
        let OpenFile { file, stat, settled_ns } = open()?;
        let number = queue.next_number;
        queue.next_number += 1;
        queue.open.push_back((path.clone(), number));
        let state = State::Open { portion, file, settled_ns };
        queue.files.insert(path.clone(), Entry { number, stat, state });
        let is_thread_wanted = queue.idle_threads < queue.open.len() && queue.threads < self.shared.limits.processes;
        queue.threads += usize::from(is_thread_wanted);
        drop(queue);
        if is_thread_wanted {
            self.shared.start_thread();
        }
        self.shared.work.notify_one();
        Ok(None)
    }

    /// Why no process can be started, and since when; `None` while nothing is known against it.
    #[must_use]
    pub fn refusal(&self) -> Option<(String, Wall)> {
        self.shared.lock().refusal.as_ref().map(|refusal| (refusal.why.clone(), refusal.since))
    }

    /// How many threads there are, each with a process or about to start one.
    #[cfg(test)]
    pub(super) fn threads(&self) -> usize {
        self.shared.lock().threads
    }

    /// How many open files wait, and how many paths.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> (usize, usize) {
        let queue = self.shared.lock();
        (queue.open.len(), queue.paths.len())
    }

    /// How long no process is started.
    #[cfg(test)]
    pub(super) fn retry_in(&self) -> Option<Duration> {
        let queue = self.shared.lock();
        queue.refusal.as_ref()?.until.map(|until| until.saturating_duration_since(Instant::now()))
    }
}

impl Drop for Exiftool {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.work.notify_all();
    }
}

impl Queue {
    fn wait_for_room(&mut self, path: &LogicalPath) {
        if self.paths.len() < PATHS_MAX && self.is_waiting.insert(path.clone()) {
            self.paths.push_back(path.clone());
        }
    }

    /// Takes paths for which there is room.
    fn take_paths(&mut self, most: usize) -> Vec<LogicalPath> {
        let count = self.paths.len().min(most.saturating_sub(self.open.len()));
        let taken: Vec<_> = self.paths.drain(..count).collect();
        for path in &taken {
            self.is_waiting.remove(path);
        }
        taken
    }

    /// The next file that is still to be read.
    fn next_open(&mut self) -> Option<Task> {
        while let Some(key) = self.open.pop_front() {
            let Some(entry) = self.files.get_mut(&key.0).filter(|entry| entry.number == key.1) else { continue };
            match std::mem::replace(&mut entry.state, State::Reading) {
                State::Open { portion, file, settled_ns } => return Some(Task { key, portion, file, settled_ns }),
                other => entry.state = other,
            }
        }
        None
    }

    /// Keeps an answer, unless something else was asked of the path meanwhile.
    fn answer(&mut self, key: Key, answer: Answer) {
        let Some(entry) = self.files.get_mut(&key.0).filter(|entry| entry.number == key.1) else { return };
        entry.state = State::Answered(answer);
        self.answered.push_back(key);
        while self.answered.len() > ANSWERS_MAX {
            let Some((path, number)) = self.answered.pop_front() else { break };
            if self.files.get(&path).is_some_and(|entry| entry.number == number) {
                self.files.remove(&path);
            }
        }
    }
}

impl Shared {
    /// Every change of the queue is whole before its lock is given back, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a thread that is counted already.
    fn start_thread(self: &Arc<Self>) {
        let shared = Arc::clone(self);
        let work = move || {
            let thread = Thread { shared: &shared };
            let mut session = Session::new(&shared.program, shared.limits.process);
            while let Some(task) = shared.next() {
                let racy = now_ns() < task.settled_ns;
                let content = match shared.may_start() {
                    Err(why) => Err(Unread::Refused(why)),
                    Ok(()) => match session.read(task.portion, &task.file) {
                        Ok(content) => {
                            if shared.lock().refusal.take().is_some() {
                                tracing::info!("exiftool can be used again");
                            }
                            content
                        }
                        Err(unusable) => Err(Unread::Refused(shared.refuse(&unusable))),
                    },
                };
                shared.answer(task, Answer { content, racy });
            }
            // Its process ends with it.
            drop((session, thread));
        };
        if let Err(error) = Builder::new().name("exiftool".into()).spawn(work) {
            tracing::error!(%error, "no thread could be started for exiftool");
            self.lock().threads -= 1;
        }
    }

    /// Waits for a file to read. `None`: none came for long, or the pool is closed.
    fn next(&self) -> Option<Task> {
        let mut queue = self.lock();
        let idle_until = Instant::now() + self.limits.idle;
        loop {
            if queue.closed {
                return None;
            }
            if let Some(task) = queue.next_open() {
                return Some(task);
            }
            let paths = queue.take_paths(OPEN_MAX * self.limits.processes);
            let left = idle_until.saturating_duration_since(Instant::now());
            if left.is_zero() && paths.is_empty() {
                return None;
            }
            let most = if paths.is_empty() { left } else { WAKE_AGAIN };
            if !paths.is_empty() {
                drop(queue);
                paths.iter().for_each(|path| (self.wake)(path));
                queue = self.lock();
                if !queue.open.is_empty() || queue.closed {
                    continue;
                }
            }
            queue.idle_threads += 1;
            queue = self.work.wait_timeout(queue, most).unwrap_or_else(PoisonError::into_inner).0;
            queue.idle_threads -= 1;
        }
    }

    /// Returns whether a process may be asked, or why not.
    fn may_start(&self) -> Result<(), String> {
        match &self.lock().refusal {
            Some(refusal) if refusal.holds() => Err(refusal.why.clone()),
            _ => Ok(()),
        }
    }

    /// Notes that no process can be started. Returns why, for people.
    fn refuse(&self, unusable: &Unusable) -> String {
        let why = unusable.to_string();
        let mut queue = self.lock();
        let (since, times) = match &queue.refusal {
            Some(refusal) => (refusal.since, refusal.times + 1),
            None => (Wall(now_ns() / 1_000_000), 0),
        };
        if times == 0 {
            tracing::warn!("{why}");
        }
        let wait = self.limits.retry.saturating_mul(1 << times.min(16)).min(RETRY_MAX);
        queue.refusal = Some(Refusal { why: why.clone(), since, times, until: Some(Instant::now() + wait) });
        why
    }

    /// Keeps an answer, and wakes its path, and paths for which there is room now.
    fn answer(&self, task: Task, answer: Answer) {
        let Task { key, file, .. } = task;
        drop(file);
        let path = key.0.clone();
        let mut queue = self.lock();
        queue.answer(key, answer);
        let paths = queue.take_paths(OPEN_MAX * self.limits.processes);
        drop(queue);
        (self.wake)(&path);
        paths.iter().for_each(|path| (self.wake)(path));
    }
}

/// A thread of the pool, for as long as it lives.
struct Thread<'a> {
    shared: &'a Arc<Shared>,
}

impl Drop for Thread<'_> {
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        queue.threads -= 1;
        if std::thread::panicking() {
            // What it was reading has no answer: the next look asks again.
            queue.files.retain(|_, entry| !matches!(entry.state, State::Reading));
        }
        // A file may have come while this one was on its way out.
        let is_thread_wanted = !queue.open.is_empty() && !queue.closed && queue.threads < self.shared.limits.processes;
        queue.threads += usize::from(is_thread_wanted);
        drop(queue);
        if is_thread_wanted {
            self.shared.start_thread();
        }
    }
}

/// Nanoseconds since the Unix epoch, by the clock of this machine.
fn now_ns() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    i64::try_from(now).unwrap_or(i64::MAX)
}
