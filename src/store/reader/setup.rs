//! What a ledger says of the daemon that writes it: its mounts, and its last good rules.

use super::super::error::Operation as _;
use super::super::{Result, codec};
use super::Reader;
use crate::model::path::LogicalPath;

impl Reader {
    /// The logical paths of the mounts that the ledger knows.
    ///
    /// # Errors
    /// When the ledger refuses, or a row is damaged.
    pub fn mounts(&self) -> Result<Vec<LogicalPath>> {
        self.ask(|connection| {
            let mut sql = connection.prepare_cached("SELECT path FROM mounts ORDER BY path").to("list mounts")?;
            let rows: Vec<Vec<u8>> =
                sql.query_map([], |row| row.get(0)).and_then(|rows| rows.collect()).to("list mounts")?;
            rows.iter().map(|path| codec::path(path)).collect()
        })
    }

    /// The rule files of the last good set: names and texts.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn last_good_rules(&self) -> Result<Vec<(String, Vec<u8>)>> {
        self.ask(|connection| {
            connection
                .prepare_cached("SELECT name, content FROM rule_files ORDER BY name")
                .and_then(|mut sql| sql.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
                .to("read the last good rules")
        })
    }
}
