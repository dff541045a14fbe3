//! Hard links. What happens to a file by one of its names is hinted at that name alone, so the assets of its other
//! names are hinted here, in whatever mount they are.
//!
//! It ends because a hint is given only where the row of the other name is not what a look has just seen, and because a
//! look that such a hint causes asks for the others only where it saw something newer. It is bounded because at most
//! [`ROWS_MAX`] rows are read a group; a file with more names takes more groups.

use std::collections::{HashMap, VecDeque};

use super::Intake;
use crate::catalog::{Here, Place};
use crate::model::asset::{Asset, Identity, Stat};
use crate::model::hint::HintKind;
use crate::model::ids::AssetId;
use crate::model::time::Mono;
use crate::settle::Cause;
use crate::store::{IntakeTables, StoreError};

/// Rows of other names that one group reads at most, so that a group stays short: a file may have 65,000 names (ext4).
pub(super) const ROWS_MAX: usize = 1_000;
/// Files whose last state all names have been asked for, which saves asking each of many names for all others. Past
/// this many the memory is emptied, which costs row reads and nothing else.
pub(super) const ASKED_MAX: usize = 10_000;

/// A file whose other names have to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Linked {
    identity: Identity,
    /// What a look saw; names whose rows say the same need no look. `None`: a name is gone, so every other row is
    /// stale.
    seen: Option<Stat>,
    heard: HintKind,
    /// The file was heard written, at the very name that was looked at.
    wrote: bool,
    order: u64,
    /// Names up to this asset are done.
    done: AssetId,
}

impl Linked {
    /// A name of this file is gone.
    pub(super) fn left(identity: Identity) -> Self {
        // Every sync waits for it.
        let order = 0;
        Self { identity, seen: None, heard: HintKind::Moved, wrote: false, order, done: AssetId(0) }
    }

    fn concerns(&self, other: &Asset) -> bool {
        other.stat.identity == self.identity
            && self.seen.is_none_or(|seen| seen != other.stat || (self.wrote && other.racy))
    }

    fn joined(self, newer: Self) -> Self {
        Self {
            heard: match (self.heard, newer.heard) {
                (HintKind::Closed, _) | (_, HintKind::Closed) => HintKind::Closed,
                (a, b) if a == b => a,
                _ => HintKind::Found,
            },
            wrote: self.wrote || newer.wrote,
            order: self.order.min(newer.order),
            ..newer
        }
    }
}

/// Files whose other names wait to be hinted.
#[derive(Debug, Default)]
pub(super) struct Links {
    waiting: VecDeque<Linked>,
    asked: HashMap<Identity, Stat>,
}

impl Links {
    /// Whether something waits.
    pub(super) fn any(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The first place among all hints of what waits.
    pub(super) fn first_order(&self) -> Option<u64> {
        self.waiting.iter().map(|linked| linked.order).min()
    }

    /// Notes that all names of a file have been asked for in this state.
    pub(super) fn note_asked(&mut self, file: Identity, seen: Stat) {
        if self.asked.len() >= ASKED_MAX {
            self.asked.clear();
        }
        self.asked.insert(file, seen);
    }

    fn push(&mut self, linked: Linked) {
        match self.waiting.iter_mut().find(|other| other.identity == linked.identity) {
            Some(other) => *other = other.joined(linked),
            None => self.waiting.push_back(linked),
        }
    }
}

impl Intake {
    /// The file of a place, where its other names may have to be looked at.
    pub(super) fn linked(&self, place: &Place, cause: &Cause) -> Option<Linked> {
        let Here::File(look) = &place.here else { return None };
        let Stat { identity, links, .. } = look.stat;
        let known = place.known.as_ref().filter(|known| known.stat.identity == identity);
        let has_others = links > 1 || known.is_some_and(|known| known.stat.links > 1);
        if !has_others || !identity.is_numbered() {
            return None;
        }
        let is_asked = cause.by_link && self.links.asked.get(&identity) == Some(&look.stat);
        let wrote = cause.wrote && !cause.by_link;
        let heard = match cause.heard {
            _ if wrote && cause.closed => HintKind::Closed,
            _ if wrote => HintKind::Written,
            _ if cause.by_link => HintKind::Found,
            heard => heard,
        };
        let linked = Linked { identity, seen: Some(look.stat), heard, wrote, order: cause.order, done: AssetId(0) };
        (!is_asked).then_some(linked)
    }

    /// Has the other names of these files hinted.
    pub(super) fn push_linked(&mut self, linked: Vec<Linked>) {
        for linked in linked {
            let names = self.identities.len(&linked.identity);
            if names < if linked.seen.is_some() { 2 } else { 1 } {
                continue;
            }
            if let Some(seen) = linked.seen {
                self.links.note_asked(linked.identity, seen);
            }
            self.links.push(linked);
        }
    }

    /// Hints other names, as many as one group may.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub(super) fn release_links(&mut self, now: Mono, ledger: IntakeTables<'_>) -> Result<(), StoreError> {
        let mut left = ROWS_MAX;
        while let Some(mut linked) = self.links.waiting.pop_front() {
            let names = self.identities.candidates(&linked.identity);
            let rest: Vec<_> = names.into_iter().filter(|id| *id > linked.done).collect();
            for id in rest.iter().take(left) {
                linked.done = *id;
                if let Some(asset) = ledger.asset(*id)?.filter(|asset| linked.concerns(asset)) {
                    let cause = Cause { by_link: true, ..Cause::hinted(now, linked.heard, linked.order) };
                    self.hint_for(now, &asset.path, cause);
                }
            }
            if rest.len() > left {
                self.links.waiting.push_front(linked);
                return Ok(());
            }
            left -= rest.len();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{ASKED_MAX, Links};
    use crate::model::asset::{Identity, Stat};

    #[test]
    fn the_memory_of_files_is_emptied_past_its_limit() {
        let mut links = Links::default();
        let mut note = |inode| {
            let identity = Identity { volume: 1, inode, birth_ns: 0 };
            links.note_asked(identity, Stat { identity, size: 1, mtime_ns: 1, ctime_ns: 1, links: 2 });
            links.asked.len()
        };
        let kept = (0..ASKED_MAX as u64).map(&mut note).last();
        assert_eq!(kept, Some(ASKED_MAX), "at the limit");
        assert_eq!(note(ASKED_MAX as u64), 1, "past it only the newest is kept");
    }
}
