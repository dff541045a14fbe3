//! The `hal` dialect: subscriptions as tasks of a collection, in `application/hal+json`. Its text is the "Callback"
//! pattern of an HTTP API guideline.
//!
//! What is refused for its content has the status 403, as the text says, and not 422; errors are problems, as the
//! native API writes them. A link is relative to the root of the API. Whoever subscribes without a URL has a topic,
//! which the native API shows under the same UUID.

mod asked_for;

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
use super::super::operation::{Operation, array, closed, object, text, words};
use super::super::router::{Answer, Api, Endpoint};
use super::ids;
use crate::model::event::Dialect;
use crate::model::principal::Role;
use crate::model::registered::{Comparison, Filter, FilterValue, Registered, RegisteredKey, RegisteredQuery};
use crate::model::registration::{Edit, Replaces};
use crate::model::subscription::Name;

/// The media type of what is answered.
const HAL: &str = "application/hal+json";

/// The collection of everything that a caller's tenants have.
const ASSETS: &str = "assets";

const ALL: &str = "/{collection}/tasks";
const ALL_SLASHED: &str = "/{collection}/tasks/";
const ONE: &str = "/{collection}/tasks/{uuid}";

/// The member of a kept request that says of which collection it is. No request has it of its own.
const COLLECTION: &str = "collection";

/// What the text says to whoever subscribes.
const ACCEPTED: &str = "Your request to subscribe to the progress of the task has been accepted.";
/// What the text says to whoever cancels.
const CANCELLED: &str = "Your subscription is cancelled.";

pub(super) fn endpoints() -> Vec<Endpoint> {
    let endpoint = |method, path, right, handler, operation| {
        Endpoint::new(method, path, Some(right), handler, operation).writing(write)
    };
    vec![
        endpoint("POST", ALL, Right::Register, post(subscribe), subscribe_operation),
        endpoint("POST", ALL_SLASHED, Right::Register, post(subscribe), subscribe_operation),
        endpoint("GET", ONE, Right::Read, get(show), show_operation),
        endpoint("PUT", ONE, Right::Register, put(cancel), cancel_operation),
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

async fn subscribe(State(api): State<Arc<Api>>, Path(collection): Path<String>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = api.subscribe_in_hal(&collection, &mut asked).await;
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
    async fn subscribe_in_hal(&self, collection: &str, asked: &mut Asked) -> Answer {
        check_accept(&asked.parts.headers)?;
        let within = self.collection_in_hal(collection)?;
        let caller = asked.caller().clone();
        let fields = body(asked).await?;
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
        let known = self.subscribed_in_hal(&caller, collection, &uuid).await?;
        // Who administers a tenant ends what its own people have registered there.
        let is_own = !matches!(caller.role, Role::SuperAdministrator | Role::NetworkAdministrator);
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
        let body = json!({"_links": {"self": {"href": href(collection, &uuid)}}, "message": CANCELLED, "UUID": uuid});
        Ok(done(&uuid, hal(StatusCode::ACCEPTED, [], &body)))
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

fn subscribe_operation() -> Operation {
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
        ],
    );
    let accepted = object([("_links", links()), ("message", text()), ("UUID", text())], [("topic", text())]);
    operation("Subscribes to what happens to the assets of a collection.")
        .body(body)
        .answer_of(201, "The subscription is accepted.", HAL, accepted)
        .refusal(415, "The body is not JSON.")
}

fn show_operation() -> Operation {
    let state = words(&["active", "cancelled"]);
    let shown = object(
        [("_links", links()), ("UUID", text()), ("state", state), ("mode", text())],
        [("callbackUrl", text()), ("topic", text())],
    );
    operation("Shows a subscription of a collection as it was asked for.").answer_of(
        200,
        "The subscription.",
        HAL,
        shown,
    )
}

fn cancel_operation() -> Operation {
    let cancelled = object([("_links", links()), ("message", text()), ("UUID", text())], []);
    operation("Cancels a subscription of a collection.").optional_body(object([], [("UUID", text())])).answer_of(
        202,
        "The subscription is cancelled.",
        HAL,
        cancelled,
    )
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
