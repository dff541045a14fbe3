//! Configurations, rule files and directories that are wrong: what is said, what goes on, and how it recovers.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::daemon::Place;
use crate::disk::grow_old;
use crate::sink::{Sink, lines, sorted};
use crate::turns;

/// An edit is in force within a second; the rest is for a busy machine.
const RELOADED: Duration = Duration::from_millis(1_500);
/// A mount that is back is scanned within two seconds; the rest is for a busy machine.
const BACK: Duration = Duration::from_millis(3_000);

#[test]
fn a_mount_that_is_missing_is_offline_until_it_appears() {
    let _turn = turns::light();
    let sink = Sink::new();
    let place = Place::new(&sink.rule_all());
    fs::remove_dir(&place.store).expect("removed");
    let daemon = place.start();
    let status = daemon.status_until("it is offline", |status| status["mounts"][0]["state"] == "offline");
    assert!(status["mounts"][0]["reason"].as_str().is_some_and(|why| !why.is_empty()), "{status}");
    assert_eq!(daemon.sync()["offline"], serde_json::json!(["/"]));
    let began = Instant::now();
    place.write("/d/1", "one");
    sink.wait_line("added /d/1");
    assert!(began.elapsed() < BACK, "{:?}", began.elapsed());
    assert_eq!(lines(&daemon.settled(&place, &sink, "/")), ["added /d/1"]);
    assert_eq!(daemon.sync()["offline"], serde_json::json!([]));
}

#[test]
fn what_stood_in_a_mount_before_it_appeared_was_there_all_along() {
    let sink = Sink::new();
    let place = Place::new(&sink.rule_all());
    for name in ["1", "d/2"] {
        place.write(&format!("/{name}"), "one");
        grow_old(&place.at(name));
    }
    let away = place.store.with_file_name("away");
    fs::rename(&place.store, &away).expect("renamed");
    let daemon = place.start();
    daemon.status_until("it is offline", |status| status["mounts"][0]["state"] == "offline");
    fs::rename(&away, &place.store).expect("renamed");
    daemon.status_until("it is watched", |status| status["mounts"][0]["state"] == "watching");
    assert_eq!(lines(&daemon.settled(&place, &sink, "/")), [""; 0]);
    place.write("/d/3", "one");
    assert_eq!(lines(&daemon.settled(&place, &sink, "/")), ["added /d/3"]);
}

#[test]
fn a_directory_under_another_path_is_another_mount_and_scanned_silently() {
    let sink = Sink::new();
    let mut place = Place::new(&sink.rule_all());
    for name in ["1", "d/2"] {
        place.write(&format!("/{name}"), "one");
        grow_old(&place.at(name));
    }
    let daemon = place.start();
    assert_eq!(lines(&daemon.settled(&place, &sink, "/")), [""; 0]);
    daemon.kill();
    place.configure("[[mount]]\npath = '/acme'\ndir = '{store}'\n");
    for start in 1..=3 {
        let daemon = place.start();
        daemon.sync();
        place.write("/d/2", &format!("start {start}"));
        sink.wait(&format!("start {start}"), |told| {
            told.iter().filter(|one| one.line() == "modified /acme/d/2").count() == start
        });
        let added = sink.told().iter().filter(|one| one.path.starts_with("/acme/") && one.action == "added").count();
        assert_eq!(added, 0, "{:?}", sink.told());
        daemon.kill();
    }
}

#[test]
fn a_mount_that_goes_away_and_comes_back_loses_nothing() {
    let _turn = turns::light();
    let sink = Sink::new();
    let place = Place::new(&sink.rule_all());
    for name in ["stays", "goes", "d/grows"] {
        place.write(&format!("/{name}"), "one");
    }
    grow_old(&place.at("/d/grows"));
    let daemon = place.start();
    assert_eq!(lines(&daemon.settled(&place, &sink, "/")), [""; 0]);
    let away = place.store.with_file_name("away");
    fs::rename(&place.store, &away).expect("renamed");
    daemon.status_until("it is offline", |status| status["mounts"][0]["state"] == "offline");
    let turn = turns::writing();
    fs::write(away.join("new"), "one").expect("written");
    drop(turn);
    let turn = turns::writing();
    fs::write(away.join("d/grows"), "one and more").expect("written");
    drop(turn);
    fs::remove_file(away.join("goes")).expect("removed");
    let began = Instant::now();
    fs::rename(&away, &place.store).expect("renamed");
    sink.wait_line("deleted /goes");
    assert!(began.elapsed() < BACK, "{:?}", began.elapsed());
    let told = daemon.settled(&place, &sink, "/");
    assert_eq!(sorted(&told), ["added /new", "deleted /goes", "modified /d/grows"]);
}

#[test]
fn a_directory_that_does_not_exist_is_said_at_the_start_and_by_check() {
    let sink = Sink::new();
    let mut place = Place::new(&sink.rule_all());
    fs::remove_dir(&place.store).expect("removed");
    place.configure("[[mount]]\npath = '/acme'\ndir = '{store}'\n");
    let daemon = place.start();
    assert_eq!(daemon.status()["mounts"][0]["state"], "offline");
    let warned =
        |log: &str| log.lines().any(|l| l.contains("WARN") && l.contains("does not exist") && l.contains("`dir`"));
    assert!(warned(&daemon.log()), "{}", daemon.log());
    let mut check = Command::new(env!("CARGO_BIN_EXE_ringback"));
    check.arg("check").arg(&place.rules).arg("--config").arg(place.config.as_deref().expect("a configuration"));
    let turn = turns::starting();
    let child = check.stdout(Stdio::piped()).spawn().expect("the binary starts");
    drop(turn);
    let out = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&out.stdout);
    let place_in_file = "ringback.toml:3:8";
    assert!(said.contains("warning[RB0205]") && said.contains(place_in_file), "{said}");
    assert_eq!(out.status.code(), Some(0), "it may come: {said}");
}

#[test]
fn a_start_that_cannot_be_is_refused_by_name() {
    // A mount that is a file.
    let place = Place::new("");
    fs::remove_dir(&place.store).expect("removed");
    fs::write(&place.store, "").expect("written");
    check_refused(&place, LASTING, &[&place.store.display().to_string(), "no directory"]);

    // A state directory below a regular file.
    let mut place = Place::new("");
    place.state = place.rules.join("a.toml/state");
    check_refused(&place, PASSING, &[&place.state.display().to_string()]);

    // A state directory that is a file.
    let mut place = Place::new("");
    place.state = place.rules.join("a.toml");
    check_refused(&place, PASSING, &[&place.state.display().to_string()]);

    // A state directory in use.
    let place = Place::new("");
    let daemon = place.start();
    check_refused(&place, PASSING, &[&place.state.display().to_string()]);
    assert!(daemon.is_ready(), "the first one goes on");

    // An address that is taken.
    let mut other = Place::new("");
    other.listen = daemon.address.to_string();
    check_refused(&other, PASSING, &[&daemon.address.to_string(), "--listen"]);

    // No rules directory.
    let mut place = Place::new("");
    place.rules = place.rules.join("missing");
    check_refused(&place, LASTING, &[&place.rules.display().to_string()]);

    // First rules with a fault in their second line.
    let place = Place::new("[[subscription]]\nnname = 'a'\n");
    check_refused(&place, LASTING, &["a.toml:2:1", "\"line\":2", "\"code\":\"RB0003\""]);

    // A configuration with a fault in its third line.
    let mut place = Place::new("");
    place.configure("[[mount]]\npath = '/'\ndirr = '{store}'\n");
    check_refused(&place, LASTING, &["ringback.toml:3:1", "\"line\":3", "\"column\":1", "\"code\":\"RB0003\""]);

    // No configuration.
    place.config = Some(place.store.join("missing.toml"));
    check_refused(&place, LASTING, &["missing.toml"]);

    // A command line that makes no sense.
    let mut place = Place::new("");
    place.listen = "8873".to_owned();
    check_refused(&place, LASTING, &["--listen"]);
}

/// The exit code for what another start may find mended.
const PASSING: i32 = 1;
/// The exit code for what no restart mends.
const LASTING: i32 = 2;

/// It ends with this code and says all of this in JSON lines, the last one of them fatal; and it leaves nothing that
/// keeps the next start.
#[track_caller]
fn check_refused(place: &Place, expect: i32, says: &[&str]) {
    let (code, said) = place.refused();
    assert_eq!(code, Some(expect), "{said}");
    for part in says {
        assert!(said.contains(part), "it should name {part}:\n{said}");
    }
    assert!(!said.contains("panicked"), "{said}");
    let mut last = serde_json::Value::Null;
    for line in said.lines() {
        last = serde_json::from_str(line).unwrap_or_else(|error| panic!("no JSON line ({error}): {line}"));
    }
    assert_eq!(last["fatal"], true, "{said}");
}

/// Rule files with one fault each: the file, its place, its code, and a word of what is wrong.
const FAULTY: [(&str, &str, &str); 9] = [
    ("[[subscription]]\nname = \"a\ncallback = 'http://h/'\n", "a.toml:2:", "RB0002"),
    ("[[subscription]]\nname = 'a'\ncalback = 'http://h/'\nwatchPath = ['* /']\n", "a.toml:3:1", "RB0003"),
    ("[[subscription]]\nname = 'a'\ncallback = 'http://h/'\nwatchMetadata = ['City']\n", "a.toml:4:", "RB0012"),
    ("[[subscription]]\nname = 'a'\ncallback = 'http://h/'\nwatchMetadata = ['Rating>=four']\n", "a.toml:4:", "RB0020"),
    ("[[subscription]]\nname = 'a'\ncallback = 'http://h/'\nwatchPath = ['* acme']\n", "a.toml:4:", "RB0010"),
    ("[[subscription]]\nname = 'a'\ncallback = 'ftp://h/'\nwatchPath = ['* /']\n", "a.toml:3:", "RB0014"),
    ("[[subscription]]\nname = 'a'\ncallback = 'http://h/'\n", "a.toml:1:", "RB0019"),
    ("[[subscription]]\nname = 'a b'\ncallback = 'http://h/'\nwatchPath = ['* /']\n", "a.toml:2:", "RB0008"),
    (
        "[[subscription]]\nname = 'a'\ncallback = 'http://h/'\nwatchPath = ['* /']\n\
         [[subscription]]\nname = 'a'\ncallback = 'http://h/'\nwatchPath = ['* /']\n",
        "a.toml:6:",
        "RB0009",
    ),
];

#[test]
fn a_faulty_rule_file_refuses_the_first_start() {
    for (text, at, code) in FAULTY {
        let place = Place::new(text);
        check_refused(&place, LASTING, &[at, &format!("error[{code}]")]);
        // With the fault mended, the same state directory will do.
        place.rule("");
        drop(place.start());
    }
}

#[test]
fn a_faulty_edit_leaves_the_last_good_rules_in_force() {
    let _turn = turns::light();
    let sink = Sink::new();
    let place = Place::new(&sink.rule("old", "* /old"));
    let mut daemon = place.start();
    assert_eq!(daemon.status()["rules"]["faults"], serde_json::json!([]));
    for (text, at, code) in FAULTY {
        place.rule(text);
        let status = daemon.status_until("the fault is shown", |status| {
            status["rules"]["faults"].as_array().is_some_and(|faults| {
                faults.iter().any(|fault| fault.as_str().is_some_and(|text| text.contains(at) && text.contains(code)))
            })
        });
        assert_eq!(status["rules"]["subscriptions"], 1, "{status}");
    }
    place.write("/old/1", "one");
    sink.wait_line("added /old/1");
    // A restart over the bad file runs on the last good set.
    daemon.kill();
    daemon = place.start();
    let status = daemon.status_until("the fault is shown", |status| status["rules"]["faults"] != serde_json::json!([]));
    assert_eq!(status["rules"]["subscriptions"], 1, "{status}");
    place.write("/old/2", "one");
    sink.wait_line("added /old/2");

    let began = Instant::now();
    place.rule(&sink.rule("new", "* /new"));
    daemon.status_until("the fault is gone", |status| status["rules"]["faults"] == serde_json::json!([]));
    assert!(began.elapsed() < RELOADED, "{:?}", began.elapsed());
    place.write("/old/3", "one");
    place.write("/new/3", "one");
    assert_eq!(lines(&daemon.settled(&place, &sink, "/new")), ["added /old/1", "added /old/2", "added /new/3"]);
}

#[test]
fn a_good_edit_is_in_force_within_a_second() {
    let _turn = turns::light();
    let sink = Sink::new();
    let place = Place::new(&sink.rule("a", "* /a"));
    let daemon = place.start();
    let generation = |status: &serde_json::Value| status["rules"]["generation"].as_i64().expect("a number");
    let mut now = generation(&daemon.status());
    type Save = fn(&Place, &str);
    let ways: [Save; 3] = [
        |place, text| place.rule(text),
        |place, text| {
            let aside = place.rules.join(".a.toml.swp");
            fs::write(&aside, text).expect("written");
            fs::rename(aside, place.rules.join("a.toml")).expect("renamed");
        },
        // A further file, in a directory of its own.
        |place, text| {
            fs::create_dir(place.rules.join("more")).expect("a directory");
            fs::write(place.rules.join("more/b.toml"), text.replace("'b'", "'further'")).expect("written");
        },
    ];
    for (n, save) in ways.into_iter().enumerate() {
        let began = Instant::now();
        save(&place, &sink.rule("b", &format!("* /b{n}")));
        let status = daemon.status_until("a new generation", |status| generation(status) > now);
        assert!(began.elapsed() < RELOADED, "{:?}", began.elapsed());
        now = generation(&status);
        place.write(&format!("/b{n}/1"), "one");
        sink.wait_line(&format!("added /b{n}/1"));
    }
    assert_eq!(daemon.status()["rules"]["subscriptions"], 2);
    // What a rule was owed is not lost with an edit, and a rule that is gone is silent.
    fs::remove_dir_all(place.rules.join("more")).expect("removed");
    daemon.status_until("a new generation", |status| generation(status) > now);
    place.write("/b2/2", "one");
    place.write("/b1/2", "one");
    let told = daemon.settled(&place, &sink, "/b1");
    assert_eq!(lines(&told)[3..], ["added /b1/2"]);
}

#[test]
fn what_a_rule_was_owed_survives_its_edit() {
    let sink = Sink::new();
    let rule = |watch: &str| format!("{}retry = ['100ms']\nretryCount = 100\n", sink.rule("a", watch));
    let place = Place::new(&rule("* /a"));
    let daemon = place.start();
    sink.behave(|_| 500);
    for n in 0..3 {
        place.write(&format!("/a/{n}"), "one");
        daemon.sync();
    }
    daemon.status_until("they wait", |status| status["outbox"]["entries"] == 2);
    place.rule(&rule("* /b"));
    daemon.status_until("the edit", |status| status["rules"]["generation"] == 2);
    place.write("/a/3", "one");
    place.write("/b/3", "one");
    daemon.sync();
    sink.behave(|_| 200);
    let told = daemon.settled(&place, &sink, "/b");
    assert_eq!(lines(&told), ["added /a/0", "added /a/1", "added /a/2", "added /b/3"]);
}

#[test]
fn it_ends_when_told_to() {
    let sink = Sink::new();
    let place = Place::new(&sink.rule_all());
    let daemon = place.start();
    place.write("/1", "one");
    sink.wait_line("added /1");
    assert_eq!(daemon.stop().code(), Some(0));
    let daemon = place.start();
    assert_eq!(lines(&daemon.settled(&place, &sink, "/")), ["added /1"]);
}
