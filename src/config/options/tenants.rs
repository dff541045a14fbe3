//! `[[tenant]]` as written.

use super::{Written, or_noted};
use crate::diagnostic::Code;
use crate::diagnostic::document::{Faults, Table};
use crate::model::tenant::Tenant;
use crate::model::tenant_ids::{parse_network, parse_organisation, parse_property};

/// One `[[tenant]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantOptions {
    /// `name`.
    pub name: Written<Tenant>,
    /// `property`.
    pub property: Option<Written<String>>,
    /// `network`.
    pub network: Option<Written<String>>,
    /// `organisation`.
    pub organisation: Option<Written<String>>,
}

pub(super) fn tenant(table: &Table<'_, '_>, faults: &mut Faults<'_>) -> Option<TenantOptions> {
    let meant = table.only(&["name", "property", "network", "organisation"], faults);
    table.missing("name", "name = \"acme\"", &meant, faults);
    let name = table
        .string("name", faults)
        .and_then(|text| or_noted(Tenant::parse(text.value), Code::BadName, &text, "such as \"acme\"", faults));
    let help = "leave it out, and it is derived from the tenant's name";
    let mut id = |key: &str, parse: fn(&str) -> Result<String, &'static str>| {
        let text = table.string(key, faults)?;
        or_noted(parse(text.value), Code::BadName, &text, help, faults)
    };
    let property = id("property", parse_property);
    let network = id("network", parse_network);
    let organisation = id("organisation", parse_organisation);
    Some(TenantOptions { name: name?, property, network, organisation })
}
