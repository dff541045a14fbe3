//! Filesystems that are mounted for as long as a guard lives. A guard always unmounts: at once, or else lazily; a loop
//! device frees itself with the last user of its filesystem.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use crate::daemon::until;
use crate::{scratch, turns};

/// Bytes of the file that a filesystem is made in. It has holes: what is not written takes no room.
const IMAGE_BYTES: u64 = 2 << 30;
/// How often a busy filesystem is unmounted before it is left to go with its last user.
const ATTEMPTS_MAX: u32 = 20;

/// What can be mounted from a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// With inodes of 256 bytes, as mkfs makes them.
    Ext4,
    /// With inodes of 128 bytes: no birth times, and timestamps of whole seconds.
    Ext4Small,
    Xfs,
    Btrfs,
}

impl Kind {
    fn make(self, image: &Path) -> Command {
        let (program, arguments): (&str, &[&str]) = match self {
            Self::Ext4 => ("mkfs.ext4", &["-q", "-F"]),
            Self::Ext4Small => ("mkfs.ext4", &["-q", "-F", "-I", "128"]),
            Self::Xfs => ("mkfs.xfs", &["-q"]),
            Self::Btrfs => ("mkfs.btrfs", &["-q"]),
        };
        let mut command = Command::new(program);
        command.args(arguments).arg(image);
        command
    }
}

/// A filesystem in a file, which is mounted and unmounted as a disk is.
#[derive(Debug)]
pub struct Disk {
    files: TempDir,
}

impl Disk {
    /// A new one, which is not mounted.
    pub fn new(kind: Kind) -> Option<Self> {
        let disk = Self { files: scratch::dir() };
        fs::create_dir(disk.own_place()).expect("a directory");
        File::create(disk.image()).and_then(|file| file.set_len(IMAGE_BYTES)).expect("a file with a hole");
        done(&mut kind.make(&disk.image()))?;
        Some(disk)
    }

    /// Mounts it by a loop device that is free.
    pub fn mount(&self, at: &Path) -> Option<Mounted> {
        mount(Command::new("mount").args(["-o", "loop"]).arg(self.image()), at)
    }

    /// A directory of its own that it may be mounted at.
    pub fn own_place(&self) -> PathBuf {
        self.files.path().join("mounted")
    }

    fn image(&self) -> PathBuf {
        self.files.path().join("image")
    }
}

/// Something that is mounted.
#[derive(Debug)]
pub struct Mounted {
    /// Where.
    pub at: PathBuf,
    is_mounted: bool,
    /// What it is made of, where that is its own; removed after it was unmounted.
    files: Option<TempDir>,
}

impl Mounted {
    /// A new filesystem of a kind at a place of its own.
    pub fn new(kind: Kind) -> Option<Self> {
        let disk = Disk::new(kind)?;
        let mut mounted = disk.mount(&disk.own_place())?;
        mounted.files = Some(disk.files);
        Some(mounted)
    }

    /// A tmpfs over a directory, of at most so many bytes as mount(8) writes them.
    pub fn tmpfs(at: &Path, size: &str) -> Option<Self> {
        mount(Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "none"]), at)
    }

    /// A directory at another place too.
    pub fn bind(from: &Path, at: &Path) -> Option<Self> {
        mount(Command::new("mount").arg("--bind").arg(from), at)
    }

    /// An overlay: `lower` is read, `upper` (with `work` beside it) is written to.
    pub fn overlay(lower: &Path, upper: &Path, work: &Path, at: &Path) -> Option<Self> {
        let (lower, upper, work) = (lower.display(), upper.display(), work.display());
        let layers = format!("lowerdir={lower},upperdir={upper},workdir={work}");
        mount(Command::new("mount").args(["-t", "overlay", "overlay", "-o", &layers]), at)
    }

    /// What a program of the test's own has mounted.
    pub fn by_other_means(at: &Path) -> Self {
        Self { at: at.to_owned(), is_mounted: true, files: None }
    }

    /// A directory at another place, through FUSE.
    pub fn bindfs(from: &Path, at: &Path) -> Option<Self> {
        mount(Command::new("bindfs").arg(from), at)
    }
}

impl Mounted {
    /// Unmounts it, as a user does.
    #[track_caller]
    pub fn unmount(self) {
        until("it is not in use", || {
            let _turn = turns::starting();
            succeeds(Command::new("umount").arg(&self.at)).then_some(())
        });
        let mut gone = self;
        gone.is_mounted = false;
    }

    /// Takes it from its place, while somebody uses it.
    #[track_caller]
    pub fn unmount_lazily(mut self) {
        let turn = turns::starting();
        assert!(succeeds(Command::new("umount").arg("-l").arg(&self.at)), "{}", self.at.display());
        drop(turn);
        self.is_mounted = false;
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if !self.is_mounted {
            return;
        }
        let _turn = turns::starting();
        for _ in 0..ATTEMPTS_MAX {
            if succeeds(Command::new("umount").arg(&self.at)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        // Some process still has it open. The name is free at once, the filesystem once it is closed.
        if !succeeds(Command::new("umount").arg("-l").arg(&self.at)) {
            say(&format!("{} stays mounted", self.at.display()));
        }
    }
}

fn mount(command: &mut Command, at: &Path) -> Option<Mounted> {
    // SAFETY: no pointers.
    if unsafe { libc::geteuid() } != 0 {
        return skipped("only root mounts filesystems");
    }
    done(command.arg(at))?;
    Some(Mounted { at: at.to_owned(), is_mounted: true, files: None })
}

/// Runs a program that a test cannot do without.
pub fn done(command: &mut Command) -> Option<()> {
    let turn = turns::starting();
    let output = command.output();
    drop(turn);
    match output {
        Ok(Output { status, .. }) if status.success() => Some(()),
        Ok(Output { stderr, .. }) => skipped(&format!("{command:?}: {}", String::from_utf8_lossy(&stderr).trim())),
        Err(error) => skipped(&format!("{}: {error}", command.get_program().to_string_lossy())),
    }
}

fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// Says that the rest of a test is left out, and why.
pub fn skipped<T>(why: &str) -> Option<T> {
    static SKIPPED: AtomicU32 = AtomicU32::new(0);
    let count = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
    say(&format!("SKIPPED ({count} so far): {why}"));
    None
}

/// A line on stderr, past the capture of the test harness.
fn say(line: &str) {
    let test = std::thread::current();
    writeln!(std::io::stderr(), "{}: {line}", test.name().unwrap_or("a test")).expect("stderr");
}
