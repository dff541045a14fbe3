//! A store that is a disk of its own: unmounted, back, under another number, or replaced by a copy.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

use super::super::mounted::{Disk, Kind};
use super::{Rig, again, elsewhere};
use crate::sink::view;
use crate::turns;

/// The files of most of these tests.
const FILES: [&str; 4] = ["/a.mov", "/d/b.mov", "/d/c.mov", "/d/e/f.mov"];
const ADDED: [&str; 4] = ["added /a.mov", "added /d/b.mov", "added /d/c.mov", "added /d/e/f.mov"];

/// What is done to the store while it is not mounted, and the report of it.
fn change(at: &Path) {
    fs::write(at.join("new.mov"), "new").expect("written");
    fs::write(at.join("d/b.mov"), "changed, and longer").expect("written");
    fs::remove_file(at.join("a.mov")).expect("removed");
}
const CHANGED: [&str; 3] = ["added /new.mov", "deleted /a.mov", "modified /d/b.mov"];

fn unmounted_with_strays(source: &str) {
    let Some(disk) = Disk::new(Kind::Ext4) else { return };
    let mut rig = Rig::new(&format!("watch = '{source}'"));
    let Some(mounted) = disk.mount(&rig.place.store) else { return };
    rig.start();
    rig.write_all(&FILES);
    rig.reported(&ADDED);
    mounted.unmount();
    rig.is("offline", "suddenly empty");
    rig.write_all(&["/stray.mov", "/d/stray.mov", "/.hidden"]);
    rig.is("offline", "known files that were looked for in it 0 are there");
    elsewhere(&disk, change);
    let mounted = again(disk.mount(&rig.place.store));
    rig.is_well();
    rig.reported(&CHANGED);
    rig.write_all(&["/later.mov"]);
    rig.reported(&["added /later.mov"]);
    // The strays are there when the disk goes again.
    mounted.unmount();
    rig.is("offline", "known files that were looked for in it 0 are there");
    let _mounted = again(disk.mount(&rig.place.store));
    rig.is_well();
    rig.write_all(&["/last.mov"]);
    rig.reported(&["added /last.mov"]);
    rig.stop();
}

#[test]
fn an_unmounted_store_is_offline_whatever_lies_in_the_bare_mount_point() {
    unmounted_with_strays("fanotify");
}

#[test]
fn an_unmounted_store_is_offline_whatever_lies_in_the_bare_mount_point_by_inotify() {
    unmounted_with_strays("inotify");
}

#[test]
fn a_store_that_is_unmounted_while_the_daemon_starts_anew_is_not_lost() {
    let Some(disk) = Disk::new(Kind::Ext4) else { return };
    let mut rig = Rig::new("");
    let Some(mounted) = disk.mount(&rig.place.store) else { return };
    rig.start();
    rig.write_all(&FILES);
    let before = view(&rig.reported(&ADDED));
    mounted.unmount();
    rig.write_all(&["/stray.mov"]);
    rig.is("offline", "0 are there");
    rig.stop();
    rig.start();
    rig.is("offline", "0 are there");
    elsewhere(&disk, |at| {
        change(at);
        fs::rename(at.join("d/c.mov"), at.join("d/e/moved.mov")).expect("renamed");
    });
    let mounted = again(disk.mount(&rig.place.store));
    rig.is_well();
    let told = rig.reported(&[
        "added /d/e/moved.mov",
        "added /new.mov",
        "deleted /a.mov",
        "deleted /d/c.mov",
        "modified /d/b.mov",
    ]);
    assert_eq!(view(&told)["/d/e/moved.mov"], before["/d/c.mov"], "a file that moved is the same asset");
    // Stopped, unmounted, started, and mounted.
    rig.stop();
    mounted.unmount();
    rig.start();
    rig.is("offline", "0 are there");
    let _mounted = again(disk.mount(&rig.place.store));
    rig.is_well();
    rig.write_all(&["/later.mov"]);
    rig.reported(&["added /later.mov"]);
    rig.stop();
}

#[test]
fn a_store_that_is_mounted_after_the_start_over_a_bare_directory_is_scanned_silently() {
    let Some(disk) = Disk::new(Kind::Ext4) else { return };
    let mut rig = Rig::new("");
    let Some(mounted) = disk.mount(&rig.place.store) else { return };
    rig.write_all(&FILES);
    mounted.unmount();
    rig.write_all(&["/readme.mov"]);
    rig.start();
    let mounted = again(disk.mount(&rig.place.store));
    rig.daemon().status_until("its files are known", |status| status["mounts"][0]["assets"] == FILES.len());
    rig.is_well();
    rig.write_all(&["/new.mov"]);
    rig.reported(&["added /new.mov"]);
    mounted.unmount();
    rig.is("offline", "0 are there");
    rig.stop();
}

fn device(at: &Path) -> u64 {
    fs::metadata(at).expect("it is there").dev()
}

#[test]
fn a_disk_that_comes_back_by_another_device_is_the_same_store() {
    let (Some(disk), Some(other)) = (Disk::new(Kind::Ext4), Disk::new(Kind::Ext4)) else { return };
    let mut rig = Rig::new("");
    let Some(mounted) = disk.mount(&rig.place.store) else { return };
    rig.start();
    rig.write_all(&FILES);
    let before = view(&rig.reported(&ADDED));
    let was = device(&rig.place.store);
    mounted.unmount();
    rig.is("offline", "suddenly empty");
    // Another disk has its device meanwhile, and shows at the store first.
    let elsewhere = again(other.mount(&rig.place.store));
    rig.place.write("/of-the-other.mov", "one");
    rig.is("offline", "another filesystem");
    elsewhere.unmount();
    let _in_the_way = again(other.mount(&other.own_place()));
    let _mounted = again(disk.mount(&rig.place.store));
    if device(&rig.place.store) == was {
        eprintln!("the device is the same one: other tests use loop devices too");
    }
    rig.is_well();
    fs::rename(rig.place.at("/a.mov"), rig.place.at("/moved.mov")).expect("renamed");
    let told = rig.reported(&["added /moved.mov", "deleted /a.mov"]);
    assert_eq!(view(&told)["/moved.mov"], before["/a.mov"]);
    rig.stop();
}

/// Copies what is in a directory, with all that cp(1) can keep.
fn copy(from: &Path, to: &Path) {
    let _turn = turns::starting();
    let copied = Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status();
    assert!(copied.is_ok_and(|status| status.success()));
}

#[test]
fn a_store_that_was_copied_to_another_disk_goes_on_with_what_differs() {
    let (Some(disk), Some(other)) = (Disk::new(Kind::Ext4), Disk::new(Kind::Xfs)) else { return };
    let mut rig = Rig::new("");
    let Some(mounted) = disk.mount(&rig.place.store) else { return };
    rig.write_all(&["/kept/1", "/kept/2", "/kept/3", "/kept/4"]);
    rig.start();
    rig.write_all(&FILES);
    let before = view(&rig.reported(&ADDED));
    elsewhere(&other, |at| {
        copy(&rig.place.store, at);
        change(at);
    });
    mounted.unmount();
    let mounted = again(other.mount(&rig.place.store));
    rig.is_well();
    let told = rig.reported(&CHANGED);
    assert_eq!(view(&told)["/d/b.mov"], before["/d/b.mov"], "a copy is the same asset");
    fs::rename(rig.place.at("/d/c.mov"), rig.place.at("/c.mov")).expect("renamed");
    let told = rig.reported(&["added /c.mov", "deleted /d/c.mov"]);
    assert_eq!(view(&told)["/c.mov"], before["/d/c.mov"], "so is one that moves afterwards");
    // The old disk again: it has what was there when it was copied.
    mounted.unmount();
    rig.is("offline", "suddenly empty");
    let _mounted = again(disk.mount(&rig.place.store));
    rig.is_well();
    rig.reported(&["added /a.mov", "added /d/c.mov", "deleted /c.mov", "deleted /new.mov", "modified /d/b.mov"]);
    rig.stop();
}

#[test]
fn a_disk_with_less_than_half_of_the_files_is_offline_until_it_is_accepted() {
    let (Some(disk), Some(other)) = (Disk::new(Kind::Ext4), Disk::new(Kind::Ext4)) else { return };
    let mut rig = Rig::new("");
    let Some(mounted) = disk.mount(&rig.place.store) else { return };
    rig.start();
    rig.write_all(&FILES);
    rig.reported(&ADDED);
    elsewhere(&other, |at| {
        copy(&rig.place.store, at);
        for gone in ["a.mov", "d/b.mov", "d/c.mov"] {
            fs::remove_file(at.join(gone)).expect("removed");
        }
        fs::write(at.join("new.mov"), "new").expect("written");
    });
    mounted.unmount();
    rig.is("offline", "suddenly empty");
    let _mounted = again(other.mount(&rig.place.store));
    // A marker of this test is one of them.
    rig.is("offline", "of 5 known files that were looked for in it 2 are there");
    assert_eq!(rig.daemon().sync()["offline"], serde_json::json!(["/"]));
    assert_eq!(rig.sink.told().len() - rig.marks(), rig.seen, "nothing is reported while it is offline");
    rig.rescan("--accept-root", "/");
    rig.reported(&["added /new.mov", "deleted /a.mov", "deleted /d/b.mov", "deleted /d/c.mov"]);
    rig.is_well();
    // It is the known one from now on, also after a restart.
    rig.stop();
    rig.start();
    rig.write_all(&["/later.mov"]);
    rig.reported(&["added /later.mov"]);
    rig.stop();
}

/// Unmounted and mounted again between two looks at the root: nothing hints what was done meanwhile.
fn unmounted_for_a_moment(kind: Kind, source: &str) {
    let Some(disk) = Disk::new(kind) else { return };
    let mut rig = Rig::new(&format!("watch = '{source}'\nverify = '0s'"));
    let Some(mounted) = disk.mount(&rig.place.store) else { return };
    rig.start();
    rig.write_all(&FILES);
    rig.reported(&ADDED);
    mounted.unmount();
    elsewhere(&disk, change);
    let _mounted = again(disk.mount(&rig.place.store));
    rig.reported(&CHANGED);
    rig.write_all(&["/d/later.mov"]);
    rig.reported(&["added /d/later.mov"]);
    rig.is_well();
    rig.stop();
}

#[test]
fn a_store_that_is_unmounted_for_a_moment_is_scanned() {
    unmounted_for_a_moment(Kind::Ext4, "fanotify");
    unmounted_for_a_moment(Kind::Xfs, "fanotify");
}

#[test]
fn a_store_that_is_unmounted_for_a_moment_is_scanned_by_inotify() {
    unmounted_for_a_moment(Kind::Btrfs, "inotify");
    unmounted_for_a_moment(Kind::Ext4, "inotify");
}

#[test]
fn a_disk_that_is_changed_for_another_in_a_moment_is_not_the_store() {
    let (Some(disk), Some(other)) = (Disk::new(Kind::Ext4), Disk::new(Kind::Ext4)) else { return };
    let mut rig = Rig::new("");
    let Some(mounted) = disk.mount(&rig.place.store) else { return };
    rig.start();
    rig.write_all(&FILES);
    rig.reported(&ADDED);
    elsewhere(&other, |at| fs::write(at.join("of-the-other.mov"), "one").expect("written"));
    mounted.unmount();
    let mounted = again(other.mount(&rig.place.store));
    rig.write_all(&["/d/another.mov"]);
    rig.is("offline", "0 are there");
    mounted.unmount();
    let _mounted = again(disk.mount(&rig.place.store));
    rig.write_all(&["/later.mov"]);
    rig.reported(&["added /later.mov"]);
    rig.is_well();
    rig.stop();
}

/// Who writes there goes on after `umount -l`: it is not the store's any more.
#[test]
fn what_is_written_to_a_disk_that_was_taken_away_is_reported_once_it_is_back() {
    let Some(disk) = Disk::new(Kind::Ext4) else { return };
    let mut rig = Rig::new("");
    let Some(mounted) = disk.mount(&rig.place.store) else { return };
    rig.start();
    rig.write_all(&FILES);
    rig.reported(&ADDED);
    let mut writer = fs::File::create(rig.place.at("/d/written.mov")).expect("made");
    // It is still in use, so it goes from its place and lives on.
    mounted.unmount_lazily();
    rig.is("offline", "suddenly empty");
    writer.write_all(b"all of it").expect("written");
    drop(writer);
    rig.write_all(&["/stray.mov"]);
    let _mounted = again(disk.mount(&rig.place.store));
    rig.reported(&["added /d/written.mov"]);
    rig.is_well();
    rig.stop();
}
