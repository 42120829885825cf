//! What is spoken through a proxy's tunnel, or after an upgrade, is read as if the connection began there.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Feeder, REQUEST, RESPONSE, Side, instructions};
use model::event::Instruction;

const CONNECT: &[u8] = b"CONNECT shop.example:80 HTTP/1.1\r\nHost: shop.example:80\r\n\r\n";
const OPEN: &[u8] = b"HTTP/1.1 200 Connected\r\n\r\n";
const PING: &[u8] = b"*1\r\n$4\r\nPING\r\n";
const PONG: &[u8] = b"+PONG\r\n";
const GREETING: &[u8] =
    b"\x4a\x00\x00\x00\x0a8.0.36\x00\x08\x00\x00\x00abcdefgh\x00\xff\xff\xff\x02\x00\xff\xdf\x15\
    \x00\x00\x00\x00\x00\x00\x00\x00\x00\x00ijklmnopqrst\x00mysql_native_password\x00";

fn sides() -> [Side; 2] {
    [
        Side::server(1, 1, "10.0.0.1:3128", "10.0.0.2:40000"),
        Side::client(1, 1, "10.0.0.2:40000", "10.0.0.1:3128"),
    ]
}

/// `protocol name sizes`, and whether it is whole.
fn told(feeder: &mut Feeder) -> Vec<String> {
    let line = |request: model::Request| {
        let incomplete = request.incomplete.map(|what| format!(" incomplete {}", what.as_str()));
        let (asked, answered) = (request.request_bytes, request.response_bytes);
        format!("{} {} {asked}/{answered}{}", request.protocol, request.name, incomplete.unwrap_or_default())
    };
    feeder.requests().into_iter().map(line).collect()
}

fn connect(feeder: &mut Feeder) {
    feeder.says(CONNECT);
    feeder.hears(OPEN);
}

fn left_alone(feeder: &Feeder) -> String {
    let counts = feeder.analyzer.counters().left_alone.iter();
    counts.map(|(label, count)| format!("{label} {count}")).collect::<Vec<_>>().join(", ")
}

#[test]
fn http_and_redis_through_a_tunnel() {
    for side in sides() {
        let mut feeder = Feeder::new(side);
        connect(&mut feeder);
        feeder.says(REQUEST);
        feeder.hears(RESPONSE);
        feeder.says(REQUEST);
        feeder.hears(RESPONSE);
        let get = "http GET /users/{id} 45/43";
        assert_eq!(told(&mut feeder), ["http CONNECT 59/26", get, get]);

        let mut feeder = Feeder::new(side);
        connect(&mut feeder);
        feeder.says(PING);
        feeder.hears(PONG);
        assert_eq!(told(&mut feeder), ["http CONNECT 59/26", "redis PING 14/7"]);
        assert!(feeder.analyzer.counters().unparsed.is_empty());
        assert_eq!(left_alone(&feeder), "");
    }
}

/// All in one go, as a client may do that does not wait: what each protocol finished is told as of that protocol.
#[test]
fn cut_anywhere() {
    let expected = ["http CONNECT 59/26", "redis PING 14/7"];
    let (asks, answers) = ([CONNECT, PING].concat(), [OPEN, PONG].concat());
    for side in sides() {
        for ask in 1..asks.len() {
            for answer in 1..answers.len() {
                let mut feeder = Feeder::new(side);
                feeder.says(&asks[..ask]);
                feeder.says(&asks[ask..]);
                feeder.hears(&answers[..answer]);
                feeder.hears(&answers[answer..]);
                assert_eq!(told(&mut feeder), expected, "cut at {ask} and {answer}");
            }
        }
    }
}

#[test]
fn a_server_that_speaks_first() {
    for together in [false, true] {
        let mut feeder = Feeder::new(sides()[0]);
        feeder.says(CONNECT);
        match together {
            true => feeder.hears(&[OPEN, GREETING].concat()),
            false => {
                feeder.hears(OPEN);
                feeder.hears(GREETING);
            }
        }
        let body = [b"\x05\xa2\x0a\x00\x00\x00\x00\x01\x2d".as_slice(), &[0; 23], b"root\0\0"].concat();
        feeder.says(&[&[body.len() as u8, 0, 0, 1], &body[..]].concat());
        feeder.hears(b"\x07\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00");
        assert_eq!(told(&mut feeder), ["http CONNECT 59/26", "mysql CONNECT 42/11"]);
    }
}

#[test]
fn what_is_not_read_is_counted_by_what_it_is() {
    let hello = [0x16, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3];
    let hello: Vec<u8> = hello.into_iter().chain([7; 194]).collect();
    let mut feeder = Feeder::new(sides()[0]);
    connect(&mut feeder);
    feeder.says(&hello);
    assert_eq!(left_alone(&feeder), "tls 1");
    let mut feeder = Feeder::new(sides()[0]);
    connect(&mut feeder);
    for _ in 0..5 {
        feeder.hears(b"SSH-2.0-x\r\n");
        feeder.says(b"SSH-2.0-x\r\n");
    }
    assert_eq!((left_alone(&feeder).as_str(), told(&mut feeder).len()), ("unknown 1", 1));
    let mut feeder = Feeder::new(sides()[0]);
    feeder.says(b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n");
    feeder.hears(b"HTTP/1.1 101 Go\r\nUpgrade: websocket\r\n\r\n\x81\x05hello");
    assert_eq!((left_alone(&feeder).as_str(), told(&mut feeder).len()), ("websocket 1", 1));
}

/// A peer that opens tunnel through tunnel is followed for a while.
#[test]
fn not_for_ever() {
    for at_once in [false, true] {
        let mut feeder = Feeder::new(sides()[0]);
        if at_once {
            feeder.says(&CONNECT.repeat(20));
            feeder.hears(&OPEN.repeat(20));
        } else {
            (0..20).for_each(|_| connect(&mut feeder));
        }
        assert_eq!(told(&mut feeder), vec!["http CONNECT 59/26"; 9]);
        assert_eq!(left_alone(&feeder), "upgraded 1");
        let told = instructions(&mut feeder.analyzer);
        assert!(matches!(told.last(), Some((_, Instruction::Ignore))), "{told:?}");
    }
}

/// The answer is among bytes that were not seen: the answer through the tunnel is not taken for it.
#[test]
fn a_gap_where_the_tunnel_begins() {
    for side in sides() {
        let mut feeder = Feeder::new(side);
        feeder.says(CONNECT);
        feeder.moved(false, b"", OPEN.len());
        feeder.says(REQUEST);
        feeder.hears(RESPONSE);
        let first = "http CONNECT 59/0 incomplete response";
        assert_eq!(told(&mut feeder), [first, "http GET /users/{id} 45/43"]);
        // Some of what follows is missing as well.
        let mut feeder = Feeder::new(side);
        feeder.says(CONNECT);
        feeder.moved(false, &OPEN[..20], 1000);
        feeder.hears(b"the middle of something");
        feeder.says(REQUEST);
        feeder.hears(RESPONSE);
        let told = told(&mut feeder);
        assert_eq!(told.last().unwrap(), "http GET /users/{id} 45/43", "{told:?}");
        assert_eq!(told.len(), 2, "{told:?}");
    }
}

/// A client that does not wait for the tunnel is refused it: what it sent was for the proxy, and is told as soon as that answers, though
/// the client says no more.
#[test]
fn what_was_sent_behind_a_connect_that_is_refused() {
    const NO: &[u8] = b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n";
    for side in sides() {
        for sent_at_once in [false, true] {
            for answered_at_once in [false, true] {
                let mut feeder = Feeder::new(side);
                let (asks, answers) = ([CONNECT, REQUEST, REQUEST], [NO, RESPONSE, RESPONSE]);
                match sent_at_once {
                    true => feeder.says(&asks.concat()),
                    false => asks.iter().for_each(|ask| feeder.says(ask)),
                }
                match answered_at_once {
                    true => feeder.hears(&answers.concat()),
                    false => answers.iter().for_each(|answer| feeder.hears(answer)),
                }
                let get = "http GET /users/{id} 45/43";
                let case = (side.role, sent_at_once, answered_at_once);
                assert_eq!(told(&mut feeder), ["http CONNECT 59/38", get, get], "{case:?}");
                assert!(feeder.analyzer.counters().unparsed.is_empty(), "{case:?}");
            }
        }
    }
}
