//! The payload of the `zoom` text: `success`, `data.entry`, `id`, compact. No trailing empty entry, which that text's
//! example shows and its receivers do not need.

use super::json;
use crate::model::lane::Skipped;
use crate::model::subscription::Name;

/// What opens a body.
pub(super) const HEAD: &[u8] = br#"{"success":true,"data":{"entry":["#;

/// What closes the body of the subscription `name`.
pub(super) fn tail(name: &Name) -> Vec<u8> {
    let mut tail = Vec::from(b"]},\"id\":");
    json::text(&mut tail, name.id());
    tail.push(b'}');
    tail
}

/// A body without entries that says how many were dropped.
pub(super) fn lagged(name: &Name, skipped: Skipped) -> Vec<u8> {
    let mut body = Vec::from(br#"{"success":false,"data":{"entry":[]},"error":"#);
    json::text(&mut body, &format!("lagged: {} entries skipped", skipped.entries));
    body.extend_from_slice(b",\"id\":");
    json::text(&mut body, name.id());
    body.push(b'}');
    body
}
