//! The head of a message, line by line.
//!
//! A scan of its own, rather than a general header parser, because a head may come in pieces or be cut by
//! the capture budget: what was read of it must not be lost, and must not be read again with every piece.
//! It also wants no bound on the number of fields, of which only a handful are looked at.

use model::Text;
use model::trace::Ids;

use super::body::Framing;
use super::line::{self, value};
use super::method::{self, Method};
use super::target::{self, Target};
use crate::Settings;
use crate::text::{bounded, decimal, trim};

/// What is kept of a request's head.
#[derive(Debug, Default)]
pub(super) struct RequestHead {
    pub(super) method: Method,
    /// The method as sent, where it is not a known one.
    pub(super) original: Option<Box<str>>,
    pub(super) target: Target,
    /// Minor version: 0 or 1.
    pub(super) version: u8,
    pub(super) traceparent: Option<Text>,
    /// By which it may belong to other requests, where that is wanted.
    pub(super) ids: Ids,
    notes_ids: bool,
    /// The client asks the server to wait.
    pub(super) waits: bool,
    /// The client holds the body back until the server tells it to go on (RFC 9110, 10.1.1).
    pub(super) expects: bool,
    pub(super) framing: Framing,
}

/// What is kept of a response's head.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct ResponseHead {
    pub(super) status: u16,
    pub(super) event_stream: bool,
    /// What follows 101 is WebSocket (RFC 6455).
    pub(super) socket: bool,
    pub(super) framing: Framing,
}

/// Method, target and minor version of a request line (RFC 9112, 3).
pub(super) fn request_line(line: &[u8]) -> Option<(&[u8], &[u8], u8)> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let space = method_end(line)?;
    let (rest, version) = line.split_at_checked(line.len().checked_sub(9)?)?;
    let [b' ', b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor @ b'0'..=b'9'] = version else { return None };
    let target = trim(rest.get(space + 1..)?);
    (!target.is_empty()).then_some((&line[..space], target, u8::from(*minor != b'0')))
}

/// Where the method of a request line ends.
fn method_end(line: &[u8]) -> Option<usize> {
    let end = line.iter().take(method::LONGEST + 1).position(|byte| *byte == b' ')?;
    (end > 0 && line[..end].iter().all(|byte| method::is_token(*byte))).then_some(end)
}

/// Minor version and status of a status line (RFC 9112, 4). The reason may be missing with its space.
pub(super) fn status_line(line: &[u8]) -> Option<(u8, u16)> {
    let [b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor @ b'0'..=b'9', b' ', digits @ ..] = line else {
        return None;
    };
    let (status, reason) = digits.split_at_checked(3)?;
    let status = decimal(status)?;
    let fits = (100..1000).contains(&status) && matches!(reason, [] | [b' ' | b'\t' | b'\r', ..]);
    fits.then_some((u8::from(*minor != b'0'), status as u16))
}

/// True when `bytes`, which hold no line feed, may begin a request line. The first `known` of them passed this
/// check before.
pub(super) fn may_begin_request(bytes: &[u8], known: usize) -> bool {
    match bytes.iter().take(method::LONGEST + 1).position(|byte| *byte == b' ') {
        Some(_) => {
            method_end(bytes).is_some()
                && bytes.iter().skip(known).all(|byte| *byte >= b' ' || *byte == b'\r')
        }
        None => bytes.len() <= method::LONGEST && bytes.iter().all(|byte| method::is_token(*byte)),
    }
}

/// True when `bytes`, which hold no line feed, may begin a status line.
pub(super) fn may_begin_response(bytes: &[u8]) -> bool {
    let known = bytes.len().min(7);
    bytes[..known] == b"HTTP/1."[..known] && bytes.len() < 4096
}

impl RequestHead {
    /// From the request line.
    pub(super) fn begin(line: &[u8], settings: Settings) -> Option<Self> {
        let (token, target, version) = request_line(line)?;
        let method = Method::of(token);
        let (target, waits) = target::read(method, target, settings);
        Some(RequestHead {
            method,
            original: (method == Method::Other).then(|| bounded(token, method::LONGEST).as_str().into()),
            target,
            version,
            waits,
            notes_ids: settings.ids,
            ..RequestHead::default()
        })
    }

    /// Takes what matters of one field line; a folded line (RFC 9112, 5.2) matters as little as its bytes.
    pub(super) fn field(&mut self, line: &[u8]) {
        if self.framing.folded(line) {
            return;
        }
        match line.first().map_or(0, |byte| byte | 0x20) {
            b'h' => {
                if let Some(value) = value(line, b"host") {
                    self.target.host.get_or_insert_with(|| target::host(value));
                }
            }
            b't' => {
                if let Some(value) = value(line, b"traceparent") {
                    self.traceparent = (!value.is_empty()).then(|| bounded(value, 64));
                    if self.notes_ids {
                        self.ids.field(b"traceparent", value);
                    }
                } else {
                    self.framing.field(line);
                }
            }
            b'p' => {
                if let Some(value) = value(line, b"prefer") {
                    self.waits |= value.split(|byte| *byte == b',').any(|preference| {
                        let preference = trim(preference);
                        preference.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"wait="))
                    });
                }
            }
            b'e' => {
                if let Some(value) = value(line, b"expect") {
                    self.expects = value.eq_ignore_ascii_case(b"100-continue");
                }
            }
            b'c' => self.framing.field(line),
            b'b' | b'r' | b's' | b'u' | b'x' => {
                if self.notes_ids
                    && let Some((name, value)) = line::field(line)
                {
                    self.ids.field(name, value);
                }
            }
            _ => {}
        }
    }
}

impl ResponseHead {
    /// From the status line.
    pub(super) fn begin(line: &[u8]) -> Option<Self> {
        let (_, status) = status_line(line)?;
        Some(ResponseHead { status, ..ResponseHead::default() })
    }

    /// Takes what matters of one field line.
    pub(super) fn field(&mut self, line: &[u8]) {
        if self.framing.folded(line) {
            return;
        }
        match line.first().map_or(0, |byte| byte | 0x20) {
            b'c' => {
                if let Some(value) = value(line, b"content-type") {
                    let stream = b"text/event-stream";
                    self.event_stream =
                        value.get(..stream.len()).is_some_and(|kind| kind.eq_ignore_ascii_case(stream));
                } else {
                    self.framing.field(line);
                }
            }
            b't' => self.framing.field(line),
            b'u' => {
                if let Some(value) = value(line, b"upgrade") {
                    self.socket = value.eq_ignore_ascii_case(b"websocket");
                }
            }
            _ => {}
        }
    }
}
