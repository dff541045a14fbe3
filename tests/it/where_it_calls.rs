//! Where the daemon calls, and where it does not: addresses, proxies, redirects, certificates.

use std::fs;
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::daemon::{Daemon, Place, until};
use crate::recorder::{CERTIFICATE, Recorder};
use crate::rough::{Rough, answer};
use crate::sink::Sink;
use crate::turns;

const EXPIRED: &[u8] = include_bytes!("../../src/deliver/testdata/expired.der");
const ELSEWHERE: &[u8] = include_bytes!("../../src/deliver/testdata/elsewhere.der");

fn rule(callback: &str) -> String {
    format!(
        "[[subscription]]\nname = 'one'\ncallback = '{callback}'\nwatchPath = ['* /']\nretry = ['100ms']\nretryCount = 100\n"
    )
}

/// The line of the log that says that the subscription's deliveries begin to fail.
#[track_caller]
fn failure(daemon: &Daemon) -> serde_json::Value {
    until("the log says that deliveries fail", || {
        let log = daemon.log();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        lines.into_iter().find(|line| line["subscription"] == "one" && line["outcome"].is_string())
    })
}

/// Deliveries to this callback fail so, with this text.
#[track_caller]
fn check_fails(config: &str, callback: &str, outcome: &str, said: &str) {
    let _turn = turns::light();
    let mut place = Place::new(&rule(callback));
    place.configure(&format!("[[mount]]\npath = '/'\ndir = '{{store}}'\n{config}"));
    let daemon = place.start();
    place.write("/1", "one");
    let line = failure(&daemon);
    assert_eq!(line["outcome"], outcome, "{line}");
    assert!(line["message"].as_str().is_some_and(|text| text.contains(said)), "{line}");
}

#[test]
fn a_metadata_address_is_not_called() {
    for (callback, address) in [
        ("http://169.254.169.254/latest/meta-data", "169.254.169.254"),
        ("http://[::ffff:a9fe:a9fe]/latest", "169.254.169.254"),
        ("http://2852039166/latest", "169.254.169.254"),
        ("http://[fd00:ec2::254]/latest", "fd00:ec2::254"),
    ] {
        let said = format!("its address may not be called: {address} is ");
        check_fails("", callback, "refused-address", &said);
        check_fails("", callback, "refused-address", "`allow` of [delivery] in ringback.toml");
    }
}

#[test]
fn what_is_listed_is_called_and_what_is_not_is_not() {
    // To connect to 0.0.0.0 is to connect to this host.
    let sink = Sink::new();
    let url = sink.url("/hook").replace("127.0.0.1", "0.0.0.0");
    check_fails("", &url, "refused-address", "0.0.0.0 is an unspecified address");
    check_fails("[delivery]\nallow = ['10.0.0.0/8', '::/128']\n", &url, "refused-address", "0.0.0.0 is");
    assert!(sink.calls().is_empty());
    let mut place = Place::new(&rule(&url));
    place.configure("[[mount]]\npath = '/'\ndir = '{store}'\n[delivery]\nallow = ['0.0.0.0/32']\n");
    let daemon = place.start();
    place.write("/1", "one");
    sink.wait_line("added /1");
    drop(daemon);
}

#[test]
fn a_redirect_to_a_metadata_address_is_an_answer_and_no_more() {
    let rough = Rough::start(2, |stream| {
        let head =
            "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://169.254.169.254/latest\r\nContent-Length: 0\r\n\r\n";
        drop(answer(stream, head.as_bytes()));
    });
    let _turn = turns::light();
    let place = Place::new(&rule(&format!("http://{}/hook", rough.addr)));
    let daemon = place.start();
    place.write("/1", "one");
    let heard = rough.wait(3);
    assert!(heard.iter().all(|one| one.id == heard[0].id && one.line.starts_with("POST /hook ")), "{heard:?}");
    let line = failure(&daemon);
    assert_eq!(line["outcome"], "http-error", "{line}");
    assert!(!daemon.log().contains("169.254.169.254"), "{}", daemon.log());
}

#[test]
fn a_proxy_in_the_environment_is_not_used() {
    let sink = Sink::new();
    let proxy = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = proxy.local_addr().expect("bound");
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    std::thread::spawn(move || {
        for _connection in proxy.incoming() {
            counted.fetch_add(1, Ordering::AcqRel);
        }
    });
    let mut place = Place::new(&sink.rule_all());
    place.through = vec!["env".to_owned()];
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        place.through.push(format!("{name}=http://{address}"));
    }
    let daemon = place.start();
    place.write("/1", "one");
    sink.wait_line("added /1");
    assert_eq!(count.load(Ordering::Acquire), 0);
    drop(daemon);
}

/// A file of certificates, beside the configuration.
fn ca_file(place: &Place, certificates: &[&[u8]]) -> String {
    let path = place.store.with_file_name("ca.pem");
    fs::write(path, certificates.iter().map(|der| Recorder::pem(der)).collect::<String>()).expect("a file");
    "[[mount]]\npath = '/'\ndir = '{store}'\n[delivery]\nca_file = 'ca.pem'\n".to_owned()
}

#[test]
fn a_certificate_of_the_ca_file_is_believed() {
    let recorder = Recorder::secure(CERTIFICATE);
    let mut place = Place::new(&rule(&recorder.url("/hook")));
    let config = ca_file(&place, &[ELSEWHERE, CERTIFICATE]);
    place.configure(&config);
    let daemon = place.start();
    place.write("/1", "one");
    daemon.status_until("it is delivered", |status| {
        !recorder.calls().is_empty() && status["deliveries"]["inFlight"] == 0 && status["outbox"]["entries"] == 0
    });
}

#[test]
fn a_certificate_that_is_wrong_is_a_failure_that_says_why() {
    let nowhere: &[&[u8]] = &[];
    for (certificate, trusted, said) in [
        (EXPIRED, &[CERTIFICATE, EXPIRED][..], "the certificate has expired"),
        (ELSEWHERE, &[CERTIFICATE, ELSEWHERE], "the certificate is for another host"),
        (CERTIFICATE, nowhere, "the certificate comes from nobody whom this machine trusts"),
    ] {
        let recorder = Recorder::secure(certificate);
        let mut place = Place::new(&rule(&recorder.url("/hook")));
        if !trusted.is_empty() {
            let config = ca_file(&place, trusted);
            place.configure(&config);
        }
        let daemon = place.start();
        place.write("/1", "one");
        let line = failure(&daemon);
        assert_eq!(line["outcome"], "tls-error", "{line}");
        assert!(line["message"].as_str().is_some_and(|text| text.contains(said)), "{line}");
        assert!(recorder.calls().is_empty(), "nothing is sent, by plain HTTP neither");
    }
}

#[test]
fn a_ca_file_that_cannot_be_used_keeps_the_daemon_from_starting_and_check_says_it_too() {
    let mut place = Place::new("");
    let config = ca_file(&place, &[b"not a certificate"]);
    place.configure(&config);
    let path = place.store.with_file_name("ca.pem");
    let said = format!("certificate 1 in {} (`ca_file` of [delivery]) cannot be used: ", path.display());
    let (code, text) = place.refused();
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains(&said) && text.contains("\"fatal\":true"), "{text}");
    let config = place.config.as_ref().expect("it was configured");
    let turn = turns::starting();
    let checked = Command::new(env!("CARGO_BIN_EXE_ringback")).arg("check").arg("--config").arg(config).output();
    drop(turn);
    let checked = checked.expect("the binary starts");
    let text = String::from_utf8_lossy(&checked.stdout);
    assert_eq!(checked.status.code(), Some(1), "{text}");
    assert!(text.contains(&format!("error[RB0206]: {said}")) && text.contains("ringback.toml:5:12"), "{text}");
}
