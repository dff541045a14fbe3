//! Tasks that callers begin and stop, and who is notified of their ends.

use std::sync::Arc;

use super::super::{Engine, Machines, Ran};
use super::{promised, register};
use crate::dispatch::Dispatch;
use crate::intake;
use crate::model::ask::Answer;
use crate::model::event::EventName;
use crate::model::ids::ReplyId;
use crate::model::registration::{Registration, RegistrationFault};
use crate::model::rescan::{RescanRequest, Until};
use crate::model::subscription::Subscription;
use crate::model::time::Now;
use crate::rules::Rule;
use crate::store::{Ledger, StoreError};

/// A scan that a caller asks for.
pub(super) struct NewRescan<'a> {
    pub request: &'a RescanRequest,
    pub until: Until,
    pub by: &'a str,
    pub listener: Option<&'a Registration>,
}

/// Who is notified of a task's end, read before the task has a UUID.
struct Listener<'a> {
    registration: &'a Registration,
    rule: Rule,
}

impl<'a> Listener<'a> {
    fn read(listener: Option<&'a Registration>) -> Result<Option<Self>, Vec<RegistrationFault>> {
        let Some(registration) = listener else { return Ok(None) };
        Ok(Some(Self { registration, rule: register::read(0, registration)? }))
    }
}

impl Engine {
    /// Begins a task, and registers who is notified of its end. Where that cannot be registered, nothing begins.
    pub(super) fn begin_task(
        &mut self,
        now: Now,
        by: &str,
        listener: Option<&Registration>,
        begin: impl FnOnce(&mut Dispatch, &Ledger) -> Result<Answer, StoreError>,
    ) -> Result<Option<Answer>, StoreError> {
        let listener = match Listener::read(listener) {
            Ok(listener) => listener,
            Err(faults) => return Ok(Some(Answer::Invalid(faults))),
        };
        let Some(Machines { intake, dispatch }) = &mut self.machines else { return Ok(Some(Answer::Unavailable)) };
        if listener.is_some() && intake.is_none() {
            return Ok(Some(Answer::Unavailable));
        }
        let ledger = &self.ledger;
        let answer = promised(ledger, || begin(dispatch, ledger))?;
        if let (Some(Answer::Begun(uuid)), Some(listener)) = (&answer, listener) {
            self.register_listener(now, uuid, listener, by)?;
        }
        Ok(answer)
    }

    /// Scans, as a task unless the caller waits for the end.
    pub(super) fn rescan(
        &mut self,
        now: Now,
        reply: ReplyId,
        new: NewRescan<'_>,
        ran: &mut Ran,
    ) -> Result<Option<Answer>, StoreError> {
        let NewRescan { request, until, by, listener } = new;
        let listener = match Listener::read(listener) {
            Ok(listener) => listener,
            Err(faults) => return Ok(Some(Answer::Invalid(faults))),
        };
        let Some(Machines { intake: Some(intake), .. }) = &mut self.machines else {
            return Ok(Some(Answer::Unavailable));
        };
        let mut task = None;
        if until != Until::Matched {
            if !intake.may_begin_rescan() {
                return Ok(Some(Answer::Unavailable));
            }
            self.ledger.promise();
            let total = intake.directories_of(request);
            task = Some(self.ledger.dispatch().begin_rescan(request, total, by, now.wall)?);
        }
        let begun = task.as_ref().map(|(_, uuid)| uuid.clone());
        let fault = intake.scan(now, intake::RescanAsked { reply, until, request, task }, self.ledger.intake());
        match fault {
            Some(fault) if fault.disk().is_some() => return Err(fault),
            fault => ran.faults.extend(fault),
        }
        if let (Some(uuid), Some(listener)) = (&begun, listener) {
            self.register_listener(now, uuid, listener, by)?;
        }
        Ok(begun.filter(|_| until == Until::Asked).map(Answer::Begun))
    }

    /// Registers who is notified of the end of a task that begins in the same group.
    fn register_listener(&mut self, now: Now, uuid: &str, listener: Listener<'_>, by: &str) -> Result<(), StoreError> {
        let Listener { registration, rule: Rule { subscription, condition } } = listener;
        let (name, event) = (registration.name.with_uuid(uuid), EventName::of_task(uuid));
        let registration = Registration { name: name.clone(), events: vec![event.clone()], ..registration.clone() };
        let subscription = Subscription { name, events: [event].into(), ..Subscription::clone(&subscription) };
        let rule = Rule { subscription: Arc::new(subscription), condition };
        match self.register_new(now, &registration, rule, by)? {
            Some(id) => self.ledger.dispatch().set_listener(uuid, id),
            None => Ok(()),
        }
    }

    /// Ends a task before it is done.
    pub(super) fn stop_task(&mut self, now: Now, uuid: &str) -> Result<Option<Answer>, StoreError> {
        let Some(Machines { intake, dispatch }) = &mut self.machines else { return Ok(Some(Answer::Unavailable)) };
        let ledger = &self.ledger;
        promised(ledger, || {
            let known = ledger.dispatch().task_known_as(uuid)?;
            if let (Some((task, ..)), Some(intake)) = (known, intake) {
                intake.forget_rescan(task);
            }
            dispatch.stop_task(now, uuid, ledger.dispatch())
        })
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use crate::engine::{Effect, Engine, Input};
    use crate::intake::{RESCANS_MAX, Setup};
    use crate::model::ask::{Answer, Ask};
    use crate::model::ids::{ReplyId, TaskNo};
    use crate::model::rescan::{RescanRequest, Until};
    use crate::model::retention::Retention;
    use crate::model::time::{Mono, Now, Wall};
    use crate::settle::Patience;
    use crate::store::Ledger;

    const NOW: Now = Now { mono: Mono(0), wall: Wall(1_800_000_000_000) };

    fn started(connection: Connection) -> Engine {
        let ledger = Ledger::in_memory(connection, 1).expect("a ledger");
        let setup = Setup { mounts: Vec::new(), patience: Patience { quiet_ms: 1_000, max_ms: None } };
        Engine::new(ledger, setup, Retention::default(), NOW).expect("an engine")
    }

    fn rescan(engine: &mut Engine, request: RescanRequest) -> Answer {
        let ask = Ask::Rescan { request, until: Until::Asked, by: "jo".to_owned(), listener: None };
        let ran = engine.run(NOW, vec![Input::Ask(ReplyId(1), ask)]);
        let answer = ran.effects.into_iter().find_map(|effect| match effect {
            Effect::Answer(_, answer) => Some(answer),
            _ => None,
        });
        answer.expect("it is answered at once")
    }

    #[test]
    fn scans_that_are_tasks_are_bounded() {
        let mut engine = started(Connection::open_in_memory().expect("SQLite"));
        for _ in 0..RESCANS_MAX {
            assert!(matches!(rescan(&mut engine, RescanRequest::of(None)), Answer::Begun(_)));
        }
        assert_eq!(rescan(&mut engine, RescanRequest::of(None)), Answer::Unavailable);
        let running = engine.ledger().dispatch().running_rescans().expect("rows");
        assert_eq!(running.len(), RESCANS_MAX);
        let Answer::Begun(uuid) = ({
            let uuid = crate::model::task::uuid(engine.ledger().node(), running[0].task);
            let ran = engine.run(NOW, vec![Input::Ask(ReplyId(2), Ask::StopTask { uuid })]);
            assert!(matches!(ran.effects[..], [Effect::Answer(_, Answer::Done), ..]), "{:?}", ran.effects);
            rescan(&mut engine, RescanRequest::of(None))
        }) else {
            panic!("one has ended, so there is room")
        };
        assert!(engine.ledger().dispatch().task_known_as(&uuid).expect("a row").is_some());
    }

    #[test]
    fn a_scan_goes_on_after_a_kill_but_not_the_word_of_who_vouched_for_what_was_there() {
        let mut engine = started(Connection::open_in_memory().expect("SQLite"));
        rescan(&mut engine, RescanRequest::of(None));
        rescan(&mut engine, RescanRequest { accept_deletions: true, ..RescanRequest::of(None) });
        let mut engine = started(engine.crash().into_connection());
        assert!(engine.run(NOW, Vec::new()).faults.is_empty());
        let state = |engine: &Engine, task| engine.ledger().dispatch().task_progress(TaskNo(task)).expect("a row").0;
        assert_eq!([state(&engine, 1), state(&engine, 2)], ["running", "failed"]);
    }
}
