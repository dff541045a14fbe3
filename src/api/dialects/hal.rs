//! The `hal` dialect: subscriptions and work as tasks of a collection, in `application/hal+json`. Its text is the
//! "Callback" pattern of an HTTP API guideline.
//!
//! What is refused for its content has the status 403, as the text says, and not 422; errors are problems, as the
//! native API writes them. A link is relative to the root of the API. Whoever subscribes without a URL has a topic,
//! which the native API shows under the same UUID.

mod asked_for;
mod work;

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use serde_json::{Map, Value, json};

use self::asked_for::AskedFor;
use super::super::auth::Right;
use super::super::body::Asked;
use super::super::error::{ApiError, quoted};
use super::super::gate::{Caller, Did};
use super::super::limits::{IGNORED_BYTES_MAX, REGISTERED_MAX, REGISTRATION_BYTES_MAX};
use super::super::native::problem;
use super::super::operation::{Operation, array, closed, flag, number, object, text, time, words};
use super::super::router::{Answer, Api, Endpoint};
use super::ids;
use crate::model::dialects::DialectSettings;
use crate::model::event::Dialect;
use crate::model::registered::{Comparison, Filter, FilterValue, Registered, RegisteredKey, RegisteredQuery};
use crate::model::registration::{Edit, Replaces};
use crate::model::subscription::Name;
use crate::model::task::TaskState;

/// The media type of what is answered.
const HAL: &str = "application/hal+json";

const ASSETS: &str = DialectSettings::ASSETS;

const ALL: &str = "/{collection}/tasks";
const ALL_SLASHED: &str = "/{collection}/tasks/";
const ONE: &str = "/{collection}/tasks/{uuid}";
const RESULT: &str = "/{collection}/tasks/{uuid}/result";

/// The member of a kept request that says of which collection it is. No request has it of its own.
const COLLECTION: &str = "collection";

/// What the text says to whoever subscribes.
const ACCEPTED: &str = "Your request to subscribe to the progress of the task has been accepted.";
/// What the text says to whoever cancels.
const CANCELLED: &str = "Your subscription is cancelled.";
/// What is said to whoever stops work.
const STOPPED: &str = "The task is stopped.";

pub(super) fn endpoints() -> Vec<Endpoint> {
    let endpoint = |method, path, right, handler, operation| {
        Endpoint::new(method, path, Some(right), handler, operation).writing(write)
    };
    vec![
        // A subscription takes the right to register, too: who only acts begins and stops work.
        endpoint("POST", ALL, Right::Act, post(begin), begin_operation),
        endpoint("POST", ALL_SLASHED, Right::Act, post(begin), begin_operation),
        endpoint("GET", ONE, Right::Read, get(show), show_operation),
        endpoint("GET", RESULT, Right::Read, get(result), result_operation),
        endpoint("PUT", ONE, Right::Act, put(cancel), cancel_operation),
    ]
}

/// Writes an error: a problem. What a request asks for and cannot have is forbidden here.
fn write(parts: &Parts, error: ApiError) -> Response {
    let status = match error.status {
        StatusCode::UNPROCESSABLE_ENTITY | StatusCode::CONFLICT => StatusCode::FORBIDDEN,
        status => status,
    };
    problem::write(parts, ApiError { status, ..error })
}

async fn begin(State(api): State<Arc<Api>>, Path(collection): Path<String>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = api.begin_as_asked_in_hal(&collection, &mut asked).await;
    asked.answer(answer).await
}

async fn result(
    State(api): State<Arc<Api>>,
    Path((collection, uuid)): Path<(String, String)>,
    request: Request,
) -> Response {
    let mut asked = Asked::new(request);
    let answer = api.show_result_in_hal(&collection, &uuid, &mut asked).await;
    asked.answer(answer).await
}

async fn show(
    State(api): State<Arc<Api>>,
    Path((collection, uuid)): Path<(String, String)>,
    request: Request,
) -> Response {
    let mut asked = Asked::new(request);
    let answer = api.show_in_hal(&collection, &uuid, &mut asked).await;
    asked.answer(answer).await
}

async fn cancel(
    State(api): State<Arc<Api>>,
    Path((collection, uuid)): Path<(String, String)>,
    request: Request,
) -> Response {
    let mut asked = Asked::new(request);
    let answer = api.cancel_in_hal(&collection, &uuid, &mut asked).await;
    asked.answer(answer).await
}

impl Api {
    /// Begins work, or subscribes.
    async fn begin_as_asked_in_hal(&self, collection: &str, asked: &mut Asked) -> Answer {
        check_accept(&asked.parts.headers)?;
        let within = self.collection_in_hal(collection)?;
        let fields = body(asked).await?;
        match fields.contains_key(work::TASK) {
            true => self.begin_in_hal(asked.caller(), collection, fields).await,
            false => self.subscribe_in_hal(asked.caller(), collection, within, fields).await,
        }
    }

    async fn show_result_in_hal(&self, collection: &str, uuid: &str, asked: &mut Asked) -> Answer {
        check_accept(&asked.parts.headers)?;
        self.collection_in_hal(collection)?;
        asked.read(IGNORED_BYTES_MAX).await?;
        self.result_in_hal(asked.caller(), collection, &uuid.to_ascii_lowercase()).await
    }

    async fn subscribe_in_hal(
        &self,
        caller: &Caller,
        collection: &str,
        within: Vec<String>,
        fields: Map<String, Value>,
    ) -> Answer {
        caller.check_right(Right::Register)?;
        let asked_for = AskedFor::read(fields, |name| (self.state.knows_event)(name))?;
        let uuid = ids::uuid()?;
        let name = Name::registered(Dialect::Hal, &uuid).map_err(|_| unknown(&uuid))?;
        let schedule = self.schedule(Dialect::Hal);
        let tenants = caller.registers_for()?;
        if asked_for.is_once() && tenants.len() > 1 {
            let why = "`mode` takes once of who has a single tenant: each tenant's has a first call";
            return Err(ApiError::of_field("mode", why.to_owned()));
        }
        let put = |tenant| Edit::Put {
            registration: Box::new(asked_for.registration(name.clone(), tenant, collection, &within, &schedule)),
            replaces: Replaces::Nothing,
        };
        let edits = tenants.into_iter().map(put).collect();
        self.register(&caller.name, edits).await.map_err(in_words_of_the_text)?;
        let href = href(collection, &uuid);
        let mut body = json!({"_links": {"self": {"href": href}}, "message": ACCEPTED, "UUID": uuid});
        if asked_for.has_topic() {
            body["topic"] = json!(uuid);
        }
        Ok(done(&uuid, hal(StatusCode::CREATED, [(header::LOCATION, href)], &body)))
    }

    async fn show_in_hal(&self, collection: &str, uuid: &str, asked: &mut Asked) -> Answer {
        check_accept(&asked.parts.headers)?;
        self.collection_in_hal(collection)?;
        asked.read(IGNORED_BYTES_MAX).await?;
        let uuid = uuid.to_ascii_lowercase();
        if let Some(task) = self.task_in_hal(asked.caller(), collection, &uuid).await? {
            return Ok(work::standing(&task));
        }
        let known = self.subscribed_in_hal(asked.caller(), collection, &uuid).await?;
        let first = known.first().ok_or_else(|| unknown(&uuid))?;
        let is_over = known.iter().all(|it| it.is_over);
        let mut shown: Map<String, Value> = serde_json::from_str(&first.request).unwrap_or_default();
        shown.remove(COLLECTION);
        shown.insert("_links".to_owned(), json!({"self": {"href": href(collection, &uuid)}}));
        if !shown.contains_key("callbackUrl") {
            shown.insert("topic".to_owned(), json!(uuid));
        }
        shown.insert("UUID".to_owned(), uuid.into());
        shown.insert("state".to_owned(), if is_over { "cancelled" } else { "active" }.into());
        Ok(hal(StatusCode::OK, [], &shown.into()))
    }

    async fn cancel_in_hal(&self, collection: &str, uuid: &str, asked: &mut Asked) -> Answer {
        check_accept(&asked.parts.headers)?;
        self.collection_in_hal(collection)?;
        let uuid = uuid.to_ascii_lowercase();
        let caller = asked.caller().clone();
        let named = body(asked).await?.remove("UUID");
        if named.is_some_and(|named| !named.as_str().is_some_and(|named| named.eq_ignore_ascii_case(&uuid))) {
            return Err(ApiError::of_field("UUID", format!("`UUID` is another than {uuid} in the path")));
        }
        let refused = || ApiError { status: StatusCode::FORBIDDEN, ..unknown(&uuid) };
        let task = self.task_in_hal(&caller, collection, &uuid).await?;
        if task.is_some_and(|task| task.state == TaskState::Running) {
            self.stop_in_hal(&uuid).await?;
            return Ok(cancelled(collection, &uuid, STOPPED));
        }
        caller.check_right(Right::Register)?;
        let known = self.subscribed_in_hal(&caller, collection, &uuid).await?;
        // Who administers a tenant ends what its own people have registered there.
        let is_own = !caller.administers_others();
        let active = known.into_iter().filter(|it| !it.is_over);
        let edits: Vec<_> = active.map(|it| Edit::Remove { name: it.name, tenant: it.tenant, is_own }).collect();
        if edits.is_empty() {
            return Err(refused());
        }
        self.register(&caller.name, edits).await.map_err(|error| match error.status {
            // It ended since.
            StatusCode::NOT_FOUND => refused(),
            _ => error,
        })?;
        Ok(cancelled(collection, &uuid, CANCELLED))
    }

    /// The paths at or below which a collection lies; none: it has everything.
    fn collection_in_hal(&self, collection: &str) -> Result<Vec<String>, ApiError> {
        if collection == ASSETS {
            return Ok(Vec::new());
        }
        let settings = self.state.dialects.get();
        let paths = settings.collections.get(collection).cloned();
        paths.ok_or_else(|| {
            let detail = format!("there is no collection {}", quoted(collection));
            ApiError::new(StatusCode::NOT_FOUND, detail)
        })
    }

    /// The subscriptions of a collection that a caller sees under a UUID, one a tenant.
    async fn subscribed_in_hal(
        &self,
        caller: &Caller,
        collection: &str,
        uuid: &str,
    ) -> Result<Vec<Registered>, ApiError> {
        let Ok(name) = Name::registered(Dialect::Hal, uuid) else { return Ok(Vec::new()) };
        let is =
            |key, text: &str| Filter { key, comparison: Comparison::Equal, value: FilterValue::Text(text.to_owned()) };
        let query = RegisteredQuery {
            filters: vec![is(RegisteredKey::Id, name.as_str()), is(RegisteredKey::Asked(COLLECTION), collection)],
            ..RegisteredQuery::of(Dialect::Hal, caller.scope.clone(), REGISTERED_MAX)
        };
        Ok(self.list_registered(query).await?.0)
    }
}

/// Reads a body: an object of JSON. An empty one has no members.
async fn body(asked: &mut Asked) -> Result<Map<String, Value>, ApiError> {
    let body = asked.read(REGISTRATION_BYTES_MAX).await?;
    if body.trim_ascii().is_empty() {
        return Ok(Map::new());
    }
    if !is_json(&asked.parts.headers) {
        let detail = "the body is to be application/json";
        return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    match serde_json::from_slice(&body) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "the body must be an object")),
        Err(error) => {
            let detail = format!("the body is not JSON: {error}");
            Err(ApiError::new(StatusCode::BAD_REQUEST, detail))
        }
    }
}

/// Returns whether a head says that the body is JSON, or says nothing of it.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return true };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// 406 where a head says that it takes nothing of what is answered. Whoever takes `application/json` takes HAL, which
/// is JSON.
fn check_accept(headers: &HeaderMap) -> Result<(), ApiError> {
    let given: Vec<_> = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let takes = |range: &str| {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default().to_ascii_lowercase();
        let is_refused = parts.any(|part| {
            let weight = part.strip_prefix("q=").or(part.strip_prefix("Q="));
            weight.is_some_and(|weight| weight.parse::<f32>().is_ok_and(|weight| weight <= 0.0))
        });
        !is_refused && [HAL, "application/json", "application/*", "*/*"].contains(&media.as_str())
    };
    if given.is_empty() || given.iter().flat_map(|value| value.split(',')).any(takes) {
        return Ok(());
    }
    let detail = format!("this is answered in {HAL}, which the Accept header of the request does not take");
    Err(ApiError::new(StatusCode::NOT_ACCEPTABLE, detail))
}

/// The text calls the URL otherwise than rule files do.
fn in_words_of_the_text(error: ApiError) -> ApiError {
    match error.detail.strip_prefix("callback:") {
        Some(rest) => ApiError { detail: format!("callbackUrl:{rest}"), ..error },
        None => error,
    }
}

fn href(collection: &str, uuid: &str) -> String {
    format!("/{collection}/tasks/{uuid}")
}

fn unknown(uuid: &str) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, format!("there is no task {} in this collection", quoted(uuid)))
}

fn hal<const N: usize>(status: StatusCode, headers: [(HeaderName, String); N], body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, HAL)], headers, body.to_string()).into_response()
}

fn cancelled(collection: &str, uuid: &str, message: &str) -> Response {
    let body = json!({"_links": {"self": {"href": href(collection, uuid)}}, "message": message, "UUID": uuid});
    done(uuid, hal(StatusCode::ACCEPTED, [], &body))
}

/// Says in the audit which task it was.
fn done(uuid: &str, mut response: Response) -> Response {
    response.extensions_mut().insert(Did(format!("hal:{uuid}")));
    response
}

fn links() -> Value {
    object([("self", object([("href", text())], []))], [])
}

/// What is refused for its content is said beside the refusals of roles.
fn operation(summary: &'static str) -> Operation {
    Operation::new(summary)
        .refusal(403, "The role may not, or what the request asks for cannot be had: the detail says why.")
        .refusal(404, "There is no such collection, or no such task.")
        .refusal(406, "The Accept header takes no application/hal+json.")
}

fn begin_operation() -> Operation {
    let one_or_more = || json!({"anyOf": [text(), array(text())]});
    let body = closed(
        [],
        [
            ("callbackUrl", text()),
            ("mode", words(&["once", "continuous"])),
            ("events", one_or_more()),
            ("watchPath", one_or_more()),
            ("watchMetadata", one_or_more()),
            ("logicalOperand", words(&["AND", "OR"])),
            ("task", words(&["rescan", "replay", "backfill"])),
            ("subscription", text()),
            ("since", time()),
            ("path", text()),
            ("acceptDeletions", flag()),
            ("acceptRoot", flag()),
        ],
    );
    let accepted = object([("_links", links()), ("message", text()), ("UUID", text())], [("topic", text())]);
    operation("Subscribes to what happens to the assets of a collection; or, with `task`, begins work.")
        .body(body)
        .answer_of(201, "The subscription is accepted.", HAL, accepted)
        .answer_of(202, "The work has begun.", HAL, task())
        .refusal(410, "What a replay would tell is kept no longer.")
        .refusal(415, "The body is not JSON.")
}

fn show_operation() -> Operation {
    let state = words(&["active", "cancelled"]);
    let shown = object(
        [("_links", links()), ("UUID", text()), ("state", state), ("mode", text())],
        [("callbackUrl", text()), ("topic", text())],
    );
    let shown = json!({"anyOf": [shown, task()]});
    operation("Shows a subscription of a collection as it was asked for, or how a task stands.")
        .answer_of(200, "The subscription; or a task that goes on, was stopped, or failed.", HAL, shown)
        .answer_of(303, "The task is done: Location is where its result is.", HAL, task())
}

fn result_operation() -> Operation {
    operation("Shows what a task came to.").answer_of(200, "The counts.", HAL, task())
}

/// The schema of work.
fn task() -> Value {
    object(
        [("_links", links()), ("UUID", text()), ("task", text()), ("state", text()), ("done", number())],
        [("total", number()), ("subscription", text()), ("_embedded", object([], [("problem", object([], []))]))],
    )
}

fn cancel_operation() -> Operation {
    let cancelled = object([("_links", links()), ("message", text()), ("UUID", text())], []);
    operation("Cancels a subscription of a collection, or stops a task.")
        .optional_body(object([], [("UUID", text())]))
        .answer_of(202, "The subscription is cancelled, or the task stopped.", HAL, cancelled)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};

    use super::check_accept;

    #[test]
    fn whoever_takes_json_is_answered() {
        let takes = |accept: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in accept {
                headers.append(header::ACCEPT, HeaderValue::from_str(value).expect("a value"));
            }
            check_accept(&headers).is_ok()
        };
        for accept in [
            &[][..],
            &["*/*"],
            &["application/hal+json"],
            &["Application/HAL+JSON; q=0.5"],
            &["text/html, application/*;q=0.1"],
            &["text/html", "application/json"],
        ] {
            assert!(takes(accept), "{accept:?}");
        }
        for accept in [&["text/html"][..], &["application/xml, text/*"], &["application/hal+json;q=0"], &[""]] {
            assert!(!takes(accept), "{accept:?}");
        }
    }
}
