//! What is believed of roots, through the whole of intake: a tree of files under a root, filesystems inside it, a
//! ledger in memory, and the journal at the end.

use std::collections::BTreeMap;

use crate::intake::Input;
use crate::intake::tests::machine::{self, Machine, World as _};
use crate::model::asset::{Identity, Stat};
use crate::model::change::Action;
use crate::model::hint::{Hint, HintKind, Signal};
use crate::model::ids::{MountId, ReplyId};
use crate::model::job::Job;
use crate::model::look::{ListError, Listed, Listing, Looked, Seen, Writer};
use crate::model::mount::{MaxDeletions, Mount};
use crate::model::path::LogicalPath;
use crate::model::rescan::RescanRequest;
use crate::model::root::{Handle, MountedBelow, RootDirectory, RootRequest, RootSeen, Sampled};
use crate::model::status::{MountState, MountStatus, NoteKind};
use crate::model::watching::{Generation, SourceKind, Watching};

#[test]
fn a_bare_mount_point_with_a_stray_file_is_not_the_store() {
    let mut world = World::new(&["/a 1", "/b 2", "/d/c 3"]);
    let store = std::mem::replace(&mut world.tree, Tree::bare(2, &["/stray 9"]));
    let status = world.look_at_root();
    assert_eq!(status.state, MountState::Offline);
    let reason = status.reason.expect("a reason");
    assert!(reason.contains("of 3 known files that were looked for in it 0 are there"), "{reason}");
    assert!(reason.contains("rescan --accept-root /"), "{reason}");
    world.tree = store;
    assert_eq!(world.look_at_root().state, MountState::Watching);
    assert_eq!(world.journal(), [""; 0]);
}

#[test]
fn an_empty_directory_in_place_of_the_store_is_not_the_store() {
    for volume in [1, 2] {
        let mut world = World::new(&["/a 1"]);
        world.tree = Tree::bare(volume, &[]);
        let reason = world.look_at_root().reason.expect("it is offline");
        assert!(reason.starts_with("its root is suddenly empty"), "{reason}");
        assert_eq!(world.journal(), [""; 0]);
    }
}

#[test]
fn a_store_that_moved_to_another_disk_goes_on() {
    let mut world = World::new(&["/a 1", "/b 2", "/d/c 3"]);
    // One file was left behind, and one is new: both are reported, and nothing else.
    world.tree = Tree { root: root(2, 7), ..Tree::store(&["/a 1", "/d/c 3", "/new 4"]) };
    assert_eq!(world.look_at_root().state, MountState::Watching);
    world.settle();
    assert_eq!(world.journal(), ["deleted /b", "added /new"]);
}

#[test]
fn a_copy_that_is_still_running_comes_online_once_half_of_it_is_there() {
    let mut world = World::new(&["/a 1", "/b 2", "/c 3", "/d 4"]);
    let copy = |files: &[&str]| Tree { root: root(2, 7), ..Tree::store(files) };
    world.tree = copy(&["/a 1", "/b 9"]);
    assert_eq!(world.look_at_root().state, MountState::Offline);
    world.tree = copy(&["/a 1", "/b 2", "/c 3", "/d 4"]);
    assert_eq!(world.look_at_root().state, MountState::Watching);
    assert_eq!(world.journal(), [""; 0]);
}

#[test]
fn a_caller_may_vouch_for_another_root() {
    let mut world = World::new(&["/a 1"]);
    world.tree = Tree::bare(2, &["/z 9"]);
    assert_eq!(world.look_at_root().state, MountState::Offline);
    world.rescan(RescanRequest { accept_root: true, ..RescanRequest::of(None) });
    assert_eq!(world.status().state, MountState::Watching);
    assert_eq!(world.journal(), ["deleted /a", "added /z"]);
}

#[test]
fn a_root_that_was_removed_at_its_place_is_believed_only_where_nothing_is_mounted() {
    for (is_mount_root, state) in [(false, MountState::Watching), (true, MountState::Offline)] {
        let mut world = World::with(Tree { is_mount_root, ..Tree::store(&["/a 1"]) }, |_| {});
        let (handle, removed) = (Some(handle(8)), Some(handle(2)));
        world.tree = Tree { root: root(1, 8), is_mount_root, handle, removed, ..Tree::store(&[]) };
        assert_eq!(world.look_at_root().state, state);
        world.settle();
        let told: &[&str] = if is_mount_root { &[] } else { &["deleted /a"] };
        assert_eq!(world.journal(), told);
    }
}

/// The root is removed and made anew while it is looked at: the look has the old identity, and no handle.
#[test]
fn a_root_that_was_replaced_in_the_middle_of_a_look_is_known_to_be_removed_at_the_next() {
    let mut world = World::with(Tree { is_mount_root: false, ..Tree::store(&["/a 1"]) }, |_| {});
    world.tree.handle = None;
    assert_eq!(world.look_at_root().state, MountState::Watching);
    world.tree = Tree {
        root: root(1, 8),
        is_mount_root: false,
        handle: Some(handle(8)),
        removed: Some(handle(2)),
        ..Tree::store(&["/b 1"])
    };
    assert_eq!(world.look_at_root().state, MountState::Watching);
    world.settle();
    assert_eq!(world.journal(), ["deleted /a", "added /b"]);
}

/// Without birth times the new directory looks like the removed one, whose inode number it has.
#[test]
fn a_root_that_was_removed_and_made_anew_with_its_inode_number_is_scanned() {
    let mut world = World::with(Tree { is_mount_root: false, ..Tree::store(&["/a 1"]) }, |_| {});
    world.tree =
        Tree { is_mount_root: false, handle: Some(handle(8)), removed: Some(handle(2)), ..Tree::store(&["/b 1"]) };
    assert_eq!(world.look_at_root().state, MountState::Watching);
    world.settle();
    assert_eq!(world.journal(), ["deleted /a", "added /b"]);
}

#[test]
fn a_filesystem_that_comes_late_over_a_few_files_is_scanned_silently() {
    let mut world = World::with(Tree::bare(2, &["/readme 1"]), |_| {});
    world.tree = Tree::store(&["/a 1", "/b 2"]);
    assert_eq!(world.look_at_root().state, MountState::Watching);
    world.settle();
    assert_eq!((world.status().assets, world.journal()), (2, vec![]));
    // And once it is there, the bare directory is not the store.
    world.tree = Tree::bare(2, &["/readme 1"]);
    assert_eq!(world.look_at_root().state, MountState::Offline);
}

#[test]
fn the_first_scan_is_not_silent_again_for_a_mount_that_had_files() {
    let mut world = World::new(&["/a 1"]);
    world.tree.files.clear();
    world.rescan(RescanRequest::of(None));
    assert_eq!(world.journal(), ["deleted /a"]);
    world.tree = Tree { root: root(2, 7), ..Tree::store(&["/b 2"]) };
    world.look_at_root();
    world.settle();
    assert_eq!(world.journal(), ["deleted /a", "added /b"]);
}

/// A file, then a directory with a filesystem mounted at it, then nothing: the file is looked at as soon as its place
/// is visible again, and not only when the next look for covered places is due.
#[test]
fn a_file_whose_place_was_covered_is_looked_at_once_the_cover_is_gone() {
    let mut world = World::new(&["/drive 1", "/z 1"]);
    world.tree.files.remove(&path("/drive"));
    world.tree.mount("/drive", 5, &["/drive/x 1"]);
    world.look_at_root();
    world.step(Input::Signals(vec![Signal::Hint(Hint { path: path("/drive"), kind: HintKind::Moved })]));
    world.run();
    assert_eq!(world.journal(), [""; 0], "it is covered");
    world.tree.unmount("/drive");
    for _ in 0..3 {
        world.pass(500);
    }
    assert_eq!(world.journal(), ["deleted /drive"]);
}

#[test]
fn what_is_mounted_inside_and_unmounted_is_offline_with_its_files() {
    let mut world = World::with(Tree::store(&["/a 1"]), |mount| mount.cross_filesystems = true);
    world.tree.mount("/drive", 5, &["/drive/x 1", "/drive/d/y 2"]);
    world.look_at_root();
    world.settle();
    assert_eq!(world.journal(), ["added /drive/x", "added /drive/d/y"]);
    let drive = world.tree.unmount("/drive");
    let status = world.look_at_root();
    world.rescan(RescanRequest::of(None));
    assert_eq!(status.state, MountState::Degraded);
    assert!(status.reason.as_ref().expect("a reason").contains("2 known files below it are offline"), "{status:?}");
    assert_eq!(
        status.notes.iter().map(|note| (&*note.path, note.why)).collect::<Vec<_>>(),
        [("/drive", NoteKind::Filesystem)]
    );
    // A restart knows it too.
    world.restart();
    assert_eq!(world.status().state, MountState::Degraded);
    assert_eq!(world.journal().len(), 2, "nothing is deleted");
    world.tree.inner = drive;
    assert_eq!(world.look_at_root().state, MountState::Watching);
    assert_eq!(world.journal().len(), 2);
    // Given up for good.
    world.tree.unmount("/drive");
    world.look_at_root();
    world.rescan(RescanRequest { accept_root: true, ..RescanRequest::of(Some(path("/drive"))) });
    let mut deleted = world.journal().split_off(2);
    deleted.sort();
    assert_eq!(deleted, ["deleted /drive/d/y", "deleted /drive/x"]);
    assert_eq!(world.status().state, MountState::Watching);
}

#[test]
fn what_is_mounted_inside_for_a_second_time_is_scanned() {
    let mut world = World::with(Tree::store(&["/a 1"]), |mount| mount.cross_filesystems = true);
    world.tree.mount("/drive", 5, &["/drive/x 1"]);
    world.look_at_root();
    assert_eq!(world.journal(), ["added /drive/x"]);
    // Nothing hints what was done to it meanwhile.
    world.tree.unmount("/drive");
    world.tree.mount("/drive", 5, &["/drive/y 2"]);
    world.tree.mounting += 1;
    world.look_at_root();
    let mut journal = world.journal();
    journal.sort();
    assert_eq!(journal, ["added /drive/x", "added /drive/y", "deleted /drive/x"]);
}

#[test]
fn what_is_mounted_over_known_files_hides_them() {
    for crosses in [false, true] {
        let mut world = World::with(Tree::store(&["/d/a 1", "/b 2"]), |mount| mount.cross_filesystems = crosses);
        world.tree.mount("/d", 5, &["/d/z 9"]);
        let status = world.look_at_root();
        assert_eq!(status.state, MountState::Degraded);
        assert!(status.reason.as_ref().expect("a reason").contains("it hides 1 known file"), "{status:?}");
        world.rescan(RescanRequest::of(None));
        assert_eq!(world.journal(), [""; 0]);
        world.tree.unmount("/d");
        // Made beneath it meanwhile.
        world.tree.files.insert(path("/d/new"), 3);
        assert_eq!(world.look_at_root().state, MountState::Watching);
        world.settle();
        assert_eq!(world.journal(), ["added /d/new"]);
    }
}

#[test]
fn a_scan_that_finds_too_many_deletions_stops_reporting_them() {
    let ten: Vec<String> = (0..10).map(|n| format!("/d{}/f{n} 1", n % 2)).collect();
    let ten: Vec<&str> = ten.iter().map(String::as_str).collect();
    let brake = |mount: &mut Mount| mount.max_deletions = Some(MaxDeletions::Percent(30));
    let mut world = World::with(Tree::store(&ten), brake);
    world.tree.files.clear();
    world.rescan(RescanRequest::of(None));
    assert_eq!(world.journal().len(), 3);
    let status = world.status();
    assert_eq!((status.state, status.assets), (MountState::Degraded, 7));
    let reason = status.reason.expect("a reason");
    assert!(reason.contains("7 deletions that a scan found") && reason.contains("--accept-deletions /"), "{reason}");
    // Neither a further scan nor a restart reports more.
    world.rescan(RescanRequest::of(None));
    world.restart();
    assert_eq!((world.journal().len(), world.status().state), (3, MountState::Degraded));
    world.rescan(RescanRequest { accept_deletions: true, ..RescanRequest::of(None) });
    assert_eq!((world.journal().len(), world.status().assets), (10, 0));
    assert_eq!(world.status().state, MountState::Watching);
}

#[test]
fn deletions_stay_withheld_when_a_scan_begins_before_the_last_one_was_judged() {
    let brake = |mount: &mut Mount| mount.max_deletions = Some(MaxDeletions::Count(1));
    let mut world = World::with(Tree::store(&["/a 1", "/b 2", "/c 3"]), brake);
    world.tree.files.clear();
    world.rescan(RescanRequest::of(None));
    assert_eq!(world.journal(), ["deleted /a"]);
    for reply in [8, 9] {
        world.machine.scan(ReplyId(reply), &RescanRequest::of(None));
    }
    world.settle();
    assert_eq!((world.journal().len(), world.status().state), (1, MountState::Degraded));
}

#[test]
fn as_many_deletions_as_are_allowed_are_reported() {
    let brake = |mount: &mut Mount| mount.max_deletions = Some(MaxDeletions::Count(2));
    let mut world = World::with(Tree::store(&["/a 1", "/b 2", "/c 3"]), brake);
    world.tree.files.retain(|file, _| *file == path("/c"));
    world.rescan(RescanRequest::of(None));
    assert_eq!(world.journal(), ["deleted /a", "deleted /b"]);
    assert_eq!(world.status().state, MountState::Watching);
}

/// What is on disk: files with their sizes under a root, and filesystems inside it.
#[derive(Clone)]
struct Tree {
    root: Identity,
    is_mount_root: bool,
    handle: Option<Handle>,
    /// The root of this handle was removed.
    removed: Option<Handle>,
    files: BTreeMap<LogicalPath, u64>,
    inner: Vec<(LogicalPath, Identity, BTreeMap<LogicalPath, u64>)>,
    /// Which mounting of them it is.
    mounting: u64,
}

fn root(volume: u64, inode: u64) -> Identity {
    Identity { volume, inode, birth_ns: 1 }
}

impl Tree {
    fn store(files: &[&str]) -> Self {
        let files = self::files(files);
        let handle = Some(handle(2));
        Self { root: root(1, 2), is_mount_root: true, handle, removed: None, files, inner: Vec::new(), mounting: 1 }
    }

    fn bare(volume: u64, files: &[&str]) -> Self {
        Self { root: root(volume, 3), is_mount_root: false, ..Self::store(files) }
    }

    fn mount(&mut self, at: &str, volume: u64, files: &[&str]) {
        self.inner.push((path(at), root(volume, 4), self::files(files)));
    }

    fn unmount(&mut self, at: &str) -> Vec<(LogicalPath, Identity, BTreeMap<LogicalPath, u64>)> {
        let at = path(at);
        assert!(self.inner.iter().any(|(inner, ..)| *inner == at));
        std::mem::take(&mut self.inner)
    }

    /// The files that show, each with its filesystem.
    fn shown(&self) -> BTreeMap<LogicalPath, (u64, u64)> {
        let is_hidden = |file: &LogicalPath| self.inner.iter().any(|(at, ..)| file.is_below(at));
        let own = self.files.iter().filter(|(file, _)| !is_hidden(file));
        let mut shown: BTreeMap<_, _> = own.map(|(file, size)| (file.clone(), (self.root.volume, *size))).collect();
        for (_, identity, files) in &self.inner {
            shown.extend(files.iter().map(|(file, size)| (file.clone(), (identity.volume, *size))));
        }
        shown
    }

    fn see_root(&self, request: &RootRequest) -> RootSeen {
        let shown = self.shown();
        let is_there = |one: &&Sampled| shown.get(&one.path).is_some_and(|(_, size)| *size == one.size);
        let asked = request.samples.iter().find(|(at, _)| at.is_root()).map_or(usize::MAX, |(_, sample)| sample.len());
        let below = |(at, identity, _): &(LogicalPath, Identity, _)| MountedBelow {
            path: at.clone(),
            identity: Some(*identity),
            mounting: self.mounting,
            is_same_filesystem: false,
            is_second_way: false,
        };
        let generation = Generation(1);
        let (source, why) = (SourceKind::Inotify, "a test".to_owned());
        let watching = Watching { source, generation, sees_closes: true, hints: true, why, is_fallback: false };
        RootSeen::Directory(Box::new(RootDirectory {
            identity: self.root,
            mounting: 0,
            is_mount_root: self.is_mount_root,
            empty: shown.is_empty(),
            watching,
            handle: self.handle.clone(),
            was_removed: request.handle.is_some() && request.handle == self.removed,
            found: request.samples.iter().map(|(_, sample)| sample.iter().filter(is_there).count()).collect(),
            holds_more: shown.len() > asked,
            newest_ctime_ns: None,
            below: self.inner.iter().map(below).collect(),
        }))
    }
}

impl machine::World for World {
    fn machine(&mut self) -> &mut Machine {
        &mut self.machine
    }

    fn carry_out(&mut self, job: Job) -> Input {
        match job {
            Job::Look(request) => {
                let inner = request.root.inner;
                let is_closed = |path: &LogicalPath| {
                    let mut closed = inner.iter().filter(|(_, root)| root.is_none()).map(|(at, _)| at);
                    closed.find(|at| path.is_at_or_below(at)).cloned()
                };
                let see = |path: LogicalPath| match is_closed(&path) {
                    Some(at) => (path, Seen::Covered(at)),
                    None => (path.clone(), self.see(&path)),
                };
                let seen = request.paths.into_iter().map(see).collect();
                Input::Looked(Looked { ticket: request.ticket, seen })
            }
            Job::List(request) => {
                let content = match request.root.inner.get(&request.path) {
                    Some(None) => Err(ListError::Covered(request.path.clone())),
                    _ => Ok(self.list(&request.path)),
                };
                Input::Listed(Listed { ticket: request.ticket, path: request.path, content, unwatched: None })
            }
            Job::SeeRoot(request) => Input::RootSeen(MountId(0), self.tree.see_root(&request)),
            Job::SyncSource(number) => Input::Signals(vec![Signal::Synced(number)]),
        }
    }
}

fn handle(of: u8) -> Handle {
    Handle(vec![of])
}

struct World {
    machine: Machine,
    tree: Tree,
    replies: u64,
}

impl World {
    fn new(files: &[&str]) -> Self {
        Self::with(Tree::store(files), |_| {})
    }

    /// A mount that has been scanned.
    fn with(tree: Tree, configure: impl Fn(&mut Mount)) -> Self {
        let mut world = Self { machine: Machine::new(configure), tree, replies: 0 };
        world.settle();
        world
    }

    fn restart(&mut self) {
        self.machine.restart();
        self.settle();
    }

    /// Lets the next look at the root come, and what follows from it.
    fn look_at_root(&mut self) -> MountStatus {
        self.settle();
        self.status()
    }

    fn rescan(&mut self, request: RescanRequest) {
        self.replies += 1;
        self.machine.scan(ReplyId(self.replies), &request);
        self.settle();
    }

    fn status(&self) -> MountStatus {
        self.machine.intake.status(self.machine.now).remove(0)
    }

    /// Runs for some seconds.
    fn settle(&mut self) {
        for _ in 0..8 {
            self.pass(500);
        }
    }

    fn pass(&mut self, ms: u64) {
        self.machine.pass(ms);
        self.run();
    }

    fn see(&self, path: &LogicalPath) -> Seen {
        let shown = self.tree.shown();
        match shown.get(path) {
            Some(&(volume, size)) => Seen::File(machine::looked(stat(volume, path, size), Writer::None)),
            None if shown.keys().any(|file| file.is_below(path)) => Seen::Directory,
            None => Seen::Absent,
        }
    }

    fn list(&self, directory: &LogicalPath) -> Listing {
        let shown = self.tree.shown();
        machine::listing(directory, shown.iter().map(|(file, &(volume, size))| (file, stat(volume, file, size))))
    }

    /// The journal so far, without numbers.
    fn journal(&self) -> Vec<String> {
        let mut sql = self.machine.reader.prepare("SELECT action, path FROM journal ORDER BY seq").expect("a journal");
        let rows = sql.query_map([], |row| {
            let action = Action::from_code(row.get(0)?).expect("an action").as_str();
            let path: Vec<u8> = row.get(1)?;
            Ok(format!("{action} {}", String::from_utf8_lossy(&path)))
        });
        rows.expect("rows").map(|row| row.expect("a row")).collect()
    }
}

/// A file's stat: an inode by its path, old enough for a first scan.
fn stat(volume: u64, path: &LogicalPath, size: u64) -> Stat {
    let inode = path.as_bytes().iter().fold(100, |sum: u64, &byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    Stat { identity: root(volume, inode), size, mtime_ns: 1, ctime_ns: 1, links: 1 }
}

fn files(lines: &[&str]) -> BTreeMap<LogicalPath, u64> {
    let file = |line: &&str| {
        let (at, size) = line.split_once(' ').expect("PATH SIZE");
        (path(at), size.parse().expect("a number"))
    };
    lines.iter().map(file).collect()
}

fn path(text: &str) -> LogicalPath {
    LogicalPath::parse(text.as_bytes()).expect("a path")
}
