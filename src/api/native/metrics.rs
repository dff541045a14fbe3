//! `GET /metrics`: numbers for Prometheus. What is counted since the start, and what the status says in numbers. No
//! label takes a value from outside the configuration and this file, so the number of series has a bound.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};

use super::super::body::Asked;
use super::super::operation::{Operation, text};
use super::Api;
use super::exposition::{CONTENT_TYPE, Exposition, Kind, seconds};
use crate::model::change::Action;
use crate::model::listing::OUTCOMES;
use crate::model::measures::Measures;
use crate::model::scope::Scope;
use crate::model::status::{MountState, MountStatus, Status};

/// Each state of a mount, with its name.
const MOUNT_STATES: [(MountState, &str); 4] = [
    (MountState::Scanning, "scanning"),
    (MountState::Watching, "watching"),
    (MountState::Degraded, "degraded"),
    (MountState::Offline, "offline"),
];

/// `GET /metrics`.
pub(super) async fn show(State(native): State<Arc<Api>>, request: Request) -> Response {
    let asked = Asked::new(request);
    let text = native.metrics(&asked.caller().scope);
    asked.answer(Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response())).await
}

/// Of `GET /metrics`.
pub(super) fn operation() -> Operation {
    let help = "The Prometheus text format, 0.0.4.";
    Operation::new("Numbers for Prometheus.").answer_of(200, help, "text/plain", text())
}

/// What the HTTP edge itself counts.
struct EdgeCounts {
    wrong_credentials: u64,
    /// Limits by name, with how often each turned somebody away.
    limits: [(&'static str, u64); 3],
}

impl Api {
    fn metrics(&self, scope: &Scope) -> String {
        let mut status = (self.state.status)();
        let mut text = Exposition::default();
        if scope.is_all() {
            let measures = (self.state.measures)();
            journal(&mut text, &measures);
            deliveries(&mut text, &status, &measures);
            ringback_itself(&mut text, &status, &measures, &self.edge_counts());
        } else {
            // The sums are over all tenants: as in the status, a caller of some sees none of them.
            status.mounts.retain(|mount| self.mounts_of(scope).any(|one| one.path.to_string() == mount.path));
        }
        mounts(&mut text, &status.mounts);
        rules(&mut text, &status);
        text.finish()
    }

    fn edge_counts(&self) -> EdgeCounts {
        let (wrong_credentials, refused) = self.state.principals.wrong_credentials();
        let calls = self.calls_refused.load(Ordering::Relaxed);
        let limits = [("calls", calls), ("streams", self.streams.refused()), ("wrong-credentials", refused)];
        EdgeCounts { wrong_credentials, limits }
    }
}

fn journal(text: &mut Exposition, measures: &Measures) {
    let journaled = &measures.journaled;
    let mut changes = text.family(Kind::Counter, "changes_total", "Changes that were recorded, by action.");
    for (action, count) in Action::ALL.iter().zip(journaled.changes) {
        changes.sample(&[("action", action.as_str())], count);
    }
    text.one(Kind::Counter, "events_total", "Events that were recorded.", journaled.events);
}

fn deliveries(text: &mut Exposition, status: &Status, measures: &Measures) {
    let counts = &measures.dispatched;
    let help = "Deliveries that ended: accepted, given up, or dropped by a caller.";
    let mut ended = text.family(Kind::Counter, "deliveries_total", help);
    for (outcome, count) in [("delivered", counts.delivered), ("dead", counts.dead), ("dropped", counts.dropped)] {
        ended.sample(&[("outcome", outcome)], count);
    }
    let mut attempts = text.family(Kind::Counter, "attempts_total", "Attempts whose outcome was recorded.");
    for (outcome, count) in OUTCOMES.iter().zip(counts.attempts) {
        attempts.sample(&[("outcome", outcome)], count);
    }
    let help = "Entries of the deliveries that were accepted.";
    text.one(Kind::Counter, "entries_delivered_total", help, counts.entries);
    let help = "From when the oldest change of a delivery was recorded until it was accepted. Without replays.";
    text.histogram("delivery_seconds", help, &counts.delivery);
    text.histogram("attempt_seconds", "How long attempts took.", &counts.attempt);
    text.one(Kind::Gauge, "outbox_entries", "Entries that are owed and in no delivery yet.", status.outbox.entries);
    let help = "The age of the oldest of them.";
    text.one(Kind::Gauge, "outbox_oldest_seconds", help, status.outbox.oldest_seconds);
    text.one(Kind::Gauge, "dead_letters", "Deliveries that were given up and are kept.", status.deliveries.dead);
    if let Some(subscriptions) = &measures.subscriptions {
        let mut by_state = text.family(Kind::Gauge, "subscriptions", "Subscriptions of the rules in force, by state.");
        for (state, count) in [
            ("active", subscriptions.active),
            ("lagged", subscriptions.lagged),
            ("paused", subscriptions.paused),
            ("cancelled", subscriptions.cancelled),
        ] {
            by_state.sample(&[("state", state)], count);
        }
    }
    let help = "Entries that were dropped because a subscription was owed too many or too old ones.";
    text.one(Kind::Counter, "lagged_total", help, counts.lagged);
}

fn ringback_itself(text: &mut Exposition, status: &Status, measures: &Measures, edge: &EdgeCounts) {
    let help = "Rule files that were read again and taken up, or refused for their faults.";
    let mut reloads = text.family(Kind::Counter, "rule_reloads_total", help);
    for (result, count) in [("taken-up", measures.reloads.taken_up), ("refused", measures.reloads.refused)] {
        reloads.sample(&[("result", result)], count);
    }
    text.one(Kind::Gauge, "wal_bytes", "The length of the ledger's write-ahead log.", measures.log_bytes);
    let help = "Log lines that could not be written.";
    text.one(Kind::Counter, "log_lines_lost_total", help, status.log_lines_lost);
    let help = "Requests with unknown credentials.";
    text.one(Kind::Counter, "wrong_credentials_total", help, edge.wrong_credentials);
    let help = "How often a limit turned a caller away, or had entries dropped (owed).";
    let mut limits = text.family(Kind::Counter, "limit_reached_total", help);
    for (limit, count) in edge.limits.into_iter().chain([("owed", measures.dispatched.owed_reached)]) {
        limits.sample(&[("limit", limit)], count);
    }
}

fn mounts(text: &mut Exposition, mounts: &[MountStatus]) {
    let mut states = text.family(Kind::Gauge, "mount_state", "1 for the state that a mount is in, 0 for the others.");
    for mount in mounts {
        for (state, name) in MOUNT_STATES {
            states.sample(&[("mount", &mount.path), ("state", name)], u8::from(mount.state == state));
        }
    }
    let mut assets = text.family(Kind::Gauge, "mount_assets", "Assets in the catalog.");
    mounts.iter().for_each(|mount| assets.sample(&[("mount", &mount.path)], mount.assets));
    let help = "The age of the oldest hint that is not yet looked at.";
    let mut lags = text.family(Kind::Gauge, "mount_lag_seconds", help);
    mounts.iter().for_each(|mount| lags.sample(&[("mount", &mount.path)], seconds(mount.lag_ms)));
    let help = "Directories that are scanned each poll_interval because they cannot be watched.";
    let mut unwatched = text.family(Kind::Gauge, "unwatched_directories", help);
    mounts.iter().for_each(|mount| unwatched.sample(&[("mount", &mount.path)], mount.unwatched));
}

fn rules(text: &mut Exposition, status: &Status) {
    let help = "How many rule sets were put in force since the start.";
    text.one(Kind::Gauge, "rules_generation", help, status.rules.generation);
    let help = "Faults in the rule files as they are now.";
    text.one(Kind::Gauge, "rule_faults", help, status.rules.faults.len() as u64);
}
