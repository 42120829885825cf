//! A proxy's header before whatever is spoken: told as the client behind it, and no part of the first request.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Feeder, REQUEST, RESPONSE, Side, analyzer, instructions};
use model::event::{Event, Open};
use model::{ConnectionId, Endpoint, Request, Value, names};
use requests::Config;

const TEXT: &[u8] = b"PROXY TCP4 192.0.2.7 10.0.0.1 50000 80\r\n";
const BINARY: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\x0a\0\0\x01\xc3\x50\0\x50";
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
const UNKNOWN: &[u8] = b"PROXY UNKNOWN\r\n";
const GREETING: &[u8] =
    b"\x4a\x00\x00\x00\x0a8.0.36\x00\x08\x00\x00\x00abcdefgh\x00\xff\xff\xff\x02\x00\xff\xdf\x15\
    \x00\x00\x00\x00\x00\x00\x00\x00\x00\x00ijklmnopqrst\x00mysql_native_password\x00";
const QUERY: &[u8] = b"\x09\x00\x00\x00\x03SELECT 1";

fn server() -> Side {
    Side::server(1, 1, "10.0.0.1:80", "10.0.0.2:40000")
}

fn client() -> Side {
    Side::client(1, 1, "10.0.0.2:40000", "10.0.0.1:80")
}

/// A client's answer to the greeting.
fn login() -> Vec<u8> {
    let body = [b"\x05\xa2\x0a\x00\x00\x00\x00\x01\x2d".as_slice(), &[0; 23], b"root\0\0"].concat();
    [&[body.len() as u8, 0, 0, 1], &body[..]].concat()
}

/// `address port`, as the record tells them.
fn behind(request: &Request) -> String {
    let told = |key| request.attributes.get(key).map_or("-".into(), Value::to_string);
    format!("{} {}", told(names::CLIENT_ADDRESS), told(names::CLIENT_PORT))
}

fn check(request: &Request, expected: &str, case: &str) {
    assert_eq!(request.name, "GET /users/{id}", "{case}");
    assert_eq!(behind(request), expected, "{case}");
    assert_eq!(request.ends.client.endpoint.to_string(), "10.0.0.2:40000", "the socket's peer: {case}");
    assert_eq!(request.request_bytes, REQUEST.len() as u64, "without the header: {case}");
    assert_eq!(request.incomplete, None, "{case}");
}

fn headers() -> [(&'static [u8], &'static str); 4] {
    [(TEXT, "192.0.2.7 50000"), (BINARY, "192.0.2.7 50000"), (LOCAL, "- -"), (UNKNOWN, "- -")]
}

#[test]
fn in_one_segment_with_the_request_or_alone() {
    for side in [server(), client()] {
        for (header, expected) in headers() {
            let case = header.escape_ascii().to_string();
            let mut together = Feeder::new(side);
            together.says(&[header, REQUEST].concat());
            together.hears(RESPONSE);
            together.says(REQUEST);
            together.hears(RESPONSE);
            let requests = together.requests();
            assert_eq!(requests.len(), 2, "{case}");
            requests.iter().for_each(|request| check(request, expected, &case));
            assert_eq!((requests[0].time, requests[0].duration), (10, 10), "{case}");

            let mut alone = Feeder::new(side);
            alone.says(header);
            alone.says(REQUEST);
            alone.hears(RESPONSE);
            let requests = alone.requests();
            assert_eq!(requests.len(), 1, "{case}");
            check(&requests[0], expected, &case);
            assert_eq!((requests[0].time, requests[0].duration), (20, 10), "not the header's time: {case}");
        }
    }
}

#[test]
fn cut_anywhere() {
    for (header, expected) in headers() {
        let whole = [header, REQUEST].concat();
        for cut in 1..whole.len() {
            let case = whole[..cut].escape_ascii().to_string();
            let mut feeder = Feeder::new(server());
            feeder.says(&whole[..cut]);
            feeder.says(&whole[cut..]);
            feeder.hears(RESPONSE);
            let requests = feeder.requests();
            assert_eq!(requests.len(), 1, "{case}");
            check(&requests[0], expected, &case);
        }
        let mut feeder = Feeder::new(server());
        whole.chunks(1).for_each(|byte| feeder.says(byte));
        feeder.hears(RESPONSE);
        check(&feeder.requests()[0], expected, "byte by byte");
    }
}

#[test]
fn what_only_begins_like_one_is_the_request() {
    let propfind = b"PROPFIND /users/7 HTTP/1.1\r\nHost: shop\r\n\r\n";
    for cut in 1..propfind.len() {
        let mut feeder = Feeder::new(server());
        feeder.says(&propfind[..cut]);
        feeder.says(&propfind[cut..]);
        feeder.hears(RESPONSE);
        let requests = feeder.requests();
        assert_eq!(requests.len(), 1, "cut at {cut}");
        assert_eq!(
            (requests[0].time, requests[0].request_bytes),
            (10, propfind.len() as u64),
            "cut at {cut}"
        );
        assert_eq!(behind(&requests[0]), "- -");
    }
}

#[test]
fn a_server_that_speaks_first() {
    for header_alone in [false, true] {
        for (header, expected) in headers() {
            let mut feeder = Feeder::new(server());
            feeder.hears(GREETING);
            if header_alone {
                feeder.says(header);
                feeder.says(&login());
            } else {
                feeder.says(&[header, &login()].concat());
            }
            feeder.hears(b"\x07\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00");
            feeder.says(QUERY);
            feeder.hears(b"\x07\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00");
            let requests = feeder.requests();
            let query = requests.last().unwrap();
            assert_eq!((query.name.as_str(), query.request_bytes), ("SELECT", QUERY.len() as u64));
            assert_eq!(feeder.analyzer.counters().unparsed.len(), 0);
            assert_eq!(behind(query), expected);
        }
    }
}

/// The length is hostile, or a certificate in an extension is long: the rest is not captured.
#[test]
fn a_header_of_which_the_end_is_not_shown() {
    let mut header = BINARY.to_vec();
    header[14..16].copy_from_slice(&u16::MAX.to_be_bytes());
    let whole = 16 + usize::from(u16::MAX);
    let mut feeder = Feeder::new(server());
    feeder.moved(true, &header, whole - 5);
    feeder.says(b"12345");
    feeder.says(REQUEST);
    feeder.hears(RESPONSE);
    let requests = feeder.requests();
    assert_eq!(requests.len(), 1);
    check(&requests[0], "192.0.2.7 50000", "long");
    assert_eq!(feeder.analyzer.counters().lost_bytes, 0);
}

#[test]
fn a_header_that_never_ends_keeps_nothing() {
    let mut feeder = Feeder::new(server());
    feeder.says(b"PROXY UNKNOWN ");
    for _ in 0..100 {
        feeder.says(&[b' '; 1000]);
    }
    assert!(feeder.requests().is_empty());
    // A gap where a header may be: the rest is looked at as ever.
    let mut feeder = Feeder::new(server());
    feeder.moved(true, b"PROXY TCP4 1", 100);
    feeder.hears(RESPONSE);
    feeder.says(REQUEST);
    feeder.hears(RESPONSE);
    let requests = feeder.requests();
    assert_eq!(behind(requests.last().unwrap()), "- -");
}

#[test]
fn only_at_the_true_beginning() {
    // The second message of a connection.
    let mut feeder = Feeder::new(server());
    feeder.says(REQUEST);
    feeder.hears(RESPONSE);
    feeder.says(&[TEXT, REQUEST].concat());
    feeder.hears(RESPONSE);
    assert!(feeder.requests().iter().all(|request| behind(request) == "- -"));
    // One that was open before.
    let mut feeder = Feeder::new(Side { id: ConnectionId(9 << 8), ..server() });
    let id = feeder.side.id;
    let mut analyzer = analyzer(Config::default());
    analyzer.event(&Event::Open(Open { from_start: false, ..feeder.side.open(1) }));
    feeder.analyzer = analyzer;
    feeder.says(&[TEXT, REQUEST].concat());
    feeder.hears(RESPONSE);
    assert!(feeder.requests().iter().all(|request| behind(request) == "- -"));
    assert!(instructions(&mut feeder.analyzer).iter().all(|(told, _)| *told == id));
    // What a server says.
    let mut feeder = Feeder::new(server());
    feeder.hears(TEXT);
    feeder.says(REQUEST);
    feeder.hears(RESPONSE);
    assert!(feeder.requests().iter().all(|request| behind(request) == "- -"));
}

/// The kernel does not tell whether their beginning was seen.
#[test]
fn over_a_unix_socket() {
    for (header, expected) in headers() {
        let mut feeder = Feeder::new(server());
        feeder.analyzer = analyzer(Config::default());
        feeder.analyzer.event(&Event::Open(Open {
            local: Endpoint::Unix("/run/http.sock".into()),
            remote: Endpoint::Unix("".into()),
            from_start: false,
            ..feeder.side.open(1)
        }));
        feeder.says(&[header, REQUEST].concat());
        feeder.hears(RESPONSE);
        let requests = feeder.requests();
        assert_eq!((requests.len(), behind(&requests[0]).as_str()), (1, expected));
        assert_eq!(requests[0].request_bytes, REQUEST.len() as u64);
    }
}

#[test]
fn tls_behind_a_proxy_is_still_tls() {
    let hello = [0x16, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3];
    let hello: Vec<u8> = hello.into_iter().chain([7; 194]).collect();
    let mut feeder = Feeder::new(server());
    feeder.says(&[BINARY, &hello].concat());
    assert_eq!(feeder.analyzer.counters().left_alone.get("tls"), Some(&1));
}
