//! Holding: the ledger's disk refuses or is damaged, or group after group is lost, so nothing is taken in until the
//! ledger takes everything again.
//!
//! Intake is dropped. What it would have been told in the meantime, the scans that a new one begins with find again;
//! who asks for a promise is refused, who waits for a sync waits on. Dispatch goes on: what the ledger holds is
//! delivered, and the ballast that is thrown out leaves room for the outcomes. When they do not fit any more they wait
//! in memory, as many as there are attempts under way.

use super::{Engine, Machines, Ran};
use crate::model::error_chain::ErrorChain;
use crate::model::status::{Trouble, TroubleKind};
use crate::model::time::{Mono, Now, Wall};
use crate::store::{DiskFault, StoreError};

/// Room is looked for this often, milliseconds.
const LOOK_MS: u64 = 1_000;
/// A hold that comes this soon after another, milliseconds, looks half as often as that one did: each end of a hold
/// has everything looked at again.
const SOON_MS: u64 = 60_000;
/// Room is looked for at least this often, milliseconds.
const LOOK_MS_MAX: u64 = 30_000;
/// What does not pass by itself (a damaged ledger, a row that loses each group) is tried again at least this often,
/// milliseconds: each time, everything is looked at again.
const DAMAGED_LOOK_MS_MAX: u64 = 600_000;

/// The third group that is lost within this time, milliseconds, was not lost by chance.
const LOST_SOON_MS: u64 = 60_000;

/// Why nothing is taken in, and until when at least.
#[derive(Debug)]
pub(super) struct Hold {
    /// `None`: group after group was lost, and the disk is not at fault.
    fault: Option<DiskFault>,
    pub(super) since: Wall,
    /// What refused, for the status.
    pub(super) text: String,
    /// How often room is looked for, milliseconds.
    look_ms: u64,
    /// When room is looked for next.
    look_at: Mono,
    /// It was said that nothing is taken in. While the disk refuses, that it still does is no news.
    said: bool,
}

/// A hold that is over.
#[derive(Debug, Clone, Copy)]
pub(super) struct LastHold {
    ended: Mono,
    look_ms: u64,
}

impl Engine {
    /// What is the matter with the ledger's disk, while nothing is taken in because of it.
    #[must_use]
    pub fn held(&self) -> Option<DiskFault> {
        self.hold.as_ref().and_then(|hold| hold.fault)
    }

    /// At the start: without its ballast the ledger first has to find room for it.
    pub(super) fn hold_without_ballast(&mut self, now: Now) {
        if !self.ledger.has_ballast() {
            self.hold = Some(Hold {
                fault: Some(DiskFault::Full),
                since: now.wall,
                text: "there is no room for its ballast".to_owned(),
                look_ms: LOOK_MS,
                look_at: now.mono,
                said: false,
            });
        }
    }

    /// A group was lost, or the machines could not be made.
    pub(super) fn hold_if_the_disk_refuses(&mut self, now: Now, error: StoreError, ran: &mut Ran) {
        let fault = match error.disk() {
            // The lock is another process's; it is released sooner or later.
            _ if error.is_busy() => return,
            Some(DiskFault::Unsynced) => return ran.faults.push(error),
            None if !self.lost_again(now) => return ran.faults.push(error),
            fault => fault,
        };
        if self.hold.is_none() {
            let passes = matches!(fault, Some(DiskFault::Full | DiskFault::Failing));
            if passes {
                ran.faults.extend(self.ledger.drop_ballast().err());
            }
            let look_ms = match self.last_hold {
                Some(LastHold { ended, look_ms }) if now.mono.since_ms(ended) < SOON_MS => 2 * look_ms,
                _ => LOOK_MS,
            };
            let look_ms = look_ms.min(if passes { LOOK_MS_MAX } else { DAMAGED_LOOK_MS_MAX });
            let (since, look_at) = (now.wall, now.mono.plus_ms(look_ms));
            self.hold = Some(Hold { fault, since, text: String::new(), look_ms, look_at, said: false });
            // What is owed does not wait.
            self.recover_at = now.mono;
        }
        if let Some(hold) = self.hold.as_mut().filter(|hold| !hold.said) {
            (hold.fault, hold.said, hold.text) = (fault, true, ErrorChain(&error).to_string());
            ran.faults.push(error);
        }
    }

    /// Returns whether two groups were lost a short while ago, too: what loses them does not pass by itself.
    fn lost_again(&mut self, now: Now) -> bool {
        let [first, second] = self.lost_at;
        self.lost_at = [second, Some(now.mono)];
        first.is_some_and(|first| now.mono.since_ms(first) < LOST_SOON_MS)
    }

    /// Ends the hold once the disk takes everything again. The machines are made anew, intake among them.
    pub(super) fn look_for_room(&mut self, now: Now, ran: &mut Ran) {
        let Some(hold) = self.hold.as_mut().filter(|hold| hold.look_at <= now.mono) else { return };
        hold.look_at = now.mono.plus_ms(hold.look_ms);
        let over = hold.said.then_some(LastHold { ended: now.mono, look_ms: hold.look_ms });
        match self.ledger.find_room() {
            Ok(()) => {
                self.hold = None;
                self.last_hold = over;
                self.drop_machines();
                self.recover_at = now.mono;
            }
            Err(error) => self.hold_if_the_disk_refuses(now, error, ran),
        }
    }

    /// Why nothing is taken in, for the status.
    pub(super) fn hold_trouble(&self) -> Option<Trouble> {
        let hold = self.hold.as_ref()?;
        let what = match hold.fault {
            Some(DiskFault::Full) => "the disk of the ledger is full",
            Some(DiskFault::Failing | DiskFault::Unsynced) => "the disk of the ledger fails",
            Some(DiskFault::Damaged) => "the ledger is damaged",
            None => "what is taken in cannot be recorded",
        };
        let text = format!("{what}: nothing is taken in, what is owed is delivered ({})", hold.text);
        Some(Trouble::new(TroubleKind::Disk, hold.since, text, None))
    }

    /// Drops intake while nothing is taken in.
    pub(super) fn drop_intake(&mut self) {
        if let Some(intake) = self.machines.as_mut().and_then(|machines| machines.intake.take()) {
            self.next_ticket = intake.next_ticket();
        }
    }

    /// Drops both machines, to be made anew from the ledger.
    pub(super) fn drop_machines(&mut self) {
        self.drop_intake();
        if let Some(mut machines) = self.machines.take() {
            self.resting = machines.dispatch.take_faults();
        }
    }

    /// When the engine is to be run even without an input.
    #[must_use]
    pub fn deadline(&self) -> Mono {
        let room = self.hold.as_ref().map_or(Mono(u64::MAX), |hold| hold.look_at);
        if self.is_locked_out() {
            return Mono(0);
        }
        let Some(Machines { intake, dispatch }) = &self.machines else { return self.recover_at.min(room) };
        if self.rules_to_come.is_some() || !self.outcomes_to_come.is_empty() {
            return Mono(0);
        }
        let dispatch = dispatch.deadline().unwrap_or(Mono(u64::MAX)).min(room);
        intake.as_ref().map_or(dispatch, |intake| dispatch.min(intake.deadline()).min(self.upkeep.deadline()))
    }
}
