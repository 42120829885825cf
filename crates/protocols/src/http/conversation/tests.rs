//! Bytes in, records out.

use model::Party::{Client, Server};
use model::{Party, Value};

use crate::harness::Happens::{Ends, Gap};
use crate::harness::tables::{self, anywhere};
use crate::http::Conversation;
use crate::{CutBy, Exchange};

type Driver = crate::harness::Driver<Conversation>;
type Happens<'a> = crate::harness::Happens<&'a [u8]>;

/// Arrays and vectors of bytes alike.
fn says(party: Party, bytes: &[u8]) -> Happens<'_> {
    crate::harness::Happens::Says(party, bytes)
}

fn line(exchange: &Exchange) -> String {
    tables::line(exchange, &exchange.name, "")
}

fn drive(happenings: &[Happens<'_>], piece: usize) -> Driver {
    tables::drive(happenings, piece)
}

/// These happenings give these exchanges; cut anywhere.
#[track_caller]
fn check(happenings: &[Happens<'_>], expected: &[&str]) {
    tables::check(happenings, anywhere(), line, expected, |_: &Driver, _| {});
}

/// As [`check`], for happenings whose outcome depends on how bytes are delivered: whole only.
#[track_caller]
fn check_whole(happenings: &[Happens<'_>], expected: &[&str], unparsed: u64) {
    tables::check_count::<Conversation, _>(happenings, [usize::MAX], line, expected, unparsed);
}

/// This request gives these attributes.
#[track_caller]
fn check_attributes(request: &str, response: &str, expected: &str) {
    let driver = drive(&[says(Client, request.as_bytes()), says(Server, response.as_bytes())], usize::MAX);
    let [exchange] = driver.context.finished.as_slice() else { panic!("{:?}", driver.context.finished) };
    assert_eq!(tables::attributes(exchange).join(" "), expected);
}

const GET: &[u8] = b"GET /users/7 HTTP/1.1\r\nHost: shop\r\n\r\n";
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

#[test]
fn keep_alive() {
    check(
        &[
            says(Client, GET),
            says(Server, OK),
            says(Client, b"GET / HTTP/1.1\n\n"),
            says(Server, b"HTTP/1.1 404 \n\n"),
            Ends(Server, CutBy::Close),
        ],
        &["GET /users/{id}: ok, 37/43", "GET /: client error 404, 16/15"],
    );
    let long = b"POST /a HTTP/1.1\r\nContent-Length: 3\r\ncontent-length: 3,3\r\n\r\nabc";
    check(
        &[
            says(Client, b"\r\n\n"),
            says(Client, long),
            says(Server, b"HTTP/1.0 503 Busy\r\nContent-Length:0\r\n\r\n"),
            says(Client, GET),
            says(Server, OK),
        ],
        &["POST /a: error 503, 63/39", "GET /users/{id}: ok, 37/43"],
    );
}

#[test]
fn pipelining() {
    let (gets, oks) = (GET.repeat(5), OK.repeat(5));
    check(&[says(Client, &gets), says(Server, &oks)], &["GET /users/{id}: ok, 37/43"; 5]);
}

#[test]
fn no_body() {
    check(
        &[
            says(Client, b"HEAD /a HTTP/1.1\r\n\r\n"),
            says(Server, b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"),
            says(Client, b"GET /b HTTP/1.1\r\n\r\n"),
            says(Server, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n"),
            says(Client, b"DELETE /c HTTP/1.1\r\n\r\n"),
            says(Server, b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"),
            says(Client, GET),
            says(Server, OK),
        ],
        &["HEAD /a: ok, 20/39", "GET /b: ok, 19/49", "DELETE /c: ok, 22/55", "GET /users/{id}: ok, 37/43"],
    );
}

#[test]
fn chunked() {
    let request = b"POST /a HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\n\r\n";
    let response = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 7\r\n\r\n\
        a ; q\r\n0123456789\r\n1\nx\n0\r\nTrailer: 1\r\nOther: 2\r\n\r\n";
    check(
        &[says(Client, request), says(Server, response), says(Client, GET), says(Server, OK)],
        &["POST /a: ok, 71/116", "GET /users/{id}: ok, 37/43"],
    );
    // More zeros than a number has digits, and a field on two lines.
    let response = b"HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n chunked\r\n\r\n\
        00000000000000000003\r\nabc\r\n000000000000000000\r\n\r\n";
    let size = response.len();
    check(
        &[says(Client, GET), says(Server, response), says(Client, GET), says(Server, OK)],
        &[&format!("GET /users/{{id}}: ok, 37/{size}"), "GET /users/{id}: ok, 37/43"],
    );
    let response = b"HTTP/1.1 200 OK\r\nContent-Length:\r\n\t5\r\nX: y\r\n 7\r\n\r\nhello";
    check(
        &[says(Client, GET), says(Server, response)],
        &[&format!("GET /users/{{id}}: ok, 37/{}", response.len())],
    );
}

#[test]
fn interim() {
    check(
        &[
            says(Client, b"PUT /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"),
            says(Server, b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"),
            says(Client, b"ab"),
            says(Server, OK),
        ],
        &["PUT /a: ok, 62/105"],
    );
    // Refused before the body was sent.
    check(
        &[
            says(Client, b"PUT /a HTTP/1.1\r\nContent-Length: 2\r\n\r\n"),
            says(Server, b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"),
            Ends(Server, CutBy::Close),
        ],
        &["PUT /a: client error 413, 38/45"],
    );
}

#[test]
fn ends_with_the_connection() {
    let rest =
        [says(Client, GET), says(Server, b"HTTP/1.0 200 OK\r\n\r\nand so on"), Gap(Server, Some(1000))];
    for (how, expected) in
        [(CutBy::Close, "ok"), (CutBy::Reset, "cut Server Reset"), (CutBy::TimedOut, "cut Server TimedOut")]
    {
        let expected = format!("GET /users/{{id}}: {expected}, 37/1028");
        check(&[&rest[..], &[Ends(Server, how)]].concat(), &[&expected]);
    }
}

#[test]
fn cut() {
    let begun = b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello";
    check(&[says(Client, GET), Ends(Server, CutBy::Close)], &["GET /users/{id}: cut Server Close, 37/0"]);
    check(&[says(Client, GET), Ends(Client, CutBy::Reset)], &["GET /users/{id}: cut Client Reset, 37/0"]);
    check(
        &[says(Client, GET), Ends(Client, CutBy::Close), Ends(Server, CutBy::Close)],
        &["GET /users/{id}: cut Client Close, 37/0"],
    );
    // A client may close its direction and wait for the answer.
    check(
        &[says(Client, GET), Ends(Client, CutBy::Close), says(Server, OK), Ends(Server, CutBy::Close)],
        &["GET /users/{id}: ok, 37/43"],
    );
    check(
        &[says(Client, GET), says(Server, begun), Ends(Server, CutBy::Close)],
        &["GET /users/{id}: cut Server Close, 37/39"],
    );
    check(
        &[says(Client, GET), says(Server, begun), Ends(Client, CutBy::Reset)],
        &["GET /users/{id}: cut Client Reset, 37/39"],
    );
    check(
        &[says(Client, b"GET /a HTTP/1.1\r\nHost: x\r\n"), Ends(Client, CutBy::Reset)],
        &["GET /a: cut Client Reset, 26/0"],
    );
    check(
        &[says(Client, GET), says(Server, b"HTTP/1.1 500 Oh\r\n"), Ends(Server, CutBy::Reset)],
        &["GET /users/{id}: error 500, 37/17"],
    );
}

#[test]
fn gaps() {
    // Inside a body: it was to be passed over anyway.
    let post = b"POST /a HTTP/1.1\r\nContent-Length: 1000\r\n\r\nabc";
    check(&[says(Client, post), Gap(Client, Some(997)), says(Server, OK)], &["POST /a: ok, 1042/43"]);
    // Inside heads, behind the start line.
    check_whole(
        &[
            says(Client, b"GET /a HTTP/1.1\r\nCoo"),
            Gap(Client, Some(9)),
            says(Server, OK),
            says(Client, GET),
            says(Server, OK),
        ],
        &["GET /a: ok, 29/43, incomplete request", "GET /users/{id}: ok, 37/43"],
        0,
    );
    check_whole(
        &[
            says(Client, GET),
            says(Server, b"HTTP/1.1 500 Oh\r\nX: "),
            Gap(Server, None),
            says(Server, b"rest"),
            says(Client, GET),
            says(Server, OK),
        ],
        &["GET /users/{id}: error 500, 37/24, incomplete response", "GET /users/{id}: ok, 37/43"],
        0,
    );
    // A whole request: its response is counted, and not taken for that of the next one.
    check_whole(
        &[Gap(Client, Some(37)), says(Server, OK), says(Client, GET), says(Server, OK)],
        &["GET /users/{id}: ok, 37/43"],
        2,
    );
    // A whole response.
    check_whole(
        &[
            says(Client, GET),
            Gap(Server, Some(43)),
            says(Client, b"GET /b HTTP/1.1\r\n\r\n"),
            says(Server, OK),
        ],
        &["GET /users/{id}: ok, 37/0, incomplete response", "GET /b: ok, 19/43"],
        1,
    );
    // Between chunks.
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    check_whole(
        &[
            says(Client, GET),
            says(Server, chunked),
            Gap(Server, None),
            says(Server, b"lo\r\n0\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"),
            says(Client, GET),
            says(Server, OK),
        ],
        &["GET /users/{id}: ok, 37/91, incomplete response", "GET /users/{id}: ok, 37/43"],
        0,
    );
    // Among pipelined responses: which of the rest belongs to which request is not guessed.
    let (gets, long) = (GET.repeat(4), b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel");
    check_whole(
        &[
            says(Client, &gets),
            says(Server, long),
            Gap(Server, Some(6 + OK.len() as u64)),
            says(Server, b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"),
            says(Client, GET),
            says(Server, OK),
        ],
        &[
            "GET /users/{id}: ok, 37/47",
            "GET /users/{id}: ok, 37/0, incomplete response",
            "GET /users/{id}: ok, 37/0, incomplete response",
            "GET /users/{id}: ok, 37/0, incomplete response",
            "GET /users/{id}: ok, 37/43",
        ],
        1,
    );
}

#[test]
fn joined_late() {
    check_whole(&[says(Server, OK), says(Client, GET), says(Server, OK)], &["GET /users/{id}: ok, 37/43"], 1);
    check_whole(
        &[says(Server, b"...the end of a body"), says(Client, GET), says(Server, OK)],
        &["GET /users/{id}: ok, 37/43"],
        0,
    );
    let after_body = [b"{\"a\":1}".as_slice(), GET].concat();
    check_whole(&[says(Client, &after_body), says(Server, OK)], &["GET /users/{id}: ok, 37/43"], 0);
}

#[test]
fn responses_shown_early() {
    let mut driver = Driver::default();
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n";
    driver.feed(Server, OK, 2_000);
    driver.feed(Client, GET, 1_000);
    driver.feed(Server, head, 4_000);
    driver.feed(Client, b"HEAD /h HTTP/1.1\r\n\r\n", 3_000);
    driver.feed(Server, OK, 6_000);
    driver.feed(Client, GET, 5_000);
    let lines: Vec<_> = driver.context.finished.iter().map(line).collect();
    assert_eq!(lines, ["GET /users/{id}: ok, 37/43", "HEAD /h: ok, 20/39", "GET /users/{id}: ok, 37/43"]);
}

#[test]
fn waiting() {
    let stream = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n";
    check(
        &[
            says(Client, GET),
            says(Server, stream),
            says(Server, b"3\r\na:b\r\n0\r\n\r\n"),
            says(Client, GET),
            says(Server, OK),
        ],
        &["GET /users/{id}: ok, 37/95, waiting", "GET /users/{id}: ok, 37/43"],
    );
    for (request, waits) in [
        ("GET /a HTTP/1.1\r\nPrefer: respond-async, wait=10\r\n\r\n", true),
        ("GET /v1/kv/x?index=3&wait=5m HTTP/1.1\r\n\r\n", true),
        ("GET /api/v1/pods?watch=true HTTP/1.1\r\n\r\n", true),
        ("GET /api/v1/pods?watch=0 HTTP/1.1\r\n\r\n", false),
        ("GET /_matrix/client/v3/sync?timeout=30000 HTTP/1.1\r\n\r\n", true),
        ("GET /search?timeout=30s HTTP/1.1\r\n\r\n", false),
    ] {
        let driver = drive(&[says(Client, request.as_bytes()), says(Server, OK)], usize::MAX);
        assert_eq!(driver.context.finished[0].waiting, waits, "{request}");
    }
}

#[test]
fn attributes() {
    check_attributes(
        "GET /users/7?token=secret&b=&c HTTP/1.1\r\nHOST: shop.example:8080\r\n\
         traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "http.request.method=GET http.response.status_code=200 http.route=/users/{id} url.path=/users/7 \
         url.query=token=?&b=?&? network.protocol.version=1.1 server.address=shop.example \
         traceparent=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    );
    check_attributes(
        "BREW http://[::1]:80/pot HTTP/1.0\r\nHost: other\r\nX: a\r\n folded: b\r\n\r\n",
        "HTTP/1.1 418\r\nContent-Length: 0\r\n\r\n",
        "http.request.method=_OTHER http.request.method_original=BREW http.response.status_code=418 \
         http.route=/pot url.path=/pot network.protocol.version=1.0 server.address=::1",
    );
    check_attributes(
        "OPTIONS * HTTP/1.1\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "http.request.method=OPTIONS http.response.status_code=204 http.route=* url.path=* network.protocol.version=1.1",
    );
    check_attributes(
        "CONNECT user@db.example:5432 HTTP/1.1\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "http.request.method=CONNECT http.response.status_code=200 network.protocol.version=1.1 server.address=db.example",
    );
}

#[test]
fn values_kept_when_wanted() {
    let mut driver = Driver::default();
    driver.context.settings.keep_values = true;
    driver.feed(Client, b"GET /a?b=c&d HTTP/1.1\r\n\r\n", 1);
    driver.feed(Server, OK, 2);
    assert_eq!(
        driver.context.finished[0].attributes.get(model::names::URL_QUERY),
        Some(&Value::Text("b=c&d".into()))
    );
}

#[test]
fn bounded() {
    // A path longer than is kept, in a head longer than the driver keeps unread.
    let path = "x".repeat(50_000);
    let head = format!("GET /{path} HTTP/1.1\r\n{}\r\n", format!("Cookie: {path}\r\n").repeat(4));
    let size = head.len();
    check(&[says(Client, head.as_bytes()), says(Server, OK)], &[&format!("GET /{{id}}: ok, {size}/43")]);
    // Requests that nobody answers.
    let driver = drive(&[says(Client, &GET.repeat(5_000)), says(Server, &OK.repeat(4_000))], usize::MAX);
    assert_eq!(driver.context.unparsed, 3976);
    assert_eq!(driver.context.finished.len(), 24);
}

#[test]
fn refused() {
    for bytes in [
        b"GET / HTTP/2.0\r\n\r\n".as_slice(),
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 18446744073709551616\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc",
        b"\x00\x01\x02\x03\r\n",
    ] {
        let driver = drive(&[says(Client, bytes)], usize::MAX);
        assert_eq!(driver.lost, 1, "{}", bytes.escape_ascii());
    }
    // As long as a number goes.
    let huge = b"POST /a HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\nabc";
    check(&[says(Client, huge), Ends(Client, CutBy::Reset)], &["POST /a: cut Client Reset, 58/0"]);
}

#[test]
fn gaps_anywhere() {
    let post = b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n".as_slice();
    let chunked =
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n".as_slice();
    for (party, torn) in [(Client, post), (Client, GET), (Server, OK), (Server, chunked)] {
        for from in 0..torn.len() {
            for missing in [1, 4, torn.len()] {
                let to = (from + missing).min(torn.len());
                let (ask, answer) = if party == Client { (torn, OK) } else { (GET, torn) };
                let mut happenings = Vec::new();
                for (speaker, bytes) in [(Client, ask), (Server, answer)] {
                    match speaker == party {
                        false => happenings.push(says(speaker, bytes)),
                        true => happenings.extend([
                            says(speaker, &bytes[..from]),
                            Gap(speaker, (missing > 1).then_some((to - from) as u64)),
                            says(speaker, &bytes[to..]),
                        ]),
                    }
                }
                let last = b"GET /last HTTP/1.1\r\n\r\n";
                happenings.extend([says(Client, last), says(Server, OK), Ends(Server, CutBy::Close)]);
                let driver = drive(&happenings, usize::MAX);
                let lines: Vec<_> = driver.context.finished.iter().map(line).collect();
                assert_eq!(
                    lines.last().map(String::as_str),
                    Some("GET /last: ok, 22/43"),
                    "{party:?} {from}..{to}: {lines:?}"
                );
                assert!(lines.len() <= 2, "{lines:?}");
            }
        }
    }
}

/// What fuzzing found.
#[test]
fn found() {
    // The bytes of a head that is refused are looked through again, and count once.
    let inner = b"HTTP/1.1 200 OK\r\nx: HTTP/1.1 200 OK\r\nContent-Length: \"5\r\n\r\n";
    let driver =
        drive(&[says(Client, &GET.repeat(2)), says(Server, inner), Ends(Server, CutBy::Close)], usize::MAX);
    let told: u64 = driver.context.finished.iter().map(|exchange| exchange.response.bytes).sum();
    assert!(told <= inner.len() as u64, "{:?}", driver.context.finished);
}

mod adrift;
mod tunnel;

#[test]
fn anything() {
    let words = [
        GET,
        OK,
        b"HTTP/1.1 ",
        b"\r\n",
        b"5\r\nhello",
        b"Content-Length: 3\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"HEAD / ",
        b"CONNECT a:1 ",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 101 \r\n",
        b"HTTP/1.1 200 \r\n\r\n",
        b"Expect: 100-continue\r\n",
        b"HTTP/1.1 417 No\r\n",
    ];
    crate::harness::check_random::<Conversation>(&words);
}
