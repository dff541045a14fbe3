//! What is mounted inside a store: drives that come and go, and binds that hide files or show them a second time.

use std::fs;

use super::super::mounted::{Disk, Kind, Mounted};
use super::{Rig, again, elsewhere};

fn a_drive_comes_and_goes(source: &str) {
    let Some(disk) = Disk::new(Kind::Ext4) else { return };
    let mut rig = Rig::new(&format!("watch = '{source}'\ncross_filesystems = true"));
    fs::create_dir(rig.place.at("/drive")).expect("a directory");
    rig.start();
    rig.write_all(&["/a.mov"]);
    rig.reported(&["added /a.mov"]);
    let Some(mounted) = disk.mount(&rig.place.at("/drive")) else { return };
    rig.write_all(&["/drive/b.mov", "/drive/d/c.mov"]);
    rig.reported(&["added /drive/b.mov", "added /drive/d/c.mov"]);
    rig.is_well();
    mounted.unmount();
    rig.is("degraded", "2 known files below it are offline with it");
    rig.notes(&[("/drive", "filesystem")]);
    rig.write_all(&["/drive/stray.mov", "/drive/d/stray.mov", "/beside.mov"]);
    rig.reported(&["added /beside.mov"]);
    // Also after a restart.
    rig.stop();
    rig.start();
    rig.is("degraded", "2 known files below it are offline with it");
    elsewhere(&disk, |at| {
        fs::write(at.join("new.mov"), "new").expect("written");
        fs::remove_file(at.join("d/c.mov")).expect("removed");
    });
    let mounted = again(disk.mount(&rig.place.at("/drive")));
    rig.reported(&["added /drive/new.mov", "deleted /drive/d/c.mov"]);
    rig.is_well();
    rig.write_all(&["/drive/later.mov"]);
    rig.reported(&["added /drive/later.mov"]);
    // It is given up: what was beneath it shows.
    mounted.unmount();
    rig.is("degraded", "3 known files below it are offline with it");
    rig.rescan("--accept-root", "/drive");
    rig.reported(&[
        "added /drive/d/stray.mov",
        "added /drive/stray.mov",
        "deleted /drive/b.mov",
        "deleted /drive/later.mov",
        "deleted /drive/new.mov",
    ]);
    rig.is_well();
    rig.stop();
}

#[test]
fn a_drive_inside_the_store_takes_its_files_offline_with_it() {
    a_drive_comes_and_goes("fanotify");
}

#[test]
fn a_drive_inside_the_store_takes_its_files_offline_with_it_by_inotify() {
    a_drive_comes_and_goes("inotify");
}

/// The filesystem that is mounted is not the store's: what it hides stays as it was, and nothing of it is reported.
fn a_drive_that_is_not_entered(source: &str) {
    let Some(disk) = Disk::new(Kind::Ext4) else { return };
    let mut rig = Rig::new(&format!("watch = '{source}'"));
    fs::create_dir(rig.place.at("/drive")).expect("a directory");
    rig.start();
    let Some(mounted) = disk.mount(&rig.place.at("/drive")) else { return };
    rig.notes(&[("/drive", "filesystem")]);
    rig.write_all(&["/drive/b.mov", "/a.mov"]);
    rig.reported(&["added /a.mov"]);
    rig.is("watching", "");
    mounted.unmount();
    rig.write_all(&["/drive/stray.mov"]);
    rig.reported(&["added /drive/stray.mov"]);
    rig.is_well();
    let mounted = again(disk.mount(&rig.place.at("/drive")));
    rig.is("degraded", "it hides 1 known file");
    rig.notes(&[("/drive", "covered")]);
    rig.write_all(&["/drive/c.mov", "/beside.mov"]);
    rig.reported(&["added /beside.mov"]);
    rig.stop();
    rig.start();
    rig.is("degraded", "it hides 1 known file");
    mounted.unmount();
    rig.is_well();
    rig.write_all(&["/drive/d/later.mov"]);
    rig.reported(&["added /drive/d/later.mov"]);
    rig.stop();
}

#[test]
fn a_drive_inside_the_store_that_is_not_entered_is_a_note() {
    a_drive_that_is_not_entered("fanotify");
}

#[test]
fn a_drive_inside_the_store_that_is_not_entered_is_a_note_by_inotify() {
    a_drive_that_is_not_entered("inotify");
}

/// What is made beneath the bind while it hides the directory, by a second way to the store.
fn a_bind_hides_files(source: &str) {
    let mut rig = Rig::new(&format!("watch = '{source}'"));
    let (other, way) = (rig.dir("other"), rig.dir("way"));
    fs::write(other.join("z.mov"), "one").expect("written");
    rig.start();
    rig.write_all(&["/a.mov", "/d/b.mov", "/d/e/c.mov"]);
    rig.reported(&["added /a.mov", "added /d/b.mov", "added /d/e/c.mov"]);
    let Some(second) = Mounted::bind(&rig.place.store, &way) else { return };
    let Some(bind) = Mounted::bind(&other, &rig.place.at("/d")) else { return };
    rig.is("degraded", "it hides 2 known files");
    rig.notes(&[("/d", "covered")]);
    rig.write_all(&["/d/y.mov", "/beside.mov"]);
    rig.reported(&["added /beside.mov"]);
    fs::write(way.join("d/made-beneath.mov"), "one").expect("written");
    fs::remove_file(way.join("d/e/c.mov")).expect("removed");
    second.unmount();
    rig.write_all(&["/later.mov"]);
    rig.reported(&["added /later.mov"]);
    bind.unmount();
    rig.reported(&["added /d/made-beneath.mov", "deleted /d/e/c.mov"]);
    rig.is_well();
    rig.write_all(&["/d/e/last.mov"]);
    rig.reported(&["added /d/e/last.mov"]);
    rig.stop();
}

#[test]
fn a_bind_over_a_directory_hides_its_files_until_it_is_removed() {
    a_bind_hides_files("fanotify");
}

#[test]
fn a_bind_over_a_directory_hides_its_files_until_it_is_removed_by_inotify() {
    a_bind_hides_files("inotify");
}

/// A directory of the store that shows at another place of it too: each file once.
fn a_second_way_inside(source: &str, is_before_the_start: bool) {
    let mut rig = Rig::new(&format!("watch = '{source}'"));
    rig.write_all(&["/d/b.mov"]);
    fs::create_dir(rig.place.at("/again")).expect("a directory");
    let bind = |rig: &Rig| Mounted::bind(&rig.place.at("/d"), &rig.place.at("/again"));
    let early = if is_before_the_start { bind(&rig) } else { None };
    rig.start();
    let Some(mounted) = early.or_else(|| bind(&rig)) else { return };
    rig.notes(&[("/again", "covered")]);
    rig.is("watching", "");
    rig.write_all(&["/again/new.mov"]);
    // Once: two writes are one change or two, as it is looked at in between or not.
    rig.place.write("/d/b.mov", "changed");
    rig.reported(&["added /d/new.mov", "modified /d/b.mov"]);
    rig.rescan("--wait", "/");
    rig.all_reported(&[]);
    mounted.unmount();
    rig.is_well();
    rig.write_all(&["/again/beneath.mov"]);
    rig.reported(&["added /again/beneath.mov"]);
    rig.stop();
}

#[test]
fn a_bind_of_the_store_inside_it_reports_no_file_twice() {
    for is_before_the_start in [false, true] {
        a_second_way_inside("fanotify", is_before_the_start);
    }
}

#[test]
fn a_bind_of_the_store_inside_it_reports_no_file_twice_by_inotify() {
    for is_before_the_start in [false, true] {
        a_second_way_inside("inotify", is_before_the_start);
    }
}

#[test]
fn a_drive_inside_a_drive_comes_and_goes_with_it() {
    let (Some(outer), Some(inner)) = (Disk::new(Kind::Ext4), Disk::new(Kind::Xfs)) else { return };
    let mut rig = Rig::new("cross_filesystems = true");
    fs::create_dir(rig.place.at("/outer")).expect("a directory");
    rig.start();
    let Some(mounted) = outer.mount(&rig.place.at("/outer")) else { return };
    rig.write_all(&["/a.mov", "/outer/b.mov", "/outer/inner/stray.mov"]);
    rig.reported(&["added /a.mov", "added /outer/b.mov", "added /outer/inner/stray.mov"]);
    rig.remove("/outer/inner/stray.mov");
    rig.reported(&["deleted /outer/inner/stray.mov"]);
    let Some(deep) = inner.mount(&rig.place.at("/outer/inner")) else { return };
    rig.write_all(&["/outer/inner/c.mov", "/outer/inner/d/e.mov"]);
    rig.reported(&["added /outer/inner/c.mov", "added /outer/inner/d/e.mov"]);
    rig.is_well();
    deep.unmount();
    mounted.unmount();
    rig.notes(&[("/outer", "filesystem"), ("/outer/inner", "filesystem")]);
    rig.write_all(&["/beside.mov", "/outer/stray.mov"]);
    rig.reported(&["added /beside.mov"]);
    // The outer one alone: what is in the inner one is still offline.
    let mounted = again(outer.mount(&rig.place.at("/outer")));
    rig.notes(&[("/outer/inner", "filesystem")]);
    rig.write_all(&["/outer/new.mov", "/outer/inner/stray.mov"]);
    rig.reported(&["added /outer/new.mov"]);
    rig.is("degraded", "2 known files below it are offline with it");
    let deep = again(inner.mount(&rig.place.at("/outer/inner")));
    rig.is_well();
    rig.write_all(&["/outer/inner/later.mov"]);
    rig.reported(&["added /outer/inner/later.mov"]);
    rig.stop();
    deep.unmount();
    mounted.unmount();
    rig.start();
    rig.notes(&[("/outer", "filesystem"), ("/outer/inner", "filesystem")]);
    rig.write_all(&["/last.mov"]);
    rig.reported(&["added /last.mov"]);
    rig.stop();
}

/// As containers do with single files.
#[test]
fn a_file_that_is_mounted_over_a_file_hides_it() {
    let mut rig = Rig::new("");
    let other = rig.dir("other").join("other.mov");
    fs::write(&other, "another file, and longer").expect("written");
    rig.start();
    rig.write_all(&["/a.mov", "/d/b.mov"]);
    rig.reported(&["added /a.mov", "added /d/b.mov"]);
    let Some(bind) = Mounted::bind(&other, &rig.place.at("/d/b.mov")) else { return };
    rig.is("degraded", "it hides 1 known file");
    rig.notes(&[("/d/b.mov", "covered")]);
    rig.place.write("/d/b.mov", "written through the bind");
    rig.write_all(&["/beside.mov"]);
    rig.reported(&["added /beside.mov"]);
    bind.unmount();
    rig.is_well();
    rig.place.write("/d/b.mov", "changed, and longer");
    rig.reported(&["modified /d/b.mov"]);
    rig.stop();
}

/// Unmounted and mounted again between two looks at the root: nothing hints what was done meanwhile.
fn a_drive_goes_for_a_moment(source: &str) {
    let Some(disk) = Disk::new(Kind::Ext4) else { return };
    let mut rig = Rig::new(&format!("watch = '{source}'\ncross_filesystems = true\nverify = '0s'"));
    fs::create_dir(rig.place.at("/drive")).expect("a directory");
    rig.start();
    let Some(mounted) = disk.mount(&rig.place.at("/drive")) else { return };
    rig.write_all(&["/drive/b.mov", "/drive/d/c.mov"]);
    rig.reported(&["added /drive/b.mov", "added /drive/d/c.mov"]);
    mounted.unmount();
    elsewhere(&disk, |at| {
        fs::write(at.join("d/new.mov"), "new").expect("written");
        fs::remove_file(at.join("b.mov")).expect("removed");
    });
    let _mounted = again(disk.mount(&rig.place.at("/drive")));
    rig.reported(&["added /drive/d/new.mov", "deleted /drive/b.mov"]);
    rig.write_all(&["/drive/d/later.mov"]);
    rig.reported(&["added /drive/d/later.mov"]);
    rig.is_well();
    rig.stop();
}

#[test]
fn a_drive_inside_the_store_that_is_unmounted_for_a_moment_is_scanned() {
    a_drive_goes_for_a_moment("fanotify");
}

#[test]
fn a_drive_inside_the_store_that_is_unmounted_for_a_moment_is_scanned_by_inotify() {
    a_drive_goes_for_a_moment("inotify");
}
