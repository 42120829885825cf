use model::Party::{self, Client, Server};

use super::*;
use crate::dns::stream;

/// As datagrams, and behind their lengths over TCP.
#[track_caller]
fn check(party: Party, expected: u8, messages: &[&[u8]]) {
    for message in messages {
        assert_eq!(detect(party, message), expected, "{}", message.escape_ascii());
        assert_eq!(stream::detect(party, &with_length(message)), expected, "{}", message.escape_ascii());
        assert_eq!(detect(party.other(), message), 0, "of the other party: {}", message.escape_ascii());
    }
}

fn with_length(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u16).to_be_bytes(), message].concat()
}

const QUERY: &[u8] = b"\xab\xcd\x01\x00\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\x01\0\x01";
const ANSWER: &[u8] = b"\xab\xcd\x81\x80\0\x01\0\x01\0\0\0\0\x07example\x03com\0\0\x01\0\x01\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01";

#[test]
fn queries() {
    check(
        Client,
        CERTAIN,
        &[
            QUERY,
            // The root, with the flags AD and CD, and with EDNS
            b"\xab\xcd\x00\x30\0\x01\0\0\0\0\0\x01\0\0\x02\0\x01\0\0\x29\x04\xd0\0\0\x80\0\0\0",
            // Chaos
            b"\xab\xcd\x01\x00\0\x01\0\0\0\0\0\0\x07version\x04bind\0\0\x10\0\x03",
            // NOTIFY
            b"\xab\xcd\x24\x00\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\x06\0\x01",
            // UPDATE with a record
            b"\xab\xcd\x28\x00\0\x01\0\0\0\x01\0\0\x01a\0\0\x06\0\x01\x01b\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01",
            // Multicast, two questions, an answer by unicast wanted
            b"\0\0\0\0\0\x02\0\0\0\0\0\0\x01a\x05local\0\0\x01\x80\x01\xc0\x0c\0\x1c\x80\x01",
            // A top-level domain, of its authority
            b"\xab\xcd\x00\x00\0\x01\0\0\0\0\0\x01\x03com\0\0\x02\0\x01\0\0\x29\x04\xd0\0\0\0\0\0\0",
        ],
    );
    // A type without a name; what may be link-local.
    check(
        Client,
        LIKELY,
        &[
            b"\xab\xcd\x01\x00\0\x01\0\0\0\0\0\0\x07example\x03com\0\xff\x78\0\x01",
            b"\xab\xcd\x00\x00\0\x01\0\0\0\0\0\0\x04host\0\0\x01\0\x01",
        ],
    );
}

#[test]
fn responses() {
    check(
        Server,
        CERTAIN,
        &[
            ANSWER,
            // NXDOMAIN, truncated, multicast
            b"\xab\xcd\x81\x83\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\x01\0\x01",
            b"\xab\xcd\x83\x80\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\x01\0\x01",
            b"\0\0\x84\0\0\0\0\x01\0\0\0\0\x01a\x05local\0\0\x01\x80\x01\0\0\0\x78\0\x04\xc0\0\x02\x01",
        ],
    );
    // Without a question; of multicast, without the flag of an authority
    check(
        Server,
        LIKELY,
        &[
            b"\xab\xcd\x81\x81\0\0\0\0\0\0\0\0",
            b"\0\0\x80\0\0\0\0\x01\0\0\0\0\x01a\x05local\0\0\x01\x80\x01\0\0\0\x78\0\x04\xc0\0\x02\x01",
        ],
    );
}

#[test]
fn cut() {
    for length in 0..ANSWER.len() {
        let expected = if length < 29 { 0 } else { LIKELY };
        assert_eq!(detect(Server, &ANSWER[..length]), expected, "{length}");
        assert_eq!(stream::detect(Server, &with_length(ANSWER)[..length + 2]), expected, "{length}");
    }
    assert_eq!(stream::detect(Client, b"\0"), 0);
    // Several on their way
    assert_eq!(stream::detect(Client, &with_length(QUERY).repeat(3)), CERTAIN);
    let and_a_half = [with_length(QUERY).as_slice(), b"\0\x1d\xab"].concat();
    assert_eq!(stream::detect(Client, &and_a_half), CERTAIN);
}

#[test]
fn others() {
    let change = |at: usize, to: u8| {
        let mut changed = QUERY.to_vec();
        changed[at] = to;
        changed
    };
    for other in [
        change(2, 0x09),  // an operation that was never used, of a query
        change(2, 0x79),  // one that is not assigned
        change(2, 0x05),  // an authority asks
        change(2, 0x03),  // a query that did not fit
        change(3, 0x80),  // the answerer's flag
        change(3, 0x40),  // the flag that must be zero
        change(3, 0x03),  // an error
        change(5, 2),     // two questions
        change(5, 0),     // none
        change(7, 1),     // an answer
        change(9, 1),     // an authority
        change(12, 0x40), // no length of a label
        change(12, 0xc0), // a pointer into the header
        change(28, 9),    // no class
    ] {
        assert_eq!(detect(Client, &other), 0, "{}", other.escape_ascii());
    }
    for other in [
        // More than the message
        [QUERY, b"x"].concat(),
        // NetBIOS: a name's query and its answer
        b"\xab\xcd\x01\x10\0\x01\0\0\0\0\0\0\x20FHEFEJFCCACACACACACACACACACACAAA\0\0\x20\0\x01".to_vec(),
        b"\xab\xcd\x01\x10\0\x01\0\0\0\0\0\0\x20CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\0\0\x21\0\x01".to_vec(),
        b"\xab\xcd\x85\x00\0\0\0\x01\0\0\0\0\x20FHEFEJFCCACACACACACACACACACACAAA\0\0\x20\0\x01\0\0\0\x3c\0\x06\0\0\xc0\0\x02\x01".to_vec(),
        // Link-local: the answer
        b"\xab\xcd\x80\x00\0\x01\0\x01\0\0\0\0\x04host\0\0\x01\0\x01\xc0\x0c\0\x01\0\x01\0\0\0\x1e\0\x04\xc0\0\x02\x01".to_vec(),
    ] {
        for party in [Client, Server] {
            assert_eq!(detect(party, &other), 0, "{}", other.escape_ascii());
        }
    }
}
