//! What reading metadata costs: `cargo bench --bench metadata [-- FOLDER]`.
//!
//! - `files`: small pictures, cache hot, files a second of processor time: ringback as the daemon reads them (open,
//!   read, keys and values), and exiftool and exiv2 in the same run where they are installed. The pictures are those
//!   of `fixtures/metadata`, or of a folder.
//! - `movie`: a sparse movie of 100 GB with its XMP at the tail: reads, and bytes.
//! - `hostile`: the four shapes of docs/metadata.md: processor time, and memory at its highest.
//!
//! Peers are started as commands over many files each, so that their start costs little; exiftool is also asked as
//! `-stay_open`, as programs that embed it do.
#![allow(clippy::disallowed_methods, reason = "a bench: it measures, makes files and starts the peers")]

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use ringback::metadata::content::Content;
use ringback::metadata::found::Found;
use ringback::metadata::{logical, readers};

/// How many copies of the pictures the commands are given.
const COPIES: usize = 100;

fn main() {
    let folder = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/metadata");
    files(&folder.map_or(fixtures, PathBuf::from));
    movie();
    hostile();
}

/// A file that counts what is read of it.
struct Counted {
    file: File,
    size: u64,
    reads: Cell<u64>,
    bytes: Cell<u64>,
}

impl Counted {
    fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        Ok(Self { file, size, reads: Cell::new(0), bytes: Cell::new(0) })
    }
}

impl Content for Counted {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, at)?;
        self.reads.set(self.reads.get() + 1);
        self.bytes.set(self.bytes.get() + read as u64);
        Ok(read)
    }
}

/// Reads a file as a look does; returns how many keys it has.
fn read(path: &Path) -> usize {
    let content = Counted::open(path).expect("a file");
    let Ok(Found { xmp, iptc, exif, .. }) = readers::read(&content) else { return 0 };
    let keys = |part: Result<Vec<_>, _>| part.map_or(0, |tags| logical::said(&tags).values.len());
    keys(xmp) + keys(iptc) + keys(exif)
}

fn files(folder: &Path) {
    let is_picture = |path: &PathBuf| {
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
        ["jpg", "jpeg", "png", "webp", "tif", "tiff"].contains(&extension.as_str())
    };
    let listed = fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").path());
    let pictures: Vec<PathBuf> = listed.filter(is_picture).collect();
    assert!(!pictures.is_empty(), "{} has no pictures", folder.display());
    let dir = tempfile::tempdir().expect("a directory");
    let mut copies = Vec::new();
    for n in 0..COPIES {
        for picture in &pictures {
            let name = format!("{n}-{}", picture.file_name().expect("a name").to_string_lossy());
            fs::copy(picture, dir.path().join(&name)).expect("a copy");
            copies.push(dir.path().join(name));
        }
    }
    println!("files: {} pictures, {COPIES} copies of each", pictures.len());
    let mut rates = Vec::new();
    for _ in 0..7 {
        let before = thread_time();
        let keys: usize = copies.iter().map(|copy| read(copy)).sum();
        assert!(keys > 0, "nothing was read");
        rates.push(copies.len() as f64 / (thread_time() - before).as_secs_f64());
    }
    rates.sort_by(f64::total_cmp);
    let ours = rates[rates.len() / 2];
    println!("  ringback              {ours:9.0} a CPU second  [{:.0} .. {:.0}]", rates[0], rates[rates.len() - 1]);
    let exiftool = ["-j", "-n", "-G0:1"];
    peer("exiftool", &exiftool, &copies[..copies.len().min(300)], ours);
    stay_open(&copies[..copies.len().min(300)], &exiftool, ours);
    peer("exiv2", &["-pa"], &copies, ours);
}

/// A command over many files at once.
fn peer(program: &str, args: &[&str], files: &[PathBuf], ours: f64) {
    let before = children_time();
    let status = Command::new(program).args(args).args(files).stdout(Stdio::null()).stderr(Stdio::null()).status();
    report(program, status.is_ok(), files.len(), children_time() - before, ours);
}

/// exiftool as a process that stays, asked file by file.
fn stay_open(files: &[PathBuf], args: &[&str], ours: f64) {
    let before = children_time();
    let started = Command::new("exiftool")
        .args(["-stay_open", "True", "-@", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = started else { return };
    let mut asked = child.stdin.take().expect("a pipe");
    for file in files {
        let lines = args.iter().map(|arg| (*arg).to_owned()).chain([file.display().to_string(), "-execute".to_owned()]);
        asked.write_all((lines.collect::<Vec<_>>().join("\n") + "\n").as_bytes()).expect("a pipe");
    }
    asked.write_all(b"-stay_open\nFalse\n").expect("a pipe");
    drop(asked);
    child.wait().expect("it ends");
    report("exiftool -stay_open", true, files.len(), children_time() - before, ours);
}

fn report(program: &str, was_there: bool, files: usize, time: Duration, ours: f64) {
    if !was_there {
        println!("  {program:20}  not installed: skipped");
        return;
    }
    let rate = files as f64 / time.as_secs_f64();
    println!("  {program:20}  {rate:9.0} a CPU second  (ringback is {:.1} times as quick)", ours / rate);
}

fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut out = u32::try_from(8 + content.len()).expect("a small box").to_be_bytes().to_vec();
    out.extend(kind);
    out.extend(content);
    out
}

fn xmp(inside: &str) -> String {
    format!(
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
         <rdf:Description rdf:about='' xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmlns:a='urn:a:'>{inside}</rdf:Description>\
         </rdf:RDF></x:xmpmeta>"
    )
}

fn movie() {
    const SIZE: u64 = 100 << 30;
    const XMP_UUID: [u8; 16] = *b"\xbe\x7a\xcf\xcb\x97\xa9\x42\xe8\x9c\x71\x99\x94\x91\xe3\xaf\xac";

    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("movie.mp4");
    let file = File::create(&path).expect("a file");
    let mut head = boxed(b"ftyp", b"mp42\0\0\0\0mp42");
    let at = head.len() as u64;
    head.extend(1_u32.to_be_bytes());
    head.extend(b"mdat");
    head.extend((SIZE - at).to_be_bytes());
    file.write_all_at(&head, 0).expect("written");
    let mut mvhd = vec![0; 100];
    mvhd[12..16].copy_from_slice(&600_u32.to_be_bytes());
    mvhd[16..20].copy_from_slice(&3_000_u32.to_be_bytes());
    let packet = xmp("<xmp:Rating>5</xmp:Rating>");
    let tail = [boxed(b"moov", &boxed(b"mvhd", &mvhd)), boxed(b"uuid", &[&XMP_UUID[..], packet.as_bytes()].concat())];
    file.write_all_at(&tail.concat(), SIZE).expect("written");
    let content = Counted::open(&path).expect("a file");
    let found = readers::read(&content).expect("a movie");
    let tags = found.xmp.expect("XMP");
    assert!(tags.iter().any(|tag| tag.name == "Rating"), "the XMP at the tail was not found");
    println!(
        "movie: 100 GiB, XMP at the tail: {} reads, {} bytes  (asked: 10, 131072)",
        content.reads.get(),
        content.bytes.get()
    );
}

fn hostile() {
    println!("hostile: processor time and memory at its highest  (asked: 200 ms, 64 MiB each)");
    let deep = format!("{}{}", "<a:b><rdf:Description>".repeat(45_000), "</rdf:Description></a:b>".repeat(45_000));
    let wide: String = (0..220_000).map(|n| format!("<a:k{n}>value {n}</a:k{n}>")).collect();
    let mut zipped = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..500 {
        zipped.write_all(&vec![b'a'; 1 << 20]).expect("memory");
    }
    let text = [b"Raw profile type xmp\0\0".as_slice(), &zipped.finish().expect("memory")].concat();
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, content) in [(b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0][..]), (b"zTXt", &text), (b"IEND", &[])] {
        png.extend(u32::try_from(content.len()).expect("a chunk").to_be_bytes());
        png.extend(kind);
        png.extend(content);
        png.extend([0; 4]);
    }
    let boxes = [boxed(b"ftyp", b"mp42\0\0\0\0mp42"), boxed(b"free", b"").repeat(500_000)].concat();
    for (name, bytes) in [
        ("2 MB deep XMP", xmp(&deep).into_bytes()),
        ("7 MB wide XMP", xmp(&wide).into_bytes()),
        ("PNG that inflates", png),
        ("4 MB of 8-byte boxes", boxes),
    ] {
        let before_memory = highest_memory(true);
        let before = thread_time();
        let found = readers::read(&bytes.as_slice());
        let time = thread_time() - before;
        let what = match found {
            Ok(found) => [found.xmp, found.iptc, found.exif].into_iter().find_map(Result::err).map(|f| f.to_string()),
            Err(fault) => Some(fault.to_string()),
        };
        let memory = (highest_memory(false) - before_memory).max(0);
        println!(
            "  {name:20} {:7.1} MB  {:6.1} ms  {:5.1} MiB  {}",
            bytes.len() as f64 / 1e6,
            time.as_secs_f64() * 1e3,
            memory as f64 / 1024.0,
            what.unwrap_or_else(|| "read".to_owned())
        );
    }
}

fn thread_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the timespec outlives the call.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) }, 0);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The processor time of all children that have ended.
fn children_time() -> Duration {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the buffer is a rusage of ours, and all zeros are one.
    let usage = unsafe {
        assert_eq!(libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr()), 0);
        usage.assume_init()
    };
    let of = |time: libc::timeval| Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1_000);
    of(usage.ru_utime) + of(usage.ru_stime)
}

/// The most memory that this process had since it was last set back, KiB.
fn highest_memory(set_back: bool) -> i64 {
    if set_back {
        // Without it (Linux only) the figure is that of the whole run.
        drop(fs::write("/proc/self/clear_refs", "5"));
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse().ok()).unwrap_or(0)
}
