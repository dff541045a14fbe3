//! A network: the addresses that begin with the same bits, in CIDR notation (RFC 4632; RFC 4291, section 2.3).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Bits of an IPv4 address that is written as an IPv6 one (`::ffff:0:0/96`), before the IPv4 address itself.
const MAPPED_BITS: u8 = 96;

/// A network of IPv4 or of IPv6 addresses. An IPv4-mapped IPv6 network is the IPv4 network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    /// The lowest address; canonical.
    first: IpAddr,
    /// How many bits its addresses have in common: at most 32 or 128.
    bits: u8,
}

impl Network {
    /// A network of IPv4 addresses, for tables. `first` has no bit behind the first `bits`.
    pub(super) const fn v4(first: [u8; 4], bits: u8) -> Self {
        let [a, b, c, d] = first;
        Self { first: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), bits }
    }

    /// A network of IPv6 addresses, for tables. `first` has no bit behind the first `bits`.
    pub(super) const fn v6(first: u128, bits: u8) -> Self {
        Self { first: IpAddr::V6(Ipv6Addr::from_bits(first)), bits }
    }

    /// Returns whether an address lies in it. An IPv4-mapped address is the IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(address)) => first == masked_v4(address, self.bits),
            (IpAddr::V6(first), IpAddr::V6(address)) => first == masked_v6(address, self.bits),
            _ => false,
        }
    }
}

fn masked_v4(address: Ipv4Addr, bits: u8) -> Ipv4Addr {
    let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
    Ipv4Addr::from_bits(address.to_bits() & mask)
}

fn masked_v6(address: Ipv6Addr, bits: u8) -> Ipv6Addr {
    let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
    Ipv6Addr::from_bits(address.to_bits() & mask)
}

impl FromStr for Network {
    type Err = NetworkError;

    /// Reads `10.0.0.0/8`, `fd12:3456::/32`, or one address.
    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NetworkError::Address)?;
        let bits_max = if address.is_ipv4() { 32 } else { 128 };
        let digits = |bits: &&str| bits.bytes().all(|b| b.is_ascii_digit());
        let bits = match bits {
            None => bits_max,
            Some(bits) => Some(bits)
                .filter(digits)
                .and_then(|bits| bits.parse().ok())
                .filter(|bits| *bits <= bits_max)
                .ok_or(NetworkError::Bits { bits_max })?,
        };
        let (address, bits) = match (address.to_canonical(), address) {
            (IpAddr::V4(v4), IpAddr::V6(_)) if bits >= MAPPED_BITS => (IpAddr::V4(v4), bits - MAPPED_BITS),
            _ => (address, bits),
        };
        let first = match address {
            IpAddr::V4(v4) => IpAddr::V4(masked_v4(v4, bits)),
            IpAddr::V6(v6) => IpAddr::V6(masked_v6(v6, bits)),
        };
        let network = Self { first, bits };
        if first == address { Ok(network) } else { Err(NetworkError::BitsBehind { meant: network }) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

/// A text that is not a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// What stands before the slash, or alone.
    #[error("a network is an IP address and a number of bits, such as 10.0.0.0/8 or fd12:3456::/32")]
    Address,
    /// What stands behind the slash.
    #[error("the number of bits behind the slash is 0 to {bits_max}")]
    Bits {
        /// The most bits of such an address.
        bits_max: u8,
    },
    /// An address inside the network, which may be meant or not.
    #[error("the address has bits set behind its prefix: the network is {meant}")]
    BitsBehind {
        /// The network around it.
        meant: Network,
    },
}

#[cfg(test)]
mod tests {
    use super::Network;

    #[test]
    fn networks_are_read_and_shown() {
        for (text, expect) in [
            ("10.0.0.0/8", Ok("10.0.0.0/8")),
            ("10.1.2.3", Ok("10.1.2.3/32")),
            ("0.0.0.0/0", Ok("0.0.0.0/0")),
            ("fd12:3456::/32", Ok("fd12:3456::/32")),
            ("::/0", Ok("::/0")),
            ("::1", Ok("::1/128")),
            ("::ffff:10.0.0.0/104", Ok("10.0.0.0/8")),
            ("::ffff:10.1.2.3", Ok("10.1.2.3/32")),
            ("10.1.0.0/8", Err("the address has bits set behind its prefix: the network is 10.0.0.0/8")),
            ("fd12::1/32", Err("the address has bits set behind its prefix: the network is fd12::/32")),
            ("10.0.0.0/33", Err("the number of bits behind the slash is 0 to 32")),
            ("fd12::/129", Err("the number of bits behind the slash is 0 to 128")),
            ("10.0.0.0/", Err("the number of bits behind the slash is 0 to 32")),
            ("10.0.0.0/+8", Err("the number of bits behind the slash is 0 to 32")),
            ("10.0/8", Err("a network is an IP address and a number of bits, such as 10.0.0.0/8 or fd12:3456::/32")),
            (
                "example.org",
                Err("a network is an IP address and a number of bits, such as 10.0.0.0/8 or fd12:3456::/32"),
            ),
        ] {
            let found = text.parse::<Network>().map(|network| network.to_string()).map_err(|error| error.to_string());
            assert_eq!(found, expect.map(str::to_owned).map_err(str::to_owned), "{text}");
        }
    }

    #[test]
    fn a_network_contains_its_addresses_in_either_spelling() {
        for (network, address, expect) in [
            ("10.0.0.0/8", "10.255.255.255", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("10.0.0.0/8", "::10.1.2.3", false),
            ("::ffff:0:0/96", "10.1.2.3", true),
            ("0.0.0.0/0", "8.8.8.8", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "8.8.8.8", false),
            ("fd00::/8", "fdff::1", true),
            ("fd00::/8", "fc00::1", false),
            ("::1", "::1", true),
            ("::1", "::2", false),
        ] {
            let (network, address) = (network.parse::<Network>().expect(network), address.parse().expect(address));
            assert_eq!(network.contains(address), expect, "{network} {address}");
        }
    }
}
