//! The `zoom` dialect: subscriptions to events of assets, under ids that the clients choose. Its text is "Subscribe for
//! Events API".
//!
//! It answers 200 whether or not it did what was asked, and says which in `success`; 401 and the faults of the
//! transport have statuses of their own. Beyond the text it takes `linger`, `maxEntries`, `fields`, `secret` and
//! `lifetime`, and the same fields as JSON.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, post};
use serde_json::{Map, Value, json};

use super::super::auth::Right;
use super::super::body::Asked;
use super::super::error::ApiError;
use super::super::gate::{Caller, Did};
use super::super::limits::{IGNORED_BYTES_MAX, REGISTERED_MAX, REGISTRATION_BYTES_MAX};
use super::super::operation::{Operation, array, flag, object, text};
use super::super::router::{Answer, Api, Endpoint};
use super::form::{Fields, Media, unsupported, wrong};
use super::registering::{HIDDEN, without_secret};
use crate::model::duration::parse_duration_ms;
use crate::model::event::Dialect;
use crate::model::format::Format;
use crate::model::nearest::nearest;
use crate::model::principal::Role;
use crate::model::registered::RegisteredQuery;
use crate::model::registration::{Edit, KeptRegistration, Registration, Replaces};
use crate::model::retry::{Accepts, RetrySchedule};
use crate::model::subscription::{Batching, Field, Lifetime, Method, Name, Order};
use crate::model::tenant::Tenant;

const LIST: &str = "/review/api/events/assets/subscribe";
const ONE: &str = "/review/api/events/assets/subscribe/{id}";

/// What the text says to a caller who may not.
const DENIED: &str = "Permission denied. You don't have permission to work on events.";

/// The fields of a registration.
const FIELDS: [&str; 15] = [
    "callback",
    "method",
    "successCode",
    "retryCount",
    "requestType",
    "logicalOperand",
    "watchPath",
    "watchMetadata",
    "header",
    "queryParam",
    "linger",
    "maxEntries",
    "fields",
    "secret",
    "lifetime",
];

/// Retries after the first attempt, unless said.
const RETRIES: u32 = 3;
/// The most of them.
const RETRIES_MAX: u32 = 100;
/// The path of a registration that names none: everything, and no monitoring of it.
const EVERYWHERE: &str = "/";

pub(super) fn endpoints() -> Vec<Endpoint> {
    let endpoint = |method, path, right, handler, operation| {
        Endpoint::new(method, path, Some(right), handler, operation).writing(write)
    };
    vec![
        endpoint("POST", ONE, Right::Register, post(register), register_operation),
        endpoint("GET", ONE, Right::Read, get(show), show_operation),
        endpoint("DELETE", ONE, Right::Register, delete(end), end_operation),
        endpoint("GET", LIST, Right::Read, get(list), list_operation),
    ]
}

/// Writes an error.
fn write(parts: &Parts, error: ApiError) -> Response {
    let status = match error.status {
        StatusCode::BAD_REQUEST
        | StatusCode::FORBIDDEN
        | StatusCode::NOT_FOUND
        | StatusCode::CONFLICT
        | StatusCode::UNPROCESSABLE_ENTITY => StatusCode::OK,
        status => status,
    };
    let mut body = Map::new();
    let id = parts.uri.path().strip_prefix(LIST).and_then(|rest| rest.strip_prefix('/'));
    if let Some(id) = id.filter(|id| is_id(id)) {
        body.insert("id".to_owned(), id.into());
    }
    body.insert("success".to_owned(), false.into());
    let is_denied = error.status == StatusCode::FORBIDDEN;
    body.insert("error".to_owned(), if is_denied { DENIED.into() } else { error.detail.into() });
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().extend(error.headers);
    response
}

async fn register(State(api): State<Arc<Api>>, Path(id): Path<String>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = api.register_in_zoom(&id, &mut asked).await;
    asked.answer(answer).await
}

async fn show(State(api): State<Arc<Api>>, Path(id): Path<String>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = api.show_in_zoom(&id, &mut asked).await;
    asked.answer(answer).await
}

async fn end(State(api): State<Arc<Api>>, Path(id): Path<String>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = api.end_in_zoom(&id, &mut asked).await;
    asked.answer(answer).await
}

async fn list(State(api): State<Arc<Api>>, request: Request) -> Response {
    let asked = Asked::new(request);
    let answer = api.list_in_zoom(asked.caller()).await;
    asked.answer(answer).await
}

impl Api {
    async fn register_in_zoom(&self, id: &str, asked: &mut Asked) -> Answer {
        let body = asked.read(REGISTRATION_BYTES_MAX).await?;
        let fields = match Media::of(&asked.parts.headers) {
            Some(Media::Form) => Fields::of_form(&body)?,
            Some(Media::Json) => Fields::of_json(&body)?,
            None => return Err(unsupported("application/x-www-form-urlencoded or application/json")),
        };
        let name = name(id)?;
        let caller = asked.caller().clone();
        let asked_for = AskedFor::read(fields)?;
        let known = self.registered(&caller, Dialect::Zoom, id).await?;
        // Who administers a tenant replaces what its own people have registered there.
        let replaces = match caller.role {
            Role::SuperAdministrator | Role::NetworkAdministrator => Replaces::Any,
            _ => Replaces::Own,
        };
        let mut tenants = meant(known, &caller)?;
        if tenants.is_empty() {
            tenants = caller.registers_for()?;
        }
        if asked_for.lifetime == Lifetime::Once && tenants.len() > 1 {
            return Err(wrong("lifetime", "takes once of who has a single tenant: each tenant's has a first delivery"));
        }
        let settings = self.state.dialects.get();
        let delays_ms = settings.retry_ms(Dialect::Zoom);
        let put = |tenant| Edit::Put {
            registration: Box::new(asked_for.registration(name.clone(), tenant, delays_ms)),
            replaces,
        };
        self.register(&caller.name, tenants.into_iter().map(put).collect()).await?;
        Ok(done(id))
    }

    async fn show_in_zoom(&self, id: &str, asked: &mut Asked) -> Answer {
        asked.read(IGNORED_BYTES_MAX).await?;
        name(id)?;
        let known = self.registered(asked.caller(), Dialect::Zoom, id).await?;
        let kept = known.into_iter().next().ok_or_else(|| unknown(id))?;
        let mut answer = Map::new();
        answer.insert("id".to_owned(), id.into());
        answer.insert("success".to_owned(), true.into());
        if let Ok(Value::Object(fields)) = serde_json::from_str(&kept.registration.request) {
            answer.extend(fields);
        }
        Ok(Json(answer).into_response())
    }

    async fn end_in_zoom(&self, id: &str, asked: &mut Asked) -> Answer {
        asked.read(IGNORED_BYTES_MAX).await?;
        let name = name(id)?;
        let caller = asked.caller().clone();
        let known = self.registered(&caller, Dialect::Zoom, id).await?;
        if known.is_empty() {
            return Err(unknown(id));
        }
        let is_own = !caller.administers_others();
        let remove = |tenant| Edit::Remove { name: name.clone(), tenant, is_own };
        self.register(&caller.name, meant(known, &caller)?.into_iter().map(remove).collect()).await?;
        Ok(done(id))
    }

    async fn list_in_zoom(&self, caller: &Caller) -> Answer {
        let query = RegisteredQuery {
            owner: Some(caller.name.clone()),
            ..RegisteredQuery::of(Dialect::Zoom, caller.scope.clone(), REGISTERED_MAX)
        };
        let (registered, _) = self.list_registered(query).await?;
        // One that was registered for several tenants has one id.
        let mut ids: Vec<_> = registered.iter().map(|it| it.name.id()).collect();
        ids.dedup();
        Ok(Json(json!({"success": true, "ids": ids})).into_response())
    }
}

fn done(id: &str) -> Response {
    let mut response = Json(json!({"id": id, "success": true})).into_response();
    response.extensions_mut().insert(Did(format!("zoom:{id}")));
    response
}

fn is_id(text: &str) -> bool {
    (8..=40).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn name(id: &str) -> Result<Name, ApiError> {
    let name = Name::registered(Dialect::Zoom, id).ok().filter(|_| is_id(id));
    name.ok_or_else(|| ApiError::of_field("id", "an id is 8 to 40 letters, digits and hyphens".to_owned()))
}

/// Whose of the registrations under one id a caller means: the caller's own, and else those of the one who has them
/// all. The same id may be somebody else's in another tenant.
fn meant(known: Vec<KeptRegistration>, caller: &Caller) -> Result<Vec<Option<Tenant>>, ApiError> {
    let is_own = known.iter().any(|kept| kept.owner == caller.name);
    let first = known.first().map(|kept| kept.owner.clone());
    if !is_own && known.iter().any(|kept| Some(&kept.owner) != first.as_ref()) {
        let detail = "several tenants have registered something under this id, each its own: it is theirs to change";
        return Err(ApiError::new(StatusCode::CONFLICT, detail));
    }
    let of_them = known.into_iter().filter(|kept| !is_own || kept.owner == caller.name);
    Ok(of_them.map(|kept| kept.registration.tenant).collect())
}

fn unknown(id: &str) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, format!("nothing is registered under the id {id}"))
}

/// A registration as it was asked for, defaults filled in.
#[derive(Debug)]
struct AskedFor {
    callback: String,
    method: Method,
    success_code: u16,
    retry_count: u32,
    joins_by_and: bool,
    paths: Vec<String>,
    metadata: Vec<String>,
    headers: Vec<String>,
    query: Vec<String>,
    linger: String,
    linger_ms: u64,
    max_entries: usize,
    fields: Vec<Field>,
    secret: Option<String>,
    lifetime: Lifetime,
}

impl AskedFor {
    fn read(mut given: Fields) -> Result<Self, ApiError> {
        if let Some(other) = given.names().find(|name| !FIELDS.contains(name)) {
            let meant = nearest(other, &FIELDS).map(|near| format!("did you mean `{near}`?"));
            let help = meant.unwrap_or_else(|| format!("there are {}", FIELDS.join(", ")));
            return Err(wrong(other, &format!("is no field of a registration; {help}")));
        }
        let callback = given.one("callback")?.filter(|url| !url.is_empty());
        let linger = given.one("linger")?.unwrap_or_else(|| "0s".to_owned());
        let word_of_field = Field::ALL.map(|field| (field.as_str(), field));
        let field = |text: &String| {
            let known = word_of_field.iter().find(|(word, _)| word == text).map(|(_, field)| *field);
            known.ok_or_else(|| wrong("fields", &format!("takes {}", word_of_field.map(|(word, _)| word).join(", "))))
        };
        let batching = Batching::default();
        given.word("requestType", &[("auto", ())])?;
        Ok(Self {
            callback: callback.ok_or_else(|| wrong("callback", "is missing: the URL to call"))?,
            method: given.word("method", &Method::ALL.map(|it| (it.as_str(), it)))?.unwrap_or(Method::Get),
            success_code: given
                .number("successCode", 100, 599)?
                .and_then(|code| u16::try_from(code).ok())
                .unwrap_or(200),
            retry_count: given.number("retryCount", 0, RETRIES_MAX)?.unwrap_or(RETRIES),
            joins_by_and: given.word("logicalOperand", &[("OR", false), ("AND", true)])?.unwrap_or(false),
            paths: given.all("watchPath").unwrap_or_else(|| vec![EVERYWHERE.to_owned()]),
            metadata: given.all("watchMetadata").unwrap_or_default(),
            headers: given.all("header").unwrap_or_default(),
            query: given.all("queryParam").unwrap_or_default(),
            linger_ms: parse_duration_ms(&linger).map_err(|error| wrong("linger", &format!("is wrong: {error}")))?,
            linger,
            max_entries: given.number("maxEntries", 1, 10_000)?.map_or(batching.max_entries, |max| max as usize),
            fields: given.all("fields").unwrap_or_default().iter().map(field).collect::<Result<_, _>>()?,
            secret: given.one("secret")?,
            lifetime: given.word("lifetime", &Lifetime::ALL.map(|it| (it.as_str(), it)))?.unwrap_or_default(),
        })
    }

    fn registration(&self, name: Name, tenant: Option<Tenant>, delays_ms: &[u64]) -> Registration {
        let first_ms = delays_ms.iter().take(1).copied().collect();
        Registration {
            paths: self.paths.clone(),
            metadata: self.metadata.clone(),
            joins_by_and: self.joins_by_and,
            method: self.method,
            headers: self.headers.clone(),
            query: self.query.clone(),
            accepts: Accepts::Codes(vec![self.success_code]),
            retry: RetrySchedule { retries: Some(self.retry_count), ..RetrySchedule::of_delays(first_ms) },
            batching: Batching { linger_ms: self.linger_ms, max_entries: self.max_entries },
            order: Order::Serial,
            format: Format::Zoom,
            fields: self.fields.clone(),
            lifetime: self.lifetime,
            secret: self.secret.clone(),
            request: self.shown().to_string(),
            ..Registration::new(name, tenant, self.callback.clone())
        }
    }

    /// What reads give back.
    fn shown(&self) -> Value {
        let hidden = |texts: &[String], separator| -> Vec<String> {
            texts.iter().map(|text| without_secret(text, separator)).collect()
        };
        let mut shown = json!({
            "callback": self.callback,
            "method": self.method.as_str(),
            "successCode": self.success_code,
            "retryCount": self.retry_count,
            "requestType": "auto",
            "logicalOperand": if self.joins_by_and { "AND" } else { "OR" },
            "watchPath": self.paths,
            "watchMetadata": self.metadata,
            "header": hidden(&self.headers, ':'),
            "queryParam": hidden(&self.query, '='),
            "linger": self.linger,
            "maxEntries": self.max_entries,
            "fields": self.fields.iter().map(|field| field.as_str()).collect::<Vec<_>>(),
            "lifetime": self.lifetime.as_str(),
        });
        if self.secret.is_some() {
            shown["secret"] = HIDDEN.into();
        }
        shown
    }
}

/// An answer that says whether it did what was asked.
fn answered(summary: &'static str) -> Operation {
    let outcome = object([("success", flag())], [("id", text()), ("error", text())]);
    Operation::new(summary)
        .errors_in("application/json", outcome.clone())
        .answer(200, "What was asked is done, or `error` says why not.", outcome)
        .refusal(415, "The body is neither a form nor JSON.")
}

fn register_operation() -> Operation {
    let body = json!({"type": "object", "required": ["callback"], "properties": {"callback": text()}});
    answered("Registers a callback under an id, in place of what has this id.")
        .body_of("application/x-www-form-urlencoded", body.clone(), true)
        .body_of("application/json", body, true)
}

fn show_operation() -> Operation {
    answered("Shows what is registered under an id, without secrets.")
}

fn end_operation() -> Operation {
    answered("Ends what is registered under an id.")
}

fn list_operation() -> Operation {
    let ids = object([("success", flag())], [("ids", array(text())), ("error", text())]);
    answered("Lists the ids that the caller has registered.").answer_of(200, "The ids.", "application/json", ids)
}
