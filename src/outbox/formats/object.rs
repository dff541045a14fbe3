//! What is told of an entry, one object in every format. Of a change: the five keys of the `zoom` text in its order,
//! and behind them the fields that the subscription asks for. Of an event about an asset: that of its change, and
//! behind it the event's payload; a key of the payload stands in the place of one of the change's that is called the
//! same. Of another event: its payload.
//!
//! A path that is not UTF-8 has U+FFFD in `path`, and `pathBase64` (standard base64 of the whole path's bytes) behind
//! it, asked for or not; `previousPathBase64` is to `previousPath` as that is to `path`. The fields follow in the order
//! of [`Field::ALL`], however the subscription lists them. A field whose value is not known is left out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::json::{number, separated, text, texts};
use crate::model::change::Change;
use crate::model::entry::Entry;
use crate::model::event::Occurrence;
use crate::model::metadata::{Metadata, is_physical};
use crate::model::subscription::Field;
use crate::model::time::Wall;

/// An entry, as an object of a payload.
#[derive(Debug)]
pub(super) struct EntryObject<'a> {
    pub(super) entry: &'a Entry,
    /// All that its asset has; `None` where it was not asked for.
    pub(super) metadata: Option<&'a Metadata>,
    /// What is told beyond the five keys.
    pub(super) fields: &'a [Field],
}

impl EntryObject<'_> {
    /// Writes the object, for a format that tells events by their names.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self.entry {
            Entry::Change(_) => self.write_change(out),
            Entry::Event(Occurrence { change: None, fields, .. }) => out.extend_from_slice(fields.as_json().as_bytes()),
            Entry::Event(Occurrence { fields, .. }) if fields.is_empty() => self.write_change(out),
            Entry::Event(Occurrence { fields, .. }) => {
                let mut object = Vec::new();
                self.write_change(&mut object);
                write_both(out, &object, fields.as_json().as_bytes());
            }
        }
    }

    /// Writes what is told of the change alone; nothing where it is about no asset.
    pub(super) fn write_change(&self, out: &mut Vec<u8>) {
        let Some(change) = self.entry.about() else { return };
        out.extend_from_slice(b"{\"assetId\":");
        number(out, change.asset);
        out.extend_from_slice(b",\"rrn\":");
        number(out, change.rrn);
        out.extend_from_slice(b",\"path\":");
        text(out, &change.path.display());
        if let Some(base64) = change.path.base64() {
            out.extend_from_slice(b",\"pathBase64\":");
            text(out, &base64);
        }
        out.extend_from_slice(b",\"owner\":");
        text(out, &change.owner);
        out.extend_from_slice(b",\"action\":");
        text(out, change.action.as_str());
        for field in Field::ALL.into_iter().filter(|field| self.fields.contains(field)) {
            self.write_field(out, change, field);
        }
        out.push(b'}');
    }

    fn write_field(&self, out: &mut Vec<u8>, change: &Change, field: Field) {
        let key = |out: &mut Vec<u8>| {
            out.extend_from_slice(b",\"");
            out.extend_from_slice(field.as_str().as_bytes());
            out.extend_from_slice(b"\":");
        };
        match field {
            Field::Metadata => {
                let Some(metadata) = self.metadata else { return };
                key(out);
                write_metadata(out, metadata);
            }
            Field::Changed => {
                key(out);
                write_changed(out, change);
            }
            Field::Size => {
                let Some(size) = change.size else { return };
                key(out);
                number(out, size);
            }
            Field::Mtime => {
                let Some(mtime_ns) = change.mtime_ns else { return };
                key(out);
                text(out, &Wall(mtime_ns.div_euclid(1_000_000)).to_string());
            }
            Field::PreviousPath => {
                let Some(path) = &change.previous_path else { return };
                key(out);
                text(out, &path.display());
                if let Some(base64) = path.base64() {
                    out.extend_from_slice(b",\"previousPathBase64\":");
                    text(out, &base64);
                }
            }
            Field::Seq => {
                let seq = self.entry.seq();
                if seq != Entry::NO_SEQ {
                    key(out);
                    number(out, seq);
                }
            }
            Field::PathBase64 => {
                // A path that is not UTF-8 has it already.
                if change.path.base64().is_none() {
                    key(out);
                    text(out, &STANDARD.encode(change.path.as_bytes()));
                }
            }
        }
    }
}

/// An object of the keys of two: those of the first that the second does not have, and behind them those of the second.
fn write_both(out: &mut Vec<u8>, first: &[u8], second: &[u8]) {
    let objects = [first, second].map(|object| serde_json::from_slice::<InOrder<'_>>(object).map(|InOrder(keys)| keys));
    let [Ok(first), Ok(second)] = objects else {
        // What was damaged in the ledger is left out.
        out.extend_from_slice(first);
        return;
    };
    let is_replaced = |key: &str| second.iter().any(|(other, _)| other == key);
    let kept = first.iter().filter(|(key, _)| !is_replaced(key));
    out.push(b'{');
    separated(out, kept.chain(&second), |out, (key, value)| {
        text(out, key);
        out.push(b':');
        out.extend_from_slice(value.get().as_bytes());
    });
    out.push(b'}');
}

/// The keys of an object in their order, each with its value as it is written.
struct InOrder<'j>(Vec<(String, &'j RawValue)>);

impl<'de> Deserialize<'de> for InOrder<'de> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = InOrder<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, value)) = object.next_entry::<String, &RawValue>()? {
                    keys.push((key, value));
                }
                Ok(InOrder(keys))
            }
        }
        json.deserialize_map(Keys)
    }
}

/// An object: key to list of values. Each physical key has a logical one beside it, and is left out.
fn write_metadata(out: &mut Vec<u8>, metadata: &Metadata) {
    out.push(b'{');
    separated(out, metadata.iter().filter(|(key, _)| !is_physical(key)), |out, (key, values)| {
        text(out, key);
        out.push(b':');
        texts(out, values);
    });
    out.push(b'}');
}

/// An object: key to the lists of values before and after, empty where the key was absent.
fn write_changed(out: &mut Vec<u8>, change: &Change) {
    out.push(b'{');
    separated(out, &change.delta, |out, delta| {
        text(out, &delta.key);
        out.extend_from_slice(b":{\"old\":");
        texts(out, &delta.old);
        out.extend_from_slice(b",\"new\":");
        texts(out, &delta.new);
        out.push(b'}');
    });
    out.push(b'}');
}
