//! A disk's errors: which of them mean absence, and what to tell people about the others.

use std::io;
use std::path::Path;

/// Whether the error says that nothing is there.
pub(super) fn is_absence(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR))
}

/// What went wrong, where, and what to do about it. `doing` completes "cannot".
pub(super) fn explain(doing: &str, path: &Path, error: &io::Error) -> String {
    let path = path.display();
    let advice = match error.raw_os_error() {
        Some(libc::EACCES | libc::EPERM) => {
            "; let the user that ringback runs as read it and enter every directory above it"
        }
        Some(libc::EIO) => "; check the disk and the kernel's log",
        Some(libc::ESTALE | libc::ENOTCONN | libc::EHOSTDOWN | libc::ETIMEDOUT) => {
            "; its filesystem does not answer: check the server, or mount it again"
        }
        Some(libc::ENAMETOOLONG) => "; the whole path is longer than the system takes: mount a directory further down",
        Some(libc::EMFILE | libc::ENFILE) => "; raise the limit of open files (ulimit -n)",
        _ => "",
    };
    format!("cannot {doing} {path}: {error}{advice}")
}
