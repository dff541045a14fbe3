//! What the standard library cannot do to files, and how the store looks from the disk's side.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::daemon::until;

/// Sets an extended attribute; `false` where the filesystem has none.
pub fn set_xattr(path: &Path, name: &str, value: &str) -> bool {
    let (path, name) = (c_text(path.as_os_str().as_bytes()), c_text(name.as_bytes()));
    // SAFETY: two C strings and a buffer with its length, all of which outlive the call.
    let done = unsafe { libc::setxattr(path.as_ptr(), name.as_ptr(), value.as_ptr().cast(), value.len(), 0) };
    if done == 0 {
        return true;
    }
    let error = io::Error::last_os_error();
    assert_eq!(error.raw_os_error(), Some(libc::ENOTSUP), "{error}");
    false
}

/// Removes an extended attribute.
pub fn remove_xattr(path: &Path, name: &str) {
    let (path, name) = (c_text(path.as_os_str().as_bytes()), c_text(name.as_bytes()));
    // SAFETY: two C strings that outlive the call.
    let done = unsafe { libc::removexattr(path.as_ptr(), name.as_ptr()) };
    assert_eq!(done, 0, "{}", io::Error::last_os_error());
}

/// Swaps two names in one step (renameat2, `RENAME_EXCHANGE`).
pub fn exchange(a: &Path, b: &Path) {
    let (a, b) = (c_text(a.as_os_str().as_bytes()), c_text(b.as_os_str().as_bytes()));
    let here = libc::AT_FDCWD;
    // SAFETY: two C strings that outlive the call.
    let done = unsafe { libc::renameat2(here, a.as_ptr(), here, b.as_ptr(), libc::RENAME_EXCHANGE) };
    assert_eq!(done, 0, "{}", io::Error::last_os_error());
}

fn c_text(bytes: &[u8]) -> CString {
    CString::new(bytes).expect("no NUL")
}

/// Waits until a file is so old that a first scan from now on leaves it untold: timestamps lag the clock by a tick.
pub fn grow_old(path: &Path) {
    let about = fs::symlink_metadata(path).expect("it is there");
    let ctime = Duration::new(about.ctime().unsigned_abs(), u32::try_from(about.ctime_nsec()).expect("nanoseconds"));
    until("time passes", || {
        let age = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH + ctime).unwrap_or_default();
        (age > Duration::from_millis(50)).then_some(())
    });
}

/// The logical path of every regular file below `root`.
pub fn files_below(root: &Path) -> BTreeSet<String> {
    let below = walkdir::WalkDir::new(root).into_iter().map(|entry| entry.expect("a readable store"));
    let files = below.filter(|entry| entry.file_type().is_file());
    files.map(|file| format!("/{}", file.path().strip_prefix(root).expect("below").display())).collect()
}
