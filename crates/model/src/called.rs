//! What an end of a request or a connection is called.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::Endpoint;
use crate::request::Peer;

/// All public addresses without a name are one: who they are is no dimension of a metric, and nothing that a map could show.
pub const INTERNET: &str = "internet";
/// An end of a Unix socket that is not bound, and whose process is not known.
const LOCAL: &str = "local";

/// What an end is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Called<'a> {
    /// By a name, or a path.
    Name(&'a str),
    /// By its address.
    Address(IpAddr),
}

impl Peer {
    /// The service; else the address, so that both ends are always given.
    pub fn called(&self) -> Called<'_> {
        match (&self.service, &self.endpoint) {
            (Some(service), _) if !service.is_empty() => Called::Name(service),
            (_, Endpoint::Ip(address)) if is_public(address.ip()) => Called::Name(INTERNET),
            (_, Endpoint::Ip(address)) => Called::Address(address.ip()),
            (_, Endpoint::Unix(path)) if path.is_empty() => Called::Name(LOCAL),
            (_, Endpoint::Unix(path)) => Called::Name(path),
        }
    }
}

impl fmt::Display for Called<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Called::Name(name) => f.write_str(name),
            Called::Address(address) => address.fmt(f),
        }
    }
}

/// True for addresses that anybody may have. The others, of one's own network, are as few as its hosts.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [a, b, ..] = address.octets();
            let shared = a == 100 && (64..128).contains(&b);
            !(address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_multicast()
                || address.is_broadcast()
                || address == Ipv4Addr::UNSPECIFIED
                || shared)
        }
        IpAddr::V6(address) => {
            !(address.is_unique_local()
                || address.is_loopback()
                || address.is_unicast_link_local()
                || address.is_multicast()
                || address == Ipv6Addr::UNSPECIFIED)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_go_before_addresses_and_public_ones_are_one() {
        let cases: &[(&str, Option<&str>, &str)] = &[
            ("10.0.0.7:80", Some("shop"), "shop"),
            ("93.184.216.34:443", Some("example.com"), "example.com"),
            ("93.184.216.34:443", Some(""), "internet"),
            ("93.184.216.34:443", None, "internet"),
            ("[2606:2800:220:1::1]:443", None, "internet"),
            ("10.0.0.7:80", None, "10.0.0.7"),
            ("172.31.255.1:80", None, "172.31.255.1"),
            ("172.32.0.1:80", None, "internet"),
            ("192.168.1.1:80", None, "192.168.1.1"),
            ("127.0.0.1:80", None, "127.0.0.1"),
            ("169.254.1.1:80", None, "169.254.1.1"),
            ("100.64.0.1:80", None, "100.64.0.1"),
            ("100.128.0.1:80", None, "internet"),
            ("224.0.0.251:5353", None, "224.0.0.251"),
            ("[fd00::1]:80", None, "fd00::1"),
            ("[fe80::1]:80", None, "fe80::1"),
            ("[::1]:80", None, "::1"),
            ("[ff02::fb]:5353", None, "ff02::fb"),
        ];
        for (address, service, expected) in cases {
            let endpoint = Endpoint::Ip(address.parse().expect("an address"));
            let peer = Peer { endpoint, service: service.map(Into::into) };
            assert_eq!(peer.called().to_string(), *expected, "{address} {service:?}");
        }
        for (path, expected) in [("", "local"), ("/run/redis.sock", "/run/redis.sock")] {
            let peer = Peer { endpoint: Endpoint::Unix(path.into()), service: None };
            assert_eq!(peer.called(), Called::Name(expected));
        }
    }
}
