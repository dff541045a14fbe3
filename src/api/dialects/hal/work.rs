//! Work that goes on by itself: a task of the native API, begun, followed and stopped in the words of `hal`.
//!
//! It is answered with 202 when it begins. Whoever asks for it is answered with 200 while it goes on, with 303 and the
//! address of its result once it is done, and with 200 and an embedded problem where it failed.

use axum::http::{StatusCode, header};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::super::super::auth::Right;
use super::super::super::error::{ApiError, quoted};
use super::super::super::gate::Caller;
use super::super::super::native::chosen::begun;
use super::super::super::native::tasks;
use super::super::super::rescan::path_in;
use super::super::super::router::{Answer, Api, unexpected};
use super::super::form::wrong;
use super::super::ids;
use super::super::registering::invalid;
use super::asked_for::{ACCEPTS, ENDS, callback_of, one};
use super::{ASSETS, COLLECTION, done, hal, href, in_words_of_the_text, unknown};
use crate::model;
use crate::model::ask::Ask;
use crate::model::event::{Dialect, EventName};
use crate::model::format::Format;
use crate::model::ids::SubscriptionId;
use crate::model::listing::Registry;
use crate::model::registration::Registration;
use crate::model::rescan::{RescanRequest, Until};
use crate::model::retry::{Accepts, RetrySchedule};
use crate::model::subscription::{Lifetime, Name, Order};
use crate::model::task::{ListedTask, TaskState};
use crate::model::time::Wall;

/// The member that says that it is work that is asked for, and not a subscription.
pub(super) const TASK: &str = "task";

/// What is said of a task that has begun, which may have ended by then.
const BEGUN: [&str; 6] = ["UUID", "task", "state", "done", "total", "subscription"];

const WORDS: &str = "rescan, replay or backfill";

/// What is asked for.
enum Work {
    Rescan(RescanRequest),
    Replay { subscription: SubscriptionId, name: String, since: Wall },
    Backfill { subscription: SubscriptionId, name: String },
}

impl Api {
    /// Begins what a body asks for, which has the member `task`.
    pub(super) async fn begin_in_hal(&self, caller: &Caller, collection: &str, fields: Map<String, Value>) -> Answer {
        if collection != ASSETS {
            let why = format!("is of the collection {ASSETS} alone");
            return Err(wrong(TASK, &why));
        }
        let listener = match callback_of(&fields)? {
            None => None,
            // Whoever is called is registered: that takes the right to register.
            Some(url) => {
                caller.check_right(Right::Register)?;
                Some(Box::new(self.listener(caller, url)?))
            }
        };
        let work = self.work(caller, &fields).await?;
        let by = caller.name.clone();
        let (word, of, ask) = match work {
            Work::Rescan(request) => {
                let of = request.path.as_ref().map_or_else(String::new, ToString::to_string);
                ("rescan", of, Ask::Rescan { request, until: Until::Asked, by, listener })
            }
            Work::Replay { subscription, name, since } => {
                let total = self.told_since(subscription, since).await?.deliveries;
                ("replay", name, Ask::Replay { subscription, since, total, by, listener })
            }
            Work::Backfill { subscription, name } => ("backfill", name, Ask::Backfill { subscription, by, listener }),
        };
        let uuid = match self.ask(ask).await? {
            model::ask::Answer::Invalid(faults) => return Err(in_words_of_the_text(invalid(&faults))),
            answer => begun(word, &of, answer)?,
        };
        let task = self.task(&caller.scope, &uuid).await?;
        let href = href(ASSETS, &uuid);
        let mut body = json!({"_links": {"self": {"href": href}}});
        for (name, value) in tasks::shown(&task) {
            if BEGUN.contains(&name.as_str()) {
                body[name] = value;
            }
        }
        Ok(done(&uuid, hal(StatusCode::ACCEPTED, [(header::LOCATION, href)], &body)))
    }

    /// Reads what is to be done.
    async fn work(&self, caller: &Caller, fields: &Map<String, Value>) -> Result<Work, ApiError> {
        let subscription = async || {
            let Some(name) = one(fields, "subscription")? else {
                return Err(wrong("subscription", "is missing: whose?"));
            };
            Ok((self.subscription_named(&caller.scope, name).await?, name.to_owned()))
        };
        match one(fields, TASK)? {
            Some("rescan") => {
                check_fields(fields, &["path", "acceptDeletions", "acceptRoot"])?;
                let mounts: Vec<_> = self.mounts_of(&caller.scope).map(|mount| mount.path.to_string()).collect();
                let path = one(fields, "path")?.map(|path| path_in(path, &mounts)).transpose();
                Ok(Work::Rescan(RescanRequest {
                    path: path.map_err(|detail| ApiError::of_field("path", detail))?,
                    scope: caller.scope.clone(),
                    accept_deletions: flag(fields, "acceptDeletions")?,
                    accept_root: flag(fields, "acceptRoot")?,
                }))
            }
            Some("replay") => {
                check_fields(fields, &["subscription", "since"])?;
                let (subscription, name) = subscription().await?;
                let Some(since) = one(fields, "since")? else {
                    return Err(wrong("since", "is missing: a time, such as 2026-11-22T10:00:00Z"));
                };
                let since =
                    Wall::parse(since).ok_or_else(|| wrong("since", "takes a time, such as 2026-11-22T10:00:00Z"))?;
                Ok(Work::Replay { subscription, name, since })
            }
            Some("backfill") => {
                check_fields(fields, &["subscription"])?;
                let (subscription, name) = subscription().await?;
                let is_topic = move |registry: &Registry| {
                    registry.subscriptions.get(subscription).is_some_and(|subscription| subscription.is_topic)
                };
                if self.read(move |_, registry| Ok(is_topic(registry))).await? {
                    return Err(wrong("subscription", "has a topic and no target: GET /v1/assets says what there is"));
                }
                Ok(Work::Backfill { subscription, name })
            }
            Some(other) => Err(wrong(TASK, &format!("takes {WORDS}, and not {}", quoted(other)))),
            None => Err(wrong(TASK, &format!("takes {WORDS}"))),
        }
    }

    /// Who is notified of the end of a task that has not begun: its id and its event become the task's.
    fn listener(&self, caller: &Caller, callback: &str) -> Result<Registration, ApiError> {
        let uuid = ids::uuid()?;
        let name = Name::registered(Dialect::Hal, &uuid).map_err(|_| unknown(&uuid))?;
        // Of a caller of several tenants it is the first one's.
        let tenant = caller.registers_for()?.into_iter().next().flatten();
        let fields = json!({"callbackUrl": callback, "mode": Lifetime::Once.as_str(), COLLECTION: ASSETS});
        Ok(Registration {
            events: vec![EventName::of_task(&uuid)],
            accepts: Accepts::Codes(vec![ACCEPTS]),
            retry: RetrySchedule { never_after: vec![ENDS], ..self.schedule(Dialect::Hal) },
            order: Order::Parallel,
            format: Format::Hal,
            lifetime: Lifetime::Once,
            belongs_to: Some(ASSETS.to_owned()),
            request: fields.to_string(),
            ..Registration::new(name, tenant, callback)
        })
    }

    /// The task of a collection that a caller sees under a UUID.
    pub(super) async fn task_in_hal(
        &self,
        caller: &Caller,
        collection: &str,
        uuid: &str,
    ) -> Result<Option<ListedTask>, ApiError> {
        if collection != ASSETS {
            return Ok(None);
        }
        match self.task(&caller.scope, uuid).await {
            Ok(task) => Ok(Some(task)),
            Err(error) if error.status == StatusCode::NOT_FOUND => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What a task came to. 404 before it is done.
    pub(super) async fn result_in_hal(&self, caller: &Caller, collection: &str, uuid: &str) -> Answer {
        let task = self.task_in_hal(caller, collection, uuid).await?;
        let Some(task) = task.filter(|task| task.state == TaskState::Done) else {
            let detail = format!("there is no task {} that is done in this collection", quoted(uuid));
            return Err(ApiError::new(StatusCode::NOT_FOUND, detail));
        };
        let (href, own) = (href(ASSETS, uuid), format!("{}/result", href(ASSETS, uuid)));
        let mut out = Map::new();
        out.insert("_links".to_owned(), json!({"self": {"href": own}, TASK: {"href": href}}));
        out.extend(tasks::shown(&task));
        let result = out.remove("result");
        out.extend(result.and_then(|result| result.as_object().cloned()).into_iter().flatten());
        Ok(hal(StatusCode::OK, [], &out.into()))
    }

    /// Stops a task that goes on.
    pub(super) async fn stop_in_hal(&self, uuid: &str) -> Result<(), ApiError> {
        match self.ask(Ask::StopTask { uuid: uuid.to_owned() }).await? {
            model::ask::Answer::Done => Ok(()),
            model::ask::Answer::NotFound => Err(unknown(uuid)),
            other => Err(unexpected(&other)),
        }
    }
}

/// How a task stands.
pub(super) fn standing(task: &ListedTask) -> Response {
    match task.state {
        TaskState::Done => {
            let result = format!("{}/result", href(ASSETS, &task.uuid));
            hal(StatusCode::SEE_OTHER, [(header::LOCATION, result)], &Value::Object(shown(task)))
        }
        _ => hal(StatusCode::OK, [], &Value::Object(shown(task))),
    }
}

fn shown(task: &ListedTask) -> Map<String, Value> {
    let mut links = json!({"self": {"href": href(ASSETS, &task.uuid)}});
    if task.state == TaskState::Done {
        links["result"] = json!({"href": format!("{}/result", href(ASSETS, &task.uuid))});
    }
    let mut out = Map::from_iter([("_links".to_owned(), links)]);
    out.extend(tasks::shown(task));
    if let Some(problem) = out.remove("problem") {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        let problem = json!({"type": "about:blank", "title": status.canonical_reason(), "status": status.as_u16(),
                             "detail": problem});
        out.insert("_embedded".to_owned(), json!({"problem": problem}));
    }
    out
}

fn check_fields(fields: &Map<String, Value>, known: &[&str]) -> Result<(), ApiError> {
    let is_known = |name: &str| [TASK, "callbackUrl"].contains(&name) || known.contains(&name);
    match fields.keys().find(|name| !is_known(name)) {
        Some(other) => {
            let why = format!("is not a field of this task; there are {}, callbackUrl", known.join(", "));
            Err(wrong(other, &why))
        }
        None => Ok(()),
    }
}

/// A member that is true or false, and false where it is not there.
fn flag(fields: &Map<String, Value>, name: &str) -> Result<bool, ApiError> {
    match fields.get(name) {
        None => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(wrong(name, "takes true or false")),
    }
}
