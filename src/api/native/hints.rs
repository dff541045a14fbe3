//! `POST /v1/hints`: where an asset store has just written, so that ringback looks there although the filesystem
//! reports nothing. A hint records nothing: what is there is found by looking.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::super::body::Asked;
use super::super::error::{ApiError, Fault, quoted};
use super::super::gate::Did;
use super::super::limits::{FAULTS_MAX, HINTED_PATHS_MAX, HINTS_BYTES_MAX};
use super::super::operation::{Operation, closed, number, object, text};
use super::query::{Fields, wrong};
use super::{Answer, Api, going_down, unexpected};
use crate::model;
use crate::model::ask::Ask;
use crate::model::counted::counted;
use crate::model::path::LogicalPath;
use crate::model::scope::Scope;

/// The one field of the body.
const PATHS: &str = "paths";

/// `POST /v1/hints`.
pub(super) async fn take(State(native): State<Arc<Api>>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = native.hints(&mut asked).await;
    asked.answer(answer).await
}

/// Of `POST /v1/hints`.
pub(super) fn operation() -> Operation {
    let paths = json!({"type": "array", "items": text(), "minItems": 1, "maxItems": HINTED_PATHS_MAX});
    Operation::new("Looks at paths now.").body(closed([(PATHS, paths)], [])).answer(
        202,
        "They are looked at.",
        object([("accepted", number())], []),
    )
}

impl Api {
    async fn hints(&self, asked: &mut Asked) -> Answer {
        let scope = asked.caller().scope.clone();
        let _turn = self.records.acquire().await.map_err(|_| going_down())?;
        let body = asked.read(HINTS_BYTES_MAX).await?;
        let paths = self.hinted(&body, &scope)?;
        let accepted = paths.len();
        match self.ask(Ask::Hints(paths)).await? {
            model::ask::Answer::Done => {
                let mut response = (StatusCode::ACCEPTED, Json(json!({"accepted": accepted}))).into_response();
                response.extensions_mut().insert(Did(format!("{accepted} paths")));
                Ok(response)
            }
            other => Err(unexpected(&other)),
        }
    }

    /// The paths of a body: all of them, or what is wrong with those that are not taken.
    fn hinted(&self, body: &[u8], scope: &Scope) -> Result<Vec<LogicalPath>, ApiError> {
        let fields = Fields::of_body(body, &[PATHS])?;
        let given = fields.list(PATHS)?.filter(|given| !given.is_empty());
        let given = given.ok_or_else(|| wrong("`paths` takes a list of at least one path".to_owned()))?;
        if given.len() > HINTED_PATHS_MAX {
            let detail = format!("more than {HINTED_PATHS_MAX} paths; send them in parts; nothing is looked at");
            return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
        }
        let (mut paths, mut faults) = (Vec::with_capacity(given.len()), Vec::new());
        for (index, value) in given.iter().enumerate() {
            match self.hinted_path(value, scope) {
                Ok(path) => paths.push(path),
                Err(detail) => faults.push(Fault { index, field: Some(PATHS.to_owned()), detail }),
            }
        }
        if faults.is_empty() {
            return Ok(paths);
        }
        let (count, of) = (faults.len(), given.len());
        let listed = if count > FAULTS_MAX { format!("; the first {FAULTS_MAX} are listed") } else { String::new() };
        faults.truncate(FAULTS_MAX);
        let found = counted(count as u64, "fault");
        Err(wrong(format!("{found} in {of} paths{listed}; nothing is looked at")).with_errors(faults))
    }

    fn hinted_path(&self, value: &Value, scope: &Scope) -> Result<LogicalPath, String> {
        let Value::String(text) = value else {
            return Err("a path is a string, such as \"/acme/dailies/a.mov\"".to_owned());
        };
        let path = LogicalPath::parse(text.as_bytes()).map_err(|error| error.to_string())?;
        let is_seen = self.mounts.of(&path).is_some_and(|mount| scope.covers(mount.tenant.as_ref()));
        is_seen.then_some(path).ok_or_else(|| format!("{} lies in no mount of yours", quoted(text)))
    }
}
