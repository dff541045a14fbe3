//! A tenant: who owns mounts, subscriptions and principals.

use std::fmt;

/// A tenant's name: 1 to 64 of `A-Z a-z 0-9 _ . -`. The dialects call it property, network or user.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tenant(String);

impl Tenant {
    /// The longest name, in bytes; of an event, too. It stands in messages and in logs.
    pub const MAX: usize = 64;

    /// Checks.
    ///
    /// # Errors
    /// A sentence that says what is allowed.
    pub fn parse(text: &str) -> Result<Self, TenantError> {
        if is_word(text) { Ok(Self(text.to_owned())) } else { Err(TenantError) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a text may name a tenant or an event: 1 to 64 of `A-Z a-z 0-9 _ . -`.
pub(super) fn is_word(text: &str) -> bool {
    let known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    (1..=Tenant::MAX).contains(&text.len()) && text.bytes().all(known)
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Not a tenant's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a tenant's name is 1 to 64 letters, digits, `_`, `.` and `-`")]
pub struct TenantError;

#[cfg(test)]
mod tests {
    use super::Tenant;
    use crate::model::event::EventName;

    #[test]
    fn a_name_has_up_to_the_limit_of_bytes() {
        let name = |length: usize| "n".repeat(length);
        assert!(Tenant::parse(&name(Tenant::MAX)).is_ok_and(|parsed| parsed.as_str() == name(Tenant::MAX)));
        assert!(Tenant::parse(&name(Tenant::MAX + 1)).is_err());
        assert!(EventName::parse(&name(Tenant::MAX)).is_ok());
        assert!(EventName::parse(&name(Tenant::MAX + 1)).is_err());
    }
}
