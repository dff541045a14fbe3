//! `/v1/subscriptions`: who is notified of what, what keeps it from them, and pausing.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::super::body::Asked;
use super::super::error::{ApiError, quoted};
use super::super::gate::{Caller, Did};
use super::super::limits::{SELECTION_BYTES_MAX, SUBSCRIPTIONS_WALK_MAX};
use super::super::operation::{Operation, array, closed, flag, number, object, text, time, words};
use super::super::reading::ReadError;
use super::query::{Fields, no_subscription, wrong};
use super::{Answer, Api};
use crate::model;
use crate::model::ask::{Ask, Held};
use crate::model::event::Dialect;
use crate::model::ids::SubscriptionId;
use crate::model::listing::{ListedSubscription, Registry, is_at};
use crate::model::scope::Scope;
use crate::model::subscription::Subscription;
use crate::model::time::Wall;
use crate::store::Reader;

/// The fields of a query.
const FIELDS: [&str; 7] = ["state", "tenant", "origin", "host", "name", "limit", "cursor"];
/// Where a subscription may come from: a rule file, or the dialect in which a program has registered it.
const ORIGINS: [&str; 6] = ["rule-file", "zoom", "reactor", "eqp", "hal", "compendium"];

/// `GET /v1/subscriptions`.
pub(super) async fn list(State(native): State<Arc<Api>>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = native.list_subscriptions(&mut asked).await;
    asked.answer(answer).await
}

/// The path of one subscription.
pub(in crate::api) const ONE: &str = "/v1/subscriptions/{id}";
/// Paths that are something else by another method, and by `GET` the subscription of that name.
pub(in crate::api) const ONE_ALL_THE_SAME: [&str; 2] = ["/v1/subscriptions/pause", "/v1/subscriptions/resume"];

/// `GET /v1/subscriptions/{id}`.
pub(super) async fn show(State(native): State<Arc<Api>>, id: Option<Path<String>>, request: Request) -> Response {
    // A path of [`ONE_ALL_THE_SAME`] is written as it is, and has no part that stands for a name.
    let named = || request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
    let id = id.map_or_else(named, |Path(id)| id);
    let asked = Asked::new(request);
    let answer = native.show_subscription(&asked.caller().scope, id).await;
    asked.answer(answer).await
}

/// `POST /v1/subscriptions/{id}/pause`.
pub(super) async fn pause(State(native): State<Arc<Api>>, Path(id): Path<String>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = native.hold(&mut asked, id, true).await;
    asked.answer(answer).await
}

/// `POST /v1/subscriptions/{id}/resume`.
pub(super) async fn resume(State(native): State<Arc<Api>>, Path(id): Path<String>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = native.hold(&mut asked, id, false).await;
    asked.answer(answer).await
}

/// Of `GET /v1/subscriptions`.
pub(super) fn list_operation() -> Operation {
    Operation::new("Who is notified, and what keeps it from them.")
        .query("state", words(&Held::ALL.map(Held::as_str)), "What it is.")
        .query("tenant", text(), "Whose it is.")
        .query("origin", words(&ORIGINS), "Where it comes from.")
        .query("host", text(), "Its target: `name:port`, or a name.")
        .query("name", text(), "Its name.")
        .page()
        .answer(200, "A page.", object([("subscriptions", array(schema()))], [("next", text())]))
}

/// Of `GET /v1/subscriptions/{id}`.
pub(super) fn show_operation() -> Operation {
    answering(Operation::new("One subscription."))
}

/// Of `POST /v1/subscriptions/{id}/pause`.
pub(super) fn pause_operation() -> Operation {
    answering(Operation::new("Has it sent nothing until it is resumed.")).optional_body(because())
}

/// Of `POST /v1/subscriptions/{id}/resume`.
pub(super) fn resume_operation() -> Operation {
    answering(Operation::new("Goes on with it."))
        .optional_body(because())
        .refusal(409, "Its rule file says `paused = true`.")
}

fn answering(operation: Operation) -> Operation {
    operation.answer(200, "The subscription.", schema()).refusal(404, "There is no such subscription.")
}

fn because() -> Value {
    closed([], [("reason", text())])
}

/// The schema of a subscription.
fn schema() -> Value {
    object(
        [
            ("id", text()),
            ("name", text()),
            ("origin", words(&ORIGINS)),
            ("tenant", json!({"type": ["string", "null"]})),
            (
                "target",
                json!({"oneOf": [
                    object([("method", text()), ("url", text())], []),
                    object([("topic", text())], []),
                ]}),
            ),
            ("state", words(&Held::ALL.map(Held::as_str))),
            ("owed", number()),
            ("oldestSeconds", number()),
        ],
        [
            ("nextAttemptAt", time()),
            ("paused", object([("by", text())], [("at", time()), ("reason", text())])),
            ("failing", object([("since", time()), ("outcome", text())], [("status", number())])),
            ("late", flag()),
        ],
    )
}

/// Which subscriptions are asked for.
struct Wanted {
    scope: Scope,
    state: Option<Held>,
    origin: Option<String>,
    tenant: Option<String>,
    host: Option<String>,
    name: Option<String>,
}

impl Api {
    async fn list_subscriptions(&self, asked: &mut Asked) -> Answer {
        let fields = Fields::of_query(asked.parts.uri.query(), &FIELDS)?;
        let limit = fields.limit()?;
        let known = |words: &'static [&str]| move |text: &str| words.contains(&text).then(|| text.to_owned());
        let text = |name: &str| fields.text(name).map(|text| text.map(str::to_owned));
        let wanted = Wanted {
            scope: asked.caller().scope.clone(),
            state: fields.word("state", Held::parse, &Held::ALL.map(Held::as_str))?,
            origin: fields.word("origin", known(&ORIGINS), &ORIGINS)?,
            tenant: text("tenant")?,
            host: text("host")?,
            name: text("name")?,
        };
        let after = match fields.text("cursor")? {
            Some(text) => text.parse().map_err(|_| wrong("`cursor` is not a `next`".to_owned()))?,
            None => 0,
        };
        let page = self.read(move |reader, registry| {
            let (mut rows, mut after, mut walked) = (Vec::new(), SubscriptionId(after), 0);
            loop {
                if walked >= SUBSCRIPTIONS_WALK_MAX {
                    return Ok((rows, Some(after)));
                }
                // One question each hundred, so that none holds the ledger for long.
                let piece = reader.subscriptions(after, 100)?;
                let is_last = piece.len() < 100;
                for row in piece {
                    let Some(subscription) = registry.subscriptions.get(row.id).filter(|it| wanted.covers(&row, it))
                    else {
                        after = row.id;
                        continue;
                    };
                    if rows.len() >= limit {
                        return Ok((rows, Some(after)));
                    }
                    after = row.id;
                    rows.push(shown(&row, subscription, registry.now));
                }
                walked += 100;
                if is_last {
                    return Ok((rows, None));
                }
            }
        });
        let (rows, next) = page.await?;
        let mut answer = json!({"subscriptions": rows});
        if let Some(next) = next {
            answer["next"] = json!(next.0.to_string());
        }
        Ok(Json(answer).into_response())
    }

    async fn show_subscription(&self, scope: &Scope, name: String) -> Answer {
        let (wanted, scope) = (name.clone(), scope.clone());
        let row = self.read(move |reader, registry| {
            let Some(id) = named(reader, registry, &scope, &wanted)? else { return Ok(None) };
            let rows = reader.subscriptions(SubscriptionId(id.0 - 1), 1)?;
            let row = rows.into_iter().find(|row| row.id == id);
            Ok(row.and_then(|row| Some(shown(&row, registry.subscriptions.get(id)?, registry.now))))
        });
        row.await?.map(|row| Json(row).into_response()).ok_or_else(|| no_subscription(&name))
    }

    /// The number of a subscription that a caller sees, for an ask.
    pub(in super::super) async fn subscription_named(
        &self,
        scope: &Scope,
        name: &str,
    ) -> Result<SubscriptionId, ApiError> {
        let (wanted, scope) = (name.to_owned(), scope.clone());
        let id = self.read(move |reader, registry| named(reader, registry, &scope, &wanted)).await?;
        id.ok_or_else(|| no_subscription(name))
    }

    /// Pauses a subscription, or resumes it.
    async fn hold(&self, asked: &mut Asked, name: String, is_pause: bool) -> Answer {
        let Caller { name: by, scope, .. } = asked.caller().clone();
        let body = asked.read(SELECTION_BYTES_MAX).await?;
        let reason = Fields::of_body(&body, &["reason"])?.reason()?;
        let subscription = self.subscription_named(&scope, &name).await?;
        let did = reason.as_ref().map(|reason| Did(format!("because {reason}")));
        let ask = match is_pause {
            true => Ask::Pause { subscription, by, reason },
            false => Ask::Resume { subscription, by },
        };
        match self.ask(ask).await? {
            model::ask::Answer::NotFound => Err(no_subscription(&name)),
            model::ask::Answer::PausedByFile => {
                let detail = format!("the rule file of {} says `paused = true`: change the file", quoted(&name));
                Err(ApiError::new(StatusCode::CONFLICT, detail))
            }
            _ => {
                let mut response = self.show_subscription(&scope, name).await?;
                did.and_then(|did| response.extensions_mut().insert(did));
                Ok(response)
            }
        }
    }
}

impl Wanted {
    fn covers(&self, row: &ListedSubscription, subscription: &Subscription) -> bool {
        let tenant = subscription.tenant.as_ref().map(ToString::to_string);
        self.scope.covers(subscription.tenant.as_ref())
            && self.state.is_none_or(|state| state == state_of(row, subscription.paused))
            && self.origin.as_ref().is_none_or(|origin| origin == origin_of(subscription))
            && self.tenant.as_ref().is_none_or(|wanted| tenant.as_ref() == Some(wanted))
            && self.host.as_ref().is_none_or(|host| is_at(subscription, host))
            && self.name.as_ref().is_none_or(|name| *name == row.name)
    }
}

/// The number of the subscription of a name that a scope covers: what another tenant has is not there.
pub(super) fn named(
    reader: &Reader,
    registry: &Registry,
    scope: &Scope,
    name: &str,
) -> Result<Option<SubscriptionId>, ReadError> {
    let all = reader.subscriptions_named(name)?;
    Ok(all.into_iter().find(|id| registry.is_within(scope, *id)))
}

fn origin_of(subscription: &Subscription) -> &'static str {
    subscription.name.dialect().map_or(ORIGINS[0], Dialect::as_str)
}

/// `is_paused`: its rule file says so.
pub(super) fn state_of(row: &ListedSubscription, is_paused: bool) -> Held {
    Held::of(&row.policy, is_paused, row.lagged_at.is_some())
}

/// A subscription. Of its target's URL only scheme, host and port are shown: a path or a query may hold a secret.
fn shown(row: &ListedSubscription, subscription: &Subscription, now: Option<Wall>) -> Value {
    let (policy, target) = (&row.policy, &subscription.target);
    let target = match subscription.is_topic {
        true => json!({"topic": subscription.name.id()}),
        false => json!({"method": target.method.as_str(), "url": target.url.parsed().origin().ascii_serialization()}),
    };
    let oldest_ms = row.oldest.zip(now).map_or(0, |(oldest, now)| now.0.saturating_sub(oldest.0).max(0));
    let mut out = json!({
        "id": row.name,
        "name": row.name,
        "origin": origin_of(subscription),
        "tenant": subscription.tenant.as_ref().map(ToString::to_string),
        "target": target,
        "state": state_of(row, subscription.paused).as_str(),
        "owed": row.owed,
        "oldestSeconds": oldest_ms / 1_000,
    });
    if let Some(at) = row.next_attempt {
        out["nextAttemptAt"] = json!(at.to_string());
    }
    match &policy.paused {
        Some(pause) => {
            out["paused"] = json!({"by": pause.by, "at": pause.at.to_string()});
            if let Some(reason) = &pause.reason {
                out["paused"]["reason"] = json!(reason);
            }
        }
        None if subscription.paused => out["paused"] = json!({"by": "rule file"}),
        None => {}
    }
    if let Some(failing) = &policy.failing {
        out["failing"] = json!({"since": failing.since.to_string(), "outcome": failing.outcome});
        if let Some(status) = failing.status {
            out["failing"]["status"] = json!(status);
        }
    }
    if now.is_some_and(|now| row.is_late(subscription, now)) {
        out["late"] = json!(true);
    }
    out
}
