//! Lines: of which heads are made, and the sizes of chunks (RFC 9112, 2.2).

use memchr::memchr;

use crate::text::trim;

/// How a response begins.
pub(super) const NEXT: &[u8] = b"HTTP/1.";

/// Empty lines before a message.
pub(super) fn blank(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count()
}

/// The first line of `bytes` without its end, and the length with its end. A bare line feed ends a line too
/// (RFC 9112, 2.2). The first `known` bytes are known to have none.
pub(super) fn line(bytes: &[u8], known: usize) -> Option<(&[u8], usize)> {
    let end = known + memchr(b'\n', bytes.get(known..)?)?;
    let line = &bytes[..end];
    Some((line.strip_suffix(b"\r").unwrap_or(line), end + 1))
}

/// Name and value of a field line.
pub(super) fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr(b':', line)?;
    Some((&line[..colon], trim(&line[colon + 1..])))
}

/// The value of a field line, if its name is `name` (in lower case).
#[inline]
pub(super) fn value<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (found, value) = line.split_at_checked(name.len() + 1)?;
    let (colon, found) = found.split_last()?;
    (*colon == b':' && found.eq_ignore_ascii_case(name)).then(|| trim(value))
}
