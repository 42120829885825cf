//! Statements, and what comes of them.

use super::*;

#[test]
fn queries() {
    check_all(
        &[
            asks(query("SELECT a FROM t WHERE b = 'secret'")),
            answers(result(1, &["x", "yy", ""], false, 2)),
            asks(query("SELECT a FROM t")),
            answers(result(1, &[], false, 2)),
            asks(query("DELETE FROM t WHERE a = 5")),
            answers(ok(1, 7, 2)),
            asks(query("SELECT a FROM nothing")),
            answers(error(1, 1146)),
            asks(command(14, b"")),
            answers(ok(1, 0, 2)),
            asks(command(1, b"")),
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
            asks(query("SELECT a FROM t")),
            answers(result(1, &["x", "y"], true, 2)),
            asks(query("SELECT a FROM t")),
            answers(result(1, &[], true, 2)),
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
            &[asks(query("SELECT a, b FROM t")), answers(answer)],
            &["SELECT t: ok, 23/23, text SELECT a, b FROM t, rows 1"],
        );
    }
    let answer = [packet(1, &[1, 1]), definition(2), packet(3, b"\x01a"), end(4, 2)].concat();
    check_all(
        &[asks(query("SELECT a FROM t")), answers(answer)],
        &["SELECT t: ok, 20/54, text SELECT a FROM t, rows 1"],
    );
}

#[test]
fn errors_among_rows() {
    let answer = [packet(1, &[1]), definition(2), eof(3, 2), packet(4, b"\x01a"), error(5, 1317)].concat();
    check_all(
        &[asks(query("SELECT a FROM t")), answers(answer)],
        &["SELECT t: error 1317, 20/92, text SELECT a FROM t"],
    );
}

#[test]
fn several_results() {
    let more = [result(1, &["x"], false, MORE), result(6, &["y", "z"], false, MORE), ok(12, 4, 2)].concat();
    let fails = [ok(1, 1, MORE), error(2, 1062)].concat();
    check_all(
        &[
            asks(query("CALL p(1)")),
            answers(more),
            asks(query("INSERT INTO t VALUES (1); INSERT INTO t VALUES (1)")),
            answers(fails),
        ],
        &[
            "CALL p: ok, 14/137, text CALL p(?), rows 3, affected 4",
            "BATCH INSERT t: error 1062, 55/52, text INSERT INTO t VALUES (?); INSERT INTO t VALUES (?)",
        ],
    );
}

/// A statement of 16 MiB and more is several packets; so is such a row.
#[test]
fn more_than_a_packet() {
    const LONGEST: usize = 0xff_ffff;
    let sql = [b"\x03SELECT a FROM t WHERE b = '".as_slice(), &[b'x'; LONGEST - 28]].concat();
    let sent = [packet(0, &sql), packet(1, b"'")].concat();
    let row = [packet(5, &[b'x'; LONGEST]), packet(6, b"x")].concat();
    let told = [packet(2, &[1]), definition(3), eof(4, 2), row, eof(7, 2)].concat();
    let expected = "SELECT t: ok, 16777224/16777278, text SELECT a FROM t WHERE b = ? ..., rows 1";
    check_whole(&[asks(sent.clone()), answers(told.clone())], &[expected], 0);
    let budget = [
        asks(sent[..4096].to_vec()),
        Gap(Client, Some(sent.len() as u64 - 4096)),
        answers(told[..4096].to_vec()),
        Gap(Server, Some(told.len() as u64 - 4096)),
        asks(command(14, b"")),
        answers(ok(1, 0, 2)),
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

#[test]
fn long_statements() {
    let sql = format!("INSERT INTO t VALUES {}(1)", "(1), ".repeat(2_000));
    let bytes = 5 + sql.len();
    let expected = format!("INSERT t: ok, {bytes}/11, text INSERT INTO t VALUES (?) ..., affected 9");
    check_all(&[asks(query(&sql)), answers(ok(1, 9, 2))], &[&expected]);
    let whole = query(&sql);
    check_whole(
        &[asks(whole[..4096].to_vec()), Gap(Client, Some(whole.len() as u64 - 4096)), answers(ok(1, 9, 2))],
        &[&expected],
        0,
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
            asks(query(load)),
            answers(packet(1, b"\xfbsecret")),
            asks(file),
            answers(ok(45, 9, 2)),
            asks(query(load)),
            answers(packet(1, b"\xfbsecret")),
            asks(packet(2, b"")),
            answers(error(3, 2)),
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
            asks(query("LOAD DATA LOCAL INFILE 'secret' INTO TABLE t")),
            answers(packet(1, b"\xfbsecret")),
            asks(packet(2, b"secret")[..8].to_vec()),
            Gap(Client, Some(1_000_000)),
            Gap(Client, Some(1_000_000)),
            answers(ok(45, 9, 2)),
            asks(command(14, b"")),
            answers(ok(1, 0, 2)),
        ],
        &["LOAD t: ok, 2000057/22, text LOAD DATA LOCAL INFILE ? INTO TABLE t, affected 9", "PING: ok, 5/11"],
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

/// Backslashes are no escapes where the server says so: else the rest of a string would be shown.
#[test]
fn the_mode_without_backslashes() {
    check_all(
        &[
            asks(query("SET sql_mode = NO_BACKSLASH_ESCAPES")),
            answers(ok(1, 0, 0x200)),
            asks(query(r"SELECT 'a\', 'secret'")),
            answers(result(1, &["x"], false, 0x202)),
        ],
        &["SET: ok, 40/11, text SET sql_mode = ?, affected 0", "SELECT: ok, 26/60, text SELECT ?, ?, rows 1"],
    );
}
