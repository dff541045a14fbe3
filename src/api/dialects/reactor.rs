//! The `reactor` dialect: callbacks of a property, for types of audit events. Its text is "Callbacks endpoint" of the
//! Reactor API; bodies are documents of JSON:API 1.1. Audit events are read in `reactor/audit.rs`, lists are asked for
//! in `reactor/listing.rs`.

mod audit;
mod document;
mod listing;

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, patch, post};
use serde_json::{Map, Value, json};

use self::document::{Document, answer, answered, callback_schema, page_schema, property_schema};
use self::listing::Listing;
use super::super::auth::Right;
use super::super::body::Asked;
use super::super::error::ApiError;
use super::super::gate::{Caller, Did};
use super::super::limits::{IGNORED_BYTES_MAX, REGISTRATION_BYTES_MAX};
use super::super::operation::{Operation, text};
use super::super::router::{Answer, Api, Endpoint};
use super::ids;
use super::registering::is_https;
use crate::model::dialects::DialectSettings;
use crate::model::event::{Dialect, EventName};
use crate::model::format::Format;
use crate::model::nearest::nearest;
use crate::model::registered::{Comparison, Filter, FilterValue, RegisteredKey, RegisteredQuery};
use crate::model::registration::{Edit, KeptRegistration, Registration, Replaces};
use crate::model::retry::Accepts;
use crate::model::scope::Scope;
use crate::model::subscription::{Name, Order};
use crate::model::tenant_ids::TenantIds;
use crate::model::time::Wall;

const OF_PROPERTY: &str = "/properties/{property}/callbacks";
const ONE: &str = "/callbacks/{callback}";

/// The answers that accept a delivery.
const ACCEPTED: [u16; 2] = [200, 201];

/// Where a document says what is wrong with it.
const URL: &str = "/data/attributes/url";
const SUBSCRIPTIONS: &str = "/data/attributes/subscriptions";

pub(super) fn endpoints() -> Vec<Endpoint> {
    let endpoint = |method, path, right, handler, operation| {
        Endpoint::new(method, path, Some(right), handler, operation).writing(document::write)
    };
    vec![
        endpoint("GET", OF_PROPERTY, Right::Read, get(list), list_operation),
        endpoint("POST", OF_PROPERTY, Right::Register, post(create), create_operation),
        endpoint("GET", ONE, Right::Read, get(show), show_operation),
        endpoint("PATCH", ONE, Right::Register, patch(change), change_operation),
        endpoint("DELETE", ONE, Right::Register, delete(end), end_operation),
        endpoint("GET", "/callbacks/{callback}/property", Right::Read, get(show_property_of), property_operation),
        endpoint("GET", "/properties/{property}", Right::Read, get(show_property), property_operation),
        endpoint("GET", "/audit_events", Right::Read, get(audit::list), audit::list_operation),
        endpoint("GET", "/audit_events/{event}", Right::Read, get(audit::show), audit::show_operation),
    ]
}

async fn list(State(api): State<Arc<Api>>, Path(property): Path<String>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = api.list_reactor_callbacks(&property, &mut asked).await;
    asked.answer(answer).await
}

async fn create(State(api): State<Arc<Api>>, Path(property): Path<String>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = api.create_reactor_callback(&property, &mut asked).await;
    asked.answer(answer).await
}

async fn show(State(api): State<Arc<Api>>, Path(id): Path<String>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = api.show_reactor_callback(&id, &mut asked).await;
    asked.answer(answer).await
}

async fn change(State(api): State<Arc<Api>>, Path(id): Path<String>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = api.change_reactor_callback(&id, &mut asked).await;
    asked.answer(answer).await
}

async fn end(State(api): State<Arc<Api>>, Path(id): Path<String>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = api.end_reactor_callback(&id, &mut asked).await;
    asked.answer(answer).await
}

async fn show_property(State(api): State<Arc<Api>>, Path(id): Path<String>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = api.show_reactor_property(&id, &mut asked).await;
    asked.answer(answer).await
}

async fn show_property_of(State(api): State<Arc<Api>>, Path(id): Path<String>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = api.show_property_of_callback(&id, &mut asked).await;
    asked.answer(answer).await
}

impl Api {
    async fn list_reactor_callbacks(&self, property: &str, asked: &mut Asked) -> Answer {
        let caller = self.reactor_caller(asked).await?;
        let ids = self.property(property, &caller)?;
        let listing = Listing::read(asked.parts.uri.query());
        let mut query = RegisteredQuery {
            filters: listing.registration_filters(),
            order: listing.registration_order(),
            offset: listing.offset(),
            ..RegisteredQuery::of(Dialect::Reactor, Scope::of([ids.tenant.clone()]), listing.size)
        };
        // One that a property had before its tenant was given another is not the property's.
        query.filters.push(Filter {
            key: RegisteredKey::Asked("property"),
            comparison: Comparison::Equal,
            value: FilterValue::Text(ids.property.clone()),
        });
        let (rows, total) = self.list_registered(query).await?;
        let rows: Vec<_> =
            rows.iter().map(|row| callback(row.name.id(), row.created, row.updated, &row.request)).collect();
        Ok(answer(StatusCode::OK, json!({"data": rows, "meta": {"pagination": listing.pagination(total)}})))
    }

    async fn create_reactor_callback(&self, property: &str, asked: &mut Asked) -> Answer {
        let body = asked.read(REGISTRATION_BYTES_MAX).await?;
        let document = Document::read(&asked.parts.headers, &body)?;
        let caller = self.check_organisation(asked)?;
        let ids = self.property(property, &caller)?;
        document.check_type()?;
        let settings = self.state.dialects.get();
        let attributes = Attributes::read(&document, None, |name| self.knows(name, &settings))?;
        let id = format!("CB{}", ids::digits()?);
        self.put_reactor_callback(&caller, &id, &ids, &attributes, Replaces::Nothing).await?;
        let kept = self.reactor_callback(&id, &caller).await?;
        let mut response = answer(StatusCode::CREATED, json!({"data": shown(&kept)}));
        response.extensions_mut().insert(Did(format!("reactor:{id}")));
        Ok(response)
    }

    async fn show_reactor_callback(&self, id: &str, asked: &mut Asked) -> Answer {
        let caller = self.reactor_caller(asked).await?;
        let kept = self.reactor_callback(id, &caller).await?;
        Ok(answer(StatusCode::OK, json!({"data": shown(&kept)})))
    }

    async fn change_reactor_callback(&self, id: &str, asked: &mut Asked) -> Answer {
        let body = asked.read(REGISTRATION_BYTES_MAX).await?;
        let document = Document::read(&asked.parts.headers, &body)?;
        let caller = self.check_organisation(asked)?;
        let _alone = self.changing.lock().await;
        let kept = self.reactor_callback(id, &caller).await?;
        document.check_type()?;
        document.check_id(id)?;
        let settings = self.state.dialects.get();
        let before = Attributes::of(&kept.registration.request);
        let attributes = Attributes::read(&document, Some(before), |name| self.knows(name, &settings))?;
        let property = kept.registration.belongs_to.as_deref().unwrap_or_default();
        let ids = self.property(property, &caller)?;
        self.put_reactor_callback(&caller, id, &ids, &attributes, Replaces::Any).await?;
        let kept = self.reactor_callback(id, &caller).await?;
        Ok(answer(StatusCode::OK, json!({"data": shown(&kept)})))
    }

    async fn end_reactor_callback(&self, id: &str, asked: &mut Asked) -> Answer {
        let caller = self.reactor_caller(asked).await?;
        let _alone = self.changing.lock().await;
        let Registration { name, tenant, .. } = self.reactor_callback(id, &caller).await?.registration;
        // Who administers a property ends whatever is registered in it.
        self.register(&caller.name, vec![Edit::Remove { name, tenant, is_own: false }]).await?;
        Ok(StatusCode::NO_CONTENT.into_response())
    }

    async fn show_reactor_property(&self, id: &str, asked: &mut Asked) -> Answer {
        let caller = self.reactor_caller(asked).await?;
        let ids = self.property(id, &caller)?;
        Ok(answer(StatusCode::OK, json!({"data": property(&ids)})))
    }

    async fn show_property_of_callback(&self, id: &str, asked: &mut Asked) -> Answer {
        let caller = self.reactor_caller(asked).await?;
        let kept = self.reactor_callback(id, &caller).await?;
        let ids = self.property(kept.registration.belongs_to.as_deref().unwrap_or_default(), &caller)?;
        Ok(answer(StatusCode::OK, json!({"data": property(&ids)})))
    }

    async fn put_reactor_callback(
        &self,
        caller: &Caller,
        id: &str,
        ids: &TenantIds,
        attributes: &Attributes,
        replaces: Replaces,
    ) -> Result<(), ApiError> {
        let name = Name::registered(Dialect::Reactor, id)
            .map_err(|error| ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()))?;
        let registration = Registration {
            events: attributes.events.clone(),
            accepts: Accepts::Codes(ACCEPTED.to_vec()),
            retry: self.schedule(Dialect::Reactor),
            order: Order::Parallel,
            format: Format::Reactor,
            belongs_to: Some(ids.property.clone()),
            request: attributes.request(&ids.property).to_string(),
            ..Registration::new(name, Some(ids.tenant.clone()), attributes.url.clone())
        };
        let put = Edit::Put { registration: Box::new(registration), replaces };
        self.register(&caller.name, vec![put]).await
    }

    /// The caller of a request whose body is ignored.
    async fn reactor_caller(&self, asked: &mut Asked) -> Result<Caller, ApiError> {
        asked.read(IGNORED_BYTES_MAX).await?;
        self.check_organisation(asked)
    }

    /// The caller. An organisation that is not theirs is refused; one that is left out is their own.
    fn check_organisation(&self, asked: &Asked) -> Result<Caller, ApiError> {
        let caller = asked.caller().clone();
        let Some(given) = asked.parts.headers.get("x-gw-ims-org-id") else { return Ok(caller) };
        let settings = self.state.dialects.get();
        let is_theirs = |ids: &&TenantIds| {
            ids.organisation.as_bytes() == given.as_bytes() && caller.scope.covers(Some(&ids.tenant))
        };
        if settings.tenants.iter().find(is_theirs).is_some() {
            return Ok(caller);
        }
        Err(ApiError::new(StatusCode::FORBIDDEN, "x-gw-ims-org-id is not the organisation of these credentials"))
    }

    /// The tenant of a property that a caller sees.
    fn property(&self, property: &str, caller: &Caller) -> Result<TenantIds, ApiError> {
        let settings = self.state.dialects.get();
        let is_it = |ids: &&TenantIds| ids.property == property && caller.scope.covers(Some(&ids.tenant));
        let found = settings.tenants.iter().find(is_it).cloned();
        found.ok_or_else(|| ApiError::new(StatusCode::NOT_FOUND, "there is no such property"))
    }

    async fn reactor_callback(&self, id: &str, caller: &Caller) -> Result<KeptRegistration, ApiError> {
        let known = self.registered(caller, Dialect::Reactor, id).await?;
        known.into_iter().next().ok_or_else(|| ApiError::new(StatusCode::NOT_FOUND, "there is no such callback"))
    }

    fn knows(&self, name: &EventName, settings: &DialectSettings) -> bool {
        settings.takes_unknown_types || (self.state.knows_event)(name)
    }
}

/// What a callback says of itself.
#[derive(Debug, Clone, Default)]
struct Attributes {
    url: String,
    /// To the letter.
    subscriptions: Vec<String>,
    events: Vec<EventName>,
}

impl Attributes {
    /// Reads those of a document. Of a document that changes something, what it leaves out stays as it is `before`.
    fn read(document: &Document, before: Option<Self>, knows: impl Fn(&EventName) -> bool) -> Result<Self, ApiError> {
        let given = document.attributes()?;
        if let Some(other) = given.keys().find(|key| !["url", "subscriptions"].contains(&key.as_str())) {
            let pointer = format!("/data/attributes/{other}");
            return Err(ApiError::of_field(&pointer, "a callback has the attributes url and subscriptions".to_owned()));
        }
        let is_new = before.is_none();
        let mut attributes = before.unwrap_or_default();
        match given.get("url") {
            None if !is_new => {}
            Some(Value::String(url)) if is_https(url) => attributes.url = url.clone(),
            Some(_) => return Err(ApiError::of_field(URL, "url takes an https URL".to_owned())),
            None => return Err(ApiError::of_field(URL, "url is missing: the https URL to call".to_owned())),
        }
        match given.get("subscriptions") {
            None if !is_new => {}
            given => {
                let list = given.and_then(Value::as_array).filter(|list| !list.is_empty());
                let why = "subscriptions takes the types of audit events, at least one";
                let list = list.ok_or_else(|| ApiError::of_field(SUBSCRIPTIONS, why.to_owned()))?;
                attributes.subscriptions.clear();
                attributes.events.clear();
                for (at, value) in list.iter().enumerate() {
                    let pointer = format!("{SUBSCRIPTIONS}/{at}");
                    let wrong = |why: String| ApiError::of_field(&pointer, why);
                    let text = value.as_str().ok_or_else(|| wrong("a type of audit events is a text".to_owned()))?;
                    let event = EventName::parse(text).map_err(|error| wrong(error.to_string()))?;
                    if !knows(&event) {
                        let near = nearest(text, &EventName::BUILT_IN).map(|near| format!("; did you mean `{near}`?"));
                        return Err(wrong(format!("there is no event `{event}`{}", near.unwrap_or_default())));
                    }
                    attributes.subscriptions.push(text.to_owned());
                    attributes.events.push(event);
                }
            }
        }
        Ok(attributes)
    }

    /// Those that a registration was made with.
    fn of(request: &str) -> Self {
        let request: Value = serde_json::from_str(request).unwrap_or_default();
        let texts = request["subscriptions"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let subscriptions: Vec<_> = texts.map(str::to_owned).collect();
        let events = subscriptions.iter().filter_map(|text| EventName::parse(text).ok()).collect();
        Self { url: request["url"].as_str().unwrap_or_default().to_owned(), subscriptions, events }
    }

    /// What is kept of a request.
    fn request(&self, property: &str) -> Value {
        json!({"url": self.url, "subscriptions": self.subscriptions, "property": property})
    }
}

fn shown(kept: &KeptRegistration) -> Value {
    callback(kept.registration.name.id(), kept.created, kept.updated, &kept.registration.request)
}

/// A callback, as a resource. Links are relative: nothing here knows by which name the API is reached.
fn callback(id: &str, created: Wall, updated: Wall, request: &str) -> Value {
    let request: Map<String, Value> = serde_json::from_str(request).unwrap_or_default();
    let of = |key: &str| request.get(key).cloned().unwrap_or_default();
    let property = of("property");
    let property_link = format!("/properties/{}", property.as_str().unwrap_or_default());
    json!({
        "id": id,
        "type": "callbacks",
        "attributes": {
            "created_at": created.to_string(),
            "subscriptions": of("subscriptions"),
            "updated_at": updated.to_string(),
            "url": of("url"),
        },
        "relationships": {
            "property": {
                "links": {"related": format!("/callbacks/{id}/property")},
                "data": {"id": property, "type": "properties"},
            },
        },
        "links": {"property": property_link, "self": format!("/callbacks/{id}")},
    })
}

/// A property, as a resource.
fn property(ids: &TenantIds) -> Value {
    let link = format!("/properties/{}", ids.property);
    json!({
        "id": ids.property,
        "type": "properties",
        "attributes": {"name": ids.tenant.as_str(), "enabled": true},
        "relationships": {"callbacks": {"links": {"related": format!("{link}/callbacks")}}},
        "links": {"self": link},
    })
}

/// Whatever a list takes.
fn paged(operation: Operation) -> Operation {
    let fields = [
        ("page[number]", "Which page, from 1."),
        ("page[size]", "Rows of a page: 25 unless said, at most 100."),
        ("filter[created_at]", "An operator and a time: GT 2026-01-01T00:00:00Z."),
        ("filter[updated_at]", "An operator and a time."),
        ("sort", "Names with + or -, separated by commas."),
    ];
    fields.into_iter().fold(operation, |operation, (name, what)| operation.query(name, text(), what))
}

fn list_operation() -> Operation {
    paged(answered("Lists the callbacks of a property.", 200, page_schema(callback_schema())))
}

fn create_operation() -> Operation {
    let body = json!({"type": "object", "required": ["data"], "properties": {"data": {"type": "object"}}});
    answered("Registers a callback of a property.", 201, document::schema(callback_schema()))
        .body_of("application/json", body.clone(), true)
        .body_of("application/vnd.api+json", body, true)
        .refusal(409, "The type is not that of callbacks.")
}

fn show_operation() -> Operation {
    answered("Shows a callback.", 200, document::schema(callback_schema()))
}

fn change_operation() -> Operation {
    let body = json!({"type": "object", "required": ["data"], "properties": {"data": {"type": "object"}}});
    answered("Changes a callback: what is left out stays.", 200, document::schema(callback_schema()))
        .body_of("application/json", body.clone(), true)
        .body_of("application/vnd.api+json", body, true)
        .refusal(409, "The id or the type is not that of the path.")
}

fn end_operation() -> Operation {
    answered("Ends a callback.", 204, json!({}))
}

fn property_operation() -> Operation {
    answered("Shows a property.", 200, document::schema(property_schema()))
}
