//! Where callbacks go: unprotected through a public network, or to where ringback will not call.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::Host;

use super::{Notes, Placed};
use crate::diagnostic::Code;
use crate::rules::Rule;

/// Endings of names that no public host has: RFC 6761 (localhost), RFC 6762 (local), RFC 8375 (home.arpa), ICANN's
/// resolution 2024.07.29.06 (internal), and the names of Kubernetes' services.
const PRIVATE_ENDINGS: [&str; 5] = [".localhost", ".local", ".home.arpa", ".internal", ".svc"];

/// AWS's metadata service over IPv6, which is no link-local address.
const CLOUD_METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254);

pub(super) fn lint(rule: &Rule, at: &Placed, notes: &mut Notes) {
    let url = &rule.subscription.target.url;
    let address = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address).to_canonical()),
        Some(Host::Domain(_)) | None => None,
    };
    let host = url.host_str().unwrap_or_default();
    if address.is_some_and(is_link_local) {
        let message = format!("{host} is a link-local or cloud metadata address: each delivery to it is refused");
        let help = "call the receiver by another address";
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

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local() || v6 == CLOUD_METADATA_V6,
    }
}

/// Loopback, private networks, and the address that stands for this host.
fn is_private(address: IpAddr) -> bool {
    let shared = |v4: Ipv4Addr| v4.octets()[0] == 100 && v4.octets()[1] & 0b1100_0000 == 64;
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_unspecified() || shared(v4),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unspecified(),
    }
}

/// A name without a dot is looked up in the own network alone, or is in its hosts file.
fn is_private_name(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    !host.contains('.') || PRIVATE_ENDINGS.iter().any(|ending| host.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{is_link_local, is_private, is_private_name};

    #[test]
    fn addresses_and_names_are_told_apart() {
        for (text, private, link_local) in [
            ("127.0.0.1", true, false),
            ("10.1.2.3", true, false),
            ("172.31.0.1", true, false),
            ("172.32.0.1", false, false),
            ("192.168.1.1", true, false),
            ("100.64.0.1", true, false),
            ("100.128.0.1", false, false),
            ("0.0.0.0", true, false),
            ("8.8.8.8", false, false),
            ("169.254.169.254", false, true),
            ("::1", true, false),
            ("fd12::1", true, false),
            ("fe80::1", false, true),
            ("fd00:ec2::254", true, true),
            ("2001:db8::1", false, false),
            ("::ffff:10.0.0.1", true, false),
            ("::ffff:169.254.1.1", false, true),
        ] {
            let address = text.parse::<IpAddr>().expect("an address").to_canonical();
            assert_eq!((is_private(address), is_link_local(address)), (private, link_local), "{text}");
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
