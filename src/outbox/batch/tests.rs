//! Cutting, and the payload byte for byte.
#![allow(clippy::disallowed_methods, reason = "the expected payloads are files")]

use std::fs;
use std::path::Path;

use super::{Cut, cut};
use crate::model::change::Action;
use crate::model::entry::Entry;
use crate::model::ids::{AssetId, Rrn, Seq};
use crate::model::path::LogicalPath;
use crate::model::subscription::Name;
use crate::outbox::fold::Folded;

fn folded(seq: i64, asset: i64, path: &[u8], owner: &str, action: Action) -> Folded {
    let path = LogicalPath::parse(path).expect("a path");
    let entry =
        Entry { seq: Seq(seq), rrn: Rrn(12), asset: AssetId(asset), path, owner: owner.into(), action, delta: vec![] };
    Folded { seqs: vec![Seq(seq)], entry }
}

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

#[track_caller]
fn check(entries: &[Folded], max_entries: usize, max_bytes: usize, expect: usize) {
    let whole = cut(&name("watch"), &entries[..expect], usize::MAX, usize::MAX);
    let Cut { body, entries, consumed } = cut(&name("watch"), entries, max_entries, max_bytes);
    assert_eq!((entries, consumed.len()), (expect, expect));
    assert_eq!(body, whole.body, "a shorter batch is the same batch of fewer entries");
}

#[test]
fn a_batch_is_the_longest_prefix_that_fits() {
    let entries: Vec<_> = (1..=5).map(|n| folded(n, n, b"/acme/a.png", "xyz", Action::Added)).collect();
    let size = |count: usize| cut(&name("watch"), &entries[..count], 10, usize::MAX).body.len();
    check(&entries, 10, usize::MAX, 5);
    check(&entries, 3, usize::MAX, 3);
    check(&entries, 10, size(4), 4);
    check(&entries, 10, size(4) - 1, 3);
    check(&entries, 10, 1, 1);
    check(&entries, 0, usize::MAX, 1);
}

#[test]
fn a_batch_consumes_every_owed_entry_that_was_folded_into_it() {
    let mut first = folded(9, 1, b"/a", "xyz", Action::Added);
    first.seqs = vec![Seq(2), Seq(5), Seq(9)];
    let second = folded(10, 2, b"/b", "xyz", Action::Added);
    assert_eq!(cut(&name("watch"), &[first, second], 1, usize::MAX).consumed, [Seq(2), Seq(5), Seq(9)]);
}

/// Each file in `fixtures/payload/zoom` is a payload, byte for byte; the entries behind it are here, by its name.
#[test]
fn payloads_are_the_fixtures_byte_for_byte() {
    let cases: &[(&str, &str, Vec<Folded>)] = &[
        ("one-entry", "xyz", vec![folded(1, 1, b"/acme/test/1.png", "xyz", Action::Added)]),
        (
            "every-action",
            "OnCityChangeInProjectAcme",
            Action::ALL
                .into_iter()
                .zip(1..)
                .map(|(action, n)| folded(n, n, b"/acme/test/1.png", "xyz", action))
                .collect(),
        ),
        (
            "escapes",
            "a-1",
            vec![
                folded(1, i64::MAX, b"/q\"uote/back\\slash/tab\t/line\n/bell\x07", "", Action::Modified),
                folded(2, 2, "/caf\u{e9}/\u{1f3ac}/\u{2028}".as_bytes(), "J\u{fc}rgen", Action::None),
            ],
        ),
        (
            "path-not-utf-8",
            "a-1",
            vec![
                folded(1, 1, b"/caf\xe9.jpg", "1000", Action::Deleted),
                folded(2, 2, b"/plain.jpg", "1000", Action::Deleted),
            ],
        ),
    ];
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/payload/zoom");
    let mut files: Vec<_> = fs::read_dir(&dir)
        .expect("the fixtures")
        .map(|file| file.expect("a file").path().file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    files.sort();
    let mut names: Vec<_> = cases.iter().map(|case| case.0).collect();
    names.sort_unstable();
    assert_eq!(files, names, "a case a fixture");
    for (file, id, entries) in cases {
        let body = cut(&name(id), entries, usize::MAX, usize::MAX).body;
        let expect = fs::read(dir.join(format!("{file}.json"))).expect("the fixture");
        assert_eq!(String::from_utf8_lossy(&body), String::from_utf8_lossy(&expect), "{file}");
    }
}
