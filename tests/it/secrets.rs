//! Secrets of subscriptions: read beside the rules, picked up when they change, shown nowhere.

use std::fs;

use crate::daemon::Place;
use crate::sink::Sink;

/// `whsec_` and the base64 of `geheim-eins` and `geheim-zwei`.
const FIRST: &str = "whsec_Z2VoZWltLWVpbnM=";
const SECOND: &str = "whsec_Z2VoZWltLXp3ZWk=";

#[test]
fn a_secret_signs_is_picked_up_when_it_changes_and_shows_nowhere() {
    let sink = Sink::new();
    let rule = sink.rule_all() + "secret = 'file:sfo.secret'\nhubSignature = true\n";
    let place = Place::new(&rule);
    let secret = place.rules.join("sfo.secret");
    let (code, said) = place.refused();
    assert!(
        code == Some(2) && said.contains("RB0032") && said.contains("sfo.secret cannot be read"),
        "{code:?} {said}"
    );

    fs::write(&secret, FIRST).expect("a secret");
    let daemon = place.start();
    // The signatures that came with the last call once this file is told.
    let signed = |path: &str| {
        place.write(path, "one");
        sink.wait_line(&format!("added {path}"));
        let calls = sink.calls();
        let received = &calls.last().expect("a call").received;
        let hub = received.header("x-hub-signature-256").to_owned();
        assert!(hub.starts_with("sha256="), "{hub}");
        received.header("webhook-signature").to_owned()
    };
    assert_eq!(signed("/a").matches("v1,").count(), 1);

    let generation = |status: &serde_json::Value| status["rules"]["generation"].as_u64();
    let before = generation(&daemon.status());
    fs::write(&secret, format!("{SECOND}\n{FIRST}\n")).expect("a secret");
    daemon.status_until("the new secret is in force", |status| generation(status) > before);
    assert_eq!(signed("/b").matches("v1,").count(), 2);

    // One that goes is a fault; what was good stays in force, until it is back.
    fs::remove_file(&secret).expect("a removal");
    let faulty = daemon.status_until("the fault is shown", |status| status["rules"]["faults"] != serde_json::json!([]));
    assert_eq!(signed("/c").matches("v1,").count(), 2);
    daemon.kill();

    // A start over it runs on the last good rules, and sends nothing unsigned.
    let daemon = place.start();
    let calls = sink.calls().len();
    place.write("/d", "one");
    daemon.sync();
    daemon.status_until("it is owed", |status| status["outbox"]["entries"] == 1);
    assert_eq!(sink.calls().len(), calls);
    fs::write(&secret, FIRST).expect("a secret");
    sink.wait_line("added /d");
    let calls = sink.calls();
    assert!(calls.iter().all(|call| call.received.header("webhook-signature").starts_with("v1,")));

    let shown = [daemon.log(), daemon.status().to_string(), faulty.to_string()].concat();
    daemon.stop();
    let mut kept = Vec::new();
    for file in fs::read_dir(&place.state).expect("the state directory").flatten().filter(|file| file.path().is_file())
    {
        kept.extend(fs::read(file.path()).expect("a file"));
    }
    let kept = String::from_utf8_lossy(&kept);
    assert!(kept.contains("sfo.secret"), "the last good rules are kept");
    for text in [FIRST, SECOND, "geheim"] {
        assert!(!shown.contains(text) && !kept.contains(text), "{text} shows");
    }
}
