//! What a client's messages say.

use super::frames::{LONGEST, STARTUP, c_string};

/// Codes in the place of the protocol's version.
pub(super) const CANCEL_REQUEST: u32 = 80_877_102;
pub(super) const SSL_REQUEST: u32 = 80_877_103;
pub(super) const GSS_ENCRYPTION_REQUEST: u32 = 80_877_104;
/// The major version of the protocol, in the upper half.
const VERSION_3: u32 = 3;

/// The longest start-up message (`MAX_STARTUP_PACKET_LENGTH`).
const LONGEST_STARTUP: u64 = 10_000;
/// The longest message that holds a name and little more.
const LONGEST_NAMED: u64 = 30_000;
/// The longest message of an authentication (`PG_MAX_AUTH_TOKEN_LENGTH`).
const LONGEST_SECRET: u64 = 65_535;
/// As much of a statement as is read.
const LONGEST_TEXT: usize = 16 * 1024;
/// Room for two names: PostgreSQL's own have 63 bytes at most.
const LONGEST_NAMES: usize = 256;

/// As much as is read of a message with such a body; `None` where there is no such message.
pub(super) fn wanted(kind: u8, length: u64) -> Option<usize> {
    let (shortest, longest, wanted) = match kind {
        STARTUP => (4, LONGEST_STARTUP, 1024),
        b'Q' => (1, LONGEST, LONGEST_TEXT),
        b'P' => (4, LONGEST, LONGEST_TEXT),
        b'B' => (8, LONGEST, LONGEST_NAMES),
        b'E' => (5, LONGEST_NAMED, LONGEST_NAMES),
        b'D' | b'C' => (2, LONGEST_NAMED, LONGEST_NAMES),
        b'F' => (10, LONGEST, 0),
        // Passwords, and other secrets of an authentication.
        b'p' => (0, LONGEST_SECRET, 0),
        b'd' => (0, LONGEST, 0),
        b'f' => (1, LONGEST, 0),
        b'H' | b'S' | b'X' | b'c' => (0, 0, 0),
        _ => return None,
    };
    (shortest..=longest).contains(&length).then_some(wanted)
}

/// What a message says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// The parameters' bytes.
    Startup(&'a [u8]),
    Encrypt,
    Cancel,
    Query(Sql<'a>),
    Parse {
        statement: &'a [u8],
        sql: Sql<'a>,
    },
    Bind {
        portal: &'a [u8],
        statement: &'a [u8],
    },
    Execute {
        portal: &'a [u8],
        /// Rows after which the portal is suspended; 0: none.
        most: u32,
    },
    Describe,
    /// The statement that is closed; `None` for a portal.
    Close(Option<&'a [u8]>),
    FunctionCall,
    Sync,
    CopyData,
    /// CopyDone or CopyFail.
    CopyEnds,
    Password,
    /// Flush, Terminate.
    Other,
}

/// A statement's text, and whether it is all of it.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(super) struct Sql<'a> {
    pub(super) text: &'a [u8],
    pub(super) whole: bool,
}

/// Reads a message from the wanted part of its body; `None` where it makes no sense.
pub(super) fn message(kind: u8, body: &[u8], whole: bool) -> Option<Message<'_>> {
    Some(match kind {
        STARTUP => return startup(body),
        b'Q' => Message::Query(sql(body, whole, true)?),
        b'P' => {
            let (statement, rest) = c_string(body)?;
            Message::Parse { statement, sql: sql(rest, whole, false)? }
        }
        b'B' => {
            // Names that are longer than what is read are nobody's.
            let (portal, rest) = c_string(body).unwrap_or((body, b""));
            let statement = c_string(rest).map_or(rest, |(statement, _)| statement);
            Message::Bind { portal, statement }
        }
        b'E' => {
            let (portal, rest) = c_string(body).unwrap_or((body, b""));
            let most = rest.get(..4).map_or(0, number);
            Message::Execute { portal, most }
        }
        b'C' => match body {
            [b'S', name @ ..] => Message::Close(Some(c_string(name).map_or(name, |(name, _)| name))),
            [b'P', ..] => Message::Close(None),
            _ => return None,
        },
        b'D' => match body {
            [b'S' | b'P', ..] => Message::Describe,
            _ => return None,
        },
        b'F' => Message::FunctionCall,
        b'S' => Message::Sync,
        b'd' => Message::CopyData,
        b'c' | b'f' => Message::CopyEnds,
        b'p' => Message::Password,
        _ => Message::Other,
    })
}

/// A statement up to its NUL; `last` where nothing may follow that.
fn sql(body: &[u8], whole: bool, last: bool) -> Option<Sql<'_>> {
    match c_string(body) {
        Some((text, rest)) if !last || rest.is_empty() => Some(Sql { text, whole: true }),
        None if !whole => Some(Sql { text: body, whole: false }),
        _ => None,
    }
}

fn startup(body: &[u8]) -> Option<Message<'_>> {
    let (code, rest) = body.split_first_chunk::<4>()?;
    match (u32::from_be_bytes(*code), rest.len()) {
        (CANCEL_REQUEST, 8..=260) => Some(Message::Cancel),
        (SSL_REQUEST | GSS_ENCRYPTION_REQUEST, 0) => Some(Message::Encrypt),
        (version, _) if version >> 16 == VERSION_3 => Some(Message::Startup(rest)),
        _ => None,
    }
}

/// The database that a start-up message asks for: where it names none, it is called as the user.
pub(super) fn database(parameters: &[u8]) -> Option<&[u8]> {
    let (mut user, mut rest) = (None, parameters);
    while let Some((name, behind)) = c_string(rest)
        && !name.is_empty()
    {
        let (value, behind) = c_string(behind)?;
        match name {
            b"database" => return Some(value),
            b"user" => user = Some(value),
            _ => {}
        }
        rest = behind;
    }
    user
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}
