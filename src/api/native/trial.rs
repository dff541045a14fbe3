//! `POST /v1/subscriptions/{id}/test`: one real request to a subscription's target, marked as a test.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};

use super::super::body::Asked;
use super::super::error::{ApiError, quoted};
use super::super::gate::Did;
use super::super::limits::{SELECTION_BYTES_MAX, TRIALS_MAX};
use super::super::operation::{Operation, closed, text};
use super::deliveries::{attempt, attempt_schema};
use super::query::{Fields, no_subscription, wrong};
use super::{Answer, Api};
use crate::model;
use crate::model::ask::Ask;
use crate::model::attempt::Attempted;
use crate::model::change::{Action, Change};
use crate::model::delivery::SendRequest;
use crate::model::entry::Entry;
use crate::model::ids::{AssetId, Rrn};
use crate::model::listing::{ListedAsset, ListedAttempt, Registry};
use crate::model::metadata::Delta;
use crate::model::path::LogicalPath;
use crate::model::scope::Scope;
use crate::model::time::Wall;

/// Where the made-up asset is that a test tells of when no path is said.
const EXAMPLE: &[u8] = b"/ringback-test";

/// `POST /v1/subscriptions/{id}/test`.
pub(super) async fn test(State(native): State<Arc<Api>>, Path(id): Path<String>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = native.test_subscription(&mut asked, id).await;
    asked.answer(answer).await
}

/// Of `POST /v1/subscriptions/{id}/test`.
pub(super) fn operation() -> Operation {
    Operation::new("Sends a subscription's target one real request, marked with `ringback-test: 1`.")
        .optional_body(closed([], [("path", text()), ("path64", text())]))
        .answer(200, "The attempt, whatever came of it.", attempt_schema())
        .refusal(404, "There is no such subscription.")
        .refusal(409, "It has a topic, and no target.")
}

impl Api {
    async fn test_subscription(&self, asked: &mut Asked, name: String) -> Answer {
        let scope = asked.caller().scope.clone();
        let body = asked.read(SELECTION_BYTES_MAX).await?;
        let fields = Fields::of_body(&body, &["path", "path64"])?;
        let path = fields.path()?;
        let subscription = self.subscription_named(&scope, &name).await?;
        let has_topic = move |registry: &Registry| {
            registry.subscriptions.get(subscription).is_some_and(|subscription| subscription.is_topic)
        };
        if self.read(move |_, registry| Ok(has_topic(registry))).await? {
            let detail = format!("{} has a topic and no target, so there is nobody to call", quoted(&name));
            return Err(ApiError::new(StatusCode::CONFLICT, detail));
        }
        let change = match path {
            Some(path) => self.change_of(&scope, path).await?,
            None => example(),
        };
        // It is taken before the engine is asked, so that few requests wait.
        let Ok(_turn) = self.trials.try_acquire() else {
            let detail = format!("{TRIALS_MAX} tests of targets are under way: ask again when one has ended");
            return Err(ApiError::come_back(&detail));
        };
        let told = change.path.display().to_string();
        let request = match self.ask(Ask::Trial { subscription, change: Box::new(change) }).await? {
            model::ask::Answer::Trial(request) => *request,
            _ => return Err(no_subscription(&name)),
        };
        let attempted = self.attempt(request).await;
        let did = format!("a test of {} with {told}: {}", quoted(&name), attempted.outcome);
        Ok((StatusCode::OK, Extension(Did(did)), Json(attempt(&attempted))).into_response())
    }

    /// The asset at a path, as a change would tell it.
    async fn change_of(&self, scope: &Scope, path: LogicalPath) -> Result<Change, ApiError> {
        let mount = self.mounts.of(&path).filter(|mount| scope.covers(mount.tenant.as_ref()));
        let mount = mount.map(|mount| mount.path.clone());
        let found = match mount {
            Some(mount) => {
                let asked = path.clone();
                self.read(move |reader, _| Ok(reader.asset_at(&mount, &asked)?)).await?
            }
            None => None,
        };
        let no_asset = || wrong(format!("`path`: there is no asset at {}", quoted(&path.display())));
        let ListedAsset { id, rrn, path, size, mtime_ns, owner, .. } = found.ok_or_else(no_asset)?;
        Ok(Change { asset: id, rrn, path, size: Some(size), mtime_ns: Some(mtime_ns), owner, ..example() })
    }

    async fn attempt(&self, request: SendRequest) -> ListedAttempt {
        let accepts = request.subscription.target.accepts.clone();
        let at = request.at;
        let Attempted { attempt, duration_ms, reply, .. } = (self.state.attempt)(request).await;
        let is_accepted = reply.status().is_some_and(|status| accepts.covers(status));
        ListedAttempt {
            number: attempt,
            at: Wall(at.0.saturating_add_unsigned(duration_ms)),
            duration_ms,
            outcome: if is_accepted { "succeeded" } else { reply.failure() }.to_owned(),
            phase: reply.phase().filter(|_| !is_accepted).map(|phase| phase.as_str().to_owned()),
            status: reply.status(),
            answer: reply.detail().to_owned(),
        }
    }
}

/// A modification of an asset that there is not.
fn example() -> Change {
    Change {
        seq: Entry::NO_SEQ,
        rrn: Rrn(0),
        time: Wall(0),
        asset: AssetId(0),
        path: LogicalPath::parse(EXAMPLE).unwrap_or_else(|_| LogicalPath::root()),
        owner: String::new(),
        action: Action::Modified,
        delta: Delta::default(),
        size: None,
        mtime_ns: None,
        previous_path: None,
        moved: None,
    }
}
