//! Rows of the ledger that cannot be read, and a ledger that is damaged as a whole: the rest goes on.

use std::sync::atomic::Ordering;

use ringback::store::DiskFault;

use super::{Checked, World};
use crate::{check, ops};

/// Errors that damage may give within [`DAMAGED_MS`]: it is met again and again, each time later.
const FAULTS_MAX: usize = 40;
/// How long the world lives with damage, virtual milliseconds.
const DAMAGED_MS: u64 = 600_000;

impl World {
    /// A change that is owed cannot be read: whom it is owed waits for it, and nobody else.
    pub(super) fn deliver_beside_damage(&mut self) -> Checked {
        for name in ["row-1", "row-2"] {
            ops::create_in_each(&mut self.host.lock(), name);
            self.note_disk();
            self.run_undelivered()?;
        }
        let Some((seq, path, names)) = self.ledger.oldest_owed() else { return Ok(()) };
        self.note(format!("change {seq} is damaged, owed to {names:?}"));
        let connection = self.crash();
        connection.execute("UPDATE journal SET path = 'damaged' WHERE seq = ?1", [seq]).expect("a row");
        self.restart(connection)?;
        let before = self.faults;
        self.run_for(DAMAGED_MS)?;
        let waiting = self.ledger.waiting();
        if waiting != names {
            return Err(format!("change {seq} cannot be read and is owed to {names:?}; {waiting:?} wait"));
        }
        if self.faults - before > FAULTS_MAX {
            return Err(format!("one damaged row gives {} errors", self.faults - before));
        }
        check::converged(&self.host.lock(), &self.ledger, false).map_err(|why| format!("beside damage: {why}"))?;
        let now = self.now();
        let status = self.engine.as_mut().expect("it runs").status(now);
        let said = status.troubles.iter().filter(|trouble| trouble.text.contains(&format!("row {seq} of"))).count();
        if said != names.len().min(100) {
            return Err(format!("{names:?} wait for a damaged row, and the status says {:?}", status.troubles));
        }
        let connection = self.crash();
        connection.execute("UPDATE journal SET path = ?2 WHERE seq = ?1", (seq, path)).expect("a row");
        self.restart(connection)?;
        self.quiesce()
    }

    /// Nothing can be recorded: what is owed is delivered, and the ledger is tried again, each time later.
    pub(super) fn deliver_while_damaged(&mut self) -> Checked {
        self.hooks.damaged.store(true, Ordering::Relaxed);
        self.note("the ledger is damaged");
        ops::create_in_each(&mut self.host.lock(), "whole");
        self.note_disk();
        let before = self.faults;
        self.run_for(DAMAGED_MS)?;
        let engine = self.engine.as_ref().expect("it runs");
        if engine.held() != Some(DiskFault::Damaged) {
            return Err(format!("the ledger is damaged, and what is held is {:?}", engine.held()));
        }
        if self.faults - before > FAULTS_MAX {
            return Err(format!("a damaged ledger gives {} errors in ten minutes", self.faults - before));
        }
        let waiting = self.ledger.waiting();
        if !waiting.is_empty() {
            return Err(format!("not delivered while the ledger is damaged: {waiting:?}"));
        }
        self.hooks.damaged.store(false, Ordering::Relaxed);
        self.note("the ledger is whole");
        self.until_it_takes_in()?;
        self.quiesce()
    }

    /// Runs until things are taken in, which may take as long as the longest pause between two tries.
    pub(super) fn until_it_takes_in(&mut self) -> Checked {
        for _ in 0..1_300 {
            match self.engine.as_ref() {
                Some(engine) if engine.is_well() && !engine.is_locked_out() => return Ok(()),
                _ => self.run_for(1_000)?,
            }
            self.pass(1);
        }
        Err("nothing is taken in any more".to_owned())
    }

    /// Runs without anything happening on the wire, so that things are owed.
    fn run_undelivered(&mut self) -> Checked {
        for _ in 0..40 {
            while !self.jobs.is_empty() {
                self.work();
            }
            while !self.results.is_empty() {
                self.report();
            }
            for _ in 0..4 {
                self.hear();
            }
            self.run_engine(20)?;
            self.pass(100);
        }
        Ok(())
    }
}
