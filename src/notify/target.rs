//! Where a webhook may lead: what is written is read as browsers read it, and every address is judged.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use url::{Host, Position, Url};

/// How far webhooks may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Hosts of the public internet only.
    Public,
    /// This machine only.
    Loopback,
}

/// A checked web address: `https` (or `http` on this machine), a host within reach, no user.
#[derive(Clone)]
pub(super) struct Target {
    url: Url,
    reach: Reach,
}

/// Last labels of names that never lead to a host of the public internet (RFC 6761, RFC 6762, RFC 7686, RFC 8375, RFC
/// 9476, and `internal`, which ICANN keeps free). `arpa` is about infrastructure.
const SPECIAL: [&str; 9] =
    ["alt", "arpa", "example", "internal", "invalid", "local", "localhost", "onion", "test"];

impl Target {
    /// Reads an address as the WHATWG URL standard does, so that what is judged is what is connected to; the rule that
    /// it breaks, where it is refused.
    pub(super) fn parse(text: &str, reach: Reach) -> Result<Self, &'static str> {
        if text.len() > 2000 || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err("must be at most 2000 characters, without blanks");
        }
        let url = Url::parse(text).map_err(|_| "must be a web address")?;
        match (url.scheme(), reach) {
            ("https", _) | ("http", Reach::Loopback) => {}
            _ => return Err("must begin with https://"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not hold a user or password");
        }
        let target = Self { url, reach };
        let within = match target.url.host() {
            Some(Host::Ipv4(address)) => target.allows(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => target.allows(IpAddr::V6(address)),
            Some(Host::Domain(name)) => reach == Reach::Loopback || is_public_name(name),
            None => false,
        };
        match (within, reach) {
            (true, _) => Ok(target),
            (false, Reach::Public) => Err("must lead to a public host"),
            (false, Reach::Loopback) => Err("must lead to this machine"),
        }
    }

    /// Whether the target may be reached at an address.
    pub(super) fn allows(&self, address: IpAddr) -> bool {
        match self.reach {
            Reach::Public => is_public(address),
            Reach::Loopback => address.is_loopback(),
        }
    }

    /// The address written in place of a name, or the name to resolve.
    pub(super) fn host(&self) -> Result<SocketAddr, &str> {
        match self.url.host() {
            Some(Host::Ipv4(address)) => Ok(SocketAddr::new(address.into(), self.port())),
            Some(Host::Ipv6(address)) => Ok(SocketAddr::new(address.into(), self.port())),
            Some(Host::Domain(name)) => Err(name),
            None => Err(""),
        }
    }

    pub(super) fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or(443)
    }

    pub(super) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Host and port as they stand in the header `Host`.
    pub(super) fn authority(&self) -> &str {
        self.url.authority()
    }

    pub(super) fn path_and_query(&self) -> &str {
        &self.url[Position::BeforePath..Position::AfterQuery]
    }
}

/// A name of several labels whose last is none of the special ones (the parser has made it lower case). What it resolves
/// to is judged when it is used.
fn is_public_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.rsplit_once('.')
        .is_some_and(|(before, last)| !before.is_empty() && !last.is_empty() && !SPECIAL.contains(&last))
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Networks that are not reached globally, as first address and length of the prefix.
///
/// Source: IANA IPv4 Special-Purpose Address Registry, and multicast (RFC 5771). The last is no network: Azure gives
/// every machine its host services under this address, which looks public.
const CLOSED_V4: [([u8; 4], u32); 16] = [
    ([0, 0, 0, 0], 8),       // this network
    ([10, 0, 0, 0], 8),      // private
    ([100, 64, 0, 0], 10),   // shared by a provider's customers
    ([127, 0, 0, 0], 8),     // loopback
    ([169, 254, 0, 0], 16),  // link-local, also the metadata of cloud machines
    ([172, 16, 0, 0], 12),   // private
    ([192, 0, 0, 0], 24),    // protocol assignments
    ([192, 0, 2, 0], 24),    // documentation
    ([192, 88, 99, 0], 24),  // relays of 6to4
    ([192, 168, 0, 0], 16),  // private
    ([198, 18, 0, 0], 15),   // benchmarks
    ([198, 51, 100, 0], 24), // documentation
    ([203, 0, 113, 0], 24),  // documentation
    ([224, 0, 0, 0], 4),     // multicast
    ([240, 0, 0, 0], 4),     // reserved, and broadcast
    ([168, 63, 129, 16], 32),
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    let within = |&(first, length): &([u8; 4], u32)| {
        (address.to_bits() ^ u32::from_be_bytes(first)).leading_zeros() >= length
    };
    !CLOSED_V4.iter().any(within)
}

/// Only `2000::/3` is global unicast; this leaves out loopback, unspecified, mapped and compatible IPv4, NAT64, unique
/// local, link-local, site-local, multicast and discard addresses at once. Within it, what is closed or carries an IPv4
/// address is closed too.
///
/// Source: IANA IPv6 Special-Purpose Address Registry.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let closed = matches!(
        segments,
        // Protocol assignments (Teredo, benchmarks, ORCHID and others), and documentation.
        [0x2001, 0..=0x01ff | 0x0db8, ..]
            // Documentation again.
            | [0x3fff, 0..=0x0fff, ..]
            // 6to4.
            | [0x2002, ..]
            // ISATAP, whatever the prefix.
            | [_, _, _, _, 0x0000 | 0x0200, 0x5efe, ..]
    );
    !closed && matches!(segments, [0x2000..=0x3fff, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_end_where_they_end() {
        for (last_closed, first_open) in [
            ("10.255.255.255", "11.0.0.0"),
            ("100.127.255.255", "100.128.0.0"),
            ("127.255.255.255", "128.0.0.0"),
            ("169.254.255.255", "169.255.0.0"),
            ("172.31.255.255", "172.32.0.0"),
            ("192.0.0.255", "192.0.1.0"),
            ("192.168.255.255", "192.169.0.0"),
            ("198.19.255.255", "198.20.0.0"),
            ("168.63.129.16", "168.63.129.17"),
            ("2001:1ff:ffff::", "2001:200::"),
            ("2001:db8:ffff::", "2001:db9::"),
            ("2002:ffff::", "2003::"),
            ("3fff:fff:ffff::", "3fff:1000::"),
            ("1fff:ffff::", "2000::"),
        ] {
            assert!(!is_public(last_closed.parse().unwrap()), "{last_closed}");
            assert!(is_public(first_open.parse().unwrap()), "{first_open}");
        }
        for (last_open, first_closed) in [
            ("9.255.255.255", "10.0.0.0"),
            ("100.63.255.255", "100.64.0.0"),
            ("126.255.255.255", "127.0.0.0"),
            ("172.15.255.255", "172.16.0.0"),
            ("223.255.255.255", "224.0.0.0"),
            ("168.63.129.15", "168.63.129.16"),
            ("3ffe:ffff::", "3fff::"),
            ("3fff:ffff::", "4000::"),
        ] {
            assert!(is_public(last_open.parse().unwrap()), "{last_open}");
            assert!(!is_public(first_closed.parse().unwrap()), "{first_closed}");
        }
    }
}
