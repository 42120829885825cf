//! Questions to a multicast group. Who answers has an address of its own, so that question and answer go by different
//! addresses: here they meet.
//!
//! An answer comes from the group's port, and goes back to who asked; or to the whole group, where it reaches those
//! that asked from the group's port.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use model::event::Open;
use model::{ConnectionId, Direction, Endpoint, Role};

/// Askers that are remembered. An answer to the group is compared with what each of them asked.
const MOST: usize = 64;

/// Who asked a group, and may still be answered.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    /// The latest is the last.
    askers: VecDeque<Asker>,
}

#[derive(Debug, Clone, Copy)]
struct Asker {
    connection: ConnectionId,
    netns: u32,
    /// Whether it is one of this host that asked (client), or one that this host heard (server).
    role: Role,
    address: SocketAddr,
    group: SocketAddr,
}

/// What this host is in a conversation with a group; `None` for one between two. To a group is only sent, and from one
/// only received: where the group is the local end, somebody asked it.
pub(crate) fn role(open: &Open) -> Option<Role> {
    match (&open.local, &open.remote) {
        (_, Endpoint::Ip(remote)) if remote.ip().is_multicast() => Some(Role::Client),
        (Endpoint::Ip(local), _) if local.ip().is_multicast() => Some(Role::Server),
        _ => None,
    }
}

impl Groups {
    pub(crate) fn is_empty(&self) -> bool {
        self.askers.is_empty()
    }

    /// Something was asked on `open`. Where there are too many askers, those that wait no more are forgotten, or else the
    /// earliest: true if it still waited.
    pub(crate) fn ask(&mut self, open: &Open, waits: impl Fn(ConnectionId) -> bool) -> bool {
        let (Some(role), Endpoint::Ip(local), Endpoint::Ip(remote)) = (role(open), &open.local, &open.remote)
        else {
            return false;
        };
        let (address, group) = if role == Role::Client { (*local, *remote) } else { (*remote, *local) };
        let asker = Asker { connection: open.connection, netns: open.netns, role, address, group };
        if let Some(place) = self.askers.iter().position(|asker| asker.connection == open.connection) {
            self.askers.remove(place);
        } else if self.askers.len() >= MOST {
            self.askers.retain(|asker| waits(asker.connection));
        }
        let displaced = if self.askers.len() >= MOST { self.askers.pop_front() } else { None };
        self.askers.push_back(asker);
        displaced.is_some()
    }

    /// Nobody waits any more.
    pub(crate) fn sweep(&mut self, waits: impl Fn(ConnectionId) -> bool) {
        self.askers.retain(|asker| waits(asker.connection));
    }

    /// Puts into `askers` who may be answered by what goes in `direction` on `open`. Of those here, the one nearest to who
    /// answers comes first: a program asks on all its networks, and is answered on one.
    pub(crate) fn answered(&self, open: &Open, direction: Direction, askers: &mut Vec<ConnectionId>) {
        askers.clear();
        let (Endpoint::Ip(local), Endpoint::Ip(remote)) = (&open.local, &open.remote) else { return };
        let (from, to, role) = match direction {
            Direction::Sent => (local, remote, Role::Server),
            Direction::Received => (remote, local, Role::Client),
        };
        let mut nearest = 0;
        for asker in &self.askers {
            if asker.netns != open.netns || asker.role != role || !asker.is_answered(*from, *to) {
                continue;
            }
            askers.push(asker.connection);
            let near = common_bits(asker.address.ip(), from.ip());
            if near > nearest {
                nearest = near;
                let last = askers.len() - 1;
                askers.swap(0, last);
            }
        }
    }
}

impl Asker {
    fn is_answered(&self, from: SocketAddr, to: SocketAddr) -> bool {
        let reached = if to.ip().is_multicast() {
            to == self.group && self.address.port() == to.port()
        } else {
            to == self.address
        };
        // What one sends to a group comes back to oneself, and loopback leads nowhere else.
        reached
            && from.port() == self.group.port()
            && from != self.address
            && from.ip().is_loopback() == self.address.ip().is_loopback()
    }
}

/// How many leading bits two addresses have in common.
fn common_bits(one: IpAddr, other: IpAddr) -> u32 {
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros(),
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros(),
        _ => 0,
    }
}
