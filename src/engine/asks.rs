//! What callers ask: each is done whole, or not at all, and answered once the group is durable.

mod register;
mod tasks;

use self::tasks::NewRescan;
use super::{Effect, Engine, Machines, Ran};
use crate::dispatch::Dispatch;
use crate::model::ask::{Answer, Ask, Selected};
use crate::model::change::Change;
use crate::model::ids::ReplyId;
use crate::model::lane::Pause;
use crate::model::time::Now;
use crate::store::{Ledger, StoreError};

impl Engine {
    /// Does what is asked. The answers are to be given after the commit.
    pub(super) fn ask_all(
        &mut self,
        now: Now,
        asks: &[(ReplyId, Ask)],
        ran: &mut Ran,
    ) -> Result<Vec<Effect>, StoreError> {
        let mut effects = Vec::with_capacity(asks.len());
        for (reply, ask) in asks {
            let answer = self.ask(now, *reply, ask, ran)?;
            effects.extend(answer.map(|answer| Effect::Answer(*reply, answer)));
        }
        Ok(effects)
    }

    /// Nothing was done of what was asked. Who waits for a sync waits on.
    pub(super) fn refuse_all(&mut self, asks: Vec<(ReplyId, Ask)>, ran: &mut Ran) {
        for (reply, _) in asks.into_iter().filter(|(_, ask)| !ask.outlives_a_lost_group()) {
            self.syncs.remove(&reply);
            ran.effects.push(Effect::Answer(reply, Answer::Unavailable));
        }
    }

    /// Does what one caller asks; `None`: it is answered later.
    fn ask(&mut self, now: Now, reply: ReplyId, ask: &Ask, ran: &mut Ran) -> Result<Option<Answer>, StoreError> {
        let Some(Machines { intake, dispatch }) = &mut self.machines else { return Ok(Some(Answer::Unavailable)) };
        let ledger = &self.ledger;
        match ask {
            Ask::Records(request) => {
                let Some(intake) = intake else { return Ok(Some(Answer::Unavailable)) };
                let (done, answer) = intake.records(now, request, ledger.intake())?;
                self.settle_done(done, ran)?;
                Ok(Some(answer))
            }
            Ask::Hints(paths) => {
                let Some(intake) = intake else { return Ok(Some(Answer::Unavailable)) };
                match intake.hints(now, paths, ledger.intake()) {
                    Some(fault) if fault.disk().is_some() => Err(fault),
                    fault => {
                        ran.faults.extend(fault);
                        Ok(Some(Answer::Done))
                    }
                }
            }
            Ask::Watched(path) => {
                let Some(intake) = intake else { return Ok(Some(Answer::Unavailable)) };
                Ok(Some(Answer::Watched(intake.watched(now, path, ledger.intake()).map(Box::new))))
            }
            // While nothing is taken in, the machine that will be takes over who waits.
            Ask::Sync => {
                intake.iter_mut().for_each(|intake| intake.sync(now.mono, reply));
                Ok(None)
            }
            Ask::Rescan { request, until, by, listener } => {
                if intake.is_none() {
                    return Ok((!ask.outlives_a_lost_group()).then_some(Answer::Unavailable));
                }
                self.rescan(now, reply, NewRescan { request, until: *until, by, listener: listener.as_deref() }, ran)
            }
            Ask::Pause { subscription, by, reason } => {
                let pause = Pause { at: now.wall, by: by.clone(), reason: reason.clone() };
                promised(ledger, || {
                    if !dispatch.has_rule(*subscription) {
                        return Ok(Answer::NotFound);
                    }
                    dispatch.pause(now, *subscription, pause, ledger.dispatch()).map(|()| Answer::Done)
                })
            }
            Ask::Resume { subscription, by } => promised(ledger, || {
                if !dispatch.has_rule(*subscription) {
                    return Ok(Answer::NotFound);
                }
                if dispatch.is_paused_by_file(*subscription) {
                    return Ok(Answer::PausedByFile);
                }
                dispatch.resume(now, *subscription, by, ledger.dispatch()).map(|_was_paused| Answer::Done)
            }),
            Ask::Choose { bulk, is_dry_run } => {
                promised(ledger, || dispatch.select(now, bulk, *is_dry_run, ledger.dispatch()).map(chosen))
            }
            Ask::Begin { bulk, total } => {
                promised(ledger, || dispatch.begin_bulk(now, bulk, *total, ledger.dispatch()))
            }
            Ask::Replay { subscription, since, total, by, listener } => {
                let begin = |dispatch: &mut Dispatch, ledger: &Ledger| {
                    dispatch.begin_replay(now, *subscription, *since, *total, by, ledger.dispatch())
                };
                self.begin_task(now, by, listener.as_deref(), begin)
            }
            Ask::Backfill { subscription, by, listener } => {
                let begin = |dispatch: &mut Dispatch, ledger: &Ledger| {
                    dispatch.begin_backfill(now, *subscription, by, ledger.dispatch())
                };
                self.begin_task(now, by, listener.as_deref(), begin)
            }
            Ask::Trial { subscription, change } => {
                let made = ledger
                    .savepoint(|| dispatch.trial(now, *subscription, Change::clone(change), ledger.dispatch()))?;
                Ok(Some(made.map_or(Answer::NotFound, |request| Answer::Trial(Box::new(request)))))
            }
            Ask::OpenSession(session) => {
                promised(ledger, || ledger.put_session(session, now.wall).map(|()| Answer::Done))
            }
            Ask::Register { edits, by } => self.register(now, edits, by),
            Ask::StopTask { uuid } => self.stop_task(now, uuid),
        }
    }
}

/// Does something whole, or not at all, that is durable before it is answered.
fn promised(ledger: &Ledger, work: impl FnOnce() -> Result<Answer, StoreError>) -> Result<Option<Answer>, StoreError> {
    ledger.promise();
    ledger.savepoint(work).map(Some)
}

fn chosen(selected: Option<Selected>) -> Answer {
    selected.map_or(Answer::NotFound, Answer::Selected)
}
