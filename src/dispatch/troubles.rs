//! What of the deliveries needs an operator, for the status.

use super::fault::SetAside;
use super::{Dispatch, Lane, Totals};
use crate::model::ids::SubscriptionId;
use crate::model::status::{TROUBLES_MAX, Trouble, TroubleKind};
use crate::model::time::Wall;

/// A lane that fails is a trouble after so long, milliseconds: a receiver that is restarted needs nobody.
const FAILING_MS: i64 = 60_000;

impl Dispatch {
    /// Lanes that rest, deliveries that are set aside, lanes that are paused, that fail, that lost entries, and dead
    /// letters; at most [`TROUBLES_MAX`] of the lanes each, and how many more there are.
    #[must_use]
    pub fn troubles(&self, now: Wall) -> (Vec<Trouble>, u64) {
        let lanes = |ids: &std::collections::BTreeSet<SubscriptionId>| -> Vec<(SubscriptionId, &Lane)> {
            ids.iter().take(TROUBLES_MAX).filter_map(|id| Some((*id, self.lanes.get(id)?))).collect()
        };
        let mut troubles = Vec::new();
        for (id, lane) in lanes(&self.totals.faulty) {
            let (name, Some(fault)) = (name(id, lane), lane.row_fault()) else { continue };
            let text = format!("{name} is not notified, because a row of the ledger cannot be read: {}", fault.text);
            troubles.push(Trouble::new(TroubleKind::Disk, fault.since, text, Some(name)));
        }
        if let Some(set_aside) = &self.set_aside {
            let what = match set_aside.rows {
                1 => "a delivery is not made, because the ledger does not say whose it is".to_owned(),
                more => format!("{more} deliveries are not made, because the ledger does not say whose they are"),
            };
            let text = format!("{what}: {}", set_aside.text);
            troubles.push(Trouble::new(TroubleKind::Disk, set_aside.since, text, None));
        }
        if let Some(SetAside { since, rows, text }) = &self.groups_set_aside {
            let what = match rows {
                1 => "what a group of changes owed is not delivered".to_owned(),
                more => format!("what {more} groups of changes owed is not delivered"),
            };
            let text = format!("{what}, because the ledger does not say to whom: {text}");
            troubles.push(Trouble::new(TroubleKind::Disk, *since, text, None));
        }
        // Of what has no rule and is owed nothing only a pause is remembered, for its return.
        let is_over = |lane: &Lane| lane.subscription.is_none() && lane.is_through();
        for (id, lane) in lanes(&self.totals.paused).into_iter().filter(|(_, lane)| !is_over(lane)) {
            let (name, Some(pause)) = (name(id, lane), &lane.policy().paused) else { continue };
            let because = pause.reason.as_ref().map(|reason| format!(", because {reason}")).unwrap_or_default();
            let text =
                format!("{name} was paused by {}{because}: it gathers what it is owed until it is resumed", pause.by);
            troubles.push(Trouble::new(TroubleKind::Paused, pause.at, text, Some(name)));
        }
        let mut brief = 0;
        for (id, lane) in lanes(&self.totals.failing) {
            let (name, Some(failing)) = (name(id, lane), &lane.policy().failing) else { continue };
            if now.0.saturating_sub(failing.since.0) < FAILING_MS || is_over(lane) {
                brief += 1;
                continue;
            }
            let said = failing.status.map_or_else(|| failing.outcome.clone(), |status| format!("HTTP status {status}"));
            let host =
                lane.subscription.as_ref().map_or_else(String::new, |it| format!(" to {}", it.target.authority()));
            let text = format!("{name}: deliveries{host} are not accepted, the last outcome was: {said}");
            troubles.push(Trouble::new(TroubleKind::Failing, failing.since, text, Some(name)));
        }
        for (id, lane) in lanes(&self.totals.lagging) {
            let (name, Some(lag)) = (name(id, lane), lane.lag) else { continue };
            let text = format!(
                "{name} was owed more changes, or older ones, than are kept: {} were dropped and are not delivered; see \
                 [delivery] owed and [retention] journal",
                lag.skipped
            );
            troubles.push(Trouble::new(TroubleKind::Lagged, lag.since, text, Some(name)));
        }
        if let Some(since) = self.dead_since.filter(|_| self.dead > 0) {
            let what = if self.dead == 1 {
                "delivery was given up and is a dead letter"
            } else {
                "deliveries were given up and are dead letters"
            };
            troubles.push(Trouble::new(TroubleKind::Dead, since, format!("{} {what}", self.dead), None));
        }
        let more = |count: usize| count.saturating_sub(TROUBLES_MAX) as u64;
        let Totals { faulty, paused, failing, lagging, .. } = &self.totals;
        let lanes = [faulty.len(), paused.len(), failing.len() - brief, lagging.len()];
        (troubles, lanes.map(more).iter().sum())
    }
}

fn name(id: SubscriptionId, lane: &Lane) -> String {
    match &lane.subscription {
        Some(subscription) => subscription.name.to_string(),
        None => format!("the removed subscription {}", id.0),
    }
}
