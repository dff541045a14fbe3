//! Registrations, as the dialects give them back.

use rusqlite::Row;

use super::super::Result;
use super::super::error::Operation as _;
use super::super::registrations::{COLUMNS, kept};
use super::super::subscriptions::tenant_column;
use super::{Reader, optional};
use crate::model::event::Dialect;
use crate::model::ids::SubscriptionId;
use crate::model::registration::KeptRegistration;
use crate::model::subscription::Name;
use crate::model::tenant::Tenant;

const READ: &str = "list registrations";

impl Reader {
    /// The registration of a name. It holds secrets: what may be shown of it is its `request`.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn registration(&self, tenant: Option<&Tenant>, name: &Name) -> Result<Option<KeptRegistration>> {
        self.ask(|connection| {
            let row = connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM subscriptions JOIN registrations ON subscription = id
                     WHERE name = ?1 AND subscriptions.tenant = ?2"
                ))
                .and_then(|mut sql| sql.query_row((name.as_str(), tenant_column(tenant)), |row| Ok(kept(row))));
            optional(row, READ)?.transpose()
        })
    }

    /// What a tenant has registered in a dialect, at most `limit`, by number, after `after`. One whose row is damaged
    /// is left out.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn registrations(
        &self,
        dialect: Dialect,
        tenant: Option<&Tenant>,
        after: SubscriptionId,
        limit: usize,
    ) -> Result<Vec<KeptRegistration>> {
        self.ask(|connection| {
            let rows: Vec<_> = connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM registrations JOIN subscriptions ON id = subscription
                     WHERE dialect = ?1 AND registrations.tenant = ?2 AND subscription > ?3
                     ORDER BY subscription LIMIT ?4"
                ))
                .and_then(|mut sql| {
                    let values = (dialect.as_str(), tenant_column(tenant), after.0, limit as i64);
                    sql.query_map(values, |row| Ok(kept(row)))?.collect()
                })
                .to(READ)?;
            Ok(rows.into_iter().filter_map(Result::ok).collect())
        })
    }

    /// What programs have registered, at most `limit`, by number, after `after`, and where the next page begins:
    /// `None` where there is no more. One whose row is damaged is left out.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn all_registrations(
        &self,
        after: SubscriptionId,
        limit: usize,
    ) -> Result<(Vec<KeptRegistration>, Option<SubscriptionId>)> {
        self.ask(|connection| {
            let rows: Vec<_> = connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM registrations JOIN subscriptions ON id = subscription
                     WHERE subscription > ?1 ORDER BY subscription LIMIT ?2"
                ))
                .and_then(|mut sql| {
                    let read = |row: &Row<'_>| Ok((SubscriptionId(row.get(0)?), kept(row)));
                    sql.query_map((after.0, limit as i64), read)?.collect()
                })
                .to(READ)?;
            let next = rows.last().filter(|_| rows.len() == limit).map(|(id, _)| *id);
            Ok((rows.into_iter().filter_map(|(_, kept)| kept.ok()).collect(), next))
        })
    }
}
