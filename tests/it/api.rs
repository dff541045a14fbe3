//! The API over the wire: who may, what is durable when, and what is answered.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::daemon::{Daemon, Place, digest_of, until};
use crate::http;
use crate::sink::{Sink, lines};

const NDJSON: (&str, &str) = ("Content-Type", "application/x-ndjson");

/// One rule, so that what it tells comes in order: over metadata anywhere, and over new files in `/m`, for the marker.
fn tagged(sink: &Sink, clauses: &str) -> String {
    let rule = sink.rule_of("tagged", &["/", "+ /m"]);
    format!("{rule}watchMetadata = {clauses}\nlogicalOperand = 'AND'\n")
}

#[test]
fn an_accepted_record_survives_a_kill_at_once() {
    let sink = Sink::new();
    let place = Place::new(&tagged(&sink, "['City==SFO', 'Rating==5']"));
    place.write("/a.jpg", "one");
    for round in 0..10 {
        let daemon = place.start();
        let set =
            daemon.records(&format!(r#"{{"path": "/a.jpg", "set": {{"City": "SFO"}}, "unset": ["Round{round}"]}}"#));
        daemon.kill();
        assert_eq!(set.status, 202, "{}", set.text());
        let daemon = place.start();
        let set = daemon.records(r#"{"path": "/a.jpg", "set": {"Rating": ["5"]}}"#);
        daemon.kill();
        assert_eq!(set.status, 202, "{}", set.text());
        // It fires when the second of the two comes true, in spite of the kill between them.
        let daemon = place.start();
        let told = sink.told().iter().filter(|one| !one.path.contains("/marker-")).count();
        sink.wait("the callback", |told| told.iter().filter(|one| one.line() == "none /a.jpg").count() > round);
        assert!(told <= round + 1);
        let unset = daemon.records(r#"{"path": "/a.jpg", "unset": ["City", "Rating"]}"#);
        assert_eq!(unset.status, 202);
        daemon.kill();
    }
    let daemon = place.start();
    assert_eq!(lines(&daemon.settled(&place, &sink, "/m")), vec!["none /a.jpg"; 10]);
}

#[test]
fn a_record_waits_for_its_asset() {
    let sink = Sink::new();
    let place = Place::new(&tagged(&sink, "['City==SFO']"));
    let daemon = place.start();
    let answer = daemon.records(r#"{"path": "/later/1.jpg", "set": {"City": "SFO"}}"#);
    assert_eq!(answer.status, 202, "{}", answer.text());
    let counts = |answer: &http::Answer| {
        ["accepted", "applied", "kept"].map(|count| answer.json()[count].as_u64().expect("a number"))
    };
    assert_eq!(counts(&answer), [1, 0, 1]);
    assert_eq!(lines(&daemon.settled(&place, &sink, "/m")), [""; 0]);
    daemon.kill();
    let daemon = place.start();
    place.write("/later/1.jpg", "one");
    place.write("/later/2.jpg", "one");
    let told = daemon.settled(&place, &sink, "/m");
    assert_eq!(lines(&told), ["added /later/1.jpg"]);
    // By number, and again with the same value: nothing is new.
    let id = told[0].asset_id;
    let applied = daemon.records(&format!(
        "{{\"assetId\": {id}, \"set\": {{\"City\": \"SFO\"}}}}\n{{\"path\": \"/nowhere\", \"unset\": [\"City\"]}}\n\
         {{\"path\": \"/later/2.jpg\", \"unset\": [\"Rating\"]}}"
    ));
    assert_eq!((applied.status, counts(&applied)), (202, [3, 2, 1]));
    assert_eq!(daemon.settled(&place, &sink, "/m").len(), 1);
    assert_eq!(daemon.records(&format!(r#"{{"assetId": {id}, "set": {{"City": ["LAX", "SFO"]}}}}"#)).status, 202);
    assert_eq!(daemon.settled(&place, &sink, "/m").len(), 1, "SFO was there before");
    let unknown = daemon.records(r#"{"assetId": 999999, "set": {"City": "SFO"}}"#);
    assert_eq!(unknown.status, 422, "{}", unknown.text());
}

#[test]
fn a_bad_record_refuses_the_whole_request_and_says_which() {
    let sink = Sink::new();
    let place = Place::new(&tagged(&sink, "['City==SFO']"));
    let daemon = place.start();
    place.write("/a.jpg", "one");
    daemon.sync();
    let answer = daemon.records(
        "{\"path\": \"/a.jpg\", \"set\": {\"City\": \"SFO\"}}\n{\"path\": \"a.jpg\", \"set\": {\"City\": 5}}\n",
    );
    assert_eq!(answer.status, 422, "{}", answer.text());
    let errors = answer.json()["errors"].as_array().expect("a list").clone();
    let places: BTreeSet<_> = errors.iter().map(|e| (e["index"].to_string(), e["field"].to_string())).collect();
    let expect = [("1".to_owned(), "\"path\"".to_owned()), ("1".to_owned(), "\"set\"".to_owned())];
    assert_eq!(places, expect.into());
    assert!(answer.head.to_ascii_lowercase().contains("content-type: application/problem+json"), "{}", answer.head);
    assert_eq!(daemon.records("{").status, 400);
    assert_eq!(daemon.call("POST /v1/records", &[("Content-Type", "text/plain")], b"{}").status, 415);
    assert_eq!(lines(&daemon.settled(&place, &sink, "/m")), [""; 0]);
}

#[test]
fn a_repeat_under_its_idempotency_key_does_nothing() {
    let sink = Sink::new();
    let place = Place::new(&tagged(&sink, "['City==SFO']"));
    let mut daemon = place.start();
    place.write("/a.jpg", "one");
    daemon.sync();
    let post = |daemon: &Daemon, body: &str| {
        let headers = [NDJSON, ("Idempotency-Key", "k-1")];
        daemon.call("POST /v1/records", &headers, body.as_bytes())
    };
    let body = r#"{"path": "/a.jpg", "set": {"City": "SFO"}}"#;
    let first = post(&daemon, body);
    assert_eq!(first.status, 202, "{}", first.text());
    assert_eq!(daemon.records(r#"{"path": "/a.jpg", "unset": ["City"]}"#).status, 202);
    for _ in 0..2 {
        let again = post(&daemon, body);
        assert_eq!((again.status, again.json()), (202, first.json()));
        daemon.kill();
        daemon = place.start();
    }
    assert_eq!(post(&daemon, r#"{"path": "/a.jpg", "set": {"City": "LAX"}}"#).status, 409);
    assert_eq!(lines(&daemon.settled(&place, &sink, "/m")), ["none /a.jpg"]);
}

#[test]
fn a_sync_answers_when_the_writes_before_it_are_recorded() {
    let sink = Sink::new();
    let place = Place::new(&sink.rule_all());
    let daemon = place.start();
    let mut before = daemon.sync()["seq"].as_i64().expect("a number");
    for round in 0..20 {
        for n in 0..25 {
            place.write(&format!("/{round}/{n}"), "one");
        }
        let after = daemon.sync()["seq"].as_i64().expect("a number");
        let recorded = daemon.call(&format!("GET /v1/changes?since={before}"), &[], b"");
        assert_eq!(after - before, 25, "in round {round}: {}", recorded.text());
        before = after;
    }
    daemon.kill();
    // And they are owed: a daemon that was killed right after tells them.
    let daemon = place.start();
    assert_eq!(daemon.settled(&place, &sink, "/").len(), 500);
}

#[test]
fn who_may_do_what() {
    let (reader, operator, recorder) = ("reader-token", "operator-token", "recorder-token");
    let mut place = Place::new("");
    let mut config = "[[mount]]\npath = '/'\ndir = '{store}'\ntenant = 'acme'\n".to_owned();
    for (role, token) in [("reader", reader), ("operator", operator), ("recorder", recorder)] {
        let digest = digest_of(token);
        let whose = "tenants = ['acme']";
        write!(config, "[[principal]]\nname = '{role}'\nrole = '{role}'\n{whose}\ntoken_sha256 = '{digest}'\n")
            .expect("text");
    }
    place.configure(&config);
    let daemon = place.start();
    let call = |line: &str, token: Option<&str>| {
        let authorization = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![NDJSON];
        headers.extend(authorization.as_deref().map(|value| ("Authorization", value)));
        let body: &[u8] = if line.ends_with("/records") { br#"{"path": "/a", "set": {"K": "v"}}"# } else { b"" };
        http::request(daemon.address, line, &headers, body).expect("an answer").status
    };
    for (line, [none, wrong, may_read, may_operate, may_record]) in [
        ("POST /v1/records", [401, 401, 403, 403, 202]),
        ("POST /v1/sync", [401, 401, 403, 200, 200]),
        ("GET /v1/status", [401, 401, 200, 200, 403]),
        ("GET /healthz", [200; 5]),
        ("GET /readyz", [200; 5]),
        ("GET /v1/nothing", [404; 5]),
        ("DELETE /v1/status", [405; 5]),
    ] {
        let found = [None, Some("wrong"), Some(reader), Some(operator), Some(recorder)].map(|token| call(line, token));
        assert_eq!(found, [none, wrong, may_read, may_operate, may_record], "{line}");
    }
}

#[test]
fn the_status_has_its_published_shape() {
    let sink = Sink::new();
    let place = Place::new(&sink.rule_all());
    place.write("/d/1", "one");
    let daemon = place.start();
    let status = daemon.status_until("one asset", |status| {
        (&status["mounts"][0]["assets"], &status["mounts"][0]["state"]) == (&1.into(), &"watching".into())
    });
    let keys = |value: &serde_json::Value| -> Vec<String> {
        let mut keys: Vec<_> = value.as_object().expect("an object").keys().cloned().collect();
        keys.sort();
        keys
    };
    let published = ["deliveries", "logLinesLost", "mounts", "node", "outbox", "ready", "rules", "troubles", "version"];
    assert_eq!(keys(&status), published);
    assert_eq!(status["logLinesLost"], 0);
    let mount = &status["mounts"][0];
    assert_eq!(
        keys(mount),
        ["assets", "dir", "directories", "lagMs", "lastScan", "path", "source", "sourceReason", "state"]
    );
    assert_eq!(mount["path"], "/");
    assert_eq!(mount["dir"], place.store.display().to_string());
    assert_eq!(mount["state"], "watching");
    // Which of them depends on the machine and on who runs the tests; the reason says which and why.
    let source = mount["source"].as_str().expect("a text");
    assert!(["fanotify", "inotify"].contains(&source), "{mount}");
    assert!(mount["sourceReason"].as_str().expect("a text").contains(source), "{mount}");
    assert_eq!(keys(&mount["lastScan"]), ["at", "changes", "seconds"]);
    assert_eq!(keys(&status["rules"]), ["events", "faults", "generation", "subscriptions"]);
    assert_eq!((&status["rules"]["subscriptions"], &status["rules"]["faults"]), (&1.into(), &serde_json::json!([])));
    assert_eq!(keys(&status["outbox"]), ["entries", "oldestSeconds"]);
    assert_eq!(keys(&status["deliveries"]), ["dead", "inFlight", "pending", "waiting"]);
    assert_eq!(status["ready"], true);
    let node = status["node"].as_str().expect("a text");
    assert!(node.len() == 16 && node.bytes().all(|b| b.is_ascii_hexdigit()), "{node}");
    daemon.kill();
    assert_eq!(place.start().status()["node"], status["node"], "the ledger keeps it");
}

/// With `poll` and an hour between two polls nothing but the hint shows the file.
#[test]
fn what_the_store_hints_at_is_reported_before_the_next_poll() {
    let sink = Sink::new();
    let mut place = Place::new(&sink.rule_all());
    place.configure("[[mount]]\npath = '/'\ndir = '{store}'\nwatch = 'poll'\npoll_interval = '1h'\n");
    let daemon = place.start();
    place.write("/d/hinted.jpg", "one");
    place.write("/other.jpg", "one");
    let hint = |paths: &str| {
        let body = format!("{{\"paths\": {paths}}}");
        daemon.call("POST /v1/hints", &[("Content-Type", "application/json")], body.as_bytes())
    };
    let answer = hint(r#"["/d/hinted.jpg", "/not/there"]"#);
    assert_eq!((answer.status, answer.json()), (202, serde_json::json!({"accepted": 2})));
    sink.wait("the file that was hinted at", |told| !told.is_empty());
    assert_eq!(lines(&sink.told()), ["added /d/hinted.jpg"]);
    std::fs::remove_file(place.at("/d/hinted.jpg")).expect("it is there");
    assert_eq!(hint(r#"["/d/hinted.jpg"]"#).status, 202);
    sink.wait("its deletion", |told| told.len() > 1);
    assert_eq!(lines(&sink.told()), ["added /d/hinted.jpg", "deleted /d/hinted.jpg"]);
}

/// The numbers of a real daemon: what was recorded, delivered and refused.
#[test]
fn the_metrics_count_what_was_recorded_and_delivered() {
    let sink = Sink::new();
    let place = Place::new(&sink.rule_all());
    let daemon = place.start();
    for n in 0..3 {
        place.write(&format!("/{n}"), "one");
    }
    daemon.sync();
    std::fs::remove_file(place.at("/0")).expect("it is there");
    daemon.sync();
    sink.wait("all four changes", |told| told.len() == 4);
    place.rule("[[subscription]]\nname = 'x'\n");
    let value = |text: &str, series: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {series} in {text}")).parse().expect("a number")
    };
    // What is shown is a moment old.
    let text = until("all is counted", || {
        let answer = daemon.call("GET /metrics", &[], b"");
        assert_eq!(answer.status, 200, "{}", answer.text());
        let head = answer.head.to_ascii_lowercase();
        assert!(head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{head}");
        let text = answer.text();
        let is_whole = value(&text, "ringback_entries_delivered_total") >= 4.0
            && value(&text, "ringback_rule_reloads_total{result=\"refused\"}") >= 1.0;
        is_whole.then_some(text)
    });
    let deliveries = value(&text, "ringback_deliveries_total{outcome=\"delivered\"}");
    assert!((1.0..=4.0).contains(&deliveries), "{text}");
    for (series, expect) in [
        ("ringback_changes_total{action=\"added\"}", 3.0),
        ("ringback_changes_total{action=\"deleted\"}", 1.0),
        ("ringback_entries_delivered_total", 4.0),
        ("ringback_attempts_total{outcome=\"succeeded\"}", deliveries),
        ("ringback_delivery_seconds_count", deliveries),
        ("ringback_attempt_seconds_count", deliveries),
        ("ringback_subscriptions{state=\"active\"}", 1.0),
        ("ringback_mount_assets{mount=\"/\"}", 2.0),
        ("ringback_mount_state{mount=\"/\",state=\"watching\"}", 1.0),
        ("ringback_rules_generation", 1.0),
        ("ringback_dead_letters", 0.0),
    ] {
        assert_eq!(value(&text, series), expect, "{series} in {text}");
    }
    assert!(value(&text, "ringback_rule_faults") >= 1.0, "{text}");
    assert!(value(&text, "ringback_wal_bytes") > 0.0, "{text}");
}
