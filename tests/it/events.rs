//! Events, as their receivers hear of them: of assets and of none, by name and by tenant, in both formats, over kills.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use crate::daemon::{Daemon, Place};
use crate::http::Answer;
use crate::sink::{Call, Sink};
use crate::turns;

/// A rule that sends several CloudEvents a request.
fn rule(sink: &Sink, name: &str, clauses: &str) -> String {
    format!(
        "[[subscription]]\nname = '{name}'\ncallback = '{}'\nformat = 'cloudevents-batch'\n{clauses}\n",
        sink.url(&format!("/{name}"))
    )
}

/// The events that a subscription accepted, each delivery once, in order.
fn heard(calls: &[Call], name: &str) -> Vec<Value> {
    let (path, mut seen) = (format!("/{name}"), BTreeSet::new());
    let accepted = calls.iter().filter(|call| call.received.path_and_query == path && call.status == 200);
    let first = accepted.filter(|call| seen.insert(call.id.clone()));
    first.flat_map(|call| serde_json::from_slice::<Vec<Value>>(&call.received.body).expect("events")).collect()
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().expect("a type")).collect()
}

#[track_caller]
fn wait(sink: &Sink, name: &str, count: usize) -> Vec<Value> {
    sink.wait_calls(&format!("{count} events for {name}"), |calls| heard(calls, name).len() >= count);
    heard(&sink.calls(), name)
}

#[track_caller]
fn report(daemon: &Daemon, lines: &str) -> Answer {
    let answer = daemon.records(lines);
    assert_eq!(answer.status, 202, "{}", answer.text());
    answer
}

const SCANNED: &str = "[[event]]\nname = 'scanned'\nwatchMetadata = ['Scan==*']\n\
                       [event.fields]\nresult = '{metadata.Scan}'\nfile = '{asset.id}'\n";

#[test]
fn an_event_of_an_asset_is_told_by_its_name_with_its_payload_and_in_zoom_as_its_entry() {
    let sink = Sink::new();
    let rules = [
        rule(&sink, "named", "events = ['scanned']\nfields = ['seq']"),
        rule(&sink, "both", "events = ['scanned', 'asset.added']\nwatchMetadata = ['Rating==*']"),
        format!("{}events = ['scanned']\n", sink.rule_of("entries", &["+ /only"])),
        SCANNED.to_owned(),
    ];
    let place = Place::new(&rules.concat());
    let daemon = place.start();
    place.write("/a b.mov", "one");
    daemon.sync();
    report(&daemon, r#"{"path":"/a b.mov","set":{"Scan":"passed"}}"#);
    report(&daemon, r#"{"path":"/a b.mov","set":{"Scan":"failed","Rating":"5"}}"#);
    let named = wait(&sink, "named", 2);
    let id = named[0]["data"]["assetId"].as_i64().expect("a number");
    let seq = named[0]["data"]["seq"].as_i64().expect("a number");
    let data = |event: &Value, key: &str| event["data"][key].clone();
    assert_eq!(types(&named), ["scanned", "scanned"]);
    assert_eq!(named[0]["subject"], "/a%20b.mov");
    let source = named[0]["source"].as_str().expect("a source");
    let node = source.strip_prefix("/ringback/").expect("the node");
    assert_eq!(named[0]["id"], format!("{node}-{seq}"));
    assert_eq!(data(&named[0], "path"), "/a b.mov");
    assert_eq!(data(&named[0], "action"), "none");
    assert_eq!(data(&named[0], "file"), id.to_string());
    assert_eq!([data(&named[0], "result"), data(&named[1], "result")], ["passed", "failed"]);

    // The change itself only where it is asked for, and before the event that it is.
    let both = wait(&sink, "both", 4);
    assert_eq!(types(&both), ["asset.added", "scanned", "asset.metadata", "scanned"]);
    sink.wait("both entries", |told| told.len() == 2);
    let lines: Vec<_> = sink.told().iter().map(crate::sink::Told::line).collect();
    assert_eq!(lines, ["none /a b.mov", "none /a b.mov"]);
    // The journal has it under the same number.
    let page = daemon.call("GET /v1/changes?event=scanned", &[], b"").json();
    assert_eq!(page["changes"][0]["seq"], seq);
    assert_eq!(page["changes"][0]["fields"], json!({"result": "passed", "file": id.to_string()}));
    daemon.stop();
}

/// Two tenants with a mount each.
fn tenants(rules: &str) -> Place {
    let mut place = Place::new(rules);
    let mut config = String::new();
    for tenant in ["acme", "b"] {
        fs::create_dir(place.at(tenant)).expect("a directory");
        config += &format!("[[mount]]\npath = '/{tenant}'\ndir = '{{store}}/{tenant}'\ntenant = '{tenant}'\n");
    }
    place.configure(&config);
    place
}

#[test]
fn a_reported_event_is_heard_by_its_tenant_and_by_who_hears_of_all() {
    let sink = Sink::new();
    let names = "events = ['build.created', 'shipped', 'ours']";
    let rules = [
        rule(&sink, "of-acme", &format!("{names}\ntenant = 'acme'")),
        rule(&sink, "of-b", &format!("{names}\ntenant = 'b'")),
        rule(&sink, "of-all", names),
        "[[event]]\nname = 'shipped'\n[[event]]\nname = 'ours'\ntenant = 'acme'\n".to_owned(),
    ];
    let place = tenants(&rules.concat());
    let daemon = place.start();
    let answer = report(
        &daemon,
        "{\"event\":\"build.created\",\"tenant\":\"acme\",\"entity\":{\"id\":7,\"tags\":[\"a\"]},\"displayName\":\"Build 7\"}\n\
         {\"event\":\"shipped\",\"tenant\":\"b\",\"entity\":{}}\n{\"event\":\"shipped\",\"entity\":{\"n\":1}}",
    );
    let answer = answer.json();
    let counts = ["accepted", "applied", "kept"].map(|count| answer[count].as_u64().expect("a number"));
    assert_eq!(counts, [3, 0, 0]);
    let all = wait(&sink, "of-all", 3);
    assert_eq!(types(&all), ["build.created", "shipped", "shipped"]);
    assert_eq!(all[0]["data"], json!({"id": 7, "tags": ["a"]}));
    assert_eq!((&all[0]["tenant"], &all[0]["displayname"]), (&json!("acme"), &json!("Build 7")));
    assert!(all[0].get("subject").is_none() && all[2].get("tenant").is_none(), "{all:?}");
    assert_eq!(types(&wait(&sink, "of-acme", 1)), ["build.created"]);
    assert_eq!(types(&wait(&sink, "of-b", 1)), ["shipped"]);
    // What nobody declares, or another tenant has, is refused whole.
    for (line, field, index) in [
        (r#"{"event":"shiped","tenant":"acme","entity":{}}"#, "event", 1),
        (r#"{"event":"ours","tenant":"b","entity":{}}"#, "tenant", 1),
        (r#"{"event":"shipped","tenant":"acme","entity":[]}"#, "entity", 1),
        (r#"{"event":"shipped","tenant":"acme"}"#, "entity", 1),
    ] {
        let good = r#"{"event":"shipped","tenant":"acme","entity":{}}"#;
        let refused = daemon.records(&format!("{good}\n{line}"));
        assert_eq!(refused.status, 422, "{line}: {}", refused.text());
        let fault = &refused.json()["errors"][0];
        assert_eq!((&fault["index"], &fault["field"]), (&json!(index), &json!(field)), "{line}");
    }
    report(&daemon, r#"{"event":"ours","tenant":"acme","entity":{"last":true}}"#);
    let acme = wait(&sink, "of-acme", 2);
    assert_eq!(types(&acme), ["build.created", "ours"], "nothing of what was refused");
    daemon.stop();
}

#[test]
fn a_mount_that_goes_and_comes_back_is_told_once_each_over_restarts() {
    let sink = Sink::new();
    let names = "events = ['mount.offline', 'mount.online', 'mount.degraded']";
    let rules = [
        rule(&sink, "of-acme", &format!("{names}\ntenant = 'acme'")),
        rule(&sink, "of-b", &format!("{names}\ntenant = 'b'")),
    ];
    let place = tenants(&rules.concat());
    let daemon = place.start();
    place.write("/acme/1", "one");
    daemon.sync();
    let away = place.at("away");
    fs::rename(place.at("acme"), &away).expect("a rename");
    let offline = wait(&sink, "of-acme", 1);
    assert_eq!(types(&offline), ["mount.offline"]);
    assert_eq!((&offline[0]["data"]["path"], &offline[0]["tenant"]), (&json!("/acme"), &json!("acme")));
    assert!(offline[0]["data"]["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{offline:?}");
    daemon.kill();
    let daemon = place.start();
    daemon.status_until("it is known to be away", |status| status["mounts"][0]["state"] == "offline");
    daemon.kill();
    // It comes back while nobody looks.
    fs::rename(&away, place.at("acme")).expect("a rename");
    let daemon = place.start();
    assert_eq!(types(&wait(&sink, "of-acme", 2)), ["mount.offline", "mount.online"]);
    daemon.sync();
    daemon.stop();
    let calls = sink.calls();
    assert_eq!((heard(&calls, "of-acme").len(), heard(&calls, "of-b").len()), (2, 0));
}

#[test]
fn what_becomes_of_rules_and_callbacks_is_told_to_who_asks() {
    let sink = Sink::new();
    let ask = "events = ['rules.reloaded', 'rule.created', 'rule.deleted', 'callback.paused', 'callback.resumed']";
    let watcher = rule(&sink, "watcher", ask);
    let place = Place::new(&watcher);
    let daemon = place.start();
    let first = wait(&sink, "watcher", 2);
    assert_eq!(types(&first), ["rule.created", "rules.reloaded"]);
    assert_eq!(first[0]["data"], json!({"name": "watcher"}));
    place.rule(&format!("{watcher}{}", sink.rule("other", "* /")));
    assert_eq!(types(&wait(&sink, "watcher", 4))[2..], ["rule.created", "rules.reloaded"]);
    daemon.status_until("the second generation", |status| status["rules"]["generation"] == 2);
    let json = [("Content-Type", "application/json")];
    let paused = daemon.call("POST /v1/subscriptions/other/pause", &json, br#"{"reason":"a move"}"#);
    assert_eq!(paused.status, 200, "{}", paused.text());
    let last = wait(&sink, "watcher", 5).pop().expect("an event");
    assert_eq!(last["type"], "callback.paused");
    assert_eq!((&last["data"]["subscription"], &last["data"]["reason"]), (&json!("other"), &json!("a move")));
    daemon.stop();
}

/// Reports and changes of one subscription, with refusals and kills between: each is told, in the order of the journal.
#[test]
fn events_are_told_once_and_in_order_with_the_changes_over_kills() {
    let _turn = turns::heavy();
    let sink = Sink::new();
    let mut refusals = 0_u32;
    sink.behave(move |_| {
        refusals += 1;
        if refusals.is_multiple_of(3) { 500 } else { 200 }
    });
    let clauses = "watchPath = ['+ /']\nevents = ['shipped']\nretry = ['50ms']\nretryCount = 100";
    let place = Place::new(&(rule(&sink, "all", clauses) + "[[event]]\nname = 'shipped'\n"));
    place.start().kill();
    for round in 0..8 {
        let daemon = place.start();
        for n in 0..5 {
            place.write(&format!("/{round}-{n}"), "one");
            report(&daemon, &format!(r#"{{"event":"shipped","entity":{{"round":{round},"n":{n}}}}}"#));
        }
        if round % 2 == 0 {
            std::thread::sleep(Duration::from_millis(30));
        }
        daemon.kill();
    }
    let daemon = place.start();
    let all = wait(&sink, "all", 80);
    daemon.sync();
    daemon.stop();
    assert_eq!(all.len(), 80, "each once");
    let reports: Vec<_> =
        all.iter().filter(|event| event["type"] == "shipped").map(|event| event["data"].to_string()).collect();
    let expect: Vec<_> =
        (0..8).flat_map(|round| (0..5).map(move |n| json!({"round": round, "n": n}).to_string())).collect();
    assert_eq!(reports, expect);
    let place = |event: &Value| {
        let id = event["id"].as_str().expect("an id");
        id.rsplit('-').next().and_then(|seq| seq.parse::<i64>().ok()).expect("a place")
    };
    assert!(all.windows(2).all(|two| place(&two[0]) < place(&two[1])), "in the order of the journal");
}
