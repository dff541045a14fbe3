//! Principals, tenants and TLS, as callers and operators meet them.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::daemon::{Daemon, Place, digest_of, until};
use crate::http::{self, Answer};
use crate::sink::Sink;
use crate::turns;

const CERTIFICATE: &[u8] = include_bytes!("../../src/deliver/testdata/certificate.der");
/// Another one, with the same key.
const ELSEWHERE: &[u8] = include_bytes!("../../src/deliver/testdata/elsewhere.der");
const KEY: &[u8] = include_bytes!("../../src/deliver/testdata/key.der");
const OTHER_KEY: &[u8] = include_bytes!("../../src/deliver/testdata/other-key.der");

/// Two mounts of two tenants, a rule of each and one of nobody, and a principal of each role for each tenant, whose
/// token is `ROLE-TENANT`.
fn two_tenants(sink: &Sink) -> Place {
    let rule = |name: &str, dir: &str, tenant: &str| {
        format!("{}tenant = '{tenant}'\n", sink.rule_of(name, &[&format!("* /{dir}")]))
    };
    let all = sink.rule_of("all", &["* /"]);
    let mut place = Place::new(&(rule("of-acme", "acme", "acme") + &rule("of-b", "b", "b") + &all));
    let mut config = String::new();
    for tenant in ["acme", "b"] {
        fs::create_dir(place.at(tenant)).expect("a directory");
        write!(config, "[[mount]]\npath = '/{tenant}'\ndir = '{{store}}/{tenant}'\ntenant = '{tenant}'\n")
            .expect("text");
        for role in ["operator", "recorder", "reader"] {
            let token = format!("{role}-{tenant}");
            let digest = digest_of(&token);
            let principal =
                format!("name = '{token}'\nrole = '{role}'\ntenants = ['{tenant}']\ntoken_sha256 = '{digest}'");
            writeln!(config, "[[principal]]\n{principal}").expect("text");
        }
    }
    place.configure(&config);
    place
}

fn ask(daemon: &Daemon, token: &str, line: &str, body: &Value) -> Answer {
    let authorization = format!("Bearer {token}");
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    http::request(daemon.address, line, &headers, body.as_bytes()).expect("an answer")
}

/// The values of a field in the rows of a list.
fn column(answer: &Answer, list: &str, field: &str) -> Vec<String> {
    let answer = answer.json();
    let rows = answer[list].as_array().unwrap_or_else(|| panic!("no {list} in {answer}"));
    let mut column: Vec<_> = rows.iter().map(|row| row[field].as_str().unwrap_or_default().to_owned()).collect();
    column.sort();
    column
}

#[test]
fn tenants_see_and_change_what_is_theirs() {
    let sink = Sink::new();
    let place = two_tenants(&sink);
    let daemon = place.start();
    place.write("/acme/1", "one");
    daemon.sync();
    place.write("/b/1", "one");
    daemon.sync();
    sink.wait_calls("each rule fires", |calls| calls.len() >= 4);
    daemon.status_until("all is recorded", |status| status["deliveries"]["inFlight"] == 0);

    let all = daemon.call("GET /v1/deliveries", &[], b"");
    assert_eq!(column(&all, "deliveries", "subscription"), ["all", "all", "of-acme", "of-b"]);
    for tenant in ["acme", "b"] {
        let get = |line: &str| ask(&daemon, &format!("reader-{tenant}"), line, &Value::Null);
        let name = format!("of-{tenant}");
        assert_eq!(column(&get("GET /v1/subscriptions"), "subscriptions", "name"), [name.as_str()]);
        assert_eq!(column(&get("GET /v1/deliveries"), "deliveries", "subscription"), [name.as_str()]);
        let status = get("GET /v1/status");
        assert_eq!(column(&status, "mounts", "path"), [format!("/{tenant}")]);
        assert_eq!(status.json()["rules"]["subscriptions"], 1);
        assert_eq!(status.json().get("deliveries"), None);
        for row in all.json()["deliveries"].as_array().expect("a list") {
            let id = row["id"].as_str().expect("an id");
            let is_theirs = row["subscription"] == name.as_str();
            let found = get(&format!("GET /v1/deliveries/{id}"));
            assert_eq!(found.status, if is_theirs { 200 } else { 404 }, "{tenant} {row}");
        }
    }
    let post = |token: &str, line: &str, body: Value| ask(&daemon, token, line, &body);
    for tenant in ["acme", "b"] {
        let paused =
            post(&format!("operator-{tenant}"), &format!("POST /v1/subscriptions/of-{tenant}/pause"), json!({}));
        assert_eq!((paused.status, &paused.json()["state"]), (200, &json!("paused")), "{}", paused.text());
    }
    assert_eq!(post("operator-b", "POST /v1/subscriptions/of-acme/resume", json!({})).status, 404);
    assert_eq!(post("operator-b", "POST /v1/subscriptions/all/pause", json!({})).status, 404);
    assert_eq!(post("reader-b", "POST /v1/subscriptions/of-b/resume", json!({})).status, 403);
}

#[test]
fn what_is_done_by_filter_passes_other_tenants_over() {
    let sink = Sink::new();
    let place = two_tenants(&sink);
    let rules = fs::read_to_string(place.rules.join("a.toml")).expect("rules");
    place.rule(&rules.replace("[[subscription]]\n", "[[subscription]]\nretry = ['1h']\n"));
    sink.behave(|_| 500);
    let daemon = place.start();
    place.write("/acme/1", "one");
    place.write("/b/1", "one");
    daemon.sync();
    let waiting = |n: u64| move |status: &Value| status["deliveries"]["waiting"] == n;
    let before = daemon.status_until("each waits", |status| status["deliveries"]["waiting"].as_u64() >= Some(3));
    let before = before["deliveries"]["waiting"].as_u64().expect("a number");
    let everything = json!({"host": "127.0.0.1", "state": "waiting", "dryRun": true});
    let counted = ask(&daemon, "operator-acme", "POST /v1/deliveries/drop", &everything);
    assert_eq!((counted.status, &counted.json()["deliveries"]), (200, &json!(1)), "{}", counted.text());
    let everything = json!({"host": "127.0.0.1", "state": "waiting", "reason": "a move"});
    let dropped = ask(&daemon, "operator-acme", "POST /v1/deliveries/drop", &everything);
    assert_eq!(dropped.json()["deliveries"], 1, "{}", dropped.text());
    daemon.status_until("the others wait", waiting(before - 1));
    let all = daemon.call("GET /v1/deliveries?state=dropped", &[], b"");
    assert_eq!(column(&all, "deliveries", "subscription"), ["of-acme"]);

    // The audit has a line of it, with who, from where, and what came of it; of a refusal too.
    assert_eq!(ask(&daemon, "reader-acme", "POST /v1/deliveries/drop", &everything).status, 403);
    let lines = crate::daemon::until("the log has both lines", || {
        let log = daemon.log();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let lines: Vec<Value> = lines.filter(|line| line["audit"] == true).collect();
        lines.iter().any(|line| line["status"] == 403).then_some(lines)
    });
    let done = lines.iter().find(|line| line["status"] == 200 && line["did"].to_string().contains("because a move"));
    let done = done.unwrap_or_else(|| panic!("{lines:?}"));
    assert_eq!((&done["by"], &done["role"]), (&json!("operator-acme"), &json!("operator")));
    assert!(done["from"].as_str().is_some_and(|from| from.starts_with("127.0.0.1:")), "{done}");
    assert_eq!(done["endpoint"], "POST /v1/deliveries/drop");
}

#[test]
fn a_recorder_assigns_within_its_tenants_mounts_alone() {
    let sink = Sink::new();
    let place = two_tenants(&sink);
    let daemon = place.start();
    place.write("/acme/1", "one");
    place.write("/b/1", "one");
    sink.wait_line("added /acme/1");
    let id = sink.told().iter().find(|told| told.line() == "added /acme/1").expect("it came").asset_id;
    let record = |token: &str, records: Value| ask(&daemon, token, "POST /v1/records", &records);
    let set = json!({"City": "SFO"});
    assert_eq!(record("recorder-acme", json!([{"path": "/acme/1", "set": set}])).json()["applied"], 1);
    assert_eq!(record("recorder-acme", json!([{"path": "/acme/later", "set": set}])).json()["kept"], 1);
    // Another tenant's path, one in no mount, and another tenant's asset: nothing of the request is recorded.
    for (outside, field) in [("/b/1", "path"), ("/nowhere", "path"), ("/b/later", "path")] {
        let answer = record("recorder-acme", json!([{"path": "/acme/1", "set": set}, {"path": outside, "set": set}]));
        let fault = &answer.json()["errors"][0];
        assert_eq!((answer.status, &fault["index"], &fault["field"]), (422, &json!(1), &json!(field)), "{outside}");
        let detail = fault["detail"].as_str().expect("a text");
        assert!(!detail.contains("/b"), "another tenant's mount is not named: {detail}");
    }
    let by_number = json!([{"assetId": id, "set": {"City": "LAX"}}]);
    let (theirs, nobodys) =
        (record("recorder-b", by_number.clone()), record("recorder-b", json!([{"assetId": 999_999, "set": set}])));
    assert_eq!((theirs.status, theirs.json()["errors"].clone()), (422, nobodys.json()["errors"].clone()));
    assert_eq!(record("recorder-acme", by_number).status, 202);

    // A scan covers the caller's mounts, and no other is scanned.
    let ends = |status: &Value| [0, 1].map(|mount| status["mounts"][mount]["lastScan"]["at"].clone());
    let before = ends(&daemon.status());
    let scan = ask(&daemon, "operator-acme", "POST /v1/rescan", &json!({}));
    assert_eq!((scan.status, &scan.json()["scanning"]), (202, &json!(["/acme"])), "{}", scan.text());
    let scanned = daemon.status_until("it is scanned", |status| ends(status)[0] != before[0]);
    assert_eq!(ends(&scanned)[1], before[1], "the other tenant's mount is not");
    let outside = ask(&daemon, "operator-acme", "POST /v1/rescan", &json!({"path": "/b/1"}));
    assert_eq!(outside.status, 422, "{}", outside.text());
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

/// Runs a command that finds the daemon by its state directory: its exit code, and what it printed.
fn by_state_dir(place: &Place, words: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringback"));
    command.args(words).arg("--state").arg(&place.state).env_remove("RINGBACK_TOKEN");
    let turn = turns::starting();
    let child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn();
    drop(turn);
    let out = child.expect("the binary starts").wait_with_output().expect("it ends");
    (out.status.code(), String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr))
}

#[test]
fn the_api_speaks_tls_and_commands_believe_the_certificate_that_the_state_directory_names() {
    let sink = Sink::new();
    let mut place = Place::new(&sink.rule_all());
    let files = ["cert.pem", "key.pem"].map(|name| place.store.with_file_name(name));
    fs::write(&files[0], pem("CERTIFICATE", CERTIFICATE)).expect("a file");
    fs::write(&files[1], pem("PRIVATE KEY", KEY)).expect("a file");
    place.configure(
        "[[mount]]\npath = '/'\ndir = '{store}'\n[tls]\ncert = 'cert.pem'\nkey = 'key.pem'\n\
         [[principal]]\nname = 'jo'\nrole = 'super-administrator'\ntoken_sha256 = '0c7ea0ff1b2b5a2c8f8e8a4f3a8a9e0b3d7f6f0c5b1f4a2e9d8c7b6a59483726'\n",
    );
    let daemon = place.start_unready();
    let address = place.state.join("address");
    let said = format!("https://{}\n{}\n", daemon.address, digest_of(CERTIFICATE));
    assert_eq!(fs::read_to_string(&address).expect("there"), said);
    assert_eq!(fs::metadata(&address).expect("there").permissions().mode() & 0o777, 0o600);
    assert!(http::request(daemon.address, "GET /healthz", &[], b"").is_err(), "it speaks no plain HTTP");

    // The local administrator's token counts beside the configured principal's.
    let (code, text) = by_state_dir(&place, &["sync", "--timeout", "30s"]);
    assert!(code == Some(0) && text.contains("everything that was written is matched"), "{code:?} {text}");
    let url = format!("https://{}", daemon.address);
    let (code, text) = by_state_dir(&place, &["status", "--url", &url]);
    assert!(code == Some(0) && text.contains("ringback"), "{code:?} {text}");

    // Another certificate, and one that nobody has signed, are not believed.
    fs::write(&address, said.replace(&digest_of(CERTIFICATE), &"00".repeat(32))).expect("a file");
    let (code, text) = by_state_dir(&place, &["status"]);
    assert!(
        code == Some(1) && text.contains("does not have the certificate that the state directory"),
        "{code:?} {text}"
    );
    fs::write(&address, said.replace(&format!("https://{}", daemon.address), &format!("http://{}", daemon.address)))
        .expect("a file");
    let (code, text) = by_state_dir(&place, &["status", "--url", &url]);
    assert!(code == Some(1) && text.contains("cannot be believed to be what --url names"), "{code:?} {text}");
    fs::write(&address, said).expect("a file");
    assert!(daemon.stop().success());
    assert!(!address.exists(), "a clean end removes it");

    fs::write(&files[1], pem("PRIVATE KEY", b"no key")).expect("a file");
    let (code, text) = place.refused();
    assert!(code == Some(2) && text.contains("of [tls] cannot be used"), "{code:?} {text}");
    let config = place.config.as_ref().expect("a file").display().to_string();
    let check = Command::new(env!("CARGO_BIN_EXE_ringback")).args(["check", "--config", &config]).output();
    let check = check.expect("the binary starts");
    let text = String::from_utf8_lossy(&check.stdout);
    assert!(check.status.code() == Some(1) && text.contains("error[RB0208]"), "{text}");
}

#[test]
fn a_certificate_that_was_renewed_is_taken_up_at_a_sighup_and_a_bad_one_is_not() {
    let mut place = Place::new("");
    let files = ["cert.pem", "key.pem"].map(|name| place.store.with_file_name(name));
    let put = |certificate: &[u8], key: &[u8]| {
        fs::write(&files[0], pem("CERTIFICATE", certificate)).expect("a file");
        fs::write(&files[1], pem("PRIVATE KEY", key)).expect("a file");
    };
    let config = "[[mount]]\npath = '/'\ndir = '{store}'\n[tls]\ncert = 'cert.pem'\nkey = 'key.pem'\n";
    put(CERTIFICATE, KEY);
    place.configure(config);
    let daemon = place.start_unready();
    let address = place.state.join("address");
    let names = |certificate: &[u8]| {
        let text = fs::read_to_string(&address).expect("there");
        text.lines().nth(1) == Some(&digest_of(certificate))
    };
    // A command believes the certificate of the file alone: where it is answered, that one is in force.
    let status = |place: &Place| by_state_dir(place, &["status", "--timeout", "30s"]);
    until("it is well", || (status(&place).0 == Some(0)).then_some(()));
    assert!(names(CERTIFICATE));

    put(ELSEWHERE, KEY);
    daemon.signal(libc::SIGHUP);
    until("the file names the new certificate", || names(ELSEWHERE).then_some(()));
    assert_eq!(status(&place).0, Some(0), "{}", daemon.log());
    assert!(daemon.log().contains(&digest_of(ELSEWHERE)), "the log says it: {}", daemon.log());

    // The key is another certificate's: nothing of the file is taken up, and the old pair stays.
    put(CERTIFICATE, OTHER_KEY);
    place.configure(&format!("{config}[delivery]\ntimeout = '3s'\n"));
    daemon.signal(libc::SIGHUP);
    until("the log says it", || daemon.log().contains("the configuration is not taken up").then_some(()));
    let (code, text) = status(&place);
    assert!(code == Some(1) && text.contains("rules, since") && text.contains("of [tls] cannot be used"), "{text}");
    assert!(names(ELSEWHERE) && !daemon.log().contains("[delivery] timeout"), "{}", daemon.log());

    // Mended, and at another place.
    let moved = place.store.with_file_name("moved.pem");
    fs::write(&moved, pem("CERTIFICATE", CERTIFICATE)).expect("a file");
    fs::write(&files[1], pem("PRIVATE KEY", KEY)).expect("a file");
    place.configure(&config.replace("cert.pem", "moved.pem"));
    daemon.signal(libc::SIGHUP);
    until("the file names the first certificate", || names(CERTIFICATE).then_some(()));
    until("the trouble is over", || (status(&place).0 == Some(0)).then_some(()));
    assert!(daemon.stop().success());
}
