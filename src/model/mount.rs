//! A mount: a directory on disk shown under a logical path.

use std::path::PathBuf;

use super::path::LogicalPath;

/// File names that are no assets until they are renamed, unless a mount says otherwise: hidden files, partial
/// downloads and copies, editors' and tools' temporary files.
pub const IGNORED_BY_DEFAULT: [&str; 8] =
    [".*", "*.part", "*.tmp", "*.crdownload", "~$*", ".nfs*", "*~", "*_exiftool_tmp"];

/// One mount, as configured. Mounts do not overlap: neither logically nor on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Where its content shows: `/acme`, or `/`.
    pub path: LogicalPath,
    /// The directory on disk, absolute.
    pub dir: PathBuf,
    /// Patterns of names and paths that are ignored: one without `/` is tried on each name of the path, others on the
    /// logical path.
    pub ignore: Vec<String>,
    /// What its very first scan tells.
    pub first_scan: FirstScan,
    /// Whether directories of other filesystems are entered.
    pub cross_filesystems: bool,
}

/// What the first scan of a mount tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FirstScan {
    /// Nothing: it fills the catalog. Files younger than the scan are told.
    #[default]
    Silent,
    /// Every file, as added.
    Report,
}
