//! The payload of the `zoom` text: `success`, `data.entry`, `id`; an entry's five keys in that text's order, compact.
//! No trailing empty entry, which that text's example shows and its receivers do not need.
//!
//! A path that is not UTF-8 has U+FFFD in `path`, and `pathBase64` (standard base64 of the whole path's bytes) behind
//! it.

use std::io::Write as _;

use bytes::Bytes;

use crate::model::entry::Entry;
use crate::model::subscription::Name;

const HEAD: &[u8] = br#"{"success":true,"data":{"entry":["#;

/// A payload that is being written. It is written by hand and not derived, because the bytes are the contract and a
/// batch may hold 10,000 entries.
#[derive(Debug)]
pub struct Payload {
    bytes: Vec<u8>,
    tail: Vec<u8>,
    entries: usize,
    max_bytes: usize,
}

impl Payload {
    /// An empty payload whose `id` is `name`, and which takes entries up to `max_bytes` bytes in all.
    #[must_use]
    pub fn new(name: &Name, max_bytes: usize) -> Self {
        let mut tail = Vec::from(b"]},\"id\":");
        text(&mut tail, name.as_str());
        tail.push(b'}');
        Self { bytes: HEAD.to_vec(), tail, entries: 0, max_bytes }
    }

    /// Adds an entry; `false` when it does not fit, and then nothing is added. The first one always fits.
    #[must_use]
    pub fn push(&mut self, entry: &Entry) -> bool {
        let before = self.bytes.len();
        if self.entries > 0 {
            self.bytes.push(b',');
        }
        write_entry(&mut self.bytes, entry);
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
    pub fn finish(mut self) -> Bytes {
        self.bytes.append(&mut self.tail);
        self.bytes.into()
    }
}

fn write_entry(out: &mut Vec<u8>, entry: &Entry) {
    out.extend_from_slice(b"{\"assetId\":");
    number(out, entry.asset.0);
    out.extend_from_slice(b",\"rrn\":");
    number(out, entry.rrn.0);
    out.extend_from_slice(b",\"path\":");
    text(out, &entry.path.display());
    if let Some(base64) = entry.path.base64() {
        out.extend_from_slice(b",\"pathBase64\":");
        text(out, &base64);
    }
    out.extend_from_slice(b",\"owner\":");
    text(out, &entry.owner);
    out.extend_from_slice(b",\"action\":");
    text(out, entry.action.as_str());
    out.push(b'}');
}

fn number(out: &mut Vec<u8>, value: i64) {
    write!(out, "{value}").expect("writing to memory does not fail");
}

fn text(out: &mut Vec<u8>, value: &str) {
    serde_json::to_writer(out, value).expect("a string is JSON, and writing to memory does not fail");
}
