//! What an operator sees of deliveries and does with them: dead letters that are listed and sent again, a pause that
//! outlives a restart, drops.

use std::time::Duration;

use ringback::cli::receiver::Reply;
use serde_json::{Value, json};

use crate::commands::ringback;
use crate::daemon::{Daemon, Place};
use crate::sink::{Sink, lines};

fn get(daemon: &Daemon, path: &str) -> Value {
    let answer = daemon.call(&format!("GET {path}"), &[], b"");
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

fn post(daemon: &Daemon, path: &str, body: &Value) -> (u16, Value) {
    let json = [("Content-Type", "application/json")];
    let answer = daemon.call(&format!("POST {path}"), &json, body.to_string().as_bytes());
    (answer.status, answer.json())
}

#[test]
fn dead_letters_are_listed_and_sent_again_with_the_same_ids_and_bytes() {
    let sink = Sink::new();
    sink.behave(|_| 503);
    let place = Place::new(&(sink.rule_all() + "retryCount = 0\n"));
    let daemon = place.start();
    for name in ["/1", "/2"] {
        place.write(name, "one");
        daemon.sync();
        sink.wait_calls(name, |calls| calls.iter().any(|call| call.entries.iter().any(|told| told.path == name)));
    }
    daemon.status_until("both are dead letters", |status| status["deliveries"]["dead"] == 2);
    let before = sink.calls();
    assert!(before.iter().all(|call| call.received.header("ringback-replay").is_empty()));

    let listed = get(&daemon, "/v1/deliveries?state=dead&subscription=all");
    let rows = listed["deliveries"].as_array().expect("a list");
    let ids: Vec<_> = rows.iter().map(|row| row["id"].as_str().expect("an id").to_owned()).collect();
    assert_eq!(ids, [before[1].id.clone(), before[0].id.clone()], "the newest first");
    assert!(rows.iter().all(|row| row["outcome"] == "http-error" && row["status"] == 503 && row["attempts"] == 1));
    let by_path = get(&daemon, "/v1/deliveries?path=/1");
    assert_eq!(by_path["deliveries"].as_array().map(Vec::len), Some(1));
    let body = daemon.call(&format!("GET /v1/deliveries/{}/body", ids[1]), &[], b"");
    assert_eq!(body.body, before[0].received.body, "the frozen bytes");
    assert!(!listed.to_string().contains("/hook"), "of the URL only the host is shown: {listed}");

    // In a pipe nobody can be asked.
    let (code, text) = ringback(&place, &daemon, &["replay", "all", "--dead"]);
    assert!(code == Some(2) && text.contains("say --yes"), "{code:?} {text}");
    let (code, text) = ringback(&place, &daemon, &["replay", "all", "--dead", "--dry-run"]);
    assert!(code == Some(0) && text.starts_with("2 deliveries with 2 entries would be"), "{code:?} {text}");
    assert_eq!(sink.calls().len(), 2, "a count sends nothing");

    sink.behave(|_| 200);
    let (code, text) = ringback(&place, &daemon, &["replay", "all", "--dead", "--yes"]);
    assert!(code == Some(0) && text.starts_with("2 deliveries with 2 entries: to be sent"), "{code:?} {text}");
    sink.wait_calls("both again", |calls| calls.len() == 4);
    let calls = sink.calls();
    for (first, again) in before.iter().zip(&calls[2..]) {
        assert_eq!((&again.id, &again.received.body), (&first.id, &first.received.body));
        assert_eq!(again.received.header("ringback-replay"), "1");
    }
    daemon.status_until("nothing is dead", |status| {
        status["deliveries"]["dead"] == 0 && status["deliveries"]["inFlight"] == 0
    });
    let (code, text) = ringback(&place, &daemon, &["deliveries", "show", &ids[0], "--json"]);
    let shown: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((code, &shown["state"], &shown["status"]), (Some(0), &json!("delivered"), &json!(200)));
    let (code, text) = ringback(&place, &daemon, &["deliveries", "show", "0000000000000000-1"]);
    assert!(code == Some(1) && text.contains("404"), "{code:?} {text}");
}

#[test]
fn a_pause_outlives_a_restart_and_what_gathered_goes_when_it_is_resumed() {
    let sink = Sink::new();
    let place = Place::new(&sink.rule_all());
    let daemon = place.start();
    place.write("/1", "one");
    sink.wait_line("added /1");
    let (code, text) =
        ringback(&place, &daemon, &["subscriptions", "pause", "all", "--reason", "the receiver moves house"]);
    assert!(code == Some(0) && text.contains("the receiver moves house"), "{code:?} {text}");
    place.write("/2", "one");
    daemon.sync();
    daemon.stop();
    let daemon = place.start();
    place.write("/3", "one");
    daemon.sync();
    let shown = get(&daemon, "/v1/subscriptions/all");
    assert_eq!((&shown["state"], &shown["owed"]), (&json!("paused"), &json!(2)), "{shown}");
    assert_eq!(shown["paused"]["reason"], "the receiver moves house");
    assert_eq!(sink.calls().len(), 1, "nothing is sent meanwhile");
    let (status, resumed) = post(&daemon, "/v1/subscriptions/all/resume", &json!({}));
    assert_eq!((status, &resumed["state"]), (200, &json!("active")), "{resumed}");
    sink.wait_line("added /2");
    sink.wait_line("added /3");
    assert_eq!(post(&daemon, "/v1/subscriptions/none/pause", &json!({})).0, 404);
}

#[test]
fn what_waits_is_hurried_by_host_and_what_is_dropped_is_never_sent() {
    let sink = Sink::new();
    sink.behave(|_| 500);
    let place = Place::new(&(sink.rule_all() + "retry = ['1h']\n"));
    let daemon = place.start();
    place.write("/1", "one");
    daemon.status_until("it waits", |status| status["deliveries"]["waiting"] == 1);
    let (code, text) = ringback(&place, &daemon, &["deliveries", "--waiting", "--host", "127.0.0.1"]);
    assert!(code == Some(0) && text.contains("waiting") && text.contains("http-error 500"), "{code:?} {text}");
    sink.behave(|_| 200);
    let (code, text) = ringback(&place, &daemon, &["deliveries", "retry", "--host", "127.0.0.1", "--yes"]);
    assert!(code == Some(0) && text.starts_with("1 delivery with 1 entry"), "{code:?} {text}");
    sink.wait_line("added /1");
    daemon.status_until("it waits no more", |status| {
        status["deliveries"]["waiting"] == 0 && status["deliveries"]["inFlight"] == 0
    });

    sink.behave(|_| 500);
    place.write("/2", "one");
    daemon.status_until("it waits", |status| status["deliveries"]["waiting"] == 1);
    let (status, answer) = post(
        &daemon,
        "/v1/deliveries/drop",
        &json!({"subscription": "all", "state": "waiting", "reason": "nobody wants it"}),
    );
    assert_eq!((status, &answer["deliveries"]), (200, &json!(1)), "{answer}");
    sink.behave(|_| 200);
    place.write("/3", "one");
    sink.wait_line("added /3");
    let told: Vec<_> = sink.told().iter().map(|told| told.path.clone()).collect();
    assert_eq!(told, ["/1", "/3"]);
    let dropped = get(&daemon, "/v1/deliveries?state=dropped");
    let row = &dropped["deliveries"][0];
    assert_eq!((&row["by"], &row["reason"]), (&json!("administrator"), &json!("nobody wants it")), "{dropped}");
}

/// A receiver has lost what it was told: all of it goes again, once, through a kill -9 in the middle.
#[test]
fn a_replay_since_a_time_sends_all_that_was_told_again_and_goes_on_after_a_kill() {
    const FILES: usize = 12;
    let sink = Sink::new();
    let place = Place::new(&(sink.rule_all() + "maxEntries = 1\n"));
    let daemon = place.start();
    let names: Vec<_> = (0..FILES).map(|number| format!("/{number:02}")).collect();
    for name in &names {
        place.write(name, "one");
    }
    daemon.sync();
    sink.wait_calls("all are told", |calls| calls.len() == FILES);
    daemon.status_until("all is recorded", |status| status["deliveries"]["inFlight"] == 0);
    let first: Vec<_> = sink.calls().iter().map(|call| call.id.clone()).collect();

    let (code, text) = ringback(&place, &daemon, &["replay", "all", "--since", "1h", "--dry-run"]);
    assert!(code == Some(0) && text.starts_with("12 deliveries with 12 entries would be"), "{code:?} {text}");
    // The third one again waits for its answer, and the daemon is killed before that comes.
    let mut answered = 0;
    sink.behave(move |_| {
        answered += 1;
        let delay = if answered == 3 { Duration::from_secs(20) } else { Duration::ZERO };
        Reply { delay, ..Reply::from(200) }
    });
    let (code, text) = ringback(&place, &daemon, &["replay", "all", "--since", "1h", "--yes"]);
    assert!(code == Some(0) && text.contains("to be sent again, as task"), "{code:?} {text}");
    sink.wait_calls("some go again", |calls| calls.len() > FILES + 2);
    daemon.kill();

    let daemon = place.start();
    let replayed = |calls: &[crate::sink::Call]| {
        let again = calls.iter().filter(|call| call.received.header("ringback-replay") == "1");
        again.flat_map(|call| call.entries.iter().map(|told| told.path.clone())).collect::<Vec<_>>()
    };
    sink.wait_calls("all go again", |calls| names.iter().all(|name| replayed(calls).contains(name)));
    let tasks = || get(&daemon, "/v1/tasks")["tasks"].clone();
    crate::daemon::until("the task is done", || (tasks()[0]["state"] == "done").then_some(()));
    assert_eq!((&tasks()[0]["done"], &tasks()[0]["total"]), (&json!(FILES), &json!(FILES)));
    let again = replayed(&sink.calls());
    assert!(again.len() <= FILES + 1, "no more comes twice than was on the wire: {again:?}");
    let ids: Vec<_> = sink.calls()[FILES..].iter().map(|call| call.id.clone()).collect();
    assert!(ids.iter().all(|id| !first.contains(id)), "new deliveries: {ids:?}");
    // One that comes twice has the same id.
    let different: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(different.len(), FILES);
    let (code, text) = ringback(&place, &daemon, &["tasks"]);
    assert!(code == Some(0) && text.contains("done     12 of 12") && text.contains("all, by"), "{code:?} {text}");
}

/// A subscription lost entries while it was paused: it is told that, and then how all stands that changed since,
/// through a kill -9 in the middle.
#[test]
fn who_lost_entries_is_told_how_the_store_stands_and_is_level_again() {
    const FILES: usize = 1_200;
    let sink = Sink::new();
    let mut place = Place::new(&(sink.rule_all() + "maxEntries = 100\n"));
    place.configure("[[mount]]\npath = '/'\ndir = '{store}'\n[delivery]\nowed = 1000\n");
    let daemon = place.start();
    assert_eq!(post(&daemon, "/v1/subscriptions/all/pause", &json!({})).0, 200);
    for number in 0..FILES {
        place.write(&format!("/{number:04}"), "one");
    }
    daemon.sync();
    std::fs::remove_file(place.at("/0000")).expect("a file");
    daemon.sync();
    let state = |daemon: &Daemon| get(daemon, "/v1/subscriptions/all")["state"].clone();
    let status = daemon.status_until("it has lost some", |status| status["outbox"]["entries"].as_u64() <= Some(1_000));
    assert!(status["troubles"].to_string().contains("lagged"), "{status}");

    // The third delivery waits for its answer, and the daemon is killed before that comes.
    let mut answered = 0;
    sink.behave(move |_| {
        answered += 1;
        let delay = if answered == 3 { Duration::from_secs(20) } else { Duration::ZERO };
        Reply { delay, ..Reply::from(200) }
    });
    assert_eq!(post(&daemon, "/v1/subscriptions/all/resume", &json!({})).0, 200);
    sink.wait_calls("some are told", |calls| calls.len() > 2);
    assert_eq!(state(&daemon), "lagged");
    daemon.kill();

    let daemon = place.start();
    crate::daemon::until("it is level", || (state(&daemon) == "active").then_some(()));
    let calls = sink.calls();
    let first = String::from_utf8_lossy(&calls[0].received.body).into_owned();
    assert!(first.contains("lagged: ") && first.contains(" entries skipped"), "{first}");
    let mut stands = std::collections::BTreeMap::new();
    for told in calls.iter().flat_map(|call| call.entries.iter()) {
        stands.insert(told.path.clone(), told.action.clone());
    }
    assert_eq!(stands.remove("/0000").as_deref(), Some("deleted"));
    assert_eq!(stands.len(), FILES - 1, "every file is told");
    assert!(stands.values().all(|action| action == "added"));
    let tasks = get(&daemon, "/v1/tasks")["tasks"].clone();
    let shown = |key: &str| tasks[0][key].clone();
    assert_eq!([shown("task"), shown("state"), shown("by")], ["backfill", "done", "ringback"], "{tasks}");
    assert_eq!(shown("done"), FILES, "each once");
    let (code, text) = ringback(&place, &daemon, &["tasks"]);
    assert!(code == Some(0) && text.contains("backfill"), "{code:?} {text}");
}

/// A target can be tried: one real request, marked, signed as a delivery is, of which nothing is kept.
#[test]
fn a_target_is_tried_with_one_marked_request() {
    let sink = Sink::new();
    let place = Place::new(&sink.rule_all());
    let daemon = place.start();
    place.write("/1", "one");
    daemon.sync();
    sink.wait_line("added /1");
    let name = "all";
    let (code, text) = ringback(&place, &daemon, &["trigger", name, "--path", "/1"]);
    assert!(
        code == Some(0) && text.starts_with(&format!("{name}: accepted, succeeded, HTTP status 200")),
        "{code:?} {text}"
    );
    sink.wait_calls("the trial", |calls| calls.len() == 2);
    let trial = sink.calls().pop().expect("a call");
    assert_eq!(trial.received.header("ringback-test"), "1");
    assert_eq!(lines(&trial.entries), ["modified /1"]);

    sink.behave(|_| 500);
    let (code, text) = ringback(&place, &daemon, &["trigger", name]);
    assert!(code == Some(1) && text.contains("not accepted, http-error, HTTP status 500"), "{code:?} {text}");
    let (code, text) = ringback(&place, &daemon, &["trigger", "none"]);
    assert!(code == Some(1) && text.contains("404"), "{code:?} {text}");
    let answer = daemon.call("GET /v1/deliveries", &[], b"");
    let deliveries = answer.json()["deliveries"].as_array().map(Vec::len);
    assert_eq!(deliveries, Some(1), "the trials are not among them: {}", answer.text());
    assert_eq!(daemon.status()["outbox"]["entries"], 0);
}
