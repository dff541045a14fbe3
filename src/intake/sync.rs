//! `POST /v1/sync`: an answer once every write that finished before the call has been judged.
//!
//! The watch source says when everything it had seen at the call has been signalled. From then on the call waits for
//! the hints so far, and for the scans and looks that they lead to, which keep their place; later hints are no concern
//! of its, so a steady writer cannot starve it. It does not wait for files that a writer holds.

use super::{Done, Effect, Intake};
use crate::model::ids::ReplyId;
use crate::model::record::SyncAnswer;
use crate::model::time::Now;
use crate::store::Ledger;

/// The calls that wait.
#[derive(Debug, Default)]
pub(super) struct Syncs {
    next_number: u64,
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    reply: ReplyId,
    number: u64,
    /// Hints before this one are waited for; `None` until the source has said that it is done.
    before: Option<u64>,
}

impl Intake {
    pub(super) fn sync(&mut self, reply: ReplyId) -> Done {
        self.syncs.next_number += 1;
        let number = self.syncs.next_number;
        self.syncs.waiting.push(Waiting { reply, number, before: None });
        // A mount that is back and was not looked at since has writes that no hint tells.
        for mount in self.mounts.ids() {
            self.mounts.suspect_root(mount);
        }
        Done { effects: vec![Effect::SyncSource(number)], ..Done::default() }
    }

    pub(super) fn synced(&mut self, now: Now, number: u64) {
        let before = self.next_order;
        for waiting in &mut self.syncs.waiting {
            if waiting.number <= number && waiting.before.is_none() {
                waiting.before = Some(before);
                self.settle.hurry(now.mono, before - 1);
                self.looks.hurry(before - 1);
            }
        }
    }

    /// A scan began that stands for hints which were not kept: whoever waits, waits for all of it.
    pub(super) fn wait_for_scan(&mut self) {
        let before = self.next_order;
        for waiting in &mut self.syncs.waiting {
            waiting.before = waiting.before.map(|_| before);
        }
    }

    pub(super) fn answer_syncs(&mut self, ledger: &Ledger, effects: &mut Vec<Effect>) {
        if self.syncs.waiting.is_empty() || !self.mounts.all_known() {
            return;
        }
        let orders = self.settle.awaited().map(|(_, cause)| cause.order);
        let orders = orders.chain(self.looks.causes().map(|(_, cause)| cause.order)).chain(self.scans.orders());
        let oldest = orders.min().unwrap_or(u64::MAX);
        let (seq, rrn) = ledger.newest();
        let offline = self.mounts.offline();
        self.syncs.waiting.retain(|waiting| {
            let done = waiting.before.is_some_and(|before| before <= oldest);
            if done {
                let answer = SyncAnswer { seq, rrn, offline: offline.clone() };
                effects.push(Effect::AnswerSync(waiting.reply, answer));
            }
            !done
        });
    }
}
