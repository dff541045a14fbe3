//! SIGKILL at random moments, under load, again and again: afterwards the receiver's view equals the disk, nothing that
//! was done is untold, and no id ever carried two bodies (which the sink checks on every request).

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::daemon::Place;
use crate::disk::files_below;
use crate::sink::{Sink, view};
use crate::turns;

/// Kills in each run of the tests; the slow suite says `RINGBACK_KILLS=500`.
const KILLS: u32 = 50;
/// The longest that a daemon lives before it is killed. The shortest is no time at all.
const LIFE_MAX_MS: u64 = 500;

/// A small generator (xorshift64*); the seed is printed, and can be given by `RINGBACK_SEED`.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % bound
    }
}

#[test]
fn kill_nine_at_random_loses_nothing() {
    let _turn = turns::heavy();
    let seed = std::env::var("RINGBACK_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x9E37_79B9_7F4A_7C15);
    println!("RINGBACK_SEED={seed}");
    let kills = std::env::var("RINGBACK_KILLS").map_or(KILLS, |kills| kills.parse().expect("a number"));
    let sink = Sink::new();
    let place = Place::new(&format!("{}retry = ['200ms']\nretryCount = 100\n", sink.rule_all()));
    // The first scan is over before the first kill, so that everything from now on is news.
    place.start().kill();

    let mut answers = Random(seed ^ 1);
    sink.behave(move |_| if answers.below(5) == 0 { 500 } else { 200 });
    let stop = Arc::new(AtomicBool::new(false));
    let writing = std::thread::spawn({
        let (stop, store) = (Arc::clone(&stop), place.store.clone());
        move || Load { store, random: Random(seed ^ 2), written: BTreeMap::new(), number: 0 }.run(&stop)
    });
    let mut random = Random(seed);
    for _ in 0..kills {
        place.run_for(Duration::from_millis(random.below(LIFE_MAX_MS)));
    }
    stop.store(true, Ordering::Release);
    let written = writing.join().expect("the load ran");

    sink.behave(|_| 200);
    let daemon = place.start();
    daemon.settled(&place, &sink, "/");
    let told = sink.told();
    let view = view(&told);
    let viewed: BTreeSet<_> = view.keys().cloned().collect();
    let disk = files_below(&place.store);
    let (unknown, ghosts): (Vec<_>, Vec<_>) = (disk.difference(&viewed).collect(), viewed.difference(&disk).collect());
    assert!(unknown.is_empty() && ghosts.is_empty(), "untold {unknown:?}\nghosts {ghosts:?}");
    let assets: BTreeSet<_> = view.values().collect();
    assert_eq!(assets.len(), view.len(), "two files are the same asset");

    let calls = sink.calls();
    let mut last_told = BTreeMap::new();
    for call in calls.iter().filter(|call| call.status == 200) {
        for one in call.entries.iter() {
            last_told.insert(one.path.as_str(), call.received.at);
        }
    }
    let stale: Vec<_> = written
        .iter()
        .filter(|(path, at)| disk.contains(*path) && last_told.get(path.as_str()).is_none_or(|told| told < at))
        .collect();
    assert!(stale.is_empty(), "written after it was told last: {stale:?}");
    let refused = calls.iter().filter(|call| call.status != 200).count();
    let ids: BTreeSet<_> = calls.iter().map(|call| &call.id).collect();
    let operations = daemon.status();
    println!(
        "{kills} kills: {} requests, {refused} refused, {} deliveries, {} entries, {} files; {}",
        calls.len(),
        ids.len(),
        told.len(),
        disk.len(),
        operations["deliveries"]
    );
    assert!(told.len() > 500, "there was load");
}

/// Someone who keeps working in the store.
struct Load {
    store: PathBuf,
    random: Random,
    /// The living files by logical path, each with the moment before its last write.
    written: BTreeMap<String, Instant>,
    number: u64,
}

impl Load {
    fn run(mut self, stop: &AtomicBool) -> BTreeMap<String, Instant> {
        while !stop.load(Ordering::Acquire) {
            match self.random.below(20) {
                0..7 => self.create(),
                7..12 => self.append(),
                12..15 => self.rename(),
                15..19 => self.delete(),
                _ => self.rename_directory(),
            }
            // Load, not a condition: some hundred operations a second.
            std::thread::sleep(Duration::from_millis(self.random.below(4)));
        }
        self.written
    }

    fn at(&self, path: &str) -> PathBuf {
        self.store.join(&path[1..])
    }

    fn some_file(&mut self) -> Option<String> {
        let count = self.written.len() as u64;
        (count > 0).then(|| self.random.below(count)).and_then(|n| self.written.keys().nth(n as usize).cloned())
    }

    fn new_path(&mut self) -> String {
        self.number += 1;
        format!("/{}/{}/{}", self.random.below(4), self.random.below(6), self.number)
    }

    fn create(&mut self) {
        let path = self.new_path();
        let at = self.at(&path);
        fs::create_dir_all(at.parent().expect("in a directory")).expect("directories");
        self.written.insert(path, Instant::now());
        fs::write(at, "one").expect("written");
    }

    fn append(&mut self) {
        let Some(path) = self.some_file() else { return };
        let mut file = OpenOptions::new().append(true).open(self.at(&path)).expect("open");
        self.written.insert(path, Instant::now());
        file.write_all(b"more").expect("written");
    }

    /// To a new name, or over another file.
    fn rename(&mut self) {
        let Some(from) = self.some_file() else { return };
        let over = self.random.below(3) == 0;
        let to = if over { self.some_file().expect("there is one") } else { self.new_path() };
        if from == to {
            return;
        }
        fs::create_dir_all(self.at(&to).parent().expect("in a directory")).expect("directories");
        self.written.remove(&from);
        self.written.insert(to.clone(), Instant::now());
        fs::rename(self.at(&from), self.at(&to)).expect("renamed");
    }

    fn delete(&mut self) {
        let Some(path) = self.some_file() else { return };
        fs::remove_file(self.at(&path)).expect("removed");
        self.written.remove(&path);
    }

    fn rename_directory(&mut self) {
        self.number += 1;
        let from = format!("/{}/{}", self.random.below(4), self.random.below(6));
        let to = format!("/{}/moved-{}", self.random.below(4), self.number);
        fs::create_dir_all(self.at(&to).parent().expect("in a directory")).expect("directories");
        let now = Instant::now();
        if fs::rename(self.at(&from), self.at(&to)).is_err() {
            // There is none of that name.
            return;
        }
        let prefix = format!("{from}/");
        let inside: Vec<_> = self.written.keys().filter(|path| path.starts_with(&prefix)).cloned().collect();
        for path in inside {
            self.written.remove(&path);
            self.written.insert(format!("{to}/{}", &path[prefix.len()..]), now);
        }
    }
}
