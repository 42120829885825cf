use model::Party;

use crate::{CERTAIN, LIKELY};

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;

/// The longest record: 2^14 bytes, and what TLS 1.2 and older allow for padding and compression.
const LONGEST_RECORD: usize = (1 << 14) + 2048;

/// How surely `prefix` begins a TLS record of `party`.
///
/// [`CERTAIN`] for a hello of the right party; [`LIKELY`] for a cut hello, an alert, or application data of
/// a connection that was open before.
pub fn detect(party: Party, prefix: &[u8]) -> u8 {
    let [kind, 3, 0..=4, rest @ ..] = prefix else { return 0 };
    let [high, low, body @ ..] = rest else {
        return if *kind == HANDSHAKE { LIKELY } else { 0 };
    };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    if length == 0 || length > LONGEST_RECORD {
        return 0;
    }
    match *kind {
        HANDSHAKE => hello(party, length, body),
        // Level and description in the clear, or encrypted with at least a tag of eight bytes.
        ALERT if length == 2 && matches!(body, [] | [1 | 2, ..]) => LIKELY,
        ALERT if (10..=64).contains(&length) => LIKELY,
        APPLICATION_DATA if length > 16 => LIKELY,
        _ => 0,
    }
}

fn hello(party: Party, record: usize, body: &[u8]) -> u8 {
    let expected = match party {
        Party::Client => CLIENT_HELLO,
        Party::Server => SERVER_HELLO,
    };
    match body {
        [] => LIKELY,
        [kind, ..] if *kind != expected => 0,
        // A hello holds a version, 32 random bytes and a session id's length at least.
        [_, a, b, c, rest @ ..] => {
            let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
            // The message may go on in further records; then it fills this one.
            let fits = length + 4 <= record || record >= 512;
            match rest {
                _ if !(35..=1 << 17).contains(&length) || !fits => 0,
                [] | [3] | [3, 0..=4, ..] => CERTAIN,
                _ => 0,
            }
        }
        _ => LIKELY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(party: Party, prefix: &[u8], expected: u8) {
        assert_eq!(detect(party, prefix), expected, "{party:?} {prefix:02x?}");
    }

    #[test]
    fn hellos() {
        let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x9a\x10";
        check(Party::Client, hello, CERTAIN);
        check(Party::Server, hello, 0);
        check(Party::Server, b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03\x01", CERTAIN);
        check(Party::Client, b"\x16\x03\x01", LIKELY);
        check(Party::Client, b"\x16\x03\x01\x02\x00", LIKELY);
        check(Party::Client, b"\x16\x03", 0);
    }

    #[test]
    fn open_before() {
        check(Party::Client, b"\x17\x03\x03\x00\x35\x9c\x11", LIKELY);
        check(Party::Server, b"\x15\x03\x03\x00\x02\x02\x28", LIKELY);
    }

    #[test]
    fn others() {
        for other in [
            b"GET / HTTP/1.1\r\n".as_slice(),
            b"*1\r\n$4\r\nPING\r\n",
            b"SSH-2.0-OpenSSH_9.6\r\n",
            b"\x00\x00\x00\x08\x04\xd2\x16\x2f",
            b"\x16\x03\x01\x00\x00\x01",
            b"\x16\x03\x01\xff\xff\x01",
            b"\x16\x03\x01\x00\x20\x01\x00\x00\x01\x03",
            b"\x16\x03\x05\x00\x80\x01",
            b"\x16\x00\x00\x00\x0a5.7.0\x00\x00",
            &[0; 32],
            &[0xff; 32],
        ] {
            check(Party::Client, other, 0);
            check(Party::Server, other, 0);
        }
    }
}
