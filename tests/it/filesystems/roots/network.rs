//! A store behind FUSE, as network filesystems are: it is polled, its inodes do not last, and its server may go away.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::super::mounted::{Mounted, done};
use super::Rig;
use crate::daemon::until;
use crate::turns;

/// bindfs(1) that shows a directory at another place, and can be killed.
struct Server {
    process: Child,
    mounted: Option<Mounted>,
}

impl Server {
    fn start(from: &Path, at: &Path) -> Option<Self> {
        // Known to work here.
        done(Command::new("bindfs").arg("--version"))?;
        let turn = turns::starting();
        let mut command = Command::new("bindfs");
        let process = command.arg("-f").arg(from).arg(at).stdin(Stdio::null()).stderr(Stdio::null()).spawn();
        drop(turn);
        let mut server = Self { process: process.expect("bindfs starts"), mounted: None };
        let is_mounted = until("it is mounted, or cannot be", || {
            let table = fs::read_to_string("/proc/self/mountinfo").expect("Linux has it");
            let is_mounted = table.lines().any(|line| line.split(' ').nth(4) == at.to_str());
            let has_ended = server.process.try_wait().expect("a child of ours").is_some();
            (is_mounted || has_ended).then_some(is_mounted)
        });
        server.mounted = is_mounted.then(|| Mounted::by_other_means(at));
        server.mounted.is_some().then_some(server)
    }

    /// As a server that is gone: what is open there fails.
    fn kill(&mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("a child of ours");
    }

    #[track_caller]
    fn unmount(mut self) {
        self.mounted.take().expect("it is mounted").unmount();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.mounted.take());
        // It ends with its mount; what fails to is ended.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[test]
fn a_store_whose_server_goes_away_is_offline_until_it_is_back() {
    let mut rig = Rig::new("poll_interval = '300ms'");
    let from = rig.dir("from");
    let Some(mut server) = Server::start(&from, &rig.place.store) else { return };
    rig.start();
    rig.write_all(&["/a.mov", "/d/b.mov", "/d/c.mov"]);
    rig.reported(&["added /a.mov", "added /d/b.mov", "added /d/c.mov"]);
    assert_eq!(rig.daemon().status()["mounts"][0]["source"], "poll");
    fs::rename(rig.place.at("/a.mov"), rig.place.at("/d/moved.mov")).expect("renamed");
    rig.reported(&["added /d/moved.mov", "deleted /a.mov"]);
    // Killed: the mount is there, and nothing in it can be reached.
    server.kill();
    rig.is("offline", "Transport endpoint is not connected");
    server.unmount();
    rig.is("offline", "suddenly empty");
    rig.write_all(&["/stray.mov"]);
    rig.is("offline", "0 are there");
    // FUSE 2 mounts over empty directories only.
    rig.remove("/stray.mov");
    // A rename and a change meanwhile.
    fs::rename(from.join("d/b.mov"), from.join("b.mov")).expect("renamed");
    fs::write(from.join("d/c.mov"), "changed, and longer").expect("written");
    let Some(server) = Server::start(&from, &rig.place.store) else { panic!("it was mounted before") };
    rig.is_well();
    rig.reported(&["added /b.mov", "deleted /d/b.mov", "modified /d/c.mov"]);
    // Unmounted in order, and the daemon starts meanwhile.
    server.unmount();
    rig.is("offline", "0 are there");
    rig.stop();
    rig.start();
    rig.is("offline", "0 are there");
    let Some(server) = Server::start(&from, &rig.place.store) else { panic!("it was mounted before") };
    rig.is_well();
    rig.write_all(&["/later.mov"]);
    rig.reported(&["added /later.mov"]);
    rig.stop();
    server.unmount();
}

/// Files that somebody else removes, over there.
#[test]
fn a_store_behind_fuse_that_somebody_else_writes_to_is_polled() {
    let mut rig = Rig::new("poll_interval = '300ms'");
    let from = rig.dir("from");
    let Some(server) = Server::start(&from, &rig.place.store) else { return };
    rig.start();
    fs::create_dir_all(from.join("d/e")).expect("a directory");
    fs::write(from.join("d/e/a.mov"), "one").expect("written");
    rig.reported(&["added /d/e/a.mov"]);
    fs::rename(from.join("d/e"), from.join("f")).expect("renamed");
    rig.reported(&["added /f/a.mov", "deleted /d/e/a.mov"]);
    fs::set_permissions(from.join("f/a.mov"), fs::Permissions::from_mode(0o600)).expect("changed");
    fs::remove_dir_all(from.join("d")).expect("removed");
    rig.all_reported(&[]);
    rig.stop();
    server.unmount();
}
