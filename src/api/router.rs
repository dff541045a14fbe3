//! Every endpoint of the API, each behind its gate, and what all of them have: a way to ask the engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::MethodRouter;
use axum::{Extension, Router};
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::auth::Right;
use super::body::{Asked, Writes};
use super::error::{ApiError, WriteError};
use super::gate::{self, Gate};
use super::limits::{READS_MAX, RECORDS_REQUESTS_MAX, TRIALS_MAX};
use super::mount_table::MountTable;
use super::native::problem;
use super::native::streams::Streams;
use super::native::subscriptions;
use super::operation::Operation;
use super::{ApiState, Call, browser, dialects, native};
use crate::model;
use crate::model::ask::Ask;

/// What endpoints work with.
pub(super) struct Api {
    pub state: ApiState,
    /// See [`RECORDS_REQUESTS_MAX`].
    pub records: Semaphore,
    /// Held by who reads what is registered and replaces it by what follows from that.
    pub changing: tokio::sync::Mutex<()>,
    /// See [`READS_MAX`].
    pub reads: Arc<Semaphore>,
    pub mounts: Arc<MountTable>,
    pub streams: Arc<Streams>,
    /// See [`TRIALS_MAX`].
    pub trials: Semaphore,
    /// Calls that found the queue to the engine full.
    pub calls_refused: AtomicU64,
}

/// What an endpoint answers.
pub(super) type Answer = Result<Response, ApiError>;

/// One endpoint.
pub(super) struct Endpoint {
    pub method: &'static str,
    pub path: &'static str,
    /// What its callers must have the right to; `None`: anybody may call, without credentials.
    pub right: Option<Right>,
    /// How errors are written here.
    pub write: WriteError,
    handler: MethodRouter<Arc<Api>>,
    /// What it takes and answers.
    pub operation: fn() -> Operation,
}

impl Endpoint {
    /// One of the native API.
    pub fn new(
        method: &'static str,
        path: &'static str,
        right: Option<Right>,
        handler: MethodRouter<Arc<Api>>,
        operation: fn() -> Operation,
    ) -> Self {
        Self { method, path, right, write: problem::write, handler, operation }
    }

    /// One that writes errors in another way.
    pub fn writing(self, write: WriteError) -> Self {
        Self { write, ..self }
    }
}

/// Every endpoint, and who may call it. docs/security.md has a row for each: a test compares the two.
pub(super) fn endpoints() -> Vec<Endpoint> {
    native::endpoints().into_iter().chain(dialects::endpoints()).collect()
}

/// Every endpoint, behind its gate.
pub(super) fn router(state: ApiState) -> Router {
    let principals = Arc::clone(&state.principals);
    let reads = Arc::new(Semaphore::new(READS_MAX));
    let api = Arc::new(Api {
        mounts: Arc::new(MountTable::new(Arc::clone(&state.mounts))),
        streams: Streams::new(Arc::clone(&state.reader), Arc::clone(&reads)),
        state,
        records: Semaphore::new(RECORDS_REQUESTS_MAX),
        changing: tokio::sync::Mutex::default(),
        trials: Semaphore::new(TRIALS_MAX),
        reads,
        calls_refused: AtomicU64::new(0),
    });
    let mut router = Router::new();
    for Endpoint { method, path, right, write, handler, .. } in endpoints() {
        let handler = match right {
            None => handler,
            Some(right) => {
                let endpoint = format!("{method} {path}").into();
                let gate = Gate { principals: Arc::clone(&principals), endpoint, right };
                handler.route_layer(middleware::from_fn_with_state(gate, gate::pass))
            }
        };
        let handler = handler.route_layer(Extension(Writes(write)));
        let is_one = (method, path) == ("GET", subscriptions::ONE);
        let others = subscriptions::ONE_ALL_THE_SAME.into_iter().filter(|_| is_one);
        for path in std::iter::once(path).chain(others) {
            router = router.route(path, handler.clone());
        }
    }
    router
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .with_state(api)
        .layer(middleware::from_fn(every_request))
}

async fn every_request(request: Request, next: Next) -> Response {
    let mut response = match browser::check(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(error) => Asked::new(request).answer(Err(error)).await,
    };
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}

async fn unknown_path(request: Request) -> Response {
    let error = ApiError::new(StatusCode::NOT_FOUND, "there is nothing at this path");
    Asked::new(request).answer(Err(error)).await
}

async fn wrong_method(request: Request) -> Response {
    let error = ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "this path has other methods: see Allow");
    Asked::new(request).answer(Err(error)).await
}

impl Api {
    /// Asks the engine, and waits for its answer.
    pub async fn ask(&self, ask: Ask) -> Result<model::ask::Answer, ApiError> {
        let (reply, answer) = oneshot::channel();
        self.state.calls.try_send(Call { ask, reply }).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => {
                self.calls_refused.fetch_add(1, Ordering::Relaxed);
                ApiError::come_back("too many requests are waiting; nothing was done")
            }
            mpsc::error::TrySendError::Closed(_) => ApiError::come_back("ringback is going down; nothing was done"),
        })?;
        match answer.await {
            Ok(model::ask::Answer::Unavailable) => Err(ApiError::come_back(
                "the ledger takes no writes now (see the status for why); nothing was recorded or done",
            )),
            Ok(answer) => Ok(answer),
            Err(_) => Err(going_down()),
        }
    }
}

/// The engine answers something else than what it was asked: a fault of ringback's own.
pub(super) fn unexpected(answer: &model::ask::Answer) -> ApiError {
    tracing::error!(?answer, "the engine's answer is to another question");
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "ringback has met a fault of its own; its log says which")
}

pub(super) fn going_down() -> ApiError {
    ApiError::come_back("ringback is going down; whether the request took effect is not known")
}
