use memchr::memchr;
use model::Party;

use super::{head, method};
use crate::{CERTAIN, LIKELY};

/// How surely `prefix` begins an HTTP/1 message of `party`.
///
/// A request counts by its whole start line, or, where that is cut, by a registered method and the
/// beginning of a target; a response by its status line.
pub fn detect(party: Party, prefix: &[u8]) -> u8 {
    // A robust server ignores an empty line before the request (RFC 9112, 2.2).
    let blank = prefix.iter().take(4).take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let line = &prefix[blank..];
    match party {
        Party::Client => request(line),
        Party::Server => response(line),
    }
}

fn request(bytes: &[u8]) -> u8 {
    let Some(space) = bytes.iter().take(method::LONGEST + 1).position(|byte| *byte == b' ') else { return 0 };
    let (token, target) = (&bytes[..space], &bytes[space + 1..]);
    if token.is_empty() || !begins_target(token, target) {
        return 0;
    }
    let shouted = token.iter().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'-' | b'_'));
    match memchr(b'\n', target) {
        Some(end) => match head::request_line(&bytes[..space + 1 + end]) {
            Some(_) if shouted => CERTAIN,
            // Any token is a method (RFC 9110, 9.1), if only to be refused: the answer decides.
            Some(_) => LIKELY,
            None => 0,
        },
        // The version decides, and it was not seen yet.
        None if method::is_registered(token) && !target.iter().any(|byte| *byte < b' ' && *byte != b'\r') => {
            LIKELY
        }
        None => 0,
    }
}

/// Origin form, absolute form, asterisk form; authority form for CONNECT (RFC 9112, 3.2). The absolute form
/// tells RTSP, SIP and ICAP apart.
pub(super) fn begins_target(method: &[u8], target: &[u8]) -> bool {
    match target {
        [b'/', ..] => true,
        [b'*', rest @ ..] => matches!(rest, [] | [b' ', ..]),
        _ if method == b"CONNECT" => memchr(b':', target).is_some(),
        _ => starts_ignoring_case(target, b"http://") || starts_ignoring_case(target, b"https://"),
    }
}

fn starts_ignoring_case(bytes: &[u8], start: &[u8]) -> bool {
    bytes.get(..start.len()).is_some_and(|bytes| bytes.eq_ignore_ascii_case(start))
}

fn response(bytes: &[u8]) -> u8 {
    match bytes {
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'0' | b'1', rest @ ..] => match rest {
            [] | [b' '] => LIKELY,
            [b' ', b'1'..=b'9', more @ ..] if more.iter().take(2).all(u8::is_ascii_digit) => {
                match more.get(2) {
                    Some(b' ' | b'\r' | b'\n') => CERTAIN,
                    Some(_) => 0,
                    None => LIKELY,
                }
            }
            _ => 0,
        },
        _ => 0,
    }
}
