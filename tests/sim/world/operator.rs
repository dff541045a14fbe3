//! What operators and targets do about deliveries: subscriptions are paused and resumed, and targets are down for days.

use ringback::engine::Input;
use ringback::model::ask::Ask;
use ringback::model::attempt::Attempted;
use ringback::model::ids::SubscriptionId;

use super::{Checked, World};

/// Groups that a target's outage takes at most.
const OUTAGE_GROUPS_MAX: u32 = 6_000;
/// The longest that is waited at once for a delivery that is due later, milliseconds: its clock may have jumped.
const WAIT_MS_MAX: i64 = 3_600_000;
/// So long where it is not known when it is due, milliseconds.
const WAIT_MS: i64 = 60_000;

impl World {
    /// An operator pauses a subscription, or resumes one.
    pub(super) fn operate(&mut self) {
        if !self.rng.chance((self.plan.policies.operator * 20).min(1_000)) {
            return;
        }
        let mut names = vec!["all", "part", "meta"];
        names.extend(self.plan.policies.all.iter().map(|policy| policy.name));
        let registered: Vec<_> = self.registering.now.keys().cloned().collect();
        names.extend(registered.iter().map(String::as_str));
        let name = names[self.rng.below(names.len())];
        let Some(subscription) = self.number(name) else { return };
        let (reply, by) = (self.reply(), "operator".to_owned());
        let ask = match self.rng.chance(500) {
            true => Ask::Pause { subscription, by, reason: None },
            false => Ask::Resume { subscription, by },
        };
        self.note(format!("call {ask:?}"));
        self.inbox.push_back(Input::Ask(reply, ask));
    }

    /// The number of a subscription; `None`: it never had a rule.
    pub(super) fn number(&self, name: &str) -> Option<SubscriptionId> {
        let rows = self.ledger.subscriptions();
        rows.into_iter().find(|(_, its)| its == name).map(|(id, _)| SubscriptionId(id))
    }

    /// Compares what came of attempts with what a group has recorded of it.
    pub(super) fn take_outcomes(&mut self, attempted: &[Attempted], resumed: &[SubscriptionId]) -> Checked {
        let now = self.now();
        if !resumed.is_empty() {
            let rows = self.ledger.subscriptions().into_iter();
            let names =
                rows.filter(|(id, _)| resumed.contains(&SubscriptionId(*id))).map(|(_, name)| (name, now.mono.0));
            self.books.resumed_at.extend(names);
        }
        // The engine keeps the outcomes of a group that was lost for the groups to come.
        let again = std::mem::take(&mut self.not_yet_accepted);
        let attempted: Vec<_> = again.into_iter().chain(attempted.iter().cloned()).collect();
        if attempted.is_empty() {
            return Ok(());
        }
        self.books.take(&self.ledger, &self.receivers)?;
        // What has no rule waits for its return. A group judges outcomes first, and then takes what is asked.
        let registered = &self.registering.before;
        let has_rule = |name: &str| match name.contains(':') {
            true => registered.contains_key(name),
            false => ["all", "part", "meta"].iter().zip(self.rules).all(|(its, on)| on || *its != name),
        };
        attempted.iter().try_for_each(|attempted| self.books.attempted(attempted, now, &self.ledger, has_rule))?;
        let waits = |attempted: &Attempted| {
            attempted.reply.status() == Some(200) && self.books.is_under_way(attempted.key, &self.ledger)
        };
        self.not_yet_accepted = attempted.into_iter().filter(waits).collect();
        Ok(())
    }

    /// Everything that was matched is in one place.
    pub(super) fn books_balance(&mut self) -> Checked {
        self.books.take(&self.ledger, &self.receivers)?;
        self.books.check_once("once", &self.receivers)?;
        self.books.balance(&self.ledger, &self.journal, &self.ages)
    }

    /// How long it is until a delivery is due, milliseconds; `None` where none is.
    pub(super) fn next_due(&mut self) -> Option<u64> {
        let now = self.now();
        if self.engine.as_mut().is_none_or(|engine| engine.status(now).deliveries.waiting == 0) {
            return None;
        }
        // Where the clock has jumped, the ledger does not say when.
        let ms = self.ledger.next_due(now.wall.0).map_or(WAIT_MS, |due| due - now.wall.0);
        Some(ms.clamp(1, WAIT_MS_MAX).cast_unsigned())
    }

    /// Some targets go down for days, and come back.
    pub(super) fn outage(&mut self) -> Checked {
        let ms = std::mem::take(&mut self.plan.policies.outage_ms);
        let targets = ["r1:80", "r2:80", "p1:80", "p2:80"];
        let down = self.rng.between(1, 15);
        let down = targets.iter().enumerate().filter(|(at, _)| down & (1 << at) != 0);
        self.receivers.down = down.map(|(_, target)| (*target).to_owned()).collect();
        self.note(format!("{:?} are down for {} h", self.receivers.down, ms / 3_600_000));
        let until = self.now().mono.plus_ms(ms);
        for _ in 0..OUTAGE_GROUPS_MAX {
            let now = self.now().mono;
            if now >= until {
                break;
            }
            for _ in 0..4 {
                self.work();
                self.report();
                self.hear();
            }
            for _ in 0..2 * self.plan.policies.all.len() + 8 {
                self.deliver()?;
            }
            if !self.inbox.is_empty() || self.engine.as_ref().is_some_and(|engine| engine.deadline() <= now) {
                self.run_engine(20)?;
            }
            if self.inbox.is_empty() && self.receivers.is_idle() {
                let left = until.since_ms(now);
                let next = self.next_due().unwrap_or(left).min(left).max(1);
                self.pass(next);
            }
        }
        self.receivers.down.clear();
        self.note("all targets are up");
        Ok(())
    }
}
