//! What is known of files beside what the ledger has: which are linked, which were rewritten with their old date, and
//! what a store that is copied to another disk is like.

use std::collections::BTreeSet;

use ringback::model::change::{Action, Change};
use ringback::model::watching::SourceKind;

use super::{Checked, World};
use crate::check;
use crate::disk::{Id, disk_path};
use crate::files::Truth;

impl World {
    pub(super) fn truth(&self) -> Truth {
        let inner = self.host.lock();
        let linked = inner.nodes.iter().enumerate().filter(|(_, node)| node.linked).map(|(id, _)| id.to_string());
        let births = self.plan.births;
        let distinct = births || self.plan.granularity_ns == 0;
        Truth { linked: linked.collect(), births, distinct, steady: self.plan.clock_jumps == 0 }
    }

    /// Hints, or the memory of them, are lost: what only they explain is found as a scan finds it.
    pub(super) fn forgive(&mut self) {
        self.journal.files.forgive();
        self.host.lock().rewrites.clear();
    }

    /// Rewrites at these paths are reported.
    pub(super) fn note_reported(&mut self, rows: &[Change]) {
        let told = rows.iter().filter(|row| row.action != Action::None).map(|row| row.path.as_bytes());
        let told: BTreeSet<&[u8]> = told.collect();
        self.host.lock().rewrites.retain(|(path, _)| !told.contains(path.as_slice()));
    }

    /// The size and the modification time of a change are what the disk once showed at its path. A deletion whose path
    /// another file took meanwhile has those that its own file was found with elsewhere.
    pub(super) fn was_seen(&self, row: &Change) -> Checked {
        let (Some(size), Some(mtime_ns)) = (row.size, row.mtime_ns) else {
            return Err(format!("without size or mtime: {row:?}"));
        };
        let inner = self.host.lock();
        let is_seen_here = inner.seen.contains(&(disk_path(row.path.as_bytes()), size, mtime_ns));
        let is_seen = || inner.seen.iter().any(|(_, other, at)| (*other, *at) == (size, mtime_ns));
        match is_seen_here || (row.action == Action::Deleted && is_seen()) {
            true => Ok(()),
            false => Err(format!("the disk never had this size and mtime there: {row:?}")),
        }
    }

    /// Every rewrite that was heard of is reported, although size and mtime are the old ones.
    pub(super) fn rewrites_were_reported(&self) -> Checked {
        let inner = self.host.lock();
        let hears = self.plan.source != SourceKind::Poll && self.plan.limit == 0 && self.plan.deaf == 0;
        let is_there = |path: &[u8], id: Id| inner.resolve(&disk_path(path)).is_ok_and(|there| there == id);
        let counts = |(path, id): &&(Vec<u8>, Id)| hears && !check::is_ignored(path) && is_there(path, *id);
        match inner.rewrites.iter().find(counts) {
            Some((path, _)) => {
                Err(format!("{} was rewritten with its old date, and that is not reported", path.escape_ascii()))
            }
            None => Ok(()),
        }
    }
}
