//! Cutting: the longest run of folded entries, from the first, that one batch may hold. It does not fold, and it does
//! not decide when to cut.

use bytes::Bytes;

use super::fold::Folded;
use super::zoom::Payload;
use crate::model::ids::Seq;
use crate::model::subscription::Name;

/// A batch: its frozen bytes, and what it tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The request body.
    pub body: Bytes,
    /// How many entries are in it.
    pub entries: usize,
    /// The owed entries that it tells; they are owed no longer once it is recorded. In the order of the batch, not of
    /// the journal.
    pub consumed: Vec<Seq>,
}

/// Cuts a batch for the subscription `name` from the beginning of `folded`, which is not empty. The batch has at most
/// `max_entries` entries and `max_bytes` bytes, but always at least one entry: an entry that is too large goes alone.
#[must_use]
pub fn cut(name: &Name, folded: &[Folded], max_entries: usize, max_bytes: usize) -> Cut {
    debug_assert!(!folded.is_empty(), "a batch tells something");
    let mut payload = Payload::new(name, max_bytes);
    let mut consumed = Vec::with_capacity(folded.len().min(max_entries));
    for one in folded.iter().take(max_entries.max(1)) {
        if !payload.push(&one.entry) {
            break;
        }
        consumed.extend_from_slice(&one.seqs);
    }
    Cut { entries: payload.entries(), body: payload.finish(), consumed }
}

#[cfg(test)]
mod tests;
