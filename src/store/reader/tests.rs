//! The reader on a ledger with much behind it: each question goes by index, and a page costs what it shows.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;

mod trail;

use super::backwards::before_a_place;
use super::deliveries::{ATTEMPTS, BODIES, NAME, PATH, Rank, Table, WALK_MAX};
use super::fired::{ACCEPTED, NEWEST_MAX, OWED_LAST, TOLD};
use super::subscriptions::{ALL_NAMED, LIST, LIST_ONE, NAMED, ON_THEIR_WAY, OWED, RECORDED, SAME_NAME_MAX};
use super::trail::{BOTTOM, FIRST_AFTER, GONE, LAGGED, OLDEST_OWED, OWES};
use super::{IDLE_MAX, Reader};
use crate::model::change::{Action, Change};
use crate::model::delivery::{Accepted, Body, Delivery};
use crate::model::ids::{DeliveryNo, Seq, SubscriptionId};
use crate::model::listing::{DeliveryFilter, Registry, Span};
use crate::model::part::DeliveryKey;
use crate::model::scope::Scope;
use crate::model::tenant::Tenant;
use crate::model::time::Wall;
use crate::store::{Ledger, lanes};

const HISTORY: i64 = 100_000;

struct Filled {
    _state: tempfile::TempDir,
    ledger: Ledger,
    reader: Reader,
}

/// A ledger with so many accepted deliveries, of two subscriptions in turn.
fn filled(history: i64) -> Filled {
    let state = tempfile::tempdir().expect("a directory");
    let (ledger, _keeper) = Ledger::open(state.path(), 7).expect("a ledger");
    ledger.begin().expect("a group");
    for name in ["a", "b"] {
        ledger.enrol(None, name).expect("a number");
    }
    for number in 1..=history {
        let accepted = Accepted {
            key: DeliveryKey::whole(DeliveryNo(number)),
            subscription: SubscriptionId(1 + number % 2),
            entries: 1,
            seqs: vec![Seq(number)],
            created: Wall(number),
            at: Wall(number),
            attempts: 1,
            status: Some(200),
            duration_ms: 1,
        };
        ledger.dispatch().add_accepted(&accepted).expect("a row");
    }
    ledger.commit().expect("a commit");
    let reader = Reader::open(state.path()).expect("a reader");
    Filled { _state: state, ledger, reader }
}

/// How many steps SQLite takes to answer: what a page costs, whatever else the machine does.
fn steps_of(reader: &Reader, ask: impl Fn()) -> u64 {
    // The first question has a connection opened, which is kept for the second.
    ask();
    let steps = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&steps);
    let count = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        false
    };
    let mut idle = reader.idle.lock().expect("nobody panicked");
    assert_eq!(idle.len(), 1, "the one that asks next");
    idle[0].progress_handler(1, Some(count)).expect("a handler");
    drop(idle);
    ask();
    steps.load(Ordering::Relaxed)
}

#[test]
fn a_page_of_a_long_history_costs_what_one_of_a_short_one_does() {
    let one = DeliveryFilter { subscriptions: Some([SubscriptionId(1)].into()), ..DeliveryFilter::default() };
    for filter in [DeliveryFilter::default(), one] {
        let steps = |history| {
            let filled = filled(history);
            steps_of(&filled.reader, || {
                let page = filled.reader.deliveries(&filter, None, 100, &Registry::default()).expect("a page");
                assert_eq!(page.deliveries.len(), 100);
            })
        };
        let (on_short, on_long) = (steps(200), steps(HISTORY));
        assert!(on_short > 1_000, "steps are counted: {on_short}");
        assert!(on_long <= on_short + on_short / 10, "{on_long} steps against {on_short}: {filter:?}");
    }
}

#[test]
fn pages_follow_one_another_without_a_gap_and_say_where_to_go_on_when_they_show_nothing() {
    let filled = filled(2 * WALK_MAX as i64 + 500);
    let registry = Registry::default();
    let mut after = None;
    let mut seen = Vec::new();
    for _ in 0..3 {
        let page = filled.reader.deliveries(&DeliveryFilter::default(), after, 1_000, &registry).expect("a page");
        seen.extend(page.deliveries.iter().map(|row| row.key.number.0));
        after = page.next;
    }
    let newest = 2 * WALK_MAX as i64 + 500;
    assert_eq!(seen, (newest - 2_999..=newest).rev().collect::<Vec<_>>());
    // The oldest ten are behind two whole walks.
    let oldest = DeliveryFilter {
        span: Span { before: Some(crate::model::listing::Point::Time(Wall(11))), ..Span::default() },
        ..DeliveryFilter::default()
    };
    let (mut after, mut pages) = (None, Vec::new());
    loop {
        let page = filled.reader.deliveries(&oldest, after, 100, &registry).expect("a page");
        pages.push(page.deliveries.len());
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(pages, [0, 0, 10]);
}

#[test]
fn no_question_reads_a_whole_table() {
    let filled = filled(10);
    let subscriptions = [LIST, LIST_ONE, ALL_NAMED, NAMED, OWED, ON_THEIR_WAY];
    let mut questions: Vec<String> = [ATTEMPTS, NAME, PATH, OWED_LAST, ACCEPTED]
        .iter()
        .chain(&subscriptions)
        .chain(&BODIES)
        .chain(&[BOTTOM, FIRST_AFTER, GONE, LAGGED, OLDEST_OWED, OWES])
        .chain(&TOLD)
        .chain(&RECORDED)
        .map(ToString::to_string)
        .collect();
    questions.extend([lanes::one(), before_a_place()]);
    for table in Table::ALL {
        questions.push(table.newest().to_owned());
        questions.extend([Rank::All, Rank::OfOne, Rank::From, Rank::One].map(|rank| table.sql(rank)));
    }
    let connection = Connection::open(&filled.reader.database).expect("the file");
    for question in questions {
        let mut sql = connection.prepare(&format!("EXPLAIN QUERY PLAN {question}")).expect("a question");
        let values = vec![1_i64; sql.parameter_count()];
        let steps: Vec<String> = sql
            .query_map(rusqlite::params_from_iter(values), |row| row.get(3))
            .and_then(Iterator::collect)
            .expect("a plan");
        assert!(!steps.is_empty(), "{question}");
        for step in steps {
            assert!(!step.contains("SCAN") && !step.contains("TEMP B-TREE"), "{step}: {question}");
        }
    }
}

#[test]
fn a_reader_cannot_write_and_sees_what_was_committed() {
    let filled = filled(3);
    let refused = filled.reader.ask(|connection| {
        let refused = connection.execute("DELETE FROM history", []);
        assert!(refused.is_err(), "it must not write");
        Ok(())
    });
    refused.expect("the question itself is answered");
    filled.ledger.begin().expect("a group");
    filled.ledger.enrol(None, "c").expect("a number");
    let named = |name: &str| filled.reader.subscription_named(None, name).expect("an answer");
    assert_eq!(named("c"), None, "it is not committed");
    filled.ledger.commit().expect("a commit");
    assert_eq!(named("c"), Some(SubscriptionId(3)));
}

#[test]
fn subscriptions_of_one_name_are_looked_at_up_to_the_limit() {
    let filled = filled(1);
    filled.ledger.begin().expect("a group");
    for number in 0..=SAME_NAME_MAX {
        let tenant = Tenant::parse(&format!("t{number}")).expect("a name");
        filled.ledger.enrol(Some(&tenant), "zoom:x").expect("a number");
    }
    filled.ledger.commit().expect("a commit");
    let named = |name: &str| filled.reader.subscriptions_named(name).expect("an answer").len() as i64;
    assert_eq!([named("zoom:x"), named("a"), named("none")], [SAME_NAME_MAX, 1, 0]);
}

/// What a tenant sees of a list costs no more than the list: it is looked at in the same steps.
#[test]
fn a_page_for_a_tenant_that_has_nothing_ends_after_a_walk() {
    let filled = filled(WALK_MAX as i64 + 500);
    let scope = Scope::of([Tenant::parse("t").expect("a name")]);
    let filter = DeliveryFilter { scope, ..DeliveryFilter::default() };
    let page = |after| filled.reader.deliveries(&filter, after, 100, &Registry::default()).expect("a page");
    let first = page(None);
    assert_eq!((first.deliveries.len(), first.next.map(|key| key.number.0)), (0, Some(501)));
    assert_eq!((page(first.next).deliveries.len(), page(first.next).next), (0, None));
}

#[test]
fn connections_are_kept_up_to_the_limit() {
    let filled = filled(1);
    std::thread::scope(|scope| {
        for _ in 0..2 * IDLE_MAX {
            scope.spawn(|| {
                for _ in 0..20 {
                    filled.reader.subscription_named(None, "a").expect("an answer");
                }
            });
        }
    });
    let idle = filled.reader.idle.lock().expect("no panic").len();
    assert!((1..=IDLE_MAX).contains(&idle), "{idle}");
}

#[test]
fn what_a_subscription_is_owed_is_counted_in_its_own_rows_and_in_those_of_groups() {
    let Filled { ledger, reader, .. } = &filled(0);
    let (a, b) = (SubscriptionId(1), SubscriptionId(2));
    ledger.begin().expect("a group");
    for seq in 3..=6 {
        let change = Change::of_some_asset(b"/a", Action::Added, Vec::new());
        ledger.intake().append(&Change { seq: Seq(seq), time: Wall(1_000 * seq), ..change }).expect("a change");
    }
    ledger.dispatch().owe(a, &[Seq(3), Seq(4)]).expect("a row");
    let (none, first) = (BTreeSet::new(), [(a, &[Seq(5)][..]), (b, &[Seq(5)])]);
    ledger.dispatch().add_owed_group(1, &none, first.into_iter()).expect("a row");
    ledger.dispatch().add_owed_group(2, &none, [(a, &[Seq(6)][..]), (b, &[Seq(6)])].into_iter()).expect("a row");
    ledger.commit().expect("a commit");
    let owed = || {
        let rows = reader.subscriptions(SubscriptionId(0), 9).expect("rows");
        rows.iter().map(|row| (row.owed, row.oldest)).collect::<Vec<_>>()
    };
    assert_eq!(owed(), [(4, Some(Wall(3_000))), (2, Some(Wall(5_000)))]);
    ledger.begin().expect("a group");
    ledger.dispatch().add_owed_group(3, &BTreeSet::from([b]), std::iter::empty()).expect("a row");
    ledger.commit().expect("a commit");
    assert_eq!(owed(), [(4, Some(Wall(3_000))), (0, None)], "b moved, and has no rows");
}

/// What is sent again is old, and does not make its subscription late.
#[test]
fn what_a_subscription_is_owed_is_as_old_as_its_oldest_delivery_and_what_is_new_of_it_apart() {
    let Filled { ledger, reader, .. } = &filled(0);
    let delivery = |number: i64, replayed_after| Delivery {
        replayed_after,
        ..Delivery::cut(
            DeliveryKey::whole(DeliveryNo(number)),
            SubscriptionId(1),
            1,
            vec![vec![Seq(number)]],
            Body::json(String::new()),
            Wall(1_000 * number),
        )
    };
    let oldest = || {
        let rows = reader.subscriptions(SubscriptionId(0), 1).expect("rows");
        (rows[0].oldest, rows[0].oldest_new)
    };
    for (delivery, expect) in [
        (delivery(2, Some(0)), (Some(Wall(2_000)), None)),
        (delivery(4, None), (Some(Wall(2_000)), Some(Wall(4_000)))),
        (delivery(3, None), (Some(Wall(2_000)), Some(Wall(3_000)))),
    ] {
        ledger.begin().expect("a group");
        ledger.dispatch().add_delivery(&delivery).expect("a row");
        ledger.commit().expect("a commit");
        assert_eq!(oldest(), expect);
    }
}

#[test]
fn a_rule_last_fired_on_the_newest_change_that_it_was_sent() {
    let filled = filled(10);
    let fired = |name: &str| {
        let rows = filled.reader.rules_fired(&[name.to_owned()]).expect("an answer");
        rows.into_iter().next().flatten().and_then(|(_, fired)| fired)
    };
    assert_eq!(fired("a").map(|fired| (fired.seq, fired.time)), Some((Seq(10), Wall(10))));
    assert_eq!(fired("b").map(|fired| fired.seq), Some(Seq(9)));
    assert_eq!(fired("nobody"), None);
    // A replay tells old changes in new deliveries; what is behind so many of them is not looked for.
    let replayed = |number: i64| Accepted {
        key: DeliveryKey::whole(DeliveryNo(number)),
        subscription: SubscriptionId(1),
        entries: 1,
        seqs: vec![Seq(2)],
        created: Wall(number),
        at: Wall(number),
        attempts: 1,
        status: Some(200),
        duration_ms: 1,
    };
    for (numbers, expect) in [(11..10 + NEWEST_MAX, Seq(10)), (10 + NEWEST_MAX..11 + NEWEST_MAX, Seq(2))] {
        filled.ledger.begin().expect("a group");
        numbers.for_each(|number| filled.ledger.dispatch().add_accepted(&replayed(number)).expect("a row"));
        filled.ledger.commit().expect("a commit");
        assert_eq!(fired("a").map(|fired| fired.seq), Some(expect));
    }
}
