//! The payload formats, a file each: how entries become the bytes of a request. Nothing here decides which entries go
//! into a batch, beyond whether one more still fits.
//!
//! A format says what opens and closes a body and how an entry is written; [`Payload`] counts, separates and measures.
//! What all formats tell of a change or an event is one object (`object`).

use crate::model::delivery::Body;
use crate::model::entry::Entry;
use crate::model::format::Format;
use crate::model::ids::NodeId;
use crate::model::lane::Skipped;
use crate::model::metadata::Metadata;
use crate::model::subscription::Subscription;
use crate::model::time::Wall;

mod cloudevents;
mod compendium;
mod envelope;
mod eqp;
mod hal;
mod json;
mod object;
mod reactor;
mod zoom;

use envelope::Enveloped;
use object::EntryObject;

/// A body that is being written. It is written by hand and not derived, because the bytes are the contract and a batch
/// may hold 10,000 entries.
#[derive(Debug)]
pub struct Payload<'a> {
    subscription: &'a Subscription,
    node: NodeId,
    bytes: Vec<u8>,
    /// What closes the body.
    tail: Vec<u8>,
    entries: usize,
    max_bytes: usize,
}

impl<'a> Payload<'a> {
    /// An empty body in the format of `subscription`, which takes entries up to `max_bytes` bytes in all. `node` is the
    /// ledger that the entries are from.
    #[must_use]
    pub fn new(subscription: &'a Subscription, node: NodeId, max_bytes: usize) -> Self {
        let (bytes, tail) = match subscription.format {
            Format::Zoom => (zoom::HEAD.to_vec(), zoom::tail(&subscription.name)),
            Format::CloudEventsBatch => (b"[".to_vec(), b"]".to_vec()),
            _ => (Vec::new(), Vec::new()),
        };
        Self { subscription, node, bytes, tail, entries: 0, max_bytes }
    }

    /// Adds an entry; `false` when it does not fit, and then nothing is added. The first one always fits. `metadata` is
    /// all that its asset has, for a subscription that asks for it.
    #[must_use]
    pub fn push(&mut self, entry: &Entry, metadata: Option<&Metadata>) -> bool {
        let format = self.subscription.format;
        if self.entries > 0 && format.holds_one_entry() {
            return false;
        }
        let before = self.bytes.len();
        if self.entries > 0 {
            self.bytes.push(b',');
        }
        let object = EntryObject { entry, metadata, fields: &self.subscription.fields };
        match (enveloping(format), format) {
            (Some(write), _) => {
                write(&mut self.bytes, &Enveloped { subscription: self.subscription, node: self.node, object });
            }
            // An event about an asset is its change there, and there is no other.
            (None, Format::Zoom) => object.write_change(&mut self.bytes),
            (None, _) => cloudevents::write(&mut self.bytes, self.node, &object),
        }
        if self.entries > 0 && self.bytes.len() + self.tail.len() > self.max_bytes {
            self.bytes.truncate(before);
            return false;
        }
        self.entries += 1;
        true
    }

    /// How many entries it has.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.entries
    }

    /// The finished body.
    #[must_use]
    pub fn finish(mut self) -> Body {
        self.bytes.append(&mut self.tail);
        Body { bytes: self.bytes.into(), content_type: self.subscription.format.content_type().into() }
    }
}

/// The body that tells a subscriber that entries were dropped from what it is owed. `node` is the ledger that dropped
/// them, at a point in time.
#[must_use]
pub fn lagged(subscription: &Subscription, node: NodeId, time: Wall, skipped: Skipped) -> Body {
    let format = subscription.format;
    let bytes = match (enveloping(format), format) {
        (Some(write), _) => {
            let (mut bytes, entry) = (Vec::new(), envelope::lagged(subscription, time, skipped));
            let object = EntryObject { entry: &entry, metadata: None, fields: &[] };
            write(&mut bytes, &Enveloped { subscription, node, object });
            bytes
        }
        (None, Format::Zoom) => zoom::lagged(&subscription.name, skipped),
        (None, Format::CloudEventsBatch) => {
            [&b"["[..], &cloudevents::lagged(&subscription.name, node, time, skipped), b"]"].concat()
        }
        (None, _) => cloudevents::lagged(&subscription.name, node, time, skipped),
    };
    Body { bytes: bytes.into(), content_type: format.content_type().into() }
}

/// How the envelope of a dialect is written; `None`: the format has none.
fn enveloping(format: Format) -> Option<fn(&mut Vec<u8>, &Enveloped<'_>)> {
    match format {
        Format::Reactor => Some(reactor::write),
        Format::Eqp => Some(eqp::write),
        Format::Hal => Some(hal::write),
        Format::Compendium => Some(compendium::write),
        Format::Zoom | Format::CloudEvents | Format::CloudEventsBatch => None,
    }
}

#[cfg(test)]
mod tests;
