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
