//! `GET /v1/status`: how ringback is doing, as far as its caller may know.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::super::body::Asked;
use super::super::operation::{Operation, array, flag, number, object, text, time, words};
use super::{Answer, Api};
use crate::model::listing::Registry;
use crate::model::scope::Scope;
use crate::model::status::{Status, TroubleKind, merge_troubles};

/// `GET /v1/status`.
pub(super) async fn show(State(native): State<Arc<Api>>, request: Request) -> Response {
    let asked = Asked::new(request);
    let answer = native.status(&asked.caller().scope).await;
    asked.answer(answer).await
}

/// Of `GET /v1/status`.
pub(super) fn operation() -> Operation {
    let place = object([("path", text()), ("why", text())], [("pathBase64", text())]);
    let scan = object([("at", time()), ("seconds", number()), ("changes", number())], []);
    let mount = object(
        [
            ("path", text()),
            ("dir", text()),
            ("state", words(&["scanning", "watching", "degraded", "offline"])),
            ("assets", number()),
            ("directories", number()),
            ("lagMs", number()),
        ],
        [
            ("reason", text()),
            ("source", text()),
            ("sourceReason", text()),
            ("lastScan", scan),
            ("scan", object([("done", number()), ("path", text())], [("last", number())])),
            ("notes", array(place)),
            ("notesMore", number()),
        ],
    );
    let of_failing = [
        ("subject", text()),
        ("host", text()),
        ("outcome", text()),
        ("status", number()),
        ("subscriptions", number()),
        ("owed", number()),
        ("nextAttemptAt", time()),
    ];
    let trouble = object([("kind", text()), ("since", time()), ("text", text())], of_failing);
    let rules = object(
        [("generation", number()), ("subscriptions", number()), ("faults", array(text()))],
        [("registered", number()), ("events", number()), ("faultsMore", number())],
    );
    let deliveries = ["pending", "inFlight", "waiting", "dead"].map(|state| (state, number()));
    let status = object(
        [
            ("version", text()),
            ("node", text()),
            ("ready", flag()),
            ("troubles", array(trouble)),
            ("mounts", array(mount)),
            ("rules", rules),
        ],
        // Those of tenants see no sums over all of them.
        [
            ("outbox", object([("entries", number()), ("oldestSeconds", number())], [])),
            ("deliveries", object(deliveries, [])),
            ("troublesMore", number()),
            ("attemptsOverdue", number()),
            ("logLinesLost", number()),
        ],
    );
    Operation::new("How ringback is doing.").answer(200, "As far as the caller may know.", status)
}

/// What of the status a tenant's caller is not shown: it is about all tenants together.
const OF_ALL: [&str; 5] = ["outbox", "deliveries", "attemptsOverdue", "logLinesLost", "troublesMore"];

impl Api {
    async fn status(&self, scope: &Scope) -> Answer {
        let mut status = (self.state.status)();
        if scope.is_all() {
            merge_troubles(&mut status.troubles);
            return Ok(Json(status).into_response());
        }
        let mounts: HashSet<String> = self.mounts_of(scope).map(|mount| mount.path.to_string()).collect();
        let scope = scope.clone();
        let seen = self.read(move |_, registry| Ok(of_tenants(status, &mounts, &scope, registry)?));
        Ok(Json(seen.await?).into_response())
    }
}

/// What callers of some tenants see: their mounts, how many subscriptions they have, the troubles of both, and the
/// number of faults in rule files.
fn of_tenants(
    mut status: Status,
    mounts: &HashSet<String>,
    scope: &Scope,
    registry: &Registry,
) -> serde_json::Result<Value> {
    let mut subscriptions = [0, 0];
    for (_, subscription) in registry.subscriptions.iter().filter(|(_, it)| scope.covers(it.tenant.as_ref())) {
        subscriptions[usize::from(subscription.name.dialect().is_some())] += 1;
    }
    let is_their_mount = |subject: &str| mounts.contains(subject);
    status.troubles.retain(|trouble| match trouble.kind {
        TroubleKind::Mount => trouble.subject.as_deref().is_some_and(is_their_mount),
        _ => scope.covers(trouble.tenant.as_ref()),
    });
    merge_troubles(&mut status.troubles);
    status.mounts.retain(|mount| mounts.contains(&mount.path));
    let mut seen = serde_json::to_value(&status)?;
    if let Some(fields) = seen.as_object_mut() {
        fields.retain(|name, _| !OF_ALL.contains(&name.as_str()));
    }
    let (rules, [of_files, registered]) = (&status.rules, subscriptions);
    seen["rules"] = json!({
        "generation": rules.generation, "subscriptions": of_files, "faults": [], "faultsMore": rules.faults.len(),
    });
    if registered > 0 {
        seen["rules"]["registered"] = json!(registered);
    }
    Ok(seen)
}
