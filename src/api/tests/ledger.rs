//! A ledger for the API to read: a subscription `a` with a delivery that waits (1), one on the wire (2), one that was
//! given up (3), one that was accepted (4), of the tenant `acme`, and `b` of none, which is paused and owed a change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use url::Url;

use crate::model::asset::{Asset, ContentRead, Identity, Stat};
use crate::model::attempt::{Answer, Attempted, Reply};
use crate::model::change::{Action, Change};
use crate::model::delivery::{Accepted, Body, Delivery};
use crate::model::event::{Dialect, EventFields, Occurrence, Origin};
use crate::model::ids::{AssetId, DeliveryNo, NodeId, Rrn, Seq, SubscriptionId, TaskNo};
use crate::model::lane::{LanePolicy, Pause};
use crate::model::listing::{Registry, Subscriptions};
use crate::model::metadata::{Metadata, Source};
use crate::model::part::DeliveryKey;
use crate::model::path::LogicalPath;
use crate::model::retry::Accepts;
use crate::model::subscription::{Method, Name, Subscription, Target};
use crate::model::task::uuid;
use crate::model::tenant::Tenant;
use crate::model::time::Wall;
use crate::store::{HotDelivery, Ledger, NewReplay, Reader};

/// When everything happened.
pub(super) const AT: Wall = Wall(1_795_341_600_000);
pub(super) const A: SubscriptionId = SubscriptionId(1);
pub(super) const B: SubscriptionId = SubscriptionId(2);

pub(super) fn key(number: i64) -> DeliveryKey {
    DeliveryKey::whole(DeliveryNo(number))
}

/// The UUID of the task that there is.
pub(super) fn task() -> String {
    uuid(NodeId(0xff), TaskNo(1))
}

/// A reader of it. The file stays open, and is gone with the process.
pub(super) fn reader() -> Reader {
    reader_without(0)
}

/// A reader of it, of which the journal has forgotten so many changes.
pub(super) fn reader_without(changes: i64) -> Reader {
    ledger_and_reader(changes).1
}

/// The ledger, to be written to, and its reader.
pub(super) fn ledger_and_reader(forgotten: i64) -> (Ledger, Reader) {
    let state = tempfile::tempdir().expect("a directory");
    let (ledger, _keeper) = Ledger::open(state.path(), 0xff).expect("a ledger");
    ledger.begin().expect("a group");
    fill(&ledger, forgotten);
    ledger.commit().expect("a commit");
    let reader = Reader::open(state.path()).expect("a reader");
    // The reader finds the file by its name when it needs another connection: it stays until the system clears it.
    drop(state.keep());
    (ledger, reader)
}

/// One more change, which another process would see at once.
pub(super) fn append(ledger: &Ledger, seq: i64) {
    ledger.begin().expect("a group");
    ledger.intake().append(&change(seq)).expect("a change");
    ledger.commit().expect("a commit");
}

/// The UUID of a topic of the tenant `acme`.
pub(super) const TOPIC: &str = "3b241101-e2bb-4255-8caf-4136c566a962";
const OF_TOPIC: SubscriptionId = SubscriptionId(3);

fn topic_name() -> Name {
    Name::registered(Dialect::Hal, TOPIC).expect("an id")
}

/// Adds the topic, which has the places 2, 4 and 6 of the journal.
pub(super) fn topic_in(ledger: &Ledger) {
    ledger.begin().expect("a group");
    let tenant = Tenant::parse("acme").expect("a name");
    assert_eq!(ledger.enrol(Some(&tenant), topic_name().as_str()).expect("a number"), OF_TOPIC);
    for seq in [2, 4, 6] {
        ledger.dispatch().add_to_topic(OF_TOPIC, Seq(seq)).expect("a row");
    }
    ledger.commit().expect("a commit");
}

/// One more change, of which the topic is told or is not.
pub(super) fn add_to_topic(ledger: &Ledger, seq: i64, is_told: bool) {
    ledger.begin().expect("a group");
    ledger.intake().append(&change(seq)).expect("a change");
    if is_told {
        ledger.dispatch().add_to_topic(OF_TOPIC, Seq(seq)).expect("a row");
    }
    ledger.commit().expect("a commit");
}

/// The registry with the topic's subscription.
pub(super) fn registry_with_topic() -> Registry {
    let mut registry = registry();
    let url = Url::parse(&format!("topic:{TOPIC}")).expect("a URL");
    let target =
        Target { method: Method::Post, url: url.into(), headers: Box::default(), accepts: Accepts::AnySuccess };
    let subscription =
        Subscription { is_topic: true, tenant: Tenant::parse("acme").ok(), ..Subscription::new(topic_name(), target) };
    registry.subscriptions.registered.insert(OF_TOPIC.0.cast_unsigned(), Arc::new(subscription));
    registry
}

fn fill(ledger: &Ledger, forgotten: i64) {
    let enrolled = [ledger.enrol(None, "a").expect("a number"), ledger.enrol(None, "b").expect("a number")];
    assert_eq!(enrolled, [A, B]);
    for seq in forgotten + 1..=5 {
        ledger.intake().append(&change(seq)).expect("a change");
    }
    for (seq, tenant) in [(6, Some("acme")), (7, None)] {
        ledger.append_event(&event(seq, tenant)).expect("an event");
    }
    let asset = asset();
    let mount = asset.path.parent().expect("a mount");
    let dir = ledger.intake().dir_or_new(&mount, &mount).expect("a directory");
    ledger.intake().put_asset(dir, &asset).expect("an asset");
    let city = Metadata::from([("City".to_owned(), vec!["SFO".to_owned()])]);
    ledger.intake().set_metadata(asset.id, Source::Xattr, &city.into()).expect("metadata");
    for number in 1..=3 {
        let told = vec![vec![Seq(number)]];
        let body = Body::json(format!("body {number}"));
        let delivery = Delivery {
            key: key(number),
            subscription: A,
            entries: 1,
            told,
            body,
            created: Wall(AT.0 + number),
            attempts: 0,
            delay_ms: 0,
            waited_ms: 0,
            replayed_after: None,
            due: AT,
        };
        ledger.dispatch().add_delivery(&delivery).expect("a delivery");
    }
    let answer = Answer { status: 503, retry_after: None, text: "later".into() };
    for number in [1, 3] {
        let reply = Reply::Answered(answer.clone());
        let attempted = Attempted { key: key(number), attempt: 1, duration_ms: 7, reply };
        ledger.dispatch().add_attempt(&attempted, AT).expect("an attempt");
    }
    let due = Wall(AT.0 + 60_000);
    let waits = HotDelivery {
        key: key(1),
        entries: 1,
        attempts: 1,
        delay_ms: 60_000,
        waited_ms: 0,
        due,
        replayed_after: None,
        created: Wall(AT.0 + 1),
    };
    ledger.dispatch().postpone_delivery(A, &waits).expect("it waits");
    ledger.dispatch().kill_delivery(A, key(3), AT).expect("a dead letter");
    let accepted = Accepted {
        key: key(4),
        subscription: A,
        entries: 1,
        seqs: vec![Seq(4)],
        created: Wall(AT.0 + 4),
        at: Wall(AT.0 + 5),
        attempts: 1,
        status: Some(204),
        duration_ms: 12,
    };
    ledger.dispatch().add_accepted(&accepted).expect("a row");
    let new = NewReplay { subscription: A, since: AT, until: DeliveryNo(4), total: Some(2), by: "jo", at: AT };
    let (_, uuid) = ledger.dispatch().begin_replay(&new).expect("a task");
    assert_eq!(uuid, task());
    ledger.dispatch().owe(B, &[Seq(5)]).expect("an entry");
    let paused = Some(Pause { at: AT, by: "jo".into(), reason: Some("a move".into()) });
    ledger.dispatch().put_lane(B, &LanePolicy { paused, ..LanePolicy::default() }).expect("a lane");
}

pub(super) fn change(seq: i64) -> Change {
    Change {
        seq: Seq(seq),
        rrn: Rrn(seq),
        time: AT,
        asset: AssetId(seq),
        path: LogicalPath::parse(format!("/acme/{seq}").as_bytes()).expect("a path"),
        owner: "jo".into(),
        action: Action::Added,
        delta: Vec::new(),
        size: None,
        mtime_ns: None,
        previous_path: None,
        moved: None,
    }
}

fn event(seq: i64, tenant: Option<&str>) -> Occurrence {
    Occurrence {
        seq: Seq(seq),
        rrn: Rrn(seq),
        time: AT,
        name: "rule.updated".into(),
        tenant: tenant.map(|name| Tenant::parse(name).expect("a name")),
        change: None,
        origin: Origin::Ringback,
        display_name: None,
        fields: EventFields::of_texts([("name", "a")]),
    }
}

/// The asset of the first change.
fn asset() -> Asset {
    let identity = Identity { volume: 1, inode: 1, birth_ns: 1 };
    let stat = Stat { identity, size: 9, mtime_ns: AT.0 * 1_000_000, ctime_ns: 1, links: 1 };
    let path = LogicalPath::parse(b"/acme/1").expect("a path");
    Asset { id: AssetId(1), path, stat, racy: false, owner: "jo".into(), rrn: Rrn(1), content: ContentRead::Yes }
}

/// The subscriptions, and what is on the wire, ten seconds later.
pub(super) fn registry() -> Registry {
    let of = |name: &str, tenant: Option<&str>| {
        let url = Url::parse(&format!("https://{name}.example.org/secret/path?token=secret")).expect("a URL");
        let target =
            Target { method: Method::Post, url: url.into(), headers: Box::default(), accepts: Accepts::AnySuccess };
        let tenant = tenant.map(|tenant| Tenant::parse(tenant).expect("a name"));
        Arc::new(Subscription { tenant, ..Subscription::new(Name::parse(name).expect("a name"), target) })
    };
    Registry {
        subscriptions: Subscriptions {
            of_files: Arc::new(BTreeMap::from([(A, of("a", Some("acme"))), (B, of("b", None))])),
            ..Subscriptions::default()
        },
        in_flight: Arc::new(BTreeSet::from([key(2)])),
        now: Some(Wall(AT.0 + 10_000)),
    }
}
