//! Where a message begins in the middle of a stream.
//!
//! Bodies hold anything, start lines too (a log, a recording, an attempt to deceive). So a start line is believed
//! where a message can begin, which is the first byte that a party sends after the other one spoke; and elsewhere
//! only while nothing tells of a body.

use memchr::{memchr, memmem};
use model::Party;

use super::line::{NEXT, blank};
use super::{detect, head, method};
use crate::Input;

/// The first place where a message of `party` begins; not the first byte if that was `refused`, and only that
/// unless it may be `inside`.
pub(super) fn find(party: Party, input: Input<'_>, refused: bool, inside: bool) -> Option<usize> {
    let bytes = input.bytes;
    let may_begin = |bytes: &[u8]| match party {
        Party::Client => head::may_begin_request(bytes, 0),
        Party::Server => head::may_begin_response(bytes),
    };
    if input.run_start && !refused {
        let whole = memchr(b'\n', &bytes[blank(bytes)..]).is_some();
        if begins(party, bytes) == Begins::Surely || (!whole && may_begin(bytes)) {
            return Some(0);
        }
    }
    match party {
        Party::Client if inside => request(bytes, usize::from(refused)),
        _ => None,
    }
}

/// Whether a message begins at the first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begins {
    Surely,
    /// More bytes will tell.
    Perhaps,
    No,
}

/// Whether a message of `party` begins with `bytes`. Only registered methods are believed.
pub(super) fn begins(party: Party, bytes: &[u8]) -> Begins {
    let bytes = &bytes[blank(bytes)..];
    let line = memchr(b'\n', bytes).map(|end| &bytes[..end]);
    let begins = match (party, line) {
        (Party::Client, Some(line)) => begins_request(line) && head::request_line(line).is_some(),
        (Party::Server, Some(line)) => head::status_line(line).is_some(),
        (Party::Client, None) if begins_request(bytes) => true,
        (Party::Server, None) if bytes.len() >= NEXT.len() => head::may_begin_response(bytes),
        (Party::Client, None) => {
            let token = bytes.strip_suffix(b" ").unwrap_or(bytes);
            return if method::begins_registered(token) { Begins::Perhaps } else { Begins::No };
        }
        (Party::Server, None) => {
            return if NEXT.starts_with(bytes) { Begins::Perhaps } else { Begins::No };
        }
    };
    if begins { Begins::Surely } else { Begins::No }
}

/// A registered method, and the beginning of a target.
fn begins_request(bytes: &[u8]) -> bool {
    let space = bytes.iter().take(method::LONGEST + 1).position(|byte| *byte == b' ');
    space.is_some_and(|space| {
        let (token, target) = (&bytes[..space], &bytes[space + 1..]);
        method::is_registered(token) && detect::begins_target(token, target)
    })
}

/// The first whole request line from `from` on: the body before it need not end with a line.
fn request(bytes: &[u8], from: usize) -> Option<usize> {
    memmem::find_iter(bytes, b" HTTP/1.").find_map(|version| {
        let end = version + memchr(b'\n', &bytes[version..])?;
        let line = memchr::memrchr(b'\n', &bytes[..version]).map_or(0, |end| end + 1);
        // The longest registered method that stands before a space and the beginning of a target.
        let start = (line.max(from)..version).find(|start| {
            let rest = &bytes[*start..end];
            begins_request(rest) && head::request_line(rest).is_some()
        })?;
        Some(start)
    })
}
