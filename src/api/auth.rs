//! Who calls, and what their role may do. Whose things they may do it with is their scope, which those look at who
//! answer.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use axum::http::{HeaderMap, StatusCode, header};
use sha2::{Digest as _, Sha256};
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};
use tokio::sync::watch;
use tokio::time::Instant;

use super::credentials::{self, Shown};
use super::error::ApiError;
use super::sessions::Sessions;
use super::throttle::Throttle;
use crate::model::principal::{Principal, Role};
use crate::model::session::Session;

/// Everyone who may call, and the count of those who got their credentials wrong.
#[derive(Debug)]
pub struct Principals {
    /// Held for a look or an assignment, never across an await.
    all: RwLock<Arc<[Principal]>>,
    /// Tells streams, which end: whoever is still let in opens another.
    replaced: watch::Sender<()>,
    /// The sessions of principals, by the SHA-256 of their tokens. Held for a table lookup, never across an await.
    sessions: Mutex<Sessions>,
    /// Held for a table lookup, never across an await.
    throttle: Mutex<Throttle>,
    /// Requests with wrong credentials, and those of them that were turned away unheard.
    wrong: AtomicU64,
    throttled: AtomicU64,
}

/// What a caller wants to do, as far as roles tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Report what the asset store knows.
    Record,
    /// Wait until everything written has been looked at.
    Sync,
    /// Pause, resume, retry, drop, replay, scan again, stop tasks.
    Act,
    /// Begin a session of its own.
    Session,
    /// Register callbacks in a dialect, change and end them.
    Register,
    /// Read deliveries, subscriptions and tasks.
    Read,
    /// Read how ringback is doing.
    ReadStatus,
}

impl Right {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Record, Self::Sync, Self::Act, Self::Session, Self::Register, Self::Read, Self::ReadStatus];

    /// Returns whether something changes by what it allows.
    #[must_use]
    pub fn is_to_write(self) -> bool {
        matches!(self, Self::Record | Self::Act | Self::Session | Self::Register)
    }
}

/// The table of rights.
#[must_use]
pub fn may(role: Role, right: Right) -> bool {
    match right {
        Right::Record => matches!(role, Role::SuperAdministrator | Role::Recorder),
        Right::Sync => role != Role::Reader,
        Right::Act => !matches!(role, Role::Recorder | Role::Reader),
        Right::Register => matches!(role, Role::SuperAdministrator | Role::SuperDelegate | Role::NetworkAdministrator),
        Right::Session => true,
        Right::Read | Right::ReadStatus => role != Role::Recorder,
    }
}

/// 403: a role that may not.
pub(super) fn forbidden(role: Role, right: Right) -> ApiError {
    let allowed: Vec<&str> = Role::ALL.into_iter().filter(|&role| may(role, right)).map(Role::as_str).collect();
    let detail = format!("the role {} may not do this; these may: {}", role.as_str(), allowed.join(", "));
    ApiError::new(StatusCode::FORBIDDEN, detail)
}

impl Principals {
    /// The principals. Without any, every caller is refused.
    #[must_use]
    pub fn new(all: Vec<Principal>) -> Self {
        let all = RwLock::new(all.into());
        let replaced = watch::Sender::new(());
        let (sessions, throttle) = Default::default();
        Self { all, replaced, sessions, throttle, wrong: AtomicU64::new(0), throttled: AtomicU64::new(0) }
    }

    /// Lets in who shows the token of a session, as the session's principal, until it ends. Of a principal with too
    /// many the oldest ends.
    pub fn let_in(&self, session: Session) {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).insert(session);
    }

    /// The principal of a session, while both last. One that has another token now is another: whoever had the one
    /// before is not let in any more.
    fn in_session(&self, hash: &[u8; 32]) -> Option<Principal> {
        let session = self.sessions.lock().unwrap_or_else(PoisonError::into_inner).get(hash)?;
        let is_theirs = |it: &&Principal| it.name == session.principal && it.token_sha256 == session.credential_sha256;
        self.now().iter().find(is_theirs).cloned()
    }

    /// The SHA-256 of a principal's own token.
    pub(super) fn credential(&self, name: &str) -> Option<[u8; 32]> {
        self.now().iter().find(|principal| principal.name == name).map(|principal| principal.token_sha256)
    }

    /// Lets in these from now on, and nobody else. Requests that were let in before are answered.
    pub fn replace(&self, all: Vec<Principal>) {
        *self.all.write().unwrap_or_else(PoisonError::into_inner) = all.into();
        self.replaced.send_replace(());
    }

    /// Ends once others are let in: for what goes on after a caller was let in.
    pub(super) fn replaced(&self) -> watch::Receiver<()> {
        self.replaced.subscribe()
    }

    fn now(&self) -> Arc<[Principal]> {
        Arc::clone(&self.all.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many requests had wrong credentials, and how many of them came too fast from one address.
    pub(super) fn wrong_credentials(&self) -> (u64, u64) {
        (self.wrong.load(Ordering::Relaxed), self.throttled.load(Ordering::Relaxed))
    }

    /// Who is calling.
    pub(super) fn identify(&self, headers: &HeaderMap, from: SocketAddr) -> Result<Principal, ApiError> {
        let found = match credentials::of(headers) {
            Shown::Missing => return Err(unauthorized("send credentials: Authorization: Bearer TOKEN")),
            Shown::Unreadable => None,
            Shown::Token { token, name } => {
                // A session's token is no password.
                let hash: [u8; 32] = Sha256::digest(&*token).into();
                let in_session = || name.is_none().then(|| self.in_session(&hash)).flatten();
                let owner = self.find(&hash).or_else(in_session);
                owner.filter(|owner| name.is_none_or(|name| owner.name.as_bytes() == name))
            }
        };
        found.ok_or_else(|| {
            self.wrong.fetch_add(1, Ordering::Relaxed);
            let mut throttle = self.throttle.lock().unwrap_or_else(PoisonError::into_inner);
            if throttle.allows_wrong(from.ip(), Instant::now()) {
                unauthorized("unknown credentials; a token is sent as Authorization: Bearer TOKEN")
            } else {
                self.throttled.fetch_add(1, Ordering::Relaxed);
                let detail = "too many wrong credentials from this address; right ones still pass";
                ApiError::new(StatusCode::TOO_MANY_REQUESTS, detail).with_header(header::RETRY_AFTER, "1")
            }
        })
    }

    /// Compares with every principal, each in constant time, so that the time taken tells nothing of any hash.
    fn find(&self, hash: &[u8; 32]) -> Option<Principal> {
        let all = self.now();
        let mut found = u64::MAX;
        for (place, principal) in (0..).zip(all.iter()) {
            found.conditional_assign(&place, hash.ct_eq(&principal.token_sha256));
        }
        usize::try_from(found).ok().and_then(|place| all.get(place).cloned())
    }
}

/// A browser is not asked for a name and a password: it would send them by itself from then on.
fn unauthorized(detail: &str) -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, detail).with_header(header::WWW_AUTHENTICATE, "Bearer")
}
