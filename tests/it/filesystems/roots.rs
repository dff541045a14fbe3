//! Stores on disks that come and go, as their users see them: what is reported of a store that is unmounted, replaced,
//! covered or emptied while the daemon runs, and what its status says meanwhile.

mod containers;
mod deletions;
mod disks;
mod inside;
mod links;
mod network;
mod places;
mod small_inodes;
mod subvolumes;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::mounted::{Disk, Mounted};
use crate::commands::ringback;
use crate::daemon::{Daemon, Place};
use crate::sink::{Sink, Told, sorted};

/// A store of one mount, `/`, with its daemon and a subscriber to all of it.
struct Rig {
    sink: Sink,
    place: Place,
    daemon: Option<Daemon>,
    /// How much of what was reported has been looked at.
    seen: usize,
}

impl Rig {
    /// An empty store, which no daemon watches yet. `options` are keys of its `[[mount]]`.
    fn new(options: &str) -> Self {
        let sink = Sink::new();
        let place = Place::new(&sink.rule_all());
        let mut rig = Self { sink, place, daemon: None, seen: 0 };
        rig.configure(options);
        rig
    }

    /// Has the next start find the store where it is now, with these keys.
    fn configure(&mut self, options: &str) {
        let dir = self.place.store.display();
        let text = format!("[[mount]]\npath = '/'\ndir = '{dir}'\n{options}\n");
        let file = self.place.rules.with_file_name("ringback.toml");
        fs::write(&file, text).expect("a configuration");
        self.place.config = Some(file);
    }

    /// A new directory beside the store.
    fn dir(&self, name: &str) -> PathBuf {
        let dir = self.place.store.with_file_name(name);
        fs::create_dir(&dir).expect("a directory");
        dir
    }

    fn start(&mut self) {
        self.daemon = Some(self.place.start());
    }

    fn daemon(&self) -> &Daemon {
        self.daemon.as_ref().expect("it runs")
    }

    #[track_caller]
    fn stop(&mut self) {
        assert_eq!(self.daemon.take().expect("it runs").stop().code(), Some(0));
    }

    /// Writes files of the store, each with its own path as content.
    fn write_all(&self, paths: &[&str]) {
        for path in paths {
            self.place.write(path, path);
        }
    }

    fn remove(&self, path: &str) {
        fs::remove_file(self.place.at(path)).expect("it is there");
    }

    /// Waits until these were reported (sorted lines), without a sync; then that nothing else was, which needs one.
    #[track_caller]
    fn reported(&mut self, lines: &[&str]) -> Vec<Told> {
        let seen = self.seen;
        let new =
            |told: &[Told]| told.iter().filter(|one| !one.path.contains("/marker-")).skip(seen).cloned().collect();
        self.sink.wait(&format!("{lines:?}"), |told| {
            let new = sorted(&Vec::from_iter::<Vec<Told>>(new(told)));
            lines.iter().all(|line| new.iter().any(|one| one == line))
        });
        self.all_reported(lines)
    }

    /// Nothing but these was reported, of all that was done before.
    #[track_caller]
    fn all_reported(&mut self, lines: &[&str]) -> Vec<Told> {
        let told = self.daemon().settled(&self.place, &self.sink, "/");
        let new = told[self.seen..].to_vec();
        self.seen = told.len();
        assert_eq!(sorted(&new), lines, "{}", self.daemon().log());
        new
    }

    /// How many markers were reported.
    fn marks(&self) -> usize {
        self.sink.told().iter().filter(|one| one.path.contains("/marker-")).count()
    }

    /// Waits until the mount is in a state whose reason has these words.
    #[track_caller]
    fn is(&self, state: &str, words: &str) -> Value {
        let wanted = |status: &Value| {
            let mount = &status["mounts"][0];
            mount["state"] == state && mount["reason"].as_str().unwrap_or_default().contains(words)
        };
        self.daemon().status_until(&format!("it is {state}: {words}"), wanted)
    }

    /// Waits until the mount is watched, and nothing is to be said of it.
    #[track_caller]
    fn is_well(&self) {
        self.daemon().status_until("it is well", |status| {
            let mount = &status["mounts"][0];
            mount["state"] == "watching" && mount.get("reason").is_none() && mount.get("notes").is_none()
        });
    }

    /// Waits until these places are the ones that a note is about.
    #[track_caller]
    fn notes(&self, notes: &[(&str, &str)]) {
        let notes: Vec<_> = notes.iter().map(|(path, why)| json!({"path": path, "why": why})).collect();
        self.daemon().status_until(&format!("{notes:?}"), |status| status["mounts"][0]["notes"] == json!(notes));
    }

    /// Runs `ringback rescan` with a flag, as the status says.
    #[track_caller]
    fn rescan(&self, flag: &str, path: &str) {
        let (code, text) = ringback(&self.place, self.daemon(), &["rescan", flag, path]);
        assert_eq!(code, Some(0), "{text}");
    }
}

/// Works on a disk while it is not mounted at the store.
fn elsewhere(disk: &Disk, work: impl FnOnce(&Path)) {
    let mounted = disk.mount(&disk.own_place()).expect("it was mounted before");
    work(&disk.own_place());
    mounted.unmount();
}

/// Mounts what was mounted before.
#[track_caller]
fn again(mounted: Option<Mounted>) -> Mounted {
    mounted.expect("it was mounted before")
}
