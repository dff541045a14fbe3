//! The payload of the `zoom` text: `success`, `data.entry`, `id`, compact. No trailing empty entry, which that text's
//! example shows and its receivers do not need.

use super::json;
use crate::model::subscription::Name;

/// What opens a body.
pub(super) const HEAD: &[u8] = br#"{"success":true,"data":{"entry":["#;

/// What closes the body of the subscription `name`.
pub(super) fn tail(name: &Name) -> Vec<u8> {
    let mut tail = Vec::from(b"]},\"id\":");
    json::text(&mut tail, name.as_str());
    tail.push(b'}');
    tail
}
