//! The tail of the journal: what was recorded last and is owed to somebody, shared. A lane that is a little behind is
//! cut from here, and reads nothing.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::model::change::Change;
use crate::model::entry::Entry;
use crate::model::ids::Seq;
use crate::model::metadata::KeyDelta;

/// Entries that are kept, at most.
const ENTRIES_MAX: usize = 20_000;
/// Bytes of them that are kept, at most.
const BYTES_MAX: usize = 16 << 20;

/// The newest entries that are owed, in the order of the journal.
#[derive(Debug, Default)]
pub(super) struct Tail {
    entries: VecDeque<Arc<Entry>>,
    bytes: usize,
}

impl Tail {
    /// Adds an entry, unless it is the one that was added last.
    pub(super) fn push(&mut self, entry: &Arc<Entry>) {
        if self.entries.back().is_some_and(|last| last.seq() >= entry.seq()) {
            return;
        }
        self.bytes += weight(entry);
        self.entries.push_back(Arc::clone(entry));
        while (self.entries.len() > ENTRIES_MAX || self.bytes > BYTES_MAX)
            && let Some(oldest) = self.entries.pop_front()
        {
            self.bytes -= weight(&oldest);
        }
    }

    /// The entry of a place in the journal, where it is here.
    pub(super) fn get(&self, seq: Seq) -> Option<&Arc<Entry>> {
        let at = self.entries.binary_search_by_key(&seq, |entry| entry.seq()).ok()?;
        self.entries.get(at)
    }
}

/// About how many bytes of memory an entry takes.
fn weight(entry: &Entry) -> usize {
    let values = |values: &[String]| values.iter().map(String::len).sum::<usize>();
    let change = entry.about().map_or(0, |change| {
        let key = |key: &KeyDelta| 100 + key.key.len() + values(&key.old) + values(&key.new);
        let delta: usize = change.delta.iter().map(key).sum();
        size_of::<Change>() + change.path.as_bytes().len() + change.owner.len() + delta
    });
    let event = match entry {
        Entry::Change(_) => 0,
        Entry::Event(event) => event.fields.as_json().len() + event.display_name.as_ref().map_or(0, String::len),
    };
    size_of::<Entry>() + change + event
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{BYTES_MAX, ENTRIES_MAX, Tail};
    use crate::model::change::{Action, Change};
    use crate::model::entry::Entry;
    use crate::model::ids::Seq;
    use crate::model::metadata::KeyDelta;

    fn entry(seq: usize, value: &str) -> Arc<Entry> {
        let touched = KeyDelta { key: "K".into(), old: Vec::new(), new: vec![value.to_owned()], source: None };
        let change = Change::of_some_asset(b"/a", Action::None, vec![touched]);
        Arc::new(Entry::Change(Change { seq: Seq(seq as i64), ..change }))
    }

    #[test]
    fn the_newest_entries_are_kept_up_to_the_limits() {
        let mut tail = Tail::default();
        for seq in 1..=ENTRIES_MAX + 1 {
            tail.push(&entry(seq, ""));
            tail.push(&entry(seq, "twice"));
        }
        assert!(tail.get(Seq(1)).is_none() && tail.get(Seq(2)).is_some());
        assert_eq!(tail.entries.len(), ENTRIES_MAX);
        let large = "x".repeat(BYTES_MAX / 4);
        for seq in 1..=4 {
            tail.push(&entry(ENTRIES_MAX + 1 + seq, &large));
        }
        assert_eq!(tail.entries.len(), 3, "four of them are too many bytes");
    }
}
