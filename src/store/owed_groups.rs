//! What became owed lately to lanes that have to wait: a row a group, for all of them. A row of each lane's own would
//! cost a page of the ledger a lane.
//!
//! A lane is owed its own rows ([`super::outbox`]) and then what is here. Its entries move from here to its own rows as
//! a whole, and the row of the group in which they do says so: what the rows before hold of that lane does not count
//! any more. A row that no lane needs is removed, the oldest first.
//!
//! A row's content is a list of variable-length numbers ([`super::seqs`]). First the lanes that moved: how many, and
//! the way to each from the one before. Then the lanes to which something became owed: how many, the lowest place in
//! the journal that the row holds, and for each lane the way to it from the one before, how many places, the way to the
//! first from the lowest, and the gaps.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;

use super::error::{Cause, Operation as _};
use super::{DispatchTables, Result, StoreError, seqs};
use crate::model::ids::{Seq, SubscriptionId};

/// All rows, added up.
#[derive(Debug, Default)]
pub struct OwedGroups {
    /// The numbers of the rows that could be read, rising.
    pub rows: Vec<i64>,
    /// The highest number of any row; 0 where there is none.
    pub last: i64,
    /// What each lane is owed beyond its own rows.
    pub lanes: BTreeMap<SubscriptionId, OwedInGroups>,
    /// Rows that cannot be read. The others are added up as if they did not exist.
    pub damaged: Vec<StoreError>,
}

/// What one lane is owed beyond its own rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwedInGroups {
    /// The row that holds the oldest of it.
    pub row: i64,
    /// The journal's numbers, rising.
    pub seqs: Vec<Seq>,
}

/// A row.
#[derive(Debug, Default, PartialEq, Eq)]
struct Content {
    moved: Vec<SubscriptionId>,
    owed: Vec<(SubscriptionId, Vec<Seq>)>,
}

impl DispatchTables<'_> {
    /// Writes the row of a group: the lanes that moved in it, and what became owed in it. `number` is higher than that
    /// of any row before; the journal's numbers of a lane rise, from row to row, too.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn add_owed_group<'a>(
        &self,
        number: i64,
        moved: &BTreeSet<SubscriptionId>,
        owed: impl Iterator<Item = (SubscriptionId, &'a [Seq])> + Clone,
    ) -> Result<()> {
        self.connection
            .prepare_cached("INSERT INTO owed_groups (number, content) VALUES (?1, ?2)")
            .and_then(|mut sql| sql.execute((number, encode(moved, owed))))
            .to("note what a group owes")
            .map(drop)
    }

    /// Removes the row of a group.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn remove_owed_group(&self, number: i64) -> Result<()> {
        self.connection
            .prepare_cached("DELETE FROM owed_groups WHERE number = ?1")
            .and_then(|mut sql| sql.execute([number]))
            .to("remove what a group owes")
            .map(drop)
    }

    /// Adds all rows up. A damaged row does not keep the others from being read.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn owed_groups(&self) -> Result<OwedGroups> {
        read(&self.connection)
    }
}

/// Adds all rows up.
pub(super) fn read(connection: &Connection) -> Result<OwedGroups> {
    const READ: &str = "read what groups owe";
    let mut sql = connection.prepare_cached("SELECT number, content FROM owed_groups ORDER BY number").to(READ)?;
    let mut rows = sql.query([]).to(READ)?;
    let mut groups = OwedGroups::default();
    while let Some(row) = rows.next().to(READ)? {
        let number = row.get(0).to(READ)?;
        let content = row.get_ref(1).to(READ).and_then(|content| {
            let content = content.as_blob().map_err(|_| damaged("it is not a list of numbers")).to(READ)?;
            decode(content).to(READ)
        });
        groups.last = number;
        match content {
            Ok(content) => groups.add(number, content),
            Err(error) => groups.damaged.push(error.in_row("owed_groups", number)),
        }
    }
    // Rows follow one another in the order of the journal, and nothing but damage changes that.
    for OwedInGroups { seqs, .. } in groups.lanes.values_mut().filter(|lane| !lane.seqs.is_sorted()) {
        seqs.sort_unstable();
        seqs.dedup();
    }
    Ok(groups)
}

impl OwedGroups {
    fn add(&mut self, row: i64, content: Content) {
        self.rows.push(row);
        for id in content.moved {
            self.lanes.remove(&id);
        }
        for (id, seqs) in content.owed {
            let lane = self.lanes.entry(id).or_insert_with(|| OwedInGroups { row, seqs: Vec::new() });
            lane.seqs.extend(seqs);
        }
    }
}

fn encode<'a>(
    moved: &BTreeSet<SubscriptionId>,
    owed: impl Iterator<Item = (SubscriptionId, &'a [Seq])> + Clone,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    seqs::put(&mut bytes, moved.len() as u64);
    let mut last = 0;
    for id in moved {
        seqs::put(&mut bytes, (id.0 - last).cast_unsigned());
        last = id.0;
    }
    seqs::put(&mut bytes, owed.clone().count() as u64);
    let lowest = owed.clone().filter_map(|(_, run)| run.first()).min().map_or(0, |lowest| lowest.0);
    seqs::put(&mut bytes, lowest.cast_unsigned());
    let mut last = 0;
    for (id, run) in owed {
        seqs::put(&mut bytes, (id.0 - last).cast_unsigned());
        last = id.0;
        seqs::put(&mut bytes, run.len() as u64);
        let mut at = lowest;
        for seq in run {
            seqs::put(&mut bytes, (seq.0 - at).cast_unsigned());
            at = seq.0;
        }
    }
    bytes
}

fn decode(mut bytes: &[u8]) -> std::result::Result<Content, Cause> {
    let mut content = Content::default();
    let bytes = &mut bytes;
    let mut id = 0;
    for _ in 0..number(bytes)? {
        id = further(id, bytes, 1)?;
        content.moved.push(SubscriptionId(id));
    }
    let (count, lowest) = (number(bytes)?, number(bytes)?);
    let mut id = 0;
    for _ in 0..count {
        id = further(id, bytes, 1)?;
        let (count, mut at, mut seqs) = (number(bytes)?, lowest, Vec::new());
        for place in 0..count {
            at = further(at, bytes, i64::from(place > 0))?;
            seqs.push(Seq(at));
        }
        content.owed.push((SubscriptionId(id), seqs));
    }
    if bytes.is_empty() { Ok(content) } else { Err(damaged("it goes on after its end")) }
}

fn number(bytes: &mut &[u8]) -> std::result::Result<i64, Cause> {
    let number = seqs::take(bytes).ok_or_else(|| damaged("it ends too early"))?;
    i64::try_from(number).map_err(|_| damaged("a number in it is too large"))
}

/// A number that is at least so much higher than the one before.
fn further(at: i64, bytes: &mut &[u8], least: i64) -> std::result::Result<i64, Cause> {
    let way = number(bytes)?;
    let further = at.checked_add(way).filter(|_| way >= least);
    further.ok_or_else(|| damaged("its numbers do not rise"))
}

fn damaged(why: &str) -> Cause {
    Cause::Damaged(why.to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Content, decode, encode};
    use crate::model::ids::{Seq, SubscriptionId};

    fn content(moved: &[i64], owed: &[(i64, &[i64])]) -> Content {
        let seqs = |seqs: &[i64]| seqs.iter().copied().map(Seq).collect();
        Content {
            moved: moved.iter().copied().map(SubscriptionId).collect(),
            owed: owed.iter().map(|(id, run)| (SubscriptionId(*id), seqs(run))).collect(),
        }
    }

    fn bytes(content: &Content) -> Vec<u8> {
        let moved: BTreeSet<_> = content.moved.iter().copied().collect();
        encode(&moved, content.owed.iter().map(|(id, seqs)| (*id, &seqs[..])))
    }

    #[test]
    fn a_group_is_read_as_it_was_written_in_a_few_bytes_a_lane() {
        for content in [
            content(&[], &[]),
            content(&[7], &[]),
            content(&[1, i64::MAX], &[(i64::MAX, &[i64::MAX])]),
            content(&[], &[(3, &[9, 10, 500]), (4, &[8]), (900, &[1_000_000])]),
        ] {
            assert_eq!(decode(&bytes(&content)).expect("a row"), content);
        }
        let many: Vec<(i64, &[i64])> = (1..=300).map(|id| (id, &[1_000_000][..])).collect();
        assert_eq!(bytes(&content(&[], &many)).len(), 906);
    }

    #[test]
    fn a_damaged_group_is_an_error() {
        let whole = bytes(&content(&[2], &[(3, &[9, 10])]));
        assert_eq!(whole, [1, 2, 1, 9, 3, 2, 0, 1]);
        for end in 0..whole.len() {
            assert!(decode(&whole[..end]).is_err(), "{end} bytes");
        }
        let [falls, stays, overflows] = [&[0, 1, 9, 0, 1, 0][..], &[0, 1, 9, 3, 2, 0, 0], &[0, 0xff, 0xff]];
        for damaged in [falls, stays, overflows, &[0, 0, 0, 0]] {
            assert!(decode(damaged).is_err(), "{damaged:?}");
        }
    }
}
