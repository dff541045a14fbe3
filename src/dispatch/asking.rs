//! Who hears of events that are about no asset: the subscriptions that ask for them by name, as far as their tenant
//! may. What happens to assets is matched by the rules, before it comes here.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::Dispatch;
use crate::model::entry::{Entry, Owed};
use crate::model::event::Occurrence;
use crate::model::ids::SubscriptionId;
use crate::model::subscription::Subscription;
use crate::store::Ledger;

/// The subscriptions that ask for each event, by its name.
#[derive(Debug, Default)]
pub(super) struct Asking(HashMap<String, BTreeSet<SubscriptionId>>);

impl Asking {
    /// A lane has another subscription, or none any more.
    pub(super) fn replace(&mut self, id: SubscriptionId, before: Option<&Subscription>, after: Option<&Subscription>) {
        for name in before.into_iter().flat_map(|subscription| &subscription.events) {
            if let Some(asking) = self.0.get_mut(name.as_str()) {
                asking.remove(&id);
                if asking.is_empty() {
                    self.0.remove(name.as_str());
                }
            }
        }
        for name in after.into_iter().flat_map(|subscription| &subscription.events) {
            self.0.entry(name.as_str().to_owned()).or_default().insert(id);
        }
    }
}

impl Dispatch {
    /// Who is owed what of the events that the ledger was told of since the last call.
    pub(super) fn hear(&self, ledger: &Ledger) -> Vec<Owed> {
        let mut owed = Vec::new();
        for event in ledger.take_told() {
            let Some(asking) = self.asking.0.get(&event.name) else { continue };
            let who: Vec<_> = asking.iter().filter(|id| self.may_hear(**id, &event)).copied().collect();
            let entry = Arc::new(Entry::Event(event));
            owed.extend(who.into_iter().map(|subscription| Owed { subscription, entry: Arc::clone(&entry) }));
        }
        owed
    }

    /// Whether a subscription may hear of an event, and its format tells it. One of a tenant hears of that tenant's
    /// events, one of no tenant of all.
    fn may_hear(&self, id: SubscriptionId, event: &Occurrence) -> bool {
        self.lanes.get(&id).and_then(|lane| lane.subscription.as_ref()).is_some_and(|subscription| {
            subscription.format.tells_events() && (subscription.tenant.is_none() || subscription.tenant == event.tenant)
        })
    }
}
