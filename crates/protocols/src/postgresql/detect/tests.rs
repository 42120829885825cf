use model::Party::{self, Client, Server};

use super::*;
use crate::postgresql::wire::{message, wire};

#[track_caller]
fn check(party: Party, expected: u8, texts: &[&str]) {
    for text in texts {
        assert_eq!(detect(party, &wire(party, text)), expected, "{party:?} {text:?}");
    }
}

#[test]
fn first_messages() {
    check(Client, CERTAIN, &["ssl", "gss", "cancel", "startup user=me", "startup user=me database=shop"]);
    let startup = wire(Client, "startup user=me database=shop");
    assert_eq!(detect(Client, &startup[..10]), LIKELY);
    assert_eq!(detect(Client, &startup[..13]), CERTAIN);
    for other in [
        // Version 2, HTTP/2 settings, a length that does not fit, a name that is none.
        b"\0\0\x01\x28\0\x02\0\0user".as_slice(),
        b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64",
        b"\0\0\0\x09\x04\xd2\x16\x2f\0",
        b"\0\0\0\x20\0\x03\0\0\xff\xfe\0",
        b"\0\0\0\x20\0\x03\0\0\0\0\0",
    ] {
        assert_eq!(detect(Client, other), 0, "{}", other.escape_ascii());
        assert_eq!(detect(Server, other), 0, "{}", other.escape_ascii());
    }
}

#[test]
fn from_the_middle() {
    check(
        Client,
        LIKELY,
        &[
            "Q SELECT 1",
            "Q -",
            "P - SELECT 1",
            "P s1 SELECT 1|S",
            "B - s1|E -",
            "E c 5|S",
            "S",
            "D Ss|S",
            "C Pp|S",
            "X",
        ],
    );
    check(Client, CERTAIN, &["P - SELECT 1|B - -|E -|S", "B - s1|E -|S", "P s1 SELECT 1|D Ss1|S"]);
    check(Client, 0, &["d 20", "c", "f x", "p secret", "F"]);
    check(
        Server,
        LIKELY,
        &[
            "T|D 5",
            "C SELECT 1|Z I",
            "C BEGIN|Z T",
            "E 42601|Z I",
            "1|Z I",
            "D 3",
            "n|Z I",
            "S TimeZone UTC",
            "R 0",
            "N",
        ],
    );
    check(Server, CERTAIN, &["1|2|T|D 5|C SELECT 1|Z I", "2|D 1|C SELECT 1|Z I", "T|D 5|C SELECT 1|Z I"]);
    check(Server, 0, &["d 20", "c"]);
}

/// Whatever is LIKELY or CERTAIN in whole is not refused when it is cut behind its first dozen bytes.
#[test]
fn cut_anywhere() {
    for (party, text) in [
        (Client, "Q SELECT a FROM a_table WHERE b = 'value'"),
        (Client, "P s1 SELECT a FROM t|B - s1|D P|E -|S"),
        (Client, "B - s1|E -|S"),
        (Server, "T|D 5|D 7|C SELECT 2|Z I"),
        (Server, "E 42601|Z I"),
        (Server, "R 0|S server_version 15|S TimeZone UTC|K|Z I"),
    ] {
        let bytes = wire(party, text);
        for length in 13..bytes.len() {
            assert!(detect(party, &bytes[..length]) > 0, "{party:?} {text:?} cut at {length}");
        }
    }
}

#[test]
fn what_does_not_fit() {
    for (party, bytes) in [
        // No NUL at its end; one before; control characters; another length than the content.
        (Client, message(b'Q', b"SELECT 1")),
        (Client, message(b'Q', b"SELECT\x001\0")),
        (Client, message(b'Q', b"SEL\x01ECT\0")),
        (Client, message(b'E', b"name\0\0\0")),
        (Client, message(b'D', b"Xname\0")),
        (Client, message(b'D', b"Sname\0more\0")),
        (Client, [wire(Client, "S"), b"!".to_vec()].concat()),
        (Client, [wire(Client, "S"), b"Q\0\0\0\x02".to_vec()].concat()),
        (Client, b"Q\x7f\xff\xff\xffSELECT".to_vec()),
        (Server, message(b'D', b"\0\x01\0\0\0\x09x")),
        (Server, message(b'D', b"\0\x01\0\0\0\x01xy")),
        (Server, message(b'Z', b"X")),
        (Server, message(b'C', b"select 1\0")),
        (Server, message(b'C', b"SELECT 1\0more")),
        (Server, message(b'E', b"XERROR\0\0")),
        (Server, message(b't', b"\0\x02\0\0\0\x17")),
        (Server, message(b'R', b"\0\0\x01\0")),
    ] {
        assert_eq!(detect(party, &bytes), 0, "{party:?} {}", bytes.escape_ascii());
    }
}

#[test]
fn the_other_party() {
    // Types are shared by both parties; what is in the messages tells them apart.
    for text in ["Q SELECT 1", "P - SELECT 1|B - -|E -|S", "D Ss|S", "C Ss|S", "E c 5|S", "S"] {
        assert_eq!(detect(Server, &wire(Client, text)), 0, "{text}");
    }
    for text in
        ["T|D 1|C SELECT 1|Z I", "D 5|C SELECT 1|Z I", "C SELECT 1|Z I", "E 42601|Z I", "S a b", "1|2", "N"]
    {
        assert_eq!(detect(Client, &wire(Server, text)), 0, "{text}");
    }
}

#[test]
fn ends_of_answers() {
    let found = |text: &str| {
        let bytes = wire(Server, text);
        end_of_answer(&bytes).map(|begin| bytes.len() - begin)
    };
    assert_eq!(found("raw xxxx|C SELECT 5|Z I"), Some(20));
    assert_eq!(found("raw xxxx|E 57014|Z E"), Some(56));
    assert_eq!(found("raw xxxx|I|Z I"), Some(11));
    assert_eq!(found("D 5|s|Z T"), Some(11));
    assert_eq!(found("raw xxxx|E 57014"), Some(50));
    for text in ["raw xxxx", "Z I", "raw ELECT 5|Z I", "C SELECT 5", "C SELECT 5|Z I|raw x", "D 5|Z I"] {
        assert_eq!(found(text), None, "{text}");
    }
}
