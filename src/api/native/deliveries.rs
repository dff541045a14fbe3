//! `/v1/deliveries`: what was sent, what is on its way, and what was given up.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Map, Value, json};

use super::super::body::Asked;
use super::super::error::ApiError;
use super::super::operation::{Operation, array, flag, number, object, text, time, words};
use super::super::reading::ReadError;
use super::query::{Fields, cursor, delivery_key, no_delivery, parse_cursor, wrong};
use super::subscriptions::named;
use super::{Answer, Api};
use crate::model::ids::NodeId;
use crate::model::listing::{
    DeliveryFilter, DeliveryPage, DeliveryState, ListedAttempt, ListedDelivery, OUTCOMES, Registry, Span,
};
use crate::model::part::{DeliveryId, DeliveryKey};
use crate::model::scope::Scope;
use crate::store::Reader;

/// The fields of a query.
const FIELDS: [&str; 10] =
    ["state", "subscription", "host", "outcome", "path", "path64", "since", "before", "limit", "cursor"];

/// `GET /v1/deliveries`.
pub(super) async fn list(State(native): State<Arc<Api>>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = native.list_deliveries(&mut asked).await;
    asked.answer(answer).await
}

/// `GET /v1/deliveries/{id}`.
pub(super) async fn show(State(native): State<Arc<Api>>, Path(id): Path<String>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = native.show_delivery(&mut asked, id).await;
    asked.answer(answer).await
}

/// `GET /v1/deliveries/{id}/body`.
pub(super) async fn body(State(native): State<Arc<Api>>, Path(id): Path<String>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = native.delivery_body(&mut asked, id).await;
    asked.answer(answer).await
}

/// The words for states.
pub(super) const STATES: [&str; 6] = ["pending", "in-flight", "waiting", "delivered", "dead", "dropped"];

/// Of `GET /v1/deliveries`.
pub(super) fn list_operation() -> Operation {
    Operation::new("What is on its way, was given up, accepted or dropped, the newest first.")
        .query("state", words(&STATES), "Where it is.")
        .query("subscription", text(), "Of the subscription of this name.")
        .query("host", text(), "To this host: `name:port`, or a name.")
        .query("outcome", words(&OUTCOMES), "Of its last attempt.")
        .query("path", text(), "It told a change at this path, or below.")
        .query("path64", text(), "A path that is not UTF-8, in base64.")
        .query("since", text(), "A time, or a place in the journal.")
        .query("before", text(), "A time, or a place in the journal.")
        .page()
        .answer(200, "A page.", object([("deliveries", array(delivery_schema(number())))], [("next", text())]))
}

/// Of `GET /v1/deliveries/{id}`.
pub(super) fn show_operation() -> Operation {
    let mut delivery = delivery_schema(array(attempt_schema()));
    delivery["properties"]["seqs"] = array(number());
    Operation::new("One delivery, with all attempts.")
        .answer(200, "The delivery.", delivery)
        .refusal(404, "There is no such delivery, or it is kept no longer.")
}

/// Of `GET /v1/deliveries/{id}/body`.
pub(super) fn body_operation() -> Operation {
    Operation::new("The frozen bytes of a delivery.")
        .answer_of(200, "Its body.", "application/octet-stream", json!({}))
        .refusal(404, "There is no such delivery, or it was accepted.")
}

/// The schema of a delivery. `attempts`: how many, or which.
pub(super) fn delivery_schema(attempts: Value) -> Value {
    object(
        [
            ("id", text()),
            ("state", words(&STATES)),
            ("entries", number()),
            ("createdAt", time()),
            ("attempts", attempts),
        ],
        [
            ("subscription", text()),
            ("host", text()),
            ("firstSeq", number()),
            ("lastSeq", number()),
            ("endedAt", time()),
            ("nextAttemptAt", time()),
            ("outcome", words(&OUTCOMES)),
            ("status", number()),
            ("durationMs", number()),
            ("last", attempt_schema()),
            ("replay", flag()),
            ("by", text()),
            ("reason", text()),
        ],
    )
}

pub(super) fn attempt_schema() -> Value {
    object(
        [("number", number()), ("at", time()), ("durationMs", number()), ("outcome", words(&OUTCOMES))],
        [("phase", text()), ("status", number()), ("answer", text())],
    )
}

impl Api {
    async fn list_deliveries(&self, asked: &mut Asked) -> Answer {
        let fields = Fields::of_query(asked.parts.uri.query(), &FIELDS)?;
        let limit = fields.limit()?;
        let after = match fields.text("cursor")? {
            Some(text) => Some(parse_cursor(text).ok_or_else(|| wrong("`cursor` is not a `next`".to_owned()))?),
            None => None,
        };
        let mut filter = DeliveryFilter {
            scope: asked.caller().scope.clone(),
            state: fields.word("state", DeliveryState::parse, &STATES)?,
            subscriptions: None,
            outcome: fields.outcome()?,
            path: fields.path()?,
            changes: None,
            span: Span { since: fields.point("since")?, before: fields.point("before")? },
        };
        let (name, host) = (fields.text("subscription")?.map(str::to_owned), fields.text("host")?.map(str::to_owned));
        let (page, registry, node) = self
            .read(move |reader, registry| {
                if let Some(host) = host {
                    filter.subscriptions = Some(registry.at_host(&host));
                }
                if let Some(name) = name {
                    let named: BTreeSet<_> = named(reader, registry, &filter.scope, &name)?.into_iter().collect();
                    filter.subscriptions = Some(match &filter.subscriptions {
                        Some(there) => &named & there,
                        None => named,
                    });
                }
                let page = match &filter.subscriptions {
                    Some(none) if none.is_empty() => DeliveryPage::default(),
                    _ => reader.deliveries(&filter, after, limit, registry)?,
                };
                Ok((page, registry.clone(), reader.node()))
            })
            .await?;
        let rows: Vec<_> = page.deliveries.iter().map(|row| Value::Object(shown(row, node, &registry))).collect();
        let mut answer = json!({"deliveries": rows});
        if let Some(next) = page.next {
            answer["next"] = json!(cursor(next));
        }
        Ok(Json(answer).into_response())
    }

    async fn show_delivery(&self, asked: &mut Asked, id: String) -> Answer {
        let key = delivery_key(&id, self.state.reader.node())?;
        let scope = asked.caller().scope.clone();
        let (found, registry, node) = self
            .read(move |reader, registry| {
                let found = reader.delivery(key, registry)?;
                let found = found.filter(|(delivery, _)| registry.is_within(&scope, delivery.subscription));
                Ok((found, registry.clone(), reader.node()))
            })
            .await?;
        let Some((delivery, attempts)) = found else { return Err(no_delivery(&id)) };
        let mut answer = shown(&delivery, node, &registry);
        answer.insert("attempts".to_owned(), attempts.iter().map(attempt).collect());
        answer.insert("seqs".to_owned(), delivery.seqs.iter().map(|seq| seq.0).collect());
        Ok(Json(Value::Object(answer)).into_response())
    }

    async fn delivery_body(&self, asked: &mut Asked, id: String) -> Answer {
        let key = delivery_key(&id, self.state.reader.node())?;
        let scope = asked.caller().scope.clone();
        let body = self.read(move |reader, registry| match is_seen(reader, registry, &scope, key)? {
            true => Ok(reader.body(key)?),
            false => Ok(None),
        });
        let body = body.await?;
        let gone =
            || ApiError::new(StatusCode::NOT_FOUND, "there is no body: it is kept until the delivery is accepted");
        let body = body.ok_or_else(gone)?;
        // Whatever it is, no browser is to make anything of it.
        let headers = [(header::CONTENT_TYPE, "application/octet-stream"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
        Ok((headers, body.bytes).into_response())
    }
}

/// Returns whether a scope covers a delivery. One that is not there is left to whoever looks for it.
pub(super) fn is_seen(
    reader: &Reader,
    registry: &Registry,
    scope: &Scope,
    key: DeliveryKey,
) -> Result<bool, ReadError> {
    if scope.is_all() {
        return Ok(true);
    }
    let found = reader.delivery(key, registry)?;
    Ok(found.is_some_and(|(delivery, _)| registry.is_within(scope, delivery.subscription)))
}

/// A row of the list.
pub(super) fn shown(row: &ListedDelivery, node: NodeId, registry: &Registry) -> Map<String, Value> {
    let mut out = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            out.insert(name.to_owned(), value);
        }
    };
    let target = registry.subscriptions.get(row.subscription);
    put("id", json!(DeliveryId { node, key: row.key }.to_string()));
    put("subscription", json!(row.name));
    put("host", json!(target.map(|subscription| subscription.target.authority())));
    put("state", json!(row.state.as_str()));
    put("entries", json!(row.entries));
    put("firstSeq", json!(row.seqs.first().map(|seq| seq.0)));
    put("lastSeq", json!(row.seqs.last().map(|seq| seq.0)));
    put("createdAt", json!(row.created.to_string()));
    put("endedAt", json!(row.ended.map(|at| at.to_string())));
    put("nextAttemptAt", json!(row.next_attempt.map(|at| at.to_string())));
    if row.state == DeliveryState::Delivered {
        put("outcome", json!("succeeded"));
        put("status", json!(row.status));
        put("durationMs", json!(row.duration_ms));
    } else if let Some(last) = &row.last {
        put("outcome", json!(last.outcome));
        put("status", json!(last.status));
        put("durationMs", json!(last.duration_ms));
    }
    put("attempts", json!(row.attempts));
    put("last", row.last.as_ref().map_or(Value::Null, attempt));
    if row.is_replay {
        put("replay", json!(true));
    }
    put("by", json!(row.by));
    put("reason", json!(row.reason));
    out
}

/// An attempt.
pub(super) fn attempt(attempt: &ListedAttempt) -> Value {
    let ListedAttempt { number, at, duration_ms, outcome, phase, status, answer } = attempt;
    let mut out = json!({"number": number, "at": at.to_string(), "durationMs": duration_ms, "outcome": outcome});
    if let Some(phase) = phase {
        out["phase"] = json!(phase);
    }
    if let Some(status) = status {
        out["status"] = json!(status);
    }
    if !answer.is_empty() {
        out["answer"] = json!(answer);
    }
    out
}
