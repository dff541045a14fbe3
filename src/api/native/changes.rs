//! `/v1/changes`: the journal, in pages or as a stream of events.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::json;

use super::super::body::Asked;
use super::super::error::{ApiError, quoted};
use super::super::operation::{Operation, array, number, object, text, words};
use super::journal_row::{Wanted, page_of, rendered, row_schema};
use super::query::{Fields, wrong};
use super::streams::{Source, forgotten, streamed, wants_stream};
use super::{Answer, Api};
use crate::model::change::Action;
use crate::model::event::EventName;

/// The fields of a query.
const FIELDS: [&str; 6] = ["since", "path", "action", "mount", "event", "limit"];
const ACTIONS: [&str; 4] = ["added", "modified", "deleted", "none"];

/// `GET /v1/changes`.
pub(super) async fn list(State(native): State<Arc<Api>>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = native.changes(&mut asked).await;
    asked.answer(answer).await
}

/// Of `GET /v1/changes`.
pub(super) fn operation() -> Operation {
    let page = object([("changes", array(row_schema())), ("next", number())], []);
    let operation = Operation::new("The journal, in pages or as a stream.")
        .query("since", json!({"type": "integer", "minimum": 0}), "After this place.")
        .query("path", text(), "A path as in `watchPath`, without a mode.")
        .query("action", words(&ACTIONS), "What happened.")
        .query("mount", text(), "A mount's path.")
        .query("event", text(), "An event's name; not with the three before.")
        .limit();
    streamed(operation, page)
}

impl Api {
    async fn changes(&self, asked: &mut Asked) -> Answer {
        let fields = Fields::of_query(asked.parts.uri.query(), &FIELDS)?;
        let limit = fields.limit()?;
        let since = fields.place("since")?;
        let wanted = Arc::new(self.wanted(asked, &fields)?);
        if !wants_stream(&asked.parts.headers) {
            let page = self.read(move |reader, _| Ok(reader.changes(since, limit, |row| wanted.covers(row))?)).await?;
            let page = page.map_err(forgotten)?;
            let rows: Vec<_> = page.rows.iter().map(rendered).collect();
            return Ok(page_of(&rows, page.next));
        }
        self.stream(asked, since, Source::Journal(wanted)).await
    }

    fn wanted(&self, asked: &Asked, fields: &Fields) -> Result<Wanted, ApiError> {
        let event = match fields.text("event")? {
            Some(name) => {
                Some(EventName::parse(name).map_err(|error| wrong(format!("`event`: {error}")))?.as_str().to_owned())
            }
            None => None,
        };
        if event.is_some() && fields.has_one_of(&["path", "action", "mount"]) {
            return Err(wrong(
                "`event` asks for events, and `path`, `action` and `mount` for changes: say one".to_owned(),
            ));
        }
        let cover = match fields.text("path")? {
            Some(path) => Some((self.state.cover)(path).map_err(|why| wrong(format!("`path`: {why}")))?),
            None => None,
        };
        let mount = match fields.text("mount")? {
            Some(path) => {
                let found =
                    self.mounts_of(&asked.caller().scope).find(|mount| mount.path.as_bytes() == path.as_bytes());
                Some(found.ok_or_else(|| wrong(format!("`mount`: there is no mount {}", quoted(path))))?.path.clone())
            }
            None => None,
        };
        let action = fields.word("action", Action::parse, &ACTIONS)?;
        let scope = asked.caller().scope.clone();
        Ok(Wanted { cover, action, mount, event, scope, mounts: Arc::clone(&self.mounts) })
    }
}
