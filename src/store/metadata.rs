//! What each source says of an asset.

use rusqlite::{Connection, OptionalExtension as _};

use super::error::{Cause, Operation as _};
use super::{IntakeTables, Ledger, Result, SharedTables, codec};
use crate::model::asset::ContentRead;
use crate::model::ids::AssetId;
use crate::model::metadata::{BySource, Said, Source, SourceOrder};

/// The row of `meta` that has the order of the sources, as a JSON array of their numbers.
pub(super) const ORDER: &str = "source_order";

/// The order of the sources as the ledger keeps it. One that this ringback does not understand is the default.
pub(super) fn order_of(text: Option<&str>) -> SourceOrder {
    let sources: Option<Vec<Source>> = text.and_then(|text| serde_json::from_str(text).ok());
    sources.and_then(|sources| SourceOrder::of_sources(&sources)).unwrap_or_default()
}

/// What a row of `metadata` says: its columns `content` and `ordered`.
pub(super) fn said(content: &str, ordered: Option<&str>) -> Result<Said> {
    Ok(Said { values: codec::json(content)?, ordered: ordered.map(codec::json).transpose()?.unwrap_or_default() })
}

impl Ledger {
    /// Has these sources win from now on. The order is kept for whoever reads the ledger beside its daemon.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn set_source_order(&self, order: SourceOrder) -> Result<()> {
        self.connection
            .execute(
                "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2
                 WHERE value <> ?2",
                (ORDER, codec::to_json(&order.sources())?),
            )
            .to("write the order of sources")?;
        self.order.set(order);
        Ok(())
    }
}

/// The row of `meta` that has the version of the `exiftool` that reads what the built-in readers do not know. There is
/// no row where it is not asked.
const EXIFTOOL: &str = "exiftool_version";

impl Ledger {
    /// Has this version of `exiftool`, or none, read from now on what the built-in readers do not know. With another
    /// one than before every file counts as read by others: it is read again in the background, without a word.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn set_exiftool(&self, version: Option<&str>) -> Result<()> {
        const WRITE: &str = "write the version of exiftool";

        if exiftool(&self.connection)?.as_deref() == version {
            return Ok(());
        }
        let transaction = self.connection.unchecked_transaction().to(WRITE)?;
        match version {
            Some(version) => transaction.execute(
                "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
                (EXIFTOOL, version),
            ),
            None => transaction.execute("DELETE FROM meta WHERE key = ?1", [EXIFTOOL]),
        }
        .to(WRITE)?;
        let (others, ours) = (ContentRead::ByOthers.code(), ContentRead::Yes.code());
        for table in ["assets", "gone"] {
            let sql = format!("UPDATE {table} SET read_by = ?1 WHERE read_by = ?2");
            transaction.execute(&sql, [others, ours]).to(WRITE)?;
        }
        transaction.commit().to(WRITE)
    }

    /// The version of `exiftool` by which files were read last; `None`: by none.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn exiftool(&self) -> Result<Option<String>> {
        exiftool(&self.connection)
    }
}

impl IntakeTables<'_> {
    /// See [`Ledger::exiftool`].
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn exiftool(&self) -> Result<Option<String>> {
        exiftool(&self.connection)
    }
}

fn exiftool(connection: &Connection) -> Result<Option<String>> {
    connection
        .query_row("SELECT value FROM meta WHERE key = ?1", [EXIFTOOL], |row| row.get(0))
        .optional()
        .to("read the version of exiftool")
}

impl SharedTables {
    /// What each source says of an asset, gone ones included.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn metadata(&self, asset: AssetId) -> Result<BySource> {
        self.read_metadata(asset).map_err(|error| error.in_row("metadata", asset.0))
    }

    /// What nothing says yet, in the order of the sources that is in force.
    #[must_use]
    pub fn no_metadata(&self) -> BySource {
        BySource::ordered(self.order.get())
    }

    fn read_metadata(&self, asset: AssetId) -> Result<BySource> {
        let mut sql = self
            .connection
            .prepare_cached("SELECT source, content, ordered FROM metadata WHERE asset = ?1 ORDER BY source")
            .to("read metadata")?;
        let mut rows = sql.query([asset.0]).to("read metadata")?;
        let mut out = self.no_metadata();
        while let Some(row) = rows.next().to("read metadata")? {
            let code: i64 = row.get(0).to("read metadata")?;
            let source = Source::from_code(code)
                .ok_or_else(|| Cause::Damaged(format!("metadata source {code}")))
                .to("read metadata")?;
            let content = row.get_ref(1).and_then(|text| Ok(text.as_str()?)).to("read metadata")?;
            let ordered = row.get_ref(2).and_then(|text| Ok(text.as_str_or_null()?)).to("read metadata")?;
            out.insert(source, said(content, ordered)?);
        }
        Ok(out)
    }
}

impl IntakeTables<'_> {
    /// Replaces what one source says of an asset; nothing said leaves no row.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn set_metadata(&self, asset: AssetId, source: Source, said: &Said) -> Result<()> {
        let key = (asset.0, source.code());
        if said.is_empty() {
            return self
                .connection
                .prepare_cached("DELETE FROM metadata WHERE asset = ?1 AND source = ?2")
                .and_then(|mut sql| sql.execute(key))
                .to("write metadata")
                .map(drop);
        }
        let text = codec::to_json(&said.values)?;
        let ordered = (!said.ordered.is_empty()).then(|| codec::to_json(&said.ordered)).transpose()?;
        self.connection
            .prepare_cached(
                "INSERT INTO metadata (asset, source, content, ordered) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (asset, source) DO UPDATE SET content = ?3, ordered = ?4",
            )
            .and_then(|mut sql| sql.execute((key.0, key.1, text, ordered)))
            .to("write metadata")
            .map(drop)
    }
}
