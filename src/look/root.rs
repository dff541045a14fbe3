//! Looks at a mount's root: is it there, which one is it, has it anything in it.

use super::disk::{Disk, Kind};
use super::fault::{explain, is_absence};
use crate::model::ids::MountId;
use crate::model::look::RootSeen;
use crate::model::mount::Mount;
use crate::watch::{Mounting, WatchSource};

/// Looks at a mount's root. Asked every second or two, so it reads no more of the directory than its first entry.
/// Where it is a directory the source takes the mount up, before anything below is watched or listed.
pub fn root(disk: &dyn Disk, source: &dyn WatchSource, mount: &Mount, id: MountId) -> RootSeen {
    let dir = mount.dir.as_path();
    let unusable = |error: &std::io::Error| {
        if is_absence(error) { RootSeen::Missing } else { RootSeen::Unusable(explain("look at", dir, error)) }
    };
    let stat = match disk.stat(dir) {
        Ok(stat) => stat,
        Err(error) => return unusable(&error),
    };
    match stat.kind {
        Kind::Directory => match disk.is_empty(dir) {
            Ok(empty) => {
                let (identity, number) = (stat.identity, disk.mounting(dir, mount.cross_filesystems));
                match source.take_up(id, dir, Mounting { volume: identity.volume, number }) {
                    Ok(watching) => RootSeen::Directory { identity, mounting: number, empty, watching },
                    Err(error) => RootSeen::Unusable(format!("{} cannot be watched: {error}", dir.display())),
                }
            }
            Err(error) => unusable(&error),
        },
        Kind::File => RootSeen::Unusable(format!("{} is a file; a mount needs a directory", dir.display())),
        Kind::Other => RootSeen::Unusable(format!(
            "{} is a symbolic link or a special file; a mount needs the directory itself",
            dir.display()
        )),
    }
}
