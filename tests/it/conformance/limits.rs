//! What cannot be watched or read.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::process::Command;

use super::Rig;
use crate::daemon::until;
use crate::turns;

/// Runs a short program.
fn output(words: &[&str]) -> Option<String> {
    let _turn = turns::starting();
    let out = Command::new(words[0]).args(&words[1..]).output().ok()?;
    out.status.success().then(|| String::from_utf8_lossy(&out.stdout).into_owned())
}

/// The limit is lowered in a user namespace of the daemon's own, so that nobody else on the machine meets it.
pub fn the_limit_of_watches(rig: &Rig) {
    const LIMIT: &str = "/proc/sys/user/max_inotify_watches";
    if rig.source == "fanotify" || rig.source == "poll" {
        // They have no watches of their own that could run out.
        return;
    }
    let low = format!("echo 12 > {LIMIT} && exec \"$0\" \"$@\"");
    if output(&["unshare", "-Ur", "sh", "-c", &format!("echo 12 > {LIMIT}")]).is_none() {
        eprintln!("SKIPPED: no user namespaces here");
        return;
    }
    for n in 0..30 {
        rig.write(&format!("/{n}/sub/1"), "one");
    }
    rig.told();
    rig.stop();
    let mut rig = Rig { source: rig.source, ..moved(rig) };
    rig.place.through = ["unshare", "-Ur", "sh", "-c", &low].map(str::to_owned).into();
    rig.start();
    let status = rig.daemon().status_until("it is degraded", |s| s["mounts"][0]["state"] == "degraded");
    let reason = status["mounts"][0]["reason"].as_str().expect("a reason");
    assert!(reason.contains("fs.inotify.max_user_watches"), "{reason}");
    assert!(!reason.contains("No space left"), "{reason}");
    // What is not watched is polled, new directories included.
    for n in 0..30 {
        rig.write(&format!("/{n}/sub/1"), "changed");
        rig.write(&format!("/{n}/new/2"), "one");
    }
    for n in 0..30 {
        rig.sink.wait_line(&format!("modified /{n}/sub/1"));
        rig.sink.wait_line(&format!("added /{n}/new/2"));
    }
    // Once the limit is raised it is as it should be.
    let pid = rig.daemon().pid().to_string();
    let raise = format!("echo 100000 > {LIMIT}");
    assert!(output(&["nsenter", "-U", "--preserve-credentials", "-t", &pid, "sh", "-c", &raise]).is_some());
    rig.daemon().status_until("it is watched again", |s| s["mounts"][0]["state"] == "watching");
    rig.write("/7/new/3", "one");
    rig.sink.wait_line("added /7/new/3");
    rig.told();
    rig.stop();
}

/// A rig over the same store, with a daemon yet to be started.
pub fn moved(rig: &Rig) -> Rig {
    let sink = crate::sink::Sink::new();
    let mut place = crate::daemon::Place::new(&sink.rule_all());
    place.store.clone_from(&rig.place.store);
    let source = rig.source;
    place
        .configure(&format!("[[mount]]\npath = '/'\ndir = '{{store}}'\nwatch = '{source}'\npoll_interval = '300ms'\n"));
    Rig { source, place, sink, daemon: Default::default(), seen: Default::default() }
}

/// Run as nobody, who may not read everything.
pub fn an_unreadable_directory(rig: &Rig) {
    const NOBODY: u32 = 65_534;
    // SAFETY: no pointers.
    if unsafe { libc::geteuid() } != 0 {
        eprintln!("SKIPPED: only root becomes somebody else");
        return;
    }
    if rig.source == "fanotify" {
        // It needs privileges, and whoever has them reads everything.
        return;
    }
    let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];
    if output(&[&nobody[..], &[env!("CARGO_BIN_EXE_ringback"), "--version"]].concat()).is_none() {
        eprintln!("SKIPPED: nobody may not run {}", env!("CARGO_BIN_EXE_ringback"));
        return;
    }
    for name in ["/open/1", "/closed/2", "/closed/deep/3"] {
        rig.write(name, "one");
    }
    rig.told();
    rig.stop();
    let mut rig = Rig { source: rig.source, ..moved(rig) };
    rig.place.through = nobody.map(str::to_owned).into();
    let places = [rig.place.rules.parent().expect("a parent"), rig.place.store.parent().expect("a parent")];
    for place in places {
        give_away(place, NOBODY);
    }
    rig.start();
    rig.told();
    let mode = |mode: u32| {
        fs::set_permissions(rig.at("/closed"), fs::Permissions::from_mode(mode)).expect("chmod");
    };
    chown(rig.at("/closed"), Some(0), Some(0)).expect("chown");
    mode(0o700);
    rig.write("/open/1", "changed");
    let status = rig.daemon().status_until("a fault is shown", |s| s["mounts"][0]["state"] == "degraded");
    let reason = status["mounts"][0]["reason"].as_str().expect("a reason");
    assert!(reason.contains("/closed"), "{reason}");
    rig.expect(&["modified /open/1"]);
    // Neither is anything in it taken for gone after a restart.
    rig.stop();
    rig.start();
    rig.expect(&[]);
    rig.write("/closed/deep/3", "changed unseen");
    rig.write("/closed/4", "new unseen");
    rig.expect(&[]);
    mode(0o755);
    rig.sink.wait_line("modified /closed/deep/3");
    rig.sink.wait_line("added /closed/4");
    rig.expect(&["added /closed/4", "modified /closed/deep/3"]);
    until("the fault is gone", || (rig.daemon().status()["mounts"][0]["state"] == "watching").then_some(()));
    rig.stop();
}

/// Gives a tree to a user.
fn give_away(root: &Path, uid: u32) {
    for entry in walkdir::WalkDir::new(root) {
        chown(entry.expect("a readable tree").path(), Some(uid), None).expect("chown");
    }
}
