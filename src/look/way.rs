//! The way from a mount's root down to a directory: it must lead through directories only. Otherwise a directory that
//! was replaced by a symbolic link would still show its old children, or the link's target as assets.

use std::path::{Path, PathBuf};

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use super::disk::{Disk, Kind};
use super::fault::{explain, is_absence};

/// What the way to a directory is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Directories all the way.
    Clear,
    /// Something is missing or no directory, so nothing of the mount is there.
    Broken,
    /// It enters another filesystem, at this directory on disk.
    Foreign(PathBuf),
    /// It cannot be read; for people.
    Unreadable(String),
}

/// The ways below one mount's root. Remembers the last clear one, because paths come grouped by directory: a request
/// over one directory costs one lstat a level, and each further directory beside it one more.
pub(super) struct Ways<'a> {
    disk: &'a dyn Disk,
    /// The filesystem that must not be left; `None` when crossing is allowed.
    volume: Option<u64>,
    root: PathBuf,
    /// Relative to the root, known to be clear.
    clear: Vec<u8>,
}

impl<'a> Ways<'a> {
    pub(super) fn new(disk: &'a dyn Disk, root: &Path, volume: Option<u64>) -> Self {
        Self { disk, volume, root: root.to_path_buf(), clear: Vec::new() }
    }

    /// The way to a directory, relative to the root. The root itself is not looked at.
    pub(super) fn to(&mut self, directory: &[u8]) -> Way {
        if directory == self.clear {
            return Way::Clear;
        }
        self.clear.truncate(common(&self.clear, directory));
        let rest = &directory[self.clear.len()..];
        let mut at = self.root.join(OsStr::from_bytes(&self.clear));
        for name in rest.split(|&b| b == b'/').filter(|name| !name.is_empty()) {
            at.push(OsStr::from_bytes(name));
            match self.disk.stat(&at) {
                Ok(stat) if stat.kind != Kind::Directory => return Way::Broken,
                Ok(stat) if self.volume.is_some_and(|volume| volume != stat.identity.volume) => {
                    return Way::Foreign(at);
                }
                Ok(_) => {}
                Err(error) if is_absence(&error) => return Way::Broken,
                Err(error) => return Way::Unreadable(explain("look at", &at, &error)),
            }
            if !self.clear.is_empty() {
                self.clear.push(b'/');
            }
            self.clear.extend_from_slice(name);
        }
        Way::Clear
    }
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
