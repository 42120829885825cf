//! Where a body ends (RFC 9112, 6 and 7). What is in it is never looked at.

use super::line;
use super::method::Method;
use crate::text::{decimal, trim};

/// The fields that delimit a body, as they are gathered.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Framing {
    length: Option<u64>,
    /// `Content-Length` that is no number, or several that differ.
    contradictory: bool,
    transfer: Transfer,
    last: Delimits,
}

/// What the field line before says.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Delimits {
    #[default]
    Nothing,
    Length,
    Transfer,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Transfer {
    #[default]
    Plain,
    Chunked,
    /// Some coding that does not end with chunked.
    Coded,
}

/// A body's extent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    None,
    Length(u64),
    Chunked,
    UntilClose,
}

impl Framing {
    /// Takes a field line if it is one of those that delimit.
    pub(super) fn field(&mut self, line: &[u8]) {
        if let Some(value) = line::value(line, b"content-length") {
            self.last = Delimits::Length;
            self.length(value);
        } else if let Some(value) = line::value(line, b"transfer-encoding") {
            self.last = Delimits::Transfer;
            self.coding(value);
        }
    }

    /// Takes a line that goes on with the field before it, as was once allowed (RFC 9112, 5.2); true if it is one.
    pub(super) fn folded(&mut self, line: &[u8]) -> bool {
        let folded = matches!(line.first(), Some(b' ' | b'\t'));
        match self.last {
            _ if !folded => self.last = Delimits::Nothing,
            Delimits::Length => self.length(trim(line)),
            Delimits::Transfer => self.coding(trim(line)),
            Delimits::Nothing => {}
        }
        folded
    }

    /// A list of equal numbers, made by joining duplicates, is one number (RFC 9112, 6.3).
    fn length(&mut self, value: &[u8]) {
        for item in value.split(|byte| *byte == b',').filter(|_| !value.is_empty()) {
            let length = decimal(trim(item));
            self.contradictory |= length.is_none() || self.length.is_some_and(|known| Some(known) != length);
            self.length = length;
        }
    }

    fn coding(&mut self, value: &[u8]) {
        let Some(last) = value.rsplit(|byte| *byte == b',').map(trim).find(|coding| !coding.is_empty())
        else {
            return;
        };
        if last.eq_ignore_ascii_case(b"chunked") {
            self.transfer = Transfer::Chunked;
        } else if !last.eq_ignore_ascii_case(b"identity") {
            // That one is obsolete, and means nothing.
            self.transfer = Transfer::Coded;
        }
    }

    /// A request's body; `None` where its end cannot be told.
    pub(super) fn of_request(&self) -> Option<Body> {
        match self.transfer {
            Transfer::Chunked => Some(Body::Chunked),
            Transfer::Coded => None,
            Transfer::Plain if self.contradictory => None,
            Transfer::Plain => {
                Some(self.length.filter(|length| *length > 0).map_or(Body::None, Body::Length))
            }
        }
    }

    /// The body of a response with `status` to `method`; `None` where its end cannot be told.
    pub(super) fn of_response(&self, status: u16, method: Option<Method>) -> Option<Body> {
        if method == Some(Method::Head) || status < 200 || status == 204 || status == 304 {
            return Some(Body::None);
        }
        match (self.transfer, self.length) {
            (Transfer::Chunked, _) => Some(Body::Chunked),
            (Transfer::Coded, _) => Some(Body::UntilClose),
            _ if self.contradictory => None,
            (_, Some(0)) => Some(Body::None),
            (_, Some(length)) => Some(Body::Length(length)),
            (_, None) => Some(Body::UntilClose),
        }
    }
}

/// Where in a chunked body a party is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunks {
    /// Before the first chunk's size.
    First,
    /// Behind a chunk's data, before the line end that belongs to it.
    Next,
    /// Behind the last chunk: trailer fields, then an empty line.
    Trailers,
}

/// What was made of a piece of a chunked body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunk {
    NeedMore,
    /// So many bytes were read; then go on with this.
    Read(usize, Chunks),
    /// So many bytes were read, and so many of data follow; then [`Chunks::Next`].
    Data(usize, u64),
    /// So many bytes were read, and the body is over.
    End(usize),
    /// Not a chunked body.
    Lost,
}

/// The longest line that gives a chunk's size, extensions included.
const LONGEST_SIZE_LINE: usize = 4096;

/// Reads the head of `bytes`, the first `known` of which are known to hold no line feed.
pub(super) fn chunk(at: Chunks, bytes: &[u8], known: usize) -> Chunk {
    let behind_data = match (at, bytes) {
        (Chunks::First | Chunks::Trailers, _) => 0,
        (Chunks::Next, [b'\r', b'\n', ..]) => 2,
        (Chunks::Next, [b'\n', ..]) => 1,
        (Chunks::Next, [b'\r']) => return Chunk::NeedMore,
        (Chunks::Next, _) => return Chunk::Lost,
    };
    let Some((line, length)) = line::line(&bytes[behind_data..], known.saturating_sub(behind_data)) else {
        return match at {
            Chunks::First | Chunks::Next if bytes.len() > LONGEST_SIZE_LINE => Chunk::Lost,
            _ => Chunk::NeedMore,
        };
    };
    let read = behind_data + length;
    match at {
        Chunks::Trailers if line.is_empty() => Chunk::End(read),
        Chunks::Trailers => Chunk::Read(read, Chunks::Trailers),
        _ => match size(line) {
            None => Chunk::Lost,
            Some(0) => Chunk::Read(read, Chunks::Trailers),
            Some(size) => Chunk::Data(read, size),
        },
    }
}

/// A chunk's size: hexadecimal, then perhaps blanks and extensions.
fn size(line: &[u8]) -> Option<u64> {
    let zeros = line.iter().take_while(|byte| **byte == b'0').count();
    let line = &line[zeros.saturating_sub(1)..];
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    if !(1..=17).contains(&digits) || !matches!(line.get(digits), None | Some(b';' | b' ' | b'\t')) {
        return None;
    }
    line[..digits].iter().try_fold(0u64, |size, digit| {
        size.checked_mul(16)?.checked_add(char::from(*digit).to_digit(16)?.into())
    })
}
