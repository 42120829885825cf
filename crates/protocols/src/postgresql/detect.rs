use model::Party;

use super::frames::{self, STARTUP, c_string};
use super::frontend::{CANCEL_REQUEST, GSS_ENCRYPTION_REQUEST, SSL_REQUEST};
use super::{backend, frontend};
use crate::{CERTAIN, LIKELY};

/// Messages that are looked at.
const MOST_MESSAGES: usize = 8;
/// Whole messages in a row that cannot be chance.
const SURELY: usize = 3;
/// Longer first messages are not believed.
const LONGEST_FIRST: u64 = 64 << 20;
/// The longest name: what `NAMEDATALEN` allows, and room for those who do not ask.
const LONGEST_NAME: usize = 128;

/// How surely `prefix` begins what `party` sends to or from a PostgreSQL server.
///
/// [`CERTAIN`] for what only a client of PostgreSQL begins with (StartupMessage, SSLRequest, GSSENCRequest,
/// CancelRequest), and for three messages in a row of which every byte fits. [`LIKELY`] for fewer: a type byte, a length
/// and what must be in such a message.
pub fn detect(party: Party, prefix: &[u8]) -> u8 {
    match (party, prefix) {
        (_, []) => 0,
        (Party::Client, [STARTUP, ..]) => startup(prefix),
        _ => typed(party, prefix, true),
    }
}

/// True when a message of `party` may begin here, where it is known that the connection speaks PostgreSQL.
pub(super) fn begins_message(party: Party, bytes: &[u8]) -> bool {
    typed(party, bytes, false) > 0
}

fn startup(prefix: &[u8]) -> u8 {
    let Some((_, Some(length), 4)) = frames::header(prefix) else { return 0 };
    let Some((code, rest)) = prefix.get(4..).and_then(<[u8]>::split_first_chunk::<4>) else { return 0 };
    let sure = |sure| if sure { CERTAIN } else { 0 };
    match (u32::from_be_bytes(*code), length) {
        (SSL_REQUEST | GSS_ENCRYPTION_REQUEST, 4) => CERTAIN,
        // A key of 4 bytes, of up to 256 since PostgreSQL 18, behind a process id.
        (CANCEL_REQUEST, 12..=264) => sure(rest.len() as u64 <= length - 4),
        // 3.0, 3.2; extensions begin with an underscore. Each parameter's name is a word.
        (0x3_0000..=0x3_00ff, 9..=10_000) => {
            let name = rest.split(|byte| *byte == 0).next().unwrap_or_default();
            let word =
                name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'));
            match name.len() {
                0 => 0,
                _ if !word => 0,
                seen if seen == rest.len() => LIKELY,
                _ => CERTAIN,
            }
        }
        _ => 0,
    }
}

/// Messages with a type byte, as far as they are there. To tell a `stranger` from one that speaks PostgreSQL, the first has
/// to show more than its length.
fn typed(party: Party, prefix: &[u8], stranger: bool) -> u8 {
    let mut rest = prefix;
    let mut whole = 0;
    while whole < MOST_MESSAGES
        && let Some(kind) = rest.first()
    {
        let Some((_, length, at)) = frames::header(rest) else {
            // A type byte and part of a length, behind other messages.
            return if (whole > 0 || !stranger) && exists(party, *kind) { LIKELY } else { 0 };
        };
        let Some(length) = length.filter(|length| *length < LONGEST_FIRST && fits(party, *kind, *length))
        else {
            return 0;
        };
        let there = rest.get(at..).unwrap_or_default();
        let length = length as usize;
        let body = &there[..length.min(there.len())];
        let makes_sense = match party {
            Party::Client => of_client(*kind, body, length, stranger && whole == 0),
            Party::Server => of_server(*kind, body, length, stranger && whole == 0),
        };
        if !makes_sense {
            return 0;
        }
        if body.len() < length {
            return LIKELY;
        }
        whole += 1;
        rest = &there[length..];
    }
    if whole >= SURELY { CERTAIN } else { LIKELY }
}

fn exists(party: Party, kind: u8) -> bool {
    (0..64).any(|length| fits(party, kind, length))
}

fn fits(party: Party, kind: u8, length: u64) -> bool {
    kind != STARTUP
        && match party {
            Party::Client => frontend::wanted(kind, length).is_some(),
            Party::Server => backend::wanted(kind, length).is_some(),
        }
}

/// Can this be the body, perhaps cut, of a client's message? The first one has to tell something.
fn of_client(kind: u8, body: &[u8], length: usize, first: bool) -> bool {
    let cut = body.len() < length;
    match kind {
        b'Q' => statement(body, cut, true) && (!cut || !first || body.len() >= 4),
        b'P' => match name(body) {
            Name::Is(_, rest) => statement(rest, cut, false) && (!cut || !first || rest.len() >= 4),
            Name::Cut => cut && !first,
            Name::Not => false,
        },
        b'B' => match name(body) {
            Name::Is(_, rest) => match name(rest) {
                Name::Is(_, rest) => formats(rest),
                Name::Cut => cut && !first,
                Name::Not => false,
            },
            Name::Cut => cut && !first,
            Name::Not => false,
        },
        b'E' => match name(body) {
            Name::Is(_, rest) => rest.len() == 4 || cut && rest.len() < 4,
            Name::Cut => cut && !first,
            Name::Not => false,
        },
        b'D' | b'C' => match body {
            [b'S' | b'P', rest @ ..] => match name(rest) {
                Name::Is(_, rest) => rest.is_empty() && !cut,
                Name::Cut => cut && !first,
                Name::Not => false,
            },
            [] => !first,
            _ => false,
        },
        b'S' | b'H' | b'X' => true,
        // Secrets, data, function calls: anything may be in them.
        _ => !first,
    }
}

/// A statement up to its NUL, behind which, of a Query, nothing follows.
fn statement(body: &[u8], cut: bool, last: bool) -> bool {
    let (text, ends) = match c_string(body) {
        Some((text, rest)) => (text, !last || rest.is_empty() && !cut),
        None => (body, cut),
    };
    // Names and literals may be of any encoding, but a statement begins with a word.
    let begins = text.iter().take(4).all(u8::is_ascii);
    ends && begins && text.iter().all(|byte| !byte.is_ascii_control() || byte.is_ascii_whitespace())
}

/// The number of format codes and the codes, as far as they are there.
fn formats(bytes: &[u8]) -> bool {
    match bytes {
        [high, low, codes @ ..] => {
            let count = usize::from(*high) << 8 | usize::from(*low);
            codes.chunks_exact(2).take(count).all(|code| matches!(code, [0, 0 | 1]))
        }
        _ => true,
    }
}

enum Name<'a> {
    /// The name, and what is behind its NUL.
    Is(&'a [u8], &'a [u8]),
    Cut,
    Not,
}

/// Reads a name, perhaps an empty one.
fn name(bytes: &[u8]) -> Name<'_> {
    let (name, rest) = match c_string(bytes) {
        Some((name, rest)) => (name, Some(rest)),
        None => (bytes, None),
    };
    let fits = name.len() <= LONGEST_NAME && name.iter().all(|byte| *byte >= b' ' && *byte != 0x7f);
    match rest {
        _ if !fits => Name::Not,
        Some(rest) => Name::Is(name, rest),
        None => Name::Cut,
    }
}

/// Can this be the body, perhaps cut, of a server's message?
fn of_server(kind: u8, body: &[u8], length: usize, first: bool) -> bool {
    let cut = body.len() < length;
    match kind {
        b'C' => is_tag(body, cut) && !(cut && first),
        b'E' | b'N' => fields(body, cut),
        b'Z' => cut && !first || matches!(body, [b'I' | b'T' | b'E']),
        b'S' => match name(body) {
            Name::Is(_, value) if !cut => matches!(name(value), Name::Is(_, [])) && body.first() != Some(&0),
            Name::Is(..) | Name::Cut => cut && !first,
            _ => false,
        },
        b'R' => match body {
            [0, 0, 0, 0] => length == 4,
            [0, 0, 0, code, ..] => *code <= 12 && (length > 4 || !matches!(code, 5 | 8 | 10 | 11 | 12)),
            _ => cut && !first,
        },
        b'T' => match body {
            [high @ 0..=6, low, columns @ ..] => {
                let none = (*high, *low) == (0, 0);
                match name(columns) {
                    Name::Is(_, rest) => !none && (cut || rest.len() >= 18),
                    Name::Cut if columns.is_empty() => none && length == 2 || cut && !first,
                    Name::Cut => cut && !none && columns.len() >= 2,
                    Name::Not => false,
                }
            }
            _ => cut && !first,
        },
        b'D' => row(body, length, first),
        b't' => match body {
            [high, low, ..] => length == 2 + 4 * (usize::from(*high) << 8 | usize::from(*low)),
            _ => !first,
        },
        b'G' | b'H' | b'W' => match body {
            [format @ 0..=1, high, low, codes @ ..] => {
                let columns = usize::from(*high) << 8 | usize::from(*low);
                length == 3 + 2 * columns
                    && codes.chunks_exact(2).all(|code| matches!(code, [0, c] if c <= format))
            }
            _ => cut && !first,
        },
        b'A' => match body.get(4..).map(name) {
            Some(Name::Is(channel, rest)) => {
                !channel.is_empty() && (cut || matches!(c_string(rest), Some((_, []))))
            }
            Some(Name::Cut) | None => cut && !first,
            Some(Name::Not) => false,
        },
        b'1' | b'2' | b'3' | b'n' | b's' | b'I' => true,
        _ => !first,
    }
}

/// The number of columns, and each one's length and value.
fn row(body: &[u8], length: usize, first: bool) -> bool {
    let [high, low, values @ ..] = body else { return !first };
    let (mut columns, mut rest, mut left) = (usize::from(*high) << 8 | usize::from(*low), values, length - 2);
    if first && columns == 0 || columns > 1664 {
        return false;
    }
    while columns > 0 {
        let Some((size, behind)) = rest.split_first_chunk::<4>() else {
            // As far as can be seen; of a first row one value at least.
            return rest.len() < left && !(first && rest.len() == values.len());
        };
        let size = match u32::from_be_bytes(*size) {
            // NULL.
            u32::MAX => 0,
            size => size as usize,
        };
        if size > left.saturating_sub(4) {
            return false;
        }
        left -= 4 + size;
        columns -= 1;
        rest = behind.get(size..).unwrap_or_default();
        if rest.is_empty() && left > 0 && behind.len() <= size {
            return true;
        }
    }
    left == 0
}

/// `SELECT 5`.
fn is_tag(body: &[u8], cut: bool) -> bool {
    let (tag, ends) = match c_string(body) {
        Some((tag, rest)) => (tag, rest.is_empty() && !cut),
        None => (body, cut),
    };
    let text = tag.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b' ');
    ends && text && tag.first().is_none_or(u8::is_ascii_uppercase) && (cut || tag.len() >= 2)
}

/// Fields of an error: severity first.
fn fields(body: &[u8], cut: bool) -> bool {
    let [b'S', severity @ ..] = body else { return cut && body.is_empty() };
    match name(severity) {
        Name::Is(severity, rest) => {
            !severity.is_empty()
                && match rest {
                    [b'V' | b'C', ..] => cut || rest.ends_with(&[0, 0]),
                    _ => cut && rest.is_empty(),
                }
        }
        Name::Cut => cut && severity.len() >= 4,
        Name::Not => false,
    }
}

/// True where what an answer begins with may stand: behind a gap, it is a later answer than the one before that.
pub(super) fn begins_answer(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(b'T' | b't' | b'1' | b'2' | b'3' | b'n'))
        && begins_message(Party::Server, bytes)
}

/// ReadyForQuery.
pub(super) fn ends_with_ready(bytes: &[u8]) -> bool {
    matches!(bytes, [.., b'Z', 0, 0, 0, 5, b'I' | b'T' | b'E'])
}

/// As far from the end as the message before ReadyForQuery may begin.
const LONGEST_END: usize = 2048;

/// Where the message begins that ends an answer, if `bytes` ends with it and a ReadyForQuery, or with an ErrorResponse, which
/// a server sends off at once: behind a gap, where messages begin is told by their lengths, which have to lead to the very
/// end.
pub(super) fn end_of_answer(bytes: &[u8]) -> Option<usize> {
    let ready = bytes.len().checked_sub(6)?;
    let (end, ready) = match bytes.get(ready..)? {
        end if ends_with_ready(end) => (ready, true),
        [.., 0, 0] => (bytes.len(), false),
        _ => return None,
    };
    (end.saturating_sub(LONGEST_END)..end).rev().find(|begin| {
        let message = bytes.get(*begin..end).unwrap_or_default();
        let Some((kind @ (b'C' | b'E' | b'I' | b's'), Some(length), at)) = frames::header(message) else {
            return false;
        };
        if !ready && kind != b'E' {
            return false;
        }
        let body = message.get(at..).unwrap_or_default();
        length == body.len() as u64
            && fits(Party::Server, kind, length)
            && of_server(kind, body, body.len(), true)
    })
}

#[cfg(test)]
mod tests;
