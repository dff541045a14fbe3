//! Looks: what was on disk when somebody looked. Requests go out with a [`Ticket`], results come back with it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::asset::{Identity, Stat};
use super::ids::{MountId, Ticket};
use super::metadata::{Metadata, Said, Source};
use super::path::LogicalPath;
use super::status::NoteKind;

/// The directory that a mount's root is known to be, and the filesystems that are mounted inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownRoot {
    /// The root. After an absence is seen the root must still be this one.
    pub identity: Identity,
    /// Where something else than the root's own tree begins, or did: the root of the filesystem that is entered there;
    /// `None` where nothing is entered, so that everything below is as it was.
    pub inner: Arc<BTreeMap<LogicalPath, Option<Identity>>>,
}

impl From<Identity> for KnownRoot {
    /// A root without anything mounted inside it.
    fn from(identity: Identity) -> Self {
        Self { identity, inner: Arc::default() }
    }
}

/// Please look at these paths, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookRequest {
    /// Comes back with the result.
    pub ticket: Ticket,
    /// Which paths; of one mount.
    pub paths: Vec<LogicalPath>,
    /// The mount they are in.
    pub mount: MountId,
    /// The mount's root as last known.
    pub root: KnownRoot,
    /// Files that were seen at some of the paths, whom the catalog knows, to the last detail, under another name: where
    /// lstat(2) still says just this, a directory above was renamed, and the file need not be opened.
    pub unchanged: HashMap<LogicalPath, Stat>,
    /// What the catalog has of these files is what `exiftool` says of them, where lstat(2) still says just this: it is
    /// not asked again. Empty where it is never asked.
    pub as_read: HashMap<LogicalPath, Stat>,
}

/// The result of a [`LookRequest`]: one [`Seen`] for each of its paths, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// The request's.
    pub ticket: Ticket,
    /// What was seen, path by path.
    pub seen: Vec<(LogicalPath, Seen)>,
}

/// What one look saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Nothing is there, and the mount's root was still the known one afterwards.
    Absent,
    /// A regular file.
    File(FileLook),
    /// A regular file that `exiftool` is asked about. The path is looked at again once its answer is there.
    BeingRead(Stat),
    /// A directory.
    Directory,
    /// A symbolic link, which is not followed: no asset.
    Link,
    /// Neither file nor directory nor link (a socket, fifo, device): no asset.
    Other,
    /// Another filesystem is mounted here or at a directory above, or the one that was is not: this directory. What was
    /// there stays as it was.
    Covered(LogicalPath),
    /// It cannot be read: the assets there stay as they were, and this is shown.
    Unreadable(String),
    /// The mount's root is no longer the known one, so absence means nothing.
    RootGone,
}

/// A regular file as one look saw it. Stat before and after reading the metadata agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileLook {
    /// What lstat(2) said.
    pub stat: Stat,
    /// It was looked at so soon after its last write that another write could leave the same mtime.
    pub racy: bool,
    /// The owner's user name, or the uid in digits when it has none.
    pub owner: String,
    /// Its metadata.
    pub metadata: MetadataLook,
    /// Whether somebody has it open for writing.
    pub writer: Writer,
}

/// What a look says of a file's metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetadataLook {
    /// lstat(2) said exactly what the catalog knew of this file under another name ([`LookRequest::unchanged`]), so it
    /// is what the catalog has.
    AsKnown,
    /// What each source says. A source that is not here has nothing to say.
    Seen(BTreeMap<Source, SourceLook>),
}

/// What a look says of one source of a file's metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceLook {
    /// The sidecar that it was read from; `None` for what belongs to the file itself.
    pub sidecar: Option<SidecarFile>,
    /// What it says, or why that is not known.
    pub content: Result<Said, Unread>,
}

impl SourceLook {
    /// A source of the file itself that says this.
    #[must_use]
    pub fn read(said: impl Into<Said>) -> Self {
        Self { sidecar: None, content: Ok(said.into()) }
    }

    /// A source of the file itself that could not be read.
    #[must_use]
    pub fn unread(unread: Unread) -> Self {
        Self { sidecar: None, content: Err(unread) }
    }
}

/// Why a source of a file's metadata was not read. What was known of it stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// The disk refused: it is read again later. For people.
    Refused(String),
    /// Its bytes cannot be read, or cost too much: it is read again once they change. For people.
    Damaged(String),
    /// Somebody writes the sidecar: it is read again once it is closed.
    Written,
    /// It is as it was when it was read last ([`LookRequest::as_read`]), and was not read again.
    AsKnown,
}

/// A sidecar as a look found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SidecarFile {
    /// Its name in the directory of its asset.
    pub name: Vec<u8>,
    /// What lstat(2) said of it.
    pub stat: Stat,
    /// See [`FileLook::racy`].
    pub racy: bool,
}

impl SidecarFile {
    /// Whether two looks saw the same bytes, as far as names and times can say. A filesystem that ignores case lists
    /// another spelling than the one that was opened.
    #[must_use]
    pub fn is_same_file(&self, other: &Self) -> bool {
        self.stat == other.stat && self.name.eq_ignore_ascii_case(&other.name)
    }
}

/// Whether a file has a writer, as far as a read lease (fcntl(2) `F_SETLEASE`) tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// Nobody writes.
    None,
    /// Somebody has it open for writing.
    Some,
    /// Leases do not work here (filesystem, ownership).
    Unknown {
        /// By its times it may have been written within the last day. Whole days are asked because a server's clock may
        /// be off by hours, and only to save a second look at what has lain there for long.
        young: bool,
    },
}

/// Please watch this directory, then list it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListRequest {
    /// Comes back with the result.
    pub ticket: Ticket,
    /// The directory.
    pub path: LogicalPath,
    /// The mount it is in.
    pub mount: MountId,
    /// The mount's root as last known: before and after the listing the root must be this one.
    pub root: KnownRoot,
    /// Read each file's metadata too: the first scan's silent baseline.
    pub metadata: bool,
}

/// The result of a [`ListRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The request's.
    pub ticket: Ticket,
    /// The directory.
    pub path: LogicalPath,
    /// What was in it, or why it could not be read.
    pub content: Result<Listing, ListError>,
    /// Why it is not watched, for people; it was listed all the same.
    pub unwatched: Option<String>,
}

/// The names in a directory. Ignored names are left out. Not ordered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// Regular files.
    pub files: Vec<ListedFile>,
    /// Directories to be scanned too: of the mount's own tree, or the root of a filesystem that is entered.
    pub directories: Vec<Vec<u8>>,
    /// Names that could not be looked at: each is looked at by itself, which shows why.
    pub unreadable: Vec<Vec<u8>>,
    /// Names that are neither of these and that people may miss, with why: symbolic links, and subvolumes that are not
    /// entered.
    pub passed_over: Vec<(Vec<u8>, NoteKind)>,
}

/// A regular file in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFile {
    /// Its name in the directory.
    pub name: Vec<u8>,
    /// What lstat(2) said.
    pub stat: Stat,
    /// See [`FileLook::racy`].
    pub racy: bool,
    /// The owner's user name, or the uid in digits.
    pub owner: String,
    /// The `user.*` attributes, or why they could not be read; empty unless [`ListRequest::metadata`] asked for them.
    pub xattrs: Result<Metadata, String>,
}

/// Why a directory could not be listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListError {
    /// It is no longer there, or no longer a directory.
    Gone,
    /// The mount's root is no longer the known one, so what was or was not in the directory means nothing.
    RootGone,
    /// Another filesystem is mounted there or above, or the one that was is not: this directory.
    Covered(LogicalPath),
    /// It cannot be read; for people.
    Unreadable(String),
}
