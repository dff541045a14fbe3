//! Where a callback may go. It judges addresses that are about to be connected to, and never names: a name leads
//! elsewhere whenever its owner likes.
//!
//! An address is judged as the host that it leads to. An IPv4-mapped address is the IPv4 address. Of an IPv6 address
//! that holds an IPv4 address (a translator's, a tunnel's), both must be open. What the configuration lists is open to
//! everybody, whatever it is.

use std::net::{IpAddr, SocketAddr};

use crate::model::address::{AddressKind, embedded};
use crate::model::attempt::Reply;
use crate::model::network::Network;
use crate::model::subscription::Trust;

/// What admits an address that is refused, as it stands in the configuration.
const KEY: &str = "`allow` of [delivery] in ringback.toml";

/// Who may call what.
#[derive(Debug)]
pub(super) struct Guard {
    allow: Vec<Network>,
}

/// The addresses of a host that may be called: at least one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Admitted {
    /// In the order in which they came.
    pub(super) addresses: Vec<SocketAddr>,
    /// Why the others are left out; empty where none is.
    pub(super) left_out: String,
}

impl Guard {
    /// A guard that admits these networks too.
    pub(super) fn new(allow: Vec<Network>) -> Self {
        Self { allow }
    }

    /// Those of a host's addresses that may be called. The others are left out and do not close the host: no connection
    /// goes to them, and names that also have a link-local address are common in local networks (RFC 6762).
    ///
    /// # Errors
    /// The reply of an attempt that finds every address closed.
    pub(super) fn admit(&self, trust: Trust, addresses: Vec<SocketAddr>) -> Result<Admitted, Reply> {
        let mut admitted = Vec::with_capacity(addresses.len());
        let mut left_out = Vec::new();
        for address in addresses {
            match self.check(trust, address.ip()) {
                Ok(()) => admitted.push(address),
                Err(why) => left_out.push(why),
            }
        }
        let left_out = left_out.join("; ");
        if admitted.is_empty() {
            return Err(Reply::AddressRefused { why: left_out });
        }
        Ok(Admitted { addresses: admitted, left_out })
    }

    /// Judges one address.
    fn check(&self, trust: Trust, address: IpAddr) -> Result<(), String> {
        if self.is_listed(address) {
            return Ok(());
        }
        let address = address.to_canonical();
        let kind = AddressKind::of(address);
        if !is_open(trust, kind) {
            return Err(why(trust, &address.to_string(), kind));
        }
        let closed = embedded(address).into_iter().find_map(|held| {
            let kind = AddressKind::of(held.into());
            let is_closed = !is_open(trust, kind) && !self.is_listed(held.into());
            is_closed.then(|| why(trust, &format!("{address} leads to {held}, which"), kind))
        });
        closed.map_or(Ok(()), Err)
    }

    fn is_listed(&self, address: IpAddr) -> bool {
        self.allow.iter().any(|network| network.contains(address))
    }
}

/// Whether a kind of address is open to such a subscription without being listed.
fn is_open(trust: Trust, kind: AddressKind) -> bool {
    match kind {
        AddressKind::Public => true,
        AddressKind::Loopback | AddressKind::Private => trust == Trust::RuleFile,
        AddressKind::LinkLocal
        | AddressKind::Metadata
        | AddressKind::Multicast
        | AddressKind::Broadcast
        | AddressKind::Unspecified
        | AddressKind::Reserved => false,
    }
}

fn why(trust: Trust, address: &str, kind: AddressKind) -> String {
    let who = if is_open(Trust::RuleFile, kind) && trust == Trust::Registration {
        "a subscription that was registered over HTTP is not sent there"
    } else {
        "no subscription is sent there"
    };
    format!("{address} is {kind}: {who} unless {KEY} lists it")
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, SocketAddr};

    use super::{Admitted, Guard};
    use crate::model::attempt::Reply;
    use crate::model::subscription::Trust::{self, Registration, RuleFile};

    fn guard(allow: &[&str]) -> Guard {
        Guard::new(allow.iter().map(|network| network.parse().expect(network)).collect())
    }

    /// Whether an address is open to rule files and to registrations.
    fn open(guard: &Guard, address: &str) -> [bool; 2] {
        let address: IpAddr = address.parse().expect(address);
        [RuleFile, Registration].map(|trust| guard.check(trust, address).is_ok())
    }

    const ALL: [bool; 2] = [true; 2];
    const RULE_FILES: [bool; 2] = [true, false];
    const NOBODY: [bool; 2] = [false; 2];

    #[test]
    fn public_addresses_are_open_and_private_ones_to_rule_files_alone() {
        for (address, expect) in [
            ("8.8.8.8", ALL),
            ("2606:4700::1111", ALL),
            ("::ffff:8.8.8.8", ALL),
            ("64:ff9b::8.8.8.8", ALL),
            ("2002:808:808::1", ALL),
            ("127.0.0.1", RULE_FILES),
            ("127.255.255.254", RULE_FILES),
            ("::1", RULE_FILES),
            ("::ffff:127.0.0.1", RULE_FILES),
            ("10.1.2.3", RULE_FILES),
            ("172.31.255.255", RULE_FILES),
            ("192.168.0.1", RULE_FILES),
            ("100.64.0.1", RULE_FILES),
            ("fd12::1", RULE_FILES),
            ("64:ff9b::10.1.2.3", RULE_FILES),
            ("2002:a01:203::1", RULE_FILES),
            // A Teredo address whose client is 10.0.0.1, and one whose server is.
            ("2001:0:4136:e378:8000:63bf:f5ff:fffe", RULE_FILES),
            ("2001:0:a00:1:8000:63bf:f7f7:f7f7", RULE_FILES),
            ("169.254.169.254", NOBODY),
            ("::ffff:169.254.169.254", NOBODY),
            ("64:ff9b::169.254.169.254", NOBODY),
            ("64:ff9b:1::169.254.169.254", NOBODY),
            ("64:ff9b:1::8.8.8.8", NOBODY),
            ("2002:a9fe:a9fe::1", NOBODY),
            ("2001:0:4136:e378:8000:63bf:5601:5601", NOBODY),
            ("::8.8.8.8", NOBODY),
            ("::127.0.0.1", NOBODY),
            ("fe80::1", NOBODY),
            ("fd00:ec2::254", NOBODY),
            ("fd20:ce::254", NOBODY),
            ("100.100.100.200", NOBODY),
            ("192.0.0.192", NOBODY),
            ("168.63.129.16", NOBODY),
            ("0.0.0.0", NOBODY),
            ("0.1.2.3", NOBODY),
            ("::", NOBODY),
            ("224.0.0.1", NOBODY),
            ("ff02::1", NOBODY),
            ("255.255.255.255", NOBODY),
            ("240.0.0.1", NOBODY),
            ("203.0.113.1", NOBODY),
            ("2001:db8::1", NOBODY),
        ] {
            assert_eq!(open(&guard(&[]), address), expect, "{address}");
        }
    }

    #[test]
    fn what_is_listed_is_open_to_all_and_nothing_beside_it_is() {
        let listed = guard(&["10.8.0.0/16", "169.254.7.7", "::ffff:192.168.1.0/120", "fd12::/16", "64:ff9b:1::/48"]);
        for (address, expect) in [
            ("10.8.1.2", ALL),
            ("::ffff:10.8.1.2", ALL),
            ("64:ff9b::10.8.1.2", ALL),
            ("2002:a08:102::1", ALL),
            ("10.9.0.1", RULE_FILES),
            ("169.254.7.7", ALL),
            ("169.254.169.254", NOBODY),
            ("192.168.1.77", ALL),
            ("192.168.2.1", RULE_FILES),
            ("fd12::1", ALL),
            ("fd13::1", RULE_FILES),
            ("64:ff9b:1::10.9.0.1", ALL),
            ("127.0.0.1", RULE_FILES),
        ] {
            assert_eq!(open(&listed, address), expect, "{address}");
        }
    }

    fn admit(trust: Trust, addresses: &[&str]) -> Result<(Vec<String>, String), String> {
        let addresses = addresses.iter().map(|ip| SocketAddr::new(ip.parse().expect(ip), 80)).collect();
        match guard(&[]).admit(trust, addresses) {
            Ok(Admitted { addresses, left_out }) => {
                Ok((addresses.iter().map(|address| address.ip().to_string()).collect(), left_out))
            }
            Err(Reply::AddressRefused { why }) => Err(why),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn of_mixed_answers_the_open_ones_are_called() {
        let (open, left_out) = admit(RuleFile, &["fe80::1", "10.0.0.1", "8.8.8.8"]).expect("two are open");
        assert_eq!(open, ["10.0.0.1", "8.8.8.8"]);
        assert!(left_out.starts_with("fe80::1 is a link-local address:"), "{left_out}");
        let (open, left_out) = admit(Registration, &["10.0.0.1", "8.8.8.8"]).expect("one is open");
        assert_eq!(open, ["8.8.8.8"]);
        assert!(left_out.starts_with("10.0.0.1 is "), "{left_out}");
        assert_eq!(admit(RuleFile, &["8.8.8.8"]), Ok((vec!["8.8.8.8".into()], String::new())));
    }

    #[test]
    fn a_refusal_names_each_address_and_the_key() {
        assert_eq!(
            admit(RuleFile, &["169.254.169.254"]),
            Err("169.254.169.254 is a link-local address: no subscription is sent there unless `allow` of [delivery] in \
                 ringback.toml lists it"
                .into())
        );
        assert_eq!(
            admit(Registration, &["::ffff:10.0.0.1", "64:ff9b::127.0.0.1"]),
            Err("10.0.0.1 is an address of a private network: a subscription that was registered over HTTP is not sent \
                 there unless `allow` of [delivery] in ringback.toml lists it; 64:ff9b::7f00:1 leads to 127.0.0.1, \
                 which is a loopback address: a subscription that was registered over HTTP is not sent there unless \
                 `allow` of [delivery] in ringback.toml lists it"
                .into())
        );
    }
}
