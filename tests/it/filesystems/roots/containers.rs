//! A daemon in a mount namespace of its own, as in a container: its store is a volume of the host, which the host may
//! remove.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::super::mounted::done;
use super::Rig;
use crate::sink::view;

/// Has the daemon start in a mount namespace in which the store is a directory of the host. The disks of other tests
/// are unmounted there: they would stay in use for as long as the namespace lives.
fn contained(rig: &mut Rig, volume: &Path) -> Option<()> {
    done(Command::new("unshare").args(["--mount", "--", "true"]))?;
    let (volume, store) = (volume.display(), rig.place.store.display());
    let others = "for at in $(cut -d ' ' -f 2 /proc/mounts | grep /ringback-it-); do umount -l $at; done 2>/dev/null";
    let script = format!("{others}; mount --bind '{volume}' '{store}' && exec \"$@\"");
    let words = ["unshare", "--mount", "--propagation", "slave", "--", "sh", "-c", &script, "sh"];
    rig.place.through = words.map(str::to_owned).to_vec();
    Some(())
}

/// Runs a program in the container.
#[track_caller]
fn inside(rig: &Rig, program: &str, words: &[&OsStr]) {
    let pid = rig.daemon().pid().to_string();
    let ran = done(Command::new("nsenter").args(["--target", &pid, "--mount", "--", program]).args(words));
    assert!(ran.is_some(), "{program} {words:?}");
}

/// Markers go where the container sees them: the store's own directory on the host is another one.
fn write(volume: &Path, names: &[&str]) {
    for name in names {
        fs::write(volume.join(name), name).expect("written");
    }
}

#[test]
fn a_volume_that_is_removed_on_the_host_is_offline_until_it_is_mounted_again() {
    let mut rig = Rig::new("");
    let volume = rig.dir("volume");
    let Some(()) = contained(&mut rig, &volume) else { return };
    write(&volume, &["kept.mov"]);
    rig.start();
    let names = ["a.mov", "b.mov", "c.mov"];
    write(&volume, &names);
    for name in names {
        rig.sink.wait_line(&format!("added /{name}"));
    }
    let before = view(&rig.sink.told());
    // The volume is moved out of the way, and what the container has is the directory that is moved.
    let moved = volume.with_file_name("moved");
    fs::rename(&volume, &moved).expect("renamed");
    fs::create_dir(&volume).expect("a directory");
    write(&moved, &["d.mov"]);
    rig.sink.wait_line("added /d.mov");
    // It is removed, after its files were saved. What was removed of them before the directory was may be reported.
    for name in ["kept.mov", "a.mov", "b.mov", "c.mov", "d.mov"] {
        fs::copy(moved.join(name), volume.join(name)).expect("copied");
    }
    fs::remove_dir_all(&moved).expect("removed");
    rig.is("offline", "was removed where it comes from");
    let reported = view(&rig.sink.told());
    // The host's directory of that name is mounted anew.
    let store = rig.place.store.clone();
    inside(&rig, "umount", &[store.as_os_str()]);
    inside(&rig, "mount", &[OsStr::new("--bind"), volume.as_os_str(), store.as_os_str()]);
    let is_back = |rig: &Rig| {
        rig.sink.wait("the store as it is", |told| {
            ["/a.mov", "/b.mov", "/c.mov", "/d.mov"].iter().all(|path| view(told).contains_key(*path))
        });
    };
    if reported.len() < 4 {
        // More than half was reported as deleted, before the directory was: what is left may be too few to believe.
        rig.rescan("--accept-root", "/");
    }
    rig.daemon().status_until("it is back", |status| status["mounts"][0]["state"] == "watching");
    is_back(&rig);
    write(&volume, &["e.mov"]);
    rig.sink.wait_line("added /e.mov");
    let after = view(&rig.sink.told());
    for (path, id) in reported.iter().filter(|(path, _)| before.contains_key(*path)) {
        assert_eq!(after[path], *id, "{path}: what was not reported as deleted is the same asset");
    }
    rig.stop();
}

#[test]
fn a_volume_that_is_unmounted_in_its_container_is_offline() {
    let mut rig = Rig::new("");
    let volume = rig.dir("volume");
    let Some(()) = contained(&mut rig, &volume) else { return };
    rig.start();
    // One after the other: two files that are written at once may be looked at in either order.
    for name in ["a.mov", "b.mov"] {
        write(&volume, &[name]);
        rig.sink.wait_line(&format!("added /{name}"));
    }
    let store = rig.place.store.clone();
    inside(&rig, "umount", &[OsStr::new("--lazy"), store.as_os_str()]);
    rig.is("offline", "0 are there");
    rig.write_all(&["/stray.mov"]);
    rig.is("offline", "another directory than before: of 2 known files");
    write(&volume, &["c.mov"]);
    inside(&rig, "mount", &[OsStr::new("--bind"), volume.as_os_str(), store.as_os_str()]);
    rig.is_well();
    rig.sink.wait_line("added /c.mov");
    write(&volume, &["d.mov"]);
    rig.sink.wait_line("added /d.mov");
    let told: Vec<_> = rig.sink.told().iter().map(crate::sink::Told::line).collect();
    assert_eq!(told, ["added /a.mov", "added /b.mov", "added /c.mov", "added /d.mov"]);
    rig.stop();
}
