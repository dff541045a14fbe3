//! `POST /v1/rescan`: whether there is anything to scan.
//!
//! What is known at or below the path is scanned, or found to be gone; so is what is there. A path where nothing is
//! known and nothing is there is a mistake of the caller's, and the answer says so. The scan itself is a sync's
//! concern.

use super::{Effect, Intake};
use crate::model::ask::Answer;
use crate::model::ids::{MountId, ReplyId};
use crate::model::look::Seen;
use crate::model::path::LogicalPath;
use crate::model::rescan::{RescanAnswer, RescanRequest};
use crate::model::scope::Scope;
use crate::store::{IntakeTables, StoreError};

/// Callers who wait for the beginning of their scans. Bounded as calls are.
#[derive(Debug, Default)]
pub(super) struct Rescans(Vec<Waiting>);

#[derive(Debug)]
struct Waiting {
    reply: ReplyId,
    /// The caller waits for the end, and hears of the beginning only that there is nothing to scan.
    for_its_end: bool,
    /// Where; `None`: every mount of the scope.
    path: Option<LogicalPath>,
    /// Whose mounts.
    scope: Scope,
    /// Whether there is something; `None` until a look has shown it.
    there: Option<bool>,
}

impl Rescans {
    /// A look has landed. Only one that began after the call does, or was made again since.
    pub(super) fn seen(&mut self, path: &LogicalPath, seen: &Seen) {
        for waiting in self.0.iter_mut().filter(|waiting| waiting.path.as_ref() == Some(path)) {
            match seen {
                Seen::Absent | Seen::Link | Seen::Other => waiting.there = waiting.there.or(Some(false)),
                Seen::File(_) | Seen::Directory | Seen::Covered(_) | Seen::Unreadable(_) => waiting.there = Some(true),
                // The mount is about to be offline, and that is the answer.
                Seen::RootGone => {}
            }
        }
    }
}

impl Intake {
    /// A caller waits for the beginning of a scan.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub(super) fn wait_for_begin(
        &mut self,
        reply: ReplyId,
        request: &RescanRequest,
        for_its_end: bool,
        ledger: IntakeTables<'_>,
    ) -> Result<(), StoreError> {
        let path = request.path.as_ref().map(|path| self.known_as(path, ledger)).transpose()?;
        let there = match &path {
            Some(path) if !self.is_known(path, ledger)? => None,
            _ => Some(true),
        };
        let scope = request.scope.clone();
        self.rescans.0.push(Waiting { reply, for_its_end, path, scope, there });
        Ok(())
    }

    fn is_known(&self, path: &LogicalPath, ledger: IntakeTables<'_>) -> Result<bool, StoreError> {
        let Some(root) = self.mounts.of(path).map(|mount| self.mounts.root_path(mount)) else { return Ok(false) };
        Ok(path == root || ledger.asset_at(root, path)?.is_some() || ledger.dir(root, path)?.is_some())
    }

    /// Says what is known of the beginnings of scans by now.
    pub(super) fn answer_rescans(&mut self, effects: &mut Vec<Effect>) {
        let (mounts, waiting) = (&self.mounts, &mut self.rescans.0);
        let mut ended = Vec::new();
        waiting.retain(|Waiting { reply, for_its_end, path, scope, there }| {
            let concerned: Vec<MountId> = match path {
                Some(path) => mounts.of(path).into_iter().collect(),
                None => mounts.ids().filter(|mount| scope.covers(mounts.tenant(*mount))).collect(),
            };
            if !concerned.iter().all(|mount| mounts.is_known(*mount)) {
                return true;
            }
            let offline = concerned.iter().filter(|mount| !mounts.is_online(**mount));
            let offline: Vec<_> = offline.map(|mount| mounts.root_path(*mount).clone()).collect();
            let answer = match there {
                None if offline.is_empty() => return true,
                Some(false) if offline.is_empty() => RescanAnswer::NothingThere,
                _ => RescanAnswer::Begun { offline },
            };
            if !for_its_end || answer == RescanAnswer::NothingThere {
                ended.push(*reply);
                effects.push(Effect::Answer(*reply, Answer::Rescan(answer)));
            }
            false
        });
        ended.into_iter().for_each(|reply| self.end_sync(reply));
    }
}
