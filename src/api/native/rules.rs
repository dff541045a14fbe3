//! `GET /v1/rules`: the rules in force, where each is, when it last fired, and what is wrong with their files.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::super::body::Asked;
use super::super::operation::{Operation, array, number, object, text, time, words};
use super::problem::diagnostic;
use super::query::{Fields, wrong};
use super::subscriptions::state_of;
use super::{Answer, Api};
use crate::model::ask::Held;
use crate::model::listing::{Fired, ListedSubscription};
use crate::model::rule_list::{ListedRule, RuleKind, RulePage, RulePlace, RulesAsked};

/// The fields of a query.
const FIELDS: [&str; 2] = ["limit", "cursor"];

/// `GET /v1/rules`.
pub(super) async fn list(State(native): State<Arc<Api>>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = native.list_rules(&mut asked).await;
    asked.answer(answer).await
}

/// Of `GET /v1/rules`.
pub(super) fn operation() -> Operation {
    let rule = object(
        [
            ("name", text()),
            ("file", text()),
            ("line", number()),
            ("kind", words(&["subscription", "event"])),
            ("owed", number()),
            ("state", words(&Held::ALL.map(Held::as_str))),
            ("warnings", array(text())),
        ],
        [("tenant", text()), ("lastFired", object([("seq", number()), ("time", time())], []))],
    );
    let page = object(
        [
            ("generation", number()),
            ("rules", array(rule)),
            ("faults", array(diagnostic())),
            ("onDisk", words(&["same", "faulty", "changed"])),
        ],
        [("since", time()), ("rulesMore", number()), ("faultsMore", number()), ("next", text())],
    );
    Operation::new("The rules in force, and what is wrong with their files.").page().answer(200, "A page.", page)
}

impl Api {
    async fn list_rules(&self, asked: &mut Asked) -> Answer {
        let fields = Fields::of_query(asked.parts.uri.query(), &FIELDS)?;
        let limit = fields.limit()?;
        let after = fields
            .text("cursor")?
            .map(|text| RulePlace::parse(text).ok_or_else(|| wrong("`cursor` is not a `next`".to_owned())));
        let (scope, after) = (asked.caller().scope.clone(), after.transpose()?);
        let is_all = scope.is_all();
        let (rules, generation) = (Arc::clone(&self.state.rules), (self.state.status)().rules.generation);
        let page = self.read(move |reader, _| {
            let page = rules(&RulesAsked { scope, after, limit });
            let of = |kind: RuleKind| {
                let rules = page.rules.iter().filter(move |rule| rule.place.kind == kind);
                rules.map(|rule| rule.name.clone()).collect::<Vec<_>>()
            };
            let (subscriptions, events) = (of(RuleKind::Subscription), of(RuleKind::Event));
            let mut states = Vec::with_capacity(subscriptions.len());
            // A question each hundred, so that none holds the ledger for long.
            for names in subscriptions.chunks(100) {
                states.extend(reader.rules_fired(names)?);
            }
            let happened = if events.is_empty() { Default::default() } else { reader.events_happened(&events)? };
            let mut states = states.into_iter();
            let shown = |rule: &ListedRule| match rule.place.kind {
                RuleKind::Subscription => shown(rule, states.next().flatten()),
                RuleKind::Event => shown_event(rule, happened.get(&rule.name).copied()),
            };
            let rows: Vec<Value> = page.rules.iter().map(shown).collect();
            Ok((page, rows))
        });
        let (page, rows) = page.await?;
        Ok(Json(answer(generation, &page, rows, is_all)).into_response())
    }
}

fn answer(generation: u64, page: &RulePage, rows: Vec<Value>, is_all: bool) -> Value {
    let mut out = json!({
        "generation": generation, "rules": rows, "faults": *page.faults, "onDisk": page.on_disk.as_str(),
    });
    if let Some(since) = page.since {
        out["since"] = json!(since.to_string());
    }
    // Callers of some tenants see how many there are.
    if !is_all {
        out["rulesMore"] = json!(page.count);
    }
    if page.faults_count > page.faults.len() {
        out["faultsMore"] = json!(page.faults_count - page.faults.len());
    }
    if let Some(next) = &page.next {
        out["next"] = json!(next.cursor());
    }
    out
}

fn shown(rule: &ListedRule, state: Option<(ListedSubscription, Option<Fired>)>) -> Value {
    let (row, fired) = state.map_or((None, None), |(row, fired)| (Some(row), fired));
    let owed = row.as_ref().map_or(0, |row| row.owed);
    let by_file = if rule.is_paused { Held::Paused } else { Held::Active };
    let state = row.as_ref().map_or(by_file, |row| state_of(row, rule.is_paused)).as_str();
    with_place(rule, json!({"owed": owed, "state": state}), fired)
}

fn shown_event(rule: &ListedRule, happened: Option<Fired>) -> Value {
    with_place(rule, json!({"owed": 0, "state": "active"}), happened)
}

fn with_place(rule: &ListedRule, mut out: Value, fired: Option<Fired>) -> Value {
    let ListedRule { name, place, tenant, warnings, .. } = rule;
    out["name"] = json!(name);
    out["file"] = json!(place.file);
    out["line"] = json!(place.line);
    out["kind"] = json!(place.kind.as_str());
    out["warnings"] = json!(warnings);
    if let Some(tenant) = tenant {
        out["tenant"] = json!(tenant.to_string());
    }
    if let Some(Fired { seq, time }) = fired {
        out["lastFired"] = json!({"seq": seq.0, "time": time.to_string()});
    }
    out
}
