//! A request that tries a subscription's target: real, as a delivery is, and marked. Nobody is owed it, it is made
//! once, and nothing of it is kept.

use super::Dispatch;
use super::cut::render;
use crate::model::change::Change;
use crate::model::delivery::{Mark, SendRequest};
use crate::model::entry::Entry;
use crate::model::ids::SubscriptionId;
use crate::model::part::{DeliveryId, DeliveryKey};
use crate::model::time::Now;
use crate::outbox::fold::Folded;
use crate::store::{DispatchTables, StoreError};

impl Dispatch {
    /// What tells one change to a subscription's target, also while the subscription is paused; `None` where it has no
    /// rule, or a topic in place of a target.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn trial(
        &self,
        now: Now,
        id: SubscriptionId,
        change: Change,
        ledger: DispatchTables<'_>,
    ) -> Result<Option<SendRequest>, StoreError> {
        let subscription = self.lanes.get(&id).and_then(|lane| lane.subscription.clone());
        let Some(subscription) = subscription.filter(|subscription| !subscription.is_topic) else { return Ok(None) };
        let told = Folded { entry: Entry::Change(change), seqs: Vec::new() };
        let body = render(&subscription, std::slice::from_ref(&told), ledger)?.body;
        let id = DeliveryId { node: ledger.node(), key: DeliveryKey::whole(ledger.next_delivery()?) };
        Ok(Some(SendRequest { subscription, id, attempt: 1, mark: Some(Mark::Trial), at: now.wall, body }))
    }
}
