//! Tenants and principals as they are in force: who is known, by which ids, and that no two are taken for each other.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::Notes;
use crate::config::options::{TenantOptions, Written};
use crate::diagnostic::{Code, Severity};
use crate::model::nearest::nearest;
use crate::model::principal::{LOCAL_ADMINISTRATOR, Principal, Role};
use crate::model::tenant::Tenant;
use crate::model::tenant_ids::TenantIds;

/// Every tenant that a `[[tenant]]`, a mount or a principal names, by name, each with its ids.
pub(super) fn tenants(
    written: Vec<TenantOptions>,
    mounts: &[Written<Tenant>],
    principals: &[Written<Principal>],
    notes: &mut Notes<'_>,
) -> Vec<TenantIds> {
    let mut known: BTreeMap<Tenant, TenantIds> = BTreeMap::new();
    let mut written_at = HashMap::new();
    for TenantOptions { name, property, network, organisation } in written {
        let derived = TenantIds::derived(name.value.clone());
        let ids = TenantIds {
            property: property.map_or(derived.property, |written| written.value),
            network: network.map_or(derived.network, |written| written.value),
            organisation: organisation.map_or(derived.organisation, |written| written.value),
            tenant: derived.tenant,
        };
        written_at.insert(name.value.clone(), name.span.clone());
        if known.insert(name.value, ids).is_some() {
            let message = "there are two tenants of this name".to_owned();
            notes.error(Code::Duplicate, name.span, message, "rename one, or remove it");
        }
    }
    let named_by_mounts = mounts.iter().map(|mount| &mount.value);
    let named: BTreeSet<Tenant> =
        named_by_mounts.chain(principals.iter().flat_map(|principal| &*principal.value.tenants)).cloned().collect();
    check_principals_tenants(&known, mounts, principals, notes);
    for tenant in named {
        known.entry(tenant.clone()).or_insert_with(|| TenantIds::derived(tenant));
    }
    let mut taken: HashMap<(&str, &str), &Tenant> = HashMap::new();
    for ids in known.values() {
        for (key, id) in [("property", &ids.property), ("network", &ids.network), ("organisation", &ids.organisation)] {
            if let Some(other) = taken.insert((key, id), &ids.tenant) {
                let message = format!("the tenants `{other}` and `{}` have the same {key}", ids.tenant);
                // One of the two is written out: derived ids differ.
                let span = written_at.get(&ids.tenant).or_else(|| written_at.get(other)).cloned().unwrap_or_default();
                notes.error(Code::Duplicate, span, message, "give each tenant one of its own");
            }
        }
    }
    known.into_values().collect()
}

/// A principal that sees nothing is one whose tenants were forgotten, or mistyped.
fn check_principals_tenants(
    blocks: &BTreeMap<Tenant, TenantIds>,
    mounts: &[Written<Tenant>],
    principals: &[Written<Principal>],
    notes: &mut Notes<'_>,
) {
    let there: Vec<&str> = blocks.keys().chain(mounts.iter().map(|mount| &mount.value)).map(Tenant::as_str).collect();
    for Written { value, span } in principals {
        let Principal { name, role, tenants, .. } = value;
        if *role != Role::SuperAdministrator && tenants.is_empty() {
            let message = format!("the principal `{name}` has no tenants: a {} sees nothing without", role.as_str());
            let help = "add tenants = [\"acme\"], and tenant = \"acme\" to its mounts and rules";
            notes.note(Code::NoTenant, Severity::Warning, span.clone(), message, help);
        }
        for tenant in tenants.iter().filter(|tenant| !there.contains(&tenant.as_str())) {
            let message = format!("no mount and no [[tenant]] has the tenant `{tenant}` of the principal `{name}`");
            let help = match nearest(tenant.as_str(), &there) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("add [[tenant]] with name = \"{tenant}\" where rules alone have it"),
            };
            notes.note(Code::NoTenant, Severity::Warning, span.clone(), message, &help);
        }
    }
}

pub(super) fn check_principals(principals: &[Written<Principal>], notes: &mut Notes<'_>) {
    let (mut names, mut tokens, mut mage_ids) = (HashSet::new(), HashMap::new(), HashMap::new());
    for Written { value, span } in principals {
        if value.name == LOCAL_ADMINISTRATOR {
            let message = format!("`{LOCAL_ADMINISTRATOR}` is the principal whose token the state directory keeps");
            notes.error(Code::Duplicate, span.clone(), message, "choose another name");
        }
        if !names.insert(&value.name) {
            let message = format!("there are two principals `{}`", value.name);
            notes.error(Code::Duplicate, span.clone(), message, "rename one, or remove it");
            continue;
        }
        if let Some(other) = mage_ids.insert(value.mage_id, &value.name) {
            let message = format!("the principals `{other}` and `{}` have the same mage_id", value.name);
            notes.error(Code::Duplicate, span.clone(), message, "give each principal one of its own");
        }
        if let Some(other) = tokens.insert(value.token_sha256, &value.name) {
            let message = format!("the principals `{other}` and `{}` have the same token", value.name);
            notes.error(Code::Duplicate, span.clone(), message, "give each principal a token of its own");
        }
    }
    let is_reading = |principal: &Written<Principal>| principal.value.role != Role::Recorder;
    if let Some(last) = principals.last().filter(|_| !principals.iter().any(is_reading)) {
        let message = "no principal may read the status: only the token in the state directory lets somebody in";
        let help = "add a principal for whoever watches over ringback, with the role reader or operator";
        notes.note(Code::NobodyReadsStatus, Severity::Warning, last.span.clone(), message.to_owned(), help);
    }
}
