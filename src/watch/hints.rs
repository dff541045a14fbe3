//! What a source has read, on its way to the sink: hints of one read of the kernel's queue, in order, those that say
//! the same folded into one. Knows mounts and what they ignore; no disk, no kernel.

use std::sync::Arc;

use super::SignalSink;
use super::mounts::Mounts;
use crate::model::hint::{Hint, HintKind, Signal};
use crate::model::ids::MountId;
use crate::model::path::LogicalPath;

/// So many signals back a loss is looked for that says the same.
const LOST_LOOKED_BACK: usize = 8;

/// The signals of one read.
pub(super) struct Batch<'a> {
    mounts: &'a Mounts,
    signals: Vec<Signal>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(mounts: &'a Mounts) -> Self {
        Self { mounts, signals: Vec::new() }
    }

    /// A hint at a name in a directory that is itself not ignored.
    pub(super) fn entry(&mut self, mount: MountId, dir: &LogicalPath, name: &[u8], kind: HintKind) {
        if self.mounts.is_ignored_name(mount, name) {
            return;
        }
        let path = dir.join(name);
        if self.mounts.is_ignored_by_name(mount) || !self.mounts.is_ignored(mount, &path) {
            self.push(path, kind);
        }
    }

    /// A hint at a directory that is itself not ignored.
    pub(super) fn directory(&mut self, path: &LogicalPath, kind: HintKind) {
        self.push(path.clone(), kind);
    }

    /// A file was written that is known by its inode alone.
    pub(super) fn file(&mut self, mounts: Arc<[MountId]>, volume: u64, inode: u64, kind: HintKind) {
        self.signals.push(Signal::File { mounts, volume, inode, kind });
    }

    /// Hints were lost in these mounts.
    pub(super) fn lost(&mut self, mounts: impl IntoIterator<Item = MountId>) {
        for lost in mounts.into_iter().map(Signal::Lost) {
            // A filesystem that is unmounted loses all its watches, one by one.
            if !self.signals.iter().rev().take(LOST_LOOKED_BACK).any(|signal| *signal == lost) {
                self.signals.push(lost);
            }
        }
    }

    /// Everything asked for under these numbers has been said.
    pub(super) fn synced(&mut self, numbers: impl IntoIterator<Item = u64>) {
        self.signals.extend(numbers.into_iter().map(Signal::Synced));
    }

    pub(super) fn send(self, sink: &SignalSink) {
        if !self.signals.is_empty() {
            sink(self.signals);
        }
    }

    /// A file that is created, written and closed makes three events and more; one hint of its close says it all. What
    /// came after a close is kept apart: it may be another writer.
    fn push(&mut self, path: LogicalPath, kind: HintKind) {
        if let Some(Signal::Hint(last)) = self.signals.last_mut()
            && last.path == path
        {
            match (last.kind, kind) {
                (HintKind::Written, HintKind::Closed) => last.kind = HintKind::Closed,
                (a, b) if a == b => {}
                _ => self.signals.push(Signal::Hint(Hint { path, kind })),
            }
            return;
        }
        self.signals.push(Signal::Hint(Hint { path, kind }));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::Batch;
    use crate::model::hint::HintKind::{self, Closed, Moved, Written};
    use crate::model::hint::Signal;
    use crate::model::ids::MountId;
    use crate::model::mount::Mount;
    use crate::model::path::LogicalPath;
    use crate::watch::SignalSink;
    use crate::watch::mounts::Mounts;

    #[track_caller]
    fn check(hints: &[(&str, HintKind)], expect: &[(&str, HintKind)]) {
        let dir = LogicalPath::parse(b"/m").expect("a path");
        let mount = Mount { ignore: vec!["*.tmp".into(), "/m/hid*".into()], ..Mount::new(dir.clone(), "/d".into()) };
        let mounts = Mounts::new(vec![mount], None).expect("mounts");
        let mut batch = Batch::new(&mounts);
        for (name, kind) in hints {
            batch.entry(MountId(0), &dir, name.as_bytes(), *kind);
        }
        let sent: Arc<Mutex<Vec<Signal>>> = Arc::default();
        let theirs = Arc::clone(&sent);
        let sink: SignalSink = Arc::new(move |signals| theirs.lock().expect("signals").extend(signals));
        batch.send(&sink);
        let sent: Vec<_> = sent
            .lock()
            .expect("signals")
            .iter()
            .map(|signal| match signal {
                Signal::Hint(hint) => (hint.path.to_string(), hint.kind),
                other => panic!("{other:?}"),
            })
            .collect();
        let expect: Vec<_> = expect.iter().map(|(name, kind)| (format!("/m/{name}"), *kind)).collect();
        assert_eq!(sent, expect);
    }

    #[test]
    fn what_says_the_same_is_said_once() {
        check(&[("a", Written), ("a", Written), ("a", Closed), ("a", Closed)], &[("a", Closed)]);
        check(&[("a", Written), ("b", Written), ("a", Closed)], &[("a", Written), ("b", Written), ("a", Closed)]);
        // Opened and written anew: whether it is whole again, its next close says.
        check(&[("a", Closed), ("a", Written)], &[("a", Closed), ("a", Written)]);
        check(&[("a", Moved), ("a", Moved), ("a", Written)], &[("a", Moved), ("a", Written)]);
    }

    #[test]
    fn what_is_ignored_is_not_hinted() {
        check(&[("a.tmp", Closed), ("hidden", Closed), ("a", Closed)], &[("a", Closed)]);
    }
}
