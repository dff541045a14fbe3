//! Pausing and resuming a lane: by somebody, by its target, by the five-day rule.

use super::Dispatch;
use crate::model::event::EventFields;
use crate::model::ids::SubscriptionId;
use crate::model::lane::{LanePolicy, Pause};
use crate::model::time::{Now, Wall};
use crate::store::{DispatchTables, StoreError};

impl Dispatch {
    /// The clock jumped while ringback ran: since when lanes fail is moved with it. Else a clock that is set right by
    /// weeks would make a failure of yesterday one of weeks.
    ///
    /// # Errors
    /// When the ledger refuses: the group is lost then.
    pub fn move_failing(&mut self, by_ms: i64, ledger: DispatchTables<'_>) -> Result<(), StoreError> {
        for id in self.totals.failing.clone() {
            let Some(lane) = self.lanes.get_mut(&id) else { continue };
            let mut policy = lane.policy().clone();
            if let Some(failing) = &mut policy.failing {
                failing.since = Wall(failing.since.0.saturating_add(by_ms));
            }
            ledger.put_lane(id, &policy)?;
            lane.set_policy(policy);
        }
        Ok(())
    }

    /// Pauses a lane: what it is owed gathers, and nothing is sent. A pause that stands is replaced.
    ///
    /// # Errors
    /// When the ledger refuses: the group is lost then.
    pub fn pause(
        &mut self,
        now: Now,
        id: SubscriptionId,
        pause: Pause,
        ledger: DispatchTables<'_>,
    ) -> Result<(), StoreError> {
        let Some(lane) = self.lanes.get(&id) else { return Ok(()) };
        let policy = LanePolicy { paused: Some(pause), ..lane.policy().clone() };
        ledger.put_lane(id, &policy)?;
        self.tell_paused(now, id, &policy, ledger)?;
        self.change_policy(id, policy);
        Ok(())
    }

    /// Resumes a lane: the delivery that it stopped at goes first, at once. Returns whether it was paused.
    ///
    /// # Errors
    /// When the ledger refuses: the group is lost then.
    pub fn resume(
        &mut self,
        now: Now,
        id: SubscriptionId,
        by: &str,
        ledger: DispatchTables<'_>,
    ) -> Result<bool, StoreError> {
        let Some(lane) = self.lanes.get(&id).filter(|lane| lane.policy().paused.is_some()) else { return Ok(false) };
        // It begins anew: five days from now, and not from when it began to fail.
        let policy = LanePolicy { paused: None, failing: None, ..lane.policy().clone() };
        ledger.put_lane(id, &policy)?;
        self.tell(now, id, "callback.resumed", |fields| fields.text("by", by), ledger)?;
        self.change_policy(id, policy);
        let waiting: Vec<_> = self.lanes.get(&id).map(|lane| lane.queue.keys().copied().collect()).unwrap_or_default();
        let before = self.share(id);
        for key in waiting {
            self.make_due(now.mono, id, key);
        }
        self.advance(id);
        self.account(id, before);
        self.to_cut.insert(id);
        Ok(true)
    }

    /// A lane whose subscription had its one delivery goes on: it was registered again.
    ///
    /// # Errors
    /// When the ledger refuses: the group is lost then.
    pub fn reopen(&mut self, id: SubscriptionId, ledger: DispatchTables<'_>) -> Result<(), StoreError> {
        let lane = self.lanes.get(&id).filter(|lane| lane.policy().cancelled_at.is_some());
        let Some(lane) = lane else { return Ok(()) };
        let policy = LanePolicy { cancelled_at: None, ..lane.policy().clone() };
        ledger.put_lane(id, &policy)?;
        self.change_policy(id, policy);
        Ok(())
    }

    /// Returns whether a subscription has a rule now.
    #[must_use]
    pub fn has_rule(&self, id: SubscriptionId) -> bool {
        self.lanes.get(&id).is_some_and(|lane| lane.subscription.is_some())
    }

    /// Returns whether its rule file says that it is paused.
    #[must_use]
    pub fn is_paused_by_file(&self, id: SubscriptionId) -> bool {
        self.lanes.get(&id).and_then(|lane| lane.subscription.as_ref()).is_some_and(|subscription| subscription.paused)
    }

    fn change_policy(&mut self, id: SubscriptionId, policy: LanePolicy) {
        let before = self.share(id);
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.set_policy(policy);
            if lane.policy().paused.is_some() {
                lane.requeue_ready();
            }
        }
        self.account(id, before);
    }

    /// Appends the event of a pause to the journal.
    pub(super) fn tell_paused(
        &self,
        now: Now,
        id: SubscriptionId,
        policy: &LanePolicy,
        ledger: DispatchTables<'_>,
    ) -> Result<(), StoreError> {
        let Some(Pause { by, reason, .. }) = &policy.paused else { return Ok(()) };
        self.tell(now, id, "callback.paused", |fields| with_reason(fields.text("by", by), reason.as_deref()), ledger)
    }

    /// Appends an event about a subscription to the journal; its name is the first field.
    pub(super) fn tell(
        &self,
        now: Now,
        id: SubscriptionId,
        name: &str,
        more: impl FnOnce(EventFields) -> EventFields,
        ledger: DispatchTables<'_>,
    ) -> Result<(), StoreError> {
        let subscription = self.lanes.get(&id).and_then(|lane| lane.subscription.as_ref());
        let (called, tenant) = match subscription {
            Some(subscription) => (subscription.name.to_string(), subscription.tenant.clone()),
            // What a removed one is owed is still kept for a while, and still limited.
            None => ledger.called(id)?.unwrap_or_else(|| (id.to_string(), None)),
        };
        ledger.tell(now.wall, name, tenant, more(EventFields::default().text("subscription", &called)))
    }
}

/// A payload with why, where that is known.
pub(super) fn with_reason(fields: EventFields, reason: Option<&str>) -> EventFields {
    match reason {
        Some(reason) => fields.text("reason", reason),
        None => fields,
    }
}
