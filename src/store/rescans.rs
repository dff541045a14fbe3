//! Scans that are tasks: what was asked, so that they are made again after a restart, and what they came to.

use rusqlite::Row;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::error::Operation as _;
use super::{DispatchTables, Result, codec};
use crate::model::ids::TaskNo;
use crate::model::path::LogicalPath;
use crate::model::record::SyncAnswer;
use crate::model::rescan::{RescanEnd, RescanRequest, Rescanned, RunningRescan};
use crate::model::scope::Scope;
use crate::model::task::TaskState;
use crate::model::tenant::Tenant;
use crate::model::time::Wall;

/// The column `request`: a JSON object. Never renamed: it stands in ledgers.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Requested {
    /// Of which tenants; `None`: of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenants: Option<Vec<String>>,
    accept_deletions: bool,
    accept_root: bool,
}

impl Requested {
    fn of(request: &RescanRequest) -> Self {
        let tenants = match &request.scope {
            Scope::All => None,
            Scope::Of(tenants) => Some(tenants.iter().map(ToString::to_string).collect()),
        };
        Self { tenants, accept_deletions: request.accept_deletions, accept_root: request.accept_root }
    }

    /// `None`: it names what there is not.
    fn scope(&self) -> Option<Scope> {
        let Some(tenants) = &self.tenants else { return Some(Scope::All) };
        let tenants: std::result::Result<Vec<_>, _> = tenants.iter().map(|name| Tenant::parse(name)).collect();
        Some(Scope::of(tenants.ok()?))
    }
}

/// Whose mounts a scan is of.
pub(super) fn scope_of(request: &str) -> Option<Scope> {
    serde_json::from_str::<Requested>(request).ok()?.scope()
}

impl DispatchTables<'_> {
    /// Notes a scan that begins. Returns its task, and the UUID of that.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn begin_rescan(
        &self,
        request: &RescanRequest,
        total: Option<u64>,
        by: &str,
        at: Wall,
    ) -> Result<(TaskNo, String)> {
        let (task, uuid) = self.begin_task("rescan", None, total, by, at)?;
        let path = request.path.as_ref().map(LogicalPath::as_bytes);
        let request = codec::to_json(&Requested::of(request))?;
        self.connection
            .prepare_cached("UPDATE tasks SET path = ?2, request = ?3 WHERE number = ?1")
            .and_then(|mut sql| sql.execute((task.0, path, request)))
            .to("begin a task")?;
        Ok((task, uuid))
    }

    /// Scans that go on, the oldest first. One that cannot be read is left out: its row says that it goes on until
    /// somebody stops it.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn running_rescans(&self) -> Result<Vec<RunningRescan>> {
        let rows: Vec<Option<RunningRescan>> = self
            .connection
            .prepare_cached(
                "SELECT number, path, request, done FROM tasks
                 WHERE state = 'running' AND task = 'rescan' ORDER BY number",
            )
            .and_then(|mut sql| sql.query_map([], read)?.collect())
            .to("read tasks")?;
        Ok(rows.into_iter().flatten().collect())
    }

    /// Notes how far a scan has come, and what it came to.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn note_rescanned(&self, rescanned: &Rescanned, at: Wall) -> Result<()> {
        let Rescanned { task, done, end } = rescanned;
        let result = match end {
            Some(RescanEnd::Matched(SyncAnswer { seq, rrn, offline })) => {
                let offline: Vec<_> = offline.iter().map(ToString::to_string).collect();
                Some(json!({"seq": seq.0, "rrn": rrn.0, "offline": offline}).to_string())
            }
            _ => None,
        };
        self.connection
            .prepare_cached("UPDATE tasks SET done = ?2, result = ?3 WHERE number = ?1 AND state = 'running'")
            .and_then(|mut sql| sql.execute((task.0, done.cast_signed(), result)))
            .to("note how far a task has come")?;
        match end {
            None => Ok(()),
            Some(RescanEnd::Matched(_)) => self.end_task(*task, TaskState::Done, None, at),
            Some(RescanEnd::AllOffline) => self.end_task(*task, TaskState::Failed, Some(ALL_OFFLINE), at),
            Some(RescanEnd::NothingThere) => self.end_task(*task, TaskState::Failed, Some(NOTHING_THERE), at),
            Some(RescanEnd::VouchedBefore) => self.end_task(*task, TaskState::Failed, Some(VOUCHED_BEFORE), at),
        }
    }
}

const ALL_OFFLINE: &str = "every mount that it concerns is offline: nothing was scanned";
const VOUCHED_BEFORE: &str = "ringback was started anew before it ended, and what is there may be another: ask again";
const NOTHING_THERE: &str = "there is no file or directory at its path, and none is known there";

fn read(row: &Row<'_>) -> rusqlite::Result<Option<RunningRescan>> {
    let request: Option<String> = row.get(2)?;
    let path = match row.get::<_, Option<Vec<u8>>>(1)?.map(|path| LogicalPath::parse(&path)) {
        None => None,
        Some(Ok(path)) => Some(path),
        Some(Err(_)) => return Ok(None),
    };
    let requested = request.and_then(|request| serde_json::from_str::<Requested>(&request).ok());
    let Some(requested) = requested else { return Ok(None) };
    let Some(scope) = requested.scope() else { return Ok(None) };
    let Requested { accept_deletions, accept_root, .. } = requested;
    let request = RescanRequest { path, scope, accept_deletions, accept_root };
    let done = row.get::<_, i64>(3)?.max(0).cast_unsigned();
    Ok(Some(RunningRescan { task: TaskNo(row.get(0)?), request, done }))
}
