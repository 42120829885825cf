//! What an end of a request or a connection is called in a label.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use model::Endpoint;
use model::request::Peer;

use crate::labels::Cell;

/// All public addresses without a name are one: who they are is no dimension of a metric.
pub(crate) const INTERNET: &str = "internet";
/// An end of a Unix socket that is not bound, and whose process is not known.
const LOCAL: &str = "local";

/// The service; else the address, so that both ends are always given.
pub fn end(peer: &Peer) -> Cell<'_> {
    match (&peer.service, &peer.endpoint) {
        (Some(service), _) if !service.is_empty() => Cell::text(service),
        (_, Endpoint::Ip(address)) if is_public(address.ip()) => Cell::Text(INTERNET),
        (_, Endpoint::Ip(address)) => Cell::Address(address.ip()),
        (_, Endpoint::Unix(path)) if path.is_empty() => Cell::Text(LOCAL),
        (_, Endpoint::Unix(path)) => Cell::text(path),
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
            assert_eq!(crate::Value::from(end(&peer)).to_string(), *expected, "{address} {service:?}");
        }
        for (path, expected) in [("", "local"), ("/run/redis.sock", "/run/redis.sock")] {
            let peer = Peer { endpoint: Endpoint::Unix(path.into()), service: None };
            assert_eq!(end(&peer), Cell::Text(expected));
        }
    }
}
