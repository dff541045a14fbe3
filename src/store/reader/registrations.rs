//! Registrations, as the dialects list them and give them back.

use rusqlite::types::Value;
use rusqlite::{Row, params_from_iter};

use super::super::Result;
use super::super::error::Operation as _;
use super::super::registrations::{COLUMNS, kept, name_of};
use super::Reader;
use crate::model::ids::SubscriptionId;
use crate::model::registered::{Comparison, Filter, FilterValue, Registered, RegisteredKey, RegisteredQuery};
use crate::model::registration::KeptRegistration;
use crate::model::scope::Scope;
use crate::model::subscription::Name;
use crate::model::tenant::Tenant;
use crate::model::time::Wall;

const READ: &str = "list registrations";

/// Registrations of one name that are given: each is another tenant's.
const NAMED_MAX: i64 = 1_000;

impl Reader {
    /// The registrations of a name that a scope covers, one a tenant, in the order of registering. They hold secrets:
    /// what may be shown of one is its `request`.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn registrations_named(&self, scope: &Scope, name: &Name) -> Result<Vec<KeptRegistration>> {
        self.ask(|connection| {
            let rows: Vec<_> = connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM subscriptions JOIN registrations ON subscription = id
                     WHERE name = ?1 ORDER BY id LIMIT ?2"
                ))
                .and_then(|mut sql| sql.query_map((name.as_str(), NAMED_MAX), |row| Ok(kept(row)))?.collect())
                .to(READ)?;
            let rows = rows.into_iter().filter_map(Result::ok);
            Ok(rows.filter(|it: &KeptRegistration| scope.covers(it.registration.tenant.as_ref())).collect())
        })
    }

    /// A page of registrations, and how many there are on all pages. One whose row is damaged is left out.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn registrations(&self, query: &RegisteredQuery) -> Result<(Vec<Registered>, u64)> {
        let mut values: Vec<Value> = vec![Value::from(query.dialect.as_str().to_owned())];
        let mut conditions = String::from("dialect = ?1");
        let mut bind = |value: Value| {
            values.push(value);
            format!("?{}", values.len())
        };
        if let Some(owner) = &query.owner {
            conditions += &format!(" AND owner = {}", bind(owner.clone().into()));
        }
        if let Scope::Of(tenants) = &query.scope {
            let tenants: Vec<_> = tenants.iter().map(|tenant| bind(tenant.as_str().to_owned().into())).collect();
            conditions += &format!(" AND registrations.tenant IN ({})", tenants.join(", "));
        }
        for Filter { key, comparison, value } in &query.filters {
            let value = bind(match value {
                FilterValue::Text(text) => text.clone().into(),
                FilterValue::Number(number) => (*number).into(),
            });
            let key = expression(*key);
            conditions += &match comparison {
                Comparison::Contains => format!(" AND instr({key}, {value}) > 0"),
                comparison => format!(" AND {key} {} {value}", operator(*comparison)),
            };
        }
        let order: String = query
            .order
            .iter()
            .map(|(key, falls)| format!("{}{}, ", expression(*key), if *falls { " DESC" } else { "" }))
            .collect();
        self.ask(|connection| {
            let from = "FROM registrations JOIN subscriptions ON id = subscription";
            let total: i64 = connection
                .prepare(&format!("SELECT count(*) {from} WHERE {conditions}"))
                .and_then(|mut sql| sql.query_row(params_from_iter(&values), |row| row.get(0)))
                .to(READ)?;
            let sql = format!(
                "SELECT name, subscriptions.tenant, owner, created, updated, request,
                     EXISTS (SELECT 1 FROM lanes WHERE lanes.subscription = id AND cancelled_at IS NOT NULL)
                 {from} WHERE {conditions} ORDER BY {order} registrations.subscription
                 LIMIT {} OFFSET {}",
                query.limit,
                i64::try_from(query.offset).unwrap_or(i64::MAX)
            );
            let rows: Vec<_> = connection
                .prepare(&sql)
                .and_then(|mut sql| sql.query_map(params_from_iter(&values), |row| Ok(shown(row)))?.collect())
                .to(READ)?;
            Ok((rows.into_iter().filter_map(Result::ok).collect(), total.cast_unsigned()))
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

fn shown(row: &Row<'_>) -> Result<Registered> {
    let tenant: String = row.get(1).to(READ)?;
    Ok(Registered {
        name: name_of(&row.get::<_, String>(0).to(READ)?)?,
        tenant: Tenant::parse(&tenant).ok(),
        owner: row.get(2).to(READ)?,
        created: Wall(row.get(3).to(READ)?),
        updated: Wall(row.get(4).to(READ)?),
        request: row.get(5).to(READ)?,
        is_over: row.get(6).to(READ)?,
    })
}

/// A key in SQL.
fn expression(key: RegisteredKey) -> String {
    match key {
        RegisteredKey::Id => "name".to_owned(),
        RegisteredKey::Created => "created".to_owned(),
        RegisteredKey::Updated => "updated".to_owned(),
        RegisteredKey::Asked(member) => format!("json_extract(request, '$.{member}')"),
    }
}

fn operator(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal | Comparison::Contains => "=",
        Comparison::Different => "<>",
        Comparison::Less => "<",
        Comparison::Greater => ">",
        Comparison::AtLeast => ">=",
        Comparison::AtMost => "<=",
    }
}
