//! What kind of place an IP address leads to. It decides nothing: who may call which kind is the guard's.
//!
//! The tables follow IANA's registries of special-purpose addresses (RFC 6890, as of 2025), and name the metadata
//! services of clouds, whose answers may hold credentials. An IPv6 address that holds an IPv4 address leads to that
//! one, through a translator or a tunnel: [`embedded`] finds it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::network::Network;

/// A kind of address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressKind {
    /// Any host of the Internet.
    Public,
    /// This host.
    Loopback,
    /// A private network: RFC 1918, unique local addresses (RFC 4193), and the shared address space of carriers and
    /// overlay networks (RFC 6598), which is not routed in the Internet either.
    Private,
    /// The link, where clouds have their metadata services (RFC 3927; RFC 4291, section 2.5.6).
    LinkLocal,
    /// A service of a cloud that hands credentials to the machine, and is not link-local.
    Metadata,
    /// No single host.
    Multicast,
    /// All hosts of the link.
    Broadcast,
    /// No address (RFC 1122, section 3.2.1.3). Connecting to it reaches this host.
    Unspecified,
    /// Set aside by IANA for documentation, tests, protocols, or the future.
    Reserved,
}

/// The first network that contains an address says its kind. What is in none is public.
const V4: [(Network, AddressKind); 19] = [
    // Azure's platform, Alibaba Cloud, Oracle Cloud (Classic).
    (Network::v4([168, 63, 129, 16], 32), AddressKind::Metadata),
    (Network::v4([100, 100, 100, 200], 32), AddressKind::Metadata),
    (Network::v4([192, 0, 0, 192], 32), AddressKind::Metadata),
    (Network::v4([169, 254, 0, 0], 16), AddressKind::LinkLocal),
    (Network::v4([0, 0, 0, 0], 8), AddressKind::Unspecified),
    (Network::v4([127, 0, 0, 0], 8), AddressKind::Loopback),
    (Network::v4([10, 0, 0, 0], 8), AddressKind::Private),
    (Network::v4([172, 16, 0, 0], 12), AddressKind::Private),
    (Network::v4([192, 168, 0, 0], 16), AddressKind::Private),
    (Network::v4([100, 64, 0, 0], 10), AddressKind::Private),
    // Protocol assignments, documentation, 6to4 relays (RFC 7526), benchmarks.
    (Network::v4([192, 0, 0, 0], 24), AddressKind::Reserved),
    (Network::v4([192, 0, 2, 0], 24), AddressKind::Reserved),
    (Network::v4([198, 51, 100, 0], 24), AddressKind::Reserved),
    (Network::v4([203, 0, 113, 0], 24), AddressKind::Reserved),
    (Network::v4([192, 88, 99, 0], 24), AddressKind::Reserved),
    (Network::v4([198, 18, 0, 0], 15), AddressKind::Reserved),
    (Network::v4([224, 0, 0, 0], 4), AddressKind::Multicast),
    (Network::v4([255, 255, 255, 255], 32), AddressKind::Broadcast),
    (Network::v4([240, 0, 0, 0], 4), AddressKind::Reserved),
];

/// IPv4 addresses behind a translator of the Internet's (RFC 6052).
const NAT64: Network = Network::v6(0x0064_ff9b << 96, 96);
/// IPv4 addresses behind a tunnel (RFC 3056).
const SIX_TO_FOUR: Network = Network::v6(0x2002 << 112, 16);
/// IPv4 addresses behind a tunnel over UDP (RFC 4380).
const TEREDO: Network = Network::v6(0x2001 << 112, 32);
/// IPv4 addresses, of old (RFC 4291, section 2.5.5.1). `::` and `::1` are none.
const COMPATIBLE: Network = Network::v6(0, 96);

/// The first network that contains an address says its kind. What is in none is reserved: only 2000::/3 is given out.
/// The networks that hold IPv4 addresses are public, as far as they themselves go.
const V6: [(Network, AddressKind); 16] = [
    // AWS, Google Cloud, Scaleway.
    (Network::v6(0xfd00_0ec2 << 96, 32), AddressKind::Metadata),
    (Network::v6(0xfd20_00ce << 96 | 0x254, 128), AddressKind::Metadata),
    (Network::v6(0xfd00_0042 << 96 | 0x42, 128), AddressKind::Metadata),
    (Network::v6(0xfe80 << 112, 10), AddressKind::LinkLocal),
    (Network::v6(0, 128), AddressKind::Unspecified),
    (Network::v6(1, 128), AddressKind::Loopback),
    (Network::v6(0xfc00 << 112, 7), AddressKind::Private),
    (Network::v6(0xff00 << 112, 8), AddressKind::Multicast),
    (NAT64, AddressKind::Public),
    (TEREDO, AddressKind::Public),
    (SIX_TO_FOUR, AddressKind::Public),
    // Protocol assignments, documentation.
    (Network::v6(0x2001 << 112, 23), AddressKind::Reserved),
    (Network::v6(0x2001_0db8 << 96, 32), AddressKind::Reserved),
    (Network::v6(0x3fff << 112, 20), AddressKind::Reserved),
    (Network::v6(0x2000 << 112, 3), AddressKind::Public),
    (Network::v6(0, 0), AddressKind::Reserved),
];

impl AddressKind {
    /// The kind of an address itself, whatever it holds.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        let (table, otherwise) = match address.to_canonical() {
            IpAddr::V4(_) => (&V4[..], Self::Public),
            IpAddr::V6(_) => (&V6[..], Self::Reserved),
        };
        table.iter().find(|(network, _)| network.contains(address)).map_or(otherwise, |(_, kind)| *kind)
    }
}

impl fmt::Display for AddressKind {
    /// With its article: `a link-local address`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "a public address",
            Self::Loopback => "a loopback address",
            Self::Private => "an address of a private network",
            Self::LinkLocal => "a link-local address",
            Self::Metadata => "the address of a cloud's metadata service",
            Self::Multicast => "a multicast address",
            Self::Broadcast => "the broadcast address",
            Self::Unspecified => "an unspecified address",
            Self::Reserved => "a reserved address",
        })
    }
}

/// The IPv4 addresses that an IPv6 address holds; of a Teredo address the client's and the server's. An IPv4-mapped
/// address holds none: it is the IPv4 address.
#[must_use]
pub fn embedded(address: IpAddr) -> Vec<Ipv4Addr> {
    let IpAddr::V6(v6) = address.to_canonical() else { return Vec::new() };
    let [_, b, c, d, _, _, g, h] = v6.segments();
    let is_compatible = COMPATIBLE.contains(address) && v6 != Ipv6Addr::UNSPECIFIED && v6 != Ipv6Addr::LOCALHOST;
    if SIX_TO_FOUR.contains(address) {
        vec![v4(b, c)]
    } else if TEREDO.contains(address) {
        // The client's address is written inverted (RFC 4380, section 4).
        vec![v4(!g, !h), v4(c, d)]
    } else if NAT64.contains(address) || is_compatible {
        vec![v4(g, h)]
    } else {
        Vec::new()
    }
}

fn v4(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::AddressKind::{self, *};
    use super::embedded;

    fn at(text: &str) -> IpAddr {
        text.parse().expect(text)
    }

    #[test]
    fn each_network_has_its_kind_up_to_its_edges() {
        for (first, last, kind) in [
            ("0.0.0.0", "0.255.255.255", Unspecified),
            ("1.0.0.0", "9.255.255.255", Public),
            ("10.0.0.0", "10.255.255.255", Private),
            ("100.64.0.0", "100.100.100.199", Private),
            ("100.100.100.200", "100.100.100.200", Metadata),
            ("100.100.100.201", "100.127.255.255", Private),
            ("100.128.0.0", "126.255.255.255", Public),
            ("127.0.0.0", "127.255.255.255", Loopback),
            ("168.63.129.16", "168.63.129.16", Metadata),
            ("168.63.129.17", "169.253.255.255", Public),
            ("169.254.0.0", "169.254.255.255", LinkLocal),
            ("172.15.255.255", "172.15.255.255", Public),
            ("172.16.0.0", "172.31.255.255", Private),
            ("172.32.0.0", "191.255.255.255", Public),
            ("192.0.0.0", "192.0.0.191", Reserved),
            ("192.0.0.192", "192.0.0.192", Metadata),
            ("192.0.1.0", "192.0.1.255", Public),
            ("192.0.2.0", "192.0.2.255", Reserved),
            ("192.88.99.0", "192.88.99.255", Reserved),
            ("192.168.0.0", "192.168.255.255", Private),
            ("198.18.0.0", "198.19.255.255", Reserved),
            ("198.51.100.0", "198.51.100.255", Reserved),
            ("203.0.113.0", "203.0.113.255", Reserved),
            ("203.0.114.0", "223.255.255.255", Public),
            ("224.0.0.0", "239.255.255.255", Multicast),
            ("240.0.0.0", "255.255.255.254", Reserved),
            ("255.255.255.255", "255.255.255.255", Broadcast),
            ("::ffff:10.0.0.1", "::ffff:10.255.255.255", Private),
            ("::ffff:169.254.169.254", "::ffff:169.254.169.254", LinkLocal),
            ("::", "::", Unspecified),
            ("::1", "::1", Loopback),
            ("::2", "::fffe:ffff:ffff", Reserved),
            ("64:ff9b::", "64:ff9b::ffff:ffff", Public),
            ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", Reserved),
            ("100::", "100::ffff:ffff:ffff:ffff", Reserved),
            ("2000::", "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Public),
            ("2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", Public),
            ("2001:1::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", Reserved),
            ("2001:200::", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", Public),
            ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", Reserved),
            ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Public),
            ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", Reserved),
            ("4000::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Reserved),
            ("fc00::", "fd00:42::41", Private),
            ("fd00:42::42", "fd00:42::42", Metadata),
            ("fd00:ec2::", "fd00:ec2:ffff:ffff:ffff:ffff:ffff:ffff", Metadata),
            ("fd20:ce::254", "fd20:ce::254", Metadata),
            ("fd20:ce::255", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Private),
            ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", LinkLocal),
            ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Reserved),
            ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Multicast),
        ] {
            assert_eq!([AddressKind::of(at(first)), AddressKind::of(at(last))], [kind; 2], "{first} to {last}");
        }
    }

    #[test]
    fn ipv4_addresses_are_found_in_ipv6_ones() {
        for (text, expect) in [
            ("10.0.0.1", &[][..]),
            ("::ffff:10.0.0.1", &[]),
            ("::", &[]),
            ("::1", &[]),
            ("::10.0.0.1", &["10.0.0.1"]),
            ("64:ff9b::a9fe:a9fe", &["169.254.169.254"]),
            ("2002:a9fe:a9fe::1", &["169.254.169.254"]),
            // The example of RFC 4380, section 4: the server 65.54.227.120, the client 192.0.2.45.
            ("2001:0:4136:e378:8000:63bf:3fff:fdd2", &["192.0.2.45", "65.54.227.120"]),
            ("2001:db8::10.0.0.1", &[]),
        ] {
            let found: Vec<_> = embedded(at(text)).iter().map(ToString::to_string).collect();
            assert_eq!(found, expect, "{text}");
        }
    }
}
