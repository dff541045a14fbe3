//! Events: who hears of which, in which order, and what stays when a rule is edited.

use std::sync::Arc;

use super::catalog::Catalog;
use super::{Run, check};
use crate::model::change::Change;
use crate::model::entry::Entry;
use crate::model::event::{EventFields, Occurrence, Origin};
use crate::model::ids::Seq;
use crate::model::tenant::Tenant;
use crate::model::time::Wall;
use crate::store::Ledger;

/// The change that was recorded last is this event.
pub(super) fn happen(catalog: &Catalog, at: Wall, name: &str, ledger: &Ledger) -> Arc<Entry> {
    let change = catalog.newest().expect("a change").clone();
    // The catalog has it as a backfill tells it, and the journal at the place before.
    let seq = ledger.next_seq().expect("a number");
    let event = Occurrence {
        seq,
        rrn: change.rrn,
        time: at,
        name: name.to_owned(),
        tenant: None,
        change: Some(Box::new(Change { seq: Seq(seq.0 - 1), ..change })),
        origin: Origin::Ringback,
        display_name: None,
        fields: EventFields::default(),
    };
    ledger.append_event(&event).expect("a journal");
    Arc::new(Entry::Event(event))
}

/// Something happens that is about no asset.
pub(super) fn tell(at: Wall, name: &str, tenant: Option<&str>, ledger: &Ledger) {
    let tenant = tenant.map(|name| Tenant::parse(name).expect("a name"));
    ledger.tell(at, name, tenant, EventFields::default()).expect("a journal");
}

#[test]
fn whoever_asks_for_an_event_by_name_hears_of_it_once_and_in_the_order_of_the_journal() {
    check(
        "rule a format=cloudevents-batch events=mount.offline,mount.online
         rule b format=cloudevents-batch
         0 tell mount.offline -> a 1/1 [mount.offline]
         1 owe 1 to a b -> b 2/1 [1]
         2 tell mount.online ->
         3 tell mount.degraded ->
         4 owe 2 to a ->
         status -> owed 3, pending 0, in flight 2, waiting 0, dead 0
         5 accept 1 -> a 3/1 [1 mount.online 2]
         6 accept 3 ->
         status -> owed 0, pending 0, in flight 1, waiting 0, dead 0",
    );
}

#[test]
fn a_tenant_s_subscription_hears_of_its_tenant_s_events_and_one_without_a_tenant_of_all() {
    check(
        "rule a format=cloudevents events=mount.offline tenant=acme
         rule b format=cloudevents events=mount.offline tenant=other
         rule c format=cloudevents events=mount.offline
         0 tell mount.offline acme -> a 1/1 [mount.offline], c 2/1 [mount.offline]
         1 accept 2 ->
         2 tell mount.offline -> c 3/1 [mount.offline]
         status -> owed 0, pending 0, in flight 2, waiting 0, dead 0",
    );
}

#[test]
fn what_waits_is_read_from_the_journal_after_a_restart() {
    check(
        "rule a format=cloudevents-batch events=mount.offline
         0 owe 1 to a -> a 1/1 [1]
         1 owe 2 to a ->
         2 event scanned to a ->
         3 tell mount.offline ->
         4 owe 3 to a ->
         5 restart -> a 1/1 [1]
         6 accept 1 -> a 65537/1 [2 2:scanned mount.offline 3]",
    );
}

#[test]
fn a_lost_group_tells_nobody() {
    let mut run = Run::new();
    run.line("rule a format=cloudevents events=mount.offline");
    let ledger = run.ledger.as_ref().expect("a ledger");
    ledger.begin().expect("a group");
    tell(Wall(0), "mount.offline", None, ledger);
    ledger.rollback().expect("it is undone");
    assert_eq!(run.shown("1 tick"), "");
}

/// Zoom has no place for what is about no asset: it is settled, and the rest goes on.
#[test]
fn what_a_format_does_not_tell_is_settled_when_the_rule_asks_for_that_format() {
    check(
        "rule a format=cloudevents-batch events=mount.offline
         0 owe 1 to a -> a 1/1 [1]
         1 tell mount.offline ->
         2 owe 2 to a ->
         3 event scanned to a ->
         4 tell mount.offline ->
         rule a format=zoom events=mount.offline
         5 tell mount.offline ->
         status -> owed 4, pending 0, in flight 1, waiting 0, dead 0
         6 accept 1 -> a 2/1 [2 2]
         7 accept 2 ->
         status -> owed 0, pending 0, in flight 0, waiting 0, dead 0",
    );
}

#[test]
fn a_subscription_that_hears_of_its_own_loss_is_told_of_it_behind_the_notice() {
    let mut run = Run::bounded(10);
    run.line("rule a format=cloudevents-batch events=callback.lagged");
    run.line("rule b format=cloudevents-batch events=callback.lagged");
    assert_eq!(run.shown("0 owe 1 to a"), "a 1/1 [1]");
    // Eleven wait, of which two are dropped; b is told at once, and a once its turn comes.
    assert_eq!(run.shown("1 owe 2-12 to a"), "b 2/1 [callback.lagged]");
    assert_eq!(run.status(), "owed 10, pending 0, in flight 2, waiting 0, dead 0");
    assert_eq!(run.shown("2 accept 1"), "a 3/1 [callback.lagged]");
    let next = run.shown("3 accept 3");
    assert!(next.starts_with("a 4/1 ["), "{next}");
}
