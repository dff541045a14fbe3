//! Very many files at once, in directories that are as new as they are.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use crate::daemon::Place;
use crate::sink::Sink;
use crate::turns;

const DIRECTORIES: usize = 200;
const FILES_EACH: usize = 100;
/// The development profile on a shared machine is many times slower than what is shipped.
const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn a_burst_in_new_directories_is_told_whole() {
    let _turn = turns::heavy();
    let sink = Sink::new();
    let place = Place::new(&sink.rule_all());
    let daemon = place.start();

    let began = Instant::now();
    let mut expect = BTreeSet::new();
    for n in 0..DIRECTORIES {
        let dir = format!("/{}/{}/{n}", n % 5, n % 20);
        fs::create_dir_all(place.at(&dir)).expect("directories");
        for file in 0..FILES_EACH {
            let path = format!("{dir}/{file}.jpg");
            fs::write(place.at(&path), "one").expect("written");
            expect.insert(path);
        }
    }
    let last_write = Instant::now();
    sink.wait_within("every file", LIMIT, |told| {
        told.len() >= expect.len() && told.iter().map(|one| &one.path).collect::<BTreeSet<_>>().len() >= expect.len()
    });
    let last_call = sink.calls().last().expect("there were some").received.at;
    println!(
        "{} files in {DIRECTORIES} directories: written in {:?}, last write to last callback {:?}, {} requests",
        expect.len(),
        last_write - began,
        last_call.saturating_duration_since(last_write),
        sink.calls().len()
    );

    let told = daemon.settled(&place, &sink, "/");
    let paths: BTreeSet<_> = told.iter().map(|one| one.path.clone()).collect();
    assert_eq!(paths, expect);
    let assets: BTreeSet<_> = told.iter().map(|one| one.asset_id).collect();
    assert_eq!(assets.len(), expect.len(), "each file is an asset of its own");
    // Nothing was done to a file but to write it once, so it is told once.
    let odd: Vec<_> = told.iter().filter(|one| one.action != "added").collect();
    assert!(odd.is_empty() && told.len() == expect.len(), "{} entries, among them {odd:?}", told.len());
}
