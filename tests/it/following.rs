//! `ringback log`, `health` and `completions`.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::commands::ringback;
use crate::daemon::Place;
use crate::turns;

#[test]
fn the_log_shows_what_was_recorded_by_path_and_by_kind() {
    let place = Place::new("");
    let daemon = place.start();
    for name in ["/a/1.mov", "/a/2.jpg", "/b/3.mov"] {
        place.write(name, "one");
    }
    daemon.sync();
    std::fs::remove_file(place.at("/a/1.mov")).expect("a file");
    daemon.sync();
    let paths = |words: &[&str]| -> Vec<String> {
        let (code, text) = ringback(&place, &daemon, &[&["log"], words].concat());
        assert_eq!(code, Some(0), "{text}");
        let row = |line: &str| {
            let words: Vec<_> = line.split_whitespace().collect();
            format!("{} {}", words[2], words[3])
        };
        text.lines().map(row).collect()
    };
    let all = paths(&["--path", "/"]);
    assert_eq!((all.len(), all.last().map(String::as_str)), (4, Some("deleted /a/1.mov")), "{all:?}");
    assert_eq!(paths(&["--path", "/**/*.mov", "--action", "added"]).len(), 2);
    assert_eq!(paths(&["--action", "deleted"]), ["deleted /a/1.mov"]);
    let (code, text) = ringback(&place, &daemon, &["log", "--action", "deleted", "--json"]);
    let row: serde_json::Value = serde_json::from_str(&text).expect("a row a line");
    assert_eq!((code, &row["path"]), (Some(0), &serde_json::json!("/a/1.mov")));
    let (code, text) = ringback(&place, &daemon, &["log", "--action", "moved"]);
    assert!(code == Some(1) && text.contains("there are added, modified, deleted, none"), "{code:?} {text}");
}

/// Through a kill -9 it goes on by itself with the daemon that comes next, whatever its port, and misses nothing.
#[test]
fn the_log_is_followed_through_a_restart() {
    let place = Place::new("");
    let daemon = place.start();
    let turn = turns::starting();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringback"));
    command
        .args(["log", "-f", "--path", "/", "--since", "0", "--state"])
        .arg(&place.state)
        .env_remove("RINGBACK_TOKEN");
    let mut log = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the binary starts");
    drop(turn);
    let (lines, heard) = mpsc::channel();
    let out = BufReader::new(log.stdout.take().expect("a pipe"));
    let reading = std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| lines.send(line)));
    let next = |what: &str| {
        let line = heard.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|_| panic!("{what} is not followed"));
        assert!(line.contains(what), "{line}");
    };
    place.write("/1", "one");
    next("added     /1 ");
    place.write("/2", "one");
    daemon.sync();
    daemon.kill();
    let daemon = place.start();
    next("added     /2 ");
    place.write("/3", "one");
    daemon.sync();
    next("added     /3 ");
    log.kill().expect("it runs");
    log.wait().expect("it ends");
    assert!(reading.join().is_ok());
}

#[test]
fn health_says_whether_the_daemon_lives_and_is_ready() {
    let place = Place::new("");
    let daemon = place.start();
    daemon.ready();
    let (code, text) = ringback(&place, &daemon, &["health"]);
    assert_eq!((code, text.trim()), (Some(0), "it lives"));
    let (code, text) = ringback(&place, &daemon, &["health", "--ready"]);
    assert_eq!((code, text.trim()), (Some(0), "it is ready"));
    let address = daemon.address;
    daemon.stop();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringback"));
    command.args(["health", "--url", &format!("http://{address}")]);
    let out = command.output().expect("it runs");
    assert_eq!(out.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&out.stderr).contains("cannot reach ringback"));
}
