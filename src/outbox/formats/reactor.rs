//! The audit event of the `reactor` text, a document of JSON:API 1.1. Its payload is a text in `entity`, as the text's
//! own events have it.

use serde_json::{Value, json};

use super::envelope::Enveloped;
use super::json;
use crate::model::event::Origin;
use crate::model::tenant::Tenant;
use crate::model::tenant_ids::TenantIds;

/// Writes an entry as an audit event. Links are relative: nothing here knows by which name the API is reached.
pub(super) fn write(out: &mut Vec<u8>, it: &Enveloped<'_>) {
    let (payload, time) = (it.payload(), it.time());
    let (id, event) = (format!("AE{}", it.digits()), it.event());
    let (change, occurrence) = (it.object.entry.about(), it.occurrence());
    let by = match (occurrence.map(|event| event.origin), change) {
        (Some(Origin::Store), _) => "asset store",
        (_, Some(change)) => change.owner.as_str(),
        (_, None) => "ringback",
    };
    let tenant = it.subscription.tenant.as_ref().or(occurrence.and_then(|event| event.tenant.as_ref()));
    let derived = || tenant.map(|tenant| TenantIds::derived(tenant.clone()).property);
    let property = it.subscription.belongs_to.as_deref().map(str::to_owned).or_else(derived);
    let display_name = match (occurrence.and_then(|event| event.display_name.as_deref()), change) {
        (Some(name), _) => name.to_owned(),
        (None, Some(change)) => change.path.display().rsplit('/').next().unwrap_or_default().to_owned(),
        (None, None) => event.to_owned(),
    };
    let entity = change
        .map_or_else(|| reported_entity(&payload), |change| json!({"id": change.asset.to_string(), "type": "assets"}));
    let text = |out: &mut Vec<u8>, before: &str, value: &str| {
        out.extend_from_slice(before.as_bytes());
        json::text(out, value);
    };
    text(out, r#"{"data":{"id":"#, &id);
    out.extend_from_slice(br#","type":"audit_events","attributes":{"#);
    text(out, r#""attributed_to_display_name":"#, by);
    text(out, r#","attributed_to_email":"#, "");
    text(out, r#","created_at":"#, &time.to_string());
    text(out, r#","display_name":"#, &display_name);
    text(out, r#","type_of":"#, event);
    text(out, r#","updated_at":"#, &time.to_string());
    text(out, r#","entity":"#, &String::from_utf8_lossy(&payload));
    out.extend_from_slice(br#"},"relationships":{"property":{"#);
    let links = property.as_ref().map(|property| format!("/properties/{property}"));
    if let Some(link) = &links {
        text(out, r#""links":{"related":"#, link);
        out.extend_from_slice(b"},");
    }
    let property = property.map(|property| json!({"id": property, "type": "properties"}));
    let relation = json!({"data": property}).to_string();
    out.extend_from_slice(&relation.as_bytes()[1..relation.len() - 1]);
    out.extend_from_slice(br#"},"entity":{"data":"#);
    out.extend_from_slice(entity.to_string().as_bytes());
    out.extend_from_slice(br#"}},"links":{"#);
    if let Some(link) = &links {
        text(out, r#""property":"#, link);
        out.push(b',');
    }
    text(out, r#""self":"#, &format!("/audit_events/{id}"));
    text(out, r#"},"meta":{"property_name":"#, tenant.map_or("", Tenant::as_str));
    out.extend_from_slice(b"}}}");
}

/// What a reported entity says that it is: `id` and `type`, of its own or of its `data`.
fn reported_entity(payload: &[u8]) -> Value {
    let entity: Value = serde_json::from_slice(payload).unwrap_or_default();
    let named = |value: &Value| match (value["id"].as_str(), value["type"].as_str()) {
        (Some(id), Some(r#type)) => Some(json!({"id": id, "type": r#type})),
        _ => None,
    };
    named(&entity["data"]).or_else(|| named(&entity)).unwrap_or_default()
}
