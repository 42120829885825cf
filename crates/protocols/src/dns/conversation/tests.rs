//! Datagrams and bytes in, records out.

use model::Party::{self, Client, Server};
use model::names;

use crate::dns::Conversation;
use crate::{CutBy, Exchange, Outcome};

mod build;
mod made;
mod recorded;

type Driver = crate::harness::Driver<Conversation>;

const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLISECOND;

/// An exchange in one line: name and question, outcome, what was answered, sizes, marks.
fn line(exchange: &Exchange) -> String {
    let get = |key| exchange.attributes.get(key).map(ToString::to_string);
    let mut line = exchange.name.to_string();
    for key in [names::DNS_QUESTION_NAME, names::WEIR_DNS_QUESTION_CLASS] {
        line.extend(get(key).map(|value| format!(" {value}")));
    }
    if let Some(kind) = get(names::DNS_QUESTION_TYPE).filter(|kind| *kind != exchange.name) {
        line.push_str(&format!(" ({kind})"));
    }
    line.push_str(": ");
    line.push_str(&match &exchange.outcome {
        Outcome::Ok => get(names::WEIR_DNS_RESPONSE_CODE).map_or("ok".to_owned(), |code| code.to_lowercase()),
        Outcome::Error(error) => format!("error {error}"),
        Outcome::ErrorForClient(error) => format!("client error {error}"),
        Outcome::Cut(party, how) => format!("cut {party:?} {how:?}"),
    });
    if let Some(count) = get(names::WEIR_DNS_ANSWER_COUNT) {
        line.push_str(&format!(", {count} records"));
    }
    for (key, label) in [
        (names::DNS_ANSWERS, ""),
        (names::WEIR_DNS_ANSWER_TTL, "ttl "),
        (names::WEIR_DNS_REQUEST_RESEND_COUNT, "resent "),
        (names::WEIR_DNS_RESPONSE_TRUNCATED, "truncated "),
        (names::WEIR_DNS_REQUEST_UDP_PAYLOAD_SIZE, "payload "),
    ] {
        line.extend(get(key).map(|value| format!(", {label}{value}")));
    }
    line.push_str(&format!(", {}/{}", exchange.request.bytes, exchange.response.bytes));
    if let Some(incomplete) = exchange.incomplete {
        line.push_str(&format!(", incomplete {}", incomplete.as_str()));
    }
    line
}

fn lines(driver: &Driver) -> Vec<String> {
    driver.context.finished.iter().map(line).collect()
}

/// What happens; time goes on by 1 ms with each.
#[derive(Clone, Copy)]
enum Happens<'a> {
    Says(Party, &'a [u8]),
    Misses(Party),
    Waits(u64),
    Ends(Party, CutBy),
}

use Happens::{Ends, Misses, Says, Waits};

/// Feeds datagrams, or where `piece` is given bytes behind their lengths, cut into such pieces.
fn drive(script: &[Happens<'_>], piece: Option<usize>) -> Driver {
    let mut driver = Driver::default();
    let mut time = SECOND;
    for happens in script {
        time += MILLISECOND;
        match (*happens, piece) {
            (Says(party, bytes), None) => driver.datagram(party, bytes, time),
            (Says(party, bytes), Some(piece)) => {
                let bytes = build::with_length(bytes);
                bytes.chunks(piece).for_each(|bytes| driver.feed(party, bytes, time));
            }
            (Misses(party), _) => driver.gap(party, None, time),
            (Waits(nanoseconds), _) => {
                time += nanoseconds;
                driver.expire(time);
            }
            (Ends(party, how), _) => driver.end(party, how, time),
        }
    }
    driver
}

/// This script gives these exchanges, in datagrams and over TCP, cut anywhere. Sizes are those of datagrams.
#[track_caller]
fn check(script: &[Happens<'_>], expected: &[&str], unparsed: u64) {
    let driver = drive(script, None);
    assert_eq!((lines(&driver), driver.context.unparsed), (owned(expected), unparsed), "in datagrams");
    for piece in (1..=80).chain([usize::MAX]) {
        let mut driver = drive(script, Some(piece));
        for exchange in &mut driver.context.finished {
            let messages = exchange.attributes.get(names::WEIR_DNS_REQUEST_RESEND_COUNT);
            let messages = messages.map_or(1, |count| 1 + count.to_string().parse::<u64>().unwrap_or(0));
            exchange.request.bytes -= 2 * messages;
            exchange.response.bytes = exchange.response.bytes.saturating_sub(2);
        }
        assert_eq!(
            (lines(&driver), driver.context.unparsed),
            (owned(expected), unparsed),
            "in pieces of {piece}"
        );
    }
}

#[track_caller]
fn check_datagrams(script: &[Happens<'_>], expected: &[&str], unparsed: u64) {
    let driver = drive(script, None);
    assert_eq!((lines(&driver), driver.context.unparsed), (owned(expected), unparsed));
}

fn owned(lines: &[&str]) -> Vec<String> {
    lines.iter().map(ToString::to_string).collect()
}

#[test]
fn anything() {
    let query = build::query(7, "example.com", 1);
    let answer = build::answer(&query, 0, &[build::a("example.com", 60, 1)]);
    let words: &[&[u8]] = &[&query, &answer, b"\x00\x1d", b"\x00\x2d", b"\xc0\x0c", b"\x00\x01", &[0; 12]];
    crate::harness::check_random::<Conversation>(words);
    crate::harness::check_random_datagrams::<Conversation>(words);
}
