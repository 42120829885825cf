use model::Party;

use super::command::{Command, Kind, query, statement_id};
use super::handshake::{self, LOGIN_FIXED};
use super::packet::{End, Header, LONGEST, end_of_rows as end, header, little, ok, status, string};
use crate::{CERTAIN, LIKELY};

/// How surely `prefix` begins what `party` sends to or from a MySQL server.
///
/// A greeting and a login are [`CERTAIN`]. In the middle of a connection a command is [`LIKELY`], and so is an
/// answer: a length, a sequence number and a marker are little, but they have to fit in both directions.
pub fn detect(party: Party, prefix: &[u8]) -> u8 {
    let Some((header, payload)) = header(prefix) else { return 0 };
    match party {
        Party::Client => client(header, payload, prefix),
        Party::Server => server(header, payload, prefix),
    }
}

fn client(header: Header, payload: &[u8], prefix: &[u8]) -> u8 {
    match header.sequence {
        1 if (LOGIN_FIXED..LONGEST).contains(&header.length) => match handshake::login(header, payload) {
            Some(_) => CERTAIN,
            None => 0,
        },
        0 if is_command(header, payload) && next_fits(header, prefix, 0) => LIKELY,
        _ => 0,
    }
}

/// What follows the first packet, if it is there, is a command as well.
fn next_fits(first: Header, prefix: &[u8], sequence: u8) -> bool {
    let rest = prefix.get(first.whole()..).unwrap_or_default();
    header(rest).is_none_or(|(header, payload)| header.sequence == sequence && is_command(header, payload))
}

/// True where `bytes` may begin a command, after a gap.
pub(super) fn begins_command(bytes: &[u8]) -> bool {
    match header(bytes) {
        None => true,
        // Servers read a header by itself, so that no more may be there.
        Some((header, [])) => header.length > 0 && header.sequence <= 1,
        Some((header, payload)) => {
            (header.sequence == 0 && is_command(header, payload))
                || (header.sequence == 1 && handshake::login(header, payload).is_some())
        }
    }
}

fn is_command(header: Header, payload: &[u8]) -> bool {
    let Some((&code, rest)) = payload.split_first() else { return false };
    let Some(command) = Command::of(code) else { return false };
    let arguments = header.length - 1;
    match command.kind {
        Kind::Query | Kind::Prepare => arguments > 0 && is_sql(query(payload, None)),
        // Id, flags, and one iteration or, in bulk, types that are sent.
        Kind::Execute => {
            let flags = rest.get(4..6).map(little);
            match code {
                0xfa => arguments >= 6 && flags.is_none_or(|flags| flags & !0xc0 == 0),
                _ => {
                    arguments >= 9
                        && rest.get(4).is_none_or(|flags| *flags <= 0x0f)
                        && rest.get(5..9).is_none_or(|count| little(count) == 1)
                }
            }
        }
        Kind::Close => arguments == 4,
        Kind::Fetch => arguments == 8,
        Kind::InitDb => (1..256).contains(&arguments) && is_text(rest),
        Kind::Login | Kind::FieldList => {
            header.length < 1024 && string(rest).is_some_and(|(name, _)| name.len() <= 80 && is_text(name))
        }
        // Flags; the name of a file.
        Kind::Stream => {
            let flags = rest.get(if code == 0x1e { 0..2 } else { 4..6 }).map(little);
            (10..4096).contains(&arguments) && flags.is_none_or(|flags| flags < 0x10)
        }
        Kind::Silent if command.name == "SEND_LONG_DATA" => {
            let number = rest.get(4..6).map(little);
            arguments >= 6
                && statement_id(payload).is_some_and(|id| id < 1 << 24)
                && number.is_some_and(|number| number < 4096)
        }
        Kind::Plain if command.name == "SET_OPTION" => arguments == 2,
        Kind::Plain if command.name == "RESET" => arguments == 4,
        Kind::Plain if matches!(command.name, "PING" | "DEBUG") => arguments == 0,
        Kind::Silent | Kind::Text | Kind::Results | Kind::Reset => arguments == 0,
        Kind::Plain => false,
    }
}

/// SQL begins with a letter, a bracket or a comment, and has no zero in its first word.
fn is_sql(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    let begins = match text.first() {
        None => true,
        Some(first) => first.is_ascii_alphabetic() || b"(/-#;`".contains(first),
    };
    begins && is_text(text.get(..16).unwrap_or(text))
}

fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| !byte.is_ascii_control() || byte.is_ascii_whitespace())
}

fn server(header: Header, payload: &[u8], prefix: &[u8]) -> u8 {
    match (header.sequence, payload.first()) {
        (0, Some(&handshake::VERSION)) if (32..1024).contains(&header.length) => {
            match handshake::greeting(payload) {
                Some(_) => CERTAIN,
                // Cut in the version, or behind it.
                None if payload.len() < header.length => {
                    let name = payload.get(1..).unwrap_or_default();
                    let name = string(name).map_or(name, |(name, _)| name);
                    if handshake::is_version(name) { LIKELY } else { 0 }
                }
                None => 0,
            }
        }
        // No room, or an unknown host.
        (0, Some(0xff)) if prefix.len() == header.whole() && is_refusal(payload) => CERTAIN,
        (1, Some(0)) if !is_ok(header, payload) && !is_fetched(prefix) => 0,
        (1, Some(_)) if (payload.len() > 1 || header.length == 1) && begins_reply(prefix) => LIKELY,
        _ => 0,
    }
}

/// ERR in place of a greeting: too many connections (1040, 1203), host not allowed (1129, 1130).
fn is_refusal(payload: &[u8]) -> bool {
    let code = payload.get(1..3).map(little);
    let text = payload.get(3..).unwrap_or_default();
    matches!(code, Some(1040 | 1129 | 1130 | 1203)) && text.len() > 8 && is_text(text)
}

/// True where `bytes` may begin an answer.
pub(super) fn begins_reply(bytes: &[u8]) -> bool {
    let Some((first, payload)) = header(bytes) else { return true };
    if first.sequence != 1 || first.length == 0 {
        return false;
    }
    let Some(&marker) = payload.first() else { return true };
    match marker {
        0 => (7..LONGEST).contains(&first.length) || is_fetched(bytes),
        0xff => is_error(first, payload),
        // No more rows to be fetched; longer where EOF packets are deprecated.
        0xfe => first.length == 5 || ends_fetch(first, payload),
        0xfb => (2..1024).contains(&first.length) && is_text(payload.get(1..).unwrap_or_default()),
        // A number of columns, then the first definition: catalogue "def".
        _ => {
            let next = bytes.get(first.whole()..).unwrap_or_default();
            first.length <= 4
                && match header(next) {
                    None => next.is_empty(),
                    Some((second, payload)) => {
                        second.sequence == 2 && b"\x03def".starts_with(payload.get(..4).unwrap_or(payload))
                    }
                }
        }
    }
}

/// ERR, as far as it is there.
fn is_error(header: Header, payload: &[u8]) -> bool {
    header.length >= 9
        && payload.get(1..3).is_none_or(|code| little(code) >= 1000)
        && payload.get(3).is_none_or(|mark| *mark == b'#')
        && payload.get(4..9).is_none_or(|state| state.iter().all(u8::is_ascii_alphanumeric))
}

/// The longest packet that ends rows and is looked for: an error with its text.
const LONGEST_END: usize = 600;

/// Where the packet begins that ends rows, if `bytes` ends with it. Behind a gap only its length, which has to lead to the
/// very end, and its marks tell it.
pub(super) fn end_of_rows(bytes: &[u8]) -> Option<usize> {
    let nearest = bytes.len().checked_sub(9)?;
    (bytes.len().saturating_sub(LONGEST_END)..=nearest).rev().find(|begin| {
        let packet = bytes.get(*begin..).unwrap_or_default();
        let Some((header, payload)) = header(packet) else { return false };
        header.whole() == packet.len()
            && match payload.first() {
                // Flags that are not assigned, or stand only before rows.
                Some(0xfe) => end(header.length, payload).is_some_and(|end| end.status & 0x8040 == 0),
                Some(0xff) => is_error(header, payload),
                _ => false,
            }
    })
}

/// Rows of a cursor: packets that are counted from 1 on, each a zero and values, and behind them the end. Where that is not
/// there, a second row has to be.
fn is_fetched(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    for sequence in 1..=u8::MAX {
        let Some((header, payload)) = header(rest) else { return sequence > 2 };
        let whole = payload.len() == header.length;
        rest = rest.get(header.whole()..).unwrap_or_default();
        match payload.first() {
            _ if header.sequence != sequence => return false,
            None if header.length > 0 => return sequence > 2,
            Some(0) if header.length > 1 && whole => {}
            Some(0) if header.length > 1 => return sequence > 1,
            Some(0xfe) => return sequence > 1 && rest.is_empty() && ends_fetch(header, payload),
            _ => return false,
        }
    }
    true
}

/// What is behind fetched rows, by its flags: there are more, or none.
fn ends_fetch(header: Header, payload: &[u8]) -> bool {
    let cursor = |end: End| end.status & (status::CURSOR_EXISTS | status::LAST_ROW_SENT) != 0;
    header.length <= 9 && payload.len() == header.length && end(header.length, payload).is_some_and(cursor)
}

/// Surely OK, or the answer to PREPARE, as far as it is there: a zero alone says too little.
fn is_ok(header: Header, payload: &[u8]) -> bool {
    let prepared = header.length == 12
        && payload.get(1..5).is_none_or(|id| little(id) < 1 << 24)
        && payload.get(9).is_none_or(|zero| *zero == 0);
    let flags = ok(payload).map(|end| end.status);
    // Unassigned, or about rows.
    let status = flags.is_none_or(|flags| flags & 0x80c0 == 0 && flags & 0x0003 != 0);
    prepared || ((7..1024).contains(&header.length) && status)
}

#[cfg(test)]
mod tests;
