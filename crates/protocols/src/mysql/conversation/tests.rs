//! Bytes in, records out. Packets are made here as the protocol's documentation describes them.

use model::Party::{self, Client, Server};

use crate::mysql::Conversation;
use crate::{Conversation as _, CutBy, Exchange, Outcome};

type Driver = crate::harness::Driver<Conversation>;

/// An exchange in one line: name, text, outcome, sizes, rows, marks.
fn line(exchange: &Exchange) -> String {
    use model::names::*;
    let outcome = match &exchange.outcome {
        Outcome::Ok => "ok".to_owned(),
        Outcome::Error(error) => format!("error {error}"),
        Outcome::ErrorForClient(error) => format!("client error {error}"),
        Outcome::Cut(party, how) => format!("cut {party:?} {how:?}"),
    };
    let attribute = |key| exchange.attributes.get(key).map(ToString::to_string);
    let mut line =
        format!("{}: {outcome}, {}/{}", exchange.name, exchange.request.bytes, exchange.response.bytes);
    for (word, key) in [
        ("text", DB_QUERY_TEXT),
        ("rows", DB_RESPONSE_RETURNED_ROWS),
        ("affected", DB_RESPONSE_AFFECTED_ROWS),
        ("database", DB_NAMESPACE),
    ] {
        if let Some(value) = attribute(key) {
            line.push_str(&format!(", {word} {value}"));
        }
    }
    if attribute(DB_SYSTEM_NAME).as_deref() == Some("mariadb") {
        line.push_str(", mariadb");
    }
    if exchange.waiting {
        line.push_str(", waiting");
    }
    if let Some(incomplete) = exchange.incomplete {
        line.push_str(", incomplete ");
        line.push_str(incomplete.as_str());
    }
    line
}

fn packet(sequence: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_le_bytes();
    [&length[..3], &[sequence], payload].concat()
}

fn command(code: u8, arguments: &[u8]) -> Vec<u8> {
    packet(0, &[&[code], arguments].concat())
}

fn query(sql: &str) -> Vec<u8> {
    command(3, sql.as_bytes())
}

const MORE: u16 = 8;
const CURSOR: u16 = 0x40;

fn ok(sequence: u8, affected: u8, status: u16) -> Vec<u8> {
    let status = status.to_le_bytes();
    packet(sequence, &[0, affected, 0, status[0], status[1], 0, 0])
}

fn error(sequence: u8, code: u16) -> Vec<u8> {
    let code = code.to_le_bytes();
    packet(sequence, &[&[0xff, code[0], code[1]], b"#42S02Table 'secret' doesn't exist".as_slice()].concat())
}

fn eof(sequence: u8, status: u16) -> Vec<u8> {
    let status = status.to_le_bytes();
    packet(sequence, &[0xfe, 0, 0, status[0], status[1]])
}

/// The OK packet that takes the place of EOF.
fn end(sequence: u8, status: u16) -> Vec<u8> {
    let status = status.to_le_bytes();
    packet(sequence, &[0xfe, 0, 0, status[0], status[1], 0, 0])
}

fn definition(sequence: u8) -> Vec<u8> {
    packet(sequence, b"\x03def\x01d\x01t\x01t\x01a\x01a\x0c\x3f\x00\x0b\x00\x00\x00\x03\x00\x00\x00\x00\x00")
}

/// A result of one column, from a sequence number on; `deprecated`: no EOF packet behind the definition.
fn result(from: u8, rows: &[&str], deprecated: bool, status: u16) -> Vec<u8> {
    let mut bytes = [packet(from, &[1]), definition(from + 1)].concat();
    let mut sequence = from + 2;
    if !deprecated {
        bytes.extend(eof(sequence, 2));
        sequence += 1;
    }
    for row in rows {
        bytes.extend(packet(sequence, &[&[row.len() as u8], row.as_bytes()].concat()));
        sequence += 1;
    }
    bytes.extend(if deprecated { end(sequence, status) } else { eof(sequence, status) });
    bytes
}

/// Capabilities: protocol 4.1, secure connection, and what is added.
const BASE: u32 = 1 | 1 << 9 | 1 << 15;
const WITH_DB: u32 = 1 << 3;
const COMPRESS: u32 = 1 << 5;
const SSL: u32 = 1 << 11;
const DEPRECATE_EOF: u32 = 1 << 24;
const QUERY_ATTRIBUTES: u32 = 1 << 27;

fn greeting(version: &str) -> Vec<u8> {
    let all = [0xff; 2];
    let mut payload =
        [&[10], version.as_bytes(), &[0, 9, 0, 0, 0], b"scramble".as_slice(), &[0], &all].concat();
    payload.extend([45, 2, 0]);
    payload.extend(all);
    payload.extend([21]);
    payload.extend([0; 10]);
    payload.extend(b"morescramble\0caching_sha2_password\0");
    packet(0, &payload)
}

fn login(capabilities: u32, database: &str) -> Vec<u8> {
    let mut payload = (BASE | capabilities).to_le_bytes().to_vec();
    payload.extend([0, 0, 0, 1, 45]);
    payload.extend([0; 23]);
    payload.extend(b"bob\0\x06secret");
    if capabilities & WITH_DB != 0 {
        payload.extend(database.as_bytes());
        payload.push(0);
    }
    payload.extend(b"caching_sha2_password\0");
    packet(1, &payload)
}

/// What happens: a party sends bytes, or something else happens to it.
#[derive(Debug, Clone)]
enum Happens {
    Asks(Vec<u8>),
    Answers(Vec<u8>),
    Gap(Party, Option<u64>),
    End(Party, CutBy),
}
use Happens::{Answers, Asks, End, Gap};

/// Time goes on by 1 ms with each.
fn drive(script: &[Happens], piece: usize) -> Driver {
    let mut driver = Driver::default();
    for (time, happens) in (1..).map(|n| n * 1_000_000).zip(script) {
        match happens {
            Asks(bytes) => bytes.chunks(piece).for_each(|bytes| driver.feed(Client, bytes, time)),
            Answers(bytes) => bytes.chunks(piece).for_each(|bytes| driver.feed(Server, bytes, time)),
            Gap(party, length) => driver.gap(*party, *length, time),
            End(party, how) => driver.end(*party, *how, time),
        }
    }
    driver
}

fn lines(driver: &Driver) -> Vec<String> {
    driver.context.finished.iter().map(line).collect()
}

/// This script gives these exchanges; cut anywhere.
#[track_caller]
fn check(script: &[Happens], expected: &[&str]) {
    for piece in (1..=80).chain([usize::MAX]) {
        let driver = drive(script, piece);
        assert_eq!(lines(&driver), expected, "in pieces of {piece}");
        assert_eq!((driver.lost, driver.context.unparsed), (0, 0), "in pieces of {piece}");
        let told = format!("{:?}", driver.context.finished);
        assert!(!told.contains("secret"), "{told}");
    }
}

/// As [`check`]; and every byte but those of a greeting is told of.
#[track_caller]
fn check_all(script: &[Happens], expected: &[&str]) {
    check(script, expected);
    let mut sent = [0; 2];
    for happens in script {
        match happens {
            Asks(bytes) => sent[0] += bytes.len() as u64,
            Answers(bytes) if bytes[3..5] != [0, 10] => sent[1] += bytes.len() as u64,
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
    for piece in [usize::MAX, 4096, 4] {
        let driver = drive(script, piece);
        assert_eq!(lines(&driver), expected, "in pieces of {piece}");
        assert_eq!(driver.context.unparsed, unparsed, "in pieces of {piece}");
    }
}

#[test]
fn queries() {
    check_all(
        &[
            Asks(query("SELECT a FROM t WHERE b = 'secret'")),
            Answers(result(1, &["x", "yy", ""], false, 2)),
            Asks(query("SELECT a FROM t")),
            Answers(result(1, &[], false, 2)),
            Asks(query("DELETE FROM t WHERE a = 5")),
            Answers(ok(1, 7, 2)),
            Asks(query("SELECT a FROM nothing")),
            Answers(error(1, 1146)),
            Asks(command(14, b"")),
            Answers(ok(1, 0, 2)),
            Asks(command(1, b"")),
        ],
        &[
            "SELECT t: ok, 39/72, text SELECT a FROM t WHERE b = ?, rows 3",
            "SELECT t: ok, 20/54, text SELECT a FROM t, rows 0",
            "DELETE t: ok, 30/11, text DELETE FROM t WHERE a = ?, affected 7",
            "SELECT nothing: error 1146, 26/41, text SELECT a FROM nothing",
            "PING: ok, 5/11",
            "QUIT: ok, 5/0",
        ],
    );
}

#[test]
fn results_without_eof_packets() {
    check_all(
        &[
            Asks(query("SELECT a FROM t")),
            Answers(result(1, &["x", "y"], true, 2)),
            Asks(query("SELECT a FROM t")),
            Answers(result(1, &[], true, 2)),
        ],
        &[
            "SELECT t: ok, 20/59, text SELECT a FROM t, rows 2",
            "SELECT t: ok, 20/47, text SELECT a FROM t, rows 0",
        ],
    );
}

/// The flag whether definitions follow stands behind the count (MariaDB), or in front of it (MySQL).
#[test]
fn results_without_definitions() {
    for count in [[3, 0], [0, 3], [1, 0]] {
        let answer = [packet(1, &count), packet(2, b"\x01a"), end(3, 2)].concat();
        check_all(
            &[Asks(query("SELECT a, b FROM t")), Answers(answer)],
            &["SELECT t: ok, 23/23, text SELECT a, b FROM t, rows 1"],
        );
    }
    let answer = [packet(1, &[1, 1]), definition(2), packet(3, b"\x01a"), end(4, 2)].concat();
    check_all(
        &[Asks(query("SELECT a FROM t")), Answers(answer)],
        &["SELECT t: ok, 20/54, text SELECT a FROM t, rows 1"],
    );
}

#[test]
fn errors_among_rows() {
    let answer = [packet(1, &[1]), definition(2), eof(3, 2), packet(4, b"\x01a"), error(5, 1317)].concat();
    check_all(
        &[Asks(query("SELECT a FROM t")), Answers(answer)],
        &["SELECT t: error 1317, 20/92, text SELECT a FROM t"],
    );
}

#[test]
fn several_results() {
    let more = [result(1, &["x"], false, MORE), result(6, &["y", "z"], false, MORE), ok(12, 4, 2)].concat();
    let fails = [ok(1, 1, MORE), error(2, 1062)].concat();
    check_all(
        &[
            Asks(query("CALL p(1)")),
            Answers(more),
            Asks(query("INSERT INTO t VALUES (1); INSERT INTO t VALUES (1)")),
            Answers(fails),
        ],
        &[
            "CALL p: ok, 14/137, text CALL p(?), rows 3, affected 4",
            "BATCH INSERT t: error 1062, 55/52, text INSERT INTO t VALUES (?); INSERT INTO t VALUES (?)",
        ],
    );
}

fn prepared(id: u8, columns: u8, parameters: u8) -> Vec<u8> {
    packet(1, &[0, id, 0, 0, 0, columns, 0, parameters, 0, 0, 0, 0])
}

fn execute(id: u32) -> Vec<u8> {
    command(0x17, &[&id.to_le_bytes()[..], &[0, 1, 0, 0, 0, 0, 1, 3, 0], b"secret".as_slice()].concat())
}

#[test]
fn prepared_statements() {
    let definitions =
        [prepared(5, 1, 2), definition(2), definition(3), eof(4, 2), definition(5), eof(6, 2)].concat();
    check_all(
        &[
            Answers(greeting("8.0.36")),
            Asks(login(0, "")),
            Answers(ok(2, 0, 2)),
            Asks(command(0x16, b"SELECT a FROM t WHERE b = ? AND c = 'secret'")),
            Answers(definitions),
            Asks(execute(5)),
            Answers(result(1, &["x"], false, 2)),
            Asks(command(0x18, &[5, 0, 0, 0, 0, 0, 1, 2, 3])),
            Asks(execute(5)),
            Answers(error(1, 1210)),
            Asks(command(0x1a, &[5, 0, 0, 0])),
            Answers(ok(1, 0, 2)),
            Asks(command(0x19, &[5, 0, 0, 0])),
            Asks(execute(5)),
            Answers(error(1, 1243)),
        ],
        &[
            "CONNECT: ok, 69/11",
            "PREPARE: ok, 49/127, text SELECT a FROM t WHERE b = ? AND c = ?",
            "SELECT t: ok, 24/60, text SELECT a FROM t WHERE b = ? AND c = ?, rows 1",
            "SEND_LONG_DATA: ok, 14/0",
            "SELECT t: error 1210, 24/41, text SELECT a FROM t WHERE b = ? AND c = ?",
            "RESET: ok, 9/11",
            "CLOSE: ok, 9/0, text SELECT a FROM t WHERE b = ? AND c = ?",
            "EXECUTE: error 1243, 24/41, incomplete start",
        ],
    );
}

#[test]
fn prepared_without_eof_packets() {
    let definitions = [prepared(1, 1, 1), definition(2), definition(3)].concat();
    let none = prepared(2, 0, 0);
    check_all(
        &[
            Answers(greeting("8.0.36")),
            Asks(login(DEPRECATE_EOF, "")),
            Answers(ok(2, 0, 2)),
            Asks(command(0x16, b"SELECT a FROM t WHERE b = ?")),
            Answers(definitions),
            Asks(execute(1)),
            Answers(result(1, &["x"], true, 2)),
            Asks(command(0x16, b"COMMIT")),
            Answers(none),
            Asks(execute(2)),
            Answers(ok(1, 0, 2)),
        ],
        &[
            "CONNECT: ok, 69/11",
            "PREPARE: ok, 32/78, text SELECT a FROM t WHERE b = ?",
            "SELECT t: ok, 24/53, text SELECT a FROM t WHERE b = ?, rows 1",
            "PREPARE: ok, 11/16, text COMMIT",
            "COMMIT: ok, 24/11, text COMMIT, affected 0",
        ],
    );
}

/// Whether an EOF packet follows a prepared statement's definitions is not known without the login.
#[test]
fn prepared_in_the_middle() {
    let definitions = [prepared(5, 0, 1), definition(2), eof(3, 2)].concat();
    check(
        &[
            Asks(command(0x16, b"DELETE FROM t WHERE b = ?")),
            Answers(definitions),
            Asks(execute(5)),
            Answers(ok(1, 1, 2)),
        ],
        &[
            "PREPARE: ok, 30/47, text DELETE FROM t WHERE b = ?",
            "DELETE t: ok, 24/11, text DELETE FROM t WHERE b = ?, affected 1",
        ],
    );
}

/// MariaDB: prepared and executed without waiting, by the id -1; in bulk.
#[test]
fn the_statement_prepared_last() {
    let asks = [command(0x16, b"INSERT INTO t VALUES (?)"), execute(u32::MAX)].concat();
    let bulk = command(0xfa, &[&[5, 0, 0, 0, 128, 0, 3, 0], b"\x00\x01\x00\x00\x00".as_slice()].concat());
    check_all(
        &[
            Answers(greeting("5.5.5-10.11.6-MariaDB")),
            Asks(login(DEPRECATE_EOF, "")),
            Answers(ok(2, 0, 2)),
            Asks(asks),
            Answers([prepared(5, 0, 1), definition(2), ok(1, 1, 2)].concat()),
            Asks(bulk),
            Answers(ok(1, 9, 2)),
        ],
        &[
            "CONNECT: ok, 69/11, mariadb",
            "PREPARE: ok, 29/47, text INSERT INTO t VALUES (?), mariadb",
            "INSERT t: ok, 24/11, text INSERT INTO t VALUES (?), affected 1, mariadb",
            "INSERT t: ok, 18/11, text INSERT INTO t VALUES (?), affected 9, mariadb",
        ],
    );
}

#[test]
fn cursors() {
    for deprecated in [false, true] {
        let fence = if deprecated { end(3, CURSOR) } else { eof(3, CURSOR) };
        let last = if deprecated { end(3, 0x80) } else { eof(3, 0x80) };
        let opened = [packet(1, &[1]), definition(2), fence].concat();
        let rows = [packet(1, b"\0\0a"), packet(2, b"\0\0b"), last].concat();
        let (opened_bytes, rows_bytes) = (opened.len(), rows.len());
        check_all(
            &[
                Asks(command(0x16, b"SELECT a FROM t")),
                Answers([prepared(5, 1, 0), definition(2)].concat()),
                Asks(execute(5)),
                Answers(opened),
                Asks(command(0x1c, &[5, 0, 0, 0, 2, 0, 0, 0])),
                Answers(rows),
            ],
            &[
                "PREPARE: ok, 20/47, text SELECT a FROM t",
                &format!("SELECT t: ok, 24/{opened_bytes}, text SELECT a FROM t"),
                &format!("FETCH: ok, 13/{rows_bytes}, text SELECT a FROM t, rows 2"),
            ],
        );
    }
}

#[test]
fn logins() {
    // Another method of authentication, and a password in clear.
    let switch = packet(2, b"\xfemysql_native_password\0scramblescramble\0");
    check_all(
        &[
            Answers(greeting("8.0.36")),
            Asks(login(WITH_DB, "shop")),
            Answers(switch),
            Asks(packet(3, b"secretsecret")),
            Answers(ok(4, 0, 2)),
            Asks(query("SELECT 1")),
            Answers(result(1, &["1"], false, 2)),
        ],
        &["CONNECT: ok, 90/55, database shop", "SELECT: ok, 13/60, text SELECT ?, rows 1, database shop"],
    );
    // caching_sha2_password: the whole dialogue, with a public key; then what comes when the password is known.
    check_all(
        &[
            Answers(greeting("8.0.36")),
            Asks(login(0, "")),
            Answers(packet(2, &[1, 4])),
            Asks(packet(3, &[2])),
            Answers(packet(4, b"\x01-----BEGIN PUBLIC KEY-----")),
            Asks(packet(5, b"secret")),
            Answers(ok(6, 0, 2)),
        ],
        &["CONNECT: ok, 84/48"],
    );
    check_all(
        &[
            Answers(greeting("8.0.36")),
            Asks(login(0, "")),
            Answers([packet(2, &[1, 3]), ok(3, 0, 2)].concat()),
        ],
        &["CONNECT: ok, 69/17"],
    );
    check_all(
        &[Answers(greeting("8.0.36")), Asks(login(WITH_DB, "shop")), Answers(error(2, 1045))],
        &["CONNECT: error 1045, 74/41, database shop"],
    );
    check_all(&[Answers(packet(0, b"\xff\x10\x04Too many connections"))], &["CONNECT: error 1040, 0/27"]);
}

#[test]
fn databases() {
    let change = command(0x11, b"bob\0\x06secretlogs\0\x2d\0");
    check_all(
        &[
            Asks(command(2, b"shop")),
            Answers(ok(1, 0, 2)),
            Asks(command(14, b"")),
            Answers(ok(1, 0, 2)),
            Asks(query("USE nowhere")),
            Answers(error(1, 1049)),
            Asks(query("USE other")),
            Answers(ok(1, 0, 2)),
            Asks(command(14, b"")),
            Answers(ok(1, 0, 2)),
            Asks(change),
            Answers(packet(1, b"\xfemysql_native_password\0scramblescramble\0")),
            Asks(packet(2, b"secret")),
            Answers(ok(3, 0, 2)),
            Asks(command(14, b"")),
            Answers(ok(1, 0, 2)),
        ],
        &[
            "INIT_DB: ok, 9/11, database shop",
            "PING: ok, 5/11, database shop",
            "USE nowhere: error 1049, 16/41, text USE nowhere, database shop",
            "USE other: ok, 14/11, text USE other, affected 0, database other",
            "PING: ok, 5/11, database other",
            "CHANGE_USER: ok, 33/55, database logs",
            "PING: ok, 5/11, database logs",
        ],
    );
}

#[test]
fn other_commands() {
    check_all(
        &[
            Asks(command(9, b"")),
            Answers(packet(1, b"Uptime: 5  Threads: 1")),
            Asks(command(4, b"table\0%")),
            Answers([definition(1), definition(2), eof(3, 2)].concat()),
            Asks(command(0x1b, &[0, 0])),
            Answers(eof(1, 2)),
            Asks(command(0x0a, b"")),
            Answers(result(1, &["a"], false, 2)),
            Asks(command(0x1f, b"")),
            Answers(ok(1, 0, 2)),
            Asks(command(0x0c, &[1, 0, 0, 0])),
            Answers(error(1, 1094)),
        ],
        &[
            "STATISTICS: ok, 5/25",
            "FIELD_LIST: ok, 12/71",
            "SET_OPTION: ok, 7/9",
            "PROCESS_INFO: ok, 5/60, rows 1",
            "RESET_CONNECTION: ok, 5/11",
            "PROCESS_KILL: error 1094, 9/41",
        ],
    );
}

#[test]
fn files() {
    let load = "LOAD DATA LOCAL INFILE 'secret' INTO TABLE t";
    let file: Vec<u8> = (2..40u32)
        .chain(40..300)
        .flat_map(|sequence| packet(sequence as u8, b"secret"))
        .chain(packet((300 & 0xff) as u8, b""))
        .collect();
    check_all(
        &[
            Asks(query(load)),
            Answers(packet(1, b"\xfbsecret")),
            Asks(file),
            Answers(ok(45, 9, 2)),
            Asks(query(load)),
            Answers(packet(1, b"\xfbsecret")),
            Asks(packet(2, b"")),
            Answers(error(3, 2)),
        ],
        &[
            "LOAD t: ok, 3033/22, text LOAD DATA LOCAL INFILE ? INTO TABLE t, affected 9",
            "LOAD t: error 2, 53/52, text LOAD DATA LOCAL INFILE ? INTO TABLE t",
        ],
    );
}

/// More of a file than what is captured: it is counted, and the answer is the one to its command.
#[test]
fn files_with_gaps() {
    check_whole(
        &[
            Asks(query("LOAD DATA LOCAL INFILE 'secret' INTO TABLE t")),
            Answers(packet(1, b"\xfbsecret")),
            Asks(packet(2, b"secret")[..8].to_vec()),
            Gap(Client, Some(1_000_000)),
            Gap(Client, Some(1_000_000)),
            Answers(ok(45, 9, 2)),
            Asks(command(14, b"")),
            Answers(ok(1, 0, 2)),
        ],
        &["LOAD t: ok, 2000057/22, text LOAD DATA LOCAL INFILE ? INTO TABLE t, affected 9", "PING: ok, 5/11"],
        0,
    );
}

#[test]
fn query_attributes() {
    let base = [Answers(greeting("8.0.36")), Asks(login(QUERY_ATTRIBUTES, "")), Answers(ok(2, 0, 2))];
    let none = command(3, b"\x00\x01SELECT a FROM t");
    // A string, a null and a number.
    let some = command(
        3,
        b"\x03\x01\x02\x01\xfd\x00\x01a\xfd\x00\x01b\x03\x00\x01c\x06secret\x05\x00\x00\x00SELECT a FROM t",
    );
    let asks = [Asks(none.clone()), Answers(ok(1, 0, 2)), Asks(some), Answers(ok(1, 0, 2))];
    check_all(
        &[&base[..], &asks].concat(),
        &[
            "CONNECT: ok, 69/11",
            "SELECT t: ok, 22/11, text SELECT a FROM t, affected 0",
            "SELECT t: ok, 47/11, text SELECT a FROM t, affected 0",
        ],
    );
    check_all(
        &[Asks(none), Answers(ok(1, 0, 2))],
        &["SELECT t: ok, 22/11, text SELECT a FROM t, affected 0"],
    );
}

#[test]
fn long_statements() {
    let sql = format!("INSERT INTO t VALUES {}(1)", "(1), ".repeat(2_000));
    let bytes = 5 + sql.len();
    let expected = format!("INSERT t: ok, {bytes}/11, text INSERT INTO t VALUES (?) ..., affected 9");
    check_all(&[Asks(query(&sql)), Answers(ok(1, 9, 2))], &[&expected]);
    let whole = query(&sql);
    check_whole(
        &[Asks(whole[..4096].to_vec()), Gap(Client, Some(whole.len() as u64 - 4096)), Answers(ok(1, 9, 2))],
        &[&expected],
        0,
    );
}

/// A statement of 16 MiB and more is several packets; so is such a row.
#[test]
fn more_than_a_packet() {
    const LONGEST: usize = 0xff_ffff;
    let sql = [b"\x03SELECT a FROM t WHERE b = '".as_slice(), &[b'x'; LONGEST - 28]].concat();
    let asks = [packet(0, &sql), packet(1, b"'")].concat();
    let row = [packet(5, &[b'x'; LONGEST]), packet(6, b"x")].concat();
    let answers = [packet(2, &[1]), definition(3), eof(4, 2), row, eof(7, 2)].concat();
    let expected = "SELECT t: ok, 16777224/16777278, text SELECT a FROM t WHERE b = ? ..., rows 1";
    check_whole(&[Asks(asks.clone()), Answers(answers.clone())], &[expected], 0);
    let budget = [
        Asks(asks[..4096].to_vec()),
        Gap(Client, Some(asks.len() as u64 - 4096)),
        Answers(answers[..4096].to_vec()),
        Gap(Server, Some(answers.len() as u64 - 4096)),
        Asks(command(14, b"")),
        Answers(ok(1, 0, 2)),
    ];
    check_whole(
        &budget,
        &[
            "SELECT t: ok, 16777224/16777278, text SELECT a FROM t WHERE b = ? ..., incomplete response",
            "PING: ok, 5/11",
        ],
        0,
    );
}

/// Rows beyond the budget: their bytes and their time are known, their number is not.
#[test]
fn large_results() {
    let answer = result(1, &["row"; 100], false, 2);
    let script = [
        Asks(query("SELECT a FROM t")),
        Answers(answer[..300].to_vec()),
        Gap(Server, Some(200)),
        Gap(Server, Some(answer.len() as u64 - 500)),
        Asks(query("SELECT b FROM u")),
        Answers(result(1, &["x"], false, 2)),
    ];
    let expected = format!("SELECT t: ok, 20/{}, text SELECT a FROM t, incomplete response", answer.len());
    let driver = drive(&script, usize::MAX);
    assert_eq!(lines(&driver), [expected.as_str(), "SELECT u: ok, 20/60, text SELECT b FROM u, rows 1"]);
    assert_eq!(driver.context.finished[0].response.last, 4_000_000);
    assert_eq!(driver.context.unparsed, 0);
    // Part of the way, the connection ends.
    let cut = [&script[..4], &[End(Client, CutBy::Close), End(Server, CutBy::Close)]].concat();
    check_whole(&cut, &[&expected], 0);
}

/// Of a packet's header only a part was there before the gap: it is counted too.
#[test]
fn a_gap_in_a_header() {
    let answer = result(1, &["row"; 10], false, 2);
    let place = answer.len() - 9 - 8 - 6;
    check_whole(
        &[
            Asks(query("SELECT a FROM t")),
            Answers(answer[..place].to_vec()),
            Gap(Server, Some((answer.len() - place) as u64)),
            Asks(command(14, b"")),
        ],
        &[&format!("SELECT t: ok, 20/{}, text SELECT a FROM t, incomplete response", answer.len())],
        0,
    );
}

/// The last bytes of what a server sends are captured: how it came out is known, though not the number of rows.
#[test]
fn ends_of_large_results() {
    let more = [b"row 9\x05row 9".as_slice(), &eof(200, MORE)].concat();
    let fails = [b"row 9\x05row 9".as_slice(), &error(200, 1317)].concat();
    let ends = [b"row 9\x05row 9".as_slice(), &end(200, 2)].concat();
    let begin = result(1, &["row"; 100], false, 2)[..300].to_vec();
    let script = [
        Asks(query("SELECT a FROM t")),
        Answers(begin.clone()),
        Gap(Server, Some(1_000)),
        Answers(b"no end of rows".to_vec()),
        Gap(Server, Some(1_000)),
        Answers(ends),
        Asks(query("SELECT b FROM u")),
        Answers(begin.clone()),
        Gap(Server, Some(1_000)),
        Answers(fails),
        Asks(query("CALL p()")),
        Answers(begin.clone()),
        Gap(Server, Some(1_000)),
        Answers([more, ok(201, 3, 2)].concat()),
    ];
    // What is behind the end of rows is not at the end of what was sent.
    let driver = drive(&script, usize::MAX);
    let torn = ", text CALL p(), incomplete response";
    assert_eq!(lines(&driver)[0], "SELECT t: ok, 20/2336, text SELECT a FROM t");
    assert_eq!(lines(&driver)[1], "SELECT u: error 1317, 20/1352, text SELECT b FROM u");
    assert_eq!(driver.context.finished.len(), 2);
    assert_eq!(driver.context.finished[0].response.last, 6_000_000);
    let mut rest = script.to_vec();
    rest.push(Asks(command(14, b"")));
    assert_eq!(lines(&drive(&rest, usize::MAX))[2], format!("CALL p: ok, 13/1331{torn}"));
    // Of several answers nobody knows whose end it is.
    let two = [query("SELECT a FROM t"), query("SELECT b FROM u")].concat();
    check_whole(
        &[Asks(two), Answers(begin), Gap(Server, Some(1_000)), Answers(end(200, 2)), Asks(command(14, b""))],
        &[
            "SELECT t: ok, 20/1311, text SELECT a FROM t, incomplete response",
            "SELECT u: ok, 20/0, text SELECT b FROM u, incomplete response",
        ],
        0,
    );
}

#[test]
fn a_large_result_may_have_gaps() {
    let mut driver = Driver::default();
    assert!(!driver.conversation.may_miss(Server));
    driver.feed(Client, &query("SELECT a FROM t"), 1);
    assert!(!driver.conversation.may_miss(Server), "nothing is known of the answer");
    driver.feed(Server, &result(1, &["x", "y"], false, 2)[..60], 2);
    assert!(driver.conversation.may_miss(Server));
    assert!(!driver.conversation.may_miss(Client));
}

#[test]
fn in_the_middle() {
    // The end of a result that nobody asked for, then all is well.
    check_whole(
        &[
            Gap(Client, Some(20)),
            Gap(Server, None),
            Answers([packet(9, b"\x01a"), eof(10, 2)].concat()),
            Asks(query("SELECT a FROM t")),
            Answers(result(1, &["x"], false, 2)),
        ],
        &["SELECT t: ok, 20/60, text SELECT a FROM t, rows 1"],
        2,
    );
    // A command that was lost: its answer is nobody's.
    check_whole(
        &[
            Gap(Client, Some(20)),
            Answers(result(1, &["x"], false, 2)),
            Asks(query("DELETE FROM t")),
            Answers(ok(1, 3, 2)),
        ],
        &["DELETE t: ok, 18/11, text DELETE FROM t, affected 3"],
        2,
    );
    // An answer that was lost.
    check_whole(
        &[
            Asks(query("SELECT a FROM t")),
            Gap(Server, Some(90)),
            Asks(query("DELETE FROM t")),
            Answers(ok(1, 3, 2)),
        ],
        &[
            "SELECT t: ok, 20/90, text SELECT a FROM t, incomplete response",
            "DELETE t: ok, 18/11, text DELETE FROM t, affected 3",
        ],
        0,
    );
}

/// An answer may be shown shortly before its command.
#[test]
fn answers_that_come_early() {
    let mut driver = Driver::default();
    driver.feed(Server, &result(1, &["x"], false, 2), 1_000_000);
    driver.feed(Client, &query("SELECT a FROM t"), 1_001_000);
    driver.feed(Client, &query("DELETE FROM t"), 1_500_000);
    driver.feed(Server, &ok(1, 3, 2), 1_600_000);
    assert_eq!(
        lines(&driver),
        [
            "SELECT t: ok, 20/60, text SELECT a FROM t, rows 1",
            "DELETE t: ok, 18/11, text DELETE FROM t, affected 3"
        ]
    );
    assert_eq!(driver.context.unparsed, 0);
}

#[test]
fn ends() {
    let ask = Asks(query("SELECT a FROM t"));
    let text = "text SELECT a FROM t";
    check_whole(
        &[ask.clone(), End(Client, CutBy::Close), End(Server, CutBy::Close)],
        &[&format!("SELECT t: cut Client Close, 20/0, {text}")],
        0,
    );
    let part = Answers(result(1, &["x"], false, 2)[..50].to_vec());
    check_whole(
        &[ask.clone(), part, End(Server, CutBy::Reset)],
        &[&format!("SELECT t: cut Server Reset, 20/50, {text}")],
        0,
    );
    check_whole(
        &[ask, End(Client, CutBy::Close), Answers(result(1, &["x"], false, 2)), End(Server, CutBy::Close)],
        &[&format!("SELECT t: ok, 20/60, {text}, rows 1")],
        0,
    );
    check_whole(
        &[Answers(greeting("8.0.36")), Asks(login(0, "")), End(Server, CutBy::Close)],
        &["CONNECT: cut Server Close, 69/0"],
        0,
    );
}

#[track_caller]
fn check_left(script: &[Happens], expected: &[&str], label: &str) {
    for piece in [1, 3, usize::MAX] {
        let driver = drive(script, piece);
        assert_eq!(lines(&driver), expected);
        assert!(driver.left);
        assert_eq!(driver.conversation.left_as(), label);
    }
}

#[test]
fn left_alone() {
    let mut tls = (BASE | SSL).to_le_bytes().to_vec();
    tls.extend([0, 0, 0, 1, 45]);
    tls.extend([0; 23]);
    check_left(
        &[Answers(greeting("8.0.36")), Asks(packet(1, &tls)), Asks(b"\x16\x03\x01".to_vec())],
        &[],
        "tls",
    );
    check_left(
        &[
            Answers(greeting("8.0.36")),
            Asks(login(COMPRESS, "")),
            Answers(ok(2, 0, 2)),
            Asks(b"\x0d\0\0\0\0\0\0".to_vec()),
        ],
        &["CONNECT: ok, 69/11"],
        "compressed",
    );
    check_left(
        &[
            Asks(command(0x12, &[0; 10])),
            Answers(packet(1, b"\0some event")),
            Answers(packet(2, b"\0another")),
        ],
        &["BINLOG_DUMP: ok, 15/15, waiting"],
        "replication",
    );
}

#[test]
fn nonsense_is_lost_and_found_again() {
    check_whole(
        &[
            Asks(query("SELECT a FROM t")),
            Answers(packet(7, b"\x01a")),
            Asks(query("DELETE FROM t")),
            Answers(ok(1, 3, 2)),
            Asks(packet(0, b"\x2f")),
            Answers(error(1, 1047)),
            Asks(command(14, b"")),
            Answers(ok(1, 0, 2)),
        ],
        &[
            "SELECT t: ok, 20/6, text SELECT a FROM t, incomplete response",
            "DELETE t: ok, 18/11, text DELETE FROM t, affected 3",
            "PING: ok, 5/11",
        ],
        1,
    );
}

/// Backslashes are no escapes where the server says so: else the rest of a string would be shown.
#[test]
fn the_mode_without_backslashes() {
    check_all(
        &[
            Asks(query("SET sql_mode = NO_BACKSLASH_ESCAPES")),
            Answers(ok(1, 0, 0x200)),
            Asks(query(r"SELECT 'a\', 'secret'")),
            Answers(result(1, &["x"], false, 0x202)),
        ],
        &["SET: ok, 40/11, text SET sql_mode = ?, affected 0", "SELECT: ok, 26/60, text SELECT ?, ?, rows 1"],
    );
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
