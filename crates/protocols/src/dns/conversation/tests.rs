//! Datagrams and bytes in, records out.

use model::Party::{self, Client, Server};
use model::names;

use crate::dns::Conversation;
use crate::harness::Happens::{Ends, Gap, Waits};
use crate::harness::tables::{self, anywhere, attribute, facts};
use crate::{CutBy, Exchange, Outcome};

mod build;
mod made;
mod recorded;

type Driver = crate::harness::Driver<Conversation>;
type Happens<'a> = crate::harness::Happens<&'a [u8]>;

const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLISECOND;

/// Arrays and vectors of bytes alike.
fn says(party: Party, bytes: &[u8]) -> Happens<'_> {
    crate::harness::Happens::Says(party, bytes)
}

/// By its name and question; with what was answered before the sizes.
fn line(exchange: &Exchange) -> String {
    let get = |key| attribute(exchange, key);
    let mut line = exchange.name.to_string();
    for key in [names::DNS_QUESTION_NAME, names::WEIR_DNS_QUESTION_CLASS] {
        line.extend(get(key).map(|value| format!(" {value}")));
    }
    if let Some(kind) = get(names::DNS_QUESTION_TYPE).filter(|kind| *kind != exchange.name) {
        line.push_str(&format!(" ({kind})"));
    }
    let code = get(names::WEIR_DNS_RESPONSE_CODE).filter(|_| exchange.outcome == Outcome::Ok);
    let outcome = code.map_or_else(|| tables::outcome(&exchange.outcome), |code| code.to_lowercase());
    let count = get(names::WEIR_DNS_ANSWER_COUNT).map(|count| format!(", {count} records"));
    let answered = [
        ("", names::DNS_ANSWERS),
        ("ttl", names::WEIR_DNS_ANSWER_TTL),
        ("resent", names::WEIR_DNS_REQUEST_RESEND_COUNT),
        ("truncated", names::WEIR_DNS_RESPONSE_TRUNCATED),
        ("payload", names::WEIR_DNS_REQUEST_UDP_PAYLOAD_SIZE),
    ];
    format!(
        "{line}: {outcome}{}{}, {}/{}{}",
        count.unwrap_or_default(),
        facts(exchange, &answered),
        exchange.request.bytes,
        exchange.response.bytes,
        tables::marks(exchange)
    )
}

fn lines(driver: &Driver) -> Vec<String> {
    tables::lines(driver, line)
}

/// Feeds datagrams, or where `piece` is given bytes behind their lengths, cut into such pieces.
fn drive(script: &[Happens<'_>], piece: Option<usize>) -> Driver {
    let mut driver = Driver::default();
    match piece {
        None => driver.play(script, Driver::datagram),
        Some(piece) => driver.play(script, |driver, party, bytes, time| {
            build::with_length(bytes).chunks(piece).for_each(|bytes| driver.feed(party, bytes, time));
        }),
    };
    driver
}

/// This script gives these exchanges, in datagrams and over TCP, cut anywhere. Sizes are those of datagrams.
#[track_caller]
fn check(script: &[Happens<'_>], expected: &[&str], unparsed: u64) {
    let driver = drive(script, None);
    assert_eq!((lines(&driver), driver.context.unparsed), (owned(expected), unparsed), "in datagrams");
    for piece in anywhere() {
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
