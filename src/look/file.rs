//! Looks at paths: a [`LookRequest`] against a [`Disk`].

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::disk::{Disk, DiskStat, Kind, Lease, Probe};
use super::fault::{explain, is_absence};
use super::metadata::{self, ContentLook};
use super::sidecars::Beside;
use super::way::{Way, Ways};
use crate::model::asset::{Identity, Stat};
use crate::model::ids::MountId;
use crate::model::look::{FileLook, LookRequest, Looked, MetadataLook, Seen, SourceLook, Writer};
use crate::model::metadata::Source;
use crate::model::mount::Sidecars;
use crate::model::path::LogicalPath;
use crate::model::sidecar;
use crate::model::time::Wall;
use crate::watch::WatchSource;
use crate::watch::mounts::Mounts;

/// How often a file that changes under a look is looked at before the look says so.
const TRIES: usize = 3;

/// Looks at each path of the request, in order.
///
/// `clock` is asked right after a file's lstat, since what is racy is a matter of milliseconds. A file's stat is the
/// one from before its attributes were read, and the one from after agreed, unless the look says that a writer has it
/// open. A directory at which something else is mounted than what is known, and what lies below it, is covered: what
/// was there cannot be seen. Where there is no directory any more, the source may forget its watches.
pub fn look(
    disk: &dyn Disk,
    mounts: &Mounts,
    source: &dyn WatchSource,
    clock: &dyn Fn() -> Wall,
    request: &LookRequest,
) -> Looked {
    let mount = mounts.get(request.mount);
    let root_dir = mounts.to_disk(request.mount, &mount.path);
    let eye = Eye { disk, clock, root_dir: &root_dir, root: request.root.identity, mounts, mount: request.mount };
    let Some(root) = eye.root() else {
        let seen = request.paths.iter().map(|path| (path.clone(), Seen::RootGone)).collect();
        return Looked { ticket: request.ticket, seen };
    };
    let mut ways = Ways::new(disk, &mount.path, &root_dir, &root, &request.root);
    let mut see = |path: &LogicalPath| {
        let Some(relative) = path.relative_to(&mount.path) else { return Seen::Other };
        if relative.is_empty() {
            return if eye.root().is_some() { Seen::Directory } else { Seen::RootGone };
        }
        let slash = relative.iter().rposition(|&b| b == b'/');
        let parent = slash.map_or(&b""[..], |slash| &relative[..slash]);
        let name = slash.map_or(relative, |slash| &relative[slash + 1..]);
        match ways.to(parent) {
            Way::Clear => {
                let dir = root_dir.join(OsStr::from_bytes(parent));
                let as_read = request.as_read.get(path);
                let mut here = Here { ways: &mut ways, path, name, as_read };
                eye.see(&dir.join(OsStr::from_bytes(name)), &mut here, request.unchanged.get(path))
            }
            Way::Broken => eye.absent(None),
            Way::Covered(at) => eye.covered(at),
            Way::Unreadable(why) => Seen::Unreadable(why),
        }
    };
    let mut seen = Vec::with_capacity(request.paths.len());
    for path in &request.paths {
        let what = see(path);
        if matches!(what, Seen::Absent | Seen::Link | Seen::Other | Seen::File(_) | Seen::BeingRead(_)) {
            source.forget(request.mount, path);
        }
        seen.push((path.clone(), what));
    }
    Looked { ticket: request.ticket, seen }
}

/// Whether a file was changed so recently that another change could leave the same times. A time in the future counts:
/// a clock that steps back and comes to it again could do the same.
pub(super) fn is_racy(stat: &DiskStat, now: Wall) -> bool {
    ns(now) < settled_ns(stat)
}

/// From when on a further change moves the times of a file, nanoseconds since the Unix epoch.
pub(super) fn settled_ns(stat: &DiskStat) -> i64 {
    match stat.granularity_ns {
        0 => i64::MIN,
        granularity_ns => stat.mtime_ns.max(stat.ctime_ns).saturating_add(granularity_ns),
    }
}

/// How far a server's clock is believed to be off at most, and a little more: a day, in nanoseconds.
const SKEW_NS: i64 = 24 * 60 * 60 * 1_000_000_000;

/// Whether a file may have been changed just now, by a clock that is off by less than [`SKEW_NS`]. Its ctime counts
/// too: an mtime can be set while the file is still being written.
fn is_young(stat: &DiskStat, now: Wall) -> bool {
    ns(now).saturating_sub(stat.mtime_ns.max(stat.ctime_ns)) < SKEW_NS
}

fn ns(wall: Wall) -> i64 {
    wall.0.saturating_mul(1_000_000)
}

struct Eye<'a> {
    disk: &'a dyn Disk,
    clock: &'a dyn Fn() -> Wall,
    root_dir: &'a Path,
    root: Identity,
    mounts: &'a Mounts,
    mount: MountId,
}

/// A name in a directory to which the way is clear.
struct Here<'a, 'b> {
    ways: &'a mut Ways<'b>,
    path: &'a LogicalPath,
    name: &'a [u8],
    /// See [`LookRequest::as_read`].
    as_read: Option<&'a Stat>,
}

impl Eye<'_> {
    /// `unchanged` is the file that is expected, which the catalog knows.
    fn see(&self, path: &Path, here: &mut Here<'_, '_>, unchanged: Option<&Stat>) -> Seen {
        let stat = match self.disk.stat(path) {
            Ok(stat) => stat,
            Err(error) => return self.unseen(path, here, &error),
        };
        if let Err(at) = here.ways.belongs(here.name, &stat) {
            return self.covered(at);
        }
        match stat.kind {
            // Where two changes can leave the same times, the same times prove nothing.
            Kind::File if unchanged == Some(&stat.stat()) && stat.granularity_ns == 0 => {
                Seen::File(FileLook {
                    stat: stat.stat(),
                    racy: false,
                    owner: self.disk.owner(stat.uid),
                    metadata: MetadataLook::AsKnown,
                    // A writer that has it open has written nothing that is not reported.
                    writer: Writer::None,
                })
            }
            Kind::File => self.file(path, here, stat),
            Kind::Link => Seen::Link,
            Kind::Other => Seen::Other,
            Kind::Directory => Seen::Directory,
        }
    }

    fn file(&self, path: &Path, here: &mut Here<'_, '_>, mut before: DiskStat) -> Seen {
        let mut tries = 0;
        // What a sidecar says is its asset's.
        let is_metadata = self.mounts.get(self.mount).sidecars == Sidecars::Metadata;
        let is_asset = !is_metadata || !sidecar::is_sidecar(here.name);
        loop {
            tries += 1;
            let now = (self.clock)();
            let mut content = ContentLook::default();
            let Probe { xattrs, lease, after } = self.disk.probe(path, &mut |opened| {
                if is_asset {
                    content = metadata::of_content(path, opened, self.disk.exiftool().is_some());
                }
            });
            let after = match after {
                // What was asked has lost its name meanwhile, and the path may have another file.
                Ok(after) if after.links == 0 => match self.disk.stat(path) {
                    Ok(after) => after,
                    Err(error) => return self.unseen(path, here, &error),
                },
                Ok(after) => after,
                Err(error) => return self.unseen(path, here, &error),
            };
            if after.kind != Kind::File {
                return self.see(path, here, None);
            }
            let still = is_same(&before, &after);
            if !still && lease != Lease::Busy && tries < TRIES {
                before = after;
                continue;
            }
            let writer = match lease {
                Lease::Busy => Writer::Some,
                Lease::Free if still => Writer::None,
                // It changes faster than it can be looked at, so it counts as written, and is looked at again soon.
                Lease::Free => Writer::Some,
                Lease::Unknown => Writer::Unknown { young: !still || is_young(&before, now) },
            };
            let ContentLook { sources: mut seen, rest } = content;
            let mut racy = is_racy(&before, now);
            // What is written just now is looked at again in any case.
            if let (Some(exiftool), Some(rest), false) = (self.disk.exiftool(), rest, writer == Writer::Some) {
                let answer = metadata::of_exiftool(exiftool, (here.path, path), &before, here.as_read, rest);
                let Some(answer) = answer else { return Seen::BeingRead(before.stat()) };
                racy |= answer.racy;
                seen.insert(Source::Exiftool, SourceLook { sidecar: None, content: answer.content });
            }
            if let Some(attributes) = metadata::of_attributes(path, xattrs) {
                seen.insert(Source::Xattr, attributes);
            }
            if is_asset {
                let is_ignored = &|name: &[u8]| self.mounts.is_ignored_name(self.mount, name);
                Beside { disk: self.disk, path, name: here.name, is_ignored, now }.read_sidecars(&mut seen);
            }
            return Seen::File(FileLook {
                stat: before.stat(),
                racy,
                owner: self.disk.owner(before.uid),
                metadata: MetadataLook::Seen(seen),
                writer,
            });
        }
    }

    fn unseen(&self, path: &Path, here: &Here<'_, '_>, error: &std::io::Error) -> Seen {
        match is_absence(error) {
            true => self.absent(here.ways.known_at(here.name)),
            false => Seen::Unreadable(explain("look at", path, error)),
        }
    }

    /// Nothing is there; `inner` is the filesystem that was mounted there, whose files are not gone with it.
    fn absent(&self, inner: Option<LogicalPath>) -> Seen {
        match (self.root(), inner) {
            (None, _) => Seen::RootGone,
            (Some(_), Some(inner)) => Seen::Covered(inner),
            (Some(_), None) => Seen::Absent,
        }
    }

    fn covered(&self, at: LogicalPath) -> Seen {
        if self.root().is_some() { Seen::Covered(at) } else { Seen::RootGone }
    }

    /// The root, if it is still the known one.
    fn root(&self) -> Option<DiskStat> {
        let root = self.disk.stat(self.root_dir).ok()?;
        // A directory that was removed behind a bind mount has no links.
        (root.kind == Kind::Directory && root.identity == self.root && root.links > 0).then_some(root)
    }
}

/// Whether two lstats of one path saw the same file in the same state.
pub(super) fn is_same(a: &DiskStat, b: &DiskStat) -> bool {
    (a.identity, a.size, a.mtime_ns, a.ctime_ns) == (b.identity, b.size, b.mtime_ns, b.ctime_ns)
}
