//! Extended queries whose end was not captured.

use model::Party::{Client, Server};

use super::{Driver, check_whole, line, message, wire};

/// A Bind of the portal without a name, with a parameter of this length.
fn bind(length: usize) -> Vec<u8> {
    let head = b"\0\0\0\0\0\x01".as_slice();
    message(b'B', &[head, &(length as u32).to_be_bytes(), &vec![b'x'; length], b"\0\0"].concat())
}

/// Of this the first 200 bytes are seen, and `lost` or not captured is the rest, in two pieces; `answer` comes, and an ordinary query
/// behind that.
fn cut(asked: &[u8], lost: bool, answer: &str) -> (Vec<String>, u64) {
    let mut driver = Driver::default();
    driver.feed(Client, &asked[..200], 1_000_000);
    let rest = asked.len() as u64 - 200;
    for (length, at) in [(rest - 8, 2_000_000), (8, 3_000_000)] {
        match lost {
            true => driver.lose(Client, Some(length), at),
            false => driver.gap(Client, Some(length), at),
        }
    }
    driver.feed(Server, &wire(Server, answer), 4_000_000);
    driver.feed(Client, &wire(Client, "Q SELECT 7"), 5_000_000);
    driver.feed(Server, &wire(Server, "T|D 1|C SELECT 1|Z I"), 6_000_000);
    let mut lines: Vec<_> = driver.context.finished.iter().map(line).collect();
    assert_eq!(lines.pop().as_deref(), Some("SELECT ?: ok, 14/64, returned 1"));
    (lines, driver.context.unparsed)
}

#[test]
fn long_parameters() {
    let insert = wire(Client, "P - INSERT INTO t VALUES ($1)");
    let bytes = |rest: &str| [insert.clone(), bind(9000), wire(Client, rest)].concat();
    let known = |line: &str| (vec![line.to_owned()], 0);
    for rest in ["E -|S", "D P|E -|S", "E -|H|S", "D P|E -|H|S"] {
        assert_eq!(
            cut(&bytes(rest), false, "1|2|n|C INSERT 0 1|Z I"),
            known("INSERT INTO t VALUES (?): ok, 9051/31, affected 1, incomplete request"),
            "{rest}"
        );
        assert_eq!(
            cut(&bytes(rest), false, "E 42P01|Z I"),
            known("INSERT INTO t VALUES (?): error 42P01, 9051/50, incomplete request"),
            "{rest}"
        );
    }
    // There may have been more; or not even that.
    assert_eq!(
        cut(&bytes("E -|B - -|E -|S"), false, "1|2|C INSERT 0 1|2|C INSERT 0 1|Z I"),
        (vec!["INSERT INTO t VALUES (?): ok, 9051/26, affected 1, incomplete request".to_owned()], 1)
    );
    assert_eq!(
        cut(&bytes("S"), false, "1|2|Z I"),
        known("PREPARE (INSERT INTO t VALUES (?)): ok, 9051/16, incomplete request")
    );
    // Nobody knows what is in many bytes that were lost.
    let (lines, unparsed) = cut(&bytes("E -|B - -|E -|S"), true, "1|2|C INSERT 0 1|2|C INSERT 0 1|Z I");
    assert_eq!((lines, unparsed), (vec![], 4));
}

#[test]
fn long_statements() {
    let text = format!("SELECT a FROM t /*{}*/", "c".repeat(9000));
    let bytes = |rest: &str| wire(Client, &format!("P - {text}|{rest}"));
    assert_eq!(
        cut(&bytes("B - -|E -|S"), false, "1|2|D 1|C SELECT 1|Z I"),
        (vec!["SELECT a FROM t ...: ok, 9029/36, returned 1, incomplete request".to_owned()], 0)
    );
    // It was but prepared.
    assert_eq!(
        cut(&bytes("D S|S"), false, "1|t|n|Z I"),
        (vec!["PREPARE (SELECT a FROM t ...): ok, 9029/27, incomplete request".to_owned()], 0)
    );
}

/// What was prepared before is known by its name; the next ones too.
#[test]
fn prepared_before() {
    let mut driver = Driver::default();
    driver.feed(Client, &wire(Client, "P s1 INSERT INTO t VALUES ($1)|S"), 1_000_000);
    driver.feed(Server, &wire(Server, "1|Z I"), 2_000_000);
    for n in 2..5 {
        let mut bytes = bind(100_000);
        bytes.splice(6..7, *b"s1\0");
        bytes[4] += 2;
        let bytes = [bytes, wire(Client, "E -|S")].concat();
        driver.feed(Client, &bytes[..4096], n * 10_000_000);
        driver.gap(Client, Some(bytes.len() as u64 - 4096), n * 10_000_000);
        driver.feed(Server, &wire(Server, "2|C INSERT 0 1|Z I"), n * 10_000_000 + 1_000_000);
    }
    let lines: Vec<_> = driver.context.finished.iter().skip(1).map(line).collect();
    let expected = "INSERT INTO t VALUES (?): ok, 100019/21, affected 1, incomplete request";
    assert_eq!((lines, driver.context.unparsed), (vec![expected.to_owned(); 3], 0));
}

/// A Sync that was not seen ends what was.
#[test]
fn a_sync() {
    check_whole(
        &[
            (">", "P - SELECT 1|B - -|E -"),
            (">lost", "5"),
            ("<", "1|2|D 1|C SELECT 1|Z I"),
            (">", "P - SELECT 2|B - -|E -|S"),
            ("<", "1|2|D 1|D 1|C SELECT 2|Z I"),
        ],
        &["SELECT ?: ok, 50/36, returned 1", "SELECT ?: ok, 50/48, returned 2"],
        0,
    );
}
