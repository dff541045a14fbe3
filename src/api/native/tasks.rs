//! `/v1/tasks`: work that goes on by itself, how far it is, and stopping it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Map, Value, json};

use super::super::body::Asked;
use super::super::error::{ApiError, quoted};
use super::super::limits::{IGNORED_BYTES_MAX, PAGE_MAX};
use super::super::operation::{Operation, array, number, object, text, time, words};
use super::query::{Fields, wrong};
use super::{Answer, Api};
use crate::model;
use crate::model::ask::Ask;
use crate::model::ids::TaskNo;
use crate::model::listing::Registry;
use crate::model::scope::Scope;
use crate::model::task::{ListedTask, TaskState};

/// The fields of a query.
const FIELDS: [&str; 3] = ["state", "limit", "cursor"];

/// `GET /v1/tasks`.
pub(super) async fn list(State(native): State<Arc<Api>>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = native.list_tasks(&mut asked).await;
    asked.answer(answer).await
}

/// `GET /v1/tasks/{uuid}`.
pub(super) async fn show(State(native): State<Arc<Api>>, Path(uuid): Path<String>, request: Request) -> Response {
    let asked = Asked::new(request);
    let answer = native.show_task(&asked.caller().scope, uuid, StatusCode::OK).await;
    asked.answer(answer).await
}

/// `POST /v1/tasks/{uuid}/stop`.
pub(super) async fn stop(State(native): State<Arc<Api>>, Path(uuid): Path<String>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = native.stop_task(&mut asked, uuid).await;
    asked.answer(answer).await
}

/// Of `GET /v1/tasks`.
pub(super) fn list_operation() -> Operation {
    Operation::new("What goes on by itself, the newest first.")
        .query("state", words(&TaskState::ALL.map(TaskState::as_str)), "How far it is.")
        .page()
        .answer(200, "A page.", object([("tasks", array(schema()))], [("next", text())]))
}

/// Of `GET /v1/tasks/{uuid}`.
pub(super) fn show_operation() -> Operation {
    Operation::new("One task.")
        .answer(200, "The task.", schema())
        .refusal(404, "There is no such task, or it is kept no longer.")
}

/// Of `POST /v1/tasks/{uuid}/stop`.
pub(super) fn stop_operation() -> Operation {
    Operation::new("Ends a task before it is done.")
        .answer(202, "The task.", schema())
        .refusal(400, "The body broke off.")
        .refusal(404, "There is no such task, or it is kept no longer.")
        .refusal(408, "The body took too long.")
        .refusal(413, "The body, which is ignored, is too long.")
}

/// The schema of a task.
fn schema() -> Value {
    object(
        [
            ("UUID", text()),
            ("task", text()),
            ("state", words(&TaskState::ALL.map(TaskState::as_str))),
            ("done", number()),
            ("by", text()),
            ("startedAt", time()),
        ],
        [
            ("subscription", text()),
            ("total", number()),
            ("endedAt", time()),
            ("result", object([], [])),
            ("problem", text()),
        ],
    )
}

impl Api {
    async fn list_tasks(&self, asked: &mut Asked) -> Answer {
        let fields = Fields::of_query(asked.parts.uri.query(), &FIELDS)?;
        let limit = fields.limit()?;
        let states = TaskState::ALL.map(TaskState::as_str);
        let state = fields.word("state", TaskState::parse, &states)?;
        let not_a_next = |_| wrong("`cursor` is not a `next`".to_owned());
        let before = fields.text("cursor")?.map(|text| text.parse().map(TaskNo).map_err(not_a_next)).transpose()?;
        let scope = asked.caller().scope.clone();
        // Of a tenant's there may be none among the newest: so many are looked at, whether or not they are shown.
        let most = if scope.is_all() { limit } else { PAGE_MAX };
        let page = self.read(move |reader, registry| {
            let (all, mut shown, mut last) = (reader.tasks(state, before, most)?, Vec::new(), None);
            let is_whole = all.len() < most;
            for task in all {
                if shown.len() >= limit {
                    return Ok((shown, last));
                }
                last = Some(task.number);
                shown.extend(is_seen(&task, &scope, registry).then(|| self::shown(&task)));
            }
            Ok((shown, last.filter(|_| !is_whole)))
        });
        let (tasks, next) = page.await?;
        let mut answer = json!({"tasks": tasks});
        if let Some(next) = next {
            answer["next"] = json!(next.to_string());
        }
        Ok(Json(answer).into_response())
    }

    /// A task that a scope covers.
    pub(in super::super) async fn task(&self, scope: &Scope, uuid: &str) -> Result<ListedTask, ApiError> {
        let (wanted, scope) = (uuid.to_owned(), scope.clone());
        let found =
            self.read(move |reader, registry| Ok(reader.task(&wanted)?.filter(|task| is_seen(task, &scope, registry))));
        found.await?.ok_or_else(|| no_task(uuid))
    }

    async fn show_task(&self, scope: &Scope, uuid: String, status: StatusCode) -> Answer {
        let task = self.task(scope, &uuid).await?;
        Ok((status, Json(shown(&task))).into_response())
    }

    async fn stop_task(&self, asked: &mut Asked, uuid: String) -> Answer {
        asked.read(IGNORED_BYTES_MAX).await?;
        let scope = &asked.caller().scope;
        self.task(scope, &uuid).await?;
        match self.ask(Ask::StopTask { uuid: uuid.clone() }).await? {
            model::ask::Answer::NotFound => Err(no_task(&uuid)),
            _ => self.show_task(scope, uuid, StatusCode::ACCEPTED).await,
        }
    }
}

/// Returns whether a scope covers a task: whose its subscription is, or all tenants of its filter. One that is about
/// neither is nobody's.
fn is_seen(task: &ListedTask, scope: &Scope, registry: &Registry) -> bool {
    let is_theirs = |of: &Scope| match of {
        Scope::All => scope.is_all(),
        Scope::Of(tenants) => tenants.iter().all(|tenant| scope.covers(Some(tenant))),
    };
    scope.is_all()
        || task.owner.is_some_and(|owner| registry.is_within(scope, owner))
        || (task.owner.is_none() && task.scope.as_ref().is_some_and(is_theirs))
}

fn no_task(uuid: &str) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, format!("there is no task {}, or it is kept no longer", quoted(uuid)))
}

/// The members of a task.
pub(in super::super) fn shown(task: &ListedTask) -> Map<String, Value> {
    let mut out = Map::new();
    let mut put = |name: &str, value: Option<Value>| out.extend(value.map(|value| (name.to_owned(), value)));
    put("UUID", Some(json!(task.uuid)));
    put("task", Some(json!(task.task)));
    put("state", Some(json!(task.state.as_str())));
    put("done", Some(json!(task.done)));
    put("by", Some(json!(task.by)));
    put("startedAt", Some(json!(task.started.to_string())));
    put("subscription", task.subscription.as_ref().map(|name| json!(name)));
    put("total", task.total.map(|total| json!(total)));
    put("endedAt", task.ended.map(|at| json!(at.to_string())));
    put("result", task.result.as_ref().and_then(|result| serde_json::from_str(result).ok()));
    put("problem", task.problem.as_ref().map(|problem| json!(problem)));
    out
}
