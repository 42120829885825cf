//! Requests that begin: what traces are put together from, beside those that are finished.

use crate::trace::Ids;
use crate::{ConnectionId, Nanos, Role};

/// A request that began, as one side saw it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Begun {
    /// The connection.
    pub connection: ConnectionId,
    /// The side.
    pub role: Role,
    /// Its process; 0 where unknown.
    pub pid: u32,
    /// The thread that asks, or that read the request; 0 where unknown.
    pub tid: u32,
    /// When that thread asked, or had read the request's head.
    pub time: Nanos,
    /// When its first byte was seen: of a server's, when it arrived, which may be earlier.
    pub first: Nanos,
    /// The same by the wall clock: nanoseconds since 1970-01-01 UTC.
    pub wall: u64,
    /// Of the first one on a client's connection: when the connection was asked for; 0 for others.
    pub connected: Nanos,
    /// Where its first byte stands in its direction: on TCP a sequence number.
    pub position: u32,
    /// A number for the connection, which its other end has too; 0 where it is not known by what the ends find each other.
    pub wire: u64,
    /// What a proxy passes on unchanged of it ([`crate::trace::key`]); 0 where it is no HTTP.
    pub key: u64,
    /// What its headers say.
    pub ids: Ids,
}

/// What happens to requests before they are finished.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Note {
    /// One began.
    Begun(Begun),
    /// The first bytes of the answer to the one that is under way on this connection went by then; told of those with a [`Begun::key`].
    Answered(ConnectionId, Nanos),
    /// Nothing more is told of a connection.
    Gone(ConnectionId, Nanos),
    /// A process ended, and its id may become another one's.
    Left(u32, Nanos),
}

/// What a request's record does not tell: by the monotonic clock, and by whom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finished {
    /// How it began.
    pub begun: Begun,
    /// When the first byte of its answer went by; 0 where there was none.
    pub answered: Nanos,
    /// When it was over.
    pub ended: Nanos,
    /// The thread that answered, or that read the answer; 0 where unknown.
    pub by: u32,
}
