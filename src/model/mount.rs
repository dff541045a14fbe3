//! A mount: a directory on disk shown under a logical path.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::path::LogicalPath;
use super::tenant::Tenant;
use super::watching::SourceKind;

/// File names that are no assets until they are renamed, unless a mount says otherwise: hidden files, partial
/// downloads and copies, editors' and tools' temporary files, and what a check of an ext filesystem leaves.
pub const IGNORED_BY_DEFAULT: [&str; 14] = [
    ".*",
    // Downloads and copies that are not whole yet: browsers, WinSCP, exporters.
    "*.part",
    "*.partial",
    "*.filepart",
    "*.tmp",
    // Of Chrome, Safari, aria2 and qBittorrent.
    "*.crdownload",
    "*.download",
    "*.aria2",
    "*.!qB",
    // Office's lock files, files that NFS keeps until they are closed, editors' backups, exiftool's new copies.
    "~$*",
    ".nfs*",
    "*~",
    "*_exiftool_tmp",
    "lost+found",
];

/// [`Mount::poll_interval_ms`] unless a mount says otherwise.
pub const POLL_INTERVAL_MS: u64 = 10_000;

/// [`Mount::verify_ms`] unless a mount says otherwise: an hour.
pub const VERIFY_MS: u64 = 3_600_000;

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
    /// Which source watches it; `None`: the best that works there.
    pub watch: Option<SourceKind>,
    /// How often it is scanned where nothing hints, milliseconds.
    pub poll_interval_ms: u64,
    /// How often a slow scan looks for what nothing hinted, milliseconds; 0: never.
    pub verify_ms: u64,
    /// How many deletions a scan of it reports at most; `None`: all that it finds.
    pub max_deletions: Option<MaxDeletions>,
    /// What sidecars are beside metadata of their assets.
    pub sidecars: Sidecars,
    /// Whose it is.
    pub tenant: Option<Tenant>,
}

/// How a mount stands, as the events of mounts tell it. The numbers are the ledger's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Standing {
    /// It is there, and nothing is wrong.
    #[default]
    Online = 0,
    /// Something in it cannot be watched or read.
    Degraded = 1,
    /// Its root is not there, or another one's.
    Offline = 2,
}

impl Standing {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Online, Self::Degraded, Self::Offline];

    /// The built-in event that tells that it stands so now.
    #[must_use]
    pub fn event_name(self) -> &'static str {
        match self {
            Self::Online => "mount.online",
            Self::Degraded => "mount.degraded",
            Self::Offline => "mount.offline",
        }
    }
}

/// A brake on deletions: an emptied volume, or another one in its place, has no other sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaxDeletions {
    /// So many.
    Count(u64),
    /// So many of each hundred assets that the mount has when a scan begins.
    Percent(u8),
}

impl MaxDeletions {
    /// The number of deletions, of a mount that has so many assets.
    #[must_use]
    pub fn of(self, assets: u64) -> u64 {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => assets.saturating_mul(percent.into()) / 100,
        }
    }
}

impl Mount {
    /// A mount of a directory, everything else as it is by default.
    #[must_use]
    pub fn new(path: LogicalPath, dir: PathBuf) -> Self {
        Self {
            path,
            dir,
            ignore: IGNORED_BY_DEFAULT.map(str::to_owned).to_vec(),
            first_scan: FirstScan::default(),
            cross_filesystems: false,
            watch: None,
            poll_interval_ms: POLL_INTERVAL_MS,
            verify_ms: VERIFY_MS,
            max_deletions: None,
            sidecars: Sidecars::Metadata,
            tenant: None,
        }
    }

    /// The logical path of a path on disk, by the directory as it is configured.
    #[must_use]
    pub fn located(&self, on_disk: &Path) -> Option<LogicalPath> {
        let below = on_disk.strip_prefix(&self.dir).ok()?;
        let names = below.as_os_str().as_bytes().split(|&byte| byte == b'/').filter(|name| !name.is_empty());
        Some(names.fold(self.path.clone(), |path, name| path.join(name)))
    }
}

/// What a sidecar is. In either case what it says belongs to the asset beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sidecars {
    /// No asset: nothing is reported of the file itself.
    #[default]
    Metadata,
    /// An asset too.
    Assets,
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
