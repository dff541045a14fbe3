//! The middle as one: both state machines over one ledger, in one transaction a group.
//!
//! A group of inputs runs between a begin and a commit, each input inside a savepoint. The effects of a group are given
//! out only after its commit, so nobody hears of what the ledger does not hold. When a commit fails the machines in
//! memory are thrown away and rebuilt from the ledger: memory is never ahead of the disk. When it is the disk that
//! refuses, only the second is, until there is room again.
//!
//! No I/O but the ledger's, no clock, no thread: the daemon carries the effects out and feeds what came of them back
//! in, and a simulation does the same with a disk in memory.

mod asks;
mod clock;
mod hold;
mod lock;
mod maintenance;
mod registrations;
mod rules;
mod status;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::diagnostic::SourceFile;
use crate::dispatch::{self, Dispatch, Lagged, Note};
use crate::intake::{self, Intake, RulesInForce, Setup, TakenOver};
use crate::model::ask::{Answer, Ask};
use crate::model::attempt::Attempted;
use crate::model::delivery::SendRequest;
use crate::model::ids::ReplyId;
use crate::model::job::Job;
use crate::model::measures::{Dispatched, Reloads};
use crate::model::retention::Retention;
use crate::model::slot_limits::SlotLimits;
use crate::model::status::{DeliveriesStatus, OutboxStatus, RulesStatus};
use crate::model::time::{Mono, Now, Wall};
use crate::rules::{RuleChange, RuleSet};
use crate::settle::Patience;
use crate::store::{Backfill, DiskFault, Ledger, LogTrouble, StoreError};

use clock::Clock;
use hold::{Hold, LastHold};
use lock::LockedOut;
use maintenance::Upkeep;
use registrations::Registrations;

/// After a group was lost the next one is tried this much later, milliseconds.
const RECOVER_MS: u64 = 1_000;

/// What the engine is told.
#[derive(Debug)]
pub enum Input {
    /// What the edges that watch and look have seen.
    Intake(intake::Input),
    /// What came of an attempt.
    Attempted(Attempted),
    /// Somebody asks for something.
    Ask(ReplyId, Ask),
    /// A good rule set was read: it is in force from here on.
    Rules(NewRules),
    /// What is wrong with the rule files as they are now; empty when nothing is.
    RuleFaults(Vec<String>),
    /// Settings that were changed: they count from here on.
    Tuned(Tuning),
}

/// Settings that may change while the engine runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tuning {
    /// How long things settle.
    pub patience: Patience,
    /// How much is kept, and may be owed.
    pub retention: Retention,
    /// How many attempts may be under way.
    pub slots: SlotLimits,
}

/// A rule set with the files that it was made of.
#[derive(Debug, Clone)]
pub struct NewRules {
    /// The set.
    pub set: Arc<RuleSet>,
    /// Its files, by name, as they were read: kept as the last good ones.
    pub files: Vec<SourceFile>,
    /// What became of the rules of the set before it.
    pub changes: Vec<RuleChange>,
}

/// What the engine wants done.
#[derive(Debug)]
pub enum Effect {
    /// By the threads that look.
    Do(Job),
    /// By the delivering edge: make this attempt.
    Send(SendRequest),
    /// Whoever asked is answered.
    Answer(ReplyId, Answer),
}

/// The engine.
pub struct Engine {
    ledger: Ledger,
    setup: Setup,
    /// `None` after a lost group, until the ledger can be read again.
    machines: Option<Machines>,
    rules: RulesInForce,
    /// What they were made of, as the ledger has it; `None` where only the ledger knows.
    rule_files: Option<Vec<SourceFile>>,
    rules_status: RulesStatus,
    /// The newest rule set that no commit has put in force yet.
    rules_to_come: Option<NewRules>,
    /// Outcomes whose group was lost. Without them deliveries that were accepted would be sent again.
    outcomes_to_come: Vec<Attempted>,
    /// What programs have registered, as far as it is committed.
    registrations: Registrations,
    /// The same as the open group leaves it; `None` where it leaves it as it is.
    registrations_to_come: Option<Registrations>,
    /// Callers who wait for a sync. They outlive the machine that they asked.
    syncs: BTreeSet<ReplyId>,
    /// Attempts given out and not heard of, with their targets' authorities.
    under_way: dispatch::UnderWay,
    /// Tickets of a lost machine are not used again.
    next_ticket: u64,
    /// Lanes that rested when a machine was lost.
    resting: dispatch::Faults,
    /// What dispatch had to do when it was last loaded: what is said of it while there is none.
    to_deliver: (OutboxStatus, DeliveriesStatus),
    /// While the ledger's disk refuses.
    hold: Option<Hold>,
    last_hold: Option<LastHold>,
    /// When the last two groups were lost for which the disk was not at fault.
    lost_at: [Option<Mono>; 2],
    recover_at: Mono,
    /// A group that waits for another process to release its lock.
    locked_out: Option<LockedOut>,
    /// Since when groups have waited for it, one after the other.
    locked_since: Option<Wall>,
    /// What the keeper of the log said last, and since when.
    log_trouble: Option<(LogTrouble, Wall)>,
    /// Since when mounts, by path, are degraded or offline.
    ill_mounts: BTreeMap<String, Wall>,
    /// Since when the rule files on disk are faulty.
    faulty_rules_since: Option<Wall>,
    retention: Retention,
    slots: SlotLimits,
    upkeep: Upkeep,
    /// What was counted since the start, as far as machines that may be lost count it.
    dispatched: Dispatched,
    reloads: Reloads,
}

struct Machines {
    /// `None` while nothing is taken in.
    intake: Option<Intake>,
    dispatch: Dispatch,
}

/// What a group led to.
#[derive(Debug, Default)]
#[must_use]
pub struct Ran {
    /// To be carried out, in order.
    pub effects: Vec<Effect>,
    /// The group was lost (nothing of it is recorded), or one input of it could not be judged. For the log; the engine
    /// recovers by itself.
    pub faults: Vec<StoreError>,
}

impl Engine {
    /// An engine on a ledger, with no rules: the first group brings them.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn new(ledger: Ledger, setup: Setup, retention: Retention, now: Now) -> Result<Self, StoreError> {
        let clock = Clock::start(now, ledger.remembered_time()?);
        ledger.trust_rows();
        let registrations = Registrations::load(&ledger, now)?;
        if let Some(why) = clock.suspended() {
            tracing::warn!("{}", why.text);
        }
        let mut engine = Self {
            ledger,
            setup,
            machines: None,
            rules: RulesInForce::default(),
            rule_files: None,
            rules_status: RulesStatus::default(),
            rules_to_come: None,
            outcomes_to_come: Vec::new(),
            registrations,
            registrations_to_come: None,
            syncs: BTreeSet::new(),
            under_way: dispatch::UnderWay::new(),
            next_ticket: 1,
            resting: Default::default(),
            to_deliver: Default::default(),
            hold: None,
            last_hold: None,
            lost_at: [None; 2],
            recover_at: now.mono,
            locked_out: None,
            locked_since: None,
            log_trouble: None,
            ill_mounts: BTreeMap::new(),
            faulty_rules_since: None,
            retention,
            slots: SlotLimits::default(),
            upkeep: Upkeep::start(now, clock),
            dispatched: Dispatched::default(),
            reloads: Reloads::default(),
        };
        engine.machines = Some(engine.load(now)?);
        engine.hold_without_ballast(now);
        Ok(engine)
    }

    /// Lets so many attempts be under way from now on.
    pub fn limit_attempts(&mut self, limits: SlotLimits) {
        self.slots = limits;
        if let Some(machines) = &mut self.machines {
            machines.dispatch.limit_attempts(limits);
        }
    }

    /// The rule files of the last good set; empty before the first.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn last_good_rules(&self) -> Result<Vec<SourceFile>, StoreError> {
        self.ledger.rule_files()
    }

    /// Runs a group: all of it is recorded, or nothing. To be called also without inputs, once [`Self::deadline`] has
    /// come.
    pub fn run(&mut self, now: Now, inputs: Vec<Input>) -> Ran {
        let mut ran = Ran::default();
        let Sorted { mut machine, outcomes, asks } = self.sort(now, inputs);
        self.watch_clock(now);
        self.watch_log(now);
        self.look_for_room(now, &mut ran);
        if self.machines.is_none() && !self.recover(now, &mut ran) {
            self.outcomes_to_come = outcomes;
            self.refuse_all(asks, &mut ran);
            return ran;
        }
        if self.hold.is_some() {
            self.drop_intake();
            machine.clear();
        }
        let is_believed = self.clock_is_believed(now);
        if let Some(Machines { dispatch, .. }) = &mut self.machines {
            dispatch.believe_clock(is_believed);
        }
        let writes = match self.open_group(now, &machine, &outcomes, &asks) {
            Err(error) if error.is_busy() => {
                self.outcomes_to_come = outcomes;
                self.lock_out(now, machine, asks);
                return ran;
            }
            opened => opened,
        };
        self.let_in();
        match writes.and_then(|writes| self.group(now, machine, &outcomes, &asks, writes, &mut ran)) {
            Ok(effects) => {
                self.say_what_was_committed(&mut ran);
                self.maintain_early(now);
                for outcome in outcomes {
                    self.under_way.remove(&outcome.key);
                }
                for effect in &effects {
                    match effect {
                        Effect::Send(request) => {
                            self.under_way.insert(request.id.key, request.subscription.target.authority());
                        }
                        Effect::Answer(reply, _) => drop(self.syncs.remove(reply)),
                        Effect::Do(_) => {}
                    }
                }
                ran.effects.extend(effects);
            }
            Err(error) => {
                // What was committed and not synced may stand: nobody is told that it does not.
                let may_stand = error.disk() == Some(DiskFault::Unsynced);
                self.lose(now, error, &mut ran);
                self.outcomes_to_come = outcomes;
                if !may_stand {
                    self.refuse_all(asks, &mut ran);
                }
            }
        }
        ran
    }

    /// Puts apart what must outlive a lost group.
    fn sort(&mut self, now: Now, inputs: Vec<Input>) -> Sorted {
        let mut sorted = Sorted {
            machine: Vec::with_capacity(inputs.len()),
            outcomes: std::mem::take(&mut self.outcomes_to_come),
            asks: Vec::new(),
        };
        if let Some(LockedOut { inputs, asks, .. }) = self.locked_out.take() {
            sorted.machine.extend(inputs);
            sorted.asks.extend(asks);
        }
        for input in inputs {
            match input {
                Input::Rules(mut rules) => {
                    // A set that was overtaken is never in force, but what it changed is told.
                    if let Some(overtaken) = self.rules_to_come.take() {
                        rules.changes.splice(0..0, overtaken.changes);
                    }
                    self.rules_to_come = Some(rules);
                }
                Input::Ask(reply, ask) => {
                    if ask.is_answered_later() {
                        self.syncs.insert(reply);
                    }
                    sorted.asks.push((reply, ask));
                }
                Input::RuleFaults(faults) => {
                    self.reloads.refused += u64::from(!faults.is_empty());
                    let since = self.faulty_rules_since.unwrap_or(now.wall);
                    self.faulty_rules_since = (!faults.is_empty()).then_some(since);
                    self.rules_status.faults = faults;
                }
                Input::Tuned(tuning) => self.tune(tuning),
                Input::Attempted(attempted) => sorted.outcomes.push(attempted),
                Input::Intake(input) => sorted.machine.push(input),
            }
        }
        sorted
    }

    /// What was recorded by the old settings stays; what is decided from here on is by the new ones.
    fn tune(&mut self, Tuning { patience, retention, slots }: Tuning) {
        self.setup.patience = patience;
        if let Some(Machines { intake, dispatch }) = &mut self.machines {
            if let Some(intake) = intake {
                intake.set_patience(patience);
            }
            dispatch.bound_owed(retention.owed);
        }
        self.retention = retention;
        self.limit_attempts(slots);
    }

    /// Whether things are taken in: the last group was recorded, or the ledger takes writes again since.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.machines.is_some() && self.hold.is_none()
    }

    /// Ends cleanly: numbering goes on where it stands.
    ///
    /// # Errors
    /// When the ledger refuses; nothing is lost by that but unused numbers.
    pub fn close(self, now: Now) -> Result<(), StoreError> {
        self.ledger.begin()?;
        self.remember_time(now)?;
        self.ledger.close_ids()?;
        self.ledger.commit()
    }

    /// Gives the ledger back as a crash leaves it, for simulations.
    #[must_use]
    pub fn crash(self) -> Ledger {
        self.ledger
    }

    /// The ledger, to be read by tests.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Opens a transaction, where the group has something to write. Returns whether it has.
    fn open_group(
        &self,
        now: Now,
        inputs: &[intake::Input],
        outcomes: &[Attempted],
        asks: &[(ReplyId, Ask)],
    ) -> Result<bool, StoreError> {
        let Some(machines) = &self.machines else { return Ok(false) };
        let writes = inputs.iter().any(writes)
            || !outcomes.is_empty()
            || asks.iter().any(|(_, ask)| ask.writes())
            || machines.intake.as_ref().is_some_and(Intake::wants_to_write)
            || machines.dispatch.wants_to_write(now.mono)
            || self.rules_to_come.is_some()
            || self.upkeep.clock.jumped_ms() != 0
            || self.maintains(now);
        if writes {
            self.ledger.begin()?;
        }
        Ok(writes)
    }

    fn maintains(&self, now: Now) -> bool {
        let takes_in = self.machines.as_ref().is_some_and(|machines| machines.intake.is_some());
        takes_in && self.upkeep.deadline() <= now.mono
    }

    fn group(
        &mut self,
        now: Now,
        inputs: Vec<intake::Input>,
        outcomes: &[Attempted],
        asks: &[(ReplyId, Ask)],
        writes: bool,
        ran: &mut Ran,
    ) -> Result<Vec<Effect>, StoreError> {
        if !writes {
            return self.take_in(now, inputs, asks, ran, false);
        }
        let maintains = self.maintains(now);
        let jumped_ms = self.upkeep.clock.jumped_ms();
        if let Some(Machines { dispatch, .. }) = self.machines.as_mut().filter(|_| jumped_ms != 0) {
            dispatch.move_failing(jumped_ms, self.ledger.dispatch())?;
        }
        let taken_up = self.take_up_rules(now)?;
        for outcome in outcomes {
            let Some(Machines { dispatch, .. }) = &mut self.machines else { continue };
            dispatch.attempted(now, outcome, self.ledger.dispatch())?;
        }
        let mut effects = self.take_in(now, inputs, asks, ran, true)?;
        if maintains {
            self.maintain(now)?;
        }
        if let Some(Machines { intake, dispatch }) = &mut self.machines {
            let ledger = &self.ledger;
            let catalog = |backfill: &Backfill, most| {
                intake.as_ref().map_or(Ok(None), |intake| intake.walk(now, backfill, most, ledger.intake()))
            };
            effects.extend(dispatch.release(now, ledger.dispatch(), &catalog)?.into_iter().map(Effect::Send));
        }
        self.ledger.commit()?;
        self.upkeep.clock.has_moved(jumped_ms);
        if let Some(rules) = taken_up {
            self.in_force(rules);
        }
        if let Some(registrations) = self.registrations_to_come.take() {
            self.registrations = registrations;
        }
        Ok(effects)
    }

    /// Takes in what was seen, then what is asked, and lets the first machine end the group.
    fn take_in(
        &mut self,
        now: Now,
        inputs: Vec<intake::Input>,
        asks: &[(ReplyId, Ask)],
        ran: &mut Ran,
        may_write: bool,
    ) -> Result<Vec<Effect>, StoreError> {
        for input in inputs {
            let Some(Machines { intake: Some(intake), .. }) = &mut self.machines else { continue };
            let done = intake.step(now, input, self.ledger.intake())?;
            self.settle_done(done, ran)?;
        }
        let mut effects = self.ask_all(now, asks, ran)?;
        if let Some(Machines { intake: Some(intake), .. }) = &mut self.machines {
            let released = intake.release(now, self.ledger.intake(), may_write)?;
            effects.extend(released.into_iter().map(|effect| match effect {
                intake::Effect::Do(job) => Effect::Do(job),
                intake::Effect::Answer(reply, answer) => Effect::Answer(reply, answer),
            }));
            if may_write {
                for rescanned in intake.take_rescanned(now.mono) {
                    self.ledger.dispatch().note_rescanned(&rescanned, now.wall)?;
                }
            }
        }
        Ok(effects)
    }

    /// Hands on what the first machine made of an input.
    fn settle_done(&mut self, done: intake::Done, ran: &mut Ran) -> Result<(), StoreError> {
        match done.fault {
            // No other input would fare better.
            Some(fault) if fault.disk().is_some() => return Err(fault),
            fault => ran.faults.extend(fault),
        }
        // Not every error leaves the group standing.
        self.ledger.still_open()?;
        if let Some(Machines { dispatch, .. }) = &mut self.machines {
            dispatch.owe(done.owed, self.ledger.dispatch());
        }
        Ok(())
    }

    fn load(&mut self, now: Now) -> Result<Machines, StoreError> {
        let mut dispatch = Dispatch::load(self.ledger.dispatch(), now, &self.under_way, &self.retention)?;
        dispatch.limit_attempts(self.slots);
        dispatch.set_subscriptions(self.rules.subscriptions().chain(self.registrations.each()));
        dispatch.set_marks(rules::marks(&self.rules.set));
        dispatch.keep_faults(std::mem::take(&mut self.resting));
        self.to_deliver = (dispatch.outbox_status(now), dispatch.deliveries_status());
        if self.hold.is_some() {
            return Ok(Machines { intake: None, dispatch });
        }
        let taken_over = TakenOver {
            next_ticket: self.next_ticket,
            syncs: self.syncs.iter().copied().collect(),
            rescans: self.ledger.dispatch().running_rescans()?,
        };
        let mut intake = Intake::load(self.setup.clone(), self.rules.clone(), self.ledger.intake(), now, taken_over)?;
        intake.register_all(self.registrations.rules());
        Ok(Machines { intake: Some(intake), dispatch })
    }

    /// Logs what a group that was committed did with deliveries, had to drop, or could not read.
    fn say_what_was_committed(&mut self, ran: &mut Ran) {
        let Some(Machines { dispatch, .. }) = &mut self.machines else { return };
        self.dispatched.add(&dispatch.take_counts());
        for Lagged { subscription, name, skipped } in dispatch.take_lagged() {
            self.dispatched.lagged += skipped.entries;
            self.dispatched.owed_reached += 1;
            let name = name.unwrap_or_else(|| subscription.0.to_string());
            tracing::warn!(
                subscription = name,
                skipped = skipped.entries,
                "more is owed than is kept: the oldest entries were dropped and are not delivered"
            );
        }
        dispatch.take_notes().iter().for_each(Note::log);
        ran.faults.extend(dispatch.take_unread());
    }

    /// Throws the machines away: what they know may never have been recorded.
    fn lose(&mut self, now: Now, error: StoreError, ran: &mut Ran) {
        ran.faults.extend(self.ledger.rollback().err());
        self.drop_machines();
        self.rule_files = None;
        self.registrations_to_come = None;
        self.recover_at = now.mono.plus_ms(RECOVER_MS);
        self.hold_if_the_disk_refuses(now, error, ran);
    }

    fn recover(&mut self, now: Now, ran: &mut Ran) -> bool {
        if now.mono < self.recover_at {
            return false;
        }
        match self.load(now) {
            Ok(machines) => {
                self.machines = Some(machines);
                true
            }
            Err(error) => {
                self.recover_at = now.mono.plus_ms(RECOVER_MS);
                self.hold_if_the_disk_refuses(now, error, ran);
                false
            }
        }
    }
}

/// A group's inputs, put apart.
struct Sorted {
    machine: Vec<intake::Input>,
    /// Also those of a lost group.
    outcomes: Vec<Attempted>,
    asks: Vec<(ReplyId, Ask)>,
}

fn writes(input: &intake::Input) -> bool {
    !matches!(input, intake::Input::Signals(_) | intake::Input::ContentRead(_))
}
