//! How a mount is watched: which source, what it can see, and why it was taken.

use serde::{Serialize, Serializer};

/// A way of being told that something may have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceKind {
    /// One mark on the whole filesystem: fanotify(7). Linux, privileged.
    Fanotify,
    /// One watch a directory: inotify(7). Linux.
    Inotify,
    /// One watch a directory, through the `notify` crate: for other systems.
    Notify,
    /// No hints at all: a scan each `poll_interval`.
    Poll,
}

impl SourceKind {
    /// All of them, the best first.
    pub const ALL: [Self; 4] = [Self::Fanotify, Self::Inotify, Self::Notify, Self::Poll];

    /// Its name in configuration and status.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fanotify => "fanotify",
            Self::Inotify => "inotify",
            Self::Notify => "notify",
            Self::Poll => "poll",
        }
    }
}

impl Serialize for SourceKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Which started instance of a source it is: a number that no other instance has in the life of a process. A watch is
/// worth something only with the instance on which it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u64);

/// How a mount is watched. Two that differ in anything mean that every directory has to be watched anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watching {
    /// By which source.
    pub source: SourceKind,
    /// By which instance of it. Not shown to users.
    pub generation: Generation,
    /// It tells when a writer closes a file. Where it does not, a file counts as whole once it has been quiet.
    pub sees_closes: bool,
    /// It hints at all. Where it does not, the mount is scanned again and again.
    pub hints: bool,
    /// Why this one, for people.
    pub why: String,
    /// It is less than what was asked for, or than what this filesystem is usually watched by; shown as degraded.
    pub is_fallback: bool,
}
