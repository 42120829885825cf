//! Bytes in, records out.

use model::Party::{Client, Server};

use crate::harness::Happens::{Ends, Gap, Says};
use crate::harness::tables::{self, anywhere};
use crate::mysql::Conversation;
use crate::{Conversation as _, CutBy, Exchange};

mod build;
mod gaps;
mod prepared;
mod results;
mod sessions;
mod settings;

use build::*;

type Driver = crate::harness::Driver<Conversation>;
type Happens = crate::harness::Happens<Vec<u8>>;

/// An exchange in one line: name, outcome, sizes, text, rows, marks.
fn line(exchange: &Exchange) -> String {
    use model::names::*;
    let mut facts = tables::facts(
        exchange,
        &[
            ("text", DB_QUERY_TEXT),
            ("rows", DB_RESPONSE_RETURNED_ROWS),
            ("affected", DB_RESPONSE_AFFECTED_ROWS),
            ("database", DB_NAMESPACE),
        ],
    );
    if tables::attribute(exchange, DB_SYSTEM_NAME).as_deref() == Some("mariadb") {
        facts.push_str(", mariadb");
    }
    tables::line(exchange, &exchange.name, &facts)
}

fn asks(bytes: Vec<u8>) -> Happens {
    Says(Client, bytes)
}

fn answers(bytes: Vec<u8>) -> Happens {
    Says(Server, bytes)
}

fn drive(script: &[Happens], piece: usize) -> Driver {
    tables::drive(script, piece)
}

fn lines(driver: &Driver) -> Vec<String> {
    tables::lines(driver, line)
}

/// This script gives these exchanges; cut anywhere.
#[track_caller]
fn check(script: &[Happens], expected: &[&str]) {
    tables::check(script, anywhere(), line, expected, |driver: &Driver, piece| {
        assert_eq!((driver.lost, driver.context.unparsed), (0, 0), "in pieces of {piece}");
        let told = format!("{:?}", driver.context.finished);
        assert!(!told.contains("secret"), "{told}");
    });
}

/// As [`check`]; and every byte but those of a greeting is told of.
#[track_caller]
fn check_all(script: &[Happens], expected: &[&str]) {
    check(script, expected);
    let mut sent = [0; 2];
    for happens in script {
        match happens {
            Says(Client, bytes) => sent[0] += bytes.len() as u64,
            Says(Server, bytes) if bytes[3..5] != [0, 10] => sent[1] += bytes.len() as u64,
            _ => {}
        }
    }
    let driver = drive(script, usize::MAX);
    let told = |size: fn(&Exchange) -> u64| driver.context.finished.iter().map(size).sum::<u64>();
    assert_eq!([told(|exchange| exchange.request.bytes), told(|exchange| exchange.response.bytes)], sent);
}

/// As [`check`], in a few ways only, a header by itself among them; with the count of what was not understood.
#[track_caller]
fn check_whole(script: &[Happens], expected: &[&str], unparsed: u64) {
    tables::check_count::<Conversation, _>(script, [usize::MAX, 4096, 4], line, expected, unparsed);
}

#[test]
fn bounded() {
    let mut driver = Driver::default();
    for _ in 0..5_000 {
        driver.feed(Client, &query("SELECT a FROM t"), 1);
    }
    assert!(driver.context.finished.len() >= 3_000);
    let mut driver = Driver::default();
    for id in 0..5_000u32 {
        driver.feed(Client, &command(0x16, b"SELECT 1"), 1);
        let id = id.to_le_bytes();
        driver.feed(Server, &packet(1, &[&[0], &id[..], &[0; 7]].concat()), 2);
    }
    assert!(format!("{:?}", driver.conversation).len() < 300_000);
}

#[test]
fn holds_for_whatever_happens() {
    let words: Vec<Vec<u8>> = vec![
        greeting("8.0.36"),
        login(WITH_DB, "shop"),
        query("SELECT a FROM t"),
        execute(5),
        command(0x16, b"SELECT ?"),
        [prepared(5, 1, 1), definition(2), eof(3, 2), definition(4), eof(5, 2)].concat(),
        command(0x1c, &[5, 0, 0, 0, 2, 0, 0, 0]),
        result(1, &["x"], false, 2),
        result(1, &["x"], true, 8),
        ok(1, 0, 2),
        error(1, 1045),
        eof(1, 2),
        packet(1, b"\xfbfile"),
        packet(2, b"data"),
        packet(3, b""),
        b"\xff\xff\xff\x00\x03SELECT".to_vec(),
    ];
    let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
    crate::harness::check_random::<Conversation>(&words);
}
