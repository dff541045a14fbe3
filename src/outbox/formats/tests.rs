//! The payloads, byte for byte, and that whatever is in them they are JSON.
#![allow(clippy::disallowed_methods, reason = "the expected payloads are files")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::Payload;
use crate::model::change::{Action, Change};
use crate::model::delivery::Body;
use crate::model::entry::Entry;
use crate::model::event::{EventFields, Occurrence, Origin};
use crate::model::format::Format;
use crate::model::ids::{AssetId, NodeId, Rrn, Seq};
use crate::model::metadata::{Delta, KeyDelta, Metadata};
use crate::model::path::LogicalPath;
use crate::model::retry::Accepts;
use crate::model::subscription::{Field, Method, Name, Subscription, Target};
use crate::model::tenant::Tenant;
use crate::model::time::Wall;
use crate::outbox::limits::MAX_BATCH_BYTES;

const NODE: NodeId = NodeId(0xab);
const AT: Wall = Wall(1_795_341_600_123);

fn entry(seq: i64, asset: i64, path: &[u8], owner: &str, action: Action) -> Change {
    let path = LogicalPath::parse(path).expect("a path");
    Change {
        seq: Seq(seq),
        rrn: Rrn(12),
        time: AT,
        asset: AssetId(asset),
        path,
        owner: owner.into(),
        action,
        delta: vec![],
        size: None,
        mtime_ns: None,
        previous_path: None,
        moved: None,
    }
}

fn subscription(format: Format, name: &str, fields: &[Field]) -> Subscription {
    let url = url::Url::parse("http://127.0.0.1/").expect("a URL");
    let target = Target { method: Method::Post, url: url.into(), headers: Box::default(), accepts: Accepts::default() };
    let name = Name::parse(name).expect("a name");
    Subscription { format, fields: fields.into(), ..Subscription::new(name, target) }
}

fn texts(values: &[&str]) -> Vec<String> {
    values.iter().map(|&value| value.to_owned()).collect()
}

fn city_changed() -> Delta {
    let key = |key: &str, old: &[&str], new: &[&str]| KeyDelta {
        key: key.into(),
        old: texts(old),
        new: texts(new),
        source: None,
    };
    vec![key("IPTC_City", &["SFO"], &["Z\u{fc}rich", "Bern"]), key("Quote\"d", &[], &[""]), key("Rating", &["5"], &[])]
}

fn some_metadata() -> Metadata {
    [("IPTC_City", texts(&["Z\u{fc}rich", "Bern"])), ("Quote\"d", texts(&[""]))]
        .map(|(key, values)| (key.to_owned(), values))
        .into()
}

/// A payload that is a file of each format's folder.
struct Case {
    file: &'static str,
    id: &'static str,
    fields: &'static [Field],
    entries: Vec<Entry>,
}

fn cases() -> Vec<Case> {
    let every_field = || {
        let touched = entry(7, 2, b"/acme/a b.mov", "xyz", Action::None);
        let moved = Change {
            delta: city_changed(),
            size: Some((1 << 53) + 1),
            mtime_ns: Some(1_795_341_599_001_999_999),
            previous_path: Some(LogicalPath::parse(b"/acme/caf\xe9 \"old\".mov").expect("a path")),
            ..touched
        };
        of_changes(vec![moved, entry(9, 3, b"/caf\xe9.jpg", "xyz", Action::Deleted)])
    };
    vec![
        Case {
            file: "one-entry",
            id: "xyz",
            fields: &[],
            entries: of_changes(vec![entry(1, 1, b"/acme/test/1.png", "xyz", Action::Added)]),
        },
        Case {
            file: "every-action",
            id: "OnCityChangeInProjectAcme",
            fields: &[],
            entries: Action::ALL
                .into_iter()
                .zip(1..)
                .map(|(action, n)| Entry::Change(entry(n, n, b"/acme/test/1.png", "xyz", action)))
                .collect(),
        },
        Case {
            file: "escapes",
            id: "a-1",
            fields: &[],
            entries: of_changes(vec![
                entry(1, i64::MAX, b"/q\"uote/back\\slash/tab\t/line\n/bell\x07", "", Action::Modified),
                entry(2, 2, "/caf\u{e9}/\u{1f3ac}/\u{2028}".as_bytes(), "J\u{fc}rgen", Action::None),
            ]),
        },
        Case {
            file: "path-not-utf-8",
            id: "a-1",
            fields: &[],
            entries: of_changes(vec![
                entry(1, 1, b"/caf\xe9.jpg", "1000", Action::Deleted),
                entry(2, 2, b"/plain.jpg", "1000", Action::Deleted),
            ]),
        },
        Case { file: "every-field", id: "a-1", fields: &Field::ALL, entries: every_field() },
        // How assets stand, of no change: they have no place in the journal.
        Case {
            file: "backfill",
            id: "a-1",
            fields: &[Field::Seq, Field::Size],
            entries: of_changes(vec![
                Change { size: Some(9), ..entry(0, 7, b"/acme/1.png", "xyz", Action::Added) },
                entry(0, 8, b"/acme/2.png", "xyz", Action::Deleted),
            ]),
        },
        Case {
            file: "some-fields-in-another-order",
            id: "a-1",
            fields: &[Field::PathBase64, Field::Seq],
            entries: every_field(),
        },
        Case { file: "reported-event", id: "a-1", fields: &[], entries: vec![events().swap_remove(3)] },
        Case { file: "events", id: "a-1", fields: &[Field::Seq], entries: events() },
    ]
}

fn of_changes(changes: Vec<Change>) -> Vec<Entry> {
    changes.into_iter().map(Entry::Change).collect()
}

/// Events about an asset, one of which has a payload whose keys are the change's, too; and events about none.
fn events() -> Vec<Entry> {
    let event = |seq, name: &str| Occurrence {
        seq: Seq(seq),
        rrn: Rrn(12),
        time: AT,
        name: name.into(),
        tenant: None,
        change: None,
        origin: Origin::Ringback,
        display_name: None,
        fields: EventFields::default(),
    };
    let change = Some(Box::new(entry(7, 2, b"/acme/a b.mov", "xyz", Action::None)));
    let scanned = EventFields::of_texts([("file_upload_id", "2"), ("tool_result", "pass\"ed")]);
    let replacing = EventFields::of_texts([("path", "elsewhere"), ("of", "/acme/a b.mov"), ("seq", "")]);
    let built = EventFields::of_object(r#"{"id":7,"by":{"name":"ana"},"steps":[1.5,null,true]}"#.into());
    let lagged = EventFields::default().text("subscription", "b").number("skipped", 3_u64);
    let acme = Tenant::parse("acme").ok();
    vec![
        Entry::Event(Occurrence {
            change: change.clone(),
            fields: scanned,
            tenant: acme.clone(),
            ..event(8, "scanned")
        }),
        Entry::Event(Occurrence { change: change.clone(), fields: replacing, ..event(9, "copied") }),
        Entry::Event(Occurrence { change, ..event(10, "touched") }),
        Entry::Event(Occurrence {
            tenant: acme,
            origin: Origin::Store,
            display_name: Some("Build \"7\"".into()),
            fields: built,
            ..event(11, "build.created")
        }),
        Entry::Event(Occurrence { fields: lagged, ..event(12, "callback.lagged") }),
        Entry::Event(event(13, "mount.online")),
    ]
}

/// The body of as many entries as fit, of assets that all have `metadata`.
fn payload(subscription: &Subscription, entries: &[Entry], metadata: &Metadata, max_bytes: usize) -> (Body, usize) {
    let mut payload = Payload::new(subscription, NODE, max_bytes);
    // What a format does not tell never comes so far.
    let told = |entry: &&Entry| entry.about().is_some() || subscription.format.tells_events();
    for entry in entries.iter().filter(told) {
        let wanted = subscription.fields.contains(&Field::Metadata).then_some(metadata);
        if !payload.push(entry, wanted) {
            break;
        }
    }
    let entries = payload.entries();
    (payload.finish(), entries)
}

/// Each file in `fixtures/payload/FORMAT` is a payload, byte for byte; the entries behind it are here, by its name.
/// With `RINGBACK_BLESS=1` in the environment they are written anew.
#[test]
fn payloads_are_the_fixtures_byte_for_byte() {
    let names: BTreeSet<_> = cases().iter().map(|case| case.file.to_owned()).collect();
    for format in Format::ALL {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/payload").join(format.as_str());
        let files: BTreeSet<_> = fs::read_dir(&dir)
            .expect("the fixtures")
            .map(|file| file.expect("a file").path().file_stem().expect("a name").to_string_lossy().into_owned())
            .collect();
        assert_eq!(files, names, "a case a fixture");
        for Case { file, id, fields, entries } in cases() {
            let (body, _) = payload(&subscription(format, id, fields), &entries, &some_metadata(), usize::MAX);
            let path = dir.join(format!("{file}.json"));
            if std::env::var_os("RINGBACK_BLESS").is_some_and(|value| value == "1") {
                fs::write(&path, &body.bytes).expect("the fixture");
            }
            let expect = fs::read(&path).expect("the fixture");
            assert_eq!(String::from_utf8_lossy(&body.bytes), String::from_utf8_lossy(&expect), "{}", path.display());
            assert_eq!(body.content_type, format.content_type());
        }
    }
}

/// The documentation shows what is sent.
#[test]
fn documented_events_are_those_that_are_sent() {
    let page = include_str!("../../../docs/delivery.md");
    let batch = include_str!("../../../fixtures/payload/cloudevents-batch/events.json");
    let events: Vec<&serde_json::value::RawValue> = serde_json::from_str(batch).expect("events");
    for event in [events[0], events[3]] {
        assert!(page.contains(event.get()), "{event}");
    }
}

/// The objects of a body, one a change, each with the event around it where the format has one.
fn objects(format: Format, body: &[u8]) -> Vec<(Option<Value>, Value)> {
    let body: Value = serde_json::from_slice(body).unwrap_or_else(|error| panic!("{error} in {}", body.escape_ascii()));
    let event = |event: &Value| (Some(event.clone()), event["data"].clone());
    match format {
        Format::Zoom => {
            body["data"]["entry"].as_array().expect("a list").iter().map(|one| (None, one.clone())).collect()
        }
        Format::CloudEvents => vec![event(&body)],
        Format::CloudEventsBatch => body.as_array().expect("a list").iter().map(event).collect(),
        Format::Reactor => {
            let entity = body["data"]["attributes"]["entity"].as_str().expect("a text");
            vec![(None, serde_json::from_str(entity).expect("JSON in a text"))]
        }
        Format::Eqp => vec![(None, body["update_info"].clone())],
        Format::Hal => vec![(None, body["data"].clone())],
        Format::Compendium => vec![(None, body["Payload"].clone())],
    }
}

/// What a decoder of percent-encoding gives.
fn decoded(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let (byte, tail) = match (first, tail) {
            (b'%', [high, low, tail @ ..]) => {
                let digits = [*high, *low];
                let digits = std::str::from_utf8(&digits).expect("hexadecimal digits");
                (u8::from_str_radix(digits, 16).expect("hexadecimal digits"), tail)
            }
            _ => (*first, tail),
        };
        out.push(byte);
        rest = tail;
    }
    out
}

fn names() -> impl Strategy<Value = LogicalPath> {
    let name = prop_oneof![
        proptest::collection::vec(1_u8.., 1..20),
        "\\PC{1,8}".prop_map(String::into_bytes),
        Just(b"\"},\"x\":{\"\\".to_vec()),
    ];
    proptest::collection::vec(name, 0..4).prop_filter_map("a path", |names| {
        let bytes: Vec<u8> = names.into_iter().flat_map(|name| [b"/".to_vec(), name].concat()).collect();
        LogicalPath::parse(&bytes).ok()
    })
}

fn hostile_texts() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(any::<String>(), 0..3)
}

fn entries() -> impl Strategy<Value = Change> {
    let delta = proptest::collection::btree_map(any::<String>(), (hostile_texts(), hostile_texts()), 0..4);
    let action = proptest::sample::select(Action::ALL.to_vec());
    let stat = (any::<Option<u64>>(), any::<Option<i64>>(), proptest::option::of(names()));
    let asset = (names(), any::<String>(), stat);
    (asset, action, any::<i64>(), delta).prop_map(|((path, owner, stat), action, number, delta)| Change {
        path,
        owner,
        size: stat.0,
        mtime_ns: stat.1,
        previous_path: stat.2,
        delta: delta.into_iter().map(|(key, (old, new))| KeyDelta { key, old, new, source: None }).collect(),
        ..entry(number, number, b"/", "", action)
    })
}

proptest! {
    #[test]
    fn whatever_is_in_a_payload_it_is_json_that_says_it(
        format in proptest::sample::select(Format::ALL.to_vec()),
        fields in proptest::sample::subsequence(Field::ALL.to_vec(), 0..=Field::ALL.len()).prop_shuffle(),
        told in proptest::collection::vec(entries(), 1..5),
        metadata in proptest::collection::btree_map(any::<String>(), hostile_texts(), 0..4),
    ) {
        let (body, count) = payload(&subscription(format, "a-1", &fields), &of_changes(told.clone()), &metadata, MAX_BATCH_BYTES);
        let whole: Value = serde_json::from_slice(&body.bytes).expect("JSON");
        // Compact JSON without a key twice is as long as what it parses to.
        prop_assert_eq!(whole.to_string().len(), body.bytes.len());
        let objects = objects(format, &body.bytes);
        prop_assert_eq!(objects.len(), count);
        prop_assert_eq!(count, if format.holds_one_entry() { 1 } else { told.len() });
        for (entry, (event, mut object)) in told.iter().zip(objects) {
            if let Some(event) = event {
                prop_assert_eq!(&event["id"], &json!(format!("{NODE}-{}", entry.seq)));
                prop_assert_eq!(&event["type"], &json!(entry.action.event_name()));
                let subject = event["subject"].as_str().expect("text");
                prop_assert!(subject.is_ascii());
                prop_assert_eq!(decoded(subject), entry.path.as_bytes());
            }
            let fields = |field| fields.contains(&field);
            let mut expect = json!({
                "assetId": entry.asset.0,
                "rrn": 12,
                "path": entry.path.display(),
                "owner": entry.owner,
                "action": entry.action.as_str(),
            });
            let is_text = std::str::from_utf8(entry.path.as_bytes()).is_ok();
            if fields(Field::PathBase64) || !is_text {
                expect["pathBase64"] = json!(STANDARD.encode(entry.path.as_bytes()));
            }
            if let Some(size) = entry.size.filter(|_| fields(Field::Size)) {
                expect["size"] = json!(size);
            }
            if let Some(mtime_ns) = entry.mtime_ns.filter(|_| fields(Field::Mtime)) {
                expect["mtime"] = json!(Wall(mtime_ns.div_euclid(1_000_000)).to_string());
            }
            if let Some(path) = entry.previous_path.as_ref().filter(|_| fields(Field::PreviousPath)) {
                expect["previousPath"] = json!(path.display());
                if std::str::from_utf8(path.as_bytes()).is_err() {
                    expect["previousPathBase64"] = json!(STANDARD.encode(path.as_bytes()));
                }
            }
            if fields(Field::Seq) {
                expect["seq"] = json!(entry.seq.0);
            }
            if fields(Field::Metadata) {
                expect["metadata"] = json!(metadata);
            }
            if fields(Field::Changed) {
                let changed = entry.delta.iter().map(|one| (one.key.clone(), json!({"old": one.old, "new": one.new})));
                expect["changed"] = changed.collect::<serde_json::Map<_, _>>().into();
            }
            prop_assert_eq!(object.take(), expect);
        }
    }
}

#[test]
fn a_batch_of_large_entries_ends_below_the_limit_and_is_whole() {
    let metadata: Metadata = [("Notes".to_owned(), vec!["\u{1}\"".repeat(30_000)])].into();
    let told: Vec<_> = (1..=20).map(|n| entry(n, n, b"/caf\xe9\x01\".mov", "xyz", Action::Added)).collect();
    for (format, expect) in [(Format::Zoom, 4), (Format::CloudEvents, 1), (Format::CloudEventsBatch, 4)] {
        let subscription = subscription(format, "a-1", &Field::ALL);
        let (body, count) = payload(&subscription, &of_changes(told.clone()), &metadata, MAX_BATCH_BYTES);
        assert_eq!((count, objects(format, &body.bytes).len()), (expect, expect), "{}", format.as_str());
        assert!(body.bytes.len() <= MAX_BATCH_BYTES, "{}", body.bytes.len());
        // One that is larger than the limit goes alone.
        let (body, count) = payload(&subscription, &of_changes(told.clone()), &metadata, 100);
        assert_eq!((count, objects(format, &body.bytes).len()), (1, 1), "{}", format.as_str());
    }
}
