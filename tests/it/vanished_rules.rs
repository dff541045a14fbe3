//! Rule files that are suddenly gone or empty: the rules in force stay, it is said, and what comes back is taken up.

use std::fs;
use std::os::unix::fs::symlink;

use crate::daemon::{Daemon, Place};
use crate::sink::{Sink, lines};

/// A subscription that reports all, in a file of its own beside `a.toml`, which holds another.
fn place(sink: &Sink) -> Place {
    let place = Place::new(&sink.rule("deletions", "- /"));
    fs::write(place.rules.join("all.toml"), sink.rule_all()).expect("a rule file");
    place
}

#[track_caller]
fn faulty(daemon: &Daemon, why: &str) {
    let said = |status: &serde_json::Value| {
        let faults = status["rules"]["faults"].as_array().expect("a list");
        faults.iter().any(|fault| fault.as_str().is_some_and(|fault| fault.contains(why)))
    };
    let status = daemon.status_until(&format!("the status says `{why}`"), said);
    assert_eq!(status["rules"]["subscriptions"], 2, "the last good set stays in force: {status:#}");
    let last_good =
        daemon.log().lines().any(|line| line.contains("the last good ones stay in force") && line.contains(why));
    assert!(last_good, "the log says `{why}`:\n{}", daemon.log());
}

#[track_caller]
fn sound(daemon: &Daemon, subscriptions: u64) {
    daemon.status_until("there are no faults", |status| {
        status["rules"]["faults"] == serde_json::json!([]) && status["rules"]["subscriptions"] == subscriptions
    });
}

#[track_caller]
fn still_reports(place: &Place, sink: &Sink, name: &str) {
    place.write(name, "one");
    sink.wait_line(&format!("added {name}"));
}

/// What an accident does to the files, how that is undone, and what is said meanwhile.
type Accident = (&'static str, fn(&Place), fn(&Place), &'static str);

const ACCIDENTS: [Accident; 5] = [
    (
        "the directory is unmounted, or emptied",
        |place| {
            let away = place.rules.with_file_name("away");
            fs::rename(&place.rules, away).expect("moved away");
            fs::create_dir(&place.rules).expect("an empty directory");
        },
        |place| {
            fs::remove_dir(&place.rules).expect("it is empty");
            fs::rename(place.rules.with_file_name("away"), &place.rules).expect("moved back");
        },
        "no rule files any more",
    ),
    (
        "the directory goes away",
        |place| fs::rename(&place.rules, place.rules.with_file_name("away")).expect("moved away"),
        |place| fs::rename(place.rules.with_file_name("away"), &place.rules).expect("moved back"),
        "cannot list the rules",
    ),
    (
        "the directory becomes a link to nothing",
        |place| {
            fs::rename(&place.rules, place.rules.with_file_name("away")).expect("moved away");
            symlink("nothing", &place.rules).expect("a link");
        },
        |place| {
            fs::remove_file(&place.rules).expect("a link");
            fs::rename(place.rules.with_file_name("away"), &place.rules).expect("moved back");
        },
        "cannot list the rules",
    ),
    (
        "a full disk truncates one of the files",
        |place| {
            fs::copy(place.rules.join("all.toml"), place.rules.with_file_name("kept")).expect("a copy");
            fs::write(place.rules.join("all.toml"), "").expect("truncated");
        },
        |place| {
            fs::copy(place.rules.with_file_name("kept"), place.rules.join("all.toml")).expect("written again");
        },
        "all.toml is empty",
    ),
    (
        "the links of a Kubernetes volume dangle",
        |place| {
            let data = place.rules.with_file_name("data");
            fs::rename(place.rules.join("all.toml"), &data).expect("moved away");
            symlink("..data/all.toml", place.rules.join("all.toml")).expect("a link");
        },
        |place| {
            let data = place.rules.with_file_name("data");
            fs::rename(data, place.rules.join("all.toml")).expect("moved back");
        },
        "all.toml",
    ),
];

#[test]
fn rules_that_are_suddenly_gone_stay_in_force_and_it_is_said_until_they_are_back() {
    let sink = Sink::new();
    let place = place(&sink);
    let daemon = place.start();
    for (number, (what, happen, undo, said)) in ACCIDENTS.into_iter().enumerate() {
        eprintln!("{what}");
        happen(&place);
        faulty(&daemon, said);
        still_reports(&place, &sink, &format!("/during-{number}"));
        undo(&place);
        sound(&daemon, 2);
        still_reports(&place, &sink, &format!("/after-{number}"));
    }
}

#[test]
fn a_start_without_the_rule_files_runs_on_the_last_good_ones_and_says_so() {
    let sink = Sink::new();
    let place = place(&sink);
    drop(place.start());
    for (what, happen, undo, said) in ACCIDENTS {
        eprintln!("{what}");
        happen(&place);
        let daemon = place.start();
        faulty(&daemon, said);
        undo(&place);
        sound(&daemon, 2);
    }
}

#[test]
fn a_file_with_a_comment_alone_means_that_there_are_no_rules() {
    let sink = Sink::new();
    let place = place(&sink);
    let daemon = place.start();
    for name in ["a.toml", "all.toml"] {
        fs::write(place.rules.join(name), "# There are no rules for now.\n").expect("a rule file");
    }
    sound(&daemon, 0);
    // From now on there is nothing to lose.
    fs::remove_file(place.rules.join("a.toml")).expect("removed");
    fs::remove_file(place.rules.join("all.toml")).expect("removed");
    place.rule(&sink.rule_all());
    sound(&daemon, 1);
    place.write("/a", "one");
    assert_eq!(lines(&daemon.settled(&place, &sink, "/")), ["added /a"]);
}

#[test]
fn a_first_start_over_an_empty_directory_has_no_rules_and_warns() {
    let sink = Sink::new();
    let place = place(&sink);
    fs::remove_file(place.rules.join("a.toml")).expect("removed");
    fs::remove_file(place.rules.join("all.toml")).expect("removed");
    let daemon = place.start();
    sound(&daemon, 0);
    assert!(daemon.log().contains("there are no subscriptions in the rule files"), "{}", daemon.log());
}
