//! What ringback says of itself.

use std::sync::Arc;

use super::{Engine, Machines};
use crate::intake::{Intake, RulesInForce};
use crate::model::by_number::ByNumber;
use crate::model::counted::counted;
use crate::model::measures::Measures;
use crate::model::part::DeliveryKey;
use crate::model::status::{MountState, MountStatus, RulesStatus, Status, TROUBLES_MAX, Trouble, TroubleKind};
use crate::model::subscription::Subscription;
use crate::model::time::{Now, Wall};
use crate::rules::Rule;
use crate::store::LogTrouble;

impl Engine {
    /// What ringback says of itself.
    #[must_use]
    pub fn status(&mut self, now: Now) -> Status {
        let intake = self.machines.as_ref().and_then(|machines| machines.intake.as_ref());
        let (outbox, deliveries) = match &self.machines {
            Some(Machines { dispatch, .. }) => (dispatch.outbox_status(now), dispatch.deliveries_status()),
            None => self.to_deliver.clone(),
        };
        let mounts = intake.map(|intake| intake.status(now)).unwrap_or_default();
        let since = std::mem::take(&mut self.ill_mounts);
        let ill = mounts.iter().filter(|mount| matches!(mount.state, MountState::Degraded | MountState::Offline));
        self.ill_mounts =
            ill.map(|mount| (mount.path.clone(), since.get(&mount.path).copied().unwrap_or(now.wall))).collect();
        let (troubles, troubles_more) = self.troubles(now, &mounts);
        Status {
            version: env!("CARGO_PKG_VERSION"),
            node: self.ledger.node().to_string(),
            troubles,
            troubles_more,
            ready: self.is_well() && !self.is_locked_out() && intake.is_some_and(Intake::ready),
            mounts,
            rules: RulesStatus {
                registered: self.registrations.subscriptions().len() as u64,
                ..self.rules_status.clone()
            },
            outbox,
            deliveries,
            attempts_overdue: 0,
            log_lines_lost: 0,
        }
    }

    /// What was counted since the start, and what the status does not say.
    #[must_use]
    pub fn measures(&self) -> Measures {
        Measures {
            journaled: self.ledger.journaled(),
            dispatched: self.dispatched,
            reloads: self.reloads,
            subscriptions: self.machines.as_ref().map(|machines| machines.dispatch.subscription_counts()),
            log_bytes: self.ledger.log_bytes(),
        }
    }

    /// The rules in force.
    #[must_use]
    pub fn rules_in_force(&self) -> &RulesInForce {
        &self.rules
    }

    /// What programs have registered, as far as it is committed.
    #[must_use]
    pub fn registered(&self) -> &ByNumber<Arc<Subscription>> {
        self.registrations.subscriptions()
    }

    /// Their rules.
    #[must_use]
    pub fn registered_rules(&self) -> &ByNumber<Rule> {
        self.registrations.by_number()
    }

    /// Deliveries whose attempt is under way.
    pub fn in_flight(&self) -> impl Iterator<Item = DeliveryKey> + '_ {
        self.under_way.keys().copied()
    }

    /// What needs an operator, worst first, and how many more there are.
    fn troubles(&self, now: Now, mounts: &[MountStatus]) -> (Vec<Trouble>, u64) {
        let mut troubles: Vec<Trouble> = self.hold_trouble().into_iter().chain(self.lock_trouble()).collect();
        if let Some((trouble, since)) = self.log_trouble {
            troubles.push(Trouble::new(TroubleKind::Disk, since, log_text(trouble), None));
        }
        if let Some(why) = self.upkeep.clock.suspended() {
            troubles.push(Trouble::new(TroubleKind::Disk, why.since, why.text.clone(), None));
        }
        for (bound, acted) in &self.upkeep.acted {
            let (what, most) = (bound.what(), bound.most(&self.retention));
            let text = format!(
                "there are more {what} than the {most} that are kept: the oldest {} were forgotten; see [retention]",
                acted.amount
            );
            troubles.push(Trouble::new(TroubleKind::Disk, acted.since, text, None));
        }
        if let (Some(since), Some(first)) = (self.faulty_rules_since, self.rules_status.faults.first()) {
            let faults = counted(self.rules_status.faults.len() as u64, "fault");
            let text =
                format!("the rule files have {faults}, and the rules that were good last stay in force: {first}");
            troubles.push(Trouble::new(TroubleKind::Rules, since, text, None));
        }
        for mount in mounts {
            let Some(since) = self.ill_mounts.get(&mount.path) else { continue };
            let state = if mount.state == MountState::Offline { "offline" } else { "degraded" };
            let why = mount.reason.as_deref().unwrap_or("nothing says why");
            let text = format!("{} is {state}: {why}", mount.path);
            troubles.push(Trouble::new(TroubleKind::Mount, *since, text, Some(mount.path.clone())));
        }
        if let Some((count, since)) = self.registrations.unread() {
            let registrations = counted(count, "registration");
            let text = format!("{registrations} cannot be read, and nothing is matched for what they ask; see the log");
            troubles.push(Trouble::new(TroubleKind::Rules, since, text, None));
        }
        let mut more = 0;
        if let Some(Machines { dispatch, .. }) = &self.machines {
            let (of_lanes, more_of_lanes) = dispatch.troubles(now);
            troubles.extend(of_lanes);
            more += more_of_lanes;
        }
        let cut = worst(&mut troubles);
        (troubles, more + cut)
    }

    /// Notes since when the keeper of the log is in trouble.
    pub(super) fn watch_log(&mut self, now: Now) {
        let since = |before: Option<(LogTrouble, Wall)>| before.map_or(now.wall, |(_, since)| since);
        self.log_trouble = self.ledger.log_trouble().map(|trouble| (trouble, since(self.log_trouble)));
    }
}

/// Leaves the worst troubles, at most [`TROUBLES_MAX`], worst first. Returns how many it cut off.
fn worst(troubles: &mut Vec<Trouble>) -> u64 {
    troubles.sort_by_key(|trouble| trouble.kind);
    let cut = troubles.len().saturating_sub(TROUBLES_MAX);
    troubles.truncate(TROUBLES_MAX);
    cut as u64
}

fn log_text(trouble: LogTrouble) -> String {
    match trouble {
        LogTrouble::HeldBack { bytes } => format!(
            "another process has a transaction open on the ledger, such as a sqlite3 shell or a backup: its log is {} MiB \
             long and grows until that ends; work goes on",
            bytes >> 20
        ),
        LogTrouble::Replaced => {
            "the file ledger.db was moved, removed or replaced while ringback runs: what is recorded \
                                 now is lost at the next start; put the file back, or restart"
                .to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{TROUBLES_MAX, Trouble, TroubleKind, Wall, worst};

    #[test]
    fn the_worst_troubles_are_named_up_to_the_limit() {
        let trouble = |kind| Trouble::new(kind, Wall(0), "something is wrong".to_owned(), None);
        let mut troubles = vec![trouble(TroubleKind::Lagged); TROUBLES_MAX];
        assert_eq!((worst(&mut troubles), troubles.len()), (0, TROUBLES_MAX));
        troubles.push(trouble(TroubleKind::Disk));
        assert_eq!((worst(&mut troubles), troubles.len()), (1, TROUBLES_MAX));
        let kinds = [troubles[0].kind, troubles[1].kind, troubles[TROUBLES_MAX - 1].kind];
        assert_eq!(kinds, [TroubleKind::Disk, TroubleKind::Lagged, TroubleKind::Lagged]);
    }
}
