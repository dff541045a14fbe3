//! Symbolic links in a store, as its status names them.

use std::fs;
use std::os::unix::fs::symlink;

use super::Rig;

fn links_are_noted(source: &str) {
    let mut rig = Rig::new(&format!("watch = '{source}'"));
    rig.write_all(&["/d/a.mov"]);
    symlink("d", rig.place.at("/latest")).expect("a link");
    symlink("nowhere", rig.place.at("/d/.hidden")).expect("a link");
    rig.start();
    rig.notes(&[("/latest", "symbolic-link")]);
    rig.is("watching", "");
    symlink("a.mov", rig.place.at("/d/b.mov")).expect("a link");
    rig.notes(&[("/d/b.mov", "symbolic-link"), ("/latest", "symbolic-link")]);
    fs::remove_file(rig.place.at("/latest")).expect("removed");
    fs::rename(rig.place.at("/d/a.mov"), rig.place.at("/d/b.mov")).expect("renamed");
    rig.reported(&["added /d/b.mov", "deleted /d/a.mov"]);
    rig.is_well();
    rig.stop();
}

#[test]
fn symbolic_links_are_noted_while_they_are_there() {
    links_are_noted("notify");
}

#[test]
fn symbolic_links_are_noted_while_they_are_there_by_inotify() {
    links_are_noted("inotify");
}
