use model::Party;

use super::command;
use super::commands::Id;
use super::reply;
use super::scan::{self, Number, Read};
use crate::{CERTAIN, LIKELY, Settings, text};

/// How surely `prefix` begins what `party` sends to or from a Redis server.
///
/// A client's array with a command's name is [`CERTAIN`]. Inline commands and replies are short, and other
/// protocols have lines like them (`PING` and `+OK` in NATS, `+OK` in POP3): they are at most [`LIKELY`],
/// and only where the whole of `prefix` can be understood.
pub fn detect(party: Party, prefix: &[u8]) -> u8 {
    match party {
        Party::Client => client(prefix),
        Party::Server => server(prefix),
    }
}

fn client(prefix: &[u8]) -> u8 {
    match prefix {
        [b'*', rest @ ..] if !rest.is_empty() => array(prefix),
        _ => inline(prefix),
    }
}

/// The header of an array, of its first string, and that string.
fn array(prefix: &[u8]) -> u8 {
    let (count, name) = match scan::number(prefix, 1) {
        Number::Is(count @ 1..=0x10_0000, next) => (count, next),
        _ => return 0,
    };
    let (length, body) = match prefix.get(name) {
        None => return LIKELY,
        Some(b'$') => match scan::number(prefix, name + 1) {
            Number::Is(length @ 1..=64, body) => (length as usize, body),
            Number::Cut => return LIKELY,
            _ => return 0,
        },
        Some(_) => return 0,
    };
    let name = &prefix[body..prefix.len().min(body + length)];
    let letters = name.iter().all(|byte| byte.is_ascii_graphic());
    if name.len() < length {
        return if letters { LIKELY } else { 0 };
    }
    let ended = b"\r\n".starts_with(&prefix[body + length..prefix.len().min(body + length + 2)]);
    // Commands are strings throughout; servers tell of commands in arrays that begin alike (COMMAND DOCS).
    let strings = count == 1 || prefix.get(body + length + 2).is_none_or(|byte| *byte == b'$');
    match Id::of(name) {
        _ if !ended || !strings => 0,
        Some(_) => CERTAIN,
        // What a server sends to subscribers has this shape too.
        None if count >= 3 && name.ends_with(b"message") => 0,
        None if letters && name[0].is_ascii_alphabetic() => LIKELY,
        None => 0,
    }
}

/// Inline commands that no other protocol in lines has: not QUIT, AUTH, HELP or what memcached knows.
const INLINE: &[&[u8]] = &[
    b"PING",
    b"ECHO",
    b"SET",
    b"GET",
    b"DEL",
    b"EXISTS",
    b"DBSIZE",
    b"CONFIG",
    b"CLIENT",
    b"FLUSHALL",
    b"FLUSHDB",
    b"MONITOR",
    b"SELECT",
    b"HGETALL",
    b"INCR",
    b"LPUSH",
    b"RPUSH",
    b"LRANGE",
    b"COMMAND",
    b"PSYNC",
    b"REPLCONF",
    b"CLUSTER",
    b"SLOWLOG",
    b"EVAL",
];

/// How much less `PING` says, and how much more `+PONG`.
const PONG: u8 = 10;

fn inline(prefix: &[u8]) -> u8 {
    let Some((line, next)) = scan::line(prefix, 0) else { return 0 };
    let name = line.split(|byte| *byte == b' ').next().unwrap_or_default();
    // IMAP has SELECT, but behind a tag; memcached has "get", in lower case, and no "ping".
    let known = INLINE.contains(&name) || line == b"INFO" || name == b"ping";
    let text = line.iter().all(|byte| matches!(byte, b' '..=b'~'));
    // The rest has to be commands too.
    let rest = &prefix[next..];
    let more = rest.is_empty()
        || !matches!(
            command::Reader::default().read(rest, Settings::default()),
            Read::Lost | Read::Nothing(_)
        );
    let path = line.get(name.len()..).is_some_and(|rest| rest.starts_with(b" /"));
    let http = memchr::memmem::find(line, b" HTTP/").is_some();
    match known && text && more && !path && !http {
        // NATS has it too, and in its verbose mode `+OK`: only Redis answers it with `+PONG`.
        true if line == b"PING" => LIKELY - PONG,
        true => LIKELY,
        false => 0,
    }
}

fn server(prefix: &[u8]) -> u8 {
    let mut rest = prefix;
    let mut whole = false;
    let mut surest = LIKELY;
    // A few replies are enough.
    for _ in 0..8 {
        let Some(first) = rest.first() else { break };
        let text = matches!(first, b'+' | b'-' | b':' | b'_' | b'#' | b',' | b'(');
        let mut reader = reply::Reader::default();
        let read = match reader.read(rest) {
            Read::Whole(read) => read,
            // More than one header has to agree, or a whole line.
            Read::NeedMore if text => return if whole && line_begins(rest) { LIKELY } else { 0 },
            Read::NeedMore | Read::Part(_) | Read::Skip(..) => {
                return if whole || cut_reply(rest) { LIKELY } else { 0 };
            }
            Read::Lost | Read::Nothing(_) => return 0,
        };
        if text && !is_line(&rest[..read]) {
            return 0;
        }
        if *first == b'$' && read > 5 {
            surest = CERTAIN;
        } else if rest.starts_with(b"+PONG\r\n") {
            surest = surest.max(LIKELY + PONG);
        }
        whole = true;
        rest = &rest[read..];
    }
    if whole { surest } else { 0 }
}

/// A whole line as Redis sends it: `+OK`, `+PONG`, `+Background saving started`, `-ERR …`.
fn is_line(line: &[u8]) -> bool {
    let Some(line) = line.strip_suffix(b"\r\n") else { return false };
    if !line.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return false;
    }
    match line {
        // POP3 greets with a text behind it.
        [b'+', b'O', b'K', rest @ ..] => rest.is_empty(),
        [b'+', first, ..] => first.is_ascii_alphabetic(),
        // NATS quotes what went wrong, POP3 says it in brackets or in words; Redis knows its own.
        [b'-', b'E', b'R', b'R', b' ', rest @ ..] => is_error(rest),
        [b'-', error @ ..] => {
            let word = error.split(|byte| *byte == b' ').next().unwrap_or_default();
            word.len() >= 3 && word != b"ERR" && word.iter().all(|byte| byte.is_ascii_uppercase())
        }
        [b':' | b'(', number @ ..] => text::decimal(number.strip_prefix(b"-").unwrap_or(number)).is_some(),
        [b',', number @ ..] => {
            number.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte))
        }
        b"_" | b"#t" | b"#f" => true,
        _ => false,
    }
}

/// The text of a general error: Redis begins it in lower case, or with DB, EXEC, MULTI, ...
fn is_error(text: &[u8]) -> bool {
    !matches!(text, [] | [b'\'' | b'[' | b'<', ..])
}

fn line_begins(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\r'))
}

/// A reply of which the header, at least, is there with its line's end: `$1000\r\n…`, `*3\r\n$7\r\n…`.
fn cut_reply(bytes: &[u8]) -> bool {
    if !matches!(bytes[0], b'$' | b'*' | b'%' | b'~' | b'>' | b'=' | b'!') {
        return false;
    }
    match scan::number(bytes, 1) {
        // An array of nothing seen may be anything; what follows it has been read as RESP.
        Number::Is(_, next) => next < bytes.len() || bytes[0] == b'$',
        _ => false,
    }
}

#[cfg(test)]
mod tests;
