//! The `hal` dialect over the router, with an engine behind it that registers.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower_service::Service as _;

use super::ledger::ledger_and_reader;
use super::{Call, api_on};
use crate::api::body::Peer;
use crate::api::router;
use crate::engine::{Effect, Engine, Input};
use crate::intake::Setup;
use crate::model::dialects::DialectSettings;
use crate::model::event::Dialect;
use crate::model::format::Format;
use crate::model::ids::{ReplyId, SubscriptionId};
use crate::model::registration::Registration;
use crate::model::retention::Retention;
use crate::model::retry::Accepts;
use crate::model::scope::Scope;
use crate::model::subscription::{Lifetime, Name, Order};
use crate::model::time::{Mono, Now};
use crate::model::uuid;
use crate::settle::Patience;
use crate::store::Reader;

/// The API, with the collection `items` beside the built-in one.
struct Served {
    router: Router,
    reader: std::sync::Arc<Reader>,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Served {
    fn new() -> Self {
        let (ledger, reader) = ledger_and_reader(0);
        let (state, mut calls) = api_on(reader, true);
        let paths = vec!["/acme/items".to_owned(), "/acme/more".to_owned()];
        let collections = BTreeMap::from([("items".to_owned(), paths)]);
        state.dialects.set(DialectSettings { collections, ..DialectSettings::default() });
        std::thread::spawn(move || {
            let now = Now { mono: Mono(0), wall: super::ledger::AT };
            let setup =
                Setup { mounts: super::mounts().to_vec(), patience: Patience { quiet_ms: 1_000, max_ms: None } };
            let mut engine = Engine::new(ledger, setup, Retention::default(), now).expect("an engine");
            while let Some(Call { ask, reply }) = calls.blocking_recv() {
                let ran = engine.run(now, vec![Input::Ask(ReplyId(1), ask)]);
                let answers = ran.effects.into_iter().filter_map(|effect| match effect {
                    Effect::Answer(_, answer) => Some(answer),
                    _ => None,
                });
                reply.send(answers.last().expect("an answer")).expect("a caller waits");
            }
        });
        Self { reader: std::sync::Arc::clone(&state.reader), router: router::router(state) }
    }

    async fn ask(&mut self, token: &str, line: &str, head: &[(&str, &str)], body: &str) -> Answer {
        let (method, path) = line.split_once(' ').expect("a method and a path");
        let mut request = Request::builder().method(method).uri(path).extension(Peer(([127, 0, 0, 1], 1).into()));
        if !token.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        for (name, value) in head {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).expect("a request");
        let response = self.router.call(request).await.unwrap_or_else(|never| match never {});
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// As the administrator of the tenant `acme`.
    async fn acme(&mut self, line: &str, body: Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.ask("network-administrator", line, &[("content-type", "application/json")], &body).await
    }

    /// How many entries a topic has, and how many its subscription is owed.
    fn places_of(&self, uuid: &str) -> (usize, u64) {
        let ids = self.reader.subscriptions_named(&format!("hal:{uuid}")).expect("rows");
        let page = self.reader.topic(&ids, None, 10).expect("rows").expect("nothing is forgotten");
        let rows = self.reader.subscriptions(SubscriptionId(ids[0].0 - 1), 1).expect("rows");
        (page.rows.len(), rows.iter().map(|row| row.owed).sum())
    }

    /// Subscribes, and returns the UUID and the registration that came of it.
    async fn subscribed(&mut self, collection: &str, body: Value) -> (String, Registration) {
        let answer = self.acme(&format!("POST /{collection}/tasks"), body).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let uuid = answer.body["UUID"].as_str().expect("a UUID").to_owned();
        let name = Name::registered(Dialect::Hal, &uuid).expect("an id");
        let kept = self.reader.registrations_named(&Scope::All, &name).expect("rows");
        (uuid, kept.into_iter().next().expect("a registration").registration)
    }
}

impl Answer {
    #[track_caller]
    fn is_problem(&self, status: u16, says: &str) {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(self.body["status"], status);
        for member in ["type", "title", "detail"] {
            assert!(self.body[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {}", self.body);
        }
        let detail = self.body["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(says), "{says}: {detail}");
    }

    #[track_caller]
    fn is_hal(&self, status: u16) {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/hal+json");
    }
}

fn hook() -> Value {
    json!({"callbackUrl": "https://example.com/hook?a=b"})
}

/// The request, with members more.
fn hook_with(more: Value) -> Value {
    let mut body = hook();
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    body
}

#[tokio::test]
async fn a_subscription_is_accepted_shown_and_cancelled_in_the_words_of_the_text() {
    let mut served = Served::new();
    for path in ["/items/tasks", "/items/tasks/"] {
        let asked = hook_with(json!({"mode": "once", "watchPath": ["* /acme/items/a"]}));
        let answer = served.acme(&format!("POST {path}"), asked).await;
        answer.is_hal(201);
        let uuid = answer.body["UUID"].as_str().expect("a UUID").to_owned();
        assert!(uuid::is_one(&uuid) && &uuid[14..15] == "4", "{uuid}");
        let href = format!("/items/tasks/{uuid}");
        let message = "Your request to subscribe to the progress of the task has been accepted.";
        let expect = json!({"_links": {"self": {"href": href}}, "message": message, "UUID": uuid});
        assert_eq!(answer.body, expect);
        assert_eq!(answer.headers[header::LOCATION], href);

        let shown = served.acme(&format!("GET {href}"), Value::Null).await;
        shown.is_hal(200);
        let expect = json!({
            "_links": {"self": {"href": href}}, "UUID": uuid, "state": "active", "mode": "once",
            "callbackUrl": "https://example.com/hook?a=b", "watchPath": ["* /acme/items/a"],
        });
        assert_eq!(shown.body, expect);
        let elsewhere = served.acme(&format!("GET /assets/tasks/{uuid}"), Value::Null).await;
        elsewhere.is_problem(404, &uuid);

        let other = json!({"UUID": "00000000-0000-4000-8000-000000000000"});
        served.acme(&format!("PUT {href}"), other).await.is_problem(403, "`UUID` is another than");
        let cancelled = served.acme(&format!("PUT {href}"), json!({"UUID": uuid})).await;
        cancelled.is_hal(202);
        let expect =
            json!({"_links": {"self": {"href": href}}, "message": "Your subscription is cancelled.", "UUID": uuid});
        assert_eq!(cancelled.body, expect);
        served.acme(&format!("PUT {href}"), Value::Null).await.is_problem(403, "no task");
        served.acme(&format!("GET {href}"), Value::Null).await.is_problem(404, "no task");
    }
}

#[tokio::test]
async fn a_subscription_means_what_the_dialect_says() {
    let mut served = Served::new();
    let (uuid, registration) = served.subscribed("assets", hook()).await;
    let delays = [60_000, 300_000, 1_800_000, 3_600_000, 43_200_000, 86_400_000, 259_200_000];
    assert_eq!(registration.name.as_str(), format!("hal:{uuid}"));
    assert_eq!(registration.accepts, Accepts::Codes(vec![200]));
    assert_eq!((&registration.retry.delays_ms[..], &registration.retry.never_after[..]), (&delays[..], &[403][..]));
    assert_eq!((registration.order, registration.format), (Order::Parallel, Format::Hal));
    assert_eq!((registration.lifetime, registration.belongs_to.as_deref()), (Lifetime::Continuous, Some("assets")));
    assert_eq!(registration.tenant.as_ref().map(|tenant| tenant.as_str()), Some("acme"));
    let everything = |it: &Registration| (it.paths.join(" "), it.metadata.join(" "), it.joins_by_and);
    assert_eq!(everything(&registration), ("* /".to_owned(), "*==*".to_owned(), false));

    let (_, registration) = served.subscribed("items", hook()).await;
    assert_eq!(everything(&registration), ("* /acme/items * /acme/more".to_owned(), "*==*".to_owned(), false));
    assert_eq!(registration.within, ["/acme/items", "/acme/more"]);
    assert_eq!(registration.belongs_to.as_deref(), Some("items"));

    let filtered = hook_with(json!({
        "mode": "once", "watchMetadata": ["City==SFO", "Rating>=4"], "logicalOperand": "AND", "events": "asset.added",
    }));
    let (_, registration) = served.subscribed("items", filtered).await;
    assert_eq!(everything(&registration), (String::new(), "City==SFO Rating>=4".to_owned(), true));
    assert_eq!(registration.events.iter().map(|name| name.as_str()).collect::<Vec<_>>(), ["asset.added"]);
    assert_eq!(registration.lifetime, Lifetime::Once);
}

#[tokio::test]
async fn without_a_url_there_is_a_topic_which_the_native_api_shows() {
    let mut served = Served::new();
    let (uuid, registration) = served.subscribed("assets", json!({"events": ["build.created"]})).await;
    assert!(registration.is_topic && registration.callback.is_empty());
    let shown = served.acme(&format!("GET /assets/tasks/{uuid}"), Value::Null).await;
    assert_eq!((&shown.body["topic"], shown.body.get("callbackUrl")), (&json!(uuid), None));
    let report = json!([{"event": "build.created", "tenant": "acme", "entity": {"id": "BL1"}}]).to_string();
    let head = [("content-type", "application/json")];
    let reported = served.ask("recorder", "POST /v1/records", &head, &report).await;
    assert_eq!(reported.status, 202, "{}", reported.body);
    let (dispatched, _) = served.places_of(&uuid);
    assert_eq!(dispatched, 1, "it is told to the topic, and owed to nobody");
    served.acme(&format!("PUT /assets/tasks/{uuid}"), Value::Null).await.is_hal(202);
    let reported = served.ask("recorder", "POST /v1/records", &head, &report).await;
    assert_eq!(reported.status, 202, "{}", reported.body);
    let (dispatched, owed) = served.places_of(&uuid);
    assert_eq!((dispatched, owed), (1, 0), "what has ended is told nothing");
    let once = served.acme("POST /assets/tasks", json!({"mode": "once"})).await;
    once.is_problem(403, "`mode` is once, which takes a `callbackUrl`");
}

#[tokio::test]
async fn what_is_refused_is_a_problem_that_names_what_is_wrong() {
    let mut served = Served::new();
    for (more, says) in [
        (json!({"callbackUrl": "http://example.com/hook"}), "`callbackUrl` takes an absolute https URL"),
        (json!({"callbackUrl": 1}), "`callbackUrl` takes a text"),
        (json!({"callbackUrl": "https://"}), "callbackUrl: "),
        (json!({"callbackURL": "https://example.com"}), "did you mean `callbackUrl`?"),
        (json!({"mode": "twice"}), "`mode` takes continuous or once, and not \"twice\""),
        (json!({"logicalOperand": "XOR"}), "`logicalOperand` takes OR or AND"),
        (json!({"events": ["asset.aded"]}), "did you mean asset.added?"),
        (json!({"events": [1]}), "`events` takes a text, or a list of texts"),
        (json!({"watchPath": ["* /acme/items/a", "acme/items"]}), "watchPath \"acme/items\": "),
        (json!({"watchPath": ["* /acme/itemset"]}), "watchPath \"* /acme/itemset\": it reaches beyond"),
        (json!({"watchPath": "/acme/items"}), "nothing to watch"),
        (json!({"watchMetadata": ["City"]}), "watchMetadata \"City\": "),
    ] {
        let answer = served.acme("POST /items/tasks", hook_with(more)).await;
        answer.is_problem(403, says);
    }
    let answer = served.acme("POST /items/tasks", json!([])).await;
    answer.is_problem(403, "object");
    let json = ("content-type", "application/json");
    let token = "network-administrator";
    let head = [json];
    served.ask(token, "POST /items/tasks", &head, "{").await.is_problem(400, "not JSON");
    served.ask(token, "POST /other/tasks", &head, "{}").await.is_problem(404, "no collection \"other\"");
    served.ask(token, "GET /other/tasks/x", &head, "").await.is_problem(404, "no collection \"other\"");
    served.ask(token, "GET /items/tasks/x", &head, "").await.is_problem(404, "no task \"x\"");
    served.ask(token, "PUT /items/tasks/x", &head, "").await.is_problem(403, "no task \"x\"");
    served.ask("", "POST /items/tasks", &head, "{}").await.is_problem(401, "credentials");
    served.ask("reader", "POST /items/tasks", &head, "{}").await.is_problem(403, "the role reader may not");
    let form = [("content-type", "application/x-www-form-urlencoded")];
    served.ask(token, "POST /items/tasks", &form, "a=b").await.is_problem(415, "application/json");
    for line in ["POST /items/tasks", "GET /items/tasks/x", "PUT /items/tasks/x"] {
        let head = [json, ("accept", "application/xml")];
        served.ask(token, line, &head, &hook().to_string()).await.is_problem(406, "application/hal+json");
    }
}

#[tokio::test]
async fn what_is_another_s_is_neither_shown_nor_cancelled() {
    let mut served = Served::new();
    let (uuid, _) = served.subscribed("assets", hook()).await;
    let line = |method: &str| format!("{method} /assets/tasks/{uuid}");
    served.ask("other-network-administrator", &line("GET"), &[], "").await.is_problem(404, &uuid);
    served.ask("other-network-administrator", &line("PUT"), &[], "").await.is_problem(403, &uuid);
    // One of its tenant reads it; only who registered it, or administers the tenant, ends it.
    served.ask("super-delegate", &line("GET"), &[], "").await.is_hal(200);
    served.ask("super-delegate", &line("PUT"), &[], "").await.is_problem(403, "somebody else");
    served.ask("super-administrator", &line("PUT"), &[], "").await.is_hal(202);
}
