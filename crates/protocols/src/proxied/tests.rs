use super::*;

/// A binary header: version and command, family, how long it says it is, and what follows.
fn binary_header(command: u8, family: u8, told: u16, rest: &[u8]) -> Vec<u8> {
    let mut bytes = BINARY.to_vec();
    bytes.extend([command, family]);
    bytes.extend(told.to_be_bytes());
    bytes.extend(rest);
    bytes
}

fn ipv4() -> Vec<u8> {
    vec![192, 0, 2, 7, 10, 0, 0, 1, 0x9c, 0x40, 0, 80]
}

fn ipv6() -> Vec<u8> {
    let mut bytes = "2001:db8::7".parse::<Ipv6Addr>().expect("an address").octets().to_vec();
    bytes.extend([0; 16]);
    bytes.extend([0x9c, 0x40, 0, 80]);
    bytes
}

fn unix_names(client: &[u8]) -> Vec<u8> {
    let mut bytes = client.to_vec();
    bytes.resize(PATH, 0);
    bytes.extend(b"/run/server.sock");
    bytes.resize(2 * PATH, 0);
    bytes
}

/// What was made of `bytes`, as text.
fn told(bytes: &[u8]) -> String {
    match read(bytes) {
        Beginning::Other => "other".into(),
        Beginning::NeedMore => "more".into(),
        Beginning::Header(Header { length, client: None }) => format!("{length} -"),
        Beginning::Header(Header { length, client: Some(client) }) => format!("{length} {client}"),
    }
}

/// All that is a header, with what is to be told of it.
fn headers() -> Vec<(Vec<u8>, &'static str)> {
    let tlvs = |addresses: Vec<u8>| [&addresses[..], b"\x02\x00\x04shop\x04\x00\x01\x00"].concat();
    vec![
        (b"PROXY TCP4 192.0.2.7 10.0.0.1 40000 80\r\n".to_vec(), "40 192.0.2.7:40000"),
        (b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n".to_vec(), "56 255.255.255.255:65535"),
        (b"PROXY TCP6 2001:db8::7 ::1 40000 80\r\n".to_vec(), "37 [2001:db8::7]:40000"),
        (b"PROXY TCP6 ::ffff:192.0.2.7 ::1 40000 80\r\n".to_vec(), "42 192.0.2.7:40000"),
        (b"PROXY UNKNOWN\r\n".to_vec(), "15 -"),
        (b"PROXY UNKNOWN any \rthing\n at all\r\n".to_vec(), "34 -"),
        (binary_header(0x21, 0x11, 12, &ipv4()), "28 192.0.2.7:40000"),
        (binary_header(0x21, 0x12, 12, &ipv4()), "28 192.0.2.7:40000"),
        (binary_header(0x21, 0x21, 36, &ipv6()), "52 [2001:db8::7]:40000"),
        (binary_header(0x21, 0x22, 36, &ipv6()), "52 [2001:db8::7]:40000"),
        (binary_header(0x21, 0x11, 23, &tlvs(ipv4())), "39 192.0.2.7:40000"),
        (binary_header(0x21, 0x21, 47, &tlvs(ipv6())), "63 [2001:db8::7]:40000"),
        (binary_header(0x21, 0x31, 216, &unix_names(b"/run/client.sock")), "232 /run/client.sock"),
        (binary_header(0x21, 0x31, 216, &unix_names(b"\0hidden")), "232 @hidden"),
        (binary_header(0x21, 0x31, 216, &unix_names(b"/a\nb")), "232 /a%0Ab"),
        (binary_header(0x21, 0x32, 216, &unix_names(b"")), "232 -"),
        (binary_header(0x20, 0, 0, b""), "16 -"),
        // What belongs to the proxy itself, of whatever family.
        (binary_header(0x20, 0x11, 12, &ipv4()), "28 -"),
        (binary_header(0x21, 0, 0, b""), "16 -"),
        (binary_header(0x21, 0, 12, &ipv4()), "28 -"),
        // Not known, or too short for what it says it is.
        (binary_header(0x2f, 0x11, 12, &ipv4()), "28 -"),
        (binary_header(0x21, 0x71, 12, &ipv4()), "28 -"),
        (binary_header(0x21, 0x11, 11, &ipv4()[..11]), "27 -"),
        (binary_header(0x21, 0x31, 12, &ipv4()), "28 -"),
    ]
}

#[test]
fn headers_tell_the_client() {
    for (bytes, expected) in headers() {
        let shown = bytes.escape_ascii();
        assert_eq!(told(&bytes), expected, "{shown}");
        let followed = [&bytes[..], b"GET / HTTP/1.1\r\n\r\n"].concat();
        assert_eq!(told(&followed), expected, "{shown}, and more");
    }
}

#[test]
fn until_a_header_is_understood_more_is_wanted() {
    for (bytes, expected) in headers() {
        for cut in 1..bytes.len() {
            let seen = told(&bytes[..cut]);
            // A binary header is understood before its end, where only extensions are missing.
            let understood = cut >= FIXED && seen == expected;
            assert!(seen == "more" || understood, "{}: {seen}", bytes[..cut].escape_ascii());
        }
    }
}

#[test]
fn what_is_none() {
    let long = [b"PROXY UNKNOWN ".as_slice(), &[b'x'; 100]].concat();
    let cases: [&[u8]; 19] = [
        b"GET / HTTP/1.1\r\n",
        b"PROPFIND / HTTP/1.1\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"proxy TCP4 192.0.2.7 10.0.0.1 40000 80\r\n",
        b"PROXY\r\n",
        b"PROXY TCP5",
        b"PROXY UDP4 192.0.2.7 10.0.0.1 40000 80\r\n",
        b"PROXY TCP4\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 40000\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 40000 80 1\r\n",
        b"PROXY TCP4  192.0.2.7 10.0.0.1 40000 80\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 40000 65536\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 +400 80\r\n",
        b"PROXY TCP4 2001:db8::7 ::1 40000 80\r\n",
        b"PROXY TCP6 192.0.2.7 10.0.0.1 40000 80\r\n",
        b"PROXY UNKNOWNS\r\n",
        b"\r\n\r\nGET / HTTP/1.1\r\n",
        // Another version.
        b"\r\n\r\n\0\r\nQUIT\n\x11",
        &long,
    ];
    for bytes in cases {
        assert_eq!(told(bytes), "other", "{}", bytes.escape_ascii());
    }
}

#[test]
fn a_header_may_say_that_it_is_long() {
    assert_eq!(told(&binary_header(0x21, 0x11, 65_535, &ipv4())), "65551 192.0.2.7:40000");
    assert_eq!(told(&binary_header(0x20, 0x11, 65_535, b"")), "65551 -");
    // Of a text header the end has to come.
    let line = |blanks: usize| [b"PROXY UNKNOWN ".to_vec(), vec![b' '; blanks], b"\r\n".to_vec()].concat();
    assert_eq!(told(&line(91)), "107 -");
    assert_eq!(told(&line(92)), "other");
}

#[test]
fn what_is_decided_stays_so_and_is_decided_soon() {
    let garbage = [0u8, b' ', b'1', b'.', b'\r', b'\n', b'P', 0xff];
    for (bytes, _) in headers() {
        for place in 0..bytes.len() {
            for other in garbage {
                let mut bytes = bytes.clone();
                bytes[place] = other;
                bytes.resize(bytes.len() + MOST_NEEDED, other);
                let whole = read(&bytes);
                assert_ne!(whole, Beginning::NeedMore, "{}", bytes.escape_ascii());
                for cut in 1..bytes.len() {
                    let seen = read(&bytes[..cut]);
                    assert!(seen == Beginning::NeedMore || seen == whole, "{}", bytes[..cut].escape_ascii());
                }
            }
        }
    }
}

#[test]
fn datagrams_have_one_each() {
    let query = b"\x12\x34\x01\0";
    let with = |header: Vec<u8>| [&header[..], query].concat();
    assert_eq!(datagram(&with(binary_header(0x21, 0x12, 12, &ipv4()))), query);
    assert_eq!(datagram(&with(binary_header(0x20, 0, 0, b""))), query);
    assert_eq!(datagram(query), query);
    assert_eq!(datagram(b""), b"");
    // Too short for what it says: nothing is in it.
    assert_eq!(datagram(&with(binary_header(0x21, 0x12, 100, &ipv4()))), b"");
    assert_eq!(datagram(BINARY), BINARY);
}
