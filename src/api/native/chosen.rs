//! `POST /v1/deliveries/retry`, `/v1/deliveries/drop`, `/v1/deliveries/{id}/retry`, `/v1/replay` and
//! `/v1/subscriptions/pause` and `/resume`: what is done with deliveries, or with subscriptions, that are chosen by a
//! filter. They are counted first; where there are many a task does it.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::super::body::Asked;
use super::super::error::{ApiError, quoted};
use super::super::gate::{Caller, Did};
use super::super::limits::{CHOSEN_AT_ONCE_MAX, SELECTION_BYTES_MAX};
use super::super::operation::{Operation, closed, flag, number, object, text, time, words};
use super::super::router::unexpected;
use super::deliveries::is_seen;
use super::query::{Fields, delivery_key, no_delivery, no_subscription, wrong};
use super::{Answer, Api};
use crate::model;
use crate::model::ask::{Ask, Bulk, Deed, Held, Selected, Selection};
use crate::model::ids::SubscriptionId;
use crate::model::listing::{DeliveryState, OUTCOMES, Point, Span};
use crate::model::part::DeliveryKey;
use crate::model::scope::Scope;
use crate::model::task::ToldSince;
use crate::model::time::Wall;

/// The fields that choose.
const FILTER: [&str; 7] = ["id", "subscription", "host", "state", "outcome", "since", "before"];
/// All fields.
const FIELDS: [&str; 9] = ["id", "subscription", "host", "state", "outcome", "since", "before", "dryRun", "reason"];
/// The fields that choose subscriptions, and all of that body.
const LANE_FILTER: [&str; 6] = ["subscription", "host", "state", "outcome", "since", "before"];
const LANE_FIELDS: [&str; 8] = ["subscription", "host", "state", "outcome", "since", "before", "dryRun", "reason"];

/// The states in which a delivery may be retried, and dropped.
const RETRIED: [&str; 2] = ["waiting", "dead"];
const DROPPED: [&str; 3] = ["pending", "waiting", "dead"];

/// `POST /v1/deliveries/retry`.
pub(super) async fn retry(State(native): State<Arc<Api>>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = native.retry(&mut asked, None).await;
    asked.answer(answer).await
}

/// `POST /v1/deliveries/{id}/retry`.
pub(super) async fn retry_one(State(native): State<Arc<Api>>, Path(id): Path<String>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = native.retry(&mut asked, Some(id)).await;
    asked.answer(answer).await
}

/// `POST /v1/deliveries/drop`.
pub(super) async fn discard(State(native): State<Arc<Api>>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = native.discard(&mut asked).await;
    asked.answer(answer).await
}

/// `POST /v1/subscriptions/pause`.
pub(super) async fn pause(State(native): State<Arc<Api>>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = native.hold_all(&mut asked, Deed::Pause).await;
    asked.answer(answer).await
}

/// `POST /v1/subscriptions/resume`.
pub(super) async fn resume(State(native): State<Arc<Api>>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = native.hold_all(&mut asked, Deed::Resume).await;
    asked.answer(answer).await
}

/// `POST /v1/replay`.
pub(super) async fn replay(State(native): State<Arc<Api>>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = native.replay(&mut asked).await;
    asked.answer(answer).await
}

/// A place in the journal, or a time.
/// The UUID of a task that was to begin for a subscription.
pub(in super::super) fn begun(task: &str, name: &str, answer: model::ask::Answer) -> Result<String, ApiError> {
    match answer {
        model::ask::Answer::Begun(uuid) => Ok(uuid),
        model::ask::Answer::GoesOn => {
            let detail = format!("a {task} of {} goes on already: see GET /v1/tasks?state=running", quoted(name));
            Err(ApiError::new(StatusCode::CONFLICT, detail))
        }
        model::ask::Answer::NotFound => Err(no_subscription(name)),
        other => Err(unexpected(&other)),
    }
}

fn point() -> Value {
    json!({"anyOf": [number(), text()]})
}

/// A body that chooses deliveries, of those in some states.
fn chosen_body(states: &[&str]) -> Value {
    closed(
        [],
        [
            ("id", text()),
            ("subscription", text()),
            ("host", text()),
            ("state", words(states)),
            ("outcome", words(&OUTCOMES)),
            ("since", point()),
            ("before", point()),
            ("dryRun", flag()),
            ("reason", text()),
        ],
    )
}

/// An operation that answers with how many deliveries it chose.
fn choosing(summary: &'static str) -> Operation {
    let counts = [("deliveries", number()), ("entries", number()), ("before", number()), ("dryRun", flag())];
    Operation::new(summary)
        .answer(200, "How many.", object(counts.clone(), []))
        .answer(202, "How many there are; a task does it.", object(counts, [("task", text())]))
        .refusal(404, "There is no such delivery or subscription.")
}

/// An operation that answers with how many subscriptions it chose.
fn holding(summary: &'static str) -> Operation {
    let body = closed(
        [],
        [
            ("subscription", text()),
            ("host", text()),
            ("state", words(&Held::ALL.map(Held::as_str))),
            ("outcome", words(&OUTCOMES)),
            ("since", time()),
            ("before", time()),
            ("dryRun", flag()),
            ("reason", text()),
        ],
    );
    let counts = [("subscriptions", number()), ("before", number()), ("dryRun", flag())];
    Operation::new(summary)
        .body(body)
        .answer(200, "How many.", object(counts.clone(), []))
        .answer(202, "How many there are; a task does it.", object(counts, [("task", text())]))
        .refusal(404, "There is no such subscription.")
}

/// Of `POST /v1/subscriptions/pause`.
pub(super) fn pause_operation() -> Operation {
    holding("Has the subscriptions that a filter covers sent nothing until they are resumed.")
}

/// Of `POST /v1/subscriptions/resume`.
pub(super) fn resume_operation() -> Operation {
    holding("Goes on with the paused subscriptions that a filter covers.")
}

/// Of `POST /v1/deliveries/retry`.
pub(super) fn retry_operation() -> Operation {
    choosing("What waits is due at once, and dead letters are sent again.").body(chosen_body(&RETRIED))
}

/// Of `POST /v1/deliveries/{id}/retry`.
pub(super) fn retry_one_operation() -> Operation {
    choosing("One delivery is due at once, or sent again.")
        .optional_body(closed([], [("dryRun", flag()), ("reason", text())]))
}

/// Of `POST /v1/deliveries/drop`.
pub(super) fn drop_operation() -> Operation {
    choosing("Nobody is sent these deliveries any more.").body(chosen_body(&DROPPED))
}

/// Of `POST /v1/replay`.
pub(super) fn replay_operation() -> Operation {
    let body = closed(
        [("subscription", text())],
        [("dead", flag()), ("since", point()), ("before", point()), ("dryRun", flag()), ("reason", text())],
    );
    let counts = [("deliveries", number()), ("entries", number()), ("dryRun", flag())];
    let chosen = object(counts.clone(), [("before", number())]);
    Operation::new("Sends a subscription again what was given up, or all that it was sent since a time.")
        .body(body)
        .answer(200, "How many.", chosen)
        .answer(202, "A task does it.", object(counts, [("task", text())]))
        .refusal(404, "There is no such subscription.")
        .refusal(409, "A replay of the subscription goes on.")
        .refusal(410, "The journal keeps the changes of then no longer.")
}

impl Api {
    async fn retry(&self, asked: &mut Asked, id: Option<String>) -> Answer {
        let Caller { name: by, scope, .. } = asked.caller().clone();
        let body = asked.read(SELECTION_BYTES_MAX).await?;
        let node = self.state.reader.node();
        let (fields, which) = match id {
            Some(id) => {
                let fields = Fields::of_body(&body, &["dryRun", "reason"])?;
                let id = self.seen_delivery(&scope, delivery_key(&id, node)?, &id).await?;
                (fields, Selection { id: Some(id), ..Selection::of(scope) })
            }
            None => {
                let fields = Fields::of_body(&body, &FIELDS)?;
                let which = self.selection(&fields, scope, &RETRIED).await?;
                (fields, which)
            }
        };
        let reason = fields.reason()?;
        self.choose(Bulk { deed: Deed::Retry, which, by, reason }, &fields, "retried").await
    }

    /// Pauses or resumes what a filter covers.
    async fn hold_all(&self, asked: &mut Asked, deed: Deed) -> Answer {
        let Caller { name: by, scope, .. } = asked.caller().clone();
        let body = asked.read(SELECTION_BYTES_MAX).await?;
        let fields = Fields::of_body(&body, &LANE_FIELDS)?;
        if !fields.has_one_of(&LANE_FILTER) {
            let detail = format!("say which subscriptions are meant, by at least one of {}", LANE_FILTER.join(", "));
            return Err(wrong(detail));
        }
        let subscription = match fields.text("subscription")? {
            Some(name) => Some(self.subscription_named(&scope, name).await?),
            None => None,
        };
        let time = |name: &str| match fields.point(name)? {
            Some(Point::Seq(_)) => Err(wrong(format!("`{name}` takes a time here, such as 2026-11-22T10:00:00Z"))),
            point => Ok(point),
        };
        let which = Selection {
            subscription,
            host: fields.text("host")?.map(str::to_owned),
            held: fields.word("state", Held::parse, &Held::ALL.map(Held::as_str))?,
            outcome: fields.outcome()?,
            span: Span { since: time("since")?, before: time("before")? },
            ..Selection::of(scope)
        };
        let reason = fields.reason()?;
        let done = if deed == Deed::Pause { "paused" } else { "resumed" };
        self.choose(Bulk { deed, which, by, reason }, &fields, done).await
    }

    async fn discard(&self, asked: &mut Asked) -> Answer {
        let Caller { name: by, scope, .. } = asked.caller().clone();
        let body = asked.read(SELECTION_BYTES_MAX).await?;
        let fields = Fields::of_body(&body, &FIELDS)?;
        let reason = fields.reason()?;
        let which = self.selection(&fields, scope, &DROPPED).await?;
        self.choose(Bulk { deed: Deed::Drop, which, by, reason }, &fields, "dropped").await
    }

    async fn replay(&self, asked: &mut Asked) -> Answer {
        let Caller { name: by, scope, .. } = asked.caller().clone();
        let body = asked.read(SELECTION_BYTES_MAX).await?;
        let fields = Fields::of_body(&body, &["subscription", "dead", "since", "before", "dryRun", "reason"])?;
        let Some(name) = fields.text("subscription")? else {
            return Err(wrong("`subscription` is missing: who is to be sent again what was sent before?".to_owned()));
        };
        let subscription = self.subscription_named(&scope, name).await?;
        let (is_dead, reason) = (fields.flag("dead")?, fields.reason()?);
        match fields.point("since")? {
            Some(Point::Time(since)) if !is_dead => {
                let because = reason.map(|reason| format!(" because {reason}")).unwrap_or_default();
                return self.replay_since(name, subscription, since, &fields, &by, &because).await;
            }
            Some(Point::Seq(_)) if !is_dead => {
                return Err(wrong("`since` takes a time here, such as 2026-11-22T10:00:00Z".to_owned()));
            }
            None if !is_dead => {
                let detail = "say `\"dead\": true`, and what was given up is sent again, or `since` a time, and all that \
                              was sent since is";
                return Err(wrong(detail.to_owned()));
            }
            _ => {}
        }
        let which = Selection {
            subscription: Some(subscription),
            state: Some(DeliveryState::Dead),
            span: Span { since: fields.point("since")?, before: fields.point("before")? },
            ..Selection::of(scope)
        };
        self.choose(Bulk { deed: Deed::Retry, which, by, reason }, &fields, "replayed").await
    }

    /// Sends a subscription again what it was told since a time, as a task.
    async fn replay_since(
        &self,
        name: &str,
        subscription: SubscriptionId,
        since: Wall,
        fields: &Fields,
        by: &str,
        because: &str,
    ) -> Answer {
        let is_dry_run = fields.flag("dryRun")?;
        if fields.has_one_of(&["before"]) {
            return Err(wrong("`before` goes with `dead`: a replay since a time is of all that follows".to_owned()));
        }
        let ToldSince { deliveries, entries, .. } = self.told_since(subscription, since).await?;
        let mut answer = json!({"deliveries": deliveries, "entries": entries, "dryRun": is_dry_run});
        if is_dry_run {
            return Ok(Json(answer).into_response());
        }
        let ask = Ask::Replay { subscription, since, total: deliveries, by: by.to_owned(), listener: None };
        let uuid = begun("replay", name, self.ask(ask).await?)?;
        let did = format!("a replay of {name} since {since} began{because}, task {uuid}");
        answer["task"] = json!(uuid);
        Ok((StatusCode::ACCEPTED, Extension(Did(did)), Json(answer)).into_response())
    }

    /// What a replay would send again. 410 where the journal has it no longer.
    pub(in super::super) async fn told_since(
        &self,
        subscription: SubscriptionId,
        since: Wall,
    ) -> Result<ToldSince, ApiError> {
        let counted = self.read(move |reader, _| {
            let (mut all, mut after) = (ToldSince::default(), None);
            loop {
                // One question a page, so that none holds the ledger for long.
                let page = reader.told_since(subscription, since, after)?;
                all.deliveries += page.deliveries;
                all.entries += page.entries;
                all.first = all.first.into_iter().chain(page.first).min();
                after = page.next;
                if after.is_none() {
                    return Ok((all, reader.oldest_change()?));
                }
            }
        });
        let (told, oldest) = counted.await?;
        if told.first.is_some_and(|first| oldest.is_none_or(|(seq, _)| first < seq)) {
            let kept =
                oldest.map_or("none is kept".to_owned(), |(_, time)| format!("the oldest that is kept is of {time}"));
            let detail = format!(
                "what was told since then listener changes that are kept no longer: {kept} (see [retention] journal)"
            );
            return Err(ApiError::new(StatusCode::GONE, detail));
        }
        Ok(told)
    }

    /// The deliveries that a body chooses. `states` are those that make sense.
    async fn selection(&self, fields: &Fields, scope: Scope, states: &[&str]) -> Result<Selection, ApiError> {
        if !fields.has_one_of(&FILTER) {
            let detail = format!("say which deliveries are meant, by at least one of {}", FILTER.join(", "));
            return Err(wrong(detail));
        }
        let node = self.state.reader.node();
        let state = |text: &str| DeliveryState::parse(text).filter(|state| states.contains(&state.as_str()));
        let id = match fields.text("id")? {
            Some(id) => Some(self.seen_delivery(&scope, delivery_key(id, node)?, id).await?),
            None => None,
        };
        let subscription = match fields.text("subscription")? {
            Some(name) => Some(self.subscription_named(&scope, name).await?),
            None => None,
        };
        Ok(Selection {
            id,
            subscription,
            host: fields.text("host")?.map(str::to_owned),
            state: fields.word("state", state, states)?,
            outcome: fields.outcome()?,
            span: Span { since: fields.point("since")?, before: fields.point("before")? },
            ..Selection::of(scope)
        })
    }

    /// The key of a delivery, which is called `id`, where the caller sees it.
    async fn seen_delivery(&self, scope: &Scope, key: DeliveryKey, id: &str) -> Result<DeliveryKey, ApiError> {
        let scope = scope.clone();
        let is_seen = self.read(move |reader, registry| is_seen(reader, registry, &scope, key)).await?;
        if is_seen { Ok(key) } else { Err(no_delivery(id)) }
    }

    /// Counts what is chosen, does it, or has a task do it, and puts that into words. `fields` are those of the body
    /// that asked.
    async fn choose(&self, mut bulk: Bulk, fields: &Fields, done: &str) -> Answer {
        let is_dry_run = fields.flag("dryRun")?;
        let (of_lanes, noun) = match bulk.deed.is_of_subscriptions() {
            true => (true, "subscriptions"),
            false => (false, "deliveries"),
        };
        let counted = self.walk(&bulk, true).await?;
        if bulk.which.span.before.is_none() && !of_lanes {
            // What is cut after the count is not meant.
            bulk.which.span.before = Some(Point::Seq(counted.before));
        }
        let mut answer = json!({"before": counted.before.0, "dryRun": is_dry_run});
        let mut task = None;
        let sums = match () {
            () if is_dry_run => counted,
            () if counted.count > CHOSEN_AT_ONCE_MAX => {
                let begun = self.ask(Ask::Begin { bulk, total: counted.count }).await?;
                let model::ask::Answer::Begun(uuid) = begun else { return Err(no_delivery("of this id")) };
                task = Some(uuid);
                counted
            }
            () => self.walk(&bulk, false).await?,
        };
        answer[noun] = json!(sums.count);
        let mut did = format!("{} {noun}", sums.count);
        if !of_lanes {
            answer["entries"] = json!(sums.entries);
            did.push_str(&format!(" with {} entries", sums.entries));
        }
        let how = match (&task, is_dry_run) {
            (Some(uuid), _) => format!("are {done} by the task {uuid}"),
            (None, true) => format!("would be {done}"),
            (None, false) => done.to_owned(),
        };
        did.push_str(&format!(" {how}"));
        for (what, of) in [("of", "subscription"), ("to", "host"), ("because", "reason")] {
            if let Some(text) = fields.text(of)? {
                did.push_str(&format!(" {what} {text}"));
            }
        }
        let status = if task.is_some() { StatusCode::ACCEPTED } else { StatusCode::OK };
        if let Some(uuid) = task {
            answer["task"] = json!(uuid);
        }
        Ok((status, Extension(Did(did)), Json(answer)).into_response())
    }

    /// Asks the engine piece by piece until it has been through all that is chosen.
    async fn walk(&self, bulk: &Bulk, is_dry_run: bool) -> Result<Selected, ApiError> {
        let mut bulk = bulk.clone();
        let mut sums: Option<Selected> = None;
        loop {
            let piece = match self.ask(Ask::Choose { bulk: bulk.clone(), is_dry_run }).await? {
                model::ask::Answer::Selected(piece) => piece,
                _ => return Err(no_delivery("of this id")),
            };
            let sums = sums.get_or_insert(Selected { count: 0, entries: 0, ..piece });
            sums.count += piece.count;
            sums.entries += piece.entries;
            bulk.which.after = piece.next;
            if piece.next.is_none() {
                return Ok(Selected { next: None, ..*sums });
            }
        }
    }
}
