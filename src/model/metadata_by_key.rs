//! Metadata as people and programs see it: each key with its values, their source, and the values that lost.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::metadata::{BySource, Source, Values, is_physical};

/// `{KEY: {"value": [..], "source": "xmp", "lost": [{"source", "value"}, ..]}}`, without `lost` where nothing did.
/// Physical keys of files are left out: each has a logical key beside it.
#[must_use]
pub fn by_key(sources: &BySource) -> Map<String, Value> {
    let mut keys: BTreeMap<&str, Vec<(Source, &Values)>> = BTreeMap::new();
    for (source, said) in sources.ranked() {
        let is_shown = |key: &str| source == Source::Records || !is_physical(key);
        for (key, values) in said.values.iter().filter(|(key, _)| is_shown(key)) {
            keys.entry(key).or_default().push((source, values));
        }
    }
    let one = |(source, values): &(Source, &Values)| json!({"source": source.name(), "value": values});
    let shown = keys.into_iter().filter_map(|(key, said)| {
        let (winner, lost) = said.split_first()?;
        let mut shown = one(winner);
        if !lost.is_empty() {
            shown["lost"] = lost.iter().map(one).collect();
        }
        Some((key.to_owned(), shown))
    });
    shown.collect()
}
