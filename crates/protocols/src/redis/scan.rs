//! The smallest pieces of RESP.

use memchr::memchr;

/// What was made of a number that ends its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    /// The number, and the place behind its line's end.
    Is(u64, usize),
    /// A negative number: null, or nothing.
    Negative(usize),
    /// The line's end was not seen yet.
    Cut,
    /// No number.
    Not,
}

/// More than any length or count; far from where sums could overflow.
const MOST: u64 = 1 << 40;

/// Reads the number at `at`.
#[inline]
pub(super) fn number(bytes: &[u8], at: usize) -> Number {
    let mut value = 0u64;
    let mut place = at;
    while let Some(byte) = bytes.get(place) {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            value = value * 10 + u64::from(digit);
            if value > MOST {
                return Number::Not;
            }
            place += 1;
            continue;
        }
        return match (byte, bytes.get(place + 1)) {
            (b'\r', Some(b'\n')) if place > at => Number::Is(value, place + 2),
            (b'\r', None) if place > at => Number::Cut,
            (b'-', _) if place == at => negative(bytes, at + 1),
            _ => Number::Not,
        };
    }
    if place - at > 20 { Number::Not } else { Number::Cut }
}

fn negative(bytes: &[u8], at: usize) -> Number {
    match number(bytes, at) {
        Number::Is(_, next) if bytes[at] != b'-' => Number::Negative(next),
        Number::Cut => Number::Cut,
        _ => Number::Not,
    }
}

/// The line at `at` without its end, and the place behind it; `None` when its end was not seen yet.
#[inline]
pub(super) fn line(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = bytes.get(at..)?;
    let end = memchr(b'\n', rest)?;
    let line = &rest[..end];
    Some((line.strip_suffix(b"\r").unwrap_or(line), at + end + 1))
}

/// What a reader made of the head of a direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    NeedMore,
    /// So many bytes, at least one, of a message that goes on.
    Part(usize),
    /// So many bytes, and so many behind them that may be missing, of a message that may go on.
    Skip(usize, u64),
    /// The message ends with the last of so many bytes.
    Whole(usize),
    /// So many bytes that are no message.
    Nothing(usize),
    Lost,
}

impl Read {
    /// What was read up to `at`, the message going on.
    pub(super) fn up_to(at: usize) -> Self {
        if at > 0 { Read::Part(at) } else { Read::NeedMore }
    }
}
