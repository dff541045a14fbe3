//! What each source says of an asset.

use super::error::{Cause, Operation as _};
use super::{IntakeTables, Ledger, Result, SharedTables, codec};
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
