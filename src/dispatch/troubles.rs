//! What of the deliveries needs an operator, for the status.

use super::{Dispatch, Lane};
use crate::model::ids::SubscriptionId;
use crate::model::status::{TROUBLES_MAX, Trouble, TroubleKind};

impl Dispatch {
    /// Lanes that rest, deliveries that are set aside, lanes that lost entries, and dead letters; at most
    /// [`TROUBLES_MAX`] of the lanes each, and how many more there are.
    #[must_use]
    pub fn troubles(&self) -> (Vec<Trouble>, u64) {
        let lanes = |ids: &std::collections::BTreeSet<SubscriptionId>| -> Vec<(SubscriptionId, &Lane)> {
            ids.iter().take(TROUBLES_MAX).filter_map(|id| Some((*id, self.lanes.get(id)?))).collect()
        };
        let mut troubles = Vec::new();
        for (id, lane) in lanes(&self.totals.faulty) {
            let (name, Some(fault)) = (name(id, lane), &lane.fault) else { continue };
            let text = format!("{name} is not notified, because a row of the ledger cannot be read: {}", fault.text);
            troubles.push(Trouble::new(TroubleKind::Disk, fault.since, text, Some(name)));
        }
        if let Some(set_aside) = &self.set_aside {
            let what = match set_aside.deliveries {
                1 => "a delivery is not made, because the ledger does not say whose it is".to_owned(),
                more => format!("{more} deliveries are not made, because the ledger does not say whose they are"),
            };
            let text = format!("{what}: {}", set_aside.text);
            troubles.push(Trouble::new(TroubleKind::Disk, set_aside.since, text, None));
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
        (troubles, more(self.totals.faulty.len()) + more(self.totals.lagging.len()))
    }
}

fn name(id: SubscriptionId, lane: &Lane) -> String {
    match &lane.subscription {
        Some(subscription) => subscription.name.to_string(),
        None => format!("the removed subscription {}", id.0),
    }
}
