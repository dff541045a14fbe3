//! The notification of the `hal` text: the link of the subscription, its UUID, and the payload in `data`.

use super::envelope::Enveloped;
use super::json;
use crate::model::dialects::DialectSettings;

/// Writes an entry.
pub(super) fn write(out: &mut Vec<u8>, it: &Enveloped<'_>) {
    let id = it.subscription.name.id();
    let collection = it.subscription.belongs_to.as_deref().unwrap_or(DialectSettings::ASSETS);
    out.extend_from_slice(br#"{"_links":{"self":{"href":"#);
    json::text(out, &format!("/{collection}/tasks/{id}"));
    out.extend_from_slice(br#"}},"UUID":"#);
    json::text(out, id);
    out.extend_from_slice(br#","data":"#);
    out.extend_from_slice(&it.payload());
    out.push(b'}');
}
