//! Names of a Mac (decomposed) and names as most keyboards type them (composed): rules, records and rescans find an
//! asset by either form, and what is reported has the disk's bytes.

use std::fs;

use crate::daemon::{Daemon, Place};
use crate::sink::{Call, Sink, lines};
use crate::turns;

const COMPOSED: &str = "\u{e9}t\u{e9}";
const DECOMPOSED: &str = "e\u{301}te\u{301}";
/// As a Mac's file that was renamed on another system: the first letter is decomposed, the last is not.
const MIXED: &str = "e\u{301}t\u{e9}";

fn record(path: &str, value: &str) -> String {
    serde_json::json!({ "path": path, "set": { "Project": value } }).to_string()
}

#[track_caller]
fn given(daemon: &Daemon, path: &str, value: &str) {
    let answer = daemon.records(&record(path, value));
    assert_eq!(answer.status, 202, "{}", answer.text());
}

/// A rule with a condition of its own, which calls back at its name.
fn rule(sink: &Sink, name: &str, condition: &str) -> String {
    format!("[[subscription]]\nname = '{name}'\ncallback = '{}'\n{condition}\n", sink.url(&format!("/{name}")))
}

/// Rules that report what was given a value to `sink`, each at the value's name, and one that reports all.
fn place(sink: &Sink) -> Place {
    let on = |value: &str| rule(sink, value, &format!("watchMetadata = ['Project=={value}']"));
    Place::new(&(sink.rule_all() + &on("one") + &on("two")))
}

/// Waits until the rule of a value has reported a path.
#[track_caller]
fn reported(sink: &Sink, value: &str, path: &str) {
    let by_rule = |calls: &[Call]| {
        let of_rule = calls.iter().filter(|call| call.received.path_and_query == format!("/{value}"));
        of_rule.flat_map(|call| call.entries.iter()).any(|one| one.path == path)
    };
    sink.wait_calls(&format!("the rule {value} reports {path}"), by_rule);
}

#[test]
fn rules_match_names_of_either_form_and_report_the_bytes_of_the_disk() {
    let sink = Sink::new();
    let clause = |name: &str, path: &str| rule(&sink, name, &format!("watchPath = ['+ {path}']"));
    let when = |name: &str, when: &str| rule(&sink, name, &format!("when = 'action == added and {when}'"));
    let rules = [
        clause("prefix", &format!("/{COMPOSED}")),
        clause("decomposed", &format!("/{DECOMPOSED}")),
        clause("glob", &format!("/*/{COMPOSED}.m?v")),
        when("path", &format!("path == \"/{COMPOSED}/{COMPOSED}.mov\"")),
        when("dir", &format!("dir == \"/{COMPOSED}\"")),
        when("name", &format!("name == \"{COMPOSED}.mov\"")),
        when("like", "path like \"/**/?t\u{e9}.mov\""),
    ];
    let place = Place::new(&rules.concat());
    let _daemon = place.start();
    let mut before = 0;
    for name in [COMPOSED, DECOMPOSED, MIXED] {
        let path = format!("/{name}/{name}.mov");
        place.write(&path, "one");
        sink.wait("all rules report it", |told| told.len() == before + rules.len());
        assert_eq!(lines(&sink.told()[before..]), vec![format!("added {path}"); rules.len()]);
        before += rules.len();
    }
}

#[test]
fn a_record_by_one_form_of_a_path_is_for_the_file_whose_name_has_another() {
    let sink = Sink::new();
    let place = place(&sink);
    let daemon = place.start();
    let on_disk =
        [format!("/{DECOMPOSED}/{MIXED}"), format!("/{COMPOSED}x/{COMPOSED}"), format!("/{MIXED}y/{DECOMPOSED}")];
    for path in &on_disk {
        place.write(path, "one");
    }
    daemon.sync();
    let given_as =
        [format!("/{COMPOSED}/{COMPOSED}"), format!("/{DECOMPOSED}x/{MIXED}"), format!("/{COMPOSED}y/{COMPOSED}")];
    for (path, given_as) in on_disk.iter().zip(&given_as) {
        given(&daemon, given_as, "one");
        reported(&sink, "one", path);
    }
}

#[test]
fn a_record_goes_to_the_file_of_the_same_bytes_where_there_are_two_forms() {
    let sink = Sink::new();
    let place = place(&sink);
    let daemon = place.start();
    for name in [COMPOSED, DECOMPOSED] {
        place.write(&format!("/in/{name}"), "one");
    }
    daemon.sync();
    for (name, value) in [(DECOMPOSED, "one"), (COMPOSED, "two")] {
        given(&daemon, &format!("/in/{name}"), value);
        reported(&sink, value, &format!("/in/{name}"));
    }
    let records: Vec<_> = sink.told().into_iter().filter(|one| one.action == "none").map(|one| one.path).collect();
    assert_eq!(records, [format!("/in/{DECOMPOSED}"), format!("/in/{COMPOSED}")]);
}

#[test]
fn a_record_is_kept_for_a_file_that_comes_under_another_form() {
    let sink = Sink::new();
    let place = place(&sink);
    let daemon = place.start();
    let forms = [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED), (COMPOSED, MIXED), (MIXED, DECOMPOSED)];
    for (number, (given_as, comes_as)) in forms.into_iter().enumerate() {
        // The directory comes later too.
        given(&daemon, &format!("/{number}{given_as}/{given_as}.mov"), "one");
        let path = format!("/{number}{comes_as}/{comes_as}.mov");
        place.write(&path, "one");
        reported(&sink, "one", &path);
    }
}

#[test]
fn records_kept_for_two_files_that_differ_in_form_reach_their_own() {
    let sink = Sink::new();
    let place = place(&sink);
    let daemon = place.start();
    given(&daemon, &format!("/in/{COMPOSED}"), "one");
    given(&daemon, &format!("/in/{DECOMPOSED}"), "two");
    for (name, value) in [(DECOMPOSED, "two"), (COMPOSED, "one")] {
        place.write(&format!("/in/{name}"), "one");
        reported(&sink, value, &format!("/in/{name}"));
    }
}

#[test]
fn a_rescan_by_one_form_finds_the_directory_of_the_other() {
    let sink = Sink::new();
    let mut place = place(&sink);
    place.configure("[[mount]]\npath = '/'\ndir = '{store}'\nwatch = 'inotify'\n");
    let (inside, outside) = (format!("/{DECOMPOSED}/a"), place.store.with_file_name("outside"));
    place.write(&inside, "one");
    fs::hard_link(place.at(&inside), &outside).expect("a link");
    let daemon = place.start();
    daemon.sync();
    // inotify hints nothing of a write by a name outside of the mount, so what is found is found by the rescan.
    let turn = turns::writing();
    fs::write(&outside, "more").expect("written");
    drop(turn);
    let body = serde_json::json!({ "path": format!("/{COMPOSED}"), "wait": true }).to_string();
    let answer = daemon.call("POST /v1/rescan", &[("Content-Type", "application/json")], body.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
    sink.wait_line(&format!("modified {inside}"));
}
