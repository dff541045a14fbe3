//! The `compendium` dialect: callbacks for one event each, in one network or in all. Its text is "Register a Callback
//! with the Application".
//!
//! It knows no 401: who shows no credentials is refused with 403, as who may not is. Each refusal is a list of names
//! and messages.

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
use super::super::error::{ApiError, Fault, quoted};
use super::super::gate::{Caller, Did};
use super::super::limits::{IGNORED_BYTES_MAX, REGISTRATION_BYTES_MAX};
use super::super::operation::{Operation, array, number, object, text};
use super::super::router::{Answer, Api, Endpoint};
use super::form::{Fields, Media, unsupported};
use super::ids;
use super::registering::is_https;
use crate::model::dialects::DialectSettings;
use crate::model::event::{Dialect, EventName};
use crate::model::format::Format;
use crate::model::principal::Role;
use crate::model::registered::{Comparison, Filter, FilterValue, RegisteredKey, RegisteredQuery};
use crate::model::registration::{Edit, KeptRegistration, Registration, Replaces};
use crate::model::scope::Scope;
use crate::model::subscription::{Name, Order};
use crate::model::tenant::Tenant;
use crate::model::tenant_ids::GLOBAL_NETWORK;
use crate::model::tenant_ids::TenantIds;

/// The only version of a descriptor.
const VERSION: &str = "1";
/// Callbacks on a page unless said, and at most.
const COUNT: u64 = 25;
const COUNT_MAX: u64 = 1_000;

/// The names that a refusal has.
const WRITE: &str = "Write";
const NETWORK: &str = "NetworkId";
const CALLBACK: &str = "CallbackId";
const EVENT: &str = "EventName";
const VERSION_FIELD: &str = "CallbackVersion";
const DESCRIPTOR: &str = "CallbackDescriptor";

pub(super) fn endpoints() -> Vec<Endpoint> {
    let endpoint = |method, path, right, handler, operation| {
        Endpoint::new(method, path, Some(right), handler, operation).writing(write)
    };
    vec![
        endpoint("POST", "/app/callback", Right::Register, post(register), register_operation),
        endpoint("POST", "/app/callback/json", Right::Register, post(register), register_operation),
        endpoint("GET", "/app/callback/{id}", Right::Read, get(show), show_operation),
        endpoint("DELETE", "/app/callback/{id}", Right::Register, delete(end), end_operation),
        endpoint("GET", "/app/callbacks", Right::Read, get(list), list_operation),
    ]
}

/// Writes an error.
fn write(_: &Parts, error: ApiError) -> Response {
    let status = match error.status {
        StatusCode::UNAUTHORIZED => StatusCode::FORBIDDEN,
        StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
        status => status,
    };
    let name = |field: &str| match field {
        "callback" => DESCRIPTOR,
        "events" => EVENT,
        name => {
            [NETWORK, CALLBACK, EVENT, VERSION_FIELD, DESCRIPTOR].into_iter().find(|it| *it == name).unwrap_or(WRITE)
        }
    };
    let faults = error.faults().iter();
    let mut faults: Vec<_> = faults
        .map(|fault| json!({"Name": name(fault.field.as_deref().unwrap_or_default()), "Message": fault.detail}))
        .collect();
    if faults.is_empty() {
        let name = if error.status == StatusCode::NOT_FOUND { CALLBACK } else { WRITE };
        faults.push(json!({"Name": name, "Message": error.detail}));
    }
    let mut response = (status, Json(json!({"Error": faults}))).into_response();
    response.headers_mut().extend(error.headers);
    response
}

async fn register(State(api): State<Arc<Api>>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = api.register_in_compendium(&mut asked).await;
    asked.answer(answer).await
}

async fn show(State(api): State<Arc<Api>>, Path(id): Path<String>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = api.show_in_compendium(&id, &mut asked).await;
    asked.answer(answer).await
}

async fn end(State(api): State<Arc<Api>>, Path(id): Path<String>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = api.end_in_compendium(&id, &mut asked).await;
    asked.answer(answer).await
}

async fn list(State(api): State<Arc<Api>>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = api.list_in_compendium(&mut asked).await;
    asked.answer(answer).await
}

impl Api {
    async fn register_in_compendium(&self, asked: &mut Asked) -> Answer {
        let body = asked.read(REGISTRATION_BYTES_MAX).await?;
        let fields = match Media::of(&asked.parts.headers) {
            Some(Media::Form) => Fields::of_form(&body)?,
            Some(Media::Json) => Fields::of_json(&body)?,
            None => return Err(unsupported("application/x-www-form-urlencoded")),
        };
        let caller = asked.caller().clone();
        let settings = self.state.dialects.get();
        let AskedFor { event, url, network, tenant } = self.asked_for(fields, &caller, &settings)?;
        let id = ids::uuid()?;
        let request = json!({
            "NetworkId": network,
            "EventName": event.as_str(),
            "CallbackVersion": 1,
            "CallbackDescriptor": {"CallbackUrl": url},
        });
        let name = Name::registered(Dialect::Compendium, &id)
            .map_err(|error| ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()))?;
        let registration = Registration {
            events: vec![event],
            retry: self.schedule(Dialect::Compendium),
            order: Order::Parallel,
            format: Format::Compendium,
            belongs_to: Some(network),
            request: request.to_string(),
            ..Registration::new(name, tenant, url)
        };
        let put = Edit::Put { registration: Box::new(registration), replaces: Replaces::Nothing };
        self.register(&caller.name, vec![put]).await?;
        Ok(done(StatusCode::CREATED, &id))
    }

    async fn show_in_compendium(&self, id: &str, asked: &mut Asked) -> Answer {
        asked.read(IGNORED_BYTES_MAX).await?;
        let kept = self.of_compendium(id, asked.caller()).await?;
        let shown = shown(id, &kept.created.to_string(), &kept.registration.request);
        Ok(Json(json!({"Success": shown})).into_response())
    }

    async fn end_in_compendium(&self, id: &str, asked: &mut Asked) -> Answer {
        asked.read(IGNORED_BYTES_MAX).await?;
        let caller = asked.caller().clone();
        let kept = self.of_compendium(id, &caller).await?;
        let Registration { name, tenant, .. } = kept.registration;
        // Who may register in a network may end what is registered there.
        self.register(&caller.name, vec![Edit::Remove { name, tenant, is_own: false }]).await?;
        Ok(done(StatusCode::OK, id))
    }

    async fn list_in_compendium(&self, asked: &mut Asked) -> Answer {
        asked.read(IGNORED_BYTES_MAX).await?;
        let caller = asked.caller().clone();
        let query = asked.parts.uri.query().unwrap_or_default();
        let mut given = Fields::of_form(query.as_bytes())?;
        const KNOWN: [&str; 7] = ["Count", "Page", "Sort", "Order", "SearchKey", "SearchTerm", "NetworkId"];
        if let Some(other) = given.names().find(|name| !KNOWN.contains(name)) {
            let detail = format!("there is no field {}; there are {}", quoted(other), KNOWN.join(", "));
            return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
        }
        let max = u32::try_from(COUNT_MAX).unwrap_or(u32::MAX);
        let count = given.number("Count", 1, max)?.map_or(COUNT, u64::from);
        let page = given.number("Page", 1, u32::MAX)?.map_or(1, u64::from);
        let sort = [
            (EVENT, RegisteredKey::Asked(EVENT)),
            (NETWORK, RegisteredKey::Asked(NETWORK)),
            ("CreationTimestamp", RegisteredKey::Created),
        ];
        let sort = given.word("Sort", &sort)?.unwrap_or(RegisteredKey::Created);
        let falls = given.word("Order", &[("Ascending", false), ("Descending", true)])?.unwrap_or(false);
        let keys = [(EVENT, RegisteredKey::Asked(EVENT)), (DESCRIPTOR, RegisteredKey::Asked(DESCRIPTOR))];
        let (key, term) = (given.word("SearchKey", &keys)?, given.one("SearchTerm")?);
        let contains =
            |key, text: String| Filter { key, comparison: Comparison::Contains, value: FilterValue::Text(text) };
        let mut filters: Vec<_> = key.zip(term).map(|(key, term)| contains(key, term)).into_iter().collect();
        if let Some(network) = given.one("NetworkId")? {
            let value = FilterValue::Text(network);
            filters.push(Filter { key: RegisteredKey::Asked(NETWORK), comparison: Comparison::Equal, value });
        }
        let query = RegisteredQuery {
            filters,
            order: vec![(sort, falls)],
            offset: (page - 1).saturating_mul(count),
            ..RegisteredQuery::of(Dialect::Compendium, caller.scope, count)
        };
        let (rows, _) = self.list_registered(query).await?;
        let rows: Vec<_> =
            rows.iter().map(|row| shown(row.name.id(), &row.created.to_string(), &row.request)).collect();
        Ok(Json(json!({"Success": rows})).into_response())
    }

    async fn of_compendium(&self, id: &str, caller: &Caller) -> Result<KeptRegistration, ApiError> {
        let known = self.registered(caller, Dialect::Compendium, id).await?;
        known
            .into_iter()
            .next()
            .ok_or_else(|| ApiError::new(StatusCode::NOT_FOUND, format!("there is no callback {}", quoted(id))))
    }

    /// Reads a registration: everything that is wrong with it is said at once.
    fn asked_for(&self, mut given: Fields, caller: &Caller, settings: &DialectSettings) -> Result<AskedFor, ApiError> {
        const KNOWN: [&str; 4] = [EVENT, VERSION_FIELD, DESCRIPTOR, NETWORK];
        let mut faults: Vec<(&str, String)> = Vec::new();
        for other in given.names().filter(|name| !KNOWN.contains(name)) {
            faults.push((WRITE, format!("there is no field {}; there are {}", quoted(other), KNOWN.join(", "))));
        }
        let mut one = |name: &'static str, faults: &mut Vec<(&str, String)>| {
            given.one(name).map_err(|error| faults.push((name, error.detail))).ok().flatten()
        };
        let event = one(EVENT, &mut faults).filter(|name| !name.is_empty());
        let event = match event.as_deref().map(EventName::parse) {
            None => Err("the name of an event is missing".to_owned()),
            Some(Err(error)) => Err(error.to_string()),
            Some(Ok(name)) if (self.state.knows_event)(&name) => Ok(name),
            Some(Ok(name)) => {
                Err(format!("no rule file declares the event `{name}`, and none of this name is built in"))
            }
        };
        let event = event.map_err(|why| faults.push((EVENT, why))).ok();
        match one(VERSION_FIELD, &mut faults).as_deref() {
            Some(VERSION) => {}
            Some(other) => faults.push((VERSION_FIELD, format!("there is no version {}; there is 1", quoted(other)))),
            None => faults.push((VERSION_FIELD, "the version of the descriptor is missing: 1".to_owned())),
        }
        let descriptor = one(DESCRIPTOR, &mut faults).unwrap_or_default();
        let url = callback_url(&descriptor, settings).map_err(|why| faults.push((DESCRIPTOR, why))).ok();
        let network = one(NETWORK, &mut faults).filter(|id| !id.is_empty());
        match self.network(network, caller, settings) {
            Err(error) if error.status == StatusCode::FORBIDDEN => Err(error),
            Err(error) => {
                faults.push((NETWORK, error.detail));
                Err(refused(faults))
            }
            Ok((network, tenant)) => match (event, url) {
                (Some(event), Some(url)) if faults.is_empty() => Ok(AskedFor { event, url, network, tenant }),
                _ => Err(refused(faults)),
            },
        }
    }

    /// The network that a caller means, and whose it is. `None`: everybody's.
    fn network(
        &self,
        given: Option<String>,
        caller: &Caller,
        settings: &DialectSettings,
    ) -> Result<(String, Option<Tenant>), ApiError> {
        let known = |is: &dyn Fn(&TenantIds) -> bool| settings.tenants.iter().find(|ids| is(ids));
        let denied = |why: &str| {
            let fault = Fault { index: 0, field: Some(NETWORK.to_owned()), detail: why.to_owned() };
            ApiError::new(StatusCode::FORBIDDEN, why).with_errors(vec![fault])
        };
        match given.as_deref() {
            Some(GLOBAL_NETWORK) if caller.role == Role::SuperAdministrator => Ok((GLOBAL_NETWORK.to_owned(), None)),
            Some(GLOBAL_NETWORK) => Err(denied("a super-administrator alone registers in the global context")),
            Some(id) => match known(&|ids| ids.network == id) {
                Some(ids) if caller.scope.covers(Some(&ids.tenant)) => Ok((id.to_owned(), Some(ids.tenant.clone()))),
                Some(_) => Err(denied("this network is not one of yours")),
                None => Err(ApiError::of_field(NETWORK, format!("there is no network {}", quoted(id)))),
            },
            None => {
                let own = match &caller.scope {
                    Scope::Of(tenants) if tenants.len() == 1 => tenants.first(),
                    _ => None,
                };
                let found = known(&|ids| Some(&ids.tenant) == own);
                let found = found.map(|ids| (ids.network.clone(), Some(ids.tenant.clone())));
                found.ok_or_else(|| ApiError::of_field(NETWORK, "say which network: you have no single one".to_owned()))
            }
        }
    }
}

/// What is to be registered.
struct AskedFor {
    event: EventName,
    url: String,
    network: String,
    tenant: Option<Tenant>,
}

/// The URL of a descriptor. Plain HTTP is for addresses that the operator has listed.
fn callback_url(descriptor: &str, settings: &DialectSettings) -> Result<String, String> {
    let why = r#"the descriptor of version 1 is JSON: {"CallbackUrl": "https://..."}"#;
    let object: Map<String, Value> = serde_json::from_str(descriptor).map_err(|_| why.to_owned())?;
    if let Some(other) = object.keys().find(|key| *key != "CallbackUrl") {
        return Err(format!("the descriptor has no key {}; {why}", quoted(other)));
    }
    let url = object.get("CallbackUrl").and_then(Value::as_str).ok_or(why)?;
    let is_listed = |url: &url::Url| {
        let address = match url.host() {
            Some(url::Host::Ipv4(address)) => Some(address.into()),
            Some(url::Host::Ipv6(address)) => Some(address.into()),
            _ => None,
        };
        address.is_some_and(|address| settings.allow.iter().any(|network| network.contains(address)))
    };
    if is_https(url) || url::Url::parse(url).is_ok_and(|url| is_listed(&url)) {
        return Ok(url.to_owned());
    }
    Err("CallbackUrl takes an https URL; http is for addresses that [delivery] allow lists".to_owned())
}

fn refused(faults: Vec<(&str, String)>) -> ApiError {
    let detail = faults.first().map(|(_, why)| why.clone()).unwrap_or_default();
    let fault = |(name, detail): (&str, String)| Fault { index: 0, field: Some(name.to_owned()), detail };
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, detail).with_errors(faults.into_iter().map(fault).collect())
}

fn done(status: StatusCode, id: &str) -> Response {
    let mut response = (status, Json(json!({"Success": id}))).into_response();
    response.extensions_mut().insert(Did(format!("compendium:{id}")));
    response
}

/// A registration as it is shown.
fn shown(id: &str, created: &str, request: &str) -> Value {
    let mut shown: Value = serde_json::from_str(request).unwrap_or_default();
    shown[CALLBACK] = id.into();
    shown["CreationTimestamp"] = created.into();
    shown
}

/// An answer, and how this dialect refuses.
fn answered(summary: &'static str, status: u16, schema: Value) -> Operation {
    let fault = object([("Name", text()), ("Message", text())], []);
    let errors = object([("Error", array(fault))], []);
    Operation::new(summary).errors_in("application/json", errors).answer(status, "It is done.", schema)
}

fn success(of: Value) -> Value {
    object([("Success", of)], [])
}

fn callback_schema() -> Value {
    object(
        [
            (CALLBACK, text()),
            (NETWORK, text()),
            (EVENT, text()),
            ("CreationTimestamp", text()),
            (VERSION_FIELD, number()),
            (DESCRIPTOR, object([("CallbackUrl", text())], [])),
        ],
        [],
    )
}

fn register_operation() -> Operation {
    let body = json!({"type": "object", "required": [EVENT, VERSION_FIELD, DESCRIPTOR], "properties": {
        EVENT: text(), VERSION_FIELD: text(), DESCRIPTOR: text(), NETWORK: text()}});
    answered("Registers a callback for one event.", 201, success(text()))
        .body_of("application/x-www-form-urlencoded", body, true)
        .refusal(415, "The body is neither a form nor JSON.")
}

fn show_operation() -> Operation {
    answered("Shows a callback.", 200, success(callback_schema())).refusal(404, "There is no such callback.")
}

fn end_operation() -> Operation {
    answered("Ends a callback.", 200, success(text())).refusal(404, "There is no such callback.")
}

fn list_operation() -> Operation {
    let mut operation = answered("Lists callbacks.", 200, success(array(callback_schema())));
    for (name, what) in [
        ("Count", "Callbacks of a page."),
        ("Page", "Which page, from 1."),
        ("Sort", "EventName, NetworkId or CreationTimestamp."),
        ("Order", "Ascending or Descending."),
        ("SearchKey", "EventName or CallbackDescriptor."),
        ("SearchTerm", "What is to be in it."),
        ("NetworkId", "Of this network alone."),
    ] {
        operation = operation.query(name, text(), what);
    }
    operation.refusal(400, "A field is wrong.")
}
