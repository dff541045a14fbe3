//! Which file is which asset on filesystems whose inode numbers and times say less: ext4 with 128-byte inodes, which
//! has no birth times and keeps whole seconds, and overlayfs, which changes a file's inode when it copies it up.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::daemon::{Daemon, Place};
use crate::disk::{grow_old, set_xattr};
use crate::scratch;
use crate::sink::{Sink, Told, sorted};

/// Filesystems of a test's own, mounted until it ends, the last first.
struct Mounted {
    dirs: Vec<PathBuf>,
    temp: TempDir,
}

impl Mounted {
    fn new() -> Self {
        Self { dirs: Vec::new(), temp: scratch::dir() }
    }

    fn dir(&self, name: &str) -> PathBuf {
        let dir = fs::canonicalize(self.temp.path()).expect("a true path").join(name);
        fs::create_dir_all(&dir).expect("a directory");
        dir
    }

    /// Mounts something; `None`, with a word on it, where this machine does not let it.
    fn mount(&mut self, arguments: &[&str], dir: &Path) -> Option<()> {
        run(Command::new("mount").args(arguments).arg(dir))?;
        self.dirs.push(dir.to_owned());
        Some(())
    }

    /// An ext4 with inodes of so many bytes.
    fn ext4(&mut self, name: &str, inode_bytes: &str) -> Option<PathBuf> {
        let image = self.dir("images").join(name);
        fs::File::create(&image).and_then(|file| file.set_len(16 << 20)).expect("an image");
        run(Command::new("mkfs.ext4").args(["-q", "-F", "-I", inode_bytes]).arg(&image))?;
        let dir = self.dir(name);
        self.mount(&["-o", "loop", &image.display().to_string()], &dir)?;
        Some(dir)
    }

    fn unmount(&mut self) {
        if let Some(dir) = self.dirs.pop() {
            run(Command::new("umount").arg("-l").arg(dir));
        }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        while !self.dirs.is_empty() {
            self.unmount();
        }
    }
}

/// Runs a command; `None`, with what it said, where it fails.
fn run(command: &mut Command) -> Option<()> {
    match command.output() {
        Ok(output) if output.status.success() => Some(()),
        Ok(output) => {
            eprintln!("SKIPPED: {command:?}: {}", String::from_utf8_lossy(&output.stderr));
            None
        }
        Err(error) => {
            eprintln!("SKIPPED: {command:?}: {error}");
            None
        }
    }
}

/// A store in a directory, its daemon, and a subscriber that hears all.
struct Rig {
    sink: Sink,
    place: Place,
    daemon: Daemon,
    seen: usize,
}

impl Rig {
    fn new(store: &Path, source: &str) -> Self {
        let sink = Sink::new();
        let mut place = Place::new(&sink.rule_all());
        place.store = store.to_owned();
        let text = format!("[[mount]]\npath = '/'\ndir = '{}'\nwatch = '{source}'\n", store.display());
        let config = place.rules.with_file_name("ringback.toml");
        fs::write(&config, text).expect("a configuration");
        place.config = Some(config);
        let daemon = place.start();
        Self { sink, place, daemon, seen: 0 }
    }

    #[track_caller]
    fn expect(&mut self, lines: &[&str]) -> Vec<Told> {
        let told = self.daemon.settled(&self.place, &self.sink, "/");
        let new = told[self.seen..].to_vec();
        self.seen = told.len();
        assert_eq!(sorted(&new), lines, "{}", self.daemon.log());
        new
    }
}

#[test]
fn a_new_file_with_a_removed_file_s_inode_is_a_new_asset() {
    let mut mounted = Mounted::new();
    let Some(store) = mounted.ext4("small-inodes", "128") else { return };
    for source in ["inotify", "fanotify"] {
        let mut rig = Rig::new(&store, source);
        for n in 0..5 {
            let (a, b) = (format!("/{source}-{n}-a.mov"), format!("/{source}-{n}-b.mov"));
            rig.place.write(&a, "one");
            let inode = fs::metadata(rig.place.at(&a)).expect("it is there").ino();
            let before = rig.expect(&[&format!("added {a}")]);
            fs::remove_file(rig.place.at(&a)).expect("removed");
            rig.place.write(&b, "another file, and longer");
            assert_eq!(
                fs::metadata(rig.place.at(&b)).expect("it is there").ino(),
                inode,
                "ext4 takes the first free one"
            );
            let after = rig.expect(&[&format!("added {b}"), &format!("deleted {a}")]);
            let added = after.iter().find(|one| one.path == b).expect("it was added");
            assert_ne!(added.asset_id, before[0].asset_id, "{after:?}");
        }
    }
}

#[test]
fn a_file_without_a_birth_time_keeps_its_asset_when_it_moves() {
    let mut mounted = Mounted::new();
    let Some(store) = mounted.ext4("small-inodes", "128") else { return };
    let mut rig = Rig::new(&store, "auto");
    rig.place.write("/1", "one");
    let before = rig.expect(&["added /1"]);
    fs::rename(rig.place.at("/1"), rig.place.at("/2")).expect("renamed");
    let after = rig.expect(&["added /2", "deleted /1"]);
    assert!(after.iter().all(|one| one.asset_id == before[0].asset_id), "{after:?}");
}

/// Times of whole seconds: two writes of one size within a second leave the same times.
#[test]
fn a_rewrite_within_the_second_of_a_coarse_filesystem_is_reported() {
    let mut mounted = Mounted::new();
    let Some(store) = mounted.ext4("small-inodes", "128") else { return };
    let mut rig = Rig::new(&store, "auto");
    for n in 0..5 {
        let path = format!("/{n}");
        rig.place.write(&path, "one");
        rig.sink.wait_line(&format!("added {path}"));
        rig.place.write(&path, "two");
        rig.sink.wait_line(&format!("modified {path}"));
        rig.expect(&[&format!("added {path}"), &format!("modified {path}")]);
    }
}

/// A file of the lower layer is copied to the upper one, another filesystem, when its mode changes: its inode, or at
/// least its birth time, is another.
#[test]
fn a_mode_that_changes_on_overlayfs_is_no_change_of_bytes() {
    let mut mounted = Mounted::new();
    let Some(lower) = mounted.ext4("lower", "256") else { return };
    let top = mounted.dir("top");
    if mounted.mount(&["-t", "tmpfs", "tmpfs"], &top).is_none() {
        return;
    }
    let (upper, work, store) = (top.join("upper"), top.join("work"), mounted.dir("store"));
    for dir in [&upper, &work] {
        fs::create_dir(dir).expect("a directory");
    }
    fs::write(lower.join("1.mov"), "one").expect("written");
    grow_old(&lower.join("1.mov"));
    let (lower, upper, work) = (lower.display(), upper.display(), work.display());
    let layers = format!("lowerdir={lower},upperdir={upper},workdir={work}");
    if mounted.mount(&["-t", "overlay", "overlay", "-o", &layers], &store).is_none() {
        return;
    }
    let mut rig = Rig::new(&store, "auto");
    rig.expect(&[]);
    let identity = |rig: &Rig| {
        let about = fs::metadata(rig.place.at("/1.mov")).expect("it is there");
        (about.dev(), about.ino(), about.created().ok())
    };
    let before = identity(&rig);
    fs::set_permissions(rig.place.at("/1.mov"), fs::Permissions::from_mode(0o600)).expect("chmod");
    assert_ne!(identity(&rig), before, "it was copied up");
    rig.expect(&[]);
    rig.place.write("/1.mov", "two");
    rig.sink.wait_line("modified /1.mov");
    rig.expect(&["modified /1.mov"]);
}

#[test]
fn a_store_that_is_copied_to_another_disk_is_not_reported() {
    let mut mounted = Mounted::new();
    let Some(old) = mounted.ext4("old", "256") else { return };
    let Some(new) = mounted.ext4("new", "256") else { return };
    let store = mounted.dir("store");
    if mounted.mount(&["--bind", &old.display().to_string()], &store).is_none() {
        return;
    }
    let rig = Rig::new(&store, "auto");
    for name in ["/1", "/d/2", "/d/e/3"] {
        rig.place.write(name, name);
        set_xattr(&rig.place.at(name), "user.city", "SFO");
    }
    rig.daemon.sync();
    rig.sink.wait("all are reported", |told| told.len() == 3);
    let before = rig.sink.told();
    let Rig { sink, place, daemon, .. } = rig;
    assert_eq!(daemon.stop().code(), Some(0));
    // Other inodes for the same files.
    fs::write(new.join("x"), "").expect("written");
    run(Command::new("cp").arg("-a").arg(format!("{}/.", old.display())).arg(&new)).expect("a copy");
    fs::remove_file(new.join("x")).expect("removed");
    mounted.unmount();
    mounted.mount(&["--bind", &new.display().to_string()], &store).expect("the new disk");
    let mut rig = Rig { daemon: place.start(), sink, place, seen: 3 };
    rig.expect(&[]);
    rig.place.write("/d/2", "other bytes");
    rig.sink.wait_line("modified /d/2");
    let told = rig.expect(&["modified /d/2"]);
    let known = before.iter().find(|one| one.path == "/d/2").expect("it was added");
    assert_eq!(told[0].asset_id, known.asset_id);
}
