//! A burst of small pictures with EXIF, IPTC-IIM and XMP in one mount, and what it costs the live changes of another:
//! the time from a write to its arrival, alone and beside the burst. Each picture must come in one entry that has both
//! its bytes and its metadata.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{quantile, since_written};
use crate::options::Options;
use crate::store::{DIRECTORY_FILES, LIMIT, Store, rule_of_files};
use crate::table::Figure;
use crate::targets::{Arrival, Targets};

/// Between two live changes.
const PAUSE: Duration = Duration::from_millis(10);
/// Live changes that are measured alone.
const ALONE: usize = 500;

/// A file that is written after all pictures.
const MARKER: &str = "marker.mov";

/// The target of the live changes, and that of the pictures.
const LIVE: usize = 0;
const PICTURES: usize = 1;

pub fn run(options: &Options) -> Vec<Figure> {
    let pictures = options.sized(20_000);
    let targets = Targets::start(2, 2);
    let rules = rule_of_files("live", &targets.url(LIVE), "")
        + &format!(
            "[[subscription]]\nname = 'pictures'\ncallback = '{}'\nwatchPath = ['* /pictures']\nfields = ['changed']\n",
            targets.url(PICTURES)
        );
    let mut store = Store::new(options, 1, "", &rules);
    let mount = |name: &str| format!("[[mount]]\npath = '/{name}'\ndir = '{{store}}/{name}'\n");
    store.place.configure(&(mount("files") + &mount("pictures")));
    fs::create_dir(store.place.at("/files")).expect("a directory");
    for directory in 0..pictures.div_ceil(DIRECTORY_FILES) {
        fs::create_dir_all(store.place.at(&format!("/pictures/{directory:04}"))).expect("a directory");
    }
    let daemon = store.start();
    store.place.write("/files/first.mov", "");
    targets.wait_entries(1, LIMIT);

    let mut alone = live(&store, &targets, "alone", |written| written == ALONE);
    let began = Instant::now();
    let is_written = AtomicBool::new(false);
    let mut told = Pictures::default();
    let (mut beside, took) = std::thread::scope(|scope| {
        let (below, is_written) = (store.place.at("/pictures"), &is_written);
        let writing = scope.spawn(move || {
            write_pictures(&below, pictures);
            is_written.store(true, Relaxed);
            began.elapsed()
        });
        let times = live(&store, &targets, "beside", |_| is_written.load(Relaxed) && targets.requests_at(PICTURES) > 0);
        (times, writing.join().expect("no panic"))
    });
    beside.arrivals.iter().for_each(|arrival| told.take(arrival));
    // Entries of one subscription come in order.
    daemon.sync();
    store.place.write(&format!("/pictures/{MARKER}"), "");
    let end = Instant::now() + LIMIT;
    while !told.is_marked {
        assert!(Instant::now() < end, "{} pictures came, and no marker", told.seen.len());
        targets.take().iter().for_each(|arrival| told.take(arrival));
        std::thread::sleep(Duration::from_millis(1));
    }
    told.check(pictures);
    let all = told.last.map_or(took, |last| last - began);
    daemon.kill();
    let (p50, p99) = (quantile(&mut alone.times, 0.5), quantile(&mut alone.times, 0.99));
    let (p50_beside, p99_beside) = (quantile(&mut beside.times, 0.5), quantile(&mut beside.times, 0.99));
    vec![
        Figure::new("live changes alone, p50", p50, "ms"),
        Figure::new("live changes alone, p99", p99, "ms"),
        Figure::new("live changes beside the burst, p50", p50_beside, "ms"),
        Figure::new("live changes beside the burst, p99", p99_beside, "ms"),
        Figure::new("p50 beside to p50 alone", p50_beside / p50, "x"),
        Figure::new("pictures written, read, recorded and delivered", pictures as f64 / all.as_secs_f64(), "/s"),
        Figure::new("from the last picture's write to its arrival", (all.saturating_sub(took)).as_secs_f64(), "s"),
    ]
}

/// Live changes that were measured, and everything that came meanwhile.
struct Live {
    times: Vec<Duration>,
    arrivals: Vec<Arrival>,
}

/// Writes a file each [`PAUSE`] until it is enough.
fn live(store: &Store, targets: &Targets, name: &str, is_enough: impl Fn(usize) -> bool) -> Live {
    targets.restart(true);
    let mut written = HashMap::new();
    while !is_enough(written.len()) {
        std::thread::sleep(PAUSE);
        let path = format!("/files/{name}-{:06}.mov", written.len());
        store.place.write(&path, "");
        written.insert(path, Instant::now());
    }
    let (end, mut arrivals, mut times) = (Instant::now() + LIMIT, Vec::new(), Vec::new());
    while times.len() < written.len() {
        assert!(Instant::now() < end, "{} of {} live changes came", times.len(), written.len());
        let new = targets.take();
        times.extend(since_written(&written, &new, LIVE + 1));
        arrivals.extend(new);
        std::thread::sleep(Duration::from_millis(1));
    }
    Live { times, arrivals }
}

/// Pictures, each with some bytes that no other has.
fn write_pictures(below: &Path, count: usize) {
    let picture = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/metadata/all.jpg")).expect("a picture");
    for number in 0..count {
        let at = below.join(format!("{:04}/{number:06}.jpg", number / DIRECTORY_FILES));
        let bytes = [&picture[..], &(number as u64).to_be_bytes()].concat();
        fs::write(at, bytes).expect("written");
    }
}

/// What came of the pictures.
#[derive(Default)]
struct Pictures {
    seen: HashSet<String>,
    last: Option<Instant>,
    is_marked: bool,
}

impl Pictures {
    fn take(&mut self, arrival: &Arrival) {
        if arrival.target != PICTURES {
            return;
        }
        let body: Value = serde_json::from_slice(&arrival.body).expect("JSON");
        for entry in body["data"]["entry"].as_array().expect("entries") {
            let path = entry["path"].as_str().expect("a path");
            if path.ends_with(MARKER) {
                self.is_marked = true;
                continue;
            }
            self.last = self.last.max(Some(arrival.at));
            assert_eq!(entry["action"], "added", "{entry}");
            for key in ["IPTC_City", "EXIF_Model", "XMP_Rating"] {
                assert!(entry["changed"][key].is_object(), "bytes and metadata come in one entry: {key} in {entry}");
            }
            assert!(self.seen.insert(path.to_owned()), "{path} comes in one entry");
        }
    }

    fn check(&self, count: usize) {
        assert_eq!(self.seen.len(), count, "every picture comes");
    }
}
