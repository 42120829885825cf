//! What real servers and clients said to one another; `scripts/record-dns` recorded it.

use super::*;

/// A line for each datagram, `>` the client's and `<` the server's; doubled, a piece of a TCP stream.
fn replay(recorded: &str) -> Driver {
    let mut driver = Driver::default();
    for (time, line) in (1..).map(|n| SECOND + n * MILLISECOND).zip(recorded.lines()) {
        let (who, hex) = line.split_once(' ').expect("who and what");
        let bytes: Vec<u8> = (0..hex.len() / 2)
            .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("a byte"))
            .collect();
        let party = if who.starts_with('>') { Client } else { Server };
        match who.len() {
            1 => driver.datagram(party, &bytes, time),
            _ => driver.feed(party, &bytes, time),
        }
    }
    driver.end(Client, CutBy::Close, 100 * SECOND);
    driver.end(Server, CutBy::Close, 100 * SECOND);
    driver
}

#[track_caller]
fn check_recorded(recorded: &str, expected: &[&str]) {
    let driver = replay(recorded);
    assert_eq!(lines(&driver), owned(expected));
    assert_eq!((driver.context.unparsed, driver.lost), (0, 0));
}

/// dnsmasq 2.90 and dig 9.18.
#[test]
fn dnsmasq() {
    check_recorded(
        include_str!("recorded/dnsmasq.txt"),
        &[
            "A shop.test: noerror, 1 records, 192.0.2.7, ttl 0, 50/54",
            "AAAA shop.test: noerror, 1 records, 2001:db8::7, ttl 0, 50/66",
            "A SHOP.test: noerror, 1 records, 192.0.2.7, ttl 0, 27/43",
            "A alias.test: noerror, 2 records, 192.0.2.8, ttl 0, 51/75",
            "TXT text.test: noerror, 1 records, 50/56",
            "A none.test: error NXDOMAIN, 0 records, 50/38",
            "MX a.test: error REFUSED, 0 records, 47/41",
            "A elsewhere.example: error REFUSED, 0 records, 58/52",
            "TXT version.bind CH: noerror, 1 records, 53/66",
            "PTR 8.2.0.192.in-addr.arpa: noerror, 1 records, 63/71",
            "OTHER shop.test (TYPE65400): error REFUSED, 0 records, 50/44",
        ],
    );
}

/// named 9.18 with dig and nsupdate of the same version.
#[test]
fn named() {
    check_recorded(
        include_str!("recorded/named.txt"),
        &[
            "A www.weir.test: noerror, 4 records, 192.0.2.2,192.0.2.1, ttl 300, 54/139",
            "AAAA www.weir.test: noerror, 3 records, 2001:db8::1, ttl 300, 54/135",
            "MX weir.test: noerror, 1 records, 50/103",
            "SRV _ldap._tcp.weir.test: noerror, 1 records, 61/171",
            "A absent.weir.test: error NXDOMAIN, 0 records, 57/123",
            "ANY host.weir.test: noerror, 3 records, 192.0.2.2,192.0.2.1,2001:db8::1, ttl 300, 57/133",
            r"A odd\.label.weir.test: noerror, 1 records, 192.0.2.3, ttl 300, 60/92",
            r"A odd\032\007.weir.test: noerror, 1 records, 192.0.2.4, ttl 300, 56/88",
            "A example.com: error REFUSED, 0 records, 52/68",
            "A host.weir.test: error BADVERS, 0 records, 55/43",
            "STATUS host.weir.test (A): error NOTIMP, 0 records, 55/51",
            "TXT big.weir.test: noerror, 0 records, truncated true, payload 512, 54/70",
            "TXT big.weir.test: noerror, 1 records, 72/2092",
            "UPDATE weir.test (SOA): noerror, 0 records, 47/27",
            "A new.weir.test: noerror, 1 records, 192.0.2.99, ttl 60, 54/86",
        ],
    );
}

/// The same over TCP: three queries on one connection, a large answer, and zone transfers.
#[test]
fn named_over_tcp() {
    check_recorded(
        include_str!("recorded/named_tcp.txt"),
        &[
            "A www.weir.test: noerror, 4 records, 192.0.2.2,192.0.2.1, ttl 300, 56/141",
            "A absent.weir.test: error NXDOMAIN, 0 records, 59/125",
            "AAAA host.weir.test: noerror, 1 records, 2001:db8::1, ttl 300, 57/101",
            "TXT big.weir.test: noerror, 1 records, 56/2092",
            "AXFR weir.test: noerror, 265 records, 52/7584",
            "IXFR weir.test: noerror, 5 records, 86/246",
        ],
    );
}

/// dnsmasq 2.90 and dig 9.18; the first two queries did not reach the server.
#[test]
fn retries() {
    check_recorded(
        include_str!("recorded/retries.txt"),
        &["A shop.test: noerror, 1 records, 192.0.2.7, ttl 0, resent 2, 81/43"],
    );
}
