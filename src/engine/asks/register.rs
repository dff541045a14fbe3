//! Registering, replacing and ending subscriptions that programs ask for: all that one caller asks at once, or nothing.

use super::super::registrations::Registrations;
use super::super::{Engine, Machines};
use super::promised;
use crate::dispatch::Dispatch;
use crate::intake::Intake;
use crate::model::ask::Answer;
use crate::model::event::EventFields;
use crate::model::ids::SubscriptionId;
use crate::model::registration::{Edit, Registration, RegistrationFault, Replaces};
use crate::model::subscription::Name;
use crate::model::tenant::Tenant;
use crate::model::time::Now;
use crate::rules::{Rule, registration};
use crate::store::{Ledger, StoreError};

/// What is to be done, all of which has been checked.
enum Step<'a> {
    Put { registration: &'a Registration, rule: Rule, is_new: bool },
    Remove { id: SubscriptionId, name: &'a Name, tenant: Option<&'a Tenant> },
}

impl Engine {
    /// Does what a caller asks of registrations.
    pub(super) fn register(&mut self, now: Now, edits: &[Edit], by: &str) -> Result<Option<Answer>, StoreError> {
        let Some(Machines { intake: Some(intake), dispatch }) = &mut self.machines else {
            return Ok(Some(Answer::Unavailable));
        };
        let ledger = &self.ledger;
        let steps = match check(edits, by, ledger)? {
            Ok(steps) => steps,
            Err(answer) => return Ok(Some(answer)),
        };
        let registrations = self.registrations_to_come.get_or_insert_with(|| self.registrations.clone());
        let mut work = Work { now, by, ledger, intake, dispatch, registrations };
        promised(ledger, || {
            let ids: Result<Vec<_>, _> = steps.into_iter().map(|step| work.step(step)).collect();
            Ok(Answer::Registered(ids?))
        })
    }

    /// Registers what is new, and was read. `None`: nothing is taken in now.
    pub(super) fn register_new(
        &mut self,
        now: Now,
        registration: &Registration,
        rule: Rule,
        by: &str,
    ) -> Result<Option<SubscriptionId>, StoreError> {
        let Some(Machines { intake: Some(intake), dispatch }) = &mut self.machines else { return Ok(None) };
        let registrations = self.registrations_to_come.get_or_insert_with(|| self.registrations.clone());
        let mut work = Work { now, by, ledger: &self.ledger, intake, dispatch, registrations };
        work.step(Step::Put { registration, rule, is_new: true }).map(Some)
    }
}

/// Reads and checks everything before anything is done.
fn check<'a>(edits: &'a [Edit], by: &str, ledger: &Ledger) -> Result<Result<Vec<Step<'a>>, Answer>, StoreError> {
    let (mut steps, mut faults) = (Vec::with_capacity(edits.len()), Vec::new());
    let mut refusal = None;
    for (at, edit) in edits.iter().enumerate() {
        let mut refuse = |answer| refusal = refusal.take().or(Some(answer));
        match edit {
            Edit::Put { registration, replaces } => {
                let known = ledger.registered(registration.tenant.as_ref(), &registration.name)?;
                let may = match (&known, replaces) {
                    (None, _) | (Some(_), Replaces::Any) => true,
                    (Some((_, owner)), Replaces::Own) => owner == by,
                    (Some(_), Replaces::Nothing) => false,
                };
                if !may {
                    refuse(Answer::Taken { edit: at });
                }
                match read(at, registration) {
                    Ok(rule) => steps.push(Step::Put { registration, rule, is_new: known.is_none() }),
                    Err(of_edit) => faults.extend(of_edit),
                }
            }
            Edit::Remove { name, tenant, is_own } => match ledger.registered(tenant.as_ref(), name)? {
                None => refuse(Answer::NotFound),
                Some((_, owner)) if *is_own && owner != by => refuse(Answer::Taken { edit: at }),
                Some((id, _)) => steps.push(Step::Remove { id, name, tenant: tenant.as_ref() }),
            },
        }
    }
    // Whose something is goes before what is wrong with it.
    Ok(match refusal {
        Some(refusal) => Err(refusal),
        None if !faults.is_empty() => Err(Answer::Invalid(faults)),
        None => Ok(steps),
    })
}

/// Reads what one of the edits registers.
pub(super) fn read(edit: usize, registration: &Registration) -> Result<Rule, Vec<RegistrationFault>> {
    registration::read(registration).map_err(|faults| {
        let of_edit = |registration::Fault { part, item, why, help }| {
            let clause = item.and_then(|item| registration.clause(part, item)).map(str::to_owned);
            RegistrationFault { edit, part, item, clause, why, help }
        };
        faults.into_iter().map(of_edit).collect()
    })
}

/// What a step changes. Where one fails, the group is lost, and memory is made anew.
struct Work<'a> {
    now: Now,
    by: &'a str,
    ledger: &'a Ledger,
    intake: &'a mut Intake,
    dispatch: &'a mut Dispatch,
    registrations: &'a mut Registrations,
}

impl Work<'_> {
    fn step(&mut self, step: Step<'_>) -> Result<SubscriptionId, StoreError> {
        let wall = self.now.wall;
        match step {
            Step::Put { registration, rule, is_new } => {
                let Registration { name, tenant, .. } = registration;
                let rule = self.registrations.sharing(rule);
                let id = self.ledger.enrol(tenant.as_ref(), name.as_str())?;
                self.ledger.put_registration(id, registration, self.by, wall)?;
                let event = if is_new { "callback.created" } else { "callback.updated" };
                self.tell(event, name, tenant.as_ref())?;
                self.dispatch.edit_subscription(id, Some(rule.subscription.clone()));
                // Whoever registers again what has ended wants to be called again.
                self.dispatch.reopen(id, self.ledger.dispatch())?;
                self.intake.register(id, rule.clone());
                self.registrations.insert(id, rule);
                Ok(id)
            }
            Step::Remove { id, name, tenant } => {
                self.ledger.remove_registration(id)?;
                self.ledger.remove_subscription(id, wall)?;
                self.tell("callback.deleted", name, tenant)?;
                self.dispatch.edit_subscription(id, None);
                self.intake.unregister(id);
                self.registrations.remove(id);
                Ok(id)
            }
        }
    }

    fn tell(&self, event: &str, name: &Name, tenant: Option<&Tenant>) -> Result<(), StoreError> {
        let fields = EventFields::of_texts([("subscription", name.as_str()), ("by", self.by)]);
        self.ledger.tell(self.now.wall, event, tenant.cloned(), fields)
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::{Edit, Registration, Replaces};
    use crate::engine::{Effect, Engine, Input, NewRules};
    use crate::intake::Setup;
    use crate::model::ask::{Answer, Ask};
    use crate::model::event::Dialect;
    use crate::model::ids::{ReplyId, SubscriptionId};
    use crate::model::lane::LanePolicy;
    use crate::model::registration::RegistrationPart;
    use crate::model::retention::Retention;
    use crate::model::status::TroubleKind;
    use crate::model::subscription::Name;
    use crate::model::tenant::Tenant;
    use crate::model::time::{Mono, Now, Wall};
    use crate::settle::Patience;
    use crate::store::Ledger;

    const NOW: Now = Now { mono: Mono(0), wall: Wall(1_800_000_000_000) };

    fn started(ledger: Ledger) -> Engine {
        let setup = Setup { mounts: Vec::new(), patience: Patience { quiet_ms: 1_000, max_ms: None } };
        Engine::new(ledger, setup, Retention::default(), NOW).expect("an engine")
    }

    fn engine() -> Engine {
        started(Ledger::in_memory(Connection::open_in_memory().expect("SQLite"), 1).expect("a ledger"))
    }

    /// What a killed process leaves, started again.
    fn killed(engine: Engine) -> Engine {
        started(Ledger::in_memory(engine.crash().into_connection(), 1).expect("a ledger"))
    }

    fn name(id: &str) -> Name {
        Name::registered(Dialect::Zoom, id).expect("an id")
    }

    fn registration(id: &str) -> Registration {
        let paths = vec!["* /a".to_owned()];
        Registration { paths, ..Registration::new(name(id), None, "https://example.com/hook") }
    }

    fn put(registration: Registration, replaces: Replaces) -> Edit {
        Edit::Put { registration: Box::new(registration), replaces }
    }

    fn remove(id: &str) -> Edit {
        Edit::Remove { name: name(id), tenant: None, is_own: true }
    }

    fn ask(engine: &mut Engine, edits: Vec<Edit>, by: &str) -> Answer {
        let ran = engine.run(NOW, vec![Input::Ask(ReplyId(1), Ask::Register { edits, by: by.to_owned() })]);
        let answers = ran.effects.into_iter().filter_map(|effect| match effect {
            Effect::Answer(_, answer) => Some(answer),
            _ => None,
        });
        answers.last().expect("an answer")
    }

    fn registered(engine: &Engine) -> Vec<String> {
        engine.registered().iter().map(|(number, it)| format!("{number} {}", it.name)).collect()
    }

    fn events(engine: &Engine) -> Vec<String> {
        engine.ledger().event_texts()
    }

    #[test]
    fn what_is_registered_survives_a_kill_and_a_reload_of_the_rule_files() {
        let mut engine = engine();
        let edits = vec![put(registration("a"), Replaces::Nothing), put(registration("b"), Replaces::Nothing)];
        let ids = [SubscriptionId(1), SubscriptionId(2)];
        assert_eq!(ask(&mut engine, edits, "jo"), Answer::Registered(ids.to_vec()));
        let all = ["1 zoom:a", "2 zoom:b"];
        assert_eq!(registered(&engine), all);
        let mut engine = killed(engine);
        assert_eq!(registered(&engine), all);
        for files in [Vec::new(), Vec::new()] {
            let rules = NewRules { set: Default::default(), files, changes: Vec::new() };
            let ran = engine.run(NOW, vec![Input::Rules(rules)]);
            assert!(ran.faults.is_empty(), "{:?}", ran.faults);
        }
        let rows = engine.ledger().subscriptions().expect("rows");
        assert!(rows.iter().all(|row| row.removed_at.is_none()), "rule files say nothing of registrations: {rows:?}");
        let status = engine.status(NOW).rules;
        assert_eq!((status.subscriptions, status.registered), (0, 2));
        assert_eq!(engine.measures().subscriptions.map(|counts| counts.active), Some(2));
        let pause = Ask::Pause { subscription: ids[0], by: "jo".into(), reason: None };
        let ran = engine.run(NOW, vec![Input::Ask(ReplyId(1), pause)]);
        assert!(matches!(ran.effects[..], [Effect::Answer(_, Answer::Done)]), "{:?}", ran.effects);
        assert_eq!(engine.measures().subscriptions.map(|counts| counts.paused), Some(1));
    }

    #[test]
    fn one_that_ends_keeps_its_number_for_its_return() {
        let mut engine = engine();
        for _ in 0..2 {
            let edits = vec![put(registration("a"), Replaces::Nothing)];
            assert_eq!(ask(&mut engine, edits, "jo"), Answer::Registered(vec![SubscriptionId(1)]));
            assert_eq!(ask(&mut engine, vec![remove("a")], "jo"), Answer::Registered(vec![SubscriptionId(1)]));
            assert_eq!(registered(&engine), [""; 0]);
            assert_eq!(ask(&mut engine, vec![remove("a")], "jo"), Answer::NotFound);
        }
        let names = ["created", "deleted", "created", "deleted"];
        let expect = names.map(|name| format!("callback.{name} {{\"subscription\":\"zoom:a\",\"by\":\"jo\"}}"));
        assert_eq!(events(&engine), expect);
        assert_eq!(registered(&killed(engine)), [""; 0]);
    }

    #[test]
    fn whose_a_registration_is_decides_who_may_replace_or_end_it() {
        let mut engine = engine();
        let taken = Answer::Taken { edit: 0 };
        let done = Answer::Registered(vec![SubscriptionId(1)]);
        assert_eq!(ask(&mut engine, vec![put(registration("a"), Replaces::Own)], "jo"), done);
        assert_eq!(ask(&mut engine, vec![put(registration("a"), Replaces::Nothing)], "jo"), taken);
        assert_eq!(ask(&mut engine, vec![put(registration("a"), Replaces::Own)], "li"), taken);
        assert_eq!(ask(&mut engine, vec![remove("a")], "li"), taken);
        assert_eq!(ask(&mut engine, vec![put(registration("a"), Replaces::Any)], "li"), done);
        assert_eq!(ask(&mut engine, vec![put(registration("a"), Replaces::Own)], "jo"), done, "it stays jo's");
        let of_acme = Registration { tenant: Tenant::parse("acme").ok(), ..registration("a") };
        let other = Answer::Registered(vec![SubscriptionId(2)]);
        assert_eq!(ask(&mut engine, vec![put(of_acme, Replaces::Nothing)], "li"), other, "a tenant has its own names");
    }

    #[test]
    fn of_several_edits_all_are_done_or_none() {
        let mut engine = engine();
        let kept = vec![put(registration("kept"), Replaces::Nothing)];
        assert_eq!(ask(&mut engine, kept, "jo"), Answer::Registered(vec![SubscriptionId(1)]));
        let bad = Registration { metadata: vec!["K==v".into(), "none".into()], ..registration("b") };
        let edits = vec![put(registration("a"), Replaces::Nothing), remove("kept"), put(bad, Replaces::Nothing)];
        let Answer::Invalid(faults) = ask(&mut engine, edits, "jo") else { panic!("it is not valid") };
        let [fault] = &faults[..] else { panic!("{faults:?}") };
        assert_eq!((fault.edit, fault.part, fault.item), (2, RegistrationPart::Metadata, Some(1)));
        assert_eq!(registered(&engine), ["1 zoom:kept"]);
        let edits = vec![put(registration("a"), Replaces::Nothing), put(registration("kept"), Replaces::Nothing)];
        assert_eq!(ask(&mut engine, edits, "jo"), Answer::Taken { edit: 1 });
        assert_eq!((registered(&engine), events(&engine).len()), (vec!["1 zoom:kept".to_owned()], 1));
        assert_eq!(registered(&killed(engine)), ["1 zoom:kept"]);
    }

    #[test]
    fn one_that_had_its_one_delivery_goes_on_once_it_is_registered_again() {
        let mut engine = engine();
        let once = || vec![put(registration("a"), Replaces::Own)];
        assert_eq!(ask(&mut engine, once(), "jo"), Answer::Registered(vec![SubscriptionId(1)]));
        engine.ledger().begin().expect("a group");
        let cancelled = LanePolicy { cancelled_at: Some(NOW.wall), ..LanePolicy::default() };
        engine.ledger().dispatch().put_lane(SubscriptionId(1), &cancelled).expect("a row");
        engine.ledger().commit().expect("a commit");
        let mut engine = killed(engine);
        assert_eq!(engine.measures().subscriptions.map(|counts| counts.cancelled), Some(1));
        assert_eq!(ask(&mut engine, once(), "jo"), Answer::Registered(vec![SubscriptionId(1)]));
        assert_eq!(engine.measures().subscriptions.map(|counts| counts.active), Some(1));
        assert_eq!(killed(engine).measures().subscriptions.map(|counts| counts.active), Some(1));
    }

    #[test]
    fn one_that_cannot_be_read_is_said_and_the_others_are_in_force() {
        let mut engine = engine();
        let edits = vec![put(registration("a"), Replaces::Nothing), put(registration("b"), Replaces::Nothing)];
        ask(&mut engine, edits, "jo");
        let connection = engine.crash().into_connection();
        let damage = "UPDATE registrations SET content = 'no JSON' WHERE subscription = 1";
        connection.execute_batch(damage).expect("damage");
        let mut engine = started(Ledger::in_memory(connection, 1).expect("a ledger"));
        assert_eq!(registered(&engine), ["2 zoom:b"]);
        let troubles = engine.status(NOW).troubles;
        let said = |text: &str| text.starts_with("1 registration cannot be read");
        assert!(troubles.iter().any(|it| it.kind == TroubleKind::Rules && said(&it.text)), "{troubles:?}");
    }

    #[test]
    fn nothing_of_a_lost_group_stays_registered() {
        let mut engine = engine();
        ask(&mut engine, vec![put(registration("a"), Replaces::Nothing)], "jo");
        let connection = engine.crash().into_connection();
        let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON events WHEN new.name = 'callback.deleted'
                      BEGIN SELECT RAISE(ABORT, 'no'); END";
        connection.execute_batch(refuse).expect("a trigger");
        let mut engine = started(Ledger::in_memory(connection, 1).expect("a ledger"));
        let edits = vec![put(registration("b"), Replaces::Nothing), remove("a")];
        assert_eq!(ask(&mut engine, edits, "jo"), Answer::Unavailable);
        assert_eq!(registered(&engine), ["1 zoom:a"]);
        let later = Now { mono: Mono(5_000), ..NOW };
        assert!(engine.run(later, Vec::new()).faults.is_empty());
        assert_eq!((engine.status(later).rules.registered, engine.is_well()), (1, true));
        assert_eq!(engine.measures().subscriptions.map(|counts| counts.active), Some(1));
    }
}
