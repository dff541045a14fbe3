//! The directories that tests work in. Each has the process that made it in its name, so that the next run finds what a
//! killed one has left: its mounts are unmounted, its loop devices detached, and its files removed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;

use tempfile::TempDir;

use crate::turns;

const PREFIX: &str = "ringback-it-";

/// A new directory for a test.
pub fn dir() -> TempDir {
    dir_in(&std::env::temp_dir())
}

/// A new directory in another one. Its name has no dot in front: those are ignored where the directory lies in a store.
pub fn dir_in(above: &Path) -> TempDir {
    static MENDED: Once = Once::new();
    MENDED.call_once(|| mend(&std::env::temp_dir()));
    let me = std::process::id();
    let began = began(me).unwrap_or_default();
    tempfile::Builder::new().prefix(&format!("{PREFIX}{me}-{began}-")).tempdir_in(above).expect("a directory")
}

/// Removes what processes that have ended have left in a directory.
fn mend(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if name.to_str().and_then(maker).is_some_and(|(pid, at)| began(pid).as_deref() != Some(at)) {
            remove(&entry.path());
        }
    }
}

/// The process that made a directory of this name: its id, and when it began.
fn maker(name: &str) -> Option<(u32, &str)> {
    let mut parts = name.strip_prefix(PREFIX)?.splitn(3, '-');
    Some((parts.next()?.parse().ok()?, parts.next()?))
}

/// When a process began, in ticks since the machine did (proc_pid_stat(5), `starttime`): an id may be used again.
fn began(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name stands in parentheses and may have any characters. The state follows it, as the third field.
    stat.rsplit_once(") ")?.1.split(' ').nth(22 - 3).map(str::to_owned)
}

/// Removes a directory with all that is mounted in it. What somebody still has open goes with its last user.
fn remove(dir: &Path) {
    let _turn = turns::starting();
    // The last mounted first.
    for at in mounted_below(dir).into_iter().rev() {
        drop(Command::new("umount").arg("-l").arg(at).output());
    }
    let loops = Command::new("losetup").args(["--list", "--noheadings", "--output", "NAME,BACK-FILE"]).output();
    let loops = loops.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let of_dir = loops
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(_, file)| Path::new(file.trim()).starts_with(dir));
    for (device, _) in of_dir {
        drop(Command::new("losetup").args(["--detach", device]).output());
    }
    // Nothing is removed through a mount.
    if mounted_below(dir).is_empty() {
        drop(fs::remove_dir_all(dir));
    }
}

/// Where something is mounted below a directory, in the order in which it was mounted. (No test has a space in such a
/// path.)
fn mounted_below(dir: &Path) -> Vec<PathBuf> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let places = table.lines().filter_map(|line| line.split(' ').nth(4)).map(PathBuf::from);
    places.filter(|at| at.starts_with(dir)).collect()
}

#[test]
fn what_a_killed_run_has_left_is_removed_and_nothing_else() {
    let above = dir();
    let above = fs::canonicalize(above.path()).expect("a true path");
    let me = std::process::id();
    let living = format!("{PREFIX}{me}-{}-abc", began(me).expect("Linux has it"));
    // This process's id, as an earlier process had it.
    let left = format!("{PREFIX}{me}-0-abc");
    for name in [&living, &left, &"other".to_owned()] {
        fs::create_dir_all(above.join(name).join("at")).expect("a directory");
    }
    let at = above.join(&left).join("at");
    let is_mounted = Command::new("mount").args(["-t", "tmpfs", "none"]).arg(&at).output();
    let is_mounted = is_mounted.is_ok_and(|output| output.status.success());
    assert_eq!(mounted_below(&at).len(), usize::from(is_mounted));
    mend(&above);
    let mut names: Vec<_> = fs::read_dir(&above).expect("listed").flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    assert_eq!(names, ["other", &*living]);
    assert!(mounted_below(&above).is_empty(), "it is unmounted");
}
