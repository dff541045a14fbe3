//! Looks at a mount's root: is it there, which one is it, has it anything in it.

use std::path::Path;

use super::disk::{Disk, Kind};
use super::fault::{explain, is_absence};
use crate::model::look::RootSeen;

/// Looks at a mount's root. Asked every second or two, so it reads no more of the directory than its first entry.
pub fn root(disk: &dyn Disk, dir: &Path) -> RootSeen {
    let unusable = |error: &std::io::Error| {
        if is_absence(error) { RootSeen::Missing } else { RootSeen::Unusable(explain("look at", dir, error)) }
    };
    let stat = match disk.stat(dir) {
        Ok(stat) => stat,
        Err(error) => return unusable(&error),
    };
    match stat.kind {
        Kind::Directory => match disk.is_empty(dir) {
            Ok(empty) => RootSeen::Directory { identity: stat.identity, mounting: disk.mounting(dir), empty },
            Err(error) => unusable(&error),
        },
        Kind::File => RootSeen::Unusable(format!("{} is a file; a mount needs a directory", dir.display())),
        Kind::Other => RootSeen::Unusable(format!(
            "{} is a symbolic link or a special file; a mount needs the directory itself",
            dir.display()
        )),
    }
}
