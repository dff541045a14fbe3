//! The real binary as a child process, and the place that it works in.

use std::fs;
use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::http::{self, Answer};
use crate::sink::{Sink, Told};
use crate::{scratch, turns};

/// How long anything may take before it counts as never.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Polls a condition until it holds.
#[track_caller]
pub fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(Instant::now() < end, "{what}: not within {DEADLINE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The SHA-256 of a token or a certificate, in hexadecimal digits.
pub fn digest_of(bytes: impl AsRef<[u8]>) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// A store, rules and a state directory of a test's own.
pub struct Place {
    pub store: PathBuf,
    pub rules: PathBuf,
    pub state: PathBuf,
    pub config: Option<PathBuf>,
    /// Where the API listens; a port of 0: any that is free.
    pub listen: String,
    /// What runs the daemon: a program that becomes it, and its arguments. None: nothing does.
    pub through: Vec<String>,
    _dir: TempDir,
}

impl Place {
    /// An empty store with one rule file, `rules/a.toml`.
    pub fn new(rules: &str) -> Self {
        Self::new_in(rules, &std::env::temp_dir())
    }

    /// The same in a directory of some filesystem.
    pub fn new_in(rules: &str, above: &Path) -> Self {
        let dir = scratch::dir_in(above);
        // As the daemon resolves it, so that what it says of the place can be compared.
        let root = fs::canonicalize(dir.path()).expect("a true path");
        let place = Self {
            store: root.join("store"),
            rules: root.join("rules"),
            state: root.join("state"),
            config: None,
            listen: "127.0.0.1:0".to_owned(),
            through: Vec::new(),
            _dir: dir,
        };
        fs::create_dir(&place.store).expect("a store");
        fs::create_dir(&place.rules).expect("a directory for rules");
        place.rule(rules);
        place
    }

    /// Writes the rule file anew.
    pub fn rule(&self, text: &str) {
        fs::write(self.rules.join("a.toml"), text).expect("a rule file");
    }

    /// Starts with a configuration file from now on, which also says where everything else is. `{store}` in it is the
    /// store's directory.
    pub fn configure(&mut self, text: &str) {
        let file = self.store.with_file_name("ringback.toml");
        fs::write(&file, text.replace("{store}", &self.store.display().to_string())).expect("a configuration");
        self.config = Some(file);
    }

    /// A path in the store.
    pub fn at(&self, path: &str) -> PathBuf {
        self.store.join(path.trim_start_matches('/'))
    }

    /// Writes a file in the store; the directories above it are made.
    pub fn write(&self, path: &str, content: &str) {
        let at = self.at(path);
        fs::create_dir_all(at.parent().expect("below the store")).expect("a directory");
        let _turn = turns::writing();
        fs::write(&at, content).unwrap_or_else(|error| panic!("{}: {error}", at.display()));
    }

    /// Writes a file of the store whole: beside its place first, as programs that save files do.
    pub fn save(&self, path: &str, content: &[u8]) {
        let at = self.at(path);
        fs::create_dir_all(at.parent().expect("below the store")).expect("a directory");
        let aside = at.with_file_name(".saving");
        let turn = turns::writing();
        fs::write(&aside, content).expect("written");
        drop(turn);
        fs::rename(&aside, &at).expect("renamed");
    }

    fn command(&self) -> Command {
        let binary = env!("CARGO_BIN_EXE_ringback");
        let mut words = self.through.iter().map(String::as_str).chain([binary, "serve"]);
        let mut command = Command::new(words.next().expect("a program"));
        command.args(words);
        match &self.config {
            Some(file) => command.arg("--config").arg(file),
            None => command.arg(&self.store),
        };
        command.arg("--rules").arg(&self.rules).arg("--state").arg(&self.state);
        command.args(["--listen", &self.listen, "--log", "json"]);
        // A log filter of whoever runs the tests must not hide the line that says the address.
        command.env_remove("RUST_LOG").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// Starts the daemon and waits until it listens.
    #[track_caller]
    pub fn start_unready(&self) -> Daemon {
        Daemon::spawn(self.command(), &self.state)
    }

    /// Starts the daemon and waits until its start scan is done.
    #[track_caller]
    pub fn start(&self) -> Daemon {
        let daemon = self.start_unready();
        daemon.ready();
        daemon
    }

    /// Starts the daemon with its standard error elsewhere, and waits until it is ready: its log is not read. It
    /// listens where the place says, which is not a port of 0.
    #[track_caller]
    pub fn start_logging_to(&self, stderr: impl Into<Stdio>) -> Daemon {
        let mut command = self.command();
        command.stderr(stderr);
        let turn = turns::starting();
        let child = command.spawn().expect("the binary starts");
        drop(turn);
        let address = self.listen.parse().expect("an address");
        let (log, markers) = (Arc::default(), AtomicU32::new(0));
        let mut daemon = Daemon { child, address, token: String::new(), log, reading: None, markers };
        daemon.ready();
        daemon.token = fs::read_to_string(self.state.join("token")).expect("a token").trim().to_owned();
        daemon
    }

    /// Starts a daemon, and kills it after a while, whatever it has come to.
    pub fn run_for(&self, time: Duration) {
        let turn = turns::starting();
        let mut child = self.command().stderr(Stdio::null()).spawn().expect("the binary starts");
        drop(turn);
        std::thread::sleep(time);
        assert_eq!(child.try_wait().expect("a child of ours"), None, "it runs until it is killed");
        child.kill().expect("it runs");
        child.wait().expect("a child of ours");
    }

    /// Starts a daemon that is to refuse: its exit code and what it said.
    #[track_caller]
    pub fn refused(&self) -> (Option<i32>, String) {
        let turn = turns::starting();
        let mut child = self.command().spawn().expect("the binary starts");
        drop(turn);
        let stderr = child.stderr.take().expect("piped");
        let reading = std::thread::spawn(move || io::read_to_string(stderr).expect("UTF-8"));
        let end = Instant::now() + DEADLINE;
        let status = loop {
            if let Some(status) = child.try_wait().expect("a child of ours") {
                break status;
            }
            if Instant::now() > end {
                drop(child.kill());
                drop(child.wait());
                panic!("it did not refuse: {}", reading.join().expect("read"));
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        (status.code(), reading.join().expect("read"))
    }
}

/// A running daemon. It is killed when dropped.
pub struct Daemon {
    child: Child,
    pub address: SocketAddr,
    token: String,
    log: Arc<Mutex<Vec<String>>>,
    reading: Option<JoinHandle<()>>,
    markers: AtomicU32,
}

impl Daemon {
    #[track_caller]
    fn spawn(mut command: Command, state: &Path) -> Self {
        let turn = turns::starting();
        let mut child = command.spawn().expect("the binary starts");
        drop(turn);
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        let log = Arc::new(Mutex::new(Vec::new()));
        let (found, address) = mpsc::channel();
        let lines = Arc::clone(&log);
        let reading = std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if let Some(address) = address_in(&line) {
                    // Nobody waits for it when the deadline has passed.
                    let _ = found.send(address);
                }
                lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        // Made before anything may fail, so that the child never outlives the test.
        let mut daemon = Self {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            token: String::new(),
            log,
            reading: Some(reading),
            markers: AtomicU32::new(0),
        };
        daemon.address = match address.recv_timeout(DEADLINE) {
            Ok(address) => address,
            Err(why) => panic!("it does not listen ({why}):\n{}", daemon.log()),
        };
        // With principals configured there is no token of its own.
        daemon.token = fs::read_to_string(state.join("token")).unwrap_or_default().trim().to_owned();
        daemon
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has logged.
    pub fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }

    /// Whether `/readyz` says so now.
    pub fn is_ready(&self) -> bool {
        http::request(self.address, "GET /readyz", &[], b"").is_ok_and(|answer| answer.status == 200)
    }

    /// Waits until it is ready.
    #[track_caller]
    pub fn ready(&self) {
        let end = Instant::now() + DEADLINE;
        while !self.is_ready() {
            assert!(Instant::now() < end, "it does not get ready:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Calls the API as the administrator.
    #[track_caller]
    pub fn call(&self, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let authorization = format!("Bearer {}", self.token);
        let headers = [headers, &[("Authorization", authorization.as_str())]].concat();
        http::request(self.address, line, &headers, body)
            .unwrap_or_else(|error| panic!("{line}: {error}\n{}", self.log()))
    }

    /// Tells what the store knows; the lines are records.
    #[track_caller]
    pub fn records(&self, lines: &str) -> Answer {
        self.call("POST /v1/records", &[("Content-Type", "application/x-ndjson")], lines.as_bytes())
    }

    /// Waits until every write that finished before is matched.
    #[track_caller]
    pub fn sync(&self) -> serde_json::Value {
        let answer = self.call("POST /v1/sync", &[], b"");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// `GET /v1/status`.
    #[track_caller]
    pub fn status(&self) -> serde_json::Value {
        let answer = self.call("GET /v1/status", &[], b"");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// Waits until the status is as wanted.
    #[track_caller]
    pub fn status_until(&self, what: &str, wanted: impl Fn(&serde_json::Value) -> bool) -> serde_json::Value {
        let end = Instant::now() + DEADLINE;
        loop {
            let status = self.status();
            if wanted(&status) {
                return status;
            }
            assert!(Instant::now() < end, "{what}: last status {status:#}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Everything that was told of all that was done before this call, and nothing else: what came before a marker,
    /// a file made in the directory `marked` (a path in the store) once all earlier writes are matched. A subscription
    /// is served in order, so the marker comes last. It needs a rule that tells the marker to `sink`.
    #[track_caller]
    pub fn settled(&self, place: &Place, sink: &Sink, marked: &str) -> Vec<Told> {
        self.sync();
        let number = self.markers.fetch_add(1, Ordering::Relaxed);
        let marker = format!("{}/marker-{}-{number}", marked.trim_end_matches('/'), self.pid());
        place.write(&marker, "");
        self.sync();
        sink.wait(&format!("the marker {marker}"), |told| told.iter().any(|one| one.path == marker));
        let mut told = sink.told();
        let at = told.iter().position(|one| one.path == marker).expect("it has come");
        assert!(told[at + 1..].is_empty(), "told after the marker: {:?}", &told[at + 1..]);
        told.retain(|one| !one.path.contains("/marker-"));
        told
    }

    /// Sends a signal.
    pub fn signal(&self, signal: libc::c_int) {
        let pid = libc::pid_t::try_from(self.child.id()).expect("a process id");
        // SAFETY: a plain system call. The process is our child and not yet waited for, so its id is nobody else's.
        unsafe { libc::kill(pid, signal) };
    }

    /// Waits until it ends by itself: its exit code and everything it has logged.
    #[track_caller]
    pub fn ends(mut self) -> (Option<i32>, String) {
        let status = until("it ends by itself", || self.child.try_wait().expect("a child of ours"));
        self.end();
        (status.code(), self.log())
    }

    /// Ends it by SIGTERM.
    #[track_caller]
    pub fn stop(mut self) -> ExitStatus {
        self.signal(libc::SIGTERM);
        until("it ends when told to", || self.child.try_wait().expect("a child of ours"))
    }

    /// Ends it by SIGKILL.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // An error means that it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
        if let Some(reading) = self.reading.take() {
            drop(reading.join());
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.end();
        if std::thread::panicking() {
            eprintln!("the daemon's log:\n{}", self.log());
        }
    }
}

fn address_in(line: &str) -> Option<SocketAddr> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    line["message"].as_str()?.starts_with("ringback serves").then(|| line["address"].as_str()?.parse().ok())?
}
