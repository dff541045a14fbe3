//! What is owed, as runs of the journal's numbers, and what is read of the journal for it.

use std::sync::Arc;

use super::{event, group, in_memory};
use crate::model::change::{Action, Change};
use crate::model::entry::Entry;
use crate::model::error_chain::ErrorChain;
use crate::model::event::Occurrence;
use crate::model::ids::{Seq, SubscriptionId};
use crate::model::time::Wall;
use crate::store::{Ledger, OwedTotal};

const ONE: SubscriptionId = SubscriptionId(1);
const OTHER: SubscriptionId = SubscriptionId(2);

fn seqs(numbers: impl IntoIterator<Item = i64>) -> Vec<Seq> {
    numbers.into_iter().map(Seq).collect()
}

fn all(ledger: &Ledger) -> Vec<Seq> {
    ledger.dispatch().owed(ONE, Seq(0), usize::MAX).expect("entries")
}

#[test]
fn runs_are_kept_and_cut_at_and_past_the_limit_of_a_row() {
    for step in [1, 3] {
        let ledger = in_memory();
        let owed = seqs((1..=1_025).map(|n| n * step));
        group(&ledger, |ledger| {
            ledger.dispatch().owe(ONE, &owed[..1_024]).expect("a row");
            ledger.dispatch().owe(ONE, &owed[1_024..]).expect("a row");
            ledger.dispatch().owe(OTHER, &seqs([1, 5_000])).expect("a row");
        });
        assert_eq!(all(&ledger), owed);
        let total = |subscription, entries, last| OwedTotal { subscription, entries, last: Seq(last) };
        let totals = [total(ONE, 1_025, 1_025 * step), total(OTHER, 2, 5_000)];
        assert_eq!(ledger.dispatch().outbox_totals().expect("totals"), totals);
        // Within a row, at its end, and in the next one.
        for cut in [1, 2, 500, 1_024, 1_025] {
            group(&ledger, |ledger| ledger.dispatch().settle_owed(ONE, owed[cut - 1]).expect("a cut"));
            assert_eq!(all(&ledger), owed[cut..]);
            let left = 1_025 - cut as u64;
            let totals = ledger.dispatch().outbox_totals().expect("totals");
            assert_eq!(totals.iter().find(|total| total.subscription == ONE).map_or(0, |total| total.entries), left);
        }
        assert_eq!(ledger.dispatch().owed(OTHER, Seq(1), 9).expect("entries"), [Seq(5_000)]);
    }
}

#[test]
fn a_longer_run_takes_several_rows() {
    let ledger = in_memory();
    let owed = seqs(1..=5_000);
    group(&ledger, |ledger| ledger.dispatch().owe(ONE, &owed).expect("rows"));
    assert_eq!(all(&ledger), owed);
    assert_eq!(ledger.dispatch().owed(ONE, Seq(1_500), 3).expect("entries"), seqs(1_501..=1_503));
    let dropped = group(&ledger, |ledger| ledger.dispatch().drop_oldest_owed(ONE, Seq(2_000), 9_999)).expect("entries");
    assert_eq!(
        dropped.map(|dropped| (dropped.entries, dropped.first, dropped.last)),
        Some((2_000, Seq(1), Seq(2_000)))
    );
    assert_eq!(all(&ledger), owed[2_000..]);
    group(&ledger, |ledger| ledger.dispatch().drop_owed(ONE).expect("nothing is left"));
    assert_eq!(all(&ledger), []);
}

#[test]
fn a_row_that_is_damaged_is_named() {
    for damage in ["last = 5000000", "seqs = x'00'", "seqs = x'05'", "seqs = 'text'", "after = 'text'"] {
        let ledger = in_memory();
        group(&ledger, |ledger| ledger.dispatch().owe(ONE, &seqs([1, 2, 3])).expect("a row"));
        let connection = ledger.into_connection();
        connection.execute_batch(&format!("UPDATE owed SET {damage}")).expect("SQL");
        let ledger = Ledger::in_memory(connection, 2).expect("a ledger");
        let error = ledger.dispatch().owed(ONE, Seq(0), 9).expect_err(damage);
        let said = ErrorChain(&error).to_string();
        assert!(error.is_of_a_row() && said.contains("table owed"), "{damage}: {said}");
    }
}

#[test]
fn changes_are_read_in_one_go_or_one_by_one_and_missing_ones_are_left_out() {
    let ledger = in_memory();
    group(&ledger, |ledger| {
        for seq in (1..=1_000).filter(|seq| seq % 7 != 0) {
            let change = Change::of_some_asset(b"/a", Action::Added, Vec::new());
            ledger.intake().append(&Change { seq: Seq(seq), ..change }).expect("a change");
        }
    });
    for wanted in [vec![1], vec![7], vec![1, 2, 3], vec![6, 7, 8], vec![1, 500, 999], vec![3, 1_000, 2_000], vec![]] {
        let expect: Vec<_> = wanted.iter().copied().filter(|seq| *seq <= 1_000 && seq % 7 != 0).map(Seq).collect();
        let found = ledger.entries(&seqs(wanted)).expect("changes");
        assert_eq!(found.iter().map(|entry| entry.seq()).collect::<Vec<_>>(), expect);
    }
}

#[test]
fn events_are_read_with_their_changes_and_one_whose_change_is_gone_is_left_out() {
    let ledger = in_memory();
    group(&ledger, |ledger| {
        for seq in (1..=300).step_by(3) {
            let change = Change { seq: Seq(seq), ..Change::of_some_asset(b"/a", Action::Added, Vec::new()) };
            ledger.intake().append(&change).expect("a change");
            let of_change = Occurrence { change: Some(Box::new(change)), ..event(seq + 1) };
            ledger.append_event(&of_change).expect("an event");
            ledger.append_event(&event(seq + 2)).expect("an event");
        }
        assert_eq!(ledger.dispatch().take_told().len(), 100, "those about no asset");
        assert_eq!(ledger.recorded_at(Seq(2)).expect("a time"), Wall(0));
    });
    ledger.connection.execute("DELETE FROM journal WHERE seq IN (4, 100)", []).expect("SQL");
    for wanted in [vec![1, 2, 3, 4, 5, 6, 7], vec![2], vec![5], vec![100, 101, 102], vec![3, 5, 101, 299, 300, 301]] {
        let expect: Vec<_> =
            wanted.iter().copied().filter(|seq| *seq <= 300 && ![4, 5, 100, 101].contains(seq)).map(Seq).collect();
        let found = ledger.entries(&seqs(wanted)).expect("entries");
        assert_eq!(found.iter().map(|entry| entry.seq()).collect::<Vec<_>>(), expect);
        let is_whole = |entry: &Arc<Entry>| match &**entry {
            Entry::Change(_) => entry.seq().0 % 3 == 1,
            Entry::Event(event) => event.change.as_ref().is_none_or(|change| change.seq.0 == event.seq.0 - 1),
        };
        assert!(found.iter().all(is_whole), "{found:?}");
    }
    assert_eq!([1, 2, 3].map(|seq| ledger.change_of(Seq(seq)).expect("a row")), [None, Some(Seq(1)), None]);
}
