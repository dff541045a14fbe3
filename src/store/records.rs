//! What the asset store said before there was an asset, and the answers it was given.

use std::borrow::Cow;

use rusqlite::OptionalExtension as _;

use super::error::Operation as _;
use super::{IntakeTables, Result, codec};
use crate::model::ids::Rrn;
use crate::model::metadata::{Key, Metadata};
use crate::model::normal::nfc_names;
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
    /// How many of them were applied to an asset.
    pub applied: u64,
    /// How many of them were events. The others are kept for an asset to come.
    pub events: u64,
}

/// Stands between a path in NFC and the path as it was given, where the two differ: no path has this byte.
const OTHER_FORM: u8 = 0;

/// The column `path` of an early record: the path in NFC, so that an asset whose name has another form finds it, and
/// behind it the path as it was given, where that is another. Ledgers of versions up to 0.1 have the path as it was
/// given alone.
fn key(path: &LogicalPath) -> Cow<'_, [u8]> {
    match nfc_names(path.as_bytes()) {
        Cow::Borrowed(path) => Cow::Borrowed(path),
        Cow::Owned(normal) => Cow::Owned([&*normal, &[OTHER_FORM], path.as_bytes()].concat()),
    }
}

impl IntakeTables<'_> {
    /// What was assigned to a path, given byte by byte, that held no asset.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn early_record(&self, path: &LogicalPath) -> Result<Option<EarlyRecord>> {
        self.connection
            .prepare_cached("SELECT content FROM early_records WHERE path IN (?1, ?2)")
            .and_then(|mut sql| sql.query_row((&*key(path), path.as_bytes()), |row| row.get::<_, String>(0)).optional())
            .to("read an early record")?
            .map(|text| codec::json(&text))
            .transpose()
    }

    /// What was assigned to a path that held no asset, and the path that it was assigned to: this one, or else one
    /// whose names are the same in NFC.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn early_record_alike(&self, path: &LogicalPath) -> Result<Option<(LogicalPath, EarlyRecord)>> {
        // In the order of keys a path in NFC comes before all of its other forms.
        if !path.as_bytes().is_ascii()
            && let Some(record) = self.early_record(path)?
        {
            return Ok(Some((path.clone(), record)));
        }
        let first = nfc_names(path.as_bytes());
        let past = [&*first, &[OTHER_FORM + 1]].concat();
        self.connection
            .prepare_cached(
                "SELECT path, content FROM early_records WHERE path >= ?1 AND path < ?2 ORDER BY path LIMIT 1",
            )
            .and_then(|mut sql| {
                let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, String>(1)?));
                sql.query_row((&*first, past), row).optional()
            })
            .to("read an early record")?
            .map(|(key, text)| {
                let given = key.rsplit(|&b| b == OTHER_FORM).next().unwrap_or_default();
                Ok((codec::path(given)?, codec::json(&text)?))
            })
            .transpose()
    }

    /// Keeps an assignment until an asset appears at its path.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn put_early_record(&self, path: &LogicalPath, record: &EarlyRecord, at: Wall) -> Result<()> {
        self.note_written();
        let (text, at) = (codec::to_json(record)?, self.not_before_mark(at));
        self.connection
            .prepare_cached(
                "INSERT INTO early_records (path, content, at) VALUES (?1, ?2, ?3)
                 ON CONFLICT (path) DO UPDATE SET content = ?2, at = ?3",
            )
            .and_then(|mut sql| sql.execute((&*key(path), text, at.0)))
            .to("keep an early record")
            .map(drop)
    }

    /// Forgets it: it has been assigned.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn remove_early_record(&self, path: &LogicalPath) -> Result<()> {
        self.connection
            .prepare_cached("DELETE FROM early_records WHERE path IN (?1, ?2)")
            .and_then(|mut sql| sql.execute((&*key(path), path.as_bytes())))
            .to("remove an early record")
            .map(drop)
    }

    /// The answer given to an `Idempotency-Key`.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn given_answer(&self, key: &str) -> Result<Option<GivenAnswer>> {
        self.connection
            .prepare_cached("SELECT body_sha256, rrn, accepted, applied, events FROM idempotency WHERE key = ?1")
            .and_then(|mut sql| {
                sql.query_row([key], |row| {
                    Ok(GivenAnswer {
                        body_sha256: row.get(0)?,
                        rrn: Rrn(row.get(1)?),
                        accepted: row.get::<_, i64>(2)? as u64,
                        applied: row.get::<_, i64>(3)? as u64,
                        events: row.get::<_, i64>(4)? as u64,
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
        self.note_written();
        self.connection
            .prepare_cached(
                "INSERT INTO idempotency (key, body_sha256, rrn, accepted, applied, events, at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (key) DO UPDATE SET body_sha256 = ?2, rrn = ?3, accepted = ?4, applied = ?5, events = ?6,
                 at = ?7",
            )
            .and_then(|mut sql| {
                let GivenAnswer { body_sha256, rrn, accepted, applied, events } = answer;
                let [accepted, applied, events] = [accepted, applied, events].map(|count| count.cast_signed());
                sql.execute((key, body_sha256, rrn.0, accepted, applied, events, at.0))
            })
            .to("write an idempotency key")
            .map(drop)
    }
}
