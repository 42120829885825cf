//! HTTP in its shapes: bodies, upgrades, addresses; what each exchange is, on both sides, to the byte.

use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use scenario_tests::dialogue::{Dialogue, Move, Over};
use scenario_tests::record::Record;
use scenario_tests::scenario;
use scenario_tests::weir::Weir;

use Move::{Answers, Asks, ClientCloses, ClientEnds, Pause, ServerCloses};

/// Name, status, request's and response's bytes.
type Expected = (&'static str, u16, usize, usize);

struct Case {
    what: &'static str,
    moves: &'static [Move<'static>],
    expected: &'static [Expected],
}

const GET: &[u8] = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
const PUT: &[u8] = b"PUT /up HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
const OK2: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const CHUNKED: &[u8] =
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nDigest: z\r\n\r\n";
const UPGRADE: &[u8] =
    b"GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n";
const SWITCH: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
const FRAME: &[u8] = b"\x82\x1eGET /not HTTP/1.1\r\nHost: h\r\n\r\n";
const CONNECT: &[u8] = b"CONNECT db.example:443 HTTP/1.1\r\nHost: db.example:443\r\n\r\n";
const CHUNKED_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const CHUNKED_POST: &[u8] = b"POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
/// Chunks of which only the first is captured whole, and what they hold looks like messages.
const LONG_ASK: &[u8] = &chunk(b"GET /evil HTTP/1.1\r\nHost: h\r\n\r\n");
const LONG_ANSWER: &[u8] = &chunk(b"HTTP/1.1 500 Evil\r\nContent-Length: 0\r\n\r\n");
const TUNNEL: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";

/// A chunk of 30,000 bytes.
const fn chunk(text: &[u8]) -> [u8; 30_008] {
    let (before, after) = (b"7530\r\n", b"\r\n");
    let mut chunk = [0; 30_008];
    let mut at = 0;
    while at < chunk.len() {
        chunk[at] = match at {
            0..6 => before[at],
            30_006.. => after[at - 30_006],
            _ => text[(at - 6) % text.len()],
        };
        at += 1;
    }
    chunk
}

const CASES: &[Case] = &[
    Case {
        what: "keep-alive",
        moves: &[Asks(GET), Answers(OK2), Asks(GET), Answers(OK2), ClientCloses],
        expected: &[("GET /a", 200, GET.len(), OK2.len()), ("GET /a", 200, GET.len(), OK2.len())],
    },
    Case {
        what: "chunks and a trailer, then another",
        moves: &[Asks(GET), Answers(CHUNKED), Asks(GET), Answers(OK2), ClientCloses],
        expected: &[("GET /a", 200, GET.len(), CHUNKED.len()), ("GET /a", 200, GET.len(), OK2.len())],
    },
    Case {
        what: "a chunked request",
        moves: &[
            Asks(b"POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"),
            Asks(b"3\r\nabc\r\n"),
            Asks(b"0\r\n\r\n"),
            Answers(OK2),
            ClientCloses,
        ],
        expected: &[("POST /c", 200, 57 + 8 + 5, OK2.len())],
    },
    Case {
        what: "chunks, more of them than are captured, then another",
        moves: &[
            Asks(GET),
            Answers(CHUNKED_HEAD),
            Answers(LONG_ANSWER),
            Answers(LONG_ANSWER),
            Answers(LONG_ANSWER),
            Answers(b"0\r\n\r\n"),
            Asks(GET),
            Answers(OK2),
            ClientCloses,
        ],
        expected: &[
            ("GET /a", 200, GET.len(), CHUNKED_HEAD.len() + 3 * LONG_ANSWER.len() + 5),
            ("GET /a", 200, GET.len(), OK2.len()),
        ],
    },
    Case {
        what: "the same in a request",
        moves: &[
            Asks(CHUNKED_POST),
            Asks(LONG_ASK),
            Asks(LONG_ASK),
            Asks(LONG_ASK),
            Asks(b"0\r\n\r\n"),
            Answers(OK2),
            Asks(GET),
            Answers(OK2),
            ClientCloses,
        ],
        expected: &[
            ("POST /c", 200, CHUNKED_POST.len() + 3 * LONG_ASK.len() + 5, OK2.len()),
            ("GET /a", 200, GET.len(), OK2.len()),
        ],
    },
    Case {
        what: "HEAD has the length of a body that does not come",
        moves: &[
            Asks(b"HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n"),
            Answers(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"),
            Asks(GET),
            Answers(OK2),
            ClientCloses,
        ],
        expected: &[("HEAD /a", 200, 29, 41), ("GET /a", 200, GET.len(), OK2.len())],
    },
    Case {
        what: "204 and 304 have no body",
        moves: &[
            Asks(GET),
            Answers(b"HTTP/1.1 204 No Content\r\n\r\n"),
            Asks(GET),
            Answers(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"),
            ClientCloses,
        ],
        expected: &[("GET /a", 204, GET.len(), 27), ("GET /a", 304, GET.len(), 48)],
    },
    Case {
        what: "the server says to go on with the body",
        moves: &[
            Asks(PUT),
            Answers(b"HTTP/1.1 100 Continue\r\n\r\n"),
            Asks(b"hello"),
            Answers(OK2),
            ClientCloses,
        ],
        expected: &[("PUT /up", 200, PUT.len() + 5, 25 + OK2.len())],
    },
    Case {
        what: "the server does not want the body, and does not get it",
        moves: &[
            Asks(PUT),
            Answers(b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n"),
            Asks(GET),
            Answers(OK2),
            ClientCloses,
        ],
        expected: &[("PUT /up", 417, PUT.len(), 38), ("GET /a", 200, GET.len(), OK2.len())],
    },
    Case {
        what: "WebSocket: one request, and what follows is not HTTP",
        moves: &[Asks(UPGRADE), Answers(SWITCH), Asks(FRAME), Answers(FRAME), ClientCloses],
        expected: &[("GET /ws", 101, UPGRADE.len(), SWITCH.len())],
    },
    Case {
        what: "CONNECT: one request, and what goes through the tunnel is not for this server",
        moves: &[
            Asks(CONNECT),
            Answers(TUNNEL),
            Asks(b"\x16\x03\x01 or so"),
            Answers(b"\x16\x03"),
            ClientCloses,
        ],
        expected: &[("CONNECT", 200, CONNECT.len(), TUNNEL.len())],
    },
    Case {
        what: "a client that ends its side still gets its answer",
        moves: &[Asks(GET), ClientEnds, Answers(OK2), ServerCloses],
        expected: &[("GET /a", 200, GET.len(), OK2.len())],
    },
    Case {
        what: "pipelined, in two writes that cut a head",
        moves: &[
            Asks(b"GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HT"),
            Asks(b"TP/1.1\r\nHost: h\r\n\r\n"),
            Answers(OK2),
            Answers(OK2),
            ClientCloses,
        ],
        expected: &[("GET /a", 200, 28, OK2.len()), ("GET /b", 200, 28, OK2.len())],
    },
];

/// The end of the connection is the end of the answer.
const UNTIL_CLOSE: &[Case] = &[Case {
    what: "HTTP/1.0 ends with the connection",
    moves: &[
        Asks(b"GET /old HTTP/1.0\r\n\r\n"),
        Answers(b"HTTP/1.0 200 OK\r\n\r\nas long as it takes"),
        ServerCloses,
    ],
    expected: &[("GET /old", 200, 21, 38)],
}];

fn compare(mut records: Vec<&Record>, case: &Case, side: &str) {
    records.sort_by_key(|record| record.text("/time").to_owned());
    let seen: Vec<_> = records
        .iter()
        .map(|r| {
            let bytes = (r.number("/request/bytes"), r.number("/response/bytes"));
            (r.name(), r.http_status(), bytes.0 as usize, bytes.1 as usize)
        })
        .collect();
    assert_eq!(seen, case.expected, "{}: as the {side} saw it", case.what);
    for record in records {
        let refused = if record.http_status() >= 400 && side == "client" { "417" } else { "" };
        assert_eq!((record.error(), record.incomplete()), (refused, ""), "{}: {side}", case.what);
    }
}

/// A listener for each case, so that a port tells the records of one from those of the others.
fn over(over: Over, cases: &[Case]) {
    let Some(_alone) = scenario() else { return };
    let weir = Weir::requests(&["--protocol", "http"]).unwrap();
    // All are kept, so that no port comes twice.
    let listeners: Vec<_> = cases
        .iter()
        .map(|case| {
            let listener = TcpListener::bind("[::]:0").unwrap();
            Dialogue::tcp(&listener, over).and_then(|mut dialogue| dialogue.play(case.moves)).unwrap();
            listener
        })
        .collect();
    let run = weir.stop().unwrap();
    for (case, listener) in cases.iter().zip(&listeners) {
        let port = listener.local_addr().unwrap().port();
        for role in ["client", "server"] {
            let records = run.of(port, role);
            for record in &records {
                let address = record.text("/server/address");
                assert_eq!(address, if over == Over::V6 { "::1" } else { "127.0.0.1" }, "{}", case.what);
            }
            compare(records, case, role);
        }
    }
}

#[test]
fn over_ipv4() {
    over(Over::V4, CASES);
}

#[test]
fn over_ipv6() {
    over(Over::V6, CASES);
}

#[test]
fn over_ipv4_from_an_ipv6_socket() {
    over(Over::Mapped, CASES);
}

#[test]
fn over_ipv4_until_the_connection_ends() {
    over(Over::V4, UNTIL_CLOSE);
}

#[test]
fn over_unix_sockets() {
    over_unix(CASES);
}

#[test]
fn over_unix_sockets_until_the_connection_ends() {
    over_unix(UNTIL_CLOSE);
}

fn over_unix(cases: &[Case]) {
    let Some(_alone) = scenario() else { return };
    let folder = tempfile::tempdir().unwrap();
    let weir = Weir::requests(&["--protocol", "http"]).unwrap();
    let path = |number: usize| folder.path().join(format!("{number}.sock"));
    for (number, case) in cases.iter().enumerate() {
        let listener = UnixListener::bind(path(number)).unwrap();
        Dialogue::unix(&listener).and_then(|mut dialogue| dialogue.play(case.moves)).unwrap();
    }
    // The end of a Unix socket is looked for every second, where the kernel does not tell of it.
    weir.wait_for(2 * cases.iter().map(|case| case.expected.len()).sum::<usize>());
    let run = weir.stop().unwrap();
    for (number, case) in cases.iter().enumerate() {
        for role in ["client", "server"] {
            compare(run.of_socket(&path(number), role), case, role);
        }
    }
}

/// How much of such an upload went by before its answer depends on how it is read; what comes behind it does not.
#[test]
fn a_request_behind_an_upload_that_was_answered_early() {
    let Some(_alone) = scenario() else { return };
    let weir = Weir::requests(&["--protocol", "http"]).unwrap();
    let listener = TcpListener::bind("[::]:0").unwrap();
    let upload = [Asks(LONG_ASK); 4];
    // Until the ends of what the client sends are captured.
    let late = [Pause(Duration::from_millis(1000)), Asks(b"0\r\n\r\n"), Asks(GET), Answers(OK2)];
    let moves =
        [&[Asks(CHUNKED_POST), Asks(LONG_ASK), Answers(OK2)][..], &upload, &late, &[ClientCloses]].concat();
    Dialogue::tcp(&listener, Over::V4).and_then(|mut dialogue| dialogue.play(&moves)).unwrap();
    let run = weir.stop().unwrap();
    for role in ["client", "server"] {
        let records = run.of(listener.local_addr().unwrap().port(), role);
        let seen: Vec<_> = records.iter().map(|r| (r.name(), r.http_status(), r.incomplete())).collect();
        assert_eq!(seen, [("POST /c", 200, ""), ("GET /a", 200, "")], "{role}");
    }
    assert!(!run.summary.contains("not understood"), "{}", run.summary);
}
