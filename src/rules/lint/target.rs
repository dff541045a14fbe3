//! Where callbacks go: unprotected through a public network, or to where ringback will not call.

use std::net::IpAddr;

use url::Host;

use super::{Notes, Placed};
use crate::diagnostic::Code;
use crate::model::address::{AddressKind, embedded};
use crate::rules::Rule;

/// Endings of names that no public host has: RFC 6761 (localhost), RFC 6762 (local), RFC 8375 (home.arpa), ICANN's
/// resolution 2024.07.29.06 (internal), and the names of Kubernetes' services.
const PRIVATE_ENDINGS: [&str; 5] = [".localhost", ".local", ".home.arpa", ".internal", ".svc"];

pub(super) fn lint(rule: &Rule, at: &Placed, notes: &mut Notes) {
    let url = &rule.subscription.target.url.parsed();
    let address = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        Some(Host::Domain(_)) | None => None,
    };
    let host = url.host_str().unwrap_or_default();
    if let Some(kind) = address.and_then(closed) {
        let message =
            format!("{host} is {kind}: each delivery to it is refused, unless `allow` of [delivery] lists it");
        let help = "call the receiver by another address; if this one is meant, list it in ringback.toml";
        notes.warn(Code::LinkLocal, at, &at.spans.callback, message, "refused at delivery", help);
        return;
    }
    let is_private = address.map_or_else(|| is_private_name(host), is_private);
    if url.scheme() == "http" && !is_private {
        let message =
            format!("the callback goes to {host} by plain http: whoever is on the way can read and change it");
        let help = "call it by https; a receiver in the own network is best called by its private address";
        notes.warn(Code::PlainHttp, at, &at.spans.callback, message, "not encrypted", help);
    }
}

/// The kind of the place that an address leads to, where that is closed to rule files too.
fn closed(address: IpAddr) -> Option<AddressKind> {
    let held = embedded(address).into_iter().map(IpAddr::V4);
    let mut kinds = std::iter::once(address).chain(held).map(AddressKind::of);
    kinds.find(|kind| !matches!(kind, AddressKind::Public) && !is_near(*kind))
}

/// This host and private networks.
fn is_private(address: IpAddr) -> bool {
    let held = embedded(address).into_iter().map(IpAddr::V4);
    std::iter::once(address).chain(held).map(AddressKind::of).any(is_near)
}

fn is_near(kind: AddressKind) -> bool {
    matches!(kind, AddressKind::Loopback | AddressKind::Private)
}

/// A name without a dot is looked up in the own network alone, or is in its hosts file.
fn is_private_name(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    !host.contains('.') || PRIVATE_ENDINGS.iter().any(|ending| host.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{closed, is_private, is_private_name};

    #[test]
    fn addresses_and_names_are_told_apart() {
        for (text, private, is_closed) in [
            ("127.0.0.1", true, false),
            ("10.1.2.3", true, false),
            ("172.31.0.1", true, false),
            ("172.32.0.1", false, false),
            ("192.168.1.1", true, false),
            ("100.64.0.1", true, false),
            ("100.128.0.1", false, false),
            ("0.0.0.0", false, true),
            ("8.8.8.8", false, false),
            ("169.254.169.254", false, true),
            ("::1", true, false),
            ("fd12::1", true, false),
            ("fe80::1", false, true),
            ("fd00:ec2::254", false, true),
            ("2606:4700::1111", false, false),
            ("2002:a00:1::1", true, false),
            ("64:ff9b::169.254.169.254", false, true),
            ("::ffff:10.0.0.1", true, false),
            ("::ffff:169.254.1.1", false, true),
        ] {
            let address = text.parse::<IpAddr>().expect("an address");
            assert_eq!((is_private(address), closed(address).is_some()), (private, is_closed), "{text}");
        }
        for (name, private) in [
            ("localhost", true),
            ("transcode", true),
            ("qc.media.svc", true),
            ("nas.local.", true),
            ("example.org", false),
            ("localhost.example.org", false),
        ] {
            assert_eq!(is_private_name(name), private, "{name}");
        }
    }
}
