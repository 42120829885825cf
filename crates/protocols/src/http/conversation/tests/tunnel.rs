//! What follows CONNECT and 101.

use crate::Conversation as _;

use super::*;

const CONNECT: &[u8] = b"CONNECT a.example:443 HTTP/1.1\r\n\r\n";
const OPEN: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";
const UPGRADE: &[u8] = b"GET /up HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n";
const SWITCH: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n";

/// How the conversation ended after these happenings: what it told, how many messages made no sense, and what becomes of the
/// connection.
fn told(happenings: &[Happens<'_>]) -> (Vec<String>, u64, &'static str) {
    let driver = drive(happenings, usize::MAX);
    let what = match (driver.left, driver.looks_again) {
        (_, true) => "look again",
        (true, false) => driver.conversation.left_as(),
        (false, false) => "http",
    };
    (driver.context.finished.iter().map(line).collect(), driver.context.unparsed, what)
}

#[test]
fn a_tunnel_and_an_upgrade_are_looked_at_again() {
    check(
        &[
            says(Client, CONNECT),
            says(Client, b"\x16\x03\x01"),
            says(Server, OPEN),
            says(Server, b"\x16\x03"),
        ],
        &["CONNECT: ok, 34/19"],
    );
    let both = [OPEN, b"+OK\r\n"].concat();
    for happenings in [
        &[says(Client, CONNECT), says(Server, OPEN)][..],
        // Whoever speaks first, and whenever.
        &[says(Client, CONNECT), says(Client, b"PING\r\n"), says(Server, OPEN)],
        &[says(Client, CONNECT), says(Server, &both)],
        &[says(Client, CONNECT), says(Server, b"HTTP/1.1 100 Go\r\n\r\n"), says(Server, &both)],
    ] {
        let (lines, unparsed, what) = told(happenings);
        assert_eq!((lines.len(), unparsed, what), (1, 0, "look again"));
        assert!(lines[0].starts_with("CONNECT: ok, 34/"), "{lines:?}");
    }
    check(&[says(Client, UPGRADE), says(Server, SWITCH)], &["GET /up: ok, 55/50"]);
    assert_eq!(told(&[says(Client, UPGRADE), says(Server, SWITCH)]).2, "look again");
    // A length means nothing there.
    let long = b"CONNECT a.example:443 HTTP/1.1\r\nContent-Length: 9\r\n\r\n";
    let (lines, _, what) = told(&[says(Client, long), says(Server, OPEN)]);
    assert_eq!((lines[0].as_str(), what), ("CONNECT: ok, 53/19", "look again"));
}

#[test]
fn websocket_is_left_alone() {
    let socket = b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    let after = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\n\r\n\x81\x05hello";
    let happenings = [says(Client, socket), says(Server, after), says(Client, GET)];
    check(&happenings, &["GET /ws: ok, 61/56"]);
    assert_eq!(told(&happenings).2, "websocket");
}

#[test]
fn a_tunnel_that_is_refused_is_none() {
    check(
        &[
            says(Client, CONNECT),
            says(Server, b"HTTP/1.1 407 Who?\r\nContent-Length: 0\r\n\r\n"),
            says(Client, GET),
            says(Server, OK),
        ],
        &["CONNECT: client error 407, 34/40", "GET /users/{id}: ok, 37/43"],
    );
}

/// What was asked for begins where all of the request was sent: elsewhere it is not looked for.
#[test]
fn an_upgrade_in_the_middle_of_something() {
    let upload = b"POST /up HTTP/1.1\r\nUpgrade: h2c\r\nContent-Length: 9\r\n\r\nabc";
    let (lines, _, what) = told(&[says(Client, upload), says(Server, SWITCH), says(Client, b"defghi")]);
    assert_eq!((lines.len(), what), (1, "upgraded"));
    let more = [says(Client, UPGRADE), says(Client, GET), says(Server, SWITCH)];
    let (lines, _, what) = told(&more);
    assert_eq!(lines, ["GET /up: ok, 55/50", "GET /users/{id}: ok, 37/0, incomplete response"]);
    assert_eq!(what, "upgraded");
    // Nobody was seen to ask for it.
    assert_eq!(told(&[says(Server, SWITCH)]), (vec![], 1, "upgraded"));
}

/// The answer is not seen: what comes next may be anything, and surely not the answer.
#[test]
fn a_gap_where_a_tunnel_begins() {
    let torn = b"HTTP/1.1 200 OK\r\nVia: ";
    for lost in [Gap(Server, Some(19)), Happens::Lost(Server, None)] {
        for next in [says(Server, OK), says(Client, GET)] {
            let (lines, unparsed, what) = told(&[says(Client, CONNECT), lost, next]);
            assert_eq!(lines, ["CONNECT: ok, 34/0, incomplete response"]);
            assert_eq!((unparsed, what), (0, "look again"));
            let (lines, unparsed, what) = told(&[says(Client, CONNECT), says(Server, torn), lost, next]);
            assert_eq!(lines, ["CONNECT: ok, 34/17, incomplete response"]);
            assert_eq!((unparsed, what), (0, "look again"));
        }
    }
    // The rest of a refusal.
    let refusal = b"HTTP/1.1 407 Who?\r\nContent-Le";
    let (lines, _, what) = told(&[
        says(Client, CONNECT),
        says(Server, refusal),
        Gap(Server, Some(9)),
        says(Client, GET),
        says(Server, OK),
    ]);
    assert_eq!(
        lines,
        ["CONNECT: client error 407, 34/19, incomplete response", "GET /users/{id}: ok, 37/43"]
    );
    assert_eq!(what, "http");
    // Of several answers it is not known which are missing; the client goes on when it has them all.
    let (lines, _, what) = told(&[
        says(Client, GET),
        says(Client, CONNECT),
        Gap(Server, Some(62)),
        says(Server, OK),
        says(Client, GET),
    ]);
    let missing = "incomplete response";
    assert_eq!(
        lines,
        [format!("GET /users/{{id}}: ok, 37/0, {missing}"), format!("CONNECT: ok, 34/0, {missing}")]
    );
    assert_eq!(what, "look again");
    // What the client sends into the tunnel is nothing that HTTP could miss.
    let (lines, unparsed, what) =
        told(&[says(Client, CONNECT), Gap(Client, Some(100)), says(Client, b"and more"), says(Server, OPEN)]);
    assert_eq!((lines[0].as_str(), unparsed, what), ("CONNECT: ok, 34/19", 0, "look again"));
}

/// What stands behind a CONNECT that is refused is HTTP: whole heads, however long they waited to be read.
#[test]
fn heads_behind_a_refused_tunnel_are_heads() {
    const FIRST: &[u8] = b"GET /first HTTP/1.1\r\nAuthorization: Bearer s3cr3t\r\nCookie: sid=42\r\n\r\n";
    const SECOND: &[u8] = b"GET /second HTTP/1.1\r\n\r\n";
    const REFUSED: &[u8] = b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n";
    const FOUND: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    const NOT_FOUND: &[u8] = b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n";
    let at_once = [CONNECT, FIRST].concat();
    let answers = [FOUND, NOT_FOUND].concat();
    let (lines, unparsed, what) =
        told(&[says(Client, &at_once), says(Server, REFUSED), says(Client, SECOND), says(Server, &answers)]);
    let starts = ["CONNECT: client error 407", "GET /first: ok", "GET /second: client error 404"];
    assert_eq!((lines.len(), unparsed, what), (3, 0, "http"), "{lines:?}");
    assert!(lines.iter().zip(starts).all(|(line, start)| line.starts_with(start)), "{lines:?}");
}
