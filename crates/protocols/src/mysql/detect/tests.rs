use model::Party::{self, Client, Server};

use super::*;

#[track_caller]
fn check(party: Party, expected: u8, prefixes: &[&[u8]]) {
    for prefix in prefixes {
        assert_eq!(detect(party, prefix), expected, "{}", prefix.escape_ascii());
    }
}

/// What MariaDB 10.11 says first, recorded.
const GREETING: &[u8] = b"h\x00\x00\x00\x0a5.5.5-10.11.19-MariaDB-0+deb12u1-log\x00\x0d\x00\x00\x00\x22n\
    +'\x22sA+\x00\xfe\xf7\x08\x02\x00\xff\x81\x15\x00\x00\x00\x00\x00\x00\x1d\x00\x00\x00P0A6+s#OGVZA\x00my\
    sql_native_password\x00";

#[test]
fn beginnings() {
    check(Server, CERTAIN, &[GREETING]);
    let login = [
        b"\x3c\x00\x00\x01\x85\xa6\xff\x01\x00\x00\x00\x01\x2d".as_slice(),
        &[0; 23],
        b"root\0\0mysql_native_password\0",
    ]
    .concat();
    check(Client, CERTAIN, &[&login, &login[..40]]);
    check(Client, 0, &[&login[..30], b"\x3c\x00\x00\x01\x85\xa6\x00\x01"]);
    check(Server, CERTAIN, &[b"\x17\x00\x00\x00\xff\x10\x04Too many connections"]);
    for end in 5..GREETING.len() {
        let sure = detect(Server, &GREETING[..end]);
        assert!(end < 7 || sure >= LIKELY, "{end}");
    }
}

/// In the middle of reading by a cursor: rows of MySQL 9.7, fetched one at a time, and how they end; recorded.
#[test]
fn fetched_rows() {
    let one = b"\x0d\x00\x00\x01\x00\x00\x01\x00\x00\x00\x06secret\x05\x00\x00\x02\xfe\x00\x00\x42\x00";
    check(Server, LIKELY, &[one, b"\x05\x00\x00\x01\xfe\x00\x00\x82\x00"]);
    // An OK packet in place of EOF.
    let end = b"\x07\x00\x00\x02\xfe\x00\x00\x42\x00\x00\x00";
    check(Server, LIKELY, &[&[&one[..17], end].concat(), b"\x07\x00\x00\x01\xfe\x00\x00\x82\x00\x00\x00"]);
    // Two rows and more, and the rest is not there.
    let two = [&one[..17], b"\x0d\x00\x00\x02\x00\x00\x02\x00"].concat();
    check(Server, LIKELY, &[&two]);
    check(
        Server,
        0,
        &[
            &one[..17],
            &one[..10],
            // Rows that nobody fetched; numbers that do not go on; more behind the end.
            &[&one[..17], b"\x05\x00\x00\x02\xfe\x00\x00\x02\x00"].concat(),
            &[&one[..17], b"\x05\x00\x00\x03\xfe\x00\x00\x42\x00"].concat(),
            &[one.as_slice(), b"\x00"].concat(),
        ],
    );
}

#[test]
fn not_those() {
    check(
        Client,
        0,
        &[
            b"",
            b"\x01\x00",
            b"\x01\x00\x00\x00",
            b"\x01\x00\x00\x00\x03",
            b"\x02\x00\x00\x00\x0e\x0e",
            b"\x09\x00\x00\x01\x03SELECT 1",
            b"\x09\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\x00",
            b"\x09\x00\x00\x00\x03SELECT 1\x09\x00\x00\x05\x03SELECT 1",
            b"\x09\x00\x00\x00\x2fSELECT 1",
        ],
    );
    check(
        Server,
        0,
        &[
            b"\x07\x00\x00\x02\x00\x01\x00\x02\x00\x00\x00",
            b"\x02\x00\x00\x01\x00\x01",
            b"\x1b\x00\x00\x01\xff\x01\x00#42S02Table",
            b"\x01\x00\x00\x01\x02\x1b\x00\x00\x02\x04abc",
            b"\x4a\x00\x00\x00\x0aabc\x00",
            b"\x4a\x00\x00\x00\x098.0.36\x00",
        ],
    );
}
