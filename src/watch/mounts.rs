//! The table of mounts: logical paths to disk paths and back. Reads no disk, and does not check that mounts do not
//! overlap (the configuration has).

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use super::ignore::{BadPattern, Ignore};
use crate::model::ids::MountId;
use crate::model::mount::Mount;
use crate::model::mounts_by_path::MountsByPath;
use crate::model::path::LogicalPath;

/// The configured mounts; a [`MountId`] is a place in this table. A reload makes another one; what changes in this one
/// is where each mount's directory really is: its path may lead through symbolic links.
#[derive(Debug)]
pub struct Mounts {
    entries: Vec<Entry>,
    by_path: MountsByPath,
    by_dir: RwLock<MountsByPath>,
    /// The state directory.
    excluded: Option<PathBuf>,
}

#[derive(Debug)]
struct Entry {
    mount: Mount,
    ignore: Ignore,
    place: RwLock<Place>,
}

/// Where a mount's directory is.
#[derive(Debug)]
struct Place {
    /// With symbolic links resolved, and without a trailing slash, so that prefixes compare byte for byte.
    dir: PathBuf,
    /// The part of the mount that is the state directory or below it.
    excluded: Option<LogicalPath>,
}

impl Entry {
    fn place(&self) -> RwLockReadGuard<'_, Place> {
        self.place.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A mount that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("mount {mount}")]
pub struct MountError {
    /// Its logical path.
    pub mount: LogicalPath,
    /// Which pattern, and why.
    pub source: BadPattern,
}

impl Mounts {
    /// The table. What lies at or below `excluded` (the state directory) is ignored in every mount; directories are
    /// compared as they are written, so give `excluded` and the mounts' own with symbolic links resolved.
    ///
    /// # Errors
    /// The first mount with an ignore pattern that means nothing.
    pub fn new(mounts: Vec<Mount>, excluded: Option<&Path>) -> Result<Self, MountError> {
        let entry = |mount: Mount| {
            let ignore =
                Ignore::new(&mount.ignore).map_err(|source| MountError { mount: mount.path.clone(), source })?;
            let place = RwLock::new(Place::of(&mount, &mount.dir, excluded));
            Ok(Entry { mount, ignore, place })
        };
        let entries: Vec<Entry> = mounts.into_iter().map(entry).collect::<Result<_, _>>()?;
        let by_path = MountsByPath::new(entries.iter().map(|entry| entry.mount.path.as_bytes()));
        let by_dir = RwLock::new(by_dir(&entries));
        Ok(Self { entries, by_path, by_dir, excluded: excluded.map(Path::to_owned) })
    }

    /// A mount's directory is here now, symbolic links resolved.
    ///
    /// # Errors
    /// The first other mount whose directory holds this one, or lies in it: the mount's directory stays where it was.
    ///
    /// # Panics
    /// When the number is of another table.
    pub fn set_dir(&self, id: MountId, dir: &Path) -> Result<(), LogicalPath> {
        let entry = self.entry(id);
        if entry.place().dir == dir {
            return Ok(());
        }
        for other in self.ids().filter(|other| *other != id).map(|other| self.entry(other)) {
            let place = other.place();
            if place.dir.starts_with(dir) || dir.starts_with(&place.dir) {
                return Err(other.mount.path.clone());
            }
        }
        let place = Place::of(&entry.mount, dir, self.excluded.as_deref());
        *entry.place.write().unwrap_or_else(PoisonError::into_inner) = place;
        *self.by_dir.write().unwrap_or_else(PoisonError::into_inner) = by_dir(&self.entries);
        Ok(())
    }

    /// Every mount's number, in configured order.
    pub fn ids(&self) -> impl Iterator<Item = MountId> + use<> {
        (0..self.entries.len()).map_while(|index| u16::try_from(index).ok().map(MountId))
    }

    /// A mount as configured.
    ///
    /// # Panics
    /// When the number is of another table.
    #[must_use]
    pub fn get(&self, id: MountId) -> &Mount {
        &self.entry(id).mount
    }

    /// Where a path of a mount is on disk. (A path of another mount names nothing, and stays below this one's root.)
    ///
    /// # Panics
    /// When the number is of another table.
    #[must_use]
    pub fn to_disk(&self, id: MountId, path: &LogicalPath) -> PathBuf {
        let entry = self.entry(id);
        let relative = path.relative_to(&entry.mount.path).unwrap_or(&path.as_bytes()[1..]);
        let place = entry.place();
        let dir = place.dir.as_os_str().as_bytes();
        let mut out = Vec::with_capacity(dir.len() + 1 + relative.len());
        out.extend_from_slice(dir);
        if !relative.is_empty() {
            if !out.ends_with(b"/") {
                out.push(b'/');
            }
            out.extend_from_slice(relative);
        }
        OsString::from_vec(out).into()
    }

    /// The logical path of a disk path; `None` when it does not lie in this mount.
    ///
    /// # Panics
    /// When the number is of another table.
    #[must_use]
    pub fn to_logical(&self, id: MountId, path: &Path) -> Option<LogicalPath> {
        let entry = self.entry(id);
        logical(&entry.mount.path, relative(&entry.place().dir, path)?)
    }

    /// The mount that a disk path lies in, and its logical path.
    #[must_use]
    pub fn locate(&self, path: &Path) -> Option<(MountId, LogicalPath)> {
        let id = self.by_dir.read().unwrap_or_else(PoisonError::into_inner).of(path.as_os_str().as_bytes())?;
        Some((id, self.to_logical(id, path)?))
    }

    /// The mount that a logical path lies in.
    #[must_use]
    pub fn mount_of(&self, path: &LogicalPath) -> Option<MountId> {
        self.by_path.of(path.as_bytes())
    }

    /// Whether a path of a mount is ignored: by its patterns, or because the state directory is there.
    ///
    /// # Panics
    /// When the number is of another table.
    #[must_use]
    pub fn is_ignored(&self, id: MountId, path: &LogicalPath) -> bool {
        let entry = self.entry(id);
        entry.place().excluded.as_ref().is_some_and(|excluded| path.relative_to(excluded).is_some())
            || entry.ignore.path(&entry.mount.path, path)
    }

    /// Why a path of a mount is ignored, for people: a sentence without a full stop; `None` where it is not.
    ///
    /// # Panics
    /// When the number is of another table.
    #[must_use]
    pub fn why_ignored(&self, id: MountId, path: &LogicalPath) -> Option<String> {
        if !self.is_ignored(id, path) {
            return None;
        }
        let entry = self.entry(id);
        let found = entry.mount.ignore.iter().find_map(|pattern| {
            let alone = Ignore::new(std::slice::from_ref(pattern)).ok()?;
            let tops = std::iter::successors(Some(path.clone()), LogicalPath::parent);
            // The topmost one hides what is in it.
            let at = tops.take_while(|at| alone.path(&entry.mount.path, at)).last()?;
            Some((pattern, at))
        });
        Some(match found {
            Some((pattern, at)) if pattern.contains('/') => format!("{at} is like `{pattern}` of the mount's `ignore`"),
            Some((pattern, at)) => {
                let name = at.split().map(|(_, name)| String::from_utf8_lossy(name).into_owned()).unwrap_or_default();
                format!("the name {name} is like `{pattern}` of the mount's `ignore`")
            }
            None => "the state directory is there".to_owned(),
        })
    }

    /// Whether a mount ignores a name wherever it stands: a fast no before [`Self::is_ignored`].
    ///
    /// # Panics
    /// When the number is of another table.
    #[must_use]
    pub fn is_ignored_name(&self, id: MountId, name: &[u8]) -> bool {
        self.entry(id).ignore.name(name)
    }

    /// Whether [`Self::is_ignored_name`] alone decides about what a directory of a mount holds, given that the
    /// directory itself is not ignored.
    ///
    /// # Panics
    /// When the number is of another table.
    #[must_use]
    pub fn is_ignored_by_name(&self, id: MountId) -> bool {
        let entry = self.entry(id);
        entry.place().excluded.is_none() && entry.ignore.is_by_name()
    }

    fn entry(&self, id: MountId) -> &Entry {
        &self.entries[usize::from(id.0)]
    }
}

fn by_dir(entries: &[Entry]) -> MountsByPath {
    let dirs: Vec<PathBuf> = entries.iter().map(|entry| entry.place().dir.clone()).collect();
    MountsByPath::new(dirs.iter().map(|dir| dir.as_os_str().as_bytes()))
}

impl Place {
    fn of(mount: &Mount, dir: &Path, excluded: Option<&Path>) -> Self {
        let dir: PathBuf = dir.components().collect();
        let excluded = excluded.and_then(|excluded| excluded_part(&mount.path, &dir, excluded));
        Self { dir, excluded }
    }
}

/// What of a mount is at or below `excluded`: all of it, a part, or nothing.
fn excluded_part(mount: &LogicalPath, dir: &Path, excluded: &Path) -> Option<LogicalPath> {
    let excluded: PathBuf = excluded.components().collect();
    if relative(&excluded, dir).is_some() {
        return Some(mount.clone());
    }
    logical(mount, relative(dir, &excluded)?)
}

/// What is left of `path` under `dir`, by whole components.
pub(super) fn relative<'a>(dir: &Path, path: &'a Path) -> Option<&'a [u8]> {
    let rest = path.as_os_str().as_bytes().strip_prefix(dir.as_os_str().as_bytes())?;
    if rest.is_empty() || dir.as_os_str() == "/" { Some(rest) } else { rest.strip_prefix(b"/") }
}

/// The logical path of what lies at `relative` below a mount.
pub(super) fn logical(mount: &LogicalPath, relative: &[u8]) -> Option<LogicalPath> {
    if relative.is_empty() {
        return Some(mount.clone());
    }
    let mut out = Vec::with_capacity(mount.as_bytes().len() + 1 + relative.len());
    out.extend_from_slice(mount.as_bytes());
    out.push(b'/');
    out.extend_from_slice(relative);
    LogicalPath::parse(&out).ok()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    use std::path::Path;

    use super::Mounts;
    use crate::model::ids::MountId;
    use crate::model::mount::Mount;
    use crate::model::path::LogicalPath;

    fn path(bytes: &[u8]) -> LogicalPath {
        LogicalPath::parse(bytes).expect("a path")
    }

    fn mount(path_: &str, dir: &str) -> Mount {
        Mount { ignore: vec!["*.tmp".to_owned()], ..Mount::new(path(path_.as_bytes()), dir.into()) }
    }

    fn table(excluded: Option<&str>, mounts: &[(&str, &str)]) -> Mounts {
        let mounts = mounts.iter().map(|(path, dir)| mount(path, dir)).collect();
        Mounts::new(mounts, excluded.map(Path::new)).expect("mounts")
    }

    #[test]
    fn logical_and_disk_paths_go_both_ways() {
        let mounts = table(None, &[("/acme", "/srv/media/acme/"), ("/b/c", "/srv/media/b")]);
        let cases: [(u16, &[u8], &[u8]); 5] = [
            (0, b"/acme", b"/srv/media/acme"),
            (0, b"/acme/a\nb/\xff", b"/srv/media/acme/a\nb/\xff"),
            (1, b"/b/c", b"/srv/media/b"),
            (1, b"/b/c/d", b"/srv/media/b/d"),
            (1, b"/b/c/d/e", b"/srv/media/b/d/e"),
        ];
        for (id, logical, disk) in cases {
            let disk = Path::new(OsStr::from_bytes(disk));
            assert_eq!(mounts.to_disk(MountId(id), &path(logical)), disk);
            assert_eq!(mounts.to_logical(MountId(id), disk), Some(path(logical)));
            assert_eq!(mounts.locate(disk), Some((MountId(id), path(logical))));
            assert_eq!(mounts.mount_of(&path(logical)), Some(MountId(id)));
        }
        for outside in ["/srv/media", "/srv/media/acme2", "/srv/media/acme2/a", "/"] {
            assert_eq!(mounts.locate(Path::new(outside)), None, "{outside}");
        }
        for outside in ["/", "/b", "/acme2", "/b/cc"] {
            assert_eq!(mounts.mount_of(&path(outside.as_bytes())), None, "{outside}");
        }
    }

    #[test]
    fn both_trees_may_begin_at_the_top() {
        let mounts = table(None, &[("/", "/")]);
        for text in ["/", "/a", "/a/b"] {
            assert_eq!(mounts.to_disk(MountId(0), &path(text.as_bytes())), Path::new(text));
            assert_eq!(mounts.to_logical(MountId(0), Path::new(text)), Some(path(text.as_bytes())));
        }
    }

    #[test]
    fn the_state_directory_is_ignored_wherever_it_lies() {
        let cases: [(&str, &[(&str, bool)]); 4] = [
            ("/srv/state", &[("/a", false), ("/a/state", false)]),
            ("/srv/media/state/", &[("/a", false), ("/a/state", true), ("/a/state/x", true), ("/a/states", false)]),
            ("/srv/media", &[("/a", true), ("/a/x", true)]),
            ("/srv", &[("/a", true), ("/a/x", true)]),
        ];
        for (excluded, expect) in cases {
            let mounts = table(Some(excluded), &[("/a", "/srv/media")]);
            for &(text, ignored) in expect {
                assert_eq!(mounts.is_ignored(MountId(0), &path(text.as_bytes())), ignored, "{excluded}: {text}");
            }
        }
        assert!(table(Some("/srv/state"), &[("/a", "/srv/media")]).is_ignored_by_name(MountId(0)));
        assert!(!table(Some("/srv/media/s"), &[("/a", "/srv/media")]).is_ignored_by_name(MountId(0)));
    }

    #[test]
    fn a_bad_pattern_names_mount_and_pattern() {
        let bad = Mount { ignore: vec!["a[".to_owned()], ..mount("/acme", "/srv") };
        let error = Mounts::new(vec![bad], None).expect_err("a bad pattern");
        assert_eq!(error.mount, path(b"/acme"));
        assert!(error.source.to_string().contains("`a[`"), "{}", error.source);
    }
}
