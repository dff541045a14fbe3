//! A disk in memory: directories and files with inodes, links, attributes and open writers, and the events that a
//! kernel would make of what is done to it. It decides nothing; `ops` says what is done.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use ringback::look::disk::{self, Disk, DiskStat, Kind, Lease};
use ringback::metadata::content::Content;
use ringback::model::asset::Identity;
use ringback::model::ids::MountId;
use ringback::model::path::LogicalPath;
use ringback::model::root::Handle;
use ringback::model::watching::{SourceKind, Watching};
use ringback::watch::table::Place;
use ringback::watch::{Mounting, WatchError, WatchSource};

use super::instance::Instances;
use super::ops;
use super::rng::Rng;
use super::source::{Asked, Mask, Source};

/// A node for life; unlike an inode number it is never reused.
pub type Id = usize;
/// A name in a directory.
pub type Dentry = (Id, Vec<u8>);

/// A file or directory.
#[derive(Debug, Clone)]
pub struct Node {
    pub kind: Kind,
    pub identity: Identity,
    pub size: u64,
    pub mtime_ns: i64,
    pub ctime_ns: i64,
    pub links: u64,
    pub uid: u32,
    pub xattrs: BTreeMap<String, Vec<u8>>,
    pub children: BTreeMap<Vec<u8>, Id>,
    /// Where a directory is; unused for files.
    pub parent: Option<Dentry>,
    /// When it was made or its bytes last changed: that must be told whatever happens after.
    pub told_ns: i64,
    /// A filesystem that is, or was, mounted at this directory.
    pub inner: Option<InnerDisk>,
    /// It has, or had, several names.
    pub linked: bool,
    /// Something happened to it by a name that no source hints, so that its other names were not heard of.
    pub shadowed: bool,
}

/// A filesystem that is mounted at a directory inside a mount, or was.
#[derive(Debug, Clone, Copy)]
pub struct InnerDisk {
    pub root: Id,
    pub mounted: bool,
}

/// An open file description for writing.
#[derive(Debug, Clone)]
pub struct Writer {
    pub node: Id,
    /// The name it was opened by, as renames have left it; `None` once that is unlinked.
    pub at: Option<Dentry>,
}

/// A mount: its logical path, its directory, and whether somebody took it away.
#[derive(Debug, Clone)]
pub struct MountPoint {
    pub logical: LogicalPath,
    pub name: Vec<u8>,
    /// Its real root, kept while another directory or nothing stands in its place.
    pub away: Option<Id>,
}

/// What the kernel knows.
pub struct Inner {
    pub nodes: Vec<Node>,
    pub writers: Vec<Writer>,
    /// Files whose last close was queued, and whose count of writers drops at this time.
    pub lingering: Vec<(Id, u64)>,
    pub source: Source,
    pub instances: Instances,
    pub mounts: Vec<MountPoint>,
    pub rng: Rng,
    pub mono_ms: u64,
    pub wall_ms: i64,
    sub_ns: i64,
    free_inodes: Vec<u64>,
    next_inode: u64,
    /// Leases work.
    pub leases: bool,
    /// Watches in a thousand that are refused.
    pub limit: u32,
    /// Writes in a thousand that no event tells.
    pub deaf: u32,
    /// Mounts enter the filesystems inside them.
    pub crosses: bool,
    /// Mounts' roots are filesystems of their own, and not plain directories.
    pub mount_roots: bool,
    /// How far behind the clock of what is stored is, milliseconds.
    pub behind_ms: i64,
    /// Closes in a thousand whose writer is counted a while longer.
    pub lingers: u32,
    /// System calls of a look in ten thousand in the middle of which the source's queue dies.
    pub deaths: u32,
    /// Operations in a thousand system calls of a look.
    pub meddle: u32,
    /// Directories that cannot be listed, and files whose attributes cannot be read.
    pub unreadable: BTreeSet<Id>,
    /// Looks at a root in a thousand in the middle of which it is removed and made anew.
    pub remakes: u32,
    /// How often each path lost the file that it had.
    pub unbinds: BTreeMap<Vec<u8>, u32>,
    /// How often anything happened at each path.
    pub versions: BTreeMap<Vec<u8>, u32>,
    /// What each disk path was ever seen to have: bytes, and modification time.
    pub seen: BTreeSet<(PathBuf, u64, i64)>,
    /// Files keep birth times.
    pub births: bool,
    /// How coarse the times of files are, nanoseconds.
    pub granularity_ns: i64,
    /// Files that were rewritten with the old date put back, and are not known to be reported yet.
    pub rewrites: Vec<(Vec<u8>, Id)>,
    /// What was done, for the trace.
    pub log: Vec<String>,
}

/// The attribute that says which node a file is.
const NODE: &str = "user.node";
/// The volume of a directory that stands in for a mount's root.
pub const STAND_IN: u64 = 77;

/// Where the mounts' directories are.
pub const TOP: Id = 0;

impl Inner {
    pub fn new(rng: Rng, mounts: &[(&str, u64)], wall_ms: i64) -> Self {
        let mut inner = Self {
            nodes: Vec::new(),
            writers: Vec::new(),
            lingering: Vec::new(),
            lingers: 0,
            source: Source::default(),
            instances: Instances::default(),
            deaths: 0,
            limit: 0,
            deaf: 0,
            crosses: false,
            mount_roots: true,
            behind_ms: 0,
            mounts: Vec::new(),
            rng,
            mono_ms: 1_000,
            wall_ms,
            sub_ns: 0,
            free_inodes: Vec::new(),
            next_inode: 10,
            leases: true,
            meddle: 0,
            remakes: 0,
            unreadable: BTreeSet::new(),
            unbinds: BTreeMap::new(),
            versions: BTreeMap::new(),
            seen: BTreeSet::new(),
            births: true,
            granularity_ns: 0,
            rewrites: Vec::new(),
            log: Vec::new(),
        };
        let top = inner.make(Kind::Directory, 99);
        assert_eq!(top, TOP);
        for (name, volume) in mounts {
            let root = inner.make(Kind::Directory, *volume);
            inner.nodes[TOP].children.insert(name.as_bytes().to_vec(), root);
            inner.nodes[root].parent = Some((TOP, name.as_bytes().to_vec()));
            let logical = LogicalPath::parse(format!("/{name}").as_bytes()).expect("a path");
            inner.mounts.push(MountPoint { logical, name: name.as_bytes().to_vec(), away: None });
        }
        inner
    }

    /// A timestamp, as the disk keeps it. Where times are not coarse no other event has it.
    pub fn stamp(&mut self) -> i64 {
        let exact = self.moment();
        exact - exact.rem_euclid(self.granularity_ns.max(1))
    }

    /// A time that no other event has.
    fn moment(&mut self) -> i64 {
        self.sub_ns = (self.sub_ns + 1) % 1_000_000;
        (self.wall_ms - self.behind_ms) * 1_000_000 + self.sub_ns
    }

    pub fn make(&mut self, kind: Kind, volume: u64) -> Id {
        let inode = match self.free_inodes.is_empty() || self.rng.chance(300) {
            true => {
                self.next_inode += 1;
                self.next_inode
            }
            false => {
                let at = self.rng.below(self.free_inodes.len());
                self.free_inodes.remove(at)
            }
        };
        let now = self.stamp();
        let birth_ns = if self.births { self.moment() } else { 0 };
        let mut xattrs = BTreeMap::new();
        if kind == Kind::File {
            // Which file it is in truth, whatever its inode says.
            xattrs.insert(NODE.to_owned(), self.nodes.len().to_string().into_bytes());
        }
        self.nodes.push(Node {
            kind,
            identity: Identity { volume, inode, birth_ns },
            size: 0,
            mtime_ns: now,
            ctime_ns: now,
            links: 1,
            uid: 1_000,
            xattrs,
            children: BTreeMap::new(),
            parent: None,
            told_ns: now,
            inner: None,
            linked: false,
            shadowed: false,
        });
        self.nodes.len() - 1
    }

    /// Gives the inode number back once nothing names or holds the node.
    pub fn reap(&mut self, id: Id) {
        if self.nodes[id].links == 0 && !self.writers.iter().any(|w| w.node == id) {
            self.free_inodes.push(self.nodes[id].identity.inode);
        }
    }

    pub fn resolve(&self, path: &Path) -> io::Result<Id> {
        let mut at = TOP;
        let text = path.to_str().map(str::as_bytes);
        let bytes = text.unwrap_or_else(|| std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()));
        let below = bytes.strip_prefix(b"/m").ok_or_else(|| io::Error::from_raw_os_error(libc::ENOENT))?;
        for name in below.split(|&b| b == b'/').filter(|name| !name.is_empty()) {
            if self.nodes[at].kind != Kind::Directory {
                return Err(io::Error::from_raw_os_error(libc::ENOTDIR));
            }
            at = *self.nodes[at].children.get(name).ok_or_else(|| io::Error::from_raw_os_error(libc::ENOENT))?;
            at = self.shown(at);
        }
        Ok(at)
    }

    /// What shows at a directory: the root of what is mounted there.
    pub fn shown(&self, id: Id) -> Id {
        self.nodes[id].inner.filter(|inner| inner.mounted).map_or(id, |inner| inner.root)
    }

    /// Whether something is mounted at the very directory that a node is.
    fn is_mount_root(&self, id: Id) -> bool {
        let is_root = self.mounts.iter().any(|mount| self.nodes[TOP].children.get(&mount.name) == Some(&id));
        let is_stand_in = self.nodes[id].identity.volume == STAND_IN;
        (is_root && self.mount_roots && !is_stand_in)
            || self.nodes.iter().any(|node| node.inner.is_some_and(|inner| inner.mounted && inner.root == id))
    }

    /// Whether users find the mount's own files below a directory, or those of a filesystem that is entered.
    fn is_open(&self, id: Id) -> bool {
        self.nodes[id].inner.is_none_or(|inner| inner.mounted == self.crosses)
    }

    /// The logical path of a name; `None` when it lies in no mount now.
    pub fn logical(&self, (dir, name): &Dentry) -> Option<Vec<u8>> {
        let mut names = vec![name.clone()];
        let mut at = *dir;
        while at != TOP {
            let (parent, name) = self.nodes[at].parent.clone()?;
            names.push(name);
            at = parent;
        }
        names.reverse();
        Some(names.iter().flat_map(|name| [b"/".as_slice(), name].concat()).collect())
    }

    pub fn event(&mut self, dir: Id, name: Option<&[u8]>, mask: Mask) {
        let child = name.and_then(|name| self.nodes[dir].children.get(name).copied());
        self.source.event(dir, name, child, mask);
    }

    /// The error of a disk that cannot read what is stored there.
    fn read(&self, id: Id) -> io::Result<()> {
        if self.unreadable.contains(&id) { Err(io::Error::from_raw_os_error(libc::EIO)) } else { Ok(()) }
    }

    /// The logical path of a directory; `None` when it is no more.
    pub fn directory_path(&self, id: Id) -> Option<Vec<u8>> {
        let node = &self.nodes[id];
        let is_directory = node.kind == Kind::Directory && node.links > 0;
        is_directory.then(|| self.logical(node.parent.as_ref()?)).flatten()
    }

    pub fn touch(&mut self, at: &Dentry) {
        if let Some(path) = self.logical(at) {
            *self.versions.entry(path).or_default() += 1;
        }
    }

    /// Every file in a mount that is there, with its name, in order.
    pub fn files(&self) -> Vec<(Dentry, Id)> {
        let mut out = Vec::new();
        for dir in self.dirs() {
            for (name, &id) in &self.nodes[dir].children {
                if self.nodes[id].kind == Kind::File {
                    out.push(((dir, name.clone()), id));
                }
            }
        }
        out
    }

    /// Every directory in a mount that is there, roots included.
    pub fn dirs(&self) -> Vec<Id> {
        let mut out = Vec::new();
        for mount in self.mounts.iter().filter(|mount| mount.away.is_none()) {
            if let Some(&root) = self.nodes[TOP].children.get(&mount.name) {
                self.walk(root, &mut out);
            }
        }
        out
    }

    pub fn walk(&self, dir: Id, out: &mut Vec<Id>) {
        out.push(dir);
        for &child in self.nodes[dir].children.values() {
            if self.nodes[child].kind == Kind::Directory && self.is_open(child) {
                self.walk(self.shown(child), out);
            }
        }
    }

    /// The source's queue dies; nothing can end polling.
    pub fn kill_source(&mut self) {
        if self.source.kind() != SourceKind::Poll {
            let says_so = self.rng.chance(500);
            let mounts = (0..self.mounts.len() as u16).map(MountId);
            self.instances.die(&mut self.source, mounts, says_so);
            self.log.push(format!("the source dies; it says so: {says_so}"));
        }
    }

    /// Directories at which something is, or was, mounted, in mounts that are there.
    pub fn inner_places(&self) -> Vec<Id> {
        let below = |dir: Id| self.nodes[dir].children.values().copied().collect::<Vec<_>>();
        let places = self.dirs().into_iter().flat_map(below).filter(|child| self.nodes[*child].inner.is_some());
        places.collect()
    }

    pub fn has_writer(&self, id: Id) -> bool {
        let lingers = |&(node, until): &(Id, u64)| node == id && until > self.mono_ms;
        self.writers.iter().any(|w| w.node == id) || self.lingering.iter().any(lingers)
    }
}

/// The disk and the watch source over it, as the edges see them.
#[derive(Clone)]
pub struct Host {
    pub inner: Arc<Mutex<Inner>>,
    pub sees_closes: bool,
}

impl Host {
    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nobody panics with it")
    }

    fn call(&self) -> MutexGuard<'_, Inner> {
        let mut inner = self.lock();
        let meddle = inner.meddle;
        if meddle > 0 && inner.rng.chance(meddle) {
            ops::random(&mut inner);
        }
        let deaths = inner.deaths;
        if deaths > 0 && inner.rng.chance(100) && inner.rng.chance(deaths) {
            inner.kill_source();
        }
        inner
    }
}

impl Disk for Host {
    fn stat(&self, path: &Path) -> io::Result<DiskStat> {
        let mut inner = self.call();
        let id = inner.resolve(path)?;
        let seen = (path.to_owned(), inner.nodes[id].size, inner.nodes[id].mtime_ns);
        inner.seen.insert(seen);
        let node = &inner.nodes[id];
        Ok(DiskStat {
            kind: node.kind,
            identity: node.identity,
            size: node.size,
            mtime_ns: node.mtime_ns,
            ctime_ns: node.ctime_ns,
            links: node.links,
            uid: node.uid,
            is_mount_root: inner.is_mount_root(inner.resolve(path)?),
            filesystem: node.identity.volume,
            granularity_ns: inner.granularity_ns,
        })
    }

    fn mounted_below(&self, dir: &Path) -> io::Result<Vec<disk::MountPoint>> {
        let inner = self.call();
        let root = inner.resolve(dir)?;
        let mut points = Vec::new();
        for (at, node) in inner.nodes.iter().enumerate().filter(|(_, node)| node.inner.is_some_and(|it| it.mounted)) {
            let Some(path) = node.parent.as_ref().and_then(|parent| inner.logical(parent)) else { continue };
            let at_disk = disk_path(&path);
            let is_there = inner.resolve(&at_disk).is_ok_and(|shown| shown == inner.shown(at));
            if is_there && at_disk.starts_with(dir) && inner.shown(at) != root {
                points.push(disk::MountPoint { at: at_disk, is_second_way: false });
            }
        }
        points.sort_by(|a, b| a.at.cmp(&b.at));
        Ok(points)
    }

    fn handle(&self, dir: &Path, identity: &Identity) -> Option<Handle> {
        let mut inner = self.call();
        let remakes = inner.remakes;
        if remakes > 0 && inner.rng.chance(remakes) {
            let names = inner.mounts.iter().map(|mount| disk_path(&[b"/", &*mount.name].concat()));
            if let Some(mount) = names.enumerate().find(|(_, at)| at == dir).map(|(mount, _)| mount) {
                ops::remake_root(&mut inner, mount);
            }
        }
        let id = inner.resolve(dir).ok()?;
        (inner.nodes[id].identity == *identity).then(|| Handle(id.to_ne_bytes().to_vec()))
    }

    fn was_removed(&self, _dir: &Path, handle: &Handle) -> bool {
        let id = handle.0.first_chunk().map_or(TOP, |bytes| usize::from_ne_bytes(*bytes));
        self.lock().nodes[id].links == 0
    }

    fn list(&self, path: &Path) -> io::Result<Vec<(Vec<u8>, Option<Kind>)>> {
        let inner = self.call();
        let id = inner.resolve(path)?;
        let node = &inner.nodes[id];
        if node.kind != Kind::Directory {
            return Err(io::Error::from_raw_os_error(libc::ENOTDIR));
        }
        inner.read(id)?;
        Ok(node.children.iter().map(|(name, &id)| (name.clone(), Some(inner.nodes[id].kind))).collect())
    }

    fn xattrs(&self, path: &Path) -> io::Result<Vec<(String, Vec<u8>)>> {
        let inner = self.call();
        let id = inner.resolve(path)?;
        inner.read(id)?;
        let node = &inner.nodes[id];
        Ok(node.xattrs.iter().map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Content>> {
        let inner = self.call();
        let id = inner.resolve(path)?;
        inner.read(id)?;
        Ok(Box::new(Bytes(content_of(&inner.nodes[id]))))
    }

    fn writer(&self, path: &Path) -> Lease {
        let inner = self.call();
        match inner.resolve(path) {
            _ if !inner.leases => Lease::Unknown,
            Ok(id) if inner.has_writer(id) => Lease::Busy,
            Ok(_) => Lease::Free,
            Err(_) => Lease::Unknown,
        }
    }

    fn owner(&self, uid: u32) -> String {
        format!("u{uid}")
    }
}

/// The key of what files say.
pub const LABEL: &str = "XMP_Label";

/// What a file says: XMP with a label that no other state of the file has.
pub fn label_of(size: u64, mtime_ns: i64) -> String {
    format!("{size} bytes at {mtime_ns}")
}

fn content_of(node: &Node) -> Vec<u8> {
    let label = label_of(node.size, node.mtime_ns);
    format!(
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
         <rdf:Description xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmp:Label='{label}'/></rdf:RDF></x:xmpmeta>"
    )
    .into_bytes()
}

struct Bytes(Vec<u8>);

impl Content for Bytes {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.as_slice().read_at(at, buffer)
    }
}

impl WatchSource for Host {
    fn take_up(&self, mount: MountId, _dir: &Path, _mounting: Mounting) -> Result<Watching, WatchError> {
        let mut inner = self.lock();
        let instance = inner.instances.take_up(mount);
        Ok(inner.source.take_up(instance, self.sees_closes))
    }

    fn watch(&self, mount: MountId, path: &LogicalPath, dir: &Path) -> Result<(), WatchError> {
        let mut inner = self.call();
        let limit = inner.limit;
        if inner.rng.chance(limit) {
            return Err(WatchError::Limit);
        }
        inner.instances.check(mount)?;
        let id = inner.resolve(dir).map_err(|_| WatchError::Gone)?;
        if inner.nodes[id].kind != Kind::Directory {
            return Err(WatchError::Gone);
        }
        let inode = |inner: &Inner, path: &Path| {
            let node = &inner.nodes[inner.resolve(path).ok()?];
            (node.kind == Kind::Directory).then_some((node.identity.volume, node.identity.inode))
        };
        let this = inode(&inner, dir).expect("it is a directory");
        let mut source = std::mem::take(&mut inner.source);
        let watched = match &mut source {
            Source::Poll(_) => Ok(()),
            Source::Notify(source) => source.watch_as_asked(dir, id, this, |path| inode(&inner, path) == Some(this)),
            Source::Keyed(source) => {
                let stands = |place: &Place| inode(&inner, &disk_path(place.path.as_bytes())) == Some(this);
                source.watch(&Asked { mount, path, node: id }, stands);
                Ok(())
            }
        };
        inner.source = source;
        watched
    }

    fn forget(&self, _mount: MountId, path: &LogicalPath) {
        let mut inner = self.call();
        let there = inner.resolve(&disk_path(path.as_bytes())).is_ok_and(|id| inner.nodes[id].kind == Kind::Directory);
        inner.source.forget(path, there);
    }

    fn sync(&self, number: u64) -> Result<(), WatchError> {
        let mut inner = self.lock();
        inner.instances.check_all()?;
        inner.source.sync(number);
        Ok(())
    }
}

/// The disk path of a logical one.
pub fn disk_path(logical: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStringExt as _;
    std::ffi::OsString::from_vec([b"/m".as_slice(), logical].concat()).into()
}
