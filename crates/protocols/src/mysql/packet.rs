//! The smallest pieces: packets, numbers of varying length, and the packets that end a reply.

/// A packet's header: three bytes of length, one of sequence.
pub(super) const HEADER: usize = 4;
/// A payload of this length goes on in the next packet.
pub(super) const LONGEST: usize = 0xff_ffff;

/// What a packet's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// Bytes of payload.
    pub(super) length: usize,
    /// Counts packets of both parties from 0, a command being 0; wraps at 256.
    pub(super) sequence: u8,
}

impl Header {
    /// Length with the header.
    pub(super) fn whole(self) -> usize {
        HEADER + self.length
    }

    /// The payload goes on in the next packet.
    pub(super) fn continues(self) -> bool {
        self.length == LONGEST
    }
}

/// The header at the head of `bytes`, and what is there of the payload.
pub(super) fn header(bytes: &[u8]) -> Option<(Header, &[u8])> {
    let (&[a, b, c, sequence], rest) = bytes.split_first_chunk::<HEADER>()?;
    let length = usize::from(a) | usize::from(b) << 8 | usize::from(c) << 16;
    Some((Header { length, sequence }, rest.get(..length).unwrap_or(rest)))
}

/// A length-encoded integer, and what is behind it; `None` where it is cut or none.
pub(super) fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let length = match first {
        0..=0xfa => return Some((u64::from(first), rest)),
        0xfc => 2,
        0xfd => 3,
        0xfe => 8,
        _ => return None,
    };
    Some((little(rest.get(..length)?), rest.get(length..)?))
}

/// At most eight bytes as a number, the lowest first.
pub(super) fn little(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Bytes up to a zero, and what is behind it.
pub(super) fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(0, bytes)?;
    Some((bytes.get(..end)?, bytes.get(end + 1..)?))
}

/// Status flags of the server.
pub(super) mod status {
    /// Another result follows.
    pub(in crate::mysql) const MORE_RESULTS: u16 = 0x0008;
    /// Rows are to be fetched.
    pub(in crate::mysql) const CURSOR_EXISTS: u16 = 0x0040;
    /// That was the last of them.
    pub(in crate::mysql) const LAST_ROW_SENT: u16 = 0x0080;
    /// Backslashes in strings are no escapes.
    pub(in crate::mysql) const NO_BACKSLASH_ESCAPES: u16 = 0x0200;
}

/// What ends a reply, or one of its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct End {
    /// Rows that were changed; not told by an EOF packet.
    pub(super) affected: Option<u64>,
    pub(super) status: u16,
}

/// Bytes of an OK packet that are enough to read [`End`]: marker, two numbers, status.
pub(super) const END: usize = 1 + 9 + 9 + 2;

/// An OK packet, whatever its marker.
pub(super) fn ok(payload: &[u8]) -> Option<End> {
    let (affected, rest) = number(payload.get(1..)?)?;
    let (_insert_id, rest) = number(rest)?;
    Some(End { affected: Some(affected), status: little(rest.get(..2)?) as u16 })
}

/// An EOF packet, or the OK packet that stands for it: marker `0xfe`.
pub(super) fn end_of_rows(length: usize, payload: &[u8]) -> Option<End> {
    match length {
        5 => Some(End { affected: None, status: little(payload.get(3..5)?) as u16 }),
        7.. => ok(payload).map(|end| End { affected: None, ..end }),
        _ => None,
    }
}

/// The code of an ERR packet.
pub(super) fn error(payload: &[u8]) -> Option<u16> {
    Some(little(payload.get(1..3)?) as u16)
}
