//! Logins, databases, other commands, and what is left alone.

use super::*;

#[test]
fn logins() {
    // Another method of authentication, and a password in clear.
    let switch = packet(2, b"\xfemysql_native_password\0scramblescramble\0");
    check_all(
        &[
            answers(greeting("8.0.36")),
            asks(login(WITH_DB, "shop")),
            answers(switch),
            asks(packet(3, b"secretsecret")),
            answers(ok(4, 0, 2)),
            asks(query("SELECT 1")),
            answers(result(1, &["1"], false, 2)),
        ],
        &["CONNECT: ok, 90/55, database shop", "SELECT: ok, 13/60, text SELECT ?, rows 1, database shop"],
    );
    // caching_sha2_password: the whole dialogue, with a public key; then what comes when the password is known.
    check_all(
        &[
            answers(greeting("8.0.36")),
            asks(login(0, "")),
            answers(packet(2, &[1, 4])),
            asks(packet(3, &[2])),
            answers(packet(4, b"\x01-----BEGIN PUBLIC KEY-----")),
            asks(packet(5, b"secret")),
            answers(ok(6, 0, 2)),
        ],
        &["CONNECT: ok, 84/48"],
    );
    check_all(
        &[
            answers(greeting("8.0.36")),
            asks(login(0, "")),
            answers([packet(2, &[1, 3]), ok(3, 0, 2)].concat()),
        ],
        &["CONNECT: ok, 69/17"],
    );
    check_all(
        &[answers(greeting("8.0.36")), asks(login(WITH_DB, "shop")), answers(error(2, 1045))],
        &["CONNECT: error 1045, 74/41, database shop"],
    );
    check_all(&[answers(packet(0, b"\xff\x10\x04Too many connections"))], &["CONNECT: error 1040, 0/27"]);
}

#[test]
fn databases() {
    let change = command(0x11, b"bob\0\x06secretlogs\0\x2d\0");
    check_all(
        &[
            asks(command(2, b"shop")),
            answers(ok(1, 0, 2)),
            asks(command(14, b"")),
            answers(ok(1, 0, 2)),
            asks(query("USE nowhere")),
            answers(error(1, 1049)),
            asks(query("USE other")),
            answers(ok(1, 0, 2)),
            asks(command(14, b"")),
            answers(ok(1, 0, 2)),
            asks(change),
            answers(packet(1, b"\xfemysql_native_password\0scramblescramble\0")),
            asks(packet(2, b"secret")),
            answers(ok(3, 0, 2)),
            asks(command(14, b"")),
            answers(ok(1, 0, 2)),
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

/// Of several statements the first are executed, though another fails.
#[test]
fn databases_of_several_statements() {
    let script = |sql: &str, answer: Vec<u8>| {
        [
            asks(command(2, b"shop")),
            answers(ok(1, 0, 2)),
            asks(query(sql)),
            answers(answer),
            asks(command(14, b"")),
            answers(ok(1, 0, 2)),
        ]
    };
    let fails = [ok(1, 0, 2 | MORE), error(2, 1054)].concat();
    for (sql, answer, after) in [
        ("USE other; SELECT a", fails.clone(), ", database other"),
        ("SELECT a; USE other", fails.clone(), ""),
        ("USE a; USE other", fails.clone(), ""),
        ("USE nowhere; SELECT a", error(1, 1049), ", database shop"),
        ("DROP DATABASE shop", ok(1, 0, 2), ""),
        ("DROP DATABASE IF EXISTS Shop", ok(1, 0, 2), ""),
        ("DROP DATABASE shop", error(1, 1008), ", database shop"),
        ("DROP DATABASE other", ok(1, 0, 2), ", database shop"),
        ("DROP DATABASE shop; SELECT a", fails, ""),
        ("DROP DATABASE shop; USE other", [ok(1, 0, 2 | MORE), ok(2, 0, 2)].concat(), ", database other"),
    ] {
        let driver = drive(&script(sql, answer), usize::MAX);
        assert_eq!(lines(&driver)[2], format!("PING: ok, 5/11{after}"), "{sql}");
    }
}

#[test]
fn other_commands() {
    check_all(
        &[
            asks(command(9, b"")),
            answers(packet(1, b"Uptime: 5  Threads: 1")),
            asks(command(4, b"table\0%")),
            answers([definition(1), definition(2), eof(3, 2)].concat()),
            asks(command(0x1b, &[0, 0])),
            answers(eof(1, 2)),
            asks(command(0x0a, b"")),
            answers(result(1, &["a"], false, 2)),
            asks(command(0x1f, b"")),
            answers(ok(1, 0, 2)),
            asks(command(0x0c, &[1, 0, 0, 0])),
            answers(error(1, 1094)),
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
fn query_attributes() {
    let base = [answers(greeting("8.0.36")), asks(login(QUERY_ATTRIBUTES, "")), answers(ok(2, 0, 2))];
    let none = command(3, b"\x00\x01SELECT a FROM t");
    // A string, a null and a number.
    let some = command(
        3,
        b"\x03\x01\x02\x01\xfd\x00\x01a\xfd\x00\x01b\x03\x00\x01c\x06secret\x05\x00\x00\x00SELECT a FROM t",
    );
    let queries = [asks(none.clone()), answers(ok(1, 0, 2)), asks(some), answers(ok(1, 0, 2))];
    check_all(
        &[&base[..], &queries].concat(),
        &[
            "CONNECT: ok, 69/11",
            "SELECT t: ok, 22/11, text SELECT a FROM t, affected 0",
            "SELECT t: ok, 47/11, text SELECT a FROM t, affected 0",
        ],
    );
    check_all(
        &[asks(none), answers(ok(1, 0, 2))],
        &["SELECT t: ok, 22/11, text SELECT a FROM t, affected 0"],
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
        &[answers(greeting("8.0.36")), asks(packet(1, &tls)), asks(b"\x16\x03\x01".to_vec())],
        &[],
        "tls",
    );
    check_left(
        &[
            answers(greeting("8.0.36")),
            asks(login(COMPRESS, "")),
            answers(ok(2, 0, 2)),
            asks(b"\x0d\0\0\0\0\0\0".to_vec()),
        ],
        &["CONNECT: ok, 69/11"],
        "compressed",
    );
    check_left(
        &[
            asks(command(0x12, &[0; 10])),
            answers(packet(1, b"\0some event")),
            answers(packet(2, b"\0another")),
        ],
        &["BINLOG_DUMP: ok, 15/15"],
        "replication",
    );
}
