//! Rows of the journal: which are wanted, and as JSON.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::api::operation::{array, number, object, text, time, words};
use crate::api::{Cover, MountTable};
use crate::model::change::Action;
use crate::model::ids::Seq;
use crate::model::listing::JournalRow;
use crate::model::metadata::Source;
use crate::model::normal::nfc_names;
use crate::model::path::LogicalPath;
use crate::model::scope::Scope;

/// Which rows somebody wants, and may see.
pub(super) struct Wanted {
    /// Paths.
    pub(super) cover: Option<Cover>,
    /// What happened.
    pub(super) action: Option<Action>,
    /// The mount that an asset lies in.
    pub(super) mount: Option<LogicalPath>,
    /// An event's name.
    pub(super) event: Option<String>,
    /// Whose.
    pub(super) scope: Scope,
    /// Whose each mount is.
    pub(super) mounts: Arc<MountTable>,
}

impl Wanted {
    /// Whether it covers a row.
    pub(super) fn covers(&self, row: &JournalRow) -> bool {
        let only_changes = self.cover.is_some() || self.action.is_some() || self.mount.is_some();
        match row {
            JournalRow::Event(event) => {
                !only_changes
                    && self.scope.covers(event.tenant.as_ref())
                    && self.event.as_ref().is_none_or(|name| *name == event.name)
            }
            JournalRow::Change(entry) => {
                // What lies in no mount any more is of no tenant.
                let mount = self.mounts.of(&entry.path);
                self.event.is_none()
                    && self.scope.covers(mount.and_then(|mount| mount.tenant.as_ref()))
                    && self.action.is_none_or(|action| action == entry.action)
                    && self.mount.as_ref().is_none_or(|path| mount.is_some_and(|mount| mount.path == *path))
                    && self.cover.as_ref().is_none_or(|cover| cover(&nfc_names(entry.path.as_bytes())))
            }
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ChangeRow<'r> {
    seq: i64,
    rrn: i64,
    time: String,
    asset_id: i64,
    path: Cow<'r, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_base64: Option<String>,
    action: &'static str,
    owner: &'r str,
    changed: BTreeMap<&'r str, ChangedKey<'r>>,
}

#[derive(Serialize)]
struct ChangedKey<'r> {
    old: &'r [String],
    new: &'r [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EventRow<'r> {
    seq: i64,
    rrn: i64,
    time: String,
    event: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asset_id: Option<i64>,
    fields: &'r RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<&'r str>,
}

/// The schema of a row: of a change, or of an event.
pub(super) fn row_schema() -> Value {
    let key = object([("old", array(text())), ("new", array(text()))], [("source", text())]);
    let place = [("seq", number()), ("rrn", number()), ("time", time())];
    let [seq, rrn, at] = place.clone();
    let change = object(
        [
            seq,
            rrn,
            at,
            ("assetId", number()),
            ("path", text()),
            ("action", words(&Action::ALL.map(Action::as_str))),
            ("owner", text()),
            ("changed", json!({"type": "object", "additionalProperties": key})),
        ],
        [("pathBase64", text())],
    );
    let [seq, rrn, at] = place;
    // What is damaged in the ledger is shown as null.
    let fields = json!({"type": ["object", "null"]});
    let maybe = [("tenant", text()), ("assetId", number()), ("displayName", text())];
    let event = object([seq, rrn, at, ("event", text()), ("fields", fields)], maybe);
    json!({"oneOf": [change, event]})
}

/// A row as a JSON object, in one line.
pub(super) fn rendered(row: &JournalRow) -> Bytes {
    let json = match row {
        JournalRow::Change(entry) => serde_json::to_vec(&ChangeRow {
            seq: entry.seq.0,
            rrn: entry.rrn.0,
            time: entry.time.to_string(),
            asset_id: entry.asset.0,
            path: entry.path.display(),
            path_base64: entry.path.base64(),
            action: entry.action.as_str(),
            owner: &entry.owner,
            changed: entry
                .delta
                .iter()
                .map(|key| {
                    let source = key.source.map(Source::name);
                    (key.key.as_str(), ChangedKey { old: &key.old, new: &key.new, source })
                })
                .collect(),
        }),
        JournalRow::Event(event) => serde_json::to_vec(&EventRow {
            seq: event.seq.0,
            rrn: event.rrn.0,
            time: event.time.to_string(),
            event: &event.name,
            tenant: event.tenant.as_ref().map(crate::model::tenant::Tenant::as_str),
            asset_id: event.asset.map(|asset| asset.0),
            // The ledger wrote it; what is damaged is shown as nothing.
            fields: serde_json::from_str(&event.fields).unwrap_or(RawValue::NULL),
            display_name: event.display_name.as_deref(),
        }),
    };
    json.expect("texts and numbers are JSON").into()
}

/// A page: `{"changes": [...], "next": PLACE}`.
pub(super) fn page_of(rows: &[Bytes], next: Seq) -> Response {
    let mut body = b"{\"changes\":[".to_vec();
    for (at, row) in rows.iter().enumerate() {
        if at > 0 {
            body.push(b',');
        }
        body.extend_from_slice(row);
    }
    body.extend_from_slice(format!("],\"next\":{next}}}").as_bytes());
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}
