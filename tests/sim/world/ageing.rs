//! Days pass, and what is old is forgotten.

use super::{Checked, World};
use crate::ages::DAY_MS;
use crate::check;

impl World {
    /// Some days go by without anything else.
    pub(super) fn days_pass(&mut self) {
        let days = self.rng.between(1, 12);
        self.pass(days * DAY_MS as u64);
        self.note(format!("{days} days pass"));
    }

    /// What a group forgot was old, and what it dropped was said.
    pub(super) fn check_ages(&mut self) -> Checked {
        let whole = self.ages.check(self.now().mono.0 as i64, &self.ledger, &self.journal)?;
        let (hot, _) = self.ledger.hot_and_dead();
        for subscription in whole {
            // With the backlog went the delivery that was under way.
            let sent = self.receivers.sent.iter().filter(|(_, sent)| sent.subscription == subscription);
            let lost = sent.map(|(number, _)| *number).filter(|number| !self.receivers.taken.contains(number));
            let dead = &self.ages.dead_ever;
            self.lost_deliveries.extend(lost.filter(|number| !hot.contains(number) && !dead.contains(number)));
        }
        // What it lost because it was owed too much, a backfill makes up for; but not for what is forgotten by then.
        let is_lost = |first: i64| first == 0 || self.plan.days > 0;
        let mut dropped = self.ages.dropped.iter();
        self.heard_all &= !dropped.any(|(subscription, first, _)| subscription == "all" && is_lost(*first));
        Ok(())
    }

    /// The clock goes weeks ahead for a few hours, and back: nothing is forgotten for it, as every group checks.
    pub(super) fn leap_ahead_and_back(&mut self) -> Checked {
        for days in [0, 40, -40] {
            let by_ms = days * DAY_MS;
            self.host.lock().wall_ms += by_ms;
            self.ages.jumped(self.now().mono.0 as i64, by_ms);
            self.pass(2 * 3_600_000);
            self.note(format!("the clock jumps by {days} days, and two hours pass"));
            self.run_for(120_000)?;
        }
        Ok(())
    }

    /// After weeks without anything new only what exists is left.
    pub(super) fn everything_is_forgotten(&mut self) -> Checked {
        // The first days end what a jump of the clock suspended, and mark what was recorded.
        for (days, empty) in [
            (2, &[][..]),
            (8, &["journal", "events", "gone", "idempotency"]),
            (23, &["dead", "history", "early_records"]),
        ] {
            self.pass(days * DAY_MS as u64);
            self.note(format!("{days} days pass at the end"));
            self.quiesce()?;
            self.run_for(60_000)?;
            let rows = self.ledger.ageing_rows();
            let orphans = rows.iter().filter(|(table, _)| table.contains("WHERE"));
            let left =
                rows.iter().filter(|(table, _)| empty.contains(table)).chain(orphans).find(|(_, rows)| **rows > 0);
            if let Some((table, rows)) = left {
                return Err(format!("{rows} rows of {table} are kept for ever"));
            }
        }
        check::converged(&self.host.lock(), &self.ledger, true).map_err(|why| format!("after weeks: {why}"))
    }
}
