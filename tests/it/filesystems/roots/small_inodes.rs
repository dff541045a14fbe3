//! ext4 with inodes of 128 bytes, which has no birth times and keeps whole seconds, without a sync that would put an
//! end to waits. (`identities` asks more of it.)

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use super::super::mounted::{Disk, Kind};
use super::Rig;

fn on_small_inodes(source: &str, work: fn(&mut Rig)) {
    let Some(disk) = Disk::new(Kind::Ext4Small) else { return };
    let mut rig = Rig::new(&format!("watch = '{source}'"));
    let Some(_mounted) = disk.mount(&rig.place.store) else { return };
    rig.start();
    work(&mut rig);
    rig.stop();
}

fn an_inode_is_used_again(rig: &mut Rig) {
    let inode = |rig: &Rig, path: &str| fs::metadata(rig.place.at(path)).expect("it is there").ino();
    for n in 0..5 {
        let (a, b) = (format!("/{n}-a.mov"), format!("/{n}-b.mov"));
        rig.place.write(&a, "one");
        let before = rig.reported(&[&format!("added {a}")]);
        let was = inode(rig, &a);
        rig.remove(&a);
        rig.place.write(&b, "another file, and longer");
        assert_eq!(inode(rig, &b), was, "ext4 takes the first one that is free");
        let after = rig.reported(&[&format!("added {b}"), &format!("deleted {a}")]);
        let added = after.iter().find(|one| one.path == b).expect("it was reported");
        assert_ne!(added.asset_id, before[0].asset_id, "{after:?}");
    }
}

/// Within one second, so that size and times are as before.
fn a_file_is_overwritten_at_once(rig: &mut Rig) {
    for n in 0..5 {
        let file = format!("/{n}.mov");
        rig.place.write(&file, "one");
        rig.sink.wait_line(&format!("added {file}"));
        rig.place.write(&file, "two");
        rig.reported(&[&format!("added {file}"), &format!("modified {file}")]);
    }
}

#[test]
fn a_file_with_the_inode_of_a_removed_one_is_a_new_asset() {
    on_small_inodes("fanotify", an_inode_is_used_again);
}

#[test]
fn a_file_with_the_inode_of_a_removed_one_is_a_new_asset_by_inotify() {
    on_small_inodes("inotify", an_inode_is_used_again);
}

#[test]
fn a_file_overwritten_within_the_second_of_its_report_is_reported_again() {
    on_small_inodes("fanotify", a_file_is_overwritten_at_once);
}

#[test]
fn a_file_overwritten_within_the_second_of_its_report_is_reported_again_by_inotify() {
    on_small_inodes("inotify", a_file_is_overwritten_at_once);
}
