//! When rules last fired, as far as what came of it is kept: what a subscription is owed, what is on its way, what was
//! given up, and what was accepted. So nothing is written for it, and nothing is forgotten by a crash
//! (docs/decisions/0031-when-a-rule-last-fired.md).

use std::collections::HashMap;

use rusqlite::Connection;

use super::super::error::Operation as _;
use super::super::owed_groups::{self, OwedGroups};
use super::super::subscriptions::tenant_column;
use super::super::{Result, seqs};
use super::deliveries::WALK_MAX;
use super::subscriptions::{LIST_ONE, NAMED, RECORDED, complete, named};
use super::{Reader, optional};
use crate::model::ids::Seq;
use crate::model::listing::{Fired, ListedSubscription};
use crate::model::time::Wall;

const READ: &str = "find when a rule last fired";

pub(super) const OWED_LAST: &str = "SELECT last FROM owed WHERE subscription = ?1 ORDER BY first DESC LIMIT 1";
/// Of the newest deliveries, because a replay's are newer than what they tell.
pub(super) const TOLD: [&str; 2] = [
    "SELECT told, created FROM deliveries WHERE subscription = ?1 ORDER BY number DESC, part DESC LIMIT ?2",
    "SELECT told, created FROM dead WHERE subscription = ?1 ORDER BY number DESC, part DESC LIMIT ?2",
];
pub(super) const ACCEPTED: &str =
    "SELECT last, created FROM history WHERE subscription = ?1 ORDER BY number DESC, part DESC LIMIT ?2";
const EVENTS: &str = "SELECT seq, time, name FROM events ORDER BY seq DESC LIMIT ?1";

/// Deliveries of one subscription that are looked at in each table, the newest.
pub(super) const NEWEST_MAX: i64 = 16;

/// The subscription of a rule, and when the rule last fired.
pub type RuleRow = (ListedSubscription, Option<Fired>);

impl Reader {
    /// The subscription of each rule's name, and when the rule last fired; `None` where the ledger does not know the
    /// name. To be asked with a bounded number of names.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn rules_fired(&self, names: &[String]) -> Result<Vec<Option<RuleRow>>> {
        self.ask(|connection| {
            let groups = owed_groups::read(connection)?;
            names.iter().map(|name| rule(connection, name, &groups)).collect()
        })
    }

    /// When each of these events last happened, among the newest `WALK_MAX` events of the journal.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn events_happened(&self, names: &[String]) -> Result<HashMap<String, Fired>> {
        self.ask(|connection| {
            let mut found = HashMap::new();
            let mut sql = connection.prepare_cached(EVENTS).to(READ)?;
            let mut rows = sql.query([WALK_MAX as i64]).to(READ)?;
            while found.len() < names.len()
                && let Some(row) = rows.next().to(READ)?
            {
                let (seq, time, name): (i64, i64, String) =
                    row.get(0).and_then(|seq| Ok((seq, row.get(1)?, row.get(2)?))).to(READ)?;
                if names.contains(&name) {
                    found.entry(name).or_insert(Fired { seq: Seq(seq), time: Wall(time) });
                }
            }
            Ok(found)
        })
    }
}

fn rule(connection: &Connection, name: &str, groups: &OwedGroups) -> Result<Option<RuleRow>> {
    let id = connection
        .prepare_cached(NAMED)
        .and_then(|mut sql| sql.query_row((name, tenant_column(None)), |row| row.get(0)));
    let Some(id) = optional::<i64>(id, READ)? else { return Ok(None) };
    let row = connection.prepare_cached(LIST_ONE).and_then(|mut sql| sql.query_row([id], named));
    let Some(row) = optional(row, READ)? else { return Ok(None) };
    let row = complete(connection, row, groups)?;
    let in_groups = groups.lanes.get(&row.id).and_then(|lane| lane.seqs.last().copied());
    let fired = fired(connection, id, in_groups)?;
    Ok(Some((row, fired)))
}

fn fired(connection: &Connection, id: i64, in_groups: Option<Seq>) -> Result<Option<Fired>> {
    let owed = connection.prepare_cached(OWED_LAST).and_then(|mut sql| sql.query_row([id], |row| row.get(0)));
    let owed = optional::<i64>(owed, READ)?;
    // The place, and when the delivery was cut that tells it.
    let mut newest: Option<(i64, Option<i64>)> =
        owed.into_iter().chain(in_groups.map(|seq| seq.0)).max().map(|seq| (seq, None));
    let mut take = |seq: i64, created: i64| {
        if newest.is_none_or(|(known, _)| seq > known) {
            newest = Some((seq, Some(created)));
        }
    };
    for question in TOLD {
        let mut sql = connection.prepare_cached(question).to(READ)?;
        let mut rows = sql.query((id, NEWEST_MAX)).to(READ)?;
        while let Some(row) = rows.next().to(READ)? {
            let (told, created): (Option<Vec<u8>>, i64) =
                row.get(0).and_then(|told| Ok((told, row.get(1)?))).to(READ)?;
            // Of a delivery of an earlier version it is not known; of a damaged one, neither.
            let told = told.and_then(|told| seqs::decode_told(&told).ok()).unwrap_or_default();
            if let Some(last) = told.into_iter().flatten().max() {
                take(last.0, created);
            }
        }
    }
    let mut sql = connection.prepare_cached(ACCEPTED).to(READ)?;
    let mut rows = sql.query((id, NEWEST_MAX)).to(READ)?;
    while let Some(row) = rows.next().to(READ)? {
        let (last, created) = row.get(0).and_then(|last| Ok((last, row.get(1)?))).to(READ)?;
        take(last, created);
    }
    // A backfill's entries tell of no change.
    let Some((seq, created)) = newest.filter(|(seq, _)| *seq > 0) else { return Ok(None) };
    // Where the journal keeps it no longer.
    let mut time = created;
    for question in RECORDED {
        let recorded = connection
            .prepare_cached(question)
            .and_then(|mut sql| sql.query_row([seq], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))));
        if let Some((recorded, _)) = optional(recorded, READ)?.filter(|(_, at)| *at == seq) {
            time = Some(recorded);
        }
    }
    Ok(time.map(|time| Fired { seq: Seq(seq), time: Wall(time) }))
}
