//! Who hears of events that are about no asset: the subscriptions that ask for them by name, as far as their tenant
//! may. What happens to assets is matched by the rules, before it comes here.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::Dispatch;
use crate::model::entry::{Entry, Owed};
use crate::model::event::{Dialect, EventName, Occurrence};
use crate::model::ids::SubscriptionId;
use crate::model::subscription::Subscription;
use crate::store::DispatchTables;

/// The subscriptions that ask for each event.
#[derive(Debug, Default)]
pub(super) struct Asking {
    /// By its name.
    by_name: HashMap<String, BTreeSet<SubscriptionId>>,
    /// By a dialect that it is marked for.
    by_mark: HashMap<Dialect, BTreeSet<SubscriptionId>>,
    /// What each event is marked for, where it is.
    marks: HashMap<String, Vec<Dialect>>,
}

impl Asking {
    /// A lane has another subscription, or none any more.
    pub(super) fn replace(&mut self, id: SubscriptionId, before: Option<&Subscription>, after: Option<&Subscription>) {
        for name in before.into_iter().flat_map(|subscription| &subscription.events) {
            if let Some(asking) = self.by_name.get_mut(name.as_str()) {
                asking.remove(&id);
                if asking.is_empty() {
                    self.by_name.remove(name.as_str());
                }
            }
        }
        if let Some(dialect) = before.and_then(|subscription| subscription.hears_marked) {
            self.by_mark.entry(dialect).or_default().remove(&id);
        }
        for name in after.into_iter().flat_map(|subscription| &subscription.events) {
            self.by_name.entry(name.as_str().to_owned()).or_default().insert(id);
        }
        if let Some(dialect) = after.and_then(|subscription| subscription.hears_marked) {
            self.by_mark.entry(dialect).or_default().insert(id);
        }
    }

    /// Who asks for an event, rising.
    fn of(&self, event: &str) -> BTreeSet<SubscriptionId> {
        let marks = self.marks.get(event).into_iter().flatten();
        let by_mark = marks.filter_map(|dialect| self.by_mark.get(dialect)).flatten();
        self.by_name.get(event).into_iter().flatten().chain(by_mark).copied().collect()
    }
}

impl Dispatch {
    /// The rule files mark these events for dialects from now on, and no others.
    pub fn set_marks<'e>(&mut self, marks: impl IntoIterator<Item = (&'e EventName, &'e [Dialect])>) {
        let marks = marks.into_iter().filter(|(_, dialects)| !dialects.is_empty());
        self.asking.marks = marks.map(|(name, dialects)| (name.as_str().to_owned(), dialects.to_vec())).collect();
    }

    /// Who is owed what of the events that the ledger was told of since the last call.
    pub(super) fn hear(&self, ledger: DispatchTables<'_>) -> Vec<Owed> {
        let mut owed = Vec::new();
        for event in ledger.take_told() {
            let asking = self.asking.of(&event.name);
            let who: Vec<_> = asking.into_iter().filter(|id| self.may_hear(*id, &event)).collect();
            let entry = Arc::new(Entry::Event(event));
            owed.extend(who.into_iter().map(|subscription| Owed { subscription, entry: Arc::clone(&entry) }));
        }
        owed
    }

    /// Whether a subscription may hear of an event, and its format tells it. One of a tenant hears of that tenant's
    /// events, one of no tenant of all.
    fn may_hear(&self, id: SubscriptionId, event: &Occurrence) -> bool {
        self.lanes.get(&id).and_then(|lane| lane.subscription.as_ref()).is_some_and(|subscription| {
            subscription.format.tells(event) && (subscription.tenant.is_none() || subscription.tenant == event.tenant)
        })
    }
}
