//! Folding, pair by pair.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::{Fold, Folded, Folding, fold};
use crate::model::change::{Action, Change};
use crate::model::entry::Entry;
use crate::model::event::{EventFields, Occurrence, Origin};
use crate::model::ids::{AssetId, Rrn, Seq};
use crate::model::metadata::{Delta, KeyDelta};
use crate::model::path::LogicalPath;
use crate::model::time::Wall;

/// `ASSET PATH ACTION [<PREVIOUS_PATH@MOVED] [=SIZE@MTIME] [KEY:OLD>NEW]...`; the seq is the line's place, from 1.
fn change(seq: i64, line: &str) -> Change {
    let mut words = line.split_whitespace().peekable();
    let mut word = || words.next().expect("asset, path, action");
    let (asset, path, action) = (word(), word(), word());
    let mut pair = |mark| {
        let text = words.next_if(|word| word.starts_with(mark))?;
        Some(text[1..].split_once('@').expect("two words"))
    };
    let (came, stat) = (pair('<'), pair('='));
    let number = |text: &str| text.parse().expect("a number");
    let delta = words.map(|touch| {
        let (key, change) = touch.split_once(':').expect("KEY:OLD>NEW");
        let (old, new) = change.split_once('>').expect("OLD>NEW");
        let values = |text: &str| if text.is_empty() { vec![] } else { vec![text.to_owned()] };
        KeyDelta { key: key.to_owned(), old: values(old), new: values(new), source: None }
    });
    Change {
        seq: Seq(seq),
        rrn: Rrn(seq * 10),
        time: Wall(seq),
        asset: AssetId(asset.parse().expect("a number")),
        path: LogicalPath::parse(path.as_bytes()).expect("a path"),
        owner: format!("owner{seq}"),
        action: Action::parse(action).expect("an action"),
        delta: delta.collect(),
        size: stat.map(|(size, _)| size.parse().expect("a number")),
        mtime_ns: stat.map(|(_, mtime_ns)| number(mtime_ns)),
        previous_path: came.map(|(path, _)| LogicalPath::parse(path.as_bytes()).expect("a path")),
        moved: came.map(|(_, seq)| Seq(number(seq))),
    }
}

fn entry(seq: i64, line: &str) -> Arc<Entry> {
    Arc::new(Entry::Change(change(seq, line)))
}

/// How a subscription folds that is told of events.
fn folding(covers_modification: bool) -> Folding {
    Folding { covers_modification, tells_events: true }
}

/// As [`entry`] reads it, with the seqs behind.
fn shown(folded: &Folded) -> String {
    let Folded { entry: Entry::Change(entry), seqs } = folded else { panic!("it is of changes") };
    assert_eq!(seqs.last(), Some(&entry.seq), "an entry stands where its last change does");
    assert_eq!(entry.rrn, Rrn(entry.seq.0 * 10));
    assert_eq!(entry.owner, format!("owner{}", entry.seq));
    let mut out = format!("{} {} {}", entry.asset, entry.path, entry.action.as_str());
    assert_eq!(entry.previous_path.is_some(), entry.moved.is_some());
    if let (Some(path), Some(seq)) = (&entry.previous_path, entry.moved) {
        out.push_str(&format!(" <{path}@{seq}"));
    }
    assert_eq!(entry.size.is_some(), entry.mtime_ns.is_some());
    if let (Some(size), Some(mtime_ns)) = (entry.size, entry.mtime_ns) {
        out.push_str(&format!(" ={size}@{mtime_ns}"));
    }
    for KeyDelta { key, old, new, .. } in &entry.delta {
        out.push_str(&format!(" {key}:{}>{}", old.concat(), new.concat()));
    }
    let seqs: Vec<_> = seqs.iter().map(ToString::to_string).collect();
    format!("{out} [{}]", seqs.join(" "))
}

#[track_caller]
fn check(entries: &[&str], modification_covered: bool, expect: &[&str]) {
    let entries: Vec<_> = entries.iter().zip(1..).map(|(line, seq)| entry(seq, line)).collect();
    let folded: Vec<_> = fold(&entries, folding(modification_covered)).iter().map(shown).collect();
    assert_eq!(folded, expect);
}

#[test]
fn pairs_at_one_path() {
    let folds = [
        ("added", "modified", "added"),
        ("added", "none", "added"),
        ("added", "deleted", "deleted"),
        ("modified", "modified", "modified"),
        ("modified", "none", "modified"),
        ("modified", "deleted", "deleted"),
        ("none", "none", "none"),
        ("none", "modified", "modified"),
        ("none", "deleted", "deleted"),
        ("deleted", "deleted", "deleted"),
        ("deleted", "added", "modified"),
    ];
    for first in Action::ALL.map(Action::as_str) {
        for next in Action::ALL.map(Action::as_str) {
            let pair = [format!("1 /a {first}"), format!("1 /a {next}")];
            let pair = pair.each_ref().map(String::as_str);
            match folds.iter().find(|fold| (fold.0, fold.1) == (first, next)) {
                Some((.., told)) => check(&pair, true, &[&format!("1 /a {told} [1 2]")]),
                None => check(&pair, true, &[&format!("{} [1]", pair[0]), &format!("{} [2]", pair[1])]),
            }
        }
    }
}

#[test]
fn an_asset_that_went_and_came_back_is_two_entries_where_modification_is_not_asked_for() {
    check(&["1 /a deleted", "1 /a added", "1 /a none"], false, &["1 /a deleted [1]", "1 /a added [2 3]"]);
}

#[test]
fn an_asset_that_came_went_and_came_back_is_new_to_the_receiver() {
    check(&["1 /a added", "1 /a deleted", "1 /a added"], true, &["1 /a added [1 2 3]"]);
    check(&["1 /a none", "1 /a deleted", "1 /a added"], true, &["1 /a modified [1 2 3]"]);
}

#[test]
fn assets_and_paths_are_kept_apart() {
    check(&["1 /a deleted", "2 /a added"], true, &["1 /a deleted [1]", "2 /a added [2]"]);
    check(&["1 /a deleted", "1 /b added"], true, &["1 /a deleted [1]", "1 /b added [2]"]);
}

#[test]
fn a_folded_entry_stands_where_its_last_change_does() {
    check(
        &["1 /a added", "2 /b added", "1 /a modified", "3 /c none", "2 /b none"],
        true,
        &["1 /a added [1 3]", "3 /c none [4]", "2 /b added [2 5]"],
    );
    // Renamed and renamed back.
    check(
        &["1 /a deleted", "1 /b added", "1 /b deleted", "1 /a added"],
        true,
        &["1 /b deleted [2 3]", "1 /a modified [1 4]"],
    );
}

#[test]
fn deltas_merge_by_key() {
    check(
        &["1 /a none B:1>2 D:>x", "1 /a none A:>1 B:2>3", "1 /a modified C:9> D:x>"],
        true,
        &["1 /a modified A:>1 B:1>3 C:9> D:> [1 2 3]"],
    );
    check(&["1 /a none A:1>2", "1 /a none A:2>1"], true, &["1 /a none A:1>1 [1 2]"]);
}

#[test]
fn size_and_mtime_are_those_of_the_last_change_of_which_they_are_known() {
    check(&["1 /a added =1@10", "1 /a modified =2@20", "1 /a none =3@30"], true, &["1 /a added =3@30 [1 2 3]"]);
    check(&["1 /a none", "1 /a modified =2@20"], true, &["1 /a modified =2@20 [1 2]"]);
    check(&["1 /a modified =2@20", "1 /a deleted"], true, &["1 /a deleted =2@20 [1 2]"]);
}

#[test]
fn a_move_that_is_followed_by_changes_keeps_its_previous_path() {
    check(
        &["1 /a deleted =1@1", "1 /b added </a@1 =1@1", "1 /b none =1@1", "1 /b modified =2@2"],
        true,
        &["1 /a deleted =1@1 [1]", "1 /b added </a@1 =2@2 [2 3 4]"],
    );
}

#[test]
fn a_move_on_comes_from_where_the_receiver_last_knew_the_asset() {
    let moves = ["1 /a deleted", "1 /b added </a@1", "1 /b deleted", "1 /c added </b@3", "1 /c deleted"];
    check(&moves[..4], true, &["1 /a deleted [1]", "1 /b deleted [2 3]", "1 /c added </a@1 [4]"]);
    let last = "1 /d added </c@5";
    let expect = ["1 /a deleted [1]", "1 /b deleted [2 3]", "1 /c deleted [4 5]", "1 /d added </a@1 [6]"];
    check(&[&moves[..], &[last]].concat(), true, &expect);
    // The first move is in an earlier cut: the receiver knows the asset at /b.
    check(&["1 /b deleted", "1 /c added </b@1"], true, &["1 /b deleted [1]", "1 /c added </b@1 [2]"]);
    // It is new at /b, or came back to it: nothing is known of before.
    check(&["1 /b added", "1 /b deleted", "1 /c added </b@2"], true, &["1 /b deleted [1 2]", "1 /c added </b@2 [3]"]);
    // It was at /b all along, and only left it for a moment.
    check(
        &["1 /b deleted", "1 /a added </b@1", "1 /a deleted", "1 /b added </a@3", "1 /b deleted", "1 /c added </b@5"],
        false,
        &["1 /b deleted [1]", "1 /a deleted [2 3]", "1 /b deleted [4 5]", "1 /c added </b@5 [6]"],
    );
    // Another asset took the place over in between.
    check(
        &["1 /a deleted", "2 /a added </x@9", "1 /b added </a@1"],
        true,
        &["1 /a deleted [1]", "2 /a added </x@9 [2]", "1 /b added </a@1 [3]"],
    );
    // A rule that asks for additions alone has the asset at each path.
    check(&["1 /b added </a@9", "1 /c added </b@8"], true, &["1 /b added </a@9 [1]", "1 /c added </b@8 [2]"]);
}

#[test]
fn an_asset_that_moved_away_and_back_has_not_moved() {
    let moves = ["1 /a deleted", "1 /b added </a@1", "1 /b deleted", "1 /a added </b@3"];
    check(&moves, true, &["1 /b deleted [2 3]", "1 /a modified [1 4]"]);
    check(&moves, false, &["1 /a deleted [1]", "1 /b deleted [2 3]", "1 /a added [4]"]);
}

#[test]
fn an_asset_that_came_left_and_came_again_comes_from_where_it_was_first() {
    let moves = ["1 /b added </a@9", "1 /b deleted", "1 /c added </b@2", "1 /c deleted", "1 /b added </c@4"];
    check(&moves, true, &["1 /c deleted [3 4]", "1 /b added </a@9 [1 2 5]"]);
    check(&moves, false, &["1 /b deleted [1 2]", "1 /c deleted [3 4]", "1 /b added </a@9 [5]"]);
}

/// An event stands alone, where it happened; what is about no asset is left out where the format has no place for it.
#[test]
fn events_are_never_folded() {
    let event = |seq: i64, change: Option<Change>| {
        Arc::new(Entry::Event(Occurrence {
            seq: Seq(seq),
            rrn: Rrn(seq * 10),
            time: Wall(seq),
            name: "scanned".to_owned(),
            tenant: None,
            change: change.map(Box::new),
            origin: Origin::default(),
            display_name: None,
            fields: EventFields::default(),
        }))
    };
    let entries = [
        entry(1, "1 /a added"),
        event(2, Some(change(1, "1 /a added"))),
        event(3, None),
        entry(4, "1 /a modified"),
        event(5, Some(change(4, "1 /a modified"))),
        event(6, None),
    ];
    let folded = |tells_events| -> Vec<Vec<i64>> {
        let how = Folding { covers_modification: true, tells_events };
        fold(&entries, how).iter().map(|one| one.seqs.iter().map(|seq| seq.0).collect()).collect()
    };
    assert_eq!(folded(true), [vec![2], vec![3], vec![1, 4], vec![5], vec![6]]);
    assert_eq!(folded(false), [vec![2], vec![1, 4], vec![5]]);
    let mut fold = Fold::new(folding(true), 2);
    let fits: Vec<_> = entries.iter().map(|entry| fold.push(entry)).collect();
    assert_eq!(fits, [true, true, false, true, false, false], "as many as there may be");
}

proptest! {
    /// Whatever the history: every owed entry is told by exactly one, in the order of last changes, and each key's old
    /// and new values are those of its first and last touch there.
    #[test]
    fn nothing_is_lost(
        history in prop::collection::vec((1..4i64, 0..2usize, 0..4usize, 0..3usize, 0..3usize), 0..60),
        covered: bool,
    ) {
        let entries: Vec<_> = history.iter().zip(1..).map(|(&(asset, path, action, key, value), seq)| {
            let (path, action, key) = (["/a", "/b"][path], Action::ALL[action].as_str(), ["A", "B", "C"][key]);
            let stat = if value == 0 { String::new() } else { format!("={seq}@{seq}") };
            entry(seq, &format!("{asset} {path} {action} {stat} {key}:{value}>{seq}"))
        }).collect();
        let change = |entry: &Entry| entry.about().expect("a change").clone();
        let by_seq: BTreeMap<_, _> = entries.iter().map(|entry| (entry.seq(), change(entry))).collect();
        let folded = fold(&entries, folding(covered));

        let mut told: Vec<_> = folded.iter().flat_map(|one| one.seqs.clone()).collect();
        prop_assert!(folded.is_sorted_by_key(|one| one.entry.seq()));
        told.sort_unstable();
        prop_assert!(told.iter().eq(by_seq.keys()));
        for one in &folded {
            let entry = change(&one.entry);
            let mut expect = BTreeMap::<_, KeyDelta>::new();
            for seq in &one.seqs {
                let source = &by_seq[seq];
                prop_assert_eq!((source.asset, &source.path), (entry.asset, &entry.path));
                for touch in &source.delta {
                    expect.entry(touch.key.clone())
                        .and_modify(|known| known.new.clone_from(&touch.new))
                        .or_insert_with(|| touch.clone());
                }
            }
            let expect: Delta = expect.into_values().collect();
            prop_assert_eq!(&entry.delta, &expect);
            prop_assert_eq!(entry.size, one.seqs.iter().rev().find_map(|seq| by_seq[seq].size));
            prop_assert_eq!(entry.mtime_ns, one.seqs.iter().rev().find_map(|seq| by_seq[seq].mtime_ns));
        }
    }
}
