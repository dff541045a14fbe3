//! Events that name a directory, or a file, which no listing has met.

use std::fs;

use super::Rig;
use super::roots::Tmpfs;
use crate::daemon::until;
use crate::turns;

/// A filesystem is mounted over a directory before the start, so no listing enters it; after it is unmounted, files
/// that are made there are reported without a sync. fanotify has their events all the same, of a directory that it does
/// not know.
pub fn what_was_covered_at_the_start_is_reported_once_it_is_uncovered(rig: &Rig) {
    if rig.source != "fanotify" {
        // Nothing is hinted there: a later look at the covered directory finds them.
        return;
    }
    rig.stop();
    fs::create_dir_all(rig.at("/d/deep")).expect("directories");
    let Some(tmpfs) = Tmpfs::mount(&rig.at("/d")) else { return };
    rig.start();
    drop(tmpfs);
    rig.write("/d/deep/1", "one");
    rig.sink.wait_line("added /d/deep/1");
    rig.write("/d/2", "two");
    rig.sink.wait_line("added /d/2");
    rig.write("/d/deep/1", "changed");
    rig.sink.wait_line("modified /d/deep/1");
    rig.told();
    // What was opened to ask is closed again: an operator can unmount the store. A look may be under way just now.
    until("nothing of the store is open", || {
        let held = fs::read_dir(format!("/proc/{}/fd", rig.daemon().pid())).expect("descriptors");
        let mut held = held.filter_map(|fd| fs::read_link(fd.ok()?.path()).ok());
        held.all(|path| !path.starts_with(&rig.place.store)).then_some(())
    });
}

/// A file of the store is written by another name of it, which lies outside of the store.
pub fn a_write_by_a_name_outside_is_reported_at_every_name_inside(rig: &Rig) {
    if rig.source != "fanotify" {
        // The sweep finds it, as another scenario shows.
        return;
    }
    let outside = rig.outside().join("another-name");
    rig.write("/d/deep/1", "one");
    // A close that is heard after a link has moved the ctime may be that of another write within the same tick.
    rig.expect(&["added /d/deep/1"]);
    fs::hard_link(rig.at("/d/deep/1"), rig.at("/2")).expect("linked");
    fs::hard_link(rig.at("/d/deep/1"), &outside).expect("linked");
    rig.told();
    for (count, content) in (1..).zip(["written from outside", "written again"]) {
        let turn = turns::writing();
        fs::write(&outside, content).expect("written");
        drop(turn);
        for line in ["modified /d/deep/1", "modified /2"] {
            rig.sink.wait(line, |told| told.iter().filter(|one| one.line() == line).count() == count);
        }
    }
    rig.expect(&["modified /2", "modified /2", "modified /d/deep/1", "modified /d/deep/1"]);
}
