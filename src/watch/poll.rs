//! No watching at all: the mount is scanned each `poll_interval`. Always works, and hints nothing.

use std::path::Path;

use super::{Mounting, SignalSink, WatchError, WatchSource, next_generation};
use crate::model::hint::Signal;
use crate::model::ids::MountId;
use crate::model::path::LogicalPath;
use crate::model::watching::{Generation, SourceKind, Watching};

/// Polling as a [`WatchSource`].
pub struct PollSource {
    generation: Generation,
    sink: SignalSink,
}

impl PollSource {
    /// A source that says nothing but [`Signal::Synced`].
    #[must_use]
    pub fn new(sink: SignalSink) -> Self {
        Self { generation: next_generation(), sink }
    }
}

impl WatchSource for PollSource {
    fn take_up(&self, _mount: MountId, _dir: &Path, _mounting: Mounting) -> Result<Watching, WatchError> {
        let why = "a scan each poll_interval".to_owned();
        Ok(Watching {
            source: SourceKind::Poll,
            generation: self.generation,
            sees_closes: false,
            hints: false,
            why,
            is_fallback: false,
        })
    }

    fn watch(&self, _mount: MountId, _path: &LogicalPath, _dir: &Path) -> Result<(), WatchError> {
        Ok(())
    }

    fn forget(&self, _mount: MountId, _path: &LogicalPath) {}

    fn sync(&self, number: u64) -> Result<(), WatchError> {
        (self.sink)(vec![Signal::Synced(number)]);
        Ok(())
    }
}
