//! `POST /v1/rescan`: whether there is anything to scan, and how far a scan is that is a task.
//!
//! What is known at or below the path is scanned, or found to be gone; so is what is there. A path where nothing is
//! known and nothing is there is a mistake of the caller's, and the answer says so. The scan itself is a sync's
//! concern, and it is over when a sync is that began with it.

use super::{Effect, Intake};
use crate::model::ask::Answer;
use crate::model::ids::{MountId, ReplyId, TaskNo};
use crate::model::look::Seen;
use crate::model::path::LogicalPath;
use crate::model::record::SyncAnswer;
use crate::model::rescan::{RescanAnswer, RescanEnd, RescanRequest, Rescanned, RunningRescan, Until};
use crate::model::time::{Mono, Now};
use crate::store::{IntakeTables, StoreError};

/// Scans that go on as tasks: each directory that is compared is counted for all that have it.
pub(crate) const RUNNING_MAX: usize = 100;

/// The progress of a task is reported this often at most, milliseconds.
const REPORT_MS: u64 = 1_000;

/// A scan that somebody asks for.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// Who is to be answered.
    pub reply: ReplyId,
    /// When.
    pub until: Until,
    /// What is scanned.
    pub request: &'a RescanRequest,
    /// Its task, and the UUID of that.
    pub task: Option<(TaskNo, String)>,
}

/// Callers who wait for the beginning of their scans, bounded as calls are; and scans that are tasks.
#[derive(Debug, Default)]
pub(super) struct Rescans {
    waiting: Vec<Waiting>,
    running: Vec<Running>,
    /// Those that have ended and are not in the ledger yet.
    ended: Vec<Rescanned>,
}

#[derive(Debug)]
struct Waiting {
    reply: ReplyId,
    until: Until,
    task: Option<(TaskNo, String)>,
    /// What is scanned; a path as it is known.
    request: RescanRequest,
    /// Whether there is something; `None` until a look has shown it.
    there: Option<bool>,
}

#[derive(Debug)]
struct Running {
    task: TaskNo,
    request: RescanRequest,
    /// Directories that were compared.
    done: u64,
    /// What was last reported, and when.
    reported: (u64, Mono),
}

impl Rescans {
    /// A look has landed. Only one that began after the call does, or was made again since.
    pub(super) fn seen(&mut self, path: &LogicalPath, seen: &Seen) {
        for waiting in self.waiting.iter_mut().filter(|waiting| waiting.request.path.as_ref() == Some(path)) {
            match seen {
                Seen::Absent | Seen::Link | Seen::Other => waiting.there = waiting.there.or(Some(false)),
                Seen::File(_) | Seen::BeingRead(_) | Seen::Directory | Seen::Covered(_) | Seen::Unreadable(_) => {
                    waiting.there = Some(true)
                }
                // The mount is about to be offline, and that is the answer.
                Seen::RootGone => {}
            }
        }
    }

    /// A directory was compared.
    pub(super) fn compared(&mut self, directory: &LogicalPath) {
        for running in &mut self.running {
            let is_in = running.request.path.as_ref().is_none_or(|path| directory.is_at_or_below(path));
            running.done += u64::from(is_in);
        }
    }

    /// How many tasks go on.
    pub(super) fn running(&self) -> usize {
        self.running.len()
    }

    /// Whether any has ended that is not in the ledger yet.
    pub(super) fn any_ended(&self) -> bool {
        !self.ended.is_empty()
    }

    /// Forgets a task: its progress is reported no more.
    pub(super) fn forget(&mut self, task: TaskNo) {
        self.running.retain(|running| running.task != task);
    }

    fn start(&mut self, now: Mono, RunningRescan { task, request, done }: RunningRescan) {
        self.running.push(Running { task, request, done, reported: (done, now) });
    }

    fn end(&mut self, task: TaskNo, end: RescanEnd) {
        let ended = self.running.extract_if(.., |running| running.task == task);
        self.ended.extend(ended.map(|Running { task, done, .. }| Rescanned { task, done, end: Some(end.clone()) }));
    }
}

impl Intake {
    /// A caller waits for the beginning of a scan, or a task begins.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub(super) fn wait_for_begin(
        &mut self,
        now: Mono,
        asked: Asked<'_>,
        ledger: IntakeTables<'_>,
    ) -> Result<(), StoreError> {
        let Asked { reply, until, request, task } = asked;
        let path = request.path.as_ref().map(|path| self.known_as(path, ledger)).transpose()?;
        let there = match &path {
            Some(path) if !self.is_known(path, ledger)? => None,
            _ => Some(true),
        };
        if let Some((task, _)) = task {
            self.rescans.start(now, RunningRescan { task, request: request.clone(), done: 0 });
        }
        let request = RescanRequest { path, ..request.clone() };
        self.rescans.waiting.push(Waiting { reply, until, task, request, there });
        Ok(())
    }

    fn is_known(&self, path: &LogicalPath, ledger: IntakeTables<'_>) -> Result<bool, StoreError> {
        let Some(root) = self.mounts.of(path).map(|mount| self.mounts.root_path(mount)) else { return Ok(false) };
        Ok(path == root || ledger.asset_at(root, path)?.is_some() || ledger.dir(root, path)?.is_some())
    }

    /// The mounts that a scan concerns.
    fn concerned(&self, request: &RescanRequest) -> Vec<MountId> {
        match &request.path {
            Some(path) => self.mounts.of(path).into_iter().collect(),
            None => self.mounts.ids().filter(|mount| request.scope.covers(self.mounts.tenant(*mount))).collect(),
        }
    }

    /// Whether one scan more may be a task.
    #[must_use]
    pub fn may_begin_rescan(&self) -> bool {
        self.rescans.running() < RUNNING_MAX
    }

    /// How many directories a scan compares, as far as is known: those of whole mounts. For people.
    #[must_use]
    pub fn directories_of(&self, request: &RescanRequest) -> Option<u64> {
        let is_whole = |mount: &MountId| request.path.as_ref().is_none_or(|path| path == self.mounts.root_path(*mount));
        let concerned = self.concerned(request);
        let sum = |mounts: &[MountId]| mounts.iter().map(|mount| self.mounts.directories(*mount)).sum();
        concerned.iter().all(is_whole).then(|| sum(&concerned))
    }

    /// Makes scans again that go on as tasks.
    pub(super) fn go_on_with_rescans(&mut self, now: Now, running: Vec<RunningRescan>, ledger: IntakeTables<'_>) {
        for rescan in running {
            if rescan.request.vouches() {
                let RunningRescan { task, done, .. } = rescan;
                self.rescans.ended.push(Rescanned { task, done, end: Some(RescanEnd::VouchedBefore) });
                continue;
            }
            // Its mount is scanned at the start anyhow: what the ledger cannot say of the path is no loss.
            if let Some(fault) = self.scan_as_asked(now, &rescan.request, ledger) {
                tracing::warn!(error = &fault as &dyn std::error::Error, "a scan goes on with the whole of its mount");
            }
            self.syncs.push_task(rescan.task);
            self.rescans.start(now.mono, rescan);
        }
    }

    /// Says what is known of the beginnings of scans by now.
    pub(super) fn answer_rescans(&mut self, effects: &mut Vec<Effect>) {
        let waiting = std::mem::take(&mut self.rescans.waiting);
        for waiting in waiting {
            let concerned = self.concerned(&waiting.request);
            if !concerned.iter().all(|mount| self.mounts.is_known(*mount)) {
                self.rescans.waiting.push(waiting);
                continue;
            }
            let offline = concerned.iter().filter(|mount| !self.mounts.is_online(**mount));
            let offline: Vec<_> = offline.map(|mount| self.mounts.root_path(*mount).clone()).collect();
            if waiting.there.is_none() && offline.is_empty() {
                self.rescans.waiting.push(waiting);
                continue;
            }
            let Waiting { reply, until, task, there, .. } = waiting;
            let is_nothing = there == Some(false) && offline.is_empty();
            if let Some((task, _)) = task.as_ref().filter(|_| is_nothing) {
                self.rescans.end(*task, RescanEnd::NothingThere);
                self.syncs.end_task(*task);
            }
            let answer = match is_nothing {
                true => RescanAnswer::NothingThere,
                false => RescanAnswer::Begun { offline, task: task.map(|(_, uuid)| uuid) },
            };
            if until == Until::Begun || (until == Until::Matched && is_nothing) {
                self.syncs.end(reply);
                effects.push(Effect::Answer(reply, Answer::Rescan(answer)));
            }
        }
    }

    /// A sync is over that began with a task's scan.
    pub(super) fn end_rescan(&mut self, task: TaskNo, synced: &SyncAnswer) {
        let Some(running) = self.rescans.running.iter().find(|running| running.task == task) else { return };
        let concerned = self.concerned(&running.request);
        let is_offline = |mount: &MountId| !self.mounts.is_online(*mount);
        let offline: Vec<_> =
            concerned.iter().filter(|it| is_offline(it)).map(|mount| self.mounts.root_path(*mount).clone()).collect();
        let end = match offline.len() == concerned.len() && !offline.is_empty() {
            true => RescanEnd::AllOffline,
            false => RescanEnd::Matched(SyncAnswer { offline, ..synced.clone() }),
        };
        self.rescans.end(task, end);
    }

    /// Stops to follow the scan of a task. The directories that wait to be compared still are.
    pub fn forget_rescan(&mut self, task: TaskNo) {
        self.rescans.forget(task);
        self.syncs.end_task(task);
    }

    /// Takes the progress of tasks: of those that ended, and, each once a second, of those that go on.
    pub fn take_rescanned(&mut self, now: Mono) -> Vec<Rescanned> {
        let mut taken = std::mem::take(&mut self.rescans.ended);
        for running in &mut self.rescans.running {
            let (done, at) = running.reported;
            if running.done != done && now.since_ms(at) >= REPORT_MS {
                running.reported = (running.done, now);
                taken.push(Rescanned { task: running.task, done: running.done, end: None });
            }
        }
        taken
    }
}
