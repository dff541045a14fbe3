//! Subscriptions by name: what keeps a number for each, so that what is owed outlives an edit of its rule; and the
//! rule files of the last good set.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use rusqlite::OptionalExtension as _;

use super::error::Operation as _;
use super::{DispatchTables, Ledger, Result};
use crate::diagnostic::SourceFile;
use crate::model::ids::SubscriptionId;
use crate::model::tenant::Tenant;
use crate::model::time::Wall;

/// A subscription that has, or had, a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionRow {
    /// Its number.
    pub id: SubscriptionId,
    /// By what it is known, [`Name::as_str`](crate::model::subscription::Name::as_str).
    pub name: String,
    /// When its rule went away; `None` while it has one.
    pub removed_at: Option<Wall>,
}

impl SubscriptionRow {
    /// Returns whether its name is one that registrations have, and not a rule file's.
    #[must_use]
    pub fn is_registered(&self) -> bool {
        self.name.contains(':')
    }
}

/// A subscription whose rule went away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovedRow {
    /// Its number.
    pub id: SubscriptionId,
    /// Its name.
    pub name: String,
    /// Whose name that is; `None`: nobody's, as a rule file's are.
    pub tenant: Option<String>,
}

/// A subscription that lost entries and is not level again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaggingRow {
    /// Its number.
    pub id: SubscriptionId,
    /// Its name.
    pub name: String,
    /// When it last lost entries.
    pub at: Wall,
    /// How many it lost since it was last level.
    pub skipped: u64,
}

/// What was dropped of a removed subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    /// Entries, cut ones included.
    pub entries: u64,
    /// Nothing is left of it.
    pub is_whole: bool,
}

/// How the ledger writes whose a name is: the tenant's name, and nothing for a rule file's name, which belongs to none.
pub(super) fn tenant_column(tenant: Option<&Tenant>) -> &str {
    tenant.map_or("", Tenant::as_str)
}

impl Ledger {
    /// All subscriptions, by number.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn subscriptions(&self) -> Result<Vec<SubscriptionRow>> {
        self.connection
            .prepare_cached("SELECT id, name, removed_at FROM subscriptions ORDER BY id")
            .and_then(|mut sql| {
                sql.query_map([], |row| {
                    Ok(SubscriptionRow {
                        id: SubscriptionId(row.get(0)?),
                        name: row.get(1)?,
                        removed_at: row.get::<_, Option<i64>>(2)?.map(Wall),
                    })
                })?
                .collect()
            })
            .to("read subscriptions")
    }

    /// The number of a name that has a rule now; a new name gets one, a removed one is taken up again. `tenant` is
    /// whose name it is; `None`: nobody's, as a rule file's are.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn enrol(&self, tenant: Option<&Tenant>, name: &str) -> Result<SubscriptionId> {
        const ENROL: &str = "enrol a subscription";
        // An insertion that finds the name taken would use a number up.
        let known = self
            .connection
            .prepare_cached("SELECT id FROM subscriptions WHERE name = ?1 AND tenant = ?2")
            .and_then(|mut sql| sql.query_row((name, tenant_column(tenant)), |row| row.get::<_, i64>(0)).optional())
            .to(ENROL)?;
        let Some(id) = known else {
            return self
                .connection
                .prepare_cached("INSERT INTO subscriptions (name, tenant) VALUES (?1, ?2) RETURNING id")
                .and_then(|mut sql| sql.query_row((name, tenant_column(tenant)), |row| row.get(0)))
                .to(ENROL)
                .map(SubscriptionId);
        };
        self.connection
            .prepare_cached("UPDATE subscriptions SET removed_at = NULL WHERE id = ?1 AND removed_at IS NOT NULL")
            .and_then(|mut sql| sql.execute([id]))
            .to(ENROL)?;
        Ok(SubscriptionId(id))
    }

    /// Notes that no rule names a subscription any more. What it is owed stays for a while.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn remove_subscription(&self, id: SubscriptionId, at: Wall) -> Result<()> {
        self.connection
            .prepare_cached("UPDATE subscriptions SET removed_at = ?2 WHERE id = ?1 AND removed_at IS NULL")
            .and_then(|mut sql| sql.execute((id.0, self.not_before_mark(at).0)))
            .to("remove a subscription")
            .map(drop)
    }

    /// Subscriptions that were removed before a point in time, at most `most` of them, by number.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn removed_subscriptions(&self, before: Wall, most: u64) -> Result<Vec<RemovedRow>> {
        self.connection
            .prepare_cached(
                "SELECT id, name, tenant FROM subscriptions WHERE removed_at < ?1 ORDER BY removed_at, id LIMIT ?2",
            )
            .and_then(|mut sql| {
                let removed = |row: &rusqlite::Row<'_>| {
                    let tenant = Some(row.get(2)?).filter(|tenant: &String| !tenant.is_empty());
                    Ok(RemovedRow { id: SubscriptionId(row.get(0)?), name: row.get(1)?, tenant })
                };
                sql.query_map((before.0, most as i64), removed)?.collect()
            })
            .to("read removed subscriptions")
    }

    /// Drops a piece of what a removed subscription was still owed; once nothing is left, the subscription too.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn drop_subscription(&self, id: SubscriptionId, most: u64) -> Result<Dropped> {
        const DROP: &str = "drop a subscription";
        let mut entries = 0;
        // Nothing of the rows is read but how much they hold: one that is damaged goes like the others.
        for (table, holds) in [("owed", "first"), ("deliveries", "rowid")] {
            let rows: Vec<(i64, i64)> = self
                .connection
                .prepare_cached(&format!(
                    "SELECT {holds}, CAST(entries AS INTEGER) FROM {table} WHERE subscription = ?1
                     ORDER BY {holds} LIMIT ?2"
                ))
                .and_then(|mut sql| sql.query_map((id.0, most as i64), |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
                .to(DROP)?;
            let count = rows.len() as u64;
            for (row, held) in rows {
                if table == "deliveries" {
                    self.connection
                        .prepare_cached(
                            "DELETE FROM attempts WHERE (delivery, part) =
                             (SELECT number, part FROM deliveries WHERE rowid = ?1)",
                        )
                        .and_then(|mut sql| sql.execute([row]))
                        .to(DROP)?;
                }
                self.connection
                    .prepare_cached(&format!("DELETE FROM {table} WHERE subscription = ?1 AND {holds} = ?2"))
                    .and_then(|mut sql| sql.execute((id.0, row)))
                    .to(DROP)?;
                entries += u64::try_from(held).unwrap_or(0);
                if entries >= most {
                    return Ok(Dropped { entries, is_whole: false });
                }
            }
            if count >= most {
                return Ok(Dropped { entries, is_whole: false });
            }
        }
        self.dispatch().forget_lane(id)?;
        self.dispatch().fail_tasks_of(id)?;
        for sql in ["DELETE FROM replays WHERE subscription = ?1", "DELETE FROM subscriptions WHERE id = ?1"] {
            self.connection.prepare_cached(sql).and_then(|mut sql| sql.execute([id.0])).to(DROP)?;
        }
        Ok(Dropped { entries, is_whole: true })
    }

    /// The rule files of the last good set, in path order; empty before the first.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn rule_files(&self) -> Result<Vec<SourceFile>> {
        let mut files: Vec<SourceFile> = self
            .connection
            .prepare_cached("SELECT name, content FROM rule_files ORDER BY name")
            .and_then(|mut sql| {
                let file = |row: &rusqlite::Row<'_>| Ok(SourceFile { name: row.get(0)?, text: row.get(1)? });
                sql.query_map([], file)?.collect()
            })
            .to("read the last good rules")?;
        // Not that of their names as texts: `b-x.toml` comes behind `b/c.toml`.
        files.sort_by(|a, b| Path::new(&a.name).cmp(Path::new(&b.name)));
        Ok(files)
    }

    /// Replaces them: `before` are those that are there. What is the same is not written: there may be megabytes of it.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn replace_rule_files(&self, before: &[SourceFile], after: &[SourceFile]) -> Result<()> {
        const KEEP: &str = "keep the last good rules";
        let mut gone: HashMap<&str, &Arc<[u8]>> = before.iter().map(|file| (file.name.as_str(), &file.text)).collect();
        for SourceFile { name, text } in after {
            if gone.remove(name.as_str()) == Some(text) {
                continue;
            }
            self.connection
                .prepare_cached("INSERT OR REPLACE INTO rule_files (name, content) VALUES (?1, ?2)")
                .and_then(|mut sql| sql.execute((name, &**text)))
                .to(KEEP)?;
        }
        for name in gone.into_keys() {
            self.connection
                .prepare_cached("DELETE FROM rule_files WHERE name = ?1")
                .and_then(|mut sql| sql.execute([name]))
                .to(KEEP)?;
        }
        Ok(())
    }
}

impl DispatchTables<'_> {
    /// What a subscription is called and whose it is, though no rule may name it any more.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn called(&self, id: SubscriptionId) -> Result<Option<(String, Option<Tenant>)>> {
        self.connection
            .prepare_cached("SELECT name, tenant FROM subscriptions WHERE id = ?1")
            .and_then(|mut sql| {
                sql.query_row([id.0], |row| Ok((row.get(0)?, Tenant::parse(&row.get::<_, String>(1)?).ok()))).optional()
            })
            .to("read what a subscription is called")
    }

    /// Notes that entries were dropped from what a subscription is owed.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn note_lagged(&self, id: SubscriptionId, skipped: u64, at: Wall) -> Result<()> {
        self.connection
            .prepare_cached("UPDATE subscriptions SET lagged_at = ?2, skipped = skipped + ?3 WHERE id = ?1")
            .and_then(|mut sql| sql.execute((id.0, at.0, skipped as i64)))
            .to("note that a subscription lags")
            .map(drop)
    }

    /// Notes that a subscription is level again.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn note_level(&self, id: SubscriptionId) -> Result<()> {
        self.connection
            .prepare_cached("UPDATE subscriptions SET lagged_at = NULL, skipped = 0 WHERE id = ?1")
            .and_then(|mut sql| sql.execute([id.0]))
            .to("note that a subscription is level")
            .map(drop)
    }

    /// Subscriptions that lag: when each last lost entries, and how many since it was last level. By number.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn lagging(&self) -> Result<Vec<LaggingRow>> {
        self.connection
            .prepare_cached(
                "SELECT id, name, lagged_at, skipped FROM subscriptions WHERE lagged_at IS NOT NULL ORDER BY id",
            )
            .and_then(|mut sql| {
                sql.query_map([], |row| {
                    Ok(LaggingRow {
                        id: SubscriptionId(row.get(0)?),
                        name: row.get(1)?,
                        at: Wall(row.get(2)?),
                        skipped: row.get::<_, i64>(3)? as u64,
                    })
                })?
                .collect()
            })
            .to("read subscriptions that lag")
    }
}
