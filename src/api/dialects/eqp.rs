//! The `eqp` dialect: the callbacks of a user's profile. Its text is "API callbacks"; sessions are of the same API.
//!
//! A principal is a user, known by its `mage_id`; its callbacks are a list, which is replaced as a whole. Each hears of
//! every event that is marked for this dialect, in the user's tenants.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::super::auth::Right;
use super::super::body::Asked;
use super::super::error::ApiError;
use super::super::gate::{Caller, Did};
use super::super::limits::{EQP_CALLBACKS_MAX, IGNORED_BYTES_MAX, REGISTRATION_BYTES_MAX};
use super::super::operation::{Operation, array, number, object, text};
use super::super::router::{Answer, Api, Endpoint, unexpected};
use super::super::sessions;
use super::super::token::Token;
use super::form::{json_object, wrong};
use super::registering::is_https;
use crate::model::ask::{Answer as Answered, Ask};
use crate::model::event::Dialect;
use crate::model::format::Format;
use crate::model::registered::RegisteredQuery;
use crate::model::registration::{Edit, KeptRegistration, Registration, Replaces};
use crate::model::retry::RetrySchedule;
use crate::model::session::Session;
use crate::model::subscription::{Name, Order};
use crate::model::tenant::Tenant;
use crate::model::time::Wall;

const SESSION: &str = "/rest/v1/app/session/token";
const USER: &str = "/rest/v1/users/{mage_id}";

/// How long a session lasts unless said, and at most, seconds.
const SESSION_S: u64 = 3_600;
const SESSION_S_MAX: u64 = 86_400;

pub(super) fn endpoints() -> Vec<Endpoint> {
    let endpoint = |method, path, right, handler, operation| {
        Endpoint::new(method, path, Some(right), handler, operation).writing(write)
    };
    vec![
        endpoint("POST", SESSION, Right::Session, post(open_session), session_operation),
        endpoint("GET", USER, Right::Read, get(show), show_operation),
        endpoint("PUT", USER, Right::Register, put(replace), replace_operation),
    ]
}

/// Writes an error.
fn write(_: &Parts, error: ApiError) -> Response {
    let body = json!({"code": error.status.as_u16(), "message": error.detail});
    let mut response = (error.status, Json(body)).into_response();
    response.headers_mut().extend(error.headers);
    response
}

async fn open_session(State(api): State<Arc<Api>>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = api.open_eqp_session(&mut asked).await;
    asked.answer(answer).await
}

async fn show(State(api): State<Arc<Api>>, Path(mage_id): Path<String>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = api.show_eqp_user(&mage_id, &mut asked).await;
    asked.answer(answer).await
}

async fn replace(State(api): State<Arc<Api>>, Path(mage_id): Path<String>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = api.replace_eqp_callbacks(&mage_id, &mut asked).await;
    asked.answer(answer).await
}

impl Api {
    async fn open_eqp_session(&self, asked: &mut Asked) -> Answer {
        let body = asked.read(REGISTRATION_BYTES_MAX).await?;
        let scheme = asked.parts.headers.get(header::AUTHORIZATION).map(|value| value.as_bytes().to_ascii_lowercase());
        if !scheme.is_some_and(|value| value.starts_with(b"basic ")) {
            // A session is no credential to begin others with.
            let detail = "begin a session with Authorization: Basic, of the principal's name and its token";
            return Err(ApiError::new(StatusCode::UNAUTHORIZED, detail));
        }
        let body = json_object(&asked.parts.headers, &body)?;
        if body.get("grant_type") != Some(&json!("session")) {
            return Err(wrong("grant_type", "takes session"));
        }
        let expires_in = match body.get("expires_in") {
            None | Some(Value::Null) => SESSION_S,
            Some(value) => value
                .as_u64()
                .filter(|seconds| *seconds > 0)
                .ok_or_else(|| wrong("expires_in", "takes a whole number of seconds, at least 1"))?,
        };
        let expires_in = expires_in.min(SESSION_S_MAX);
        let caller = asked.caller().clone();
        let token = Token::random().map_err(|error| {
            tracing::error!(%error, "the system gives no random bytes for a token");
            ApiError::come_back("no session can be begun now; the log says why")
        })?;
        let session = Session {
            token_sha256: token.sha256(),
            credential_sha256: self.state.principals.credential(&caller.name).unwrap_or_default(),
            principal: caller.name.clone(),
            expires: Wall(sessions::now().0.saturating_add_unsigned(expires_in * 1_000)),
        };
        match self.ask(Ask::OpenSession(session.clone())).await? {
            Answered::Done => {}
            other => return Err(unexpected(&other)),
        }
        self.state.principals.let_in(session);
        let body = json!({"mage_id": caller.mage_id.to_string(), "ust": token.as_str(), "expires_in": expires_in});
        Ok(Json(body).into_response())
    }

    async fn show_eqp_user(&self, mage_id: &str, asked: &mut Asked) -> Answer {
        asked.read(IGNORED_BYTES_MAX).await?;
        let caller = own(asked, mage_id)?;
        let is_summary = url::form_urlencoded::parse(asked.parts.uri.query().unwrap_or_default().as_bytes())
            .any(|(name, value)| name == "style" && value == "summary");
        let callbacks = if is_summary { None } else { Some(self.eqp_callbacks(&caller).await?) };
        Ok(profile(&caller, callbacks))
    }

    async fn replace_eqp_callbacks(&self, mage_id: &str, asked: &mut Asked) -> Answer {
        let body = asked.read(REGISTRATION_BYTES_MAX).await?;
        let caller = own(asked, mage_id)?;
        let mut body = json_object(&asked.parts.headers, &body)?;
        // The other keys are of the profile, which ringback does not keep.
        let Some(callbacks) = body.remove("api_callbacks") else {
            return Ok(profile(&caller, Some(self.eqp_callbacks(&caller).await?)));
        };
        let Value::Array(list) = callbacks else { return Err(wrong("api_callbacks", "takes a list")) };
        let tenants = caller.registers_for()?;
        if list.len() * tenants.len() > EQP_CALLBACKS_MAX {
            let why = format!("takes at most {EQP_CALLBACKS_MAX} callbacks, each counted for each of your tenants");
            return Err(wrong("api_callbacks", &why));
        }
        // What is read here is what is replaced.
        let _alone = self.changing.lock().await;
        let known = self.eqp_registrations(&caller).await?;
        let callbacks: Vec<_> = list
            .into_iter()
            .enumerate()
            .map(|(at, value)| Callback::read(at, value, &known))
            .collect::<Result<_, _>>()?;
        let mut edits = Vec::new();
        let retry = self.schedule(Dialect::Eqp);
        for tenant in &tenants {
            for (at, callback) in callbacks.iter().enumerate() {
                let registration = callback.registration(name(&caller, at)?, tenant.clone(), retry.clone());
                edits.push(Edit::Put { registration: Box::new(registration), replaces: Replaces::Own });
            }
        }
        for KeptRegistration { registration: Registration { name, tenant, .. }, .. } in known {
            if position(&name).is_some_and(|at| at >= callbacks.len()) || !tenants.contains(&tenant) {
                edits.push(Edit::Remove { name, tenant, is_own: true });
            }
        }
        if !edits.is_empty() {
            self.register(&caller.name, edits).await.map_err(in_words_of_a_callback)?;
        }
        let shown = callbacks.iter().map(Callback::shown).collect();
        let mut response = profile(&caller, Some(shown));
        response.extensions_mut().insert(Did(format!("eqp:{}, {} callbacks", caller.mage_id, callbacks.len())));
        Ok(response)
    }

    /// What a caller has registered, by position.
    async fn eqp_registrations(&self, caller: &Caller) -> Result<Vec<KeptRegistration>, ApiError> {
        let limit = EQP_CALLBACKS_MAX as u64;
        let query = RegisteredQuery {
            owner: Some(caller.name.clone()),
            ..RegisteredQuery::of(Dialect::Eqp, caller.scope.clone(), limit)
        };
        let (listed, _) = self.list_registered(query).await?;
        let mut ids: Vec<_> = listed.iter().map(|it| it.name.id().to_owned()).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut known = Vec::new();
        for id in ids {
            known.extend(self.registered(caller, Dialect::Eqp, &id).await?);
        }
        known.sort_by_key(|kept| position(&kept.registration.name));
        Ok(known)
    }

    /// The callbacks of a caller, each once, as they are shown.
    async fn eqp_callbacks(&self, caller: &Caller) -> Result<Vec<Value>, ApiError> {
        let mut known = self.eqp_registrations(caller).await?;
        // One of several tenants is registered for each.
        known.dedup_by_key(|kept| position(&kept.registration.name));
        Ok(known.iter().filter_map(|kept| serde_json::from_str(&kept.registration.request).ok()).collect())
    }
}

/// The caller, who may see and change no user but itself.
fn own(asked: &Asked, mage_id: &str) -> Result<Caller, ApiError> {
    let caller = asked.caller().clone();
    if caller.mage_id.to_string() == mage_id {
        return Ok(caller);
    }
    Err(ApiError::new(StatusCode::FORBIDDEN, format!("these credentials are of the user {}", caller.mage_id)))
}

fn profile(caller: &Caller, callbacks: Option<Vec<Value>>) -> Response {
    let mut profile = json!({"mage_id": caller.mage_id.to_string(), "name": caller.name});
    if let Some(callbacks) = callbacks {
        profile["api_callbacks"] = callbacks.into();
    }
    Json(profile).into_response()
}

fn name(caller: &Caller, position: usize) -> Result<Name, ApiError> {
    let name = Name::registered(Dialect::Eqp, &format!("{}:{position}", caller.mage_id));
    name.map_err(|error| ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()))
}

fn position(name: &Name) -> Option<usize> {
    name.id().rsplit_once(':')?.1.parse().ok()
}

/// A fault of the engine's, in the words of the list.
fn in_words_of_a_callback(error: ApiError) -> ApiError {
    let Some(fault) = error.faults().first() else { return error };
    let detail = match fault.field.as_deref() {
        Some("callback") => format!("api_callbacks[{}].url: {}", fault.index, error.detail),
        _ => format!("api_callbacks[{}]: {}", fault.index, error.detail),
    };
    ApiError { detail, ..error }
}

/// One callback of the list.
#[derive(Debug)]
struct Callback {
    /// As it is shown: without its password.
    shown: Map<String, Value>,
    url: String,
    /// The header that authenticates ringback to it.
    authorization: String,
}

impl Callback {
    /// Reads the one at a position. A password that is left out is that of the same user at the same URL in `known`.
    fn read(at: usize, value: Value, known: &[KeptRegistration]) -> Result<Self, ApiError> {
        let field = |key: &str| format!("api_callbacks[{at}].{key}");
        let Value::Object(mut given) = value else {
            return Err(wrong(&format!("api_callbacks[{at}]"), "takes an object with url, username and password"));
        };
        let mut text = |key: &str| match given.remove(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong(&field(key), "takes a text")),
        };
        let (name, url) = (text("name")?, text("url")?);
        let (username, password) = (text("username")?, text("password")?);
        if let Some(other) = given.keys().next() {
            return Err(wrong(&field(other), "is no key of a callback; there are name, url, username and password"));
        }
        let url = url.ok_or_else(|| wrong(&field("url"), "is missing: the https URL to call"))?;
        if !is_https(&url) {
            return Err(wrong(&field("url"), "takes an https URL: callbacks carry a password"));
        }
        let username = username.filter(|name| !name.is_empty() && !name.contains(':'));
        let username = username.ok_or_else(|| wrong(&field("username"), "takes a text without a colon"))?;
        let mut shown = Map::new();
        shown.extend(name.map(|name| ("name".to_owned(), name.into())));
        shown.insert("url".to_owned(), url.clone().into());
        shown.insert("username".to_owned(), username.clone().into());
        let authorization = match password {
            Some(password) => format!("Authorization: Basic {}", STANDARD.encode(format!("{username}:{password}"))),
            None => {
                let is_same = |kept: &&KeptRegistration| {
                    let before: Value = serde_json::from_str(&kept.registration.request).unwrap_or_default();
                    (before["url"].as_str(), before["username"].as_str()) == (Some(&url), Some(&username))
                };
                let before = known.iter().find(is_same).and_then(|kept| kept.registration.headers.first().cloned());
                before.ok_or_else(|| {
                    wrong(&field("password"), "is missing: no callback of this url and username is there")
                })?
            }
        };
        Ok(Self { shown, url, authorization })
    }

    fn shown(&self) -> Value {
        Value::Object(self.shown.clone())
    }

    fn registration(&self, name: Name, tenant: Option<Tenant>, retry: RetrySchedule) -> Registration {
        Registration {
            hears_marked: true,
            headers: vec![self.authorization.clone()],
            retry,
            order: Order::Parallel,
            format: Format::Eqp,
            request: self.shown().to_string(),
            ..Registration::new(name, tenant, self.url.clone())
        }
    }
}

/// An answer, and how this dialect refuses.
fn answered(summary: &'static str, schema: Value) -> Operation {
    let error = object([("code", number()), ("message", text())], []);
    Operation::new(summary).errors_in("application/json", error).answer(200, "It is done.", schema)
}

fn profile_schema() -> Value {
    let callback = object([("url", text()), ("username", text())], [("name", text())]);
    object([("mage_id", text()), ("name", text())], [("api_callbacks", array(callback))])
}

fn session_operation() -> Operation {
    let body = json!({"type": "object", "required": ["grant_type"], "properties": {
        "grant_type": {"const": "session"}, "expires_in": {"type": "integer", "minimum": 1}}});
    answered(
        "Begins a session of the caller, who shows Basic credentials.",
        object([("mage_id", text()), ("ust", text()), ("expires_in", number())], []),
    )
    .body(body)
    .refusal(415, "The body is no JSON.")
}

fn show_operation() -> Operation {
    answered("Shows the caller's profile, and its callbacks without their passwords.", profile_schema()).query(
        "style",
        text(),
        "`summary` leaves the callbacks out.",
    )
}

fn replace_operation() -> Operation {
    let body = json!({"type": "object", "properties": {"api_callbacks": {"type": "array"}}});
    answered("Replaces the caller's callbacks as a whole.", profile_schema())
        .body(body)
        .refusal(415, "The body is no JSON.")
}
