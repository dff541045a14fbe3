//! The native endpoints (`/v1/...`) and the probes. They check who asks and what, pass a [`Call`] on, and put its
//! answer into words; nothing is decided or kept here.

mod chosen;
mod deliveries;
mod query;
mod reading;
mod subscriptions;
mod tasks;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::auth::Right;
use super::body::{Asked, Peer};
use super::limits::{
    BEGIN_MAX, IDEMPOTENCY_KEY_MAX, IGNORED_BYTES_MAX, READS_MAX, RECORDS_BYTES_MAX, RECORDS_REQUESTS_MAX,
    RESCAN_BYTES_MAX,
};
use super::problem::{Fault, Problem, quoted};
use super::records::{self, Format};
use super::rescan::{self, Rescan};
use super::{ApiState, Call, browser};
use crate::model;
use crate::model::ask::Ask;
use crate::model::principal::Principal;
use crate::model::record::{Idempotency, RecordsAnswer, RecordsRequest, SyncAnswer};
use crate::model::rescan::RescanAnswer;
use crate::model::status::{MountState, Status};

struct Native {
    state: ApiState,
    /// See [`RECORDS_REQUESTS_MAX`].
    records: Semaphore,
    /// See [`READS_MAX`].
    reads: Arc<Semaphore>,
}

type Answer = Result<Response, Problem>;

/// Every endpoint.
pub(super) fn router(state: ApiState) -> Router {
    let native = Arc::new(Native {
        state,
        records: Semaphore::new(RECORDS_REQUESTS_MAX),
        reads: Arc::new(Semaphore::new(READS_MAX)),
    });
    Router::new()
        .route("/v1/records", post(records))
        .route("/v1/rescan", post(rescan))
        .route("/v1/sync", post(sync))
        .route("/v1/status", get(status))
        .route("/v1/deliveries", get(deliveries::list))
        .route("/v1/deliveries/retry", post(chosen::retry))
        .route("/v1/deliveries/drop", post(chosen::discard))
        .route("/v1/deliveries/{id}/retry", post(chosen::retry_one))
        .route("/v1/replay", post(chosen::replay))
        .route("/v1/deliveries/{id}", get(deliveries::show))
        .route("/v1/deliveries/{id}/body", get(deliveries::body))
        .route("/v1/subscriptions", get(subscriptions::list))
        .route("/v1/subscriptions/{id}", get(subscriptions::show))
        .route("/v1/subscriptions/{id}/pause", post(subscriptions::pause))
        .route("/v1/subscriptions/{id}/resume", post(subscriptions::resume))
        .route("/v1/tasks", get(tasks::list))
        .route("/v1/tasks/{uuid}", get(tasks::show))
        .route("/v1/tasks/{uuid}/stop", post(tasks::stop))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .with_state(native)
        .layer(middleware::from_fn(every_request))
}

async fn every_request(request: Request, next: Next) -> Response {
    let mut response = match browser::check(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => Asked::new(request).answer(Err(problem)).await,
    };
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}

async fn records(State(native): State<Arc<Native>>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = native.records(&mut asked).await;
    asked.answer(answer).await
}

async fn rescan(State(native): State<Arc<Native>>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = native.rescan(&mut asked).await;
    asked.answer(answer).await
}

async fn sync(State(native): State<Arc<Native>>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = native.sync(&mut asked).await;
    asked.answer(answer).await
}

async fn status(State(native): State<Arc<Native>>, request: Request) -> Response {
    let asked = Asked::new(request);
    let answer = native.admit(&asked, Right::ReadStatus).map(|_| Json((native.state.status)()).into_response());
    asked.answer(answer).await
}

async fn healthz() -> Response {
    Json(json!({"alive": true})).into_response()
}

async fn readyz(State(native): State<Arc<Native>>) -> Response {
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

async fn unknown_path(request: Request) -> Response {
    let problem = Problem::new(StatusCode::NOT_FOUND, "there is nothing at this path");
    Asked::new(request).answer(Err(problem)).await
}

async fn wrong_method(request: Request) -> Response {
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this path has other methods: see Allow");
    Asked::new(request).answer(Err(problem)).await
}

impl Native {
    fn admit(&self, asked: &Asked, right: Right) -> Result<&Principal, Problem> {
        let peer = asked.parts.extensions.get::<Peer>().expect("the server puts it on each request");
        self.state.principals.admit(&asked.parts.headers, peer.0, right)
    }

    async fn records(&self, asked: &mut Asked) -> Answer {
        let caller = self.admit(asked, Right::Record)?.name.clone();
        let format = Format::of(&asked.parts.headers)?;
        let key = idempotency_key(asked)?;
        let _turn = self.records.acquire().await.map_err(|_| going_down())?;
        let body = asked.read(RECORDS_BYTES_MAX).await?;
        // Megabytes take milliseconds to parse and hash: not on a thread that others' requests wait for.
        let parsed = tokio::task::spawn_blocking(move || {
            let records = records::parse(format, &body)?;
            // A header value has no space, so no two callers' keys can be the same text.
            let idempotency = key
                .map(|key| Idempotency { key: format!("{caller} {key}"), body_sha256: Sha256::digest(&body).into() });
            Ok::<_, Problem>(RecordsRequest { records, idempotency })
        });
        let request = parsed.await.map_err(|_| going_down())??;
        match self.ask(Ask::Records(request)).await? {
            model::ask::Answer::Records(RecordsAnswer::Accepted { rrn, accepted, applied }) => {
                let kept = accepted.saturating_sub(applied);
                let body = Json(json!({"rrn": rrn.0, "accepted": accepted, "applied": applied, "kept": kept}));
                Ok((StatusCode::ACCEPTED, body).into_response())
            }
            model::ask::Answer::Records(RecordsAnswer::UnknownAsset { index }) => {
                let detail = "no asset has this number".to_owned();
                let fault = Fault { index, field: Some("assetId".to_owned()), detail };
                let detail = format!("record {index} names an asset that does not exist; nothing was recorded");
                Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail).with_errors(vec![fault]))
            }
            model::ask::Answer::Records(RecordsAnswer::KeyReused) => {
                let detail = "this Idempotency-Key came with another body in the last 24 hours";
                Err(Problem::new(StatusCode::CONFLICT, detail))
            }
            other => Err(unexpected(&other)),
        }
    }

    async fn sync(&self, asked: &mut Asked) -> Answer {
        self.admit(asked, Right::Sync)?;
        asked.read(IGNORED_BYTES_MAX).await?;
        synced(self.ask(Ask::Sync).await?)
    }

    async fn rescan(&self, asked: &mut Asked) -> Answer {
        self.admit(asked, Right::Operate)?;
        let body = asked.read(RESCAN_BYTES_MAX).await?;
        let mounts: Vec<_> = (self.state.status)().mounts.into_iter().map(|mount| mount.path).collect();
        let Rescan { request, wait } = rescan::parse(&body, &mounts)?;
        let scanned = request.path.as_ref().map_or(mounts, |path| vec![path.to_string()]);
        let named = request.path.as_ref().map(ToString::to_string);
        let ask = self.ask(Ask::Rescan { request, waits: wait });
        if wait {
            return match ask.await? {
                model::ask::Answer::Rescan(RescanAnswer::NothingThere) => {
                    Err(nothing_there(&named.unwrap_or_default()))
                }
                answer => synced(answer),
            };
        }
        // A mount that does not answer is scanned when it does; what can be said by then is said.
        let offline = match tokio::time::timeout(BEGIN_MAX, ask).await {
            Err(_) => Vec::new(),
            Ok(answer) => match answer? {
                model::ask::Answer::Rescan(RescanAnswer::Begun { offline }) => offline,
                // Asked of a machine that was lost since: the new one has scanned everything.
                model::ask::Answer::Sync(SyncAnswer { offline, .. }) => offline,
                model::ask::Answer::Rescan(RescanAnswer::NothingThere) => {
                    return Err(nothing_there(&named.unwrap_or_default()));
                }
                other => return Err(unexpected(&other)),
            },
        };
        let offline: Vec<_> = offline.iter().map(|mount| mount.display()).collect();
        Ok((StatusCode::ACCEPTED, Json(json!({"scanning": scanned, "offline": offline}))).into_response())
    }

    /// Asks the engine, and waits for its answer.
    async fn ask(&self, ask: Ask) -> Result<model::ask::Answer, Problem> {
        let (reply, answer) = oneshot::channel();
        self.state.calls.try_send(Call { ask, reply }).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => Problem::come_back("too many requests are waiting; nothing was done"),
            mpsc::error::TrySendError::Closed(_) => Problem::come_back("ringback is going down; nothing was done"),
        })?;
        match answer.await {
            Ok(model::ask::Answer::Unavailable) => Err(Problem::come_back(
                "the ledger takes no writes now (see the status for why); nothing was recorded or done",
            )),
            Ok(answer) => Ok(answer),
            Err(_) => Err(going_down()),
        }
    }
}

fn synced(answer: model::ask::Answer) -> Answer {
    let model::ask::Answer::Sync(SyncAnswer { seq, rrn, offline }) = answer else { return Err(unexpected(&answer)) };
    let offline: Vec<_> = offline.iter().map(|mount| mount.display()).collect();
    Ok(Json(json!({"seq": seq.0, "rrn": rrn.0, "offline": offline})).into_response())
}

/// The engine answers something else than what it was asked: a fault of ringback's own.
fn unexpected(answer: &model::ask::Answer) -> Problem {
    tracing::error!(?answer, "the engine's answer is to another question");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "ringback has met a fault of its own; its log says which")
}

fn nothing_there(path: &str) -> Problem {
    let detail = format!("there is no file or directory at {}, and nothing is known at or below it", quoted(path));
    Problem::new(StatusCode::NOT_FOUND, detail)
}

fn going_down() -> Problem {
    Problem::come_back("ringback is going down; whether the request took effect is not known")
}

fn idempotency_key(asked: &Asked) -> Result<Option<String>, Problem> {
    let mut given = asked.parts.headers.get_all("idempotency-key").iter();
    let Some(value) = given.next() else { return Ok(None) };
    let visible = value.as_bytes().iter().all(u8::is_ascii_graphic);
    if given.next().is_none() && visible && (1..=IDEMPOTENCY_KEY_MAX).contains(&value.len()) {
        return Ok(Some(String::from_utf8_lossy(value.as_bytes()).into_owned()));
    }
    let detail = format!("an Idempotency-Key is 1 to {IDEMPOTENCY_KEY_MAX} visible ASCII characters, given once");
    Err(Problem::new(StatusCode::BAD_REQUEST, detail))
}
