//! The threads that look: lstat, listings, roots, and the watch source's cookies. Looks go before listings, so a live
//! hint does not wait for a scan.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

use super::beat::Beating;
use super::clock::wall;
use super::inbox::Inbox;
use super::stop::AbortOnPanic;
use crate::engine::Input;
use crate::intake;
use crate::look::{self, disk::Disk};
use crate::model::hint::Signal;
use crate::model::ids::MountId;
use crate::model::job::Job;
use crate::model::look::{ListError, ListRequest, Listed, LookRequest, Looked, Seen};
use crate::model::root::{RootRequest, RootSeen};
use crate::watch::WatchSource;
use crate::watch::mounts::Mounts;

/// Threads: one for the live hints while the other lists, and both for a burst.
const THREADS: usize = 2;

/// How long a single call to the system may take before its filesystem counts as hung. Long, because a directory is
/// read in one call, and on a slow server a large one takes seconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// What looking needs.
pub(super) struct Tools {
    pub disk: Arc<dyn Disk>,
    pub mounts: Arc<Mounts>,
    pub source: Arc<dyn WatchSource>,
    pub inbox: Arc<Inbox>,
}

/// The queue before the looking threads. Dropping it ends them.
///
/// A filesystem that hangs (a network server that is gone) takes a thread with it. Once a call has taken longer than
/// patience lasts, its job is answered as if the mount's root were gone, another thread takes the place of the one that
/// hangs, and until the call returns the mount's jobs are answered at once, the same way: it is offline, and the other
/// mounts go on.
pub(super) struct Lookers {
    shared: Arc<Shared>,
}

struct Shared {
    tools: Tools,
    queue: Mutex<Queue>,
    wake: Condvar,
    /// For the thread that watches the others.
    end: Condvar,
}

#[derive(Default)]
struct Queue {
    first: VecDeque<Job>,
    lists: VecDeque<Job>,
    /// What each thread does, by its number.
    running: BTreeMap<usize, Running>,
    threads: usize,
    closed: bool,
}

struct Running {
    job: Arc<Job>,
    /// Of the thread.
    beats: Arc<AtomicU64>,
    /// What they were when they were last seen to have gone on.
    seen: u64,
    since: Instant,
    /// It hangs, and its answer was given for it.
    given_up: bool,
}

impl Lookers {
    pub(super) fn new(tools: Tools) -> Self {
        let (queue, wake, end) = (Mutex::default(), Condvar::new(), Condvar::new());
        Self { shared: Arc::new(Shared { tools, queue, wake, end }) }
    }

    /// Starts the threads. Nobody waits for their end: a file system that hangs must not hold up the daemon's.
    pub(super) fn start(&self) -> io::Result<()> {
        self.start_with(PATIENCE)
    }

    fn start_with(&self, patience: Duration) -> io::Result<()> {
        (0..THREADS).try_for_each(|_| self.shared.start_one())?;
        let shared = Arc::clone(&self.shared);
        let watch = move || {
            let _guard = AbortOnPanic;
            shared.watch_over(patience);
        };
        Builder::new().name("looker-watch".into()).spawn(watch).map(drop)
    }

    pub(super) fn push(&self, job: Job) {
        let mut queue = self.shared.lock();
        if let Some(mount) = job.mount()
            && queue.hangs(mount)
        {
            drop(queue);
            self.shared.tools.inbox.input(Input::Intake(job.given_up(mount)));
            return;
        }
        match job {
            Job::List(_) => queue.lists.push_back(job),
            _ => queue.first.push_back(job),
        }
        drop(queue);
        self.shared.wake.notify_one();
    }
}

impl Drop for Lookers {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.wake.notify_all();
        self.shared.end.notify_all();
    }
}

impl Queue {
    fn hangs(&self, mount: MountId) -> bool {
        self.running.values().any(|running| running.given_up && running.job.mount() == Some(mount))
    }

    /// Takes the jobs of a mount that wait.
    fn take_of(&mut self, mount: MountId) -> Vec<Job> {
        let mut taken = Vec::new();
        for jobs in [&mut self.first, &mut self.lists] {
            let (of, rest): (VecDeque<_>, VecDeque<_>) =
                std::mem::take(jobs).into_iter().partition(|job| job.mount() == Some(mount));
            taken.extend(of);
            *jobs = rest;
        }
        taken
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start_one(self: &Arc<Self>) -> io::Result<()> {
        let shared = Arc::clone(self);
        let number = {
            let mut queue = self.lock();
            queue.threads += 1;
            queue.threads - 1
        };
        let work = move || {
            let _guard = AbortOnPanic;
            let beats = Arc::new(AtomicU64::new(0));
            let disk = Beating::new(Arc::clone(&shared.tools.disk), Arc::clone(&beats));
            while let Some(job) = shared.next(number, &beats) {
                let answer = shared.tools.work(&disk, &job);
                let was_given_up = shared.lock().running.remove(&number).is_some_and(|running| running.given_up);
                if was_given_up {
                    tracing::info!("a filesystem that hung answers again");
                    // Another thread has taken this one's place.
                    return;
                }
                if let Some(answer) = answer {
                    shared.tools.inbox.input(Input::Intake(answer));
                }
            }
        };
        Builder::new().name(format!("looker-{number}")).spawn(work).map(drop)
    }

    fn next(&self, number: usize, beats: &Arc<AtomicU64>) -> Option<Arc<Job>> {
        let mut queue = self.lock();
        loop {
            if queue.closed {
                return None;
            }
            if let Some(job) = queue.first.pop_front().or_else(|| queue.lists.pop_front()) {
                let job = Arc::new(job);
                let running = Running {
                    job: Arc::clone(&job),
                    beats: Arc::clone(beats),
                    seen: beats.load(Ordering::Relaxed),
                    since: Instant::now(),
                    given_up: false,
                };
                queue.running.insert(number, running);
                return Some(job);
            }
            queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Gives up jobs that hang, until the end.
    fn watch_over(self: &Arc<Self>, patience: Duration) {
        loop {
            let queue = self.lock();
            if queue.closed {
                return;
            }
            let (mut queue, _) = self.end.wait_timeout(queue, patience / 4).unwrap_or_else(PoisonError::into_inner);
            let mut hung = Vec::new();
            for running in queue.running.values_mut().filter(|running| !running.given_up) {
                let beats = running.beats.load(Ordering::Relaxed);
                if beats != running.seen {
                    (running.seen, running.since) = (beats, Instant::now());
                } else if let Some(mount) = running.job.mount()
                    && running.since.elapsed() >= patience
                {
                    running.given_up = true;
                    hung.push((mount, Arc::clone(&running.job)));
                }
            }
            let waiting: Vec<_> =
                hung.iter().flat_map(|(mount, _)| queue.take_of(*mount).into_iter().map(|job| (*mount, job))).collect();
            drop(queue);
            for (mount, _) in &hung {
                tracing::warn!(mount = %self.tools.mounts.get(*mount).path, "a call to its filesystem hangs");
                if let Err(error) = self.start_one() {
                    tracing::error!(%error, "no thread could be started in place of one that hangs");
                }
            }
            // The roots first: what is answered after that is of a mount that is known to be offline.
            let roots = hung.iter().map(|(mount, _)| Job::SeeRoot(RootRequest::of(*mount)).given_up(*mount));
            let jobs = hung.iter().map(|(mount, job)| job.given_up(*mount));
            let answers = roots.chain(jobs).chain(waiting.iter().map(|(mount, job)| job.given_up(*mount)));
            for answer in answers {
                self.tools.inbox.input(Input::Intake(answer));
            }
        }
    }
}

impl Tools {
    fn work(&self, disk: &dyn Disk, job: &Job) -> Option<intake::Input> {
        let Self { mounts, source, .. } = self;
        Some(match job {
            Job::Look(request) => intake::Input::Looked(look::look(disk, mounts, &**source, &wall, request)),
            Job::List(request) => intake::Input::Listed(look::list(disk, mounts, &**source, &wall, request)),
            Job::SeeRoot(request) => {
                let seen = look::root(disk, mounts, &**source, request);
                intake::Input::RootSeen(request.mount, seen)
            }
            Job::SyncSource(number) => match source.sync(*number) {
                Ok(()) => return None,
                Err(error) => {
                    // Without the source's word, a scan of everything answers the question.
                    tracing::warn!(%error, "the watch source cannot say what it has seen; scanning instead");
                    let mut signals: Vec<_> = mounts.ids().map(Signal::Lost).collect();
                    signals.push(Signal::Synced(*number));
                    intake::Input::Signals(signals)
                }
            },
        })
    }
}

impl Job {
    /// The answer of a job whose mount hangs.
    fn given_up(&self, mount: MountId) -> intake::Input {
        match self {
            Self::Look(LookRequest { ticket, paths, .. }) => {
                let seen = paths.iter().map(|path| (path.clone(), Seen::RootGone)).collect();
                intake::Input::Looked(Looked { ticket: *ticket, seen })
            }
            Self::List(ListRequest { ticket, path, .. }) => intake::Input::Listed(Listed {
                ticket: *ticket,
                path: path.clone(),
                content: Err(ListError::RootGone),
                unwatched: None,
            }),
            Self::SeeRoot(_) | Self::SyncSource(_) => {
                intake::Input::RootSeen(mount, RootSeen::Unusable("its filesystem does not answer".into()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::path::Path;

    use super::super::hung_disk::HungDisk;
    use super::*;
    use crate::model::asset::Identity;
    use crate::model::ids::Ticket;
    use crate::model::mount::Mount;
    use crate::model::path::LogicalPath;
    use crate::model::watching::Watching;
    use crate::watch::{Mounting, WatchError};

    const HUNG: MountId = MountId(0);
    const FINE: MountId = MountId(1);

    #[test]
    fn a_filesystem_that_hangs_holds_nobody_up_and_is_taken_back_when_it_answers() {
        let server = Arc::new(HungDisk::below("/hung"));
        let inbox = Arc::new(Inbox::default());
        let mount = |name: &str| Mount { cross_filesystems: true, ..Mount::new(path(name), name.into()) };
        let mounts = Mounts::new(vec![mount("/hung"), mount("/fine")], None).expect("two mounts");
        let lookers = Lookers::new(Tools {
            disk: Arc::clone(&server) as Arc<dyn Disk>,
            mounts: Arc::new(mounts),
            source: Arc::new(NoSource),
            inbox: Arc::clone(&inbox),
        });
        lookers.start_with(Duration::from_millis(100)).expect("threads");
        // More than there are threads.
        for n in 0..5 {
            lookers.push(Job::Look(request(n)));
        }
        lookers.push(Job::SeeRoot(RootRequest::of(FINE)));
        let mut answers = Answers { inbox, taken: Vec::new() };
        answers.wait_for(|answers| answers.contains(&"/fine is missing".into()));
        answers.wait_for(|answers| answers.iter().filter(|answer| *answer == "root gone for a look").count() == 5);
        let offline = answers.taken.iter().position(|answer| answer == "/hung does not answer");
        let gone = answers.taken.iter().position(|answer| answer == "root gone for a look");
        assert!(offline < gone, "{:?}", answers.taken);

        answers.taken.clear();
        lookers.push(Job::SeeRoot(RootRequest::of(HUNG)));
        answers.wait_for(|answers| answers == ["/hung does not answer"]);

        server.answer();
        while answers.taken.last().is_none_or(|answer| answer != "/hung is missing") {
            lookers.push(Job::SeeRoot(RootRequest::of(HUNG)));
            answers.taken.extend(answers.inbox.take(None).inputs.iter().map(shown));
        }
        // Nothing that was given up is answered twice.
        assert!(answers.taken.iter().all(|answer| answer.starts_with("/hung")), "{:?}", answers.taken);
        let threads = || lookers.shared.lock().running.values().filter(|running| running.given_up).count();
        assert_eq!(threads(), 0);
    }

    struct Answers {
        inbox: Arc<Inbox>,
        taken: Vec<String>,
    }

    impl Answers {
        fn wait_for(&mut self, until: impl Fn(&[String]) -> bool) {
            while !until(&self.taken) {
                let some = self.inbox.take(Some(Instant::now() + Duration::from_secs(60))).inputs;
                assert!(!some.is_empty(), "nothing more comes after {:?}", self.taken);
                self.taken.extend(some.iter().map(shown));
            }
        }
    }

    fn shown(input: &Input) -> String {
        match input {
            Input::Intake(intake::Input::RootSeen(mount, seen)) => {
                let mount = if *mount == HUNG { "/hung" } else { "/fine" };
                match seen {
                    RootSeen::Missing => format!("{mount} is missing"),
                    RootSeen::Unusable(_) => format!("{mount} does not answer"),
                    RootSeen::Directory(_) => format!("{mount} is there"),
                }
            }
            Input::Intake(intake::Input::Looked(looked)) if looked.seen[0].1 == Seen::RootGone => {
                "root gone for a look".into()
            }
            other => format!("{other:?}"),
        }
    }

    fn request(n: u64) -> LookRequest {
        let root = Identity { volume: 1, inode: 1, birth_ns: 1 };
        let paths = vec![path("/hung/a")];
        LookRequest {
            ticket: Ticket(n),
            paths,
            mount: HUNG,
            root: root.into(),
            unchanged: HashMap::new(),
            as_read: HashMap::new(),
        }
    }

    fn path(text: &str) -> LogicalPath {
        LogicalPath::parse(text.as_bytes()).expect("a path")
    }

    struct NoSource;

    impl WatchSource for NoSource {
        fn take_up(&self, _: MountId, _: &Path, _: Mounting) -> Result<Watching, WatchError> {
            Err(WatchError::Gone)
        }

        fn watch(&self, _: MountId, _: &LogicalPath, _: &Path) -> Result<(), WatchError> {
            Err(WatchError::Gone)
        }

        fn forget(&self, _: MountId, _: &LogicalPath) {}

        fn sync(&self, _: u64) -> Result<(), WatchError> {
            Ok(())
        }
    }
}
