//! A look at one path for people: what is there, and what keeps a look from it. Nothing is decided by it, no watch is
//! touched, and nobody waits for it but whoever asked.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::disk::{Disk, DiskStat, Kind, Lease, Probe};
use super::fault::{explain, is_absence};
use crate::model::look::Writer;
use crate::model::path::LogicalPath;
use crate::model::why::{PathSeen, There};
use crate::watch::mounts::Mounts;

/// Looks at a path. It may take as long as the filesystem takes to answer.
#[must_use]
pub fn survey(disk: &dyn Disk, mounts: &Mounts, path: &LogicalPath) -> PathSeen {
    let Some(mount) = mounts.mount_of(path) else {
        return PathSeen { ignored: None, there: There::NotLooked("it lies in no mount".to_owned()) };
    };
    let top = mounts.get(mount).path.clone();
    let root = mounts.to_disk(mount, &top);
    let relative = path.relative_to(&top).unwrap_or_default();
    PathSeen { ignored: mounts.why_ignored(mount, path), there: there(disk, &root, &top, relative) }
}

fn there(disk: &dyn Disk, root: &Path, top: &LogicalPath, relative: &[u8]) -> There {
    let (mut at, mut logical) = (root.to_path_buf(), top.clone());
    let mut stat = match disk.stat(root) {
        Ok(stat) if stat.kind == Kind::Directory => stat,
        Ok(_) => return There::NoRoot(format!("{} is not a directory", root.display())),
        Err(error) if is_absence(&error) => return There::NoRoot("its directory is not there".to_owned()),
        Err(error) => return There::NoRoot(explain("look at", root, &error)),
    };
    for name in relative.split(|&byte| byte == b'/').filter(|name| !name.is_empty()) {
        if stat.kind != Kind::Directory {
            return There::Nothing;
        }
        at.push(OsStr::from_bytes(name));
        logical = logical.join(name);
        stat = match disk.stat(&at) {
            Ok(stat) => stat,
            Err(error) if is_absence(&error) => return There::Nothing,
            Err(error) => return There::Unreadable(explain("look at", &at, &error)),
        };
        if stat.kind == Kind::Link {
            return There::Link { at: logical, to: disk.link(&at) };
        }
    }
    match stat.kind {
        Kind::Directory => There::Directory,
        Kind::Link => There::Link { at: logical, to: None },
        Kind::Other => There::Special,
        Kind::File => file(disk, &at, &stat),
    }
}

fn file(disk: &dyn Disk, at: &Path, stat: &DiskStat) -> There {
    let Probe { xattrs, lease, .. } = disk.probe(at, &mut |_| {});
    let writer = match lease {
        Lease::Free => Writer::None,
        Lease::Busy => Writer::Some,
        Lease::Unknown => Writer::Unknown { young: false },
    };
    let unread = match xattrs {
        Err(error) if !is_absence(&error) => Some(explain("read the extended attributes of", at, &error)),
        _ => None,
    };
    There::File { size: stat.size, mtime_ns: stat.mtime_ns, writer, unread }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::path::Path;

    use super::survey;
    use crate::look::real::RealDisk;
    use crate::model::look::Writer;
    use crate::model::mount::Mount;
    use crate::model::path::LogicalPath;
    use crate::model::why::There;
    use crate::watch::mounts::Mounts;

    fn path(text: &str) -> LogicalPath {
        LogicalPath::parse(text.as_bytes()).expect("a path")
    }

    #[test]
    fn what_is_at_a_path_is_told_apart() {
        let dir = tempfile::tempdir().expect("a directory");
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("d")).expect("made");
        fs::write(at("d/file.mov"), "four").expect("written");
        fs::write(at("d/file.part"), "").expect("written");
        symlink(at("d"), at("latest")).expect("linked");
        let socket = UnixListener::bind(at("socket")).expect("bound");
        let mounts = Mounts::new(vec![Mount::new(path("/m"), dir.path().to_owned())], None).expect("a mount");
        let disk = RealDisk::new();
        let seen = |text: &str| survey(&disk, &mounts, &path(text));
        assert!(matches!(seen("/m/d/file.mov").there, There::File { size: 4, writer: Writer::None, unread: None, .. }));
        let held = fs::OpenOptions::new().append(true).open(at("d/file.mov")).expect("opened");
        assert!(matches!(seen("/m/d/file.mov").there, There::File { writer: Writer::Some, .. }));
        drop(held);
        assert_eq!(seen("/m/d").there, There::Directory);
        assert_eq!(seen("/m").there, There::Directory);
        assert_eq!(seen("/m/socket").there, There::Special);
        drop(socket);
        for nothing in ["/m/none", "/m/none/at/all", "/m/d/file.mov/below"] {
            assert_eq!(seen(nothing).there, There::Nothing, "{nothing}");
        }
        for link in ["/m/latest", "/m/latest/file.mov"] {
            assert_eq!(seen(link).there, There::Link { at: path("/m/latest"), to: Some(at("d")) }, "{link}");
        }
        assert_eq!(seen("/m/d/file.mov").ignored, None);
        let ignored = seen("/m/d/file.part").ignored.expect("it is");
        assert_eq!(ignored, "the name file.part is like `*.part` of the mount's `ignore`");
        assert!(matches!(seen("/none").there, There::NotLooked(_)));
        let gone = Mounts::new(vec![Mount::new(path("/m"), Path::new("/none/at/all").to_owned())], None);
        let gone = survey(&disk, &gone.expect("a mount"), &path("/m/a")).there;
        assert_eq!(gone, There::NoRoot("its directory is not there".to_owned()));
        let long = format!("/m/{}", "x".repeat(300));
        assert!(matches!(seen(&long).there, There::Unreadable(why) if why.contains("File name too long")));
    }
}
