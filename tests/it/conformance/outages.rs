//! The daemon is stopped, killed, or just starting while things happen; and what a sync says in between.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::Rig;
use crate::disk::{files_below, grow_old};
use crate::sink::{lines, view};
use crate::turns;

/// More than the 16,384 events that the kernel keeps by default, with each source.
const MANY: usize = 30_000;
const GONE: usize = 500;

pub fn stopped_while_very_many_files_come_and_some_go(rig: &Rig) {
    let _turn = turns::heavy();
    for n in 0..GONE {
        rig.write(&format!("/old/{n}"), "one");
    }
    assert_eq!(rig.told().len(), GONE);
    rig.daemon().signal(libc::SIGSTOP);
    for n in 0..MANY {
        rig.write(&format!("/new/{}/{n}", n % 50), "one");
    }
    for n in 0..GONE {
        fs::remove_file(rig.at(&format!("/old/{n}"))).expect("removed");
    }
    rig.daemon().signal(libc::SIGCONT);
    rig.sink.wait_within("everything is told", Duration::from_secs(90), |told| told.len() >= 2 * GONE + MANY);
    let told = rig.told();
    let (gone, new): (Vec<_>, Vec<_>) = told.iter().partition(|one| one.action == "deleted");
    assert_eq!((gone.len(), new.len()), (GONE, MANY));
    let paths: BTreeSet<_> = told.iter().map(|one| &one.path).collect();
    assert_eq!(paths.len(), GONE + MANY, "each once");
}

pub fn killed_and_changed_offline(rig: &Rig) {
    for name in ["/stays", "/grows", "/goes", "/moves", "/d/1", "/d/2"] {
        rig.write(name, "one");
    }
    let before = view(&rig.told());
    rig.kill();
    rig.write("/fresh/deep/new", "one");
    rig.write("/grows", "one and more");
    fs::remove_file(rig.at("/goes")).expect("removed");
    rig.rename("/moves", "/moved");
    rig.rename("/d", "/e");
    rig.start();
    let told = rig.expect(&[
        "added /e/1",
        "added /e/2",
        "added /fresh/deep/new",
        "added /moved",
        "deleted /d/1",
        "deleted /d/2",
        "deleted /goes",
        "deleted /moves",
        "modified /grows",
    ]);
    let after = view(&told);
    for (now, was) in [("/moved", "/moves"), ("/e/1", "/d/1"), ("/e/2", "/d/2"), ("/grows", "/grows")] {
        assert_eq!(after[now], before[was], "{now} was {was}");
    }
    // A start without a difference says nothing.
    rig.stop();
    rig.start();
    rig.expect(&[]);
    rig.write("/e/1", "changed");
    rig.expect(&["modified /e/1"]);
}

pub fn killed_during_the_first_scan(rig: &Rig) {
    const FILES: usize = 2_000;
    rig.stop();
    // As if it had never run.
    fs::remove_dir_all(&rig.place.state).expect("removed");
    for n in 0..FILES {
        rig.write(&format!("/{}/{n}", n % 40), "one");
    }
    let last = FILES - 1;
    grow_old(&rig.at(&format!("/{}/{last}", last % 40)));
    for round in 0..4_u64 {
        rig.place.run_for(Duration::from_millis(20 + 15 * round));
    }
    // However slow the machine is, the scan has begun before the next file is made.
    rig.start_unready();
    rig.daemon().status_until("its root was seen", |status| status["mounts"][0]["source"].is_string());
    rig.kill();
    rig.write("/3/younger", "one");
    rig.start();
    let told = rig.expect(&["added /3/younger"]);
    assert_eq!(told.len(), 1);
    let assets = FILES + 2;
    // With the marker.
    rig.daemon().status_until("all are known", |status| status["mounts"][0]["assets"] == assets);
}

pub fn written_during_the_first_scan(rig: &Rig) {
    const FILES: usize = 3_000;
    rig.stop();
    fs::remove_dir_all(&rig.place.state).expect("removed");
    for n in 0..FILES {
        rig.write(&format!("/{}/{n}", n % 40), "one");
    }
    let last = FILES - 1;
    grow_old(&rig.at(&format!("/{}/{last}", last % 40)));
    rig.start_unready();
    let mut expect = Vec::new();
    for n in 0..40 {
        rig.write(&format!("/{n}/new"), "one");
        rig.write(&format!("/fresh-{n}/new"), "one");
        expect.extend([format!("added /{n}/new"), format!("added /fresh-{n}/new")]);
    }
    rig.daemon().ready();
    rig.expect(&expect.iter().map(String::as_str).collect::<Vec<_>>());
}

/// Sets a flag when it is dropped.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Of what is written while the daemon starts for the first time, all that is younger than the start is reported, and
/// the rest is in the catalog silently: nothing is between the two.
pub fn written_beside_the_first_start(rig: &Rig) {
    rig.stop();
    fs::remove_dir_all(&rig.place.state).expect("removed");
    let (ending, place) = (AtomicBool::new(false), &rig.place);
    let written = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut n = 0_usize;
            while !ending.load(Ordering::Relaxed) {
                // In new directories and in old ones.
                place.write(&format!("/{}/{n}", if n.is_multiple_of(3) { n } else { n % 7 }), "one");
                n += 1;
            }
            n
        });
        // Also when the start fails.
        let _ends = Ends(&ending);
        rig.start_unready();
        ending.store(true, Ordering::Relaxed);
        writer.join().expect("no panic")
    });
    rig.daemon().ready();
    let told: BTreeSet<String> = rig.told().into_iter().map(|one| one.path).collect();
    let ctime = |path: &str| {
        let about = fs::metadata(rig.at(path)).expect("it is there");
        (about.ctime(), about.ctime_nsec())
    };
    let all = files_below(&rig.place.store).into_iter().filter(|path| !path.contains("marker"));
    let (reported, silent): (Vec<_>, Vec<_>) = all.partition(|path| told.contains(path));
    assert_eq!(reported.len() + silent.len(), written);
    rig.daemon().status_until("all of it is in the catalog", |status| {
        status["mounts"][0]["assets"].as_u64().is_some_and(|assets| assets >= written as u64)
    });
    let last_silent = silent.iter().map(|path| ctime(path)).max();
    let first_reported = reported.iter().map(|path| ctime(path)).min();
    assert!(last_silent <= first_reported, "{last_silent:?} was filed, {first_reported:?} reported");
    // Reported at the latest: what is written once the daemon says that it serves.
    rig.write("/after", "one");
    rig.expect(&["added /after"]);
}

pub fn a_sync_is_exact_beside_a_steady_writer(rig: &Rig) {
    let _turn = turns::heavy();
    let (ending, place) = (AtomicBool::new(false), &rig.place);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut n = 0_u64;
            while !ending.load(Ordering::Relaxed) {
                place.write(&format!("/busy/{}", n % 100), "on and on");
                n += 1;
            }
        });
        for round in 0..30 {
            let path = format!("/quiet/{}/file", round % 10);
            rig.write(&path, &format!("round {round}"));
            let answer = rig.daemon().sync();
            assert_eq!(answer["offline"], serde_json::json!([]));
            // What it has journaled is owed to the sink by then, and comes without anything else being done.
            let line = if round < 10 { format!("added {path}") } else { format!("modified {path}") };
            let rrn = answer["rrn"].as_i64().expect("a number");
            let told_by_then = |told: &[crate::sink::Told]| {
                let last = told.iter().rev().find(|one| one.path == path);
                last.is_some_and(|one| one.line() == line && one.rrn <= rrn)
            };
            rig.sink.wait(&format!("round {round}: {line} by rrn {rrn}"), told_by_then);
        }
        ending.store(true, Ordering::Relaxed);
    });
    rig.told();
    let living: BTreeSet<_> = view(&rig.sink.told()).into_keys().collect();
    assert_eq!(living, files_below(&rig.place.store), "{:?}", lines(&rig.sink.told()).len());
}
