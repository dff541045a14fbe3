//! What is told of a change, one object in every format: the five keys of the `zoom` text in its order, and behind them
//! the fields that the subscription asks for.
//!
//! A path that is not UTF-8 has U+FFFD in `path`, and `pathBase64` (standard base64 of the whole path's bytes) behind
//! it, asked for or not; `previousPathBase64` is to `previousPath` as that is to `path`. The fields follow in the order
//! of [`Field::ALL`], however the subscription lists them. A field whose value is not known is left out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::json::{number, separated, text, texts};
use crate::model::entry::Entry;
use crate::model::metadata::Metadata;
use crate::model::subscription::Field;
use crate::model::time::Wall;

/// A change, as an object of a payload.
#[derive(Debug)]
pub(super) struct ChangeObject<'a> {
    pub(super) entry: &'a Entry,
    /// All that its asset has; `None` where it was not asked for.
    pub(super) metadata: Option<&'a Metadata>,
    /// What is told beyond the five keys.
    pub(super) fields: &'a [Field],
}

impl ChangeObject<'_> {
    /// Writes the object.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let entry = self.entry;
        out.extend_from_slice(b"{\"assetId\":");
        number(out, entry.asset);
        out.extend_from_slice(b",\"rrn\":");
        number(out, entry.rrn);
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
        for field in Field::ALL.into_iter().filter(|field| self.fields.contains(field)) {
            self.write_field(out, field);
        }
        out.push(b'}');
    }

    fn write_field(&self, out: &mut Vec<u8>, field: Field) {
        let entry = self.entry;
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
                write_changed(out, entry);
            }
            Field::Size => {
                let Some(size) = entry.size else { return };
                key(out);
                number(out, size);
            }
            Field::Mtime => {
                let Some(mtime_ns) = entry.mtime_ns else { return };
                key(out);
                text(out, &Wall(mtime_ns.div_euclid(1_000_000)).to_string());
            }
            Field::PreviousPath => {
                let Some(path) = &entry.previous_path else { return };
                key(out);
                text(out, &path.display());
                if let Some(base64) = path.base64() {
                    out.extend_from_slice(b",\"previousPathBase64\":");
                    text(out, &base64);
                }
            }
            Field::Seq => {
                let Some(seq) = entry.change() else { return };
                key(out);
                number(out, seq);
            }
            Field::PathBase64 => {
                // A path that is not UTF-8 has it already.
                if entry.path.base64().is_none() {
                    key(out);
                    text(out, &STANDARD.encode(entry.path.as_bytes()));
                }
            }
        }
    }
}

/// An object: key to list of values.
fn write_metadata(out: &mut Vec<u8>, metadata: &Metadata) {
    out.push(b'{');
    separated(out, metadata, |out, (key, values)| {
        text(out, key);
        out.push(b':');
        texts(out, values);
    });
    out.push(b'}');
}

/// An object: key to the lists of values before and after, empty where the key was absent.
fn write_changed(out: &mut Vec<u8>, entry: &Entry) {
    out.push(b'{');
    separated(out, &entry.delta, |out, delta| {
        text(out, &delta.key);
        out.extend_from_slice(b":{\"old\":");
        texts(out, &delta.old);
        out.extend_from_slice(b",\"new\":");
        texts(out, &delta.new);
        out.push(b'}');
    });
    out.push(b'}');
}
