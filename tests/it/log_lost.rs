//! A log that cannot be written costs log lines, and nothing else: deliveries go on, edits of rules are taken up, the
//! API answers, the end comes in time, and the status says how many lines were lost.

use std::fs::{File, OpenOptions};
use std::io::{self, PipeReader, Read as _};
use std::net::TcpListener;
use std::os::fd::AsRawFd as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::daemon::{Daemon, Place};
use crate::sink::Sink;
use crate::turns;

/// A port that is free now.
fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").to_string()
}

/// A place whose subscriber refuses every delivery once, which is a log line each.
struct Rig {
    place: Place,
    sink: Sink,
}

impl Rig {
    fn new() -> Self {
        let sink = Sink::new();
        let turn = Arc::new(AtomicU32::new(0));
        sink.behave(move |_| if turn.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) { 503_u16 } else { 200 });
        let mut place = Place::new(&rule(&sink, ""));
        place.listen = free_address();
        Self { place, sink }
    }

    /// Writes files, and waits until each is delivered. Nothing is synced: a user would not.
    #[track_caller]
    fn deliver(&self, name: &str) {
        for n in 0..20 {
            let path = format!("/{name}/{n}");
            self.place.write(&path, "one");
            self.sink.wait_line(&format!("added {path}"));
        }
    }

    /// Everything goes on: deliveries, edits, the status, the end.
    #[track_caller]
    fn check_at_work(&self, daemon: Daemon) {
        self.deliver("before the edit");
        let generation = daemon.status()["rules"]["generation"].as_u64().expect("a number");
        self.place.rule(&rule(&self.sink, "# edited\n"));
        daemon.status_until("the edit is in force", |status| {
            let rules = &status["rules"];
            rules["generation"].as_u64() > Some(generation) && rules["faults"].as_array().is_some_and(Vec::is_empty)
        });
        self.deliver("after the edit");
        let status = daemon.status_until("lost lines are counted, and nothing is on the wire", |status| {
            status["logLinesLost"].as_u64().is_some_and(|lost| lost > 0) && status["deliveries"]["inFlight"] == 0
        });
        assert_eq!(status["deliveries"]["dead"], 0, "{status:#}");
        assert!(daemon.is_ready());
        let (code, said) = status_of(&self.place, &daemon);
        assert!(code == Some(0) && said.contains("log lines lost: "), "{code:?} {said}");
        assert!(daemon.stop().success());
    }
}

fn rule(sink: &Sink, more: &str) -> String {
    format!("{}retry = ['10ms']\nretryCount = 100\n{more}", sink.rule_all())
}

fn status_of(place: &Place, daemon: &Daemon) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringback"));
    command.args(["status", "--url", &format!("http://{}", daemon.address), "--state"]).arg(&place.state);
    let turn = turns::starting();
    let child = command.env_remove("RINGBACK_TOKEN").stdout(Stdio::piped()).spawn().expect("the binary starts");
    drop(turn);
    let out = child.wait_with_output().expect("it ends");
    (out.status.code(), String::from_utf8_lossy(&out.stdout).into_owned())
}

fn full() -> File {
    OpenOptions::new().write(true).open("/dev/full").expect("Linux has it")
}

/// A pipe that holds one page.
fn small_pipe() -> (PipeReader, Stdio) {
    let (reader, writer) = io::pipe().expect("a pipe");
    // SAFETY: the descriptor is open; the argument is a number.
    let size = unsafe { libc::fcntl(writer.as_raw_fd(), libc::F_SETPIPE_SZ, 4096) };
    assert!(size >= 4096, "{}", io::Error::last_os_error());
    (reader, writer.into())
}

/// Reads the log until it says something.
#[track_caller]
fn read_until(reader: &mut PipeReader, said: &str) {
    let (mut read, mut byte) = (Vec::new(), [0; 1]);
    while !String::from_utf8_lossy(&read).contains(said) {
        assert!(reader.read(&mut byte).expect("the log") > 0, "{}", String::from_utf8_lossy(&read));
        read.push(byte[0]);
    }
}

#[test]
fn a_log_disk_that_is_full_from_the_start() {
    let rig = Rig::new();
    let daemon = rig.place.start_logging_to(full());
    rig.check_at_work(daemon);
}

#[test]
fn a_log_reader_that_dies_under_load() {
    let rig = Rig::new();
    let (mut reader, stderr) = small_pipe();
    let daemon = std::thread::scope(|scope| {
        let reading = scope.spawn(|| read_until(&mut reader, "deliveries begin to fail"));
        let daemon = rig.place.start_logging_to(stderr);
        rig.deliver("while it reads");
        reading.join().expect("the log says so");
        daemon
    });
    drop(reader);
    rig.check_at_work(daemon);
}

#[test]
fn a_log_reader_that_stops_reading_under_load() {
    let rig = Rig::new();
    let (reader, stderr) = small_pipe();
    let daemon = rig.place.start_logging_to(stderr);
    // A line each, of some 200 bytes: more than waits for the reader.
    rig.place.rule(&"[[subscription]]\nnname = 'a'\n".repeat(10_000));
    daemon.status_until("lines are lost", |status| status["logLinesLost"].as_u64().is_some_and(|lost| lost > 0));
    rig.deliver("under the last good rules");
    rig.check_at_work(daemon);
    drop(reader);
}

#[test]
fn commands_end_with_their_exit_codes_though_nothing_can_be_printed() {
    let place = Place::new("");
    let state = place.state.display().to_string();
    for (words, expect) in [
        (&["status", "--url", "http://127.0.0.1:1", "--state", &state] as &[&str], 1),
        (&["serve", "/nowhere", "--config", "/nowhere.toml"], 2),
        (&["serve", "/nowhere", "--config", "/nowhere.toml", "--log", "json"], 2),
        (&["no-such-command"], 2),
        (&["serve", "--listen", "8873", "--log", "json"], 2),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringback"));
        let turn = turns::starting();
        let child = command.args(words).stdin(Stdio::null()).stdout(full()).stderr(full()).spawn();
        drop(turn);
        let status = child.expect("the binary starts").wait().expect("it ends");
        assert_eq!(status.code(), Some(expect), "{words:?}");
    }
}
