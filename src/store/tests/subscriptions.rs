//! By what subscriptions are known.

use crate::model::tenant::Tenant;
use crate::model::time::Wall;
use crate::store::{Ledger, Reader};

#[test]
fn a_subscription_is_known_within_the_tenant_whose_name_it_is() {
    let temporary = tempfile::tempdir().expect("a directory");
    let (ledger, _keeper) = Ledger::open(temporary.path(), 1).expect("a ledger");
    let (acme, other) = (Tenant::parse("acme").expect("a tenant"), Tenant::parse("other").expect("a tenant"));
    ledger.begin().expect("a group");
    let enrol = |tenant| ledger.enrol(tenant, "zoom:a").expect("a number");
    let ids = [None, Some(&acme), Some(&other)].map(enrol);
    assert!(ids[0] != ids[1] && ids[1] != ids[2], "{ids:?}");
    // One that goes and comes back is who it was, and the others stay.
    ledger.remove_subscription(ids[1], Wall(1)).expect("it is removed");
    assert_eq!([None, Some(&acme), Some(&other)].map(enrol), ids);
    ledger.commit().expect("a commit");
    let reader = Reader::open(temporary.path()).expect("a reader");
    let named = |tenant, name| reader.subscription_named(tenant, name).expect("an answer");
    assert_eq!([None, Some(&acme), Some(&other)].map(|tenant| named(tenant, "zoom:a")), ids.map(Some));
    assert_eq!(named(Some(&acme), "zoom:b"), None);
}
