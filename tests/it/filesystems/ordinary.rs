//! The ordinary saves of `conformance`, on filesystems as users have them.

use super::mounted::{Kind, Mounted};
use crate::conformance::saves_in;

fn saves_on(kind: Kind, source: &'static str) {
    let Some(disk) = Mounted::new(kind) else { return };
    saves_in(&disk.at, source);
}

#[test]
fn ordinary_saves_on_ext4() {
    saves_on(Kind::Ext4, "fanotify");
}

#[test]
fn ordinary_saves_on_ext4_by_inotify() {
    saves_on(Kind::Ext4, "inotify");
}

#[test]
fn ordinary_saves_on_xfs() {
    saves_on(Kind::Xfs, "fanotify");
}

#[test]
fn ordinary_saves_on_xfs_by_inotify() {
    saves_on(Kind::Xfs, "inotify");
}

#[test]
fn ordinary_saves_on_btrfs() {
    saves_on(Kind::Btrfs, "fanotify");
}
