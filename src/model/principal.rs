//! A principal: a caller with credentials, a role and tenants. What a role may do is the API's business, not told here.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::mage_id::MageId;
use super::scope::Scope;
use super::tenant::Tenant;

/// One caller, as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Its name, in logs, in idempotency keys and in `Authorization: Basic`. It has no `:`.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Whose things it sees. A super-administrator has none, and sees everything.
    pub tenants: Arc<BTreeSet<Tenant>>,
    /// SHA-256 of its token. The token itself is never stored.
    pub token_sha256: [u8; 32],
    /// Its number in a dialect.
    pub mage_id: MageId,
}

/// The name of the principal whose token the state directory keeps. No other principal has it.
pub const LOCAL_ADMINISTRATOR: &str = "administrator";

impl Principal {
    /// The administrator whose token the state directory keeps.
    #[must_use]
    pub fn local_administrator(token_sha256: [u8; 32]) -> Self {
        Self {
            name: LOCAL_ADMINISTRATOR.to_owned(),
            role: Role::SuperAdministrator,
            tenants: Arc::default(),
            token_sha256,
            mage_id: MageId::of(LOCAL_ADMINISTRATOR),
        }
    }

    /// Whose things it may see and change.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match self.role {
            Role::SuperAdministrator => Scope::All,
            _ => Scope::Of(Arc::clone(&self.tenants)),
        }
    }
}

/// A principal's role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// May everything, in every tenant.
    SuperAdministrator,
    /// Administers tenants of its own.
    SuperDelegate,
    /// Administers tenants of its own.
    NetworkAdministrator,
    /// Reads and retries.
    Operator,
    /// The asset store: records and hints.
    Recorder,
    /// Reads.
    Reader,
}

impl Role {
    /// All of them, the mightiest first.
    pub const ALL: [Self; 6] = [
        Self::SuperAdministrator,
        Self::SuperDelegate,
        Self::NetworkAdministrator,
        Self::Operator,
        Self::Recorder,
        Self::Reader,
    ];

    /// The word in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SuperAdministrator => "super-administrator",
            Self::SuperDelegate => "super-delegate",
            Self::NetworkAdministrator => "network-administrator",
            Self::Operator => "operator",
            Self::Recorder => "recorder",
            Self::Reader => "reader",
        }
    }

    /// The role of a [`Self::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}
