//! What the dialects call a tenant. Each has a word and a form of its own; all of them mean the same tenant.

use sha2::{Digest as _, Sha256};

use super::tenant::Tenant;
use super::uuid;

/// A tenant, and the ids that the dialects know it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantIds {
    /// The tenant.
    pub tenant: Tenant,
    /// Its property: `PR` and 32 hexadecimal digits.
    pub property: String,
    /// Its network: a UUID.
    pub network: String,
    /// Its organisation: 1 to [`ORGANISATION_MAX`] visible ASCII characters.
    pub organisation: String,
}

/// The network that means every tenant: callbacks of a global context have it. No tenant's network has its form.
pub const GLOBAL_NETWORK: &str = "-00000-00000-00000-00000-00000-00000";

/// The longest organisation, in bytes: the longest name of a tenant, and room for a domain.
pub const ORGANISATION_MAX: usize = 128;

impl TenantIds {
    /// Those that follow from the tenant's name.
    #[must_use]
    pub fn derived(tenant: Tenant) -> Self {
        let hash = Sha256::digest(format!("property:{tenant}"));
        let property: String = hash[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        Self {
            property: format!("PR{property}"),
            network: uuid::of(&format!("network:{tenant}")),
            organisation: format!("{tenant}@ringback"),
            tenant,
        }
    }
}

/// Checks a property.
///
/// # Errors
/// A sentence that says what is allowed.
pub fn parse_property(text: &str) -> Result<String, &'static str> {
    let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    let digits = text.strip_prefix("PR").filter(|rest| rest.len() == 32 && rest.bytes().all(is_digit));
    digits.map(|_| text.to_owned()).ok_or("a property is `PR` and 32 hexadecimal digits, in lower case")
}

/// Checks a network.
///
/// # Errors
/// A sentence that says what is allowed.
pub fn parse_network(text: &str) -> Result<String, &'static str> {
    let is_one = uuid::is_one(text);
    is_one.then(|| text.to_owned()).ok_or("a network is a UUID, in lower case")
}

/// Checks an organisation.
///
/// # Errors
/// A sentence that says what is allowed.
pub fn parse_organisation(text: &str) -> Result<String, &'static str> {
    let fits = (1..=ORGANISATION_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    fits.then(|| text.to_owned()).ok_or("an organisation is 1 to 128 visible ASCII characters")
}

#[cfg(test)]
mod tests {
    use super::{ORGANISATION_MAX, TenantIds, parse_network, parse_organisation, parse_property};
    use crate::model::tenant::Tenant;

    #[test]
    fn derived_ids_are_of_the_forms_that_are_taken_and_stay_as_they_are() {
        let ids = TenantIds::derived(Tenant::parse("acme").expect("a name"));
        // These numbers are in other programs' configurations: they never change.
        assert_eq!(ids.property, "PRf325564e5acd2d7287201df94fea5826");
        assert_eq!(ids.network, "80ad3f98-65b2-88ab-8b71-eef702178931");
        assert_eq!(ids.organisation, "acme@ringback");
        assert_eq!(parse_property(&ids.property).as_ref(), Ok(&ids.property));
        assert_eq!(parse_network(&ids.network).as_ref(), Ok(&ids.network));
        assert_eq!(parse_organisation(&ids.organisation).as_ref(), Ok(&ids.organisation));
    }

    #[test]
    fn other_forms_are_refused() {
        for text in ["", "PR", "PR7BE2E8B7A9B8BB9FA9E4A3DBB4AB9B0C", "7be2e8b7a9b8bb9fa9e4a3dbb4ab9b0c"] {
            assert!(parse_property(text).is_err(), "{text}");
        }
        for text in ["", "acme", "-00000-00000-00000-00000-00000-00000"] {
            assert!(parse_network(text).is_err(), "{text}");
        }
        assert!(parse_organisation(&"o".repeat(ORGANISATION_MAX)).is_ok());
        assert!(parse_organisation(&"o".repeat(ORGANISATION_MAX + 1)).is_err());
        assert!(parse_organisation("a b").is_err() && parse_organisation("").is_err());
    }
}
