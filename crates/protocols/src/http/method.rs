//! Request methods: those with a name of their own in records, and those that detection believes.

/// A method of RFC 9110, section 9, or RFC 5789 (`PATCH`), or RFC 10008 (`QUERY`); the methods that
/// OpenTelemetry's conventions know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Method {
    Get,
    Head,
    Post,
    Put,
    Delete,
    Connect,
    Options,
    Trace,
    Patch,
    Query,
    /// Any other token.
    #[default]
    Other,
}

impl Method {
    pub(super) fn of(token: &[u8]) -> Self {
        match token {
            b"GET" => Method::Get,
            b"HEAD" => Method::Head,
            b"POST" => Method::Post,
            b"PUT" => Method::Put,
            b"DELETE" => Method::Delete,
            b"CONNECT" => Method::Connect,
            b"OPTIONS" => Method::Options,
            b"TRACE" => Method::Trace,
            b"PATCH" => Method::Patch,
            b"QUERY" => Method::Query,
            _ => Method::Other,
        }
    }

    /// As it stands in records: `_OTHER` for one that is not known.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
            Method::Connect => "CONNECT",
            Method::Options => "OPTIONS",
            Method::Trace => "TRACE",
            Method::Patch => "PATCH",
            Method::Query => "QUERY",
            Method::Other => "_OTHER",
        }
    }
}

/// The longest method that is read.
pub(super) const LONGEST: usize = 24;

/// A token character (RFC 9110, 5.6.2) as methods use them.
pub(super) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// True for a method of the IANA registry that is in use.
pub(super) fn is_registered(token: &[u8]) -> bool {
    Method::of(token) != Method::Other || REGISTERED.contains(&token)
}

/// True for the beginning of one.
pub(super) fn begins_registered(token: &[u8]) -> bool {
    let known = [
        &b"GET"[..],
        b"HEAD",
        b"POST",
        b"PUT",
        b"DELETE",
        b"CONNECT",
        b"OPTIONS",
        b"TRACE",
        b"PATCH",
        b"QUERY",
    ];
    known.iter().chain(REGISTERED).any(|method| method.starts_with(token))
}

/// WebDAV (RFC 4918, 3253, 3648, 3744, 5323), CalDAV (4791), UPnP and caches.
const REGISTERED: &[&[u8]] = &[
    b"ACL",
    b"BIND",
    b"CHECKIN",
    b"CHECKOUT",
    b"COPY",
    b"LABEL",
    b"LINK",
    b"LOCK",
    b"MERGE",
    b"MKACTIVITY",
    b"MKCALENDAR",
    b"MKCOL",
    b"MKWORKSPACE",
    b"MOVE",
    b"M-SEARCH",
    b"NOTIFY",
    b"ORDERPATCH",
    b"PROPFIND",
    b"PROPPATCH",
    b"PURGE",
    b"REBIND",
    b"REPORT",
    b"SEARCH",
    b"SUBSCRIBE",
    b"UNBIND",
    b"UNCHECKOUT",
    b"UNLINK",
    b"UNLOCK",
    b"UNSUBSCRIBE",
    b"UPDATE",
    b"VERSION-CONTROL",
];
