//! Where a store lies: in a directory of a disk, behind a symbolic link, on an overlay.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::super::mounted::{Disk, Kind, Mounted};
use super::{Rig, again, elsewhere};

/// The bare mount point has a directory of that name too, with other files.
fn a_directory_of_a_disk(source: &str) {
    let Some(disk) = Disk::new(Kind::Ext4) else { return };
    let mut rig = Rig::new("");
    let at = rig.dir("disk");
    rig.place.store = at.join("media/store");
    rig.configure(&format!("watch = '{source}'"));
    rig.write_all(&["/stray.mov", "/d/stray.mov"]);
    let Some(mounted) = disk.mount(&at) else { return };
    fs::create_dir_all(&rig.place.store).expect("a directory");
    rig.start();
    rig.write_all(&["/a.mov", "/d/b.mov"]);
    rig.reported(&["added /a.mov", "added /d/b.mov"]);
    mounted.unmount();
    rig.is("offline", "another filesystem: of 3 known files that were looked for in it 0 are there");
    rig.write_all(&["/d/b.mov.new"]);
    fs::remove_dir_all(&rig.place.store).expect("removed");
    rig.is("offline", "its directory is not there");
    rig.stop();
    rig.start();
    rig.is("offline", "its directory is not there");
    fs::create_dir_all(&rig.place.store).expect("a directory");
    rig.is("offline", "suddenly empty");
    elsewhere(&disk, |at| fs::rename(at.join("media/store/a.mov"), at.join("media/store/d/a.mov")).expect("renamed"));
    let _mounted = again(disk.mount(&at));
    rig.reported(&["added /d/a.mov", "deleted /a.mov"]);
    rig.is_well();
    rig.stop();
}

#[test]
fn a_store_in_a_directory_of_a_disk_is_offline_without_it() {
    a_directory_of_a_disk("fanotify");
}

#[test]
fn a_store_in_a_directory_of_a_disk_is_offline_without_it_by_inotify() {
    a_directory_of_a_disk("inotify");
}

fn switch(link: &Path, to: &Path) {
    let new = link.with_extension("new");
    symlink(to, &new).expect("a link");
    fs::rename(&new, link).expect("renamed");
}

#[test]
fn a_link_that_is_switched_to_another_disk_shows_another_store() {
    let (Some(disk), Some(other)) = (Disk::new(Kind::Ext4), Disk::new(Kind::Xfs)) else { return };
    let (Some(one), Some(two)) = (disk.mount(&disk.own_place()), other.mount(&other.own_place())) else { return };
    let mut rig = Rig::new("");
    let link = rig.place.store.with_file_name("link");
    switch(&link, &one.at);
    rig.place.store = link.clone();
    rig.configure("");
    rig.start();
    rig.write_all(&["/a.mov", "/d/b.mov"]);
    rig.reported(&["added /a.mov", "added /d/b.mov"]);
    fs::write(two.at.join("z.mov"), "one").expect("written");
    switch(&link, &two.at);
    rig.is("offline", "another filesystem");
    fs::write(one.at.join("meanwhile.mov"), "one").expect("written");
    switch(&link, &one.at);
    rig.reported(&["added /meanwhile.mov"]);
    rig.is_well();
    // The target goes and comes.
    one.unmount();
    rig.is("offline", "suddenly empty");
    switch(&link, &disk.own_place().join("none"));
    rig.is("offline", "is not there");
    let one = again(disk.mount(&disk.own_place()));
    switch(&link, &one.at);
    rig.write_all(&["/later.mov"]);
    rig.reported(&["added /later.mov"]);
    // The other one is meant.
    switch(&link, &two.at);
    rig.is("offline", "another filesystem");
    rig.rescan("--accept-root", "/");
    rig.sink.wait_line("added /z.mov");
    rig.is_well();
    rig.stop();
}

#[test]
fn an_overlay_that_is_mounted_anew_is_the_same_store() {
    let mut rig = Rig::new("");
    let [lower, upper, work] = ["lower", "upper", "work"].map(|name| rig.dir(name));
    fs::create_dir(lower.join("d")).expect("a directory");
    for name in ["a.mov", "d/b.mov"] {
        fs::write(lower.join(name), name).expect("written");
    }
    let Some(mounted) = Mounted::overlay(&lower, &upper, &work, &rig.place.store) else { return };
    rig.start();
    rig.write_all(&["/c.mov"]);
    rig.reported(&["added /c.mov"]);
    mounted.unmount();
    rig.is("offline", "suddenly empty");
    rig.write_all(&["/stray.mov"]);
    rig.is("offline", "0 are there");
    // Copied up, and gone from the upper layer.
    let mounted = again(Mounted::overlay(&lower, &upper, &work, &rig.place.store));
    rig.is_well();
    rig.place.write("/d/b.mov", "changed, and longer");
    rig.remove("/a.mov");
    rig.reported(&["deleted /a.mov", "modified /d/b.mov"]);
    rig.stop();
    mounted.unmount();
    let _mounted = again(Mounted::overlay(&lower, &upper, &work, &rig.place.store));
    rig.start();
    rig.write_all(&["/later.mov"]);
    rig.reported(&["added /later.mov"]);
    rig.is_well();
    rig.stop();
}
