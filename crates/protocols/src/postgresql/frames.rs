//! Cuts a direction into messages.

use std::borrow::Cow;

/// The kind of a message without a type byte: what a client may send before anything else.
pub(super) const STARTUP: u8 = 0;
/// The longest message: `MaxAllocSize` of a server.
pub(super) const LONGEST: u64 = 1 << 30;

/// How many bytes of a message's body are to be read, by its kind and the body's length; `None` where there is no such
/// message.
pub(super) type Wanted = fn(u8, u64) -> Option<usize>;

/// Type byte, length of the body, and length of both headers; `None` where more is needed to tell.
pub(super) fn header(bytes: &[u8]) -> Option<(u8, Option<u64>, usize)> {
    // The length of a message without a type is short enough that its first byte is zero.
    let typed = usize::from(*bytes.first()? != STARTUP);
    let length = bytes.get(typed..typed + 4)?;
    let length = length.iter().fold(0u64, |length, byte| length << 8 | u64::from(*byte));
    // The length counts itself.
    Some((bytes[0], length.checked_sub(4), typed + 4))
}

/// Reads the messages of a direction.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// A message was begun.
    open: bool,
    kind: u8,
    /// Bytes of the body.
    length: u64,
    /// Bytes of the body that are wanted and not read yet.
    wanting: usize,
    /// Bytes of the body that were read.
    read: u64,
    /// The wanted part, as far as it came in earlier pieces.
    body: Vec<u8>,
}

/// What was made of the head of a direction.
#[derive(Debug)]
pub(super) enum Frame<'a> {
    NeedMore,
    Lost,
    /// So many bytes of a message of which the wanted part goes on.
    Part(usize),
    /// The wanted part of a message is there. So many bytes were read, and the rest of the message follows.
    Message {
        kind: u8,
        body: Cow<'a, [u8]>,
        /// The wanted part is the whole body.
        whole: bool,
        read: usize,
        rest: u64,
    },
}

impl Frames {
    /// True between messages.
    pub(super) fn is_idle(&self) -> bool {
        !self.open
    }

    /// Reads from the head of `bytes`.
    pub(super) fn next<'a>(&mut self, bytes: &'a [u8], wanted: Wanted) -> Frame<'a> {
        let mut at = 0;
        if !self.open {
            let Some((kind, length, next)) = header(bytes) else {
                // A kind that does not exist need not wait for its length.
                let known =
                    bytes.first().is_some_and(|kind| (0..64).any(|length| wanted(*kind, length).is_some()));
                return if known { Frame::NeedMore } else { Frame::Lost };
            };
            let Some((length, wanting)) = length.and_then(|length| Some((length, wanted(kind, length)?)))
            else {
                return Frame::Lost;
            };
            let wanting = wanting.min(usize::try_from(length).unwrap_or(usize::MAX));
            *self = Frames { open: true, kind, length, wanting, read: 0, body: Vec::new() };
            at = next;
        }
        let there = bytes.get(at..).unwrap_or_default();
        let part = &there[..self.wanting.min(there.len())];
        self.wanting -= part.len();
        self.read += part.len() as u64;
        let read = at + part.len();
        if self.wanting > 0 {
            self.body.extend_from_slice(part);
            return if read > 0 { Frame::Part(read) } else { Frame::NeedMore };
        }
        let body = if self.body.is_empty() {
            Cow::Borrowed(part)
        } else {
            self.body.extend_from_slice(part);
            Cow::Owned(std::mem::take(&mut self.body))
        };
        let rest = self.length - self.read;
        Frame::Message { kind: self.kind, whole: rest == 0, body, read, rest }
    }

    /// The message is over.
    pub(super) fn close(&mut self) {
        self.open = false;
    }

    /// The rest of the message will not be seen: its kind, what was read of its body, and how many bytes were not.
    pub(super) fn take(&mut self) -> Option<(u8, Vec<u8>, u64)> {
        let frames = std::mem::take(self);
        frames.open.then_some((frames.kind, frames.body, frames.length - frames.read))
    }
}

/// The bytes before the first NUL, and those behind it.
pub(super) fn c_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(0, bytes)?;
    Some((&bytes[..end], &bytes[end + 1..]))
}
