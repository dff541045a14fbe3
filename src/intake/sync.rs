//! `POST /v1/sync`: an answer once every write that finished before the call has been judged.
//!
//! The watch source says when everything it had seen at the call has been signalled. From then on the call waits for
//! the hints so far, and for the scans and looks that they lead to, which keep their place; later hints are no concern
//! of its, so a steady writer cannot starve it. It does not wait for files that a writer holds.

use super::rescan::Asked;
use super::{Effect, Intake};
use crate::model::ask::Answer;
use crate::model::hint::{Hint, HintKind};
use crate::model::ids::{ReplyId, TaskNo};
use crate::model::job::Job;
use crate::model::path::LogicalPath;
use crate::model::record::SyncAnswer;
use crate::model::rescan::{RescanRequest, Until};
use crate::model::time::{Mono, Now};
use crate::store::{IntakeTables, StoreError};

/// The calls that wait.
#[derive(Debug, Default)]
pub(super) struct Syncs(Vec<Waiting>);

#[derive(Debug)]
struct Waiting {
    who: Who,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Caller(ReplyId),
    /// A scan that is a task.
    Task(TaskNo),
}

/// How far a call has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The source is yet to be asked.
    New,
    /// It was asked under this number.
    Asked(u64),
    /// It is done; hints before this one are waited for.
    Before(u64),
}

impl Waiting {
    /// Whether everything that it waits for is done; `oldest` is the first of what is not.
    fn is_over(&self, oldest: u64) -> bool {
        matches!(self.stage, Stage::Before(before) if before <= oldest)
    }

    fn is_task(&self) -> bool {
        matches!(self.who, Who::Task(_))
    }
}

impl Syncs {
    /// Callers of a machine that was lost: the source is asked anew.
    pub(super) fn waiting(replies: Vec<ReplyId>) -> Self {
        let new = |reply| Waiting { who: Who::Caller(reply), stage: Stage::New };
        Self(replies.into_iter().map(new).collect())
    }

    /// Whether anybody waits.
    pub(super) fn any(&self) -> bool {
        !self.0.is_empty()
    }

    pub(super) fn push(&mut self, reply: ReplyId) {
        self.0.push(Waiting { who: Who::Caller(reply), stage: Stage::New });
    }

    pub(super) fn push_task(&mut self, task: TaskNo) {
        self.0.push(Waiting { who: Who::Task(task), stage: Stage::New });
    }

    /// A scan has nothing to scan, and its caller has been told so.
    pub(super) fn end(&mut self, reply: ReplyId) {
        self.0.retain(|waiting| waiting.who != Who::Caller(reply));
    }

    pub(super) fn end_task(&mut self, task: TaskNo) {
        self.0.retain(|waiting| waiting.who != Who::Task(task));
    }
}

impl Intake {
    /// A caller wants to hear when every write that finished before has been judged.
    pub fn sync(&mut self, now: Mono, reply: ReplyId) {
        self.syncs.push(reply);
        self.doubt_mounts(now);
    }

    fn doubt_mounts(&mut self, now: Mono) {
        // A mount that is back and was not looked at since has writes that no hint tells.
        for mount in self.mounts.ids() {
            self.mounts.suspect_root(mount);
            self.poll(now, mount);
        }
    }

    /// Scans a path, or every mount, for a caller who waits for the beginning, or as for a sync, or for a task. What is
    /// offline is named in the answer.
    pub fn scan(&mut self, now: Now, asked: Asked<'_>, ledger: IntakeTables<'_>) -> Option<StoreError> {
        let Asked { reply, until, .. } = asked;
        let fault = self.scan_as_asked(now, asked.request, ledger);
        self.doubt_mounts(now.mono);
        if let Some((task, _)) = asked.task {
            self.syncs.push_task(task);
        }
        let begins = self.wait_for_begin(now.mono, asked, ledger);
        // Where it cannot be said how it begins, its end is said.
        if until == Until::Matched || (until == Until::Begun && begins.is_err()) {
            self.syncs.push(reply);
        }
        fault.or(begins.err())
    }

    pub(super) fn scan_as_asked(
        &mut self,
        now: Now,
        request: &RescanRequest,
        ledger: IntakeTables<'_>,
    ) -> Option<StoreError> {
        let Some(path) = &request.path else {
            for mount in self.mounts.ids() {
                let root = self.mounts.root_path(mount).clone();
                self.scan_at(now, &root, request);
            }
            return None;
        };
        // What the caller writes in one Unicode form may be on the disk in another, or in both.
        let (known, fault) = match self.known_as(path, ledger) {
            Ok(known) => (known, None),
            Err(fault) => (path.clone(), Some(fault)),
        };
        self.scan_at(now, &known, request);
        if known != *path {
            self.scan_at(now, path, request);
        }
        fault
    }

    fn scan_at(&mut self, now: Now, path: &LogicalPath, request: &RescanRequest) {
        let Some(mount) = self.mounts.of(path) else { return };
        if !request.scope.covers(self.mounts.tenant(mount)) {
            return;
        }
        if request.accept_root {
            self.mounts.accept_root(mount, path);
        }
        // Deletions that were withheld may lie anywhere in the mount.
        if request.accept_deletions || self.mounts.root_path(mount) == path {
            self.rescan(now.mono, mount);
        } else {
            // A look there finds a directory, and has it scanned; or a file, and that is all there is.
            self.hint(now, &Hint { path: path.clone(), kind: HintKind::Found });
        }
        if request.accept_deletions {
            self.mounts.accept_deletions(mount);
        }
    }

    /// Asks the source for those who came since it was asked last. Numbers are tickets, so that a late answer to a lost
    /// machine is not taken for one to this.
    pub(super) fn ask_source(&mut self, jobs: &mut Vec<Job>) {
        if self.syncs.0.iter().all(|waiting| waiting.stage != Stage::New) {
            return;
        }
        let number = self.ticket().0;
        for waiting in self.syncs.0.iter_mut().filter(|waiting| waiting.stage == Stage::New) {
            waiting.stage = Stage::Asked(number);
        }
        jobs.push(Job::SyncSource(number));
    }

    pub(super) fn synced(&mut self, now: Now, number: u64) {
        let before = self.next_order;
        for waiting in &mut self.syncs.0 {
            if matches!(waiting.stage, Stage::Asked(asked) if asked <= number) {
                waiting.stage = Stage::Before(before);
                self.settle.hurry(now.mono, before - 1);
                self.looks.hurry(before - 1);
            }
        }
    }

    /// A scan began that stands for hints which were not kept: whoever waits, waits for all of it.
    pub(super) fn wait_for_scan(&mut self) {
        let before = self.next_order;
        for waiting in &mut self.syncs.0 {
            if let Stage::Before(earlier) = &mut waiting.stage {
                *earlier = before;
            }
        }
    }

    /// Says whose syncs are over. That a task is can be said only in a group that may write.
    pub(super) fn answer_syncs(&mut self, ledger: IntakeTables<'_>, may_write: bool, effects: &mut Vec<Effect>) {
        if self.syncs.0.is_empty() || !self.mounts.all_known() {
            return;
        }
        let oldest = self.oldest_order();
        let (seq, rrn) = ledger.newest();
        let answer = SyncAnswer { seq, rrn, offline: self.mounts.offline() };
        let is_over = |waiting: &mut Waiting| waiting.is_over(oldest) && (may_write || !waiting.is_task());
        let over: Vec<_> = self.syncs.0.extract_if(.., is_over).collect();
        for Waiting { who, .. } in over {
            match who {
                Who::Caller(reply) => effects.push(Effect::Answer(reply, Answer::Sync(answer.clone()))),
                Who::Task(task) => self.end_rescan(task, &answer),
            }
        }
    }

    /// Whether a scan is over that is a task, and nobody has been told yet.
    pub(super) fn any_rescan_is_over(&self) -> bool {
        let tasks = || self.syncs.0.iter().filter(|waiting| waiting.is_task());
        if tasks().next().is_none() || !self.mounts.all_known() {
            return false;
        }
        let oldest = self.oldest_order();
        tasks().any(|waiting| waiting.is_over(oldest))
    }
}
