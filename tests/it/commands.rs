//! The commands that talk to a running daemon.

use std::fs;
use std::process::Command;

use crate::daemon::{Daemon, Place, until};
use crate::sink::{Sink, lines};
use crate::turns;

/// Runs a command against a daemon: its exit code, and what it printed to both outputs.
pub fn ringback(place: &Place, daemon: &Daemon, words: &[&str]) -> (Option<i32>, String) {
    run(words, &format!("http://{}", daemon.address), &place.state.display().to_string(), None)
}

fn run(words: &[&str], url: &str, state: &str, token: Option<&str>) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringback"));
    command.args(words).args(["--url", url, "--state", state]).env_remove("RINGBACK_TOKEN");
    if let Some(token) = token {
        command.env("RINGBACK_TOKEN", token);
    }
    let turn = turns::starting();
    let child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn();
    drop(turn);
    let out = child.expect("the binary starts").wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    (out.status.code(), text)
}

#[test]
fn sync_waits_for_what_was_written() {
    let sink = Sink::new();
    let place = Place::new(&sink.rule_all());
    let daemon = place.start();
    for round in 0..5 {
        place.write(&format!("/{round}/a"), "one");
        let (code, text) = ringback(&place, &daemon, &["sync", "--json", "--timeout", "20s"]);
        let answer: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert!(code == Some(0) && answer["offline"] == serde_json::json!([]), "{code:?} {text}");
        let rrn = answer["rrn"].as_i64().expect("a number");
        let line = format!("added /{round}/a");
        sink.wait(&line, |told| told.iter().any(|one| one.line() == line && one.rrn <= rrn));
    }
    let (code, text) = ringback(&place, &daemon, &["sync"]);
    assert!(code == Some(0) && text.starts_with("everything that was written is matched"), "{code:?} {text}");
}

#[test]
fn rescan_finds_what_nothing_hinted() {
    let sink = Sink::new();
    let mut place = Place::new(&sink.rule_all());
    place.configure("[[mount]]\npath = '/acme'\ndir = '{store}'\nwatch = 'inotify'\nverify = '0s'\n");
    let daemon = place.start();
    for name in ["/d/1", "/e/2"] {
        place.write(name, "one");
    }
    // A close that is heard after a link has moved the ctime may be that of another write within the same tick.
    daemon.sync();
    sink.wait("both", |told| told.len() == 2);
    // Written by names outside of the store, which makes no event inside.
    let write_unseen = |name: &str| {
        let outside = place.store.with_file_name("another-name");
        fs::hard_link(place.at(name), &outside).expect("linked");
        daemon.sync();
        let turn = turns::writing();
        fs::write(&outside, format!("{name} from outside")).expect("written");
        drop(turn);
        fs::remove_file(&outside).expect("removed");
    };
    write_unseen("/d/1");
    let (code, text) = ringback(&place, &daemon, &["rescan", "/acme/d", "--wait"]);
    assert!(code == Some(0) && text.starts_with("the scan is done"), "{code:?} {text}");
    sink.wait_line("modified /acme/d/1");
    write_unseen("/e/2");
    let (code, text) = ringback(&place, &daemon, &["rescan"]);
    assert!(code == Some(0) && text.starts_with("scanning /acme;"), "{code:?} {text}");
    sink.wait_line("modified /acme/e/2");
    assert_eq!(lines(&sink.told()).len(), 4);
    let (code, text) = ringback(&place, &daemon, &["rescan", "/none"]);
    assert!(code == Some(1) && text.contains("\"/none\" lies in no mount; there are: /acme"), "{code:?} {text}");
}

#[test]
fn status_says_what_is_wrong_and_exits_so() {
    let sink = Sink::new();
    let place = Place::new(&sink.rule_all());
    let daemon = place.start();
    place.write("/1", "one");
    daemon.sync();
    daemon.status_until("it is watched", |status| status["mounts"][0]["state"] == "watching");
    let (code, text) = ringback(&place, &daemon, &["status"]);
    assert!(code == Some(0) && text.contains("watching") && text.contains("watched by: "), "{code:?} {text}");
    fs::remove_dir_all(&place.store).expect("removed");
    daemon.status_until("it is offline", |status| status["mounts"][0]["state"] == "offline");
    let (code, text) = ringback(&place, &daemon, &["status"]);
    assert!(code == Some(1) && text.contains("why: its directory is not there"), "{code:?} {text}");
    let first = text.lines().nth(1).unwrap_or_default();
    assert!(first.starts_with("mount, since ") && first.contains("/ is offline: its directory is not there"), "{text}");
    let (code, text) = ringback(&place, &daemon, &["sync"]);
    assert!(code == Some(1) && text.contains("but for what is offline: /"), "{code:?} {text}");
    let (code, text) = ringback(&place, &daemon, &["status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((code, &status["mounts"][0]["state"]), (Some(1), &"offline".into()));
}

#[test]
fn what_keeps_a_command_from_the_daemon_is_said() {
    let sink = Sink::new();
    let place = Place::new(&sink.rule_all());
    let daemon = place.start();
    let url = format!("http://{}", daemon.address);
    let state = place.state.display().to_string();
    /// Words, URL, state directory, token, and what comes of it: exit code, and a part of what is said.
    type Case<'a> = (&'a [&'a str], &'a str, &'a str, Option<&'a str>, i32, &'a str);
    let other = "is not sent to 127.0.0.1:1: set RINGBACK_TOKEN";
    let cases: [Case<'_>; 7] = [
        (&["sync"], &url, "/nowhere", None, 1, "RINGBACK_TOKEN is not set, and /nowhere/token cannot be read"),
        (&["sync"], &url, "/nowhere", Some("wrong-token-wrong-token"), 1, "401 Unauthorized"),
        (&["status"], "http://127.0.0.1:1", &state, None, 1, other),
        (&["status"], "https://127.0.0.1:1", &state, None, 1, other),
        (
            &["status"],
            "http://127.0.0.1:1",
            &state,
            Some("t"),
            3,
            "cannot reach ringback at 127.0.0.1:1: is it running?",
        ),
        (&["status"], "https://127.0.0.1:1", &state, Some("t"), 3, "cannot reach ringback at 127.0.0.1:1"),
        (&["sync", "--timeout", "soon"], &url, &state, None, 2, "--timeout <DURATION>"),
    ];
    for (words, url, state, token, code, expect) in cases {
        let (found, text) = run(words, url, state, token);
        assert!(found == Some(code) && text.contains(expect), "{words:?} {url}: {found:?} {text}");
    }
    // Whoever listens there now is not the daemon: it does not get the token.
    assert!(daemon.stop().success());
    let (code, text) = run(&["status"], &url, &state, None);
    assert!(code == Some(3) && text.contains("is it running? Nothing in"), "{code:?} {text}");
}

/// A scan that nobody waits for is a task, and goes on after a kill.
#[test]
fn a_rescan_is_a_task_that_has_an_end() {
    let sink = Sink::new();
    let place = Place::new(&sink.rule_all());
    for dir in 0..200 {
        place.write(&format!("/{dir}/a"), "one");
    }
    let daemon = place.start();
    daemon.ready();
    let (code, text) = ringback(&place, &daemon, &["rescan", "--json"]);
    let answer: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let task = answer["task"].as_str().unwrap_or_else(|| panic!("{code:?} {text}")).to_owned();
    daemon.kill();
    let daemon = place.start();
    let shown = until("the scan has an end", || {
        let (code, text) = ringback(&place, &daemon, &["tasks", "show", &task, "--json"]);
        let shown: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{code:?} {text}"));
        (shown["state"] == "done").then_some(shown)
    });
    assert_eq!(
        (&shown["task"], &shown["by"], &shown["total"]),
        (&"rescan".into(), &"administrator".into(), &201.into())
    );
    assert!(shown["done"].as_u64() >= Some(201) && shown["result"]["offline"] == serde_json::json!([]), "{shown}");
    let (code, text) = ringback(&place, &daemon, &["rescan", "/7"]);
    assert!(code == Some(0) && text.contains("`ringback tasks show "), "{code:?} {text}");
}

/// Nothing is there and nothing is known: a mistyped path does not look like success.
#[test]
fn rescan_of_what_is_nowhere_fails() {
    let sink = Sink::new();
    let place = Place::new(&sink.rule_all());
    place.write("/d/1", "one");
    let daemon = place.start();
    for words in [&["rescan", "/nope", "--wait"] as &[&str], &["rescan", "/nope"], &["rescan", "/d/nope/deeper"]] {
        let (code, text) = ringback(&place, &daemon, words);
        assert!(code == Some(1) && text.contains("there is no file or directory at"), "{words:?}: {code:?} {text}");
    }
    for words in [&["rescan", "/d/1", "--wait"] as &[&str], &["rescan", "/d"], &["rescan", "/"], &["rescan"]] {
        let (code, text) = ringback(&place, &daemon, words);
        assert_eq!(code, Some(0), "{words:?}: {text}");
    }
    // What is known and has gone, unheard or not, is scanned, and its deletion reported.
    std::fs::remove_dir_all(place.at("/d")).expect("removed");
    sink.wait_line("deleted /d/1");
    let (code, text) = ringback(&place, &daemon, &["rescan", "/d/1"]);
    assert_eq!(code, Some(1), "it is not known any more: {text}");
    let outside = place.store.with_file_name("away");
    fs::rename(&place.store, &outside).expect("renamed");
    daemon.status_until("it is offline", |status| status["mounts"][0]["state"] == "offline");
    for words in [&["rescan", "/d"] as &[&str], &["rescan"], &["rescan", "/d", "--wait"], &["sync"]] {
        let (code, text) = ringback(&place, &daemon, words);
        assert!(code == Some(1) && text.contains("offline: /"), "{words:?}: {code:?} {text}");
    }
}
