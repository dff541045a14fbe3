//! Who calls, and what their role may do. It decides nothing else: tenants come with the dialects.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderMap, StatusCode, header};
use sha2::{Digest as _, Sha256};
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};
use tokio::time::Instant;

use super::problem::Problem;
use super::throttle::Throttle;
use crate::model::principal::{Principal, Role};

/// Everyone who may call, and the count of those who got their credentials wrong.
#[derive(Debug)]
pub struct Principals {
    all: Vec<Principal>,
    /// Held for a table lookup, never across an await.
    throttle: Mutex<Throttle>,
}

/// What a caller wants to do, as far as roles tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Tell what the asset store knows.
    Record,
    /// Wait until everything written has been looked at.
    Sync,
    /// Have things done again: scans.
    Operate,
    /// Read how ringback is doing.
    ReadStatus,
    /// Read deliveries and subscriptions.
    ReadDeliveries,
    /// Pause, resume, retry, drop and replay.
    ChangeDeliveries,
}

/// The table of rights.
#[must_use]
pub fn may(role: Role, right: Right) -> bool {
    match right {
        Right::Record => matches!(role, Role::SuperAdministrator | Role::Recorder),
        Right::Sync => role != Role::Reader,
        Right::Operate => !matches!(role, Role::Recorder | Role::Reader),
        Right::ReadStatus => role != Role::Recorder,
        // The other roles see what is of their tenants; principals have none so far.
        Right::ReadDeliveries | Right::ChangeDeliveries => role == Role::SuperAdministrator,
    }
}

impl Principals {
    /// The configured principals. Without any, nobody may call.
    #[must_use]
    pub fn new(all: Vec<Principal>) -> Self {
        Self { all, throttle: Mutex::default() }
    }

    /// Who is calling, if they may do this.
    pub(super) fn admit(&self, headers: &HeaderMap, from: SocketAddr, right: Right) -> Result<&Principal, Problem> {
        let caller = match self.identify(headers) {
            Credentials::Missing => return Err(unauthorized("send credentials: Authorization: Bearer TOKEN")),
            Credentials::Wrong => {
                let mut throttle = self.throttle.lock().unwrap_or_else(PoisonError::into_inner);
                return Err(if throttle.allows_wrong(from.ip(), Instant::now()) {
                    unauthorized("these credentials are nobody's; a token is sent as Authorization: Bearer TOKEN")
                } else {
                    let detail = "too many wrong credentials from this address; right ones still pass";
                    Problem::new(StatusCode::TOO_MANY_REQUESTS, detail).with_header(header::RETRY_AFTER, "1")
                });
            }
            Credentials::Of(principal) => principal,
        };
        if may(caller.role, right) {
            return Ok(caller);
        }
        let allowed: Vec<&str> = Role::ALL.into_iter().filter(|&role| may(role, right)).map(Role::as_str).collect();
        let detail = format!("the role {} may not do this; these may: {}", caller.role.as_str(), allowed.join(", "));
        Err(Problem::new(StatusCode::FORBIDDEN, detail))
    }

    fn identify(&self, headers: &HeaderMap) -> Credentials<'_> {
        let mut given = headers.get_all(header::AUTHORIZATION).iter();
        let Some(value) = given.next() else { return Credentials::Missing };
        if given.next().is_some() {
            return Credentials::Wrong;
        }
        match bearer(value.as_bytes()).and_then(|token| self.find(token)) {
            Some(principal) => Credentials::Of(principal),
            None => Credentials::Wrong,
        }
    }

    /// Compares with every principal, each in constant time, so that the time taken tells nothing of any hash.
    fn find(&self, token: &[u8]) -> Option<&Principal> {
        let hash: [u8; 32] = Sha256::digest(token).into();
        let mut found = u64::MAX;
        for (place, principal) in (0..).zip(&self.all) {
            found.conditional_assign(&place, hash.ct_eq(&principal.token_sha256));
        }
        usize::try_from(found).ok().and_then(|place| self.all.get(place))
    }
}

enum Credentials<'a> {
    Missing,
    Wrong,
    Of(&'a Principal),
}

/// The token of an `Authorization: Bearer` header (RFC 6750, section 2.1); the scheme's case does not matter.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = value.split_at_checked(b"Bearer ".len())?;
    let token = rest.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"Bearer ") && !token.is_empty()).then_some(token)
}

fn unauthorized(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, detail).with_header(header::WWW_AUTHENTICATE, "Bearer")
}
