//! Messages of which only a part was sent, or read: told or counted, not passed over.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Feeder, Side};
use model::event::{End, EndCause, Event};

const WIRE: (&str, &str) = ("10.0.0.1:80", "10.0.0.2:40000");
const GET: &str = "GET /users/7 HTTP/1.1\r\nHost: shop.example\r\n\r\n";
const BAD: &str = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
const SET: &str = "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r\n";

/// What is told and what is counted when the server reads so much of the second request, answers that or does not, and
/// closes.
fn told(first: [&str; 2], second: &str, read: usize, answer: &str) -> (Vec<String>, u64) {
    let [by_server, by_client] = [[EndCause::LocalFin, EndCause::Closed], [EndCause::Closed; 2]]
        .map(|causes| told_of(causes, first, second, read, answer));
    // Who closes is to be blamed; nothing else may differ.
    assert_eq!(by_server, by_client);
    by_server
}

fn told_of(
    causes: [EndCause; 2],
    first: [&str; 2],
    second: &str,
    read: usize,
    answer: &str,
) -> (Vec<String>, u64) {
    let mut feeder = Feeder::new(Side::server(1, 1, WIRE.0, WIRE.1));
    feeder.says(first[0].as_bytes());
    feeder.hears(first[1].as_bytes());
    assert_eq!(feeder.requests().len(), 1);
    feeder.says(&second.as_bytes()[..read]);
    if !answer.is_empty() {
        feeder.hears(answer.as_bytes());
    }
    for cause in causes {
        let end = End { connection: feeder.side.id, time: 500, cause, sent_end: None, received_end: None };
        feeder.analyzer.event(&Event::End(end));
    }
    let tell = |request: &model::Request| {
        let error = request.error.as_deref().unwrap_or("ok");
        let incomplete = request.incomplete.map_or("whole", |what| what.as_str());
        format!("{} {error} {incomplete}", request.name)
    };
    let requests = feeder.requests().iter().map(tell).collect();
    (requests, feeder.analyzer.counters().unparsed.values().sum())
}

#[test]
fn a_request_that_is_answered_before_it_was_read() {
    const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    for read in 1..GET.len() {
        // Of the end of its head, and before it.
        let headed = read > GET.find('\n').unwrap();
        let (answered, counted) = told([GET, OK], GET, read, BAD);
        let expected: &[&str] = if headed { &["GET /users/{id} ok request"] } else { &[] };
        assert_eq!(answered, expected, "{read}");
        assert_eq!(counted, if headed { 0 } else { 2 }, "{read}: the question and its answer");

        let (cut, counted) = told([GET, OK], GET, read, "");
        let expected: &[&str] = if headed { &["GET /users/{id} closed whole"] } else { &[] };
        assert_eq!(
            (cut.iter().map(String::as_str).collect::<Vec<_>>(), counted),
            (expected.to_vec(), u64::from(!headed)),
            "{read}"
        );
    }
}

#[test]
fn a_command_that_is_answered_before_it_was_read() {
    // Its name is in the first 13 bytes.
    for read in 1..SET.len() {
        let (answered, counted) = told([SET, "+OK\r\n"], SET, read, "-ERR Protocol error\r\n");
        let expected: &[&str] = if read < 13 { &[] } else { &["SET ERR request"] };
        assert_eq!(answered, expected, "{read}");
        assert_eq!(counted, if read < 13 { 2 } else { 0 }, "{read}: the question and its answer");

        let (cut, counted) = told([SET, "+OK\r\n"], SET, read, "");
        let expected: &[&str] = if read < 13 { &[] } else { &["SET closed request"] };
        assert_eq!(cut, expected, "{read}");
        assert_eq!(counted, u64::from(read < 13), "{read}");
    }
}
