//! The process: it starts, is killed, and loses its power.

use ringback::engine::{Engine, Input};
use ringback::store::Ledger;
use rusqlite::Connection;

use super::{Checked, World};
use crate::faults::install;
use crate::source::Source;

/// The ledger's id, so that all seeds tell the same numbers.
const NODE: u64 = 0x5eed;

impl World {
    /// An empty ledger; its connection may refuse from then on.
    pub(super) fn create_ledger(&mut self, connection: Connection) {
        let mut connection = Ledger::in_memory(connection, NODE).expect("an empty ledger").into_connection();
        install(&mut connection, &self.hooks);
        self.open(connection);
    }

    fn open(&mut self, connection: Connection) {
        let ledger = Ledger::in_memory(connection, NODE).expect("the ledger");
        let mut engine =
            Engine::new(ledger, self.setup.clone(), self.retention.clone(), self.now()).expect("the ledger");
        engine.limit_attempts(self.plan.policies.limits);
        self.engine = Some(engine);
    }

    /// What a daemon does first.
    pub(super) fn start(&mut self) -> Checked {
        self.life += 1;
        self.note(format!("start {}", self.life));
        if self.rng.chance(self.plan.commit_fails * 20) {
            self.hooks.commit.store(true, std::sync::atomic::Ordering::Relaxed);
        }
        self.take_up_rules()
    }

    /// Has the engine take up the rules, in a group of their own.
    pub(super) fn take_up_rules(&mut self) -> Checked {
        let rules = self.rule_set();
        let set = rules.set.clone();
        self.journal.set_rules(self.journal.greatest_seq, set);
        let effects = self.group(vec![Input::Rules(rules)])?;
        self.carry_out(effects)
    }

    /// kill -9: what is committed stays, everything else goes. What is on the wire goes on without us.
    pub(super) fn crash(&mut self) -> Connection {
        self.note("crash");
        let engine = self.engine.take().expect("it runs");
        self.hooks.clear();
        self.forgive();
        self.inbox.clear();
        self.jobs.clear();
        self.results.clear();
        self.written.clear();
        self.records.clear();
        self.not_yet_accepted.clear();
        self.syncs.clear();
        self.registering.crash();
        self.books.crash();
        let mut inner = self.host.lock();
        inner.source = Source::new(self.plan.source);
        inner.instances.restart();
        drop(inner);
        engine.crash().into_connection()
    }

    /// Starts again on what a crash has left.
    pub(super) fn restart(&mut self, connection: Connection) -> Checked {
        self.books_balance()?;
        self.open(connection);
        self.start()
    }

    /// The power goes: what was not synced is lost, and the rest is checked against what was told.
    pub(super) fn power_cut(&mut self) -> Checked {
        let connection = self.crash();
        self.note("power cut");
        connection.execute_batch("ROLLBACK TO power").expect("a power cut");
        let before = self.journal.rows.len();
        let truth = self.truth();
        self.journal.power_cut(&self.ledger, &truth)?;
        self.ages.power_cut(&self.ledger, &self.journal);
        self.books.power_cut(&self.ledger);
        self.receivers.power_cut();
        self.note(format!("  {} of {before} rows are left", self.journal.rows.len()));
        self.forget_lost_deliveries();
        self.registrations_survived()?;
        self.restart(connection)?;
        let missing = self.kept_records.iter().find(|key| !self.ledger.keeps_record(key));
        missing.map_or(Ok(()), |key| Err(format!("record {key} was promised and did not survive the power cut")))
    }

    /// What was told and is no longer known may be told again, or its deletion stay untold.
    fn forget_lost_deliveries(&mut self) {
        let (hot, dead) = self.ledger.hot_and_dead();
        let mut lost = Vec::new();
        for (number, sent) in &self.receivers.sent {
            let known = |told: &crate::receiver::Told| {
                let rows = &self.journal.rows;
                rows.iter().any(|row| (row.rrn.0, row.asset.0) == (told.rrn, told.asset))
            };
            self.uncertain.extend(sent.entries.iter().filter(|told| !known(told)).map(|told| told.path.clone()));
            if !self.receivers.taken.contains(number) && !hot.contains(number) && !dead.contains(number) {
                lost.push(*number);
            }
        }
        self.lost_deliveries.extend(lost);
    }
}
