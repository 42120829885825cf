//! DNS over TCP: each message behind its length, and many of them on their way at once (RFC 1035, 4.2.2; RFC 7766).

use model::Party;

use super::detect::sureness;
use super::message::Header;
use crate::LIKELY;

pub use super::conversation::Conversation;

/// Bytes of a message that are looked at. The rest, of a zone transfer mostly, may be missing.
const LOOKED_AT: usize = 2048;
const PREFIX: usize = 2;

/// How surely `prefix` begins what `party` sends in DNS over TCP: as for a datagram, but a message that is cut is at most
/// [`LIKELY`].
pub fn detect(party: Party, prefix: &[u8]) -> u8 {
    let Some((length, body)) = prefix.split_first_chunk::<PREFIX>() else { return 0 };
    let length = usize::from(u16::from_be_bytes(*length));
    match body.get(..length) {
        Some(message) => sureness(party, message, length),
        None => sureness(party, body, length).min(LIKELY),
    }
}

/// The head of a direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    NeedMore,
    /// No message is as short as that.
    Lost,
    /// A message, or as much of it as is looked at; `skip` bytes of it follow.
    Message {
        bytes: &'a [u8],
        read: usize,
        skip: u64,
    },
}

pub(super) fn frame(bytes: &[u8]) -> Frame<'_> {
    let Some((length, body)) = bytes.split_first_chunk::<PREFIX>() else { return Frame::NeedMore };
    let length = usize::from(u16::from_be_bytes(*length));
    if length < Header::LENGTH {
        return Frame::Lost;
    }
    let looked_at = length.min(LOOKED_AT);
    match body.get(..looked_at) {
        Some(bytes) => Frame::Message { bytes, read: PREFIX + looked_at, skip: (length - looked_at) as u64 },
        None => Frame::NeedMore,
    }
}
