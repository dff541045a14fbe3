//! The native endpoints (`/v1/...`) and the probes. Behind the gate, which knows who asks, they check what is asked,
//! pass a [`Call`] on, and put its answer into words; nothing is decided or kept here.

mod assets;
mod changes;
pub(super) mod chosen;
mod deliveries;
pub(super) mod explain;
mod exposition;
mod hints;
mod journal_row;
mod metrics;
mod openapi;
pub(super) mod problem;
mod query;
mod rules;
mod status;
pub(super) mod streams;
pub(super) mod subscriptions;
pub(super) mod tasks;
mod topics;
mod trial;
pub(super) mod why;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::auth::Right;
use super::body::Asked;
use super::error::{ApiError, Fault, quoted};
use super::gate::Caller;
use super::limits::{BEGIN_MAX, IDEMPOTENCY_KEY_MAX, IGNORED_BYTES_MAX, RECORDS_BYTES_MAX, RESCAN_BYTES_MAX};
use super::operation::{Operation, array, flag, number, object, text};
use super::records::{self, Format};
use super::rescan::{self, Rescan};
use super::router::{Answer, Api, Endpoint, going_down, unexpected};
use crate::model;
use crate::model::ask::Ask;
use crate::model::mount::Mount;
use crate::model::path::LogicalPath;
use crate::model::record::{Idempotency, RecordsAnswer, RecordsRequest, SyncAnswer};
use crate::model::rescan::{RescanAnswer, Until};
use crate::model::scope::Scope;
use crate::model::status::{MountState, Status};

/// The native endpoints.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let read = |path, handler, operation| Endpoint::new("GET", path, Some(Right::Read), handler, operation);
    let see = |path, handler, operation| Endpoint::new("GET", path, Some(Right::ReadStatus), handler, operation);
    let act = |path, handler, operation| Endpoint::new("POST", path, Some(Right::Act), handler, operation);
    let report = |path, handler, operation| Endpoint::new("POST", path, Some(Right::Record), handler, operation);
    let anybody = |path, handler, operation| Endpoint::new("GET", path, None, handler, operation);
    vec![
        report("/v1/records", post(records), records::operation),
        report("/v1/hints", post(hints::take), hints::operation),
        Endpoint::new("POST", "/v1/sync", Some(Right::Sync), post(sync), sync_operation),
        see("/v1/status", get(status::show), status::operation),
        act("/v1/rescan", post(rescan), rescan::operation),
        read("/v1/assets", get(assets::show), assets::operation),
        read("/v1/changes", get(changes::list), changes::operation),
        read("/v1/deliveries", get(deliveries::list), deliveries::list_operation),
        act("/v1/deliveries/retry", post(chosen::retry), chosen::retry_operation),
        act("/v1/deliveries/drop", post(chosen::discard), chosen::drop_operation),
        act("/v1/deliveries/{id}/retry", post(chosen::retry_one), chosen::retry_one_operation),
        read("/v1/deliveries/{id}", get(deliveries::show), deliveries::show_operation),
        read("/v1/deliveries/{id}/body", get(deliveries::body), deliveries::body_operation),
        act("/v1/replay", post(chosen::replay), chosen::replay_operation),
        Endpoint::new("POST", "/v1/explain", Some(Right::Read), post(explain::explain), explain::operation),
        read("/v1/rules", get(rules::list), rules::operation),
        read("/v1/subscriptions", get(subscriptions::list), subscriptions::list_operation),
        read(subscriptions::ONE, get(subscriptions::show), subscriptions::show_operation),
        act("/v1/subscriptions/pause", post(chosen::pause), chosen::pause_operation),
        act("/v1/subscriptions/resume", post(chosen::resume), chosen::resume_operation),
        act("/v1/subscriptions/{id}/pause", post(subscriptions::pause), subscriptions::pause_operation),
        act("/v1/subscriptions/{id}/resume", post(subscriptions::resume), subscriptions::resume_operation),
        act("/v1/subscriptions/{id}/test", post(trial::test), trial::operation),
        read("/v1/tasks", get(tasks::list), tasks::list_operation),
        read("/v1/tasks/{uuid}", get(tasks::show), tasks::show_operation),
        act("/v1/tasks/{uuid}/stop", post(tasks::stop), tasks::stop_operation),
        read("/v1/topics/{topic}", get(topics::show), topics::operation),
        read("/v1/why", get(why::show), why::operation),
        see("/metrics", get(metrics::show), metrics::operation),
        see("/openapi.json", get(openapi::show), openapi::operation),
        anybody("/healthz", get(healthz), healthz_operation),
        anybody("/readyz", get(readyz), readyz_operation),
    ]
}

async fn records(State(native): State<Arc<Api>>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = native.records(&mut asked).await;
    asked.answer(answer).await
}

async fn rescan(State(native): State<Arc<Api>>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = native.rescan(&mut asked).await;
    asked.answer(answer).await
}

async fn sync(State(native): State<Arc<Api>>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = native.sync(&mut asked).await;
    asked.answer(answer).await
}

fn sync_operation() -> Operation {
    Operation::new("Answers once every write that finished before is journaled and matched.")
        .answer(200, "It is.", synced_schema())
        .refusal(413, "The body, which is ignored, is too long.")
        .refusal(408, "The body took too long.")
        .refusal(400, "The body broke off.")
}

/// The answer of a sync, and of a scan that is waited for.
pub(super) fn synced_schema() -> Value {
    object([("seq", number()), ("rrn", number()), ("offline", array(text()))], [])
}

fn healthz_operation() -> Operation {
    Operation::new("The process lives.").answer(200, "It does.", object([("alive", json!({"const": true}))], []))
}

fn readyz_operation() -> Operation {
    let schema = object([("ready", flag())], [("waitingFor", text())]);
    Operation::new("Each reachable mount is scanned, and the ledger takes writes.")
        .answer(200, "Both are so.", schema.clone())
        .answer(503, "Not yet.", schema)
}

async fn healthz() -> Response {
    Json(json!({"alive": true})).into_response()
}

async fn readyz(State(native): State<Arc<Api>>) -> Response {
    let status = (native.state.status)();
    if status.ready {
        return Json(json!({"ready": true})).into_response();
    }
    let body = Json(json!({"ready": false, "waitingFor": waiting_for(&status)}));
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], body).into_response()
}

/// What keeps ringback from being ready. Anybody may ask, so no path is named.
fn waiting_for(status: &Status) -> String {
    match status.mounts.iter().filter(|mount| mount.state == MountState::Scanning).count() {
        0 => "the ledger to take writes".to_owned(),
        1 => "the start scan of 1 mount".to_owned(),
        scanning => format!("the start scan of {scanning} mounts"),
    }
}

impl Api {
    async fn records(&self, asked: &mut Asked) -> Answer {
        let Caller { name: caller, scope, .. } = asked.caller().clone();
        let format = Format::of(&asked.parts.headers)?;
        let key = idempotency_key(asked)?;
        let _turn = self.records.acquire().await.map_err(|_| going_down())?;
        let body = asked.read(RECORDS_BYTES_MAX).await?;
        // Megabytes take milliseconds to parse and hash: not on a thread that others' requests wait for.
        let parsed = tokio::task::spawn_blocking(move || {
            let records = records::parse(format, &body, &scope)?;
            // A header value has no space, so no two callers' keys can be the same text.
            let idempotency = key
                .map(|key| Idempotency { key: format!("{caller} {key}"), body_sha256: Sha256::digest(&body).into() });
            Ok::<_, ApiError>(RecordsRequest { records, scope, idempotency })
        });
        let request = parsed.await.map_err(|_| going_down())??;
        match self.ask(Ask::Records(request)).await? {
            model::ask::Answer::Records(RecordsAnswer::Accepted { rrn, accepted, applied, events }) => {
                let kept = accepted.saturating_sub(applied + events);
                let body = Json(json!({"rrn": rrn.0, "accepted": accepted, "applied": applied, "kept": kept}));
                Ok((StatusCode::ACCEPTED, body).into_response())
            }
            model::ask::Answer::Records(RecordsAnswer::UnknownAsset { index }) => {
                let detail = "no asset has this number".to_owned();
                let fault = Fault { index, field: Some("assetId".to_owned()), detail };
                let detail = format!("record {index} names an asset that does not exist; nothing was recorded");
                Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, detail).with_errors(vec![fault]))
            }
            model::ask::Answer::Records(RecordsAnswer::OutsideScope { index }) => {
                let detail = "this path lies in no mount of the caller's tenants".to_owned();
                let fault = Fault { index, field: Some("path".to_owned()), detail };
                let detail = format!("record {index} names a path in no mount of yours; nothing was recorded");
                Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, detail).with_errors(vec![fault]))
            }
            model::ask::Answer::Records(RecordsAnswer::UnknownEvent { index }) => {
                let detail = "no rule file declares this event: add an [[event]] with this name, or report a built-in \
                              event or a type of reactor"
                    .to_owned();
                let fault = Fault { index, field: Some("event".to_owned()), detail };
                let detail = format!("record {index} reports an event that is not declared; nothing was recorded");
                Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, detail).with_errors(vec![fault]))
            }
            model::ask::Answer::Records(RecordsAnswer::EventOfAnother { index }) => {
                let detail = "this event is declared for another tenant alone".to_owned();
                let fault = Fault { index, field: Some("tenant".to_owned()), detail };
                let detail =
                    format!("record {index} reports an event that its tenant does not have; nothing was recorded");
                Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, detail).with_errors(vec![fault]))
            }
            model::ask::Answer::Records(RecordsAnswer::KeyReused) => {
                let detail = "this Idempotency-Key came with another body in the last 24 hours";
                Err(ApiError::new(StatusCode::CONFLICT, detail))
            }
            other => Err(unexpected(&other)),
        }
    }

    async fn sync(&self, asked: &mut Asked) -> Answer {
        asked.read(IGNORED_BYTES_MAX).await?;
        self.synced(&asked.caller().scope, self.ask(Ask::Sync).await?)
    }

    async fn rescan(&self, asked: &mut Asked) -> Answer {
        let body = asked.read(RESCAN_BYTES_MAX).await?;
        let scope = asked.caller().scope.clone();
        let mounts: Vec<_> = self.mounts_of(&scope).map(|mount| mount.path.to_string()).collect();
        let Rescan { mut request, wait } = rescan::parse(&body, &mounts)?;
        request.scope = scope.clone();
        let scanned = request.path.as_ref().map_or(mounts, |path| vec![path.to_string()]);
        let named = request.path.as_ref().map(ToString::to_string);
        let until = if wait { Until::Matched } else { Until::Begun };
        let by = asked.caller().name.clone();
        let ask = self.ask(Ask::Rescan { request, until, by, listener: None });
        if wait {
            return match ask.await? {
                model::ask::Answer::Rescan(RescanAnswer::NothingThere) => {
                    Err(nothing_there(&named.unwrap_or_default()))
                }
                answer => self.synced(&scope, answer),
            };
        }
        // A mount that does not answer is scanned when it does; what can be said by then is said.
        let (offline, task) = match tokio::time::timeout(BEGIN_MAX, ask).await {
            Err(_) => (Vec::new(), None),
            Ok(answer) => match answer? {
                model::ask::Answer::Rescan(RescanAnswer::Begun { offline, task }) => (offline, task),
                // Asked of a machine that was lost since: the new one has scanned everything.
                model::ask::Answer::Sync(SyncAnswer { offline, .. }) => (offline, None),
                model::ask::Answer::Rescan(RescanAnswer::NothingThere) => {
                    return Err(nothing_there(&named.unwrap_or_default()));
                }
                other => return Err(unexpected(&other)),
            },
        };
        let offline = self.named(&scope, &offline);
        let mut answer = json!({"scanning": scanned, "offline": offline});
        if let Some(task) = task {
            answer["task"] = json!(task);
        }
        Ok((StatusCode::ACCEPTED, Json(answer)).into_response())
    }

    fn synced(&self, scope: &Scope, answer: model::ask::Answer) -> Answer {
        let model::ask::Answer::Sync(SyncAnswer { seq, rrn, offline }) = answer else {
            return Err(unexpected(&answer));
        };
        let offline = self.named(scope, &offline);
        Ok(Json(json!({"seq": seq.0, "rrn": rrn.0, "offline": offline})).into_response())
    }

    /// The mounts that a caller sees.
    pub(super) fn mounts_of<'n>(&'n self, scope: &'n Scope) -> impl Iterator<Item = &'n Mount> {
        self.state.mounts.iter().filter(|mount| scope.covers(mount.tenant.as_ref()))
    }

    /// Those of some mounts that a caller sees, by path.
    fn named(&self, scope: &Scope, mounts: &[LogicalPath]) -> Vec<String> {
        let is_seen = |path: &&LogicalPath| scope.is_all() || self.mounts_of(scope).any(|mount| mount.path == **path);
        mounts.iter().filter(is_seen).map(ToString::to_string).collect()
    }
}

fn nothing_there(path: &str) -> ApiError {
    let detail = format!("there is no file or directory at {}, and nothing is known at or below it", quoted(path));
    ApiError::new(StatusCode::NOT_FOUND, detail)
}

fn idempotency_key(asked: &Asked) -> Result<Option<String>, ApiError> {
    let mut given = asked.parts.headers.get_all("idempotency-key").iter();
    let Some(value) = given.next() else { return Ok(None) };
    let visible = value.as_bytes().iter().all(u8::is_ascii_graphic);
    if given.next().is_none() && visible && (1..=IDEMPOTENCY_KEY_MAX).contains(&value.len()) {
        return Ok(Some(String::from_utf8_lossy(value.as_bytes()).into_owned()));
    }
    let detail = format!("an Idempotency-Key is 1 to {IDEMPOTENCY_KEY_MAX} visible ASCII characters, given once");
    Err(ApiError::new(StatusCode::BAD_REQUEST, detail))
}
