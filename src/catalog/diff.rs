//! Which metadata keys a change touched.

use crate::model::metadata::{Delta, KeyDelta, Metadata};

/// Every key that the two states do not agree on, in key order.
#[must_use]
pub fn between(old: &Metadata, new: &Metadata) -> Delta {
    let mut delta: Delta = old
        .iter()
        .filter(|(key, values)| new.get(*key) != Some(values))
        .map(|(key, values)| KeyDelta {
            key: key.clone(),
            old: values.clone(),
            new: new.get(key).cloned().unwrap_or_default(),
        })
        .collect();
    delta.extend(added(new).into_iter().filter(|touched| !old.contains_key(&touched.key)));
    delta.sort_by(|a, b| a.key.cmp(&b.key));
    delta
}

/// The delta of an asset that appears: every value it has is given.
#[must_use]
pub fn added(new: &Metadata) -> Delta {
    new.iter().map(|(key, values)| KeyDelta { key: key.clone(), old: Vec::new(), new: values.clone() }).collect()
}

#[cfg(test)]
mod tests {
    use super::between;
    use crate::model::metadata::Metadata;

    fn metadata(pairs: &[(&str, &[&str])]) -> Metadata {
        pairs.iter().map(|(key, values)| ((*key).into(), values.iter().map(|v| (*v).into()).collect())).collect()
    }

    #[test]
    fn keys_set_changed_and_removed_are_touched_and_others_are_not() {
        let old = metadata(&[("City", &["SFO"]), ("Rating", &["3"]), ("Title", &["x"])]);
        let new = metadata(&[("Keywords", &["a", "b"]), ("Rating", &["4"]), ("Title", &["x"])]);
        let delta = between(&old, &new);
        let touched: Vec<_> =
            delta.iter().map(|d| format!("{} {} -> {}", d.key, d.old.join(","), d.new.join(","))).collect();
        assert_eq!(touched, ["City SFO -> ", "Keywords  -> a,b", "Rating 3 -> 4"]);
    }
}
