//! What callers ask about deliveries: each in a savepoint of the group, answered once the group is durable.

use super::{Effect, Engine, Machines, Ran};
use crate::dispatch::Deed;
use crate::model::ask::{Answer, Ask, Selected};
use crate::model::ids::ReplyId;
use crate::model::lane::Pause;
use crate::model::time::Now;
use crate::store::StoreError;

impl Engine {
    /// Does what is asked. The answers are to be given after the commit.
    pub(super) fn ask_all(&mut self, now: Now, asks: &[(ReplyId, Ask)]) -> Result<Vec<Effect>, StoreError> {
        let Some(Machines { dispatch, .. }) = &mut self.machines else { return Ok(Vec::new()) };
        let ledger = &self.ledger;
        let mut effects = Vec::with_capacity(asks.len());
        for (reply, ask) in asks {
            let answer = ledger.savepoint(|| match ask {
                Ask::Pause { subscription, by, reason } => {
                    if !dispatch.has_rule(*subscription) {
                        return Ok(Answer::NotFound);
                    }
                    let pause = Pause { at: now.wall, by: by.clone(), reason: reason.clone() };
                    dispatch.pause(now, *subscription, pause, ledger).map(|()| Answer::Done)
                }
                Ask::Retry { which, is_dry_run } => {
                    dispatch.select(now, which, Deed::Retry, *is_dry_run, ledger).map(chosen)
                }
                Ask::Drop { which, is_dry_run, by, reason } => {
                    let deed = Deed::Drop { by, reason: reason.as_deref() };
                    dispatch.select(now, which, deed, *is_dry_run, ledger).map(chosen)
                }
                Ask::Resume { subscription, by } => {
                    if !dispatch.has_rule(*subscription) {
                        return Ok(Answer::NotFound);
                    }
                    if dispatch.is_paused_by_file(*subscription) {
                        return Ok(Answer::PausedByFile);
                    }
                    dispatch.resume(now, *subscription, by, ledger).map(|_was_paused| Answer::Done)
                }
            })?;
            effects.push(Effect::Answer(*reply, answer));
        }
        if !asks.is_empty() {
            ledger.promise();
        }
        Ok(effects)
    }
}

fn chosen(selected: Option<Selected>) -> Answer {
    selected.map_or(Answer::NotFound, Answer::Selected)
}

/// Nothing was done of what was asked.
pub(super) fn refuse_all(asks: Vec<(ReplyId, Ask)>, ran: &mut Ran) {
    ran.effects.extend(asks.into_iter().map(|(reply, _)| Effect::Answer(reply, Answer::Unavailable)));
}
