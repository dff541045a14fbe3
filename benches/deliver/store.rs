//! An asset store on a tmpfs, and the daemon beside it with its ledger on a disk.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::daemon::{Daemon, Place};
use crate::options::Options;
use crate::scratch;

/// Files in one directory.
pub const DIRECTORY_FILES: usize = 100;
/// Records in one request; the API takes no more.
const RECORDS_MAX: usize = 10_000;
/// How long anything may take before it counts as never.
pub const LIMIT: Duration = Duration::from_secs(600);

/// A store with `assets` empty files, a rule file, and no daemon yet.
pub struct Store {
    pub place: Place,
    assets: usize,
    /// How often something was recorded: a value that an asset has already is no change.
    recordings: Cell<usize>,
    _files: TempDir,
}

impl Store {
    /// Makes the files. `delivery` goes into the configuration.
    pub fn new(options: &Options, assets: usize, delivery: &str, rules: &str) -> Self {
        let memory = Path::new("/dev/shm");
        let above = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let files = scratch::dir_in(&above);
        let mut place = Place::new_in(rules, &options.state());
        place.store = fs::canonicalize(files.path()).expect("a true path");
        place.configure(&format!("[[mount]]\npath = '/'\ndir = '{{store}}'\n[delivery]\n{delivery}"));
        for asset in (0..assets).step_by(DIRECTORY_FILES) {
            fs::create_dir_all(place.at(&path(asset)).parent().expect("below the store")).expect("a directory");
            for asset in asset..assets.min(asset + DIRECTORY_FILES) {
                fs::write(place.at(&path(asset)), "").expect("a file");
            }
        }
        Self { place, assets, recordings: Cell::new(0), _files: files }
    }

    /// Starts the daemon, and waits until it knows all files.
    pub fn start(&self) -> Daemon {
        let daemon = self.place.start_unready();
        let end = Instant::now() + LIMIT;
        while !daemon.is_ready() {
            assert!(Instant::now() < end, "it does not get ready:\n{}", daemon.log());
            std::thread::sleep(Duration::from_millis(2));
        }
        daemon
    }

    /// Records `count` changes of metadata, each asset in turn, so that no two of one batch fold. Returns how long that
    /// took.
    pub fn record(&self, daemon: &Daemon, count: usize) -> Duration {
        let recording = self.recordings.replace(self.recordings.get() + 1);
        let changes: Vec<usize> = (0..count).collect();
        let began = Instant::now();
        for changes in changes.chunks(RECORDS_MAX) {
            let mut lines = String::with_capacity(changes.len() * 64);
            for change in changes {
                let (asset, take) = (change % self.assets, change / self.assets);
                lines.push_str(&format!(
                    "{{\"path\":\"{}\",\"set\":{{\"Take\":\"{recording}-{take}\"}}}}\n",
                    path(asset)
                ));
            }
            let answer = daemon.records(&lines);
            assert_eq!(answer.status, 202, "{}", answer.text());
            assert_eq!(answer.json()["applied"], changes.len(), "every path is an asset's");
        }
        began.elapsed()
    }

    /// The path of a change that [`Self::record`] made.
    pub fn path_of(&self, change: usize) -> String {
        path(change % self.assets)
    }

    /// Bytes of the ledger and its log.
    pub fn ledger_bytes(&self) -> u64 {
        let files = fs::read_dir(&self.place.state).expect("a state directory").flatten();
        let is_ledger =
            |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ledger"));
        files.map(|file| file.path()).filter(is_ledger).map(|path| fs::metadata(path).map_or(0, |it| it.len())).sum()
    }
}

/// The logical path of an asset.
fn path(asset: usize) -> String {
    format!("/assets/{:04}/{asset:06}.mov", asset / DIRECTORY_FILES)
}

/// A subscription to the metadata of all assets.
pub fn rule_of_records(name: &str, url: &str, policy: &str) -> String {
    format!(
        "[[subscription]]\nname = '{name}'\ncallback = '{url}'\nwatchPath = ['/assets']\nwatchMetadata = ['*==*']\n{policy}\n"
    )
}

/// A subscription to files that are written.
pub fn rule_of_files(name: &str, url: &str, policy: &str) -> String {
    format!("[[subscription]]\nname = '{name}'\ncallback = '{url}'\nwatchPath = ['* /files']\n{policy}\n")
}
