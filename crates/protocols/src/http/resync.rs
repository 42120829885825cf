//! Where a message begins in the middle of a stream.

use memchr::{memchr, memmem};
use model::Party;

use super::{head, method};

/// The first place from `from` on where a message of `party` begins.
///
/// A whole start line is believed anywhere: the body before it need not end with a line. A part of one is
/// believed where a message is likely to begin.
pub(super) fn find(party: Party, bytes: &[u8], from: usize, run_start: bool) -> Option<usize> {
    let found = match party {
        Party::Client => request(bytes, from),
        Party::Server => response(bytes, from),
    };
    let begins = |bytes: &[u8]| match party {
        Party::Client => head::may_begin_request(bytes, 0),
        Party::Server => head::may_begin_response(bytes),
    };
    found.or_else(|| (from == 0 && run_start && memchr(b'\n', bytes).is_none() && begins(bytes)).then_some(0))
}

fn request(bytes: &[u8], from: usize) -> Option<usize> {
    memmem::find_iter(bytes, b" HTTP/1.").find_map(|version| {
        let end = version + memchr(b'\n', &bytes[version..])?;
        let line = memchr::memrchr(b'\n', &bytes[..version]).map_or(0, |end| end + 1);
        // The longest registered method that stands before a space and the beginning of a target.
        let start = (line.max(from)..version).find(|start| {
            let rest = &bytes[*start..end];
            let space = rest.iter().take(method::LONGEST + 1).position(|byte| *byte == b' ');
            space.is_some_and(|space| {
                method::is_registered(&rest[..space]) && rest.get(space + 1).is_some_and(|byte| *byte > b' ')
            }) && head::request_line(rest).is_some()
        })?;
        Some(start)
    })
}

fn response(bytes: &[u8], from: usize) -> Option<usize> {
    let found = memmem::find_iter(bytes.get(from..)?, b"HTTP/1.").find(|start| {
        let rest = &bytes[from + start..];
        memchr(b'\n', &rest[..rest.len().min(1024)])
            .is_some_and(|end| head::status_line(&rest[..end]).is_some())
    })?;
    Some(from + found)
}
