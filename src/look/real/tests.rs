//! The looks over the real disk, in a temporary directory.

#[cfg(target_os = "linux")]
mod exiftool;
#[cfg(target_os = "linux")]
mod limits;

use std::collections::HashMap;
use std::ffi::{CString, OsStr};
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::RealDisk;
use crate::look::disk::{Disk as _, Kind, Lease};
use crate::look::{list, look, root};
use crate::model::asset::{Identity, Stat};
use crate::model::ids::{MountId, Ticket};
use crate::model::look::{FileLook, ListRequest, LookRequest, MetadataLook, Seen, Writer};
use crate::model::metadata::{Metadata, Source};
use crate::model::mount::Mount;
use crate::model::path::LogicalPath;
use crate::model::root::{RootDirectory, RootRequest, RootSeen};
use crate::model::time::Wall;
use crate::model::watching::Watching;
use crate::watch::mounts::Mounts;
use crate::watch::poll::PollSource;
use crate::watch::{Mounting, WatchError, WatchSource};

/// A mount `/m` over a temporary directory.
struct Rig {
    dir: tempfile::TempDir,
    disk: RealDisk,
    mounts: Mounts,
    root: Identity,
}

fn attributes(look: &FileLook) -> Metadata {
    let MetadataLook::Seen(seen) = &look.metadata else { panic!("{look:?}") };
    let attributes = seen.get(&Source::Xattr).map(|look| look.content.as_ref().expect("attributes").values.clone());
    attributes.unwrap_or_default()
}

/// A source that watches nothing.
fn no_source() -> PollSource {
    PollSource::new(Arc::new(|signals| panic!("nobody asked for {signals:?}")))
}

fn see_root(disk: &RealDisk, dir: &Path) -> RootSeen {
    let mounts = Mounts::new(vec![Mount::new(path("/m"), dir.into())], None).expect("mounts");
    root(disk, &mounts, &no_source(), &RootRequest::of(MountId(0)))
}

fn root_of(disk: &RealDisk, dir: &Path) -> RootDirectory {
    match see_root(disk, dir) {
        RootSeen::Directory(root) => *root,
        other => panic!("a root: {other:?}"),
    }
}

impl Rig {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let disk = RealDisk::new();
        let mount = Mount { ignore: vec![], ..Mount::new(path("/m"), dir.path().into()) };
        let RootDirectory { identity, empty, .. } = root_of(&disk, dir.path());
        assert!(empty);
        Self { mounts: Mounts::new(vec![mount], None).expect("mounts"), root: identity, disk, dir }
    }

    fn disk(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn see(&self, path: LogicalPath) -> Seen {
        self.see_as_read(path, HashMap::new())
    }

    /// Looks at a path. `as_read`: see [`LookRequest::as_read`].
    fn see_as_read(&self, path: LogicalPath, as_read: HashMap<LogicalPath, Stat>) -> Seen {
        let (paths, root, unchanged) = (vec![path], self.root.into(), HashMap::new());
        let request = LookRequest { ticket: Ticket(1), paths, mount: MountId(0), root, unchanged, as_read };
        look(&self.disk, &self.mounts, &no_source(), &wall, &request).seen.remove(0).1
    }

    fn file(&self, name: &str) -> FileLook {
        match self.see(path(&format!("/m/{name}"))) {
            Seen::File(look) => look,
            other => panic!("{name}: {other:?}"),
        }
    }
}

fn path(text: &str) -> LogicalPath {
    LogicalPath::parse(text.as_bytes()).expect("a path")
}

fn wall() -> Wall {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    Wall(i64::try_from(since.as_millis()).expect("before 2262"))
}

#[cfg(target_os = "linux")]
fn set_attribute(path: &Path, name: &str, value: &[u8]) -> std::io::Result<()> {
    let (path, name) = (super::c_path(path)?, CString::new(name).expect("a name"));
    // SAFETY: all pointers outlive the call, and the length is the value's.
    let code = unsafe { libc::setxattr(path.as_ptr(), name.as_ptr(), value.as_ptr().cast(), value.len(), 0) };
    if code == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

#[test]
fn a_stat_is_what_the_system_says() {
    let rig = Rig::new();
    fs::write(rig.disk("a"), "bytes").expect("write");
    let known = fs::metadata(rig.disk("a")).expect("stat");
    let seen = rig.disk.stat(&rig.disk("a")).expect("stat");
    assert_eq!((seen.kind, seen.size, seen.links, seen.uid), (Kind::File, 5, 1, known.uid()));
    assert_eq!(seen.mtime_ns, known.mtime() * 1_000_000_000 + known.mtime_nsec());
    assert_eq!(seen.ctime_ns, known.ctime() * 1_000_000_000 + known.ctime_nsec());
    assert_eq!(seen.identity.inode, known.ino());
    assert_eq!(seen.identity.volume, rig.root.volume);
    if let Ok(created) = known.created() {
        let birth = created.duration_since(UNIX_EPOCH).expect("after 1970").as_nanos();
        assert_eq!(u128::try_from(seen.identity.birth_ns), Ok(birth));
    }
    // Another disk object, as after a restart, names the filesystem alike.
    assert_eq!(RealDisk::new().stat(&rig.disk("a")).expect("stat"), seen);
    let owner = rig.file("a").owner;
    assert_eq!(owner, rig.disk.owner(known.uid()));
}

#[test]
fn names_are_bytes() {
    let rig = Rig::new();
    for name in [&b"two\nlines"[..], b"tab\there", b"caf\xe9", b"\xff\xfe", b" ", &[b'x'; 255]] {
        let shown = String::from_utf8_lossy(name);
        let at = rig.dir.path().join(OsStr::from_bytes(name));
        match fs::write(&at, "") {
            // APFS refuses what is not UTF-8.
            Err(error) if cfg!(target_os = "macos") => {
                eprintln!("skipped {shown:?}: {error}");
                continue;
            }
            written => written.expect("write"),
        }
        let path = path("/m").join(name);
        assert!(matches!(rig.see(path.clone()), Seen::File(_)), "{shown:?}");
        assert_eq!(rig.disk.list(rig.dir.path()).expect("list"), [(name.to_vec(), Some(Kind::File))]);
        fs::remove_file(&at).expect("remove");
        assert_eq!(rig.see(path), Seen::Absent, "{shown:?}");
    }
    let too_long = path("/m").join(&[b'x'; 256]);
    assert!(matches!(rig.see(too_long), Seen::Unreadable(_)));
}

#[test]
#[cfg(target_os = "linux")]
fn a_lease_tells_a_writer_until_it_closes() {
    let rig = Rig::new();
    fs::write(rig.disk("a"), "").expect("write");
    if rig.disk.writer(&rig.disk("a")) == Lease::Unknown {
        eprintln!("SKIPPED: {} grants no leases", rig.dir.path().display());
        return;
    }
    assert_eq!(rig.file("a").writer, Writer::None);
    let mut one = OpenOptions::new().append(true).open(rig.disk("a")).expect("open");
    let two = OpenOptions::new().append(true).open(rig.disk("a")).expect("open");
    one.write_all(b"x").expect("write");
    assert_eq!(rig.file("a").writer, Writer::Some);
    drop(one);
    assert_eq!(rig.file("a").writer, Writer::Some, "of two writers the last close counts");
    drop(two);
    assert_eq!(rig.file("a").writer, Writer::None);
    let reader = fs::File::open(rig.disk("a")).expect("open");
    assert_eq!(rig.file("a").writer, Writer::None, "readers do not count");
    drop(reader);
}

#[test]
#[cfg(target_os = "linux")]
fn a_mapping_is_a_writer_until_it_goes() {
    use std::os::fd::AsRawFd as _;

    let rig = Rig::new();
    fs::write(rig.disk("a"), [0; 4096]).expect("write");
    if rig.disk.writer(&rig.disk("a")) == Lease::Unknown {
        eprintln!("SKIPPED: {} grants no leases", rig.dir.path().display());
        return;
    }
    let file = OpenOptions::new().read(true).write(true).open(rig.disk("a")).expect("open");
    let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
    // SAFETY: a new mapping of 4096 bytes of a file that has them.
    let mapping = unsafe { libc::mmap(std::ptr::null_mut(), 4096, protection, flags, file.as_raw_fd(), 0) };
    assert_ne!(mapping, libc::MAP_FAILED);
    drop(file);
    assert_eq!(rig.file("a").writer, Writer::Some);
    // SAFETY: nobody uses the mapping.
    assert_eq!(unsafe { libc::munmap(mapping, 4096) }, 0);
    assert_eq!(rig.file("a").writer, Writer::None);
}

/// Many probes against many writers: each write comes through, and no signal ends the process.
#[test]
#[cfg(target_os = "linux")]
fn probes_and_writers_do_not_hurt_each_other() {
    let rig = Rig::new();
    let at = rig.disk("a");
    fs::write(&at, "").expect("write");
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for _ in 0..2000 {
                let mut file = OpenOptions::new().append(true).open(&at).expect("open");
                file.write_all(b"x").expect("write");
            }
        });
        while !writer.is_finished() {
            rig.disk.writer(&at);
        }
    });
    let look = rig.file("a");
    assert_eq!((look.stat.size, matches!(look.writer, Writer::Some)), (2000, false));
}

#[test]
fn what_is_no_file_is_no_asset_and_does_not_hang() {
    let rig = Rig::new();
    let fifo = rig.disk("fifo");
    let name = CString::new(fifo.as_os_str().as_bytes()).expect("a path");
    // SAFETY: a C string that outlives the call.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    symlink("fifo", rig.disk("link")).expect("link");
    let socket = std::os::unix::net::UnixListener::bind(rig.disk("socket")).expect("a socket");
    for (name, seen) in [("fifo", Seen::Other), ("link", Seen::Link), ("socket", Seen::Other)] {
        assert_eq!(rig.see(path("/m").join(name.as_bytes())), seen, "{name}");
        // As when one of them takes a file's place between the lstat and the probe.
        assert_eq!(rig.disk.writer(&rig.disk(name)), Lease::Unknown, "{name}");
    }
    drop(socket);
}

#[test]
fn a_hard_link_is_a_file_of_the_same_identity() {
    let rig = Rig::new();
    fs::write(rig.disk("a"), "").expect("write");
    fs::hard_link(rig.disk("a"), rig.disk("b")).expect("link");
    let (a, b) = (rig.file("a"), rig.file("b"));
    assert_eq!((a.stat, a.stat.links), (b.stat, 2));
    fs::remove_file(rig.disk("a")).expect("remove");
    assert_eq!(rig.see(path("/m/a")), Seen::Absent);
    assert_eq!(rig.file("b").stat.links, 1);
}

#[test]
fn a_directory_that_becomes_a_link_takes_its_children_along() {
    let rig = Rig::new();
    fs::create_dir(rig.disk("s")).expect("mkdir");
    fs::write(rig.disk("s/a"), "").expect("write");
    assert!(matches!(rig.see(path("/m/s/a")), Seen::File(_)));
    fs::rename(rig.disk("s"), rig.disk("t")).expect("rename");
    symlink("t", rig.disk("s")).expect("link");
    assert_eq!(rig.see(path("/m/s")), Seen::Link);
    assert_eq!(rig.see(path("/m/s/a")), Seen::Absent);
    assert!(matches!(rig.see(path("/m/t/a")), Seen::File(_)));
}

#[test]
#[cfg(target_os = "linux")]
fn attributes_are_read_as_they_are() {
    let rig = Rig::new();
    fs::write(rig.disk("a"), "").expect("write");
    if let Err(error) = set_attribute(&rig.disk("a"), "user.project", b"Alpha\0") {
        eprintln!("SKIPPED: {} has no attributes: {error}", rig.dir.path().display());
        return;
    }
    let before = rig.file("a");
    assert_eq!(attributes(&before)["XATTR_user.project"], ["Alpha"]);
    // More names than fit the first buffer.
    for number in 0..40 {
        set_attribute(&rig.disk("a"), &format!("user.number-{number:02}"), b"").expect("set");
    }
    let after = rig.file("a");
    assert_eq!(attributes(&after).len(), 41);
    assert_ne!(after.stat.ctime_ns, before.stat.ctime_ns);
    assert_eq!(after.stat.mtime_ns, before.stat.mtime_ns);
}

/// xfs gives its UUID by an ioctl. Without it, a look at the root would take the store for one on another filesystem.
#[test]
fn the_descriptor_of_a_root_takes_ioctls() {
    let root = super::handle::open(Path::new("/")).expect("a root");
    // SAFETY: the descriptor is open.
    let flags = unsafe { libc::fcntl(root.as_raw_fd(), libc::F_GETFL) };
    assert_eq!(flags & libc::O_PATH, 0);
}

#[test]
fn a_root_that_is_replaced_is_another_one() {
    let rig = Rig::new();
    let dir = rig.disk("root");
    assert_eq!(see_root(&rig.disk, &dir), RootSeen::Missing);
    fs::create_dir(&dir).expect("mkdir");
    let RootDirectory { identity, empty, handle, .. } = root_of(&rig.disk, &dir);
    assert!(empty);
    fs::write(dir.join("a"), "").expect("write");
    let RootDirectory { identity: same, empty, .. } = root_of(&rig.disk, &dir);
    assert!(!empty);
    assert_eq!(same, identity);
    fs::rename(&dir, rig.disk("moved")).expect("rename");
    fs::create_dir(&dir).expect("mkdir");
    let other = root_of(&rig.disk, &dir).identity;
    assert_ne!(identity, other);
    assert_eq!(rig.disk.handle(&dir, &identity), None, "another directory stands there");
    assert!(rig.disk.handle(&dir, &other).is_some_and(|handle| !rig.disk.was_removed(&dir, &handle)));
    // The first one was moved, and then removed. Without the right to open by handle there is no telling.
    let handle = handle.expect("every usual filesystem has handles");
    assert!(!rig.disk.was_removed(&dir, &handle), "it is elsewhere");
    fs::remove_dir_all(rig.disk("moved")).expect("removed");
    // SAFETY: no pointers.
    let may_ask = unsafe { libc::geteuid() } == 0;
    assert_eq!(rig.disk.was_removed(&dir, &handle), may_ask);
    fs::remove_dir(&dir).expect("rmdir");
    fs::write(&dir, "").expect("write");
    assert!(matches!(see_root(&rig.disk, &dir), RootSeen::Unusable(_)));
}

/// Makes a file in each directory as soon as it is watched.
struct Hasty;

impl WatchSource for Hasty {
    fn take_up(&self, _mount: MountId, dir: &Path, _mounting: Mounting) -> Result<Watching, WatchError> {
        panic!("nobody looks at the root {}", dir.display())
    }

    fn watch(&self, _mount: MountId, _path: &LogicalPath, dir: &Path) -> Result<(), WatchError> {
        fs::write(dir.join("hasty"), "").map_err(|error| WatchError::Failed(error.to_string()))
    }

    fn forget(&self, _mount: MountId, _path: &LogicalPath) {}

    fn sync(&self, _number: u64) -> Result<(), WatchError> {
        Ok(())
    }
}

#[test]
fn the_watch_stands_before_the_listing_begins() {
    let rig = Rig::new();
    fs::create_dir(rig.disk("s")).expect("mkdir");
    fs::create_dir(rig.disk("s/t")).expect("mkdir");
    let request = ListRequest {
        ticket: Ticket(1),
        path: path("/m/s"),
        mount: MountId(0),
        root: rig.root.into(),
        metadata: false,
    };
    let listed = list(&rig.disk, &rig.mounts, &Hasty, &wall, &request);
    assert_eq!(listed.unwatched, None);
    let listing = listed.content.expect("a listing");
    assert_eq!(listing.files.iter().map(|file| &file.name[..]).collect::<Vec<_>>(), [b"hasty"]);
    assert_eq!(listing.directories, [b"t"]);
    assert_eq!(listing.files[0].stat, rig.file("s/hasty").stat);
}

/// Different filesystems have different numbers, and crossing into one is seen.
#[test]
#[cfg(target_os = "linux")]
fn filesystems_are_told_apart() {
    let disk = RealDisk::new();
    let volume = |path: &str| disk.stat(Path::new(path)).expect("stat").identity.volume;
    let (proc, root) = (volume("/proc"), volume("/"));
    assert_ne!(proc, root);
    assert_eq!(volume("/"), root);
}
