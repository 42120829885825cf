//! A finished request: one exchange, seen from one side.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::names::Key;
use crate::trace::Place;
use crate::{ConnectionId, Endpoint, Role, Text};

/// One exchange as one of its two sides saw it. A call between two processes of a host gives two.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// First byte of the request: nanoseconds since 1970-01-01 UTC.
    pub time: u64,
    /// From the first byte of the request to the last of the response: nanoseconds.
    pub duration: u64,
    /// The side that `process` is on.
    pub role: Role,
    /// `http`, `redis`, ...
    pub protocol: &'static str,
    /// What was asked, of low cardinality: `GET /users/{id}`, `SET`.
    pub name: Text,
    /// The `error.type` where the exchange failed: a status code, an error's name, `timeout`, `reset`.
    pub error: Option<Text>,
    /// Who spoke with whom.
    pub ends: Arc<Ends>,
    /// The thread of the process that handled the request; 0 where that is not known.
    pub tid: u32,
    /// Whole size of the request on the wire, headers included.
    pub request_bytes: u64,
    /// Whole size of the response on the wire.
    pub response_bytes: u64,
    /// Further facts, by their conventional names.
    pub attributes: Attributes,
    /// The connection, by which a side's requests belong together.
    pub connection: ConnectionId,
    /// The time is the caller's wish to wait (a blocking pop, a long poll), not latency.
    pub waiting: bool,
    /// What of the exchange was not seen.
    pub incomplete: Option<Incomplete>,
    /// Where it stands in a trace, where it was joined to other requests.
    pub place: Option<Place>,
    /// The TCP sequence number of its first byte, by which the other end's record is found on another host. `None` where that is not
    /// wanted, or not known.
    pub sequence: Option<u32>,
}

/// Who spoke with whom: the same for one request of a connection after the other, which share it.
#[derive(Debug, Clone, PartialEq)]
pub struct Ends {
    /// The end that asked.
    pub client: Peer,
    /// The end that answered.
    pub server: Peer,
    /// Who did the I/O on this side, where known.
    pub process: Option<Process>,
}

impl Request {
    /// The same with other ends; those that it shares with others stay as they are.
    #[must_use]
    pub fn with_ends(mut self, change: impl FnOnce(&mut Ends)) -> Self {
        change(Arc::make_mut(&mut self.ends));
        self
    }
}

/// One end of the exchange.
#[derive(Debug, Clone, PartialEq)]
pub struct Peer {
    /// Its address.
    pub endpoint: Endpoint,
    /// Its service's name, where known.
    pub service: Option<Arc<str>>,
}

/// The process on the observed side.
#[derive(Debug, Clone, PartialEq)]
pub struct Process {
    /// Process id in the initial namespace.
    pub pid: u32,
    /// Its command.
    pub command: Arc<str>,
    /// Its service's name.
    pub service: Arc<str>,
}

/// What was not seen of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Incomplete {
    /// The request, or part of its head.
    Request,
    /// The response, or part of its head.
    Response,
    /// The beginning of the connection.
    Start,
}

impl Incomplete {
    /// `request`, `response` or `start`.
    pub fn as_str(self) -> &'static str {
        match self {
            Incomplete::Request => "request",
            Incomplete::Response => "response",
            Incomplete::Start => "start",
        }
    }
}

/// Attributes in the order in which the protocol gives them; few, so a list beats a map.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Attributes(SmallVec<[(Key, Value); 8]>);

/// An attribute's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Int(i64),
    /// One of a few fixed words.
    Word(&'static str),
    /// Text from the exchange.
    Text(Text),
}

impl Attributes {
    /// Adds an attribute; a key is added once.
    pub fn push(&mut self, key: Key, value: Value) {
        self.0.push((key, value));
    }

    /// Adds a number.
    pub fn int(&mut self, key: Key, value: impl Into<i64>) {
        self.push(key, Value::Int(value.into()));
    }

    /// Adds one of a few fixed words.
    pub fn word(&mut self, key: Key, value: &'static str) {
        self.push(key, Value::Word(value));
    }

    /// Adds text.
    pub fn text(&mut self, key: Key, value: impl Into<Text>) {
        self.push(key, Value::Text(value.into()));
    }

    /// The value under `key`.
    pub fn get(&self, key: Key) -> Option<&Value> {
        // Keys are constants: nearly always it is the very same text.
        let is_it = |(k, _): &&(Key, Value)| std::ptr::eq(*k, key) || *k == key;
        self.0.iter().find(is_it).map(|(_, v)| v)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &(Key, Value)> {
        self.0.iter()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Int(number) => number.fmt(f),
            Value::Word(word) => f.write_str(word),
            Value::Text(text) => f.write_str(text),
        }
    }
}
