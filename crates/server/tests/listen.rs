//! Whoever reaches a listener may mean no good.

#![allow(clippy::unwrap_used)] // the helpers of a test are tests

mod wire;

use std::io::Write;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Extension;
use axum::routing::{get, post};
use server::listen::{Limits, Peer};
use tokio_stream::StreamExt;
use tower_http::decompression::RequestDecompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use wire::{Client, Server, until};

/// What a decompressed body may have at `/small`.
const SMALL: usize = 64 * 1024;

fn router() -> Router {
    let endless = || async {
        Body::from_stream(
            tokio_stream::iter(0..).map(|_| Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 16384]))),
        )
    };
    let quiet = || async { Body::from_stream(tokio_stream::pending::<Result<Bytes, std::io::Error>>()) };
    let slow = || async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        "at last"
    };
    async fn broken() {
        panic!("on purpose");
    }
    // The limit lies within the decompression, and so counts what came out of it.
    let small = Router::new()
        .route("/small", post(|body: Bytes| async move { body.len().to_string() }))
        .layer(RequestBodyLimitLayer::new(SMALL))
        .layer(RequestDecompressionLayer::new());
    Router::new()
        .route("/ok", get(|| async { "ok" }))
        .route("/who", get(|Extension(peer): Extension<Peer>| async move { peer.ip().to_string() }))
        .route("/read", post(|body: Bytes| async move { body.len().to_string() }))
        .route("/slow", get(slow))
        .route("/endless", get(endless))
        .route("/quiet", get(quiet))
        .route("/broken", get(broken))
        .merge(small)
}

fn quick() -> Limits {
    let millis = Duration::from_millis;
    Limits {
        head: millis(400),
        idle: millis(800),
        body: millis(400),
        stall: millis(500),
        ..Limits::default()
    }
}

#[test]
fn requests_are_answered_one_behind_the_other() {
    let server = Server::new(Limits::default(), router());
    let mut client = server.connect();
    for _ in 0..3 {
        client.send(b"GET /who HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_eq!(client.answer().unwrap().body, b"127.0.0.1");
    }
    assert_eq!(server.counts().taken, 1);
}

#[test]
fn errors_of_routing_are_problem_documents() {
    let server = Server::new(Limits::default(), router());
    let cases = [
        ("GET /nothing HTTP/1.1", 404, "not-found"),
        ("GET /../../etc/passwd HTTP/1.1", 404, "not-found"),
        ("GET /ok/..%2f..%2fetc/passwd HTTP/1.1", 404, "not-found"),
        ("GET /%ff%fe HTTP/1.1", 404, "not-found"),
        ("DELETE /ok HTTP/1.1", 405, "method-not-allowed"),
        ("GET /broken HTTP/1.1", 500, "internal"),
    ];
    for (line, status, problem) in cases {
        let answer = server.ask(&format!("{line}\r\nHost: localhost\r\n\r\n"));
        assert_eq!((answer.status, &*answer.problem()), (status, problem), "{line}");
    }
    let refused = server.ask("DELETE /ok HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(refused.header("allow"), Some("GET,HEAD"));
    server.assert_answers();
}

#[test]
fn who_does_not_speak_is_closed() {
    let server = Server::new(quick(), router());
    let (mut silent, mut slow) = (server.connect(), server.connect());
    let mut writing = slow.stream.try_clone().unwrap();
    std::thread::spawn(move || {
        // A byte now and then, so that something comes at any time.
        for byte in b"GET /ok HTTP/1.1\r\nHost: localhost\r\nX: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy" {
            if writing.write_all(&[*byte]).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    let began = Instant::now();
    server.assert_answers();
    assert!(silent.rest().is_empty());
    assert!(slow.rest().is_empty());
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert_eq!(server.counts().too_slow, 2);
}

#[test]
fn an_idle_connection_is_closed_after_a_while_and_not_before() {
    let server = Server::new(quick(), router());
    let mut client = server.connect();
    for _ in 0..2 {
        client.send(b"GET /ok HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_eq!(client.answer().unwrap().status, 200);
        // Longer than a first head may take.
        std::thread::sleep(Duration::from_millis(500));
    }
    client.rest();
}

#[test]
fn heads_are_bounded() {
    let server = Server::new(Limits::default(), router());
    let long = format!("GET /ok HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "y".repeat(100_000));
    assert_eq!(server.ask(&long).status, 431);
    let many = format!("GET /ok HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X: y\r\n".repeat(200));
    assert_eq!(server.ask(&many).status, 431);
    let path = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "y".repeat(100_000));
    assert!(matches!(server.ask(&path).status, 414 | 431));
    server.assert_answers();
}

#[test]
fn what_is_no_http_is_refused() {
    let server = Server::new(Limits::default(), router());
    let cases: [&[u8]; 8] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS handshake\r\n\r\n",
        b"GET /\xff\xfe\x80 HTTP/9.9\r\n\r\n",
        b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\r\n\r\n",
        b"GET /ok HTTP/1.1\r\nHost: localhost\r\nBad Name: x\r\n\r\n",
        b"GET /ok HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n",
        b"POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /read HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, x\r\n\r\n0\r\n\r\n",
    ];
    for bytes in cases {
        let mut client = server.connect();
        client.send(bytes);
        let answer = client.rest();
        assert!(
            answer.is_empty() || answer.starts_with(b"HTTP/1.1 400") || answer.starts_with(b"HTTP/1.1 505"),
            "{:?}: {:?}",
            String::from_utf8_lossy(bytes),
            String::from_utf8_lossy(&answer)
        );
    }
    server.assert_answers();
}

#[test]
fn a_request_of_two_lengths_ends_its_connection() {
    let server = Server::new(Limits::default(), router());
    let hidden = "GET /who HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let lengths = [
        format!("Content-Length: {}\r\nTransfer-Encoding: chunked", 5 + hidden.len()),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {}", 5 + hidden.len()),
    ];
    for lengths in lengths {
        let mut client = server.connect();
        let request = format!("POST /read HTTP/1.1\r\nHost: localhost\r\n{lengths}\r\n\r\n0\r\n\r\n{hidden}");
        client.send(request.as_bytes());
        let told = String::from_utf8_lossy(&client.rest()).into_owned();
        assert_eq!(told.matches("HTTP/1.1 ").count(), 1, "{told}");
        assert!(told.starts_with("HTTP/1.1 200") && told.contains("connection: close"), "{told}");
    }
    server.assert_answers();
}

#[test]
fn bodies_are_bounded_in_size_and_time() {
    let server = Server::new(Limits { body_bytes: 100_000, ..quick() }, router());
    let mut announced = server.connect();
    announced.send(b"POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100001\r\n\r\n");
    assert_eq!(announced.answer().unwrap().problem(), "too-large");

    let mut chunked = server.connect();
    chunked.send(b"POST /read HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
    for _ in 0..11 {
        chunked.send(format!("2710\r\n{}\r\n", "x".repeat(10_000)).as_bytes());
    }
    assert_eq!(chunked.answer().unwrap().problem(), "too-large");

    let mut slow = server.connect();
    slow.send(b"POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc");
    let answer = slow.answer().unwrap();
    assert_eq!((answer.status, &*answer.problem()), (408, "request-timeout"));
    slow.rest();

    let mut right = server.connect();
    right.send(b"POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n");
    right.send(&[b'x'; 100_000]);
    assert_eq!(right.answer().unwrap().body, b"100000");
    assert_eq!(server.counts().bodies, 3);
}

#[test]
fn what_grows_when_it_is_unpacked_is_bounded_too() {
    let server = Server::new(Limits::default(), router());
    let packed = |bytes: usize| {
        let mut packing = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packing.write_all(&vec![0; bytes]).unwrap();
        packing.finish().unwrap()
    };
    for (bytes, status) in [(SMALL, 200), (SMALL + 1, 413), (32 << 20, 413)] {
        let body = packed(bytes);
        assert!(body.len() < SMALL, "the body itself is small enough");
        let mut client = server.connect();
        let length = body.len();
        let head = format!(
            "POST /small HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\nContent-Length: {length}\r\n\r\n"
        );
        client.send(head.as_bytes());
        client.send(&body);
        let answer = client.answer().unwrap();
        assert_eq!(answer.status, status, "{bytes}: {answer:?}");
    }
    server.assert_answers();
}

#[test]
fn an_answer_that_nobody_takes_is_given_up() {
    let server = Server::new(quick(), router());
    let mut client = server.connect();
    client.send(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n");
    until("it is given up", || server.counts().too_slow == 1);
    assert_eq!(server.counts().open, 0);
    // But an answer that has nothing to say for a while is right as it is.
    let mut quiet = server.connect();
    quiet.send(b"GET /quiet HTTP/1.1\r\nHost: localhost\r\n\r\n");
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(server.counts().open, 1);
}

#[test]
fn who_opens_many_connections_closes_his_own() {
    let server = Server::new(Limits { connections: 16, ..Limits::default() }, router());
    let mut other = Client::new(server.address, Ipv4Addr::LOCALHOST);
    other.send(b"GET /ok HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(other.answer().unwrap().status, 200);
    let many: Vec<Client> =
        (0..200).map(|_| Client::new(server.address, Ipv4Addr::new(127, 0, 0, 2))).collect();
    until("all are taken", || server.counts().taken == 201);
    assert!(server.counts().open <= 16);
    assert_eq!(server.counts().too_many, 201 - 16);
    // The connection of the other, which is the oldest and idle, is as it was.
    other.send(b"GET /ok HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(other.answer().unwrap().status, 200);
    server.assert_answers();
    drop(many);
}

/// Frames of HTTP/2: length, type, flags, stream.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    frame.extend_from_slice(&[kind, flags]);
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

#[test]
fn rapid_resets_end_the_connection() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let router = router().route(
        "/",
        get(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            std::future::pending::<&'static str>()
        }),
    );
    let server = Server::new(Limits::default(), router);
    let mut client = server.connect();
    client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    client.send(&frame(4, 0, 0, &[]));
    // GET, http, /, and :authority as a literal.
    let head = [&[0x82, 0x86, 0x84, 0x01, 9][..], b"localhost"].concat();
    for stream in (1..40_000).step_by(2) {
        client.send(&frame(1, 5, stream, &head));
        client.send(&frame(3, 0, stream, &8_u32.to_be_bytes()));
    }
    let told = client.rest();
    // GOAWAY, with ENHANCE_YOUR_CALM.
    let goaway = told.windows(9).any(|head| head[3] == 7 && head[5..9] == [0; 4]);
    assert!(goaway || told.is_empty(), "{told:?}");
    assert!(asked.load(Ordering::Relaxed) < 5_000, "{asked:?} of 20,000");
    until("it is closed", || server.counts().open == 0);
    server.assert_answers();
}

#[test]
fn heads_without_an_end_end_the_connection_on_http_2() {
    let server = Server::new(Limits::default(), router());
    let mut client = server.connect();
    client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    client.send(&frame(4, 0, 0, &[]));
    client.send(&frame(1, 1, 1, &[0x82, 0x86, 0x84]));
    // CONTINUATION after CONTINUATION, none of which says that it is the last.
    let more = [&[0x00, 1, b'x', 0x7f, 0x81, 0x7d][..], &[b'y'; 16000]].concat();
    for _ in 0..1000 {
        client.send(&frame(9, 0, 1, &more));
    }
    client.rest();
    server.assert_answers();
}

#[test]
fn what_was_asked_for_is_answered_at_the_end() {
    let server = Server::new(Limits::default(), router());
    let (mut slow, mut idle) = (server.connect(), server.connect());
    slow.send(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n");
    idle.send(b"GET /ok HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(idle.answer().unwrap().status, 200);
    let address = server.address;
    let taken = server.stop(Duration::from_secs(5));
    assert_eq!(slow.answer().unwrap().body, b"at last");
    assert!(taken < Duration::from_secs(2), "{taken:?}");
    assert!(idle.rest().is_empty());
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn what_has_no_end_is_cut_off_at_the_end() {
    let server = Server::new(Limits::default(), router());
    let mut quiet = server.connect();
    quiet.send(b"GET /quiet HTTP/1.1\r\nHost: localhost\r\n\r\n");
    quiet.answer().expect("a head");
    let taken = server.stop(Duration::from_millis(300));
    assert!((Duration::from_millis(300)..Duration::from_secs(2)).contains(&taken), "{taken:?}");
    quiet.rest();
}
