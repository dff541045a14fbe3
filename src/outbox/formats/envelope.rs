//! What the envelopes of the dialects have in common: one entry is one event, which has a name, a time and a payload.

use sha2::{Digest as _, Sha256};

use super::object::EntryObject;
use crate::model::entry::Entry;
use crate::model::event::{EventFields, Occurrence, Origin};
use crate::model::ids::{NodeId, Rrn};
use crate::model::lane::Skipped;
use crate::model::subscription::Subscription;
use crate::model::time::Wall;

/// The name of what says that entries were dropped.
pub(super) const LAGGED: &str = "callback.lagged";

/// An entry, on its way into an envelope.
pub(super) struct Enveloped<'a> {
    /// Whom it is for.
    pub subscription: &'a Subscription,
    /// The ledger that it is from.
    pub node: NodeId,
    /// What is told of it.
    pub object: EntryObject<'a>,
}

impl<'a> Enveloped<'a> {
    /// The event's name.
    pub fn event(&self) -> &'a str {
        match self.object.entry {
            Entry::Change(change) => change.action.event_name(),
            Entry::Event(event) => &event.name,
        }
    }

    /// When it was recorded.
    pub fn time(&self) -> Wall {
        self.object.entry.time()
    }

    /// The occurrence; `None`: it is a change.
    pub fn occurrence(&self) -> Option<&'a Occurrence> {
        match self.object.entry {
            Entry::Change(_) => None,
            Entry::Event(event) => Some(event),
        }
    }

    /// The payload: a JSON object.
    pub fn payload(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.object.write(&mut out);
        out
    }

    /// 32 hexadecimal digits, the same for this event in every subscription and at every attempt: the ledger, and the
    /// event's place in the journal there. What is of no place there has its highest bit set.
    pub fn digits(&self) -> String {
        let entry = self.object.entry;
        let seq = entry.seq();
        let place = match entry {
            Entry::Change(change) if seq == Entry::NO_SEQ => {
                unplaced(&format!("backfill:{}:{}", change.asset, change.rrn))
            }
            Entry::Event(event) if event.name == LAGGED && event.rrn == Rrn(0) => unplaced(&format!("lagged:{seq}")),
            _ => seq.0.cast_unsigned(),
        };
        format!("{:016x}{place:016x}", self.node.0)
    }
}

fn unplaced(text: &str) -> u64 {
    let hash = Sha256::digest(text);
    u64::from_be_bytes(std::array::from_fn(|at| hash[at])) | 1 << 63
}

/// The entry that says that entries were dropped from what a subscription is owed.
pub(super) fn lagged(subscription: &Subscription, time: Wall, skipped: Skipped) -> Entry {
    let Skipped { entries, first, last } = skipped;
    let fields = EventFields::default().text("subscription", subscription.name.as_str());
    let fields = fields.number("skipped", entries).number("firstSeq", first.0).number("lastSeq", last.0);
    Entry::Event(Occurrence {
        seq: last,
        rrn: Rrn(0),
        time,
        name: LAGGED.to_owned(),
        tenant: subscription.tenant.clone(),
        change: None,
        origin: Origin::Ringback,
        display_name: None,
        fields,
    })
}
