//! What became owed lately to lanes that have to wait. A group writes one row for all of them, which lists lanes and
//! places in the journal, and memory holds the same. Later each lane's entries *move* to rows of its own: when they are
//! needed there (a cut, a bound, a removal), or in turn, a few lanes a group, so that the oldest rows can be removed.
//!
//! So a change that is owed to three hundred targets that hang writes one page of the ledger, and some more for the
//! lanes whose turn it is, and not three hundred.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::model::ids::{Seq, SubscriptionId};
use crate::store::{DispatchTables, OwedGroups, OwedInGroups, StoreError};

/// Where fewer lanes have to wait, each gets a row of its own at once.
const LANES_MIN: usize = 2;
/// Entries that became owed to a lane in one group and go into the group's row, at most: more are worth a row of the
/// lane's own.
pub(super) const RUN_MAX: usize = 64;
/// Once there are so many rows, lanes move in turn: this part of them a group.
pub(super) const TURN: usize = 64;
/// Entries in all rows, at most, 4 to 8 MiB of memory: past it lanes move until there are no more.
pub(super) const ENTRIES_MAX: usize = 1 << 19;

/// The rows, as far as lanes need them.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// Their numbers, rising.
    rows: VecDeque<i64>,
    /// The highest number that was given.
    last: i64,
    /// What each lane is owed beyond its own rows.
    lanes: BTreeMap<SubscriptionId, OwedInGroups>,
    /// The same lanes, by the row that holds the oldest of it.
    by_age: BTreeSet<(i64, SubscriptionId)>,
    /// Entries of all lanes.
    entries: usize,
    /// Of these, how many became owed in this group: its row is not written yet.
    new: BTreeMap<SubscriptionId, usize>,
    /// Lanes that moved in this group. The rows before do not count for them.
    moved: BTreeSet<SubscriptionId>,
    /// Lanes that had moved, as their own rows show, while the row that says so cannot be read. The next row says it.
    unsaid: BTreeSet<SubscriptionId>,
}

impl Groups {
    /// Takes up what the ledger has. `unsaid`: lanes that had moved, which no row says that can be read.
    pub(super) fn take_up(groups: OwedGroups, unsaid: BTreeSet<SubscriptionId>) -> Self {
        let OwedGroups { rows, last, lanes, damaged: _ } = groups;
        Self {
            rows: rows.into(),
            last,
            by_age: lanes.iter().map(|(id, lane)| (lane.row, *id)).collect(),
            entries: lanes.values().map(|lane| lane.seqs.len()).sum(),
            lanes,
            unsaid,
            ..Self::default()
        }
    }

    /// What a lane is owed beyond its own rows.
    pub(super) fn of(&self, id: SubscriptionId) -> &[Seq] {
        self.lanes.get(&id).map_or(&[], |lane| &lane.seqs)
    }

    /// All lanes that are owed something beyond their own rows.
    pub(super) fn lanes(&self) -> impl Iterator<Item = (SubscriptionId, &[Seq])> {
        self.lanes.iter().map(|(id, lane)| (*id, &lane.seqs[..]))
    }

    /// Notes what became owed to a lane in this group. A long run goes to the lane's own rows, and what there was
    /// before goes with it.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub(super) fn add(
        &mut self,
        id: SubscriptionId,
        fresh: &[Seq],
        ledger: DispatchTables<'_>,
    ) -> Result<(), StoreError> {
        if fresh.len() > RUN_MAX {
            self.spread(id, ledger)?;
            return ledger.owe(id, fresh);
        }
        let row = self.last + 1;
        let lane = self.lanes.entry(id).or_insert_with(|| {
            self.by_age.insert((row, id));
            OwedInGroups { row, seqs: Vec::new() }
        });
        lane.seqs.extend(fresh);
        self.entries += fresh.len();
        *self.new.entry(id).or_default() += fresh.len();
        Ok(())
    }

    /// Writes what a lane is owed to rows of its own.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub(super) fn spread(&mut self, id: SubscriptionId, ledger: DispatchTables<'_>) -> Result<(), StoreError> {
        ledger.owe(id, self.of(id))?;
        self.has_moved(id);
        Ok(())
    }

    /// What a lane was owed is in rows of its own, or owed no more.
    pub(super) fn has_moved(&mut self, id: SubscriptionId) {
        let Some(OwedInGroups { row, seqs }) = self.lanes.remove(&id) else { return };
        self.by_age.remove(&(row, id));
        self.entries -= seqs.len();
        self.new.remove(&id);
        if row <= self.last {
            self.moved.insert(id);
        }
    }

    /// Ends a group: its row is written, and rows that no lane needs are removed.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub(super) fn end_group(&mut self, ledger: DispatchTables<'_>) -> Result<(), StoreError> {
        if self.rows.is_empty() && self.new.len() < LANES_MIN {
            while let Some((&id, _)) = self.new.first_key_value() {
                self.spread(id, ledger)?;
            }
        }
        self.take_turns(ledger)?;
        let has_news = !self.new.is_empty() || !self.moved.is_empty();
        let needed_from = self.by_age.first().map_or(i64::MAX, |(row, _)| *row);
        if has_news && !self.lanes.is_empty() {
            let new = self.new.iter().map(|(id, count)| {
                let seqs = self.of(*id);
                (*id, &seqs[seqs.len() - count..])
            });
            let number = self.last + 1;
            ledger.add_owed_group(number, &self.moved, new)?;
            self.rows.push_back(number);
            self.last = number;
        }
        self.new.clear();
        self.moved.clear();
        while let Some(row) = self.rows.front().copied().filter(|row| *row < needed_from) {
            ledger.remove_owed_group(row)?;
            self.rows.pop_front();
        }
        Ok(())
    }

    /// Has lanes move whose entries are the oldest, where a group that adds some finds that there are many. So while
    /// nothing becomes owed nothing moves: a lane whose rows cannot be written must not lose group after group.
    fn take_turns(&mut self, ledger: DispatchTables<'_>) -> Result<(), StoreError> {
        if self.new.is_empty() {
            return Ok(());
        }
        for id in std::mem::take(&mut self.unsaid) {
            self.spread(id, ledger)?;
            self.moved.insert(id);
        }
        let mut turns = if self.rows.len() < TURN { 0 } else { self.lanes.len().div_ceil(TURN) };
        while (turns > 0 || self.entries > ENTRIES_MAX)
            && let Some(&(_, id)) = self.by_age.first()
        {
            self.spread(id, ledger)?;
            turns = turns.saturating_sub(1);
        }
        Ok(())
    }
}
