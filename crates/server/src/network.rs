//! Addresses as those who have them: one end of the Internet has 2^64 of IPv6.

use std::net::{IpAddr, Ipv6Addr};

/// What stands for all addresses that one end can choose from: an IPv4 address is itself, of IPv6 it is the /64 (RFC 6177
/// gives no end less).
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_end_is_one_whatever_address_it_takes() {
        let cases = [
            ("10.0.0.1", "10.0.0.1"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2:ffff::", "2001:db8:1:2::"),
            ("::1", "::"),
        ];
        for (address, expected) in cases {
            assert_eq!(network(address.parse().expect("address")).to_string(), expected, "{address}");
        }
    }
}
