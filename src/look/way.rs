//! The way from a mount's root down to a directory: it must lead through directories only, and through no place where
//! something else is mounted than what is known. Otherwise a directory that was replaced by a symbolic link would still
//! show its old children, and what a mounted filesystem hides would count as removed.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::disk::{Disk, DiskStat, Kind};
use super::fault::{explain, is_absence};
use crate::model::look::KnownRoot;
use crate::model::path::LogicalPath;

/// What the way to a directory is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Directories all the way.
    Clear,
    /// Something is missing or is not a directory, so nothing of the mount is there.
    Broken,
    /// Something else is mounted at this directory than what is known, or no longer is.
    Covered(LogicalPath),
    /// It cannot be read; for people.
    Unreadable(String),
}

/// The ways below one mount's root. Remembers the last clear one, because paths come grouped by directory: a request
/// over one directory costs one lstat a level, and each further directory beside it one more.
pub(super) struct Ways<'a> {
    disk: &'a dyn Disk,
    known: &'a KnownRoot,
    mount: &'a LogicalPath,
    root: PathBuf,
    /// Relative to the root, known to be clear.
    clear: Vec<u8>,
    /// The filesystem of each directory on the clear way, the root's first.
    filesystems: Vec<u64>,
}

impl<'a> Ways<'a> {
    /// The ways below a root that has just been seen.
    pub(super) fn new(
        disk: &'a dyn Disk,
        mount: &'a LogicalPath,
        root: &Path,
        seen: &DiskStat,
        known: &'a KnownRoot,
    ) -> Self {
        let filesystems = vec![seen.filesystem];
        Self { disk, known, mount, root: root.to_path_buf(), clear: Vec::new(), filesystems }
    }

    /// The way to a directory, relative to the root. The root itself is not looked at.
    pub(super) fn to(&mut self, directory: &[u8]) -> Way {
        if directory == self.clear {
            return Way::Clear;
        }
        self.clear.truncate(common(&self.clear, directory));
        let depth = self.clear.split(|&b| b == b'/').filter(|name| !name.is_empty()).count();
        self.filesystems.truncate(depth + 1);
        let rest = &directory[self.clear.len()..];
        let mut at = self.root.join(OsStr::from_bytes(&self.clear));
        for name in rest.split(|&b| b == b'/').filter(|name| !name.is_empty()) {
            at.push(OsStr::from_bytes(name));
            if !self.clear.is_empty() {
                self.clear.push(b'/');
            }
            self.clear.extend_from_slice(name);
            match self.disk.stat(&at).map(|stat| (stat, self.enters(&stat))) {
                Ok((_, Err(covered))) => return self.ends(Way::Covered(covered)),
                Ok((stat, Ok(()))) if stat.kind != Kind::Directory => return self.ends(Way::Broken),
                Ok((stat, Ok(()))) => self.filesystems.push(stat.filesystem),
                Err(error) if is_absence(&error) => {
                    let way = self.known_above(directory).map_or(Way::Broken, Way::Covered);
                    return self.ends(way);
                }
                Err(error) => return self.ends(Way::Unreadable(explain("look at", &at, &error))),
            }
        }
        Way::Clear
    }

    /// Whether what stands at a name of the last clear directory belongs to what is known there; else where it does
    /// not.
    pub(super) fn belongs(&mut self, name: &[u8], stat: &DiskStat) -> Result<(), LogicalPath> {
        let length = self.clear.len();
        if length > 0 {
            self.clear.push(b'/');
        }
        self.clear.extend_from_slice(name);
        let answer = self.enters(stat);
        self.clear.truncate(length);
        answer
    }

    /// The known inner root at a name of the last clear directory, which is not there at all.
    pub(super) fn known_at(&self, name: &[u8]) -> Option<LogicalPath> {
        if self.known.inner.is_empty() {
            return None;
        }
        let path = self.here().join(name);
        self.known.inner.contains_key(&path).then_some(path)
    }

    /// Whether what stands at `clear`, whose last name is new, may be entered.
    fn enters(&self, stat: &DiskStat) -> Result<(), LogicalPath> {
        if !self.known.inner.is_empty()
            && let Some(expected) = self.known.inner.get(&self.here())
        {
            return if *expected == Some(stat.identity) { Ok(()) } else { Err(self.here()) };
        }
        let is_other = self.filesystems.last().is_some_and(|above| *above != stat.filesystem);
        if stat.kind == Kind::Directory && (stat.is_mount_root || is_other) { Err(self.here()) } else { Ok(()) }
    }

    /// The known inner root that lies between the name that is missing and the directory that was asked for.
    fn known_above(&self, directory: &[u8]) -> Option<LogicalPath> {
        if self.known.inner.is_empty() {
            return None;
        }
        let (missing, asked) = (self.here(), below(self.mount, directory));
        let mut inner = self.known.inner.keys();
        inner.find(|inner| inner.is_at_or_below(&missing) && asked.is_at_or_below(inner)).cloned()
    }

    fn here(&self) -> LogicalPath {
        below(self.mount, &self.clear)
    }

    /// The last name led nowhere: it is not part of the clear way.
    fn ends(&mut self, way: Way) -> Way {
        let slash = self.clear.iter().rposition(|&b| b == b'/').unwrap_or(0);
        self.clear.truncate(slash);
        way
    }
}

/// The logical path of what is at a relative one.
fn below(mount: &LogicalPath, relative: &[u8]) -> LogicalPath {
    relative.split(|&b| b == b'/').filter(|name| !name.is_empty()).fold(mount.clone(), |path, name| path.join(name))
}

/// How many bytes two relative paths share, by whole names.
fn common(a: &[u8], b: &[u8]) -> usize {
    let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let ends_name = |path: &[u8]| path.len() == same || path[same] == b'/';
    if ends_name(a) && ends_name(b) {
        return same;
    }
    a[..same].iter().rposition(|&byte| byte == b'/').unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::common;

    #[test]
    fn shared_names_are_whole() {
        let cases = [
            ("", "", 0),
            ("", "a", 0),
            ("a", "a", 1),
            ("a", "a/b", 1),
            ("a/b", "a", 1),
            ("a/b", "a/bc", 1),
            ("a/b/c", "a/b/d", 3),
            ("ab", "ac", 0),
            ("abc/d", "abd/d", 0),
        ];
        for (a, b, length) in cases {
            assert_eq!(common(a.as_bytes(), b.as_bytes()), length, "{a} {b}");
        }
    }
}
