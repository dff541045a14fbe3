//! Looks at a mount's root: is it there, which one is it, what is mounted inside it, and how much of what is known does
//! it hold. Believes nothing: what follows is decided elsewhere.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use super::disk::{Disk, DiskStat, Kind, MountPoint};
use super::fault::{explain, is_absence};
use crate::model::ids::MountId;
use crate::model::root::{MountedBelow, RootDirectory, RootRequest, RootSeen, Sampled};
use crate::watch::mounts::Mounts;
use crate::watch::{Mounting, WatchSource};

/// Names that a search for the newest change looks at, at most: it is made where the filesystem's own clock is not
/// known, and must not take long.
const NEWEST_NAMES_MAX: usize = 1_000;
/// Looks at a root that is replaced in the middle of each of them, at most; the next look comes within a second.
pub(super) const REPLACED_LOOKS_MAX: usize = 3;
/// Directories that a count of files lists, at most.
const COUNTED_DIRS_MAX: usize = 1_000;

/// Looks at a mount's root. Asked every second or two, so it reads no more of the directory than its first entry,
/// unless the request has samples or wants more. Where the root is a directory the source takes the mount up, before
/// anything below is watched or listed.
pub fn root(disk: &dyn Disk, mounts: &Mounts, source: &dyn WatchSource, request: &RootRequest) -> RootSeen {
    let mount = mounts.get(request.mount);
    let dir = match disk.resolve(&mount.dir) {
        Ok(dir) => dir,
        Err(error) if is_absence(&error) => return missing(disk, &mount.dir),
        Err(error) => return RootSeen::Unusable(explain("look at", &mount.dir, &error)),
    };
    if let Err(other) = mounts.set_dir(request.mount, &dir) {
        return RootSeen::Unusable(format!("{} shows files of the mount {other} too", dir.display()));
    }
    for _ in 0..REPLACED_LOOKS_MAX {
        let stat = match disk.stat(&dir) {
            Ok(stat) => stat,
            Err(error) => return unseen(&dir, &error),
        };
        let seen = match not_a_root(&dir, &stat) {
            Some(why) => RootSeen::Unusable(why),
            None => directory(disk, mounts, source, request, &dir, &stat),
        };
        // What was found out after another directory took the root's place is not about the root.
        if disk.stat(&dir).is_ok_and(|after| after.identity == stat.identity) {
            return seen;
        }
    }
    RootSeen::Missing
}

/// Why what is at a mount's directory cannot be its root; for people.
fn not_a_root(dir: &Path, stat: &DiskStat) -> Option<String> {
    let dir = dir.display();
    match stat.kind {
        Kind::Directory if stat.links == 0 => Some(format!(
            "{dir} was removed where it comes from (it has no links); mount it again, or start ringback's container anew"
        )),
        Kind::Directory => None,
        Kind::File => Some(format!("{dir} is a file; a mount needs a directory")),
        Kind::Link => Some(format!("{dir} is a symbolic link; a mount needs a directory")),
        Kind::Other => Some(format!("{dir} is a special file; a mount needs a directory")),
    }
}

/// What an error of a look at a directory says of it.
fn unseen(dir: &Path, error: &std::io::Error) -> RootSeen {
    if is_absence(error) { RootSeen::Missing } else { RootSeen::Unusable(explain("look at", dir, error)) }
}

fn missing(disk: &dyn Disk, dir: &Path) -> RootSeen {
    match disk.stat(dir) {
        Ok(stat) if stat.kind == Kind::Link => {
            RootSeen::Unusable(format!("{} is a symbolic link to a directory that is not there", dir.display()))
        }
        _ => RootSeen::Missing,
    }
}

fn directory(
    disk: &dyn Disk,
    mounts: &Mounts,
    source: &dyn WatchSource,
    request: &RootRequest,
    dir: &Path,
    stat: &DiskStat,
) -> RootSeen {
    let empty = match disk.is_empty(dir) {
        Ok(empty) => empty,
        Err(error) => return unseen(dir, &error),
    };
    let (identity, mounting) = (stat.identity, disk.mounting(dir));
    let watching = match source.take_up(request.mount, dir, Mounting { volume: identity.volume, number: mounting }) {
        Ok(watching) => watching,
        Err(error) => return RootSeen::Unusable(format!("{} cannot be watched: {error}", dir.display())),
    };
    let own = &mounts.get(request.mount).path;
    let found = request.samples.iter().map(|(_, sample)| found(disk, mounts, request.mount, sample)).collect();
    let asked = request.samples.iter().find(|(root, _)| root == own).map(|(_, sample)| sample.len());
    RootSeen::Directory(Box::new(RootDirectory {
        identity,
        mounting,
        is_mount_root: stat.is_mount_root,
        empty,
        watching,
        handle: disk.handle(dir, &identity),
        was_removed: request.handle.as_ref().is_some_and(|handle| disk.was_removed(dir, handle)),
        found,
        holds_more: asked.is_some_and(|asked| holds_more_than(asked, disk, dir)),
        newest_ctime_ns: request.wants_newest.then(|| newest_ctime_ns(disk, dir, stat)),
        below: mounted_below(disk, mounts, request.mount, dir, stat),
    }))
}

/// How many of a sample are there, with their sizes.
fn found(disk: &dyn Disk, mounts: &Mounts, mount: MountId, sample: &[Sampled]) -> usize {
    let is_there = |one: &&Sampled| {
        let stat = disk.stat(&mounts.to_disk(mount, &one.path));
        stat.is_ok_and(|stat| stat.kind == Kind::File && stat.size == one.size)
    };
    sample.iter().filter(is_there).count()
}

/// Whether a tree has more files than that, as far as [`COUNTED_DIRS_MAX`] directories tell.
fn holds_more_than(count: usize, disk: &dyn Disk, dir: &Path) -> bool {
    let (mut dirs, mut listed, mut files) = (VecDeque::from([dir.to_owned()]), 0, 0);
    while let Some(dir) = dirs.pop_front().filter(|_| listed < COUNTED_DIRS_MAX) {
        listed += 1;
        for (name, kind) in disk.list(&dir).unwrap_or_default() {
            match kind {
                Some(Kind::Directory) => dirs.push_back(child(&dir, &name)),
                Some(Kind::File) => files += 1,
                Some(Kind::Link | Kind::Other) | None => {}
            }
            if files > count {
                return true;
            }
        }
    }
    false
}

/// The newest ctime of the root, of what is in it, and so on down, as far as [`NEWEST_NAMES_MAX`] names go.
fn newest_ctime_ns(disk: &dyn Disk, dir: &Path, stat: &DiskStat) -> i64 {
    let (mut dirs, mut left, mut newest) = (VecDeque::from([dir.to_owned()]), NEWEST_NAMES_MAX, stat.ctime_ns);
    while let Some(dir) = dirs.pop_front() {
        for (name, _) in disk.list(&dir).unwrap_or_default() {
            if left == 0 {
                return newest;
            }
            left -= 1;
            let path = child(&dir, &name);
            let Ok(stat) = disk.stat(&path) else { continue };
            newest = newest.max(stat.ctime_ns);
            if stat.kind == Kind::Directory && !stat.is_mount_root {
                dirs.push_back(path);
            }
        }
    }
    newest
}

fn child(dir: &Path, name: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    dir.join(std::ffi::OsStr::from_bytes(name))
}

/// Lists what is mounted inside the mount; nothing where the system does not say, since each look at a file checks its
/// own way.
fn mounted_below(disk: &dyn Disk, mounts: &Mounts, mount: MountId, dir: &Path, root: &DiskStat) -> Vec<MountedBelow> {
    let points = disk.mounted_below(dir).unwrap_or_else(|error| {
        tracing::warn!(%error, "what is mounted below {} is not known", dir.display());
        Vec::new()
    });
    let seen = |MountPoint { at, is_second_way }| {
        let path = mounts.to_logical(mount, &at).filter(|path| !mounts.is_ignored(mount, path))?;
        let stat = disk.stat(&at).ok().filter(|stat| stat.kind == Kind::Directory);
        Some(MountedBelow {
            path,
            identity: stat.map(|stat| stat.identity),
            mounting: disk.mounting(&at),
            is_same_filesystem: stat.is_some_and(|stat| stat.filesystem == root.filesystem),
            is_second_way,
        })
    };
    points.into_iter().filter_map(seen).collect()
}
