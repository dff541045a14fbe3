//! `GET /v1/why`: one path through the whole pipeline, and where it has stopped.
//!
//! What is asked is asked in the order in which a file moves: the disk, the engine's memory, the ledger. So a file that
//! moves on meanwhile is seen twice, and never not at all.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::super::body::Asked;
use super::super::error::ApiError;
use super::super::limits::WHY_MAX;
use super::super::operation::{Operation, array, flag, number, object, text, time, words};
use super::super::reading::ReadError;
use super::query::{Fields, wrong};
use super::{Answer, Api, assets, deliveries, journal_row};
use crate::model;
use crate::model::ask::Ask;
use crate::model::ids::NodeId;
use crate::model::listing::{JournalRow, Registry};
use crate::model::metadata::{Metadata, merged};
use crate::model::mount::Mount;
use crate::model::path::LogicalPath;
use crate::model::scope::Scope;
use crate::model::time::Wall;
use crate::model::why::{
    Engine, Evidence, Known, PathSeen, RuleVerdict, Sent, Stage, StageName, Stopped, There, Verdicts, Why, judge,
};
use crate::store::Reader;

/// The fields of a query.
const FIELDS: [&str; 2] = ["path", "path64"];

/// A file that was written a moment ago is asked of once more after this long: its hint is on its way.
const AGAIN: Duration = Duration::from_millis(200);

/// `GET /v1/why`.
pub(super) async fn show(State(native): State<Arc<Api>>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = native.why(&mut asked).await;
    asked.answer(answer).await
}

/// Of `GET /v1/why`.
pub(super) fn operation() -> Operation {
    let stopped =
        json!({"enum": Stopped::ALL.iter().map(|it| json!(it.as_str())).chain([Value::Null]).collect::<Value>()});
    let stage = object(
        [("stage", words(&StageName::ALL.map(StageName::as_str))), ("ok", flag()), ("text", text())],
        [("since", time())],
    );
    let failed = object([("clause", text()), ("why", text())], []);
    let rule = object([("subscription", text()), ("fires", flag())], [("failed", failed)]);
    let answer = object(
        [
            ("path", text()),
            ("dir", json!({"type": ["string", "null"]})),
            ("stopped", stopped),
            ("sentence", text()),
            ("stages", array(stage)),
            ("changes", array(journal_row::row_schema())),
            ("rules", array(rule)),
            ("deliveries", array(deliveries::delivery_schema(number()))),
        ],
        [("pathBase64", text()), ("dirBase64", text()), ("assetId", number()), ("metadata", assets::metadata_schema())],
    );
    Operation::new("Why a callback for a file came, or did not.")
        .query("path", text(), "A logical path, or a path on disk.")
        .query("path64", text(), "A path that is not UTF-8, in base64.")
        .answer(200, "Where it has stopped.", answer)
        .refusal(404, "The path lies in no mount of the caller's tenants.")
}

/// What the ledger and the rules say of a path.
struct Recorded {
    known: Known,
    rules: Verdicts,
    sent: Sent,
    registry: Registry,
    node: NodeId,
}

impl Api {
    async fn why(&self, asked: &mut Asked) -> Answer {
        let fields = Fields::of_query(asked.parts.uri.query(), &FIELDS)?;
        let given = fields.path()?.ok_or_else(|| wrong("say `path`, or `path64`".to_owned()))?;
        let scope = asked.caller().scope.clone();
        let mut path = self.meant(given, &scope).await?;
        let is_seen =
            |mount: Option<&Mount>| scope.is_all() || mount.is_some_and(|it| scope.covers(it.tenant.as_ref()));
        if !is_seen(self.mounts.of(&path)) {
            return Err(ApiError::new(StatusCode::NOT_FOUND, "the path lies in no mount of yours"));
        }
        if !path.as_bytes().is_ascii()
            && let Engine::Knows(watched) = self.watched(&path).await
            && let Some(known) = watched.known_as
        {
            path = known;
        }
        let (mut why, mut registry, mut node) = self.follow(&path, &scope).await?;
        if why.stopped == Some(Stopped::NotLookedAt) {
            tokio::time::sleep(AGAIN).await;
            (why, registry, node) = self.follow(&path, &scope).await?;
        }
        Ok(Json(shown(&why, node, &registry)).into_response())
    }

    /// The logical path that a caller means. A path on disk is translated. One that could be both is a logical path
    /// where something is there, or is known; else it is taken for the path on disk.
    async fn meant(&self, given: LogicalPath, scope: &Scope) -> Result<LogicalPath, ApiError> {
        let is_seen = |path: &LogicalPath| {
            let mount = self.mounts.of(path);
            mount.is_some_and(|mount| scope.covers(mount.tenant.as_ref()))
        };
        let Some(on_disk) = self.located(&given).filter(is_seen) else { return Ok(given) };
        let Some(mount) = self.mounts.of(&given).filter(|_| is_seen(&given)) else { return Ok(on_disk) };
        if self.survey(&given).await.there.is_something() {
            return Ok(given);
        }
        let (mount, asked) = (mount.path.clone(), given.clone());
        let known = self.read(move |reader, _| Ok(reader.known(&mount, &asked)?)).await?;
        Ok(if known.is_something() { given } else { on_disk })
    }

    /// The logical path of a path on disk, by where the mounts' directories really are, or as they are configured.
    fn located(&self, path: &LogicalPath) -> Option<LogicalPath> {
        let on_disk = Path::new(OsStr::from_bytes(path.as_bytes()));
        let as_configured = || self.state.mounts.iter().find_map(|mount| mount.located(on_disk));
        (self.state.locate)(on_disk).or_else(as_configured)
    }

    async fn survey(&self, path: &LogicalPath) -> PathSeen {
        let not_looked = |why: &str| PathSeen { ignored: None, there: There::NotLooked(why.to_owned()) };
        match timeout(WHY_MAX, (self.state.survey)(path.clone())).await {
            Ok(Ok(seen)) => seen,
            Ok(Err(_)) => not_looked("no thread could be started to look"),
            Err(_) => not_looked("the filesystem does not answer"),
        }
    }

    /// What the engine knows. One that cannot be asked is no reason to answer nothing.
    async fn watched(&self, path: &LogicalPath) -> Engine {
        let silent = |why: &str| Engine::Silent(format!("ringback could not be asked what waits: {why}"));
        match timeout(WHY_MAX, self.ask(Ask::Watched(path.clone()))).await {
            Ok(Ok(model::ask::Answer::Watched(Some(watched)))) => Engine::Knows(watched),
            Ok(Ok(other)) => {
                super::unexpected(&other);
                silent("it has met a fault of its own")
            }
            Ok(Err(_)) => silent("it takes nothing in now; see ringback status"),
            Err(_) => silent("it does not answer; see ringback status"),
        }
    }

    /// Follows a path through the pipeline.
    async fn follow(&self, path: &LogicalPath, scope: &Scope) -> Result<(Why, Registry, NodeId), ApiError> {
        let mount = self.mounts.of(path);
        let (seen, engine) = match mount {
            Some(_) => (self.survey(path).await, self.watched(path).await),
            None => {
                let there = There::NotLooked("it lies in no mount".to_owned());
                (PathSeen { ignored: None, there }, Engine::Knows(Box::default()))
            }
        };
        let (about, scope, verdicts_of) = (mount.cloned(), scope.clone(), Arc::clone(&self.state.verdicts));
        let of = path.clone();
        let mounts = self.mounts_of(&scope).collect();
        let covered = scope.clone();
        let recorded = self.read(move |reader, registry| {
            let verdicts = |mount: &Mount, known: &Known| {
                let newest = known.changes.first()?;
                let state = known.asset.as_ref().map_or_else(Metadata::new, |asset| merged(&asset.sources));
                Some(verdicts_of(mount, newest, &state, &covered))
            };
            recorded(reader, registry, about.as_ref(), &of, &covered, verdicts)
        });
        let Recorded { known, rules, sent, registry, node } = recorded.await?;
        let now = registry.now.unwrap_or(Wall(0));
        let dir = mount.and_then(|_| (self.state.on_disk)(path));
        let path = path.clone();
        let registry_shown = registry.clone();
        let evidence = Evidence {
            path,
            dir,
            mount,
            mounts,
            seen,
            engine,
            known,
            rules,
            sent,
            registry: &registry_shown,
            node,
            now,
        };
        Ok((judge(evidence), registry, node))
    }
}

/// Asks the ledger, and the rules by what it answers.
fn recorded(
    reader: &Reader,
    registry: &Registry,
    mount: Option<&Mount>,
    path: &LogicalPath,
    scope: &Scope,
    verdicts: impl Fn(&Mount, &Known) -> Option<Verdicts>,
) -> Result<Recorded, ReadError> {
    let (mut known, mut rules, mut sent) = (Known::default(), Verdicts::default(), Sent::default());
    if let Some(mount) = mount {
        known = reader.known(&mount.path, path)?;
        rules = verdicts(mount, &known).unwrap_or_default();
        let changes: BTreeSet<_> = known.changes.iter().map(|change| change.seq).collect();
        let ids: Vec<_> = rules.shown.iter().filter_map(|rule| rule.id).collect();
        sent = reader.sent(&changes, &ids, scope, registry)?;
    }
    Ok(Recorded { known, rules, sent, registry: registry.clone(), node: reader.node() })
}

/// The answer as JSON. The command that reads a stopped daemon's ledger shows the same.
#[must_use]
pub fn shown(why: &Why, node: NodeId, registry: &Registry) -> Value {
    let dir = why.dir.as_ref().map(|dir| dir.as_os_str().as_bytes());
    let mut out = json!({
        "path": why.path.display(),
        "dir": dir.map(String::from_utf8_lossy),
        "stopped": why.stopped.map(Stopped::as_str),
        "sentence": why.sentence,
        "stages": why.stages.iter().map(stage).collect::<Vec<_>>(),
        "rules": why.rules.iter().map(rule).collect::<Vec<_>>(),
        "deliveries": why
            .deliveries
            .iter()
            .map(|row| Value::Object(deliveries::shown(row, node, registry)))
            .collect::<Vec<_>>(),
    });
    let changes = why.changes.iter().map(|entry| {
        let row = journal_row::rendered(&JournalRow::Change(Box::new(entry.clone())));
        serde_json::from_slice::<Value>(&row).unwrap_or(Value::Null)
    });
    out["changes"] = changes.collect();
    if let Some(base64) = why.path.base64() {
        out["pathBase64"] = json!(base64);
    }
    if let Some(dir) = dir.filter(|dir| std::str::from_utf8(dir).is_err()) {
        out["dirBase64"] = json!(base64::engine::general_purpose::STANDARD.encode(dir));
    }
    if let Some(asset) = why.asset {
        out["assetId"] = json!(asset.0);
    }
    if !why.metadata.is_empty() {
        out["metadata"] = Value::Object(why.metadata.clone());
    }
    out
}

fn stage(stage: &Stage) -> Value {
    let Stage { name, is_ok, since, text } = stage;
    let mut out = json!({"stage": name.as_str(), "ok": is_ok, "text": text});
    if let Some(since) = since {
        out["since"] = json!(since.to_string());
    }
    out
}

fn rule(rule: &RuleVerdict) -> Value {
    let mut out = json!({"subscription": rule.subscription, "fires": rule.fires()});
    if let Some((clause, why)) = &rule.failed {
        out["failed"] = json!({"clause": clause, "why": why});
    }
    out
}
