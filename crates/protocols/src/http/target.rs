//! The target of a request (RFC 9112, 3.2): path, query, and whom it names.

use memchr::{memchr, memmem};
use model::Text;

use super::method::Method;
use crate::Settings;
use crate::text::bounded;

/// The longest path, query and name that are kept.
const LONGEST_PATH: usize = 1024;
const LONGEST_QUERY: usize = 512;
const LONGEST_NAME: usize = 255;

/// What is kept of a target.
#[derive(Debug, Default)]
pub(super) struct Target {
    /// The path as sent, without the query; `*` for the asterisk form; empty for the authority form.
    pub(super) path: Text,
    /// The query, its values replaced by `?` unless the user wants them.
    pub(super) query: Option<Text>,
    /// The name in an absolute or authority form, which goes before the `Host` field (RFC 9112, 3.2.2), or
    /// else in that field.
    pub(super) host: Option<Text>,
}

/// Reads a target; also tells whether it asks the server to wait.
pub(super) fn read(method: Method, bytes: &[u8], settings: Settings) -> (Target, bool) {
    let mut target = Target::default();
    if method == Method::Connect {
        target.host = Some(host(bytes));
        return (target, false);
    }
    let mut local = bytes;
    if !matches!(bytes, [b'/' | b'*', ..])
        && let Some(scheme) = memmem::find(&bytes[..bytes.len().min(16)], b"://")
    {
        let rest = &bytes[scheme + 3..];
        let authority = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
        target.host = Some(host(&rest[..authority]));
        local = &rest[authority..];
    }
    // A fragment is never sent, but some clients do.
    let local = &local[..memchr(b'#', local).unwrap_or(local.len())];
    let (path, query) = match memchr(b'?', local) {
        Some(mark) => (&local[..mark], Some(&local[mark + 1..])),
        None => (local, None),
    };
    target.path = if path.is_empty() { Text::const_new("/") } else { bounded(path, LONGEST_PATH) };
    let Some(query) = query.filter(|query| !query.is_empty()) else { return (target, false) };
    target.query = Some(match settings.keep_values {
        true => bounded(query, LONGEST_QUERY),
        false => without_values(query),
    });
    (target, waits(path, query))
}

/// The name in `host[:port]`, perhaps behind `user@`; an IPv6 address without its brackets.
pub(super) fn host(bytes: &[u8]) -> Text {
    let bytes = match memchr::memrchr(b'@', bytes) {
        Some(at) => &bytes[at + 1..],
        None => bytes,
    };
    let name = match bytes {
        [b'[', rest @ ..] => &rest[..memchr(b']', rest).unwrap_or(rest.len())],
        _ => &bytes[..memchr(b':', bytes).unwrap_or(bytes.len())],
    };
    bounded(name, LONGEST_NAME)
}

/// `a=1&b=2` as `a=?&b=?`. A parameter without `=` may be a value itself (a token), so it becomes `?`.
fn without_values(query: &[u8]) -> Text {
    // Made safe once; what is between the signs of a query is not changed by it.
    let query = bounded(query, LONGEST_QUERY);
    let mut text = Text::default();
    for (place, parameter) in query.split('&').enumerate() {
        if place > 0 {
            text.push_str("&");
        }
        match parameter.as_bytes().iter().position(|byte| *byte == b'=') {
            Some(equals) => text.push_str(&parameter[..=equals]),
            None if parameter.is_empty() => continue,
            None => {}
        }
        text.push_str("?");
    }
    text
}

/// The rule for long polls; see the module's documentation.
fn waits(path: &[u8], query: &[u8]) -> bool {
    let (mut wait, mut index, mut timeout) = (false, false, false);
    for parameter in query.split(|byte| *byte == b'&') {
        let Some(equals) = parameter.iter().position(|byte| *byte == b'=') else { continue };
        let set = !matches!(&parameter[equals + 1..], b"" | b"0" | b"false");
        match &parameter[..equals] {
            b"watch" | b"longpoll" if set => return true,
            b"wait" => wait = set,
            b"index" => index = true,
            b"timeout" => timeout = set,
            _ => {}
        }
    }
    (wait && index) || (timeout && (path.ends_with(b"/sync") || path.ends_with(b"/getUpdates")))
}
