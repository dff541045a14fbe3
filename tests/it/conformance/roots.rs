//! Mounts whose root comes and goes, and filesystems mounted in and over them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Rig;
use crate::sink::{lines, view};
use crate::turns;

pub fn removed_and_made_again(rig: &Rig) {
    rig.write("/d/1", "one");
    rig.expect(&["added /d/1"]);
    for round in 0..3 {
        fs::remove_dir_all(&rig.place.store).expect("removed");
        rig.write(&format!("/d/new-{round}"), "one");
        rig.sink.wait_line(&format!("added /d/new-{round}"));
    }
    // What went with an earlier root is reported by the scan of the new one, which the new file may come before.
    rig.sink.wait("only the last one lives", |told| view(told).into_keys().eq(["/d/new-2"]));
    rig.told();
    rig.write("/d/new-2", "changed");
    rig.expect(&["modified /d/new-2"]);
}

pub fn moved_away_and_back(rig: &Rig) {
    for name in ["/stays", "/d/goes", "/d/grows"] {
        rig.write(name, "one");
    }
    assert_eq!(rig.told().len(), 3);
    let away = rig.place.store.with_file_name("away");
    fs::rename(&rig.place.store, &away).expect("renamed");
    let is_offline = |status: &serde_json::Value| status["mounts"][0]["state"] == "offline";
    rig.daemon().status_until("it is offline", is_offline);
    let turn = turns::writing();
    fs::write(away.join("d/grows"), "one and more").expect("written");
    fs::write(away.join("d/new"), "one").expect("written");
    drop(turn);
    fs::remove_file(away.join("d/goes")).expect("removed");
    assert_eq!(rig.daemon().sync()["offline"], serde_json::json!(["/"]));
    fs::rename(&away, &rig.place.store).expect("renamed");
    rig.daemon().status_until("it is back", |status| !is_offline(status));
    rig.expect(&["added /d/new", "deleted /d/goes", "modified /d/grows"]);
    rig.write("/d/later", "one");
    rig.expect(&["added /d/later"]);
}

pub fn missing_at_the_start(rig: &Rig) {
    rig.stop();
    fs::remove_dir_all(&rig.place.store).expect("removed");
    rig.start_unready();
    rig.daemon().status_until("it is offline", |status| status["mounts"][0]["state"] == "offline");
    rig.write("/d/deep/1", "one");
    rig.sink.wait_line("added /d/deep/1");
    rig.expect(&["added /d/deep/1"]);
    rig.write("/d/deep/2", "one");
    rig.expect(&["added /d/deep/2"]);
}

/// A tmpfs for as long as it lives. None without the privilege.
pub struct Tmpfs(PathBuf);

impl Tmpfs {
    pub fn mount(at: &Path) -> Option<Self> {
        // SAFETY: no pointers.
        if unsafe { libc::geteuid() } != 0 {
            eprintln!("SKIPPED: only root mounts filesystems");
            return None;
        }
        let _turn = turns::starting();
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", "size=16m", "none"]).arg(at).status();
        match done {
            Ok(status) if status.success() => Some(Self(at.to_owned())),
            other => {
                eprintln!("SKIPPED: a tmpfs cannot be mounted here: {other:?}");
                None
            }
        }
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _turn = turns::starting();
        // At once where nobody has it open, and once nobody has otherwise.
        for flags in [&[][..], &["-l"]] {
            if Command::new("umount").args(flags).arg(&self.0).status().is_ok_and(|status| status.success()) {
                return;
            }
        }
        eprintln!("{} stays mounted", self.0.display());
    }
}

pub fn a_filesystem_mounted_below_hides_what_is_there(rig: &Rig) {
    for name in ["/d/1", "/d/deep/2", "/beside"] {
        rig.write(name, "one");
    }
    assert_eq!(rig.told().len(), 3);
    let Some(tmpfs) = Tmpfs::mount(&rig.at("/d")) else { return };
    rig.write("/d/on-the-tmpfs", "one");
    rig.write("/beside", "changed");
    rig.expect(&["modified /beside"]);
    // Neither a restart nor a scan takes what is hidden for gone.
    rig.kill();
    rig.start();
    rig.expect(&[]);
    drop(tmpfs);
    rig.write("/d/1", "changed");
    rig.sink.wait_line("modified /d/1");
    rig.expect(&["modified /d/1"]);
}

pub fn a_filesystem_below_that_is_entered(rig: &Rig) {
    rig.stop();
    let config = rig.place.config.as_ref().expect("a configuration");
    let text = fs::read_to_string(config).expect("readable");
    fs::write(config, format!("{text}cross_filesystems = true\nverify = '0s'\n")).expect("written");
    fs::create_dir(rig.at("/sub")).expect("a directory");
    rig.start();
    rig.expect(&[]);
    let Some(tmpfs) = Tmpfs::mount(&rig.at("/sub")) else { return };
    rig.write("/sub/d/1", "one");
    rig.sink.wait_line("added /sub/d/1");
    rig.write("/sub/d/2", "two");
    rig.expect(&["added /sub/d/1", "added /sub/d/2"]);
    // Unmounted, its files are offline with it, and another one in its place is not it.
    drop(tmpfs);
    let reason = |status: &serde_json::Value| status["mounts"][0]["reason"].as_str().unwrap_or_default().to_owned();
    let status = rig.daemon().status_until("it is offline", |status| reason(status).contains("offline with it"));
    assert_eq!(status["mounts"][0]["notes"], serde_json::json!([{"path": "/sub", "why": "filesystem"}]));
    let tmpfs = Tmpfs::mount(&rig.at("/sub")).expect("it was mounted before");
    rig.write("/sub/d/1", "another file");
    rig.daemon().status_until("another one", |status| reason(status).contains("another filesystem than the known one"));
    rig.expect(&[]);
    // Until an operator says that it is.
    let accept = br#"{"path": "/sub", "acceptRoot": true, "wait": true}"#;
    let answer = rig.daemon().call("POST /v1/rescan", &[("Content-Type", "application/json")], accept);
    assert_eq!(answer.status, 200, "{answer:?}");
    rig.sink.wait("the second file is gone", |told| told.iter().any(|one| one.line() == "deleted /sub/d/2"));
    rig.write("/sub/e/3", "three");
    rig.sink.wait_line("added /sub/e/3");
    rig.told();
    rig.write("/sub/e/3", "three, and watched");
    rig.expect(&["modified /sub/e/3"]);
    rig.kill();
    drop(tmpfs);
}

/// An xfs in a file, mounted. None where that cannot be had. Its id is the number of its device, unless one asks for
/// more.
struct Disk {
    device: String,
    at: PathBuf,
}

impl Disk {
    fn make(image: &Path) -> bool {
        let size = fs::File::create(image).and_then(|file| file.set_len(320 << 20));
        let made = size.is_ok() && succeeds(Command::new("mkfs.xfs").arg("-q").arg(image));
        if !made {
            eprintln!("SKIPPED: an xfs needs root and mkfs.xfs (apt-get install xfsprogs)");
        }
        made
    }

    fn mount(image: &Path, at: &Path) -> Option<Self> {
        let turn = turns::starting();
        let looped = Command::new("losetup").args(["--find", "--show"]).arg(image).output().ok()?;
        if !looped.status.success() {
            eprintln!("SKIPPED: no loop devices here: {}", String::from_utf8_lossy(&looped.stderr));
            return None;
        }
        let device = String::from_utf8_lossy(&looped.stdout).trim().to_owned();
        let mut disk = Self { device, at: PathBuf::new() };
        let is_mounted = succeeds(Command::new("mount").arg(&disk.device).arg(at));
        // Before the disk is dropped, which takes a turn of its own.
        drop(turn);
        if !is_mounted {
            eprintln!("SKIPPED: an xfs cannot be mounted here");
            return None;
        }
        at.clone_into(&mut disk.at);
        Some(disk)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _turn = turns::starting();
        if !self.at.as_os_str().is_empty() && !succeeds(Command::new("umount").arg(&self.at)) {
            succeeds(Command::new("umount").arg("-l").arg(&self.at));
        }
        succeeds(Command::new("losetup").args(["--detach", &self.device]));
    }
}

/// Whether a program ends well; it says itself why not.
fn succeeds(command: &mut Command) -> bool {
    command.status().is_ok_and(|status| status.success())
}

pub fn a_disk_that_comes_back_under_another_number(rig: &Rig) {
    rig.stop();
    let image = rig.place.store.with_file_name("disk");
    let turn = turns::starting();
    let made = Disk::make(&image);
    drop(turn);
    if !made {
        return rig.start();
    }
    let Some(disk) = Disk::mount(&image, &rig.place.store) else { return rig.start() };
    rig.start();
    rig.told();
    for name in ["/d/1", "/d/2", "/moves"] {
        rig.write(name, "one");
    }
    let before = view(&rig.told());
    rig.stop();
    drop(disk);
    // Somebody else has its device now.
    let other = rig.place.store.with_file_name("other-disk");
    let in_the_way = rig.place.store.with_file_name("in-the-way");
    fs::create_dir(&in_the_way).expect("a directory");
    let turn = turns::starting();
    let made = Disk::make(&other);
    drop(turn);
    assert!(made, "it was made before");
    let _first = Disk::mount(&other, &in_the_way).expect("it was mounted before");
    let disk = Disk::mount(&image, &rig.place.store).expect("it was mounted before");
    rig.rename("/moves", "/moved");
    rig.start();
    let told = rig.expect(&["added /moved", "deleted /moves"]);
    assert_eq!(view(&told)["/moved"], before["/moves"], "inodes count for what they did before");
    rig.write("/d/1", "changed");
    rig.expect(&["modified /d/1"]);
    rig.kill();
    drop(disk);
}

pub fn a_filesystem_that_is_unmounted_and_comes_back_empty(rig: &Rig) {
    // The store itself is on a filesystem of its own.
    rig.stop();
    let Some(tmpfs) = Tmpfs::mount(&rig.place.store) else { return rig.start() };
    rig.start();
    rig.told();
    rig.write("/d/1", "one");
    rig.expect(&["added /d/1"]);
    drop(tmpfs);
    // What is below the mount point is an empty directory on another device.
    let reason = |status: &serde_json::Value| status["mounts"][0]["reason"].as_str().unwrap_or_default().to_owned();
    let status = rig.daemon().status_until("it is offline", |status| status["mounts"][0]["state"] == "offline");
    assert!(reason(&status).contains("suddenly empty"), "{status:#}");
    let Some(tmpfs) = Tmpfs::mount(&rig.place.store) else { return };
    let status = rig.daemon().status_until("it is offline still", |s| s["mounts"][0]["state"] == "offline");
    assert!(reason(&status).contains("suddenly empty"), "{status:#}");
    assert_eq!(rig.daemon().sync()["offline"], serde_json::json!(["/"]));
    assert!(!lines(&rig.sink.told()).contains(&"deleted /d/1".to_owned()));
    rig.kill();
    drop(tmpfs);
}
