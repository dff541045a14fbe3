//! Batches of other formats, and what is read for them.

use serde_json::json;

use super::bounds::damage;
use super::{Run, check, entries};
use crate::model::delivery::Body;
use crate::model::ids::AssetId;
use crate::model::metadata::{Metadata, Source};

/// The body of the attempt that went out last.
fn last_body(run: &Run) -> &Body {
    &run.sent.last().expect("an attempt").body
}

fn set_metadata(run: &Run, asset: i64, source: Source, key: &str, value: &str) {
    let content: Metadata = [(key.to_owned(), vec![value.to_owned()])].into();
    let ledger = run.ledger.as_ref().expect("a ledger");
    ledger.begin().expect("a group");
    ledger.intake().set_metadata(AssetId(asset), source, &content.into()).expect("metadata");
    ledger.commit().expect("a commit");
}

#[test]
fn a_format_for_one_entry_is_sent_entry_by_entry() {
    check(
        "rule a format=cloudevents
         0 owe 1-3 to a -> a 1/1 [1]
         1 accept 1 -> a 2/1 [2]
         2 accept 2 -> a 3/1 [3]
         3 accept 3 ->
         status -> owed 0, pending 0, in flight 0, waiting 0, dead 0",
    );
    check(
        "rule a format=cloudevents-batch
         0 owe 1-3 to a -> a 1/1 [1 2 3]",
    );
}

/// It waits for company only as long as a batch has room for some.
#[test]
fn an_entry_that_fills_its_batch_does_not_linger() {
    check(
        "rule a format=cloudevents linger=1000
         0 owe 1 to a -> a 1/1 [1]",
    );
}

#[test]
fn a_body_keeps_its_bytes_and_its_media_type_when_the_rule_asks_for_another_format() {
    let mut run = Run::new();
    run.line("rule a delays=1000 retries=2 format=cloudevents");
    assert_eq!(run.shown("0 owe 1 2 to a"), "a 1/1 [1]");
    let cut = last_body(&run).clone();
    assert_eq!(cut.content_type, "application/cloudevents+json; charset=utf-8");
    run.line("1 refuse 1");
    run.line("rule a delays=1000 retries=2 format=zoom");
    assert_eq!(run.shown("1001 tick"), "a 1/2 [1]");
    assert_eq!(*last_body(&run), cut);
    run.line("1002 refuse 1");
    run.line("1003 restart");
    assert_eq!(run.shown("2003 tick"), "a 1/3 [1]");
    assert_eq!(*last_body(&run), cut);
    // What is cut from now on is in the new format; the dead letter stays what it was.
    assert_eq!(run.shown("2004 refuse 1"), "a 65537/1 [2]");
    assert_eq!(*last_body(&run), Body::json(last_body(&run).bytes.clone()));
    assert_eq!(run.shown("dead"), "1 [1]");
    let connection = run.ledger.take().expect("a ledger").into_connection();
    let kept: String = connection.query_row("SELECT content_type FROM dead", [], |row| row.get(0)).expect("a row");
    assert_eq!(kept, cut.content_type);
}

#[test]
fn metadata_is_what_the_asset_has_when_its_batch_is_cut() {
    let mut run = Run::new();
    run.line("rule a fields=metadata");
    set_metadata(&run, 2, Source::Xattr, "Rating", "3");
    run.line("0 owe 1 2 to a");
    let told: Vec<_> = entries(&last_body(&run).bytes).iter().map(|entry| entry["metadata"].clone()).collect();
    assert_eq!(told, [json!({}), json!({"Rating": ["3"]})]);
    run.line("1 owe 2 to a");
    set_metadata(&run, 2, Source::Records, "Rating", "5");
    set_metadata(&run, 2, Source::Xattr, "City", "Bern");
    assert_eq!(run.shown("2 accept 1"), "a 2/1 [2]");
    assert_eq!(entries(&last_body(&run).bytes)[0]["metadata"], json!({"Rating": ["5"], "City": ["Bern"]}));
}

#[test]
fn metadata_that_cannot_be_read_stops_the_one_lane_that_asks_for_it_and_nothing_is_lost() {
    // What is owed is fresh in the first case; in the second it was written down before.
    for while_in_flight in [false, true] {
        let mut run = Run::new();
        run.line("rule a fields=metadata");
        run.line("rule b");
        if while_in_flight {
            run.line("0 owe 7 to a");
        }
        set_metadata(&run, 2, Source::Xattr, "Rating", "3");
        damage(&mut run, "UPDATE metadata SET content = 'no JSON'");
        run.line("rule a fields=metadata");
        assert_eq!(run.shown("0 owe 1 2 3 to a b").split(' ').next(), Some("b"));
        if while_in_flight {
            run.line("0 accept 1");
        }
        assert!(!run.dispatch.in_flight.contains_key(&super::key("3")));
        let (troubles, _) = run.dispatch.troubles(super::now_at(super::WALL_MS));
        assert_eq!((troubles.len(), troubles[0].subject.as_deref()), (1, Some("a")), "{troubles:?}");
        assert!(troubles[0].text.contains("row 2 of the table metadata cannot be read"), "{troubles:?}");
        assert_eq!(run.shown("1 owe 4 to a"), "", "it rests");
        damage(&mut run, "DELETE FROM metadata");
        let sent = run.shown("5000 tick");
        assert!(sent.starts_with("a ") && sent.ends_with(" [1 2 3 4]"), "{sent}");
        assert_eq!(run.dispatch.troubles(super::now_at(super::WALL_MS)), (Vec::new(), 0));
    }
}
