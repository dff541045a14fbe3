//! What an admin meets who looks after rules: what a reload says, what is in force, why a rule would not fire, and a
//! configuration that is read again while the daemon runs.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::daemon::{Daemon, Place, digest_of, until};
use crate::http;
use crate::sink::Sink;
use crate::turns;

/// Runs a command on the daemon of a place.
fn ringback(place: &Place, words: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringback"));
    command.args(words).arg("--state").arg(&place.state).env_remove("RINGBACK_TOKEN").stdin(Stdio::null());
    let turn = turns::starting();
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    drop(turn);
    let out = child.expect("the binary starts").wait_with_output().expect("it ends");
    (out.status.code(), String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr))
}

/// What a command of a daemon prints as JSON.
fn json_of(place: &Place, words: &[&str]) -> Value {
    let (code, text) = ringback(place, words);
    assert_eq!(code, Some(0), "{words:?}: {text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Waits for a log line that has all of these.
#[track_caller]
fn logged(daemon: &Daemon, parts: &[&str]) {
    let has_all = |line: &str| parts.iter().all(|part| line.contains(part));
    let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        until("a log line", || daemon.log().lines().any(has_all).then_some(()));
    }));
    assert!(found.is_ok(), "no line of the log has {parts:?}:\n{}", daemon.log());
}

#[test]
fn a_reload_names_the_rules_that_differ_or_says_why_none_does() {
    let sink = Sink::new();
    let place = Place::new(&(sink.rule("one", "* /1") + &sink.rule("two", "* /2")));
    let daemon = place.start();
    daemon.signal(libc::SIGHUP);
    logged(&daemon, &["the rules are those before: no rule file has changed"]);
    place.rule(&(sink.rule("two", "+ /2") + &sink.rule("three", "* /3")));
    logged(&daemon, &["the rules differ", r#""added":"three""#, r#""changed":"two""#, r#""removed":"one""#]);
    place.rule(&("# As before.\n".to_owned() + &sink.rule("two", "+ /2") + &sink.rule("three", "* /3")));
    logged(&daemon, &["the rules are those before: the files differ"]);
    fs::write(place.rules.join("b.tml"), "").expect("a file");
    daemon.signal(libc::SIGHUP);
    logged(&daemon, &["b.tml", "RB0116", "rename it to b.toml"]);
    // What differs from what the last process knew is said at the start.
    assert!(daemon.stop().success());
    place.rule(&sink.rule("two", "+ /2"));
    let daemon = place.start();
    logged(&daemon, &["the rules differ", r#""removed":"three""#]);
}

#[test]
fn the_rules_in_force_are_listed_and_when_each_last_fired_outlives_a_crash() {
    let sink = Sink::new();
    let event = "[[event]]\nname = 'scanned'\nwatchPath = ['* /d']\n";
    let asks = sink.rule("asks", "* /nowhere") + "events = ['scanned']\n";
    let place = Place::new(&(sink.rule("dailies", "* /d") + &sink.rule("others", "* /e") + &asks + event));
    let daemon = place.start();
    place.write("/d/a", "one");
    sink.wait_line("added /d/a");
    daemon.sync();
    let listed = || json_of(&place, &["rules", "--json"]);
    let rule = |listed: &Value, name: &str| {
        let rules = listed["rules"].as_array().expect("a list");
        rules.iter().find(|rule| rule["name"] == name).unwrap_or_else(|| panic!("{listed}")).clone()
    };
    let found = listed();
    assert_eq!((found["generation"].as_u64(), found["onDisk"].as_str()), (Some(1), Some("same")), "{found}");
    let dailies = rule(&found, "dailies");
    assert_eq!((dailies["line"].as_u64(), dailies["kind"].as_str()), (Some(1), Some("subscription")), "{dailies}");
    assert!(dailies["file"].as_str().is_some_and(|file| file.ends_with("rules/a.toml")), "{dailies}");
    assert_eq!(rule(&found, "others").get("lastFired"), None);
    let fired = dailies["lastFired"].clone();
    assert!(fired["seq"].as_i64().is_some_and(|seq| seq > 0) && fired["time"].is_string(), "{dailies}");
    assert!(rule(&found, "scanned")["lastFired"]["seq"].is_number(), "{found}");

    daemon.kill();
    let daemon = place.start();
    assert_eq!(rule(&listed(), "dailies")["lastFired"], fired);

    // What is on the disk is not what is in force.
    fs::write(place.rules.join("b.toml"), "[[subscription]]\nnam = 'b'\n").expect("a file");
    daemon.status_until("the fault is seen", |status| status["rules"]["faults"] != json!([]));
    let (code, text) = ringback(&place, &["rules"]);
    assert!(code == Some(1) && text.starts_with("the rule files have faults; the last good"), "{code:?} {text}");
    assert!(text.contains("b.toml:2: [RB0003]") && text.contains("dailies"), "{text}");
    fs::remove_file(place.rules.join("b.toml")).expect("removed");
    until("the rules are as before", || (listed_quietly(&place)? == "same").then_some(()));
    fs::rename(&place.rules, place.rules.with_file_name("away")).expect("moved");
    until("they are gone", || (listed_quietly(&place)? == "faulty").then_some(()));
    let (_, text) = ringback(&place, &["rules"]);
    assert!(text.contains("[RB0034]") && text.contains("dailies"), "{text}");
}

/// What the files are beside the rules in force.
fn listed_quietly(place: &Place) -> Option<String> {
    let (_, text) = ringback(place, &["rules", "--json"]);
    let listed: Value = serde_json::from_str(&text).ok()?;
    listed["onDisk"].as_str().map(str::to_owned)
}

#[test]
fn explain_asks_the_running_daemon_and_says_where_nothing_is_seen() {
    let sink = Sink::new();
    let place = Place::new(&sink.rule("dailies", "* /d"));
    place.write("/d/a.mov", "one");
    std::os::unix::fs::symlink("d", place.at("/link")).expect("a link");
    let daemon = place.start();
    let on_disk = place.at("/d/a.mov").display().to_string();
    let (code, text) = ringback(&place, &["explain", "--path", &on_disk, "--action", "modified"]);
    let expect = format!(
        "fires  dailies  because * /d\n\nthe one rule fires when {on_disk} is modified\nby the rules in force at"
    );
    assert!(code == Some(0) && text.starts_with(&expect), "{code:?} {text}");
    for (path, action, stopped) in [
        ("/d/.hidden", "added", "ignored"),
        ("/link/a.mov", "added", "symbolic-link"),
        ("/d/a.mov", "none", "no-change"),
    ] {
        let found = json_of(&place, &["explain", "--path", path, "--action", action, "--json"]);
        assert_eq!(
            (&found["stopped"], &found["rules"][0]["fires"]),
            (&json!(stopped), &json!(false)),
            "{path}: {found}"
        );
    }
    // New rules on what has happened.
    place.write("/d/b.mov", "one");
    place.write("/e/c.mov", "one");
    sink.wait_line("added /d/b.mov");
    daemon.sync();
    let tried = place.rules.with_file_name("tried.toml");
    fs::write(&tried, sink.rule("tried", "+ /e")).expect("a file");
    let tried = tried.display().to_string();
    let found = json_of(&place, &["explain", "--journal", "100", "--rules", &tried, "--json"]);
    assert_eq!(
        (&found["journal"]["fired"], &found["journal"]["first"][0]["path"]),
        (&json!(1), &json!("/e/c.mov")),
        "{found}"
    );
    let (code, text) = ringback(&place, &["explain", "--journal", "100"]);
    assert!(code == Some(0) && text.contains("a rule in force fires on 1 of the newest 2 changes"), "{code:?} {text}");
    // Where none runs, the files are read.
    assert!(daemon.stop().success());
    let (code, text) = ringback(&place, &["explain", "--path", "/d/a", "--action", "added"]);
    assert!(code == Some(2) && text.contains("no daemon runs here"), "{code:?} {text}");
}

#[test]
fn the_configuration_is_taken_up_while_the_daemon_runs_as_far_as_it_can_be() {
    let sink = Sink::new();
    let mut place = Place::new(&sink.rule_all());
    let config = |more: &str| format!("[[mount]]\npath = '/'\ndir = '{{store}}'\n{more}");
    let principal = |name: &str, token: &str| {
        let digest = digest_of(token);
        format!("[[principal]]\nname = '{name}'\nrole = 'super-administrator'\ntoken_sha256 = '{digest}'\n")
    };
    place.configure(&config(&principal("jo", "jos-token")));
    let daemon = place.start();
    let status_as = |token: &str| {
        let authorization = format!("Bearer {token}");
        http::request(daemon.address, "GET /v1/status", &[("Authorization", &authorization)], b"")
            .expect("an answer")
            .status
    };
    assert_eq!((status_as("jos-token"), status_as("anas-token")), (200, 401));

    place.configure(&config(&(principal("ana", "anas-token") + "[delivery]\ntimeout = '3s'\n")));
    daemon.signal(libc::SIGHUP);
    logged(&daemon, &["counts from now on", "[[principal]], [delivery] timeout"]);
    assert_eq!((status_as("jos-token"), status_as("anas-token")), (401, 200));
    // The local administrator is let in whatever principals there are, and deliveries go on.
    assert_eq!(ringback(&place, &["status"]).0, Some(0));
    place.write("/a", "one");
    sink.wait_line("added /a");

    // What needs a restart is named, and said again.
    let moved = config(&(principal("ana", "anas-token") + "[delivery]\ntimeout = '3s'\n"))
        .replace("'{store}'\n", "'{store}'\nverify = '2h'\n");
    place.configure(&moved);
    for _ in 0..2 {
        let before = daemon.log().matches("needs a restart").count();
        daemon.signal(libc::SIGHUP);
        until("it is said", || (daemon.log().matches("needs a restart").count() > before).then_some(()));
    }
    logged(&daemon, &["needs a restart", "[[mount]] /"]);

    // A faulty file leaves the old one in force, and is a trouble.
    place.configure(&config("[delivery]\ntimeuot = '3s'\n"));
    daemon.signal(libc::SIGHUP);
    let status = daemon.status_until("it is a trouble", |status| status["troubles"] != json!([]));
    let trouble = &status["troubles"][0];
    assert_eq!((&trouble["kind"], &trouble["subject"]), (&json!("rules"), &json!("ringback.toml")), "{status}");
    assert!(trouble["text"].as_str().is_some_and(|text| text.contains("did you mean `timeout`?")), "{trouble}");
    assert_eq!(status_as("anas-token"), 200);
    assert_eq!(ringback(&place, &["status"]).0, Some(1));
    place.configure(&moved);
    daemon.signal(libc::SIGHUP);
    daemon.status_until("the trouble is over", |status| status["troubles"] == json!([]));
}
