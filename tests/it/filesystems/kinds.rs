//! A store on each kind of mount: what is written, moved and removed there is reported, whichever source `auto` takes.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::mounted::{Kind, Mounted};
use crate::daemon::Place;
use crate::scratch;
use crate::sink::{Sink, view};

/// A directory of its own, with further ones in it by name.
fn dirs(names: &[&str]) -> TempDir {
    let dir = scratch::dir();
    for name in names {
        fs::create_dir(dir.path().join(name)).expect("a directory");
    }
    dir
}

/// What every user does in a store, reported without a sync. `through` is what starts the daemon.
fn ordinary_work_is_reported(at: &Path, through: &[&str]) {
    let sink = Sink::new();
    let mut place = Place::new(&sink.rule_all());
    place.store = at.join("store");
    fs::create_dir(&place.store).expect("a store");
    place.through = through.iter().map(|word| (*word).to_owned()).collect();
    place.configure("[[mount]]\npath = '/'\ndir = '{store}'\npoll_interval = '300ms'\n");
    let daemon = place.start();
    place.write("/d/a.mov", "one");
    sink.wait_line("added /d/a.mov");
    let before = view(&sink.told());
    place.write("/d/a.mov", "one, and more");
    sink.wait_line("modified /d/a.mov");
    assert_eq!(view(&sink.told()), before, "it is the same asset\n{}", daemon.log());
    fs::rename(place.at("/d/a.mov"), place.at("/b.mov")).expect("renamed");
    sink.wait_line("deleted /d/a.mov");
    sink.wait_line("added /b.mov");
    fs::remove_file(place.at("/b.mov")).expect("removed");
    sink.wait_line("deleted /b.mov");
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn a_store_on_ext4_with_small_inodes() {
    let Some(disk) = Mounted::new(Kind::Ext4Small) else { return };
    ordinary_work_is_reported(&disk.at, &[]);
}

#[test]
fn a_store_on_tmpfs() {
    let dir = dirs(&["at"]);
    let Some(disk) = Mounted::tmpfs(&dir.path().join("at"), "64m") else { return };
    ordinary_work_is_reported(&disk.at, &[]);
}

#[test]
fn a_store_that_is_bind_mounted() {
    let dir = dirs(&["from", "at"]);
    let Some(disk) = Mounted::bind(&dir.path().join("from"), &dir.path().join("at")) else { return };
    ordinary_work_is_reported(&disk.at, &[]);
}

#[test]
fn a_store_on_an_overlay() {
    let dir = dirs(&["lower", "upper", "work", "at"]);
    let at = |name: &str| dir.path().join(name);
    let Some(disk) = Mounted::overlay(&at("lower"), &at("upper"), &at("work"), &at("at")) else { return };
    ordinary_work_is_reported(&disk.at, &[]);
}

#[test]
fn a_store_behind_fuse() {
    let dir = dirs(&["from", "at"]);
    let Some(disk) = Mounted::bindfs(&dir.path().join("from"), &dir.path().join("at")) else { return };
    ordinary_work_is_reported(&disk.at, &[]);
}

#[test]
fn a_daemon_in_a_mount_namespace_of_its_own_as_in_a_container() {
    let dir = dirs(&["from", "at"]);
    let Some(disk) = Mounted::bind(&dir.path().join("from"), &dir.path().join("at")) else { return };
    ordinary_work_is_reported(&disk.at, &["unshare", "--mount", "--propagation", "slave", "--"]);
}
