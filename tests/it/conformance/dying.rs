//! Kernel queues that give an error: what a source holds is lost with its queue.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Rig;
use crate::daemon::until;
use crate::turns;

/// One read of the queue that two mounts share fails with EIO, and a second one later. Files that are written after
/// that are reported by both mounts, by what their new source hears: nothing is polled, swept or synced.
pub fn two_mounts_whose_queue_dies(rig: &Rig) {
    if rig.source == "poll" {
        // It has no queue.
        return;
    }
    rig.stop();
    let mut rig = super::limits::moved(rig);
    let Some(library) = failing_read(&rig.outside()) else { return };
    let trigger = rig.outside().join("fail");
    let preload = format!("LD_PRELOAD={}", library.display());
    rig.place.through = vec!["env".into(), preload, format!("FAILING_READ={}", trigger.display())];
    let mount = |name: &str| {
        fs::create_dir_all(rig.at(name).join("dir")).expect("a directory");
        let source = rig.source;
        format!(
            "[[mount]]\npath = '{name}'\ndir = '{{store}}{name}'\nwatch = '{source}'\npoll_interval = '1h'\nverify = '0s'\n"
        )
    };
    let mounts = format!("{}\n{}", mount("/a"), mount("/b"));
    rig.place.configure(&mounts);
    rig.start();
    both(&rig, 0);
    for death in 1..=2 {
        File::create(&trigger).expect("a trigger");
        // The read that hears of these files fails, or one before it.
        both(&rig, 10 * death);
        until("the read fails", || (!trigger.exists()).then_some(()));
        // Those may have been found by the scan that the loss costs. These are not: it is over.
        rig.daemon().status_until("both are watched again", |status| {
            let mounts = status["mounts"].as_array().expect("mounts");
            mounts.iter().all(|mount| mount["state"] == "watching" && mount["source"] == rig.source)
        });
        both(&rig, 10 * death + 1);
    }
    // Answered, though one queue more has died than was ever asked.
    rig.daemon().sync();
    rig.stop();
}

/// A file in each mount, and one in an older directory of each, which are reported.
fn both(rig: &Rig, number: u32) {
    let paths = ["/a", "/b", "/a/dir", "/b/dir"].map(|dir| format!("{dir}/{number}"));
    for path in &paths {
        rig.write(path, "one");
    }
    for path in &paths {
        rig.sink.wait_line(&format!("added {path}"));
    }
}

/// The library that fails reads; none where there is no compiler for it.
fn failing_read(dir: &Path) -> Option<PathBuf> {
    let (source, library) =
        (concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/failing_read.c"), dir.join("failing_read.so"));
    let _turn = turns::starting();
    let made = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).args([source, "-ldl"]).output();
    match made {
        Ok(made) if made.status.success() => Some(library),
        Ok(made) => panic!("{}", String::from_utf8_lossy(&made.stderr)),
        Err(error) => {
            eprintln!("SKIPPED: cc cannot be run here: {error}");
            None
        }
    }
}
