//! Listings: a [`ListRequest`] against a [`Disk`]. The watch stands first, so whatever happens while the directory is
//! listed is hinted.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::disk::{Disk, DiskStat, Kind};
use super::fault::{explain, is_absence};
use super::file::is_racy;
use super::metadata::attributes_unread;
use super::way::{Way, Ways};
use crate::metadata::xattr;
use crate::model::ids::MountId;
use crate::model::look::{ListError, ListRequest, Listed, ListedFile, Listing};
use crate::model::metadata::Metadata;
use crate::model::path::LogicalPath;
use crate::model::status::NoteKind;
use crate::model::time::Wall;
use crate::watch::mounts::Mounts;
use crate::watch::{WatchError, WatchSource};

/// Watches the directory, then lists it and looks at each name in it. [`Listed::unwatched`] says when it cannot be
/// watched.
///
/// Ignored names and specials are left out, and so is what vanishes meanwhile, and what is mounted there and not
/// entered. Symbolic links are named and not followed. `clock` is asked once a file, for [`ListedFile::racy`].
pub fn list(
    disk: &dyn Disk,
    mounts: &Mounts,
    source: &dyn WatchSource,
    clock: &dyn Fn() -> Wall,
    request: &ListRequest,
) -> Listed {
    let mut unwatched = None;
    let root = mounts.to_disk(request.mount, &mounts.get(request.mount).path);
    let known = &request.root.identity;
    let is_known = |stat: &DiskStat| stat.kind == Kind::Directory && stat.identity == *known && stat.links > 0;
    let stands = || disk.stat(&root).ok().filter(is_known);
    let content = match stands() {
        Some(seen) => content(disk, mounts, source, clock, request, &root, &seen, &mut unwatched),
        None => Err(ListError::RootGone),
    };
    // Also an absence, or a half of the names, may be another root's.
    let content = if stands().is_some() { content } else { Err(ListError::RootGone) };
    Listed { ticket: request.ticket, path: request.path.clone(), content, unwatched }
}

#[expect(clippy::too_many_arguments, reason = "a listing needs all of its edges")]
fn content(
    disk: &dyn Disk,
    mounts: &Mounts,
    source: &dyn WatchSource,
    clock: &dyn Fn() -> Wall,
    request: &ListRequest,
    root: &Path,
    seen: &DiskStat,
    unwatched: &mut Option<String>,
) -> Result<Listing, ListError> {
    let mount = mounts.get(request.mount);
    if mounts.is_ignored(request.mount, &request.path) {
        return Ok(Listing::default());
    }
    let relative = request.path.relative_to(&mount.path).ok_or(ListError::Gone)?;
    let dir = if relative.is_empty() { root.to_owned() } else { root.join(OsStr::from_bytes(relative)) };
    let mut ways = Ways::new(disk, &mount.path, root, seen, &request.root);
    match ways.to(relative) {
        Way::Clear => {}
        Way::Broken => return Err(ListError::Gone),
        Way::Covered(at) => return Err(ListError::Covered(at)),
        Way::Unreadable(why) => return Err(ListError::Unreadable(why)),
    }
    match source.watch(request.mount, &request.path, &dir) {
        Ok(()) => {}
        Err(WatchError::Gone) => return Err(ListError::Gone),
        Err(error @ (WatchError::Limit | WatchError::Failed(_))) => {
            *unwatched = Some(format!("{} is not watched: {error}", dir.display()));
        }
    }
    let names = disk.list(&dir).map_err(|error| list_error(&dir, &error))?;
    let filter = Filter { mounts, mount: request.mount, dir: &request.path };
    let mut reader = Reader { disk, clock, dir, ways, metadata: request.metadata, out: Listing::default() };
    for (name, kind) in names {
        // What the directory itself calls special costs no lstat, and what is ignored costs nothing at all.
        match kind {
            Some(Kind::Other) => {}
            _ if filter.ignores(&name) => {}
            Some(Kind::Link) => reader.out.passed_over.push((name, NoteKind::SymbolicLink)),
            Some(Kind::File | Kind::Directory) | None => reader.entry(name)?,
        }
    }
    Ok(reader.out)
}

fn list_error(dir: &Path, error: &std::io::Error) -> ListError {
    if is_absence(error) { ListError::Gone } else { ListError::Unreadable(explain("list", dir, error)) }
}

struct Filter<'a> {
    mounts: &'a Mounts,
    mount: MountId,
    dir: &'a LogicalPath,
}

impl Filter<'_> {
    fn ignores(&self, name: &[u8]) -> bool {
        self.mounts.is_ignored_name(self.mount, name)
            || (!self.mounts.is_ignored_by_name(self.mount) && self.mounts.is_ignored(self.mount, &self.dir.join(name)))
    }
}

struct Reader<'a> {
    disk: &'a dyn Disk,
    clock: &'a dyn Fn() -> Wall,
    /// The directory; each name is pushed, looked at and popped.
    dir: PathBuf,
    ways: Ways<'a>,
    metadata: bool,
    out: Listing,
}

impl Reader<'_> {
    fn entry(&mut self, name: Vec<u8>) -> Result<(), ListError> {
        self.dir.push(OsStr::from_bytes(&name));
        let looked = self.look(name);
        self.dir.pop();
        looked
    }

    fn look(&mut self, name: Vec<u8>) -> Result<(), ListError> {
        let stat = match self.disk.stat(&self.dir) {
            Ok(stat) => stat,
            Err(error) if is_absence(&error) => return Ok(()),
            // The directory can be read and not searched, so no name in it can be looked at.
            Err(error) if error.raw_os_error() == Some(libc::EACCES) => {
                return Err(list_error(&self.dir, &error));
            }
            // One bad inode, or a path that is too long, must not hide the others.
            Err(_) => {
                self.out.unreadable.push(name);
                return Ok(());
            }
        };
        match stat.kind {
            Kind::File => {
                let file = self.file(name, &stat);
                self.out.files.push(file);
            }
            Kind::Directory if self.ways.belongs(&name, &stat).is_ok() => self.out.directories.push(name),
            // Something else begins here, and nothing is mounted: where the system says that (Linux 5.8), it is a
            // subvolume whose filesystem cannot be asked for, because it may not be opened.
            Kind::Directory if !stat.is_mount_root => self.out.passed_over.push((name, NoteKind::Subvolume)),
            Kind::Link => self.out.passed_over.push((name, NoteKind::SymbolicLink)),
            Kind::Directory | Kind::Other => {}
        }
        Ok(())
    }

    fn file(&self, name: Vec<u8>, stat: &DiskStat) -> ListedFile {
        let racy = is_racy(stat, (self.clock)());
        let xattrs = if self.metadata { self.xattrs() } else { Ok(Metadata::new()) };
        ListedFile { name, stat: stat.stat(), racy, owner: self.disk.owner(stat.uid), xattrs }
    }

    fn xattrs(&self) -> Result<Metadata, String> {
        match self.disk.xattrs(&self.dir) {
            Ok(attributes) => Ok(xattr::metadata(attributes)),
            Err(error) if is_absence(&error) => Ok(Metadata::new()),
            Err(error) => Err(attributes_unread(&self.dir, &error)),
        }
    }
}
