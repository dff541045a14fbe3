//! What happened a moment ago and still decides something: kept for a while and in a bounded number, in memory only. It
//! explains hints that are still on their way, and those are lost with the process too.

use std::collections::HashMap;
use std::hash::Hash;

use crate::model::time::Mono;

/// Values by key, each with the time at which it was noted.
#[derive(Debug)]
pub(super) struct Recent<K, V> {
    entries: HashMap<K, (Mono, V)>,
    keep_ms: u64,
    most: usize,
}

impl<K: Eq + Hash, V> Recent<K, V> {
    /// Keeps `most` entries, each for `keep_ms` milliseconds.
    pub(super) fn new(keep_ms: u64, most: usize) -> Self {
        Self { entries: HashMap::new(), keep_ms, most }
    }

    /// Notes a value. Where there is no room for it, it is not noted, and what would follow from it does not.
    pub(super) fn note(&mut self, now: Mono, key: K, value: V) {
        if self.entries.len() >= self.most {
            let keep_ms = self.keep_ms;
            self.entries.retain(|_, (noted, _)| now.since_ms(*noted) <= keep_ms);
        }
        if self.entries.len() < self.most {
            self.entries.insert(key, (now, value));
        }
    }

    /// The value that was noted within the time before `at`.
    pub(super) fn get(&self, at: Mono, key: &K) -> Option<&V> {
        let (noted, value) = self.entries.get(key)?;
        (at.since_ms(*noted) <= self.keep_ms).then_some(value)
    }

    /// Forgets a value.
    pub(super) fn remove(&mut self, key: &K) {
        self.entries.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::Recent;
    use crate::model::time::Mono;

    #[test]
    fn entries_are_kept_for_their_time_and_in_their_number() {
        let mut recent = Recent::new(1_000, 2);
        recent.note(Mono(0), "a", 1);
        recent.note(Mono(500), "b", 2);
        recent.note(Mono(600), "c", 3);
        assert_eq!((recent.get(Mono(1_000), &"a"), recent.get(Mono(1_001), &"a")), (Some(&1), None));
        assert_eq!(recent.get(Mono(600), &"c"), None, "there was no room");
        recent.note(Mono(1_100), "c", 3);
        assert_eq!((recent.get(Mono(1_100), &"c"), recent.get(Mono(1_100), &"a")), (Some(&3), None));
        recent.remove(&"c");
        assert_eq!(recent.get(Mono(1_100), &"c"), None);
    }
}
