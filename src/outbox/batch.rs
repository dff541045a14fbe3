//! Cutting: the longest run of folded entries, from the first, that one batch may hold. It does not fold, and it does
//! not decide when to cut.

use super::fold::Folded;
use super::formats::Payload;
use crate::model::delivery::Body;
use crate::model::ids::{AssetId, NodeId, Seq};
use crate::model::metadata::Metadata;
use crate::model::subscription::{Field, Subscription};

/// A batch: its frozen body, and what it tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The request body.
    pub body: Body,
    /// How many entries are in it.
    pub entries: usize,
    /// For each entry, in order, the changes that it tells.
    pub told: Vec<Vec<Seq>>,
}

/// Cuts a batch for `subscription` from the beginning of `folded`, which is not empty. The batch has at most the
/// entries that the subscription takes and `max_bytes` bytes, but always at least one entry: an entry that is too large
/// goes alone. `node` is the ledger that the entries are from.
///
/// `metadata` reads what an asset has, gone ones included. It is asked of the entries that are written, and of the one
/// that does not fit any more, and only for a subscription that wants metadata.
///
/// # Errors
/// What `metadata` says.
pub fn cut<E>(
    subscription: &Subscription,
    node: NodeId,
    folded: &[Folded],
    max_bytes: usize,
    mut metadata: impl FnMut(AssetId) -> Result<Metadata, E>,
) -> Result<Cut, E> {
    debug_assert!(!folded.is_empty(), "a batch tells something");
    let max_entries = subscription.max_entries();
    let wants_metadata = subscription.fields.contains(&Field::Metadata);
    let mut payload = Payload::new(subscription, node, max_bytes);
    let mut told = Vec::with_capacity(folded.len().min(max_entries));
    for one in folded.iter().take(max_entries.max(1)) {
        let metadata = one.entry.asset().filter(|_| wants_metadata).map(&mut metadata).transpose()?;
        if !payload.push(&one.entry, metadata.as_ref()) {
            break;
        }
        told.push(one.seqs.clone());
    }
    Ok(Cut { entries: payload.entries(), body: payload.finish(), told })
}

#[cfg(test)]
mod tests;
