//! What each source says of an asset.

use super::error::{Cause, Operation as _};
use super::{IntakeTables, Result, SharedTables, codec};
use crate::model::ids::AssetId;
use crate::model::metadata::{BySource, Metadata, Source};

impl SharedTables {
    /// What each source says of an asset, gone ones included.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn metadata(&self, asset: AssetId) -> Result<BySource> {
        self.read_metadata(asset).map_err(|error| error.in_row("metadata", asset.0))
    }

    fn read_metadata(&self, asset: AssetId) -> Result<BySource> {
        let mut sql = self
            .connection
            .prepare_cached("SELECT source, content FROM metadata WHERE asset = ?1 ORDER BY source")
            .to("read metadata")?;
        let mut rows = sql.query([asset.0]).to("read metadata")?;
        let mut out = BySource::new();
        while let Some(row) = rows.next().to("read metadata")? {
            let code: i64 = row.get(0).to("read metadata")?;
            let source = Source::from_code(code)
                .ok_or_else(|| Cause::Damaged(format!("metadata source {code}")))
                .to("read metadata")?;
            let text = row.get_ref(1).and_then(|text| Ok(text.as_str()?)).to("read metadata")?;
            out.insert(source, codec::json(text)?);
        }
        Ok(out)
    }
}

impl IntakeTables<'_> {
    /// Replaces what one source says of an asset; nothing said leaves no row.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn set_metadata(&self, asset: AssetId, source: Source, content: &Metadata) -> Result<()> {
        let key = (asset.0, source.code());
        if content.is_empty() {
            return self
                .connection
                .prepare_cached("DELETE FROM metadata WHERE asset = ?1 AND source = ?2")
                .and_then(|mut sql| sql.execute(key))
                .to("write metadata")
                .map(drop);
        }
        let text = codec::to_json(content)?;
        self.connection
            .prepare_cached(
                "INSERT INTO metadata (asset, source, content) VALUES (?1, ?2, ?3)
                 ON CONFLICT (asset, source) DO UPDATE SET content = ?3",
            )
            .and_then(|mut sql| sql.execute((key.0, key.1, text)))
            .to("write metadata")
            .map(drop)
    }
}
