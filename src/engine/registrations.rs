//! What programs have registered: as the last commit left it, and as the open group leaves it. A group that is lost
//! takes back what it changed by dropping its copy, which costs nothing to make.

use std::sync::Arc;

use crate::model::by_number::ByNumber;
use crate::model::error_chain::ErrorChain;
use crate::model::ids::SubscriptionId;
use crate::model::retry::RetrySchedule;
use crate::model::subscription::Subscription;
use crate::model::time::{Now, Wall};
use crate::rules::{Rule, registration};
use crate::store::{Ledger, StoreError};

/// Schedules that are looked through for one that is the same.
const SHARED_MAX: usize = 16;

/// The rules of registrations, by the number of their subscription.
#[derive(Debug, Clone, Default)]
pub(super) struct Registrations {
    rules: ByNumber<Rule>,
    /// The same, for those who only show subscriptions.
    subscriptions: ByNumber<Arc<Subscription>>,
    /// Schedules that several of them have, the newest last.
    schedules: Vec<Arc<RetrySchedule>>,
    /// Rows that could not be read at the start, and when that was: nothing is matched for them.
    unread: Option<(u64, Wall)>,
}

impl Registrations {
    /// Reads all of them. One that cannot be read is left out, and what it is owed waits.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub(super) fn load(ledger: &Ledger, now: Now) -> Result<Self, StoreError> {
        let mut all = Self::default();
        ledger.each_registration(|id, kept| {
            let why = match kept.map(|kept| registration::read(&kept.registration)) {
                Ok(Ok(rule)) => {
                    let rule = all.sharing(rule);
                    return all.insert(id, rule);
                }
                Ok(Err(faults)) => {
                    let faults = faults.iter().map(|fault| format!("{}: {}", fault.part.as_str(), fault.why));
                    faults.collect::<Vec<_>>().join("; ")
                }
                Err(error) => ErrorChain(&error).to_string(),
            };
            all.unread = Some((all.unread.map_or(0, |(count, _)| count) + 1, now.wall));
            tracing::error!(subscription = id.0, why, "a registration cannot be read: nothing is matched for it");
        })?;
        Ok(all)
    }

    /// A rule that nobody else has yet, with the schedule that others have where it is the same: a dialect has one for
    /// all who do not say otherwise.
    pub(super) fn sharing(&mut self, mut rule: Rule) -> Rule {
        let subscription = Arc::make_mut(&mut rule.subscription);
        match self.schedules.iter().find(|known| **known == subscription.retry) {
            Some(known) => subscription.retry = Arc::clone(known),
            None => {
                if self.schedules.len() >= SHARED_MAX {
                    self.schedules.remove(0);
                }
                self.schedules.push(Arc::clone(&subscription.retry));
            }
        }
        rule
    }

    pub(super) fn insert(&mut self, id: SubscriptionId, rule: Rule) {
        let number = id.0.cast_unsigned();
        self.subscriptions.insert(number, Arc::clone(&rule.subscription));
        self.rules.insert(number, rule);
    }

    pub(super) fn remove(&mut self, id: SubscriptionId) {
        let number = id.0.cast_unsigned();
        self.subscriptions.remove(number);
        self.rules.remove(number);
    }

    /// The rules, rising.
    pub(super) fn rules(&self) -> impl Iterator<Item = (SubscriptionId, Rule)> {
        self.rules.iter().map(|(number, rule)| (SubscriptionId(number.cast_signed()), rule.clone()))
    }

    /// The rules, as they are now.
    pub(super) fn by_number(&self) -> &ByNumber<Rule> {
        &self.rules
    }

    /// The subscriptions, rising.
    pub(super) fn each(&self) -> impl Iterator<Item = (SubscriptionId, Arc<Subscription>)> {
        self.rules().map(|(id, rule)| (id, rule.subscription))
    }

    /// The subscriptions, as they are now.
    pub(super) fn subscriptions(&self) -> &ByNumber<Arc<Subscription>> {
        &self.subscriptions
    }

    /// How many rows could not be read, and since when.
    pub(super) fn unread(&self) -> Option<(u64, Wall)> {
        self.unread
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Registrations, SHARED_MAX};
    use crate::model::event::Dialect;
    use crate::model::registration::Registration;
    use crate::model::retry::RetrySchedule;
    use crate::model::subscription::Name;
    use crate::rules::{Rule, registration};

    fn rule(delay_ms: u64) -> Rule {
        let name = Name::registered(Dialect::Zoom, "some-id").expect("an id");
        let retry = RetrySchedule::of_delays(vec![delay_ms]);
        let paths = vec!["* /a".to_owned()];
        let it = Registration { paths, retry, ..Registration::new(name, None, "https://example.com/hook") };
        registration::read(&it).expect("no fault")
    }

    #[test]
    fn one_schedule_is_kept_for_all_who_have_it() {
        let mut all = Registrations::default();
        let mut of = |delay_ms: u64| Arc::clone(&all.sharing(rule(delay_ms)).subscription.retry);
        let (first, second) = (of(60_000), of(60_000));
        assert!(Arc::ptr_eq(&first, &second));
        for other in 1..=SHARED_MAX as u64 {
            assert!(!Arc::ptr_eq(&first, &of(60_000 + other)));
        }
        let again = of(60_000);
        assert!(again == first && !Arc::ptr_eq(&again, &first), "past the limit it is one of its own");
    }
}
