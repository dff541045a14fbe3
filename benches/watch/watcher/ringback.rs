//! The daemon, and a receiver that its one subscription calls.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{MARKER, Watcher, contains, mark};
use crate::daemon::{Daemon, Place};
use crate::heard::{Ear, Heard, Piece};
use crate::options::Options;
use crate::score::{Report, Said};
use crate::sink;

/// However large the tree, it is ready by then.
const READY_LIMIT: Duration = Duration::from_secs(300);
/// How often it is asked whether it is ready: each answer costs it a connection.
const READY_EVERY: Duration = Duration::from_millis(10);
/// Something comes more often than this, or something is lost. A source that polls takes 10 s to begin.
const SILENCE: Duration = Duration::from_secs(60);

pub struct Ringback {
    place: Place,
    ear: Ear,
    // None while it is stopped.
    daemon: Option<Daemon>,
}

impl Ringback {
    /// Starts it over a tree with an empty state directory, and waits until it is ready; and how long that took.
    pub fn start(options: &Options, root: &Path) -> (Self, Duration) {
        let ear = Ear::new();
        let hook = ear.url("/hook");
        let mut place =
            Place::new(&format!("[[subscription]]\nname = 'all'\ncallback = '{hook}'\nwatchPath = ['* /']\n"));
        if let Some(source) = options.source {
            let (dir, source) = (root.display(), source.word());
            place.configure(&format!("[[mount]]\npath = '/'\ndir = '{dir}'\nwatch = '{source}'\n"));
        }
        place.store = root.to_owned();
        let mut ringback = Self { place, ear, daemon: None };
        let took = ringback.start_again();
        (ringback, took)
    }

    /// Ends it; its state stays.
    pub fn stop(&mut self) {
        let ended = self.daemon.take().expect("it runs").stop();
        assert!(ended.success(), "it ended with {ended}");
    }

    /// Starts it over the state that is there; how long that took, until it was ready.
    pub fn start_again(&mut self) -> Duration {
        let began = Instant::now();
        let daemon = self.daemon.insert(self.place.start_unready());
        while !daemon.is_ready() {
            assert!(began.elapsed() < READY_LIMIT, "it does not get ready:\n{}", daemon.log());
            std::thread::sleep(READY_EVERY);
        }
        began.elapsed()
    }

    /// The assets in its catalog.
    pub fn assets(&self) -> u64 {
        let status = self.daemon().status();
        status["mounts"][0]["assets"].as_u64().unwrap_or_else(|| panic!("a number of assets: {status:#}"))
    }

    /// The bytes of the ledger's files.
    pub fn ledger_bytes(&self) -> u64 {
        let files = std::fs::read_dir(&self.place.state).expect("a state directory");
        let ledger = files.map(|file| file.expect("readable")).filter(|file| {
            // The index of the log is memory, shared by way of a file.
            let name = file.file_name();
            let name = name.to_string_lossy();
            name.starts_with("ledger") && !name.ends_with("-shm")
        });
        ledger.map(|file| file.metadata().expect("readable").len()).sum()
    }

    fn daemon(&self) -> &Daemon {
        self.daemon.as_ref().expect("it runs")
    }

    #[track_caller]
    fn wait_marker(&self, name: &str) {
        let marker = mark(&self.place.store, name);
        let told = self.ear.heard.until(SILENCE, |piece| contains(&piece.bytes, &marker));
        assert!(told, "{marker} was never told:\n{}", self.daemon().log());
    }
}

impl Watcher for Ringback {
    fn pid(&self) -> u32 {
        self.daemon().pid()
    }

    fn heard(&self) -> &Heard {
        &self.ear.heard
    }

    fn reports_in(&self, piece: &Piece) -> Vec<Report> {
        let told = sink::entries(&piece.bytes).into_iter();
        told.map(|told| Report {
            at: piece.at,
            said: if told.action == "deleted" { Said::Gone } else { Said::Here },
            path: told.path,
        })
        .collect()
    }

    /// The first marker sees how long it takes by itself; only then it is made to look at everything, and what it had
    /// missed comes, late, before the second marker.
    fn finish(&self, _root: &Path) {
        self.wait_marker("first");
        self.daemon().sync();
        self.wait_marker("second");
        let pieces = self.ear.heard.pieces();
        let last = pieces.iter().rev().flat_map(|piece| self.reports_in(piece).into_iter().rev()).next();
        let last = last.expect("the marker has come");
        assert!(last.path.starts_with(MARKER), "told after the marker, against the order: {last:?}");
    }
}
