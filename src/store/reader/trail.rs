//! One path in the ledger: the asset that is there, its last changes, and what became of them on their way to
//! subscribers.
//!
//! The journal has no index by path: each change would pay for a question that is asked once a night. What an asset's
//! row says of its last transaction finds the newest change by halving, because transactions rise with the journal's
//! places; the changes before it are looked for among a bounded number of rows. The same holds for deliveries: those of
//! one subscription tell the journal in order, so that the one with a change is found by halving.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, Row};

use super::super::error::Operation as _;
use super::super::journal::{CHANGE, change_row};
use super::super::owed_groups;
use super::super::{Result, seqs};
use super::assets::asset_at;
use super::deliveries::{NAME, Rank, Table, WALK_MAX, complete, listed, page};
use super::subscriptions::recorded_from;
use super::{Reader, optional};
use crate::model::change::Change;
use crate::model::ids::{AssetId, Rrn, Seq, SubscriptionId};
use crate::model::listing::{DeliveryFilter, DeliveryState, ListedDelivery, Registry};
use crate::model::path::LogicalPath;
use crate::model::scope::Scope;
use crate::model::time::Wall;
use crate::model::why::{CHANGES_MAX, DELIVERIES_MAX, Known, LaneSeen, Sent};

const READ: &str = "read what is known of a path";

/// Times that a lane's table is searched for a change, at most: some 50 ms.
const SEEKS_MAX: usize = 200;
/// Deliveries of one lane that are looked at from the first that reaches to a change on, at most: those after it repeat
/// a change only where it was sent again.
const NEAR_MAX: usize = 100;

pub(super) const GONE: &str = "SELECT id, rrn FROM gone WHERE path = ?1 ORDER BY gone_at DESC LIMIT 1";
pub(super) const FIRST_AFTER: &str = "SELECT seq, rrn FROM journal WHERE seq >= ?1 ORDER BY seq LIMIT 1";
pub(super) const BOTTOM: &str = "SELECT seq FROM journal WHERE seq <= ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2";
pub(super) const OWES: &str =
    "SELECT first, last, after, seqs FROM owed WHERE subscription = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1";
pub(super) const OLDEST_OWED: &str =
    "SELECT max(first, after + 1) FROM owed WHERE subscription = ?1 ORDER BY first LIMIT 1";
pub(super) const LAGGED: &str = "SELECT lagged_at FROM subscriptions WHERE id = ?1";

impl Reader {
    /// What is known of a path in a mount.
    ///
    /// # Errors
    /// When the ledger refuses, or a row is damaged.
    pub fn known(&self, mount: &LogicalPath, path: &LogicalPath) -> Result<Known> {
        self.ask(|connection| {
            let asset = asset_at(connection, mount, path)?;
            let gone = match &asset {
                Some(_) => None,
                None => {
                    let row = connection.prepare_cached(GONE).and_then(|mut sql| {
                        sql.query_row([path.as_bytes()], |row| Ok((AssetId(row.get(0)?), Rrn(row.get(1)?))))
                    });
                    optional(row, READ)?
                }
            };
            let last = asset.as_ref().map(|asset| (asset.id, asset.rrn)).or(gone);
            let changes = changes(connection, path, last)?;
            Ok(Known { asset, gone: gone.map(|(id, _)| id), changes })
        })
    }

    /// What became of changes of a path, rising, on their way to those subscriptions, and to others as far as their
    /// deliveries are among the newest.
    ///
    /// # Errors
    /// When the ledger refuses, or a row is damaged.
    pub fn sent(
        &self,
        changes: &BTreeSet<Seq>,
        subscriptions: &[SubscriptionId],
        scope: &Scope,
        registry: &Registry,
    ) -> Result<Sent> {
        if changes.is_empty() {
            return Ok(Sent::default());
        }
        self.ask(|connection| {
            let groups = owed_groups::read(connection)?;
            let filter =
                DeliveryFilter { scope: scope.clone(), changes: Some(changes.clone()), ..DeliveryFilter::default() };
            let newest = page(connection, &filter, None, DELIVERIES_MAX, registry)?;
            let mut deliveries: BTreeMap<_, _> = newest.deliveries.into_iter().map(|row| (row.key, row)).collect();
            // The newest change first, of each lane.
            let seeks = changes.iter().rev().flat_map(|seq| subscriptions.iter().map(move |id| (*seq, *id)));
            let seeks = seeks.flat_map(|(seq, id)| Table::ALL.map(|table| (seq, id, table)));
            for (seq, id, table) in seeks.take(SEEKS_MAX) {
                near(connection, table, id, seq, registry, &mut deliveries)?;
            }
            let in_groups = groups.lanes.iter().filter(|(_, lane)| lane.seqs.iter().any(|seq| changes.contains(seq)));
            let mut ids: BTreeSet<SubscriptionId> = subscriptions.iter().copied().collect();
            ids.extend(in_groups.map(|(id, _)| *id));
            ids.extend(deliveries.values().map(|delivery| delivery.subscription));
            ids.retain(|id| registry.is_within(scope, *id));
            let mut lanes = Vec::new();
            for id in ids {
                let owed = groups.lanes.get(&id).map_or(&[][..], |lane| &lane.seqs);
                lanes.push(lane(connection, id, changes, owed, registry)?);
            }
            let deliveries = deliveries.into_values().rev().take(DELIVERIES_MAX).collect();
            Ok(Sent { deliveries, lanes })
        })
    }
}

/// The newest changes at a path, the newest first. `last`: the asset that is or was there, and its last transaction.
fn changes(connection: &Connection, path: &LogicalPath, last: Option<(AssetId, Rrn)>) -> Result<Vec<Change>> {
    let mut found = Vec::new();
    let mut from = Seq(i64::MAX);
    if let Some((asset, rrn)) = last
        && let Some(first) = first_of(connection, rrn)?
    {
        // What came later is of other assets; the path may have been another's before.
        let mut sql = connection
            .prepare_cached(&format!("SELECT {CHANGE} FROM journal WHERE seq >= ?1 ORDER BY seq"))
            .to(READ)?;
        let mut rows = sql.query([first.0]).to(READ)?;
        let mut walked = 0;
        while walked < WALK_MAX
            && let Some(row) = rows.next().to(READ)?
        {
            walked += 1;
            if row.get::<_, i64>(1).to(READ)? != rrn.0 {
                break;
            }
            if row.get::<_, i64>(2).to(READ)? == asset.0 && is_at(row, path)? {
                found.insert(0, change_row(row)?);
            }
        }
        from = Seq(first.0 - 1);
    }
    let bottom = connection
        .prepare_cached(BOTTOM)
        .and_then(|mut sql| sql.query_row((from.0, WALK_MAX as i64), |row| row.get::<_, i64>(0)));
    let bottom = optional(bottom, READ)?.unwrap_or(0);
    let mut sql = connection
        .prepare_cached(&format!(
            "SELECT {CHANGE} FROM journal WHERE seq <= ?1 AND seq > ?2 AND path = ?3 ORDER BY seq DESC LIMIT ?4"
        ))
        .to(READ)?;
    let mut rows = sql.query((from.0, bottom, path.as_bytes(), CHANGES_MAX as i64)).to(READ)?;
    while let Some(row) = rows.next().to(READ)? {
        found.push(change_row(row)?);
    }
    found.truncate(CHANGES_MAX);
    Ok(found)
}

fn is_at(row: &Row<'_>, path: &LogicalPath) -> Result<bool> {
    row.get_ref(4).and_then(|bytes| Ok(bytes.as_blob()? == path.as_bytes())).to(READ)
}

/// The first place in the journal of a transaction, or of one after it.
fn first_of(connection: &Connection, rrn: Rrn) -> Result<Option<Seq>> {
    let mut sql = connection.prepare_cached(FIRST_AFTER).to(READ)?;
    let mut after = |seq: i64| {
        let row = sql.query_row([seq], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)));
        optional(row, READ)
    };
    // Below `low` all transactions are earlier ones; at `high`, and after it, none is.
    let Some((mut low, _)) = after(0)? else { return Ok(None) };
    let last = connection
        .prepare_cached("SELECT max(seq) FROM journal")
        .and_then(|mut sql| sql.query_row([], |row| row.get::<_, Option<i64>>(0)))
        .to(READ)?;
    let mut high = last.map_or(low, |last| last.saturating_add(1));
    while low < high {
        let middle = low + (high - low) / 2;
        match after(middle)? {
            Some((seq, at)) if at < rrn.0 => low = seq.saturating_add(1),
            _ => high = middle,
        }
    }
    Ok(after(low)?.map(|(seq, _)| Seq(seq)))
}

/// Adds the deliveries of a subscription in one table that carry a change, as far as they lie together.
fn near(
    connection: &Connection,
    table: Table,
    id: SubscriptionId,
    seq: Seq,
    registry: &Registry,
    found: &mut BTreeMap<crate::model::part::DeliveryKey, ListedDelivery>,
) -> Result<()> {
    let sql = table.sql(Rank::From);
    let mut sql = connection.prepare_cached(&sql).to(READ)?;
    // The first row at or after a number, and the newest change that it carries.
    let mut at = |number: i64| -> Result<Option<(i64, Seq)>> {
        let row = sql.query_row((number, 0, id.0), |row| listed(table, row, registry));
        let row = optional(row, READ)?;
        Ok(row.map(|row| (row.key.number.0, row.seqs.last().copied().unwrap_or(Seq(0)))))
    };
    let Some((mut low, _)) = at(0)? else { return Ok(()) };
    let last =
        connection.prepare_cached(table.newest()).and_then(|mut sql| sql.query_row([id.0], |row| row.get::<_, i64>(0)));
    let Some(last) = optional(last, READ)? else { return Ok(()) };
    let mut high = last.saturating_add(1);
    while low < high {
        let middle = low + (high - low) / 2;
        match at(middle)? {
            Some((number, reaches)) if reaches < seq => low = number.saturating_add(1),
            _ => high = middle,
        }
    }
    let mut rows = sql.query((low, 0, id.0)).to(READ)?;
    let mut looked_at = 0;
    while looked_at < NEAR_MAX
        && let Some(row) = rows.next().to(READ)?
    {
        looked_at += 1;
        let Ok(row) = listed(table, row, registry) else { continue };
        if row.seqs.first().is_some_and(|first| *first > seq) {
            break;
        }
        if row.seqs.binary_search(&seq).is_ok() && !found.contains_key(&row.key) {
            let row = complete(connection, row)?;
            found.insert(row.key, row);
        }
    }
    Ok(())
}

/// What is known of a lane. `in_groups`: what it is owed beyond its own rows.
fn lane(
    connection: &Connection,
    id: SubscriptionId,
    changes: &BTreeSet<Seq>,
    in_groups: &[Seq],
    registry: &Registry,
) -> Result<LaneSeen> {
    let name = connection.prepare_cached(NAME).and_then(|mut sql| sql.query_row([id.0], |row| row.get(0)));
    let name: Option<String> = optional(name, READ)?;
    let policy = connection
        .prepare_cached(&super::super::lanes::one())
        .and_then(|mut sql| sql.query_row([id.0], super::super::lanes::read));
    let policy = optional(policy, READ)?.map(|(_, policy)| policy).unwrap_or_default();
    let lagged =
        connection.prepare_cached(LAGGED).and_then(|mut sql| sql.query_row([id.0], |row| row.get::<_, Option<i64>>(0)));
    let in_groups_newest = in_groups.iter().rev().find(|seq| changes.contains(seq)).copied();
    let owes = match in_groups_newest {
        Some(seq) => Some(seq),
        None => owes(connection, id, changes)?,
    };
    let oldest =
        connection.prepare_cached(OLDEST_OWED).and_then(|mut sql| sql.query_row([id.0], |row| row.get::<_, i64>(0)));
    let oldest = optional(oldest, READ)?.or(in_groups.first().map(|seq| seq.0));
    let oldest_owed = oldest.map(|seq| recorded_from(connection, seq)).transpose()?.flatten().map(Wall);
    Ok(LaneSeen {
        subscription: id,
        name: name.unwrap_or_else(|| format!("the removed subscription {}", id.0)),
        paused: policy.paused,
        cancelled: policy.cancelled_at,
        lagged: optional(lagged, READ)?.flatten().map(Wall),
        owes,
        oldest_owed,
        ahead: ahead(connection, id, registry)?,
    })
}

/// The newest of some changes that a subscription is owed by rows of its own.
fn owes(connection: &Connection, id: SubscriptionId, changes: &BTreeSet<Seq>) -> Result<Option<Seq>> {
    let mut sql = connection.prepare_cached(OWES).to(READ)?;
    for seq in changes.iter().rev() {
        let row = sql.query_row((id.0, seq.0), |row| {
            Ok((Seq(row.get(0)?), Seq(row.get(1)?), Seq(row.get(2)?), row.get::<_, Option<Vec<u8>>>(3)?))
        });
        let Some((first, last, after, column)) = optional(row, READ)? else { continue };
        if *seq > last || *seq <= after {
            continue;
        }
        // Without a column the run has no gaps.
        let is_owed = match column {
            None => true,
            Some(column) => seqs::decode(first, last, Some(&column))?.binary_search(seq).is_ok(),
        };
        if is_owed {
            return Ok(Some(*seq));
        }
    }
    Ok(None)
}

/// The first delivery that a subscription has on its way, in its order.
fn ahead(connection: &Connection, id: SubscriptionId, registry: &Registry) -> Result<Option<ListedDelivery>> {
    let row = connection
        .prepare_cached(&Table::Hot.sql(Rank::From))
        .and_then(|mut sql| sql.query_row((0, 0, id.0), |row| listed(Table::Hot, row, registry)));
    let row = optional(row, READ)?.filter(|row| !row.is_replay && row.state != DeliveryState::Delivered);
    row.map(|row| complete(connection, row)).transpose()
}
