//! What the API shows beside the ledger: the subscriptions in force, and which deliveries are on the wire.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::intake::RulesInForce;
use crate::model::by_number::ByNumber;
use crate::model::ids::SubscriptionId;
use crate::model::listing::{Registry, Subscriptions};
use crate::model::part::DeliveryKey;
use crate::model::subscription::Subscription;
use crate::model::time::Wall;
use crate::rules::Rule;

type OfFiles = Arc<BTreeMap<SubscriptionId, Arc<Subscription>>>;

/// What the engine last said. The engine's thread only swaps pointers: the map of half a million subscriptions is made
/// by the first caller who asks after a reload.
#[derive(Default)]
pub(super) struct RegistrySlot(Mutex<State>);

#[derive(Default)]
struct State {
    rules: RulesInForce,
    /// What programs have registered: a copy, which costs nothing to make.
    registered: ByNumber<Arc<Subscription>>,
    /// Their rules.
    registered_rules: ByNumber<Rule>,
    in_flight: Arc<BTreeSet<DeliveryKey>>,
    /// Made from `rules` when a caller first asks.
    made: Option<OfFiles>,
}

impl RegistrySlot {
    /// Takes over what is so now.
    pub(super) fn set(
        &self,
        rules: &RulesInForce,
        registered: &ByNumber<Arc<Subscription>>,
        registered_rules: &ByNumber<Rule>,
        in_flight: BTreeSet<DeliveryKey>,
    ) {
        let mut state = self.lock();
        (state.registered, state.registered_rules) = (registered.clone(), registered_rules.clone());
        if !is_same(&state.rules, rules) {
            (state.rules, state.made) = (rules.clone(), None);
        }
        if *state.in_flight != in_flight {
            state.in_flight = Arc::new(in_flight);
        }
    }

    /// A snapshot.
    pub(super) fn get(&self, now: Wall) -> Registry {
        let state = self.lock();
        let (rules, in_flight, made) = (state.rules.clone(), Arc::clone(&state.in_flight), state.made.clone());
        let registered = state.registered.clone();
        drop(state);
        let of_files = made.unwrap_or_else(|| {
            let made: OfFiles = Arc::new(rules.subscriptions().collect());
            let mut state = self.lock();
            if is_same(&state.rules, &rules) {
                state.made = Some(Arc::clone(&made));
            }
            made
        });
        Registry { subscriptions: Subscriptions { of_files, registered }, in_flight, now: Some(now) }
    }

    /// The rules in force.
    pub(super) fn rules(&self) -> RulesInForce {
        self.lock().rules.clone()
    }

    /// The rules in force, and those that programs have registered: copies, which cost nothing to make.
    pub(super) fn all_rules(&self) -> (RulesInForce, ByNumber<Rule>) {
        let state = self.lock();
        (state.rules.clone(), state.registered_rules.clone())
    }

    /// A panic elsewhere leaves the state whole: each change of it is one assignment.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_same(one: &RulesInForce, other: &RulesInForce) -> bool {
    Arc::ptr_eq(&one.set, &other.set) && Arc::ptr_eq(&one.subscriptions, &other.subscriptions)
}
