//! Files that were written by a name that no mount has: a source knows them by filesystem and inode alone, and the
//! assets that they are get the hint.

use std::collections::VecDeque;

use super::Intake;
use crate::model::asset::Identity;
use crate::model::hint::{Hint, HintKind};
use crate::model::time::Now;
use crate::store::{IntakeTables, StoreError};

/// Writes to files that no asset is, which are kept in case a look that is under way makes one of them an asset: it may
/// have read the file before the write. As many paths are looked at at once at most; beyond, the oldest write is
/// forgotten.
const UNMATCHED_MAX: usize = 1_024;

/// A write to a file that is known by its inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileWrite {
    pub volume: u64,
    pub inode: u64,
    pub kind: HintKind,
}

/// The writes that were not matched with an asset when they came.
#[derive(Debug, Default)]
pub(super) struct FileWrites {
    unmatched: VecDeque<FileWrite>,
    /// Matched since.
    matched: Vec<FileWrite>,
}

impl FileWrites {
    fn keep(&mut self, write: FileWrite) {
        if self.unmatched.contains(&write) {
            return;
        }
        if self.unmatched.len() == UNMATCHED_MAX {
            self.unmatched.pop_front();
        }
        self.unmatched.push_back(write);
    }

    /// An asset is this file now.
    pub(super) fn is_now(&mut self, identity: &Identity) {
        let is_it = |write: &FileWrite| (write.volume, write.inode) == (identity.volume, identity.inode);
        let (matched, unmatched) = (&mut self.matched, &mut self.unmatched);
        unmatched.retain(|write| {
            let is_it = is_it(write);
            matched.extend(is_it.then_some(*write));
            !is_it
        });
    }
}

impl Intake {
    /// Hints every asset that a file is.
    pub(super) fn hint_file(&mut self, now: Now, write: FileWrite, ledger: IntakeTables<'_>) -> Result<(), StoreError> {
        let FileWrite { volume, inode, kind } = write;
        let mut is_matched = false;
        for candidate in self.identities.candidates(&Identity { volume, inode, birth_ns: 0 }) {
            let Some(asset) = ledger.asset(candidate)? else { continue };
            if (asset.stat.identity.volume, asset.stat.identity.inode) == (volume, inode) {
                is_matched = true;
                self.hint(now, &Hint { path: asset.path, kind });
            }
        }
        if !is_matched {
            self.file_writes.keep(write);
        }
        Ok(())
    }

    /// Hints the assets whose writes came before they were assets.
    pub(super) fn hint_matched_files(&mut self, now: Now, ledger: IntakeTables<'_>) -> Result<(), StoreError> {
        for write in std::mem::take(&mut self.file_writes.matched) {
            self.hint_file(now, write, ledger)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{FileWrite, FileWrites, UNMATCHED_MAX};
    use crate::model::asset::Identity;
    use crate::model::hint::HintKind;

    fn write(inode: u64) -> FileWrite {
        FileWrite { volume: 1, inode, kind: HintKind::Closed }
    }

    #[test]
    fn a_write_waits_for_its_asset_and_is_forgotten_when_there_are_too_many() {
        let mut writes = FileWrites::default();
        for inode in 0..UNMATCHED_MAX as u64 {
            writes.keep(write(inode));
            writes.keep(write(inode));
        }
        assert_eq!(writes.unmatched.front(), Some(&write(0)), "at the limit none is forgotten");
        writes.keep(write(UNMATCHED_MAX as u64));
        assert_eq!(writes.unmatched.front(), Some(&write(1)), "past it the oldest is");
        assert_eq!(writes.unmatched.len(), UNMATCHED_MAX);
        for inode in [0, 7, 7] {
            writes.is_now(&Identity { volume: 1, inode, birth_ns: 3 });
        }
        writes.is_now(&Identity { volume: 2, inode: 8, birth_ns: 3 });
        assert_eq!(writes.matched, [write(7)]);
    }
}
