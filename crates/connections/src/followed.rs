//! One connection, as it is followed.

use std::sync::Arc;

use model::request::{Peer, Process as Shown};
use model::tcp::{Connection, Growth, Moment, Tcp};
use model::time::ClockReading;
use model::{Endpoint, Role};
use workload::Process;

use crate::Placed;

/// What is known of a connection.
#[derive(Debug)]
pub(crate) struct Followed {
    pub(crate) tcp: Tcp,
    /// Who has it: seen to, or else who listens where it was accepted.
    pub(crate) process: Option<Arc<Process>>,
    /// That process was seen to have it.
    pub(crate) is_certain: bool,
    /// The service at the other end, once found.
    pub(crate) peer: Option<Arc<str>>,
    pub(crate) peer_is_certain: bool,
    /// What had been counted by when it was last told.
    told: Growth,
}

impl Followed {
    pub(crate) fn new(tcp: Tcp) -> Self {
        // What one that was open before us has moved, it moved before anybody counted.
        let told = if tcp.began.is_some() { Growth::default() } else { Growth::of(&tcp.counters) };
        Followed { tcp, process: None, is_certain: false, peer: None, peer_is_certain: false, told }
    }

    /// Takes what is told of it now, unless later things are known.
    pub(crate) fn update(&mut self, tcp: &Tcp) {
        if tcp.time >= self.tcp.time {
            // Who it is does not change; a role that was concluded is not to be forgotten.
            let role = if tcp.role == Role::Unknown { self.tcp.role } else { tcp.role };
            // Where sums are taken, when it began is told once.
            self.tcp = Tcp { role, began: tcp.began.or(self.tcp.began), ..tcp.clone() };
        }
    }

    pub(crate) fn placed(&self) -> Option<Placed> {
        let tcp = &self.tcp;
        Placed::new((tcp.connection, tcp.netns), (&tcp.local, &tcp.remote), false)
    }

    pub(crate) fn service(&self) -> Option<&Arc<str>> {
        self.process.as_ref().map(|process| &process.service)
    }

    /// As it is shown at `moment`.
    pub(crate) fn shown(&self, moment: Moment, clock: ClockReading) -> Connection {
        let tcp = &self.tcp;
        let own = Peer { endpoint: tcp.local.clone(), service: self.service().cloned() };
        let other = Peer { endpoint: tcp.remote.clone(), service: self.peer.clone() };
        let (client, server) = if tcp.role == Role::Server { (other, own) } else { (own, other) };
        Connection {
            time: clock.wall_at(tcp.time),
            moment,
            id: tcp.connection,
            age: tcp.began.map(|began| tcp.time.saturating_sub(began)),
            role: tcp.role,
            client,
            server,
            process: self.process.as_deref().map(shown),
            state: tcp.state,
            connect: tcp.connect,
            counters: tcp.counters,
            growth: Growth::of(&tcp.counters).since(&self.told),
        }
    }

    /// What was counted until now is told.
    pub(crate) fn is_told(&mut self) {
        self.told = Growth::of(&self.tcp.counters);
    }
}

pub(crate) fn shown(process: &Process) -> Shown {
    Shown { pid: process.pid, command: process.command.clone(), service: process.service.clone() }
}

/// Ports from here on are given to clients by default (`ip_local_port_range`).
const EPHEMERAL: u16 = 32_768;

/// The client of a connection that was open before us, where nothing else tells who it is.
pub(crate) fn looks_like_client(tcp: &Tcp) -> bool {
    let port = |end: &Endpoint| end.port().unwrap_or(0);
    port(&tcp.local) >= EPHEMERAL && port(&tcp.remote) < EPHEMERAL
}
