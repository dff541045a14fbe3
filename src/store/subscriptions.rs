//! Subscriptions by name: what keeps a number for each, so that what is owed outlives an edit of its rule; and the
//! rule files of the last good set.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::error::Operation as _;
use super::{Ledger, Result};
use crate::diagnostic::SourceFile;
use crate::model::ids::SubscriptionId;
use crate::model::time::Wall;

/// A subscription that has, or had, a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionRow {
    /// Its number.
    pub id: SubscriptionId,
    /// Its name.
    pub name: String,
    /// When its rule went away; `None` while it has one.
    pub removed_at: Option<Wall>,
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

    /// The number of a name that has a rule now; a new name gets one, a removed one is taken up again.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn enrol(&self, name: &str) -> Result<SubscriptionId> {
        self.connection
            .prepare_cached(
                "INSERT INTO subscriptions (name) VALUES (?1)
                 ON CONFLICT (name) DO UPDATE SET removed_at = NULL RETURNING id",
            )
            .and_then(|mut sql| sql.query_row([name], |row| row.get(0)))
            .to("enrol a subscription")
            .map(SubscriptionId)
    }

    /// Notes that no rule names a subscription any more. What it is owed stays for a while.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn remove_subscription(&self, id: SubscriptionId, at: Wall) -> Result<()> {
        self.connection
            .prepare_cached("UPDATE subscriptions SET removed_at = ?2 WHERE id = ?1 AND removed_at IS NULL")
            .and_then(|mut sql| sql.execute((id.0, at.0)))
            .to("remove a subscription")
            .map(drop)
    }

    /// Drops a removed subscription and what it was still owed; gives the count of entries.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn drop_subscription(&self, id: SubscriptionId) -> Result<u64> {
        const DROP: &str = "drop a subscription";
        let run = |sql: &str| self.connection.prepare_cached(sql).and_then(|mut sql| sql.execute([id.0])).to(DROP);
        let owed = run("DELETE FROM owed WHERE subscription = ?1")? as u64;
        let cut: i64 = self
            .connection
            .prepare_cached("SELECT coalesce(sum(entries), 0) FROM deliveries WHERE subscription = ?1")
            .and_then(|mut sql| sql.query_row([id.0], |row| row.get(0)))
            .to(DROP)?;
        run("DELETE FROM attempts WHERE delivery IN (SELECT number FROM deliveries WHERE subscription = ?1)")?;
        run("DELETE FROM deliveries WHERE subscription = ?1")?;
        run("DELETE FROM subscriptions WHERE id = ?1")?;
        Ok(owed + cut as u64)
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
