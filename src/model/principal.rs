//! Principals: callers with credentials and a role.

use std::fmt;

/// What a principal may do. The table of rights is the API's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Everything, in any tenant.
    SuperAdministrator,
    /// Everything but records and hints, in its tenants.
    SuperDelegate,
    /// The same as [`Self::SuperDelegate`]; the dialects tell them apart.
    NetworkAdministrator,
    /// Reads, pauses, resumes, retries and replays.
    Operator,
    /// Records and hints.
    Recorder,
    /// Reads.
    Reader,
}

impl Role {
    /// All of them, the most powerful first.
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

    /// The role of a word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A caller, as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Unique; 1 to 64 visible ASCII characters.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// SHA-256 of its token: the token itself is in no file.
    pub token_sha256: [u8; 32],
}
