//! Cutting: how much goes into a batch.

use std::convert::Infallible;

use super::{Cut, cut};
use crate::model::change::{Action, Change};
use crate::model::entry::Entry;
use crate::model::format::Format;
use crate::model::ids::{AssetId, NodeId, Rrn, Seq};
use crate::model::metadata::Metadata;
use crate::model::path::LogicalPath;
use crate::model::retry::Accepts;
use crate::model::subscription::{Field, Method, Name, Subscription, Target};
use crate::model::time::Wall;
use crate::outbox::fold::Folded;

fn folded(seq: i64, path: &[u8]) -> Folded {
    let change = Change {
        seq: Seq(seq),
        rrn: Rrn(12),
        time: Wall(0),
        asset: AssetId(seq),
        path: LogicalPath::parse(path).expect("a path"),
        owner: "xyz".into(),
        action: Action::Added,
        delta: vec![],
        size: None,
        mtime_ns: None,
        previous_path: None,
        moved: None,
    };
    Folded { seqs: vec![Seq(seq)], entry: Entry::Change(change) }
}

fn subscription(format: Format, max_entries: usize) -> Subscription {
    let url = url::Url::parse("http://127.0.0.1/").expect("a URL");
    let target = Target { method: Method::Post, url: url.into(), headers: Box::default(), accepts: Accepts::default() };
    let mut subscription = Subscription::new(Name::parse("watch").expect("a name"), target);
    (subscription.format, subscription.batching.max_entries) = (format, max_entries);
    subscription
}

fn cut_of(format: Format, entries: &[Folded], max_entries: usize, max_bytes: usize) -> Cut {
    let none = |_| Ok::<_, Infallible>(Metadata::new());
    let Ok(cut) = cut(&subscription(format, max_entries), NodeId(1), entries, max_bytes, none);
    cut
}

#[track_caller]
fn check(format: Format, entries: &[Folded], max_entries: usize, max_bytes: usize, expect: usize) {
    let whole = cut_of(format, &entries[..expect], usize::MAX, usize::MAX);
    let Cut { body, entries, told } = cut_of(format, entries, max_entries, max_bytes);
    assert_eq!((entries, told.len()), (expect, expect));
    assert_eq!(body, whole.body, "a shorter batch is the same batch of fewer entries");
}

#[test]
fn a_batch_is_the_longest_prefix_that_fits() {
    for format in [Format::Zoom, Format::CloudEventsBatch] {
        let entries: Vec<_> = (1..=5).map(|n| folded(n, b"/acme/a.png")).collect();
        let size = |count: usize| cut_of(format, &entries[..count], 10, usize::MAX).body.bytes.len();
        check(format, &entries, 10, usize::MAX, 5);
        check(format, &entries, 3, usize::MAX, 3);
        check(format, &entries, 10, size(4), 4);
        check(format, &entries, 10, size(4) - 1, 3);
        check(format, &entries, 10, 1, 1);
        check(format, &entries, 0, usize::MAX, 1);
    }
}

#[test]
fn a_batch_of_a_format_for_one_entry_has_one_entry() {
    let entries: Vec<_> = (1..=5).map(|n| folded(n, b"/acme/a.png")).collect();
    check(Format::CloudEvents, &entries, 10, usize::MAX, 1);
    check(Format::CloudEvents, &entries, 10, 1, 1);
}

#[test]
fn a_batch_consumes_every_owed_entry_that_was_folded_into_it() {
    let mut first = folded(9, b"/a");
    first.seqs = vec![Seq(2), Seq(5), Seq(9)];
    let entries = [first, folded(10, b"/b")];
    assert_eq!(cut_of(Format::Zoom, &entries, 1, usize::MAX).told, [[Seq(2), Seq(5), Seq(9)]]);
}

#[test]
fn metadata_is_read_for_those_who_want_it_and_no_further_than_the_batch_goes() {
    let entries: Vec<_> = (1..=5).map(|n| folded(n, b"/a")).collect();
    let mut subscription = subscription(Format::Zoom, 2);
    let mut asked = Vec::new();
    let mut read = |asset: AssetId| {
        asked.push(asset.0);
        if asset == AssetId(3) { Err("damaged") } else { Ok(Metadata::new()) }
    };
    assert!(cut(&subscription, NodeId(1), &entries[2..], usize::MAX, &mut read).is_ok());
    subscription.fields = [Field::Metadata].into();
    assert!(cut(&subscription, NodeId(1), &entries, usize::MAX, &mut read).is_ok());
    assert_eq!(cut(&subscription, NodeId(1), &entries[1..], usize::MAX, &mut read), Err("damaged"));
    assert_eq!(asked, [1, 2, 2, 3]);
}
