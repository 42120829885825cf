//! What the kernel side tells: the input of everything that is analysed.
//!
//! Live, `probes` makes these from the records of its ring; in a test they come from a recording.
//! An event borrows its payload, so that a byte is copied only when a stream has to keep it.

use serde::{Deserialize, Serialize};

use crate::tcp::{Listener, Tcp};
use crate::{ConnectionId, Direction, Endpoint, Nanos, Role, Text};

/// One event, in the order of the ring. Order in time is by the stamps, never by place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event<'a> {
    /// A connection was seen for the first time. It may be told again: the later one counts.
    Open(Open),
    /// The process that does the connection's I/O, told when it changes.
    Owner(Owner),
    /// Bytes moved.
    #[serde(borrow)]
    Chunk(Chunk<'a>),
    /// A direction, or the whole connection, ended.
    End(End),
    /// A process replaced its program (or was found at start).
    Exec(Exec),
    /// A process ended.
    Exit(Exit),
    /// Datagrams go between two addresses, seen for the first time from one of them. Each chunk of it is a datagram, and
    /// its positions count bytes.
    OpenDatagrams(Open),
    /// What the kernel counts of a TCP connection: at its beginning, at intervals, and at its end.
    Tcp(Tcp),
    /// The same of a socket that listens.
    Listener(Listener),
    /// When a server read the bytes of the chunk that is told next. Told only where that is asked for.
    Read(Read),
}

/// A connection's unchanging facts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Open {
    /// The connection's end.
    pub connection: ConnectionId,
    /// When it was first seen.
    pub time: Nanos,
    /// What the kernel knows of the role.
    pub role: Role,
    /// This socket's address.
    pub local: Endpoint,
    /// The peer's address.
    pub remote: Endpoint,
    /// Inode number of the network namespace.
    pub netns: u32,
    /// True when the whole life of the connection was seen, from its first byte.
    pub from_start: bool,
    /// Unix sockets: the other end, which is on this host too.
    pub peer: Option<ConnectionId>,
    /// Unix sockets: this socket's inode number, by which `/proc/net/unix` lists it; 0 where unknown.
    pub inode: u32,
}

/// The process that reads or writes a connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Owner {
    /// The connection.
    pub connection: ConnectionId,
    /// Process id in the initial namespace.
    pub pid: u32,
    /// Cgroup v2 id; 1 where only v1 hierarchies are in use.
    pub cgroup: u64,
    /// The process's command (`/proc/PID/comm` of its first thread).
    pub command: Text,
}

/// A run of bytes that one system call moved, or part of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Chunk<'a> {
    /// The connection.
    pub connection: ConnectionId,
    /// When the bytes were handed over.
    pub time: Nanos,
    /// Which way they went.
    pub direction: Direction,
    /// Place of the first byte: TCP sequence number, or a count modulo 2^32 on Unix sockets.
    pub position: u32,
    /// Where the previous chunk of this direction that the kernel side reported ended. When it is where
    /// the stream stands, nothing was lost, and what lies before `position` was left out on purpose.
    pub previous_end: u32,
    /// How many bytes were moved, from `position` on. May be more than `payload` holds.
    pub length: u32,
    /// Process id of who moved them; 0 where unknown.
    pub pid: u32,
    /// Thread id of who moved them; 0 where unknown.
    pub tid: u32,
    /// The first bytes of the chunk.
    pub payload: &'a [u8],
}

/// A chunk's own time is that of its bytes' arrival, where a server read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// The connection.
    pub connection: ConnectionId,
    /// When the process read them.
    pub time: Nanos,
}

/// How a direction or a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct End {
    /// The connection.
    pub connection: ConnectionId,
    /// When.
    pub time: Nanos,
    /// What happened.
    pub cause: EndCause,
    /// Position behind the last byte sent, where known.
    pub sent_end: Option<u32>,
    /// Position behind the last byte received, where known.
    pub received_end: Option<u32>,
}

/// What ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EndCause {
    /// This socket's process closed or shut down its sending direction (FIN sent).
    LocalFin,
    /// The peer will send no more (FIN received).
    RemoteFin,
    /// The connection is gone, after an orderly end.
    Closed,
    /// The peer reset the connection.
    RemoteReset,
    /// This side dropped the connection with a reset.
    LocalReset,
    /// The kernel gave up: no answer from the peer in time.
    TimedOut,
    /// The peer reset the connection. What came before may still be read, until [`EndCause::Closed`].
    ResetUnread,
}

/// A process's program, as far as it can be told at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exec {
    /// When.
    pub time: Nanos,
    /// Process id in the initial namespace.
    pub pid: u32,
    /// Cgroup v2 id.
    pub cgroup: u64,
    /// The new command.
    pub command: Text,
    /// The file that was executed, as given to `execve`.
    pub file: Text,
    /// The first arguments, in order; the list or its last element may be cut.
    pub arguments: Vec<Text>,
}

/// A process's end.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Exit {
    /// When.
    pub time: Nanos,
    /// Process id in the initial namespace.
    pub pid: u32,
}

/// The way back: what the kernel side is told of a connection, once it is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instruction {
    /// Leave it alone: from now on its events cost one check.
    Ignore,
    /// Tell [`Event::Open`] and [`Event::Owner`] again: they were lost or forgotten. Holds until another instruction is given, and is
    /// obeyed once.
    Announce {
        /// Which wish it is, from 1 on: told once more with the same number it is still the same one, which may be fulfilled by now.
        wish: u16,
    },
    /// Bytes of payload to capture of each run of bytes in a direction (at most 65,520).
    Budget {
        /// For bytes sent.
        sent: u32,
        /// For bytes received.
        received: u32,
        /// Beyond the budget, the last bytes of every call that sends, and of every one that receives.
        tails: [bool; 2],
    },
    /// No bytes, only which moved and when, several moves at once: they may come a twentieth of a second late, those of one direction in
    /// order. Another instruction gives up what was not told by then.
    Moves {
        /// The sum of the two ports, 0 where there are none: by it the programs find the connection most quickly.
        ports: u32,
    },
    /// It is gone, or forgotten: what is kept for it may be used for another one.
    Release,
}
