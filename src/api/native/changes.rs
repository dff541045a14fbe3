//! `/v1/changes`: the journal, in pages or as a stream of events.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde_json::json;

use super::super::body::{Asked, Ending};
use super::super::error::{ApiError, quoted};
use super::super::gate::Replaced;
use super::super::operation::{Operation, array, number, object, text, words};
use super::journal_row::{Wanted, page_of, rendered, row_schema};
use super::query::{Fields, wrong};
use super::streams::Source;
use super::{Answer, Api};
use crate::model::change::Action;
use crate::model::event::EventName;
use crate::model::ids::Seq;
use crate::model::listing::Forgotten;

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
    let event = "`text/event-stream`: `id` is a row's `seq`, `data` the row.";
    let page = object([("changes", array(row_schema())), ("next", number())], []);
    Operation::new("The journal, in pages or as a stream.")
        .query("since", json!({"type": "integer", "minimum": 0}), "After this place.")
        .query("path", text(), "A path as in `watchPath`, without a mode.")
        .query("action", words(&ACTIONS), "What happened.")
        .query("mount", text(), "A mount's path.")
        .query("event", text(), "An event's name; not with the three before.")
        .limit()
        .header("Last-Event-ID", text(), "Where a stream broke.")
        .answer(200, "A page, or a stream.", page)
        .answer_of(200, event, "text/event-stream", text())
        .refusal(400, "Last-Event-ID is not a number.")
        .refusal(410, "What comes after that place is kept no longer; `oldest` says where to begin.")
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
        let last = last_event(&asked.parts.headers)?;
        let ending = asked.parts.extensions.get::<Ending>().expect("the server puts it on each request").0.clone();
        let slot = self.streams.enter(&asked.caller().name)?;
        let since = match last.or(since) {
            Some(since) => since,
            // From now on.
            None => self.read(|reader, _| Ok(reader.newest_place()?)).await?,
        };
        // What is forgotten is said now, while there is a status to say it with.
        let first = Arc::clone(&wanted);
        let first = self.read(move |reader, _| Ok(reader.changes(Some(since), 1, |row| first.covers(row))?)).await?;
        first.map_err(forgotten)?;
        let replaced = asked.parts.extensions.get::<Replaced>().expect("the gate puts it on each request").0.clone();
        Ok(self.streams.open(slot, since, Arc::new(Source::Journal(wanted)), [ending, replaced]))
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

/// Whether the caller asks for a stream of events.
pub(super) fn wants_stream(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut types = accepted.flat_map(|value| value.split(',')).map(|one| one.split(';').next().unwrap_or("").trim());
    types.any(|one| one.eq_ignore_ascii_case("text/event-stream"))
}

/// The place that a client had come to when its stream broke (HTML, section 9.2.4).
pub(super) fn last_event(headers: &HeaderMap) -> Result<Option<Seq>, ApiError> {
    let Some(value) = headers.get("last-event-id").filter(|value| !value.is_empty()) else { return Ok(None) };
    let place = value.to_str().ok().and_then(|text| text.parse().ok()).filter(|place| *place >= 0);
    let no_place = || ApiError::new(StatusCode::BAD_REQUEST, "Last-Event-ID takes the `id` of an event, a number");
    place.map(|place| Some(Seq(place))).ok_or_else(no_place)
}

/// 410, with the oldest place from which nothing is missing.
pub(super) fn forgotten(Forgotten { oldest }: Forgotten) -> ApiError {
    let detail = format!(
        "changes after that place are kept no longer (see [retention] journal); since={oldest} gives all that are kept"
    );
    ApiError::new(StatusCode::GONE, detail).with_member("oldest", oldest.0)
}
