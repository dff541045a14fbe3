//! What fanotify hears of directories that nobody watched, and of files that were written by a name outside.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;

use super::{Closed, MOUNTING, Moved, Rig, append};
use crate::model::hint::Signal;
use crate::model::ids::MountId;
use crate::model::watching::SourceKind;

fn rig() -> Option<Rig> {
    match Rig::new(SourceKind::Fanotify) {
        Ok(rig) => Some(rig),
        Err(why) => {
            eprintln!("SKIPPED: {why}");
            None
        }
    }
}

#[test]
fn a_directory_of_a_mount_that_nobody_watched_is_hinted_with_what_happens_in_it() {
    let Some(mut rig) = rig() else { return };
    fs::create_dir_all(rig.disk("/n/a/b")).expect("mkdir");
    rig.signals();
    let expect = [("/n/a/b", Moved), ("/n/a/b/x", Closed)];
    rig.check("its first event", |d| fs::write(d.join("n/a/b/x"), "").unwrap(), &expect);
    rig.check("its next event", |d| fs::write(d.join("n/a/b/y"), "").unwrap(), &[("/n/a/b/y", Closed)]);
}

#[test]
fn what_lies_outside_is_not_hinted_until_it_is_moved_in() {
    let Some(mut rig) = rig() else { return };
    let outside = rig.dir.path().join("outside/deep");
    fs::create_dir_all(&outside).expect("mkdir");
    for _ in 0..2 {
        rig.check("outside", |_| drop(append(&outside.join("log"))), &[]);
    }
    rig.check("move in", |d| fs::rename(d.join("outside"), d.join("m/in")).unwrap(), &[("/m/in", Moved)]);
    // Both were known to lie outside: the one that moved is so no more from its own event on, the other one once it is
    // watched, as a listing of the new place does.
    let expect = [("/m/in", Moved), ("/m/in/x", Closed)];
    rig.check("in the moved one", |d| fs::write(d.join("m/in/x"), "").unwrap(), &expect);
    rig.watch("/m/in/deep");
    rig.check("below it", |d| drop(append(&d.join("m/in/deep/log"))), &[("/m/in/deep/log", Closed)]);
}

#[test]
fn an_ignored_directory_is_not_hinted_until_it_has_another_name() {
    let Some(mut rig) = rig() else { return };
    fs::create_dir(rig.disk("/m/a.tmp")).expect("mkdir");
    rig.signals();
    rig.check("ignored", |d| fs::write(d.join("m/a.tmp/x"), "").unwrap(), &[]);
    rig.check("renamed", |d| fs::rename(d.join("m/a.tmp"), d.join("m/a")).unwrap(), &[("/m/a", Moved)]);
    rig.check("not ignored", |d| fs::write(d.join("m/a/x"), "").unwrap(), &[("/m/a", Moved), ("/m/a/x", Closed)]);
}

#[test]
fn a_directory_that_was_removed_is_no_fault() {
    // Another process may write a file without a name on this filesystem meanwhile, and that does cost a scan; a source
    // tells of the first such fault only, so each try has its own.
    let mut faults = Vec::new();
    for _ in 0..10 {
        let Some(mut rig) = rig() else { return };
        let outside = rig.dir.path().join("outside");
        fs::create_dir(&outside).expect("mkdir");
        fs::write(outside.join("x"), "").expect("write");
        fs::remove_dir_all(&outside).expect("rm -r");
        let seen = rig.signals();
        assert!(!seen.iter().any(|signal| matches!(signal, Signal::Hint(_))), "{seen:?}");
        if !seen.iter().any(|signal| matches!(signal, Signal::Lost(_))) {
            return;
        }
        faults.push(seen);
    }
    panic!("each time: {faults:?}");
}

#[test]
fn a_mount_by_a_symbolic_link_has_its_unknown_directories_found() {
    let Some(rig) = rig() else { return };
    let (mut rig, link) = (rig, "n");
    fs::rename(rig.disk("/n"), rig.dir.path().join("real")).expect("rename");
    std::os::unix::fs::symlink("real", rig.dir.path().join(link)).expect("symlink");
    rig.source.take_up(MountId(1), &rig.disk("/n"), MOUNTING).expect("it is taken up again");
    rig.signals();
    fs::create_dir(rig.disk("/n/a")).expect("mkdir");
    rig.signals();
    fs::write(rig.disk("/n/a/x"), "").expect("write");
    let hinted = rig.hints();
    assert!(hinted.contains(&("/n/a/x".to_owned(), Closed)), "{hinted:?}");
}

#[test]
fn a_file_that_is_written_by_a_name_outside_is_signalled_by_its_inode() {
    let Some(mut rig) = rig() else { return };
    let outside = rig.dir.path().join("outside");
    fs::create_dir(&outside).expect("mkdir");
    fs::write(rig.disk("/m/a"), "").expect("write");
    rig.signals();
    rig.check("one name, outside", |_| fs::write(outside.join("other"), "").unwrap(), &[]);
    rig.check("link", |d| fs::hard_link(d.join("m/a"), outside.join("name")).unwrap(), &[]);
    let inode = fs::metadata(rig.disk("/m/a")).expect("stat").ino();
    for _ in 0..2 {
        drop(append(&outside.join("name")));
        let (mounts, volume) = (Arc::from([MountId(0), MountId(1)]), MOUNTING.volume);
        // The write itself may have been read before the close.
        assert_eq!(rig.signals().last(), Some(&Signal::File { mounts, volume, inode, kind: Closed }));
    }
    // A file that has one name gets a second one, in the mount.
    drop(append(&outside.join("other")));
    fs::hard_link(outside.join("other"), rig.disk("/m/b")).expect("link");
    rig.signals();
    drop(append(&outside.join("other")));
    let said = rig.signals();
    assert!(matches!(said.last(), Some(Signal::File { kind: Closed, .. })), "{said:?}");
}
