//! What a server's messages say.

use model::Text;

use super::frames::{LONGEST, c_string};
use crate::text::{bounded, decimal};

/// The longest message of those that are short by nature.
const LONGEST_SHORT: u64 = 30_000;
/// Parameter types of a statement, four bytes for each of 65,535.
const LONGEST_TYPES: u64 = 2 + 4 * 65_535;
/// As much of an error or a parameter as is read: what is looked for stands in front.
const LONGEST_FIELDS: usize = 256;
/// As much of a command's tag.
const LONGEST_TAG: usize = 64;

/// As much as is read of a message with such a body; `None` where there is no such message.
pub(super) fn wanted(kind: u8, length: u64) -> Option<usize> {
    let (shortest, longest, wanted) = match kind {
        b'C' => (1, LONGEST_SHORT, LONGEST_TAG),
        b'E' => (1, LONGEST, LONGEST_FIELDS),
        b'Z' => (1, 1, 1),
        b'S' => (2, LONGEST_SHORT, LONGEST_FIELDS),
        b'R' => (4, LONGEST_SHORT, 0),
        b'K' => (8, 260, 0),
        b'v' => (8, LONGEST_SHORT, 0),
        b'N' => (1, LONGEST, 0),
        b'A' => (6, LONGEST_SHORT, 0),
        b'T' | b'D' => (2, LONGEST, 0),
        b't' => (2, LONGEST_TYPES, 0),
        b'V' => (4, LONGEST, 0),
        b'G' | b'H' => (3, LONGEST_SHORT, 0),
        // What follows it is not read any more.
        b'W' => (3, LONGEST_SHORT, LONGEST_SHORT as usize),
        b'd' => (0, LONGEST, 0),
        b'1' | b'2' | b'3' | b'n' | b's' | b'I' | b'c' => (0, 0, 0),
        _ => return None,
    };
    (shortest..=longest).contains(&length).then_some(wanted)
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Message {
    /// A statement was executed.
    Complete(Tag),
    /// There was no statement.
    Empty,
    /// The portal has more rows than were asked for.
    Suspended,
    Failed(Failure),
    /// The server waits for the next request. True outside of a transaction.
    Ready {
        idle: bool,
    },
    Row,
    /// The client is to send the data of a COPY.
    CopyIn,
    /// Both will send: replication.
    CopyBoth,
    /// Whether backslashes in plain strings are but backslashes.
    StandardStrings(bool),
    /// ParameterStatus, NoticeResponse: belongs to an answer if there is one.
    Aside,
    /// NotificationResponse.
    Notification,
    /// ParseComplete, CloseComplete.
    Confirmed,
    /// A part of an answer that tells nothing.
    Part,
}

/// What became of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tag {
    pub(super) rows: Rows,
    pub(super) count: u64,
}

/// What a tag counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Rows {
    #[default]
    None,
    /// SELECT and FETCH; SELECT also where rows go into a new table.
    Returned,
    /// INSERT and its like, COPY.
    Affected,
}

/// An ErrorResponse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// SQLSTATE.
    pub(super) code: Text,
    /// The server ends the connection.
    pub(super) fatal: bool,
}

/// Reads a message from the wanted part of its body; `None` where it makes no sense.
pub(super) fn message(kind: u8, body: &[u8]) -> Option<Message> {
    Some(match kind {
        b'C' => Message::Complete(tag(c_string(body)?.0)?),
        b'I' => Message::Empty,
        b's' => Message::Suspended,
        b'E' => Message::Failed(failure(body)?),
        b'Z' => match body {
            [b'I'] => Message::Ready { idle: true },
            [b'T' | b'E'] => Message::Ready { idle: false },
            _ => return None,
        },
        b'D' => Message::Row,
        b'G' => Message::CopyIn,
        b'W' => Message::CopyBoth,
        b'S' => parameter(body)?,
        b'N' => Message::Aside,
        b'A' => Message::Notification,
        b'1' | b'3' => Message::Confirmed,
        _ => Message::Part,
    })
}

/// `SELECT 5`, `INSERT 0 5`, `CREATE TABLE`.
fn tag(tag: &[u8]) -> Option<Tag> {
    if !tag.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') {
        return None;
    }
    let word = tag.split(|byte| *byte == b' ').next().unwrap_or_default();
    let count = tag.rsplit(|byte| *byte == b' ').next().and_then(decimal);
    let rows = match word {
        b"SELECT" | b"FETCH" => Rows::Returned,
        b"INSERT" | b"UPDATE" | b"DELETE" | b"MERGE" | b"COPY" => Rows::Affected,
        _ => Rows::None,
    };
    Some(count.map_or(Tag::default(), |count| Tag { rows, count }))
}

/// Fields, each a byte that tells which and a string; a NUL ends them.
fn failure(body: &[u8]) -> Option<Failure> {
    let (mut code, mut fatal, mut rest) = (None, false, body);
    while let [field @ b'A'..=b'z', behind @ ..] = rest {
        let Some((value, behind)) = c_string(behind) else { break };
        match field {
            b'C' => code = Some(value),
            // Severity; V is never translated, but came with 9.6.
            b'V' | b'S' => fatal |= matches!(value, b"FATAL" | b"PANIC"),
            _ => {}
        }
        rest = behind;
    }
    let code = code.filter(|code| code.len() == 5 && code.iter().all(u8::is_ascii_alphanumeric))?;
    Some(Failure { code: bounded(code, 5), fatal })
}

fn parameter(body: &[u8]) -> Option<Message> {
    let (name, rest) = c_string(body)?;
    Some(match name {
        b"standard_conforming_strings" => Message::StandardStrings(!rest.starts_with(b"off")),
        _ => Message::Aside,
    })
}
