//! `/v1/topics/{topic}`: what a subscription without a target receives, in pages or as a stream of events.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

use super::super::body::Asked;
use super::super::error::{ApiError, quoted};
use super::super::operation::{Operation, array, number, object, text, time};
use super::query::Fields;
use super::streams::{Source, forgotten, streamed, wants_stream};
use super::{Answer, Api};
use crate::api::Write;
use crate::model::entry::Entry;
use crate::model::event::Dialect;
use crate::model::ids::SubscriptionId;
use crate::model::listing::TopicPage;
use crate::model::scope::Scope;
use crate::model::subscription::{Name, Subscription};

/// The fields of a query.
const FIELDS: [&str; 2] = ["since", "limit"];

/// A topic, as far as a caller sees it.
pub(super) struct Topic {
    /// The UUID.
    uuid: String,
    /// What makes it up: a subscription a tenant.
    subscriptions: HashMap<SubscriptionId, Arc<Subscription>>,
    /// Writes its entries.
    write: Arc<Write>,
}

/// `GET /v1/topics/{topic}`.
pub(super) async fn show(State(native): State<Arc<Api>>, Path(topic): Path<String>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = native.topic(&mut asked, &topic).await;
    asked.answer(answer).await
}

/// Of `GET /v1/topics/{topic}`.
pub(super) fn operation() -> Operation {
    let row = object([("seq", number()), ("time", time()), ("UUID", text()), ("data", json!({"type": "object"}))], []);
    let page = object([("entries", array(row)), ("next", number())], []);
    let operation = Operation::new("What a topic receives, in pages or as a stream.")
        .query("since", json!({"type": "integer", "minimum": 0}), "After this place.")
        .limit()
        .refusal(404, "There is no such topic.");
    streamed(operation, page)
}

impl Api {
    async fn topic(&self, asked: &mut Asked, uuid: &str) -> Answer {
        let fields = Fields::of_query(asked.parts.uri.query(), &FIELDS)?;
        let limit = fields.limit()?;
        let since = fields.place("since")?;
        let topic = Arc::new(self.topic_of(&asked.caller().scope, uuid).await?);
        if !wants_stream(&asked.parts.headers) {
            let read = Arc::clone(&topic);
            let page = self.read(move |reader, _| Ok(reader.topic(&read.ids(), since, limit)?)).await?;
            let TopicPage { rows, next, .. } = page.map_err(forgotten)?;
            let mut body = b"{\"entries\":[".to_vec();
            for (at, (id, entry)) in rows.iter().enumerate() {
                body.extend_from_slice(if at > 0 { b"," } else { b"" });
                body.extend_from_slice(&topic.rendered(*id, entry));
            }
            body.extend_from_slice(format!("],\"next\":{next}}}").as_bytes());
            return Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response());
        }
        self.stream(asked, since, Source::Topic(topic)).await
    }

    /// The topic of a UUID, as far as a caller sees it.
    async fn topic_of(&self, scope: &Scope, uuid: &str) -> Result<Topic, ApiError> {
        let unknown = || ApiError::new(StatusCode::NOT_FOUND, format!("there is no topic {}", quoted(uuid)));
        let name = Name::registered(Dialect::Hal, &uuid.to_ascii_lowercase()).map_err(|_| unknown())?;
        let (scope, wanted) = (scope.clone(), name.clone());
        let subscriptions: HashMap<_, _> = self
            .read(move |reader, registry| {
                let all = reader.subscriptions_named(wanted.as_str())?.into_iter();
                let seen = all.filter(|id| registry.is_within(&scope, *id));
                let subscriptions = seen.filter_map(|id| Some((id, Arc::clone(registry.subscriptions.get(id)?))));
                Ok(subscriptions.filter(|(_, subscription)| subscription.is_topic).collect())
            })
            .await?;
        match subscriptions.is_empty() {
            true => Err(unknown()),
            false => Ok(Topic { uuid: name.id().to_owned(), subscriptions, write: Arc::clone(&self.state.written) }),
        }
    }
}

impl Topic {
    /// The numbers of its subscriptions.
    pub(super) fn ids(&self) -> Vec<SubscriptionId> {
        self.subscriptions.keys().copied().collect()
    }

    /// Whether one of some subscriptions is its own.
    pub(super) fn has_one_of<'i>(&self, mut ids: impl Iterator<Item = &'i SubscriptionId>) -> bool {
        ids.any(|id| self.subscriptions.contains_key(id))
    }

    /// An entry of one of its subscriptions as a JSON object, in one line. Its data is what a callback would be told.
    pub(super) fn rendered(&self, id: SubscriptionId, entry: &Entry) -> Bytes {
        #[derive(Deserialize)]
        struct Document<'d> {
            #[serde(borrow)]
            data: &'d RawValue,
        }
        #[derive(Serialize)]
        struct Row<'r> {
            seq: i64,
            time: String,
            #[serde(rename = "UUID")]
            uuid: &'r str,
            data: &'r RawValue,
        }
        let written = self.subscriptions.get(&id).map(|subscription| (self.write)(subscription, entry));
        let document = written.as_ref().and_then(|body| serde_json::from_slice::<Document<'_>>(&body.bytes).ok());
        let data = document.map_or(RawValue::NULL, |document| document.data);
        let row = Row { seq: entry.seq().0, time: entry.time().to_string(), uuid: &self.uuid, data };
        serde_json::to_vec(&row).expect("texts and numbers are JSON").into()
    }
}
