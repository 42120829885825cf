//! A connection as one of its two ends sees it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::Text;

/// One end of a connection on this host, for as long as Weir runs.
///
/// A call between two processes of the same host has two of these, one for each socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ConnectionId(pub u64);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Which way bytes went, seen from the observed socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// The socket's process wrote them.
    Sent,
    /// The socket's process read them.
    Received,
}

impl Direction {
    /// 0 for sent, 1 for received: a place in a two-element array.
    pub fn index(self) -> usize {
        self as usize
    }

    /// The opposite direction.
    pub fn other(self) -> Self {
        match self {
            Direction::Sent => Direction::Received,
            Direction::Received => Direction::Sent,
        }
    }
}

/// What the observed socket is in the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Role {
    /// It opened the connection.
    Client,
    /// It accepted the connection.
    Server,
    /// Not known (yet): the connection was open before us, or has no opener (`socketpair`).
    #[default]
    Unknown,
}

impl Role {
    /// `client`, `server` or `unknown`.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Client => "client",
            Role::Server => "server",
            Role::Unknown => "unknown",
        }
    }

    /// The party that speaks in `direction`, when the role is known.
    pub fn speaker(self, direction: Direction) -> Option<Party> {
        match (self, direction) {
            (Role::Client, Direction::Sent) | (Role::Server, Direction::Received) => Some(Party::Client),
            (Role::Client, Direction::Received) | (Role::Server, Direction::Sent) => Some(Party::Server),
            (Role::Unknown, _) => None,
        }
    }
}

/// One of the two parties of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Party {
    /// The one that asks.
    Client,
    /// The one that answers.
    Server,
}

impl Party {
    /// 0 for the client, 1 for the server: a place in a two-element array.
    pub fn index(self) -> usize {
        self as usize
    }

    /// The opposite party.
    pub fn other(self) -> Self {
        match self {
            Party::Client => Party::Server,
            Party::Server => Party::Client,
        }
    }
}

/// One end's address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Endpoint {
    /// TCP over IPv4 or IPv6. A v4-mapped IPv6 address is kept as IPv4.
    Ip(SocketAddr),
    /// A Unix socket's path; an abstract name begins with `@`; empty where the end is not bound.
    Unix(Text),
}

impl Endpoint {
    /// An IP endpoint, with a v4-mapped IPv6 address turned into IPv4 (RFC 4291, 2.5.5.2).
    pub fn ip(address: IpAddr, port: u16) -> Self {
        Endpoint::Ip(SocketAddr::new(address.to_canonical(), port))
    }

    /// The port, where there is one.
    pub fn port(&self) -> Option<u16> {
        match self {
            Endpoint::Ip(address) => Some(address.port()),
            Endpoint::Unix(_) => None,
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Ip(address) => address.fmt(f),
            Endpoint::Unix(path) => f.write_str(path),
        }
    }
}
