//! Evidence and what it comes to: each case is what differs from a file that is there, known, changed, and matched.

use std::collections::BTreeMap;
use std::sync::Arc;

use url::Url;

use super::{
    Engine, Evidence, Known, LaneSeen, PathSeen, RuleVerdict, Sent, StageName, There, Until, Verdicts, Wait, Watched,
    judge,
};
use crate::model::change::{Action, Change};
use crate::model::ids::{AssetId, DeliveryNo, NodeId, Rrn, Seq, SubscriptionId};
use crate::model::lane::Pause;
use crate::model::listing::{DeliveryState, ListedAsset, ListedAttempt, ListedDelivery, Registry, Subscriptions};
use crate::model::look::Writer;
use crate::model::mount::Mount;
use crate::model::part::DeliveryKey;
use crate::model::path::LogicalPath;
use crate::model::retry::Accepts;
use crate::model::subscription::{Batching, Method, Name, Subscription, Target};
use crate::model::time::Wall;

const NOW: Wall = Wall(1_800_000_000_000);
const ID: SubscriptionId = SubscriptionId(1);

fn path() -> LogicalPath {
    LogicalPath::parse(b"/acme/a.mov").expect("a path")
}

fn ago(seconds: i64) -> Wall {
    Wall(NOW.0 - 1_000 * seconds)
}

fn change(seq: i64) -> Change {
    let change = Change::of_some_asset(path().as_bytes(), Action::Added, Vec::new());
    Change { seq: Seq(seq), time: ago(60), ..change }
}

fn delivery(number: i64, state: DeliveryState, seqs: &[i64]) -> ListedDelivery {
    let last = ListedAttempt {
        number: 3,
        at: ago(30),
        duration_ms: 7,
        outcome: "http-error".into(),
        phase: None,
        status: Some(503),
        answer: "later\u{1b}[2J".into(),
    };
    ListedDelivery {
        key: DeliveryKey::whole(DeliveryNo(number)),
        subscription: ID,
        name: Some("all".into()),
        state,
        entries: 1,
        seqs: seqs.iter().copied().map(Seq).collect(),
        created: ago(60),
        ended: Some(ago(10)),
        next_attempt: (state == DeliveryState::Waiting).then(|| ago(-120)),
        status: (state == DeliveryState::Delivered).then_some(204),
        duration_ms: None,
        attempts: 3,
        last: (state != DeliveryState::Delivered).then_some(last),
        is_replay: false,
        by: (state == DeliveryState::Dropped).then(|| "jo".into()),
        reason: None,
    }
}

fn lane() -> LaneSeen {
    LaneSeen {
        subscription: ID,
        name: "all".into(),
        paused: None,
        cancelled: None,
        lagged: None,
        owes: None,
        oldest_owed: None,
        ahead: None,
    }
}

fn subscription() -> Subscription {
    let url = Url::parse("https://hooks.example.org/x").expect("a URL");
    let target =
        Target { method: Method::Post, url: url.into(), headers: Box::default(), accepts: Accepts::AnySuccess };
    Subscription::new(Name::parse("all").expect("a name"), target)
}

fn registry(subscription: Subscription) -> Registry {
    let of_files = Arc::new(BTreeMap::from([(ID, Arc::new(subscription))]));
    Registry { subscriptions: Subscriptions { of_files, ..Subscriptions::default() }, ..Registry::default() }
}

/// What `stopped` and the sentence are, where the evidence is changed so.
#[track_caller]
fn check(subscription: Subscription, differs: impl FnOnce(&mut Evidence<'_>), stopped: Option<&str>, says: &[&str]) {
    let mount = Mount::new(LogicalPath::parse(b"/acme").expect("a path"), "/srv/acme".into());
    let registry = registry(subscription);
    let asset = ListedAsset {
        id: AssetId(7),
        rrn: Rrn(1),
        path: path(),
        size: 4,
        mtime_ns: 0,
        owner: "jo".into(),
        sources: Default::default(),
    };
    let there = There::File { size: 4, mtime_ns: 0, writer: Writer::None, unread: None };
    let fires = RuleVerdict { id: Some(ID), subscription: "all".into(), failed: None };
    let mut evidence = Evidence {
        path: path(),
        dir: None,
        mount: Some(&mount),
        mounts: vec![&mount],
        seen: PathSeen { ignored: None, there },
        engine: Engine::Knows(Box::default()),
        known: Known { asset: Some(asset), gone: None, changes: vec![change(5), change(3)] },
        rules: Verdicts { shown: vec![fires], asked: 1, firing: 1 },
        sent: Sent { deliveries: vec![delivery(1, DeliveryState::Delivered, &[5])], lanes: vec![lane()] },
        registry: &registry,
        node: NodeId(0xff),
        now: NOW,
    };
    differs(&mut evidence);
    let why = judge(evidence);
    assert_eq!(why.stopped.map(super::Stopped::as_str), stopped, "{why:#?}");
    for part in says {
        assert!(why.sentence.contains(part), "{:?} does not say {part:?}", why.sentence);
    }
    assert!(!why.sentence.contains(char::is_control), "{:?}", why.sentence);
    let names: Vec<_> = why.stages.iter().map(|stage| stage.name).collect();
    assert_eq!(names, StageName::ALL, "{why:#?}");
    assert_eq!(why.stages.iter().all(|stage| stage.is_ok), stopped.is_none(), "{why:#?}");
}

#[test]
fn a_file_stops_at_the_first_stage_that_it_has_not_passed() {
    type Differs = fn(&mut Evidence<'_>);
    fn waits(evidence: &mut Evidence<'_>, until: Until) {
        let waits = Some(Wait { since: ago(60), until, due: Some(ago(-5)) });
        evidence.engine = Engine::Knows(Box::new(Watched { waits, ..Watched::default() }));
    }
    fn deliver(evidence: &mut Evidence<'_>, state: DeliveryState, seq: i64) {
        evidence.sent.deliveries = vec![delivery(1, state, &[seq])];
    }
    fn owe(evidence: &mut Evidence<'_>) {
        evidence.sent.deliveries.clear();
        evidence.sent.lanes[0].owes = Some(Seq(5));
    }
    let cases: [(Differs, Option<&str>, &[&str]); 29] = [
        (
            |_| {},
            None,
            &["the newest change of /acme/a.mov (added at", "hooks.example.org:443 answered 204 at", "(10 s ago)"],
        ),
        (|it| it.mount = None, Some("no-mount"), &["lies in no mount", "there are /acme (/srv/acme)"]),
        (
            |it| {
                let offline = Some(("its directory is not there".into(), ago(7_200)));
                it.engine = Engine::Knows(Box::new(Watched { offline, ..Watched::default() }));
            },
            Some("mount-offline"),
            &["the mount /acme of /acme/a.mov is offline since", "(2 h ago): its directory is not there"],
        ),
        (
            |it| {
                let closed = Some((path(), false));
                it.engine = Engine::Knows(Box::new(Watched { closed, ..Watched::default() }));
            },
            Some("no-mount"),
            &["another filesystem is mounted at /acme/a.mov, and is not entered"],
        ),
        (|it| it.seen.ignored = Some("the name is like `*`".into()), Some("ignored"), &["is ignored: the name"]),
        (|it| it.seen.there = There::Link { at: path(), to: None }, Some("symbolic-link"), &["is a symbolic link"]),
        (|it| it.seen.there = There::Directory, Some("not-a-file"), &["is a directory"]),
        (|it| it.seen.there = There::Special, Some("not-a-file"), &["a fifo"]),
        (|it| it.seen.there = There::Unreadable("denied".into()), Some("unreadable"), &["cannot be read: denied"]),
        (|it| waits(it, Until::Close), Some("still-written"), &["still open for writing, since", "(60 s ago)"]),
        (|it| waits(it, Until::LikelyClose), Some("waiting-for-close"), &["waits for its close", "(in 5 s)"]),
        (|it| waits(it, Until::Quiet), Some("waiting-for-close"), &["[settle] quiet"]),
        (|it| waits(it, Until::Turn), Some("not-looked-at"), &["it waits for its turn"]),
        (|it| waits(it, Until::Look), Some("not-looked-at"), &["it is being looked at"]),
        (|it| waits(it, Until::Listing), Some("not-looked-at"), &["waits to be listed"]),
        (|it| it.known.asset = None, Some("not-looked-at"), &["not in the catalog", "ringback rescan /acme/a.mov"]),
        (
            |it| it.seen.there = There::Nothing,
            Some("not-looked-at"),
            &["the file is gone, and the catalog still has it"],
        ),
        (|it| it.known.changes.clear(), Some("no-change"), &["a first scan reports nothing"]),
        (
            |it| {
                let failed = Some(("- /acme".into(), "action is added".into()));
                it.rules.shown[0].failed = failed;
                (it.rules.firing, it.sent) = (0, Sent::default());
            },
            Some("no-rule"),
            &["no rule fires on the newest change", "all does not, because `- /acme` fails: action is added"],
        ),
        (
            |it| it.sent = Sent::default(),
            Some("no-rule"),
            &["nothing is owed for the newest change", "the rule all fires on it by the rules in force now"],
        ),
        (
            |it| {
                it.rules.firing = 0;
                it.rules.shown.clear();
                deliver(it, DeliveryState::Delivered, 3);
            },
            Some("no-rule"),
            &["no rule fires on the newest change", "before that: an earlier change of /acme/a.mov was delivered"],
        ),
        (
            |it| {
                owe(it);
                it.sent.lanes[0].paused = Some(Pause { at: ago(60), by: "jo".into(), reason: Some("a move".into()) });
            },
            Some("paused"),
            &["all is paused by jo since", "because a move", "ringback subscriptions resume all"],
        ),
        (owe, Some("in-flight"), &["its batch is about to be cut"]),
        (
            |it| {
                owe(it);
                it.sent.lanes[0].ahead = Some(delivery(9, DeliveryState::Waiting, &[1]));
            },
            Some("behind"),
            &["all is sent /acme/a.mov after its delivery 00000000000000ff-9, which waits until", "(in 2 min)", "503"],
        ),
        (
            |it| deliver(it, DeliveryState::Waiting, 5),
            Some("waiting-for-retry"),
            &["for attempt 4", "http-error 503 (later"],
        ),
        (|it| deliver(it, DeliveryState::InFlight, 5), Some("in-flight"), &["is on the wire to hooks.example.org:443"]),
        (
            |it| deliver(it, DeliveryState::Dead, 3),
            Some("dead"),
            &["was given up", "ringback deliveries retry 00000000000000ff-1"],
        ),
        (|it| deliver(it, DeliveryState::Dropped, 5), Some("dead"), &["was dropped by jo"]),
        (
            |it| it.engine = Engine::Silent("ringback is not running".into()),
            None,
            &["was delivered", "(ringback is not running)"],
        ),
    ];
    for (differs, stopped, says) in cases {
        check(subscription(), differs, stopped, says);
    }
    let owed = |it: &mut Evidence<'_>| {
        owe(it);
        it.sent.lanes[0].oldest_owed = Some(ago(60));
    };
    let linger = Subscription { batching: Batching { linger_ms: 3_600_000, max_entries: 1 }, ..subscription() };
    check(linger, owed, Some("lingering"), &["all gathers a batch (linger) until", "(in 59 min)"]);
    check(Subscription { paused: true, ..subscription() }, owed, Some("paused"), &["by its rule file"]);
}
