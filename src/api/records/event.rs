//! One record that reports an event: its JSON against the rules of events. Every fault is noted, none ends the check.
//! Whether the event is one that may be reported is the engine's business: it knows the rules.

use std::collections::BTreeSet;

use super::super::error::quoted;
use super::super::limits::{DISPLAY_NAME_CHARS_MAX, ENTITY_BYTES_MAX};
use super::check::{At, cut, unknown_field};
use super::shape::Shape;
use crate::model::event::{EventFields, EventName};
use crate::model::record::Report;
use crate::model::scope::Scope;
use crate::model::tenant::Tenant;

/// The fields of a reported event.
pub(super) const FIELDS: [&str; 4] = ["event", "tenant", "entity", "displayName"];

/// The event, unless a fault was noted. `scope`: whose events the caller may report.
pub(super) fn report(fields: Vec<(String, Shape)>, scope: &Scope, faults: &mut At<'_>) -> Option<Report> {
    let before = faults.faults.count;
    let (mut event, mut tenant, mut entity, mut display_name) = (None, None, None, None);
    let mut seen = BTreeSet::new();
    for (field, value) in fields {
        let Some(known) = FIELDS.into_iter().find(|&known| known == field) else {
            faults.note(
                Some(cut(&field)),
                unknown_field(&field, "this field is of metadata, and a reported event has none"),
            );
            continue;
        };
        if !seen.insert(known) {
            faults.note(Some(known.to_owned()), "this field is given twice".to_owned());
            continue;
        }
        let read = match known {
            "event" => text(value).and_then(|name| {
                event = Some(EventName::parse(&name).map_err(|error| error.to_string())?);
                Ok(())
            }),
            "tenant" => text(value).and_then(|name| {
                tenant = Some(Tenant::parse(&name).map_err(|error| error.to_string())?);
                Ok(())
            }),
            "entity" => payload(&value).map(|json| entity = Some(json)),
            _ => text(value).and_then(|name| {
                if name.chars().count() > DISPLAY_NAME_CHARS_MAX {
                    return Err(format!("a display name has at most {DISPLAY_NAME_CHARS_MAX} characters"));
                }
                display_name = Some(name);
                Ok(())
            }),
        };
        if let Err(detail) = read {
            faults.note(Some(known.to_owned()), detail);
        }
    }
    if !seen.contains("entity") {
        let detail = "an event has an `entity`, an object: its payload; it may be {}".to_owned();
        faults.note(Some("entity".to_owned()), detail);
    }
    if faults.faults.count == before && !scope.covers(tenant.as_ref()) {
        let detail = match tenant {
            None => "an event without a tenant is for super-administrators to report; name one of your tenants",
            Some(_) => "this is none of your tenants",
        };
        faults.note(Some("tenant".to_owned()), detail.to_owned());
    }
    if faults.faults.count > before {
        return None;
    }
    let (event, entity) = (event?, EventFields::of_object(entity?));
    Some(Report { event, tenant, entity, display_name })
}

fn text(value: Shape) -> Result<String, String> {
    match value {
        Shape::Text(text) => Ok(text),
        other => Err(format!("must be a string, not {}", other.kind())),
    }
}

/// A payload, written compactly.
fn payload(value: &Shape) -> Result<String, String> {
    if !matches!(value, Shape::Object(_)) {
        return Err(format!("must be an object, not {}", value.kind()));
    }
    let mut json = String::new();
    write(value, &mut json)?;
    match json.len() > ENTITY_BYTES_MAX {
        true => Err(format!("an entity has at most {ENTITY_BYTES_MAX} bytes, written compactly")),
        false => Ok(json),
    }
}

/// As deep as the reader lets it be, which is less than 128.
fn write(value: &Shape, out: &mut String) -> Result<(), String> {
    match value {
        Shape::Null => out.push_str("null"),
        Shape::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Shape::Number(digits) => out.push_str(digits),
        Shape::Text(text) => out.push_str(&serde_json::Value::from(text.as_str()).to_string()),
        Shape::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(item, out)?;
            }
            out.push(']');
        }
        Shape::Object(entries) => {
            let mut keys = BTreeSet::new();
            out.push('{');
            for (at, (key, item)) in entries.iter().enumerate() {
                if !keys.insert(key) {
                    return Err(format!("the key {} is given twice", quoted(key)));
                }
                if at > 0 {
                    out.push(',');
                }
                out.push_str(&serde_json::Value::from(key.as_str()).to_string());
                out.push(':');
                write(item, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}
