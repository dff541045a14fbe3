//! A watchman server of its own, spoken to over its socket: one JSON value a line in both directions.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Watcher;
use crate::daemon::until;
use crate::heard::{Heard, Piece};
use crate::score::{Report, Said};

/// However large the tree, it is crawled by then.
const READY_LIMIT: Duration = Duration::from_secs(300);

pub struct Watchman {
    server: Child,
    heard: Heard,
    reading: Option<JoinHandle<()>>,
    _state: TempDir,
}

/// A connection before anything comes unasked.
struct Client(BufReader<UnixStream>);

impl Watchman {
    /// With one subscription to the files of a tree.
    pub fn subscribed(root: &Path) -> Self {
        let (mut watchman, mut client) = Self::start();
        let clock = client.watch(root);
        let query = json!({"since": clock, "expression": ["type", "f"], "fields": ["name", "exists"]});
        client.ask(&json!(["subscribe", root, "bench", query]));
        let heard = watchman.heard.clone();
        // From now on what comes is the subscription's, at its own time.
        client.0.get_ref().set_read_timeout(None).expect("a socket");
        watchman.reading = Some(std::thread::spawn(move || client.read(&heard)));
        watchman
    }

    /// With a trigger that posts the names of changed files, one a line, by curl.
    pub fn curl_trigger(root: &Path, url: &str) -> Self {
        let (watchman, mut client) = Self::start();
        client.watch(root);
        let command = ["curl", "-s", "-o", "/dev/null", "--data-binary", "@-", url];
        let trigger =
            json!({"name": "bench", "expression": ["type", "f"], "stdin": "NAME_PER_LINE", "command": command});
        client.ask(&json!(["trigger", root, trigger]));
        watchman
    }

    fn start() -> (Self, Client) {
        let state = tempfile::tempdir().expect("a directory");
        let socket = state.path().join("socket");
        let file = |option: &str, name: &str| format!("--{option}={}", state.path().join(name).display());
        let mut command = Command::new("watchman");
        command.arg("--foreground").arg(format!("--sockname={}", socket.display()));
        command.args([file("statefile", "state"), file("logfile", "log"), file("pidfile", "pid")]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let server = command.spawn().expect("it is installed");
        let watchman = Self { server, heard: Heard::default(), reading: None, _state: state };
        let stream = until("watchman listens", || UnixStream::connect(&socket).ok());
        stream.set_read_timeout(Some(READY_LIMIT)).expect("a socket");
        (watchman, Client(BufReader::new(stream)))
    }
}

impl Client {
    /// Watches a tree; the clock when it has been crawled.
    fn watch(&mut self, root: &Path) -> Value {
        self.ask(&json!(["watch", root]));
        let limit = u64::try_from(READY_LIMIT.as_millis()).expect("not so long");
        self.ask(&json!(["clock", root, {"sync_timeout": limit}]))["clock"].clone()
    }

    #[track_caller]
    fn ask(&mut self, what: &Value) -> Value {
        let answer = self.try_ask(what).unwrap_or_else(|error| panic!("watchman, asked {what}: {error}"));
        assert!(answer.get("error").is_none(), "watchman, asked {what}: {answer}");
        answer
    }

    fn try_ask(&mut self, what: &Value) -> io::Result<Value> {
        self.0.get_mut().write_all(format!("{what}\n").as_bytes())?;
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }

    fn read(mut self, heard: &Heard) {
        let mut line = Vec::new();
        // Zero, or an error: the server has ended.
        while let Ok(1..) = self.0.read_until(b'\n', &mut line) {
            heard.push(Instant::now(), Bytes::from(std::mem::take(&mut line)));
        }
    }
}

impl Drop for Watchman {
    fn drop(&mut self) {
        // An error means that it has ended already.
        drop(self.server.kill());
        drop(self.server.wait());
        if let Some(reading) = self.reading.take() {
            drop(reading.join());
        }
    }
}

impl Watcher for Watchman {
    fn pid(&self) -> u32 {
        self.server.id()
    }

    fn heard(&self) -> &Heard {
        &self.heard
    }

    fn reports_in(&self, piece: &Piece) -> Vec<Report> {
        let value: Value = serde_json::from_slice(&piece.bytes).expect("JSON");
        let at = piece.at;
        let anew = value["is_fresh_instance"] == true;
        let anew = anew.then(|| Report { at, said: Said::Anew, path: String::new() });
        let files = value["files"].as_array().into_iter().flatten().map(|file| Report {
            at,
            said: if file["exists"] == true { Said::Here } else { Said::Gone },
            path: format!("/{}", file["name"].as_str().expect("a name")),
        });
        anew.into_iter().chain(files).collect()
    }
}
