//! Judging groups of looks, through the whole of intake: files in a map, a ledger in memory, and the journal at the
//! end.

mod hints;
mod limits;
mod moves;
mod notes;
mod reading;
mod why;

use std::collections::{BTreeMap, BTreeSet};

use crate::intake::links::ROWS_MAX;
use crate::intake::tests::machine::{self, Machine, NOW, World as _};
use crate::intake::{Effect, Input};
use crate::model::asset::{Identity, Stat};
use crate::model::change::Action;
use crate::model::hint::{Hint, HintKind, Signal};
use crate::model::ids::ReplyId;
use crate::model::job::Job;
use crate::model::look::{FileLook, Listed, Listing, Looked, MetadataLook, Seen, SourceLook, Writer};
use crate::model::metadata::Source;
use crate::model::path::LogicalPath;
use crate::model::root::{RootDirectory, RootSeen};
use crate::model::status::{NOTES_MAX, NoteKind};
use crate::model::watching::{Generation, SourceKind, Watching};

const ROOT: Identity = Identity { volume: 7, inode: 1, birth_ns: 1 };

#[test]
fn a_tree_that_goes_with_what_was_in_it_is_told_once() {
    let before = ["/d/a 10", "/d/e/b 11", "/f 12"];
    check(&before, &["/f 12"], &["/d/a", "/d/e/b", "/d/e", "/d"], &["3 deleted /d/e/b", "2 deleted /d/a"]);
    check(&before, &["/f 12"], &["/d", "/d/e", "/d/e/b", "/d/a"], &["2 deleted /d/a", "3 deleted /d/e/b"]);
    check(
        &before,
        &["/f 12", "/d 13"],
        &["/d/a", "/d/e/b", "/d"],
        &["2 deleted /d/a", "3 deleted /d/e/b", "4 added /d"],
    );
}

#[test]
fn a_tree_that_moves_keeps_its_assets() {
    let moved = ["1 deleted /d/a", "1 added /e/a"];
    check(&["/d/a 10"], &["/e/a 10"], &["/d/a", "/d", "/e"], &moved);
    check(&["/d/a 10"], &["/e/a 10"], &["/d", "/e"], &moved);
    check(&["/d/a 10"], &["/e/a 10"], &["/e"], &moved);
    check(&["/d/a 10"], &["/e/a 10"], &["/e/a", "/d/a", "/d"], &moved);
}

#[test]
fn a_hard_link_that_moves_is_the_same_asset_although_others_have_to_be_looked_at_first() {
    let before = ["/a 10", "/z 10"];
    check(&before, &["/c 10", "/z 10"], &["/a", "/c"], &["1 deleted /a", "1 added /c"]);
    check(&before, &["/c 10", "/z 10"], &["/c", "/a"], &["1 deleted /a", "1 added /c"]);
    check(&before, &["/c 10", "/z 10"], &["/c"], &["1 deleted /a", "1 added /c"]);
}

#[test]
fn a_sync_neither_waits_for_a_file_that_somebody_writes_nor_has_it_told() {
    for writer in [Writer::Some, Writer::Unknown { young: true }] {
        let mut world = World::new(&[]);
        world.files = files(&["/held 10", "/done 11"]);
        world.writers.insert(path("/held"), writer);
        world.hint(&["/held", "/done"], HintKind::Written);
        world.machine.intake.sync(world.machine.now.mono, ReplyId(1));
        world.run();
        assert_eq!(world.answered, [ReplyId(1)]);
        let assets = if writer == Writer::Some { 1 } else { 2 };
        assert_eq!(
            world.machine.intake.status(NOW)[0].assets,
            assets,
            "the call is the caller's word where none can be seen"
        );
        world.writers.clear();
        world.hint(&["/held"], HintKind::Closed);
        world.run();
        assert_eq!(world.machine.intake.status(NOW)[0].assets, 2);
    }
}

/// Where nobody can say who writes, a scan's file is whole once two looks `settle.quiet` apart found it the same: its
/// own times are by a clock that may be hours off, so they decide nothing.
#[test]
fn a_file_whose_writers_cannot_be_seen_is_told_once_two_looks_agree() {
    let mut world = World::new(&[]);
    let told = |world: &World| world.machine.intake.status(world.machine.now)[0].assets;
    world.files = files(&["/a 10"]);
    world.writers.insert(path("/a"), Writer::Unknown { young: true });
    world.hint(&["/a"], HintKind::Found);
    for _ in 0..3 {
        world.size += 1;
        world.wait(1_000);
        world.run();
    }
    assert_eq!(told(&world), 0, "it grew from look to look until now");
    world.wait(999);
    world.run();
    assert_eq!(told(&world), 0, "the last look at it as it is was less than a second ago");
    world.wait(1);
    world.run();
    assert_eq!(told(&world), 1);
}

/// What has lain there for a day needs no second look.
#[test]
fn an_old_file_is_told_at_the_first_look() {
    let mut world = World::new(&[]);
    world.files = files(&["/a 10"]);
    world.writers.insert(path("/a"), Writer::Unknown { young: false });
    world.hint(&["/a"], HintKind::Found);
    world.run();
    assert_eq!(world.machine.intake.status(NOW)[0].assets, 1);
}

/// More directories are unwatched than are kept by name: one that is not kept is listed once more for a sync, not for
/// ever.
#[test]
fn a_sync_is_answered_beyond_the_unwatched_directories_that_are_kept() {
    let mut world = World::new(&["/d/a 10"]);
    let unwatched = |n| Signal::Unwatched { path: path(&format!("/x{n}")), why: "the limit".into() };
    world.step(Input::Signals((0..10_001).map(unwatched).collect()));
    world.unwatched = Some("the limit".into());
    world.machine.intake.sync(world.machine.now.mono, ReplyId(1));
    world.run();
    assert_eq!(world.answered, [ReplyId(1)]);
}

/// A write by one name is reported at each, with one look at each: the looks do not ask each other for ever.
#[test]
fn a_write_by_one_of_many_names_is_looked_at_once_at_each() {
    for names in [2, super::LINKS_MAX, super::LINKS_MAX + 1, ROWS_MAX, ROWS_MAX + 1] {
        let lines: Vec<String> = (0..names).map(|n| format!("/{n} 10")).collect();
        let mut world = World::new(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        (world.looks, world.size) = (0, 2);
        world.hint(&["/0"], HintKind::Closed);
        world.run();
        assert_eq!(world.looks, names);
        let modified = world.journal();
        assert_eq!(modified.len(), names);
        assert!(modified.iter().all(|row| row.contains(" modified ")), "{modified:?}");
    }
}

/// Up to [`super::LINKS_MAX`] names are read for the one that moved; of more the moved one is a new asset.
#[test]
fn a_rename_of_one_of_very_many_names_is_a_new_asset() {
    for (names, new) in [(super::LINKS_MAX, 1), (super::LINKS_MAX + 1, super::LINKS_MAX + 2)] {
        let lines: Vec<String> = (0..names).map(|n| format!("/{n:02} 10")).collect();
        let mut world = World::new(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        world.files.remove(&path("/00"));
        world.files.insert(path("/moved"), 10);
        world.hint(&["/00", "/moved"], HintKind::Moved);
        world.run();
        assert_eq!(world.journal(), ["1 deleted /00".to_owned(), format!("{new} added /moved")]);
    }
}

/// Of a rotation only the log's own hint was heard in time: once its former file is found, it takes its asset along.
#[test]
fn a_rotation_that_is_heard_in_pieces_is_put_right() {
    for (late_ms, expect) in [
        (10_000, &["1 modified /log", "1 deleted /log", "1 added /log.1", "2 added /log"][..]),
        (10_001, &["1 modified /log", "2 added /log.1"][..]),
    ] {
        let mut world = World::new(&["/log 10"]);
        world.files = files(&["/log 40", "/log.1 10"]);
        world.hint(&["/log"], HintKind::Moved);
        world.run();
        world.wait(late_ms);
        world.hint(&["/log.1"], HintKind::Moved);
        world.run();
        assert_eq!(world.journal(), expect);
    }
}

/// The same where the log was seen to be gone before the new one was there: the new one is taken for the log until its
/// former file is found.
#[test]
fn a_rotation_whose_log_was_seen_gone_is_put_right() {
    let mut world = World::new(&["/log 10"]);
    world.files.clear();
    world.hint(&["/log"], HintKind::Moved);
    world.run();
    world.files = files(&["/log 40", "/log.1 10"]);
    world.hint(&["/log"], HintKind::Closed);
    world.run();
    world.hint(&["/log.1"], HintKind::Moved);
    world.run();
    let expect = ["1 deleted /log", "1 added /log", "1 deleted /log", "1 added /log.1", "2 added /log"];
    assert_eq!(world.journal(), expect);
}

/// A longer one: the middle is found before the end of the chain.
#[test]
fn a_rotation_whose_end_is_heard_last_is_put_right() {
    let mut world = World::new(&["/log 10", "/log.1 11", "/log.2 12"]);
    world.files = files(&["/log.1 10", "/log.2 11", "/log.3 12"]);
    world.hint(&["/log"], HintKind::Moved);
    world.run();
    world.wait(30);
    world.hint(&["/log.1"], HintKind::Moved);
    world.run();
    world.wait(30);
    world.run();
    world.files = files(&["/log 40", "/log.1 10", "/log.2 11", "/log.3 12"]);
    world.hint(&["/log"], HintKind::Closed);
    world.run();
    world.hint(&["/log.2", "/log.3"], HintKind::Moved);
    world.run();
    let journal = world.journal();
    let now = |path: &str| journal.iter().rev().find(|line| line.ends_with(&format!(" {path}"))).expect(path).clone();
    let end = ["/log", "/log.1", "/log.2", "/log.3"].map(now);
    let expect = ["4 added /log", "1 added /log.1", "2 added /log.2", "3 added /log.3"];
    assert_eq!(end, expect, "{journal:?}");
}

/// Rotations whose places are looked at one by one, in every order, as when a queue is read more slowly than files are
/// renamed: once all places were looked at each file is the asset that it was.
#[test]
fn a_rotation_that_is_heard_in_any_order_is_put_right() {
    const PLACES: [&str; 5] = ["/log", "/log.1", "/log.2", "/log.3", "/log.4"];
    for log_seen_gone in [false, true] {
        for order in permutations(PLACES.len()) {
            let mut world = World::new(&["/log 10", "/log.1 11", "/log.2 12", "/log.3 13"]);
            world.files = files(&["/log.1 10", "/log.2 11", "/log.3 12", "/log.4 13"]);
            if log_seen_gone {
                world.hint(&["/log"], HintKind::Moved);
                world.run();
            }
            world.files.insert(path("/log"), 40);
            for place in &order {
                world.hint(&[PLACES[*place]], HintKind::Moved);
                world.run();
                world.wait(30);
                world.run();
            }
            let (journal, now) = (world.journal(), world.assets());
            let expect = ["5 /log", "1 /log.1", "2 /log.2", "3 /log.3", "4 /log.4"];
            let is_right = now[1..] == expect[1..] && now[0].ends_with(" /log");
            assert!(is_right, "gone {log_seen_gone}, in order {order:?}: {now:?} by {journal:?}");
        }
    }
}

/// The log was moved away and written anew: the hint of where it went comes in a moment.
#[test]
fn a_log_that_moved_and_was_written_anew_waits_for_where_it_went() {
    let mut world = World::new(&["/log 10"]);
    world.files = files(&["/log 40", "/log.1 10"]);
    world.hint(&["/log"], HintKind::Moved);
    world.hint(&["/log"], HintKind::Closed);
    world.run();
    assert_eq!(world.journal(), [""; 0]);
    world.hint(&["/log.1"], HintKind::Moved);
    world.run();
    assert_eq!(world.journal(), ["1 deleted /log", "1 added /log.1", "2 added /log"]);
}

/// The new log was renamed in its turn between the looks at its two places: neither look counts.
#[test]
fn a_new_file_that_was_renamed_between_two_looks_is_one_asset() {
    let mut world = World::new(&["/log 10"]);
    world.one_link = true;
    world.files = files(&["/log 40", "/log.1 40"]);
    world.hint(&["/log", "/log.1"], HintKind::Moved);
    world.run();
    world.wait(30);
    world.run();
    assert_eq!(world.journal(), [""; 0]);
    world.files = files(&["/log 50", "/log.1 40", "/log.2 10"]);
    world.wait(30);
    world.run();
    world.hint(&["/log.2"], HintKind::Moved);
    world.run();
    assert_eq!(world.assets(), ["3 /log", "2 /log.1", "1 /log.2"], "{:?}", world.journal());
}

/// Where case is ignored the file is found by the old name too; a write that is heard by another spelling of the name
/// is the asset's.
#[test]
fn a_file_that_is_written_by_another_spelling_of_its_name_is_the_same_asset() {
    let mut world = World::new(&["/Clip.mov 10"]);
    world.one_link = true;
    world.files = files(&["/Clip.mov 10", "/CLIP.MOV 10"]);
    world.size = 2;
    world.hint(&["/CLIP.MOV"], HintKind::Closed);
    world.run();
    assert_eq!(world.journal(), ["1 modified /Clip.mov"]);
    world.files = files(&["/Clip.mov 10", "/clip.mov 10"]);
    world.hint(&["/Clip.mov", "/clip.mov"], HintKind::Moved);
    world.run();
    assert_eq!(world.journal()[1..], ["1 deleted /Clip.mov", "1 added /clip.mov"]);
}

/// Files are `PATH INODE`; assets are numbered as a scan finds them, those in a directory first. After the hints the
/// journal must be `expect`, and the counts those of the files.
#[track_caller]
fn check(before: &[&str], after: &[&str], hints: &[&str], expect: &[&str]) {
    let mut world = World::new(before);
    world.files = files(after);
    world.hint(hints, HintKind::Moved);
    world.run();
    let status = &world.machine.intake.status(NOW)[0];
    assert_eq!(status.assets, world.files.len() as u64, "assets in the status");
    world.machine.ledger.begin().expect("a group");
    assert_eq!((status.directories, status.assets), world.machine.ledger.intake().count(&path("/")).expect("counts"));
    world.machine.ledger.commit().expect("a commit");
    assert_eq!(world.journal(), expect);
}

fn watching() -> Watching {
    let why = "a test".to_owned();
    let generation = Generation(1);
    Watching { source: SourceKind::Inotify, generation, sees_closes: true, hints: true, why, is_fallback: false }
}

/// Hints beyond the limit are not kept one by one: scans of their directories find what they were about.
#[test]
fn hints_beyond_the_limit_collapse_into_scans_of_their_directories() {
    let mut world = World::new(&["/d/1 1", "/d/2 2", "/e/deep/3 3"]);
    let waiting: Vec<Signal> = (0..crate::intake::HINTS_MAX)
        .map(|n| Signal::Hint(Hint { path: path(&format!("/x/{n}")), kind: HintKind::Written }))
        .collect();
    world.step(Input::Signals(waiting));
    world.files = files(&["/d/1 1", "/d/2 4", "/e/deep/3 3", "/e/deep/5 5"]);
    world.hint(&["/d/2", "/e/deep/5", "/d/1"], HintKind::Closed);
    let effects = world.machine.release();
    let listed: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Do(Job::List(request)) => Some(request.path.to_string()),
            _ => None,
        })
        .collect();
    // None while so many paths wait; and neither their mount, nor one of them twice.
    assert_eq!(listed, [""; 0]);
    assert!(["/d", "/e/deep"].into_iter().all(|directory| world.machine.intake.scans.waits(&path(directory))));
    assert_eq!(world.machine.intake.scans.waiting_len(), 2);
}

/// Directories that wait to be scanned are bounded, too: one more, and a scan of their mount stands for all.
#[test]
fn directories_beyond_the_limit_collapse_into_a_scan_of_their_mount() {
    let mut world = World::new(&["/d/1 1"]);
    let hint = |directory: usize| Signal::Hint(Hint { path: path(&format!("/{directory}/f")), kind: HintKind::Closed });
    let waiting = (0..crate::intake::HINTS_MAX).map(|n| path(&format!("/x/{n}")));
    let waiting = waiting.map(|path| Signal::Hint(Hint { path, kind: HintKind::Written })).collect();
    world.step(Input::Signals(waiting));
    let most = crate::intake::SUBTREES_MAX;
    world.step(Input::Signals((0..most).map(hint).collect()));
    assert_eq!(
        (world.machine.intake.scans.waiting_len(), world.machine.intake.scans.waits(&path("/"))),
        (most, false),
        "at the limit"
    );
    world.step(Input::Signals(vec![hint(most)]));
    assert!(world.machine.intake.scans.waits(&path("/")), "past it");
    world.step(Input::Signals((most + 1..most + 100).map(hint).collect()));
    assert_eq!(world.machine.intake.scans.waiting_len(), most + 1, "the scan of the mount stands for all that follow");
}

/// What cannot be read is kept by path up to a limit, and the mount stays degraded past it.
#[test]
fn faults_beyond_the_limit_are_not_kept_by_path() {
    let mut world = World::new(&["/d/1 1"]);
    let most = crate::intake::mounts::FAULTS_MAX;
    for n in 0..=most {
        world.machine.intake.mounts.note_fault(&path(&format!("/{n}")), Some("it cannot be read".to_owned()));
    }
    let kept = |n: usize| world.machine.intake.mounts.has_fault(&path(&format!("/{n}")));
    assert_eq!((kept(0), kept(most - 1), kept(most)), (true, true, false));
    let status = &world.machine.intake.status(NOW)[0];
    assert_eq!(status.state, crate::model::status::MountState::Degraded);
    assert!(status.reason.as_ref().is_some_and(|why| why.contains("it cannot be read")), "{status:?}");
}

/// A status names so many places of a mount that cannot be read, in the order of paths, and counts the rest.
#[test]
fn a_status_has_notes_up_to_the_limit() {
    let mut world = World::new(&["/d/1 1"]);
    let names: Vec<_> = (0..=NOTES_MAX).map(|n| format!("/{n:03}")).collect();
    let mut noted = |name: &str| {
        world.machine.intake.mounts.note_fault(&path(name), Some("it cannot be read".to_owned()));
        let status = world.machine.intake.status(NOW).remove(0);
        (status.notes.into_iter().map(|note| note.path).collect::<Vec<_>>(), status.notes_more)
    };
    // The first in the order of paths comes last.
    let shown = names.iter().skip(1).map(|name| noted(name)).last().expect("there are some");
    assert_eq!(shown, (names[1..].to_vec(), 0));
    assert_eq!(noted(&names[0]), (names[..NOTES_MAX].to_vec(), 1));
}

struct World {
    machine: Machine,
    files: BTreeMap<LogicalPath, u64>,
    /// Nobody writes the others.
    writers: BTreeMap<LogicalPath, Writer>,
    answered: Vec<ReplyId>,
    /// Symbolic links.
    links: BTreeSet<LogicalPath>,
    /// Why no directory can be watched.
    unwatched: Option<String>,
    /// Of every file, in bytes.
    size: u64,
    /// Of every file.
    ctime_ns: i64,
    /// Every file has one link, whatever number of names leads to it.
    one_link: bool,
    /// How many looks there were.
    looks: usize,
    /// Files that are being read elsewhere.
    reading: BTreeSet<LogicalPath>,
    /// Files that are as they were when they were read, by the last request.
    as_read: Vec<LogicalPath>,
    /// What `exiftool` says of every file.
    exiftool: Option<SourceLook>,
}

impl World {
    fn wait(&mut self, ms: u64) {
        self.machine.pass(ms);
    }

    /// A mount that has been scanned.
    fn new(before: &[&str]) -> Self {
        let mut world = Self {
            machine: Machine::new(|_| {}),
            files: files(before),
            writers: BTreeMap::new(),
            answered: Vec::new(),
            links: BTreeSet::new(),
            unwatched: None,
            size: 1,
            ctime_ns: 1,
            one_link: false,
            looks: 0,
            reading: BTreeSet::new(),
            as_read: Vec::new(),
            exiftool: None,
        };
        world.run();
        assert!(world.machine.intake.ready());
        world
    }

    /// Every change that is recorded: `ASSET ACTION PATH`.
    fn journal(&self) -> Vec<String> {
        let mut sql =
            self.machine.reader.prepare("SELECT asset, action, path FROM journal ORDER BY seq").expect("a journal");
        let rows = sql.query_map([], |row| {
            let action = Action::from_code(row.get(1)?).expect("an action").as_str();
            let path: Vec<u8> = row.get(2)?;
            Ok(format!("{} {action} {}", row.get::<_, i64>(0)?, String::from_utf8_lossy(&path)))
        });
        rows.expect("rows").map(|row| row.expect("a row")).collect()
    }

    /// `ASSET PATH` by path, as the journal has it.
    fn assets(&self) -> Vec<String> {
        let mut now = BTreeMap::new();
        for line in self.journal() {
            let [asset, action, path] = line.splitn(3, ' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            match action {
                "deleted" => drop(now.remove(path)),
                _ => drop(now.insert(path.to_owned(), asset.to_owned())),
            }
        }
        now.into_iter().map(|(path, asset)| format!("{asset} {path}")).collect()
    }

    fn hint(&mut self, paths: &[&str], kind: HintKind) {
        let hints = paths.iter().map(|hint| Signal::Hint(Hint { path: path(hint), kind })).collect();
        self.step(Input::Signals(hints));
    }

    fn stat(&self, inode: u64) -> Stat {
        let identity = Identity { volume: 7, inode, birth_ns: 1 };
        let names = self.files.values().filter(|&&other| other == inode).count() as u64;
        let links = if self.one_link { 1 } else { names };
        Stat { identity, size: self.size, mtime_ns: 1, ctime_ns: self.ctime_ns, links }
    }

    fn see(&self, path: &LogicalPath) -> Seen {
        match self.files.get(path) {
            Some(&inode) if self.reading.contains(path) => Seen::BeingRead(self.stat(inode)),
            Some(&inode) => {
                let writer = self.writers.get(path).copied().unwrap_or(Writer::None);
                let sources = self.exiftool.clone().map(|look| (Source::Exiftool, look)).into_iter().collect();
                let metadata = MetadataLook::Seen(sources);
                Seen::File(FileLook { metadata, ..machine::looked(self.stat(inode), writer) })
            }
            None if self.files.keys().any(|file| file.is_below(path)) => Seen::Directory,
            None if self.links.contains(path) => Seen::Link,
            None => Seen::Absent,
        }
    }

    fn list(&self, directory: &LogicalPath) -> Listing {
        let files = machine::listing(directory, self.files.iter().map(|(file, &inode)| (file, self.stat(inode))));
        let links = self.links.iter().filter(|link| link.parent().as_ref() == Some(directory));
        let name = |link: &LogicalPath| (link.names().last().expect("a name").to_vec(), NoteKind::SymbolicLink);
        Listing { passed_over: links.map(name).collect(), ..files }
    }
}

impl machine::World for World {
    fn machine(&mut self) -> &mut Machine {
        &mut self.machine
    }

    fn carry_out(&mut self, job: Job) -> Input {
        match job {
            Job::Look(request) => {
                self.looks += request.paths.len();
                self.as_read = request.as_read.into_keys().collect();
                let seen = request.paths.into_iter().map(|path| (path.clone(), self.see(&path))).collect();
                Input::Looked(Looked { ticket: request.ticket, seen })
            }
            Job::List(request) => {
                let content = Ok(self.list(&request.path));
                Input::Listed(Listed {
                    ticket: request.ticket,
                    path: request.path,
                    content,
                    unwatched: self.unwatched.clone(),
                })
            }
            Job::SeeRoot(request) => {
                let root = RootDirectory {
                    identity: Identity { inode: ROOT.inode + u64::from(request.mount.0), ..ROOT },
                    mounting: 0,
                    is_mount_root: false,
                    empty: self.files.is_empty(),
                    watching: watching(),
                    handle: None,
                    was_removed: false,
                    found: Vec::new(),
                    holds_more: false,
                    newest_ctime_ns: None,
                    below: Vec::new(),
                };
                Input::RootSeen(request.mount, RootSeen::Directory(Box::new(root)))
            }
            Job::SyncSource(number) => Input::Signals(vec![Signal::Synced(number)]),
        }
    }

    fn answered(&mut self, reply: ReplyId) {
        self.answered.push(reply);
    }
}

/// All orders of so many things.
fn permutations(len: usize) -> Vec<Vec<usize>> {
    if len == 0 {
        return vec![Vec::new()];
    }
    let insert = |shorter: Vec<usize>| {
        (0..len).map(move |at| {
            let mut longer = shorter.clone();
            longer.insert(at, len - 1);
            longer
        })
    };
    permutations(len - 1).into_iter().flat_map(insert).collect()
}

fn files(lines: &[&str]) -> BTreeMap<LogicalPath, u64> {
    let file = |line: &&str| {
        let (at, inode) = line.split_once(' ').expect("PATH INODE");
        (path(at), inode.parse().expect("a number"))
    };
    lines.iter().map(file).collect()
}

fn path(text: &str) -> LogicalPath {
    LogicalPath::parse(text.as_bytes()).expect("a path")
}
