//! From the end of a save to the request at a receiver, on a tmpfs, an ext4 and an xfs of their own: files overwritten
//! in place, copied over, renamed over and appended to. A disk's filesystem begins to write a truncated file out while
//! it is closed, and a watcher that then finds a writer must ask again soon.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::thousands;
use crate::mounted::{Kind, Mounted};
use crate::options::{Options, Who};
use crate::table::{Metric, Table, Unit};
use crate::watcher::Watcher as _;
use crate::watcher::ringback::Ringback;

/// Between two saves.
const GAP: Duration = Duration::from_millis(10);
/// Files that are saved in turns: the next save of one comes a second later.
const FILES: usize = 100;
/// Bytes of the saves, in turns: mostly documents, some photographs, at times a clip.
const SIZES: [usize; 10] = [4 << 10, 4 << 10, 4 << 10, 4 << 10, 256 << 10, 4 << 10, 4 << 10, 4 << 10, 2 << 20, 4 << 10];
/// Bytes of the large saves, one in each way at the end.
const LARGE: usize = 200 << 20;
/// Nothing more comes after this: twice the longest that a wait for a writer has ever taken.
const SILENCE: Duration = Duration::from_secs(60);

const METRICS: &[Metric] = &[
    Metric { key: "slow_1s", what: "later than 1 s", unit: Unit::Count, reach: "0" },
    Metric { key: "slow_100ms", what: "later than 100 ms", unit: Unit::Count, reach: "" },
    Metric { key: "p50_ms", what: "median", unit: Unit::Milliseconds, reach: "as on tmpfs" },
    Metric { key: "p99_ms", what: "99th percentile", unit: Unit::Milliseconds, reach: "" },
    Metric { key: "large_max_ms", what: "the longest of 200 MB", unit: Unit::Milliseconds, reach: "" },
    Metric { key: "never_told", what: "saves never reported", unit: Unit::Count, reach: "0" },
];

/// A filesystem for as long as it is measured.
struct Disk {
    at: PathBuf,
    // Unmounted before its directory goes.
    _mounted: Mounted,
    _dir: Option<TempDir>,
}

impl Disk {
    fn new(kind: Option<Kind>) -> Option<Self> {
        let Some(kind) = kind else {
            let dir = tempfile::tempdir().expect("a directory");
            let mounted = Mounted::tmpfs(dir.path(), "2g")?;
            return Some(Self { at: mounted.at.clone(), _mounted: mounted, _dir: Some(dir) });
        };
        let mounted = Mounted::new(kind)?;
        Some(Self { at: mounted.at.clone(), _mounted: mounted, _dir: None })
    }
}

pub fn run(options: &Options, table: &mut Table) {
    let count = options.sized(10_000);
    for (row, name, kind) in [
        ("saves-tmpfs", "a tmpfs", None),
        ("saves-ext4", "an ext4 (loop device)", Some(Kind::Ext4)),
        ("saves-xfs", "an xfs (loop device)", Some(Kind::Xfs)),
    ] {
        let what =
            format!("close(2) to HTTP request on {name}, {} saves 10 ms apart, and 4 of 200 MB", thousands(count));
        // What cannot be had is left out, and the guard says why.
        if let Some(disk) = Disk::new(kind) {
            table.row(row, &what, METRICS);
            measure(options, row, &disk.at, count, table);
        }
    }
}

fn measure(options: &Options, row: &'static str, at: &Path, count: usize, table: &mut Table) {
    let store = at.join("store");
    fs::create_dir(&store).expect("a directory");
    let scratch = at.join("scratch");
    File::create(&scratch).expect("a file beside the store");
    let name = |number: usize| format!("f{:02}", number % FILES);
    (0..FILES).for_each(|number| drop(File::create(store.join(name(number))).expect("created")));
    let (ringback, _) = Ringback::start(options, &store);
    let mut ended: Vec<(String, Instant, usize)> = Vec::new();
    let mut next = Instant::now();
    for number in 0..count {
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        // Each file meets every way and every size in time.
        let (way, bytes) = ((number + number / FILES) % 4, SIZES[(number / 4 + number / FILES) % SIZES.len()]);
        let at = save(way, &store.join(name(number)), &scratch, bytes);
        ended.push((format!("/{}", name(number)), at, bytes));
        next += GAP;
    }
    for way in 0..4 {
        let at = save(way, &store.join(name(way)), &scratch, LARGE);
        ended.push((format!("/{}", name(way)), at, LARGE));
    }
    note(row, &ringback, &ended, table);
}

/// Saves a file; it is closed, and under its name, when this returns. The moment right before the call that ends the
/// save: a report may come before this process runs again after it.
fn save(way: usize, at: &Path, scratch: &Path, bytes: usize) -> Instant {
    let write = |mut file: File| {
        write_all(&mut file, bytes);
        let end = Instant::now();
        drop(file);
        end
    };
    match way {
        0 => write(File::create(at).expect("opened")),
        1 => {
            write(File::create(scratch).expect("opened"));
            // As cp does: into what is there.
            let (mut from, mut to) = (File::open(scratch).expect("opened"), File::create(at).expect("opened"));
            io::copy(&mut from, &mut to).expect("copied");
            let end = Instant::now();
            drop(to);
            end
        }
        2 => {
            let new = at.with_extension("tmp");
            write(File::create(&new).expect("opened"));
            let end = Instant::now();
            fs::rename(&new, at).expect("renamed");
            end
        }
        _ => write(OpenOptions::new().append(true).open(at).expect("opened")),
    }
}

fn write_all(to: &mut File, bytes: usize) {
    let block = vec![b'x'; bytes.min(1 << 20)];
    let mut left = bytes;
    while left > 0 {
        let part = left.min(block.len());
        to.write_all(&block[..part]).expect("written");
        left -= part;
    }
}

/// Waits for the requests, and notes how long after the end of each save the next one came that names its file.
fn note(row: &'static str, ringback: &Ringback, ended: &[(String, Instant, usize)], table: &mut Table) {
    let mut open: HashMap<&str, Vec<(Instant, usize)>> = HashMap::new();
    for (path, at, bytes) in ended {
        open.entry(path).or_default().push((*at, *bytes));
    }
    let (mut times, mut large) = (Vec::new(), Vec::new());
    ringback.heard().until(SILENCE, |piece| {
        for report in ringback.reports_in(piece) {
            let Some(saves) = open.get_mut(report.path.as_str()) else { continue };
            saves.retain(|(at, bytes)| {
                let Some(took) = report.at.checked_duration_since(*at) else { return true };
                let times = if *bytes == LARGE { &mut large } else { &mut times };
                times.push(took.as_secs_f64() * 1_000.0);
                false
            });
        }
        open.values().all(Vec::is_empty)
    });
    let never_told: usize = open.values().map(Vec::len).sum();
    times.sort_by(f64::total_cmp);
    let all = || times.iter().chain(&large);
    let slower = |ms: f64| all().filter(|time| **time > ms).count() as f64;
    let share = |share: f64| times.get((times.len().saturating_sub(1) as f64 * share).round() as usize).copied();
    let mut figures =
        vec![("slow_1s", slower(1_000.0)), ("slow_100ms", slower(100.0)), ("never_told", never_told as f64)];
    figures.extend(share(0.5).map(|time| ("p50_ms", time)));
    figures.extend(share(0.99).map(|time| ("p99_ms", time)));
    figures.push(("large_max_ms", large.into_iter().fold(0.0, f64::max)));
    table.note(row, Who::Ringback, &figures);
    if never_told > 0 {
        table.fail(format!("{row}: {never_told} saves were never reported"));
    }
}
