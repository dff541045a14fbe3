//! The receivers of `examples/receivers`, each beside the real binary: they believe what ringback signs, take it once,
//! and believe nobody else. Where a language's interpreter is not installed its receiver is left out, loudly.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};

use crate::daemon::{Place, until};
use crate::{http, turns};

/// `whsec_` and the base64 of `geheim-eins` and `geheim-zwei`.
const FIRST: &str = "whsec_Z2VoZWltLWVpbnM=";
const SECOND: &str = "whsec_Z2VoZWltLXp3ZWk=";

#[test]
fn the_receiver_in_python_believes_ringback_alone_and_takes_a_delivery_once() {
    check(&["python3", &example("receiver.py")]);
}

#[test]
fn the_receiver_in_node_believes_ringback_alone_and_takes_a_delivery_once() {
    check(&["node", &example("receiver.mjs")]);
}

/// `cargo test` builds it beside the binary; `cargo test --test it` does not.
#[test]
fn the_receiver_in_rust_believes_ringback_alone_and_takes_a_delivery_once() {
    let beside: PathBuf = Path::new(env!("CARGO_BIN_EXE_ringback")).with_file_name("examples").join("receiver");
    check(&[&beside.display().to_string()]);
}

fn example(file: &str) -> String {
    format!("{}/examples/receivers/{file}", env!("CARGO_MANIFEST_DIR"))
}

/// A running receiver. It is killed when dropped.
struct Receiver {
    child: Child,
    address: SocketAddr,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    /// `None` where the program is not installed.
    fn start(command: &[&str], secret: &str) -> Option<Self> {
        let mut started = Command::new(command[0]);
        started.args(&command[1..]).arg("0").env("SECRET", secret).stdin(Stdio::null()).stdout(Stdio::piped());
        let turn = turns::starting();
        let child = started.spawn();
        drop(turn);
        let mut child = match child {
            Ok(child) => child,
            Err(error) => {
                eprintln!("!!! SKIPPED: {} cannot be started ({error}), so its receiver is not tried", command[0]);
                return None;
            }
        };
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let lines = Arc::new(Mutex::new(Vec::new()));
        let theirs = Arc::clone(&lines);
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                theirs.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        let mut receiver = Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)), lines };
        let port =
            until("it says where it listens", || receiver.lines().first()?.strip_prefix("listening on ")?.parse().ok());
        receiver.address.set_port(port);
        Some(receiver)
    }

    /// What it has printed so far.
    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Posts a delivery, and returns the status of its answer.
    fn post(&self, id: &str, at: u64, signature: &str, body: &str) -> u16 {
        let at = at.to_string();
        let headers = [("webhook-id", id), ("webhook-timestamp", &at), ("webhook-signature", signature)];
        http::request(self.address, "POST /hook", &headers, body.as_bytes()).expect("an answer").status
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // An error means that it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[track_caller]
fn check(command: &[&str]) {
    let Some(receiver) = Receiver::start(command, SECOND) else { return };
    let rule = format!(
        "[[subscription]]\nname = 'all'\ncallback = 'http://{}/hook'\nwatchPath = ['* /']\nsecret = 'file:it.secret'\n",
        receiver.address
    );
    let place = Place::new(&rule);
    // A rotation: ringback signs with both, and the receiver knows the new one alone.
    fs::write(place.rules.join("it.secret"), format!("{FIRST}\n{SECOND}\n")).expect("secrets");
    let daemon = place.start();
    for path in ["/a.mov", "/b é.mov"] {
        place.write(path, "");
        daemon.sync();
        let line = format!("added {path}");
        until(&line, || receiver.lines().last().is_some_and(|last| *last == line).then_some(()));
    }
    let status = daemon.status_until("both are accepted", |status| status["deliveries"]["inFlight"] == 0);
    assert_eq!(status["deliveries"]["waiting"], 0, "nothing has to be tried again: {status}");

    let before = receiver.lines();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let body = r#"{"success":true,"data":{"entry":[{"assetId":9,"path":"/c.mov","action":"deleted"}]},"id":"all"}"#;
    let good = signature("again", now, body);
    assert_eq!(receiver.post("again", now, "", body), 401, "unsigned");
    assert_eq!(receiver.post("again", now, "v1,AAAA v1,", body), 401, "signed by somebody else");
    assert_eq!(receiver.post("other", now, &good, body), 401, "of another delivery");
    assert_eq!(receiver.post("again", now - 400, &signature("again", now - 400, body), body), 401, "an old one");
    assert_eq!(receiver.post("again", now, &good, &body.replace("/c", "/d")), 401, "changed on its way");
    assert_eq!(receiver.lines(), before, "nothing of this is believed");
    assert_eq!(receiver.post("again", now, &format!("v1,AAAA {good}"), body), 204);
    assert_eq!(receiver.post("again", now, &good, body), 204, "a repeat is accepted");
    // In order, so whatever the repeat did is printed before this one.
    assert_eq!(receiver.post("last", now, &signature("last", now, body), body), 204);
    until("both are printed", || (receiver.lines().len() >= before.len() + 2).then_some(()));
    assert_eq!(receiver.lines()[before.len()..], ["deleted /c.mov", "deleted /c.mov"], "the repeat was dropped");
}

/// What ringback would send.
fn signature(id: &str, at: u64, body: &str) -> String {
    let key = STANDARD.decode(SECOND.trim_start_matches("whsec_")).expect("base64");
    let mac = Hmac::<sha2::Sha256>::new_from_slice(&key).expect("a key of any length");
    let digest = mac.chain_update(format!("{id}.{at}.{body}")).finalize().into_bytes();
    format!("v1,{}", STANDARD.encode(digest))
}
