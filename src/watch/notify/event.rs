//! What each event of the `notify` crate means as a hint. Pure.
//!
//! Written against notify 8.2.2, `src/inotify.rs`. Per inotify event it says:
//!
//! | inotify | notify | hint |
//! |---|---|---|
//! | `CREATE` (file, link, hard link, fifo, ...) | `Create(File)` | written |
//! | `CREATE` with `ISDIR` | `Create(Folder)` | moved |
//! | `MODIFY` (write, truncate) | `Modify(Data(Any))` | written |
//! | `CLOSE_WRITE` (for a mapped file, when the last mapping goes) | `Access(Close(Write))` | closed |
//! | `OPEN`, which our own looks and listings cause | `Access(Open(Any))` | none |
//! | `ATTRIB` | `Modify(Metadata(Any))` | attributes |
//! | `MOVED_FROM`, `MOVE_SELF` | `Modify(Name(From))` | moved |
//! | `MOVED_TO` | `Modify(Name(To))`; when it pairs, `Modify(Name(Both))` follows | moved; none |
//! | `DELETE`, `DELETE_SELF` | `Remove(_)` | moved |
//! | `Q_OVERFLOW` | `Other` with the rescan flag | lost |
//! | `UNMOUNT`, `IGNORED` | nothing | none: the mount's root is looked at from time to time |
//!
//! A hard link makes a `CREATE` and nothing else, so nobody ever closes it: it is told after the quiet period.

use ::notify::event::{AccessKind, AccessMode, CreateKind, Event, EventKind, ModifyKind, RenameMode};

use crate::model::hint::HintKind;

/// What one event says of its paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Look at them.
    Hint(HintKind),
    /// Events were lost before this one.
    Lost,
    /// Nothing that changes an asset, or said before.
    Nothing,
}

/// An event's meaning.
pub(super) fn meaning(event: &Event) -> Meaning {
    if event.need_rescan() {
        return Meaning::Lost;
    }
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Meaning::Hint(HintKind::Closed),
        EventKind::Access(_) => Meaning::Nothing,
        // inotify's From and To were told by themselves already.
        EventKind::Modify(ModifyKind::Name(RenameMode::Both)) if super::IS_INOTIFY => Meaning::Nothing,
        EventKind::Modify(ModifyKind::Metadata(_)) => Meaning::Hint(HintKind::Attributes),
        EventKind::Create(CreateKind::Folder) | EventKind::Modify(ModifyKind::Name(_)) | EventKind::Remove(_) => {
            Meaning::Hint(HintKind::Moved)
        }
        EventKind::Create(_) | EventKind::Modify(_) | EventKind::Any | EventKind::Other => {
            Meaning::Hint(HintKind::Written)
        }
    }
}
