//! What is known of a path, in a ledger with much behind it.

use super::{Filled, filled, steps_of};
use crate::model::asset::{Asset, ContentRead, Identity, Stat};
use crate::model::change::{Action, Change};
use crate::model::delivery::Accepted;
use crate::model::ids::{AssetId, DeliveryNo, Rrn, Seq, SubscriptionId};
use crate::model::lane::{LanePolicy, Pause};
use crate::model::listing::Registry;
use crate::model::part::DeliveryKey;
use crate::model::path::LogicalPath;
use crate::model::scope::Scope;
use crate::model::time::Wall;
use crate::model::why::{CHANGES_MAX, DELIVERIES_MAX, Known, Sent};

const A: SubscriptionId = SubscriptionId(1);
const B: SubscriptionId = SubscriptionId(2);

fn path(text: &str) -> LogicalPath {
    LogicalPath::parse(text.as_bytes()).expect("a path")
}

/// A change of an asset in a transaction of its own, which has the same number.
fn append(filled: &Filled, seq: i64, asset: i64, at: &str) {
    let change = Change::of_some_asset(at.as_bytes(), Action::Modified, Vec::new());
    let change = Change { seq: Seq(seq), rrn: Rrn(seq), asset: AssetId(asset), ..change };
    filled.ledger.intake().append(&change).expect("a change");
}

/// A file of the catalog whose last change is of a transaction.
fn put(filled: &Filled, asset: i64, at: &str, rrn: i64) {
    let (mount, path) = (path("/m"), path(at));
    let dir = filled.ledger.intake().dir_or_new(&mount, &path.parent().expect("a directory")).expect("a directory");
    let identity = Identity { volume: 1, inode: 1, birth_ns: 1 };
    let stat = Stat { identity, size: 9, mtime_ns: 1, ctime_ns: 1, links: 1 };
    let asset = Asset {
        id: AssetId(asset),
        path,
        stat,
        racy: false,
        owner: "jo".into(),
        rrn: Rrn(rrn),
        content: ContentRead::Yes,
    };
    filled.ledger.intake().put_asset(dir, &asset).expect("an asset");
}

fn known(filled: &Filled, at: &str) -> Known {
    filled.reader.known(&path("/m"), &path(at)).expect("an answer")
}

fn seqs(known: &Known) -> Vec<i64> {
    known.changes.iter().map(|change| change.seq.0).collect()
}

fn sent(filled: &Filled, changes: &[i64], ids: &[SubscriptionId]) -> Sent {
    let changes = changes.iter().copied().map(Seq).collect();
    filled.reader.sent(&changes, ids, &Scope::All, &Registry::default()).expect("an answer")
}

#[test]
fn the_newest_change_of_a_file_is_found_however_much_came_after_it() {
    let of = |others: i64| {
        let filled = filled(0);
        filled.ledger.begin().expect("a group");
        append(&filled, 3, 7, "/m/a");
        append(&filled, 5, 7, "/m/a");
        (10..10 + others).for_each(|seq| append(&filled, seq, 8, "/m/b"));
        put(&filled, 7, "/m/a", 5);
        put(&filled, 8, "/m/filed-by-the-first-scan", 2);
        filled.ledger.commit().expect("a commit");
        assert_eq!(seqs(&known(&filled, "/m/a")), [5, 3]);
        assert_eq!(known(&filled, "/m/a").asset.map(|asset| asset.id), Some(AssetId(7)));
        assert_eq!(seqs(&known(&filled, "/m/filed-by-the-first-scan")), [0; 0]);
        assert_eq!(known(&filled, "/m/none"), Known::default());
        steps_of(&filled.reader, || drop(known(&filled, "/m/a")))
    };
    let (short, long) = (of(100), of(50_000));
    assert!(long < 2 * short, "{long} steps against {short}");
}

#[test]
fn a_path_s_last_changes_are_shown_up_to_the_limit() {
    let filled = filled(0);
    filled.ledger.begin().expect("a group");
    let all = CHANGES_MAX as i64 + 2;
    (1..=all).for_each(|seq| append(&filled, 2 * seq, 7, "/m/a"));
    (1..=all).for_each(|seq| append(&filled, 2 * seq + 1, 8, "/m/b"));
    put(&filled, 7, "/m/a", 2 * all);
    filled.ledger.commit().expect("a commit");
    let expect: Vec<i64> = (3..=all).rev().map(|seq| 2 * seq).collect();
    // Of what is in the catalog, and of what is not.
    assert_eq!(seqs(&known(&filled, "/m/a")), expect);
    assert_eq!(known(&filled, "/m/b").changes.len(), CHANGES_MAX);
}

#[test]
fn a_delivery_of_long_ago_is_found_by_its_subscription() {
    // Of `a` each second one: number n carries change n.
    let filled = filled(60_000);
    let found = sent(&filled, &[1_001], &[A, B]);
    let numbers: Vec<_> = found.deliveries.iter().map(|delivery| delivery.key.number.0).collect();
    assert_eq!(numbers, [1_001]);
    assert_eq!(found.deliveries[0].name.as_deref(), Some("b"));
    assert_eq!(sent(&filled, &[1_001], &[A]).deliveries, [], "it is another's, and not among the newest");
    let near_the_end = sent(&filled, &[59_999], &[]);
    assert_eq!(near_the_end.deliveries.len(), 1, "among the newest it is found whoever it is of");
}

#[test]
fn deliveries_of_a_path_are_shown_up_to_the_limit() {
    let filled = filled(0);
    filled.ledger.begin().expect("a group");
    for number in 1..=DELIVERIES_MAX as i64 + 1 {
        let accepted = Accepted {
            key: DeliveryKey::whole(DeliveryNo(number)),
            subscription: A,
            entries: 1,
            seqs: vec![Seq(4)],
            created: Wall(number),
            at: Wall(number),
            attempts: 1,
            status: Some(200),
            duration_ms: 1,
        };
        filled.ledger.dispatch().add_accepted(&accepted).expect("a row");
    }
    filled.ledger.commit().expect("a commit");
    let found = sent(&filled, &[4], &[A]);
    let numbers: Vec<_> = found.deliveries.iter().map(|delivery| delivery.key.number.0).collect();
    assert_eq!(numbers, (2..=DELIVERIES_MAX as i64 + 1).rev().collect::<Vec<_>>());
    assert_eq!(sent(&filled, &[], &[A]), Sent::default());
}

#[test]
fn what_is_owed_is_found_in_a_lane_s_own_rows_and_in_those_of_groups() {
    let filled = filled(0);
    let ledger = &filled.ledger;
    ledger.begin().expect("a group");
    for seq in 3..=9 {
        append(&filled, seq, 7, "/m/a");
    }
    ledger.dispatch().owe(A, &[Seq(3), Seq(5), Seq(6)]).expect("a row");
    ledger.dispatch().add_owed_group(1, &Default::default(), [(B, &[Seq(9)][..])].into_iter()).expect("a row");
    let paused = Some(Pause { at: Wall(1), by: "jo".into(), reason: None });
    ledger.dispatch().put_lane(B, &LanePolicy { paused, ..LanePolicy::default() }).expect("a lane");
    ledger.commit().expect("a commit");
    let owed = |changes: &[i64], ids: &[SubscriptionId]| {
        let lanes = sent(&filled, changes, ids).lanes;
        lanes
            .iter()
            .map(|lane| (lane.name.clone(), lane.owes.map(|seq| seq.0), lane.paused.is_some()))
            .collect::<Vec<_>>()
    };
    let of_a = |owes| ("a".to_owned(), owes, false);
    assert_eq!(owed(&[3, 5], &[A]), [of_a(Some(5))]);
    assert_eq!(owed(&[4], &[A]), [of_a(None)]);
    assert_eq!(owed(&[2], &[A]), [of_a(None)]);
    // The rows of groups are asked for everybody.
    assert_eq!(owed(&[9], &[]), [("b".to_owned(), Some(9), true)]);
    ledger.begin().expect("a group");
    ledger.dispatch().settle_owed(A, Seq(5)).expect("cut");
    ledger.commit().expect("a commit");
    assert_eq!(owed(&[3, 5], &[A]), [of_a(None)]);
    assert_eq!(owed(&[6], &[A]), [of_a(Some(6))]);
}
