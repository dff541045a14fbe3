//! A principal: a caller with credentials and a role. What a role may do is the API's business, not told here.

/// One caller, as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Its name, in logs and in idempotency keys.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// SHA-256 of its bearer token. The token itself is never stored.
    pub token_sha256: [u8; 32],
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
