//! Which metadata keys a change touched.

use std::collections::HashSet;

use crate::model::metadata::{BySource, Delta, KeyDelta, Values, Winner};

/// Every key that the two states do not agree on, in key order. Values whose order means nothing are compared as sets.
#[must_use]
pub fn between(old: &BySource, new: &BySource) -> Delta {
    let (was, is) = (old.winners(), new.winners());
    let mut delta = Delta::new();
    for (key, before) in &was {
        let (new, source) = match is.get(key) {
            None => (Vec::new(), before.source),
            Some(now) if now.values == before.values => continue,
            Some(now) if !now.is_ordered && is_same_set(before.values, now.values) => continue,
            Some(now) => (now.values.clone(), now.source),
        };
        delta.push(KeyDelta { key: (*key).to_owned(), old: before.values.clone(), new, source: Some(source) });
    }
    delta.extend(is.into_iter().filter(|(key, _)| !was.contains_key(key)).map(given));
    delta.sort_by(|a, b| a.key.cmp(&b.key));
    delta
}

/// The delta of an asset that appears: every value it has is given.
#[must_use]
pub fn added(new: &BySource) -> Delta {
    new.winners().into_iter().map(given).collect()
}

/// The delta of a key that was absent.
fn given((key, now): (&str, Winner<'_>)) -> KeyDelta {
    KeyDelta { key: key.to_owned(), old: Vec::new(), new: now.values.clone(), source: Some(now.source) }
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
