//! What is registered is called, listed, paused and ended as what stands in a rule file.

use std::fs;
use std::path::Path;
use std::process::Command;

use ringback::model::ask::{Answer, Ask};
use ringback::model::event::EventName;
use ringback::model::registration::{Edit, Registration};
use serde_json::{Value, json};

use crate::daemon::until;
use crate::sink::{Sink, lines};
use crate::within::{Within, registration};
use crate::{scratch, turns};

const ALLOWED: &str = "[delivery]\nallow = ['127.0.0.0/8']\n";

fn remove(registration: &Registration) -> Ask {
    let (name, tenant) = (registration.name.clone(), registration.tenant.clone());
    Ask::Register { edits: vec![Edit::Remove { name, tenant, is_own: true }], by: "jo".to_owned() }
}

fn rows(daemon: &Within, query: &str) -> Vec<Value> {
    daemon.get(&format!("/v1/subscriptions{query}")).json()["subscriptions"].as_array().expect("a list").clone()
}

#[test]
fn a_registration_is_called_from_the_next_change_on_and_after_a_restart() {
    let _turn = turns::light();
    let (dir, sink) = (scratch::dir(), Sink::new());
    let daemon = Within::start(dir.path(), ALLOWED);
    // A rule of a file, which asks for the same, is another subscription.
    let of_file = Sink::new();
    fs::write(dir.path().join("rules/a.toml"), of_file.rule("a", "* /")).expect("a rule file");
    until("the rule is in force", || (daemon.get("/v1/status").json()["rules"]["subscriptions"] == 1).then_some(()));
    assert_eq!(rows(&daemon, "?origin=zoom"), [] as [Value; 0]);
    let registered = registration("r-1", &sink.url("/hook"));
    let Answer::Registered(ids) = daemon.register(registered.clone()) else { panic!("it is registered") };
    let [row] = &rows(&daemon, "?origin=zoom")[..] else { panic!("one is listed at once") };
    assert_eq!((&row["id"], &row["state"]), (&json!("zoom:r-1"), &json!("active")));
    assert_eq!(daemon.get("/v1/subscriptions/zoom:r-1").json()["origin"], "zoom");
    assert_eq!(rows(&daemon, "?origin=rule-file").len(), 1);
    daemon.write("/one", "1");
    sink.wait_line("added /one");
    of_file.wait_line("added /one");
    let body: Value = serde_json::from_slice(&sink.calls()[0].received.body).expect("JSON");
    assert_eq!(body["id"], "r-1", "a program knows its own id");

    // Paused, it is sent nothing, and a restart forgets neither it nor that.
    let pause = Ask::Pause { subscription: ids[0], by: "jo".into(), reason: None };
    assert_eq!(daemon.ask(pause), Answer::Done);
    drop(daemon);
    let daemon = Within::start(dir.path(), ALLOWED);
    assert_eq!(daemon.get("/v1/status").json()["rules"]["registered"], 1);
    daemon.write("/two", "2");
    of_file.wait_line("added /two");
    let owed = until("it is owed the change", || rows(&daemon, "?state=paused").pop().filter(|row| row["owed"] == 1));
    assert_eq!(owed["id"], "zoom:r-1");
    assert_eq!(daemon.ask(Ask::Resume { subscription: ids[0], by: "jo".into() }), Answer::Done);
    sink.wait_line("added /two");

    // Ended, it is not listed; what it was owed comes once it returns.
    sink.behave(|_| 503_u16);
    daemon.write("/three", "3");
    until("the delivery waits", || rows(&daemon, "?origin=zoom")[0].get("failing").map(|_| ()));
    assert_eq!(daemon.ask(remove(&registered)), Answer::Registered(ids.clone()));
    assert_eq!(daemon.get("/v1/subscriptions/zoom:r-1").status, 404);
    sink.behave(|_| 200_u16);
    daemon.write("/four", "4");
    of_file.wait_line("added /four");
    assert_eq!(daemon.register(registered), Answer::Registered(ids));
    sink.wait_line("added /three");
    daemon.write("/five", "5");
    sink.wait_line("added /five");
    assert_eq!(lines(&sink.told()), ["added /one", "added /two", "added /three", "added /five"]);
    let changes = daemon.get("/v1/changes?limit=100").text();
    let told = ["callback.created", "callback.deleted"].map(|event| changes.matches(event).count());
    assert_eq!(told, [2, 1], "{changes}");
}

#[test]
fn a_registration_is_not_sent_to_a_private_address_that_is_not_allowed() {
    let _turn = turns::light();
    let (dir, sink) = (scratch::dir(), Sink::new());
    let daemon = Within::start(dir.path(), "");
    assert!(matches!(daemon.register(registration("r-1", &sink.url("/hook"))), Answer::Registered(_)));
    let tried = daemon.post("/v1/subscriptions/zoom:r-1/test");
    assert_eq!((tried.status, &tried.json()["outcome"]), (200, &json!("refused-address")), "{}", tried.text());
    daemon.write("/one", "1");
    let failing = until("its delivery fails", || rows(&daemon, "")[0].get("failing").cloned());
    assert_eq!(failing["outcome"], "refused-address");
    assert_eq!(sink.calls().len(), 0);
}

#[test]
fn what_a_registration_asks_for_by_name_follows_the_rule_files() {
    let _turn = turns::light();
    let (dir, sink) = (scratch::dir(), Sink::new());
    let daemon = Within::start(dir.path(), ALLOWED);
    let events = vec![EventName::parse("mov.added").expect("a name")];
    let asked = Registration { paths: Vec::new(), events, ..registration("r-1", &sink.url("/hook")) };
    assert!(matches!(daemon.register(asked), Answer::Registered(_)));
    daemon.write("/one.mov", "1");
    assert!(matches!(daemon.ask(Ask::Sync), Answer::Sync(_)));
    let event = "[[event]]\nname = 'mov.added'\nwatchPath = ['+ /**/*.mov']\n";
    fs::write(dir.path().join("rules/a.toml"), event).expect("a rule file");
    until("the event is declared", || (daemon.get("/v1/status").json()["rules"]["events"] == 1).then_some(()));
    daemon.write("/d/two.mov", "2");
    daemon.write("/d/three.wav", "3");
    sink.wait_line("added /d/two.mov");
    assert!(matches!(daemon.ask(Ask::Sync), Answer::Sync(_)));
    assert_eq!(lines(&sink.told()), ["added /d/two.mov"]);
}

/// What `ringback why --json` says of a path by the ledger of a stopped daemon.
fn why_stopped(state: &Path, path: &str) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringback"));
    command.args(["why", path, "--json", "--state"]).arg(state).env_remove("RINGBACK_TOKEN");
    let out = command.output().expect("the binary starts");
    let text = String::from_utf8_lossy(&out.stdout);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text} {out:?}"))
}

#[test]
fn why_asks_registered_rules_beside_those_of_files() {
    let _turn = turns::light();
    let (dir, sink) = (scratch::dir(), Sink::new());
    let daemon = Within::start(dir.path(), ALLOWED);
    fs::write(dir.path().join("rules/a.toml"), sink.rule("of-a-file", "* /elsewhere")).expect("a rule file");
    until("the rule is in force", || (daemon.get("/v1/status").json()["rules"]["subscriptions"] == 1).then_some(()));
    for (id, path) in [("here", "+ /d"), ("near", "- /d"), ("far", "+ /elsewhere")] {
        let asked = Registration { paths: vec![path.to_owned()], ..registration(id, &sink.url("/hook")) };
        assert!(matches!(daemon.register(asked), Answer::Registered(_)));
    }
    daemon.write("/d/one.mov", "1");
    sink.wait_line("added /d/one.mov");
    assert!(matches!(daemon.ask(Ask::Sync), Answer::Sync(_)));
    let delivered = |why: &Value| why["stopped"] == Value::Null;
    let why = until("it is delivered", || Some(daemon.get("/v1/why?path=/d/one.mov").json()).filter(delivered));
    let name = |row: &Value| (row["subscription"].as_str().expect("a name").to_owned(), row["fires"] == true);
    let names = |why: &Value| why["rules"].as_array().expect("rules").iter().map(name).collect::<Vec<_>>();
    let expect = [("zoom:here", true), ("zoom:near", false), ("of-a-file", false), ("zoom:far", false)];
    let expect = expect.map(|(name, fires)| (name.to_owned(), fires));
    assert_eq!(names(&why), expect);
    assert_eq!(
        why["rules"][1]["failed"],
        json!({"clause": "- /d", "why": "action is added, and it watches what is deleted"}),
        "{why}"
    );
    // Whoever is ended is asked no more.
    let [_, near, _] = ["here", "near", "far"].map(|id| registration(id, &sink.url("/hook")));
    assert!(matches!(daemon.ask(remove(&near)), Answer::Registered(_)));
    let names_now = names(&daemon.get("/v1/why?path=/d/one.mov").json());
    assert_eq!(names_now, [expect[0].clone(), expect[2].clone(), expect[3].clone()]);
    // The ledger of a stopped daemon says the same.
    drop(daemon);
    assert_eq!(names(&why_stopped(&dir.path().join("state"), "/d/one.mov")), names_now);
}
