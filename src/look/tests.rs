//! The looks' own decisions, over a disk that answers from a script. What the real disk says is tested beside it.

use std::cell::Cell;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::disk::{Disk, DiskStat, Kind, Lease};
use super::root::REPLACED_LOOKS_MAX;
use super::sidecars::JSON_BYTES_MAX;
use crate::metadata::content::Content;
use crate::model::asset::Identity;
use crate::model::ids::{MountId, Ticket};
use crate::model::look::{FileLook, KnownRoot, ListError, ListRequest, Listing, LookRequest, Seen, Writer};
use crate::model::look::{MetadataLook, SourceLook, Unread};
use crate::model::metadata::Source;
use crate::model::mount::Mount;
use crate::model::path::LogicalPath;
use crate::model::root::{RootDirectory, RootRequest, RootSeen, Sampled};
use crate::model::status::NoteKind;
use crate::model::time::Wall;
use crate::model::watching::{Generation, SourceKind, Watching};
use crate::watch::mounts::Mounts;
use crate::watch::{Mounting, WatchError, WatchSource};

const NOW: Wall = Wall(1_000_000);
const NOW_NS: i64 = NOW.0 * 1_000_000;
const MS: i64 = 1_000_000;
const ROOT: Identity = Identity { volume: 1, inode: 2, birth_ns: 3 };

/// Answers of lstat by path, in order; the last one stays. What is not in the script is absent.
#[derive(Default)]
struct Script {
    stats: Mutex<HashMap<String, VecDeque<Result<DiskStat, i32>>>>,
    names: Vec<(&'static str, Option<Kind>)>,
    list_error: Option<i32>,
    xattrs: Option<i32>,
    lease: Option<Lease>,
    granularity_ns: i64,
    /// Files are empty unless something else is here.
    contents: HashMap<&'static str, Result<&'static [u8], i32>>,
}

/// What a look says of a source.
fn of(look: &FileLook, source: Source) -> SourceLook {
    match &look.metadata {
        MetadataLook::Seen(seen) => seen[&source].clone(),
        MetadataLook::AsKnown => panic!("it was not asked"),
    }
}

impl Script {
    fn new(stats: impl IntoIterator<Item = (&'static str, Vec<Result<DiskStat, i32>>)>) -> Self {
        let stats = [("/d", vec![Ok(root())])].into_iter().chain(stats);
        let stats = stats.map(|(path, stats)| (path.to_owned(), stats.into())).collect();
        Self { stats: Mutex::new(stats), ..Self::default() }
    }
}

impl Disk for Script {
    fn stat(&self, path: &Path) -> io::Result<DiskStat> {
        let mut stats = self.stats.lock().expect("the script");
        let answers = stats.get_mut(path.to_str().expect("UTF-8"));
        let answer = match answers {
            None => Err(libc::ENOENT),
            Some(answers) if answers.len() > 1 => answers.pop_front().expect("an answer"),
            Some(answers) => answers[0],
        };
        let granularity_ns = self.granularity_ns;
        answer.map(|stat| DiskStat { granularity_ns, ..stat }).map_err(io::Error::from_raw_os_error)
    }

    fn list(&self, _path: &Path) -> io::Result<Vec<(Vec<u8>, Option<Kind>)>> {
        match self.list_error {
            Some(code) => Err(io::Error::from_raw_os_error(code)),
            None => Ok(self.names.iter().map(|&(name, kind)| (name.into(), kind)).collect()),
        }
    }

    fn xattrs(&self, _path: &Path) -> io::Result<Vec<(String, Vec<u8>)>> {
        match self.xattrs {
            Some(code) => Err(io::Error::from_raw_os_error(code)),
            None => Ok(vec![("user.a".to_owned(), b"1".to_vec())]),
        }
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Content>> {
        match self.contents.get(path.to_str().expect("UTF-8")) {
            Some(Ok(bytes)) => Ok(Box::new(*bytes)),
            Some(Err(code)) => Err(io::Error::from_raw_os_error(*code)),
            None => Ok(Box::new(&b""[..])),
        }
    }

    fn writer(&self, _path: &Path) -> Lease {
        self.lease.unwrap_or(Lease::Free)
    }

    fn owner(&self, uid: u32) -> String {
        uid.to_string()
    }
}

/// Watches with one answer, and keeps what it may forget.
struct Watch(fn() -> Result<(), WatchError>, Mutex<Vec<String>>);

impl Watch {
    fn new(answer: fn() -> Result<(), WatchError>) -> Self {
        Self(answer, Mutex::default())
    }
}

impl WatchSource for Watch {
    fn take_up(&self, _mount: MountId, _dir: &Path, _mounting: Mounting) -> Result<Watching, WatchError> {
        Ok(watching())
    }

    fn watch(&self, _mount: MountId, _path: &LogicalPath, _dir: &Path) -> Result<(), WatchError> {
        (self.0)()
    }

    fn forget(&self, _mount: MountId, path: &LogicalPath) {
        self.1.lock().expect("paths").push(path.to_string());
    }

    fn sync(&self, _number: u64) -> Result<(), WatchError> {
        Ok(())
    }
}

fn watching() -> Watching {
    let why = "a script".to_owned();
    let generation = Generation(1);
    Watching { source: SourceKind::Inotify, generation, sees_closes: true, hints: true, why, is_fallback: false }
}

fn root() -> DiskStat {
    DiskStat {
        kind: Kind::Directory,
        identity: ROOT,
        size: 0,
        mtime_ns: 0,
        ctime_ns: 0,
        links: 2,
        uid: 0,
        is_mount_root: false,
        filesystem: ROOT.volume,
        granularity_ns: 0,
    }
}

fn directory(volume: u64) -> DiskStat {
    DiskStat { identity: Identity { volume, inode: 5, birth_ns: 0 }, filesystem: volume, ..root() }
}

fn file(mtime_ns: i64) -> DiskStat {
    let identity = Identity { volume: 1, inode: 9, birth_ns: 0 };
    DiskStat { kind: Kind::File, identity, size: 4, mtime_ns, ctime_ns: mtime_ns, links: 1, uid: 7, ..root() }
}

fn link() -> DiskStat {
    DiskStat { kind: Kind::Link, ..file(0) }
}

fn path(text: &str) -> LogicalPath {
    LogicalPath::parse(text.as_bytes()).expect("a path")
}

fn mounts() -> Mounts {
    let ignore = vec!["*.tmp".to_owned(), "/m/*/hidden".to_owned()];
    let mount = Mount { ignore, ..Mount::new(path("/m"), "/d".into()) };
    Mounts::new(vec![mount], Some(Path::new("/d/state"))).expect("mounts")
}

/// A request that knows nothing of the paths.
fn request(paths: Vec<LogicalPath>, root: KnownRoot) -> LookRequest {
    let (unchanged, as_read) = (HashMap::new(), HashMap::new());
    LookRequest { ticket: Ticket(1), paths, mount: MountId(0), root, unchanged, as_read }
}

/// Looks under a root inside which these filesystems are known, each with its root's volume; `None`: it is closed.
fn look_inside(disk: &Script, inner: &[(&str, Option<u64>)], paths: &[&str]) -> Vec<Seen> {
    let paths = paths.iter().map(|text| path(text)).collect();
    let known = |(at, volume): &(&str, Option<u64>)| (path(at), volume.map(|volume| directory(volume).identity));
    let root = KnownRoot { identity: ROOT, inner: Arc::new(inner.iter().map(known).collect()) };
    let request = request(paths, root);
    let watch = Watch::new(|| panic!("a look watches nothing"));
    let looked = super::look(disk, &mounts(), &watch, &|| NOW, &request);
    assert!(looked.seen.iter().map(|(path, _)| path).eq(&request.paths), "one for each, in order");
    // Watches may go where no directory is any more, and nowhere else.
    let no_directory =
        looked.seen.iter().filter(|(_, seen)| matches!(seen, Seen::Absent | Seen::Link | Seen::Other | Seen::File(_)));
    assert!(no_directory.map(|(path, _)| path.to_string()).eq(watch.1.into_inner().expect("paths")));
    looked.seen.into_iter().map(|(_, seen)| seen).collect()
}

fn look(disk: &Script, paths: &[&str]) -> Vec<Seen> {
    look_inside(disk, &[], paths)
}

fn one(disk: &Script, text: &str) -> Seen {
    look(disk, &[text]).remove(0)
}

/// Checks what a look says of `/m/a`, in one word.
fn check(name: &str, disk: &Script, expect: &str) {
    let word = match one(disk, "/m/a") {
        Seen::Absent => "absent",
        Seen::BeingRead(_) => "being read",
        Seen::Directory => "directory",
        Seen::Link => "link",
        Seen::Other => "other",
        Seen::Covered(_) => "covered",
        Seen::RootGone => "root gone",
        Seen::Unreadable(_) => "unreadable",
        Seen::File(look) => match look.writer {
            Writer::None => "whole",
            Writer::Some => "written",
            Writer::Unknown { young: true } => "young",
            Writer::Unknown { young: false } => "old",
        },
    };
    assert_eq!(word, expect, "{name}");
}

#[test]
fn a_look_says_what_is_there() {
    let other_root = DiskStat { identity: Identity { birth_ns: 4, ..ROOT }, ..root() };
    let gone = |code| Script::new([("/d/a", vec![Err(code)])]);
    let without_root = |answer| Script::new([("/d", vec![answer])]);
    check("nothing", &Script::new([]), "absent");
    check("nothing, below a file", &gone(libc::ENOTDIR), "absent");
    check("no permission", &gone(libc::EACCES), "unreadable");
    check("bad disk", &gone(libc::EIO), "unreadable");
    check("no root", &without_root(Err(libc::ENOENT)), "root gone");
    check("another root", &without_root(Ok(other_root)), "root gone");
    check("a root that is a link", &without_root(Ok(link())), "root gone");
    check("a directory", &Script::new([("/d/a", vec![Ok(directory(1))])]), "directory");
    check("a mounted directory", &Script::new([("/d/a", vec![Ok(directory(2))])]), "covered");
    check(
        "a directory below another root",
        &Script::new([("/d/a", vec![Ok(directory(2))]), ("/d", vec![Ok(directory(2))])]),
        "root gone",
    );
    check("a link", &Script::new([("/d/a", vec![Ok(link())])]), "link");
    check("a file", &Script::new([("/d/a", vec![Ok(file(0))])]), "whole");
}

#[test]
fn a_look_at_the_root_says_whether_it_stands() {
    assert_eq!(one(&Script::new([]), "/m"), Seen::Directory);
    assert_eq!(one(&Script::new([("/d", vec![Ok(directory(1))])]), "/m"), Seen::RootGone);
}

#[test]
fn a_lease_decides_and_without_one_the_age_is_told() {
    let script = |mtime_ns, lease| Script { lease: Some(lease), ..Script::new([("/d/a", vec![Ok(file(mtime_ns))])]) };
    check("free", &script(NOW_NS, Lease::Free), "whole");
    check("busy", &script(0, Lease::Busy), "written");
    check("just now", &script(NOW_NS, Lease::Unknown), "young");
    check("in this millisecond", &script(NOW_NS + MS - 1, Lease::Unknown), "young");
    check("a day ago, nearly", &script(NOW_NS - 86_400_000 * MS + 1, Lease::Unknown), "young");
    check("a day ago", &script(NOW_NS - 86_400_000 * MS, Lease::Unknown), "old");
    check("in the future", &script(NOW_NS + 2 * MS, Lease::Unknown), "young");
    check("at the end of time", &script(i64::MAX, Lease::Unknown), "young");
    check("before the epoch", &script(i64::MIN, Lease::Unknown), "old");
}

#[test]
fn a_file_that_moves_under_the_look_is_looked_at_again_and_then_waits() {
    let moving = |count, lease| {
        let stats = (0..count).map(|step| Ok(file(step))).collect();
        Script { lease: Some(lease), ..Script::new([("/d/a", stats)]) }
    };
    check("moves once", &moving(2, Lease::Free), "whole");
    check("moves twice", &moving(3, Lease::Free), "whole");
    check("goes on moving", &moving(99, Lease::Free), "written");
    check("goes on moving, no leases", &moving(99, Lease::Unknown), "young");
    check("goes on moving, with a writer", &moving(99, Lease::Busy), "written");
    let vanishing = Script::new([("/d/a", vec![Ok(file(0)), Err(libc::ENOENT)])]);
    check("vanishes", &vanishing, "absent");
    check("becomes a link", &Script::new([("/d/a", vec![Ok(file(0)), Ok(link())])]), "link");
    // The stat is never newer than the attributes: whatever came later shows in the next comparison.
    let Seen::File(look) = one(&moving(99, Lease::Free), "/m/a") else { panic!("a file") };
    assert_eq!(look.stat.mtime_ns, 2);
}

#[test]
fn what_was_written_within_the_granularity_is_racy() {
    let cases = [
        (10 * MS, NOW_NS - 9 * MS, true),
        (10 * MS, NOW_NS - 10 * MS, false),
        (10 * MS, NOW_NS + 10 * MS, true),
        (0, NOW_NS, false),
    ];
    for (granularity_ns, mtime_ns, racy) in cases {
        let disk = Script { granularity_ns, ..Script::new([("/d/a", vec![Ok(file(mtime_ns))])]) };
        let Seen::File(look) = one(&disk, "/m/a") else { panic!("a file") };
        assert_eq!(look.racy, racy, "{granularity_ns} {mtime_ns}");
    }
}

#[test]
fn a_file_has_its_attributes_or_the_reason_why_not() {
    let script = |xattrs| Script { xattrs, ..Script::new([("/d/a", vec![Ok(file(0))])]) };
    let Seen::File(look) = one(&script(None), "/m/a") else { panic!("a file") };
    assert_eq!(of(&look, Source::Xattr).content.expect("attributes").values["XATTR_user.a"], ["1"]);
    assert_eq!(look.owner, "7");
    let Seen::File(look) = one(&script(Some(libc::EACCES)), "/m/a") else { panic!("a file") };
    let Err(Unread::Refused(why)) = of(&look, Source::Xattr).content else { panic!("no permission") };
    assert!(why.contains("/d/a") && why.contains("let the user that ringback runs as"), "{why}");
}

#[test]
fn a_json_sidecar_is_read_up_to_the_limit() {
    for (size, is_read) in [(JSON_BYTES_MAX, true), (JSON_BYTES_MAX + 1, false)] {
        let mut json = b"{\"a\": 1}".to_vec();
        json.resize(size as usize, b' ');
        let json: &'static [u8] = json.leak();
        let stats = [("/d/a.jpg", vec![Ok(file(0))]), ("/d/a.jpg.json", vec![Ok(file(0))])];
        let disk = Script { contents: HashMap::from([("/d/a.jpg.json", Ok(json))]), ..Script::new(stats) };
        let Seen::File(look) = one(&disk, "/m/a.jpg") else { panic!("a file") };
        let SourceLook { sidecar, content } = of(&look, Source::JsonSidecar);
        assert_eq!(sidecar.expect("a sidecar").name, b"a.jpg.json");
        match content {
            Ok(said) => assert!(is_read && said.values["a"] == ["1"]),
            Err(Unread::Damaged(why)) => assert!(!is_read && why.contains("larger than allowed"), "{why}"),
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_a_file_says_is_read_or_it_is_said_why_not() {
    let look = |content: Result<&'static [u8], i32>, lease| {
        let disk = Script {
            contents: HashMap::from([("/d/a", content)]),
            lease: Some(lease),
            ..Script::new([("/d/a", vec![Ok(file(0))])])
        };
        let Seen::File(look) = one(&disk, "/m/a") else { panic!("a file") };
        look
    };
    let xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
                <rdf:Description xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmp:Rating='5'/></rdf:RDF></x:xmpmeta>";
    let read = look(Ok(xmp), Lease::Free);
    assert_eq!(of(&read, Source::Xmp).content.expect("XMP").values["XMP_Rating"], ["5"]);
    let refused = look(Err(libc::EIO), Lease::Free);
    let Err(Unread::Refused(why)) = of(&refused, Source::Exif).content else { panic!("{refused:?}") };
    assert!(why.contains("/d/a") && why.contains("check the disk"), "{why}");
    let damaged = look(Ok(&xmp[..xmp.len() - 20]), Lease::Free);
    let Err(Unread::Damaged(why)) = of(&damaged, Source::Xmp).content else { panic!("{damaged:?}") };
    assert!(why.contains("XMP is damaged"), "{why}");
    let MetadataLook::Seen(seen) = look(Ok(xmp), Lease::Busy).metadata else { panic!("it was asked") };
    assert!(!seen.contains_key(&Source::Xmp), "what is being written is not read");
}

#[test]
fn a_file_that_is_known_to_the_last_detail_is_not_asked_about() {
    let look = |granularity_ns, unchanged: DiskStat| {
        let disk = Script {
            // Whoever asks for them fails.
            xattrs: Some(libc::EIO),
            lease: Some(Lease::Busy),
            granularity_ns,
            ..Script::new([("/d/a", vec![Ok(file(7))])])
        };
        let unchanged = HashMap::from([(path("/m/a"), unchanged.stat())]);
        let request = LookRequest { unchanged, ..request(vec![path("/m/a")], ROOT.into()) };
        let looked = super::look(&disk, &mounts(), &Watch::new(|| Ok(())), &|| NOW, &request);
        let Seen::File(look) = looked.seen[0].1.clone() else { panic!("a file") };
        (look.metadata == MetadataLook::AsKnown, look.writer)
    };
    assert_eq!(look(0, file(7)), (true, Writer::None));
    assert_eq!(look(0, file(8)), (false, Writer::Some));
    assert_eq!(look(0, DiskStat { ctime_ns: 8, ..file(7) }), (false, Writer::Some));
    assert_eq!(look(10 * MS, file(7)), (false, Writer::Some), "its times prove nothing");
}

#[test]
fn what_is_not_reached_through_directories_is_not_there() {
    let below = |stat| {
        Script::new([("/d/s", vec![Ok(stat)]), ("/d/s/t", vec![Ok(directory(1))]), ("/d/s/t/a", vec![Ok(file(0))])])
    };
    assert!(matches!(one(&below(directory(1)), "/m/s/t/a"), Seen::File(_)));
    assert_eq!(one(&below(link()), "/m/s/t/a"), Seen::Absent);
    assert_eq!(one(&below(file(0)), "/m/s/t/a"), Seen::Absent);
    let closed = Script::new([("/d/s", vec![Err(libc::EACCES)])]);
    assert!(matches!(one(&closed, "/m/s/t/a"), Seen::Unreadable(why) if why.contains("/d/s")));
}

#[test]
fn another_filesystem_hides_what_was_there_unless_it_is_entered() {
    let disk = || Script::new([("/d/s", vec![Ok(directory(2))]), ("/d/s/a", vec![Ok(file(0))])]);
    let paths = ["/m/s", "/m/s/a", "/m/s/gone"];
    let covered = || vec![Seen::Covered(path("/m/s")); 3];
    assert_eq!(look(&disk(), &paths), covered());
    assert_eq!(look_inside(&disk(), &[("/m/s", None)], &paths), covered());
    assert_eq!(look_inside(&disk(), &[("/m/s", Some(3))], &paths), covered(), "it is another one");
    let entered = look_inside(&disk(), &[("/m/s", Some(2))], &paths);
    assert!(matches!(entered[..], [Seen::Directory, Seen::File(_), Seen::Absent]), "{entered:?}");
    // A bind mount of the same filesystem covers too.
    let bound = DiskStat { is_mount_root: true, ..directory(1) };
    let disk = || Script::new([("/d/s", vec![Ok(bound)]), ("/d/s/a", vec![Ok(file(0))])]);
    assert_eq!(look(&disk(), &paths), covered());
    assert!(matches!(
        look_inside(&disk(), &[("/m/s", Some(1))], &paths)[..],
        [Seen::Directory, Seen::File(_), Seen::Absent]
    ));
}

#[test]
fn what_lay_on_a_filesystem_that_is_unmounted_is_not_absent() {
    let unmounted = |stat| Script::new([("/d/s", vec![Ok(stat)])]);
    let paths = ["/m/s/a", "/m/s/t/a", "/m/s"];
    let covered = || vec![Seen::Covered(path("/m/s")); 3];
    assert_eq!(look_inside(&unmounted(directory(1)), &[("/m/s", Some(2))], &paths), covered());
    // Nor where the bare directory was removed, or another thing stands there.
    assert_eq!(look_inside(&Script::new([]), &[("/m/s", Some(2))], &paths), covered());
    assert_eq!(look_inside(&unmounted(file(0)), &[("/m/s", Some(2))], &paths), covered());
    // What is missing on the filesystem itself is.
    let entered = look_inside(&unmounted(directory(2)), &[("/m/s", Some(2))], &["/m/s/t/a", "/m/s/b"]);
    assert_eq!(entered, [Seen::Absent, Seen::Absent]);
    let above = ["/m/s/t/u/a", "/m/s/t/v", "/m/s/w"];
    let seen = look_inside(&unmounted(directory(1)), &[("/m/s/t", Some(2))], &above);
    assert_eq!(seen, [Seen::Covered(path("/m/s/t")), Seen::Covered(path("/m/s/t")), Seen::Absent]);
}

#[test]
fn a_subvolume_of_the_same_filesystem_is_entered() {
    let subvolume = DiskStat { filesystem: ROOT.volume, ..directory(2) };
    let disk = Script::new([("/d/s", vec![Ok(subvolume)]), ("/d/s/a", vec![Ok(file(0))])]);
    let seen = look(&disk, &["/m/s", "/m/s/a"]);
    assert!(matches!(seen[..], [Seen::Directory, Seen::File(_)]), "{seen:?}");
}

#[test]
fn a_root_without_links_is_no_root() {
    let removed = DiskStat { links: 0, ..root() };
    let disk = Script::new([("/d", vec![Ok(removed)]), ("/d/a", vec![Ok(file(0))])]);
    assert_eq!(look(&disk, &["/m/a", "/m/b"]), [Seen::RootGone, Seen::RootGone]);
}

#[test]
fn the_way_to_a_directory_is_looked_at_once_a_request() {
    // The second answer for the directory would hide what is in it.
    let disk = Script::new([
        ("/d/s", vec![Ok(directory(1)), Err(libc::ENOENT)]),
        ("/d/s/a", vec![Ok(file(0))]),
        ("/d/s/b", vec![Ok(file(0))]),
        ("/d/s/t", vec![Ok(directory(1))]),
        ("/d/s/t/a", vec![Ok(file(0))]),
        ("/d/u", vec![Ok(directory(1))]),
        ("/d/u/a", vec![Ok(file(0))]),
    ]);
    let seen = look(&disk, &["/m/s/a", "/m/s/b", "/m/s/t/a", "/m/s/t", "/m/u/a", "/m/s/a"]);
    assert!(matches!(
        seen[..],
        [Seen::File(_), Seen::File(_), Seen::File(_), Seen::Directory, Seen::File(_), Seen::Absent]
    ));
}

fn list(
    disk: &Script,
    watch: fn() -> Result<(), WatchError>,
    text: &str,
) -> (Result<Listing, ListError>, Option<String>) {
    let request =
        ListRequest { ticket: Ticket(1), path: path(text), mount: MountId(0), root: ROOT.into(), metadata: true };
    let listed = super::list(disk, &mounts(), &Watch::new(watch), &|| NOW, &request);
    assert_eq!((listed.ticket, listed.path), (request.ticket, request.path));
    (listed.content, listed.unwatched)
}

#[test]
fn a_listing_has_files_and_directories_and_names_what_people_may_miss() {
    let names = vec![
        ("a", Some(Kind::File)),
        ("unknown", None),
        ("vanished", Some(Kind::File)),
        ("bad", Some(Kind::File)),
        ("link", Some(Kind::Link)),
        ("link-by-lstat", None),
        ("link.tmp", Some(Kind::Link)),
        ("fifo", Some(Kind::Other)),
        ("fifo-by-lstat", None),
        ("s", Some(Kind::Directory)),
        ("mounted", Some(Kind::Directory)),
        ("subvolume", Some(Kind::Directory)),
        ("state", Some(Kind::Directory)),
        ("x.tmp", Some(Kind::File)),
    ];
    let disk = Script {
        names,
        ..Script::new([
            ("/d/a", vec![Ok(file(0))]),
            ("/d/unknown", vec![Ok(file(0))]),
            ("/d/bad", vec![Err(libc::EIO)]),
            ("/d/link", vec![Ok(link())]),
            ("/d/link-by-lstat", vec![Ok(link())]),
            ("/d/s", vec![Ok(directory(1))]),
            ("/d/fifo-by-lstat", vec![Ok(DiskStat { kind: Kind::Other, ..link() })]),
            ("/d/mounted", vec![Ok(DiskStat { is_mount_root: true, ..directory(2) })]),
            ("/d/subvolume", vec![Ok(directory(3))]),
            ("/d/state", vec![Ok(directory(1))]),
            ("/d/x.tmp", vec![Ok(file(0))]),
        ])
    };
    let (content, unwatched) = list(&disk, || Ok(()), "/m");
    let listing = content.expect("a listing");
    assert_eq!(listing.files.iter().map(|file| &file.name[..]).collect::<Vec<_>>(), [&b"a"[..], b"unknown"]);
    assert_eq!(listing.files[0].xattrs.as_ref().expect("attributes")["XATTR_user.a"], ["1"]);
    assert_eq!(listing.directories, [b"s"]);
    assert_eq!(listing.unreadable, [b"bad"]);
    let passed_over: Vec<_> = listing.passed_over.iter().map(|(name, why)| (&name[..], *why)).collect();
    let link = NoteKind::SymbolicLink;
    let expect = [(&b"link"[..], link), (b"link-by-lstat", link), (b"subvolume", NoteKind::Subvolume)];
    assert_eq!(passed_over, expect, "what is mounted there is known from the look at the root");
    assert_eq!(unwatched, None);
}

#[test]
fn ignored_directories_are_empty() {
    let disk = || Script { names: vec![("a", None)], ..Script::new([("/d/s", vec![Ok(directory(1))])]) };
    for text in ["/m/state", "/m/s/hidden", "/m/s/hidden/deeper", "/m/x.tmp"] {
        assert_eq!(list(&disk(), || panic!("not watched"), text), (Ok(Listing::default()), None), "{text}");
    }
}

#[test]
fn what_cannot_be_watched_is_listed_and_said() {
    let disk = Script { names: vec![("a", None)], ..Script::new([("/d/a", vec![Ok(file(0))])]) };
    let (content, unwatched) = list(&disk, || Err(WatchError::Limit), "/m");
    assert_eq!(content.expect("a listing").files.len(), 1);
    assert_eq!(unwatched, Some(format!("/d is not watched: {}", WatchError::Limit)));
    let (content, unwatched) = list(&disk, || Err(WatchError::Failed("why".to_owned())), "/m");
    assert_eq!(content.expect("a listing").files.len(), 1);
    assert_eq!(unwatched.as_deref(), Some("/d is not watched: why"));
    assert_eq!(list(&disk, || Err(WatchError::Gone), "/m"), (Err(ListError::Gone), None));
}

#[test]
fn a_directory_that_cannot_be_listed_is_gone_or_unreadable() {
    let gone = |stat: DiskStat| Script::new([("/d/s", vec![Ok(stat)])]);
    assert_eq!(list(&Script::new([]), || Ok(()), "/m/s").0, Err(ListError::Gone));
    assert_eq!(list(&gone(link()), || panic!("not watched"), "/m/s").0, Err(ListError::Gone));
    assert_eq!(list(&gone(file(0)), || panic!("not watched"), "/m/s").0, Err(ListError::Gone));
    assert_eq!(list(&Script::new([("/d", vec![Err(libc::ENOENT)])]), || Ok(()), "/m").0, Err(ListError::RootGone));
    let unreadable = |disk: Script, text| {
        let (Err(ListError::Unreadable(why)), _) = list(&disk, || Ok(()), text) else { panic!("unreadable") };
        why
    };
    let why = unreadable(Script { list_error: Some(libc::EACCES), ..Script::new([]) }, "/m");
    assert!(why.starts_with("cannot list /d: ") && why.contains("let the user"), "{why}");
    let why = unreadable(Script { names: vec![("a", None)], ..Script::new([("/d/a", vec![Err(libc::EACCES)])]) }, "/m");
    assert!(why.contains("/d/a"), "{why}");
    let covered = list(&gone(directory(2)), || panic!("not watched"), "/m/s").0;
    assert_eq!(covered, Err(ListError::Covered(path("/m/s"))));
}

#[test]
fn a_root_that_is_replaced_while_it_is_looked_at_is_looked_at_again() {
    let directory = |birth_ns: i64| Ok(DiskStat { identity: Identity { birth_ns, ..ROOT }, ..root() });
    for (replaced, expect) in [(REPLACED_LOOKS_MAX - 1, true), (REPLACED_LOOKS_MAX, false)] {
        let looks = (0..replaced).flat_map(|look| [directory(2 * look as i64), directory(2 * look as i64 + 1)]);
        let stats = looks.chain([directory(99)]).collect();
        let seen = look_at_root(&Script::new([("/d", stats)]), Vec::new());
        match seen {
            RootSeen::Directory(root) => assert!(expect && root.identity.birth_ns == 99, "{replaced} times: {root:?}"),
            other => assert!(!expect && other == RootSeen::Missing, "{replaced} times: {other:?}"),
        }
    }
}

#[test]
fn a_root_is_a_directory_or_the_reason_why_not() {
    let see = |answer| look_at_root(&Script::new([("/d", vec![answer])]), Vec::new());
    assert!(matches!(see(Ok(root())), RootSeen::Directory(root) if root.identity == ROOT && root.empty));
    assert_eq!(see(Err(libc::ENOENT)), RootSeen::Missing);
    for (answer, part) in [
        (Ok(file(0)), "is a file"),
        (Ok(link()), "is a symbolic link; a mount"),
        (Ok(DiskStat { kind: Kind::Other, ..link() }), "a special file"),
        (Ok(DiskStat { links: 0, ..root() }), "was removed where it comes from"),
        (Err(libc::EACCES), "let the user"),
        (Err(libc::ENOTCONN), "mount it again"),
    ] {
        let RootSeen::Unusable(why) = see(answer) else { panic!("{part}") };
        assert!(why.contains(part) && why.contains("/d"), "{why}");
    }
    let full = Script { names: vec![("a", None)], ..Script::new([]) };
    assert!(matches!(look_at_root(&full, Vec::new()), RootSeen::Directory(root) if !root.empty));
    let failing = Script { list_error: Some(libc::EIO), ..Script::new([]) };
    assert!(matches!(look_at_root(&failing, Vec::new()), RootSeen::Unusable(_)));
}

#[test]
fn known_files_are_looked_for_in_a_root_by_their_sizes() {
    let (small, large) = (DiskStat { size: 1, ..file(0) }, DiskStat { size: 2, ..file(0) });
    let names = ["a", "b", "c"].map(|name| (name, Some(Kind::File))).to_vec();
    let disk = Script {
        names,
        ..Script::new([("/d/a", vec![Ok(small)]), ("/d/b", vec![Ok(large)]), ("/d/c", vec![Ok(directory(1))])])
    };
    let sample = ["a", "b", "c", "gone"].map(|name| Sampled { path: path("/m").join(name.as_bytes()), size: 1 });
    let found = |sample: &[Sampled]| match look_at_root(&disk, vec![(path("/m"), sample.to_vec())]) {
        RootSeen::Directory(root) => {
            let RootDirectory { found, holds_more, .. } = *root;
            (found, holds_more)
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(found(&sample), (vec![1], false));
    assert_eq!(found(&sample[..2]), (vec![1], true), "it holds three files");
}

fn look_at_root(disk: &Script, samples: Vec<(LogicalPath, Vec<Sampled>)>) -> RootSeen {
    let mounts = Mounts::new(vec![Mount::new(path("/m"), "/d".into())], None).expect("a mount");
    let request = RootRequest { samples, ..RootRequest::of(MountId(0)) };
    super::root(disk, &mounts, &Watch::new(|| Ok(())), &request)
}

#[test]
fn the_clock_is_asked_for_each_file() {
    let disk = Script {
        lease: Some(Lease::Unknown),
        ..Script::new([("/d/a", vec![Ok(file(NOW_NS))]), ("/d/b", vec![Ok(file(NOW_NS))])])
    };
    let asked = Cell::new(0);
    let clock = || {
        asked.set(asked.get() + 1);
        Wall(NOW.0 + (asked.get() - 1) * 86_400_000)
    };
    let paths = vec![path("/m/a"), path("/m/b")];
    let request = request(paths, ROOT.into());
    let looked = super::look(&disk, &mounts(), &Watch::new(|| Ok(())), &clock, &request);
    let writers: Vec<_> = looked
        .seen
        .into_iter()
        .map(|(_, seen)| match seen {
            Seen::File(look) => look.writer,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(writers, [Writer::Unknown { young: true }, Writer::Unknown { young: false }]);
}
