//! Prepared statements, and their cursors.

use super::*;

#[test]
fn prepared_statements() {
    let definitions =
        [prepared(5, 1, 2), definition(2), definition(3), eof(4, 2), definition(5), eof(6, 2)].concat();
    check_all(
        &[
            answers(greeting("8.0.36")),
            asks(login(0, "")),
            answers(ok(2, 0, 2)),
            asks(command(0x16, b"SELECT a FROM t WHERE b = ? AND c = 'secret'")),
            answers(definitions),
            asks(execute(5)),
            answers(result(1, &["x"], false, 2)),
            asks(command(0x18, &[5, 0, 0, 0, 0, 0, 1, 2, 3])),
            asks(execute(5)),
            answers(error(1, 1210)),
            asks(command(0x1a, &[5, 0, 0, 0])),
            answers(ok(1, 0, 2)),
            asks(command(0x19, &[5, 0, 0, 0])),
            asks(execute(5)),
            answers(error(1, 1243)),
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
            answers(greeting("8.0.36")),
            asks(login(DEPRECATE_EOF, "")),
            answers(ok(2, 0, 2)),
            asks(command(0x16, b"SELECT a FROM t WHERE b = ?")),
            answers(definitions),
            asks(execute(1)),
            answers(result(1, &["x"], true, 2)),
            asks(command(0x16, b"COMMIT")),
            answers(none),
            asks(execute(2)),
            answers(ok(1, 0, 2)),
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
            asks(command(0x16, b"DELETE FROM t WHERE b = ?")),
            answers(definitions),
            asks(execute(5)),
            answers(ok(1, 1, 2)),
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
    let both = [command(0x16, b"INSERT INTO t VALUES (?)"), execute(u32::MAX)].concat();
    let bulk = command(0xfa, &[&[5, 0, 0, 0, 128, 0, 3, 0], b"\x00\x01\x00\x00\x00".as_slice()].concat());
    check_all(
        &[
            answers(greeting("5.5.5-10.11.6-MariaDB")),
            asks(login(DEPRECATE_EOF, "")),
            answers(ok(2, 0, 2)),
            asks(both),
            answers([prepared(5, 0, 1), definition(2), ok(1, 1, 2)].concat()),
            asks(bulk),
            answers(ok(1, 9, 2)),
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
                asks(command(0x16, b"SELECT a FROM t")),
                answers([prepared(5, 1, 0), definition(2)].concat()),
                asks(execute(5)),
                answers(opened),
                asks(command(0x1c, &[5, 0, 0, 0, 2, 0, 0, 0])),
                answers(rows),
            ],
            &[
                "PREPARE: ok, 20/47, text SELECT a FROM t",
                &format!("SELECT t: ok, 24/{opened_bytes}, text SELECT a FROM t"),
                &format!("FETCH: ok, 13/{rows_bytes}, text SELECT a FROM t, rows 2"),
            ],
        );
    }
}

/// Long data is of a known length: of what was not captured of it, nothing is missing.
#[test]
fn long_data_with_gaps() {
    let long = |length: usize| command(0x18, &[&[5, 0, 0, 0, 0, 0], vec![b's'; length].as_slice()].concat());
    let data = long(3000);
    let script = [
        asks(command(0x16, b"INSERT INTO t VALUES (?)")),
        answers([prepared(5, 0, 1), definition(2), eof(3, 2)].concat()),
        asks(data.clone()),
        asks(data[..1080].to_vec()),
        Gap(Client, Some(data.len() as u64 - 1080)),
        // The tail of a call: all of it.
        asks(execute(5)),
        answers(ok(1, 1, 2)),
    ];
    check_whole(
        &script,
        &[
            "PREPARE: ok, 29/47, text INSERT INTO t VALUES (?)",
            "SEND_LONG_DATA: ok, 3011/0",
            "SEND_LONG_DATA: ok, 3011/0",
            "INSERT t: ok, 24/11, text INSERT INTO t VALUES (?), affected 1",
        ],
        0,
    );
    assert!(Conversation::default().wants_tails(Client));
}

/// Several of these in a row, with the head of one among what was not captured: where packets begin behind it is not known, and whoever
/// sends the data could make up a command there. Nothing is told of what is executed then, and it is counted.
#[test]
fn long_data_that_hides_a_head() {
    let long = |data: &[u8]| command(0x18, &[&[5, 0, 0, 0, 0, 0], data].concat());
    let data = long(&[b's'; 3000]);
    let forged = [execute(5), command(3, b"DROP TABLE t"), command(0x19, &[5, 0, 0, 0]), command(1, b"")];
    for made_up in &forged {
        let script = [
            asks(command(0x16, b"INSERT INTO t VALUES (?)")),
            answers([prepared(5, 0, 1), definition(2), eof(3, 2)].concat()),
            asks(data[..1080].to_vec()),
            // The rest of the first, and the second but for its last bytes.
            Gap(Client, Some(data.len() as u64 - 1080 + 2000)),
            asks(made_up.clone()),
            asks(execute(5)),
            answers(ok(1, 1, 2)),
            asks(command(0x0e, b"")),
            answers(ok(1, 0, 2)),
        ];
        check_whole(
            &script,
            &[
                "PREPARE: ok, 29/47, text INSERT INTO t VALUES (?)",
                "SEND_LONG_DATA: ok, 3011/0",
                "PING: ok, 5/11",
            ],
            2,
        );
    }
}
