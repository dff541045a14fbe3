//! `POST /v1/explain`: which rules fire on a change that somebody supposes, and on which changes of the journal.

use std::collections::{HashMap, VecDeque, hash_map};
use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::super::body::Asked;
use super::super::error::ApiError;
use super::super::limits::{EXPLAIN_BYTES_MAX, EXPLAIN_JOURNAL_MAX, EXPLAIN_RULE_BYTES_MAX, EXPLAIN_STATE_BYTES_MAX};
use super::super::operation::{Operation, array, closed, flag, number, object, text, time, words};
use super::super::reading::ReadError;
use super::query::{Fields, wrong};
use super::{Answer, Api, assets};
use crate::model::change::{Action, Change};
use crate::model::explain::{ExplainAsk, Explained, ExplainedRule, FaultyRule, FiresOn, SupposedChange};
use crate::model::ids::{AssetId, Seq};
use crate::model::metadata::{Metadata, merged, nfc};
use crate::model::metadata_by_key::by_key;
use crate::model::scope::Scope;
use crate::model::time::Wall;
use crate::store::Reader;

/// The fields of a body.
const FIELDS: [&str; 10] = ["path", "path64", "action", "set", "old", "size", "mtime", "owner", "rule", "journal"];
/// What may happen to a file.
const ACTIONS: [&str; 4] = ["none", "added", "modified", "deleted"];
/// Changes of the journal that fire, and are shown.
const SHOWN: usize = 100;
/// Changes that one question to the ledger reads: none holds it for long.
const PIECE: usize = 500;

/// `POST /v1/explain`.
pub(super) async fn explain(State(native): State<Arc<Api>>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = native.explain(&mut asked).await;
    asked.answer(answer).await
}

/// Of `POST /v1/explain`.
pub(super) fn operation() -> Operation {
    let values = json!({"type": "object", "additionalProperties": array(text())});
    let body = closed(
        [],
        [
            ("path", text()),
            ("path64", text()),
            ("action", words(&ACTIONS)),
            ("set", values.clone()),
            ("old", values),
            ("size", number()),
            ("mtime", time()),
            ("owner", text()),
            ("rule", text()),
            ("journal", json!({"type": "integer", "minimum": 1, "maximum": EXPLAIN_JOURNAL_MAX})),
        ],
    );
    let failed = object([("clause", text()), ("why", text())], []);
    let rule = object([("name", text()), ("fires", flag())], [("because", text()), ("failed", failed)]);
    let change = object(
        [("seq", number()), ("time", time()), ("path", text()), ("action", words(&ACTIONS))],
        [("pathBase64", text())],
    );
    let journal = object([("read", number()), ("fired", number()), ("first", array(change))], []);
    let answer = object(
        [("rules", array(rule))],
        [
            ("path", text()),
            ("pathBase64", text()),
            ("stopped", words(&["no-mount", "ignored", "symbolic-link", "no-change"])),
            ("sentence", text()),
            ("rulesMore", number()),
            ("journal", journal),
            ("metadata", assets::metadata_schema()),
        ],
    );
    Operation::new("Which rules fire on a change that is only supposed, or on the newest changes of the journal.")
        .body(body)
        .answer(200, "What the rules say. Nothing is changed, and nobody is called.", answer)
}

impl Api {
    async fn explain(&self, asked: &mut Asked) -> Answer {
        let body = asked.read(EXPLAIN_BYTES_MAX).await?;
        let fields = Fields::of_body(&body, &FIELDS)?;
        let scope = asked.caller().scope.clone();
        let (ask, journal) = parse(&fields, scope)?;
        let explain = Arc::clone(&self.state.explain);
        let said = self.read(move |reader, _| {
            let mut asset = Ok(None);
            let explained = explain(&ask, &mut |mount, path| {
                asset = reader.known(mount, path).map(|known| known.asset);
                Some(merged(&asset.as_ref().ok()?.as_ref()?.sources))
            });
            let known = asset?;
            let explained = match explained {
                Ok(explained) => explained,
                Err(faulty) => return Ok(Err(faulty)),
            };
            let Explained { path, stopped, rules, rules_more, fires_on } = explained;
            let mut out = json!({"rules": rules.iter().map(shown_rule).collect::<Vec<_>>()});
            if let Some(path) = path {
                out["path"] = json!(path.display());
                if let Some(base64) = path.base64() {
                    out["pathBase64"] = json!(base64);
                }
            }
            if let Some(stopped) = stopped {
                out["stopped"] = json!(stopped.as_str());
                out["sentence"] = json!(stopped.sentence());
            }
            if let Some(known) = &known {
                out["metadata"] = Value::Object(by_key(&known.sources));
            }
            if rules_more > 0 {
                out["rulesMore"] = json!(rules_more);
            }
            if let Some(most) = journal {
                out["journal"] = read_back(reader, most, EXPLAIN_STATE_BYTES_MAX, &fires_on)?;
            }
            Ok(Ok(out))
        });
        match said.await? {
            Ok(out) => Ok(Json(out).into_response()),
            Err(FaultyRule(faults)) => {
                let detail = "`rule` has faults; nothing was tried";
                Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, detail).with_diagnostics(faults))
            }
        }
    }
}

/// What is asked, and how many of the newest changes it is tried on.
fn parse(fields: &Fields, scope: Scope) -> Result<(ExplainAsk, Option<usize>), ApiError> {
    let rule = fields.text("rule")?.map(str::to_owned);
    if rule.as_ref().is_some_and(|rule| rule.len() > EXPLAIN_RULE_BYTES_MAX) {
        let detail = format!("`rule` takes at most {} KiB", EXPLAIN_RULE_BYTES_MAX >> 10);
        return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    let journal = fields.number("journal", 1, EXPLAIN_JOURNAL_MAX as u64)?.map(|most| most as usize);
    let Some(path) = fields.path()? else {
        if journal.is_none() {
            return Err(wrong("say `path`, or `journal`: how many of the newest changes are tried".to_owned()));
        }
        if fields.has_one_of(&["action", "set", "old", "size", "mtime", "owner"]) {
            return Err(wrong(
                "`action`, `set`, `old`, `size`, `mtime` and `owner` say what happens at a `path`".to_owned(),
            ));
        }
        return Ok((ExplainAsk { scope, rule, change: None }, journal));
    };
    let action = fields.word("action", Action::parse, &ACTIONS)?.unwrap_or(Action::None);
    let (before, after) = (metadata(fields, "old")?, metadata(fields, "set")?);
    match action {
        Action::Added if !before.is_empty() => {
            return Err(wrong("`old` says what was before, and an added asset was not there; use `set`".to_owned()));
        }
        Action::Deleted if !(before.is_empty() && after.is_empty()) => {
            return Err(wrong("a deletion tells nothing of metadata; leave `set` and `old` out".to_owned()));
        }
        _ => {}
    }
    let mtime = fields.text("mtime")?.map(|text| {
        Wall::parse(text).ok_or_else(|| wrong("`mtime` takes a time such as 2026-11-22T10:00:00Z".to_owned()))
    });
    let change = SupposedChange {
        path,
        action,
        before,
        after,
        size: fields.number("size", 0, i64::MAX as u64)?,
        mtime_ns: mtime.transpose()?.map(|time| time.0.saturating_mul(1_000_000)),
        owner: fields.text("owner")?.map(str::to_owned),
    };
    Ok((ExplainAsk { scope, rule, change: Some(change) }, journal))
}

/// Keys, each with a text or a list of texts.
fn metadata(fields: &Fields, name: &str) -> Result<Metadata, ApiError> {
    let wrong =
        || wrong(format!("`{name}` takes an object: each key with a list of texts, such as {{\"Rating\": [\"5\"]}}"));
    let mut out = Metadata::new();
    let Some(keys) = fields.object(name).map_err(|()| wrong())? else { return Ok(out) };
    for (key, values) in keys {
        let values = match values {
            Value::String(value) => vec![nfc(value)],
            Value::Array(values) => {
                values.iter().map(|value| value.as_str().map(nfc).ok_or_else(wrong)).collect::<Result<_, _>>()?
            }
            _ => return Err(wrong()),
        };
        if key.is_empty() {
            return Err(wrong());
        }
        // An empty list is no value at all.
        if !values.is_empty() {
            out.insert(nfc(key), values);
        }
    }
    Ok(out)
}

/// What a rule says, as shown.
#[must_use]
pub fn shown_rule(rule: &ExplainedRule) -> Value {
    let ExplainedRule { name, fires, clause, why } = rule;
    match why {
        Some(why) => json!({"name": name, "fires": fires, "failed": {"clause": clause, "why": why}}),
        None => json!({"name": name, "fires": fires, "because": clause}),
    }
}

/// Tries the newest changes, from the newest back. The journal has what each change touched and not how the asset stood
/// then: that is how it stands now, with what later changes did taken back.
pub(in crate::api) fn read_back(
    reader: &Reader,
    most: usize,
    state_bytes_max: usize,
    fires_on: &FiresOn,
) -> Result<Value, ReadError> {
    let (mut before, mut read, mut fired) = (Seq(i64::MAX), 0_usize, 0_usize);
    let (mut states, mut bytes) = (HashMap::<AssetId, Metadata>::new(), 0_usize);
    let mut shown: VecDeque<Value> = VecDeque::new();
    'all: while read < most {
        let (entries, next) = reader.changes_before(before, PIECE.min(most - read))?;
        for entry in &entries {
            if bytes > state_bytes_max {
                break 'all;
            }
            let state = match states.entry(entry.asset) {
                hash_map::Entry::Occupied(known) => known.into_mut(),
                hash_map::Entry::Vacant(place) => {
                    let now = reader.asset(entry.asset)?.map(|asset| merged(&asset.sources)).unwrap_or_default();
                    bytes += size_of_metadata(&now);
                    place.insert(now)
                }
            };
            read += 1;
            // A deletion tells nothing of metadata.
            let nothing = Metadata::new();
            if fires_on(entry, if entry.action == Action::Deleted { &nothing } else { state }) {
                fired += 1;
                shown.push_front(change(entry));
                shown.truncate(SHOWN);
            }
            for delta in &entry.delta {
                match delta.old.is_empty() {
                    true => drop(state.remove(&delta.key)),
                    false => drop(state.insert(delta.key.clone(), delta.old.clone())),
                }
            }
        }
        match next {
            Some(next) => before = next,
            None => break,
        }
    }
    Ok(json!({"read": read, "fired": fired, "first": shown}))
}

fn size_of_metadata(metadata: &Metadata) -> usize {
    let size = |(key, values): (&String, &Vec<String>)| key.len() + values.iter().map(String::len).sum::<usize>();
    metadata.iter().map(size).sum()
}

fn change(entry: &Change) -> Value {
    let mut out = json!({
        "seq": entry.seq.0,
        "time": entry.time.to_string(),
        "path": entry.path.display(),
        "action": entry.action.as_str(),
    });
    if let Some(base64) = entry.path.base64() {
        out["pathBase64"] = json!(base64);
    }
    out
}
