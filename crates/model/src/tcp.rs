//! What the kernel counts of TCP connections by itself.

use serde::{Deserialize, Serialize};

use crate::request::{Peer, Process};
use crate::{ConnectionId, Endpoint, Nanos, Role};

/// What the kernel has counted of a connection by a moment. It tells all that is to be known, so that what was lost before is
/// made up for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tcp {
    /// The connection.
    pub connection: ConnectionId,
    /// When.
    pub time: Nanos,
    /// What happened.
    pub moment: Moment,
    /// Its state; of one that is closed the last before that.
    pub state: State,
    /// What the kernel knows of the role.
    pub role: Role,
    /// This socket's address.
    pub local: Endpoint,
    /// The peer's address.
    pub remote: Endpoint,
    /// Inode number of the network namespace.
    pub netns: u32,
    /// The socket's inode number, by which `/proc/PID/fd` shows it; 0 where no process has it.
    pub inode: u32,
    /// The process that has it, where that was seen; else 0.
    pub pid: u32,
    /// When a client's SYN was sent, or a server's connection was established; nothing for one that was open before us.
    pub began: Option<Nanos>,
    /// From a client's SYN to established.
    pub connect: Option<Nanos>,
    /// What was counted.
    pub counters: Counters,
}

/// What happened to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Moment {
    /// It was established; of a socket that listens: it began to.
    Opened,
    /// Nothing: it was looked at.
    GoesOn,
    /// It is gone.
    Closed(Cause),
    /// It was to be opened, and was not.
    Failed(Cause),
}

/// Why a connection is gone, or was not established.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Cause {
    /// In good order; this side ended first.
    LocalFin,
    /// In good order; the peer ended first.
    RemoteFin,
    /// This side dropped it.
    LocalReset,
    /// The peer dropped it.
    RemoteReset,
    /// No answer in time.
    TimedOut,
    /// The network said that there is no way to the peer.
    Unreachable,
    /// Given up by the process while it connected, or killed by an administrator.
    Aborted,
    /// Nobody listens there.
    Refused,
    /// No local address or port was to be had.
    LocalAddress,
    /// Another error.
    Other,
    /// Its end was not told: it was not found any more.
    Unseen,
}

impl Cause {
    /// All of them.
    pub const ALL: [Cause; 11] = [
        Cause::LocalFin,
        Cause::RemoteFin,
        Cause::LocalReset,
        Cause::RemoteReset,
        Cause::TimedOut,
        Cause::Unreachable,
        Cause::Aborted,
        Cause::Refused,
        Cause::LocalAddress,
        Cause::Other,
        Cause::Unseen,
    ];

    /// The word for it in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::LocalFin => "local_fin",
            Cause::RemoteFin => "remote_fin",
            Cause::LocalReset => "local_reset",
            Cause::RemoteReset => "remote_reset",
            Cause::TimedOut => "timeout",
            Cause::Unreachable => "unreachable",
            Cause::Aborted => "aborted",
            Cause::Refused => "refused",
            Cause::LocalAddress => "local_address",
            Cause::Other => "other",
            Cause::Unseen => "unseen",
        }
    }

    /// Not an orderly end.
    pub fn is_failure(self) -> bool {
        !matches!(self, Cause::LocalFin | Cause::RemoteFin | Cause::Unseen)
    }
}

/// A TCP socket's state (RFC 9293, 3.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs)] // their names are the standard's
pub enum State {
    Established,
    SynSent,
    SynReceived,
    FinWait1,
    FinWait2,
    TimeWait,
    Closed,
    CloseWait,
    LastAck,
    Listen,
    Closing,
}

impl State {
    /// All of them, as the kernel numbers them from 1 on.
    pub const ALL: [State; 11] = [
        State::Established,
        State::SynSent,
        State::SynReceived,
        State::FinWait1,
        State::FinWait2,
        State::TimeWait,
        State::Closed,
        State::CloseWait,
        State::LastAck,
        State::Listen,
        State::Closing,
    ];

    /// By the kernel's number.
    pub fn of_kernel(number: u8) -> Option<State> {
        State::ALL.get(usize::from(number).checked_sub(1)?).copied()
    }

    /// The word for it in output.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Established => "established",
            State::SynSent => "syn_sent",
            State::SynReceived => "syn_received",
            State::FinWait1 => "fin_wait_1",
            State::FinWait2 => "fin_wait_2",
            State::TimeWait => "time_wait",
            State::Closed => "closed",
            State::CloseWait => "close_wait",
            State::LastAck => "last_ack",
            State::Listen => "listen",
            State::Closing => "closing",
        }
    }
}

/// A connection's counters and measures. Counts are since its beginning; `tcp(7)` and RFC 4898 say more of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Bytes that were sent, each counted once.
    pub sent: u64,
    /// Sequence numbers that the peer acknowledged: bytes, and the SYN and FIN of this side.
    pub acked: u64,
    /// Bytes that were received in order.
    pub received: u64,
    /// Bytes that were sent again.
    pub retransmitted: u64,
    /// Segments sent, and received; below those with data.
    pub segments_out: u32,
    #[allow(missing_docs)]
    pub segments_in: u32,
    #[allow(missing_docs)]
    pub data_segments_out: u32,
    #[allow(missing_docs)]
    pub data_segments_in: u32,
    /// Segments that were sent again, a SYN included.
    pub retransmits: u32,
    /// Segments that were taken for lost.
    pub lost: u32,
    /// Times that the peer was seen to get segments in another order.
    pub reordered: u32,
    /// Segments that came out of order.
    pub out_of_order: u32,
    /// Segments that the peer said it had twice.
    pub duplicates: u32,
    /// Segments that were delivered.
    pub delivered: u32,
    /// Smoothed round-trip time, where it was measured.
    pub rtt: Option<Nanos>,
    /// Its mean deviation.
    pub rtt_variation: Nanos,
    /// The shortest within the last minutes.
    pub rtt_min: Option<Nanos>,
    /// Congestion window: segments.
    pub window: u32,
    /// Size of a segment: bytes.
    pub segment_size: u32,
    /// Segments on their way.
    pub unacked: u32,
    /// Bytes that were written and wait to be sent.
    pub unsent: u32,
    /// Bytes that came and wait to be read.
    pub unread: u32,
}

/// A TCP socket that listens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Listener {
    /// The socket.
    pub connection: ConnectionId,
    /// When.
    pub time: Nanos,
    /// What happened.
    pub moment: Moment,
    /// Where it listens.
    pub local: Endpoint,
    /// Inode number of the network namespace.
    pub netns: u32,
    /// The socket's inode number.
    pub inode: u32,
    /// The process that made it listen, where that was seen; else 0.
    pub pid: u32,
    /// Connections that wait to be accepted.
    pub backlog: u32,
    /// How many may.
    pub limit: u32,
    /// Connections that were turned away, for one cause or another.
    pub drops: u32,
}

/// A connection with who is at its ends, as it is shown: at its beginning, at intervals, at its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Connection {
    /// When: nanoseconds since 1970-01-01 UTC.
    pub time: u64,
    /// What happened.
    pub moment: Moment,
    /// The connection.
    pub id: ConnectionId,
    /// For how long it has been, or was, there; nothing where it was open before us.
    pub age: Option<Nanos>,
    /// The side that `process` is on.
    pub role: Role,
    /// The end that opened it; the observed one where that is not known.
    pub client: Peer,
    /// The end that accepted it.
    pub server: Peer,
    /// Who has the observed socket, where known.
    pub process: Option<Process>,
    /// Its state; of one that is closed the last before that.
    pub state: State,
    /// From a client's SYN to established.
    pub connect: Option<Nanos>,
    /// What was counted.
    pub counters: Counters,
    /// What was added since it was last told; of one that was open before us nothing at first.
    pub growth: Growth,
}

/// What was counted between two moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Growth {
    /// Bytes that were sent, each counted once.
    pub sent: u64,
    /// Bytes that were received in order.
    pub received: u64,
    /// Bytes that were sent again.
    pub retransmitted: u64,
    /// Segments sent.
    pub segments_out: u32,
    /// Segments received.
    pub segments_in: u32,
    /// Segments that were sent again.
    pub retransmits: u32,
}

impl Growth {
    /// All that was counted from the beginning on.
    pub fn of(counters: &Counters) -> Self {
        Growth {
            sent: counters.sent,
            received: counters.received,
            retransmitted: counters.retransmitted,
            segments_out: counters.segments_out,
            segments_in: counters.segments_in,
            retransmits: counters.retransmits,
        }
    }

    /// What came after `before`.
    pub fn since(&self, before: &Growth) -> Self {
        Growth {
            sent: self.sent.saturating_sub(before.sent),
            received: self.received.saturating_sub(before.received),
            retransmitted: self.retransmitted.saturating_sub(before.retransmitted),
            // These wrap round in the kernel.
            segments_out: self.segments_out.wrapping_sub(before.segments_out),
            segments_in: self.segments_in.wrapping_sub(before.segments_in),
            retransmits: self.retransmits.wrapping_sub(before.retransmits),
        }
    }
}

/// A socket that listens, with who has it, as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Listening {
    /// When: nanoseconds since 1970-01-01 UTC.
    pub time: u64,
    /// What happened.
    pub moment: Moment,
    /// The socket.
    pub id: ConnectionId,
    /// Where it listens, and for which service.
    pub server: Peer,
    /// Who has it, where known.
    pub process: Option<Process>,
    /// Connections that wait to be accepted.
    pub backlog: u32,
    /// How many may.
    pub limit: u32,
    /// Connections that were turned away, for one cause or another.
    pub drops: u32,
}
