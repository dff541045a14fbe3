//! The envelope of the `compendium` text.

use super::envelope::Enveloped;
use super::json;
use crate::model::tenant_ids::{GLOBAL_NETWORK, TenantIds};

/// The only version of its descriptors.
const VERSION: &str = "1";

/// Writes an entry.
pub(super) fn write(out: &mut Vec<u8>, it: &Enveloped<'_>) {
    let derived = || match &it.subscription.tenant {
        Some(tenant) => TenantIds::derived(tenant.clone()).network,
        None => GLOBAL_NETWORK.to_owned(),
    };
    let network = it.subscription.belongs_to.as_deref().map_or_else(derived, str::to_owned);
    for (before, text) in [(r#"{"CallbackId":"#, it.subscription.name.id()), (r#","EventName":"#, it.event())] {
        out.extend_from_slice(before.as_bytes());
        json::text(out, text);
    }
    out.extend_from_slice(br#","CallbackVersion":"#);
    out.extend_from_slice(VERSION.as_bytes());
    for (before, text) in [(r#","NetworkId":"#, &network), (r#","Timestamp":"#, &it.time().to_string())] {
        out.extend_from_slice(before.as_bytes());
        json::text(out, text);
    }
    out.extend_from_slice(br#","Payload":"#);
    out.extend_from_slice(&it.payload());
    out.push(b'}');
}
