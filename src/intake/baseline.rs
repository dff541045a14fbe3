//! The baseline of metadata: after a first scan, or with readers that read otherwise, the content of every asset is
//! read in the background. What it says then is no news.
//!
//! It goes newest first, a few files at a time, and waits as long after each piece as the piece took, so that a live
//! change finds the disk and the threads that look free half of the time.

use super::Intake;
use crate::model::ids::AssetId;
use crate::model::path::LogicalPath;
use crate::model::time::Mono;
use crate::settle::Cause;
use crate::store::{IntakeTables, StoreError};

/// Assets that are read at once.
const PIECE: usize = 32;
/// The shortest time between two pieces, milliseconds.
const REST_MS_MIN: u64 = 5;
/// The longest time between two pieces, milliseconds: a slow look says nothing about how busy the disk is.
const REST_MS_MAX: u64 = 1_000;
/// After everything that can be read has been read: how long until what could not be is tried again, milliseconds. An
/// asset in a mount that is offline, or one whose file nothing can be said of yet, is left out in a pass.
const PASS_MS: u64 = 60_000;
/// How long one piece is waited for, milliseconds; then the next goes.
const PIECE_MS_MAX: u64 = 30_000;

/// Older than everything: no pass is under way.
const FROM_NEWEST: (i64, AssetId) = (i64::MAX, AssetId(i64::MAX));

/// What is being read in the background.
#[derive(Debug)]
pub(super) struct Baseline {
    /// The next piece is of what is older than this.
    before: (i64, AssetId),
    /// Something was left out in this pass.
    has_left: bool,
    /// When the next piece is due; `None`: everything has been read.
    due: Option<Mono>,
    /// What is being read, and since when.
    piece: Option<(Vec<LogicalPath>, Mono)>,
}

impl Default for Baseline {
    fn default() -> Self {
        Self { before: FROM_NEWEST, has_left: false, due: Some(Mono(0)), piece: None }
    }
}

impl Baseline {
    /// There is something to read that was not there before, or whose mount was away.
    pub(super) fn wake(&mut self) {
        self.before = FROM_NEWEST;
        self.due.get_or_insert(Mono(0));
    }

    /// When the baseline acts next. `is_free`: nothing else waits to be looked at, so the next piece may go out.
    pub(super) fn deadline(&self, is_free: bool) -> Mono {
        match (&self.piece, self.due) {
            (Some((_, since)), _) => Mono(since.0.saturating_add(PIECE_MS_MAX)),
            (None, Some(due)) if is_free => due,
            _ => Mono(u64::MAX),
        }
    }
}

impl Intake {
    /// Returns whether nothing else waits to be looked at, so that the baseline delays nothing.
    pub(super) fn is_free_for_baseline(&self) -> bool {
        !self.looks.is_busy() && self.settle.awaited_len() == 0 && self.ready()
    }

    /// Sends looks at the next few assets whose content has not been read, if nothing else waits.
    pub(super) fn release_baseline(&mut self, now: Mono, ledger: IntakeTables<'_>) -> Result<(), StoreError> {
        if let Some((piece, since)) = &self.baseline.piece {
            // One that waits for a writer or for the end of a fault is read in its own time.
            let is_done = |path: &LogicalPath| !self.looks.is_looking_at(path) && !self.settle.awaits(path);
            if !piece.iter().all(is_done) && now.since_ms(*since) < PIECE_MS_MAX {
                return Ok(());
            }
            let rest = now.since_ms(*since).clamp(REST_MS_MIN, REST_MS_MAX);
            self.baseline.piece = None;
            self.baseline.due = Some(Mono(now.0.saturating_add(rest)));
        }
        if self.baseline.due.is_none_or(|due| due > now) || !self.is_free_for_baseline() {
            return Ok(());
        }
        let unread = ledger.unread_assets(self.baseline.before, PIECE)?;
        let Some(last) = unread.last() else {
            self.baseline.due = self.baseline.has_left.then(|| Mono(now.0.saturating_add(PASS_MS)));
            (self.baseline.before, self.baseline.has_left) = (FROM_NEWEST, false);
            return Ok(());
        };
        self.baseline.before = (last.mtime_ns, last.id);
        let mut piece = Vec::with_capacity(unread.len());
        for asset in unread {
            // Assets of a mount that is offline wait for it; assets of a mount that is not configured are left alone.
            let Some(mount) = self.mounts.of(&asset.path) else { continue };
            if !self.mounts.is_online(mount) {
                continue;
            }
            // What is read again for another reason is not read for this one.
            if self.looks.is_looking_at(&asset.path) || self.settle.contains(&asset.path) {
                self.baseline.has_left = true;
                continue;
            }
            self.settle.again(now, &asset.path, Cause::found(now, u64::MAX));
            piece.push(asset.path);
        }
        if piece.is_empty() {
            self.baseline.due = Some(Mono(now.0.saturating_add(REST_MS_MIN)));
        } else {
            self.baseline.piece = Some((piece, now));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Baseline, PIECE_MS_MAX};
    use crate::model::time::Mono;

    #[test]
    fn a_piece_is_waited_for_up_to_the_limit() {
        let mut baseline = Baseline::default();
        assert_eq!(baseline.deadline(true), Mono(0), "at the start something may be unread");
        assert_eq!(baseline.deadline(false), Mono(u64::MAX), "everything else comes first");
        baseline.piece = Some((Vec::new(), Mono(7)));
        assert_eq!(baseline.deadline(false), Mono(7 + PIECE_MS_MAX));
        (baseline.piece, baseline.due) = (None, None);
        assert_eq!(baseline.deadline(true), Mono(u64::MAX), "everything has been read");
        baseline.wake();
        assert_eq!(baseline.deadline(true), Mono(0));
    }
}
