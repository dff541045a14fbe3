//! As little as can be done with inotify and still be told of everything, as a process of its own: one thread, one
//! watch a directory, watch first and list after, and a snapshot to compare with when the kernel's queue overflows. It
//! keeps nothing on disk, tells nobody but its parent, and knows no directory that is renamed: no work here does that.

use std::collections::HashMap;
use std::ffi::{CStr, CString, OsStr};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, FromRawFd as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::lines::READY;

/// The first argument that makes this program the raw watcher of the directory in the second.
pub const COMMAND: &str = "--raw-inotify";

const EVENTS: u32 = libc::IN_CREATE | libc::IN_CLOSE_WRITE | libc::IN_DELETE | libc::IN_MOVED_FROM | libc::IN_MOVED_TO;
/// `struct inotify_event` without its name.
const HEADER: usize = size_of::<libc::inotify_event>();

/// mtime, its nanoseconds, size, inode.
type Stamp = (i64, i64, u64, u64);

struct Raw {
    inotify: File,
    dirs: HashMap<i32, PathBuf>,
    snapshot: HashMap<PathBuf, Stamp>,
    out: Vec<u8>,
}

/// Watches, and prints what happens, for ever: whoever started it ends it.
pub fn report(root: &Path) -> ! {
    let mut raw =
        Raw { inotify: open().expect("inotify"), dirs: HashMap::new(), snapshot: HashMap::new(), out: Vec::new() };
    raw.watch(root, false);
    eprintln!("{READY}");
    let mut buffer = vec![0; 1 << 20];
    loop {
        let count = raw.inotify.read(&mut buffer).expect("events");
        for (watch, mask, name) in events(&buffer[..count]) {
            raw.event(root, watch, mask, OsStr::from_bytes(name));
        }
        io::stdout().write_all(&raw.out).expect("somebody reads");
        raw.out.clear();
    }
}

/// Watch, mask and name of each event in what read(2) returned.
pub fn events(mut bytes: &[u8]) -> impl Iterator<Item = (i32, u32, &[u8])> {
    std::iter::from_fn(move || {
        let (header, rest) = bytes.split_at_checked(HEADER)?;
        let number = |at: usize| <[u8; 4]>::try_from(&header[at..at + 4]).expect("four bytes");
        // wd, mask, cookie, len; then a name of len bytes that ends with NULs.
        let (name, rest) = rest.split_at(u32::from_ne_bytes(number(12)) as usize);
        bytes = rest;
        let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
        Some((i32::from_ne_bytes(number(0)), u32::from_ne_bytes(number(4)), name))
    })
}

/// An inotify descriptor.
pub fn open() -> io::Result<File> {
    // SAFETY: no pointers.
    let inotify = unsafe { libc::inotify_init1(libc::IN_CLOEXEC) };
    if inotify < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it has just been opened, and is nobody else's.
    Ok(unsafe { File::from_raw_fd(inotify) })
}

/// Watches a directory; the watch's number.
pub fn add(inotify: &File, dir: &CStr, events: u32) -> io::Result<i32> {
    // SAFETY: the descriptor is open, and the path is a C string that outlives the call.
    let watch = unsafe { libc::inotify_add_watch(inotify.as_raw_fd(), dir.as_ptr(), events) };
    if watch < 0 { Err(io::Error::last_os_error()) } else { Ok(watch) }
}

impl Raw {
    fn watch(&mut self, dir: &Path, tell: bool) {
        let mut todo = vec![dir.to_owned()];
        while let Some(dir) = todo.pop() {
            let name = CString::new(dir.as_os_str().as_bytes()).expect("no NUL");
            match add(&self.inotify, &name, EVENTS | libc::IN_ONLYDIR | libc::IN_DONT_FOLLOW) {
                Ok(watch) => drop(self.dirs.insert(watch, dir.clone())),
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => panic!("{}: {error}", dir.display()),
            }
            // It may be gone again.
            for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => todo.push(entry.path()),
                    Ok(_) => {
                        self.look(&entry.path(), tell);
                    }
                    Err(_) => {}
                }
            }
        }
    }

    fn event(&mut self, root: &Path, watch: i32, mask: u32, name: &OsStr) {
        if mask & libc::IN_Q_OVERFLOW != 0 {
            let known: Vec<_> = self.snapshot.keys().cloned().collect();
            for path in known {
                self.look(&path, true);
            }
            self.watch(root, true);
            return;
        }
        if mask & libc::IN_IGNORED != 0 {
            self.dirs.remove(&watch);
            return;
        }
        let Some(dir) = self.dirs.get(&watch) else { return };
        let path = dir.join(name);
        let came = mask & (libc::IN_CREATE | libc::IN_MOVED_TO) != 0;
        if mask & libc::IN_ISDIR != 0 {
            if came {
                self.watch(&path, true);
            }
        } else if mask & libc::IN_CLOSE_WRITE != 0 {
            // Always told while it is there: the listing of a new directory may have seen it half written.
            if self.look(&path, false) {
                self.tell("CLOSE_WRITE", &path);
            }
        } else {
            self.look(&path, true);
        }
    }

    /// Compares a file with the snapshot; whether it is there.
    fn look(&mut self, path: &Path, tell: bool) -> bool {
        let Ok(found) = fs::symlink_metadata(path) else {
            if self.snapshot.remove(path).is_some() {
                self.tell("DELETE", path);
            }
            return false;
        };
        let stamp = (found.mtime(), found.mtime_nsec(), found.size(), found.ino());
        if self.snapshot.insert(path.to_owned(), stamp) != Some(stamp) && tell {
            self.tell("MODIFY", path);
        }
        true
    }

    fn tell(&mut self, event: &str, path: &Path) {
        self.out.extend_from_slice(event.as_bytes());
        self.out.push(b'\t');
        self.out.extend_from_slice(path.as_os_str().as_bytes());
        self.out.push(b'\n');
    }
}
