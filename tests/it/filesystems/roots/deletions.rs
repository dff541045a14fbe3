//! The brake on deletions: a store that suddenly lists empty.

use std::fs;

use super::super::mounted::{Disk, Kind, Mounted};
use super::{Rig, again};

const TEN: [&str; 10] = ["/0", "/1", "/2", "/d/3", "/d/4", "/d/5", "/d/e/6", "/d/e/7", "/d/e/8", "/d/e/9"];

fn lines(action: &str) -> Vec<String> {
    TEN.iter().map(|path| format!("{action} {path}")).collect()
}

/// A store of ten files whose mount lets a scan report so many deletions.
fn ten_files(rig: &mut Rig) {
    rig.start();
    rig.write_all(&TEN);
    let added = lines("added");
    rig.reported(&added.iter().map(String::as_str).collect::<Vec<_>>());
}

fn remove_all(at: &std::path::Path) {
    for name in TEN {
        fs::remove_file(at.join(&name[1..])).expect("it is there");
    }
}

/// By another mount of the same filesystem, on a store that is polled, and in one step: nothing hints any of it, and no
/// scan sees a part of it.
#[test]
fn a_directory_that_is_suddenly_gone_is_held_until_the_deletions_are_accepted() {
    let Some(disk) = Disk::new(Kind::Ext4) else { return };
    let mut rig = Rig::new("watch = 'poll'\npoll_interval = '300ms'\nmax_deletions = 2");
    let Some(_mounted) = disk.mount(&rig.place.store) else { return };
    let way = rig.dir("way");
    let _way = again(Mounted::bind(&rig.place.store, &way));
    ten_files(&mut rig);
    fs::rename(way.join("d"), way.join(".d")).expect("renamed");
    fs::remove_dir_all(way.join(".d")).expect("removed");
    rig.is("degraded", "5 deletions that a scan found are not reported");
    // Later scans report no more.
    rig.rescan("--wait", "/");
    rig.is("degraded", "5 deletions that a scan found are not reported");
    let told = rig.daemon().settled(&rig.place, &rig.sink, "/")[rig.seen..].to_vec();
    assert!(told.len() == 2 && told.iter().all(|one| one.action == "deleted"), "{told:?}");
    rig.seen += 2;
    let mut left = lines("deleted");
    left.retain(|line| line.contains("/d/") && !told.iter().any(|one| one.line() == *line));
    rig.rescan("--accept-deletions", "/");
    rig.reported(&left.iter().map(String::as_str).collect::<Vec<_>>());
    rig.is_well();
    rig.stop();
}

/// While the daemon is down, and half of it after each start.
#[test]
fn a_store_that_was_emptied_while_the_daemon_was_down_is_held_over_restarts() {
    let Some(disk) = Disk::new(Kind::Ext4) else { return };
    let mut rig = Rig::new("max_deletions = '20%'");
    let Some(_mounted) = disk.mount(&rig.place.store) else { return };
    ten_files(&mut rig);
    rig.stop();
    remove_all(&rig.place.store);
    rig.start();
    // Of eleven: a marker of this test is one.
    rig.is("degraded", "8 deletions that a scan found are not reported");
    rig.stop();
    rig.start();
    rig.is("degraded", "8 deletions that a scan found are not reported");
    let told = rig.daemon().settled(&rig.place, &rig.sink, "/")[rig.seen..].to_vec();
    assert!(told.len() == 2 && told.iter().all(|one| one.action == "deleted"), "{told:?}");
    rig.seen += 2;
    // The files are back: those that were reported are new ones.
    rig.stop();
    rig.write_all(&TEN);
    rig.start();
    let again: Vec<_> = told.iter().map(|one| format!("added {}", one.path)).collect();
    let told = rig.daemon().settled(&rig.place, &rig.sink, "/")[rig.seen..].to_vec();
    assert!(again.iter().all(|line| told.iter().any(|one| one.line() == *line)), "{told:?}");
    assert!(told.iter().all(|one| one.action != "deleted"), "{told:?}");
    rig.is_well();
    rig.stop();
}
