//! Subvolumes of a btrfs inside the store: each is a directory that a scan enters, on a filesystem with numbers of its
//! own.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::super::mounted::{Disk, Kind, Mounted, done};
use super::{Rig, again};
use crate::sink::view;

/// `btrfs subvolume`, where btrfs was mounted before.
#[track_caller]
fn subvolume(words: &[&str], paths: &[&Path]) {
    let ran = done(Command::new("btrfs").args(["subvolume"]).args(words).args(paths));
    assert!(ran.is_some(), "btrfs subvolume {words:?}");
}

fn made_snapshotted_replaced_and_deleted(source: &str) {
    let Some(disk) = Disk::new(Kind::Btrfs) else { return };
    let mut rig = Rig::new(&format!("watch = '{source}'"));
    let Some(mounted) = disk.mount(&rig.place.store) else { return };
    let backup = rig.place.at("/.backup");
    rig.start();
    rig.write_all(&["/a.mov"]);
    rig.reported(&["added /a.mov"]);
    subvolume(&["create"], &[&rig.place.at("/sub")]);
    rig.write_all(&["/sub/b.mov", "/sub/d/c.mov"]);
    let first = view(&rig.reported(&["added /sub/b.mov", "added /sub/d/c.mov"]));
    rig.is_well();
    // Its files have the inodes of the first ones, and are others.
    subvolume(&["snapshot"], &[&rig.place.at("/sub"), &rig.place.at("/snap")]);
    let second = view(&rig.reported(&["added /snap/b.mov", "added /snap/d/c.mov"]));
    assert!(second.values().all(|id| !first.values().any(|other| id == other)), "{first:?} {second:?}");
    rig.place.write("/snap/b.mov", "changed");
    rig.reported(&["modified /snap/b.mov"]);
    // A snapshot under an ignored name, taken back after files were lost.
    subvolume(&["snapshot", "-r"], &[&rig.place.at("/sub"), &backup]);
    rig.remove("/sub/b.mov");
    rig.reported(&["deleted /sub/b.mov"]);
    subvolume(&["delete"], &[&rig.place.at("/sub")]);
    rig.reported(&["deleted /sub/d/c.mov"]);
    subvolume(&["snapshot"], &[&backup, &rig.place.at("/sub")]);
    rig.reported(&["added /sub/b.mov", "added /sub/d/c.mov"]);
    rig.write_all(&["/sub/new.mov"]);
    rig.reported(&["added /sub/new.mov"]);
    // It is renamed while nobody looks.
    let before = view(&rig.sink.told());
    rig.stop();
    fs::rename(rig.place.at("/sub"), rig.place.at("/was")).expect("renamed");
    rig.start();
    let told = rig.reported(&[
        "added /was/b.mov",
        "added /was/d/c.mov",
        "added /was/new.mov",
        "deleted /sub/b.mov",
        "deleted /sub/d/c.mov",
        "deleted /sub/new.mov",
    ]);
    assert_eq!(view(&told)["/was/b.mov"], before["/sub/b.mov"], "a subvolume that is renamed keeps its assets");
    // Unmounted and back, under another device: nothing is reported.
    mounted.unmount();
    rig.is("offline", "suddenly empty");
    let _mounted = again(disk.mount(&rig.place.store));
    rig.is_well();
    rig.write_all(&["/was/later.mov"]);
    rig.reported(&["added /was/later.mov"]);
    rig.stop();
}

#[test]
fn a_subvolume_inside_the_store_is_a_part_of_it() {
    made_snapshotted_replaced_and_deleted("fanotify");
}

#[test]
fn a_subvolume_inside_the_store_is_a_part_of_it_by_inotify() {
    made_snapshotted_replaced_and_deleted("inotify");
}

/// A subvolume of the store's own filesystem that is mounted inside it by itself, and another one in its place.
#[test]
fn another_subvolume_in_the_place_of_a_known_one_is_noted() {
    let Some(disk) = Disk::new(Kind::Btrfs) else { return };
    let mut rig = Rig::new("");
    let Some(_top) = disk.mount(&disk.own_place()) else { return };
    let at = |name: &str| disk.own_place().join(name);
    for name in ["store", "one", "two"] {
        subvolume(&["create"], &[&at(name)]);
    }
    fs::write(at("two/other.mov"), "another file").expect("written");
    let _store = again(Mounted::bind(&at("store"), &rig.place.store));
    fs::create_dir(rig.place.at("/x")).expect("a directory");
    let one = again(Mounted::bind(&at("one"), &rig.place.at("/x")));
    rig.start();
    rig.write_all(&["/x/a.mov"]);
    rig.reported(&["added /x/a.mov"]);
    rig.is_well();
    one.unmount();
    rig.is("degraded", "the filesystem of /x is not mounted");
    rig.notes(&[("/x", "filesystem")]);
    let two = again(Mounted::bind(&at("two"), &rig.place.at("/x")));
    rig.is("degraded", "another filesystem than the known one is mounted at /x");
    rig.notes(&[("/x", "subvolume")]);
    two.unmount();
    let _one = again(Mounted::bind(&at("one"), &rig.place.at("/x")));
    rig.is_well();
    rig.stop();
}
