//! What of the deliveries needs an operator, for the status.

use std::collections::BTreeMap;

use super::fault::SetAside;
use super::lane::HeadState;
use super::{Dispatch, Lane, Totals};
use crate::model::counted::counted;
use crate::model::ids::SubscriptionId;
use crate::model::status::{Failing, TROUBLES_MAX, Trouble, TroubleKind};
use crate::model::tenant::Tenant;
use crate::model::time::{Mono, Now, Wall};

/// Lanes that fail and are read for the status, at most: it is made ten times a second.
const FAILING_READ: usize = 10_000;

/// Lanes that are late and are counted for the status, at most: it is made ten times a second.
const LATE_READ: usize = 10_000;

/// A lane that fails is a trouble after so long, milliseconds: a receiver that is restarted needs nobody.
const FAILING_MS: i64 = 60_000;

impl Dispatch {
    /// Lanes that rest, deliveries that are set aside, lanes that are paused, that fail, that are late, that lost
    /// entries, and dead letters; at most [`TROUBLES_MAX`] of the lanes each, and how many more there are.
    #[must_use]
    pub fn troubles(&self, now: Now) -> (Vec<Trouble>, u64) {
        let lanes = |ids: &std::collections::BTreeSet<SubscriptionId>| -> Vec<(SubscriptionId, &Lane)> {
            ids.iter().take(TROUBLES_MAX).filter_map(|id| Some((*id, &**self.lanes.get(id)?))).collect()
        };
        let mut troubles = Vec::new();
        for (id, lane) in lanes(&self.totals.faulty) {
            let (name, Some(fault)) = (name(id, lane), lane.row_fault()) else { continue };
            let text = format!("{name} is not notified, because a row of the ledger cannot be read: {}", fault.text);
            troubles.push(Trouble::new(TroubleKind::Disk, fault.since, text, Some(name)).of(tenant(lane)));
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
        for (id, lane) in lanes(&self.totals.paused).into_iter().filter(|(_, lane)| !is_over(lane)) {
            let (name, Some(pause)) = (name(id, lane), &lane.policy().paused) else { continue };
            let because = pause.reason.as_ref().map(|reason| format!(", because {reason}")).unwrap_or_default();
            let text =
                format!("{name} was paused by {}{because}: it gathers what it is owed until it is resumed", pause.by);
            troubles.push(Trouble::new(TroubleKind::Paused, pause.at, text, Some(name)).of(tenant(lane)));
        }
        troubles.extend(self.failing(now));
        for (id, lane) in lanes(&self.totals.lagging) {
            let (name, Some(lag)) = (name(id, lane), lane.lag.as_deref()) else { continue };
            let text = format!(
                "{name} was owed more changes, or older ones, than are kept: {} were dropped and are not delivered; see \
                 [delivery] owed and [retention] journal",
                lag.skipped
            );
            troubles.push(Trouble::new(TroubleKind::Lagged, lag.since, text, Some(name)).of(tenant(lane)));
        }
        let (late, more_late) = self.late(now);
        troubles.extend(late);
        if let Some(since) = self.dead_since.filter(|_| self.dead > 0) {
            let what = if self.dead == 1 {
                "delivery was given up and is a dead letter"
            } else {
                "deliveries were given up and are dead letters"
            };
            troubles.push(Trouble::new(TroubleKind::Dead, since, format!("{} {what}", self.dead), None));
        }
        let more = |count: usize, most: usize| count.saturating_sub(most) as u64;
        let Totals { faulty, paused, failing, lagging, .. } = &self.totals;
        let of_lanes = [faulty.len(), paused.len(), lagging.len()].map(|count| more(count, TROUBLES_MAX));
        (troubles, of_lanes.iter().sum::<u64>() + more(failing.len(), FAILING_READ) + more_late)
    }

    /// Lanes that are late, those that are owed the oldest entries first; at most [`TROUBLES_MAX`], and how many more
    /// there are.
    fn late(&self, now: Now) -> (Vec<Trouble>, u64) {
        let ids = self.totals.late_from.iter().take_while(|(from, _)| *from < now.wall).take(LATE_READ);
        let mut ids = ids.map(|(_, id)| *id);
        let trouble = |id| {
            let lane = self.lanes.get(&id)?;
            let (name, oldest) = (name(id, lane), lane.oldest_since()?);
            let owed = counted(lane.owed + lane.queue.values().map(|head| head.entries as u64).sum::<u64>(), "entry");
            let text = format!(
                "{name} is late: it is owed {owed}, the oldest for more than 5 minutes; `ringback deliveries \
                 --subscription {name}` shows what is on its way"
            );
            Some(Trouble::new(TroubleKind::Late, oldest, text, Some(name)).of(tenant(lane)))
        };
        let troubles = ids.by_ref().take(TROUBLES_MAX).filter_map(trouble).collect();
        (troubles, ids.count() as u64)
    }

    /// Lanes whose deliveries have failed for a while, those of one tenant, host and outcome together.
    fn failing(&self, now: Now) -> Vec<Trouble> {
        let mut together: BTreeMap<Way<'_>, Together> = BTreeMap::new();
        let ids = self.totals.failing.iter().take(FAILING_READ);
        for (id, lane) in ids.filter_map(|id| Some((*id, &**self.lanes.get(id)?))) {
            let Some(policy) = &lane.policy().failing else { continue };
            if now.wall.0.saturating_sub(policy.since.0) < FAILING_MS || is_over(lane) {
                continue;
            }
            let subscription = lane.subscription.as_ref();
            let way = Way {
                tenant: subscription.and_then(|subscription| subscription.tenant.as_ref()),
                host: subscription.map(|subscription| subscription.target.authority()),
                outcome: &policy.outcome,
                status: policy.status,
            };
            let next = lane.queue.values().filter_map(|head| match head.state {
                HeadState::Waiting(until) => Some(until),
                _ => None,
            });
            let more = Together {
                first: id,
                since: policy.since,
                subscriptions: 1,
                owed: lane.owed + lane.queue.values().map(|head| head.entries as u64).sum::<u64>(),
                next: next.min(),
            };
            together.entry(way).and_modify(|before| before.take_in(&more)).or_insert(more);
        }
        let trouble = |(way, lanes): (Way<'_>, Together)| {
            let only = (lanes.subscriptions == 1).then(|| self.lanes.get(&lanes.first)).flatten();
            let failing = Failing {
                host: way.host,
                outcome: way.outcome.to_owned(),
                status: way.status,
                subscriptions: lanes.subscriptions,
                owed: lanes.owed,
                next_attempt_at: lanes.next.map(|until| now.wall_at(until).to_string()),
            };
            Trouble::failing(lanes.since, only.map(|lane| name(lanes.first, lane)), failing).of(way.tenant.cloned())
        };
        together.into_iter().map(trouble).collect()
    }
}

/// What failing lanes have in common that are one trouble.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Way<'a> {
    tenant: Option<&'a Tenant>,
    host: Option<String>,
    outcome: &'a str,
    status: Option<u16>,
}

/// Lanes that fail in one way. They are counted here, because a text for each would be made and thrown away.
struct Together {
    first: SubscriptionId,
    since: Wall,
    subscriptions: u64,
    owed: u64,
    next: Option<Mono>,
}

impl Together {
    fn take_in(&mut self, more: &Self) {
        self.since = self.since.min(more.since);
        self.subscriptions += more.subscriptions;
        self.owed += more.owed;
        self.next = self.next.into_iter().chain(more.next).min();
    }
}

/// Of what has no rule and is owed nothing only a pause is remembered, for its return.
fn is_over(lane: &Lane) -> bool {
    lane.subscription.is_none() && lane.is_through()
}

fn tenant(lane: &Lane) -> Option<Tenant> {
    lane.subscription.as_ref()?.tenant.clone()
}

fn name(id: SubscriptionId, lane: &Lane) -> String {
    match &lane.subscription {
        Some(subscription) => subscription.name.to_string(),
        None => format!("the removed subscription {}", id.0),
    }
}
