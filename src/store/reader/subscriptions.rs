//! Subscriptions, with what their lanes remember and what they are owed.

use rusqlite::{Connection, Row};

use super::super::Result;
use super::super::error::Operation as _;
use super::super::lanes;
use super::super::owed_groups::{self, OwedGroups};
use super::super::subscriptions::tenant_column;
use super::{Reader, optional, unsigned};
use crate::model::ids::SubscriptionId;
use crate::model::listing::ListedSubscription;
use crate::model::tenant::Tenant;
use crate::model::time::Wall;

const READ: &str = "list subscriptions";

pub(super) const LIST: &str =
    "SELECT id, name, lagged_at FROM subscriptions WHERE id > ?1 AND removed_at IS NULL ORDER BY id LIMIT ?2";
pub(super) const NAMED: &str = "SELECT id FROM subscriptions WHERE name = ?1 AND tenant = ?2";
pub(super) const ALL_NAMED: &str = "SELECT id FROM subscriptions WHERE name = ?1 ORDER BY tenant LIMIT ?2";
/// Subscriptions of one name that are looked at: so many tenants may have given the same.
pub(super) const SAME_NAME_MAX: i64 = 1_000;
/// The sum in the table, and how far its oldest row has been cut.
pub(super) const OWED: &str =
    "SELECT CAST(total(entries) AS INTEGER), min(max(first, after + 1)) FROM owed WHERE subscription = ?1";
/// The sum, when the oldest was cut, the same without those that are sent again, and when the next attempt is due.
pub(super) const ON_THEIR_WAY: &str = "SELECT CAST(total(entries) AS INTEGER), min(created), min(CASE WHEN replay = 0 THEN created END), \
     min(CASE WHEN attempts > 0 THEN due END) FROM deliveries WHERE subscription = ?1";
pub(super) const RECORDED: [&str; 2] = [
    "SELECT time, seq FROM journal WHERE seq >= ?1 ORDER BY seq LIMIT 1",
    "SELECT time, seq FROM events WHERE seq >= ?1 ORDER BY seq LIMIT 1",
];
pub(super) const LIST_ONE: &str = "SELECT id, name, lagged_at FROM subscriptions WHERE id = ?1";

impl Reader {
    /// Subscriptions that a rule names, at most `limit`, by number, after `after`.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn subscriptions(&self, after: SubscriptionId, limit: usize) -> Result<Vec<ListedSubscription>> {
        self.ask(|connection| {
            let rows: Vec<_> = connection
                .prepare_cached(LIST)
                .and_then(|mut sql| sql.query_map((after.0, limit as i64), named)?.collect())
                .to(READ)?;
            let groups = owed_groups::read(connection)?;
            rows.into_iter().map(|row| complete(connection, row, &groups)).collect()
        })
    }

    /// The number of a subscription, by its name; also of one whose rule went away. `tenant` is whose name it is;
    /// `None`: nobody's, as a rule file's are.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn subscription_named(&self, tenant: Option<&Tenant>, name: &str) -> Result<Option<SubscriptionId>> {
        self.ask(|connection| {
            let id = connection
                .prepare_cached(NAMED)
                .and_then(|mut sql| sql.query_row((name, tenant_column(tenant)), |row| row.get(0)));
            optional(id, READ).map(|id| id.map(SubscriptionId))
        })
    }

    /// The numbers of all subscriptions of a name: one of a rule file's name, one a tenant of a name that registrations
    /// have; also of those whose rule went away. At most `SAME_NAME_MAX`.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn subscriptions_named(&self, name: &str) -> Result<Vec<SubscriptionId>> {
        self.ask(|connection| {
            connection
                .prepare_cached(ALL_NAMED)
                .and_then(|mut sql| {
                    sql.query_map((name, SAME_NAME_MAX), |row| row.get(0).map(SubscriptionId))?.collect()
                })
                .to(READ)
        })
    }
}

pub(super) fn named(row: &Row<'_>) -> rusqlite::Result<ListedSubscription> {
    Ok(ListedSubscription {
        id: SubscriptionId(row.get(0)?),
        name: row.get(1)?,
        lagged_at: row.get::<_, Option<i64>>(2)?.map(Wall),
        policy: Default::default(),
        owed: 0,
        oldest: None,
        oldest_new: None,
        next_attempt: None,
    })
}

/// Adds what other tables know of it.
pub(super) fn complete(
    connection: &Connection,
    mut row: ListedSubscription,
    groups: &OwedGroups,
) -> Result<ListedSubscription> {
    let id = row.id.0;
    let policy = connection.prepare_cached(&lanes::one()).and_then(|mut sql| sql.query_row([id], lanes::read));
    row.policy = optional(policy, READ)?.map(|(_, policy)| policy).unwrap_or_default();
    let (owed, first): (i64, Option<i64>) = connection
        .prepare_cached(OWED)
        .and_then(|mut sql| sql.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))))
        .to(READ)?;
    // What groups hold comes after what is in the table.
    let in_groups = groups.lanes.get(&row.id).map_or(&[][..], |lane| &lane.seqs);
    let first = first.or(in_groups.first().map(|seq| seq.0));
    let (cut, created, created_new, due): (i64, Option<i64>, Option<i64>, Option<i64>) = connection
        .prepare_cached(ON_THEIR_WAY)
        .and_then(|mut sql| sql.query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))))
        .to(READ)?;
    let recorded = first.map(|first| recorded_from(connection, first)).transpose()?.flatten();
    row.owed = unsigned::<u64>(owed).saturating_add(in_groups.len() as u64).saturating_add(unsigned(cut));
    row.oldest = recorded.into_iter().chain(created).min().map(Wall);
    row.oldest_new = recorded.into_iter().chain(created_new).min().map(Wall);
    row.next_attempt = due.map(Wall);
    Ok(row)
}

/// When the first change or event from a place in the journal on was recorded.
pub(super) fn recorded_from(connection: &Connection, first: i64) -> Result<Option<i64>> {
    let mut recorded = Vec::new();
    for sql in RECORDED {
        let time = connection.prepare_cached(sql).and_then(|mut sql| sql.query_row([first], |row| row.get(0)));
        recorded.extend(optional::<i64>(time, READ)?);
    }
    Ok(recorded.into_iter().min())
}
