//! What the asset store said before there was an asset, and the answers it was given.

use rusqlite::OptionalExtension as _;

use super::error::Operation as _;
use super::{Ledger, Result, codec};
use crate::model::ids::Rrn;
use crate::model::metadata::{Key, Metadata};
use crate::model::path::LogicalPath;
use crate::model::time::Wall;

/// An assignment to a path that holds no asset yet.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct EarlyRecord {
    /// Keys to assign.
    pub set: Metadata,
    /// Keys whose assignment ends; none of them is in `set`.
    pub unset: Vec<Key>,
}

/// An answer already given to a request with an `Idempotency-Key`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GivenAnswer {
    /// SHA-256 of the request's body.
    pub body_sha256: [u8; 32],
    /// The transaction that recorded it.
    pub rrn: Rrn,
    /// How many records it had.
    pub accepted: u64,
}

impl Ledger {
    /// What was assigned to a path that held no asset.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn early_record(&self, path: &LogicalPath) -> Result<Option<EarlyRecord>> {
        self.connection
            .prepare_cached("SELECT content FROM early_records WHERE path = ?1")
            .and_then(|mut sql| sql.query_row([path.as_bytes()], |row| row.get::<_, String>(0)).optional())
            .to("read an early record")?
            .map(|text| codec::json(&text))
            .transpose()
    }

    /// Keeps an assignment until an asset appears at its path.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn put_early_record(&self, path: &LogicalPath, record: &EarlyRecord, at: Wall) -> Result<()> {
        let text = codec::to_json(record)?;
        self.connection
            .prepare_cached(
                "INSERT INTO early_records (path, content, at) VALUES (?1, ?2, ?3)
                 ON CONFLICT (path) DO UPDATE SET content = ?2, at = ?3",
            )
            .and_then(|mut sql| sql.execute((path.as_bytes(), text, at.0)))
            .to("keep an early record")
            .map(drop)
    }

    /// Forgets it: it has been assigned.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn remove_early_record(&self, path: &LogicalPath) -> Result<()> {
        self.connection
            .prepare_cached("DELETE FROM early_records WHERE path = ?1")
            .and_then(|mut sql| sql.execute([path.as_bytes()]))
            .to("remove an early record")
            .map(drop)
    }

    /// The answer given to an `Idempotency-Key`.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn given_answer(&self, key: &str) -> Result<Option<GivenAnswer>> {
        self.connection
            .prepare_cached("SELECT body_sha256, rrn, accepted FROM idempotency WHERE key = ?1")
            .and_then(|mut sql| {
                sql.query_row([key], |row| {
                    Ok(GivenAnswer {
                        body_sha256: row.get(0)?,
                        rrn: Rrn(row.get(1)?),
                        accepted: row.get::<_, i64>(2)? as u64,
                    })
                })
                .optional()
            })
            .to("read an idempotency key")
    }

    /// Remembers an answer.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn put_given_answer(&self, key: &str, answer: &GivenAnswer, at: Wall) -> Result<()> {
        self.connection
            .prepare_cached(
                "INSERT INTO idempotency (key, body_sha256, rrn, accepted, at) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (key) DO UPDATE SET body_sha256 = ?2, rrn = ?3, accepted = ?4, at = ?5",
            )
            .and_then(|mut sql| sql.execute((key, answer.body_sha256, answer.rrn.0, answer.accepted as i64, at.0)))
            .to("write an idempotency key")
            .map(drop)
    }
}
