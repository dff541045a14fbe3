//! What kind of start this is: what the log begins with, and what it says once the start scan is done.

use std::io;
use std::path::Path;

use crate::model::counted::counted;
use crate::model::mount::{FirstScan, Mount};
use crate::model::status::{MountState, Status};
use crate::model::time::Wall;
use crate::store::last_written;

/// What kind of start this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// The state directory holds no ledger.
    First,
    /// There is a ledger, last written then.
    Again(Wall),
}

impl Beginning {
    /// That of a daemon which is going to open this state directory.
    ///
    /// # Errors
    /// The system refuses to say what is there.
    pub fn of(state: &Path) -> io::Result<Self> {
        Ok(last_written(state)?.map_or(Self::First, |time| Self::Again(Wall::of(time))))
    }

    /// What is going to be done with what lies in the mounts.
    #[must_use]
    pub fn announced(self, mounts: &[Mount]) -> String {
        match (self, &told(mounts)[..]) {
            (Self::Again(since), _) => format!("goes on from {since}: what changed since then is told"),
            (Self::First, []) => "first start: the files that are there are filed, and none is told".to_owned(),
            (Self::First, told) => {
                format!("first start: the files that are there are filed, and those of {} told", told.join(", "))
            }
        }
    }

    /// What came of the start scan.
    #[must_use]
    pub fn done(self, mounts: &[Mount], status: &Status) -> String {
        let (offline, seen): (Vec<_>, Vec<_>) =
            status.mounts.iter().partition(|mount| mount.state == MountState::Offline);
        let mut text = match (self, &told(mounts)[..]) {
            (Self::Again(since), _) => {
                let changes = seen.iter().filter_map(|mount| mount.last_scan.as_ref()).map(|scan| scan.changes).sum();
                format!("went on from {since}: {} while down", counted(changes, "change"))
            }
            (Self::First, told) => {
                let files = counted(seen.iter().map(|mount| mount.assets).sum(), "file");
                let told = if told.is_empty() { "none".to_owned() } else { format!("those of {}", told.join(", ")) };
                format!("first start: {files} filed, {told} told")
            }
        };
        if !offline.is_empty() {
            let paths: Vec<_> = offline.iter().map(|mount| mount.path.as_str()).collect();
            text.push_str(&format!("; not looked at, because offline: {}", paths.join(", ")));
        }
        text
    }
}

/// The mounts whose files are told when they are first found.
fn told(mounts: &[Mount]) -> Vec<String> {
    let told = mounts.iter().filter(|mount| mount.first_scan == FirstScan::Report);
    told.map(|mount| mount.path.to_string()).collect()
}
