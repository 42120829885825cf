//! Messages in, records out.

use model::Party::{Client, Server};
use model::names;

use crate::harness::tables::{self, anywhere, attribute};
use crate::harness::{Happens, stream};
use crate::postgresql::Conversation;
use crate::postgresql::wire::{message, wire};
use crate::{Conversation as _, Exchange, Outcome};

mod extended;
mod gaps;
mod losses;
mod unseen;

type Driver = crate::harness::Driver<Conversation>;

/// By its text, or name where that is another.
fn line(exchange: &Exchange) -> String {
    let text = attribute(exchange, names::DB_QUERY_TEXT).unwrap_or_default();
    let own = attribute(exchange, names::DB_QUERY_SUMMARY).is_none();
    let name = match text.as_str() {
        "" => exchange.name.to_string(),
        text if own => format!("{} ({text})", exchange.name),
        text => text.to_owned(),
    };
    let is_sqlstate = matches!(&exchange.outcome, Outcome::Error(error) if error.len() == 5);
    assert_eq!(attribute(exchange, names::DB_RESPONSE_STATUS_CODE).is_some(), is_sqlstate);
    assert!(!exchange.waiting);
    let facts = [
        ("returned", names::DB_RESPONSE_RETURNED_ROWS),
        ("affected", names::DB_RESPONSE_AFFECTED_ROWS),
        ("in", names::DB_NAMESPACE),
    ];
    tables::line(exchange, &name, &tables::facts(exchange, &facts))
}

fn script(lines: &[(&str, &str)]) -> Vec<Happens<Vec<u8>>> {
    tables::script(lines, wire)
}

fn drive(driver: &mut Driver, lines: &[(&str, &str)], piece: usize) {
    driver.play(&script(lines), stream(piece));
}

/// This script gives these exchanges; cut anywhere.
#[track_caller]
fn check(lines: &[(&str, &str)], expected: &[&str]) {
    tables::check(&script(lines), anywhere(), line, expected, |driver: &Driver, piece| {
        assert_eq!(driver.lost, 0, "in pieces of {piece}");
    });
}

/// As [`check`], delivered whole; with the count of what was not understood.
#[track_caller]
fn check_whole(lines: &[(&str, &str)], expected: &[&str], unparsed: u64) {
    tables::check_count::<Conversation, _>(&script(lines), [usize::MAX], line, expected, unparsed);
}

const ONE: &str = "T|D 1|C SELECT 1|Z I";

#[test]
fn simple_queries() {
    check(
        &[
            (">", "Q SELECT 7 FROM t"),
            ("<", ONE),
            (">", "Q INSERT INTO t VALUES (1, 'secret')"),
            ("<", "C INSERT 0 1|Z T"),
            (">", "Q UPDATE t SET a = 5"),
            ("<", "N|C UPDATE 0|Z I"),
            (">", "Q CREATE TABLE u (a int)"),
            ("<", "C CREATE TABLE|Z I"),
            (">", "Q CREATE TABLE u AS SELECT 1"),
            ("<", "C SELECT 1|Z I"),
            (">", "Q DELETE FROM t RETURNING a"),
            ("<", "T|D 1|D 1|C DELETE 2|Z I"),
            (">", "Q MOVE 5 FROM c"),
            ("<", "C MOVE 5|Z T"),
            (">", "Q -"),
            ("<", "I|Z I"),
        ],
        &[
            "SELECT ? FROM t: ok, 21/64, returned 1",
            "INSERT INTO t VALUES (?, ?): ok, 40/22, affected 1",
            "UPDATE t SET a = ?: ok, 24/56, affected 0",
            "CREATE TABLE u (a int): ok, 28/24",
            "CREATE TABLE u AS SELECT ?: ok, 32/20, affected 1",
            "DELETE FROM t RETURNING a: ok, 31/76, returned 2, affected 2",
            "MOVE ? FROM c: ok, 19/18",
            "OTHER: ok, 6/11",
        ],
    );
}

#[test]
fn several_statements_are_one_request() {
    check(
        &[
            (">", "Q INSERT INTO t VALUES (1); SELECT a FROM t; UPDATE t SET a = 2"),
            ("<", "C INSERT 0 1|T|D 1|D 1|C SELECT 2|C UPDATE 2|Z I"),
            (">", "Q SELECT 1; SELECT 1/0; SELECT 2"),
            ("<", "T|D 1|C SELECT 1|E 22012|Z I"),
        ],
        &[
            "INSERT INTO t VALUES (?); SELECT a FROM t; UPDATE t SET a = ?: ok, 67/106, returned 2, affected 3",
            "SELECT ?; SELECT ?/?; SELECT ?: error 22012, 36/114, returned 1",
        ],
    );
}

#[test]
fn names_and_attributes() {
    let mut driver = Driver::default();
    let script = [
        (">", "Q SELECT a.x, 'secret' FROM orders a JOIN items i ON i.o = a.id WHERE a.id = 5"),
        ("<", "E 42P01|Z I"),
    ];
    drive(&mut driver, &script, usize::MAX);
    let exchange = driver.context.finished.pop().unwrap();
    assert_eq!(exchange.name, "SELECT orders items");
    assert_eq!(
        tables::attributes(&exchange),
        [
            "db.system.name=postgresql",
            "db.operation.name=SELECT",
            "db.query.summary=SELECT orders items",
            "db.query.text=SELECT a.x, ? FROM orders a JOIN items i ON i.o = a.id WHERE a.id = ?",
            "db.response.status_code=42P01",
        ]
    );
}

#[test]
fn start_up() {
    check(
        &[
            (">", "startup user=me database=shop"),
            ("<", "R 3"),
            (">", "p secret"),
            ("<", "R 0|S server_version 15|S TimeZone UTC|K|Z I"),
            (">", "Q SELECT 1"),
            ("<", ONE),
        ],
        &["CONNECT: ok, 43/78, in shop", "SELECT ?: ok, 14/64, returned 1, in shop"],
    );
    // The user's name is the database's where there is none.
    check(
        &[(">", "startup user=me"), ("<", "E 28P01 FATAL"), ("<close", ""), (">close", "")],
        &["CONNECT: error 28P01, 17/50, in me"],
    );
    // Pools may ask for two protocols; a server without it says so.
    check(
        &[
            (">", "startup user=me _pq_.a=b"),
            ("<", "v 1|R 0|Z I"),
            (">", "X"),
            (">close", ""),
            ("<close", ""),
        ],
        &["CONNECT: ok, 26/28, in me"],
    );
}

#[test]
fn encryption() {
    let hello = "raw \u{16}\u{3}\u{1}\u{2}";
    for (script, left_as) in [
        ([(">", "ssl"), ("<", "raw S"), (">", hello), (">", "Q SELECT 1")], "tls"),
        ([(">", "gss"), ("<", "raw G"), (">", "raw 123"), (">", "Q SELECT 1")], "gssapi"),
        // The answer is shown late.
        ([(">", "ssl"), (">", hello), ("<", "raw S"), (">", "Q SELECT 1")], "tls"),
    ] {
        let mut driver = Driver::default();
        drive(&mut driver, &script, usize::MAX);
        assert!(driver.left && driver.context.finished.is_empty());
        assert_eq!(driver.conversation.left_as(), left_as);
    }
    check(
        &[
            (">", "gss"),
            ("<", "raw N"),
            (">", "ssl"),
            ("<", "raw N"),
            (">", "startup user=me"),
            ("<", "R 0|Z I"),
        ],
        &["CONNECT: ok, 17/15, in me"],
    );
    // The refusal is shown early; a server that never heard of it.
    check(
        &[("<", "raw N"), (">", "ssl"), (">", "startup user=me"), ("<", "R 0|Z I")],
        &["CONNECT: ok, 17/15, in me"],
    );
}

#[test]
fn cancel() {
    check(&[(">", "cancel"), (">close", ""), ("<close", "")], &["CANCEL: ok, 16/0"]);
}

#[test]
fn errors() {
    check(
        &[
            (">", "Q SELEC 1"),
            ("<", "E 42601|Z I"),
            (">", "Q SELECT pg_sleep(9)"),
            ("<", "T|E 57014|Z E"),
            (">", "Q SELECT pg_sleep(9)"),
            ("<", "T|E 57P01 FATAL"),
            ("<close", ""),
            (">close", ""),
        ],
        &[
            "SELEC ?: error 42601, 13/56",
            "SELECT pg_sleep(?): error 57014, 24/88",
            "SELECT pg_sleep(?): error 57P01, 24/82",
        ],
    );
}

#[test]
fn asides() {
    check(
        &[
            (">", "Q LISTEN channel"),
            ("<", "C LISTEN|Z I"),
            ("<", "A"),
            ("<", "A|S TimeZone UTC"),
            (">", "Q SELECT 1"),
            ("<", "N|T|D 1|C SELECT 1|A|Z I"),
            // The server ends an idle connection.
            ("<", "E 57P05 FATAL"),
            ("<close", ""),
            (">close", ""),
        ],
        &["LISTEN channel: ok, 20/18", "SELECT ?: ok, 14/100, returned 1"],
    );
}

/// LISTEN ends with its answer: what comes much later is neither its time nor lost.
#[test]
fn notifications() {
    check_whole(
        &[
            (">", "Q LISTEN channel"),
            ("<", "C LISTEN|Z I"),
            ("<", "A"),
            ("<", "A|A"),
            (">", "Q SELECT 1"),
            ("<", ONE),
            ("<", "A"),
            (">", "Q UNLISTEN *"),
            ("<", "C UNLISTEN|Z I"),
        ],
        &["LISTEN channel: ok, 20/18", "SELECT ?: ok, 14/64, returned 1", "UNLISTEN *: ok, 16/20"],
        0,
    );
}

#[test]
fn copies() {
    check(
        &[
            (">", "Q COPY t FROM STDIN"),
            ("<", "G"),
            (">", "d 100|d 3000000|d 5"),
            (">", "c"),
            ("<", "C COPY 3|Z I"),
            (">", "Q COPY t FROM STDIN"),
            ("<", "G"),
            (">", "d 10|f stop"),
            ("<", "E 57014|Z I"),
            (">", "Q COPY t TO STDOUT"),
            ("<", "H|d 70|d 100000|c|C COPY 2|Z I"),
        ],
        &[
            "COPY t FROM STDIN: ok, 3000148/28, affected 3",
            "COPY t FROM STDIN: error 57014, 48/66",
            "COPY t TO STDOUT: ok, 22/100113, affected 2",
        ],
    );
    // The server gives up before the client does.
    check(
        &[
            (">", "Q COPY t FROM STDIN"),
            ("<", "G"),
            (">", "d 10"),
            ("<", "E 22P02|Z I"),
            (">", "d 10|c"),
            (">", "Q SELECT 1"),
            ("<", ONE),
        ],
        &["COPY t FROM STDIN: error 22P02, 38/66", "SELECT ?: ok, 14/64, returned 1"],
    );
}

#[test]
fn function_calls() {
    check(
        &[(">", "F"), ("<", "V|Z I"), (">", "F"), ("<", "E 42883|Z I")],
        &["FUNCTION CALL: ok, 17/15", "FUNCTION CALL: error 42883, 17/56"],
    );
}

#[test]
fn replication() {
    let mut driver = Driver::default();
    let script = [
        (">", "Q IDENTIFY_SYSTEM"),
        ("<", "T|D 1|C IDENTIFY_SYSTEM|Z I"),
        (">", "Q START_REPLICATION SLOT \"s\" LOGICAL 0/0"),
        ("<", "W"),
        ("<", "d 10"),
        (">", "d 10"),
    ];
    drive(&mut driver, &script, usize::MAX);
    assert!(driver.left);
    assert_eq!(driver.conversation.left_as(), "replication");
    let sizes: Vec<_> = driver.context.finished.iter().map(|e| (e.request.bytes, e.response.bytes)).collect();
    assert_eq!(sizes, [(21, 71), (44, 10)]);
    let names: Vec<_> = driver.context.finished.iter().map(|exchange| exchange.name.as_str()).collect();
    assert_eq!(names, ["IDENTIFY_SYSTEM", "START_REPLICATION"]);
}

#[test]
fn large_statements_and_rows() {
    let text = format!("SELECT '{}' FROM t", "s".repeat(100_000));
    check(
        &[(">", &format!("Q {text}")), ("<", "T|D 5000000|C SELECT 1|Z I")],
        &["SELECT ? ...: ok, 100022/5000063, returned 1"],
    );
}

#[test]
fn values_kept_when_wanted() {
    let mut driver = Driver::default();
    driver.context.settings.keep_values = true;
    drive(&mut driver, &[(">", "Q SELECT 'value'"), ("<", ONE)], usize::MAX);
    assert_eq!(line(&driver.context.finished[0]), "SELECT 'value': ok, 20/64, returned 1");
}

#[test]
fn backslashes() {
    check(
        &[
            (">", "startup user=me"),
            ("<", "R 0|S standard_conforming_strings off|Z I"),
            (">", r"Q SELECT 'it\'s secret' FROM t"),
            ("<", ONE),
        ],
        &["CONNECT: ok, 17/52, in me", "SELECT ? FROM t: ok, 34/64, returned 1, in me"],
    );
    // Not told on a connection that was open before, nor behind a statement that may change it.
    check(
        &[(">", r"Q SELECT 'it\'s secret' FROM t"), ("<", ONE), (">", "Q SELECT 'it''s' FROM t"), ("<", ONE)],
        &["SELECT ?: ok, 34/64, returned 1", "SELECT ? FROM t: ok, 27/64, returned 1"],
    );
    check(
        &[
            (">", "startup user=me"),
            ("<", "R 0|S standard_conforming_strings on|Z I"),
            (
                ">",
                r"P - SET standard_conforming_strings=off|B - -|E -|P - SELECT 'it\'s secret' FROM t|B - -|E -|S",
            ),
            ("<", "1|2|C SET|S standard_conforming_strings off|1|2|D 1|C SELECT 1|Z I"),
            (">", r"Q SELECT 'it\'s secret' FROM t"),
            ("<", ONE),
        ],
        &[
            "CONNECT: ok, 17/51, in me",
            "SET standard_conforming_strings= ?: ok, 77/19, in me",
            "SELECT ?: ok, 70/73, returned 1, in me",
            "SELECT ? FROM t: ok, 34/64, returned 1, in me",
        ],
    );
}

#[test]
fn ends() {
    check(&[(">", "Q SELECT 1"), ("<close", "")], &["SELECT ?: cut Server Close, 14/0"]);
    check(&[(">", "Q SELECT 1"), ("<", "T|D 1"), (">reset", "")], &["SELECT ?: cut Client Reset, 14/44"]);
    check(
        &[(">", "Q SELECT 1"), (">close", ""), ("<", ONE), ("<close", "")],
        &["SELECT ?: ok, 14/64, returned 1"],
    );
    check(&[(">", "P - SELECT 1|B - -"), (">reset", "")], &["PREPARE (SELECT ?): cut Client Reset, 40/0"]);
}

#[test]
fn joined_late() {
    check_whole(&[("<", ONE), (">", "Q SELECT 1"), ("<", ONE)], &["SELECT ?: ok, 14/64, returned 1"], 1);
    check_whole(
        &[(">", "B - s1|E -|S"), ("<", "2|D 1|C SELECT 1|Z I")],
        &["EXECUTE: ok, 35/31, returned 1, incomplete start"],
        0,
    );
}

#[test]
fn shown_early() {
    let mut driver = Driver::default();
    driver.feed(Server, &wire(Server, ONE), 2_000);
    driver.feed(Client, &wire(Client, "Q SELECT 1"), 1_000);
    driver.feed(Client, &wire(Client, "Q SELECT 2"), 1_000_000);
    driver.feed(Server, &wire(Server, ONE), 1_002_000);
    let lines: Vec<_> = driver.context.finished.iter().map(line).collect();
    assert_eq!(lines, ["SELECT ?: ok, 14/64, returned 1"; 2]);
    assert_eq!(driver.context.unparsed, 0);
}

#[test]
fn nonsense() {
    for (party, bytes) in [
        (Client, b"!\0\0\0\x04".to_vec()),
        (Client, b"Q\0\0\0\x03".to_vec()),
        (Client, message(b'Q', b"SELECT 1")),
        (Client, message(b'Q', b"SELECT 1\0more\0")),
        (Client, message(b'C', b"xname\0")),
        (Client, wire(Client, "S|startup user=me")),
        (Server, b"!\0\0\0\x04".to_vec()),
        (Server, message(b'Z', b"X")),
        (Server, message(b'E', b"SERROR\0\0")),
        (Server, message(b'C', b"\x01\0")),
    ] {
        let mut driver = Driver::default();
        driver.feed(party, &bytes, 1);
        assert_eq!(driver.lost, 1, "{}", bytes.escape_ascii());
    }
}

#[test]
fn bounded() {
    let mut driver = Driver::default();
    for n in 0..10_000u64 {
        driver.feed(Client, &wire(Client, "P - SELECT 1|B - -|E -|S"), n * 1_000_000);
    }
    for n in 0..10_000u64 {
        driver.feed(Server, &wire(Server, "1|2|D 1|C SELECT 1|Z I"), (10_000 + n) * 1_000_000);
    }
    assert_eq!((driver.context.finished.len() as u64 + driver.context.unparsed / 2), 10_000);
    assert!(driver.context.finished.iter().all(|exchange| line(exchange).contains("returned 1")));
}

#[test]
fn any_bytes() {
    let words: Vec<Vec<u8>> = [
        "startup user=me",
        "ssl",
        "cancel",
        "Q SELECT 1",
        "P s SELECT 1",
        "B p s",
        "E p 5",
        "D Ss",
        "C Ss",
        "H",
        "S",
        "F",
        "d 20",
        "c",
        "f x",
        "X",
        "p secret",
    ]
    .iter()
    .map(|text| wire(Client, text))
    .chain(
        [
            "1",
            "2",
            "3",
            "T",
            "D 5",
            "C SELECT 1",
            "Z I",
            "Z T",
            "E 42601",
            "N",
            "A",
            "S a b",
            "G",
            "W",
            "I",
            "s",
            "c",
        ]
        .iter()
        .map(|text| wire(Server, text)),
    )
    .chain([b"N".to_vec(), b"S".to_vec(), b"\0".to_vec(), b"Q\0\x01\0\0SELECT".to_vec()])
    .collect();
    let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
    crate::harness::check_random::<Conversation>(&words);
}
