//! `[[principal]]` as written.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Written, or_noted};
use crate::diagnostic::Code;
use crate::diagnostic::document::{Faults, Table};
use crate::model::mage_id::MageId;
use crate::model::principal::{Principal, Role};
use crate::model::tenant::Tenant;

/// Digests that the documentation shows.
const SAMPLES: [&str; 2] = [
    "50d858e0985ecc7f60418aaf0cc5ab587f42c2570a884095a9e8ccacd0f6545c",
    "6c9b19cb967b563d9d96b341ad4a89a74444c6f18e9530f4623817fe30d6400c",
];

pub(super) fn principal(table: &Table<'_, '_>, faults: &mut Faults<'_>) -> Option<Written<Principal>> {
    let meant = table.only(&["name", "role", "tenants", "token_sha256", "mage_id"], faults);
    table.missing("name", "name = \"pipeline\"", &meant, faults);
    table.missing("role", "role = \"operator\"", &meant, faults);
    table.missing("token_sha256", "token_sha256 = \"...\" (printf %s TOKEN | sha256sum)", &meant, faults);
    let name = table.string("name", faults).and_then(|text| {
        // `Authorization: Basic` ends the name at the first colon (RFC 7617, section 2).
        let is_name = |b: u8| b.is_ascii_graphic() && b != b':';
        let fits = (1..=64).contains(&text.value.len()) && text.value.bytes().all(is_name);
        let error = "a principal's name is 1 to 64 visible ASCII characters other than `:`";
        or_noted(fits.then(|| text.value.to_owned()).ok_or(error), Code::BadName, &text, "such as \"pipeline\"", faults)
    });
    let role = table.word("role", &Role::ALL.map(|role| (role.as_str(), role)), faults);
    let tenants = tenants(table, role, faults);
    let digest = table.string("token_sha256", faults).and_then(|text| {
        let error = format!("a SHA-256 digest is 64 hexadecimal digits; this has {} characters", text.value.len());
        let help = "this is the token's digest, not the token: printf %s TOKEN | sha256sum";
        let digest = or_noted(hex(text.value).ok_or(error), Code::BadDigest, &text, help, faults)?;
        if SAMPLES.contains(&text.value.to_ascii_lowercase().as_str()) {
            let message = "this is the digest of the documentation's sample: its token is public".to_owned();
            let help = "make a token of your own: `ringback token` prints it with its digest";
            faults.error(Code::PublicToken, text.span, message, "everybody's token").help(help);
        }
        Some(digest)
    });
    let mage_id = table.string("mage_id", faults).map(|text| {
        let help = "such as \"MAG000000001\"; leave it out, and it is derived from the name";
        or_noted(MageId::parse(text.value), Code::BadName, &text, help, faults)
    });
    let name = name?;
    let mage_id = match mage_id {
        Some(written) => written?.value,
        None => MageId::of(&name.value),
    };
    let value =
        Principal { name: name.value, role: role?, tenants: Arc::new(tenants), token_sha256: digest?.value, mage_id };
    Some(Written { value, span: name.span })
}

fn tenants(table: &Table<'_, '_>, role: Option<Role>, faults: &mut Faults<'_>) -> BTreeSet<Tenant> {
    let texts = table.strings("tenants", faults).unwrap_or_default();
    if role == Some(Role::SuperAdministrator) && table.has("tenants") {
        let message = "a super-administrator has every tenant, and takes no `tenants`".to_owned();
        let help = "leave `tenants` out, or take the role super-delegate";
        faults.error(Code::OutOfRange, table.key_span("tenants"), message, "").help(help);
    }
    let mut all = BTreeSet::new();
    for text in texts {
        let tenant = or_noted(Tenant::parse(text.value), Code::BadName, &text, "such as tenants = [\"acme\"]", faults);
        all.extend(tenant.map(|tenant| tenant.value));
    }
    all
}

/// 32 bytes from 64 hexadecimal digits.
fn hex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    let mut out = [0; 32];
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |b: u8| char::from(b).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(out)
}
