//! Rules in the daemon: expressions, events by name, symbolic links as Kubernetes swaps them, and what the journal says
//! of it.

use std::fs;
use std::os::unix::fs::symlink;

use crate::daemon::Place;
use crate::sink::Sink;

#[test]
fn expressions_and_events_call_back_and_the_journal_has_the_events() {
    let sink = Sink::new();
    let rule = |name: &str, condition: &str| {
        format!("[[subscription]]\nname = '{name}'\ncallback = '{}'\n{condition}\n", sink.url(&format!("/{name}")))
    };
    let rules = [
        rule("masters", "when = 'action == added and ext in (mov, mxf) and size >= 4B'"),
        rule("good", "watchMetadata = ['Rating>=4']"),
        rule("scans", "events = ['scanned']"),
        "[[event]]\nname = 'scanned'\nwatchMetadata = ['Scan==*']\n".to_owned(),
        "[event.fields]\nresult = '{metadata.Scan}'\nfile = '{asset.path}'\n".to_owned(),
    ]
    .concat();
    let place = Place::new(&rules);
    let daemon = place.start();
    place.write("/a.mov", "whole");
    place.write("/b.mov", "new");
    place.write("/c.jpg", "whole");
    daemon.sync();
    for set in [r#"{"Rating":["4.0"]}"#, r#"{"Rating":["3.99"]}"#, r#"{"Scan":["passed"]}"#] {
        let answer = daemon.records(&format!(r#"{{"path":"/b.mov","set":{set}}}"#));
        assert_eq!(answer.status, 202, "{answer:?}");
    }
    sink.wait("three callbacks", |told| told.len() == 3);
    daemon.sync();
    let mut told: Vec<String> = sink.calls().iter().map(|call| call.received.path_and_query.to_string()).collect();
    told.sort();
    assert_eq!(told, ["/good", "/masters", "/scans"]);
    daemon.stop();

    // Started again over the same rules, nothing is news.
    place.start().stop();
    let ledger = rusqlite::Connection::open(place.state.join("ledger.db")).expect("the ledger");
    let events: Vec<(String, Option<String>)> = ledger
        .prepare("SELECT name, fields FROM events ORDER BY seq")
        .and_then(|mut sql| sql.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
        .expect("events");
    let shown: Vec<_> =
        events.iter().map(|(name, fields)| format!("{name} {}", fields.as_deref().unwrap_or_default())).collect();
    assert_eq!(
        shown,
        [
            r#"rule.created {"name":"masters"}"#,
            r#"rule.created {"name":"good"}"#,
            r#"rule.created {"name":"scans"}"#,
            r#"rules.reloaded {"subscriptions":3}"#,
            r#"scanned {"result":"passed","file":"/b.mov"}"#,
        ]
    );
}

/// `rules/` as a mounted ConfigMap: files are links into `..data`, a link that is swapped for another directory's.
#[test]
fn a_swapped_link_is_an_edit() {
    let sink = Sink::new();
    let place = Place::new("");
    fs::remove_file(place.rules.join("a.toml")).expect("the rules' file");
    let version = |name: &str, watch: &str| {
        let dir = place.rules.join(name);
        fs::create_dir(&dir).expect("a directory");
        fs::write(dir.join("a.toml"), sink.rule("a", watch)).expect("rules");
    };
    version("..one", "* /one");
    version("..two", "* /two");
    symlink("..one", place.rules.join("..data")).expect("a link");
    symlink("..data/a.toml", place.rules.join("a.toml")).expect("a link");
    let daemon = place.start();
    place.write("/one/a", "1");
    sink.wait_line("added /one/a");
    symlink("..two", place.rules.join("..new")).expect("a link");
    fs::rename(place.rules.join("..new"), place.rules.join("..data")).expect("a swap");
    daemon.status_until("the second generation", |status| status["rules"]["generation"] == 2);
    place.write("/one/b", "1");
    place.write("/two/b", "1");
    sink.wait_line("added /two/b");
    daemon.sync();
    assert!(sink.told().iter().all(|told| told.line() != "added /one/b"));
    daemon.stop();
}

/// A directory that is not there is looked for until it is back. That it still is not is no news.
#[test]
fn rules_that_cannot_be_read_are_told_of_once_and_read_once_they_can_be() {
    let sink = Sink::new();
    let place = Place::new(&sink.rule("a", "* /one"));
    let daemon = place.start();
    let away = place.rules.with_file_name("away");
    fs::rename(&place.rules, &away).expect("a rename");
    let faults = |status: &serde_json::Value| status["rules"]["faults"].as_array().map(Vec::len);
    daemon.status_until("the fault", |status| faults(status) == Some(1));
    // Time for five looks.
    std::thread::sleep(std::time::Duration::from_millis(1_300));
    let log = daemon.log();
    assert_eq!(log.matches("cannot list the rules").count(), 1, "{log}");
    fs::write(away.join("a.toml"), sink.rule("a", "* /two")).expect("rules");
    fs::rename(&away, &place.rules).expect("a rename");
    daemon.status_until("no fault", |status| faults(status) == Some(0));
    place.write("/two/a", "1");
    sink.wait_line("added /two/a");
    daemon.stop();
}
