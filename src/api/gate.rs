//! The gate before each endpoint: who asks is found out, a role that may not is turned away, and of each write it is
//! logged who did what, from where, and what came of it. Endpoints behind it need not check credentials.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use tokio::sync::watch;

use super::Principals;
use super::auth::{Right, forbidden, may};
use super::body::{Asked, Peer};
use super::error::ApiError;
use super::limits::ECHO_CHARS_MAX;
use crate::model::mage_id::MageId;
use crate::model::principal::{Principal, Role};
use crate::model::scope::Scope;

/// The target of the audit's log lines, for log filters and collectors.
pub const AUDIT: &str = "ringback::audit";

/// Who asks, as an endpoint sees them.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// The principal's name.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// Whose things it sees and changes.
    pub scope: Scope,
    /// Its number in a dialect.
    pub mage_id: MageId,
}

impl Caller {
    fn of(principal: &Principal) -> Self {
        Self {
            name: principal.name.clone(),
            role: principal.role,
            scope: principal.scope(),
            mage_id: principal.mage_id,
        }
    }

    /// Whether it changes and ends what others of its tenants have registered.
    pub(super) fn administers_others(&self) -> bool {
        matches!(self.role, Role::SuperAdministrator | Role::NetworkAdministrator)
    }

    /// 403 where its role does not have a right that an endpoint asks for beside its own.
    pub(super) fn check_right(&self, right: Right) -> Result<(), ApiError> {
        if may(self.role, right) { Ok(()) } else { Err(forbidden(self.role, right)) }
    }
}

/// Changes once others are let in than when the caller was.
#[derive(Debug, Clone)]
pub(super) struct Replaced(pub watch::Receiver<()>);

/// What an endpoint did, for the audit: it puts one on its answer where status and path do not say it.
#[derive(Debug, Clone)]
pub(super) struct Did(pub String);

/// What a gate needs to know of the endpoint behind it.
#[derive(Clone)]
pub(super) struct Gate {
    pub principals: Arc<Principals>,
    /// Method and path, for the audit.
    pub endpoint: Arc<str>,
    pub right: Right,
}

/// Lets a request pass, or answers it.
pub(super) async fn pass(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let Peer(from) = *request.extensions().get::<Peer>().expect("the server puts it on each request");
    // Taken first: who is let in by the old principals hears of the new ones.
    let replaced = gate.principals.replaced();
    let caller = match gate.principals.identify(request.headers(), from) {
        Ok(principal) => Caller::of(&principal),
        Err(problem) => return Asked::new(request).answer(Err(problem)).await,
    };
    let mut line = gate.right.is_to_write().then(|| AuditLine::new(&gate, &caller, from, request.uri().path()));
    let response = if may(caller.role, gate.right) {
        request.extensions_mut().insert(caller);
        request.extensions_mut().insert(Replaced(replaced));
        next.run(request).await
    } else {
        Asked::new(request).answer(Err(forbidden(caller.role, gate.right))).await
    };
    if let Some(line) = &mut line {
        line.outcome = Some((response.status(), response.extensions().get::<Did>().cloned()));
    }
    response
}

/// One line of the audit. It is logged when it is dropped, so also when the caller goes away before the answer: what
/// was asked may be done even so.
struct AuditLine {
    endpoint: Arc<str>,
    path: String,
    by: String,
    role: Role,
    from: SocketAddr,
    outcome: Option<(StatusCode, Option<Did>)>,
}

impl AuditLine {
    fn new(gate: &Gate, caller: &Caller, from: SocketAddr, path: &str) -> Self {
        let (endpoint, by, role) = (Arc::clone(&gate.endpoint), caller.name.clone(), caller.role);
        Self { endpoint, path: path.chars().take(ECHO_CHARS_MAX).collect(), by, role, from, outcome: None }
    }
}

impl Drop for AuditLine {
    fn drop(&mut self) {
        let Self { endpoint, path, by, role, from, outcome } = self;
        let status = outcome.as_ref().map(|(status, _)| status.as_u16());
        let did = outcome.as_ref().and_then(|(_, did)| did.as_ref()).map(|Did(text)| text.as_str());
        let role = role.as_str();
        match status {
            Some(_) => {
                tracing::info!(target: AUDIT, audit = true, by, role, %from, %endpoint, path, status, did, "a caller's write")
            }
            None => tracing::info!(target: AUDIT, audit = true, by, role, %from, %endpoint, path,
                "a caller's write, whose caller went away before the answer: it may be done even so"),
        }
    }
}
