//! Which metadata keys a change touched.

use std::collections::HashSet;

use crate::model::metadata::{BySource, Delta, KeyDelta, Values, merged};

/// Every key that the two states do not agree on, in key order. Values whose order means nothing are compared as sets.
#[must_use]
pub fn between(old: &BySource, new: &BySource) -> Delta {
    let (was, is) = (merged(old), merged(new));
    let mut delta = Delta::new();
    for (key, values) in &was {
        let now = is.get(key);
        if now == Some(values) {
            continue;
        }
        let (source, said) = match now {
            Some(_) => new.winner(key),
            None => old.winner(key),
        }
        .unzip();
        let is_ordered = said.is_some_and(|said| said.ordered.contains(key));
        if let Some(now) = now
            && !is_ordered
            && is_same_set(values, now)
        {
            continue;
        }
        delta.push(KeyDelta { key: key.clone(), old: values.clone(), new: now.cloned().unwrap_or_default(), source });
    }
    delta.extend(added(new).into_iter().filter(|touched| !was.contains_key(&touched.key)));
    delta.sort_by(|a, b| a.key.cmp(&b.key));
    delta
}

/// The delta of an asset that appears: every value it has is given.
#[must_use]
pub fn added(new: &BySource) -> Delta {
    let mut delta: Delta = Vec::new();
    for (source, said) in new.ranked() {
        for (key, values) in &said.values {
            if new.winner(key).is_some_and(|(winner, _)| winner == source) {
                let (old, new) = (Vec::new(), values.clone());
                delta.push(KeyDelta { key: key.clone(), old, new, source: Some(source) });
            }
        }
    }
    delta.sort_by(|a, b| a.key.cmp(&b.key));
    delta
}

fn is_same_set(a: &Values, b: &Values) -> bool {
    a.iter().collect::<HashSet<_>>() == b.iter().collect::<HashSet<_>>()
}

#[cfg(test)]
mod tests {
    use super::between;
    use crate::model::metadata::{BySource, Metadata, Said, Source};

    fn metadata(pairs: &[(&str, &[&str])]) -> Metadata {
        pairs.iter().map(|(key, values)| ((*key).into(), values.iter().map(|v| (*v).into()).collect())).collect()
    }

    fn touched(old: &BySource, new: &BySource) -> Vec<String> {
        let one = |source: Option<Source>| source.map_or("nobody", Source::name);
        let delta = between(old, new);
        delta
            .iter()
            .map(|d| format!("{} {} -> {} {}", d.key, d.old.join(","), d.new.join(","), one(d.source)))
            .collect()
    }

    #[test]
    fn keys_set_changed_and_removed_are_touched_and_others_are_not() {
        let old = metadata(&[("City", &["SFO"]), ("Rating", &["3"]), ("Title", &["x"])]);
        let new = metadata(&[("Keywords", &["a", "b"]), ("Rating", &["4"]), ("Title", &["x"])]);
        let (old, new) = ([(Source::Records, old)].into(), [(Source::Records, new)].into());
        let expect = ["City SFO ->  record", "Keywords  -> a,b record", "Rating 3 -> 4 record"];
        assert_eq!(touched(&old, &new), expect);
    }

    #[test]
    fn another_source_that_says_the_same_touches_nothing() {
        let city = || metadata(&[("City", &["SFO"])]);
        let (old, new) = ([(Source::Xmp, city())].into(), [(Source::Records, city())].into());
        assert!(touched(&old, &new).is_empty());
        let other = [(Source::Records, metadata(&[("City", &["LAX"])])), (Source::Xmp, city())].into();
        assert_eq!(touched(&old, &other), ["City SFO -> LAX record"]);
    }

    #[test]
    fn bags_compare_as_sets_and_sequences_in_order() {
        let said = |values: &[&str], ordered: bool| {
            let mut said = Said::from(metadata(&[("K", values)]));
            said.ordered.extend(ordered.then(|| "K".to_owned()));
            let mut sources = BySource::new();
            sources.insert(Source::Xmp, said);
            sources
        };
        assert!(touched(&said(&["a", "b"], false), &said(&["b", "a"], false)).is_empty());
        assert!(touched(&said(&["a", "b"], false), &said(&["b", "a", "b"], false)).is_empty());
        assert_eq!(touched(&said(&["a", "b"], true), &said(&["b", "a"], true)), ["K a,b -> b,a xmp"]);
        assert_eq!(touched(&said(&["a"], false), &said(&["a", "b"], false)), ["K a -> a,b xmp"]);
    }
}
